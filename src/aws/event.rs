//! The event of a proxy integration with a function, payload format 1.0.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::aws::json::{push_escaped, push_key, push_object, push_optional, push_string};
use crate::template::common_log_time;

/// What every event of one method has in common.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ApiFacts<'a> {
    /// The id of the resource.
    pub resource_id: &'a str,
    /// The resource path, such as `/pets/{petId}`.
    pub resource_path: &'a str,
    /// The `operationId` of the method.
    pub operation_name: Option<&'a str>,
    /// The id of the account.
    pub account_id: &'a str,
    /// The id of the API.
    pub api_id: &'a str,
    /// The id of the deployment.
    pub deployment_id: &'a str,
    /// The name of the stage.
    pub stage: &'a str,
    /// The stage variables.
    pub stage_variables: &'a [(String, String)],
    /// Whether the method asks for an API key, so that the event has a place for it.
    pub api_key_required: bool,
}

/// One request, as a function is told of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestFacts<'a> {
    /// The client's method.
    pub method: &'a str,
    /// The path without the stage, as the client encoded it.
    pub path: &'a str,
    /// The query as the client encoded it.
    pub raw_query: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// Header lines; see [`sort_headers`](Self::sort_headers).
    pub headers: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// Path parameters, as the client encoded them.
    pub path_parameters: &'a [(&'a str, &'a str)],
    /// The host that the client asked.
    pub domain_name: Option<&'a str>,
    /// The address of the client.
    pub source_ip: Option<&'a str>,
    /// The client's `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `HTTP/1.1`, whatever the client speaks.
    pub protocol: &'a str,
    /// The id of the request.
    pub request_id: &'a str,
    /// The extended id of the request.
    pub extended_request_id: &'a str,
    /// When the request arrived.
    pub time: SystemTime,
    /// The client's body.
    pub body: &'a [u8],
    /// Whether the body goes as base64.
    pub is_binary: bool,
}

impl RequestFacts<'_> {
    /// A `GET /` of `time`, to be filled in.
    pub fn new(time: SystemTime) -> Self {
        Self {
            method: "GET",
            path: "/",
            raw_query: "",
            query: &[],
            headers: &[],
            path_parameters: &[],
            domain_name: None,
            source_ip: None,
            user_agent: None,
            protocol: "HTTP/1.1",
            request_id: "",
            extended_request_id: "",
            time,
            body: &[],
            is_binary: false,
        }
    }

    /// Brings header lines into the order of API Gateway's events: by name without regard to case,
    /// the lines of one name as they came.
    // Observed: O:29478614474, O:27628405769
    pub fn sort_headers(headers: &mut [(Cow<'_, str>, Cow<'_, str>)]) {
        let lower = |name: &str, at: usize| name.as_bytes().get(at).map(u8::to_ascii_lowercase);
        headers.sort_by(|(a, _), (b, _)| {
            // Most names differ in their first letters.
            let differs = (0..a.len().max(b.len())).find(|&at| lower(a, at) != lower(b, at));
            match differs {
                Some(at) => lower(a, at).cmp(&lower(b, at)),
                None => a.cmp(b),
            }
        });
    }

    pub(crate) fn millis(&self) -> u128 {
        let age = self.time.duration_since(SystemTime::UNIX_EPOCH);
        age.unwrap_or(Duration::ZERO).as_millis()
    }

    /// The body as the member `"body"` has it: null when there is none.
    pub(crate) fn push_body(&self, out: &mut Vec<u8>) {
        if self.body.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            self.push_full_body(out);
        }
    }

    /// The same for a body that is not empty.
    pub(crate) fn push_full_body(&self, out: &mut Vec<u8>) {
        if self.is_binary {
            out.push(b'"');
            let start = out.len();
            out.resize(start + self.body.len().div_ceil(3) * 4, 0);
            // The room is that of the padded text.
            let _ = STANDARD.encode_slice(self.body, out.get_mut(start..).unwrap_or_default());
            out.push(b'"');
        } else {
            match std::str::from_utf8(self.body) {
                Ok(text) => push_string(out, text),
                Err(_) => push_string(out, &String::from_utf8_lossy(self.body)),
            }
        }
    }
}

