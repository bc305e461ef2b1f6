//! Credentials: two keys, perhaps a token, perhaps an end.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::credentials::{CredentialsError, CredentialsErrorKind};

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

    /// What a variable, a file or an answer holds; `names` say where each part is from.
    ///
    /// Blanks and line ends around a part are left out: no key has any, and what is put into a variable or a
    /// file often brings a line end along, with which every signature would be wrong.
    ///
    /// # Errors
    /// If a part holds what no key does, in which case the line end was not all that came along.
    pub(crate) fn found(
        names: [&str; 3],
        access_key_id: &str,
        secret_access_key: &str,
        session_token: Option<&str>,
    ) -> Result<Self, CredentialsError> {
        let [of_id, of_secret, of_token] = names;
        let wrong = |name: &str, what: &str| {
            let message = format!("{name} holds {what}, which no key does");
            CredentialsError::new(CredentialsErrorKind::Failed, message)
        };
        let clean = |name: &str, text: &str| match text.trim() {
            "" => Err(CredentialsError::new(
                CredentialsErrorKind::Failed,
                format!("{name} is empty"),
            )),
            text if text.chars().any(char::is_control) => {
                Err(wrong(name, "a line end or another control character"))
            }
            text => Ok(text.to_owned()),
        };
        let id = clean(of_id, access_key_id)?;
        if !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(of_id, "a blank or a letter beyond ASCII"));
        }
        let mut found = Self::new(id, clean(of_secret, secret_access_key)?);
        if let Some(token) = session_token.filter(|token| !token.trim().is_empty()) {
            found = found.session_token(clean(of_token, token)?);
        }
        Ok(found)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_key_is_no_part_of_it() {
        const NAMES: [&str; 3] = ["ID", "SECRET", "TOKEN"];
        let found = |id, secret, token| Credentials::found(NAMES, id, secret, token);
        let clean = found("AKID\n", "\ta secret\r\n", Some(" token ")).unwrap();
        assert_eq!(clean.access_key_id(), "AKID");
        assert_eq!(clean.secret_access_key(), "a secret");
        assert_eq!(clean.token(), Some("token"));
        assert_eq!(found("AKID", "secret", Some(" \n")).unwrap().token(), None);
        for (id, secret, token, part) in [
            ("AK ID", "hunter2", None, "ID holds a blank"),
            ("AKID\u{e9}", "hunter2", None, "ID holds a blank"),
            ("AKID", "hunter2\nother", None, "SECRET holds a line end"),
            ("AKID", " \n", None, "SECRET is empty"),
            (
                "AKID",
                "hunter2",
                Some("hunter2\0x"),
                "TOKEN holds a line end",
            ),
        ] {
            let error = found(id, secret, token).unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(told.starts_with(part), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
            assert_eq!(error.kind(), CredentialsErrorKind::Failed);
        }
    }
}
