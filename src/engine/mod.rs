//! The incremental engine: keeps every variable's value up to date, change by change.
//!
//! > value(D) = D's own updates, joined with what every derivation into D contributes now.
//!
//! A change is taken in by its variable, which says what that comes to in elements entered and left; the derivations from it
//! turn those into support given to, and taken from, their destinations. Variables are looked at in topological order, each
//! once, so nothing is ever seen half done. The cost follows the change, not the size of the variables.
//!
//! Beside it, [`mod@reference`] recomputes everything from nothing, for tests.
//!
//! Knows no machine (functions are called through [`Evaluate`]), no peer, no clock.

mod author;
mod change;
mod evaluate;
mod known;
mod lazy;
mod operators;
mod rebuild;
pub mod reference;
mod reference_values;
mod states;
#[cfg(test)]
mod tests;
mod view;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::BinaryHeap;

use triomphe::Arc;

pub use author::Author;
pub use change::BaseChange;
pub use change::Effect;
pub use change::Refusal;
pub use change::Write;
pub use evaluate::ElementFailure;
pub use evaluate::Equality;
pub use evaluate::Evaluate;
pub use evaluate::Failed;
pub use evaluate::FailureReason;
pub use operators::Work;
pub use view::ViewChange;

use crate::engine::change::Inbox;
use crate::engine::change::Support;
use crate::engine::known::Known;
use crate::engine::lazy::Lazy;
use crate::engine::operators::Context;
use crate::engine::operators::Running;
use crate::engine::states::State;
use crate::engine::view::Views;
use crate::graph::Derivation;
use crate::graph::DerivationId;
use crate::graph::Graph;
use crate::graph::GraphError;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::lattice::sum::Sum;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::reference::Reference;
use crate::value::term::Term;
use crate::value::threshold::Threshold;

/// The room, in changes, that an empty inbox keeps for the next ones.
const INBOX_KEPT_MAX: usize = 4096;

/// What a `fold_dynamic` of this node contributes, as a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotChange {
    /// The derivation's identity.
    pub derivation: u128,
    /// Where it contributes to.
    pub destination: VariableId,
    /// Contents to add, in order.
    pub added: Vec<Content>,
    /// Contents to remove, in order; each was added before.
    pub removed: Vec<Content>,
}

/// Variables, their values, and the derivations that keep them up to date.
#[derive(Default)]
pub struct Engine {
    graph: Graph,
    /// By variable.
    states: Vec<State>,
    inboxes: Vec<Inbox>,
    values: Vec<Known>,
    /// By derivation.
    running: Vec<Running>,
    /// Variables with something in their inbox, each once, the lowest rank first.
    waiting: BinaryHeap<Reverse<(u32, VariableId)>>,
    /// Variables whose values changed, each once.
    changed: Vec<VariableId>,
    /// By variable: whether it is among the changed ones.
    is_changed: Vec<bool>,
    /// Derivations whose slots may have changed.
    slots: BTreeSet<DerivationId>,
    failures: Vec<(DerivationId, Term, FailureReason)>,
    /// By variable: whether somebody looks at it, so that it has to hold all that it holds.
    observed: Vec<bool>,
    /// By variable: what there is about products that are not built.
    lazy: Vec<Option<Box<Lazy>>>,
    /// Whether everything is observed.
    eager: bool,
    /// Derivations that contribute nothing for now.
    resting: Vec<Derivation>,
    views: Views,
    work: Work,
}

impl Engine {
    /// An engine without variables.
    #[must_use]
    pub fn new() -> Engine {
        Engine::default()
    }

    /// The variable of that name, made if it is not there.
    ///
    /// # Errors
    /// When the name is that of a variable of another type.
    pub fn declare(&mut self, reference: &Reference) -> Result<VariableId, GraphError> {
        let variable = self.graph.declare(reference)?;
        if self.states.len() < self.graph.len() {
            self.states.push(State::bottom(&reference.kind, false));
            self.inboxes.push(Inbox::default());
            self.values.push(Known::default());
            self.is_changed.push(false);
            self.observed.push(self.eager);
            self.lazy.push(None);
        }
        Ok(variable)
    }

    /// The variable of that name and type, if it is there.
    #[must_use]
    pub fn find(&self, reference: &Reference) -> Option<VariableId> {
        self.graph.find(reference)
    }

