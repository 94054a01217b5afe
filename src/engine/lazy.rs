//! Products that nobody looks at are not built.
//!
//! A variable into which products lead is *observed* once anything but a filter by an equality looks at it: a query, a
//! threshold, another derivation. Until then its state holds what else speaks for it, and its products rest. A filter that is
//! true only where keys of the two parts are equal (see [`Equality`]) contributes two things: what it makes of that state, and
//! for each product into the variable an equi-join of the product's own sources, which costs the matching pairs.
//!
//! Once the variable is observed, its products are built and kept up to date like all else. The filters go on as before: they
//! see the variable without its products, whose state is kept beside the whole one for them.

use crate::engine::Engine;
use crate::engine::change::Delta;
use crate::engine::change::Inbox;
use crate::engine::evaluate::Equality;
use crate::engine::evaluate::Evaluate;
use crate::engine::evaluate::Failed;
use crate::engine::known::Known;
use crate::engine::operators;
use crate::engine::operators::EquiJoin;
use crate::engine::operators::Running;
use crate::engine::states::State;
use crate::graph::DerivationId;
use crate::graph::Operator;
use crate::graph::Side;
use crate::graph::VariableId;
use crate::value::term::Term;

/// What is kept for a variable that products lead into, or that filters by an equality read.
#[derive(Default)]
pub(super) struct Lazy {
    /// The products into it.
    products: Vec<DerivationId>,
    /// The filters from it that see their products' sources instead.
    filters: Vec<(DerivationId, Equality)>,
    /// One for each of both.
    joins: Vec<Pairing>,
    /// The variable without its products, once it is observed and there are products and filters.
    base: Option<(State, Inbox)>,
}

struct Pairing {
    product: DerivationId,
    filter: DerivationId,
    join: EquiJoin,
}

/// A product calls no function.
struct NoFunctions;

impl Evaluate for NoFunctions {
    fn call(&mut self, _: &Term, _: &[Term]) -> Result<Term, Failed> {
        Err(Failed(u32::MAX))
    }
}

impl Lazy {
    /// What came into an inbox that held so much before, and is not of a product, is also for the variable without them.
    pub(super) fn copy_to_base(&mut self, inbox: &Inbox, (came, went): (usize, usize)) {
        if let Some((_, base)) = &mut self.base {
            base.came.extend_from_slice(&inbox.came[came..]);
            base.went.extend_from_slice(&inbox.went[went..]);
        }
    }
}

impl Engine {
    /// An engine that builds every product at once, as if all variables were observed. What it computes is the same.
    #[must_use]
    pub fn eager() -> Engine {
        Engine { eager: true, ..Engine::default() }
    }

    /// Has all products built from now on: everything is watched.
    pub fn observe_all(&mut self) {
        self.eager = true;
        for at in 0..self.graph.len() {
            self.observe(VariableId(u32::try_from(at).unwrap_or(u32::MAX)));
        }
    }

    /// Somebody looks at the variable, now and from now on: its products are built.
    pub fn observe(&mut self, variable: VariableId) {
        let at = variable.0 as usize;
        if std::mem::replace(&mut self.observed[at], true) {
            return;
        }
        let Some(lazy) = self.lazy[at].as_ref().filter(|lazy| !lazy.products.is_empty()) else { return };
        let products = lazy.products.clone();
        self.split(variable);
        for product in products {
            self.run(product, &mut NoFunctions, Running::load);
        }
        // The variable has no readers but filters that see it without its products, so nothing follows from this.
        self.waiting.retain(|waiting| waiting.0.1 != variable);
        let mut inbox = std::mem::take(&mut self.inboxes[at]);
        self.states[at].apply(&mut inbox, false);
        self.values[at] = Known::default();
    }

    /// Whether all that the variable holds is in its state.
    pub(super) fn is_whole(&self, variable: VariableId) -> bool {
        let at = variable.0 as usize;
        self.observed[at] || self.lazy[at].as_ref().is_none_or(|lazy| lazy.products.is_empty())
    }

