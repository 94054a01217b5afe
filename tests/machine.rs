//! The machine: fuel, depth, purity, identities, and the library's documentation.

mod bare;

use bare::evaluate;
use bare::run;
use lasp::library::BUILTINS;
use lasp::library::MODULES;
use lasp::library::Verb;
use lasp::source::codes;
use lasp::value::codec;
use lasp::value::term::Term;
use lasp::vm::Machine;
use lasp::vm::Outcome;
use lasp::vm::Task;

#[test]
fn every_example_of_the_library_is_true() {
    let examples = BUILTINS.iter().filter(|row| row.pure).map(|row| row.example.to_string());
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut evaluator = bare::Evaluator::new();
    for example in examples.chain(MODULES.iter().flat_map(|(_, text)| doctests(text))) {
        count += 1;
        let got = evaluator.evaluate(&example);
        if got != "true" {
            wrong.push(format!("{example}: {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 350, "{count}");
}

/// The expressions in the ```` ```lasp ```` blocks of a module.
fn doctests(text: &str) -> Vec<String> {
    let (mut found, mut inside) = (Vec::new(), false);
    for line in text.lines() {
        let Some(line) = line.strip_prefix("%%") else { continue };
        match line.trim() {
            "```lasp" => inside = true,
            "```" => inside = false,
            expression if inside => found.push(expression.to_string()),
            _ => {}
        }
    }
    found
}

#[test]
fn every_example_of_a_verb_compiles() {
    for row in BUILTINS.iter().filter(|row| row.verb.is_some() && !row.example.is_empty()) {
        let (mut session, _) = lasp::compile::Session::new();
        let compiled = session.program("example", row.example);
        assert!(compiled.is_ok(), "{}: {:?}", row.title(), compiled.err());
    }
}

#[test]
fn every_code_has_a_program_that_gets_it_and_one_that_does_not() {
    for explanation in codes::all().filter(|explanation| explanation.code.starts_with("E05")) {
        let Some((wrong, right)) = explanation.programs() else { continue };
        if explanation.code == "E0518" {
            // Needs a node.
            continue;
        }
        assert_eq!(outcome(wrong), explanation.code, "{wrong}");
        assert_eq!(outcome(right), "done", "{right}");
    }
}

/// Runs a program whose only verb is `print`.
fn outcome(text: &str) -> String {
    let (mut session, library) = lasp::compile::Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let unit = match session.program("test.lasp", text) {
        Ok((unit, _)) => unit,
        Err(said) => return said[0].code.into(),
    };
    let forms = machine.load(&unit).forms;
    let mut task = machine.top_level(&forms);
    let mut fuel = 100_000_000;
    loop {
        match machine.run(&mut task, &mut fuel) {
            Outcome::Done(_) => return "done".into(),
            Outcome::Failed(failure) => return failure.code().into(),
            Outcome::Verb(request) => {
                assert!(matches!(request.verb, Verb::Print | Verb::Format), "{request:?}");
                match request.arguments.as_slice() {
                    [control, arguments] => match lasp::vm::format::format(control, arguments) {
                        Ok(_) => task.resume(Term::atom("ok")),
                        Err(fault) => task.fail(fault.code(), fault.title(), Vec::new()),
                    },
                    _ => task.resume(Term::atom("ok")),
                }
            }
            Outcome::OutOfFuel => return "out of fuel".into(),
        }
    }
}

#[test]
fn a_million_open_calls_are_no_problem() {
    assert_eq!(evaluate("f(1000000). f(0) -> 0; f(N) -> 1 + f(N - 1)."), "1000000");
}

#[test]
fn a_failure_far_down_tells_the_calls_that_led_there() {
    let run = run("g(X) -> 1 div X.\nf(X) -> [g(X)].\nf(0).\n");
    let failure = run.outcome.expect_err("divides by zero");
    let diagnostic = failure.diagnostic();
    assert_eq!(diagnostic.code, "E0502");
    assert_eq!(run.session.files.slice(diagnostic.labels[0].span), "1 div X");
    assert_eq!(run.session.files.slice(diagnostic.labels[1].span), "g(X)");
    assert!(diagnostic.title.contains("1 div 0"), "{}", diagnostic.title);
}

#[test]
fn a_loop_without_end_yields_and_takes_no_room() {
    let mut start = start("f(0). f(N) -> f(N + 1).");
    for _ in 0..20 {
        let mut fuel = 10_000;
        assert!(matches!(start.0.run(&mut start.1, &mut fuel), Outcome::OutOfFuel));
        assert_eq!(fuel, 0);
    }
}

#[test]
fn a_function_of_the_library_takes_fuel_for_what_it_goes_through() {
    let costs = |expression: &str| {
        let (mut machine, mut task) =
            start(&format!("L = lists:seq(1, 80000), T = string:copies(\"a\", 80000), {expression}."));
        let mut fuel = 100_000_000;
        let outcome = machine.run(&mut task, &mut fuel);
        assert!(matches!(outcome, Outcome::Done(_)), "{expression}");
        100_000_000 - fuel
    };
    let made = costs("{L, T}");
    for cheap in ["hd(L)", "lists:member(1, L)", "lists:nth(2, L)", "lists:keyfind(1, 1, [{1, L} | L])", "hd(L) == L"] {
        assert!(costs(cheap) < made + 10, "{cheap}: {}", costs(cheap) - made);
    }
    let walks =
        ["length(L)", "lists:member(0, L)", "lists:reverse(L)", "L ++ []", "lists:nthtail(79999, L)", "lists:sum(L)"];
    let more =
        ["lists:keyfind(0, 1, L)", "list_to_tuple(L)", "setelement(1, list_to_tuple(L), a)", "[2 | L] < [2 | L]"];
    let compared = [
        "L == [1 | tl(L)]",
        "case L of [2 | _] -> a; [1 | R] when R =:= tl(L) -> b end",
        "max(L, L)",
        "case {L, [1 | tl(L)]} of {X, X} -> a end",
    ];
    for walk in walks.into_iter().chain(more).chain(compared) {
        assert!(costs(walk) >= made + 9_000, "{walk}: {}", costs(walk) - made);
    }
    for sort in ["lists:sort(L)", "L -- [1]", "sets:from_list(L)", "maps:from_keys(L, 1)"] {
        assert!(costs(sort) >= made + 100_000, "{sort}: {}", costs(sort) - made);
    }
    assert!(costs("string:reverse(T)") >= made + 5_000);
    let alike = costs("string:jaro_similarity(string:copies(\"a\", 15000), string:copies(\"b\", 15000))");
    assert!(alike >= made + 20_000_000, "{}", alike - made);
}

fn start(text: &str) -> (Machine, Task) {
    let (mut session, library) = lasp::compile::Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let (unit, _) = session.program("test.lasp", text).expect("compiles");
    let forms = machine.load(&unit).forms;
    let task = machine.top_level(&forms);
    (machine, task)
}

#[test]
fn a_task_waits_at_a_verb_and_goes_on_with_the_answer() {
    let (mut machine, mut task) = start("f(X) -> {print(X), X}. f(1).");
    let mut fuel = 1000;
    let Outcome::Verb(request) = machine.run(&mut task, &mut fuel) else { panic!("a verb is called") };
    assert_eq!((request.verb, request.arguments), (Verb::Print, vec![Term::Int(1)]));
    task.resume(Term::Int(7));
    let Outcome::Done(value) = machine.run(&mut task, &mut fuel) else { panic!("it ends") };
    assert_eq!(value.to_string(), "{7, 1}");
}

#[test]
fn a_refused_verb_fails_at_its_place() {
    let (mut machine, mut task) = start("f(X) -> [print(X)]. f(1).");
    let mut fuel = 1000;
    assert!(matches!(machine.run(&mut task, &mut fuel), Outcome::Verb(_)));
    task.fail("E0301", "no variable".into(), vec!["declare it".into()]);
    let Outcome::Failed(failure) = machine.run(&mut task, &mut fuel) else { panic!("it was refused") };
    let diagnostic = failure.diagnostic();
    assert_eq!((diagnostic.code, diagnostic.title.as_str()), ("E0301", "no variable"));
    assert_eq!(diagnostic.labels.len(), 2);
}

#[test]
fn a_pure_call_refuses_verbs_and_endless_loops() {
    let verbs = run("F = fun(X) -> print(X) end, F.");
    let function = verbs.outcome.expect("a function");
    let mut machine = verbs.machine;
    let failure = machine.call(&function, &[Term::Int(1)]).expect_err("a verb");
    assert_eq!(failure.code(), "E0518");
    assert!(failure.diagnostic().title.contains("print/1"));
    let endless = run("f(X) -> f(X). fun f/1.");
    let function = endless.outcome.expect("a function");
    let mut machine = endless.machine;
    assert_eq!(machine.call(&function, &[Term::Int(1)]).expect_err("endless").code(), "E0519");
    assert_eq!(machine.call(&Term::Int(1), &[]).expect_err("no function").code(), "E0508");
    assert_eq!(machine.call(&function, &[]).expect_err("no argument").code(), "E0509");
}

#[test]
fn a_call_after_a_failure_starts_clean() {
    let run = run("fun(X) -> [1 div X | 2] end.");
    let function = run.outcome.expect("a function");
    let mut machine = run.machine;
    assert!(machine.call(&function, &[Term::Int(0)]).is_err());
    assert_eq!(machine.call(&function, &[Term::Int(1)]).expect("divides").to_string(), "[1 | 2]");
}

/// The identity of the function that a program ends with.
fn identity(text: &str) -> u128 {
    let run = run(text);
    run.machine.identity(&run.outcome.expect("a function")).expect("an identity")
}

#[test]
fn identity_does_not_depend_on_names_and_places() {
    let one = identity("f(X) -> X + 1. g(Y) -> f(Y) * 2. fun(A) -> g(A) end.");
    let other = identity("unrelated() -> 5.\n\n  h(Value) -> k(Value) * 2. k(Z) -> Z + 1. fun(Item) -> h(Item) end.");
    assert_eq!(one, other);
}

#[test]
fn identity_depends_on_what_is_called_captured_and_read() {
    let all = [
        identity("f(X) -> X + 1. fun(A) -> f(A) end."),
        identity("f(X) -> X + 2. fun(A) -> f(A) end."),
        identity("fun(A) -> length(A) end."),
        identity("fun(A) -> hd(A) end."),
        identity("N = 1. fun(A) -> A + N end."),
        identity("N = 2. fun(A) -> A + N end."),
        identity("f(M) -> fun(A) -> A + M end. f(1)."),
        identity("f(M) -> fun(A) -> A + M end. f(2)."),
        identity("N = 2. F = fun(X) -> X + N end. fun(A) -> F(A) end."),
        identity("N = 3. F = fun(X) -> X + N end. fun(A) -> F(A) end."),
    ];
    for (at, left) in all.iter().enumerate() {
        for right in &all[at + 1..] {
            assert_ne!(left, right);
        }
    }
}

#[test]
fn identity_of_mutual_recursion_ends() {
    let one = identity("e(0) -> true; e(N) -> o(N - 1). o(0) -> false; o(N) -> e(N - 1). fun e/1.");
    let same = identity("b(0) -> false; b(N) -> a(N - 1). a(0) -> true; a(N) -> b(N - 1). fun a/1.");
    let other = identity("e(0) -> true; e(N) -> o(N - 1). o(0) -> false; o(N) -> e(N - 1). fun o/1.");
    assert_eq!(one, same);
    assert_ne!(one, other);
}

#[test]
fn identity_of_a_function_that_reads_an_unbound_name_is_refused() {
    let run = run("f(X) -> X + Late. F = fun f/1. F2 = F. Late = 1. F2.");
    let function = run.outcome.expect("a function");
    assert!(run.machine.identity(&function).is_ok());
    let (mut session, library) = lasp::compile::Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let (unit, _) = session.program("t", "f(X) -> X + Late. fun f/1. Late = 1.").expect("compiles");
    let forms = machine.load(&unit).forms;
    let mut task = machine.top_level(&forms[..1]);
    let Outcome::Done(function) = machine.run(&mut task, &mut 100) else { panic!("it ends") };
    assert_eq!(machine.identity(&function).expect_err("unbound").code(), "E0510");
}

#[test]
fn a_function_from_elsewhere_is_found_by_what_it_is() {
    let text = "f(M) -> fun(A) -> A + M end. f(5).";
    let here = run(text);
    let bytes = codec::encode(&here.outcome.expect("a function"));
    let there = run(text);
    let function = codec::decode(&bytes).expect("a term");
    let mut machine = there.machine;
    assert_eq!(machine.call(&function, &[Term::Int(2)]).expect("known"), Term::Int(7));
    let stranger = run("1.");
    let mut machine = stranger.machine;
    assert_eq!(machine.call(&function, &[Term::Int(2)]).expect_err("unknown").code(), "E0520");
}

#[test]
fn long_lists_and_deep_nesting_are_built_in_place() {
    let items: Vec<String> = (0..20_000).map(|n| format!("{{X, {n}}}")).collect();
    assert_eq!(evaluate(&format!("X = 1, length([{}])", items.join(", "))), "20000");
    let entries: Vec<String> = (0..2_000).map(|n| format!("{n} => X")).collect();
    assert_eq!(evaluate(&format!("X = 1, map_size(#{{{}}})", entries.join(", "))), "2000");
}

#[test]
fn lines_at_the_prompt_know_the_lines_before() {
    let (mut session, library) = lasp::compile::Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let lines = [("X = 5.", "5"), ("f(N) -> N + X.", "ok"), ("f(1)", "6"), ("f(N) -> N * X.", "ok"), ("f(2).", "10")];
    for (line, expected) in lines {
        let (unit, _) = session.prompt(line).unwrap_or_else(|said| panic!("{line}: {said:#?}"));
        let forms = machine.load(&unit).forms;
        let mut task = machine.top_level(&forms);
        let Outcome::Done(value) = machine.run(&mut task, &mut 1000) else { panic!("{line} ends") };
        assert_eq!(value.to_string(), expected, "{line}");
    }
    assert!(session.prompt("g(").is_err());
    assert!(session.expression("--until", "X == 5").is_ok());
    assert!(session.expression("--until", "X == 5. X.").is_err());
}
