//! Values and truth of expressions.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Evaluation, Flow, Flowing, fail};
use crate::vtl::ast::{Comparison, Expr, Math, Node, Piece, Reference, Shape, Sum};
use crate::vtl::ops;
use crate::vtl::span::Span;
use crate::vtl::value::{List, Map, Str, Value, equals};

impl<'t> Evaluation<'t> {
    /// The value of an expression; null only for bad arithmetic, bad ranges and bare words.
    pub(super) fn value(&mut self, expr: &'t Expr) -> Flowing<Value> {
        Ok(match expr {
            Expr::Bool(v) => Value::Bool(*v),
            Expr::Int(v) => Value::Int(*v),
            Expr::Long(v) => Value::Long(*v),
            Expr::Big(v) => Value::BigInteger(Rc::new(v.as_ref().clone())),
            Expr::Double(v) => Value::Double(*v),
            Expr::Text(text) => self.literal(*text),
            Expr::Template(nodes, padded) => self.interpolated(nodes, *padded)?,
            Expr::Reference(reference) => self.reference(reference)?,
            Expr::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.value(item)?);
                }
                self.spend(values.len())?;
                Value::List(List::array_list(values))
            }
            Expr::Map(entries) => {
                let map = Map::linked();
                for (key, value) in entries {
                    let key = self.value(key)?;
                    let value = self.value(value)?;
                    map.put(key, value).map_err(|e| fail(&e, self.at))?;
                }
                self.spend(entries.len())?;
                Value::Map(map)
            }
            Expr::Range(bounds, _) => {
                let start = self.value(&bounds.0)?;
                let end = self.value(&bounds.1)?;
                self.range(&start, &end)?
            }
            Expr::Not(_) | Expr::And(_) | Expr::Or(_) | Expr::Compare(_) | Expr::Chain(..) => {
                Value::Bool(self.truth(expr)?)
            }
            Expr::Math(sum) => match self.short_sum(sum) {
                Some(number) => number.into(),
                None => self.math(sum)?,
            },
        })
    }

    /// Whether an expression counts as true: only references and Boolean expressions can.
    pub(super) fn truth(&mut self, expr: &'t Expr) -> Flowing<bool> {
        Ok(match expr {
            Expr::Bool(v) => *v,
            Expr::Reference(reference) => {
                if reference.has_value()
                    && let Some(answer) = self.answer(reference)
                {
                    return Ok(answer);
                }
                match self.reference(reference)? {
                    Value::Bool(v) => v,
                    Value::Null => false,
                    value => {
                        // Velocity prints a value to see whether it is true.
                        if holds_more(&value) {
                            self.text(&value, reference.span)?;
                        }
                        true
                    }
                }
            }
            Expr::Not(inner) => !self.truth(inner)?,
            Expr::And(all) => {
                for one in all {
                    if !self.truth(one)? {
                        return Ok(false);
                    }
                }
                true
            }
            Expr::Or(all) => {
                for one in all {
                    if self.truth(one)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expr::Compare(parts) => {
                let (left, operator, right) = parts.as_ref();
                match (left, operator, right) {
                    (
                        Expr::Reference(left),
                        Comparison::Equal | Comparison::NotEqual,
                        Expr::Text(text),
                    ) => {
                        if let Some(same) = self.is_text(left, self.piece(*text)) {
                            return Ok(same == (*operator == Comparison::Equal));
                        }
                    }
                    (left, _, right) => {
                        if let Some(left) = self.number(left)
                            && let Some(right) = self.number(right)
                        {
                            return Ok(holds(*operator, left.compare(right)));
                        }
                    }
                }
                let left = self.value(left)?;
                let right = self.value(right)?;
                self.compare(*operator, &left, &right)?
            }
            Expr::Chain(first, rest) => {
                let mut left = self.value(first)?;
                let mut result = false;
                for (operator, right) in rest {
                    let right = self.value(right)?;
                    result = self.compare(*operator, &left, &right)?;
                    left = Value::Bool(result);
                }
                result
            }
            _ => {
                self.value(expr)?;
                false
            }
        })
    }

    /// Whether a reference that is a text for certain is this one.
    fn is_text(&self, reference: &Reference, text: &str) -> Option<bool> {
        if !reference.has_value() {
            return None;
        }
        match reference.shape {
            Shape::Variable => Some(self.read(reference.slot).as_str()? == text),
            Shape::Properties => {
                let (doc, at) = self.place(reference)?;
                Some(doc.text(at)? == text)
            }
            Shape::Loop(_) | Shape::Index | Shape::Quick | Shape::Call | Shape::Other => None,
        }
    }

    fn spend(&self, n: usize) -> Flowing {
        self.meter.charge(n).map_err(|e| fail(&e, self.at))
    }

    fn interpolated(&mut self, nodes: &'t [Node], padded: bool) -> Flowing<Value> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.clear();
        self.nodes(nodes, &mut buffer)?;
        if padded {
            buffer.pop();
        }
        let value = if buffer.is_empty() {
            Value::empty()
        } else {
            Value::from(buffer.as_str())
        };
        self.buffers.push(buffer);
        Ok(value)
    }

    fn range(&mut self, start: &Value, end: &Value) -> Flowing<Value> {
        let (Some(start), Some(end)) = (ops::int_value(start), ops::int_value(end)) else {
            return Ok(Value::Null);
        };
        let count = (i64::from(start) - i64::from(end)).unsigned_abs() + 1;
        // An item takes more room than most steps do.
        self.spend(
            usize::try_from(count)
                .unwrap_or(usize::MAX)
                .saturating_mul(8),
        )?;
        let items = if start >= end {
            (end..=start).rev().map(Value::Int).collect()
        } else {
            (start..=end).map(Value::Int).collect()
        };
        Ok(Value::List(List::array_list(items)))
    }

    fn math(&mut self, sum: &'t Sum) -> Flowing<Value> {
        let span = sum.span;
        let mut left = self.value(&sum.first)?;
        let mut source = literal(&sum.first);
        for (operator, operand, part) in &sum.rest {
            let mut right = self.value(operand)?;
            let text = left.as_str().is_some() || right.as_str().is_some();
            left = if *operator == Math::Add && text {
                // In a text, the source of an expression stands for its null.
                if left.is_null() {
                    left = self.stand_in(source);
                } else if right.is_null() {
                    right = self.stand_in(literal(operand));
                }
                self.concat(&left, &right, span)?
            } else {
                ops::compute(*operator, &left, &right).map_err(|e| fail(&e, span))?
            };
            source = Some(*part);
        }
        Ok(left)
    }

    /// What prints for a null in a text.
    fn stand_in(&mut self, source: Option<Piece>) -> Value {
        match source {
            Some(source) => self.literal(source),
            None => Value::Str(Str::fixed("null")),
        }
    }

    fn concat(&mut self, left: &Value, right: &Value, span: Span) -> Flowing<Value> {
        let mut out = self.buffers.pop().unwrap_or_default();
        out.clear();
        self.print(left, &mut out, span)?;
        self.print(right, &mut out, span)?;
        self.bounded(&out, span)?;
        let value = Value::from(out.as_str());
        self.buffers.push(out);
        Ok(value)
    }

    fn compare(&mut self, operator: Comparison, left: &Value, right: &Value) -> Result<bool, Flow> {
        Ok(match operator {
            Comparison::Equal => self.same(left, right)?,
            Comparison::NotEqual => !self.same(left, right)?,
            _ => ops::compare(left, right).is_some_and(|order| holds(operator, order)),
        })
    }

    /// `==`: numbers by value, one class by `equals`, anything else by text.
    fn same(&mut self, left: &Value, right: &Value) -> Flowing<bool> {
        if let Some(order) = ops::compare(left, right) {
            return Ok(order == Ordering::Equal);
        }
        match (left, right) {
            (Value::Str(a), Value::Str(b)) => return Ok(a == b),
            (Value::Null, Value::Null) => return Ok(true),
            (Value::Null, _) | (_, Value::Null) => return Ok(false),
            _ => {}
        }
        if assignable(left, right) {
            return equals(left, right, self.meter, 0).map_err(|e| fail(&e, self.at));
        }
        let left = self.text(left, self.at)?;
        let right = self.text(right, self.at)?;
        Ok(left == right)
    }
}

fn holds(operator: Comparison, order: Ordering) -> bool {
    match operator {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::Greater => order.is_gt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Whether printing a value can do more than make a text: fail because the value contains itself, or run a block.
fn holds_more(value: &Value) -> bool {
    let deep = |value: &Value| {
        matches!(
            value,
            Value::List(_)
                | Value::Map(_)
                | Value::View(_)
                | Value::Entry(_)
                | Value::Loop(_)
                | Value::Block(_)
        )
    };
    match value {
        Value::Block(_) | Value::Entry(_) | Value::View(_) => true,
        Value::List(list) => list.plain().is_none() && list.look(|items| items.iter().any(deep)),
        Value::Map(map) if map.plain().is_none() && !map.is_quiet() => {
            let mut found = false;
            map.each(|key, value| found |= deep(key) || deep(value));
            found
        }
        _ => false,
    }
}

/// The source of an expression that can be null.
fn literal(expr: &Expr) -> Option<Piece> {
    match expr {
        Expr::Math(sum) => Some(sum.literal()),
        Expr::Range(_, source) => Some(*source),
        _ => None,
    }
}

/// Whether one of two classes is the other or derived from it.
fn assignable(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(a), Value::List(b)) => {
            a.kind() == b.kind() || (!a.kind().is_array() && !b.kind().is_array())
        }
        // The maps of `$context` and plain maps in insertion order are unrelated.
        (Value::Map(a), Value::Map(b)) => a.is_quiet() == b.is_quiet() || a.kind() == b.kind(),
        (a, b) => a.class_name() == b.class_name(),
    }
}
