//! From a peer's words to this node's own numbers: everything that a peer sends is held against its bounds here, before
//! any of it has an effect.

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::NodeTag;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::lattice::vector::VersionVector;
use crate::replica::KeyIndex;
use crate::replica::RefusalReason;
use crate::replica::VariableKey;
use crate::replica::group::event_bytes;
use crate::replica::group::name_fits;
use crate::replica::interest::Interest;
use crate::replica::lanes::Claims;
use crate::replica::message::Group;
use crate::replica::message::Part;
use crate::replica::message::Tables;
use crate::replica::message::WHOLE;
use crate::replica::message::WireContent;
use crate::replica::message::WireEvent;
use crate::replica::names::SlotTag;
use crate::replica::state::Entry;
use crate::replica::state::Event;
use crate::replica::state::Snapshot;
use crate::replica::state::State;
use crate::replica::state::Update;
use crate::value::content::Content;
use crate::value::content::Rights;
use crate::value::term::Term;

/// The most variables, and the most derivations with slots, that one node knows.
const NAMES_MAX: usize = 1 << 24;

/// What a peer may still introduce in the present interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) replicas: usize,
}

/// A variable out of a message.
pub(crate) fn key(term: &Term) -> Result<VariableKey, RefusalReason> {
    match term {
        Term::Ref(reference) if !reference.dynamic && name_fits(&reference.name) => {
            Ok(VariableKey { name: reference.name.clone(), kind: reference.kind.clone() })
        }
        _ => Err(RefusalReason::Malformed),
    }
}

/// A message's tables in this node's numbers.
struct Numbers {
    replicas: Vec<ReplicaIndex>,
    keys: Vec<Numbered>,
    slots: Vec<SlotTag>,
}

/// A variable of a message. Which one it is here depends on the lane of the update.
struct Numbered {
    key: VariableKey,
    by_topic: Vec<(TopicId, KeyIndex)>,
}

/// Takes messages in for `me`.
pub(crate) struct Admission<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) me: ReplicaId,
    pub(crate) quota: &'a mut Quota,
    /// What this node takes; all else is passed over.
    pub(crate) interest: &'a Interest,
    /// The only one in whose name the peer may speak, if it is not trusted with others' updates.
    pub(crate) author: Option<NodeTag>,
    /// Variables that nobody had mentioned before.
    pub(crate) new_keys: Vec<VariableKey>,
}

