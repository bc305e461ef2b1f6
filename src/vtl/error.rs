//! The one error of the language, and how it shows the line it is about.

use std::fmt;

use super::object::{Exception, ExceptionKind};
use super::span::Span;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The template cannot be split into tokens; found by [`Template::parse`](super::Template::parse).
    Lexical,
    /// The tokens make no template; found by [`Template::parse`](super::Template::parse).
    Syntax,
    /// Rendering failed: an exception in a method, an index out of range. [`Template::parse`](super::Template::parse)
    /// gives it for a template whose every rendering would fail, such as one with a `#foreach` without parentheses.
    Runtime,
    /// Rendering failed with an exception of the host; the number is the host's own.
    Host(u8),
    /// A limit was reached.
    Limit(Limit),
}

/// The limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The template is too long.
    TemplateSize,
    /// The template is nested too deeply.
    Depth,
    /// The rendering takes too many steps.
    Steps,
    /// The output, or a text on the way to it, grows too long.
    Output,
}

/// Why a template does not parse or render.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Body>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    kind: ErrorKind,
    span: Span,
    message: String,
    help: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, span: Span, message: impl Into<String>) -> Self {
        Error(Box::new(Body {
            kind,
            span,
            message: message.into(),
            help: None,
        }))
    }

    /// The same error with a hint, unless it has one.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.get_or_insert_with(|| help.into());
        self
    }

    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same error at another place.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.0.span = span;
        self
    }

    pub(crate) fn thrown(exception: &Exception, span: Span) -> Self {
        let kind = match exception.kind() {
            ExceptionKind::Java => ErrorKind::Runtime,
            ExceptionKind::Host(tag) => ErrorKind::Host(tag),
            ExceptionKind::Steps => ErrorKind::Limit(Limit::Steps),
            ExceptionKind::Output => ErrorKind::Limit(Limit::Output),
        };
        Error::new(kind, span, exception.message())
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the template itself is wrong, so that it can never render.
    #[must_use]
    pub fn is_parse(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Lexical
                | ErrorKind::Syntax
                | ErrorKind::Limit(Limit::TemplateSize | Limit::Depth)
        )
    }

    /// Where in the template it happened.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// What went wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// A hint at what to write instead.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Message, line and column, and the line itself with a caret below the place.
    ///
    /// ```
    /// use tower_apigw::vtl::Template;
    ///
    /// let source = "a\n#if(x)b#end";
    /// let error = Template::parse(source).unwrap_err();
    /// assert!(error.render(source).contains("2 | #if(x)b#end"));
    /// ```
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        let (line, column) = self.0.span.position(source);
        let (text, lead) = self.0.span.line(source);
        let gutter = " ".repeat(line.to_string().len());
        let indent: String = lead
            .chars()
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.0.span.width(source));
        let mut out = format!(
            "{} at line {line}, column {column}\n{gutter} |\n{line} | {text}\n{gutter} | {indent}{carets}\n",
            self.0.message
        );
        if let Some(help) = &self.0.help {
            out.push_str(&format!("{gutter} = {help}\n"));
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}
