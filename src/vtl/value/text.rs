//! What values print: Java's `toString()`.

use std::fmt::Write as _;

use super::json::write_json;
use super::{List, ListKind, Map, Value, double_text, float_text};
use crate::vtl::block::Block;
use crate::vtl::meter::Meter;
use crate::vtl::object::Exception;

/// Renders the blocks that values hold; the evaluator does it.
pub(crate) trait Blocks {
    /// Appends what the block prints.
    fn block(&mut self, block: &std::rc::Rc<Block>, out: &mut String) -> Result<(), Exception>;
}

/// Stands in where no rendering is going on: blocks print nothing.
#[derive(Debug)]
pub(crate) struct NoBlocks;

impl Blocks for NoBlocks {
    fn block(&mut self, _: &std::rc::Rc<Block>, _: &mut String) -> Result<(), Exception> {
        Ok(())
    }
}

/// Prints values within the bounds of a meter.
pub(crate) struct Printer<'a> {
    meter: &'a Meter,
    blocks: Option<&'a mut dyn Blocks>,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(meter: &'a Meter, blocks: &'a mut dyn Blocks) -> Self {
        Printer {
            meter,
            blocks: Some(blocks),
        }
    }

    pub(super) fn plain(meter: &'a Meter) -> Self {
        Printer {
            meter,
            blocks: None,
        }
    }

    /// Appends the text of a value.
    pub(crate) fn print(&mut self, value: &Value, out: &mut String) -> Result<(), Exception> {
        self.value(value, out, 0)
    }

    /// Appends a value that holds no others.
    pub(super) fn scalar(&self, value: &Value, out: &mut String) {
        let mut buffer = itoa::Buffer::new();
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
            Value::Int(v) => out.push_str(buffer.format(*v)),
            Value::Long(v) => out.push_str(buffer.format(*v)),
            Value::BigInteger(v) => push(out, v),
            Value::Float(v) => float_text(*v, out),
            Value::Double(v) => double_text(*v, out),
            Value::BigDecimal(v) => push(out, v),
            Value::Char(v) => push_unit(*v, out),
            Value::Str(text) => out.push_str(text),
            Value::Class(name) => {
                out.push_str("class ");
                out.push_str(name);
            }
            Value::Iter(_) => out.push_str(value.class_name()),
            Value::Object(object) => out.push_str(&object.text()),
            Value::List(_)
            | Value::Map(_)
            | Value::View(_)
            | Value::Entry(_)
            | Value::Block(_)
            | Value::Loop(_) => {}
        }
    }

    fn value(&mut self, value: &Value, out: &mut String, depth: u32) -> Result<(), Exception> {
        self.meter.depth(depth)?;
        match value {
            Value::List(list) => self.list(list, out, depth)?,
            Value::Map(map) => self.map(map, out, depth)?,
            Value::View(view) => self.items(&view.items(), None, out, depth)?,
            Value::Entry(entry) => {
                self.value(entry.key(), out, depth + 1)?;
                out.push('=');
                self.value(&entry.value(), out, depth + 1)?;
            }
            Value::Loop(scope) => {
                let values = scope.values();
                self.map(&values, out, depth)?;
            }
            Value::Block(block) => {
                if let Some(blocks) = self.blocks.as_deref_mut() {
                    blocks.block(block, out)?;
                }
            }
            other => self.scalar(other, out),
        }
        self.meter.text(out.len())
    }

    fn list(&mut self, list: &List, out: &mut String, depth: u32) -> Result<(), Exception> {
        match list.kind() {
            ListKind::ArrayList => self.items(&list.items(), Some(list), out, depth),
            ListKind::JsonArray => {
                write_json(&Value::List(list.clone()), out, true, self.meter, depth)
            }
            // An address in Java; here the class is enough.
            other => {
                out.push_str(other.class_name());
                Ok(())
            }
        }
    }

    fn items(
        &mut self,
        items: &[Value],
        this: Option<&List>,
        out: &mut String,
        depth: u32,
    ) -> Result<(), Exception> {
        self.meter.charge(items.len())?;
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            match (item, this) {
                (Value::List(item), Some(this)) if item.same(this) => {
                    out.push_str("(this Collection)");
                }
                _ => self.value(item, out, depth + 1)?,
            }
        }
        out.push(']');
        Ok(())
    }

    fn map(&mut self, map: &Map, out: &mut String, depth: u32) -> Result<(), Exception> {
        if map.is_quiet() {
            return Ok(());
        }
        out.push('{');
        let mut first = true;
        for (key, value) in map.entries() {
            self.meter.charge(1)?;
            if !first {
                out.push_str(", ");
            }
            first = false;
            self.member(&key, map, out, depth)?;
            out.push('=');
            self.member(&value, map, out, depth)?;
        }
        out.push('}');
        Ok(())
    }

    fn member(
        &mut self,
        value: &Value,
        map: &Map,
        out: &mut String,
        depth: u32,
    ) -> Result<(), Exception> {
        match value {
            Value::Map(inner) if inner.same(map) => {
                out.push_str("(this Map)");
                Ok(())
            }
            other => self.value(other, out, depth + 1),
        }
    }
}

fn push(out: &mut String, value: &impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends one UTF-16 unit; half of a pair prints as Java's encoder writes it.
pub(crate) fn push_unit(unit: u16, out: &mut String) {
    out.push(char::from_u32(u32::from(unit)).unwrap_or('?'));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers() {
        let map = Map::linked();
        map.put_str("a", Value::Int(1));
        map.put_str("b", Value::Null);
        map.put_str("me", map.clone().into());
        map.put_str("l", List::json(vec!["x/y".into(), Value::Null]).into());
        assert_eq!(
            Value::from(map.clone()).to_text().unwrap(),
            r#"{a=1, b=null, me=(this Map), l=["x\/y",null]}"#
        );
        map.clear();
    }

    #[test]
    fn two_lists_in_each_other_fail() {
        let a = List::array_list(vec![]);
        let b = List::array_list(vec![a.clone().into()]);
        a.push(b.into());
        assert!(Value::from(a.clone()).to_text().is_err());
        a.change(|cells| cells.clear());
    }
}
