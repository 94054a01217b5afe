//! `fold_dynamic(S, F, D)`: a fold over this node's own S whose result is not put into D here, but kept apart as what this
//! node contributes. D sees it, like every other node's, when it comes back as a slot entry.
//!
//! What travels is the result, in as few contents as possible: of a `top_k` the K best, of a counter one sum.

use crate::engine::change::Delta;
use crate::engine::change::Inbox;
use crate::engine::operators::Context;
use crate::engine::operators::fold::Fold;
use crate::engine::operators::outlet::Outlet;
use crate::engine::states::State;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::term::Term;

pub(in crate::engine) struct FoldDynamic {
    fold: Fold,
    local: State,
    outlet: Outlet,
}

impl FoldDynamic {
    pub(super) fn new(function: &Term, destination: &Type) -> FoldDynamic {
        let fold = Fold::new(function, destination);
        FoldDynamic { fold, local: State::bottom(destination, false), outlet: Outlet::default() }
    }

    pub(super) fn change(&mut self, delta: &Delta, context: &mut Context) {
        let mut inbox = Inbox::default();
        let mut own = Context {
            eval: &mut *context.eval,
            left: context.left,
            right: context.right,
            out: &mut inbox,
            failures: &mut *context.failures,
            work: &mut *context.work,
        };
        self.fold.change(delta, &mut own);
        let delta = self.local.apply(&mut inbox, false);
        self.outlet.change(&self.local, &delta);
    }

    pub(super) fn take_changes(&mut self) -> (Vec<Content>, Vec<Content>) {
        self.outlet.take()
    }
}
