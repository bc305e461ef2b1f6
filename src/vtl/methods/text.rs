//! Searching and cutting strings by Java's rules for indexes.

use super::unicode::{byte_at, from_units, len, slice, unit_at, unit_index};
use super::{Call, Thrown, index_error};
use crate::vtl::value::Value;

pub(super) fn number(n: usize) -> Value {
    Value::Int(i32::try_from(n).unwrap_or(i32::MAX))
}

fn found(at: Option<usize>) -> Value {
    at.map_or(Value::Int(-1), number)
}

pub(super) fn char_at(call: &mut Call<'_>) -> Thrown {
    let (text, at) = (call.this_str()?, call.int(0)?);
    usize::try_from(at)
        .ok()
        .and_then(|i| unit_at(text, i))
        .map(Value::Char)
        .ok_or_else(|| index_error(at, len(text)))
}

/// The code point that starts at an index, or ends before it.
pub(super) fn code_point(call: &mut Call<'_>, back: i32) -> Thrown {
    let (text, at) = (call.this_str()?, call.int(0)?);
    let error = || index_error(at, len(text));
    let first = usize::try_from(at.wrapping_sub(back)).map_err(|_| error())?;
    let unit = unit_at(text, first).ok_or_else(error)?;
    let pair =
        |high: u16, low: u16| (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    let join = |high: u16, low: u16| {
        0x10000 + ((i32::from(high) - 0xd800) << 10) + (i32::from(low) - 0xdc00)
    };
    let other = if back == 0 {
        unit_at(text, first + 1)
    } else {
        first.checked_sub(1).and_then(|i| unit_at(text, i))
    };
    let code = match other {
        Some(low) if back == 0 && pair(unit, low) => join(unit, low),
        Some(high) if back != 0 && pair(high, unit) => join(high, unit),
        _ => i32::from(unit),
    };
    Ok(Value::Int(code))
}

pub(super) fn substring(call: &mut Call<'_>) -> Thrown {
    let text = call.this_str()?;
    let size = len(text);
    let start = call.int(0)?;
    let end = match call.args.len() {
        1 => i32::try_from(size).unwrap_or(i32::MAX),
        _ => call.int(1)?,
    };
    let (from, to) = (usize::try_from(start), usize::try_from(end));
    match (from, to) {
        (Ok(from), Ok(to)) if from <= to && to <= size => Ok(match call.this {
            Value::Str(this) if this.len() == size => Value::Str(this.part(from, to - from)),
            _ => Value::from(slice(text, from, to)),
        }),
        _ => Err(index_error(start, size)),
    }
}

/// The first place at or behind `from` where the text has these units.
fn find(text: &str, what: &str, from: i32) -> Value {
    let size = len(text);
    let from = usize::try_from(from).unwrap_or(0).min(size);
    match byte_at(text, from) {
        Some(byte) => found(
            text.get(byte..)
                .and_then(|rest| rest.find(what))
                .map(|at| unit_index(text, byte + at)),
        ),
        None => find(text, what, i32::try_from(from + 1).unwrap_or(i32::MAX)),
    }
}

fn find_last(text: &str, what: &str, from: i32) -> Value {
    let Ok(from) = usize::try_from(from) else {
        return Value::Int(-1);
    };
    let size = len(text);
    let mut from = from.min(size);
    while byte_at(text, from).is_none() {
        from -= 1;
    }
    let end = byte_at(text, from).unwrap_or(0).saturating_add(what.len());
    let mut end = end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    found(
        text.get(..end)
            .and_then(|part| part.rfind(what))
            .map(|at| unit_index(text, at)),
    )
}

/// A code point as the text to look for.
fn code_text(code: i32) -> Option<String> {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .map(String::from)
}

fn wanted(call: &Call<'_>) -> Thrown<Option<String>> {
    match call.arg(0) {
        Value::Str(text) => Ok(Some(text.to_string())),
        Value::Null => Err(super::null_pointer()),
        _ => Ok(code_text(call.int(0)?)),
    }
}

pub(super) fn index_of(call: &mut Call<'_>) -> Thrown {
    let from = if call.args.len() > 1 { call.int(1)? } else { 0 };
    let text = call.this_str()?;
    call.meter.charge(text.len() / 64)?;
    Ok(match wanted(call)? {
        Some(what) => find(text, &what, from),
        None => Value::Int(-1),
    })
}

pub(super) fn last_index_of(call: &mut Call<'_>) -> Thrown {
    let from = if call.args.len() > 1 {
        call.int(1)?
    } else {
        i32::MAX
    };
    let text = call.this_str()?;
    call.meter.charge(text.len() / 64)?;
    Ok(match wanted(call)? {
        Some(what) => find_last(text, &what, from),
        None => Value::Int(-1),
    })
}

pub(super) fn starts_with(call: &mut Call<'_>) -> Thrown {
    let (text, what) = (call.this_str()?, call.str(0)?);
    let from = if call.args.len() > 1 { call.int(1)? } else { 0 };
    let starts = usize::try_from(from)
        .ok()
        .and_then(|from| byte_at(text, from))
        .and_then(|byte| text.get(byte..))
        .is_some_and(|rest| rest.starts_with(what));
    Ok(Value::Bool(starts))
}

/// The difference of the first units that differ, or of the lengths.
pub(super) fn compare(a: &str, b: &str) -> Value {
    let mut left = a.encode_utf16();
    let mut right = b.encode_utf16();
    loop {
        match (left.next(), right.next()) {
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some(y)) => return Value::Int(i32::from(x) - i32::from(y)),
            _ => break,
        }
    }
    let difference = len(a) as i64 - len(b) as i64;
    Value::Int(i32::try_from(difference).unwrap_or(i32::MAX))
}

