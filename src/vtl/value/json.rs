//! Values as JSON text, the way json-smart writes it.

use super::{Map, Printer, Value};
use crate::vtl::meter::Meter;
use crate::vtl::object::Exception;

/// Appends a quoted string.
pub(crate) fn write_json_string(text: &str, out: &mut String, escape_slash: bool) {
    out.push('"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '/' if escape_slash => "\\/",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => "",
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        plain = at + c.len_utf8();
        if short.is_empty() {
            out.push_str(&format!("\\u{:04X}", u32::from(c)));
        } else {
            out.push_str(short);
        }
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

/// Appends a value as compact JSON.
pub(super) fn write_json(
    value: &Value,
    out: &mut String,
    slash: bool,
    meter: &Meter,
    depth: u32,
) -> Result<(), Exception> {
    meter.depth(depth)?;
    match value {
        Value::Null => out.push_str("null"),
        Value::Str(text) => {
            meter.text(out.len() + text.len())?;
            write_json_string(text, out, slash);
        }
        Value::Double(v) if !v.is_finite() => out.push_str("null"),
        Value::Float(v) if !v.is_finite() => out.push_str("null"),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::BigInteger(_)
        | Value::Float(_)
        | Value::Double(_)
        | Value::BigDecimal(_) => Printer::plain(meter).scalar(value, out),
        Value::List(list) => list.look(|items| write_items(items, out, slash, meter, depth))?,
        Value::View(view) => write_items(&view.items(), out, slash, meter, depth)?,
        Value::Map(map) => write_map(map, out, slash, meter, depth)?,
        other => write_json_string(&other.to_text()?, out, slash),
    }
    Ok(())
}

fn write_map(
    map: &Map,
    out: &mut String,
    slash: bool,
    meter: &Meter,
    depth: u32,
) -> Result<(), Exception> {
    out.push('{');
    let mut first = true;
    let mut result = Ok(());
    map.each(|key, value| {
        if result.is_err() {
            return;
        }
        if !first {
            out.push(',');
        }
        first = false;
        result = write_member(key, value, out, slash, meter, depth);
    });
    out.push('}');
    result
}

fn write_member(
    key: &Value,
    value: &Value,
    out: &mut String,
    slash: bool,
    meter: &Meter,
    depth: u32,
) -> Result<(), Exception> {
    meter.charge(1)?;
    match key.as_str() {
        Some(text) => write_json_string(text, out, slash),
        None => write_json_string(&key.to_text()?, out, slash),
    }
    out.push(':');
    write_json(value, out, slash, meter, depth + 1)?;
    meter.text(out.len())
}

fn write_items(
    items: &[Value],
    out: &mut String,
    slash: bool,
    meter: &Meter,
    depth: u32,
) -> Result<(), Exception> {
    out.push('[');
    meter.charge(items.len())?;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_json(item, out, slash, meter, depth + 1)?;
        meter.text(out.len())?;
    }
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        for (text, slash, expected) in [
            ("a/b", true, r#""a\/b""#),
            ("a/b", false, r#""a/b""#),
            ("\u{1}\u{85}\u{2028}é", true, "\"\\u0001\\u0085\\u2028é\""),
            ("\"\\\n", false, r#""\"\\\n""#),
        ] {
            let mut out = String::new();
            write_json_string(text, &mut out, slash);
            assert_eq!(out, expected);
        }
    }
}
