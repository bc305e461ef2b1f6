//! Access logs: one line for each request, in a format of API Gateway's with `$context` variables.
//!
//! A [`Format`] is parsed once, and refuses what API Gateway would not fill in.
//! [`AccessLogLayer`](crate::layer::AccessLogLayer) stands outside of everything and writes a line
//! when the answer has been taken to its last byte, or nobody waits for it any more.
//!
//! A variable without a value prints `-`. What clients and backends send is escaped as suits the
//! format, so that nobody but the gateway begins a line or a field:
//!
//! | format | is one that | escapes |
//! |---|---|---|
//! | JSON | begins with `{` | as in JSON texts; what is no number and stands in no quotes gets some |
//! | XML | begins with `<` | `&`, `<`, `>`, quotes; control characters become `?` |
//! | CSV | is [`Format::csv`] | fields with commas, quotes or line ends go in quotes |
//! | text | is any other | `"` and `\` with a backslash, control characters as `\x0a`, blanks outside of quotes as `\x20` |
//!
//! The variables are those of AWS's table for access logs. These differ:
//!
//! | variable | here |
//! |---|---|
//! | `status` | `-` when the client went away before there was an answer |
//! | `error.message`, `error.messageString` | of an answer that is not whole: `the client went away` or `the answer broke off` |
//! | `responseLength` | bytes of the body that were taken; 0 for `HEAD` |
//! | `responseLatency` | milliseconds until the last byte was taken |
//! | `integrationLatency`, `integration.latency`, `integration.timeToAllHeaders` | milliseconds from the call to the head of the answer |
//! | `integrationStatus`, `integration.integrationStatus` | the status that the backend answered with, for a function that of Lambda |
//! | `integration.status` | the same; for a Lambda proxy the status that the function chose |
//! | `authorizer.*`, `authorize.*`, `authenticate.*`, `waf.*`, `customDomain.*`, `integration.timeToFirstContent` and the like | always `-`: this gateway has none of it |
//!
//! ```
//! use tower_apigw::access_log::Format;
//!
//! let format: Format = "$context.requestId $context.status $context.path".parse()?;
//! let error = "$context.requestId $context.staus".parse::<Format>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "column 20: access logs have no `$context.staus`; did you mean `$context.status`?"
//! );
//! # Ok::<_, tower_apigw::access_log::FormatError>(())
//! ```
// AWS: api-gateway-variables-for-access-logging, set-up-logging.

mod escape;
mod format;
mod line;
mod record;
mod variable;

pub use format::{Format, FormatError};
pub(crate) use line::Line;
pub(crate) use record::{Integration, Record};
