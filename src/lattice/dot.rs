//! Dots: which replica made an update, and which of that replica's updates it was.

use std::fmt;

/// One incarnation of a node, the same on all nodes. Never reused: a restart that may have lost state takes another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ReplicaId(pub u128);

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 96)
    }
}

/// A replica's place in one node's table of replicas. Differs from node to node, so it never leaves one and orders nothing
/// that can be seen outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaIndex(pub u32);

/// An update's identity within one node: replica and sequence number, packed into eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot(std::num::NonZeroU64);

impl Dot {
    const SEQUENCE_BITS: u32 = 40;
    /// The greatest sequence number of one incarnation.
    pub const SEQUENCE_MAX: u64 = (1 << Dot::SEQUENCE_BITS) - 1;
    /// The most replicas that one node can tell apart.
    pub const REPLICAS_MAX: u32 = 1 << (64 - Dot::SEQUENCE_BITS);

    /// The dot of `replica`'s update number `sequence`; `None` beyond the limits (sequence numbers start at 1).
    #[must_use]
    pub fn new(replica: ReplicaIndex, sequence: u64) -> Option<Dot> {
        if replica.0 >= Dot::REPLICAS_MAX || !(1..=Dot::SEQUENCE_MAX).contains(&sequence) {
            return None;
        }
        std::num::NonZeroU64::new(u64::from(replica.0) << Dot::SEQUENCE_BITS | sequence).map(Dot)
    }

    /// Who made the update.
    #[must_use]
    pub fn replica(self) -> ReplicaIndex {
        ReplicaIndex(u32::try_from(self.0.get() >> Dot::SEQUENCE_BITS).unwrap_or(u32::MAX))
    }

    /// Which of that replica's updates it is, from 1.
    #[must_use]
    pub fn sequence(self) -> u64 {
        self.0.get() & Dot::SEQUENCE_MAX
    }
}

impl fmt::Debug for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.replica().0, self.sequence())
    }
}
