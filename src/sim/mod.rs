//! Many nodes in one process, in virtual time, from one seed: the network loses, doubles, delays and reorders as told, nodes
//! crash and come back as new incarnations, and the same seed gives the same trace.
//!
//! [`Cluster`] is the network and the clock; [`judge`] says whether nodes agree. Knows no real time, no socket, no file.
//!
//! Where chance is not wanted, a [`Schedule`](schedule::Schedule) says every step, [`Play::replay`](stage::Play::replay)
//! plays it, and [`explore`](explore::explore) plays all of them.

pub mod confirm;
pub mod explore;
pub mod judge;
mod network;
pub mod outcome;
pub mod schedule;
pub mod stage;
mod testing;

use std::collections::BTreeMap;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::compile::Session;
use crate::lattice::dot::ReplicaId;
use crate::node::Final;
use crate::node::Input;
use crate::node::Node;
use crate::node::Output;
use crate::node::Progress;
use crate::node::Settings;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::sim::network::Network;
use crate::source::diagnostic::Diagnostic;
use crate::value::term::Term;
use crate::vm::Unit;

pub use crate::sim::network::Faults;

/// Steps of program between two messages.
const FUEL: u64 = 1_000_000;
/// How many times [`FUEL`] a node may use at one moment of virtual time.
const TURNS_MAX: u32 = 1000;

/// A node in its place, with what it has said.
struct Place {
    node: Node,
    identity: ReplicaId,
    up: bool,
    prints: Vec<String>,
    reports: Vec<Diagnostic>,
    /// What the forms of examples came to; none for one that failed.
    evaluated: Vec<Option<Term>>,
}

/// The nodes, what is between them, and the time.
pub struct Cluster {
    now_ms: u64,
    random: ChaCha8Rng,
    network: Network,
    places: Vec<Place>,
    files: BTreeMap<String, Vec<u8>>,
    trace: blake3::Hasher,
    bytes_sent: u64,
    /// How many turns of a busy node are left, if that is bounded.
    turns_left: Option<u64>,
}

