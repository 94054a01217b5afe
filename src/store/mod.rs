//! What a node remembers, on disk: one file in a folder of its own, changed by one atomic and durable transaction at a time.
//!
//! Whoever drives a node commits the journal of each turn before anything that the turn gives out leaves the process. So what
//! was seen outside is here, after the process was killed and after the power went, and no part of anything is.
//!
//! The folder belongs to one process at a time, and to one key. Nothing damaged is ever mended in silence: it is refused. A
//! folder that was copied, or brought back from an older copy, does no harm, since no start goes on with the identity under
//! which an earlier one made its updates.
//!
//! Beside the data lies, while a node runs, a socket by which other processes of the same user ask for a copy: see [`control`].

pub mod control;
mod error;
mod export;
mod folder;
mod look;
mod migrate;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod witness;

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use redb::Database;
use redb::Durability;
use redb::ReadableDatabase;
use redb::ReadableTable;
use redb::StorageBackend;

use crate::effects::Put;
use crate::effects::Row;
use crate::effects::count_in;
use crate::node::Record;
use crate::store::rows::Names;
use crate::store::tables::EFFECTS;
use crate::store::tables::META;

pub use crate::store::error::StoreError;
pub use crate::store::export::import;
pub use crate::store::export::survey;
pub use crate::store::folder::FILE;
pub use crate::store::tables::FORMAT;
pub use crate::store::witness::Inheritance;
pub use crate::store::witness::is_bounded;

/// A node's data, open.
pub struct Store {
    database: Arc<Database>,
    names: Names,
    /// The folder, as messages show it.
    folder: PathBuf,
    /// Which file it is, where a file of the folder is what is written to.
    mark: Option<folder::Mark>,
    /// A write has failed: what is in memory is ahead of what is on disk.
    failed: bool,
    /// Kept for as long as the node runs.
    control: Option<control::Control>,
    /// What those hear who ask how the node stands.
    standing: control::Standing,
    /// What tells after a restart that this is the folder that was used last.
    witness: Option<witness::Witness>,
    /// What makes one as soon as there is something to tell.
    unwitnessed: Option<witness::Unwitnessed>,
    /// Who is told outside of the folder how often what the node has decided was changed.
    decided: Option<Told>,
}

/// Writes a number down; says why it cannot.
type Told = Box<dyn FnMut(u64) -> Result<(), (PathBuf, String)> + Send>;

/// Numbers that a node keeps beside its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// The ledger of effects that it took part in last.
    Ledger,
    /// How often it has begun to decide on effects, where no row about effects counts that.
    Starts,
}

impl Number {
    fn name(self) -> &'static str {
        match self {
            Number::Ledger => "ledger",
            Number::Starts => "starts",
        }
    }
}

