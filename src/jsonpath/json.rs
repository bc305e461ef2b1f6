//! `serde_json` values as trees to walk, and matches as values.

use std::borrow::Cow;
use std::fmt::Write;
use std::ptr;

use serde_json::Value;

use super::found::{Found, Match};
use super::node::{Kind, Node, Number};

impl Node for &Value {
    fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(*value),
            Value::Number(value) => Kind::Number(match (value.as_i64(), value.as_f64()) {
                (Some(int), _) => Number::Int(int),
                (None, Some(float)) if value.is_f64() => Number::Float(float),
                (None, _) => Number::Text(value.to_string()),
            }),
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        }
    }

    fn as_str(&self) -> Option<Cow<'_, str>> {
        Value::as_str(self).map(Cow::Borrowed)
    }

    fn count(&self) -> usize {
        self.as_array().map_or(0, Vec::len)
    }

    fn element(&self, index: usize) -> Option<Self> {
        self.as_array()?.get(index)
    }

    fn member(&self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }

    fn children(&self, visit: &mut dyn FnMut(Self)) {
        match self {
            Value::Array(elements) => elements.iter().for_each(visit),
            Value::Object(members) => members.values().for_each(visit),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        ptr::eq(*self, *other)
    }

    fn to_text(&self) -> Cow<'_, str> {
        if let Value::String(text) = self {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        print(self, &mut out, 0);
        Cow::Owned(out)
    }

    fn is_array(&self) -> bool {
        Value::is_array(self)
    }

    fn is_object(&self) -> bool {
        Value::is_object(self)
    }
}

/// How deep [`print`] follows a document; what lies deeper is left out of the text that a pattern sees.
const PRINT_DEPTH: usize = 400;

/// Prints as Java does: `{a=1, b=[1,"x"]}`, an array and everything in it as JSON.
fn print(value: &Value, out: &mut String, depth: usize) {
    if depth > PRINT_DEPTH {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(value, out),
        Value::String(value) => out.push_str(value),
        Value::Array(_) => json(value, out, depth),
        Value::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                out.push_str(name);
                out.push('=');
                print(value, out, depth + 1);
            }
            out.push('}');
        }
    }
}

fn json(value: &Value, out: &mut String, depth: usize) {
    if depth > PRINT_DEPTH {
        return;
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => print(value, out, depth),
        Value::String(value) => quoted(value, out),
        Value::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                json(element, out, depth + 1);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                quoted(name, out);
                out.push(':');
                json(value, out, depth + 1);
            }
            out.push('}');
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Java prints a double plainly between 10⁻³ and 10⁷, else as `1.0E21`.
fn number(value: &serde_json::Number, out: &mut String) {
    let text = match value.as_f64() {
        Some(float) if value.is_f64() && float != 0.0 && !(1e-3..1e7).contains(&float.abs()) => {
            let text = format!("{float:e}");
            match text.split_once('e') {
                Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
                Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
                None => text,
            }
        }
        Some(float) if value.is_f64() => format!("{float:?}"),
        Some(_) | None => value.to_string(),
    };
    out.push_str(&text);
}

impl Match<&Value> {
    /// A copy of the match as a value of its own.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Node(node) => (*node).clone(),
            Self::Members(members) => members
                .iter()
                .map(|(name, value)| (name.to_string(), (*value).clone()))
                .collect(),
        }
    }
}

impl Found<&Value> {
    /// A copy as a value of its own: many matches become an array, a miss becomes `None`.
    #[must_use]
    pub fn to_value(&self) -> Option<Value> {
        match self {
            Self::Missing => None,
            Self::One(found) => Some(found.to_value()),
            Self::Many(found) => Some(found.iter().map(Match::to_value).collect()),
        }
    }
}
