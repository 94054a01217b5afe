//! Topics in programs: who takes what, and what becomes of variables that are made, given up and taken again.

mod clusters;
mod nodes;

use clusters::join;
use clusters::list;
use clusters::value;
use lasp::sim::Cluster;
use lasp::sim::Conditions;
use lasp::sim::Faults;
use lasp::value::term::Term;

fn settle(cluster: &mut Cluster) {
    assert!(cluster.settle(20_000), "no agreement");
    for node in cluster.up() {
        assert!(cluster.reports(node).is_empty(), "{:?}", cluster.reports(node));
    }
}

const ROOMS: &str = "
Red = declare(set), set_topic(Red, red).
Blue = declare(set), set_topic(Blue, {room, blue}).
All = declare(counter).
";

#[test]
fn a_node_has_the_topics_that_it_takes_and_what_has_none() {
    let mut cluster = Cluster::new(1, Faults::NONE);
    let writes = "update(Red, {add, 1}), update(Blue, {add, 2}), update(All, increment).";
    let all = join(&mut cluster, &format!("{ROOMS}{writes}"));
    let red = join(&mut cluster, &format!("{ROOMS}interested(red). update(Red, {{add, 3}})."));
    let blue = join(&mut cluster, &format!("{ROOMS}interested({{room, blue}}). update(All, increment)."));
    settle(&mut cluster);
    let seen = |cluster: &mut Cluster, node| ["Red", "Blue", "All"].map(|name| value(cluster, node, name));
    assert_eq!(seen(&mut cluster, all), [list(&[1, 3]), list(&[2]), Term::Int(2)]);
    assert_eq!(seen(&mut cluster, red), [list(&[1, 3]), list(&[]), Term::Int(2)]);
    assert_eq!(seen(&mut cluster, blue), [list(&[]), list(&[2]), Term::Int(2)]);
}

#[test]
fn what_is_given_up_goes_and_what_is_taken_again_comes_back() {
    let mut cluster = Cluster::new(2, Faults::NONE);
    let one = join(&mut cluster, &format!("{ROOMS}update(Red, {{add, 1}})."));
    let two = join(&mut cluster, &format!("{ROOMS}update(Red, {{add, 2}})."));
    settle(&mut cluster);
    cluster.type_line(two, "disinterested(red).");
    assert_eq!(value(&mut cluster, two, "Red"), list(&[]));
    cluster.type_line(one, "update(Red, {add, 3}), update(Red, {rmv, 2}).");
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, two, "Red"), list(&[]));
    // What it writes all the same, those get who take it.
    cluster.type_line(two, "update(Red, {add, 4}).");
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, one, "Red"), list(&[1, 3, 4]));
    assert_eq!(value(&mut cluster, two, "Red"), list(&[4]));
    cluster.type_line(two, "interested(red).");
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, two, "Red"), list(&[1, 3, 4]));
    cluster.type_line(two, "update(Red, {rmv, 4}), update(Red, {rmv, 3}).");
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, one, "Red"), list(&[1]));
}

#[test]
fn what_nobody_else_has_is_still_brought_to_a_server_after_its_topic_was_given_up() {
    let mut cluster = Cluster::new(3, Faults::NONE);
    let alone = join(
        &mut cluster,
        &format!("{ROOMS}update(Red, {{add, 1}}), update(Red, {{add, 2}}), update(Red, {{rmv, 1}})."),
    );
    cluster.type_line(alone, "disinterested(red).");
    assert_eq!(value(&mut cluster, alone, "Red"), list(&[]));
    let other = join(&mut cluster, ROOMS);
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, other, "Red"), list(&[2]));
}

#[test]
fn a_variable_made_for_a_topic_travels_with_it() {
    let mut cluster = Cluster::new(4, Faults::NONE);
    let program = "
Rooms = declare(set), set_topic(Rooms, rooms).
Log = declare(counter).
invariant(Rooms, {cardinality, 1}, fun() -> X = declare(set), update(X, {add, inside}), update(Rooms, {add, X}) end).
";
    let all = join(&mut cluster, program);
    let none = join(&mut cluster, "Rooms = declare(set). interested(other).");
    let late = join(&mut cluster, "Rooms = declare(set). interested(rooms).");
    cluster.type_line(all, "update(Rooms, {add, first}).");
    settle(&mut cluster);
    let has = |cluster: &mut Cluster, node| value(cluster, node, "Rooms").to_vec().expect("a list").len();
    assert_eq!((has(&mut cluster, all), has(&mut cluster, none), has(&mut cluster, late)), (2, 0, 2));
    let before = cluster.prints(late).len();
    cluster.type_line(late, "[print(query(X)) || X <- query(Rooms), X =/= first].");
    assert_eq!(cluster.prints(late)[before..], ["[inside]\n"]);
    // The other can do nothing with the reference, had it one: the entries are of the topic too.
    assert!(value(&mut cluster, none, "Rooms") == list(&[]));
}

