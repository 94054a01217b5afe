//! Updates of this node's own that only itself will bring to a server: those of a client, which nobody asks for what it has,
//! and those of topics that this node does not take, which it does not compare with anybody.
//!
//! They belong to the node, not to the incarnation: with its data, what an earlier one had not brought to a server the next one does,
//! and what a server had lately it asks about once more.
//!
//! They are sent when they are made, as all are, and kept until a server has said that it has them; until then the oldest go
//! out again now and then, to one server after another.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::lattice::vector::VersionVector;
use crate::replica::Limit;
use crate::replica::Out;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::Role;
use crate::replica::gossip::Peer;
use crate::replica::group;
use crate::replica::journal::Journal;
use crate::replica::lanes::Claims;
use crate::replica::message::Message;
use crate::replica::state::Event;
use crate::replica::state::Update;
use crate::replica::wire;

/// How many updates that a server has said to have are remembered, and about how many bytes of them: it may be lost before it has
/// told anybody.
const RECENT_EVENTS_MAX: usize = 1 << 14;
const RECENT_BYTES_MAX: usize = 4 << 20;
/// For how many rounds a server may lack what is not here any longer before that is told: it may get it from another one.
const GAP_ROUNDS: u64 = 10;

/// See the module.
#[derive(Default)]
pub(crate) struct Outbox {
    /// By lane, oldest first, without gaps.
    lanes: BTreeMap<ReplicaIndex, VecDeque<Event>>,
    /// Those that have been acknowledged lately.
    recent: BTreeMap<ReplicaIndex, VecDeque<Event>>,
    recent_events: usize,
    recent_bytes: usize,
    /// Lanes of which some server was found to lack what nobody here has.
    gaps_told: BTreeSet<ReplicaIndex>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub(crate) fn push(&mut self, event: Event, journal: Option<&mut Journal>) {
        let lane = self.lanes.entry(event.dot.replica()).or_default();
        if lane.back().is_none_or(|last| last.dot < event.dot) {
            if let Some(journal) = journal {
                journal.keep(event.dot);
            }
            lane.push_back(event);
        }
    }

    /// The event of a dot, if it is kept, or was lately.
    pub(crate) fn find(&self, dot: Dot) -> Option<&Event> {
        [&self.lanes, &self.recent].into_iter().find_map(|lanes| {
            let events = lanes.get(&dot.replica())?;
            let place = dot.sequence().checked_sub(events.front()?.dot.sequence())?;
            events.get(usize::try_from(place).ok()?)
        })
    }

    /// All events that are kept, or were lately; those of a lane in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Event> {
        let of = |lane| [&self.recent, &self.lanes].into_iter().filter_map(move |lanes| lanes.get(&lane)).flatten();
        self.lanes().into_iter().flat_map(of)
    }

    /// As before this process began, the events of a lane up to this one are forgotten.
    pub(crate) fn forget_until(&mut self, dot: Dot) {
        let Some(events) = self.lanes.get_mut(&dot.replica()) else { return };
        while events.pop_front_if(|event| event.dot <= dot).is_some() {}
        if events.is_empty() {
            self.lanes.remove(&dot.replica());
        }
    }

    /// The lanes of which something is kept, or was lately.
    pub(crate) fn lanes(&self) -> BTreeSet<ReplicaIndex> {
        self.lanes.keys().chain(self.recent.keys()).copied().collect()
    }

    /// A server has the updates of a lane up to this one. Says whether that was news.
    pub(crate) fn acknowledged(&mut self, lane: ReplicaIndex, sequence: u64, journal: Option<&mut Journal>) -> bool {
        let Some(events) = self.lanes.get_mut(&lane) else { return false };
        let mut news = false;
        while let Some(event) = events.pop_front_if(|event| event.dot.sequence() <= sequence) {
            self.recent_bytes += event.bytes as usize;
            self.recent_events += 1;
            self.recent.entry(lane).or_default().push_back(event);
            news = true;
        }
        if events.is_empty() {
            self.lanes.remove(&lane);
        }
        self.trim_recent(lane, journal);
        news
    }

    /// Keeps the bounds: the oldest of this lane go, or of another when there are none.
    fn trim_recent(&mut self, lane: ReplicaIndex, mut journal: Option<&mut Journal>) {
        while self.recent_events > RECENT_EVENTS_MAX || self.recent_bytes > RECENT_BYTES_MAX {
            let from = if self.recent.contains_key(&lane) { Some(lane) } else { self.recent.keys().next().copied() };
            let Some(events) = from.and_then(|from| self.recent.get_mut(&from)) else { return };
            if let Some(event) = events.pop_front() {
                self.recent_events -= 1;
                self.recent_bytes -= event.bytes as usize;
                if let Some(journal) = &mut journal {
                    journal.keep(event.dot);
                }
            }
            if events.is_empty() {
                self.recent.retain(|_, events| !events.is_empty());
            }
        }
    }

    /// The updates of a lane that are kept, oldest first.
    pub(crate) fn unacknowledged_updates_of(&self, lane: ReplicaIndex) -> Vec<Update> {
        let mut updates: Vec<Update> = Vec::new();
        let mut following = 0;
        for event in self.lanes.get(&lane).into_iter().flatten().cloned() {
            let before = std::mem::replace(&mut following, event.following);
            match updates.last_mut().filter(|_| before > 0) {
                Some(update) => update.rest.push(event),
                None => updates.push(Update { event, rest: Vec::new() }),
            }
        }
        updates
    }

    /// What comes right after `height` of a lane and was acknowledged, in order; nothing when a part of that is not here any more.
    fn acknowledged_above(&self, lane: ReplicaIndex, height: u64) -> Vec<&Event> {
        let of_lane = self.recent.get(&lane).into_iter().flatten();
        let above: Vec<&Event> = of_lane.skip_while(|event| event.dot.sequence() <= height).collect();
        if above.first().is_some_and(|first| first.dot.sequence() == height + 1) { above } else { Vec::new() }
    }

    /// How many updates of a lane are not kept any longer that come after `height`.
    fn gone_above(&self, lane: ReplicaIndex, height: u64) -> u64 {
        let kept = self.recent.get(&lane).into_iter().chain(self.lanes.get(&lane)).flatten();
        let next = kept.map(|event| event.dot.sequence()).find(|&sequence| sequence > height);
        next.map_or(0, |next| next - height - 1)
    }

    /// The oldest events of a lane, of about so many bytes; a transaction is not cut.
    fn oldest(&self, lane: ReplicaIndex, bytes_max: usize) -> Vec<&Event> {
        let (mut oldest, mut bytes, mut following) = (Vec::new(), 0, 0);
        for event in self.lanes.get(&lane).into_iter().flatten() {
            if following == 0 && bytes > 0 && bytes + event.bytes as usize > bytes_max {
                break;
            }
            (bytes, following) = (bytes + event.bytes as usize, event.following);
            oldest.push(event);
        }
        oldest
    }
}

