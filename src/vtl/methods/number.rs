//! What the numbers share: conversions, parsing, radixes.

use num_bigint::BigInt;
use num_traits::ToPrimitive as _;

use super::{Call, Thrown};
use crate::vtl::object::Exception;
use crate::vtl::ops;
use crate::vtl::value::Value;

pub(super) fn int_value(call: &mut Call<'_>) -> Thrown {
    Ok(ops::int_value(call.this).map_or(Value::Null, Value::Int))
}

pub(super) fn long_value(call: &mut Call<'_>) -> Thrown {
    Ok(ops::long_value(call.this).map_or(Value::Null, Value::Long))
}

pub(super) fn double_value(call: &mut Call<'_>) -> Thrown {
    Ok(ops::double_value(call.this).map_or(Value::Null, Value::Double))
}

pub(super) fn float_value(call: &mut Call<'_>) -> Thrown {
    Ok(ops::float_value(call.this).map_or(Value::Null, Value::Float))
}

pub(super) fn byte_value(call: &mut Call<'_>) -> Thrown {
    Ok(ops::int_value(call.this).map_or(Value::Null, |v| Value::Int(i32::from(v as i8))))
}

pub(super) fn short_value(call: &mut Call<'_>) -> Thrown {
    Ok(ops::int_value(call.this).map_or(Value::Null, |v| Value::Int(i32::from(v as i16))))
}

/// What Java says about a text that is no number.
pub(super) fn bad_number(text: &str) -> Exception {
    let short: String = text.chars().take(40).collect();
    Exception::new(format!("NumberFormatException: for input string {short:?}"))
}

/// Digits of a radix with an optional sign.
pub(super) fn parse(text: &str, radix: i32) -> Thrown<i64> {
    let radix = u32::try_from(radix)
        .ok()
        .filter(|r| (2..=36).contains(r))
        .ok_or_else(|| bad_number(text))?;
    i64::from_str_radix(text, radix).map_err(|_| bad_number(text))
}

pub(super) fn parse_int(text: &str, radix: i32) -> Thrown<i32> {
    i32::try_from(parse(text, radix)?).map_err(|_| bad_number(text))
}

/// Decimal, `0x`, `#` or octal digits.
pub(super) fn decode(text: &str) -> Thrown<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.starts_with(['+', '-']) {
        return Err(bad_number(text));
    }
    let hex = ["0x", "0X", "#"].iter().find_map(|p| rest.strip_prefix(p));
    let (digits, radix) = match (hex, rest.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (rest, 10),
    };
    parse(&format!("{sign}{digits}"), radix).map_err(|_| bad_number(text))
}

/// `Double.parseDouble`.
pub(super) fn parse_double(text: &str) -> Thrown<f64> {
    let trimmed = text.trim_matches(|c| c <= ' ');
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    match unsigned {
        "NaN" => return Ok(f64::NAN),
        "Infinity" if trimmed.starts_with('-') => return Ok(f64::NEG_INFINITY),
        "Infinity" => return Ok(f64::INFINITY),
        _ => {}
    }
    let plain = trimmed
        .strip_suffix(['d', 'D', 'f', 'F'])
        .unwrap_or(trimmed);
    let first = unsigned.bytes().next();
    if !first.is_some_and(|b| b.is_ascii_digit() || b == b'.') {
        return Err(bad_number(text));
    }
    plain.parse().map_err(|_| bad_number(text))
}

/// The digits of a number in a radix.
pub(super) fn in_radix(value: i64, radix: i32) -> String {
    let radix = u32::try_from(radix)
        .ok()
        .filter(|r| (2..=36).contains(r))
        .unwrap_or(10);
    BigInt::from(value).to_str_radix(radix)
}

/// `BigInteger` as an index or count.
pub(super) fn small(value: &BigInt) -> Option<i32> {
    value.to_i32()
}
