//! Comparing liveness with a peer, from the side that asks: which of our live dots does the peer cover and not have?
//!
//! The peer has kept its state as of the comparison's beginning, and we our prints. First the sum of all prints is compared,
//! then the sums of lanes, then the prints of units in two bytes each. Of units that differ there the peer sends sketches,
//! whose difference to ours is the difference of the sets; where a sketch is too weak, all that is live in the unit is
//! asked for. What comes out is held against the sum of the peer's whole prints, so that nothing rests on two bytes.
//!
//! Our live dots at or below the base only become fewer meanwhile. So a dot that is live here in the end was so in the
//! beginning, and what was found equal then is right about it.

use std::collections::BTreeMap;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::sketch::Field;
use crate::lattice::sketch::unpack;
use crate::lattice::vector::VersionVector;
use crate::replica::RefusalReason;
use crate::replica::message::Differences;
use crate::replica::message::LaneUnits;
use crate::replica::message::Prints;
use crate::replica::message::UnitPrints;
use crate::replica::prints::Unit;
use crate::replica::prints::span;
use crate::replica::prints::take_number;
use crate::replica::prints::unclear_max;
use crate::replica::prints::unit;
use crate::replica::prints::units;
use crate::replica::state::State;

/// See the module.
pub(crate) struct Comparison {
    pub(crate) snapshot: u64,
    nonce: u64,
    scale: u32,
    /// What both cover.
    cut: VersionVector,
    /// The lanes of the pull's vector, in its order.
    lanes: Vec<ReplicaIndex>,
    /// The units of each, with their prints as they were in the beginning.
    prints: Vec<Vec<(u64, u128)>>,
    /// The sum of the prints as they are at the peer, as far as is known.
    sum: u128,
    /// Our live dots that the peer does not have.
    pub(crate) gone: Vec<Dot>,
    /// Units that sketches did not suffice for: lane place and number.
    unclear: BTreeMap<(u32, u64), u128>,
    /// With how many units or fewer their prints are told at once.
    units_at_once: usize,
}

/// How a comparison is done, as the peer says.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) snapshot: u64,
    pub(crate) nonce: u64,
    pub(crate) scale: u32,
    pub(crate) units_at_once: usize,
}

/// The two bytes of a print that are told.
pub(crate) fn short(print: u128) -> [u8; 2] {
    [(print & 0xFF) as u8, (print >> 8 & 0xFF) as u8]
}

/// What two vectors both cover; `heights` are the other's where it has less.
fn common(base: &VersionVector, heights: &[(ReplicaIndex, u64)]) -> VersionVector {
    let less: BTreeMap<ReplicaIndex, u64> = heights.iter().copied().collect();
    let mut cut = VersionVector::new();
    for (replica, sequence) in base.iter() {
        cut.raise(replica, less.get(&replica).map_or(sequence, |&height| height.min(sequence)));
    }
    cut
}

impl Comparison {
    pub(crate) fn begin(
        state: &State,
        lanes: Vec<ReplicaIndex>,
        base: &VersionVector,
        less: &[(ReplicaIndex, u64)],
        manner: Manner,
    ) -> Comparison {
        let Manner { snapshot, nonce, scale, units_at_once } = manner;
        let cut = common(base, less);
        let (mut prints, mut sum) = (Vec::with_capacity(lanes.len()), 0u128);
        for &lane in &lanes {
            let id = state.replicas.lane(lane);
            let units = units(&state.store, lane, cut.get(lane), scale);
            let of: Vec<(u64, u128)> =
                units.iter().map(|(number, unit)| (*number, unit.print(nonce, id, *number))).collect();
            sum = of.iter().fold(sum, |sum, (_, print)| sum.wrapping_add(*print));
            prints.push(of);
        }
        let (gone, unclear) = (Vec::new(), BTreeMap::new());
        Comparison { snapshot, nonce, scale, cut, lanes, prints, sum, gone, unclear, units_at_once }
    }

    /// What is said first, knowing the sum of the peer's prints.
    pub(crate) fn first(&self, root: u128) -> Prints {
        let units: usize = self.prints.iter().map(Vec::len).sum();
        if self.sum == root {
            Prints::Same
        } else if self.lanes.len() == 1 || units <= self.units_at_once {
            self.told((0..).take(self.lanes.len()))
        } else {
            let sum = |of: &Vec<(u64, u128)>| of.iter().fold(0u128, |sum, (_, print)| sum.wrapping_add(*print));
            Prints::Lanes(self.prints.iter().flat_map(|of| short(sum(of))).collect::<Vec<_>>().into())
        }
    }

