//! `boolean`: true as long as anything says so.

use std::collections::BTreeSet;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Write;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A flag.
#[derive(Default)]
pub(in crate::engine) struct FlagState {
    base: BTreeSet<Dot>,
    count: u64,
}

impl FlagState {
    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.value();
        for support in inbox.came.drain(..) {
            match (support.content, support.dot) {
                (Content::True, Some(dot)) => {
                    self.base.insert(dot);
                }
                (Content::True, None) => self.count += 1,
                _ => {}
            }
        }
        for support in inbox.went.drain(..) {
            match (support.content, support.dot) {
                (Content::True, Some(dot)) => {
                    self.base.remove(&dot);
                }
                (Content::True, None) => self.count = self.count.saturating_sub(1),
                _ => {}
            }
        }
        Delta::of_value(Some(before), Some(self.value()))
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        if *op != Op::True || !self.base.is_empty() {
            return Effect::default();
        }
        Effect { writes: vec![Write { content: Some(Content::True), removes: Vec::new() }] }
    }

    pub(super) fn is_true(&self) -> bool {
        self.count > 0 || !self.base.is_empty()
    }

    pub(super) fn value(&self) -> Term {
        Term::boolean(self.is_true())
    }

    pub(super) fn summary(&self) -> Option<Content> {
        self.is_true().then_some(Content::True)
    }
}
