//! A seeded simulation of replicas with a toy state on top: sets whose elements are added, and removed as observed.
//!
//! The judge knows every update that was ever made. At each step, each node must have exactly what follows from the
//! updates that its vector covers; in the end all vectors are equal.

mod judge;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lasp::lattice::dot::Dot;
use lasp::lattice::dot::Lane;
use lasp::lattice::dot::ReplicaId;
use lasp::lattice::dot::TopicId;
use lasp::replica::Change;
use lasp::replica::KeyIndex;
use lasp::replica::Limits;
use lasp::replica::Out;
use lasp::replica::PeerId;
use lasp::replica::Record;
use lasp::replica::Replica;
use lasp::replica::Role;
use lasp::replica::VariableKey;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::reference::Name;
use lasp::value::term::Term;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What can go wrong, in thousandths of all messages or steps.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) nodes: usize,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) delay_ms: u64,
    pub(crate) partition: u64,
    pub(crate) crash: u64,
    pub(crate) steps: u64,
    /// Whether each node is connected to all others, or only to the one before it.
    pub(crate) mesh: bool,
    /// Whether variables have topics, of which nodes take some; and how often they change that, in thousandths of steps.
    pub(crate) topics: Option<u64>,
    /// How many of the nodes after the first are clients, in thousandths.
    pub(crate) clients: u64,
    /// Of the nodes that crash, how many come back with their data, in thousandths.
    pub(crate) data: u64,
    pub(crate) limits: Limits,
}

/// The lane that an update is in, and which of its updates it is.
pub(crate) type GlobalDot = (Lane, u64);

/// An update as the judge knows it.
struct Truth {
    adds: Option<(VariableKey, Content)>,
    removes: Vec<GlobalDot>,
}

pub(crate) struct Node {
    pub(crate) replica: Replica,
    /// What the changes amount to.
    mirror: BTreeMap<Dot, (KeyIndex, Content)>,
    up: bool,
    role: Role,
    /// The topics that it takes; `None` for everything.
    taken: Option<BTreeSet<TopicId>>,
    id: ReplicaId,
    /// What it has told by its journals.
    disk: Vec<Record>,
    /// The hash of the vector with which it was judged last.
    judged: Option<u128>,
    /// How many updates it has made in each of its lanes.
    made: BTreeMap<Lane, u64>,
}

pub(crate) struct Cluster {
    pub(crate) now: u64,
    random: ChaCha8Rng,
    faults: Faults,
    pub(crate) nodes: Vec<Node>,
    /// By time and number: connection, receiver, bytes.
    network: BTreeMap<(u64, u64), (PeerId, usize, Vec<u8>)>,
    /// Connections: the two ends.
    links: BTreeMap<PeerId, (usize, usize)>,
    parted: BTreeSet<(usize, usize)>,
    truth: BTreeMap<GlobalDot, Truth>,
    /// The first and the last update of each transaction, by the last.
    transactions: BTreeMap<GlobalDot, u64>,
    counter: u64,
    pub(crate) trace: blake3::Hasher,
    pub(crate) bytes_sent: usize,
    pub(crate) messages_sent: usize,
    /// How many messages spoke of a topic to a node that does not take it.
    pub(crate) leaks: usize,
}

/// The kind of message by which a node says which topics it takes.
const INTEREST: u8 = 14;

impl Faults {
    /// None at all.
    pub(crate) fn none(nodes: usize) -> Faults {
        let limits = Limits::default();
        Faults {
            nodes,
            lost: 0,
            doubled: 0,
            delay_ms: 5,
            partition: 0,
            crash: 0,
            steps: 0,
            mesh: true,
            topics: None,
            clients: 0,
            data: 0,
            limits,
        }
    }

