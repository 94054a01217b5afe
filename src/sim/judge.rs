//! Whether a run is right: apart from the network, by what nodes have and show, not by how they came to it.

use std::collections::BTreeMap;
use std::fmt;

use crate::node::Final;
use crate::node::TopLevel;
use crate::sim::Cluster;
use crate::sim::once::Breach;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::value::codec;
use crate::value::reference::Name;
use crate::value::term::Term;

/// A variable that two nodes have with different values.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its name at top level, or else its own as it is written.
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

/// The replicated variables that nodes which are up have under the same name, of the top level or of their own, with values
/// that are not equal byte for byte, of nodes that take them whole: who does not take a topic sees of it what it wrote itself,
/// at most. (Nodes that run different programs are compared where these share names. Where a name of their own stands for
/// variables of two types, which is told, each has its own by right.)
pub fn differences(cluster: &mut Cluster) -> Vec<Difference> {
    let mut first: BTreeMap<(String, Option<Name>), (usize, Term)> = BTreeMap::new();
    let mut found = Vec::new();
    let conflicts = cluster.up().into_iter().any(|node| cluster.status(node).is_some_and(|status| status.conflicts));
    for node in cluster.up() {
        let bound = cluster.finals(node).into_iter().filter(|last| !last.dynamic && last.taken);
        // A name of the top level may stand for another variable on each node, and those are compared with nothing.
        let own = |last: &Final| (last.variable.at_top_level() != Some(&*last.name)).then(|| last.variable.clone());
        let bound: Vec<_> = bound.map(|last| ((last.name.clone(), own(&last)), last.value)).collect();
        let apart = if conflicts { Vec::new() } else { cluster.named_apart(node) };
        let apart = apart.into_iter().map(|(name, value)| ((name, None), value));
        for (key, value) in bound.into_iter().chain(apart) {
            match first.get(&key) {
                None => {
                    first.insert(key, (node, value));
                }
                Some(one) if codec::encode(&one.1) != codec::encode(&value) => {
                    let name = key.0;
                    found.push(Difference { name, one: one.clone(), other: (node, value) });
                }
                Some(_) => {}
            }
        }
    }
    found
}

/// What to do where nodes have seen the same and show something else.
pub const DIFFERENT: &str = "is a function of a derivation the same on all nodes? One that takes in what each node has for itself, such as \
`replica()`, derives something else on each; if that is not it, this is a fault in lasp: please report it";

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// The program: an assertion does not hold, or a top level failed.
    Program,
    /// A promise of the language's replication is broken.
    Promise,
    /// Nodes do not come to agree.
    Agreement,
    /// The program does not come to an end.
    Endless,
}

/// Something that is wrong with a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Of what kind.
    pub wrong: Wrong,
    /// Where, if it is one node's.
    pub node: Option<usize>,
    /// When, milliseconds of virtual time.
    pub at_ms: u64,
    /// Which promise is broken, or what the nodes do not agree on, without nodes, times and values; empty where the place in the
    /// program says it.
    pub claim: String,
    /// What.
    pub diagnostic: Diagnostic,
}

impl Violation {
    /// Whether the other is the same failure, as far as that can be said of two runs: the same thing at the same place of the
    /// program, or the same promise about the same variable or effect, whatever the node, the time and the values.
    #[must_use]
    pub fn is_like(&self, other: &Violation) -> bool {
        let place = |violation: &Violation| violation.diagnostic.labels.first().map(|label| label.span);
        // What has no end is now here, now there.
        let same_place = self.wrong == Wrong::Endless || place(self) == place(other);
        let same_kind = self.wrong == other.wrong && self.diagnostic.code == other.diagnostic.code;
        same_kind && same_place && self.claim == other.claim
    }
}

/// A promise that one node breaks.
fn broken(node: usize, at_ms: u64, claim: impl Into<String>, what: impl fmt::Display) -> Violation {
    let diagnostic = Diagnostic::error("E0711", format!("n{node} breaks a promise: {what}"))
        .help("this is a fault in lasp: please report it with the program and the line that repeats the run");
    Violation { wrong: Wrong::Promise, node: Some(node), at_ms, claim: claim.into(), diagnostic }
}

/// What the program itself has come to at a node.
fn failed(node: usize, at_ms: u64, diagnostic: Diagnostic) -> Violation {
    Violation { wrong: Wrong::Program, node: Some(node), at_ms, claim: String::new(), diagnostic }
}

/// What was found wrong at the moment at which it happened, since this was asked last.
pub(crate) fn at_once(cluster: &mut Cluster) -> Vec<Violation> {
    let at_ms = cluster.now_ms;
    let mut found = Vec::new();
    for (node, diagnostic) in std::mem::take(&mut cluster.grave) {
        found.push(match diagnostic.code {
            "E0394" => failed(node, at_ms, diagnostic),
            code => broken(node, at_ms, code, format_args!("it refused a peer, since {}", diagnostic.title)),
        });
    }
    let once = std::mem::take(&mut cluster.once.broken);
    found.extend(once.into_iter().map(|Breach { node, claim, what }| broken(node, at_ms, claim, what)));
    if let Some(watch) = &mut cluster.watch {
        let written = std::mem::take(&mut watch.broken).into_iter();
        found.extend(written.map(|(node, what)| broken(node, at_ms, what.claim(), what)));
        if let Some(bytes) = watch.too_long.take() {
            found.push(broken(
                0,
                at_ms,
                "a message",
                format_args!("a message of {bytes} bytes is longer than any may be"),
            ));
        }
    }
    found
}

