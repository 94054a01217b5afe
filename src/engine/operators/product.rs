//! `product(L, R, D)`: contributes `{X, Y}` for each X in L and Y in R. `{1}` and `{a, b}` is `{{1, a}, {1, b}}`.
//!
//! The product is bilinear: what changes on one side is paired with the other side as it has been seen so far. Where one
//! variable is both sides, the pairs of two changed elements must not be counted twice.

use rustc_hash::FxHashSet;

use crate::engine::change::Delta;
use crate::engine::evaluate::FailureReason;
use crate::engine::operators::Context;
use crate::engine::states::State;
use crate::graph::Side;
use crate::value::term::Term;

pub(super) fn change(side: Side, delta: &Delta, context: &mut Context) {
    match side {
        Side::Left => {
            let right = context.right;
            cross(delta, right, context, |changed, other| (changed.clone(), other.clone()));
        }
        Side::Right => {
            let left = context.left;
            cross(delta, left, context, |changed, other| (other.clone(), changed.clone()));
        }
        Side::Both => square(delta, context),
    }
}

fn cross(delta: &Delta, other: &State, context: &mut Context, pair: impl Fn(&Term, &Term) -> (Term, Term)) {
    for (elements, present) in [(&delta.left, false), (&delta.entered, true)] {
        for changed in elements {
            if context.work.is_used_up() {
                return;
            }
            other.each(&mut |element| contribute(pair(changed, element), present, context));
        }
    }
}

/// Both sides are one variable, which has changed already: first the old elements' pairs go, then the new elements' come.
fn square(delta: &Delta, context: &mut Context) {
    let state = context.left;
    let entered: FxHashSet<&Term> = delta.entered.iter().collect();
    for gone in &delta.left {
        state.each(&mut |kept| {
            if !entered.contains(kept) {
                contribute((gone.clone(), kept.clone()), false, context);
                contribute((kept.clone(), gone.clone()), false, context);
            }
        });
        for other in &delta.left {
            contribute((gone.clone(), other.clone()), false, context);
        }
    }
    for new in &delta.entered {
        state.each(&mut |kept| {
            contribute((new.clone(), kept.clone()), true, context);
            if !entered.contains(kept) {
                contribute((kept.clone(), new.clone()), true, context);
            }
        });
    }
}

/// Contributes a pair, or withdraws it; one that would be too deep or too large fails.
pub(super) fn contribute((left, right): (Term, Term), present: bool, context: &mut Context) {
    context.work.elements += 1;
    if context.work.is_used_up() {
        return;
    }
    let pair = Term::pair(left, right);
    if pair.fits() {
        context.element(pair, present);
    } else if present {
        context.failures.push((pair, FailureReason::TooLarge));
    }
}
