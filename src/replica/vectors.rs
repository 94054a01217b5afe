//! Vectors between two peers. What one tells the other of its vector has a number, and the other says which it has heard last;
//! so from then on only what has grown since is told. A vector of a thousand replicas of which two write costs what two cost.
//!
//! What was told is compared by number, never guessed: a vector that is put together from parts is exactly the one that its
//! teller had when it told the last part, since vectors only grow and parts older than the last are passed over. Where
//! topics come into it, and with few replicas, all is told each time.

use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::vector::VersionVector;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::Role;
use crate::replica::digest;
use crate::replica::gossip::bring_forward;
use crate::replica::lanes::Claims;
use crate::replica::message::Message;
use crate::replica::message::Telling;
use crate::replica::message::Versions;

/// After how many milliseconds the same vector is told again to a peer whose vector differs.
const VECTOR_AGAIN_MS: u64 = 100;

/// What two peers have told each other of their vectors.
#[derive(Default)]
pub(crate) struct Mentioned {
    /// The number of what it was told last, and our vector then.
    number: u64,
    told: VersionVector,
    /// What it has said to have heard of ours.
    acknowledged: VersionVector,
    /// The number of what it has told last, and its vector then.
    pub(crate) heard: u64,
    theirs: VersionVector,
}

impl Mentioned {
    /// It has heard what it was told with this number.
    pub(crate) fn has_heard(&mut self, number: u64) {
        if number == self.number && number > 0 {
            self.acknowledged.clone_from(&self.told);
        }
    }
}

impl Replica {
    /// Our vector for a peer, as far as it is of interest on both sides: all of it, or what the peer has not heard.
    pub(crate) fn tell(&mut self, to: PeerId) -> (Telling, Claims) {
        let vector = self.shared(self.state.vector(), to);
        let most = self.limits.vector_whole_max;
        let few = vector.iter().take(most.saturating_add(1)).count() <= most;
        let whole = few || self.state.has_topics() || self.versions(to) != Versions::default();
        let Some(peer) = self.peers.get_mut(&to) else { return (Telling::default(), Claims::default()) };
        let known = &mut peer.mentioned;
        let whole = whole || known.acknowledged == VersionVector::new();
        let grown = |lane: ReplicaIndex, height: u64| whole || height > known.acknowledged.get(lane);
        let lanes = vector.iter().filter(|&(lane, height)| grown(lane, height));
        let mut claims: Vec<(Lane, u64)> =
            lanes.map(|(lane, height)| (self.state.replicas.lane(lane), height)).collect();
        claims.sort_unstable();
        known.number += 1;
        known.told = vector;
        (Telling { number: known.number, heard: known.heard, whole }, Claims(claims))
    }

    /// The vector of a peer that has told it, or what has grown of it; `None` when it has told more since, or what it has told
    /// before is not known.
    pub(crate) fn hear(
        &mut self,
        from: PeerId,
        told: Telling,
        claims: &Claims,
        now: u64,
    ) -> Result<Option<VersionVector>, RefusalReason> {
        let vector = self.admit(from, now, |admission| admission.vector(claims))?;
        let Some(peer) = self.peers.get_mut(&from) else { return Ok(None) };
        let known = &mut peer.mentioned;
        known.has_heard(told.heard);
        if told.number <= known.heard {
            return Ok(None);
        }
        if told.whole {
            known.theirs = vector;
        } else if known.heard == 0 {
            return Ok(None);
        } else {
            known.theirs.join(&vector);
        }
        known.heard = told.number;
        Ok(Some(known.theirs.clone()))
    }

    pub(crate) fn send_vector(&mut self, to: PeerId, now: u64) {
        let (digest, interests) = (self.digest_for(to), self.versions(to));
        let declared = self.declared.len() as u64;
        let (told, vector) = self.tell(to);
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.told = Some(digest);
            peer.told_vector = Some((digest, now));
            peer.wants_vector = false;
            self.send(to, &Message::Vector { told, vector, declared, interests });
        }
    }

    /// Tells a peer whose vector differs what ours is, unless it was told just now.
    pub(crate) fn answer_vector(&mut self, to: PeerId, now: u64) {
        let (digest, pause) = (self.digest_for(to), self.announce_pause());
        let worth = self.is_worth_a_vector(to, now);
        let Some(peer) = self.peers.get_mut(&to) else { return };
        match peer.told_vector {
            // It was told the same just now; should that be lost, there is the next round.
            Some((before, at)) if before == digest && now < at + VECTOR_AGAIN_MS => {}
            Some((_, at)) if now < at + pause => {
                peer.wants_vector = true;
                bring_forward(&mut self.announce_at, at + pause);
            }
            _ if !worth => {
                // The digest of then tells whether anything is missing at all.
                peer.told = None;
                self.wait_for_calm();
            }
            _ => self.send_vector(to, now),
        }
    }

    pub(crate) fn receive_vector(
        &mut self,
        peer: PeerId,
        told: Telling,
        claims: &Claims,
        interests: Versions,
        now: u64,
    ) -> Result<(), RefusalReason> {
        let Some(vector) = self.hear(peer, told, claims, now)? else { return Ok(()) };
        self.look_for_others(peer, &vector);
        let comparable = self.note_versions(peer, interests, now);
        let digest = comparable.then(|| digest::digest(&self.state.replicas, &vector));
        let believed = self.believes(peer);
        let (missing, ahead) =
            (believed && vector.exceeds(self.state.vector()), self.shared(self.state.vector(), peer).exceeds(&vector));
        if believed {
            for lane in self.own_lanes() {
                self.acknowledge(lane, vector.get(lane));
            }
            self.fill_gaps_of(peer, &vector, now);
        }
        let (ours, level) = (self.digest_for(peer), digest.filter(|_| self.is_level(peer, &vector)));
        let level = level.filter(|theirs| *theirs != ours).map(|theirs| (theirs, ours));
        let Some(known) = self.peers.get_mut(&peer) else { return Ok(()) };
        let first = known.digest.is_none() || known.told_vector.is_none();
        (known.digest, known.level) = (digest, level);
        if believed {
            known.claims.join(&vector);
        }
        if missing {
            let grace = if first { 0 } else { self.grace() };
            self.pull_soon(peer, grace, now);
            if first {
                self.pull_on(now);
            }
        }
        // What is level to us need not be to the other, which cannot tell before it has our vector.
        if ahead || level.is_some() {
            self.answer_vector(peer, now);
        }
        Ok(())
    }

    /// Whether what a peer says of others' updates is believed.
    pub(crate) fn believes(&self, peer: PeerId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.role == Role::Server)
    }
}
