//! The tower layers: they carry bodies to the rules, and know no rule themselves.
//!
//! ```text
//!   request                                                                       response
//!      │  GatewayResponseLayer    any error becomes a gateway response; ids            ▲
//!      │  BodyMappingLayer        request template │ response template                 │
//!      │  ResponseSelectionLayer                   │ pattern, status, headers          │
//!      │  RequestMappingLayer     method, URI, headers, target (a MOCK answers here)   │
//!      │  SigV4Layer              signature                                            │
//!      ▼  DispatchLayer           deadline; the backend                                │
//! ```
//!
//! [`IntegrationLayer`] is this stack. Each layer is useful alone: the outermost of them captures
//! the request as the client sent it, hands it down in the request's extensions, and what was
//! chosen comes up in the response's. [`MetricsLayer`] counts around all of
//! them, [`AccessLogLayer`] writes a line for each request, [`TraceContextLayer`] continues the traces of clients, outermost. Someone else's layer fits at any seam: a timeout, a limit, a cache, tracing. `RetryLayer` (feature `retry`), which is not in the stack, has its place outside
//! of `SigV4Layer`.
//!
//! The inner service takes `Request<`[`Body`](crate::Body)`>` and may answer with any body of
//! [`Bytes`](bytes::Bytes). One that wants another request body is adapted with tower's
//! `map_request`: `.map_request(|request: Request<Body>| request.map(axum::body::Body::new))`.
//!
//! The services of the layers are ready when the inner service is, and call the instance that
//! became ready. [`Dispatch`] and [`GatewayResponse`] are always ready, and wait for the inner
//! service within the call: a backend that is not ready must fail its own request only.
//!
//! # Spans
//! For subscribers of `tracing`, at the level `debug`, under OpenTelemetry's names:
//!
//! | span | of | ends | says |
//! |---|---|---|---|
//! | `request` | [`GatewayResponse`] | with the answer, or its head if that is all in memory | `http.request.method`, `http.route`, `url.path`, `url.scheme`, `server.address`, `server.port`, `client.address`, `user_agent.original`, `http.response.status_code`, `error.type`, `aws.request_id` |
//! | `integration`, in it | [`Dispatch`] | when the body of the answer begins | `http.request.method`, `url.full` without its query, `server.address`, `server.port`, `http.response.status_code`, `error.type` |
//!
//! A request is one span: a [`GatewayResponse`] inside of another tells the outer one its route.
//!
//! Both have `otel.kind`, `otel.name` and `otel.status_code`, and with [`TraceContextLayer`] `trace_id`, `span_id` and
//! `parent_span_id`. An error of the gateway has the name of its [`ErrorKind`](crate::error::ErrorKind) as `error.type`, an
//! answer of a backend its status, and an answer that broke off `broken`.

mod access_log;
mod body_mapping;
mod capture;
mod deadline;
mod dispatch;
mod function;
mod future;
mod gateway_response;
mod integration;
mod metrics;
mod observation;
mod one_call;
mod request_mapping;
mod response_selection;
#[cfg(feature = "retry")]
mod retry;
mod sigv4;
mod spans;
mod tap;
mod trace_context;

pub use access_log::{AccessLog, AccessLogFuture, AccessLogLayer};
pub use body_mapping::{BodyMapping, BodyMappingLayer};
#[cfg(feature = "openapi")]
pub(crate) use capture::set_method;
pub use dispatch::{Dispatch, DispatchFuture, DispatchLayer};
pub use future::ResponseFuture;
pub use gateway_response::{GatewayResponse, GatewayResponseFuture, GatewayResponseLayer};
pub use integration::{IntegrationLayer, IntegrationService};
pub use metrics::{Measure, MeasureFuture, MetricsLayer};
#[cfg(feature = "openapi")]
pub(crate) use metrics::{measured, to_its_end};
#[cfg(feature = "server")]
pub(crate) use one_call::OneCall;
pub use request_mapping::{RequestMapping, RequestMappingLayer};
pub use response_selection::{ResponseSelection, ResponseSelectionLayer};
#[cfg(feature = "retry")]
pub use retry::{Retry, RetryLayer};
#[cfg(feature = "sigv4")]
pub use sigv4::PayloadSigning;
pub use sigv4::{SigV4, SigV4Layer};
pub use trace_context::{ContinueTrace, TraceContextLayer};
