//! Many nodes in one process, in virtual time: what happens next is the next message that arrives or the next timer that is
//! due, and takes no time.
//!
//! A node does what it can at once and is then left alone until its next input, so that time passes from event to event and
//! idle nodes cost nothing. Knows no faults but those of the network; who crashes when is others' business.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;

use crate::compile::Session;
use crate::effects::Book;
use crate::effects::Message;
use crate::effects::NodeId;
use crate::effects::Runner;
use crate::lattice::dot::Lane;
use crate::node::Final;
use crate::node::Image;
use crate::node::Input;
use crate::node::Output;
use crate::node::node_of;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::replica::kind_of;
use crate::sim::chance::chance;
use crate::sim::clock::Clock;
use crate::sim::network::Conditions;
use crate::sim::network::Cut;
use crate::sim::network::Network;
use crate::sim::nodes::Nodes;
use crate::sim::once::Once;
use crate::sim::place::Place;
use crate::sim::queue::Queue;
use crate::sim::trace::Happened;
use crate::sim::trace::Trace;
use crate::sim::watch::Watch;
use crate::source::diagnostic::Diagnostic;
use crate::value::term::Term;
use crate::vm::Unit;

/// What is going to happen.
pub(crate) enum Event {
    Arrival {
        peer: PeerId,
        to: usize,
        bytes: Vec<u8>,
    },
    /// Of the overlay, which needs no connection of the replicas'.
    Stream {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
        push: bool,
    },
    /// The one notices that nothing reaches the other.
    Unreachable {
        node: usize,
        to: usize,
    },
    Alarm(usize),
}

/// What a node is told of itself besides its number.
#[derive(Clone, Debug)]
pub struct Person {
    /// `role()`.
    pub role: Term,
    /// What `arg(Name, Default)` finds.
    pub arguments: Vec<(String, Term)>,
    /// What its certificate lets it do.
    pub certificate: Role,
}

/// The nodes, what is between them, and the time.
pub struct Cluster {
    pub(crate) now_ms: u64,
    pub(crate) seed: u64,
    random: ChaCha8Rng,
    pub(crate) network: Network,
    pub(crate) places: Vec<Place>,
    pub(crate) queue: Queue<Event>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Nodes whose certificate makes them clients.
    pub(crate) clients: BTreeSet<usize>,
    /// Lets nodes go on at the same time, beside the thread that is there anyway.
    pub(crate) threads: Option<ThreadPool>,
    pub(crate) trace: Trace,
    bytes_sent: u64,
    /// How many turns of a busy node are left, if that is bounded.
    pub(crate) turns_left: Option<u64>,
    /// How many elements a node's derivations may look at in one turn, if that is bounded.
    pub(crate) elements: Option<u64>,
    /// The node that has used the last turn up.
    pub(crate) last_turn: Option<usize>,
    /// Whether nodes have disks, so that one can come back with its data.
    pub(crate) disks: bool,
    /// How many neighbours a node has in the overlay. Without, there is none, and everybody is connected with everybody.
    pub(crate) degree: Option<usize>,
    pub(crate) watch: Option<Box<Watch>>,
    /// Assertions that failed, and peers that were refused, with the node.
    pub(crate) grave: Vec<(usize, Diagnostic)>,
    /// Which effects are started, and where: all nodes share one ledger.
    book: Book,
    /// How many of the first nodes decide instead; none for the ledger.
    pub(crate) deciders: usize,
    pub(crate) once: Once,
}

impl Cluster {
    /// A cluster without nodes.
    #[must_use]
    pub fn new(seed: u64, conditions: impl Into<Conditions>) -> Cluster {
        Cluster {
            now_ms: 0,
            seed,
            random: ChaCha8Rng::seed_from_u64(seed),
            network: Network::new(chance(seed, &[0]), conditions.into()),
            places: Vec::new(),
            queue: Queue::new(),
            files: BTreeMap::new(),
            clients: BTreeSet::new(),
            threads: None,
            trace: Trace::default(),
            bytes_sent: 0,
            turns_left: None,
            elements: None,
            last_turn: None,
            disks: false,
            degree: None,
            watch: None,
            grave: Vec::new(),
            book: Book::default(),
            deciders: 0,
            once: Once::default(),
        }
    }

