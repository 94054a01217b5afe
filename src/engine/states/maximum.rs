//! `max_int`: the greatest of its candidates, and at least 0.

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

/// A maximum.
#[derive(Default)]
pub(in crate::engine) struct MaximumState {
    candidates: Multiset<Term>,
    base: BTreeMap<Dot, Term>,
}

impl MaximumState {
    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.value();
        for support in inbox.came.drain(..) {
            let Content::Number(number) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.base.insert(dot, number.clone()).is_none()) {
                self.candidates.insert(number);
            }
        }
        for support in inbox.went.drain(..) {
            let Content::Number(number) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.base.remove(&dot).is_some()) {
                self.candidates.remove(&number);
            }
        }
        Delta::of_value(Some(before), Some(self.value()))
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let number = match op {
            Op::Extremum(number) => number.clone(),
            Op::Increment => successor(&self.value()),
            _ => return Effect::default(),
        };
        let dominated = number <= Term::Int(0) || self.base.values().any(|known| *known >= number);
        if dominated {
            return Effect::default();
        }
        let removes = self.base.keys().copied().collect();
        Effect { writes: vec![Write { content: Some(Content::Number(number)), removes }] }
    }

    pub(super) fn value(&self) -> Term {
        self.candidates.max().cloned().map_or(Term::Int(0), |greatest| greatest.max(Term::Int(0)))
    }

    pub(super) fn summary(&self) -> Option<Content> {
        self.candidates.max().cloned().map(Content::Number)
    }
}

fn successor(number: &Term) -> Term {
    let mut up = Sum::small(1);
    up.add(&sum_of(number).unwrap_or_default());
    Tally { up, down: Sum::default() }.value()
}
