//! What the network tells whoever drives the node.

use tokio::sync::OwnedSemaphorePermit;

use crate::effects::Deciders;
use crate::lattice::dot::ReplicaId;
use crate::net::cause::Cause;
use crate::net::error::NetworkError;
use crate::replica::Role;

/// A connection, for as long as it lasts. Never used twice by one [`Network`](crate::net::Network).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// An address is tried for the first time, or again after it was lost.
    Resolving {
        /// As the user gave it.
        address: String,
    },
    /// It did not work so far; told once until it does. The address is tried again, for ever.
    Unreachable {
        /// As the user gave it.
        address: String,
        /// Why.
        cause: Cause,
    },
    /// A peer said welcome, or was welcomed.
    Connected {
        /// The connection.
        link: LinkId,
        /// Who it is, as its certificate proves.
        id: u128,
        /// What its certificate lets it do.
        role: Role,
        /// Under which identity its updates are known.
        incarnation: ReplicaId,
        /// What the peer calls itself.
        name: String,
        /// Where it listens.
        address: String,
        /// Whether it takes the place of another connection of the same peer, which is not worth telling.
        renewed: bool,
        /// By how many milliseconds its clock is ahead of this node's, if that is more than clocks should differ by.
        clock_off_ms: Option<i64>,
    },
    /// A connection is gone.
    Lost {
        /// The connection.
        link: LinkId,
        /// Who it is, as its certificate proves.
        id: u128,
        /// What the peer calls itself.
        name: String,
        /// Why.
        cause: Cause,
        /// Whether another connection has taken its place.
        renewed: bool,
        /// Whether it was closed because nobody needed it, which is nothing to worry about.
        unneeded: bool,
    },
    /// Somebody who came to us was turned away.
    TurnedAway {
        /// Where from.
        address: String,
        /// Why.
        cause: Cause,
        /// How often, for this reason, since it was told last.
        times: u64,
    },
    /// All addresses that the user gave are this node's own.
    OnlyMyself,
    /// A message.
    Received {
        /// The connection.
        link: LinkId,
        /// The message.
        message: Inbound,
    },
    /// An address that the user gave has led to somebody: see [`Network::all_peers_connected`](crate::net::Network).
    Reached,
    /// There is a newer list of servers that decide on effects, signed by the cluster's authority.
    Deciders(Deciders),
    /// What was found anew in the node's folder, or what a peer has brought, counts from now on.
    TrustedAnew {
        /// The number of the list of revocations, if it is a newer one.
        revocations: Option<u64>,
        /// Until which second of the calendar the node's certificate counts, if it is another one.
        until_s: Option<i64>,
        /// What the node may do by it, if that is something else than by the one with which it was started.
        role: Option<Role>,
    },
    /// The certificate with which the node runs ends soon: at this second of the calendar.
    EndsSoon(i64),
    /// What was found anew in the node's folder cannot be used: the node goes on with what it had.
    Untrusted(NetworkError),
    /// Nothing can come of this.
    Failed(NetworkError),
}

/// A message that counts against the bound on what waits for the node until it is dropped.
#[derive(Debug)]
pub struct Inbound {
    /// The message.
    pub bytes: Vec<u8>,
    pub(super) _permit: OwnedSemaphorePermit,
}