/// Effects of which it should have been told that they are in doubt.
pub(crate) fn untold(cluster: &mut Cluster) -> Vec<Violation> {
    let at_ms = cluster.now_ms;
    let untold = cluster.untold_doubts().into_iter();
    untold.map(|Breach { node, claim, what }| broken(node, at_ms, claim, what)).collect()
}

/// About how many entries have to be looked at to judge a node.
pub(crate) fn cost(cluster: &Cluster) -> u64 {
    cluster.watch.as_ref().map_or(0, |watch| watch.oracle.updates()) + 50
}

/// Holds what a node has against what was written, and its bounded counters against their bound.
pub(crate) fn node(cluster: &mut Cluster, number: usize) -> Option<Violation> {
    let at_ms = cluster.now_ms;
    let (Some(place), Some(watch)) = (cluster.places.get_mut(number), &mut cluster.watch) else { return None };
    let vector = place.node.seen();
    if let Err(what) = watch.oracle.examine(number, vector, place.node.entries()) {
        return Some(broken(number, at_ms, what.claim(), what));
    }
    let below = place.node.bounded_counters().into_iter().find(|(_, value)| *value < Term::Int(0));
    below.map(|(name, value)| {
        broken(number, at_ms, format!("bound of {name}"), format_args!("its bounded counter {name} is {value}"))
    })
}

/// What the program itself came to at a node, if that is a failure.
pub(crate) fn program(cluster: &mut Cluster, number: usize) -> Option<Violation> {
    let at_ms = cluster.now_ms;
    let place = cluster.places.get(number)?;
    if place.node.top_level() != TopLevel::Failed {
        return None;
    }
    let last = place.reports.iter().rfind(|report| report.severity == Severity::Error)?;
    Some(failed(number, at_ms, last.clone()))
}

/// The nodes did not come to agree in the time that they had.
pub(crate) fn no_agreement(cluster: &mut Cluster, within_ms: u64) -> Violation {
    let up = cluster.up();
    let busy = up.iter().filter(|&&node| !cluster.places[node].node.quiescent()).count();
    let mut states: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
    for &node in &up {
        states.entry(cluster.places[node].node.vector_digest()).or_default().push(node);
    }
    let title = format!("the nodes do not agree {} after the faults have ended", crate::sim::words::show_ms(within_ms));
    let mut diagnostic = Diagnostic::error("E0712", title);
    if states.len() > 1 {
        let some: Vec<String> = states.values().take(4).map(|nodes| format!("n{}", nodes[0])).collect();
        let text = format!("there are {} different states among {} nodes: {}", states.len(), up.len(), some.join(", "));
        diagnostic = diagnostic.help(text);
    }
    let claim = match (states.len() > 1, busy > 0) {
        (true, _) => "states",
        (false, true) => "tasks",
        (false, false) => "effects",
    };
    if busy > 0 {
        diagnostic = diagnostic.help(format!("tasks of {busy} nodes still go on"));
    }
    if !cluster.effects_are_settled() {
        diagnostic = diagnostic.help("effects of `enforce_once` are not started, or not told to be in doubt");
    }
    let diagnostic = diagnostic.help("if that is too short a time, say how long they have: `--settle 10m`");
    Violation { wrong: Wrong::Agreement, node: None, at_ms: cluster.now_ms, claim: claim.into(), diagnostic }
}

/// What nodes tell when a name stands for two variables: then each side keeps its own, and values differ by right.
const TWO_OF_A_NAME: [&str; 2] = ["E0301", "E0375"];

/// Nodes that have seen the same show different values.
pub(crate) fn disagreements(cluster: &mut Cluster) -> Vec<Violation> {
    let at_ms = cluster.now_ms;
    let mut found: Vec<Violation> = Vec::new();
    for difference in differences(cluster).into_iter().take(3) {
        let mut told = false;
        for node in [difference.one.0, difference.other.0] {
            let reports = cluster.reports(node).iter();
            for diagnostic in reports.filter(|report| TWO_OF_A_NAME.contains(&report.code)).cloned() {
                told = true;
                let violation = failed(node, at_ms, diagnostic);
                if !found.contains(&violation) {
                    found.push(violation);
                }
            }
        }
        if !told {
            let title = format!("the nodes have seen the same, and yet {difference}");
            let diagnostic = Diagnostic::error("E0711", title).help(DIFFERENT);
            let claim = format!("values of {}", difference.name);
            found.push(Violation { wrong: Wrong::Promise, node: None, at_ms, claim, diagnostic });
        }
    }
    found
}

/// The program goes on without an end at one moment.
pub(crate) fn too_much_work(cluster: &Cluster) -> Violation {
    let busiest = cluster.busiest();
    let who = busiest.map(|(node, _)| format!(" on n{node}")).unwrap_or_default();
    let told = Diagnostic::error("E0713", format!("the program takes too many steps{who}"));
    let told = match busiest {
        Some((_, Some((place, how)))) => told.at(place, how),
        _ => told,
    };
    let diagnostic = told
        .help("look for a function that calls itself without end, and without `sleep`")
        .help("where so much is meant to be done, `--steps N` allows N million steps on all nodes together");
    let (node, claim) = (busiest.map(|(node, _)| node), String::new());
    Violation { wrong: Wrong::Endless, node, at_ms: cluster.now_ms, claim, diagnostic }
}
