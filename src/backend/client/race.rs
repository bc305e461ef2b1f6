//! TCP connections: one address after the other, without waiting long for any.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::backend::client::failure::ConnectError;

/// How long an address has before the next one is tried beside it.
// RFC 8305, 8: the recommended delay between two attempts.
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to the first of `addresses` that takes one.
pub(super) async fn connect(
    addresses: Vec<SocketAddr>,
    within: Duration,
) -> Result<TcpStream, ConnectError> {
    let stream = timeout(within, race(addresses))
        .await
        .map_err(|_| ConnectError::Late)?
        .map_err(ConnectError::Tcp)?;
    // Otherwise a request in several writes waits for the backend's acknowledgement.
    stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
    Ok(stream)
}

async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    if let [only] = addresses.as_slice() {
        return TcpStream::connect(only).await;
    }
    let mut waiting = in_turn(addresses).into_iter();
    // Dropped, it ends the attempts that are still on their way.
    let mut attempts = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    loop {
        let ended = match waiting.next() {
            Some(address) => {
                attempts.spawn(TcpStream::connect(address));
                match timeout(HEAD_START, attempts.join_next()).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                }
            }
            None => attempts.join_next().await,
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(failed))) => last = failed,
            Some(Err(gone)) => last = io::Error::other(gone),
            None => return Err(last),
        }
    }
}

/// The families by turns, beginning with that of the first address.
// RFC 8305, 4: the resolver's order is kept within each family.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut out = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let (a, b) = (first.next(), second.next());
        if a.is_none() && b.is_none() {
            return out;
        }
        out.extend(a.into_iter().chain(b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|text| text.parse().unwrap()).collect()
        };
        let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let expected = parse(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
        assert_eq!(in_turn(mixed), expected);
        assert_eq!(in_turn(Vec::new()), []);
    }
}
