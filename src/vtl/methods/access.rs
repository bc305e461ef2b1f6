//! Properties and indexes, read and written.

use std::rc::Rc;
use std::sync::Arc;

use super::{Thrown, unicode};
use crate::vtl::object::Exception;
use crate::vtl::scope::LoopScope;
use crate::vtl::value::{List, ListKind, Value};

/// The value of `value.name`; null when there is none.
pub(crate) fn property(value: &Value, name: &str) -> Thrown {
    if let Value::Map(map) = value {
        if let "class" | "Class" = name {
            return Ok(class(value));
        }
        return Ok(map.get_str(name).unwrap_or_default());
    }
    if let Value::Object(object) = value {
        let found = object.property(name)?;
        if found.is_null() && matches!(name, "class" | "Class") {
            return Ok(class(value));
        }
        return Ok(found);
    }
    if let Value::Loop(scope) = value {
        return Ok(match name {
            "hasNext" | "HasNext" => Value::Bool(scope.has_next.get()),
            "index" | "Index" => Value::Int(scope.index.get()),
            "count" | "Count" => Value::Int(scope.index.get() + 1),
            "first" | "First" => Value::Bool(scope.index.get() < 1),
            "last" | "Last" => Value::Bool(!scope.has_next.get()),
            "parent" | "Parent" => loop_or_null(scope.parent.clone()),
            "topmost" | "Topmost" => Value::Loop(LoopScope::topmost(scope)),
            "class" | "Class" => class(value),
            "info" | "Info" => return Err(super::no_info()),
            other => scope.value(other).unwrap_or_default(),
        });
    }
    Ok(match (value, name) {
        (Value::Class(class), "name" | "Name") => Value::from(Arc::clone(class)),
        (Value::Class(_), _) => Value::Null,
        (_, "class" | "Class") => class(value),
        (Value::Str(text), "empty" | "Empty") => Value::Bool(text.is_empty()),
        (Value::Str(text), "blank" | "Blank") => {
            Value::Bool(text.chars().all(unicode::is_java_space))
        }
        (Value::Str(text), "bytes" | "Bytes") => {
            Value::List(List::new(ListKind::ByteArray, bytes(text)))
        }
        (Value::List(list), "empty" | "Empty") if !list.kind().is_array() => {
            Value::Bool(list.is_empty())
        }
        (Value::View(view), "empty" | "Empty") => Value::Bool(view.is_empty()),
        (Value::Entry(entry), "key" | "Key") => entry.key().clone(),
        (Value::Entry(entry), "value" | "Value") => entry.value(),
        (Value::Double(v), "naN" | "NaN") => Value::Bool(v.is_nan()),
        (Value::Double(v), "infinite" | "Infinite") => Value::Bool(v.is_infinite()),
        _ => Value::Null,
    })
}

fn loop_or_null(scope: Option<Rc<LoopScope>>) -> Value {
    scope.map_or(Value::Null, Value::Loop)
}

fn class(value: &Value) -> Value {
    Value::Class(Arc::from(value.class_name()))
}

/// The UTF-8 bytes as Java sees them, signed.
pub(super) fn bytes(text: &str) -> Vec<Value> {
    text.bytes()
        .map(|b| Value::Int(i32::from(b as i8)))
        .collect()
}

/// A negative index counts from the end.
fn counted(value: &Value, index: i32) -> Option<i32> {
    if index >= 0 {
        return Some(index);
    }
    let len = match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::View(view) => view.len(),
        Value::Loop(scope) => scope.values().len(),
        _ => return None,
    };
    Some(i32::try_from(len).unwrap_or(i32::MAX).wrapping_add(index))
}

/// The value of `value[key]`; null when there is none.
pub(crate) fn index(value: &Value, key: &Value) -> Thrown {
    match (value, key) {
        (Value::List(list), Value::Int(at)) if *at >= 0 => return list.at(*at),
        (Value::Map(map), Value::Str(key)) => return Ok(map.get_str(key).unwrap_or_default()),
        _ => {}
    }
    let key = match key {
        Value::Int(at) if *at < 0 => match counted(value, *at) {
            Some(at) => Value::Int(at),
            None => {
                return Err(Exception::new(format!(
                    "a negative index {at} needs a value with a size"
                )));
            }
        },
        other => other.clone(),
    };
    match (value, &key) {
        (Value::List(list), Value::Int(at)) => list.at(*at),
        (Value::Map(map), key) => Ok(map.get(key).unwrap_or_default()),
        (Value::Loop(scope), key) => Ok(scope.values().get(key).unwrap_or_default()),
        (Value::Object(object), key) => Ok(object
            .call("get", std::slice::from_ref(key))?
            .unwrap_or_default()),
        _ => Ok(Value::Null),
    }
}

/// `#set($target[key] = value)`.
pub(crate) fn assign_index(target: &Value, key: &Value, value: Value) -> Thrown<()> {
    let key = match key {
        Value::Int(at) if *at < 0 => match counted(target, *at) {
            Some(at) => Value::Int(at),
            None => {
                return Err(Exception::new(format!(
                    "a negative index {at} needs a value with a size"
                )));
            }
        },
        other => other.clone(),
    };
    match (target, &key) {
        (Value::List(list), Value::Int(at)) => {
            if list.kind() == ListKind::StringArray && value.as_str().is_none() {
                return Err(Exception::new(
                    "IllegalArgumentException: array element type mismatch",
                ));
            }
            list.set(*at, value)?;
        }
        (Value::Map(map), _) => {
            map.put(key, value)?;
        }
        (Value::Loop(scope), _) => {
            scope.values().put(key, value)?;
        }
        (Value::Object(object), _) => {
            object.call("put", &[key, value])?;
        }
        _ => {}
    }
    Ok(())
}

/// `#set($target.name = value)`, with the name as a value.
pub(crate) fn assign_property(target: &Value, name: Value, value: Value) -> Thrown<()> {
    match target {
        Value::Map(map) => {
            map.put(name, value)?;
        }
        Value::Loop(scope) => {
            scope.values().put(name, value)?;
        }
        Value::Entry(entry) if matches!(name.as_str(), Some("value" | "Value")) => {
            entry.map.overwrite(entry.key().clone(), value);
        }
        Value::Object(object) => {
            object.call("put", &[name, value])?;
        }
        _ => {}
    }
    Ok(())
}
