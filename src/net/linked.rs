//! What is known of each connection, and of each address that the user named; and how these stand, for people.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use quinn::Connection;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::effects::NodeId;
use crate::net::cause::Cause;
use crate::net::certificate::Proven;
use crate::net::event::LinkId;
use crate::net::frame::Greeting;
use crate::net::frame::Refusal;
use crate::net::hub::Hub;
use crate::net::limits::IDLE;
use crate::net::limits::LINKS_FOR_OTHERS;
use crate::net::limits::RELEASED;
use crate::net::limits::SERVERS_TOLD_MAX;
use crate::net::limits::SIGN_OF_LIFE;
use crate::net::membership::outside;
use crate::net::refusal::reachable;
use crate::replica::Role;

/// An address that the user named.
pub(super) struct Target {
    address: String,
    pub(super) reached: Reached,
    /// Why it led to nobody when it was tried last.
    pub(super) cause: Option<Cause>,
}

impl Target {
    pub(super) fn new(address: String) -> Target {
        Target { address, reached: Reached::Nobody, cause: None }
    }
}

/// Whom a configured address led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Nobody,
    Myself,
    Peer(u128),
    /// It led to this one, which has ended the connection since neither needs it.
    Released(u128),
}

/// Whose user wants a connection to stay, though no neighbours need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// This node's.
    pub(super) here: bool,
    /// The peer's. Where these are many, this node ends those that it can do without.
    pub(super) there: bool,
}

/// A connection.
pub(super) struct Link {
    pub(super) id: u128,
    pub(super) name: String,
    /// Where the peer can be dialed, and since when it is connected.
    pub(super) address: SocketAddr,
    pub(super) since: Instant,
    pub(super) peer: Proven,
    pub(super) connection: Connection,
    /// `None` once the network closes.
    pub(super) queue: Option<mpsc::UnboundedSender<Vec<u8>>>,
    pub(super) flow: Arc<Flow>,
    pub(super) kept: Kept,
    pub(super) dialed: bool,
    pub(super) attempt: u64,
    pub(super) renewed: bool,
    pub(super) ending: Option<Cause>,
    pub(super) incarnation: u128,
    /// Since when another process claims to be this peer, and how much the peer had sent us then.
    pub(super) rival: Option<(Instant, u64)>,
}

impl Link {
    /// A connection that has just been made: neither this node dialed it, nor is it to stay.
    pub(super) fn new(
        peer: Proven,
        greeting: &Greeting,
        connection: Connection,
        (queue, flow): (mpsc::UnboundedSender<Vec<u8>>, Arc<Flow>),
    ) -> Link {
        Link {
            id: peer.id,
            name: greeting.name.clone(),
            address: reachable(greeting.listen, connection.remote_address()),
            since: Instant::now(),
            peer,
            connection,
            queue: Some(queue),
            flow,
            kept: Kept::default(),
            dialed: false,
            attempt: 0,
            renewed: false,
            ending: None,
            incarnation: greeting.incarnation,
            rival: None,
        }
    }

    /// Another process shows the same key. Most likely it is the same node, started again, and this connection is dead
    /// without our knowing; or else the node's data was copied, and both run. Only time tells, so the newcomer has to come
    /// again until it is clear.
    pub(super) fn give_way(&mut self) -> Result<(), Refusal> {
        if self.connection.close_reason().is_some() {
            return Ok(());
        }
        let heard = self.connection.stats().udp_rx.datagrams;
        let fresh = self.rival.filter(|(since, _)| since.elapsed() < IDLE);
        let &mut (since, before) = self.rival.insert(fresh.unwrap_or_else(|| (Instant::now(), heard)));
        if heard > before {
            self.rival = None;
            Err(Refusal::SameKey)
        } else if since.elapsed() > SIGN_OF_LIFE {
            Ok(())
        } else {
            Err(Refusal::Duplicate)
        }
    }
}

/// How what is sent to a peer gets on.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// The bytes that wait to be sent.
    pub(super) queued: AtomicUsize,
    /// When some were sent last, or began to wait.
    pub(super) moved_ms: AtomicU64,
}

/// A peer that is connected, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PeerState {
    /// What it calls itself.
    pub name: String,
    /// What its certificate lets it do.
    pub role: String,
    /// Where it listens.
    pub address: String,
    /// For how many seconds it has been connected.
    pub seconds: u64,
    /// How many microseconds there and back take.
    pub round_trip_us: u64,
    /// How many bytes wait to be sent to it.
    pub waiting_bytes: u64,
}

