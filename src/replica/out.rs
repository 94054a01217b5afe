//! What a replica asks of whoever drives it.

use crate::lattice::dot::TopicId;
use crate::replica::Change;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::VariableKey;
use crate::value::kind::Type;

/// What a replica wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Send these bytes to this peer.
    Send(PeerId, Vec<u8>),
    /// Bring these bytes to all who want to hear of a topic, in whatever way is best; topic 0 is everybody. For speed
    /// alone: who is left out finds it when vectors are compared. Arrives as a message of whoever passed it on last.
    Broadcast {
        /// The topic.
        topic: u128,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Entries became live or stopped being live, by what a message brought, or several that came together; belongs together.
    /// This node's own writes are not told.
    Changes(Vec<Change>),
    /// This node takes a topic from now on, or does not any longer.
    Interest {
        /// The topic.
        topic: TopicId,
        /// Which of the two.
        taken: bool,
    },
    /// A peer has a variable under a name of ours, with another type. Nothing is lost on either side.
    Conflict {
        /// Ours.
        key: VariableKey,
        /// The other's type.
        other: Type,
        /// Who told; `None` when it is this node's own data.
        peer: Option<PeerId>,
    },
    /// A peer knows updates of another incarnation of this node that are not among what this one was given to remember.
    Elsewhere {
        /// How many of that incarnation's updates are remembered here.
        here: u64,
        /// How many the peer knows.
        there: u64,
        /// Who told.
        peer: PeerId,
    },
    /// A server lacks updates of this node that another one had said to have, and they are not kept here any longer: it takes no later
    /// ones before it has got these. Told once for each lane.
    Gap {
        /// The server.
        peer: PeerId,
        /// How many updates it lacks that are not here.
        updates: u64,
    },
    /// The peer broke the rules and should be disconnected; what it sent has had no effect.
    Refuse(PeerId, RefusalReason),
}
