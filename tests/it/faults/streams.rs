//! What backends of HTTP/2 do wrong, for clients of both versions.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::Response;

use super::http2::{SETTINGS, frame};
use super::*;

/// How a backend leaves its connection.
#[derive(Debug, Clone, Copy)]
enum Leaving {
    Closes,
    Resets,
}

/// The one call of a backend, whose connection goes on beside it.
struct Call {
    respond: SendResponse<Bytes>,
    connection: JoinHandle<()>,
}

impl Call {
    async fn of(gateway: &Gateway, leaving: Leaving) -> Self {
        let stream = gateway.backend_stream().await;
        if matches!(leaving, Leaving::Resets) {
            stream.set_zero_linger().unwrap();
        }
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (_, respond) = soon("a request", connection.accept())
            .await
            .unwrap()
            .unwrap();
        let connection = tokio::spawn(async move {
            // A second request would be one too many.
            assert!(!matches!(connection.accept().await, Some(Ok(_))));
        });
        Self {
            respond,
            connection,
        }
    }

    /// Sends a head, and what follows it.
    fn head(&mut self, headers: &[(&'static str, &str)]) -> SendStream<Bytes> {
        let mut response = Response::new(());
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        self.respond.send_response(response, false).unwrap()
    }

    /// Writes what was sent, then ends the connection.
    async fn leave(self) {
        sleep(Duration::from_millis(50)).await;
        self.connection.abort();
    }

    /// Waits until the gateway has given up.
    async fn until_left(mut self) {
        let left = std::future::poll_fn(|cx| self.respond.poll_reset(cx));
        let _ = soon("the end of the call", left).await;
    }
}

/// Sends one request of each version through to such a backend; both come to the same.
async fn answered(way: Way, leaving: Leaving, mut play: impl AsyncFnMut(Call)) -> Got {
    let gateway = Gateway::with(server(), stage(), |authority| {
        way.integration(authority).protocol(Protocol::Http2)
    })
    .await;
    let mut client = gateway.client().await;
    client.send(GET).await;
    let mut backend = async || play(Call::of(&gateway, leaving).await).await;
    let (over_http1, ()) = tokio::join!(got(&mut client, "GET"), backend());
    // It may have kept its connection, which would take the second request.
    let gateway = Gateway::with(server(), stage(), |authority| {
        way.integration(authority).protocol(Protocol::Http2)
    })
    .await;
    let mut backend = async || play(Call::of(&gateway, leaving).await).await;
    let (over_http2, ()) = tokio::join!(got_over_http2(&gateway), backend());
    assert_eq!(over_http2, over_http1, "{way:?} {leaving:?}");
    over_http1
}

const ENDS: [Leaving; 2] = [Leaving::Closes, Leaving::Resets];

const REASONS: [Reason; 5] = [
    Reason::NO_ERROR,
    Reason::INTERNAL_ERROR,
    Reason::CANCEL,
    Reason::ENHANCE_YOUR_CALM,
    Reason::HTTP_1_1_REQUIRED,
];

#[tokio::test]
async fn ends_its_stream_or_its_connection_before_its_head() {
    for way in WAYS {
        for reason in REASONS {
            let got = answered(way, Leaving::Closes, async |mut call: Call| {
                call.respond.send_reset(reason);
            });
            assert_eq!(got.await, Got::of(NETWORK), "{way:?} {reason:?}");
        }
        for leaving in ENDS {
            let got = answered(way, leaving, async |call: Call| call.leave().await);
            assert_eq!(got.await, Got::of(NETWORK), "{way:?} {leaving:?}");
        }
    }
}

#[tokio::test]
async fn breaks_off_after_its_head() {
    for way in WAYS {
        for headers in [&[("content-length", "10")][..], &[]] {
            for reason in REASONS {
                let got = answered(way, Leaving::Closes, async |mut call: Call| {
                    call.head(headers).send_reset(reason);
                });
                assert_eq!(got.await, Got::of(NETWORK), "{way:?} {reason:?}");
            }
            for leaving in ENDS {
                let got = answered(way, leaving, async |mut call: Call| {
                    let _stream = call.head(headers);
                    call.leave().await;
                });
                assert_eq!(got.await, Got::of(NETWORK), "{way:?} {leaving:?}");
            }
        }
    }
}

#[tokio::test]
async fn breaks_off_within_its_body() {
    for (way, expected) in [
        (Way::Proxy, Got::Broken(200)),
        (Way::Mapped, Got::of(NETWORK)),
    ] {
        for headers in [&[("content-length", "10")][..], &[]] {
            for reason in REASONS {
                let got = answered(way, Leaving::Closes, async |mut call: Call| {
                    let mut stream = call.head(headers);
                    stream.send_data("half".into(), false).unwrap();
                    // What is sent at once with a reset may be dropped.
                    sleep(Duration::from_millis(50)).await;
                    stream.send_reset(reason);
                });
                assert_eq!(got.await, expected, "{way:?} {reason:?} {headers:?}");
            }
            for leaving in ENDS {
                let got = answered(way, leaving, async |mut call: Call| {
                    let mut stream = call.head(headers);
                    stream.send_data("half".into(), false).unwrap();
                    call.leave().await;
                });
                assert_eq!(got.await, expected, "{way:?} {leaving:?} {headers:?}");
            }
        }
    }
}

#[tokio::test]
async fn says_less_or_more_than_its_length() {
    for (way, expected) in [
        (Way::Proxy, Got::Broken(200)),
        (Way::Mapped, Got::of(NETWORK)),
    ] {
        for length in ["10", "3"] {
            let got = answered(way, Leaving::Closes, async |mut call: Call| {
                let mut stream = call.head(&[("content-length", length)]);
                stream.send_data("ha".into(), false).unwrap();
                sleep(Duration::from_millis(50)).await;
                stream.send_data("lf".into(), true).unwrap();
            });
            assert_eq!(got.await, expected, "{way:?} {length}");
        }
    }
}

#[tokio::test]
async fn answers_byte_by_byte() {
    for (way, expected) in [
        (Way::Proxy, Got::of((200, "xxxxxxxxxxxxxxxxxxxx"))),
        (Way::Mapped, Got::of(TIMEOUT)),
    ] {
        let got = answered(way, Leaving::Closes, async |mut call: Call| {
            let mut stream = call.head(&[]);
            for byte in 1..=20 {
                sleep(DEADLINE / 10).await;
                if stream.send_data("x".into(), byte == 20).is_err() {
                    return;
                }
            }
        });
        assert_eq!(got.await, expected, "{way:?}");
    }
}

#[tokio::test]
async fn never_answers() {
    for way in WAYS {
        let got = answered(way, Leaving::Closes, async |call: Call| {
            call.until_left().await;
        });
        assert_eq!(got.await, Got::of(TIMEOUT), "{way:?}");
        let got = answered(way, Leaving::Closes, async |mut call: Call| {
            let mut stream = call.head(&[]);
            let left = std::future::poll_fn(|cx| stream.poll_reset(cx));
            assert_eq!(soon("a reset", left).await.unwrap(), Reason::CANCEL);
        });
        assert_eq!(got.await, Got::of(TIMEOUT), "{way:?} after its head");
    }
}

#[tokio::test]
async fn sends_a_hundred_megabytes_to_a_mapping() {
    for headers in [&[("content-length", "104857600")][..], &[]] {
        let mut taken = 0;
        let got = answered(Way::Mapped, Leaving::Closes, async |mut call: Call| {
            taken = 0;
            let mut stream = call.head(headers);
            while taken < 100 * 1024 * 1024 {
                stream.reserve_capacity(64 * 1024);
                let room = std::future::poll_fn(|cx| stream.poll_capacity(cx));
                let Some(Ok(room)) = soon("room or the end", room).await else {
                    return;
                };
                let piece = Bytes::from(vec![b'x'; room]);
                if stream.send_data(piece, false).is_err() {
                    return;
                }
                taken += room;
            }
        });
        assert_eq!(got.await, Got::of(INTERNAL), "{headers:?}");
        assert!(taken < 40 * 1024 * 1024, "{taken} bytes were taken");
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` of the static table.
const OK: &[u8] = b"\x88";

/// Reads the frames of a gateway until there is a head.
async fn until_head(stream: &mut TcpStream) {
    let mut preface = [0; 24];
    soon("a preface", stream.read_exact(&mut preface))
        .await
        .unwrap();
    while soon("a frame", super::http2::read(stream))
        .await
        .unwrap()
        .kind
        != HEADERS
    {}
}

/// What a client gets when a backend answers its first stream with these bytes.
async fn said(way: Way, bytes: &[u8]) -> [Got; 2] {
    let gateway = async || {
        Gateway::with(server(), stage(), |authority| {
            way.integration(authority).protocol(Protocol::Http2)
        })
        .await
    };
    let backend = async |gateway: &Gateway| {
        // A broken connection may be replaced for a request that was never looked at.
        loop {
            let mut stream = gateway.backend_stream().await;
            stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
            until_head(&mut stream).await;
            let _ = stream.write_all(bytes).await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    };
    let first = gateway().await;
    let mut client = first.client().await;
    client.send(GET).await;
    let over_http1 = tokio::select! {
        got = got(&mut client, "GET") => got,
        () = backend(&first) => unreachable!(),
    };
    let second = gateway().await;
    let over_http2 = tokio::select! {
        got = got_over_http2(&second) => got,
        () = backend(&second) => unreachable!(),
    };
    [over_http1, over_http2]
}

#[tokio::test]
async fn answers_garbage() {
    let mut wrong = Vec::new();
    let head = |block: &[u8]| frame(HEADERS, END_HEADERS, 1, block);
    let field = |name: &str, value: &str| {
        let (name_length, length) = (name.len(), value.len());
        let mut field = vec![0, u8::try_from(name_length).unwrap()];
        field.extend_from_slice(name.as_bytes());
        field.push(u8::try_from(length).unwrap());
        field.extend_from_slice(value.as_bytes());
        field
    };
    let endless = {
        let piece = frame(
            CONTINUATION,
            0,
            1,
            &field("x", &"v".repeat(100)).repeat(150),
        );
        [frame(HEADERS, 0, 1, OK), piece.repeat(100)].concat()
    };
    for (name, bytes) in [
        (
            "no frames",
            b"\0\x01\x02\x03 what is this\r\n\r\n".repeat(99),
        ),
        (
            "HTTP/1.1",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
        ("data before the head", frame(DATA, END_STREAM, 1, b"data")),
        ("data of no stream", frame(DATA, END_STREAM, 0, b"data")),
        ("a head of no stream", frame(HEADERS, END_HEADERS, 0, OK)),
        (
            "a stream nobody asked for",
            frame(HEADERS, END_HEADERS, 7, OK),
        ),
        (
            "a promise",
            frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02\x82"),
        ),
        ("no status", head(&field("x", "y"))),
        ("two statuses", head(&[OK, OK].concat())),
        ("a status that is none", head(&field(":status", "2000"))),
        ("a status of two letters", head(&field(":status", "ok"))),
        (
            "a status behind a header",
            head(&[field("x", "y"), OK.to_vec()].concat()),
        ),
        ("capitals", head(&[OK.to_vec(), field("X", "y")].concat())),
        (
            "a line end",
            head(&[OK.to_vec(), field("x", "y\r\nz: a")].concat()),
        ),
        (
            "a connection",
            head(&[OK.to_vec(), field("connection", "close")].concat()),
        ),
        (
            "chunks",
            head(&[OK.to_vec(), field("transfer-encoding", "chunked")].concat()),
        ),
        ("an index out of the table", head(b"\x88\xff\xff\xff\x7f")),
        (
            "a length that is none",
            head(&[OK.to_vec(), field("content-length", "ten")].concat()),
        ),
        (
            "a large frame",
            [&b"\x20\0\0\0\x04"[..], b"\0\0\0\x01", &[b'x'; 65536]].concat(),
        ),
        ("a window of nothing", frame(WINDOW_UPDATE, 0, 1, &[0; 4])),
        ("bad settings", frame(SETTINGS, 0, 0, b"\0\x05\0\0\0\0")),
        ("a head without end", endless),
        (
            "a head interrupted",
            [frame(HEADERS, 0, 1, OK), frame(DATA, 0, 1, b"x")].concat(),
        ),
        (
            "the end of a 103",
            frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x08\x03103"),
        ),
    ] {
        for way in WAYS {
            for got in said(way, &bytes).await {
                if got != Got::of(NETWORK) {
                    wrong.push(format!("{way:?} {name}: {got:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn says_something_in_between() {
    let bytes = [
        frame(HEADERS, END_HEADERS, 1, b"\x08\x03100"),
        frame(HEADERS, END_HEADERS, 1, b"\x08\x03103"),
        frame(HEADERS, END_HEADERS, 1, OK),
        frame(DATA, 0, 1, b"o"),
        // Empty frames, and those of a kind that nobody knows.
        frame(DATA, 0, 1, b"").repeat(20),
        frame(0xfe, 0xff, 1, b"unknown"),
        frame(DATA, END_STREAM, 1, b"k"),
    ]
    .concat();
    for (way, body) in [(Way::Proxy, "ok"), (Way::Mapped, "<ok>")] {
        for got in said(way, &bytes).await {
            assert_eq!(got, Got::of((200, body)), "{way:?}");
        }
    }
}

#[tokio::test]
async fn answers_before_it_has_read_the_request() {
    // RFC 9113, 8.1: NO_ERROR behind a whole answer asks for no more of the request.
    let bytes = [
        frame(HEADERS, END_HEADERS, 1, OK),
        frame(DATA, END_STREAM, 1, b"enough"),
        frame(super::http2::RST_STREAM, 0, 1, &[0; 4]),
    ]
    .concat();
    let gateway = Gateway::with(server(), stage(), |authority| {
        Way::Proxy.integration(authority).protocol(Protocol::Http2)
    })
    .await;
    let mut client = gateway.client().await;
    client
        .send("POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        .await;
    let mut backend = gateway.backend_stream().await;
    backend
        .write_all(&frame(SETTINGS, 0, 0, &[]))
        .await
        .unwrap();
    until_head(&mut backend).await;
    backend.write_all(&bytes).await.unwrap();
    assert_eq!(got(&mut client, "POST").await, Got::of((200, "enough")));
}
