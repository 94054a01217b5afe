//! `lasp test` and `lasp doc` as they are typed: what is found, what is told, exit codes.

#![expect(clippy::disallowed_methods, reason = "a test of the binary: it writes files")]

mod commands;

use std::path::Path;
use std::time::Instant;

use commands::Done;
use commands::run;
use serde_json::Value;
use tempfile::TempDir;

const CART: &str = "\
%% A cart.

Total = declare(counter).
update(Total, increment).

%% Adds up.
%%
%% ```lasp
%% total([{tea, 2}, {milk, 1}]) == 3.
%% total([]).          % => 0
%% Total               % => 1
%% ```
total([]) -> 0;
total([{_, N} | Rest]) -> N + total(Rest).

total_test() -> assert(total([{tea, 2}]) == 2).
fresh_test() -> update(Total, increment), assert(query(Total) == 2).
also_fresh_test() -> fresh_test().
sleeps_test() -> sleep(3000000), assert(now_ms() > 0).
helper_test(X) -> assert(X).
";

const BAD: &str = "\
S = declare(set).
%% ```lasp
%% print(hello). % prints: goodbye
%% ```
sides_test() -> print(seen), assert(lists:sum([1, 2]) == 4).
waits_test() -> read(S, {cardinality, 3}).
loops_test() -> loops_test().
thread_test() -> thread(fun() -> sleep(5), 1 div hd([0]) end).
good_test() -> ok.
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    folder
}

fn test(folder: &Path, arguments: &[&str]) -> Done {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lasp"));
    let done = command.current_dir(folder).arg("test").args(arguments).output().expect("the binary runs");
    Done {
        code: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8(done.stdout).expect("text"),
        stderr: String::from_utf8(done.stderr).expect("text"),
    }
}

fn doc(arguments: &[&str]) -> Done {
    let folder = folder(&[("cart.lasp", CART)]);
    let path = folder.path().join("cart.lasp").display().to_string();
    let mut all = vec!["doc"];
    all.extend(arguments.iter().map(|argument| if *argument == "cart.lasp" { path.as_str() } else { argument }));
    run(folder.path(), &all, "")
}

#[test]
fn functions_and_examples_run_apart_after_the_program() {
    let folder = folder(&[("cart.lasp", CART)]);
    let done = test(folder.path(), &["cart.lasp"]);
    let wanted = "cart.lasp\n  ok      example of total/1 at line 8\n  ok      total_test/0\n  ok      fresh_test/0\n  \
                  ok      also_fresh_test/0\n  ok      sleeps_test/0\n  \
                  ignored helper_test/1: a test takes no arguments\n5 passed, 0 failed, 1 ignored\n";
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (0, wanted, ""));
}

#[test]
fn a_failing_or_hanging_test_stops_no_other() {
    let folder = folder(&[("bad.lasp", BAD)]);
    let done = test(folder.path(), &[]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("  ok      good_test/0\n1 passed, 5 failed\n"), "{}", done.stdout);
    for told in [
        "line 1 of what is printed should be `goodbye`, and is `hello`",
        "an assertion does not hold: `lists:sum([1, 2]) == 4`",
        "help: `lists:sum([1, 2])` is 3",
        "it printed: seen",
        "bad.lasp:6:17: error E0701: `waits_test/0` waits for ever: S has to reach {cardinality, 3}; it is [] now",
        "error E0702: `loops_test/0` takes too many steps",
        "division by zero",
    ] {
        assert!(done.stderr.contains(told), "{told}: {}", done.stderr);
    }
}

#[test]
fn tests_are_objects_a_line() {
    let folder = folder(&[("bad.lasp", BAD)]);
    let done = test(folder.path(), &["--json", "--filter", ": sides"]);
    let lines: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines.len(), 2, "{}", done.stdout);
    let told = &lines[0];
    assert_eq!(
        (&told["event"], &told["name"], &told["outcome"]),
        (&"test".into(), &"sides_test/0".into(), &"failed".into())
    );
    assert_eq!((&told["file"], &told["line"], &told["printed"]), (&"bad.lasp".into(), &5.into(), &"seen\n".into()));
    assert_eq!(told["failures"][0]["code"], "E0394");
    assert_eq!(lines[1], serde_json::json!({"event": "summary", "passed": 0, "failed": 1, "ignored": 0}));
}