    /// A variable's name and type.
    #[must_use]
    pub fn reference(&self, variable: VariableId) -> &Arc<Reference> {
        self.graph.reference(variable)
    }

    /// Which variables and derivations there are.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Makes a derivation, and has it contribute what there is already. Says whether it is new.
    ///
    /// # Errors
    /// When it may not be made; nothing has changed then.
    pub fn derive(&mut self, derivation: Derivation, eval: &mut dyn Evaluate) -> Result<bool, GraphError> {
        if self.resting.iter().any(|resting| resting.identity == derivation.identity) {
            return Ok(false);
        }
        self.check_with_resting(&derivation)?;
        self.derive_here(derivation, eval)
    }

    /// The same, whatever rests.
    fn derive_here(&mut self, derivation: Derivation, eval: &mut dyn Evaluate) -> Result<bool, GraphError> {
        let Some(id) = self.graph.derive(derivation)? else { return Ok(false) };
        let derivation = self.graph.derivation(id);
        let kind = |variable: VariableId| &self.graph.reference(variable).kind;
        let source = derivation.sources[0];
        self.running.push(Running::new(&derivation.operator, kind(source), kind(derivation.destination)));
        if !self.derive_lazily(id, eval) {
            for source in self.graph.derivation(id).sources.clone() {
                self.observe(source);
            }
            self.run(id, eval, Running::load);
        }
        self.settle(eval);
        Ok(true)
    }

    /// What an update by `author` would do now.
    ///
    /// # Errors
    /// When the variable refuses it as it stands.
    pub fn prepare(&self, variable: VariableId, op: &Op, author: &Author) -> Result<Effect, Refusal> {
        self.states[variable.0 as usize].prepare(op, author)
    }

    /// Of a bounded counter the rights that nodes have themselves, as far as is known here, by incarnation; `None` of any
    /// other variable.
    #[must_use]
    pub fn rights(&self, variable: VariableId) -> Option<Vec<(u128, Sum)>> {
        match &self.states[variable.0 as usize] {
            State::Bounded(state) => Some(state.of_nodes()),
            _ => None,
        }
    }

    /// Takes changed entries in, and brings all that follows from them up to date.
    pub fn apply(&mut self, changes: Vec<BaseChange>, eval: &mut dyn Evaluate) {
        for change in changes {
            let support = Support { dot: (!change.slot).then_some(change.dot), content: change.content };
            if let Some(base) = self.base_inbox(change.variable) {
                let support = support.clone();
                if change.present { base.came.push(support) } else { base.went.push(support) }
            }
            self.await_visit(change.variable);
            let inbox = &mut self.inboxes[change.variable.0 as usize];
            if change.present { inbox.came.push(support) } else { inbox.went.push(support) }
        }
        self.settle(eval);
    }

    /// Something is about to come into a variable's inbox.
    fn await_visit(&mut self, variable: VariableId) {
        if self.inboxes[variable.0 as usize].is_empty() {
            self.waiting.push(Reverse((self.graph.rank(variable), variable)));
        }
    }

    /// Looks at each variable with changes once, in topological order.
    fn settle(&mut self, eval: &mut dyn Evaluate) {
        while let Some(Reverse((_, variable))) = self.waiting.pop() {
            if self.work.is_used_up() {
                return;
            }
            let at = variable.0 as usize;
            let mut inbox = std::mem::take(&mut self.inboxes[at]);
            self.work.visits += 1;
            self.work.changes += (inbox.came.len() + inbox.went.len()) as u64;
            let watched = !self.graph.readers(variable).is_empty();
            let delta = self.states[at].apply(&mut inbox, watched);
            if inbox.came.capacity() + inbox.went.capacity() <= INBOX_KEPT_MAX {
                self.inboxes[at] = inbox;
            }
            if !delta.is_empty() {
                self.values[at].note(&delta, &self.states[at]);
                if !std::mem::replace(&mut self.is_changed[at], true) {
                    self.changed.push(variable);
                }
            }
            if delta.touched {
                self.propagate(variable, &delta, eval);
            }
            self.propagate_base(variable, eval);
        }
    }

