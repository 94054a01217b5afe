//! What a node can give, what it needs, and from whom it takes it: follows from its graph, its topics, and which derivations
//! the nodes have that can be reached.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::graph::Derivation;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::lattice::dot::Lane;
use crate::lattice::dot::TopicId;
use crate::node::Node;
use crate::node::derivations::fact::hash_of;
use crate::node::effects::Caller;
use crate::node::views::give::Stamp;
use crate::node::views::wire::Word;
use crate::replica::Claims;
use crate::value::term::Term;

/// What is wanting in this node's own derivations.
#[derive(Default)]
pub(super) struct Partial {
    /// Derivations that nobody is given: they lack some of what they come from, or wait for a view of it, or another into the
    /// same variable does.
    derivations: BTreeSet<u128>,
    /// Their destinations.
    variables: BTreeSet<VariableId>,
    /// Those of them that lack something.
    lacking: BTreeSet<VariableId>,
}

/// What a variable comes from, as far as it is derived here.
#[derive(Clone, Default)]
pub(super) struct Origins {
    /// The topics of variables from which it is derived.
    topics: BTreeSet<TopicId>,
    /// Those of them of which this node shows a view.
    views: BTreeSet<VariableId>,
}

fn is_dynamic_fold(derivation: &Derivation) -> bool {
    matches!(derivation.operator, Operator::FoldDynamic(_))
}

impl Node {
    fn partial(&self) -> Partial {
        let mut partial = Partial::default();
        if self.views.taking.is_empty() && self.replica.interest_digest() == 0 {
            return partial;
        }
        let counts = |made: &&Derivation| !is_dynamic_fold(made) && !self.derivations.is_dropped(made.identity);
        let made: Vec<&Derivation> = self.engine.made().filter(counts).collect();
        let reference = |variable: VariableId| self.engine.reference(variable);
        let takes = |variable: VariableId| reference(variable).dynamic || self.replica.takes(self.topic_of(variable));
        let (shown, waits) = (|of: &VariableId| self.views.is_shown(*of), |of: &VariableId| self.views.waits_for(*of));
        // Variables that lack something, and those that wait for a view. Each time round they grow, or that was all.
        let (mut lack, mut wait) = (BTreeSet::new(), BTreeSet::new());
        loop {
            let before = (lack.len(), wait.len());
            for derivation in &made {
                let destination = derivation.destination;
                if derivation.sources.iter().any(|source| lack.contains(source) || !takes(*source)) {
                    lack.insert(destination);
                }
                if derivation.sources.iter().any(|source| !shown(source) && (wait.contains(source) || waits(source))) {
                    wait.insert(destination);
                }
            }
            if before == (lack.len(), wait.len()) {
                break;
            }
        }
        for derivation in made {
            let destination = derivation.destination;
            if lack.contains(&destination) || wait.contains(&destination) || shown(&destination) {
                partial.derivations.insert(derivation.identity);
                partial.variables.insert(destination);
            }
        }
        partial.lacking = lack;
        partial
    }

    /// What a variable comes from.
    fn origins(&self, of: VariableId) -> Origins {
        let graph = self.engine.graph();
        let (mut origins, mut seen, mut open) = (Origins::default(), BTreeSet::new(), vec![of]);
        while let Some(variable) = open.pop() {
            for source in graph.writers(variable).iter().flat_map(|id| graph.derivation(*id).sources.clone()) {
                if seen.insert(source) {
                    origins.topics.insert(self.topic_of(source));
                    if self.views.is_shown(source) {
                        origins.views.insert(source);
                    }
                    open.push(source);
                }
            }
        }
        origins
    }

    fn origins_now(&mut self, of: VariableId) -> Origins {
        if let Some(known) = self.views.origins.get(&of) {
            return known.clone();
        }
        let origins = self.origins(of);
        self.views.origins.insert(of, origins.clone());
        origins
    }

