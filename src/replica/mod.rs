//! One node's share of the replicated state, and what it says to its peers to keep everyone's equal: a state machine
//! without I/O. Bytes and the time come in, bytes and changes come out.
//!
//! Updates are given out as broadcasts when they are made; that is for speed. Correctness rests on comparing version
//! vectors, on connecting, after changes and now and then: who lacks something pulls it, by recent events where these
//! suffice, else by live entries and the liveness of the blocks that differ (`pull` for the one who asks, `serve` for the
//! one who answers, `state` for why the result is right). Any message may be lost, doubled, late or out of order.
//!
//! Knows no dataflow, no program, no socket; what a content means is nothing to it. Servers of one cluster trust each
//! other: a peer that lies about other replicas' updates is not detected, one that is malformed or immoderate is.

mod admit;
#[cfg(test)]
mod client_tests;
mod clients;
mod compact;
mod compare;
mod digest;
mod foreign;
mod frozen;
mod gossip;
mod group;
mod interest;
mod journal;
mod kept;
mod lanes;
mod log;
mod message;
mod missed;
mod names;
mod out;
mod outbox;
mod pace;
mod prints;
mod pull;
#[cfg(test)]
mod random_tests;
mod refusal;
mod removals;
mod rights;
mod role;
mod serve;
mod state;
#[cfg(test)]
mod tests;
mod transaction;
#[cfg(test)]
mod trust_tests;
mod vectors;
mod wire;
mod written;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::replica::gossip::Peer;
use crate::replica::interest::Interest;
use crate::replica::message::Message;
use crate::replica::message::REMOVES_MAX;
use crate::replica::names::SlotTag;
use crate::replica::outbox::Outbox;
use crate::replica::pace::Pace;
use crate::replica::pull::Pull;
use crate::replica::state::Event;
use crate::replica::state::State;
use crate::replica::transaction::Staged;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::term::Term;

pub use crate::replica::journal::Damage;
pub use crate::replica::journal::KeptUpdate;
pub use crate::replica::journal::Place;
pub use crate::replica::journal::Record;
pub use crate::replica::kept::Kept;
pub use crate::replica::kept::Writers;
pub(crate) use crate::replica::lanes::Claims;
pub(crate) use crate::replica::message::ITEMS_MAX;
pub use crate::replica::message::kind_of;
pub use crate::replica::out::Out;
pub use crate::replica::refusal::Limit;
pub use crate::replica::refusal::RefusalReason;
pub use crate::replica::role::Role;
pub(crate) use crate::replica::wire::Bounded;
pub use crate::replica::wire::MESSAGE_BYTES_MAX;
pub use crate::replica::wire::VERSION;
pub(crate) use crate::replica::wire::size;
pub use crate::replica::written::Written;

/// What identifies a replicated variable on all nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableKey {
    /// The name.
    pub name: Name,
    /// The type; the same name with another type is another variable, and a conflict.
    pub kind: Type,
}

/// The topic of what everybody wants to hear of: see [`Out::Broadcast`].
pub const EVERYBODY: u128 = 0;

/// A variable's number in one node's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIndex(pub u32);

/// A connection, as the edge numbers them. A number is not used again after the connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// An entry that became live or stopped being live.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The variable.
    pub key: KeyIndex,
    /// The update that made the entry.
    pub dot: Dot,
    /// The entry.
    pub content: Content,
    /// The derivation whose slot it belongs to; `None` for a base entry.
    pub slot: Option<u128>,
    /// Whether it is live now.
    pub present: bool,
}

