//! The stage that an API is deployed to: everything that its integrations share.

use std::sync::Arc;

use http::HeaderValue;

use crate::aws::Endpoints;
use crate::mapping::content::MediaTypes;
use crate::mapping::limits::Limits;

/// A deployed API at a stage: names, variables, binary media types, limits.
///
/// ```
/// use tower_apigw::mapping::Stage;
///
/// let stage = Stage::new("prod").variable("host", "pets.example.com").api_id("a1b2c3d4e5");
/// assert_eq!(stage.variables().get(0).map(|(name, _)| name.as_str()), Some("host"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Stage {
    pub(crate) name: Arc<str>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) api_id: Arc<str>,
    pub(crate) account_id: Arc<str>,
    pub(crate) deployment_id: Arc<str>,
    pub(crate) binary_media_types: MediaTypes,
    pub(crate) limits: Limits,
    pub(crate) endpoints: Endpoints,
    /// `AmazonAPIGateway_<api id>`
    pub(crate) user_agent: HeaderValue,
    pub(crate) api_id_header: HeaderValue,
}

impl Stage {
    /// A stage of this name; the default is `default`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            variables: Vec::new(),
            api_id: "local".into(),
            account_id: "000000000000".into(),
            deployment_id: "local".into(),
            binary_media_types: MediaTypes::default(),
            limits: Limits::none(),
            endpoints: Endpoints::new(),
            user_agent: HeaderValue::from_static("AmazonAPIGateway_local"),
            api_id_header: HeaderValue::from_static("local"),
        }
    }

    /// Adds a stage variable, or replaces the one of this name.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.variables.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.variables.push((name, value)),
        }
        self
    }

    /// Sets `$context.apiId`, which backends get as `X-Amzn-Apigateway-Api-Id` and in the
    /// `User-Agent`. Characters that a header cannot hold are left out there.
    pub fn api_id(mut self, api_id: impl Into<Arc<str>>) -> Self {
        self.api_id = api_id.into();
        let visible: String = self.api_id.chars().filter(char::is_ascii_graphic).collect();
        if let Ok(value) = HeaderValue::try_from(format!("AmazonAPIGateway_{visible}")) {
            self.user_agent = value;
        }
        if let Ok(value) = HeaderValue::try_from(visible) {
            self.api_id_header = value;
        }
        self
    }

    /// Sets `$context.accountId`.
    pub fn account_id(mut self, account_id: impl Into<Arc<str>>) -> Self {
        self.account_id = account_id.into();
        self
    }

    /// Sets `$context.deploymentId`.
    pub fn deployment_id(mut self, deployment_id: impl Into<Arc<str>>) -> Self {
        self.deployment_id = deployment_id.into();
        self
    }

    /// Sets the media types whose bodies are binary: `image/png`, `image/*` or `*/*`.
    pub fn binary_media_types<T: AsRef<str>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.binary_media_types = MediaTypes::new(types);
        self
    }

    /// Sets the limits; the default is [`Limits::none`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets where the services of AWS are; the default is at AWS.
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stage variables.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub(crate) fn find(&self, variable: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(name, _)| name == variable)
            .map(|(_, value)| value.as_str())
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new("default")
    }
}
