//! What happens in a template, as lines.

use crate::trace::step::TemplateStep;
use crate::vtl::{LoopEnd, Span, Trace, Value};

/// How much of a value or of a line of the template is shown, in characters.
const WIDTH: usize = 100;

/// How many steps of one rendering are kept; the last of them then says how many followed.
const MOST: usize = 10_000;

/// Collects the steps of one rendering, up to 10,000 of them.
///
/// ```
/// use tower_apigw::template::{Context, Engine, Limits, Overrides, Params, Scope, Vtl};
/// use tower_apigw::trace::TemplateSteps;
///
/// let source = "#set($n = 2)\n$n$gone";
/// let template = Vtl::default().compile(source, "text/plain")?;
/// let scope = Scope {
///     body: b"",
///     params: Params::default(),
///     context: &Context::default(),
///     stage_variables: &[],
///     overrides: &Overrides::default(),
///     limits: &Limits::default(),
/// };
/// let mut steps = TemplateSteps::new(source);
/// template.render_traced(&scope, &mut String::new(), &mut steps)?;
/// let told: Vec<_> = steps.into_steps().iter().map(|step| format!("{}: {}", step.line, step.what)).collect();
/// assert_eq!(told, ["1: set $n to 2", "2: no value: $gone"]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TemplateSteps<'a> {
    source: &'a str,
    /// Where its lines start.
    lines: Vec<usize>,
    steps: Vec<TemplateStep>,
    more: usize,
}

impl<'a> TemplateSteps<'a> {
    /// For a template with this source.
    #[must_use]
    pub fn new(source: &'a str) -> Self {
        let ends = source.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            source,
            lines: std::iter::once(0).chain(ends).collect(),
            steps: Vec::new(),
            more: 0,
        }
    }

    /// The steps; where there were too many, the last one says how many more.
    #[must_use]
    pub fn into_steps(mut self) -> Vec<TemplateStep> {
        if self.more > 0
            && let Some(last) = self.steps.last_mut()
        {
            last.what = format!("and {} more steps", self.more + 1);
        }
        self.steps
    }

    /// The source of a step without the blanks around it, and where it starts.
    fn text(&self, span: Span) -> (&'a str, usize) {
        let number = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let (start, end) = (number(span.start), number(span.end));
        let text = self.source.get(start..end).unwrap_or_default();
        let trimmed = text.trim_start();
        let start = start.saturating_add(text.len() - trimmed.len());
        (trimmed.trim_end(), start)
    }

    /// Line and column of a byte, both from 1, the column in characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index));
        let before = self.source.get(start.copied().unwrap_or_default()..at);
        (line, 1 + before.unwrap_or_default().chars().count())
    }

    fn step(&mut self, at: usize, what: impl FnOnce() -> String) {
        if self.steps.len() >= MOST {
            self.more += 1;
            return;
        }
        let (line, column) = self.position(at);
        self.steps.push(TemplateStep {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            what: what(),
        });
    }
}

impl Trace for TemplateSteps<'_> {
    fn set(&mut self, span: Span, value: &Value) {
        let (text, at) = self.text(span);
        self.step(at, || {
            format!("set {} to {}", short(target(text)), shown(value))
        });
    }

    fn not_set(&mut self, span: Span) {
        let (text, at) = self.text(span);
        self.step(at, || format!("not set: {}", short(target(text))));
    }

    fn round(&mut self, span: Span, number: u32) {
        let (text, at) = self.text(span);
        self.step(at, || format!("round {number}: {}", short(text)));
    }

    fn foreach_end(&mut self, span: Span, rounds: u32, end: LoopEnd) {
        let (text, at) = self.text(span);
        let why = match end {
            LoopEnd::Break => " by #break",
            LoopEnd::Limit => " by the limit of rounds",
            _ => "",
        };
        self.step(at, || {
            format!("ended{why} after {rounds} rounds: {}", short(text))
        });
    }

    fn undefined(&mut self, span: Span, source: &str) {
        let (_, at) = self.text(span);
        self.step(at, || format!("no value: {}", short(source)));
    }

    fn branch(&mut self, span: Span, taken: bool) {
        let (text, at) = self.text(span);
        let not = if taken { "" } else { "not " };
        self.step(at, || format!("{not}taken: {}", short(text)));
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
