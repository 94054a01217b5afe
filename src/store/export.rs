//! A consistent copy of a node's data as one file, and a data folder made from it.
//!
//! The copy is of one moment, whatever the node does meanwhile, and has no key in it. The folder that is made from it is that
//! of another node, which can go on in the place of the first: so it can never make an update in the first one's name.
//!
//! What the node had made and no server had is in the copy as all else is, but only the node itself could bring it to a server.
//!
//! The file: a line that says what it is; rows, each a table's number, the lengths of key and value in four bytes each, key and
//! value; a 0, and the BLAKE3 hash of all before it.

use std::fs::File;
use std::io::BufReader;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use redb::Database;
use redb::Key;
use redb::ReadTransaction;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::TableDefinition;
use redb::Value;
use redb::WriteTransaction;

use crate::effects;
use crate::lattice::dot::ReplicaId;
use crate::replica::Replica;
use crate::store::Number;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Summary;
use crate::store::folder;
use crate::store::rows;
use crate::store::tables::BEFORE;
use crate::store::tables::EFFECTS;
use crate::store::tables::ENTRIES;
use crate::store::tables::HEIGHTS;
use crate::store::tables::LANES;
use crate::store::tables::META;
use crate::store::tables::MISSED;
use crate::store::tables::ONCE;
use crate::store::tables::OWN;
use crate::store::tables::SLOTS;
use crate::store::tables::VARIABLES;
use crate::store::write;

const HEAD: &[u8] = b"lasp export 1\n";
/// The number in it.
const FORMAT: u32 = 1;
/// What stands before the key of a row, and what behind the last one.
const ROW_BYTES: u64 = 9;
const END_BYTES: u64 = 33;
/// The most bytes of a key or a value. What a node writes is far below.
const PART_BYTES_MAX: usize = 64 << 20;
const NODE: u8 = 1;
const LANE: u8 = 2;
const VARIABLE: u8 = 3;
const SLOT: u8 = 4;
const HEIGHT: u8 = 5;
const ENTRY: u8 = 6;
const MINE: u8 = 7;
const CALLED: u8 = 8;
const PREDECESSOR: u8 = 9;
const EFFECT: u8 = 10;
const GONE: u8 = 11;
const LEDGER: u8 = 12;

/// Writes a copy of the data as it is now.
pub(super) fn export(database: &Database, folder: &Path, to: &mut dyn Write) -> Result<(), StoreError> {
    let transaction = database.begin_read().map_err(|error| StoreError::of(folder, error.into()))?;
    let mut out = Hashing { inner: to, hasher: blake3::Hasher::new() };
    let copied = copy(&transaction, &mut out).and_then(|()| Ok(out.end()?));
    copied.map_err(|error| match error {
        redb::Error::Io(error) => StoreError::unwritten(folder, &format!("the copy: {error}")),
        other => StoreError::of(folder, other),
    })
}

fn copy(transaction: &ReadTransaction, out: &mut Hashing<'_>) -> Result<(), redb::Error> {
    out.write_all(HEAD)?;
    if let Some(node) = transaction.open_table(META)?.get("node")? {
        out.row(NODE, &[], node.value())?;
    }
    if let Some(ledger) = transaction.open_table(META)?.get(Number::Ledger.name())? {
        out.row(LEDGER, &[], ledger.value())?;
    }
    table(transaction, LANES, LANE, out)?;
    table(transaction, VARIABLES, VARIABLE, out)?;
    table(transaction, SLOTS, SLOT, out)?;
    table(transaction, HEIGHTS, HEIGHT, out)?;
    table(transaction, ENTRIES, ENTRY, out)?;
    table(transaction, MISSED, GONE, out)?;
    table(transaction, OWN, MINE, out)?;
    table(transaction, ONCE, CALLED, out)?;
    table(transaction, BEFORE, PREDECESSOR, out)?;
    for row in transaction.open_table(EFFECTS)?.iter()? {
        let (key, value) = row?;
        if effects::goes_with_a_copy(key.value(), false) {
            out.row(EFFECT, key.value(), value.value())?;
        }
    }
    Ok(())
}

fn table<K: Key + 'static, V: Value + 'static>(
    transaction: &ReadTransaction,
    definition: TableDefinition<'static, K, V>,
    number: u8,
    out: &mut Hashing<'_>,
) -> Result<(), redb::Error> {
    for row in transaction.open_table(definition)?.iter()? {
        let (key, value) = row?;
        let (key, value) = (key.value(), value.value());
        out.row(number, K::as_bytes(&key).as_ref(), V::as_bytes(&value).as_ref())?;
    }
    Ok(())
}

/// Passes bytes on, and knows their hash.
struct Hashing<'a> {
    inner: &'a mut dyn Write,
    hasher: blake3::Hasher,
}

