//! Carries the answers of functions to their rules: collected, or as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;

use crate::aws::{EventStream, Piece, Prelude, Split};
use crate::body::{Body, BodyError};
use crate::error::{BoxError, Error, ErrorKind};
use crate::layer::capture;
use crate::layer::deadline::{self, Deadline};
use crate::layer::future::Step;
use crate::layer::response_selection::map_answer;
use crate::mapping::{
    Call, Subject, function_answer, function_failed, function_frames, function_stream,
    function_subject, invocation_refused, malformed_stream,
};

/// The answer to a custom integration with a function, which is selected by its error message.
pub(super) fn finish(call: Arc<Call>, response: Response<Body>) -> Step {
    if let Some(error) = invocation_refused(response.status(), response.headers()) {
        return Step::Done(Err(error));
    }
    // Without patterns nothing is matched, unless somebody wants to see against what.
    let is_read = call.plan.selection.has_patterns() || call.request.trace.is_some();
    if !is_read {
        return map_answer(call, response, Subject::Text(""));
    }
    let (parts, body) = response.into_parts();
    if let Some(bytes) = body.as_bytes() {
        let subject = function_subject(&bytes);
        let response = Response::from_parts(parts, body);
        return map_answer(call, response, Subject::Text(&subject));
    }
    Step::Later(Box::pin(async move {
        let bytes = collect(&call, &parts, body).await?;
        let subject = function_subject(&bytes);
        let response = Response::from_parts(parts, Body::from(bytes.clone()));
        match map_answer(call, response, Subject::Text(&subject)) {
            Step::Done(answer) => answer,
            Step::Later(answer) => answer.await,
        }
    }))
}

async fn collect(call: &Call, parts: &response::Parts, body: Body) -> Result<Bytes, Error> {
    let limit = call.plan.stage().limits.collect_response();
    let until = parts.extensions.get::<Deadline>().copied();
    deadline::collect_answer(body, limit, until).await
}

/// The answer to a proxy integration with a function.
pub(super) fn finish_proxy(call: Arc<Call>, response: Response<Body>) -> Step {
    if let Some(error) = invocation_refused(response.status(), response.headers()) {
        return Step::Done(Err(error));
    }
    let (parts, body) = response.into_parts();
    if call.plan.streams_answer() && !function_failed(&parts.headers) {
        return Step::Later(Box::pin(stream(call, parts, body)));
    }
    if let Some(bytes) = body.as_bytes() {
        let limit = call.plan.stage().limits.collect_response();
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
            return Step::Done(Err(capture::backend_body(BodyError::too_large())));
        }
        return Step::Done(proxied(&call, parts, &bytes));
    }
    Step::Later(Box::pin(async move {
        let bytes = collect(&call, &parts, body).await?;
        proxied(&call, parts, &bytes)
    }))
}

fn proxied(
    call: &Call,
    mut parts: response::Parts,
    output: &Bytes,
) -> Result<Response<Body>, Error> {
    let body = function_answer(call, &mut parts, output)?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Waits for what stands in front of a streamed answer, then passes the rest on as it comes.
async fn stream(
    call: Arc<Call>,
    mut parts: response::Parts,
    body: Body,
) -> Result<Response<Body>, Error> {
    let mut data = Data::new(&parts.headers, body);
    let mut prelude = Prelude::new();
    let Split { metadata, body } = loop {
        let Some(bytes) = data.frame().await else {
            return Err(malformed_stream(&"it ended before its metadata did"));
        };
        let bytes = bytes.map_err(failed)?.into_data().unwrap_or_default();
        match prelude.push(bytes) {
            Ok(None) => {}
            Ok(Some(split)) => break split,
            Err(error) => return Err(malformed_stream(&error)),
        }
    };
    function_stream(&call, &mut parts, &metadata)?;
    data.first = Some(body).filter(|body| !body.is_empty());
    Ok(Response::from_parts(parts, Body::new(data)))
}

/// The stream broke before anything of it went to the client.
fn failed(error: BodyError) -> Error {
    match crate::error::find::<Error>(&error) {
        Some(ours) => Error::new(ours.kind(), ours.message().to_owned()),
        None => capture::backend_body(error),
    }
}

/// The data of a streamed answer: out of its frames, or as it is where the other side does not
/// frame it.
struct Data {
    inner: Body,
    frames: Option<EventStream>,
    /// What comes next: the start of the body, or the rest of what was read.
    first: Option<Bytes>,
    rest: Bytes,
    ended: bool,
}

impl Data {
    fn new(headers: &HeaderMap, inner: Body) -> Self {
        Self {
            inner,
            frames: function_frames(headers),
            first: None,
            rest: Bytes::new(),
            ended: false,
        }
    }

    /// What of the data is at hand.
    fn at_hand(&mut self) -> Option<Result<Bytes, BoxError>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let Some(frames) = &mut self.frames else {
            let rest = std::mem::take(&mut self.rest);
            return (!rest.is_empty()).then_some(Ok(rest));
        };
        match frames.next(&mut self.rest) {
            Ok(Some(Piece::Data(data))) => Some(Ok(data)),
            Ok(Some(Piece::Failed(reason))) => Some(Err(Error::new(
                ErrorKind::Function,
                format!("lambda execution failed while its answer was streamed: {reason}"),
            )
            .into())),
            Ok(_) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl HttpBody for Data {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            match self.at_hand() {
                Some(Ok(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(BodyError::new(error))));
                }
                None => {}
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.ended = true;
                    let complete = self.frames.as_ref().is_none_or(EventStream::is_done);
                    return Poll::Ready(match complete {
                        true => None,
                        // A stream that breaks off must not look like one that is whole.
                        false => Some(Err(BodyError::new(
                            Error::new(ErrorKind::Network, "the answer of the function broke off")
                                .into(),
                        ))),
                    });
                }
            }
        }
    }
}
