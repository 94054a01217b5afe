//! lasp's own [`Replica`] and [`Overlay`], as nodes run them, over the same links: nothing of them is modelled here. What is done
//! here is what the edge does: it carries bytes, each link in order, and has timers go off.
//!
//! There are links between those nodes alone that are neighbours in the topology; an overlay that wants to send to anybody else, since
//! it has heard of him, is told that he cannot be reached. Connections and trees are there when the first event happens.

use std::collections::BTreeMap;

use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaId;
use lasp::overlay;
use lasp::overlay::Overlay;
use lasp::overlay::Settings;
use lasp::replica::EVERYBODY;
use lasp::replica::KeyIndex;
use lasp::replica::Limits;
use lasp::replica::Out;
use lasp::replica::PeerId;
use lasp::replica::Replica;
use lasp::replica::Role;
use lasp::replica::VariableKey;
use lasp::value::reference::Name;
use lasp::value::reference::Reference;
use lasp::value::term::Term;

use crate::Sent;
use crate::workload::Act;
use crate::workload::INTERVAL_MS;
use crate::workload::Kind;
use crate::workload::LINK_MS;
use crate::workload::NODES;
use crate::workload::Part;
use crate::workload::Schedule;
use crate::workload::Topology;

/// How long nodes have before the first event.
const START_MS: u64 = 20_000;
/// How a payload begins that is for neighbours alone, and how one that goes on: see `overlay::wire`.
const DIRECT: u8 = 1;
/// No two nodes are further from each other, so what is gathered at each comes within as many intervals.
const HOPS_MAX: u64 = 10;

/// When something is sent.
#[derive(Clone)]
pub(crate) struct Pace {
    limits: Limits,
    settings: Settings,
}

impl Pace {
    /// As nodes run: what is new goes on at once, and is gathered for some milliseconds where there is much.
    pub(crate) fn at_once() -> Pace {
        Pace { limits: Limits::default(), settings: Settings::default() }
    }

    /// As the others have it: each node gathers what is new for an interval, and sends it on together. What depends on how long
    /// messages are under way is told how long that is now.
    pub(crate) fn each_interval() -> Pace {
        let limits =
            Limits { announce_ms: INTERVAL_MS, round_ms: INTERVAL_MS, grace_ms: 2 * INTERVAL_MS, ..Limits::default() };
        let settings = Settings {
            gather_ms: INTERVAL_MS,
            announce_ms: INTERVAL_MS,
            graft_ms: HOPS_MAX * INTERVAL_MS,
            kept_ms: 2 * HOPS_MAX * INTERVAL_MS,
            ..Settings::default()
        };
        Pace { limits, settings }
    }
}

fn variable(kind: Kind) -> VariableKey {
    VariableKey { name: Name::Given(Term::atom("events")), kind: kind.variable() }
}

/// The bytes of the variable where it is named in a message.
pub(crate) fn variable_bytes(kind: Kind) -> u64 {
    let VariableKey { name, kind } = variable(kind);
    let reference = Reference { name, kind, dynamic: false };
    postcard::to_allocvec(&Term::Ref(triomphe::Arc::new(reference))).expect("in memory").len() as u64
}

enum Packet {
    /// From one replica to another.
    Replica(Vec<u8>),
    /// From one overlay to another.
    Overlay(Vec<u8>),
}

struct Node {
    replica: Replica,
    overlay: Overlay,
    key: KeyIndex,
    /// Its own live entries by the keys of parts, and the bytes of terms that have not been pushed.
    live: BTreeMap<u64, Dot>,
    unpushed: u64,
}

struct Run<'a> {
    topology: &'a Topology,
    nodes: Vec<Node>,
    network: BTreeMap<(u64, u64), (usize, usize, Packet)>,
    packets: u64,
    sent: Sent,
    /// The bytes of terms in each payload.
    terms: BTreeMap<Vec<u8>, u64>,
    kinds: BTreeMap<&'static str, (u64, u64)>,
}

