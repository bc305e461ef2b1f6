//! Gateway responses: how an API's own failures look to a client.
//!
//! Every failure has a [`GatewayResponseType`], a row of a closed table with a status and a message.
//! An API may change the status, the headers and the body of a row with a
//! [`GatewayResponse`]; rows that it leaves alone follow its `DEFAULT_4XX` or
//! `DEFAULT_5XX`, and otherwise look as API Gateway's own.
//!
//! ```
//! use tower_apigw::gateway_response::{GatewayResponseType, GatewayResponses};
//! use tower_apigw::integration::GatewayResponse;
//!
//! let not_found = GatewayResponse::new()
//!     .status(404)
//!     .response_template("application/json", r#"{"error": $context.error.messageString}"#);
//! let responses = GatewayResponses::compile([("MISSING_AUTHENTICATION_TOKEN", &not_found)])?;
//! let status = responses.status(GatewayResponseType::MissingAuthenticationToken);
//! assert_eq!(status, 404);
//! # Ok::<_, tower_apigw::mapping::PlanError>(())
//! ```

mod kind;
mod render;
mod template;

pub use kind::GatewayResponseType;
pub use render::GatewayResponses;
pub(crate) use render::{Described, describe};
pub(crate) use template::ErrorContext;

#[cfg(doc)]
use crate::integration::GatewayResponse;