    /// Gives programs a file to read.
    pub fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
    }

    /// A new node runs `program`, connected to all that are up. Says its number.
    ///
    /// # Errors
    /// What is wrong with the program.
    pub fn join(&mut self, program: &str) -> Result<usize, Vec<Diagnostic>> {
        self.join_with(program, Term::atom("undefined"), Vec::new())
    }

    /// The same with a role and with arguments, as `lasp run --set` gives them.
    ///
    /// # Errors
    /// What is wrong with the program.
    pub fn join_with(
        &mut self,
        program: &str,
        role: Term,
        arguments: Vec<(String, Term)>,
    ) -> Result<usize, Vec<Diagnostic>> {
        let (mut session, library) = Session::new();
        let (unit, _warnings) = session.program("program.lasp", program)?;
        Ok(self.join_compiled(session, &library, &unit, role, arguments))
    }

    /// The same with a program that is compiled already. `library` is the code that [`Session::new`] gave.
    pub fn join_compiled(
        &mut self,
        session: Session,
        library: &Unit,
        unit: &Unit,
        role: Term,
        arguments: Vec<(String, Term)>,
    ) -> usize {
        let number = self.places.len();
        let person = Person { role, arguments, certificate: Role::Server };
        self.start(number, &Image::new(session, library, unit), person, Clock::default(), false);
        number
    }

    /// Connects a node with all others.
    pub(crate) fn find_neighbours(&mut self, number: usize) {
        for other in self.up() {
            self.connect(other, number);
        }
    }

    /// Connects two nodes, if both are up, not connected, and can hear each other. Clients serve nobody, and so are not connected
    /// with each other.
    pub fn connect(&mut self, a: usize, b: usize) {
        let clients = [a, b].iter().all(|node| self.places.get(*node).is_some_and(|it| it.certificate == Role::Client));
        if a == b || clients || !self.is_up(a) || !self.is_up(b) {
            return;
        }
        if let Some(peer) = self.network.link(a, b) {
            self.trace.note(Happened::Linked, self.now_ms, a, &peer.0.to_le_bytes(), format_args!("-- n{b} connected"));
            for (node, other) in [(a, b), (b, a)] {
                let Place { identity, certificate, .. } = self.places[other];
                let name = format!("n{other}");
                self.give(node, Input::Connected { peer, name, incarnation: identity, role: certificate });
            }
        }
    }

    /// Cuts all of a node's connections, and tells both ends.
    pub fn disconnect(&mut self, node: usize) {
        for (peer, a, b) in self.network.unlink(node) {
            self.unlinked(peer, a, b);
        }
    }

    /// Cuts one connection, and tells both ends.
    pub(crate) fn disconnect_from(&mut self, peer: PeerId) {
        if let Some((a, b)) = self.network.cut(peer) {
            self.unlinked(peer, a, b);
        }
    }

    fn unlinked(&mut self, peer: PeerId, a: usize, b: usize) {
        self.trace.note(Happened::Unlinked, self.now_ms, a, &peer.0.to_le_bytes(), format_args!("-- n{b} lost"));
        self.give(a, Input::Lost { peer });
        self.give(b, Input::Lost { peer });
        if self.is_woven() {
            self.tell_overlays(a, b);
        }
    }

    /// What the one sends does not reach the other, and nobody is told.
    pub fn part(&mut self, from: usize, to: usize) {
        let sides = vec![Nodes::one(from), Nodes::one(to)];
        self.network.part(Cut { sides, one_way: true, every_ms: None, from_ms: self.now_ms, to_ms: None });
    }

    /// Ends all partitions, and from now on nothing is lost, doubled or much delayed; everybody is connected again.
    pub fn heal(&mut self) {
        self.network.join_up();
        let (least, most) = self.network.conditions.delay_ms;
        let delay_ms = (least.min(20), most.min(20));
        self.network.conditions = Conditions { lost: 0, doubled: 0, delay_ms, ..self.network.conditions };
        self.reconnect();
    }

    /// Nodes without enough neighbours look for some.
    pub(crate) fn reconnect(&mut self) {
        for number in self.up() {
            if self.is_woven() {
                self.weave_again(number);
            } else {
                self.find_neighbours(number);
            }
        }
    }

    /// A node is gone, with what only it had.
    pub fn crash(&mut self, node: usize) {
        if let Some(place) = self.places.get_mut(node) {
            place.up = false;
            place.overlay = None;
        }
        self.once.gone(node);
        self.disconnect(node);
        if let Some(watch) = &mut self.watch {
            watch.gone(node);
        }
    }

    /// Whether a node is there.
    #[must_use]
    pub fn is_up(&self, node: usize) -> bool {
        self.places.get(node).is_some_and(|place| place.up)
    }

    /// The numbers of the nodes that are there.
    #[must_use]
    pub fn up(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|&node| self.is_up(node)).collect()
    }

    /// Types a line at a node's prompt.
    pub fn type_line(&mut self, node: usize, text: &str) {
        if self.is_up(node) {
            self.give(node, Input::Typed { text: text.to_owned() });
        }
    }

    /// A node says something, or wants something of others.
    pub(crate) fn said(&mut self, node: usize, output: Output) {
        match output {
            Output::Print { text, value } => {
                let line = format_args!("prints {}", text.trim_end());
                self.trace.note(Happened::Printed, self.now_ms, node, text.as_bytes(), line);
                self.places[node].prints.push(text);
                self.places[node].values.push(value);
            }
            Output::Report(diagnostic) => self.report(node, diagnostic),
            Output::Disconnect { peer, code, reason } => {
                let refusal = Diagnostic::error(code, reason);
                self.grave.push((node, refusal.clone()));
                self.report(node, refusal);
                self.disconnect_from(peer);
            }
            Output::Book { message } => self.ask_book(node, &message),
            Output::Effect(event) => self.effect(node, &event),
            Output::Reach { node: other, .. } => self.reach(node, other),
            // These need nothing but the node's own place.
            Output::Send { .. }
            | Output::Broadcast { .. }
            | Output::Take { .. }
            | Output::ReadFile { .. }
            | Output::Evaluated { .. }
            | Output::Change { .. } => {}
        }
    }

    /// The ledger of effects, which all nodes share, answers one of them.
    fn ask_book(&mut self, node: usize, message: &Message) {
        let places = &self.places;
        let here = |runner: &Runner| places.iter().any(|place| place.up && place.node.runner() == *runner);
        let from = node_of(places[node].identity);
        let (_, answer) = self.book.answer(from, message, |runner| !here(runner));
        if let Some(message) = answer {
            self.give(node, Input::Book { message });
        }
    }

    /// Connects a node with another one that decides, if there is a way.
    fn reach(&mut self, node: usize, other: NodeId) {
        let identity = |decider: usize| self.places.get(decider).map(|place| node_of(place.identity));
        let there = (0..self.deciders).find(|&decider| identity(decider) == Some(other));
        let cut = |a, b| self.network.is_cut(a, b, self.now_ms);
        if let Some(there) = there.filter(|&there| !cut(node, there) && !cut(there, node)) {
            self.connect(node, there);
        }
    }

    fn report(&mut self, node: usize, diagnostic: Diagnostic) {
        let line = format_args!("reports {}: {}", diagnostic.code, diagnostic.title);
        self.trace.note(Happened::Reported, self.now_ms, node, diagnostic.code.as_bytes(), line);
        if diagnostic.code == "E0394" {
            self.grave.push((node, diagnostic.clone()));
        }
        self.places[node].reports.push(diagnostic);
    }

    pub(crate) fn send(&mut self, node: usize, peer: PeerId, bytes: Vec<u8>) {
        let Some(to) = self.network.other_end(node, peer) else { return };
        let (kind, size) = (kind_of(&bytes), bytes.len());
        self.bytes_sent += size as u64;
        self.trace.note(Happened::Sent, self.now_ms, node, &bytes, format_args!("-> n{to} {kind}, {size} bytes"));
        let arrivals = self.network.send(node, peer, self.now_ms);
        if let Some(watch) = &mut self.watch {
            watch.sent(kind, size, arrivals.len());
        }
        if let Some((&last, others)) = arrivals.split_last() {
            for &at in others {
                self.queue.put(at, Event::Arrival { peer, to, bytes: bytes.clone() });
            }
            self.queue.put(last, Event::Arrival { peer, to, bytes });
        }
    }

    /// Lets time pass, from event to event.
    pub fn run_for(&mut self, milliseconds: u64) {
        self.run_until(self.now_ms.saturating_add(milliseconds));
    }

    pub(crate) fn run_until(&mut self, end_ms: u64) {
        while let Some(at) = self.queue.next_ms().filter(|at| *at <= end_ms) {
            self.now_ms = self.now_ms.max(at);
            let mut events = Vec::new();
            while let Some((_, event)) = self.queue.take(at) {
                events.push(event);
            }
            self.moment(events);
        }
        self.now_ms = self.now_ms.max(end_ms);
    }

    /// Lets time pass until every node is quiescent and all agree, for `limit_ms` at most. Says whether they do.
    pub fn settle(&mut self, limit_ms: u64) -> bool {
        let end = self.now_ms.saturating_add(limit_ms);
        while self.now_ms < end && !self.exhausted() {
            self.run_for(10);
            if self.settled() {
                return true;
            }
        }
        false
    }

    /// Whether every node is quiescent, has seen the same, and knows it of its peers.
    pub fn settled(&mut self) -> bool {
        let mut nodes = self.places.iter().filter(|place| place.up).map(|place| &place.node);
        // Nodes that take different topics have seen different things.
        let mut digests: BTreeMap<u128, u128> = BTreeMap::new();
        let settled = nodes.all(|node| {
            let digest = node.vector_digest();
            let same = *digests.entry(node.interest_digest()).or_insert(digest) == digest;
            node.quiescent() && same && node.agrees_with_peers()
        });
        settled && (digests.len() < 2 || self.same_of_each_topic())
    }

    /// Whether all who take a topic have seen the same of it. Those who agree with all their peers may still be apart from others.
    fn same_of_each_topic(&self) -> bool {
        let nodes = || self.places.iter().filter(|place| place.up).map(|place| &place.node);
        let mut heights: BTreeMap<Lane, BTreeMap<usize, u64>> = BTreeMap::new();
        for (at, node) in nodes().enumerate() {
            for (lane, height) in node.seen().into_iter().filter(|(lane, _)| node.takes_topic(lane.topic)) {
                heights.entry(lane).or_default().insert(at, height);
            }
        }
        heights.into_iter().all(|(lane, heights)| {
            let mut takers = nodes().enumerate().filter(|(_, node)| node.takes_topic(lane.topic));
            let first = heights.values().next().copied();
            takers.all(|(at, _)| heights.get(&at).copied() == first)
        })
    }

    /// What a node's top-level names are at last; empty for a node that there is not.
    pub fn finals(&mut self, node: usize) -> Vec<Final> {
        self.places.get_mut(node).map_or_else(Vec::new, |place| place.node.finals())
    }

    /// What a node's variables are at last that have a name of their own and none at top level.
    pub(super) fn named_apart(&mut self, node: usize) -> Vec<(String, Term)> {
        self.places.get_mut(node).map_or_else(Vec::new, |place| place.node.named_apart())
    }

    /// What a node has printed.
    #[must_use]
    pub fn prints(&self, node: usize) -> &[String] {
        self.places.get(node).map_or(&[], |place| &place.prints)
    }

    /// What a node has had to tell its user.
    #[must_use]
    pub fn reports(&self, node: usize) -> &[Diagnostic] {
        self.places.get(node).map_or(&[], |place| &place.reports)
    }

    /// How many derivations a node knows of, its own and others'.
    #[must_use]
    pub fn known_derivations(&self, node: usize) -> usize {
        self.places.get(node).map_or(0, |place| place.node.known_derivations())
    }

    /// The time, in milliseconds since the beginning.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The bytes of all messages that nodes have sent.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    /// A hash of everything that happened, with places and times.
    #[must_use]
    pub fn trace(&self) -> [u8; 32] {
        self.trace.hash()
    }

    /// A number below `most`, from the cluster's seed: for the choices of a test.
    pub fn chance(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    /// The connections of a node, for tests that speak in a peer's name.
    #[must_use]
    pub fn links(&self, node: usize) -> Vec<PeerId> {
        self.network.links(node)
    }
}
