//! How a layer signs: its setters.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue};

use crate::credentials::SharedProvider;
use crate::layer::SigV4Layer;
use crate::layer::sigv4::keys::Keys;
use crate::signing::chunked::{CHUNK, Checksum};
use crate::signing::{ServiceRules, SignedHeaders};
use crate::target::SigningScope;

/// What a body is read into memory for at most, unless told otherwise: 10 MiB.
// AWS: API Gateway's payload limit.
const COLLECT: u64 = 10 * 1024 * 1024;

/// How the body of a request is covered by its signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadSigning {
    /// The body is read into memory, within a limit, and its hash is signed.
    #[default]
    Signed,
    /// The body is not covered, and streams: `UNSIGNED-PAYLOAD`. S3 accepts it over TLS.
    Unsigned,
    /// The body streams in chunks of 64 KiB, each signed:
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`. S3 alone takes it, for objects and their parts.
    Chunks,
    /// The same, with a signed checksum at the end:
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`.
    ChunksAndTrailer(Checksum),
    /// The body streams in chunks without signatures, with a checksum at the end:
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`. S3 accepts it over TLS.
    UnsignedChunksAndTrailer(Checksum),
    /// `Chunks` where S3 takes them and the body is long: for a `PUT` of more than 64 KiB or of
    /// unknown length. All else is `Signed`.
    Auto,
}

impl PayloadSigning {
    /// What `Auto` comes to.
    pub(super) fn of_request(
        self,
        service: &str,
        method: &http::Method,
        length: Option<u64>,
    ) -> Self {
        let long = length.is_none_or(|length| length > CHUNK as u64);
        match self {
            Self::Auto if long && method == http::Method::PUT && service == "s3" => Self::Chunks,
            Self::Auto => Self::Signed,
            chosen => chosen,
        }
    }
}

/// What the requests of a layer are signed with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) credentials: SharedProvider,
    pub(super) scope: Option<Arc<SigningScope>>,
    pub(super) payload: PayloadSigning,
    pub(super) collect: u64,
    pub(super) presign: Option<Duration>,
    pub(super) rules: Option<ServiceRules>,
    pub(super) headers: SignedHeaders,
    pub(super) unsigned: Vec<HeaderName>,
    pub(super) host: Option<HeaderValue>,
    pub(super) remove_signature: bool,
    pub(super) clock: fn() -> SystemTime,
    pub(super) keys: Arc<Keys>,
}

impl Settings {
    pub(super) fn new(credentials: SharedProvider) -> Self {
        Self {
            credentials,
            scope: None,
            payload: PayloadSigning::default(),
            collect: COLLECT,
            presign: None,
            rules: None,
            headers: SignedHeaders::default(),
            unsigned: Vec::new(),
            host: None,
            remove_signature: false,
            clock: SystemTime::now,
            keys: Arc::default(),
        }
    }
}

/// What can be set.
impl SigV4Layer {
    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        if let Some(settings) = &mut self.settings {
            let settings = Arc::make_mut(settings);
            // What was derived holds for what was set before.
            settings.keys = Arc::default();
            change(settings);
        }
        self
    }

    /// Signs every request that brings no scope of its own for `service` in `region`.
    /// `service` is the name in signatures, which for some is not that of the host: that of Amazon
    /// SES is `ses`, its host begins with `email`.
    pub fn scope(self, service: impl Into<String>, region: impl Into<String>) -> Self {
        let scope = Arc::new(SigningScope {
            service: service.into(),
            region: region.into(),
        });
        self.set(|settings| settings.scope = Some(scope))
    }

    /// How bodies are covered. The default is [`PayloadSigning::Signed`].
    pub fn payload(self, payload: PayloadSigning) -> Self {
        self.set(|settings| settings.payload = payload)
    }

    /// The longest body that is read into memory to be signed, in bytes. The default is 10 MiB.
    pub fn collect_limit(self, bytes: u64) -> Self {
        self.set(|settings| settings.collect = bytes)
    }

    /// Signs in the query instead of the headers, valid for `expires`: a second to seven days. The
    /// body is not covered for S3, and is read into memory for others.
    pub fn presign(self, expires: Duration) -> Self {
        self.set(|settings| settings.presign = Some(expires))
    }

    /// The rules of the service, where those that go with its name do not hold.
    pub fn rules(self, rules: ServiceRules) -> Self {
        self.set(|settings| settings.rules = Some(rules))
    }

    /// Which headers are signed. The default is [`SignedHeaders::Required`].
    pub fn signed_headers(self, headers: SignedHeaders) -> Self {
        self.set(|settings| settings.headers = headers)
    }

    /// Leaves a header out of signatures.
    pub fn leave_unsigned(self, name: HeaderName) -> Self {
        self.set(|settings| settings.unsigned.push(name))
    }

    /// Signs for this host and sends it as the `Host` header, whatever the URI says: for a service
    /// that is reached under another name, and for a gRPC channel, whose requests do not name their host.
    pub fn host(self, host: HeaderValue) -> Self {
        self.set(|settings| settings.host = Some(host))
    }

    /// Whether a signature that a request came with is removed first, from headers and query. In
    /// the headers it is replaced in any case. The default is no.
    pub fn remove_signature(self, remove: bool) -> Self {
        self.set(|settings| settings.remove_signature = remove)
    }

    /// Takes the time from `clock`, for tests.
    pub fn clock(self, clock: fn() -> SystemTime) -> Self {
        self.set(|settings| settings.clock = clock)
    }
}
