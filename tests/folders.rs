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

/// A command in name spaces of its own, in which folders can be made as on media that cannot be written; nothing where there are none.
fn apart(folder: &Path, script: &str) -> Option<std::process::Output> {
    let unshare = |script: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-rm", "sh", "-c", script]).current_dir(folder).env("LASP", env!("CARGO_BIN_EXE_lasp"));
        command.env("LASP_CONFIG_DIR", folder.join("config")).output()
    };
    unshare("true").is_ok_and(|done| done.status.success()).then(|| unshare(script).expect("it runs"))
}

#[test]
fn data_on_media_that_cannot_be_written_is_shown_and_copied_and_a_start_says_what_is_wrong() {
    let folder = folder();
    let plain = write(folder.path(), "plain.lasp", "S = declare(set). update(S, {add, 1}).");
    let data = folder.path().join("data").display().to_string();
    assert_eq!(run(folder.path(), &["run", &plain, "--data", &data, "--quiet"], "").code, 0);
    let script = "mount --bind data data && mount -o remount,ro,bind data &&
        \"$LASP\" data show data && \"$LASP\" data export data copy && ! \"$LASP\" run plain.lasp --data data";
    let Some(done) = apart(folder.path(), script) else { return };
    let (stdout, stderr) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains("entries    1 of 1 variables"), "{stdout}");
    assert!(stderr.contains("exported data to copy") && stderr.contains("error E1002"), "{stderr}");
    let copied = folder.path().join("copied").display().to_string();
    let copy = folder.path().join("copy").display().to_string();
    assert_eq!(run(folder.path(), &["data", "import", &copy, &copied], "").code, 0);
}

#[test]
fn a_copy_that_cannot_be_written_is_not_the_data_s_fault() {
    let folder = folder();
    let plain = write(folder.path(), "plain.lasp", "S = declare(set). update(S, {add, 1}).");
    let data = folder.path().join("data").display().to_string();
    assert_eq!(run(folder.path(), &["run", &plain, "--data", &data, "--quiet"], "").code, 0);
    let refused = |place: &str| {
        let done = run(folder.path(), &["data", "export", &data, place], "");
        assert_eq!(done.code, 6, "{}", done.stderr);
        assert!(
            done.stderr.contains("error E1013") && done.stderr.contains("name a place that this user can write to"),
            "{}",
            done.stderr
        );
        assert!(done.stderr.contains(place), "{}", done.stderr);
    };
    refused(&folder.path().join("not/there").display().to_string());
    if Path::new("/dev/full").exists() {
        refused("/dev/full");
        let mut running = Node::start(folder.path(), &plain, &["--data", &data, "--listen", "127.0.0.1:0"]);
        running.address();
        refused("/dev/full");
    }
}

