//! TLS: whom the client trusts, what it says when it does not, and its own certificate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tower_apigw::backend::{HttpClient, HttpClientBuilder};
use tower_apigw::error::{Error, ErrorKind};
use tower_apigw::target::Target;

use super::{over_http2, request, send};
use crate::support::text;

/// An authority that signs.
struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key,
        }
    }
}

/// A certificate with its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Identity {
    fn pem(&self) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&self.chain[0]);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// A server that asks as `asks` and says in which version of HTTP it was called.
struct Server {
    identity: Identity,
    asks_for: Option<CertificateDer<'static>>,
    protocols: Vec<Vec<u8>>,
    version: &'static SupportedProtocolVersion,
}

impl Server {
    fn new(identity: Identity) -> Self {
        Self {
            identity,
            asks_for: None,
            protocols: Vec::new(),
            version: &TLS13,
        }
    }

    async fn listen(self) -> SocketAddr {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[self.version])
            .unwrap();
        let builder = match self.asks_for {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivatePkcs8KeyDer::from(self.identity.key.serialize_der());
        let mut config = builder
            .with_single_cert(self.identity.chain, PrivateKeyDer::Pkcs8(key))
            .unwrap();
        config.alpn_protocols = self.protocols;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = hyper::service::service_fn(
                        |request: http::Request<hyper::body::Incoming>| async move {
                            let version = format!("{:?}", request.version());
                            Ok::<_, std::convert::Infallible>(Response::new(version))
                        },
                    );
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        address
    }
}

/// A client to which every name is this machine.
fn builder() -> HttpClientBuilder {
    HttpClient::builder().lookup(|_| async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) })
}

async fn get(client: &HttpClient, address: SocketAddr, target: Target) -> Result<String, Error> {
    let uri = format!("https://backend.test:{}/", address.port());
    let response = send(client, request(&uri, target)).await?;
    assert_eq!(response.status(), 200);
    Ok(text(response.into_body()).await)
}

#[track_caller]
fn is_configuration(result: Result<String, Error>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let start = "execution failed due to configuration error: ";
    assert!(error.message().starts_with(start), "{error}");
    assert!(error.message().contains(what), "{error}");
}

const UNKNOWN: &str = "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: \
                       unable to find valid certification path to requested target";
const EXPIRED: &str = "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed";
const WRONG_NAME: &str =
    "host name 'backend.test' does not match the certificate subject provided by the peer";

#[tokio::test]
async fn who_is_trusted_is_chosen() {
    let authority = Authority::new();
    let address = Server::new(authority.sign(&named("backend.test")))
        .listen()
        .await;
    let stranger = builder().build().unwrap();
    is_configuration(get(&stranger, address, Target::new()).await, UNKNOWN);

    for builder in [builder(), builder().without_public_roots()] {
        let client = builder
            .root_certificates(authority.pem.as_str())
            .build()
            .unwrap();
        assert_eq!(
            get(&client, address, Target::new()).await.unwrap(),
            "HTTP/1.1"
        );
    }
    let other = Authority::new().pem;
    let client = builder().root_certificates(other).build().unwrap();
    is_configuration(get(&client, address, Target::new()).await, UNKNOWN);
}

#[tokio::test]
async fn names_and_dates_are_checked() {
    let authority = Authority::new();
    let mut expired = named("backend.test");
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let mut to_come = named("backend.test");
    to_come.not_before = date_time_ymd(3000, 1, 1);
    for (params, what) in [
        (named("other.test"), WRONG_NAME),
        (expired, EXPIRED),
        (to_come, EXPIRED),
    ] {
        let address = Server::new(authority.sign(&params)).listen().await;
        let trusting = builder().root_certificates(authority.pem.as_str());
        let result = get(&trusting.build().unwrap(), address, Target::new()).await;
        is_configuration(result, what);
        // And where the issuer may be anyone.
        let lenient = Target::new().insecure_skip_verification();
        let result = get(&builder().build().unwrap(), address, lenient).await;
        is_configuration(result, what);
    }
}

#[tokio::test]
async fn any_issuer_is_accepted_where_the_target_says_so() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut own = named("backend.test");
    let plain = own.clone().self_signed(&key).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = own.self_signed(&key).unwrap();
    let copy = || KeyPair::from_pem(&key.serialize_pem()).unwrap();
    for identity in [
        authority.sign(&named("backend.test")),
        Identity {
            chain: vec![plain.der().clone()],
            key: copy(),
        },
        // An authority that signed itself, as `openssl req -x509` makes it.
        Identity {
            chain: vec![own.der().clone()],
            key: copy(),
        },
    ] {
        let address = Server::new(identity).listen().await;
        let client = builder().build().unwrap();
        let lenient = || Target::new().insecure_skip_verification();
        assert_eq!(get(&client, address, lenient()).await.unwrap(), "HTTP/1.1");
        // The connection stays with those who asked for it; nor is its session resumed.
        is_configuration(get(&client, address, Target::new()).await, UNKNOWN);
        assert_eq!(get(&client, address, lenient()).await.unwrap(), "HTTP/1.1");
    }
}

