//! Mapped parameters: what API Gateway refuses when the document is imported, and names that differ in case only.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::integration::ParameterLocation;
use crate::lint::names;
use crate::lint::subject::{Subject, is_unfilled};

/// Before what AWS says when it refuses a mapping.
// Observed: developer-guide#24, apigateway-importer#209.
pub(super) const REFUSED: &str =
    "Invalid mapping expression specified: Validation Result: warnings : [], errors : ";

/// Sources in the method request, with the place where the parameter is declared.
const SOURCES: &[(&str, ParameterLocation)] = &[
    ("method.request.path.", ParameterLocation::Path),
    (
        "method.request.querystring.",
        ParameterLocation::QueryString,
    ),
    (
        "method.request.multivaluequerystring.",
        ParameterLocation::QueryString,
    ),
    ("method.request.header.", ParameterLocation::Header),
    (
        "method.request.multivalueheader.",
        ParameterLocation::Header,
    ),
];

pub(super) fn check(subject: &mut Subject<'_>) {
    declared(subject);
    path_twice(subject);
    let integration = subject.integration;
    for (to, from) in &integration.request_parameters {
        let pointer = format!("/requestParameters/{}", pointer_token(to));
        if is_unfilled(from) || is_unfilled(to) {
            continue;
        }
        source(subject, &pointer, from);
        context(subject, &pointer, from);
        if to.starts_with("integration.request.path.") {
            static_path(subject, &pointer, from);
        }
        static_name(subject, &pointer, to);
    }
    for (index, key) in integration.cache_key_parameters.iter().enumerate() {
        let known = integration.request_parameters.contains_key(key);
        if !known && !is_unfilled(key) && undeclared(subject, key).is_some() {
            subject.warn(
                "cache-key",
                &format!("/cacheKeyParameters/{index}"),
                format!("{REFUSED}[Invalid mapping expression parameter specified: {key}]"),
                "declare it among the `parameters` of the operation",
            );
        }
    }
    for response in &integration.responses {
        let key = response.selection_pattern.as_deref().unwrap_or("default");
        for (to, from) in &response.response_parameters {
            let pointer = format!(
                "/responses/{}/responseParameters/{}",
                pointer_token(key),
                pointer_token(to)
            );
            if !is_unfilled(from) {
                context(subject, &pointer, from);
            }
        }
    }
}

/// The place and the name of a source that no parameter of the method has.
fn undeclared<'t>(subject: &Subject<'_>, from: &'t str) -> Option<(ParameterLocation, &'t str)> {
    let (prefix, location) = SOURCES
        .iter()
        .find(|(prefix, _)| from.starts_with(prefix))?;
    let name = from.get(prefix.len()..).filter(|name| !name.is_empty())?;
    let known = subject.declared(*location, name);
    (!known.exactly).then_some((*location, name))
}

fn source(subject: &mut Subject<'_>, pointer: &str, from: &str) {
    let header = from
        .strip_prefix("method.request.header.")
        .or_else(|| from.strip_prefix("method.request.multivalueheader."));
    if let Some(name) = header
        && name.chars().any(|c| c.is_ascii_uppercase())
    {
        subject.note(
            "header-http2",
            pointer,
            format!("`{name}` is compared exactly; clients that speak HTTP/2 send it in lower case, which is not found"),
            "read the header in a template when both spellings must do",
        );
    }
    let Some((location, name)) = undeclared(subject, from) else {
        return;
    };
    // A variable that the path does not have is told when the integration is compiled.
    if location == ParameterLocation::Path && !subject.path.contains(name) {
        return;
    }
    if let Some(other) = other_case(subject, location, name) {
        subject.warn(
            "header-case",
            pointer,
            format!("`{name}` is declared as `{other}`: names are compared exactly"),
            format!("write `{other}` here, or declare `{name}`"),
        );
        return;
    }
    subject.warn(
        "undeclared-parameter",
        pointer,
        format!("{REFUSED}[Invalid mapping expression parameter specified: {from}]"),
        format!(
            "declare `{name}` among the `parameters` of the operation; API Gateway refuses the import without it"
        ),
    );
}

/// The declared name that is the same but for its case.
pub(super) fn other_case<'a>(
    subject: &Subject<'a>,
    location: ParameterLocation,
    name: &str,
) -> Option<&'a str> {
    let known = subject.declared(location, name);
    known.otherwise.filter(|_| !known.exactly)
}

