//! `boolean`: true as long as anything says so. `ewflag`: the same, and can be disabled. `dwflag`: true as long as nothing
//! says that it was disabled.

use std::collections::BTreeSet;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// Which flag it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Kind {
    Boolean,
    EnableWins,
    DisableWins,
}

/// A flag.
#[derive(Clone)]
pub(in crate::engine) struct FlagState {
    kind: Kind,
    /// Whether it stands beneath a removable key, where everything is written.
    removable: bool,
    enabled: Marks,
    disabled: Marks,
}

/// What speaks for one side.
#[derive(Clone, Default)]
struct Marks {
    base: BTreeSet<Dot>,
    count: u64,
}

impl Marks {
    fn came(&mut self, dot: Option<Dot>) {
        match dot {
            Some(dot) => {
                self.base.insert(dot);
            }
            None => self.count += 1,
        }
    }

    fn went(&mut self, dot: Option<Dot>) {
        match dot {
            Some(dot) => {
                self.base.remove(&dot);
            }
            None => self.count = self.count.saturating_sub(1),
        }
    }

    fn any(&self) -> bool {
        self.count > 0 || !self.base.is_empty()
    }
}

impl FlagState {
    pub(super) fn new(kind: Kind, removable: bool) -> FlagState {
        FlagState { kind, removable, enabled: Marks::default(), disabled: Marks::default() }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let before = self.is_true();
        for support in inbox.came.drain(..) {
            if let Some(marks) = self.marks(&support.content) {
                marks.came(support.dot);
            }
        }
        for support in inbox.went.drain(..) {
            if let Some(marks) = self.marks(&support.content) {
                marks.went(support.dot);
            }
        }
        Delta::of_value(Some(Term::boolean(before)), Some(self.value()))
    }

    fn marks(&mut self, content: &Content) -> Option<&mut Marks> {
        match content {
            Content::True => Some(&mut self.enabled),
            Content::Disabled => Some(&mut self.disabled),
            _ => None,
        }
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let seen = |marks: &Marks| marks.base.iter().copied().collect::<Vec<_>>();
        let both = || self.enabled.base.union(&self.disabled.base).copied().collect();
        match (self.kind, op) {
            (Kind::Boolean, Op::True) if self.removable || self.enabled.base.is_empty() => {
                Effect::one(Some(Content::True), both())
            }
            // Written even where it is there already: who does the opposite now has not seen this.
            (Kind::EnableWins, Op::True) => Effect::one(Some(Content::True), both()),
            (Kind::DisableWins, Op::False) => Effect::one(Some(Content::Disabled), both()),
            (Kind::DisableWins, Op::True) => Effect::removal(&seen(&self.disabled)),
            (Kind::EnableWins, Op::False) => Effect::removal(&seen(&self.enabled)),
            _ => Effect::default(),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self.kind {
            Kind::Boolean | Kind::EnableWins => self.enabled.any(),
            Kind::DisableWins => !self.disabled.any(),
        }
    }

    pub(super) fn is_bound(&self) -> bool {
        self.is_true() != (self.kind == Kind::DisableWins)
    }

    pub(super) fn value(&self) -> Term {
        Term::boolean(self.is_true())
    }

    pub(super) fn summary(&self) -> Option<Content> {
        match self.kind {
            Kind::Boolean | Kind::EnableWins => self.enabled.any().then_some(Content::True),
            Kind::DisableWins => self.disabled.any().then_some(Content::Disabled),
        }
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        entries.extend(self.enabled.base.iter().map(|dot| (*dot, Content::True)));
        entries.extend(self.disabled.base.iter().map(|dot| (*dot, Content::Disabled)));
    }

    pub(super) fn is_unsupported(&self) -> bool {
        !self.enabled.any() && !self.disabled.any()
    }

    /// How many live entries say that it was disabled.
    pub(super) fn removal_records(&self) -> usize {
        self.disabled.base.len()
    }
}
