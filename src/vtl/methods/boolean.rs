//! The methods of `Boolean`.

use super::common::methods;
use super::name::Table;
use super::overload::Ty::{Bool, Boolean, Object, Str};
use super::{Call, Thrown, null_pointer};
use crate::vtl::object::Exception;
use crate::vtl::value::Value;

fn this(call: &Call<'_>) -> Thrown<bool> {
    match call.this {
        Value::Bool(v) => Ok(*v),
        _ => Err(null_pointer()),
    }
}

fn bool(v: bool) -> Thrown {
    Ok(Value::Bool(v))
}

fn parsed(call: &mut Call<'_>) -> Thrown {
    bool(
        call.arg(0)
            .as_str()
            .is_some_and(|text| text.eq_ignore_ascii_case("true")),
    )
}

fn order(a: bool, b: bool) -> Thrown {
    Ok(Value::Int(a.cmp(&b) as i32))
}

pub(super) static METHODS: Table = Table::new(methods! {
    booleanValue() => |c| bool(this(c)?);
    parseBoolean(Str) => parsed;
    valueOf(Str) => parsed;
    valueOf(Bool) => |c| bool(c.bool(0)?);
    toString(Bool) => |c| c.made(c.bool(0)?.to_string());
    logicalAnd(Bool, Bool) => |c| bool(c.bool(0)? & c.bool(1)?);
    logicalOr(Bool, Bool) => |c| bool(c.bool(0)? | c.bool(1)?);
    logicalXor(Bool, Bool) => |c| bool(c.bool(0)? ^ c.bool(1)?);
    compare(Bool, Bool) => |c| order(c.bool(0)?, c.bool(1)?);
    hashCode(Bool) => |c| Ok(Value::Int(if c.bool(0)? { 1231 } else { 1237 }));
    compareTo(Boolean) => |c| order(this(c)?, c.bool(0)?);
    compareTo(Object) => |c| Err(Exception::new(format!(
        "ClassCastException: {} is no Boolean",
        c.arg(0).class_name()
    )));
});
