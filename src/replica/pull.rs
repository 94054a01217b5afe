//! Getting what is missing from a peer. One pull at a time, so that a newcomer among many peers gets one copy.
//!
//! The peer answers by recent events, which are applied like any others, or by chunks of a snapshot, which are collected
//! and applied together: until then neither entries nor vector have changed. A request that seems lost is made anew under
//! another number, since what it is answered with depends on the vector that it told.

use std::collections::BTreeMap;

use crate::lattice::dot::ReplicaIndex;
use crate::lattice::vector::VersionVector;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::compare::Comparison;
use crate::replica::compare::Manner;
use crate::replica::compare::gone_of_all;
use crate::replica::gossip::bring_forward;
use crate::replica::lanes::Claims;
use crate::replica::message::Group;
use crate::replica::message::LaneUnits;
use crate::replica::message::Message;
use crate::replica::message::Part;
use crate::replica::prints::SCALE_MAX;
use crate::replica::state::Snapshot;

/// How often a pull is tried before another peer gets its turn.
const ATTEMPTS_MAX: u32 = 4;
/// When more comparisons than this came out wrong, all that is live is asked for.
const WRONG_MAX: u32 = 2;

/// A pull under way.
pub(crate) struct Pull {
    pub(crate) peer: PeerId,
    session: u64,
    /// Our vector when we asked, and its replicas in the order in which they were told.
    base: VersionVector,
    lanes: Vec<ReplicaIndex>,
    /// Whether all that is live was asked for.
    whole: bool,
    /// How many comparisons before this one came out wrong.
    wrong: u32,
    attempts: u32,
    /// When to try again.
    pub(crate) deadline: u64,
    /// The snapshot that `staged` is of.
    snapshot: Option<u64>,
    /// The chunks below it are in `staged`.
    next: u32,
    early: BTreeMap<u32, (bool, Part)>,
    staged: Snapshot,
    /// The comparison of what is live, if the peer asked for one.
    comparison: Option<Comparison>,
    /// All chunks are there, and units that were asked for are waited for.
    waiting: bool,
}

impl Replica {
    /// A peer has something that is missing here: it is asked for when it has not come by itself after `grace` milliseconds. What is
    /// heard of while others' is waited for has a time of its own: else what was said just now, and is on its way, would be pulled.
    pub(crate) fn pull_soon(&mut self, peer: PeerId, grace: u64, now: u64) {
        let counts = grace == 0 || self.pull_at.is_none();
        if let Some(peer) = self.peers.get_mut(&peer).filter(|_| counts) {
            peer.ripe.clone_from(&peer.claims);
        }
        bring_forward(&mut self.pull_at, now + grace);
    }

    /// What all peers have said to have is missing from now on, without waiting for it.
    pub(crate) fn pull_all_now(&mut self, now: u64) {
        for peer in self.peers.values_mut() {
            peer.ripe.clone_from(&peer.claims);
        }
        self.pull_at = Some(now);
    }

    /// What peers have said meanwhile has its time from now on.
    fn ripen(&mut self, now: u64) {
        let (ours, mut any) = (self.state.vector(), false);
        for peer in self.peers.values_mut().filter(|peer| peer.claims.exceeds(ours)) {
            peer.ripe.clone_from(&peer.claims);
            any = true;
        }
        self.pull_at = any.then(|| now + self.grace());
    }

    /// Starts, repeats or gives up a pull, as is due.
    pub(crate) fn pull_on(&mut self, now: u64) {
        if self.pace.holds_pulls {
            return;
        }
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
        let behind = |id: &PeerId| self.peers.get(id).is_some_and(|peer| peer.ripe.exceeds(ours));
        let candidates: Vec<PeerId> = self.peers.keys().copied().filter(behind).collect();
        if candidates.is_empty() {
            return self.ripen(now);
        }
        let ready = |id: &&PeerId| self.peers.get(id).is_some_and(|peer| peer.rest_until <= now);
        // In turns, so that one peer that does not answer delays but does not prevent.
        let turn = candidates.iter().filter(|id| Some(**id) > self.last_pulled).chain(&candidates).find(ready).copied();
        match turn {
            Some(peer) => self.ask(peer, 0, 0, now),
            None => self.pull_at = candidates.iter().filter_map(|id| Some(self.peers.get(id)?.rest_until)).min(),
        }
    }

