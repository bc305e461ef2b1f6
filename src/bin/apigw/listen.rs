//! Listens for clients, of whom many may come at once.

use std::io;

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use crate::exit::Failure;

/// How many connections may wait to be accepted; the system may allow less (Linux:
/// `net.core.somaxconn`). One that finds no room is lost, and tried again a second later.
const BACKLOG: u32 = 4096;

/// Listens on the first address of a host and port that can be had.
pub(crate) async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        };
        let listener = socket.and_then(|socket| {
            // As the standard library does: on Windows it would let others take the port.
            #[cfg(not(windows))]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        });
        match listener {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Why nobody can listen on the address that `option` names, and what to do.
pub(crate) fn cannot(option: &str, address: &str, error: &io::Error) -> Failure {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let failure = |reason: &str| Failure::listener(format!("cannot listen on {address}: {reason}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure("the address is in use").help(format!(
            "end the program that listens there, or choose another port: {option} {host}:0 takes any free one"
        )),
        io::ErrorKind::AddrNotAvailable => failure("this machine does not have the address").help(format!(
            "{option} 127.0.0.1:8080 is reached from this machine, 0.0.0.0:8080 from all others too"
        )),
        io::ErrorKind::PermissionDenied => failure("not allowed")
            .help("ports below 1024 are for privileged programs; choose a higher one"),
        _ => failure(&error.to_string()),
    }
}
