//! What can be wrong with a path, and what can go wrong while it is evaluated.

use std::fmt;

/// Why a text is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but white space.
    Empty,
    /// Longer than [`MAX_PATH_LENGTH`](super::MAX_PATH_LENGTH) bytes.
    TooLong,
    /// More steps than [`MAX_STEPS`](super::MAX_STEPS).
    TooManySteps,
    /// `$` or `@` is followed by something other than `.` or `[`.
    AfterRoot,
    /// The path ends with a dot.
    TrailingDot,
    /// A space outside brackets.
    Space,
    /// A bracket that is not closed.
    Unclosed,
    /// Brackets that hold neither a quoted name, nor a number, nor a filter.
    Bracket,
    /// A number that does not fit 32 bits, or no number where one must stand.
    Index,
    /// Something else than `@.length - n` or `@.size() - n`.
    Function,
    /// A filter that is not `?(…)`, or with unbalanced brackets or a dangling `&&` or `||`.
    Filter,
    /// A condition without a comparison whose left side is not a path.
    Condition,
    /// A path inside a filter that can match more than once.
    Indefinite,
    /// A pattern that does not compile, or more patterns than [`MAX_PATTERNS`](super::MAX_PATTERNS).
    Pattern,
}

/// A text that is not a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    offset: usize,
    message: String,
}

impl ParseError {
    pub(super) fn new(kind: ParseErrorKind, offset: usize, message: impl Into<String>) -> Self {
        Self {
            kind,
            offset,
            message: message.into(),
        }
    }

    pub(super) fn unclosed(offset: usize) -> Self {
        Self::new(
            ParseErrorKind::Unclosed,
            offset,
            "the bracket is not closed",
        )
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where, in bytes from the start of the text that was parsed.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The sentence that [`Display`](fmt::Display) prints, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.offset)
    }
}

impl std::error::Error for ParseError {}

/// Why a path cannot be evaluated on this document.
///
/// A definite path that leads nowhere is no error: it is [`Found::Missing`](super::Found::Missing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvalError {
    /// An index or a slice met a value that is neither an array nor null.
    NotAnArray,
    /// A filter met a value that is neither an object nor an array.
    NotAContainer,
    /// `['a','b']` is not the last step of the path.
    NamesNotLast,
    /// `[?]` stands for a filter that nobody supplies.
    UnboundFilter,
    /// A filter compares a number with a text that is not a number.
    NotANumber,
    /// The right side of `=~` is not a pattern.
    NotAPattern,
    /// A pattern needs too many steps on this text.
    PatternTooCostly,
    /// More matches than [`Limits::max_results`](super::Limits::max_results).
    TooManyResults {
        /// The limit that was reached.
        limit: usize,
    },
    /// More nodes visited than [`Limits::max_visits`](super::Limits::max_visits).
    TooManyVisits {
        /// The limit that was reached.
        limit: usize,
    },
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArray => f.write_str("an index or a slice can only be applied to an array"),
            Self::NotAContainer => {
                f.write_str("a filter can only be applied to an object or an array")
            }
            Self::NamesNotLast => f.write_str("several names can only be the last step of a path"),
            Self::UnboundFilter => f.write_str("the placeholder [?] has no filter"),
            Self::NotANumber => {
                f.write_str("a filter compares a number with a text that is not a number")
            }
            Self::NotAPattern => f.write_str("the right side of =~ is not a pattern"),
            Self::PatternTooCostly => f.write_str("a pattern takes too long on this text"),
            Self::TooManyResults { limit } => {
                write!(f, "the path matches more than {limit} values")
            }
            Self::TooManyVisits { limit } => write!(f, "the path visits more than {limit} values"),
        }
    }
}

impl std::error::Error for EvalError {}
