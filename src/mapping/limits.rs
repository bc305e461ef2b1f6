//! Sizes and times that a request and an answer must keep to.

use std::time::Duration;

use crate::template;

/// Hard limits of a stage. What goes over one fails with a typed error; nothing is ever cut.
#[derive(Debug, Clone)]
#[must_use]
pub struct Limits {
    /// The longest request body that is accepted, in bytes: 413 above it. `None` leaves streamed
    /// bodies unbounded.
    pub request_body: Option<u64>,
    /// The longest answer of a backend that is accepted, in bytes: 500 above it. `None` leaves
    /// streamed bodies unbounded.
    pub response_body: Option<u64>,
    /// The longest body, either way, that is held in memory because a mapping reads it, in bytes.
    pub collected: u64,
    /// How long the body of an answer that streams may be silent before it is cut off. Messages of
    /// gRPC may be silent for ever.
    pub idle: Option<Duration>,
    /// The largest payload that a Lambda function is sent, and that it answers with, in bytes; a
    /// streamed answer has no limit.
    pub function_payload: Option<u64>,
    /// The largest header block of a request in bytes, each header counted with its colon, blank
    /// and line end: 431 above it.
    pub headers: Option<usize>,
    /// The longest request target in bytes: 414 above it.
    pub uri: Option<usize>,
    /// What one rendering of a template may cost.
    pub template: template::Limits,
}

// AWS: response-transfer-mode — of a Regional API.
const IDLE: Duration = Duration::from_secs(300);

const MEBIBYTE: u64 = 1024 * 1024;

impl Limits {
    /// The limits of API Gateway: 10 MiB each way, 6 MiB for functions, 10,240 bytes of headers and of the URL.
    // AWS: limits, "API Gateway quotas for configuring and running a REST API".
    pub fn aws() -> Self {
        Self {
            request_body: Some(10 * MEBIBYTE),
            response_body: Some(10 * MEBIBYTE),
            // AWS: Lambda quotas, "Invocation payload".
            function_payload: Some(6 * MEBIBYTE),
            headers: Some(10_240),
            uri: Some(10_240),
            ..Self::none()
        }
    }

    /// No limit on what streams through; what has to be held in memory is still bounded, by
    /// 10 MiB. A streamed answer may be silent for five minutes, as with API Gateway.
    pub fn none() -> Self {
        Self {
            request_body: None,
            response_body: None,
            collected: 10 * MEBIBYTE,
            idle: Some(IDLE),
            function_payload: None,
            headers: None,
            uri: None,
            template: template::Limits::default(),
        }
    }

    /// How much of a request body may be collected.
    pub(crate) fn collect_request(&self) -> u64 {
        self.request_body
            .map_or(self.collected, |limit| limit.min(self.collected))
    }

    /// How much of an answer may be collected.
    pub(crate) fn collect_response(&self) -> u64 {
        self.response_body
            .map_or(self.collected, |limit| limit.min(self.collected))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::none()
    }
}
