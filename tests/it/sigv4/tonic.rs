//! A channel of tonic behind the layer: calls arrive, and what arrives carries the signature that
//! AWS's own crate makes over it.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::SignableBody;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tonic::transport::{Endpoint, Server, server::TcpIncoming};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Status;
use tonic_health::pb::health_client::HealthClient;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::credentials::Credentials;
use tower_apigw::layer::{PayloadSigning, SigV4Layer};

use super::oracle::{ID, SECRET, covered, theirs};
use crate::support::soon;

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

/// Without their bodies only requests to S3 may be signed.
fn service(unsigned: bool) -> &'static str {
    if unsigned { "s3" } else { "execute-api" }
}

/// Lets calls through whose signature is right, and refuses the others.
async fn verified<S>(
    health: S,
    unsigned: bool,
    request: Request<tonic::body::Body>,
) -> Result<Response<tonic::body::Body>, Infallible>
where
    S: Service<
            Request<tonic::body::Body>,
            Response = Response<tonic::body::Body>,
            Error = Infallible,
        >,
{
    let (head, body) = request.into_parts();
    let authorization = head.headers["authorization"].to_str().unwrap();
    let (_, signature) = authorization.rsplit_once("Signature=").unwrap();
    let names = covered(authorization);
    assert!(names.contains(&"host"), "{names:?}");
    assert!(!names.contains(&"te"), "{names:?}");
    let service = service(unsigned);
    let (expected, body) = if unsigned {
        let body_says = SignableBody::UnsignedPayload;
        let expected = theirs(&head, &names, body_says, service, None, noon(), false);
        (expected, body)
    } else {
        let bytes = body.collect().await.unwrap().to_bytes();
        let body_says = SignableBody::Bytes(&bytes);
        let expected = theirs(&head, &names, body_says, service, None, noon(), false);
        (
            expected,
            tonic::body::Body::new(http_body_util::Full::new(bytes)),
        )
    };
    if signature != expected {
        let status = tonic::Status::unauthenticated(format!("{signature} is not {expected}"));
        return Ok(status.into_http());
    }
    health.oneshot(Request::from_parts(head, body)).await
}

async fn call(payload: PayloadSigning) {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("pets", ServingStatus::Serving)
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let unsigned = payload == PayloadSigning::Unsigned;
    let verifying = service_fn(move |request| {
        let health = health.clone();
        verified(health, unsigned, request)
    });
    let serving = Server::builder()
        .add_service(Named(verifying))
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(serving);

    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    let channel = ServiceBuilder::new()
        .map_request(|request: Request<Body>| request.map(tonic::body::Body::new))
        .service(channel);
    let signed = SigV4Layer::new(Credentials::new(ID, SECRET))
        .scope(service(unsigned), "eu-west-1")
        .host(address.to_string().parse().unwrap())
        .payload(payload)
        .clock(noon)
        .layer(channel);
    let mut client = HealthClient::new(signed);
    let pets = || HealthCheckRequest {
        service: "pets".to_owned(),
    };
    let reply = soon("a call", client.check(pets())).await.unwrap();
    assert_eq!(reply.get_ref().status(), Status::Serving);
    let watched = soon("a stream", client.watch(pets())).await.unwrap();
    let mut messages = watched.into_inner();
    let first = soon("a message", messages.message()).await.unwrap();
    assert_eq!(first.unwrap().status(), Status::Serving);
}

/// A service under the name that the router of tonic asks for.
#[derive(Clone)]
struct Named<S>(S);

impl<S> tonic::server::NamedService for Named<S> {
    const NAME: &'static str = "grpc.health.v1.Health";
}

impl<S: Service<R>, R> Service<R> for Named<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}

#[tokio::test]
async fn calls_of_a_channel_with_their_bodies() {
    call(PayloadSigning::Signed).await;
}

#[tokio::test]
async fn calls_of_a_channel_that_stream() {
    call(PayloadSigning::Unsigned).await;
}
