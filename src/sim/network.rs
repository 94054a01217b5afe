//! The network between simulated nodes: which message arrives, how often and when. Knows no node and no message.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::replica::PeerId;
use crate::sim::chance::below;
use crate::sim::nodes::Nodes;

/// What the simple simulations of tests do to messages.
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

/// What happens to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// How many of a million are lost.
    pub lost: u64,
    /// How many of a million arrive twice.
    pub doubled: u64,
    /// The least and the most milliseconds that one takes.
    pub delay_ms: (u64, u64),
    /// Whether a message may overtake another of the same connection.
    pub reorder: bool,
}

impl Conditions {
    /// All arrive, in order, within 1 to 10 milliseconds.
    pub const CALM: Conditions = Conditions { lost: 0, doubled: 0, delay_ms: (1, 10), reorder: false };
    /// In millionths: everything.
    pub const WHOLE: u64 = 1_000_000;
}

impl From<Faults> for Conditions {
    fn from(faults: Faults) -> Conditions {
        let thousandth = Conditions::WHOLE / 1000;
        let (lost, doubled) = (faults.lost * thousandth, faults.doubled * thousandth);
        Conditions { lost, doubled, delay_ms: (1, faults.delay_ms.max(1)), reorder: true }
    }
}

/// Nothing passes from some nodes to others, for a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The sides. Nodes on none of them are not concerned.
    pub sides: Vec<Nodes>,
    /// Whether only what goes from the first side to the others is cut.
    pub one_way: bool,
    /// If it comes and goes: the milliseconds of each.
    pub every_ms: Option<u64>,
    /// From when on.
    pub from_ms: u64,
    /// Until when; none is for ever.
    pub to_ms: Option<u64>,
}

impl Cut {
    fn side(&self, node: usize) -> Option<usize> {
        let named = self.sides.iter().position(|side| side.names(node));
        named.or_else(|| self.sides.iter().position(|side| *side == Nodes::Rest))
    }

    /// Whether it concerns what goes from the one to the other, if it is there.
    pub(crate) fn divides(&self, from: usize, to: usize) -> bool {
        match (self.side(from), self.side(to)) {
            (Some(one), Some(other)) => one != other && (!self.one_way || one == 0),
            _ => false,
        }
    }

    /// Whether it is there now.
    pub(crate) fn stands(&self, now_ms: u64) -> bool {
        let within = now_ms >= self.from_ms && self.to_ms.is_none_or(|to| now_ms < to);
        within && self.every_ms.is_none_or(|every| ((now_ms - self.from_ms) / every.max(1)).is_multiple_of(2))
    }
}

struct Link {
    ends: (usize, usize),
    /// In each direction: when the last message will have arrived, and how many were sent.
    last_ms: [u64; 2],
    sent: [u64; 2],
}

/// Connections, and what becomes of messages.
pub(crate) struct Network {
    seed: u64,
    pub(crate) conditions: Conditions,
    /// Looked up only; every list comes from `of`.
    links: FxHashMap<PeerId, Link>,
    /// By node: its neighbours with the connections.
    of: Vec<BTreeMap<usize, PeerId>>,
    last_link: u64,
    cuts: Vec<Cut>,
    /// When the last message of a stream will have arrived: by sender and receiver. Looked up only.
    streams: FxHashMap<(usize, usize), u64>,
}

impl Network {
    pub(crate) fn new(seed: u64, conditions: Conditions) -> Network {
        let (links, of, cuts) = (FxHashMap::default(), Vec::new(), Vec::new());
        Network { seed, conditions, links, of, last_link: 0, cuts, streams: FxHashMap::default() }
    }

    /// A new connection, unless there is one.
    pub(crate) fn link(&mut self, a: usize, b: usize) -> Option<PeerId> {
        let most = a.max(b) + 1;
        if self.of.len() < most {
            self.of.resize_with(most, BTreeMap::new);
        }
        if self.of[a].contains_key(&b) {
            return None;
        }
        self.last_link += 1;
        let peer = PeerId(self.last_link);
        self.of[a].insert(b, peer);
        self.of[b].insert(a, peer);
        self.links.insert(peer, Link { ends: (a, b), last_ms: [0; 2], sent: [0; 2] });
        Some(peer)
    }

