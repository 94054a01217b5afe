//! Folders and disks as they may be, and what becomes of them.

mod disk;
mod witness;

use std::path::Path;

use redb::Database;
use redb::TableHandle;
use tempfile::TempDir;
use triomphe::Arc;

use super::*;
use crate::effects::STARTED;
use crate::lattice::dot::NodeTag;
use crate::lattice::dot::ReplicaId;
use crate::replica;
use crate::replica::Place;
use crate::replica::VariableKey;
use crate::store::tables::ENTRIES;
use crate::store::tables::HEIGHTS;
use crate::store::tables::LANES;
use crate::store::tables::OWN;
use crate::store::tables::VARIABLES;
use crate::value::codec;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// What writes rows.
type Put<'a> = &'a dyn Fn(&redb::WriteTransaction) -> Result<(), redb::Error>;

const ME: ReplicaId = ReplicaId(7 << 64 | 1);

fn place(sequence: u64) -> Place {
    Place { replica: ME, topic: 0, sequence }
}

fn key() -> VariableKey {
    VariableKey { name: Name::Given(Term::atom("x")), kind: Type::Set }
}

fn entry(sequence: u64) -> Record {
    let content = Content::Element(Term::text(format!("element {sequence}")));
    Record::Replica(replica::Record::Entry { place: place(sequence), key: key(), slot: None, content })
}

fn gone(sequence: u64) -> Record {
    Record::Replica(replica::Record::Gone(place(sequence)))
}

fn height(sequence: u64) -> Record {
    Record::Replica(replica::Record::Height(place(sequence)))
}

/// The journal of turn `turn`, from 1: two additions that take back one from before.
fn turn(turn: u64) -> Vec<Record> {
    let mut records = vec![entry(2 * turn - 1), entry(2 * turn), height(2 * turn)];
    if turn > 1 {
        records.push(gone(2 * turn - 3));
    }
    records
}

/// What there is after so many turns, in the order of [`Store::records`].
fn after(turns: u64) -> Vec<Record> {
    let mut records = if turns > 0 { vec![height(2 * turns)] } else { Vec::new() };
    records.extend((1..=2 * turns).filter(|n| n % 2 == 0 || *n == 2 * turns - 1).map(entry));
    records
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn code(result: Result<Store, StoreError>) -> &'static str {
    result.err().expect("refused").code()
}

#[test]
fn what_was_committed_is_there_again() {
    let folder = folder();
    let path = folder.path().join("a/b");
    for turns in 1..=4 {
        let mut store = Store::open(&path).expect("opens");
        assert_eq!(store.records().expect("read"), after(turns - 1));
        store.commit(&turn(turns), &[]).expect("written");
        assert_eq!(store.records().expect("read"), after(turns));
    }
}

#[test]
fn every_kind_of_record_is_kept() {
    let folder = folder();
    let variable = Arc::new(Reference { name: Name::Fresh(1, 2, 0), kind: Type::Counter, dynamic: true });
    let own = |sequence| Record::Own { sequence, variable: variable.clone(), content: Content::True };
    let slot = Record::Replica(replica::Record::Entry {
        place: Place { replica: ReplicaId(9), topic: 5 << 16, sequence: 3 },
        key: VariableKey { name: Name::Fresh(3, 4, 0), kind: Type::GMap(Box::new(Type::TopK(2))) },
        slot: Some(u128::MAX),
        content: Content::Number(Term::Int(3)),
    });
    let once = Record::Once { key: Term::pair(Term::atom("k"), Term::Int(1)) };
    let before = Record::Before { node: NodeTag(44) };
    let written = vec![slot.clone(), own(1), own(2), once.clone(), before.clone()];
    let mut store = Store::open(folder.path()).expect("opens");
    store.commit(&written, &[]).expect("written");
    store.commit(&[Record::OwnGone { sequence: 1 }], &[]).expect("written");
    store.belongs_to(5, Some("a key")).expect("written");
    drop(store);
    let store = Store::open(folder.path()).expect("opens");
    assert_eq!(store.records().expect("read"), [slot, own(2), once, before]);
    assert_eq!((store.node(), store.key()), (Ok(Some(5)), Ok(Some("a key".to_owned()))));
    let summary = store.summary().expect("read");
    assert_eq!((summary.format, summary.entries, summary.own, summary.once), (FORMAT, 1, 1, 1));
}

