//! `difference(L, R, D)`: contributes what is in L and not in R. `{1, 2}` without `{2, 3}` is `{1}`.
//!
//! Each side's changes are held against the other side as it has been seen so far: what enters R takes back what L has
//! contributed, what leaves R gives it back. It is the one set operator that is not monotone.

use crate::engine::change::Delta;
use crate::engine::operators::Context;
use crate::graph::Side;

pub(super) fn change(side: Side, delta: &Delta, context: &mut Context) {
    let (other, shown_when) = match side {
        Side::Left => (context.right, false),
        Side::Right => (context.left, true),
        // Of a variable without itself nothing remains.
        Side::Both => return,
    };
    for (elements, present) in [(&delta.left, false), (&delta.entered, true)] {
        for element in elements {
            if other.contains(element) == shown_when {
                // An element that enters the right side leaves the difference.
                context.element(element.clone(), present != shown_when);
            }
        }
    }
}