    /// All kinds, with bounds so small that every path is taken.
    pub(crate) fn bad(seed: u64) -> Faults {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut pick = |from: &[u64]| from[(random.next_u64() % from.len() as u64) as usize];
        Faults {
            nodes: pick(&[2, 3, 4, 6]) as usize,
            lost: pick(&[0, 50, 300]),
            doubled: pick(&[0, 100]),
            delay_ms: pick(&[1, 20, 200]),
            partition: pick(&[0, 10, 40]),
            crash: pick(&[0, 0, 5]),
            steps: 300,
            mesh: pick(&[0, 1, 1]) == 1,
            topics: None,
            clients: 0,
            data: 0,
            limits: Limits {
                group_bytes: pick(&[60, 300, 256 << 10]) as usize,
                log_events_max: pick(&[0, 4, 1000]) as usize,
                held_events_max: pick(&[0, 3, 1000]) as usize,
                removals_max: pick(&[0, 0, 3, 1 << 19]) as usize,
                units_at_once: pick(&[0, 64]) as usize,
                vector_whole_max: pick(&[0, 4, 1000]) as usize,
                window_chunks: pick(&[1, 3, 8]) as u32,
                serving_max: pick(&[1, 8]) as usize,
                ..Limits::default()
            },
        }
    }
}

fn variable(number: u64) -> VariableKey {
    let name = if number == 0 { Name::Fresh(7, 3, 0) } else { Name::Given(Term::Int(number.cast_signed())) };
    VariableKey { name, kind: Type::Set }
}

/// The topic of a variable where there are topics.
fn topic_of(key: &VariableKey) -> TopicId {
    match &key.name {
        Name::Given(Term::Int(number)) => topic(number.cast_unsigned()),
        _ => TopicId::NONE,
    }
}

pub(crate) fn topic(number: u64) -> TopicId {
    TopicId::hashed(u128::from(number) * 0x1234_5678_9abc_def0_1357_9bdf_0246_8ace)
}

impl Node {
    fn new(id: ReplicaId, limits: Limits) -> Node {
        Node {
            replica: Replica::with_limits(id, limits),
            mirror: BTreeMap::new(),
            up: true,
            role: Role::Server,
            taken: None,
            id,
            disk: Vec::new(),
            judged: None,
            made: BTreeMap::new(),
        }
    }

    pub(crate) fn takes(&self, topic: TopicId) -> bool {
        topic == TopicId::NONE || self.taken.as_ref().is_none_or(|taken| taken.contains(&topic))
    }

    fn take(&mut self, change: Change) {
        if change.present {
            let before = self.mirror.insert(change.dot, (change.key, change.content));
            assert!(before.is_none(), "an entry became live twice");
        } else {
            assert!(self.mirror.remove(&change.dot).is_some(), "an entry that was not live stopped being live");
        }
    }
}

