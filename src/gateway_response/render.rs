//! The gateway responses of an API, compiled, and their rendering.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::error::{Error, ErrorKind};
use crate::gateway_response::kind::{Family, GatewayResponseType, type_of};
use crate::gateway_response::template::{ErrorContext, Substitution};
use crate::integration::GatewayResponse;
use crate::mapping::{
    DEADLINE_EXCEEDED, Destination, ERROR_TYPE, ExpressionSide, Facts, GRPC_CONTENT_TYPE,
    GRPC_MESSAGE, GRPC_STATUS, PlanError, RESOURCE_EXHAUSTED, Source, TRACE_ID, UNIMPLEMENTED,
    destination, grpc_message, grpc_status_of,
};
use crate::template::Context;
use crate::trace::{Rule, Step};

/// The gateway responses of an API.
///
/// The default has none of its own, so that every failure looks as API Gateway's.
#[derive(Debug, Clone, Default)]
pub struct GatewayResponses {
    custom: HashMap<GatewayResponseType, Custom>,
    reads_request: bool,
    warnings: Vec<Diagnostic>,
}

#[derive(Debug, Clone)]
struct Custom {
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, Source)>,
    /// Bodies by media type, in the order written; empty for the default body.
    templates: Vec<(String, Substitution)>,
}

impl GatewayResponses {
    /// Compiles entries by the name of their type.
    ///
    /// # Errors
    /// All mistakes at once; the pointers start at the object that holds the entries.
    pub fn compile<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a GatewayResponse)>,
    ) -> Result<Self, PlanError> {
        let mut findings = Vec::new();
        let mut custom = HashMap::new();
        for (name, entry) in entries {
            let pointer = format!("/{}", pointer_token(name));
            match name.parse::<GatewayResponseType>() {
                Ok(kind) => {
                    custom.insert(kind, compile_entry(entry, &pointer, &mut findings));
                }
                Err(message) => {
                    let names: Vec<&str> = GatewayResponseType::ALL
                        .iter()
                        .map(|kind| kind.as_str())
                        .collect();
                    findings.push(
                        Diagnostic::error("gateway-response-type", &pointer, message)
                            .help(format!("write one of {}", names.join(", "))),
                    );
                }
            }
        }
        if findings.iter().any(Diagnostic::is_error) {
            return Err(PlanError {
                findings,
                of_models: 0,
            });
        }
        let reads = |custom: &Custom| {
            !custom.headers.is_empty()
                || custom
                    .templates
                    .iter()
                    .any(|(_, body)| body.reads_request())
        };
        let reads_request = custom.values().any(reads);
        Ok(Self {
            custom,
            reads_request,
            warnings: findings,
        })
    }

    /// What may not mean what its author thinks.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The status of a type.
    pub fn status(&self, kind: GatewayResponseType) -> StatusCode {
        self.find(kind)
            .and_then(|custom| custom.status)
            .unwrap_or_else(|| kind.default_status())
    }

    /// Whether a response reads the request, so that its head has to be kept.
    pub(crate) fn reads_request(&self) -> bool {
        self.reads_request
    }

    // Recorded: T:test_gateway_response_put — a type with an entry of its own ignores the defaults.
    fn find(&self, kind: GatewayResponseType) -> Option<&Custom> {
        self.custom
            .get(&kind)
            .or_else(|| self.custom.get(&kind.family_default()))
    }

    /// What a trace is told of a failed request.
    pub(crate) fn failure(&self, error: &Error) -> Step {
        let kind = type_of(error.kind());
        let default = kind.family_default();
        let (answers, rule) = if is_before_the_api(error.kind()) {
            (kind, Rule::BeforeTheApi)
        } else if self.custom.contains_key(&kind) {
            (kind, Rule::CustomizedType)
        } else if self.custom.contains_key(&default) {
            (default, Rule::CustomizedDefault)
        } else {
            (kind, Rule::UncustomizedType)
        };
        Step::Failure {
            kind: format!("{:?}", error.kind()),
            message: error.message().to_owned(),
            cause: std::error::Error::source(error).map(ToString::to_string),
            response_type: kind.as_str().to_owned(),
            gateway_response: answers.as_str().to_owned(),
            rule,
        }
    }

    /// The answer to a failed request.
    pub(crate) fn render(&self, error: &Error, facts: &Facts<'_>) -> Response<Bytes> {
        let kind = type_of(error.kind());
        let message = message(error, kind);
        let context_of_error = ErrorContext {
            message: message.as_deref(),
            response_type: kind.as_str(),
            validation: error.validation(),
        };
        let custom = match is_before_the_api(error.kind()) {
            true => None,
            false => self.find(kind),
        };
        let status = custom
            .and_then(|custom| custom.status)
            .unwrap_or_else(|| status(error.kind(), kind));
        let mut response = Response::new(default_body(kind, message.as_deref()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(ERROR_TYPE, HeaderValue::from_static(kind.error_type()));
        if carries_trace(error.kind()) {
            headers.insert(TRACE_ID, facts.request.arrival.trace.clone());
        }
        if let Some(custom) = custom {
            let context = if self.reads_request {
                facts.context()
            } else {
                &Context::default()
            };
            custom.apply(&mut response, facts, context, &context_of_error);
        }
        response
    }

    /// The same for a client that speaks gRPC: an answer without messages.
    pub(crate) fn render_grpc(&self, error: &Error, facts: &Facts<'_>) -> Response<Bytes> {
        let mut response = self.render(error, facts).map(|_| Bytes::new());
        let status = grpc_status(error.kind(), response.status());
        let message = message(error, type_of(error.kind()));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, GRPC_CONTENT_TYPE);
        headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(status)));
        headers.insert(GRPC_MESSAGE, grpc_message(&message.unwrap_or_default()));
        response
    }
}

