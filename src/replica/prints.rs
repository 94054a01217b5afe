//! Fingerprints of which dots are live, and their bytes: what two nodes compare when neither recent events nor recent
//! removals reach back far enough.
//!
//! A unit is a power of two of the store's blocks. Its print is a hash of which of its dots are live, keyed by a number that
//! is new for each comparison, so that what collides once differs the next time. The sum of all prints stands for all.

use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::store::BLOCK;
use crate::lattice::store::Bitmap;
use crate::lattice::store::Store;
use crate::replica::state::Entry;
use crate::replica::state::hash_lane;

/// A unit has at most two to the power of this many blocks.
pub(crate) const SCALE_MAX: u32 = 5;
/// With more units than this, they are made larger.
const UNITS_MAX: usize = 1500;

/// How large units are to be, as a power of two of blocks, for a node with so many blocks.
pub(crate) fn scale(blocks: usize) -> u32 {
    (0..SCALE_MAX).find(|&scale| blocks >> scale <= UNITS_MAX).unwrap_or(SCALE_MAX)
}

/// How many dots a unit spans.
pub(crate) fn span(scale: u32) -> u64 {
    BLOCK << scale
}

/// For how many dots it is asked for at a time whether they are live, so that the answer fits into a message.
const UNCLEAR_BITS_MAX: u64 = 1 << 22;

/// How many units are asked for in full at a time.
pub(crate) fn unclear_max(scale: u32) -> usize {
    usize::try_from(UNCLEAR_BITS_MAX / span(scale)).unwrap_or(usize::MAX).max(1)
}

/// Which dots of a unit are live; not of all of its blocks need there be any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Unit {
    /// By number.
    blocks: Vec<(u64, Bitmap)>,
}

/// The units of a lane that have live dots up to `to`, with their numbers.
pub(crate) fn units(store: &Store<Entry>, replica: ReplicaIndex, to: u64, scale: u32) -> Vec<(u64, Unit)> {
    let mut units: Vec<(u64, Unit)> = Vec::new();
    for (number, bitmap) in store.blocks(replica).take_while(|(number, _)| number * BLOCK <= to) {
        let bitmap = bitmap.up_to(number, to);
        if bitmap.is_empty() {
            continue;
        }
        match units.last_mut() {
            Some((last, unit)) if *last == number >> scale => unit.blocks.push((number, bitmap)),
            _ => units.push((number >> scale, Unit { blocks: vec![(number, bitmap)] })),
        }
    }
    units
}

/// One unit of a lane, up to `to`.
pub(crate) fn unit(store: &Store<Entry>, replica: ReplicaIndex, to: u64, scale: u32, number: u64) -> Unit {
    let numbers = (number << scale)..((number + 1) << scale);
    let blocks = numbers.map(|number| (number, store.bitmap(replica, number).up_to(number, to)));
    Unit { blocks: blocks.filter(|(_, bitmap)| !bitmap.is_empty()).collect() }
}

impl Unit {
    /// The live dots' places within unit `number`, ascending.
    pub(crate) fn members(&self, number: u64, scale: u32) -> impl Iterator<Item = u64> {
        let start = number * span(scale);
        self.blocks.iter().flat_map(move |&(block, bitmap)| bitmap.offsets().map(move |at| block * BLOCK + at - start))
    }

    /// The unit in which just the `members` are live.
    pub(crate) fn of(members: impl Iterator<Item = u64>, number: u64, scale: u32) -> Unit {
        let mut unit = Unit::default();
        for member in members {
            let sequence = number * span(scale) + member;
            match unit.blocks.last_mut() {
                Some((block, bitmap)) if *block == sequence / BLOCK => bitmap.insert(sequence),
                _ => {
                    let mut bitmap = Bitmap::default();
                    bitmap.insert(sequence);
                    unit.blocks.push((sequence / BLOCK, bitmap));
                }
            }
        }
        unit
    }

    /// The hash of which dots are live; 0 when none is.
    pub(crate) fn print(&self, nonce: u64, lane: Lane, number: u64) -> u128 {
        if self.blocks.is_empty() {
            return 0;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&nonce.to_le_bytes());
        hash_lane(&mut hasher, lane);
        hasher.update(&number.to_le_bytes());
        for (block, bitmap) in &self.blocks {
            hasher.update(&block.to_le_bytes()).update(&bitmap.to_bytes());
        }
        first_half(hasher.finalize())
    }

    /// As bytes: the live dots one by one or as bits, whichever is shorter.
    pub(crate) fn to_bytes(&self, number: u64, scale: u32) -> Vec<u8> {
        let mut listed = vec![LISTED];
        let mut next = 0;
        for member in self.members(number, scale) {
            put_number(&mut listed, member - next);
            next = member + 1;
        }
        let mut bits = vec![BITS];
        for member in self.members(number, scale) {
            let place = usize::try_from(member / 8).unwrap_or(usize::MAX) + 1;
            bits.resize(bits.len().max(place + 1), 0);
            bits[place] |= 1 << (member % 8);
        }
        if listed.len() <= bits.len() { listed } else { bits }
    }

    /// Reads [`Unit::to_bytes`].
    pub(crate) fn from_bytes(bytes: &[u8], number: u64, scale: u32) -> Option<Unit> {
        let (&form, mut rest) = bytes.split_first()?;
        let mut members = Vec::new();
        if form == LISTED {
            let mut next = 0u64;
            while !rest.is_empty() {
                let member = next.checked_add(take_number(&mut rest)?).filter(|&member| member < span(scale))?;
                members.push(member);
                next = member + 1;
            }
        } else if form == BITS && rest.len() as u64 * 8 <= span(scale) {
            for (place, &byte) in (0u64..).zip(rest) {
                members.extend((0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| place * 8 + bit));
            }
        } else {
            return None;
        }
        Some(Unit::of(members.into_iter(), number, scale))
    }
}

const LISTED: u8 = 0;
const BITS: u8 = 1;

pub(crate) fn first_half(hash: blake3::Hash) -> u128 {
    hash.as_bytes().iter().take(16).fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// Appends a number, in as few bytes of seven bits as it needs.
pub(crate) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7F) as u8);
}

/// Takes a number of [`put_number`] off the front.
pub(crate) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << (7 * place);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
