//! Broadcasts, and how those who take a topic find each other among others who do not.
//!
//! Who takes some topics only is not served by just any neighbours: they may take none of them. So it has neighbours in each of
//! its topics, and looks for them by a broadcast to everybody, which names the topics. Some of those who take one of them ask
//! it to let them take part: all of a few, few of many, and more each time that it has to look again. Whoever takes
//! everything takes part in a topic once it has answered somebody.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::overlay::NodeId;
use crate::overlay::Output;
use crate::overlay::Overlay;
use crate::overlay::tree::Tree;
use crate::overlay::wire;
use crate::overlay::wire::CARD_BYTES_MAX;
use crate::overlay::wire::Id;
use crate::overlay::wire::decode_card;
use crate::overlay::wire::encode_card;

/// The tree of the whole cluster.
const EVERYBODY: u128 = 0;
/// How a payload begins: with what is the caller's, or what is the overlay's own.
const PAYLOAD: u8 = 0;
const SOUGHT: u8 = 1;
/// The most topics that one broadcast names.
const NAMED_MAX: usize = 64;
/// How many are to answer the first time.
const ANSWERS: u64 = 4;
/// From one search to the next while nobody is found; doubled each time.
const SEARCH_MS: u64 = 200;
const DOUBLED_MAX: u32 = 11;
/// From one search to the next when there are neighbours: parts that have lost each other find each other again.
const SEARCH_AGAIN_MS: u64 = 300_000;

/// Which topics a node takes. By default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taking {
    /// Whether it takes `topics` alone, or all but those.
    pub only: bool,
    /// See `only`.
    pub topics: BTreeSet<u128>,
}

impl Taking {
    /// Whether it takes a topic. All take topic 0.
    #[must_use]
    pub fn takes(&self, topic: u128) -> bool {
        topic == EVERYBODY || self.topics.contains(&topic) == self.only
    }
}

/// Looking for neighbours in the topics that this node takes.
pub(super) struct Search {
    pub(super) at: u64,
    round: u32,
    /// Whether there were neighbours in all topics when it was looked last.
    found: bool,
}

/// Who takes part in `topics` asks `node` to be a neighbour.
#[derive(Serialize, Deserialize)]
struct Sought {
    node: Id,
    card: Vec<u8>,
    round: u32,
    /// Two searches are never the same message.
    at: u64,
    topics: Vec<[u8; 16]>,
}

impl Overlay {
    /// This node takes these topics from now on: it has neighbours in those that it names, if there is anybody else who takes
    /// them, and takes part in no topic that it does not take.
    pub fn take(&mut self, taking: Taking, now: u64) {
        let gone: Vec<u128> = self.trees.keys().copied().filter(|topic| !taking.takes(*topic)).collect();
        gone.into_iter().for_each(|topic| self.unsubscribe(topic, now));
        self.taking = taking;
        if !self.taking.only {
            self.search = None;
            return;
        }
        for topic in self.taking.topics.clone() {
            self.subscribe(topic, &[], now);
        }
        self.search = Some(Search { at: now, round: 0, found: false });
    }

    /// The last neighbour in a topic is gone.
    pub(super) fn alone(&mut self, topic: u128, now: u64) {
        if let Some(search) = &mut self.search
            && self.taking.topics.contains(&topic)
            && search.found
        {
            *search = Search { at: now + SEARCH_MS, round: 0, found: false };
        }
    }

    pub(super) fn search_if_due(&mut self, now: u64) {
        if self.search.as_ref().is_none_or(|search| search.at > now) {
            return;
        }
        let mut topics: Vec<u128> = self.taking.topics.iter().copied().collect();
        let alone = |topic: &u128| self.trees.get(topic).is_some_and(|tree| tree.neighbours().is_empty());
        let everybody_found = !topics.iter().any(alone);
        if !everybody_found {
            topics.retain(alone);
        }
        let connected = !alone(&EVERYBODY);
        let Some(search) = &mut self.search else { return };
        let (round, found) = (search.round, search.found);
        search.found = everybody_found;
        if everybody_found {
            (search.at, search.round) = (now + SEARCH_AGAIN_MS, 0);
        } else {
            search.at = now + (SEARCH_MS << round.min(DOUBLED_MAX));
            search.round += u32::from(connected);
        }
        // Neighbours who were just found need no further search.
        if connected && everybody_found == found {
            self.search_for(&topics, round, now);
        }
    }

