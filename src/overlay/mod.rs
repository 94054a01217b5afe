//! Who keeps a connection with whom, and how a broadcast reaches everybody, as a state machine without I/O: partial views
//! (`HyParView`, Leitão et al., DSN 2007) by the protocol core of `iroh-gossip`, and a broadcast tree among neighbours that is
//! mended by announcements as that of `Plumtree` is (Leitão et al., SRDS 2007), but belongs to one root (`root`), since that
//! library's tree falls apart when many nodes broadcast at a time.
//!
//! A node has a few neighbours, whatever the size of the cluster, and knows a few more nodes that can take a neighbour's
//! place. One live node is enough to join. A broadcast is for speed alone: it can be lost when neighbours fail, and what is
//! lost is found by comparing vectors with neighbours.
//!
//! How to drive one, in a network or a simulator:
//!
//! ```
//! use lasp::overlay::{Overlay, Output, Settings};
//!
//! let node = |id: u128| Overlay::new(id, 1, format!("address of {id}").into_bytes(), Settings::default(), 7);
//! let mut nodes = [node(0), node(1)];
//! nodes[0].subscribe(0, &[], 0);
//! // The second has heard of the first. Whom it sends to without a connection, the edge connects it with.
//! nodes[1].subscribe(0, &[0], 0);
//! let mut delivered = Vec::new();
//! for now_ms in 0..1000 {
//!     if now_ms == 500 {
//!         nodes[1].broadcast(0, b"hello", now_ms);
//!     }
//!     for me in 0..2 {
//!         // Timers that are due; the edge asks `next_timer` when that will be.
//!         nodes[me].tick(now_ms);
//!         while let Some(output) = nodes[me].poll() {
//!             match output {
//!                 // Over a reliable stream in order. A node that cannot be reached: `lost`.
//!                 Output::Send { to, bytes, .. } => nodes[to as usize].received(me as u128, &bytes, now_ms).unwrap(),
//!                 Output::Deliver { from, bytes, .. } => delivered.push((me, from, bytes)),
//!                 Output::NeighbourUp { .. } | Output::NeighbourDown { .. } => {}
//!             }
//!         }
//!     }
//! }
//! assert_eq!(delivered, [(0, 1, b"hello".to_vec())]);
//! ```
//!
//! Every topic has views and a tree of its own; topic 0 is everybody's, and by it those who take another topic find each other:
//! [`Overlay::take`]. While a node is connected with all that it knows of,
//! which it is in clusters of up to [`Settings::neighbours`] others, a broadcast goes to each of them directly and nobody
//! passes it on. So does one that is larger than [`Settings::tree_bytes_max`]: the neighbours have it at once, and the others
//! pull it from those. When more was passed on lately than may be kept for those who ask again, nothing more is, and it is
//! pulled as well.
//!
//! Knows no socket, no address, no clock: times are milliseconds of any clock that does not go back, chance is a seed, and
//! the same calls give the same outputs.

mod book;
mod kept;
mod root;
mod settings;
mod spread;
mod topics;
mod tree;
mod wire;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use iroh_gossip::proto::topic::Event;
use iroh_gossip::proto::topic::OutEvent;
use tokio::time::Instant;

use crate::overlay::book::Book;
use crate::overlay::kept::Kept;
use crate::overlay::topics::Search;
use crate::overlay::tree::Alarm;
use crate::overlay::tree::Tree;
use crate::overlay::tree::Wanted;
use crate::overlay::wire::Frame;
use crate::overlay::wire::Id;
use crate::overlay::wire::Info;
use crate::overlay::wire::Swarm;
use crate::overlay::wire::Word;
use crate::overlay::wire::decode_card;
use crate::overlay::wire::encode_card;

pub use crate::overlay::book::Card;
pub use crate::overlay::settings::Settings;
pub use crate::overlay::topics::Taking;
pub use crate::overlay::wire::Malformed;

/// A node: whatever its certificate proves.
pub type NodeId = u128;

/// The most topics that one node takes part in.
pub const TOPICS_MAX: usize = 4096;
/// The most nodes in the address book.
const BOOK_MAX: usize = 1 << 14;
/// The most messages of membership, and the most announcements, that one node may send in a second; what is beyond is
/// dropped.
const CONTROL_PER_SECOND: usize = 500;
const ANNOUNCED_PER_SECOND: usize = 20_000;

