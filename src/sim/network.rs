//! The network between simulated nodes: which message arrives, how often and when.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::replica::PeerId;

/// What happens to messages.
#[derive(Clone, Debug)]
pub struct Faults {
    /// How many of 1000 are lost.
    pub lost: u64,
    /// How many of 1000 arrive twice.
    pub doubled: u64,
    /// The most milliseconds that one takes; each takes its own time, so they overtake each other.
    pub delay_ms: u64,
}

impl Faults {
    /// All arrive, each within 5 milliseconds.
    pub const NONE: Faults = Faults { lost: 0, doubled: 0, delay_ms: 5 };
}

/// Connections, and messages under way.
pub(crate) struct Network {
    random: ChaCha8Rng,
    faults: Faults,
    links: BTreeMap<PeerId, (usize, usize)>,
    last_link: u64,
    parted: BTreeSet<(usize, usize)>,
    /// By time of arrival and order of sending: connection, receiver, message.
    under_way: BTreeMap<(u64, u64), (PeerId, usize, Vec<u8>)>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(seed: u64, faults: Faults) -> Network {
        Network {
            random: ChaCha8Rng::seed_from_u64(seed),
            faults,
            links: BTreeMap::new(),
            last_link: 0,
            parted: BTreeSet::new(),
            under_way: BTreeMap::new(),
            sent: 0,
        }
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    /// A new connection, unless there is one.
    pub(crate) fn link(&mut self, a: usize, b: usize) -> Option<PeerId> {
        if self.links.values().any(|&ends| ends == (a, b) || ends == (b, a)) {
            return None;
        }
        self.last_link += 1;
        self.links.insert(PeerId(self.last_link), (a, b));
        Some(PeerId(self.last_link))
    }

    /// Ends a node's connections, and says which those were.
    pub(crate) fn unlink(&mut self, node: usize) -> Vec<(PeerId, usize, usize)> {
        let lost = self.links.iter().filter(|(_, ends)| ends.0 == node || ends.1 == node);
        let lost: Vec<(PeerId, usize, usize)> = lost.map(|(&peer, &(a, b))| (peer, a, b)).collect();
        for (peer, _, _) in &lost {
            self.links.remove(peer);
        }
        lost
    }

    /// Ends one connection.
    pub(crate) fn cut(&mut self, peer: PeerId) -> Option<(usize, usize)> {
        self.links.remove(&peer)
    }

    pub(crate) fn links(&self, node: usize) -> Vec<PeerId> {
        let own = self.links.iter().filter(|(_, ends)| ends.0 == node || ends.1 == node);
        own.map(|(&peer, _)| peer).collect()
    }

    pub(crate) fn part(&mut self, from: usize, to: usize) {
        self.parted.insert((from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.parted.clear();
        self.faults = Faults { delay_ms: self.faults.delay_ms.min(20), ..Faults::NONE };
    }

    pub(crate) fn send(&mut self, from: usize, peer: PeerId, bytes: &[u8], now_ms: u64) {
        let Some(&(a, b)) = self.links.get(&peer) else { return };
        let to = if from == a { b } else { a };
        let copies = 1 + u64::from(self.below(1000) < self.faults.doubled);
        for _ in 0..copies {
            if self.below(1000) < self.faults.lost || self.parted.contains(&(from, to)) {
                continue;
            }
            let at = now_ms + 1 + self.below(self.faults.delay_ms);
            self.sent += 1;
            self.under_way.insert((at, self.sent), (peer, to, bytes.to_vec()));
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.under_way.keys().next().map(|&(at, _)| at)
    }

    /// The next message that has arrived by now, of a connection that still is.
    pub(crate) fn arrival(&mut self, now_ms: u64) -> Option<(PeerId, usize, Vec<u8>)> {
        while let Some(first) = self.under_way.first_entry() {
            if first.key().0 > now_ms {
                return None;
            }
            let arrived = first.remove();
            if self.links.contains_key(&arrived.0) {
                return Some(arrived);
            }
        }
        None
    }
}
