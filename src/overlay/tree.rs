//! One topic: who its neighbours are, and who is known to want it. The one place, with `wire`, that knows the library.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Duration;

use iroh_gossip::proto::HyparviewConfig;
use iroh_gossip::proto::PeerData;
use iroh_gossip::proto::PlumtreeConfig;
use iroh_gossip::proto::topic::Command;
use iroh_gossip::proto::topic::Config;
use iroh_gossip::proto::topic::Event;
use iroh_gossip::proto::topic::InEvent;
use iroh_gossip::proto::topic::Message;
use iroh_gossip::proto::topic::OutEvent;
use iroh_gossip::proto::topic::State;
use iroh_gossip::proto::topic::Timer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::time::Instant;

use crate::overlay::Card;
use crate::overlay::NodeId;
use crate::overlay::Settings;
use crate::overlay::spread::Spread;
use crate::overlay::wire::Id;
use crate::overlay::wire::Info;
use crate::overlay::wire::Swarm;
use crate::overlay::wire::encode_card;

/// The pause between the first shuffles grows up to this.
const EARLY_MS: u64 = 30_000;
/// After so many attempts in vain a node is forgotten.
const ATTEMPTS_MAX: u32 = 60;

/// Tells one timer of the library's from others.
const OVERDUE: Duration = Duration::from_millis(1);

const NEVER: Duration = Duration::from_hours(1 << 20);

/// What the library wants.
pub(super) type Wanted = OutEvent<Id>;
/// A timer of the library's.
pub(super) type Alarm = Timer<Id>;
/// A message of the library's.
pub(super) type Said = Message<Id>;

/// A node that wants this topic.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Since when it could not be reached: how often it was tried, and when it is to be tried again.
    lost: Option<(u32, u64)>,
    /// Whether it was a neighbour once.
    met: bool,
}

/// See the module.
pub(super) struct Tree {
    /// How its payloads travel.
    pub(super) spread: Spread,
    state: State<Id, ChaCha8Rng>,
    /// The library's clock is a type that cannot be made from a number; only differences count.
    base: Instant,
    neighbours: BTreeSet<NodeId>,
    known: BTreeMap<NodeId, Known>,
    /// Those who could not be reached, by when they are to be tried again.
    retries: BTreeSet<(u64, NodeId)>,
    /// When to ask somebody known to become a neighbour, and the pause after that.
    nudge: Option<(u64, u64)>,
    /// How many shuffles there were: the first come sooner.
    shuffles: u32,
    /// Who was offered a place last.
    offered: NodeId,
}

impl Tree {
    pub(super) fn new(me: NodeId, card: &Card, topic: u128, settings: &Settings, seed: u64, base: Instant) -> Tree {
        // A topic's choices do not depend on which others there are.
        let mut start = [0; 32];
        start[..8].copy_from_slice(&seed.to_le_bytes());
        start[8..24].copy_from_slice(&topic.to_le_bytes());
        let mut random = ChaCha8Rng::from_seed(start);
        let spread = Spread::new(me, topic, card.counter, random.next_u64());
        let state = State::with_rng(me.into(), Some(PeerData::new(encode_card(card))), config(settings), random);
        let (neighbours, known, retries) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Tree { spread, state, base, neighbours, known, retries, nudge: None, shuffles: 0, offered: 0 }
    }

    pub(super) fn neighbours(&self) -> &BTreeSet<NodeId> {
        &self.neighbours
    }

    fn handle(&mut self, event: InEvent<Id>, now: u64) -> Vec<Wanted> {
        self.state.handle(event, self.base + Duration::from_millis(now)).collect()
    }

    pub(super) fn join(&mut self, node: Option<NodeId>, now: u64) -> Vec<Wanted> {
        self.handle(InEvent::Command(Command::Join(node.map(Id::from).into_iter().collect())), now)
    }

    pub(super) fn quit(&mut self, now: u64) -> Vec<Wanted> {
        self.handle(InEvent::Command(Command::Quit), now)
    }

    pub(super) fn set_card(&mut self, card: Vec<u8>, now: u64) -> Vec<Wanted> {
        self.handle(InEvent::UpdatePeerData(PeerData::new(card)), now)
    }

    pub(super) fn received(&mut self, from: NodeId, message: Said, now: u64) -> Vec<Wanted> {
        self.handle(InEvent::RecvMessage(from.into(), message), now)
    }

