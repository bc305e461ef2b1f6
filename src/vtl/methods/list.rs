//! Methods of lists and arrays.

use std::rc::Rc;

use super::collection::{contains, position};
use super::common::methods;
use super::name::Table;
use super::overload::Ty::{Collection, Int, Object, Objects, Other};
use super::{Call, Thrown, null_pointer, unsupported};
use crate::vtl::object::Exception;
use crate::vtl::value::{Iter, List, ListKind, Value, equals, note_list};

fn number(n: Option<usize>) -> Value {
    Value::Int(n.map_or(-1, |n| i32::try_from(n).unwrap_or(i32::MAX)))
}

fn size(call: &mut Call<'_>) -> Thrown {
    Ok(number(Some(call.this_list()?.len())))
}

fn is_empty(call: &mut Call<'_>) -> Thrown {
    Ok(Value::Bool(call.this_list()?.is_empty()))
}

fn get(call: &mut Call<'_>) -> Thrown {
    call.this_list()?.at(call.int(0)?)
}

fn set(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let value = call.arg(1).clone();
    if list.kind() == ListKind::StringArray && value.as_str().is_none() && !value.is_null() {
        return Err(Exception::new(
            "IllegalArgumentException: array element type mismatch",
        ));
    }
    list.set(call.int(0)?, value)
}

pub(super) fn has(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    list.look(|items| contains(items, call.arg(0), call.meter).map(Value::Bool))
}

