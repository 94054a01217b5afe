//! Records to rows, and back.

use std::collections::BTreeMap;
use std::path::Path;

use redb::Database;
use redb::ReadTransaction;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::ReadableTableMetadata;
use redb::Table;
use redb::WriteTransaction;
use rustc_hash::FxHashMap;
use triomphe::Arc;

use crate::lattice::dot::NodeTag;
use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::TopicId;
use crate::node::Record;
use crate::replica;
use crate::replica::KeptUpdate;
use crate::replica::Place;
use crate::replica::VariableKey;
use crate::store::StoreError;
use crate::store::Summary;
use crate::store::folder;
use crate::store::tables::BEFORE;
use crate::store::tables::EFFECTS;
use crate::store::tables::ENTRIES;
use crate::store::tables::HEIGHTS;
use crate::store::tables::KEPT;
use crate::store::tables::LANES;
use crate::store::tables::META;
use crate::store::tables::MISSED;
use crate::store::tables::ONCE;
use crate::store::tables::OWN;
use crate::store::tables::SLOTS;
use crate::store::tables::VARIABLES;
use crate::value::codec;
use crate::value::content::Content;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// A row of what is kept until a server has it: variable, slot and content, what is taken back, how many belong to it.
type KeptRow = (u32, Option<(u32, Content)>, Vec<(u32, u64)>, u32);

/// The file's numbers for what is long and repeated.
#[derive(Default)]
pub(super) struct Names {
    lanes: BTreeMap<(ReplicaId, u128), u32>,
    variables: FxHashMap<Arc<Reference>, u32>,
    slots: BTreeMap<u128, u32>,
}

impl Names {
    pub(super) fn read(database: &Database, folder: &Path) -> Result<Names, StoreError> {
        let tables = Numbers::read(database, folder)?;
        let mut names = Names::default();
        names.lanes.extend(tables.lanes.into_iter().map(|(number, lane)| (lane, number)));
        names.variables.extend(tables.variables.into_iter().map(|(number, variable)| (variable, number)));
        names.slots.extend(tables.slots.into_iter().map(|(number, slot)| (slot, number)));
        Ok(names)
    }
}

fn next(taken: usize) -> u32 {
    u32::try_from(taken).unwrap_or(u32::MAX)
}

/// The tables of a transaction that writes, open.
struct Open<'a> {
    lanes: Table<'a, u32, &'static [u8]>,
    variables: Table<'a, u32, &'static [u8]>,
    slots: Table<'a, u32, u128>,
}

impl Open<'_> {
    fn lane(&mut self, names: &mut Names, place: &Place) -> Result<u32, redb::Error> {
        let lane = (place.replica, place.topic);
        if let Some(&known) = names.lanes.get(&lane) {
            return Ok(known);
        }
        let number = next(names.lanes.len());
        let bytes = [lane.0.0.to_le_bytes(), lane.1.to_le_bytes()].concat();
        // Most have no topic, and there may be very many.
        let bytes = if lane.1 == 0 { &bytes[..size_of::<ReplicaId>()] } else { &bytes[..] };
        self.lanes.insert(number, bytes)?;
        names.lanes.insert(lane, number);
        Ok(number)
    }

    fn variable(&mut self, names: &mut Names, variable: &Arc<Reference>) -> Result<u32, redb::Error> {
        if let Some(&known) = names.variables.get(variable) {
            return Ok(known);
        }
        let number = next(names.variables.len());
        self.variables.insert(number, codec::encode(&Term::Ref(variable.clone())).as_slice())?;
        names.variables.insert(variable.clone(), number);
        Ok(number)
    }

    fn slot(&mut self, names: &mut Names, slot: Option<u128>) -> Result<u32, redb::Error> {
        let Some(slot) = slot else { return Ok(0) };
        if let Some(&known) = names.slots.get(&slot) {
            return Ok(known);
        }
        let number = next(names.slots.len() + 1);
        self.slots.insert(number, slot)?;
        names.slots.insert(slot, number);
        Ok(number)
    }
}

