//! A body that goes out in chunks, of which one is in memory at a time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};
use crate::signing::chunked::{CHUNK, Checksum, Checksumming, Encoder, encoded_length};

const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
const AWS_CHUNKED: &str = "aws-chunked";

/// Sets the headers of a body in chunks, and gives its length if that is known.
pub(super) fn frame(
    head: &mut Parts,
    body: &Body,
    signs: bool,
    checksum: Option<Checksum>,
) -> Option<u64> {
    let headers = &mut head.headers;
    let coding = match headers
        .get(header::CONTENT_ENCODING)
        .map(HeaderValue::to_str)
    {
        Some(Ok(coding)) if !coding.is_empty() => format!("{AWS_CHUNKED},{coding}"),
        _ => AWS_CHUNKED.to_owned(),
    };
    if let Ok(coding) = HeaderValue::from_str(&coding) {
        headers.insert(header::CONTENT_ENCODING, coding);
    }
    match checksum {
        Some(checksum) => {
            headers.insert(TRAILER, HeaderValue::from_static(checksum.header()));
        }
        None => {
            headers.remove(TRAILER);
        }
    }
    let trailer = checksum.map(|checksum| (checksum.header().len() as u64, checksum.length()));
    let length = body.length();
    let encoded = length.map(|length| encoded_length(length, signs, trailer));
    match length.zip(encoded) {
        Some((length, encoded)) => {
            headers.insert(DECODED_LENGTH, HeaderValue::from(length));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(encoded));
            headers.remove(header::TRANSFER_ENCODING);
        }
        None => {
            headers.remove(DECODED_LENGTH);
            headers.remove(header::CONTENT_LENGTH);
        }
    }
    encoded
}

/// Removes the framing headers, and gives the length that they told.
pub(super) fn unframe(head: &mut Parts) -> Option<u64> {
    let headers = &mut head.headers;
    let length = headers.remove(DECODED_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse().ok());
    headers.remove(TRAILER);
    match length {
        Some(length) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            headers.remove(header::TRANSFER_ENCODING);
        }
        None => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
    let codings = headers.get_all(header::CONTENT_ENCODING);
    let codings: Vec<&str> = codings
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(AWS_CHUNKED))
        .collect();
    match HeaderValue::from_str(&codings.join(",")) {
        Ok(rest) if !rest.is_empty() => {
            headers.insert(header::CONTENT_ENCODING, rest);
        }
        _ => {
            headers.remove(header::CONTENT_ENCODING);
        }
    }
    length
}

pub(super) struct Chunked {
    inner: Body,
    /// None when the end is written.
    encoder: Option<Encoder>,
    checksum: Option<(Checksum, Checksumming)>,
    /// The rest of the last frame.
    rest: Bytes,
    chunk: BytesMut,
    out: VecDeque<Bytes>,
    left: Option<u64>,
}

impl Chunked {
    pub(super) fn new(
        inner: Body,
        encoder: Encoder,
        checksum: Option<Checksum>,
        length: Option<u64>,
    ) -> Self {
        Self {
            inner,
            encoder: Some(encoder),
            checksum: checksum.map(|checksum| (checksum, checksum.start())),
            rest: Bytes::new(),
            chunk: BytesMut::new(),
            out: VecDeque::with_capacity(3),
            left: length,
        }
    }

    /// Puts out a chunk.
    fn write(&mut self, chunk: Bytes) {
        let Some(encoder) = &mut self.encoder else {
            return;
        };
        if let Some((_, sum)) = &mut self.checksum {
            sum.update(&chunk);
        }
        self.out.push_back(Bytes::from(encoder.head(&chunk)));
        self.out.push_back(chunk);
        self.out.push_back(Bytes::from_static(b"\r\n"));
    }

    /// Moves on with what is there; whether there was something.
    fn fill(&mut self) -> bool {
        if self.rest.is_empty() {
            return false;
        }
        if self.chunk.is_empty() && self.rest.len() >= CHUNK {
            // A whole chunk needs no copy.
            let chunk = self.rest.split_to(CHUNK);
            self.write(chunk);
            return true;
        }
        let take = self.rest.len().min(CHUNK.saturating_sub(self.chunk.len()));
        let piece = self.rest.split_to(take);
        self.chunk.extend_from_slice(&piece);
        if self.chunk.len() >= CHUNK {
            let chunk = self.chunk.split().freeze();
            self.write(chunk);
        }
        true
    }

    fn end(&mut self) {
        if !self.chunk.is_empty() {
            let chunk = self.chunk.split().freeze();
            self.write(chunk);
        }
        if let Some(encoder) = self.encoder.take() {
            let sum = self.checksum.take();
            let sum = sum.map(|(checksum, sum)| (checksum.header(), sum.finish()));
            let trailer = sum.as_ref().map(|(name, sum)| (*name, sum.as_str()));
            self.out.push_back(Bytes::from(encoder.end(trailer)));
        }
    }
}

impl HttpBody for Chunked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            if let Some(bytes) = this.out.pop_front() {
                this.left = this
                    .left
                    .map(|left| left.saturating_sub(bytes.len() as u64));
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.encoder.is_none() {
                return Poll::Ready(None);
            }
            if this.fill() {
                continue;
            }
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                None => this.end(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // Trailers of HTTP have no place here.
                Some(Ok(frame)) => this.rest = frame.into_data().unwrap_or_default(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.out.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}
