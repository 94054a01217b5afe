//! Catalogues over connections that come and go, lose, double and reorder.

use std::collections::BTreeSet;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use triomphe::Arc;

use super::catalogue::Catalogue;
use super::fact;
use super::fact::Fact;
use super::fact::Variable;
use super::fact::Word;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;

fn named(name: Term) -> Variable {
    Variable::new(Arc::new(Reference { name: Name::Given(name), kind: Type::Set, dynamic: false }), false)
}

fn variable(number: u64) -> Variable {
    named(Term::text(format!("v{number}")))
}

fn some_fact(number: u64) -> Fact {
    Fact { operator: 1, sources: vec![variable(number)], destination: variable(number + 1) }
}

struct Net {
    nodes: Vec<Catalogue>,
    own: Vec<BTreeSet<u128>>,
    links: BTreeSet<(usize, usize)>,
    messages: Vec<(usize, usize, Vec<u8>)>,
    random: ChaCha8Rng,
    now_ms: u64,
    delivered: u64,
}

impl Net {
    fn new(nodes: usize, seed: u64) -> Net {
        Net {
            nodes: (0..nodes).map(|_| Catalogue::default()).collect(),
            own: vec![BTreeSet::new(); nodes],
            links: BTreeSet::new(),
            messages: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            now_ms: 0,
            delivered: 0,
        }
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.random.next_u64() % (most as u64)).unwrap_or(0)
    }

    fn connect(&mut self, a: usize, b: usize) {
        if a != b && self.links.insert((a.min(b), a.max(b))) {
            self.nodes[a].connected(PeerId(b as u64), Role::Server);
            self.nodes[b].connected(PeerId(a as u64), Role::Server);
        }
    }

    fn disconnect(&mut self, a: usize, b: usize) {
        if self.links.remove(&(a.min(b), a.max(b))) {
            self.nodes[a].lost(PeerId(b as u64));
            self.nodes[b].lost(PeerId(a as u64));
            self.messages.retain(|(from, to, _)| (*from, *to) != (a, b) && (*from, *to) != (b, a));
        }
    }

    fn make(&mut self, node: usize, number: u64) {
        self.nodes[node].has(u128::from(number), some_fact(number));
        self.own[node].insert(u128::from(number));
    }

    /// Sends what is to be sent; `kept` of a hundred messages arrive.
    fn step(&mut self, kept: usize) -> bool {
        for at in 0..self.nodes.len() {
            self.nodes[at].tick(self.now_ms);
            self.nodes[at].flush(self.now_ms);
            let out = self.nodes[at].take_out().into_iter();
            self.messages.extend(out.map(|(PeerId(to), bytes)| (at, usize::try_from(to).unwrap_or(0), bytes)));
        }
        if self.messages.is_empty() {
            return false;
        }
        let at = self.below(self.messages.len());
        let (from, to, bytes) =
            if self.below(100) < 10 && kept < 100 { self.messages[at].clone() } else { self.messages.remove(at) };
        if self.below(100) < kept && self.links.contains(&(from.min(to), from.max(to))) {
            self.delivered += 1;
            self.nodes[to].received(PeerId(from as u64), &bytes, self.now_ms).expect("what a catalogue sends");
        }
        true
    }

    fn settle(&mut self) {
        for _ in 0..200_000 {
            if self.step(100) {
                continue;
            }
            let Some(next) = self.nodes.iter().filter_map(Catalogue::next_timer).min() else { return };
            self.now_ms = self.now_ms.max(next);
        }
        panic!("they go on telling each other");
    }

    fn component(&self, of: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([of]);
        loop {
            let more = self.links.iter().filter(|(a, b)| found.contains(a) != found.contains(b));
            let more: Vec<usize> = more.flat_map(|(a, b)| [*a, *b]).collect();
            let before = found.len();
            found.extend(more);
            if found.len() == before {
                return found;
            }
        }
    }

    fn judge(&self, why: &str) {
        for (at, node) in self.nodes.iter().enumerate() {
            let known: BTreeSet<u128> = node.all().map(|(identity, _)| identity).collect();
            let there: BTreeSet<u128> =
                self.component(at).into_iter().flat_map(|node| self.own[node].clone()).collect();
            assert_eq!(known, there, "{why}: node {at}");
        }
    }
}

