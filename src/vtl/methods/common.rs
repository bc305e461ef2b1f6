//! What every object can do, and what is left of `Class`.

use std::sync::Arc;

use super::name::Table;
use super::overload::Method;
use super::overload::Ty::Object;
use crate::vtl::value::{Value, equals, hash_code};

macro_rules! methods {
    ($($name:ident($($ty:expr),*) => $run:expr;)*) => {
        &[$(crate::vtl::methods::overload::Method {
            name: stringify!($name),
            params: &[$($ty),*],
            run: $run,
        }),*]
    };
}
pub(super) use methods;

pub(super) static METHODS: &[Method] = methods! {
    getClass() => |c| Ok(Value::Class(Arc::from(c.this.class_name())));
    toString() => |c| {
        let this = c.this.clone();
        let text = c.text_of(&this)?;
        c.made(text)
    };
    equals(Object) => |c| {
        let same = equals(c.this, c.arg(0), c.meter, 0)?;
        Ok(Value::Bool(same))
    };
    hashCode() => |c| Ok(Value::Int(hash_code(c.this, c.meter, 0)?));
};

pub(super) static NO_METHODS: Table = Table::new(methods! {});

pub(super) static CLASS_METHODS: Table = Table::new(methods! {
    getName() => |c| match c.this {
        Value::Class(name) => Ok(Value::from(Arc::clone(name))),
        _ => Ok(Value::Null),
    };
});
