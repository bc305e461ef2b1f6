//! The rules of every lexer state: which tokens it has, and how far each reaches.

use super::{Lexer, Rule, State};
use crate::vtl::token::Kind;

/// A rule and the bytes it matches.
type Match = Option<(Rule, usize)>;

fn token(kind: Kind, len: usize) -> Match {
    (len > 0).then_some((Rule::Token(kind), len))
}

/// The longer one; the first of two equals.
fn longest(a: Match, b: Match) -> Match {
    match (a, b) {
        (Some((_, m)), Some((_, n))) if n > m => b,
        (None, _) => b,
        _ => a,
    }
}

fn count(text: &[u8], accept: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|b| accept(**b)).count()
}

fn blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

fn tail(text: &[u8], from: usize) -> &[u8] {
    text.get(from..).unwrap_or_default()
}

impl Lexer<'_> {
    /// The longest match at the current place.
    #[inline]
    pub(super) fn scan(&self) -> Match {
        let text = tail(self.source.as_bytes(), self.at);
        let common = match text {
            [b'#' | b'$' | b'\\', ..] => prefix(text),
            _ => None,
        };
        let state = match self.state {
            State::Default => default(text),
            State::Reference => reference(text),
            State::Modifier => modifier(text),
            State::Call => call(text),
            State::Index => index(text),
            State::PreDirective => pre_directive(text),
            State::Directive => directive(text),
            State::LineComment => token(Kind::LineCommentEnd, newline(text)),
            State::BlockComment => token(Kind::BlockComment, exactly(text, "*#")),
            State::FormalComment => token(Kind::FormalComment, exactly(text, "*#")),
            State::TextBlock => token(Kind::TextBlock, exactly(text, "]]#")),
        };
        match (common, state) {
            (None, None) => self.fallback(),
            (None, state) => state,
            (common, state) => longest(common, state),
        }
    }

    /// What a state does with a character that no rule matches.
    fn fallback(&self) -> Match {
        let rest = self.source.get(self.at..);
        let one = rest
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        match self.state {
            State::Reference | State::Modifier | State::PreDirective => {
                Some((Rule::Terminator, one))
            }
            State::LineComment | State::BlockComment | State::FormalComment => {
                Some((Rule::Skip, one))
            }
            State::TextBlock => Some((Rule::Raw, one)),
            State::Default | State::Call | State::Index | State::Directive => None,
        }
    }
}

/// The prefixes that every state knows.
fn prefix(text: &[u8]) -> Match {
    match text {
        [b'#', b'[', b'[', ..] => Some((Rule::OpenTextBlock, 3)),
        [b'#', b'*', b'*', next, ..] if *next != b'#' => {
            let width = match next {
                0..=0x7f => 1,
                0xf0.. => 4,
                0xe0.. => 3,
                _ => 2,
            };
            Some((Rule::OpenFormalComment, 3 + width))
        }
        [b'#', b'*', ..] => Some((Rule::OpenComment, 2)),
        [b'#', ..] => Some((Rule::Hash, 1)),
        [b'$' | b'\\', ..] => {
            let slashes = count(text, |b| b == b'\\');
            if text.get(slashes) != Some(&b'$') {
                return None;
            }
            let after = tail(text, slashes + 1);
            let more = count(after, |b| b == b'\\');
            let bang = after.get(more) == Some(&b'!');
            let len = slashes + 1 + if bang { more + 1 } else { 0 };
            Some((Rule::Dollar, len))
        }
        _ => None,
    }
}

fn default(text: &[u8]) -> Match {
    let plain = || memchr::memchr3(b'$', b'#', b'\\', text).unwrap_or(text.len());
    match text.first()? {
        b'$' => empty_index(text),
        b'#' => longest(set(text), line_comment(text)),
        b'\\' => {
            let best = longest(
                escaped_directive(text),
                token(Kind::DoubleEscape, exactly(text, "\\\\")),
            );
            longest(best, token(Kind::Escape, 1))
        }
        b' ' | b'\t' => longest(set(text), token(Kind::Text, plain())),
        _ => token(Kind::Text, plain()),
    }
}

