//! The version of the format: a new file gets the current one, an older file is brought up to date, a newer one is refused.
//!
//! All steps of an update, and the new version, are one transaction: a file is of the one format or of the other.

use std::path::Path;

use redb::Database;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::WriteTransaction;

use crate::store::StoreError;
use crate::store::tables::BEFORE;
use crate::store::tables::EFFECTS;
use crate::store::tables::ENTRIES;
use crate::store::tables::FORMAT;
use crate::store::tables::HEIGHTS;
use crate::store::tables::KEPT;
use crate::store::tables::LANES;
use crate::store::tables::META;
use crate::store::tables::MISSED;
use crate::store::tables::ONCE;
use crate::store::tables::OWN;
use crate::store::tables::SLOTS;
use crate::store::tables::VARIABLES;
use crate::store::write;

type Step = fn(&WriteTransaction) -> Result<(), redb::Error>;

/// What brings a file from the format of its place here to the next.
const STEPS: [Step; FORMAT as usize] =
    [lanes_have_topics, nothing_to_change, nothing_is_missed_or_kept, nothing_to_change];

/// Makes the file one of the current format, or says why not.
pub(super) fn to_current(database: &Database, folder: &Path) -> Result<(), StoreError> {
    let found = format(database).map_err(|error| StoreError::of(folder, error))?;
    let from = match found {
        Found::Nothing => None,
        Found::Format(format) if format == FORMAT => return Ok(()),
        Found::Format(format) if format < FORMAT => Some(format),
        Found::Format(format) => return Err(StoreError::Newer { folder: folder.to_owned(), format }),
        Found::Foreign => return Err(StoreError::unusable(folder, "its file is another program's")),
    };
    let update = |transaction: &WriteTransaction| -> Result<(), redb::Error> {
        if let Some(format) = from {
            STEPS.iter().skip(format as usize).try_for_each(|step| step(transaction))?;
        }
        make_tables(transaction)?;
        transaction.open_table(META)?.insert("format", FORMAT.to_le_bytes().as_slice())?;
        Ok(())
    };
    write(database, update).map_err(|error| StoreError::unwritten(folder, &error.to_string()))
}

enum Found {
    Nothing,
    Format(u32),
    Foreign,
}

fn format(database: &Database) -> Result<Found, redb::Error> {
    let transaction = database.begin_read()?;
    if transaction.list_tables()?.next().is_none() && transaction.list_multimap_tables()?.next().is_none() {
        return Ok(Found::Nothing);
    }
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(redb::TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Ok(Found::Foreign),
    };
    let bytes = meta.get("format")?.and_then(|bytes| bytes.value().try_into().ok());
    Ok(bytes.map_or(Found::Foreign, |bytes| Found::Format(u32::from_le_bytes(bytes))))
}

/// So that who reads finds all of them.
fn make_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(META)?;
    transaction.open_table(LANES)?;
    transaction.open_table(VARIABLES)?;
    transaction.open_table(SLOTS)?;
    transaction.open_table(HEIGHTS)?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(KEPT)?;
    transaction.open_table(MISSED)?;
    transaction.open_table(OWN)?;
    transaction.open_table(ONCE)?;
    transaction.open_table(BEFORE)?;
    transaction.open_table(EFFECTS)?;
    Ok(())
}

/// Format 2 lacked two tables.
fn nothing_is_missed_or_kept(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(MISSED)?;
    transaction.open_table(KEPT)?;
    Ok(())
}

/// Format 0 had lanes of 16 bytes: all updates were in no topic.
fn lanes_have_topics(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let mut lanes = transaction.open_table(LANES)?;
    let mut longer = Vec::new();
    for row in lanes.iter()? {
        let (number, bytes) = row?;
        let mut bytes = bytes.value().to_vec();
        bytes.resize(32, 0);
        longer.push((number.value(), bytes));
    }
    for (number, bytes) in longer {
        lanes.insert(number, bytes.as_slice())?;
    }
    Ok(())
}

/// Format 1 had no table for effects, and an empty one is made with all others: a release that does not know it must not start
/// effects again. In format 3 no incarnation had the rights of another, which a release that does not know it cannot read.
#[expect(clippy::unnecessary_wraps, reason = "a step like any other")]
fn nothing_to_change(_transaction: &WriteTransaction) -> Result<(), redb::Error> {
    Ok(())
}