#[test]
fn a_folder_belongs_to_one_at_a_time() {
    let folder = folder();
    let first = Store::open(folder.path()).expect("opens");
    assert_eq!(code(Store::open(folder.path())), "E1001");
    drop(first);
    Store::open(folder.path()).expect("free again");
}

#[test]
fn folders_of_other_things_and_files_are_refused_and_left_as_they_are() {
    let folder = folder();
    let path = folder.path();
    std::fs::write(path.join("letter.txt"), "Dear Sir").expect("written");
    assert_eq!(code(Store::open(path)), "E1002");
    assert_eq!(code(Store::open(&path.join("letter.txt"))), "E1002");
    assert_eq!(std::fs::read_dir(path).expect("a folder").count(), 1);
    let other = path.join("other");
    std::fs::create_dir(&other).expect("made");
    private_file(&other, b"Dear Sir, this is no data of any node, but it has more bytes than a head has. Yours.");
    assert_eq!(code(Store::open(&other)), "E1003");
    let empty = path.join("empty");
    std::fs::create_dir(&empty).expect("made");
    private_file(&empty, b"");
    assert_eq!(code(Store::open(&empty)), "E1003", "a start in it would be another node's");
    let foreign = path.join("foreign");
    std::fs::create_dir(&foreign).expect("made");
    private_file(&foreign, b"");
    let database = Database::create(foreign.join(FILE)).expect("made");
    write(&database, |transaction| {
        transaction.open_table(redb::TableDefinition::<u64, u64>::new("meta"))?.insert(1, 2)?;
        Ok(())
    })
    .expect("written");
    drop(database);
    assert_eq!(code(Store::open(&foreign)), "E1002");
}

#[test]
fn a_first_start_that_was_cut_off_anywhere_is_begun_anew() {
    let whole = folder();
    drop(Store::open(whole.path()).expect("opens"));
    let bytes = std::fs::read(whole.path().join(FILE)).expect("read");
    for left in [0, 1, 63, 64, 4096, bytes.len() / 2, bytes.len()] {
        let cut = folder();
        let unfinished = cut.path().join("data.redb.new");
        std::fs::write(&unfinished, &bytes[..left]).expect("written");
        set_mode(&unfinished, 0o600);
        let mut store = Store::open(cut.path()).unwrap_or_else(|error| panic!("after {left} bytes: {error}"));
        assert_eq!(code(Store::open(cut.path())), "E1001");
        store.commit(&turn(1), &[]).expect("written");
        drop(store);
        let files: Vec<_> = std::fs::read_dir(cut.path()).expect("a folder").flatten().collect();
        assert!(files.len() == 1 && files[0].file_name() == FILE, "{files:?}");
        assert_eq!(Store::open(cut.path()).expect("opens").records().expect("read"), after(1));
    }
}

#[test]
fn of_several_first_starts_at_one_moment_one_has_the_folder() {
    for round in 0..40 {
        let folder = folder();
        let path = folder.path().join("data");
        std::thread::scope(|scope| {
            let start = || {
                let opened = Store::open(&path);
                let (code, mut store) = match opened {
                    Ok(store) => (None, Some(store)),
                    Err(error) => (Some(error.code()), None),
                };
                if let Some(store) = &mut store {
                    // What one has written is there for the next, if the first has ended by then.
                    let before = store.number(Number::Starts).expect("read").unwrap_or(0);
                    store.set_number(Number::Starts, before + 1).expect("written");
                }
                code
            };
            let starts = [0; 3].map(|_| scope.spawn(start));
            let codes = starts.map(|start| start.join().expect("no panic"));
            let had = codes.iter().filter(|code| code.is_none()).count();
            assert!(had > 0 && codes.iter().all(|code| code.is_none_or(|code| code == "E1001")), "{round}: {codes:?}");
            let store = Store::open(&path).expect("opens");
            assert_eq!(store.number(Number::Starts).expect("read"), Some(had as u64), "{round}");
            drop(store);
        });
        let files: Vec<_> = std::fs::read_dir(&path).expect("a folder").flatten().collect();
        assert!(files.len() == 1 && files[0].file_name() == FILE, "{files:?}");
    }
}

