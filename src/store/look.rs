//! A file that is looked into and stays as it is: what would be written to it is kept in memory. So `lasp doctor` finds out all that
//! a start finds out, without doing what a start does.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use redb::BackendError;
use redb::StorageBackend;
use redb::backends::FileBackend;

/// How much of the file is taken over at once where something would be written.
const BLOCK: u64 = 4096;

/// See the module. The lock on the file is the same as that of who writes.
pub(super) struct Untouched {
    file: FileBackend,
    /// Whether the file is open to be read alone. Such a one can only be locked against who writes to it, which is enough.
    read_only: bool,
    changes: Mutex<Changes>,
}

struct Changes {
    /// How long the file would be.
    length: u64,
    /// Up to where what is in the file counts.
    from_file: u64,
    /// What would have been written, by its place in blocks.
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl fmt::Debug for Untouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Untouched").finish_non_exhaustive()
    }
}

impl Untouched {
    pub(super) fn new(file: FileBackend, read_only: bool) -> Result<Untouched, io::Error> {
        let length = file.len()?;
        Ok(Untouched {
            file,
            read_only,
            changes: Mutex::new(Changes { length, from_file: length, blocks: BTreeMap::new() }),
        })
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block as it is in the file, and nothing where that has ended.
    fn block(&self, from_file: u64, number: u64) -> io::Result<Vec<u8>> {
        let mut block = vec![0; size(BLOCK)];
        let start = number * BLOCK;
        let there = from_file.saturating_sub(start).min(BLOCK);
        self.file.read(start, &mut block[..size(there)])?;
        Ok(block)
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The parts of successive blocks that a range covers: number of the block, where in it the part begins, how long it is.
fn parts(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let (mut at, end) = (offset, offset + length as u64);
    std::iter::from_fn(move || {
        let (number, within) = (at / BLOCK, at % BLOCK);
        let part = (BLOCK - within).min(end - at);
        at += part;
        (part > 0).then_some((number, size(within), size(part)))
    })
}

impl StorageBackend for Untouched {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.changes().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let changes = self.changes();
        if offset.saturating_add(out.len() as u64) > changes.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut left = out;
        for (number, within, part) in parts(offset, left.len()) {
            let (here, rest) = left.split_at_mut(part);
            match changes.blocks.get(&number) {
                Some(block) => here.copy_from_slice(&block[within..within + part]),
                None => here.copy_from_slice(&self.block(changes.from_file, number)?[within..within + part]),
            }
            left = rest;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        let mut changes = self.changes();
        if length < changes.length {
            // What comes after the end is nothing, also when the file grows again.
            changes.from_file = changes.from_file.min(length);
            changes.blocks.retain(|number, _| number * BLOCK < length);
            if let Some(last) = changes.blocks.get_mut(&(length / BLOCK)) {
                last[size(length % BLOCK)..].fill(0);
            }
        }
        changes.length = length;
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let mut changes = self.changes();
        let mut left = data;
        for (number, within, part) in parts(offset, data.len()) {
            let (here, rest) = left.split_at(part);
            if !changes.blocks.contains_key(&number) {
                let block = self.block(changes.from_file, number)?;
                changes.blocks.insert(number, block);
            }
            if let Some(block) = changes.blocks.get_mut(&number) {
                block[within..within + part].copy_from_slice(here);
            }
            left = rest;
        }
        changes.length = changes.length.max(offset + data.len() as u64);
        Ok(())
    }

    fn close(&self) -> Result<(), io::Error> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if self.read_only {
            return self.file.try_lock_shared_range(start, end);
        }
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if self.read_only {
            return self.file.lock_shared_range(start, end);
        }
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a file that a test writes")]
    fn what_is_written_is_read_and_the_file_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let before: Vec<u8> = (0..10_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &before).expect("written");
        let file = std::fs::File::options().read(true).write(true).open(&path).expect("there");
        let looked = Untouched::new(FileBackend::new(file).expect("a file"), false).expect("as long as it is");
        let mut model = before.clone();
        let read = |at: usize, count: usize| {
            let mut out = vec![0; count];
            looked.read(at as u64, &mut out).map(|()| out).ok()
        };
        let mut write = |at: usize, byte: u8, count: usize| {
            looked.write(at as u64, &vec![byte; count]).expect("in memory");
            model.resize(model.len().max(at + count), 0);
            model[at..at + count].fill(byte);
        };
        for (at, count) in [(0, 1), (4090, 20), (9_990, 5_000), (8192, 4096)] {
            write(at, 7, count);
        }
        assert_eq!(read(0, model.len()), Some(model.clone()));
        assert_eq!(read(model.len() - 1, 2), None);
        looked.set_len(5000).expect("in memory");
        looked.set_len(12_000).expect("in memory");
        model.resize(5000, 0);
        model.resize(12_000, 0);
        assert_eq!(read(0, 12_000), Some(model));
        assert_eq!(std::fs::read(&path).expect("there"), before);
    }
}
