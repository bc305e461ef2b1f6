//! Where each value of a document stands: a tree of the document's shape with lines and columns.

use crate::diagnostic::Position;

/// Where a value and, for a member of an object, its key stand.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) key: Point,
    pub(super) value: Point,
    pub(super) inside: Inside,
}

/// A position in the size that a document of 6 MB needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) line: u32,
    pub(super) column: u32,
}

#[derive(Debug)]
pub(super) enum Inside {
    Nothing,
    Items(Vec<Place>),
    /// In the order written; the last of several equal keys counts.
    Members(Vec<(String, Place)>),
}

/// Which of the two positions of a value a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The value, or the key when the value is an object or a list: what begins on a later line.
    Value,
    /// The key.
    Key,
}

impl Place {
    pub(super) fn leaf(at: Point) -> Self {
        Self {
            key: at,
            value: at,
            inside: Inside::Nothing,
        }
    }

    /// The position of what `pointer` names, or of the nearest value around it that is there.
    pub(super) fn find(&self, pointer: &str, spot: Spot) -> Position {
        let mut place = self;
        let mut complete = true;
        for token in pointer.split('/').skip(1) {
            let Some(next) = place.child(token) else {
                complete = false;
                break;
            };
            place = next;
        }
        let scalar = matches!(place.inside, Inside::Nothing);
        match spot {
            Spot::Value if complete && scalar => place.value.into(),
            Spot::Value | Spot::Key => place.key.into(),
        }
    }

    fn child(&self, token: &str) -> Option<&Self> {
        match &self.inside {
            Inside::Nothing => None,
            Inside::Items(items) => items.get(token.parse::<usize>().ok()?),
            Inside::Members(members) => {
                let key = unescape(token);
                let member = members.iter().rev().find(|(name, _)| *name == key)?;
                Some(&member.1)
            }
        }
    }
}

impl From<Point> for Position {
    fn from(point: Point) -> Self {
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            line: number(point.line),
            column: number(point.column),
        }
    }
}

/// Reads one reference token of a JSON pointer.
pub(super) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
