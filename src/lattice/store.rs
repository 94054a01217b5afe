//! The causal dot store: the live entries of a state, each under the dot of the update that made it.
//!
//! Entries lie by replica in blocks of [`BLOCK`] sequence numbers. A block knows by a bitmap which of its dots are live,
//! so that two stores can be compared block by block without touching entries. Updates of one replica arrive in order, so
//! an insertion is nearly always an append. Knows nothing of what an entry holds, nor of what a vector covers.

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;

/// How many sequence numbers one block spans.
pub const BLOCK: u64 = 1024;
const WORDS: usize = 16;

/// Which dots of a block are live: bit `sequence % BLOCK`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bitmap([u64; WORDS]);

impl Bitmap {
    /// Whether the bit of `sequence` is set.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        let (word, bit) = place(sequence);
        self.0[word] >> bit & 1 == 1
    }

    /// Sets the bit of `sequence`.
    pub fn insert(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        self.0[word] |= 1 << bit;
    }

    fn remove(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        self.0[word] &= !(1 << bit);
    }

    /// Whether no bit is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// How many bits are set below the bit of `sequence`.
    fn rank(&self, sequence: u64) -> usize {
        let (word, bit) = place(sequence);
        let below: u32 = self.0[..word].iter().map(|w| w.count_ones()).sum();
        (below + (self.0[word] & ((1 << bit) - 1)).count_ones()) as usize
    }

    /// The bitmap of block `number` without the dots above `sequence`.
    #[must_use]
    pub fn up_to(&self, number: u64, sequence: u64) -> Bitmap {
        let start = number * BLOCK;
        if sequence >= start + (BLOCK - 1) {
            return *self;
        }
        let mut cut = Bitmap::default();
        if sequence >= start {
            let (word, bit) = place(sequence);
            cut.0[..=word].copy_from_slice(&self.0[..=word]);
            cut.0[word] &= u64::MAX >> (63 - bit);
        }
        cut
    }

    /// As bytes, least significant first, without trailing zeros: at most 128.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bytes
    }

    /// Reads [`Bitmap::to_bytes`]; `None` when there are too many bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Bitmap> {
        if bytes.len() > WORDS * 8 {
            return None;
        }
        let mut bitmap = Bitmap::default();
        for (place, &byte) in bytes.iter().enumerate() {
            bitmap.0[place / 8] |= u64::from(byte) << (place % 8 * 8);
        }
        Some(bitmap)
    }

    /// The offsets of the set bits, ascending.
    pub fn offsets(self) -> impl Iterator<Item = u64> {
        self.0.into_iter().zip(0u64..).flat_map(|(word, at)| {
            std::iter::successors(Some(word), |&rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| at * 64 + u64::from(rest.trailing_zeros()))
        })
    }
}

fn place(sequence: u64) -> (usize, u32) {
    let offset = (sequence % BLOCK) as u32;
    ((offset / 64) as usize, offset % 64)
}

/// The live entries.
#[derive(Clone, Debug)]
pub struct Store<E> {
    /// By index; none is without a live entry, so that a lane of which nothing is left costs nothing here.
    lanes: Vec<(ReplicaIndex, Lane<E>)>,
    live: usize,
}

#[derive(Clone, Debug)]
struct Lane<E> {
    /// By number; none is without a live entry.
    blocks: Vec<(u64, Box<Block<E>>)>,
}

#[derive(Clone, Debug)]
struct Block<E> {
    live: Bitmap,
    /// The dots that have a place in `items`, which is at their rank here. A removed entry leaves its place empty until
    /// half of the places are.
    placed: Bitmap,
    items: Vec<Option<E>>,
    count: usize,
    /// Above all offsets that have a place, so that the next one in order needs no counting.
    above: u64,
}

impl<E> Default for Store<E> {
    fn default() -> Store<E> {
        Store { lanes: Vec::new(), live: 0 }
    }
}

impl<E> Store<E> {
    /// The empty store.
    #[must_use]
    pub fn new() -> Store<E> {
        Store::default()
    }

    /// How many entries are live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The entry under `dot`.
    #[must_use]
    pub fn get(&self, dot: Dot) -> Option<&E> {
        let lane = self.lane(dot.replica())?;
        let block = &lane.blocks[lane.find(dot.sequence() / BLOCK).ok()?].1;
        if !block.live.contains(dot.sequence()) {
            return None;
        }
        block.items.get(block.placed.rank(dot.sequence()))?.as_ref()
    }