/// Bounds and times. The defaults are for real networks; tests make them small to come by rare paths often.
#[derive(Clone, Debug)]
pub struct Limits {
    /// About how many bytes of events or entries are put into one message.
    pub group_bytes: usize,
    /// The most bytes that the content of one update may take.
    pub event_bytes_max: usize,
    /// The most bytes that the updates of one transaction may take, with the variables that they name.
    pub transaction_bytes_max: usize,
    /// How many recent events are kept for peers that lack only a little, and about how many bytes of them.
    pub log_events_max: usize,
    /// See `log_events_max`.
    pub log_bytes_max: usize,
    /// How many events that arrived too early are kept, and about how many bytes of them.
    pub held_events_max: usize,
    /// See `held_events_max`.
    pub held_bytes_max: usize,
    /// How many chunks of a snapshot may be under way.
    pub window_chunks: u32,
    /// How many peers may pull snapshots at the same time.
    pub serving_max: usize,
    /// The most entries of a snapshot that are taken in before it is applied.
    pub staged_entries_max: usize,
    /// How many recent removals are remembered, for peers that lack more than recent events.
    pub removals_max: usize,
    /// With how many replicas or fewer a vector is told whole, instead of what a peer has not heard of it.
    pub vector_whole_max: usize,
    /// With how many units fingerprints are told of each at once, instead of finding out first which replicas' differ.
    pub units_at_once: usize,
    /// Milliseconds for which updates are gathered into one push while there are many. 0: each turn's are pushed at once.
    pub gather_ms: u64,
    /// Milliseconds from a change to telling the peers about it.
    pub announce_ms: u64,
    /// Milliseconds for which what is missing may still come by itself before it is pulled.
    pub grace_ms: u64,
    /// Milliseconds between comparisons without a reason.
    pub round_ms: u64,
    /// Milliseconds without progress after which a pull is tried again; doubled with each attempt.
    pub retry_ms: u64,
    /// How many replicas one peer may introduce in a minute.
    pub replicas_per_minute: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            group_bytes: 256 << 10,
            event_bytes_max: 256 << 10,
            transaction_bytes_max: 512 << 10,
            log_events_max: 1 << 15,
            log_bytes_max: 4 << 20,
            held_events_max: 10_000,
            held_bytes_max: 16 << 20,
            window_chunks: 8,
            serving_max: 8,
            staged_entries_max: 1 << 26,
            removals_max: 1 << 19,
            vector_whole_max: 4,
            units_at_once: 64,
            gather_ms: 5,
            announce_ms: 20,
            grace_ms: 15,
            round_ms: 1000,
            retry_ms: 500,
            replicas_per_minute: 1 << 15,
        }
    }
}

/// The lane that our updates of one topic's variables are in.
struct OwnLane {
    index: ReplicaIndex,
    /// The last update that has been pushed.
    pushed: u64,
    /// The last update that some server is known to have.
    acknowledged: u64,
}

/// See the module. Times are milliseconds of any clock that does not go back.
pub struct Replica {
    me: ReplicaId,
    role: Role,
    /// What we take, how often that has changed, and whether the peers are still to be told.
    interest: Interest,
    interest_version: u64,
    interest_untold: bool,
    outbox: Outbox,
    last_outbox: Option<PeerId>,
    /// Our own lanes, once there was a reason to have them.
    own: BTreeMap<TopicId, OwnLane>,
    limits: Limits,
    state: State,
    peers: BTreeMap<PeerId, Peer>,
    out: VecDeque<Out>,
    /// Whether it was given what its node knew before.
    remembers: bool,
    /// The lanes of earlier runs of this node of which it remembers something, and has not given up the topic since.
    remembered: BTreeSet<ReplicaIndex>,
    /// Whether it was told that somebody knows more of this node than it does.
    elsewhere: bool,
    /// What the transaction that is open has written.
    staged: Option<Staged>,
    /// The variables with given names that the program has declared, in that order, each with its topic.
    declared: Vec<(VariableKey, TopicId)>,
    declared_types: FxHashMap<Term, Type>,
    /// Where in `declared` a name is.
    declared_at: FxHashMap<Term, usize>,
    /// The types under which others know given names.
    foreign_types: FxHashMap<Term, Vec<(Type, Option<PeerId>)>>,
    pull: Option<Pull>,
    /// When to look whether something is to be pulled.
    pull_at: Option<u64>,
    last_pulled: Option<PeerId>,
    last_session: u64,
    last_snapshot: u64,
    pace: Pace,
    announce_at: Option<u64>,
    round_at: u64,
    /// What this node wrote, if somebody wants to know.
    written: Option<Vec<Written>>,
}

