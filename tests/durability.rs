//! Data folders under real processes: killed, copied, brought back, in use, and copied while they run.

#![expect(clippy::disallowed_methods, reason = "a test of real processes: files and the clock")]

mod commands;

use std::collections::BTreeSet;
use std::path::Path;

use commands::Node;
use commands::run;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).expect("written");
    file.display().to_string()
}

fn prints(node: &Node) -> Vec<Value> {
    let printed = node.seen.iter().filter(|event| event["event"] == "print");
    printed.map(|event| event["value"].clone()).collect()
}

fn codes(node: &Node) -> Vec<String> {
    node.seen.iter().filter_map(|event| event["code"].as_str()).map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("made");
    std::fs::copy(from.join("data.redb"), to.join("data.redb")).expect("copied");
}

/// Adds two elements and counts, together, and says so; again and again. What it found at its start, it says first.
const WRITER: &str = "
    S = declare(set).
    C = declare(counter).
    Mine = declare_dynamic(counter).
    All = declare(counter).
    fold_dynamic(Mine, fun(N) -> {increment, N} end, All).
    Run = arg(run, 0).
    found(V) -> print({found, query(V), query(C), query(Mine), query(All)}).
    work(N) ->
        atomically(fun() ->
            update(S, {add, {a, Run, N}}),
            update(C, increment),
            update(Mine, increment),
            update(S, {add, {b, Run, N}})
        end),
        print({done, N}),
        sleep(1),
        work(N + 1).
    found(S).
    work(1).
";

/// The elements of the set as `[letter, run, number]`.
fn elements(set: &Value) -> BTreeSet<(String, i64, i64)> {
    let element = |element: &Value| {
        let number = |at: usize| element[at].as_i64().expect("a number");
        (element[0].as_str().unwrap_or_else(|| panic!("{element}")).to_owned(), number(1), number(2))
    };
    set.as_array().expect("a list").iter().map(element).collect()
}

#[test]
fn killed_at_any_instant_it_has_all_that_it_told_and_no_half_of_anything() {
    let folder = folder();
    let file = write(folder.path(), "writer.lasp", WRITER);
    let look = write(folder.path(), "look.lasp", "S = declare(set). C = declare(counter). All = declare(counter).");
    let data = folder.path().join("data").display().to_string();
    let mut peer = Node::start(folder.path(), &look, &["--node", "peer", "--listen", "127.0.0.1:0"]);
    let address = peer.address();
    let mut told: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut seed = 7u64;
    for round in 0..7i64 {
        let number = format!("run={round}");
        let mut node =
            Node::start(folder.path(), &file, &["--data", &data, "--peers", &address, "--set", &number, "--node", "w"]);
        // After so many, and a little later: anywhere in a turn, a commit, or between.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let after = i64::try_from(seed >> 58).expect("small") + 1;
        if round < 6 {
            node.until(|event| event["value"][1] == after);
            std::thread::sleep(std::time::Duration::from_micros((seed >> 40) % 4000));
        } else {
            node.until(|event| event["value"][0] == "found");
        }
        node.kill();
        node.end();
        let printed = prints(&node);
        let found = printed.first().expect("it began");
        let there = elements(&found[1]);
        for (run, n) in &told {
            assert!(there.contains(&("a".to_owned(), *run, *n)), "{run} {n} was told, and is gone");
        }
        let pairs = there.iter().filter(|(letter, ..)| letter == "a").count();
        assert_eq!(there.len(), 2 * pairs);
        let (a, b): (BTreeSet<_>, BTreeSet<_>) = there.into_iter().partition(|(letter, ..)| letter == "a");
        let plain = |set: BTreeSet<(String, i64, i64)>| set.into_iter().map(|(_, run, n)| (run, n)).collect::<Vec<_>>();
        assert_eq!(plain(a), plain(b), "half of an update");
        for (at, what) in [(2, "the counter"), (3, "its own counter"), (4, "what it contributes")] {
            assert_eq!(found[at], pairs, "{what} in round {round}");
        }
        let done = printed.iter().filter(|value| value[0] == "done");
        told.extend(done.map(|value| (round, value[1].as_i64().expect("a number"))));
        assert_eq!(codes(&node), Vec::<String>::new(), "{:#?}", node.seen);
    }
    // The peer was there all the time, and has the same: no update was taken for another.
    let alone = run(folder.path(), &["run", &look, "--data", &data, "--json"], "");
    let last = |text: &str, name: &str| -> Value {
        let mut line = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
        line.rfind(|line| line["event"] == "final" && line["variable"] == name).expect("a value")["value"].clone()
    };
    let (set, count) = (last(&alone.stdout, "S"), last(&alone.stdout, "C"));
    assert!(elements(&set).len() >= 2 * told.len());
    let until = format!("query(C) == {count} andalso query(All) == {count}");
    let mut third = Node::start(
        folder.path(),
        &look,
        &["--peers", &address, "--until", &until, "--timeout", "50s", "--linger", "0s"],
    );
    let mut back = Node::start(folder.path(), &look, &["--data", &data, "--peers", &address, "--node", "w"]);
    assert_eq!(third.end(), 0, "{:#?}", third.seen);
    assert_eq!(elements(&third.last("S")), elements(&set));
    back.kill();
}