    /// Puts `entry` under `dot`; constant time when it is the replica's newest. Says `false`, and changes nothing, when
    /// there is an entry already.
    pub fn insert(&mut self, dot: Dot, entry: E) -> bool {
        let at = self.find(dot.replica()).unwrap_or_else(|at| {
            self.lanes.insert(at, (dot.replica(), Lane { blocks: Vec::new() }));
            at
        });
        let added = self.lanes[at].1.insert(dot.sequence(), entry);
        self.live += usize::from(added);
        added
    }

    /// Takes the entry under `dot` out; constant time but for making room now and then.
    pub fn remove(&mut self, dot: Dot) -> Option<E> {
        let place = self.find(dot.replica()).ok()?;
        let lane = &mut self.lanes[place].1;
        let at = lane.find(dot.sequence() / BLOCK).ok()?;
        let block = &mut lane.blocks[at].1;
        let entry = block.remove(dot.sequence())?;
        if block.count == 0 {
            lane.blocks.remove(at);
        }
        if lane.blocks.is_empty() {
            self.lanes.remove(place);
        }
        self.live -= 1;
        Some(entry)
    }

    /// The live entries of `replica` with sequence numbers above `above` and up to `to`, ascending.
    pub fn range(&self, replica: ReplicaIndex, above: u64, to: u64) -> impl Iterator<Item = (Dot, &E)> {
        let blocks = self.lane(replica).map_or(&[][..], |lane| {
            let first = lane.find((above + 1) / BLOCK).unwrap_or_else(|at| at);
            &lane.blocks[first..]
        });
        blocks
            .iter()
            .take_while(move |(number, _)| number * BLOCK <= to)
            .flat_map(move |(number, block)| block.entries(number * BLOCK))
            .filter(move |&(sequence, _)| sequence > above && sequence <= to)
            .filter_map(move |(sequence, entry)| Some((Dot::new(replica, sequence)?, entry)))
    }

    /// All live entries, by replica index and sequence number.
    pub fn iter(&self) -> impl Iterator<Item = (Dot, &E)> {
        self.lanes.iter().flat_map(|&(replica, _)| self.range(replica, 0, Dot::SEQUENCE_MAX))
    }

    /// How many blocks have live entries.
    #[must_use]
    pub fn block_count(&self) -> usize {
        self.lanes.iter().map(|(_, lane)| lane.blocks.len()).sum()
    }

    /// The blocks of `replica` that have live entries, by number, each with which they are.
    pub fn blocks(&self, replica: ReplicaIndex) -> impl Iterator<Item = (u64, &Bitmap)> {
        self.lane(replica).into_iter().flat_map(|lane| lane.blocks.iter().map(|(number, block)| (*number, &block.live)))
    }

    /// Which dots of one block are live.
    #[must_use]
    pub fn bitmap(&self, replica: ReplicaIndex, number: u64) -> Bitmap {
        let found = self.lane(replica).and_then(|lane| Some(lane.blocks[lane.find(number).ok()?].1.live));
        found.unwrap_or_default()
    }

    fn lane(&self, replica: ReplicaIndex) -> Option<&Lane<E>> {
        self.find(replica).ok().map(|at| &self.lanes[at].1)
    }

    /// Mostly every lane has something, and is where its index says.
    fn find(&self, replica: ReplicaIndex) -> Result<usize, usize> {
        let guess = replica.0 as usize;
        if self.lanes.get(guess).is_some_and(|&(found, _)| found == replica) {
            return Ok(guess);
        }
        self.lanes.binary_search_by_key(&replica, |&(found, _)| found)
    }
}

impl<E> Lane<E> {
    fn find(&self, number: u64) -> Result<usize, usize> {
        match self.blocks.last() {
            None => Err(0),
            Some(&(last, _)) if last == number => Ok(self.blocks.len() - 1),
            Some(&(last, _)) if last < number => Err(self.blocks.len()),
            Some(_) => self.blocks.binary_search_by_key(&number, |&(number, _)| number),
        }
    }

    fn insert(&mut self, sequence: u64, entry: E) -> bool {
        let at = self.find(sequence / BLOCK).unwrap_or_else(|at| {
            self.blocks.insert(at, (sequence / BLOCK, Box::new(Block::new())));
            at
        });
        self.blocks[at].1.insert(sequence, entry)
    }
}

impl<E> Block<E> {
    fn new() -> Block<E> {
        Block { live: Bitmap::default(), placed: Bitmap::default(), items: Vec::new(), count: 0, above: 0 }
    }

