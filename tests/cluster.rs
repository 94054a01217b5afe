//! Many replicas, one seed: whatever the network does, nodes that have seen the same have the same, and in the end all
//! have seen everything.

mod simulation;

use simulation::Cluster;
use simulation::Faults;

#[test]
fn replicas_converge_over_a_bad_network() {
    for seed in 0..300 {
        let mut cluster = Cluster::new(seed, Faults::bad(seed));
        cluster.run();
        cluster.heal_and_judge();
    }
}