fn reference(text: &[u8]) -> Match {
    match text.first()? {
        b'{' | b'}' => braces(text),
        b'[' => token(Kind::OpenIndex, 1),
        b'$' => empty_index(text),
        b'#' => longest(set(text), line_comment(text)),
        b' ' | b'\t' => set(text),
        _ => name(text),
    }
}

fn modifier(text: &[u8]) -> Match {
    match text.first()? {
        b'{' | b'}' => braces(text),
        b'[' => token(Kind::OpenIndex, 1),
        b'(' => token(Kind::OpenParen, 1),
        b'#' | b' ' | b'\t' => set(text),
        _ => name(text),
    }
}

fn call(text: &[u8]) -> Match {
    match text.first()? {
        b'\'' | b'"' | b'-' | b'0'..=b'9' => literal(text),
        b'.' => {
            let best = longest(name(text), literal(text));
            longest(best, token(Kind::DotDot, exactly(text, "..")))
        }
        b' ' | b'\t' | b'\r' | b'\n' => longest(token(Kind::Blank, blanks(text)), set(text)),
        b'#' => set(text),
        b'[' | b']' | b'{' | b'}' | b',' | b':' | b')' => single(text, Kind::CloseCall),
        _ => name(text),
    }
}

fn index(text: &[u8]) -> Match {
    match text.first()? {
        b'\'' | b'"' => token(Kind::String, string(text)),
        b'-' | b'0'..=b'9' => token(Kind::Integer, integer(text)),
        b' ' | b'\t' | b'\r' | b'\n' => token(Kind::Blank, blanks(text)),
        b']' => token(Kind::CloseIndex, 1),
        _ => truth(text),
    }
}

fn pre_directive(text: &[u8]) -> Match {
    let mut best = None;
    let controls = matches!(text, [b'e' | b'i' | b'{', ..]);
    for (plain, bracketed, kind) in [
        ("end", "{end}", Kind::End),
        ("if", "{if}", Kind::If),
        ("elseif", "{elseif}", Kind::ElseIf),
        ("else", "{else}", Kind::Else),
    ]
    .into_iter()
    .filter(|_| controls)
    {
        let mut len = exactly(text, plain).max(exactly(text, bracketed));
        if len > 0 && matches!(kind, Kind::End | Kind::Else) {
            len += line_end(tail(text, len));
        }
        best = longest(best, token(kind, len));
    }
    match text.first()? {
        b'{' => longest(best, token(Kind::BracketedWord, bracketed_word(text))),
        b'-' | b'.' | b'0'..=b'9' => longest(
            token(Kind::Integer, integer(text)),
            token(Kind::Float, float(text)),
        ),
        b'#' => line_comment(text),
        _ => longest(best, token(Kind::Word, word(text))),
    }
}

fn directive(text: &[u8]) -> Match {
    match text.first()? {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'@' => {
            let best = longest(operator(text), truth(text));
            longest(best, token(Kind::Word, word(text)))
        }
        b'-' | b'.' => longest(operator(text), literal(text)),
        b'\'' | b'"' | b'0'..=b'9' => literal(text),
        b' ' | b'\t' | b'\r' | b'\n' => token(Kind::Blank, blanks(text)),
        b'(' => token(Kind::OpenParen, 1),
        b')' => token(Kind::CloseParen, 1 + line_end(tail(text, 1))),
        b'{' => longest(
            token(Kind::BracketedWord, bracketed_word(text)),
            token(Kind::OpenMap, 1),
        ),
        b'}' | b'[' | b']' | b',' | b':' => single(text, Kind::CloseParen),
        b'#' => line_comment(text),
        _ => operator(text),
    }
}

