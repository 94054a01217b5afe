//! Sketches of sets of small numbers: a few of them tell how two sets differ, at a cost that goes by the difference alone.
//!
//! A sketch of strength t are the sums of the first t odd powers of a set's members, taken as members of a field of two to
//! the m elements: the syndromes of a binary BCH code. The sum of two sketches is the sketch of the sets' difference, from
//! which up to t members are found (Berlekamp and Massey's algorithm; Dodis, Ostrovsky, Reyzin, Smith, "Fuzzy extractors",
//! 2008, section 6.3). More than t members are mostly noticed, not always: who must be sure compares a hash of the result.

/// The most power sums of one sketch.
pub const STRENGTH_MAX: usize = 24;
/// The fields there are: of 2^11 to 2^16 elements.
const BITS_MIN: u32 = 11;
/// Primitive polynomials, by the number of bits from [`BITS_MIN`] on.
const POLYNOMIALS: [u32; 6] = [0x805, 0x1053, 0x201B, 0x4443, 0x8003, 0x1100B];

/// A finite field: its logarithms and powers of a generator.
pub struct Field {
    bits: u32,
    logarithms: Vec<u16>,
    powers: Vec<u16>,
}

impl Field {
    /// The smallest field for members below `members`; `None` when there is none so large.
    #[must_use]
    pub fn for_members(members: u64) -> Option<Field> {
        // Zero stands for none: its powers tell nothing.
        let place = POLYNOMIALS.iter().zip(BITS_MIN..).position(|(_, bits)| members < 1 << bits)?;
        let (bits, polynomial) = (BITS_MIN + u32::try_from(place).ok()?, POLYNOMIALS[place]);
        let size = 1usize << bits;
        let (mut logarithms, mut powers) = (vec![0; size], Vec::with_capacity(size));
        let mut value = 1u32;
        for exponent in 0..size - 1 {
            logarithms[value as usize] = u16::try_from(exponent).unwrap_or(0);
            powers.push(u16::try_from(value).unwrap_or(0));
            value <<= 1;
            value ^= if value >> bits == 0 { 0 } else { polynomial };
        }
        Some(Field { bits, logarithms, powers })
    }