/// What is shown in a block is what a file of the same text does.
#[test]
fn a_block_is_one_task_as_a_program_is() {
    let program = "S = declare(set).\nthread(fun() -> update(S, {add, later}), print(later) end).\nprint(now).\n\
                   query(S). % => []\nsleep(1).\nquery(S). % => [later]\n";
    let block = format!("```lasp\n{program}% prints: now\n% prints: later\n```\n");
    let folder = folder(&[("block.md", &block), ("program.lasp", program)]);
    let done = test(folder.path(), &["block.md"]);
    assert!(done.stdout.ends_with("1 passed, 0 failed\n"), "{}{}", done.stdout, done.stderr);
    let path = folder.path().join("program.lasp").display().to_string();
    let ran = run(folder.path(), &["run", &path, "--quiet"], "");
    assert_eq!(ran.stdout, "now\nlater\n", "{}", ran.stderr);
}

#[test]
fn blocks_of_markdown_are_programs_of_their_own() {
    let text = "# Sets\n\n```lasp\nS = declare(set), update(S, {add, [2, 1]}).\n% => [1, 2]\nprint(query(S)).\n% prints: [1, 2]\n\
                double(X) -> X * 2.\ndouble(4) == 8.\n```\n\n```lasp\n1 / 0. % fails: E0502\n```\n\n```lasp ignore\nnot a program\n```\n\n\
                ```lasp\nS. % fails: E0201\n```\n\n~~~lasp\nlists:member(5, [1]).\n~~~\n";
    let folder = folder(&[("docs/sets.md", text), ("docs/deep/more.md", "```lasp\n1 + 1. % => 3\n```\n")]);
    let done = test(folder.path(), &["docs"]);
    assert_eq!(done.code, 1);
    assert!(
        done.stdout.starts_with("docs/deep/more.md\n  FAILED  example at line 1\ndocs/sets.md\n"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("3 passed, 2 failed, 1 ignored\n"), "{}", done.stdout);
    assert!(done.stderr.contains("docs/deep/more.md:2:1: error E0703: the example gives 2, not 3"), "{}", done.stderr);
    assert!(done.stderr.contains("docs/sets.md:25:1: error E0703: the example gives false"), "{}", done.stderr);
}

#[test]
fn what_stands_beside_a_form_that_the_check_refuses_is_compared_too() {
    let run = |block: &str| {
        let folder = folder(&[("a.md", &format!("```lasp\n{block}```\n"))]);
        let done = test(folder.path(), &["a.md"]);
        (done.code, done.stderr)
    };
    let ends = "[1] + 1. % fails: E0501\n";
    assert_eq!(run(&format!("f(X) -> X + 1.\nf(1). % => 2\nprint(a).\n% prints: a\n{ends}")).0, 0);
    for wrong in [
        format!("1 + 1. % => 3\n{ends}"),
        format!("{ends}1 + 1. % => 2\n"),
        format!("print(a).\n% prints: b\n{ends}"),
        // So it is where a form fails as it runs.
        "X = 0.\n1 / X. % fails: E0502\n1 + 1. % => 2\n".to_owned(),
    ] {
        let (code, told) = run(&wrong);
        assert!(code == 1 && told.contains("error E070"), "{wrong}: {told}");
    }
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let folder = folder(&[
        ("good.lasp", "a_test() -> ok.\n"),
        ("none.lasp", "X = 1.\n"),
        ("unsound.lasp", "a_test() -> Unbound.\n"),
        ("top.lasp", "X = 1 div 0.\na_test() -> ok.\n"),
        ("waits.lasp", "S = declare(set). read(S, [1]).\na_test() -> ok.\n"),
    ]);
    let cases: &[(&[&str], i32)] = &[
        (&["good.lasp"], 0),
        (&["none.lasp"], 0),
        (&["good.lasp", "--filter", "no such test"], 2),
        (&["none.lasp", "--filter", "no such test"], 0),
        (&["unsound.lasp"], 3),
        (&["good.lasp", "unsound.lasp"], 3),
        (&["top.lasp"], 1),
        // What waits at top level waits for others, and keeps no test from running.
        (&["waits.lasp"], 0),
        (&["nowhere.lasp"], 2),
        (&["--replicas", "0"], 2),
        (&["--seed", "3"], 2),
    ];
    for (arguments, code) in cases {
        let done = test(folder.path(), arguments);
        assert_eq!(done.code, *code, "{arguments:?}: {}{}", done.stdout, done.stderr);
    }
    let misspelt = test(folder.path(), &["good.lasp", "--filter", "b_test"]).stderr;
    assert!(misspelt.contains("E0811: none of 1 tests has `b_test` in its name"), "{misspelt}");
    assert!(test(folder.path(), &["none.lasp"]).stderr.contains("no tests were found"));
}

#[test]
fn on_simulated_nodes_the_seed_decides() {
    let program = "C = declare(counter).\nS = declare(set).\n\
                   alone_test() -> update(C, increment), assert(query(C) == 1).\n\
                   all_test() -> update(S, {add, replica()}), assert(read(S, {cardinality, 3}) == [0, 1, 2]).\n";
    let folder = folder(&[("c.lasp", program)]);
    let done = test(folder.path(), &["c.lasp", "--replicas", "3", "--runs", "20"]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("  FAILED  alone_test/0\n  ok      all_test/0\n"), "{}{}", done.stdout, done.stderr);
    // The line that is told repeats it.
    let again = done
        .stderr
        .lines()
        .find_map(|line| line.trim().strip_prefix("repeat: lasp test "))
        .expect("a line to repeat it");
    let words: Vec<&str> = again.split(' ').map(|word| word.trim_matches('\'')).collect();
    let filter =
        words.iter().position(|word| *word == "--filter").map(|at| format!(": {}", words[at + 2])).expect("a filter");
    let seed = words.last().expect("a seed");
    let arguments = ["c.lasp", "--filter", &filter, "--replicas", "3", "--seed", seed];
    let (one, other) = (test(folder.path(), &arguments), test(folder.path(), &arguments));
    assert_eq!(one.code, 1, "{}", one.stderr);
    assert_eq!((one.stdout, one.stderr), (other.stdout, other.stderr));
}

#[test]
fn a_test_that_runs_for_ever_is_told_with_the_place_where_it_is() {
    let text = "f(N) ->\n    f(N + 1).\ng() ->\n    sleep(1000), g().\nsteps_test() -> f(0).\ntime_test() -> g().\n";
    let folder = folder(&[("l.lasp", text)]);
    let done = test(folder.path(), &[]);
    assert!(
        done.stderr.contains("l.lasp:2:") && done.stderr.contains("error E0702: `steps_test/0`"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("l.lasp:4:5: error E0702: `time_test/0`"), "{}", done.stderr);
}

#[test]
fn a_test_that_runs_for_ever_ends_on_simulated_nodes_too() {
    let folder = folder(&[("l.lasp", "loop_test() -> loop_test().\nwait_test() -> read(declare(set), [1]).\n")]);
    let started = Instant::now();
    let done = test(folder.path(), &["--replicas", "2"]);
    assert!(done.stderr.contains("E0702") && done.stderr.contains("E0701"), "{}", done.stderr);
    assert!(started.elapsed() < commands::PATIENCE);
}

#[test]
fn documentation_is_found_by_every_name() {
    for (name, wanted) in [
        ("lists", "lists:map(F, List)"),
        ("lists:map/2", "lists:map(F, List)"),
        ("lists:map", "lists:map(F, List)"),
        ("map", "See also: lists:map/2"),
        ("update", "update(variable, operation, actor) -> variable"),
        ("set", "Other names: awset; orset; awset_ps"),
        ("state_gcounter", "gcounter (a type)"),
        ("pncounter", "counter (a type)"),
        ("top_k", "{set, Name, Score}"),
        ("foldl", "lists:foldl(F, Acc, List)"),
        ("csv:read", "csv:read(path) -> list"),
        ("cart.lasp", "total(Rest)"),
    ] {
        let done = doc(&[name]);
        assert_eq!(done.code, 0, "{name}: {}", done.stderr);
        let wanted = if name == "cart.lasp" { "Adds up." } else { wanted };
        assert!(done.stdout.contains(wanted), "{name}: {}", done.stdout);
    }
    assert_eq!(doc(&["set", "--json"]).stdout, doc(&["set", "--format", "json"]).stdout);
    assert_eq!(doc(&["set", "--json", "--format", "text"]).code, 2);
    assert_eq!(doc(&["set", "--markdown"]).stdout, doc(&["set", "--format", "markdown"]).stdout);
    assert_eq!(doc(&["set", "--markdown", "--json"]).code, 2);
    let done = doc(&["lits"]);
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("E0707") && done.stderr.contains("did you mean `lists`?"), "{}", done.stderr);
    assert_eq!(doc(&["lists", "--format", "html"]).code, 2);
}

#[test]
fn documentation_is_markdown_and_objects_too() {
    let markdown = doc(&["--format", "markdown"]);
    assert_eq!(markdown.stdout, doc(&["--format", "markdown"]).stdout);
    for heading in ["## Types", "### `set`", "## Verbs", "### `update/2`", "## The module `lists`", "### `lists:map/2`"]
    {
        assert!(markdown.stdout.lines().any(|line| line == heading), "{heading}");
    }
    let lines = doc(&["--format", "json"]).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert!(lines.len() > 200);
    let set = lines.iter().find(|line| line["kind"] == "type" && line["name"] == "set").expect("the type");
    assert!(set["operations"].as_array().is_some_and(|operations| operations.contains(&"`{add, E}`".into())));
    let program = doc(&["cart.lasp", "--format", "markdown"]).stdout;
    assert!(program.starts_with("# cart.lasp\n\nA cart.\n\n## `total/1`\n"), "{program}");
}

#[test]
fn a_program_documents_its_module_names_and_checks() {
    let text = "%% Keeps carts.\n-module(carts).\n\n%% What is in.\nCart = declare(set).\nOther = 1.\n\n%% Holds.\n\
                a_test() -> ok.\nb_test() -> ok.\n";
    let folder = folder(&[("carts.lasp", text)]);
    let path = folder.path().join("carts.lasp").display().to_string();
    let done = run(folder.path(), &["doc", &path], "");
    for wanted in ["Keeps carts.", "Cart = declare(set)\n  What is in.", "a_test()\n  Holds."] {
        assert!(done.stdout.contains(wanted), "{wanted}: {}", done.stdout);
    }
    assert!(!done.stdout.contains("Other") && !done.stdout.contains("b_test"), "{}", done.stdout);
    // What was written in the order in which it was written, with one blank line between.
    let mixed = "%% A page.\n\n%% Doubles.\n%%\n%% ```lasp\n%% twice(2) == 4\n%% ```\n%%\n%% Nothing stays nothing.\ntwice(X) -> X * 2.\n";
    let shown = run(folder.path(), &["doc", "-"], mixed).stdout;
    assert_eq!(shown, "A page.\n\ntwice(X)\n  Doubles.\n\n      twice(2) == 4\n\n  Nothing stays nothing.\n");
    let objects = run(folder.path(), &["doc", "-", "--json"], mixed).stdout;
    let objects: Vec<Value> =
        objects.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!((&objects[0]["kind"], &objects[0]["text"]), (&"program".into(), &"A page.".into()));
    assert_eq!(objects[1]["text"], "Doubles.\n\nNothing stays nothing.");
    // At the very top it may be meant for a name.
    let first = run(folder.path(), &["doc", "-"], "%% All.\nCart = declare(set).\n");
    assert_eq!(first.stdout, "Cart = declare(set)\n  All.\n");
}

#[test]
fn what_is_no_test_and_what_does_not_end_is_told_by_name() {
    let text = "loop() -> loop().\nends_not_test() -> loop().\nwaits_test() -> read(declare(ivar)).\nj_test(X) -> X.\n";
    let folder = folder(&[("t.lasp", text)]);
    let done = test(folder.path(), &[]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stdout.contains("ignored j_test/1: a test takes no arguments"), "{}", done.stdout);
    assert!(done.stderr.contains("E0702: `ends_not_test/0` takes too many steps"), "{}", done.stderr);
    assert!(done.stderr.contains("E0701: `waits_test/0` waits for ever"), "{}", done.stderr);
    let seed = test(folder.path(), &["--seed", "5"]);
    assert!(seed.code == 2 && seed.stderr.contains("--replicas"), "{}", seed.stderr);
}

#[test]
fn the_reference_is_true() {
    let data = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/data").join(name))
            .expect("it is there")
    };
    let (table, tree, lines) = (data("people.csv"), data("people.json"), data("names.txt"));
    let folder = folder(&[
        ("reference.md", &doc(&["--format", "markdown"]).stdout),
        ("data/people.csv", &table),
        ("data/people.json", &tree),
        ("data/names.txt", &lines),
    ]);
    let done = test(folder.path(), &["reference.md"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout.lines().rev().take(40).collect::<Vec<_>>().join("\n"), done.stderr);
}

/// Tests of which the first builds a product of a million pairs in one step.
const HEAVY: &str = "\
pairs(Many) ->
    A = declare({a, Many}, set),
    update(A, {add_all, lists:seq(1, Many)}),
    length(query(product(A, A, declare({p, Many}, set)))).
a_million_test() -> assert(pairs(1000) == 1000000).
a_hundred_test() -> assert(pairs(10) == 100).
";

#[test]
fn one_long_step_is_broken_off_at_its_place_and_the_other_tests_go_on() {
    let folder = folder(&[("heavy.lasp", HEAVY)]);
    let done = test(folder.path(), &["heavy.lasp", "--steps", "1"]);
    assert!(done.code == 1 && done.stdout.contains("1 passed, 1 failed"), "{}", done.stdout);
    let told = "heavy.lasp:4:12: error E0702: `a_million_test/0` takes too many steps";
    assert!(done.stderr.contains(told) && done.stderr.contains("has too many elements"), "{}", done.stderr);
    assert!(done.stderr.contains("a test may take 1 million") && done.stderr.contains("--steps 10"), "{}", done.stderr);
}

#[test]
fn what_takes_too_many_steps_on_several_nodes_is_told_with_its_node_and_place() {
    let endless = "loop(N) -> loop(N + 1).\nendless_test() -> loop(0).\n";
    let folder = folder(&[("heavy.lasp", HEAVY), ("endless.lasp", endless)]);
    let done = test(folder.path(), &["heavy.lasp", "--replicas", "2", "--steps", "1"]);
    let told = "heavy.lasp:4:12: error E0702: `a_million_test/0` takes too many steps on n0";
    assert!(done.code == 1 && done.stderr.contains(told), "{}", done.stderr);
    assert!(done.stderr.contains(" --seed 1 --steps 1"), "the line that repeats it: {}", done.stderr);
    let done = test(folder.path(), &["endless.lasp", "--replicas", "2", "--steps", "1"]);
    let at = done.stderr.contains("endless.lasp:1:") && done.stderr.contains("it is here, and goes on");
    let told = "error E0702: `endless_test/0` takes too many steps on n0";
    assert!(done.code == 1 && at && done.stderr.contains(told), "{}", done.stderr);
}

#[test]
fn everything_that_is_documented_has_an_example() {
    let objects = doc(&["--json"]).stdout;
    let without: Vec<&str> = objects.lines().filter(|line| line.contains("\"examples\":[]")).collect();
    assert!(objects.lines().count() > 300 && without.is_empty(), "{without:#?}");
}

#[test]
fn every_verb_shows_an_example() {
    let folder = folder(&[]);
    for verb in ["run", "check", "test", "doc", "explain", "repl"] {
        let done = run(folder.path(), &[verb, "--help"], "");
        assert!(done.stdout.contains(&format!("  lasp {verb}")), "{verb}: {}", done.stdout);
    }
}

#[test]
fn variables_that_no_name_of_the_top_level_is_bound_to_have_to_be_equal_too() {
    let program = "I = declare(gset), update(I, {add, 1}).
        own_test() -> R = replica(), map(I, fun(_) -> R end, declare(o, gset)), read(I, [1]).
        same_test() -> map(I, fun(X) -> X end, declare(p, gset)), read(I, [1]).";
    let folder = folder(&[("apart.lasp", program)]);
    let done = test(folder.path(), &["apart.lasp", "--replicas", "3", "--seed", "7"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(
        done.stdout.contains("FAILED  own_test/0") && done.stdout.contains("ok      same_test/0"),
        "{}",
        done.stdout
    );
    assert_eq!(done.stderr.matches("error E0706: the replicas differ: o is [0]").count(), 1, "{}", done.stderr);
}
