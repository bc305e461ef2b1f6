//! Clients that go away where one side or both speak HTTP/2: by the end of their stream, which
//! leaves the connection to others, or by that of their connection.

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::Response;

use super::leaving::{MOMENTS, Moment};
use super::*;

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// `RST_STREAM`; the second is what proxies send whose own client left.
    Cancel,
    NoError,
    /// The end of its connection.
    Closing,
}

/// A backend of either version, in the middle of a call.
enum Called {
    Http1(Raw),
    Http2 {
        body: RecvStream,
        respond: h2::server::SendResponse<Bytes>,
        answer: Option<h2::SendStream<Bytes>>,
        connection: JoinHandle<()>,
    },
}

impl Called {
    /// Takes what the request has: a piece of a body, or a whole one.
    async fn of(gateway: &Gateway, over_http2: bool, piece: &str, whole: bool) -> Self {
        if !over_http2 {
            let mut raw = gateway.backend().await;
            let head = raw.head().await;
            if whole {
                let body = soon("the request", raw.wire.request_body(&head)).await;
                assert_eq!(body.unwrap(), piece.as_bytes());
            } else {
                assert!(head.is_chunked(), "{head:?}");
                assert_eq!(raw.chunk().await.unwrap(), piece);
            }
            return Self::Http1(raw);
        }
        let stream = gateway.backend_stream().await;
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let call = soon("a request", connection.accept()).await;
        let (request, respond) = call.unwrap().unwrap();
        let connection = tokio::spawn(async move { while connection.accept().await.is_some() {} });
        let mut body = request.into_body();
        let data = soon("a piece", body.data()).await.unwrap().unwrap();
        assert_eq!(data, piece);
        body.flow_control().release_capacity(data.len()).unwrap();
        if whole {
            let end = soon("the end of the request", body.data()).await;
            assert!(end.is_none_or(|data| data.unwrap().is_empty()));
        }
        Self::Http2 {
            body,
            respond,
            answer: None,
            connection,
        }
    }

    async fn answers(&mut self, piece: &str) {
        match self {
            Self::Http1(raw) => {
                raw.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .await;
                if !piece.is_empty() {
                    raw.send(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
                }
            }
            Self::Http2 {
                respond, answer, ..
            } => {
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                if !piece.is_empty() {
                    stream
                        .send_data(Bytes::from(piece.to_owned()), false)
                        .unwrap();
                }
                *answer = Some(stream);
            }
        }
    }

    /// Waits until the call is given up; the request never ends as if it were whole.
    async fn until_left(self, within_its_body: bool) {
        match self {
            Self::Http1(mut raw) => {
                if within_its_body {
                    let rest = soon("the end of the connection", raw.wire.chunk()).await;
                    assert!(rest.is_err(), "the request ended as if it were whole");
                }
                closed(&mut raw).await;
            }
            Self::Http2 {
                mut body,
                mut respond,
                mut answer,
                connection,
            } => {
                if within_its_body {
                    let rest = soon("the end of the request", body.data()).await;
                    let rest = rest.expect("the request ended as if it were whole");
                    assert!(rest.unwrap_err().is_reset());
                }
                let reset = std::future::poll_fn(|cx| match &mut answer {
                    Some(stream) => stream.poll_reset(cx),
                    None => respond.poll_reset(cx),
                });
                let reason = soon("a reset", reset).await.unwrap();
                assert!(
                    matches!(reason, Reason::CANCEL | Reason::INTERNAL_ERROR),
                    "{reason:?}"
                );
                // The connection is for other calls.
                assert!(!connection.is_finished());
            }
        }
    }
}

async fn leave(way: Way, moment: Moment, by: By, over_http2: bool) {
    let gateway = Gateway::with(server(), stage(), |authority| {
        let integration = way.integration(authority);
        if over_http2 {
            integration.protocol(Protocol::Http2)
        } else {
            integration
        }
    })
    .await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    let request = Request::post("http://gateway/a")
        .header("content-type", "application/json")
        .body(());
    let (response, mut request) = sender.send_request(request.unwrap(), false).unwrap();
    let (piece, whole) = match moment {
        Moment::WithinItsHead | Moment::BeforeItsBody => ("", false),
        Moment::WithinItsBody => ("half", false),
        Moment::BeforeTheHead | Moment::BeforeTheBody | Moment::WithinTheBody => ("whole", true),
    };
    if !piece.is_empty() {
        request.send_data(piece.into(), whole).unwrap();
    }
    let mut called = None;
    // A body of unknown length is waited for, since it may turn out to be none.
    if whole || (way == Way::Proxy && !piece.is_empty()) {
        let mut backend = Called::of(&gateway, over_http2, piece, whole).await;
        match moment {
            Moment::BeforeTheBody => backend.answers("").await,
            Moment::WithinTheBody => backend.answers("half").await,
            _ => {}
        }
        called = Some(backend);
    } else {
        sleep(Duration::from_millis(20)).await;
    }
    let mut response = Some(response);
    let mut answer = None;
    if moment == Moment::WithinTheBody && way == Way::Proxy {
        let response = response.take().unwrap();
        let mut body = soon("a head", response).await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), "half");
        answer = Some(body);
    }
    match by {
        By::Cancel => request.send_reset(Reason::CANCEL),
        By::NoError => request.send_reset(Reason::NO_ERROR),
        By::Closing => connection.abort(),
    }
    if let Some(called) = called {
        let began = std::time::Instant::now();
        called.until_left(moment == Moment::WithinItsBody).await;
        // By the client, not by a deadline.
        let lasted = began.elapsed();
        assert!(lasted < DEADLINE / 2, "{lasted:?}");
    }
    if by != By::Closing {
        // Others on the connection go on.
        assert!(!connection.is_finished());
        soon("the connection", sender.ready()).await.unwrap();
    }
    drop((request, response, answer));
    connection.abort();
    // Nothing is left that a shutdown would wait for.
    assert_eq!(gateway.stop().await, End::Drained);
}

#[tokio::test]
async fn a_client_that_leaves_takes_the_call_with_it() {
    for over_http2 in [false, true] {
        for way in WAYS {
            for moment in MOMENTS {
                for by in [By::Cancel, By::NoError, By::Closing] {
                    println!("{way:?} {moment:?} {by:?}, backend over HTTP/2: {over_http2}");
                    leave(way, moment, by, over_http2).await;
                }
            }
        }
    }
}
