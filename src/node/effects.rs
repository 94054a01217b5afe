//! What changes variables: local updates, what peers send, and what follows from both.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use crate::engine::Author;
use crate::engine::BaseChange;
use crate::engine::Effect;
use crate::engine::Equality;
use crate::engine::Evaluate;
use crate::engine::Failed;
use crate::engine::Write;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::lattice::dot::TopicId;
use crate::node::Node;
use crate::node::Output;
use crate::node::derivations::fact::hash_of;
use crate::node::report;
use crate::node::tasks::Purpose;
use crate::node::verbs::Refusal;
use crate::replica::Change;
use crate::replica::Out;
use crate::value::operation::Op;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;
use crate::vm::Failure;
use crate::vm::Machine;

/// How many elements on which a function failed are reported in full, of those that fail at once.
const ELEMENT_REPORTS_MAX: usize = 3;

/// The engine's way to the machine.
pub(super) struct Caller<'a> {
    pub(super) machine: &'a mut Machine,
    pub(super) failures: &'a mut Vec<Failure>,
}

impl Evaluate for Caller<'_> {
    fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, Failed> {
        self.machine.call(function, arguments).map_err(|failure| {
            self.failures.push(failure);
            Failed(u32::try_from(self.failures.len() - 1).unwrap_or(u32::MAX))
        })
    }

    fn equality(&self, function: &Term) -> Option<Equality> {
        let (left, right, found) = self.machine.equality(function)?;
        Some(Equality { left, right, by_value: found.by_value, told: found.told })
    }
}

impl Node {
    /// The variable that a reference means here, declared if it was not: whoever holds a reference may use it.
    pub(super) fn variable(&mut self, reference: &Reference) -> Result<VariableId, Refusal> {
        if let Some(variable) = self.engine.find(reference) {
            self.views.used(variable);
            return Ok(variable);
        }
        let variable = self.engine.declare(reference)?;
        if reference.dynamic {
            let known = self.own_again(variable);
            if !known.is_empty() {
                self.apply(known);
            }
            return Ok(variable);
        }
        self.views.declared(variable, hash_of(self.engine.reference(variable)));
        let topic = self.first_topic(&Node::key_of(reference));
        self.place_under(variable, topic);
        self.after_replica();
        self.claim_rights(variable);
        Ok(variable)
    }

    /// Applies an operation here and now. All of it or, when it is refused, nothing. `actor` is whose rights it uses.
    pub(super) fn update(&mut self, variable: VariableId, op: &Op, actor: Option<&Term>) -> Result<(), Refusal> {
        let replica = self.replica.me(self.topic_of(variable));
        let incarnation = self.replica.lane(replica).owner();
        let (nodes, before) = (Some(self.met.names()), Some(&self.rights.before));
        let author = Author { replica, incarnation, actor, nodes, before, part_of: 0 };
        let effect = match self.engine.prepare(variable, op, &author) {
            Ok(effect) => effect,
            Err(refusal) => return Err(self.refused(variable, op, refusal)),
        };
        self.carry_out(variable, effect)?;
        self.note_spending(variable, op);
        Ok(())
    }

    /// Makes the writes of an update.
    pub(super) fn carry_out(&mut self, variable: VariableId, effect: Effect) -> Result<(), Refusal> {
        if effect.writes.is_empty() {
            return Ok(());
        }
        let changes = match self.keys.get(&variable).copied() {
            Some(key) => {
                for content in effect.writes.iter().filter_map(|write| write.content.as_ref()) {
                    self.replica.fits(key, Some(content))?;
                }
                let mut changes = Vec::with_capacity(effect.writes.len());
                let written: Result<(), Refusal> = effect
                    .writes
                    .into_iter()
                    .try_for_each(|write| self.write(variable, write, None, &mut changes).map(drop));
                // Whatever was recorded counts, should the numbers run out in the middle.
                self.note(&changes);
                self.apply(changes);
                return written;
            }
            None => self.write_own(variable, effect.writes)?,
        };
        self.note(&changes);
        self.apply(changes);
        Ok(())
    }

    /// The open transaction, if there is one, has to undo these if it fails.
    pub(super) fn note(&mut self, changes: &[BaseChange]) {
        if let Some(open) = &mut self.transaction {
            open.note(changes);
        }
    }

