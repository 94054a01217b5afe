//! Comparing liveness with a peer, from the side that answers: what was live here when the comparison began (`compare` is
//! the other side).

use crate::lattice::dot::ReplicaIndex;
use crate::lattice::sketch::Field;
use crate::lattice::sketch::STRENGTH_MAX;
use crate::lattice::sketch::pack;
use crate::lattice::vector::VersionVector;
use crate::replica::compare::short;
use crate::replica::message::Differences;
use crate::replica::message::LaneUnits;
use crate::replica::message::UnitPrints;
use crate::replica::prints::Unit;
use crate::replica::prints::put_number;
use crate::replica::prints::span;
use crate::replica::prints::unclear_max;
use crate::replica::prints::units;
use crate::replica::state::State;

/// Which dots were live at or below what both sides cover.
pub(crate) struct Frozen {
    scale: u32,
    /// By place in the pull's vector: number, dots, print.
    lanes: Vec<Vec<(u64, Unit, u128)>>,
}

/// How many units of a lane are told together; a message holds several times as many.
const TOGETHER_MAX: usize = 1024;

/// How units differ, and what all that were spoken of amount to.
pub(crate) struct Answer {
    pub(crate) differences: Vec<Differences>,
    pub(crate) check: u128,
}

/// The sum of prints.
fn total<'a>(prints: impl Iterator<Item = &'a u128>) -> u128 {
    prints.fold(0, |sum, print| sum.wrapping_add(*print))
}

/// Units as they are told in full, for one lane; they come by ascending numbers.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) bytes: Vec<u8>,
    before: u64,
}

impl Told {
    pub(crate) fn unit(&mut self, number: u64, unit: &Unit, scale: u32) {
        put_number(&mut self.bytes, number - self.before);
        self.before = number;
        put_bytes(&mut self.bytes, &unit.to_bytes(number, scale));
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend(bytes);
}

impl Frozen {
    /// What is live now, of these lanes, up to `cut`.
    pub(crate) fn new(state: &State, lanes: &[ReplicaIndex], cut: &VersionVector, nonce: u64, scale: u32) -> Frozen {
        let lanes = lanes.iter().map(|&lane| {
            let id = state.replicas.lane(lane);
            let units = units(&state.store, lane, cut.get(lane), scale).into_iter();
            let printed = units.map(|(number, unit)| {
                let print = unit.print(nonce, id, number);
                (number, unit, print)
            });
            printed.collect()
        });
        Frozen { scale, lanes: lanes.collect() }
    }

    /// The sum of all prints.
    pub(crate) fn root(&self) -> u128 {
        total(self.lanes.iter().flatten().map(|(_, _, print)| print))
    }

    /// The lanes whose prints, of two bytes each, are not these.
    pub(crate) fn differing(&self, prints: &[u8]) -> Vec<u32> {
        let ours = self.lanes.iter().map(|units| short(total(units.iter().map(|(_, _, print)| print))));
        let theirs = prints.chunks(2);
        (0..).zip(ours.zip(theirs)).filter(|(_, (ours, theirs))| ours != theirs).map(|(lane, _)| lane).collect()
    }

    /// How the units of some lanes differ from what their prints say; `None` when the prints are not well-formed.
    pub(crate) fn answer(&self, told: &[UnitPrints]) -> Option<Answer> {
        let field = Field::for_members(span(self.scale))?;
        let (mut check, mut listed, mut pairs) = (self.root(), 0usize, Vec::new());
        for UnitPrints { lane, runs, prints } in told {
            let ours = self.lanes.get(*lane as usize)?;
            let mut spoken = 0u128;
            let (mut differing, mut number, mut theirs) = (Vec::new(), 0u64, prints.chunks_exact(2));
            let mut at = 0u64;
            for &(skipped, count) in runs.iter() {
                number = number.checked_add(skipped)?;
                for _ in 0..count {
                    let theirs = theirs.next()?;
                    let found = ours.binary_search_by_key(&number, |&(number, _, _)| number).ok();
                    let (unit, print) = found.map_or((None, 0), |place| (Some(&ours[place].1), ours[place].2));
                    spoken = spoken.wrapping_add(print);
                    if short(print) != theirs {
                        differing.push((at, number, unit));
                    }
                    (at, number) = (at + 1, number.checked_add(1)?);
                }
            }
            // Of units in which the asker has nothing there is nothing to find out.
            let all = total(ours.iter().map(|(_, _, print)| print));
            check = check.wrapping_sub(all.wrapping_sub(spoken));
            listed += prints.len() / 2;
            pairs.push((*lane, differing));
        }
        let strength = strength(pairs.iter().map(|(_, differing)| differing.len()).sum(), listed);
        let mut differences = Vec::new();
        for (lane, differing) in pairs {
            differences
                .extend(differing.chunks(TOGETHER_MAX).map(|units| self.sketches(&field, lane, units, strength)));
        }
        Some(Answer { differences, check })
    }

