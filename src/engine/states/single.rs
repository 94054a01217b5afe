//! `ivar`: single assignment. Concurrent different values are all kept, and read as a conflict.

use std::collections::BTreeMap;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Refusal;
use crate::engine::change::Write;
use crate::lattice::dot::Dot;
use crate::lattice::multiset::Multiset;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A single assignment.
#[derive(Default)]
pub(in crate::engine) struct SingleState {
    values: Multiset<Term>,
    base: BTreeMap<Dot, Term>,
}

impl SingleState {
    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.element();
        for support in inbox.came.drain(..) {
            let Content::Value(value) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.base.insert(dot, value.clone()).is_none()) {
                self.values.insert(value);
            }
        }
        for support in inbox.went.drain(..) {
            let Content::Value(value) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.base.remove(&dot).is_some()) {
                self.values.remove(&value);
            }
        }
        Delta::of_value(before, self.element())
    }

    pub(super) fn prepare(&self, op: &Op) -> Result<Effect, Refusal> {
        let Op::Assign(asked) = op else { return Ok(Effect::default()) };
        if self.values.iter().any(|known| known != asked) {
            return Err(Refusal::AlreadyAssigned { value: self.value(), asked: asked.clone() });
        }
        if self.base.values().any(|known| known == asked) {
            return Ok(Effect::default());
        }
        let content = Some(Content::Value(asked.clone()));
        Ok(Effect { writes: vec![Write { content, removes: Vec::new() }] })
    }

    /// The value, if there is one.
    pub(super) fn element(&self) -> Option<Term> {
        match self.values.distinct() {
            0 => None,
            1 => self.values.min().cloned(),
            _ => {
                let values: Vec<Term> = self.values.iter().cloned().collect();
                Some(Term::tuple([Term::atom("conflict"), Term::list(values)]))
            }
        }
    }

    pub(super) fn value(&self) -> Term {
        self.element().unwrap_or_else(|| Term::atom("undefined"))
    }

    pub(super) fn summary(&self) -> Vec<Content> {
        self.values.iter().cloned().map(Content::Value).collect()
    }
}
