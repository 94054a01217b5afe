//! What a node has: live entries, the vector that they amount to, recent events, and events that cannot be applied yet.
//!
//! Changes go through the three methods [`State::write`], [`State::receive`] and [`State::merge`] (and, of whole topics and on
//! starting from disk, those that forget and remember), and each keeps the
//! invariant that everything rests on: the vector covers exactly what has been applied whole, so that two nodes with
//! equal vectors have equal entries. Knows no peer and no message.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::lattice::store::Store;
use crate::lattice::vector::VersionVector;
use crate::replica::Change;
use crate::replica::KeyIndex;
use crate::replica::digest::Sum;
use crate::replica::journal::Journal;
use crate::replica::log::Log;
use crate::replica::message::Differences;
use crate::replica::message::LaneUnits;
use crate::replica::names::Keys;
use crate::replica::names::Replicas;
use crate::replica::names::SlotTag;
use crate::replica::names::Slots;
use crate::replica::removals::Removals;
use crate::replica::rights::RightsIndex;
use crate::value::content::Content;

/// A live piece of state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) key: KeyIndex,
    pub(crate) slot: SlotTag,
}

/// One update of one replica: what it adds, and the dots that it takes back.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) dot: Dot,
    pub(crate) key: KeyIndex,
    /// What it adds, if anything, as an entry of `key`.
    pub(crate) adds: Option<(SlotTag, Content)>,
    pub(crate) removes: Box<[Dot]>,
    /// About how many bytes it takes in a message.
    pub(crate) bytes: u32,
    /// How many of its replica's next events belong to the same transaction.
    pub(crate) following: u32,
}

/// What is applied whole or not at all: one event, or all events of a transaction, which are successive.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) event: Event,
    /// The other events of the transaction.
    pub(crate) rest: Vec<Event>,
}

impl Update {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        std::iter::once(&self.event).chain(&self.rest)
    }

    fn last(&self) -> Dot {
        self.rest.last().unwrap_or(&self.event).dot
    }

    fn bytes(&self) -> usize {
        self.events().map(|event| event.bytes as usize).sum()
    }
}

/// What became of an event that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Applied,
    /// It was covered already.
    Known,
    /// It spends rights that its author does not have, and is not applied.
    Overspent,
}

/// Another node's state above a vector, complete up to what it covers.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// How far it covers replicas, where that is not as far as the base.
    pub(crate) heights: BTreeMap<ReplicaIndex, u64>,
    /// Live entries above the base, by dot.
    pub(crate) entries: Vec<(Dot, Entry)>,
    /// Dots that both cover and that are no longer live there; complete as far as they are live here.
    pub(crate) gone: Vec<Dot>,
    /// From this `gone` is to be found, if there is any of it (`compare`).
    pub(crate) differences: Vec<Differences>,
    pub(crate) live: Vec<LaneUnits>,
    pub(crate) check: Option<u128>,
    /// All that it takes back and does not cover.
    pub(crate) missed: Vec<(Dot, KeyIndex)>,
}

impl Snapshot {
    /// What it covers, when it is one above `base`.
    pub(crate) fn covered(&self, base: &VersionVector) -> VersionVector {
        let mut covered = VersionVector::new();
        for (replica, sequence) in base.iter() {
            covered.raise(replica, self.heights.get(&replica).copied().unwrap_or(sequence));
        }
        for (&replica, &sequence) in &self.heights {
            covered.raise(replica, sequence);
        }
        covered
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) replicas: Replicas,
    pub(crate) keys: Keys,
    pub(crate) slots: Slots,
    pub(crate) store: Store<Entry>,
    pub(crate) log: Log,
    pub(crate) removals: Removals,
    vector: VersionVector,
    /// By the dot of the first event.
    held: BTreeMap<Dot, Update>,
    held_bytes: usize,
    /// What updates here take back that has not come, and of which variable: it does not rise should it come. Follows from the
    /// updates that are covered, as the entries do.
    pub(super) missed: BTreeSet<(Dot, KeyIndex)>,
    /// The sum of the vector as it was, and the lanes that have changed since, with the heights that are in the sum: bringing
    /// it up to date costs a hash for each lane, however many updates came.
    sum: RefCell<(Sum, BTreeMap<ReplicaIndex, u64>)>,
    /// How often the vector has changed.
    changes: u64,
    /// Lanes of this node that were given up, with the number of updates made.
    retired: BTreeMap<Lane, u64>,
    /// What is to be remembered beyond this process, if anybody does.
    pub(crate) journal: Option<Journal>,
    pub(crate) rights: RightsIndex,
}

