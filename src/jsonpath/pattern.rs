//! The patterns of `=~`.

use super::error::EvalError;
use super::limits::{PATTERN_BACKTRACKS, PATTERN_SIZE};
use crate::java_regex::JavaRegex;

/// `/pattern/` or `/pattern/i`, in Java's syntax; it must match the whole text.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    source: String,
    regex: JavaRegex,
}

impl Pattern {
    pub(super) fn new(source: &str, ignore_case: bool) -> Result<Self, String> {
        let regex = JavaRegex::bounded(source, ignore_case, PATTERN_BACKTRACKS, PATTERN_SIZE);
        Ok(Self {
            source: source.to_owned(),
            regex: regex.map_err(|error| {
                let message = error.to_string();
                let first = message.lines().next().unwrap_or_default();
                format!("the pattern does not compile: {first}")
            })?,
        })
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn matches(&self, text: &str) -> Result<bool, EvalError> {
        self.regex
            .is_match(text)
            .map_err(|_| EvalError::PatternTooCostly)
    }
}
