//! What peers say to each other. Bytes are `wire`'s business; meaning is that of the modules that send and receive.
//!
//! Lanes, variables and derivations are named once in a message, in its [`Tables`], and by their places there from
//! then on. Enums grow at the end only, and by a new protocol version.

use serde::Deserialize;
use serde::Serialize;

use crate::replica::lanes::Claims;
use crate::replica::lanes::Lanes;
use crate::replica::wire::Bounded;
use crate::replica::wire::VERSION;
use crate::value::content::Content;
use crate::value::term::Term;

/// The most replicas that a message may name.
pub(crate) const REPLICAS_MAX: usize = 1 << 15;
/// The most variables, derivations, events or entries that a message may hold.
pub(crate) const ITEMS_MAX: usize = 1 << 17;
/// The most topics that a node may name in what it takes.
pub(crate) const TOPICS_MAX: usize = 1 << 12;
/// The most dots that one event may take back.
pub(crate) const REMOVES_MAX: usize = 1 << 12;

/// See [`Run`]. Far above all places, so that a run of ordinary events takes no byte more.
pub(crate) const WHOLE: u32 = 1 << 31;

/// A message. (Room for: ranges of vectors, hierarchical fingerprints, retirement.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The hash of the sender's vector, as far as it is of interest to both, and how many variables it has declared.
    Summary { digest: [u8; 16], declared: u64, interests: Versions },
    /// The sender's vector, as far as it is of interest to both.
    Vector { vector: Claims, declared: u64, interests: Versions },
    /// Variables that the sender's program has declared, from its declaration number `first` on; nothing in the places of
    /// those whose topics the receiver does not take.
    Declare { first: u64, keys: Bounded<Term, ITEMS_MAX> },
    /// Asks for the declarations from number `first` on.
    AskDeclared { first: u64 },
    /// New updates of the sender's own.
    Push { group: Group },
    /// Asks for what the sender's vector lacks.
    Pull { session: u64, vector: Claims, prints: Prints },
    /// Answers a pull by events.
    Events { session: u64, group: Group },
    /// Answers a pull: more than recent events is missing, so the fingerprints are needed.
    AskPrints { session: u64 },
    /// Answers a pull by a part of a snapshot of the sender's state. A pull that the network doubled may be answered by two
    /// snapshots, which `snapshot` tells apart.
    Chunk { session: u64, snapshot: u64, index: u32, last: bool, part: Box<Part> },
    /// All chunks below `next` have arrived; `again` says that those after it seem lost.
    Acknowledge { session: u64, next: u32, again: bool },
    /// Answers a pull: not now.
    Busy { session: u64 },
    /// Which topics the sender takes: these alone, or all but these. Each change has the next version; 0 is everything.
    Interest { version: u64, only: bool, topics: Bounded<[u8; 16], TOPICS_MAX> },
    /// How far the sender has the receiver's own updates, where no vector of its says so.
    Have { heights: Claims },
}

/// The versions of the sender's interest and of the receiver's by which a message was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub(crate) own: u64,
    pub(crate) other: u64,
}

/// What messages are called in reports, in the order of [`Message`].
const KINDS: [&str; 13] = [
    "summary",
    "vector",
    "declare",
    "ask-declared",
    "push",
    "pull",
    "events",
    "ask-prints",
    "chunk",
    "acknowledge",
    "busy",
    "interest",
    "have",
];

/// What kind of message these bytes are, by their first two: for reports of traffic. Says `other` of what is none.
#[must_use]
pub fn kind_of(bytes: &[u8]) -> &'static str {
    match bytes {
        [VERSION, kind, ..] => KINDS.get(usize::from(*kind)).copied().unwrap_or("other"),
        _ => "other",
    }
}

/// The fingerprints of a requester's blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Prints {
    /// Not sent: recent events may do.
    Unsent,
    /// One for each block that has live entries.
    Listed { nonce: u64, lanes: Lanes, prints: Bounded<LanePrints, REPLICAS_MAX> },
    /// There are too many to send: all blocks are to be told.
    All,
}

/// The fingerprints of one lane's blocks, each with the block's number.
pub(crate) type LanePrints = Bounded<(u32, [u8; 8]), ITEMS_MAX>;

/// What the other parts of a message refer to by place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tables {
    pub(crate) replicas: Lanes,
    /// Variables, as references to ones that are not dynamic.
    pub(crate) keys: Bounded<Term, ITEMS_MAX>,
    pub(crate) slots: Bounded<[u8; 16], ITEMS_MAX>,
}

/// Events in an order in which they can be applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) tables: Tables,
    pub(crate) runs: Bounded<Run, ITEMS_MAX>,
}

/// Successive events of one lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The lane's place in the tables; more by [`WHOLE`] when the events are one transaction, which is applied whole or
    /// not at all.
    pub(crate) replica: u32,
    /// The sequence number of the first.
    pub(crate) first: u64,
    pub(crate) events: Bounded<WireEvent, ITEMS_MAX>,
}

/// An update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireEvent {
    pub(crate) key: u32,
    pub(crate) adds: Option<WireContent>,
    /// Dots: replica and sequence number.
    pub(crate) removes: Bounded<(u32, u64), REMOVES_MAX>,
}

/// A content of a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireContent {
    /// 0 for a base entry, else one more than the place of the slot's derivation.
    pub(crate) slot: u32,
    pub(crate) content: Content,
}

/// A part of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) tables: Tables,
    /// A part of the vector that the snapshot amounts to.
    pub(crate) vector: Bounded<(u32, u64), REPLICAS_MAX>,
    /// Replica, block number, and which dots at or below the requester's vector are live.
    pub(crate) blocks: Bounded<(u32, u32, Bounded<u8, 128>), ITEMS_MAX>,
    pub(crate) entries: Bounded<WireEntry, ITEMS_MAX>,
}

/// A live entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireEntry {
    pub(crate) replica: u32,
    pub(crate) sequence: u64,
    pub(crate) key: u32,
    pub(crate) content: WireContent,
}
