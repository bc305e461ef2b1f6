//! The integration request: method, URI and headers out of the method request.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Version};

use crate::error::{Error, ErrorKind};
use crate::integration::{IntegrationType, Protocol};
use crate::mapping::call::Call;
use crate::mapping::function;
use crate::mapping::grpc;
use crate::mapping::headers::{self, Mapped};
use crate::mapping::method_request::lossy;
use crate::mapping::parameters::Parameter;
use crate::mapping::plan::Plan;
use crate::mapping::query;
use crate::mapping::tracing;
use crate::trace::Side;

/// Where a request goes on.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// To the backend.
    Send,
    /// To the backend, with another body.
    SendBody(Bytes),
    /// Nowhere: a MOCK answers with this status.
    Answer(i64),
}

/// Turns the head of the method request into that of the integration request.
pub(crate) fn map<B>(
    call: &Call,
    request: &mut Request<B>,
    body: Option<&[u8]>,
) -> Result<Outcome, Error> {
    let plan = &*call.plan;
    // A MOCK sends nothing, so that its mappings have no effect.
    if plan.kind != IntegrationType::Mock {
        refuse(&call.parameters.headers, plan.kind)?;
    }
    let hop = Hop::of(plan, request);
    let payload = function_payload(call, request, body)?;
    let has_body = payload.is_some() || body.is_none_or(|body| !body.is_empty());
    match plan.kind {
        IntegrationType::Mock => {
            let text = lossy(body.unwrap_or_default());
            return crate::mapping::mock::status(&text).map(Outcome::Answer).ok_or_else(|| {
                Error::configuration(
                    "unable to parse statusCode; it should be an integer that is defined in the request template",
                )
            });
        }
        IntegrationType::HttpProxy => match &call.request.trace {
            None => forward_headers(request.headers_mut()),
            Some(trace) => {
                let before: Vec<HeaderName> = request.headers().keys().cloned().collect();
                forward_headers(request.headers_mut());
                request.headers_mut().remove(header::HOST);
                tracing::fates(trace, Side::Request, &before, request.headers());
            }
        },
        IntegrationType::Http | IntegrationType::Aws | IntegrationType::AwsProxy => {
            let content_type = if has_body && plan.kind != IntegrationType::AwsProxy {
                request.headers_mut().remove(header::CONTENT_TYPE)
            } else {
                None
            };
            request.headers_mut().clear();
            if let Some(content_type) = content_type {
                request
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, content_type);
            }
        }
    }
    let out = request.headers_mut();
    // Recorded: T:test_lambda_aws_proxy_integration_request_data_mapping — mappings are ignored.
    let mapped = match plan.kind {
        IntegrationType::AwsProxy => &[][..],
        _ => &call.parameters.headers,
    };
    for parameter in mapped {
        apply(out, parameter, plan.kind)?;
    }
    if let Some(trace) = &call.request.trace {
        let names = mapped.iter();
        let names: Vec<HeaderName> = names.filter_map(|one| one.header.clone()).collect();
        tracing::fates(trace, Side::Request, &names, out);
    }
    // Recorded: T:test_http_integration_with_lambda
    let default = |out: &mut HeaderMap, name: HeaderName, value: &HeaderValue| {
        // There are few names, so that looking at them is cheaper than hashing one.
        if !out.keys().any(|known| *known == name) {
            out.insert(name, value.clone());
        }
    };
    default(
        out,
        header::ACCEPT,
        &HeaderValue::from_static("application/json"),
    );
    default(out, header::USER_AGENT, &plan.stage.user_agent);
    out.insert(headers::API_ID, plan.stage.api_id_header.clone());
    out.insert(headers::TRACE_ID, call.request.arrival.trace.clone());
    if let Some(aws) = &plan.aws {
        aws.headers(call, out, has_body);
    }

    let method = plan.method.as_ref().unwrap_or(&call.request.method);
    *request.method_mut() = method.clone();
    *request.version_mut() = hop.apply(request.headers_mut());
    if let Some(template) = &plan.uri {
        let more = query_string(call);
        let uri = template.build(&|name| call.parameters.path_value(name), &more)?;
        let is_host = |one: &Parameter| one.header == Some(header::HOST) && !one.values.is_empty();
        if !mapped.iter().any(is_host) {
            request
                .headers_mut()
                .insert(header::HOST, template.host(&uri)?);
        }
        *request.uri_mut() = uri;
    }
    Ok(payload.map_or(Outcome::Send, Outcome::SendBody))
}

