//! Calls that end before their time: what was dropped is told to the other side, and a part of a
//! body never looks like the whole.

use super::*;

/// Tells when it is dropped.
struct Guard(Option<oneshot::Sender<()>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.take().map(|tell| tell.send(()));
    }
}

#[tokio::test]
async fn a_dropped_request_drops_the_call_of_the_backend() {
    let mapped = Integration::http("POST", "http://inside/")
        .request_template("application/json", "$input.body")
        .response(IntegrationResponse::new(200));
    for integration in [proxy("inside"), mapped] {
        let (called, mut calls) = mpsc::channel(1);
        let backend = service_fn(move |_: Request<Body>| {
            let (tell, dropped) = oneshot::channel();
            called.try_send(dropped).unwrap();
            let guard = Guard(Some(tell));
            async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        let service = IntegrationLayer::new(plan(&integration, "/{proxy+}")).layer(backend);
        let call =
            tokio::spawn(service.oneshot(Request::post("/a").body(Body::from("{}")).unwrap()));
        let mut dropped = soon("the call", calls.recv()).await.unwrap();
        assert!(dropped.try_recv().is_err(), "it goes on");
        call.abort();
        soon("the end of the call", dropped).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_connection_to_the_backend() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send("GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    drop(client);
    let more = soon("the end of the connection", backend.wire.has_more()).await;
    assert!(matches!(more, Ok(false) | Err(_)), "it was closed");
}

#[tokio::test]
async fn a_dropped_answer_ends_the_connection_to_the_backend() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send("GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        .await;
    client.head().await;
    assert_eq!(client.chunk().await, Ok("one".to_owned()));
    drop(client);
    // The gateway learns it when it writes, if not before.
    let closed = tokio::time::timeout(PATIENCE, async {
        loop {
            if backend.write.write_all(b"3\r\ntwo\r\n").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(closed.await.is_ok(), "the connection stays open");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_never_whole_for_the_backend() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send(&format!("POST /up HTTP/1.1\r\n{CHUNKED}3\r\none\r\n"))
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    assert_eq!(backend.chunk().await, Ok("one".to_owned()));
    drop(client);
    let next = soon("the end of the connection", backend.wire.chunk()).await;
    assert!(
        next.is_err(),
        "the body ended as if it were whole: {next:?}"
    );
}

#[tokio::test]
async fn a_request_that_breaks_off_is_the_failure_of_the_client() {
    let mapped = Integration::http("POST", "http://inside/")
        .request_template("application/json", "$input.body")
        .response(IntegrationResponse::new(200));
    for integration in [mapped, proxy("inside")] {
        let backend = service_fn(|request: Request<Body>| async {
            let body = request.into_body().collect().await?;
            Ok::<_, tower_apigw::BodyError>(Response::new(Body::from(body.to_bytes())))
        });
        let service = IntegrationLayer::new(plan(&integration, "/{proxy+}")).layer(backend);
        let (sender, body) = frames(2);
        sender.try_send(data("one")).unwrap();
        sender
            .try_send(Err(io::ErrorKind::ConnectionReset.into()))
            .unwrap();
        let Ok(response) = service
            .oneshot(Request::post("/a").body(Body::new(body)).unwrap())
            .await;
        let error = response.extensions().get::<Arc<Error>>().unwrap();
        assert_eq!(
            (error.kind(), response.status().as_u16()),
            (ErrorKind::ClientBody, 400)
        );
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_whole_for_the_client() {
    for head in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let between = Between::new().await;
        let mut client = between.client().await;
        client
            .send("GET /a HTTP/1.1\r\nHost: gateway\r\n\r\n")
            .await;
        let mut backend = between.backend().await;
        backend.head().await;
        backend
            .send(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n3\r\none\r\n"))
            .await;
        let got = client.head().await;
        drop(backend);
        let body = soon("the body", client.wire.answer_body(&got, "GET")).await;
        assert!(
            body.is_err(),
            "{head}: the body ended as if it were whole: {body:?}"
        );
    }
}
