//! Whether a data folder is the one that its node used last, and the only one of it.
//!
//! Nothing in a folder can tell: a copy says the same. So outside of it lies a witness, a small file that is written after each
//! transaction which uses rights of a bounded counter, and before anybody hears of that. It says how many there were. A folder
//! that knows of fewer is an older copy; one whose witness is on another machine, or is locked, is another's. It begins another
//! line of lives then, with a witness of its own, and leaves the first line's alone. Rights are taken from one life to the next
//! only with a witness, since whoever has an older copy would spend what was spent. Only who brings back both together from a
//! time before can deceive it.
//!
//! A node in whose data no bounded counter is found has no rights, and needs no witness: it gets one with the first entry of such
//! a counter, by whomever, since until then it can neither spend rights nor ask for any.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::io::Result;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use redb::WriteTransaction;

use crate::lattice::dot::ReplicaId;
use crate::node::Record;
use crate::replica;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::folder;
use crate::store::tables::META;

/// How many earlier lives of a node are known at most; the oldest is forgotten.
const LIVES_MAX: usize = 1024;
/// A line of lives, a count, and what both are held against.
const BYTES: usize = 16 + 8 + 8;

/// What a node may take over from its earlier lives.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inheritance {
    /// Those whose rights of bounded counters are its own.
    pub before: Vec<ReplicaId>,
    /// It had rights, and nothing tells that they are its own: where a witness was looked for.
    pub unproven: Option<PathBuf>,
}

/// The witness of a node that runs.
pub(super) struct Witness {
    /// Locked for as long as the node runs.
    file: File,
    path: PathBuf,
    me: ReplicaId,
    line: u128,
    count: u64,
    /// Whether rights were used in this line of lives.
    used: bool,
    /// What the folder is to say of earlier lives, if it does not so far.
    lives: Option<Vec<u8>>,
}

/// A life without a witness so far.
pub(super) struct Unwitnessed {
    /// Where it would lie.
    witnesses: PathBuf,
    me: ReplicaId,
}

/// Whether this is about rights of anybody.
#[must_use]
pub fn is_bounded(record: &Record) -> bool {
    matches!(record, Record::Replica(replica::Record::Entry { content, .. }) if content.rights().is_some())
}

/// What the folder says of itself.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Lives {
    /// The first one's identity. Each line of lives has its own, and a witness tells of one.
    line: u128,
    lives: Vec<u128>,
}

impl Store {
    /// A life of the node begins. Says which earlier ones' rights are its own: there is a witness for them in `witnesses`, a folder
    /// that no copy of the data brings along. Without such a folder there is none. `bounded` says that the data has entries of a bounded
    /// counter.
    ///
    /// # Errors
    /// When the data cannot be read or written.
    pub fn begin_life(
        &mut self,
        me: ReplicaId,
        witnesses: Option<&Path>,
        bounded: bool,
    ) -> std::result::Result<Inheritance, StoreError> {
        let kept = self.lives()?;
        if kept.lives.is_empty() && !bounded {
            self.unwitnessed = witnesses.map(|witnesses| Unwitnessed { witnesses: witnesses.to_owned(), me });
            return Ok(Inheritance::default());
        }
        let (count, used) = self.used()?;
        let place = |line: u128| place(witnesses.unwrap_or(Path::new("")), line);
        let unproven = Inheritance { before: Vec::new(), unproven: used.then(|| place(kept.line)) };
        let Some(folder) = witnesses else { return Ok(unproven) };
        let known = if kept.lives.is_empty() { None } else { look(folder, &place(kept.line), false).ok() };
        // It knows at least as much as was ever told to anybody.
        let known = known.filter(|(_, told)| told.is_some_and(|(line, told)| line == kept.line && told <= count));
        let proven = known.is_some();
        let Some((mut file, _)) = known.or_else(|| look(folder, &place(me.0), true).ok()) else { return Ok(unproven) };
        let mut lives = if proven { kept } else { Lives { line: me.0, lives: Vec::new() } };
        let inheritance = if proven {
            Inheritance { before: lives.lives.iter().copied().map(ReplicaId).collect(), unproven: None }
        } else {
            unproven
        };
        // From now on no copy that was made before has this witness.
        let (count, used) = if proven { (count + 1, used) } else { (1, false) };
        lives.lives.push(me.0);
        let surplus = lives.lives.len().saturating_sub(LIVES_MAX);
        lives.lives.drain(..surplus);
        let row = postcard::to_allocvec(&lives).unwrap_or_default();
        self.write(|transaction, _| {
            transaction.open_table(META)?.insert("lives", row.as_slice())?;
            put(transaction, count, used)
        })?;
        let path = place(lives.line);
        tell(&mut file, lives.line, count).map_err(|error| unwritten(&path, &error))?;
        self.witness = Some(Witness { file, path, me, line: lives.line, count, used, lives: None });
        Ok(inheritance)
    }