#[test]
fn an_export_is_looked_into_as_a_folder_is_and_taken_for_none_where_one_is_needed() {
    let folder = folder();
    let plain = write(folder.path(), "plain.lasp", "S = declare(set). update(S, {add, 1}). once(k, fun() -> 1 end).");
    let lasp = |arguments: &[&str]| run(folder.path(), arguments, "");
    let [data, copy] = ["data", "copy"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(lasp(&["run", &plain, "--data", &data, "--quiet"]).code, 0);
    assert_eq!(lasp(&["data", "export", &data, &copy]).code, 0);
    let shown = |of: &str| -> serde_json::Value {
        serde_json::from_str(&lasp(&["data", "show", of, "--json"]).stdout).expect("an object")
    };
    let (inside, copied) = (shown(&data), shown(&copy));
    for field in ["node", "entries", "variables", "replicas", "own", "once"] {
        assert_eq!(inside[field], copied[field], "{field}");
    }
    let bytes = std::fs::read(&copy).expect("there");
    assert_eq!((&copied["export"], &copied["bytes"]), (&copy.as_str().into(), &bytes.len().into()));
    for verb in [&["data", "export", &copy, "-"][..], &["data", "compact", &copy], &["run", &plain, "--data", &copy]] {
        let done = lasp(verb);
        assert_eq!(done.code, 6, "{verb:?} {}", done.stderr);
        assert!(done.stderr.contains(&format!("error E1002: {copy} is an export")), "{verb:?} {}", done.stderr);
        assert!(done.stderr.contains(&format!("lasp data import {copy} DIR")), "{verb:?} {}", done.stderr);
    }
    // Damaged, it is neither shown nor imported.
    let at = bytes.len() / 2;
    let changed = [&bytes[..at], &[bytes[at] ^ 1][..], &bytes[at + 1..]].concat();
    let [bad, made] = ["bad", "made"].map(|name| folder.path().join(name).display().to_string());
    for (bytes, why) in
        [(&changed[..], "has changed"), (&bytes[..at], "it is cut off"), (b"hello", "does not begin as one")]
    {
        std::fs::write(&bad, bytes).expect("written");
        for verb in [&["data", "show", &bad][..], &["data", "import", &bad, &made]] {
            if verb[1] == "show" && bytes == b"hello" {
                // Nobody can know that it was to be one.
                continue;
            }
            let done = lasp(verb);
            assert_eq!(done.code, 6, "{verb:?} {}", done.stderr);
            assert!(done.stderr.contains("error E1010"), "{verb:?} {}", done.stderr);
            assert!(done.stderr.contains(why), "{verb:?} {}", done.stderr);
        }
        assert!(!Path::new(&made).exists());
    }
}

#[test]
fn an_export_takes_no_other_files_place_unasked() {
    let folder = folder();
    let plain = write(folder.path(), "plain.lasp", "S = declare(set). update(S, {add, 1}).");
    let lasp = |arguments: &[&str]| run(folder.path(), arguments, "");
    let [data, copy] = ["data", "copy"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(lasp(&["run", &plain, "--data", &data, "--quiet"]).code, 0);
    std::fs::write(&copy, "the backup of yesterday").expect("written");
    let refused = lasp(&["data", "export", &data, &copy]);
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    assert!(refused.stderr.contains("error E1013") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(std::fs::read(&copy).expect("there"), b"the backup of yesterday");
    assert_eq!(lasp(&["data", "export", &data, &copy, "--force"]).code, 0);
    assert_eq!(lasp(&["data", "show", &copy]).code, 0);
    std::fs::write(&copy, "").expect("written");
    assert_eq!(lasp(&["data", "export", &data, &copy]).code, 0, "as `mktemp` makes it, nothing is lost");
    for verb in ["show", "export", "import", "compact"] {
        assert!(lasp(&["data", verb, "--help"]).stdout.contains("lasp data "), "{verb} has an example");
    }
}

#[test]
fn the_doctor_finds_data_of_issued_keys_that_a_start_without_them_refuses() {
    let folder = folder();
    commands::issue(folder.path(), &[("berlin", "server")]);
    let plain = write(folder.path(), "plain.lasp", "S = declare(set).");
    let [data, keys] = ["data", "berlin"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(run(folder.path(), &["run", &plain, "--cluster", &keys, "--data", &data], "").code, 0);
    let started = run(folder.path(), &["run", &plain, "--data", &data], "");
    assert!(started.code == 6 && started.stderr.contains("E1007"), "{}", started.stderr);
    let told = run(folder.path(), &["doctor", "--data", &data], "");
    assert!(told.code == 6 && told.stdout.contains("E1007"), "{}", told.stdout);
    let told = run(folder.path(), &["doctor", "--data", &data, "--cluster", &keys], "");
    assert!(told.code == 0 && !told.stdout.contains("problem"), "{}", told.stdout);
    let own = folder.path().join("own").display().to_string();
    assert_eq!(run(folder.path(), &["run", &plain, "--data", &own], "").code, 0);
    let told = run(folder.path(), &["doctor", "--data", &own], "");
    assert!(told.code == 0 && !told.stdout.contains("problem"), "{}", told.stdout);
}

#[test]
fn a_node_that_is_told_of_itself_alone_says_that_it_seeks_nobody() {
    let folder = folder();
    let plain = write(folder.path(), "plain.lasp", "S = declare(set).");
    let port =
        std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("free").to_string();
    let mut node = Node::start(folder.path(), &plain, &["--listen", &port, "--peers", &port]);
    node.until(|event| event["code"] == "E0614");
    let mut other = Node::start(folder.path(), &plain, &["--listen", "127.0.0.1:0", "--peers", &port, "--node", "b"]);
    node.peer("b", "connected");
    assert!(!other.saw(|event| event["code"] == "E0614"));
}

#[test]
fn a_wish_to_run_an_effect_again_that_comes_to_nothing_is_told() {
    let folder = folder();
    let program = "C = declare(counter). enforce_once(C, {value, 1}, fun() -> print(ran) end). update(C, increment).";
    let file = write(folder.path(), "effect.lasp", program);
    let data = folder.path().join("data").display().to_string();
    let mut node = Node::start(folder.path(), &file, &["--data", &data]);
    assert_eq!(node.end(), 0, "{:#?}", node.seen);
    let key = node.seen.iter().find(|event| event["event"] == "effect").expect("started")["key"].clone();
    let ended = format!("{}:1", key.as_str().expect("text"));
    let unknown = format!("{:032x}:1", 7);
    for (again, told) in [(&ended, "its attempt 1 has ended"), (&unknown, "no effect of this program has the key")] {
        let done = run(folder.path(), &["run", &file, "--data", &data, "--again", again], "");
        assert!(done.code == 0 && !done.stdout.contains("ran"), "{}{}", done.stdout, done.stderr);
        assert!(done.stderr.contains("warning E0659") && done.stderr.contains(told), "{}", done.stderr);
    }
    let without = run(folder.path(), &["run", &file, "--data", &data], "");
    assert!(!without.stderr.contains("E0659"), "{}", without.stderr);
}
