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
//! # Bounds
//!
//! No template can crash, loop for ever or eat all memory: [`Options`] bound the template and its loops, [`Limits`]
//! the work and the output of one rendering.
//!
#![doc = include_str!("language.md")]

pub(crate) mod ast;
mod block;
mod error;
mod eval;
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
pub use self::eval::{LoopEnd, Trace};
pub use self::object::{Exception, ExceptionKind, Object};
pub use self::span::Span;
pub use self::template::{Limits, Options, Template, Undefined};
pub use self::value::{Decimal, Entry, Iter, List, ListKind, Map, MapKind, Str, Value, View};
pub(crate) use self::value::{Doc, DocBuilder, MAX_TEXT, Open};
