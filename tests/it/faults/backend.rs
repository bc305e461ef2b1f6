//! What backends do wrong.

use super::*;

/// Sends one request through over HTTP/1.1, and one over HTTP/2, which come to the same; `play` is
/// the backend, once it has read the head.
async fn answered(way: Way, mut play: impl AsyncFnMut(Raw)) -> Got {
    let gateway = Gateway::new(way).await;
    let mut client = gateway.client().await;
    client.send(GET).await;
    let mut backend = async || {
        let mut backend = gateway.backend().await;
        backend.head().await;
        play(backend).await;
    };
    let (over_http1, ()) = tokio::join!(got(&mut client, "GET"), backend());
    let (over_http2, ()) = tokio::join!(got_over_http2(&gateway), backend());
    assert_eq!(over_http2, over_http1, "{way:?}");
    over_http1
}

/// The same, when the backend says this and then closes.
async fn said(way: Way, answer: &str) -> Got {
    answered(way, async |mut backend: Raw| backend.send(answer).await).await
}

#[tokio::test]
async fn refuses() {
    for way in WAYS {
        let gateway = Gateway::new(way).await;
        let mut client = gateway.client().await;
        drop(gateway.backend);
        client.send(GET).await;
        assert_eq!(got(&mut client, "GET").await, Got::of(NETWORK), "{way:?}");
    }
}

#[tokio::test]
async fn closes_or_resets_before_its_head() {
    for way in WAYS {
        let got = answered(way, async |backend| drop(backend)).await;
        assert_eq!(got, Got::of(NETWORK), "{way:?} closed");
        let got = answered(way, async |backend| reset(backend)).await;
        assert_eq!(got, Got::of(NETWORK), "{way:?} reset");
        let got = said(way, "HTTP/1.1 200 OK\r\nContent-Le").await;
        assert_eq!(got, Got::of(NETWORK), "{way:?} within the head");
    }
}

#[tokio::test]
async fn breaks_off_after_its_head() {
    for head in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
        for way in WAYS {
            assert_eq!(said(way, &head).await, Got::of(NETWORK), "{way:?} {head}");
            let got = answered(way, async |mut backend: Raw| {
                backend.send(&head).await;
                sleep(Duration::from_millis(50)).await;
                reset(backend);
            })
            .await;
            assert_eq!(got, Got::of(NETWORK), "{way:?} {head} reset");
        }
    }
}

#[tokio::test]
async fn breaks_off_within_its_body() {
    for answer in [
        "Content-Length: 10\r\n\r\n3\r\none\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n9\r\ntw",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{answer}");
        for (way, expected) in [
            (Way::Proxy, Got::Broken(200)),
            (Way::Mapped, Got::of(NETWORK)),
        ] {
            assert_eq!(said(way, &answer).await, expected, "{answer}");
            let got = answered(way, async |mut backend: Raw| {
                backend.send(&answer).await;
                sleep(Duration::from_millis(50)).await;
                reset(backend);
            })
            .await;
            assert_eq!(got, expected, "{answer} reset");
        }
    }
}

#[tokio::test]
async fn ends_its_half_of_the_connection() {
    for (way, body) in [(Way::Proxy, "whole"), (Way::Mapped, "<whole>")] {
        for head in ["Content-Length: 5\r\n", "Connection: close\r\n"] {
            let got = answered(way, async |mut backend: Raw| {
                let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nwhole");
                backend.send(&answer).await;
                backend.write.shutdown().await.unwrap();
                // The other half stays open until the gateway is done.
                closed(&mut backend).await;
            })
            .await;
            assert_eq!(got, Got::of((200, body)), "{way:?} {head}");
        }
    }
}