impl Open<'_> {
    fn variable_of(&mut self, names: &mut Names, key: &VariableKey) -> Result<u32, redb::Error> {
        self.variable(names, &Arc::new(reference(key)))
    }

    fn kept(&mut self, names: &mut Names, update: &KeptUpdate) -> Result<KeptRow, redb::Error> {
        let variable = self.variable(names, &Arc::new(reference(&update.key)))?;
        let adds = match &update.adds {
            Some((slot, content)) => Some((self.slot(names, *slot)?, content.clone())),
            None => None,
        };
        let removes = update.removes.iter().map(|place| Ok((self.lane(names, place)?, place.sequence)));
        Ok((variable, adds, removes.collect::<Result<_, redb::Error>>()?, update.following))
    }
}

/// Writes records.
pub(super) fn put(transaction: &WriteTransaction, names: &mut Names, records: &[Record]) -> Result<(), redb::Error> {
    let mut open = Open {
        lanes: transaction.open_table(LANES)?,
        variables: transaction.open_table(VARIABLES)?,
        slots: transaction.open_table(SLOTS)?,
    };
    let mut heights = transaction.open_table(HEIGHTS)?;
    let mut entries = transaction.open_table(ENTRIES)?;
    let mut kept = transaction.open_table(KEPT)?;
    let mut missed = transaction.open_table(MISSED)?;
    let mut own = transaction.open_table(OWN)?;
    let mut once = transaction.open_table(ONCE)?;
    let mut before = transaction.open_table(BEFORE)?;
    let mut bytes = Vec::new();
    // Most entries of a turn are of one variable.
    let mut last: Option<(VariableKey, u32)> = None;
    for record in records {
        match record {
            Record::Replica(replica::Record::Entry { place, key, slot, content }) => {
                let variable = match &last {
                    Some((known, number)) if known == key => *number,
                    _ => {
                        let number = open.variable(names, &Arc::new(reference(key)))?;
                        last = Some((key.clone(), number));
                        number
                    }
                };
                let slot = open.slot(names, *slot)?;
                bytes = encode(bytes, &(variable, slot, content));
                entries.insert((open.lane(names, place)?, place.sequence), bytes.as_slice())?;
            }
            Record::Replica(replica::Record::Gone(place)) => {
                entries.remove((open.lane(names, place)?, place.sequence))?;
            }
            Record::Replica(replica::Record::Interest { only, topics }) => {
                let topics: Vec<u128> = topics.iter().map(|topic| topic.0).collect();
                bytes = encode(bytes, &(*only, topics));
                transaction.open_table(META)?.insert("interest", bytes.as_slice())?;
            }
            Record::Replica(replica::Record::Kept(update)) => {
                bytes = encode(bytes, &open.kept(names, update)?);
                kept.insert((open.lane(names, &update.place)?, update.place.sequence), bytes.as_slice())?;
            }
            Record::Replica(replica::Record::Delivered(place)) => {
                kept.remove((open.lane(names, place)?, place.sequence))?;
            }
            Record::Replica(replica::Record::Missed { place, key, missed: true }) => {
                missed.insert((open.lane(names, place)?, place.sequence, open.variable_of(names, key)?), ())?;
            }
            Record::Replica(replica::Record::Missed { place, key, missed: false }) => {
                missed.remove((open.lane(names, place)?, place.sequence, open.variable_of(names, key)?))?;
            }
            Record::Replica(replica::Record::Height(place)) => {
                let lane = open.lane(names, place)?;
                match place.sequence {
                    0 => drop(heights.remove(lane)?),
                    sequence => drop(heights.insert(lane, sequence)?),
                }
            }
            Record::Own { sequence, variable, content } => {
                bytes = encode(bytes, &(open.variable(names, variable)?, content));
                own.insert(sequence, bytes.as_slice())?;
            }
            Record::OwnGone { sequence } => drop(own.remove(sequence)?),
            Record::Before { node } => drop(before.insert(node.0, ())?),
            Record::Once { key } => drop(once.insert(codec::encode(key).as_slice(), ())?),
        }
    }
    Ok(())
}

fn encode<T: serde::Serialize>(mut bytes: Vec<u8>, value: &T) -> Vec<u8> {
    bytes.clear();
    // Writing to memory fails only for a sequence of unknown length, and there is none.
    postcard::to_extend(value, bytes).unwrap_or_default()
}

fn reference(key: &VariableKey) -> Reference {
    Reference { name: key.name.clone(), kind: key.kind.clone(), dynamic: false }
}

