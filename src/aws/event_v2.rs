//! The event of a proxy integration with a function, payload format 2.0.

use std::collections::BTreeMap;

use crate::aws::event::{ApiFacts, RequestFacts, push_items};
use crate::aws::json::{push_key, push_object, push_string};
use crate::template::common_log_time;

/// Writes events of payload format 2.0, which HTTP APIs send.
///
/// No integration of a REST document sends it; it is here for functions that expect it.
///
/// ```
/// use std::time::SystemTime;
/// use tower_apigw::aws::{ApiFacts, HttpEvent, RequestFacts};
///
/// let event = HttpEvent::new(&ApiFacts::default(), "GET /pets");
/// let mut facts = RequestFacts::new(SystemTime::UNIX_EPOCH);
/// facts.path = "/pets";
/// let mut out = Vec::new();
/// event.write(&facts, &mut out);
/// let event: serde_json::Value = serde_json::from_slice(&out)?;
/// assert_eq!(event["version"], "2.0");
/// assert_eq!(event["requestContext"]["http"]["path"], "/pets");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpEvent {
    route_key: String,
    stage: String,
    account_id: String,
    api_id: String,
    stage_variables: Vec<(String, String)>,
}

/// The stage without a name in the path.
const DEFAULT_STAGE: &str = "$default";

impl HttpEvent {
    /// A writer for the events of one route, such as `GET /pets/{petId}` or `$default`.
    pub fn new(api: &ApiFacts<'_>, route_key: impl Into<String>) -> Self {
        Self {
            route_key: route_key.into(),
            stage: match api.stage {
                "" => DEFAULT_STAGE.to_owned(),
                stage => stage.to_owned(),
            },
            account_id: api.account_id.to_owned(),
            api_id: api.api_id.to_owned(),
            stage_variables: api.stage_variables.to_vec(),
        }
    }

    /// Appends the event of one request to `out`. What a request does not have has no member.
    // AWS: http-api-develop-integrations-lambda, "Payload format version 2.0".
    pub fn write(&self, request: &RequestFacts<'_>, out: &mut Vec<u8>) {
        let path = match self.stage.as_str() {
            DEFAULT_STAGE => request.path.to_owned(),
            stage => format!("/{stage}{}", request.path),
        };
        out.push(b'{');
        let text = |out: &mut Vec<u8>, name: &str, value: &str| {
            push_key(out, name);
            push_string(out, value);
        };
        text(out, "version", "2.0");
        text(out, "routeKey", &self.route_key);
        text(out, "rawPath", &path);
        text(out, "rawQueryString", request.raw_query);
        let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
        let mut cookies = request
            .headers
            .iter()
            .filter(|(name, _)| is_cookie(name))
            .flat_map(|(_, value)| value.split(';'))
            .map(str::trim)
            .filter(|cookie| !cookie.is_empty())
            .peekable();
        if cookies.peek().is_some() {
            push_key(out, "cookies");
            out.push(b'[');
            push_items(out, cookies);
            out.push(b']');
        }
        // "Duplicate headers are combined with commas"; names are in lower case.
        let lines = request.headers.iter().filter(|(name, _)| !is_cookie(name));
        let headers = joined(lines.map(|(name, value)| (name.to_ascii_lowercase(), &**value)));
        push_key(out, "headers");
        match headers.is_empty() {
            true => out.extend_from_slice(b"{}"),
            false => push_joined(out, &headers),
        }
        let pairs = request.query.iter();
        let query = joined(pairs.map(|(name, value)| (name.clone(), value.as_str())));
        if !query.is_empty() {
            push_key(out, "queryStringParameters");
            push_joined(out, &query);
        }
        push_key(out, "requestContext");
        out.push(b'{');
        text(out, "accountId", &self.account_id);
        text(out, "apiId", &self.api_id);
        if let Some(domain) = request.domain_name {
            text(out, "domainName", domain);
            text(
                out,
                "domainPrefix",
                domain.split('.').next().unwrap_or_default(),
            );
        }
        push_key(out, "http");
        out.push(b'{');
        text(out, "method", request.method);
        text(out, "path", &path);
        text(out, "protocol", request.protocol);
        text(out, "sourceIp", request.source_ip.unwrap_or_default());
        text(out, "userAgent", request.user_agent.unwrap_or_default());
        out.push(b'}');
        text(out, "requestId", request.request_id);
        text(out, "routeKey", &self.route_key);
        text(out, "stage", &self.stage);
        text(out, "time", &common_log_time(request.time));
        push_key(out, "timeEpoch");
        out.extend_from_slice(request.millis().to_string().as_bytes());
        out.push(b'}');
        if !request.body.is_empty() {
            push_key(out, "body");
            request.push_full_body(out);
        }
        if !request.path_parameters.is_empty() {
            push_key(out, "pathParameters");
            push_object(out, request.path_parameters.iter().copied());
        }
        push_key(out, "isBase64Encoded");
        let binary = request.is_binary && !request.body.is_empty();
        out.extend_from_slice(if binary { b"true" } else { b"false" });
        if !self.stage_variables.is_empty() {
            push_key(out, "stageVariables");
            let variables = self.stage_variables.iter();
            push_object(
                out,
                variables.map(|(name, value)| (name.as_str(), value.as_str())),
            );
        }
        out.push(b'}');
    }
}

fn joined<'a>(pairs: impl Iterator<Item = (String, &'a str)>) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        out.entry(name)
            .and_modify(|known| {
                known.push(',');
                known.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    out
}

fn push_joined(out: &mut Vec<u8>, pairs: &BTreeMap<String, String>) {
    push_object(
        out,
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
}
