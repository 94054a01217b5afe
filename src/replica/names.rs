//! The tables that turn what travels (replica identities, variables, derivations) into small local numbers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::hash::Hasher;

use rustc_hash::FxHashMap;
use rustc_hash::FxHasher;

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::replica::KeyIndex;
use crate::replica::VariableKey;
use crate::replica::group;

/// The number of a slot's derivation, or none for a base entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotTag(u32);

impl SlotTag {
    pub(crate) const BASE: SlotTag = SlotTag(0);
}

/// The most places of [`Replicas::near`].
const NEAR_MAX: usize = 1 << 12;

/// The lanes that this node has heard of. There may be very many, and nearly all of them of replicas that are gone for good:
/// each costs a [`Row`] and four bytes.
#[derive(Default)]
pub(crate) struct Replicas {
    rows: Vec<Row>,
    /// Sorted by lane, so that those of one topic lie together.
    sorted: Vec<ReplicaIndex>,
    /// By some bits of a lane, the one of those with the same bits that was met last: most need no search. Of a bounded size,
    /// a power of two; a place that is free names no lane.
    near: Vec<u32>,
    /// Topics with their periods, as [`Lane::word`] has them.
    words: Vec<u128>,
    by_word: BTreeMap<u128, u32>,
}

/// A lane.
#[derive(Clone, Copy)]
struct Row {
    replica: [u8; 16],
    /// Where its topic and period are among the words.
    word: u32,
}

impl Replicas {
    /// How many bytes the lanes take here, apart from the names of topics and what is of a bounded size.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.rows.as_slice()) + size_of_val(self.sorted.as_slice())
    }

    pub(crate) fn find(&self, lane: Lane) -> Option<ReplicaIndex> {
        self.found_near(lane).or_else(|| self.place(lane).ok().map(|at| self.sorted[at]))
    }

    fn found_near(&self, lane: Lane) -> Option<ReplicaIndex> {
        let index = ReplicaIndex(*self.near.get(self.near_place(lane))?);
        let word = self.rows.get(index.0 as usize).filter(|row| row.replica == lane.replica.0.to_le_bytes())?.word;
        (self.words.get(word as usize) == Some(&lane.word())).then_some(index)
    }

    fn near_place(&self, lane: Lane) -> usize {
        let mut hasher = FxHasher::default();
        hasher.write_u128(lane.replica.0 ^ lane.word());
        usize::try_from(hasher.finish()).unwrap_or(0) & self.near.len().saturating_sub(1)
    }

    fn note_near(&mut self, lane: Lane, index: ReplicaIndex) {
        if self.near.len() < (2 * self.rows.len()).min(NEAR_MAX) {
            self.near = vec![u32::MAX; (4 * self.rows.len()).next_power_of_two().min(NEAR_MAX)];
            for known in 0..self.rows.len() {
                let known = ReplicaIndex(u32::try_from(known).unwrap_or(u32::MAX));
                let at = self.near_place(self.lane(known));
                self.near[at] = known.0;
            }
        }
        let at = self.near_place(lane);
        if let Some(place) = self.near.get_mut(at) {
            *place = index.0;
        }
    }

    fn place(&self, lane: Lane) -> Result<usize, usize> {
        self.sorted.binary_search_by_key(&lane, |&index| self.lane(index))
    }

    /// `None` when there are as many lanes as one node can tell apart.
    pub(crate) fn intern(&mut self, lane: Lane) -> Option<ReplicaIndex> {
        if let Some(known) = self.found_near(lane) {
            return Some(known);
        }
        let at = match self.place(lane) {
            Ok(at) => {
                let known = self.sorted[at];
                self.note_near(lane, known);
                return Some(known);
            }
            Err(at) => at,
        };
        let index = u32::try_from(self.rows.len()).ok().filter(|&index| index < Dot::REPLICAS_MAX).map(ReplicaIndex)?;
        let next = u32::try_from(self.words.len()).ok()?;
        let word = *self.by_word.entry(lane.word()).or_insert(next);
        if word == next {
            self.words.push(lane.word());
        }
        self.rows.push(Row { replica: lane.replica.0.to_le_bytes(), word });
        self.sorted.insert(at, index);
        self.note_near(lane, index);
        Some(index)
    }

    pub(crate) fn lane(&self, index: ReplicaIndex) -> Lane {
        let known = self.rows.get(index.0 as usize).and_then(|row| {
            let word = *self.words.get(row.word as usize)?;
            Lane::of_word(word, ReplicaId(u128::from_le_bytes(row.replica)))
        });
        // Indexes are only ever made by `intern`; the fallback is the identity that nobody has.
        known.unwrap_or(Lane::plain(ReplicaId(0)))
    }

    pub(crate) fn topic(&self, index: ReplicaIndex) -> TopicId {
        self.lane(index).topic
    }

    /// Whether any lane has a topic.
    pub(crate) fn have_topics(&self) -> bool {
        self.by_word.keys().next_back().is_some_and(|&last| last != 0)
    }

    /// From the first lane of a topic on.
    fn starting_with(&self, topic: TopicId) -> impl Iterator<Item = (Lane, ReplicaIndex)> {
        let first = self.sorted.partition_point(|&index| self.topic(index) < topic);
        self.sorted[first..].iter().map(|&index| (self.lane(index), index))
    }

    /// The lanes of a topic.
    pub(crate) fn of_topic(&self, topic: TopicId) -> impl Iterator<Item = (Lane, ReplicaIndex)> {
        self.starting_with(topic).take_while(move |(lane, _)| lane.topic == topic)
    }

    /// The topics of lanes, each once.
    pub(crate) fn topics(&self) -> impl Iterator<Item = TopicId> {
        let next =
            |after: TopicId| self.starting_with(TopicId(after.0.checked_add(1)?)).next().map(|(lane, _)| lane.topic);
        std::iter::successors(next(TopicId::NONE), move |&topic| next(topic))
    }

    /// By topic and identity, which is the same order on all nodes.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (Lane, ReplicaIndex)> {
        self.sorted.iter().map(|&index| (self.lane(index), index))
    }
}

