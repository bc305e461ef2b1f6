//! What the integration maps against what the method declares.

use std::collections::HashSet;

use serde_json::Value;

use crate::diagnostic::pointer_token;
use crate::lint::parameters::REFUSED;
use crate::lint::subject::{Subject, is_unfilled};

/// How many references may lead to one another.
const MAX_STEPS: usize = 16;

pub(super) fn check(subject: &mut Subject<'_>) {
    if subject.integration.kind.is_proxy() {
        return;
    }
    let integration = subject.integration;
    let document = subject.document;
    let declared = document
        .value(&format!("{}/responses", subject.operation.declared_at))
        .and_then(Value::as_object);
    let mut told = HashSet::new();
    for response in &integration.responses {
        let key = response.selection_pattern.as_deref().unwrap_or("default");
        let pointer = format!("/responses/{}", pointer_token(key));
        let status = response.status_code.as_str();
        if status.is_empty() || is_unfilled(status) {
            continue;
        }
        let of_status = declared.and_then(|declared| {
            let class = status.get(..1).unwrap_or_default();
            ["", "XX", "xx"].iter().find_map(|suffix| match *suffix {
                "" => declared.get(status),
                suffix => declared.get(&format!("{class}{suffix}")),
            })
        });
        let Some(of_status) = of_status else {
            // What `default` stands for is not known to API Gateway.
            let covered = declared.is_some_and(|declared| declared.contains_key("default"));
            if covered {
                continue;
            }
            let help = format!("declare `{status}` among the `responses` of the operation");
            if !response.response_parameters.is_empty() {
                // Observed: apigateway-importer#121.
                let message = format!("{REFUSED}[No method response exists for method.]");
                subject.warn("undeclared-status", &pointer, message, help);
            } else if told.insert(status) {
                // Observed: O:26085884050 and others, in execution logs.
                let message = format!(
                    "the method does not declare status {status}: on API Gateway every such answer becomes a 500, \"Output mapping refers to an invalid method response: {status}\""
                );
                subject.warn("undeclared-status", &pointer, message, help);
            }
            continue;
        };
        let headers = headers(document, of_status);
        for to in response.response_parameters.keys() {
            let Some(name) = to.strip_prefix("method.response.header.") else {
                continue;
            };
            if name.is_empty() || is_unfilled(name) || headers.iter().any(|known| known == name) {
                continue;
            }
            let at = format!("{pointer}/responseParameters/{}", pointer_token(to));
            let other = headers
                .iter()
                .find(|known| known.eq_ignore_ascii_case(name));
            let help = match other {
                Some(other) => format!("it is declared as `{other}`: names are compared exactly"),
                None => format!(
                    "declare `{name}` among the `headers` of response {status} of the operation; API Gateway refuses the import without it"
                ),
            };
            subject.warn(
                "undeclared-header",
                &at,
                format!("{REFUSED}[Invalid mapping expression parameter specified: {to}]"),
                help,
            );
        }
    }
}

/// The names of the headers of a response, its references followed.
fn headers(document: &crate::openapi::Document, response: &Value) -> Vec<String> {
    let mut response = response;
    for _ in 0..MAX_STEPS {
        let target = response
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|target| target.strip_prefix('#'));
        match target.and_then(|pointer| document.value(pointer)) {
            Some(next) => response = next,
            None => break,
        }
    }
    let headers = response.get("headers").and_then(Value::as_object);
    headers
        .into_iter()
        .flat_map(|headers| headers.keys().cloned())
        .collect()
}
