//! What keeps a path from taking more time, memory or stack than it should.

/// The longest path, in bytes.
pub const MAX_PATH_LENGTH: usize = 8192;

/// The most steps in a path, the root included. It bounds the stack that evaluation needs.
pub const MAX_STEPS: usize = 256;

/// How often a pattern may step back on one text before [`EvalError::PatternTooCostly`](super::EvalError).
pub const PATTERN_BACKTRACKS: usize = 100_000;

/// The most memory that a compiled pattern may take, in bytes.
pub(super) const PATTERN_SIZE: usize = 1 << 18;

/// The most patterns in one path.
pub const MAX_PATTERNS: usize = 16;

/// What matching a pattern once counts for in [`Limits::max_visits`].
pub(super) const PATTERN_VISITS: usize = 100;

/// How much one evaluation may find and look at.
///
/// The depth of the document is not limited: `..` walks with a stack of its own on the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most matches an evaluation collects. Default: 1,000,000.
    pub max_results: usize,
    /// The most nodes an evaluation looks at, counted each time; a pattern that is matched counts for a hundred.
    /// Default: 20,000,000, which an array of ones in a body of 10 MB does not reach.
    pub max_visits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_results: 1_000_000,
            max_visits: 20_000_000,
        }
    }
}
