//! `atomically`: updates that become visible together, here and on every peer, or not at all.
//!
//! While a transaction is open its updates are in the engine, so that its function sees them and all that is derived from
//! them, but nowhere else: the replica keeps its writes apart, nobody is woken, and what it prints or starts is held back.
//! It belongs to the task that runs: no other has its turn and nothing from outside is taken in before it ends. To undo
//! it the engine takes the opposite changes in; a variable's state follows from its live entries and contributions alone,
//! so it is then as it was. Declarations and derivations are no updates, and stay.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use rustc_hash::FxHashMap;

use crate::engine::BaseChange;
use crate::engine::SlotChange;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::node::Node;
use crate::node::Output;
use crate::node::effects::Caller;
use crate::node::tasks::Awaited;
use crate::node::tasks::Every;
use crate::node::tasks::Purpose;
use crate::node::tasks::Wait;
use crate::node::verbs::Answer;
use crate::node::verbs::Refusal;
use crate::node::verbs::brief;
use crate::value::content::Content;
use crate::value::term::Term;

/// What an open transaction has done, and what is to be done when it has succeeded.
#[derive(Default)]
pub(super) struct Transaction {
    /// How many `atomically` are open inside the first.
    depth: usize,
    /// What the engine has taken in, in order.
    changes: Vec<BaseChange>,
    /// The slots that have changed, as they were before.
    slots: BTreeMap<u128, FxHashMap<Content, Dot>>,
    /// How many writes to dynamic variables there were before.
    own_sequence: u64,
    held: Vec<Held>,
    /// The values, before, of variables of whose changes somebody is told.
    before: BTreeMap<VariableId, Term>,
    /// The keys that `once` has marked.
    pub(super) once: Vec<Term>,
    /// Those of them whose functions have returned.
    pub(super) once_done: Vec<Term>,
    /// Something that follows from an update could not be written.
    pub(super) broken: Option<Refusal>,
}

/// What waits for the end of a transaction.
pub(super) enum Held {
    /// What the program shows.
    Output(Output),
    /// A function to be called in a task of its own.
    Thread(Term),
    /// A task that begins by waiting.
    Wait(Wait),
    /// What has been read, and so asked for.
    Read(Vec<Awaited>),
    /// A function to be called with each new value of a variable that had `value` then.
    Stream { variable: VariableId, function: Term, value: Term },
    /// A function to be called again and again.
    Every(Every),
}

impl Transaction {
    pub(super) fn hold(&mut self, held: Held) {
        self.held.push(held);
    }

    pub(super) fn hold_output(&mut self, output: Output) {
        self.held.push(Held::Output(output));
    }

    /// The engine takes these in.
    pub(super) fn note(&mut self, changes: &[BaseChange]) {
        self.changes.extend_from_slice(changes);
    }

    /// A derivation's slot is about to change.
    pub(super) fn note_slot(&mut self, derivation: u128, held: Option<&FxHashMap<Content, Dot>>) {
        self.slots.entry(derivation).or_insert_with(|| held.cloned().unwrap_or_default());
    }

    /// What undoes the changes: of each entry, the opposite of what they came to in all.
    fn opposite(&self) -> Vec<BaseChange> {
        let mut first: BTreeMap<(VariableId, Dot), bool> = BTreeMap::new();
        let mut last: BTreeMap<(VariableId, Dot), &BaseChange> = BTreeMap::new();
        for change in &self.changes {
            first.entry((change.variable, change.dot)).or_insert(change.present);
            last.insert((change.variable, change.dot), change);
        }
        let undo = |(entry, last): (&(VariableId, Dot), &&BaseChange)| {
            // An entry that was made and taken away again leaves nothing to undo.
            let changed = first.get(entry) == Some(&last.present);
            changed.then(|| BaseChange { present: !last.present, ..(*last).clone() })
        };
        last.iter().filter_map(undo).collect()
    }
}

impl Node {
    /// Opens a transaction, or joins the one that is open.
    pub(super) fn begin(&mut self) {
        if let Some(open) = &mut self.transaction {
            open.depth += 1;
            return;
        }
        self.settle_journal();
        let mut told: BTreeSet<VariableId> = self.streams.keys().copied().collect();
        if self.settings.watch {
            self.note_names();
            told.extend(self.named.keys().filter(|variable| self.tells(**variable)));
        }
        let before = told.into_iter().map(|variable| (variable, self.engine.value(variable))).collect();
        self.replica.begin();
        self.transaction = Some(Transaction { before, own_sequence: self.own_sequence, ..Transaction::default() });
    }