    /// `wrong` comparisons have come out wrong before.
    fn ask(&mut self, peer: PeerId, wrong: u32, attempts: u32, now: u64) {
        self.last_pulled = Some(peer);
        self.last_session += 1;
        let (session, whole) = (self.last_session, wrong > WRONG_MAX);
        let base = self.shared(self.state.vector(), peer);
        let lanes = self.state.replicas.sorted().map(|(_, lane)| lane).filter(|&lane| base.get(lane) > 0).collect();
        self.pull = Some(Pull {
            peer,
            session,
            base,
            lanes,
            whole,
            wrong,
            attempts,
            deadline: now + (self.limits.retry_ms << attempts),
            snapshot: None,
            next: 0,
            early: BTreeMap::new(),
            staged: Snapshot::default(),
            comparison: None,
            waiting: false,
        });
        let (told, vector) = self.tell(peer);
        let message = Message::Pull { session, told, vector, whole };
        self.send(peer, &message);
    }

    fn try_again(&mut self, now: u64) {
        let Some(pull) = &mut self.pull else { return };
        let (peer, attempts) = (pull.peer, pull.attempts + 1);
        if attempts >= ATTEMPTS_MAX {
            self.give_up(now);
        } else if pull.next > 0 {
            pull.attempts = attempts;
            pull.deadline = now + (self.limits.retry_ms << attempts);
            let (session, snapshot) = (pull.session, pull.snapshot.unwrap_or(0));
            let unclear = pull.comparison.as_ref().filter(|_| pull.waiting).and_then(Comparison::unclear);
            let message = match unclear {
                Some(prints) => Message::Prints { session, snapshot, prints },
                None => Message::Acknowledge { session, next: pull.next, again: true },
            };
            self.send(peer, &message);
        } else {
            let wrong = pull.wrong;
            self.ask(peer, wrong, attempts, now);
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

    /// The peer has kept its state to compare.
    pub(crate) fn pull_compare(
        &mut self,
        peer: PeerId,
        session: u64,
        manner: Manner,
        (root, cuts): (u128, &Claims),
        now: u64,
    ) -> Result<(), RefusalReason> {
        if !self.pulling(peer, session) {
            return Ok(());
        }
        if manner.scale > SCALE_MAX {
            return Err(RefusalReason::Malformed);
        }
        let less = self.admit(peer, now, |admission| admission.heights(cuts))?;
        let Some(pull) = &mut self.pull else { return Ok(()) };
        if pull.whole || pull.snapshot.is_some() {
            return Ok(());
        }
        pull.snapshot = Some(manner.snapshot);
        pull.deadline = now + self.limits.retry_ms;
        let comparison = Comparison::begin(&self.state, pull.lanes.clone(), &pull.base, &less, manner);
        let prints = comparison.first(root);
        pull.comparison = Some(comparison);
        self.send(peer, &Message::Prints { session, snapshot: manner.snapshot, prints });
        Ok(())
    }

    /// The peer has found which lanes differ.
    pub(crate) fn pull_differing(&mut self, peer: PeerId, session: u64, snapshot: u64, lanes: &[u32], now: u64) {
        if !self.pulling(peer, session) {
            return;
        }
        let Some(pull) = self.pull.as_mut().filter(|pull| pull.snapshot == Some(snapshot) && pull.next == 0) else {
            return;
        };
        let Some(comparison) = &pull.comparison else { return };
        pull.deadline = now + self.limits.retry_ms;
        let prints = comparison.told(lanes.iter().copied());
        self.send(peer, &Message::Prints { session, snapshot, prints });
    }

    /// The peer tells units in full.
    pub(crate) fn pull_units(
        &mut self,
        peer: PeerId,
        (session, snapshot): (u64, u64),
        told: &[LaneUnits],
        now: u64,
    ) -> Result<(), RefusalReason> {
        if !self.pulling(peer, session) {
            return Ok(());
        }
        let Some(mut pull) = self.pull.take() else { return Ok(()) };
        if pull.waiting
            && pull.snapshot == Some(snapshot)
            && let Some(comparison) = &mut pull.comparison
        {
            comparison.clear(&self.state, told)?;
            pull.attempts = 0;
            pull.deadline = now + self.limits.retry_ms;
            return self.complete(pull, now);
        }
        self.pull = Some(pull);
        Ok(())
    }

    /// The peer answers by events.
    pub(crate) fn receive_pulled_events(
        &mut self,
        peer: PeerId,
        session: u64,
        group: Group,
        now: u64,
    ) -> Result<(), RefusalReason> {
        // Whoever answers has told all that it has: what is missing now, it misses too.
        let anyway = self.believes(peer) && self.pulling(peer, session);
        self.receive_events(peer, group, anyway, now)?;
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
        if last && part_is_beyond(&pull, index) {
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
        if complete {
            return self.all_chunks(pull, now);
        }
        if !pull.waiting {
            self.send(peer, &Message::Acknowledge { session, next: pull.next, again: false });
        }
        self.pull = Some(pull);
        Ok(())
    }

    /// All chunks are there: what is gone is found out.
    fn all_chunks(&mut self, mut pull: Pull, now: u64) -> Result<(), RefusalReason> {
        let differences = std::mem::take(&mut pull.staged.differences);
        if let Some(comparison) = &mut pull.comparison {
            comparison.resolve(&self.state, &differences)?;
        } else if pull.whole {
            let covered = pull.staged.covered(&pull.base);
            let mut both = VersionVector::new();
            pull.lanes.iter().for_each(|&lane| both.raise(lane, pull.base.get(lane).min(covered.get(lane))));
            pull.staged.gone = gone_of_all(&self.state, &pull.lanes, &both, &pull.staged.live)?;
        }
        self.complete(pull, now)
    }

    /// All is there, or all but units that sketches did not suffice for.
    fn complete(&mut self, mut pull: Pull, now: u64) -> Result<(), RefusalReason> {
        let (peer, session) = (pull.peer, pull.session);
        if let Some(comparison) = &mut pull.comparison {
            if let Some(prints) = comparison.unclear() {
                pull.waiting = true;
                let snapshot = comparison.snapshot;
                self.pull = Some(pull);
                self.send(peer, &Message::Prints { session, snapshot, prints });
                return Ok(());
            }
            if !comparison.is_right(pull.staged.check) {
                // Two bytes of a print, or a sketch of more than it could tell, have misled us.
                let (wrong, attempts) = (pull.wrong + 1, pull.attempts);
                self.ask(peer, wrong, attempts, now);
                return Ok(());
            }
            pull.staged.gone = std::mem::take(&mut comparison.gone);
        }
        self.send(peer, &Message::Acknowledge { session, next: pull.next, again: false });
        let staged = std::mem::take(&mut pull.staged);
        if !sound(&pull.base, &staged) {
            return Err(RefusalReason::Malformed);
        }
        if self.state.snapshot_overspends(&staged) {
            return Err(RefusalReason::Overspent);
        }
        let mut changes = Vec::new();
        self.state.merge(&pull.base, staged, &mut changes);
        self.settle(changes, now);
        self.pull = Some(pull);
        self.finish(now);
        Ok(())
    }

    /// A pull is complete.
    fn finish(&mut self, now: u64) {
        let Some(pull) = self.pull.take() else { return };
        // What was asked about is what both take: what is here of other topics is no progress.
        let progress = self.shared(self.state.vector(), pull.peer).exceeds(&pull.base);
        if let Some(peer) = self.peers.get_mut(&pull.peer)
            && !progress
        {
            // It does not have what it said, or we misunderstood an early event; its next vector will tell.
            peer.forget_claims();
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
    let covered = staged.covered(base);
    staged.entries.iter().all(|&(dot, _)| !base.covers(dot) && covered.covers(dot))
}
