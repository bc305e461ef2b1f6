//! Connections of HTTP/2 that are shared, used up, idle and old.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::ErrorKind;

use super::{over_http2, request, send};
use crate::support::{soon, text};

/// A backend, and what it saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) connections: AtomicUsize,
    pub(super) open: AtomicUsize,
    pub(super) streams: AtomicUsize,
    /// Lets answers to `/wait` go.
    gate: Notify,
}

/// Answers `/wait` when it is let, all else with `:authority` and path at once.
async fn serve(streams: Option<u32>) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            told.connections.fetch_add(1, Ordering::SeqCst);
            told.open.fetch_add(1, Ordering::SeqCst);
            let seen = Arc::clone(&told);
            tokio::spawn(async move {
                connection(stream, streams, Arc::clone(&seen)).await;
                seen.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (address, seen)
}

pub(super) async fn connection(stream: TcpStream, streams: Option<u32>, seen: Arc<Seen>) {
    let mut builder = h2::server::Builder::new();
    if let Some(streams) = streams {
        builder.max_concurrent_streams(streams);
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        seen.streams.fetch_add(1, Ordering::SeqCst);
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let (parts, mut body) = request.into_parts();
            if parts.uri.path() == "/wait" {
                seen.gate.notified().await;
            }
            let mut text = parts.uri.to_string().into_bytes();
            while let Some(Ok(chunk)) = body.data().await {
                let _ = body.flow_control().release_capacity(chunk.len());
                text.extend_from_slice(&chunk);
            }
            if let Ok(mut out) = respond.send_response(Response::new(()), false) {
                let _ = out.send_data(text.into(), true);
            }
        });
    }
}

