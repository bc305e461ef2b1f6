//! Gateway responses as written: how an API's own failures look.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::response::Status;

/// One entry of `x-amazon-apigateway-gateway-responses`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayResponse {
    /// The status; the type's own when absent.
    #[serde(
        default,
        deserialize_with = "optional_status_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub status_code: Option<String>,
    /// Headers: destination (`gatewayresponse.header.X`) to source.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub response_parameters: IndexMap<String, String>,
    /// Bodies by media type: text in which `$context.…` and the like are replaced; not VTL.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub response_templates: IndexMap<String, String>,
}

impl GatewayResponse {
    /// An entry that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status_code = Some(status.to_string());
        self
    }

    /// Maps `source` to the header that `destination` names.
    #[must_use]
    pub fn response_parameter(
        mut self,
        destination: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        self.response_parameters
            .insert(destination.into(), source.into());
        self
    }

    /// Sets the body for `media_type`.
    #[must_use]
    pub fn response_template(
        mut self,
        media_type: impl Into<String>,
        template: impl Into<String>,
    ) -> Self {
        self.response_templates
            .insert(media_type.into(), template.into());
        self
    }
}

fn optional_status_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<Status>::deserialize(deserializer)?.map(String::from))
}
