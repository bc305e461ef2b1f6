//! The methods of `Character`.

use super::common::methods;
use super::name::Table;
use super::overload::Ty::{Char, Character, Int, Object};
use super::unicode::{from_units, is_java_space};
use super::{Call, Thrown, null_pointer};
use crate::vtl::object::Exception;
use crate::vtl::value::Value;

fn this(call: &Call<'_>) -> Thrown<u16> {
    match call.this {
        Value::Char(v) => Ok(*v),
        _ => Err(null_pointer()),
    }
}

fn test(call: &Call<'_>, f: fn(char) -> bool) -> Thrown {
    let unit = u32::from(call.unit(0)?);
    Ok(Value::Bool(char::from_u32(unit).is_some_and(f)))
}

/// The upper or lower case, if it is one unit.
fn cased(unit: u16, f: fn(char) -> Option<char>) -> Value {
    let other = char::from_u32(u32::from(unit))
        .and_then(f)
        .and_then(|c| u16::try_from(u32::from(c)).ok());
    Value::Char(other.unwrap_or(unit))
}

fn upper(c: char) -> Option<char> {
    let mut all = c.to_uppercase();
    let one = all.next();
    if all.next().is_some() { None } else { one }
}

fn lower(c: char) -> Option<char> {
    let mut all = c.to_lowercase();
    let one = all.next();
    if all.next().is_some() { None } else { one }
}

fn digit(unit: u16) -> Value {
    let digit = char::from_u32(u32::from(unit)).and_then(|c| c.to_digit(36));
    Value::Int(digit.map_or(-1, |d| d as i32))
}

pub(super) static METHODS: Table = Table::new(methods! {
    charValue() => |c| Ok(Value::Char(this(c)?));
    compareTo(Character) => |c| Ok(Value::Int(i32::from(this(c)?) - i32::from(c.unit(0)?)));
    compareTo(Object) => |c| Err(Exception::new(format!(
        "ClassCastException: {} is no Character",
        c.arg(0).class_name()
    )));
    toString(Char) => |c| c.made(from_units(&[c.unit(0)?]));
    valueOf(Char) => |c| Ok(Value::Char(c.unit(0)?));
    isDigit(Char) => |c| test(c, char::is_numeric);
    isLetter(Char) => |c| test(c, char::is_alphabetic);
    isLetterOrDigit(Char) => |c| test(c, char::is_alphanumeric);
    isUpperCase(Char) => |c| test(c, char::is_uppercase);
    isLowerCase(Char) => |c| test(c, char::is_lowercase);
    isWhitespace(Char) => |c| test(c, is_java_space);
    toUpperCase(Char) => |c| Ok(cased(c.unit(0)?, upper));
    toLowerCase(Char) => |c| Ok(cased(c.unit(0)?, lower));
    toUpperCase(Int) => |c| Ok(Value::Int(c.int(0)?));
    toLowerCase(Int) => |c| Ok(Value::Int(c.int(0)?));
    getNumericValue(Char) => |c| Ok(digit(c.unit(0)?));
    compare(Char, Char) => |c| Ok(Value::Int(i32::from(c.unit(0)?) - i32::from(c.unit(1)?)));
});