impl Cluster {
    /// A cluster without nodes.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Cluster {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let network = Network::new(random.next_u64(), faults);
        let (places, files, trace) = (Vec::new(), BTreeMap::new(), blake3::Hasher::new());
        Cluster { now_ms: 0, random, network, places, files, trace, bytes_sent: 0, turns_left: None }
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
        let identity = ReplicaId(u128::from(self.random.next_u64()) << 64 | u128::from(self.random.next_u64()));
        let settings = Settings {
            name: format!("n{number}"),
            replica: u32::try_from(number).unwrap_or(u32::MAX),
            role,
            arguments,
            identity,
            seed: self.random.next_u64(),
            watch: false,
        };
        let node = Node::new(settings, session, library, unit);
        let (prints, reports, evaluated) = (Vec::new(), Vec::new(), Vec::new());
        self.places.push(Place { node, identity, up: true, prints, reports, evaluated });
        for other in 0..number {
            self.connect(other, number);
        }
        self.work(number);
        number
    }

    /// Connects two nodes, if both are up and not connected.
    pub fn connect(&mut self, a: usize, b: usize) {
        if a == b || !self.is_up(a) || !self.is_up(b) {
            return;
        }
        if let Some(peer) = self.network.link(a, b) {
            for (node, other) in [(a, b), (b, a)] {
                let incarnation = self.places[other].identity;
                self.give(node, Input::Connected { peer, name: format!("n{other}"), incarnation, role: Role::Server });
            }
        }
    }

    /// Cuts all of a node's connections, and tells both ends.
    pub fn disconnect(&mut self, node: usize) {
        for (peer, a, b) in self.network.unlink(node) {
            self.give(a, Input::Lost { peer });
            self.give(b, Input::Lost { peer });
        }
    }

    /// What the one sends does not reach the other, and nobody is told.
    pub fn part(&mut self, from: usize, to: usize) {
        self.network.part(from, to);
    }

    /// Ends all partitions, and from now on nothing is lost, doubled or much delayed.
    pub fn heal(&mut self) {
        self.network.heal();
        for a in 0..self.places.len() {
            for b in a + 1..self.places.len() {
                self.connect(a, b);
            }
        }
    }

    /// A node is gone, with what only it had.
    pub fn crash(&mut self, node: usize) {
        self.disconnect(node);
        if let Some(place) = self.places.get_mut(node) {
            place.up = false;
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

    fn give(&mut self, node: usize, input: Input) {
        if let Some(place) = self.places.get_mut(node) {
            place.node.handle(input, self.now_ms);
        }
        self.work(node);
    }

    /// Lets a node run until it has nothing to do, and carries out what it asks for.
    fn work(&mut self, node: usize) {
        for _ in 0..TURNS_MAX {
            let Some(place) = self.places.get_mut(node) else { return };
            if self.turns_left == Some(0) {
                return;
            }
            let progress = place.node.run(self.now_ms, FUEL);
            let mut outputs = Vec::new();
            while let Some(output) = place.node.poll_output() {
                outputs.push(output);
            }
            if progress == Progress::Busy {
                self.turns_left = self.turns_left.map(|left| left.saturating_sub(1));
            }
            let quiet = outputs.is_empty();
            for output in outputs {
                self.carry_out(node, output);
            }
            if quiet && progress == Progress::Idle {
                return;
            }
        }
    }

    fn carry_out(&mut self, node: usize, output: Output) {
        match output {
            Output::Send { peer, bytes } => self.send(node, peer, &bytes),
            Output::Broadcast { bytes, .. } => {
                for peer in self.network.links(node) {
                    self.send(node, peer, &bytes);
                }
            }
            Output::Print { text, .. } => self.places[node].prints.push(text),
            Output::Report(diagnostic) => self.places[node].reports.push(diagnostic),
            Output::ReadFile { request, path } => {
                let result = self.files.get(&path).cloned().ok_or_else(|| "there is no such file".to_owned());
                self.places[node].node.handle(Input::File { request, result }, self.now_ms);
            }
            Output::Disconnect { peer, code, reason } => {
                let reason = Diagnostic::error(code, reason);
                self.places[node].reports.push(reason);
                if let Some((a, b)) = self.network.cut(peer) {
                    self.give(a, Input::Lost { peer });
                    self.give(b, Input::Lost { peer });
                }
            }
            Output::Evaluated { value, .. } => self.places[node].evaluated.push(value),
            Output::Change { .. } => {}
        }
    }

    fn send(&mut self, node: usize, peer: PeerId, bytes: &[u8]) {
        self.bytes_sent += bytes.len() as u64;
        self.trace.update(&self.now_ms.to_le_bytes()).update(&(node as u64).to_le_bytes()).update(bytes);
        self.network.send(node, peer, bytes, self.now_ms);
    }

    /// Lets time pass, from event to event.
    pub fn run_for(&mut self, milliseconds: u64) {
        let end = self.now_ms.saturating_add(milliseconds);
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            self.now_ms = self.now_ms.max(next);
            if let Some((peer, to, bytes)) = self.network.arrival(self.now_ms) {
                if self.is_up(to) {
                    self.give(to, Input::Received { peer, bytes });
                }
                continue;
            }
            for node in self.up() {
                if self.places[node].node.next_timer().is_some_and(|at| at <= self.now_ms) {
                    self.give(node, Input::Tick);
                }
            }
        }
        self.now_ms = end;
    }

    fn next_event(&self) -> Option<u64> {
        let timers = self.places.iter().filter(|place| place.up).filter_map(|place| place.node.next_timer());
        // A timer that is due already and stays so must not stop the clock.
        timers.map(|at| at.max(self.now_ms + 1)).chain(self.network.next_arrival()).min()
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
        let mut vectors = Vec::new();
        for place in self.places.iter_mut().filter(|place| place.up) {
            let status = place.node.status();
            if !status.quiescent || status.agreeing != status.peers {
                return false;
            }
            vectors.push(status.vector);
        }
        vectors.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// What a node's top-level names are at last; empty for a node that there is not.
    pub fn finals(&mut self, node: usize) -> Vec<Final> {
        self.places.get_mut(node).map_or_else(Vec::new, |place| place.node.finals())
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

    /// A hash of every message that was sent, with its sender and time.
    #[must_use]
    pub fn trace(&self) -> [u8; 32] {
        *self.trace.finalize().as_bytes()
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