/// What the connection to the backend is told, beside what belongs to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    // AWS: HTTP/1.1 to the backend, whatever the client speaks.
    Http1,
    WebSocket,
    Http2 {
        /// The client takes trailers.
        trailers: bool,
    },
}

impl Hop {
    fn of<B>(plan: &Plan, request: &Request<B>) -> Self {
        let target = &plan.target;
        match target.protocol {
            Protocol::Http1 if target.websocket && asks_for_websocket(request) => Self::WebSocket,
            Protocol::Http1 => Self::Http1,
            Protocol::Http2 => Self::Http2 {
                trailers: grpc::is_named(request.headers())
                    || names(request.headers(), header::TE, "trailers"),
            },
        }
    }

    fn apply(self, headers: &mut HeaderMap) -> Version {
        match self {
            Self::Http1 => Version::HTTP_11,
            Self::WebSocket => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                Version::HTTP_11
            }
            Self::Http2 { trailers } => {
                if trailers {
                    headers.insert(header::TE, HeaderValue::from_static("trailers"));
                }
                Version::HTTP_2
            }
        }
    }
}

// RFC 6455, 4.1
fn asks_for_websocket<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && names(request.headers(), header::UPGRADE, "websocket")
        && names(request.headers(), header::CONNECTION, "upgrade")
}

/// Whether a header that is a list has a word in it.
fn names(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

/// What a function is sent, where that is not the mapped body.
fn function_payload<B>(
    call: &Call,
    request: &Request<B>,
    body: Option<&[u8]>,
) -> Result<Option<Bytes>, Error> {
    let plan = &*call.plan;
    let Some(invoked) = plan.function() else {
        return Ok(None);
    };
    let body = body.unwrap_or_default();
    let payload = match &invoked.event {
        Some(writer) => {
            let method = plan.method.as_ref().unwrap_or(request.method());
            // Recorded: T:test_lambda_aws_proxy_integration_non_post_method
            if method != Method::POST {
                return Err(Error::new(
                    ErrorKind::Invocation,
                    "a function is invoked with POST; set `httpMethod` of the integration to it",
                ));
            }
            Bytes::from(function::event(call, writer, request.headers(), body))
        }
        // Recorded: T:test_apigateway_header_remapping_aws
        None if body.is_empty() => Bytes::from_static(b"{}"),
        None => {
            function::check_payload(call, body.len())?;
            return Ok(None);
        }
    };
    function::check_payload(call, payload.len())?;
    Ok(Some(payload))
}

/// What a backend is told of the length of a body; `None` is not known in advance. The headers are
/// mapped ones, which hold neither a length nor a transfer coding.
// AWS: known-issues — Content-Length is generated.
pub(crate) fn frame<B>(request: &mut Request<B>, length: Option<u64>) {
    match length {
        Some(0)
            if matches!(
                *request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS
            ) => {}
        Some(length) => {
            request
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        None if request.version() == Version::HTTP_2 => {}
        // Without it a client of hyper leaves out the body of a GET.
        None => {
            request.headers_mut().insert(
                header::TRANSFER_ENCODING,
                HeaderValue::from_static("chunked"),
            );
        }
    }
}

// Recorded: T:test_apigateway_header_remapping_http, _aws
fn refuse(mapped: &[Parameter], kind: IntegrationType) -> Result<(), Error> {
    for parameter in mapped
        .iter()
        .filter(|parameter| !parameter.values.is_empty())
    {
        if let Some(name) = &parameter.header
            && headers::mapped_request_header(name, kind) == Mapped::Refused
        {
            return Err(Error::new(
                ErrorKind::RefusedHeader,
                format!("{} header already present", parameter.name),
            ));
        }
    }
    Ok(())
}

/// Leaves the headers of the client that `HTTP_PROXY` passes on, and `Host`.
fn forward_headers(all: &mut HeaderMap) {
    // RFC 9110, 7.6.1: what `Connection` names goes no further.
    if all.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = all
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
            .filter(headers::connection_may_name)
            .collect();
        for name in named {
            all.remove(name);
        }
    }
    // `Host` is always there, and is replaced when the URI is known: the search finds nothing in
    // most requests.
    let dropped = |name: &&HeaderName| {
        headers::is_invisible(name) || headers::is_not_forwarded(name) && **name != header::HOST
    };
    while let Some(name) = all.keys().find(dropped).cloned() {
        all.remove(name);
    }
    // LocalStack: repeated headers are joined into one line.
    if all.len() > all.keys_len() {
        let repeated: Vec<HeaderName> = all
            .keys()
            .filter(|name| all.get_all(*name).iter().nth(1).is_some())
            .cloned()
            .collect();
        for name in repeated {
            let joined = {
                let values: Vec<&[u8]> = all
                    .get_all(&name)
                    .iter()
                    .map(HeaderValue::as_bytes)
                    .collect();
                values.join(&b","[..])
            };
            if let Ok(value) = HeaderValue::from_bytes(&joined) {
                all.insert(name, value);
            }
        }
    }
}

fn apply(out: &mut HeaderMap, parameter: &Parameter, kind: IntegrationType) -> Result<(), Error> {
    let Some(name) = &parameter.header else {
        return Ok(());
    };
    if headers::mapped_request_header(name, kind) == Mapped::Dropped {
        return Ok(());
    }
    for (index, value) in parameter.values.iter().enumerate() {
        let value = header_value(&parameter.name, value)?;
        if index == 0 {
            out.insert(name.clone(), value);
        } else {
            out.append(name.clone(), value);
        }
    }
    Ok(())
}

/// A mapped value as the value of a header.
// Chosen: a value that would break the framing of a message fails, it is not cut or cleaned.
pub(crate) fn header_value(name: &str, value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|error| {
        Error::configuration(format!(
            "the value mapped to the header {name} holds a character that a header cannot"
        ))
        .with_source(error)
    })
}

