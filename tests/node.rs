//! One node and a few: programs run to their end, and every replica shows the same.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]

mod nodes;

use lasp::lattice::dot::ReplicaId;
use lasp::node::Input;
use lasp::node::Node;
use lasp::node::Output;
use lasp::node::Progress;
use lasp::node::Record;
use lasp::replica::PeerId;
use lasp::replica::Role;
use nodes::converge;
use nodes::finals;
use nodes::incarnation;
use nodes::node;
use nodes::run;
use nodes::settle;
use nodes::watched;

#[test]
fn the_slide_runs_as_it_is() {
    let (values, told) =
        run("S1 = declare(set), update(S1, {add, [1,2,3]}), S2 = declare(set), map(S1, fun(X) -> X * 2 end, S2).");
    assert_eq!(values, ["S1 = [1, 2, 3]", "S2 = [2, 4, 6]"], "{told:?}");
}

#[test]
fn a_fold_withdraws_what_leaves() {
    let (values, _) = run("S = declare(set), C = declare(counter), fold(S, fun(X) -> {increment, X} end, C),
        update(S, {add, [1, 2, 3]}), update(S, {rmv, 2}), update(C, {increment, 10}).");
    assert_eq!(values, ["S = [1, 3]", "C = 14"]);
}

#[test]
fn a_reader_goes_on_with_the_value_that_met_its_threshold() {
    let (values, told) = run("S = declare(set), R = declare(ivar),
        thread(fun() -> V = read(S, {cardinality, 2}), update(R, {set, V}) end),
        update(S, {add, a}), sleep(5), update(S, {add, b}), update(S, {rmv, b}), sleep(1).");
    assert_eq!(values, ["S = [a]", "R = [a, b]"], "{told:?}");
}

#[test]
fn a_failing_task_ends_alone() {
    let (values, told) =
        run("S = declare(set), thread(fun() -> hd(arg(nothing, [])) end), sleep(1), update(S, {add, 1}).");
    assert_eq!(values, ["S = [1]"]);
    assert_eq!(told.codes.len(), 1, "{told:?}");
}

#[test]
fn three_replicas_show_the_same() {
    let program = "S = declare(set), L = declare_dynamic(set), G = declare({top_k, [2]}), T = declare({top_k, [2]}),
        E = filter(S, fun(X) -> X rem 2 == 0 end), fold_dynamic(L, fun max_by_name/2, G),
        update(S, {add, [replica(), 10 + replica()]}), update(L, {add, [{replica(), 5 * replica()}]}).";
    let mut nodes: Vec<_> = (0..3).map(|replica| node(program, replica)).collect();
    converge(&mut nodes);
    for node in &mut nodes {
        let shown = finals(node);
        assert_eq!(shown[0], "S = [0, 1, 2, 10, 11, 12]");
        assert_eq!(shown[2], "G = [{2, 10}, {1, 5}]");
        assert_eq!(shown[4], "E = [0, 2, 10, 12]");
    }
}

#[test]
fn scores_beneath_the_best_never_leave_their_node() {
    let program = "G = declare({top_k, [2]}), L = declare_dynamic({top_k, [2]}), S = declare_dynamic(set),
        fold(S, fun max_by_name/2, L), fold_dynamic(L, fun max_by_name/2, G),
        update(S, {add, arg(scores, [])}), update(S, {add, arg(more, [])}).";
    let mut nodes: Vec<_> = (0..3)
        .map(|replica| {
            let scores = format!("[{{low_{replica}, 1}}, {{best_{replica}, {}}}]", 100 + replica);
            let more = format!("[{{low_{replica}, 2}}, {{good_{replica}, {}}}, {{mean_{replica}, 3}}]", 50 + replica);
            node(&program.replace("arg(scores, [])", &scores).replace("arg(more, [])", &more), replica)
        })
        .collect();
    let sent = converge(&mut nodes);
    for node in &mut nodes {
        assert_eq!(finals(node)[0], "G = [{best_2, 102}, {best_1, 101}]");
    }
    let all: Vec<u8> = sent.concat();
    let names = |name: &str| all.windows(name.len()).filter(|window| *window == name.as_bytes()).count();
    assert!(names("best_1") > 0, "the best are sent");
    assert_eq!(names("mean_"), 0, "what was never among a device's best stays there");
    let bytes = all.len();
    assert!(bytes < 20_000, "{bytes} bytes for six entries");
}

#[test]
fn an_invariant_is_a_thread_that_reads_first() {
    let (_, told) = run("S = declare(set). invariant(S, [3], fun() -> print(early) end).
        thread(fun() -> read(S, [3]), print(early) end). update(S, {add, 3}). update(S, {rmv, 3}). sleep(1).
        update(S, {add, [3, 4]}). sleep(1). invariant(S, [4], fun() -> print(late) end).");
    assert_eq!(told.printed, "early\nearly\nlate\n");
}

#[test]
fn who_has_waited_longest_goes_on_first() {
    let (_, told) = run("S = declare(set), D = map(S, fun(X) -> X end),
        thread(fun() -> read(D, [1]), print(first) end), thread(fun() -> read(S, [1]), print(second) end), sleep(1),
        update(S, {add, 1}).");
    assert_eq!(told.printed, "first\nsecond\n");
}

const KEPT: &str = "
    S = declare(set). M = declare({awmap, [counter]}). C = declare_dynamic(counter). L = declare_dynamic(set).
    T = declare(counter). G = declare({top_k, [2]}).
    fold_dynamic(L, fun(X) -> {increment, X} end, T).
    fold_dynamic(L, fun(X) -> {set, X, X} end, G).
";

#[test]
fn a_node_goes_on_from_its_journals() {
    let first = format!(
        "{KEPT} once(start, fun() -> update(S, {{add, [1, 2]}}) end). update(S, {{rmv, 1}}). update(M, {{apply, k, increment}}).
        update(C, {{increment, 3}}). update(L, {{add, [5, 6, 7]}}). update(L, {{rmv, 6}}). sleep(1).
        thread(fun() -> atomically(fun() -> update(S, {{add, never}}), update(C, {{increment, 9}}),
            update(L, {{add, 50}}), once(never, fun() -> ok end), 1 div 0 end) end). sleep(1).
        atomically(fun() -> update(S, {{add, 3}}), update(C, increment) end)."
    );
    let mut node = incarnation(&first, 0, 1);
    node.keep_journal();
    let mut journal: Vec<Record> = Vec::new();
    let mut now_ms = 0;
    // In small slices, some of which end within a transaction.
    for _ in 0..5000 {
        let _ = node.run(now_ms, 7);
        journal.extend(node.take_journal());
        now_ms += 1;
        node.handle(Input::Tick, now_ms);
        while node.poll_output().is_some() {}
        if node.quiescent() {
            break;
        }
    }
    journal.extend(node.take_journal());
    let wanted = ["S = [2, 3]", "M = #{k => 1}", "C = 4", "L = [5, 7]", "T = 12", "G = [{7, 7}, {5, 5}]"];
    assert_eq!(finals(&mut node), wanted);
    let again = format!(
        "{KEPT} once(start, fun() -> print(again) end). once(never, fun() -> print(now) end). update(C, increment).
        update(L, {{rmv, 5}})."
    );
    let mut node = incarnation(&again, 0, 2);
    node.restore(journal.clone()).expect("it is its own");
    let told = settle(&mut node, &mut 0);
    assert_eq!(told.printed, "now\n", "{told:?}");
    let wanted = ["S = [2, 3]", "M = #{k => 1}", "C = 5", "L = [7]", "T = 7", "G = [{7, 7}]"];
    assert_eq!(finals(&mut node), wanted);
    // And from what that one told on top of it.
    journal.extend(node.take_journal());
    let mut node = incarnation(KEPT, 0, 3);
    node.restore(journal).expect("it is its own");
    settle(&mut node, &mut 0);
    assert_eq!(finals(&mut node), wanted);
}

#[test]
fn a_node_that_starts_again_replaces_what_it_contributed_once_it_meets_it() {
    let program = |numbers: &str| {
        format!(
            "L = declare_dynamic(set). T = declare(counter). fold_dynamic(L, fun(X) -> {{increment, X}} end, T).
            update(L, {{add, {numbers}}})."
        )
    };
    let mut nodes = vec![incarnation(&program("[1, 2]"), 0, 1), node(&program("[100]"), 1)];
    converge(&mut nodes);
    assert_eq!(finals(&mut nodes[1])[1], "T = 103");
    // The same key without its data: it remembers nothing of what it had published.
    nodes[1].handle(Input::Lost { peer: PeerId(0) }, 0);
    nodes[0] = incarnation(&program("[7]"), 0, 2);
    converge(&mut nodes);
    for node in &mut nodes {
        assert_eq!(finals(node)[1], "T = 107");
    }
}

#[test]
fn a_stranger_who_says_something_malformed_of_derivations_is_refused() {
    let (mut node, mut now_ms) = (node("S = declare(set).", 0), 0);
    settle(&mut node, &mut now_ms);
    let (peer, incarnation) = (PeerId(7), ReplicaId::of(9 << 100, 1));
    node.handle(Input::Connected { peer, name: "n9".to_owned(), incarnation, role: Role::Server }, now_ms);
    while node.poll_output().is_some() {}
    node.handle(Input::Received { peer, bytes: vec![0x82, 77] }, now_ms);
    let refused = std::iter::from_fn(|| node.poll_output());
    let codes = refused.filter_map(|output| match output {
        Output::Disconnect { code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(codes.collect::<Vec<_>>(), ["E0609"]);
}

/// Lets two nodes run for so many milliseconds, a little fuel each time, with what they send each other; the first has `turns` runs of
/// its own before they are connected.
fn run_beside(nodes: &mut [Node; 2], alone: usize, milliseconds: u64) {
    let fuel = 2000;
    (0..alone).for_each(|_| {
        nodes[0].run(0, fuel);
    });
    for other in 0..2u32 {
        let incarnation = ReplicaId((u128::from(other) + 1) << 100);
        let (peer, name) = (PeerId(u64::from(other)), format!("n{other}"));
        nodes[1 - other as usize].handle(Input::Connected { peer, name, incarnation, role: Role::Server }, 0);
    }
    for now_ms in 0..milliseconds {
        let mut mail = Vec::new();
        for (me, node) in nodes.iter_mut().enumerate() {
            node.run(now_ms, fuel);
            while let Some(output) = node.poll_output() {
                match output {
                    Output::Send { bytes, .. } | Output::Broadcast { bytes, .. } => mail.push((1 - me, bytes)),
                    _ => {}
                }
            }
        }
        for (to, bytes) in mail {
            nodes[to].handle(Input::Received { peer: PeerId(1 - to as u64), bytes }, now_ms);
        }
        for node in nodes.iter_mut() {
            if node.next_timer().is_some_and(|due| due <= now_ms) {
                node.handle(Input::Tick, now_ms);
            }
        }
    }
}

#[test]
fn what_a_task_makes_that_never_waits_reaches_whoever_comes_meanwhile() {
    let writes = "S = declare(set), T = declare(set).
        loop(N) -> update(S, {add, N rem 50}), true = (query(T) == []), loop(N + 1).
        loop(0).";
    let writer = incarnation(writes, 0, 0);
    let reader = incarnation("S = declare(set), T = declare(set). update(T, {add, 1}).", 1, 0);
    let mut nodes = [writer, reader];
    run_beside(&mut nodes, 10, 3000);
    assert!(nodes[0].is_in_turn());
    let there = finals(&mut nodes[1]);
    assert_eq!(there[0], format!("S = {:?}", (0..50).collect::<Vec<_>>()));
    assert_eq!(finals(&mut nodes[0])[1], "T = []", "what others make does not enter in the middle of a turn");
}

#[test]
fn what_came_during_a_turn_is_taken_in_when_the_turn_is_given_up() {
    let mut node = node("S = declare(set).", 0);
    settle(&mut node, &mut 0);
    node.handle(Input::Typed { text: "loop() -> loop(). loop().".into() }, 0);
    node.run(0, 1000);
    assert!(node.is_in_turn());
    node.handle(Input::Typed { text: "print(later).".into() }, 0);
    node.handle(Input::Cancel, 0);
    assert_eq!(settle(&mut node, &mut 0).printed, "later\n");
}

/// What is told of changes after each stretch of a run, as names and numbers of elements.
fn changes(node: &mut Node) -> Vec<Vec<(String, usize)>> {
    let mut stretches = Vec::new();
    loop {
        let progress = node.run(0, 1_000_000_000);
        let mut told = Vec::new();
        while let Some(output) = node.poll_output() {
            if let Output::Change { variable, value, .. } = output {
                told.push((variable, value.to_vec().map_or(0, |elements| elements.len())));
            }
        }
        stretches.push(told);
        if progress == Progress::Idle {
            return stretches;
        }
    }
}

const ADDS: &str = "S = declare(set), D = filter(S, fun(X) -> X rem 100 == 0 end),
    lists:foreach(fun(I) -> update(S, {add, I}) end, lists:seq(1, 1000)).";

#[test]
fn values_that_are_told_do_not_pile_up_until_a_turn_ends() {
    let stretches = changes(&mut watched(ADDS));
    assert_eq!(stretches.concat().iter().filter(|(name, _)| name == "S").count(), 1000);
    assert!(stretches.iter().all(|told| told.len() < 100), "{:?}", stretches.iter().map(Vec::len).collect::<Vec<_>>());
}

#[test]
fn at_a_prompt_values_of_what_is_typed_are_not_asked_for() {
    let mut node = watched(ADDS);
    node.tell_derived_only(true);
    let told = changes(&mut node).concat();
    assert_eq!(told, (1..=10).map(|most| ("D".to_owned(), most)).collect::<Vec<_>>());
}
