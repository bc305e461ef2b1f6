//! The patterns of `=~`.

use fancy_regex::{Regex, RegexBuilder};

use super::error::EvalError;
use super::limits::{PATTERN_BACKTRACKS, PATTERN_SIZE};

/// `/pattern/` or `/pattern/i`; it must match the whole text.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    source: String,
    regex: Box<Regex>,
}

impl Pattern {
    pub(super) fn new(source: &str, ignore_case: bool) -> Result<Self, String> {
        Ok(Self {
            source: source.to_owned(),
            regex: Box::new(compile_regex(source, ignore_case)?),
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

/// Compiles a pattern so that it matches whole texts only.
fn compile_regex(source: &str, ignore_case: bool) -> Result<Regex, String> {
    // The pattern must be whole by itself: `a)|(?:b` would slip out of the group around it.
    RegexBuilder::new(source)
        .delegate_size_limit(PATTERN_SIZE)
        .build()
        .and_then(|_| {
            RegexBuilder::new(&format!(r"\A(?:{source})\z"))
                .case_insensitive(ignore_case)
                .backtrack_limit(PATTERN_BACKTRACKS)
                .delegate_size_limit(PATTERN_SIZE)
                .build()
        })
        .map_err(|error| {
            format!(
                "the pattern does not compile: {}",
                first_line(&error.to_string())
            )
        })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
