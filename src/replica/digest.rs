//! A hash of a vector: of each lane that is covered one number, and the sum of these. So it is brought up to date by what changes,
//! however many lanes there are, and says nothing of the order in which a node has heard of them.
//!
//! It tells vectors of nodes that trust each other apart, by 128 bits; it is no signature. Servers are trusted with vectors, and
//! what a client says of others' updates is not believed, so that nobody gains anything by two vectors with the same hash.

use crate::lattice::dot::Lane;
use crate::lattice::vector::VersionVector;
use crate::replica::names::Replicas;

/// A hash of `vector` by identities, not by this node's numbers.
pub(crate) fn digest(replicas: &Replicas, vector: &VersionVector) -> u128 {
    let heights = vector.iter().map(|(index, height)| term(replicas.lane(index), height));
    heights.fold(0, u128::wrapping_add)
}

/// What a lane that is covered up to `height` brings to the hash; nothing when nothing is covered.
pub(crate) fn term(lane: Lane, height: u64) -> u128 {
    if height == 0 {
        return 0;
    }
    let (high, low) = halves(lane.replica.0);
    let (topic_high, topic_low) = halves(lane.word());
    let one = [high, low, topic_high, topic_low, height].into_iter().fold(0x243F_6A88_85A3_08D3, stir);
    let other = [height, low, high, topic_low, topic_high].into_iter().fold(0x1319_8A2E_0370_7344, stir);
    u128::from(one) << 64 | u128::from(other)
}

fn halves(word: u128) -> (u64, u64) {
    (u64::try_from(word >> 64).unwrap_or_default(), u64::try_from(word & u128::from(u64::MAX)).unwrap_or_default())
}

/// One more word: the finalizer of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014), whose every bit depends on all.
fn stir(state: u64, word: u64) -> u64 {
    let mut mixed = (state ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lattice::dot::ReplicaId;
    use crate::lattice::dot::TopicId;

    /// Sums that agree would need terms that do: a hundred thousand neighbouring ones are all different in each half.
    #[test]
    fn lanes_and_heights_that_are_close_have_terms_that_are_not() {
        let mut seen = [BTreeSet::new(), BTreeSet::new()];
        let mut count = 0;
        for replica in (0..50).chain((0..50).map(|n| n << 64)) {
            for topic in 0..5u128 {
                for height in 1..200 {
                    let lane = Lane { topic: TopicId(topic << 16), period: 0, replica: ReplicaId(replica) };
                    let (high, low) = halves(term(lane, height));
                    seen[0].insert(high);
                    seen[1].insert(low);
                    count += 1;
                }
            }
        }
        // One lane is there twice, by its number and as a multiple of nothing.
        let different = count - 5 * 199;
        assert_eq!(seen.map(|half| half.len()), [different; 2]);
    }

    #[test]
    fn what_is_not_covered_counts_for_nothing() {
        assert_eq!(term(Lane::plain(ReplicaId(1)), 0), 0);
    }
}
