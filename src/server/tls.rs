//! TLS on a listener: what it shows of itself, and whom it lets in.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::tls::{TlsError, certificates, private_key, provider};

/// How long a client may take for its part of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The certificate of a listener, for [`Server::tls`](super::Server::tls).
///
/// TLS 1.2 and 1.3 are spoken, and HTTP/2 with clients that offer it (ALPN `h2`), HTTP/1.1 with
/// all others. A client has ten seconds for the handshake. Clones share the certificate, so that
/// it can be replaced while it serves.
///
/// ```no_run
/// use tower_apigw::server::{Server, Tls};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::from_pem(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?;
/// let server = Server::new().tls(tls.clone());
/// # let _ = server;
/// // A new certificate, from the next connection on:
/// tls.replace(Tls::from_pem(&std::fs::read("chain.pem")?, &std::fs::read("key.pem")?)?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tls {
    current: Arc<ArcSwap<ServerConfig>>,
}

impl Tls {
    /// A certificate with its chain, the server's own first, and its key, all in PEM. The key may be
    /// PKCS #1, PKCS #8 or SEC 1, not encrypted.
    ///
    /// # Errors
    /// PEM that cannot be read, a key that is none or is not that of the certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Self::with(chain, key, None)
    }

    /// The same, letting in only clients that show a certificate of one of these `authorities`.
    ///
    /// # Errors
    /// Those of [`from_pem`](Self::from_pem), and authorities that cannot be used.
    pub fn mutual(chain: &[u8], key: &[u8], authorities: &[u8]) -> Result<Self, TlsError> {
        Self::with(chain, key, Some(authorities))
    }

    fn with(chain: &[u8], key: &[u8], authorities: Option<&[u8]>) -> Result<Self, TlsError> {
        let provider = Arc::new(provider());
        let chain = certificates(chain, "the certificate cannot be read")?;
        let key = private_key(key, "the key of the certificate cannot be read")?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::tls("the provider of TLS cannot be used", error))?;
        let builder = match authorities {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(pem, "the authorities of clients cannot be read")? {
                    roots.add(root).map_err(|error| {
                        TlsError::tls("an authority of clients cannot be used", error)
                    })?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(|error| {
                            TlsError::verifier("the authorities of clients cannot be used", error)
                        })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::tls("the certificate and its key do not fit", error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            current: Arc::new(ArcSwap::from_pointee(config)),
        })
    }

    /// Lets the next connections see what `other` shows. Those that are there go on.
    pub fn replace(&self, other: Self) {
        self.current.store(other.current.load_full());
    }

    /// The handshake of a connection.
    pub(super) async fn accept<T>(&self, stream: T) -> io::Result<TlsStream<T>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.current.load_full());
        timeout(HANDSHAKE, acceptor.accept(stream))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
