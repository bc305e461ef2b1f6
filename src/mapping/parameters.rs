//! Mapped parameters: evaluating sources, and putting overrides over them.

use std::borrow::Cow;
use std::cell::OnceCell;

use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderName;
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::jsonpath::{EvalError, Found, Match, Path};
use crate::mapping::context::Facts;
use crate::mapping::expression::{Destination, RequestSource, ResponseSource, Source};
use crate::mapping::method_request::{lossy, text};
use crate::mapping::tracing;
use crate::template::{Context, OverrideValue, Overrides};
use crate::trace;

/// One mapping, parsed.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    pub(crate) destination: Destination,
    /// As written.
    pub(crate) name: String,
    /// The name on the wire, for a header.
    pub(crate) header: Option<HeaderName>,
    pub(crate) source: Source,
    /// Destination and source as written.
    pub(crate) written: Box<(String, String)>,
}

impl Assignment {
    /// Whether it reads a header of the client by name.
    pub(crate) fn reads_header(&self) -> bool {
        matches!(
            self.source,
            Source::Request(RequestSource::Header(_) | RequestSource::MultiValueHeader(_))
        )
    }
}

/// A parameter with the values that its source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) header: Option<HeaderName>,
    pub(crate) values: Vec<String>,
}

/// Mapped parameters by destination, in the order written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) headers: Vec<Parameter>,
    pub(crate) query: Vec<Parameter>,
    pub(crate) path: Vec<Parameter>,
}

/// The answer of a backend, as mappings read it.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Option<&'a Bytes>,
    pub(crate) of_function: bool,
}

impl Parameters {
    fn of(&mut self, destination: Destination) -> &mut Vec<Parameter> {
        match destination {
            Destination::Header => &mut self.headers,
            Destination::QueryString => &mut self.query,
            Destination::Path => &mut self.path,
        }
    }

    /// The value for `{name}` in the URI.
    pub(crate) fn path_value(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.path.iter().find(|parameter| parameter.name == name)?;
        match found.values.as_slice() {
            [one] => Some(Cow::Borrowed(one)),
            many => Some(Cow::Owned(many.join(","))),
        }
    }

    /// Evaluates the mappings of a request.
    pub(crate) fn of_request(assignments: &[Assignment], facts: &Facts<'_>) -> Result<Self, Error> {
        let body = BodySource::new(facts.body, Side::Request);
        let mut out = Self::default();
        for assignment in assignments {
            let values = facts.values(&assignment.source, &body, None)?;
            if let Some(trace) = facts.trace() {
                trace.record(tracing::parameter(
                    trace::Side::Request,
                    assignment,
                    &values,
                ));
            }
            out.push(assignment, values);
        }
        Ok(out)
    }

    /// Evaluates the mappings of an answer.
    pub(crate) fn of_response(
        assignments: &[Assignment],
        facts: &Facts<'_>,
        answer: &Answered<'_>,
    ) -> Result<Self, Error> {
        let side = match answer.of_function {
            true => Side::FunctionResponse,
            false => Side::Response,
        };
        let body = BodySource::new(answer.body, side);
        let mut out = Self::default();
        for assignment in assignments {
            let values = facts.values(&assignment.source, &body, Some(answer.headers))?;
            if let Some(trace) = facts.trace() {
                trace.record(tracing::parameter(
                    trace::Side::Response,
                    assignment,
                    &values,
                ));
            }
            out.push(assignment, values);
        }
        Ok(out)
    }

    // Recorded: T:test_http_proxy_integration_request_data_mappings — a missing or empty source
    // leaves the parameter out.
    fn push(&mut self, assignment: &Assignment, mut values: Vec<String>) {
        values.retain(|value| !value.is_empty());
        if !values.is_empty() {
            self.of(assignment.destination).push(Parameter {
                name: assignment.name.clone(),
                header: assignment.header.clone(),
                values,
            });
        }
    }

    /// Puts the overrides of a request template over the mapped parameters.
    // AWS: apigateway-override-request-response-parameters; LocalStack: only a name that is equal to
    // the letter is replaced.
    pub(crate) fn override_request(&mut self, overrides: &Overrides) -> Result<(), Error> {
        for (name, value) in overrides.request_headers() {
            put(&mut self.headers, name, value, true)?;
        }
        for (name, value) in overrides.request_querystring() {
            put(&mut self.query, name, value, false)?;
        }
        for (name, value) in overrides.request_path() {
            put(&mut self.path, name, value, false)?;
        }
        Ok(())
    }