const ADD: &str = "S = declare(set). update(S, {add, arg(mine, 0)}).";

/// Adds an element and ends when it has so many.
fn add(folder: &Path, file: &str, data: &Path, peer: &str, mine: &str, size: usize) -> Node {
    let (data, mine, until) =
        (data.display().to_string(), format!("mine={mine}"), format!("length(query(S)) >= {size}"));
    let linger = ["--until", &until, "--timeout", "50s", "--linger", "1s"];
    let mut node =
        Node::start(folder, file, &[&["--data", &data, "--peers", peer, "--set", &mine][..], &linger[..]].concat());
    assert_eq!(node.end(), 0, "{:#?}", node.seen);
    node
}

#[test]
fn an_old_copy_that_is_brought_back_loses_nothing_and_is_told() {
    let folder = folder();
    let file = write(folder.path(), "add.lasp", ADD);
    let mut peer = Node::start(folder.path(), &file, &["--node", "peer", "--listen", "127.0.0.1:0", "--set", "mine=0"]);
    let address = peer.address();
    let (data, old) = (folder.path().join("data"), folder.path().join("old"));
    add(folder.path(), &file, &data, &address, "1", 2);
    copy(&data, &old);
    let node = add(folder.path(), &file, &data, &address, "2", 3);
    assert_eq!(codes(&node), Vec::<String>::new(), "{:#?}", node.seen);
    std::fs::remove_dir_all(&data).expect("gone");
    std::fs::rename(&old, &data).expect("brought back");
    let node = add(folder.path(), &file, &data, &address, "3", 4);
    assert_eq!(codes(&node), ["E1006"], "{:#?}", node.seen);
    assert_eq!(node.last("S"), json!([0, 1, 2, 3]));
    // What it made since, the peer took for what it is.
    let node = add(folder.path(), &file, &data, &address, "4", 5);
    assert_eq!(codes(&node), Vec::<String>::new(), "{:#?}", node.seen);
    assert_eq!(node.last("S"), json!([0, 1, 2, 3, 4]));
}

