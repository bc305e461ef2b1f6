//! What can go wrong while a request is served.
//!
//! An [`Error`] has a kind, a text for logs and traces, and a source. The kind alone decides what
//! the client sees: [`GatewayResponseLayer`](crate::layer::GatewayResponseLayer) turns it into a
//! gateway response, and never shows the text.

use std::error::Error as StdError;
use std::fmt;

use tower::load_shed::error::Overloaded;

/// Any error, boxed.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a request could not be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No resource or method of the API matches: 403.
    NoRoute,
    /// The stage or the request names something that is not there: 404.
    ResourceNotFound,
    /// A required parameter is missing: 400. The text lists the names and is shown.
    MissingParameters,
    /// The body does not match its model: 400.
    InvalidBody,
    /// A mapping reads the body, and it is broken JSON: 400.
    BrokenJson,
    /// A template reads the payload, and it is broken JSON: 400.
    BrokenPayload,
    /// No template is for this media type and it may not pass: 415.
    UnsupportedMediaType,
    /// The request body is over the limit: 413.
    RequestTooLarge,
    /// The request target is over the limit: 414.
    UriTooLong,
    /// The header block is over the limit: 431.
    HeadersTooLarge,
    /// The request cannot be served as it is framed or addressed: 400.
    BadRequest,
    /// The API is not configured so that this request could be answered: 500.
    Configuration,
    /// A signature is wanted, and there are no credentials for it: 500.
    Credentials,
    /// A Lambda function could not be invoked: 500.
    Invocation,
    /// A Lambda function failed, or its answer is not as it must be: 502.
    Function,
    /// A mapping template failed: 500.
    Template,
    /// There are more requests than the gateway takes on: 429.
    Throttled,
    /// A header that only the gateway may set is mapped: 500.
    RefusedHeader,
    /// The backend could not be reached or broke off: 504.
    Network,
    /// The backend took too long: 504.
    Timeout,
    /// The answer of the backend is over the limit: 500.
    ResponseTooLarge,
    /// The client's connection broke while its body was read: 400.
    ClientBody,
    /// The client did not send its body in time: 408.
    RequestTimeout,
    /// This version cannot do what the integration asks for: 501. The text is shown.
    Unsupported,
    /// Anything else: 500.
    Internal,
}

/// A request that could not be served.
///
/// `Display` tells what happened, for logs and traces; it is not shown to clients, except for
/// [`ErrorKind::MissingParameters`] and [`ErrorKind::Unsupported`].
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    /// What `$context.error.validationErrorString` shows.
    validation: Option<String>,
    source: Option<BoxError>,
}

impl Error {
    /// An error of `kind` with a text for logs.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            validation: None,
            source: None,
        }))
    }

    /// The execution failed because of how the API is configured.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds what the validation of the request found.
    #[must_use]
    pub fn with_validation(mut self, findings: impl Into<String>) -> Self {
        self.0.validation = Some(findings.into());
        self
    }

    /// What the client will see is decided by this.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without the source.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the validation of the request found.
    pub fn validation(&self) -> Option<&str> {
        self.0.validation.as_deref()
    }

    /// An error of any service: itself if it is ours (or is caused by one of ours), a
    /// timeout if tower's timeout ended it, throttled if its load shedding did, otherwise a failed call of the backend.
    pub fn from_service(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => *ours,
            Err(other) => {
                let message = other.to_string();
                let kind = match find::<Self>(other.as_ref()) {
                    Some(ours) => ours.kind(),
                    None if find::<tower::timeout::error::Elapsed>(other.as_ref()).is_some() => {
                        ErrorKind::Timeout
                    }
                    None if find::<Overloaded>(other.as_ref()).is_some() => ErrorKind::Throttled,
                    None => ErrorKind::Network,
                };
                Self::new(kind, message).with_source(other)
            }
        }
    }
}

/// The first `T` in the chain of causes.
pub fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_found_again_under_other_errors() {
        let ours = Error::new(ErrorKind::Timeout, "too late");
        assert_eq!(Error::from_service(ours.into()).kind(), ErrorKind::Timeout);
        let wrapped = std::io::Error::other(Error::new(ErrorKind::RequestTooLarge, "too large"));
        assert_eq!(
            Error::from_service(wrapped.into()).kind(),
            ErrorKind::Network
        );
        let foreign = std::io::Error::other("reset");
        assert_eq!(
            Error::from_service(foreign.into()).kind(),
            ErrorKind::Network
        );
    }
}
