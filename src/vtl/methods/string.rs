//! The methods of strings.

use super::common::methods;
use super::name::Table;
use super::overload::Ty::{
    Bool, Char, CharSequence, Chars, Double, Float, Int, Iterable, Long, Object, Objects, Other,
    Sequences, Str,
};
use super::text::{
    char_at, code_point, compare, concat, folded, index_of, join, last_index_of, number, repeat,
    replace, starts_with, substring,
};
use super::unicode::{from_units, is_java_space, len};
use super::{Call, Exception, Thrown, null_pointer};
use crate::java_regex;
use crate::vtl::meter::Meter;
use crate::vtl::value::{List, ListKind, Str as Text, Value};

fn pattern(error: &java_regex::PatternError) -> Exception {
    Exception::new(format!("PatternSyntaxException: {error}"))
}

/// Whether all of a text matches a pattern.
pub(super) fn matches_text(text: &str, wanted: &str, meter: &Meter) -> Thrown<bool> {
    meter.charge(1 + text.len() / 16)?;
    java_regex::matches(wanted, text).map_err(|e| pattern(&e))
}

fn matches(call: &mut Call<'_>) -> Thrown {
    matches_text(call.this_str()?, call.str(0)?, call.meter).map(Value::Bool)
}

fn replace_pattern(call: &mut Call<'_>, all: bool) -> Thrown {
    let regex = java_regex::compile(call.str(0)?).map_err(|e| pattern(&e))?;
    let text = call.this_str()?;
    call.meter.charge(1 + text.len() / 16)?;
    let limit = if all { usize::MAX } else { 1 };
    let replaced = regex
        .replace(text, call.str(1)?, limit, &|len| {
            call.meter.text(len).is_ok()
        })
        .map_err(|e| pattern(&e))?;
    call.made(replaced)
}

/// What [`java_regex::split_at`] does, at a character of one byte.
fn split_bytes(text: &Text, at: u8, limit: i32) -> Vec<Value> {
    let bytes = text.as_bytes();
    let mut end = bytes.len();
    if limit == 0 {
        while let Some(last) = end.checked_sub(1)
            && bytes.get(last) == Some(&at)
        {
            end = last;
        }
        if end == 0 && !bytes.is_empty() {
            return Vec::new();
        }
    }
    let most = usize::try_from(limit).unwrap_or(0);
    // Two or three, mostly.
    let mut parts = Vec::with_capacity(4);
    let mut from = 0;
    for place in memchr::memchr_iter(at, bytes.get(..end).unwrap_or_default()) {
        if parts.len() + 1 == most {
            break;
        }
        parts.push(Value::Str(text.cut_at(from, place - from)));
        from = place + 1;
    }
    parts.push(Value::Str(text.cut_at(from, end - from)));
    parts
}

fn split(call: &mut Call<'_>) -> Thrown {
    let limit = if call.args.len() > 1 { call.int(1)? } else { 0 };
    match call.this {
        Value::Str(this) => split_text(this, call.str(0)?, limit, call.meter),
        _ => Err(null_pointer()),
    }
}

/// The parts of a text between the matches of a pattern.
pub(super) fn split_text(text: &Text, at: &str, limit: i32, meter: &Meter) -> Thrown {
    let parts: Vec<Value> = match java_regex::single(at) {
        Some(at) => {
            meter.charge(1 + text.len() / 16)?;
            match u8::try_from(at) {
                Ok(byte) if byte.is_ascii() => split_bytes(text, byte, limit),
                _ => {
                    let mut from = 0;
                    let part = |part: &str| {
                        let start = from;
                        from += part.len() + at.len_utf8();
                        Value::Str(text.part(start, part.len()))
                    };
                    java_regex::split_at(text, at, limit).map(part).collect()
                }
            }
        }
        None => {
            let regex = java_regex::compile(at).map_err(|e| pattern(&e))?;
            meter.charge(1 + text.len() / 16)?;
            let parts = regex.split(text, limit).map_err(|e| pattern(&e))?;
            parts.into_iter().map(Value::from).collect()
        }
    };
    meter.charge(parts.len().saturating_mul(4))?;
    Ok(Value::List(List::new(ListKind::StringArray, parts)))
}

