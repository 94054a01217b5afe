//! `bind_to(D, S)`: contributes S's value to D. Elements of sets one by one; of all else the value as a whole, which replaces
//! the one before. Counters add.

use crate::engine::change::Delta;
use crate::engine::operators::Context;
use crate::engine::operators::outlet::Outlet;
use crate::value::kind::Type;

pub(in crate::engine) struct Bind {
    outlet: Outlet,
    /// Whether elements need no more than to be handed on.
    set: bool,
}

impl Bind {
    pub(super) fn new(source: &Type) -> Bind {
        Bind { outlet: Outlet::default(), set: source.is_set() }
    }

    pub(super) fn change(&mut self, delta: &Delta, context: &mut Context) {
        if self.set {
            super::union::change(delta, context);
            return;
        }
        self.outlet.change(context.left, delta);
        let (came, went) = self.outlet.take();
        for content in went {
            context.content(content, false);
        }
        for content in came {
            context.content(content, true);
        }
    }
}
