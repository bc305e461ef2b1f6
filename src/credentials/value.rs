//! Credentials: two keys, perhaps a token, perhaps an end.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// What a request is signed with. Clones share one allocation.
///
/// `Debug` shows the access key's id and the expiry, never the secret or the token.
///
/// ```
/// use tower_apigw::credentials::Credentials;
///
/// let credentials = Credentials::new("AKIDEXAMPLE", "a secret").session_token("a token");
/// let shown = format!("{credentials:?}");
/// assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("a secret") && !shown.contains("a token"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Arc<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expires_at: Option<SystemTime>,
}

impl Credentials {
    /// Credentials that do not expire.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            expires_at: None,
        }))
    }

    /// Adds the token that temporary credentials come with.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).session_token = Some(token.into());
        self
    }

    /// Adds when they end.
    #[must_use]
    pub fn expires_at(mut self, end: SystemTime) -> Self {
        Arc::make_mut(&mut self.0).expires_at = Some(end);
        self
    }

    /// The id of the access key, which is no secret: it stands in every signature.
    pub fn access_key_id(&self) -> &str {
        &self.0.access_key_id
    }

    /// When they end.
    pub fn expiry(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// Whether they have ended at `now`.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.0.expires_at.is_some_and(|end| end <= now)
    }

    pub(crate) fn secret_access_key(&self) -> &str {
        &self.0.secret_access_key
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.0.session_token.as_deref()
    }

    /// Whether both are the same allocation, which is quickly told.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.0.access_key_id)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}
