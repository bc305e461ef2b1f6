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
    /// text as it is. `line` gives the lines of the document.
    pub(super) fn find_within<'t>(
        &self,
        line: impl Fn(usize) -> Option<&'t str>,
        pointer: &str,
        within: Position,
    ) -> Option<Position> {
        let (mut place, complete) = self.nearest(pointer);
        // The text of `!Sub |` is one step further in.
        if let Inside::Members(members) = &place.inside
            && let [(key, inner)] = members.as_slice()
            && key == "Fn::Sub"
        {
            place = inner;
        }
        let start = Position::from(place.value);
        match place.inside {
            Inside::Lines if complete => Some(Position {
                line: start.line.saturating_add(within.line).saturating_sub(1),
                column: start.column.saturating_add(within.column).saturating_sub(1),
            }),
            Inside::Nothing if complete => in_lines(line, start, within),
            _ => None,
        }
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

/// The longest line in which a place is looked for, in characters.
const MAX_LINE: usize = 100_000;
/// How many lines a text in quotes is followed over.
const MAX_LINES: usize = 10_000;

/// The position of a place inside a text that begins at `start`: one on a single line, or in quotes.
fn in_lines<'t>(
    line: impl Fn(usize) -> Option<&'t str>,
    start: Position,
    within: Position,
) -> Option<Position> {
    let mut number = start.line;
    let first = line(number)?;
    if start.column > MAX_LINE || first.len() > 4 * MAX_LINE {
        return None;
    }
    let mut chars = first.chars();
    for _ in 1..start.column {
        chars.next()?;
    }
    let mut column = start.column;
    let quote = match chars.clone().next()? {
        quote @ ('"' | '\'') => {
            chars.next();
            column += 1;
            Some(quote)
        }
        // A block, a tag, an alias.
        '|' | '>' | '!' | '&' | '*' => return None,
        _ => None,
    };
    let (mut at, wanted) = ((1, 1), (within.line, within.column));
    loop {
        let rest = chars.as_str();
        // YAML: blanks around the end of a line are left out, which is a blank itself; empty lines behind it are line
        // ends, and an escaped one is nothing.
        let escaped_end = quote == Some('"') && rest == "\\";
        if quote.is_some() && (escaped_end || rest.trim_start_matches([' ', '\t']).is_empty()) {
            let mut empty = 0;
            let next = loop {
                number += 1;
                let next = line(number)?;
                if number - start.line > MAX_LINES || next.len() > 4 * MAX_LINE {
                    return None;
                }
                if !next.trim_start_matches([' ', '\t']).is_empty() {
                    break next;
                }
                empty += 1;
            };
            if empty == 0 && !escaped_end {
                if at == wanted {
                    return Some(Position {
                        line: number - 1,
                        column,
                    });
                }
                at.1 += 1;
            } else if empty > 0 {
                at = (at.0 + empty, 1);
            }
            let content = next.trim_start_matches([' ', '\t']);
            column = next.len() - content.len() + 1;
            chars = content.chars();
            continue;
        }
        if at == wanted {
            return Some(Position {
                line: number,
                column,
            });
        }
        let c = chars.next()?;
        column += 1;
        let read = match (quote, c) {
            (Some('"'), '\\') => {
                let escaped = chars.next()?;
                column += 1;
                let digits = match escaped {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let mut code = 0;
                for _ in 0..digits {
                    code = code * 16 + chars.next()?.to_digit(16)?;
                    column += 1;
                }
                match escaped {
                    'n' => '\n',
                    // The first half of a pair is no character of its own.
                    'u' if (0xD800..0xDC00).contains(&code) => continue,
                    'x' | 'u' | 'U' => char::from_u32(code).unwrap_or(' '),
                    other => other,
                }
            }
            (Some('\''), '\'') if chars.clone().next() == Some('\'') => {
                chars.next();
                column += 1;
                '\''
            }
            (Some(quote), c) if c == quote => return None,
            (_, c) => c,
        };
        at = match read {
            '\n' => (at.0 + 1, 1),
            _ => (at.0, at.1 + 1),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_strings_of_one_line() {
        for (text, within, expected) in [
            (r#"  "ab\"c""#, (1, 4), Some(8)),
            (r#"  "a\nb\u00e4c""#, (2, 3), Some(14)),
            (r#"  "a\ud83d\ude00c""#, (1, 3), Some(17)),
            (r#"  "ab""#, (1, 4), None),
            (r#"  "ab"#, (9, 1), None),
            ("  'it''s'", (1, 4), Some(8)),
            ("  plain text", (1, 7), Some(9)),
            ("  plain text", (2, 1), None),
            ("  >", (1, 1), None),
            (r#"  "\u12"#, (1, 2), None),
        ] {
            let start = Position { line: 2, column: 3 };
            let (line, column) = within;
            let one = |number| (number == 2).then_some(text);
            let found = in_lines(one, start, Position { line, column });
            assert_eq!(found.map(|at| at.column), expected, "{text}");
        }
    }

    #[test]
    fn places_in_strings_of_several_lines() {
        for (text, within, expected) in [
            ("\"ab  \n   cd\"", (1, 4), Some((2, 4))),
            ("\"ab  \n   cd\"", (1, 3), Some((1, 4))),
            ("\"ab\n\n \t\n  cd\"", (3, 2), Some((4, 4))),
            ("\"a\\n\\\n  \\  b\"", (2, 3), Some((2, 6))),
            ("\"a \\\n  b\"", (1, 3), Some((2, 3))),
            ("'it''s\n  two'", (1, 6), Some((2, 3))),
            // The end of the text, and what is behind it.
            ("'it''s\n  two'", (1, 9), Some((2, 6))),
            ("'it''s\n  two'", (1, 10), None),
            ("\"a\n", (1, 3), None),
            ("plain\n  text", (1, 7), None),
        ] {
            let lines: Vec<&str> = text.split('\n').collect();
            let (line, column) = within;
            let found = in_lines(
                |number| lines.get(number.checked_sub(1)?).copied(),
                Position { line: 1, column: 1 },
                Position { line, column },
            );
            assert_eq!(found.map(|at| (at.line, at.column)), expected, "{text}");
        }
    }
}
