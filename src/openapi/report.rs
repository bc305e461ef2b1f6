//! Findings for a terminal: file, line and column, and the line itself.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Position};

/// How much of a long line is shown, in characters.
const WIDTH: usize = 100;

/// Writes `finding` about `text`, the content of `file`, with the line that it is about.
///
/// ```
/// use tower_apigw::openapi::{Import, render};
///
/// let text = "swagger: '2.0'\npaths:\n  /a:\n    Get: {}\n";
/// let import = Import::from_slice(text.as_bytes())?;
/// assert_eq!(
///     render(&import.findings()[0], "api.yaml", text),
///     "\
/// api.yaml:4:5: warning[unknown-key]: the key `Get` has no meaning here and is ignored
///   |
/// 4 |     Get: {}
///   |     ^
///   = at /paths/~1a/Get
///   = help: did you mean `get`?
/// "
/// );
/// # Ok::<_, tower_apigw::openapi::ImportError>(())
/// ```
pub fn render(finding: &Diagnostic, file: &str, text: &str) -> String {
    let mut out = file.to_owned();
    if let Some(position) = finding.position {
        let _ = write!(out, ":{position}");
    }
    let _ = write!(
        out,
        ": {}[{}]: {}",
        finding.severity, finding.code, finding.message
    );
    if let Some(within) = finding.within {
        let _ = write!(out, " (line {}, column {})", within.line, within.column);
    }
    out.push('\n');
    let mut margin = 1;
    if let Some(position) = finding.position
        && let Some(line) = line(text, position.line)
    {
        let number = position.line.to_string();
        margin = number.len();
        let (shown, caret) = excerpt(line, position);
        let _ = writeln!(out, "{:margin$} |", "");
        let _ = writeln!(out, "{number} | {}", shown.trim_end());
        let _ = writeln!(out, "{:margin$} | {:caret$}^", "", "");
    }
    if !finding.pointer.is_empty() {
        let _ = writeln!(out, "{:margin$} = at {}", "", finding.pointer);
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "{:margin$} = help: {help}", "");
    }
    out
}

fn line(text: &str, number: usize) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').nth(number.checked_sub(1)?)
}

/// The part of the line around the position, and how many characters stand before it.
fn excerpt(line: &str, position: Position) -> (String, usize) {
    let caret = position.column.saturating_sub(1);
    let start = if caret >= WIDTH { caret - WIDTH / 2 } else { 0 };
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let shown = line.chars().skip(start).take(WIDTH).map(plain).collect();
    (shown, caret - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Diagnostic {
        let mut finding = Diagnostic::error("x", "", "y");
        finding.position = Some(Position { line, column });
        finding
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}ä{}", "a".repeat(500), "b".repeat(500));
        let rendered = render(&at(1, 501), "f", &text);
        let lines: Vec<&str> = rendered.lines().collect();
        assert_eq!(lines[2].chars().count(), WIDTH + 4);
        let caret = lines[3].find('^').unwrap();
        assert_eq!(lines[2].chars().nth(caret), Some('ä'));
    }

    #[test]
    fn a_place_beyond_the_text_has_no_line() {
        assert_eq!(render(&at(9, 1), "f", "a\n"), "f:9:1: error[x]: y\n");
        assert_eq!(
            render(&Diagnostic::error("x", "", "y"), "f", ""),
            "f: error[x]: y\n"
        );
    }
}