    /// What a variable that is not observed would hold, without observing it.
    pub(super) fn whole_state(&self, variable: VariableId) -> Option<State> {
        let (at, mut inbox) = (variable.0 as usize, Inbox::default());
        for product in &self.lazy[at].as_ref()?.products {
            let sources = &self.graph.derivation(*product).sources;
            let [left, right] = [sources.first()?, sources.get(1)?].map(|source| &self.states[source.0 as usize]);
            let (mut work, mut failures) = (operators::Work::default(), Vec::new());
            let mut context = operators::Context {
                eval: &mut NoFunctions,
                left,
                right,
                out: &mut inbox,
                failures: &mut failures,
                work: &mut work,
            };
            Running::Product.load(sources.first() == sources.get(1), &mut context);
        }
        let mut state = self.states[at].copied()?;
        state.apply(&mut inbox, false);
        Some(state)
    }

    /// Whether this derivation can be put off, or made without its source being built; if so it is done.
    pub(super) fn derive_lazily(&mut self, id: DerivationId, eval: &mut dyn Evaluate) -> bool {
        let derivation = self.graph.derivation(id);
        let (source, destination) = (derivation.sources[0], derivation.destination);
        // Filters that see through a variable have to see through all products into it.
        let seen_through = self.lazy[destination.0 as usize].as_ref().is_some_and(|lazy| !lazy.filters.is_empty());
        match &derivation.operator {
            Operator::Product if self.can_wait(destination) && (!self.eager || seen_through) => {
                self.put_off(id, destination, eval);
                true
            }
            Operator::Filter(function) if !self.eager => match eval.equality(function) {
                Some(equality) if self.can_wait(source) => self.see_through(id, source, &equality, eval),
                _ => false,
            },
            _ => false,
        }
    }

    fn can_wait(&self, variable: VariableId) -> bool {
        matches!(self.states[variable.0 as usize], State::Set(_))
    }

    /// Makes a product that is built when its destination is observed.
    fn put_off(&mut self, id: DerivationId, destination: VariableId, eval: &mut dyn Evaluate) {
        let at = destination.0 as usize;
        for source in self.graph.derivation(id).sources.clone() {
            self.observe(source);
        }
        let lazy = self.lazy[at].get_or_insert_default();
        lazy.products.push(id);
        let filters = lazy.filters.clone();
        if self.observed[at] {
            self.split(destination);
            self.run(id, eval, Running::load);
        }
        for (filter, equality) in filters {
            self.pair(destination, id, filter, &equality, eval);
        }
    }

    /// Makes a filter that sees its source without products, and the products' sources. Not possible once the products are
    /// built and nothing is kept without them.
    fn see_through(
        &mut self,
        id: DerivationId,
        source: VariableId,
        equality: &Equality,
        eval: &mut dyn Evaluate,
    ) -> bool {
        let at = source.0 as usize;
        let observed = self.observed[at];
        let lazy = self.lazy[at].get_or_insert_default();
        if observed && !lazy.products.is_empty() && lazy.base.is_none() {
            return false;
        }
        lazy.filters.push((id, equality.clone()));
        let products = lazy.products.clone();
        let delta = operators::whole(lazy.base.as_ref().map_or(&self.states[at], |(base, _)| base));
        self.run(id, eval, |running, _, context| running.change(Side::Left, &delta, context));
        for product in products {
            self.pair(source, product, id, equality, eval);
        }
        true
    }

    /// What a filter that sees through its source contributes, found anew. False for other derivations.
    pub(super) fn filtered_anew(&self, id: DerivationId, eval: &mut dyn Evaluate, inbox: &mut Inbox) -> bool {
        let derivation = self.graph.derivation(id);
        let (Operator::Filter(function), at) = (&derivation.operator, derivation.sources[0].0 as usize) else {
            return false;
        };
        let Some(lazy) = self.lazy[at].as_ref() else { return false };
        let Some((_, equality)) = lazy.filters.iter().find(|(filter, _)| *filter == id) else { return false };
        let kind = |variable: VariableId| &self.graph.reference(variable).kind;
        let mut running = Running::new(&derivation.operator, kind(derivation.sources[0]), kind(derivation.destination));
        let (mut work, mut failures) = (operators::Work::default(), Vec::new());
        let mut context = operators::Context {
            eval,
            left: &self.states[at],
            right: &self.states[at],
            out: inbox,
            failures: &mut failures,
            work: &mut work,
        };
        let base = lazy.base.as_ref().map_or(&self.states[at], |(base, _)| base);
        running.change(Side::Left, &operators::whole(base), &mut context);
        for product in &lazy.products {
            let mut join = EquiJoin::new(function, equality);
            let sources = &self.graph.derivation(*product).sources;
            let [left, right] = [0, 1].map(|side| operators::whole(&self.states[sources[side].0 as usize]));
            if sources[0] == sources[1] {
                join.change(Side::Both, &left, &mut context);
            } else {
                join.change(Side::Left, &left, &mut context);
                join.change(Side::Right, &right, &mut context);
            }
        }
        true
    }

