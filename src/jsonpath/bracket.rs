//! What stands in brackets: names, numbers, slices, filters.

use std::collections::HashSet;
use std::sync::Arc;

use super::digits::{is_digit, parse_int};
use super::error::{ParseError, ParseErrorKind};
use super::filter;
use super::parse::{Text, char_at, offset_at};
use super::step::Step;

/// Reads one bracket from its `[` on. What it is decides the first quote, digit, sign or question mark; what stands
/// before that is skipped.
pub(super) fn step(text: Text<'_>, patterns: Option<&mut usize>) -> Result<Step, ParseError> {
    if text.iter().map(|&(_, c)| c).eq("[*]".chars()) {
        return Ok(Step::Wildcard);
    }
    if is_placeholder(text) {
        return Ok(Step::Unbound);
    }
    let decisive = |c: char| matches!(c, '?' | '\'' | ':' | '-' | '@') || is_digit(c);
    let Some(at) = text.iter().position(|&(_, c)| decisive(c)) else {
        return Err(ParseError::new(
            ParseErrorKind::Bracket,
            offset_at(text, 0),
            "brackets hold names in single quotes, numbers, * or a filter ?(…)",
        ));
    };
    let rest = text.get(at..).unwrap_or_default();
    match char_at(text, at) {
        Some('?') => match patterns {
            Some(patterns) => filter::step(text, at, patterns),
            // A path in a filter must be definite, so a filter in it is wrong whatever it says.
            None => Err(ParseError::new(
                ParseErrorKind::Indefinite,
                offset_at(text, at),
                "a path in a filter cannot hold another filter",
            )),
        },
        Some('\'') => names(rest),
        Some('@') => from_end(rest),
        _ => numbers(rest),
    }
}

/// `[?]`, `[?, ?]`: stands for filters handed in by a program.
fn is_placeholder(text: Text<'_>) -> bool {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
    let [(_, '['), inside @ .., (_, ']')] = text else {
        return false;
    };
    let mut inside = inside.iter().map(|&(_, c)| c).skip_while(|&c| blank(c));
    inside.next() == Some('?') && inside.all(|c| blank(c) || matches!(c, ',' | '*' | '?'))
}

/// Reads names from the first quote up to the first closing bracket, quoted or not.
pub(super) fn names(text: Text<'_>) -> Result<Step, ParseError> {
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut open: Option<String> = None;
    for &(_, c) in text {
        match (c, &mut open) {
            (']', _) => {
                return Ok(match <[Arc<str>; 1]>::try_from(names) {
                    Ok([name]) => Step::Name(name),
                    Err(names) => Step::Names(unique(names)),
                });
            }
            ('\'', Some(name)) => {
                names.push(std::mem::take(name).into());
                open = None;
            }
            ('\'', None) => open = Some(String::new()),
            (_, Some(name)) => name.push(c),
            (_, None) => {}
        }
    }
    Err(ParseError::unclosed(offset_at(text, 0)))
}

/// Each name once. (`['a','a']` is still a list of names, and finds an object.)
fn unique(names: Vec<Arc<str>>) -> Vec<Arc<str>> {
    let mut seen = HashSet::new();
    names
        .into_iter()
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

/// `@.length - 1`, `@.size() - 1`, from the `@` on; usually in parentheses.
fn from_end(text: Text<'_>) -> Result<Step, ParseError> {
    let unclosed = || ParseError::unclosed(offset_at(text, 0));
    let rest = text.get(2..).unwrap_or_default();
    let minus = rest
        .iter()
        .position(|&(_, c)| c == '-')
        .ok_or_else(unclosed)?;
    let (function, number) = rest.split_at_checked(minus).ok_or_else(unclosed)?;
    let without = |text: Text<'_>, skipped: &[char]| -> String {
        text.iter()
            .map(|&(_, c)| c)
            .filter(|c| !skipped.contains(c))
            .collect()
    };
    let function = without(function, &[' ', '(', ')']);
    if function != "size" && function != "length" {
        return Err(ParseError::new(
            ParseErrorKind::Function,
            offset_at(text, 0),
            "the only computed indexes are (@.length - n) and (@.size() - n)",
        ));
    }
    let end = number
        .iter()
        .position(|&(_, c)| c == ')')
        .ok_or_else(unclosed)?;
    let digits = without(number.get(..end).unwrap_or_default(), &[' ']);
    Ok(Step::FromEnd(integer(&digits, offset_at(number, 0))?))
}

fn integer(digits: &str, offset: usize) -> Result<i32, ParseError> {
    parse_int(digits).ok_or_else(|| {
        let message = if digits.is_empty() {
            "a number is missing".to_owned()
        } else {
            format!("{digits} is not an index")
        };
        ParseError::new(ParseErrorKind::Index, offset, message)
    })
}

/// An index, a list of indexes or a slice, from its first sign on. Reading stops quietly at anything foreign: the
/// third number of `[0:4:2]` and the text in `[1st]` count for nothing.
fn numbers(text: Text<'_>) -> Result<Step, ParseError> {
    let mut numbers = Vec::new();
    let mut buffer = String::new();
    let (mut to, mut from, mut between, mut list) = (false, false, false, false);
    let mut at = 0;
    let current =
        |at: usize| char_at(text, at).ok_or_else(|| ParseError::unclosed(offset_at(text, 0)));
    let mut take = |buffer: &mut String, at: usize| -> Result<(), ParseError> {
        numbers.push(integer(
            buffer,
            offset_at(text, at.saturating_sub(buffer.chars().count())),
        )?);
        buffer.clear();
        Ok(())
    };
    loop {
        match current(at)? {
            ' ' => {}
            ',' => {
                take(&mut buffer, at)?;
                list = true;
            }
            ':' => {
                let open = buffer.is_empty();
                if !open {
                    take(&mut buffer, at)?;
                }
                at += 1;
                while let c @ (' ' | '-' | '0'..='9' | '\u{80}'..) = current(at)? {
                    match c {
                        ' ' => {}
                        _ if c == '-' || is_digit(c) => buffer.push(c),
                        _ => break,
                    }
                    at += 1;
                }
                match (open, buffer.is_empty()) {
                    (true, _) => {
                        to = true;
                        take(&mut buffer, at)?;
                    }
                    (false, true) => from = true,
                    (false, false) => {
                        between = true;
                        take(&mut buffer, at)?;
                    }
                }
                // The sign that ends a slice is skipped, but Java skips only half of a character above U+FFFF.
                if current(at).is_ok_and(|c| c == ']' || c.len_utf16() > 1) {
                    break;
                }
            }
            c if c == '-' || is_digit(c) => buffer.push(c),
            _ => break,
        }
        at += 1;
    }
    if !buffer.is_empty() {
        take(&mut buffer, at)?;
    }
    Ok(match numbers.as_slice() {
        [one] if !to && !from => Step::Index(*one),
        _ if list => Step::Indexes(numbers),
        [first, ..] if from => Step::SliceFrom(*first),
        [first, ..] if to => Step::SliceTo(*first),
        [first, second, ..] if between => Step::SliceBetween(*first, *second),
        // Not reachable: the first sign is a digit, a minus or a colon, and each leaves a number or an error.
        _ => {
            return Err(ParseError::new(
                ParseErrorKind::Index,
                offset_at(text, 0),
                "a number is missing",
            ));
        }
    })
}
