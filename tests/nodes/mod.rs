//! Runs programs on nodes without an edge: time is a number, files are given, messages are passed by hand.

#![allow(dead_code, clippy::cast_possible_truncation, reason = "each test file uses its part; the numbers are small")]

use lasp::compile::Session;
use lasp::lattice::dot::ReplicaId;
use lasp::node::Input;
use lasp::node::Node;
use lasp::node::Output;
use lasp::node::Progress;
use lasp::node::Settings;
use lasp::replica::PeerId;
use lasp::replica::Role;
use lasp::value::term::Term;

/// Steps between looks at the outputs.
const FUEL: u64 = 1_000_000;

/// A node that is about to run a program.
pub(crate) fn node(program: &str, replica: u32) -> Node {
    incarnation(program, replica, 0)
}

/// The same, in its start of that number.
pub(crate) fn incarnation(program: &str, replica: u32, start: u64) -> Node {
    made(program, replica, start, false)
}

/// A node that tells changes.
pub(crate) fn watched(program: &str) -> Node {
    made(program, 0, 0, true)
}

fn made(program: &str, replica: u32, start: u64, watch: bool) -> Node {
    let (mut session, library) = Session::new();
    let (unit, _) = session.program("test.lasp", program).unwrap_or_else(|said| panic!("{program}: {said:#?}"));
    let settings = Settings {
        name: format!("n{replica}"),
        replica,
        role: Term::atom("undefined"),
        arguments: Vec::new(),
        identity: ReplicaId::of(u128::from(replica + 1) << 100, start),
        seed: u64::from(replica),
        watch,
    };
    Node::new(settings, session, &library, &unit)
}

/// What a run on one node came to.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What was printed.
    pub(crate) printed: String,
    /// The codes of what was reported.
    pub(crate) codes: Vec<&'static str>,
    /// Everything that was reported, for messages.
    pub(crate) reports: Vec<String>,
}

/// Runs until nothing goes on; sleepers are woken at once. Panics when that takes too long.
pub(crate) fn settle(node: &mut Node, now_ms: &mut u64) -> Told {
    let mut told = Told::default();
    for _ in 0..100_000 {
        let progress = node.run(*now_ms, FUEL);
        while let Some(output) = node.poll_output() {
            match output {
                Output::Print { text, .. } => told.printed.push_str(&text),
                Output::Report(diagnostic) => {
                    told.codes.push(diagnostic.code);
                    told.reports.push(format!("{}: {}", diagnostic.code, diagnostic.title));
                }
                _ => {}
            }
        }
        if progress == Progress::Busy {
            continue;
        }
        if node.quiescent() {
            return told;
        }
        *now_ms = node.next_timer().unwrap_or(*now_ms).max(*now_ms);
        node.handle(Input::Tick, *now_ms);
    }
    panic!("the program does not come to rest");
}

/// The values at the end, as they are printed.
pub(crate) fn finals(node: &mut Node) -> Vec<String> {
    node.finals().into_iter().map(|last| format!("{} = {}", last.name, last.value)).collect()
}

/// Runs a program alone.
pub(crate) fn run(program: &str) -> (Vec<String>, Told) {
    let mut node = node(program, 0);
    let told = settle(&mut node, &mut 0);
    (finals(&mut node), told)
}

/// Connects nodes with each other and passes their messages on until all agree. Time goes on by itself. Gives what was
/// sent.
pub(crate) fn converge(nodes: &mut [Node]) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    let count = nodes.len();
    let mut now_ms = 0;
    for (me, node) in nodes.iter_mut().enumerate() {
        for other in (0..count).filter(|other| *other != me) {
            let incarnation = ReplicaId((other as u128 + 1) << 100);
            let (peer, name) = (PeerId(other as u64), format!("n{other}"));
            node.handle(Input::Connected { peer, name, incarnation, role: Role::Server }, now_ms);
        }
    }
    for _ in 0..20_000 {
        let mut mail = Vec::new();
        for (me, node) in nodes.iter_mut().enumerate() {
            while node.run(now_ms, FUEL) == Progress::Busy {}
            while let Some(output) = node.poll_output() {
                match output {
                    Output::Send { peer, bytes } => mail.push((me, peer, bytes)),
                    Output::Broadcast { bytes, .. } => {
                        let others = (0..count).filter(|other| *other != me);
                        mail.extend(others.map(|other| (me, PeerId(other as u64), bytes.clone())));
                    }
                    _ => {}
                }
            }
        }
        for (from, PeerId(to), bytes) in mail {
            sent.push(bytes.clone());
            nodes[to as usize].handle(Input::Received { peer: PeerId(from as u64), bytes }, now_ms);
        }
        now_ms += 5;
        for node in nodes.iter_mut() {
            node.handle(Input::Tick, now_ms);
        }
        if nodes.iter_mut().all(|node| {
            let status = node.status();
            status.quiescent && status.agreeing == count - 1
        }) {
            return sent;
        }
    }
    panic!("the nodes do not come to agree");
}