// AWS: a request that is too large is answered before the API is known.
fn is_before_the_api(kind: ErrorKind) -> bool {
    use ErrorKind::{HeadersTooLarge, RequestTooLarge, UriTooLong};
    matches!(kind, RequestTooLarge | UriTooLong | HeadersTooLarge)
}

// Chosen: what gRPC has a status of its own for, then what it makes of the status of HTTP.
fn grpc_status(kind: ErrorKind, http: StatusCode) -> u8 {
    match kind {
        ErrorKind::Timeout => DEADLINE_EXCEEDED,
        ErrorKind::NoRoute => UNIMPLEMENTED,
        ErrorKind::RequestTooLarge | ErrorKind::HeadersTooLarge | ErrorKind::ResponseTooLarge => {
            RESOURCE_EXHAUSTED
        }
        _ => grpc_status_of(http),
    }
}

impl Custom {
    fn apply(
        &self,
        response: &mut Response<Bytes>,
        facts: &Facts<'_>,
        context: &Context,
        error: &ErrorContext<'_>,
    ) {
        let accept = facts
            .headers
            .map
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok());
        if let Some((media_type, template)) = self.template(accept) {
            *response.body_mut() = Bytes::from(template.render(facts, context, error));
            if let Ok(media_type) = HeaderValue::from_str(media_type) {
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, media_type);
            }
        }
        for (name, source) in &self.headers {
            let value = match source {
                Source::Context(path) => match path.strip_prefix("error.") {
                    Some(name) => error.get(name).map(|text| text.into_owned()),
                    None => facts.text_of(source, context),
                },
                _ => facts.text_of(source, context),
            };
            // A value that no header can hold is left out: an error must not fail in turn.
            if let Some(value) =
                value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok())
            {
                response.headers_mut().insert(name.clone(), value);
            }
        }
    }

    /// As response templates are chosen: by the first type of `Accept`, then JSON, then the first.
    fn template(&self, accept: Option<&str>) -> Option<(&str, &Substitution)> {
        let wanted =
            accept.map(|accept| accept.split([',', ';']).next().unwrap_or_default().trim());
        let find = |media_type: &str| {
            self.templates
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(media_type))
        };
        wanted
            .and_then(find)
            .or_else(|| find("application/json"))
            .or_else(|| self.templates.first())
            .map(|(media_type, template)| (media_type.as_str(), template))
    }
}

