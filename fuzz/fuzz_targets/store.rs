//! Any bytes as a data file, and as the rows of an export: refused, or a node's data. `cargo +nightly fuzz run store`.
#![no_main]

use lasp::store::FILE;
use lasp::store::Store;
use lasp::store::import;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let mut export = [b"lasp export 1\n", bytes, &[0]].concat();
    export.extend(blake3::hash(&export).as_bytes());
    let file = folder.path().join("export");
    std::fs::write(&file, export).expect("written");
    let made = folder.path().join("made");
    if import(&file, &made, false).is_ok() {
        Store::open(&made).and_then(|store| store.records()).expect("it was checked");
    }
    let data = folder.path().join("data");
    drop(Store::open(&data).expect("made"));
    let file = data.join(FILE);
    let mut changed = std::fs::read(&file).expect("there");
    for change in bytes.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) * 4 + usize::from(change[2] % 4);
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= change[3];
        }
    }
    std::fs::write(&file, changed).expect("written");
    let _ = Store::open(&data).and_then(|store| store.records());
});
