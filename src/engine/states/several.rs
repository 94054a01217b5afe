//! Several operations as one update, each seeing what those before it have done.
//!
//! An operation that may meet an earlier one's writes is prepared on a copy of the state, in which those are live under
//! provisional dots. Where it takes one of them out, neither the write nor its taking out happens; what the write would have
//! taken out, the later one does.

use std::collections::BTreeMap;

use crate::engine::author::Author;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Support;
use crate::engine::change::Write;
use crate::engine::states::State;
use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::value::content::Content;

/// A copy of a state, to try operations out.
pub(super) struct Trial {
    pub(super) state: State,
    live: BTreeMap<Dot, Content>,
}

impl Trial {
    pub(super) fn new(state: State) -> Trial {
        let live = state.entries().into_iter().collect();
        Trial { state, live }
    }

    fn perform(&mut self, write: &Write, dot: Dot) {
        let mut inbox = Inbox::default();
        for gone in &write.removes {
            let content = self.live.remove(gone);
            inbox.went.extend(content.map(|content| Support { dot: Some(*gone), content }));
        }
        if let Some(content) = &write.content {
            self.live.insert(dot, content.clone());
            inbox.came.push(Support { dot: Some(dot), content: content.clone() });
        }
        self.state.apply(&mut inbox, false);
    }
}

/// Writes so far, and under which provisional dots those are that were tried out.
pub(super) struct Several {
    replica: ReplicaIndex,
    /// The greatest provisional number, below those of the updates that this one is a part of.
    last: u64,
    writes: Vec<Write>,
    tried: BTreeMap<Dot, usize>,
}

impl Several {
    pub(super) fn new(author: &Author) -> Several {
        // The last ones of this replica, which no event ever has.
        let last = Dot::SEQUENCE_MAX.saturating_sub(u64::from(author.part_of) << 32);
        Several { replica: author.replica, last, writes: Vec::new(), tried: BTreeMap::new() }
    }

    /// Adds an effect that no other one can meet.
    pub(super) fn add(&mut self, effect: Effect) {
        self.writes.extend(effect.writes);
    }

    /// Adds an effect, and has it happen in a copy of the state; `wrap` is put around its contents outside of it.
    pub(super) fn try_out(&mut self, effect: Effect, trial: &mut Trial, wrap: impl Fn(Content) -> Content) {
        for mut write in effect.writes {
            let at = self.writes.len();
            let Some(dot) = Dot::new(self.replica, self.last.saturating_sub(at as u64)) else { continue };
            trial.perform(&write, dot);
            self.forget(&mut write);
            write.content = write.content.map(&wrap);
            self.tried.insert(dot, at);
            self.writes.push(write);
        }
    }

    /// Cancels the earlier writes that this one takes out.
    fn forget(&mut self, write: &mut Write) {
        let mut removes = Vec::with_capacity(write.removes.len());
        for dot in write.removes.drain(..) {
            match self.tried.get(&dot).and_then(|at| self.writes.get_mut(*at)) {
                Some(earlier) => removes.append(&mut std::mem::take(earlier).removes),
                None => removes.push(dot),
            }
        }
        removes.sort_unstable();
        write.removes = removes;
    }

    /// What is left of them.
    pub(super) fn effect(self) -> Effect {
        let nothing = Write::default();
        Effect { writes: self.writes.into_iter().filter(|write| *write != nothing).collect() }
    }
}
