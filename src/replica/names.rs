//! The tables that turn what travels (replica identities, variables, derivations) into small local numbers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::replica::KeyIndex;
use crate::replica::VariableKey;
use crate::replica::group;

/// The number of a slot's derivation, or none for a base entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotTag(u32);

impl SlotTag {
    pub(crate) const BASE: SlotTag = SlotTag(0);
}

/// The replicas that this node has heard of.
#[derive(Default)]
pub(crate) struct Replicas {
    ids: Vec<ReplicaId>,
    by_id: BTreeMap<ReplicaId, ReplicaIndex>,
}

impl Replicas {
    pub(crate) fn find(&self, id: ReplicaId) -> Option<ReplicaIndex> {
        self.by_id.get(&id).copied()
    }

    /// `None` when there are as many replicas as one node can tell apart.
    pub(crate) fn intern(&mut self, id: ReplicaId) -> Option<ReplicaIndex> {
        if let Some(known) = self.find(id) {
            return Some(known);
        }
        let index = u32::try_from(self.ids.len()).ok().filter(|&index| index < Dot::REPLICAS_MAX).map(ReplicaIndex)?;
        self.ids.push(id);
        self.by_id.insert(id, index);
        Some(index)
    }

    pub(crate) fn id(&self, index: ReplicaIndex) -> ReplicaId {
        // Indexes are only ever made by `intern`; the fallback is the identity that nobody has.
        self.ids.get(index.0 as usize).copied().unwrap_or(ReplicaId(0))
    }

    /// By identity, which is the same order on all nodes.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (ReplicaId, ReplicaIndex)> {
        self.by_id.iter().map(|(&id, &index)| (id, index))
    }
}

/// The variables that this node has heard of, whether its program uses them or not.
#[derive(Default)]
pub(crate) struct Keys {
    known: Vec<Key>,
    by_key: FxHashMap<VariableKey, KeyIndex>,
}

struct Key {
    variable: VariableKey,
    /// Whether its name may travel; found out once.
    name_fits: bool,
    /// How many live entries there are.
    live: usize,
    /// Which ones, until somebody here has asked for them: from then on they follow the changes by themselves.
    dots: Option<BTreeSet<Dot>>,
}

impl Keys {
    pub(crate) fn find(&self, key: &VariableKey) -> Option<KeyIndex> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn intern(&mut self, key: &VariableKey) -> KeyIndex {
        if let Some(known) = self.find(key) {
            return known;
        }
        let index = KeyIndex(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        let name_fits = group::name_fits(&key.name);
        self.known.push(Key { variable: key.clone(), name_fits, live: 0, dots: Some(BTreeSet::new()) });
        self.by_key.insert(key.clone(), index);
        index
    }

    pub(crate) fn get(&self, index: KeyIndex) -> Option<&VariableKey> {
        self.known.get(index.0 as usize).map(|known| &known.variable)
    }

    /// Whether the variable's name may travel.
    pub(crate) fn name_fits(&self, index: KeyIndex) -> bool {
        self.known.get(index.0 as usize).is_some_and(|known| known.name_fits)
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn live(&self, index: KeyIndex) -> usize {
        self.known.get(index.0 as usize).map_or(0, |known| known.live)
    }

    pub(crate) fn added(&mut self, index: KeyIndex, dot: Dot) {
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
