//! Building an [`Integration`] in Rust.

use std::time::Duration;

use indexmap::IndexMap;

use super::kind::{
    ContentHandling, IntegrationType, PassthroughBehavior, Protocol, ResponseTransferMode,
    SelectionSubject,
};
use super::response::IntegrationResponse;
use super::template::{Template, TemplateEngine, Templates};
use super::{Integration, Signing, TlsConfig};

impl Integration {
    /// An integration of `kind` with nothing else set.
    pub fn new(kind: IntegrationType) -> Self {
        Self {
            kind,
            http_method: None,
            uri: None,
            credentials: None,
            connection_type: None,
            connection_id: None,
            integration_target: None,
            timeout_in_millis: None,
            passthrough_behavior: None,
            content_handling: None,
            cache_namespace: None,
            cache_key_parameters: Vec::new(),
            tls_config: None,
            request_parameters: IndexMap::new(),
            request_templates: Templates::new(),
            response_transfer_mode: None,
            signing: None,
            responses: Vec::new(),
            protocol: Protocol::default(),
            selection_subject: SelectionSubject::default(),
            websocket: false,
            template_engine: TemplateEngine::default(),
        }
    }

    /// An `HTTP` integration: request and answer are mapped.
    pub fn http(http_method: impl Into<String>, uri: impl Into<String>) -> Self {
        Self::new(IntegrationType::Http)
            .http_method(http_method)
            .uri(uri)
    }

    /// An `HTTP_PROXY` integration that keeps the client's method.
    pub fn http_proxy(uri: impl Into<String>) -> Self {
        Self::new(IntegrationType::HttpProxy)
            .http_method("ANY")
            .uri(uri)
    }

    /// An `AWS` integration with an action or a path of a service; the ARN is
    /// `arn:aws:apigateway:{region}:{service}:action/{name}` or `…:path/{path}`.
    pub fn aws(http_method: impl Into<String>, arn: impl Into<String>) -> Self {
        Self::new(IntegrationType::Aws)
            .http_method(http_method)
            .uri(arn)
    }

    /// An `AWS_PROXY` integration with a Lambda function; the ARN is
    /// `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function's ARN}/invocations`.
    pub fn lambda_proxy(arn: impl Into<String>) -> Self {
        Self::new(IntegrationType::AwsProxy)
            .http_method("POST")
            .uri(arn)
    }

    /// A `MOCK` integration; the rendered request template must hold an integer `statusCode`.
    pub fn mock() -> Self {
        Self::new(IntegrationType::Mock)
    }

    /// Sets the method of the integration request.
    #[must_use]
    pub fn http_method(mut self, http_method: impl Into<String>) -> Self {
        self.http_method = Some(http_method.into());
        self
    }

    /// Sets where the integration request goes.
    #[must_use]
    pub fn uri(mut self, uri: impl Into<String>) -> Self {
        self.uri = Some(uri.into());
        self
    }

    /// Sets how long the backend may take; fractions of a millisecond are dropped.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout_in_millis = Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Maps `source` to the parameter that `destination` names.
    #[must_use]
    pub fn request_parameter(
        mut self,
        destination: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        self.request_parameters
            .insert(destination.into(), source.into());
        self
    }

    /// Adds a request template for `media_type`.
    #[must_use]
    pub fn request_template(
        mut self,
        media_type: impl Into<String>,
        template: impl Into<Template>,
    ) -> Self {
        self.request_templates
            .insert(media_type.into(), template.into());
        self
    }

    /// Sets what happens to a body that no request template is for.
    #[must_use]
    pub fn passthrough_behavior(mut self, passthrough_behavior: PassthroughBehavior) -> Self {
        self.passthrough_behavior = Some(passthrough_behavior);
        self
    }

    /// Converts the request body between text and binary.
    #[must_use]
    pub fn content_handling(mut self, content_handling: ContentHandling) -> Self {
        self.content_handling = Some(content_handling);
        self
    }

    /// Sets the language of templates that do not name one.
    #[must_use]
    pub fn template_engine(mut self, template_engine: TemplateEngine) -> Self {
        self.template_engine = template_engine;
        self
    }

    /// Signs the integration request for a service in a region.
    #[must_use]
    pub fn signed(mut self, service: impl Into<String>, region: impl Into<String>) -> Self {
        self.signing = Some(Signing {
            service: service.into(),
            region: region.into(),
        });
        self
    }

    /// Sets the version of HTTP that the backend is spoken to in.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets what selection patterns are matched against.
    #[must_use]
    pub fn selection_subject(mut self, selection_subject: SelectionSubject) -> Self {
        self.selection_subject = selection_subject;
        self
    }

    /// Lets clients of an `HTTP_PROXY` go over to WebSocket with the backend.
    #[must_use]
    pub fn websocket(mut self) -> Self {
        self.websocket = true;
        self
    }

    /// Sets whether the answer is streamed or collected first.
    #[must_use]
    pub fn response_transfer_mode(mut self, mode: ResponseTransferMode) -> Self {
        self.response_transfer_mode = Some(mode);
        self
    }

    /// Accepts a backend certificate of an unknown issuer.
    #[must_use]
    pub fn insecure_skip_verification(mut self) -> Self {
        self.tls_config = Some(TlsConfig {
            insecure_skip_verification: true,
        });
        self
    }

    /// Adds an integration response.
    #[must_use]
    pub fn response(mut self, response: IntegrationResponse) -> Self {
        self.responses.push(response);
        self
    }
}
