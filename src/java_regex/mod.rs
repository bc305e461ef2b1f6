//! Java's regular expressions on top of a Rust engine: same syntax, same results.
//!
//! Two things differ, and only where case is ignored. A reference to a group (`\1`, `\k<name>`) compares letters beyond
//! ASCII without regard to case, where Java does so under `(?iu)` alone; and it does not take the Kelvin sign for a `k`, as Java
//! does then. A class under `(?iu)` that names both a set and letters (`[\wé]`) has the other cases of the set's members, too.

mod simple;
mod translate;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use fancy_regex::{Captures, Regex, RegexBuilder};

use self::simple::Simple;

/// How much backtracking one search may do.
const BACKTRACKS: usize = 1_000_000;

/// The most memory that a compiled pattern may take, in bytes.
const SIZE: usize = 1 << 22;

/// How long a pattern may be, in bytes.
// Chosen: longer ones take seconds to compile; nobody writes them.
const LENGTH: usize = 1 << 15;

/// How many compiled patterns of each kind a thread keeps.
const KEPT: usize = 64;

/// The same for patterns of documents, which templates cannot add to: operations often share them.
const KEPT_OF_DOCUMENTS: usize = 2_000;

/// The most memory that a pattern of a document may take.
// Chosen: room for hundreds of characters repeated; a document may have thousands of patterns.
const SIZE_IN_DOCUMENTS: usize = 1 << 20;

/// How much backtracking is done for one number.
const BACKTRACKS_OF_NUMBERS: usize = 300;

/// Why a pattern cannot be used, or a search with it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternError(String);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

fn error(message: impl Into<String>) -> PatternError {
    PatternError(message.into())
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct JavaRegex(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    matcher: Matcher,
    /// One bit for each number up to 999 that it matches, once somebody asked.
    numbers: OnceLock<[u64; 16]>,
}

#[derive(Debug)]
enum Matcher {
    Engine(Regex),
    /// The short way to a whole match, for which no engine is needed.
    Simple(Simple),
}

/// What a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Part,
    Whole,
    /// Of a document, for texts.
    Selection,
    /// Of a document, for statuses and other numbers.
    Number,
}

impl Kind {
    fn bounds(self) -> (usize, usize, usize) {
        match self {
            Self::Part | Self::Whole => (BACKTRACKS, SIZE, KEPT),
            Self::Selection => (BACKTRACKS, SIZE_IN_DOCUMENTS, KEPT_OF_DOCUMENTS),
            Self::Number => (BACKTRACKS_OF_NUMBERS, SIZE_IN_DOCUMENTS, KEPT_OF_DOCUMENTS),
        }
    }
}

/// A pattern that is searched for.
pub(crate) fn compile(pattern: &str) -> Result<JavaRegex, PatternError> {
    cached(pattern, Kind::Part)
}

/// A pattern that must match a whole text, as `String.matches` wants it.
pub(crate) fn compile_whole(pattern: &str) -> Result<JavaRegex, PatternError> {
    cached(pattern, Kind::Whole)
}

/// A pattern of an integration response, for error messages or for statuses and other numbers.
pub(crate) fn compile_selection(pattern: &str, numbers: bool) -> Result<JavaRegex, PatternError> {
    let kind = match numbers {
        true => Kind::Number,
        false => Kind::Selection,
    };
    cached(pattern, kind)
}

type Known = HashMap<Box<str>, Result<JavaRegex, PatternError>, foldhash::fast::RandomState>;

thread_local! {
    static CACHE: RefCell<[Known; 4]> = RefCell::default();
    /// The pattern that a whole text was last compared with: in a loop it is the same every time.
    static LAST: RefCell<Option<(Box<str>, JavaRegex)>> = const { RefCell::new(None) };
}

/// `text.matches(pattern)`.
pub(crate) fn matches(pattern: &str, text: &str) -> Result<bool, PatternError> {
    LAST.with_borrow_mut(|last| match last {
        Some((known, regex)) if **known == *pattern => regex.is_match(text),
        last => {
            let regex = compile_whole(pattern)?;
            let (_, regex) = last.insert((pattern.into(), regex));
            regex.is_match(text)
        }
    })
}

