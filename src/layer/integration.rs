//! The stack of the layers, in their order, under one name.

use std::sync::Arc;

use tower_layer::Layer;

#[cfg(feature = "sigv4")]
use crate::credentials::SharedProvider;
use crate::gateway_response::GatewayResponses;
use crate::layer::{
    BodyMapping, BodyMappingLayer, Dispatch, DispatchLayer, GatewayResponse, GatewayResponseLayer,
    RequestMapping, RequestMappingLayer, ResponseSelection, ResponseSelectionLayer, SigV4,
    SigV4Layer,
};
#[cfg(all(feature = "retry", feature = "openapi"))]
use crate::layer::{Retry, RetryLayer};
use crate::mapping::Plan;

/// A whole integration around a backend: an [`Infallible`](std::convert::Infallible) service, as
/// axum's `route_service` wants it.
///
/// It is nothing but the other layers, outermost first: [`GatewayResponseLayer`],
/// [`BodyMappingLayer`], [`ResponseSelectionLayer`], [`RequestMappingLayer`], [`SigV4Layer`],
/// [`DispatchLayer`]. Stack them by hand to put something between them.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::integration::{Integration, IntegrationResponse, Method};
/// use tower_apigw::layer::IntegrationLayer;
/// use tower_apigw::mapping::{Plan, Stage};
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let integration = Integration::http("POST", "http://backend.example/pets")
///     .request_template("application/json", r#"{"kind": "$input.path('$.type')"}"#)
///     .response(IntegrationResponse::new(201).selection_pattern("2\\d{2}"));
/// let plan = Plan::compile(&integration, &Method::new("POST", "/pets"), Stage::new("prod"))?;
///
/// let backend = service_fn(|request: Request<Body>| async {
///     Ok::<_, Infallible>(Response::new(request.into_body()))
/// });
/// let service = IntegrationLayer::new(plan).layer(backend);
/// let request = Request::post("/pets").body(Body::from(r#"{"type": "dog"}"#))?;
/// let response = service.oneshot(request).await?;
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.body().as_bytes().as_deref(), Some(&br#"{"kind": "dog"}"#[..]));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct IntegrationLayer {
    rim: GatewayResponseLayer,
    plan: Arc<Plan>,
    sigv4: SigV4Layer,
}

/// The service that [`IntegrationLayer`] makes of a backend.
pub type IntegrationService<S> = Mapped<SigV4<Dispatch<S>>>;

type Mapped<S> = GatewayResponse<BodyMapping<ResponseSelection<RequestMapping<S>>>>;

impl IntegrationLayer {
    /// The layers of `plan`, with API Gateway's own gateway responses.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self::with_gateway_responses(plan, GatewayResponses::default())
    }

    /// The layers of `plan`, with the gateway responses of an API.
    pub fn with_gateway_responses(
        plan: impl Into<Arc<Plan>>,
        responses: impl Into<Arc<GatewayResponses>>,
    ) -> Self {
        let plan = plan.into();
        let rim = GatewayResponseLayer::of_plan(responses.into(), Arc::clone(&plan));
        Self {
            rim,
            plan,
            sigv4: SigV4Layer::without_credentials(),
        }
    }

    /// Signs what asks for a signature with `credentials`.
    #[cfg(feature = "sigv4")]
    pub fn credentials(mut self, credentials: impl Into<SharedProvider>) -> Self {
        self.sigv4 = SigV4Layer::new(credentials);
        self
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }
}

impl<S> Layer<S> for IntegrationLayer {
    type Service = IntegrationService<S>;

    fn layer(&self, backend: S) -> IntegrationService<S> {
        self.signed_by(&self.sigv4, backend)
    }
}

impl IntegrationLayer {
    /// The stack with the signing layer of its API.
    pub(crate) fn signed_by<S>(&self, sigv4: &SigV4Layer, backend: S) -> IntegrationService<S> {
        let service = DispatchLayer::new().layer(backend);
        let service = sigv4.layer(service);
        self.mapped(service)
    }

    /// The same, with a layer that sends requests again.
    #[cfg(all(feature = "retry", feature = "openapi"))]
    pub(crate) fn retried_by<S>(
        &self,
        retry: &RetryLayer,
        sigv4: &SigV4Layer,
        backend: S,
    ) -> Mapped<Retry<SigV4<Dispatch<S>>>> {
        let service = DispatchLayer::new().layer(backend);
        self.mapped(retry.layer(sigv4.layer(service)))
    }

    fn mapped<S>(&self, service: S) -> Mapped<S> {
        let plan = || Arc::clone(&self.plan);
        let service = RequestMappingLayer::new(plan()).layer(service);
        let service = ResponseSelectionLayer::new(plan()).layer(service);
        let service = BodyMappingLayer::new(plan()).layer(service);
        self.rim.layer(service)
    }
}
