//! JSON text as the language's values.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::template::json::Build;
use crate::vtl::{Decimal, List, ListKind, Map, MapKind, Value};

/// Builds the values a template works on: linked maps, and lists of one kind.
#[derive(Debug)]
pub(crate) struct Tree {
    list: ListKind,
    keys: [Option<Arc<str>>; 32],
    /// Emptied entries of closed objects, for the next ones.
    spare: Vec<Entries>,
}

/// The entries of an object as they come.
type Entries = Vec<(Arc<str>, Value)>;

impl Tree {
    /// The tree of a payload: lists print as JSON.
    pub(crate) fn payload() -> Self {
        Self::new(ListKind::JsonArray)
    }

    /// The tree of `$util.parseJson`: lists print as `[a, b]`.
    pub(crate) fn parsed() -> Self {
        Self::new(ListKind::ArrayList)
    }

    fn new(list: ListKind) -> Self {
        Self {
            list,
            keys: Default::default(),
            spare: Vec::new(),
        }
    }

    /// The key as a shared text. Objects in a list mostly have the same keys, so the last few are kept.
    fn key(&mut self, key: &str) -> Arc<str> {
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
    type Object = Entries;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn boolean(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn text(&mut self, value: &str) -> Value {
        match value {
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

    fn array(&mut self, values: Vec<Value>) -> Value {
        Value::List(List::new(self.list, values))
    }

    fn object(&mut self) -> Entries {
        self.spare.pop().unwrap_or_default()
    }

    fn entry(&mut self, object: &mut Entries, key: &str, value: Value) {
        object.push((self.key(key), value));
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
    use crate::template::json::{parse_lenient, parse_strict};

    #[test]
    fn a_payload_prints_as_on_aws() {
        let text = r#"{"foo":[{"nested":"b/r"}],"n":[1.10,1e21,12345678901234567890,0.12345678901234567890],"z":null}"#;
        let value = parse_lenient(text, &mut Tree::payload()).unwrap();
        assert_eq!(
            value.to_text().unwrap(),
            r#"{foo=[{"nested":"b\/r"}], n=[1.1,1.0E21,12345678901234567890,0.12345678901234567890], z=null}"#
        );
        let value = parse_strict(r#"{"a":[1,"x",{"a":-0.0}]}"#, &mut Tree::parsed()).unwrap();
        assert_eq!(value.to_text().unwrap(), "{a=[1, x, {a=-0.0}]}");
    }
}
