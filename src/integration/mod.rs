//! What the author of an API wrote about one integration: plain data, no behaviour.
//!
//! An [`Integration`] has the members of OpenAPI's `x-amazon-apigateway-integration` object and
//! reads and writes that form with serde. [`Method`] holds what an integration needs to know of
//! the API method that it belongs to. Nothing here is checked beyond its type;
//! [`Plan::compile`](crate::mapping::Plan::compile) finds every mistake.
//!
//! ```
//! use tower_apigw::integration::{Integration, IntegrationResponse, Template};
//!
//! let built = Integration::http("POST", "https://pets.example.com/{id}")
//!     .request_parameter("integration.request.path.id", "method.request.path.petId")
//!     .request_template("application/json", Template::new("$input.json('$.pet')"))
//!     .response(IntegrationResponse::new(200))
//!     .response(IntegrationResponse::new(404).selection_pattern("4\\d{2}"));
//!
//! let read: Integration = serde_json::from_str(r#"{
//!     "type": "http", "httpMethod": "POST", "uri": "https://pets.example.com/{id}",
//!     "requestParameters": {"integration.request.path.id": "method.request.path.petId"},
//!     "requestTemplates": {"application/json": "$input.json('$.pet')"},
//!     "responses": {"default": {"statusCode": "200"}, "4\\d{2}": {"statusCode": 404}}
//! }"#)?;
//! assert_eq!(built, read);
//! # Ok::<_, serde_json::Error>(())
//! ```

mod builder;
mod gateway_response;
mod kind;
mod method;
mod response;
mod schema;
mod template;

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use gateway_response::GatewayResponse;
pub use kind::{
    ConnectionType, ContentHandling, IntegrationType, PassthroughBehavior, Protocol,
    ResponseTransferMode, SelectionSubject,
};
pub use method::{Method, Parameter, ParameterLocation};
pub use response::IntegrationResponse;
pub use schema::Schema;
pub use template::{Template, TemplateEngine, Templates};

#[cfg(any(feature = "openapi", feature = "validation"))]
pub(crate) use schema::referred;

/// One integration, as its author wrote it.
///
/// Source of the fields: AWS, "x-amazon-apigateway-integration object" and `PutIntegration`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// What kind of backend answers.
    #[serde(rename = "type")]
    pub kind: IntegrationType,
    /// The method of the integration request; `ANY` or nothing means the client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    /// Where to send it; may hold `{parameter}` and `${stageVariables.name}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The role to sign with, or `arn:aws:iam::*:user/*` for the caller's own credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// Over the internet or through a VPC link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_type: Option<ConnectionType>,
    /// The id of the VPC link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The load balancer behind a VPC link of the second version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_target: Option<String>,
    /// How long the backend may take, in milliseconds; 29,000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_millis: Option<u64>,
    /// What to do with a body that no request template is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passthrough_behavior: Option<PassthroughBehavior>,
    /// How to convert the request body between text and binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_handling: Option<ContentHandling>,
    /// Which cached answers are shared; kept, not used yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_namespace: Option<String>,
    /// The parameters that tell cached answers apart; kept, not used yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_key_parameters: Vec<String>,
    /// How to check the backend's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_config: Option<TlsConfig>,
    /// Mapped parameters: destination (`integration.request.header.X`) to source.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub request_parameters: IndexMap<String, String>,
    /// Request templates by media type.
    #[serde(default, skip_serializing_if = "Templates::is_empty")]
    pub request_templates: Templates,
    /// Whether the answer is streamed or collected first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_transfer_mode: Option<ResponseTransferMode>,
    /// The integration responses, in the order written.
    #[serde(
        default,
        with = "response::by_pattern",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub responses: Vec<IntegrationResponse>,
    /// What to sign the integration request for; an extension of this crate, since API Gateway signs
    /// only for the services of AWS.
    #[serde(
        default,
        rename = "x-tower-apigw-signing",
        skip_serializing_if = "Option::is_none"
    )]
    pub signing: Option<Signing>,
    /// The version of HTTP that the backend is spoken to in; an extension of this crate.
    #[serde(
        default,
        rename = "x-tower-apigw-protocol",
        skip_serializing_if = "Protocol::is_default"
    )]
    pub protocol: Protocol,
    /// What selection patterns are matched against; an extension of this crate.
    #[serde(
        default,
        rename = "x-tower-apigw-selection-subject",
        skip_serializing_if = "SelectionSubject::is_default"
    )]
    pub selection_subject: SelectionSubject,
    /// Whether a client of an `HTTP_PROXY` may go over to WebSocket with the backend, where API
    /// Gateway removes `Upgrade` and sends the request on without it; an extension of this crate.
    #[serde(
        default,
        rename = "x-tower-apigw-websocket",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub websocket: bool,
    /// The language of those templates that do not name one; VTL by default.
    #[serde(
        default,
        rename = "x-tower-apigw-template-engine",
        skip_serializing_if = "TemplateEngine::is_default"
    )]
    pub template_engine: TemplateEngine,
}

/// What a signature is made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// The service, such as `execute-api`.
    pub service: String,
    /// The region, such as `eu-west-1`.
    pub region: String,
}

/// How a backend's certificate is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsConfig {
    /// Accepts certificates of unknown issuers; name and dates are still checked.
    #[serde(default)]
    pub insecure_skip_verification: bool,
}

/// Leaves out what was not written, and everything of `credentials` but that there are some.
impl fmt::Debug for Integration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Integration");
        out.field("kind", &self.kind);
        if let Some(method) = &self.http_method {
            out.field("http_method", method);
        }
        if let Some(uri) = &self.uri {
            out.field("uri", uri);
        }
        if self.credentials.is_some() {
            out.field("credentials", &"** redacted **");
        }
        out.field("request_parameters", &self.request_parameters)
            .field("request_templates", &self.request_templates)
            .field("responses", &self.responses)
            .finish_non_exhaustive()
    }
}
