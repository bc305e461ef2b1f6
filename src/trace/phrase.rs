//! Failures in the words of API Gateway's execution log.

/// What our messages begin with where API Gateway has a text for it, and that text: as a whole, since what we
/// add to it is ours.
// Observed: the execution log's phrases by failure; that of statusCode is LocalStack's.
const EXACT: &[(&str, &str)] = &[
    ("invalid endpoint address", "Invalid endpoint address"),
    (
        "unable to base64 decode the body",
        "Unable to base64 decode the body.",
    ),
    (
        "unable to parse statusCode",
        "Unable to parse statusCode. It should be an integer that is defined in the request template.",
    ),
    (
        "malformed Lambda proxy response",
        "Malformed Lambda proxy response",
    ),
    ("rate exceeded", "Rate Exceeded."),
];

/// The lines of a failure: one, or two of a function that could not be invoked.
pub(super) fn lines(kind: &str, message: &str) -> Vec<String> {
    let parts = message.match_indices("; execution failed due to ").next();
    match parts.map(|(at, _)| (message.get(..at), message.get(at + 2..))) {
        Some((Some(first), Some(second))) => vec![line(kind, first), line(kind, second)],
        _ => vec![line(kind, message)],
    }
}

fn line(kind: &str, message: &str) -> String {
    if kind == "MissingParameters" {
        return format!("Missing required request parameters: [{message}]");
    }
    let prefix = "Execution failed due to configuration error: ";
    if let Some(what) = message.strip_prefix("execution failed due to configuration error: ") {
        return format!("{prefix}{}", text(what));
    }
    match kind {
        _ if message.starts_with("execution failed") || message.starts_with("lambda ") => {
            text(message)
        }
        // The text begins with the name of the header.
        "RefusedHeader" => format!("{prefix}{message}"),
        "Configuration" | "Credentials" | "Template" | "ResponseTooLarge" => {
            format!("{prefix}{}", text(message))
        }
        _ => text(message),
    }
}

/// API Gateway's text for it, or ours with a capital.
fn text(message: &str) -> String {
    let exact = EXACT
        .iter()
        .find(|(ours, _)| message.starts_with(ours))
        .map(|(_, exact)| (*exact).to_owned());
    exact.unwrap_or_else(|| {
        let mut chars = message.chars();
        let first = chars.next();
        first
            .map(|first| first.to_uppercase().chain(chars).collect())
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_aws_s_words() {
        for (kind, message, told) in [
            (
                "Timeout",
                "execution failed due to a timeout error",
                "Execution failed due to a timeout error",
            ),
            (
                "Configuration",
                "unable to base64 decode the body",
                "Execution failed due to configuration error: Unable to base64 decode the body.",
            ),
            (
                "Configuration",
                "unable to parse statusCode; it should be an integer that is defined in the request template",
                "Execution failed due to configuration error: Unable to parse statusCode. \
                 It should be an integer that is defined in the request template.",
            ),
            (
                "Configuration",
                "execution failed due to configuration error: invalid endpoint address: a host with parameters",
                "Execution failed due to configuration error: Invalid endpoint address",
            ),
            (
                "Configuration",
                "invalid endpoint address: \"a b\" is no host",
                "Execution failed due to configuration error: Invalid endpoint address",
            ),
            (
                "Configuration",
                "execution failed due to configuration error: host name 'a' does not match",
                "Execution failed due to configuration error: Host name 'a' does not match",
            ),
            (
                "Function",
                "execution failed due to configuration error: malformed Lambda proxy response: expected value",
                "Execution failed due to configuration error: Malformed Lambda proxy response",
            ),
            (
                "Function",
                "lambda execution failed with status 200 due to customer function error: x. Lambda request id: 7",
                "Lambda execution failed with status 200 due to customer function error: x. Lambda request id: 7",
            ),
            (
                "RefusedHeader",
                "content-length header already present",
                "Execution failed due to configuration error: content-length header already present",
            ),
            (
                "Configuration",
                "lambda invocation failed with status: 429. Lambda request id: 7; \
                 execution failed due to configuration error: rate exceeded",
                "Lambda invocation failed with status: 429. Lambda request id: 7\n\
                 Execution failed due to configuration error: Rate Exceeded.",
            ),
            (
                "MissingParameters",
                "a, b",
                "Missing required request parameters: [a, b]",
            ),
            ("Internal", "", ""),
        ] {
            assert_eq!(lines(kind, message).join("\n"), told);
        }
    }
}