    /// The prints of some lanes' units.
    pub(crate) fn told(&self, lanes: impl Iterator<Item = u32>) -> Prints {
        let mut told = Vec::new();
        for lane in lanes {
            let Some(prints) = self.prints.get(lane as usize) else { continue };
            let (mut runs, mut next) = (Vec::<(u64, u64)>::new(), 0);
            for &(number, _) in prints {
                match runs.last_mut() {
                    Some((_, count)) if number == next => *count += 1,
                    _ => runs.push((number - next, 1)),
                }
                next = number + 1;
            }
            let prints: Vec<u8> = prints.iter().flat_map(|&(_, print)| short(print)).collect();
            told.push(UnitPrints { lane, runs: runs.into(), prints: prints.into() });
        }
        Prints::Units(told.into())
    }

    /// Finds out how units differ.
    ///
    /// # Errors
    /// When the peer contradicts itself.
    pub(crate) fn resolve(&mut self, state: &State, told: &[Differences]) -> Result<(), RefusalReason> {
        let Some(field) = Field::for_members(span(self.scale)) else { return Err(RefusalReason::Malformed) };
        for Differences { lane, strength, units: bytes } in told {
            let place = *lane as usize;
            let (mut rest, mut at) = (&bytes[..], 0u64);
            while !rest.is_empty() {
                let (number, before, theirs) = {
                    let step = take_number(&mut rest).ok_or(RefusalReason::Malformed)?;
                    at = at.checked_add(step / 2).ok_or(RefusalReason::Malformed)?;
                    let listed = usize::try_from(at).ok();
                    let known = listed.and_then(|at| self.prints.get(place)?.get(at)).copied();
                    let (number, before) = known.ok_or(RefusalReason::Malformed)?;
                    let length = match step % 2 {
                        0 => Some(u64::from(*strength) * u64::from(field.bits())).map(|bits| bits.div_ceil(8)),
                        _ => take_number(&mut rest),
                    };
                    let theirs = take(&mut rest, length).ok_or(RefusalReason::Malformed)?;
                    (number, before, (step % 2 == 1, theirs))
                };
                match theirs {
                    (true, bytes) => self.settle(state, (*lane, number), before, bytes)?,
                    (false, sketch) => self.decode(state, &field, (*lane, number), before, sketch),
                }
                at += 1;
            }
        }
        Ok(())
    }

    fn lane(&self, place: u32) -> Option<ReplicaIndex> {
        self.lanes.get(place as usize).copied()
    }

    /// What is live here of a unit.
    fn ours(&self, state: &State, (place, number): (u32, u64)) -> Option<(ReplicaIndex, Unit)> {
        let lane = self.lane(place)?;
        Some((lane, unit(&state.store, lane, self.cut.get(lane), self.scale, number)))
    }

    fn decode(&mut self, state: &State, field: &Field, which: (u32, u64), before: u128, theirs: &[u8]) {
        let Some((lane, ours)) = self.ours(state, which) else { return };
        let live: Vec<u64> = ours.members(which.1, self.scale).collect();
        let theirs = unpack(theirs, field.bits());
        let sketch = field.sketch(live.iter().copied(), theirs.len());
        let sum: Vec<u16> = sketch.iter().zip(&theirs).map(|(ours, theirs)| ours ^ theirs).collect();
        // Most of what differs is live here: it is looked for there first.
        let dead = (0..span(self.scale)).filter(|member| live.binary_search(member).is_err());
        let apart = field.members(&sum, live.iter().copied().chain(dead));
        // As many as there can be are most likely more. A difference that leaves no trace is a large one, unless it has gone
        // away since.
        let same = || ours.print(self.nonce, state.replicas.lane(lane), which.1) == before;
        let likely = |apart: &Vec<u64>| apart.len() < theirs.len() && (!apart.is_empty() || !same());
        let Some(mut apart) = apart.filter(likely) else {
            self.unclear.insert(which, before);
            return;
        };
        apart.sort_unstable();
        let mut theirs: Vec<u64> = live.iter().copied().filter(|member| apart.binary_search(member).is_err()).collect();
        theirs.extend(apart.iter().filter(|member| live.binary_search(member).is_err()));
        theirs.sort_unstable();
        let theirs = Unit::of(theirs.into_iter(), which.1, self.scale);
        self.take(state, lane, which.1, before, &ours, &theirs);
    }