fn compile_entry(entry: &GatewayResponse, pointer: &str, findings: &mut Vec<Diagnostic>) -> Custom {
    let status = entry.status_code.as_ref().and_then(|text| {
        let status = text
            .parse()
            .ok()
            .filter(|status| (200..600).contains(status));
        let status = status.and_then(|status: u16| StatusCode::from_u16(status).ok());
        if status.is_none() {
            let place = format!("{pointer}/statusCode");
            findings.push(
                Diagnostic::error("status-code", place, format!("{text:?} is no status"))
                    .help("write three digits, from 200 to 599"),
            );
        }
        status
    });
    let mut headers = Vec::new();
    for (to, from) in &entry.response_parameters {
        let place = format!("{pointer}/responseParameters/{}", pointer_token(to));
        let target = match destination(to, ExpressionSide::GatewayResponse) {
            Ok((Destination::Header, name)) => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Some(name),
                Err(_) => {
                    findings.push(Diagnostic::error(
                        "mapping-destination",
                        &place,
                        format!("{name:?} is no header name"),
                    ));
                    None
                }
            },
            Ok((Destination::QueryString | Destination::Path, _)) => {
                findings.push(
                    Diagnostic::warning(
                        "mapping-destination",
                        &place,
                        "a response has no query and no path",
                    )
                    .help("write `gatewayresponse.header.NAME`"),
                );
                None
            }
            Err(error) => {
                let mut finding = Diagnostic::error("mapping-destination", &place, error.message);
                finding.help = error.help;
                findings.push(finding);
                None
            }
        };
        match Source::parse(from, ExpressionSide::GatewayResponse) {
            Ok(source) => headers.extend(target.map(|name| (name, source))),
            Err(error) => {
                let mut finding = Diagnostic::error("mapping-expression", &place, error.message);
                finding.help = error.help;
                findings.push(finding);
            }
        }
    }
    let templates = entry
        .response_templates
        .iter()
        .map(|(media_type, text)| (media_type.clone(), Substitution::parse(text)))
        .collect();
    Custom {
        status,
        headers,
        templates,
    }
}

/// What `$context.error` says of a failure.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) message: Option<String>,
    pub(crate) response_type: &'static str,
    pub(crate) validation: Option<String>,
}

/// What `$context.error` says of a failure.
pub(crate) fn describe(error: &Error) -> Described {
    let kind = type_of(error.kind());
    Described {
        message: message(error, kind),
        response_type: kind.as_str(),
        validation: error.validation().map(str::to_owned),
    }
}

/// `$context.error.message`
fn message(error: &Error, kind: GatewayResponseType) -> Option<String> {
    match error.kind() {
        ErrorKind::MissingParameters => Some(format!(
            "Missing required request parameters: [{}]",
            error.message()
        )),
        // Recorded (LocalStack).
        ErrorKind::BrokenJson => Some("Invalid JSON in request body".into()),
        // Recorded: 2015; only the start of the text is the same everywhere.
        ErrorKind::BrokenPayload => Some("Could not process payload".into()),
        ErrorKind::UriTooLong => Some("Request URI too long".into()),
        ErrorKind::HeadersTooLarge => Some("HTTP header is larger than 10240 bytes.".into()),
        // Chosen: API Gateway's own answer to it is not known.
        ErrorKind::RequestTimeout => Some("Request timed out".into()),
        ErrorKind::Unsupported => Some(error.message().into()),
        ErrorKind::Invocation => Some("Internal server error".into()),
        _ => kind.message().map(str::to_owned),
    }
}

fn status(kind: ErrorKind, response_type: GatewayResponseType) -> StatusCode {
    match kind {
        ErrorKind::UriTooLong => StatusCode::URI_TOO_LONG,
        ErrorKind::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorKind::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        // Observed: O:31159485353
        ErrorKind::Function => StatusCode::BAD_GATEWAY,
        // Recorded: not the 504 of the type.
        ErrorKind::Invocation => StatusCode::INTERNAL_SERVER_ERROR,
        _ => response_type.default_status(),
    }
}