#[test]
fn of_two_copies_that_run_the_second_is_told_and_not_let_in() {
    let folder = folder();
    let file = write(folder.path(), "add.lasp", ADD);
    let mut peer = Node::start(folder.path(), &file, &["--node", "peer", "--listen", "127.0.0.1:0", "--set", "mine=0"]);
    let address = peer.address();
    let (data, twin) = (folder.path().join("data"), folder.path().join("twin"));
    add(folder.path(), &file, &data, &address, "1", 2);
    copy(&data, &twin);
    let start = |data: &Path, mine: &str| {
        let data = data.display().to_string();
        Node::start(folder.path(), &file, &["--data", &data, "--peers", &address, "--set", mine])
    };
    let mut one = start(&data, "mine=2");
    one.peer("peer", "connected");
    let mut two = start(&twin, "mine=3");
    let refused = two.until(|event| event["event"] == "peer" && event["state"] == "refused");
    assert_eq!(refused["code"], "E1005");
    let turned_away = peer.until(|event| event["event"] == "peer" && event["state"] == "refused");
    assert_eq!(turned_away["code"], "E1005");
    // When the first has ended, the second gets in, and what it made meanwhile is there.
    one.kill();
    two.peer("peer", "connected");
    let until = ["--peers", &address, "--until", "length(query(S)) >= 5", "--timeout", "50s", "--set", "mine=4"];
    let mut third = Node::start(folder.path(), &file, &until);
    assert_eq!(third.end(), 0, "{:#?}", third.seen);
    assert_eq!(third.last("S"), json!([0, 1, 2, 3, 4]));
}

#[test]
fn a_folder_in_use_can_be_copied_and_not_used_twice() {
    let folder = folder();
    let file = write(folder.path(), "add.lasp", ADD);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, export, other) = (path("data"), path("copy"), path("other"));
    let mut node = Node::start(
        folder.path(),
        &file,
        &["--data", &data, "--node", "a", "--listen", "127.0.0.1:0", "--set", "mine=1"],
    );
    let address = node.address();
    let second = run(folder.path(), &["run", &file, "--data", &data], "");
    assert_eq!(second.code, 6);
    assert!(second.stderr.contains("E1001"), "{}", second.stderr);
    // Its address is told before its program has run.
    let shown = || -> Value {
        let shown = run(folder.path(), &["data", "show", &data, "--json"], "");
        serde_json::from_str(&shown.stdout).expect("an object")
    };
    let written = (0..200).any(|_| shown()["entries"] == json!(1));
    assert!(written, "{}", shown());
    assert_eq!(shown()["running"], json!(true));
    let done = run(folder.path(), &["data", "export", &data, &export], "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = run(folder.path(), &["data", "import", &export, &other], "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    // It is another node: both run at the same time.
    let other = add(folder.path(), &file, Path::new(&other), &address, "2", 2);
    assert_eq!(other.last("S"), json!([1, 2]));
    assert_eq!(codes(&other), Vec::<String>::new());
    node.kill();
}

#[cfg(unix)]
#[test]
fn a_node_that_is_stopped_is_told_as_one_that_does_not_answer() {
    let folder = folder();
    let file = write(folder.path(), "add.lasp", ADD);
    let data = folder.path().join("data").display().to_string();
    let mut node = Node::start(folder.path(), &file, &["--data", &data, "--listen", "127.0.0.1:0"]);
    node.address();
    let stopped = std::process::Command::new("kill").args(["-STOP", &node.process().to_string()]).status();
    assert!(stopped.is_ok_and(|status| status.success()));
    let shown = run(folder.path(), &["data", "show", &data], "");
    assert_eq!(shown.code, 6);
    assert!(shown.stderr.contains("E1001") && shown.stderr.contains("kill -CONT"), "{}", shown.stderr);
    let asked = run(folder.path(), &["doctor", "--data", &data], "");
    assert_eq!(asked.code, 5);
    assert!(asked.stdout.contains("does not answer"), "{}", asked.stdout);
}

