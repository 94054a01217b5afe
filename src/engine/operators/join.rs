//! `join(L, R, KeyL, KeyR, D)`: contributes `{X, Y}` for each X in L and Y in R with `KeyL(X) =:= KeyR(Y)`. `{{1, a}}` and
//! `{{1, b}, {2, c}}` by their first elements is `{{{1, a}, {1, b}}}`.
//!
//! Both sides are indexed by key, so that a change costs its matching partners, however large the other side is (the
//! symmetric hash join: Wilschut and Apers, "Dataflow query execution in a parallel main-memory environment", 1991). An
//! element on which its side's key function fails is reported once and joins nothing.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::engine::change::Delta;
use crate::engine::operators::Context;
use crate::engine::operators::product;
use crate::graph::Side;
use crate::value::term::Term;

pub(in crate::engine) struct Join {
    left: Index,
    right: Index,
}

/// One side's elements by key.
struct Index {
    key: Term,
    groups: FxHashMap<Term, Group>,
    /// Elements without a key.
    failed: FxHashSet<Term>,
}

/// The elements of one key: mostly one, and a single one needs no table.
enum Group {
    One(Term),
    Many(FxHashSet<Term>),
}

impl Join {
    pub(super) fn new(left: &Term, right: &Term) -> Join {
        Join { left: Index::new(left), right: Index::new(right) }
    }

    /// Where one variable is both sides, its change is one of the left and then one of the right side.
    pub(super) fn change(&mut self, side: Side, delta: &Delta, context: &mut Context) {
        for (elements, present) in [(&delta.left, false), (&delta.entered, true)] {
            for element in elements {
                let mut told = false;
                if side != Side::Right {
                    told =
                        self.left.change(element, present, false, context, &self.right, |x, y| (x.clone(), y.clone()));
                }
                if side != Side::Left {
                    self.right.change(element, present, told, context, &self.left, |y, x| (x.clone(), y.clone()));
                }
            }
        }
    }
}

impl Index {
    fn new(key: &Term) -> Index {
        Index { key: key.clone(), groups: FxHashMap::default(), failed: FxHashSet::default() }
    }

    /// Takes an element in or out, and its pairs with the other side's elements of its key. Says whether its key failed;
    /// where that is `told` already it is not told again.
    fn change(
        &mut self,
        element: &Term,
        present: bool,
        told: bool,
        context: &mut Context,
        other: &Index,
        pair: impl Fn(&Term, &Term) -> (Term, Term),
    ) -> bool {
        if !present && self.failed.remove(element) {
            return true;
        }
        let key = match context.call(&self.key, std::slice::from_ref(element)) {
            Ok(key) => key,
            Err(reason) => {
                if present {
                    self.failed.insert(element.clone());
                    if !told {
                        context.failures.push((element.clone(), reason));
                    }
                }
                return true;
            }
        };
        if let Some(partners) = other.groups.get(&key) {
            partners.each(|partner| product::contribute(pair(element, partner), present, context));
        }
        if present {
            self.insert(key, element.clone())
        } else {
            self.remove(&key, element)
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

impl Group {
    fn each(&self, see: impl FnMut(&Term)) {
        match self {
            Group::One(only) => std::iter::once(only).for_each(see),
            Group::Many(many) => many.iter().for_each(see),
        }
    }
}
