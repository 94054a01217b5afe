//! A disk that a test plays: it may lose what was not synced, tear a write, be full, or forget to sync.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use redb::StorageBackend;

use super::after;
use super::turn;
use crate::store::Store;

const SECTOR: usize = 512;
const TURNS: u64 = 5;

#[derive(Debug, Default)]
struct State {
    /// What a reader sees.
    view: Vec<u8>,
    /// What is there whatever happens.
    durable: Vec<u8>,
    /// What has changed since, in order.
    pending: Vec<Change>,
    /// After so many changes and syncs everything fails.
    left: Option<u64>,
    /// Whether a sync does nothing, and says that it did.
    lies: bool,
    steps: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write(at, data) => {
            let end = at + data.len();
            if end > bytes.len() {
                bytes.resize(end, 0);
            }
            bytes[*at..end].copy_from_slice(data);
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn of(bytes: Vec<u8>) -> Disk {
        Disk(Arc::new(Mutex::new(State { view: bytes.clone(), durable: bytes, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// What may be on it after the power went: what was synced, and any part of what was not.
    fn after_crash(&self, seed: u64) -> Disk {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let state = self.state();
        let mut bytes = state.durable.clone();
        for change in &state.pending {
            match (random.next_u32() % 3, change) {
                (0, _) => {}
                (1, Change::Write(at, data)) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        if random.next_u32().is_multiple_of(2) {
                            apply(&mut bytes, &Change::Write(at + number * SECTOR, sector.to_vec()));
                        }
                    }
                }
                (_, change) => apply(&mut bytes, change),
            }
        }
        Disk::of(bytes)
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        match &mut self.left {
            Some(0) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        self.step()?;
        apply(&mut self.view, &change);
        self.pending.push(change);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().view.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).expect("small");
        let state = self.state();
        let bytes = state.view.get(at..at + out.len()).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.state().change(Change::Length(usize::try_from(len).expect("small")))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        if !state.lies {
            state.durable = state.view.clone();
            state.pending.clear();
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.state().change(Change::Write(usize::try_from(offset).expect("small"), data.to_vec()))
    }
}

fn open(disk: &Disk) -> Result<Store, &'static str> {
    Store::open_backend(disk.clone(), Path::new("disk")).map_err(|error| error.code())
}

/// Does turns until one fails. Says how many did not.
fn work(store: &mut Store, from: u64) -> u64 {
    (from + 1..=TURNS).find(|&n| store.commit(&turn(n), &[]).is_err()).map_or(TURNS, |failed| failed - 1)
}

/// A disk with a store on it, and how many changes and syncs a whole run takes.
fn prepared() -> (Disk, u64) {
    let disk = Disk::default();
    drop(open(&disk).expect("made"));
    let again = Disk::of(disk.state().view.clone());
    let mut store = open(&again).expect("opens");
    assert_eq!(work(&mut store, 0), TURNS);
    drop(store);
    let steps = again.state().steps;
    (disk, steps)
}

#[test]
fn after_a_crash_at_any_write_every_commit_is_there_and_none_in_part() {
    let (disk, steps) = prepared();
    let whole = disk.state().view.clone();
    let mut midway = 0;
    for point in 0..steps {
        let disk = Disk::of(whole.clone());
        disk.state().left = Some(point);
        let done = open(&disk).map_or(0, |mut store| work(&mut store, 0));
        for seed in 0..3 {
            let disk = disk.after_crash(point * 3 + seed);
            let mut store = open(&disk).unwrap_or_else(|code| panic!("{code} after a crash at {point}, {seed}"));
            let found = store.records().expect("read");
            let known = [done, done + 1].into_iter().find(|&turns| found == after(turns));
            let known = known.unwrap_or_else(|| panic!("{done} turns at {point}, {seed}, and there is {found:?}"));
            midway += u64::from(known > 0 && known < TURNS);
            // And it goes on from there.
            assert_eq!(work(&mut store, known), TURNS);
            assert_eq!(store.records().expect("read"), after(TURNS));
        }
    }
    assert!(midway > 0);
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_and_says_so() {
    let (disk, steps) = prepared();
    let whole = disk.state().view.clone();
    let mut refused = 0;
    for point in 0..steps {
        let disk = Disk::of(whole.clone());
        disk.state().left = Some(point);
        let Ok(mut store) = open(&disk) else { continue };
        let done = work(&mut store, 0);
        if done < TURNS {
            // From then on nothing is taken, even if there is room again.
            disk.state().left = None;
            let error = store.commit(&turn(done + 1), &[]).expect_err("refused");
            assert_eq!(error.code(), "E1008");
            refused += 1;
        }
        drop(store);
        disk.state().left = None;
        let view = disk.state().view.clone();
        let store = open(&Disk::of(view)).expect("opens");
        let found = store.records().expect("read");
        assert!(found == after(done) || found == after(done + 1), "{done} turns, at {point}");
    }
    assert!(refused > 10);
}

#[test]
fn a_disk_that_lies_about_its_syncs_is_found_out_or_shows_a_whole_turn() {
    let (disk, _) = prepared();
    let whole = disk.state().view.clone();
    let mut found_out = 0;
    for seed in 0..60 {
        let disk = Disk::of(whole.clone());
        let mut store = open(&disk).expect("opens");
        disk.state().lies = true;
        assert_eq!(work(&mut store, 0), TURNS);
        let disk = disk.after_crash(seed);
        drop(store);
        match open(&disk) {
            Ok(store) => match store.records() {
                Ok(found) => assert!((0..=TURNS).any(|turns| found == after(turns)), "{seed}: {found:?}"),
                Err(error) => assert_eq!(error.code(), "E1003"),
            },
            Err(code) => {
                found_out += 1;
                assert!(["E1002", "E1003"].contains(&code), "{seed}: {code}");
            }
        }
    }
    assert!(found_out > 0);
}
