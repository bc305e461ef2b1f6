//! A body that came in signed chunks, without them: its signatures hold no more.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::Body;
use crate::error::BoxError;
use crate::layer::sigv4::chunked::unframe;
use crate::signing::chunked::{Decoded, Decoder};

/// Whether the body is in chunks, as the client's signature says.
pub(super) fn is_in_chunks(head: &Parts) -> bool {
    head.headers
        .get("x-amz-content-sha256")
        .is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"))
}

pub(super) fn unpack(head: &mut Parts, body: Body) -> Body {
    let length = unframe(head);
    head.headers.remove("x-amz-content-sha256");
    Body::new(Dechunked {
        inner: body,
        decoder: Decoder::new(),
        input: BytesMut::new(),
        length,
        read: 0,
    })
}

struct Dechunked {
    inner: Body,
    decoder: Decoder,
    input: BytesMut,
    length: Option<u64>,
    read: u64,
}

impl HttpBody for Dechunked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        loop {
            match this.decoder.decode(&mut this.input) {
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
                Ok(Decoded::Data(data)) => {
                    this.read = this.read.saturating_add(data.len() as u64);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Decoded::End) if this.length.is_some_and(|length| length != this.read) => {
                    this.length = None;
                    return Poll::Ready(Some(Err(
                        "the body in chunks is not as long as its headers say".into(),
                    )));
                }
                Ok(Decoded::End) => return Poll::Ready(None),
                Ok(Decoded::More) => {}
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                None => return Poll::Ready(Some(Err("the body in chunks broke off".into()))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        this.input.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.decoder.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.length.map(|length| length.saturating_sub(self.read));
        left.map(SizeHint::with_exact).unwrap_or_default()
    }
}
