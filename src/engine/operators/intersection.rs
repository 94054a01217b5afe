//! `intersection(L, R, D)`: contributes what is in L and in R. `{1, 2}` and `{2, 3}` is `{2}`.
//!
//! Each side's changes are held against the other side as it has been seen so far, so that an element that enters both at
//! once is contributed once, by the side that is looked at second.

use crate::engine::change::Delta;
use crate::engine::operators::Context;
use crate::graph::Side;

pub(super) fn change(side: Side, delta: &Delta, context: &mut Context) {
    let other = match side {
        Side::Left => Some(context.right),
        Side::Right => Some(context.left),
        Side::Both => None,
    };
    for (elements, present) in [(&delta.left, false), (&delta.entered, true)] {
        for element in elements {
            if other.is_none_or(|other| other.contains(element)) {
                context.element(element.clone(), present);
            }
        }
    }
}
