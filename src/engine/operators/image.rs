//! What a function makes of each element: how map, filter and folds withdraw exactly what they contributed.
//!
//! A function is pure and deterministic, so what an element contributed is computed again when it leaves; that costs less
//! than remembering it (a call is cheaper than a hash table's memory traffic). Remembered are only the elements on which it
//! failed, since a function that was not known then may be known now.

use rustc_hash::FxHashSet;

use crate::engine::change::Delta;
use crate::engine::evaluate::FailureReason;
use crate::engine::operators::Context;
use crate::value::term::Term;

/// A function over elements.
pub(super) struct Image {
    pub(super) function: Term,
    failed: FxHashSet<Term>,
}

impl Image {
    pub(super) fn new(function: &Term) -> Image {
        Image { function: function.clone(), failed: FxHashSet::default() }
    }

    /// Calls `hand_on` with each changed element's image and whether it is contributed (or withdrawn). An element whose
    /// image fails contributes nothing, and is reported once.
    pub(super) fn change<R>(
        &mut self,
        delta: &Delta,
        context: &mut Context,
        compute: impl Fn(&Term, &Term, &mut Context) -> Result<R, FailureReason>,
        hand_on: impl Fn(&Term, R, bool, &mut Context),
    ) {
        for element in &delta.left {
            self.change_one(element, false, context, &compute, &hand_on);
        }
        for element in &delta.entered {
            self.change_one(element, true, context, &compute, &hand_on);
        }
    }

    /// The same for one element that enters, or leaves.
    pub(super) fn change_one<R>(
        &mut self,
        element: &Term,
        present: bool,
        context: &mut Context,
        compute: impl Fn(&Term, &Term, &mut Context) -> Result<R, FailureReason>,
        hand_on: impl Fn(&Term, R, bool, &mut Context),
    ) {
        if !present && !self.failed.is_empty() && self.failed.remove(element) {
            return;
        }
        match compute(&self.function, element, context) {
            Ok(result) => hand_on(element, result, present, context),
            Err(reason) if present => {
                self.failed.insert(element.clone());
                context.failures.push((element.clone(), reason));
            }
            Err(_) => {}
        }
    }
}
