//! A path as a list of steps.

use std::sync::Arc;

use super::filter::Filter;

/// One step of a path.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// `$` or `@`, also in the middle of a path, where it does nothing.
    Root,
    /// `.name` or `['name']`.
    Name(Arc<str>),
    /// `['a','b']`, and the oddities that name nothing: an object of its own with what is there.
    Names(Vec<Arc<str>>),
    /// `*` or `[*]`.
    Wildcard,
    /// `..`; never the last step.
    Scan,
    /// `[n]`; a negative one finds nothing.
    Index(i32),
    /// `[@.length - n]`; the number is negative.
    FromEnd(i32),
    /// `[n, m]`.
    Indexes(Vec<i32>),
    /// `[n:]`.
    SliceFrom(i32),
    /// `[:n]`.
    SliceTo(i32),
    /// `[n:m]`.
    SliceBetween(i32, i32),
    /// `[?(…)]`.
    Filter(Filter),
    /// `[?]`.
    Unbound,
}

impl Step {
    /// Whether this step leads to at most one value.
    pub(super) fn is_definite(&self) -> bool {
        match self {
            Self::Root | Self::Name(_) | Self::Names(_) | Self::Index(_) | Self::FromEnd(_) => true,
            Self::Wildcard
            | Self::Scan
            | Self::Indexes(_)
            | Self::SliceFrom(_)
            | Self::SliceTo(_)
            | Self::SliceBetween(..)
            | Self::Filter(_)
            | Self::Unbound => false,
        }
    }
}

/// A step and what its neighbours make of it.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) step: Step,
    /// A name that is absent in the middle of the path ends the whole evaluation, instead of this branch.
    pub(super) strict: bool,
}

/// A parsed path without its text.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    pub(super) list: Vec<Placed>,
    /// Begins with `$`, not with `@`.
    pub(super) from_root: bool,
    pub(super) definite: bool,
}

impl Steps {
    pub(super) fn new(steps: Vec<Step>, from_root: bool) -> Self {
        let definite: Vec<bool> = steps.iter().map(Step::is_definite).collect();
        // A branch ends quietly only if this step follows an indefinite one, or an indefinite one comes later.
        let last_loose = definite.iter().rposition(|d| !d);
        let list = steps
            .into_iter()
            .enumerate()
            .map(|(at, step)| Placed {
                strict: at == 0 || last_loose.is_none_or(|loose| loose + 1 < at),
                step,
            })
            .collect();
        Self {
            list,
            from_root,
            definite: last_loose.is_none(),
        }
    }
}
