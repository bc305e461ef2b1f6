//! Tera's values: built from JSON text, from the facts of a call, and walked by JSONPath.

use std::borrow::Cow;

use tera::value::Key;
use tera::{Map, Value};

use crate::jsonpath::{Found, Kind, Match, Node, Number, Path};
use crate::template::context::{Fact, Facts};
use crate::template::json::{Build, Piece};
use crate::template::{OverrideMap, OverrideValue, Scope};

/// Builds [`Value`]s from JSON text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tree;

impl Build for Tree {
    type Value = Value;
    type Array = Vec<Value>;
    type Object = Map;
    type Key = Key<'static>;

    fn null(&mut self) -> Value {
        Value::none()
    }

    fn boolean(&mut self, value: bool) -> Value {
        Value::from(value)
    }

    fn text(&mut self, value: Piece<'_>) -> Value {
        text(value.text())
    }

    fn integer(&mut self, value: i64) -> Value {
        Value::from(value)
    }

    fn big_integer(&mut self, digits: &str) -> Value {
        match digits.parse::<i128>() {
            Ok(number) => Value::from(number),
            Err(_) => self.decimal(digits),
        }
    }

    fn double(&mut self, value: f64) -> Value {
        Value::from(value)
    }

    fn decimal(&mut self, text: &str) -> Value {
        Value::from(text.parse().unwrap_or(f64::NAN))
    }

    fn array(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn item(&mut self, array: &mut Vec<Value>, value: Value) {
        array.push(value);
    }

    fn close_array(&mut self, array: Vec<Value>) -> Value {
        Value::from(array)
    }

    fn object(&mut self) -> Map {
        Map::new()
    }

    fn key(&mut self, _: &mut Self::Object, key: Piece<'_>) -> Self::Key {
        Key::String(key.text().into())
    }

    fn entry(&mut self, object: &mut Map, key: Self::Key, value: Value) {
        object.insert(key, value);
    }

    fn close(&mut self, object: Map) -> Value {
        Value::from(object)
    }
}

impl Node for &Value {
    fn kind(&self) -> Kind {
        // Through the plain reference: the trait has methods of the same names.
        let value: &Value = self;
        if let Some(boolean) = value.as_bool() {
            Kind::Bool(boolean)
        } else if let Some(number) = value.as_i64() {
            Kind::Number(Number::Int(number))
        } else if value.is_f64() {
            Kind::Number(Number::Float(value.as_f64().unwrap_or(f64::NAN)))
        } else if value.is_number() {
            Kind::Number(Number::Text(value.to_string()))
        } else if value.is_string() {
            Kind::String
        } else if value.is_array() {
            Kind::Array
        } else if value.is_map() {
            Kind::Object
        } else if value.is_none() {
            Kind::Null
        } else {
            Kind::Other
        }
    }

    fn as_str(&self) -> Option<Cow<'_, str>> {
        Value::as_str(self).map(Cow::Borrowed)
    }

    fn count(&self) -> usize {
        Value::as_array(self).map_or(0, <[Value]>::len)
    }

    fn element(&self, index: usize) -> Option<Self> {
        Value::as_array(self)?.get(index)
    }

    fn member(&self, name: &str) -> Option<Self> {
        // By index, because a borrowed key would shorten the borrow of what is found.
        let members: &Map = Value::as_map(self)?;
        let index = members.get_index_of(&Key::Str(name))?;
        Value::as_map(self)?
            .get_index(index)
            .map(|(_, member)| member)
    }

    fn children(&self, visit: &mut dyn FnMut(Self)) {
        if let Some(elements) = Value::as_array(self) {
            elements.iter().for_each(visit);
        } else if let Some(members) = Value::as_map(self) {
            members.values().for_each(visit);
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(*self, *other)
    }

    fn to_text(&self) -> Cow<'_, str> {
        match Value::as_str(self) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.to_string()),
        }
    }
}

/// What a path finds; none if it leads nowhere.
pub(super) fn find(path: &Path, root: &Value) -> Result<Value, String> {
    Ok(
        match path.evaluate(&root).map_err(|error| error.to_string())? {
            Found::Missing => Value::none(),
            Found::One(one) => matched(one),
            Found::Many(many) => Value::from(many.into_iter().map(matched).collect::<Vec<_>>()),
        },
    )
}

fn matched(one: Match<&Value>) -> Value {
    match one {
        Match::Node(value) => value.clone(),
        Match::Members(members) => {
            let entries = members
                .into_iter()
                .map(|(name, value)| (Key::String(name), value.clone()));
            Value::from(entries.collect::<Map>())
        }
    }
}

/// A text that is to be escaped where it is printed.
pub(super) fn text(text: &str) -> Value {
    Value::normal_string(text)
}

/// A map of named values.
pub(super) fn group<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let entries = entries
        .into_iter()
        .map(|(name, value)| (Key::String(name.into()), value));
    Value::from(entries.collect::<Map>())
}

/// The `context` variable.
pub(super) fn context_value(scope: &Scope<'_>) -> Value {
    let mut map = Map::new();
    scope.context.visit(|name, fact| {
        map.insert(Key::String(name.into()), fact_value(fact));
    });
    let overrides = [
        ("requestOverride", scope.overrides.request()),
        ("responseOverride", scope.overrides.response()),
    ];
    for (name, tree) in overrides {
        map.insert(Key::Str(name), tree_value(tree));
    }
    Value::from(map)
}

fn fact_value(fact: Fact<'_>) -> Value {
    match fact {
        Fact::Null => Value::none(),
        Fact::Text(value) => text(value),
        Fact::Integer(number) => Value::from(number),
        Fact::Json(json) => json_value(json),
        Fact::Facts(facts) => facts_value(facts),
        Fact::Identity(identity) => {
            let mut map = Map::new();
            identity.visit(|name, fact| {
                map.insert(Key::String(name.into()), fact_value(fact));
            });
            Value::from(map)
        }
    }
}

fn facts_value(facts: &Facts) -> Value {
    group(
        facts
            .iter()
            .map(|(name, json)| (name.as_str(), json_value(json))),
    )
}

fn json_value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Object(facts) => facts_value(facts),
        other => Value::try_from_serializable(other).unwrap_or_else(|_| Value::none()),
    }
}

fn tree_value(tree: &OverrideMap) -> Value {
    group(
        tree.iter()
            .map(|(name, value)| (name.as_str(), from_override(value))),
    )
}

fn from_override(value: &OverrideValue) -> Value {
    match value {
        OverrideValue::Map(tree) => tree_value(tree),
        OverrideValue::List(list) => {
            Value::from(list.iter().map(from_override).collect::<Vec<_>>())
        }
        other => json_value(&other.to_json()),
    }
}

/// A value as an override. Tera's values hold no cycles and nest no deeper than the payload they come from.
pub(super) fn override_value(value: &Value) -> OverrideValue {
    if let Some(text) = value.as_str() {
        OverrideValue::Text(text.to_owned())
    } else if let Some(boolean) = value.as_bool() {
        OverrideValue::Boolean(boolean)
    } else if let Some(number) = value.as_i64() {
        OverrideValue::Integer(number)
    } else if value.is_number() {
        OverrideValue::Number(value.to_string())
    } else if let Some(items) = value.as_array() {
        OverrideValue::List(items.iter().map(override_value).collect())
    } else if let Some(map) = value.as_map() {
        OverrideValue::Map(
            map.iter()
                .map(|(key, value)| (key.to_string(), override_value(value)))
                .collect(),
        )
    } else {
        OverrideValue::Null
    }
}