fn operator(text: &[u8]) -> Match {
    let (kind, len) = match text {
        [b'&', b'&', ..] => (Kind::And, 2),
        [b'|', b'|', ..] => (Kind::Or, 2),
        [b'<', b'=', ..] => (Kind::LessOrEqual, 2),
        [b'<', ..] => (Kind::Less, 1),
        [b'>', b'=', ..] => (Kind::GreaterOrEqual, 2),
        [b'>', ..] => (Kind::Greater, 1),
        [b'=', b'=', ..] => (Kind::Equal, 2),
        [b'=', ..] => (Kind::Assign, 1),
        [b'!', b'=', ..] => (Kind::NotEqual, 2),
        [b'!', ..] => (Kind::Not, 1),
        [b'-', ..] => (Kind::Minus, 1),
        [b'+', ..] => (Kind::Plus, 1),
        [b'*', ..] => (Kind::Times, 1),
        [b'/', ..] => (Kind::Divide, 1),
        [b'%', ..] => (Kind::Remainder, 1),
        [b'.', b'.', ..] => (Kind::DotDot, 2),
        [b'a', b'n', b'd', ..] => (Kind::And, 3),
        [b'o', b'r', ..] => (Kind::Or, 2),
        [b'l', b't', ..] => (Kind::Less, 2),
        [b'l', b'e', ..] => (Kind::LessOrEqual, 2),
        [b'g', b't', ..] => (Kind::Greater, 2),
        [b'g', b'e', ..] => (Kind::GreaterOrEqual, 2),
        [b'e', b'q', ..] => (Kind::Equal, 2),
        [b'n', b'e', ..] => (Kind::NotEqual, 2),
        [b'n', b'o', b't', ..] => (Kind::Not, 3),
        _ => return None,
    };
    token(kind, len)
}

/// Brackets and separators of lists and maps, and the closing parenthesis.
fn single(text: &[u8], close: Kind) -> Match {
    let kind = match text.first()? {
        b'[' => Kind::OpenList,
        b']' => Kind::CloseList,
        b'{' => Kind::OpenMap,
        b'}' => Kind::CloseMap,
        b',' => Kind::Comma,
        b':' => Kind::Colon,
        b')' => close,
        _ => return None,
    };
    token(kind, 1)
}

fn literal(text: &[u8]) -> Match {
    if !matches!(text, [b'\'' | b'"' | b'-' | b'.' | b'0'..=b'9', ..]) {
        return None;
    }
    let mut best = token(Kind::String, string(text));
    best = longest(best, token(Kind::Integer, integer(text)));
    longest(best, token(Kind::Float, float(text)))
}

fn braces(text: &[u8]) -> Match {
    match text.first()? {
        b'{' => token(Kind::OpenCurly, 1),
        b'}' => token(Kind::CloseCurly, 1),
        _ => None,
    }
}

/// Identifier, dot, `true` or `false`.
fn name(text: &[u8]) -> Match {
    let first = *text.first()?;
    if first == b'.' {
        let letter = text.get(1).is_some_and(u8::is_ascii_alphabetic);
        return token(Kind::Dot, if letter { 2 } else { 0 });
    }
    if !first.is_ascii_alphabetic() && first != b'_' {
        return None;
    }
    let len = count(text, |b| {
        NAME_BYTES.get(usize::from(b)).copied().unwrap_or_default()
    });
    match first {
        b't' | b'f' => longest(truth(text), token(Kind::Identifier, len)),
        _ => token(Kind::Identifier, len),
    }
}

/// Which bytes a name may have behind its first.
// The compiler runs it: an index that is wrong does not compile.
#[allow(clippy::indexing_slicing)]
static NAME_BYTES: [bool; 256] = {
    let mut all = [false; 256];
    let names = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    let mut at = 0;
    while at < names.len() {
        all[names[at] as usize] = true;
        at += 1;
    }
    all
};

fn truth(text: &[u8]) -> Match {
    if !matches!(text, [b't' | b'f', ..]) {
        return None;
    }
    longest(
        token(Kind::True, exactly(text, "true")),
        token(Kind::False, exactly(text, "false")),
    )
}

fn exactly(text: &[u8], what: &str) -> usize {
    if text.starts_with(what.as_bytes()) {
        what.len()
    } else {
        0
    }
}