/// The variables that this node has heard of, whether its program uses them or not.
#[derive(Default)]
pub(crate) struct Keys {
    known: Vec<Key>,
    by_key: FxHashMap<VariableKey, Vec<(TopicId, KeyIndex)>>,
}

/// A variable and its topic: of two nodes that give one variable different topics, each has a variable of its own.
struct Key {
    variable: VariableKey,
    topic: TopicId,
    /// Whether its name may travel; found out once.
    name_fits: bool,
    /// How many live entries there are.
    live: usize,
    /// Whether there has been an update.
    used: bool,
    /// Which ones, until somebody here has asked for them: from then on they follow the changes by themselves.
    dots: Option<BTreeSet<Dot>>,
}

impl Keys {
    pub(crate) fn find(&self, key: &VariableKey, topic: TopicId) -> Option<KeyIndex> {
        let known = self.by_key.get(key)?.iter().find(|(known, _)| *known == topic);
        known.map(|&(_, index)| index)
    }

    pub(crate) fn intern(&mut self, key: &VariableKey, topic: TopicId) -> KeyIndex {
        if let Some(known) = self.find(key, topic) {
            return known;
        }
        let index = KeyIndex(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        let name_fits = group::name_fits(&key.name);
        self.known.push(Key {
            variable: key.clone(),
            topic,
            name_fits,
            live: 0,
            used: false,
            dots: Some(BTreeSet::new()),
        });
        self.by_key.entry(key.clone()).or_default().push((topic, index));
        index
    }

    pub(crate) fn get(&self, index: KeyIndex) -> Option<&VariableKey> {
        self.known.get(index.0 as usize).map(|known| &known.variable)
    }

    /// The variable's topic.
    pub(crate) fn topic(&self, index: KeyIndex) -> TopicId {
        self.known.get(index.0 as usize).map_or(TopicId::NONE, |known| known.topic)
    }

    /// Whether the variable's name may travel.
    pub(crate) fn name_fits(&self, index: KeyIndex) -> bool {
        self.known.get(index.0 as usize).is_some_and(|known| known.name_fits)
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = KeyIndex> {
        (0..u32::try_from(self.known.len()).unwrap_or(u32::MAX)).map(KeyIndex)
    }

    pub(crate) fn live(&self, index: KeyIndex) -> usize {
        self.known.get(index.0 as usize).map_or(0, |known| known.live)
    }

    pub(crate) fn used(&self, index: KeyIndex) -> bool {
        self.known.get(index.0 as usize).is_some_and(|known| known.used)
    }

    pub(crate) fn updated(&mut self, index: KeyIndex) {
        if let Some(known) = self.known.get_mut(index.0 as usize) {
            known.used = true;
        }
    }

    pub(crate) fn added(&mut self, index: KeyIndex, dot: Dot) {
        self.updated(index);
        if let Some(known) = self.known.get_mut(index.0 as usize) {
            known.live += 1;
            if let Some(dots) = &mut known.dots {
                dots.insert(dot);
            }
        }
    }

    pub(crate) fn removed(&mut self, index: KeyIndex, dot: Dot) {
        if let Some(known) = self.known.get_mut(index.0 as usize) {
            known.live = known.live.saturating_sub(1);
            if let Some(dots) = &mut known.dots {
                dots.remove(&dot);
            }
        }
    }

    /// The live dots, if they are still listed; stops listing them.
    pub(crate) fn take_dots(&mut self, index: KeyIndex) -> Option<BTreeSet<Dot>> {
        self.known.get_mut(index.0 as usize)?.dots.take()
    }
}

/// The derivations whose slots this node has heard of.
#[derive(Default)]
pub(crate) struct Slots {
    known: Vec<u128>,
    by_identity: FxHashMap<u128, SlotTag>,
}

impl Slots {
    pub(crate) fn intern(&mut self, identity: Option<u128>) -> SlotTag {
        let Some(identity) = identity else { return SlotTag::BASE };
        if let Some(&known) = self.by_identity.get(&identity) {
            return known;
        }
        self.known.push(identity);
        let tag = SlotTag(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        self.by_identity.insert(identity, tag);
        tag
    }

    pub(crate) fn identity(&self, tag: SlotTag) -> Option<u128> {
        let place = (tag.0 as usize).checked_sub(1)?;
        self.known.get(place).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_found_under_its_number_however_many_there_are() {
        let mut replicas = Replicas::default();
        let lanes = || {
            let lane = |n: u128| Lane { topic: TopicId((n % 3) << 16), period: 0, replica: ReplicaId((n << 64) | 7) };
            (1..=10_000).map(lane)
        };
        for (at, lane) in (0..).zip(lanes()) {
            assert_eq!(replicas.find(lane), None);
            assert_eq!(replicas.intern(lane), Some(ReplicaIndex(at)));
        }
        for (at, lane) in (0..).zip(lanes()) {
            let other = Lane { topic: TopicId(5 << 16), ..lane };
            assert_eq!((replicas.find(lane), replicas.find(other)), (Some(ReplicaIndex(at)), None));
            assert_eq!((replicas.intern(lane), replicas.lane(ReplicaIndex(at))), (Some(ReplicaIndex(at)), lane));
        }
        assert!(replicas.near.len() == NEAR_MAX && replicas.bytes() == 24 * 10_000);
    }
}
