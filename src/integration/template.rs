//! Mapping templates as written: a source and the language it is in.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The language of a mapping template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TemplateEngine {
    /// The Velocity Template Language, as API Gateway runs it.
    #[default]
    Vtl,
    /// Tera 2; needs the feature `tera`.
    Tera,
}

impl TemplateEngine {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A mapping template as written.
///
/// In a document it is a string; its language is then the integration's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The language; `None` means the integration's.
    pub engine: Option<TemplateEngine>,
    /// The text.
    pub source: String,
}

impl Template {
    /// A template in the integration's own language.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            engine: None,
            source: source.into(),
        }
    }

    /// A template in VTL, whatever the integration's language is.
    pub fn vtl(source: impl Into<String>) -> Self {
        Self {
            engine: Some(TemplateEngine::Vtl),
            source: source.into(),
        }
    }

    /// A template in Tera 2, whatever the integration's language is.
    pub fn tera(source: impl Into<String>) -> Self {
        Self {
            engine: Some(TemplateEngine::Tera),
            source: source.into(),
        }
    }
}

impl From<&str> for Template {
    fn from(source: &str) -> Self {
        Self::new(source)
    }
}

impl From<String> for Template {
    fn from(source: String) -> Self {
        Self::new(source)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Recorded: T:test_put_integration_response_templates — `null` is stored like "".
        Ok(Self::new(
            Option::<String>::deserialize(deserializer)?.unwrap_or_default(),
        ))
    }
}

/// Templates by media type, in the order written. An empty source means that a body of this type
/// passes unchanged.
pub type Templates = IndexMap<String, Template>;
