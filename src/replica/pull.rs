//! Getting what is missing from a peer. One pull at a time, so that a newcomer among many peers gets one copy.
//!
//! The peer answers by recent events, which are applied like any others, or by chunks of a snapshot, which are collected
//! and applied together: until then neither entries nor vector have changed. A request that seems lost is made anew under
//! another number, since what it is answered with depends on the vector that it told.

use std::collections::BTreeMap;

use crate::lattice::vector::VersionVector;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::lanes::Lanes;
use crate::replica::message::Group;
use crate::replica::message::Message;
use crate::replica::message::Part;
use crate::replica::message::Prints;
use crate::replica::state::Snapshot;
use crate::replica::state::fingerprint;

/// How often a pull is tried before another peer gets its turn.
const ATTEMPTS_MAX: u32 = 4;
/// With how many blocks fingerprints are sent at all; with more, all blocks are told.
const PRINTS_MAX: usize = 20_000;

/// A pull under way.
pub(crate) struct Pull {
    pub(crate) peer: PeerId,
    session: u64,
    /// Our vector when we asked.
    base: VersionVector,
    /// Whether fingerprints were sent, and whether all blocks were asked for instead.
    prints: Asked,
    attempts: u32,
    /// When to try again.
    pub(crate) deadline: u64,
    /// The snapshot that `staged` is of.
    snapshot: Option<u64>,
    /// The chunks below it are in `staged`.
    next: u32,
    early: BTreeMap<u32, (bool, Part)>,
    staged: Snapshot,
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Nothing,
    Prints,
    All,
}

impl Replica {
    /// Starts, repeats or gives up a pull, as is due.
    pub(crate) fn pull_on(&mut self, now: u64) {
        if let Some(pull) = &self.pull {
            if now < pull.deadline {
                return;
            }
            self.try_again(now);
            return;
        }
        if self.pull_at.is_none_or(|at| at > now) {
            return;
        }
        self.pull_at = None;
        let ours = self.state.vector();
        let behind = |id: &PeerId| self.peers.get(id).is_some_and(|peer| peer.claims.exceeds(ours));
        let candidates: Vec<PeerId> = self.peers.keys().copied().filter(behind).collect();
        let ready = |id: &&PeerId| self.peers.get(id).is_some_and(|peer| peer.rest_until <= now);
        // In turns, so that one peer that does not answer delays but does not prevent.
        let turn = candidates.iter().filter(|id| Some(**id) > self.last_pulled).chain(&candidates).find(ready).copied();
        match turn {
            Some(peer) => {
                let few = self.block_count() <= self.limits.prints_at_once;
                self.ask(peer, few, 0, now);
            }
            None => self.pull_at = candidates.iter().filter_map(|id| Some(self.peers.get(id)?.rest_until)).min(),
        }
    }

    fn block_count(&self) -> usize {
        self.state.vector().iter().map(|(replica, _)| self.state.store.blocks(replica).count()).sum()
    }

    fn ask(&mut self, peer: PeerId, with_prints: bool, attempts: u32, now: u64) {
        self.last_pulled = Some(peer);
        self.last_session += 1;
        let session = self.last_session;
        let base = self.shared(self.state.vector(), peer);
        let (asked, prints) = if !with_prints {
            (Asked::Nothing, Prints::Unsent)
        } else if self.block_count() > PRINTS_MAX {
            (Asked::All, Prints::All)
        } else {
            (Asked::Prints, self.prints(session, &base))
        };
        self.pull = Some(Pull {
            peer,
            session,
            base,
            prints: asked,
            attempts,
            deadline: now + (self.limits.retry_ms << attempts),
            snapshot: None,
            next: 0,
            early: BTreeMap::new(),
            staged: Snapshot::default(),
        });
        let message = Message::Pull { session, vector: self.claims_for(peer), prints };
        self.send(peer, &message);
    }

    fn prints(&self, nonce: u64, of: &VersionVector) -> Prints {
        let (mut lanes, mut all) = (Lanes::default(), Vec::new());
        for (lane, index) in self.state.replicas.sorted().filter(|(_, index)| of.get(*index) > 0) {
            let prints: Vec<(u32, [u8; 8])> = (self.state.store.blocks(index))
                .filter_map(|(number, bitmap)| {
                    Some((u32::try_from(number).ok()?, fingerprint(nonce, lane, number, bitmap)))
                })
                .collect();
            if !prints.is_empty() {
                lanes.0.push(lane);
                all.push(prints.into());
            }
        }
        Prints::Listed { nonce, lanes, prints: all.into() }
    }

