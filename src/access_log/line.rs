//! The values of one line.

use std::borrow::Cow;
use std::sync::MutexGuard;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::access_log::format::Format;
use crate::access_log::record::{Record, Recorded};
use crate::access_log::variable::Variable;
use crate::gateway_response::ErrorContext;
use crate::integration::IntegrationType;
use crate::mapping::{Facts, MethodRequest, Stage};
use crate::template::Context;

/// A request that has ended.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) request: &'a MethodRequest,
    /// Whether there was no head that could be read; the request is then one of defaults.
    pub(crate) headless: bool,
    /// Those that formats read.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) record: &'a Record,
    /// None if nobody waited for it.
    pub(crate) status: Option<StatusCode>,
    pub(crate) length: u64,
    /// Why the answer is not whole.
    pub(crate) cut: Option<&'static str>,
    pub(crate) latency: Duration,
}

/// The values of a line, as far as they are not made one by one.
pub(super) struct Values<'a> {
    line: &'a Line<'a>,
    recorded: MutexGuard<'a, Recorded>,
    context: Context,
}

impl Line<'_> {
    pub(super) fn values(&self, format: &Format) -> Values<'_> {
        let recorded = self.record.lock();
        let nobody;
        let stage = match recorded.stage.as_deref() {
            Some(stage) => stage,
            None => {
                nobody = Stage::default();
                &nobody
            }
        };
        let resource = recorded.plan.as_deref().map(|plan| plan.resource_path());
        let request = recorded.request.as_deref().unwrap_or(self.request);
        let facts = Facts::new(request, self.headers, stage, resource, None);
        let context = facts.context_of(|name| format.reads_entry(name));
        Values {
            line: self,
            recorded,
            context,
        }
    }
}

impl Values<'_> {
    /// None prints as `-`.
    pub(super) fn get(&self, variable: &Variable) -> Option<Cow<'_, str>> {
        let integration = self.recorded.integration.as_ref();
        let plan = self.recorded.plan.as_deref();
        match variable {
            Variable::Context(name) if self.line.headless && is_of_head(name) => None,
            Variable::Context(name) => self.context.get(name),
            Variable::Status => self.line.status.map(status),
            Variable::ResponseLength => Some(self.line.length.to_string().into()),
            Variable::ResponseLatency => Some(millis(self.line.latency)),
            Variable::IntegrationStatus => integration.map(|one| status(one.status)),
            Variable::FunctionStatus => {
                let one = integration?;
                let chosen = match plan.map(|plan| plan.kind()) {
                    Some(IntegrationType::AwsProxy) if self.recorded.failure.is_none() => {
                        self.line.status
                    }
                    _ => None,
                };
                Some(status(chosen.unwrap_or(one.status)))
            }
            Variable::IntegrationLatency => integration.map(|one| millis(one.latency)),
            Variable::IntegrationError => self
                .recorded
                .integration_error
                .as_deref()
                .map(Cow::Borrowed),
            Variable::IntegrationRequestId => integration?.request_id.as_ref().map(text),
            Variable::TransferMode => plan.map(|plan| {
                Cow::Borrowed(match plan.streams_answer() {
                    true => "STREAMED",
                    false => "BUFFERED",
                })
            }),
            Variable::TraceId => {
                let trace = text(&self.line.request.arrival.trace);
                let root = trace.split(';').find_map(|part| part.strip_prefix("Root="));
                root.map(|root| Cow::Owned(root.to_owned()))
            }
            Variable::Error(name) => {
                let Some(failure) = &self.recorded.failure else {
                    return self.cut(name);
                };
                let error = ErrorContext {
                    message: failure.message.as_deref(),
                    response_type: failure.response_type,
                    validation: failure.validation.as_deref(),
                };
                error.get(name).map(|text| Cow::Owned(text.into_owned()))
            }
            Variable::Nothing => None,
        }
    }

    // Chosen: API Gateway has no word for it.
    fn cut(&self, name: &str) -> Option<Cow<'_, str>> {
        let cut = self.line.cut?;
        match name {
            "message" => Some(Cow::Borrowed(cut)),
            "messageString" => Some(Cow::Owned(format!("\"{cut}\""))),
            _ => None,
        }
    }
}

fn is_of_head(name: &str) -> bool {
    matches!(name, "httpMethod" | "path" | "protocol")
}

fn status(status: StatusCode) -> Cow<'static, str> {
    Cow::Owned(status.as_str().to_owned())
}

fn millis(time: Duration) -> Cow<'static, str> {
    Cow::Owned(time.as_millis().to_string())
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}
