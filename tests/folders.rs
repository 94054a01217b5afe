//! What becomes of data folders, and what they leave elsewhere, under real processes: deleted, replaced, and never used for what
//! something outside of them would have to witness.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "a test of real processes: files and the clock")]

mod commands;

use std::fs;
use std::path::Path;

use commands::Node;
use commands::run;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).expect("written");
    file.display().to_string()
}

/// Writes and tells so, again and again, after the first of which there is a pause.
const WRITER: &str = "
    S = declare(set).
    work(N) -> update(S, {add, N}), print(N), sleep(arg(pause, 5)), work(N + 1).
    work(1).
";

#[test]
fn a_node_whose_data_is_deleted_moved_or_replaced_ends_whether_it_writes_or_not() {
    let folder = folder();
    let file = write(folder.path(), "writer.lasp", WRITER);
    let gone = |name: &str, pause: &str, change: &dyn Fn(&Path)| {
        let data = folder.path().join(name);
        let mut node = Node::start(folder.path(), &file, &["--data", &data.display().to_string(), "--set", pause]);
        node.until(|event| event["event"] == "print");
        change(&data);
        assert_eq!(node.end(), 6, "{name}: {:#?}", node.seen);
        let told: Vec<&str> = node.seen.iter().filter_map(|event| event["code"].as_str()).collect();
        assert_eq!(told, ["E1012"], "{name}");
        assert!(!node.seen.iter().any(|event| event["event"] == "final"), "{name}: what is not kept is not shown");
    };
    gone("deleted", "pause=5", &|data| fs::remove_dir_all(data).expect("deleted"));
    gone("idle", "pause=600000", &|data| fs::remove_dir_all(data).expect("deleted"));
    gone("moved", "pause=5", &|data| fs::rename(data, data.with_extension("old")).expect("moved"));
    gone("replaced", "pause=600000", &|data| {
        fs::rename(data.join("data.redb"), data.join("old")).expect("moved");
        fs::copy(data.join("old"), data.join("data.redb")).expect("copied");
    });
}

#[test]
fn a_node_that_was_moved_away_from_leaves_the_one_in_its_place_alone() {
    let folder = folder();
    let file = write(folder.path(), "writer.lasp", WRITER);
    let data = folder.path().join("data");
    let shown = data.display().to_string();
    let mut first = Node::start(folder.path(), &file, &["--data", &shown, "--set", "pause=600000"]);
    first.until(|event| event["event"] == "print");
    fs::rename(&data, folder.path().join("old")).expect("moved");
    let mut second = Node::start(folder.path(), &file, &["--data", &shown, "--set", "pause=600000"]);
    second.until(|event| event["event"] == "print");
    assert_eq!(first.end(), 6, "{:#?}", first.seen);
    let asked = run(folder.path(), &["data", "show", &shown], "");
    assert!(asked.code == 0 && asked.stdout.contains("running"), "{}{}", asked.stdout, asked.stderr);
}

/// What lies in a folder of the configuration.
fn left(folder: &Path, within: &str) -> Vec<String> {
    let found = fs::read_dir(folder.join("config").join(within)).into_iter().flatten().flatten();
    found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn data_without_rights_and_effects_leaves_nothing_behind_for_good() {
    let folder = folder();
    let plain = write(folder.path(), "plain.lasp", "S = declare(set). update(S, {add, 1}).");
    let shop = write(folder.path(), "shop.lasp", "Stock = declare(bcounter). update(Stock, increment).");
    let start = |file: &str, name: &str| {
        let data = folder.path().join(name).display().to_string();
        assert_eq!(run(folder.path(), &["run", file, "--data", &data, "--quiet"], "").code, 0);
    };
    start(&plain, "a");
    let after_one = left(folder.path(), "effects").len();
    for name in ["b", "c", "a", "b"] {
        start(&plain, name);
    }
    assert_eq!(left(folder.path(), "rights"), Vec::<String>::new());
    assert_eq!(left(folder.path(), "effects").len(), after_one, "{:?}", left(folder.path(), "effects"));
    start(&shop, "d");
    start(&shop, "d");
    start(&shop, "a");
    assert_eq!(left(folder.path(), "rights").len(), 2, "one for each folder that has rights");
}
