//! Java's arithmetic and comparison of numbers, with its promotions.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::{Signed as _, ToPrimitive as _, Zero as _};

use super::ast::Math;
use super::object::Exception;
use super::value::{Decimal, Value};

/// The type two operands are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    Int,
    Long,
    Big,
    Float,
    Double,
    Decimal,
}

fn base(value: &Value) -> Option<Base> {
    Some(match value {
        Value::Int(_) => Base::Int,
        Value::Long(_) => Base::Long,
        Value::BigInteger(_) => Base::Big,
        Value::Float(_) => Base::Float,
        Value::Double(_) => Base::Double,
        Value::BigDecimal(_) => Base::Decimal,
        _ => return None,
    })
}

fn common(left: &Value, right: &Value) -> Option<Base> {
    let (a, b) = (base(left)?, base(right)?);
    let both = a.max(b);
    // A big integer and a fraction meet in a decimal.
    if a.min(b) == Base::Big && both > Base::Big {
        return Some(Base::Decimal);
    }
    Some(both)
}

/// `Number.doubleValue()`.
pub(crate) fn double_value(value: &Value) -> Option<f64> {
    Some(match value {
        Value::Int(v) => f64::from(*v),
        Value::Long(v) => *v as f64,
        Value::BigInteger(v) => v.to_f64().unwrap_or(f64::NAN),
        Value::Float(v) => f64::from(*v),
        Value::Double(v) => *v,
        Value::BigDecimal(v) => v.to_f64(),
        _ => return None,
    })
}

/// `Number.floatValue()`.
pub(crate) fn float_value(value: &Value) -> Option<f32> {
    Some(match value {
        Value::Int(v) => *v as f32,
        Value::Long(v) => *v as f32,
        Value::Float(v) => *v,
        other => double_value(other)? as f32,
    })
}

/// `Number.longValue()`: fractions are cut, big integers keep their low bits.
pub(crate) fn long_value(value: &Value) -> Option<i64> {
    Some(match value {
        Value::Int(v) => i64::from(*v),
        Value::Long(v) => *v,
        Value::BigInteger(v) => low_bits(v),
        Value::Float(v) => *v as i64,
        Value::Double(v) => *v as i64,
        Value::BigDecimal(v) => v.to_bigint().map_or(0, |v| low_bits(&v)),
        _ => return None,
    })
}

/// `Number.intValue()`.
pub(crate) fn int_value(value: &Value) -> Option<i32> {
    Some(match value {
        Value::Float(v) => *v as i32,
        Value::Double(v) => *v as i32,
        other => long_value(other)? as i32,
    })
}

fn low_bits(value: &BigInt) -> i64 {
    let low = value.iter_u64_digits().next().unwrap_or(0) as i64;
    if value.is_negative() {
        low.wrapping_neg()
    } else {
        low
    }
}

pub(crate) fn big_value(value: &Value) -> Option<BigInt> {
    match value {
        Value::BigInteger(v) => Some(v.as_ref().clone()),
        other => long_value(other).map(BigInt::from),
    }
}

pub(crate) fn decimal_value(value: &Value) -> Option<Decimal> {
    match value {
        Value::BigDecimal(v) => Some(v.as_ref().clone()),
        Value::BigInteger(v) => Some(Decimal::new(v.as_ref().clone(), 0)),
        Value::Float(_) | Value::Double(_) => Decimal::from_f64(double_value(value)?),
        other => long_value(other).map(|v| Decimal::new(BigInt::from(v), 0)),
    }
}

/// Compares two numbers; `None` if one is none.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => return Some(a.cmp(b)),
        (Value::Str(_), _) | (_, Value::Str(_)) => return None,
        _ => {}
    }
    Some(match common(left, right)? {
        Base::Int | Base::Long => long_value(left)?.cmp(&long_value(right)?),
        Base::Big => big_value(left)?.cmp(&big_value(right)?),
        // Neither less nor greater counts as equal, for NaN too.
        Base::Float => float_value(left)?
            .partial_cmp(&float_value(right)?)
            .unwrap_or(Ordering::Equal),
        Base::Double => double_value(left)?
            .partial_cmp(&double_value(right)?)
            .unwrap_or(Ordering::Equal),
        Base::Decimal => match (decimal_value(left), decimal_value(right)) {
            (Some(a), Some(b)) => a.compare(&b),
            _ => double_value(left)?.partial_cmp(&double_value(right)?)?,
        },
    })
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::BigInteger(v) => v.is_zero(),
        other => double_value(other) == Some(0.0),
    }
}

/// The value of `left operator right`; null when an operand is no number, or for a division by zero.
pub(crate) fn compute(operator: Math, left: &Value, right: &Value) -> Result<Value, Exception> {
    // What most templates compute.
    match (left, operator, right) {
        (Value::Int(a), Math::Add, Value::Int(b)) => {
            let sum = i64::from(*a) + i64::from(*b);
            return Ok(i32::try_from(sum).map_or(Value::Long(sum), Value::Int));
        }
        (Value::Double(a), Math::Add | Math::Subtract | Math::Multiply, Value::Double(b)) => {
            return Ok(Value::Double(floats(operator, *a, *b)));
        }
        _ => {}
    }
    let Some(base) = common(left, right) else {
        return Ok(Value::Null);
    };
    if matches!(operator, Math::Divide | Math::Remainder) && is_zero(right) {
        return Ok(Value::Null);
    }
    let value = match base {
        Base::Int | Base::Long => {
            let (Some(a), Some(b)) = (long_value(left), long_value(right)) else {
                return Ok(Value::Null);
            };
            return Ok(integers(operator, a, b, base));
        }
        Base::Big => big(operator, left, right)?,
        Base::Float => float_value(left)
            .zip(float_value(right))
            .map(|(a, b)| Value::Float(floats(operator, a, b))),
        Base::Double => double_value(left)
            .zip(double_value(right))
            .map(|(a, b)| Value::Double(floats(operator, a, b))),
        Base::Decimal => decimals(operator, left, right)?,
    };
    Ok(value.unwrap_or_default())
}

