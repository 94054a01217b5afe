//! Version vectors: for each replica, how many of its updates are covered. Dense over one node's table of replicas.

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;

/// What a node has seen: of each replica, its updates 1 to n without a gap. What is not mentioned counts as 0.
#[derive(Clone, Debug, Default)]
pub struct VersionVector {
    heights: Vec<u64>,
}

impl VersionVector {
    /// The vector that covers nothing.
    #[must_use]
    pub fn new() -> VersionVector {
        VersionVector::default()
    }

    /// The last covered sequence number of `replica`; 0 for none.
    #[must_use]
    pub fn get(&self, replica: ReplicaIndex) -> u64 {
        self.heights.get(replica.0 as usize).copied().unwrap_or(0)
    }

    /// Whether the update is among those seen.
    #[must_use]
    pub fn covers(&self, dot: Dot) -> bool {
        dot.sequence() <= self.get(dot.replica())
    }

    /// Covers `replica` up to `sequence`; never lowers.
    pub fn raise(&mut self, replica: ReplicaIndex, sequence: u64) {
        let place = replica.0 as usize;
        if sequence > 0 && place >= self.heights.len() {
            self.heights.resize(place + 1, 0);
        }
        if let Some(height) = self.heights.get_mut(place) {
            *height = (*height).max(sequence);
        }
    }

    /// Covers nothing of `replica` any longer.
    pub fn forget(&mut self, replica: ReplicaIndex) {
        if let Some(height) = self.heights.get_mut(replica.0 as usize) {
            *height = 0;
        }
    }

    /// The join: covers what either covers.
    pub fn join(&mut self, other: &VersionVector) {
        for (replica, sequence) in other.iter() {
            self.raise(replica, sequence);
        }
    }

    /// Whether this vector covers something that `other` does not.
    #[must_use]
    pub fn exceeds(&self, other: &VersionVector) -> bool {
        self.iter().any(|(replica, sequence)| sequence > other.get(replica))
    }

    /// About how many replicas there are, covered or not: at once, without counting.
    #[must_use]
    pub fn width(&self) -> usize {
        self.heights.len()
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(self.heights.as_slice())
    }

    /// The replicas of which anything is covered, by index, with the last covered sequence number.
    pub fn iter(&self) -> impl Iterator<Item = (ReplicaIndex, u64)> {
        (0..).map(ReplicaIndex).zip(self.heights.iter().copied()).filter(|&(_, height)| height > 0)
    }
}

impl PartialEq for VersionVector {
    /// Replicas that nothing is covered of make no difference.
    fn eq(&self, other: &VersionVector) -> bool {
        !self.exceeds(other) && !other.exceeds(self)
    }
}

impl Eq for VersionVector {}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(heights: &[u64]) -> VersionVector {
        VersionVector { heights: heights.to_vec() }
    }

    #[test]
    fn joins_obey_the_lattice_laws() {
        let all: Vec<VersionVector> = (0..27u64).map(|n| vector(&[n % 3, n / 3 % 3, n / 9])).collect();
        let joined = |a: &VersionVector, b: &VersionVector| {
            let mut a = a.clone();
            a.join(b);
            a
        };
        for a in &all {
            assert_eq!(&joined(a, a), a);
            for b in &all {
                let ab = joined(a, b);
                assert_eq!(ab, joined(b, a));
                assert!(!a.exceeds(&ab) && !b.exceeds(&ab));
                assert_eq!(&ab == a, !b.exceeds(a));
                for c in &all {
                    assert_eq!(joined(&ab, c), joined(a, &joined(b, c)));
                }
            }
        }
    }

    #[test]
    fn what_is_not_mentioned_counts_as_nothing() {
        assert_eq!(vector(&[1, 0, 0]), vector(&[1]));
        assert_eq!(vector(&[]).get(ReplicaIndex(9)), 0);
        let mut empty = vector(&[]);
        empty.raise(ReplicaIndex(1 << 20), 0);
        assert_eq!(empty.heights.len(), 0);
    }
}
