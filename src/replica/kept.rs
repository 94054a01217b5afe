//! What replication keeps, in bytes: for each variable, and for the replicas that ever wrote. Figures for people; nothing
//! depends on them.

use std::collections::BTreeMap;

use crate::lattice::dot::Dot;
use crate::lattice::vector::VersionVector;
use crate::replica::KeyIndex;
use crate::replica::Replica;
use crate::replica::names::Replicas;
use crate::replica::names::SlotTag;
use crate::replica::wire;

/// What is kept of one variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many entries are live.
    pub entries: usize,
    /// The bytes of what these hold, as they travel.
    pub content_bytes: usize,
    /// The bytes by which they are known from each other: of each its dot, its variable and its slot.
    pub tag_bytes: usize,
}

/// What is kept of the replicas that ever wrote, whether they are there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writers {
    /// How many there are; one that wrote to several topics counts for each.
    pub lanes: usize,
    /// The bytes of their identities and of how many of their updates were seen.
    pub bytes: usize,
}

impl Replica {
    /// What is kept of each variable that has live entries.
    #[must_use]
    pub fn kept(&self) -> BTreeMap<KeyIndex, Kept> {
        let tag_bytes = size_of::<Dot>() + size_of::<KeyIndex>() + size_of::<SlotTag>();
        let mut kept: BTreeMap<KeyIndex, Kept> = BTreeMap::new();
        for (_, entry) in self.state.store.iter() {
            let of = kept.entry(entry.key).or_default();
            of.entries += 1;
            of.content_bytes += wire::size(&entry.content);
            of.tag_bytes += tag_bytes;
        }
        kept
    }

    /// What is kept of the replicas that ever wrote.
    #[must_use]
    pub fn writers(&self) -> Writers {
        let lanes = self.vector().count();
        Writers { lanes, bytes: lanes * (Replicas::ROW_BYTES + VersionVector::HEIGHT_BYTES) }
    }
}
