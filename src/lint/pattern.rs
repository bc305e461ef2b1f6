//! What a selection pattern can match, as far as it can be told for certain.
//!
//! A pattern becomes a list of shapes, one for each alternative; a shape is a row of sets of characters, each
//! standing once or any number of times. What does not fit that form has no shapes, and nothing is said about it.

use std::cell::Cell;

use regex_syntax::Parser;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use crate::java_regex;

/// How many alternatives and how many parts of one are looked at.
const MAX_SHAPES: usize = 32;
const MAX_PARTS: usize = 256;

/// Characters, once or any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    set: ClassUnicode,
    many: bool,
}

type Shape = Vec<Part>;

/// A pattern, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Shapes(Vec<Shape>);

impl Shapes {
    /// `None` when the pattern has look-around, bounded repetitions or too many alternatives.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let translated = java_regex::translated(unanchored(pattern)).ok()?;
        let hir = Parser::new().parse(&translated).ok()?;
        shapes(&hir).map(Self)
    }

    /// Whether every text that `other` matches is matched by this one. `false` may be wrong, `true` is not: of
    /// `work`, in parts that are compared, there may be none left.
    pub(super) fn include(&self, other: &Self, work: &Cell<usize>) -> bool {
        let pair = |outer: &Shape, inner: &Shape| {
            let left = work
                .get()
                .checked_sub((outer.len() + 1) * (inner.len() + 1));
            work.set(left.unwrap_or(0));
            left.is_some() && includes(outer, inner)
        };
        let mut all = other.0.iter();
        all.all(|inner| self.0.iter().any(|outer| pair(outer, inner)))
    }

    /// Whether it is one fixed text.
    pub(super) fn literal(&self) -> Option<String> {
        let [shape] = self.0.as_slice() else {
            return None;
        };
        shape
            .iter()
            .map(|part| (!part.many).then(|| only(&part.set)).flatten())
            .collect()
    }

    /// Whether it matches nothing but three digits, as a status has.
    pub(super) fn is_status(&self) -> bool {
        let digits = ClassUnicode::new([ClassUnicodeRange::new('0', '9')]);
        !self.0.is_empty()
            && self.0.iter().all(|shape| {
                shape.len() == 3
                    && shape
                        .iter()
                        .all(|part| !part.many && subset(&part.set, &digits))
            })
    }

    /// Whether it has a `.*` or `.+` that stops at the end of a line.
    pub(super) fn stops_at_lines(&self) -> bool {
        let (newline, other) = (single('\n'), single('x'));
        let mut parts = self.0.iter().flatten();
        parts.any(|part| {
            part.many
                && !subset(&newline, &part.set)
                && subset(&other, &part.set)
                && part.set.ranges().len() > 3
        })
    }

    /// Whether some text begins or ends with anything: the pattern does not fix the whole text.
    pub(super) fn is_open(&self) -> bool {
        self.0.iter().flatten().any(|part| part.many)
    }
}

/// `^` and `$` around a pattern that must match the whole text mean nothing.
pub(super) fn unanchored(pattern: &str) -> &str {
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    match inner.strip_suffix('$') {
        Some(rest) if rest.chars().rev().take_while(|c| *c == '\\').count() % 2 == 0 => rest,
        _ => inner,
    }
}

fn single(c: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(c, c)])
}

fn only(set: &ClassUnicode) -> Option<char> {
    match set.ranges() {
        [range] if range.start() == range.end() => Some(range.start()),
        _ => None,
    }
}

fn subset(inner: &ClassUnicode, outer: &ClassUnicode) -> bool {
    let mut rest = inner.clone();
    rest.difference(outer);
    rest.ranges().is_empty()
}

fn shapes(hir: &Hir) -> Option<Vec<Shape>> {
    let one = |set: ClassUnicode| Some(vec![vec![Part { set, many: false }]]);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(Look::Start) => Some(vec![Shape::new()]),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let part = |c| Part {
                set: single(c),
                many: false,
            };
            Some(vec![text.chars().map(part).collect()])
        }
        HirKind::Class(Class::Unicode(set)) => one(set.clone()),
        HirKind::Class(Class::Bytes(set)) => one(set.to_unicode_class()?),
        HirKind::Look(_) => None,
        HirKind::Capture(capture) => shapes(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = merged(shapes(&repetition.sub)?);
            let exactly = usize::try_from(repetition.min).ok()?;
            let mut out = match inner.as_slice() {
                [shape] => vec![repeat(shape, exactly)?],
                _ if exactly == 1 => inner.clone(),
                _ => return None,
            };
            match (repetition.max, inner.as_slice()) {
                (Some(max), _) if max == repetition.min => Some(out),
                (None, [shape]) => {
                    let [Part { set, many: false }] = shape.as_slice() else {
                        return None;
                    };
                    let many = Part {
                        set: set.clone(),
                        many: true,
                    };
                    out.iter_mut().for_each(|shape| shape.push(many.clone()));
                    Some(out)
                }
                _ => None,
            }
        }
        HirKind::Concat(parts) => {
            let mut out = vec![Shape::new()];
            for part in parts {
                let tails = shapes(part)?;
                let mut longer = Vec::new();
                for head in &out {
                    for tail in &tails {
                        let mut shape = head.clone();
                        shape.extend(tail.iter().cloned());
                        longer.push(shape);
                    }
                }
                if longer.len() > MAX_SHAPES || longer.iter().any(|shape| shape.len() > MAX_PARTS) {
                    return None;
                }
                out = longer;
            }
            Some(out)
        }
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<Shape>>> = parts.iter().map(shapes).collect();
            let all: Vec<Shape> = all?.into_iter().flatten().collect();
            (all.len() <= MAX_SHAPES).then_some(all)
        }
    }
}

