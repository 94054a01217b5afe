//! What a variable holds, by type. A state is a function of its live entries and of what derivations contribute now, and of
//! nothing else: neither of their order nor of what came and went.
//!
//! Each change costs what the change is worth: a hash, or the logarithm of the number of competing values. States stand in
//! each other as their types do; a change goes down to the one that it concerns.
//!
//! Entries beneath a removable key need care. Whoever takes a key out takes back exactly the entries that it has seen, so
//! there every update has to be an entry of its own, even one that changes nothing now: it may be all that is left.

mod assigned;
mod bounded;
mod child;
mod counter;
mod extremum;
mod flag;
mod map;
mod marked;
mod meets;
mod pair;
mod ranking;
mod register;
mod set;
mod several;
mod supported;
mod window;

use crate::engine::author::Author;
use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A variable's state, or a part of one.
#[derive(Clone)]
pub(super) enum State {
    Set(set::SetState),
    Marked(marked::MarkedState),
    Counter(counter::CounterState),
    Bounded(bounded::BoundedState),
    Extremum(extremum::ExtremumState),
    Flag(flag::FlagState),
    Assigned(assigned::AssignedState),
    Register(register::RegisterState),
    Ranking(Box<ranking::RankingState>),
    Map(map::MapState),
    Pair(Box<pair::PairState>),
    Window(Box<window::WindowState>),
}

/// Evaluates to the same expression about whichever state it is.
macro_rules! each_state {
    ($of:expr, $state:ident => $what:expr) => {
        match $of {
            State::Set($state) => $what,
            State::Marked($state) => $what,
            State::Counter($state) => $what,
            State::Bounded($state) => $what,
            State::Extremum($state) => $what,
            State::Flag($state) => $what,
            State::Assigned($state) => $what,
            State::Register($state) => $what,
            State::Ranking($state) => $what,
            State::Map($state) => $what,
            State::Pair($state) => $what,
            State::Window($state) => $what,
        }
    };
}

impl State {
    /// The bottom of a type; `removable` where it stands beneath a key that can be taken out.
    pub(super) fn bottom(kind: &Type, removable: bool) -> State {
        match kind {
            Type::Set => State::Set(set::SetState::new(true)),
            Type::GSet => State::Set(set::SetState::new(removable)),
            Type::RwSet => State::Marked(marked::MarkedState::new(true, removable)),
            Type::TwoPSet => State::Marked(marked::MarkedState::new(false, removable)),
            Type::Counter | Type::GCounter | Type::LexCounter => State::Counter(counter::CounterState::new(removable)),
            Type::BCounter => State::Bounded(bounded::BoundedState::default()),
            Type::MaxInt => State::Extremum(extremum::ExtremumState::new(false, removable)),
            Type::MinInt => State::Extremum(extremum::ExtremumState::new(true, removable)),
            Type::Boolean => State::Flag(flag::FlagState::new(flag::Kind::Boolean, removable)),
            Type::EwFlag => State::Flag(flag::FlagState::new(flag::Kind::EnableWins, removable)),
            Type::DwFlag => State::Flag(flag::FlagState::new(flag::Kind::DisableWins, removable)),
            Type::Ivar => State::Assigned(assigned::AssignedState::ivar(removable)),
            Type::MvRegister => State::Assigned(assigned::AssignedState::register(removable)),
            Type::LwwRegister => State::Register(register::RegisterState::new(removable)),
            Type::TopK(k) => State::Ranking(Box::new(ranking::RankingState::new(*k, removable))),
            Type::GMap(kind) => State::Map(map::MapState::new(kind, removable)),
            Type::AwMap(kind) => State::Map(map::MapState::new(kind, true)),
            Type::Pair(kinds) => State::Pair(Box::new(pair::PairState::new(kinds, removable))),
            Type::Window(window) => State::Window(Box::new(window::WindowState::new(window, removable))),
        }
    }

    /// A copy, of a set.
    pub(super) fn copied(&self) -> Option<State> {
        match self {
            State::Set(state) => Some(State::Set(state.clone())),
            _ => None,
        }
    }

    /// Takes changes in, which empties the inbox, and says what they come to. Elements of what is neither a set nor a
    /// ranking are told if somebody watches.
    pub(super) fn apply(&mut self, inbox: &mut Inbox, watched: bool) -> Delta {
        match self {
            State::Set(state) => state.apply(inbox),
            State::Marked(state) => state.apply(inbox),
            State::Counter(state) => state.apply(inbox),
            State::Bounded(state) => state.apply(inbox),
            State::Extremum(state) => state.apply(inbox),
            State::Flag(state) => state.apply(inbox),
            State::Assigned(state) => state.apply(inbox),
            State::Register(state) => state.apply(inbox),
            State::Ranking(state) => state.apply(inbox),
            State::Map(state) => state.apply(inbox, watched),
            State::Pair(state) => state.apply(inbox, watched),
            State::Window(state) => state.apply(inbox, watched),
        }
    }

    /// The value, as programs see it.
    pub(super) fn value(&self) -> Term {
        each_state!(self, state => state.value())
    }

