//! A parsed template, ready to render any number of times.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ast::Nodes;
use super::error::{Error, ErrorKind, Limit};
use super::eval::{Evaluation, Trace};
use super::meter::Meter;
use super::parser::{Names, parse};
use super::span::Span;
use super::value::Value;

/// What a reference without a value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Undefined {
    /// It is the empty string, wherever it stands. So it is on API Gateway.
    #[default]
    Empty,
    /// It prints its own source and is null. So it is in plain Velocity.
    Source,
}

/// How a template is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What a reference without a value does; by default it is the empty string.
    pub undefined: Undefined,
    /// After how many rounds a `#foreach` ends, silently; 1,000 by default.
    pub foreach_max: u32,
    /// The longest template that is accepted, in bytes; 300 KB by default.
    pub template_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            undefined: Undefined::Empty,
            // AWS: "Amazon API Gateway quotas", mapping templates.
            foreach_max: 1000,
            template_size: 300 * 1024,
        }
    }
}

/// What one rendering may use up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Units of work; a statement or a list item is one. 20 million by default.
    pub steps: u64,
    /// The longest output, and the longest text on the way to it, in bytes; 32 MB by default.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: 20_000_000,
            output: 32 << 20,
        }
    }
}

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    pub(crate) nodes: Nodes,
    pub(crate) options: Options,
    pub(crate) names: Names,
}

impl Template {
    /// Parses a template as API Gateway reads it.
    ///
    /// ```
    /// use tower_apigw::vtl::{Limits, Template};
    ///
    /// let template = Template::parse("#foreach($i in [1..3])$i#if($foreach.hasNext), #end#end").unwrap();
    /// let mut out = String::new();
    /// template.render(&[], &Limits::default(), &mut out).unwrap();
    /// assert_eq!(out, "1, 2, 3");
    /// ```
    ///
    /// # Errors
    /// Fails on lexical and syntax errors, in strings with interpolation too, and on templates that are too long or
    /// nested too deeply.
    pub fn parse(source: &str) -> Result<Self, Error> {
        Template::parse_with(source, Options::default())
    }

    /// Parses a template with other options.
    ///
    /// # Errors
    /// As [`parse`](Template::parse).
    pub fn parse_with(source: &str, options: Options) -> Result<Self, Error> {
        static HOMES: AtomicU64 = AtomicU64::new(0);
        if source.len() > options.template_size {
            return Err(Error::new(
                ErrorKind::Limit(Limit::TemplateSize),
                Span::default(),
                format!(
                    "the template has {} bytes, more than {}",
                    source.len(),
                    options.template_size
                ),
            ));
        }
        let mut names = Names::default();
        names.home = HOMES.fetch_add(1, Ordering::Relaxed);
        for name in ["foreach", "velocityCount", "velocityHasNext"] {
            names.slot(name);
        }
        let nodes = parse(source, &mut names)?;
        Ok(Template {
            nodes,
            options,
            names,
        })
    }

    /// Renders the template and appends the result to `out`. When it fails, `out` holds what was printed so far.
    ///
    /// # Errors
    /// Fails when a method throws, an index is out of range, or a limit is reached.
    pub fn render(
        &self,
        bindings: &[(&str, Value)],
        limits: &Limits,
        out: &mut String,
    ) -> Result<(), Error> {
        self.run(bindings, limits, out, None)
    }

    /// Renders the template and reports every step to `trace`.
    ///
    /// # Errors
    /// As [`render`](Template::render).
    pub fn render_traced(
        &self,
        bindings: &[(&str, Value)],
        limits: &Limits,
        out: &mut String,
        trace: &mut dyn Trace,
    ) -> Result<(), Error> {
        self.run(bindings, limits, out, Some(trace))
    }

    fn run(
        &self,
        bindings: &[(&str, Value)],
        limits: &Limits,
        out: &mut String,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), Error> {
        let meter = Meter::new(limits.steps, out.len().saturating_add(limits.output));
        let mut slots = vec![Value::Null; self.names.len()];
        for (name, value) in bindings {
            if let Some(cell) = self
                .names
                .get(name)
                .and_then(|slot| slots.get_mut(slot as usize))
            {
                *cell = value.clone();
            }
        }
        let trace = trace.map(|trace| trace as &mut dyn Trace);
        Evaluation::new(self, slots, &meter, trace).run(out)
    }

    /// Every variable the template mentions with the property, method or constant key behind it, in strings too.
    pub fn references(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.mentioned()
            .iter()
            .map(|(root, child)| (root.as_str(), child.as_deref()))
    }

    fn mentioned(&self) -> &BTreeSet<(String, Option<String>)> {
        &self.names.mentioned
    }
}
