//! The command line as it is typed: exit codes, standard output, standard error.

#![expect(clippy::disallowed_methods, reason = "a test of the binary: files and threads")]

mod commands;

use commands::Done;
use commands::run;
use serde_json::Value;
use tempfile::TempDir;

const DOUBLES: &str = "S1 = declare(set),\nupdate(S1, {add, [1,2,3]}),\nS2 = map(S1, fun(X) -> X * 2 end).\n";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn typed(arguments: &[&str], input: &str) -> Done {
    run(folder().path(), arguments, input)
}

fn events(done: &Done) -> Vec<Value> {
    done.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

#[test]
fn final_values_are_printed_in_the_order_of_binding() {
    let done = typed(&["run", "-"], DOUBLES);
    assert_eq!((done.code, done.stdout.as_str()), (0, "S1 = [1, 2, 3]\nS2 = [2, 4, 6]\n"));
    assert_eq!(done.stderr, "");
}

#[test]
fn events_are_objects_a_line() {
    let done = typed(&["run", "-", "--json", "--watch"], &format!("{DOUBLES}print({{a, undefined}})."));
    let events = events(&done);
    let has = |event: &str, field: &str, value: &str| {
        let value: Value = serde_json::from_str(value).expect("json");
        events.iter().any(|line| line["event"] == event && line[field] == value && line["node"] == "a")
    };
    assert!(has("print", "value", "[\"a\", null]"), "{}", done.stdout);
    assert!(has("final", "value", "[2, 4, 6]"), "{}", done.stdout);
    let changes: Vec<(&Value, String)> = events
        .iter()
        .filter(|event| event["event"] == "change")
        .map(|event| (&event["variable"], event["value"].to_string()))
        .collect();
    let wanted = [("S1", "[1,2,3]"), ("S2", "[2,4,6]")].map(|(name, value)| (Value::from(name), value.to_owned()));
    assert_eq!(changes, wanted.each_ref().map(|(name, value)| (name, value.clone())), "{}", done.stdout);
}

#[test]
fn changes_are_told_before_what_comes_after_them() {
    let done = typed(
        &["run", "-", "--watch", "--quiet"],
        "S = declare(set), update(S, {add, 1}), D = map(S, fun(X) -> X end), print(here), update(S, {add, 2}), print(end_).",
    );
    assert_eq!(done.stdout, "S = [1]\nD = [1]\nhere\nS = [1, 2]\nD = [1, 2]\nend_\n", "{}", done.stderr);
}

#[test]
fn each_statement_of_a_line_at_the_prompt_shows_its_value_and_a_failed_one_ends_the_line() {
    let done = typed(&["repl"], "2. 3.\nX = 1. X + 1.\n4. 1 div 0. 5.\nf() -> g(). g() -> 6. f().\n");
    assert_eq!(done.stdout.lines().collect::<Vec<_>>(), ["2", "3", "1", "2", "4", "6"], "{}", done.stderr);
    assert_eq!(done.stderr.matches("E0502").count(), 1, "{}", done.stderr);
}

#[test]
fn a_failed_line_at_the_prompt_leaves_what_is_known_of_earlier_ones() {
    let lines = "S = declare(set).\nN = 1 div 0.\nupdate(S, increment).\nM = N + a.\n";
    let done = typed(&["repl"], lines);
    assert!(done.stderr.contains("`S` is declared as a set here"), "it was checked: {}", done.stderr);
    // A part of a line may have run: nothing is said of what variables hold.
    let done = typed(
        &["repl"],
        "S = declare(set).\nupdate(S, {add, 1}), 1 div 0.\ncase query(S) of [1] -> one; _ -> more end.\n",
    );
    assert!(done.stdout.contains("one") && !done.stderr.contains("E0401"), "{}{}", done.stdout, done.stderr);
}

#[test]
fn three_replicas_agree() {
    let done = typed(
        &["run", "-", "--replicas", "3"],
        "S = declare(set). L = declare_dynamic(set). update(S, {add, replica()}), update(L, {add, replica()}).",
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stdout, "S = [0, 1, 2]\nL@a = [0]\nL@b = [1]\nL@c = [2]\n");
    assert!(done.stderr.contains("the 3 replicas agree"), "{}", done.stderr);
}

#[test]
fn of_three_replicas_one_runs_an_effect_and_does_so_in_each_run() {
    let program = "C = declare(counter). enforce_once(C, {value, 2}, fun() -> print(once) end). update(C, increment).";
    for _ in 0..2 {
        let done = typed(&["run", "-", "--replicas", "3"], program);
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(done.stdout.matches("once").count(), 1, "{}", done.stdout);
    }
}

#[test]
fn replicas_tell_that_they_converged() {
    let done = typed(&["run", "-", "--replicas", "2", "--json"], DOUBLES);
    let events = events(&done);
    assert!(events.iter().any(|event| event["event"] == "converged" && event["replicas"] == 2), "{}", done.stdout);
    let finals = events.iter().filter(|event| event["event"] == "final" && event["variable"] == "S2").count();
    assert_eq!(finals, 1);
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let cases: &[(&[&str], &str, i32)] = &[
        (&["run", "-"], "X = 1.", 0),
        (&["run", "-"], "1 / 0.", 1),
        (&["run", "-"], "assert(1 =:= 2).", 1),
        (&["run", "-", "--replicas", "2"], "1 / 0.", 1),
        (&["run"], "", 2),
        (&["frobnicate"], "", 2),
        (&["run", "-", "--listen", "nowhere"], "", 2),
        (&["run", "/there/is/no/such.lasp"], "", 2),
        (&["run", "-"], "X = = 1.", 3),
        (&["run", "-"], "X = Unbound.", 3),
        (&["run", "-", "--until", "Unbound"], "X = 1.", 3),
        (&["check", "-"], "f(X) -> X.", 0),
        (&["check", "-"], "f(X) -> Y.", 3),
        (&["run", "-"], "S = declare(set). read(S, {cardinality, 1}).", 4),
        (&["run", "-", "--replicas", "2"], "S = declare(set). read(S, {cardinality, 1}).", 4),
        (&["run", "-", "--timeout", "200ms"], "sleep(600000).", 4),
        (&["run", "-", "--listen", "127.0.0.1:0", "--timeout", "200ms"], "X = 1.", 4),
        (&["run", "-", "--until", "query(S) == [1]"], "S = declare(set). update(S, {add, 1}).", 0),
        (&["run", "-", "--until", "query(S) == [2]"], "S = declare(set). update(S, {add, 1}).", 4),
        (&["run", "-", "--listen", "0.0.0.0:0"], "X = 1.", 5),
        (&["run", "-", "--peers", "192.0.2.1:7001"], "X = 1.", 5),
        (&["doctor", "--data", "Cargo.toml"], "", 6),
        (&["doctor", "--data", "Cargo.toml", "--listen", "0.0.0.0:0"], "", 5),
        (&["explain", "E0603"], "", 0),
        (&["explain", "E9999"], "", 2),
        (&["--version"], "", 0),
        (&["run", "--help"], "", 0),
    ];
    for (arguments, input, code) in cases {
        let done = typed(arguments, input);
        assert_eq!(done.code, *code, "{arguments:?} {input}\n{}{}", done.stdout, done.stderr);
    }
}

#[test]
fn what_is_waited_for_is_told() {
    let done = typed(&["run", "-"], "Wanted = declare(set). read(Wanted, {cardinality, 3}).");
    assert_eq!(
        done.stderr,
        "waiting: the program at standard input:1: Wanted has to reach {cardinality, 3}; it is [] now, only updates feed it \
         (E0805)\n"
    );
}

#[test]
fn many_waits_are_counted_and_the_program_comes_first() {
    let threads = "W = declare(set). [thread(fun() -> read(W, {cardinality, N + 1}) end) || N <- lists:seq(1, 50)].\n";
    let done = typed(&["run", "-"], &format!("{threads}read(W, {{cardinality, 1}})."));
    assert_eq!(done.code, 4);
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 21, "{}", done.stderr);
    assert!(lines[0].starts_with("waiting: the program at standard input:2: W has to reach"), "{}", lines[0]);
    assert_eq!(lines[20], "waiting: 31 more tasks");
    let done = typed(&["run", "-", "--listen", "127.0.0.1:0", "--timeout", "300ms"], threads);
    assert!(done.stderr.contains("30 more tasks wait"), "{}", done.stderr);
}