    /// One `atomically` has come to its end. The outermost makes everything visible.
    pub(super) fn commit(&mut self) {
        if let Some(open) = &mut self.transaction
            && open.depth > 0
        {
            open.depth -= 1;
            return;
        }
        let Some(done) = self.transaction.take() else { return };
        self.replica.commit();
        done.once_done.iter().for_each(|key| self.note_once(key.clone()));
        let (streams, others): (Vec<Held>, Vec<Held>) =
            done.held.into_iter().partition(|held| matches!(held, Held::Stream { .. }));
        others.into_iter().for_each(|held| self.start(held));
        self.report_element_failures();
        self.wake_for_changes(&done.before);
        for held in streams {
            // What has changed since the stream was made, it sees.
            if let Held::Stream { variable, function, value } = &held {
                let now = self.engine.value(*variable);
                if now != *value {
                    let task = self.machine.task(function, vec![now]);
                    self.tasks.spawn_in(self.topic_of(*variable), Purpose::Thread, task);
                }
            }
            self.start(held);
        }
    }

    /// Undoes everything that the open transaction has done.
    pub(super) fn abort(&mut self) {
        let Some(mut open) = self.transaction.take() else { return };
        self.replica.abort();
        self.own_sequence = open.own_sequence;
        for key in mem::take(&mut open.once) {
            self.done_once.remove(&key);
        }
        let opposite = open.opposite();
        for change in opposite.iter().filter(|change| !self.keys.contains_key(&change.variable)) {
            if change.present {
                self.own.insert(change.dot, (change.variable, change.content.clone()));
            } else {
                self.own.remove(&change.dot);
            }
        }
        let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
        self.engine.apply(opposite, &mut caller);
        let slots = self.undo_slots(open.slots);
        self.publish(slots);
        // What failed on elements that are not there any more is nobody's concern.
        self.engine.take_failures();
        self.element_failures.clear();
        self.settle_slots();
        self.wake_for_changes(&open.before);
    }

    /// Slots are as they were. Gives what is to be published all the same: what derivations that the transaction has made
    /// contribute from what was there before it.
    fn undo_slots(&mut self, before: BTreeMap<u128, FxHashMap<Content, Dot>>) -> Vec<SlotChange> {
        let mut after = BTreeMap::new();
        for (derivation, held) in before {
            let ended = self.slots.insert(derivation, held).unwrap_or_default();
            after.insert(derivation, ended.into_keys().collect::<BTreeSet<Content>>());
        }
        let mut publish = Vec::new();
        for mut change in self.engine.take_slot_changes() {
            let held = self.slots.get(&change.derivation).into_iter().flat_map(FxHashMap::keys);
            let held: BTreeSet<Content> = held.cloned().collect();
            let mut wanted = after.remove(&change.derivation).unwrap_or_else(|| held.clone());
            wanted.retain(|content| !change.removed.contains(content));
            wanted.extend(mem::take(&mut change.added));
            let (added, removed) = (wanted.difference(&held).cloned(), held.difference(&wanted).cloned());
            let (added, removed) = (added.collect::<Vec<_>>(), removed.collect::<Vec<_>>());
            if !added.is_empty() || !removed.is_empty() {
                publish.push(SlotChange { added, removed, ..change });
            }
        }
        publish
    }

    /// What a verb comes to in a transaction: it does not wait.
    pub(super) fn in_transaction(&mut self, answer: Answer) -> Answer {
        if let Some(broken) = self.transaction.as_mut().and_then(|open| open.broken.take()) {
            return Answer::Refused(broken);
        }
        let refusal = |title: String| {
            let refusal = Refusal::new("E0371", title);
            Answer::Refused(refusal.help("its updates become visible together at its end: wait before it, or after it"))
        };
        match answer {
            Answer::Wait { any, .. } => {
                let awaited: Vec<String> = any.iter().map(|awaited| self.unmet(awaited)).collect();
                refusal(format!("`atomically` does not wait: {}", awaited.join("; ")))
            }
            Answer::Sleep { .. } => refusal("`atomically` does not wait, and `sleep` does".to_owned()),
            Answer::File { .. } => refusal("`atomically` does not wait, and reading a file does".to_owned()),
            answer => answer,
        }
    }

    fn unmet(&mut self, awaited: &Awaited) -> String {
        let value = brief(&self.engine.value(awaited.variable));
        format!("{} {}, and is {value}", self.shown_name(awaited.variable), crate::node::report::awaited(awaited))
    }
}