impl Hashing<'_> {
    fn row(&mut self, number: u8, key: &[u8], value: &[u8]) -> std::io::Result<()> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        self.write_all(&[number])?;
        self.write_all(&length(key))?;
        self.write_all(&length(value))?;
        self.write_all(key)?;
        self.write_all(value)
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.write_all(&[0])?;
        let hash = self.hasher.finalize();
        self.inner.write_all(hash.as_bytes())?;
        self.inner.flush()
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// A row of an export: the table's number, key and value.
type Row = (u8, Vec<u8>, Vec<u8>);

/// The rows of an export.
struct Rows<R> {
    inner: R,
    hasher: blake3::Hasher,
}

impl<R: Read> Rows<R> {
    fn begin(inner: R) -> Result<Rows<R>, String> {
        let mut rows = Rows { inner, hasher: blake3::Hasher::new() };
        let mut head = [0; HEAD.len()];
        // What is shorter than that does not begin so either.
        let begun = rows.inner.read_exact(&mut head);
        if let Err(error) = begun.as_ref()
            && error.kind() != ErrorKind::UnexpectedEof
        {
            return Err(error.to_string());
        }
        rows.hasher.update(&head);
        if begun.is_ok() && head == HEAD { Ok(rows) } else { Err("it does not begin as one".into()) }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.inner.read_exact(bytes).map_err(|error| cut(&error))?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn part(&mut self, length: [u8; 4]) -> Result<Vec<u8>, String> {
        let length = u32::from_le_bytes(length) as usize;
        if length > PART_BYTES_MAX {
            return Err("a row is too long".into());
        }
        let mut bytes = vec![0; length];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// The next row; `None` at the end, if all was whole.
    fn next(&mut self) -> Result<Option<Row>, String> {
        let mut number = [0];
        self.read(&mut number)?;
        if number == [0] {
            let mut hash = [0; 32];
            let expected = self.hasher.finalize();
            self.inner.read_exact(&mut hash).map_err(|error| cut(&error))?;
            if expected != hash {
                return Err("it has changed since it was written".into());
            }
            return match self.inner.read(&mut [0]) {
                Ok(0) => Ok(None),
                Ok(_) => Err("something stands behind its end".into()),
                Err(error) => Err(error.to_string()),
            };
        }
        let (mut key, mut value) = ([0; 4], [0; 4]);
        self.read(&mut key)?;
        self.read(&mut value)?;
        Ok(Some((number[0], self.part(key)?, self.part(value)?)))
    }
}

fn cut(error: &std::io::Error) -> String {
    if error.kind() == ErrorKind::UnexpectedEof { "it is cut off".into() } else { error.to_string() }
}

/// Passes an export on, if it is whole.
///
/// # Errors
/// When it is not, or cannot be written; in words.
pub(super) fn pass_on(from: impl Read, to: &mut dyn Write) -> Result<(), String> {
    let mut rows = Rows::begin(from)?;
    let mut out = Hashing { inner: to, hasher: blake3::Hasher::new() };
    let failed = |error: std::io::Error| format!("the copy cannot be written: {error}");
    out.write_all(HEAD).map_err(failed)?;
    while let Some((number, key, value)) = rows.next()? {
        out.row(number, &key, &value).map_err(failed)?;
    }
    out.end().map_err(failed)
}

/// Whether a file begins as an export does.
pub(super) fn is_export(file: &Path) -> bool {
    let mut head = [0; HEAD.len()];
    File::open(file).is_ok_and(|mut file| file.read_exact(&mut head).is_ok()) && head == HEAD
}

/// What an export holds, which is read to its end for that: `-` is standard input. Its format is that of exports.
///
/// # Errors
/// When the file is no whole export.
pub fn survey(file: &Path) -> Result<Summary, StoreError> {
    let unusable = |reason: String| StoreError::NoExport { file: file.to_owned(), reason };
    let mut rows = open(file)?;
    let mut summary = Summary { format: FORMAT, bytes: HEAD.len() as u64 + END_BYTES, ..Summary::default() };
    while let Some((number, key, value)) = rows.next().map_err(unusable)? {
        summary.bytes += ROW_BYTES + (key.len() + value.len()) as u64;
        match number {
            NODE => summary.node = <[u8; 16]>::try_from(value.as_slice()).ok().map(u128::from_le_bytes),
            VARIABLE => summary.variables += 1,
            HEIGHT => summary.replicas += 1,
            ENTRY => summary.entries += 1,
            MINE => summary.own += 1,
            CALLED => summary.once += 1,
            EFFECT => summary.effects += 1,
            _ => {}
        }
    }
    Ok(summary)
}

/// The rows of a file.
fn open(file: &Path) -> Result<Rows<BufReader<Box<dyn Read>>>, StoreError> {
    let unusable = |reason: String| StoreError::NoExport { file: file.to_owned(), reason };
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| unusable(error.to_string()))?)
    };
    Rows::begin(BufReader::new(source)).map_err(unusable)
}

