//! The integration tests: one binary, so that linking happens once.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(feature = "sigv4")]
mod aws;
#[cfg(feature = "client")]
mod backend;
#[cfg(feature = "openapi")]
mod check;
#[cfg(feature = "cli")]
mod cli;
#[cfg(all(
    feature = "client",
    feature = "openapi",
    feature = "server",
    feature = "sigv4",
    feature = "validation"
))]
mod conformance;
#[cfg(feature = "aws-config")]
mod credentials;
#[cfg(all(feature = "client", feature = "server"))]
mod faults;
mod floors;
#[cfg(all(feature = "client", feature = "openapi", feature = "server"))]
mod grpc;
#[cfg(feature = "client")]
mod hosts;
#[cfg(feature = "cli")]
mod invoke;
mod jsonpath;
mod layers;
#[cfg(feature = "openapi")]
mod openapi;
#[cfg(feature = "cli")]
mod render;
#[cfg(all(feature = "cli", unix))]
mod serve;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "sigv4")]
mod sigv4;
#[cfg(feature = "client")]
mod streaming;
#[cfg_attr(
    not(all(feature = "client", feature = "openapi", feature = "server")),
    allow(dead_code)
)]
mod support;
#[cfg(all(feature = "openapi", feature = "validation"))]
mod validation;
mod vtl;