    /// Has one derivation do something with its sources at hand. Its second argument: whether both sides are one variable.
    fn run(&mut self, id: DerivationId, eval: &mut dyn Evaluate, act: impl FnOnce(&mut Running, bool, &mut Context)) {
        let derivation = self.graph.derivation(id);
        let left = derivation.sources[0];
        let right = derivation.sources.get(1).copied().unwrap_or(left);
        let destination = derivation.destination;
        let out = &mut self.inboxes[destination.0 as usize];
        let was_empty = out.is_empty();
        let before = (out.came.len(), out.went.len());
        let mut failures = Vec::new();
        let mut context = Context {
            eval,
            left: &self.states[left.0 as usize],
            right: &self.states[right.0 as usize],
            out,
            failures: &mut failures,
            work: &mut self.work,
        };
        let same = derivation.sources.len() == 2 && left == right;
        act(&mut self.running[id.0 as usize], same, &mut context);
        if was_empty && !out.is_empty() {
            self.waiting.push(Reverse((self.graph.rank(destination), destination)));
        }
        if matches!(derivation.operator, Operator::FoldDynamic(_)) {
            self.slots.insert(id);
        }
        if !matches!(derivation.operator, Operator::Product)
            && let Some(lazy) = &mut self.lazy[destination.0 as usize]
        {
            lazy.copy_to_base(&self.inboxes[destination.0 as usize], before);
        }
        self.views.note(destination, &self.inboxes[destination.0 as usize], before);
        self.failures.extend(failures.into_iter().map(|(element, reason)| (id, element, reason)));
    }

    /// The value. Kept until it changes, and that of a set mended when it changed a little. The variable is observed.
    pub fn value(&mut self, variable: VariableId) -> Term {
        self.observe(variable);
        let at = variable.0 as usize;
        self.values[at].value(&self.states[at])
    }

    /// The value, computed anew.
    #[must_use]
    pub fn value_now(&self, variable: VariableId) -> Term {
        self.states[variable.0 as usize].value()
    }

    /// How many of the variable's live entries only say that something was taken out: what grows with removals.
    #[must_use]
    pub fn removal_records(&self, variable: VariableId) -> usize {
        self.states[variable.0 as usize].removal_records()
    }

    /// Whether the variable is at or above the threshold. Who asks more than once observes it first.
    #[must_use]
    pub fn meets(&self, variable: VariableId, threshold: &Threshold) -> bool {
        if self.is_whole(variable) {
            return self.states[variable.0 as usize].meets(threshold);
        }
        self.whole_state(variable).is_some_and(|state| state.meets(threshold))
    }

    /// The variables whose values changed since this was last asked, by age.
    pub fn take_changed(&mut self) -> Vec<VariableId> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        for variable in &changed {
            self.is_changed[variable.0 as usize] = false;
        }
        changed
    }

    /// What this node's `fold_dynamic`s contribute more, and less, than when this was last asked. It is for the node to write
    /// it, and to feed it back as slot entries.
    pub fn take_slot_changes(&mut self) -> Vec<SlotChange> {
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.slots) {
            let Some((added, removed)) = self.running[id.0 as usize].take_slot_changes() else { continue };
            if added.is_empty() && removed.is_empty() {
                continue;
            }
            let derivation = self.graph.derivation(id);
            let (identity, destination) = (derivation.identity, derivation.destination);
            changes.push(SlotChange { derivation: identity, destination, added, removed });
        }
        changes
    }

    /// The elements that failed since this was last asked, by derivation and element.
    pub fn take_failures(&mut self) -> Vec<ElementFailure> {
        let mut failures = std::mem::take(&mut self.failures);
        failures.sort_by(|(a, x, _), (b, y, _)| a.cmp(b).then_with(|| x.cmp(y)));
        let failure = |(id, element, reason)| {
            let derivation = self.graph.derivation(id);
            ElementFailure {
                derivation: derivation.identity,
                verb: derivation.operator.verb(),
                destination: Arc::clone(self.graph.reference(derivation.destination)),
                element,
                reason,
            }
        };
        failures.into_iter().map(failure).collect()
    }

    /// From now on so many elements and changes are looked at, and nothing more; see [`Work::is_used_up`].
    pub fn limit_work(&mut self, more: u64) {
        self.work.most = Some(self.work.elements.saturating_add(self.work.changes).saturating_add(more));
    }

    /// How much has been done so far.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }
}
