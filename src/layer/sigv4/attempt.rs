//! One request on its way to be signed: what it waits for, and the signature.

use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use tower_service::Service;

use crate::body::Body;
use crate::credentials::{Credentials, CredentialsError};
use crate::error::{BoxError, Error, ErrorKind};
use crate::layer::capture;
use crate::layer::future::ResponseFuture;
use crate::layer::sigv4::chunked::{self, Chunked};
use crate::layer::sigv4::dechunked;
use crate::layer::sigv4::keys::Entry;
use crate::layer::sigv4::mismatch::{self, Signed};
use crate::layer::sigv4::settings::{PayloadSigning, Settings};
use crate::signing::chunked::Encoder;
use crate::signing::{self, Payload, Signature, SigningError, Timestamp};
use crate::target::{SigningScope, Target};

/// What a request needs to be signed, as far as it is there.
pub(super) struct Attempt {
    settings: Arc<Settings>,
    scope: Arc<SigningScope>,
    head: Parts,
    body: Body,
    payload: PayloadSigning,
    credentials: Option<Credentials>,
}

impl Attempt {
    pub(super) fn new(
        settings: Arc<Settings>,
        scope: Arc<SigningScope>,
        request: Request<Body>,
    ) -> Result<Self, Error> {
        let (mut head, mut body) = request.into_parts();
        if dechunked::is_in_chunks(&head) {
            body = dechunked::unpack(&mut head, body);
        }
        if settings.remove_signature {
            signing::remove_signature(&mut head).map_err(unsignable)?;
        }
        if let Some(host) = &settings.host {
            head.headers.insert(header::HOST, host.clone());
        }
        let role = role(&head);
        let credentials = settings.credentials.fresh(role.as_deref());
        let payload = match settings.presign {
            None => settings.payload,
            // AWS: sigv4-query-string-auth — S3 covers no body here.
            Some(_) if scope.service == "s3" => PayloadSigning::Unsigned,
            Some(_) => PayloadSigning::Signed,
        };
        let payload = match body.length() {
            // There is nothing that could come in chunks.
            Some(0) if payload != PayloadSigning::Unsigned => PayloadSigning::Signed,
            length => payload.of_request(&scope.service, &head.method, length),
        };
        Ok(Self {
            settings,
            scope,
            head,
            body,
            payload,
            credentials,
        })
    }

    /// Whether nothing has to be awaited.
    pub(super) fn is_ready(&self) -> bool {
        self.credentials.is_some() && !self.collects()
    }

    fn collects(&self) -> bool {
        self.payload == PayloadSigning::Signed && !self.body.is_in_memory()
    }

    /// Waits for what is missing.
    pub(super) async fn prepare(&mut self) -> Result<(), Error> {
        // A body that may not be sent need not be read.
        if self.credentials.is_none() {
            let role = role(&self.head);
            let found = self.settings.credentials.for_role(role.as_deref()).await;
            self.credentials = Some(found.map_err(no_credentials)?);
        }
        if self.collects() {
            let body = std::mem::take(&mut self.body);
            let collected = body.collect_within(self.settings.collect).await;
            let bytes = collected.map_err(capture::client_body)?.bytes;
            // It is no stream any more.
            self.head.headers.remove(header::TRANSFER_ENCODING);
            if !bytes.is_empty() || self.head.headers.contains_key(header::CONTENT_LENGTH) {
                let length = HeaderValue::from(bytes.len());
                self.head.headers.insert(header::CONTENT_LENGTH, length);
            }
            self.body = Body::from(bytes);
        }
        Ok(())
    }

    /// Signs, and hands the request to `inner`.
    pub(super) fn send<S, R>(self, inner: &mut S) -> ResponseFuture<S::Future>
    where
        S: Service<Request<Body>, Response = Response<R>>,
        S::Error: Into<BoxError>,
    {
        match self.sign() {
            Ok((request, None)) => ResponseFuture::pass(inner.call(request)),
            Ok((request, Some(signed))) => {
                ResponseFuture::then_signed(inner.call(request), signed, mismatch::look)
            }
            Err(error) => ResponseFuture::ready(Err(error)),
        }
    }

    fn sign(self) -> Result<(Request<Body>, Option<Arc<Signed>>), Error> {
        let Self {
            settings,
            scope,
            mut head,
            body,
            payload,
            credentials,
        } = self;
        let missing = || Error::new(ErrorKind::Credentials, "there are no credentials");
        let credentials = credentials.ok_or_else(missing)?;
        let time = Timestamp::from((settings.clock)());
        let entry = settings
            .keys
            .get(&settings, &credentials, &scope, time)
            .map_err(unsignable)?;
        let entry = entry.as_ref();
        let signing = |what: &Payload, head: &mut Parts| {
            let done = match settings.presign {
                None => signing::sign(head, &entry.key, time, what, &entry.signing),
                Some(expires) => {
                    signing::presign(head, &entry.key, time, expires, what, &entry.signing)
                }
            };
            done.map_err(unsignable)
        };
        let (signature, body) = match payload {
            PayloadSigning::Signed | PayloadSigning::Auto => {
                let bytes = body.as_bytes().unwrap_or_default();
                (signing(&Payload::of(&bytes), &mut head)?, body)
            }
            PayloadSigning::Unsigned => (signing(&Payload::Unsigned, &mut head)?, body),
            PayloadSigning::Chunks => {
                let length = chunked::frame(&mut head, &body, true, None);
                let signature = signing(&Payload::Chunks, &mut head)?;
                let encoder = encoder(entry, time, &signature);
                let body = Chunked::new(body, encoder, None, length);
                (signature, Body::new(body))
            }
            PayloadSigning::ChunksAndTrailer(checksum) => {
                let length = chunked::frame(&mut head, &body, true, Some(checksum));
                let signature = signing(&Payload::ChunksAndTrailer, &mut head)?;
                let encoder = encoder(entry, time, &signature);
                let body = Chunked::new(body, encoder, Some(checksum), length);
                (signature, Body::new(body))
            }
            PayloadSigning::UnsignedChunksAndTrailer(checksum) => {
                let length = chunked::frame(&mut head, &body, false, Some(checksum));
                let signature = signing(&Payload::UnsignedChunksAndTrailer, &mut head)?;
                let body = Chunked::new(body, Encoder::unsigned(), Some(checksum), length);
                (signature, Body::new(body))
            }
        };
        let signed = mismatch::wanted().then(|| {
            Arc::new(Signed {
                scope,
                canonical: signature.into_canonical_request(),
            })
        });
        Ok((Request::from_parts(head, body), signed))
    }
}

fn encoder(entry: &Entry, time: Timestamp, signature: &Signature) -> Encoder {
    Encoder::signed(Arc::clone(&entry.key), time, signature)
}

fn role(head: &Parts) -> Option<Arc<str>> {
    head.extensions.get::<Target>()?.role.clone()
}

fn no_credentials(error: CredentialsError) -> Error {
    Error::new(ErrorKind::Credentials, error.to_string()).with_source(error)
}

// AWS: the beginning of the text is that of its execution log.
fn unsignable(error: SigningError) -> Error {
    Error::configuration(format!(
        "execution failed due to configuration error: error in signing process: {error}"
    ))
}