    /// Records one write to a replicated variable, and what it changes.
    pub(super) fn write(
        &mut self,
        variable: VariableId,
        write: Write,
        slot: Option<u128>,
        changes: &mut Vec<BaseChange>,
    ) -> Result<Option<Dot>, Refusal> {
        let Some(key) = self.keys.get(&variable).copied() else { return Ok(None) };
        for dot in &write.removes {
            if let Some((_, content, _)) = self.replica.entry(*dot) {
                changes.push(BaseChange {
                    variable,
                    dot: *dot,
                    content: content.clone(),
                    slot: slot.is_some(),
                    present: false,
                });
            }
        }
        // What it must not be applied without travels as what it takes away does; the replicas tell the two apart.
        let named = if write.after.is_empty() { write.removes } else { [write.removes, write.after].concat() };
        let dot = self.replica.write(key, write.content.clone(), &named, slot)?;
        if let Some(content) = write.content {
            changes.push(BaseChange { variable, dot, content, slot: slot.is_some(), present: true });
        }
        Ok(Some(dot))
    }

    /// The same for a dynamic variable: the dots are this node's own and never travel.
    fn write_own(&mut self, variable: VariableId, writes: Vec<Write>) -> Result<Vec<BaseChange>, Refusal> {
        let me = self.replica.me(TopicId::NONE);
        let mut changes = Vec::with_capacity(writes.len());
        for write in writes {
            for dot in write.removes {
                if let Some((_, content)) = self.own.remove(&dot) {
                    self.touch_own(dot);
                    changes.push(BaseChange { variable, dot, content, slot: false, present: false });
                }
            }
            if let Some(content) = write.content {
                self.own_sequence += 1;
                let dot = Dot::new(me, self.own_sequence).ok_or_else(Refusal::too_many_updates)?;
                self.own.insert(dot, (variable, content.clone()));
                self.touch_own(dot);
                changes.push(BaseChange { variable, dot, content, slot: false, present: true });
            }
        }
        Ok(changes)
    }

    /// Brings the derived variables up to date with changes of base state, and wakes whom that concerns.
    pub(super) fn apply(&mut self, changes: Vec<BaseChange>) {
        let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
        self.engine.apply(changes, &mut caller);
        self.settled();
    }

    /// Publishes what this node's dynamic folds contribute now, reports, and wakes tasks; the latter not before the open
    /// transaction, if there is one, is done.
    pub(super) fn settled(&mut self) {
        self.settle_slots();
        if self.transaction.is_none() {
            self.replace_former();
            self.report_element_failures();
            self.wake_for_changes(&BTreeMap::new());
        }
    }

    pub(super) fn report_element_failures(&mut self) {
        let failed = self.engine.take_failures();
        if failed.is_empty() {
            return;
        }
        let failures = mem::take(&mut self.element_failures);
        // One of each derivation before a second one of any.
        let mut derivations = BTreeSet::new();
        let (first, more): (Vec<_>, Vec<_>) = failed.iter().partition(|failed| derivations.insert(failed.derivation));
        for element in first.into_iter().chain(more).take(ELEMENT_REPORTS_MAX) {
            let place = self.functions_at.get(&element.derivation).copied();
            let told = self.no_row(element, place.map(|(place, _)| place));
            let diagnostic = told.unwrap_or_else(|| Node::element_diagnostic(element, &failures, place));
            self.report(diagnostic);
        }
        if failed.len() > ELEMENT_REPORTS_MAX {
            self.report(report::more_elements(failed.len() - ELEMENT_REPORTS_MAX));
        }
    }

    /// Tests the thresholds on what has changed, starts the tasks of streams, and tells the watcher. A variable that has its
    /// value `before` again did not change as far as anybody saw.
    pub(super) fn wake_for_changes(&mut self, before: &BTreeMap<VariableId, Term>) {
        let changed = self.engine.take_changed();
        self.wake_waiters(&changed);
        for variable in changed {
            self.stale();
            if before.get(&variable).is_some_and(|before| *before == self.engine.value(variable)) {
                continue;
            }
            if self.streams.contains_key(&variable) {
                let (value, topic) = (self.engine.value(variable), self.topic_of(variable));
                for function in self.streams.get(&variable).cloned().unwrap_or_default() {
                    let task = self.machine.task(&function, vec![value.clone()]);
                    self.tasks.spawn_in(topic, Purpose::Thread, task);
                }
            }
            if self.tells(variable) {
                self.tell_change(variable);
            }
        }
    }

    /// Whether of all changes only those are told of variables that derivations feed, and that had their names before: at a prompt
    /// what is typed is echoed. Without effect where no changes are told at all.
    pub fn tell_derived_only(&mut self, only: bool) {
        self.tells_derived_only = only;
    }

