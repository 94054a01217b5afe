//! Answering a pull: by recent events if these suffice, else by a snapshot of everything that the asker lacks.
//!
//! The snapshot is taken at once, so that all its chunks speak of the same moment, and goes out a few chunks at a time as
//! the asker acknowledges them.

use crate::lattice::dot::Lane;
use crate::lattice::vector::VersionVector;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::group;
use crate::replica::group::PartBuilder;
use crate::replica::lanes::Claims;
use crate::replica::message::Message;
use crate::replica::message::Prints;
use crate::replica::state;
use crate::replica::state::fingerprint;
use crate::replica::wire;

/// After how many milliseconds without a word the asker is taken to have given up.
const IDLE_MS: u64 = 10_000;

/// A snapshot on its way to a peer.
pub(crate) struct Serving {
    session: u64,
    chunks: Vec<Vec<u8>>,
    acknowledged: usize,
    sent: usize,
    active: u64,
}

impl Replica {
    /// A message with the first `most` of the recent updates here that a node that has seen `seen` lacks, its dependencies
    /// first; more where a transaction would be cut. `None` when there are none, or when they are no longer told one by one,
    /// or too many for one message.
    #[must_use]
    pub fn updates_above(&self, seen: &[(Lane, u64)], most: usize) -> Option<Vec<u8>> {
        let mut base = VersionVector::new();
        for &(lane, sequence) in seen {
            if let Some(replica) = self.state.replicas.find(lane) {
                base.raise(replica, sequence);
            }
        }
        let mut events = self.state.log.between(&base, self.state.vector(), self.limits.group_bytes)?;
        // A transaction is told whole.
        let following = most.checked_sub(1).and_then(|last| events.get(last)).map_or(0, |event| event.following);
        events.truncate(most.saturating_add(following as usize));
        let mut groups = group::groups(&self.state, &events, self.limits.group_bytes);
        match (groups.pop(), groups.is_empty()) {
            (Some(group), true) => Some(wire::encode(&Message::Push { group })),
            _ => None,
        }
    }

    /// Answers a pull from a peer whose vector is `claims`.
    pub(crate) fn serve(
        &mut self,
        peer: PeerId,
        session: u64,
        claims: &Claims,
        prints: &Prints,
        now: u64,
    ) -> Result<(), RefusalReason> {
        let latest = self.peers.get(&peer).map_or(0, |peer| peer.latest_pull);
        let serving = self.peers.get(&peer).and_then(|peer| peer.serving.as_ref());
        if session < latest || serving.is_some_and(|serving| serving.session == session) {
            // The network is late, or doubles.
            return Ok(());
        }
        let base = self.admit(peer, now, |admission| admission.vector(claims))?;
        let ours = self.shared(self.state.vector(), peer);
        let believed = self.believes(peer);
        if let Some(asker) = self.peers.get_mut(&peer) {
            if believed {
                asker.claims.join(&base);
            }
            if !self.state.has_topics() {
                asker.digest = Some(state::digest(&self.state.replicas, &base));
            }
            asker.latest_pull = session;
            asker.serving = None;
        }
        if believed && base.exceeds(self.state.vector()) {
            let at = now + self.limits.grace_ms;
            self.pull_at = Some(self.pull_at.map_or(at, |before| before.min(at)));
        }
        let recent = self.state.log.between(&base, &ours, self.limits.group_bytes / 2);
        let groups = recent.map(|events| group::groups(&self.state, &events, self.limits.group_bytes));
        if let Some(mut groups) = groups.filter(|groups| groups.len() <= 1) {
            let group = groups.pop().unwrap_or_default();
            self.send(peer, &Message::Events { session, group });
            return Ok(());
        }
        if *prints == Prints::Unsent {
            self.send(peer, &Message::AskPrints { session });
            return Ok(());
        }
        if self.peers.values().filter(|peer| peer.serving.is_some()).count() >= self.limits.serving_max {
            self.send(peer, &Message::Busy { session });
            return Ok(());
        }
        self.last_snapshot += 1;
        let chunks = self.snapshot(session, self.last_snapshot, &base, &ours, prints);
        if let Some(asker) = self.peers.get_mut(&peer) {
            asker.serving = Some(Serving { session, chunks, acknowledged: 0, sent: 0, active: now });
        }
        self.send_chunks(peer);
        Ok(())
    }

