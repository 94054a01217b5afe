//! What it costs to keep data: updates a second with and without it, a commit beside a bare file that is synced as often, and the
//! start from a large folder.
//!
//! `cargo bench --bench durability` prints figures; those of one line are of one run. The folder is made in the current one, so that
//! the disk is that of the sources and not one in memory.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints figures")]

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use lasp::compile::Session;
use lasp::lattice::dot::ReplicaId;
use lasp::node::Node;
use lasp::node::Progress;
use lasp::node::Settings;
use lasp::store::Store;
use lasp::value::term::Term;

/// As the driver gives it.
const FUEL: u64 = 200_000;
const ROUNDS: usize = 5;

fn node(program: &str, life: u64) -> Node {
    let (mut session, library) = Session::new();
    let (unit, _) = session.program("bench.lasp", program).expect("a program");
    let settings = Settings {
        name: "bench".into(),
        replica: 0,
        role: Term::atom("undefined"),
        arguments: Vec::new(),
        identity: ReplicaId(1 << 64 | u128::from(life)),
        seed: life,
        watch: false,
    };
    Node::new(settings, session, &library, &unit)
}

/// Runs a program to its end, each turn committed before anything of it is given out. Says how many commits there were.
fn run(node: &mut Node, mut store: Option<&mut Store>) -> u32 {
    let mut commits = 0;
    loop {
        let progress = node.run(0, FUEL);
        let (records, effects) = (node.take_journal(), node.take_effect_puts());
        if let Some(store) = &mut store {
            commits += u32::from(!records.is_empty());
            store.commit(&records, &effects).expect("written");
        }
        while node.poll_output().is_some() {}
        if progress == Progress::Idle {
            return commits;
        }
    }
}

fn adding(count: u32) -> String {
    format!("S = declare(set), lists:foreach(fun(N) -> update(S, {{add, {{user, N}}}}) end, lists:seq(1, {count})).")
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn main() {
    let here = tempfile::tempdir_in(".").expect("a folder");
    ratio(here.path());
    single(here.path());
    start(here.path());
}

/// Updates of one program, in memory and kept, by turns.
fn ratio(here: &Path) {
    const COUNT: u32 = 100_000;
    let program = adding(COUNT);
    let (mut plain, mut kept, mut commits) = (Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        let mut without = node(&program, 1);
        let began = Instant::now();
        run(&mut without, None);
        plain.push(began.elapsed().as_secs_f64());
        let mut store = Store::open(&here.join(format!("ratio-{round}"))).expect("a folder");
        let mut with = node(&program, 1);
        with.restore(store.records().expect("read")).expect("nothing yet");
        let began = Instant::now();
        commits = run(&mut with, Some(&mut store));
        kept.push(began.elapsed().as_secs_f64());
    }
    let (plain, kept) = (median(plain), median(kept));
    println!(
        "{COUNT} updates of a set: {:.0} a second without data, {:.0} with it in {commits} commits: {:.2} times the time",
        f64::from(COUNT) / plain,
        f64::from(COUNT) / kept,
        kept / plain
    );
}

/// Commits of one update each, beside as many bytes appended to a file that is synced each time.
fn single(here: &Path) {
    const COUNT: u32 = 300;
    let mut store = Store::open(&here.join("single")).expect("a folder");
    let mut node = node("S = declare(set). go(N) -> update(S, {add, {user, N}}), sleep(1), go(N + 1). go(1).", 1);
    node.restore(store.records().expect("read")).expect("nothing yet");
    let began = Instant::now();
    for now in 0..u64::from(COUNT) {
        while node.run(now, FUEL) == Progress::Busy {}
        store.commit(&node.take_journal(), &[]).expect("written");
        while node.poll_output().is_some() {}
    }
    let commit = began.elapsed().as_secs_f64() / f64::from(COUNT);
    let mut file = std::fs::File::create(here.join("bare")).expect("a file");
    let began = Instant::now();
    for n in 0..COUNT {
        file.write_all(format!("{{user, {n}}} of a set, under a dot\n").as_bytes()).expect("written");
        file.sync_data().expect("synced");
    }
    let bare = began.elapsed().as_secs_f64() / f64::from(COUNT);
    println!(
        "a commit of one update: {:.2} ms; a line appended to a file and synced: {:.2} ms; ratio {:.1}",
        commit * 1e3,
        bare * 1e3,
        commit / bare
    );
}

/// The start from a folder with a million elements: opened, checked, read, and the value of the set there.
fn start(here: &Path) {
    const COUNT: u32 = 1_000_000;
    let folder = here.join("start");
    let mut store = Store::open(&folder).expect("a folder");
    let mut writer = node(&adding(COUNT), 1);
    writer.restore(store.records().expect("read")).expect("nothing yet");
    let began = Instant::now();
    run(&mut writer, Some(&mut store));
    println!("{COUNT} elements written in {:.1} s", began.elapsed().as_secs_f64());
    drop((store, writer));
    let began = Instant::now();
    let store = Store::open(&folder).expect("a folder");
    let opened = began.elapsed().as_secs_f64();
    let records = store.records().expect("read");
    let read = began.elapsed().as_secs_f64();
    let mut back = node("S = declare(set), C = declare(counter), update(C, {increment, length(query(S))}).", 2);
    back.restore(records).expect("what was written");
    let restored = began.elapsed().as_secs_f64();
    run(&mut back, None);
    let there = began.elapsed().as_secs_f64();
    assert_eq!(
        back.finals().iter().find(|last| last.name == "C").map(|last| last.value.clone()),
        Some(Term::Int(1_000_000))
    );
    let bytes = std::fs::metadata(folder.join(lasp::store::FILE)).map_or(0, |facts| facts.len());
    println!(
        "started from {COUNT} elements ({} MB) in {there:.2} s: opened and checked after {opened:.2} s, read after {read:.2} s, \
         restored after {restored:.2} s",
        bytes / 1_000_000
    );
}
