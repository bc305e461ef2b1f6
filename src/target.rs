//! Where an integration request goes, and how: the address label on the envelope.
//!
//! The URI stands in the request itself; a [`Target`] says what a URI cannot. It rides on the
//! request as an extension from [`RequestMappingLayer`](crate::layer::RequestMappingLayer) to
//! whatever sends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::integration::Protocol;

/// How an integration request is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// How long the backend may take until its answer begins, from when the request is written; no
    /// limit if `None`.
    pub timeout: Option<Duration>,
    /// When the whole call has to be over, request and answer, as a client of gRPC says with
    /// `grpc-timeout`.
    pub deadline: Option<Instant>,
    /// The version of HTTP to speak.
    pub protocol: Protocol,
    /// Whether a request that asks for WebSocket may go over to it, if the server's connection can.
    pub websocket: bool,
    /// Whether a certificate of an unknown issuer is accepted.
    pub insecure_skip_verification: bool,
    /// Whether the host is filled in from stage variables or by the client: a client of HTTP may
    /// then refuse addresses that nobody means to publish.
    pub templated_host: bool,
    /// The name to sign under, for a service of AWS.
    pub signing: Option<Arc<SigningScope>>,
    /// The `credentials` of the integration: the role to sign with, if the application lets roles be
    /// assumed, or `arn:aws:iam::*:user/*` for its caller's.
    pub role: Option<Arc<str>>,
    /// The Lambda function that the request invokes.
    pub function: Option<Arc<Function>>,
    /// Whether the body of the answer is read as a whole, so that the deadline covers it too.
    pub(crate) answer_is_collected: bool,
    /// Whether the head of the answer is to be seen before its body begins.
    pub(crate) answer_is_stream: bool,
    /// How long the body of an answer that streams may be silent; no limit if `None`.
    pub idle_timeout: Option<Duration>,
}

/// Whether the port of a host is one, if there is any. [`http::uri::Authority`] takes any digits for a
/// port and then says that there is none, so that a request would go to the usual one.
pub(crate) fn has_valid_port(authority: &http::uri::Authority) -> bool {
    let host = authority.as_str();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.len() == authority.host().len() || authority.port_u16().is_some_and(|port| port > 0)
}

/// What a signature is valid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningScope {
    /// The service, such as `execute-api` or `dynamodb`.
    pub service: String,
    /// The region, such as `eu-west-1`.
    pub region: String,
}

/// A Lambda function, as an integration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The version or the alias.
    pub qualifier: Option<String>,
    /// As the integration writes it: an ARN, or the name.
    pub arn: String,
}

impl Function {
    /// A function of this name, without a qualifier.
    pub fn new(name: impl Into<String>, arn: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            qualifier: None,
            arn: arn.into(),
        }
    }
}

impl Target {
    /// A target without a deadline, a signature or leniency.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long the backend may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets when the whole call has to be over.
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the version of HTTP to speak.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Accepts a certificate of an unknown issuer; its name and dates are checked all the same.
    #[must_use]
    pub fn insecure_skip_verification(mut self) -> Self {
        self.insecure_skip_verification = true;
        self
    }

    /// Sets how long the body of an answer that streams may be silent.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Asks for a signature.
    #[must_use]
    pub fn signed(mut self, service: impl Into<String>, region: impl Into<String>) -> Self {
        self.signing = Some(Arc::new(SigningScope {
            service: service.into(),
            region: region.into(),
        }));
        self
    }

    /// Names the role to sign with.
    #[must_use]
    pub fn role(mut self, role: impl Into<Arc<str>>) -> Self {
        self.role = Some(role.into());
        self
    }
}