impl Replica {
    /// A replica without any state. `me` must never have been used before.
    #[must_use]
    pub fn new(me: ReplicaId) -> Replica {
        Replica::with_limits(me, Limits::default())
    }

    /// The same, with other bounds and times than usual.
    #[must_use]
    pub fn with_limits(me: ReplicaId, limits: Limits) -> Replica {
        Replica {
            me,
            role: Role::Server,
            interest: Interest::default(),
            interest_version: 0,
            interest_untold: false,
            outbox: Outbox::default(),
            last_outbox: None,
            own: BTreeMap::new(),
            limits,
            state: State::default(),
            peers: BTreeMap::new(),
            out: VecDeque::new(),
            remembers: false,
            remembered: BTreeSet::new(),
            elsewhere: false,
            staged: None,
            declared: Vec::new(),
            declared_types: FxHashMap::default(),
            declared_at: FxHashMap::default(),
            foreign_types: FxHashMap::default(),
            pull: None,
            pull_at: None,
            last_pulled: None,
            last_session: 0,
            last_snapshot: 0,
            pace: Pace::default(),
            announce_at: None,
            round_at: 0,
            written: None,
        }
    }

    /// What this node's own certificate says; a server unless told.
    pub fn set_role(&mut self, role: Role) {
        self.role = role;
    }

    /// This node's own index for a topic, which the dots of its updates of that topic's variables have.
    pub fn me(&mut self, topic: TopicId) -> ReplicaIndex {
        if let Some(own) = self.own.get(&topic) {
            return own.index;
        }
        let period = self.state.period(topic, self.me);
        let lane = period.map(|period| Lane { topic, period, replica: self.me });
        // Only 16 million lanes before ours could make it fail, and then `write` refuses.
        let index = lane.and_then(|lane| self.state.replicas.intern(lane)).unwrap_or(ReplicaIndex(u32::MAX));
        self.own.insert(topic, OwnLane { index, pushed: self.state.vector().get(index), acknowledged: 0 });
        index
    }

    /// The number of a variable here: of one without a topic.
    pub fn key(&mut self, key: &VariableKey) -> KeyIndex {
        self.key_of(key, TopicId::NONE)
    }

    /// The number of a variable of a topic here.
    pub fn key_of(&mut self, key: &VariableKey, topic: TopicId) -> KeyIndex {
        self.state.keys.intern(key, topic)
    }

    /// The topic of a variable.
    #[must_use]
    pub fn topic(&self, key: KeyIndex) -> TopicId {
        self.state.keys.topic(key)
    }

    /// The variable of a number; `None` for a number that [`Replica::key`] and [`Change`] have not given.
    #[must_use]
    pub fn variable(&self, key: KeyIndex) -> Option<&VariableKey> {
        self.state.keys.get(key)
    }

    /// The program uses a variable: peers are told, if its name is a given one, so that both sides learn of a conflict.
    pub fn declare(&mut self, key: &VariableKey) {
        self.declare_in(key, TopicId::NONE);
    }

    /// The same for a variable of a topic: peers that take the topic are told. Says so again where the topic is another now.
    pub fn declare_in(&mut self, key: &VariableKey, topic: TopicId) {
        let index = self.key_of(key, topic);
        if self.state.keys.live(index) == 0 {
            // From now on the changes tell; nobody has to list the entries for a latecomer.
            self.state.keys.take_dots(index);
        }
        let Name::Given(name) = &key.name else { return };
        let known = self.declared_at.get(name).and_then(|&at| self.declared.get_mut(at));
        if let Some(known) = known.filter(|(known, _)| known == key) {
            known.1 = topic;
        }
        if !group::name_fits(&key.name) || self.declared_types.contains_key(name) {
            return;
        }
        self.declared_types.insert(name.clone(), key.kind.clone());
        self.declared_at.insert(name.clone(), self.declared.len());
        self.declared.push((key.clone(), topic));
        for (other, peer) in self.foreign_types.get(name).cloned().unwrap_or_default() {
            if other != key.kind {
                self.out.push_back(Out::Conflict { key: key.clone(), other, peer });
            }
        }
    }

