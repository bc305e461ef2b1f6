//! Selection patterns: which never choose their response, and which choose more or less than they seem to.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::rc::Rc;

use crate::diagnostic::pointer_token;
use crate::integration::IntegrationResponse;
use crate::lint::pattern::Shapes;
use crate::lint::patterns::Tried;
use crate::lint::subject::{Matched, Subject, is_unfilled};

/// How many statuses of a mock are tried.
const MAX_STATUSES: usize = 100;

/// A pattern of the integration.
struct Pattern<'a> {
    text: &'a str,
    status: &'a str,
    tried: Rc<Tried>,
}

pub(super) fn check(subject: &mut Subject<'_>) {
    if subject.integration.kind.is_proxy() || subject.integration.responses.is_empty() {
        return;
    }
    let integration = subject.integration;
    let mut responses: Vec<&IntegrationResponse> = integration.responses.iter().collect();
    // AWS tries them by ascending status, then in the order written.
    responses.sort_by_key(|response| response.status_code.parse().unwrap_or(u16::MAX));
    let text = |response: &IntegrationResponse| {
        response
            .selection_pattern
            .as_deref()
            .is_some_and(|text| !text.is_empty())
    };
    let has_default = !responses.iter().all(|response| text(response));
    let unfilled = responses.iter().any(|response| {
        response
            .selection_pattern
            .as_deref()
            .is_some_and(is_unfilled)
    });
    let of_numbers = !matches!(subject.matched(), Some(Matched::Message));
    let patterns: Vec<Pattern<'_>> = responses
        .iter()
        .filter_map(|response| {
            let text = response.selection_pattern.as_deref()?;
            Some(Pattern {
                text,
                status: &response.status_code,
                tried: subject.patterns.get(text, of_numbers)?,
            })
        })
        .collect();
    for pattern in &patterns {
        class(subject, pattern);
        glob(subject, pattern);
    }
    defaults(subject, &responses);
    let Some(matched) = subject.matched() else {
        return;
    };
    match matched {
        Matched::Status | Matched::Number => numbers(subject, &patterns, matched),
        Matched::Message => messages(subject, &patterns, has_default),
    }
    if !has_default && !unfilled {
        default_missing(subject, &patterns, matched);
    }
}

fn pointer(pattern: &Pattern<'_>) -> String {
    format!("/responses/{}", pointer_token(pattern.text))
}

impl Pattern<'_> {
    fn matches(&self, text: &str) -> bool {
        self.tried.matches(text)
    }

    /// The numbers of `all` that it matches.
    fn numbers(&self, all: &RangeInclusive<u16>) -> Vec<u16> {
        let numbers = self.tried.numbers().iter().copied();
        numbers.filter(|number| all.contains(number)).collect()
    }
}

/// The first pattern that takes a number, and the first whose status is another.
type Takers = (usize, Option<usize>);

/// Patterns over numbers: all of them can be tried.
fn numbers(subject: &mut Subject<'_>, patterns: &[Pattern<'_>], matched: Matched) {
    let (all, what) = match matched {
        Matched::Number => (0..=999_u16, "number"),
        Matched::Status | Matched::Message => (100..=599, "status"),
    };
    // By number.
    let mut taken: HashMap<u16, Takers> = HashMap::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let own = pattern.numbers(&all);
        let at = pointer(pattern);
        // A mock may print longer numbers.
        if own.is_empty() && matched == Matched::Number && pattern.tried.is_longer() {
            continue;
        }
        let Some(first) = own.first() else {
            subject.warn(
                "pattern-never",
                &at,
                format!("the pattern `{}` matches no {what}", pattern.text),
                format!("it must match the whole {what}, in digits, such as `4\\d{{2}}`"),
            );
            continue;
        };
        let other = |at: usize| patterns.get(at).filter(|it| it.status != pattern.status);
        let rival = own
            .iter()
            .filter_map(|number| {
                let (first, second) = *taken.get(number)?;
                let rival = other(first).map(|_| first);
                rival.or(second.filter(|second| other(*second).is_some()))
            })
            .min();
        let rival = rival.and_then(|at| Some((at, patterns.get(at)?)));
        if own.iter().all(|number| taken.contains_key(number)) {
            let winner = taken.get(first).and_then(|(first, _)| patterns.get(*first));
            let winner = winner.map_or("", |winner| winner.text);
            subject.warn(
                "pattern-unreachable",
                &at,
                format!(
                    "the pattern `{}` is never reached: `{winner}` stands before it and takes {first}",
                    pattern.text
                ),
                "patterns are tried by ascending `statusCode`, then in the order written; narrow the other one",
            );
        } else if let Some((_, rival)) = rival {
            let both = own
                .iter()
                .find(|number| rival.tried.numbers().contains(number));
            subject.warn(
                "pattern-overlap",
                &at,
                format!(
                    "`{}` and `{}` both match {}; the response with status {} is chosen",
                    rival.text,
                    pattern.text,
                    both.unwrap_or(first),
                    rival.status
                ),
                "the order of trial is not documented; let each status match one pattern",
            );
        }
        for number in own {
            let (first, second) = taken.entry(number).or_insert((index, None));
            if second.is_none() && other(*first).is_some() {
                *second = Some(index);
            }
        }
    }
}

