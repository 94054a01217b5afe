//! What a run costs and how fast it is: traffic by kind, how long updates take to be everywhere, how far nodes are apart.

use std::collections::BTreeMap;

use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaIndex;
use crate::node::Node;
use crate::replica::Written;

/// How many updates are followed at the same time, times how many nodes there are. Beyond that new ones are not followed.
const FOLLOWED_MAX: usize = 1 << 16;
/// How many are followed at the same time at least.
const FOLLOWED_MIN: usize = 16;

/// Messages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many were sent.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them never arrived.
    pub lost: u64,
}

/// How far nodes were apart at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// When.
    pub at_ms: u64,
    /// How many nodes were up.
    pub nodes: usize,
    /// How many different states they had.
    pub states: usize,
}

/// See the module.
#[derive(Default)]
pub struct Measure {
    /// By kind of message.
    pub traffic: BTreeMap<&'static str, Traffic>,
    /// How long followed updates took to be at all nodes, milliseconds, in the order in which they got there.
    pub convergence_ms: Vec<u64>,
    /// How far nodes were apart, now and then.
    pub divergence: Vec<Divergence>,
    /// How many updates were made.
    pub updates: u64,
    /// How many followed updates went with the last node that had them.
    pub gone: u64,
    followed: BTreeMap<(Lane, u64), Followed>,
    /// By node: the followed updates that it has not seen. Empty for one that is not up.
    unseen: Vec<Vec<Unseen>>,
    /// By node: how often its vector had changed when it was looked at last.
    looked: Vec<u64>,
    up: Vec<bool>,
    up_count: usize,
}

/// A followed update that a node has not seen, and the number of its lane there, once it has one.
#[derive(Clone, Copy)]
struct Unseen {
    dot: (Lane, u64),
    lane: Option<ReplicaIndex>,
}

struct Followed {
    at_ms: u64,
    /// How many nodes have seen it, and how many have not.
    have: usize,
    missing: usize,
}

impl Measure {
    pub(crate) fn started(&mut self, node: usize) {
        if self.up.len() <= node {
            self.up.resize(node + 1, false);
            self.unseen.resize_with(node + 1, Vec::new);
            self.looked.resize(node + 1, 0);
        }
        self.looked[node] = 0;
        self.up_count += usize::from(!self.up[node]);
        self.up[node] = true;
    }

    /// A node is gone: nobody waits for it any more, and what only it had is nowhere.
    pub(crate) fn gone(&mut self, node: usize) {
        let Some(up) = self.up.get_mut(node).filter(|up| **up) else { return };
        *up = false;
        self.up_count -= 1;
        let unseen = std::mem::take(&mut self.unseen[node]);
        let mut ended = Vec::new();
        for (dot, followed) in &mut self.followed {
            // Nodes that came later than the update count on neither side.
            if unseen.iter().any(|unseen| unseen.dot == *dot) {
                followed.missing -= 1;
                if followed.missing == 0 {
                    ended.push(*dot);
                }
            } else {
                followed.have = followed.have.saturating_sub(1);
                if followed.have == 0 {
                    ended.push(*dot);
                }
            }
        }
        for dot in ended {
            self.gone += 1;
            self.followed.remove(&dot);
            self.unseen.iter_mut().for_each(|unseen| unseen.retain(|waiting| waiting.dot != dot));
        }
    }

    pub(crate) fn sent(&mut self, kind: &'static str, bytes: usize, copies: usize) {
        let traffic = self.traffic.entry(kind).or_default();
        traffic.messages += 1;
        traffic.bytes += bytes as u64;
        traffic.lost += u64::from(copies == 0);
    }

    pub(crate) fn wrote(&mut self, node: usize, written: &Written, now_ms: u64) {
        self.updates += 1;
        let room = (FOLLOWED_MAX / self.up_count.max(1)).max(FOLLOWED_MIN);
        if self.followed.len() >= room || self.up_count < 2 {
            return;
        }
        let dot = (written.replica, written.sequence);
        self.followed.insert(dot, Followed { at_ms: now_ms, have: 1, missing: self.up_count - 1 });
        for (other, unseen) in self.unseen.iter_mut().enumerate() {
            if other != node && self.up[other] {
                unseen.push(Unseen { dot, lane: None });
            }
        }
    }

    /// A node may have seen more than before.
    pub(crate) fn looked_at(&mut self, number: usize, node: &Node, now_ms: u64) {
        let Some(unseen) = self.unseen.get_mut(number).filter(|unseen| !unseen.is_empty()) else { return };
        let changes = node.seen_changes();
        if std::mem::replace(&mut self.looked[number], changes) == changes {
            return;
        }
        let (followed, convergence_ms) = (&mut self.followed, &mut self.convergence_ms);
        unseen.retain_mut(|Unseen { dot, lane }| {
            *lane = lane.or_else(|| node.lane_index(dot.0));
            if lane.is_none_or(|lane| node.height(lane) < dot.1) {
                return true;
            }
            if let Some(update) = followed.get_mut(dot) {
                update.have += 1;
                update.missing -= 1;
                if update.missing == 0 {
                    convergence_ms.push(now_ms - update.at_ms);
                    followed.remove(dot);
                }
            }
            false
        });
    }

    /// How many updates are followed that are not everywhere yet.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.followed.len()
    }

    /// How many updates took so long, by powers of two: up to 1 ms, up to 2 ms, up to 4 ms and so on.
    #[must_use]
    pub fn histogram(&self) -> Vec<(u64, u64)> {
        let mut buckets: BTreeMap<u64, u64> = BTreeMap::new();
        for took in &self.convergence_ms {
            *buckets.entry(took.max(&1).next_power_of_two()).or_default() += 1;
        }
        let (Some(&first), Some(&last)) = (buckets.keys().next(), buckets.keys().next_back()) else {
            return Vec::new();
        };
        let bounds =
            std::iter::successors(Some(first), |bound| bound.checked_mul(2)).take_while(|bound| *bound <= last);
        bounds.map(|bound| (bound, buckets.get(&bound).copied().unwrap_or(0))).collect()
    }

    /// The time within which so many of a hundred of the followed updates were everywhere.
    #[must_use]
    pub fn percentile(&self, of_hundred: usize) -> Option<u64> {
        let mut sorted = self.convergence_ms.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get(last * of_hundred.min(100) / 100).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_buckets_by_powers_of_two() {
        let measure = Measure { convergence_ms: vec![0, 1, 2, 3, 4, 9], ..Measure::default() };
        assert_eq!(measure.histogram(), [(1, 2), (2, 1), (4, 2), (8, 0), (16, 1)]);
        assert_eq!(
            (measure.percentile(0), measure.percentile(50), measure.percentile(100)),
            (Some(0), Some(2), Some(9))
        );
        assert_eq!(Measure::default().histogram(), []);
    }
}
