//! What peers say to each other. Bytes are `wire`'s business; meaning is that of the modules that send and receive.
//!
//! Lanes, variables and derivations are named once in a message, in its [`Tables`], and by their places there from
//! then on. Enums grow at the end only, and by a new protocol version.

use serde::Deserialize;
use serde::Serialize;

use crate::replica::lanes::Claims;
use crate::replica::lanes::Lanes;
use crate::replica::wire::Bounded;
use crate::replica::wire::MESSAGE_BYTES_MAX;
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

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The hash of the sender's vector, as far as it is of interest to both, and how many variables it has declared;
    /// `heard` as in [`Telling`].
    Summary { digest: [u8; 16], declared: u64, interests: Versions, heard: u64 },
    /// The sender's vector, as far as it is of interest to both.
    Vector { told: Telling, vector: Claims, declared: u64, interests: Versions },
    /// Variables that the sender's program has declared, from its declaration number `first` on; nothing in the places of
    /// those whose topics the receiver does not take.
    Declare { first: u64, keys: Bounded<Term, ITEMS_MAX> },
    /// Asks for the declarations from number `first` on.
    AskDeclared { first: u64 },
    /// New updates of the sender's own.
    Push { group: Group },
    /// Asks for what the sender's vector lacks; `whole` when comparing has failed and all that is live is to be told.
    Pull { session: u64, told: Telling, vector: Claims, whole: bool },
    /// Answers a pull by events.
    Events { session: u64, group: Group },
    /// Answers a pull: neither recent events nor recent removals suffice. The sender keeps its state of this moment for the
    /// comparison; `cuts` are its heights where the asker's vector has more.
    Compare { session: u64, snapshot: u64, nonce: u64, root: [u8; 16], scale: u8, cuts: Claims },
    /// Answers a comparison's questions, from the asker's side.
    Prints { session: u64, snapshot: u64, prints: Prints },
    /// Which lanes' prints differ, by their places in the pull's vector.
    Differing { session: u64, snapshot: u64, lanes: Bounded<u32, REPLICAS_MAX> },
    /// The units that were asked for.
    Units { session: u64, snapshot: u64, lanes: Bounded<LaneUnits, REPLICAS_MAX> },
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

/// In which way a vector is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Telling {
    /// Everything that is told of a vector on a connection has the next number.
    pub(crate) number: u64,
    /// The number of what the sender has heard last of the receiver's vector.
    pub(crate) heard: u64,
    /// Whether it is all of it, rather than what has grown since what the receiver has said to have heard.
    pub(crate) whole: bool,
}

/// The versions of the sender's interest and of the receiver's by which a message was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub(crate) own: u64,
    pub(crate) other: u64,
}

/// What messages are called in reports, in the order of [`Message`].
const KINDS: [&str; 16] = [
    "summary",
    "vector",
    "declare",
    "ask-declared",
    "push",
    "pull",
    "events",
    "compare",
    "prints",
    "differing",
    "units",
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

/// What the asker has, of what is compared. Lanes are told by their places in the pull's vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Prints {
    /// The same.
    Same,
    /// The prints of all lanes, two bytes each.
    Lanes(Bounded<u8, { 2 * REPLICAS_MAX }>),
    /// The prints of the units of some lanes.
    Units(Bounded<UnitPrints, REPLICAS_MAX>),
    /// These units could not be told from their sketches: lane, and the units' numbers, each less the one before.
    Unclear(Bounded<(u32, Bounded<u64, ITEMS_MAX>), REPLICAS_MAX>),
}

/// The prints of one lane's units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnitPrints {
    pub(crate) lane: u32,
    /// Which units there are: how many numbers are left out, and how many follow.
    pub(crate) runs: Bounded<(u64, u64), ITEMS_MAX>,
    /// Two bytes each.
    pub(crate) prints: Bounded<u8, MESSAGE_BYTES_MAX>,
}

/// Units of one lane: the number of each, less the one before, the length of its bytes, and its bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LaneUnits {
    pub(crate) lane: u32,
    pub(crate) units: Bounded<u8, MESSAGE_BYTES_MAX>,
}

/// How units of one lane differ from those whose prints were told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Differences {
    pub(crate) lane: u32,
    /// How many power sums each sketch has.
    pub(crate) strength: u8,
    /// The place of each in the list of prints, less the one before, doubled; one more when its bytes follow with their
    /// length, and its sketch otherwise.
    pub(crate) units: Bounded<u8, MESSAGE_BYTES_MAX>,
}

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

/// Successive events of one lane. What it is as bytes, `compact` says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// The lane's place in the tables; more by [`WHOLE`] when the events are one transaction, which is applied whole or
    /// not at all.
    pub(crate) replica: u32,
    /// The sequence number of the first.
    pub(crate) first: u64,
    pub(crate) events: Bounded<WireEvent, ITEMS_MAX>,
}

/// An update.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WireEvent {
    pub(crate) key: u32,
    pub(crate) adds: Option<WireContent>,
    /// Dots: replica and sequence number.
    pub(crate) removes: Bounded<(u32, u64), REMOVES_MAX>,
}

/// A content of a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WireContent {
    /// 0 for a base entry, else one more than the place of the slot's derivation.
    pub(crate) slot: u32,
    pub(crate) content: Content,
}

/// A part of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) tables: Tables,
    /// What the snapshot covers, where that is not what the asker's vector does; 0 for nothing.
    pub(crate) vector: Bounded<(u32, u64), REPLICAS_MAX>,
    /// Dots that the asker's vector covers and that are not live: replica, and the numbers, each less the one before.
    pub(crate) gone: Bounded<(u32, Bounded<u64, ITEMS_MAX>), REPLICAS_MAX>,
    /// The sum of the prints of all units that the asker's prints spoke of, as they are here.
    pub(crate) check: Option<[u8; 16]>,
    pub(crate) differences: Bounded<Differences, REPLICAS_MAX>,
    /// All units up to the asker's vector, when it asked for them.
    pub(crate) live: Bounded<LaneUnits, REPLICAS_MAX>,
    pub(crate) entries: Bounded<EntryRun, ITEMS_MAX>,
    /// Replica, sequence number and variable of what was taken back and is not covered.
    pub(crate) missed: Bounded<(u32, u64, u32), ITEMS_MAX>,
}

/// Live entries of one variable, by one replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntryRun {
    pub(crate) replica: u32,
    pub(crate) key: u32,
    /// As in [`WireContent`].
    pub(crate) slot: u32,
    /// The sequence number of each, less the one before, and what it has.
    pub(crate) entries: Bounded<(u64, Content), ITEMS_MAX>,
}
