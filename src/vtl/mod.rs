//! Velocity 1.7 as API Gateway runs it, as a language of its own.
//!
//! A [`Template`] is parsed once and rendered any number of times. What a template can reach are the variables it
//! is given: plain [`Value`]s, and host objects behind the [`Object`] trait.
//!
//! ```
//! use tower_apigw::vtl::{Limits, List, Template, Value};
//!
//! let template = Template::parse(
//!     "#foreach($name in $names)\"$name.toUpperCase()\"#if($foreach.hasNext), #end#end",
//! )?;
//! let names = List::array_list(vec!["ann".into(), "bob".into()]);
//! let mut out = String::new();
//! template.render(&[("names", names.into())], &Limits::default(), &mut out)?;
//! assert_eq!(out, r#""ANN", "BOB""#);
//! # Ok::<(), tower_apigw::vtl::Error>(())
//! ```
//!
//! # The language
//!
//! - A reference without a value is the empty string everywhere: printed, compared, passed on. So `#if($missing)`
//!   is true; test with `#if($missing != "")`.
//! - `#if` takes literals and computed values for false; only references and Boolean expressions count.
//! - `#set`, `#if`, `#elseif`, `#else`, `#foreach`, `#break`, `#stop`, `#define`, `#literal` and `#[[ ... ]]#` work.
//!   `#macro` defines nothing, `#include` and `#parse` fail when reached, any other `#word` prints itself.
//! - `#set` eats the blanks before it, if they stand behind another directive, and the newline behind it. `#if`,
//!   `#foreach`, `#else` and `#end` eat the newline behind them. Nothing else is trimmed.
//! - Values are Java's: strings, integers that grow, doubles, lists and maps, with the methods their classes have.
//!   An index out of range or an exception in a method ends the rendering with an [`Error`]; a method that does
//!   not exist is the empty string.
//! - Names may contain `-`: `$a-b` is one name.
//!
//! # Bounds
//!
//! No template can crash, loop for ever or eat all memory: [`Options`] bound the template and its loops, [`Limits`]
//! the work and the output of one rendering.

mod ast;
mod block;
mod error;
mod eval;
pub(crate) mod java_regex;
mod lexer;
mod meter;
mod methods;
mod object;
mod ops;
mod parser;
mod scope;
mod span;
mod template;
mod token;
mod value;

pub use self::error::{Error, ErrorKind, Limit};
pub use self::eval::Trace;
pub use self::object::{Exception, ExceptionKind, Object};
pub use self::span::Span;
pub use self::template::{Limits, Options, Template, Undefined};
pub use self::value::{Decimal, Entry, Iter, List, ListKind, Map, MapKind, Value, View};
