//! What is wrong with something an author wrote: a finding with a code, a place and advice.

use std::fmt;

/// How much a [`Diagnostic`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A fact worth knowing; nothing is wrong.
    Note,
    /// The part is understood, but not as the author may think.
    Warning,
    /// The part has no meaning; what it belongs to cannot be served.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in a text, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One finding about a document or a model.
///
/// Where it stands is a JSON pointer (RFC 6901); a reader of documents adds line and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A short stable name of the rule, such as `mapping-expression`.
    pub code: &'static str,
    /// The JSON pointer of the value it is about; empty for the whole document.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where the value stands in the document, when it came from one.
    pub position: Option<Position>,
    /// A place inside the value itself, such as the line of a template.
    pub within: Option<Position>,
}

impl Diagnostic {
    /// An error at `pointer`.
    pub fn error(
        code: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Error, code, pointer.into(), message.into())
    }

    /// A warning at `pointer`.
    pub fn warning(
        code: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, code, pointer.into(), message.into())
    }

    /// A note at `pointer`.
    pub fn note(
        code: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Note, code, pointer.into(), message.into())
    }

    fn new(severity: Severity, code: &'static str, pointer: String, message: String) -> Self {
        Self {
            severity,
            code,
            pointer,
            message,
            help: None,
            position: None,
            within: None,
        }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the place inside the value.
    #[must_use]
    pub fn within(mut self, line: usize, column: usize) -> Self {
        self.within = Some(Position { line, column });
        self
    }

    /// Puts `prefix` before the pointer, for a finding about a part of a larger document.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `12:5: error[mapping-expression]: … (at /paths/~1pets/get)`; the position is left out when
/// there is none.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        if let Some(within) = self.within {
            write!(f, " (line {}, column {})", within.line, within.column)?;
        }
        if !self.pointer.is_empty() {
            write!(f, "\n  at {}", self.pointer)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Writes one reference token of a JSON pointer: `~` and `/` are escaped.
pub fn pointer_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_says_where_what_and_what_to_do() {
        let mut finding = Diagnostic::error("uri", "/uri", "no host")
            .help("write http://host/path")
            .under("/x");
        finding.position = Some(Position { line: 3, column: 7 });
        assert_eq!(
            finding.to_string(),
            "3:7: error[uri]: no host\n  at /x/uri\n  help: write http://host/path"
        );
    }

    #[test]
    fn pointer_tokens_are_escaped() {
        assert_eq!(pointer_token("/pets/{a~b}"), "~1pets~1{a~0b}");
    }
}