#[test]
fn messages_to_a_pipe_are_plain_lines() {
    let done = typed(&["check", "-"], "Value = 1.\nY = Vlaue, f(.\n");
    let first: Vec<&str> = done.stderr.lines().take(4).collect();
    assert_eq!(
        first,
        [
            "standard input:2:5: error E0201: `Vlaue` is not bound",
            "    Y = Vlaue, f(.",
            "        ^^^^^ no value has this name",
            "  help: did you mean `Value`?"
        ],
        "{}",
        done.stderr
    );
    assert!(done.stderr.is_ascii(), "{}", done.stderr);
    let done = typed(&["run", "-"], "f(N) -> 1 + f(N). f(1).");
    assert!(done.stderr.lines().count() < 12, "{}", done.stderr);
}

#[test]
fn arguments_reach_the_program() {
    let done = typed(
        &["run", "-", "--set", "limit=[{ann, 12}]", "--set", "word=two words", "--set", "role=server", "--node", "n1"],
        "print({arg(limit, 0), arg(word, 0), arg(none, 7), role(), node()}).",
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("[{ann, 12}], \"two words\", 7, server"), "{}", done.stdout);
}

#[test]
fn a_program_reads_files_beside_it() {
    let folder = folder();
    std::fs::write(folder.path().join("data.json"), "[1, 2]").expect("written");
    let file = folder.path().join("program.lasp");
    std::fs::write(&file, "S = declare(set). update(S, {add, json:read(\"data.json\")}).").expect("written");
    let done = run(folder.path(), &["run", &file.display().to_string()], "");
    assert_eq!((done.code, done.stdout.as_str()), (0, "S = [1, 2]\n"), "{}", done.stderr);
}

