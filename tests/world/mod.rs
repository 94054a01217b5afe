//! Many overlays in virtual time: what one sends arrives in order after the time of its link; who is dead is noticed by
//! sending to it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lasp::overlay::NodeId;
use lasp::overlay::Output;
use lasp::overlay::Overlay;
use lasp::overlay::Settings;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// How long it takes to notice that a node does not answer.
const SILENCE_MS: u64 = 100;

enum Happens {
    Arrives(usize, Vec<u8>),
    Lost(usize),
}

/// See the module.
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) nodes: Vec<Option<Overlay>>,
    settings: Settings,
    random: ChaCha8Rng,
    events: BTreeMap<(u64, u64), (usize, Happens)>,
    timers: BTreeSet<(u64, usize)>,
    due: Vec<Option<u64>>,
    counter: u64,
    /// Who got what: by payload, the nodes and when.
    pub(crate) delivered: BTreeMap<Vec<u8>, BTreeMap<usize, u64>>,
    /// Payloads and other messages that were sent.
    pub(crate) pushes: u64,
    pub(crate) controls: u64,
    /// A hash of all that was sent.
    pub(crate) trace: blake3::Hasher,
}

impl World {
    pub(crate) fn new(seed: u64, settings: Settings) -> World {
        World {
            now: 0,
            nodes: Vec::new(),
            settings,
            random: ChaCha8Rng::seed_from_u64(seed),
            events: BTreeMap::new(),
            timers: BTreeSet::new(),
            due: Vec::new(),
            counter: 0,
            delivered: BTreeMap::new(),
            pushes: 0,
            controls: 0,
            trace: blake3::Hasher::new(),
        }
    }

    /// A node joins through `contact`.
    pub(crate) fn join(&mut self, contact: Option<usize>) -> usize {
        let number = self.nodes.len();
        let seed = self.random.next_u64();
        let mut node = Overlay::new(number as NodeId + 1, self.now + 1, vec![0; 6], self.settings.clone(), seed);
        node.subscribe(0, &contact.map(|contact| contact as NodeId + 1).into_iter().collect::<Vec<_>>(), self.now);
        self.nodes.push(Some(node));
        self.due.push(None);
        self.drain(number);
        number
    }

    /// `count` nodes, each joining through one of the first five, a few at a time.
    pub(crate) fn grow(&mut self, count: usize) {
        for number in 0..count {
            let contact = (number > 0).then(|| self.below(number.min(5) as u64) as usize);
            self.join(contact);
            if number % 20 == 19 {
                self.run(100);
            }
        }
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    pub(crate) fn alive(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&node| self.nodes[node].is_some()).collect()
    }

    /// A node is gone, and nobody is told.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node] = None;
        self.timers.retain(|(_, of)| *of != node);
    }

    /// A node says goodbye and is gone.
    pub(crate) fn leave(&mut self, node: usize) {
        let now = self.now;
        if let Some(overlay) = &mut self.nodes[node] {
            overlay.leave(now);
        }
        self.drain(node);
        self.kill(node);
    }

    pub(crate) fn broadcast(&mut self, node: usize, payload: &[u8]) {
        let now = self.now;
        if let Some(overlay) = &mut self.nodes[node] {
            overlay.broadcast(0, payload, now);
        }
        self.drain(node);
    }

    /// All notice that the dead are dead: those whose neighbours they were.
    pub(crate) fn notice(&mut self) {
        for node in self.alive() {
            let neighbours: Vec<NodeId> = self.nodes[node].iter().flat_map(|overlay| overlay.neighbours(0)).collect();
            for neighbour in neighbours {
                if self.nodes[neighbour as usize - 1].is_none() {
                    self.give(node, Happens::Lost(neighbour as usize - 1));
                }
            }
        }
    }

    /// How long a message takes between two nodes: always the same.
    fn latency(a: usize, b: usize) -> u64 {
        let (a, b) = (a.min(b) as u64, a.max(b) as u64);
        let mixed = (a << 32 | b).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        5 + (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) % 45
    }

    fn give(&mut self, node: usize, happens: Happens) {
        let now = self.now;
        let Some(overlay) = &mut self.nodes[node] else { return };
        match happens {
            Happens::Arrives(from, bytes) => overlay.received(from as NodeId + 1, &bytes, now).expect("well formed"),
            Happens::Lost(other) => overlay.lost(other as NodeId + 1, now),
        }
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        let Some(mut overlay) = self.nodes[node].take() else { return };
        while let Some(output) = overlay.poll() {
            match output {
                Output::Send { to, bytes, push } => {
                    let to = to as usize - 1;
                    self.trace.update(&self.now.to_le_bytes()).update(&[node as u8, to as u8]).update(&bytes);
                    if push {
                        self.pushes += 1;
                    } else {
                        self.controls += 1;
                    }
                    self.counter += 1;
                    if self.nodes[to].is_some() {
                        let at = self.now + World::latency(node, to);
                        self.events.insert((at, self.counter), (to, Happens::Arrives(node, bytes)));
                    } else {
                        self.events.insert((self.now + SILENCE_MS, self.counter), (node, Happens::Lost(to)));
                    }
                }
                Output::Deliver { bytes, .. } => {
                    self.delivered.entry(bytes).or_default().entry(node).or_insert(self.now);
                }
                Output::NeighbourUp { .. } | Output::NeighbourDown { .. } => {}
            }
        }
        let next = overlay.next_timer();
        if next != self.due[node] {
            if let Some(at) = self.due[node] {
                self.timers.remove(&(at, node));
            }
            self.timers.extend(next.map(|at| (at, node)));
            self.due[node] = next;
        }
        self.nodes[node] = Some(overlay);
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        loop {
            let event = self.events.keys().next().map(|&(at, _)| at);
            let timer = self.timers.first().map(|&(at, _)| at);
            let Some(at) = event.into_iter().chain(timer).min().filter(|&at| at <= end) else { break };
            self.now = self.now.max(at);
            if event == Some(at) {
                if let Some((_, (node, happens))) = self.events.pop_first() {
                    self.give(node, happens);
                }
            } else if let Some((_, node)) = self.timers.pop_first() {
                self.due[node] = None;
                let now = self.now;
                if let Some(overlay) = &mut self.nodes[node] {
                    overlay.tick(now);
                }
                self.drain(node);
            }
        }
        self.now = end;
    }

    /// To how many of the live nodes, its maker not counted, a payload came.
    pub(crate) fn reached(&self, payload: &[u8], maker: usize) -> usize {
        let got = self.delivered.get(payload).into_iter().flat_map(BTreeMap::keys);
        got.filter(|&&node| node != maker && self.nodes[node].is_some()).count()
    }
}
