//! The deadline of a call, where it has to cover the body of the answer.

use bytes::Bytes;
use tokio::time::Instant;

use crate::body::Body;
use crate::error::{Error, ErrorKind};
use crate::layer::capture;

/// When the answer has to be there as a whole; goes up with the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(pub(super) Instant);

/// The deadline has passed.
pub(super) fn passed() -> Error {
    // AWS: the text of the execution log.
    Error::new(
        ErrorKind::Timeout,
        "execution failed due to a timeout error",
    )
}

/// Reads the body of an answer into memory.
pub(super) async fn collect_answer(
    body: Body,
    limit: u64,
    deadline: Option<Deadline>,
) -> Result<Bytes, Error> {
    let collect = body.collect_within(limit);
    let collected = match deadline {
        Some(Deadline(at)) => tokio::time::timeout_at(at, collect)
            .await
            .map_err(|_| passed())?,
        None => collect.await,
    };
    collected
        .map(|collected| collected.bytes)
        .map_err(capture::backend_body)
}
