//! Simulated clusters of programs.

use lasp::node::Final;
use lasp::sim::Cluster;
use lasp::value::term::Term;

/// One more node, which runs this program.
pub(crate) fn join(cluster: &mut Cluster, program: &str) -> usize {
    cluster.join(program).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A variable's value on a node.
pub(crate) fn value(cluster: &mut Cluster, node: usize, name: &str) -> Term {
    let finals: Vec<Final> = cluster.finals(node);
    finals.into_iter().find(|last| last.name == name).expect("a variable of that name").value
}

/// These numbers.
pub(crate) fn list(numbers: &[i64]) -> Term {
    Term::list(numbers.iter().copied().map(Term::Int))
}
