//! The values templates work on: Java's, as far as a template can tell.

mod builder;
mod cells;
mod cycles;
mod decimal;
mod doc;
mod double;
mod drop;
mod entry;
mod hash;
mod iter;
mod json;
mod list;
mod map;
mod string;
mod text;

pub use self::decimal::Decimal;
pub use self::entry::{Entry, View};
pub use self::iter::Iter;
pub use self::list::{List, ListKind};
pub use self::map::{Map, MapKind};
pub use self::string::Str;

pub(crate) use self::builder::{DocBuilder, MAX_TEXT, Open};
pub(crate) use self::cycles::{note_list, note_map, sweep};
pub(crate) use self::doc::Doc;
pub(crate) use self::double::{double_text, float_text};
pub(crate) use self::drop::dismantle;
pub(crate) use self::entry::ViewKind;
pub(crate) use self::hash::{equals, hash_code};
pub(crate) use self::text::{Blocks, NoBlocks, Printer};

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use num_bigint::BigInt;

use super::block::Block;
use super::meter::Meter;
use super::object::{Exception, Object};
use super::scope::LoopScope;

/// A value. Cloning is cheap: lists, maps and objects are shared, as Java references are.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Value {
    /// Java's `null`; in a template it reads as the empty string.
    #[default]
    Null,
    /// A `Boolean`.
    Bool(bool),
    /// An `Integer`.
    Int(i32),
    /// A `Long`.
    Long(i64),
    /// A `BigInteger`.
    BigInteger(Rc<BigInt>),
    /// A `Float`; only `floatValue()` makes one.
    Float(f32),
    /// A `Double`.
    Double(f64),
    /// A `BigDecimal`.
    BigDecimal(Rc<Decimal>),
    /// A `Character`: one UTF-16 unit.
    Char(u16),
    /// A `String`.
    Str(Str),
    /// A list or an array.
    List(List),
    /// A map.
    Map(Map),
    /// A live view of a map: `keySet()`, `values()`, `entrySet()`.
    View(Rc<View>),
    /// One entry of a map.
    Entry(Rc<Entry>),
    /// An iterator.
    Iter(Rc<Iter>),
    /// A class, by its name.
    Class(Arc<str>),
    /// A block that `#define` stored.
    #[doc(hidden)]
    Block(Rc<Block>),
    /// `$foreach`.
    #[doc(hidden)]
    Loop(Rc<LoopScope>),
    /// A host object.
    Object(Rc<dyn Object>),
}

impl Value {
    /// The empty string, which is what an invalid reference evaluates to.
    #[must_use]
    pub fn empty() -> Value {
        Value::Str(Str::fixed(""))
    }

    /// Whether this is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The string, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The list, if this is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The map, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Whether this is a number of any kind.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Value::Int(_)
                | Value::Long(_)
                | Value::BigInteger(_)
                | Value::Float(_)
                | Value::Double(_)
                | Value::BigDecimal(_)
        )
    }

    /// What Java's `toString()` gives: what a template prints for this value (`null` for null).
    ///
    /// # Errors
    /// Fails for values nested too deeply, such as two lists that contain each other.
    pub fn to_text(&self) -> Result<String, Exception> {
        let mut out = String::new();
        let meter = Meter::single();
        Printer::new(&meter, &mut NoBlocks).print(self, &mut out)?;
        Ok(out)
    }

    /// Appends this value as compact JSON, the way `$input.json` prints it: control characters, U+007F to U+009F
    /// and U+2000 to U+20FF as `\uXXXX`, and `/` as `\/` if `escape_slash` is set.
    ///
    /// # Errors
    /// Fails for values nested too deeply.
    pub fn to_json(&self, out: &mut String, escape_slash: bool) -> Result<(), Exception> {
        let meter = Meter::single();
        json::write_json(self, out, escape_slash, &meter, 0)
    }

    /// Java's `equals`.
    ///
    /// # Errors
    /// Fails for values nested too deeply.
    pub fn java_equals(&self, other: &Value) -> Result<bool, Exception> {
        equals(self, other, &Meter::single(), 0)
    }

    /// The name of the Java class.
    #[must_use]
    pub fn class_name(&self) -> &str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "java.lang.Boolean",
            Value::Int(_) => "java.lang.Integer",
            Value::Long(_) => "java.lang.Long",
            Value::BigInteger(_) => "java.math.BigInteger",
            Value::Float(_) => "java.lang.Float",
            Value::Double(_) => "java.lang.Double",
            Value::BigDecimal(_) => "java.math.BigDecimal",
            Value::Char(_) => "java.lang.Character",
            Value::Str(_) => "java.lang.String",
            Value::List(list) => list.kind().class_name(),
            Value::Map(map) => map.class_name(),
            Value::View(view) => view.class_name(),
            Value::Entry(_) => "java.util.LinkedHashMap$Entry",
            Value::Iter(_) => "java.util.ArrayList$Itr",
            Value::Class(_) => "java.lang.Class",
            Value::Block(_) => "org.apache.velocity.runtime.directive.Block$Reference",
            Value::Loop(_) => "org.apache.velocity.runtime.directive.ForeachScope",
            Value::Object(object) => object.class_name(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Str(text) => write!(f, "{text:?}"),
            Value::Object(object) => write!(f, "<{}>", object.class_name()),
            other => match other.to_text() {
                Ok(text) => f.write_str(&text),
                Err(_) => write!(f, "<{}>", other.class_name()),
            },
        }
    }
}

macro_rules! from {
    ($($source:ty => $value:ident, $make:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($value: $source) -> Value {
                $make
            }
        }
    )*};
}

from! {
    bool => v, Value::Bool(v);
    i32 => v, Value::Int(v);
    i64 => v, Value::Long(v);
    f64 => v, Value::Double(v);
    &str => v, Value::Str(Str::from(v));
    String => v, Value::Str(Str::from(v));
    Arc<str> => v, Value::Str(Str::from(v));
    Str => v, Value::Str(v);
    List => v, Value::List(v);
    Map => v, Value::Map(v);
}

impl From<BigInt> for Value {
    fn from(value: BigInt) -> Value {
        Value::BigInteger(Rc::new(value))
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Value {
        Value::BigDecimal(Rc::new(value))
    }
}

impl From<Rc<dyn Object>> for Value {
    fn from(value: Rc<dyn Object>) -> Value {
        Value::Object(value)
    }
}