/// The pairs behind the query of the URI: the client's for `HTTP_PROXY`, then the mapped ones.
// Recorded: T:test_http_proxy_integration_request_data_mappings — nothing is replaced.
fn query_string(call: &Call) -> Cow<'static, str> {
    let client = match call.plan.kind {
        IntegrationType::HttpProxy => call.request.uri.query().unwrap_or_default(),
        IntegrationType::Http
        | IntegrationType::Mock
        | IntegrationType::Aws
        | IntegrationType::AwsProxy => "",
    };
    if call.plan.kind == IntegrationType::AwsProxy
        || client.is_empty() && call.parameters.query.is_empty()
    {
        return Cow::Borrowed("");
    }
    let mut out = String::with_capacity(client.len() + 32);
    query::push_raw_query(&mut out, client);
    for parameter in &call.parameters.query {
        for value in &parameter.values {
            query::push_pair(&mut out, &parameter.name, value);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use http::Request;

    use super::*;
    use crate::integration::{Integration, Method as ApiMethod};
    use crate::mapping::method_request::{Arrival, MethodRequest, RANDOM_BYTES};
    use crate::mapping::stage::Stage;

    /// The head of the integration request as text: method, URI, headers in order of their names.
    fn mapped(
        integration: &Integration,
        resource: &str,
        request: Request<&str>,
    ) -> Result<String, Error> {
        let stage = Stage::new("s").api_id("api1");
        let plan =
            Arc::new(Plan::compile(integration, &ApiMethod::new("ANY", resource), stage).unwrap());
        let (parts, body) = request.into_parts();
        let facts = Arc::new(MethodRequest {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            version: parts.version,
            names: None,
            peer: None,
            arrival: Arrival::new(SystemTime::UNIX_EPOCH, [0; RANDOM_BYTES], &parts.headers),
            trace: None,
        });
        let mut call = Call::capture(plan, facts, &parts.headers, Some(body.to_owned().into()))?;
        let body = call.map_body(&parts.headers)?;
        let mut request = Request::from_parts(parts, ());
        map(&call, &mut request, Some(&body))?;
        let (parts, ()) = request.into_parts();
        let mut lines: Vec<String> = parts
            .headers
            .iter()
            .filter(|(name, value)| {
                **name != headers::TRACE_ID && **name != headers::API_ID && *value != "b"
            })
            .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        Ok(format!(
            "{} {} {}",
            parts.method,
            parts.uri,
            lines.join(" ")
        ))
    }

    fn request(
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Request<&'static str> {
        let builder = Request::builder().method(method).uri(uri);
        let builder = headers.iter().fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        });
        builder.body(body).unwrap()
    }

    #[test]
    fn http_sends_only_what_is_mapped() {
        let integration = Integration::http("post", "http://b/x?own=1")
            .request_parameter("integration.request.header.X-A", "method.request.header.a")
            .request_parameter("integration.request.header.Host", "'other'")
            .request_parameter("integration.request.header.Via", "'never'")
            .request_parameter(
                "integration.request.querystring.q",
                "method.request.multivaluequerystring.p",
            );
        let headers = [
            ("a", "1"),
            ("a", "2"),
            ("cookie", "c"),
            ("content-type", "text/csv"),
            ("accept", "x/y"),
        ];
        let sent = mapped(
            &integration,
            "/",
            request("GET", "/?p=a&p=b%20c&z=0", &headers, "a,b"),
        )
        .unwrap();
        assert_eq!(
            sent,
            "POST http://b/x?own=1&q=a&q=b%20c accept=application/json content-type=text/csv host=other \
             user-agent=AmazonAPIGateway_api1 x-a=2"
        );
        let empty = mapped(&integration, "/", request("GET", "/", &headers, "")).unwrap();
        assert!(!empty.contains("content-type"), "{empty}");
    }

    #[test]
    fn http_proxy_forwards_the_client() {
        let integration = Integration::http_proxy("http://b/v/{rest}?own=1")
            .request_parameter("integration.request.path.rest", "method.request.path.p")
            .request_parameter("integration.request.header.x-a", "'mapped'")
            .request_parameter("integration.request.querystring.z", "'2'");
        let headers = [
            ("host", "api"),
            ("x-a", "client"),
            ("connection", "x-hop, host, close"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("via", "1.1 p"),
            ("content-encoding", "gzip"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("user-agent", "ua"),
        ];
        let sent = mapped(
            &integration,
            "/{p+}",
            request("PUT", "/a%2Fb/c?z=1&y=%20", &headers, ""),
        )
        .unwrap();
        assert_eq!(
            sent,
            "PUT http://b/v/a%2Fb/c?own=1&z=1&y=%20&z=2 accept=application/json cookie=a=1,b=2 user-agent=ua x-a=mapped"
        );
    }

    #[test]
    fn headers_of_the_gateway_are_refused() {
        for name in [
            "Content-Length",
            "transfer-encoding",
            "X-Amzn-Trace-Id",
            "X-Amzn-Apigateway-Api-Id",
        ] {
            let key = format!("integration.request.header.{name}");
            for integration in [
                Integration::http("GET", "http://b/"),
                Integration::http_proxy("http://b/"),
            ] {
                let mapped_to = |source: &str| {
                    let integration = integration.clone().request_parameter(&key, source);
                    mapped(&integration, "/", request("GET", "/", &[], ""))
                };
                assert_eq!(
                    mapped_to("'1'").unwrap_err().kind(),
                    ErrorKind::RefusedHeader,
                    "{name}"
                );
                // Without a value nothing is mapped.
                assert!(mapped_to("method.request.header.none").is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn overrides_go_over_mapped_parameters() {
        let integration = Integration::http("GET", "http://b/{id}")
            .request_parameter("integration.request.path.id", "'mapped'")
            .request_parameter("integration.request.header.X-A", "'mapped'")
            .request_template(
                "application/json",
                "#set($context.requestOverride.path.id = \"a/b\")\
                 #set($context.requestOverride.header.X-A = \"over\")\
                 #set($context.requestOverride.header.X-B = [\"1\", \"2\"])\
                 #set($context.requestOverride.querystring.q = \"é\")",
            );
        let sent = mapped(&integration, "/", request("GET", "/", &[], "")).unwrap();
        assert_eq!(
            sent,
            "GET http://b/a/b?q=%C3%A9 accept=application/json user-agent=AmazonAPIGateway_api1 x-a=over x-b=1 x-b=2"
        );
    }

    #[test]
    fn a_value_that_is_no_header_fails() {
        let integration = Integration::http("GET", "http://b/").request_parameter(
            "integration.request.header.x",
            "method.request.querystring.v",
        );
        let error = mapped(&integration, "/", request("GET", "/?v=a%0D%0Ab", &[], "")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
}