#[tokio::test]
async fn answers_byte_by_byte() {
    async fn drips(mut backend: Raw) {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
        backend.send(answer).await;
        for _ in 0..20 {
            sleep(DEADLINE / 10).await;
            let sent = backend.write.write_all(b"x").await;
            if sent.is_err() {
                return;
            }
        }
    }
    let body = "x".repeat(20);
    let got = answered(Way::Proxy, drips).await;
    assert_eq!(got, Got::of((200, &body)), "it goes on");
    let got = answered(Way::Mapped, drips).await;
    assert_eq!(got, Got::of(TIMEOUT), "it is to be there as a whole");

    async fn drips_its_head(mut backend: Raw) {
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" {
            sleep(DEADLINE / 10).await;
            if backend.write.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    }
    for way in WAYS {
        assert_eq!(
            answered(way, drips_its_head).await,
            Got::of(TIMEOUT),
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn never_answers() {
    for way in WAYS {
        for begun in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"] {
            let got = answered(way, async |mut backend: Raw| {
                backend.send(begun).await;
                closed(&mut backend).await;
            })
            .await;
            assert_eq!(got, Got::of(TIMEOUT), "{way:?} {begun:?}");
        }
    }
}

#[tokio::test]
async fn answers_garbage() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(600 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(600));
    let mut answers = vec![
        "\0\u{1}\u{2}\u{3} what is this\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 -1 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnine\r\nbytes\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nbytes\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ];
    answers.extend([endless.as_str(), many.as_str()]);
    for answer in answers {
        for way in WAYS {
            let got = answered(way, async |mut backend: Raw| {
                // The gateway may have closed before it was all written.
                let _ = backend.write.write_all(answer.as_bytes()).await;
                closed(&mut backend).await;
            })
            .await;
            let shown = &answer[..answer.len().min(80)];
            assert_eq!(got, Got::of(NETWORK), "{way:?} {shown:?}");
        }
    }
    let second_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\nzzz\r\n";
    assert_eq!(said(Way::Proxy, second_chunk).await, Got::Broken(200));
    assert_eq!(said(Way::Mapped, second_chunk).await, Got::of(NETWORK));
}

#[tokio::test]
async fn says_more_than_its_answer() {
    const MORE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for way in WAYS {
        for pause in [false, true] {
            let gateway = Gateway::new(way).await;
            let mut client = gateway.client().await;
            client.send(GET).await;
            let mut first = gateway.backend().await;
            first.head().await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{MORE}");
            first.send(&answer).await;
            assert!(matches!(got(&mut client, "GET").await, Got::Whole(200, _)));
            if pause {
                sleep(Duration::from_millis(50)).await;
            }
            client.send(GET).await;
            // What was said unasked is the answer to nothing.
            let mut second = gateway.backend().await;
            second.head().await;
            second
                .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
                .await;
            let body = match way {
                Way::Proxy => "good",
                Way::Mapped => "<good>",
            };
            assert_eq!(got(&mut client, "GET").await, Got::of((200, body)));
        }
    }
}

#[tokio::test]
async fn says_something_in_between() {
    for (way, body) in [(Way::Proxy, "ok"), (Way::Mapped, "<ok>")] {
        let got = said(
            way,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        )
        .await;
        assert_eq!(got, Got::of((200, body)), "{way:?}");
    }
}

#[tokio::test]
async fn closes_an_idle_connection_as_it_is_used_again() {
    for way in WAYS {
        let mut again = 0;
        for round in 0..30 {
            let gateway = Gateway::new(way).await;
            let mut client = gateway.client().await;
            client.send(GET).await;
            let mut first = gateway.backend().await;
            first.head().await;
            first
                .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
            assert!(matches!(got(&mut client, "GET").await, Got::Whole(200, _)));
            // Long before, just before or just after the request is written.
            match round % 3 {
                0 => {
                    drop(first);
                    sleep(Duration::from_millis(5)).await;
                    client.send(GET).await;
                }
                1 => {
                    drop(first);
                    client.send(GET).await;
                }
                _ => {
                    client.send(GET).await;
                    first.head().await;
                    drop(first);
                }
            }
            let second = async {
                let mut second = gateway.backend().await;
                second.head().await;
                second
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    .await;
                std::future::pending::<()>().await;
            };
            let got = tokio::select! {
                got = got(&mut client, "GET") => got,
                () = second => unreachable!(),
            };
            // A request that may have been read is sent once; one that was not is sent again.
            match (round % 3, got) {
                (0, Got::Whole(200, _)) => {}
                (1, Got::Whole(200, _)) => again += 1,
                (1 | 2, got) => assert_eq!(got, Got::of(NETWORK), "{way:?} {round}"),
                (_, got) => panic!("{way:?} {round}: {got:?}"),
            }
        }
        println!("{way:?}: {again} of 10 were sent again");
    }
}

#[tokio::test]
async fn sends_a_hundred_megabytes_to_a_mapping() {
    const PIECE: usize = 64 * 1024;
    let piece = "x".repeat(PIECE);
    let chunk = format!("{PIECE:x}\r\n{piece}\r\n");
    for (head, piece) in [
        ("Content-Length: 104857600", &piece),
        ("Transfer-Encoding: chunked", &chunk),
        ("Connection: close", &piece),
    ] {
        let mut taken = 0;
        let got = answered(Way::Mapped, async |mut backend: Raw| {
            backend
                .send(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n"))
                .await;
            taken = 0;
            while taken < 100 * 1024 * 1024
                && backend.write.write_all(piece.as_bytes()).await.is_ok()
            {
                taken += piece.len();
            }
        })
        .await;
        assert_eq!(got, Got::of(INTERNAL), "{head}");
        // The limit, and what fits into two sockets.
        assert!(taken < 40 * 1024 * 1024, "{head}: {taken} bytes were taken");
    }
}

#[tokio::test]
async fn answers_before_it_has_read_the_request() {
    const LENGTH: usize = 8 * 1024 * 1024;
    for closes in [false, true] {
        let gateway = Gateway::new(Way::Proxy).await;
        let mut client = gateway.client().await;
        let backend = async {
            let mut backend = gateway.backend().await;
            backend.head().await;
            let answer =
                "HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
            backend.send(answer).await;
            if closes {
                backend.write.shutdown().await.unwrap();
            }
            sleep(BRIEF).await;
            drop(backend);
        };
        let upload = async {
            let head = format!("POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: {LENGTH}\r\n\r\n");
            client.send(&head).await;
            let piece = [b'x'; 64 * 1024];
            for _ in 0..LENGTH / piece.len() {
                if client.write.write_all(&piece).await.is_err() {
                    break;
                }
            }
            got(&mut client, "POST").await
        };
        let ((), got) = tokio::join!(backend, upload);
        assert_eq!(got, Got::of((413, "no")), "{closes}");
    }
}

#[tokio::test]
async fn takes_nothing_of_the_request() {
    const LENGTH: usize = 9 * 1024 * 1024;
    for way in WAYS {
        let gateway = Gateway::new(way).await;
        let mut client = gateway.client().await;
        let upload = async {
            let head = format!(
                "POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n\
                 Content-Length: {LENGTH}\r\n\r\n"
            );
            client.send(&head).await;
            let (wire, write) = (&mut client.wire, &mut client.write);
            let body = vec![b'x'; LENGTH];
            let pour = async {
                let _ = write.write_all(&body).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                head = wire.head() => head.unwrap().status().unwrap(),
                () = pour => unreachable!(),
            }
        };
        let backend = async {
            let mut backend = gateway.backend().await;
            backend.head().await;
            backend
        };
        let (status, backend) = soon("an answer", async { tokio::join!(upload, backend) }).await;
        assert_eq!(status, 504, "{way:?}");
        drop(backend);
    }
}

/// An integration whose answer is chosen by its status and read by nothing.
async fn passing() -> Gateway {
    let mut limits = Limits::aws();
    limits.idle = Some(DEADLINE);
    let stage = Stage::new("test").limits(limits);
    let stage = stage.binary_media_types(["application/zip"]);
    Gateway::with(server(), stage, |authority| {
        let response = IntegrationResponse::new(200);
        Integration::http("ANY", format!("http://{authority}/"))
            .timeout(DEADLINE)
            .response(response.content_handling(ContentHandling::ConvertToBinary))
    })
    .await
}

#[tokio::test]
async fn breaks_off_or_falls_silent_where_nothing_reads_its_answer() {
    for (begun, silent, expected) in [
        ("", false, Got::of(NETWORK)),
        ("", true, Got::of(TIMEOUT)),
        ("half", false, Got::Broken(200)),
        ("half", true, Got::Broken(200)),
        ("half of it", false, Got::of((200, "half of it"))),
    ] {
        let gateway = passing().await;
        let mut client = gateway.client().await;
        client.send(GET).await;
        let backend = async {
            let mut backend = gateway.backend().await;
            backend.head().await;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: 10";
            backend.send(&format!("{head}\r\n\r\n{begun}")).await;
            sleep(Duration::from_millis(50)).await;
            if silent {
                closed(&mut backend).await;
            }
        };
        let (got, ()) = tokio::join!(got(&mut client, "GET"), backend);
        assert_eq!(got, expected, "{begun:?}, silent: {silent}");
    }
}

#[tokio::test]
async fn falls_silent_in_an_answer_that_streams() {
    for stream in [false, true] {
        let mut limits = Limits::aws();
        limits.idle = Some(DEADLINE);
        let gateway = Gateway::with(server(), Stage::new("test").limits(limits), |authority| {
            let mut integration = proxy(authority).timeout(DEADLINE);
            if stream {
                integration.response_transfer_mode = Some(ResponseTransferMode::Stream);
            }
            integration
        })
        .await;
        let mut client = gateway.client().await;
        client.send(GET).await;
        let mut backend = gateway.backend().await;
        backend.head().await;
        backend
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        if stream {
            // Its head does not wait for anything.
            let head = client.head().await;
            assert_eq!(head.status().unwrap(), 200);
            backend.send("3\r\none\r\n").await;
            assert_eq!(client.chunk().await.unwrap(), "one");
        } else {
            backend.send("3\r\none\r\n").await;
            client.head().await;
            assert_eq!(client.chunk().await.unwrap(), "one");
        }
        // As long as it says something it may go on.
        for _ in 0..3 {
            sleep(DEADLINE / 2).await;
            backend.send("3\r\ntwo\r\n").await;
            assert_eq!(client.chunk().await.unwrap(), "two");
        }
        let rest = soon("the end", client.wire.chunk()).await;
        assert!(rest.is_err(), "{stream}: {rest:?}");
        closed(&mut backend).await;
    }
}