/// Writes events of payload format 1.0, which REST APIs send.
///
/// What is the same in all events of a method is written once, here.
///
/// ```
/// use std::time::SystemTime;
/// use tower_apigw::aws::{ApiFacts, RequestFacts, RestEvent};
///
/// let event = RestEvent::new(&ApiFacts::default());
/// let mut facts = RequestFacts::new(SystemTime::UNIX_EPOCH);
/// facts.path = "/pets";
/// facts.body = b"hello";
/// let mut out = Vec::new();
/// event.write(&facts, &mut out);
/// let event: serde_json::Value = serde_json::from_slice(&out)?;
/// assert_eq!(event["path"], "/pets");
/// assert_eq!(event["body"], "hello");
/// assert_eq!(event["requestContext"]["requestTimeEpoch"], 0);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RestEvent {
    /// Up to the path.
    head: Vec<u8>,
    /// From the stage variables to the method in the request context.
    variables: Vec<u8>,
    /// `"accountId":"…",`
    account: Vec<u8>,
    /// `/stage`, escaped.
    stage_path: Vec<u8>,
    /// `"stage":"…",`
    stage: Vec<u8>,
    api_key: bool,
    /// From the deployment to the body.
    tail: Vec<u8>,
}

impl RestEvent {
    /// A writer for the events of one method.
    // Observed: O:5270803061, O:36275093982 — the order of the members.
    pub fn new(api: &ApiFacts<'_>) -> Self {
        let mut head = b"{".to_vec();
        push_key(&mut head, "resource");
        push_string(&mut head, api.resource_path);
        push_key(&mut head, "path");

        let mut variables = b",\"stageVariables\":".to_vec();
        let pairs = api.stage_variables.iter();
        push_object(
            &mut variables,
            pairs.map(|(name, value)| (name.as_str(), value.as_str())),
        );
        variables.extend_from_slice(b",\"requestContext\":{");
        push_key(&mut variables, "resourceId");
        push_string(&mut variables, api.resource_id);
        push_key(&mut variables, "resourcePath");
        push_string(&mut variables, api.resource_path);
        if let Some(name) = api.operation_name {
            push_key(&mut variables, "operationName");
            push_string(&mut variables, name);
        }
        push_key(&mut variables, "httpMethod");

        let mut account = Vec::new();
        push_key(&mut account, "accountId");
        push_string(&mut account, api.account_id);
        push_key(&mut account, "protocol");

        let mut stage_path = b"/".to_vec();
        push_escaped(&mut stage_path, api.stage);
        let mut stage = Vec::new();
        push_key(&mut stage, "stage");
        push_string(&mut stage, api.stage);

        let mut tail = Vec::new();
        push_key(&mut tail, "deploymentId");
        push_string(&mut tail, api.deployment_id);
        push_key(&mut tail, "apiId");
        push_string(&mut tail, api.api_id);
        tail.push(b'}');
        push_key(&mut tail, "body");
        Self {
            head,
            variables,
            account,
            stage_path,
            stage,
            api_key: api.api_key_required,
            tail,
        }
    }

    /// Appends the event of one request to `out`.
    pub fn write(&self, request: &RequestFacts<'_>, out: &mut Vec<u8>) {
        let headers: usize = request
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum();
        out.reserve(1200 + 2 * headers + request.body.len() + request.body.len() / 2);
        out.extend_from_slice(&self.head);
        // Recorded: T:test_lambda_aws_proxy_integration — slashes in front count as one.
        let path = match request.path.strip_prefix("//") {
            Some(_) => {
                let rest = request.path.trim_start_matches('/').len();
                let from = request.path.len().saturating_sub(rest + 1);
                request.path.get(from..).unwrap_or(request.path)
            }
            None => request.path,
        };
        push_string(out, path);
        out.extend_from_slice(b",\"httpMethod\":");
        push_string(out, request.method);
        out.extend_from_slice(b",\"headers\":");
        push_last(out, request.headers);
        out.extend_from_slice(b",\"multiValueHeaders\":");
        push_lists(out, request.headers);
        out.extend_from_slice(b",\"queryStringParameters\":");
        self.push_query(out, request.query);
        out.extend_from_slice(b",\"pathParameters\":");
        push_object(out, request.path_parameters.iter().copied());
        out.extend_from_slice(&self.variables);
        push_string(out, request.method);
        self.push_context(out, request);
        out.extend_from_slice(&self.tail);
        request.push_body(out);
        out.extend_from_slice(if request.is_binary && !request.body.is_empty() {
            b",\"isBase64Encoded\":true}"
        } else {
            b",\"isBase64Encoded\":false}"
        });
    }

