//! Numbers without the detour over values: what most comparisons and sums are about.

use std::cmp::Ordering;

use super::Evaluation;
use crate::vtl::ast::{Expr, Math, Shape, Sum};
use crate::vtl::value::Value;

/// A number of one of the two types that most are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i32),
    Double(f64),
}

impl From<Number> for Value {
    #[inline]
    fn from(number: Number) -> Value {
        match number {
            Number::Int(number) => Value::Int(number),
            Number::Double(number) => Value::Double(number),
        }
    }
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Number::Int(*number)),
            Value::Double(number) => Some(Number::Double(*number)),
            _ => None,
        }
    }

    fn double(self) -> f64 {
        match self {
            Number::Int(number) => f64::from(number),
            Number::Double(number) => number,
        }
    }

    pub(super) fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            // Neither less nor greater counts as equal, for NaN too.
            (a, b) => a
                .double()
                .partial_cmp(&b.double())
                .unwrap_or(Ordering::Equal),
        }
    }

    /// `None` where the result is of another type, or none.
    fn compute(self, operator: Math, other: Number) -> Option<Number> {
        if let (Number::Int(a), Number::Int(b)) = (self, other) {
            let result = match operator {
                Math::Add => a.checked_add(b),
                Math::Subtract => a.checked_sub(b),
                Math::Multiply => a.checked_mul(b),
                Math::Divide | Math::Remainder => None,
            };
            return result.map(Number::Int);
        }
        let (a, b) = (self.double(), other.double());
        let result = match operator {
            Math::Add => a + b,
            Math::Subtract => a - b,
            Math::Multiply => a * b,
            Math::Divide if b != 0.0 => a / b,
            Math::Divide | Math::Remainder => return None,
        };
        Some(Number::Double(result))
    }
}

impl Evaluation<'_> {
    /// The number an operand is, if that is plain to see.
    #[inline(always)]
    pub(super) fn number(&self, expr: &Expr) -> Option<Number> {
        match expr {
            Expr::Int(number) => Some(Number::Int(*number)),
            Expr::Double(number) => Some(Number::Double(*number)),
            Expr::Reference(reference) => {
                if !reference.has_value() {
                    return None;
                }
                match reference.shape {
                    Shape::Variable => Number::of(self.read(reference.slot)),
                    Shape::Properties => {
                        let (doc, at) = self.place(reference)?;
                        doc.number(at)
                    }
                    Shape::Loop(_) | Shape::Quick => self.count(reference).map(Number::Int),
                    Shape::Index | Shape::Call | Shape::Other => None,
                }
            }
            _ => None,
        }
    }

    /// The value of a sum of two numbers that are plain to see.
    #[inline]
    pub(super) fn short_sum(&self, sum: &Sum) -> Option<Number> {
        let [(operator, right, _)] = sum.rest.as_slice() else {
            return None;
        };
        self.number(&sum.first)?
            .compute(*operator, self.number(right)?)
    }
}