    /// The first entry of a bounded counter comes into the data. Where no witness can be made, the rights of this life end with it.
    pub(super) fn witness_from_now_on(&mut self) {
        let Some(Unwitnessed { witnesses, me }) = self.unwitnessed.take() else { return };
        let path = place(&witnesses, me.0);
        // It tells something before the folder says more: never does the folder know of less.
        let made = look(&witnesses, &path, true).and_then(|(mut file, _)| tell(&mut file, me.0, 0).map(|()| file));
        let lives = postcard::to_allocvec(&Lives { line: me.0, lives: vec![me.0] }).ok();
        self.witness = made.ok().map(|file| Witness { file, path, me, line: me.0, count: 0, used: false, lives });
    }

    fn lives(&self) -> std::result::Result<Lives, StoreError> {
        let Some(row) = self.meta("lives")? else { return Ok(Lives::default()) };
        postcard::from_bytes(&row).map_err(|_| self.damaged("what it says of earlier lives cannot be read"))
    }

    /// How often rights were used, and whether they were in this line of lives.
    fn used(&self) -> std::result::Result<(u64, bool), StoreError> {
        let Some(row) = self.meta("rights")? else { return Ok((0, false)) };
        match row.split_first_chunk() {
            Some((count, [used])) => Ok((u64::from_le_bytes(*count), *used != 0)),
            _ => Err(self.damaged("what it says of rights cannot be read")),
        }
    }
}

impl Witness {
    /// Whether these changes use rights of this node, or are the first of a bounded counter. The folder says so in the same transaction;
    /// [`Witness::tell`] comes after it.
    pub(super) fn concerns(&mut self, records: &[Record]) -> bool {
        let uses = records.iter().filter(|record| is_bounded(record)).any(|record| match record {
            Record::Replica(replica::Record::Entry { place, .. }) => place.replica == self.me,
            _ => false,
        });
        self.used |= uses;
        uses || self.lives.is_some()
    }

    pub(super) fn put(&self, transaction: &WriteTransaction) -> std::result::Result<(), redb::Error> {
        if let Some(lives) = &self.lives {
            transaction.open_table(META)?.insert("lives", lives.as_slice())?;
        }
        put(transaction, self.count + 1, self.used)
    }

    /// # Errors
    /// When it cannot be written. Nobody may hear of what was done then.
    pub(super) fn tell(&mut self) -> std::result::Result<(), StoreError> {
        (self.count, self.lives) = (self.count + 1, None);
        tell(&mut self.file, self.line, self.count).map_err(|error| unwritten(&self.path, &error))
    }
}

fn place(witnesses: &Path, line: u128) -> PathBuf {
    witnesses.join(format!("{line:032x}"))
}

fn put(transaction: &WriteTransaction, count: u64, used: bool) -> std::result::Result<(), redb::Error> {
    let mut row = count.to_le_bytes().to_vec();
    row.push(u8::from(used));
    transaction.open_table(META)?.insert("rights", row.as_slice())?;
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::unwritten(path, &error.to_string())
}

/// Opens and locks a witness, a new one or one that is there, and says what it tells, if it tells anything.
fn look(witnesses: &Path, place: &Path, new: bool) -> Result<(File, Option<(u128, u64)>)> {
    folder::make_private(witnesses)?;
    let mut file = OpenOptions::new().read(true).write(true).create(new).truncate(false).open(place)?;
    file.try_lock()?;
    // Its name has to outlive a power cut as its content does.
    folder::sync_folder(witnesses)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let told = bytes.split_first_chunk::<16>().and_then(|(line, rest)| {
        let (count, check) = rest.split_first_chunk::<8>()?;
        (check == sum(&bytes[..24])).then(|| (u128::from_le_bytes(*line), u64::from_le_bytes(*count)))
    });
    Ok((file, told))
}

/// Writes what a witness tells; on disk when this returns.
fn tell(file: &mut File, line: u128, count: u64) -> Result<()> {
    let mut bytes = line.to_le_bytes().to_vec();
    bytes.extend(count.to_le_bytes());
    bytes.extend(sum(&bytes));
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    file.set_len(BYTES as u64)?;
    file.sync_data()
}

fn sum(bytes: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    sum
}
