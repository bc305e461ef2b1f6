//! Filters: `[?(@.qty > 0 && @.sku)]`.
//!
//! `&&` binds tighter than `||`; parentheses do not group. Both signs and the comparisons are found by searching the
//! text, also in quotes.

use super::error::{ParseError, ParseErrorKind};
use super::limits::{MAX_PATTERNS, PATTERN_VISITS};
use super::parse::{Text, java_trim, offset_at, steps};
use super::pattern::Pattern;
use super::step::{Step, Steps};
use super::term::Literal;

/// Alternatives of conditions, both in the order of evaluation, which is from right to left.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) any: Vec<Vec<Condition>>,
}

#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// `@.path` (`expected`) or `!@.path`: something is there that is not null.
    Exists { path: Steps, expected: bool },
    /// `left operator right`.
    Compare {
        left: Operand,
        operator: Operator,
        right: Operand,
    },
}

impl Condition {
    /// How many visits it counts for to see whether it is met.
    pub(super) fn cost(&self) -> usize {
        let walk = |operand: &Operand| match operand {
            Operand::Path(path) => path.list.len(),
            Operand::Literal(_) | Operand::Pattern(_) => 1,
        };
        match self {
            Self::Exists { path, .. } => path.list.len(),
            Self::Compare {
                left,
                operator: Operator::Matches,
                right,
            } => walk(left) + PATTERN_VISITS + walk(right),
            Self::Compare { left, right, .. } => walk(left) + walk(right),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Path(Steps),
    Literal(Literal),
    Pattern(Pattern),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Matches,
}

/// In the order in which they are looked for: the first that occurs anywhere in a condition is its comparison.
const OPERATORS: [(&str, Operator); 7] = [
    ("==", Operator::Equal),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=~", Operator::Matches),
];

fn wrong(offset: usize, message: impl Into<String>) -> ParseError {
    ParseError::new(ParseErrorKind::Filter, offset, message)
}

/// Reads a filter from a bracket whose first decisive character is the question mark at `mark`. `patterns` is how
/// many patterns may still come.
pub(super) fn step(text: Text<'_>, mark: usize, patterns: &mut usize) -> Result<Step, ParseError> {
    let before = text.get(..mark).unwrap_or_default();
    let start = before.iter().rposition(|&(_, c)| c == '[').unwrap_or(0);
    let end = end(text, start)?;
    let (base, bracket) = (
        offset_at(text, start),
        text.get(start..end).unwrap_or_default(),
    );
    let source: String = bracket.iter().map(|&(_, c)| c).collect();
    let inside = source
        .strip_prefix('[')
        .and_then(|s| s.strip_suffix(']'))
        .map(java_trim);
    let inside = inside.and_then(|s| s.strip_prefix('?')).map(java_trim);
    let inside = inside
        .and_then(|s| s.strip_prefix('('))
        .and_then(|s| s.strip_suffix(')'));
    let Some(inside) = inside.map(java_trim) else {
        return Err(wrong(base, "a filter is written [?(condition)]"));
    };
    conditions(inside, base + offset_in(&source, inside), patterns).map(Step::Filter)
}

/// The place after the bracket that ends the filter. Here quotes do hide brackets.
fn end(text: Text<'_>, start: usize) -> Result<usize, ParseError> {
    let (mut quoted, mut round, mut square) = (false, 0_i64, 0_i64);
    let mut previous = ' ';
    for (at, &(offset, c)) in text.iter().enumerate().skip(start) {
        match c {
            '\'' => quoted ^= previous != '\\',
            '(' if !quoted => round += 1,
            ')' if !quoted => round -= 1,
            '[' if !quoted => square += 1,
            ']' if !quoted => {
                square -= 1;
                if round == 0 {
                    return match square {
                        0 => Ok(at + 1),
                        _ => Err(wrong(offset, "the brackets of the filter are not balanced")),
                    };
                }
            }
            _ => {}
        }
        previous = c;
    }
    Err(ParseError::unclosed(offset_at(text, start)))
}

/// The offset of `part`, a slice of `whole`.
fn offset_in(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

fn conditions(text: &str, base: usize, patterns: &mut usize) -> Result<Filter, ParseError> {
    let mut any = Vec::new();
    let mut all = Vec::new();
    let mut operand_next = true;
    for piece in pieces(text) {
        let piece = java_trim(piece);
        let at = base + offset_in(text, piece);
        match (piece, operand_next) {
            ("&&" | "||", true) => {
                return Err(wrong(at, format!("a condition is missing before {piece}")));
            }
            ("&&", false) => {}
            ("||", false) => any.push(std::mem::take(&mut all)),
            (_, true) => {
                let piece = clean(piece);
                let at = base + offset_in(text, piece);
                all.push(condition(piece, at, patterns)?);
            }
            (_, false) => return Err(wrong(at, "&& or || is missing")),
        }
        operand_next = !operand_next;
    }
    if operand_next {
        return Err(wrong(base + text.len(), "a condition is missing"));
    }
    any.push(all);
    any.reverse();
    any.iter_mut().for_each(|all| all.reverse());
    Ok(Filter { any })
}

/// Cuts before and after each `&&` and `||`, overlapping ones included.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let is_sign = |pair: Option<&[u8]>| matches!(pair, Some(b"&&" | b"||"));
    let cuts = (1..bytes.len())
        .filter(move |&at| {
            is_sign(bytes.get(at..at + 2)) || at >= 2 && is_sign(bytes.get(at - 2..at))
        })
        .chain([bytes.len()]);
    let mut start = 0;
    cuts.filter_map(move |cut| {
        let piece = text.get(start..cut);
        start = cut;
        piece
    })
}

fn clean(piece: &str) -> &str {
    piece
        .trim_start_matches(['[', '?', '(', ' '])
        .trim_end_matches([')', ' '])
}

fn condition(text: &str, base: usize, patterns: &mut usize) -> Result<Condition, ParseError> {
    let found = OPERATORS.iter().find_map(|(sign, operator)| {
        text.split_once(sign)
            .map(|(left, right)| (left, *operator, right))
    });
    let Some((left, operator, right)) = found else {
        let text = java_trim(text);
        let (path, expected) = match text.strip_prefix('!') {
            Some(path) => (path, false),
            None => (text, true),
        };
        if path.starts_with('@') || expected && path.starts_with('$') {
            let path = definite(path, base)?;
            return Ok(Condition::Exists { path, expected });
        }
        let message = "a condition is a path that begins with @ or $, or a comparison";
        return Err(ParseError::new(ParseErrorKind::Condition, base, message));
    };
    let (left, right) = (java_trim(left), java_trim(right));
    let right_base = base + offset_in(text, right);
    if right.starts_with("!@") {
        let message = "! is only allowed before a path that stands alone";
        return Err(ParseError::new(
            ParseErrorKind::Condition,
            right_base,
            message,
        ));
    }
    // `!@.a == 1` is read as `@.a == 1`.
    let left = if left.starts_with("!@") {
        left.get(1..).unwrap_or_default()
    } else {
        left
    };
    Ok(Condition::Compare {
        left: operand(left, base, patterns)?,
        operator,
        right: operand(right, right_base, patterns)?,
    })
}

fn definite(text: &str, base: usize) -> Result<Steps, ParseError> {
    let path = steps(text, base, None)?;
    if path.definite {
        return Ok(path);
    }
    let message = "a path in a filter must lead to a single value";
    Err(ParseError::new(ParseErrorKind::Indefinite, base, message))
}

/// A path, a quoted text, a pattern between slashes, or else the bare text itself.
fn operand(text: &str, base: usize, patterns: &mut usize) -> Result<Operand, ParseError> {
    if text.starts_with(['$', '@']) {
        return definite(text, base).map(Operand::Path);
    }
    if text.starts_with('\'') && text.ends_with('\'') {
        let inside = text.get(1..text.len() - 1);
        let inside = inside.ok_or_else(|| wrong(base, "the quote is not closed"))?;
        return Ok(Operand::Literal(Literal::new(inside)));
    }
    if text.starts_with('/') && (text.ends_with('/') || text.ends_with("/i")) {
        let last = text.rfind('/').unwrap_or(0);
        let pattern = text
            .get(1..last)
            .ok_or_else(|| wrong(base, "the pattern is not closed"))?;
        *patterns = patterns.checked_sub(1).ok_or_else(|| {
            let message = format!("the path has more than {MAX_PATTERNS} patterns");
            ParseError::new(ParseErrorKind::Pattern, base, message)
        })?;
        return Pattern::new(pattern, text.ends_with('i'))
            .map(Operand::Pattern)
            .map_err(|message| ParseError::new(ParseErrorKind::Pattern, base, message));
    }
    Ok(Operand::Literal(Literal::new(text)))
}
