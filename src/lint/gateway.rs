//! Bodies of gateway responses: no templates, but texts in which references are replaced.

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::openapi::Document;
use crate::vtl::Span;

/// Where gateway responses stand.
const AT: &str = "/x-amazon-apigateway-gateway-responses";

/// What `$context.error` has.
// AWS: api-gateway-mapping-template-reference.
const ERRORS: &[&str] = &[
    "message",
    "messageString",
    "responseType",
    "validationErrorString",
];

/// How many different names of one body are told of.
const MAX_TOLD: usize = 20;

const DIRECTIVES: &[&str] = &[
    "set", "if", "elseif", "else", "end", "foreach", "define", "macro", "parse", "include", "stop",
    "break",
];

pub(super) fn check(document: &Document, findings: &mut Vec<Diagnostic>) {
    for (name, response) in &document.gateway_responses {
        let at = format!("{AT}/{}", pointer_token(name));
        for (media_type, template) in &response.response_templates {
            let pointer = format!("{at}/responseTemplates/{}", pointer_token(media_type));
            body(&pointer, template, findings);
        }
        for (to, from) in &response.response_parameters {
            if let Some(name) = from.strip_prefix("context.error.")
                && !ERRORS.contains(&name)
            {
                let pointer = format!("{at}/responseParameters/{}", pointer_token(to));
                findings.push(
                    Diagnostic::warning(
                        "gateway-template",
                        pointer,
                        format!("there is no `context.error.{name}`; the header is left out"),
                    )
                    .help(help()),
                );
            }
        }
    }
}

fn help() -> String {
    format!("`context.error` has {}", ERRORS.join(", "))
}

fn body(pointer: &str, text: &str, findings: &mut Vec<Diagnostic>) {
    let mut warn = |at: usize, message: String, help: String| {
        let (line, column) = Span::new(at, at).position(text);
        let finding = Diagnostic::warning("gateway-template", pointer, message).help(help);
        findings.push(finding.within(line, column));
    };
    let word = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    };
    let directive = text
        .match_indices('#')
        .map(|(at, _)| (at, word(at + 1)))
        .find(|(_, word)| DIRECTIVES.contains(word));
    if let Some((at, word)) = directive {
        warn(
            at,
            format!("`#{word}` is printed as it is: gateway responses know no directives"),
            "write a plain text with `$context.…`, `$stageVariables.…` and `$method.request.…`"
                .to_owned(),
        );
    }
    let mut told = Vec::new();
    for (at, _) in text.match_indices('$') {
        let skip = text.get(at + 1..).map_or(0, |rest| {
            rest.len() - rest.trim_start_matches(['!', '{']).len()
        });
        let start = at + 1 + skip;
        let root = word(start);
        if ["input", "util"].contains(&root) && !told.contains(&root) {
            told.push(root);
            warn(
                at,
                format!("`${root}` is printed as it is: gateway responses have no `${root}`"),
                "`$context.…`, `$stageVariables.…` and `$method.request.…` are replaced".to_owned(),
            );
        }
        let behind = text.get(start..).unwrap_or_default();
        if behind.starts_with("context.error.") {
            let name = word(start + "context.error.".len());
            if !ERRORS.contains(&name) && !told.contains(&name) && told.len() < MAX_TOLD {
                told.push(name);
                warn(
                    at,
                    format!("there is no `$context.error.{name}`; it prints nothing"),
                    help(),
                );
            }
        }
    }
}
