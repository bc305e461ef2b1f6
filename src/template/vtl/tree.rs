//! JSON text as the language's values.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::template::json::{Build, Piece};
use crate::vtl::{Decimal, List, Map, MapKind, Value};

/// Builds the values that `$util.parseJson` gives: linked maps, and lists that print as `[a, b]`.
#[derive(Debug)]
pub(crate) struct Tree {
    keys: [Option<Arc<str>>; 32],
    /// Emptied entries of closed objects, for the next ones.
    spare: Vec<Entries>,
}

/// The entries of an object as they come.
type Entries = Vec<(Arc<str>, Value)>;

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            keys: Default::default(),
            spare: Vec::new(),
        }
    }

    /// The key as a shared text. Objects in a list mostly have the same keys, so the last few are kept.
    fn shared(&mut self, key: &str) -> Arc<str> {
        let bytes = key.as_bytes();
        let sample = |byte: Option<&u8>| byte.map_or(0, |&byte| usize::from(byte));
        let slot =
            (bytes.len() * 7 + sample(bytes.first()) + 3 * sample(bytes.last())) % self.keys.len();
        match self.keys.get_mut(slot) {
            Some(Some(known)) if **known == *key => Arc::clone(known),
            Some(place) => Arc::clone(place.insert(Arc::from(key))),
            None => Arc::from(key),
        }
    }
}

/// The smallest integer type of Java that holds the number.
pub(crate) fn integer(value: i64) -> Value {
    i32::try_from(value).map_or(Value::Long(value), Value::Int)
}

/// A whole number of any size from an optional `-` and digits.
pub(crate) fn big_integer(digits: &str) -> Value {
    digits.parse::<BigInt>().map_or(Value::Null, Value::from)
}

impl Build for Tree {
    type Value = Value;
    type Array = Vec<Value>;
    type Object = Entries;
    type Key = Arc<str>;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn boolean(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn text(&mut self, value: Piece<'_>) -> Value {
        match value.text() {
            "" => Value::empty(),
            value => Value::from(value),
        }
    }

    fn integer(&mut self, value: i64) -> Value {
        integer(value)
    }

    fn big_integer(&mut self, digits: &str) -> Value {
        big_integer(digits)
    }

    fn double(&mut self, value: f64) -> Value {
        // Only the word `NaN` gives one, and that is a float.
        match value.is_nan() {
            true => Value::Float(f32::NAN),
            false => Value::Double(value),
        }
    }

    fn decimal(&mut self, text: &str) -> Value {
        match Decimal::parse(text) {
            Some(decimal) => Value::from(decimal),
            None => text.parse().map_or(Value::Null, Value::Double),
        }
    }

    fn array(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn item(&mut self, array: &mut Vec<Value>, value: Value) {
        array.push(value);
    }

    fn close_array(&mut self, array: Vec<Value>) -> Value {
        Value::List(List::array_list(array))
    }

    fn object(&mut self) -> Entries {
        self.spare.pop().unwrap_or_default()
    }

    fn key(&mut self, _: &mut Self::Object, key: Piece<'_>) -> Arc<str> {
        self.shared(key.text())
    }

    fn entry(&mut self, object: &mut Entries, key: Arc<str>, value: Value) {
        object.push((key, value));
    }

    fn close(&mut self, mut object: Entries) -> Value {
        let map = Map::with_capacity(MapKind::Linked, object.len());
        for (key, value) in object.drain(..) {
            map.put_str(key, value);
        }
        self.spare.push(object);
        Value::Map(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::json::parse_strict;

    #[test]
    fn lists_print_as_lists() {
        let text = r#"{"a":[1,"x",{"a":-0.0}],"b":1,"a":[2],"b":null}"#;
        let value = parse_strict(text, &mut Tree::new()).unwrap();
        assert_eq!(value.to_text().unwrap(), "{a=[2], b=null}");
        let value = parse_strict(r#"[1,"x",{"a":-0.0}]"#, &mut Tree::new()).unwrap();
        assert_eq!(value.to_text().unwrap(), "[1, x, {a=-0.0}]");
    }
}
