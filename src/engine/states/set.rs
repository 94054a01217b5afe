//! `set` and `gset`: one hash map from element to what speaks for it.
//!
//! Nearly every element has one live entry or some contributions; only where concurrent adds leave several entries does a
//! second map hold the others.

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

/// The most entries that one removal event takes with it; more are split over several.
const REMOVES_MAX: usize = 1024;

/// A set.
pub(in crate::engine) struct SetState {
    elements: FxHashMap<Term, Backing>,
    /// The live entries of an element beyond its first, where there are several.
    others: FxHashMap<Term, Vec<Dot>>,
    /// Whether elements can be taken out, which is why adding again needs a new entry.
    removable: bool,
}

/// What speaks for an element.
struct Backing {
    /// A live entry.
    dot: Option<Dot>,
    /// How many contributions and slots.
    count: u32,
    /// Whether there are more live entries.
    more: bool,
}

impl SetState {
    pub(super) fn new(removable: bool) -> SetState {
        SetState { elements: FxHashMap::default(), others: FxHashMap::default(), removable }
    }

    pub(super) fn apply(&mut self, inbox: Inbox) -> Delta {
        let (mut entered, mut left) = (Vec::new(), Vec::new());
        if self.elements.is_empty() {
            self.elements.reserve(inbox.came.len());
        }
        for support in inbox.came {
            let Support { dot, content: Content::Element(element) } = support else { continue };
            self.came(element, dot, &mut entered);
        }
        for support in inbox.went {
            let Support { dot, content: Content::Element(element) } = support else { continue };
            self.went(element, dot, &mut left);
        }
        let touched = !(entered.is_empty() && left.is_empty());
        Delta::net(entered, left, touched)
    }

    fn came(&mut self, element: Term, dot: Option<Dot>, entered: &mut Vec<Term>) {
        let fresh = Backing { dot, count: u32::from(dot.is_none()), more: false };
        match self.elements.entry(element) {
            std::collections::hash_map::Entry::Vacant(place) => {
                entered.push(place.key().clone());
                place.insert(fresh);
            }
            std::collections::hash_map::Entry::Occupied(mut place) => match dot {
                None => place.get_mut().count += 1,
                Some(dot) => {
                    let backing = place.get_mut();
                    if backing.dot.is_none() {
                        backing.dot = Some(dot);
                    } else if backing.dot != Some(dot) {
                        backing.more = true;
                        let others = self.others.entry(place.key().clone()).or_default();
                        if !others.contains(&dot) {
                            others.push(dot);
                        }
                    }
                }
            },
        }
    }

    fn went(&mut self, element: Term, dot: Option<Dot>, left: &mut Vec<Term>) {
        let std::collections::hash_map::Entry::Occupied(mut place) = self.elements.entry(element) else { return };
        match dot {
            None => {
                let backing = place.get_mut();
                backing.count = backing.count.saturating_sub(1);
            }
            Some(dot) if place.get().more => {
                let Some(others) = self.others.get_mut(place.key()) else { return };
                if place.get().dot == Some(dot) {
                    place.get_mut().dot = others.pop();
                } else {
                    others.retain(|other| *other != dot);
                }
                if others.is_empty() {
                    self.others.remove(place.key());
                    place.get_mut().more = false;
                }
            }
            Some(dot) => {
                if place.get().dot == Some(dot) {
                    place.get_mut().dot = None;
                }
            }
        }
        let backing = place.get();
        if backing.dot.is_none() && backing.count == 0 {
            left.push(place.remove_entry().0);
        }
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let mut writes = Vec::new();
        match op {
            Op::Add(elements) => {
                let mut seen = FxHashSet::default();
                for element in elements {
                    let removes = self.dots(element);
                    let again = !self.removable && !removes.is_empty();
                    if !again && (elements.len() == 1 || seen.insert(element)) {
                        writes.push(Write { content: Some(Content::Element(element.clone())), removes });
                    }
                }
            }
            Op::Remove(elements) => {
                let mut seen = FxHashSet::default();
                let distinct = elements.iter().filter(|element| seen.insert(*element));
                let dots: Vec<Dot> = distinct.flat_map(|element| self.dots(element)).collect();
                writes.extend(dots.chunks(REMOVES_MAX).map(|dots| Write { content: None, removes: dots.to_vec() }));
            }
            _ => {}
        }
        Effect { writes }
    }

    /// The live entries of an element, in order.
    fn dots(&self, element: &Term) -> Vec<Dot> {
        let Some(backing) = self.elements.get(element) else { return Vec::new() };
        let mut dots: Vec<Dot> = backing.dot.into_iter().collect();
        if backing.more {
            dots.extend(self.others.get(element).into_iter().flatten());
            dots.sort();
        }
        dots
    }

    pub(super) fn value(&self) -> Term {
        let mut elements: Vec<&Term> = self.elements.keys().collect();
        elements.sort();
        Term::list(elements.into_iter().cloned())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Term> {
        self.elements.keys()
    }

    pub(super) fn contains(&self, element: &Term) -> bool {
        self.elements.contains_key(element)
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }
}
