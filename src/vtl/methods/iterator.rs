//! Methods of iterators.

use std::rc::Rc;

use super::common::methods;
use super::name::Table;
use super::{Call, Thrown, null_pointer};
use crate::vtl::value::{Iter, Value};

fn this<'a>(call: &Call<'a>) -> Thrown<&'a Rc<Iter>> {
    match call.this {
        Value::Iter(iter) => Ok(iter),
        _ => Err(null_pointer()),
    }
}

pub(super) static METHODS: Table = Table::new(methods! {
    hasNext() => |c| Ok(Value::Bool(this(c)?.has_next()));
    next() => |c| this(c)?.next_item();
    remove() => |c| this(c)?.remove_last().map(|()| Value::empty());
});
