//! TLS to backends: whom we trust, and who we are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::backend::client::failure::ConnectError;
use crate::backend::client::lenient::Lenient;
use crate::backend::client::pool::Key;
use crate::tls::{TlsError, certificates, private_key, provider};

/// What can be chosen, as it was given.
#[derive(Default)]
pub(super) struct TlsOptions {
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) no_public_roots: bool,
    /// Certificates and key.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) server_name: Option<String>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("no_public_roots", &self.no_public_roots)
            .field("identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// The ways to speak TLS: strict or lenient, for HTTP/1.1 and HTTP/2.
pub(super) struct Tls {
    strict: Versions,
    lenient: Versions,
    /// In place of the host.
    server_name: Option<ServerName<'static>>,
}

struct Versions {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

impl Versions {
    fn new(http1: ClientConfig) -> Self {
        let mut http2 = http1.clone();
        http2.alpn_protocols = vec![HTTP2.to_vec()];
        Self {
            http1: Arc::new(http1).into(),
            http2: Arc::new(http2).into(),
        }
    }
}

const HTTP2: &[u8] = b"h2";

impl Tls {
    pub(super) fn new(options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(provider());
        let mut roots = RootCertStore::empty();
        if !options.no_public_roots {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for pem in &options.roots {
            for root in certificates(pem, "the root certificates cannot be read")? {
                roots
                    .add(root)
                    .map_err(|error| TlsError::tls("a root certificate cannot be used", error))?;
            }
        }
        if roots.is_empty() {
            return Err(TlsError::new("there are no root certificates"));
        }
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::tls("the provider of TLS cannot be used", error))?
            .with_root_certificates(roots);
        let strict = match &options.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain, "the client certificate cannot be read")?;
                let key = private_key(key, "the key of the client certificate cannot be read")?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    TlsError::tls("the client certificate and its key do not fit", error)
                })?
            }
        };
        let mut lenient = strict.clone();
        // A session that was begun without trust must not be resumed with it.
        lenient.resumption = Resumption::default();
        lenient
            .dangerous()
            .set_certificate_verifier(Arc::new(Lenient::new(provider)));
        let server_name = match &options.server_name {
            None => None,
            Some(name) => Some(
                ServerName::try_from(name.clone())
                    .map_err(|_| TlsError::new("the server name is no name of a host"))?,
            ),
        };
        Ok(Self {
            strict: Versions::new(strict),
            lenient: Versions::new(lenient),
            server_name,
        })
    }

    /// The handshake.
    pub(super) async fn connect(
        &self,
        tcp: TcpStream,
        key: &Key,
        http2: bool,
        within: Duration,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => {
                let host = key.authority.host().trim_matches(['[', ']']);
                ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::NoServerName)?
            }
        };
        let versions = match key.lenient {
            false => &self.strict,
            true => &self.lenient,
        };
        let connector = match http2 {
            false => &versions.http1,
            true => &versions.http2,
        };
        let stream = timeout(within, connector.connect(name, tcp))
            .await
            .map_err(|_| ConnectError::Late)?
            .map_err(ConnectError::Tls)?;
        if http2 && stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
            return Err(ConnectError::NoHttp2);
        }
        Ok(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_told_and_never_shown() {
        let identity = |chain: &str, key: &str| TlsOptions {
            identity: Some((chain.into(), key.into())),
            ..TlsOptions::default()
        };
        for (options, expected) in [
            (
                TlsOptions {
                    roots: vec![b"-----BEGIN NONSENSE".to_vec()],
                    ..TlsOptions::default()
                },
                "the root certificates cannot be read",
            ),
            (
                TlsOptions {
                    no_public_roots: true,
                    ..TlsOptions::default()
                },
                "there are no root certificates",
            ),
            (
                identity("", "secret"),
                "the client certificate cannot be read",
            ),
            (
                TlsOptions {
                    server_name: Some("a b".into()),
                    ..TlsOptions::default()
                },
                "the server name is no name of a host",
            ),
        ] {
            let error = Tls::new(&options).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(!format!("{error:?} {options:?}").contains("secret"));
        }
        assert!(Tls::new(&TlsOptions::default()).is_ok());
    }
}
