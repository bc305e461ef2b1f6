//! The methods of `BigInteger` and `BigDecimal`.

use num_bigint::BigInt;
use num_traits::{Signed as _, Zero as _};

use super::common::methods;
use super::name::Table;
use super::number::{
    byte_value, double_value, float_value, int_value, long_value, short_value, small,
};
use super::overload::Ty::{BigDecimal, BigInteger, Int, Long, Object};
use super::{Call, Thrown, null_pointer};
use crate::vtl::ast::Math;
use crate::vtl::object::Exception;
use crate::vtl::ops;
use crate::vtl::value::Value;

fn big(call: &Call<'_>) -> Thrown<BigInt> {
    ops::big_value(call.this).ok_or_else(null_pointer)
}

fn wrong_class(call: &mut Call<'_>) -> Thrown {
    Err(Exception::new(format!(
        "ClassCastException: {} is no {}",
        call.arg(0).class_name(),
        call.this.class_name()
    )))
}

fn compute(call: &Call<'_>, operator: Math) -> Thrown {
    if call.arg(0).is_null() {
        return Err(null_pointer());
    }
    let result = ops::compute(operator, call.this, call.arg(0))?;
    if result.is_null() {
        return Err(Exception::new("ArithmeticException: division by zero"));
    }
    Ok(result)
}

fn compare(call: &mut Call<'_>) -> Thrown {
    ops::compare(call.this, call.arg(0))
        .map(|order| Value::Int(order as i32))
        .ok_or_else(null_pointer)
}

fn power(call: &mut Call<'_>) -> Thrown {
    let base = big(call)?;
    let exponent = u32::try_from(call.int(0)?)
        .map_err(|_| Exception::new("ArithmeticException: negative exponent"))?;
    if base.bits().saturating_mul(u64::from(exponent)) > 1 << 20 {
        return Err(Exception::new(
            "ArithmeticException: the number is too large",
        ));
    }
    Ok(Value::from(base.pow(exponent)))
}

fn in_radix(call: &mut Call<'_>) -> Thrown {
    let radix = u32::try_from(call.int(0)?)
        .ok()
        .filter(|r| (2..=36).contains(r))
        .unwrap_or(10);
    call.made(big(call)?.to_str_radix(radix))
}

fn sign(value: &BigInt) -> Value {
    Value::Int(if value.is_zero() {
        0
    } else if value.is_negative() {
        -1
    } else {
        1
    })
}

pub(super) static BIG_METHODS: Table = Table::new(methods! {
    intValue() => int_value;
    longValue() => long_value;
    doubleValue() => double_value;
    floatValue() => float_value;
    byteValue() => byte_value;
    shortValue() => short_value;
    intValueExact() => |c| small(&big(c)?)
        .map(Value::Int)
        .ok_or_else(|| Exception::new("ArithmeticException: out of int range"));
    add(BigInteger) => |c| compute(c, Math::Add);
    subtract(BigInteger) => |c| compute(c, Math::Subtract);
    multiply(BigInteger) => |c| compute(c, Math::Multiply);
    divide(BigInteger) => |c| compute(c, Math::Divide);
    mod(BigInteger) => |c| compute(c, Math::Remainder);
    max(BigInteger) => |c| Ok(Value::from(big(c)?.max(ops::big_value(c.arg(0)).ok_or_else(null_pointer)?)));
    min(BigInteger) => |c| Ok(Value::from(big(c)?.min(ops::big_value(c.arg(0)).ok_or_else(null_pointer)?)));
    abs() => |c| Ok(Value::from(big(c)?.abs()));
    negate() => |c| Ok(Value::from(-big(c)?));
    signum() => |c| Ok(sign(&big(c)?));
    pow(Int) => power;
    bitCount() => |c| {
        let value = big(c)?;
        let value = if value.is_negative() { -value - 1 } else { value };
        Ok(Value::Int(i32::try_from(value.magnitude().count_ones()).unwrap_or(i32::MAX)))
    };
    remainder(BigInteger) => |c| {
        let divisor = ops::big_value(c.arg(0)).ok_or_else(null_pointer)?;
        if divisor.is_zero() {
            return Err(Exception::new("ArithmeticException: division by zero"));
        }
        Ok(Value::from(big(c)? % divisor))
    };
    gcd(BigInteger) => |c| {
        let other = ops::big_value(c.arg(0)).ok_or_else(null_pointer)?;
        Ok(Value::from(num_integer::Integer::gcd(&big(c)?, &other)))
    };
    longValueExact() => |c| i64::try_from(big(c)?)
        .map(Value::Long)
        .map_err(|_| Exception::new("ArithmeticException: out of long range"));
    valueOf(Long) => |c| Ok(Value::from(BigInt::from(c.long(0)?)));
    bitLength() => |c| Ok(Value::Int(i32::try_from(big(c)?.bits()).unwrap_or(i32::MAX)));
    toString(Int) => in_radix;
    compareTo(BigInteger) => compare;
    compareTo(Object) => wrong_class;
});

pub(super) static METHODS: Table = Table::new(methods! {
    intValue() => int_value;
    longValue() => long_value;
    doubleValue() => double_value;
    floatValue() => float_value;
    byteValue() => byte_value;
    shortValue() => short_value;
    add(BigDecimal) => |c| compute(c, Math::Add);
    subtract(BigDecimal) => |c| compute(c, Math::Subtract);
    multiply(BigDecimal) => |c| compute(c, Math::Multiply);
    scale() => |c| match c.this {
        Value::BigDecimal(v) => Ok(Value::Int(v.scale())),
        _ => Err(null_pointer()),
    };
    signum() => |c| match c.this {
        Value::BigDecimal(v) => Ok(sign(v.unscaled())),
        _ => Err(null_pointer()),
    };
    toPlainString() => |c| {
        let this = c.this.clone();
        let text = c.text_of(&this)?;
        c.made(text)
    };
    compareTo(BigDecimal) => compare;
    compareTo(Object) => wrong_class;
});
