//! Clients that go away, at each moment of a call: the backend is told, and nothing goes on.

use super::*;

/// Where a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    WithinItsHead,
    BeforeItsBody,
    WithinItsBody,
    BeforeTheHead,
    BeforeTheBody,
    WithinTheBody,
}

pub(super) const MOMENTS: [Moment; 6] = [
    Moment::WithinItsHead,
    Moment::BeforeItsBody,
    Moment::WithinItsBody,
    Moment::BeforeTheHead,
    Moment::BeforeTheBody,
    Moment::WithinTheBody,
];

#[tokio::test]
async fn a_client_that_leaves_takes_the_call_with_it() {
    for way in WAYS {
        for moment in MOMENTS {
            for by_reset in [false, true] {
                let gateway = Gateway::new(way).await;
                leave(&gateway, way, moment, by_reset).await;
                // Nothing is left that a shutdown would wait for.
                assert_eq!(gateway.stop().await, End::Drained, "{way:?} {moment:?}");
            }
        }
    }
}

/// One client that leaves at `moment`; ends when the gateway has left the backend too.
async fn leave(gateway: &Gateway, way: Way, moment: Moment, by_reset: bool) {
    let mut client = gateway.client().await;
    let request = match moment {
        Moment::WithinItsHead => "POST /a HTTP/1.1\r\nHos",
        Moment::BeforeItsBody => {
            "POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        }
        Moment::WithinItsBody => {
            "POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\nhalf"
        }
        _ => {
            "POST /a HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nwhole"
        }
    };
    client.send(request).await;
    let called = match moment {
        Moment::WithinItsHead => false,
        Moment::BeforeItsBody | Moment::WithinItsBody => way == Way::Proxy,
        Moment::BeforeTheHead | Moment::BeforeTheBody | Moment::WithinTheBody => true,
    };
    let mut backend = None;
    if called {
        let mut raw = gateway.backend().await;
        let head = raw.head().await;
        match moment {
            Moment::BeforeTheHead | Moment::BeforeTheBody | Moment::WithinTheBody => {
                raw.wire.request_body(&head).await.unwrap();
            }
            _ => {}
        }
        let answer = match moment {
            Moment::BeforeTheBody => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            Moment::WithinTheBody => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            _ => "",
        };
        raw.send(answer).await;
        if moment == Moment::WithinTheBody && way == Way::Proxy {
            client.head().await;
        }
        backend = Some(raw);
    } else {
        sleep(Duration::from_millis(10)).await;
    }
    if by_reset {
        reset(client);
    } else {
        drop(client);
    }
    if let Some(mut backend) = backend {
        let began = std::time::Instant::now();
        closed(&mut backend).await;
        // By the client, not by a deadline.
        let lasted = began.elapsed();
        assert!(lasted < DEADLINE / 2, "{way:?} {moment:?} {lasted:?}");
    }
}
