//! lasp's replicas over the same links. Updates are pushed once an interval, along a tree that comes about as in Plumtree: a link
//! by which a message comes for a second time is not used for messages any longer. Digests and vectors go to neighbours.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaId;
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

/// What the overlay puts before a message so that it can be told from others: a hash and where it is to go.
const TREE_HEAD_BYTES: u64 = 36;
/// What it sends by a link that is not of the tree, of each message; and to take a link out of the tree.
const TREE_ANNOUNCE_BYTES: u64 = 38;
const TREE_PRUNE_BYTES: u64 = 3;

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
    Direct(Vec<u8>),
    /// Along the tree: number and bytes of terms.
    Tree(u64, u64, Vec<u8>),
    Prune,
}

struct Node {
    replica: Replica,
    key: KeyIndex,
    /// Its own live entries by the keys of parts, and the bytes of terms that have not been pushed.
    live: BTreeMap<u64, Dot>,
    unpushed: u64,
    seen: BTreeSet<u64>,
    /// Neighbours that are not in the tree.
    idle: BTreeSet<usize>,
}

struct Run<'a> {
    topology: &'a Topology,
    nodes: Vec<Node>,
    network: BTreeMap<(u64, u64), (usize, usize, Packet)>,
    packets: u64,
    messages: u64,
    sent: Sent,
    kinds: BTreeMap<&'static str, (u64, u64)>,
}

fn id(node: usize) -> ReplicaId {
    ReplicaId((node as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

pub(crate) fn run(topology: &Topology, schedule: &Schedule) -> Sent {
    let limits = Limits { announce_ms: INTERVAL_MS, round_ms: INTERVAL_MS, ..Limits::default() };
    let mut nodes = Vec::new();
    for node in 0..NODES {
        let mut replica = Replica::with_limits(id(node), limits.clone());
        let key = replica.key(&variable(schedule.kind));
        nodes.push(Node {
            replica,
            key,
            live: BTreeMap::new(),
            unpushed: 0,
            seen: BTreeSet::new(),
            idle: BTreeSet::new(),
        });
    }
    let sent = Sent::default();
    let (network, kinds) = (BTreeMap::new(), BTreeMap::new());
    let mut run = Run { topology, nodes, network, packets: 0, messages: 0, sent, kinds };
    for (node, neighbours) in topology.iter().enumerate() {
        for &to in neighbours {
            run.nodes[node].replica.connected(PeerId(to as u64), Role::Server, id(to), 0);
        }
        run.drain(node, 0);
    }
    let (mut now, mut last) = (0, 0);
    for (time, node, act) in &schedule.acts {
        while now < *time {
            now += 1;
            run.step(now);
        }
        match act {
            Act::Write(parts) => run.write(*node, parts),
            Act::Send => {
                run.nodes[*node].replica.flush(now);
                run.drain(*node, now);
            }
        }
        last = *time;
    }
    while !run.settled() {
        now += 1;
        if now.is_multiple_of(INTERVAL_MS) {
            (0..NODES).for_each(|node| run.nodes[node].replica.flush(now));
        }
        run.step(now);
    }
    if std::env::args().any(|argument| argument == "--kinds") {
        println!("  {:?}", run.kinds);
    }
    Sent { settled_ms: now - last, ..run.sent }
}

impl Run<'_> {
    fn settled(&self) -> bool {
        let digest = self.nodes[0].replica.vector_digest();
        self.nodes.iter().all(|node| node.replica.vector_digest() == digest && node.unpushed == 0)
    }

    fn write(&mut self, node: usize, parts: &[Part]) {
        let writer = &mut self.nodes[node];
        for part in parts {
            // As the engine does it: what the new entry takes the place of goes.
            let before: Vec<Dot> = writer.live.get(&part.key).copied().into_iter().collect();
            let dot = writer.replica.write(writer.key, Some(part.content.clone()), &before, None).expect("it fits");
            writer.live.insert(part.key, dot);
            writer.unpushed += part.bytes;
        }
    }

    fn step(&mut self, now: u64) {
        while let Some(entry) = self.network.first_entry().filter(|entry| entry.key().0 <= now) {
            let (from, to, packet) = entry.remove();
            match packet {
                Packet::Direct(bytes) => self.nodes[to].replica.handle(PeerId(from as u64), &bytes, now),
                Packet::Prune => {
                    self.nodes[to].idle.insert(from);
                }
                Packet::Tree(number, terms, bytes) => self.pass_on(from, to, (number, terms, bytes), now),
            }
            self.drain(to, now);
        }
        for node in 0..NODES {
            if self.nodes[node].replica.next_timer().is_some_and(|at| at <= now) {
                self.nodes[node].replica.tick(now);
                self.drain(node, now);
            }
        }
    }

    fn pass_on(&mut self, from: usize, to: usize, (number, terms, bytes): (u64, u64, Vec<u8>), now: u64) {
        let node = &mut self.nodes[to];
        if !node.seen.insert(number) {
            node.idle.insert(from);
            self.sent.carried += TREE_PRUNE_BYTES;
            self.post(now, to, from, Packet::Prune);
            return;
        }
        node.idle.remove(&from);
        node.replica.handle(PeerId(from as u64), &bytes, now);
        self.spread(to, Some(from), number, terms, &bytes, now);
    }

    fn spread(&mut self, node: usize, from: Option<usize>, number: u64, terms: u64, bytes: &[u8], now: u64) {
        let topology = self.topology;
        for &to in topology[node].iter().filter(|to| Some(**to) != from) {
            if self.nodes[node].idle.contains(&to) {
                self.sent.carried += TREE_ANNOUNCE_BYTES;
            } else {
                self.sent.terms += terms;
                self.sent.carried += TREE_HEAD_BYTES;
                self.count(bytes);
                self.post(now, node, to, Packet::Tree(number, terms, bytes.to_vec()));
            }
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.sent.frames += bytes.len() as u64;
        self.sent.carried += bytes.len() as u64;
        let kind = self.kinds.entry(lasp::replica::kind_of(bytes)).or_default();
        *kind = (kind.0 + 1, kind.1 + bytes.len() as u64);
    }

    fn post(&mut self, now: u64, from: usize, to: usize, packet: Packet) {
        self.packets += 1;
        self.network.insert((now + LINK_MS, self.packets), (from, to, packet));
    }

    fn drain(&mut self, node: usize, now: u64) {
        while let Some(out) = self.nodes[node].replica.poll() {
            match out {
                Out::Send(peer, bytes) => {
                    self.count(&bytes);
                    if matches!(lasp::replica::kind_of(&bytes), "events" | "chunk") {
                        // Repairs hold terms: all of them is counted.
                        self.sent.terms += bytes.len() as u64;
                    }
                    self.post(now, node, peer.0 as usize, Packet::Direct(bytes));
                }
                Out::Broadcast { bytes, .. } => {
                    self.messages += 1;
                    let (number, terms) = (self.messages, std::mem::take(&mut self.nodes[node].unpushed));
                    self.nodes[node].seen.insert(number);
                    self.spread(node, None, number, terms, &bytes, now);
                }
                Out::Changes(_) => {}
                other => println!("unexpected: {other:?}"),
            }
        }
    }
}