    /// Whether changes of the variable are told. The values of others are not asked for: each may be as large as all that was
    /// changed so far.
    pub(super) fn tells(&self, variable: VariableId) -> bool {
        let derived = || !self.engine.graph().writers(variable).is_empty() || self.engine.taken(variable).is_some();
        self.settings.watch && (!self.tells_derived_only || derived())
    }

    fn tell_change(&mut self, variable: VariableId) {
        self.tell_named_changes();
        let value = self.engine.value(variable);
        if self.named.contains_key(&variable) {
            self.push_change(variable, &value);
        } else {
            self.unnamed_changes.insert(variable, value);
        }
    }

    /// Tells the changes of variables that have got their names since.
    pub(super) fn tell_named_changes(&mut self) {
        self.note_names();
        for (variable, value) in mem::take(&mut self.unnamed_changes) {
            if self.named.contains_key(&variable) {
                // At a prompt what has just got its name is echoed.
                if !self.tells_derived_only {
                    self.push_change(variable, &value);
                }
            } else {
                self.unnamed_changes.insert(variable, value);
            }
        }
    }

    fn push_change(&mut self, variable: VariableId, value: &Term) {
        let kind = self.engine.reference(variable).kind.clone();
        let mut names = self.named.get(&variable).cloned().unwrap_or_default().into_iter();
        if let Some(name) = names.next() {
            let (also, value) = (names.collect(), value.clone());
            self.outputs.push_back(Output::Change { variable: name, also, kind, value });
        }
    }

    /// Passes on what the replica gives out: messages to the edge, entries to the engine.
    pub(super) fn after_replica(&mut self) {
        while let Some(out) = self.replica.poll() {
            match out {
                Out::Send(peer, bytes) => self.outputs.push_back(Output::Send { peer, bytes }),
                Out::Broadcast { topic, bytes } => self.outputs.push_back(Output::Broadcast { topic, bytes }),
                Out::Interest { .. } => {
                    let (only, topics) = self.replica.taking();
                    let topics = topics.into_iter().map(|topic| topic.0).collect();
                    self.outputs.push_back(Output::Take { only, topics });
                }
                Out::Changes(mut changes) => {
                    let met = self.meet_topics(&changes);
                    changes.retain(|change| !met.contains(&change.key));
                    let changes = changes.into_iter().filter_map(|change| self.base_change(change)).collect();
                    self.apply(changes);
                    self.replace_former();
                }
                Out::Conflict { key, other, peer } => {
                    self.conflicts = true;
                    let peer = peer.map(|peer| self.peers.get(&peer).cloned().unwrap_or_default());
                    let told = report::type_conflict(&key, &other, peer.as_deref());
                    self.report(match self.places.made.get(&key.name).copied() {
                        Some(place) => told.at(place, format!("{} here", key.kind.with_article())),
                        None => told,
                    });
                }
                Out::Elsewhere { here, there, peer } => {
                    let peer = self.peers.get(&peer).cloned().unwrap_or_default();
                    self.report(report::old_copy(here, there, &peer));
                    if self.enforced.give_up_voice() {
                        self.report(report::no_voice(None));
                    }
                }
                Out::Gap { peer, updates } => {
                    let peer = self.peers.get(&peer).cloned().unwrap_or_default();
                    self.report(report::gap(updates, &peer));
                }
                Out::Refuse(peer, reason) => {
                    self.outputs.push_back(Output::Disconnect {
                        peer,
                        code: reason.code(),
                        reason: reason.to_string(),
                    });
                }
            }
        }
    }

    /// A change of a variable that is declared here; others wait in the replica until it is.
    fn base_change(&mut self, change: Change) -> Option<BaseChange> {
        let variable = *self.variables.get(&change.key)?;
        if let Some(derivation) = change.slot {
            self.note_former(variable, derivation, change.dot, &change.content, change.present);
        }
        Some(BaseChange {
            variable,
            dot: change.dot,
            content: change.content,
            slot: change.slot.is_some(),
            present: change.present,
        })
    }

    /// A name that no other variable has or will have.
    pub(super) fn fresh_name(&mut self) -> Name {
        self.fresh_names += 1;
        Name::Fresh(self.settings.identity.0, self.fresh_names, self.tasks.topic().0)
    }

    /// Looks up which names at top level are bound to variables by now.
    pub(super) fn note_names(&mut self) {
        self.named.clear();
        for (name, term) in self.bound_names() {
            if let Term::Ref(reference) = term
                && let Some(variable) = self.engine.find(&reference)
            {
                self.named.entry(variable).or_default().push(name);
            }
        }
    }
}