    /// Puts the overrides of a response over the mapped headers.
    pub(crate) fn override_response(&mut self, overrides: &Overrides) -> Result<(), Error> {
        for (name, value) in overrides.response_headers() {
            put(&mut self.headers, name, value, true)?;
        }
        Ok(())
    }
}

fn put(
    into: &mut Vec<Parameter>,
    name: &str,
    value: &OverrideValue,
    header: bool,
) -> Result<(), Error> {
    let header = if header {
        Some(HeaderName::from_bytes(name.as_bytes()).map_err(|error| {
            Error::new(
                ErrorKind::Template,
                format!("a template overrides the header {name:?}, which is no header name"),
            )
            .with_source(error)
        })?)
    } else {
        None
    };
    let values: Vec<String> = value.texts().into_iter().map(Cow::into_owned).collect();
    match into.iter_mut().find(|parameter| parameter.name == name) {
        Some(parameter) => parameter.values = values,
        None => into.push(Parameter {
            name: name.to_owned(),
            header,
            values,
        }),
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Side {
    Request,
    Response,
    FunctionResponse,
}

/// A body as a source: read as text or, once, as JSON.
struct BodySource<'a> {
    text: Cow<'a, str>,
    side: Side,
    json: OnceCell<Option<Value>>,
}

impl<'a> BodySource<'a> {
    fn new(body: Option<&'a Bytes>, side: Side) -> Self {
        let text = lossy(body.map_or(&[][..], |body| body));
        // LocalStack: the text is trimmed, an empty one is an empty object.
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        let text = if text.is_empty() {
            Cow::Borrowed("{}")
        } else {
            text
        };
        Self {
            text,
            side,
            json: OnceCell::new(),
        }
    }

    /// The body as JSON; nothing if it does not look like JSON.
    // LocalStack: only a body that starts with one of these is decoded, and then it must be JSON.
    fn json(&self) -> Result<Option<&Value>, Error> {
        if self.json.get().is_none() {
            let parsed = if self.text.starts_with(['{', '[', '"', '\'']) {
                let mut value: Value = serde_json::from_str(&self.text).map_err(|error| {
                    let (kind, which) = match self.side {
                        Side::Request => (ErrorKind::BrokenJson, "request"),
                        Side::Response | Side::FunctionResponse => {
                            (ErrorKind::Configuration, "response")
                        }
                    };
                    Error::new(
                        kind,
                        format!("invalid JSON in {which} body, which a mapping reads"),
                    )
                    .with_source(error)
                })?;
                if matches!(self.side, Side::FunctionResponse) {
                    open_message(&mut value);
                }
                Some(value)
            } else {
                None
            };
            let _ = self.json.set(parsed);
        }
        Ok(self.json.get().and_then(Option::as_ref))
    }

    fn whole(&self) -> Result<Vec<String>, Error> {
        // LocalStack: broken JSON fails even when only the whole body is mapped.
        self.json()?;
        Ok(vec![self.text.clone().into_owned()])
    }

    fn at(&self, path: &Path) -> Result<Vec<String>, Error> {
        let Some(json) = self.json()? else {
            return Ok(Vec::new());
        };
        let found = match path.evaluate(&json) {
            Ok(found) => found,
            // LocalStack: a document of another shape is a missing value, not a failure.
            Err(EvalError::NotAnArray | EvalError::NotAContainer) => return Ok(Vec::new()),
            Err(error) => {
                let path = path.source();
                return Err(Error::configuration(format!(
                    "cannot evaluate the JSON path {path:?}"
                ))
                .with_source(error));
            }
        };
        Ok(match found {
            Found::Missing => Vec::new(),
            Found::One(found) => json_text(&owned(found)).into_iter().collect(),
            Found::Many(found) if found.is_empty() => Vec::new(),
            Found::Many(found) => {
                vec![Value::Array(found.into_iter().map(owned).collect()).to_string()]
            }
        })
    }
}

/// Replaces an `errorMessage` that holds JSON by what it holds.
// AWS: handle-errors-in-lambda-integration
fn open_message(answer: &mut Value) {
    let Some(message) = answer.get_mut("errorMessage") else {
        return;
    };
    let held = message
        .as_str()
        .filter(|text| text.trim_start().starts_with(['{', '[']))
        .and_then(|text| serde_json::from_str(text).ok());
    if let Some(held) = held {
        *message = held;
    }
}

fn owned(found: Match<&Value>) -> Value {
    match found {
        Match::Node(value) => value.clone(),
        Match::Members(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
        ),
    }
}

// AWS: handle-errors-in-lambda-integration — objects and arrays are compact JSON, numbers their text.
fn json_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(value.to_string())
        }
    }
}

