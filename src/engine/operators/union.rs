//! `union(L, R, D)`: contributes what is in L and what is in R. `{1, 2}` and `{2, 3}` is `{1, 2, 3}`.
//!
//! What is in both is contributed twice, and stays until it has left both.

use crate::engine::change::Delta;
use crate::engine::operators::Context;

pub(super) fn change(delta: &Delta, context: &mut Context) {
    for element in &delta.left {
        context.element(element.clone(), false);
    }
    for element in &delta.entered {
        context.element(element.clone(), true);
    }
}
