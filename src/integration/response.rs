//! Integration responses: what a backend's answer becomes.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::kind::ContentHandling;
use super::template::{Template, Templates};

/// What an answer of the backend becomes when it is selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationResponse {
    /// A Java regular expression that must match the whole status (or error message of a Lambda
    /// function); `None` makes it the default. In a document it is the key.
    #[serde(skip)]
    pub selection_pattern: Option<String>,
    /// The status of the method response: a number in text.
    #[serde(deserialize_with = "status_text")]
    pub status_code: String,
    /// Mapped headers: destination (`method.response.header.X`) to source.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub response_parameters: IndexMap<String, String>,
    /// Response templates by media type.
    #[serde(default, skip_serializing_if = "Templates::is_empty")]
    pub response_templates: Templates,
    /// How to convert the body between text and binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_handling: Option<ContentHandling>,
}

impl IntegrationResponse {
    /// The default response, with `status`.
    pub fn new(status: u16) -> Self {
        Self {
            selection_pattern: None,
            status_code: status.to_string(),
            response_parameters: IndexMap::new(),
            response_templates: Templates::new(),
            content_handling: None,
        }
    }

    /// Selects this response when `pattern` matches the whole subject.
    #[must_use]
    pub fn selection_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.selection_pattern =
            Some(pattern.into()).filter(|pattern: &String| !pattern.is_empty());
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

    /// Adds a response template for `media_type`.
    #[must_use]
    pub fn response_template(
        mut self,
        media_type: impl Into<String>,
        template: impl Into<Template>,
    ) -> Self {
        self.response_templates
            .insert(media_type.into(), template.into());
        self
    }

    /// Converts the body.
    #[must_use]
    pub fn content_handling(mut self, content_handling: ContentHandling) -> Self {
        self.content_handling = Some(content_handling);
        self
    }
}

/// A status in a document: a number in text, or a number.
// Recorded: T:test_import_with_integer_http_status_code.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Status {
    Text(String),
    Number(u64),
}

impl From<Status> for String {
    fn from(status: Status) -> Self {
        match status {
            Status::Text(text) => text,
            Status::Number(number) => number.to_string(),
        }
    }
}

fn status_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Status::deserialize(deserializer).map(String::from)
}

/// The form of documents: an object with the patterns as keys, `default` for none.
pub(super) mod by_pattern {
    use indexmap::IndexMap;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::IntegrationResponse;

    pub(in crate::integration) fn serialize<S: Serializer>(
        responses: &[IntegrationResponse],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(responses.iter().map(|response| {
            (
                response.selection_pattern.as_deref().unwrap_or("default"),
                response,
            )
        }))
    }

    pub(in crate::integration) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<IntegrationResponse>, D::Error> {
        let by_pattern = IndexMap::<String, IntegrationResponse>::deserialize(deserializer)?;
        Ok(by_pattern
            .into_iter()
            .map(|(key, mut response)| {
                response.selection_pattern =
                    Some(key).filter(|key| key != "default" && !key.is_empty());
                response
            })
            .collect())
    }
}
