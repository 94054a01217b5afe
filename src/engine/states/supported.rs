//! What speaks for competing candidates: live entries and contributions, each countable and each withdrawable.

use std::collections::BTreeMap;

use crate::engine::change::Support;
use crate::lattice::dot::Dot;
use crate::lattice::multiset::Multiset;

/// Candidates with their support.
#[derive(Clone)]
pub(super) struct Supported<T: Ord + Clone> {
    /// All there is.
    pub(super) all: Multiset<T>,
    /// The live entries.
    pub(super) base: BTreeMap<Dot, T>,
}

impl<T: Ord + Clone> Default for Supported<T> {
    fn default() -> Supported<T> {
        Supported { all: Multiset::default(), base: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Supported<T> {
    pub(super) fn came(&mut self, dot: Option<Dot>, candidate: T) {
        if dot.is_none_or(|dot| self.base.insert(dot, candidate.clone()).is_none()) {
            self.all.insert(candidate);
        }
    }

    pub(super) fn went(&mut self, dot: Option<Dot>, candidate: &T) {
        if dot.is_none_or(|dot| self.base.remove(&dot).is_some()) {
            self.all.remove(candidate);
        }
    }

    /// Takes in everything of which `read` makes a candidate.
    pub(super) fn apply(&mut self, inbox: &mut crate::engine::change::Inbox, read: impl Fn(Support) -> Option<T>) {
        for support in inbox.came.drain(..) {
            let dot = support.dot;
            if let Some(candidate) = read(support) {
                self.came(dot, candidate);
            }
        }
        for support in inbox.went.drain(..) {
            let dot = support.dot;
            if let Some(candidate) = read(support) {
                self.went(dot, &candidate);
            }
        }
    }

    /// The live entries that `new` dominates, in order.
    pub(super) fn dominated(&self, is_dominated: impl Fn(&T) -> bool) -> Vec<Dot> {
        self.base.iter().filter(|(_, known)| is_dominated(known)).map(|(dot, _)| *dot).collect()
    }
}
