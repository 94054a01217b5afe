//! Separate processes on loopback.

#![expect(clippy::disallowed_methods, reason = "a test of real processes: files and the clock")]

mod commands;

use commands::Node;
use commands::program;
use serde_json::json;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn write(folder: &TempDir, text: &str) -> String {
    let file = folder.path().join("program.lasp");
    std::fs::write(&file, text).expect("written");
    file.display().to_string()
}

/// A port that was free a moment ago.
fn free() -> String {
    let probe = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    probe.local_addr().expect("bound").to_string()
}

const SUM: &str = "S = declare(set). update(S, {add, arg(mine, 0)}). D = map(S, fun(X) -> X * 2 end).";
const THREE: &str = "query(D) == [2, 4, 6]";

#[test]
fn three_find_each_other_by_one_address_in_any_order() {
    let folder = folder();
    let file = write(&folder, SUM);
    let first = free();
    let mut nodes: Vec<Node> = ["1", "2", "3"]
        .iter()
        .map(|number| {
            let mine = format!("mine={number}");
            // The one that listens at the known address comes last.
            let way = if *number == "3" { ["--listen", &first] } else { ["--peers", &first] };
            Node::start(
                folder.path(),
                &file,
                &["--node", number, "--set", &mine, "--until", THREE, "--timeout", "50s", way[0], way[1]],
            )
        })
        .collect();
    for node in &mut nodes {
        assert_eq!(node.end(), 0, "{:#?}", node.seen);
        assert_eq!(node.last("D"), json!([2, 4, 6]));
    }
    // The two that were given one address have met each other as well.
    let met =
        |node: &Node, name: &str| node.seen.iter().any(|event| event["peer"] == name && event["state"] == "connected");
    assert!(met(&nodes[0], "2") && met(&nodes[1], "1"));
}

#[test]
fn a_latecomer_and_one_that_returns_get_everything() {
    let folder = folder();
    let file = write(&folder, SUM);
    let mut a = Node::start(
        folder.path(),
        &file,
        &["--node", "a", "--set", "mine=1", "--listen", "127.0.0.1:0", "--until", THREE, "--timeout", "50s"],
    );
    let address = a.address();
    let mut b = Node::start(folder.path(), &file, &["--node", "b", "--set", "mine=2", "--peers", &address]);
    a.peer("b", "connected");
    b.peer("a", "connected");
    std::thread::sleep(std::time::Duration::from_millis(300));
    b.kill();
    a.peer("b", "lost");
    let mut b = Node::start(
        folder.path(),
        &file,
        &["--node", "b", "--set", "mine=3", "--peers", &address, "--until", THREE, "--timeout", "50s"],
    );
    assert_eq!(b.end(), 0, "{:#?}", b.seen);
    assert_eq!(a.end(), 0, "{:#?}", a.seen);
    assert_eq!(a.last("S"), json!([1, 2, 3]));
}

const EFFECT: &str = "C = declare(counter), Ran = declare(gset).
    enforce_once(C, {value, 3}, fun(Key) -> print(Key), update(Ran, {add, node()}) end).
    update(C, increment).";

/// What was printed by all.
fn printed(nodes: &[Node]) -> Vec<String> {
    let prints = nodes.iter().flat_map(|node| &node.seen).filter(|event| event["event"] == "print");
    prints.map(|event| event["value"].to_string()).collect()
}

#[test]
fn an_effect_runs_once_for_all_processes_and_once_more_when_all_have_ended() {
    let folder = folder();
    let file = write(&folder, EFFECT);
    for _ in 0..2 {
        let until = ["--until", "query(C) == 3 andalso length(query(Ran)) == 1", "--timeout", "50s"];
        let start = |name: &str, way: [&str; 2]| {
            Node::start(folder.path(), &file, &[&["--node", name, way[0], way[1]], &until[..]].concat())
        };
        let mut a = start("a", ["--listen", "127.0.0.1:0"]);
        let address = a.address();
        let mut nodes = vec![a, start("b", ["--peers", &address]), start("c", ["--peers", &address])];
        for node in &mut nodes {
            assert_eq!(node.end(), 0, "{:#?}", node.seen);
        }
        assert_eq!(printed(&nodes).len(), 1, "{:?}", printed(&nodes));
    }
}

