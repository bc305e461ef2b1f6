//! What a template overrides: `$context.requestOverride` and `$context.responseOverride` as plain data.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// The overrides a rendering left, in the order of the engine's own maps (for VTL the hash order of Java).
///
/// ```
/// # use tower_apigw::template::{OverrideValue, Overrides};
/// let mut overrides = Overrides::default();
/// overrides.set_request("header", "x-id", OverrideValue::Text("7".into()));
/// overrides.set_response_status(OverrideValue::Integer(404));
///
/// let (name, value) = overrides.request_headers().next().unwrap();
/// assert_eq!((name, value.texts()), ("x-id", vec!["7".into()]));
/// assert_eq!(overrides.response_status(), Some(&OverrideValue::Integer(404)));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    request: OverrideMap,
    response: OverrideMap,
}

/// Named values in a fixed order.
pub type OverrideMap = Vec<(String, OverrideValue)>;

/// A value given to an override.
#[derive(Debug, Clone, PartialEq)]
pub enum OverrideValue {
    /// Nothing. Only an explicit null inside a list or map gets here.
    Null,
    /// A text.
    Text(String),
    /// A truth value.
    Boolean(bool),
    /// A whole number that fits in 64 bits.
    Integer(i64),
    /// Any other number, as the engine prints it.
    Number(String),
    /// Several values: AWS sends a header or query parameter once for each.
    List(Vec<OverrideValue>),
    /// A map; has no meaning as a parameter, but a response template may read it back.
    Map(OverrideMap),
}

impl OverrideValue {
    /// The value as texts: one for a scalar, one for each element of a list, none for null.
    pub fn texts(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Null => Vec::new(),
            Self::List(list) => list.iter().map(OverrideValue::text).collect(),
            Self::Text(_)
            | Self::Boolean(_)
            | Self::Integer(_)
            | Self::Number(_)
            | Self::Map(_) => vec![self.text()],
        }
    }

    /// The value as one text. A list prints as `[a, b]`, a map as `{k=v}`.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Text(text) | Self::Number(text) => Cow::Borrowed(text),
            Self::Boolean(true) => Cow::Borrowed("true"),
            Self::Boolean(false) => Cow::Borrowed("false"),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::List(_) | Self::Map(_) => Cow::Owned(self.to_string()),
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Text(text) => Json::from(text.as_str()),
            Self::Boolean(boolean) => Json::from(*boolean),
            Self::Integer(number) => Json::from(*number),
            Self::Number(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))
            }
            Self::List(list) => list.iter().map(OverrideValue::to_json).collect(),
            Self::Map(tree) => tree_to_json(tree),
        }
    }
}

impl fmt::Display for OverrideValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(list) => {
                f.write_str("[")?;
                for (index, value) in list.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(tree) => {
                f.write_str("{")?;
                for (index, (key, value)) in tree.iter().enumerate() {
                    write!(f, "{}{key}={value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Self::Null | Self::Text(_) | Self::Boolean(_) | Self::Integer(_) | Self::Number(_) => {
                f.write_str(&self.text())
            }
        }
    }
}

impl Overrides {
    /// Overrides from the two trees as a template left them: `header`, `querystring` and `path` (maps) under `request`,
    /// `header` (a map) and `status` under `response`, and whatever else was put there.
    pub fn from_trees(request: OverrideMap, response: OverrideMap) -> Self {
        Self { request, response }
    }

    /// Whether nothing is overridden.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }

    /// Everything under `requestOverride`.
    pub fn request(&self) -> &OverrideMap {
        &self.request
    }

    /// Everything under `responseOverride`.
    pub fn response(&self) -> &OverrideMap {
        &self.response
    }

    /// Headers of the integration request.
    pub fn request_headers(&self) -> impl Iterator<Item = (&str, &OverrideValue)> {
        entries(&self.request, "header")
    }

    /// Query parameters of the integration request.
    pub fn request_querystring(&self) -> impl Iterator<Item = (&str, &OverrideValue)> {
        entries(&self.request, "querystring")
    }

    /// Path parameters of the integration request.
    pub fn request_path(&self) -> impl Iterator<Item = (&str, &OverrideValue)> {
        entries(&self.request, "path")
    }

    /// Headers of the method response.
    pub fn response_headers(&self) -> impl Iterator<Item = (&str, &OverrideValue)> {
        entries(&self.response, "header")
    }

    /// Status of the method response, as the template gave it; whether it is one is for the caller to find out.
    pub fn response_status(&self) -> Option<&OverrideValue> {
        find(&self.response, "status")
    }

    /// Sets `requestOverride.<place>.<name>`, replacing an earlier value.
    pub fn set_request(&mut self, place: &str, name: &str, value: OverrideValue) {
        set_in(&mut self.request, place, name, value);
    }

