//! Requests that a backend of HTTP/2 never looked at, which are sent again, and others, which are
//! not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::ErrorKind;

use super::http2::{Seen, connection};
use super::{over_http2, send};
use crate::support::{data, frames, soon, text};

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A backend whose first connections are `first`'s, and all others as usual.
async fn after<F, R>(first: usize, does: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if count.fetch_add(1, Ordering::SeqCst) < first {
                tokio::spawn(does(stream));
            } else {
                tokio::spawn(connection(stream, None, Arc::<Seen>::default()));
            }
        }
    });
    (address, connections)
}

/// Reads until the frame of a request's head has come.
async fn read_head(stream: &mut TcpStream) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await.unwrap();
        let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
        let mut payload = vec![0; length.try_into().unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        if frame[3] == 1 {
            return;
        }
    }
}

/// Says that it goes away and that `last` was the last stream it looked at, and does so.
async fn go_away(mut stream: TcpStream, last: u8) {
    stream.write_all(&SETTINGS).await.unwrap();
    read_head(&mut stream).await;
    let frame = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0];
    stream.write_all(&frame).await.unwrap();
    let _ = stream.shutdown().await;
    // What is not read would reset the connection before the frame is.
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

/// Refuses every stream; of a stream it says to read a body of, the first chunk is read.
async fn refuse(stream: TcpStream, reads: bool) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let respond_later = async move {
            let mut body = request.into_body();
            if reads {
                let _ = body.data().await;
            }
            respond.send_reset(h2::Reason::REFUSED_STREAM);
        };
        tokio::spawn(respond_later);
    }
    drop::<h2::server::Connection<TcpStream, Bytes>>(connection);
}

fn post(address: SocketAddr, body: Body) -> Request<Body> {
    let request = Request::post(format!("http://{address}/")).extension(over_http2());
    request.body(body).unwrap()
}

#[tokio::test]
async fn streams_above_the_last_of_a_goaway_are_sent_again() {
    let (address, connections) = after(1, |stream| go_away(stream, 0)).await;
    let request = post(address, Body::from(" hello"));
    let response = send(&HttpClient::new(), request).await.unwrap();
    let body = text(response.into_body()).await;
    assert_eq!(body, format!("http://{address}/ hello"));
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_stream_that_may_have_been_looked_at_is_not_sent_again() {
    let (address, connections) = after(1, |stream| go_away(stream, 1)).await;
    let request = post(address, Body::from(" hello"));
    let error = send(&HttpClient::new(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_with_its_body() {
    // The first stream of a connection is refused, the next is answered.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (_, mut respond) = connection.accept().await.unwrap().unwrap();
        respond.send_reset(h2::Reason::REFUSED_STREAM);
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        tokio::spawn(async move {
            let mut body = request.into_body();
            let mut out = respond
                .send_response(http::Response::new(()), false)
                .unwrap();
            while let Some(Ok(chunk)) = body.data().await {
                out.send_data(chunk, false).unwrap();
            }
            out.send_data(Bytes::new(), true).unwrap();
        });
        while connection.accept().await.is_some() {}
    });
    // A stream of which nothing was read yet.
    let (sender, body) = frames(1);
    let sending = {
        let request = post(address, Body::new(body));
        tokio::spawn(async move { send(&HttpClient::new(), request).await.unwrap() })
    };
    let response = soon("the answer's head", sending).await.unwrap();
    sender.send(data("late")).await.unwrap();
    drop(sender);
    assert_eq!(text(response.into_body()).await, "late");
}

#[tokio::test]
async fn a_refused_stream_whose_body_was_under_way_fails() {
    let (address, connections) = after(1, |stream| refuse(stream, true)).await;
    let (sender, body) = frames(2);
    sender.try_send(data("gone")).unwrap();
    let error = send(&HttpClient::new(), post(address, Body::new(body))).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.message().contains("under way"), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_always_refuses_is_asked_five_times() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (address, _) = after(usize::MAX, move |stream| {
        let count = Arc::clone(&count);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                respond.send_reset(h2::Reason::REFUSED_STREAM);
            }
            drop::<h2::server::Connection<TcpStream, Bytes>>(connection);
        }
    })
    .await;
    let error = send(&HttpClient::new(), post(address, Body::empty())).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn who_closes_every_connection_is_given_up() {
    let (address, connections) = after(usize::MAX, |stream| async move { drop(stream) }).await;
    for _ in 0..20 {
        let error = send(&HttpClient::new(), post(address, Body::empty())).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Network);
    }
    assert!(connections.load(Ordering::SeqCst) <= 20 * 20);
}

#[tokio::test]
async fn another_reset_is_not_sent_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (address, _) = after(usize::MAX, move |stream| {
        let count = Arc::clone(&count);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                respond.send_reset(h2::Reason::INTERNAL_ERROR);
            }
            drop::<h2::server::Connection<TcpStream, Bytes>>(connection);
        }
    })
    .await;
    let error = send(&HttpClient::new(), post(address, Body::empty())).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Network);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_backend_that_answers_no_ping_is_given_up() {
    let (address, _) = after(1, |mut stream| async move {
        stream.write_all(&SETTINGS).await.unwrap();
        read_head(&mut stream).await;
        // Reads on and says nothing.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let client = HttpClient::builder()
        .http2_ping(Duration::from_millis(50), Duration::from_millis(50))
        .build()
        .unwrap();
    let error = send(&client, post(address, Body::empty())).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Network);
    // And the next gets another connection.
    let response = send(&client, post(address, Body::empty())).await.unwrap();
    assert_eq!(response.status(), 200);
}