/// What the file's numbers stand for.
struct Numbers {
    lanes: FxHashMap<u32, (ReplicaId, u128)>,
    variables: FxHashMap<u32, Arc<Reference>>,
    slots: FxHashMap<u32, u128>,
}

/// Why a row is no row.
enum Bad {
    Engine(redb::Error),
    Row(&'static str),
}

impl<E: Into<redb::Error>> From<E> for Bad {
    fn from(error: E) -> Bad {
        Bad::Engine(error.into())
    }
}

impl Bad {
    fn in_folder(self, folder: &Path) -> StoreError {
        match self {
            Bad::Engine(error) => StoreError::of(folder, error),
            Bad::Row(why) => StoreError::damaged(folder, why),
        }
    }
}

impl Numbers {
    fn read(database: &Database, folder: &Path) -> Result<Numbers, StoreError> {
        let read = || Numbers::read_in(&database.begin_read()?);
        read().map_err(|bad: Bad| bad.in_folder(folder))
    }

    fn read_in(transaction: &ReadTransaction) -> Result<Numbers, Bad> {
        let mut numbers =
            Numbers { lanes: FxHashMap::default(), variables: FxHashMap::default(), slots: FxHashMap::default() };
        for row in transaction.open_table(LANES)?.iter()? {
            let (number, bytes) = row?;
            let halves = bytes.value().split_first_chunk::<16>();
            let topic = |bytes: &[u8]| if bytes.is_empty() { Some([0; 16]) } else { bytes.try_into().ok() };
            let lane = halves.and_then(|(replica, rest)| Some((*replica, topic(rest)?)));
            let (replica, topic) = lane.ok_or(Bad::Row("a lane is damaged"))?;
            let lane = (ReplicaId(u128::from_le_bytes(replica)), u128::from_le_bytes(topic));
            numbers.lanes.insert(number.value(), lane);
        }
        for row in transaction.open_table(VARIABLES)?.iter()? {
            let (number, bytes) = row?;
            let Ok(Term::Ref(variable)) = codec::decode(bytes.value()) else {
                return Err(Bad::Row("a variable's name is damaged"));
            };
            numbers.variables.insert(number.value(), variable);
        }
        for row in transaction.open_table(SLOTS)?.iter()? {
            let (number, slot) = row?;
            numbers.slots.insert(number.value(), slot.value());
        }
        Ok(numbers)
    }

    fn place(&self, lane: u32, sequence: u64) -> Result<Place, Bad> {
        let &(replica, topic) = self.lanes.get(&lane).ok_or(Bad::Row("an entry is nobody's"))?;
        Ok(Place { replica, topic, sequence })
    }

    fn variable(&self, number: u32) -> Result<&Arc<Reference>, Bad> {
        self.variables.get(&number).ok_or(Bad::Row("an entry is of no variable"))
    }

    fn slot(&self, number: u32) -> Result<Option<u128>, Bad> {
        match number {
            0 => Ok(None),
            number => Ok(Some(*self.slots.get(&number).ok_or(Bad::Row("an entry is of no derivation"))?)),
        }
    }

    fn kept(&self, lane: u32, sequence: u64, bytes: &[u8]) -> Result<Record, Bad> {
        let row: Option<KeptRow> = decode(bytes);
        let (variable, adds, removes, following) = row.ok_or(Bad::Row("an update that is kept is damaged"))?;
        let variable = self.variable(variable)?;
        let key = VariableKey { name: variable.name.clone(), kind: variable.kind.clone() };
        let adds = match adds {
            Some((slot, content)) => Some((self.slot(slot)?, content)),
            None => None,
        };
        let removes =
            removes.into_iter().map(|(lane, sequence)| self.place(lane, sequence)).collect::<Result<_, _>>()?;
        let place = self.place(lane, sequence)?;
        Ok(Record::Replica(replica::Record::Kept(KeptUpdate { place, key, adds, removes, following })))
    }