#[test]
fn what_a_task_writes_that_never_waits_reaches_a_peer_and_that_it_holds_up_the_rest_is_told() {
    let folder = folder();
    let file = write(&folder, "S = declare(set). loop(N) -> update(S, {add, N rem 40}), loop(N + 1). loop(0).");
    let mut writer = Node::start(folder.path(), &file, &["--node", "w", "--listen", "127.0.0.1:0", "--timeout", "50s"]);
    let address = writer.address();
    let reads = folder.path().join("reads.lasp");
    std::fs::write(&reads, "S = declare(set).").expect("written");
    let until = ["--until", "length(query(S)) == 40", "--timeout", "40s", "--peers", &address];
    let mut reader = Node::start(folder.path(), &reads.display().to_string(), &[&["--node", "r"], &until[..]].concat());
    assert_eq!(reader.end(), 0, "{:#?}", reader.seen);
    let told = writer.until(|event| event["event"] == "warning");
    assert_eq!(told["code"], "E0812");
    writer.kill();
}

#[test]
fn an_effect_whose_process_was_killed_is_in_doubt_at_the_others() {
    let folder = folder();
    let waits = "C = declare(counter), Never = declare(ivar).
        enforce_once(C, {value, 1}, fun() -> print(started), read(Never) end).
        update(C, increment).";
    let file = write(&folder, waits);
    let mut a = Node::start(folder.path(), &file, &["--node", "a", "--listen", "127.0.0.1:0"]);
    let address = a.address();
    let started = a.until(|event| event["event"] == "effect");
    assert_eq!(started["state"], "started");
    let mut b = Node::start(folder.path(), &file, &["--node", "b", "--peers", &address]);
    b.peer("a", "connected");
    a.kill();
    let doubt = b.until(|event| event["event"] == "effect");
    assert_eq!((&doubt["state"], &doubt["key"]), (&json!("in_doubt"), &started["key"]));
    let told = |event: &serde_json::Value| event["event"] == "warning" && event["code"] == "E0650";
    if !b.saw(told) {
        b.until(told);
    }
    b.kill();
    assert_eq!(printed(&[b]), Vec::<String>::new());
}

#[test]
fn only_the_best_scores_of_a_leaderboard_travel() {
    let folder = folder();
    let until = "query(G) == [{p0, 3000}, {p1, 2999}, {p2, 2998}]";
    let scores = |from: i32| {
        let scores: Vec<String> =
            (0..1000).map(|at| format!("{{p{}, {}}}", at * 3 + from, 3000 - at * 3 - from)).collect();
        format!("scores=[{}]", scores.join(","))
    };
    let file = program("leaderboard.lasp");
    let mut a = Node::start(
        folder.path(),
        &file,
        &["--set", &scores(0), "--listen", "127.0.0.1:0", "--until", until, "--timeout", "50s"],
    );
    let address = a.address();
    let mut rest: Vec<Node> = [1, 2]
        .iter()
        .map(|from| {
            Node::start(
                folder.path(),
                &file,
                &["--set", &scores(*from), "--peers", &address, "--until", until, "--timeout", "50s"],
            )
        })
        .collect();
    rest.push(a);
    for node in &mut rest {
        assert_eq!(
            node.end(),
            0,
            "{:#?}",
            node.seen.iter().filter(|event| event["event"] != "final").collect::<Vec<_>>()
        );
        assert_eq!(node.last("G"), json!([["p0", 3000], ["p1", 2999], ["p2", 2998]]));
        let traffic = node.seen.iter().find(|event| event["event"] == "traffic").expect("counted");
        // A thousand scores would be ten thousand bytes and more.
        assert!(traffic["sent_bytes"].as_u64().expect("a number") < 8000, "{traffic}");
    }
}