/// Where there is no room for a folder that is imported, no data of a node is in danger: nobody has it so far.
fn no_copy(folder: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unwritten { reason, .. } => StoreError::NotCopied { file: folder.to_owned(), reason },
        error => error,
    }
}

/// Makes a data folder from an export: that of another node, with a key of its own. It goes on in the place of the one that
/// was exported, with the values of its dynamic variables, what `once` had called, and its contributions to `fold_dynamic`;
/// or, with `shared`, has nothing but what was replicated. In either case it knows which effects the cluster has started.
///
/// # Errors
/// When the file is no whole export, or the folder holds data already or cannot be written.
pub fn import(file: &Path, folder: &Path, shared: bool) -> Result<Summary, StoreError> {
    let unusable = |reason: String| StoreError::NoExport { file: file.to_owned(), reason };
    let mut rows = open(file)?;
    let made = !folder.exists();
    let prepared = folder::import(folder).and_then(|opened| Store::open_backend(opened.backend, folder));
    let store = prepared.map_err(|error| no_copy(folder, error))?;
    let mut wrong = None;
    let written = write(&store.database, |transaction| {
        loop {
            match rows.next() {
                Ok(None) => return Ok(()),
                Ok(Some(row)) => {
                    if !put(transaction, &row, shared)? {
                        wrong = Some("a row is damaged".to_owned());
                    }
                }
                Err(why) => wrong = Some(why),
            }
            if wrong.is_some() {
                // Any error undoes the transaction; this one is not shown.
                return Err(redb::Error::TransactionInProgress);
            }
        }
    });
    let checked = match (wrong, written) {
        (Some(why), _) => Err(unusable(why)),
        (None, Err(error)) => Err(StoreError::NotCopied { file: folder.to_owned(), reason: error.to_string() }),
        (None, Ok(())) => sound(&store, file)
            .and_then(|()| folder::finish_import(folder).map_err(|error| no_copy(folder, error)))
            .and_then(|()| store.summary()),
    };
    if checked.is_err() {
        drop(store);
        // It was made just now, and holds nothing of use.
        folder::forget_import(folder);
        if made {
            let _ = std::fs::remove_dir(folder);
        }
    }
    checked
}

/// Whether a node could go on from it.
fn sound(store: &Store, file: &Path) -> Result<(), StoreError> {
    let records = rows::records(&store.database, file)?;
    let replicated = records.into_iter().filter_map(|record| match record {
        crate::node::Record::Replica(record) => Some(record),
        _ => None,
    });
    Replica::new(ReplicaId(0)).restore(replicated).map_err(|why| StoreError::damaged(file, &why.to_string()))
}

/// Puts a row where it belongs; says whether it fits there.
fn put(transaction: &WriteTransaction, (number, key, value): &Row, shared: bool) -> Result<bool, redb::Error> {
    match *number {
        LANE => insert(transaction, LANES, key, value),
        VARIABLE => insert(transaction, VARIABLES, key, value),
        SLOT => insert(transaction, SLOTS, key, value),
        HEIGHT => insert(transaction, HEIGHTS, key, value),
        ENTRY => insert(transaction, ENTRIES, key, value),
        GONE => insert(transaction, MISSED, key, value),
        EFFECT if effects::goes_with_a_copy(key, shared) => insert(transaction, EFFECTS, key, value),
        LEDGER if value.len() == 8 => {
            transaction.open_table(META)?.insert(Number::Ledger.name(), value.as_slice())?;
            Ok(true)
        }
        NODE | MINE | CALLED | PREDECESSOR | EFFECT if shared => Ok(true),
        MINE => insert(transaction, OWN, key, value),
        CALLED => insert(transaction, ONCE, key, value),
        PREDECESSOR => insert(transaction, BEFORE, key, value),
        NODE => {
            let Ok(node) = <[u8; 16]>::try_from(value.as_slice()) else { return Ok(false) };
            let node = ReplicaId(u128::from_le_bytes(node)).node();
            transaction.open_table(BEFORE)?.insert(node.0, ())?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn insert<K: Key + 'static, V: Value + 'static>(
    transaction: &WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    key: &[u8],
    value: &[u8],
) -> Result<bool, redb::Error> {
    let fits = |width: Option<usize>, bytes: &[u8]| width.is_none_or(|width| width == bytes.len());
    if !fits(K::fixed_width(), key) || !fits(V::fixed_width(), value) {
        return Ok(false);
    }
    transaction.open_table(definition)?.insert(K::from_bytes(key), V::from_bytes(value))?;
    Ok(true)
}
