//! Lambda functions behind integrations: the event they get, and what becomes of their answers.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, response};

use crate::aws::{Answer, EventStream, RequestFacts, RestEvent, error_message};
use crate::error::{Error, ErrorKind};
use crate::mapping::aws::request_id_of;
use crate::mapping::call::Call;
use crate::mapping::content::MediaTypes;
use crate::mapping::headers::{self, ResponseHeader};
use crate::mapping::method_request::text;
use crate::mapping::path::ResourcePath;
use crate::mapping::query;
use crate::mapping::tracing;
use crate::trace::Side;

const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

type Line<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The event for a request with these headers.
pub(crate) fn event(call: &Call, writer: &RestEvent, sent: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let request = &*call.request;
    let stage = &call.plan.stage;
    let peer = request.peer.map(|peer| peer.to_string());
    let host = sent.get(header::HOST).map(text).or_else(|| {
        request
            .uri
            .authority()
            .map(|host| Cow::Borrowed(host.as_str()))
    });
    let mut lines = spelled(call, sent);
    forwarded(&mut lines, sent, peer.as_deref());
    if !sent.contains_key(header::HOST)
        && let Some(host) = &host
    {
        lines.push(("Host".into(), host.clone()));
    }
    lines.push(("X-Amzn-Trace-Id".into(), text(&request.arrival.trace)));
    RequestFacts::sort_headers(&mut lines);
    let path = request.uri.path();
    let path_parameters = path_parameters(&call.plan.resource, path);
    let raw_query = request.uri.query().unwrap_or_default();
    let query = query::decode(raw_query);
    let agent = sent.get(header::USER_AGENT).map(text);
    let content_type = sent.get(header::CONTENT_TYPE).map(text);
    let (id, extended) = (
        text(&request.arrival.request_id),
        text(&request.arrival.extended_request_id),
    );
    let mut facts = RequestFacts::new(request.arrival.time);
    facts.method = request.method.as_str();
    facts.path = path;
    facts.raw_query = raw_query;
    facts.query = &query;
    facts.headers = &lines;
    facts.path_parameters = &path_parameters;
    facts.domain_name = host.as_deref();
    facts.source_ip = peer.as_deref();
    facts.user_agent = agent.as_deref();
    // AWS: "HTTP/1.1" whatever the client speaks.
    facts.protocol = "HTTP/1.1";
    facts.request_id = &id;
    facts.extended_request_id = &extended;
    facts.body = body;
    facts.is_binary = stage.binary_media_types.contain(content_type.as_deref());
    let mut out = Vec::new();
    writer.write(&facts, &mut out);
    out
}

fn path_parameters<'a>(resource: &'a ResourcePath, path: &'a str) -> Vec<(&'a str, &'a str)> {
    resource.values(path)
}

/// The client's visible headers under the names that it wrote.
// Recorded: T:test_lambda_aws_proxy_integration — the spelling stays.
fn spelled<'a>(call: &'a Call, sent: &'a HeaderMap) -> Vec<Line<'a>> {
    let is_kept = |name: &HeaderName| {
        !headers::is_invisible(name)
            && name != headers::TRACE_ID
            && name != FORWARDED_FOR
            && name != headers::METHOD_OVERRIDE
    };
    let mut lines: Vec<Line<'a>> = Vec::with_capacity(sent.len() + 5);
    let names = call.request.names.as_ref();
    // Without repeated names the lines and the map are in the same order.
    let mut in_order = names
        .filter(|_| sent.len() == sent.keys_len())
        .map(|names| names.iter());
    for name in sent.keys() {
        let next = in_order.as_mut().and_then(Iterator::next);
        let ordered = next.filter(|line| line.eq_ignore_ascii_case(name.as_str()));
        if !is_kept(name) {
            continue;
        }
        let values = sent.get_all(name).iter();
        match (ordered, names) {
            (Some(line), _) => {
                lines.extend(values.map(|value| (Cow::Borrowed(line), text(value))));
            }
            (None, Some(names)) => {
                let mut written = names
                    .iter()
                    .filter(|line| line.eq_ignore_ascii_case(name.as_str()));
                lines.extend(values.map(|value| {
                    let line = written.next().unwrap_or(name.as_str());
                    (Cow::Borrowed(line), text(value))
                }));
            }
            (None, None) => {
                lines.extend(values.map(|value| (Cow::Borrowed(name.as_str()), text(value))));
            }
        }
    }
    lines
}

