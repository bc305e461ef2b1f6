//! What clients of HTTP/2 do wrong, frame by frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET http://g/a`: three fields of the static table and two literals.
const GET_A: &[u8] = b"\x82\x86\x41\x01g\x44\x02/a";
const POST_A: &[u8] = b"\x83\x86\x41\x01g\x44\x02/a";

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A connection, with settings exchanged as far as a client must.
pub(super) async fn connect(gateway: &Gateway, settings: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    stream
        .write_all(&frame(SETTINGS, 0, 0, settings))
        .await
        .unwrap();
    stream
}

pub(super) struct Frame {
    pub(super) kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

pub(super) async fn read(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
) -> std::io::Result<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let [a, b, c, kind, _, stream_id @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload).await?;
    Ok(Frame {
        kind,
        stream: u32::from_be_bytes(stream_id),
        payload,
    })
}

/// The error code of the `GOAWAY` that ends a connection; `None` if it ends without one.
async fn goaway(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<u32> {
    loop {
        let frame = soon("a frame", read(stream)).await.ok()?;
        if frame.kind == GOAWAY {
            let code: [u8; 4] = frame.payload[4..8].try_into().unwrap();
            return Some(u32::from_be_bytes(code));
        }
    }
}

/// A backend that never answers; tells how many connections it has, and how many it ever had.
fn silent(gateway: &Gateway) -> (Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let open = Arc::<AtomicUsize>::default();
    let ever = Arc::<AtomicUsize>::default();
    let listener = gateway.backend.local_addr().unwrap();
    // The same socket, so that nobody else takes its connections.
    let listener = {
        let fd = std::os::fd::AsFd::as_fd(&gateway.backend);
        let socket = std::net::TcpListener::from(fd.try_clone_to_owned().unwrap());
        assert_eq!(socket.local_addr().unwrap(), listener);
        TcpListener::from_std(socket).unwrap()
    };
    let counts = (Arc::clone(&open), Arc::clone(&ever));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let open = Arc::clone(&open);
            open.fetch_add(1, Ordering::SeqCst);
            ever.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    counts
}

/// The gateway serves others, and the backend has been left.
async fn still_serves(gateway: &Gateway, open: &AtomicUsize) {
    soon("the end of the calls", async {
        while open.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let mut client = gateway.client().await;
    client.send(GET).await;
    assert_eq!(got(&mut client, "GET").await, Got::of(TIMEOUT));
}

#[tokio::test]
async fn resets_its_streams_rapidly() {
    let gateway = Gateway::new(Way::Proxy).await;
    let (open, ever) = silent(&gateway);
    let stream = connect(&gateway, &[]).await;
    let (mut reads, mut writes) = stream.into_split();
    let flood = async {
        let mut sent = 0;
        for id in (1_u32..200_000).step_by(2) {
            let mut frames = frame(HEADERS, END_STREAM | END_HEADERS, id, GET_A);
            frames.extend(frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()));
            if writes.write_all(&frames).await.is_err() {
                break;
            }
            sent += 1;
        }
        sent
    };
    let (sent, code) = tokio::join!(flood, goaway(&mut reads));
    // ENHANCE_YOUR_CALM
    assert!(matches!(code, Some(11) | None), "{code:?} after {sent}");
    assert!(sent < 50_000, "{sent} resets were taken");
    println!(
        "{sent} resets were sent, {} calls made",
        ever.load(Ordering::SeqCst)
    );
    drop((reads, writes));
    still_serves(&gateway, &open).await;
    assert_eq!(gateway.stop().await, End::Drained);
}

#[tokio::test]
async fn continues_a_head_without_end() {
    let gateway = Gateway::new(Way::Proxy).await;
    let (open, ever) = silent(&gateway);
    let stream = connect(&gateway, &[]).await;
    let (mut reads, mut writes) = stream.into_split();
    // A literal that enters no table: `x: ` and a hundred bytes.
    let field = [b"\x00\x01x\x64".to_vec(), vec![b'v'; 100]].concat();
    let piece = frame(CONTINUATION, 0, 1, &field.repeat(100));
    let flood = async {
        let mut sent = 0;
        let first = frame(HEADERS, END_STREAM, 1, GET_A);
        if writes.write_all(&first).await.is_ok() {
            while writes.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
        }
        sent
    };
    // What is sent after the refusal is dropped for a while, so that the client can read it.
    let (sent, code) = soon("the end", async { tokio::join!(flood, goaway(&mut reads)) }).await;
    println!("{sent} bytes of a head were sent");
    // ENHANCE_YOUR_CALM
    assert!(matches!(code, Some(11) | None), "{code:?}");
    assert_eq!(ever.load(Ordering::SeqCst), 0, "no request was made");
    still_serves(&gateway, &open).await;
}

#[tokio::test]
async fn has_a_head_that_is_too_large() {
    let gateway = Gateway::new(Way::Proxy).await;
    let (_, ever) = silent(&gateway);
    let field = [b"\x00\x01x\x64".to_vec(), vec![b'v'; 100]].concat();
    // Above the limit of the stage, and above what is read at all.
    for (id, count) in [(1, 120), (3, 160)] {
        let mut stream = connect(&gateway, &[]).await;
        let block = [GET_A, &field.repeat(count)].concat();
        let (first, rest) = block.split_at(block.len().min(16_000));
        let mut frames = frame(HEADERS, END_STREAM, id, first);
        frames.extend(frame(CONTINUATION, END_HEADERS, id, rest));
        stream.write_all(&frames).await.unwrap();
        let head = loop {
            let frame = soon("a frame", read(&mut stream)).await.unwrap();
            if frame.kind == HEADERS {
                break frame;
            }
        };
        assert_eq!(head.stream, id);
        // `:status` as a literal with an indexed name, in Huffman code: 431.
        assert!(
            head.payload.starts_with(b"\x48\x83\x69\x90\xff"),
            "{:x?}",
            head.payload
        );
    }
    assert_eq!(ever.load(Ordering::SeqCst), 0, "no request was made");
}

#[tokio::test]
async fn stops_within_its_body() {
    for way in WAYS {
        let gateway = Gateway::new(way).await;
        let (open, _) = silent(&gateway);
        let mut stream = connect(&gateway, &[]).await;
        let json = b"\x5f\x10application/json";
        let block = [POST_A, json].concat();
        stream
            .write_all(&frame(HEADERS, END_HEADERS, 1, &block))
            .await
            .unwrap();
        stream.write_all(&frame(0, 0, 1, b"half")).await.unwrap();
        // Others on the same connection go on.
        let live = async {
            let mut text = Vec::new();
            while text.windows(9).all(|bytes| bytes != b"timed out") {
                let frame = soon("a frame", read(&mut stream)).await.unwrap();
                text.extend(frame.payload);
            }
            String::from_utf8_lossy(&text).into_owned()
        };
        let text = live.await;
        assert!(text.contains("Request timed out"), "{way:?} {text}");
        still_serves(&gateway, &open).await;
    }
}

#[tokio::test]
async fn opens_no_window_for_its_answers() {
    for way in WAYS {
        let gateway = Gateway::new(way).await;
        // SETTINGS_INITIAL_WINDOW_SIZE: 0
        let mut stream = connect(&gateway, &[0, 4, 0, 0, 0, 0]).await;
        for id in [1, 3] {
            let get = frame(HEADERS, END_STREAM | END_HEADERS, id, GET_A);
            stream.write_all(&get).await.unwrap();
            let mut backend = gateway.backend().await;
            backend.head().await;
            let body = "x".repeat(1024 * 1024);
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            backend.send(&answer).await;
            let _ = timeout(BRIEF, backend.write.write_all(body.as_bytes())).await;
            if id == 3 {
                // The connection ends, and what was behind it.
                let end = soon("the end", async {
                    while read(&mut stream).await.is_ok() {}
                });
                end.await;
            }
        }
        assert_eq!(gateway.stop().await, End::Drained);
    }
}

#[tokio::test]
async fn pings_and_reads_nothing() {
    let gateway = Gateway::new(Way::Proxy).await;
    let mut stream = connect(&gateway, &[]).await;
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(1000);
    let flood = async {
        let mut sent = 0;
        while sent < 64 * 1024 * 1024 {
            if stream.write_all(&pings).await.is_err() {
                break;
            }
            sent += pings.len();
        }
        sent
    };
    // It stops reading when its answers are not taken, and then leaves.
    let sent = soon("the end", flood).await;
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes of pings were taken");
}