#[cfg(unix)]
#[test]
fn a_copy_goes_through_links_and_pipes_and_leaves_them_what_they_are() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let run = |arguments: &[&str]| commands::run(folder.path(), arguments, "S = declare(set). update(S, {add, 1}).");
    assert_eq!(run(&["run", "-", "--data", &at("data")]).code, 0);
    std::fs::write(at("target"), "old").expect("written");
    std::os::unix::fs::symlink(at("target"), at("link")).expect("made");
    let refused = run(&["data", "export", &at("data"), &at("link")]);
    assert_eq!(refused.code, 6, "what is there stays");
    assert_eq!(std::fs::read(at("target")).expect("there"), b"old");
    assert_eq!(run(&["data", "export", "--force", &at("data"), &at("link")]).code, 0);
    assert!(std::fs::symlink_metadata(at("link")).expect("there").is_symlink());
    assert_ne!(std::fs::read(at("target")).expect("there"), b"old");
    let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let pipe = at("pipe");
    let reader = std::thread::spawn(move || std::fs::read(pipe).expect("it can be read"));
    assert_eq!(run(&["data", "export", &at("data"), &at("pipe")]).code, 0);
    assert!(reader.join().expect("it ends").len() > 100);
    assert!(!std::fs::metadata(at("pipe")).expect("there").is_file());
}

#[test]
fn what_is_no_data_folder_is_refused_with_exit_code_6() {
    let folder = folder();
    let file = write(folder.path(), "add.lasp", ADD);
    let here = folder.path().display().to_string();
    let done = run(folder.path(), &["run", &file, "--data", &here], "");
    assert_eq!(done.code, 6);
    assert!(done.stderr.contains("E1002"), "{}", done.stderr);
    let nowhere = folder.path().join("nowhere").display().to_string();
    for arguments in
        [&["data", "show", &nowhere][..], &["data", "export", &nowhere, "-"], &["data", "compact", &nowhere]]
    {
        let done = run(folder.path(), arguments, "");
        assert_eq!(done.code, 6, "{}", done.stderr);
        assert!(!Path::new(&nowhere).exists(), "nothing is made by looking");
    }
}

