//! What the server answers by itself, for those who count and log.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use crate::mapping::ClientAddress;

/// A request that the server answered by itself, so that no service saw it.
///
/// See [`Server::on_refusal`](crate::server::Server::on_refusal).
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused<'a> {
    /// What it was answered with.
    pub status: StatusCode,
    /// How many bytes the body of the answer has.
    pub length: u64,
    /// The address of the client.
    pub client: Option<IpAddr>,
    /// The head of the request; none of what could not be read as one.
    pub head: Option<&'a Parts>,
}

type Tell = dyn Fn(&Refused<'_>) + Send + Sync;

/// Who is told of refusals.
#[derive(Clone, Default)]
pub(super) struct Teller(Option<Arc<Tell>>);

impl Teller {
    pub(super) fn new(tell: impl Fn(&Refused<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(super) fn tell(
        &self,
        status: StatusCode,
        length: usize,
        client: Option<ClientAddress>,
        head: Option<&Parts>,
    ) {
        if let Some(tell) = &self.0 {
            tell(&Refused {
                status,
                length: u64::try_from(length).unwrap_or(u64::MAX),
                client: client.map(|ClientAddress(address)| address),
                head,
            });
        }
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Teller").field(&self.0.is_some()).finish()
    }
}
