//! `apigw serve` with a certificate.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cli::{Document, Serving, apigw, outcome};
use crate::server::tls::{Authority, connect};

const EMPTY: &str = r#"{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}}"#;

async fn status(server: &Serving, authority: &Authority) -> std::io::Result<String> {
    let address = server.address.parse().unwrap();
    let mut stream = connect(address, authority, "localhost", &["http/1.1"], None).await?;
    stream
        .write_all(b"GET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_is_read_again_with_the_document() {
    let (old, new) = (Authority::new(), Authority::new());
    let (chain, key) = old.sign("localhost");
    let document = Document::new("yaml", EMPTY);
    let (chain, key) = (Document::new("pem", chain), Document::new("pem", key));
    let arguments = ["--tls-cert", chain.path(), "--tls-key", key.path()];
    let server = Serving::of(&document, &arguments);
    assert_eq!(
        status(&server, &old).await.unwrap(),
        "HTTP/1.1 403 Forbidden"
    );

    // A key that does not fit changes nothing.
    let (new_chain, new_key) = new.sign("localhost");
    std::fs::write(chain.path(), new_chain).unwrap();
    server.signal("HUP");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        status(&server, &old).await.unwrap(),
        "HTTP/1.1 403 Forbidden"
    );

    std::fs::write(key.path(), new_key).unwrap();
    server.signal("HUP");
    let until = Instant::now() + Duration::from_secs(10);
    while status(&server, &new).await.is_err() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(status(&server, &old).await.is_err());
    server.signal("TERM");
    let (code, _, logs) = server.end();
    assert_eq!(code, 0, "{logs}");
    assert_eq!(
        logs.matches("the certificate before is shown on").count(),
        1,
        "{logs}"
    );
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let document = Document::new("yaml", EMPTY);
    let (chain, key) = Authority::new().sign("localhost");
    let (chain, key) = (Document::new("pem", chain), Document::new("pem", key));
    let no_file = "/nonexistent/key.pem";
    for (arguments, code, expected) in [
        (vec!["--tls-cert", chain.path()], 2, "--tls-key"),
        (vec!["--tls-client-ca", chain.path()], 2, "--tls-cert"),
        (
            vec!["--tls-cert", chain.path(), "--tls-key", no_file],
            1,
            "cannot read /nonexistent/key.pem",
        ),
        (
            vec!["--tls-cert", key.path(), "--tls-key", key.path()],
            1,
            "the certificate cannot be read",
        ),
    ] {
        let run = apigw()
            .args(["serve", document.path(), "--listen", "127.0.0.1:0"])
            .args(&arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (ended, _, errors) = outcome(run);
        assert_eq!(ended, code, "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
}
