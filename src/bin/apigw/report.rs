//! Findings for people: the line that each is about, with a mark under the place.

use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use tower_apigw::diagnostic::{Diagnostic, Position, Severity};

/// How many bytes of a line are shown as a whole; the terminal's width cuts it.
const LONG: usize = 10_000;

/// How many characters of a longer line are shown on both sides of the place.
const AROUND: usize = 60;

/// How many characters of a message, a pointer or an advice are shown.
const MOST: usize = 2_000;

/// Shows the findings about one text.
pub(crate) struct Report<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    renderer: Renderer,
}

impl<'a> Report<'a> {
    /// `text` is the content of `file`. Colours only if `out` is a terminal and `NO_COLOR` is not set.
    pub(crate) fn new(file: &'a str, text: &'a str, out: &impl IsTerminal) -> Self {
        let colours = out.is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|value| value != "dumb");
        let renderer = match colours {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            file,
            lines: text.split('\n').collect(),
            renderer: renderer.term_width(DEFAULT_TERM_WIDTH),
        }
    }

    /// One finding, with a line end behind it.
    pub(crate) fn show(&self, finding: &Diagnostic) -> String {
        self.show_part(finding, None)
    }

    /// The same with so many characters underlined, if that is known.
    pub(crate) fn show_part(&self, finding: &Diagnostic, width: Option<usize>) -> String {
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level
            .primary_title(plain(&finding.message))
            .id(finding.code);
        let mut group = Group::with_title(title);
        match finding.position {
            None => group = group.element(Origin::path(self.file)),
            Some(position) => {
                let line = position
                    .line
                    .checked_sub(1)
                    .and_then(|index| self.lines.get(index));
                match line {
                    Some(line) if line.len() <= LONG => {
                        let (shown, span) = excerpt(line, position, width, 0..usize::MAX);
                        group = group.element(
                            Snippet::source(shown)
                                .path(self.file)
                                .line_start(position.line)
                                .annotation(AnnotationKind::Primary.span(span)),
                        );
                    }
                    line => {
                        let column = position.column;
                        let origin = Origin::path(self.file).line(position.line);
                        group = group.element(origin.char_column(column));
                        if let Some(line) = line {
                            let (shown, span) = {
                                let first = column.saturating_sub(AROUND);
                                excerpt(line, position, width, first..first + 2 * AROUND)
                            };
                            group = group.element(
                                Snippet::source(shown)
                                    .line_start(position.line)
                                    .annotation(AnnotationKind::Primary.span(span)),
                            );
                        }
                    }
                }
            }
        }
        // Where the place inside of the value could not be told in the document.
        let within = finding.within.filter(|_| !finding.pointer.is_empty());
        let within = within
            .map(|at| format!(" (line {}, column {})", at.line, at.column))
            .unwrap_or_default();
        if !finding.pointer.is_empty() {
            let at = plain(&finding.pointer);
            group = group.element(Level::NOTE.no_name().message(format!("at {at}{within}")));
        }
        if let Some(help) = &finding.help {
            group = group.element(Level::HELP.message(plain(help)));
        }
        let mut text = self.renderer.render(&[group]);
        text.push('\n');
        text
    }
}

/// The characters `part` of the line, and what is marked in them, in bytes.
fn excerpt(
    line: &str,
    position: Position,
    width: Option<usize>,
    part: Range<usize>,
) -> (String, Range<usize>) {
    let column = position.column.saturating_sub(1);
    let shown: String = line
        .trim_end_matches('\r')
        .chars()
        .skip(part.start)
        .take(part.end - part.start)
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect();
    let start = shown
        .char_indices()
        .nth(column.saturating_sub(part.start))
        .map_or(shown.len(), |(at, _)| at);
    let word = shown.get(start..).unwrap_or_default();
    let quoted = |quote| word.strip_prefix(quote)?.find(quote);
    let length = match (width, quoted('"').or_else(|| quoted('\''))) {
        (Some(width), _) => {
            let part = word.chars().take(width.max(1));
            part.map(char::len_utf8).sum()
        }
        (None, Some(end)) => end + 2,
        (None, None) => word
            .find(|c: char| !c.is_alphanumeric() && !"_-$.\\'\"`({[".contains(c))
            .unwrap_or(word.len())
            .max(word.chars().next().map_or(0, char::len_utf8)),
    };
    (shown, start..start + length)
}

/// One line without what a terminal would obey, and with an end.
fn plain(text: &str) -> String {
    let mut chars = text.chars();
    let shown = chars.by_ref().take(MOST);
    let mut shown: String = shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
