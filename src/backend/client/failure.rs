//! Why a backend could not be reached, or did not answer, as a typed error.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use rustls::CertificateError;

use crate::error::{BoxError, Error, ErrorKind};

/// A connection could not be made.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The host leads to an address that is not allowed.
    Forbidden,
    /// The port is none.
    Port,
    /// The name has no address.
    Name(io::Error),
    /// The host is no name that a certificate could be for.
    NoServerName,
    /// No address took the connection.
    Tcp(io::Error),
    Tls(io::Error),
    /// It took too long.
    Late,
    /// The backend does not speak HTTP/2.
    NoHttp2,
    Http(hyper::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => {
                "the host has a link-local address, which a host with parameters must not have"
            }
            Self::Port => "the port is none: it is a number from 1 to 65535",
            Self::Name(_) => "the name of the host has no address",
            Self::NoServerName => "the host is no name that a certificate could be for",
            Self::Tcp(_) => "no connection was made",
            Self::Tls(_) => "the TLS handshake failed",
            Self::Late => "the connection took too long to be made",
            Self::NoHttp2 => "the backend does not agree on HTTP/2",
            Self::Http(_) => "the backend does not speak HTTP as expected",
        })
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Name(source) | Self::Tcp(source) | Self::Tls(source) => Some(source),
            Self::Http(source) => Some(source),
            Self::Forbidden | Self::Port | Self::NoServerName | Self::Late | Self::NoHttp2 => None,
        }
    }
}

// AWS: the texts are those of its execution log.
const CONFIGURATION: &str = "execution failed due to configuration error";
const NETWORK: &str = "execution failed due to a network error communicating with endpoint";

/// A connection that was not made, as the error of a request.
pub(super) fn unconnected(error: ConnectError) -> Error {
    let (kind, message) = text(&error);
    Error::new(kind, message).with_source(error)
}

/// The kind and the text of a connection that was not made.
pub(super) fn text(error: &ConnectError) -> (ErrorKind, String) {
    match error {
        ConnectError::Forbidden => (
            ErrorKind::Configuration,
            format!(
                "{CONFIGURATION}: invalid endpoint address: a host with parameters or stage \
                 variables leads to a link-local address"
            ),
        ),
        ConnectError::Port | ConnectError::Name(_) | ConnectError::NoServerName => (
            ErrorKind::Configuration,
            format!("{CONFIGURATION}: invalid endpoint address"),
        ),
        ConnectError::NoHttp2 => (ErrorKind::Network, format!("{NETWORK}: {error}")),
        ConnectError::Tls(source) => of_cause(source),
        ConnectError::Http(source) => of_cause(source),
        ConnectError::Tcp(_) | ConnectError::Late => (ErrorKind::Network, NETWORK.into()),
    }
}

/// A request that was sent, and whose answer did not come.
pub(super) fn unanswered(error: impl Into<BoxError>) -> Error {
    let error = error.into();
    let (kind, message) = of_cause(error.as_ref());
    Error::new(kind, message).with_source(error)
}

/// An answer that nobody could pass on.
pub(super) fn bad_answer(what: &str) -> Error {
    Error::new(ErrorKind::Network, format!("{NETWORK}: {what}"))
}

fn of_cause(error: &(dyn StdError + 'static)) -> (ErrorKind, String) {
    match tls_reason(error) {
        Some(reason) => (
            ErrorKind::Configuration,
            format!("{CONFIGURATION}: {reason}"),
        ),
        None => (ErrorKind::Network, NETWORK.into()),
    }
}

/// What TLS has against the backend, or the backend against us.
fn tls_reason(error: &(dyn StdError + 'static)) -> Option<String> {
    Some(match find_tls(error)? {
        rustls::Error::InvalidCertificate(invalid) => match invalid {
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => format!(
                "host name '{}' does not match the certificate subject provided by the peer ({})",
                expected.to_str(),
                presented.join(", ")
            ),
            CertificateError::NotValidForName => {
                "host name does not match the certificate subject provided by the peer".into()
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                "PKIX path validation failed: java.security.cert.CertPathValidatorException: \
                 validity check failed"
                    .into()
            }
            _ => "PKIX path building failed: \
                  sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid \
                  certification path to requested target"
                .into(),
        },
        // What answers is no TLS: the connection is to blame.
        rustls::Error::InvalidMessage(_) => return None,
        other => format!("general SSLEngine problem: {other}"),
    })
}

/// The TLS error among the causes; an `io::Error` hides what it was made of from `source`.
fn find_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_errors_are_found_inside_of_io_errors() {
        let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let io = io::Error::new(io::ErrorKind::InvalidData, expired);
        let error = unconnected(ConnectError::Tls(io));
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(
            error.message().ends_with("validity check failed"),
            "{error}"
        );

        let wrapped = io::Error::other(io::Error::other(rustls::Error::AlertReceived(
            rustls::AlertDescription::HandshakeFailure,
        )));
        let error = unanswered(wrapped);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains("SSLEngine"), "{error}");
    }

    #[test]
    fn what_is_no_tls_is_of_the_network() {
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        for error in [
            unconnected(ConnectError::Tls(io::Error::other(plain))),
            unconnected(ConnectError::Late),
            unanswered(io::Error::from(io::ErrorKind::ConnectionReset)),
        ] {
            assert_eq!(error.kind(), ErrorKind::Network);
        }
    }
}