/// A variable that stands twice in the path: it can have one value.
// Recorded: T:test_method_request_parameters — names are unique.
fn path_twice(subject: &mut Subject<'_>) {
    let resource = subject.method.resource.as_str();
    let mut names = HashSet::new();
    for segment in resource.split('/') {
        let inner = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = inner.map(|inner| inner.trim_end_matches('+')) else {
            continue;
        };
        if !names.insert(name) {
            let path = subject.operation.declared_at.rsplit_once('/');
            let finding = Diagnostic::warning(
                "path-variable-twice",
                path.map_or("", |(path, _)| path),
                format!(
                    "the variable `{{{name}}}` stands twice in {resource}, and can have one value"
                ),
            );
            subject.add(finding.help("give each variable of a path a name of its own"));
            return;
        }
    }
}

fn context(subject: &mut Subject<'_>, pointer: &str, from: &str) {
    let Some(path) = from.strip_prefix("context.") else {
        return;
    };
    let name = path.split('.').next().unwrap_or_default();
    if name.is_empty() || names::in_context(name) {
        return;
    }
    let help = match names::meant(&format!("$context.{name}")) {
        _ if name == "error" => names::OF_ERRORS.to_owned(),
        Some(meant) => format!("did you mean `{}`?", meant.trim_start_matches('$')),
        None => "see the table of $context variables of API Gateway".to_owned(),
    };
    subject.warn(
        "context-name",
        pointer,
        format!("there is no `context.{name}`; the parameter is left out"),
        help,
    );
}

// Observed: sls-apigateway-service-proxy#78; the text ends with a blank.
fn static_path(subject: &mut Subject<'_>, pointer: &str, from: &str) {
    let literal = from
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    let Some(literal) = literal else { return };
    let bad = |c: char| !c.is_ascii_graphic() || "{}<>\"\\^`|".contains(c);
    if literal.contains(bad) {
        subject.warn(
            "static-path",
            pointer,
            format!("{REFUSED}[Static parameter value must be valid and encoded ]"),
            "write the value percent-encoded, as it stands in a URL",
        );
    }
}

// AWS: request-response-data-mappings — the characters of a parameter's name.
fn is_name(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || "._$-".contains(c))
}

fn static_name(subject: &mut Subject<'_>, pointer: &str, to: &str) {
    if let Some(name) = to.strip_prefix("integration.request.")
        && let Some((_, name)) = name.split_once('.')
        && !is_name(name)
    {
        // Observed: apigateway-importer#58.
        subject.warn(
            "parameter-name",
            pointer,
            format!("{REFUSED}[Invalid mapping identifier specified]"),
            "names are made of letters, digits and `.`, `_`, `$`, `-`",
        );
    }
}

/// The parameters of the method themselves.
fn declared(subject: &mut Subject<'_>) {
    let method = subject.method;
    let mut found = Vec::new();
    let mut earlier = HashSet::new();
    for parameter in &method.parameters {
        let name = &parameter.name;
        if !is_name(name) {
            found.push((
                format!("the parameter name `{name}` is none that API Gateway takes"),
                "names are made of letters, digits and `.`, `_`, `$`, `-`",
            ));
        }
        if !earlier.insert(name.as_str()) {
            // Recorded: T:test_method_request_parameters.
            found.push((
                format!(
                    "Parameter names must be unique across querystring, header and path: `{name}`"
                ),
                "give one of them another name, or read it in a template only",
            ));
        }
    }
    let declared_at = subject.operation.declared_at.as_str();
    let path = declared_at.rsplit_once('/').map_or("", |(path, _)| path);
    for variable in method.resource.split('/') {
        let name = variable
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        if let Some(name) = name.map(|name| name.strip_suffix('+').unwrap_or(name))
            && !is_name(name)
        {
            let message =
                format!("the path variable `{name}` has a name that API Gateway does not take");
            subject.add(
                Diagnostic::warning("parameter-name", path, message)
                    .help("names are made of letters, digits and `.`, `_`, `$`, `-`"),
            );
        }
    }
    for (message, help) in found {
        let pointer = format!("{declared_at}/parameters");
        subject.add(Diagnostic::warning("parameter-name", pointer, message).help(help));
    }
}
