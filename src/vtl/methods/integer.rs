//! The methods of `Integer` and `Long`.

use super::common::methods;
use super::name::Table;
use super::number::{
    bad_number, byte_value, decode, double_value, float_value, in_radix, int_value, long_value,
    parse, parse_int, short_value,
};
use super::overload::Ty::{Int, Integer, Long, LongObject, Object, Str};
use super::{Call, Thrown, null_pointer};
use crate::vtl::object::Exception;
use crate::vtl::value::{Value, hash_code};

fn int(v: i32) -> Thrown {
    Ok(Value::Int(v))
}

fn long(v: i64) -> Thrown {
    Ok(Value::Long(v))
}

fn order<T: Ord>(a: &T, b: &T) -> Thrown {
    Ok(Value::Int(a.cmp(b) as i32))
}

fn wrong_class(call: &mut Call<'_>) -> Thrown {
    Err(match call.arg(0) {
        Value::Null => null_pointer(),
        other => Exception::new(format!(
            "ClassCastException: {} is no {}",
            other.class_name(),
            call.this.class_name()
        )),
    })
}

fn this_int(call: &Call<'_>) -> Thrown<i32> {
    crate::vtl::ops::int_value(call.this).ok_or_else(null_pointer)
}

fn this_long(call: &Call<'_>) -> Thrown<i64> {
    crate::vtl::ops::long_value(call.this).ok_or_else(null_pointer)
}

fn parsed(call: &mut Call<'_>) -> Thrown {
    let radix = if call.args.len() > 1 {
        call.int(1)?
    } else {
        10
    };
    match call.arg(0) {
        Value::Null => Err(bad_number("null")),
        _ => int(parse_int(call.str(0)?, radix)?),
    }
}

fn parsed_long(call: &mut Call<'_>) -> Thrown {
    let radix = if call.args.len() > 1 {
        call.int(1)?
    } else {
        10
    };
    match call.arg(0) {
        Value::Null => Err(bad_number("null")),
        _ => long(parse(call.str(0)?, radix)?),
    }
}

fn text(call: &Call<'_>, value: String) -> Thrown {
    call.made(value)
}

pub(super) static INT_METHODS: Table = Table::new(methods! {
    intValue() => int_value;
    longValue() => long_value;
    doubleValue() => double_value;
    floatValue() => float_value;
    byteValue() => byte_value;
    shortValue() => short_value;
    compareTo(Integer) => |c| match c.arg(0) {
        Value::Int(other) => order(&this_int(c)?, other),
        _ => Err(null_pointer()),
    };
    compareTo(Object) => wrong_class;
    toString(Int) => |c| text(c, c.int(0)?.to_string());
    toString(Int, Int) => |c| text(c, in_radix(c.long(0)?, c.int(1)?));
    parseInt(Str) => parsed;
    parseInt(Str, Int) => parsed;
    valueOf(Str) => parsed;
    valueOf(Str, Int) => parsed;
    valueOf(Int) => |c| int(c.int(0)?);
    decode(Str) => |c| {
        let text = c.str(0)?;
        i32::try_from(decode(text)?).map(Value::Int).map_err(|_| bad_number(text))
    };
    toHexString(Int) => |c| text(c, format!("{:x}", c.int(0)?));
    toOctalString(Int) => |c| text(c, format!("{:o}", c.int(0)?));
    toBinaryString(Int) => |c| text(c, format!("{:b}", c.int(0)?));
    max(Int, Int) => |c| int(c.int(0)?.max(c.int(1)?));
    min(Int, Int) => |c| int(c.int(0)?.min(c.int(1)?));
    sum(Int, Int) => |c| int(c.int(0)?.wrapping_add(c.int(1)?));
    compare(Int, Int) => |c| order(&c.int(0)?, &c.int(1)?);
    signum(Int) => |c| int(c.int(0)?.signum());
    bitCount(Int) => |c| int(c.int(0)?.count_ones() as i32);
    reverse(Int) => |c| int(c.int(0)?.reverse_bits());
    hashCode(Int) => |c| int(c.int(0)?);
    numberOfLeadingZeros(Int) => |c| int(c.int(0)?.leading_zeros() as i32);
    numberOfTrailingZeros(Int) => |c| int(c.int(0)?.trailing_zeros() as i32);
});

pub(super) static LONG_METHODS: Table = Table::new(methods! {
    intValue() => int_value;
    longValue() => long_value;
    doubleValue() => double_value;
    floatValue() => float_value;
    byteValue() => byte_value;
    shortValue() => short_value;
    compareTo(LongObject) => |c| match c.arg(0) {
        Value::Long(other) => order(&this_long(c)?, other),
        _ => Err(null_pointer()),
    };
    compareTo(Object) => wrong_class;
    toString(Long) => |c| text(c, c.long(0)?.to_string());
    toString(Long, Int) => |c| text(c, in_radix(c.long(0)?, c.int(1)?));
    parseLong(Str) => parsed_long;
    parseLong(Str, Int) => parsed_long;
    valueOf(Str) => parsed_long;
    valueOf(Str, Int) => parsed_long;
    valueOf(Long) => |c| long(c.long(0)?);
    decode(Str) => |c| long(decode(c.str(0)?)?);
    toHexString(Long) => |c| text(c, format!("{:x}", c.long(0)?));
    toOctalString(Long) => |c| text(c, format!("{:o}", c.long(0)?));
    toBinaryString(Long) => |c| text(c, format!("{:b}", c.long(0)?));
    max(Long, Long) => |c| long(c.long(0)?.max(c.long(1)?));
    min(Long, Long) => |c| long(c.long(0)?.min(c.long(1)?));
    sum(Long, Long) => |c| long(c.long(0)?.wrapping_add(c.long(1)?));
    compare(Long, Long) => |c| order(&c.long(0)?, &c.long(1)?);
    signum(Long) => |c| int(c.long(0)?.signum() as i32);
    hashCode(Long) => |c| {
        let value = Value::Long(c.long(0)?);
        int(hash_code(&value, c.meter, 0)?)
    };
    bitCount(Long) => |c| int(c.long(0)?.count_ones() as i32);
    reverse(Long) => |c| long(c.long(0)?.reverse_bits());
    numberOfLeadingZeros(Long) => |c| int(c.long(0)?.leading_zeros() as i32);
    numberOfTrailingZeros(Long) => |c| int(c.long(0)?.trailing_zeros() as i32);
});
