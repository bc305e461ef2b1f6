//! Roles, assumed through STS.

use std::fmt;

use aws_config::sts::AssumeRoleProvider;

use crate::credentials::sdk::DefaultChain;
use crate::credentials::sdk::convert::{self, Lent};
use crate::credentials::{
    AssumeRole, Credentials, CredentialsError, CredentialsFuture, ProvideCredentials,
    SharedProvider,
};

/// The name of sessions unless another is chosen; it stands in the logs of AWS.
const SESSION: &str = "tower-apigw";

/// Assumes roles through STS: made by [`DefaultChain::roles`], for
/// [`SharedProvider::assume_roles`].
///
/// # Errors
/// [`CredentialsErrorKind::Failed`](crate::credentials::CredentialsErrorKind::Failed) with the reason of STS.
#[derive(Clone)]
pub struct StsRoles {
    chain: DefaultChain,
    own: SharedProvider,
    session: String,
    external_id: Option<String>,
}

impl StsRoles {
    pub(super) fn new(chain: DefaultChain, own: SharedProvider) -> Self {
        Self {
            chain,
            own,
            session: SESSION.to_owned(),
            external_id: None,
        }
    }

    /// The name of the sessions, `tower-apigw` unless it is set.
    #[must_use]
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.session = name.into();
        self
    }

    /// The external id that the trust policies of the roles ask for.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// One role, as a provider of credentials.
    ///
    /// ```no_run
    /// # #[cfg(feature = "client")] {
    /// use tower_apigw::backend::HttpClient;
    /// use tower_apigw::credentials::{DefaultChain, SharedProvider};
    ///
    /// let chain = DefaultChain::new(HttpClient::new());
    /// let own = SharedProvider::new(chain.clone());
    /// let role = chain.roles(own).role("arn:aws:iam::123456789012:role/gateway");
    /// let credentials = SharedProvider::new(role);
    /// # let _ = credentials; }
    /// ```
    pub fn role(self, role: impl Into<String>) -> AssumedRole {
        AssumedRole {
            roles: self,
            role: role.into(),
        }
    }

    async fn credentials(&self, role: &str) -> Result<Credentials, CredentialsError> {
        // Without them STS has nothing to say, and their failure says more than that of the role.
        self.own.own().await?;
        let mut provider = AssumeRoleProvider::builder(role)
            .session_name(&self.session)
            .configure(self.chain.config().await);
        if let Some(id) = &self.external_id {
            provider = provider.external_id(id);
        }
        let provider = provider.build_from_provider(Lent(self.own.clone())).await;
        convert::provide(&provider).await
    }
}

impl AssumeRole for StsRoles {
    fn assume<'a>(&'a self, role: &'a str) -> CredentialsFuture<'a> {
        Box::pin(self.credentials(role))
    }
}

/// Tells what it is set to; the external id is the business of those who trust it.
impl fmt::Debug for StsRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsRoles")
            .field("chain", &self.chain)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The credentials of one role, assumed through STS: made by [`StsRoles::role`].
#[derive(Debug, Clone)]
pub struct AssumedRole {
    roles: StsRoles,
    role: String,
}

impl ProvideCredentials for AssumedRole {
    fn provide(&self) -> CredentialsFuture<'_> {
        Box::pin(self.roles.credentials(&self.role))
    }
}
