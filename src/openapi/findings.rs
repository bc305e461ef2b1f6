//! The findings of one reading, in the order in which they are made.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;

use super::place::{Place, Spot};

/// How many errors, and how many warnings, are kept; the rest is counted.
pub(super) const MAX_FINDINGS: usize = 1_000;

/// How many values may be read a second time because something refers to them.
const MAX_REREAD: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<(Diagnostic, Spot)>,
    kept_errors: usize,
    seen: HashSet<(&'static str, String, String)>,
    errors: usize,
    left_out: usize,
    reread: usize,
}

impl Findings {
    /// Adds a finding about a value. One that was made before, as for what is referred to twice,
    /// only counts.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.add(finding, Spot::Value);
    }

    /// Adds a finding about a key.
    pub(super) fn push_key(&mut self, finding: Diagnostic) {
        self.add(finding, Spot::Key);
    }

    fn add(&mut self, finding: Diagnostic, spot: Spot) {
        self.errors += usize::from(finding.is_error());
        let kept = if finding.is_error() {
            self.kept_errors
        } else {
            self.list.len() - self.kept_errors
        };
        if kept >= MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        let identity = (
            finding.code,
            finding.pointer.clone(),
            finding.message.clone(),
        );
        if self.seen.insert(identity) {
            self.kept_errors += usize::from(finding.is_error());
            self.list.push((finding, spot));
        }
    }

    /// Counts values that are about to be read once more; whether there may be so many. A document
    /// in which everything refers to one large value would never come to an end.
    pub(super) fn reread(&mut self, values: usize) -> bool {
        self.reread = self.reread.saturating_add(values);
        self.reread <= MAX_REREAD
    }

    /// How many errors were made so far.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// All findings with their positions, by position.
    pub(super) fn placed(self, places: &Place) -> Vec<Diagnostic> {
        let mut placed: Vec<Diagnostic> = self
            .list
            .into_iter()
            .map(|(mut finding, spot)| {
                if finding.position.is_none() {
                    finding.position = Some(places.find(&finding.pointer, spot));
                }
                finding
            })
            .collect();
        placed.sort_by_key(|finding| finding.position);
        if self.left_out > 0 {
            placed.push(Diagnostic::warning(
                "too-many-findings",
                "",
                format!("{} more findings are left out", self.left_out),
            ));
        }
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::{Inside, Point};
    use super::*;

    #[test]
    fn many_warnings_hide_no_error() {
        let mut findings = Findings::default();
        for number in 0..2 * MAX_FINDINGS {
            findings.push(Diagnostic::warning("w", format!("/{number}"), ""));
        }
        findings.push(Diagnostic::error("e", "/a", "first"));
        findings.push(Diagnostic::error("e", "/a", "first"));
        assert_eq!(findings.errors(), 2);
        let start = Point { line: 1, column: 1 };
        let placed = findings.placed(&Place {
            key: start,
            value: start,
            inside: Inside::Nothing,
        });
        assert_eq!(placed.len(), MAX_FINDINGS + 2);
        assert_eq!(
            placed.iter().filter(|finding| finding.is_error()).count(),
            1
        );
        let last = placed.last().unwrap();
        assert_eq!(last.message, "1000 more findings are left out");
    }
}
