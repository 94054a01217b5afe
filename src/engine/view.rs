//! Views: what a variable's derivations contribute, given to nodes that do not have them, and taken from nodes that do.
//!
//! What is given is what all derivations into a variable come to, as few contents as possible, and how that changes: a state
//! of its own is fed with their contributions, and followed by an outlet, just as what a `fold_dynamic` contributes is. The
//! variable's own entries, and slots, are no part of it: they travel by themselves.
//!
//! What is taken counts as contributed, once for each content.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use crate::engine::Engine;
use crate::engine::change::Inbox;
use crate::engine::evaluate::Evaluate;
use crate::engine::operators;
use crate::engine::operators::Outlet;
use crate::engine::operators::Running;
use crate::engine::states::State;
use crate::graph::DerivationId;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::value::content::Content;

/// Contents that came, and contents that went.
pub type ViewChange = (Vec<Content>, Vec<Content>);

/// The contributions to one variable, followed.
pub(super) struct Given {
    state: State,
    inbox: Inbox,
    outlet: Outlet,
}

/// All views of one engine.
#[derive(Default)]
pub(super) struct Views {
    given: BTreeMap<VariableId, Given>,
    taken: BTreeMap<VariableId, BTreeSet<Content>>,
}

impl Given {
    /// What came into the variable's inbox since it had so much is contributed to it.
    fn note(&mut self, inbox: &Inbox, (came, went): (usize, usize)) {
        self.inbox.came.extend_from_slice(&inbox.came[came..]);
        self.inbox.went.extend_from_slice(&inbox.went[went..]);
    }

    fn settle(&mut self) {
        if !self.inbox.is_empty() {
            let delta = self.state.apply(&mut self.inbox, true);
            self.outlet.change(&self.state, &delta);
        }
    }

    fn contents(&self) -> BTreeSet<Content> {
        self.state.contents().into_iter().collect()
    }
}

impl Views {
    /// A derivation has contributed to a variable.
    pub(super) fn note(&mut self, variable: VariableId, inbox: &Inbox, before: (usize, usize)) {
        if let Some(given) = self.given.get_mut(&variable) {
            given.note(inbox, before);
        }
    }
}

impl Engine {
    /// From now on [`Engine::take_given`] tells how what derivations contribute to a variable changes.
    pub fn give(&mut self, variable: VariableId, eval: &mut dyn Evaluate) {
        if self.views.given.contains_key(&variable) {
            return;
        }
        self.observe(variable);
        let mut given = self.given_anew(variable, eval);
        given.settle();
        given.outlet.take();
        self.views.given.insert(variable, given);
    }

    /// All that derivations contribute to a variable, as it was told by [`Engine::take_given`] last.
    #[must_use]
    pub fn given(&self, variable: VariableId) -> BTreeSet<Content> {
        self.views.given.get(&variable).map(Given::contents).unwrap_or_default()
    }

    /// How what derivations contribute to a variable has changed since this was last asked.
    pub fn take_given(&mut self, variable: VariableId) -> ViewChange {
        let Some(given) = self.views.given.get_mut(&variable) else { return ViewChange::default() };
        given.settle();
        given.outlet.take()
    }

    /// The variables whose contributions are given.
    #[must_use]
    pub fn giving(&self) -> Vec<VariableId> {
        self.views.given.keys().copied().collect()
    }

    /// Nobody is given the variable's contributions any longer.
    pub fn give_up(&mut self, variable: VariableId) {
        self.views.given.remove(&variable);
    }

    /// What is taken of a variable's contributions elsewhere, if any is.
    #[must_use]
    pub fn taken(&self, variable: VariableId) -> Option<&BTreeSet<Content>> {
        self.views.taken.get(&variable)
    }

    /// Takes contributions of derivations elsewhere: these and no others. Says how they changed.
    pub fn take_view(
        &mut self,
        variable: VariableId,
        contents: BTreeSet<Content>,
        eval: &mut dyn Evaluate,
    ) -> ViewChange {
        let before = self.views.taken.insert(variable, BTreeSet::new()).unwrap_or_default();
        let came: Vec<Content> = contents.difference(&before).cloned().collect();
        let went: Vec<Content> = before.difference(&contents).cloned().collect();
        self.views.taken.insert(variable, contents);
        self.feed(variable, &came, &went);
        self.settle(eval);
        (came, went)
    }

