//! Whether nodes agree: apart from the network, and by what the nodes show, not by how they came to it.

use std::collections::BTreeMap;
use std::fmt;

use crate::sim::Cluster;
use crate::value::codec;
use crate::value::term::Term;

/// A variable that two nodes have with different values.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its name at top level.
    pub name: String,
    /// A node and its value.
    pub one: (usize, Term),
    /// Another node and its value.
    pub other: (usize, Term),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { name, one, other } = self;
        write!(f, "{name} is {} at node {} and {} at node {}", one.1, one.0, other.1, other.0)
    }
}

/// The replicated variables that nodes which are up have under the same top-level name with values that are not equal byte
/// for byte. (Nodes that run different programs are compared where these share names.)
pub fn differences(cluster: &mut Cluster) -> Vec<Difference> {
    let mut first: BTreeMap<String, (usize, Term)> = BTreeMap::new();
    let mut found = Vec::new();
    for node in cluster.up() {
        for last in cluster.finals(node).into_iter().filter(|last| !last.dynamic) {
            match first.get(&last.name) {
                None => {
                    first.insert(last.name, (node, last.value));
                }
                Some(one) if codec::encode(&one.1) != codec::encode(&last.value) => {
                    found.push(Difference { name: last.name, one: one.clone(), other: (node, last.value) });
                }
                Some(_) => {}
            }
        }
    }
    found
}