    /// Somebody asks to be a neighbour, or says yes to being one.
    pub(super) fn asked(&mut self, from: NodeId, message: Said, now: u64) -> Vec<Wanted> {
        let mut wanted = self.received(from, message, now);
        let up =
            |wanted: &Wanted| matches!(wanted, OutEvent::EmitEvent(Event::NeighborUp(node)) if *node == from.into());
        if wanted.iter().any(up) {
            // The library takes its own yes for a question to which no answer will come, and questions that are open count
            // as neighbours: with it a node would stop looking for more at half as many as it may have.
            wanted.extend(self.unanswered(from, now));
        }
        wanted
    }

    /// No answer is to be waited for from a node that was asked to be a neighbour; another is asked, if there is room.
    pub(super) fn unanswered(&mut self, node: NodeId, now: u64) -> Vec<Wanted> {
        overdue(node, self.base).map(|alarm| self.alarm(alarm, now)).unwrap_or_default()
    }

    pub(super) fn alarm(&mut self, alarm: Alarm, now: u64) -> Vec<Wanted> {
        self.handle(InEvent::TimerExpired(alarm), now)
    }

    /// A node's connection broke, or it could not be reached.
    pub(super) fn lost(&mut self, node: NodeId, settings: &Settings, now: u64) -> Vec<Wanted> {
        if let Some(known) = self.known.get(&node) {
            let attempts = known.lost.map_or(0, |(attempts, _)| attempts + 1);
            let pause = (settings.retry_ms << attempts.min(4)).min(settings.retry_max_ms);
            let at = if pause == 0 { u64::MAX } else { now.saturating_add(pause) };
            let known = Known { lost: Some((attempts, at)), ..*known };
            self.set(node, (attempts < ATTEMPTS_MAX).then_some(known));
        }
        // The library gives up when one that it has asked cannot be reached, unless the answer is overdue first.
        let mut wanted = self.unanswered(node, now);
        wanted.extend(self.handle(InEvent::PeerDisconnected(node.into()), now));
        wanted
    }

    /// Forgets a node for good.
    pub(super) fn forget(&mut self, node: NodeId, now: u64) -> Vec<Wanted> {
        self.set(node, None);
        self.handle(InEvent::PeerDisconnected(node.into()), now)
    }

    /// Somebody wants this topic: heard of from itself, or from others.
    pub(super) fn note(&mut self, node: NodeId, itself: bool, settings: &Settings, now: u64) {
        if !self.known.contains_key(&node) {
            if self.known.len() >= settings.known_max {
                let lost = self.known.iter().find(|(_, known)| known.lost.is_some()).map(|(&node, _)| node);
                let first = self.known.keys().copied().find(|node| !self.neighbours.contains(node));
                if let Some(node) = lost.or(first) {
                    self.set(node, None);
                }
            }
            self.set(node, Some(Known::default()));
            if self.has_place(settings) {
                let pause = self.nudge.map_or(settings.nudge_ms, |(_, pause)| pause);
                self.hurry(settings, now);
                self.nudge = self.nudge.map(|(at, _)| (at, pause));
            }
        } else if itself {
            let met = self.known.get(&node).is_some_and(|known| known.met);
            self.set(node, Some(Known { lost: None, met }));
        }
    }

    pub(super) fn left(&mut self, node: NodeId) {
        self.set(node, None);
    }

    fn set(&mut self, node: NodeId, known: Option<Known>) {
        let lost = known.and_then(|known| known.lost);
        let before = match known {
            Some(known) => self.known.insert(node, known),
            None => self.known.remove(&node),
        };
        if let Some((_, at)) = before.and_then(|known| known.lost) {
            self.retries.remove(&(at, node));
        }
        self.retries.extend(lost.map(|(_, at)| (at, node)));
    }

    pub(super) fn up(&mut self, node: NodeId, settings: &Settings, now: u64) {
        if self.neighbours.insert(node) {
            self.spread.up(node, now);
        }
        self.set(node, Some(Known { lost: None, met: true }));
        self.hurry(settings, now);
    }

    pub(super) fn down(&mut self, node: NodeId, settings: &Settings, now: u64) {
        self.neighbours.remove(&node);
        self.spread.down(node);
        self.hurry(settings, now);
    }

    /// Whether another neighbour is welcome.
    pub(super) fn has_place(&self, settings: &Settings) -> bool {
        self.neighbours.len() < settings.neighbours
    }

    /// How many are known to want this topic.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// Whether everybody known is a neighbour: then nothing needs to be passed on. Who was one and is lost has ended as a rule; but who
    /// never was, though others know it, may be there for them alone, as when both are behind address translation.
    pub(super) fn complete(&self) -> bool {
        self.known.iter().all(|(node, known)| known.lost.is_some() && known.met || self.neighbours.contains(node))
    }

