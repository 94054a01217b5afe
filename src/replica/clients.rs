//! Between a client and a server: what each is believed about, what the client's own updates wait for, and when the two have the
//! same although one of them has more.

use std::collections::BTreeSet;

use crate::lattice::dot::Dot;
use crate::lattice::dot::NodeTag;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::lattice::vector::VersionVector;
use crate::replica::PeerId;
use crate::replica::Replica;
use crate::replica::Role;
use crate::replica::gossip::Peer;
use crate::replica::state::Update;

/// An update that its author brings again and again, and that waits for what it removes.
pub(crate) struct Waiting {
    dot: Dot,
    since: u64,
    /// When it was in vain: until when the author's others do not wait.
    vain_until: u64,
}

impl Replica {
    /// The lanes of our updates: those of this incarnation, and those of which something is to be brought to a server.
    pub(crate) fn own_lanes(&self) -> BTreeSet<ReplicaIndex> {
        let mut lanes = self.outbox.lanes();
        lanes.extend(self.own.values().map(|own| own.index));
        lanes
    }

    /// Whether a peer with this vector lacks nothing that it could get from us, nor we from it, one of the two being a client:
    /// what a client has of others nobody takes from it, and when the server that it had it from is gone, it keeps that to itself.
    pub(crate) fn is_level(&self, peer: PeerId, vector: &VersionVector) -> bool {
        let Some(known) = self.peers.get(&peer) else { return false };
        let ours = self.shared(self.state.vector(), peer);
        let same_of = |node: NodeTag| {
            let lanes = ours.iter().chain(vector.iter()).map(|(lane, _)| lane);
            let mut own = lanes.filter(|lane| self.state.replicas.lane(*lane).replica.node() == node);
            own.all(|lane| ours.get(lane) == vector.get(lane))
        };
        match (self.role, known.role) {
            (Role::Client, Role::Server) => {
                // What another server has, this one will get; a server that does not take a topic has nothing of it.
                let beyond = ours.iter().filter(|(lane, height)| *height > vector.get(*lane));
                let topics: BTreeSet<TopicId> = beyond.map(|(lane, _)| self.state.replicas.lane(lane).topic).collect();
                let has_it = |id: &PeerId, other: &Peer| {
                    *id != peer
                        && other.role == Role::Server
                        && topics.iter().any(|topic| other.mutual.takes(*topic))
                        && other.digest == Some(self.digest_for(*id))
                };
                let elsewhere = self.peers.iter().any(|(id, other)| has_it(id, other));
                !vector.exceeds(&ours) && !elsewhere && same_of(self.me.node())
            }
            (Role::Server, Role::Client) => !ours.exceeds(vector) && same_of(known.incarnation.node()),
            _ => false,
        }
    }

    /// A server has one of our lanes up to `height`.
    pub(crate) fn acknowledge(&mut self, lane: ReplicaIndex, height: u64) -> bool {
        if let Some(own) = self.own.values_mut().find(|own| own.index == lane) {
            own.acknowledged = own.acknowledged.max(height);
        }
        self.outbox.acknowledged(lane, height, self.state.journal.as_mut())
    }

    /// Whether a peer has been bringing an update of its own for so long that what it removes would have come.
    pub(crate) fn waits_in_vain(&mut self, peer: PeerId, update: &Update, now: u64) -> bool {
        let (dot, pause) = (update.event.dot, self.limits.round_ms);
        let author = self.state.replicas.lane(dot.replica()).replica.node();
        let known = self.peers.get_mut(&peer).filter(|peer| peer.incarnation.node() == author);
        let Some(known) = known.filter(|_| self.state.is_next(update) && !self.state.ready(update)) else {
            return false;
        };
        let waiting = known.waiting.entry(dot.replica()).or_insert(Waiting { dot, since: now, vain_until: 0 });
        if now < waiting.vain_until {
            // What came after it lacks the same, as a rule.
            return true;
        }
        if waiting.dot != dot {
            *waiting = Waiting { dot, since: now, vain_until: 0 };
        }
        let vain = now >= waiting.since + 2 * pause;
        if vain {
            waiting.vain_until = now + 10 * pause;
        }
        vain
    }

    /// The lanes of updates that a peer has made and will not see acknowledged in a vector of ours.
    pub(crate) fn unseen(&self, peer: PeerId, updates: &[Update]) -> Vec<ReplicaIndex> {
        let Some(known) = self.peers.get(&peer) else { return Vec::new() };
        let mut unseen: Vec<ReplicaIndex> = Vec::new();
        for lane in updates.iter().map(|update| update.event.dot.replica()) {
            let of = self.state.replicas.lane(lane);
            let asks = known.role == Role::Client || !known.mutual.takes(of.topic);
            if of.replica.node() == known.incarnation.node() && asks && !unseen.contains(&lane) {
                unseen.push(lane);
            }
        }
        unseen
    }
}
