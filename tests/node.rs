//! One node and a few: programs run to their end, and every replica shows the same.

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
    let (values, told) = run("S = declare(set), thread(fun() -> hd([]) end), sleep(1), update(S, {add, 1}).");
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
