//! Which dots were taken back lately, and by which updates: what a peer whose vector is not far behind has to take back
//! itself. Bounded, and may be forgotten at any time: whom it does not suffice for compares fingerprints instead.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::vector::VersionVector;

/// Of how many lanes it is known from where on their removals are here.
const LANES_MAX: usize = 1 << 12;

/// See the module.
#[derive(Default)]
pub(crate) struct Removals {
    /// By the lane of the update that took back: its sequence number, ascending, and what it took back.
    lanes: FxHashMap<ReplicaIndex, VecDeque<(u64, Dot)>>,
    /// The lanes of all of these in the order of their coming.
    order: VecDeque<ReplicaIndex>,
    /// Everything that a lane's updates above it took back is here. Of a lane that is not mentioned nothing is known.
    floor: FxHashMap<ReplicaIndex, u64>,
    /// The lanes that are mentioned, oldest first.
    mentioned: VecDeque<ReplicaIndex>,
}

impl Removals {
    /// Whether there are no more than so many removals, and nothing but a bounded number of lanes besides.
    #[cfg(test)]
    pub(crate) fn is_within(&self, most: usize) -> bool {
        let lanes = self.floor.len().max(self.mentioned.len());
        self.order.len() <= most && self.lanes.len() <= most && lanes <= LANES_MAX
    }

    /// An update was applied, its lane's newest, and has taken back these dots.
    pub(crate) fn push(&mut self, by: Dot, removed: impl Iterator<Item = Dot>) {
        if !self.floor.contains_key(&by.replica()) {
            self.mention(by.replica(), by.sequence() - 1);
        }
        for removed in removed {
            self.lanes.entry(by.replica()).or_default().push_back((by.sequence(), removed));
            self.order.push_back(by.replica());
        }
    }

    fn mention(&mut self, replica: ReplicaIndex, floor: u64) {
        if self.mentioned.len() >= LANES_MAX
            && let Some(oldest) = self.mentioned.pop_front()
        {
            self.floor.remove(&oldest);
        }
        self.floor.insert(replica, floor);
        self.mentioned.push_back(replica);
    }

    /// The node's vector went to `sequence` without the updates in between.
    pub(crate) fn skip_to(&mut self, replica: ReplicaIndex, sequence: u64) {
        match self.floor.get_mut(&replica) {
            Some(floor) => *floor = sequence,
            None => self.mention(replica, sequence),
        }
    }

    /// Forgets what the updates of these lanes took back, of which nothing is covered any longer.
    pub(crate) fn forget(&mut self, gone: &BTreeSet<ReplicaIndex>) {
        self.lanes.retain(|lane, _| !gone.contains(lane));
        self.order.retain(|lane| !gone.contains(lane));
        self.floor.retain(|lane, _| !gone.contains(lane));
        self.mentioned.retain(|lane| !gone.contains(lane));
    }

    /// Forgets the oldest until there are `most`.
    pub(crate) fn trim(&mut self, most: usize) {
        while self.order.len() > most {
            let Some(replica) = self.order.pop_front() else { return };
            let Some(lane) = self.lanes.get_mut(&replica) else { continue };
            if let Some((sequence, _)) = lane.pop_front()
                && let Some(floor) = self.floor.get_mut(&replica)
            {
                *floor = (*floor).max(sequence);
            }
            if lane.is_empty() {
                self.lanes.remove(&replica);
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
            if self.floor.get(&replica).is_none_or(|&floor| has < floor) {
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
