//! A template's values as a tree that JSONPath walks.

use std::borrow::Cow;

use crate::jsonpath::{Found, Kind, Match, Node, Number, Path};
use crate::vtl::{Exception, List, Map, Value};

impl Node for Value {
    fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(*value),
            Value::Int(value) => Kind::Number(Number::Int(i64::from(*value))),
            Value::Long(value) => Kind::Number(Number::Int(*value)),
            Value::Float(value) => Kind::Number(Number::Float(f64::from(*value))),
            Value::Double(value) => Kind::Number(Number::Float(*value)),
            Value::BigInteger(_) | Value::BigDecimal(_) => {
                Kind::Number(Number::Text(self.to_text().unwrap_or_default()))
            }
            Value::Str(_) => Kind::String,
            Value::List(_) => Kind::Array,
            Value::Map(_) => Kind::Object,
            _ => Kind::Other,
        }
    }

    fn as_str(&self) -> Option<Cow<'_, str>> {
        Value::as_str(self).map(Cow::Borrowed)
    }

    fn count(&self) -> usize {
        self.as_list().map_or(0, List::len)
    }

    fn element(&self, index: usize) -> Option<Self> {
        self.as_list()?.get(index)
    }

    fn member(&self, name: &str) -> Option<Self> {
        self.as_map()?.get_str(name)
    }

    fn children(&self, visit: &mut dyn FnMut(Self)) {
        match self {
            Value::List(list) => list.items().into_iter().for_each(visit),
            Value::Map(map) => map.values().into_iter().for_each(visit),
            _ => {}
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::List(a), Value::List(b)) => a.same(b),
            (Value::Map(a), Value::Map(b)) => a.same(b),
            _ => false,
        }
    }

    fn to_text(&self) -> Cow<'_, str> {
        match self {
            Value::Str(text) => Cow::Borrowed(text),
            other => Cow::Owned(Value::to_text(other).unwrap_or_default()),
        }
    }
}

/// What a path finds, unless it leads nowhere.
pub(crate) fn find(path: &Path, root: &Value) -> Result<Option<Value>, Exception> {
    let found = path
        .evaluate(root)
        .map_err(|error| Exception::new(error.to_string()))?;
    Ok(match found {
        Found::Missing => None,
        Found::One(one) => Some(matched(one)),
        Found::Many(many) => Some(Value::List(List::json(
            many.into_iter().map(matched).collect(),
        ))),
    })
}

fn matched(one: Match<Value>) -> Value {
    match one {
        Match::Node(value) => value,
        Match::Members(members) => {
            let map = Map::linked();
            for (name, value) in members {
                map.put_str(name, value);
            }
            Value::Map(map)
        }
    }
}
