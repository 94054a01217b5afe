//! What the judge holds nodes against: all updates that were ever made.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lasp::lattice::dot::Lane;
use lasp::lattice::dot::TopicId;
use lasp::replica::KeyIndex;
use lasp::replica::Role;
use lasp::replica::VariableKey;
use lasp::value::content::Content;

use super::Cluster;
use super::Faults;
use super::GlobalDot;
use super::Node;
use super::global;
use super::topic;

impl Cluster {
    /// The node has exactly what follows from what its vector covers.
    pub(crate) fn judge(&self, node: usize) {
        let n = &self.nodes[node];
        let vector: BTreeMap<Lane, u64> = n.replica.vector().collect();
        for (&lane, &height) in &vector {
            let cut = self.transactions.range((lane, height + 1)..).next();
            let cut = cut.filter(|((of, _), first)| *of == lane && **first <= height);
            assert!(cut.is_none(), "node {node} has a part of the transaction {cut:?} at {} ms", self.now);
        }
        let covered = || vector.iter().flat_map(|(&lane, &to)| self.truth.range((lane, 1)..=(lane, to)));
        let removed: BTreeSet<GlobalDot> = covered().flat_map(|(_, truth)| truth.removes.iter().copied()).collect();
        let expected: BTreeMap<GlobalDot, (VariableKey, Content)> = covered()
            .filter(|(dot, _)| !removed.contains(dot))
            .filter_map(|(&dot, truth)| Some((dot, truth.adds.clone()?)))
            .collect();
        let named = |key: KeyIndex| n.replica.variable(key).expect("entries have known variables").clone();
        let actual: BTreeMap<GlobalDot, (VariableKey, Content)> =
            n.replica.entries().map(|(dot, key, content, _)| (dot, (named(key), content.clone()))).collect();
        assert_eq!(actual, expected, "node {node} at {} ms", self.now);
        let told: BTreeMap<GlobalDot, (VariableKey, Content)> = n
            .mirror
            .iter()
            .map(|(&dot, (key, content))| (global(&n.replica, dot), (named(*key), content.clone())))
            .collect();
        assert_eq!(told, expected, "what node {node} was told, at {} ms", self.now);
    }

    /// Ends all faults and waits until all agree.
    pub(crate) fn heal_and_judge(&mut self) {
        self.faults = Faults { lost: 0, doubled: 0, delay_ms: 20, ..self.faults.clone() };
        self.parted.clear();
        let up: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.nodes[node].up).collect();
        for (place, &node) in up.iter().enumerate() {
            self.flush(node);
            let others = if self.faults.mesh { &up[place + 1..] } else { &up[place + 1..up.len().min(place + 2)] };
            others.iter().for_each(|&other| self.reconnect(node, other));
        }
        for &node in &up {
            self.drain(node);
        }
        let limit = self.now + 30_000;
        while !self.agree() {
            assert!(self.now < limit, "no agreement after 30 s: {:?}", self.faults);
            self.step();
        }
        for &node in &up {
            self.judge(node);
        }
    }

    /// Whether all servers have the same vector and clients have that too, and all know it.
    pub(crate) fn agree(&self) -> bool {
        let topics = [TopicId::NONE, topic(1), topic(2)];
        topics.into_iter().all(|topic| self.agree_about(topic))
            && (self.links.iter())
                .all(|(&link, &(a, b))| self.nodes[a].replica.agrees(link) && self.nodes[b].replica.agrees(link))
    }

    fn agree_about(&self, topic: TopicId) -> bool {
        let vector = |node: &Node| -> BTreeMap<Lane, u64> {
            node.replica.vector().filter(|(lane, _)| lane.topic == topic).collect()
        };
        let taking = || self.nodes.iter().filter(|node| node.up && node.takes(topic));
        let mut servers = taking().filter(|node| node.role == Role::Server).map(vector);
        let Some(all) = servers.next() else { return true };
        // Whatever a client has beyond, it had from a server that was lost with it.
        let gone = |lane: &Lane| self.nodes.iter().any(|node| !node.up && node.id.node() == lane.replica.node());
        let clients = taking().filter(|node| node.role == Role::Client).map(vector);
        let covered = |vector: &BTreeMap<Lane, u64>| all.iter().all(|(lane, height)| vector.get(lane) >= Some(height));
        let beyond = |vector: &BTreeMap<Lane, u64>| {
            vector.iter().all(|(lane, height)| all.get(lane) >= Some(height) || gone(lane))
        };
        // So it is with what a node that does not take the topic had brought to such a server.
        let kept = |node: &Node| self.faults.crash == 0 || node.takes(topic);
        let up = self.nodes.iter().filter(|node| node.up && kept(node));
        let mut made = up.flat_map(|node| &node.made).filter(|(lane, _)| lane.topic == topic);
        servers.all(|vector| vector == all)
            && clients.into_iter().all(|vector| covered(&vector) && beyond(&vector))
            && made.all(|(lane, height)| all.get(lane) == Some(height))
    }
}
