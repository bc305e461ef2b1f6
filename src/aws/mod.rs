//! What API Gateway knows of the services of AWS: addresses, protocols, endpoints, and what Lambda
//! functions are sent and answer.
//!
//! Everything here is pure. [`Endpoints`] says where the services are: at AWS, or wherever moto,
//! LocalStack or `cargo lambda` listen. [`RestEvent`] and [`HttpEvent`] write the events of a
//! function, [`Answer`] reads what it answers, [`EventStream`] takes a streamed answer apart.
//!
//! ```
//! use tower_apigw::aws::Endpoints;
//! use tower_apigw::mapping::Stage;
//!
//! let endpoints = Endpoints::new()
//!     .all("http://127.0.0.1:5000")?
//!     .service("lambda", "http://127.0.0.1:9000")?;
//! let stage = Stage::new("dev").endpoints(endpoints);
//! # Ok::<_, tower_apigw::aws::EndpointError>(())
//! ```

mod address;
mod answer;
mod endpoints;
mod event;
mod event_stream;
mod event_v2;
mod json;
mod prelude;
mod services;

pub use answer::{Answer, Malformed};
pub use endpoints::{EndpointError, Endpoints};
pub use event::{ApiFacts, RequestFacts, RestEvent};
pub use event_stream::{EventStream, EventStreamError, Piece};
pub use event_v2::HttpEvent;
pub use prelude::{Prelude, PreludeError, Split};

pub(crate) use address::{Address, Kind, function, may_be_address};
pub(crate) use answer::error_message;