/// Waits until `now` says so.
async fn until(what: &str, now: impl Fn() -> bool) {
    soon(what, async {
        while !now() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_connection_serves_many_requests_at_once() {
    let (address, seen) = serve(None).await;
    let client = HttpClient::new();
    let uri = format!("http://{address}/a?b=c");
    let sending = (0..50).map(|_| {
        let (client, uri) = (client.clone(), uri.clone());
        tokio::spawn(async move {
            let response = send(&client, request(&uri, over_http2())).await.unwrap();
            assert_eq!(text(response.into_body()).await, uri);
        })
    });
    for sent in sending.collect::<Vec<_>>() {
        sent.await.unwrap();
    }
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
    assert_eq!(seen.streams.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn a_host_that_is_mapped_is_the_authority_and_the_framing_is_of_http2() {
    let (address, _) = serve(None).await;
    let mut request = request(&format!("http://{address}/"), over_http2());
    let headers = request.headers_mut();
    headers.insert("host", "pets.example.com".parse().unwrap());
    headers.insert("transfer-encoding", "chunked".parse().unwrap());
    *request.method_mut() = http::Method::POST;
    let (sender, frames) = crate::support::frames(2);
    sender
        .try_send(crate::support::data(" and a body"))
        .unwrap();
    drop(sender);
    let request = request.map(|_| Body::new(frames));
    let response = send(&HttpClient::new(), request).await.unwrap();
    assert_eq!(
        text(response.into_body()).await,
        "http://pets.example.com/ and a body"
    );
}

#[tokio::test]
async fn more_connections_are_made_when_the_streams_are_used_up() {
    let (address, seen) = serve(Some(2)).await;
    let client = HttpClient::new();
    let uri = format!("http://{address}/wait");
    let mut waiting = Vec::new();
    for count in 1..=5 {
        let (client, uri) = (client.clone(), uri.clone());
        waiting.push(tokio::spawn(async move {
            send(&client, request(&uri, over_http2())).await.unwrap()
        }));
        until("the stream", || {
            seen.streams.load(Ordering::SeqCst) == count
        })
        .await;
    }
    assert_eq!(seen.connections.load(Ordering::SeqCst), 3);
    seen.gate.notify_waiters();
    for waited in waiting {
        assert_eq!(waited.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn where_all_connections_are_full_requests_wait() {
    let (address, seen) = serve(Some(1)).await;
    let client = HttpClient::builder().http2_limits(1, 200).build().unwrap();
    let uri = format!("http://{address}/wait");
    let sending: Vec<_> = (0..3)
        .map(|_| {
            let (client, uri) = (client.clone(), uri.clone());
            tokio::spawn(async move {
                let response = send(&client, request(&uri, over_http2())).await.unwrap();
                text(response.into_body()).await
            })
        })
        .collect();
    for count in 1..=3 {
        until("a stream", || seen.streams.load(Ordering::SeqCst) == count).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(seen.streams.load(Ordering::SeqCst), count);
        seen.gate.notify_one();
    }
    for sent in sending {
        assert_eq!(soon("an answer", sent).await.unwrap(), uri);
    }
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn our_own_limit_of_streams_holds_as_well() {
    let (address, seen) = serve(None).await;
    let client = HttpClient::builder().http2_limits(8, 1).build().unwrap();
    let uri = format!("http://{address}/wait");
    let mut waiting = Vec::new();
    for count in 1..=3 {
        let (client, uri) = (client.clone(), uri.clone());
        waiting.push(tokio::spawn(async move {
            send(&client, request(&uri, over_http2())).await.unwrap()
        }));
        until("the stream", || {
            seen.streams.load(Ordering::SeqCst) == count
        })
        .await;
    }
    assert_eq!(seen.connections.load(Ordering::SeqCst), 3);
    seen.gate.notify_waiters();
    for waited in waiting {
        waited.await.unwrap();
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_one_in_use_is_not() {
    let (address, seen) = serve(None).await;
    let client = HttpClient::builder()
        .idle_timeout(Duration::from_millis(60))
        .build()
        .unwrap();
    let get = |path: &str| request(&format!("http://{address}{path}"), over_http2());
    let waiting = {
        let (client, request) = (client.clone(), get("/wait"));
        tokio::spawn(async move { send(&client, request).await.unwrap() })
    };
    until("the stream", || seen.streams.load(Ordering::SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(seen.open.load(Ordering::SeqCst), 1);
    seen.gate.notify_one();
    text(waiting.await.unwrap().into_body()).await;
    until("the end", || seen.open.load(Ordering::SeqCst) == 0).await;
    send(&client, get("/")).await.unwrap();
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_old_connection_ends_with_its_streams() {
    let (address, seen) = serve(None).await;
    let client = HttpClient::builder()
        .max_age(Duration::from_millis(100))
        .build()
        .unwrap();
    let get = |path: &str| request(&format!("http://{address}{path}"), over_http2());
    let waiting = {
        let (client, request) = (client.clone(), get("/wait"));
        tokio::spawn(async move { send(&client, request).await.unwrap() })
    };
    until("the stream", || seen.streams.load(Ordering::SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    send(&client, get("/")).await.unwrap();
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
    assert_eq!(seen.open.load(Ordering::SeqCst), 2);
    seen.gate.notify_one();
    let body = text(waiting.await.unwrap().into_body()).await;
    assert!(body.ends_with("/wait"), "{body}");
    until("the end of the old one", || {
        seen.open.load(Ordering::SeqCst) < 2
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_the_connection_to_others() {
    let (address, seen) = serve(Some(1)).await;
    let client = HttpClient::builder().http2_limits(1, 1).build().unwrap();
    let get = |path: &str| request(&format!("http://{address}{path}"), over_http2());
    let given_up = tokio::time::timeout(Duration::from_millis(100), send(&client, get("/wait")));
    assert!(given_up.await.is_err());
    assert_eq!(send(&client, get("/")).await.unwrap().status(), 200);
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_backend_of_http1_is_a_network_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await;
    });
    let request = request(&format!("http://{address}/"), over_http2());
    let error = send(&HttpClient::new(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
}

#[tokio::test]
async fn a_backend_that_is_not_there_fails_all_who_wait_for_it() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let client = HttpClient::new();
    let sending: Vec<_> = (0..5)
        .map(|_| {
            let (client, uri) = (client.clone(), uri.clone());
            tokio::spawn(async move { send(&client, request(&uri, over_http2())).await })
        })
        .collect();
    for sent in sending {
        let error = sent.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_as_such() {
    let (address, _) = serve(None).await;
    let (sender, frames) = crate::support::frames(2);
    sender.try_send(crate::support::data("a")).unwrap();
    sender
        .try_send(Err(std::io::Error::other("the client is gone")))
        .unwrap();
    let request = Request::post(format!("http://{address}/"))
        .extension(over_http2())
        .body(Body::new(frames))
        .unwrap();
    let error = send(&HttpClient::new(), request).await.unwrap_err();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    let mut texts = Vec::new();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    assert!(
        texts.iter().any(|text| text == "the client is gone"),
        "{texts:?}"
    );
}
