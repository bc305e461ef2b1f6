//! What an evaluation finds.

use std::sync::Arc;

/// One match of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Match<N> {
    /// A node of the document.
    Node(N),
    /// What `['a','b']` finds: those of the named members that are there, each once, in the order of the path. It
    /// stands for a new object that is not part of the document.
    Members(Vec<(Arc<str>, N)>),
}

/// The result of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<N> {
    /// The path leads nowhere. An indefinite path too can be missing: `$.list[?(@.id > 1)].name` is, as soon as one
    /// of the selected elements has no `name`.
    Missing,
    /// The value that a definite path leads to (it may be null).
    One(Match<N>),
    /// All values that an indefinite path leads to, possibly none.
    Many(Vec<Match<N>>),
}

impl<N> Found<N> {
    /// Whether the path led nowhere.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The node, if a definite path led to one.
    pub fn into_node(self) -> Option<N> {
        match self {
            Self::One(Match::Node(node)) => Some(node),
            Self::One(Match::Members(_)) | Self::Many(_) | Self::Missing => None,
        }
    }
}
