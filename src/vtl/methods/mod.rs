//! Methods and properties of values: Java's, found by name and by the types of the arguments.

mod access;
mod boolean;
mod character;
mod collection;
mod common;
mod decimal;
mod double;
mod format;
mod integer;
mod iterator;
mod list;
mod map;
mod name;
mod number;
mod overload;
mod quick;
mod string;
mod text;
mod unicode;

pub(crate) use self::access::{assign_index, assign_property, index, property};
pub(crate) use self::name::Name;

use self::name::Table;
use self::overload::choose;
use super::meter::Meter;
use super::object::Exception;
use super::value::{Blocks, List, ListKind, Map, Printer, Value};

/// A method call in progress.
pub(crate) struct Call<'a> {
    pub(crate) this: &'a Value,
    pub(crate) args: &'a [Value],
    pub(crate) meter: &'a Meter,
    pub(crate) blocks: &'a mut dyn Blocks,
}

type Thrown<T = Value> = Result<T, Exception>;

fn null_pointer() -> Exception {
    Exception::new("NullPointerException: an argument is null")
}

fn index_error(index: i32, len: usize) -> Exception {
    Exception::new(format!(
        "StringIndexOutOfBoundsException: index {index}, length {len}"
    ))
}

fn unsupported() -> Exception {
    Exception::new("UnsupportedOperationException: the collection cannot be changed this way")
}

impl Call<'_> {
    fn arg(&self, at: usize) -> &Value {
        self.args.get(at).unwrap_or(&Value::Null)
    }

    fn int(&self, at: usize) -> Thrown<i32> {
        super::ops::int_value(self.arg(at)).ok_or_else(null_pointer)
    }

    fn long(&self, at: usize) -> Thrown<i64> {
        super::ops::long_value(self.arg(at)).ok_or_else(null_pointer)
    }

    fn double(&self, at: usize) -> Thrown<f64> {
        super::ops::double_value(self.arg(at)).ok_or_else(null_pointer)
    }

    fn bool(&self, at: usize) -> Thrown<bool> {
        match self.arg(at) {
            Value::Bool(v) => Ok(*v),
            _ => Err(null_pointer()),
        }
    }

    fn unit(&self, at: usize) -> Thrown<u16> {
        match self.arg(at) {
            Value::Char(v) => Ok(*v),
            _ => Err(null_pointer()),
        }
    }

    fn str(&self, at: usize) -> Thrown<&str> {
        self.arg(at).as_str().ok_or_else(null_pointer)
    }

    fn map(&self, at: usize) -> Thrown<Map> {
        match self.arg(at) {
            Value::Map(map) => Ok(map.clone()),
            Value::Loop(scope) => Ok(scope.values()),
            _ => Err(null_pointer()),
        }
    }

    /// The items of a collection argument.
    fn items(&self, at: usize) -> Thrown<Vec<Value>> {
        let items = match self.arg(at) {
            Value::List(list) => list.items(),
            Value::View(view) => view.items(),
            _ => return Err(null_pointer()),
        };
        self.meter.charge(items.len().saturating_mul(4))?;
        Ok(items)
    }

    /// The text of any value.
    fn text_of(&mut self, value: &Value) -> Thrown<String> {
        let mut out = String::new();
        Printer::new(self.meter, self.blocks).print(value, &mut out)?;
        Ok(out)
    }

    fn this_str(&self) -> Thrown<&str> {
        self.this.as_str().ok_or_else(null_pointer)
    }

    fn this_list(&self) -> Thrown<&List> {
        self.this.as_list().ok_or_else(null_pointer)
    }

    /// A string result, unless it is too long.
    fn made(&self, text: String) -> Thrown {
        self.meter.text(text.len())?;
        self.meter.charge(text.len() / 64)?;
        Ok(Value::from(text))
    }
}

/// The methods a value has besides those of every object.
fn table(value: &Value) -> &'static Table {
    match value {
        Value::Str(_) => &string::METHODS,
        Value::List(list) => match list.kind() {
            ListKind::ArrayList => &list::METHODS,
            ListKind::JsonArray => &list::JSON_METHODS,
            _ => &list::ARRAY_METHODS,
        },
        Value::Map(_) => &map::METHODS,
        Value::Loop(_) => &map::LOOP_METHODS,
        Value::View(_) => &collection::METHODS,
        Value::Entry(_) => &map::ENTRY_METHODS,
        Value::Iter(_) => &iterator::METHODS,
        Value::Int(_) => &integer::INT_METHODS,
        Value::Long(_) => &integer::LONG_METHODS,
        Value::Float(_) => &double::FLOAT_METHODS,
        Value::Double(_) => &double::METHODS,
        Value::BigInteger(_) => &decimal::BIG_METHODS,
        Value::BigDecimal(_) => &decimal::METHODS,
        Value::Bool(_) => &boolean::METHODS,
        Value::Char(_) => &character::METHODS,
        Value::Class(_) => &common::CLASS_METHODS,
        Value::Null | Value::Block(_) | Value::Object(_) => &common::NO_METHODS,
    }
}

/// The methods of all classes.
static TABLES: [&Table; 19] = [
    &string::METHODS,
    &list::METHODS,
    &list::JSON_METHODS,
    &list::ARRAY_METHODS,
    &map::METHODS,
    &map::LOOP_METHODS,
    &collection::METHODS,
    &map::ENTRY_METHODS,
    &iterator::METHODS,
    &integer::INT_METHODS,
    &integer::LONG_METHODS,
    &double::FLOAT_METHODS,
    &double::METHODS,
    &decimal::BIG_METHODS,
    &decimal::METHODS,
    &boolean::METHODS,
    &character::METHODS,
    &common::CLASS_METHODS,
    &common::NO_METHODS,
];

/// Calls a method, whose name is `text`; null when there is none that fits.
pub(crate) fn call(call: &mut Call<'_>, name: &Name, text: &str) -> Thrown {
    match choose(table(call.this).of(name), call.args) {
        Some(method) if method.params.is_empty() && !call.args.is_empty() => {
            // The search takes a method without parameters for any arguments; calling it then fails.
            Err(Exception::new(format!(
                "IllegalArgumentException: {text}() takes no arguments"
            )))
        }
        Some(method) => (method.run)(call),
        None => refused(call.this, text),
    }
}

/// What a method gives that is not there: null, unless Java has it and a template would go on with its result.
fn refused(this: &Value, name: &str) -> Thrown {
    match (this, name) {
        (Value::List(_) | Value::View(_), "stream" | "parallelStream" | "spliterator")
        | (Value::Str(_), "chars" | "codePoints" | "lines") => {
            // Chosen: nothing is known of them on AWS.
            Err(Exception::new(format!(
                "UnsupportedOperationException: {name}() is not offered, as there are no streams; use #foreach"
            )))
        }
        (Value::Loop(_), "getInfo") => Err(no_info()),
        _ => Ok(Value::Null),
    }
}

/// What `$foreach.info` fails with.
// Chosen: it would print the engine's own name of the template, which nobody has seen on AWS.
fn no_info() -> Exception {
    Exception::new(
        "UnsupportedOperationException: $foreach.info is not offered; $foreach has index, count, hasNext, first, last, parent and topmost",
    )
}