fn chars(call: &mut Call<'_>) -> Thrown {
    let text = call.this_str()?;
    call.meter.charge(text.len().saturating_mul(4))?;
    let units = text.encode_utf16().map(Value::Char).collect();
    Ok(Value::List(List::new(ListKind::CharArray, units)))
}

fn from_chars(call: &mut Call<'_>) -> Thrown {
    let units = match call.args {
        [Value::List(list)] => list.items(),
        [Value::Null] => return Err(null_pointer()),
        several => several.to_vec(),
    };
    let units: Vec<u16> = units
        .iter()
        .filter_map(|v| match v {
            Value::Char(unit) => Some(*unit),
            _ => None,
        })
        .collect();
    call.made(from_units(&units))
}

fn value_of(call: &mut Call<'_>) -> Thrown {
    let value = call.arg(0).clone();
    let text = call.text_of(&value)?;
    call.made(text)
}

fn value_of_double(call: &mut Call<'_>) -> Thrown {
    let value = Value::Double(call.double(0)?);
    let text = call.text_of(&value)?;
    call.made(text)
}

fn stripped(call: &mut Call<'_>, start: bool, end: bool) -> Thrown {
    let mut text = call.this_str()?;
    if start {
        text = text.trim_start_matches(is_java_space);
    }
    if end {
        text = text.trim_end_matches(is_java_space);
    }
    call.made(text.to_owned())
}

fn same(call: &mut Call<'_>) -> Thrown {
    Ok(Value::Bool(match call.arg(0) {
        Value::Str(other) => call.this_str()? == other.as_ref(),
        _ => false,
    }))
}

fn compare_to(call: &mut Call<'_>) -> Thrown {
    Ok(compare(call.this_str()?, call.str(0)?))
}

fn wrong_class(call: &mut Call<'_>) -> Thrown {
    Err(match call.arg(0) {
        Value::Null => null_pointer(),
        other => Exception::new(format!(
            "ClassCastException: {} is no String",
            other.class_name()
        )),
    })
}

fn lower(call: &mut Call<'_>) -> Thrown {
    call.made(call.this_str()?.to_lowercase())
}

fn upper(call: &mut Call<'_>) -> Thrown {
    call.made(call.this_str()?.to_uppercase())
}

fn format(call: &mut Call<'_>) -> Thrown {
    let (pattern, args) = (call.str(0)?.to_owned(), call.args.get(1..));
    super::format::format(call, &pattern, args.unwrap_or_default())
}

fn formatted(call: &mut Call<'_>) -> Thrown {
    let (pattern, args) = (call.this_str()?.to_owned(), call.args);
    super::format::format(call, &pattern, args)
}

fn bytes(call: &mut Call<'_>) -> Thrown {
    let text = call.this_str()?;
    call.meter.charge(text.len().saturating_mul(4))?;
    let bytes = super::access::bytes(text);
    Ok(Value::List(List::new(ListKind::ByteArray, bytes)))
}

fn region_matches(call: &mut Call<'_>) -> Thrown {
    let ignore = call.args.len() == 5;
    let base = usize::from(ignore);
    let fold = ignore && call.bool(0)?;
    let (from, other, at, count) = (
        call.int(base)?,
        call.str(base + 1)?,
        call.int(base + 2)?,
        call.int(base + 3)?,
    );
    let part = |text: &str, start: i32| -> Option<Vec<u16>> {
        let start = usize::try_from(start).ok()?;
        let count = usize::try_from(count).unwrap_or(0);
        let units: Vec<u16> = text.encode_utf16().skip(start).take(count).collect();
        (units.len() == count && start <= len(text)).then_some(units)
    };
    let equal = match (part(call.this_str()?, from), part(other, at)) {
        (Some(a), Some(b)) if fold => folded(&from_units(&a)) == folded(&from_units(&b)),
        (Some(a), Some(b)) => a == b,
        _ => false,
    };
    Ok(Value::Bool(equal))
}

