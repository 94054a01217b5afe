//! When a state is at or above a threshold.

use std::cmp::Ordering;

use crate::engine::states::State;
use crate::value::compare;
use crate::value::term::Term;
use crate::value::threshold::Level;
use crate::value::threshold::Threshold;

impl State {
    /// Whether the state is at or above the threshold.
    pub(in crate::engine) fn meets(&self, threshold: &Threshold) -> bool {
        self.is_at(&threshold.level, threshold.strict)
    }

    /// `strict`: above it.
    fn is_at(&self, level: &Level, strict: bool) -> bool {
        match (self, level) {
            (State::Window(_), Level::Bound) => self.is_bound(),
            (State::Window(state), _) => state.newest_window().is_at(level, strict),
            (_, Level::Bottom) => true,
            (_, Level::Bound) => self.is_bound(),
            (State::Set(state), Level::Superset(elements)) => {
                superset(elements, strict, state.len(), |element| state.contains(element))
            }
            (State::Marked(state), Level::Superset(elements)) => {
                superset(elements, strict, state.len(), |element| state.contains(element))
            }
            (State::Set(state), Level::Cardinality(count)) => at_least(&size(state.len()), count, strict),
            (State::Marked(state), Level::Cardinality(count)) => at_least(&size(state.len()), count, strict),
            (State::Counter(state), Level::Value(number)) => is_met(state.cmp_total(number), strict),
            (State::Bounded(state), Level::Value(number)) => is_met(state.cmp_total(number), strict),
            (State::Extremum(_), Level::Value(number)) => at_least(&self.value(), number, strict),
            (State::Extremum(state), Level::AtMost(number)) => {
                state.element().is_some_and(|value| at_least(number, &value, strict))
            }
            (State::Ranking(state), Level::Value(score)) => {
                state.last_of_k().is_some_and(|last| at_least(&last, score, strict))
            }
            // Nothing is above true.
            (State::Flag(state), Level::True) => !strict && state.is_true(),
            (State::Map(state), Level::Keys(keys)) => {
                let bottom = State::bottom(state.kind(), false);
                let parts = || keys.iter().map(|(key, threshold)| (state.child(key).unwrap_or(&bottom), threshold));
                // A key that the threshold does not name puts the map above it, as another element does with a set.
                let more = || state.keys().any(|key| keys.iter().all(|(named, _)| named != key));
                all_met(parts, false) && (!strict || more() || all_met(parts, true))
            }
            (State::Pair(state), Level::Both(both)) => {
                let parts = || state.states().into_iter().zip([&both.0, &both.1]);
                all_met(parts, strict)
            }
            // A threshold of another type: reading it for this one is what refuses it.
            _ => false,
        }
    }

    fn is_bound(&self) -> bool {
        match self {
            State::Set(state) => state.len() > 0,
            State::Marked(state) => state.len() > 0,
            State::Counter(state) => !state.is_zero(),
            State::Bounded(state) => !state.is_zero(),
            State::Extremum(state) => state.is_bound(),
            State::Flag(state) => state.is_bound(),
            State::Assigned(state) => state.element().is_some(),
            State::Register(state) => state.element().is_some(),
            State::Ranking(state) => state.pairs().next().is_some(),
            State::Map(state) => !state.is_unsupported(),
            State::Pair(state) => state.states().into_iter().any(State::is_bound),
            // At first windows that slide have the value of an empty map, and with any event another one.
            State::Window(state) if state.slides() => state.newest().is_some(),
            State::Window(state) => state.newest_window().is_bound(),
        }
    }
}

/// Whether every part is at its threshold and, if the whole is strict, one of them above.
fn all_met<'a, P: Iterator<Item = (&'a State, &'a Threshold)>>(parts: impl Fn() -> P, strict: bool) -> bool {
    let met = parts().all(|(state, threshold)| state.meets(threshold));
    met && (!strict || parts().any(|(state, threshold)| state.is_at(&threshold.level, true)))
}

fn superset(elements: &[Term], strict: bool, len: usize, contains: impl Fn(&Term) -> bool) -> bool {
    (!strict || len > elements.len()) && elements.iter().all(contains)
}

fn size(len: usize) -> Term {
    Term::Int(i64::try_from(len).unwrap_or(i64::MAX))
}

fn at_least(value: &Term, level: &Term, strict: bool) -> bool {
    is_met(compare(value, level), strict)
}

fn is_met(order: Ordering, strict: bool) -> bool {
    if strict { order.is_gt() } else { order.is_ge() }
}
