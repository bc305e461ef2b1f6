//! The steps of a trace: plain data.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::trace::{Payload, Rule};

/// Names with their values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(Vec<(String, Vec<String>)>);

impl Values {
    pub(crate) fn push(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }

    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.0.iter_mut().flat_map(|(_, values)| values)
    }

    /// The names, each with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The first value of a name, whatever the case of its letters.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, values)| values.first())
            .map(String::as_str)
    }
}

/// A map from each name to the list of its values.
impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
            map.serialize_entry(name, values)?;
        }
        map.end()
    }
}

/// Which way a body goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// From the client to the backend.
    Request,
    /// From the backend to the client.
    Response,
}

/// A pattern that was tried, or need not have been.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// The pattern as written; the default response has none.
    pub pattern: Option<String>,
    /// The status of the response that it selects.
    pub status_code: u16,
    /// Whether it was chosen.
    pub chosen: bool,
    /// Why, or why not.
    pub why: String,
}

/// What became of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It goes no further.
    Dropped,
    /// It goes on as `x-amzn-Remapped-…`.
    Remapped,
}

/// A header that does not pass under its own name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderFate {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// Why.
    pub rule: Rule,
}

/// One step of a template.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateStep {
    /// Line in the template, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What happened, such as `set $order to {"id":7}`.
    pub what: String,
}

/// Something that happened to a request.
///
/// The values of `Authorization`, `Cookie`, `Set-Cookie`, of API keys, tokens, passwords and signatures
/// in headers and queries are masked wherever they turn up, in bodies too: as they are, encoded for a
/// URL, as a JSON text or in base64, and each value of a cookie. What a template has cut or joined is
/// not known again, nor is a value of fewer than six bytes inside of another text; whatever else is in
/// a body is there as it is.
///
/// The name of a time ends in its unit. Every step has a `rule`, that which decided it, but for
/// [`Headers`](Self::Headers), which has one with each header, and four that tell a message as it was:
/// [`Request`](Self::Request), [`IntegrationRequest`](Self::IntegrationRequest), [`Answer`](Self::Answer)
/// and [`MethodResponse`](Self::MethodResponse).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Step {
    /// The client's request came.
    Request {
        /// `$context.requestId`.
        request_id: String,
        /// When, in milliseconds since 1970.
        time_ms: i64,
        /// Its method.
        method: String,
        /// Its path, as sent.
        path: String,
        /// Its query, decoded.
        query: Values,
        /// Its headers.
        headers: Values,
    },
    /// A method of the API was found for it.
    Route {
        /// The resource path.
        resource: String,
        /// The values of the variables of the path.
        path_parameters: Values,
        /// The stage.
        stage: String,
        /// The type of the integration.
        integration: String,
        /// The body, if something reads it before it is sent on.
        body: Option<Payload>,
        /// Why this resource.
        rule: Rule,
    },
    /// The request was held against its method's request validator.
    Validation {
        /// `ValidationPassed`, or the rule that it broke.
        rule: Rule,
        /// What is wrong with it.
        message: Option<String>,
    },
    /// A mapped parameter was evaluated.
    Parameter {
        /// Of a request or of an answer.
        side: Side,
        /// The destination, as written.
        to: String,
        /// The source, as written.
        from: String,
        /// What it evaluated to.
        values: Vec<String>,
        /// Why it is sent or left out.
        rule: Rule,
    },
    /// A template was chosen, or none.
    Template {
        /// Of a request or of an answer.
        side: Side,
        /// The media type that chose: the client's `Content-Type` or the first of its `Accept`.
        media_type: Option<String>,
        /// The key of the template that was chosen.
        key: Option<String>,
        /// Why this one.
        rule: Rule,
    },
    /// A body was, or was not, converted between text and binary.
    Conversion {
        /// Of a request or of an answer.
        side: Side,
        /// What was done.
        rule: Rule,
    },
    /// A template was rendered.
    Rendered {
        /// Of a request or of an answer.
        side: Side,
        /// What came out; nothing if it failed.
        output: Option<String>,
        /// The overrides as they are afterwards, as JSON text.
        overrides: Option<String>,
        /// What happened in it.
        steps: Vec<TemplateStep>,
        /// Why it failed.
        error: Option<String>,
        /// Whether it rendered.
        rule: Rule,
    },
    /// An override of a template went over a mapped parameter, a header or the status.
    Override {
        /// Of a request or of an answer.
        side: Side,
        /// Such as `header.X-Id`, `querystring.page`, `path.id`, `status`.
        what: String,
        /// The values.
        values: Vec<String>,
        /// What came of it.
        rule: Rule,
    },
    /// A MOCK read its status from the rendered body.
    MockStatus {
        /// The status.
        status: i64,
        /// Where it is read.
        rule: Rule,
    },
    /// The integration request as it is handed to the backend, signed if it is to be signed.
    IntegrationRequest {
        /// Its method.
        method: String,
        /// Its URI.
        uri: String,
        /// Its headers.
        headers: Values,
        /// Its body, as far as it was sent.
        body: Payload,
    },
    /// The answer of the backend.
    Answer {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Values,
        /// Its body, as far as it was read.
        body: Payload,
        /// How long the head of the answer took, in microseconds.
        latency_us: u64,
    },
    /// An integration response was selected.
    Selection {
        /// What the patterns were matched against.
        subject: String,
        /// The patterns in the order of trial.
        tried: Vec<Tried>,
        /// What decided.
        rule: Rule,
        /// The status of the method response.
        status_code: Option<u16>,
    },
    /// Headers that do not pass as they are.
    Headers {
        /// Of a request or of an answer.
        side: Side,
        /// Each of them.
        headers: Vec<HeaderFate>,
    },
    /// The request failed.
    Failure {
        /// The kind of the error.
        kind: String,
        /// What happened.
        message: String,
        /// What caused it.
        cause: Option<String>,
        /// The type of gateway response for this kind, such as `INTEGRATION_TIMEOUT`.
        response_type: String,
        /// The gateway response that answers: that of the type, or the one whose customisation it takes,
        /// such as `DEFAULT_5XX`.
        gateway_response: String,
        /// Why this one.
        rule: Rule,
    },
    /// The method response, as the client gets it.
    MethodResponse {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Values,
        /// Its body, as far as it was read.
        body: Payload,
        /// How long the request took until here, in microseconds.
        elapsed_us: u64,
    },
}

