//! Where a node listens, and what peers are told of that.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::net::Options;
use crate::net::error::NetworkError;
use crate::net::limits::ATTEMPT;

/// How long the name of a peer may take to be looked up before it is decided where to listen.
const LOOKUP: Duration = Duration::from_secs(1);

/// Binds an address. Says also whether those of version 4 can be reached by a socket of version 6.
///
/// # Errors
/// What the system says.
pub(super) fn bind(address: SocketAddr) -> std::io::Result<(UdpSocket, bool)> {
    if address.is_ipv4() || !address.ip().is_unspecified() {
        return Ok((UdpSocket::bind(address)?, false));
    }
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
    // Where that cannot be, the node does with version 6.
    let _ = socket.set_only_v6(false);
    socket.bind(&address.into())?;
    let both = !socket.only_v6()?;
    Ok((socket.into(), both))
}

/// An address as people write it: one of version 4 that is seen by a socket of version 6 is one of version 4.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The address to listen on.
pub(super) async fn listen_address(options: &Options, automatic: bool) -> Result<SocketAddr, NetworkError> {
    let Some(listen) = &options.listen else {
        // The automatic cluster is of this machine alone; who has issued keys has to reach others.
        return Ok(match (kinds(&options.peers).await, automatic) {
            (Kinds { v6_only: true, v4: false }, true) => (Ipv6Addr::LOCALHOST, 0).into(),
            (_, true) => (Ipv4Addr::LOCALHOST, 0).into(),
            // By which those of version 4 are reached as well.
            (Kinds { v6_only: true, .. }, false) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            (_, false) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        });
    };
    let failed = |reason: String| NetworkError::Listen { address: listen.clone(), reason };
    let found = timeout(ATTEMPT, lookup_host(listen.as_str()))
        .await
        .map_err(|_| failed("the name could not be looked up in time".into()))?
        .map_err(|error| failed(error.to_string()))?;
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(|at| (!at.ip().is_loopback(), !at.is_ipv4()));
    let first = found.first().copied().ok_or_else(|| failed("the name has no address".into()))?;
    if automatic && !first.ip().is_loopback() {
        return Err(NetworkError::NotLoopback { address: listen.clone() });
    }
    Ok(first)
}

/// Which addresses peers have, as far as their names are found.
#[derive(Default)]
struct Kinds {
    /// Some have one of version 4.
    v4: bool,
    /// Some have none of version 4.
    v6_only: bool,
}

async fn kinds(peers: &[String]) -> Kinds {
    let mut kinds = Kinds::default();
    for peer in peers {
        let Ok(Ok(found)) = timeout(LOOKUP, lookup_host(peer.as_str())).await else { continue };
        let found: Vec<SocketAddr> = found.collect();
        let v4 = found.iter().any(SocketAddr::is_ipv4);
        kinds.v4 |= v4;
        kinds.v6_only |= !v4 && !found.is_empty();
    }
    kinds
}

/// The address that peers are told.
pub(super) async fn advertised(options: &Options, listen: SocketAddr) -> Result<SocketAddr, NetworkError> {
    let Some(advertise) = &options.advertise else { return Ok(listen) };
    let failed = |reason: String| NetworkError::Advertise { address: advertise.clone(), reason };
    let found = timeout(ATTEMPT, lookup_host(advertise.as_str()))
        .await
        .map_err(|_| failed("the name could not be looked up in time".into()))?
        .map_err(|error| failed(error.to_string()))?;
    let mut found: Vec<SocketAddr> = found.filter(|at| !at.ip().is_unspecified() && at.port() != 0).collect();
    found.sort_by_key(|at| at.is_ipv4() != listen.is_ipv4());
    found.first().copied().ok_or_else(|| failed("peers cannot dial that".into()))
}
