//! Which integration response answers: the patterns, and what they are matched against.

use std::fmt;

use crate::java_regex::JavaRegex;

/// What the patterns are matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    /// A status, for HTTP and the services of AWS; MOCK takes any integer.
    Status(i64),
    /// The error message of a Lambda function; empty when it succeeded.
    // AWS: set-up-lambda-custom-integrations
    Text(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The patterns of an integration's responses, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Selection {
    patterns: Vec<(JavaRegex, usize)>,
    default: Option<usize>,
    /// The choice for each status from 100 to 599, made when the plan was compiled.
    by_status: Vec<Option<u16>>,
}

const STATUSES: std::ops::Range<u16> = 100..600;

impl Selection {
    /// `patterns` come in the order of trial; `numbers` tells whether they are tried on numbers.
    // AWS: integration responses are keyed by status: ascending status first, then the order of the
    // document (see the rule on several matching patterns).
    pub(crate) fn new(
        patterns: Vec<(JavaRegex, usize)>,
        default: Option<usize>,
        numbers: bool,
    ) -> Self {
        let mut selection = Self {
            patterns,
            default,
            by_status: Vec::new(),
        };
        if numbers {
            let choice = |number| {
                let mut patterns = selection.patterns.iter();
                let found = patterns.find(|(pattern, _)| pattern.matches_number(number));
                let index = found.map(|&(_, index)| index).or(selection.default);
                index.and_then(|index| u16::try_from(index).ok())
            };
            selection.by_status = STATUSES.map(choice).collect();
        }
        selection
    }

    /// The index of the response that answers, or nothing when none matches and there is no
    /// default.
    pub(crate) fn choose(&self, subject: Subject<'_>) -> Option<usize> {
        if let Subject::Status(status) = subject
            && let Ok(index) = usize::try_from(status - i64::from(STATUSES.start))
            && let Some(choice) = self.by_status.get(index)
        {
            return choice.map(usize::from);
        }
        self.search(subject)
    }

    /// Whether there is anything to match.
    pub(crate) fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// The patterns in the order of trial, then the default, which has none.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (Option<&JavaRegex>, usize)> {
        let default = self.default.map(|index| (None, index));
        let patterns = self.patterns.iter();
        patterns
            .map(|(pattern, index)| (Some(pattern), *index))
            .chain(default)
    }

    fn search(&self, subject: Subject<'_>) -> Option<usize> {
        let status;
        let text = match subject {
            Subject::Text(text) => text,
            Subject::Status(number) => {
                status = number.to_string();
                &status
            }
        };
        self.patterns
            .iter()
            // A pattern that runs into its step limit did not match.
            .find(|(pattern, _)| pattern.is_match(text).unwrap_or(false))
            .map(|&(_, index)| index)
            .or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::java_regex;

    fn selection(patterns: &[&str], default: Option<usize>, numbers: bool) -> Selection {
        let compiled = patterns
            .iter()
            .map(|pattern| java_regex::compile_selection(pattern, numbers).unwrap());
        Selection::new(compiled.zip(0..).collect(), default, numbers)
    }

    #[test]
    fn the_whole_subject_must_match() {
        let patterns = ["2\\d{2}", "(?!404)4\\d\\d", ".*four hundred.*"];
        let [of_texts, of_numbers] = [false, true].map(|it| selection(&patterns, Some(9), it));
        for (subject, expected) in [
            (Subject::Status(204), Some(0)),
            (Subject::Status(2040), Some(9)),
            (Subject::Status(403), Some(1)),
            (Subject::Status(404), Some(9)),
            (Subject::Status(-1000), Some(9)),
            (Subject::Text("it is four hundred now"), Some(2)),
            (Subject::Text("four hundred\nand one"), Some(9)),
            (Subject::Text(""), Some(9)),
        ] {
            assert_eq!(of_texts.choose(subject), expected, "{subject}");
            assert_eq!(of_numbers.choose(subject), expected, "{subject}");
        }
    }

    #[test]
    fn without_default_nothing_is_chosen() {
        let selection = selection(&["200"], None, true);
        assert_eq!(selection.choose(Subject::Status(500)), None);
        assert_eq!(selection.choose(Subject::Status(0)), None);
    }
}
