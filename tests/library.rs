//! The library, function by function: each line of `tests/library/*.txt` is a call and what it gives, by Erlang's documentation
//! and not by this implementation.

mod bare;
mod support;

use bare::Evaluator;
use lasp::library;
use lasp::library::BUILTINS;
use support::files;
use support::shown;
use support::text;

#[test]
fn every_function_gives_what_erlang_says() {
    let mut evaluator = Evaluator::new();
    let mut rows = Vec::new();
    for path in files("tests/library", &[".txt"]) {
        for (at, line) in text(&path).lines().enumerate().filter(|(_, line)| !line.starts_with('%')) {
            let (call, expected) = line.rsplit_once(" --> ").unwrap_or_else(|| panic!("no arrow in {line}"));
            rows.push((format!("{}:{}", shown(&path), at + 1), call.to_owned(), expected.to_owned()));
        }
    }
    assert!(rows.len() > 700, "{}", rows.len());
    let (failing, giving): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, _, expected)| expected.starts_with("E0"));
    let mut wrong = Vec::new();
    // Many in one text: most of the time goes into checking it.
    for some in giving.chunks(40) {
        let calls: Vec<&str> = some.iter().map(|(_, call, _)| &**call).collect();
        let got = evaluator.value(&format!("[{}]", calls.join(", "))).map(|values| values.to_vec().unwrap_or_default());
        for (at, (place, call, expected)) in some.iter().enumerate() {
            let got = match &got {
                Ok(values) => values[at].to_string(),
                Err(_) => evaluator.evaluate(call),
            };
            if got != *expected {
                wrong.push(format!("{place}: {call}\n    expected {expected}\n    got      {got}"));
            }
        }
    }
    for (place, call, expected) in failing {
        let got = evaluator.evaluate(&call);
        // The checker may see it before it runs, and tells more then.
        let seen = expected.starts_with("E05") && got.starts_with("E0") && got.contains(": ");
        if !got.starts_with(&expected) && !seen {
            wrong.push(format!("{place}: {call}\n    expected {expected}\n    got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Arguments of all kinds, right and wrong ones.
const ARGUMENTS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "1 bsl 60",
    "-(1 bsl 63)",
    "1 bsl 70",
    "-(1 bsl 200)",
    "0.5",
    "-2.5",
    "1.0e308",
    "a",
    "true",
    "all",
    "leading",
    "both",
    "trim",
    "utf8",
    "infinity",
    "\"\"",
    "\"ab\"",
    "\"12\"",
    "\"äe\\x{30a}\\r\\n\"",
    "\"~p~5.2f~*c\"",
    "[]",
    "[1, 2]",
    "[2, 1, 1.0]",
    "[1 | 2]",
    "[[1 | 2], 3]",
    "[{a, 1}, {b, 2}]",
    "[{a, 1} | b]",
    "[\"a\", 98]",
    "[[1], [2, [3]]]",
    "[global]",
    "[{decimals, 3}, compact]",
    "{}",
    "{1, 2}",
    "{[], [1]}",
    "{pad, {1, 2}}",
    "#{}",
    "#{a => 1, 2 => [b]}",
    "fun() -> a end",
    "fun(X) -> X end",
    "fun(X) -> [X] end",
    "fun(_) -> true end",
    "fun(X, _) -> X end",
    "fun(X, Y) -> {X, Y} end",
    "fun(_, _) -> false end",
    "fun(_, _, Z) -> Z end",
];

/// Names and arities of all pure functions that a program can call.
fn functions() -> Vec<(String, u8)> {
    let mut all: Vec<(String, u8)> = BUILTINS
        .iter()
        .filter(|row| row.pure)
        .map(|row| (row.module.map_or(row.name.to_owned(), |module| format!("{module}:{}", row.name)), row.arity))
        .collect();
    let (session, _) = lasp::compile::Session::new();
    for name in session.environment.names_for_completion() {
        let Some((module, function)) = name.split_once(':') else { continue };
        let arities = (0..=6).filter(|arity| session.environment.function(Some(module), function, *arity).is_some());
        all.extend(arities.map(|arity| (name.clone(), arity)));
    }
    all
}

#[test]
fn no_arguments_make_a_function_panic_or_run_without_end() {
    let mut evaluator = Evaluator::new();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap_or(0)
    };
    let all = functions();
    assert!(all.len() > 340, "{}", all.len());
    let functions = all.iter().map(|(name, arity)| format!("fun {name}/{arity}")).collect::<Vec<_>>().join(", ");
    let functions = evaluator.value(&format!("[{functions}]")).expect("they exist").to_vec().expect("a list");
    let arguments = evaluator.value(&format!("[{}]", ARGUMENTS.join(", "))).expect("terms").to_vec().expect("a list");
    for ((name, arity), function) in all.iter().zip(functions) {
        for _ in 0..25 * usize::from(*arity) {
            let chosen: Vec<_> = (0..*arity).map(|_| arguments[next(arguments.len())].clone()).collect();
            let told = evaluator.call(&function, chosen.clone()).map_or_else(|told| told, |value| value.to_string());
            assert_ne!(told, "out of fuel", "{name}({chosen:?})");
            assert_ne!(told, "E0516", "{name}({chosen:?})");
        }
    }
}

#[test]
fn what_is_left_out_is_not_there_and_what_is_told_instead_is() {
    let mut evaluator = Evaluator::new();
    let title = |call: &str| evaluator.evaluate(call);
    let absent = ["spawn(1)", "lists:reduce(1)", "string:strip(1)", "ets:new(1)", "rand:uniform(1)", "self()"];
    let told: Vec<String> = absent.into_iter().map(title).collect();
    assert!(told.iter().all(|told| told.starts_with("E020")), "{told:#?}");
    for (module, name) in [(None, "term_to_binary"), (Some("string"), "strip"), (Some("erlang"), "phash2")] {
        assert!(library::instead(module, name).is_some(), "{name}");
    }
    assert!(BUILTINS.iter().all(|row| library::instead(row.module, row.name).is_none()));
    let (session, _) = lasp::compile::Session::new();
    for name in session.environment.names_for_completion() {
        let (module, function) = name.split_once(':').map_or((None, &*name), |(module, name)| (Some(module), name));
        assert_eq!(library::instead(module, function), None, "{name}");
    }
}

#[test]
fn what_is_said_to_be_written_instead_is_in_the_library() {
    let lines = lasp::syntax::counterparts::lines();
    assert!(lines.len() > 100, "{}", lines.len());
    let named: Vec<String> = functions().into_iter().map(|(name, arity)| format!("{name}/{arity}")).collect();
    let mut wrong = Vec::new();
    for line in lines {
        let mut rest = &*line;
        while let Some(at) = rest.find('(') {
            let start = rest[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').map_or(0, |at| at + 1);
            let name = &rest[start..at];
            rest = &rest[at + 1..];
            let given = lasp::syntax::guess::arguments(rest).unwrap_or_default().len();
            let known = named.contains(&format!("{name}/{given}")) || name == "random" && given == 1;
            if !name.is_empty() && name != "fun" && !known {
                wrong.push(format!("{name}/{given} in {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