/// An address after `--peers` that leads to nobody now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AddressState {
    /// As the user gave it.
    pub address: String,
    /// Why, as far as it is known: a code, and one line of text.
    pub cause: Option<(String, String)>,
}

impl Hub {
    /// Whether every address that the user named is this node's own: nobody is sought then.
    pub(super) fn reaches_only_itself(&self) -> bool {
        self.state().targets.iter().all(|target| target.reached == Reached::Myself)
    }

    /// The connections to servers that stay only because the other side wants it, while there are more than a server keeps for that;
    /// and how many are too many.
    pub(super) fn crowd(&self) -> (Vec<(LinkId, u128)>, usize) {
        let deciders = self.trust.deciders();
        let decides = |id: u128| {
            let node = NodeId(u64::try_from(id >> 64).unwrap_or_default());
            deciders.as_ref().is_some_and(|appointed| appointed.list().contains(node))
        };
        let state = self.state();
        let inside = || state.links.iter().filter(|(_, link)| !outside(self.role, link.peer.role));
        let surplus = inside().count().saturating_sub(LINKS_FOR_OTHERS);
        if surplus == 0 {
            return (Vec::new(), 0);
        }
        let theirs = inside().filter(|(_, link)| link.kept == Kept { here: false, there: true } && !decides(link.id));
        (theirs.map(|(id, link)| (*id, link.id)).collect(), surplus)
    }

    /// Waits until a node that has ended an unneeded connection is worth dialing again: as soon as nobody is connected; and after a while
    /// if connections broke off since, as they do where a network is parted, since the neighbours may not find those on the other side.
    pub(super) async fn until_missed(&self) {
        let (before, due) = (self.broken.load(Ordering::Relaxed), Instant::now() + RELEASED);
        let mut changed = self.changes();
        while self.links() > 0 && !self.closing() {
            let is_due = Instant::now() >= due;
            if is_due && self.broken.load(Ordering::Relaxed) != before {
                return;
            }
            tokio::select! {
                told = changed.changed() => if told.is_err() { return },
                () = sleep_until(due), if !is_due => {}
            }
        }
    }

    /// Whether the connection that an address led to was ended since neither needs it.
    pub(super) fn is_released(&self, target: usize) -> bool {
        matches!(self.state().targets.get(target), Some(Target { reached: Reached::Released(_), .. }))
    }

    /// Where the servers are that are connected, in the order of their identities.
    pub(super) fn servers(&self) -> Vec<SocketAddr> {
        let state = self.state();
        let mut servers: Vec<(u128, SocketAddr)> = state
            .links
            .values()
            .filter(|link| link.peer.role == Role::Server)
            .map(|link| (link.id, link.address))
            .collect();
        servers.sort_unstable();
        servers.into_iter().map(|(_, at)| at).take(SERVERS_TOLD_MAX).collect()
    }

    /// The clients that are connected.
    pub(super) fn clients(&self) -> Vec<LinkId> {
        let state = self.state();
        let clients = state.links.iter().filter(|(_, link)| link.peer.role == Role::Client);
        clients.map(|(id, _)| *id).collect()
    }

    /// How all peers stand, by name, and which addresses that the user named lead to nobody.
    pub(super) fn standing(&self) -> (Vec<PeerState>, Vec<AddressState>) {
        let state = self.state();
        let mut peers: Vec<PeerState> = state.links.values().map(peer_state).collect();
        peers.sort_by(|a, b| (&a.name, &a.address).cmp(&(&b.name, &b.address)));
        let leads = |target: &&Target| match target.reached {
            Reached::Nobody => false,
            Reached::Myself => true,
            Reached::Peer(id) => state.links.values().any(|link| link.id == id),
            Reached::Released(_) => !state.links.is_empty(),
        };
        let lost = state.targets.iter().filter(|target| !leads(target)).map(|target| AddressState {
            address: target.address.clone(),
            cause: target.cause.as_ref().map(|cause| (cause.code.to_owned(), cause.reason.clone())),
        });
        let lost = lost.collect();
        (peers, lost)
    }
}

fn peer_state(link: &Link) -> PeerState {
    PeerState {
        name: link.name.clone(),
        role: link.peer.role.name().to_owned(),
        address: link.address.to_string(),
        seconds: link.since.elapsed().as_secs(),
        round_trip_us: u64::try_from(link.connection.rtt().as_micros()).unwrap_or(u64::MAX),
        waiting_bytes: link.flow.queued.load(Ordering::Relaxed) as u64,
    }
}
