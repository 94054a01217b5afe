//! Derivations of other nodes: nodes tell each other which they have (`catalogue`), and of those that close a cycle between
//! them every node has the same one rest (`cycles`), and says so.
//!
//! Which rest follows from which derivations the nodes have that can be reached, this one included. So one that rests
//! contributes again when those that it closes a cycle with are gone: their programs have ended, or are out of reach.

mod catalogue;
mod cycles;
pub(super) mod fact;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::engine::BaseChange;
use crate::engine::SlotChange;
use crate::graph::Derivation;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::lattice::dot::TopicId;
use crate::node::Node;
use crate::node::Output;
use crate::node::derivations::catalogue::Catalogue;
use crate::node::derivations::cycles::Dropped;
use crate::node::derivations::fact::DERIVATIONS;
use crate::node::derivations::fact::Fact;
use crate::node::derivations::fact::Variable;
use crate::node::effects::Caller;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::source::diagnostic::Diagnostic;
use crate::value::content::Content;
use crate::value::term::Term;

/// See the module.
#[derive(Default)]
pub(super) struct Derivations {
    catalogue: Catalogue,
    /// Those that give way, as far as is known here.
    dropped: BTreeMap<u128, Dropped>,
    made: bool,
}

impl Derivations {
    /// One has been made here.
    pub(super) fn made(&mut self) {
        self.made = true;
    }

    /// This node's certificate is a client's, or is not.
    pub(super) fn set_role(&mut self, role: Role) {
        self.catalogue.set_client(role == Role::Client);
    }

    pub(super) fn connected(&mut self, peer: PeerId, role: Role) {
        self.catalogue.connected(peer, role);
    }

    /// A peer is heard of again after a silence.
    pub(super) fn heard_again(&mut self, peer: PeerId, now_ms: u64) {
        self.catalogue.heard_again(peer, now_ms);
    }

    pub(super) fn lost(&mut self, peer: PeerId) {
        self.catalogue.lost(peer);
    }

    pub(super) fn tick(&mut self, now_ms: u64) {
        self.catalogue.tick(now_ms);
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        self.catalogue.next_timer()
    }

    /// Whether a derivation gives way to others.
    pub(super) fn is_dropped(&self, identity: u128) -> bool {
        self.dropped.contains_key(&identity)
    }

    pub(super) fn any_dropped(&self) -> bool {
        !self.dropped.is_empty()
    }

    /// Whether any is known that is not this node's own.
    pub(super) fn others(&self) -> bool {
        self.catalogue.others()
    }

    /// These derivations of this node are none that others can be given.
    pub(super) fn set_partial(&mut self, partial: &BTreeSet<u128>) {
        self.catalogue.set_partial(partial);
    }

    /// The known derivations that contribute to each variable, by its hash.
    pub(super) fn by_destination(&self) -> BTreeMap<u128, Vec<u128>> {
        let mut found: BTreeMap<u128, Vec<u128>> = BTreeMap::new();
        let contribute =
            |(identity, fact): &(u128, &Fact)| fact.verb() != "fold_dynamic" && !self.is_dropped(*identity);
        for (identity, fact) in self.catalogue.all().filter(contribute) {
            found.entry(fact.destination.hash).or_default().push(identity);
        }
        found
    }

    /// Whether something is derived into a variable of this hash that gives way to others.
    pub(super) fn is_given_up(&self, hash: u128) -> bool {
        let given_up = |(identity, fact): (u128, &Fact)| fact.destination.hash == hash && self.is_dropped(identity);
        self.any_dropped() && self.catalogue.all().any(given_up)
    }

    /// The variables into which somebody derives and which have a topic there, by hash.
    pub(super) fn with_topic(&self) -> BTreeSet<u128> {
        let destinations = self.catalogue.all().map(|(_, fact)| &fact.destination);
        destinations.filter(|known| known.has_topic()).map(|known| known.hash).collect()
    }