fn has_all(call: &mut Call<'_>) -> Thrown {
    let wanted = call.items(0)?;
    call.this_list()?.look(|items| {
        for item in &wanted {
            if !contains(items, item, call.meter)? {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    })
}

fn index_of(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    list.look(|items| position(items, call.arg(0), call.meter).map(number))
}

fn last_index_of(call: &mut Call<'_>) -> Thrown {
    let mut items = call.this_list()?.items();
    let len = items.len();
    items.reverse();
    let at = position(&items, call.arg(0), call.meter)?;
    Ok(number(at.map(|at| len - 1 - at)))
}

fn iterator(call: &mut Call<'_>) -> Thrown {
    Ok(Value::Iter(Rc::new(Iter::over_list(call.this_list()?, 0))))
}

fn list_iterator(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let at = place(call.int(0)?, list.len())?;
    Ok(Value::Iter(Rc::new(Iter::over_list(list, at))))
}

/// A place between items.
fn place(index: i32, len: usize) -> Thrown<usize> {
    usize::try_from(index)
        .ok()
        .filter(|at| *at <= len)
        .ok_or_else(|| {
            Exception::new(format!(
                "IndexOutOfBoundsException: index {index}, size {len}"
            ))
        })
}

pub(super) fn add(call: &mut Call<'_>) -> Thrown {
    call.meter.charge(1)?;
    call.this_list()?.push(call.arg(0).clone());
    Ok(Value::Bool(true))
}

fn insert(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let at = place(call.int(0)?, list.len())?;
    call.meter.charge(1 + (list.len() - at) / 64)?;
    let item = call.arg(1).clone();
    note_list(list, &item);
    list.change(|cells| cells.insert(at, item));
    Ok(Value::empty())
}

fn add_all(call: &mut Call<'_>) -> Thrown {
    let items = call.items(0)?;
    let some = !items.is_empty();
    let list = call.this_list()?;
    items.iter().for_each(|item| note_list(list, item));
    list.change(|cells| cells.extend(items));
    Ok(Value::Bool(some))
}

fn insert_all(call: &mut Call<'_>) -> Thrown {
    let items = call.items(1)?;
    let list = call.this_list()?;
    let at = place(call.int(0)?, list.len())?;
    call.meter.charge(list.len() / 64)?;
    let some = !items.is_empty();
    items.iter().for_each(|item| note_list(list, item));
    list.change(|cells| cells.splice(at..at, items).count());
    Ok(Value::Bool(some))
}

fn remove_at(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let index = call.int(0)?;
    call.meter.charge(list.len() / 64)?;
    match usize::try_from(index).ok().filter(|at| *at < list.len()) {
        Some(at) => Ok(list.change(|cells| cells.remove(at))),
        None => list.at(index),
    }
}

fn remove(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let at = list.look(|items| position(items, call.arg(0), call.meter))?;
    if let Some(at) = at {
        list.change(|cells| cells.remove(at));
    }
    Ok(Value::Bool(at.is_some()))
}

/// Keeps the items that are among `others`, or those that are not.
fn sieve(call: &mut Call<'_>, keep: bool) -> Thrown {
    let others = call.items(0)?;
    let list = call.this_list()?;
    let mut kept = Vec::new();
    for item in list.items() {
        if contains(&others, &item, call.meter)? == keep {
            kept.push(item);
        }
    }
    let changed = kept.len() != list.len();
    if changed {
        list.change(|cells| *cells = kept);
    }
    Ok(Value::Bool(changed))
}

fn clear(call: &mut Call<'_>) -> Thrown {
    let _old = call.this_list()?.change(std::mem::take);
    Ok(Value::empty())
}

fn sub_list(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let (from, to) = (call.int(0)?, call.int(1)?);
    let (start, end) = (place(from, list.len())?, place(to, list.len())?);
    if start > end {
        return Err(Exception::new(format!(
            "IllegalArgumentException: fromIndex({from}) > toIndex({to})"
        )));
    }
    call.meter.charge((end - start).saturating_mul(4))?;
    let items = list.look(|items| items.get(start..end).unwrap_or_default().to_vec());
    Ok(Value::List(List::array_list(items)))
}

fn to_array(call: &mut Call<'_>) -> Thrown {
    let items = call.this_list()?.items();
    call.meter.charge(items.len().saturating_mul(4))?;
    Ok(Value::List(List::new(ListKind::ObjectArray, items)))
}

fn copy(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    call.meter.charge(list.len().saturating_mul(4))?;
    Ok(Value::List(List::new(list.kind(), list.items())))
}

/// `sort(null)`: by the order the items have themselves.
fn sort(call: &mut Call<'_>) -> Thrown {
    let list = call.this_list()?;
    let mut items = list.items();
    call.meter.charge(items.len().saturating_mul(16))?;
    let comparable = items.windows(2).all(|pair| match pair {
        [Value::Str(_), Value::Str(_)] | [Value::Bool(_), Value::Bool(_)] => true,
        [a, b] => a.is_number() && a.class_name() == b.class_name(),
        _ => true,
    });
    if !comparable {
        return Err(Exception::new(
            "ClassCastException: the items cannot be compared",
        ));
    }
    items.sort_by(|a, b| match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.encode_utf16().cmp(b.encode_utf16()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (a, b) => crate::vtl::ops::compare(a, b).unwrap_or(std::cmp::Ordering::Equal),
    });
    list.change(|cells| *cells = items);
    Ok(Value::empty())
}

/// `equals` of the list an array is wrapped in.
fn array_equals(call: &mut Call<'_>) -> Thrown {
    equals(call.this, call.arg(0), call.meter, 0).map(Value::Bool)
}

fn no_function(_: &mut Call<'_>) -> Thrown {
    Err(null_pointer())
}

fn fixed(_: &mut Call<'_>) -> Thrown {
    Err(unsupported())
}

macro_rules! list_methods {
    ($($extra:tt)*) => {
        methods! {
            get(Int) => get;
            size() => size;
            isEmpty() => is_empty;
            contains(Object) => has;
            add(Object) => add;
            add(Int, Object) => insert;
            addAll(Collection) => add_all;
            addAll(Int, Collection) => insert_all;
            set(Int, Object) => set;
            remove(Int) => remove_at;
            remove(Object) => remove;
            removeAll(Collection) => |c| sieve(c, false);
            retainAll(Collection) => |c| sieve(c, true);
            removeIf(Other) => no_function;
            clear() => clear;
            indexOf(Object) => index_of;
            lastIndexOf(Object) => last_index_of;
            containsAll(Collection) => has_all;
            subList(Int, Int) => sub_list;
            iterator() => iterator;
            listIterator() => iterator;
            listIterator(Int) => list_iterator;
            toArray() => to_array;
            toArray(Objects) => to_array;
            clone() => copy;
            sort(Other) => sort;
            forEach(Other) => no_function;
            replaceAll(Other) => no_function;
            ensureCapacity(Int) => |_| Ok(Value::empty());
            trimToSize() => |_| Ok(Value::empty());
            $($extra)*
        }
    };
}

pub(super) static METHODS: Table = Table::new(list_methods! {});

pub(super) static JSON_METHODS: Table = Table::new(list_methods! {
    toJSONString() => |c| {
        let this = c.this.clone();
        let text = c.text_of(&this)?;
        c.made(text)
    };
    appendElement(Object) => |c| {
        add(c)?;
        Ok(c.this.clone())
    };
});

pub(super) static ARRAY_METHODS: Table = Table::new(methods! {
    get(Int) => get;
    size() => size;
    isEmpty() => is_empty;
    contains(Object) => has;
    set(Int, Object) => set;
    indexOf(Object) => index_of;
    lastIndexOf(Object) => last_index_of;
    containsAll(Collection) => has_all;
    subList(Int, Int) => sub_list;
    iterator() => iterator;
    listIterator() => iterator;
    listIterator(Int) => list_iterator;
    toArray() => to_array;
    toArray(Objects) => to_array;
    equals(Object) => array_equals;
    add(Object) => fixed;
    add(Int, Object) => fixed;
    addAll(Collection) => fixed;
    addAll(Int, Collection) => fixed;
    remove(Int) => fixed;
    remove(Object) => |c| {
        let at = position(&c.this_list()?.items(), c.arg(0), c.meter)?;
        if at.is_some() { Err(unsupported()) } else { Ok(Value::Bool(false)) }
    };
    clear() => |c| {
        if c.this_list()?.is_empty() { Ok(Value::empty()) } else { Err(unsupported()) }
    };
});
