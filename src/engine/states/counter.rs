//! `counter`, `gcounter` and `lexcounter`: the sum of every replica's newest entry and of all contributions.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A counter.
#[derive(Clone)]
pub(in crate::engine) struct CounterState {
    /// All there is.
    total: Tally,
    /// How many contributions and slots are in it.
    count: u64,
    /// Whether it stands beneath a removable key, where counting by 0 is written too.
    removable: bool,
    /// The live entries; dots order them by replica.
    base: BTreeMap<Dot, Tally>,
}

impl CounterState {
    pub(super) fn new(removable: bool) -> CounterState {
        CounterState { total: Tally::default(), count: 0, removable, base: BTreeMap::new() }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.total.read();
        for support in inbox.came.drain(..) {
            let Content::Tally(tally) = support.content else { continue };
            match support.dot {
                None => {
                    self.total.add(&tally);
                    self.count += 1;
                }
                Some(dot) => {
                    if let Entry::Vacant(place) = self.base.entry(dot) {
                        self.total.add(&tally);
                        place.insert(*tally);
                    }
                }
            }
        }
        for support in inbox.went.drain(..) {
            let Content::Tally(tally) = support.content else { continue };
            match support.dot {
                None => {
                    self.total.withdraw(&tally);
                    self.count = self.count.saturating_sub(1);
                }
                Some(dot) => {
                    if let Some(tally) = self.base.remove(&dot) {
                        self.total.withdraw(&tally);
                    }
                }
            }
        }
        Delta::of_total(before, &self.total)
    }

    pub(super) fn prepare(&self, op: &Op, me: ReplicaIndex) -> Result<Effect, Refusal> {
        let (up, amount) = match op {
            Op::Up(amount) => (true, amount),
            Op::Down(amount) => (false, amount),
            _ => return Ok(Effect::default()),
        };
        if amount.is_empty() && !self.removable {
            return Ok(Effect::default());
        }
        let mut tally = Tally::default();
        if up { &mut tally.up } else { &mut tally.down }.add(amount);
        let mut removes = Vec::new();
        for (dot, mine) in self.entries_of(me) {
            tally.add(mine);
            removes.push(*dot);
        }
        if !(tally.up.fits() && tally.down.fits()) {
            return Err(Refusal::TooLarge);
        }
        Ok(Effect::one(Some(Content::Tally(Box::new(tally))), removes))
    }

    /// A replica's live entries: one, as long as every event supersedes the one before.
    fn entries_of(&self, replica: ReplicaIndex) -> impl Iterator<Item = (&Dot, &Tally)> {
        let first = Dot::new(replica, 1);
        let last = Dot::new(replica, Dot::SEQUENCE_MAX);
        first.zip(last).into_iter().flat_map(|(first, last)| self.base.range(first..=last))
    }

    pub(super) fn value(&self) -> Term {
        self.total.value()
    }

    /// Whether nothing was ever counted, or as much down as up.
    pub(super) fn is_zero(&self) -> bool {
        self.cmp_total(&Term::Int(0)).is_eq()
    }

    /// How the exact total compares with a number.
    pub(super) fn cmp_total(&self, number: &Term) -> Ordering {
        self.total.cmp_total(number)
    }

    pub(super) fn summary(&self) -> Option<Content> {
        // A count of 0 is a count: beneath a map it makes the key, in a window it moves the end.
        (!self.is_unsupported()).then(|| Content::Tally(Box::new(self.total.clone())))
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        entries.extend(self.base.iter().map(|(dot, tally)| (*dot, Content::Tally(Box::new(tally.clone())))));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.count == 0 && self.base.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::*;
    use crate::engine::change::Support;
    use crate::lattice::sum::Sum;

    #[test]
    fn an_update_after_which_the_entry_could_not_be_sent_is_refused() {
        let me = ReplicaIndex(0);
        let half = || Op::Up(Sum::big(BigInt::from(1) << 4_194_300_u32));
        let mut state = CounterState::new(false);
        let mut taken = 0;
        let refused = loop {
            match state.prepare(&half(), me) {
                Err(refusal) => break refusal,
                Ok(effect) => {
                    let content = effect.writes.into_iter().find_map(|write| write.content).expect("an entry");
                    let mut inbox = Inbox::default();
                    inbox.came.push(Support { content, dot: Dot::new(me, taken + 1) });
                    state.apply(&mut inbox);
                    taken += 1;
                    assert!(taken < 100, "it grows without end");
                }
            }
        };
        assert!(taken > 0);
        assert_eq!(refused.diagnostic().code, "E0315");
    }
}
