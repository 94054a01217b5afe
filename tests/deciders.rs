//! `enforce_once` in a cluster with issued certificates, among processes that are killed: who decides, and how often anything is
//! started.

#![expect(clippy::disallowed_methods, reason = "a test of real processes: files and the clock")]

mod commands;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use commands::Node;
use commands::run;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

/// Each server adds to the log of what it has started; the effect itself is a print.
const PROGRAM: &str = "
    Wanted = declare(gset).
    Ran = declare(gset).
    C = declare(counter).
    want(N) -> enforce_once(Wanted, {cardinality, N}, fun(Key) -> print({ran, N, Key}), update(Ran, {add, N}) end).
    lists:foreach(fun(N) -> want(N) end, lists:seq(1, arg(effects, 1))).
    lists:foreach(fun(N) -> update(Wanted, {add, N}), sleep(arg(pause, 0)) end, lists:seq(1, arg(wanted, 0))).
    update(C, increment).
";

struct Cluster {
    folder: TempDir,
    file: String,
    addresses: BTreeMap<String, String>,
}

/// Ports that were free a moment ago, all different.
fn free(count: usize) -> Vec<String> {
    let probes: Vec<UdpSocket> = (0..count).map(|_| UdpSocket::bind("127.0.0.1:0").expect("a port")).collect();
    probes.iter().map(|probe| probe.local_addr().expect("bound").to_string()).collect()
}

impl Cluster {
    /// Servers with these names, of which the first so many decide.
    fn new(names: &[&str], deciders: usize, program: &str) -> Cluster {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("program.lasp").display().to_string();
        std::fs::write(&file, program).expect("written");
        let addresses = names.iter().map(|name| (*name).to_owned()).zip(free(names.len())).collect();
        let cluster = Cluster { folder, file, addresses };
        cluster.keys(&["init", "shop"]);
        for name in names {
            cluster.keys(&["issue", "--cluster", "shop", "--node", name, "--role", "server"]);
        }
        if deciders > 0 {
            cluster.appoint(&names[..deciders]);
        }
        cluster
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn keys(&self, arguments: &[&str]) -> String {
        let shop = self.path().join("shop").display().to_string();
        let arguments: Vec<&str> = arguments.iter().map(|it| if *it == "shop" { shop.as_str() } else { it }).collect();
        let done = run(self.path(), &[&["keys"], &arguments[..]].concat(), "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        done.stdout
    }

    fn appoint(&self, names: &[&str]) {
        let servers: Vec<String> = names.iter().map(|name| format!("{name}={}", self.addresses[*name])).collect();
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        self.keys(&[&["deciders", "--cluster", "shop"], &servers[..]].concat());
    }

    fn start_with(&self, name: &str, data: Option<&str>, more: &[&str]) -> Node {
        let keys = self.path().join("shop/nodes").join(name).display().to_string();
        let data = data.map(|data| self.path().join(data).display().to_string());
        let mut arguments = vec!["--cluster", &keys, "--listen", &self.addresses[name]];
        if let Some(data) = &data {
            arguments.extend(["--data", data]);
        }
        Node::start(self.path(), &self.file, &[&arguments[..], more].concat())
    }

    /// Starts a server that joins by the address of another.
    fn start(&self, name: &str, peer: &str, more: &[&str]) -> Node {
        let peers: &[&str] = if peer == name { &[] } else { &["--peers", &self.addresses[peer]] };
        self.start_with(name, Some(&format!("data-{name}")), &[peers, more].concat())
    }
}

fn effects<'a>(nodes: impl IntoIterator<Item = &'a Node>, state: &str) -> Vec<(String, u64)> {
    let seen = nodes.into_iter().flat_map(|node| &node.seen);
    let wanted = seen.filter(|event| event["event"] == "effect" && event["state"] == state);
    wanted.map(|it| (it["key"].as_str().expect("text").to_owned(), it["attempt"].as_u64().expect("a number"))).collect()
}

fn codes(node: &Node) -> Vec<&str> {
    node.seen.iter().filter_map(|event| event["code"].as_str()).filter(|code| code.starts_with("E065")).collect()
}

/// That no attempt was started twice.
fn at_most_once(nodes: &[&Node]) -> usize {
    let started = effects(nodes.iter().copied(), "started");
    let mut sorted = started.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), started.len(), "{started:?}");
    let ran = nodes.iter().flat_map(|node| &node.seen).filter(|event| event["event"] == "print").count();
    assert!(ran <= started.len(), "{ran} of {}", started.len());
    started.len()
}

fn ended(event: &Value) -> bool {
    event["event"] == "effect" && event["state"] == "ended"
}

