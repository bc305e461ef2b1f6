//! JSON text as `serde_json` values, with lone surrogates replaced instead of refused.

use serde_json::{Map, Value};

use crate::template::json::Build;

/// Builds [`serde_json::Value`]s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain;

impl Build for Plain {
    type Value = Value;
    type Object = Map<String, Value>;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn boolean(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn text(&mut self, value: &str) -> Value {
        Value::from(value)
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

    fn array(&mut self, values: Vec<Value>) -> Value {
        Value::Array(values)
    }

    fn object(&mut self) -> Self::Object {
        Map::new()
    }

    fn entry(&mut self, object: &mut Self::Object, key: &str, value: Value) {
        object.insert(key.to_owned(), value);
    }

    fn close(&mut self, object: Self::Object) -> Value {
        Value::Object(object)
    }
}
