//! `atomically`: all or nothing, on the node that does it and on every other, after every kind of catching up.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]
#![expect(clippy::disallowed_methods, reason = "how many seeds a run tries is told by the environment")]

mod nodes;

use lasp::node::Input;
use lasp::node::Output;
use lasp::node::Progress;
use lasp::sim::Cluster;
use lasp::sim::Faults;
use lasp::value::term::Term;
use nodes::converge;
use nodes::finals;
use nodes::node;
use nodes::run;
use nodes::settle;
use proptest::prelude::*;

/// How many seeds a run tries; more by `LASP_SEEDS`.
fn seeds() -> u64 {
    std::env::var("LASP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300) / 20
}

/// Money that moves between accounts and is never made or lost; two sets that are equal; contributions that go together;
/// and a witness that looks whenever something changes.
const BANK: &str = "
A = declare(counter). B = declare(counter). C = declare(counter).
Left = declare(set). Right = declare(set). Seen = map(Left, fun(X) -> X + 1 end).
L1 = declare_dynamic(set). L2 = declare_dynamic(set). G1 = declare(counter). G2 = declare(counter).
fold_dynamic(L1, fun(X) -> {increment, X} end, G1). fold_dynamic(L2, fun(X) -> {increment, X} end, G2).
holds() -> query(A) + query(B) + query(C) == 0 andalso query(Left) == query(Right)
    andalso query(Seen) == [X + 1 || X <- query(Right)] andalso query(G1) == query(G2).
[stream(V, fun(_) -> assert(holds()) end) || V <- [A, B, C, Left, Right, Seen, G1, G2]].
move(From, To, N) -> atomically(fun() -> update(From, {decrement, N}), update(To, {increment, N}) end).
both(Op) -> atomically(fun() -> update(Left, Op), update(Right, Op) end).
local(Op) -> atomically(fun() -> update(L1, Op), update(L2, Op) end).
";

/// A line that somebody types; some of them fail in the middle.
fn line(cluster: &mut Cluster) -> String {
    let n = cluster.chance(8) + 1;
    match cluster.chance(10) {
        0..=1 => format!("move(A, B, {n})."),
        2 => format!("move(B, C, {n}), move(C, A, 1)."),
        3..=4 => format!("both({{add, {n}}})."),
        5 => format!("both({{rmv, {n}}})."),
        6 => format!("local({{add, {n}}})."),
        7 => format!("local({{rmv, {n}}})."),
        8 => format!(
            "atomically(fun() -> move(A, B, {n}), both({{add, {n}}}), local({{add, {n}}}), hd(arg(nothing, [])) end)."
        ),
        _ => format!("atomically(fun() -> move(A, C, {n}), both({{add, [{n}, 20]}}), both({{rmv, 20}}) end)."),
    }
}

fn number(values: &[lasp::node::Final], name: &str) -> i64 {
    let value = values.iter().find(|last| last.name == name).map(|last| &last.value);
    match value {
        Some(Term::Int(value)) => *value,
        other => panic!("{name} is {other:?}"),
    }
}

/// What must be true of every node at every time.
fn judge(cluster: &mut Cluster, seed: u64) {
    for node in cluster.up() {
        let values = cluster.finals(node);
        let value = |name: &str| values.iter().find(|last| last.name == name).map(|last| &last.value);
        let money = ["A", "B", "C"].map(|name| number(&values, name));
        assert_eq!(money.iter().sum::<i64>(), 0, "seed {seed}, node {node}, {} ms: {money:?}", cluster.now_ms());
        assert_eq!(value("Left"), value("Right"), "seed {seed}, node {node}, {} ms", cluster.now_ms());
        assert_eq!(value("G1"), value("G2"), "seed {seed}, node {node}, {} ms", cluster.now_ms());
    }
}

fn live(seed: u64) {
    let faults = Faults { lost: seed % 3 * 150, doubled: seed % 2 * 150, delay_ms: 1 + seed % 4 * 60 };
    let mut cluster = Cluster::new(seed, faults);
    for _ in 0..2 + seed % 3 {
        cluster.join(BANK).expect("the program is right");
    }
    for _ in 0..60 {
        let up = cluster.up();
        let node = up[cluster.chance(up.len() as u64) as usize];
        let text = line(&mut cluster);
        cluster.type_line(node, &text);
        let other = up[cluster.chance(up.len() as u64) as usize];
        match cluster.chance(40) {
            0 => {
                cluster.crash(node);
                cluster.join(BANK).expect("the program is right");
            }
            1..=3 => cluster.part(node, other),
            4 => cluster.disconnect(node),
            5..=8 => cluster.connect(node, other),
            _ => {}
        }
        for _ in 0..cluster.chance(30) {
            cluster.run_for(1);
            judge(&mut cluster, seed);
        }
    }
    cluster.heal();
    while !cluster.settled() {
        assert!(cluster.now_ms() < 100_000, "seed {seed}: no agreement");
        cluster.run_for(1);
        judge(&mut cluster, seed);
    }
    for node in cluster.up() {
        // The lines that fail on purpose are all that is reported.
        let wrong = cluster.reports(node).iter().find(|said| said.code == "E0394" || said.code.starts_with("E03"));
        assert!(wrong.is_none(), "seed {seed}, node {node}: {wrong:?}");
    }
}

#[test]
fn what_must_hold_between_variables_holds_on_every_node_at_every_time() {
    for seed in 0..seeds() {
        live(seed);
    }
}

#[test]
fn a_node_that_joins_late_or_was_away_long_never_sees_half_of_a_transaction() {
    let mut cluster = Cluster::new(5, Faults { lost: 100, doubled: 100, delay_ms: 30 });
    cluster.join(BANK).expect("the program is right");
    cluster.join(BANK).expect("the program is right");
    cluster.run_for(300);
    cluster.disconnect(1);
    // More than the log of recent events keeps bytes of: the other catches up by a snapshot.
    for n in 0..12 {
        cluster.type_line(
            0,
            &format!("both({{add_all, lists:seq({}, {})}}), move(A, B, {n}).", n * 2000, n * 2000 + 1999),
        );
        cluster.run_for(1);
    }
    cluster.join(BANK).expect("the program is right");
    cluster.connect(0, 1);
    // More than goes into one message, in one turn: cut between transactions, never inside one.
    cluster.type_line(0, "[both({add_all, lists:seq(N, N + 1999)}) || N <- [50000, 60000, 70000, 80000]].");
    for _ in 0..20_000 {
        cluster.run_for(1);
        if cluster.now_ms().is_multiple_of(10) {
            judge(&mut cluster, 5);
            if cluster.settled() {
                break;
            }
        }
    }
    assert!(cluster.settled());
    for node in 0..3 {
        assert!(cluster.reports(node).is_empty(), "{:?}", cluster.reports(node));
        assert_eq!(number(&cluster.finals(node), "B"), 66);
    }
}

const VARIABLES: &str = "S = declare(set), C = declare(counter), M = declare(max_int), R = declare(lwwregister),
    I = declare(ivar), T = declare({top_k, [2]}), B = declare(boolean), O = declare(set), D = declare_dynamic(counter),
    Twice = map(S, fun(X) -> X * 2 end), Low = filter(Twice, fun(X) -> X < 6 end), Common = intersection(S, O),
    Pairs = product(S, O), Sum = declare(counter), L = declare_dynamic(set), G = declare(counter),
    Best = declare({top_k, [2]}), Follows = declare(counter), Bad = map(S, fun(X) -> 6 div (X - 3) end),
    fold(S, fun(X) -> {increment, X} end, Sum), fold_dynamic(L, fun(X) -> {increment, X} end, G),
    fold_dynamic(L, fun(X) -> {set, X rem 3, X} end, Best), bind_to(Follows, C). ";

/// An update of one of the variables.
fn update() -> impl Strategy<Value = String> {
    let n = 0..6i64;
    (0..14u8, n.clone(), n).prop_map(|(kind, n, m)| match kind {
        0 => format!("update(S, {{add, [{n}, {m}]}})"),
        1 => format!("update(S, {{add, {n}}})"),
        2 => format!("update(S, {{rmv, {n}}})"),
        3 => format!("update(O, {{add, {n}}})"),
        4 => format!("update(O, {{rmv, {n}}})"),
        5 => format!("update(C, {{increment, {n}}})"),
        6 => format!("update(C, {{decrement, {n}}})"),
        7 => format!("update(M, {{set, {n}}})"),
        8 => format!("update(R, {{set, {n}}})"),
        9 => format!("try_update(I, {{set, {n}}})"),
        10 => format!("update(T, {{set, {n}, {m}}})"),
        11 => format!("update(L, {{add, [{n}, {m}]}})"),
        12 => format!("update(L, {{rmv, {n}}})"),
        _ => format!("update(D, {{increment, {n}}}), update(B, true)"),
    })
}

/// A few updates made together, and whether they fail at the end.
fn steps() -> impl Strategy<Value = Vec<(Vec<String>, bool)>> {
    prop::collection::vec((prop::collection::vec(update(), 1..5), any::<bool>()), 1..8)
}

/// A program of these, with `fails` at the end of those that fail.
fn program(steps: &[(Vec<String>, bool)], together: bool, failing: bool) -> String {
    let mut text = VARIABLES.to_owned();
    for (updates, fails) in steps.iter().filter(|(_, fails)| failing || !fails) {
        let updates = updates.join(", ");
        let end = if *fails { "hd(arg(nothing, []))" } else { "ok" };
        if together {
            text += &format!("thread(fun() -> atomically(fun() -> {updates}, {end} end) end). sleep(1). ");
        } else {
            text += &format!("thread(fun() -> {updates}, {end} end). sleep(1). ");
        }
    }
    text
}

/// Everything that a node shows, and what identifies what it would send.
fn shown(program: &str) -> (Vec<String>, u128, Vec<String>) {
    let mut node = node(program, 0);
    settle(&mut node, &mut 0);
    let slots = node.slot_contents().iter().map(|content| format!("{content:?}")).collect();
    (finals(&mut node), node.status().vector, slots)
}

#[test]
fn what_does_not_fit_into_a_message_leaves_nothing() {
    let (values, told) = run("S = declare(set), C = declare(counter), L = declare_dynamic(set), G = declare(set),
        fold_dynamic(L, fun(X) -> {add, lists:seq(X, X + 40000)} end, G).
        thread(fun() -> atomically(fun() -> update(C, increment), update(S, {add, lists:seq(1, 40000)}) end) end).
        % What an update contributes counts as well.
        thread(fun() -> atomically(fun() -> update(C, increment), update(L, {add, 0}) end) end).
        sleep(1). update(C, {increment, 5}).");
    assert_eq!(values, ["S = []", "C = 5", "L = []", "G = []"]);
    assert_eq!(told.codes, ["E0370", "E0370"], "{told:?}");
}

#[test]
fn a_refused_update_that_is_tried_does_not_hide_that_the_transaction_is_too_large() {
    let (values, told) = run("S = declare(set). thread(fun() ->
        atomically(fun() -> try_update(S, {add, lists:seq(1, 40000)}), update(S, {add, a}) end) end). sleep(1).");
    assert_eq!(values, ["S = []"]);
    assert_eq!(told.codes, ["E0370"], "{told:?}");
}

#[test]
fn ordinary_updates_cost_no_byte_more_and_transactions_a_few() {
    let bytes = |program: &str| {
        let mut nodes: Vec<_> = (0..2).map(|replica| node(program, replica)).collect();
        converge(&mut nodes).concat().len()
    };
    let alone =
        bytes("S = declare(set), case replica() of 0 -> atomically(fun() -> update(S, {add, 1}) end); _ -> ok end.");
    let ordinary = bytes("S = declare(set), case replica() of 0 -> update(S, {add, 1}); _ -> ok end.");
    assert_eq!(alone, ordinary, "one update is whole by itself");
}

/// A node that was told to run `text` at its prompt and has used up its fuel in the middle of it.
fn interrupted(text: &str) -> lasp::node::Node {
    let mut node =
        node("S = declare(set), C = declare(counter), M = map(S, fun(X) -> X end). update(C, increment).", 0);
    settle(&mut node, &mut 0);
    node.handle(Input::Typed { text: text.to_owned() }, 1);
    assert_eq!(node.run(1, 50_000), Progress::Busy);
    node
}

const ENDLESS: &str = "atomically(fun() -> update(S, {add, 1}), update(C, {increment, 10}), print(never), (fun Loop() -> Loop() end)() end).";

#[test]
fn a_transaction_that_is_cancelled_leaves_nothing() {
    let mut node = interrupted(ENDLESS);
    node.handle(Input::Cancel, 2);
    let told = settle(&mut node, &mut 2);
    assert_eq!(
        (finals(&mut node), told.printed.as_str()),
        (vec!["S = []".into(), "C = 1".into(), "M = []".into()], "")
    );
    node.handle(
        Input::Typed { text: "update(S, {add, 2}), atomically(fun() -> update(C, increment) end).".to_owned() },
        3,
    );
    settle(&mut node, &mut 3);
    assert_eq!(finals(&mut node), ["S = [2]", "C = 2", "M = [2]"]);
}

#[test]
fn a_node_that_is_stopped_in_the_middle_shows_what_it_was_before() {
    let mut node = interrupted(ENDLESS);
    assert_eq!(finals(&mut node), ["S = []", "C = 1", "M = []"]);
}

#[test]
fn nothing_is_sent_from_the_middle_of_a_transaction() {
    let mut node = interrupted(ENDLESS);
    node.handle(
        Input::Connected {
            peer: lasp::replica::PeerId(1),
            name: "b".to_owned(),
            incarnation: lasp::lattice::dot::ReplicaId(9),
            role: lasp::replica::Role::Server,
        },
        2,
    );
    for now in 3..3000 {
        node.run(now, 1000);
        node.handle(Input::Tick, now);
    }
    let mut sent = 0;
    while let Some(output) = node.poll_output() {
        assert!(!matches!(output, Output::Print { .. }));
        sent += usize::from(matches!(output, Output::Send { .. } | Output::Broadcast { .. }));
    }
    assert_eq!(sent, 0, "messages and peers wait for the end of the turn");
}

#[test]
fn streams_see_what_a_transaction_came_to_and_nothing_in_between() {
    let (_, told) = run("C = declare(counter), D = declare(counter), stream(C, fun(V) -> print(V) end).
        atomically(fun() -> update(C, increment), update(C, increment), update(D, increment) end). sleep(1).
        atomically(fun() -> update(C, increment), update(C, decrement), update(D, increment) end). sleep(1).
        thread(fun() -> atomically(fun() -> update(C, increment), hd(arg(nothing, [])) end) end). sleep(1).
        thread(fun() -> read(D, {value, 10}), print(never) end). sleep(1).
        atomically(fun() -> update(D, {increment, 20}), update(D, {decrement, 19}) end). sleep(1).");
    assert_eq!(told.printed, "2\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_failed_has_never_been(steps in steps()) {
        // Not even a number of an update is used up: the vectors are equal.
        prop_assert_eq!(shown(&program(&steps, true, true)), shown(&program(&steps, true, false)));
    }

    #[test]
    fn what_succeeds_is_what_its_updates_come_to(steps in steps()) {
        prop_assert_eq!(shown(&program(&steps, true, false)), shown(&program(&steps, false, false)));
    }
}
