//! Events and entries as they stand in messages: building groups and parts of a bounded size.

use rustc_hash::FxHashMap;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::replica::KeyIndex;
use crate::replica::VariableKey;
use crate::replica::message::EntryRun;
use crate::replica::message::Group;
use crate::replica::message::ITEMS_MAX;
use crate::replica::message::Part;
use crate::replica::message::REPLICAS_MAX;
use crate::replica::message::Run;
use crate::replica::message::Tables;
use crate::replica::message::WHOLE;
use crate::replica::message::WireContent;
use crate::replica::message::WireEvent;
use crate::replica::names::Replicas;
use crate::replica::names::SlotTag;
use crate::replica::state::Entry;
use crate::replica::state::Event;
use crate::replica::state::State;
use crate::replica::wire;
use crate::value::content::Content;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// A variable as a term.
pub(crate) fn key_term(key: &VariableKey) -> Term {
    let reference = Reference { name: key.name.clone(), kind: key.kind.clone(), dynamic: false };
    Term::Ref(triomphe::Arc::new(reference))
}

/// About how many bytes an event takes, its share of the tables apart.
pub(crate) fn event_bytes(adds: Option<&Content>, removes: usize) -> usize {
    let content = match adds {
        None => 0,
        // The commonest, without a detour over bytes.
        Some(Content::Element(Term::Int(_) | Term::Atom(_))) => 16,
        Some(content) => wire::size(content),
    };
    content + 8 * removes + 8
}

/// The greatest number of bytes that one entry of a message's tables can take, other than a variable: a lane with its topic.
pub(crate) const TABLE_ENTRY_BYTES: usize = 48;

/// The tables of a message that is being built.
#[derive(Default)]
struct TableBuilder {
    tables: Tables,
    replicas: FxHashMap<ReplicaIndex, u32>,
    keys: FxHashMap<KeyIndex, u32>,
    slots: FxHashMap<SlotTag, u32>,
    bytes: usize,
}

fn next_place<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

impl TableBuilder {
    fn replica(&mut self, replicas: &Replicas, index: ReplicaIndex) -> u32 {
        let (tables, bytes) = (&mut self.tables, &mut self.bytes);
        *self.replicas.entry(index).or_insert_with(|| {
            *bytes += TABLE_ENTRY_BYTES;
            tables.replicas.0.push(replicas.lane(index));
            next_place(&tables.replicas.0) - 1
        })
    }

    fn key(&mut self, state: &State, index: KeyIndex) -> u32 {
        let (tables, bytes) = (&mut self.tables, &mut self.bytes);
        *self.keys.entry(index).or_insert_with(|| {
            let term = state.keys.get(index).map_or(Term::Nil, key_term);
            *bytes += wire::size(&term);
            tables.keys.0.push(term);
            next_place(&tables.keys) - 1
        })
    }

    fn content(&mut self, state: &State, slot: SlotTag, content: &Content) -> WireContent {
        let slot = match state.slots.identity(slot) {
            None => 0,
            Some(identity) => {
                let (tables, bytes) = (&mut self.tables, &mut self.bytes);
                *self.slots.entry(slot).or_insert_with(|| {
                    *bytes += TABLE_ENTRY_BYTES;
                    tables.slots.0.push(identity.to_le_bytes());
                    next_place(&tables.slots)
                })
            }
        };
        WireContent { slot, content: content.clone() }
    }

    fn dot(&mut self, state: &State, dot: Dot) -> (u32, u64) {
        (self.replica(&state.replicas, dot.replica()), dot.sequence())
    }

    fn event(&mut self, state: &State, event: &Event) -> WireEvent {
        WireEvent {
            key: self.key(state, event.key),
            adds: event.adds.as_ref().map(|(slot, content)| self.content(state, *slot, content)),
            removes: event.removes.iter().map(|&dot| self.dot(state, dot)).collect::<Vec<_>>().into(),
        }
    }
}

/// Cuts events, in order, into groups of about `bytes_max` bytes each. One event may be larger, and so may a transaction,
/// which is never cut.
pub(crate) fn groups(state: &State, events: &[&Event], bytes_max: usize) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut tables, mut runs, mut bytes, mut count) = (TableBuilder::default(), Vec::<Run>::new(), 0, 0);
    let mut left = events;
    while let Some(first) = left.first() {
        let (update, others) = left.split_at((first.following as usize + 1).min(left.len()));
        left = others;
        let update_bytes: usize = update.iter().map(|event| event.bytes as usize).sum();
        if count > 0 && (bytes + tables.bytes + update_bytes > bytes_max || count >= ITEMS_MAX / 4) {
            let full = std::mem::take(&mut tables).tables;
            groups.push(Group { tables: full, runs: std::mem::take(&mut runs).into() });
            (bytes, count) = (0, 0);
        }
        let (mut replica, sequence) = tables.dot(state, first.dot);
        replica |= if first.following > 0 { WHOLE } else { 0 };
        let next = |run: &Run| run.replica == replica && run.first + run.events.len() as u64 == sequence;
        if first.following > 0 || !runs.last().is_some_and(next) {
            runs.push(Run { replica, first: sequence, events: Vec::with_capacity(update.len()).into() });
        }
        let wire_events = update.iter().map(|event| tables.event(state, event));
        if let Some(run) = runs.last_mut() {
            run.events.0.extend(wire_events);
        }
        bytes += update_bytes;
        count += update.len();
    }
    if count > 0 {
        groups.push(Group { tables: tables.tables, runs: runs.into() });
    }
    groups
}

