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
    /// Of a lane that is not mentioned nothing is known.
    lanes: FxHashMap<ReplicaIndex, OfLane>,
    /// The lanes of all removals in the order of their coming.
    order: VecDeque<ReplicaIndex>,
    /// The lanes that are mentioned, oldest first.
    mentioned: VecDeque<ReplicaIndex>,
}

/// What is known of a lane.
struct OfLane {
    /// Everything that the lane's updates above it took back is here.
    floor: u64,
    /// By the update that took back: its sequence number, ascending, and what it took back.
    removed: VecDeque<(u64, Dot)>,
}

impl Removals {
    /// Whether there are no more than so many removals, and nothing but a bounded number of lanes besides.
    #[cfg(test)]
    pub(crate) fn is_within(&self, most: usize) -> bool {
        let removed: usize = self.lanes.values().map(|lane| lane.removed.len()).sum();
        self.order.len().max(removed) <= most && self.lanes.len().max(self.mentioned.len()) <= LANES_MAX
    }

    /// An update was applied, its lane's newest, and has taken back these dots.
    pub(crate) fn push(&mut self, by: Dot, removed: impl Iterator<Item = Dot>) {
        let lane = self.lane(by.replica(), by.sequence() - 1);
        let before = lane.removed.len();
        lane.removed.extend(removed.map(|removed| (by.sequence(), removed)));
        for _ in before..lane.removed.len() {
            self.order.push_back(by.replica());
        }
    }

    /// A lane; of one that was not mentioned all from `floor` on will be here.
    fn lane(&mut self, replica: ReplicaIndex, floor: u64) -> &mut OfLane {
        if self.mentioned.len() >= LANES_MAX && !self.lanes.contains_key(&replica) {
            self.mentioned.pop_front().and_then(|oldest| self.lanes.remove(&oldest));
        }
        self.lanes.entry(replica).or_insert_with(|| {
            self.mentioned.push_back(replica);
            OfLane { floor, removed: VecDeque::new() }
        })
    }

    /// The node's vector went to `sequence` without the updates in between.
    pub(crate) fn skip_to(&mut self, replica: ReplicaIndex, sequence: u64) {
        self.lane(replica, sequence).floor = sequence;
    }

    /// Forgets what the updates of these lanes took back, of which nothing is covered any longer.
    pub(crate) fn forget(&mut self, gone: &BTreeSet<ReplicaIndex>) {
        self.lanes.retain(|lane, _| !gone.contains(lane));
        self.order.retain(|lane| !gone.contains(lane));
        self.mentioned.retain(|lane| !gone.contains(lane));
    }

    /// Forgets the oldest until there are `most`. Where a lane was not mentioned for a while, some more may go.
    pub(crate) fn trim(&mut self, most: usize) {
        while self.order.len() > most {
            let Some(replica) = self.order.pop_front() else { return };
            let Some(lane) = self.lanes.get_mut(&replica) else { continue };
            if let Some((sequence, _)) = lane.removed.pop_front() {
                lane.floor = lane.floor.max(sequence);
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
            let lane = self.lanes.get(&replica).filter(|lane| has >= lane.floor)?;
            let first = lane.removed.partition_point(|&(by, _)| by <= has);
            gone.extend(lane.removed.range(first..).map(|&(_, removed)| removed).filter(|&dot| base.covers(dot)));
        }
        gone.sort_unstable();
        Some(gone)
    }
}