fn private_file(folder: &Path, bytes: &[u8]) {
    std::fs::write(folder.join(FILE), bytes).expect("written");
    set_mode(&folder.join(FILE), 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("allowed");
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

#[cfg(unix)]
#[test]
fn the_data_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("data");
    drop(Store::open(&path).expect("made"));
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join(FILE))), (0o700, 0o600));
    set_mode(&path.join(FILE), 0o640);
    assert_eq!(code(Store::open(&path)), "E1009");
}

#[test]
fn a_newer_format_is_refused_and_left_as_it_is() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("opens");
    store.commit(&turn(1), &[]).expect("written");
    let newer = |transaction: &redb::WriteTransaction| -> Result<(), redb::Error> {
        transaction.open_table(META)?.insert("format", (FORMAT + 1).to_le_bytes().as_slice())?;
        Ok(())
    };
    write(&store.database, newer).expect("written");
    drop(store);
    assert_eq!(code(Store::open(folder.path())), "E1004");
    let database = Database::open(folder.path().join(FILE)).expect("opens");
    write(&database, |transaction| {
        transaction.open_table(META)?.insert("format", FORMAT.to_le_bytes().as_slice())?;
        Ok(())
    })
    .expect("written");
    drop(database);
    assert_eq!(Store::open(folder.path()).expect("opens").records().expect("read"), after(1));
}

#[test]
fn an_older_format_is_brought_up_to_date() {
    let folder = folder();
    private_file(folder.path(), b"");
    let database = Database::create(folder.path().join(FILE)).expect("made");
    // As format 0 was: lanes without topics.
    write(&database, |transaction| {
        transaction.open_table(META)?.insert("format", 0u32.to_le_bytes().as_slice())?;
        transaction.open_table(LANES)?.insert(0, ME.0.to_le_bytes().as_slice())?;
        let variable = Reference { name: key().name, kind: key().kind, dynamic: false };
        let variable = codec::encode(&Term::Ref(Arc::new(variable)));
        transaction.open_table(VARIABLES)?.insert(0, variable.as_slice())?;
        transaction.open_table(HEIGHTS)?.insert(0, 2)?;
        let mut entries = transaction.open_table(ENTRIES)?;
        for sequence in [1, 2] {
            let content = Content::Element(Term::text(format!("element {sequence}")));
            let bytes = postcard::to_allocvec(&(0u32, 0u32, content)).expect("in memory");
            entries.insert((0, sequence), bytes.as_slice())?;
        }
        Ok(())
    })
    .expect("written");
    drop(database);
    let mut store = Store::open(folder.path()).expect("opens");
    assert_eq!(store.records().expect("read"), after(1));
    assert_eq!(store.summary().expect("read").format, FORMAT);
    store.commit(&turn(2), &[]).expect("written");
    drop(store);
    let store = Store::open(folder.path()).expect("opens again");
    assert_eq!(store.records().expect("read"), after(2));
}

#[test]
fn a_format_that_lacked_tables_gets_them_and_keeps_what_it_has() {
    let lacking: [&[&str]; 2] = [&["effects", "missed", "kept"], &["missed", "kept"]];
    for (format, lacking) in (1u32..).zip(lacking) {
        let folder = folder();
        let mut store = Store::open(folder.path()).expect("opens");
        store.commit(&turn(1), &[]).expect("written");
        write(&store.database, |transaction| -> Result<(), redb::Error> {
            transaction.open_table(META)?.insert("format", format.to_le_bytes().as_slice())?;
            let tables: Vec<_> = transaction.list_tables()?.filter(|table| lacking.contains(&table.name())).collect();
            assert_eq!(tables.len(), lacking.len(), "{lacking:?}");
            for table in tables {
                transaction.delete_table(table)?;
            }
            Ok(())
        })
        .expect("written");
        drop(store);
        let mut store = Store::open(folder.path()).expect("opens");
        assert_eq!(store.records().expect("read"), after(1), "format {format}");
        assert_eq!(store.summary().expect("read").format, FORMAT);
        let put = crate::effects::Put { key: vec![1], value: Some(vec![2]) };
        store.commit(&turn(2), &[put]).expect("written");
        drop(store);
        let store = Store::open(folder.path()).expect("opens again");
        assert_eq!(store.records().expect("read"), after(2), "format {format}");
        assert_eq!(store.effects().expect("read"), [(vec![1], vec![2])]);
    }
}

