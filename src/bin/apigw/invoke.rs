//! `apigw invoke`: one request through a document, and what happened to it.

mod mock;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use tower_apigw::Body;
use tower_apigw::credentials::Credentials;
use tower_apigw::mapping::{ClientAddress, OriginalHeaderNames};
use tower_apigw::openapi::ApiService;
use tower_apigw::trace::{Step, Trace};
use tower_service::Service as _;

use self::mock::MockBackend;
use crate::backend::BackendOptions;
use crate::credentials::CredentialsOptions;
use crate::document::{Document, OnErrorChoice};
use crate::exit::Failure;
use crate::input;
use crate::logging::LogFormat;
use crate::pairs::Lines;
use crate::stage::StageOptions;

/// Send one request through an API and tell what happens to it
///
/// Runs the request as `serve` would and prints the execution log in the form of API Gateway's own test of a method,
/// then every step with the rule that decided, then the response. Values of secret headers
/// and parameters are masked in log and steps, but not what a template has cut out of them or joined to them.
///
/// As API Gateway's, the log cuts off what is longer than 1,024 bytes; in JSON the steps have all of it. An answer that
/// breaks off is told in it with status 504, though the client has that of its head.
///
/// In JSON the name of a time ends in its unit: `timeMs` and `latencyMs` in milliseconds, `latencyUs` and `elapsedUs` of the
/// steps in microseconds. Every step has a `rule` but `headers`, which has one with each header, and the four that show a
/// message as it was: `request`, `integration-request`, `answer`, `method-response`.
///
/// Exit codes: 0 the request was answered, whatever the status, 1 the document has errors or something cannot be read
/// (or, with --fail, the status is 400 or more), 2 usage.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Invoke {
    /// The document: OpenAPI 2.0, 3.0 or 3.1 with x-amazon-apigateway-integration, in YAML or JSON
    #[arg(value_name = "API", env = "APIGW_API")]
    api: PathBuf,

    /// The method of the request
    #[arg(value_name = "METHOD")]
    method: String,

    /// The path of the request, with its query: '/pets/7?full=true'; without the stage
    #[arg(value_name = "PATH")]
    path: String,

    /// A header, with its name as given; may be given several times
    #[arg(long = "header", value_name = "K=V")]
    headers: Vec<Lines>,

    /// The body; `-` is standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// Answer from this file instead of calling the backend
    ///
    /// Either an HTTP response as it would come over the wire (`HTTP/1.1 404 Not Found`, headers, an empty line, the
    /// body), or a JSON object with `statusCode`, and if wanted `headers`, `multiValueHeaders`, `body` (a text; any
    /// other JSON is sent as JSON) and `isBase64Encoded`.
    #[arg(long, value_name = "FILE")]
    mock_backend: Option<PathBuf>,

    #[command(flatten)]
    stage: StageOptions,

    #[command(flatten)]
    credentials: CredentialsOptions,

    /// What to do with a document that has errors
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        env = "APIGW_ON_ERROR",
        default_value = "refuse"
    )]
    on_error: OnErrorChoice,

    /// The form of the output
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        env = "APIGW_FORMAT",
        default_value = "text"
    )]
    format: Format,

    /// Exit with 1 if the status of the response is 400 or more
    #[arg(long)]
    fail: bool,

    #[command(flatten)]
    backends: BackendOptions,
}

const EXAMPLES: &str = "Examples:
  apigw invoke api.yaml GET /pets/7 --stage-variable backend=127.0.0.1:9000
  apigw invoke api.yaml POST /orders --header Content-Type=application/json --body order.json
  apigw invoke api.yaml GET /pets/9 --mock-backend not-found.http --format json | jq -c '.trace[] | {step, rule}'";

/// A form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The log, the steps and the response, for people
    Text,
    /// One object with status, headers, multiValueHeaders, body, latencyMs, log, and all steps as trace
    Json,
}