#[test]
fn mistakes_are_events_too() {
    let done = typed(&["check", "-", "--json"], "X = 1,\nY = Z.\n");
    let events = events(&done);
    assert!(events.iter().any(|event| event["event"] == "error" && event["line"] == 2), "{}", done.stdout);
    assert_eq!(done.code, 3);
}

#[test]
fn quiet_prints_no_values() {
    assert_eq!(typed(&["run", "-", "--quiet"], DOUBLES).stdout, "");
}

#[test]
fn the_prompt_reads_a_pipe_line_by_line() {
    let lines = "S1 = declare(set)\nS2 = map(S1, fun(X) ->\n  X * 2 end)\nupdate(S1, {add, [1, 2]}).\n:vars\n1 +\n 1\n";
    let done = typed(&["repl"], lines);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let lines: Vec<&str> = done.stdout.lines().collect();
    for wanted in ["[1, 2]", "S2 = [2, 4]", "2"] {
        assert!(lines.contains(&wanted), "{wanted}: {}", done.stdout);
    }
    let done = typed(&["repl"], "1 / 0\n:varz\n40 + 2\n");
    assert!(done.stdout.contains("42") && done.stderr.contains(":vars"), "{}{}", done.stdout, done.stderr);
}

#[test]
fn what_a_line_of_the_prompt_did_not_come_to_counts_for_nothing_in_the_next() {
    let failed = "X = 10 div arg(z, 0).\nX = a.\ncase X of a -> yes end.\n";
    let done = typed(&["repl"], failed);
    assert!(done.stdout.ends_with("a\nyes\n"), "{}{}", done.stdout, done.stderr);
    let failed =
        "print(1 div arg(z, 0)), A = declare(x, set).\nB = declare(x, counter).\nupdate(B, increment).\nquery(B).\n";
    let done = typed(&["repl"], failed);
    assert!(done.stdout.ends_with("1\n") && !done.stderr.contains("E0301"), "{}{}", done.stdout, done.stderr);
    let waits = "S = declare(set).\nX = read(S, {cardinality, 1}).\nX = a.\ncase X of a -> yes end.\n";
    let done = typed(&["repl"], waits);
    assert!(done.stdout.contains("yes\n"), "{}{}", done.stdout, done.stderr);
}

