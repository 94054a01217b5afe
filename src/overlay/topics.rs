//! Broadcasts, and how those who take a topic find each other among others who do not.
//!
//! Who takes some topics only is not served by just any neighbours: they may take none of them. So it has neighbours in each of
//! its topics, and looks for them by a broadcast to everybody, which names the topics. Some of those who take one of them ask
//! it to let them take part: all of a few, few of many, and more each time that it has to look again. Whoever takes
//! everything takes part in a topic once it has answered somebody.
//!
//! Those who have found each other may be one part of several: one pair here, another there. So the root of each part, which is
//! one node as soon as the part has a tree, looks again and again, less and less often, and those of other parts answer. Whoever
//! takes everything is in the same position once there are others who do not: only some of them answer for a topic, and what
//! they pass on among themselves is not to hang on who their neighbours are. So they have a tree of their own then.

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
/// The tree of those who take everything, where there are others.
const WHOLE: u128 = 1;
/// How a payload begins: with what is the caller's, or what is the overlay's own.
const PAYLOAD: u8 = 0;
const SOUGHT: u8 = 1;
/// The most topics that one broadcast names.
const NAMED_MAX: usize = 64;
/// How many are to answer the first time.
const ANSWERS: u64 = 4;
/// From one search to the next while nobody is found; doubled each time.
const SEARCH_MS: u64 = 200;
const SEARCH_MS_MAX: u64 = 400_000;
const DOUBLED_MAX: u32 = 11;
/// From one search to the next when there are neighbours: first, when a part has a root as a rule, and at most; doubled each time.
const AGAIN_MS: u64 = 3000;
const AGAIN_MS_MAX: u64 = 300_000;

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
            let others = self.trees.contains_key(&WHOLE);
            self.search = others.then_some(Search { at: now, round: 0, found: false });
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
            && search.found
            && (topic == WHOLE || self.taking.only && self.taking.topics.contains(&topic))
        {
            *search = Search { at: now + SEARCH_MS, round: 0, found: false };
        }
    }

    pub(super) fn search_if_due(&mut self, now: u64) {
        if self.search.as_ref().is_none_or(|search| search.at > now) {
            return;
        }
        let mut topics: Vec<u128> =
            if self.taking.only { self.taking.topics.iter().copied().collect() } else { vec![WHOLE] };
        let alone = |topic: &u128| self.trees.get(topic).is_some_and(|tree| tree.neighbours().is_empty());
        let leads = |topic: &u128| self.root(*topic).is_none_or(|root| root == self.me);
        let everybody_found = !topics.iter().any(alone);
        topics.retain(|topic| if everybody_found { leads(topic) } else { alone(topic) });
        let connected = !alone(&EVERYBODY);
        let Some(search) = &mut self.search else { return };
        let found = search.found;
        let round = if found == everybody_found { search.round } else { 0 };
        let (first, most) = if everybody_found { (AGAIN_MS, AGAIN_MS_MAX) } else { (SEARCH_MS, SEARCH_MS_MAX) };
        search.at = now + (first << round.min(DOUBLED_MAX)).min(most);
        search.round = round + u32::from(connected);
        search.found = everybody_found;
        // Neighbours who were just found need no further search.
        if connected && everybody_found == found && !topics.is_empty() {
            self.search_for(&topics, if found { 0 } else { round }, now);
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
        if !self.taking.only && !self.trees.contains_key(&WHOLE) {
            self.subscribe(WHOLE, &[], now);
            self.search = Some(Search { at: now, round: 0, found: false });
        }
        for topic in sought.topics.iter().map(|topic| u128::from_be_bytes(*topic)) {
            if topic == EVERYBODY || !self.taking.takes(topic) {
                continue;
            }
            let tree = self.trees.get(&topic);
            // Of the same part already.
            let follows = |tree: &Tree| !tree.neighbours().is_empty() && tree.spread.root() == Some(node);
            if tree.is_some_and(|tree| tree.neighbours().contains(&node) || follows(tree)) {
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
