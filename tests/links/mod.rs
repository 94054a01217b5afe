//! Nodes and a network between them that is played by hand.

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
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Steps of a node between looks at its outputs.
const FUEL: u64 = 1_000_000;
/// The first byte of messages about views.
pub(crate) const VIEWS: u8 = 0x83;

pub(crate) struct Place {
    pub(crate) node: Option<Node>,
    pub(crate) role: Role,
    pub(crate) reports: Vec<(&'static str, String)>,
    pub(crate) printed: Vec<String>,
    /// Bytes of views that have reached it.
    pub(crate) view_bytes: usize,
    /// What it has heard about views.
    pub(crate) heard: Vec<Vec<u8>>,
    /// What must not be in any of that.
    pub(crate) secret: Option<&'static [u8]>,
}

pub(crate) struct Link {
    pub(crate) ends: [usize; 2],
    pub(crate) peers: [PeerId; 2],
}

/// Nodes and what is between them.
pub(crate) struct Net {
    pub(crate) places: Vec<Place>,
    pub(crate) links: Vec<Link>,
    /// When, from which connection, to whom, what.
    pub(crate) messages: Vec<(u64, PeerId, usize, Vec<u8>)>,
    pub(crate) now_ms: u64,
    pub(crate) random: ChaCha8Rng,
    pub(crate) peers: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) delay_ms: u64,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Net {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let (places, links, messages) = (Vec::new(), Vec::new(), Vec::new());
        Net { places, links, messages, now_ms: 1, random, peers: 0, lost: 0, doubled: 0, delay_ms: 1 }
    }

    /// The same with so many of a hundred messages lost, doubled, and each up to so late.
    pub(crate) fn bad(seed: u64, lost: u64, doubled: u64, delay_ms: u64) -> Net {
        Net { lost, doubled, delay_ms, ..Net::new(seed) }
    }

    pub(crate) fn start(&mut self, role: Role, program: &str) -> usize {
        let number = self.places.len();
        let (mut session, library) = Session::new();
        let (unit, _) = session.program("test.lasp", program).unwrap_or_else(|said| panic!("{program}: {said:#?}"));
        let settings = Settings {
            name: format!("n{number}"),
            replica: 0,
            role: Term::atom("undefined"),
            arguments: Vec::new(),
            identity: ReplicaId::of((number as u128 + 1) << 100, 1),
            seed: number as u64,
            watch: false,
        };
        let mut node = Node::new(settings, session, &library, &unit);
        node.set_certificate(role);
        let (reports, printed) = (Vec::new(), Vec::new());
        self.places.push(Place {
            node: Some(node),
            role,
            reports,
            printed,
            view_bytes: 0,
            heard: Vec::new(),
            secret: None,
        });
        self.work(number);
        number
    }

    pub(crate) fn server(&mut self, program: &str) -> usize {
        self.start(Role::Server, program)
    }

    pub(crate) fn client(&mut self, program: &str) -> usize {
        self.start(Role::Client, program)
    }

    pub(crate) fn connect(&mut self, a: usize, b: usize) {
        let peers = [PeerId(self.peers + 1), PeerId(self.peers + 2)];
        self.peers += 2;
        self.links.push(Link { ends: [a, b], peers });
        for (node, other, peer) in [(a, b, peers[0]), (b, a, peers[1])] {
            let incarnation = ReplicaId::of((other as u128 + 1) << 100, 1);
            let role = self.places[other].role;
            self.give(node, Input::Connected { peer, name: format!("n{other}"), incarnation, role });
        }
    }

    pub(crate) fn disconnect(&mut self, node: usize) {
        let gone: Vec<Link>;
        (gone, self.links) = std::mem::take(&mut self.links).into_iter().partition(|link| link.ends.contains(&node));
        for link in gone {
            self.messages.retain(|(_, peer, ..)| !link.peers.contains(peer));
            for (end, peer) in link.ends.into_iter().zip(link.peers) {
                self.give(end, Input::Lost { peer });
            }
        }
    }