    /// Whether an update can be written.
    ///
    /// # Errors
    /// When it could not be sent to peers, or they would not take it.
    pub fn fits(&self, key: KeyIndex, content: Option<&Content>) -> Result<(), Limit> {
        if !self.state.keys.name_fits(key) {
            return Err(Limit::Name);
        }
        let key = self.state.keys.get(key).ok_or(Limit::Name)?;
        if let Some(content) = content {
            if !content.fits(&key.kind) {
                return Err(Limit::Unfit);
            }
            let (bytes, most) = (group::event_bytes(Some(content), 0), self.limits.event_bytes_max);
            if bytes > most {
                return Err(Limit::TooLarge { bytes, most });
            }
        }
        Ok(())
    }

    /// Records an update of this node and gives the dot under which `content` is live from now on. `removes` are live
    /// dots of the same variable that are not any longer. The update goes out with the next [`Replica::flush`].
    ///
    /// An update that removes very many dots is recorded as several; the content's is the first.
    ///
    /// # Errors
    /// As [`Replica::fits`]; also when there are no sequence numbers left. Nothing has changed then.
    pub fn write(
        &mut self,
        key: KeyIndex,
        content: Option<Content>,
        removes: &[Dot],
        slot: Option<u128>,
    ) -> Result<Dot, Limit> {
        self.fits(key, content.as_ref())?;
        let first = self.staged.as_ref().and_then(Staged::key);
        if first.is_some_and(|first| self.topic(first) != self.topic(key)) {
            return Err(Limit::Topics);
        }
        let me = self.me(self.state.keys.topic(key));
        let next = self.state.vector().get(me) + self.staged.as_ref().map_or(0, Staged::events) + 1;
        let more = (removes.len() / REMOVES_MAX) as u64;
        Dot::new(me, next + more).ok_or(Limit::Exhausted)?;
        let dot = Dot::new(me, next).ok_or(Limit::Exhausted)?;
        let slot = self.state.slots.intern(slot);
        self.stages(key, slot, content.as_ref(), removes)?;
        self.state.keys.take_dots(key);
        let (first, rest) = removes.split_at(removes.len().min(REMOVES_MAX));
        self.record(dot, key, content.map(|content| (slot, content)), first);
        for (part, sequence) in rest.chunks(REMOVES_MAX).zip(next + 1..) {
            let dot = Dot::new(me, sequence).ok_or(Limit::Exhausted)?;
            self.record(dot, key, None, part);
        }
        Ok(dot)
    }

    fn record(&mut self, dot: Dot, key: KeyIndex, adds: Option<(SlotTag, Content)>, removes: &[Dot]) {
        let bytes = group::event_bytes(adds.as_ref().map(|(_, content)| content), removes.len());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let event = Event { dot, key, adds, removes: removes.into(), bytes, following: 0 };
        match &mut self.staged {
            Some(staged) => staged.push(event),
            None => self.record_event(event),
        }
    }

    fn record_event(&mut self, event: Event) {
        self.note_written(&event);
        if self.keeps_until_acknowledged(self.state.keys.topic(event.key)) {
            self.outbox.push(event.clone(), self.state.journal.as_mut());
        }
        self.state.write(event);
        if self.peers.is_empty() {
            // Nobody is told by the log: a long turn alone does not make it grow. Whoever connects later compares vectors.
            self.state.log.trim(self.limits.log_events_max, self.limits.log_bytes_max, |_| false);
            self.state.removals.trim(self.limits.removals_max);
        }
    }

    /// A variable's live entries, for a program that comes to use it late. From then on [`Out::Changes`] tells.
    pub fn entries_of(&mut self, key: KeyIndex) -> Vec<(Dot, Content, Option<u128>)> {
        let live = self.state.keys.live(key);
        let listed = self.state.keys.take_dots(key);
        let dots: Vec<Dot> = match listed {
            _ if live == 0 => return Vec::new(),
            Some(dots) => dots.into_iter().collect(),
            None => self.state.store.iter().filter(|(_, entry)| entry.key == key).map(|(dot, _)| dot).collect(),
        };
        dots.into_iter()
            .filter_map(|dot| self.state.store.get(dot).map(|entry| (dot, entry)))
            .map(|(dot, entry)| (dot, entry.content.clone(), self.state.slots.identity(entry.slot)))
            .collect()
    }

