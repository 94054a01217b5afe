//! `set` and `gset`: one hash map from element to what speaks for it.
//!
//! Nearly every element has one live entry, or some contributions; either is packed into eight bytes, since memory is what a
//! large set costs. Only elements with several entries, or with both, are told apart in a second map.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Support;
use crate::engine::change::Write;
use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A set.
#[derive(Clone)]
pub(in crate::engine) struct SetState {
    elements: FxHashMap<Term, Packed>,
    /// What speaks for the elements that are packed as [`Packed::MANY`].
    many: FxHashMap<Term, Backing>,
    /// Whether elements can be taken out, which is why adding again needs a new entry.
    removable: bool,
}

/// What speaks for an element.
#[derive(Clone, Default)]
struct Backing {
    /// Its live entries.
    dots: Vec<Dot>,
    /// How many contributions and slots.
    count: u64,
}

/// The same in eight bytes: the dot of one live entry (of one of the first 2^23 replicas), or [`Packed::COUNTED`] and a number
/// of contributions, or [`Packed::MANY`].
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed(u64);

/// A [`Packed`], read.
enum Unpacked {
    One(Dot),
    Counted(u64),
    Many,
}

impl Packed {
    const SEQUENCE_BITS: u32 = Dot::SEQUENCE_MAX.count_ones();
    const COUNTED: u64 = 1 << 63;
    const MANY: Packed = Packed(u64::MAX);

    fn read(self) -> Unpacked {
        if self == Packed::MANY {
            return Unpacked::Many;
        }
        if self.0 & Packed::COUNTED != 0 {
            return Unpacked::Counted(self.0 & !Packed::COUNTED);
        }
        let replica = u32::try_from(self.0 >> Packed::SEQUENCE_BITS).unwrap_or(u32::MAX);
        Dot::new(ReplicaIndex(replica), self.0 & Dot::SEQUENCE_MAX).map_or(Unpacked::Many, Unpacked::One)
    }

    fn counted(count: u64) -> Packed {
        Packed(Packed::COUNTED | count)
    }

    fn dot(dot: Dot) -> Option<Packed> {
        let packed = u64::from(dot.replica().0) << Packed::SEQUENCE_BITS | dot.sequence();
        (packed & Packed::COUNTED == 0).then_some(Packed(packed))
    }

    fn new(dot: Option<Dot>) -> Option<Packed> {
        dot.map_or(Some(Packed::counted(1)), Packed::dot)
    }
}

impl Backing {
    fn add(&mut self, dot: Option<Dot>) {
        match dot {
            None => self.count += 1,
            Some(dot) if self.dots.contains(&dot) => {}
            Some(dot) => self.dots.push(dot),
        }
    }

    fn take(&mut self, dot: Option<Dot>) {
        match dot {
            None => self.count = self.count.saturating_sub(1),
            Some(dot) => self.dots.retain(|other| *other != dot),
        }
    }

    /// In eight bytes, where that is possible.
    fn pack(&self) -> Option<Packed> {
        match (self.dots.as_slice(), self.count) {
            ([], count) => Some(Packed::counted(count)),
            ([dot], 0) => Packed::dot(*dot),
            _ => None,
        }
    }
}

impl SetState {
    pub(super) fn new(removable: bool) -> SetState {
        SetState { elements: FxHashMap::default(), many: FxHashMap::default(), removable }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let mut entered = Vec::with_capacity(inbox.came.len());
        let mut left = Vec::with_capacity(inbox.went.len());
        if self.elements.is_empty() {
            self.elements.reserve(inbox.came.len());
        }
        for support in inbox.came.drain(..) {
            let Support { dot, content: Content::Element(element) } = support else { continue };
            self.came(element, dot, &mut entered);
        }
        for support in inbox.went.drain(..) {
            let Support { dot, content: Content::Element(element) } = support else { continue };
            self.went(element, dot, &mut left);
        }
        let touched = !(entered.is_empty() && left.is_empty());
        Delta::net(entered, left, touched)
    }

