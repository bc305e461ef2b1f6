//! How many selection patterns an API may have.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;

use super::document::Operation;

/// How many different selection patterns the integrations of an API may have.
// Chosen: each takes tens of kilobytes; no document of the size that API Gateway imports needs so many.
pub(crate) const MAX_PATTERNS: usize = 2_000;

/// How long all of them may be together, in bytes.
pub(crate) const MAX_PATTERN_BYTES: usize = 1 << 20;

/// The patterns of an API so far.
#[derive(Debug, Default)]
pub(super) struct Admitted<'a> {
    patterns: HashSet<&'a str>,
    bytes: usize,
}

impl<'a> Admitted<'a> {
    /// What is wrong with an operation whose patterns are too many.
    pub(super) fn admit(&mut self, operation: &'a Operation) -> Result<(), Box<Diagnostic>> {
        let responses = operation.integration.iter().flat_map(|it| &it.responses);
        for pattern in responses.filter_map(|response| response.selection_pattern.as_deref()) {
            if self.patterns.contains(pattern) {
                continue;
            }
            self.bytes = self.bytes.saturating_add(pattern.len());
            if self.patterns.len() >= MAX_PATTERNS || self.bytes > MAX_PATTERN_BYTES {
                return Err(too_many(&operation.pointer).into());
            }
            self.patterns.insert(pattern);
        }
        Ok(())
    }
}

fn too_many(pointer: &str) -> Diagnostic {
    Diagnostic::error(
        "selection-pattern",
        format!("{pointer}/responses"),
        format!(
            "the API has more than {MAX_PATTERNS} different selection patterns, or more than {MAX_PATTERN_BYTES} bytes of them"
        ),
    )
    .help("let integrations have the same patterns, or divide the API")
}
