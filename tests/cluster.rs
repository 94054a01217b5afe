//! Many replicas, one seed: whatever the network does, nodes that have seen the same have the same, and in the end all
//! have seen everything.

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
    std::env::var("LASP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300)
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
    let mut faults = Faults::none(2);
    faults.limits.log_events_max = 0;
    let (mut cluster, dots) = settled(2, 50_000, faults);
    let blocks = 50_000 / 1024 + 1;
    // Removed together, they cost the bitmaps of the blocks they were in.
    let (bytes, _) = cost_of_absence(&mut cluster, |cluster| {
        for dot in &dots[2000..4000] {
            cluster.write(0, &key(), None, &[*dot]);
        }
    });
    assert!(bytes < blocks * 16 + 4 * 140 + 500, "2,000 removals cost {bytes} bytes");
    // Elements that came and went meanwhile cost nothing.
    let (bytes, _) = cost_of_absence(&mut cluster, |cluster| {
        for n in 0..5000 {
            let dot = cluster.write(0, &key(), number(n), &[]);
            cluster.write(0, &key(), None, &[dot]);
        }
    });
    assert!(bytes < blocks * 16 + 500, "10,000 updates that cancel out cost {bytes} bytes");
    cluster.judge(1);
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
