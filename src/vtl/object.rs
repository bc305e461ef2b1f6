//! What a host gives to templates: objects with properties and methods, and the exceptions they throw.

use std::fmt;

use super::value::Value;

/// A host value: `$input`, `$util` and their like.
///
/// Both functions answer in the terms of the language: a property that does not exist is [`Value::Null`], a
/// method that does not exist (or does not take these arguments) is `None`. Either prints nothing.
///
/// ```
/// use std::rc::Rc;
/// use tower_apigw::vtl::{Exception, Limits, Object, Template, Value};
///
/// struct Clock;
/// impl Object for Clock {
///     fn property(&self, name: &str) -> Result<Value, Exception> {
///         Ok(if name == "now" { Value::from("noon") } else { Value::Null })
///     }
/// }
///
/// let template = Template::parse("It is $clock.now$clock.later.").unwrap();
/// let mut out = String::new();
/// let clock = Value::Object(Rc::new(Clock));
/// template.render(&[("clock", clock)], &Limits::default(), &mut out).unwrap();
/// assert_eq!(out, "It is noon.");
/// ```
pub trait Object {
    /// The value of `$object.name`.
    ///
    /// # Errors
    /// What the getter throws; it ends the rendering.
    fn property(&self, name: &str) -> Result<Value, Exception> {
        let _ = name;
        Ok(Value::Null)
    }

    /// The value of `$object.method(args)`; `None` when no method fits.
    ///
    /// # Errors
    /// What the method throws; it ends the rendering.
    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Exception> {
        let _ = (method, args);
        Ok(None)
    }

    /// Whether [`print`](Object::print) answers for some calls of this method.
    fn prints(&self, method: &str) -> bool {
        let _ = method;
        false
    }

    /// Appends what `$object.method(args)` prints, instead of making a value of it that is printed then; `None`
    /// to be asked by [`call`](Object::call). To be answered only where the call has a value and nothing else
    /// comes of it.
    ///
    /// # Errors
    /// What the method throws; it ends the rendering.
    fn print(
        &self,
        method: &str,
        args: &[Value],
        out: &mut String,
    ) -> Option<Result<(), Exception>> {
        let _ = (method, args, out);
        None
    }

    /// What `$object` prints.
    fn text(&self) -> String {
        String::new()
    }

    /// What `$object.class.name` prints.
    fn class_name(&self) -> &str {
        "java.lang.Object"
    }
}

/// Why a method, a getter or an operation failed. It ends the rendering and becomes an [`Error`](super::Error).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception(Box<Body>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    message: String,
    kind: ExceptionKind,
}

/// Where an [`Exception`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExceptionKind {
    /// The language itself: an index out of range, a bad pattern, a null argument.
    Java,
    /// The host; the number is the host's own.
    Host(u8),
    /// The rendering ran out of steps.
    Steps,
    /// A text grew too long.
    Output,
}

impl Exception {
    /// An exception of the language.
    pub fn new(message: impl Into<String>) -> Self {
        Exception::limit(ExceptionKind::Java, message)
    }

    /// An exception of the host, marked with a number of its choice.
    pub fn host(tag: u8, message: impl Into<String>) -> Self {
        Exception::limit(ExceptionKind::Host(tag), message)
    }

    pub(crate) fn limit(kind: ExceptionKind, message: impl Into<String>) -> Self {
        Exception(Box::new(Body {
            message: message.into(),
            kind,
        }))
    }

    /// What went wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it comes from.
    #[must_use]
    pub fn kind(&self) -> ExceptionKind {
        self.0.kind
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Exception {}
