//! Names of hosts to addresses, for each connection anew.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use crate::backend::client::failure::ConnectError;

pub(super) type LookupFuture = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
type Lookup = dyn Fn(String) -> LookupFuture + Send + Sync;

/// The system's resolver, or one that the application brings.
#[derive(Clone, Default)]
pub(super) struct Resolver {
    own: Option<Arc<Lookup>>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("own", &self.own.is_some())
            .finish()
    }
}

impl Resolver {
    pub(super) fn new(lookup: Arc<Lookup>) -> Self {
        Self { own: Some(lookup) }
    }

    /// The addresses of `host`, which may be one already. With `guarded` link-local ones are left
    /// out.
    pub(super) async fn addresses(
        &self,
        host: &str,
        port: u16,
        guarded: bool,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let mut addresses: Vec<SocketAddr> = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.look_up(host, port).await.map_err(ConnectError::Name)?,
        };
        if addresses.is_empty() {
            let none = io::Error::new(io::ErrorKind::NotFound, "no addresses");
            return Err(ConnectError::Name(none));
        }
        if guarded {
            addresses.retain(|address| !is_forbidden(address.ip()));
            if addresses.is_empty() {
                return Err(ConnectError::Forbidden);
            }
        }
        Ok(addresses)
    }

    async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.own {
            Some(lookup) => {
                let found = lookup(host.to_owned()).await?;
                let with_port = |address| SocketAddr::new(address, port);
                Ok(found.into_iter().map(with_port).collect())
            }
            None => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(addresses: &[&str]) -> Resolver {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        Resolver::new(Arc::new(move |_| {
            let addresses = addresses.clone();
            Box::pin(async move { Ok(addresses) })
        }))
    }

    #[tokio::test]
    async fn link_local_addresses_are_left_out_where_they_are_forbidden() {
        let mixed = knows(&["169.254.169.254", "10.0.0.1", "fe80::1"]);
        let found = mixed.addresses("name", 80, true).await.unwrap();
        assert_eq!(found, ["10.0.0.1:80".parse().unwrap()]);
        assert_eq!(mixed.addresses("name", 80, false).await.unwrap().len(), 3);
        let local = knows(&["169.254.169.254"]);
        let refused = local.addresses("name", 80, true).await;
        assert!(matches!(refused, Err(ConnectError::Forbidden)));
        let none = knows(&[]).addresses("name", 80, false).await;
        assert!(matches!(none, Err(ConnectError::Name(_))));
    }

    #[test]
    fn what_is_forbidden() {
        for host in [
            "169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:169.254.0.1",
        ] {
            assert!(is_forbidden(host.parse().unwrap()), "{host}");
        }
        for host in ["127.0.0.1", "10.0.0.1", "::1", "169.253.0.1"] {
            assert!(!is_forbidden(host.parse().unwrap()), "{host}");
        }
    }
}