    fn push_query(&self, out: &mut Vec<u8>, query: &[(String, String)]) {
        if query.is_empty() {
            out.extend_from_slice(b"null,\"multiValueQueryStringParameters\":null");
            return;
        }
        // In the order in which the names first appear.
        let first = |index: usize, name: &String| {
            !query.iter().take(index).any(|(earlier, _)| earlier == name)
        };
        let names = || {
            let named = query.iter().enumerate();
            named
                .filter(move |(index, (name, _))| first(*index, name))
                .map(|(_, (name, _))| name)
        };
        out.push(b'{');
        for name in names() {
            push_key(out, name);
            let last = query.iter().rev().find(|(known, _)| known == name);
            push_string(out, last.map_or("", |(_, value)| value));
        }
        out.extend_from_slice(b"},\"multiValueQueryStringParameters\":{");
        for name in names() {
            push_key(out, name);
            out.push(b'[');
            let values = query.iter().filter(|(known, _)| known == name);
            push_items(out, values.map(|(_, value)| value.as_str()));
            out.push(b']');
        }
        out.push(b'}');
    }

    fn push_context(&self, out: &mut Vec<u8>, request: &RequestFacts<'_>) {
        push_key(out, "extendedRequestId");
        push_string(out, request.extended_request_id);
        push_key(out, "requestTime");
        push_string(out, &common_log_time(request.time));
        push_key(out, "path");
        out.push(b'"');
        out.extend_from_slice(&self.stage_path);
        push_escaped(out, request.path);
        out.push(b'"');
        out.extend_from_slice(&self.account);
        push_string(out, request.protocol);
        out.extend_from_slice(&self.stage);
        let domain = request.domain_name;
        push_key(out, "domainPrefix");
        push_optional(out, domain.and_then(|name| name.split('.').next()));
        push_key(out, "requestTimeEpoch");
        let millis = u64::try_from(request.millis()).unwrap_or(u64::MAX);
        out.extend_from_slice(itoa::Buffer::new().format(millis).as_bytes());
        push_key(out, "requestId");
        push_string(out, request.request_id);
        self.push_identity(out, request);
        push_key(out, "domainName");
        push_optional(out, domain);
    }

    // Recorded: T:test_sqs_amz_json_protocol; observed: O:5270803061, O:36275093982 with a key.
    fn push_identity(&self, out: &mut Vec<u8>, request: &RequestFacts<'_>) {
        let (head, middle, tail): (&[u8], &[u8], &[u8]) = if self.api_key {
            (
                b",\"identity\":{\"cognitoIdentityPoolId\":null,\"cognitoIdentityId\":null,\"apiKey\":null,\"principalOrgId\":null,\"cognitoAuthenticationType\":null,\"userArn\":null,\"apiKeyId\":null,\"userAgent\":",
                b",\"accountId\":null,\"caller\":null,\"sourceIp\":",
                b",\"accessKey\":null,\"cognitoAuthenticationProvider\":null,\"user\":null}",
            )
        } else {
            (
                b",\"identity\":{\"cognitoIdentityPoolId\":null,\"accountId\":null,\"cognitoIdentityId\":null,\"caller\":null,\"sourceIp\":",
                b",\"principalOrgId\":null,\"accessKey\":null,\"cognitoAuthenticationType\":null,\"cognitoAuthenticationProvider\":null,\"userArn\":null,\"userAgent\":",
                b",\"user\":null}",
            )
        };
        let (first, second) = match self.api_key {
            true => (request.user_agent, request.source_ip),
            false => (request.source_ip, request.user_agent),
        };
        out.extend_from_slice(head);
        push_optional(out, first);
        out.extend_from_slice(middle);
        push_optional(out, second);
        out.extend_from_slice(tail);
    }
}

type Line<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The lines of one name after the other; they are sorted.
fn groups<'l, 'a>(lines: &'l [Line<'a>]) -> impl Iterator<Item = &'l [Line<'a>]> {
    lines.chunk_by(|(a, _), (b, _)| a == b)
}

fn push_last(out: &mut Vec<u8>, lines: &[Line<'_>]) {
    let last = groups(lines).filter_map(|group| group.last());
    push_object(out, last.map(|(name, value)| (&**name, &**value)));
}

fn push_lists(out: &mut Vec<u8>, lines: &[Line<'_>]) {
    if lines.is_empty() {
        out.extend_from_slice(b"null");
        return;
    }
    out.push(b'{');
    for group in groups(lines) {
        push_key(out, group.first().map_or("", |(name, _)| name));
        out.push(b'[');
        push_items(out, group.iter().map(|(_, value)| &**value));
        out.push(b']');
    }
    out.push(b'}');
}

pub(crate) fn push_items<'a>(out: &mut Vec<u8>, items: impl IntoIterator<Item = &'a str>) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_string(out, item);
    }
}