    /// Whether a variable has, or has had, entries here, or updates of this node.
    #[must_use]
    pub fn used(&self, key: KeyIndex) -> bool {
        self.state.keys.used(key)
    }

    /// Whether anything here has a topic.
    #[must_use]
    pub fn has_topics(&self) -> bool {
        self.state.has_topics()
    }

    /// The topics of which a variable has entries here.
    #[must_use]
    pub fn topics_of(&self, key: &VariableKey) -> Vec<TopicId> {
        let topics = [TopicId::NONE].into_iter().chain(self.state.topics());
        topics.filter(|topic| self.state.keys.find(key, *topic).is_some_and(|index| self.used(index))).collect()
    }

    /// The live entry under a dot: variable, content, slot.
    #[must_use]
    pub fn entry(&self, dot: Dot) -> Option<(KeyIndex, &Content, Option<u128>)> {
        if let Some(event) = self.staged.as_ref().and_then(|staged| staged.event(dot)) {
            let (slot, content) = event.adds.as_ref()?;
            return Some((event.key, content, self.state.slots.identity(*slot)));
        }
        self.state.store.get(dot).map(|entry| (entry.key, &entry.content, self.state.slots.identity(entry.slot)))
    }

    /// How many entries are live, of all variables.
    #[must_use]
    pub fn live_entries(&self) -> usize {
        self.state.store.len()
    }

    /// All live entries with their variables' numbers, in the order of this node's dots.
    pub fn live(&self) -> impl Iterator<Item = (Dot, KeyIndex, &Content, Option<u128>)> {
        let live = self.state.store.iter();
        live.map(|(dot, entry)| (dot, entry.key, &entry.content, self.state.slots.identity(entry.slot)))
    }

    /// All live entries with their variables' numbers, under dots whose lanes are told by identity: what two nodes with
    /// equal vectors have equal.
    pub fn entries(&self) -> impl Iterator<Item = ((Lane, u64), KeyIndex, &Content, Option<u128>)> {
        self.state.replicas.sorted().flat_map(move |(lane, index)| {
            self.state.store.range(index, 0, Dot::SEQUENCE_MAX).map(move |(dot, entry)| {
                ((lane, dot.sequence()), entry.key, &entry.content, self.state.slots.identity(entry.slot))
            })
        })
    }

    /// Which lane an index stands for.
    #[must_use]
    pub fn lane(&self, replica: ReplicaIndex) -> Lane {
        self.state.replicas.lane(replica)
    }

    /// The version vector: lanes by identity, each with the number of its updates that are covered.
    pub fn vector(&self) -> impl Iterator<Item = (Lane, u64)> {
        let heights = self.state.replicas.sorted().map(|(lane, index)| (lane, self.state.vector().get(index)));
        heights.filter(|&(_, sequence)| sequence > 0)
    }

    /// A hash of the version vector, as far as this node takes it: nodes that take the same and have seen the same updates
    /// have the same.
    #[must_use]
    pub fn vector_digest(&self) -> u128 {
        if !self.state.has_topics() {
            return self.state.digest();
        }
        let taken = self.state.restricted(self.state.vector(), |topic| self.interest.takes(topic));
        crate::replica::digest::digest(&self.state.replicas, &taken)
    }

    /// Whether the vector that this peer told last equals ours.
    #[must_use]
    pub fn agrees(&self, peer: PeerId) -> bool {
        let ours = self.digest_for(peer);
        let same =
            self.peers.get(&peer).is_some_and(|known| known.digest.is_some_and(|theirs| known.equals(theirs, ours)));
        same && self.knows_interest(peer) && self.brought(peer)
    }

    /// What a connected peer may do.
    #[must_use]
    pub fn role(&self, peer: PeerId) -> Option<Role> {
        self.peers.get(&peer).map(|peer| peer.role)
    }

    /// What is to be done next, if anything.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    fn send(&mut self, to: PeerId, message: &Message) {
        self.out.push_back(Out::Send(to, wire::encode(message)));
    }
}