    /// Keeps what speaks for an observed variable apart from its products, where filters need that. Called while its state
    /// holds nothing of its products.
    fn split(&mut self, variable: VariableId) {
        let at = variable.0 as usize;
        let Some(lazy) = &mut self.lazy[at] else { return };
        if lazy.base.is_none() && !lazy.filters.is_empty() {
            lazy.base = self.states[at].copied().map(|state| (state, Inbox::default()));
        }
    }

    /// Joins the sources of a product for a filter of it.
    fn pair(
        &mut self,
        variable: VariableId,
        product: DerivationId,
        filter: DerivationId,
        equality: &Equality,
        eval: &mut dyn Evaluate,
    ) {
        let Operator::Filter(function) = &self.graph.derivation(filter).operator else { return };
        let mut join = EquiJoin::new(function, equality);
        let sources = &self.graph.derivation(product).sources;
        let (left, right) = (sources[0], sources[1]);
        let [left_delta, right_delta] = [left, right].map(|source| operators::whole(&self.states[source.0 as usize]));
        self.run(filter, eval, |_, _, context| {
            if left == right {
                join.change(Side::Both, &left_delta, context);
            } else {
                join.change(Side::Left, &left_delta, context);
                join.change(Side::Right, &right_delta, context);
            }
        });
        if let Some(lazy) = &mut self.lazy[variable.0 as usize] {
            lazy.joins.push(Pairing { product, filter, join });
        }
    }

    /// Has the derivations from a variable see its change.
    pub(super) fn propagate(&mut self, variable: VariableId, delta: &Delta, eval: &mut dyn Evaluate) {
        let at = variable.0 as usize;
        let split = self.lazy[at].as_ref().is_some_and(|lazy| lazy.base.is_some());
        for reader in 0..self.graph.readers(variable).len() {
            let (id, side) = self.graph.readers(variable)[reader];
            if split && self.lazy[at].as_ref().is_some_and(|lazy| lazy.filters.iter().any(|(filter, _)| *filter == id))
            {
                continue;
            }
            if matches!(self.running[id.0 as usize], Running::Product) {
                self.propagate_to_joins(id, side, delta, eval);
                if !self.is_whole(self.graph.derivation(id).destination) {
                    continue;
                }
            }
            self.run(id, eval, |running, _, context| running.change(side, delta, context));
        }
    }

    fn propagate_to_joins(&mut self, product: DerivationId, side: Side, delta: &Delta, eval: &mut dyn Evaluate) {
        let at = self.graph.derivation(product).destination.0 as usize;
        let Some(lazy) = &mut self.lazy[at] else { return };
        let mut joins = std::mem::take(&mut lazy.joins);
        for pairing in joins.iter_mut().filter(|pairing| pairing.product == product) {
            self.run(pairing.filter, eval, |_, _, context| pairing.join.change(side, delta, context));
        }
        if let Some(lazy) = &mut self.lazy[at] {
            lazy.joins = joins;
        }
    }

    /// Has the filters that see a variable without its products see what has changed of that.
    pub(super) fn propagate_base(&mut self, variable: VariableId, eval: &mut dyn Evaluate) {
        let Some(lazy) = &mut self.lazy[variable.0 as usize] else { return };
        let Some((base, inbox)) = &mut lazy.base else { return };
        let delta = base.apply(inbox, true);
        if !delta.touched {
            return;
        }
        for (filter, _) in lazy.filters.clone() {
            self.run(filter, eval, |running, _, context| running.change(Side::Left, &delta, context));
        }
    }

    /// Where what speaks for a variable also goes, unless one of its products does: what it is without them.
    pub(super) fn base_inbox(&mut self, variable: VariableId) -> Option<&mut Inbox> {
        let (_, inbox) = self.lazy[variable.0 as usize].as_mut()?.base.as_mut()?;
        Some(inbox)
    }
}
