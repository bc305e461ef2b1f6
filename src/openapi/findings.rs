//! The findings of one reading, in the order in which they are made.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;

use super::place::{Place, Spot};

/// How many findings are kept; the rest is counted.
const MAX_FINDINGS: usize = 2_000;

/// How many values may be read a second time because something refers to them.
const MAX_REREAD: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<(Diagnostic, Spot)>,
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
        if self.list.len() >= MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        let identity = (finding.code, finding.pointer.clone(), finding.message.clone());
        if self.seen.insert(identity) {
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