/// What an overlay wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for [`Overlay::received`] of another node, in order and reliably. Without a connection one is to be made; when
    /// that is not possible: [`Overlay::lost`].
    Send {
        /// To whom.
        to: NodeId,
        /// The message.
        bytes: Vec<u8>,
        /// Whether it holds a payload, and may be dropped when what waits for that node is too much.
        push: bool,
    },
    /// A broadcast has come.
    Deliver {
        /// Its topic.
        topic: u128,
        /// The neighbour that passed it on; who made it stands in the message, if anywhere.
        from: NodeId,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// A node is a neighbour from now on.
    NeighbourUp {
        /// In which topic.
        topic: u128,
        /// Who.
        node: NodeId,
    },
    /// It no longer is.
    NeighbourDown {
        /// In which topic.
        topic: u128,
        /// Who.
        node: NodeId,
    },
}

/// What one node has sent of late.
#[derive(Clone, Copy, Default)]
struct Quota {
    since: u64,
    control: usize,
    announced: usize,
}

/// See the module.
pub struct Overlay {
    me: NodeId,
    card: Card,
    settings: Settings,
    seed: u64,
    base: Instant,
    trees: BTreeMap<u128, Tree>,
    book: Book,
    alarms: BTreeMap<(u64, u64), (u128, Alarm)>,
    /// When topics are to seek neighbours; every topic that is to is in both.
    seeks: BTreeSet<(u64, u128)>,
    seek_at: BTreeMap<u128, u64>,
    last_alarm: u64,
    quotas: BTreeMap<NodeId, Quota>,
    taking: Taking,
    search: Option<Search>,
    kept: Kept,
    out: VecDeque<Output>,
}

impl Overlay {
    /// An overlay without topics. `counter` is greater than at any earlier start of this node; `reach` tells others how it
    /// can be reached.
    #[must_use]
    pub fn new(me: NodeId, counter: u64, reach: Vec<u8>, settings: Settings, seed: u64) -> Overlay {
        Overlay {
            me,
            card: Card { counter, reach },
            settings,
            seed,
            // Not the time: the library only takes differences, and these are the caller's.
            base: Instant::now(),
            trees: BTreeMap::new(),
            book: Book::new(BOOK_MAX),
            alarms: BTreeMap::new(),
            seeks: BTreeSet::new(),
            seek_at: BTreeMap::new(),
            last_alarm: 0,
            quotas: BTreeMap::new(),
            taking: Taking::default(),
            search: None,
            kept: Kept::default(),
            out: VecDeque::new(),
        }
    }

    /// Takes part in a topic. Who is among `contacts` is asked for neighbours.
    pub fn subscribe(&mut self, topic: u128, contacts: &[NodeId], now: u64) {
        if !self.trees.contains_key(&topic) {
            if self.trees.len() >= TOPICS_MAX {
                return;
            }
            let tree = Tree::new(self.me, &self.card, topic, &self.settings, self.seed, self.base);
            self.trees.insert(topic, tree);
            self.with(topic, now, |tree, _| tree.join(None, now));
        }
        for &contact in contacts {
            self.contact(topic, contact, now);
        }
    }

    /// No longer takes part in a topic, and says so to the neighbours.
    pub fn unsubscribe(&mut self, topic: u128, now: u64) {
        self.with(topic, now, |tree, _| tree.quit(now));
        if let Some(tree) = self.trees.remove(&topic) {
            let gone = tree.neighbours().iter().map(|&node| Output::NeighbourDown { topic, node });
            self.out.extend(gone);
        }
        self.alarms.retain(|_, (of, _)| *of != topic);
        self.plan(topic);
    }

    /// This node ends: says so to all neighbours.
    pub fn leave(&mut self, now: u64) {
        let topics: Vec<u128> = self.trees.keys().copied().collect();
        topics.into_iter().for_each(|topic| self.unsubscribe(topic, now));
    }

    /// Asks a node that is there to let this one take part.
    pub fn contact(&mut self, topic: u128, node: NodeId, now: u64) {
        if node != self.me {
            self.with(topic, now, |tree, settings| {
                tree.note(node, true, settings, now);
                tree.join(Some(node), now)
            });
        }
    }

