//! Where clients find other servers. Clients take no part in the overlay, which tells servers of each other; so each server tells
//! its clients who its neighbours are, and a client that has lost all its servers looks for one of those.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::net::dial;
use crate::net::event::LinkId;
use crate::net::frame::Kind;
use crate::net::hub::Hub;
use crate::net::limits::PAUSE_MAX;
use crate::net::limits::PAUSE_MIN;
use crate::net::limits::SERVERS_KNOWN_MAX;
use crate::net::limits::SERVERS_TOLD_MAX;
use crate::replica::Role;

/// What is known of servers.
#[derive(Debug, Default)]
pub(super) struct Servers {
    /// As a client: where it can find some, the latest that it heard of first.
    known: VecDeque<SocketAddr>,
    /// As a server: what it told its clients last.
    told: Vec<SocketAddr>,
}

impl Servers {
    /// Takes in what a server tells. Says whether it is a list of addresses, and no longer than one may be.
    pub(super) fn learn(&mut self, payload: &[u8]) -> bool {
        let Ok(told) = postcard::from_bytes::<Vec<SocketAddr>>(payload) else { return false };
        if told.len() > SERVERS_TOLD_MAX {
            return false;
        }
        for at in told.into_iter().rev() {
            self.known.retain(|known| *known != at);
            self.known.push_front(at);
        }
        self.known.truncate(SERVERS_KNOWN_MAX);
        true
    }

    fn all(&self) -> Vec<SocketAddr> {
        self.known.iter().copied().collect()
    }
}

/// Tells a client that has just come.
pub(super) fn tell(hub: &Hub, client: LinkId) {
    hub.send_as(client, Kind::Servers, &encode(&hub.servers()));
}

/// Another server has come or gone: tells all clients, unless that is what they know.
pub(super) fn tell_all(hub: &Hub) {
    let servers = hub.servers();
    let before = std::mem::replace(&mut hub.known_servers().told, servers.clone());
    if servers != before {
        hub.clients().into_iter().for_each(|client| hub.send_as(client, Kind::Servers, &encode(&servers)));
    }
}

fn encode(servers: &[SocketAddr]) -> Vec<u8> {
    postcard::to_allocvec(servers).unwrap_or_default()
}

/// As a client: looks for another server whenever there is none, in the order in which they were heard of. Those that the user
/// named are dialed all the time anyway.
pub(super) async fn seek(hub: Arc<Hub>) {
    let mut pause = PAUSE_MIN;
    while hub.role == Role::Client && !hub.closing() {
        hub.until_alone().await;
        // Whom the user named may have been started again at the same place.
        sleep(pause).await;
        let known = hub.known_servers().all();
        for at in known {
            if hub.links() > 0 || hub.closing() {
                break;
            }
            if hub.may_dial(at) {
                dial::server(&hub, at).await;
            }
        }
        let found = hub.links() > 0;
        pause = if found { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        // A connection that was just made is about to be taken up.
        sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_knows_so_many_servers_at_most_the_latest_first() {
        let mut servers = Servers::default();
        let at = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
        for first in (0..200).step_by(2) {
            assert!(servers.learn(&encode(&[at(first), at(first + 1)])));
        }
        assert_eq!(servers.all().len(), SERVERS_KNOWN_MAX);
        assert_eq!(servers.all()[..3], [at(198), at(199), at(196)]);
        assert!(servers.learn(&encode(&[at(196)])));
        assert_eq!(servers.all()[..3], [at(196), at(198), at(199)]);
        let many: Vec<SocketAddr> = (0..).take(SERVERS_TOLD_MAX + 1).map(at).collect();
        assert!(!servers.learn(&encode(&many)) && !servers.learn(b"no list at all"));
    }
}
