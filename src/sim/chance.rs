//! Chance without memory: a number follows from what it decides about, not from how many others were drawn before. So what
//! happens to one message stays the same when other messages are no longer there, and a failure that is being shrunk stays.

/// A number that looks like chance and follows from `seed` and `words` alone. (The finaliser of `SplitMix64`, chained.)
pub(crate) fn chance(seed: u64, words: &[u64]) -> u64 {
    words.iter().fold(mix(seed), |state, word| mix(state.rotate_left(23) ^ word.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// The same as a number below `most`.
pub(crate) fn below(most: u64, seed: u64, words: &[u64]) -> u64 {
    chance(seed, words) % most.max(1)
}

fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_its_place_matter_and_numbers_are_spread() {
        assert_ne!(chance(1, &[2, 3]), chance(1, &[3, 2]));
        assert_ne!(chance(1, &[2]), chance(2, &[1]));
        let mut buckets = [0; 10];
        for word in 0..10_000 {
            buckets[usize::try_from(below(10, 7, &[word])).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|count| (800..1200).contains(count)), "{buckets:?}");
    }
}