fn default_body(kind: GatewayResponseType, message: Option<&str>) -> Bytes {
    let message = message.map_or_else(
        || "null".into(),
        |text| serde_json::Value::from(text).to_string(),
    );
    Bytes::from(match kind.family() {
        Family::Engine => format!("{{\"message\": {message}}}"),
        Family::Front => format!("{{\"message\":{message}}}"),
        Family::Denied => format!("{{\"Message\":{message}}}"),
    })
}

// Observed: on errors raised after validation starts; recorded: not on refused mapped headers, nor on
// those of the front.
fn carries_trace(kind: ErrorKind) -> bool {
    kind != ErrorKind::RefusedHeader && type_of(kind).family() == Family::Engine
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use http::{HeaderMap, Method, Uri, Version};

    use super::*;
    use crate::mapping::{Arrival, MethodRequest, RANDOM_BYTES, Stage};

    fn render(
        responses: &GatewayResponses,
        error: &Error,
        headers: &HeaderMap,
    ) -> Response<String> {
        let request = MethodRequest {
            method: Method::POST,
            uri: Uri::from_static("/pets?x=1"),
            version: Version::HTTP_11,
            names: None,
            peer: None,
            arrival: Arrival::new(SystemTime::UNIX_EPOCH, [7; RANDOM_BYTES], headers),
            trace: None,
        };
        let stage = Stage::new("prod").variable("team", "blue");
        let facts = Facts::new(&request, headers, &stage, None, None);
        responses
            .render(error, &facts)
            .map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn default_bodies_to_the_byte() {
        // Recorded or observed, by length: rest of the table follows its family.
        for (kind, status, body, trace) in [
            (
                ErrorKind::NoRoute,
                403,
                r#"{"message":"Missing Authentication Token"}"#,
                false,
            ),
            (
                ErrorKind::Configuration,
                500,
                r#"{"message": "Internal server error"}"#,
                true,
            ),
            (
                ErrorKind::RefusedHeader,
                500,
                r#"{"message": "Internal server error"}"#,
                false,
            ),
            (
                ErrorKind::InvalidBody,
                400,
                r#"{"message": "Invalid request body"}"#,
                true,
            ),
            (
                ErrorKind::Timeout,
                504,
                r#"{"message": "Endpoint request timed out"}"#,
                true,
            ),
            (
                ErrorKind::Network,
                504,
                r#"{"message": "Network error communicating with endpoint"}"#,
                true,
            ),
            (
                ErrorKind::UnsupportedMediaType,
                415,
                r#"{"message": "Unsupported Media Type"}"#,
                true,
            ),
            (
                ErrorKind::BrokenJson,
                400,
                r#"{"message": "Invalid JSON in request body"}"#,
                true,
            ),
            (
                ErrorKind::RequestTooLarge,
                413,
                r#"{"message":"Request Too Long"}"#,
                false,
            ),
        ] {
            let response = render(
                &GatewayResponses::default(),
                &Error::new(kind, "for the log"),
                &HeaderMap::new(),
            );
            assert_eq!(
                (response.status().as_u16(), response.body().as_str()),
                (status, body),
                "{kind:?}"
            );
            assert_eq!(response.headers().contains_key(TRACE_ID), trace, "{kind:?}");
            assert_eq!(response.headers()["content-type"], "application/json");
        }
        let missing = Error::new(ErrorKind::MissingParameters, "a, b");
        let response = render(&GatewayResponses::default(), &missing, &HeaderMap::new());
        assert_eq!(
            response.body(),
            r#"{"message": "Missing required request parameters: [a, b]"}"#
        );
        assert_eq!(response.headers()[ERROR_TYPE], "BadRequestException");
    }

    #[test]
    fn entries_and_inheritance() {
        let default = GatewayResponse::new()
            .status(555)
            .response_parameter("gatewayresponse.header.X-Team", "stageVariables.team")
            .response_parameter(
                "gatewayresponse.header.X-None",
                "method.request.header.gone",
            )
            .response_parameter(
                "gatewayresponse.header.X-Error",
                "context.error.messageString",
            );
        let own = GatewayResponse::new()
            .response_template(
                "text/plain",
                "$context.error.responseType $context.path ${method.request.querystring.x}$nope",
            )
            .response_template("application/json", "{}");
        let responses =
            GatewayResponses::compile([("DEFAULT_5XX", &default), ("INTEGRATION_TIMEOUT", &own)])
                .unwrap();
        let inherited = render(
            &responses,
            &Error::new(ErrorKind::Network, ""),
            &HeaderMap::new(),
        );
        assert_eq!(inherited.status(), 555);
        assert_eq!(inherited.headers()["x-team"], "blue");
        assert_eq!(
            inherited.headers()["x-error"],
            "\"Network error communicating with endpoint\""
        );
        assert!(!inherited.headers().contains_key("x-none"));

        // One with an entry of its own takes nothing of the default.
        let accept =
            HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/plain; q=1"))]);
        let own = render(&responses, &Error::new(ErrorKind::Timeout, ""), &accept);
        assert_eq!(
            (own.status().as_u16(), own.body().as_str()),
            (504, "INTEGRATION_TIMEOUT /prod/pets 1$nope")
        );
        assert_eq!(own.headers()["content-type"], "text/plain");
        assert!(!own.headers().contains_key("x-team"));
    }

    #[test]
    fn a_trace_is_told_which_one_answers() {
        let entry = GatewayResponse::new().status(418);
        let entries = [
            ("DEFAULT_4XX", &entry),
            ("DEFAULT_5XX", &entry),
            ("INTEGRATION_TIMEOUT", &entry),
        ];
        let responses = GatewayResponses::compile(entries).unwrap();
        let none = GatewayResponses::default();
        for (responses, kind, answers, why) in [
            (
                &responses,
                ErrorKind::Timeout,
                "INTEGRATION_TIMEOUT",
                Rule::CustomizedType,
            ),
            (
                &responses,
                ErrorKind::Network,
                "DEFAULT_5XX",
                Rule::CustomizedDefault,
            ),
            (
                &responses,
                ErrorKind::RequestTooLarge,
                "REQUEST_TOO_LARGE",
                Rule::BeforeTheApi,
            ),
            (
                &none,
                ErrorKind::Network,
                "INTEGRATION_FAILURE",
                Rule::UncustomizedType,
            ),
        ] {
            let error = Error::new(kind, "");
            let Step::Failure {
                gateway_response,
                response_type,
                rule,
                ..
            } = responses.failure(&error)
            else {
                panic!("no failure");
            };
            assert_eq!(
                (gateway_response.as_str(), rule),
                (answers, why),
                "{kind:?}"
            );
            assert_eq!(response_type, type_of(kind).as_str());
            let is_ours = rule == Rule::CustomizedType || rule == Rule::CustomizedDefault;
            let status = render(responses, &error, &HeaderMap::new()).status();
            assert_eq!(status == 418, is_ours, "{kind:?}: {status}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let entry = GatewayResponse::new()
            .status(99)
            .response_parameter("method.response.header.X", "'a'")
            .response_parameter("gatewayresponse.header.X", "oops");
        let error =
            GatewayResponses::compile([("DEFAULT_4XX", &entry), ("OTHER", &entry)]).unwrap_err();
        let places: Vec<&str> = error
            .findings()
            .iter()
            .map(|finding| finding.pointer.as_str())
            .collect();
        assert_eq!(
            places,
            [
                "/DEFAULT_4XX/statusCode",
                "/DEFAULT_4XX/responseParameters/method.response.header.X",
                "/DEFAULT_4XX/responseParameters/gatewayresponse.header.X",
                "/OTHER"
            ]
        );
    }
}