    /// Who gives most of these; of several the one that gives now, else the first to be connected. Those who have just said
    /// that they cannot come last.
    pub(super) fn best_producer(
        &self,
        of: &[u128],
        now: Option<PeerId>,
        cannot: impl Fn(PeerId) -> bool,
    ) -> Option<PeerId> {
        let rank = |(peer, held, least): &(PeerId, usize, u8)| {
            let (last, other) = (cannot(*peer), Some(*peer) != now);
            (last, last && other, std::cmp::Reverse(*held), *least, other, *peer)
        };
        self.catalogue.producers(of).into_iter().min_by_key(rank).map(|(peer, ..)| peer)
    }
}

impl Node {
    /// Whether bytes from a peer are about derivations; takes them in if so.
    pub(super) fn derivations_received(&mut self, peer: PeerId, bytes: &[u8]) -> bool {
        if bytes.first() != Some(&DERIVATIONS) {
            return false;
        }
        if self.derivations.catalogue.received(peer, bytes, self.now_ms).is_err() {
            let reason = "it sent a malformed message about derivations".to_owned();
            self.outputs.push_back(Output::Disconnect { peer, code: "E0609", reason });
        }
        true
    }

    /// Between turns: tells peers of derivations that are new here, and has those rest that give way.
    pub(super) fn settle_derivations(&mut self) {
        if self.transaction.is_some() {
            return;
        }
        if std::mem::take(&mut self.derivations.made) {
            self.note_made();
            self.views.stale = true;
        }
        if self.derivations.catalogue.take_changed() {
            self.look_for_cycles();
            self.views.stale = true;
        }
        self.settle_views();
        self.derivations.catalogue.flush(self.now_ms);
        for (peer, bytes) in self.derivations.catalogue.take_out() {
            self.outputs.push_back(Output::Send { peer, bytes });
        }
    }

    /// How many derivations are known: this node's own, and those of nodes that can be reached.
    #[must_use]
    pub fn known_derivations(&self) -> usize {
        self.derivations.catalogue.all().count()
    }

    /// Whether a peer is known to have seen just what this node has, and both to have of each other's derivations what they are to have.
    pub(super) fn agrees_with(&self, peer: PeerId) -> bool {
        self.replica.agrees(peer) && self.derivations.catalogue.settled_with(peer) && self.views.settled_with(peer)
    }

    fn note_made(&mut self) {
        let graph = self.engine.graph();
        for derivation in self.engine.made() {
            if self.derivations.catalogue.is_own(derivation.identity) {
                continue;
            }
            // Names of a topic are for those who take it.
            let fact = Fact::of(derivation, graph, |variable| self.topic_of(variable) != TopicId::NONE);
            if fact.fits() {
                self.derivations.catalogue.has(derivation.identity, fact);
            }
        }
    }