    fn came(&mut self, element: Term, dot: Option<Dot>, entered: &mut Vec<Term>) {
        let mut place = match self.elements.entry(element) {
            Entry::Vacant(place) => {
                entered.push(place.key().clone());
                let packed = Packed::new(dot).unwrap_or_else(|| {
                    let backing = Backing { dots: dot.into_iter().collect(), count: 0 };
                    self.many.insert(place.key().clone(), backing);
                    Packed::MANY
                });
                place.insert(packed);
                return;
            }
            Entry::Occupied(place) => place,
        };
        let mut backing = match (place.get().read(), dot) {
            (Unpacked::Counted(count), None) => {
                *place.get_mut() = Packed::counted(count + 1);
                return;
            }
            (Unpacked::Many, _) => {
                self.many.entry(place.key().clone()).or_default().add(dot);
                return;
            }
            (Unpacked::Counted(count), Some(_)) => Backing { dots: Vec::new(), count },
            (Unpacked::One(known), _) if dot == Some(known) => return,
            (Unpacked::One(known), _) => Backing { dots: vec![known], count: 0 },
        };
        backing.add(dot);
        *place.get_mut() = Packed::MANY;
        self.many.insert(place.key().clone(), backing);
    }

    fn went(&mut self, element: Term, dot: Option<Dot>, left: &mut Vec<Term>) {
        let Entry::Occupied(mut place) = self.elements.entry(element) else { return };
        let packed = match (place.get().read(), dot) {
            (Unpacked::Counted(count), None) => Packed::counted(count.saturating_sub(1)),
            (Unpacked::One(known), Some(gone)) if known == gone => Packed::counted(0),
            (Unpacked::Many, _) => {
                let Some(backing) = self.many.get_mut(place.key()) else { return };
                backing.take(dot);
                let Some(packed) = backing.pack() else { return };
                self.many.remove(place.key());
                packed
            }
            // What never came.
            (Unpacked::Counted(_), Some(_)) | (Unpacked::One(_), _) => return,
        };
        if packed == Packed::counted(0) {
            left.push(place.remove_entry().0);
        } else {
            *place.get_mut() = packed;
        }
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let mut writes = Vec::new();
        match op {
            Op::Add(elements) => {
                let mut seen = FxHashSet::default();
                writes.reserve(elements.len());
                if elements.len() > 1 {
                    seen.reserve(elements.len());
                }
                for element in elements {
                    let removes = self.dots(element);
                    let again = !self.removable && !removes.is_empty();
                    if !again && (elements.len() == 1 || seen.insert(element)) {
                        writes.push(Write::new(Some(Content::Element(element.clone())), removes));
                    }
                }
            }
            Op::Remove(elements) => {
                let mut seen = FxHashSet::default();
                let distinct = elements.iter().filter(|element| seen.insert(*element));
                let dots: Vec<Dot> = distinct.flat_map(|element| self.dots(element)).collect();
                return Effect::removal(&dots);
            }
            _ => {}
        }
        Effect { writes }
    }

    /// The live entries of an element, in order.
    fn dots(&self, element: &Term) -> Vec<Dot> {
        match self.elements.get(element).map(|packed| packed.read()) {
            None | Some(Unpacked::Counted(_)) => Vec::new(),
            Some(Unpacked::One(dot)) => vec![dot],
            Some(Unpacked::Many) => {
                let mut dots = self.many.get(element).map_or_else(Vec::new, |backing| backing.dots.clone());
                dots.sort();
                dots
            }
        }
    }

    pub(super) fn value(&self) -> Term {
        let mut elements: Vec<&Term> = self.elements.keys().collect();
        elements.sort();
        Term::list(elements.into_iter().cloned())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Term> {
        self.elements.keys()
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        entries.extend(
            self.elements
                .keys()
                .flat_map(|element| self.dots(element).into_iter().map(|dot| (dot, Content::Element(element.clone())))),
        );
    }

    pub(super) fn contains(&self, element: &Term) -> bool {
        self.elements.contains_key(element)
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.elements.is_empty()
    }
}