    fn search_for(&mut self, topics: &[u128], round: u32, at: u64) {
        let card = encode_card(&self.card);
        for named in topics.chunks(NAMED_MAX) {
            let topics = named.iter().map(|topic| topic.to_be_bytes()).collect();
            let sought = Sought { node: self.me.into(), card: card.clone(), round, at, topics };
            // Plain data of bounded size.
            let payload = postcard::to_extend(&sought, vec![SOUGHT]).unwrap_or_default();
            self.spread(EVERYBODY, &payload, at);
        }
    }

    /// Somebody looks for those who take some topics.
    fn sought(&mut self, sought: &Sought, now: u64) {
        let node = NodeId::from(sought.node);
        let fits = sought.topics.len() <= NAMED_MAX && sought.card.len() <= CARD_BYTES_MAX && node != self.me;
        let Some(card) = decode_card(&sought.card).filter(|_| fits) else { return };
        self.note_card(node, card, now);
        for topic in sought.topics.iter().map(|topic| u128::from_be_bytes(*topic)) {
            if topic == EVERYBODY || !self.taking.takes(topic) {
                continue;
            }
            let tree = self.trees.get(&topic);
            if tree.is_some_and(|tree| tree.neighbours().contains(&node)) {
                continue;
            }
            // How many others may answer as well.
            let others = tree.or_else(|| self.trees.get(&EVERYBODY)).map_or(0, Tree::known);
            let wanted = ANSWERS << sought.round.min(DOUBLED_MAX);
            if self.lot(node, topic, sought.at) % (others as u64).max(1) < wanted {
                self.subscribe(topic, &[node], now);
            }
        }
    }

    /// A number that other nodes do not have in common with this one.
    fn lot(&self, node: NodeId, topic: u128, at: u64) -> u64 {
        let mut hasher = blake3::Hasher::new();
        for number in [self.me, node, topic, u128::from(at), u128::from(self.seed)] {
            hasher.update(&number.to_be_bytes());
        }
        hasher.finalize().as_bytes().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// Brings a payload to all who take part in a topic. Says whether anybody was sent it.
    pub fn broadcast(&mut self, topic: u128, payload: &[u8], now: u64) -> bool {
        let mut bytes = Vec::with_capacity(payload.len() + 1);
        bytes.push(PAYLOAD);
        bytes.extend(payload);
        self.spread(topic, &bytes, now)
    }

    fn spread(&mut self, topic: u128, payload: &[u8], now: u64) -> bool {
        let Some(tree) = self.trees.get(&topic) else { return false };
        if tree.neighbours().is_empty() {
            return false;
        }
        let direct = tree.complete() || payload.len() > self.settings.tree_bytes_max;
        if direct {
            let bytes = wire::encode_direct(topic, payload);
            let sends = tree.neighbours().iter().map(|&to| Output::Send { to, bytes: bytes.clone(), push: true });
            self.out.extend(sends);
            return true;
        }
        if !self.kept.takes(payload.len(), &self.settings, now) {
            return false;
        }
        if let Some(tree) = self.trees.get_mut(&topic) {
            tree.spread.tell(payload, &self.settings, now);
        }
        self.carry(topic, now);
        true
    }

    /// A payload has come.
    pub(super) fn deliver(&mut self, topic: u128, from: NodeId, payload: &[u8], now: u64) {
        match payload.split_first() {
            Some((&PAYLOAD, bytes)) => self.out.push_back(Output::Deliver { topic, from, bytes: bytes.to_vec() }),
            Some((&SOUGHT, bytes)) if topic == EVERYBODY => {
                if let Ok(sought) = postcard::from_bytes(bytes) {
                    self.sought(&sought, now);
                }
            }
            // Nothing that this version knows; who passed it on need not be its maker.
            _ => {}
        }
    }
}
