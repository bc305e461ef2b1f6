//! Request models: JSON schemas, alone or within the document that holds the other models.

use std::fmt;
use std::sync::Arc;

#[cfg(any(feature = "openapi", feature = "validation"))]
use percent_encoding::percent_decode_str;
#[cfg(any(feature = "openapi", feature = "validation"))]
use serde_json::Value;

/// A model: a JSON schema of draft 4, as its author wrote it.
///
/// ```
/// use tower_apigw::integration::{Method, Schema};
///
/// let mut method = Method::new("POST", "/pets");
/// method.validate_body = true;
/// method.request_models.insert(
///     "application/json".to_owned(),
///     Schema::new(r#"{"type": "object", "required": ["name"]}"#),
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Schema(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    Text(Arc<str>),
    #[cfg(feature = "openapi")]
    Within {
        document: Arc<Value>,
        pointer: Arc<str>,
    },
}

impl Schema {
    /// A schema that stands alone, as JSON text; `$ref`s lead to places in itself.
    pub fn new(json: impl Into<Arc<str>>) -> Self {
        Self(Source::Text(json.into()))
    }

    /// The schema at a JSON pointer of `document`; `$ref`s lead to places in the document.
    #[cfg(feature = "openapi")]
    pub(crate) fn within(document: Arc<Value>, pointer: &str) -> Self {
        let pointer = Arc::from(pointer);
        Self(Source::Within { document, pointer })
    }

    /// Where the schema stands in its document: a JSON pointer, empty for one that stands alone.
    pub fn pointer(&self) -> &str {
        match &self.0 {
            Source::Text(_) => "",
            #[cfg(feature = "openapi")]
            Source::Within { pointer, .. } => pointer,
        }
    }

    /// The document around it; for a schema that stands alone, itself.
    #[cfg(feature = "validation")]
    pub(crate) fn document(&self) -> Result<Arc<Value>, serde_json::Error> {
        match &self.0 {
            Source::Text(text) => serde_json::from_str(text).map(Arc::new),
            #[cfg(feature = "openapi")]
            Source::Within { document, .. } => Ok(Arc::clone(document)),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Text(text) => f.debug_tuple("Schema").field(text).finish(),
            #[cfg(feature = "openapi")]
            Source::Within { pointer, .. } => f.debug_tuple("Schema").field(pointer).finish(),
        }
    }
}

/// The JSON pointer in `document` that a `$ref` means; `None` when it leads out of the document.
///
/// A model may be named by its address in API Gateway; it is the schema of that name, whatever the
/// id of the API.
// AWS: models-mappings-models — `https://apigateway.amazonaws.com/restapis/{api}/models/{name}`.
#[cfg(any(feature = "openapi", feature = "validation"))]
pub(crate) fn referred(document: &Value, reference: &str) -> Option<String> {
    if let Some(fragment) = reference.strip_prefix('#') {
        return Some(
            percent_decode_str(fragment)
                .decode_utf8_lossy()
                .into_owned(),
        );
    }
    let path = reference.strip_prefix("https://apigateway.amazonaws.com/restapis/")?;
    let (_, name) = path.split_once("/models/")?;
    let name = percent_decode_str(name).decode_utf8_lossy();
    let name = name.replace('~', "~0").replace('/', "~1");
    let [components, definitions] =
        ["/components/schemas/", "/definitions/"].map(|models| format!("{models}{name}"));
    let found = document.pointer(&components).is_some();
    Some(if found { components } else { definitions })
}

#[cfg(all(test, any(feature = "openapi", feature = "validation")))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_places_in_the_document() {
        let document = json!({"components": {"schemas": {"Pet": {}}}});
        let to = |reference: &str| referred(&document, reference);
        let model = "https://apigateway.amazonaws.com/restapis/abc123/models/";
        assert_eq!(to("#/a%7Eb").as_deref(), Some("/a~b"));
        assert_eq!(
            to(&format!("{model}Pet")).as_deref(),
            Some("/components/schemas/Pet")
        );
        assert_eq!(
            to(&format!("{model}Dog")).as_deref(),
            Some("/definitions/Dog")
        );
        assert_eq!(to("https://example.com/pet.json"), None);
        assert_eq!(to("pet.json#/definitions/Pet"), None);
    }
}
