//! Many replicas, one seed: whatever the network does, nodes that have seen the same have the same, and in the end all
//! have seen everything.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the numbers of a test are small"
)]
#![expect(clippy::disallowed_methods, reason = "how many seeds a run tries is told by the environment")]

mod simulation;

use lasp::replica::VariableKey;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::reference::Name;
use lasp::value::term::Term;
use simulation::Cluster;
use simulation::Faults;

/// How many seeds a run tries; more by `LASP_SEEDS`.
fn seeds() -> u64 {
    std::env::var("LASP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200)
}

#[test]
fn replicas_converge_over_a_bad_network() {
    for seed in 0..seeds() {
        let mut cluster = Cluster::new(seed, Faults::bad(seed));
        cluster.run();
        cluster.heal_and_judge();
    }
}

#[test]
fn nodes_take_the_topics_that_they_want_over_a_bad_network() {
    for seed in 0..seeds() / 6 {
        let changes = [0, 300][(seed % 2) as usize];
        let faults = Faults { mesh: true, topics: Some(changes), ..Faults::bad(seed) };
        let mut cluster = Cluster::new(seed, faults);
        cluster.run();
        cluster.heal_and_judge();
        if changes == 0 {
            assert_eq!(cluster.leaks, 0, "seed {seed}: messages about a topic reached a node that does not take it");
        }
    }
}

#[test]
fn clients_converge_with_servers_over_a_bad_network() {
    for seed in 0..seeds() / 6 {
        let topics = [None, None, Some(0), Some(300)][(seed % 4) as usize];
        let faults = Faults { mesh: true, clients: 500, topics, ..Faults::bad(seed) };
        let mut cluster = Cluster::new(seed, faults);
        cluster.run();
        cluster.heal_and_judge();
    }
}

#[test]
fn nodes_that_are_killed_go_on_from_their_data_over_a_bad_network() {
    for seed in 0..seeds() / 6 {
        let topics = [None, None, Some(0), Some(300)][(seed % 4) as usize];
        let clients = [0, 500][(seed / 4 % 2) as usize];
        let faults = Faults { mesh: true, clients, topics, crash: 10, data: 700, ..Faults::bad(seed) };
        let mut cluster = Cluster::new(seed, faults);
        cluster.run();
        cluster.heal_and_judge();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [3, 14, 15] {
        let trace = || {
            let mut cluster = Cluster::new(seed, Faults::bad(seed));
            cluster.run();
            cluster.heal_and_judge();
            cluster.trace()
        };
        assert_eq!(trace(), trace());
    }
}

fn key() -> VariableKey {
    VariableKey { name: Name::Given(Term::atom("numbers")), kind: Type::Set }
}

#[expect(clippy::unnecessary_wraps, reason = "as `Cluster::write` takes it")]
fn number(n: i64) -> Option<Content> {
    Some(Content::Element(Term::Int(n)))
}

/// Two nodes with `count` elements each of the first's, in agreement.
fn settled(nodes: usize, count: i64, mut faults: Faults) -> (Cluster, Vec<lasp::lattice::dot::Dot>) {
    faults.nodes = nodes;
    let mut cluster = Cluster::new(1, faults);
    let dots = (0..count).map(|n| cluster.write(0, &key(), number(n), &[])).collect();
    cluster.flush(0);
    until_agreed(&mut cluster);
    (cluster, dots)
}

fn until_agreed(cluster: &mut Cluster) {
    let limit = cluster.now + 10_000;
    while !cluster.agree() {
        assert!(cluster.now < limit, "no agreement within 10 s");
        cluster.step();
    }
}

/// What it costs to agree again after `change`, in bytes and messages, when the second node was away meanwhile.
fn cost_of_absence(cluster: &mut Cluster, change: impl FnOnce(&mut Cluster)) -> (usize, usize) {
    cluster.disconnect(1);
    change(cluster);
    cluster.flush(0);
    (cluster.bytes_sent, cluster.messages_sent) = (0, 0);
    cluster.connect(0, 1);
    cluster.flush(0);
    cluster.flush(1);
    until_agreed(cluster);
    (cluster.bytes_sent, cluster.messages_sent)
}

#[test]
fn a_peer_that_missed_nothing_costs_one_small_message() {
    let (mut cluster, _) = settled(2, 10_000, Faults::none(2));
    let (bytes, messages) = cost_of_absence(&mut cluster, |_| {});
    assert_eq!(messages, 2, "one in each direction");
    assert!(bytes <= 50, "{bytes} bytes");
}

#[test]
fn catching_up_costs_what_changed() {
    let (mut cluster, dots) = settled(2, 50_000, Faults::none(2));
    let (bytes, _) = cost_of_absence(&mut cluster, |cluster| {
        cluster.write(0, &key(), number(-1), &[]);
        cluster.write(0, &key(), None, &dots[..1]);
    });
    assert!(bytes < 400, "two updates cost {bytes} bytes");
}

#[test]
fn catching_up_costs_what_changed_when_the_log_has_gone_by() {
    for (removals_max, removals_cost, nothing_cost) in [(1 << 19, 2500, 400), (0, 1300, 700)] {
        let mut faults = Faults::none(2);
        (faults.limits.log_events_max, faults.limits.removals_max) = (0, removals_max);
        let (mut cluster, dots) = settled(2, 20_000, faults);
        // Removed together, they cost the bits of the units they were in, if they are not listed.
        let (bytes, _) = cost_of_absence(&mut cluster, |cluster| {
            for dot in &dots[2000..4000] {
                cluster.write(0, &key(), None, &[*dot]);
            }
        });
        assert!(bytes < removals_cost, "2,000 removals cost {bytes} bytes");
        // Elements that came and went meanwhile cost nothing.
        let (bytes, _) = cost_of_absence(&mut cluster, |cluster| {
            for n in 0..5000 {
                let dot = cluster.write(0, &key(), number(n), &[]);
                cluster.write(0, &key(), None, &[dot]);
            }
        });
        assert!(bytes < nothing_cost, "10,000 updates that cancel out cost {bytes} bytes");
        cluster.judge(1);
    }
}

#[test]
fn a_thousand_scattered_changes_cost_little_whatever_is_remembered() {
    // By recent events; by recent removals; by comparing liveness, as after a start from disk.
    for (log_events_max, removals_max) in [(1 << 15, 1 << 19), (0, 1 << 19), (0, 0)] {
        let mut faults = Faults::none(2);
        (faults.limits.log_events_max, faults.limits.removals_max) = (log_events_max, removals_max);
        let (mut cluster, dots) = settled(2, 30_000, faults);
        let (bytes, messages) = cost_of_absence(&mut cluster, |cluster| {
            for n in 0..500 {
                cluster.write(0, &key(), None, &[dots[n * 7919 % 30_000]]);
                cluster.write(0, &key(), number(-1 - n as i64), &[]);
            }
        });
        assert!(bytes <= 10_000, "{bytes} bytes in {messages} messages");
        cluster.judge(1);
    }
}

#[test]
fn a_newcomer_among_many_gets_one_copy() {
    let (mut cluster, _) = settled(5, 50_000, Faults::none(5));
    (cluster.bytes_sent, cluster.messages_sent) = (0, 0);
    let newcomer = cluster.join();
    cluster.flush(newcomer);
    until_agreed(&mut cluster);
    let per_element = cluster.bytes_sent / 50_000;
    assert!(per_element <= 20, "{per_element} bytes for each element");
}

#[test]
fn while_all_is_well_an_update_costs_a_message_for_each_peer_and_little_else() {
    let (mut cluster, _) = settled(3, 1000, Faults::none(3));
    (cluster.bytes_sent, cluster.messages_sent) = (0, 0);
    for n in 0..100 {
        cluster.write(0, &key(), number(-n), &[]);
        cluster.flush(0);
        for _ in 0..100 {
            cluster.step();
        }
    }
    assert!(cluster.agree());
    // Two pushes, and each of three nodes tells the other two its vector or digest; one comparison a second besides.
    assert!(cluster.messages_sent <= 100 * 8 + 10 * 6 + 20, "{} messages", cluster.messages_sent);
    assert!(cluster.bytes_sent <= 100 * 400, "{} bytes", cluster.bytes_sent);
}

/// Variables of every type, derivations among them, and slots.
const PROGRAM: &str = "
S = declare(set).
G = declare(gset).
C = declare(counter).
M = declare(max_int).
R = declare(lwwregister).
B = declare(boolean).
T = declare({top_k, [3]}).
Doubled = map(S, fun(X) -> X * 2 end).
Even = filter(Doubled, fun(X) -> X rem 4 =:= 0 end).
Both = union(Even, G).
Common = intersection(Doubled, G).
Pairs = product(Even, G).
Local = declare_dynamic(set).
Best = declare({top_k, [3]}).
Total = declare(counter).
fold_dynamic(Local, fun(X) -> {set, X, X * 3} end, Best).
fold(S, fun(X) -> {increment, X} end, Total).
";

/// A line that somebody types at a node's prompt.
fn line(cluster: &mut lasp::sim::Cluster) -> String {
    let n = cluster.chance(8);
    match cluster.chance(12) {
        0..=2 => format!("update(S, {{add, {n}}})."),
        3..=4 => format!("update(S, {{rmv, {n}}})."),
        5 => format!("update(G, {{add, {}}}).", 2 * n),
        6 => format!("update(C, {{increment, {n}}})."),
        7 => "update(C, decrement).".to_owned(),
        8 => format!("update(R, {{set, {n}}}), update(M, {{set, {n}}})."),
        9 => format!("update(T, {{set, {n}, {}}}).", cluster.chance(100)),
        10 => format!("update(Local, {{add, {}}}).", cluster.chance(50)),
        _ => format!("update(Local, {{rmv, {}}}).", cluster.chance(50)),
    }
}

/// Random lines at random nodes of one program, under all faults; then peace. Gives what all agree on.
fn live(seed: u64) -> (Vec<lasp::node::Final>, [u8; 32]) {
    let faults = lasp::sim::Faults { lost: seed % 3 * 100, doubled: seed % 2 * 100, delay_ms: 1 + seed % 4 * 40 };
    let mut cluster = lasp::sim::Cluster::new(seed, faults);
    for _ in 0..2 + seed % 3 {
        cluster.join(PROGRAM).expect("the program is right");
    }
    for _ in 0..120 {
        let up = cluster.up();
        let node = up[cluster.chance(up.len() as u64) as usize];
        let text = line(&mut cluster);
        cluster.type_line(node, &text);
        let other = cluster.chance(up.len() as u64) as usize;
        match cluster.chance(60) {
            0 => {
                cluster.crash(node);
                cluster.join(PROGRAM).expect("the program is right");
            }
            1..=3 => cluster.part(node, up[other]),
            4 => cluster.disconnect(node),
            5..=8 => cluster.connect(node, up[other]),
            _ => {}
        }
        let pause = cluster.chance(60);
        cluster.run_for(pause);
    }
    cluster.heal();
    assert!(cluster.settle(60_000), "seed {seed}: no agreement");
    let differences = lasp::sim::judge::differences(&mut cluster);
    assert!(differences.is_empty(), "seed {seed}: {}", differences[0]);
    for node in cluster.up() {
        assert!(cluster.reports(node).is_empty(), "seed {seed}: {:?}", cluster.reports(node));
    }
    let one = cluster.up()[0];
    let finals = cluster.finals(one).into_iter().filter(|last| !last.dynamic).collect();
    (finals, cluster.trace())
}

#[test]
fn programs_agree_over_a_bad_network() {
    for seed in 0..seeds() / 20 {
        live(seed);
    }
}

#[test]
fn programs_have_the_same_trace_with_the_same_seed() {
    assert_eq!(live(7), live(7));
    assert_ne!(live(7).1, live(8).1);
}

#[test]
fn a_late_node_has_everything() {
    let mut cluster = lasp::sim::Cluster::new(1, lasp::sim::Faults::NONE);
    let first =
        cluster.join("S = declare(set). update(S, {add_all, lists:seq(1, 20000)}).").expect("the program is right");
    cluster.run_for(100);
    let late = cluster.join("S = declare(set). N = map(S, fun(X) -> X rem 2 end).").expect("the program is right");
    assert!(cluster.settle(5000));
    let values: Vec<Term> = cluster.finals(late).into_iter().map(|last| last.value).collect();
    assert_eq!(values[0], Term::list((1..=20_000).map(Term::Int)));
    assert_eq!(values[1], Term::list([Term::Int(0), Term::Int(1)]));
    assert_eq!(cluster.finals(first).len(), 1);
}