    fn look_for_cycles(&mut self) {
        let known = &self.derivations;
        // What this node alone has is without cycles.
        let dropped = if known.catalogue.others() || !known.dropped.is_empty() || !self.engine.resting().is_empty() {
            cycles::dropped(known.catalogue.all(), |identity| known.catalogue.is_late(identity))
        } else {
            BTreeMap::new()
        };
        if dropped == known.dropped {
            return;
        }
        let mut told = Vec::new();
        for (identity, now) in &dropped {
            if known.dropped.get(identity) != Some(now) {
                told.extend(self.given_up(*identity, now));
            }
        }
        for identity in known.dropped.keys().filter(|identity| !dropped.contains_key(identity)) {
            told.extend(self.taken_up(*identity));
        }
        self.derivations.dropped = dropped;
        self.settle_rest();
        told.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    /// What is said of a derivation that gives way, if it, or another of the cycle, is this node's.
    fn given_up(&self, identity: u128, now: &Dropped) -> Option<Diagnostic> {
        let catalogue = &self.derivations.catalogue;
        let (_, fact) = catalogue.all().find(|(known, _)| *known == identity)?;
        let (verb, into) = (fact.verb(), fact.destination.plain());
        let names = now.path.iter().chain(now.path.first()).map(Variable::plain);
        let path = names.collect::<Vec<String>>().join(" -> ");
        if catalogue.is_own(identity) {
            let title =
                format!("the {verb} into `{into}` rests: with other nodes' derivations it closes a cycle: {path}");
            let mut diagnostic = Diagnostic::error("E0316", title)
                .help("of such a cycle every node has the same one rest; it contributes again when no node that can be reached has the others");
            if let Some((span, _)) = self.functions_at.get(&identity) {
                diagnostic = diagnostic.at(*span, "this derivation contributes nothing for now");
            }
            return Some(diagnostic);
        }
        let own = now.others.iter().find(|other| catalogue.is_own(**other))?;
        let title = format!(
            "another node's {verb} into `{into}` rests: with derivations of this node it closes a cycle: {path}"
        );
        let diagnostic = Diagnostic::warning("E0316", title)
            .help("a variable cannot be derived from itself, whichever nodes derive it: have the derived values in a variable of their own");
        Some(match self.functions_at.get(own) {
            Some((span, _)) => diagnostic.at(*span, "a derivation of the cycle"),
            None => diagnostic,
        })
    }

    /// What is said of a derivation of this node that rested.
    fn taken_up(&self, identity: u128) -> Option<Diagnostic> {
        let catalogue = &self.derivations.catalogue;
        let (_, fact) = catalogue.all().find(|(known, _)| *known == identity && catalogue.is_own(identity))?;
        let (verb, into) = (fact.verb(), fact.destination.plain());
        let title =
            format!("the {verb} into `{into}` contributes again: what it closed a cycle with is gone, or out of reach");
        let diagnostic = Diagnostic::warning("E0316", title);
        Some(match self.functions_at.get(&identity) {
            Some((span, _)) => diagnostic.at(*span, "it rested"),
            None => diagnostic,
        })
    }

    /// The values of all variables whose changes are told, so that what has the same value afterwards is not.
    pub(super) fn told_values(&mut self) -> BTreeMap<VariableId, Term> {
        let mut told: BTreeSet<VariableId> = self.streams.keys().copied().collect();
        if self.settings.watch {
            told.extend((0..self.engine.graph().len()).filter_map(|at| u32::try_from(at).ok()).map(VariableId));
        }
        told.into_iter().map(|variable| (variable, self.engine.value(variable))).collect()
    }

    /// Has just these derivations rest. What had the value `before` is not told of.
    pub(super) fn rest(&mut self, identities: &BTreeSet<u128>, before: &BTreeMap<VariableId, Term>) {
        let bases = self.live_entries();
        let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
        self.engine.rest(identities, bases, &mut caller);
        self.derivations.made = true;
        // What fails on an element was told before.
        self.engine.take_failures();
        self.element_failures.clear();
        self.publish_again();
        self.wake_for_changes(before);
    }

    /// All live entries of declared variables.
    fn live_entries(&self) -> Vec<BaseChange> {
        let change = |variable: VariableId, dot: Dot, content: &Content, slot: bool| BaseChange {
            variable,
            dot,
            content: content.clone(),
            slot,
            present: true,
        };
        let live = self.replica.live().filter_map(|(dot, key, content, slot)| {
            Some(change(*self.variables.get(&key)?, dot, content, slot.is_some()))
        });
        let own = self.own.iter().map(|(dot, (variable, content))| change(*variable, *dot, content, false));
        let mut all: Vec<BaseChange> = live.chain(own).collect();
        all.sort_by_key(|change| change.dot);
        all
    }

    /// Dynamic folds have been made anew: what they contribute now is published, and what they do not any longer goes.
    fn publish_again(&mut self) {
        let came = self.engine.take_slot_changes().into_iter().map(|change| (change.derivation, change));
        let mut came: BTreeMap<u128, SlotChange> = came.collect();
        let made: Vec<&Derivation> =
            self.engine.made().filter(|made| self.slots.contains_key(&made.identity)).collect();
        for derivation in made {
            let (derivation, destination) = (derivation.identity, derivation.destination);
            let none = || SlotChange { derivation, destination, added: Vec::new(), removed: Vec::new() };
            let change = came.entry(derivation).or_insert_with(none);
            let held = self.slots.get(&derivation).into_iter().flat_map(|held| held.keys());
            let mut gone: Vec<Content> = held.filter(|content| !change.added.contains(content)).cloned().collect();
            gone.sort();
            change.removed = gone;
        }
        self.publish(came.into_values().collect());
        self.settle_slots();
    }
}
