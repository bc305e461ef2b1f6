//! API Gateway documents: OpenAPI 2.0, 3.0 and 3.1 with `x-amazon-apigateway-*` extensions, in JSON
//! or YAML, read into this crate's model; and the choice of the method for a request.
//!
//! [`Import::from_slice`] reads a whole document and reports every mistake with line and column. It
//! fails only when there is nothing to read; a broken integration is marked
//! ([`Operation::broken`]) and the rest stays, so that a caller may refuse the document or serve
//! what is sound.
//!
//! ```
//! use tower_apigw::openapi::{Import, Router};
//!
//! let import = Import::from_slice(br#"
//! openapi: 3.0.1
//! info: {title: pets, version: '1'}
//! paths:
//!   /pets/{id}:
//!     get:
//!       responses: {200: {description: a pet}}
//!       x-amazon-apigateway-integration:
//!         type: http_proxy
//!         httpMethod: GET
//!         uri: https://pets.example.com/
//!         passThroughBehavior: never
//! "#)?;
//!
//! let finding = &import.findings()[0];
//! assert_eq!(finding.position.unwrap().to_string(), "12:9");
//! assert_eq!(finding.help.as_deref(), Some("did you mean `passthroughBehavior`?"));
//!
//! let mut router = Router::new();
//! for operation in &import.document().operations {
//!     router.insert(&operation.method.http_method, &operation.method.resource, operation)?;
//! }
//! let found = router.find(&http::Method::GET, "/pets/7").unwrap();
//! assert_eq!(found.method.resource, "/pets/{id}");
//! assert!(router.find(&http::Method::POST, "/pets/7").is_none());
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod api;
mod cloudformation;
mod cursor;
mod document;
mod findings;
mod import;
mod integration;
mod json;
mod keys;
mod late;
mod node;
mod operation;
mod parameters;
mod paths;
mod patterns;
mod place;
mod read;
mod reference;
mod resource;
mod router;
mod scalar;
mod security;
mod settings;
mod source;
mod yaml;

pub(crate) use patterns::{MAX_PATTERN_BYTES, MAX_PATTERNS};

pub use api::{Api, ApiError, ApiFuture, ApiService, NoRoute, OnError, Route};
pub use document::{ApiKeySource, Document, Format, Operation, RequestValidator};
pub use import::{Import, ImportError, MAX_DOCUMENT_BYTES};
pub use resource::RouteError;
pub use router::Router;
