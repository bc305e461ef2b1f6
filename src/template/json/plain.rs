//! JSON text as `serde_json` values, with lone surrogates replaced instead of refused.

use serde_json::{Map, Value};

use crate::template::json::{Build, Piece};

/// Builds [`serde_json::Value`]s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain;

impl Build for Plain {
    type Value = Value;
    type Array = Vec<Value>;
    type Object = Map<String, Value>;
    type Key = String;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn boolean(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn text(&mut self, value: Piece<'_>) -> Value {
        Value::from(value.text())
    }

    fn integer(&mut self, value: i64) -> Value {
        Value::from(value)
    }

    fn big_integer(&mut self, digits: &str) -> Value {
        serde_json::from_str(digits).unwrap_or(Value::Null)
    }

    fn double(&mut self, value: f64) -> Value {
        Value::from(value)
    }

    fn decimal(&mut self, text: &str) -> Value {
        serde_json::from_str(text).unwrap_or(Value::Null)
    }

    fn array(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn item(&mut self, array: &mut Vec<Value>, value: Value) {
        array.push(value);
    }

    fn close_array(&mut self, array: Vec<Value>) -> Value {
        Value::Array(array)
    }

    fn object(&mut self) -> Self::Object {
        Map::new()
    }

    fn key(&mut self, _: &mut Self::Object, key: Piece<'_>) -> String {
        key.text().to_owned()
    }

    fn entry(&mut self, object: &mut Self::Object, key: String, value: Value) {
        object.insert(key, value);
    }

    fn close(&mut self, object: Self::Object) -> Value {
        Value::Object(object)
    }
}
