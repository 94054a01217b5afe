//! What a simulated node has on its disk: of each thing that its journals told, what was told last.
//!
//! A node commits what a turn has changed before anything of that turn is sent, printed or started, as the real store does.
//! So what it finds there after a crash is what it had given out, and never half of a turn.

use std::collections::BTreeMap;

use crate::effects;
use crate::effects::Put;
use crate::lattice::dot::NodeTag;
use crate::lattice::dot::ReplicaId;
use crate::node::Record;
use crate::replica::Place;
use crate::replica::Record as Replicated;
use crate::replica::VariableKey;
use crate::value::term::Term;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    rows: BTreeMap<Row, Record>,
    /// What it knows of effects.
    effects: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The nodes whose disk it was, one after the other. It is the only copy.
    pub(crate) lives: Vec<ReplicaId>,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Height(ReplicaId, u128),
    Entry(Place),
    Missed(Place, VariableKey),
    Interest,
    Kept(Place),
    Own(u64),
    Before(NodeTag),
    Once(Term),
}

impl Disk {
    pub(crate) fn commit(&mut self, journal: Vec<Record>) {
        for record in journal {
            let row = match &record {
                Record::Replica(Replicated::Height(place)) => Row::Height(place.replica, place.topic),
                Record::Replica(Replicated::Entry { place, .. } | Replicated::Gone(place)) => Row::Entry(*place),
                Record::Replica(Replicated::Missed { place, key, .. }) => Row::Missed(*place, key.clone()),
                Record::Replica(Replicated::Interest { .. }) => Row::Interest,
                Record::Replica(Replicated::Kept(update)) => Row::Kept(update.place),
                Record::Replica(Replicated::Delivered(place)) => Row::Kept(*place),
                Record::Own { sequence, .. } | Record::OwnGone { sequence } => Row::Own(*sequence),
                Record::Before { node } => Row::Before(*node),
                Record::Once { key } => Row::Once(key.clone()),
            };
            let gone = match &record {
                Record::Replica(Replicated::Missed { missed, .. }) => !missed,
                Record::Replica(Replicated::Gone(_) | Replicated::Delivered(_)) | Record::OwnGone { .. } => true,
                _ => false,
            };
            if gone {
                self.rows.remove(&row);
            } else {
                self.rows.insert(row, record);
            }
        }
    }

    pub(crate) fn put(&mut self, puts: Vec<Put>) {
        for Put { key, value } in puts {
            match value {
                Some(value) => drop(self.effects.insert(key, value)),
                None => drop(self.effects.remove(&key)),
            }
        }
    }

    pub(crate) fn effects(&self) -> Vec<effects::Row> {
        self.effects.clone().into_iter().collect()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.rows.values().cloned()
    }
}