impl State {
    pub(crate) fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// A hash of the vector, equal on all nodes that have seen the same.
    pub(crate) fn digest(&self) -> u128 {
        let (sum, stale) = &mut *self.sum.borrow_mut();
        for (index, before) in mem::take(stale) {
            sum.change(self.replicas.lane(index), before, self.vector.get(index));
        }
        sum.digest()
    }

    /// Before a lane's height changes.
    fn note_stale(&mut self, index: ReplicaIndex) {
        self.sum.get_mut().1.entry(index).or_insert(self.vector.get(index));
    }

    /// How many updates of a lane this node knows to be made, if the lane is its own.
    pub(crate) fn issued(&self, lane: Lane) -> u64 {
        let covered = self.replicas.find(lane).map_or(0, |index| self.vector.get(index));
        covered.max(self.retired.get(&lane).copied().unwrap_or(0))
    }

    /// In which period `replica` is to write to a topic.
    pub(crate) fn period(&self, topic: TopicId, replica: ReplicaId) -> Option<u16> {
        let to = Lane { topic, period: u16::MAX, replica };
        let last = self.retired.range(..=to).rev().find(|(lane, _)| lane.topic != topic || lane.replica == replica);
        match last {
            Some((lane, _)) if lane.topic == topic => lane.period.checked_add(1),
            _ => Some(0),
        }
    }

    /// Whether any topic is known.
    pub(crate) fn has_topics(&self) -> bool {
        self.replicas.have_topics()
    }

    /// The topics that are known.
    pub(crate) fn topics(&self) -> impl Iterator<Item = TopicId> {
        self.replicas.topics()
    }

    /// How often the vector has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// The part of a vector that is of topics that `has`.
    pub(crate) fn restricted(&self, vector: &VersionVector, has: impl Fn(TopicId) -> bool) -> VersionVector {
        let mut part = vector.clone();
        if self.has_topics() {
            for topic in self.topics().filter(|topic| !has(*topic)) {
                self.replicas.of_topic(topic).for_each(|(_, lane)| part.forget(lane));
            }
        }
        part
    }

    /// Everything of a topic goes, entries and vector together: it is as if nothing of it had ever come. What `me` has made
    /// is remembered by number, so that no number is used again.
    pub(crate) fn forget(&mut self, topic: TopicId, me: ReplicaId, changes: &mut Vec<Change>) {
        let lanes: Vec<(Lane, ReplicaIndex)> = self.replicas.of_topic(topic).collect();
        for &(lane, index) in &lanes {
            let height = self.vector.get(index);
            let dots: Vec<Dot> = self.store.range(index, 0, height).map(|(dot, _)| dot).collect();
            dots.into_iter().for_each(|dot| self.remove(dot, Some(&mut *changes)));
            if lane.replica == me && height > 0 {
                self.retired.insert(lane, self.issued(lane));
            }
            self.lower(index);
            self.note_height(index);
        }
        let indices: BTreeSet<ReplicaIndex> = lanes.iter().map(|&(_, lane)| lane).collect();
        let gone = |index: ReplicaIndex| indices.contains(&index);
        self.log.forget(gone);
        self.removals.forget(&indices);
        let held: Vec<Dot> = self.held.keys().copied().filter(|dot| gone(dot.replica())).collect();
        held.into_iter().for_each(|dot| drop(self.unhold(dot)));
        let missed: Vec<(Dot, KeyIndex)> = self.missed.iter().copied().filter(|(dot, _)| gone(dot.replica())).collect();
        missed.into_iter().for_each(|(dot, key)| self.note_missed(dot, key, false));
        self.changes += 1;
    }

    /// Applies an update of this node's own. Its dot must be the next one.
    pub(crate) fn write(&mut self, event: Event) {
        self.perform(event, None);
    }

    /// Applies an update if it is its replica's next one and everything that it removes has been seen, which is on its way as a
    /// rule. With `anyway` it does not wait for that, and what it removes and has not come is remembered.
    ///
    /// # Errors
    /// Gives the update back when something before it is missing.
    pub(crate) fn receive(
        &mut self,
        update: Update,
        anyway: bool,
        changes: &mut Vec<Change>,
    ) -> Result<Received, Update> {
        if self.vector.covers(update.last()) {
            return Ok(Received::Known);
        }
        let ready = self.ready(&update);
        if !self.is_next(&update) || !(anyway || ready) {
            return Err(update);
        }
        if self.overspends(&update) {
            // What it spends may have been given by what is missing.
            return if ready { Ok(Received::Overspent) } else { Err(update) };
        }
        self.perform_all(update, changes);
        Ok(Received::Applied)
    }

