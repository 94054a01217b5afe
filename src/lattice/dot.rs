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

/// A topic: what nodes may say they are interested in, and variables belong to. The lower 16 bits are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u128);

impl TopicId {
    /// That of variables without a topic, which everybody takes.
    pub const NONE: TopicId = TopicId(0);
    const PERIOD_BITS: u32 = 16;

    /// The topic of which this is a hash.
    #[must_use]
    pub fn hashed(hash: u128) -> TopicId {
        let id = hash >> TopicId::PERIOD_BITS << TopicId::PERIOD_BITS;
        TopicId(id.max(1 << TopicId::PERIOD_BITS))
    }
}

/// One row of updates, numbered without a gap: those that one incarnation makes of the variables of one topic. So whoever
/// takes some topics only has no gaps either.
///
/// A node that gives a topic up forgets what its own updates came after; should it update variables of that topic again, it
/// begins another row, in the next `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The variables' topic.
    pub topic: TopicId,
    /// How often the incarnation had given the topic up before.
    pub period: u16,
    /// Who makes the updates.
    pub replica: ReplicaId,
}

impl Lane {
    /// The updates of variables without a topic.
    #[must_use]
    pub fn plain(replica: ReplicaId) -> Lane {
        Lane { topic: TopicId::NONE, period: 0, replica }
    }

    /// Topic and period in one word; 0 for those without a topic.
    #[must_use]
    pub fn word(self) -> u128 {
        self.topic.0 | u128::from(self.period)
    }

    /// The lane of a word and an incarnation; `None` for what is no lane.
    #[must_use]
    pub fn of_word(word: u128, replica: ReplicaId) -> Option<Lane> {
        let period = u16::try_from(word & u128::from(u16::MAX)).unwrap_or(u16::MAX);
        let topic = TopicId(word ^ u128::from(period));
        (replica != ReplicaId(0) && (topic != TopicId::NONE || period == 0)).then_some(Lane { topic, period, replica })
    }

    /// Who owns what the updates give: the incarnation in its first period, somebody else in every other.
    #[must_use]
    pub fn owner(self) -> u128 {
        if self.period == 0 {
            return self.replica.0;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.replica.0.to_le_bytes()).update(&self.word().to_le_bytes());
        let hash = hasher.finalize();
        let mut owner = [0; 16];
        owner.copy_from_slice(&hash.as_bytes()[..16]);
        u128::from_le_bytes(owner)
    }
}

/// A lane's place in one node's table of lanes. Differs from node to node, so it never leaves one and orders nothing that
/// can be seen outside.
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