fn cached(pattern: &str, kind: Kind) -> Result<JavaRegex, PatternError> {
    let whole = kind != Kind::Part;
    let (backtracks, size, kept) = kind.bounds();
    CACHE.with_borrow_mut(|[parts, wholes, selections, numbers]| {
        let known = match kind {
            Kind::Part => parts,
            Kind::Whole => wholes,
            Kind::Selection => selections,
            Kind::Number => numbers,
        };
        if let Some(regex) = known.get(pattern) {
            return regex.clone();
        }
        let regex = translate(pattern).and_then(|translated| {
            let simple = whole.then(|| Simple::of(pattern)).flatten();
            JavaRegex::new(simple, || {
                build(&translated, whole, backtracks, size).map_err(|e| bad(pattern, &e))
            })
        });
        if known.len() >= kept {
            known.clear();
        }
        known.insert(pattern.into(), regex.clone());
        regex
    })
}

/// The character that a pattern stands for, if it is nothing but that.
pub(crate) fn single(pattern: &str) -> Option<char> {
    let mut chars = pattern.chars();
    let (first, second, third) = (chars.next()?, chars.next(), chars.next());
    match (first, second, third) {
        ('\\', Some(c), None) if c.is_ascii_punctuation() => Some(c),
        (c, None, _) if !".$|()[{^?*+\\".contains(c) => Some(c),
        _ => None,
    }
}

/// [`JavaRegex::split`] at a single character.
pub(crate) fn split_at(text: &str, at: char, limit: i32) -> impl Iterator<Item = &str> {
    let most = usize::try_from(limit).ok().filter(|most| *most > 0);
    // Without a limit there are no empty parts at the end.
    let kept = match limit {
        0 => text.trim_end_matches(at),
        _ => text,
    };
    let none = kept.is_empty() && !text.is_empty();
    let most = most.unwrap_or(usize::MAX);
    kept.splitn(most, at)
        .take(if none { 0 } else { usize::MAX })
}

/// The pattern in the syntax of the engine.
#[cfg(feature = "openapi")]
pub(crate) fn translated(pattern: &str) -> Result<String, PatternError> {
    translate(pattern)
}

fn translate(pattern: &str) -> Result<String, PatternError> {
    match pattern.len() <= LENGTH {
        true => translate::translate(pattern).map_err(error),
        false => Err(error(format!(
            "the pattern has {} bytes, more than {LENGTH}",
            pattern.len()
        ))),
    }
}

fn bad(pattern: &str, cause: &fancy_regex::Error) -> PatternError {
    error(format!("bad pattern {pattern:?}: {cause}"))
}

fn build(
    translated: &str,
    whole: bool,
    backtracks: usize,
    size: usize,
) -> Result<Regex, fancy_regex::Error> {
    let text = match whole {
        true => format!(r"\A(?:{translated})\z"),
        false => translated.to_owned(),
    };
    RegexBuilder::new(&text)
        .backtrack_limit(backtracks)
        .delegate_size_limit(size)
        .delegate_dfa_size_limit(size)
        .build()
}

impl JavaRegex {
    fn new(
        simple: Option<Simple>,
        engine: impl FnOnce() -> Result<Regex, PatternError>,
    ) -> Result<Self, PatternError> {
        let matcher = match simple {
            Some(simple) => Matcher::Simple(simple),
            None => Matcher::Engine(engine()?),
        };
        Ok(Self(Arc::new(Compiled {
            matcher,
            numbers: OnceLock::new(),
        })))
    }

