//! `filter(S, F, D)`: contributes each X in S for which `F(X)` is true. `{1, 2}` through `fun(X) -> X > 1 end` is `{2}`.
//!
//! A result that is no boolean counts as a failure of that element.

use crate::engine::change::Delta;
use crate::engine::evaluate::FailureReason;
use crate::engine::operators::Context;
use crate::engine::operators::image::Image;
use crate::value::term::Term;

pub(in crate::engine) struct Filter {
    image: Image,
}

impl Filter {
    pub(super) fn new(function: &Term) -> Filter {
        Filter { image: Image::new(function) }
    }

    pub(super) fn change(&mut self, delta: &Delta, context: &mut Context) {
        self.image.change(delta, context, verdict, contribute);
    }

    /// The same for one element that enters, or leaves.
    pub(super) fn change_one(&mut self, element: &Term, present: bool, context: &mut Context) {
        self.image.change_one(element, present, context, verdict, contribute);
    }
}

fn verdict(function: &Term, element: &Term, context: &mut Context) -> Result<bool, FailureReason> {
    let verdict = context.call(function, std::slice::from_ref(element))?;
    verdict.as_bool().ok_or_else(|| FailureReason::NotABoolean(verdict))
}

fn contribute(element: &Term, keep: bool, present: bool, context: &mut Context) {
    if keep {
        context.element(element.clone(), present);
    }
}