/// Collects a snapshot into parts of about `bytes_max` bytes each.
pub(crate) struct PartBuilder<'a> {
    state: &'a State,
    bytes_max: usize,
    tables: TableBuilder,
    part: Part,
    bytes: usize,
    items: usize,
    /// The number of the last entry.
    before: u64,
    /// The parts that are full.
    full: Vec<Part>,
}

impl PartBuilder<'_> {
    pub(crate) fn new(state: &State, bytes_max: usize) -> PartBuilder<'_> {
        let (tables, part) = (TableBuilder::default(), Part::default());
        PartBuilder { state, bytes_max, tables, part, bytes: 0, items: 0, before: 0, full: Vec::new() }
    }

    fn room(&mut self, bytes: usize) {
        if self.items > 0 && (self.bytes + self.tables.bytes + bytes > self.bytes_max || self.items >= REPLICAS_MAX) {
            self.close();
        }
        self.bytes += bytes;
        self.items += 1;
    }

    fn close(&mut self) {
        let mut part = std::mem::take(&mut self.part);
        part.tables = std::mem::take(&mut self.tables).tables;
        self.full.push(part);
        (self.bytes, self.items) = (0, 0);
    }

    pub(crate) fn height(&mut self, replica: ReplicaIndex, sequence: u64) {
        self.room(8);
        let replica = self.tables.replica(&self.state.replicas, replica);
        self.part.vector.0.push((replica, sequence));
    }

    /// Dots that are gone, ascending.
    pub(crate) fn gone(&mut self, dots: &[Dot]) {
        let mut before: Option<Dot> = None;
        for &dot in dots {
            self.room(4);
            let replica = self.tables.replica(&self.state.replicas, dot.replica());
            let next = |&(at, _): &(u32, _)| at == replica;
            let last = before.filter(|_| self.part.gone.last().is_some_and(next)).map_or(0, Dot::sequence);
            if last == 0 {
                self.part.gone.0.push((replica, Vec::new().into()));
            }
            if let Some((_, numbers)) = self.part.gone.0.last_mut() {
                numbers.0.push(dot.sequence() - last);
            }
            before = Some(dot);
        }
    }

    pub(crate) fn entry(&mut self, dot: Dot, entry: &Entry) {
        self.room(event_bytes(Some(&entry.content), 0));
        let key = self.tables.key(self.state, entry.key);
        let WireContent { slot, content } = self.tables.content(self.state, entry.slot, &entry.content);
        let (replica, sequence) = self.tables.dot(self.state, dot);
        let next = |run: &&mut EntryRun| (run.replica, run.key, run.slot) == (replica, key, slot);
        // Entries come in order, so that a run of one replica goes up.
        if let Some(run) = self.part.entries.0.last_mut().filter(next) {
            run.entries.0.push((sequence - self.before, content));
        } else {
            let entries = vec![(sequence, content)].into();
            self.part.entries.0.push(EntryRun { replica, key, slot, entries });
        }
        self.before = sequence;
    }

    /// What is to be told of units of a lane, as long as it may be.
    pub(crate) fn units(&mut self, bytes: usize, put: impl FnOnce(&mut Part)) {
        self.room(bytes);
        put(&mut self.part);
    }

    /// What the state misses of topics that are `taken`.
    pub(crate) fn all_missed(&mut self, taken: impl Fn(TopicId) -> bool) {
        let state = self.state;
        for (dot, key) in state.missed().filter(|(dot, _)| taken(state.replicas.topic(dot.replica()))) {
            self.room(16);
            let key = self.tables.key(state, key);
            let (replica, sequence) = self.tables.dot(state, dot);
            self.part.missed.0.push((replica, sequence, key));
        }
    }

    /// The parts; at least one, though it may be empty.
    pub(crate) fn finish(mut self) -> Vec<Part> {
        self.close();
        self.full
    }
}

/// Whether a name may travel.
pub(crate) fn name_fits(name: &Name) -> bool {
    match name {
        Name::Given(term) => term.depth() < crate::value::term::DEPTH_MAX && wire::size(term) <= NAME_BYTES_MAX,
        Name::Fresh(..) => true,
    }
}

/// The most bytes that a variable's name may have.
pub(crate) const NAME_BYTES_MAX: usize = 1 << 14;