    /// Everything that a peer with vector `base` lacks of what `ours` covers, as messages.
    fn snapshot(
        &self,
        session: u64,
        snapshot: u64,
        base: &VersionVector,
        ours: &VersionVector,
        prints: &Prints,
    ) -> Vec<Vec<u8>> {
        let state = &self.state;
        let mut parts = PartBuilder::new(state, self.limits.group_bytes);
        for (replica, sequence) in ours.iter() {
            if sequence > base.get(replica) || base.get(replica) > 0 {
                parts.height(replica, sequence);
            }
        }
        match prints {
            Prints::Unsent => {}
            Prints::Listed { nonce, lanes, prints } => {
                for (&lane, prints) in lanes.0.iter().zip(prints.iter()) {
                    let Some(replica) = state.replicas.find(lane).filter(|lane| ours.get(*lane) > 0) else { continue };
                    for &(number, print) in prints.iter() {
                        let ours = state.store.bitmap(replica, u64::from(number));
                        let ours = ours.up_to(u64::from(number), base.get(replica));
                        if fingerprint(*nonce, lane, u64::from(number), &ours) != print {
                            parts.block(replica, u64::from(number), &ours);
                        }
                    }
                }
            }
            Prints::All => {
                for (replica, sequence) in base.iter() {
                    for (number, bitmap) in state.store.blocks(replica) {
                        parts.block(replica, number, &bitmap.up_to(number, sequence));
                    }
                }
            }
        }
        for (replica, sequence) in ours.iter() {
            for (dot, entry) in state.store.range(replica, base.get(replica), sequence) {
                parts.entry(dot, entry);
            }
        }
        let parts = parts.finish();
        let last = parts.len() - 1;
        (0..)
            .zip(parts)
            .map(|(index, part)| {
                let last = index as usize == last;
                wire::encode(&Message::Chunk { session, snapshot, index, last, part: Box::new(part) })
            })
            .collect()
    }

    fn send_chunks(&mut self, peer: PeerId) {
        let Some(serving) = self.peers.get_mut(&peer).and_then(|peer| peer.serving.as_mut()) else { return };
        let to = (serving.acknowledged + self.limits.window_chunks as usize).min(serving.chunks.len());
        for chunk in serving.chunks.iter().take(to).skip(serving.sent) {
            self.out.push_back(crate::replica::Out::Send(peer, chunk.clone()));
        }
        serving.sent = serving.sent.max(to);
    }

    /// The asker has got the chunks below `next`.
    pub(crate) fn serve_on(&mut self, peer: PeerId, session: u64, next: u32, again: bool, now: u64) {
        let known = self.peers.get_mut(&peer);
        let Some(serving) = known.and_then(|peer| peer.serving.as_mut()).filter(|serving| serving.session == session)
        else {
            if again {
                self.send(peer, &Message::Busy { session });
            }
            return;
        };
        serving.acknowledged = serving.acknowledged.max(next as usize);
        serving.active = now;
        if again {
            serving.sent = serving.acknowledged;
        }
        if serving.acknowledged >= serving.chunks.len() {
            if let Some(peer) = self.peers.get_mut(&peer) {
                peer.serving = None;
            }
        } else {
            self.send_chunks(peer);
        }
    }

    /// Forgets snapshots that nobody asks for any longer.
    pub(crate) fn end_idle_servings(&mut self, now: u64) {
        for peer in self.peers.values_mut() {
            if peer.serving.as_ref().is_some_and(|serving| now > serving.active + IDLE_MS) {
                peer.serving = None;
            }
        }
    }
}