    /// Heard of a node by other ways than the overlay's own: it may become a neighbour in this topic.
    pub fn introduce(&mut self, topic: u128, node: NodeId, card: Card, now: u64) {
        if node != self.me {
            self.note_card(node, card, now);
            self.with(topic, now, |tree, settings| {
                tree.note(node, false, settings, now);
                Vec::new()
            });
        }
    }

    /// This node can be reached in another way from now on.
    pub fn set_reach(&mut self, reach: Vec<u8>, now: u64) {
        self.card = Card { counter: self.card.counter + 1, reach };
        let card = encode_card(&self.card);
        let topics: Vec<u128> = self.trees.keys().copied().collect();
        for topic in topics {
            let card = card.clone();
            self.with(topic, now, |tree, _| {
                let neighbours: Vec<NodeId> = tree.neighbours().iter().copied().collect();
                let mut wanted = tree.set_card(card, now);
                // Joining anew is how neighbours, and some beyond, learn of it.
                wanted.extend(neighbours.into_iter().flat_map(|node| tree.join(Some(node), now)));
                wanted
            });
        }
    }

    /// A node's connection broke, or it could not be reached.
    pub fn lost(&mut self, node: NodeId, now: u64) {
        self.quotas.remove(&node);
        let topics: Vec<u128> = self.trees.keys().copied().collect();
        for topic in topics {
            self.with(topic, now, |tree, settings| tree.lost(node, settings, now));
        }
    }

    /// A connection that nobody needs was closed; the node is still there.
    pub fn closed(&mut self, node: NodeId, now: u64) {
        self.quotas.remove(&node);
        if self.needs(node) {
            self.lost(node, now);
        }
    }

    /// Whether a node is a neighbour in any topic, so that the connection to it is to stay.
    #[must_use]
    pub fn needs(&self, node: NodeId) -> bool {
        self.trees.values().any(|tree| tree.neighbours().contains(&node))
    }

    /// The neighbours in a topic.
    pub fn neighbours(&self, topic: u128) -> impl Iterator<Item = NodeId> {
        self.trees.get(&topic).into_iter().flat_map(|tree| tree.neighbours().iter().copied())
    }

    /// The node along whose tree a topic's payloads go, as far as this one knows; `None` while there is none.
    #[must_use]
    pub fn root(&self, topic: u128) -> Option<NodeId> {
        self.trees.get(&topic)?.spread.root()
    }

    /// How a node can be reached, as it told last.
    #[must_use]
    pub fn reach(&self, node: NodeId) -> Option<&[u8]> {
        self.book.get(node).map(|card| card.reach.as_slice())
    }

    /// How many nodes are in the address book.
    #[must_use]
    pub fn known(&self) -> usize {
        self.book.len()
    }

    /// Takes in what another node sent. What a topic gets that this node does not take part in is nothing to it.
    ///
    /// # Errors
    /// When it is damaged or beyond the bounds; the connection is not worth keeping then.
    pub fn received(&mut self, from: NodeId, bytes: &[u8], now: u64) -> Result<(), Malformed> {
        let (topic, frame) = wire::decode(bytes)?;
        if from == self.me || !self.trees.contains_key(&topic) {
            return Ok(());
        }
        match frame {
            Frame::Direct(payload) => {
                self.deliver(topic, from, payload, now);
                Ok(())
            }
            Frame::Membership(swarm) => self.membership(topic, from, swarm, now),
            Frame::Tree(word) => {
                self.word(topic, from, &word, now);
                Ok(())
            }
        }
    }

    fn word(&mut self, topic: u128, from: NodeId, word: &Word<'_>, now: u64) {
        let announced = if let Word::Names(names) = word { names.len() } else { 0 };
        if !self.within_quota(from, announced, matches!(word, Word::Payloads(_)), now) {
            return;
        }
        let (kept, settings) = (&mut self.kept, &self.settings);
        let Some(spread) = self.trees.get_mut(&topic).map(|tree| &mut tree.spread) else { return };
        match word {
            Word::Payloads(payloads) => {
                spread.came(from, payloads, settings, now, |bytes| kept.takes(bytes, settings, now));
            }
            Word::Names(names) => spread.named(from, names, settings, now),
            Word::Ask(names) => spread.asked(from, names, settings),
            Word::Wants(wants) => spread.wants(from, *wants),
            Word::Beacon(beacon) => spread.heard_root(from, beacon, now),
        }
        self.carry(topic, now);
    }

