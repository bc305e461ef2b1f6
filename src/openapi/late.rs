//! The findings of a compilation, by position, and not more than anybody reads.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;

use super::findings::MAX_FINDINGS;
use super::import::Import;

/// Findings that are made after the import. Errors, and warnings, beyond the first thousand are counted.
#[derive(Debug, Default)]
pub(super) struct Late {
    list: Vec<Diagnostic>,
    kept_errors: usize,
    /// The errors that were kept.
    seen: HashSet<(&'static str, String, String)>,
    left_out: usize,
}

impl Late {
    /// Adds a finding.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        let kept = match finding.is_error() {
            true => self.kept_errors,
            false => self.list.len() - self.kept_errors,
        };
        if kept >= MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        self.kept_errors += usize::from(finding.is_error());
        self.list.push(finding);
    }

    /// Adds one unless it is there: methods may share what is broken.
    pub(super) fn push_once(&mut self, finding: Diagnostic) {
        let identity = (
            finding.code,
            finding.pointer.clone(),
            finding.message.clone(),
        );
        if self.kept_errors >= MAX_FINDINGS || self.seen.insert(identity) {
            self.push(finding);
        }
    }

    /// Those of the import and these, each with its place.
    pub(super) fn with_those_of(self, import: &Import) -> Vec<Diagnostic> {
        let mut findings = import.findings().to_vec();
        findings.extend(self.list.into_iter().map(|mut finding| {
            import.locate(&mut finding);
            finding
        }));
        findings.sort_by_key(|finding| finding.position);
        if self.left_out > 0 {
            let message = format!("{} more findings are left out", self.left_out);
            findings.push(Diagnostic::warning("too-many-findings", "", message));
        }
        findings
    }
}