#[test]
fn without_named_servers_it_is_refused_and_one_that_is_named_decides_alone_with_its_data() {
    let cluster = Cluster::new(&["a", "b"], 0, PROGRAM);
    let mut node = cluster.start("a", "a", &["--set", "wanted=1", "--timeout", "1s"]);
    assert_eq!(node.end(), 1, "{:#?}", node.seen);
    assert!(codes(&node).contains(&"E0651"), "{:#?}", node.seen);
    cluster.appoint(&["a"]);
    // Without its data it has no voice.
    let mut node = cluster.start_with("a", None, &["--set", "wanted=1", "--timeout", "2s"]);
    assert_eq!(node.end(), 4, "{:#?}", node.seen);
    assert_eq!((codes(&node), at_most_once(&[&node])), (vec!["E0654"], 0));
    let (mut a, mut b) = (cluster.start("a", "a", &[]), cluster.start("b", "a", &["--set", "wanted=1"]));
    a.until(ended);
    b.until(ended);
    assert_eq!(at_most_once(&[&a, &b]), 1);
    a.kill();
    // It decided before it started: after it has come back it knows.
    let mut again = cluster.start("a", "b", &["--set", "wanted=1", "--until", "length(query(Ran)) == 1"]);
    assert_eq!(again.end(), 0, "{:#?}", again.seen);
    assert_eq!(at_most_once(&[&again]), 0);
    // An empty folder in the place of its data has forgotten it, and so has no voice.
    let mut empty = cluster.start_with("a", Some("empty"), &["--set", "wanted=1", "--timeout", "2s"]);
    empty.end();
    assert_eq!((codes(&empty), at_most_once(&[&empty])), (vec!["E0654"], 0), "{:#?}", empty.seen);
    b.kill();
}

#[test]
fn nothing_is_started_without_a_majority_while_everything_else_goes_on() {
    let cluster = Cluster::new(&["a", "b", "c", "d"], 3, PROGRAM);
    let wants = ["--set", "wanted=1"];
    // One that decides, and one that does not.
    let (mut a, mut d) = (cluster.start("a", "a", &wants), cluster.start("d", "a", &["--watch"]));
    d.until(|event| event["event"] == "change" && event["variable"] == "C" && event["value"] == 2);
    std::thread::sleep(Duration::from_secs(4));
    for node in [&mut a, &mut d] {
        assert!(!node.saw(|event| event["event"] == "effect"), "{:#?}", node.seen);
    }
    let mut c = cluster.start("c", "d", &["--until", "length(query(Ran)) == 1", "--timeout", "50s"]);
    // Two of the three are a majority.
    assert_eq!(c.end(), 0, "{:#?}", c.seen);
    a.until(ended);
    d.until(ended);
    assert_eq!(at_most_once(&[&a, &c, &d]), 1);
    for node in [&mut a, &mut d] {
        node.kill();
    }
}

#[test]
fn servers_that_are_killed_at_any_moment_start_each_effect_at_most_once_and_all_of_them_are_accounted_for() {
    let cluster = Cluster::new(&["a", "b", "c", "d"], 3, PROGRAM);
    let many = ["--set", "effects=40", "--set", "wanted=40", "--set", "pause=250"];
    let names = ["a", "b", "c"];
    let mut dead: Vec<Node> = Vec::new();
    let mut alive: Vec<Node> = names.iter().map(|name| cluster.start(name, "a", &many)).collect();
    let mut d = cluster.start("d", "a", &many);
    let mut seed = 11u64;
    for _ in 0..6 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(500 + (seed >> 40) % 1500));
        let at = usize::try_from((seed >> 20) % 3).expect("small");
        alive[at].kill();
        // The others are a majority, and go on.
        std::thread::sleep(Duration::from_millis((seed >> 30) % 900));
        let peer = names[(at + 1) % 3];
        let mut gone = std::mem::replace(&mut alive[at], cluster.start(names[at], peer, &many));
        gone.end();
        dead.push(gone);
    }
    // What ended is told by those who know of it; whatever was cut off, as in doubt.
    let told = |node: &Node| -> usize {
        let told = ["ended", "in_doubt"].iter().flat_map(|state| effects([node], state));
        told.collect::<BTreeSet<(String, u64)>>().len()
    };
    for node in alive.iter_mut().chain([&mut d]) {
        while told(node) < 40 {
            node.until(|event| event["event"] == "effect");
        }
    }
    let all: Vec<&Node> = dead.iter().chain(&alive).chain([&d]).collect();
    let started = at_most_once(&all);
    assert!(
        all.iter().all(|node| !codes(node).contains(&"E0654")),
        "whenever it is killed, an honest server keeps its voice"
    );
    let known: BTreeSet<(String, u64)> =
        ["ended", "in_doubt"].iter().flat_map(|state| effects(all.iter().copied(), state)).collect();
    assert_eq!(known.len(), 40, "no other attempt was made, and none is forgotten");
    assert!(started <= 40 && started > 30, "{started}");
    alive.iter_mut().chain([&mut d]).for_each(Node::kill);
}