impl Replica {
    /// Whether updates of a topic are kept until a server has them.
    pub(crate) fn keeps_until_acknowledged(&self, topic: TopicId) -> bool {
        self.role == Role::Client || !self.interest.takes(topic)
    }

    /// How many updates of this node no server is known to have, as far as they are kept for that.
    #[must_use]
    pub fn unacknowledged_updates(&self) -> usize {
        self.outbox.lanes.values().map(VecDeque::len).sum()
    }

    /// The updates of a topic that this node has made and that no server is known to have.
    pub(crate) fn unacknowledged(&self, topic: TopicId) -> Result<Vec<Event>, Limit> {
        self.others_have(topic)?;
        let Some(own) = self.own.get(&topic) else { return Ok(Vec::new()) };
        let newest = self.state.vector().get(own.index);
        let events = self.state.log.tail_of(own.index, own.acknowledged);
        let complete = events.len() as u64 == newest.saturating_sub(own.acknowledged);
        if complete || self.outbox.lanes.contains_key(&own.index) {
            return Ok(events.into_iter().cloned().collect());
        }
        Err(Limit::Unacknowledged { updates: newest - own.acknowledged })
    }

    /// Whether what is here of a topic, whoever made it, is known to servers that are connected and take it: this node may be
    /// the last that has it. What it has made itself and no server has is kept, and does not count. A client has nothing of
    /// others that it did not get from a server.
    fn others_have(&self, topic: TopicId) -> Result<(), Limit> {
        if self.keeps_until_acknowledged(topic) {
            return Ok(());
        }
        let mut alone = 0;
        for (lane, index) in self.state.replicas.of_topic(topic) {
            let own = self.own.get(&topic).filter(|own| lane.replica == self.me && own.index == index);
            let height = own.map_or(self.state.vector().get(index), |own| own.acknowledged);
            let has = |id: &PeerId, peer: &Peer| {
                peer.role == Role::Server && (peer.claims.get(index) >= height || self.agrees(*id))
            };
            if height > 0 && !self.peers.iter().any(|(id, peer)| peer.mutual.takes(topic) && has(id, peer)) {
                alone += height;
            }
        }
        if alone > 0 { Err(Limit::Unacknowledged { updates: alone }) } else { Ok(()) }
    }

    /// Whether some server is known to have all that is kept and that a peer takes.
    pub(crate) fn brought(&self, peer: PeerId) -> bool {
        let Some(peer) = self.peers.get(&peer) else { return false };
        peer.role != Role::Server
            || self.outbox.lanes.keys().all(|&lane| !peer.mutual.takes(self.state.replicas.topic(lane)))
    }

