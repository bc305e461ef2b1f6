//! How bodies go through: what is collected and why, what a proxy ignores, what streaming needs.

use crate::integration::{IntegrationType, ResponseTransferMode};
use crate::lint::subject::{Subject, is_unfilled};

/// The last part of the ARN of a function that streams its answer.
const STREAMING: &str = "/response-streaming-invocations";

pub(super) fn check(subject: &mut Subject<'_>) {
    mode(subject);
    ignored(subject);
    buffered(subject);
}

// AWS: response-transfer-mode, response-transfer-mode-lambda.
fn mode(subject: &mut Subject<'_>) {
    let integration = subject.integration;
    let stream = integration.response_transfer_mode == Some(ResponseTransferMode::Stream);
    let uri = integration.uri.as_deref().unwrap_or_default();
    let streaming = uri.ends_with(STREAMING);
    let known = subject.service() == Some("lambda")
        && !is_unfilled(uri.rsplit('/').next().unwrap_or_default());
    if stream && !integration.kind.is_proxy() {
        subject.warn(
            "transfer-mode",
            "/responseTransferMode",
            format!(
                "answers of the type {} cannot be streamed",
                integration.kind
            ),
            "only http_proxy and aws_proxy take STREAM",
        );
    } else if stream && integration.kind == IntegrationType::AwsProxy && known && !streaming {
        subject.warn(
            "transfer-mode",
            "/responseTransferMode",
            "STREAM needs the streaming address of the function; API Gateway does not support this combination",
            "write …:lambda:path/2021-11-15/functions/FUNCTION-ARN/response-streaming-invocations",
        );
    } else if !stream && known && streaming {
        subject.warn(
            "transfer-mode",
            "/uri",
            "the streaming address of a function needs STREAM; API Gateway does not support this combination",
            "add `responseTransferMode: STREAM`, or write …/2015-03-31/functions/FUNCTION-ARN/invocations",
        );
    }
    if stream && !integration.cache_key_parameters.is_empty() {
        subject.warn(
            "transfer-mode",
            "/cacheKeyParameters",
            "streamed answers are not cached",
            "remove the cache keys, or `responseTransferMode`",
        );
    }
    if !stream
        && integration
            .timeout_in_millis
            .is_some_and(|millis| millis > 300_000)
    {
        subject.warn(
            "transfer-mode",
            "/timeoutInMillis",
            "more than 300000 ms are for streamed answers only",
            "add `responseTransferMode: STREAM`, or write less",
        );
    }
}

// AWS: set-up-lambda-proxy-integrations, setup-http-integrations; Recorded: T:test_lambda_aws_proxy_integration_request_data_mapping.
fn ignored(subject: &mut Subject<'_>) {
    let integration = subject.integration;
    if !integration.kind.is_proxy() {
        return;
    }
    let kind = integration.kind;
    const HELP: &str = "a proxy integration passes requests and answers on as they are; remove it, or use the type without _PROXY";
    if integration
        .request_templates
        .values()
        .any(|template| !template.source.trim().is_empty())
    {
        subject.warn(
            "proxy-ignored",
            "/requestTemplates",
            format!("{kind} has no use for request templates"),
            HELP,
        );
    }
    if kind == IntegrationType::AwsProxy && !integration.request_parameters.is_empty() {
        subject.warn(
            "proxy-ignored",
            "/requestParameters",
            "AWS_PROXY ignores mapped parameters: the event holds the client's",
            HELP,
        );
    }
    let response = integration.responses.iter().find(|response| {
        !response.response_parameters.is_empty() || !response.response_templates.is_empty()
    });
    if let Some(response) = response {
        let what = if response.response_parameters.is_empty() {
            "response templates"
        } else {
            "mapped response headers"
        };
        subject.warn(
            "proxy-ignored",
            "/responses",
            format!(
                "{kind} has no use for {what}: the backend's answer goes to the client as it is"
            ),
            "let the backend send the headers and the body itself",
        );
    }
}

/// What has to be held in memory as a whole.
fn buffered(subject: &mut Subject<'_>) {
    let integration = subject.integration;
    let why = match integration.kind {
        IntegrationType::Http | IntegrationType::Aws
            if !integration.request_templates.is_empty() =>
        {
            "a request template reads the body as a whole"
        }
        IntegrationType::Http | IntegrationType::Aws => {
            "integrations that are no proxy convert the body as a whole"
        }
        IntegrationType::AwsProxy => "the event of a function holds the body as a whole",
        IntegrationType::HttpProxy if validates(subject) => "the request validator reads the body",
        IntegrationType::HttpProxy
            if integration
                .request_parameters
                .values()
                .any(|from| from.starts_with("method.request.body")) =>
        {
            "a mapped parameter reads the body"
        }
        // What a mock answers is made up here.
        IntegrationType::HttpProxy | IntegrationType::Mock => return,
    };
    subject.note(
        "buffered",
        "",
        format!("bodies are collected, up to 10 MB, before they go on: {why}"),
        "http_proxy without a mapping from the body streams",
    );
}

fn validates(subject: &Subject<'_>) -> bool {
    subject.method.validate_body && !subject.method.request_models.is_empty()
}
