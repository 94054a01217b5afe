//! `max_int`: the greatest of its candidates, and at least 0. `min_int`: the smallest of them, undefined without one.

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::states::supported::Supported;
use crate::lattice::dot::Dot;
use crate::lattice::sum::Sum;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::operation::Op;
use crate::value::operation::sum_of;
use crate::value::term::Term;

/// A maximum or a minimum.
#[derive(Clone)]
pub(in crate::engine) struct ExtremumState {
    candidates: Supported<Term>,
    /// Whether the smallest counts.
    least: bool,
    /// Whether it stands beneath a removable key, where what is dominated is written too.
    removable: bool,
}

impl ExtremumState {
    pub(super) fn new(least: bool, removable: bool) -> ExtremumState {
        ExtremumState { candidates: Supported::default(), least, removable }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.element();
        self.candidates.apply(inbox, |support| match support.content {
            Content::Number(number) => Some(number),
            _ => None,
        });
        Delta::of_value(before, self.element())
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let number = match op {
            Op::Extremum(number) => number.clone(),
            Op::Increment => successor(&self.value()),
            _ => return Effect::default(),
        };
        let bottom = !self.least && number <= Term::Int(0);
        let dominated = bottom || self.candidates.base.values().any(|known| self.at_least(known, &number));
        if dominated && !self.removable {
            return Effect::default();
        }
        let removes = self.candidates.dominated(|known| self.at_least(&number, known));
        Effect::one(Some(Content::Number(number)), removes)
    }

    fn at_least(&self, upper: &Term, lower: &Term) -> bool {
        if self.least { upper <= lower } else { upper >= lower }
    }

    fn extremum(&self) -> Option<&Term> {
        if self.least { self.candidates.all.min() } else { self.candidates.all.max() }
    }

    /// The value; none of a minimum of nothing.
    pub(super) fn element(&self) -> Option<Term> {
        let extremum = self.extremum().cloned();
        if self.least {
            return extremum;
        }
        Some(extremum.map_or(Term::Int(0), |greatest| greatest.max(Term::Int(0))))
    }

    pub(super) fn value(&self) -> Term {
        self.element().unwrap_or_else(|| Term::atom("undefined"))
    }

    pub(super) fn is_bound(&self) -> bool {
        self.element().is_some_and(|value| self.least || value != Term::Int(0))
    }

    pub(super) fn summary(&self) -> Option<Content> {
        self.extremum().cloned().map(Content::Number)
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        let base = self.candidates.base.iter();
        entries.extend(base.map(|(dot, number)| (*dot, Content::Number(number.clone()))));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.candidates.all.is_empty()
    }
}

fn successor(number: &Term) -> Term {
    let mut up = Sum::small(1);
    up.add(&sum_of(number).unwrap_or_default());
    Tally { up, down: Sum::default() }.value()
}
