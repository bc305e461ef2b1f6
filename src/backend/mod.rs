//! Backends that come with the crate.
//!
//! A backend is any `tower::Service<Request<Body>>`; there is no trait of our own. With the feature
//! `client` there is [`HttpClient`].

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod pool;
#[cfg(feature = "client")]
mod resolve;

#[cfg(feature = "client")]
pub use client::{HttpClient, HttpClientFuture};