    fn try_again(&mut self, now: u64) {
        let Some(pull) = &mut self.pull else { return };
        let (peer, attempts) = (pull.peer, pull.attempts + 1);
        if attempts >= ATTEMPTS_MAX {
            self.give_up(now);
        } else if pull.next > 0 {
            pull.attempts = attempts;
            pull.deadline = now + (self.limits.retry_ms << attempts);
            let message = Message::Acknowledge { session: pull.session, next: pull.next, again: true };
            self.send(peer, &message);
        } else {
            let with_prints = pull.prints != Asked::Nothing;
            self.ask(peer, with_prints, attempts, now);
        }
    }

    /// Lets the peer rest, and others have their turn.
    fn give_up(&mut self, now: u64) {
        if let Some(pull) = self.pull.take() {
            if let Some(peer) = self.peers.get_mut(&pull.peer) {
                peer.rest_until = now + self.limits.retry_ms;
            }
            self.pull_at = Some(now);
        }
    }

    fn pulling(&self, peer: PeerId, session: u64) -> bool {
        self.pull.as_ref().is_some_and(|pull| pull.peer == peer && pull.session == session)
    }

    /// The peer has no time for us.
    pub(crate) fn pull_refused(&mut self, peer: PeerId, session: u64, now: u64) {
        if self.pulling(peer, session) {
            self.give_up(now);
        }
    }

    /// The peer needs fingerprints.
    pub(crate) fn pull_prints(&mut self, peer: PeerId, session: u64, now: u64) {
        if self.pulling(peer, session) {
            let attempts = self.pull.as_ref().map_or(0, |pull| pull.attempts);
            self.ask(peer, true, attempts, now);
        }
    }

    /// The peer answers by events.
    pub(crate) fn receive_pulled_events(
        &mut self,
        peer: PeerId,
        session: u64,
        group: Group,
        now: u64,
    ) -> Result<(), RefusalReason> {
        self.receive_events(peer, group, now)?;
        if self.pulling(peer, session) {
            self.finish(now);
        }
        Ok(())
    }

    /// The peer answers by a chunk of a snapshot.
    pub(crate) fn receive_chunk(
        &mut self,
        peer: PeerId,
        (session, snapshot): (u64, u64),
        index: u32,
        last: bool,
        part: Part,
        now: u64,
    ) -> Result<(), RefusalReason> {
        if !self.pulling(peer, session) {
            return Ok(());
        }
        let Some(mut pull) = self.pull.take() else { return Ok(()) };
        if *pull.snapshot.get_or_insert(snapshot) != snapshot {
            self.pull = Some(pull);
            return Ok(());
        }
        if pull.prints == Asked::Nothing || (last && part_is_beyond(&pull, index)) {
            return Err(RefusalReason::Malformed);
        }
        if index >= pull.next && index - pull.next < self.limits.window_chunks {
            pull.early.insert(index, (last, part));
        }
        let before = pull.next;
        let mut complete = false;
        while let Some((last, part)) = pull.early.remove(&pull.next) {
            self.admit(peer, now, |admission| admission.part(part, &mut pull.staged))?;
            pull.next = pull.next.saturating_add(1);
            complete = last;
        }
        if pull.staged.entries.len() > self.limits.staged_entries_max {
            return Err(RefusalReason::TooLong);
        }
        if pull.next > before {
            pull.attempts = 0;
            pull.deadline = now + self.limits.retry_ms;
        }
        self.send(peer, &Message::Acknowledge { session, next: pull.next, again: false });
        if complete {
            let all = pull.prints == Asked::All;
            let staged = std::mem::take(&mut pull.staged);
            if !sound(&pull.base, &staged) {
                return Err(RefusalReason::Malformed);
            }
            if self.state.snapshot_overspends(&staged) {
                return Err(RefusalReason::Overspent);
            }
            let mut changes = Vec::new();
            self.state.merge(&pull.base, staged, all, &mut changes);
            self.settle(changes, now);
            self.pull = Some(pull);
            self.finish(now);
        } else {
            self.pull = Some(pull);
        }
        Ok(())
    }

    /// A pull is complete.
    fn finish(&mut self, now: u64) {
        let Some(pull) = self.pull.take() else { return };
        let progress = self.state.vector().exceeds(&pull.base);
        if let Some(peer) = self.peers.get_mut(&pull.peer)
            && !progress
        {
            // It does not have what it said, or we misunderstood an early event; its next vector will tell.
            peer.claims = VersionVector::new();
        }
        self.pull_at = Some(now);
        self.pull_on(now);
    }
}

/// Whether a chunk that says it is the last has others after it.
fn part_is_beyond(pull: &Pull, index: u32) -> bool {
    pull.early.keys().next_back().is_some_and(|&latest| latest > index)
}

/// Whether all entries lie above the base and within what the snapshot covers.
fn sound(base: &VersionVector, staged: &Snapshot) -> bool {
    staged.entries.iter().all(|&(dot, _)| !base.covers(dot) && staged.vector.covers(dot))
}
