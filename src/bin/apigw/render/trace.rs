//! The trace of a rendering, on standard error while it goes on.

use std::io::{self, BufWriter, Stderr, Write};

use tower_apigw::lint;
use tower_apigw::vtl::{Span, Trace, Value};

use super::source::Source;

/// How much of a value or of a line of the template is shown, in characters.
const WIDTH: usize = 100;

/// Writes one line a step.
pub(super) struct Tracer<'a> {
    source: &'a Source,
    out: BufWriter<Stderr>,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            out: BufWriter::new(io::stderr()),
        }
    }

    /// The source of a step without the blanks around it.
    fn text(&self, span: Span) -> (&'a str, usize) {
        let number = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let (start, end) = (number(span.start), number(span.end));
        let text = self.source.text().get(start..end).unwrap_or_default();
        let trimmed = text.trim_start();
        (
            trimmed.trim_end(),
            start.saturating_add(text.len() - trimmed.len()),
        )
    }

    fn line(&mut self, at: usize, step: &str) {
        let (line, column) = self.source.position(at);
        // Who closes standard error does not want the trace.
        let _ = writeln!(self.out, "{}:{line}:{column}: {step}", self.source.name());
    }
}

impl Trace for Tracer<'_> {
    fn set(&mut self, span: Span, value: &Value) {
        let (text, at) = self.text(span);
        let step = format!("set {} to {}", short(target(text)), shown(value));
        self.line(at, &step);
    }

    fn undefined(&mut self, span: Span, source: &str) {
        let (_, at) = self.text(span);
        let step = match lint::meant(source) {
            Some(name) => format!("no value: {} (did you mean `{name}`?)", short(source)),
            None => format!("no value: {}", short(source)),
        };
        self.line(at, &step);
    }

    fn branch(&mut self, span: Span, taken: bool) {
        let (text, at) = self.text(span);
        let step = format!("{}taken: {}", if taken { "" } else { "not " }, short(text));
        self.line(at, &step);
    }
}

/// What stands between the parenthesis of a `#set` and its `=`.
fn target(set: &str) -> &str {
    let inner = set.split_once('(').map_or(set, |(_, inner)| inner);
    let mut quote = None;
    let end = inner.find(|c| {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        c == '=' && quote.is_none()
    });
    end.and_then(|end| inner.get(..end)).unwrap_or(inner).trim()
}

/// Texts, lists and maps as JSON, which shows blanks and the difference between `1` and `"1"`.
fn shown(value: &Value) -> String {
    let class = || format!("<{}>", value.class_name());
    match value {
        Value::Object(_) | Value::Class(_) | Value::Block(_) | Value::Loop(_) | Value::Iter(_) => {
            class()
        }
        value => {
            let mut text = String::new();
            match value.to_json(&mut text, false) {
                Ok(()) => short(&text),
                Err(_) => class(),
            }
        }
    }
}

/// One line that is not too long.
fn short(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(WIDTH)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}