#[test]
fn advertisements_disappear_everywhere_after_the_limit() {
    let folder = folder();
    let file = program("ad_counter.lasp");
    let until = "query(AdsWithContracts) == [] andalso length(query(Contracts)) == 2";
    let common = ["--set", "limit=20", "--set", "ads=1", "--until", until, "--timeout", "50s"];
    let with = |more: &[&str]| -> Node {
        let arguments: Vec<&str> = common.iter().chain(more).copied().collect();
        Node::start(folder.path(), &file, &arguments)
    };
    let mut server = with(&["--set", "role=server", "--listen", "127.0.0.1:0"]);
    let address = server.address();
    let mut clients: Vec<Node> = (0..2).map(|_| with(&["--set", "role=client", "--peers", &address])).collect();
    for node in clients.iter_mut().chain([&mut server]) {
        assert_eq!(node.end(), 0, "{:#?}", node.seen);
        assert_eq!(node.last("RovioAds"), json!([]));
    }
}

#[test]
fn a_peer_that_does_not_answer_is_told_of_within_three_seconds_and_why() {
    let folder = folder();
    let file = write(&folder, SUM);
    let start = std::time::Instant::now();
    let mut a = Node::start(folder.path(), &file, &["--peers", &free(), "--timeout", "5s"]);
    a.until(|event| event["event"] == "peer" && event["code"] == "E0605");
    assert!(start.elapsed() < std::time::Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(a.end(), 4);
}

/// Passes packets on from one port to another and back, as address translation does. Counts who comes.
fn translation(to: String) -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use std::net::UdpSocket;
    use std::sync::atomic::Ordering;
    let outside = std::sync::Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a port"));
    let address = outside.local_addr().expect("bound").to_string();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = count.clone();
    std::thread::spawn(move || {
        let mut inside: std::collections::BTreeMap<std::net::SocketAddr, UdpSocket> = std::collections::BTreeMap::new();
        let mut packet = vec![0; 1 << 16];
        while let Ok((length, from)) = outside.recv_from(&mut packet) {
            let socket = inside.entry(from).or_insert_with(|| {
                seen.fetch_add(1, Ordering::Relaxed);
                let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
                socket.connect(&to).expect("an address");
                let (back, outside) = (socket.try_clone().expect("a socket"), outside.clone());
                std::thread::spawn(move || {
                    let mut packet = vec![0; 1 << 16];
                    while let Ok(length) = back.recv(&mut packet) {
                        let _ = outside.send_to(&packet[..length], from);
                    }
                });
                socket
            });
            let _ = socket.send(&packet[..length]);
        }
    });
    (address, count)
}

#[test]
fn nodes_with_issued_certificates_meet_behind_address_translation() {
    let folder = folder();
    let file = write(&folder, SUM);
    let path = |name: &str| folder.path().join(name).display().to_string();
    commands::issue(folder.path(), &[("a", "server"), ("b", "server"), ("c", "client")]);
    let inside = free();
    let (outside, came) = translation(inside.clone());
    let until = ["--until", THREE, "--timeout", "50s"];
    let start = |name: &str, mine: &str, way: &[&str]| {
        let keys = path(name);
        Node::start(folder.path(), &file, &[&["--cluster", &keys, "--set", mine][..], way, &until].concat())
    };
    let mut a = start("a", "mine=1", &["--listen", &inside, "--advertise", &outside]);
    a.address();
    let (mut b, mut c) = (start("b", "mine=2", &["--peers", &outside]), start("c", "mine=3", &["--peers", &outside]));
    for node in [&mut a, &mut b, &mut c] {
        assert_eq!(node.end(), 0, "{:#?}", node.seen);
        assert_eq!(node.last("D"), json!([2, 4, 6]));
    }
    // By its certificate each is called what it was issued for.
    assert!(a.seen.iter().any(|event| event["peer"] == "c" && event["state"] == "connected"), "{:#?}", a.seen);
    assert!(came.load(std::sync::atomic::Ordering::Relaxed) >= 2);
    let (keys, nowhere) = (path("a"), "nowhere.invalid:1");
    let arguments = ["run", &file, "--cluster", &keys, "--listen", "127.0.0.1:0", "--advertise", nowhere];
    let refused = commands::run(folder.path(), &arguments, "");
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains("E0604"), "{}", refused.stderr);
}

/// Writes 60 MB over and over into one register, which keeps 20 kB of them.
const WRITER: &str = r#"R = declare(lwwregister), Ready = declare(gset), Done = declare(gset).
    big(0) -> "";
    big(N) -> "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" ++ big(N - 1).
    write(0, _) -> ok;
    write(N, Text) -> update(R, {set, {N, Text}}), write(N - 1, Text).
    update(Ready, {add, node()}).
    read(Ready, {cardinality, 3}).
    print(begins).
    case arg(writes, 0) of 0 -> ok; N -> sleep(1500), write(N, big(310)), update(Done, {add, N}) end.
    read(Done, {cardinality, 1}),
    print(done)."#;

