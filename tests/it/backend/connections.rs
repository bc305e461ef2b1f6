//! Connections of HTTP/1.1: to which address, how long, how many, and what their answers may be.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::ErrorKind;
use tower_apigw::target::Target;

use super::{request, send};
use crate::support::{Wire, soon, text};

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A server that answers every request with `name`, and counts its connections.
async fn serve(at: SocketAddr, name: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(at).await.unwrap();
    let address = listener.local_addr().unwrap();
    let open = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&open);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = answer_all(stream, name).await;
                count.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (address, open)
}

async fn answer_all(mut stream: TcpStream, name: &str) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut wire = Wire::new(reader);
    while wire.has_more().await? {
        let head = wire.head().await?;
        if head.first.contains("/slow") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let length = name.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}");
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn get(client: &HttpClient, uri: &str) -> String {
    let response = send(client, request(uri, Target::new())).await.unwrap();
    text(response.into_body()).await
}

/// A listener that takes no connection any more: its queue is full. None where the system is
/// otherwise.
async fn black_hole(port: u16) -> Option<(TcpListener, Vec<TcpStream>)> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((TWO, port))).ok()?;
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    for _ in 0..64 {
        let connect = TcpStream::connect(address);
        match tokio::time::timeout(Duration::from_millis(100), connect).await {
            Ok(stream) => queued.push(stream.unwrap()),
            Err(_) => return Some((listener, queued)),
        }
    }
    None
}