    /// Whether it matches a number up to 999. All are tried at once, as long as that does not fail.
    pub(crate) fn matches_number(&self, number: u16) -> bool {
        let numbers = self.0.numbers.get_or_init(|| {
            let (mut bits, mut failures) = ([0; 16], 0);
            for number in 0..1000_usize {
                let matched = self.is_match(&number.to_string());
                failures += usize::from(matched.is_err());
                if failures > 8 {
                    break;
                }
                if let (Ok(true), Some(word)) = (matched, bits.get_mut(number / 64)) {
                    *word |= 1 << (number % 64);
                }
            }
            bits
        });
        let word = numbers.get(usize::from(number / 64));
        word.is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// A pattern that must match a whole text, with narrower bounds than usual and nobody to remember it. Without
    /// regard to case means that of ASCII letters, as Java's flag does.
    pub(crate) fn bounded(
        pattern: &str,
        ignore_case: bool,
        backtracks: usize,
        size: usize,
    ) -> Result<Self, PatternError> {
        let flagged = match ignore_case {
            true => format!("(?i){pattern}"),
            false => pattern.to_owned(),
        };
        // The pattern has to be one without the flag in front, too.
        translate(pattern)?;
        let translated = translate(&flagged)?;
        let simple = (!ignore_case).then(|| Simple::of(pattern)).flatten();
        Self::new(simple, || {
            build(&translated, true, backtracks, size).map_err(|e| bad(pattern, &e))
        })
    }

    /// Whether the pattern is found.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, PatternError> {
        match &self.0.matcher {
            Matcher::Simple(simple) => Ok(simple.is_match(text)),
            Matcher::Engine(engine) => engine.is_match(text).map_err(|e| error(e.to_string())),
        }
    }

    /// The first match at or behind `from`, with its groups.
    fn search<'t>(
        &self,
        text: &'t str,
        from: usize,
    ) -> Result<Option<Captures<'t, str>>, PatternError> {
        match &self.0.matcher {
            // Nobody searches with a pattern that must match the whole.
            Matcher::Simple(_) => Ok(None),
            Matcher::Engine(engine) => engine
                .captures_from_pos(text, from)
                .map_err(|e| error(e.to_string())),
        }
    }

    /// Calls `f` for every match as Java's `find` goes on: an empty match may follow a longer one directly.
    fn each(
        &self,
        text: &str,
        mut f: impl FnMut(&Captures<'_, str>, usize, usize) -> Result<bool, PatternError>,
    ) -> Result<(), PatternError> {
        let mut from = 0;
        while from <= text.len() {
            let Some(groups) = self.search(text, from)? else {
                break;
            };
            let Some(all) = groups.get(0) else { break };
            let (start, end) = (all.start(), all.end());
            if !f(&groups, start, end)? {
                break;
            }
            from = end;
            if start == end {
                let next = text.get(end..).and_then(|rest| rest.chars().next());
                from += next.map_or(1, char::len_utf8);
            }
        }
        Ok(())
    }

    /// Replaces up to `limit` matches; `$1`, `${name}` and `\x` in the replacement work as in Java. Stops with an
    /// error when `fits` refuses the length of the result.
    pub(crate) fn replace(
        &self,
        text: &str,
        replacement: &str,
        limit: usize,
        fits: &dyn Fn(usize) -> bool,
    ) -> Result<String, PatternError> {
        let mut out = String::with_capacity(text.len());
        let mut last = 0;
        let mut count = 0;
        self.each(text, |groups, start, end| {
            out.push_str(text.get(last..start).unwrap_or_default());
            last = end;
            expand(replacement, groups, &mut out)?;
            if !fits(out.len()) {
                return Err(error("the result is too long"));
            }
            count += 1;
            Ok(count < limit)
        })?;
        out.push_str(text.get(last..).unwrap_or_default());
        Ok(out)
    }

    /// Splits as `String.split` does: no empty part in front for an empty match there; without a limit no empty
    /// parts at the end.
    pub(crate) fn split(&self, text: &str, limit: i32) -> Result<Vec<String>, PatternError> {
        let most = usize::try_from(limit).ok().filter(|n| *n > 0);
        let mut parts: Vec<String> = Vec::new();
        let mut last = 0;
        let mut found = false;
        self.each(text, |_, start, end| {
            if most.is_some_and(|n| parts.len() + 1 >= n) {
                return Ok(false);
            }
            if start == 0 && end == 0 {
                return Ok(true);
            }
            // An empty match at the end splits nothing off.
            if start == end && start == text.len() {
                if last < text.len() || found {
                    parts.push(text.get(last..start).unwrap_or_default().to_owned());
                    last = end;
                    found = true;
                }
                return Ok(true);
            }
            parts.push(text.get(last..start).unwrap_or_default().to_owned());
            last = end;
            found = true;
            Ok(true)
        })?;
        if !found {
            return Ok(vec![text.to_owned()]);
        }
        parts.push(text.get(last..).unwrap_or_default().to_owned());
        if limit == 0 {
            while parts.last().is_some_and(String::is_empty) {
                parts.pop();
            }
        }
        Ok(parts)
    }
}