impl Facts<'_> {
    /// The values of one source; an empty list when it is missing.
    fn values(
        &self,
        source: &Source,
        body: &BodySource<'_>,
        answer: Option<&HeaderMap>,
    ) -> Result<Vec<String>, Error> {
        Ok(match source {
            Source::Literal(text) => vec![text.clone()],
            Source::StageVariable(name) => self
                .stage
                .find(name)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            Source::Context(name) => {
                let top = name.split('.').next();
                let context = self.context_of(|fact| Some(fact) == top);
                context.get(name).map(Cow::into_owned).into_iter().collect()
            }
            Source::Request(RequestSource::Body(None))
            | Source::Response(ResponseSource::Body(None)) => body.whole()?,
            Source::Request(RequestSource::Body(Some(path)))
            | Source::Response(ResponseSource::Body(Some(path))) => body.at(path)?,
            Source::Request(source) => self.request_values(source),
            Source::Response(source) => {
                answer.map_or_else(Vec::new, |headers| response_values(source, headers))
            }
        })
    }

    /// The values of a source in the method request, but for its body.
    pub(crate) fn request_values(&self, source: &RequestSource) -> Vec<String> {
        match source {
            RequestSource::Path(name) => {
                let path = self
                    .resource
                    .and_then(|resource| resource.value(self.request.uri.path(), name));
                path.map(str::to_owned).into_iter().collect()
            }
            RequestSource::QueryString(name) => {
                let last = self.query().iter().rev().find(|(known, _)| known == name);
                last.map(|(_, value)| value.clone()).into_iter().collect()
            }
            RequestSource::MultiValueQueryString(name) => {
                let all = self.query().iter().filter(|(known, _)| known == name);
                all.map(|(_, value)| value.clone()).collect()
            }
            RequestSource::Header(name) => {
                let values = self.headers.exactly(name);
                values
                    .last()
                    .map(|value| text(value).into_owned())
                    .into_iter()
                    .collect()
            }
            RequestSource::MultiValueHeader(name) => joined(self.headers.exactly(name).into_iter()),
            RequestSource::Body(_) => Vec::new(),
        }
    }

    /// The text of a source outside of any body; nothing when it is missing.
    pub(crate) fn text_of(&self, source: &Source, context: &Context) -> Option<String> {
        match source {
            Source::Literal(text) => Some(text.clone()),
            Source::StageVariable(name) => self.stage.find(name).map(str::to_owned),
            Source::Context(name) => context.get(name).map(Cow::into_owned),
            Source::Request(source) => {
                let values = self.request_values(source);
                (!values.is_empty()).then(|| values.join(","))
            }
            Source::Response(_) => None,
        }
    }
}

// `http` keeps the names of an answer in lower case, so they are compared without regard to case.
fn response_values(source: &ResponseSource, headers: &HeaderMap) -> Vec<String> {
    match source {
        ResponseSource::Header(name) => {
            let mut values = headers.get_all(name.as_str()).iter();
            values
                .next_back()
                .map(|value| text(value).into_owned())
                .into_iter()
                .collect()
        }
        ResponseSource::MultiValueHeader(name) => joined(headers.get_all(name.as_str()).iter()),
        ResponseSource::Body(_) => Vec::new(),
    }
}

// LocalStack: joined with a comma and no blank.
fn joined<'a>(values: impl Iterator<Item = &'a http::HeaderValue>) -> Vec<String> {
    let values: Vec<Cow<'_, str>> = values.map(text).collect();
    if values.is_empty() {
        Vec::new()
    } else {
        vec![values.join(",")]
    }
}