    /// Takes from a topic's tree what it has for others, and what has come for this node.
    fn carry(&mut self, topic: u128, now: u64) {
        let Some(tree) = self.trees.get_mut(&topic) else { return };
        let (out, delivered) = (tree.spread.take_out(), tree.spread.take_delivered());
        self.out.extend(out.into_iter().map(|(to, bytes, push)| Output::Send { to, bytes, push }));
        for (from, payload) in delivered {
            self.deliver(topic, from, &payload, now);
        }
        self.plan(topic);
    }

    fn membership(&mut self, topic: u128, from: NodeId, mut swarm: Swarm, now: u64) -> Result<(), Malformed> {
        if !self.within_quota(from, 0, false, now) {
            return Ok(());
        }
        self.note_cards(topic, from, &mut swarm, now)?;
        let free = self.trees.get(&topic).is_some_and(|tree| tree.has_place(&self.settings));
        if matches!(swarm, Swarm::ShuffleReply(_)) && free && self.settings.nudge_ms > 0 {
            // The library asks somebody for a place at once, and who has none answers by the next such reply: that would
            // go on without a pause. So they are offered to it one after the other, in our own time.
            self.with(topic, now, |tree, settings| {
                tree.later(settings, now);
                Vec::new()
            });
            return Ok(());
        }
        let asks = matches!(swarm, Swarm::Neighbour(..));
        let message = swarm.message()?;
        self.with(
            topic,
            now,
            |tree, _| {
                if asks { tree.asked(from, message, now) } else { tree.received(from, message, now) }
            },
        );
        Ok(())
    }

    /// Notes who is named, and puts the latest card of each in the place of what was sent.
    fn note_cards(&mut self, topic: u128, from: NodeId, swarm: &mut Swarm, now: u64) -> Result<(), Malformed> {
        match swarm {
            Swarm::Join(data) | Swarm::Neighbour(_, data) => self.note_node(topic, from, true, data, now),
            Swarm::ForwardJoin(Info { id, data }, _) => self.note_node(topic, (*id).into(), false, data, now),
            Swarm::Shuffle(_, nodes, _) | Swarm::ShuffleReply(nodes) => {
                for Info { id, data } in nodes {
                    self.note_node(topic, (*id).into(), false, data, now)?;
                }
                Ok(())
            }
            Swarm::Disconnect(alive, _) => {
                if !*alive && let Some(tree) = self.trees.get_mut(&topic) {
                    tree.left(from);
                    self.plan(topic);
                }
                Ok(())
            }
        }
    }

    fn note_node(
        &mut self,
        topic: u128,
        node: NodeId,
        itself: bool,
        data: &mut Option<Vec<u8>>,
        now: u64,
    ) -> Result<(), Malformed> {
        if node == self.me {
            *data = Some(encode_card(&self.card));
            return Ok(());
        }
        let mut news = itself;
        if let Some(bytes) = data.as_ref() {
            news |= self.note_card(node, decode_card(bytes).ok_or(Malformed)?, now);
        }
        *data = self.book.get(node).map(encode_card);
        self.with(topic, now, |tree, settings| {
            tree.note(node, news, settings, now);
            Vec::new()
        });
        Ok(())
    }

    fn note_card(&mut self, node: NodeId, card: Card, now: u64) -> bool {
        let news = self.book.note(node, card);
        let trees = &self.trees;
        let surplus = self.book.surplus(|node| trees.values().all(|tree| !tree.neighbours().contains(&node)));
        if let Some(node) = surplus {
            self.book.forget(node);
            let topics: Vec<u128> = self.trees.keys().copied().collect();
            for topic in topics {
                self.with(topic, now, |tree, _| tree.forget(node, now));
            }
        }
        news
    }

    fn within_quota(&mut self, from: NodeId, announced: usize, payload: bool, now: u64) -> bool {
        let quota = self.quotas.entry(from).or_default();
        if now >= quota.since + 1000 {
            *quota = Quota { since: now, ..Quota::default() };
        }
        quota.announced += announced;
        quota.control += usize::from(announced == 0 && !payload);
        quota.control <= CONTROL_PER_SECOND && quota.announced <= ANNOUNCED_PER_SECOND
    }

    /// Does what is due.
    pub fn tick(&mut self, now: u64) {
        while let Some(first) = self.alarms.first_entry()
            && first.key().0 <= now
        {
            let (topic, alarm) = first.remove();
            self.with(topic, now, |tree, _| tree.alarm(alarm, now));
        }
        while let Some(&(at, topic)) = self.seeks.first()
            && at <= now
        {
            self.seek(topic, now);
        }
        self.search_if_due(now);
    }

