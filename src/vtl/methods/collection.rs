//! Methods of the views of a map, and what they share with lists.

use std::rc::Rc;

use super::common::methods;
use super::name::Table;
use super::overload::Ty::{Collection, Object, Objects};
use super::{Call, Thrown, null_pointer, unsupported};
use crate::vtl::meter::Meter;
use crate::vtl::value::{Iter, List, ListKind, Value, View, ViewKind, equals};

/// Whether the item is among `items`.
pub(super) fn contains(items: &[Value], item: &Value, meter: &Meter) -> Thrown<bool> {
    Ok(position(items, item, meter)?.is_some())
}

/// Where the item is in `items` for the first time.
pub(super) fn position(items: &[Value], item: &Value, meter: &Meter) -> Thrown<Option<usize>> {
    meter.charge(items.len() / 8)?;
    if let Value::Str(text) = item {
        return Ok(text.position_in(items));
    }
    for (at, one) in items.iter().enumerate() {
        if equals(item, one, meter, 0)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn view<'a>(call: &Call<'a>) -> Thrown<&'a View> {
    match call.this {
        Value::View(view) => Ok(view),
        _ => Err(null_pointer()),
    }
}

fn has(view: &View, item: &Value, meter: &Meter) -> Thrown<bool> {
    match (view.kind, item) {
        (ViewKind::Keys, item) => Ok(view.map.contains(item)),
        (ViewKind::Entries, Value::Entry(entry)) => match view.map.get(entry.key()) {
            Some(value) => equals(&value, &entry.value(), meter, 0),
            None => Ok(false),
        },
        (ViewKind::Entries, _) => Ok(false),
        (ViewKind::Values, item) => contains(&view.items(), item, meter),
    }
}

/// Removes the entries for which `wanted` holds, all or the first.
fn remove(view: &View, first: bool, mut wanted: impl FnMut(&Value) -> Thrown<bool>) -> Thrown {
    let mut removed = false;
    for (key, item) in view.map.keys().into_iter().zip(view.items()) {
        if wanted(&item)? {
            view.map.remove(&key);
            removed = true;
            if first {
                break;
            }
        }
    }
    Ok(Value::Bool(removed))
}

fn to_array(call: &mut Call<'_>) -> Thrown {
    let items = view(call)?.items();
    call.meter.charge(items.len())?;
    Ok(Value::List(List::new(ListKind::ObjectArray, items)))
}

pub(super) static METHODS: Table = Table::new(methods! {
    size() => |c| Ok(Value::Int(i32::try_from(view(c)?.len()).unwrap_or(i32::MAX)));
    isEmpty() => |c| Ok(Value::Bool(view(c)?.is_empty()));
    iterator() => |c| Ok(Value::Iter(Rc::new(Iter::over_view(view(c)?))));
    contains(Object) => |c| Ok(Value::Bool(has(view(c)?, c.arg(0), c.meter)?));
    containsAll(Collection) => |c| {
        for item in c.items(0)? {
            if !has(view(c)?, &item, c.meter)? {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    };
    remove(Object) => |c| {
        let view = view(c)?;
        if view.kind == ViewKind::Keys {
            let there = view.map.contains(c.arg(0));
            view.map.remove(c.arg(0));
            return Ok(Value::Bool(there));
        }
        c.meter.charge(view.len())?;
        remove(view, true, |item| equals(c.arg(0), item, c.meter, 0))
    };
    removeAll(Collection) => |c| {
        let unwanted = c.items(0)?;
        c.meter.charge(view(c)?.len())?;
        remove(view(c)?, false, |item| contains(&unwanted, item, c.meter))
    };
    retainAll(Collection) => |c| {
        let wanted = c.items(0)?;
        c.meter.charge(view(c)?.len())?;
        remove(view(c)?, false, |item| Ok(!contains(&wanted, item, c.meter)?))
    };
    clear() => |c| {
        view(c)?.map.clear();
        Ok(Value::empty())
    };
    toArray() => to_array;
    toArray(Objects) => to_array;
    add(Object) => |_| Err(unsupported());
    addAll(Collection) => |_| Err(unsupported());
});