#[test]
fn damage_anywhere_is_noticed_or_harmless() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("opens");
    (1..=20).for_each(|n| store.commit(&turn(n), &[]).expect("written"));
    drop(store);
    let path = folder.path().join(FILE);
    let whole = std::fs::read(&path).expect("there");
    let mut noticed = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        for byte in &mut damaged[at..(at + 64).min(whole.len())] {
            *byte = !*byte;
        }
        std::fs::write(&path, &damaged).expect("written");
        match Store::open(folder.path()).and_then(|store| store.records()) {
            Ok(records) => assert_eq!(records, after(20), "at {at}"),
            Err(error) => {
                noticed += 1;
                assert!(["E1003", "E1002"].contains(&error.code()), "at {at}: {error}");
            }
        }
    }
    assert!(noticed > 0);
    for length in [1, 100, 4096, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("written");
        let opened = Store::open(folder.path()).and_then(|store| store.records());
        let code = opened.err().map(|error| error.code());
        assert!(matches!(code, Some("E1003" | "E1002")), "cut to {length}: {code:?}");
    }
}

#[test]
fn rows_that_nobody_wrote_are_noticed() {
    let entry = |bytes: &'static [u8]| {
        move |transaction: &redb::WriteTransaction| -> Result<(), redb::Error> {
            transaction.open_table(ENTRIES)?.insert((0, 1), bytes)?;
            Ok(())
        }
    };
    let own = |transaction: &redb::WriteTransaction| -> Result<(), redb::Error> {
        transaction.open_table(OWN)?.insert(1, [9u8; 3].as_slice())?;
        Ok(())
    };
    for put in [&entry(&[]) as Put<'_>, &entry(&[0, 0, 200]), &entry(&[99, 0, 6]), &entry(&[0, 9, 6]), &own] {
        let folder = folder();
        let mut store = Store::open(folder.path()).expect("opens");
        store.commit(&turn(1), &[]).expect("written");
        write(&store.database, put).expect("written");
        assert_eq!(store.records().map_err(|error| error.code()), Err("E1003"));
    }
}

#[test]
fn a_file_that_is_mostly_empty_is_made_smaller() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("opens");
    let many: Vec<Record> = (1..=20_000).map(entry).collect();
    store.commit(&many, &[]).expect("written");
    store.commit(&(1..=20_000).map(gone).collect::<Vec<_>>(), &[]).expect("written");
    store.commit(&turn(1), &[]).expect("written");
    let saved = store.compact().expect("written");
    assert!(saved > 1 << 20, "{saved}");
    assert_eq!(store.records().expect("read"), after(1));
}

fn imported(folder: &Path, file: &Path, shared: bool) -> Result<Vec<Record>, StoreError> {
    import(file, folder, shared)?;
    Store::open(folder)?.records()
}

#[test]
fn a_copy_has_everything_but_the_key_and_speaks_for_its_node() {
    let folder = folder();
    let mut store = Store::open(&folder.path().join("a")).expect("opens");
    store.belongs_to(ME.0, Some("the key")).expect("written");
    let once = Record::Once { key: Term::Int(1) };
    store.commit(&turn(1), &[]).expect("written");
    store.commit(std::slice::from_ref(&once), &[]).expect("written");
    let mut bytes = Vec::new();
    store.export(&mut bytes).expect("written");
    assert!(!bytes.windows(7).any(|window| window == b"the key"));
    let file = folder.path().join("copy");
    std::fs::write(&file, &bytes).expect("written");
    let all = imported(&folder.path().join("b"), &file, false).expect("whole");
    assert_eq!(all, [after(1), vec![once, Record::Before { node: ME.node() }]].concat());
    assert_eq!(Store::open(&folder.path().join("b")).expect("opens").key(), Ok(None));
    assert_eq!(imported(&folder.path().join("c"), &file, true), Ok(after(1)));
    assert_eq!(imported(&folder.path().join("c"), &file, true).map_err(|error| error.code()), Err("E1002"));
    // Whatever is changed or missing, it is no copy, and leaves nothing behind.
    let bad = folder.path().join("bad");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&file, &changed).expect("written");
        assert_eq!(imported(&bad, &file, false).map_err(|error| error.code()), Err("E1010"), "at {at}");
        assert!(!bad.join(FILE).exists());
    }
    std::fs::write(&file, [&bytes[..], b"x"].concat()).expect("written");
    assert_eq!(imported(&bad, &file, false).map_err(|error| error.code()), Err("E1010"), "something behind its end");
    std::fs::write(&file, &bytes[..bytes.len() - 1]).expect("written");
    assert_eq!(imported(&bad, &file, false).map_err(|error| error.code()), Err("E1010"));
}

