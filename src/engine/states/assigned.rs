//! `ivar`: single assignment; concurrent different values are all kept, and read as a conflict. `mvregister`: a register that
//! keeps all concurrent values, and reads as the set of them.

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::engine::states::supported::Supported;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A single assignment, or a register of several values.
#[derive(Clone)]
pub(in crate::engine) struct AssignedState {
    values: Supported<Term>,
    /// Whether a value may be replaced.
    replaceable: bool,
    /// Whether it stands beneath a removable key, where the same value is written again.
    removable: bool,
}

impl AssignedState {
    pub(super) fn ivar(removable: bool) -> AssignedState {
        AssignedState { values: Supported::default(), replaceable: false, removable }
    }

    pub(super) fn register(removable: bool) -> AssignedState {
        AssignedState { values: Supported::default(), replaceable: true, removable }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.element();
        self.values.apply(inbox, |support| match support.content {
            Content::Value(value) => Some(value),
            _ => None,
        });
        Delta::of_value(before, self.element())
    }

    pub(super) fn prepare(&self, op: &Op) -> Result<Effect, Refusal> {
        let Op::Assign(asked) = op else { return Ok(Effect::default()) };
        let content = Some(Content::Value(asked.clone()));
        if self.replaceable {
            // Another value that somebody writes now must not take this one away, which it has not seen: so it is written
            // even where it is there already.
            return Ok(Effect::one(content, self.values.base.keys().copied().collect()));
        }
        if self.values.all.iter().any(|known| known != asked) {
            return Err(Refusal::AlreadyAssigned { value: self.value(), asked: asked.clone() });
        }
        let again = self.values.dominated(|known| known == asked);
        if again.is_empty() || self.removable {
            return Ok(Effect::one(content, again));
        }
        Ok(Effect::default())
    }

    /// The value, if there is one.
    pub(super) fn element(&self) -> Option<Term> {
        let values = || Term::list(self.values.all.iter().cloned().collect::<Vec<_>>());
        match self.values.all.distinct() {
            0 => None,
            _ if self.replaceable => Some(values()),
            1 => self.values.all.min().cloned(),
            _ => Some(Term::tuple([Term::atom("conflict"), values()])),
        }
    }

    pub(super) fn value(&self) -> Term {
        let bottom = if self.replaceable { Term::Nil } else { Term::atom("undefined") };
        self.element().unwrap_or(bottom)
    }

    pub(super) fn summary(&self) -> Vec<Content> {
        self.values.all.iter().cloned().map(Content::Value).collect()
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        entries.extend(self.values.base.iter().map(|(dot, value)| (*dot, Content::Value(value.clone()))));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.values.all.is_empty()
    }
}