    fn sketches(&self, field: &Field, lane: u32, units: &[(u64, u64, Option<&Unit>)], strength: usize) -> Differences {
        let (mut bytes, mut next, none) = (Vec::new(), 0, Unit::default());
        for &(at, number, unit) in units {
            let unit = unit.unwrap_or(&none);
            let sketch = pack(&field.sketch(unit.members(number, self.scale), strength), field.bits());
            let whole = unit.to_bytes(number, self.scale);
            let step = 2 * (at - next);
            if whole.len() < sketch.len() {
                put_number(&mut bytes, step + 1);
                put_bytes(&mut bytes, &whole);
            } else {
                put_number(&mut bytes, step);
                bytes.extend(sketch);
            }
            next = at + 1;
        }
        let strength = u8::try_from(strength).unwrap_or(u8::MAX);
        Differences { lane, strength, units: bytes.into() }
    }

    /// Units in full: of each lane those with these numbers, each less the one before. None when that is more than anybody asks
    /// for at once.
    pub(crate) fn units(&self, asked: &[(u32, Vec<u64>)]) -> Option<Vec<LaneUnits>> {
        if asked.iter().map(|(_, numbers)| numbers.len()).sum::<usize>() > unclear_max(self.scale) {
            return None;
        }
        let mut told = Vec::new();
        for (lane, numbers) in asked {
            let ours = self.lanes.get(*lane as usize)?;
            let (mut units, mut number, none) = (Told::default(), 0u64, Unit::default());
            for &step in numbers {
                number = number.checked_add(step)?;
                let found = ours.binary_search_by_key(&number, |&(number, _, _)| number).ok();
                units.unit(number, found.map_or(&none, |place| &ours[place].1), self.scale);
            }
            told.push(LaneUnits { lane: *lane, units: units.bytes.into() });
        }
        Some(told)
    }
}

/// How strong sketches are to be when `differing` of `all` units differ: differences are taken to lie scattered, so that how
/// many units have none tells how many the others have. It is to be expected of half a unit that it has more. One power sum is
/// for noticing that.
pub(crate) fn strength(differing: usize, all: usize) -> usize {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let (differing, all) = (count(differing), count(all).max(1.0));
    let mean = -((all - differing).max(0.5) / all).ln();
    let (mut term, mut within, mut strength) = ((-mean).exp(), (-mean).exp(), 0);
    while strength + 1 < STRENGTH_MAX && all * (1.0 - within) > 0.5 {
        strength += 1;
        term *= mean / count(strength);
        within += term;
    }
    strength.max(1) + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lattice::dot::Dot;
    use crate::lattice::dot::Lane;
    use crate::lattice::dot::ReplicaId;
    use crate::lattice::dot::TopicId;
    use crate::replica::VariableKey;
    use crate::replica::compare::Comparison;
    use crate::replica::compare::Manner;
    use crate::replica::compare::gone_of_all;
    use crate::replica::message::Prints;
    use crate::replica::names::SlotTag;
    use crate::replica::prints::SCALE_MAX;
    use crate::replica::state::Event;
    use crate::value::content::Content;
    use crate::value::kind::Type;
    use crate::value::reference::Name;
    use crate::value::term::Term;

    #[test]
    fn sketches_are_as_strong_as_scattered_differences_need() {
        assert_eq!(strength(1, 1000), 2);
        assert_eq!(strength(391, 977), 5);
        assert_eq!(strength(626, 977), 7);
        assert!((8..=STRENGTH_MAX).contains(&strength(977, 977)));
    }

    fn dot((lane, sequence): (u32, u64)) -> Dot {
        Dot::new(ReplicaIndex(lane), sequence).unwrap()
    }

    /// A node that has seen updates 1 to `height` of each lane, every one an addition, and these removals.
    fn node(heights: [u64; 3], gone: &[(u32, u64)]) -> State {
        let mut state = State::default();
        let key = state.keys.intern(&VariableKey { name: Name::Given(Term::Nil), kind: Type::Set }, TopicId::NONE);
        let add = |dot: Dot| Event {
            dot,
            key,
            adds: Some((SlotTag::BASE, Content::Element(Term::Nil))),
            removes: Box::new([]),
            bytes: 0,
            following: 0,
        };
        for (lane, height) in (0..).zip(heights) {
            state.replicas.intern(Lane::plain(ReplicaId(u128::from(lane) + 5))).unwrap();
            (1..=height).for_each(|sequence| state.write(add(dot((lane, sequence)))));
        }
        for &gone in gone {
            state.store.remove(dot(gone));
        }
        state
    }

    fn dots(most: usize) -> impl Strategy<Value = Vec<(u32, u64)>> {
        let near = prop::collection::vec((0..3u32, 1..9u64), 0..8);
        let far = prop::collection::vec((0..3u32, 1..9000u64), 0..most);
        let block = (0..3u32, 0..8u64, 1..900u64, 1..3u64).prop_map(|(lane, block, count, step)| {
            (0..count).map(|n| (lane, block * 1024 + 1 + n * step)).collect::<Vec<_>>()
        });
        prop_oneof![far, near, block]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
        #[test]
        fn a_comparison_finds_just_what_is_gone(
            ours in dots(30),
            theirs in dots(300),
            later in dots(4),
            heights in [0..9000u64, 0..3000, 0..3],
            less in prop::option::of((0..3u32, 0..9000u64)),
            scale in 0..=SCALE_MAX,
            units_at_once in prop_oneof![Just(0), Just(64)],
        ) {
            let mut asker = node(heights, &ours);
            let mut before = heights;
            less.iter().for_each(|&(lane, height)| before[lane as usize] = before[lane as usize].min(height));
            let server = node(before, &theirs);
            let lanes: Vec<ReplicaIndex> = (0..3).map(ReplicaIndex).collect();
            let less: Vec<(ReplicaIndex, u64)> = less.iter().map(|&(lane, height)| (ReplicaIndex(lane), height)).collect();
            let base = asker.vector().clone();
            let mut nonce = 77;
            // Two bytes of a print are the same by chance now and then: it is begun anew then, with another nonce.
            let (mut comparison, check) = loop {
                let manner = Manner { snapshot: 1, nonce, scale, units_at_once };
                let mut comparison = Comparison::begin(&asker, lanes.clone(), &base, &less, manner);
                let frozen = Frozen::new(&server, &lanes, server.vector(), nonce, scale);
                let mut prints = comparison.first(frozen.root());
                if let Prints::Lanes(bytes) = &prints {
                    prints = comparison.told(frozen.differing(bytes).into_iter());
                }
                // What the asker learns meanwhile.
                for &gone in later.iter().filter(|(lane, sequence)| *sequence <= before[*lane as usize] && theirs.contains(&(*lane, *sequence))) {
                    asker.store.remove(dot(gone));
                }
                let check = match prints {
                    Prints::Units(told) => {
                        let answer = frozen.answer(&told).unwrap();
                        comparison.resolve(&asker, &answer.differences).unwrap();
                        answer.check
                    }
                    _ => frozen.root(),
                };
                while let Some(Prints::Unclear(asked)) = comparison.unclear() {
                    let asked: Vec<(u32, Vec<u64>)> = asked.0.into_iter().map(|(lane, numbers)| (lane, numbers.0)).collect();
                    comparison.clear(&asker, &frozen.units(&asked).unwrap()).unwrap();
                }
                if comparison.is_right(Some(check)) {
                    break (comparison, check);
                }
                nonce += 1;
                prop_assert!(nonce < 80, "thrice is no chance");
            };
            prop_assert!(!comparison.is_right(Some(check.wrapping_add(1))));
            let mut found = std::mem::take(&mut comparison.gone);
            found.retain(|&dot| asker.store.get(dot).is_some());
            found.sort_unstable();
            let covered = asker.store.iter().map(|(dot, _)| dot).filter(|&dot| server.vector().covers(dot));
            let gone: Vec<Dot> = covered.filter(|&dot| server.store.get(dot).is_none()).collect();
            prop_assert_eq!(found, gone.clone());
            let told: Vec<LaneUnits> = (0..).zip(&lanes).map(|(place, &lane)| {
                let mut told = Told::default();
                for (number, unit) in units(&server.store, lane, u64::MAX >> 20, 0) {
                    told.unit(number, &unit, 0);
                }
                LaneUnits { lane: place, units: told.bytes.into() }
            }).collect();
            prop_assert_eq!(gone_of_all(&asker, &lanes, server.vector(), &told).unwrap(), gone);
        }
    }

    #[test]
    fn nobody_makes_a_node_tell_more_units_than_anybody_asks_for() {
        let frozen = Frozen { scale: 0, lanes: vec![Vec::new()] };
        let most = unclear_max(0);
        assert!(frozen.units(&[(0, vec![0; most])]).is_some());
        assert!(frozen.units(&[(0, vec![0; most + 1])]).is_none());
        assert!(frozen.units(&[(0, vec![0; most]), (0, vec![0])]).is_none());
    }
}