fn integers(operator: Math, a: i64, b: i64, base: Base) -> Value {
    let big = |f: fn(BigInt, BigInt) -> BigInt| Value::from(f(BigInt::from(a), BigInt::from(b)));
    let result = match operator {
        Math::Add => match a.checked_add(b) {
            Some(v) => v,
            None => return big(|a, b| a + b),
        },
        Math::Subtract => match a.checked_sub(b) {
            Some(v) => v,
            None => return big(|a, b| a - b),
        },
        Math::Multiply => {
            let product = a.wrapping_mul(b);
            // The test divides back, and misses the lowest number times -1.
            if b != 0 && product.wrapping_div(b) != a {
                return big(|a, b| a * b);
            }
            product
        }
        Math::Divide => a.wrapping_div(b),
        Math::Remainder => a.wrapping_rem(b),
    };
    match (base, i32::try_from(result)) {
        (Base::Int, Ok(small)) => Value::Int(small),
        _ => Value::Long(result),
    }
}

fn floats<T>(operator: Math, a: T, b: T) -> T
where
    T: std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + std::ops::Rem<Output = T>,
{
    match operator {
        Math::Add => a + b,
        Math::Subtract => a - b,
        Math::Multiply => a * b,
        Math::Divide => a / b,
        Math::Remainder => a % b,
    }
}

/// Numbers beyond this many bits are not computed with.
const MAX_BITS: u64 = 1 << 20;

fn too_large() -> Exception {
    Exception::new("ArithmeticException: the number is too large")
}

fn big(operator: Math, left: &Value, right: &Value) -> Result<Option<Value>, Exception> {
    let (Some(a), Some(b)) = (big_value(left), big_value(right)) else {
        return Ok(None);
    };
    if a.bits() + b.bits() > MAX_BITS {
        return Err(too_large());
    }
    let result = match operator {
        Math::Add => a + b,
        Math::Subtract => a - b,
        Math::Multiply => a * b,
        Math::Divide => {
            if b.is_zero() {
                return Err(Exception::new("ArithmeticException: division by zero"));
            }
            a / b
        }
        Math::Remainder => {
            if !b.is_positive() {
                return Err(Exception::new("ArithmeticException: modulus not positive"));
            }
            let rest: BigInt = a % &b;
            if rest.is_negative() { rest + b } else { rest }
        }
    };
    Ok(Some(Value::from(result)))
}

fn decimals(operator: Math, left: &Value, right: &Value) -> Result<Option<Value>, Exception> {
    if operator == Math::Remainder {
        return Err(Exception::new(
            "ArithmeticException: no remainder of decimals",
        ));
    }
    let (Some(a), Some(b)) = (decimal_value(left), decimal_value(right)) else {
        return Err(Exception::new(
            "NumberFormatException: infinite or not a number",
        ));
    };
    if a.unscaled().bits() + b.unscaled().bits() > MAX_BITS {
        return Err(too_large());
    }
    let result = match operator {
        Math::Add => a.add(&b),
        Math::Subtract => a.sub(&b),
        Math::Multiply => a.mul(&b),
        Math::Divide | Math::Remainder => a.div(&b),
    };
    result.map(|v| Some(Value::from(v))).ok_or_else(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(operator: Math, a: Value, b: Value) -> String {
        compute(operator, &a, &b).unwrap().to_text().unwrap()
    }

    #[test]
    fn promotions() {
        let big = |digits: &str| Value::from(digits.parse::<BigInt>().unwrap());
        for (a, operator, b, expected) in [
            (Value::Int(i32::MAX), Math::Add, Value::Int(1), "2147483648"),
            (
                Value::Long(i64::MAX),
                Math::Add,
                Value::Int(1),
                "9223372036854775808",
            ),
            (
                Value::Long(i64::MIN),
                Math::Multiply,
                Value::Int(-1),
                "-9223372036854775808",
            ),
            (Value::Int(7), Math::Divide, Value::Int(-2), "-3"),
            (Value::Int(-7), Math::Remainder, Value::Int(2), "-1"),
            (Value::Int(1), Math::Divide, Value::Double(2.0), "0.5"),
            (Value::Int(1), Math::Divide, Value::Int(0), "null"),
            (Value::Int(1), Math::Add, Value::from("x"), "null"),
            (
                big("-99999999999999999999"),
                Math::Remainder,
                Value::Int(7),
                "6",
            ),
            (
                big("99999999999999999999"),
                Math::Add,
                Value::Double(0.1),
                "99999999999999999999.1000000000000000055511151231257827021181583404541015625",
            ),
        ] {
            assert_eq!(text(operator, a, b), expected);
        }
    }

    #[test]
    fn comparisons() {
        assert_eq!(
            compare(&Value::Int(1), &Value::Double(1.0)),
            Some(Ordering::Equal)
        );
        assert_eq!(compare(&Value::Int(1), &Value::from("1")), None);
    }
}
