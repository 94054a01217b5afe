//! A state inside another: a key's, one of a pair, a window's. Its value is kept until it changes.

use std::cell::RefCell;

use crate::engine::change::Delta;
use crate::engine::change::Inbox;
use crate::engine::known::Known;
use crate::engine::states::State;
use crate::value::kind::Type;
use crate::value::term::Term;

/// See the module.
pub(super) struct Child {
    pub(super) state: State,
    known: RefCell<Known>,
}

impl Child {
    pub(super) fn bottom(kind: &Type, removable: bool) -> Child {
        Child { state: State::bottom(kind, removable), known: RefCell::default() }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let delta = self.state.apply(inbox, false);
        self.known.get_mut().note(&delta, &self.state);
        delta
    }

    pub(super) fn value(&self) -> Term {
        self.known.borrow_mut().value(&self.state)
    }
}

impl Clone for Child {
    /// For trying updates out: the value is not taken along.
    fn clone(&self) -> Child {
        Child { state: self.state.clone(), known: RefCell::default() }
    }
}
