//! Effects in the outside world that a whole cluster starts once: who decides that one is started, and where.
//!
//! An effect is known by its [`EffectKey`], which is the same on all nodes. A node at which it is to be run asks
//! ([`Asker`]); whoever decides ([`Decider`], several servers by consensus, or a [`Book`], where all nodes share one) enters at
//! most one node for each effect. Only a node that finds itself entered starts the effect. A node that
//! vanishes between being entered and telling that the effect has ended leaves it in doubt, unless it comes back with the end on its
//! disk ([`Marks`]): nobody can know how far it came. That is told, and the effect is run again only if somebody asks for it.
//!
//! No clock, no chance, no socket, no disk: what has to be durable comes out as [`Put`]s, which must be on disk before
//! anything else that came out with them leaves the process. Knows no program and no replica.

mod asker;
mod book;
mod count;
mod decider;
mod guard;
mod ledger;
mod marks;
mod members;
mod storage;
#[cfg(test)]
mod tests;
mod wire;

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

pub use crate::effects::asker::Ask;
pub use crate::effects::asker::Asker;
pub use crate::effects::asker::News;
pub use crate::effects::asker::Obstacle;
pub use crate::effects::asker::Out as AskerOut;
pub use crate::effects::asker::Waiting;
pub use crate::effects::book::Book;
pub use crate::effects::count::Heard;
pub use crate::effects::count::count;
pub use crate::effects::count::count_in;
pub use crate::effects::count::counted;
pub use crate::effects::decider::Decider;
pub use crate::effects::decider::Out as DeciderOut;
pub use crate::effects::decider::Unsound;
pub use crate::effects::ledger::Command;
pub use crate::effects::ledger::Decision;
pub use crate::effects::ledger::EFFECTS_MAX;
pub use crate::effects::ledger::Ledger;
pub use crate::effects::marks::Marks;
pub use crate::effects::members::BadMembers;
pub use crate::effects::members::Deciders;
pub use crate::effects::members::MEMBERS_MAX;
pub use crate::effects::members::Member;
pub use crate::effects::storage::Damaged;
pub use crate::effects::wire::Answer;
pub use crate::effects::wire::EFFECTS;
pub use crate::effects::wire::Ended;
pub use crate::effects::wire::MESSAGE_BYTES_MAX;
pub use crate::effects::wire::Message;
pub use crate::effects::wire::Request;
pub use crate::effects::wire::Standing;
pub use crate::effects::wire::WireError;

/// An effect, the same on all nodes and in all attempts: a digest of what is waited for and of what is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey(pub u128);

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for EffectKey {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<EffectKey, Self::Err> {
        u128::from_str_radix(text, 16).map(EffectKey)
    }
}

/// A node, by the first half of its identity, which is the digest of its public key and bears its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 32)
    }
}

/// One life of a node: a process. Whoever has started an effect and is another process now does not know how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Runner {
    /// The node.
    pub node: NodeId,
    /// Which of its lives; drawn anew at each start.
    pub life: u64,
}

/// The first byte of a key of the table: what is decided where no servers are named, by this node alone or in a ledger that it shares,
/// as far as it knows.
pub const DECIDED: u8 = 3;
/// The first byte of a key of the table: an effect that was started here and has not ended, with the attempt.
pub const STARTED: u8 = 4;
/// The key of a row of the table: the data has turned out to be an older copy, so the node may have decided what it does not know of.
/// That stays so, whatever it learns from its peers meanwhile.
pub const OUTDATED: &[u8] = &[5];
/// The first byte of a key of the table: an effect that was started here and has ended, as long as those who decide may not know;
/// with the life of this node, the attempt, and whether it ended well.
pub const ENDED: u8 = 6;
/// The key of a row of the table: how often what this node has decided, or promised to those with whom it decides, was changed; and how
/// often it has begun to decide.
pub const COUNT: &[u8] = &[7];
/// The first byte of a key of the table: the highest such count that this node has heard of another, by which node.
pub const HEARD: u8 = 8;

/// Whether a row goes with a copy of the node's data, that of another one beside it (`shared`) or one in its place. Never what it has
/// promised to others with whom it decides: two would speak with one voice. What it was told is decided does no harm, and
/// without it an effect would be started again; what it has started itself is its own affair.
#[must_use]
pub fn goes_with_a_copy(key: &[u8], shared: bool) -> bool {
    key.first().is_some_and(|kind| *kind == DECIDED || matches!(*kind, STARTED | ENDED) && !shared)
}

/// The key of a row about an effect.
pub(crate) fn row_key(kind: u8, key: EffectKey) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(key.0.to_be_bytes());
    bytes
}

/// What a key of the table is about, if it is about one effect: of what kind, and which.
pub(crate) fn row_about(key: &[u8]) -> Option<(u8, EffectKey)> {
    let (kind, key) = key.split_first()?;
    Some((*kind, EffectKey(u128::from_be_bytes(key.try_into().ok()?))))
}

/// What rows say is decided.
///
/// # Errors
/// When one of them means nothing.
pub fn decided(rows: &[Row]) -> Result<Vec<(EffectKey, Decision)>, Damaged> {
    let about = rows.iter().filter_map(|(key, value)| Some((row_about(key)?, value)));
    let decided = about.filter(|((kind, _), _)| *kind == DECIDED);
    decided.map(|((_, key), value)| Ok((key, postcard::from_bytes(value).map_err(|_| Damaged)?))).collect()
}

/// A row of what is kept on disk: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A change of what is kept on disk: a table of byte strings. All changes that come out together are made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Under which key.
    pub key: Vec<u8>,
    /// The value; `None` takes the key away.
    pub value: Option<Vec<u8>>,
}