    fn seek(&mut self, topic: u128, now: u64) {
        let Some(tree) = self.trees.get_mut(&topic) else { return };
        tree.spread.tick(tree.complete(), &self.settings, now);
        let (offered, again) = tree.seek(&self.settings, now);
        if offered.is_empty() && again.is_empty() {
            return self.carry(topic, now);
        }
        let infos =
            offered.into_iter().map(|node| Info { id: node.into(), data: self.book.get(node).map(encode_card) });
        // The library has no other way to be offered nodes than a reply, which can as well come from ourselves.
        let reply = Swarm::ShuffleReply(infos.collect()).message();
        let me = self.me;
        self.with(topic, now, |tree, _| {
            let mut wanted = reply.map(|reply| tree.received(me, reply, now)).unwrap_or_default();
            wanted.extend(again.into_iter().flat_map(|node| tree.join(Some(node), now)));
            wanted
        });
    }

    /// When [`Overlay::tick`] is next of use.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        let alarm = self.alarms.keys().next().map(|&(at, _)| at);
        let search = self.search.as_ref().map(|search| search.at);
        [alarm, self.seeks.first().map(|&(at, _)| at), search].into_iter().flatten().min()
    }

    /// What is to be done next, if anything.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Lets a topic's tree do something, and carries out what it wants.
    fn with(&mut self, topic: u128, now: u64, act: impl FnOnce(&mut Tree, &Settings) -> Vec<Wanted>) {
        let Some(tree) = self.trees.get_mut(&topic) else { return };
        for wanted in act(tree, &self.settings) {
            match wanted {
                OutEvent::SendMessage(to, message) => {
                    let (to, bytes) = (to.into(), wire::encode(topic, &message));
                    if wire::asks(&bytes)
                        && let Some(alarm) = tree::overdue(to, self.base)
                    {
                        // Not for every question has the library an end.
                        self.schedule(topic, u128::from(self.settings.answer_ms), alarm, now);
                    }
                    if to != self.me {
                        self.out.push_back(Output::Send { to, bytes, push: false });
                    }
                }
                OutEvent::EmitEvent(event) => self.event(topic, &event, now),
                OutEvent::ScheduleTimer(pause, alarm) => self.schedule(topic, pause.as_millis(), alarm, now),
                // Cards are noted before the library sees them, and whether a connection is to stay says `needs`.
                OutEvent::PeerData(..) | OutEvent::DisconnectPeer(_) => {}
            }
        }
        self.carry(topic, now);
    }

    /// Notes when a topic is to seek neighbours.
    fn plan(&mut self, topic: u128) {
        let at = self.trees.get(&topic).and_then(|tree| tree.due(&self.settings));
        let before = self.seek_at.get(&topic).copied();
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.seeks.remove(&(before, topic));
            self.seek_at.remove(&topic);
        }
        if let Some(at) = at {
            self.seeks.insert((at, topic));
            self.seek_at.insert(topic, at);
        }
    }

    fn schedule(&mut self, topic: u128, pause: u128, alarm: Alarm, now: u64) {
        let mut pause = u64::try_from(pause).unwrap_or(u64::MAX);
        if pause == self.settings.shuffle_ms
            && let Some(tree) = self.trees.get_mut(&topic)
        {
            pause = tree.shuffle_pause(&self.settings);
        }
        self.last_alarm += 1;
        self.alarms.insert((now.saturating_add(pause), self.last_alarm), (topic, alarm));
    }

    fn event(&mut self, topic: u128, event: &Event<Id>, now: u64) {
        let Some(tree) = self.trees.get_mut(&topic) else { return };
        match event {
            Event::NeighborUp(node) => {
                let node = (*node).into();
                tree.up(node, &self.settings, now);
                self.out.push_back(Output::NeighbourUp { topic, node });
            }
            Event::NeighborDown(node) => {
                let node = (*node).into();
                tree.down(node, &self.settings, now);
                let alone = tree.neighbours().is_empty();
                self.out.push_back(Output::NeighbourDown { topic, node });
                if alone {
                    self.alone(topic, now);
                }
            }
            // Payloads go another way.
            Event::Received(_) => {}
        }
    }
}
