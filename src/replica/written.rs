//! What this node wrote itself, in words that mean the same on all nodes: for a judge that holds other nodes against it.

use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaIndex;
use crate::replica::Replica;
use crate::replica::VariableKey;
use crate::replica::state::Event;
use crate::value::content::Content;

/// One update of one replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Who made it.
    pub replica: Lane,
    /// Which of the replica's updates it is, from 1.
    pub sequence: u64,
    /// The variable.
    pub key: VariableKey,
    /// What it adds, if anything.
    pub content: Option<Content>,
    /// The derivation whose slot that is in; none for a base entry.
    pub slot: Option<u128>,
    /// The dots that it takes back.
    pub removes: Vec<(Lane, u64)>,
    /// How many of the replica's next updates belong to the same transaction.
    pub following: u32,
}

impl Replica {
    /// From now on, keeps what this node writes for [`Replica::take_written`].
    pub fn follow_writes(&mut self) {
        self.written.get_or_insert_default();
    }

    /// What this node has written since this was asked last, in order; empty unless [`Replica::follow_writes`] was called.
    pub fn take_written(&mut self) -> Vec<Written> {
        self.written.as_mut().map_or_else(Vec::new, std::mem::take)
    }

    pub(crate) fn note_written(&mut self, event: &Event) {
        if self.written.is_none() {
            return;
        }
        let id = |dot: crate::lattice::dot::Dot| (self.state.replicas.lane(dot.replica()), dot.sequence());
        let Some(key) = self.state.keys.get(event.key).cloned() else { return };
        let (replica, sequence) = id(event.dot);
        let written = Written {
            replica,
            sequence,
            key,
            content: event.adds.as_ref().map(|(_, content)| content.clone()),
            slot: event.adds.as_ref().and_then(|(slot, _)| self.state.slots.identity(*slot)),
            removes: event.removes.iter().copied().map(id).collect(),
            following: event.following,
        };
        self.written.get_or_insert_default().push(written);
    }

    /// Whether an update has been seen.
    #[must_use]
    pub fn covers(&self, replica: Lane, sequence: u64) -> bool {
        self.lane_index(replica).is_some_and(|index| self.height(index) >= sequence)
    }

    /// The number of a lane here; none before it is heard of.
    #[must_use]
    pub fn lane_index(&self, lane: Lane) -> Option<ReplicaIndex> {
        self.state.replicas.find(lane)
    }

    /// How often the version vector has changed.
    #[must_use]
    pub fn vector_changes(&self) -> u64 {
        self.state.changes()
    }

    /// How many of a lane's updates have been seen.
    #[must_use]
    pub fn height(&self, lane: ReplicaIndex) -> u64 {
        self.state.vector().get(lane)
    }
}
