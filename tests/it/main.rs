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
mod jsonpath;
#[cfg(feature = "openapi")]
mod openapi;
mod support;
mod vtl_corpus;