#[test]
fn the_prompt_lists_plain_values_too() {
    let done = typed(&["repl"], "S = declare(set).\nN = 5.\n:vars\n");
    assert!(done.stdout.contains("S = []   % set, 2 bytes, metadata 0 bytes\nN = 5\n"), "{}", done.stdout);
}

#[test]
fn each_variable_says_what_its_value_and_its_metadata_take() {
    let program = "S = declare(set).\nD = map(S, fun(X) -> X end).\nupdate(S, {add_all, lists:seq(1, 50)}).";
    let done = typed(&["run", "-", "--json"], program);
    let events = events(&done);
    let of = |name: &str| {
        let found =
            events.iter().find(|event| event["event"] == "final" && event["variable"] == name).expect("a value");
        ["value_bytes", "metadata_bytes"].map(|field| found[field].as_u64().expect("a number"))
    };
    let ([value, metadata], derived) = (of("S"), of("D"));
    // A tag and a length, and two bytes for each element; a dot, a variable and a slot for each besides.
    assert!((100..=110).contains(&value), "{value}");
    assert!((16 * 50..=20 * 50).contains(&metadata), "{metadata}");
    assert_eq!(derived, [value, 0], "what is derived is not replicated");
    let writers = events.iter().find(|event| event["event"] == "writers").expect("an event");
    assert_eq!((&writers["replicas"], &writers["metadata_bytes"]), (&Value::from(1), &Value::from(32)));
    let shown = typed(&["repl"], &format!("{program}\n:vars\n")).stdout;
    assert!(shown.contains(&format!("% set, {value} bytes, metadata {metadata} bytes\n")), "{shown}");
    assert!(shown.contains("% 1 replica has written, known in 32 bytes\n"), "{shown}");
}

#[test]
fn a_damaged_cluster_key_is_refused() {
    let folder = folder();
    std::fs::create_dir_all(folder.path().join("config")).expect("made");
    std::fs::write(folder.path().join("config/cluster.pem"), "rubbish").expect("written");
    let done = run(folder.path(), &["run", "-", "--replicas", "2"], "X = 1.");
    assert_eq!(done.code, 5, "{}", done.stderr);
    assert!(done.stderr.contains("E0602"), "{}", done.stderr);
}

#[test]
fn nodes_of_one_process_need_no_folder_that_can_be_written_to() {
    let folder = folder();
    std::fs::write(folder.path().join("config"), "no folder").expect("written");
    let done = run(folder.path(), &["run", "-", "--replicas", "2"], "S = declare(set). update(S, {add, replica()}).");
    assert_eq!((done.code, done.stdout.trim()), (0, "S = [0, 1]"), "{}", done.stderr);
}

#[test]
fn what_is_awaited_only_looks() {
    let program = "S = declare(set). add() -> update(S, {add, 1}), true. seen() -> query(S) == [1]. sleep(600000).";
    for (wrong, place) in [("update(S, {add, 1}) == S", "--until:1:1"), ("seen() andalso add()", "--until:1:16")] {
        let done = typed(&["run", "-", "--until", wrong], program);
        assert_eq!(done.code, 3, "{}", done.stderr);
        assert!(done.stderr.contains("E0372") && done.stderr.contains(place), "{}", done.stderr);
    }
    let done = typed(&["run", "-", "--until", "seen() or true"], program);
    assert_eq!(done.code, 0, "{}", done.stderr);
}

