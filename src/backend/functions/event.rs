//! An invocation, as a function gets it.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use crate::target::Function;

/// An event and what is known beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LambdaEvent<T> {
    /// The event.
    pub payload: T,
    /// What is known beside it.
    pub context: LambdaContext,
}

impl<T> LambdaEvent<T> {
    /// An event.
    pub fn new(payload: T, context: LambdaContext) -> Self {
        Self { payload, context }
    }
}

/// What a function knows about its invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LambdaContext {
    /// The id of the request to the API.
    pub request_id: String,
    /// The name of the function.
    pub function_name: String,
    /// The version or alias that was asked for; `$LATEST` if none was.
    pub version: String,
    /// The function as the integration names it: an ARN, or the name.
    pub invoked_function_arn: String,
    /// The value of `X-Amzn-Trace-Id`.
    pub trace_id: Option<String>,
    /// When nobody waits for the answer any more.
    pub deadline: Option<SystemTime>,
}

impl LambdaContext {
    pub(super) fn new(function: &Function, headers: &HeaderMap, timeout: Option<Duration>) -> Self {
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self {
            request_id: header("x-amzn-lambda-integration-tag").unwrap_or_default(),
            function_name: function.name.clone(),
            version: function
                .qualifier
                .clone()
                .unwrap_or_else(|| "$LATEST".to_owned()),
            invoked_function_arn: function.arn.clone(),
            trace_id: header("x-amzn-trace-id"),
            deadline: timeout.and_then(|timeout| SystemTime::now().checked_add(timeout)),
        }
    }
}
