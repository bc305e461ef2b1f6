//! JSONPath as the mapping templates of API Gateway know it: the dialect of Jayway JsonPath 2.0.0.
//!
//! A [`Path`] is parsed once and then evaluated on any tree whose values implement [`Node`], such as
//! `&serde_json::Value`.
//!
//! ```
//! use serde_json::json;
//! use tower_apigw::jsonpath::{Found, Path};
//!
//! let order = json!({"lines": [{"sku": "s1", "qty": 2}, {"sku": "s2", "qty": 0}]});
//!
//! let path = Path::parse("$.lines[0].sku")?;
//! assert_eq!(path.evaluate(&&order)?.to_value(), Some(json!("s1")));
//!
//! let path = Path::parse("lines[?(@.qty > 0)].sku")?;
//! assert!(!path.is_definite());
//! assert_eq!(path.evaluate(&&order)?.to_value(), Some(json!(["s1"])));
//!
//! let path = Path::parse("$.lines[7].sku")?;
//! assert_eq!(path.evaluate(&&order)?, Found::Missing);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | step | leads to |
//! |---|---|
//! | `.name`, `['name']` | the member; a name in double quotes is no name |
//! | `['a','b']` | a new object with those of the members that are there; only as the last step |
//! | `[2]`, `[(@.length-1)]` | an element; a negative index leads nowhere |
//! | `[0,2]`, `[1:]`, `[:2]`, `[-1:]`, `[1:3]` | several elements; no steps (`[::2]`) |
//! | `*`, `[*]` | all members or elements |
//! | `..` | the next step, applied at every depth |
//! | `[?(…)]` | elements that meet the conditions |
//!
//! In a filter, `@` is the element and `$` the document. There are `==`, `!=`, `<`, `<=`, `>`, `>=`, `=~ /pattern/i`, a
//! bare path (it is there and not null), `!@.path`, `&&` and `||`, but no grouping, no `in` and no functions:
//! `$.list.length()` looks for a member of that name.
//!
//! A path without `$` gets one. A path that is [definite](Path::is_definite) finds a value or is
//! [missing](Found::Missing); any other finds a list.

mod bracket;
mod decimal;
mod digits;
mod error;
mod eval;
mod filter;
mod found;
mod json;
mod limits;
mod node;
mod parse;
mod pattern;
mod step;
mod term;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use self::error::{EvalError, ParseError, ParseErrorKind};
pub use self::found::{Found, Match};
pub use self::limits::{Limits, MAX_PATH_LENGTH, MAX_PATTERNS, MAX_STEPS, PATTERN_BACKTRACKS};
pub use self::node::{Kind, Node, Number};

/// A parsed path.
#[derive(Debug, Clone)]
pub struct Path {
    source: Box<str>,
    steps: step::Steps,
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// If the text is no path, or one that exceeds [`MAX_PATH_LENGTH`], [`MAX_STEPS`] or [`MAX_PATTERNS`].
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        if source.len() > MAX_PATH_LENGTH {
            let message = format!("the path is longer than {MAX_PATH_LENGTH} bytes");
            return Err(ParseError::new(
                ParseErrorKind::TooLong,
                MAX_PATH_LENGTH,
                message,
            ));
        }
        Ok(Self {
            source: source.into(),
            steps: parse::steps(source, 0, Some(&mut { MAX_PATTERNS }))?,
        })
    }

    /// The text that was parsed.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the path leads to at most one value, whatever the document: no `..`, `*`, filter, slice or list of indexes.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.steps.definite
    }

    /// Evaluates the path on the tree below `root`, within the default [`Limits`].
    ///
    /// # Errors
    /// If a step does not fit the value that it meets, such as an index on a string, or if a limit is exceeded.
    pub fn evaluate<N: Node>(&self, root: &N) -> Result<Found<N>, EvalError> {
        self.evaluate_within(root, &Limits::default())
    }

    /// Evaluates the path on the tree below `root`, within limits of your own.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_within<N: Node>(
        &self,
        root: &N,
        limits: &Limits,
    ) -> Result<Found<N>, EvalError> {
        eval::evaluate(&self.steps, root, limits)
    }
}

impl FromStr for Path {
    type Err = ParseError;

    fn from_str(source: &str) -> Result<Self, ParseError> {
        Self::parse(source)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