    /// How many bits a power sum has.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    fn order(&self) -> usize {
        self.powers.len()
    }

    fn log(&self, a: u16) -> usize {
        usize::from(self.logarithms[usize::from(a)])
    }

    fn product(&self, a: u16, b: u16) -> u16 {
        if a == 0 || b == 0 {
            return 0;
        }
        let sum = self.log(a) + self.log(b);
        self.powers[if sum >= self.order() { sum - self.order() } else { sum }]
    }

    fn quotient(&self, a: u16, b: u16) -> u16 {
        if a == 0 {
            return 0;
        }
        let difference = self.log(a) + self.order() - self.log(b);
        self.powers[difference % self.order()]
    }

    /// The sums of the first `strength` odd powers of `members`, each counted from 0 and below what the field is for.
    pub fn sketch(&self, members: impl Iterator<Item = u64>, strength: usize) -> Vec<u16> {
        let mut sums = vec![0; strength];
        for member in members {
            let Some(log) = self.log_of(member) else { continue };
            let (step, mut at) = (2 * log % self.order(), log);
            for sum in &mut sums {
                *sum ^= self.powers[at];
                at += step;
                at -= if at >= self.order() { self.order() } else { 0 };
            }
        }
        sums
    }

    /// A member stands for that power of the generator. As numbers of the field themselves they would be too regular: the
    /// sums over a run of them vanish.
    fn log_of(&self, member: u64) -> Option<usize> {
        usize::try_from(member).ok().filter(|&log| log < self.order())
    }

    /// The members of the set that has this sketch, if they are among `candidates` and no more than its strength. Every
    /// number below what the field is for is a candidate when `candidates` are.
    pub fn members(&self, sketch: &[u16], candidates: impl Iterator<Item = u64>) -> Option<Vec<u64>> {
        let locator = self.locator(sketch)?;
        let degree = locator.len() - 1;
        let mut found = Vec::new();
        if degree == 0 {
            return Some(found);
        }
        // A member's inverse is a root.
        let is_root = |log: usize| {
            let inverse = (self.order() - log) % self.order();
            let (mut value, mut at) = (0, 0);
            for &coefficient in &locator {
                if coefficient != 0 {
                    value ^= self.powers[(self.log(coefficient) + at) % self.order()];
                }
                at = (at + inverse) % self.order();
            }
            value == 0
        };
        for candidate in candidates {
            if self.log_of(candidate).is_some_and(is_root) {
                found.push(candidate);
                if found.len() == degree {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The polynomial whose roots are the members' inverses, by Berlekamp and Massey; `None` when there are too many.
    fn locator(&self, sketch: &[u16]) -> Option<Vec<u16>> {
        let mut sums = vec![0; 2 * sketch.len()];
        for place in 0..sums.len() {
            // The sum of even powers is the square of the sum of half of them.
            sums[place] = match place % 2 {
                0 => *sketch.get(place / 2)?,
                _ => self.product(sums[place / 2], sums[place / 2]),
            };
        }
        let (mut locator, mut before) = (vec![1u16], vec![1u16]);
        let (mut length, mut shift, mut last) = (0, 1, 1u16);
        for place in 0..sums.len() {
            let terms = locator.iter().enumerate().take(length.min(place) + 1);
            let error = terms.fold(0, |error, (at, &coefficient)| error ^ self.product(coefficient, sums[place - at]));
            if error == 0 {
                shift += 1;
                continue;
            }
            let factor = self.quotient(error, last);
            let unchanged = locator.clone();
            locator.resize(locator.len().max(before.len() + shift), 0);
            for (at, &coefficient) in before.iter().enumerate() {
                locator[at + shift] ^= self.product(factor, coefficient);
            }
            if 2 * length <= place {
                length = place + 1 - length;
                (before, last, shift) = (unchanged, error, 1);
            } else {
                shift += 1;
            }
        }
        let degree = locator.iter().rposition(|&coefficient| coefficient != 0)?;
        locator.truncate(degree + 1);
        (degree == length && length <= sketch.len()).then_some(locator)
    }
}

/// A sketch in as few bytes as its field's elements need.
#[must_use]
pub fn pack(sketch: &[u16], bits: u32) -> Vec<u8> {
    let (mut bytes, mut held, mut count) = (Vec::new(), 0u64, 0);
    for &sum in sketch {
        held |= u64::from(sum) << count;
        count += bits;
        while count >= 8 {
            bytes.push((held & 0xFF) as u8);
            (held, count) = (held >> 8, count - 8);
        }
    }
    if count > 0 {
        bytes.push((held & 0xFF) as u8);
    }
    bytes
}

/// Reads [`pack`]; the strength follows from the number of bytes.
#[must_use]
pub fn unpack(bytes: &[u8], bits: u32) -> Vec<u16> {
    let (mut sketch, mut held, mut count) = (Vec::new(), 0u64, 0);
    for &byte in bytes {
        held |= u64::from(byte) << count;
        count += 8;
        if count >= bits {
            sketch.push(u16::try_from(held & ((1 << bits) - 1)).unwrap_or(0));
            (held, count) = (held >> bits, count - bits);
        }
    }
    sketch
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_field_has_a_generator() {
        for place in 0..POLYNOMIALS.len() {
            let members = (1u64 << (11 + place)) - 1;
            let field = Field::for_members(members).unwrap();
            assert_eq!(u64::from(field.bits()), 11 + place as u64);
            let powers: BTreeSet<u16> = field.powers.iter().copied().collect();
            assert_eq!(powers.len() as u64, members);
        }
        assert!(Field::for_members(1 << 16).is_none());
    }

    proptest! {
        #[test]
        fn the_difference_of_two_sets_is_found(
            both in prop::collection::btree_set(0..1024u64, 0..300),
            apart in prop::collection::btree_set(0..1024u64, 0..10),
            strength in 1..10usize,
            wide in any::<bool>(),
        ) {
            let size = if wide { 32 * 1024 } else { 1024 };
            let spread = |n: &u64| if wide { n * 31 } else { *n };
            let field = Field::for_members(size).unwrap();
            let ours: BTreeSet<u64> = both.iter().map(spread).collect();
            let apart: BTreeSet<u64> = apart.iter().map(spread).collect();
            let theirs: BTreeSet<u64> = ours.symmetric_difference(&apart).copied().collect();
            let sketch = |set: &BTreeSet<u64>| field.sketch(set.iter().copied(), strength);
            let sum: Vec<u16> = sketch(&ours).iter().zip(sketch(&theirs)).map(|(a, b)| a ^ b).collect();
            prop_assert_eq!(&unpack(&pack(&sum, field.bits()), field.bits())[..strength], &sum[..]);
            let found = field.members(&sum, 0..size);
            if apart.len() <= strength {
                prop_assert_eq!(found, Some(apart.into_iter().collect::<Vec<_>>()));
            } else if let Some(found) = found {
                // A wrong answer has the same sketch; it is never more than was asked for.
                prop_assert!(found.len() <= strength);
                prop_assert_eq!(field.sketch(found.into_iter(), strength), sum);
            }
        }

        #[test]
        fn any_bytes_are_a_sketch_of_something_or_of_nothing(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let field = Field::for_members(1024).unwrap();
            let sketch = unpack(&bytes, field.bits());
            if let Some(found) = field.members(&sketch, 0..1024) {
                prop_assert_eq!(field.sketch(found.into_iter(), sketch.len()), sketch);
            }
        }
    }
}
