//! What a replica has to remember to be itself again, as changes: while a journal is kept, it notes which dots became live or
//! stopped being live and which heights grew, and tells what that comes to when it is asked. Costs nothing otherwise.
//!
//! Records name everything by what is the same on all nodes and in every process, never by this node's numbers.

use std::collections::BTreeSet;

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::replica::Replica;
use crate::replica::VariableKey;
use crate::replica::state::Entry;
use crate::value::content::Content;

/// Which update, in words that every process understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The incarnation that made it.
    pub replica: ReplicaId,
    /// The topic whose updates are counted, and the period, as [`Lane::word`] has them; 0 for none.
    pub topic: u128,
    /// Which of that incarnation's updates in that topic it is, from 1.
    pub sequence: u64,
}

/// A change of what is remembered. Later records of a place replace earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An entry is live.
    Entry {
        /// The update that made it.
        place: Place,
        /// The variable.
        key: VariableKey,
        /// The derivation whose slot it belongs to; `None` for a base entry.
        slot: Option<u128>,
        /// The entry.
        content: Content,
    },
    /// An entry is live no more.
    Gone(Place),
    /// All updates up to this one are covered; none for number 0, where a topic was given up.
    Height(Place),
}

/// Why records are not what a replica once told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A sequence number out of bounds, or a replica too many.
    #[error("an update has a number that no update can have")]
    Number,
    /// An entry that its variable cannot hold.
    #[error("a value does not fit its variable's type")]
    Unfit,
    /// An entry above what is covered.
    #[error("an entry stands above what is known to be complete")]
    Uncovered,
}

/// What has changed since it was asked last.
#[derive(Default)]
pub(crate) struct Journal {
    dots: Vec<Dot>,
    heights: BTreeSet<ReplicaIndex>,
}

impl Journal {
    /// An entry came or went.
    pub(crate) fn touch(&mut self, dot: Dot) {
        self.dots.push(dot);
    }

    /// The vector rose.
    pub(crate) fn rise(&mut self, replica: ReplicaIndex) {
        self.heights.insert(replica);
    }
}

impl Replica {
    /// From now on notes what changes, for [`Replica::take_journal`].
    pub fn keep_journal(&mut self) {
        self.state.journal.get_or_insert_default();
    }

    /// What has changed since this was asked last, as it is now. Nothing that an open transaction has written is in it.
    pub fn take_journal(&mut self) -> Vec<Record> {
        let Some(journal) = &mut self.state.journal else { return Vec::new() };
        let Journal { mut dots, heights } = std::mem::take(journal);
        dots.sort_unstable();
        dots.dedup();
        let mut records = Vec::with_capacity(dots.len() + heights.len());
        for dot in dots {
            let place = self.place(dot.replica(), dot.sequence());
            let entry = self.state.store.get(dot);
            let record = entry.and_then(|entry| self.entry_record(place, entry));
            records.push(record.unwrap_or(Record::Gone(place)));
        }
        for replica in heights {
            records.push(Record::Height(self.place(replica, self.state.vector().get(replica))));
        }
        records
    }

    /// Everything that there is to remember.
    pub fn whole_journal(&self) -> impl Iterator<Item = Record> {
        let heights = self.state.vector().iter().map(|(replica, sequence)| self.place(replica, sequence));
        let entries = self.state.store.iter();
        let entries =
            entries.filter_map(|(dot, entry)| self.entry_record(self.place(dot.replica(), dot.sequence()), entry));
        heights.map(Record::Height).chain(entries)
    }

    fn place(&self, replica: ReplicaIndex, sequence: u64) -> Place {
        let lane = self.state.replicas.lane(replica);
        Place { replica: lane.replica, topic: lane.word(), sequence }
    }

    fn entry_record(&self, place: Place, entry: &Entry) -> Option<Record> {
        let key = self.state.keys.get(entry.key)?.clone();
        Some(Record::Entry { place, key, slot: self.state.slots.identity(entry.slot), content: entry.content.clone() })
    }

    /// Has a replica that has just been made remember what an earlier incarnation of its node told by its journal, of each
    /// place what was told last. From then on it knows what that node has made, and tells by
    /// [`Out::Elsewhere`](crate::replica::Out) when a peer knows more.
    ///
    /// # Errors
    /// When that cannot be; the replica is of no use then.
    pub fn restore(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), Damage> {
        for record in records {
            self.remember(record)?;
        }
        if self.state.store.iter().any(|(dot, _)| !self.state.vector().covers(dot)) {
            return Err(Damage::Uncovered);
        }
        self.remembers = true;
        Ok(())
    }

    fn remember(&mut self, record: Record) -> Result<(), Damage> {
        match record {
            Record::Entry { place, key, slot, content } => {
                let dot = self.remembered(place)?;
                if !content.fits(&key.kind) {
                    return Err(Damage::Unfit);
                }
                let topic = self.state.replicas.topic(dot.replica());
                let (key, slot) = (self.state.keys.intern(&key, topic), self.state.slots.intern(slot));
                self.state.remember(dot, Entry { content, key, slot });
            }
            Record::Gone(place) => {
                let dot = self.remembered(place)?;
                self.state.take_out(dot);
            }
            Record::Height(place) if place.sequence == 0 => {
                let lane = self.remembered_lane(place)?;
                self.state.uncover(lane);
            }
            Record::Height(place) => {
                let dot = self.remembered(place)?;
                self.state.cover(dot);
            }
        }
        Ok(())
    }

    fn remembered_lane(&mut self, place: Place) -> Result<ReplicaIndex, Damage> {
        let lane = Lane::of_word(place.topic, place.replica).ok_or(Damage::Number)?;
        self.state.replicas.intern(lane).ok_or(Damage::Number)
    }

    fn remembered(&mut self, place: Place) -> Result<Dot, Damage> {
        Dot::new(self.remembered_lane(place)?, place.sequence).ok_or(Damage::Number)
    }
}
