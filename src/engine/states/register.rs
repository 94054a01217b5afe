//! `lwwregister`: the value with the greatest timestamp; among equal timestamps the greatest value, in term order.

use std::collections::BTreeMap;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Write;
use crate::lattice::dot::Dot;
use crate::lattice::multiset::Multiset;
use crate::lattice::sum::Sum;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::operation::Op;
use crate::value::operation::sum_of;
use crate::value::term::Term;

/// A register: timestamps with values.
#[derive(Default)]
pub(in crate::engine) struct RegisterState {
    writes: Multiset<(Term, Term)>,
    base: BTreeMap<Dot, (Term, Term)>,
}

impl RegisterState {
    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.element();
        for support in inbox.came.drain(..) {
            let Content::Stamped(stamped) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.base.insert(dot, (*stamped).clone()).is_none()) {
                self.writes.insert(*stamped);
            }
        }
        for support in inbox.went.drain(..) {
            let Content::Stamped(stamped) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.base.remove(&dot).is_some()) {
                self.writes.remove(&stamped);
            }
        }
        Delta::of_value(before, self.element())
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let stamped = match op {
            Op::Assign(value) => (self.next_timestamp(), value.clone()),
            Op::AssignAt(timestamp, value) => (timestamp.clone(), value.clone()),
            _ => return Effect::default(),
        };
        if self.base.values().any(|known| *known >= stamped) {
            return Effect::default();
        }
        let removes = self.base.keys().copied().collect();
        Effect { writes: vec![Write { content: Some(Content::Stamped(Box::new(stamped))), removes }] }
    }

    /// Above all that is here.
    fn next_timestamp(&self) -> Term {
        let mut up = Sum::small(1);
        let newest = self.writes.max().and_then(|(timestamp, _)| sum_of(timestamp));
        up.add(&newest.unwrap_or_default());
        Tally { up, down: Sum::default() }.value()
    }

    /// The value, if there is one.
    pub(super) fn element(&self) -> Option<Term> {
        self.writes.max().map(|(_, value)| value.clone())
    }

    pub(super) fn value(&self) -> Term {
        self.element().unwrap_or_else(|| Term::atom("undefined"))
    }

    pub(super) fn summary(&self) -> Option<Content> {
        self.writes.max().cloned().map(|stamped| Content::Stamped(Box::new(stamped)))
    }
}
