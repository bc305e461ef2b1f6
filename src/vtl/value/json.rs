//! Values as JSON text, the way json-smart writes it.

use std::rc::Rc;

use super::doc::Node;
use super::{Doc, Map, Printer, Value, double_text};
use crate::vtl::meter::Meter;
use crate::vtl::object::Exception;

/// Appends a quoted string.
pub(crate) fn write_json_string(text: &str, out: &mut String, escape_slash: bool) {
    out.push('"');
    // Most texts have nothing to escape, and many have no character beyond ASCII.
    let special = |b: &u8| matches!(b, 0..=0x1f | b'"' | b'\\' | b'/' | 0x7f..);
    let mut plain = 0;
    let first = text.bytes().position(|b| special(&b)).unwrap_or(text.len());
    let rest = text.get(first..).unwrap_or_default();
    for (at, c) in rest.char_indices().map(|(at, c)| (first + at, c)) {
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
        Value::List(list) => match list.plain() {
            Some((doc, at)) => write_node(doc, at, out, slash, meter, depth)?,
            None => list.look(|items| write_items(items, out, slash, meter, depth))?,
        },
        Value::View(view) => write_items(&view.items(), out, slash, meter, depth)?,
        Value::Map(map) => match map.plain() {
            Some((doc, at)) => write_node(doc, at, out, slash, meter, depth)?,
            None => write_map(map, out, slash, meter, depth)?,
        },
        other => write_json_string(&other.to_text()?, out, slash),
    }
    Ok(())
}

/// Appends what stands at a place in a document, without making values of it.
fn write_node(
    doc: &Rc<Doc>,
    at: u32,
    out: &mut String,
    slash: bool,
    meter: &Meter,
    depth: u32,
) -> Result<(), Exception> {
    let mut buffer = itoa::Buffer::new();
    match doc.node(at) {
        Node::Null => out.push_str("null"),
        Node::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        Node::Int(v) => out.push_str(buffer.format(v)),
        Node::Long(v) => out.push_str(buffer.format(v)),
        Node::Double(v) if v.is_finite() => double_text(v, out),
        Node::Text { start, len } | Node::Key { start, len, .. } => {
            let text = doc.slice(start, len);
            meter.text(out.len() + text.len())?;
            write_json_string(text, out, slash);
        }
        Node::List { .. } if doc.is_plain(at) => {
            meter.depth(depth)?;
            meter.charge(doc.count(at) as usize)?;
            out.push('[');
            for (number, item) in doc.items(at).enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_node(doc, item, out, slash, meter, depth + 1)?;
            }
            out.push(']');
            meter.text(out.len())?;
        }
        Node::Map { .. } if doc.is_plain(at) => {
            meter.depth(depth)?;
            meter.charge(doc.count(at) as usize)?;
            out.push('{');
            for (number, (key, value)) in doc.entries(at).enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_node(doc, key, out, slash, meter, depth)?;
                out.push(':');
                write_node(doc, value, out, slash, meter, depth + 1)?;
            }
            out.push('}');
            meter.text(out.len())?;
        }
        _ => write_json(&Doc::value(doc, at), out, slash, meter, depth)?,
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
