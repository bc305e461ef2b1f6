//! The order in which AWS's own clients look for credentials.

use std::fmt;
use std::sync::Arc;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::sync::OnceCell;
use tower_service::Service;

use crate::body::Body;
use crate::credentials::sdk::connector::Connector;
use crate::credentials::sdk::{StsRoles, convert};
use crate::credentials::{
    Credentials, CredentialsError, CredentialsErrorKind, CredentialsFuture, Environment,
    ProvideCredentials, SharedProvider,
};
use crate::error::BoxError;

/// The region whose STS is asked when none is configured.
// Chosen: AWS's clients would ask the metadata of an instance, which elsewhere takes seconds to fail.
const REGION: &str = "us-east-1";

/// Looks for credentials where AWS's own clients do, by the crate `aws-config`: environment, profile
/// (`AWS_PROFILE`, `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`: keys, roles, processes), web
/// identity (`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`), container
/// (`AWS_CONTAINER_CREDENTIALS_…`), and the metadata of the instance. What is set for these in the
/// environment or the profile is honoured, `AWS_ENDPOINT_URL_STS` and `AWS_EC2_METADATA_…` among it.
/// Single sign-on is not among them.
///
/// Files are read once, when credentials are first asked for. Clones share what was read. It needs
/// a tokio runtime with time.
///
/// # Errors
/// [`CredentialsErrorKind::Missing`] if nothing gives credentials, [`CredentialsErrorKind::Failed`] if a
/// source is configured and fails. What AWS's crates would log is not logged, since it holds whole
/// answers; the errors tell the reasons.
///
/// ```no_run
/// # #[cfg(feature = "client")] {
/// use tower_apigw::backend::HttpClient;
/// use tower_apigw::credentials::{DefaultChain, SharedProvider};
/// use tower_apigw::layer::SigV4Layer;
///
/// let chain = DefaultChain::new(HttpClient::new());
/// let own = SharedProvider::new(chain.clone());
/// // Roles that integrations name are assumed with them.
/// let credentials = own.clone().assume_roles(chain.roles(own));
/// let layer = SigV4Layer::new(credentials);
/// # let _ = layer; }
/// ```
#[derive(Clone)]
pub struct DefaultChain(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    client: SharedHttpClient,
    profile: Option<String>,
    region: Option<String>,
    config: OnceCell<SdkConfig>,
}

impl DefaultChain {
    /// A chain that sends what it has to over `client`, such as a
    /// [`HttpClient`](crate::backend) of its own.
    pub fn new<S, R>(client: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: HttpBody<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        Self(Arc::new(Inner {
            client: SharedHttpClient::new(Connector::new(client)),
            profile: None,
            region: None,
            config: OnceCell::new(),
        }))
    }

    /// Takes this profile instead of that of `AWS_PROFILE`. Keys in the environment still come first.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.change().profile = Some(name.into());
        self
    }

    /// The region whose STS is asked, instead of that of environment or profile.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.change().region = Some(region.into());
        self
    }

    fn change(&mut self) -> &mut Inner {
        let inner = Arc::make_mut(&mut self.0);
        inner.config = OnceCell::new();
        inner
    }

    /// Assumes roles through STS with the credentials of `own`.
    pub fn roles(&self, own: SharedProvider) -> StsRoles {
        StsRoles::new(self.clone(), own)
    }

    pub(super) async fn config(&self) -> &SdkConfig {
        self.0.config.get_or_init(|| self.0.load()).await
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        // They come first in the chain, and no file has to be read for them.
        match Environment.provide().await {
            Err(error) if error.kind() == CredentialsErrorKind::Missing => {}
            found => return found,
        }
        match self.config().await.credentials_provider() {
            Some(provider) => convert::provide(&provider).await,
            None => Err(CredentialsError::new(
                CredentialsErrorKind::Missing,
                "there is no source of credentials",
            )),
        }
    }
}

impl Inner {
    async fn load(&self) -> SdkConfig {
        let mut profile = ProfileFileRegionProvider::builder();
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(self.client.clone());
        if let Some(name) = &self.profile {
            loader = loader.profile_name(name);
            profile = profile.profile_name(name);
        }
        let region = RegionProviderChain::first_try(self.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(profile.build())
            .or_else(Region::from_static(REGION));
        convert::in_silence(loader.region(region).load()).await
    }
}

impl ProvideCredentials for DefaultChain {
    fn provide(&self) -> CredentialsFuture<'_> {
        Box::pin(self.credentials())
    }
}

/// Tells what it is set to, and nothing that it read.
impl fmt::Debug for DefaultChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultChain")
            .field("profile", &self.0.profile)
            .field("region", &self.0.region)
            .finish_non_exhaustive()
    }
}
