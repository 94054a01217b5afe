//! What a variable holds, by type. A state is a function of its live entries and of what derivations contribute now, and of
//! nothing else: neither of their order nor of what came and went.
//!
//! Each change costs what the change is worth: a hash, or the logarithm of the number of competing values.

mod counter;
mod flag;
mod maximum;
mod ranking;
mod register;
mod set;
mod single;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::lattice::dot::ReplicaIndex;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;
use crate::value::threshold::Level;
use crate::value::threshold::Threshold;

/// A variable's state.
pub(super) enum State {
    Set(set::SetState),
    Counter(counter::CounterState),
    Maximum(maximum::MaximumState),
    Flag(flag::FlagState),
    Single(single::SingleState),
    Register(register::RegisterState),
    Ranking(ranking::RankingState),
}

impl State {
    /// The bottom of a type.
    pub(super) fn bottom(kind: &Type) -> State {
        match kind {
            Type::Set => State::Set(set::SetState::new(true)),
            Type::GSet => State::Set(set::SetState::new(false)),
            Type::Counter | Type::GCounter => State::Counter(counter::CounterState::default()),
            Type::MaxInt => State::Maximum(maximum::MaximumState::default()),
            Type::Boolean => State::Flag(flag::FlagState::default()),
            Type::Ivar => State::Single(single::SingleState::default()),
            Type::LwwRegister => State::Register(register::RegisterState::default()),
            Type::TopK(k) => State::Ranking(ranking::RankingState::new(*k)),
            _ => State::Flag(flag::FlagState::default()),
        }
    }

    /// A copy, of a set.
    pub(super) fn copied(&self) -> Option<State> {
        match self {
            State::Set(state) => Some(State::Set(state.clone())),
            _ => None,
        }
    }

    /// Takes changes in, which empties the inbox, and says what they come to.
    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        match self {
            State::Set(state) => state.apply(inbox),
            State::Counter(state) => state.apply(inbox),
            State::Maximum(state) => state.apply(inbox),
            State::Flag(state) => state.apply(inbox),
            State::Single(state) => state.apply(inbox),
            State::Register(state) => state.apply(inbox),
            State::Ranking(state) => state.apply(inbox),
        }
    }

    /// The value, as programs see it.
    pub(super) fn value(&self) -> Term {
        match self {
            State::Set(state) => state.value(),
            State::Counter(state) => state.value(),
            State::Maximum(state) => state.value(),
            State::Flag(state) => state.value(),
            State::Single(state) => state.value(),
            State::Register(state) => state.value(),
            State::Ranking(state) => state.value(),
        }
    }

    /// What an update of this replica does. Reads what is live, changes nothing.
    pub(super) fn prepare(&self, op: &Op, me: ReplicaIndex) -> Result<Effect, Refusal> {
        Ok(match self {
            State::Set(state) => state.prepare(op),
            State::Counter(state) => return state.prepare(op, me),
            State::Maximum(state) => state.prepare(op),
            State::Flag(state) => state.prepare(op),
            State::Single(state) => return state.prepare(op),
            State::Register(state) => state.prepare(op),
            State::Ranking(state) => state.prepare(op),
        })
    }

    /// Calls back with each element that a derivation from this variable sees, in no particular order.
    pub(super) fn each(&self, see: &mut dyn FnMut(&Term)) {
        match self {
            State::Set(state) => state.elements().for_each(see),
            State::Ranking(state) => state.pairs().for_each(|pair| see(&pair)),
            _ => {
                if let Some(value) = self.only_element() {
                    see(&value);
                }
            }
        }
    }

    /// Whether a derivation from this variable sees this element.
    pub(super) fn contains(&self, element: &Term) -> bool {
        match self {
            State::Set(state) => state.contains(element),
            State::Ranking(state) => state.contains(element),
            _ => self.only_element().is_some_and(|value| value == *element),
        }
    }

    /// The one element of what is neither a set nor a ranking: its value, if it has one.
    fn only_element(&self) -> Option<Term> {
        match self {
            State::Single(state) => state.element(),
            State::Register(state) => state.element(),
            _ => Some(self.value()),
        }
    }

    /// What the whole state comes to, as few contents as possible; `None` for sets and rankings, whose contents follow from
    /// their elements.
    pub(super) fn summary(&self) -> Option<Vec<Content>> {
        match self {
            State::Set(_) | State::Ranking(_) => None,
            State::Counter(state) => Some(state.summary().into_iter().collect()),
            State::Maximum(state) => Some(state.summary().into_iter().collect()),
            State::Flag(state) => Some(state.summary().into_iter().collect()),
            State::Single(state) => Some(state.summary()),
            State::Register(state) => Some(state.summary().into_iter().collect()),
        }
    }

    /// The content that an element of a set or of a ranking is.
    pub(super) fn content_of(&self, element: &Term) -> Option<Content> {
        match self {
            State::Set(_) => Some(Content::Element(element.clone())),
            State::Ranking(_) => match element.as_tuple() {
                Some([name, score]) => Some(Content::Score(Box::new((name.clone(), score.clone())))),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the state is at or above the threshold.
    pub(super) fn meets(&self, threshold: &Threshold) -> bool {
        let strict = threshold.strict;
        match (self, &threshold.level) {
            (_, Level::Bound) => self.is_bound(),
            (State::Set(state), Level::Superset(elements)) => {
                let more = !strict || state.len() > elements.len();
                more && elements.iter().all(|element| state.contains(element))
            }
            (State::Set(state), Level::Cardinality(count)) => {
                let size = Term::Int(i64::try_from(state.len()).unwrap_or(i64::MAX));
                at_least(&size, count, strict)
            }
            (State::Counter(_) | State::Maximum(_), Level::Value(number)) => at_least(&self.value(), number, strict),
            (State::Ranking(state), Level::Value(score)) => {
                state.last_of_k().is_some_and(|last| at_least(&last, score, strict))
            }
            // Nothing is above true.
            (State::Flag(state), Level::True) => !strict && state.is_true(),
            // A threshold of another type: reading it for this one is what refuses it.
            _ => false,
        }
    }

    fn is_bound(&self) -> bool {
        match self {
            State::Set(state) => state.len() > 0,
            State::Counter(state) => !state.is_zero(),
            State::Maximum(state) => state.value() != Term::Int(0),
            State::Flag(state) => state.is_true(),
            State::Single(state) => state.element().is_some(),
            State::Register(state) => state.element().is_some(),
            State::Ranking(state) => state.pairs().next().is_some(),
        }
    }
}

fn at_least(value: &Term, level: &Term, strict: bool) -> bool {
    let order = crate::value::compare(value, level);
    if strict { order.is_gt() } else { order.is_ge() }
}