    /// Something has changed, or somebody has turned us down: there may be room for another neighbour soon.
    fn hurry(&mut self, settings: &Settings, now: u64) {
        if settings.nudge_ms == 0 {
            return;
        }
        let at = now + settings.nudge_ms;
        let at = self.nudge.map_or(at, |(before, _)| before.min(at));
        self.nudge = Some((at, settings.nudge_ms));
    }

    /// Whether somebody is asked to become a neighbour later.
    pub(super) fn later(&mut self, settings: &Settings, now: u64) {
        if self.nudge.is_none() {
            self.hurry(settings, now);
        }
    }

    /// When [`Tree::seek`], or what its payloads need, is next of use.
    pub(super) fn due(&self, settings: &Settings) -> Option<u64> {
        let retry = self.retries.first().map(|&(at, _)| at).filter(|&at| at < u64::MAX);
        [self.nudge.map(|(at, _)| at), retry, self.spread.due(settings)].into_iter().flatten().min()
    }

    /// Whom to offer as neighbours now, and whom to try to reach again.
    pub(super) fn seek(&mut self, settings: &Settings, now: u64) -> (Vec<NodeId>, Vec<NodeId>) {
        let mut again = Vec::new();
        while let Some(&(at, node)) = self.retries.first()
            && at <= now
        {
            // Whether it can be reached will be told; should it not, there is a next time.
            let known = self.known.get(&node).copied().unwrap_or_default();
            let next = now.saturating_add(settings.retry_max_ms.max(1));
            let attempts = known.lost.map_or(0, |(attempts, _)| attempts);
            self.set(node, Some(Known { lost: Some((attempts, next)), ..known }));
            again.push(node);
        }
        let mut offered = Vec::new();
        if let Some((at, pause)) = self.nudge
            && at <= now
        {
            self.nudge = None;
            if self.has_place(settings) {
                offered = self.candidates(settings);
            }
            if !offered.is_empty() {
                let pause = (pause * 2).min(settings.shuffle_ms);
                self.nudge = Some((now.saturating_add(pause), pause));
            }
        }
        (offered, again)
    }

    /// A few of the nodes that could become neighbours, in turns.
    fn candidates(&mut self, settings: &Settings) -> Vec<NodeId> {
        let after = (Bound::Excluded(self.offered), Bound::Unbounded);
        let turns = self.known.range(after).chain(self.known.range(..=self.offered));
        let fits = turns.filter(|(node, known)| known.lost.is_none() && !self.neighbours.contains(node));
        let offered: Vec<NodeId> = fits.map(|(&node, _)| node).take(settings.neighbours).collect();
        self.offered = offered.last().copied().unwrap_or(self.offered);
        offered
    }

    /// How long until the next shuffle: soon at first, when everybody is new to each other.
    pub(super) fn shuffle_pause(&mut self, settings: &Settings) -> u64 {
        self.shuffles = self.shuffles.saturating_add(1);
        let early = 1000u64 << self.shuffles.min(5);
        if early < EARLY_MS { early.min(settings.shuffle_ms) } else { settings.shuffle_ms }
    }
}

/// The alarm that says that a node has not answered in time whether it will be a neighbour. The library's type for it has no
/// public name, so one comes from a state made for this, which has nobody else to ask.
pub(super) fn overdue(node: NodeId, now: Instant) -> Option<Alarm> {
    let mut config = Config::default();
    config.membership.neighbor_request_timeout = OVERDUE;
    let random = ChaCha8Rng::from_seed([0; 32]);
    let mut state: State<Id, ChaCha8Rng> = State::with_rng((!node).into(), None, config, random);
    let reply = Swarm::ShuffleReply(vec![Info { id: node.into(), data: None }]).message().ok()?;
    let mut wanted = state.handle(InEvent::RecvMessage(node.into(), reply), now);
    wanted.find_map(|wanted| match wanted {
        OutEvent::ScheduleTimer(OVERDUE, alarm) => Some(alarm),
        _ => None,
    })
}

fn config(settings: &Settings) -> Config {
    let membership = HyparviewConfig {
        active_view_capacity: settings.neighbours,
        passive_view_capacity: settings.reserve,
        shuffle_interval: Duration::from_millis(settings.shuffle_ms),
        neighbor_request_timeout: Duration::from_millis(settings.answer_ms),
        ..HyparviewConfig::default()
    };
    // Payloads do not go by the library's tree, so it has nothing to forget.
    let broadcast = PlumtreeConfig { cache_evict_interval: NEVER, ..PlumtreeConfig::default() };
    Config { membership, broadcast, max_message_size: 4096 }
}
