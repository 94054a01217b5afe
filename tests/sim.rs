//! `lasp sim`: the same seed gives the same run, faults happen as told, failures are found, repeated and made smaller.

#![expect(clippy::disallowed_methods, reason = "a test of the binary: files")]

mod commands;

use std::fs;
use std::path::Path;

use commands::Done;
use commands::run;
use serde_json::Value;
use tempfile::TempDir;

/// Everybody adds now and then, takes away again, and counts.
const BUSY: &str = "
S = declare(set).
C = declare(counter).
B = declare(bcounter).
go(0) -> done;
go(N) ->
    atomically(fun() -> update(S, {add, {replica(), N}}), update(C, increment) end),
    update(S, {rmv, {replica() - 1, N + 1}}),
    try_update(B, case N rem 2 of 0 -> increment; _ -> decrement end),
    sleep(random(150)),
    go(N - 1).
go(20).
";

/// Holds unless a node is cut off for a while.
const HASTY: &str = "
S = declare(set).
case replica() of 0 -> update(S, {add, 1}); _ -> ok end.
sleep(1500).
assert(query(S) == [1]).
";

fn folder(program: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("p.lasp"), program).expect("a file");
    folder
}

fn sim_in(folder: &Path, flags: &[&str]) -> Done {
    let file = folder.join("p.lasp").display().to_string();
    run(folder, &[&["sim", &file], flags].concat(), "")
}

fn sim(program: &str, flags: &[&str]) -> Done {
    sim_in(folder(program).path(), flags)
}

fn events(done: &Done, name: &str) -> Vec<Value> {
    let all = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object a line"));
    all.filter(|event| event["event"] == name).collect()
}

const STORM: [&str; 22] = [
    "--replicas",
    "5",
    "--for",
    "5s",
    "--loss",
    "10%",
    "--duplicate",
    "5%",
    "--delay",
    "5ms..150ms",
    "--reorder",
    "--skew",
    "200ms",
    "--drift",
    "2%",
    "--crash",
    "40%",
    "--crash-with-data",
    "40%",
    "--partition",
    "30%",
    "--json",
];

#[test]
fn the_same_seed_gives_the_same_output_and_trace_in_every_process() {
    let folder = folder(BUSY);
    let with = |seed: &str, trace: &str| {
        let trace = folder.path().join(trace);
        let path = trace.display().to_string();
        let done = sim_in(folder.path(), &[&STORM[..], &["--seed", seed, "--trace", &path]].concat());
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        (done.stdout, fs::read_to_string(trace).expect("the trace"))
    };
    let (first, again, other) = (with("7", "a"), with("7", "b"), with("8", "c"));
    assert_eq!(first, again);
    assert_ne!(first.0, other.0);
    assert!(first.1.lines().count() > 1000 && first.1.contains("crash") && first.1.contains("partition"));
}

/// Many nodes have something to do at a time; some are clients, some crash, and they find other neighbours.
#[test]
fn the_trace_is_the_same_however_many_threads_simulate_the_nodes() {
    let folder = folder(&BUSY.replace("go(20).", "go(2)."));
    let with = |threads: &str| {
        let trace = folder.path().join(threads);
        let path = trace.display().to_string();
        let most = ["--replicas", "32", "--role", "29..31:client", "--neighbours", "5", "--threads", threads];
        let faults = ["--for", "1s", "--loss", "2%", "--crash", "10%", "--partition", "20%", "--delay", "5ms..8ms"];
        let done = sim_in(folder.path(), &[&most[..], &faults, &["--json", "--trace", &path]].concat());
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        (done.stdout, fs::read_to_string(trace).expect("the trace"))
    };
    let (one, several) = (with("1"), with("3"));
    assert!(one.1.lines().count() > 5000, "{}", one.1.lines().count());
    assert!(one == several);
}

#[test]
fn nodes_agree_after_every_kind_of_trouble() {
    let done = sim(BUSY, &[&STORM[..19], &["--join", "1", "--leave", "1", "--runs", "8"]].concat());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(done.stdout.lines().filter(|line| line.contains("all agree")).count(), 8, "{}", done.stdout);
}

