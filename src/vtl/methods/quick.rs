//! The methods that most calls are of, found without a search: for a class and arguments that leave no choice.

use super::{Call, Thrown, list, string};
use crate::vtl::meter::Meter;
use crate::vtl::value::{NoBlocks, Value};

/// One of these methods, by its name; whether it is one for a value shows when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quick {
    Add,
    Contains,
    ContainsKey,
    EndsWith,
    Equals,
    Get,
    IsEmpty,
    Length,
    Matches,
    Size,
    Split,
    StartsWith,
}

impl Quick {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "add" => Quick::Add,
            "contains" => Quick::Contains,
            "containsKey" => Quick::ContainsKey,
            "endsWith" => Quick::EndsWith,
            "equals" => Quick::Equals,
            "get" => Quick::Get,
            "isEmpty" => Quick::IsEmpty,
            "length" => Quick::Length,
            "matches" => Quick::Matches,
            "size" => Quick::Size,
            "split" => Quick::Split,
            "startsWith" => Quick::StartsWith,
            _ => return None,
        })
    }

    /// What a question to a value with a text as the only argument is answered.
    #[inline]
    pub(crate) fn asks(self, this: &Value, text: &str) -> Option<bool> {
        Some(match (self, this) {
            (Quick::Contains, Value::Str(this)) => this.contains(text),
            (Quick::StartsWith, Value::Str(this)) => this.as_bytes().starts_with(text.as_bytes()),
            (Quick::EndsWith, Value::Str(this)) => this.as_bytes().ends_with(text.as_bytes()),
            (Quick::Equals, Value::Str(this)) => this.as_bytes() == text.as_bytes(),
            (Quick::ContainsKey, Value::Map(map)) => map.contains_str(text),
            _ => return None,
        })
    }

    /// Whether the value is empty, if that is the question.
    #[inline]
    pub(crate) fn is_empty(self, this: &Value) -> Option<bool> {
        match (self, this) {
            (Quick::IsEmpty, Value::Str(this)) => Some(this.size() == 0),
            (Quick::IsEmpty, Value::List(list)) if !list.kind().is_array() => Some(list.is_empty()),
            (Quick::IsEmpty, Value::Map(map)) => Some(map.is_empty()),
            _ => None,
        }
    }

    /// How much the value holds, if that is the question.
    #[inline]
    pub(crate) fn count(self, this: &Value) -> Option<i32> {
        let count = match (self, this) {
            (Quick::Size, Value::List(list)) => list.len(),
            (Quick::Size, Value::Map(map)) => map.len(),
            (Quick::Length, Value::Str(this)) => super::unicode::len(this),
            _ => return None,
        };
        Some(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Calls it for a value with a text as the only argument; `None` where the search has to decide.
    #[inline]
    pub(crate) fn call_with(self, this: &Value, text: &str, meter: &Meter) -> Option<Thrown> {
        match (self, this) {
            (Quick::Split, Value::Str(this)) => Some(string::split_text(this, text, 0, meter)),
            (Quick::Matches, Value::Str(this)) => {
                Some(string::matches_text(this, text, meter).map(Value::Bool))
            }
            (Quick::Get, Value::Map(map)) => Some(Ok(map.get_str(text).unwrap_or_default())),
            _ => self.asks(this, text).map(|answer| Ok(Value::Bool(answer))),
        }
    }

    /// Calls it for a value; `None` where the search has to decide.
    #[inline]
    pub(crate) fn call(self, this: &Value, args: &[Value], meter: &Meter) -> Option<Thrown> {
        let run = match (self, this, args) {
            (_, _, []) => {
                let count = || self.count(this).map(Value::Int);
                return self.is_empty(this).map(Value::Bool).or_else(count).map(Ok);
            }
            (_, Value::Str(_) | Value::Map(_), [Value::Str(text)]) => {
                return self.call_with(this, text, meter);
            }
            (Quick::Get, Value::Map(map), [key]) => {
                return Some(Ok(map.get(key).unwrap_or_default()));
            }
            (Quick::Get, Value::List(list), [Value::Int(at)]) => return Some(list.at(*at)),
            (Quick::Add, Value::List(list), [_]) if !list.kind().is_array() => list::add,
            (Quick::Contains, Value::List(list), [_]) if !list.kind().is_array() => list::has,
            _ => return None,
        };
        Some(run(&mut Call {
            this,
            args,
            meter,
            blocks: &mut NoBlocks,
        }))
    }
}
