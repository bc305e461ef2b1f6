//! The two sides of a condition and how they compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::decimal::Decimal;
use super::digits::parse_int;
use super::error::EvalError;
use super::filter::Operator;
use super::found::Match;
use super::node::{Kind, Node, Number};
use super::pattern::Pattern;

/// A text in a filter. It has no type of its own: it becomes a number or a truth value beside one.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    text: String,
    small: Option<i32>,
}

impl Literal {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            small: parse_int(text),
        }
    }
}

/// A side of a condition with its value.
pub(super) enum Term<'a, N> {
    Match(Match<N>),
    Literal(&'a Literal),
    Pattern(&'a Pattern),
}

/// What of a term matters when it is compared.
enum View<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>, Option<i32>),
    Other,
}

impl<N: Node> Term<'_, N> {
    fn view(&self) -> View<'_> {
        match self {
            Term::Match(Match::Node(node)) => match node.kind() {
                Kind::Null => View::Null,
                Kind::Bool(value) => View::Bool(value),
                Kind::Number(value) => View::Number(value),
                Kind::String => View::Text(node.as_str().unwrap_or_default(), None),
                Kind::Array | Kind::Object | Kind::Other => View::Other,
            },
            Term::Literal(literal) => View::Text(Cow::Borrowed(&literal.text), literal.small),
            Term::Match(Match::Members(_)) | Term::Pattern(_) => View::Other,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Term::Match(Match::Node(node)) if matches!(node.kind(), Kind::Null))
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Term::Match(Match::Node(a)), Term::Match(Match::Node(b))) => a.is_same(b),
            _ => false,
        }
    }

    /// The text that a pattern sees; null has none.
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Term::Match(_) if self.is_null() => None,
            Term::Match(Match::Node(node)) => Some(node.to_text()),
            Term::Match(Match::Members(members)) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.to_text()))
                    .collect();
                Some(Cow::Owned(format!("{{{}}}", members.join(", "))))
            }
            Term::Literal(literal) => Some(Cow::Borrowed(&literal.text)),
            Term::Pattern(pattern) => Some(Cow::Borrowed(pattern.source())),
        }
    }
}

/// Whether `model operator expected` holds.
pub(super) fn holds<N: Node>(
    model: &Term<'_, N>,
    operator: Operator,
    expected: &Term<'_, N>,
) -> Result<bool, EvalError> {
    if operator == Operator::Matches {
        return matches_pattern(model, expected);
    }
    let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
    if ordered && model.is_null() != expected.is_null() {
        return Ok(false);
    }
    // Values that cannot be compared are neither equal nor unequal.
    let Some(ordering) = compare(expected, model)? else {
        return Ok(false);
    };
    Ok(match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Greater => ordering.is_lt(),
        Operator::GreaterOrEqual => ordering.is_le(),
        Operator::Less => ordering.is_gt(),
        Operator::LessOrEqual => ordering.is_ge(),
        Operator::Matches => false,
    })
}

fn matches_pattern<N: Node>(
    model: &Term<'_, N>,
    expected: &Term<'_, N>,
) -> Result<bool, EvalError> {
    let (pattern, target) = match (model, expected) {
        (Term::Pattern(pattern), target) | (target, Term::Pattern(pattern)) => (pattern, target),
        (model, expected) if model.is_null() && expected.is_null() => return Ok(false),
        _ => return Err(EvalError::NotAPattern),
    };
    target
        .text()
        .map_or(Ok(false), |text| pattern.matches(&text))
}

fn compare<N: Node>(
    expected: &Term<'_, N>,
    model: &Term<'_, N>,
) -> Result<Option<Ordering>, EvalError> {
    if expected.is_same(model) {
        return Ok(Some(Ordering::Equal));
    }
    let (expected, model) = (expected.view(), model.view());
    // The text `null` is as good as null, on either side.
    let nullish = |view: &View<'_>| match view {
        View::Null => true,
        View::Text(text, _) => text == "null",
        View::Bool(_) | View::Number(_) | View::Other => false,
    };
    match (nullish(&expected), nullish(&model)) {
        (true, true) => return Ok(Some(Ordering::Equal)),
        (true, false) => return Ok(Some(Ordering::Less)),
        (false, true) => return Ok(Some(Ordering::Greater)),
        (false, false) => {}
    }
    Ok(match (expected, model) {
        (View::Text(expected, _), View::Text(model, _)) => {
            let expected = if expected.contains("\\'") {
                Cow::Owned(expected.replace("\\'", "'"))
            } else {
                expected
            };
            Some(java_cmp(&expected, &model))
        }
        (View::Number(expected), View::Number(model)) => Some(compare_numbers(&expected, &model)?),
        (View::Text(_, Some(small)), View::Number(model)) => {
            Some(compare_numbers(&Number::Int(small.into()), &model)?)
        }
        (View::Text(text, None), View::Number(model)) => {
            let expected = Decimal::parse(&text).ok_or(EvalError::NotANumber)?;
            Some(expected.cmp(&decimal(&model)?))
        }
        (View::Text(text, _), View::Bool(model)) => {
            Some(text.eq_ignore_ascii_case("true").cmp(&model))
        }
        (View::Bool(expected), View::Bool(model)) => Some(expected.cmp(&model)),
        _ => None,
    })
}

/// Java compares strings by 16-bit units, which puts U+1F600 before U+FF5E.
fn java_cmp(a: &str, b: &str) -> Ordering {
    if a.is_ascii() || b.is_ascii() {
        return a.cmp(b);
    }
    a.encode_utf16().cmp(b.encode_utf16())
}

fn compare_numbers(a: &Number, b: &Number) -> Result<Ordering, EvalError> {
    let exact = |float: f64| float.abs() < 9e15;
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Ok(a.cmp(b)),
        (Number::Float(a), Number::Float(b)) if a.is_finite() && b.is_finite() => {
            Ok(a.partial_cmp(b).unwrap_or(Ordering::Equal))
        }
        // Below 2^53 the shortest decimal form of a float stands in the same order to a whole number as the float.
        (Number::Int(a), Number::Float(b))
            if exact(*b) && a.unsigned_abs() < 9_000_000_000_000_000 =>
        {
            Ok((*a as f64).partial_cmp(b).unwrap_or(Ordering::Equal))
        }
        _ => Ok(decimal(a)?.cmp(&decimal(b)?)),
    }
}

fn decimal(number: &Number) -> Result<Decimal, EvalError> {
    match number {
        Number::Int(value) => Decimal::parse(&value.to_string()),
        Number::Float(value) => Decimal::parse(&format!("{value:e}")),
        Number::Text(text) => Decimal::parse(text),
    }
    .ok_or(EvalError::NotANumber)
}