/// The most memory that a process had resident so far, in KiB.
#[cfg(target_os = "linux")]
fn memory_kib(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.process())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a line of it");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_stands_still_costs_the_others_neither_time_nor_memory_and_catches_up() {
    let folder = folder();
    let file = write(&folder, WRITER);
    let common = ["--timeout", "55s", "--quiet"];
    let start = |name: &str, more: &[&str]| {
        let arguments = [&["--node", name][..], &common, more].concat();
        Node::start(folder.path(), &file, &arguments)
    };
    let prints = |what: &'static str| move |event: &serde_json::Value| event["value"] == what;
    let mut writer = start("writer", &["--listen", "127.0.0.1:0", "--set", "writes=3000"]);
    let address = writer.address();
    let mut reader = start("reader", &["--peers", &address]);
    let mut still = start("still", &["--peers", &address]);
    still.until(prints("begins"));
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill").args([name, &still.process().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    };
    // Until then the writer may not have heard of the third, which it waits for.
    writer.until(prints("begins"));
    signal("-STOP");
    let before = memory_kib(&writer);
    // The reader has it all while the third stands still.
    reader.until(prints("done"));
    let grown = memory_kib(&writer) - before;
    assert!(grown < 48 << 10, "60 MB were written while one peer took nothing: {grown} KiB more");
    signal("-CONT");
    still.until(prints("done"));
    [writer, reader, still].iter_mut().for_each(Node::kill);
}

