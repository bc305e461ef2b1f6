//! What TLS to backends and TLS with clients share: certificates as they are written, and errors.

use std::fmt;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Certificates or keys that cannot be used.
#[derive(Debug)]
pub struct TlsError {
    what: &'static str,
    source: Option<Source>,
}

#[derive(Debug)]
enum Source {
    Pem(rustls::pki_types::pem::Error),
    Tls(rustls::Error),
    #[cfg(feature = "server-tls")]
    Verifier(rustls::server::VerifierBuilderError),
}

impl TlsError {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, source: None }
    }

    pub(crate) fn pem(what: &'static str, source: rustls::pki_types::pem::Error) -> Self {
        let source = Some(Source::Pem(source));
        Self { what, source }
    }

    pub(crate) fn tls(what: &'static str, source: rustls::Error) -> Self {
        let source = Some(Source::Tls(source));
        Self { what, source }
    }

    #[cfg(feature = "server-tls")]
    pub(crate) fn verifier(
        what: &'static str,
        source: rustls::server::VerifierBuilderError,
    ) -> Self {
        let source = Some(Source::Verifier(source));
        Self { what, source }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.source.as_ref()? {
            Source::Pem(source) => Some(source),
            Source::Tls(source) => Some(source),
            #[cfg(feature = "server-tls")]
            Source::Verifier(source) => Some(source),
        }
    }
}

/// The provider is named, so that no other crate of a program can leave it undecided.
pub(crate) fn provider() -> CryptoProvider {
    #[cfg(feature = "aws-lc-rs")]
    return rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    return rustls::crypto::ring::default_provider();
}

/// The certificates of a PEM file; there is at least one.
pub(crate) fn certificates(
    pem: &[u8],
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::new(what)),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::pem(what, error)),
    }
}

/// The first private key of a PEM file.
pub(crate) fn private_key(
    pem: &[u8],
    what: &'static str,
) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| TlsError::pem(what, error))
}