impl Step {
    /// Everything in it that may hold what the client sent.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Request {
                path,
                query,
                headers,
                ..
            } => {
                let texts = query.texts_mut().chain(headers.texts_mut());
                texts.chain([path]).collect()
            }
            Self::Route {
                path_parameters, ..
            } => path_parameters.texts_mut().collect(),
            Self::Parameter { values, .. } | Self::Override { values, .. } => {
                values.iter_mut().collect()
            }
            Self::Rendered {
                output,
                overrides,
                steps,
                error,
                ..
            } => {
                let texts = [output, overrides, error].into_iter().flatten();
                texts
                    .chain(steps.iter_mut().map(|step| &mut step.what))
                    .collect()
            }
            Self::IntegrationRequest { uri, headers, .. } => {
                headers.texts_mut().chain([uri]).collect()
            }
            Self::Answer { headers, .. } | Self::MethodResponse { headers, .. } => {
                headers.texts_mut().collect()
            }
            Self::Validation { message, .. } => message.iter_mut().collect(),
            Self::Failure { message, cause, .. } => [message].into_iter().chain(cause).collect(),
            Self::Selection { subject, tried, .. } => {
                let why = tried.iter_mut().map(|one| &mut one.why);
                why.chain([subject]).collect()
            }
            Self::Template { .. }
            | Self::Conversion { .. }
            | Self::MockStatus { .. }
            | Self::Headers { .. } => Vec::new(),
        }
    }

    pub(super) fn body_mut(&mut self) -> Option<&mut Payload> {
        match self {
            Self::Route {
                body: Some(body), ..
            }
            | Self::IntegrationRequest { body, .. }
            | Self::Answer { body, .. }
            | Self::MethodResponse { body, .. } => Some(body),
            _ => None,
        }
    }
}
