//! Amazon API Gateway integrations as tower layers.
//!
//! TOUR

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod backend;
mod body;
pub mod diagnostic;
pub mod error;
pub mod gateway_response;
pub mod integration;
pub mod jsonpath;
pub mod layer;
pub mod mapping;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod target;
pub mod template;
pub mod vtl;

pub use body::{Body, BodyError};
