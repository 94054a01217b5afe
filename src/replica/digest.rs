//! A hash of a vector that is brought up to date by what changes, however many lanes there are, and says nothing of the order in
//! which a node has heard of them: of each lane that is covered a wide number, the sum of these, and the hash of the sum.
//!
//! This is the construction of `AdHash` and `LtHash` (Bellare and Micciancio, EUROCRYPT 1997). The sum has 1,024 bits, because sums of
//! few are made to agree by Wagner's generalized birthday attack, and a client may have lanes of its choice: with as many as a peer
//! may introduce that takes some 2^64 hashes.

use crate::lattice::dot::Lane;
use crate::lattice::vector::VersionVector;
use crate::replica::names::Replicas;
use crate::replica::prints::first_half;
use crate::replica::state::hash_lane;

const WORDS: usize = 16;

/// The sum of what the lanes of a vector bring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum([u64; WORDS]);

impl Sum {
    /// A lane goes from one height to another.
    pub(crate) fn change(&mut self, lane: Lane, from: u64, to: u64) {
        for (word, (less, more)) in self.0.iter_mut().zip(term(lane, from).into_iter().zip(term(lane, to))) {
            *word = word.wrapping_sub(less).wrapping_add(more);
        }
    }

    pub(crate) fn digest(&self) -> u128 {
        let mut hasher = blake3::Hasher::new();
        for word in self.0 {
            hasher.update(&word.to_le_bytes());
        }
        first_half(hasher.finalize())
    }
}

/// A hash of `vector` by identities, not by this node's numbers.
pub(crate) fn digest(replicas: &Replicas, vector: &VersionVector) -> u128 {
    let mut sum = Sum::default();
    for (index, height) in vector.iter() {
        sum.change(replicas.lane(index), 0, height);
    }
    sum.digest()
}

/// What a lane that is covered up to `height` brings; nothing when nothing is covered.
fn term(lane: Lane, height: u64) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    if height > 0 {
        let mut hasher = blake3::Hasher::new();
        hash_lane(&mut hasher, lane);
        hasher.update(&height.to_le_bytes());
        let mut bytes = [0; 8 * WORDS];
        hasher.finalize_xof().fill(&mut bytes);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::dot::ReplicaId;
    use crate::lattice::dot::TopicId;

    fn lane(replica: u128, topic: u128) -> Lane {
        Lane { topic: TopicId(topic), period: 0, replica: ReplicaId(replica) }
    }

    #[test]
    fn the_order_and_the_steps_of_changes_do_not_matter() {
        let (mut one, mut other) = (Sum::default(), Sum::default());
        for height in 0..5 {
            one.change(lane(1, 0), height, height + 1);
        }
        one.change(lane(2, 7), 0, 9);
        other.change(lane(2, 7), 0, 9);
        other.change(lane(3, 0), 0, 4);
        other.change(lane(1, 0), 0, 5);
        assert_ne!(one.digest(), other.digest());
        other.change(lane(3, 0), 4, 0);
        assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn lane_topic_and_height_all_count() {
        let digests = [(1, 0, 1), (1, 0, 2), (2, 0, 1), (1, 1, 1)].map(|(replica, topic, height)| {
            let mut sum = Sum::default();
            sum.change(lane(replica, topic), 0, height);
            sum.digest()
        });
        for (at, digest) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(digest));
        }
    }
}