const SELLS: &str = "Sold = declare(set), set_topic(Sold, sold).
    Count = declare(counter), fold(Sold, fun(_) -> increment end, Count).
    Names = declare(set), map(Sold, fun(#{name := N}) -> N end, Names).
    Dear = declare(set), filter(Sold, fun(#{price := P}) -> P > 1 end, Dear).
    Pairs = declare(set), product(Names, Names, Pairs).
    ByName = declare({gmap, [counter]}), group_by(Sold, fun(#{name := N}) -> N end, fun(#{price := P}) -> {increment, P} end, ByName).
    Cheap = sql(\"select name from Sold where price < 2\").
    stream(Count, fun(N) -> print(N) end).
    update(Sold, {add, #{name => arg(mine, none), price => arg(price, 0)}}).
    Go = declare(boolean).
    invariant(Go, true, fun() -> sleep(3000), update(Sold, {add, #{name => last, price => 3}}) end).";
const SHOWS: &str = "Count = declare(counter). Names = declare(set). Dear = declare(set). Pairs = declare(set).
    ByName = declare({gmap, [counter]}). Cheap = declare(set). Go = declare(boolean).
    interested(nothing).
    stream(Count, fun(N) -> print(N) end).
    invariant(Count, {value, 2}, fun() -> update(Go, true) end).";

#[test]
fn a_client_that_derives_nothing_shows_what_servers_derive_and_goes_on_when_one_is_killed() {
    let folder = folder();
    let (server, client) = (folder.path().join("server.lasp"), folder.path().join("client.lasp"));
    std::fs::write(&server, SELLS).expect("written");
    std::fs::write(&client, SHOWS).expect("written");
    let path = |name: &str| folder.path().join(name).display().to_string();
    commands::issue(folder.path(), &[("a", "server"), ("b", "server"), ("c", "client")]);
    let start = |name: &str, file: &str, more: &[&str]| {
        Node::start(folder.path(), file, &[&["--cluster", &path(name)][..], more].concat())
    };
    let (server, client) = (server.display().to_string(), client.display().to_string());
    let mut a = start("a", &server, &["--listen", "127.0.0.1:0", "--set", "mine=one", "--set", "price=1"]);
    let first = a.address();
    let set = ["--set", "mine=two", "--set", "price=2"];
    let mut b = start("b", &server, &[&["--listen", "127.0.0.1:0", "--peers", &first][..], &set].concat());
    let second = b.address();
    // What only the one that is killed has seen, the other could not give.
    b.until(|event| event["event"] == "print" && event["value"] == 2);
    // The last product is the last to come.
    let until = ["--until", "query(Count) == 3 andalso length(query(Pairs)) == 9", "--timeout", "50s"];
    let mut c = start("c", &client, &[&["--peers", &first, "--peers", &second][..], &until].concat());
    c.until(|event| event["event"] == "print" && event["value"] == 2);
    a.kill();
    assert_eq!(c.end(), 0, "{:#?}", c.seen);
    assert_eq!((c.last("Count"), c.last("Names")), (json!(3), json!(["last", "one", "two"])));
    assert_eq!(c.last("ByName"), json!({"last": 3, "one": 1, "two": 2}));
    assert_eq!(c.last("Dear").as_array().map(Vec::len), Some(2));
    assert_eq!(c.last("Cheap"), json!([{"name": "one"}]));
    assert!(!c.saw(|event| event["code"] == "E0317"), "{:#?}", c.seen);
}

#[cfg(unix)]
#[test]
fn a_reader_that_pauses_stops_the_program_that_prints_and_not_the_node() {
    use std::io::BufRead;
    use std::io::BufReader;
    let folder = folder();
    // More than a pipe holds, and more than waits for a reader.
    let prints = "S = declare(set). update(S, {add, hub}).\n\
                  go(0) -> done; go(N) -> [print(1000 * N - I) || I <- lists:seq(1, 1000)], sleep(1), go(N - 1). go(400).";
    let file = write(&folder, prints);
    let at = free();
    let mut hub = commands::lasp(folder.path(), &["run", &file, "--listen", &at, "--node", "hub", "--quiet"]);
    let mut hub = hub.spawn().expect("the binary runs");
    let stderr = BufReader::new(hub.stderr.take().expect("piped"));
    let (told, tells) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = stderr.lines().map_while(Result::ok);
        lines.find(|line| line.contains("E0809")).map(|line| told.send(line))
    });
    let leaf = folder.path().join("leaf.lasp");
    std::fs::write(&leaf, "S = declare(set). update(S, {add, arg(me, none)}).").expect("written");
    let leaf = leaf.display().to_string();
    for (name, all) in [("one", "[hub, one]"), ("two", "[hub, one, two]")] {
        let (me, until) = (format!("me={name}"), format!("query(S) == {all}"));
        // It stays until the hub has what it wrote.
        let more = ["--node", name, "--peers", &at, "--set", &me, "--until", &until, "--timeout", "30s"];
        let mut node = Node::start(folder.path(), &leaf, &more);
        assert_eq!(node.end(), 0, "{name} hears of all by the hub: {:#?}", node.seen);
    }
    tells.recv_timeout(std::time::Duration::from_secs(30)).expect("the hub tells that nobody reads");
    // And nothing of it is lost.
    let stdout = BufReader::new(hub.stdout.take().expect("piped"));
    let lines = stdout.lines().map_while(Result::ok).take(400_000);
    let expected = (0..400_000).rev().map(|number: u32| number.to_string());
    assert!(lines.eq(expected));
    hub.kill().expect("still there");
    hub.wait().expect("it ends");
}

#[cfg(unix)]
#[test]
fn who_is_asked_to_end_does_not_wait_long_for_a_reader() {
    use std::io::Read;
    let folder = folder();
    let file = write(&folder, "go(N) -> print(N), go(N + 1). go(1).");
    let mut node = commands::lasp(folder.path(), &["run", &file]).spawn().expect("the binary runs");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let sent = std::process::Command::new("kill").args(["-TERM", &node.id().to_string()]).status();
    assert!(sent.expect("there is kill").success());
    assert_eq!(ends(&mut node), Some(130));
    let mut said = String::new();
    let read = node.stderr.take().expect("piped").read_to_string(&mut said);
    assert!(read.is_ok() && said.contains("error E0808"), "{said}");
    // Nor does one whose time is up.
    for more in [&["--timeout", "500ms"][..], &["--timeout", "500ms", "--listen", "127.0.0.1:0"]] {
        let mut node =
            commands::lasp(folder.path(), &[&["run", &file], more].concat()).spawn().expect("the binary runs");
        assert_eq!(ends(&mut node), Some(4), "{more:?}");
        said.clear();
        let read = node.stderr.take().expect("piped").read_to_string(&mut said);
        assert!(read.is_ok() && said.contains("E0804"), "{said}");
    }
}

/// The exit code of what ends soon: two seconds for a reader, and the rest for a busy machine.
#[cfg(unix)]
fn ends(node: &mut std::process::Child) -> Option<i32> {
    let ended = (0..70).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        node.try_wait().expect("a child")
    });
    if ended.is_none() {
        node.kill().expect("still there");
    }
    ended.and_then(|status| status.code())
}

#[cfg(unix)]
#[test]
fn a_program_without_end_ends_with_its_reader_unless_it_is_a_node() {
    use std::io::BufRead;
    use std::io::BufReader;
    let folder = folder();
    let [every, prints] = ["every(20, fun() -> print(x) end).", "go(N) -> print(N), go(N + 1). go(1)."];
    let node = ["--listen", "127.0.0.1:0", "--timeout", "2s"];
    for (program, more, code) in [
        (every, &[][..], 0),
        (every, &["--json"], 0),
        (every, &["--until", "false", "--timeout", "60s"], 130),
        (every, &["--replicas", "2"], 130),
        (every, &node, 4),
        (every, &["--data", "kept", "--timeout", "2s"], 4),
        (prints, &[], 130),
    ] {
        let file = write(&folder, program);
        let mut run =
            commands::lasp(folder.path(), &[&["run", &file], more].concat()).spawn().expect("the binary runs");
        let mut line = String::new();
        // As `head -1` does it.
        BufReader::new(run.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(ends(&mut run), Some(code), "{program} {more:?}");
        let mut said = String::new();
        let read = std::io::Read::read_to_string(&mut run.stderr.take().expect("piped"), &mut said);
        assert!(read.is_ok() && (code == 4 || !said.contains("error")), "{program} {more:?} {said}");
    }
}

#[test]
fn a_node_that_runs_tells_how_it_stands_with_each_of_its_peers() {
    let folder = folder();
    let file = write(&folder, SUM);
    let data = folder.path().join("data").display().to_string();
    let mut a = Node::start(folder.path(), &file, &["--node", "a", "--listen", "127.0.0.1:0"]);
    let (address, nobody) = (a.address(), free());
    let peers = format!("{address},{nobody}");
    let mut b = Node::start(folder.path(), &file, &["--node", "b", "--data", &data, "--peers", &peers]);
    b.peer("a", "connected");
    b.until(|event| event["event"] == "peer" && event["peer"] == nobody && event["code"] == "E0605");
    let asked = commands::run(folder.path(), &["doctor", "--data", &data, "--json"], "");
    let found: Vec<serde_json::Value> =
        asked.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let peer = |address: &str| found.iter().find(|line| line["what"] == "peer" && line["address"] == address);
    let connected = peer(&address).unwrap_or_else(|| panic!("the one that is connected: {found:#?}"));
    assert_eq!((&connected["peer"], &connected["role"]), (&json!("a"), &json!("server")));
    assert_eq!((&connected["connection"], &connected["state"]), (&json!("connected"), &json!("ok")));
    let lost = peer(&nobody).unwrap_or_else(|| panic!("the one that is not: {found:#?}"));
    assert_eq!(
        (&lost["connection"], &lost["state"], &lost["code"]),
        (&json!("resolving"), &json!("problem"), &json!("E0605"))
    );
    assert_eq!(asked.code, 5, "{}", asked.stderr);
    // The other keeps no data, and is asked by its own address.
    let asked = commands::run(folder.path(), &["doctor", "--listen", &address, "--json"], "");
    let found: Vec<serde_json::Value> =
        asked.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let itself = found.iter().find(|line| line["what"] == "node").unwrap_or_else(|| panic!("the node: {found:#?}"));
    assert_eq!(itself["message"], format!("a runs, and listens on {address}"));
    let peer = found.iter().find(|line| line["what"] == "peer").unwrap_or_else(|| panic!("its peer: {found:#?}"));
    assert_eq!((&peer["peer"], &peer["connection"]), (&json!("b"), &json!("connected")));
    assert_eq!(asked.code, 0, "{}", asked.stderr);
}
