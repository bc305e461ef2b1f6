//! Amazon API Gateway *integrations* as tower layers.
//!
//! An integration connects a method of an API to a backend: it maps parameters, renders the body
//! with a template, sends the request, selects a response by a pattern over the status, and maps
//! headers and body back. This crate does what API Gateway does, in Rust, wherever a
//! [`tower::Service`](tower_service::Service) runs: in an axum, hyper or tonic application, as a
//! gateway of its own, or in `cargo test`.
//!
//! ```
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_apigw::Body;
//! use tower_apigw::integration::{Integration, IntegrationResponse, Method};
//! use tower_apigw::layer::IntegrationLayer;
//! use tower_apigw::mapping::{Plan, Stage};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let integration = Integration::http("POST", "https://pets.example.com/{id}")
//!     .request_parameter("integration.request.path.id", "method.request.path.petId")
//!     .request_template("application/json", r#"{"name": $input.json('$.pet.name')}"#)
//!     .response(IntegrationResponse::new(200))
//!     .response(IntegrationResponse::new(404).selection_pattern("4\\d{2}"));
//! let plan = Plan::compile(&integration, &Method::new("POST", "/pets/{petId}"), Stage::new("prod"))?;
//!
//! // Any service is a backend: `backend::HttpClient`, an axum router, a function.
//! let backend = service_fn(|request: Request<Body>| async move {
//!     assert_eq!(request.uri(), "https://pets.example.com/7");
//!     Ok::<_, std::io::Error>(Response::new(request.into_body()))
//! });
//! let service = IntegrationLayer::new(plan).layer(backend);
//! let request = Request::post("/pets/7").body(Body::from(r#"{"pet": {"name": "Rex"}}"#))?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.body().as_bytes().as_deref(), Some(&br#"{"name": "Rex"}"#[..]));
//! # Ok(()) }
//! ```
//!
//! # Where to begin
//! - A document with `x-amazon-apigateway-integration`: `openapi::Api` (feature `openapi`).
//! - One route of an application: [`layer::IntegrationLayer`], as above.
//! - A step alone, or something between the steps: the layers in [`layer`].
//! - A template alone: [`template::Vtl`] (or [`vtl`], the language without API Gateway).
//!
//! # Three representations
//! [`integration::Integration`] is what the author wrote. [`mapping::Plan`] is what it means: every
//! URI, expression, pattern and template is parsed once, and every mistake is found then. A call
//! is one request in flight; serving parses no configuration.
//!
//! # Features
//! | feature | default | brings |
//! |---|---|---|
//! | `client` | yes | `backend::HttpClient`: HTTP/1.1 and HTTP/2, a pool, TLS by rustls with ring |
//! | `openapi` | yes | `openapi`: documents in OpenAPI 2.0, 3.0, 3.1, JSON and YAML; `Api`; `lint`: what is wrong with them |
//! | `tera` | yes | mapping templates in Tera 2 |
//! | `sigv4` | yes | `credentials`, and a `SigV4Layer` that signs with AWS Signature Version 4 |
//! | `aws-config` | | `credentials::DefaultChain`: where AWS's own clients look for credentials, and roles through STS |
//! | `retry` | yes | `layer::RetryLayer`: requests are sent again, within a budget |
//! | `validation` | yes | request bodies against their models (JSON Schema, draft 4) |
//! | `axum` | | `Api::into_router`, and the client's address from axum |
//! | `server` | | `server`: a listener for HTTP/1.1 and HTTP/2 that keeps the spelling of headers |
//! | `server-tls` | | TLS on that listener, by rustls |
//! | `cli` | | the program `apigw` |
//! | `aws-lc-rs` | | aws-lc-rs instead of ring |
//!
//! Features only add. Without any, the rules and the layers are there, with VTL.
//!
//! # The house
//! A room uses only what stands below it; `tests/it/floors.rs` keeps this true.
//! ```text
//!   4  bin/apigw      lint      openapi (import, router, api)      backend (client, functions)      server
//!   3  layer: body_mapping · response_selection · request_mapping · sigv4 · dispatch · gateway_response · metrics · access_log
//!   2  mapping: plan, parameters, headers, content, selection, call      gateway_response      metrics (counts)      access_log (formats)
//!   1  template: engines, $input $context $util      aws      target      body      trace_context
//!   0  vtl      jsonpath      integration (the model)      error      diagnostic      java_regex      tls
//! ```
//! Floors 0 to 2 have no async, no clock, no randomness and no environment. `layer` knows bodies,
//! readiness and futures, and no rule of AWS. Behaviour is marked with its source: `AWS:` documented,
//! `Recorded:` seen on AWS, `LocalStack:` in its code, `Chosen:` ours.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod access_log;
pub mod aws;
pub mod backend;
mod body;
#[cfg(feature = "sigv4")]
pub mod credentials;
pub mod diagnostic;
pub mod error;
pub mod gateway_response;
pub mod integration;
mod java_regex;
pub mod jsonpath;
pub mod layer;
#[cfg(feature = "openapi")]
pub mod lint;
pub mod mapping;
pub mod metrics;
#[cfg(feature = "openapi")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "sigv4")]
pub mod signing;
pub mod target;
pub mod template;
#[cfg(any(feature = "client", feature = "server-tls"))]
pub mod tls;
pub mod trace;
mod trace_context;
pub mod vtl;

pub use body::{Body, BodyError};
