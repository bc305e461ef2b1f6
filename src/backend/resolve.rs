//! Names of hosts to addresses, with an error that can be told from others.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// The host leads to an address that is not allowed.
#[derive(Debug)]
pub(super) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has a link-local address, which a host with parameters must not have")
    }
}

impl std::error::Error for Forbidden {}

/// A name that has no address.
#[derive(Debug)]
pub(super) struct NameError(std::io::Error);

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of the host has no address")
    }
}

impl std::error::Error for NameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The system's resolver.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    /// Whether link-local addresses are left out.
    guarded: bool,
}

impl Resolver {
    pub(super) fn new(guarded: bool) -> Self {
        Self {
            system: GaiResolver::new(),
            guarded,
        }
    }
}

/// An address that a host which others fill in must not lead to: link-local ones, under which
/// clouds keep the credentials of a machine.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.is_link_local(),
            // AWS: the metadata service over IPv6.
            None => v6.is_unicast_link_local() || v6 == METADATA_V6,
        },
    }
}

const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NameError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NameError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NameError>> {
        self.system.poll_ready(cx).map_err(NameError)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let addresses = self.system.call(name);
        let guarded = self.guarded;
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> = addresses.await.map_err(NameError)?.collect();
            if guarded {
                let all = addresses.len();
                addresses.retain(|address| !is_forbidden(address.ip()));
                if addresses.is_empty() && all > 0 {
                    return Err(NameError(std::io::Error::other(Forbidden)));
                }
            }
            Ok(addresses.into_iter())
        })
    }
}
