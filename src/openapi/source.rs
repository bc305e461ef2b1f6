//! A document's text, value and places, whichever of the two notations it is in.

use std::sync::OnceLock;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Position};

use super::findings::Findings;
use super::import::MAX_DOCUMENT_BYTES;
use super::place::{Place, Spot};
use super::{json, yaml};

/// A document that could be parsed.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) value: Value,
    pub(super) places: Place,
    text: String,
    /// Where each line begins and ends.
    lines: OnceLock<Vec<(usize, usize)>>,
}

impl Source {
    /// Parses JSON when the text begins with `{` or `[`, YAML otherwise.
    pub(super) fn parse(bytes: &[u8], findings: &mut Findings) -> Result<Self, Box<Diagnostic>> {
        // AWS: api-gateway-limits — the size of an API definition for import.
        if bytes.len() > MAX_DOCUMENT_BYTES {
            // Who reads a file stops behind the limit, so the length is not told.
            let message = format!("the document has more than {MAX_DOCUMENT_BYTES} bytes");
            return Err(Diagnostic::error("size", "", message).into());
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            fatal(
                "encoding",
                "the document is not UTF-8",
                end_of(&String::from_utf8_lossy(valid)),
            )
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with(['{', '[']) {
            Self::json(text, findings)
        } else {
            let (value, places) = yaml::read(text, findings).map_err(|invalid| {
                fatal(
                    "syntax",
                    &format!("not valid YAML: {}", invalid.message),
                    invalid.at.into(),
                )
            })?;
            Ok(Self {
                value,
                places,
                text: text.to_owned(),
                lines: OnceLock::new(),
            })
        }
    }

    fn json(text: &str, findings: &mut Findings) -> Result<Self, Box<Diagnostic>> {
        let value = serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let at = characters(text, error.line(), error.column());
            fatal("syntax", &format!("not valid JSON: {message}"), at)
        })?;
        let (places, repeated) = json::places(text);
        for repeated in repeated {
            let mut finding = repeated_key(&repeated.pointer);
            finding.position = Some(repeated.at.into());
            findings.push_key(finding);
        }
        Ok(Self {
            value,
            places,
            text: text.to_owned(),
            lines: OnceLock::new(),
        })
    }

    /// A line without its end, counted from 1.
    fn line(&self, number: usize) -> Option<&str> {
        let lines = self.lines.get_or_init(|| {
            let mut start = 0;
            let lines = self.text.split('\n').map(|line| {
                let end = memchr::memchr(b'\r', line.as_bytes()).unwrap_or(line.len());
                let bounds = (start, start + end);
                start += line.len() + 1;
                bounds
            });
            lines.collect()
        });
        let (start, end) = *lines.get(number.checked_sub(1)?)?;
        self.text.get(start..end)
    }

    /// Where the finding is: the line of a template where that can be told, else the value.
    pub(super) fn locate(&self, finding: &Diagnostic) -> Position {
        let within = finding.within.and_then(|within| {
            let line = |number| self.line(number);
            self.places.find_within(line, &finding.pointer, within)
        });
        within.unwrap_or_else(|| self.places.find(&finding.pointer, Spot::Value))
    }
}

fn fatal(code: &'static str, message: &str, at: Position) -> Box<Diagnostic> {
    let mut finding = Diagnostic::error(code, "", message);
    finding.position = Some(at);
    finding.into()
}

pub(super) fn repeated_key(pointer: &str) -> Diagnostic {
    Diagnostic::warning(
        "duplicate-key",
        pointer,
        "this key stands here a second time",
    )
    .help("the last one counts; remove the others")
}

/// A column counted in bytes as one counted in characters.
fn characters(text: &str, line: usize, column: usize) -> Position {
    let content = text
        .split('\n')
        .nth(line.saturating_sub(1))
        .unwrap_or_default();
    let before = content
        .char_indices()
        .take_while(|(at, _)| at + 1 < column)
        .count();
    Position {
        line: line.max(1),
        column: before + 1,
    }
}

fn end_of(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: text.matches('\n').count() + 1,
        column: last.chars().count() + 1,
    }
}