/// A function that declares a variable makes another one on each node: they are shown, and not compared.
#[test]
fn a_name_that_stands_for_another_variable_on_each_node_is_not_compared() {
    let program = "f() -> V = declare(set), update(V, {add, replica()}), V.\nY = f().\n\
                   Z = declare({z, replica()}, set), update(Z, {add, replica()}).\n\
                   S = declare(set), update(S, {add, replica()}).";
    let done = typed(&["run", "-", "--replicas", "2"], program);
    let wanted = "Y@a = [0]\nY@b = [1]\nZ@a = [0]\nZ@b = [1]\nS = [0, 1]\n";
    assert_eq!((done.code, &*done.stdout), (0, wanted), "{}", done.stderr);
    assert!(done.stderr.contains("the 2 replicas agree"), "{}", done.stderr);
    let done = typed(&["sim", "-", "--replicas", "2", "--for", "1s"], program);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
}

#[test]
fn an_event_of_a_mistake_names_its_node() {
    for (flags, name) in [(&["--json"][..], "a"), (&["--json", "--node", "bob"], "bob")] {
        let done = typed(&[&["run", "-"], flags].concat(), "X = 1 +.");
        let event: Value = serde_json::from_str(done.stdout.lines().next().expect("an event")).expect("an object");
        assert_eq!((done.code, &event["code"], &event["node"]), (3, &"E0101".into(), &name.into()), "{event}");
    }
}

#[test]
fn small_things_are_as_they_are_typed_and_written() {
    let done = typed(&["run", "-", "--set", "x=[a | b]"], "[H | T] = arg(x, none), print({H, T}).");
    assert_eq!(done.stdout, "{a, b}\n", "{}", done.stderr);
    let done = typed(&["run", "-", "--timeout", "0"], "sleep(600000).");
    assert!(done.stderr.contains("the time is up after 0s"), "{}", done.stderr);
    let done = typed(&["explain"], "");
    let codes: Vec<&str> = done.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(codes.is_sorted() && codes.len() > 100, "{}", done.stdout);
}

#[test]
fn two_columns_of_one_name_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.csv"), "name,age,name\nann,3,bob\n").expect("written");
    std::fs::write(folder.path().join("b.csv"), "name,age,,\nann,3,,\n").expect("written");
    let program = folder.path().join("p.lasp");
    let typed = |text: &str| {
        std::fs::write(&program, text).expect("written");
        run(folder.path(), &["run", &program.display().to_string()], "")
    };
    let done = typed("csv:read(\"a.csv\").");
    assert!(done.code == 1 && done.stderr.contains("E0397"), "{}", done.stderr);
    assert!(done.stderr.contains("its first line names two columns `name`"), "{}", done.stderr);
    // What no name is given to, nobody asks for.
    let done = typed("print([maps:get(name, Row) || Row <- csv:read(\"b.csv\")]).");
    assert_eq!(done.stdout, "[\"ann\"]\n", "{}", done.stderr);
}

#[test]
fn what_waits_in_a_transaction_is_told_before_the_run() {
    for waits in
        ["sleep(1)", "csv:read(\"a\")", "json:read(\"a\")", "each_line(\"a\", fun(_) -> ok end)", "interested(t)"]
    {
        let done = typed(
            &["check", "-"],
            &format!("C = declare(counter).\natomically(fun() -> update(C, increment), {waits} end)."),
        );
        assert_eq!(done.code, 3, "{waits}: {}", done.stderr);
        assert!(done.stderr.contains("E0371") && done.stderr.contains("2:43"), "{waits}: {}", done.stderr);
    }
    let fine = "C = declare(counter).\natomically(fun() -> update(C, increment), read(C, {value, 1}) end), sleep(1).";
    assert_eq!(typed(&["check", "-"], fine).code, 0);
}

