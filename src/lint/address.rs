//! Where requests go: ARNs, ports and credentials as API Gateway takes them.

use crate::integration::IntegrationType;
use crate::lint::subject::{Subject, is_unfilled};

pub(super) fn check(subject: &mut Subject<'_>) {
    let kind = subject.integration.kind;
    if kind != IntegrationType::Mock {
        blank(subject);
        verb(subject);
    }
    match kind {
        IntegrationType::Http | IntegrationType::HttpProxy => port(subject),
        IntegrationType::Aws | IntegrationType::AwsProxy => {
            arn(subject, kind);
            method(subject);
            credentials(subject);
        }
        IntegrationType::Mock => {}
    }
}

// AWS: API_PutIntegration — an RFC-3986-encoded URI. Observed: O:28661298047, a blank is an illegal character to the signer.
fn blank(subject: &mut Subject<'_>) {
    let Some(uri) = subject.integration.uri.as_deref() else {
        return;
    };
    if !is_unfilled(uri) && uri.trim().contains(char::is_whitespace) {
        subject.warn(
            "uri-blank",
            "/uri",
            "the URI holds a blank: API Gateway takes encoded URIs only, and fails with 500 when it signs this one",
            "write %20 for a blank, or remove it",
        );
    }
}

// AWS: API_PutIntegration.
fn verb(subject: &mut Subject<'_>) {
    const KNOWN: &[&str] = &[
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY",
    ];
    let Some(method) = subject.integration.http_method.as_deref() else {
        return;
    };
    let known = KNOWN.iter().any(|known| known.eq_ignore_ascii_case(method));
    // A function is called with POST: that says more.
    if known || method.is_empty() || is_unfilled(method) || subject.service() == Some("lambda") {
        return;
    }
    subject.warn(
        "http-method",
        "/httpMethod",
        format!("API Gateway calls no backend with {method:?}"),
        "write one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, or ANY for the client's",
    );
}

// AWS: setup-http-integrations — 80, 443, 1024–65535.
fn port(subject: &mut Subject<'_>) {
    let Some(uri) = subject.integration.uri.as_deref() else {
        return;
    };
    let Some((_, rest)) = uri.split_once("://") else {
        return;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok());
    if let Some(port) = port
        && port < 1024
        && port != 80
        && port != 443
    {
        subject.warn(
            "uri-port",
            "/uri",
            format!("API Gateway calls the ports 80, 443 and 1024 to 65535, not {port}"),
            "let the backend listen on one of them",
        );
    }
}

// Recorded: T:test_put_integration_validation, T:test_put_integration_aws_proxy_uri; compiling the
// integration finds the rest.
fn arn(subject: &mut Subject<'_>, kind: IntegrationType) {
    let Some(uri) = subject.integration.uri.as_deref() else {
        return;
    };
    if is_unfilled(uri) || kind != IntegrationType::Aws {
        return;
    }
    let resource = uri.splitn(6, ':').nth(5).unwrap_or_default();
    let lambda = subject.service() == Some("lambda") && resource.contains("/functions/");
    if lambda && !resource.ends_with("invocations") && !resource.contains("${stageVariables.") {
        subject.warn(
            "uri-arn",
            "/uri",
            "the path of a function ends with `/invocations`; API Gateway cannot call this one",
            "write …:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations",
        );
    }
}

// AWS: set-up-lambda-custom-integrations — functions are invoked with POST.
fn method(subject: &mut Subject<'_>) {
    if subject.service() != Some("lambda") {
        return;
    }
    if let Some(method) = subject.integration.http_method.as_deref()
        && !method.is_empty()
        && !method.eq_ignore_ascii_case("POST")
        && !is_unfilled(method)
    {
        subject.warn(
            "lambda-method",
            "/httpMethod",
            format!("functions are invoked with POST; API Gateway fails with {method}"),
            "write POST; the client's own method is in `$context.httpMethod`",
        );
    }
}

fn credentials(subject: &mut Subject<'_>) {
    let lambda = subject.service() == Some("lambda");
    match subject.integration.credentials.as_deref() {
        // Observed: aws-sdk-java#860.
        Some(role) if !is_unfilled(role) && !role.starts_with("arn:") => subject.warn(
            "credentials",
            "/credentials",
            "Invalid ARN specified in the request",
            "write the ARN of a role, or leave `credentials` out for a function with a resource policy",
        ),
        // LocalStack: only functions have policies of their own.
        None if !lambda && subject.service().is_some() => subject.warn(
            "credentials",
            "",
            "API Gateway calls a service of AWS only with a role",
            "add `credentials` with the ARN of a role that may call it",
        ),
        _ => {}
    }
}