#[tokio::test]
async fn a_backend_without_the_key_of_its_certificate_is_refused() {
    // rustls does not let a server have another key, so that the certificate is one of its key's
    // authority with another key inside: the handshake's signature does not fit.
    let authority = Authority::new();
    let identity = authority.sign(&named("backend.test"));
    let other = authority.sign(&named("backend.test"));
    let provider = Arc::new(default_provider());
    let key = PrivatePkcs8KeyDer::from(other.key.serialize_der());
    let signing = provider
        .key_provider
        .load_private_key(PrivateKeyDer::Pkcs8(key))
        .unwrap();
    let certified = tokio_rustls::rustls::sign::CertifiedKey::new(identity.chain, signing);
    let resolver = tokio_rustls::rustls::sign::SingleCertAndKey::from(certified);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let lenient = Target::new().insecure_skip_verification();
    let result = get(&builder().build().unwrap(), address, lenient).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let authority = Authority::new();
    let clients = Authority::new();
    for version in [&TLS12, &TLS13] {
        let mut server = Server::new(authority.sign(&named("backend.test")));
        server.asks_for = Some(clients.der.clone());
        server.version = version;
        let address = server.listen().await;
        let trusting = || builder().root_certificates(authority.pem.as_str());
        let nobody = trusting().build().unwrap();
        let result = get(&nobody, address, Target::new()).await;
        is_configuration(result, "general SSLEngine problem");

        let ours = clients.sign(&named("gateway.test"));
        let client = trusting()
            .client_certificate(ours.pem(), ours.key.serialize_pem())
            .build()
            .unwrap();
        assert_eq!(
            get(&client, address, Target::new()).await.unwrap(),
            "HTTP/1.1"
        );

        let stranger = Authority::new().sign(&named("gateway.test"));
        let client = trusting()
            .client_certificate(stranger.pem(), stranger.key.serialize_pem())
            .build()
            .unwrap();
        let result = get(&client, address, Target::new()).await;
        is_configuration(result, "general SSLEngine problem");

        let mixed = trusting().client_certificate(ours.pem(), stranger.key.serialize_pem());
        let error = mixed.build().unwrap_err().to_string();
        assert_eq!(error, "the client certificate and its key do not fit");
    }
}

#[tokio::test]
async fn another_name_can_be_asked_for() {
    let authority = Authority::new();
    let address = Server::new(authority.sign(&named("real.test")))
        .listen()
        .await;
    let client = builder()
        .root_certificates(authority.pem.as_str())
        .server_name("real.test")
        .build()
        .unwrap();
    assert_eq!(
        get(&client, address, Target::new()).await.unwrap(),
        "HTTP/1.1"
    );
}

#[tokio::test]
async fn http2_is_agreed_on_in_the_handshake() {
    let authority = Authority::new();
    let mut server = Server::new(authority.sign(&named("backend.test")));
    server.protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let both = server.listen().await;
    let client = builder()
        .root_certificates(authority.pem.as_str())
        .build()
        .unwrap();
    assert_eq!(get(&client, both, over_http2()).await.unwrap(), "HTTP/2.0");
    assert_eq!(get(&client, both, Target::new()).await.unwrap(), "HTTP/1.1");

    // One that knows no protocols agrees on none.
    let old = Server::new(authority.sign(&named("backend.test")))
        .listen()
        .await;
    let error = get(&client, old, over_http2()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.message().contains("HTTP/2"), "{error}");
    // One that knows another refuses the handshake.
    let mut server = Server::new(authority.sign(&named("backend.test")));
    server.protocols = vec![b"http/1.1".to_vec()];
    let other = server.listen().await;
    let result = get(&client, other, over_http2()).await;
    is_configuration(result, "general SSLEngine problem");
}

#[tokio::test]
async fn a_backend_that_speaks_no_tls_is_a_network_error() {
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    });
    let result = get(&builder().build().unwrap(), address, Target::new()).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Network);
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn the_program_takes_certificates_from_files() {
    use crate::cli::run;

    let (authority, clients) = (Authority::new(), Authority::new());
    let mut server = Server::new(authority.sign(&named("127.0.0.1")));
    server.asks_for = Some(clients.der.clone());
    let address = server.listen().await;
    let ours = clients.sign(&named("gateway.test"));
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("backend-tls");
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let api = file(
        "api.yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: t, version: '1'}}\npaths:\n  /a:\n    get:\n      \
             x-amazon-apigateway-integration:\n        {{type: http_proxy, httpMethod: GET, uri: 'https://{address}/'}}\n"
        ),
    );
    let ca = file("ca.pem", authority.pem.clone());
    let certificate = file("client.pem", ours.pem());
    let key = file("client.key", ours.key.serialize_pem());
    let invoke = |options: &[&str]| {
        let mut arguments = vec!["invoke", &api, "GET", "/a", "--fail"];
        arguments.extend_from_slice(options);
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        tokio::task::spawn_blocking(move || {
            run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        })
    };
    let identity = ["--backend-cert", &certificate, "--backend-key", &key];
    let all: Vec<&str> = [&["--backend-ca", ca.as_str()][..], &identity].concat();
    let (code, out, err) = invoke(&all).await.unwrap();
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("HTTP/1.1"), "{out}");

    let (code, out, _) = invoke(&identity).await.unwrap();
    assert_eq!(code, 1);
    assert!(
        out.contains("unable to find valid certification path"),
        "{out}"
    );
    let (code, _, err) = invoke(&["--backend-ca", &key]).await.unwrap();
    assert_eq!(code, 1);
    assert!(
        err.contains(&format!(
            "--backend-ca {key}: the root certificates cannot be read"
        )),
        "{err}"
    );
    assert!(!err.contains("PRIVATE"), "{err}");
    assert_eq!(
        invoke(&["--backend-cert", &certificate]).await.unwrap().0,
        2
    );
}
