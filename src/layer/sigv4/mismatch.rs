//! What is logged when a service says that a signature does not match.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;

use crate::body::{Body, BodyError};
use crate::layer::future::Step;
use crate::signing::{canonical_request_of, differences};
use crate::target::SigningScope;

/// How much of an answer is read for it.
const LIMIT: usize = 64 * 1024;

/// What was signed.
pub(crate) struct Signed {
    pub(super) scope: Arc<SigningScope>,
    pub(super) canonical: Vec<u8>,
}

/// Whether anything would be logged.
pub(super) fn wanted() -> bool {
    tracing::enabled!(tracing::Level::WARN)
}

/// Looks at an answer that may be about a signature. It goes on unchanged.
pub(super) fn look(signed: Arc<Signed>, response: Response<Body>) -> Step {
    if !matches!(
        response.status(),
        StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST
    ) {
        return Step::Done(Ok(response));
    }
    Step::Later(Box::pin(async move {
        let (head, body) = response.into_parts();
        let (text, body) = read(body).await;
        tell(&signed, head.status, &text);
        Ok(Response::from_parts(head, body))
    }))
}

fn tell(signed: &Signed, status: StatusCode, answer: &[u8]) {
    let says = |word: &[u8]| memchr::memmem::find(answer, word).is_some();
    let refused = [
        b"SignatureDoesNotMatch".as_slice(),
        b"InvalidSignatureException",
        b"The request signature we calculated does not match",
    ];
    if !refused.into_iter().any(says) {
        return;
    }
    let SigningScope { service, region } = signed.scope.as_ref();
    let (service, region, status) = (service.as_str(), region.as_str(), status.as_u16());
    let Some(theirs) = canonical_request_of(answer) else {
        tracing::warn!(
            service,
            region,
            status,
            "the service refused the signature and does not say what it would have signed"
        );
        return;
    };
    let found = differences(&signed.canonical, &theirs);
    if found.is_empty() {
        tracing::warn!(
            service,
            region,
            status,
            "the service refused the signature of a request that it reads as we do: the secret key is another, or the region or service"
        );
    }
    for difference in found {
        tracing::warn!(service, region, status, %difference, "the service would have signed something else");
    }
}

/// The beginning of a body, and the whole of it again.
async fn read(mut body: Body) -> (Vec<u8>, Body) {
    if let Some(bytes) = body.as_bytes() {
        return (bytes.to_vec(), body);
    }
    let (mut text, mut frames) = (Vec::new(), VecDeque::new());
    while text.len() < LIMIT {
        let Some(frame) = body.frame().await else {
            break;
        };
        let failed = frame.is_err();
        if let Ok(data) = &frame
            && let Some(data) = data.data_ref()
        {
            let take = data.len().min(LIMIT.saturating_sub(text.len()));
            text.extend_from_slice(data.get(..take).unwrap_or_default());
        }
        frames.push_back(frame);
        if failed {
            break;
        }
    }
    (text, Body::new(Again { frames, rest: body }))
}

/// Frames that were read, and those to come.
struct Again {
    frames: VecDeque<Result<Frame<Bytes>, BodyError>>,
    rest: Body,
}

impl HttpBody for Again {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match this.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut this.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.is_end_stream()
    }
}
