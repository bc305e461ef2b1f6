//! The integration tests: one binary, so that linking happens once.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(all(feature = "client", feature = "openapi"))]
mod conformance;
mod floors;
#[cfg(feature = "client")]
mod hosts;
mod jsonpath;
mod layers;
#[cfg(feature = "openapi")]
mod openapi;
#[cfg(feature = "client")]
mod streaming;
#[cfg_attr(not(all(feature = "client", feature = "openapi")), allow(dead_code))]
mod support;
mod vtl_corpus;
