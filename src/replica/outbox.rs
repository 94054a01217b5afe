//! Updates of this node's own that only itself will bring to a server: those of a client, which nobody asks for what it has,
//! and those of topics that this node does not take, which it does not compare with anybody.
//!
//! They are sent when they are made, as all are, and kept until a server has said that it has them; until then the oldest go
//! out again now and then, to one server after another.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::replica::Limit;
use crate::replica::Out;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::Role;
use crate::replica::group;
use crate::replica::lanes::Claims;
use crate::replica::message::Message;
use crate::replica::state::Event;
use crate::replica::wire;

/// See the module.
#[derive(Default)]
pub(crate) struct Outbox {
    /// By lane, oldest first, without gaps.
    lanes: BTreeMap<ReplicaIndex, VecDeque<Event>>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub(crate) fn push(&mut self, event: Event) {
        let lane = self.lanes.entry(event.dot.replica()).or_default();
        if lane.back().is_none_or(|last| last.dot < event.dot) {
            lane.push_back(event);
        }
    }

    /// A server has the updates of a lane up to this one. Says whether that was news.
    pub(crate) fn acknowledged(&mut self, lane: ReplicaIndex, sequence: u64) -> bool {
        let Some(events) = self.lanes.get_mut(&lane) else { return false };
        let before = events.len();
        while events.front().is_some_and(|event| event.dot.sequence() <= sequence) {
            events.pop_front();
        }
        let news = events.len() < before;
        if events.is_empty() {
            self.lanes.remove(&lane);
        }
        news
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
        let Some(own) = self.own.get(&topic) else { return Ok(Vec::new()) };
        let newest = self.state.vector().get(own.index);
        let events = self.state.log.tail_of(own.index, own.acknowledged);
        let complete = events.len() as u64 == newest.saturating_sub(own.acknowledged);
        if complete || self.outbox.lanes.contains_key(&own.index) {
            return Ok(events.into_iter().cloned().collect());
        }
        Err(Limit::Unacknowledged { updates: newest - own.acknowledged })
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
        let first = self.outbox.lanes.get(&lane).and_then(VecDeque::front).map(|event| event.dot.sequence());
        let Some(first) = first.filter(|first| height + 1 < *first) else { return };
        // Once for each height, until the next round: it may lack what these come after, too.
        let tried = self.peers.get_mut(&to).and_then(|peer| peer.filled.insert(lane, height));
        if tried == Some(height) {
            return;
        }
        let missing = self.state.log.tail_of(lane, height);
        if missing.first().is_none_or(|event| event.dot.sequence() != height + 1) {
            return;
        }
        let missing: Vec<&Event> = missing.into_iter().take_while(|event| event.dot.sequence() < first).collect();
        if let Some(group) = group::groups(&self.state, &missing, self.limits.group_bytes).into_iter().next() {
            self.out.push_back(Out::Send(to, wire::encode(&Message::Push { group })));
        }
    }

    /// Tries again: each time another server.
    pub(crate) fn send_outbox_again(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        self.peers.values_mut().for_each(|peer| peer.filled.clear());
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
            if lane.replica != self.me {
                return Err(RefusalReason::Malformed);
            }
            if height > self.state.issued(lane) {
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
