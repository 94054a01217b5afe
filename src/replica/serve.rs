//! Answering a pull: by recent events if these suffice, else by a snapshot of everything that the asker lacks.
//!
//! The snapshot is taken at once, so that all its chunks speak of the same moment, and goes out a few chunks at a time as
//! the asker acknowledges them.

use crate::lattice::dot::Dot;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::vector::VersionVector;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::digest;
use crate::replica::frozen::Frozen;
use crate::replica::frozen::Told;
use crate::replica::group;
use crate::replica::group::PartBuilder;
use crate::replica::lanes::Claims;
use crate::replica::message::LaneUnits;
use crate::replica::message::Message;
use crate::replica::message::Part;
use crate::replica::message::Prints;
use crate::replica::message::Telling;
use crate::replica::prints::first_half;
use crate::replica::prints::scale;
use crate::replica::prints::units;
use crate::replica::state::State;
use crate::replica::wire;

/// After how many milliseconds without a word the asker is taken to have given up.
const IDLE_MS: u64 = 10_000;

/// So many removals are listed in any case, and so many more for each block of the store.
const LISTED_MIN: usize = 4096;
const LISTED_PER_BLOCK: usize = 64;

/// A snapshot on its way to a peer.
pub(crate) struct Serving {
    session: u64,
    snapshot: u64,
    /// What liveness is compared with, if it is.
    frozen: Option<Frozen>,
    /// What goes out after the comparison.
    parts: Vec<Part>,
    /// What goes out.
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
        (told, claims): (Telling, &Claims),
        whole: bool,
        now: u64,
    ) -> Result<(), RefusalReason> {
        let latest = self.peers.get(&peer).map_or(0, |peer| peer.latest_pull);
        let serving = self.peers.get(&peer).and_then(|peer| peer.serving.as_ref());
        if session < latest || serving.is_some_and(|serving| serving.session == session) {
            // The network is late, or doubles.
            return Ok(());
        }
        let heard = self.hear(peer, told, claims, now)?;
        let lanes = if told.whole {
            self.admit(peer, now, |admission| admission.heights(claims))?
        } else {
            // What the asker has is put together from what it told before; later words would make it more than it was.
            let Some(vector) = heard else {
                self.send(peer, &Message::Busy { session });
                return Ok(());
            };
            let sorted = self.state.replicas.sorted().map(|(_, lane)| (lane, vector.get(lane)));
            sorted.filter(|&(_, sequence)| sequence > 0).collect()
        };
        let mut base = VersionVector::new();
        lanes.iter().for_each(|&(lane, sequence)| base.raise(lane, sequence));
        let ours = self.shared(self.state.vector(), peer);
        let believed = self.believes(peer);
        if let Some(asker) = self.peers.get_mut(&peer) {
            if believed {
                asker.claims.join(&base);
            }
            if !self.state.has_topics() {
                asker.digest = Some(digest::digest(&self.state.replicas, &base));
            }
            asker.latest_pull = session;
            asker.serving = None;
        }
        if believed && base.exceeds(self.state.vector()) {
            let grace = self.limits.grace_ms;
            self.pull_soon(peer, grace, now);
        }
        let recent = self.state.log.between(&base, &ours, self.limits.group_bytes / 2);
        let groups = recent.map(|events| group::groups(&self.state, &events, self.limits.group_bytes));
        if let Some(mut groups) = groups.filter(|groups| groups.len() <= 1 && !whole) {
            let group = groups.pop().unwrap_or_default();
            self.send(peer, &Message::Events { session, group });
            return Ok(());
        }
        if self.peers.values().filter(|peer| peer.serving.is_some()).count() >= self.limits.serving_max {
            self.send(peer, &Message::Busy { session });
            return Ok(());
        }
        let lanes: Vec<ReplicaIndex> = lanes.into_iter().map(|(lane, _)| lane).collect();
        self.serve_snapshot(peer, session, (&base, &ours), &lanes, whole, now);
        Ok(())
    }

    /// Everything that a peer with vector `base` lacks of what `ours` covers, after a comparison if it takes one.
    fn serve_snapshot(
        &mut self,
        peer: PeerId,
        session: u64,
        (base, ours): (&VersionVector, &VersionVector),
        lanes: &[ReplicaIndex],
        whole: bool,
        now: u64,
    ) {
        self.last_snapshot += 1;
        let snapshot = self.last_snapshot;
        let state = &self.state;
        let taken = |topic| self.peers.get(&peer).is_some_and(|asker| asker.mutual.takes(topic));
        let cut = |lane: ReplicaIndex| base.get(lane).min(ours.get(lane));
        let blocks = state.store.block_count();
        // So many removals that telling each costs more than comparing are not worth a list.
        let few = |gone: &Vec<Dot>| gone.len() <= LISTED_MIN + LISTED_PER_BLOCK * blocks;
        let gone = if whole { Some(Vec::new()) } else { state.removals.above(base, ours).filter(few) };
        let mut parts = PartBuilder::new(state, self.limits.group_bytes);
        for (lane, sequence) in ours.iter() {
            if sequence > base.get(lane) {
                parts.height(lane, sequence);
            }
        }
        let less = less(base, lanes, cut);
        less.iter().for_each(|&(lane, height)| parts.height(lane, height));
        parts.gone(gone.as_deref().unwrap_or_default());
        if whole {
            put_units(&mut parts, state, lanes, cut);
        }
        for (lane, sequence) in ours.iter() {
            for (dot, entry) in state.store.range(lane, base.get(lane), sequence) {
                parts.entry(dot, entry);
            }
        }
        parts.all_missed(taken);
        let parts = parts.finish();
        let mut serving = Serving {
            session,
            snapshot,
            frozen: None,
            parts,
            chunks: Vec::new(),
            acknowledged: 0,
            sent: 0,
            active: now,
        };
        if gone.is_some() {
            serving.cut();
        } else {
            let nonce = self.nonce(session, snapshot);
            let scale = scale(blocks);
            let mut both = VersionVector::new();
            lanes.iter().for_each(|&lane| both.raise(lane, cut(lane)));
            let frozen = Frozen::new(state, lanes, &both, nonce, scale);
            let mut cuts: Vec<(Lane, u64)> =
                less.into_iter().map(|(lane, height)| (state.replicas.lane(lane), height)).collect();
            cuts.sort_unstable();
            let root = frozen.root().to_le_bytes();
            let scale = u8::try_from(scale).unwrap_or(0);
            serving.frozen = Some(frozen);
            self.send(peer, &Message::Compare { session, snapshot, nonce, root, scale, cuts: Claims(cuts) });
        }
        if let Some(asker) = self.peers.get_mut(&peer) {
            asker.serving = Some(serving);
        }
        self.send_chunks(peer);
    }

    /// A number that no other comparison has had, so that prints that mislead one do not mislead the next.
    fn nonce(&self, session: u64, snapshot: u64) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.me.0.to_le_bytes()).update(&self.state.digest().to_le_bytes());
        hasher.update(&session.to_le_bytes()).update(&snapshot.to_le_bytes());
        (first_half(hasher.finalize()) & u128::from(u64::MAX)).try_into().unwrap_or(0)
    }

    /// The asker says what it has, of what is compared.
    pub(crate) fn serve_prints(
        &mut self,
        peer: PeerId,
        (session, snapshot): (u64, u64),
        prints: Prints,
        now: u64,
    ) -> Result<(), RefusalReason> {
        let asker = self.peers.get_mut(&peer);
        let serving = asker.and_then(|peer| peer.serving.as_mut());
        let Some(serving) = serving.filter(|serving| (serving.session, serving.snapshot) == (session, snapshot)) else {
            return Ok(());
        };
        let Some(frozen) = &serving.frozen else { return Ok(()) };
        serving.active = now;
        match prints {
            Prints::Lanes(prints) => {
                let lanes = frozen.differing(&prints).into();
                self.send(peer, &Message::Differing { session, snapshot, lanes });
            }
            Prints::Unclear(asked) => {
                let asked: Vec<(u32, Vec<u64>)> =
                    asked.0.into_iter().map(|(lane, numbers)| (lane, numbers.0)).collect();
                let lanes = frozen.units(&asked).ok_or(RefusalReason::Malformed)?.into();
                self.send(peer, &Message::Units { session, snapshot, lanes });
            }
            _ if !serving.chunks.is_empty() => {}
            Prints::Same => {
                serving.parts.push(Part { check: Some(frozen.root().to_le_bytes()), ..Part::default() });
                serving.cut();
                self.send_chunks(peer);
            }
            Prints::Units(told) => {
                let answer = frozen.answer(&told).ok_or(RefusalReason::Malformed)?;
                let (mut part, mut bytes) = (Part::default(), 0);
                for differences in answer.differences {
                    bytes += differences.units.len() + 8;
                    part.differences.0.push(differences);
                    if bytes > self.limits.group_bytes {
                        serving.parts.push(std::mem::take(&mut part));
                        bytes = 0;
                    }
                }
                part.check = Some(answer.check.to_le_bytes());
                serving.parts.push(part);
                serving.cut();
                self.send_chunks(peer);
            }
        }
        Ok(())
    }

    fn send_chunks(&mut self, peer: PeerId) {
        let Some(serving) = self.peers.get_mut(&peer).and_then(|peer| peer.serving.as_mut()) else { return };
        if serving.chunks.is_empty() {
            return;
        }
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
        if serving.acknowledged >= serving.chunks.len() && !serving.chunks.is_empty() {
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

/// The lanes of which less is covered here than the asker has, and how much. Of topics that were given up here since it heard which
/// are taken, that is nothing: what is missing of them is not gone.
fn less(base: &VersionVector, lanes: &[ReplicaIndex], cut: impl Fn(ReplicaIndex) -> u64) -> Vec<(ReplicaIndex, u64)> {
    let of_base = base.iter().map(|(lane, height)| (lane, cut(lane), height));
    let lower = of_base.filter(|(_, cut, height)| cut < height).map(|(lane, cut, _)| (lane, cut));
    lower.chain(lanes.iter().filter(|lane| base.get(**lane) == 0).map(|&lane| (lane, 0))).collect()
}

/// All that is live of some lanes, as far as both sides cover them.
fn put_units(parts: &mut PartBuilder<'_>, state: &State, lanes: &[ReplicaIndex], cut: impl Fn(ReplicaIndex) -> u64) {
    for (place, &lane) in (0..).zip(lanes) {
        for (number, unit) in units(&state.store, lane, cut(lane), 0) {
            let mut told = Told::default();
            told.unit(number, &unit, 0);
            parts.units(told.bytes.len() + 4, |part| {
                part.live.0.push(LaneUnits { lane: place, units: told.bytes.into() });
            });
        }
    }
}

impl Serving {
    /// Makes messages of the parts.
    fn cut(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        let last = parts.len().saturating_sub(1);
        let (session, snapshot) = (self.session, self.snapshot);
        self.chunks = (0..)
            .zip(parts)
            .map(|(index, part)| {
                let last = index as usize == last;
                wire::encode(&Message::Chunk { session, snapshot, index, last, part: Box::new(part) })
            })
            .collect();
    }
}