/// Appends a replacement with its groups filled in.
fn expand(
    replacement: &str,
    groups: &Captures<'_, str>,
    out: &mut String,
) -> Result<(), PatternError> {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) => out.push(c),
                None => return Err(error("a character is missing behind the `\\`")),
            },
            '$' if chars.next_if_eq(&'{').is_some() => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                    name.push(c);
                }
                if chars.next() != Some('}') {
                    return Err(error("the group name is not closed"));
                }
                match groups.name(&name) {
                    Some(group) => out.push_str(group.as_str()),
                    None => return Err(error(format!("no group named {name:?}"))),
                }
            }
            '$' => {
                let first = chars
                    .next()
                    .and_then(|c| c.to_digit(10))
                    .ok_or_else(|| error("a `$` needs a group number behind it"))?;
                let mut group = first as usize;
                if group >= groups.len() {
                    return Err(error(format!("no group {group}")));
                }
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer >= groups.len() {
                        break;
                    }
                    group = longer;
                    chars.next();
                }
                if let Some(group) = groups.get(group) {
                    out.push_str(group.as_str());
                }
            }
            other => out.push(other),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_matches() {
        for (pattern, text, expected) in [
            ("H.*", "Hello", true),
            ("ell", "Hello", false),
            ("a|ab", "ab", true),
            (r"\Qa.b\E+", "a.bbb", true),
            (".*", "a\nb", false),
            ("(?s).*", "a\nb", true),
            (r"\d+", "٣", false),
            (r"\p{Alpha}+\p{Digit}", "abc1", true),
            ("[a-z&&[^bc]]+", "adz", true),
            ("[a-z&&[^bc]]+", "abz", false),
            (r"x*+x", "xxx", false),
            (r"(?>a|ab)c", "abc", false),
            (r"a\u0041\x42\0103\cA\e", "aABC\u{1}\u{1b}", true),
            (r".*Error$", "An Error", true),
            (r"(\w)\1", "aa", true),
            ("[\\w.-]+@[\\w.-]+", "a.b@c-d.e", true),
            (r"\h\R", "\t\r\n", true),
            (r"^(?!.*foo).*$", "bar", true),
            (r"(?i)hello", "HELLO", true),
            (r"}", "}", true),
            (r"[\]\[]+", "[]", true),
            ("[[:alpha:]]+", "al:", true),
            ("[[:alpha:]]+", "ab", false),
            ("[:-<]", ";", true),
            ("(?i)É", "é", false),
            ("(?iu)É", "é", true),
            ("(?i)kiss", "KISS", true),
            ("(?i)kiss", "\u{212a}iss", false),
            // Observed, as the rest with flags: classes and sets know no other letters either.
            ("(?i)[k-l]", "\u{212a}", false),
            ("(?i)[k-l]", "K", true),
            ("(?i)[^k]", "\u{212a}", true),
            ("(?i)[^k]", "K", false),
            ("(?iu)[k]", "\u{212a}", true),
            ("(?i)[à-ÿ]", "É", false),
            ("(?i)[\\u00c0-\\u024f]", "s", false),
            (r"(?i)[\x41\Qb\E]+", "aAbB", true),
            ("(?i)[X-c]+", "xyzABC_", true),
            ("(?i)[X-c]", "d", false),
            ("(?i)[a-d&&c]+", "cC", true),
            (r"(?i)\w", "\u{17f}", false),
            (r"(?i)[\w]", "\u{17f}", false),
            (r"(?iu)[\w]", "\u{17f}", false),
            (r"(?iu)[^\w.-]", "\u{17f}", true),
            (r"(?iu)[\w.-]+", "a.B-", true),
            (r"(?iu)[\wé]", "É", true),
            (r"(?iu)[à-ÿ]", "É", true),
            (r"(?iu)[[k]\d]", "\u{212a}", true),
            (r"(?i)(.)\1", "sS", true),
            // Not Java's, which compares ASCII alone.
            (r"(?i)(.)\1", "éÉ", true),
            (r"(?i)\x6b", "\u{212a}", false),
            (r"(?i)\Qé\E", "É", false),
            (r"(?i)\p{Lower}+", "aA", true),
            (r"(?i)\p{Lu}+", "aÉé", true),
            (r"(?i)[^\p{Lower}]", "A", false),
            (r"(?i:[a])b", "AB", false),
        ] {
            let regex = compile_whole(pattern).unwrap();
            assert_eq!(regex.is_match(text), Ok(expected), "{pattern} on {text:?}");
        }
    }

    #[test]
    fn numbers_are_those_that_match() {
        for pattern in [r"4\d{2}", ".*4.*", "(?!4).+", "", r"\d"] {
            let regex = compile_selection(pattern, true).unwrap();
            for number in 0..1000_u16 {
                let matched = regex.is_match(&number.to_string()).unwrap();
                assert_eq!(regex.matches_number(number), matched, "{pattern} {number}");
            }
        }
        // It takes more steps than there are.
        let endless = compile_selection(r"(?=(.*)*(.*)*(.*)*\d{9}\1)...", true).unwrap();
        assert!(endless.is_match("404").is_err() && !endless.matches_number(404));
        assert!(compile_selection(r"(\p{L}{1,99}){1,99}", false).is_err());
        for repeated in [".{300}", r"\p{L}{10}", ".*(Not Found|Bad).*"] {
            assert!(compile_selection(repeated, false).is_ok(), "{repeated}");
        }
    }

    #[test]
    fn bad_patterns() {
        for pattern in ["(", "[a", "*a", "a{", r"\y", "a**", r"\p{Nope}", "(?<1>a)"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        let long = "a".repeat(LENGTH + 1);
        let told = compile_whole(&long).unwrap_err().to_string();
        assert_eq!(told, "the pattern has 32769 bytes, more than 32768");
    }

    #[test]
    fn replacements() {
        let replace = |pattern: &str, text: &str, with: &str| {
            compile(pattern)
                .unwrap()
                .replace(text, with, usize::MAX, &|_| true)
        };
        for (pattern, text, with, expected) in [
            ("(l+)", "Hello", "<$1>", "He<ll>o"),
            ("a*", "baaac", "X", "XbXXcX"),
            ("b", "abc", r"\$1", "a$1c"),
            ("(?<n>b)", "abc", "${n}${n}", "abbc"),
            ("(b)", "abc", "$12", "ab2c"),
            ("^H|o$", "Hello", "_", "_ell_"),
        ] {
            assert_eq!(replace(pattern, text, with).unwrap(), expected);
        }
        assert!(replace("b", "abc", "$9").is_err());
        assert!(replace("b", "abc", "\\").is_err());
    }

    #[test]
    fn splits() {
        let split = |text: &str, pattern: &str, limit| {
            compile(pattern)
                .unwrap()
                .split(text, limit)
                .unwrap()
                .join("|")
        };
        for (text, pattern, limit, expected) in [
            ("a,b,,", ",", 0, "a|b"),
            ("a,b,,", ",", -1, "a|b||"),
            ("a,b,c", ",", 2, "a|b,c"),
            ("", ",", 0, ""),
            ("Hello", "", 0, "H|e|l|l|o"),
            (",a", ",", 0, "|a"),
            ("abc", "x", 0, "abc"),
            (",", ",", 0, ""),
        ] {
            assert_eq!(split(text, pattern, limit), expected, "{text} by {pattern}");
            if let Some(at) = single(pattern) {
                let parts: Vec<_> = split_at(text, at, limit).collect();
                assert_eq!(parts.join("|"), expected, "{text} at {at}");
            }
        }
        assert_eq!(compile(",").unwrap().split(",", 0).unwrap().len(), 0);
        assert_eq!(split_at(",", ',', 0).count(), 0);
        assert_eq!(single("\\."), Some('.'));
        assert_eq!(single("\\d"), None);
        assert_eq!(compile("").unwrap().split("ab", -1).unwrap().len(), 3);
    }
}
