//! A test on several simulated nodes: each runs the program, and then the test as a task; chance, by the seed, decides when,
//! and how long messages take. All have to pass, and to agree in the end.

use crate::cli::program::Program;
use crate::cli::test::Compiled;
use crate::cli::test::judge::CALL;
use crate::cli::test::judge::Ran;
use crate::cli::test::single::elements_of;
use crate::node::TopLevel;
use crate::sim::Cluster;
use crate::sim::Faults;
use crate::sim::judge;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::term::Term;

/// How many turns of a million steps all nodes together may use up, unless told otherwise.
const TURNS_MAX: u32 = 40;
/// The most milliseconds between two nodes' starts, and between the start of a node and that of its test.
const BETWEEN_MS_MAX: u64 = 200;
/// How long the nodes have, in virtual time, to come to an end and to agree.
const SETTLE_MS_MAX: u64 = 120_000;
/// Messages are lost and doubled now and then, and overtake each other.
const FAULTS: Faults = Faults { lost: 50, doubled: 50, delay_ms: 150 };

/// Runs a test function on so many nodes.
pub(super) fn run(
    program: &Program,
    compiled: &Compiled,
    function: &str,
    (nodes, seed): (u32, u64),
    millions: Option<u32>,
) -> Ran {
    let millions = millions.unwrap_or(TURNS_MAX);
    let mut cluster = Cluster::new(seed, FAULTS);
    cluster.limit_turns(u64::from(millions));
    cluster.limit_elements(elements_of(millions));
    // A simulated cluster has no disk: it gets the files that texts of the program name.
    for (path, bytes) in program.named_files() {
        cluster.file(&path, bytes);
    }
    let mut numbers = Vec::new();
    for _ in 0..nodes {
        let session = compiled.session.clone();
        let role = Term::atom("undefined");
        numbers.push(cluster.join_compiled(session, &compiled.library, &compiled.unit, role, Vec::new()));
        let pause = cluster.chance(BETWEEN_MS_MAX);
        cluster.run_for(pause);
    }
    for node in &numbers {
        cluster.example(*node, CALL, &format!("{function}()."));
        let pause = cluster.chance(BETWEEN_MS_MAX);
        cluster.run_for(pause);
    }
    cluster.heal();
    let settled = cluster.settle(SETTLE_MS_MAX);
    judged(&mut cluster, &numbers, settled, millions)
}

fn judged(cluster: &mut Cluster, nodes: &[usize], settled: bool, millions: u32) -> Ran {
    let mut ran = Ran::default();
    let mut waits = false;
    for node in nodes {
        let name = format!("n{node}");
        for text in cluster.prints(*node) {
            ran.prints.push_str(&format!("{name}: {text}"));
        }
        ran.reports.extend(cluster.reports(*node).iter().map(|report| {
            let mut report = report.clone();
            report.title = format!("{} (on {name})", report.title);
            report
        }));
        let done = cluster.evaluated(*node).len() == 1;
        let Some(status) = cluster.status(*node) else { continue };
        if !done && !cluster.exhausted() && status.top_level != TopLevel::Failed {
            waits = true;
            ran.reports.extend(status.waiting.iter().take(3).map(|waiting| {
                Diagnostic::error("E0701", format!("the test waits for ever on {name}: {}", waiting.text))
                    .at(waiting.span, "waits here")
            }));
        }
        ran.files = cluster.texts(*node).cloned().unwrap_or_default();
    }
    if cluster.exhausted() {
        let told = match cluster.busiest() {
            Some((node, _)) => Diagnostic::error("E0702", format!("the test takes too many steps on n{node}")),
            None => Diagnostic::error("E0702", "the test takes too many steps"),
        };
        let more = millions.saturating_mul(10);
        let help = format!("all nodes together may take {millions} million; `--steps {more}` allows more");
        ran.reports.push(placed(told, cluster.busiest()).help(help));
    } else if !settled && !waits {
        let told = match cluster.restless() {
            Some((node, _)) => Diagnostic::error("E0702", format!("the nodes do not come to rest: n{node} goes on")),
            None => Diagnostic::error("E0702", "the nodes do not come to rest"),
        };
        ran.reports.push(placed(told, cluster.restless()).help("something goes on for ever, on some node"));
    }
    // Where a name stands for two variables, which is told, each side keeps its own, and values differ by right.
    let by_right = nodes.iter().any(|node| cluster.status(*node).is_some_and(|status| status.conflicts));
    if settled && !by_right {
        let mut differences = judge::differences(cluster);
        differences.sort_by(|one, other| one.name.cmp(&other.name));
        differences.dedup_by(|one, other| one.name == other.name);
        ran.reports.extend(differences.iter().map(|difference| {
            Diagnostic::error("E0706", format!("the replicas differ: {difference}")).help(judge::DIFFERENT)
        }));
    }
    ran
}

/// With the place where a node is.
fn placed(told: Diagnostic, at: Option<(usize, Option<(Span, &'static str)>)>) -> Diagnostic {
    match at {
        Some((_, Some((place, words)))) => told.at(place, words),
        _ => told,
    }
}