#[test]
fn it_reports_what_was_sent_how_fast_and_how_far_apart_nodes_were() {
    let done = sim(BUSY, &["--json", "--for", "4s"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let pushes: Vec<Value> = events(&done, "traffic").into_iter().filter(|event| event["kind"] == "push").collect();
    assert!(pushes[0]["messages"].as_u64() > Some(100), "{pushes:?}");
    let convergence = &events(&done, "convergence")[0];
    let histogram = convergence["histogram"].as_array().expect("buckets");
    let counted: u64 = histogram.iter().filter_map(|bucket| bucket[1].as_u64()).sum();
    assert_eq!(Some(counted), convergence["updates"].as_u64());
    assert!(counted > 150 && convergence["under_way"] == 0, "{convergence}");
    let points = events(&done, "divergence")[0]["points"].as_array().expect("points").clone();
    assert!(points.len() > 40 && points.iter().any(|point| point[2].as_u64() > Some(1)), "{points:?}");
    assert_eq!(points.last().map(|point| point[2].clone()), Some(Value::from(1)));
    let values: Vec<Value> = events(&done, "final").into_iter().filter(|event| event["variable"] == "C").collect();
    assert_eq!((values.len(), &values[0]["value"]), (1, &Value::from(60)));
}

/// What a line does that `lasp sim` gave.
fn again(folder: &Path, line: &Value) -> (String, Done) {
    let line = line.as_str().expect("a line").to_owned();
    // As a shell takes it: the program's name has no spaces, events are in quotation marks.
    let words: Vec<String> = line
        .split('\'')
        .enumerate()
        .flat_map(|(at, part)| {
            if at % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
        })
        .collect();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let done = run(folder, &words, "");
    (line, done)
}

#[test]
fn an_assertion_that_can_fail_is_found_repeated_and_made_smaller() {
    let folder = folder(HASTY);
    let fine = sim_in(folder.path(), &["--replicas", "4"]);
    assert_eq!(fine.code, 0, "{}{}", fine.stdout, fine.stderr);
    let flags =
        ["--replicas", "6", "--for", "5s", "--loss", "2%", "--skew", "20ms", "--partition", "60%", "--crash", "20%"];
    let found = sim_in(folder.path(), &[&flags[..], &["--runs", "40", "--json"]].concat());
    assert_eq!(found.code, 1, "{}{}", found.stdout, found.stderr);
    assert!(found.stderr.contains("E0394"), "{}", found.stderr);
    let failed = &events(&found, "failed")[0];
    let again = |line: &Value| again(folder.path(), line);
    let (_, repeated) = again(&failed["repeat"]);
    assert_eq!(repeated.code, 1);
    let (line, smaller) = again(&failed["smaller"]);
    assert_eq!(smaller.code, 1, "{line}");
    assert!(smaller.stderr.contains("E0394"), "{}", smaller.stderr);
    assert!(line.contains("--replicas 2 ") || line.contains("--replicas 3 "), "{line}");
    assert!(!line.contains("--skew") && !line.contains("crash") && line.matches("--event").count() <= 2, "{line}");
}

#[test]
fn the_smaller_line_can_be_run_though_flags_named_nodes_that_it_has_not() {
    let folder = folder(HASTY);
    let flags = ["--replicas", "6", "--for", "5s", "--partition", "60%", "--role", "3..5:client", "--set", "1,5:x=1"];
    let found = sim_in(folder.path(), &[&flags[..], &["--runs", "40", "--json"]].concat());
    assert_eq!(found.code, 1, "{}{}", found.stdout, found.stderr);
    let (line, smaller) = again(folder.path(), &events(&found, "failed")[0]["smaller"]);
    assert_eq!(smaller.code, 1, "{line}\n{}", smaller.stderr);
    assert!(smaller.stderr.contains("E0394"), "{}", smaller.stderr);
    assert!(!line.contains("5:"), "{line}");
    // What somebody types is told as it was typed.
    for (flag, value) in [("--role", "1..7:client"), ("--set", "7:x=1")] {
        let refused = sim_in(folder.path(), &["--replicas", "6", flag, value]);
        assert_eq!(refused.code, 2);
        let told = format!("`{flag} {value}` names node {}, which is never there", if flag == "--set" { 7 } else { 6 });
        assert!(refused.stderr.contains(&told), "{}", refused.stderr);
    }
}

#[test]
fn a_script_makes_things_happen_when_it_says() {
    let folder = folder("S = declare(set).");
    let script = "% A storm.\nat 1s partition 0 | rest\nat 2s type 0 \"update(S, {add, alone})\"\nat 3s crash 0\n\
                  at 4s restart 0\nat 4s join 3\nat 5s type 3 \"update(S, {add, late})\"\nat 6s leave 3\n";
    fs::write(folder.path().join("storm.txt"), script).expect("a file");
    let path = folder.path().join("storm.txt").display().to_string();
    let done = sim_in(folder.path(), &["--script", &path, "--replicas", "3", "--json"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    // What was written in isolation by a node that crashed is nowhere; what the one that left had said is everywhere.
    assert_eq!(events(&done, "final")[0]["value"], serde_json::json!(["late"]));
    assert_eq!(events(&done, "simulated")[0]["nodes"], 3);
    assert_eq!(events(&done, "convergence")[0]["gone"], 1);
}

#[test]
fn a_node_that_comes_back_with_its_data_has_what_nobody_else_had() {
    let program =
        "S = declare(set). case replica() of 1 -> once(first, fun() -> update(S, {add, 1}) end); _ -> ok end.";
    let apart = ["--event", "at 1ms partition 1 | rest", "--event", "at 2s crash 1", "--json"];
    let value = |back: &str| {
        let done = sim(program, &[&apart[..], &["--event", back]].concat());
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        events(&done, "final")[0]["value"].clone()
    };
    assert_eq!(value("at 3s restart 1 with data"), serde_json::json!([1]));
    // Its program runs anew, and `once` has called that function already.
    let gone = sim(program, &[&apart[..], &["--event", "at 3s join 3"]].concat());
    assert_eq!(events(&gone, "final")[0]["value"], serde_json::json!([]), "{}", gone.stdout);
}

#[test]
fn many_nodes_know_a_few_others_each_and_agree_all_the_same() {
    let program = "
        S = declare(set).
        case replica() < 10 of
            true -> sleep(500 + random(1500)), update(S, {add, replica()});
            false -> listens
        end.";
    let done = sim(program, &["--replicas", "40", "--for", "4s", "--json"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert_eq!(events(&done, "final")[0]["value"].as_array().map(Vec::len), Some(10));
    let sent = |kind: &str| {
        let traffic = events(&done, "traffic").into_iter().find(|event| event["kind"] == kind);
        traffic.and_then(|event| event["messages"].as_u64()).unwrap_or(0)
    };
    // Ten updates to 39 others each; with a full mesh every one of them would be a push of its author's.
    assert!(sent("push") == 0 && (390..1600).contains(&sent("tree-push")), "{}", done.stdout);
    assert!(events(&done, "convergence")[0]["all_ms"].as_u64() < Some(500), "{}", done.stdout);
    let storm =
        ["--replicas", "30", "--for", "6s", "--crash", "20%", "--partition", "30%", "--loss", "5%", "--leave", "3"];
    let done = sim(program, &storm);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
}

#[test]
fn a_one_way_partition_cuts_one_way_and_heals() {
    let done = sim(
        "S = declare(set). read(S, {cardinality, 1}), print({at, now_ms()}).",
        &[
            "--replicas",
            "2",
            "--event",
            "from 0s to 5s one-way 0 -> 1",
            "--event",
            "at 1s type 0 \"update(S, {add, 1})\"",
        ],
    );
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let at = |node: &str| {
        let line = done.stdout.lines().find(|line| line.starts_with(node)).expect("a line").to_owned();
        line.chars().filter(char::is_ascii_digit).skip(1).collect::<String>().parse::<u64>().expect("a time")
    };
    assert!((1000..1100).contains(&at("n0")) && at("n1") > 5000, "{}", done.stdout);
}

#[test]
fn nodes_are_told_what_is_for_them() {
    let program = "print({replica(), arg(limit, none), role()}).";
    let done = sim(program, &["--set", "limit=5", "--set", "1..2:limit=[7]", "--set", "0:role=server"]);
    let lines: Vec<&str> = done.stdout.lines().take(3).collect();
    assert_eq!(lines, ["n0: {0, 5, server}", "n1: {1, [7], undefined}", "n2: {2, [7], undefined}"]);
}

#[test]
fn what_is_wrong_with_a_script_is_told_with_its_place() {
    let folder = folder("S = declare(set).");
    fs::write(folder.path().join("bad.txt"), "at 1s crash 0\nat 2x heal\nat 3s partition 0\n").expect("a file");
    let path = folder.path().join("bad.txt").display().to_string();
    let done = sim_in(folder.path(), &["--script", &path, "--event", "at 1s explode"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
    for part in ["bad.txt:2:4: error E0710", "bad.txt:3:17: error E0710", "--event:1:7: error E0710", "3 mistakes"] {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
    let late = sim_in(folder.path(), &["--for", "2s", "--event", "at 3s crash 0"]);
    assert!(late.code == 2 && late.stderr.contains("E0710"), "{}", late.stderr);
}

#[test]
fn a_program_without_an_end_is_stopped_so_that_nodes_can_agree() {
    let done = sim("C = declare(counter). every(100, fun() -> update(C, increment) end).", &["--for", "3s", "--json"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(events(&done, "final")[0]["value"].as_u64() > Some(300), "{}", done.stdout);
}

#[test]
fn a_program_that_never_lets_anybody_else_have_a_turn_is_told() {
    let busy = sim("loop() -> loop(). loop().", &["--no-shrink", "--replicas", "1"]);
    assert!(busy.code == 1 && busy.stderr.contains("E0713"), "{}", busy.stderr);
    let place = busy.stderr.contains("p.lasp:1:11: error") && busy.stderr.contains("takes too many steps on n0");
    assert!(place, "{}", busy.stderr);
}

#[test]
fn a_step_with_too_much_to_derive_is_broken_off_at_its_place() {
    let program = "A = declare(set).\nupdate(A, {add_all, lists:seq(1, 500)}).\nprint(length(query(product(A, A)))).\n";
    let less = sim(program, &["--no-shrink", "--replicas", "1", "--for", "1s", "--steps", "1"]);
    assert!(less.code == 1 && less.stderr.contains("p.lasp:3:14: error E0713"), "{}", less.stderr);
    assert!(less.stderr.contains("has too many elements"), "{}", less.stderr);
    let more = sim(program, &["--no-shrink", "--replicas", "1", "--for", "1s", "--steps", "10"]);
    assert!(more.code == 0 && more.stdout.contains("250000"), "{}{}", more.stdout, more.stderr);
}

#[test]
fn a_program_that_waits_for_ever_or_fails_gives_its_exit_code() {
    let waits = sim("S = declare(set). read(S, {cardinality, 1}).", &["--for", "1s"]);
    assert!(waits.code == 4 && waits.stderr.contains("E0805"), "{}", waits.stderr);
    let fails = sim("S = declare(set). X = 1 div 0.", &["--for", "1s"]);
    assert_eq!(fails.code, 1, "{}", fails.stderr);
    assert_eq!(sim("S = declare(.", &[]).code, 3);
}

#[test]
fn a_schedule_is_played_as_check_plays_it() {
    let folder = folder("S = declare(set). update(S, {add, replica()}). print(query(S)).");
    let schedule = "2 replicas: run 0, send 0 to 1";
    let here = sim_in(folder.path(), &["--schedule", schedule]);
    let file = folder.path().join("p.lasp").display().to_string();
    let there = run(folder.path(), &["check", "--replay", schedule, &file], "");
    assert_eq!((here.code, &here.stdout), (0, &there.stdout));
    assert!(here.stdout.contains("replica 1 prints [0, 1]"), "{}", here.stdout);
    assert_eq!(sim_in(folder.path(), &["--schedule", "none"]).code, 2);
}

#[test]
fn who_does_not_take_a_topic_is_not_compared_in_a_schedule() {
    let folder = folder(
        "R = declare(counter), set_topic(R, red). interested(case replica() of 0 -> red; _ -> blue end).
         update(R, increment).",
    );
    let played = sim_in(folder.path(), &["--schedule", "2 replicas: run 0, run 1, send 1 to 0, send 0 to 1"]);
    assert_eq!(played.code, 0, "{}", played.stderr);
    assert!(played.stdout.contains("R = 2\n") && !played.stdout.contains(" or "), "{}", played.stdout);
}

#[test]
fn of_several_settings_of_one_name_the_last_counts() {
    let program = "print(arg(a, 0)).";
    assert!(sim(program, &["--set", "a=1", "--set", "a=2"]).stdout.starts_with("n0: 2\n"));
    let done = run(folder(program).path(), &["run", "-", "--set", "a=1", "--set", "a=2"], program);
    assert_eq!(done.stdout, "2\n");
}

/// Everybody counts, and at each of some heights something is to happen once; some of it takes a while.
const ONCE: &str = "
C = declare(counter).
Ran = declare({gmap, [gcounter]}).
at(N) -> enforce_once(C, {value, N}, fun() -> sleep(N * 20), update(Ran, {apply, N, increment}) end).
[at(N) || N <- [5, 10, 20, 40, 60]].
go(0) -> done;
go(N) -> update(C, increment), sleep(random(200)), go(N - 1).
go(20).
";

/// The judge counts; the flags are of the worst kind that still lets a majority come together in the end.
#[test]
fn effects_start_once_whoever_decides_and_whatever_happens() {
    let storm = ["--replicas", "5", "--for", "12s", "--partition", "40%", "--crash", "30%", "--crash-with-data", "40%"];
    let (mut started, mut in_doubt) = (0, 0);
    for deciders in ["0", "1", "3"] {
        let flags = [&storm[..], &["--loss", "3%", "--delay", "2ms..60ms", "--reorder", "--skew", "100ms", "--json"]];
        let done = sim(ONCE, &[&flags.concat()[..], &["--deciders", deciders, "--runs", "6"]].concat());
        assert_eq!(done.code, 0, "{deciders} decide\n{}{}", done.stdout, done.stderr);
        for run in events(&done, "simulated") {
            started += run["effects_started"].as_u64().unwrap_or(0);
            in_doubt += run["effects_in_doubt"].as_u64().unwrap_or(0);
        }
    }
    assert!(started > 60 && in_doubt > 0, "{started} started, {in_doubt} in doubt");
}

#[test]
fn with_deciders_the_same_seed_gives_the_same_run() {
    let flags = ["--replicas", "4", "--deciders", "3", "--crash", "50%", "--loss", "5%", "--seed", "3"];
    let [one, other] = [(); 2].map(|()| sim(ONCE, &flags));
    assert_eq!((one.code, &one.stdout), (0, &other.stdout), "{}{}", one.stdout, one.stderr);
    assert!(one.stdout.contains("effects: 5 started"), "{}", one.stdout);
}

#[test]
fn without_a_majority_of_those_who_decide_no_effect_is_started_and_everything_else_goes_on() {
    let flags = ["--replicas", "4", "--deciders", "3", "--event", "at 100ms crash 1,2", "--json"];
    let done = sim(ONCE, &flags);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let run = &events(&done, "simulated")[0];
    assert_eq!((&run["effects_started"], &run["effects_waiting"]), (&Value::from(0), &Value::from(4)), "{run}");
    let back = [&flags[..], &["--event", "at 5s restart 1"]].concat();
    let run = &events(&sim(ONCE, &back), "simulated")[0];
    assert_eq!((&run["effects_started"], &run["effects_waiting"]), (&Value::from(5), &Value::from(0)), "{run}");
}

#[test]
fn who_cannot_decide_or_speak_to_anybody_is_told() {
    for flags in [&["--deciders", "4"][..], &["--deciders", "2", "--role", "1:client"], &["--role", "client"]] {
        let done = sim(ONCE, flags);
        assert!(done.code == 2 && done.stderr.contains("E0710"), "{}", done.stderr);
    }
}

/// What it costs that nodes count all the time, in messages and bytes, which depend on nothing but the program: as in docs/costs.md. Each update has to be at 19 other nodes.
#[test]
fn what_many_nodes_cost_grows_with_what_they_hear_of() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/programs/ad_counter.lasp");
    let program = fs::read_to_string(example).expect("the program");
    let done = sim(&program, &["--replicas", "20", "--set", "limit=30", "--set", "pause=500", "--json", "--quiet"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let updates = events(&done, "simulated")[0]["updates"].as_u64().expect("a number");
    let heard = updates * 19;
    let sum = |field: &str, kinds: &[&str]| -> u64 {
        let traffic = events(&done, "traffic");
        let chosen = traffic.iter().filter(|event| kinds.contains(&event["kind"].as_str().unwrap_or("")));
        chosen.map(|event| event[field].as_u64().unwrap_or(0)).sum()
    };
    let pushes = sum("messages", &["tree-push"]);
    let compared = sum("messages", &["summary", "vector", "pull", "events", "compare", "prints", "chunk"]);
    let bytes = sum("bytes", &["tree-push", "tree-control", "summary", "vector", "pull", "events", "chunk", "declare"]);
    assert!(updates >= 180, "{updates} updates");
    assert!(pushes * 3 < heard * 5, "{pushes} pushes for {heard} updates that were heard of");
    assert!(compared < heard * 8, "{compared} messages compare for {heard} updates that were heard of");
    assert!(bytes < heard * 700, "{bytes} bytes for {heard} updates that were heard of");
}

#[test]
fn clients_hear_of_each_other_by_servers_alone() {
    let folder = folder("S = declare(set). update(S, {add, replica()}).");
    let trace = folder.path().join("trace").display().to_string();
    let done = sim_in(folder.path(), &["--replicas", "4", "--role", "1..3:client", "--for", "2s", "--trace", &trace]);
    assert_eq!(done.code, 0, "{}", done.stdout);
    let trace = std::fs::read_to_string(trace).expect("written");
    let sent = |from: u32, to: u32| trace.lines().any(|line| line.contains(&format!(" n{from} -> n{to} ")));
    assert!(sent(1, 0) && sent(0, 3), "{trace}");
    assert!((1..4).all(|from| (1..4).all(|to| !sent(from, to))), "{trace}");
}

#[test]
fn events_that_no_node_can_have_are_told_before_anything_runs() {
    let told = |more: &[&str]| {
        let done = sim("S = declare(set).", &[&["--replicas", "2", "--for", "5s"], more].concat());
        (done.code, done.stderr)
    };
    for stranger in [
        ["--event", "at 1s crash 7"],
        ["--event", "at 1s partition 0 | 7"],
        ["--event", "at 1s type 7 \"query(S)\""],
        ["--set", "7:limit=3"],
        ["--role", "7:client"],
    ] {
        let (code, text) = told(&stranger);
        assert_eq!(code, 2, "{stranger:?}: {text}");
        assert!(text.contains("E0710") && text.contains("names node 7, which is never there"), "{stranger:?}: {text}");
        let quoted = if stranger[0] == "--event" { stranger[1].to_owned() } else { stranger.join(" ") };
        assert!(text.contains(&format!("`{quoted}`")), "as it was typed: {text}");
    }
    for (flags, why) in [
        (["--leave", "5"], "5 nodes are to leave, and there are 2"),
        (["--partition", "0|0"], "`0|0` has a node on two sides"),
        (["--partition", "rest|rest"], "`rest|rest` has a node on two sides"),
    ] {
        let (code, text) = told(&flags);
        assert!(code == 2 && text.contains("E0710") && text.contains(why), "{flags:?}: {text}");
    }
    let joins = told(&["--event", "at 1s join 7", "--event", "at 2s crash 7", "--event", "at 3s restart 7"]);
    assert!(joins.0 == 0 && !joins.1.contains("E0710"), "{}", joins.1);
}

#[test]
fn an_event_that_finds_its_node_as_it_would_make_it_is_told() {
    let flags = ["--for", "5s", "--event", "at 1s restart 0", "--event", "at 2s crash 1", "--event", "at 3s leave 1"];
    let done = sim("S = declare(set).", &flags);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stderr.matches("warning E0710").count(), 2, "{}", done.stderr);
    for part in ["`at 1s restart 0` does nothing: node 0 is there", "`at 3s leave 1` does nothing: node 1 is not there"]
    {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
}

#[test]
fn a_script_may_begin_with_a_byte_order_mark() {
    let folder = folder("S = declare(set).");
    fs::write(folder.path().join("events.txt"), "\u{feff}at 1s crash 0\nat 2x heal\n").expect("a file");
    let path = folder.path().join("events.txt").display().to_string();
    let done = sim_in(folder.path(), &["--script", &path]);
    assert!(done.code == 2 && done.stderr.contains("events.txt:2:4: error E0710"), "{}", done.stderr);
    assert_eq!(done.stderr.matches("error E0710").count(), 1, "{}", done.stderr);
}

#[test]
fn what_is_typed_is_checked_before_anything_runs() {
    let typed = |lines: &[&str]| {
        let events = lines.iter().flat_map(|line| ["--event", line]).collect::<Vec<_>>();
        let done = sim("S = declare(set).", &[&["--replicas", "2"], &events[..]].concat());
        (done.code, done.stderr)
    };
    // What two nodes have typed is told once.
    let (code, text) = typed(&["at 1s type 0,1 \"update(S, {add, 1}\""]);
    assert_eq!((code, text.matches("error E").count()), (3, 1), "{text}");
    let (code, text) = typed(&["at 1s type 0 \"update(T, {add, 1})\""]);
    assert!(code == 3 && text.contains("`T`"), "{text}");
    // A node knows what was typed there before, and there alone.
    let declares = "at 1s type 0 \"T = declare(set)\"";
    let (code, text) = typed(&[declares, "at 2s type 0 \"update(T, {add, 1})\""]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = typed(&[declares, "at 2s type 1 \"update(T, {add, 1})\""]);
    assert_eq!(code, 3, "{text}");
}

/// 500 pieces in stock at one node, which all sell.
const SHOP: &str = "
Stock = declare(bcounter).
Sold = declare(gcounter).
once(stock, fun() -> case replica() of 0 -> update(Stock, {increment, 500}); _ -> ok end end).
sell(0) -> done;
sell(N) ->
    case try_update(Stock, decrement) of {ok, _} -> update(Sold, increment); {refused, _} -> ok end,
    sleep(random(20)),
    sell(N - 1).
sell(250).
";

#[test]
fn rights_outlive_nodes_that_crash_and_keep_their_data() {
    for seed in ["1", "2", "3", "6"] {
        let flags = ["--replicas", "4", "--for", "12s", "--crash-with-data", "100%", "--json"];
        let flags = [&flags[..], &["--partition", "30%", "--loss", "5%", "--seed", seed]].concat();
        let done = sim(SHOP, &flags);
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        let last = |name: &str| -> Vec<Value> {
            let finals = events(&done, "final").into_iter().filter(|event| event["variable"] == name);
            finals.map(|event| event["value"].clone()).collect()
        };
        // More than there are want one, so all are sold, none twice.
        assert_eq!((last("Stock"), last("Sold")), (vec![Value::from(0)], vec![Value::from(500)]), "seed {seed}");
    }
}