    /// Whether an update is its replica's next one.
    pub(crate) fn is_next(&self, update: &Update) -> bool {
        let first = update.event.dot;
        first.sequence() == self.vector.get(first.replica()) + 1
    }

    pub(crate) fn ready(&self, update: &Update) -> bool {
        let first = update.event.dot;
        // What the transaction itself has made before, it may remove.
        let own = |dot: Dot| dot.replica() == first.replica() && dot.sequence() >= first.sequence();
        self.is_next(update)
            && update.events().all(|event| event.removes.iter().all(|&dot| self.vector.covers(dot) || own(dot)))
    }

    fn perform_all(&mut self, update: Update, changes: &mut Vec<Change>) {
        self.perform(update.event, Some(&mut *changes));
        for event in update.rest {
            self.perform(event, Some(&mut *changes));
        }
    }

    /// `changes` is told what became of entries, if there is one to be told.
    fn perform(&mut self, event: Event, mut changes: Option<&mut Vec<Change>>) {
        let mut removed = Vec::new();
        for &dot in &event.removes {
            // A removal concerns its own variable only, whatever it names: so says every node, or they would disagree. And
            // rights go by their own replica's events alone; to another's they are what it must not be seen without.
            let goes = |entry: &Entry| {
                entry.key == event.key && (dot.replica() == event.dot.replica() || entry.content.rights().is_none())
            };
            if self.store.get(dot).is_some_and(goes) {
                removed.push(dot);
                self.remove(dot, changes.as_deref_mut());
            } else if !self.vector.covers(dot) {
                removed.push(dot);
                self.note_missed(dot, event.key, true);
            }
        }
        self.removals.push(event.dot, removed.into_iter());
        self.keys.updated(event.key);
        if let Some((slot, content)) = &event.adds
            && !self.is_missed(event.dot, event.key, content)
        {
            self.insert(event.dot, Entry { content: content.clone(), key: event.key, slot: *slot }, changes);
        }
        self.raise(event.dot.replica(), event.dot.sequence());
        self.log.push(event);
    }

    fn raise(&mut self, replica: ReplicaIndex, sequence: u64) {
        self.note_stale(replica);
        self.vector.raise(replica, sequence);
        self.forget_missed(replica, sequence);
        self.changes += 1;
        self.note_height(replica);
    }

    fn note_height(&mut self, replica: ReplicaIndex) {
        if let Some(journal) = &mut self.journal {
            journal.rise(replica);
        }
    }

    /// Puts in an entry that was live before this process began.
    pub(crate) fn remember(&mut self, dot: Dot, entry: Entry) {
        self.remove(dot, None);
        self.keys.updated(entry.key);
        self.insert(dot, entry, None);
    }

    /// Takes out an entry that went before this process began.
    pub(crate) fn take_out(&mut self, dot: Dot) {
        self.remove(dot, None);
    }

    /// Covers what was covered before this process began; the events are not known one by one any more.
    pub(crate) fn cover(&mut self, dot: Dot) {
        self.raise(dot.replica(), dot.sequence());
        self.log.skip_to(dot.replica(), dot.sequence());
        self.removals.skip_to(dot.replica(), dot.sequence());
    }

    /// Covers nothing of a lane, as before this process began.
    pub(crate) fn uncover(&mut self, replica: ReplicaIndex) {
        self.lower(replica);
        self.changes += 1;
    }

    /// Nothing of a lane is covered any longer.
    fn lower(&mut self, replica: ReplicaIndex) {
        self.note_stale(replica);
        self.vector.forget(replica);
    }

    fn insert(&mut self, dot: Dot, entry: Entry, changes: Option<&mut Vec<Change>>) {
        self.keys.added(entry.key, dot);
        self.touch(dot);
        self.rights.added(dot, &entry);
        if let Some(changes) = changes {
            changes.push(self.change(dot, entry.clone(), true));
        }
        self.store.insert(dot, entry);
    }

    pub(crate) fn remove(&mut self, dot: Dot, changes: Option<&mut Vec<Change>>) {
        if let Some(entry) = self.store.remove(dot) {
            self.keys.removed(entry.key, dot);
            self.touch(dot);
            self.rights.removed(dot, &entry);
            if let Some(changes) = changes {
                changes.push(self.change(dot, entry, false));
            }
        }
    }