    /// Ends a node's connections, and says which those were.
    pub(crate) fn unlink(&mut self, node: usize) -> Vec<(PeerId, usize, usize)> {
        let own: Vec<PeerId> = self.links(node);
        own.into_iter().filter_map(|peer| self.cut(peer).map(|(a, b)| (peer, a, b))).collect()
    }

    /// Ends one connection.
    pub(crate) fn cut(&mut self, peer: PeerId) -> Option<(usize, usize)> {
        let (a, b) = self.links.remove(&peer)?.ends;
        self.of[a].remove(&b);
        self.of[b].remove(&a);
        Some((a, b))
    }

    /// A node's connections, oldest first.
    pub(crate) fn links(&self, node: usize) -> Vec<PeerId> {
        let mut own: Vec<PeerId> = self.neighbours(node).map(|(_, peer)| peer).collect();
        own.sort_unstable();
        own
    }

    /// A node's neighbours with the connections.
    pub(crate) fn neighbours(&self, node: usize) -> impl Iterator<Item = (usize, PeerId)> {
        self.of.get(node).into_iter().flatten().map(|(&other, &peer)| (other, peer))
    }

    /// The connection of two nodes.
    pub(crate) fn link_between(&self, node: usize, other: usize) -> Option<PeerId> {
        self.of.get(node)?.get(&other).copied()
    }

    /// Who is at the other end of a connection, if it still is.
    pub(crate) fn other_end(&self, node: usize, peer: PeerId) -> Option<usize> {
        let (a, b) = self.links.get(&peer)?.ends;
        Some(if node == a { b } else { a })
    }

    pub(crate) fn part(&mut self, cut: Cut) {
        self.cuts.push(cut);
    }

    /// Whether this cut has not been ended.
    pub(crate) fn has_cut(&self, cut: &Cut) -> bool {
        self.cuts.contains(cut)
    }

    /// All cuts end.
    pub(crate) fn join_up(&mut self) {
        self.cuts.clear();
    }

    /// Forgets cuts that are over.
    pub(crate) fn tidy(&mut self, now_ms: u64) {
        self.cuts.retain(|cut| cut.to_ms.is_none_or(|to| to > now_ms));
    }

    /// Whether nothing passes from the one to the other now.
    pub(crate) fn is_cut(&self, from: usize, to: usize, now_ms: u64) -> bool {
        self.cuts.iter().any(|cut| cut.stands(now_ms) && cut.divides(from, to))
    }

    /// When a message of a stream arrives that would arrive then, were there none before it.
    pub(crate) fn in_order(&mut self, from: usize, to: usize, at_ms: u64) -> u64 {
        let last = self.streams.entry((from, to)).or_default();
        *last = at_ms.max(*last);
        *last
    }

    /// When the copies of a message arrive that is sent now: none, one or two.
    pub(crate) fn send(&mut self, from: usize, peer: PeerId, now_ms: u64) -> Vec<u64> {
        let Some(to) = self.other_end(from, peer) else { return Vec::new() };
        let cut = self.is_cut(from, to, now_ms);
        let Some(link) = self.links.get_mut(&peer) else { return Vec::new() };
        let way = usize::from(from != link.ends.0);
        link.sent[way] += 1;
        let Conditions { lost, doubled, delay_ms: (least, most), reorder } = self.conditions;
        let words = |what: u64| [from as u64, to as u64, link.sent[way], peer.0, what];
        let is = |share: u64, what: u64| share > 0 && below(Conditions::WHOLE, self.seed, &words(what)) < share;
        let copies = 1 + u64::from(is(doubled, 0));
        let mut arrivals = Vec::new();
        for copy in 0..copies {
            if cut || is(lost, 1 + copy) {
                continue;
            }
            let mut at = now_ms + least.max(1) + below(most.saturating_sub(least) + 1, self.seed, &words(3 + copy));
            if !reorder {
                at = at.max(link.last_ms[way]);
                link.last_ms[way] = at;
            }
            arrivals.push(at);
        }
        arrivals
    }
}
