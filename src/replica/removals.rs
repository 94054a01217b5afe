//! Which dots were taken back lately, and by which updates: what a peer whose vector is not far behind has to take back
//! itself. Bounded, and may be forgotten at any time: whom it does not suffice for compares fingerprints instead.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::vector::VersionVector;

/// See the module.
#[derive(Default)]
pub(crate) struct Removals {
    /// By the lane of the update that took back: its sequence number, ascending, and what it took back.
    lanes: FxHashMap<ReplicaIndex, VecDeque<(u64, Dot)>>,
    /// The lanes of all of these in the order of their coming.
    order: VecDeque<ReplicaIndex>,
    /// Everything that a lane's updates above it took back is here.
    floor: FxHashMap<ReplicaIndex, u64>,
}

impl Removals {
    /// The update `by`, its lane's newest, has taken back the live dot `removed`.
    pub(crate) fn push(&mut self, by: Dot, removed: Dot) {
        self.lanes.entry(by.replica()).or_default().push_back((by.sequence(), removed));
        self.order.push_back(by.replica());
    }

    /// The node's vector went to `sequence` without the updates in between.
    pub(crate) fn skip_to(&mut self, replica: ReplicaIndex, sequence: u64) {
        self.floor.insert(replica, sequence);
    }

    /// Forgets what a lane's updates took back, of which nothing is covered any longer.
    pub(crate) fn forget(&mut self, replica: ReplicaIndex) {
        self.lanes.remove(&replica);
        self.order.retain(|&other| other != replica);
        self.floor.remove(&replica);
    }

    /// Forgets the oldest until there are `most`.
    pub(crate) fn trim(&mut self, most: usize) {
        while self.order.len() > most {
            let Some(replica) = self.order.pop_front() else { return };
            if let Some((sequence, _)) = self.lanes.get_mut(&replica).and_then(VecDeque::pop_front) {
                let floor = self.floor.entry(replica).or_insert(0);
                *floor = (*floor).max(sequence);
            }
        }
    }

    /// What the updates above `base`, up to the node's vector `to`, have taken back of what `base` covers, ascending; `None`
    /// when some of it has been forgotten.
    pub(crate) fn above(&self, base: &VersionVector, to: &VersionVector) -> Option<Vec<Dot>> {
        let mut gone = Vec::new();
        for (replica, sequence) in to.iter() {
            let has = base.get(replica);
            if has >= sequence {
                continue;
            }
            if has < self.floor.get(&replica).copied().unwrap_or(0) {
                return None;
            }
            if let Some(lane) = self.lanes.get(&replica) {
                let first = lane.partition_point(|&(by, _)| by <= has);
                gone.extend(lane.range(first..).map(|&(_, removed)| removed).filter(|&dot| base.covers(dot)));
            }
        }
        gone.sort_unstable();
        Some(gone)
    }
}
