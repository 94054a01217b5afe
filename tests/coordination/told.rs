//! What the command shows of a report, as a user sees it.

use crate::support;

/// What the command says of a program.
fn told(program: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("p.lasp");
    std::fs::write(&file, program).expect("a file");
    support::lasp(&["check", "--coordination", &file.display().to_string()], "").stdout
}

#[test]
fn edits_of_lines_that_follow_each_other_are_shown_line_by_line() {
    let told = told(
        "S = declare(set).\nT = map(S, fun(X) -> X * 2 end).\nupdate(S, {add, 1}).\n\
         case replica() of 0 -> update(S, {rmv, 1}); _ -> ok end.\ninvariant(T, [2], fun() -> print(two) end).\n",
    );
    let expected = "first:  EverS = declare(gset).\n          line 2: T = map(EverS, fun(X) -> X * 2 end).\n          \
                    line 3: begin update(EverS, {add, 1}), update(S, {add, 1}) end.\n";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn nodes_are_called_as_the_program_asks_for_them() {
    let told = told(
        "S = declare(gset). update(S, {add, node()}).\ncase node() of b -> print(length(query(S))); _ -> ok end.\n",
    );
    assert!(told.contains("replica 0 prints 1") && told.contains("replica 0 prints 2"), "{told}");
}

#[test]
fn what_no_replica_came_to_is_not_settled() {
    let told = told(
        "S = declare(gset). update(S, {add, replica()}).\n\
         case arg(mode, usual) of other -> print(query(S)); _ -> ok end.\n",
    );
    assert!(told.contains("no replica came to this place in all"), "{told}");
}

#[test]
fn what_only_four_or_more_replicas_come_to_is_shown_by_one_that_sees_what_all_others_made() {
    let seen = "A = declare(gset). C = declare(gset). update(A, {add, replica()}).\n";
    for (line, program) in [
        (2, format!("{seen}case query(A) of [_, _, _, _ | _] -> update(C, {{add, x}}); _ -> ok end.\n")),
        (2, format!("{seen}case query(A) of [] -> ok; [_] -> ok; [_, _] -> ok; [_, _, _] -> ok end.\n")),
        (2, format!("{seen}case query(A) of [_, _, _, _, _, _] -> print(six); _ -> ok end.\n")),
        (
            3,
            "V = declare(max_int).\nupdate(V, {set, max(1, replica() - 1)}).\n\
             {_, N} = read_any([{V, {value, 1}}, {V, {value, 3}}]).\nprint(N).\n"
                .to_owned(),
        ),
    ] {
        let told = told(&program);
        assert!(told.contains("1 point where") && told.contains(&format!("p.lasp:{line}:")), "{told}");
        assert!(told.contains("replicas: run ") && !told.contains("no two schedules"), "{told}");
    }
}

#[test]
fn repairs_keep_what_stands_around_them_right() {
    let told = told(
        "R = declare(lwwregister). M = declare({gmap, [gcounter]}). S = declare(set). A = declare(gset). C = declare(boolean).\n\
         update(R, {set, replica()}), update(M, {apply, hits, increment}), update(A, {add, replica()}).\n\
         print(read(R) + 1), print(maps:get(hits, read(M, #{hits => {value, 1}}))).\n\
         atomically(fun() -> update(A, {add, length(query(A))}) end).\n\
         case query(C) of false -> print(open); true -> print(closed) end.\n\
         update(S, {add, replica()}).\n\
         case try_update(S, {rmv, 1}) of {ok, _} -> ok; {refused, _} -> refused end, update(C, true).\n",
    );
    for wrong in ["enough end + 1", "end)).", "begin read(A", "read(C, true)", "case update("] {
        assert!(!told.contains(wrong), "{wrong}: {told}");
    }
    assert!(told.contains("case try_update(GoneS, {add, 1}) of {ok, _} -> ok"), "{told}");
}

#[test]
fn every_branch_for_a_role_is_played_however_the_role_is_asked_for() {
    for asks in [
        "start(client) -> print(query(S)); start(_) -> ok.\nstart(role()).\n",
        "Mine = role(). if Mine =:= client -> print(query(S)); true -> ok end.\n",
    ] {
        let told = told(&format!("S = declare(gset). update(S, {{add, replica()}}).\n{asks}"));
        assert!(!told.contains("no replica came"), "{told}");
        assert!(told.contains("prints [0]") && told.contains("prints [0, 1]"), "{told}");
    }
}

#[test]
fn what_shows_with_two_of_one_role_alone_is_not_settled() {
    let told = told("R = declare(ivar).\ncase role() of server -> update(R, {set, replica()}); client -> ok end.\n");
    assert!(told.contains("as server,server"), "{told}");
}

#[test]
fn a_loop_that_asks_again_until_it_is_there_is_no_point() {
    let told = told(
        "S = declare(gset).\nupdate(S, {add, replica()}).\n\
         poll() -> case query(S) of [_, _ | _] -> ok; _ -> sleep(10), poll() end.\n\
         thread(fun() -> poll(), print(two) end).\n",
    );
    assert!(!told.contains("either:"), "{told}");
}

#[test]
fn a_repair_that_is_not_enough_says_so() {
    let told = told(
        "M = declare({awmap, [set]}).\n\
         F = fold(M, fun({K, L}) -> {set, length(L)} end, declare(max_int)).\n\
         update(M, {apply, k, {add, replica()}}).\n\
         case replica() of 0 -> update(M, {rmv, k}); _ -> ok end.\n\
         invariant(F, {value, 2}, fun() -> print(two) end).\n",
    );
    assert!(told.contains("EverM") && told.contains("still such a point"), "{told}");
}

#[test]
fn what_comes_to_one_thing_on_each_of_thousands_of_schedules_is_no_point() {
    for program in [
        "C = declare({gmap, [gset]}).\nM = fold(C, fun({_, V}) -> {add_all, V} end, declare(gset)).\n\
         update(C, {apply, k, {add, replica()}}).\nread(M, {cardinality, 2}).\nprint(seen).\n",
        "S = declare(gset).\nupdate(S, {add, replica()}).\nprint(lists:member(0, read(S, [0]))).\n",
        "S = declare(gset), T = declare(gset).\nupdate(S, {add, replica()}).\nupdate(T, {add, replica()}).\n\
         read(T, {cardinality, length(query(S))}).\nprint(done).\n",
        "S = declare(gset), T = declare(gset).\nupdate(S, {add, replica()}).\n\
         invariant(S, {cardinality, 1}, fun() -> update(T, {add, query(S)}) end).\n",
        "T = declare(gset).\nV = sql(\"select a, count(*) as n from T group by a\").\n\
         update(T, {add, #{a => 1, b => replica()}}).\nread(V, {cardinality, 1}).\nprint(seen).\n",
    ] {
        let told = told(program);
        assert!(!told.contains("either:") && !told.contains("no two schedules"), "{told}");
        assert!(told.contains("settled"), "{told}");
    }
}

#[test]
fn verbs_as_values_have_classes_and_repairs_that_are_functions() {
    let told = told(
        "Out = declare(gset), Time = fun now_ms/0, Look = fun query/1.\n\
         update(Out, {add_all, lists:map(fun random/1, [6])}).\n\
         update(Out, {add, Time()}), print(Look(Out)).\n",
    );
    for expected in ["Time = fun() -> arg(now, 0) end", "lists:map(fun(Most) -> arg(drawn, Most) end", "query Out"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("unexplained") && told.contains("3 points where"), "{told}");
}

#[test]
fn rights_beneath_a_key_are_handed_out_beneath_it() {
    let told = told(
        "Stock = declare({gmap, [{pair, [bcounter, gset]}]}).\n\
         case replica() of\n\
             0 -> update(Stock, {apply, tea, {fst, {increment, 2}}}), update(Stock, {apply, tea, {fst, {move, 1, n1}}});\n\
             1 -> sleep(20), print(element(1, try_update(Stock, {apply, tea, {fst, decrement}})));\n\
             _ -> ok\n\
         end.\n",
    );
    assert!(told.contains("update(Stock, {apply, tea, {fst, {move, 1, To}}})"), "{told}");
}

#[test]
fn a_wait_for_another_condition_says_that_it_is_one() {
    let told = told(
        "C = declare(gcounter).\nSeen = map(C, fun(N) -> {count, N} end).\nupdate(C, increment).\n\
         read(Seen, [{count, 2}]).\nprint(two).\n",
    );
    assert!(told.contains("read(C, {value, 1})") && told.contains("`{value, 1}` stands for what of C"), "{told}");
}
