//! The template language (written next).

pub(crate) mod ast;
mod block;
mod error;
mod meter;
mod object;
mod scope;
mod span;
mod value;

pub use self::error::{Error, ErrorKind, Limit};
pub use self::object::{Exception, ExceptionKind, Object};
pub use self::span::Span;
pub use self::value::{Decimal, Entry, Iter, List, ListKind, Map, MapKind, Value, View};