/// Alternatives of one character each are one set: `(.|\n)`.
fn merged(shapes: Vec<Shape>) -> Vec<Shape> {
    let mut all = ClassUnicode::empty();
    for shape in &shapes {
        match shape.as_slice() {
            [Part { set, many: false }] => all.union(set),
            _ => return shapes,
        }
    }
    vec![vec![Part {
        set: all,
        many: false,
    }]]
}

fn repeat(shape: &[Part], times: usize) -> Option<Shape> {
    let length = shape.len().checked_mul(times)?;
    (length <= MAX_PARTS).then(|| shape.iter().cycle().take(length).cloned().collect())
}

/// Whether each text of `inner` is one of `outer`, seen part by part.
fn includes(outer: &[Part], inner: &[Part]) -> bool {
    // What is reached of `outer` after each part of `inner`: a set of places.
    let close = |reached: &mut Vec<bool>| {
        for (index, part) in outer.iter().enumerate() {
            if part.many
                && reached.get(index) == Some(&true)
                && let Some(next) = reached.get_mut(index + 1)
            {
                *next = true;
            }
        }
    };
    let mut reached = vec![false; outer.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    close(&mut reached);
    for part in inner {
        let mut next = vec![false; outer.len() + 1];
        for (index, other) in outer.iter().enumerate() {
            // Any number of characters fits only where any number is taken.
            let fits = reached.get(index) == Some(&true)
                && (other.many || !part.many)
                && subset(&part.set, &other.set);
            let to = if other.many { index } else { index + 1 };
            if fits && let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        close(&mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inclusion() {
        for (outer, inner, expected) in [
            (".*", "Error", true),
            (".*", ".*Error.*", true),
            (".*Error.*", ".*BigError: .*", true),
            (".*BigError.*", ".*Error.*", false),
            (".*", r"[\s\S]*", false),
            (r"[\s\S]*", ".*", true),
            (r"(.|\n)*", ".*a\n.*", true),
            (".+", ".*", false),
            (".*", "", true),
            (".*[NotFound].*", ".*[BadRequest].*", false),
            (".*[a-z].*", ".*xyz.*", true),
            ("a|b", "a", true),
            ("a", "a|b", false),
            (r"^4\d{2}", r"404", true),
            (r"4\d{2}$", r"40[4-7]", true),
            ("[45].*", "^4..", true),
            (".*a.*b.*", ".*b.*a.*", false),
        ] {
            let shapes =
                |pattern| Shapes::of(pattern).unwrap_or_else(|| panic!("no shapes: {pattern}"));
            let work = Cell::new(10_000);
            let include = shapes(outer).include(&shapes(inner), &work);
            assert_eq!(include, expected, "{outer} over {inner}");
        }
        let all = Shapes::of(".*").unwrap();
        let work = Cell::new(5);
        assert!(all.include(&all, &work) && !all.include(&all, &work));
    }

    #[test]
    fn kinds_of_patterns() {
        assert_eq!(
            Shapes::of("^Not Found$").unwrap().literal().as_deref(),
            Some("Not Found")
        );
        assert_eq!(
            Shapes::of(r"a\.b\$").unwrap().literal().as_deref(),
            Some("a.b$")
        );
        assert!(Shapes::of(r"5\d{2}").unwrap().is_status());
        assert!(Shapes::of("[45][0-9][0-9]").unwrap().is_status());
        assert!(!Shapes::of(".*404.*").unwrap().is_status());
        for (pattern, stops) in [
            (".*x", true),
            (r"(?s).*x", false),
            (r"[\s\S]*x", false),
            ("[a-z]*", false),
        ] {
            assert_eq!(
                Shapes::of(pattern).unwrap().stops_at_lines(),
                stops,
                "{pattern}"
            );
        }
        for unknown in ["(?!x).*", "a{2,5}", "("] {
            assert!(Shapes::of(unknown).is_none(), "{unknown}");
        }
        assert!(Shapes::of(&"(a|b)".repeat(40)).is_none_or(|shapes| shapes.0.len() <= MAX_SHAPES));
    }
}