impl Cluster {
    pub(crate) fn new(seed: u64, faults: Faults) -> Cluster {
        let mut cluster = Cluster {
            now: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
            nodes: Vec::new(),
            network: BTreeMap::new(),
            links: BTreeMap::new(),
            parted: BTreeSet::new(),
            truth: BTreeMap::new(),
            transactions: BTreeMap::new(),
            counter: 0,
            trace: blake3::Hasher::new(),
            bytes_sent: 0,
            messages_sent: 0,
            leaks: 0,
            faults,
        };
        for _ in 0..cluster.faults.nodes {
            cluster.join();
        }
        cluster
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// A node joins, and is connected to all others.
    pub(crate) fn join(&mut self) -> usize {
        let id = ReplicaId(u128::from(self.random.next_u64()) << 64 | u128::from(self.random.next_u64()));
        let number = self.nodes.len();
        self.nodes.push(Node::new(id, self.faults.limits.clone()));
        if self.faults.data > 0 {
            self.nodes[number].replica.keep_journal();
        }
        if number > 0 && self.below(1000) < self.faults.clients {
            self.nodes[number].role = Role::Client;
            self.nodes[number].replica.set_role(Role::Client);
        }
        if self.faults.topics.is_some() {
            for _ in 0..self.below(3) {
                self.change_interest(number);
            }
        }
        if self.faults.mesh {
            (0..number).for_each(|other| self.connect(other, number));
        } else if let Some(before) = (0..number).rev().find(|&before| self.nodes[before].up) {
            self.connect(before, number);
        }
        number
    }

    /// A node takes one more topic, or gives one up.
    pub(crate) fn change_interest(&mut self, node: usize) {
        let topic = topic(1 + self.below(2));
        // One server takes everything, and has all that a node that gives a topic up has of it: else that could be the only one.
        let dynamic = self.faults.topics.is_some_and(|changes| changes > 0);
        if dynamic && (node == 0 || (self.now > 0 && !self.agree())) {
            return;
        }
        let n = &mut self.nodes[node];
        match &mut n.taken {
            Some(taken) if taken.contains(&topic) => {
                if n.replica.disinterested(topic).is_ok() {
                    taken.remove(&topic);
                }
            }
            taken => {
                if n.replica.interested(topic).is_ok() {
                    taken.get_or_insert_default().insert(topic);
                }
            }
        }
        self.flush(node);
    }

    pub(crate) fn connect(&mut self, a: usize, b: usize) {
        let both_clients = [a, b].iter().all(|&node| self.nodes[node].role == Role::Client);
        if self.nodes[a].up && self.nodes[b].up && !both_clients {
            let link = PeerId(self.count());
            self.links.insert(link, (a, b));
            let now = self.now;
            for (one, other) in [(a, b), (b, a)] {
                let (role, id) = (self.nodes[other].role, self.nodes[other].id);
                self.nodes[one].replica.connected(link, role, id, now);
            }
        }
    }

    pub(crate) fn disconnect(&mut self, node: usize) {
        let lost: Vec<PeerId> =
            self.links.iter().filter(|(_, ends)| ends.0 == node || ends.1 == node).map(|(&link, _)| link).collect();
        for link in lost {
            let Some((a, b)) = self.links.remove(&link) else { continue };
            self.nodes[a].replica.lost(link, self.now);
            self.nodes[b].replica.lost(link, self.now);
        }
    }

    /// Node `node` adds an element, or removes all entries of one of its elements, or replaces some.
    fn update(&mut self, node: usize, key: &VariableKey) -> Dot {
        let element = Content::Element(Term::Int(self.below(12).cast_signed()));
        let kind = self.below(4);
        let n = &mut self.nodes[node];
        let topic = if self.faults.topics.is_some() { topic_of(key) } else { TopicId::NONE };
        let index = n.replica.key_of(key, topic);
        let seen: Vec<Dot> = n
            .mirror
            .iter()
            .filter(|(_, (at, content))| *at == index && *content == element)
            .map(|(&dot, _)| dot)
            .collect();
        self.write(node, key, (kind > 0).then_some(element), &seen)
    }

    pub(crate) fn write(&mut self, node: usize, key: &VariableKey, adds: Option<Content>, removes: &[Dot]) -> Dot {
        let topic = if self.faults.topics.is_some() { topic_of(key) } else { TopicId::NONE };
        let n = &mut self.nodes[node];
        let index = n.replica.key_of(key, topic);
        let ids: BTreeMap<Dot, GlobalDot> = removes.iter().map(|&dot| (dot, global(&n.replica, dot))).collect();
        let dot = n.replica.write(index, adds.clone(), removes, None).expect("a small update fits");
        for removed in removes {
            n.mirror.remove(removed);
        }
        if let Some(content) = &adds {
            n.mirror.insert(dot, (index, content.clone()));
        }
        let truth = Truth { adds: adds.map(|content| (key.clone(), content)), removes: ids.into_values().collect() };
        let before = self.truth.insert(global(&n.replica, dot), truth);
        assert!(before.is_none(), "a dot was used twice");
        n.made.insert(n.replica.lane(dot.replica()), dot.sequence());
        dot
    }

    /// Node `node` makes several updates together; or begins to, and gives up.
    fn transact(&mut self, node: usize) {
        let before: u64 = self.nodes[node].replica.vector().map(|(_, height)| height).sum();
        let (mirror, truth) = (self.nodes[node].mirror.clone(), self.truth.len());
        let before_made = self.nodes[node].made.clone();
        let mut key = variable(self.below(3));
        let mut made = Vec::new();
        self.nodes[node].replica.begin();
        for _ in 0..=self.below(6) {
            if self.faults.topics.is_none() {
                key = variable(self.below(3));
            }
            made.push(self.update(node, &key));
        }
        let middle: u64 = self.nodes[node].replica.vector().map(|(_, height)| height).sum();
        assert_eq!(before, middle, "nothing is recorded before the end");
        if self.below(3) == 0 {
            let n = &mut self.nodes[node];
            n.replica.abort();
            (n.mirror, n.made) = (mirror, before_made);
            made.iter().for_each(|dot| assert!(self.truth.remove(&global(&n.replica, *dot)).is_some()));
            assert_eq!(self.truth.len(), truth);
        } else {
            let n = &mut self.nodes[node];
            n.replica.commit();
            let ends = made.first().zip(made.last()).map(|(first, last)| (first.sequence(), global(&n.replica, *last)));
            let (first, last) = ends.expect("there is one at least");
            self.transactions.insert(last, first);
        }
    }

    pub(crate) fn flush(&mut self, node: usize) {
        let now = self.now;
        self.nodes[node].replica.flush(now);
        self.drain(node);
    }

    /// Carries out what a node wants done.
    fn drain(&mut self, node: usize) {
        let records = self.nodes[node].replica.take_journal();
        self.nodes[node].disk.extend(records);
        while let Some(out) = self.nodes[node].replica.poll() {
            match out {
                Out::Send(link, bytes) => self.post(node, link, bytes),
                Out::Broadcast { bytes, .. } => {
                    let own = self.links.iter().filter(|(_, ends)| ends.0 == node || ends.1 == node);
                    let own: Vec<PeerId> = own.map(|(&link, _)| link).collect();
                    own.into_iter().for_each(|link| self.post(node, link, bytes.clone()));
                }
                Out::Changes(changes) => changes.into_iter().for_each(|change| self.nodes[node].take(change)),
                Out::Refuse(_, reason) => panic!("an honest node was refused: {reason}"),
                Out::Interest { .. } => {}
                Out::Gap { .. } => panic!("no node here writes so much that it forgets it"),
                Out::Elsewhere { .. } => panic!("no node has another's key here"),
                Out::Conflict { .. } => panic!("there are no conflicting types here"),
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "what is posted is gone")]
    fn post(&mut self, from: usize, link: PeerId, bytes: Vec<u8>) {
        self.bytes_sent += bytes.len();
        self.messages_sent += 1;
        self.trace.update(&self.now.to_le_bytes()).update(&(from as u64).to_le_bytes()).update(&bytes);
        let Some(&(a, b)) = self.links.get(&link) else { return };
        let to = if from == a { b } else { a };
        for number in 1..3 {
            // The lowest bytes count periods.
            let name = &topic(number).0.to_le_bytes()[2..];
            let speaks = bytes.get(1) != Some(&INTEREST) && bytes.windows(name.len()).any(|part| part == name);
            let own = self.nodes[to].made.keys().any(|lane| lane.topic == topic(number));
            self.leaks += usize::from(speaks && !own && !self.nodes[to].takes(topic(number)));
        }
        let copies = 1 + u64::from(self.below(1000) < self.faults.doubled);
        for _ in 0..copies {
            if self.below(1000) < self.faults.lost || self.parted.contains(&(from, to)) {
                continue;
            }
            let at = self.now + 1 + self.below(self.faults.delay_ms);
            let number = self.count();
            self.network.insert((at, number), (link, to, bytes.clone()));
        }
    }

    /// Lets a millisecond pass.
    pub(crate) fn step(&mut self) {
        self.now += 1;
        while let Some(entry) = self.network.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (link, to, bytes) = entry.remove();
            if self.links.contains_key(&link) && self.nodes[to].up {
                self.nodes[to].replica.handle(link, &bytes, self.now);
                self.drain(to);
                // What changes nothing that is covered changes nothing.
                let digest = self.nodes[to].replica.vector_digest();
                if self.truth.len() < 3000 && self.nodes[to].judged != Some(digest) {
                    self.judge(to);
                    self.nodes[to].judged = Some(digest);
                }
            }
        }
        for node in 0..self.nodes.len() {
            if self.nodes[node].up && self.nodes[node].replica.next_timer().is_some_and(|at| at <= self.now) {
                self.nodes[node].replica.tick(self.now);
                self.drain(node);
            }
        }
    }

    /// Random updates and faults.
    pub(crate) fn run(&mut self) {
        for _ in 0..self.faults.steps {
            for _ in 0..self.below(3) {
                let node = self.below(self.nodes.len() as u64) as usize;
                if self.nodes[node].up {
                    if self.below(6) == 0 {
                        self.transact(node);
                    } else {
                        let key = variable(self.below(3));
                        self.update(node, &key);
                    }
                    if self.below(3) > 0 {
                        self.flush(node);
                    }
                }
            }
            if self.below(1000) < self.faults.partition {
                self.part();
            }
            if self.faults.topics.is_some_and(|changes| self.below(1000) < changes) {
                let node = self.below(self.nodes.len() as u64) as usize;
                if self.nodes[node].up {
                    self.change_interest(node);
                }
            }
            if self.below(1000) < self.faults.crash {
                self.crash();
            }
            for _ in 0..=self.below(20) {
                self.step();
            }
        }
    }

    fn part(&mut self) {
        let n = self.nodes.len() as u64;
        let (a, b) = (self.below(n) as usize, self.below(n) as usize);
        match self.below(4) {
            0 => self.parted.clear(),
            1 => {
                self.parted.insert((a, b));
            }
            2 => {
                self.parted.extend([(a, b), (b, a)]);
            }
            _ => self.disconnect(a),
        }
        if self.below(2) == 0 && a != b {
            self.reconnect(a, b);
        }
    }

    fn reconnect(&mut self, a: usize, b: usize) {
        let linked = self.links.values().any(|ends| [(a, b), (b, a)].contains(ends));
        if !linked {
            self.connect(a, b);
        }
    }

    /// A node is gone, and what only it had with it; another comes in its place as a new incarnation.
    pub(crate) fn crash(&mut self) {
        let node = self.below(self.nodes.len() as u64) as usize;
        if node == 0 && self.faults.topics.is_some_and(|changes| changes > 0) {
            return;
        }
        self.disconnect(node);
        if self.below(1000) < self.faults.data {
            self.restart(node);
            return;
        }
        self.nodes[node].up = false;
        self.join();
    }

    /// A node is back with what is on its disk, as the next incarnation.
    fn restart(&mut self, node: usize) {
        let chance = self.random.next_u64();
        let n = &mut self.nodes[node];
        n.id = ReplicaId::of(n.id.0, chance);
        n.replica = Replica::with_limits(n.id, self.faults.limits.clone());
        n.replica.set_role(n.role);
        n.replica.restore(std::mem::take(&mut n.disk)).expect("it was told by a replica");
        n.replica.keep_journal();
        n.disk = n.replica.whole_journal().collect();
        let there: BTreeMap<Lane, u64> = n.replica.vector().collect();
        n.made.retain(|lane, height| {
            *height = (*height).min(there.get(lane).copied().unwrap_or(0));
            *height > 0
        });
        n.mirror.clear();
        for number in 0..3 {
            let key = variable(number);
            let topic = if self.faults.topics.is_some() { topic_of(&key) } else { TopicId::NONE };
            let index = n.replica.key_of(&key, topic);
            let entries = n.replica.entries_of(index);
            n.mirror.extend(entries.into_iter().map(|(dot, content, _)| (dot, (index, content))));
            assert_eq!(n.replica.takes(topic), n.takes(topic), "what it takes is remembered");
        }
        self.judge(node);
        let others = 0..self.nodes.len();
        if self.faults.mesh {
            others.filter(|other| *other != node).for_each(|other| self.connect(other, node));
        } else if let Some(other) = others.rev().find(|other| *other != node && self.nodes[*other].up) {
            self.connect(other, node);
        }
    }

    /// A hash of every message ever sent.
    pub(crate) fn trace(&self) -> blake3::Hash {
        self.trace.finalize()
    }
}

fn global(replica: &Replica, dot: Dot) -> GlobalDot {
    (replica.lane(dot.replica()), dot.sequence())
}
