//! What the author of an API wrote, read into the model.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::integration::{GatewayResponse, Integration, Method};

/// The version of the OpenAPI specification that a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `swagger: "2.0"`
    Swagger2,
    /// `openapi: 3.0.x`
    OpenApi30,
    /// `openapi: 3.1.x`
    OpenApi31,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Swagger2 => "OpenAPI 2.0",
            Self::OpenApi30 => "OpenAPI 3.0",
            Self::OpenApi31 => "OpenAPI 3.1",
        })
    }
}

/// Where a client's API key stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ApiKeySource {
    /// In the header `x-api-key`.
    #[default]
    Header,
    /// In the answer of an authorizer.
    Authorizer,
}

/// What of a request is checked before its integration is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RequestValidator {
    /// The body, against the model for its media type.
    pub body: bool,
    /// That the required parameters are there.
    pub parameters: bool,
}

/// A document, as its author wrote it.
#[derive(Debug, Clone)]
pub struct Document {
    /// Which specification it follows.
    pub format: Format,
    /// `info.title`
    pub title: Option<String>,
    /// `info.version`
    pub version: Option<String>,
    /// `x-amazon-apigateway-binary-media-types`
    pub binary_media_types: Vec<String>,
    /// `x-amazon-apigateway-minimum-compression-size`: the size of a body, in bytes, from which on
    /// it is compressed; `None` means never.
    pub minimum_compression_size: Option<u64>,
    /// `x-amazon-apigateway-api-key-source`
    pub api_key_source: ApiKeySource,
    /// `x-amazon-apigateway-gateway-responses`, by the name of the type as written.
    pub gateway_responses: IndexMap<String, GatewayResponse>,
    /// `x-amazon-apigateway-request-validators`; a [`Method`] holds the name of its own.
    pub request_validators: IndexMap<String, RequestValidator>,
    /// All methods of all paths, in the order written.
    pub operations: Vec<Operation>,
    pub(super) value: Arc<Value>,
}

impl Document {
    /// The JSON text of the value that a JSON pointer names, such as the schema of one of the
    /// [`Method::request_models`].
    pub fn json(&self, pointer: &str) -> Option<String> {
        self.value(pointer).map(Value::to_string)
    }

    /// The value that a JSON pointer names.
    pub(crate) fn value(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }
}

/// A method of a resource and its integration.
#[derive(Debug, Clone)]
pub struct Operation {
    /// What is declared around the integration.
    pub method: Method,
    /// The integration. When the operation is [`broken`](Self::broken) it lacks what could not be
    /// read. `None` when there is none or not even its type could be read.
    pub integration: Option<Integration>,
    /// Whether the findings hold an error about this operation: what was read of it is not what
    /// its author meant, and it must not be served.
    pub broken: bool,
    /// The JSON pointer of the operation itself.
    pub declared_at: String,
    /// The JSON pointer of the integration object, or of the operation when there is none; the
    /// prefix for findings about the integration
    /// ([`Diagnostic::under`](crate::diagnostic::Diagnostic::under)).
    pub pointer: String,
}