    fn touch(&mut self, dot: Dot) {
        if let Some(journal) = &mut self.journal {
            journal.touch(dot);
        }
    }

    fn change(&self, dot: Dot, entry: Entry, present: bool) -> Change {
        Change { key: entry.key, dot, content: entry.content, slot: self.slots.identity(entry.slot), present }
    }

    /// Keeps an update for when what it needs is there. When there are too many already it is dropped: a comparison of
    /// vectors brings it again.
    pub(crate) fn hold(&mut self, update: Update, updates_max: usize, bytes_max: usize) {
        let bytes = update.bytes();
        let room = self.held.len() < updates_max && self.held_bytes + bytes <= bytes_max;
        if room && !self.held.contains_key(&update.event.dot) {
            self.held_bytes += bytes;
            self.held.insert(update.event.dot, update);
        }
    }

    fn unhold(&mut self, dot: Dot) -> Option<Update> {
        let update = self.held.remove(&dot)?;
        self.held_bytes -= update.bytes();
        Some(update)
    }

    /// Applies what can be applied of the held updates, and forgets those that have come by another way.
    pub(crate) fn release(&mut self, changes: &mut Vec<Change>) {
        let mut progress = !self.held.is_empty();
        while progress {
            progress = false;
            let mut at = self.held.keys().next().copied();
            while let Some(dot) = at {
                let held = self.held.get(&dot);
                if held.is_some_and(|update| self.vector.covers(update.last())) {
                    self.unhold(dot);
                } else if held.is_some_and(|update| self.ready(update)) {
                    // What spends too much is dropped; whoever sends it again is told.
                    if let Some(update) = self.unhold(dot).filter(|update| !self.overspends(update)) {
                        self.perform_all(update, changes);
                        progress = true;
                    }
                } else {
                    // Nothing later of this replica can be ready; go on with the next replica.
                    let next = ReplicaIndex(dot.replica().0.saturating_add(1));
                    at = Dot::new(next, 1).and_then(|next| self.held.range(next..).next()).map(|(&dot, _)| dot);
                    continue;
                }
                at = self.held.range(dot..).next().map(|(&dot, _)| dot);
            }
        }
    }

    /// Joins another node's state, of which everything live above `base` is listed, and what it lacks of our live dots at
    /// or below `base`. The optimised observed-remove set's merge: what the other covers and does not have was removed.
    pub(crate) fn merge(&mut self, base: &VersionVector, mut snapshot: Snapshot, changes: &mut Vec<Change>) {
        let covered = snapshot.covered(base);
        snapshot.entries.sort_unstable_by_key(|&(dot, _)| dot);
        snapshot.entries.dedup_by_key(|(dot, _)| *dot);
        for dot in std::mem::take(&mut snapshot.gone) {
            if base.covers(dot) && covered.covers(dot) {
                self.remove(dot, Some(changes));
            }
        }
        for dot in self.unlisted(base, &covered, &snapshot.entries) {
            self.remove(dot, Some(changes));
        }
        self.merge_missed(&snapshot.missed, changes);
        for (dot, entry) in std::mem::take(&mut snapshot.entries) {
            let comes = !self.vector.covers(dot) && covered.covers(dot);
            if comes && !self.is_missed(dot, entry.key, &entry.content) {
                self.insert(dot, entry, Some(changes));
            }
        }
        for (&replica, &sequence) in &snapshot.heights {
            if sequence > self.vector.get(replica) {
                self.raise(replica, sequence);
                self.log.skip_to(replica, sequence);
                self.removals.skip_to(replica, sequence);
            }
        }
    }

    /// Our live dots above `base` that the other node covers and does not list.
    fn unlisted(&self, base: &VersionVector, covered: &VersionVector, listed: &[(Dot, Entry)]) -> Vec<Dot> {
        let mut unlisted = Vec::new();
        for (replica, sequence) in covered.iter() {
            let to = sequence.min(self.vector.get(replica));
            if to > base.get(replica) {
                let live = self.store.range(replica, base.get(replica), to).map(|(dot, _)| dot);
                unlisted.extend(live.filter(|dot| listed.binary_search_by_key(dot, |&(at, _)| at).is_err()));
            }
        }
        unlisted
    }
}

/// Takes the identity of a lane in.
pub(crate) fn hash_lane(hasher: &mut blake3::Hasher, lane: Lane) {
    hasher.update(&lane.replica.0.to_le_bytes());
    if lane.word() != 0 {
        hasher.update(&[0; 16]).update(&lane.word().to_le_bytes());
    }
}
