//! Directives that fail or print themselves, loops that end early, and JSONPaths that are none.

use crate::diagnostic::Diagnostic;
use crate::jsonpath::Path;
use crate::lint::value::Variables;
use crate::vtl::Span;
use crate::vtl::ast::{Expr, Foreach, Form, Node, Reference, StepKind};

/// How many rounds a `#foreach` goes.
// AWS: limits.
const MOST_ROUNDS: i64 = 1_000;

/// A finding about a template that needs nothing but the template.
pub(super) type Found = (Diagnostic, Span);

/// A directive that fails where it is reached.
pub(super) fn failing(pointer: &str, message: &str, span: Span) -> Found {
    let finding = Diagnostic::warning(
        "template-directive",
        pointer,
        format!("{message}: every request that comes here fails with 500"),
    );
    (
        finding.help("write what it stands for into the template itself"),
        span,
    )
}

/// A range that is longer than a loop.
pub(super) fn rounds(pointer: &str, found: &Foreach) -> Option<Found> {
    let Expr::Range(ends, _) = &found.source else {
        return None;
    };
    let (Expr::Int(first), Expr::Int(last)) = &**ends else {
        return None;
    };
    let rounds = (i64::from(*last) - i64::from(*first)).abs() + 1;
    (rounds > MOST_ROUNDS).then(|| {
        let message =
            format!("the loop ends after {MOST_ROUNDS} of its {rounds} rounds, without an error");
        let finding = Diagnostic::warning("foreach-limit", pointer, message);
        (
            finding.help("API Gateway goes 1,000 rounds at most; let the backend do the rest"),
            found.span,
        )
    })
}

/// Calls of `$input` that cannot work: a JSONPath that is none, an argument that is no value.
pub(super) fn input(
    variables: &Variables<'_>,
    pointer: &str,
    reference: &Reference,
    function: bool,
) -> Option<Found> {
    let step = reference.steps.first()?;
    let StepKind::Method(name, arguments) = &step.kind else {
        return None;
    };
    let name = variables.text(name.text());
    let [argument] = arguments.as_slice() else {
        return None;
    };
    let path = match (name, argument) {
        ("path" | "json" | "params", Expr::Reference(word)) => {
            let Form::Bare(_) = word.form else {
                return None;
            };
            let word = variables.text(word.source);
            let message = format!("`{word}` is no value: `$input.{name}({word})` gives nothing");
            let finding = Diagnostic::warning("template-argument", pointer, message);
            return Some((
                finding.help(format!("put it in quotes: $input.{name}('{word}')")),
                step.span,
            ));
        }
        ("path" | "json", Expr::Text(path)) => variables.text(*path),
        // In double quotes a `$` makes a template of it.
        ("path" | "json", Expr::Template(nodes, padded)) => match nodes.as_slice() {
            [Node::Text(path)] => {
                let path = variables.text(*path);
                // What was added behind it is one byte, which may read as the quote.
                let padding = usize::from(*padded);
                path.get(..path.len().checked_sub(padding)?)?
            }
            _ => return None,
        },
        _ => return None,
    };
    if function && path.contains("${") {
        return None;
    }
    let error = Path::parse(path).err()?;
    let message = format!("the path `{path}` fails with 500: {}", error.message());
    let finding = Diagnostic::warning("json-path", pointer, message);
    Some((
        finding.help("write a JSONPath such as `$.order.items[0]` or `$['a key']`"),
        step.span,
    ))
}

/// Words that look like directives and print themselves, or are taken for something else.
pub(super) fn words(pointer: &str, source: &str, found: &mut Vec<Found>) {
    let mut warn = |at: usize, message: String, help: &str| {
        let finding = Diagnostic::warning("template-directive", pointer, message).help(help);
        found.push((finding, Span::new(at, at)));
    };
    let mut macros = 0;
    for (at, rest) in hashes(source) {
        let called = |word: &str| {
            let behind = rest.strip_prefix(word)?.trim_start_matches([' ', '\t']);
            behind.strip_prefix('(')
        };
        if let Some(behind) = rest.strip_prefix("else")
            && behind.starts_with([' ', '\t'])
            && let Some(condition) = behind.trim_start_matches([' ', '\t']).strip_prefix("if")
            && condition.trim_start_matches([' ', '\t']).starts_with('(')
        {
            warn(
                at,
                "`#else if(…)` is `#else` with a text behind it: the condition is printed, or left out with it".to_owned(),
                "write `#elseif(…)`",
            );
        } else if let Some(behind) = called("macro") {
            macros += 1;
            if macros > 1 {
                continue;
            }
            let end = behind.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
            let name = behind
                .get(..end.unwrap_or(behind.len()))
                .unwrap_or_default();
            warn(
                at,
                format!(
                    "API Gateway has no macros: `#macro` defines nothing, and `#{name}(…)` prints itself"
                ),
                "write it out where it is needed, or use #define",
            );
        } else if called("evaluate").is_some() {
            warn(
                at,
                "API Gateway has no `#evaluate`: it prints itself".to_owned(),
                "write its text into the template",
            );
        }
    }
}

/// What follows each `#` outside of comments and raw text.
fn hashes(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = source.get(at..)?;
            let start = at + rest.find('#')?;
            let behind = source.get(start + 1..)?;
            let skip = |close: &str| behind.find(close).map(|end| end + close.len());
            let end = match behind.chars().next() {
                Some('#') => skip("\n"),
                Some('*') => skip("*#"),
                Some('[') if behind.starts_with("[[") => skip("]]#"),
                _ => {
                    at = start + 1;
                    let escaped = source.get(..start).is_some_and(|text| text.ends_with('\\'));
                    if escaped {
                        continue;
                    }
                    return Some((start, behind));
                }
            };
            at = start + 1 + end?;
        }
    })
}
