//! A bounded counter is never below 0, on no node and at no time, whatever the network does to messages, and nobody asks
//! anybody: only node 0 makes rights, all others spend what they were given.

use lasp::sim::Cluster;
use lasp::sim::Faults;
use lasp::value::term::Term;

const NODES: usize = 4;

/// Every update is a task of its own, since a refused one ends its task.
const PROGRAM: &str = "
B = declare(bcounter).
act(N) when N =< 5 -> case replica() of 0 -> update(B, {increment, random(4)}); _ -> update(B, decrement), print(spent) end;
act(N) when N =< 10 -> update(B, {decrement, random(3)}), print(spent);
act(N) when N =< 17 -> update(B, {move, random(3), lists:nth(random(4), [n0, n1, n2, n3])});
act(18) -> update(B, {move, random(2), ann});
act(19) -> update(B, {decrement, random(2)}, ann), print(spent);
act(20) -> update(B, {move, random(2), n1}, ann).
live(0) -> done;
live(N) -> thread(fun() -> act(random(20)) end), sleep(random(9)), live(N - 1).
live(60).
";

/// Every node's value of `B`.
fn values(cluster: &mut Cluster) -> Vec<i64> {
    let nodes = cluster.up().into_iter();
    nodes
        .map(|node| {
            let finals = cluster.finals(node);
            let last = finals.iter().find(|last| last.name == "B").expect("every node has it");
            last.value.as_int().expect("an integer")
        })
        .collect()
}

#[test]
fn a_bounded_counter_is_never_below_zero_anywhere() {
    let mut spent_elsewhere = 0;
    for seed in 0..40 {
        let faults = if seed % 2 == 0 {
            Faults { lost: 200, doubled: 200, delay_ms: 60 }
        } else {
            Faults { lost: 0, doubled: 100, delay_ms: 40 }
        };
        let mut cluster = Cluster::new(seed, faults);
        for _ in 0..NODES {
            cluster.join_with(PROGRAM, Term::atom("undefined"), Vec::new()).expect("a program");
        }
        for step in 0..500 {
            if step == 100 {
                cluster.part(0, 1 + step % 3);
            }
            cluster.run_for(1);
            let values = values(&mut cluster);
            assert!(values.iter().all(|value| *value >= 0), "seed {seed}, step {step}: {values:?}");
        }
        cluster.heal();
        assert!(cluster.settle(60_000), "seed {seed} does not settle");
        let values = values(&mut cluster);
        assert!(values.iter().all(|value| *value == values[0] && *value >= 0), "seed {seed}: {values:?}");
        // They have no rights but those that were moved to them.
        spent_elsewhere += (1..NODES).map(|node| cluster.prints(node).len()).sum::<usize>();
    }
    assert!(spent_elsewhere > 100, "rights have to move for this to mean anything: {spent_elsewhere}");
}

#[test]
fn rights_move_to_the_node_of_that_name() {
    let mut cluster = Cluster::new(1, Faults::NONE);
    let program = |then: &str| format!("B = declare(bcounter).\n{then}");
    let maker = program("update(B, {increment, 5}).\nsleep(50).\nupdate(B, {move, 3, n1}).\n");
    cluster.join(&maker).expect("a program");
    let spender = program("update(B, decrement).\n");
    cluster.join(&spender).expect("a program");
    let patient = program("sleep(100).\nupdate(B, {decrement, 3}).\nupdate(B, decrement).\n");
    cluster.join(&patient).expect("a program");
    cluster.run_for(80);
    // The others know the rights that they have not got.
    let refused = cluster.reports(1).first().map(|report| (report.code, report.help.join(" ")));
    assert_eq!(refused.map(|(code, _)| code), Some("E0340"));
    assert!(cluster.settle(10_000));
    assert_eq!(values(&mut cluster), [5, 5, 5]);
    let told = cluster.reports(2).iter().map(|report| report.help.join(" ")).collect::<String>();
    assert!(told.contains("`n1` has 3, `n0` has 2"), "{told}");
    cluster.type_line(1, "update(B, {decrement, 3}).");
    assert!(cluster.settle(10_000));
    assert_eq!(values(&mut cluster), [2, 2, 2]);
}

#[test]
fn who_is_refused_is_given_rights_and_succeeds_when_it_tries_again() {
    const SALE: &str = "
        B = declare(bcounter), Open = declare(boolean), Sold = declare(gcounter).
        sell(0) -> print(never);
        sell(N) ->
            case try_update(B, decrement) of
                {ok, _} -> update(Sold, increment), print({sold, N});
                {refused, _} -> sleep(10), sell(N - 1)
            end.
        case replica() of
            0 -> update(B, {increment, 10}), update(Open, true);
            _ -> read(Open), sell(100)
        end.";
    for seed in 0..20 {
        let faults = Faults { lost: seed * 10, doubled: 100, delay_ms: 20 };
        let mut cluster = Cluster::new(seed, faults);
        for _ in 0..3 {
            cluster.join(SALE).expect("a program");
        }
        cluster.run_for(3000);
        cluster.heal();
        assert!(cluster.settle(60_000), "seed {seed} does not settle");
        for node in 1..3 {
            let prints = cluster.prints(node);
            assert!(prints.len() == 1 && prints[0].starts_with("{sold, "), "seed {seed}: {prints:?}");
            assert_ne!(prints, ["{sold, 100}\n"], "the first time it is refused");
        }
        assert_eq!(values(&mut cluster), [8, 8, 8]);
    }
}

#[test]
fn nodes_with_few_rights_get_more_before_they_have_none() {
    const SALE: &str = "
        B = declare(bcounter), Open = declare(boolean), Refused = declare(counter).
        sell(0) -> done;
        sell(N) ->
            case try_update(B, decrement) of
                {ok, _} -> ok;
                {refused, _} -> update(Refused, increment)
            end,
            sleep(5), sell(N - 1).
        case replica() of
            0 -> update(B, {increment, 1000}), update(Open, true);
            _ -> read(Open), sell(600)
        end.";
    let mut cluster = Cluster::new(1, Faults::NONE);
    for _ in 0..2 {
        cluster.join(SALE).expect("a program");
    }
    assert!(cluster.settle(60_000), "it does not settle");
    let refused = cluster.finals(1).into_iter().find(|last| last.name == "Refused").expect("there");
    assert!(refused.value.as_int().expect("an integer") <= 3, "only in the beginning: {}", refused.value);
}
