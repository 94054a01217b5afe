//! The ways that lasp is compared with: full states, classic deltas, and BP+RR, after algorithms 1 and 2 of the paper. All of
//! their states are maps from keys to ranks, whose join takes the higher rank.

use std::collections::BTreeMap;

use crate::Sent;
use crate::workload::Act;
use crate::workload::INTERVAL_MS;
use crate::workload::LINK_MS;
use crate::workload::NODES;
use crate::workload::Part;
use crate::workload::Schedule;
use crate::workload::Topology;

#[derive(Clone, Copy)]
pub(crate) struct Manner {
    /// The whole state goes out each time.
    whole: bool,
    /// What came from a neighbour does not go back to it.
    avoids_back_propagation: bool,
    /// Of what came, only what was new goes on.
    removes_redundant: bool,
}

pub(crate) const STATE: Manner = Manner { whole: true, avoids_back_propagation: false, removes_redundant: false };
pub(crate) const CLASSIC: Manner = Manner { whole: false, ..STATE };
pub(crate) const BP_RR: Manner = Manner { whole: false, avoids_back_propagation: true, removes_redundant: true };

/// By key: rank, and bytes where it is sent.
type State = BTreeMap<u64, (u64, u64)>;

/// Joins, and gives what was new.
fn join(into: &mut State, other: &State) -> State {
    let mut new = State::new();
    for (&key, &(rank, bytes)) in other {
        if into.get(&key).is_none_or(|&(known, _)| known < rank) {
            into.insert(key, (rank, bytes));
            new.insert(key, (rank, bytes));
        }
    }
    new
}

#[derive(Default)]
struct Node {
    state: State,
    /// Delta groups by number: from whom each came.
    buffer: BTreeMap<u64, (usize, State)>,
    next: u64,
    /// By neighbour: below this all have arrived there.
    acknowledged: BTreeMap<usize, u64>,
}

enum Packet {
    Delta(u64, State),
    Acknowledge(u64),
}

struct Run<'a> {
    manner: Manner,
    topology: &'a Topology,
    nodes: Vec<Node>,
    network: BTreeMap<(u64, u64), (usize, usize, Packet)>,
    packets: u64,
    sent: Sent,
    /// Version, kind of message and variable, as lasp has them.
    head_bytes: u64,
}

fn number_bytes(number: u64) -> u64 {
    u64::from((64 - number.leading_zeros()).max(1).div_ceil(7))
}

pub(crate) fn run(manner: Manner, topology: &Topology, schedule: &Schedule) -> Sent {
    let nodes = (0..NODES).map(|_| Node::default()).collect();
    let head_bytes = 2 + crate::ours::variable_bytes(schedule.kind);
    let mut run =
        Run { manner, topology, nodes, network: BTreeMap::new(), packets: 0, sent: Sent::default(), head_bytes };
    let mut last = 0;
    for (time, node, act) in &schedule.acts {
        run.deliver(*time);
        match act {
            Act::Write(parts) => run.write(*node, parts),
            Act::Send => run.send(*node, *time),
        }
        last = *time;
    }
    let mut now = last;
    while !run.settled() {
        now += 1;
        run.deliver(now);
        for (node, phase) in schedule.phases.iter().enumerate() {
            if now % INTERVAL_MS == *phase {
                run.send(node, now);
            }
        }
    }
    Sent { settled_ms: now - last, ..run.sent }
}

impl Run<'_> {
    fn settled(&self) -> bool {
        self.nodes.windows(2).all(|pair| pair[0].state == pair[1].state)
    }

    fn write(&mut self, node: usize, parts: &[Part]) {
        let delta: State = parts.iter().map(|part| (part.key, (part.rank, part.bytes))).collect();
        let writer = &mut self.nodes[node];
        join(&mut writer.state, &delta);
        writer.buffer.insert(writer.next, (node, delta));
        writer.next += 1;
    }

    fn send(&mut self, node: usize, now: u64) {
        for &to in &self.topology[node] {
            let from = &self.nodes[node];
            let acknowledged = from.acknowledged.get(&to).copied().unwrap_or(0);
            let mut group = State::new();
            if self.manner.whole {
                group.clone_from(&from.state);
            } else {
                for (_, (origin, delta)) in from.buffer.range(acknowledged..) {
                    if !self.manner.avoids_back_propagation || *origin != to {
                        join(&mut group, delta);
                    }
                }
            }
            if !group.is_empty() {
                let number = from.next;
                let terms: u64 = group.values().map(|(_, bytes)| bytes).sum();
                let count = number_bytes(group.len() as u64);
                let numbered = if self.manner.whole { 0 } else { number_bytes(number) };
                self.sent.terms += terms;
                self.post(now, node, to, Packet::Delta(number, group), terms + count + numbered);
            }
        }
    }

    fn post(&mut self, now: u64, from: usize, to: usize, packet: Packet, bytes: u64) {
        self.sent.frames += self.head_bytes + bytes;
        self.packets += 1;
        self.network.insert((now + LINK_MS, self.packets), (from, to, packet));
    }

    fn deliver(&mut self, to: u64) {
        while let Some(entry) = self.network.first_entry().filter(|entry| entry.key().0 <= to) {
            let now = entry.key().0;
            let (from, to, packet) = entry.remove();
            match packet {
                Packet::Delta(number, group) => self.take(now, from, to, number, group),
                Packet::Acknowledge(number) => self.acknowledge(from, to, number),
            }
        }
    }

    fn take(&mut self, now: u64, from: usize, to: usize, number: u64, group: State) {
        let node = &mut self.nodes[to];
        let new = join(&mut node.state, &group);
        if self.manner.whole {
            return;
        }
        if !new.is_empty() {
            let kept = if self.manner.removes_redundant { new } else { group };
            node.buffer.insert(node.next, (from, kept));
            node.next += 1;
        }
        self.post(now, to, from, Packet::Acknowledge(number), number_bytes(number));
    }

    fn acknowledge(&mut self, from: usize, to: usize, number: u64) {
        let neighbours = &self.topology[to];
        let node = &mut self.nodes[to];
        let known = node.acknowledged.entry(from).or_insert(0);
        *known = number.max(*known);
        // What nobody needs any longer goes.
        let all = neighbours.iter().map(|of| node.acknowledged.get(of).copied().unwrap_or(0)).min().unwrap_or(0);
        node.buffer.retain(|&number, _| number >= all);
    }
}
