//! One request over HTTP/2, sent again only when the backend says that it never looked at it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, Request, Response, Uri, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use crate::backend::client::outgoing::{Kept, Outgoing, Upload};
use crate::backend::client::pool::Key;
use crate::backend::client::streams::{Lease, OpenStream};
use crate::backend::client::{Shared, failure};
use crate::body::{Body, RESET};
use crate::error::{BoxError, Error, find};
use crate::mapping::TRACE_ID;

/// How often a request is sent in all.
// Chosen: a backend that restarts refuses once or twice; one that always refuses is broken.
const ATTEMPTS: u32 = 5;

/// The head of a request, kept to be sent again.
struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    fn of(key: &Key, parts: http::request::Parts) -> Result<Self, Error> {
        let mut headers = parts.headers;
        // It is known as `:authority` here; a mapped `Host` overrides the host of the URI.
        let authority = match headers.remove(header::HOST) {
            Some(host) if host.as_bytes() == key.authority.as_str().as_bytes() => {
                key.authority.clone()
            }
            Some(host) => Authority::try_from(host.as_bytes()).map_err(|error| {
                Error::configuration("invalid endpoint address: `Host` is no host")
                    .with_source(error)
            })?,
            None => key.authority.clone(),
        };
        // HTTP/2 frames by itself.
        headers.remove(header::TRANSFER_ENCODING);
        // It never comes again, and need not be kept in the table of the connection.
        if let Some(trace) = headers.get_mut(TRACE_ID) {
            trace.set_sensitive(true);
        }
        let mut uri = parts.uri.into_parts();
        uri.scheme = Some(match key.https {
            true => Scheme::HTTPS,
            false => Scheme::HTTP,
        });
        uri.authority = Some(authority);
        let uri = Uri::from_parts(uri)
            .map_err(|error| Error::configuration("invalid endpoint address").with_source(error))?;
        Ok(Self {
            method: parts.method,
            uri,
            headers,
        })
    }

    fn request(&self, body: Outgoing) -> Request<Outgoing> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.headers.clone();
        request
    }
}

impl Shared {
    pub(super) async fn send_multiplexed(
        self: Arc<Self>,
        key: Key,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let head = Head::of(&key, parts)?;
        let kept = Kept::new(body);
        let mut attempt = 1;
        loop {
            let Some(body) = kept.outgoing() else {
                return Err(failure::bad_answer(
                    "it refused a request whose body was under way",
                ));
            };
            let Lease { mut sender, open } = self.streams.lease(&key).await?;
            let answer = sender.try_send_request(head.request(body));
            // As over HTTP/1.1, a sender that is held would keep a request from coming back whose
            // connection ends in this moment; the pool lets go of its own within five seconds.
            drop(sender);
            let mut failed = match answer.await {
                Ok(mut response) => {
                    *response.version_mut() = Version::HTTP_11;
                    return Ok(response.map(|body| {
                        Body::new(Streamed {
                            body,
                            upload: kept.upload(),
                            _open: open,
                        })
                    }));
                }
                Err(failed) => failed,
            };
            // Never sent because its connection was going away.
            let unsent = failed.take_message().is_some();
            let error: BoxError = failed.into_error().into();
            if attempt < ATTEMPTS && (unsent || is_unseen(&error)) {
                tracing::debug!(%error, attempt, "the backend did not look at a request");
                attempt += 1;
                continue;
            }
            // A body that breaks off ends its stream.
            return Err(match kept.failure() {
                Some(broken) => failure::unanswered(broken),
                None => failure::unanswered(error),
            });
        }
    }
}

/// Whether the backend says that it did not process a request.
// RFC 9113, 8.7: a stream refused with REFUSED_STREAM, and streams above the last of a GOAWAY, which
// are the only ones that such an error is given to.
fn is_unseen(error: &BoxError) -> bool {
    find::<h2::Error>(error.as_ref()).is_some_and(|error| {
        error.is_remote()
            && (error.is_go_away()
                || error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

/// The body of an answer, whose stream is open until it has been read or dropped.
#[derive(Debug)]
struct Streamed {
    body: Incoming,
    upload: Upload,
    _open: OpenStream,
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            // RFC 9113, 8.1: a whole answer may be followed by RST_STREAM with NO_ERROR, which asks
            // for no more of the request. hyper takes every one for the end of the answer; without
            // a request to stop it cuts the answer off, as proxies do whose own backend broke off.
            None if !self.body.is_end_stream() && self.upload.is_whole() => {
                Poll::Ready(Some(Err(RESET.into())))
            }
            frame => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
