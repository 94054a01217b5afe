//! Small rules about ending connections and about addresses that peers tell.

use std::net::SocketAddr;

use quinn::Connection;

use crate::net::cause::Cause;
use crate::net::cause::Closing;

/// Ends a connection before anything was said, so that the other side learns the same code.
pub(super) fn refuse_connection(connection: &Connection, cause: &Cause) {
    connection.close((Closing::Refused as u32).into(), &reason_of(Closing::Refused, cause));
}

/// What the other side is told. A refusal bears its code.
pub(super) fn reason_of(closing: Closing, cause: &Cause) -> Vec<u8> {
    match closing {
        Closing::Refused => format!("{} {}", cause.code, cause.reason).into_bytes(),
        _ => cause.reason.clone().into_bytes(),
    }
}

/// Where a peer can be dialed. One that listens on all of its machine's addresses does not know which of them others see,
/// but whoever is connected to it does.
pub(super) fn reachable(told: SocketAddr, seen: SocketAddr) -> SocketAddr {
    if told.ip().is_unspecified() { SocketAddr::new(seen.ip().to_canonical(), told.port()) } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_listens_everywhere_is_dialed_where_it_was_seen() {
        let told: SocketAddr = "0.0.0.0:7001".parse().expect("an address");
        let seen = "192.0.2.7:50000".parse().expect("an address");
        assert_eq!(reachable(told, seen), "192.0.2.7:7001".parse().expect("an address"));
        let told = "198.51.100.1:7001".parse().expect("an address");
        assert_eq!(reachable(told, seen), told);
    }
}
