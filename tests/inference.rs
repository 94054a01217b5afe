//! Inference gives no false alarm: what is told as an error fails when it runs.

use lasp::compile::Session;
use lasp::compile::generate;
use lasp::value::term::Term;
use lasp::vm::Machine;
use lasp::vm::Outcome;
use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;

/// A random expression in which everything that is written is evaluated; many of them fail.
fn expression() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "X",
        "Y",
        "0",
        "1",
        "2.5",
        "ok",
        "\"text\"",
        "[]",
        "[1, 2]",
        "{ok, 1}",
        "#{a => 1}",
        "true",
        "fun f/1",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (two.clone(), select(vec!["+", "-", "++", "--", "==", "<", "div", "and", "=:="]))
                .prop_map(|((a, b), o)| format!("(({a}) {o} ({b}))")),
            (inner.clone(), select(vec!["f", "g", "length", "hd", "is_list", "abs", "map_size", "lists:reverse"]))
                .prop_map(|(a, f)| format!("{f}({a})")),
            inner.clone().prop_map(|a| format!("element(2, {a})")),
            inner.clone().prop_map(|a| format!("lists:map(fun(Z) -> {{Z, Z}} end, {a})")),
            inner.clone().prop_map(|a| format!("lists:foldl(fun(Z, A) -> A + Z end, 0, {a})")),
            inner.clone().prop_map(|a| format!("[{{P, 1}} || P <- {a}]")),
            two.clone().prop_map(|(a, b)| format!("maps:get(a, {a}, {b})")),
            two.prop_map(|(a, b)| format!("{{{a}, [{b}]}}")),
        ]
    })
}

/// A program that prints it, with functions of several clauses.
fn program(expression: &str) -> String {
    format!(
        "X = 3, Y = {{ok, [1]}}.\nf([]) -> none;\nf([A | _]) -> A;\nf(N) when is_number(N) -> N * 2;\n\
         f(A) -> {{f, A}}.\ng({{ok, A}}) -> g(A);\ng(A) when is_list(A) -> length(A);\ng(#{{a := A}}) -> A;\n\
         g(N) when is_integer(N), N > 0 -> g(N - 1);\ng(A) -> A.\nprint({expression}).\n"
    )
}

/// Whether it ends without a failure when it is run although inference refuses it.
fn runs(text: &str) -> bool {
    let (mut session, library) = Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let Ok((checked, _)) = session.facts("random.lasp", text) else { return false };
    let Ok(unit) = generate(&checked, None) else { return false };
    let forms = machine.load(&unit).forms;
    let mut task = machine.top_level(&forms);
    let mut fuel = 10_000_000;
    loop {
        match machine.run(&mut task, &mut fuel) {
            Outcome::Done(_) => return true,
            Outcome::Failed(_) | Outcome::OutOfFuel => return false,
            Outcome::Verb(_) => task.resume(Term::atom("ok")),
        }
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_told_as_an_error_fails_when_it_runs(expression in expression()) {
        let text = program(&expression);
        let (mut session, _) = Session::new();
        if let Err(told) = session.program("random.lasp", &text) {
            prop_assert!(!runs(&text), "{expression}\n{told:#?}");
        }
    }
}
