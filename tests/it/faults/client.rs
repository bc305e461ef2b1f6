//! What clients do wrong: too slow, too much, too little.

use std::time::Instant;

use super::*;

const LATE: (u16, &str) = (408, r#"{"message": "Request timed out"}"#);

/// Sends a request of which the body stops in the middle; what comes of it. A backend that is
/// called reads for as long as it gets something.
async fn stalled(way: Way, framing: &str, begun: &str) -> Got {
    let gateway = Gateway::new(way).await;
    let mut client = gateway.client().await;
    client
        .send(&format!(
            "POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n{framing}\r\n\r\n{begun}"
        ))
        .await;
    let backend = async {
        let mut backend = gateway.backend().await;
        backend.head().await;
        closed(&mut backend).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        got = got(&mut client, "POST") => got,
        () = backend => unreachable!(),
    }
}

#[tokio::test]
async fn stops_within_its_body() {
    let began = Instant::now();
    for way in WAYS {
        for (framing, begun) in [
            ("Content-Length: 10", ""),
            ("Content-Length: 10", "half"),
            ("Transfer-Encoding: chunked", ""),
            ("Transfer-Encoding: chunked", "4\r\nha"),
            ("Transfer-Encoding: chunked", "4\r\nhalf\r\n"),
        ] {
            let got = stalled(way, framing, begun).await;
            assert_eq!(got, Got::of(LATE), "{way:?} {framing} {begun:?}");
        }
    }
    assert!(began.elapsed() >= 10 * BRIEF, "each waits for its time");
}

#[tokio::test]
async fn drips_its_body() {
    const COUNT: usize = 20;
    for way in WAYS {
        let gateway = Gateway::new(way).await;
        let mut client = gateway.client().await;
        let head = "POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n";
        client
            .send(&format!("{head}Content-Length: {COUNT}\r\n\r\n"))
            .await;
        let drip = async {
            // Longer than an answer may take: that time begins when the request is written.
            for _ in 0..COUNT {
                sleep(DEADLINE / 10).await;
                client.send("1").await;
            }
            got(&mut client, "POST").await
        };
        let backend = async {
            let mut backend = gateway.backend().await;
            let head = backend.head().await;
            let body = backend.wire.request_body(&head).await.unwrap();
            sleep(DEADLINE / 2).await;
            backend
                .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
            (body, backend)
        };
        let (got, (body, _backend)) = tokio::join!(drip, backend);
        assert!(matches!(got, Got::Whole(200, _)), "{way:?} {got:?}");
        assert_eq!(body.len(), COUNT);
    }
}

#[tokio::test]
async fn waits_for_an_answer_after_a_slow_upload() {
    let gateway = Gateway::new(Way::Proxy).await;
    let mut client = gateway.client().await;
    client
        .send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n\r\n")
        .await;
    let mut backend = gateway.backend().await;
    backend.head().await;
    for _ in 0..10 {
        sleep(DEADLINE / 5).await;
        client.send("1").await;
    }
    let written = Instant::now();
    // The backend has its time, and no more than that.
    assert_eq!(got(&mut client, "POST").await, Got::of(TIMEOUT));
    let waited = written.elapsed();
    assert!(waited >= DEADLINE && waited < 4 * DEADLINE, "{waited:?}");
}

#[tokio::test]
async fn drips_its_head() {
    let gateway = Gateway::new(Way::Proxy).await;
    for first in ["", GET] {
        let mut client = gateway.client().await;
        if !first.is_empty() {
            client.send(first).await;
            let mut backend = gateway.backend().await;
            backend.head().await;
            backend
                .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
            assert_eq!(got(&mut client, "GET").await, Got::of((200, "ok")));
        }
        let began = Instant::now();
        client.send("GET /slow HTTP/1.1\r\nHost: g\r\n").await;
        let drip = async {
            loop {
                sleep(BRIEF / 10).await;
                if client.write.write_all(b"X: x\r\n").await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            end = soon("the end", client.wire.has_more()) => assert!(!matches!(end, Ok(true))),
            () = drip => {}
        }
        let lasted = began.elapsed();
        assert!(lasted >= BRIEF && lasted < 3 * BRIEF, "{lasted:?}");
    }
}

#[tokio::test]
async fn sends_as_many_headers_as_it_may() {
    for (most, count, status) in [(250, 248, 200), (250, 251, 431), (3, 1, 200), (3, 5, 431)] {
        let server = server().max_headers(most);
        let gateway =
            Gateway::with(server, stage(), |backend| Way::Proxy.integration(backend)).await;
        let mut client = gateway.client().await;
        let headers: String = (0..count).map(|n| format!("x-{n}: {n}\r\n")).collect();
        let request = format!("GET /a HTTP/1.1\r\nHost: g\r\n{headers}\r\n");
        client.send(&request).await;
        if status == 200 {
            let mut backend = gateway.backend().await;
            let head = backend.head().await;
            let last = format!("x-{}", count - 1);
            let value = crate::support::joined(&head.headers, &last);
            assert_eq!(value, Some((count - 1).to_string()));
            backend
                .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
            assert_eq!(got(&mut client, "GET").await, Got::of((200, "ok")));
        } else {
            let text = format!("HTTP header has more than {most} lines.");
            assert_eq!(got(&mut client, "GET").await, Got::of((431, &text)));
        }
    }
}

#[tokio::test]
async fn is_idle_for_longer_than_a_head_may_take() {
    let gateway = Gateway::new(Way::Proxy).await;
    let mut client = gateway.client().await;
    for path in ["/a", "/b"] {
        sleep(4 * BRIEF).await;
        client
            .send(&format!("GET {path} HTTP/1.1\r\nHost: g\r\n\r\n"))
            .await;
        let mut backend = gateway.backend().await;
        backend.head().await;
        backend
            .send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            .await;
        assert_eq!(
            got(&mut client, "GET").await,
            Got::of((200, "ok")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn is_idle_for_too_long() {
    let server = server().idle_timeout(BRIEF);
    let gateway = Gateway::with(server, stage(), |backend| Way::Proxy.integration(backend)).await;
    let mut client = gateway.client().await;
    client.send(GET).await;
    let mut backend = gateway.backend().await;
    backend.head().await;
    // Whoever waits for an answer is not idle.
    sleep(BRIEF).await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(got(&mut client, "GET").await, Got::of((200, "ok")));
    let more = soon("the end", client.wire.has_more()).await;
    assert!(matches!(more, Ok(false)), "{more:?}");
}

#[tokio::test]
async fn takes_nothing_of_its_answer() {
    const LENGTH: usize = 9 * 1024 * 1024;
    for way in WAYS {
        let gateway = Gateway::new(way).await;
        let mut client = gateway.narrow_client().await;
        client.write_all(GET.as_bytes()).await.unwrap();
        let mut backend = gateway.backend().await;
        backend.head().await;
        backend
            .send(&format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
            ))
            .await;
        let piece = vec![b'x'; LENGTH];
        // It is told by the end of its connection, if it had more to say than fits into sockets.
        let _ = soon("the end of the writes", backend.write.write_all(&piece)).await;
        let mut taken = Vec::new();
        sleep(2 * BRIEF).await;
        let end = soon("the end", client.read_to_end(&mut taken)).await;
        assert!(
            taken.len() < LENGTH,
            "{way:?}: {} bytes, {end:?}",
            taken.len()
        );
    }
}

#[tokio::test]
async fn takes_its_answer_slowly() {
    const LENGTH: usize = 9 * 1024 * 1024;
    let server = server().body_idle_timeout(5 * BRIEF);
    let gateway = Gateway::with(server, stage(), |backend| Way::Proxy.integration(backend)).await;
    let mut client = gateway.narrow_client().await;
    client.write_all(GET.as_bytes()).await.unwrap();
    let mut backend = gateway.backend().await;
    backend.head().await;
    backend
        .send(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"
        ))
        .await;
    let piece = vec![b'x'; LENGTH];
    let pour = async { backend.write.write_all(&piece).await.unwrap() };
    let drink = async {
        let mut buffer = vec![0; LENGTH / 6];
        for _ in 0..6 {
            // All in all longer than a pause may be.
            sleep(BRIEF).await;
            let taken = client.read_exact(&mut buffer).await;
            assert!(taken.is_ok(), "it was cut off: {taken:?}");
        }
    };
    soon("the answer", async { tokio::join!(pour, drink) }).await;
}

#[tokio::test]
async fn stalls_while_the_gateway_drains() {
    let server = server()
        .body_idle_timeout(Duration::from_secs(60))
        .header_read_timeout(Duration::from_secs(60))
        .drain(5 * BRIEF);
    let gateway = Gateway::with(server, stage(), |backend| Way::Mapped.integration(backend)).await;
    let mut body = gateway.client().await;
    body.send("POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\nhalf")
        .await;
    let mut head = gateway.client().await;
    head.send("GET /a HTTP/1.1\r\nHos").await;
    sleep(BRIEF).await;
    let began = Instant::now();
    assert_eq!(gateway.stop().await, End::Drained);
    let lasted = began.elapsed();
    assert!(lasted >= BRIEF && lasted < 4 * BRIEF, "{lasted:?}");
    assert_eq!(got(&mut body, "POST").await, Got::of(LATE));
    assert_eq!(got(&mut head, "GET").await, Got::Nothing);
}

#[tokio::test]
async fn sends_too_much_of_a_head() {
    let gateway = Gateway::new(Way::Proxy).await;
    let size = "HTTP header is larger than 10240 bytes.";
    let header = |length: usize| format!("X: {}\r\n", "x".repeat(length));
    let many = |count: usize| "A: b\r\n".repeat(count);
    for (headers, expected) in [
        (header(10_300), size),
        (header(70_000), size),
        (header(600_000), size),
        // What is no header counts as well, where a head is larger than anything that is read.
        (format!("X: y\r\n{}", "a".repeat(70_000)), size),
        (header(200).repeat(60), size),
        (header(200).repeat(120), size),
        (many(3000), size),
        (many(150), "HTTP header has more than 100 lines."),
    ] {
        for first in [false, true] {
            let mut client = gateway.client().await;
            if first {
                // Nor does an answer before it change anything.
                client.send(GET).await;
                let mut backend = gateway.backend().await;
                backend.head().await;
                backend
                    .send("HTTP/1.1 431 Of The Backend\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
                    .await;
                assert_eq!(got(&mut client, "GET").await, Got::of((431, "ok")));
            }
            let request = format!("GET /a HTTP/1.1\r\nHost: g\r\n{headers}\r\n");
            // The answer may come before all of it is written.
            let _ = client.write.write_all(request.as_bytes()).await;
            let got = got(&mut client, "GET").await;
            assert_eq!(got, Got::of((431, expected)), "{} bytes", headers.len());
            let end = soon("the end", client.wire.has_more()).await;
            assert!(!matches!(end, Ok(true)));
        }
    }
}