/// What a proxy says of the client.
// Recorded: T:test_lambda_aws_proxy_integration — 443 and https, and the client's address behind what
// it sent itself. Chosen: a proxy in front of us knows its port and scheme better.
fn forwarded<'a>(lines: &mut Vec<Line<'a>>, sent: &'a HeaderMap, peer: Option<&'a str>) {
    let mut client = String::new();
    for value in sent.get_all(FORWARDED_FOR) {
        push_item(&mut client, &text(value));
    }
    if let Some(peer) = peer {
        push_item(&mut client, peer);
    }
    if !client.is_empty() {
        lines.push(("X-Forwarded-For".into(), client.into()));
    }
    for (name, spelled, value) in [
        (FORWARDED_PORT, "X-Forwarded-Port", "443"),
        (FORWARDED_PROTO, "X-Forwarded-Proto", "https"),
    ] {
        if !sent.contains_key(name) {
            lines.push((spelled.into(), value.into()));
        }
    }
}

fn push_item(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(item);
}

/// Whether the payload is one that Lambda takes.
// AWS: Lambda quotas, 6 MB each way. Chosen: Lambda's 413 comes to the client as 500, as rest.md
// 5.5 guesses.
pub(crate) fn check_payload(call: &Call, length: usize) -> Result<(), Error> {
    match over_limit(call, length) {
        true => Err(Error::new(
            ErrorKind::Invocation,
            "lambda invocation failed with status: 413; the payload is over the limit of Lambda",
        )),
        false => Ok(()),
    }
}

fn over_limit(call: &Call, length: usize) -> bool {
    let limit = call.plan.stage.limits.function_payload;
    limit.is_some_and(|limit| u64::try_from(length).unwrap_or(u64::MAX) > limit)
}

/// The failure of an invocation that Lambda itself refused.
// Observed: O:31159485353, O:963132508, O:40498839011 — the texts of the execution log.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap) -> Option<Error> {
    if status.is_success() {
        return None;
    }
    let id = request_id_of(headers);
    Some(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::configuration(
            "execution failed due to configuration error: invalid permissions on Lambda function",
        ),
        StatusCode::TOO_MANY_REQUESTS => Error::configuration(format!(
            "lambda invocation failed with status: 429. Lambda request id: {id}; \
             execution failed due to configuration error: rate exceeded"
        )),
        _ => Error::new(
            ErrorKind::Invocation,
            format!(
                "lambda invocation failed with status: {}. Lambda request id: {id}",
                status.as_u16()
            ),
        ),
    })
}

/// The failure of a function, if its answer tells of one.
// Observed: O:31159485353
fn failed(headers: &HeaderMap, output: &[u8]) -> Option<Error> {
    is_failed(headers).then(|| {
        let id = request_id_of(headers);
        let message = error_message(output);
        Error::new(
            ErrorKind::Function,
            format!(
                "lambda execution failed with status 200 due to customer function error: {message}. \
                 Lambda request id: {id}"
            ),
        )
    })
}

/// What the patterns of an integration with a function are matched against.
// Recorded: T:test_lambda_selection_patterns
pub(crate) fn subject(output: &[u8]) -> Cow<'_, str> {
    error_message(output)
}

/// The status and the headers of a streamed answer, by its metadata.
// AWS: response-transfer-mode — what does not conform gives 500.
pub(crate) fn stream_head(
    call: &Call,
    parts: &mut response::Parts,
    metadata: &[u8],
) -> Result<(), Error> {
    let answer = Answer::metadata(metadata).map_err(|reason| malformed_stream(&reason))?;
    head(call, parts, &answer).map_err(|reason| malformed_stream(&reason))
}

