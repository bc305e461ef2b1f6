//! Deadlines: on the head of an answer, and on its body where that is read as a whole.

use super::*;

const BRIEF: Duration = Duration::from_millis(150);

fn mapped(authority: String) -> Integration {
    Integration::http("GET", format!("http://{authority}/"))
        .timeout(BRIEF)
        .response(IntegrationResponse::new(200).response_template("text/plain", "<$input.body>"))
}

#[tokio::test]
async fn a_slow_backend_is_a_timeout() {
    for streams in [true, false] {
        let integration = |authority| {
            if streams {
                proxy(authority).timeout(BRIEF)
            } else {
                mapped(authority)
            }
        };
        let between = Between::with(integration, Stage::new("test")).await;
        let mut client = between.client().await;
        client
            .send("GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
            .await;
        let mut backend = between.backend().await;
        backend.head().await;
        let head = client.head().await;
        assert_eq!(head.status().unwrap(), 504);
        let body = soon("the body", client.wire.answer_body(&head, "GET"))
            .await
            .unwrap();
        assert_eq!(body, br#"{"message": "Endpoint request timed out"}"#);
    }
}

#[tokio::test]
async fn a_slow_body_that_is_mapped_is_a_timeout() {
    let between = Between::with(mapped, Stage::new("test")).await;
    let mut client = between.client().await;
    client
        .send("GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    let head = client.head().await;
    assert_eq!(head.status().unwrap(), 504);
    let body = soon("the body", client.wire.answer_body(&head, "GET"))
        .await
        .unwrap();
    assert_eq!(body, br#"{"message": "Endpoint request timed out"}"#);
}

#[tokio::test]
async fn a_slow_body_that_streams_may_take_longer() {
    let between = Between::with(
        |authority| proxy(authority).timeout(BRIEF),
        Stage::new("test"),
    )
    .await;
    let mut client = between.client().await;
    client
        .send("GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        .await;
    let head = client.head().await;
    tokio::time::sleep(2 * BRIEF).await;
    backend.send("done").await;
    let body = soon("the body", client.wire.answer_body(&head, "GET"))
        .await
        .unwrap();
    assert_eq!(body, b"halfdone");
}

#[tokio::test]
async fn a_mapped_answer_in_time_is_mapped() {
    let between = Between::with(
        |authority| mapped(authority).timeout(PATIENCE),
        Stage::new("test"),
    )
    .await;
    let mut client = between.client().await;
    client
        .send("GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    backend.send("done").await;
    let head = client.head().await;
    let body = soon("the body", client.wire.answer_body(&head, "GET"))
        .await
        .unwrap();
    assert_eq!(
        (head.status().unwrap(), &body[..]),
        (200, &b"<halfdone>"[..])
    );
}
