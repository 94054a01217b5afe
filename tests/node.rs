//! One node and a few: programs run to their end, and every replica shows the same.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]

mod nodes;

use nodes::converge;
use nodes::finals;
use nodes::node;
use nodes::run;

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
