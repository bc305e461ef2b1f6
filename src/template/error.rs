//! What can go wrong when a template is compiled or rendered.

use std::fmt;
use std::ops::Range;

/// Which kind of failure ended a rendering. The kind decides the status the client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RenderErrorKind {
    /// The template did something that has no value: an index out of range, a bad pattern, a second override of one
    /// parameter, a bad JSONPath.
    Template,
    /// A budget ran out: steps, depth, size of a value or of the output.
    Limit,
    /// The payload looks like JSON and is not, and the template asked for its content.
    Payload,
}

/// Why a rendering failed. Nothing of its output is to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    kind: RenderErrorKind,
    message: String,
    position: Option<Position>,
    span: Option<Range<usize>>,
    hint: Option<String>,
}

/// A place in the source of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl RenderError {
    /// An error of this kind, without a place.
    pub fn new(kind: RenderErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            position: None,
            span: None,
            hint: None,
        }
    }

    /// The same error, at a place in the template.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// The same error about a part of the template: the reference, the call or the directive that failed, in bytes.
    #[must_use]
    pub fn about(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// The same error with a hint at what to write instead.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(str::to_owned);
        self
    }

    /// What to write instead, if there is something to say.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Which kind of failure this is.
    pub fn kind(&self) -> RenderErrorKind {
        self.kind
    }

    /// What happened, without the place. For [`RenderErrorKind::Payload`] this is the text a client of API Gateway is
    /// shown.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in the template it happened, if that is known: where the span starts, if there is one.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The part of the template that failed, in bytes, if it is known.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// One line, then the line of the template with what failed underlined, then the hint.
    ///
    /// ```
    /// # use tower_apigw::template::{Context, Engine, Limits, Overrides, Params, Scope, Vtl};
    /// let source = "{\n  \"c\": \"$input.body.charAt(9)\"\n}";
    /// let template = Vtl::default().compile(source, "application/json").unwrap();
    /// # let (context, overrides, limits) = (Context::default(), Overrides::default(), Limits::default());
    /// # let scope = Scope { body: b"abc", params: Params::default(), context: &context, stage_variables: &[],
    /// #     overrides: &overrides, limits: &limits };
    /// let error = template.render(&scope, &mut String::new()).unwrap_err();
    /// assert!(error.render(source).ends_with("\n2 |   \"c\": \"$input.body.charAt(9)\"\n  |                    ^^^^^^^^^^"));
    /// ```
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        let Some(position) = self.position else {
            return self.to_string();
        };
        let width = self.span.as_ref().and_then(|span| source.get(span.clone()));
        let width = width.map_or(1, |part| {
            part.lines().next().unwrap_or_default().chars().count()
        });
        let error = CompileError::at(self.message.as_str(), position, source)
            .wide(width.max(1))
            .with_hint(self.hint());
        format!("{error:#}")
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.position {
            Some(position) => write!(f, " ({position})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RenderError {}

/// Why a template cannot be used at all. `{}` prints one line, `{:#}` adds the line of the template with a caret under
/// the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    message: String,
    position: Option<Position>,
    line: Option<String>,
    /// How many characters from the place on it is about.
    width: usize,
    hint: Option<String>,
    late: bool,
}

impl CompileError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position: None,
            line: None,
            width: 1,
            hint: None,
            late: false,
        }
    }

    /// An error at a place of `source`.
    pub fn at(message: impl Into<String>, position: Position, source: &str) -> Self {
        let index = usize::try_from(position.line.saturating_sub(1)).unwrap_or(usize::MAX);
        Self {
            message: message.into(),
            position: Some(position),
            line: source.lines().nth(index).map(str::to_owned),
            width: 1,
            hint: None,
            late: false,
        }
    }

    /// The same error about so many characters from its place on.
    pub(crate) fn wide(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// The same error as one that API Gateway meets only when the template is rendered.
    pub(crate) fn late(mut self, late: bool) -> Self {
        self.late = late;
        self
    }

    pub(crate) fn is_late(&self) -> bool {
        self.late
    }

    /// The same error with a hint at what to write instead.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(str::to_owned);
        self
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead, if there is something to say.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where it is wrong.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// How many characters from there on it is about, at least one.
    pub fn width(&self) -> usize {
        self.width
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let Some(position) = self.position else {
            return Ok(());
        };
        write!(f, " ({position})")?;
        if let (true, Some(line)) = (f.alternate(), &self.line) {
            caret(f, line, position, self.width)?;
        }
        match &self.hint {
            Some(hint) if f.alternate() => write!(f, "\nhint: {hint}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for CompileError {}

/// How much of a line is shown on either side of the caret.
const MARGIN: usize = 60;

fn caret(f: &mut fmt::Formatter<'_>, line: &str, position: Position, width: usize) -> fmt::Result {
    let column = usize::try_from(position.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let skipped = column.saturating_sub(MARGIN);
    let shown = line.chars().skip(skipped).take(2 * MARGIN);
    let number = position.line.to_string();
    let margin = " ".repeat(number.len());
    write!(f, "\n{margin} |\n{number} | ")?;
    for c in shown.clone() {
        write!(f, "{}", if c.is_control() { ' ' } else { c })?;
    }
    write!(f, "\n{margin} | ")?;
    for _ in shown.clone().take(column - skipped) {
        f.write_str(" ")?;
    }
    let rest = shown.skip(column - skipped).take(width).count();
    f.write_str(&"^".repeat(rest.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compile_error_points_at_its_place() {
        let position = Position { line: 2, column: 5 };
        let error = CompileError::at("unexpected `)`", position, "one\n#if()\nthree");
        assert_eq!(error.to_string(), "unexpected `)` (line 2, column 5)");
        assert_eq!(
            format!("{error:#}"),
            "unexpected `)` (line 2, column 5)\n  |\n2 | #if()\n  |     ^"
        );
        // No caret stands beyond the line.
        let position = Position { line: 2, column: 4 };
        for (width, carets) in [(1, "^"), (2, "^^"), (9, "^^")] {
            let wide = CompileError::at("x", position, "one\n#if()\nthree").wide(width);
            let shown = format!("{wide:#}");
            assert!(shown.ends_with(&format!("\n  |    {carets}")), "{shown}");
        }
    }

    #[test]
    fn a_place_outside_the_source_is_no_panic() {
        let position = Position {
            line: 9,
            column: 900,
        };
        let error = CompileError::at("x", position, "one");
        assert_eq!(format!("{error:#}"), "x (line 9, column 900)");
        let long = "y".repeat(500);
        let error = CompileError::at(
            "x",
            Position {
                line: 1,
                column: 450,
            },
            &long,
        );
        assert!(format!("{error:#}").ends_with('^'));
    }

    #[test]
    fn a_render_error_prints_its_place() {
        let error = RenderError::new(RenderErrorKind::Limit, "too many steps");
        assert_eq!(error.to_string(), "too many steps");
        let error = error.at(Position { line: 3, column: 1 });
        assert_eq!(error.to_string(), "too many steps (line 3, column 1)");
    }
}
