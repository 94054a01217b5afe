//! From a peer's words to this node's own numbers: everything that a peer sends is held against its bounds here, before
//! any of it has an effect.

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::store::Bitmap;
use crate::lattice::vector::VersionVector;
use crate::replica::KeyIndex;
use crate::replica::RefusalReason;
use crate::replica::VariableKey;
use crate::replica::group::event_bytes;
use crate::replica::group::name_fits;
use crate::replica::message::Claims;
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
use crate::value::kind::Type;
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
    keys: Vec<(KeyIndex, Type)>,
    slots: Vec<SlotTag>,
}

/// Takes messages in for `me`, which has issued its updates up to `issued`.
pub(crate) struct Admission<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) me: ReplicaId,
    pub(crate) quota: &'a mut Quota,
    /// Variables that nobody had mentioned before.
    pub(crate) new_keys: Vec<VariableKey>,
}

impl Admission<'_> {
    fn issued(&self) -> u64 {
        self.state.replicas.find(self.me).map_or(0, |me| self.state.vector().get(me))
    }

    /// A dot or a height that a message claims.
    fn claim(&self, id: ReplicaId, sequence: u64) -> Result<(), RefusalReason> {
        if sequence == 0 || sequence > Dot::SEQUENCE_MAX {
            return Err(RefusalReason::Malformed);
        }
        if id == self.me && sequence > self.issued() {
            return Err(RefusalReason::IdentityInUse);
        }
        Ok(())
    }

    fn replica(&mut self, id: ReplicaId) -> Result<ReplicaIndex, RefusalReason> {
        if let Some(known) = self.state.replicas.find(id) {
            return Ok(known);
        }
        self.quota.replicas = self.quota.replicas.checked_sub(1).ok_or(RefusalReason::TooManyReplicas)?;
        self.state.replicas.intern(id).ok_or(RefusalReason::TooManyReplicas)
    }

    /// A vector out of a message.
    pub(crate) fn vector(&mut self, claims: &Claims) -> Result<VersionVector, RefusalReason> {
        for (id, sequence) in claims.iter() {
            self.claim(replica_id(*id), *sequence)?;
        }
        let mut vector = VersionVector::new();
        for (id, sequence) in claims.iter() {
            vector.raise(self.replica(replica_id(*id))?, *sequence);
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
        let replicas = tables.replicas.iter().map(|&id| self.replica(replica_id(id))).collect::<Result<_, _>>()?;
        let mut keys = Vec::with_capacity(named.len());
        for key in named {
            if self.state.keys.find(&key).is_none() {
                self.new_keys.push(key.clone());
            }
            keys.push((self.state.keys.intern(&key), key.kind));
        }
        let slots = tables.slots.iter().map(|&id| self.state.slots.intern(Some(u128::from_le_bytes(id)))).collect();
        Ok(Numbers { replicas, keys, slots })
    }

    fn dot(&self, numbers: &Numbers, replica: u32, sequence: u64) -> Result<Dot, RefusalReason> {
        let index = *numbers.replicas.get(replica as usize).ok_or(RefusalReason::Malformed)?;
        self.claim(self.state.replicas.id(index), sequence)?;
        Dot::new(index, sequence).ok_or(RefusalReason::Malformed)
    }

    /// The updates of a group, all or none.
    pub(crate) fn updates(&mut self, group: Group) -> Result<Vec<Update>, RefusalReason> {
        let numbers = self.numbers(&group.tables)?;
        let mut updates = Vec::with_capacity(group.runs.iter().map(|run| run.events.len()).sum());
        for run in group.runs.0 {
            let (place, whole) = (run.replica & !WHOLE, run.replica & WHOLE != 0);
            let (mut sequence, mut following) = (run.first, u32::try_from(run.events.len()).unwrap_or(u32::MAX));
            let mut transaction: Option<Update> = None;
            for event in run.events.0 {
                let dot = self.dot(&numbers, place, sequence)?;
                let mut event = self.event(&numbers, dot, event)?;
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

    fn event(&self, numbers: &Numbers, dot: Dot, event: WireEvent) -> Result<Event, RefusalReason> {
        let (key, kind) = numbers.keys.get(event.key as usize).ok_or(RefusalReason::Malformed)?;
        let mut removes = Vec::with_capacity(event.removes.len());
        for &(replica, sequence) in event.removes.iter() {
            let removed = self.dot(numbers, replica, sequence)?;
            if removed.replica() == dot.replica() && removed.sequence() >= dot.sequence() {
                return Err(RefusalReason::Malformed);
            }
            removes.push(removed);
        }
        let adds = event.adds.map(|adds| self.content(numbers, dot, adds, kind)).transpose()?;
        let bytes = event_bytes(adds.as_ref().map(|(_, content)| content), removes.len());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Ok(Event { dot, key: *key, adds, removes: removes.into(), bytes, following: 0 })
    }

    /// Adds a part to what has arrived of a snapshot above `base`.
    pub(crate) fn part(&mut self, part: Part, staged: &mut Snapshot) -> Result<(), RefusalReason> {
        let numbers = self.numbers(&part.tables)?;
        for &(replica, sequence) in part.vector.iter() {
            let dot = self.dot(&numbers, replica, sequence)?;
            staged.vector.raise(dot.replica(), sequence);
        }
        for (replica, number, bits) in part.blocks.0 {
            let index = *numbers.replicas.get(replica as usize).ok_or(RefusalReason::Malformed)?;
            let bitmap = Bitmap::from_bytes(&bits).ok_or(RefusalReason::Malformed)?;
            staged.blocks.push((index, u64::from(number), bitmap));
        }
        for entry in part.entries.0 {
            let dot = self.dot(&numbers, entry.replica, entry.sequence)?;
            let (key, kind) = numbers.keys.get(entry.key as usize).ok_or(RefusalReason::Malformed)?;
            let (slot, content) = self.content(&numbers, dot, entry.content, kind)?;
            staged.entries.push((dot, Entry { content, key: *key, slot }));
        }
        Ok(())
    }

    fn content(
        &self,
        numbers: &Numbers,
        dot: Dot,
        adds: WireContent,
        kind: &Type,
    ) -> Result<(SlotTag, Content), RefusalReason> {
        let slot = match (adds.slot as usize).checked_sub(1) {
            None => SlotTag::BASE,
            Some(place) => *numbers.slots.get(place).ok_or(RefusalReason::Malformed)?,
        };
        // Nobody spends another's rights.
        let own = |rights: &Rights| rights.replica == self.state.replicas.id(dot.replica()).0;
        let fits = adds.content.fits(kind) && adds.content.rights().is_none_or(own);
        if fits { Ok((slot, adds.content)) } else { Err(RefusalReason::Unfit) }
    }
}

/// An identity out of a message.
pub(crate) fn replica_id(bytes: [u8; 16]) -> ReplicaId {
    ReplicaId(u128::from_le_bytes(bytes))
}