impl Admission<'_> {
    /// A dot or a height that a message claims.
    fn claim(&self, lane: Lane, sequence: u64) -> Result<(), RefusalReason> {
        if sequence == 0 || sequence > Dot::SEQUENCE_MAX {
            return Err(RefusalReason::Malformed);
        }
        if lane.replica == self.me && sequence > self.state.issued(lane) {
            return Err(RefusalReason::IdentityInUse);
        }
        Ok(())
    }

    fn replica(&mut self, lane: Lane) -> Result<ReplicaIndex, RefusalReason> {
        if let Some(known) = self.state.replicas.find(lane) {
            return Ok(known);
        }
        self.quota.replicas = self.quota.replicas.checked_sub(1).ok_or(RefusalReason::TooManyReplicas)?;
        self.state.replicas.intern(lane).ok_or(RefusalReason::TooManyReplicas)
    }

    /// A vector out of a message.
    pub(crate) fn vector(&mut self, claims: &Claims) -> Result<VersionVector, RefusalReason> {
        for &(lane, sequence) in &claims.0 {
            self.claim(lane, sequence)?;
        }
        let mut vector = VersionVector::new();
        let taken = claims.0.iter().filter(|(lane, _)| self.interest.takes(lane.topic));
        for &(lane, sequence) in taken.collect::<Vec<_>>() {
            vector.raise(self.replica(lane)?, sequence);
        }
        Ok(vector)
    }

    fn numbers(&mut self, tables: &Tables) -> Result<Numbers, RefusalReason> {
        if self.state.keys.len() + tables.keys.len() > NAMES_MAX
            || self.state.slots.len() + tables.slots.len() > NAMES_MAX
        {
            return Err(RefusalReason::TooManyVariables);
        }
        let named = tables.keys.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        let replicas = tables.replicas.0.iter().map(|&lane| self.replica(lane)).collect::<Result<_, _>>()?;
        let keys = named.into_iter().map(|key| Numbered { key, by_topic: Vec::new() }).collect();
        let slots = tables.slots.iter().map(|&id| self.state.slots.intern(Some(u128::from_le_bytes(id)))).collect();
        Ok(Numbers { replicas, keys, slots })
    }

    /// The number of the variable at a place of the tables, as one of `topic`.
    fn key(&mut self, numbers: &mut Numbers, place: u32, topic: TopicId) -> Result<KeyIndex, RefusalReason> {
        let numbered = numbers.keys.get_mut(place as usize).ok_or(RefusalReason::Malformed)?;
        if let Some(&(_, known)) = numbered.by_topic.iter().find(|(known, _)| *known == topic) {
            return Ok(known);
        }
        if self.state.keys.len() >= NAMES_MAX {
            return Err(RefusalReason::TooManyVariables);
        }
        if self.state.keys.find(&numbered.key, topic).is_none() {
            self.new_keys.push(numbered.key.clone());
        }
        let index = self.state.keys.intern(&numbered.key, topic);
        numbered.by_topic.push((topic, index));
        Ok(index)
    }

    fn dot(&self, numbers: &Numbers, replica: u32, sequence: u64) -> Result<Dot, RefusalReason> {
        let index = *numbers.replicas.get(replica as usize).ok_or(RefusalReason::Malformed)?;
        self.claim(self.state.replicas.lane(index), sequence)?;
        Dot::new(index, sequence).ok_or(RefusalReason::Malformed)
    }

    /// The updates of a group, all or none.
    pub(crate) fn updates(&mut self, group: Group) -> Result<Vec<Update>, RefusalReason> {
        let mut numbers = self.numbers(&group.tables)?;
        let mut updates = Vec::with_capacity(group.runs.iter().map(|run| run.events.len()).sum());
        for run in group.runs.0 {
            let (place, whole) = (run.replica & !WHOLE, run.replica & WHOLE != 0);
            let (mut sequence, mut following) = (run.first, u32::try_from(run.events.len()).unwrap_or(u32::MAX));
            let lane = self.dot(&numbers, place, sequence)?.replica();
            let lane = self.state.replicas.lane(lane);
            if self.author.is_some_and(|author| author != lane.replica.node()) {
                return Err(RefusalReason::Forged);
            }
            if !self.interest.takes(lane.topic) {
                continue;
            }
            let mut transaction: Option<Update> = None;
            for event in run.events.0 {
                let dot = self.dot(&numbers, place, sequence)?;
                let mut event = self.event(&mut numbers, dot, event)?;
                sequence = sequence.checked_add(1).ok_or(RefusalReason::Malformed)?;
                if !whole {
                    updates.push(Update { event, rest: Vec::new() });
                    continue;
                }
                following -= 1;
                event.following = following;
                match &mut transaction {
                    Some(begun) => begun.rest.push(event),
                    None => transaction = Some(Update { event, rest: Vec::new() }),
                }
            }
            updates.extend(transaction);
        }
        Ok(updates)
    }

    fn event(&mut self, numbers: &mut Numbers, dot: Dot, event: WireEvent) -> Result<Event, RefusalReason> {
        let topic = self.state.replicas.topic(dot.replica());
        let mut removes = Vec::with_capacity(event.removes.len());
        for &(replica, sequence) in event.removes.iter() {
            let removed = self.dot(numbers, replica, sequence)?;
            if removed.replica() == dot.replica() && removed.sequence() >= dot.sequence() {
                return Err(RefusalReason::Malformed);
            }
            if self.state.replicas.topic(removed.replica()) != topic {
                return Err(RefusalReason::Malformed);
            }
            removes.push(removed);
        }
        let key = self.key(numbers, event.key, topic)?;
        let adds = event.adds.map(|adds| self.content(numbers, dot, adds, event.key)).transpose()?;
        let bytes = event_bytes(adds.as_ref().map(|(_, content)| content), removes.len());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Ok(Event { dot, key, adds, removes: removes.into(), bytes, following: 0 })
    }

    /// Heights out of a message, each in its place; 0 is one of them. What this node does not take counts as 0.
    pub(crate) fn heights(&mut self, claims: &Claims) -> Result<Vec<(ReplicaIndex, u64)>, RefusalReason> {
        let mut heights = Vec::with_capacity(claims.0.len());
        for &(lane, sequence) in &claims.0 {
            self.claim(lane, sequence.max(1))?;
            let taken = if self.interest.takes(lane.topic) { sequence } else { 0 };
            heights.push((self.replica(lane)?, taken));
        }
        Ok(heights)
    }

    /// Adds a part to what has arrived of a snapshot above `base`.
    pub(crate) fn part(&mut self, part: Part, staged: &mut Snapshot) -> Result<(), RefusalReason> {
        let mut numbers = self.numbers(&part.tables)?;
        for &(replica, sequence) in part.vector.iter() {
            let dot = self.dot(&numbers, replica, sequence.max(1))?;
            if self.interest.takes(self.state.replicas.topic(dot.replica())) {
                staged.heights.insert(dot.replica(), sequence);
            }
        }
        for (replica, distances) in part.gone.iter() {
            let mut sequence = 0u64;
            for &distance in distances.iter() {
                sequence = sequence.checked_add(distance).ok_or(RefusalReason::Malformed)?;
                staged.gone.push(self.dot(&numbers, *replica, sequence)?);
            }
        }
        for run in part.entries.0 {
            let mut sequence = 0u64;
            for (distance, content) in run.entries.0 {
                sequence = sequence.checked_add(distance).ok_or(RefusalReason::Malformed)?;
                let dot = self.dot(&numbers, run.replica, sequence)?;
                let topic = self.state.replicas.topic(dot.replica());
                if !self.interest.takes(topic) {
                    continue;
                }
                let key = self.key(&mut numbers, run.key, topic)?;
                let (slot, content) = self.content(&numbers, dot, WireContent { slot: run.slot, content }, run.key)?;
                staged.entries.push((dot, Entry { content, key, slot }));
            }
        }
        staged.differences.extend(part.differences.0);
        staged.live.extend(part.live.0);
        staged.check = part.check.map(u128::from_le_bytes).or(staged.check);
        for (replica, sequence, key) in part.missed.0 {
            let dot = self.dot(&numbers, replica, sequence)?;
            let topic = self.state.replicas.topic(dot.replica());
            if self.interest.takes(topic) {
                staged.missed.push((dot, self.key(&mut numbers, key, topic)?));
            }
        }
        Ok(())
    }

    fn content(
        &self,
        numbers: &Numbers,
        dot: Dot,
        adds: WireContent,
        variable: u32,
    ) -> Result<(SlotTag, Content), RefusalReason> {
        let slot = match (adds.slot as usize).checked_sub(1) {
            None => SlotTag::BASE,
            Some(place) => *numbers.slots.get(place).ok_or(RefusalReason::Malformed)?,
        };
        // Nobody spends another's rights; those of another incarnation are the same node's.
        let lane = self.state.replicas.lane(dot.replica());
        let own = |rights: &Rights| {
            let same_node = |before: &u128| ReplicaId(*before).node() == lane.replica.node();
            rights.replica == lane.owner() && rights.before.iter().all(same_node)
        };
        let kind = numbers.keys.get(variable as usize).map(|numbered| &numbered.key.kind);
        let fits = kind.is_some_and(|kind| adds.content.fits(kind)) && adds.content.rights().is_none_or(own);
        if fits { Ok((slot, adds.content)) } else { Err(RefusalReason::Unfit) }
    }
}
