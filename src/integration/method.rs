//! What an integration needs to know of the API method that it belongs to.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::schema::Schema;

/// Where a method parameter stands in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterLocation {
    /// A variable of the resource path.
    Path,
    /// The query string.
    QueryString,
    /// A header.
    Header,
}

/// A declared request parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Where it stands.
    pub location: ParameterLocation,
    /// Its name.
    pub name: String,
    /// Whether a request validator asks for it.
    pub required: bool,
}

/// The API method around an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// The client's method, or `ANY`.
    pub http_method: String,
    /// The resource path, such as `/pets/{petId}` or `/{proxy+}`.
    pub resource: String,
    /// `operationId`, the `$context.operationName` of the method.
    pub operation_name: Option<String>,
    /// Declared request parameters.
    pub parameters: Vec<Parameter>,
    /// The statuses of the declared method responses; `None` means that they are not checked.
    pub responses: Option<BTreeSet<u16>>,
    /// Request models by media type, `$default` for all others.
    pub request_models: IndexMap<String, Schema>,
    /// The name of the request validator, resolved from the method or the API.
    pub request_validator: Option<String>,
    /// Whether the required parameters must be there.
    pub validate_parameters: bool,
    /// Whether a body must match the model for its media type.
    pub validate_body: bool,
    /// Whether the method asks for an API key.
    pub api_key_required: bool,
}

impl Method {
    /// A method without declarations: statuses are not checked.
    pub fn new(http_method: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            http_method: http_method.into(),
            resource: resource.into(),
            operation_name: None,
            parameters: Vec::new(),
            responses: None,
            request_models: IndexMap::new(),
            request_validator: None,
            validate_parameters: false,
            validate_body: false,
            api_key_required: false,
        }
    }
}