    /// A node is gone, with what only it had.
    pub(crate) fn crash(&mut self, node: usize) {
        self.places[node].node = None;
        self.disconnect(node);
    }

    pub(crate) fn give(&mut self, at: usize, input: Input) {
        if let Some(node) = &mut self.places[at].node {
            node.handle(input, self.now_ms);
        }
        self.work(at);
    }

    pub(crate) fn type_line(&mut self, at: usize, text: &str) {
        self.give(at, Input::Typed { text: text.to_owned() });
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    pub(crate) fn work(&mut self, at: usize) {
        for _ in 0..1000 {
            let Some(node) = &mut self.places[at].node else { return };
            let progress = node.run(self.now_ms, FUEL);
            let outputs: Vec<Output> = std::iter::from_fn(|| node.poll_output()).collect();
            let quiet = outputs.is_empty();
            for output in outputs {
                match output {
                    Output::Send { peer, bytes } => self.send(at, peer, &bytes),
                    Output::Broadcast { bytes, .. } => {
                        let mine = |link: &Link| {
                            link.ends.iter().zip(link.peers).find(|(end, _)| **end == at).map(|(_, peer)| peer)
                        };
                        let peers: Vec<PeerId> = self.links.iter().filter_map(mine).collect();
                        peers.into_iter().for_each(|peer| self.send(at, peer, &bytes));
                    }
                    Output::Report(said) => self.places[at].reports.push((said.code, said.title)),
                    Output::Print { text, .. } => self.places[at].printed.push(text),
                    Output::Disconnect { code, reason, .. } => self.places[at].reports.push((code, reason)),
                    _ => {}
                }
            }
            if quiet && progress == Progress::Idle {
                return;
            }
        }
    }

    pub(crate) fn send(&mut self, from: usize, peer: PeerId, bytes: &[u8]) {
        let Some(link) = self.links.iter().find(|link| link.peers.contains(&peer)) else { return };
        let side = usize::from(link.ends[0] == from);
        let (to, arrives) = (link.ends[side], link.peers[side]);
        if self.below(100) < self.lost {
            return;
        }
        let copies = 1 + u64::from(self.below(100) < self.doubled);
        for _ in 0..copies {
            let at = self.now_ms + 1 + self.below(self.delay_ms);
            self.messages.push((at, arrives, to, bytes.to_vec()));
        }
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now_ms + milliseconds;
        while self.now_ms < end {
            self.now_ms += 1;
            let (due, later) = std::mem::take(&mut self.messages).into_iter().partition(|(at, ..)| *at <= self.now_ms);
            self.messages = later;
            let due: Vec<(u64, PeerId, usize, Vec<u8>)> = due;
            for (_, peer, to, bytes) in due {
                let place = &mut self.places[to];
                if bytes[0] == VIEWS {
                    place.view_bytes += bytes.len();
                    place.heard.push(bytes.clone());
                }
                if let Some(secret) = place.secret {
                    let found = bytes.windows(secret.len()).any(|part| part == secret);
                    assert!(!found, "something of a topic that it does not take reached n{to}: {bytes:?}");
                }
                self.give(to, Input::Received { peer, bytes });
            }
            for at in 0..self.places.len() {
                let due =
                    self.places[at].node.as_ref().and_then(Node::next_timer).is_some_and(|due| due <= self.now_ms);
                if due {
                    self.give(at, Input::Tick);
                }
            }
        }
    }

    pub(crate) fn calm(&mut self) {
        (self.lost, self.doubled, self.delay_ms) = (0, 0, 1);
    }

    pub(crate) fn value(&mut self, at: usize, name: &str) -> Term {
        let finals = self.places[at].node.as_mut().expect("it is up").finals();
        finals.into_iter().find(|last| last.name == name).unwrap_or_else(|| panic!("a variable {name}")).value
    }

    pub(crate) fn shown(&mut self, at: usize, name: &str) -> String {
        self.value(at, name).to_string()
    }

    pub(crate) fn codes(&self, at: usize) -> Vec<&'static str> {
        self.places[at].reports.iter().map(|(code, _)| *code).collect()
    }
}