fn id(node: usize) -> ReplicaId {
    ReplicaId((node as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

fn number(id: u128) -> usize {
    (0..NODES).find(|&node| self::id(node).0 == id).expect("there are no others")
}

pub(crate) fn run(pace: &Pace, topology: &Topology, schedule: &Schedule) -> Sent {
    let mut run = Run::new(pace, topology, schedule.kind);
    (0..START_MS).for_each(|now| run.step(now));
    for (node, neighbours) in topology.iter().enumerate() {
        let mut has: Vec<usize> = run.nodes[node].overlay.neighbours(EVERYBODY).map(number).collect();
        let mut wanted = neighbours.clone();
        has.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(has, wanted, "the neighbours of node {node}");
    }
    (run.sent, run.kinds) = (Sent::default(), BTreeMap::new());
    let (mut now, mut last) = (START_MS, START_MS);
    for (time, node, act) in &schedule.acts {
        while now < START_MS + *time {
            now += 1;
            run.step(now);
        }
        if let Act::Write(parts) = act {
            run.write(*node, parts, now);
            last = now;
        }
    }
    while !run.settled() {
        now += 1;
        run.step(now);
    }
    if std::env::args().any(|argument| argument == "--kinds") {
        for (kind, (messages, bytes)) in &run.kinds {
            println!("    {kind:<12} {messages:>8} messages {bytes:>10} bytes");
        }
    }
    Sent { settled_ms: now - last, ..run.sent }
}

impl Run<'_> {
    fn new<'a>(pace: &Pace, topology: &'a Topology, kind: Kind) -> Run<'a> {
        let mut nodes = Vec::new();
        for node in 0..NODES {
            let mut replica = Replica::with_limits(id(node), pace.limits.clone());
            let key = replica.key(&variable(kind));
            let overlay = Overlay::new(id(node).0, 1, Vec::new(), pace.settings.clone(), node as u64);
            nodes.push(Node { replica, overlay, key, live: BTreeMap::new(), unpushed: 0 });
        }
        let (network, terms, kinds) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut run = Run { topology, nodes, network, packets: 0, sent: Sent::default(), terms, kinds };
        for (node, neighbours) in topology.iter().enumerate() {
            let contacts: Vec<u128> = neighbours.iter().map(|&to| id(to).0).collect();
            run.nodes[node].overlay.subscribe(EVERYBODY, &contacts, 0);
            for &to in neighbours {
                run.nodes[node].replica.connected(PeerId(to as u64), Role::Server, id(to), 0);
            }
            run.drain(node, 0);
        }
        run
    }

    fn settled(&self) -> bool {
        let digest = self.nodes[0].replica.vector_digest();
        self.nodes.iter().all(|node| node.replica.vector_digest() == digest && node.unpushed == 0)
    }

    fn write(&mut self, node: usize, parts: &[Part], now: u64) {
        let writer = &mut self.nodes[node];
        for part in parts {
            // As the engine does it: what the new entry takes the place of goes.
            let before: Vec<Dot> = writer.live.get(&part.key).copied().into_iter().collect();
            let dot = writer.replica.write(writer.key, Some(part.content.clone()), &before, None).expect("it fits");
            writer.live.insert(part.key, dot);
            writer.unpushed += part.bytes;
        }
        // The end of the node's turn.
        writer.replica.flush(now);
        self.drain(node, now);
    }

    fn step(&mut self, now: u64) {
        while let Some(entry) = self.network.first_entry().filter(|entry| entry.key().0 <= now) {
            let (from, to, packet) = entry.remove();
            let node = &mut self.nodes[to];
            match packet {
                Packet::Replica(bytes) => node.replica.handle(PeerId(from as u64), &bytes, now),
                Packet::Overlay(bytes) => node.overlay.received(id(from).0, &bytes, now).expect("it is well-formed"),
            }
            self.drain(to, now);
        }
        for node in 0..NODES {
            let due = |timer: Option<u64>| timer.is_some_and(|at| at <= now);
            let Node { replica, overlay, .. } = &mut self.nodes[node];
            let (replica_due, overlay_due) = (due(replica.next_timer()), due(overlay.next_timer()));
            if replica_due {
                replica.tick(now);
            }
            if overlay_due {
                overlay.tick(now);
            }
            if replica_due || overlay_due {
                self.drain(node, now);
            }
        }
    }

    fn count(&mut self, kind: &'static str, bytes: usize) {
        self.sent.frames += bytes as u64;
        let counted = self.kinds.entry(kind).or_default();
        *counted = (counted.0 + 1, counted.1 + bytes as u64);
    }

    fn post(&mut self, now: u64, from: usize, to: usize, packet: Packet) {
        self.packets += 1;
        self.network.insert((now + LINK_MS, self.packets), (from, to, packet));
    }

    /// Does what a node wants, until it wants nothing more.
    fn drain(&mut self, node: usize, now: u64) {
        loop {
            if let Some(out) = self.nodes[node].replica.poll() {
                self.put(node, out, now);
            } else if let Some(out) = self.nodes[node].overlay.poll() {
                self.put_overlay(node, out, now);
            } else {
                break;
            }
        }
    }

    fn put(&mut self, node: usize, out: Out, now: u64) {
        match out {
            Out::Send(peer, bytes) => {
                let kind = lasp::replica::kind_of(&bytes);
                self.count(kind, bytes.len());
                if matches!(kind, "events" | "chunk") {
                    // Repairs hold terms: all of them is counted.
                    self.sent.terms += bytes.len() as u64;
                }
                self.post(now, node, peer.0 as usize, Packet::Replica(bytes));
            }
            Out::Broadcast { topic, bytes } => {
                self.terms.insert(bytes.clone(), std::mem::take(&mut self.nodes[node].unpushed));
                self.nodes[node].overlay.broadcast(topic, &bytes, now);
            }
            Out::Changes(_) => {}
            other => println!("unexpected: {other:?}"),
        }
    }

    fn put_overlay(&mut self, node: usize, out: overlay::Output, now: u64) {
        match out {
            overlay::Output::Send { to, bytes, push } => {
                let to = number(to);
                if !self.topology[node].contains(&to) {
                    return self.nodes[node].overlay.lost(id(to).0, now);
                }
                self.count(if push { "tree-push" } else { "tree-control" }, bytes.len());
                if push {
                    self.sent.terms += self.terms_of(&bytes);
                }
                self.post(now, node, to, Packet::Overlay(bytes));
            }
            overlay::Output::Deliver { from, bytes, .. } => {
                self.nodes[node].replica.handle(PeerId(number(from) as u64), &bytes, now);
            }
            overlay::Output::NeighbourUp { .. } | overlay::Output::NeighbourDown { .. } => {}
        }
    }

    /// The bytes of terms in a frame with payloads, each of which has a byte before it that says that it is one.
    fn terms_of(&self, frame: &[u8]) -> u64 {
        let whole = "a frame that was just made";
        let ((kind, _), mut rest) = postcard::take_from_bytes::<(u8, u128)>(frame).expect(whole);
        if kind == DIRECT {
            return self.terms[&rest[1..]];
        }
        let mut terms = 0;
        while !rest.is_empty() {
            let (payload, left) = postcard::take_from_bytes::<&[u8]>(rest).expect(whole);
            terms += self.terms[&payload[1..]];
            rest = left;
        }
        terms
    }
}
