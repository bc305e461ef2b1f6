//! What a layer costs that has nothing to do, in allocations.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_apigw::Body;
use tower_apigw::integration::{Integration, IntegrationResponse};
use tower_apigw::layer::{
    BodyMappingLayer, DispatchLayer, RequestMappingLayer, ResponseSelectionLayer,
};

use crate::support::plan;

fn ok(_: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    ready(Ok(Response::new(Body::from("answer"))))
}

/// How many allocations one call takes, with the request made before.
fn allocations<S>(service: &S, headers: &[(&'static str, &'static str)]) -> u64
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
{
    let call = |service: &mut S, request: Request<Body>| {
        let mut future = pin!(service.call(request));
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(Ok(response)) => drop(response),
            Poll::Ready(Err(_)) => panic!("the call failed"),
            Poll::Pending => panic!("the call was not over at once"),
        }
    };
    let request = || {
        let mut request = Request::post("/p");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from("text")).unwrap()
    };
    let mut service = service.clone();
    // What is made once for a thread does not count.
    call(&mut service, request());
    let request = request();
    allocation_counter::measure(|| call(&mut service, request)).count_total
}

#[test]
fn a_body_that_no_template_is_for_costs_no_allocation() {
    let integration = Integration::http("POST", "http://backend.example/")
        .request_template("application/xml", "<x/>")
        .response(IntegrationResponse::new(200));
    let plan = std::sync::Arc::new(plan(&integration, "/p"));
    let inner = ResponseSelectionLayer::new(plan.clone())
        .layer(RequestMappingLayer::new(plan.clone()).layer(service_fn(ok)));
    let headers = [("content-type", "text/plain"), ("accept", "text/plain")];
    let without = allocations(&inner, &headers);
    let with = allocations(&BodyMappingLayer::new(plan).layer(inner), &headers);
    assert!(without > 0, "nothing was counted");
    assert!(
        with <= without,
        "{with} with the layer, {without} without it"
    );
}

#[test]
fn a_call_that_nobody_observes_costs_no_allocation() {
    let inner = service_fn(ok);
    let without = allocations(&inner, &[]);
    let with = allocations(&DispatchLayer::new().layer(inner), &[]);
    assert_eq!(with, without);
}

#[test]
fn a_proxy_s_body_costs_no_allocation() {
    let plan = std::sync::Arc::new(plan(
        &Integration::http_proxy("http://backend.example/"),
        "/p",
    ));
    let inner = RequestMappingLayer::new(plan.clone()).layer(service_fn(ok));
    let without = allocations(&inner, &[]);
    let with = allocations(&BodyMappingLayer::new(plan).layer(inner), &[]);
    assert_eq!(with, without);
}