    /// All that is live at the peer of a unit.
    fn settle(&mut self, state: &State, which: (u32, u64), before: u128, theirs: &[u8]) -> Result<(), RefusalReason> {
        let (lane, ours) = self.ours(state, which).ok_or(RefusalReason::Malformed)?;
        let theirs = Unit::from_bytes(theirs, which.1, self.scale).ok_or(RefusalReason::Malformed)?;
        self.take(state, lane, which.1, before, &ours, &theirs);
        Ok(())
    }

    fn take(&mut self, state: &State, lane: ReplicaIndex, number: u64, before: u128, ours: &Unit, theirs: &Unit) {
        let print = theirs.print(self.nonce, state.replicas.lane(lane), number);
        self.sum = self.sum.wrapping_sub(before).wrapping_add(print);
        self.gone.extend(missing(lane, number, self.scale, ours, theirs));
    }

    /// What is to be asked for in full, if anything.
    pub(crate) fn unclear(&self) -> Option<Prints> {
        let mut lanes: Vec<(u32, Vec<u64>, u64)> = Vec::new();
        for &(place, number) in self.unclear.keys().take(unclear_max(self.scale)) {
            match lanes.last_mut() {
                Some((last, numbers, before)) if *last == place => {
                    numbers.push(number - *before);
                    *before = number;
                }
                _ => lanes.push((place, vec![number], number)),
            }
        }
        let asked: Vec<_> = lanes.into_iter().map(|(place, numbers, _)| (place, numbers.into())).collect();
        (!asked.is_empty()).then(|| Prints::Unclear(asked.into()))
    }

    /// Takes in what was asked for in full.
    ///
    /// # Errors
    /// When the peer contradicts itself.
    pub(crate) fn clear(&mut self, state: &State, told: &[LaneUnits]) -> Result<(), RefusalReason> {
        for LaneUnits { lane, units } in told {
            for (number, bytes) in listed(units)? {
                if let Some(before) = self.unclear.remove(&(*lane, number)) {
                    self.settle(state, (*lane, number), before, bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Whether what has been found is what the peer has.
    pub(crate) fn is_right(&self, check: Option<u128>) -> bool {
        self.unclear.is_empty() && check == Some(self.sum)
    }
}

/// Our live dots of a unit that are not live at the peer.
fn missing(lane: ReplicaIndex, number: u64, scale: u32, ours: &Unit, theirs: &Unit) -> Vec<Dot> {
    let theirs: Vec<u64> = theirs.members(number, scale).collect();
    let ours = ours.members(number, scale).filter(|member| theirs.binary_search(member).is_err());
    ours.filter_map(|member| Dot::new(lane, number * span(scale) + member)).collect()
}

fn take<'a>(rest: &mut &'a [u8], length: Option<u64>) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(usize::try_from(length?).ok()?)?;
    *rest = left;
    Some(taken)
}

/// The units of a [`LaneUnits`], with their numbers.
fn listed(bytes: &[u8]) -> Result<Vec<(u64, &[u8])>, RefusalReason> {
    let (mut rest, mut at, mut units) = (bytes, 0u64, Vec::new());
    while !rest.is_empty() {
        let unit = take_number(&mut rest).and_then(|step| {
            at = at.checked_add(step).filter(|at| *at <= Dot::SEQUENCE_MAX)?;
            let length = take_number(&mut rest);
            Some((at, take(&mut rest, length)?))
        });
        units.push(unit.ok_or(RefusalReason::Malformed)?);
    }
    Ok(units)
}

/// Our live dots that a peer does not have which told all of its units of one block each.
///
/// # Errors
/// When the peer contradicts itself.
pub(crate) fn gone_of_all(
    state: &State,
    lanes: &[ReplicaIndex],
    both: &VersionVector,
    told: &[LaneUnits],
) -> Result<Vec<Dot>, RefusalReason> {
    let mut theirs: BTreeMap<(ReplicaIndex, u64), Unit> = BTreeMap::new();
    for LaneUnits { lane, units } in told {
        let lane = *lanes.get(*lane as usize).ok_or(RefusalReason::Malformed)?;
        for (number, bytes) in listed(units)? {
            theirs.insert((lane, number), Unit::from_bytes(bytes, number, 0).ok_or(RefusalReason::Malformed)?);
        }
    }
    let mut gone = Vec::new();
    for &lane in lanes {
        for (number, ours) in units(&state.store, lane, both.get(lane), 0) {
            let theirs = theirs.remove(&(lane, number)).unwrap_or_default();
            gone.extend(missing(lane, number, 0, &ours, &theirs));
        }
    }
    Ok(gone)
}