impl Invoke {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let stage = self.stage.stage()?;
        let stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
        if stdin(&self.body) && stdin(&self.mock_backend) {
            return Err(Failure::usage(
                "--body and --mock-backend cannot both be standard input",
            ));
        }
        let trace = Trace::new();
        let request = self.request(&trace)?;
        let mock = match &self.mock_backend {
            Some(path) => Some(MockBackend::read(path)?),
            None => None,
        };
        let client = self.backends.client(false)?;
        let document = Document::read(&self.api)?;
        let api = document.compile(stage, self.on_error, LogFormat::Text)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::listener(format!("cannot start: {error}")))?;
        let answered = runtime.block_on(async {
            match mock {
                Some(mock) => {
                    // Nothing is sent, so that anything will do to sign with.
                    let api = api.credentials(Credentials::new("AKIDEXAMPLE", "secret"));
                    answer(api.into_service(mock), request).await
                }
                None => {
                    let api = api.credentials(self.credentials.signers().own);
                    answer(api.into_service(client), request).await
                }
            }
        });
        runtime.shutdown_background();
        let (status, broken) = answered;
        self.print(&trace, broken.as_deref())?;
        match self.fail && (status >= 400 || broken.is_some()) {
            true => Err(Failure::told()),
            false => Ok(()),
        }
    }

    fn request(&self, trace: &Trace) -> Result<Request<Body>, Failure> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| Failure::usage(format!("{:?} is no HTTP method", self.method)))?;
        let uri: Uri = match self.path.parse() {
            Ok(uri) if self.path.starts_with('/') => uri,
            _ => {
                return Err(Failure::usage(format!("{:?} is no path", self.path))
                    .help("begin with `/` and write what is special as %XX, a blank as %20"));
            }
        };
        let body = match &self.body {
            Some(path) => Body::from(bytes::Bytes::from(input::body(path, "body")?)),
            None => Body::empty(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let mut names = Vec::new();
        for line in self.headers.iter().flat_map(IntoIterator::into_iter) {
            let usage = |what: &str| {
                Failure::usage(format!("a header {what}")).help("write --header NAME=VALUE")
            };
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| usage("has no `=` behind its name"))?;
            let key = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| usage("has a name that is none"))?;
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| usage("has a value with a control character"))?;
            request.headers_mut().append(key, value);
            names.push(name);
        }
        let extensions = request.extensions_mut();
        extensions.insert(OriginalHeaderNames::new(names));
        extensions.insert(ClientAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        extensions.insert(trace.clone());
        Ok(request)
    }

    fn print(&self, trace: &Trace, broken: Option<&str>) -> Result<(), Failure> {
        let steps = trace.steps();
        let text = match self.format {
            Format::Text => text(trace, &steps, broken),
            Format::Json => json(trace, &steps, broken)?,
        };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads the output may stop whenever it likes.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::document(
                format!("cannot write the output: {error}"),
            )),
            _ => Ok(()),
        }
    }
}

/// The status of the answer, and why its body broke off.
async fn answer<S>(mut service: ApiService<S>, request: Request<Body>) -> (u16, Option<String>)
where
    ApiService<S>: tower_service::Service<
            Request<Body>,
            Response = Response<Body>,
            Error = std::convert::Infallible,
        >,
{
    let response = match service.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let mut body = response.into_body();
    // The trace keeps what passes.
    loop {
        match http_body_util::BodyExt::frame(&mut body).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                return (status, Some(cause.unwrap_or_else(|| error.to_string())));
            }
            None => return (status, None),
        }
    }
}

fn text(trace: &Trace, steps: &[Step], broken: Option<&str>) -> String {
    let mut out = trace.log();
    out.push_str("\nSteps\n");
    for step in steps {
        for line in step.to_string().lines() {
            out.push_str("  ");
            out.push_str(line);
            out.push('\n');
        }
    }
    if let Some(Step::MethodResponse {
        status,
        headers,
        body,
        ..
    }) = steps.last()
    {
        let reason = http::StatusCode::from_u16(*status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default();
        out.push_str(&format!("\nResponse\nHTTP/1.1 {status} {reason}\n"));
        for (name, values) in headers.iter() {
            for value in values {
                out.push_str(&format!("{name}: {value}\n"));
            }
        }
        out.push('\n');
        match std::str::from_utf8(body.bytes()) {
            Ok(text) => out.push_str(text),
            Err(_) => out.push_str(&format!("({} bytes that are no text)", body.length())),
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    if let Some(why) = broken {
        out.push_str(&format!("(the body broke off: {why})\n"));
    }
    out
}

fn json(trace: &Trace, steps: &[Step], broken: Option<&str>) -> Result<String, Failure> {
    use serde_json::{Map, Value, json};
    let fail = |error: serde_json::Error| Failure::document(format!("cannot write JSON: {error}"));
    let mut out = Map::new();
    if let Some(Step::MethodResponse {
        status,
        headers,
        body,
        elapsed_us,
    }) = steps.last()
    {
        let single: Map<String, Value> = headers
            .iter()
            .filter_map(|(name, values)| Some((name.to_owned(), json!(values.last()?))))
            .collect();
        let text = std::str::from_utf8(body.bytes());
        out.insert("status".into(), json!(status));
        out.insert("headers".into(), Value::Object(single));
        out.insert(
            "multiValueHeaders".into(),
            serde_json::to_value(headers).map_err(fail)?,
        );
        out.insert(
            "body".into(),
            match text {
                Ok(text) => json!(text),
                Err(_) => json!(STANDARD.encode(body.bytes())),
            },
        );
        if text.is_err() {
            out.insert("isBase64Encoded".into(), json!(true));
        }
        out.insert("latencyMs".into(), json!(elapsed_us / 1000));
    }
    if let Some(why) = broken {
        out.insert("bodyError".into(), json!(why));
    }
    out.insert("log".into(), json!(trace.log()));
    let steps: Result<Vec<Value>, _> = steps.iter().map(serde_json::to_value).collect();
    out.insert("trace".into(), Value::Array(steps.map_err(fail)?));
    let mut text = serde_json::to_string_pretty(&out).map_err(fail)?;
    text.push('\n');
    Ok(text)
}
