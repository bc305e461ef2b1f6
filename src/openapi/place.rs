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
    /// A text whose lines stand in the document as they are, from the position of the value on.
    Lines,
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
    /// The position of what `pointer` names, or of the nearest value around it that is there.
    pub(super) fn find(&self, pointer: &str, spot: Spot) -> Position {
        let (place, complete) = self.nearest(pointer);
        let scalar = matches!(place.inside, Inside::Nothing | Inside::Lines);
        match spot {
            Spot::Value if complete && scalar => place.value.into(),
            Spot::Value | Spot::Key => place.key.into(),
        }
    }

    /// The position of a place inside the text that `pointer` names, when the document shows that
    /// text as it is.
    pub(super) fn find_within(&self, pointer: &str, within: Position) -> Option<Position> {
        let (mut place, complete) = self.nearest(pointer);
        // The text of `!Sub |` is one step further in.
        if let Inside::Members(members) = &place.inside
            && let [(key, inner)] = members.as_slice()
            && key == "Fn::Sub"
        {
            place = inner;
        }
        let lines = matches!(place.inside, Inside::Lines) && complete;
        let start = Position::from(place.value);
        lines.then(|| Position {
            line: start.line.saturating_add(within.line).saturating_sub(1),
            column: start.column.saturating_add(within.column).saturating_sub(1),
        })
    }

    fn nearest(&self, pointer: &str) -> (&Self, bool) {
        let mut place = self;
        for token in pointer.split('/').skip(1) {
            match place.child(token) {
                Some(next) => place = next,
                None => return (place, false),
            }
        }
        (place, true)
    }

    fn child(&self, token: &str) -> Option<&Self> {
        match &self.inside {
            Inside::Nothing | Inside::Lines => None,
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
