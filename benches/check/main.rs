//! How long it takes to find what is wrong with a program of ten thousand lines, before it runs.
//!
//! `cargo bench --bench check`; a plain harness, since one figure each is all that is asked. The aim is well under a second.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints")]

use std::fmt::Write;
use std::time::Duration;
use std::time::Instant;

use lasp::compile::Session;

/// The lines of the program.
const LINES: usize = 10_000;

/// Functions, derivations, tables, recursion and library calls, over and over under other names.
fn program() -> String {
    let mut text = String::new();
    let mut at = 0;
    while text.lines().count() < LINES {
        for _ in 0..20 {
            at += 1;
            // Writing to a text cannot fail.
            let _ = write!(
                text,
                r#"S{at} = declare(set), C{at} = declare({{gmap, [counter]}}).
D{at} = map(S{at}, fun(X) -> scale_{at}(X) end).
scale_{at}({{Name, Score}}) ->
    case Score of
        0 -> {{Name, none}};
        N when N > {at} -> {{Name, N * 2}};
        N -> {{Name, N + {at}}}
    end;
scale_{at}(Other) -> {{Other, 0}}.
fold(D{at}, fun({{Name, _}}) -> {{apply, Name, increment}} end, C{at}).
update(S{at}, {{add, [{{ann, {at}}}, {{bob, 2}}, {{cid, 0}}]}}).
table_{at}() -> [
    #{{id => 1, name => "first", price => 1.5, tags => [a, b]}},
    #{{id => 2, name => "second", price => 2.5, tags => [c]}},
    #{{id => 3, name => "third", price => 3.5, tags => []}}].
total_{at}(Rows) ->
    Prices = [maps:get(price, Row) || Row <- Rows],
    {{lists:foldl(fun(P, Sum) -> P + Sum end, 0, Prices), length(Prices)}}.
print(total_{at}(table_{at}())).
walk_{at}([], Done) -> lists:reverse(Done);
walk_{at}([X | Rest], Done) when is_integer(X), X rem 2 == 0 -> walk_{at}(Rest, [X * {at} | Done]);
walk_{at}([_ | Rest], Done) -> walk_{at}(Rest, Done).
print(walk_{at}(lists:seq(1, {at}), [])).
"#
            );
        }
    }
    text
}

/// Each line a function that nests its argument in sixty tuples: much to a line, 1.3 megabytes in all.
fn nested() -> String {
    let (open, close) = ("{".repeat(60), "}".repeat(60));
    (0..LINES).fold(String::new(), |mut text, at| {
        let _ = writeln!(text, "nested_{at}(X) -> {open}X{close}.");
        text
    })
}

/// Each line a function that calls the one above with more around its argument.
fn chain() -> String {
    let first = "chain_0(X) -> X.\n".to_owned();
    (1..LINES).fold(first, |mut text, at| {
        let _ = writeln!(text, "chain_{at}(X) -> chain_{}({{X, {at}}}).", at - 1);
        text
    })
}

/// Groups of functions that call each other, each the next one and the next but one, with an accumulator.
fn groups(size: usize) -> String {
    let mut text = String::new();
    let mut lines = 0;
    for group in 0.. {
        for at in 0..size {
            let (next, far) = ((at + 1) % size, (at + 2) % size);
            let _ = write!(
                text,
                "f{group}_{at}([], S) -> lists:reverse(S);\n\
                 f{group}_{at}([X | R], S) when X > {at} -> f{group}_{next}(R, [{{n{at}, X}} | S]);\n\
                 f{group}_{at}([_ | R], S) -> f{group}_{far}(R, S).\n"
            );
        }
        let _ = writeln!(text, "print(f{group}_0(lists:seq(1, {group}), [])).");
        lines += 3 * size + 1;
        if lines >= LINES {
            break;
        }
    }
    text
}

/// Accumulators, each called once.
fn loops() -> String {
    (0..LINES / 4).fold(String::new(), |mut text, at| {
        let _ = writeln!(
            text,
            "sum{at}([], S, _) -> lists:reverse(S);\n\
             sum{at}([X | R], S, N) when X > N -> sum{at}(R, [{{X, N}} | S], N + 1);\n\
             sum{at}([_ | R], S, N) -> sum{at}(R, S, N).\n\
             print(sum{at}([1, 2, {at}], [], 0))."
        );
        text
    })
}

/// Views in SQL of one table.
fn views() -> String {
    let first = "Films = declare(set).\n".to_owned();
    (1..LINES).fold(first, |mut text, at| {
        let _ = writeln!(text, "V{at} = sql(\"select title, rank from Films where year > {at} and rank < 3\").");
        text
    })
}

fn main() {
    let shapes = [
        ("as people write", program()),
        ("nested tuples", nested()),
        ("a chain of calls", chain()),
        ("groups of three functions", groups(3)),
        ("groups of four functions", groups(4)),
        ("one ring of functions", groups(LINES / 3)),
        ("accumulators", loops()),
        ("views", views()),
    ];
    for (name, text) in shapes {
        measure(name, &text);
    }
}

fn measure(name: &str, text: &str) {
    let best = (0..5).map(|_| {
        let (mut session, _) = Session::new();
        let start = Instant::now();
        let told = session.program("bench.lasp", text).map_or_else(|told| told, |(_, told)| told);
        let spent = start.elapsed();
        assert!(told.is_empty(), "{told:?}");
        spent
    });
    let best = best.min().unwrap_or(Duration::MAX);
    let (lines, kilobytes) = (text.lines().count(), text.len() / 1000);
    println!("check and compile, {name}, {lines} lines, {kilobytes} kB: {} ms", best.as_millis());
}