fn newline(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// Blanks and the newline behind them; nothing when there is no newline.
fn line_end(text: &[u8]) -> usize {
    let blanks = count(text, blank);
    match newline(tail(text, blanks)) {
        0 => 0,
        n => blanks + n,
    }
}

fn blanks(text: &[u8]) -> usize {
    count(text, |b| blank(b) || b == b'\r' || b == b'\n')
}

fn word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'@'
}

fn word(text: &[u8]) -> usize {
    match text.first() {
        Some(b) if b.is_ascii_alphabetic() || *b == b'_' || *b == b'@' => count(text, word_byte),
        _ => 0,
    }
}

fn bracketed_word(text: &[u8]) -> usize {
    match text {
        [b'{', first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
            let len = 1 + count(tail(text, 1), word_byte);
            if text.get(len) == Some(&b'}') {
                len + 1
            } else {
                0
            }
        }
        _ => 0,
    }
}

fn escaped_directive(text: &[u8]) -> Match {
    let slashes = count(text, |b| b == b'\\');
    if slashes % 2 == 0 || text.get(slashes) != Some(&b'#') {
        return None;
    }
    let name = tail(text, slashes + 1);
    match word(name).max(bracketed_word(name)) {
        0 => None,
        n => token(Kind::EscapedDirective, slashes + 1 + n),
    }
}

fn set(text: &[u8]) -> Match {
    if !matches!(text, [b'#' | b' ' | b'\t', ..]) {
        return None;
    }
    let lead = count(text, blank);
    let rest = tail(text, lead);
    let name = exactly(rest, "#set").max(exactly(rest, "#{set}"));
    if name == 0 {
        return None;
    }
    let gap = count(tail(rest, name), |b| b == b' ');
    let open = exactly(tail(rest, name + gap), "(");
    if open == 0 {
        return None;
    }
    token(Kind::Set, lead + name + gap + open)
}

fn line_comment(text: &[u8]) -> Match {
    token(Kind::LineCommentStart, exactly(text, "##"))
}

fn empty_index(text: &[u8]) -> Match {
    if !matches!(text, [b'$', ..]) {
        return None;
    }
    let len = ["$[", "$![", "$\\![", "$."]
        .into_iter()
        .map(|form| exactly(text, form))
        .max();
    token(Kind::EmptyIndex, len.unwrap_or(0))
}

/// The longest string literal: a doubled quote may be a part of it or its end.
fn string(text: &[u8]) -> usize {
    let quote = match text.first() {
        Some(b @ (b'"' | b'\'')) => *b,
        _ => return 0,
    };
    let mut end = 0;
    let mut at = 1;
    while let Some(ahead) = tail(text, at).iter().position(|b| *b == quote) {
        at += ahead + 1;
        end = at;
        if text.get(at) != Some(&quote) {
            break;
        }
        at += 1;
    }
    end
}

/// Digits with an optional minus, and the `..` of a range that follows them.
fn integer(text: &[u8]) -> usize {
    let sign = exactly(text, "-");
    let digits = count(tail(text, sign), |b| b.is_ascii_digit());
    if digits == 0 {
        return 0;
    }
    let len = sign + digits;
    len + exactly(tail(text, len), "..")
}

fn float(text: &[u8]) -> usize {
    let digits = |from: usize| count(tail(text, from), |b| b.is_ascii_digit());
    let sign = exactly(text, "-");
    let whole = digits(sign);
    let mut len = sign + whole;
    let mut is_float = false;
    if text.get(len) == Some(&b'.') {
        let fraction = digits(len + 1);
        if whole > 0 || fraction > 0 {
            len += 1 + fraction;
            is_float = true;
        }
    }
    if (whole > 0 || is_float)
        && let Some(b'e' | b'E') = text.get(len)
    {
        let signed = matches!(text.get(len + 1), Some(b'+' | b'-'));
        let from = len + 1 + usize::from(signed);
        let exponent = digits(from);
        if exponent > 0 {
            return from + exponent;
        }
    }
    if is_float { len } else { 0 }
}