#[test]
fn a_topic_is_set_before_the_first_update_only() {
    let mut cluster = Cluster::new(5, Faults::NONE);
    let node = join(
        &mut cluster,
        "S = declare(set), update(S, {add, 1}). T = declare(set), set_topic(T, a), set_topic(T, b). L = declare_dynamic(set).",
    );
    for (line, code) in [
        ("set_topic(S, a).", "E0374"),
        ("set_topic(L, a).", "E0374"),
        ("remove_topic(T, a), remove_topic(T, b), set_topic(T, c), update(T, {add, 1}), remove_topic(T, c).", "E0374"),
        ("atomically(fun() -> update(S, {add, 2}), update(T, {add, 2}) end).", "E0376"),
        ("atomically(fun() -> interested(a) end).", "E0371"),
    ] {
        cluster.type_line(node, line);
        let last = cluster.reports(node).last().expect("a refusal");
        assert_eq!(last.code, code, "{line}");
    }
    assert_eq!((value(&mut cluster, node, "S"), value(&mut cluster, node, "T")), (list(&[1]), list(&[1])));
}

#[test]
fn a_variable_learns_its_topic_from_what_comes_and_two_topics_are_told() {
    let mut cluster = Cluster::new(6, Faults::NONE);
    let one = join(&mut cluster, "S = declare(set), set_topic(S, a), update(S, {add, 1}).");
    let two = join(&mut cluster, "S = declare(set).");
    settle(&mut cluster);
    cluster.type_line(two, "update(S, {add, 2}).");
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, one, "S"), list(&[1, 2]));
    let three = join(&mut cluster, "S = declare(set), set_topic(S, b), update(S, {add, 3}).");
    assert!(cluster.settle(20_000));
    assert_eq!(value(&mut cluster, one, "S"), list(&[1, 2]));
    assert_eq!(value(&mut cluster, three, "S"), list(&[3]));
    for node in [one, two, three] {
        let codes: Vec<&str> = cluster.reports(node).iter().map(|report| report.code).collect();
        assert_eq!(codes, ["E0375"], "{node}");
    }
}

#[test]
fn nodes_with_different_interests_know_that_they_agree() {
    let mut cluster = Cluster::new(7, Faults::NONE);
    let one = join(&mut cluster, &format!("{ROOMS}interested(red). update(Red, {{add, 1}})."));
    let two = join(
        &mut cluster,
        &format!("{ROOMS}interested({{room, blue}}). update(Blue, {{add, 1}}), update(Red, {{add, 2}})."),
    );
    settle(&mut cluster);
    for node in [one, two] {
        cluster.type_line(node, "print(converged()).");
        assert_eq!(cluster.prints(node), ["true\n"]);
    }
    assert_eq!(value(&mut cluster, one, "Red"), list(&[1, 2]));
}

#[test]
fn what_a_node_alone_has_made_counts_again_when_it_takes_the_topic_again() {
    let program = "S = declare(set). set_topic(S, x). update(S, {add, 1}). update(S, {add, 2}). update(S, {rmv, 1}).
        interested(x). disinterested(x). print(query(S)). interested(x). update(S, {add, 3}).";
    let (finals, told) = nodes::run(program);
    assert_eq!((finals, told.printed.as_str()), (vec!["S = [2, 3]".to_owned()], "[]\n"), "{told:?}");
}

#[test]
fn the_last_server_that_has_a_topic_does_not_give_it_up() {
    let mut cluster = Cluster::new(1, Faults::NONE);
    let [one, two] = [(); 2].map(|()| join(&mut cluster, "A = declare(set), set_topic(A, a). interested(a)."));
    settle(&mut cluster);
    cluster.type_line(one, "update(A, {add, 1}).");
    settle(&mut cluster);
    cluster.type_line(one, "disinterested(a).");
    settle(&mut cluster);
    assert_eq!(value(&mut cluster, one, "A"), list(&[]));
    cluster.type_line(two, "disinterested(a).");
    assert!(cluster.settle(20_000));
    // The other had the update, and gave it up.
    assert_eq!(cluster.reports(two).iter().map(|said| said.code).collect::<Vec<_>>(), ["E0377"]);
    assert_eq!(value(&mut cluster, two, "A"), list(&[1]));
    cluster.type_line(one, "interested(a).");
    assert!(cluster.settle(20_000));
    assert_eq!(value(&mut cluster, one, "A"), list(&[1]));
    cluster.type_line(two, "disinterested(a).");
    assert!(cluster.settle(20_000));
    assert_eq!(value(&mut cluster, two, "A"), list(&[]));
}

#[test]
fn two_who_have_given_a_topic_up_at_once_do_not_ask_for_ever_for_what_is_lost() {
    // Whether they do it within one message's way is chance.
    for seed in 0..30 {
        let mut cluster = Cluster::new(seed, Conditions { lost: 0, doubled: 0, delay_ms: (2, 120), reorder: false });
        for own in ["interested(red).", "interested({room, blue})."] {
            let program = format!(
                "{ROOMS} {own}
                 go(0) -> ok;
                 go(N) -> sleep(random(250)), case random(4) of
                    1 -> thread(fun() -> disinterested(red) end);
                    2 -> interested(red);
                    _ -> update(Red, {{add, {{replica(), N}}}}), update(Blue, {{add, {{replica(), N}}}}) end, go(N - 1).
                 thread(fun() -> go(60) end)."
            );
            join(&mut cluster, &program);
        }
        cluster.run_for(25_000);
        let before = cluster.bytes_sent();
        cluster.run_for(20_000);
        let idle = cluster.bytes_sent() - before;
        assert!(idle < 30_000, "seed {seed}: {idle} bytes in 20 s in which nothing changes");
    }
}
