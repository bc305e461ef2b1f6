//! TLS on the listener, spoken to by rustls and hyper.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower_apigw::server::{End, Server, Tls};

use super::start;

/// An authority, and what it signs: certificate and key in PEM.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn sign(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn tls((chain, key): &(String, String)) -> Tls {
    Tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
}

/// A client that trusts `authority`, offers `protocols` and shows `identity`.
pub(crate) async fn connect(
    address: SocketAddr,
    authority: &Authority,
    name: &str,
    protocols: &[&str],
    identity: Option<&(String, String)>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// One request over HTTP/1.1.
async fn ask(stream: &mut TlsStream<TcpStream>) -> std::io::Result<String> {
    stream
        .write_all(b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn agreed(stream: &TlsStream<TcpStream>) -> Option<&[u8]> {
    stream.get_ref().1.alpn_protocol()
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_over_tls() {
    let authority = Authority::new();
    let running = start(
        Server::new()
            .keep_header_names(true)
            .tls(tls(&authority.sign("api.test"))),
    )
    .await;
    let mut stream = connect(running.address, &authority, "api.test", &[], None)
        .await
        .unwrap();
    assert_eq!(agreed(&stream), None);
    let answer = ask(&mut stream).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // What is behind TLS is as without it: the client's address, the names as it spelled them.
    let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert!(
        answer.contains(&format!("GET /a h from {client}\nHost Connection\n")),
        "{answer}"
    );

    let offered = ["h2", "http/1.1"];
    let stream = connect(running.address, &authority, "api.test", &offered, None)
        .await
        .unwrap();
    assert_eq!(agreed(&stream), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::post("https://api.test/b")
        .body(Full::new(Bytes::from("body")))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"POST /b api.test from "), "{body:?}");
    assert!(body.ends_with(b"\nbody\n"), "{body:?}");
    drop(sender);
    assert_eq!(running.stop().await, End::Drained);
}

#[tokio::test]
async fn a_new_certificate_is_shown_from_the_next_connection_on() {
    let (old, new) = (Authority::new(), Authority::new());
    let shown = tls(&old.sign("api.test"));
    let running = start(Server::new().tls(shown.clone())).await;
    let mut kept = connect(running.address, &old, "api.test", &[], None)
        .await
        .unwrap();
    shown.replace(tls(&new.sign("api.test")));
    let trusting_old = connect(running.address, &old, "api.test", &[], None).await;
    assert!(trusting_old.is_err());
    let mut stream = connect(running.address, &new, "api.test", &[], None)
        .await
        .unwrap();
    assert!(ask(&mut stream).await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(ask(&mut kept).await.unwrap().starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn only_clients_of_the_authority_come_in() {
    let (own, other) = (Authority::new(), Authority::new());
    let (chain, key) = own.sign("api.test");
    let mutual = Tls::mutual(chain.as_bytes(), key.as_bytes(), own.pem.as_bytes()).unwrap();
    let running = start(Server::new().tls(mutual)).await;
    for (identity, admitted) in [
        (Some(own.sign("client")), true),
        (Some(other.sign("client")), false),
        (None, false),
    ] {
        // With TLS 1.3 a client learns of the refusal when it reads.
        let answer = async {
            let identity = identity.as_ref();
            let mut stream = connect(running.address, &own, "api.test", &[], identity).await?;
            ask(&mut stream).await
        };
        let answer = answer.await;
        assert_eq!(
            answer
                .as_ref()
                .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 ")),
            admitted,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_tls_harms_nobody_else() {
    let authority = Authority::new();
    let running = start(Server::new().tls(tls(&authority.sign("api.test")))).await;
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), plain.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let silent = TcpStream::connect(running.address).await.unwrap();
    let mut stream = connect(running.address, &authority, "api.test", &[], None)
        .await
        .unwrap();
    assert!(ask(&mut stream).await.unwrap().starts_with("HTTP/1.1 200 "));
    // One that is in its handshake does not hold up the end.
    let end = timeout(Duration::from_secs(2), running.stop())
        .await
        .unwrap();
    assert_eq!(end, End::Drained);
    drop(silent);
}

#[test]
fn files_that_do_not_fit_are_told_and_never_shown() {
    let authority = Authority::new();
    let (chain, key) = authority.sign("api.test");
    let (_, other_key) = authority.sign("api.test");
    let ca = authority.pem.as_str();
    for (chain, key, authorities, expected) in [
        ("", key.as_str(), None, "the certificate cannot be read"),
        (&key, &key, None, "the certificate cannot be read"),
        (
            &chain,
            "",
            None,
            "the key of the certificate cannot be read",
        ),
        (
            &chain,
            &chain,
            None,
            "the key of the certificate cannot be read",
        ),
        (
            &chain,
            &other_key,
            None,
            "the certificate and its key do not fit",
        ),
        (
            &chain,
            &key,
            Some("x"),
            "the authorities of clients cannot be read",
        ),
    ] {
        let made = match authorities {
            None => Tls::from_pem(chain.as_bytes(), key.as_bytes()),
            Some(pem) => Tls::mutual(chain.as_bytes(), key.as_bytes(), pem.as_bytes()),
        };
        let error = made.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("PRIVATE"));
    }
    let made = Tls::mutual(chain.as_bytes(), key.as_bytes(), ca.as_bytes()).unwrap();
    assert_eq!(format!("{made:?}"), "Tls { .. }");
}