#[tokio::test]
async fn an_address_that_does_not_answer_costs_a_quarter_of_a_second() {
    let (address, _) = serve((ONE, 0).into(), "one").await;
    let Some(_hole) = black_hole(address.port()).await else {
        println!("skipped: a full queue takes connections here");
        return;
    };
    let client = HttpClient::builder()
        .lookup(|_| async { Ok(vec![IpAddr::V4(TWO), IpAddr::V4(ONE)]) })
        .build()
        .unwrap();
    let start = Instant::now();
    let uri = format!("http://two.test:{}/", address.port());
    assert_eq!(get(&client, &uri).await, "one");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn an_address_that_refuses_costs_nothing() {
    let (address, _) = serve((ONE, 0).into(), "one").await;
    let client = HttpClient::builder()
        .lookup(|_| async { Ok(vec![IpAddr::V4(TWO), IpAddr::V4(ONE)]) })
        .build()
        .unwrap();
    let start = Instant::now();
    let uri = format!("http://two.test:{}/", address.port());
    assert_eq!(get(&client, &uri).await, "one");
    assert!(start.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_connection_is_waited_for_as_long_as_is_said() {
    let Some((hole, _queued)) = black_hole(0).await else {
        println!("skipped: a full queue takes connections here");
        return;
    };
    let client = HttpClient::builder()
        .connect_timeout(Duration::from_millis(150))
        .build()
        .unwrap();
    let start = Instant::now();
    let uri = format!("http://{}/", hole.local_addr().unwrap());
    let error = send(&client, request(&uri, Target::new()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(150) && took < Duration::from_secs(2),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_name_that_is_not_known_is_an_error_of_configuration() {
    let unknown = || async { Err(io::Error::other("no such name")) };
    let client = HttpClient::builder()
        .lookup(move |_| unknown())
        .build()
        .unwrap();
    let error = send(&client, request("http://no.test/", Target::new())).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.message().ends_with("invalid endpoint address"),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_that_leads_to_a_link_local_address_is_refused() {
    let client = HttpClient::builder()
        .guard(true)
        .lookup(|_| async { Ok(vec!["169.254.169.254".parse().unwrap()]) })
        .build()
        .unwrap();
    let mut target = Target::new();
    target.templated_host = true;
    let error = send(&client, request("http://name.test/", target))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("link-local"), "{error}");
}

#[tokio::test]
async fn a_change_of_addresses_is_noticed_when_connections_grow_old() {
    let (address, _) = serve((ONE, 0).into(), "one").await;
    serve((TWO, address.port()).into(), "two").await;
    let moved = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&moved);
    let client = HttpClient::builder()
        .max_age(Duration::from_millis(200))
        .idle_timeout(Duration::from_millis(500))
        .lookup(move |_| {
            let now = if seen.load(Ordering::SeqCst) {
                TWO
            } else {
                ONE
            };
            async move { Ok(vec![IpAddr::V4(now)]) }
        })
        .build()
        .unwrap();
    let uri = format!("http://moving.test:{}/", address.port());
    assert_eq!(get(&client, &uri).await, "one");
    moved.store(true, Ordering::SeqCst);
    // The connection is there and young.
    assert_eq!(get(&client, &uri).await, "one");
    let start = Instant::now();
    soon("the other address", async {
        // In constant use, so that it is never idle for long.
        while get(&client, &uri).await == "one" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_crowd_of_requests_finds_its_connections_again() {
    const CROWD: usize = 300;
    let (address, open) = serve(SocketAddr::from((ONE, 0)), "x").await;
    let client = HttpClient::new();
    let uri = format!("http://{address}/slow");
    for _ in 0..2 {
        let calls = (0..CROWD).map(|_| {
            let (client, uri) = (client.clone(), uri.clone());
            tokio::spawn(async move { get(&client, &uri).await })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(soon("an answer", call).await.unwrap(), "x");
        }
        // Whatever is closed would be by now.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(open.load(Ordering::SeqCst), CROWD);
    }
}

#[tokio::test]
async fn idle_connections_end_and_no_more_are_kept_than_is_said() {
    let (address, open) = serve((ONE, 0).into(), "one").await;
    let client = HttpClient::builder()
        .max_idle_per_host(2)
        .idle_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let uri = format!("http://{address}/slow");
    let sending: Vec<_> = (0..5)
        .map(|_| {
            let (client, uri) = (client.clone(), uri.clone());
            tokio::spawn(async move { get(&client, &uri).await })
        })
        .collect();
    for sent in sending {
        assert_eq!(sent.await.unwrap(), "one");
    }
    let open = || open.load(Ordering::SeqCst);
    soon("the others to end", async {
        while open() > 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(open(), 2);
    soon("all to end", async {
        while open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Answers one request a connection, and closes it without having said so.
async fn closing(delay: Duration) -> (SocketAddr, Arc<Mutex<HashMap<String, usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let (reader, mut writer) = stream.split();
                let mut wire = Wire::new(reader);
                let Ok(head) = wire.head().await else { return };
                let body = wire.request_body(&head).await.unwrap();
                let id = String::from_utf8(body).unwrap();
                *told.lock().unwrap().entry(id).or_default() += 1;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                writer.write_all(answer).await.unwrap();
                tokio::time::sleep(delay).await;
            });
        }
    });
    (address, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_closes_as_it_is_reused_loses_and_doubles_nothing() {
    let (address, seen) = closing(Duration::from_micros(300)).await;
    let client = HttpClient::new();
    let (mut answered, mut failed) = (0, 0);
    for round in 0..1000_u64 {
        let request = Request::post(format!("http://{address}/"))
            .body(Body::from(round.to_string()))
            .unwrap();
        match send(&client, request).await {
            Ok(_) => {
                answered += 1;
                let times = seen.lock().unwrap().get(&round.to_string()).copied();
                assert_eq!(times, Some(1), "{round} was answered");
            }
            // It was written, and the connection was gone.
            Err(error) => {
                failed += 1;
                assert_eq!(error.kind(), ErrorKind::Network, "{error}");
                let times = seen.lock().unwrap().get(&round.to_string()).copied();
                assert_eq!(times, None, "{round} was not looked at");
            }
        }
        // As long as the backend needs to close, more or less.
        tokio::time::sleep(Duration::from_micros(round % 600)).await;
    }
    assert!(seen.lock().unwrap().values().all(|&times| times == 1));
    assert!(answered > 500, "{answered} answered, {failed} failed");
}

#[tokio::test]
async fn a_connection_that_has_closed_is_replaced() {
    let (address, seen) = closing(Duration::ZERO).await;
    let client = HttpClient::new();
    for round in 0..20 {
        let request = Request::post(format!("http://{address}/"))
            .body(Body::from(round.to_string()))
            .unwrap();
        assert_eq!(send(&client, request).await.unwrap().status(), 200);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(seen.lock().unwrap().len(), 20);
}

/// The answer to a request as it stands on the wire.
async fn answered(raw: Vec<u8>) -> Result<http::Response<Body>, tower_apigw::error::Error> {
    answered_to(&HttpClient::new(), raw).await
}

async fn answered_to(
    client: &HttpClient,
    raw: Vec<u8>,
) -> Result<http::Response<Body>, tower_apigw::error::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        stream.write_all(&raw).await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
    });
    send(client, request(&uri, Target::new())).await
}

#[tokio::test]
async fn an_answer_in_another_transfer_coding_is_a_bad_one() {
    for codings in [
        "gzip, chunked",
        "gzip,chunked",
        "chunked\r\nTransfer-Encoding: chunked",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}\r\n\r\n");
        let raw = format!("{head}2\r\nhi\r\n0\r\n\r\n").into_bytes();
        let error = answered(raw).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{codings}");
    }
    for codings in ["chunked", "Chunked"] {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}\r\n\r\n");
        let raw = format!("{head}2\r\nhi\r\n0\r\n\r\n").into_bytes();
        let response = answered(raw).await.unwrap();
        assert_eq!(text(response.into_body()).await, "hi", "{codings}");
    }
}

#[tokio::test]
async fn an_answer_may_have_many_headers() {
    let with = |count: usize| {
        let lines: String = (0..count).map(|n| format!("X-{n}: {n}\r\n")).collect();
        format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{lines}\r\nhi").into_bytes()
    };
    let many = HttpClient::builder()
        .max_response_headers(512)
        .build()
        .unwrap();
    for count in [1, 99, 150, 511] {
        let response = answered_to(&many, with(count)).await.unwrap();
        assert_eq!(response.headers().len(), count + 1);
        assert_eq!(text(response.into_body()).await, "hi");
    }
    let error = answered_to(&many, with(513)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(answered(with(99)).await.is_ok());
    assert!(answered(with(100)).await.is_err());
}