#[test]
fn what_was_cut_off_is_in_doubt_everywhere_and_runs_again_on_request_alone() {
    const WAITS: &str = "Wanted = declare(gset), Go = declare(ivar), Ran = declare(gset).
        enforce_once(Wanted, {cardinality, 1}, fun() -> print(ran), read(Go), update(Ran, {add, it}) end).
        update(Wanted, {add, 1}).
        thread(fun() -> sleep(arg(go, 3600000)), update(Go, {set, 1}) end).";
    let cluster = Cluster::new(&["a", "b", "c"], 3, WAITS);
    let names = ["a", "b", "c"];
    let mut nodes: Vec<Node> = names.iter().map(|name| cluster.start(name, "a", &[])).collect();
    // Whichever it is.
    let patience = std::time::Instant::now();
    let runner = loop {
        if let Some(at) = nodes.iter_mut().position(|node| node.saw(|event| event["state"] == "started")) {
            break at;
        }
        assert!(patience.elapsed() < commands::PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    };
    nodes[runner].kill();
    let doubt = |event: &Value| event["event"] == "effect" && event["state"] == "in_doubt";
    let mut key = Value::Null;
    for at in (0..3).filter(|at| *at != runner) {
        key = nodes[at].until(doubt)["key"].clone();
    }
    let mut back = cluster.start(names[runner], names[(runner + 1) % 3], &[]);
    assert_eq!(back.until(doubt)["key"], key, "it knows by itself");
    let other = (runner + 1) % 3;
    nodes[other].kill();
    let again = format!("{}:1", key.as_str().expect("text"));
    let more = ["--again", &again, "--set", "go=1", "--until", "length(query(Ran)) == 1", "--timeout", "50s"];
    let mut once_more = cluster.start(names[other], names[runner], &more);
    assert_eq!(once_more.end(), 0, "{:#?}", once_more.seen);
    assert_eq!(effects([&once_more], "started"), [(key.as_str().expect("text").to_owned(), 2)]);
    assert_eq!(back.until(ended)["attempt"], json!(2));
    let all: Vec<&Node> = nodes.iter().chain([&back, &once_more]).collect();
    assert_eq!(at_most_once(&all), 2);
    for at in (0..3).filter(|at| *at != runner && *at != other) {
        nodes[at].kill();
    }
    back.kill();
}

#[test]
fn others_decide_after_they_were_named_while_all_run() {
    let cluster = Cluster::new(&["a", "b", "c", "d", "e"], 3, PROGRAM);
    let names = ["a", "b", "c", "d", "e"];
    let many = ["--set", "effects=3", "--set", "wanted=1"];
    let mut nodes: Vec<Node> = names.iter().map(|name| cluster.start(name, "a", &many)).collect();
    nodes.iter_mut().for_each(|node| drop(node.until(ended)));
    // The list lies in the folders of all; each finds it there, or hears of it.
    cluster.appoint(&["a", "d", "e"]);
    let patience = std::time::Instant::now();
    let knows = |name: &str| cluster.path().join("shop/nodes").join(name).join("decides").exists();
    while !(knows("d") && knows("e")) {
        assert!(patience.elapsed() < commands::PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    }
    // They have taken over once the new ones are a majority without the old ones.
    std::thread::sleep(Duration::from_secs(5));
    nodes[1..4].iter_mut().for_each(Node::kill);
    let mut d = cluster.start("d", "e", &["--set", "effects=3", "--set", "wanted=2"]);
    d.until(ended);
    d.until(ended);
    for node in &mut nodes {
        node.saw(|_| false);
    }
    let all: Vec<&Node> = nodes.iter().chain([&d]).collect();
    assert_eq!(at_most_once(&all), 2);
    for node in [&mut nodes[0], &mut d] {
        node.kill();
    }
}

#[test]
fn who_learns_that_its_data_is_old_decides_nothing_more() {
    let cluster = Cluster::new(&["a", "b"], 1, PROGRAM);
    let b = cluster.start("b", "a", &["--set", "effects=0"]);
    let folders = ["data-a", "shop/nodes/a"].map(|name| cluster.path().join(name));
    let run_a = |wanted: &str, until: &str| {
        let wanted = format!("wanted={wanted}");
        let more = ["--set", "effects=2", "--set", &wanted, "--until", until, "--linger", "2s", "--timeout", "40s"];
        let mut a = cluster.start("a", "b", &more);
        assert_eq!(a.end(), 0, "{:#?}", a.seen);
        a
    };
    let first = run_a("1", "query(Ran) == [1]");
    let copies = folders.each_ref().map(|folder| folder.with_extension("old"));
    folders.iter().zip(&copies).for_each(|(folder, old)| copy(folder, old));
    let second = run_a("2", "query(Ran) == [1, 2]");
    // All that a had, keys included, is what it was before: nothing on this machine can tell that.
    folders.iter().zip(&copies).for_each(|(folder, old)| copy(old, folder));
    let third = run_a("0", "query(Ran) == [1, 2]");
    assert!(third.seen.iter().any(|event| event["code"] == "E1006"), "{:#?}", third.seen);
    assert_eq!(codes(&third), ["E0654"]);
    // By now it has caught up, so no peer would tell it again.
    let fourth = run_a("0", "query(Ran) == [1, 2]");
    assert_eq!(codes(&fourth), ["E0654"], "{:#?}", fourth.seen);
    assert!(fourth.seen.iter().all(|event| event["code"] != "E1006"), "{:#?}", fourth.seen);
    assert_eq!(at_most_once(&[&first, &second, &third, &fourth, &b]), 2);
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let status = std::process::Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.expect("there is cp").success());
}

fn signal(node: &Node, name: &str) {
    let status = std::process::Command::new("kill").args([name, &node.process().to_string()]).status();
    assert!(status.expect("there is kill").success());
}

/// A server that decides, alone or with others, is put back to an earlier state of the same run, as a snapshot of its disk has it: its
/// data alone, or its keys as well. It makes no updates of its own that peers could miss in it.
fn is_put_back(deciders: usize, with_keys: bool) {
    let program = PROGRAM.replace("update(C, increment).", "");
    let cluster = Cluster::new(&["a", "b", "c", "d", "e"], deciders, &program);
    let folders = ["data-a", "shop/nodes/a"].map(|name| cluster.path().join(name));
    let put_back = &folders[..if with_keys { 2 } else { 1 }];
    let idle = ["--set", "effects=0"];
    let (mut first, mut second) = (cluster.start("a", "a", &idle), cluster.start("b", "a", &idle));
    first.peer("b", "connected");
    // Time for an election: nothing of that is to come after the snapshot, or to be needed then.
    std::thread::sleep(Duration::from_secs(4));
    signal(&first, "-STOP");
    folders.iter().for_each(|folder| copy(folder, &folder.with_extension("old")));
    signal(&first, "-CONT");
    let mut other = cluster.start("d", "a", &["--set", "effects=5", "--set", "wanted=5"]);
    (0..5).for_each(|_| drop(other.until(ended)));
    // By now it has heard of all that, and keeps it.
    std::thread::sleep(Duration::from_secs(2));
    if with_keys {
        other.kill();
        other = cluster.start("d", "b", &idle);
        other.peer("b", "connected");
    }
    [&mut first, &mut second].into_iter().for_each(Node::kill);
    for folder in &folders {
        copy(folder, &folder.with_extension("new"));
    }
    put_back.iter().for_each(|folder| copy(&folder.with_extension("old"), folder));
    // With three, one is there that knows of nothing, and makes a majority with it.
    let mut third = cluster.start("c", "d", &idle);
    third.peer("d", "connected");
    let mut back = cluster.start("a", "d", &idle);
    back.until(|event| event["code"] == "E0654");
    let mut late = cluster.start("e", "d", &["--set", "effects=5", "--set", "wanted=5"]);
    late.peer("d", "connected");
    std::thread::sleep(Duration::from_secs(6));
    assert!(!late.saw(|event| event["event"] == "effect"), "{:#?}", late.seen);
    // What it had last is as good as ever.
    back.kill();
    put_back.iter().for_each(|folder| copy(&folder.with_extension("new"), folder));
    let mut again = cluster.start("a", "d", &idle);
    (0..5).for_each(|_| drop(late.until(ended)));
    again.saw(|_| false);
    assert_eq!(codes(&again), Vec::<&str>::new(), "{:#?}", again.seen);
    assert_eq!(at_most_once(&[&late, &again, &back, &third]), 0, "{:#?}", late.seen);
    [&mut again, &mut third, &mut other, &mut late].into_iter().for_each(Node::kill);
}

#[test]
fn one_that_decides_alone_has_no_voice_with_an_earlier_state_of_its_data() {
    is_put_back(1, false);
}

#[test]
fn one_of_three_that_decide_has_no_voice_with_an_earlier_state_of_its_data() {
    is_put_back(3, false);
}

#[test]
fn one_that_decides_alone_and_is_put_back_with_its_keys_is_told_by_a_server_that_heard_of_more() {
    is_put_back(1, true);
}

#[test]
fn one_of_three_that_is_put_back_with_its_keys_is_told_by_a_server_that_heard_of_more() {
    is_put_back(3, true);
}