pub(super) static METHODS: Table = Table::new(methods! {
    length() => |c| Ok(number(len(c.this_str()?)));
    isEmpty() => |c| Ok(Value::Bool(c.this_str()?.is_empty()));
    isBlank() => |c| Ok(Value::Bool(c.this_str()?.chars().all(is_java_space)));
    charAt(Int) => char_at;
    codePointAt(Int) => |c| code_point(c, 0);
    codePointBefore(Int) => |c| code_point(c, 1);
    contains(CharSequence) => |c| Ok(Value::Bool(c.this_str()?.contains(c.str(0)?)));
    replace(CharSequence, CharSequence) => replace;
    replace(Char, Char) => replace;
    replaceAll(Str, Str) => |c| replace_pattern(c, true);
    replaceFirst(Str, Str) => |c| replace_pattern(c, false);
    matches(Str) => matches;
    split(Str) => split;
    split(Str, Int) => split;
    substring(Int) => substring;
    substring(Int, Int) => substring;
    subSequence(Int, Int) => substring;
    trim() => |c| c.made(c.this_str()?.trim_matches(|ch| ch <= ' ').to_owned());
    strip() => |c| stripped(c, true, true);
    stripLeading() => |c| stripped(c, true, false);
    stripTrailing() => |c| stripped(c, false, true);
    toLowerCase() => lower;
    toLowerCase(Other) => |_| Err(null_pointer());
    toUpperCase() => upper;
    toUpperCase(Other) => |_| Err(null_pointer());
    equals(Object) => same;
    equalsIgnoreCase(Str) => |c| match c.arg(0) {
        Value::Str(other) => Ok(Value::Bool(folded(c.this_str()?) == folded(other))),
        _ => Ok(Value::Bool(false)),
    };
    contentEquals(CharSequence) => |c| Ok(Value::Bool(c.this_str()? == c.str(0)?));
    compareTo(Str) => compare_to;
    compareTo(Object) => wrong_class;
    compareToIgnoreCase(Str) => |c| {
        Ok(compare(&folded(c.this_str()?), &folded(c.str(0)?)))
    };
    startsWith(Str) => starts_with;
    startsWith(Str, Int) => starts_with;
    endsWith(Str) => |c| Ok(Value::Bool(c.this_str()?.ends_with(c.str(0)?)));
    indexOf(Str) => index_of;
    indexOf(Str, Int) => index_of;
    indexOf(Int) => index_of;
    indexOf(Int, Int) => index_of;
    lastIndexOf(Str) => last_index_of;
    lastIndexOf(Str, Int) => last_index_of;
    lastIndexOf(Int) => last_index_of;
    lastIndexOf(Int, Int) => last_index_of;
    concat(Str) => concat;
    repeat(Int) => repeat;
    regionMatches(Int, Str, Int, Int) => region_matches;
    regionMatches(Bool, Int, Str, Int, Int) => region_matches;
    toCharArray() => chars;
    getBytes() => bytes;
    getBytes(Str) => |c| match c.str(0)?.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => bytes(c),
        other => Err(Exception::new(format!("UnsupportedEncodingException: {other}"))),
    };
    getBytes(Other) => |_| Err(null_pointer());
    intern() => |c| Ok(c.this.clone());
    toString() => |c| Ok(c.this.clone());
    join(CharSequence, Sequences) => join;
    join(CharSequence, Iterable) => join;
    format(Str, Objects) => format;
    format(Other, Str, Objects) => |_| Err(null_pointer());
    formatted(Objects) => formatted;
    valueOf(Object) => value_of;
    valueOf(Int) => value_of;
    valueOf(Long) => value_of;
    valueOf(Float) => value_of;
    valueOf(Double) => value_of_double;
    valueOf(Bool) => value_of;
    valueOf(Char) => value_of;
    valueOf(Chars) => from_chars;
    copyValueOf(Chars) => from_chars;
    transform(Other) => |_| Err(null_pointer());
    codePointCount(Int, Int) => |c| {
        let part = substring(c)?;
        let count = part.as_str().map_or(0, |text| text.chars().count());
        Ok(number(count))
    };
    describeConstable() => |c| Ok(Value::from(format!("Optional[{}]", c.this_str()?)));
});
