//! From text to steps, by the reading rules of Jayway JsonPath 2.0.0.
//!
//! Those rules are a scanner, not a grammar: what stands between two recognised signs is often skipped. The oddities
//! are kept, because a template that works on AWS may lean on one.

use super::bracket;
use super::error::{ParseError, ParseErrorKind};
use super::limits::MAX_STEPS;
use super::step::{Step, Steps};

/// Characters with their byte offsets in the source.
pub(super) type Text<'a> = &'a [(usize, char)];

/// The character at `at`, if there is one.
pub(super) fn char_at(text: Text<'_>, at: usize) -> Option<char> {
    text.get(at).map(|&(_, c)| c)
}

/// The byte offset of `at`; past the end, the one after the last character.
pub(super) fn offset_at(text: Text<'_>, at: usize) -> usize {
    match text.get(at) {
        Some(&(offset, _)) => offset,
        None => text.last().map_or(0, |&(offset, c)| offset + c.len_utf8()),
    }
}

/// What Java's `trim` leaves: everything up to U+0020 goes, nothing else.
pub(super) fn java_trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// Parses `source`, which begins `base` bytes into the text that the caller parses.
///
/// `patterns` is how many patterns may still come; without it no filter is read at all.
pub(super) fn steps(
    source: &str,
    base: usize,
    mut patterns: Option<&mut usize>,
) -> Result<Steps, ParseError> {
    let trimmed = java_trim(source);
    let base = base + source.find(trimmed).unwrap_or(0);
    let mut text: Vec<(usize, char)> = trimmed
        .char_indices()
        .map(|(at, c)| (base + at, c))
        .collect();
    if trimmed.is_empty() {
        return Err(ParseError::new(
            ParseErrorKind::Empty,
            base,
            "the path is empty",
        ));
    }
    let from_root = !trimmed.starts_with('@');
    if !trimmed.starts_with(['$', '@']) {
        text.splice(0..0, [(base, '$'), (base, '.')]);
    }
    if matches!(text.as_slice(), [.., (_, '.'), (_, '.')]) {
        let at = base + trimmed.len() - 1;
        return Err(ParseError::new(
            ParseErrorKind::TrailingDot,
            at,
            "a path cannot end with a dot",
        ));
    }
    if char_at(&text, 1).is_some_and(|c| c != '.' && c != '[') {
        let at = offset_at(&text, 1);
        return Err(ParseError::new(
            ParseErrorKind::AfterRoot,
            at,
            "after the root comes . or [",
        ));
    }
    let mut list = vec![Step::Root];
    let mut at = 1;
    while let Some(c) = char_at(&text, at) {
        let step = match c {
            ' ' => return Err(space(&text, at)),
            '$' => {
                at += 1;
                Some(Step::Root)
            }
            '*' => {
                at += 1;
                Some(Step::Wildcard)
            }
            '[' => {
                let start = at;
                at = bracket_end(&text, at);
                let inside = text.get(start..at).unwrap_or_default();
                Some(bracket::step(inside, patterns.as_deref_mut())?)
            }
            '.' => {
                at += 1;
                dotted(&text, &mut at)?
            }
            _ => Some(name(&text, &mut at)?),
        };
        list.extend(step);
        if list.len() > MAX_STEPS {
            let message = format!("the path has more than {MAX_STEPS} steps");
            return Err(ParseError::new(
                ParseErrorKind::TooManySteps,
                offset_at(&text, at),
                message,
            ));
        }
    }
    Ok(Steps::new(list, from_root))
}

fn space(text: Text<'_>, at: usize) -> ParseError {
    ParseError::new(
        ParseErrorKind::Space,
        offset_at(text, at),
        "a space is only allowed in brackets; a name with one is written ['a b']",
    )
}

/// What follows a dot: another dot, `*`, a name, or nothing of its own (`.[`).
fn dotted(text: Text<'_>, at: &mut usize) -> Result<Option<Step>, ParseError> {
    match char_at(text, *at) {
        None => Err(ParseError::new(
            ParseErrorKind::TrailingDot,
            offset_at(text, *at).saturating_sub(1),
            "a path cannot end with a dot",
        )),
        Some('.') => {
            *at += 1;
            Ok(Some(Step::Scan))
        }
        Some('[' | ' ') => Ok(None),
        Some('*') if word_end(text, *at) == *at + 1 => {
            *at += 1;
            Ok(Some(Step::Wildcard))
        }
        Some(_) => name(text, at).map(Some),
    }
}

/// The end of a run without dot, opening bracket and space.
fn word_end(text: Text<'_>, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().position(|&(_, c)| matches!(c, '.' | '[' | ' '));
    length.map_or(text.len(), |length| start + length)
}

/// A bare name. A quote or a closing bracket in it acts as it would in `['…']`.
fn name(text: Text<'_>, at: &mut usize) -> Result<Step, ParseError> {
    let (start, end) = (*at, word_end(text, *at));
    *at = end;
    let word = text.get(start..end).unwrap_or_default();
    if !word.iter().any(|&(_, c)| matches!(c, '\'' | ']')) {
        let word: String = word.iter().map(|&(_, c)| c).collect();
        return Ok(Step::Name(word.into()));
    }
    let (first, last) = (offset_at(text, start), offset_at(text, end));
    let mut quoted = vec![(first, '\'')];
    quoted.extend_from_slice(word);
    quoted.extend([(last, '\''), (last, ']')]);
    bracket::names(&quoted)
}

/// The place after the bracket that closes the one at `start`, or the end of the text. Quotes do not hide brackets.
fn bracket_end(text: Text<'_>, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, &(_, c)) in text.iter().enumerate().skip(start + 1) {
        match c {
            ']' if depth == 0 => return at + 1,
            ']' => depth -= 1,
            '[' => depth += 1,
            _ => {}
        }
    }
    text.len()
}
