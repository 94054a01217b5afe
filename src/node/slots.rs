//! Slots: what this node's `fold_dynamic` derivations contribute, as entries that it writes and takes back.
//!
//! A slot belongs to the node, not to one incarnation of it. What earlier incarnations had published stays this node's
//! contribution until the derivation publishes here; then it is replaced, at once where it is known by then, else when it
//! comes in from a peer. So nothing is counted twice, and nothing goes before what takes its place is there.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::mem;

use rustc_hash::FxHashMap;

use crate::engine::BaseChange;
use crate::engine::SlotChange;
use crate::engine::Write;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::node::Node;
use crate::node::effects::Caller;
use crate::node::verbs::Refusal;
use crate::value::content::Content;

/// What earlier incarnations contribute by one derivation.
#[derive(Debug)]
pub(super) struct Former {
    destination: VariableId,
    entries: BTreeMap<Dot, Content>,
}

impl Node {
    /// Publishes what this node's dynamic folds contribute now.
    pub(super) fn settle_slots(&mut self) {
        loop {
            let slots = self.engine.take_slot_changes();
            if slots.is_empty() {
                break;
            }
            self.publish(slots);
        }
    }

    pub(super) fn publish(&mut self, slots: Vec<SlotChange>) {
        let mut changes = Vec::new();
        for slot in slots {
            let first = self.adopt(slot.derivation);
            if let Some(open) = &mut self.transaction {
                open.note_slot(slot.derivation, self.slots.get(&slot.derivation));
            }
            let mut held = self.slots.remove(&slot.derivation).unwrap_or_default();
            let mut gone = slot.removed;
            if first {
                gone.extend(held.keys().filter(|content| !slot.added.contains(content)).cloned());
                gone.sort();
            }
            let mut superseded: Vec<Dot> = gone.iter().filter_map(|content| held.remove(content)).collect();
            for content in slot.added {
                if held.contains_key(&content) {
                    continue;
                }
                let write = Write::new(Some(content.clone()), mem::take(&mut superseded));
                match self.write(slot.destination, write, Some(slot.derivation), &mut changes) {
                    Ok(Some(dot)) => {
                        held.insert(content, dot);
                    }
                    Ok(None) => {}
                    Err(refusal) => self.unpublished(slot.destination, slot.derivation, refusal),
                }
            }
            if !superseded.is_empty() {
                let write = Write::new(None, superseded);
                if let Err(refusal) = self.write(slot.destination, write, Some(slot.derivation), &mut changes) {
                    self.unpublished(slot.destination, slot.derivation, refusal);
                }
            }
            self.slots.insert(slot.derivation, held);
        }
        self.take_in_slots(changes);
    }

    fn take_in_slots(&mut self, changes: Vec<BaseChange>) {
        self.note(&changes);
        let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
        self.engine.apply(changes, &mut caller);
    }

    /// What a dynamic fold contributes cannot be written: the open transaction fails, or else it is told.
    fn unpublished(&mut self, destination: VariableId, derivation: u128, refusal: Refusal) {
        if let Some(open) = &mut self.transaction {
            open.broken = Some(refusal);
            return;
        }
        let name = self.engine.reference(destination).name.plain();
        let mut told = refusal.diagnostic().help(format!("what this node contributes to {name} lacks it"));
        if let Some((span, _)) = self.functions_at.get(&derivation) {
            told = told.at(*span, "contributed by this function");
        }
        self.report(told);
    }

    /// A slot that is published for the first time begins as what earlier incarnations left of it. Says whether it is the
    /// first time.
    fn adopt(&mut self, derivation: u128) -> bool {
        if self.slots.contains_key(&derivation) {
            return false;
        }
        let mut held = FxHashMap::default();
        if let Some(former) = self.former.get_mut(&derivation) {
            // The same contribution of two incarnations is one; the other is taken back.
            former.entries.retain(|&dot, content| match held.entry(content.clone()) {
                Entry::Occupied(_) => true,
                Entry::Vacant(free) => {
                    free.insert(dot);
                    false
                }
            });
        }
        self.slots.insert(derivation, held);
        true
    }

    /// An entry of a slot came or went that is not of this incarnation's making. If it is of an earlier one, it is this
    /// node's to replace.
    pub(super) fn note_former(
        &mut self,
        variable: VariableId,
        derivation: u128,
        dot: Dot,
        content: &Content,
        came: bool,
    ) {
        let by = self.replica.lane(dot.replica()).replica;
        let node = by.node();
        if by == self.settings.identity || (node != self.settings.identity.node() && !self.before.contains(&node)) {
            return;
        }
        if came {
            let former = Former { destination: variable, entries: BTreeMap::new() };
            let former = self.former.entry(derivation).or_insert(former);
            former.entries.insert(dot, content.clone());
        } else if let Some(former) = self.former.get_mut(&derivation) {
            former.entries.remove(&dot);
        }
    }

    /// Takes back what earlier incarnations contributed by derivations that have published here.
    pub(super) fn replace_former(&mut self) {
        if self.transaction.is_some() || self.former.is_empty() {
            return;
        }
        let replaced: Vec<u128> =
            self.former.keys().filter(|derivation| self.slots.contains_key(derivation)).copied().collect();
        let mut changes = Vec::new();
        for derivation in replaced {
            let Some(former) = self.former.remove(&derivation) else { continue };
            if former.entries.is_empty() {
                continue;
            }
            let write = Write::new(None, former.entries.into_keys().collect());
            if let Err(refusal) = self.write(former.destination, write, Some(derivation), &mut changes) {
                self.unpublished(former.destination, derivation, refusal);
            }
        }
        if !changes.is_empty() {
            self.apply(changes);
        }
    }

    /// Contents by the dots of a slot, for tests of what a slot holds.
    #[must_use]
    pub fn slot_contents(&self) -> Vec<Content> {
        let mut contents: Vec<Content> = self.slots.values().flat_map(|held| held.keys().cloned()).collect();
        contents.sort();
        contents
    }
}