    /// The updates that the view of a variable comes from: all of which anything may have been seen.
    pub(super) fn stamp(&mut self, variable: VariableId, held: bool) -> Stamp {
        let stamp = |node: &Node, of: VariableId| {
            node.views.taking.get(&of).and_then(|taking| taking.stamp.clone()).unwrap_or_default()
        };
        if !held {
            return stamp(self, variable);
        }
        let origins = self.origins_now(variable);
        let mut all: Stamp = self.replica.vector().filter(|(lane, _)| origins.topics.contains(&lane.topic)).collect();
        for source in &origins.views {
            for (lane, height) in stamp(self, *source) {
                let known = all.entry(lane).or_insert(height);
                *known = height.max(*known);
            }
        }
        all
    }

    /// Whether the view that this node has comes from all these updates, by all ways.
    pub(super) fn covers_seen(&mut self, variable: VariableId, held: bool, seen: &Claims) -> bool {
        let origins = if held { self.origins_now(variable) } else { Origins::default() };
        let views = if held { origins.views } else { BTreeSet::from([variable]) };
        let stamps: Vec<&Stamp> = views.iter().filter_map(|of| self.views.taking.get(of)?.stamp.as_ref()).collect();
        let topical = |stamp: &Stamp, lane: &Lane| stamp.keys().any(|known| known.topic == lane.topic);
        seen.0.iter().all(|(lane, height)| {
            let own = !origins.topics.contains(&lane.topic) || self.replica.covers(*lane, *height);
            let mut known = origins.topics.contains(&lane.topic);
            own && stamps.iter().all(|stamp| {
                let concerned = topical(stamp, lane);
                known |= concerned;
                !concerned || stamp.get(lane) >= Some(height)
            }) && known
        })
    }

    /// Whether this node has derivations into a variable, and all that these come from.
    pub(super) fn holds(&self, variable: VariableId) -> bool {
        let graph = self.engine.graph();
        let derived = graph.writers(variable).iter().any(|id| !is_dynamic_fold(graph.derivation(*id)));
        derived && !self.views.partial.variables.contains(&variable)
    }

    /// Finds anew what is given and taken.
    pub(in crate::node) fn judge_views(&mut self) {
        let partial = self.partial();
        self.derivations.set_partial(&partial.derivations);
        self.views.partial = partial;
        self.views.origins.clear();
        self.views.handing_over = false;
        let with_topic = self.derivations.with_topic();
        self.views.with_topic = with_topic.iter().filter_map(|hash| self.views.by_hash.get(hash).copied()).collect();
        self.end_given();
        let any = self.derivations.others() || !self.views.taking.is_empty();
        if any || !self.views.partial.variables.is_empty() {
            let derived = self.derivations.by_destination();
            let mut variables: BTreeSet<VariableId> = self.views.taking.keys().copied().collect();
            variables.extend(derived.keys().filter_map(|hash| self.views.by_hash.get(hash)));
            for variable in variables {
                let hash = hash_of(self.engine.reference(variable));
                // What gives way to others contributes nothing, and what was shown of it goes.
                let given_up = !derived.contains_key(&hash) && self.derivations.is_given_up(hash);
                if given_up || !self.needs(variable) {
                    self.stop_taking(variable);
                    continue;
                }
                let now = self.views.taking.get(&variable).and_then(|taking| taking.from).map(|(peer, _)| peer);
                let best = derived.get(&hash).and_then(|into| self.producer(variable, into));
                if best != now {
                    self.turn_to(variable, best);
                }
            }
        }
        self.settle_rest();
    }

