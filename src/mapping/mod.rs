//! The rules of API Gateway integrations: what a request becomes, and what an answer becomes.
//!
//! An [`Integration`](crate::integration::Integration) is compiled for a method and a [`Stage`]
//! into a [`Plan`]. The rules are pure functions over the plan and one call; the layers in
//! [`layer`](crate::layer) only carry bodies to them.
//!
//! # Order of the rules
//! The request is validated, if its method has a request validator: parameters, then the body.
//! Mapped parameters are evaluated next, on the method request as the client sent it; then the
//! request template is chosen (or refused with 415), the body converted and rendered; overrides go
//! over the mapped parameters; refused headers are found; method, URI and headers are made. On the
//! way back a response is selected, its headers are mapped, its template is chosen by `Accept`,
//! and the body is converted and rendered.

mod assignments;
mod aws;
mod call;
mod compile;
mod content;
mod context;
mod expression;
mod function;
mod grpc;
mod headers;
mod limits;
mod method_request;
mod mock;
mod parameters;
mod path;
mod plan;
mod query;
mod request;
mod response;
mod selection;
mod stage;
mod templates;
mod tracing;
mod uri;
mod validation;

pub use limits::Limits;
pub use method_request::{ClientAddress, OriginalHeaderNames};
pub use plan::{Plan, PlanError};
pub use stage::Stage;

pub(crate) use call::Call;
pub(crate) use content::{Flow, flow};
pub(crate) use context::Facts;
pub(crate) use expression::{Destination, Side as ExpressionSide, Source, destination};
pub(crate) use function::{
    answer as function_answer, frames as function_frames, is_failed as function_failed,
    malformed_stream, refused as invocation_refused, stream_head as function_stream,
    subject as function_subject,
};
pub(crate) use grpc::{
    CONTENT_TYPE as GRPC_CONTENT_TYPE, DEADLINE_EXCEEDED, MESSAGE as GRPC_MESSAGE,
    RESOURCE_EXHAUSTED, STATUS as GRPC_STATUS, UNIMPLEMENTED, deadline as grpc_deadline,
    is_spoken as speaks_grpc, late as grpc_late, message as grpc_message,
    status_in as grpc_status_in, status_of as grpc_status_of,
};
#[cfg(feature = "openapi")]
pub(crate) use headers::METHOD_OVERRIDE;
pub(crate) use headers::{ERROR_TYPE, EXTENDED_REQUEST_ID, REQUEST_ID, TRACE_ID};
#[cfg(feature = "openapi")]
pub(crate) use headers::{Mapped as MappedHeader, mapped_request_header};
#[cfg(feature = "openapi")]
pub(crate) use method_request::find as find_header;
pub(crate) use method_request::{Arrival, MethodRequest, OverTls, RANDOM_BYTES};
#[cfg(feature = "openapi")]
pub(crate) use mock::status as mock_status;
pub(crate) use request::{Outcome, frame, map as map_request};
pub(crate) use response::{
    BodyPlan, MockStatus, Selected, chosen, map_headers, override_response, proxy_headers, select,
};
pub(crate) use selection::Subject;
pub(crate) use tracing::request as trace_request;
#[cfg(feature = "openapi")]
pub(crate) use validation::Models;