    fn entry(&self, lane: u32, sequence: u64, bytes: &[u8]) -> Result<Record, Bad> {
        let (variable, slot, content): (u32, u32, Content) = decode(bytes).ok_or(Bad::Row("an entry is damaged"))?;
        let variable = self.variable(variable)?;
        let key = VariableKey { name: variable.name.clone(), kind: variable.kind.clone() };
        let (slot, place) = (self.slot(slot)?, self.place(lane, sequence)?);
        Ok(Record::Replica(replica::Record::Entry { place, key, slot, content }))
    }
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::take_from_bytes(bytes).ok().filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

/// Everything that was written.
pub(super) fn records(database: &Database, folder: &Path) -> Result<Vec<Record>, StoreError> {
    let read = || -> Result<Vec<Record>, Bad> {
        let transaction = database.begin_read()?;
        let numbers = Numbers::read_in(&transaction)?;
        let mut records = Vec::new();
        for row in transaction.open_table(HEIGHTS)?.iter()? {
            let (lane, sequence) = row?;
            let place = numbers.place(lane.value(), sequence.value())?;
            records.push(Record::Replica(replica::Record::Height(place)));
        }
        for row in transaction.open_table(ENTRIES)?.iter()? {
            let (at, bytes) = row?;
            let (lane, sequence) = at.value();
            records.push(numbers.entry(lane, sequence, bytes.value())?);
        }
        if let Some(row) = transaction.open_table(META)?.get("interest")? {
            let (only, topics): (bool, Vec<u128>) =
                decode(row.value()).ok_or(Bad::Row("what the node takes is damaged"))?;
            let topics = topics.into_iter().map(TopicId).collect();
            records.push(Record::Replica(replica::Record::Interest { only, topics }));
        }
        for row in transaction.open_table(KEPT)?.iter()? {
            let (at, bytes) = row?;
            let (lane, sequence) = at.value();
            records.push(numbers.kept(lane, sequence, bytes.value())?);
        }
        for row in transaction.open_table(MISSED)?.iter()? {
            let (lane, sequence, variable) = row?.0.value();
            let variable = numbers.variable(variable)?;
            let key = VariableKey { name: variable.name.clone(), kind: variable.kind.clone() };
            let place = numbers.place(lane, sequence)?;
            records.push(Record::Replica(replica::Record::Missed { place, key, missed: true }));
        }
        for row in transaction.open_table(OWN)?.iter()? {
            let (sequence, bytes) = row?;
            let (variable, content): (u32, Content) =
                decode(bytes.value()).ok_or(Bad::Row("an entry of a dynamic variable is damaged"))?;
            let variable = numbers.variable(variable)?.clone();
            records.push(Record::Own { sequence: sequence.value(), variable, content });
        }
        for row in transaction.open_table(ONCE)?.iter()? {
            let key = codec::decode(row?.0.value()).map_err(|_| Bad::Row("a key of `once` is damaged"))?;
            records.push(Record::Once { key });
        }
        for row in transaction.open_table(BEFORE)?.iter()? {
            records.push(Record::Before { node: NodeTag(row?.0.value()) });
        }
        Ok(records)
    };
    read().map_err(|bad| bad.in_folder(folder))
}

/// See [`Store::summary`](crate::store::Store::summary).
pub(super) fn summary(database: &Database, folder: &Path) -> Result<Summary, StoreError> {
    let read = || -> Result<Summary, Bad> {
        let transaction = database.begin_read()?;
        let meta = transaction.open_table(META)?;
        let value =
            |name: &str| -> Result<Option<Vec<u8>>, Bad> { Ok(meta.get(name)?.map(|value| value.value().to_vec())) };
        let format = value("format")?.and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)));
        let node = value("node")?.and_then(|bytes| Some(u128::from_le_bytes(bytes.try_into().ok()?)));
        Ok(Summary {
            format: format.ok_or(Bad::Row("its format has no version"))?,
            node,
            entries: transaction.open_table(ENTRIES)?.len()?,
            variables: transaction.open_table(VARIABLES)?.len()?,
            replicas: transaction.open_table(HEIGHTS)?.len()?,
            own: transaction.open_table(OWN)?.len()?,
            once: transaction.open_table(ONCE)?.len()?,
            effects: transaction.open_table(EFFECTS)?.len()?,
            bytes: folder::bytes(folder),
        })
    };
    read().map_err(|bad| bad.in_folder(folder))
}

/// How many bytes of the file hold something.
pub(super) fn used(database: &Database, folder: &Path) -> Result<u64, StoreError> {
    let read = || -> Result<u64, redb::Error> {
        let transaction = database.begin_write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        Ok(stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes())
    };
    read().map_err(|error| StoreError::of(folder, error))
}