/// Patterns over error messages.
fn messages(subject: &mut Subject<'_>, patterns: &[Pattern<'_>], has_default: bool) {
    let mut before: Vec<(Shapes, &Pattern<'_>)> = Vec::new();
    let mut stopped: Vec<&Pattern<'_>> = Vec::new();
    for pattern in patterns {
        let at = pointer(pattern);
        if has_default && pattern.matches("") {
            subject.warn(
                "pattern-empty",
                &at,
                format!(
                    "`{}` also matches the empty message of a call that succeeds, so that `default` is never chosen",
                    pattern.text
                ),
                "write `.+`, or `(?s).+` for messages of several lines",
            );
        }
        let Some(shapes) = Shapes::of(pattern.text) else {
            continue;
        };
        let work = &subject.patterns.work;
        let winner = before
            .iter()
            .find(|(wider, _)| wider.include(&shapes, work));
        // Of a pattern for statuses nothing else has to be said.
        if let Some((_, winner)) = winner.filter(|_| !shapes.is_status()) {
            subject.warn(
                "pattern-unreachable",
                &at,
                format!(
                    "the pattern `{}` is never reached: `{}` stands before it and matches the same messages",
                    pattern.text, winner.text
                ),
                "patterns are tried by ascending `statusCode`, then in the order written; narrow the other one",
            );
        }
        if shapes.is_status() {
            subject.warn(
                "pattern-status",
                &at,
                format!(
                    "`{}` is matched against the error message of the function, not against a status",
                    pattern.text
                ),
                "match what the function throws, such as `.*Not Found.*`",
            );
        } else if !shapes.is_open() && !pattern.matches("") {
            let exactly = shapes.literal();
            subject.warn(
                "pattern-substring",
                &at,
                format!(
                    "the whole error message must match: `{}` does not find its text inside of a longer message",
                    pattern.text
                ),
                match exactly {
                    Some(text) if text == pattern.text => {
                        format!("write `.*{text}.*` unless the message is exactly that")
                    }
                    _ => "put `.*` before and behind it unless that is the whole message".to_owned(),
                },
            );
        } else if shapes.stops_at_lines() {
            stopped.push(pattern);
        }
        before.push((shapes, pattern));
    }
    if let Some(first) = stopped.first() {
        let more = match stopped.len() {
            1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        subject.warn(
            "pattern-newline",
            &pointer(first),
            format!(
                "`.` stops at the end of a line: `{}`{more} does not match an error message of several lines",
                first.text
            ),
            "begin the pattern with `(?s)`, or write `[\\s\\S]*` for `.*`",
        );
    }
}

/// `[BadRequest]` is one letter, not a word.
fn class(subject: &mut Subject<'_>, pattern: &Pattern<'_>) {
    let mut rest = pattern.text;
    while let Some(open) = rest.find(['[', '\\']) {
        let (_, at) = rest.split_at(open);
        let Some(inner) = at.strip_prefix('[') else {
            // An escaped character.
            let mut chars = at.chars();
            chars.next();
            chars.next();
            rest = chars.as_str();
            continue;
        };
        let Some((word, after)) = inner.split_once(']') else {
            return;
        };
        rest = after;
        let repeats = after.starts_with(['*', '+', '{', '?']);
        if word.len() >= 4
            && word.chars().all(|c| c.is_ascii_alphabetic())
            && word
                .chars()
                .any(|c| c.is_ascii_lowercase() && "aeiou".contains(c))
            && !word.chars().all(|c| "aeiouAEIOU".contains(c))
            && !repeats
        {
            subject.warn(
                "pattern-class",
                &pointer(pattern),
                format!("`[{word}]` matches any one of these letters, not the word"),
                format!("write `{word}`, or `\\[{word}\\]` for a word in brackets"),
            );
            return;
        }
    }
}

/// `4*` of a shell is `4\d{2}` here.
fn glob(subject: &mut Subject<'_>, pattern: &Pattern<'_>) {
    let Some(before) = pattern.text.strip_suffix('*') else {
        return;
    };
    let is_figures = !before.is_empty() && before.chars().all(|c| c.is_ascii_digit());
    let last = before.chars().next_back().filter(char::is_ascii_digit);
    if let (true, Some(last)) = (is_figures, last) {
        let figures = 3_usize.saturating_sub(before.len()).max(1);
        subject.warn(
            "pattern-glob",
            &pointer(pattern),
            format!(
                "`{}` repeats the `{last}`: it does not stand for any number that begins with `{before}`",
                pattern.text
            ),
            format!("write `{before}\\d{{{figures}}}`"),
        );
    }
}

/// Of several responses without a pattern one is chosen.
// Chosen: the lowest status, as rest.md 6.3 has it; LocalStack warns, too.
fn defaults(subject: &mut Subject<'_>, responses: &[&IntegrationResponse]) {
    let mut defaults = responses.iter().filter(|response| {
        let pattern = response.selection_pattern.as_deref();
        pattern.is_none_or(str::is_empty)
    });
    let Some(first) = defaults.next() else {
        return;
    };
    if let Some(second) = defaults.next() {
        subject.warn(
            "default-several",
            "/responses",
            format!(
                "`default` and the empty pattern are both the default response: status {} is chosen, {} never",
                first.status_code, second.status_code
            ),
            "give one of them a pattern, or leave it out",
        );
    }
}

fn default_missing(subject: &mut Subject<'_>, patterns: &[Pattern<'_>], matched: Matched) {
    let covered = |text: &str| patterns.iter().any(|pattern| pattern.matches(text));
    let (all, what) = match matched {
        Matched::Number => (
            mocked(subject).is_none_or(|statuses| statuses.iter().all(|status| covered(status))),
            "a number that no pattern matches",
        ),
        Matched::Status => (
            {
                let all = patterns.iter().flat_map(|it| it.numbers(&(200..=599)));
                all.collect::<BTreeSet<u16>>().len() == 400
            },
            "a status that no pattern matches",
        ),
        Matched::Message => (covered(""), "a call that succeeds"),
    };
    if !all {
        subject.warn(
            "default-missing",
            "/responses",
            format!("there is no `default` response: {what} ends with 500"),
            "add `default` with the status of the usual answer",
        );
    }
}

/// The numbers that the templates of a mock print, if each is written out.
fn mocked(subject: &Subject<'_>) -> Option<BTreeSet<String>> {
    let templates = &subject.integration.request_templates;
    let mut statuses = BTreeSet::new();
    for template in templates.values() {
        for (_, rest) in template
            .source
            .match_indices("statusCode")
            .filter_map(|(at, word)| Some((at, template.source.get(at + word.len()..)?)))
        {
            let value = rest.trim_start_matches(['"', '\'', ':', ' ', '\t']);
            let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
            if digits.is_empty() {
                return Some(BTreeSet::from([String::new()]));
            }
            statuses.insert(digits);
            // Nobody writes so many, and each has to be tried.
            if statuses.len() > MAX_STATUSES {
                return None;
            }
        }
    }
    (!statuses.is_empty()).then_some(statuses)
}
