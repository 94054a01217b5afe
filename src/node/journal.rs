//! What a node has to remember to go on after it has ended, as changes: what the replica remembers, the values of its dynamic
//! variables, and which functions `once` has called.
//!
//! The journal of a turn is one step: whoever keeps it writes all of it down, or nothing, before anything that the turn
//! gives out leaves the process. What a transaction has done is in no journal before it is committed.
//!
//! [`Node::restore`] gives it to a node that has not run yet. The program runs anew then: its top level declares what it
//! declared, and finds in it what was there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;

use triomphe::Arc;

use crate::engine::BaseChange;
use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::lattice::dot::NodeTag;
use crate::lattice::dot::TopicId;
use crate::node::Node;
use crate::replica;
use crate::replica::Damage;
use crate::value::content::Content;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// A change of what is remembered. Later records of the same thing replace earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Of replicated state.
    Replica(replica::Record),
    /// An entry of a dynamic variable.
    Own {
        /// Which of the node's writes to dynamic variables made it.
        sequence: u64,
        /// The variable.
        variable: Arc<Reference>,
        /// The entry.
        content: Content,
    },
    /// An entry of a dynamic variable is no more.
    OwnGone {
        /// Which of the node's writes made it.
        sequence: u64,
    },
    /// The node goes on in the place of another, whose contributions to `fold_dynamic` are its own to replace.
    Before {
        /// The other node's mark.
        node: NodeTag,
    },
    /// The function of a `once` has returned.
    Once {
        /// Its key.
        key: Term,
    },
}

/// What has changed beside the replica.
#[derive(Default)]
pub(super) struct Journal {
    /// Changes that stand, whatever becomes of the open transaction.
    ready: Vec<Record>,
    /// Writes to dynamic variables whose entries came or went since.
    touched: BTreeSet<u64>,
}

/// Entries of dynamic variables that the program has not declared yet.
pub(super) type Waiting = BTreeMap<Arc<Reference>, Vec<(Dot, Content)>>;

impl Node {
    /// From now on notes what is to be remembered, for [`Node::take_journal`].
    pub fn keep_journal(&mut self) {
        self.replica.keep_journal();
        self.journal.get_or_insert_default();
    }

    /// What has changed since this was asked last. Everything given out by [`Node::poll_output`] so far depends on nothing
    /// that is not in this journal or an earlier one.
    pub fn take_journal(&mut self) -> Vec<Record> {
        if self.journal.is_none() {
            return Vec::new();
        }
        if self.transaction.is_none() {
            self.settle_journal();
        }
        let mut records: Vec<Record> = self.replica.take_journal().into_iter().map(Record::Replica).collect();
        if let Some(journal) = &mut self.journal {
            records.append(&mut journal.ready);
        }
        records
    }

    /// What was written to dynamic variables stands.
    pub(super) fn settle_journal(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let touched = mem::take(&mut journal.touched);
        if touched.is_empty() {
            return;
        }
        let me = self.replica.me(TopicId::NONE);
        let record = |sequence: u64| match Dot::new(me, sequence).and_then(|dot| self.own.get(&dot)) {
            Some((variable, content)) => {
                let variable = Arc::clone(self.engine.reference(*variable));
                Record::Own { sequence, variable, content: content.clone() }
            }
            None => Record::OwnGone { sequence },
        };
        let records: Vec<Record> = touched.into_iter().map(record).collect();
        if let Some(journal) = &mut self.journal {
            journal.ready.extend(records);
        }
    }

    /// An entry of a dynamic variable came or went.
    pub(super) fn touch_own(&mut self, dot: Dot) {
        if let Some(journal) = &mut self.journal {
            journal.touched.insert(dot.sequence());
        }
    }

    /// The function of a `once` has returned, and what it did stands.
    pub(super) fn note_once(&mut self, key: Term) {
        if let Some(journal) = &mut self.journal {
            journal.ready.push(Record::Once { key });
        }
    }

    /// Has a node that has not run yet go on from what an earlier incarnation of it told by its journals, of each thing what
    /// was told last; and keep a journal itself.
    ///
    /// # Errors
    /// When the records cannot be what a node told.
    pub fn restore(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), Damage> {
        let me = self.replica.me(TopicId::NONE);
        let (mut own, mut once, mut before) = (BTreeMap::new(), Vec::new(), Vec::new());
        let replicated = records.into_iter().filter_map(|record| {
            match record {
                Record::Replica(record) => return Some(record),
                Record::Own { sequence, variable, content } => drop(own.insert(sequence, (variable, content))),
                Record::OwnGone { sequence } => drop(own.remove(&sequence)),
                Record::Before { node } => before.push(node),
                Record::Once { key } => once.push(key),
            }
            None
        });
        self.replica.restore(replicated)?;
        for (sequence, (variable, content)) in own {
            let dot = Dot::new(me, sequence).ok_or(Damage::Number)?;
            if !variable.dynamic || !content.fits(&variable.kind) {
                return Err(Damage::Unfit);
            }
            self.own_sequence = self.own_sequence.max(sequence);
            self.own_waiting.entry(variable).or_default().push((dot, content));
        }
        self.done_once.extend(once);
        self.before.extend(before);
        self.keep_journal();
        Ok(())
    }

    /// What a dynamic variable had when the node ended, now that it is declared again.
    pub(super) fn own_again(&mut self, variable: VariableId) -> Vec<BaseChange> {
        let waiting = self.own_waiting.remove(self.engine.reference(variable)).unwrap_or_default();
        let mut changes = Vec::with_capacity(waiting.len());
        for (dot, content) in waiting {
            self.own.insert(dot, (variable, content.clone()));
            changes.push(BaseChange { variable, dot, content, slot: false, present: true });
        }
        changes
    }
}