    /// The contributions elsewhere have changed. Says what of that is a change here.
    pub fn change_view(&mut self, variable: VariableId, change: ViewChange, eval: &mut dyn Evaluate) -> ViewChange {
        let taken = self.views.taken.entry(variable).or_default();
        let (mut came, mut went) = change;
        went.retain(|content| taken.remove(content));
        came.retain(|content| taken.insert(content.clone()));
        self.feed(variable, &came, &went);
        self.settle(eval);
        (came, went)
    }

    /// Nothing is taken of a variable's contributions elsewhere any longer.
    pub fn end_view(&mut self, variable: VariableId, eval: &mut dyn Evaluate) {
        if let Some(contents) = self.views.taken.remove(&variable) {
            let went: Vec<Content> = contents.into_iter().collect();
            self.feed(variable, &[], &went);
            self.settle(eval);
        }
    }

    fn feed(&mut self, variable: VariableId, came: &[Content], went: &[Content]) {
        if let Some(base) = self.base_inbox(variable) {
            came.iter().for_each(|content| base.contribute(content.clone()));
            went.iter().for_each(|content| base.withdraw(content.clone()));
        }
        self.await_visit(variable);
        let inbox = &mut self.inboxes[variable.0 as usize];
        came.iter().for_each(|content| inbox.contribute(content.clone()));
        went.iter().for_each(|content| inbox.withdraw(content.clone()));
    }

    /// All that derivations contribute to a variable that is observed, found anew.
    fn given_anew(&mut self, variable: VariableId, eval: &mut dyn Evaluate) -> Given {
        let mut inbox = Inbox::default();
        for id in self.graph.writers(variable).to_vec() {
            if !self.filtered_anew(id, eval, &mut inbox) {
                self.contributed_anew(id, eval, &mut inbox);
            }
        }
        let state = State::bottom(&self.graph.reference(variable).kind, false);
        Given { state, inbox, outlet: Outlet::default() }
    }

    fn contributed_anew(&self, id: DerivationId, eval: &mut dyn Evaluate, inbox: &mut Inbox) {
        let derivation = self.graph.derivation(id);
        if matches!(derivation.operator, Operator::FoldDynamic(_)) {
            return;
        }
        let left = derivation.sources[0];
        let right = derivation.sources.get(1).copied().unwrap_or(left);
        let kind = |variable: VariableId| &self.graph.reference(variable).kind;
        let mut running = Running::new(&derivation.operator, kind(left), kind(derivation.destination));
        // What fails here has failed before, and was told.
        let (mut work, mut failures) = (operators::Work::default(), Vec::new());
        let mut context = operators::Context {
            eval,
            left: &self.states[left.0 as usize],
            right: &self.states[right.0 as usize],
            out: inbox,
            failures: &mut failures,
            work: &mut work,
        };
        running.load(derivation.sources.len() == 2 && left == right, &mut context);
    }

    /// This engine has been made anew in the place of another that had these views: what was taken is taken, and what is given
    /// has changed by what is different now.
    pub(super) fn take_over(&mut self, views: Views, eval: &mut dyn Evaluate) {
        for (variable, contents) in views.taken {
            self.take_view(variable, contents, eval);
        }
        for (variable, mut before) in views.given {
            before.settle();
            let (mut came, mut went) = before.outlet.take();
            let mut given = self.given_anew(variable, eval);
            given.settle();
            given.outlet.take();
            let (old, new) = (before.contents(), given.contents());
            came.extend(new.difference(&old).cloned());
            went.extend(old.difference(&new).cloned());
            given.outlet.also(came, went);
            self.views.given.insert(variable, given);
        }
    }

    pub(super) fn leave_views(&mut self) -> Views {
        mem::take(&mut self.views)
    }
}
