//! Methods of maps, of their entries, and of `$foreach`.

use std::rc::Rc;

use super::common::methods;
use super::name::Table;
use super::overload::Ty::{Map as MapType, Object, Other};
use super::{Call, Thrown, null_pointer};
use crate::vtl::value::{Map, Value, View, ViewKind, equals};

fn map(call: &Call<'_>) -> Thrown<Map> {
    match call.this {
        Value::Map(map) => Ok(map.clone()),
        Value::Loop(scope) => Ok(scope.values()),
        _ => Err(null_pointer()),
    }
}

fn view(call: &Call<'_>, kind: ViewKind) -> Thrown {
    Ok(Value::View(Rc::new(View {
        map: map(call)?,
        kind,
    })))
}

fn size(call: &mut Call<'_>) -> Thrown {
    Ok(Value::Int(
        i32::try_from(map(call)?.len()).unwrap_or(i32::MAX),
    ))
}

fn get(call: &mut Call<'_>) -> Thrown {
    Ok(map(call)?.get(call.arg(0)).unwrap_or_default())
}

fn put(call: &mut Call<'_>) -> Thrown {
    map(call)?.put(call.arg(0).clone(), call.arg(1).clone())
}

fn contains_value(call: &mut Call<'_>) -> Thrown {
    let values = map(call)?.values();
    super::collection::contains(&values, call.arg(0), call.meter).map(Value::Bool)
}

fn put_all(call: &mut Call<'_>) -> Thrown {
    let from = call.map(0)?;
    let into = map(call)?;
    call.meter.charge(from.len().saturating_mul(4))?;
    for (key, value) in from.entries() {
        into.overwrite(key, value);
    }
    Ok(Value::empty())
}

fn get_or_default(call: &mut Call<'_>) -> Thrown {
    Ok(map(call)?
        .get(call.arg(0))
        .unwrap_or_else(|| call.arg(1).clone()))
}

fn put_if_absent(call: &mut Call<'_>) -> Thrown {
    let map = map(call)?;
    match map.get(call.arg(0)) {
        Some(value) if !value.is_null() => Ok(value),
        _ => {
            map.overwrite(call.arg(0).clone(), call.arg(1).clone());
            Ok(Value::Null)
        }
    }
}

fn replace(call: &mut Call<'_>) -> Thrown {
    let map = map(call)?;
    if !map.contains(call.arg(0)) {
        return Ok(Value::Null);
    }
    Ok(map
        .overwrite(call.arg(0).clone(), call.arg(1).clone())
        .unwrap_or_default())
}

/// Whether the map holds this value under this key.
fn holds(call: &Call<'_>, map: &Map) -> Thrown<bool> {
    match map.get(call.arg(0)) {
        Some(value) => equals(&value, call.arg(1), call.meter, 0),
        None => Ok(false),
    }
}

fn remove_pair(call: &mut Call<'_>) -> Thrown {
    let map = map(call)?;
    let found = holds(call, &map)?;
    if found {
        map.remove(call.arg(0));
    }
    Ok(Value::Bool(found))
}

fn replace_pair(call: &mut Call<'_>) -> Thrown {
    let map = map(call)?;
    let found = holds(call, &map)?;
    if found {
        map.overwrite(call.arg(0).clone(), call.arg(2).clone());
    }
    Ok(Value::Bool(found))
}

fn copy(call: &mut Call<'_>) -> Thrown {
    let from = map(call)?;
    call.meter.charge(from.len().saturating_mul(4))?;
    let copy = Map::new(from.kind());
    let copy = if from.is_quiet() { copy.quiet() } else { copy };
    for (key, value) in from.entries() {
        copy.overwrite(key, value);
    }
    Ok(Value::Map(copy))
}

fn no_function(_: &mut Call<'_>) -> Thrown {
    Err(null_pointer())
}

pub(super) static METHODS: Table = Table::new(methods! {
    get(Object) => get;
    put(Object, Object) => put;
    size() => size;
    isEmpty() => |c| Ok(Value::Bool(map(c)?.is_empty()));
    containsKey(Object) => |c| Ok(Value::Bool(map(c)?.contains(c.arg(0))));
    containsValue(Object) => contains_value;
    keySet() => |c| view(c, ViewKind::Keys);
    values() => |c| view(c, ViewKind::Values);
    entrySet() => |c| view(c, ViewKind::Entries);
    remove(Object) => |c| Ok(map(c)?.remove(c.arg(0)).unwrap_or_default());
    remove(Object, Object) => remove_pair;
    putAll(MapType) => put_all;
    putIfAbsent(Object, Object) => put_if_absent;
    getOrDefault(Object, Object) => get_or_default;
    replace(Object, Object) => replace;
    replace(Object, Object, Object) => replace_pair;
    clear() => |c| {
        map(c)?.clear();
        Ok(Value::empty())
    };
    clone() => copy;
    forEach(Other) => no_function;
    replaceAll(Other) => no_function;
    merge(Object, Object, Other) => no_function;
    compute(Object, Other) => no_function;
    computeIfAbsent(Object, Other) => no_function;
    computeIfPresent(Object, Other) => no_function;
});

pub(super) static LOOP_METHODS: Table = Table::new(methods! {
    get(Object) => get;
    put(Object, Object) => put;
    size() => size;
    isEmpty() => |c| Ok(Value::Bool(map(c)?.is_empty()));
    containsKey(Object) => |c| Ok(Value::Bool(map(c)?.contains(c.arg(0))));
    containsValue(Object) => contains_value;
    keySet() => |c| view(c, ViewKind::Keys);
    values() => |c| view(c, ViewKind::Values);
    entrySet() => |c| view(c, ViewKind::Entries);
    remove(Object) => |c| Ok(map(c)?.remove(c.arg(0)).unwrap_or_default());
    putAll(MapType) => put_all;
    getOrDefault(Object, Object) => get_or_default;
    hasNext() => |c| super::property(c.this, "hasNext");
    isFirst() => |c| super::property(c.this, "first");
    isLast() => |c| super::property(c.this, "last");
    getIndex() => |c| super::property(c.this, "index");
    getCount() => |c| super::property(c.this, "count");
    getHasNext() => |c| super::property(c.this, "hasNext");
    getFirst() => |c| super::property(c.this, "first");
    getLast() => |c| super::property(c.this, "last");
    getParent() => |c| super::property(c.this, "parent");
    getTopmost() => |c| super::property(c.this, "topmost");
});

pub(super) static ENTRY_METHODS: Table = Table::new(methods! {
    getKey() => |c| super::property(c.this, "key");
    getValue() => |c| super::property(c.this, "value");
    setValue(Object) => |c| match c.this {
        Value::Entry(entry) => {
            let old = entry.value();
            entry.map.overwrite(entry.key().clone(), c.arg(0).clone());
            Ok(old)
        }
        _ => Err(null_pointer()),
    };
});