/// Both cases of a text, as `equalsIgnoreCase` compares.
pub(super) fn folded(text: &str) -> String {
    let simple = |c: char| {
        let mut upper = c.to_uppercase();
        let upper = match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            _ => c,
        };
        let mut lower = upper.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(one), None) => one,
            _ => upper,
        }
    };
    text.chars().map(simple).collect()
}

/// `replace` of one text by another, everywhere.
pub(super) fn replace(call: &mut Call<'_>) -> Thrown {
    let (text, what, with) = match (call.arg(0), call.arg(1)) {
        (Value::Char(a), Value::Char(b)) => (
            call.this_str()?.to_owned(),
            from_units(&[*a]),
            from_units(&[*b]),
        ),
        _ => (
            call.this_str()?.to_owned(),
            call.str(0)?.to_owned(),
            call.str(1)?.to_owned(),
        ),
    };
    let count = text.matches(what.as_str()).count();
    call.meter
        .text(text.len().saturating_add(count.saturating_mul(with.len())))?;
    call.made(text.replace(&what, &with))
}

pub(super) fn concat(call: &mut Call<'_>) -> Thrown {
    let (text, more) = (call.this_str()?, call.str(0)?);
    call.meter.text(text.len().saturating_add(more.len()))?;
    call.made(format!("{text}{more}"))
}

pub(super) fn repeat(call: &mut Call<'_>) -> Thrown {
    let (text, count) = (call.this_str()?, call.int(0)?);
    let count = usize::try_from(count)
        .map_err(|_| super::Exception::new("IllegalArgumentException: count is negative"))?;
    call.meter.text(text.len().saturating_mul(count))?;
    call.made(text.repeat(count))
}

/// `join` of the texts of several values.
pub(super) fn join(call: &mut Call<'_>) -> Thrown {
    let items: Vec<Value> = match (call.args, call.arg(1)) {
        ([_, _], Value::List(list)) => list.items(),
        ([_, _], Value::View(view)) => view.items(),
        ([_, _], Value::Null) => return Err(super::null_pointer()),
        (args, _) => args.get(1..).unwrap_or_default().to_vec(),
    };
    let between = call.str(0)?.to_owned();
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(&between);
        }
        match item {
            Value::Str(text) => out.push_str(text),
            Value::Null => out.push_str("null"),
            _ => {
                return Err(super::Exception::new(
                    "ClassCastException: join takes strings",
                ));
            }
        }
        call.meter.text(out.len())?;
    }
    call.made(out)
}