#[test]
fn what_a_node_had_alone_and_what_once_called_is_there_after_a_restart() {
    let folder = folder();
    let program = "
        Mine = declare_dynamic(set).
        Total = declare(counter).
        Best = declare_dynamic({top_k, [2]}).
        World = declare({top_k, [2]}).
        once(start, fun() -> update(Mine, {add, first}), print(begun) end).
        fold_dynamic(Mine, fun(_) -> increment end, Total).
        fold_dynamic(Best, fun({N, S}) -> {set, N, S} end, World).
        update(Mine, {add, arg(mine, 0)}).
        update(Best, {set, arg(mine, 0), arg(mine, 0)}).
    ";
    let file = write(folder.path(), "own.lasp", program);
    let data = folder.path().join("data").display().to_string();
    let expected = [
        "begun\nMine = [1, first]\nTotal = 2\nBest = [{1, 1}]\nWorld = [{1, 1}]\n",
        "Mine = [1, 2, first]\nTotal = 3\nBest = [{2, 2}, {1, 1}]\nWorld = [{2, 2}, {1, 1}]\n",
        "Mine = [1, 2, 3, first]\nTotal = 4\nBest = [{3, 3}, {2, 2}]\nWorld = [{3, 3}, {2, 2}]\n",
    ];
    for (number, wanted) in (1..).zip(expected) {
        let done = run(folder.path(), &["run", &file, "--data", &data, "--set", &format!("mine={number}")], "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(done.stdout, wanted);
    }
}

/// The events about effects, each as its state.
#[test]
fn a_name_that_stands_for_another_type_in_the_node_s_own_data_is_told() {
    let folder = folder();
    let data = folder.path().join("data").display().to_string();
    let run = |program: &str| commands::run(folder.path(), &["run", "-", "--data", &data], program);
    assert_eq!(run("S = declare(set). update(S, {add, 1}).").stderr, "");
    let other = run("S = declare(gset). update(S, {add, 7}).");
    let told = "error E0301: the variable S is a gset here and a set in this node's data";
    assert!(other.stderr.contains(told) && other.stdout == "S = [7]\n", "{}{}", other.stdout, other.stderr);
    // Neither is lost, and each time it is told.
    let again = run("S = declare(set).");
    assert!(again.stderr.contains("a set here and a gset in this node's data"), "{}", again.stderr);
    assert_eq!(again.stdout, "S = [1]\n");
}

fn states(node: &Node) -> Vec<String> {
    let effects = node.seen.iter().filter(|event| event["event"] == "effect");
    effects.map(|event| event["state"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn an_effect_is_started_once_whatever_becomes_of_the_process_and_again_on_request_alone() {
    let folder = folder();
    let program = "C = declare(counter), Go = declare(ivar).
        enforce_once(C, {value, 1}, fun() -> print(ran), read(Go) end).
        update(C, increment).";
    let file = write(folder.path(), "effect.lasp", program);
    let data = folder.path().join("data").display().to_string();
    let mut node = Node::start(folder.path(), &file, &["--data", &data, "--listen", "127.0.0.1:0"]);
    let started = node.until(|event| event["event"] == "effect");
    assert_eq!(started["state"], "started");
    node.until(|event| event["event"] == "print");
    node.kill();
    node.end();
    assert_eq!(prints(&node).len(), 1);
    // It was killed while the function ran: nobody knows how far it came.
    let key = started["key"].as_str().expect("a key").to_owned();
    let mut node = Node::start(folder.path(), &file, &["--data", &data, "--timeout", "2s"]);
    node.end();
    assert_eq!((states(&node), prints(&node)), (vec!["in_doubt".to_owned()], Vec::new()), "{:#?}", node.seen);
    assert!(codes(&node).contains(&"E0650".to_owned()));
    let again = format!("{key}:1");
    write(folder.path(), "effect.lasp", &format!("{program}\nupdate(Go, {{set, 1}})."));
    for (wanted, runs) in [(vec!["in_doubt", "started", "ended"], 1), (vec!["ended"], 0)] {
        let mut node = Node::start(folder.path(), &file, &["--data", &data, "--again", &again]);
        node.end();
        assert_eq!(states(&node), wanted, "{:#?}", node.seen);
        assert_eq!(prints(&node).len(), runs);
    }
}

#[test]
fn what_the_cluster_has_started_is_known_to_a_copy_wherever_it_is_brought() {
    let folder = folder();
    let program = "C = declare(gcounter).
        enforce_once(C, {value, 1}, fun() -> print(pay) end).
        update(C, increment).
        once(k, fun() -> print(once) end).";
    let file = write(folder.path(), "pay.lasp", program);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, export, other, beside) = (path("data"), path("copy"), path("other"), path("beside"));
    let printed = |home: &Path, data: &str| run(home, &["run", &file, "--data", data, "--quiet"], "").stdout;
    let first = printed(folder.path(), &data);
    assert!(first.contains("pay\n") && first.contains("once\n"), "{first}");
    assert_eq!(run(folder.path(), &["data", "export", &data, &export], "").code, 0);
    // Beside the first, and in its place: on this machine, and on another, which has no ledger.
    assert_eq!(run(folder.path(), &["data", "import", &export, &other], "").code, 0);
    assert_eq!(printed(folder.path(), &other), "");
    let machine = self::folder();
    for (arguments, data, prints) in
        [(["--shared", &export, &beside], &beside, "once\n"), (["--", &export, &path("third")], &path("third"), "")]
    {
        assert_eq!(run(folder.path(), &[&["data", "import"], &arguments[..]].concat(), "").code, 0);
        assert_eq!(printed(machine.path(), data), prints, "{arguments:?}");
    }
    std::fs::remove_dir_all(&data).expect("removed");
    assert_eq!(run(folder.path(), &["data", "import", &export, &data], "").code, 0);
    let shown = run(folder.path(), &["data", "show", &data, "--json"], "").stdout;
    assert!(shown.contains("\"effects\":1"), "{shown}");
    assert_eq!(printed(folder.path(), &data), "");
    let piped = commands::lasp(folder.path(), &["data", "import", "-", &path("piped")])
        .stdin(std::fs::File::open(&export).expect("there"))
        .status();
    assert!(piped.expect("the binary runs").success());
    assert_eq!(run(folder.path(), &["data", "show", &path("piped"), "--json"], "").code, 0);
    // A copy of the copy, too.
    let (again, last) = (path("again"), path("last"));
    assert_eq!(run(folder.path(), &["data", "export", &data, &again], "").code, 0);
    assert_eq!(run(folder.path(), &["data", "import", &again, &last], "").code, 0);
    assert_eq!(printed(self::folder().path(), &last), "");
}

#[test]
fn data_of_another_key_is_refused_and_left_as_it_is() {
    let folder = folder();
    let file = write(folder.path(), "add.lasp", ADD);
    let path = |name: &str| folder.path().join(name).display().to_string();
    commands::issue(folder.path(), &[("a", "client"), ("b", "client")]);
    let (a, b, data) = (path("a"), path("b"), path("data"));
    let of = |keys: &[&str], mine: &str| {
        run(folder.path(), &[&["run", &file, "--data", &data, "--set", mine], keys].concat(), "")
    };
    assert_eq!(of(&["--cluster", &a], "mine=1").stdout, "S = [1]\n");
    for keys in [&["--cluster", b.as_str()][..], &[]] {
        let refused = of(keys, "mine=2");
        assert_eq!((refused.code, refused.stdout.as_str()), (6, ""));
        assert!(refused.stderr.contains("E1007"), "{}", refused.stderr);
    }
    assert_eq!(of(&["--cluster", &a], "mine=3").stdout, "S = [1, 3]\n");
}

#[test]
fn a_client_that_was_killed_brings_what_no_server_had_when_it_starts_again() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (shop, server_keys, client_keys, data) =
        (at("shop"), at("shop/nodes/berlin"), at("shop/nodes/till"), at("data"));
    let keys = |arguments: &[&str]| {
        let done = run(folder.path(), &[&["keys"], arguments].concat(), "");
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    };
    keys(&["init", &shop]);
    keys(&["issue", "--cluster", &shop, "--node", "berlin", "--role", "server"]);
    keys(&["issue", "--cluster", &shop, "--node", "till"]);
    let sell = write(
        folder.path(),
        "sell.lasp",
        "S = declare(set), update(S, {add, sold}), update(S, {add, back}), update(S, {rmv, back}), print(done).
         read(S, [never]).",
    );
    let look = write(folder.path(), "look.lasp", "S = declare(set), read(S, [never]).");
    let wait =
        write(folder.path(), "wait.lasp", "S = declare(set), read(S, [sold]), print(query(S)), read(S, [never]).");
    // Nobody listens there.
    let alone = ["--cluster", &client_keys, "--data", &data, "--peers", "127.0.0.1:9"];
    let mut client = Node::start(folder.path(), &sell, &alone);
    client.until(|event| event["event"] == "print");
    client.kill();
    client.end();
    let mut server = Node::start(folder.path(), &wait, &["--cluster", &server_keys, "--listen", "127.0.0.1:0"]);
    let address = server.address();
    let again = ["--cluster", &client_keys, "--data", &data, "--peers", &address];
    let mut client = Node::start(folder.path(), &look, &again);
    assert_eq!(server.until(|event| event["event"] == "print")["value"], json!(["sold"]));
    client.kill();
    server.kill();
}

/// 100 pieces in stock, of which it sells so many, one at a time.
const SHOP: &str = "
    Stock = declare(bcounter).
    once(stock, fun() -> update(Stock, {increment, 100}) end).
    sell(0) -> done;
    sell(N) ->
        case try_update(Stock, decrement) of
            {ok, _} -> print(sold);
            {refused, _} -> print(refused)
        end,
        sleep(1),
        sell(N - 1).
    sell(arg(sales, 1000)).
";

/// Sells as many as it can. Says how many, and what warnings it got.
fn sell(folder: &Path, file: &str, data: &Path, sales: usize) -> (usize, Vec<String>, Value) {
    let (data, sales) = (data.display().to_string(), format!("sales={sales}"));
    let mut node = Node::start(folder, file, &["--data", &data, "--set", &sales]);
    assert_eq!(node.end(), 0, "{:#?}", node.seen);
    (prints(&node).iter().filter(|print| *print == "sold").count(), codes(&node), node.last("Stock"))
}

#[test]
fn rights_of_a_bounded_counter_are_its_node_s_own_after_every_end() {
    let folder = folder();
    let file = write(folder.path(), "shop.lasp", SHOP);
    let data = folder.path().join("data");
    let mut sold = 0;
    for kill in 0..5 {
        let mut node = Node::start(folder.path(), &file, &["--data", &data.display().to_string()]);
        for _ in 0..5 + 3 * kill {
            node.until(|event| event["event"] == "print" && event["value"] == "sold");
        }
        node.kill();
        sold += prints(&node).iter().filter(|print| *print == "sold").count();
        assert_eq!(codes(&node), Vec::<String>::new(), "{:#?}", node.seen);
    }
    let (more, warned, left) = sell(folder.path(), &file, &data, 5);
    assert_eq!((more, warned), (5, Vec::new()));
    // What was sold and not told, as the node was killed in between, is one of each life at most.
    let left = usize::try_from(left.as_u64().expect("a number")).expect("few");
    assert!((95 - sold - 5..=95 - sold).contains(&left), "{left} are left, {sold} were told before");
    let (rest, warned, last) = sell(folder.path(), &file, &data, 100);
    assert_eq!((rest, warned, last), (left, Vec::new(), json!(0)));
}

#[test]
fn rights_are_not_spent_by_a_copy_too() {
    let folder = folder();
    let file = write(folder.path(), "shop.lasp", SHOP);
    let [data, old, elsewhere] = ["data", "old", "elsewhere"].map(|name| folder.path().join(name));
    assert_eq!(sell(folder.path(), &file, &data, 10), (10, Vec::new(), json!(90)));
    copy(&data, &old);
    copy(&data, &elsewhere);
    let lost = |(sold, codes, left): (usize, Vec<String>, Value)| (sold, codes.join(" "), left);
    // On another machine.
    let machine = folder.path().join("machine");
    std::fs::create_dir(&machine).expect("made");
    assert_eq!(lost(sell(&machine, &file, &elsewhere, 10)), (0, "E1011".into(), json!(90)));
    assert_eq!(lost(sell(&machine, &file, &elsewhere, 10)), (0, String::new(), json!(90)));
    // On this one, after the original went on, and before.
    assert_eq!(sell(folder.path(), &file, &data, 10), (10, Vec::new(), json!(80)));
    assert_eq!(lost(sell(folder.path(), &file, &old, 10)), (0, "E1011".into(), json!(90)));
    // That is nothing to the original.
    assert_eq!(sell(folder.path(), &file, &data, 10), (10, Vec::new(), json!(70)));
    // Of two that are equal the first is believed.
    let equal = folder.path().join("equal");
    copy(&data, &equal);
    assert_eq!(sell(folder.path(), &file, &equal, 10), (10, Vec::new(), json!(60)));
    assert_eq!(lost(sell(folder.path(), &file, &data, 10)), (0, "E1011".into(), json!(70)));
}

#[test]
fn rights_move_to_another_machine_with_their_witness() {
    let folder = folder();
    let file = write(folder.path(), "shop.lasp", SHOP);
    let [data, machine] = ["data", "machine"].map(|name| folder.path().join(name));
    assert_eq!(sell(folder.path(), &file, &data, 10), (10, Vec::new(), json!(90)));
    std::fs::create_dir_all(machine.join("config")).expect("made");
    std::fs::rename(folder.path().join("config/rights"), machine.join("config/rights")).expect("moved");
    assert_eq!(sell(&machine, &file, &data, 10), (10, Vec::new(), json!(80)));
}
