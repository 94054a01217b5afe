//! The common log of those who decide, as one of them has it: what the library reads, and how it is kept.
//!
//! An entry of the log is an effect that has to be remembered for good, so the log is never cut short, and no snapshots are needed.

use raft::GetEntriesContext;
use raft::RaftState;
use raft::Storage;
use raft::StorageError;
use raft::eraftpb::ConfState;
use raft::eraftpb::Entry;
use raft::eraftpb::HardState;
use raft::eraftpb::Snapshot;

use crate::effects::Put;
use crate::effects::wire::LogEntry;
use crate::effects::wire::from_entry;
use crate::effects::wire::to_entry;

/// The first byte of a key on disk: the term, the vote and how far entries are final.
pub(super) const HARD: u8 = 0;
/// The first byte of a key on disk: an entry, by its place.
pub(super) const ENTRY: u8 = 1;

/// See the module.
#[derive(Default)]
pub(super) struct Log {
    hard: HardState,
    founders: ConfState,
    /// The first has place 1.
    entries: Vec<Entry>,
}

/// What is on disk does not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is kept about effects does not fit together")]
pub struct Damaged;

impl Log {
    /// What is on disk, or nothing.
    pub(super) fn restored(founders: Vec<u64>, kept: &[(Vec<u8>, Vec<u8>)]) -> Result<Log, Damaged> {
        let mut log = Log::default();
        log.founders.voters = founders;
        let mut entries: Vec<LogEntry> = Vec::new();
        for (key, value) in kept {
            match key.first() {
                Some(&HARD) => {
                    let (term, vote, commit) = postcard::from_bytes(value).map_err(|_| Damaged)?;
                    log.hard = HardState { term, vote, commit, ..HardState::default() };
                }
                Some(&ENTRY) => entries.push(postcard::from_bytes(value).map_err(|_| Damaged)?),
                _ => {}
            }
        }
        entries.sort_by_key(|entry| entry.index);
        let gapless = entries.iter().zip(1..).all(|(entry, place)| entry.index == place);
        if !gapless || log.hard.commit > entries.len() as u64 {
            return Err(Damaged);
        }
        log.entries = entries.iter().map(to_entry).collect();
        Ok(log)
    }

    /// Entries at their places, in the place of what stood there and after.
    pub(super) fn append(&mut self, entries: &[Entry], puts: &mut Vec<Put>) {
        let Some(first) = entries.first() else { return };
        let keep = usize::try_from(first.index.saturating_sub(1)).unwrap_or(usize::MAX).min(self.entries.len());
        let last = entries.last().map_or(0, |last| last.index);
        for gone in self.entries.drain(keep..).filter(|gone| gone.index > last) {
            puts.push(Put { key: entry_key(gone.index), value: None });
        }
        for entry in entries {
            let value = postcard::to_allocvec(&from_entry(entry)).unwrap_or_default();
            puts.push(Put { key: entry_key(entry.index), value: Some(value) });
            self.entries.push(entry.clone());
        }
    }

    /// Takes over term, vote and how far entries are final.
    pub(super) fn set_hard(&mut self, hard: &HardState, puts: &mut Vec<Put>) {
        self.hard = hard.clone();
        self.put_hard(puts);
    }

    pub(super) fn set_commit(&mut self, commit: u64, puts: &mut Vec<Put>) {
        self.hard.commit = commit;
        self.put_hard(puts);
    }

    fn put_hard(&self, puts: &mut Vec<Put>) {
        let value = postcard::to_allocvec(&(self.hard.term, self.hard.vote, self.hard.commit)).unwrap_or_default();
        puts.push(Put { key: vec![HARD], value: Some(value) });
    }

    /// The term of the entry at a place, if there is one; 0 at place 0.
    pub(super) fn term_at(&self, place: u64) -> Option<u64> {
        match place.checked_sub(1) {
            None => Some(0),
            Some(at) => self.entries.get(usize::try_from(at).ok()?).map(|entry| entry.term),
        }
    }

    /// The place of the last entry.
    pub(super) fn last(&self) -> u64 {
        self.entries.len() as u64
    }
}

fn entry_key(place: u64) -> Vec<u8> {
    let mut key = vec![ENTRY];
    key.extend(place.to_be_bytes());
    key
}

impl Storage for Log {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard.clone(), self.founders.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        bytes_max: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let place = |place: u64| usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(range) = self.entries.get(place(low)..place(high)) else {
            return Err(StorageError::Unavailable.into());
        };
        let most = bytes_max.into().unwrap_or(u64::MAX);
        let mut bytes = 0;
        let fits = range.iter().take_while(|entry| {
            bytes += entry.data.len() as u64 + 32;
            bytes <= most
        });
        let count = fits.count().max(1).min(range.len());
        Ok(range[..count].to_vec())
    }

    fn term(&self, place: u64) -> raft::Result<u64> {
        self.term_at(place).ok_or_else(|| StorageError::Unavailable.into())
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, _request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        // Never asked for: no entry is ever missing.
        Err(StorageError::SnapshotTemporarilyUnavailable.into())
    }
}
