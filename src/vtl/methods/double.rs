//! The methods of `Double` and `Float`.

use super::common::methods;
use super::name::Table;
use super::number::{
    byte_value, double_value, float_value, int_value, long_value, parse_double, short_value,
};
use super::overload::Ty::{Double, DoubleObject, Float, FloatObject, Object, Str};
use super::{Call, Thrown, null_pointer};
use crate::vtl::object::Exception;
use crate::vtl::ops;
use crate::vtl::value::{Value, hash_code};

fn this(call: &Call<'_>) -> Thrown<f64> {
    ops::double_value(call.this).ok_or_else(null_pointer)
}

fn double(v: f64) -> Thrown {
    Ok(Value::Double(v))
}

fn wrong_class(call: &mut Call<'_>) -> Thrown {
    Err(Exception::new(format!(
        "ClassCastException: {} is no {}",
        call.arg(0).class_name(),
        call.this.class_name()
    )))
}

/// Java's total order: -0.0 before 0.0, NaN last.
fn order(a: f64, b: f64) -> Thrown {
    let key = |v: f64| if v.is_nan() { f64::NAN } else { v };
    Ok(Value::Int(key(a).total_cmp(&key(b)) as i32))
}

fn parsed(call: &mut Call<'_>) -> Thrown {
    match call.arg(0) {
        Value::Null => Err(null_pointer()),
        _ => double(parse_double(call.str(0)?)?),
    }
}

/// `0x1.8p0`.
fn hex(value: f64) -> String {
    if !value.is_finite() {
        let mut out = String::new();
        crate::vtl::value::double_text(value, &mut out);
        return out;
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 && fraction == 0 {
        return format!("{sign}0x0.0p0");
    }
    let digits = format!("{fraction:013x}");
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if exponent == 0 {
        return format!("{sign}0x0.{digits}p-1022");
    }
    format!("{sign}0x1.{digits}p{}", exponent - 1023)
}

pub(super) static METHODS: Table = Table::new(methods! {
    intValue() => int_value;
    longValue() => long_value;
    doubleValue() => double_value;
    floatValue() => float_value;
    byteValue() => byte_value;
    shortValue() => short_value;
    isNaN() => |c| Ok(Value::Bool(this(c)?.is_nan()));
    isNaN(Double) => |c| Ok(Value::Bool(c.double(0)?.is_nan()));
    isInfinite() => |c| Ok(Value::Bool(this(c)?.is_infinite()));
    isInfinite(Double) => |c| Ok(Value::Bool(c.double(0)?.is_infinite()));
    isFinite(Double) => |c| Ok(Value::Bool(c.double(0)?.is_finite()));
    compareTo(DoubleObject) => |c| order(this(c)?, c.double(0)?);
    compareTo(Object) => wrong_class;
    parseDouble(Str) => parsed;
    valueOf(Str) => parsed;
    valueOf(Double) => |c| double(c.double(0)?);
    toString(Double) => |c| {
        let value = Value::Double(c.double(0)?);
        let text = c.text_of(&value)?;
        c.made(text)
    };
    toHexString(Double) => |c| c.made(hex(c.double(0)?));
    max(Double, Double) => |c| double(c.double(0)?.max(c.double(1)?));
    min(Double, Double) => |c| double(c.double(0)?.min(c.double(1)?));
    sum(Double, Double) => |c| double(c.double(0)? + c.double(1)?);
    compare(Double, Double) => |c| order(c.double(0)?, c.double(1)?);
    hashCode(Double) => |c| {
        let value = Value::Double(c.double(0)?);
        Ok(Value::Int(hash_code(&value, c.meter, 0)?))
    };
    doubleToLongBits(Double) => |c| Ok(Value::Long(c.double(0)?.to_bits() as i64));
});

pub(super) static FLOAT_METHODS: Table = Table::new(methods! {
    intValue() => int_value;
    longValue() => long_value;
    doubleValue() => double_value;
    floatValue() => float_value;
    byteValue() => byte_value;
    shortValue() => short_value;
    isNaN() => |c| Ok(Value::Bool(this(c)?.is_nan()));
    isInfinite() => |c| Ok(Value::Bool(this(c)?.is_infinite()));
    compareTo(FloatObject) => |c| order(this(c)?, c.double(0)?);
    compareTo(Object) => wrong_class;
    parseFloat(Str) => |c| Ok(Value::Float(parse_double(c.str(0)?)? as f32));
    valueOf(Str) => |c| Ok(Value::Float(parse_double(c.str(0)?)? as f32));
    valueOf(Float) => |c| Ok(Value::Float(c.double(0)? as f32));
});
