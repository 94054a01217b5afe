//! When something is told: at once while little happens, and gathered, or not at all, while much does.
//!
//! Nodes that hear of updates all the time are never quite equal, so that comparing them finds only what is on its way. They
//! are compared when they have been calm for a while, and now and then in any case. What pushes have lost shows before that by
//! the gap that it leaves, unless it was a replica's last.

use crate::replica::PeerId;
use crate::replica::Replica;
use crate::replica::gossip::bring_forward;

/// How many pushes go out at once, after a pause, before they are gathered.
const BURST: u64 = 8;
/// With so many updates that wait, they do not wait for more.
const GATHERED_MAX: u64 = 256;
/// After how many rounds, at most, a peer is told a vector though this node is not calm.
const ROUNDS_MAX: u64 = 5;
/// How many times, after a pause, peers are told of changes soon after each, and how many times in each round when these go on.
const ANNOUNCE_BURST: u64 = 4;
const ANNOUNCED_PER_ROUND: u64 = 4;
/// For how many milliseconds, for each replica, what is missing may still be on its way, and the most of them.
const WAY_MS: u64 = 1;
const WAY_MS_MAX: u64 = 500;

/// See the module.
#[derive(Default)]
pub(crate) struct Pace {
    /// When the vector changed last.
    changed_at: Option<u64>,
    /// When the peers are to hear that it has changed: when it has not for a while, and when that is too long.
    pub(crate) announce_at: Option<u64>,
    announce_by: Option<u64>,
    /// How many times of late peers were told of changes, and since when fewer count.
    announced: u64,
    announced_at: u64,
    /// How many pushes have gone out at once of late, and since when fewer count.
    used: u64,
    used_at: u64,
    /// When what is gathered goes out.
    pub(crate) push_at: Option<u64>,
    /// Whether nothing is asked for, since it could not be taken in.
    pub(crate) holds_pulls: bool,
}

impl Replica {
    /// Whether nothing is asked of peers until further notice, since it could not be taken in.
    pub fn hold_pulls(&mut self, hold: bool) {
        self.pace.holds_pulls = hold;
    }

    /// Whether `waiting` updates of our own are pushed now, or with those that follow them.
    pub(crate) fn pushes_now(&mut self, waiting: u64, now: u64) -> bool {
        let every = self.limits.gather_ms;
        let pace = &mut self.pace;
        if let Some(passed) = now.saturating_sub(pace.used_at).checked_div(every) {
            (pace.used, pace.used_at) = (pace.used.saturating_sub(passed), pace.used_at + passed * every);
            if pace.used >= BURST && !self.peers.is_empty() && waiting < GATHERED_MAX {
                pace.push_at = Some(pace.used_at + every);
                return false;
            }
        }
        // Whoever has been busy, and be it for hours, waits for one pause at most.
        pace.used = (pace.used + 1).min(BURST);
        pace.push_at = None;
        true
    }

    /// The vector has changed: peers are to hear of it soon.
    pub(crate) fn note_change(&mut self, now: u64) {
        let (pause, round) = (self.announce_pause().max(self.grace()), self.limits.round_ms);
        let by = *self.pace.announce_by.get_or_insert(now + round);
        self.pace.announce_at = Some(by.min(now + pause));
        self.pace.changed_at = Some(now);
    }

    /// Whether peers are told now that the vector has changed: when this is so all the time, what pushes have brought everybody has,
    /// and telling each time would cost more than the updates.
    pub(crate) fn announces_now(&mut self, now: u64) -> bool {
        let every = (self.limits.round_ms / ANNOUNCED_PER_ROUND).max(1);
        let pace = &mut self.pace;
        let passed = now.saturating_sub(pace.announced_at) / every;
        (pace.announced, pace.announced_at) =
            (pace.announced.saturating_sub(passed), pace.announced_at + passed * every);
        if pace.announced >= ANNOUNCE_BURST {
            pace.announce_at = Some(pace.announced_at + every);
            return false;
        }
        pace.announced += 1;
        true
    }

    /// The peers hear now that it has changed.
    pub(crate) fn note_announced(&mut self) {
        (self.pace.announce_at, self.pace.announce_by) = (None, None);
    }

    /// Milliseconds from a change to telling the peers about it. What is compared grows with the replicas that ever wrote, and
    /// who is told by a push needs no comparison: the more there are, the longer changes are gathered.
    pub(crate) fn announce_pause(&self) -> u64 {
        self.limits.announce_ms.max(self.width().min(self.limits.round_ms))
    }

    /// Milliseconds for which what is missing may still come by itself: longer where pushes take longer ways.
    pub(crate) fn grace(&self) -> u64 {
        let way = (WAY_MS * self.width()).min(WAY_MS_MAX);
        self.limits.grace_ms.max(self.announce_pause() / 2).max(way)
    }

    fn width(&self) -> u64 {
        u64::try_from(self.state.vector().width()).unwrap_or(u64::MAX)
    }

    /// From when on this node is calm: nothing has changed for so long that what is missing would have come.
    fn calm_at(&self) -> u64 {
        self.pace.changed_at.map_or(0, |at| at + self.grace())
    }

    /// Whether a peer is to be told a vector now: the first time, when this node is calm, and when it has not been for long.
    pub(crate) fn is_worth_a_vector(&self, peer: PeerId, now: u64) -> bool {
        let Some(known) = self.peers.get(&peer) else { return false };
        let long = ROUNDS_MAX * self.limits.round_ms;
        now >= self.calm_at() || known.told_vector.is_none_or(|(_, at)| now >= at + long)
    }

    /// Looks again at those who are to be told a vector when this node is calm.
    pub(crate) fn wait_for_calm(&mut self) {
        let calm_at = self.calm_at();
        bring_forward(&mut self.announce_at, calm_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::dot::ReplicaId;
    use crate::replica::Limits;
    use crate::replica::Role;

    #[test]
    fn whoever_was_busy_waits_for_one_pause_and_not_for_all_that_it_was_busy_with() {
        let mut replica = Replica::with_limits(ReplicaId(1), Limits::default());
        let every = replica.limits.gather_ms;
        // Alone, for ten seconds.
        for now in 0..10_000 {
            assert!(replica.pushes_now(1, now));
        }
        replica.connected(PeerId(1), Role::Server, ReplicaId(2), 10_000);
        replica.pushes_now(1, 10_000);
        assert!(!replica.pushes_now(1, 10_000));
        assert!(replica.pushes_now(1, 10_000 + every));
        // Many at once do not wait.
        assert!(replica.pushes_now(GATHERED_MAX, 10_000 + every));
        // And after a pause the next ones go out at once again.
        let later = 10_000 + every * (BURST + 2);
        assert!((0..BURST).all(|_| replica.pushes_now(1, later)));
        assert!(!replica.pushes_now(1, later));
    }
}