    fn insert(&mut self, sequence: u64, entry: E) -> bool {
        if self.live.contains(sequence) {
            return false;
        }
        let offset = sequence % BLOCK;
        let rank = if offset >= self.above { self.items.len() } else { self.placed.rank(sequence) };
        self.above = self.above.max(offset + 1);
        if self.placed.contains(sequence) {
            self.items[rank] = Some(entry);
        } else {
            self.items.insert(rank, Some(entry));
            self.placed.insert(sequence);
        }
        self.live.insert(sequence);
        self.count += 1;
        true
    }

    fn remove(&mut self, sequence: u64) -> Option<E> {
        if !self.live.contains(sequence) {
            return None;
        }
        let entry = self.items.get_mut(self.placed.rank(sequence))?.take()?;
        self.live.remove(sequence);
        self.count -= 1;
        if self.count * 2 < self.items.len() {
            self.items.retain(Option::is_some);
            self.items.shrink_to(self.count + self.count / 4);
            self.placed = self.live;
        }
        Some(entry)
    }

    fn entries(&self, start: u64) -> impl Iterator<Item = (u64, &E)> {
        self.placed
            .offsets()
            .zip(&self.items)
            .filter_map(move |(offset, item)| item.as_ref().map(|entry| (start + offset, entry)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn dot(replica: u32, sequence: u64) -> Dot {
        Dot::new(ReplicaIndex(replica), sequence).unwrap()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32, u64),
        Remove(u32, u64),
    }

    fn agree(store: &Store<u64>, model: &BTreeMap<Dot, u64>) {
        assert_eq!(store.len(), model.len());
        assert!(store.iter().eq(model.iter().map(|(&dot, entry)| (dot, entry))));
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_sorted_map(
            steps in prop::collection::vec(
                prop_oneof![
                    3 => (0..3u32, 1..3000u64).prop_map(|(r, s)| Step::Insert(r, s)),
                    2 => (0..3u32, 1..3000u64).prop_map(|(r, s)| Step::Remove(r, s)),
                ],
                0..400,
            ),
            narrow in any::<bool>(),
            above in 0..3000u64,
            to in 0..3000u64,
        ) {
            let (mut store, mut model) = (Store::new(), BTreeMap::new());
            for (n, step) in (0..).zip(steps) {
                let squeeze = |s: u64| if narrow { s % 40 + 1000 } else { s };
                match step {
                    Step::Insert(r, s) => {
                        let dot = dot(r, squeeze(s));
                        let free = !model.contains_key(&dot);
                        prop_assert_eq!(store.insert(dot, n), free);
                        model.entry(dot).or_insert(n);
                    }
                    Step::Remove(r, s) => {
                        let dot = dot(r, squeeze(s));
                        prop_assert_eq!(store.remove(dot), model.remove(&dot));
                        prop_assert_eq!(store.get(dot), None);
                    }
                }
            }
            agree(&store, &model);
            for (&dot, entry) in &model {
                prop_assert_eq!(store.get(dot), Some(entry));
            }
            for r in 0..3 {
                let expected = model.iter().filter(|(d, _)| d.replica().0 == r && d.sequence() > above && d.sequence() <= to);
                prop_assert!(store.range(ReplicaIndex(r), above, to).eq(expected.map(|(&d, e)| (d, e))));
                for (number, bitmap) in store.blocks(ReplicaIndex(r)) {
                    prop_assert!(!bitmap.is_empty());
                    for sequence in number * BLOCK..(number + 1) * BLOCK {
                        let live = sequence > 0 && model.contains_key(&dot(r, sequence));
                        prop_assert_eq!(bitmap.contains(sequence), live);
                        prop_assert_eq!(bitmap.up_to(number, to).contains(sequence), live && sequence <= to);
                    }
                    prop_assert_eq!(Bitmap::from_bytes(&bitmap.to_bytes()), Some(*bitmap));
                }
            }
        }
    }

    #[test]
    fn every_small_history_is_right() {
        // All sequences of four steps over three dots around a block's edge.
        let dots = [dot(0, BLOCK - 1), dot(0, BLOCK), dot(0, BLOCK + 1)];
        for history in 0..6u32.pow(4) {
            let (mut store, mut model) = (Store::new(), BTreeMap::new());
            for step in 0..4 {
                let choice = history / 6u32.pow(step) % 6;
                let dot = dots[(choice % 3) as usize];
                if choice < 3 {
                    store.insert(dot, 7);
                    model.insert(dot, 7);
                } else {
                    assert_eq!(store.remove(dot), model.remove(&dot));
                }
                agree(&store, &model);
            }
        }
    }
}
