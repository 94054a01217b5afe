//! `rwset` and `twopset`: sets that remember what was taken out. An element is in while it was added and no removal of it
//! is on record, or while a derivation contributes it. Adding to an `rwset` takes the records back that its author had
//! seen; in a `twopset` they stay for good.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Support;
use crate::engine::change::Write;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A set with removal records.
#[derive(Clone)]
pub(in crate::engine) struct MarkedState {
    elements: FxHashMap<Term, Marks>,
    /// How many of them are in.
    present: usize,
    /// Whether an element that was taken out can come back.
    returns: bool,
    /// Whether it stands beneath a removable key, where everything is written.
    removable: bool,
}

/// What is known of an element.
#[derive(Clone, Default)]
struct Marks {
    added: Vec<Dot>,
    removed: Vec<Dot>,
    /// How many contributions and slots.
    count: u64,
    /// How many contributions say that it was taken out elsewhere. They take nothing out here; they only say that there is
    /// something, which beneath a key of a map is enough for the key.
    out: u64,
}

impl Marks {
    fn is_in(&self) -> bool {
        self.count > 0 || !self.added.is_empty() && self.removed.is_empty()
    }

    fn is_nothing(&self) -> bool {
        self.count == 0 && self.out == 0 && self.added.is_empty() && self.removed.is_empty()
    }

    fn change(&mut self, support: &Support, came: bool) {
        let dots = match (&support.content, support.dot) {
            (Content::Element(_), Some(_)) => &mut self.added,
            (Content::Removed(_), Some(_)) => &mut self.removed,
            (Content::Element(_), None) => return counted(&mut self.count, came),
            (Content::Removed(_), None) => return counted(&mut self.out, came),
            _ => return,
        };
        let Some(dot) = support.dot else { return };
        match (dots.binary_search(&dot), came) {
            (Err(at), true) => dots.insert(at, dot),
            (Ok(at), false) => {
                dots.remove(at);
            }
            _ => {}
        }
    }

    fn all(&self) -> Vec<Dot> {
        let mut dots = [self.added.as_slice(), &self.removed].concat();
        dots.sort_unstable();
        dots
    }
}

fn counted(count: &mut u64, came: bool) {
    *count = if came { *count + 1 } else { count.saturating_sub(1) };
}

impl MarkedState {
    pub(super) fn new(returns: bool, removable: bool) -> MarkedState {
        MarkedState { elements: FxHashMap::default(), present: 0, returns, removable }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let (mut entered, mut left) = (Vec::new(), Vec::new());
        let changes = inbox.came.drain(..).map(|support| (support, true));
        for (support, came) in changes.chain(inbox.went.drain(..).map(|support| (support, false))) {
            let (Content::Element(element) | Content::Removed(element)) = &support.content else { continue };
            let marks = self.elements.entry(element.clone()).or_default();
            let before = marks.is_in();
            marks.change(&support, came);
            let after = marks.is_in();
            if marks.is_nothing() {
                self.elements.remove(element);
            }
            match (before, after) {
                (false, true) => {
                    self.present += 1;
                    entered.push(element.clone());
                }
                (true, false) => {
                    self.present = self.present.saturating_sub(1);
                    left.push(element.clone());
                }
                _ => {}
            }
        }
        Delta::net_of_several(entered, left)
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let nothing = Marks::default();
        let (elements, add) = match op {
            Op::Add(elements) => (elements, true),
            Op::Remove(elements) => (elements, false),
            _ => return Effect::default(),
        };
        let mut seen = FxHashSet::default();
        let mut writes = Vec::new();
        for element in elements.iter().filter(|element| seen.insert(*element)) {
            let marks = self.elements.get(element).unwrap_or(&nothing);
            let gone = !marks.removed.is_empty();
            if add {
                let dominated = if self.returns { !gone && !marks.added.is_empty() } else { gone };
                let again = !self.returns && !marks.added.is_empty();
                if (dominated || again) && !self.removable {
                    continue;
                }
                let removes = if self.returns { marks.all() } else { marks.added.clone() };
                writes.push(Write::new(Some(Content::Element(element.clone())), removes));
            } else {
                // In an `rwset` who adds now may take the older record back, and has not seen this one.
                let dominated = !self.returns && gone && marks.added.is_empty();
                if !dominated || self.removable {
                    writes.push(Write::new(Some(Content::Removed(element.clone())), marks.all()));
                }
            }
        }
        Effect { writes }
    }

    pub(super) fn value(&self) -> Term {
        let mut elements: Vec<&Term> = self.elements().collect();
        elements.sort();
        Term::list(elements.into_iter().cloned())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Term> {
        self.elements.iter().filter(|(_, marks)| marks.is_in()).map(|(element, _)| element)
    }

    /// That something was taken out, where that is all that there is to say.
    pub(super) fn removal(&self) -> Option<Content> {
        if self.present > 0 {
            return None;
        }
        let out = self.elements.iter().filter(|(_, marks)| !marks.removed.is_empty() || marks.out > 0);
        out.map(|(element, _)| element).min().map(|element| Content::Removed(element.clone()))
    }

    pub(super) fn contains(&self, element: &Term) -> bool {
        self.elements.get(element).is_some_and(Marks::is_in)
    }

    pub(super) fn len(&self) -> usize {
        self.present
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        #[expect(clippy::iter_over_hash_type, reason = "who takes dots out of these sorts them")]
        for (element, marks) in &self.elements {
            entries.extend(marks.added.iter().map(|dot| (*dot, Content::Element(element.clone()))));
            entries.extend(marks.removed.iter().map(|dot| (*dot, Content::Removed(element.clone()))));
        }
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.elements.is_empty()
    }

    /// How many live entries say that an element was taken out.
    pub(super) fn removal_records(&self) -> usize {
        self.elements.values().map(|marks| marks.removed.len()).sum()
    }
}