    /// What an update by `author` does. Reads what is live, changes nothing.
    pub(super) fn prepare(&self, op: &Op, author: &Author) -> Result<Effect, Refusal> {
        Ok(match self {
            State::Set(state) => state.prepare(op),
            State::Marked(state) => state.prepare(op),
            State::Counter(state) => return state.prepare(op, author.replica),
            State::Bounded(state) => return state.prepare(op, author),
            State::Extremum(state) => state.prepare(op),
            State::Flag(state) => state.prepare(op),
            State::Assigned(state) => return state.prepare(op),
            State::Register(state) => state.prepare(op),
            State::Ranking(state) => state.prepare(op),
            State::Map(state) => return state.prepare(op, author),
            State::Pair(state) => return state.prepare(op, author),
            State::Window(state) => state.prepare(op),
        })
    }

    /// Calls back with each element that a derivation from this variable sees, in no particular order.
    pub(super) fn each(&self, see: &mut dyn FnMut(&Term)) {
        match self {
            State::Set(state) => state.elements().for_each(see),
            State::Marked(state) => state.elements().for_each(see),
            State::Ranking(state) => state.pairs().for_each(|pair| see(&pair)),
            State::Map(state) => state.elements().for_each(|entry| see(&entry)),
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
            State::Marked(state) => state.contains(element),
            State::Ranking(state) => state.contains(element),
            State::Map(state) => state.contains(element),
            _ => self.only_element().is_some_and(|value| value == *element),
        }
    }

    /// The one element of what is neither a set nor a ranking nor a map: its value, if it has one.
    fn only_element(&self) -> Option<Term> {
        match self {
            State::Assigned(state) => state.element(),
            State::Register(state) => state.element(),
            State::Extremum(state) => state.element(),
            _ => Some(self.value()),
        }
    }

    /// Whether its value is the sorted list of its elements.
    pub(super) fn is_set(&self) -> bool {
        matches!(self, State::Set(_) | State::Marked(_))
    }

    /// Of a map: what a key has now, if it is there.
    pub(super) fn entry(&self, key: &Term) -> Option<Term> {
        match self {
            State::Map(state) => state.get(key),
            _ => None,
        }
    }

    /// Whether its value is a map made of its keys' values.
    pub(super) fn is_map(&self) -> bool {
        matches!(self, State::Map(_))
    }

    /// What the whole state comes to, as few contents as possible, each once; `None` for sets and rankings, whose contents
    /// follow from their elements, and for maps and windows, which consist of parts.
    pub(super) fn summary(&self) -> Option<Vec<Content>> {
        match self {
            State::Set(_) | State::Marked(_) | State::Ranking(_) | State::Map(_) | State::Window(_) => None,
            State::Counter(state) => Some(state.summary().into_iter().collect()),
            State::Bounded(state) => Some(state.summary().into_iter().collect()),
            State::Extremum(state) => Some(state.summary().into_iter().collect()),
            State::Flag(state) => Some(state.summary().into_iter().collect()),
            State::Assigned(state) => Some(state.summary()),
            State::Register(state) => Some(state.summary().into_iter().collect()),
            State::Pair(state) => Some(state.contents()),
        }
    }

    /// The content that an element of a set or of a ranking is.
    pub(super) fn content_of(&self, element: &Term) -> Option<Content> {
        match self {
            State::Set(_) | State::Marked(_) => Some(Content::Element(element.clone())),
            State::Ranking(_) => match element.as_tuple() {
                Some([name, score]) => Some(Content::Score(Box::new((name.clone(), score.clone())))),
                _ => None,
            },
            _ => None,
        }
    }

    /// The parts that a map (keys) or a window (timestamps) has; see [`Delta::parts`].
    pub(super) fn parts(&self) -> Vec<Term> {
        match self {
            State::Map(state) => state.keys().cloned().collect(),
            State::Window(state) => state.times().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it consists of parts.
    pub(super) fn has_parts(&self) -> bool {
        matches!(self, State::Map(_) | State::Window(_))
    }

    /// What a part comes to, as few contents as possible, each once.
    pub(super) fn part(&self, part: &Term) -> Vec<Content> {
        match self {
            State::Map(state) => state.part(part),
            State::Window(state) => state.part(part),
            _ => Vec::new(),
        }
    }

    /// What the whole state comes to, as few contents as possible, each once.
    pub(super) fn contents(&self) -> Vec<Content> {
        if let Some(summary) = self.summary() {
            return summary;
        }
        if self.has_parts() {
            return self.parts().iter().flat_map(|part| self.part(part)).collect();
        }
        let mut contents = Vec::new();
        self.each(&mut |element| contents.extend(self.content_of(element)));
        contents
    }

    /// The same within another state, beneath a key or in a pair: a set of which only removals are left is something there.
    fn contents_within(&self) -> Vec<Content> {
        match self {
            State::Marked(state) if state.len() == 0 => state.removal().into_iter().collect(),
            _ => self.contents(),
        }
    }

    /// The live entries, in no particular order.
    fn entries(&self) -> Vec<(Dot, Content)> {
        let mut entries = Vec::new();
        each_state!(self, state => state.entries(&mut entries));
        entries
    }

    /// Whether neither an entry nor a contribution speaks for anything here.
    fn is_unsupported(&self) -> bool {
        each_state!(self, state => state.is_unsupported())
    }

    /// How many live entries say that something was taken out: what grows with removals and not with the value.
    pub(super) fn removal_records(&self) -> usize {
        match self {
            State::Marked(state) => state.removal_records(),
            State::Flag(state) => state.removal_records(),
            State::Map(state) => state.removal_records(),
            State::Pair(state) => state.states().iter().map(|state| state.removal_records()).sum(),
            _ => 0,
        }
    }
}