    fn needs(&mut self, variable: VariableId) -> bool {
        let given = || self.views.giving.values().any(|(given, _)| *given == variable);
        let used = !self.views.for_others.contains(&variable) || given();
        if !used || !self.replica.takes(self.topic_of(variable)) {
            return false;
        }
        if self.views.partial.lacking.contains(&variable) || !self.is_derived_here(variable) {
            return true;
        }
        // What this node derives itself takes the place of what it has shown once it comes from as much.
        let behind = self.views.taking.get(&variable).is_some_and(|taking| {
            // What is of a topic that it does not take will never be here, and none of what it derives.
            let covered =
                |(lane, height): (&Lane, &u64)| !self.replica.takes(lane.topic) || self.replica.covers(*lane, *height);
            let covers = |stamp: &Stamp| stamp.iter().all(covered);
            !taking.any && taking.stamp.as_ref().is_some_and(|stamp| !covers(stamp))
        });
        self.views.handing_over |= behind;
        behind
    }

    /// Whether this node has a derivation into a variable that contributes, or would if there were no view.
    fn is_derived_here(&self, variable: VariableId) -> bool {
        let graph = self.engine.graph();
        let active = graph.writers(variable).iter().any(|id| !is_dynamic_fold(graph.derivation(*id)));
        let would = |rests: &Derivation| !is_dynamic_fold(rests) && !self.derivations.is_dropped(rests.identity);
        active || self.engine.resting().iter().any(|rests| rests.destination == variable && would(rests))
    }

    /// What this node has of a variable it has in another way now, or not at all: who was given it begins anew.
    fn end_given(&mut self) {
        let begun =
            self.views.giving.iter().filter_map(|(key, (variable, giving))| Some((*key, *variable, giving.begun()?)));
        let ended: Vec<_> = begun.filter(|(_, variable, held)| self.holds(*variable) != *held).collect();
        for ((peer, session), variable, _) in ended {
            self.views.giving.remove(&(peer, session));
            self.engine.give_up(variable);
            self.say(peer, &Word::End { session });
        }
        let given: BTreeSet<VariableId> = self.views.giving.values().map(|(variable, _)| *variable).collect();
        for variable in self.engine.giving().into_iter().filter(|variable| !given.contains(variable)) {
            self.engine.give_up(variable);
        }
    }

    /// The view of a variable is not needed, or not any longer.
    fn stop_taking(&mut self, variable: VariableId) {
        if !self.views.taking.contains_key(&variable) {
            return;
        }
        self.turn_to(variable, None);
        self.views.taking.remove(&variable);
        if self.engine.taken(variable).is_some() {
            let before = self.told_values();
            let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
            self.engine.end_view(variable, &mut caller);
            self.views.stale = true;
            self.settle_moved(&before);
        }
    }

    /// A view has come, or is gone: what it stands for rests, or contributes again, in the same moment.
    pub(super) fn settle_moved(&mut self, before: &BTreeMap<VariableId, Term>) {
        if let Some(rest) = self.wanted_rest() {
            self.rest(&rest, before);
        } else {
            self.settle_slots();
            self.report_element_failures();
            self.wake_for_changes(before);
        }
    }

    /// Has just those derivations rest that give way to others, or to a view.
    pub(in crate::node) fn settle_rest(&mut self) {
        if let Some(rest) = self.wanted_rest() {
            let before = self.told_values();
            self.rest(&rest, &before);
        }
    }

    /// The derivations that are to rest, if they are not those that do.
    fn wanted_rest(&self) -> Option<BTreeSet<u128>> {
        let shown = self.views.taking.values().any(|taking| taking.stamp.is_some());
        if !shown && self.engine.resting().is_empty() && !self.derivations.any_dropped() {
            return None;
        }
        let gives_way = |made: &Derivation| self.views.is_shown(made.destination) && !is_dynamic_fold(made);
        let rest = self.engine.made().filter(|made| self.derivations.is_dropped(made.identity) || gives_way(made));
        let rest: BTreeSet<u128> = rest.map(|made| made.identity).collect();
        let resting: BTreeSet<u128> = self.engine.resting().iter().map(|resting| resting.identity).collect();
        (rest != resting).then_some(rest)
    }
}