/// A stream that does not begin as it must.
pub(crate) fn malformed_stream(reason: &dyn std::fmt::Display) -> Error {
    Error::configuration(format!(
        "execution failed due to configuration error: malformed Lambda streaming response: {reason}"
    ))
}

/// How the data of a streamed answer is framed: as Lambda does, or not at all by a runtime interface
/// emulator or a function in process.
pub(crate) fn frames(headers: &HeaderMap) -> Option<EventStream> {
    let content_type = headers.get(header::CONTENT_TYPE)?.as_bytes();
    content_type
        .starts_with(EventStream::MEDIA_TYPE.as_bytes())
        .then(EventStream::new)
}

/// Whether the answer is an error of the function.
pub(crate) fn is_failed(headers: &HeaderMap) -> bool {
    headers.contains_key(FUNCTION_ERROR)
}

fn malformed(reason: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Function,
        format!(
            "execution failed due to configuration error: malformed Lambda proxy response: {reason}"
        ),
    )
}

/// The answer of a function as the method response.
pub(crate) fn answer(
    call: &Call,
    parts: &mut response::Parts,
    output: &Bytes,
) -> Result<Bytes, Error> {
    if let Some(error) = failed(&parts.headers, output) {
        return Err(error);
    }
    if over_limit(call, output.len()) {
        return Err(Error::new(
            ErrorKind::Function,
            "lambda execution failed: the answer is over the limit of Lambda",
        ));
    }
    let answer = Answer::rest(output).map_err(|reason| malformed(&reason))?;
    head(call, parts, &answer).map_err(|reason| malformed(&reason))?;
    body(call, answer)
}

/// The status and the headers of an answer, over those of the invocation.
fn head(call: &Call, parts: &mut response::Parts, answer: &Answer<'_>) -> Result<(), String> {
    parts.status = answer
        .status_code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .unwrap_or(StatusCode::OK);
    // Recorded: T:test_invocation_trace_id — the client gets the one that Lambda gave.
    let trace = parts.headers.remove(headers::TRACE_ID);
    parts.headers.clear();
    let out = &mut parts.headers;
    // Recorded: T:test_aws_proxy_response_payload_format_validation — the list stands first.
    for (name, value) in answer.multi_value_headers.iter().chain(&answer.headers) {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("{name:?} is no header name"))?;
        let name = match headers::function_response_header(&name) {
            ResponseHeader::Sent => name,
            ResponseHeader::Remapped => headers::remapped(&name),
            ResponseHeader::Dropped => continue,
        };
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("the value of {name} holds a character that a header cannot"))?;
        out.append(name, value);
    }
    if let Some(trace) = &call.request.trace {
        let sent = answer.multi_value_headers.iter().chain(&answer.headers);
        let names = sent.filter_map(|(name, _)| HeaderName::from_bytes(name.as_bytes()).ok());
        tracing::fates(trace, Side::Response, &names.collect::<Vec<_>>(), out);
    }
    for cookie in &answer.cookies {
        let value = HeaderValue::from_bytes(cookie.as_bytes())
            .map_err(|_| "a cookie holds a character that a header cannot".to_owned())?;
        out.append(header::SET_COOKIE, value);
    }
    out.entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    out.insert(
        headers::TRACE_ID,
        trace.unwrap_or_else(|| call.request.arrival.trace.clone()),
    );
    Ok(())
}

// Recorded: T:test_aws_proxy_binary_response — decoded only if the function says so and the client's
// first type is binary.
fn body(call: &Call, answer: Answer<'_>) -> Result<Bytes, Error> {
    let types: &MediaTypes = &call.plan.stage.binary_media_types;
    let accept = call.accept.as_ref().map(text);
    if answer.is_base64_encoded && types.contain(accept.as_deref()) {
        let decoded = STANDARD.decode(answer.body.as_bytes());
        return decoded.map(Bytes::from).map_err(|error| {
            Error::configuration("unable to base64 decode the body").with_source(error)
        });
    }
    Ok(Bytes::from(answer.body.into_owned()))
}