#[test]
fn what_is_awaited_is_tested_while_the_program_sleeps_and_while_it_goes_on_for_ever() {
    let sleeps = "S = declare(set). update(S, {add, 1}). sleep(600000).";
    let done = typed(&["run", "-", "--timeout", "50s", "--until", "query(S) == [1]"], sleeps);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let goes_on = "C = declare(counter). every(10, fun() -> update(C, increment) end).";
    let done = typed(&["run", "-", "--replicas", "2", "--timeout", "50s", "--until", "query(C) >= 5"], goes_on);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("the 2 replicas agree"), "{}", done.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_told() {
    let full = std::fs::File::create("/dev/full").expect("a device");
    let folder = folder();
    let child = commands::lasp(folder.path(), &["run", "examples/01_hello_set.lasp"]).stdout(full).spawn();
    let done = child.expect("the binary runs").wait_with_output().expect("it ends");
    let said = String::from_utf8(done.stderr).expect("text");
    assert_eq!((done.status.code(), said.matches("E0808").count()), (Some(1), 1), "{said}");
}

/// Its last line is a step of minutes: a derivation has to be brought up to date before the next expression runs.
const LONG_STEP: &str = "burn(0) -> 0; burn(N) -> burn(N - 1).
    S = declare(set). M = map(S, fun(X) -> X + burn(10000000) end). print(ready). sleep(200).
    update(S, {add_all, lists:seq(1, 1000)}).";

#[test]
fn the_time_is_up_in_the_middle_of_a_step() {
    let awaited = ["run", "-", "--timeout", "200ms", "--until", "f(0)"];
    let done = typed(&awaited, "f(N) -> f(N + 1). sleep(600000).");
    assert_eq!(done.code, 4, "{}", done.stderr);
    assert!(done.stderr.contains("E0804") && done.stderr.contains("One step takes longer"), "{}", done.stderr);
    let done = typed(&["run", "-", "--replicas", "2", "--timeout", "400ms"], LONG_STEP);
    assert_eq!(done.code, 4, "{}", done.stderr);
    assert!(done.stderr.contains("E0804") && done.stderr.contains("One step takes longer"), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn who_asks_for_the_end_does_not_wait_for_a_step() {
    let folder = folder();
    let file = folder.path().join("long.lasp");
    std::fs::write(&file, LONG_STEP).expect("written");
    let mut node = commands::Node::start(folder.path(), &file.display().to_string(), &["--listen", "127.0.0.1:0"]);
    node.until(|event| event["value"] == "ready");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let sent = std::process::Command::new("kill").args(["-INT", &node.process().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    assert_eq!(node.end(), 130);
    // It came in the middle of the step: an ordinary end shows the values.
    assert!(node.seen.iter().all(|event| event["event"] != "final"), "{:#?}", node.seen);
}

#[test]
fn of_a_topic_that_some_take_they_alone_have_to_agree_and_are_named() {
    let program = "Sport = declare(set). set_topic(Sport, sport). M = map(Sport, fun(X) -> X end). All = declare(set).
        case replica() of 2 -> interested(news); _ -> interested(sport), update(Sport, {add, replica()}) end.
        update(All, {add, replica()}).";
    let done = typed(&["run", "-", "--replicas", "3"], program);
    assert_eq!((done.code, done.stdout.as_str()), (0, "Sport@a,b = [0, 1]\nM = [0, 1]\nAll = [0, 1, 2]\n"));
    assert!(done.stderr.contains("Sport is not shown of c"), "{}", done.stderr);
    let done = typed(&["run", "-", "--replicas", "3", "--json"], program);
    let sport = events(&done).into_iter().find(|event| event["event"] == "final").expect("a value");
    assert_eq!((&sport["variable"], &sport["nodes"]), (&"Sport".into(), &serde_json::json!(["a", "b"])));
    let done = typed(&["sim", "-", "--replicas", "3"], program);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.starts_with("Sport@n0,n1 = [0, 1]\nM = [0, 1]\nAll = "), "{}", done.stdout);
}

#[test]
fn one_name_for_two_types_is_the_programs_fault_in_a_simulation_too() {
    let program = "S = declare(foo, case replica() of 0 -> set; 1 -> counter end).
        case replica() of 0 -> update(S, {add, 1}); 1 -> update(S, increment) end.";
    let done = typed(&["sim", "-", "--replicas", "2", "--no-shrink"], program);
    assert_eq!(done.code, 1);
    assert!(!done.stderr.contains("E0711"), "{}", done.stderr);
    assert_eq!(done.stderr.matches("E0301").count(), 2, "{}", done.stderr);
    // Also where no name at top level differs.
    let program = "case replica() of 0 -> declare(q, set); _ -> declare(q, counter) end.";
    let done = typed(&["run", "-", "--replicas", "2"], program);
    assert_eq!((done.code, done.stderr.matches("E0301").count()), (1, 2), "{}", done.stderr);
}

#[test]
fn two_types_of_one_name_are_told_where_they_are_declared_and_their_values_are_no_further_mistake() {
    let program = "f(0) -> declare(x, set);\nf(_) -> declare(x, gcounter).\nX = f(replica()).";
    let done = typed(&["run", "-", "--replicas", "2"], program);
    assert_eq!((done.code, done.stdout.as_str()), (1, "X@a = []\nX@b = 0\n"), "{}", done.stderr);
    for place in ["1:9: error E0301", "2:9: error E0301", "a set here", "a gcounter here"] {
        assert!(done.stderr.contains(place), "{place}: {}", done.stderr);
    }
    assert!(!done.stderr.contains("E0806"), "{}", done.stderr);
}

#[test]
fn what_a_fold_dynamic_cannot_contribute_is_told_with_its_function_and_its_destination() {
    let program = "L = declare_dynamic(set), update(L, {add, 1}).
        D = fold_dynamic(L, fun(_) -> {add, string:copies(\"a\", 1000000)} end, declare(set)).";
    let done = typed(&["run", "-"], program);
    assert!(done.stderr.contains(":2:29: error E0390"), "{}", done.stderr);
    assert!(done.stderr.contains("what this node contributes to D lacks it"), "{}", done.stderr);
}

#[test]
fn of_many_derivations_that_fail_at_once_several_are_named() {
    let program = "A = declare(set). [map(A, fun(X) -> N div X end) || N <- [1, 2]]. B = map(A, fun(X) -> hd(X) end).
        C = map(A, fun(X) -> {X, element(1, X)} end). update(A, {add_all, [0, 0.5]}).";
    let done = typed(&["run", "-"], program);
    let named = ["E0502", "the element 0 contributes nothing to B", "failed 5 more times"];
    assert!(named.iter().all(|text| done.stderr.contains(text)), "{}", done.stderr);
}

#[test]
fn a_line_of_a_pipe_waits_while_later_ones_go_on_and_is_given_up_at_the_end_alone() {
    let done = typed(&["repl"], "S = declare(set).\nV = read(S, [5]).\nupdate(S, {add, 5}).\nV.\n");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stdout, "[]\n[5]\n[5]\n[5]\n");
    let late = "S = declare(set).\nthread(fun() -> sleep(50), update(S, {add, 5}) end).\nprint(read(S, [5])).\n";
    let done = typed(&["repl"], late);
    assert!(done.code == 0 && done.stdout.contains("[5]"), "{}{}", done.stdout, done.stderr);
    let done = typed(&["repl"], "S = declare(set).\nread(S, [5]).\n1 + 1.\n");
    assert_eq!(done.code, 4);
    assert!(
        done.stdout.ends_with("2\n") && done.stderr.contains("E0805: what was typed waits for ever"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_is_awaited_counts_though_the_top_level_waits_on_replicas_too() {
    let program = "X = declare(set). read(X, [1]).";
    for more in [&[][..], &["--replicas", "2"]] {
        let done = typed(&[&["run", "-", "--until", "query(X) == []"], more].concat(), program);
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(!done.stderr.contains("E0805"), "{}", done.stderr);
    }
}

#[test]
fn what_is_awaited_is_tested_after_each_change_and_not_at_the_end_of_a_turn_alone() {
    let twice = "update(C, increment), update(C, increment)";
    for program in [
        format!("C = declare(counter). sleep(1), {twice}."),
        format!("C = declare(counter). thread(fun() -> sleep(1), {twice} end). read(C, {{value, 9}})."),
    ] {
        let done = typed(&["run", "-", "--until", "query(C) == 1"], &program);
        assert_eq!(done.code, 0, "{program}: {}", done.stderr);
    }
    // What belongs together is one change.
    let program = format!("C = declare(counter). sleep(1), atomically(fun() -> {twice} end).");
    assert_eq!(typed(&["run", "-", "--until", "query(C) == 1"], &program).code, 4);
    // A test that looks at everything is not made with each element.
    let program = "S = declare(set). sleep(1), lists:foreach(fun(X) -> update(S, {add, X}) end, lists:seq(1, 30000)).";
    let done = typed(&["run", "-", "--until", "length(query(S)) == 30000", "--timeout", "60s"], program);
    assert_eq!(done.code, 0, "{}", done.stderr);
}

#[test]
fn the_time_does_not_count_once_what_is_awaited_is_true() {
    let run = ["run", "-", "--listen", "127.0.0.1:0", "--until", "true", "--linger", "3500ms", "--timeout", "1s"];
    let done = typed(&run, "S = declare(set). update(S, {add, 1}).");
    assert_eq!((done.code, done.stdout.trim()), (0, "S = [1]"), "{}", done.stderr);
}

#[test]
fn an_awaited_expression_that_is_of_no_use_is_told_before_anything_or_the_first_time() {
    for never in ["5", "1/0", "[true]", "lists:sum([a])"] {
        let done = typed(&["run", "-", "--listen", "127.0.0.1:0", "--until", never], "X = declare(set).");
        assert_eq!(done.code, 3, "{never}: {}", done.stderr);
        assert!(!done.stderr.contains("listening"), "{}", done.stderr);
    }
    let done = typed(&["run", "-", "--listen", "127.0.0.1:0", "--until", "nope("], "X = declare(set).");
    assert!(done.code == 3 && !done.stderr.contains("listening"), "{}", done.stderr);
    // It depends on the program, and may become true.
    let later = "X = declare(set). sleep(20). update(X, {add, 1}).";
    for (until, told) in [("hd(query(X)) == 1", 1), ("case query(X) of [] -> 5; _ -> true end", 1), ("V", 0)] {
        let program =
            if until == "V" { "X = declare(ivar). V = read(X) == 1. thread(fun() -> sleep(20) end)." } else { later };
        let done = typed(&["run", "-", "--until", until], program);
        assert_eq!(done.stderr.matches("warning E0810").count(), told, "{until}: {}", done.stderr);
        assert_eq!(done.code, if until == "V" { 4 } else { 0 }, "{until}: {}", done.stderr);
    }
}

#[test]
fn a_line_that_a_program_leaves_open_is_ended_before_values() {
    let open = "io:format(\"one \"). io:format(\"two\"). S = declare(set).";
    assert_eq!(typed(&["run", "-"], open).stdout, "one two\nS = []\n");
    assert_eq!(typed(&["run", "-", "--quiet"], open).stdout, "one two");
    assert_eq!(typed(&["run", "-", "--replicas", "1"], open).stdout, "one two\nS = []\n");
    assert_eq!(typed(&["repl"], "io:format(\"open\").\n").stdout, "open\nok\n");
}

#[test]
fn a_variable_with_two_names_changes_once() {
    let program = "S = declare(set). T = S. update(S, {add, 1}).";
    assert_eq!(typed(&["run", "-", "--watch"], program).stdout, "S = T = [1]\nS = [1]\nT = [1]\n");
    let done = typed(&["run", "-", "--watch", "--json"], program);
    let changes: Vec<Value> = events(&done).into_iter().filter(|event| event["event"] == "change").collect();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0]["variable"], &changes[0]["also"]), (&"S".into(), &serde_json::json!(["T"])));
}
