//! A variable's value as it was last asked for, and what has changed since: a large set or map that changed a little is not
//! built anew for the next query, but mended, and what lies behind the last change is shared.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::engine::change::Delta;
use crate::engine::states::State;
use crate::value::map::Map;
use crate::value::term::Term;

/// The most changes that are kept for a value that nobody may ask for again.
const PENDING_MAX: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    value: Option<Term>,
    /// Elements of a set that came (true) or went (false) since; net, so each differs from what `value` has. Of a map: the
    /// keys that changed (true).
    pending: BTreeMap<Term, bool>,
}

impl Known {
    /// The state changed, and this is it now.
    pub(super) fn note(&mut self, delta: &Delta, state: &State) {
        if self.value.is_none() || delta.is_empty() {
            return;
        }
        let changes = delta.entered.len() + delta.left.len() + delta.parts.len();
        if !(state.is_set() || state.is_map()) || self.pending.len() + changes > PENDING_MAX {
            *self = Known::default();
        } else if state.is_map() {
            self.pending.extend(delta.parts.iter().map(|key| (key.clone(), true)));
        } else {
            delta.entered.iter().for_each(|element| self.note_one(element, true));
            delta.left.iter().for_each(|element| self.note_one(element, false));
        }
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

    /// The state's value.
    pub(super) fn value(&mut self, state: &State) -> Term {
        let pending = std::mem::take(&mut self.pending);
        let value = match self.value.take() {
            Some(value) if pending.is_empty() => value,
            Some(Term::Map(map)) => mended_map(&map, pending, state),
            Some(value) => mended(&value, pending),
            None => state.value(),
        };
        self.value = Some(value.clone());
        value
    }
}

/// Beyond this depth a map is built anew, since a mended one keeps the depth of what is no longer in it.
const DEPTH_MENDED_MAX: u32 = 32;

/// A map in which so many keys changed.
fn mended_map(map: &Map, pending: BTreeMap<Term, bool>, state: &State) -> Term {
    let mut map = map.clone();
    for key in pending.into_keys() {
        match state.entry(&key) {
            Some(value) => map.insert(key, value),
            None => {
                map.remove(&key);
            }
        }
    }
    if map.depth() > DEPTH_MENDED_MAX { state.value() } else { Term::map(map) }
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
    use triomphe::Arc;

    use super::*;
    use crate::engine::change::Inbox;
    use crate::value::content::Content;
    use crate::value::kind::Type;

    proptest! {
        #[test]
        fn a_mended_value_is_the_built_one(changes in prop::collection::vec((0..30i64, any::<bool>()), 0..200)) {
            let entry = |number| Content::Entry(Arc::new((Term::Int(number), Content::Number(Term::Int(number)))));
            let makers: [(Type, &dyn Fn(i64) -> Content); 3] = [
                (Type::GSet, &|number| Content::Element(Term::Int(number))),
                (Type::TwoPSet, &|number| Content::Element(Term::Int(number))),
                (Type::GMap(Box::new(Type::MaxInt)), &entry),
            ];
            for (kind, content) in makers {
                let (mut present, mut known) = (BTreeSet::new(), Known::default());
                let mut state = State::bottom(&kind, false);
                for (number, ask) in &changes {
                    let mut inbox = Inbox::default();
                    if present.remove(number) {
                        inbox.withdraw(content(*number));
                    } else {
                        present.insert(*number);
                        inbox.contribute(content(*number));
                    }
                    let delta = state.apply(&mut inbox, false);
                    known.note(&delta, &state);
                    if *ask {
                        prop_assert_eq!(known.value(&state), state.value());
                    }
                }
            }
        }
    }
}