/// What a data folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Summary {
    /// The version of the format.
    pub format: u32,
    /// The node's identity, once it has a key.
    pub node: Option<u128>,
    /// Live entries of replicated variables.
    pub entries: u64,
    /// Variables that are known.
    pub variables: u64,
    /// Incarnations that wrote.
    pub replicas: u64,
    /// Entries of dynamic variables.
    pub own: u64,
    /// Keys of `once`.
    pub once: u64,
    /// Rows about effects of `enforce_once`.
    pub effects: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Store {
    /// Opens a data folder, or makes one where there is none, or an empty folder. An older format is brought up to date; a
    /// file that is mostly empty is made smaller. All that is in it is checked.
    ///
    /// # Errors
    /// When it is in use, damaged, newer, foreign, or cannot be read or written.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        let folder::Opened { backend, bytes, is_new } = folder::open(folder)?;
        let mut store = Store::open_backend(backend, folder)?;
        if is_new {
            folder::finish(folder)?;
        }
        store.mark = Some(folder::mark(&folder::path(folder)).map_err(|error| StoreError::of_io(folder, &error))?);
        store.compact_if_sparse(bytes)?;
        Ok(store)
    }

    /// Looks into a data folder that is there: all that [`Store::open`] finds wrong with it is found, and nothing in it changes. What
    /// would be changed is so in memory alone.
    ///
    /// # Errors
    /// As [`Store::open`]; also when there is no data in it.
    pub fn look(folder: &Path) -> Result<Store, StoreError> {
        Store::untouched(folder, folder::open_existing(folder)?, false)
    }

    /// The same, where nothing needs to be writable.
    ///
    /// # Errors
    /// As [`Store::look`], when it cannot be read.
    pub fn read(folder: &Path) -> Result<Store, StoreError> {
        Store::untouched(folder, folder::open_to_read(folder)?, true)
    }

    fn untouched(folder: &Path, opened: Option<folder::Opened>, read_only: bool) -> Result<Store, StoreError> {
        let Some(folder::Opened { backend, .. }) = opened else {
            return Err(folder::nothing(folder));
        };
        let untouched = look::Untouched::new(backend, read_only).map_err(|error| StoreError::of_io(folder, &error))?;
        Store::open_backend(untouched, folder)
    }

    /// The same over any disk; `folder` is for messages.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_backend(backend: impl StorageBackend, folder: &Path) -> Result<Store, StoreError> {
        let open = |error| StoreError::of_open(folder, error);
        let mut builder = Database::builder();
        // Every page is held against its checksum, and what does not bear out is an error: see `redb`.
        builder.set_check_integrity_on_open(true).set_cache_size(CACHE_BYTES);
        let database = builder.create_with_backend(backend).map_err(open)?;
        migrate::to_current(&database, folder)?;
        let names = Names::read(&database, folder)?;
        Ok(Store {
            database: Arc::new(database),
            names,
            folder: folder.to_owned(),
            mark: None,
            failed: false,
            control: None,
            standing: control::Standing::default(),
            witness: None,
            unwitnessed: None,
            decided: None,
        })
    }

    /// Lets other processes of this user ask for a copy for as long as this is open.
    ///
    /// # Errors
    /// When they cannot: why, in one line.
    pub fn serve(&mut self) -> Result<(), String> {
        let control = control::Control::start(&self.folder, &self.database, self.standing.clone());
        self.control = Some(control.map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => "its path is too long for a socket".to_owned(),
            _ => format!("no socket can be made in it ({error})"),
        })?);
        Ok(())
    }

    /// From now on other processes of this user can ask how the node stands: this is what they hear, from any thread.
    pub fn tell(&self, standing: impl Fn() -> Vec<u8> + Send + Sync + 'static) {
        // Whoever told first goes on telling.
        let _ = self.standing.set(Box::new(standing));
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The node's key, if it has one here, as text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn key(&self) -> Result<Option<String>, StoreError> {
        let text = self.meta("key")?;
        text.map(|text| String::from_utf8(text).map_err(|_| self.damaged("its key is not text"))).transpose()
    }

    /// The identity of the node whose data this is, once it has one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn node(&self) -> Result<Option<u128>, StoreError> {
        let Some(bytes) = self.meta("node")? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| self.damaged("its node has no identity"))?;
        Ok(Some(u128::from_le_bytes(bytes)))
    }

    /// Says whose data this is from now on; `key` where it is kept here.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn belongs_to(&mut self, node: u128, key: Option<&str>) -> Result<(), StoreError> {
        self.write(|transaction, _| {
            let mut meta = transaction.open_table(META)?;
            meta.insert("node", node.to_le_bytes().as_slice())?;
            if let Some(key) = key {
                meta.insert("key", key.as_bytes())?;
            }
            Ok(())
        })
    }

    /// Writes the journal of a turn, and what it came to about effects: when this returns, all of it is on disk; when it
    /// fails, none of it is.
    ///
    /// # Errors
    /// When it cannot be written. The store is of no use then; what was written before is whole.
    pub fn commit(&mut self, records: &[Record], effects: &[Put]) -> Result<(), StoreError> {
        if records.is_empty() && effects.is_empty() && !self.failed {
            return Ok(());
        }
        if records.iter().any(is_bounded) {
            self.witness_from_now_on();
        }
        let witness = self.witness.take_if(|witness| witness.concerns(records));
        self.write(|transaction, names| {
            if !records.is_empty() {
                rows::put(transaction, names, records)?;
            }
            if let Some(witness) = &witness {
                witness.put(transaction)?;
            }
            let mut table = transaction.open_table(EFFECTS)?;
            for Put { key, value } in effects {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
            Ok(())
        })?;
        if let Some(mut witness) = witness {
            witness.tell().inspect_err(|_| self.failed = true)?;
            self.witness = Some(witness);
        }
        // After it: if the process ends in between, the data is one step ahead, of which nobody has heard.
        let Some((count, told)) = count_in(effects).zip(self.decided.as_mut()) else { return Ok(()) };
        told(count).map_err(|(place, reason)| {
            self.failed = true;
            StoreError::unwritten(&place, &reason)
        })
    }

    /// From now on `told` hears how often what the node has decided on effects was changed, after each change and before anybody else
    /// can know of it. It keeps that where no copy of this folder brings it along, so that an older copy is known.
    pub fn count_decisions(&mut self, told: impl FnMut(u64) -> Result<(), (PathBuf, String)> + Send + 'static) {
        self.decided = Some(Box::new(told));
    }

    /// What was written about effects, for [`EffectSettings::kept`](crate::node::EffectSettings).
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn effects(&self) -> Result<Vec<Row>, StoreError> {
        let read = || -> Result<Vec<Row>, redb::Error> {
            let mut rows = Vec::new();
            for row in self.database.begin_read()?.open_table(EFFECTS)?.iter()? {
                let (key, value) = row?;
                rows.push((key.value().to_vec(), value.value().to_vec()));
            }
            Ok(rows)
        };
        read().map_err(|error| StoreError::of(&self.folder, error))
    }

    /// Which ledger of effects the node takes part in, and how often it has begun to decide on effects: a number under a name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn number(&self, number: Number) -> Result<Option<u64>, StoreError> {
        let Some(bytes) = self.meta(number.name())? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| self.damaged("one of its numbers is none"))?;
        Ok(Some(u64::from_le_bytes(bytes)))
    }

    /// Keeps such a number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_number(&mut self, number: Number, value: u64) -> Result<(), StoreError> {
        self.write(|transaction, _| {
            transaction.open_table(META)?.insert(number.name(), value.to_le_bytes().as_slice())?;
            Ok(())
        })
    }

    fn write(
        &mut self,
        put: impl FnOnce(&redb::WriteTransaction, &mut Names) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::unwritten(&self.folder, "an earlier write has failed"));
        }
        let names = &mut self.names;
        let written = write(&self.database, |transaction| put(transaction, names));
        written.map_err(|error| {
            self.failed = true;
            StoreError::unwritten(&self.folder, &error.to_string())
        })?;
        // A file whose name is gone takes everything, and nobody finds it again. Looked at afterwards, so that what is acknowledged
        // was under its name when it was on disk.
        self.look_after()
    }

    /// Sees whether the data is still where it was. Where it is not, the store is of no use.
    ///
    /// # Errors
    /// When the file was deleted, moved away, or another one took its place.
    pub fn look_after(&mut self) -> Result<(), StoreError> {
        let Some(mark) = self.mark else { return Ok(()) };
        let reason = match folder::mark(&folder::path(&self.folder)) {
            Ok(found) if found == mark => return Ok(()),
            Ok(_) => "another file is in its place",
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                "its file was deleted, or moved away"
            }
            // It cannot be looked at just now, which says nothing about the file.
            Err(_) => return Ok(()),
        };
        self.failed = true;
        Err(StoreError::Lost { folder: self.folder.clone(), reason })
    }

    /// Everything that was written, for [`Node::restore`](crate::node::Node::restore).
    ///
    /// # Errors
    /// When what is there cannot be what was written.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        rows::records(&self.database, &self.folder)
    }

    /// What is in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn summary(&self) -> Result<Summary, StoreError> {
        rows::summary(&self.database, &self.folder)
    }

    /// Writes a consistent copy; see [`import`].
    ///
    /// # Errors
    /// When the data cannot be read or the copy cannot be written.
    pub fn export(&self, to: &mut dyn std::io::Write) -> Result<(), StoreError> {
        export::export(&self.database, &self.folder, to)
    }

    /// Makes the file as small as it can be. Says by how many bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn compact(&mut self) -> Result<u64, StoreError> {
        let before = folder::bytes(&self.folder);
        let failed = |error: &dyn std::fmt::Display| StoreError::NotCompacted {
            folder: self.folder.clone(),
            reason: error.to_string(),
        };
        if let Some(database) = Arc::get_mut(&mut self.database) {
            // Each round moves pages towards the front, until none can be.
            while database.compact().map_err(|error| failed(&error))? {}
        }
        Ok(before.saturating_sub(folder::bytes(&self.folder)))
    }

    fn compact_if_sparse(&mut self, bytes: u64) -> Result<(), StoreError> {
        if bytes < SPARSE_BYTES_MIN {
            return Ok(());
        }
        let used = rows::used(&self.database, &self.folder)?;
        if bytes / 3 > used {
            self.compact()?;
        }
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let meta = self.database.begin_read()?.open_table(META)?;
            Ok(meta.get(name)?.map(|value| value.value().to_vec()))
        };
        read().map_err(|error| StoreError::of(&self.folder, error))
    }

    fn damaged(&self, why: &str) -> StoreError {
        StoreError::damaged(&self.folder, why)
    }
}

/// How much of the file is kept in memory.
const CACHE_BYTES: usize = 64 << 20;
/// A file smaller than this is left as it is.
const SPARSE_BYTES_MIN: u64 = 64 << 20;

/// One transaction: durable when this returns, and valid without a check of the whole file after a crash.
fn write(
    database: &Database,
    put: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    put(&transaction)?;
    transaction.commit()?;
    Ok(())
}
