//! Backends that come with the crate.
//!
//! [`Functions`] answers for Lambda functions in process.
//!
//! A backend is any `tower::Service<Request<Body>>`; there is no trait of our own. With the feature
//! `client` there is [`HttpClient`].

#[cfg(feature = "client")]
mod client;
mod functions;

pub use functions::{Functions, FunctionsFuture, LambdaContext, LambdaEvent, NoFunction};

#[cfg(feature = "client")]
pub use client::{HttpClient, HttpClientBuilder, HttpClientFuture};
