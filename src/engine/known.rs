//! A variable's value as it was last asked for, and what has changed since: a large set that changed a little is not sorted
//! anew for the next query, but its list is mended, and what lies behind the last change is shared.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::engine::change::Delta;
use crate::value::term::Term;

/// The most changes that are kept for a value that nobody may ask for again.
const PENDING_MAX: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    value: Option<Term>,
    /// Elements of a set that came (true) or went (false) since; net, so each differs from what `value` has.
    pending: BTreeMap<Term, bool>,
}

impl Known {
    /// The variable changed. `is_set`: its value is the sorted list of the elements that `delta` speaks of.
    pub(super) fn note(&mut self, delta: &Delta, is_set: bool) {
        if self.value.is_none() {
            return;
        }
        let changes = delta.entered.len() + delta.left.len();
        if !is_set || self.pending.len() + changes > PENDING_MAX {
            *self = Known::default();
            return;
        }
        delta.entered.iter().for_each(|element| self.note_one(element, true));
        delta.left.iter().for_each(|element| self.note_one(element, false));
    }

    fn note_one(&mut self, element: &Term, present: bool) {
        match self.pending.entry(element.clone()) {
            Entry::Vacant(place) => {
                place.insert(present);
            }
            Entry::Occupied(place) if *place.get() != present => {
                place.remove();
            }
            Entry::Occupied(_) => {}
        }
    }

    /// The value as it is now; `compute` makes it from nothing.
    pub(super) fn value(&mut self, compute: impl FnOnce() -> Term) -> Term {
        let pending = std::mem::take(&mut self.pending);
        let value = match self.value.take() {
            Some(value) if pending.is_empty() => value,
            Some(value) => mended(&value, pending),
            None => compute(),
        };
        self.value = Some(value.clone());
        value
    }
}

/// A sorted list with so many elements put in and taken out.
fn mended(list: &Term, pending: BTreeMap<Term, bool>) -> Term {
    let (mut before, mut rest) = (Vec::new(), list);
    for (element, present) in pending {
        while let Term::Cons(cell) = rest
            && *cell.head() < element
        {
            before.push(cell.head().clone());
            rest = cell.tail();
        }
        if let Term::Cons(cell) = rest
            && *cell.head() == element
        {
            rest = cell.tail();
        }
        if present {
            before.push(element);
        }
    }
    before.into_iter().rev().fold(rest.clone(), |tail, head| Term::cons(head, tail))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mended_list_is_the_sorted_one(changes in prop::collection::vec((0..30i64, any::<bool>()), 0..200)) {
            let (mut set, mut known, mut computed) = (BTreeSet::new(), Known::default(), 0);
            for (number, ask) in changes {
                let element = Term::Int(number);
                let mut delta = Delta::default();
                if set.remove(&element) {
                    delta.left.push(element);
                } else {
                    set.insert(element.clone());
                    delta.entered.push(element);
                }
                known.note(&delta, true);
                if ask {
                    let sorted = Term::list(set.iter().cloned().collect::<Vec<_>>());
                    let value = known.value(|| {
                        computed += 1;
                        sorted.clone()
                    });
                    prop_assert_eq!(value, sorted);
                    prop_assert_eq!(computed, 1, "only the first time");
                }
            }
        }
    }
}