    /// Sets `responseOverride.<place>.<name>`, replacing an earlier value.
    pub fn set_response(&mut self, place: &str, name: &str, value: OverrideValue) {
        set_in(&mut self.response, place, name, value);
    }

    /// Sets `responseOverride.status`, replacing an earlier value.
    pub fn set_response_status(&mut self, value: OverrideValue) {
        set(&mut self.response, "status", value);
    }

    /// `{"requestOverride": …, "responseOverride": …}`, each only if it holds something.
    pub fn to_json(&self) -> serde_json::Value {
        let trees = self.trees();
        trees
            .map(|(name, tree)| (name.to_owned(), tree_to_json(tree)))
            .collect()
    }

    fn trees(&self) -> impl Iterator<Item = (&'static str, &OverrideMap)> {
        let trees = [
            ("requestOverride", &self.request),
            ("responseOverride", &self.response),
        ];
        trees.into_iter().filter(|(_, tree)| !tree.is_empty())
    }
}

/// As [`Overrides::to_json`], with numbers of any size as they are.
impl Serialize for Overrides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, tree) in self.trees() {
            map.serialize_entry(name, &Entries(tree))?;
        }
        map.end()
    }
}

struct Entries<'a>(&'a OverrideMap);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl Serialize for OverrideValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(text) => match serde_json::from_str::<&RawValue>(text) {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
            Self::List(list) => serializer.collect_seq(list),
            Self::Map(tree) => Entries(tree).serialize(serializer),
        }
    }
}

fn tree_to_json(tree: &OverrideMap) -> serde_json::Value {
    let entries = tree
        .iter()
        .map(|(key, value)| (key.clone(), value.to_json()));
    serde_json::Value::Object(entries.collect())
}

fn find<'a>(tree: &'a OverrideMap, name: &str) -> Option<&'a OverrideValue> {
    tree.iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

fn entries<'a>(
    tree: &'a OverrideMap,
    place: &str,
) -> impl Iterator<Item = (&'a str, &'a OverrideValue)> {
    let inner = match find(tree, place) {
        Some(OverrideValue::Map(inner)) => inner.as_slice(),
        _ => &[],
    };
    inner.iter().map(|(key, value)| (key.as_str(), value))
}

fn set(tree: &mut OverrideMap, name: &str, value: OverrideValue) {
    match tree.iter_mut().find(|(key, _)| key == name) {
        Some((_, old)) => *old = value,
        None => tree.push((name.to_owned(), value)),
    }
}

fn set_in(tree: &mut OverrideMap, place: &str, name: &str, value: OverrideValue) {
    match tree.iter_mut().find(|(key, _)| key == place) {
        Some((_, OverrideValue::Map(inner))) => set(inner, name, value),
        Some((_, old)) => *old = OverrideValue::Map(vec![(name.to_owned(), value)]),
        None => tree.push((
            place.to_owned(),
            OverrideValue::Map(vec![(name.to_owned(), value)]),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_are_read_by_place() {
        let text = |text: &str| OverrideValue::Text(text.to_owned());
        let mut overrides = Overrides::default();
        assert!(overrides.is_empty());
        overrides.set_request("path", "id", text("1"));
        overrides.set_request(
            "querystring",
            "q",
            OverrideValue::List(vec![text("a"), OverrideValue::Integer(2)]),
        );
        overrides.set_response("header", "x", text("old"));
        overrides.set_response("header", "x", text("new"));
        let query: Vec<_> = overrides.request_querystring().collect();
        assert_eq!(query.len(), 1);
        assert_eq!(query[0].1.texts(), ["a", "2"]);
        assert_eq!(
            overrides.response_headers().collect::<Vec<_>>(),
            [("x", &text("new"))]
        );
        assert_eq!(overrides.request_headers().count(), 0);
        assert_eq!(overrides.response_status(), None);
        assert_eq!(
            overrides.to_json().to_string(),
            r#"{"requestOverride":{"path":{"id":"1"},"querystring":{"q":["a",2]}},"responseOverride":{"header":{"x":"new"}}}"#
        );
    }

    #[test]
    fn a_place_that_is_no_map_has_no_entries() {
        let overrides = Overrides::from_trees(
            vec![("header".into(), OverrideValue::Integer(1))],
            Vec::new(),
        );
        assert_eq!(overrides.request_headers().count(), 0);
    }

    #[test]
    fn values_print_as_the_engine_prints_them() {
        let map = OverrideValue::Map(vec![
            ("a".into(), OverrideValue::Null),
            ("b".into(), OverrideValue::Boolean(true)),
        ]);
        assert_eq!(map.text(), "{a=null, b=true}");
        assert_eq!(OverrideValue::List(vec![map]).text(), "[{a=null, b=true}]");
        assert_eq!(
            OverrideValue::Number("1.0E10".into()).to_json(),
            serde_json::json!(1.0e10)
        );
    }
}
