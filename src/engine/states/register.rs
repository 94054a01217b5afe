//! `lwwregister`: the value with the greatest timestamp; among equal timestamps the greatest value, in term order.

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

/// A register: timestamps with values.
#[derive(Clone)]
pub(in crate::engine) struct RegisterState {
    writes: Supported<(Term, Term)>,
    /// Whether it stands beneath a removable key, where older writes are kept too.
    removable: bool,
}

impl RegisterState {
    pub(super) fn new(removable: bool) -> RegisterState {
        RegisterState { writes: Supported::default(), removable }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.element();
        self.writes.apply(inbox, |support| match support.content {
            Content::Stamped(stamped) => Some(*stamped),
            _ => None,
        });
        Delta::of_value(before, self.element())
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let stamped = match op {
            Op::Assign(value) => (self.next_timestamp(), value.clone()),
            Op::AssignAt(timestamp, value) => (timestamp.clone(), value.clone()),
            _ => return Effect::default(),
        };
        if !self.removable && self.writes.base.values().any(|known| *known >= stamped) {
            return Effect::default();
        }
        let removes = self.writes.dominated(|known| *known <= stamped);
        Effect::one(Some(Content::Stamped(Box::new(stamped))), removes)
    }

    /// Above all that is here.
    fn next_timestamp(&self) -> Term {
        let mut up = Sum::small(1);
        let newest = self.writes.all.max().and_then(|(timestamp, _)| sum_of(timestamp));
        up.add(&newest.unwrap_or_default());
        Tally { up, down: Sum::default() }.value()
    }

    /// The value, if there is one.
    pub(super) fn element(&self) -> Option<Term> {
        self.writes.all.max().map(|(_, value)| value.clone())
    }

    pub(super) fn value(&self) -> Term {
        self.element().unwrap_or_else(|| Term::atom("undefined"))
    }

    pub(super) fn summary(&self) -> Option<Content> {
        self.writes.all.max().cloned().map(|stamped| Content::Stamped(Box::new(stamped)))
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        let base = self.writes.base.iter();
        entries.extend(base.map(|(dot, stamped)| (*dot, Content::Stamped(Box::new(stamped.clone())))));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.writes.all.is_empty()
    }
}
