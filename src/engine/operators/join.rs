//! `join(L, R, KeyL, KeyR, D)`: contributes `{X, Y}` for each X in L and Y in R with `KeyL(X) =:= KeyR(Y)`. `{{1, a}}` and
//! `{{1, b}, {2, c}}` by their first elements is `{{{1, a}, {1, b}}}`.
//!
//! Both sides are indexed by key, so that a change costs its matching partners, however large the other side is (the
//! symmetric hash join: Wilschut and Apers, "Dataflow query execution in a parallel main-memory environment", 1991). An
//! element on which its side's key function fails is reported once and joins nothing.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::engine::change::Delta;
use crate::engine::evaluate::Equality;
use crate::engine::operators::Context;
use crate::engine::operators::filter::Filter;
use crate::engine::operators::product;
use crate::graph::Side;
use crate::value;
use crate::value::term::Term;

pub(in crate::engine) struct Join {
    left: Index,
    right: Index,
}

impl Join {
    pub(super) fn new(left: &Term, right: &Term) -> Join {
        Join { left: Index::new(left, Keys::Plain), right: Index::new(right, Keys::Plain) }
    }

    /// Takes in what changed on a side; `hand_on` is given each pair, the left element first.
    fn change_with(
        &mut self,
        side: Side,
        delta: &Delta,
        context: &mut Context,
        mut hand_on: impl FnMut((Term, Term), bool, &mut Context),
    ) {
        for (elements, present) in [(&delta.left, false), (&delta.entered, true)] {
            for element in elements {
                // Where one variable is both sides, its change is one of the left and then one of the right side.
                let mut told = false;
                if side != Side::Right {
                    told = self.left.change(element, present, false, context, &self.right, |partner, context| {
                        hand_on((element.clone(), partner.clone()), present, context);
                    });
                }
                if side != Side::Left {
                    self.right.change(element, present, told, context, &self.left, |partner, context| {
                        hand_on((partner.clone(), element.clone()), present, context);
                    });
                }
            }
        }
    }

    pub(super) fn change(&mut self, side: Side, delta: &Delta, context: &mut Context) {
        self.change_with(side, delta, context, product::contribute);
    }
}

/// A filter of a product by an equality: a join by the equality's keys, and the filter's function as judge of what it finds.
/// Contributes what the filter would of the product's pairs, without the product.
pub(in crate::engine) struct EquiJoin {
    join: Join,
    filter: Filter,
}

impl EquiJoin {
    pub(in crate::engine) fn new(function: &Term, equality: &Equality) -> EquiJoin {
        let keys = Keys::Wrapped { by_value: equality.by_value, told: equality.told };
        let join = Join { left: Index::new(&equality.left, keys), right: Index::new(&equality.right, keys) };
        EquiJoin { join, filter: Filter::new(function) }
    }

    /// Takes in what changed in a source of the product.
    pub(in crate::engine) fn change(&mut self, side: Side, delta: &Delta, context: &mut Context) {
        context.work.elements += (delta.entered.len() + delta.left.len()) as u64;
        let filter = &mut self.filter;
        self.join.change_with(side, delta, context, |(left, right), present, context| {
            context.work.elements += 1;
            let pair = Term::pair(left, right);
            // The product leaves out what is too deep or too large.
            if pair.fits() {
                filter.change_one(&pair, present, context);
            }
        });
    }
}

/// How a key is read from what its function returns.
#[derive(Clone, Copy)]
enum Keys {
    /// It is what is returned.
    Plain,
    /// As an [`Equality`] has it.
    Wrapped { by_value: bool, told: bool },
}

/// One side's elements by key.
struct Index {
    function: Term,
    keys: Keys,
    groups: FxHashMap<Term, Group>,
    /// Elements without a key.
    failed: FxHashSet<Term>,
}

/// The elements of one key: mostly one, and a single one needs no table.
enum Group {
    One(Term),
    Many(FxHashSet<Term>),
}

impl Index {
    fn new(function: &Term, keys: Keys) -> Index {
        let (groups, failed) = (FxHashMap::default(), FxHashSet::default());
        Index { function: function.clone(), keys, groups, failed }
    }

    /// Takes an element in or out, and hands on the other side's elements of its key. Says whether its key failed; where that
    /// is `told` already it is not told again.
    fn change(
        &mut self,
        element: &Term,
        present: bool,
        told: bool,
        context: &mut Context,
        other: &Index,
        mut hand_on: impl FnMut(&Term, &mut Context),
    ) -> bool {
        if !present && self.failed.remove(element) {
            return true;
        }
        let returned = match context.call(&self.function, std::slice::from_ref(element)) {
            Ok(returned) => returned,
            Err(reason) => {
                if present {
                    self.failed.insert(element.clone());
                    if !told && self.keys.told() {
                        context.failures.push((element.clone(), reason));
                    }
                }
                return true;
            }
        };
        let Some(key) = self.keys.read(returned) else { return false };
        if let Some(partners) = other.groups.get(&key) {
            partners.each(|partner| hand_on(partner, context));
        }
        if present {
            self.insert(key, element.clone());
        } else {
            self.remove(&key, element);
        }
        false
    }

    fn insert(&mut self, key: Term, element: Term) {
        match self.groups.get_mut(&key) {
            None => {
                self.groups.insert(key, Group::One(element));
            }
            Some(Group::Many(many)) => {
                many.insert(element);
            }
            Some(group @ Group::One(_)) => {
                if let Group::One(first) = std::mem::replace(group, Group::Many(FxHashSet::default()))
                    && let Group::Many(many) = group
                {
                    many.extend([first, element]);
                }
            }
        }
    }

    fn remove(&mut self, key: &Term, element: &Term) {
        let empty = match self.groups.get_mut(key) {
            None => false,
            Some(Group::One(only)) => only == element,
            Some(Group::Many(many)) => {
                many.remove(element);
                many.is_empty()
            }
        };
        if empty {
            self.groups.remove(key);
        }
    }
}

impl Keys {
    fn told(self) -> bool {
        match self {
            Keys::Plain => true,
            Keys::Wrapped { told, .. } => told,
        }
    }

    /// The key; `None` where there is none.
    fn read(self, returned: Term) -> Option<Term> {
        match (self, returned.as_tuple()) {
            (Keys::Plain, _) => Some(returned),
            (Keys::Wrapped { by_value: true, .. }, Some([key])) => Some(value::by_value(key)),
            (Keys::Wrapped { .. }, Some([key])) => Some(key.clone()),
            (Keys::Wrapped { .. }, _) => None,
        }
    }
}

impl Group {
    fn each(&self, see: impl FnMut(&Term)) {
        match self {
            Group::One(only) => std::iter::once(only).for_each(see),
            Group::Many(many) => many.iter().for_each(see),
        }
    }
}