    /// Sends the oldest updates that are kept to a server that takes them.
    pub(crate) fn send_outbox(&mut self, to: PeerId) {
        let Some(peer) = self.peers.get(&to).filter(|peer| peer.role == Role::Server) else { return };
        for &lane in self.outbox.lanes.keys() {
            if !peer.mutual.takes(self.state.replicas.topic(lane)) {
                continue;
            }
            let oldest = self.outbox.oldest(lane, self.limits.group_bytes);
            for group in group::groups(&self.state, &oldest, self.limits.group_bytes) {
                self.out.push_back(Out::Send(to, wire::encode(&Message::Push { group })));
            }
        }
    }

    /// A server lacks updates that another one had said to have, and may have been lost with: they are sent once more, as far
    /// as they are among the recent ones. Without them it could not take the later ones.
    fn fill_gap(&mut self, to: PeerId, lane: ReplicaIndex, height: u64) {
        let missing = self.outbox.acknowledged_above(lane, height);
        if missing.is_empty() {
            return;
        }
        // Once for each height, until the next round: it may lack what these come after, too.
        let tried = self.peers.get_mut(&to).and_then(|peer| peer.filled.insert(lane, height));
        if tried == Some(height) {
            return;
        }
        let first = group::groups(&self.state, &missing, self.limits.group_bytes).into_iter().next();
        if let Some(group) = first {
            self.out.push_back(Out::Send(to, wire::encode(&Message::Push { group })));
        }
    }

    /// A server's vector says how far it has what only this node brings. What another server has said to have it gets from that
    /// one as a rule; only when it still lacks it a round later, from here.
    pub(crate) fn fill_gaps_of(&mut self, peer: PeerId, vector: &VersionVector, now: u64) {
        for lane in self.outbox.lanes() {
            let (height, ours) = (vector.get(lane), self.state.vector().get(lane));
            let Some(known) = self.peers.get_mut(&peer) else { return };
            if height >= ours || !known.mutual.takes(self.state.replicas.topic(lane)) {
                known.lacks.remove(&lane);
                continue;
            }
            let (before, since) = *known.lacks.entry(lane).or_insert((height, now));
            if before != height {
                known.lacks.insert(lane, (height, now));
            } else if now >= since + self.limits.round_ms {
                self.fill_gap(peer, lane, height);
                if now >= since + GAP_ROUNDS * self.limits.round_ms {
                    self.tell_gap(peer, lane, height);
                }
            }
        }
    }

    /// Says, once, that a server lacks what this node has no longer: nobody else could tell why it takes nothing new.
    fn tell_gap(&mut self, peer: PeerId, lane: ReplicaIndex, height: u64) {
        let updates = self.outbox.gone_above(lane, height);
        if updates > 0 && self.outbox.gaps_told.insert(lane) {
            self.out.push_back(Out::Gap { peer, updates });
        }
    }

    /// Tries again: each time another server.
    pub(crate) fn send_outbox_again(&mut self) {
        // Also when nothing waits: gaps are filled with what a server had said to have.
        self.peers.values_mut().for_each(|peer| peer.filled.clear());
        if self.outbox.is_empty() {
            return;
        }
        let servers: Vec<PeerId> =
            self.peers.iter().filter(|(_, peer)| peer.role == Role::Server).map(|(id, _)| *id).collect();
        let next = servers.iter().find(|id| Some(**id) > self.last_outbox).or(servers.first()).copied();
        if let Some(next) = next {
            self.last_outbox = Some(next);
            self.send_outbox(next);
        }
    }

    /// Tells a peer how far its own updates are here, where it cannot see that by a vector.
    pub(crate) fn send_have(&mut self, to: PeerId, lanes: &[ReplicaIndex]) {
        let heights = lanes.iter().map(|&lane| (self.state.replicas.lane(lane), self.state.vector().get(lane)));
        let heights: Vec<_> = heights.collect();
        if !heights.is_empty() {
            self.send(to, &Message::Have { heights: Claims(heights) });
        }
    }

    /// A server says how far it has this node's own updates.
    pub(crate) fn receive_have(&mut self, from: PeerId, heights: &Claims) -> Result<(), RefusalReason> {
        if self.peers.get(&from).is_none_or(|peer| peer.role != Role::Server) {
            return Ok(());
        }
        let mut news = false;
        for &(lane, height) in &heights.0 {
            if lane.replica.node() != self.me.node() {
                return Err(RefusalReason::Malformed);
            }
            // Of its earlier runs it may have forgotten what is of a topic that it has given up since.
            if lane.replica == self.me && height > self.state.issued(lane) {
                return Err(RefusalReason::IdentityInUse);
            }
            if let Some(index) = self.state.replicas.find(lane) {
                news |= self.acknowledge(index, height);
                self.fill_gap(from, index, height);
            }
        }
        if news {
            self.send_outbox(from);
        }
        Ok(())
    }
}