#[test]
fn an_import_that_was_cut_off_is_no_data_and_is_begun_anew() {
    let folder = folder();
    let (copy, made) = (folder.path().join("copy"), folder.path().join("b"));
    let mut store = Store::open(&folder.path().join("a")).expect("opens");
    store.commit(&turn(1), &[]).expect("written");
    store.export(&mut std::fs::File::create(&copy).expect("made")).expect("written");
    // What a process that was killed leaves.
    drop(crate::store::folder::import(&made).expect("begun"));
    let refused = Store::open(&made).err().expect("nobody starts there");
    assert!(refused.code() == "E1002" && refused.to_string().contains("`lasp data import` begins anew"), "{refused}");
    assert_eq!(Store::look(&made).err().map(|error| error.code()), Some("E1002"));
    assert_eq!(imported(&made, &copy, true), Ok(after(1)));
}

#[cfg(unix)]
#[test]
fn a_copy_can_be_had_while_the_data_is_in_use() {
    let folder = folder();
    let mut store = Store::open(folder.path()).expect("opens");
    store.commit(&turn(1), &[]).expect("written");
    assert_eq!(control::summary(folder.path()).map_err(|error| error.code()), Err("E1001"), "nobody answers");
    store.serve().expect("a socket");
    let (mut asked, mut own) = (Vec::new(), Vec::new());
    control::export(folder.path(), &mut asked).expect("answered");
    store.export(&mut own).expect("written");
    assert_eq!(asked, own);
    assert_eq!(control::summary(folder.path()), store.summary());
    drop(store);
    Store::open(folder.path()).expect("the socket is no foreign thing");
}

#[test]
fn what_is_decided_on_effects_is_kept_and_a_copy_has_the_node_s_own_word_alone() {
    let folder = folder();
    let put =
        |kind: u8, value: Option<&[u8]>| crate::effects::Put { key: vec![kind, 7], value: value.map(<[u8]>::to_vec) };
    let mut store = Store::open(&folder.path().join("a")).expect("opens");
    let together = [put(0, Some(b"vote")), put(1, Some(b"entry")), put(2, Some(b"gone")), put(STARTED, Some(b"now"))];
    store.commit(&turn(1), &together).expect("written");
    store.commit(&[], &[put(2, None)]).expect("written");
    store.set_number(Number::Starts, 3).expect("written");
    drop(store);
    let store = Store::open(&folder.path().join("a")).expect("opens");
    let rows = [(vec![0, 7], b"vote".to_vec()), (vec![1, 7], b"entry".to_vec()), (vec![STARTED, 7], b"now".to_vec())];
    assert_eq!(store.effects(), Ok(rows.to_vec()));
    assert_eq!((store.number(Number::Starts), store.number(Number::Ledger)), (Ok(Some(3)), Ok(None)));
    let (mut bytes, file) = (Vec::new(), folder.path().join("copy"));
    store.export(&mut bytes).expect("written");
    std::fs::write(&file, &bytes).expect("written");
    imported(&folder.path().join("b"), &file, false).expect("whole");
    let copy = Store::open(&folder.path().join("b")).expect("opens");
    assert_eq!(copy.effects(), Ok(rows[2..].to_vec()));
    assert_eq!(copy.number(Number::Starts), Ok(None));
}