#[test]
fn every_node_comes_to_know_what_those_in_reach_have_and_nothing_else() {
    for seed in 0..60 {
        let mut net = Net::new(6, seed);
        for number in 0..300 {
            let (a, b) = (net.below(6), net.below(6));
            match net.below(40) {
                0..4 => net.connect(a, b),
                4..6 => net.disconnect(a, b),
                6..9 => net.make(a, number % 20),
                _ => {}
            }
            net.now_ms += net.below(60) as u64;
            net.step(70);
        }
        net.settle();
        net.judge(&format!("seed {seed}"));
    }
}

#[test]
fn what_all_have_is_told_once_for_each_connection_and_not_asked_for() {
    let mut net = Net::new(4, 1);
    (0..4).for_each(|node| (0..50).for_each(|number| net.make(node, number)));
    (0..4).for_each(|a| (0..a).for_each(|b| net.connect(a, b)));
    net.settle();
    // Six connections, two directions, what is had and that it was heard.
    assert_eq!(net.delivered, 24);
    net.make(2, 99);
    net.settle();
    net.judge("one more");
    let for_one = net.delivered - 24;
    assert!(for_one < 60, "{for_one}");
}

#[test]
fn a_client_is_told_and_not_believed() {
    let (mut server, mut client) = (Catalogue::default(), Catalogue::default());
    client.set_client(true);
    server.connected(PeerId(1), Role::Client);
    client.connected(PeerId(2), Role::Server);
    server.has(1, some_fact(1));
    client.has(2, some_fact(2));
    for _ in 0..5 {
        server.flush(0);
        client.flush(0);
        for (_, bytes) in server.take_out() {
            client.received(PeerId(2), &bytes, 0).expect("a message");
        }
        for (_, bytes) in client.take_out() {
            server.received(PeerId(1), &bytes, 0).expect("a message");
        }
    }
    let forged = Word::Has { number: 1, base: 0, distances: vec![([3; 16], 0)].into() };
    server.received(PeerId(1), &fact::encode(&forged), 0).expect("it is heard and passed over");
    assert_eq!(client.all().map(|(identity, _)| identity).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(server.all().map(|(identity, _)| identity).collect::<Vec<_>>(), [1]);
    assert!(server.take_out().is_empty());
}

#[test]
fn what_no_node_sends_is_malformed() {
    let mut node = Catalogue::default();
    node.connected(PeerId(1), Role::Server);
    for bytes in [&[0x82][..], &[0x82, 9], &[0x82, 0, 1, 0, 1, 1], &[0x82, 1, 1, 0]] {
        assert!(node.received(PeerId(1), bytes, 0).is_err(), "{bytes:?}");
    }
    let large = Fact { operator: 1, sources: vec![variable(1)], destination: variable(2) };
    let large = Fact { sources: vec![named(Term::text("x".repeat(5000)))], ..large };
    let strange = Fact { operator: 99, ..some_fact(1) };
    let nothing = Fact { sources: Vec::new(), ..some_fact(1) };
    for fact in [large, strange, nothing] {
        let word = Word::Are { facts: vec![fact.told(1)].into() };
        assert!(node.received(PeerId(1), &fact::encode(&word), 0).is_err(), "{fact:?}");
    }
    let many: Vec<([u8; 16], u8)> = (0..5000u128).map(|identity| (identity.to_le_bytes(), 0)).collect();
    let word = Word::Has { number: 1, base: 0, distances: many.into() };
    assert!(node.received(PeerId(1), &fact::encode(&word), 0).is_err());
}

#[test]
fn of_a_variable_with_a_topic_no_name_is_told() {
    let secret = |hidden| {
        let reference = Reference { name: Name::Given(Term::text("secret")), kind: Type::Set, dynamic: false };
        Variable::new(Arc::new(reference), hidden)
    };
    let fact = |hidden| Fact { operator: 1, sources: vec![secret(hidden)], destination: variable(2) };
    let tells = |hidden| {
        let word = Word::Are { facts: vec![fact(hidden).told(1)].into() };
        fact::encode(&word).windows(6).any(|bytes| bytes == b"secret")
    };
    assert!(tells(false) && !tells(true));
    // It is known to be the same all the same.
    assert_eq!(fact(true).told(1).read().expect("a fact").1.sources[0].hash, secret(false).hash);
}
