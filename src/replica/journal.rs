//! What a replica has to remember to be itself again, as changes: while a journal is kept, it notes which dots became live or
//! stopped being live and which heights grew, and tells what that comes to when it is asked. Costs nothing otherwise.
//!
//! Records name everything by what is the same on all nodes and in every process, never by this node's numbers.

use std::collections::BTreeSet;

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::replica::KeyIndex;
use crate::replica::Replica;
use crate::replica::VariableKey;
use crate::replica::group;
use crate::replica::state::Entry;
use crate::replica::state::Event;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::term::Term;

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
    /// What this update made was taken back before it came, as an entry of this variable; it has not come so far.
    Missed {
        /// The update.
        place: Place,
        /// The variable.
        key: VariableKey,
        /// Whether that is so, or is so no more.
        missed: bool,
    },
    /// Which topics the node takes: these alone, or all but these.
    Interest {
        /// Which of the two.
        only: bool,
        /// The topics.
        topics: Vec<TopicId>,
    },
    /// An update of this node's own is kept until a server has it, and for a while after that.
    Kept(KeptUpdate),
    /// It is kept no more.
    Delivered(Place),
    /// All updates up to this one are covered; none for number 0, where a topic was given up.
    Height(Place),
}

/// An update of this node's own that is kept until a server has it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptUpdate {
    /// Which one it is.
    pub place: Place,
    /// Its variable.
    pub key: VariableKey,
    /// What it adds, if anything, and the derivation whose slot that is in.
    pub adds: Option<(Option<u128>, Content)>,
    /// What it takes back.
    pub removes: Vec<Place>,
    /// How many of the next updates belong to the same transaction.
    pub following: u32,
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
    missed: BTreeSet<(Dot, KeyIndex)>,
    kept: BTreeSet<Dot>,
    interest: bool,
}

impl Journal {
    /// An entry came or went.
    pub(crate) fn touch(&mut self, dot: Dot) {
        self.dots.push(dot);
    }

    /// What an update made is missed, or is not any longer.
    pub(crate) fn miss(&mut self, dot: Dot, key: KeyIndex) {
        self.missed.insert((dot, key));
    }

    /// An update of this node's own is to be kept, or need not be any longer.
    pub(crate) fn keep(&mut self, dot: Dot) {
        self.kept.insert(dot);
    }

    /// The node takes other topics now.
    pub(crate) fn interest(&mut self) {
        self.interest = true;
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
        let Journal { mut dots, heights, missed, kept, interest } = std::mem::take(journal);
        dots.sort_unstable();
        dots.dedup();
        let mut records = Vec::with_capacity(dots.len() + heights.len());
        for dot in dots {
            let place = self.place(dot.replica(), dot.sequence());
            let entry = self.state.store.get(dot);
            let record = entry.and_then(|entry| self.entry_record(place, entry));
            records.push(record.unwrap_or(Record::Gone(place)));
        }
        records.extend(interest.then(|| self.interest_record()));
        records.extend(missed.into_iter().filter_map(|(dot, key)| self.missed_record(dot, key)));
        records.extend(kept.into_iter().map(|dot| match self.outbox.find(dot) {
            Some(event) => self.kept_record(event),
            None => Record::Delivered(self.place(dot.replica(), dot.sequence())),
        }));
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
        let missed = self.state.missed().filter_map(|(dot, key)| self.missed_record(dot, key));
        let kept = self.outbox.all().map(|event| self.kept_record(event));
        let interest = (self.interest_version > 0).then(|| self.interest_record());
        heights.map(Record::Height).chain(entries).chain(missed).chain(kept).chain(interest)
    }

    fn kept_record(&self, event: &Event) -> Record {
        let place = |dot: Dot| self.place(dot.replica(), dot.sequence());
        let adds = event.adds.as_ref().map(|(slot, content)| (self.state.slots.identity(*slot), content.clone()));
        // Every event is of a variable that is known.
        let nobody = || VariableKey { name: Name::Given(Term::Nil), kind: Type::Set };
        let key = self.state.keys.get(event.key).cloned().unwrap_or_else(nobody);
        let removes = event.removes.iter().copied().map(place).collect();
        Record::Kept(KeptUpdate { place: place(event.dot), key, adds, removes, following: event.following })
    }

    fn missed_record(&self, dot: Dot, key: KeyIndex) -> Option<Record> {
        let place = self.place(dot.replica(), dot.sequence());
        let missed = self.state.missed.contains(&(dot, key));
        Some(Record::Missed { place, key: self.state.keys.get(key)?.clone(), missed })
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
        let lanes = self.state.vector().iter().map(|(lane, _)| lane);
        self.remembered =
            lanes.filter(|lane| self.state.replicas.lane(*lane).replica.node() == self.me.node()).collect();
        self.note_remembered_types();
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
            Record::Missed { place, key, missed } => {
                let dot = self.remembered(place)?;
                let key = self.state.keys.intern(&key, self.state.replicas.topic(dot.replica()));
                self.state.note_missed(dot, key, missed);
            }
            // So the data of topics that the program is going to ask for is not given up at its first question.
            Record::Interest { only, topics } => self.remember_interest(only, topics),
            Record::Kept(update) => {
                let event = self.kept_event(update)?;
                self.outbox.push(event, None);
            }
            Record::Delivered(place) => {
                let dot = self.remembered(place)?;
                self.outbox.forget_until(dot);
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

    fn kept_event(&mut self, update: KeptUpdate) -> Result<Event, Damage> {
        let dot = self.remembered(update.place)?;
        let removes =
            update.removes.into_iter().map(|place| self.remembered(place)).collect::<Result<Box<[Dot]>, _>>()?;
        if update.adds.as_ref().is_some_and(|(_, content)| !content.fits(&update.key.kind)) {
            return Err(Damage::Unfit);
        }
        let key = self.state.keys.intern(&update.key, self.state.replicas.topic(dot.replica()));
        let adds = update.adds.map(|(slot, content)| (self.state.slots.intern(slot), content));
        let bytes = group::event_bytes(adds.as_ref().map(|(_, content)| content), removes.len());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Ok(Event { dot, key, adds, removes, bytes, following: update.following })
    }

    fn remembered_lane(&mut self, place: Place) -> Result<ReplicaIndex, Damage> {
        let lane = Lane::of_word(place.topic, place.replica).ok_or(Damage::Number)?;
        self.state.replicas.intern(lane).ok_or(Damage::Number)
    }

    fn remembered(&mut self, place: Place) -> Result<Dot, Damage> {
        Dot::new(self.remembered_lane(place)?, place.sequence).ok_or(Damage::Number)
    }
}
