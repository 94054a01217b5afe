//! `pair`: two states in one.

use crate::engine::author::Author;
use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::engine::change::Support;
use crate::engine::states::State;
use crate::engine::states::child::Child;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A pair.
#[derive(Clone)]
pub(in crate::engine) struct PairState {
    first: Child,
    second: Child,
}

impl PairState {
    pub(super) fn new(kinds: &(Type, Type), removable: bool) -> PairState {
        PairState { first: Child::bottom(&kinds.0, removable), second: Child::bottom(&kinds.1, removable) }
    }

    /// Takes changes in. Elements are told if somebody watches.
    pub(super) fn apply(&mut self, inbox: &mut Inbox, watched: bool) -> Delta {
        let before = watched.then(|| self.value());
        let (mut first, mut second) = (Inbox::default(), Inbox::default());
        for (from, came) in [(&mut inbox.came, true), (&mut inbox.went, false)] {
            for Support { dot, content } in from.drain(..) {
                let (side, content) = match content {
                    Content::First(content) => (&mut first, *content),
                    Content::Second(content) => (&mut second, *content),
                    _ => continue,
                };
                let to = if came { &mut side.came } else { &mut side.went };
                to.push(Support { dot, content });
            }
        }
        let changes = [self.first.apply(&mut first), self.second.apply(&mut second)];
        let changed = changes.iter().any(|delta| delta.changed);
        let after = (watched && changed).then(|| self.value());
        Delta {
            left: before.filter(|_| changed).into_iter().collect(),
            entered: after.into_iter().collect(),
            parts: Vec::new(),
            changed,
            touched: changes.iter().any(|delta| delta.touched),
        }
    }

    pub(super) fn prepare(&self, op: &Op, author: &Author) -> Result<Effect, Refusal> {
        Ok(match op {
            Op::First(op) => self.first.state.prepare(op, author)?.wrapped(|content| Content::First(Box::new(content))),
            Op::Second(op) => {
                self.second.state.prepare(op, author)?.wrapped(|content| Content::Second(Box::new(content)))
            }
            _ => Effect::default(),
        })
    }

    pub(super) fn value(&self) -> Term {
        Term::pair(self.first.value(), self.second.value())
    }

    pub(super) fn states(&self) -> [&State; 2] {
        [&self.first.state, &self.second.state]
    }

    pub(super) fn contents(&self) -> Vec<Content> {
        let first = self.first.state.contents_within().into_iter().map(|content| Content::First(Box::new(content)));
        let second = self.second.state.contents_within().into_iter().map(|content| Content::Second(Box::new(content)));
        first.chain(second).collect()
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        let first = self.first.state.entries().into_iter();
        entries.extend(first.map(|(dot, content)| (dot, Content::First(Box::new(content)))));
        let second = self.second.state.entries().into_iter();
        entries.extend(second.map(|(dot, content)| (dot, Content::Second(Box::new(content)))));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.states().iter().all(|state| state.is_unsupported())
    }
}
