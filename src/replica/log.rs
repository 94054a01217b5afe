//! The events applied last, for peers that lack only a little. Bounded; what it lacks is told by entries instead.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::lattice::dot::ReplicaIndex;
use crate::lattice::vector::VersionVector;
use crate::replica::state::Event;

/// By what part of itself the log grows when it is full, and by how many events besides.
const GROWS_BY: usize = 4;
const GROWS_MIN: usize = 4;

/// Events in the order of their application, which every node can follow.
#[derive(Default)]
pub(crate) struct Log {
    events: VecDeque<Event>,
    bytes: usize,
    /// The lanes that have events in the log.
    lanes: FxHashMap<ReplicaIndex, Kept>,
}

/// What is here of a lane.
struct Kept {
    /// All events above it, up to the node's vector, are in the log.
    floor: u64,
    /// How many events there are, older ones included.
    count: usize,
}

impl Log {
    /// Whether there are no more than so many events, and nothing of other lanes than theirs.
    #[cfg(test)]
    pub(crate) fn is_within(&self, most: usize) -> bool {
        self.events.len() <= most && self.lanes.len() <= most
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.bytes += event.bytes as usize;
        let before = event.dot.sequence() - 1;
        self.lanes.entry(event.dot.replica()).or_insert(Kept { floor: before, count: 0 }).count += 1;
        if self.events.len() == self.events.capacity() {
            // It is a third of what a node takes, so there is little room to spare.
            self.events.reserve_exact(self.events.len() / GROWS_BY + GROWS_MIN);
        }
        self.events.push_back(event);
    }

    /// The node's vector went to `sequence` without the events in between.
    pub(crate) fn skip_to(&mut self, replica: ReplicaIndex, sequence: u64) {
        if let Some(kept) = self.lanes.get_mut(&replica) {
            kept.floor = sequence;
        }
    }

    /// Forgets all events of some lanes, of which nothing is covered any longer.
    pub(crate) fn forget(&mut self, gone: impl Fn(ReplicaIndex) -> bool) {
        self.events.retain(|event| !gone(event.dot.replica()));
        self.bytes = self.events.iter().map(|event| event.bytes as usize).sum();
        self.lanes.retain(|lane, _| !gone(*lane));
    }

    /// Forgets the oldest events until the bounds are kept, but none that `keep` holds back.
    pub(crate) fn trim(&mut self, events_max: usize, bytes_max: usize, keep: impl Fn(&Event) -> bool) {
        while self.events.len() > events_max || self.bytes > bytes_max {
            if self.events.front().is_none_or(&keep) {
                return;
            }
            if let Some(event) = self.events.pop_front() {
                self.bytes -= event.bytes as usize;
                self.popped(event.dot.replica(), event.dot.sequence());
            }
        }
    }

    fn popped(&mut self, replica: ReplicaIndex, sequence: u64) {
        let Some(kept) = self.lanes.get_mut(&replica) else { return };
        kept.floor = kept.floor.max(sequence);
        kept.count -= 1;
        if kept.count == 0 {
            // Lanes of which nothing is here cost nothing here.
            self.lanes.remove(&replica);
        }
    }

    /// The newest `count` events of `replica` above `above`, oldest first.
    pub(crate) fn tail_of(&self, replica: ReplicaIndex, above: u64) -> Vec<&Event> {
        let mut tail: Vec<&Event> = self
            .events
            .iter()
            .rev()
            .filter(|event| event.dot.replica() == replica)
            .take_while(|event| event.dot.sequence() > above)
            .collect();
        tail.reverse();
        tail
    }

    /// All events between `from` and `to`, in an order in which they can be applied; `None` when some are no longer here
    /// or they take more than `bytes_max`.
    pub(crate) fn between(&self, from: &VersionVector, to: &VersionVector, bytes_max: usize) -> Option<Vec<&Event>> {
        let mut missing = 0u64;
        for (replica, sequence) in to.iter() {
            let has = from.get(replica);
            if has < sequence {
                if self.lanes.get(&replica).is_none_or(|kept| has < kept.floor) {
                    return None;
                }
                missing += sequence - has;
            }
        }
        let (mut found, mut bytes) = (Vec::new(), 0);
        for event in self.events.iter().rev() {
            if found.len() as u64 == missing {
                break;
            }
            if !from.covers(event.dot) && to.covers(event.dot) {
                bytes += event.bytes as usize;
                if bytes > bytes_max {
                    return None;
                }
                found.push(event);
            }
        }
        found.reverse();
        (found.len() as u64 == missing).then_some(found)
    }
}
