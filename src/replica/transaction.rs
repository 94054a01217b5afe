//! Transactions of this node: updates that are recorded together, or not at all.
//!
//! While one is open, writes get the dots that they will have but are kept apart: entries, vector and log are as they were,
//! nothing can be sent, and giving up costs nothing but forgetting. When it is recorded its events are marked as belonging
//! together, and from then on every node applies, holds and passes on all of them or none: they travel in one run of one
//! message (`group`), are received as one update (`state`), and a snapshot's vector never stands between them.

use rustc_hash::FxHashSet;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::replica::KeyIndex;
use crate::replica::Limit;
use crate::replica::Replica;
use crate::replica::group;
use crate::replica::message::REMOVES_MAX;
use crate::replica::names::SlotTag;
use crate::replica::state::Event;
use crate::replica::wire;
use crate::value::content::Content;

/// What an open transaction has written.
#[derive(Default)]
pub(crate) struct Staged {
    /// Their dots are successive.
    events: Vec<Event>,
    /// What they take in a message, tables included.
    bytes: usize,
    /// What the tables have.
    keys: FxHashSet<KeyIndex>,
    replicas: FxHashSet<ReplicaIndex>,
    slots: FxHashSet<SlotTag>,
}

impl Staged {
    /// How many events there are.
    pub(crate) fn events(&self) -> u64 {
        self.events.len() as u64
    }

    /// The variable of the first event.
    pub(crate) fn key(&self) -> Option<KeyIndex> {
        self.events.first().map(|event| event.key)
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The event of a dot.
    pub(crate) fn event(&self, dot: Dot) -> Option<&Event> {
        let first = self.events.first()?.dot;
        let place = dot.sequence().checked_sub(first.sequence()).filter(|_| dot.replica() == first.replica())?;
        self.events.get(usize::try_from(place).ok()?)
    }
}

impl Replica {
    /// Begins a transaction: what is written from now on is recorded by [`Replica::commit`] or forgotten by
    /// [`Replica::abort`]. Nothing may be handed to the replica from outside meanwhile.
    pub fn begin(&mut self) {
        self.staged = Some(Staged::default());
    }

    /// Records what the transaction has written. Nothing else has been written since it began.
    pub fn commit(&mut self) {
        let events = self.staged.take().unwrap_or_default().events;
        let mut following = u32::try_from(events.len()).unwrap_or(u32::MAX);
        for event in events {
            following = following.saturating_sub(1);
            self.record_event(Event { following, ..event });
        }
    }

    /// Forgets what the transaction has written; its dots will be those of other updates.
    pub fn abort(&mut self) {
        self.staged = None;
    }

    /// Whether the open transaction, if there is one, has room for one more write.
    pub(crate) fn stages(
        &mut self,
        key: KeyIndex,
        slot: SlotTag,
        content: Option<&Content>,
        removes: &[Dot],
    ) -> Result<(), Limit> {
        let Some(staged) = &mut self.staged else { return Ok(()) };
        let split = group::event_bytes(None, 0) * (removes.len() / REMOVES_MAX);
        let mut bytes = group::event_bytes(content, removes.len()) + split;
        if staged.keys.insert(key) {
            bytes += self.state.keys.get(key).map_or(0, |key| wire::size(&group::key_term(key)));
        }
        for replica in removes.iter().map(|dot| dot.replica()) {
            bytes += if staged.replicas.insert(replica) { group::TABLE_ENTRY_BYTES } else { 0 };
        }
        bytes += if staged.slots.insert(slot) { group::TABLE_ENTRY_BYTES } else { 0 };
        let most = self.limits.transaction_bytes_max;
        if staged.bytes + bytes > most {
            return Err(Limit::Transaction { most });
        }
        staged.bytes += bytes;
        Ok(())
    }
}
