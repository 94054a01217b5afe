//! Telling peers what is new and comparing vectors with them: pushes, summaries, vectors, declarations, and the times at
//! which all that happens.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::lattice::dot::ReplicaId;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::lattice::vector::VersionVector;
use crate::replica::EVERYBODY;
use crate::replica::Limits;
use crate::replica::Out;
use crate::replica::OwnLane;
use crate::replica::PeerId;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::Role;
use crate::replica::VariableKey;
use crate::replica::admit::Admission;
use crate::replica::admit::Quota;
use crate::replica::clients::Waiting;
use crate::replica::compare::Manner;
use crate::replica::group;
use crate::replica::interest::Mutual;
use crate::replica::kind_of;
use crate::replica::message::Group;
use crate::replica::message::Message;
use crate::replica::message::Versions;
use crate::replica::pace::Pace;
use crate::replica::serve::Serving;
use crate::replica::state::Event;
use crate::replica::state::Received;
use crate::replica::vectors::Mentioned;
use crate::replica::wire;
use crate::replica::wire::Bounded;
use crate::replica::wire::WireError;
use crate::value::term::Term;

/// With how many replicas a vector is told at once instead of its digest.
const VECTOR_AT_ONCE: usize = 8;
const MINUTE_MS: u64 = 60_000;

/// How often our vector and the two interests had changed, and whether the peer's was known.
pub(crate) type Moment = (u64, u64, u64, bool);

/// What is known of a connected peer.
pub(crate) struct Peer {
    /// What its certificate lets it do.
    pub(crate) role: Role,
    /// In whose name it makes updates.
    pub(crate) incarnation: ReplicaId,
    /// What it takes and knows of what we take.
    pub(crate) mutual: Mutual,
    /// The hash of our vector as far as it is of interest on both sides, and of what time that is.
    pub(crate) digest_at: Cell<Option<(Moment, u128)>>,
    /// What it has at least said to have, as far as it has not been pulled from it.
    pub(crate) claims: VersionVector,
    /// The same, as far as it said so long enough ago that it would have come by itself.
    pub(crate) ripe: VersionVector,
    /// The hash of the vector that it told last.
    pub(crate) digest: Option<u128>,
    /// The hash of ours that it was told last.
    pub(crate) told: Option<u128>,
    /// The hash of ours that it was last told as a vector, and when.
    pub(crate) told_vector: Option<(u128, u64)>,
    /// Whether it is to be told our vector with the next announcement.
    pub(crate) wants_vector: bool,
    /// What both have told of their vectors.
    pub(crate) mentioned: Mentioned,
    /// Not to be pulled from before then.
    pub(crate) rest_until: u64,
    /// How many of its declarations have arrived, without a gap.
    declarations: u64,
    /// How many of ours have been sent to it.
    pub(crate) declared: usize,
    /// The number of its latest pull.
    pub(crate) latest_pull: u64,
    /// Hashes of two vectors, its and ours, that differ in nothing but what a client has and nobody takes from it.
    pub(crate) level: Option<(u128, u128)>,
    /// Up to where it had what only this node brings, and since when.
    pub(crate) lacks: BTreeMap<ReplicaIndex, (u64, u64)>,
    /// Of each of its own lanes the update that cannot be applied.
    pub(crate) waiting: BTreeMap<ReplicaIndex, Waiting>,
    /// Up to where it had our lanes when it was last sent what it lacked of them.
    pub(crate) filled: BTreeMap<ReplicaIndex, u64>,
    /// The snapshot that it is pulling.
    pub(crate) serving: Option<Serving>,
    quota: Quota,
    quota_from: u64,
}

impl Peer {
    fn new(role: Role, incarnation: ReplicaId, limits: &Limits, now: u64) -> Peer {
        Peer {
            role,
            incarnation,
            mutual: Mutual::new(),
            digest_at: Cell::new(None),
            claims: VersionVector::new(),
            ripe: VersionVector::new(),
            digest: None,
            told: None,
            told_vector: None,
            wants_vector: false,
            mentioned: Mentioned::default(),
            rest_until: 0,
            declarations: 0,
            declared: 0,
            latest_pull: 0,
            level: None,
            lacks: BTreeMap::new(),
            waiting: BTreeMap::new(),
            filled: BTreeMap::new(),
            serving: None,
            quota: Quota { replicas: limits.replicas_per_minute },
            quota_from: now,
        }
    }

    /// Whether a vector of its with one hash and ours with another have the same, as far as the one who is no server counts.
    pub(crate) fn equals(&self, theirs: u128, ours: u128) -> bool {
        theirs == ours || self.level == Some((theirs, ours))
    }

    /// What it has said to have does not count any longer.
    pub(crate) fn forget_claims(&mut self) {
        (self.claims, self.ripe) = (VersionVector::new(), VersionVector::new());
    }

    /// What it was told of our vector does not count any longer.
    pub(crate) fn forget_told(&mut self) {
        (self.told, self.told_vector) = (None, None);
    }
}

pub(crate) fn bring_forward(timer: &mut Option<u64>, to: u64) {
    *timer = Some(timer.map_or(to, |at| at.min(to)));
}

impl Replica {
    /// A connection to a peer is up; `role` is what its certificate says, and `incarnation` in whose name it makes updates.
    pub fn connected(&mut self, peer: PeerId, role: Role, incarnation: ReplicaId, now: u64) {
        if self.peers.is_empty() {
            self.round_at = now + self.limits.round_ms;
        }
        self.peers.insert(peer, Peer::new(role, incarnation, &self.limits, now));
        self.send_interest(peer, now);
        self.send_declarations(peer);
        self.send_summary(peer);
    }

    /// A connection is gone.
    pub fn lost(&mut self, peer: PeerId, now: u64) {
        self.peers.remove(&peer);
        if self.pull.as_ref().is_some_and(|pull| pull.peer == peer) {
            self.pull = None;
        }
        bring_forward(&mut self.pull_at, now);
    }

    /// Pushes what was written since the last time.
    pub fn flush(&mut self, now: u64) {
        self.push_on(now);
        self.tell_interest(now);
        let behind: Vec<PeerId> =
            self.peers.iter().filter(|(_, peer)| peer.declared < self.declared.len()).map(|(&id, _)| id).collect();
        for peer in behind {
            self.send_declarations(peer);
        }
    }

    /// Pushes what was written, and what waited for more.
    pub fn flush_all(&mut self, now: u64) {
        if self.push_unpushed() {
            self.changed(now);
        }
    }

    /// Pushes what was written, or lets it wait for more.
    fn push_on(&mut self, now: u64) {
        let unpushed = self.own.values().map(|own| self.state.vector().get(own.index).saturating_sub(own.pushed));
        let waiting = unpushed.sum();
        if waiting > 0 && self.pushes_now(waiting, now) {
            self.flush_all(now);
        }
    }

    /// Pushes the updates of our own that have not been, to whom they are of interest. Says whether there were any.
    pub(crate) fn push_unpushed(&mut self) -> bool {
        let mut pushed = false;
        for (&topic, own) in &mut self.own {
            let newest = self.state.vector().get(own.index);
            if newest == own.pushed {
                continue;
            }
            let interested = self.peers.iter().filter(|(_, peer)| peer.mutual.takes(topic));
            let interested: Vec<PeerId> = interested.map(|(&id, _)| id).collect();
            if !interested.is_empty() {
                let events = self.state.log.tail_of(own.index, own.pushed);
                for group in group::groups(&self.state, &events, self.limits.group_bytes) {
                    let bytes = wire::encode(&Message::Push { group });
                    if topic == TopicId::NONE {
                        self.out.push_back(Out::Broadcast { topic: EVERYBODY, bytes });
                    } else {
                        self.out.extend(interested.iter().map(|&peer| Out::Send(peer, bytes.clone())));
                    }
                }
            }
            (own.pushed, pushed) = (newest, true);
        }
        pushed
    }

    /// The vector has changed: peers are to hear of it soon.
    fn changed(&mut self, now: u64) {
        // What has not been pushed yet is kept, for it is pushed from the log.
        let unpushed =
            |own: &OwnLane, event: &Event| event.dot.replica() == own.index && event.dot.sequence() > own.pushed;
        let keep = |event: &Event| self.own.values().any(|own| unpushed(own, event));
        self.state.log.trim(self.limits.log_events_max, self.limits.log_bytes_max, keep);
        self.state.removals.trim(self.limits.removals_max);
        self.note_change(now);
    }

    pub(crate) fn send_declarations(&mut self, to: PeerId) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        let mut first = peer.declared;
        let told = |(key, topic): &(VariableKey, TopicId)| {
            if peer.mutual.takes(*topic) { group::key_term(key) } else { Term::Nil }
        };
        let mut terms: VecDeque<Term> = self.declared.iter().skip(first).map(told).collect();
        peer.declared = self.declared.len();
        while !terms.is_empty() {
            let (mut keys, mut bytes) = (Vec::new(), 0);
            while let Some(term) = terms.pop_front() {
                bytes += wire::size(&term);
                if !keys.is_empty() && bytes > self.limits.group_bytes {
                    terms.push_front(term);
                    break;
                }
                keys.push(term);
            }
            let count = keys.len();
            self.send(to, &Message::Declare { first: first as u64, keys: keys.into() });
            first += count;
        }
    }

    pub(crate) fn send_summary(&mut self, to: PeerId) {
        let (digest, interests) = (self.digest_for(to), self.versions(to));
        let declared = self.declared.len() as u64;
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.told = Some(digest);
            peer.wants_vector = false;
            let heard = peer.mentioned.heard;
            self.send(to, &Message::Summary { digest: digest.to_le_bytes(), declared, interests, heard });
        }
    }

    /// Whether a message only asks, or tells what the sender has or takes: taking it in changes nothing that a program can see,
    /// so it need not wait for the end of a turn.
    #[must_use]
    pub fn only_asks(bytes: &[u8]) -> bool {
        matches!(
            wire::decode(bytes),
            Ok(Message::Summary { .. }
                | Message::Vector { .. }
                | Message::Have { .. }
                | Message::Interest { .. }
                | Message::AskDeclared { .. }
                | Message::Pull { .. }
                | Message::Acknowledge { .. })
        )
    }

    /// Whether a message is nothing but new updates, by its first bytes.
    #[must_use]
    pub fn only_updates(bytes: &[u8]) -> bool {
        kind_of(bytes) == "push"
    }

    /// Takes in what a peer sent.
    pub fn handle(&mut self, peer: PeerId, bytes: &[u8], now: u64) {
        if !self.peers.contains_key(&peer) {
            return;
        }
        let outcome = match wire::decode(bytes) {
            Ok(message) => self.receive(peer, message, now),
            Err(WireError::TooLong) => Err(RefusalReason::TooLong),
            Err(WireError::Version(version)) => Err(RefusalReason::Version(version)),
            Err(WireError::Malformed) => Err(RefusalReason::Malformed),
        };
        if let Err(reason) = outcome {
            // Nothing that it sends from now on counts, even before the edge has closed the connection.
            self.lost(peer, now);
            self.out.push_back(Out::Refuse(peer, reason));
        }
    }

    fn receive(&mut self, peer: PeerId, message: Message, now: u64) -> Result<(), RefusalReason> {
        match message {
            Message::Summary { digest, declared, interests, heard } => {
                if let Some(known) = self.peers.get_mut(&peer) {
                    known.mentioned.has_heard(heard);
                }
                self.receive_digest(peer, u128::from_le_bytes(digest), interests, now);
                self.check_declared(peer, declared);
                Ok(())
            }
            Message::Vector { told, vector, declared, interests } => {
                self.receive_vector(peer, told, &vector, interests, now)?;
                self.check_declared(peer, declared);
                Ok(())
            }
            Message::Interest { version, only, topics } => self.receive_interest(peer, version, only, &topics, now),
            Message::Have { heights } => self.receive_have(peer, &heights),
            Message::Declare { first, keys } => self.receive_declarations(peer, first, &keys),
            Message::AskDeclared { first } => {
                if let Some(asking) = self.peers.get_mut(&peer) {
                    asking.declared =
                        usize::try_from(first).map_or(asking.declared, |first| first.min(asking.declared));
                }
                self.send_declarations(peer);
                Ok(())
            }
            Message::Push { group } => self.receive_events(peer, group, false, now),
            Message::Pull { session, told, vector, whole } => self.serve(peer, session, (told, &vector), whole, now),
            Message::Events { session, group } => self.receive_pulled_events(peer, session, group, now),
            Message::Compare { session, snapshot, nonce, root, scale, cuts } => {
                let units_at_once = self.limits.units_at_once;
                let manner = Manner { snapshot, nonce, scale: u32::from(scale), units_at_once };
                self.pull_compare(peer, session, manner, (u128::from_le_bytes(root), &cuts), now)
            }
            Message::Prints { session, snapshot, prints } => self.serve_prints(peer, (session, snapshot), prints, now),
            Message::Differing { session, snapshot, lanes } => {
                self.pull_differing(peer, session, snapshot, &lanes, now);
                Ok(())
            }
            Message::Units { session, snapshot, lanes } => self.pull_units(peer, (session, snapshot), &lanes, now),
            Message::Chunk { session, snapshot, index, last, part } => {
                self.receive_chunk(peer, (session, snapshot), index, last, *part, now)
            }
            Message::Acknowledge { session, next, again } => {
                self.serve_on(peer, session, next, again, now);
                Ok(())
            }
            Message::Busy { session } => {
                self.pull_refused(peer, session, now);
                Ok(())
            }
        }
    }

    fn receive_digest(&mut self, peer: PeerId, digest: u128, interests: Versions, now: u64) {
        let comparable = self.note_versions(peer, interests, now);
        let ours = self.digest_for(peer);
        let Some(told) = self.peers.get_mut(&peer) else { return };
        told.digest = comparable.then_some(digest);
        if comparable && digest == ours {
            told.forget_claims();
        }
        if comparable && !told.equals(digest, ours) {
            self.answer_vector(peer, now);
        } else if comparable && digest == ours && self.believes(peer) {
            let own = self.own_lanes();
            let shared = self.shared(self.state.vector(), peer);
            for lane in own {
                self.acknowledge(lane, shared.get(lane));
            }
        }
    }

    /// Tells, once, when somebody knows updates of this node that it was not given to remember: what it remembers is an old
    /// copy, or another copy of it is in use. No update is lost by that, since each start takes an incarnation of its own.
    pub(crate) fn look_for_others(&mut self, peer: PeerId, vector: &VersionVector) {
        if !self.remembers || self.elsewhere {
            return;
        }
        let ours = self.state.vector();
        let another = vector.iter().find(|&(replica, there)| {
            let (lane, here) = (self.state.replicas.lane(replica), ours.get(replica));
            // Of a topic that was given up nothing is remembered, and what comes again comes bit by bit.
            let kept = lane.topic == TopicId::NONE || self.remembered.contains(&replica);
            kept && lane.replica.node() == self.me.node() && lane.replica != self.me && there > here
        });
        if let Some((replica, there)) = another {
            self.elsewhere = true;
            self.out.push_back(Out::Elsewhere { here: ours.get(replica), there, peer });
        }
    }

    /// Lets `take` put a peer's words into this node's numbers.
    pub(crate) fn admit<T>(
        &mut self,
        peer: PeerId,
        now: u64,
        take: impl FnOnce(&mut Admission<'_>) -> Result<T, RefusalReason>,
    ) -> Result<T, RefusalReason> {
        let known = self.peers.get_mut(&peer).ok_or(RefusalReason::Malformed)?;
        if now >= known.quota_from + MINUTE_MS {
            known.quota_from = now;
            known.quota = Quota { replicas: self.limits.replicas_per_minute };
        }
        let author = (known.role == Role::Client).then_some(known.incarnation.node());
        let (quota, interest) = (&mut known.quota, &self.interest);
        let mut admission =
            Admission { state: &mut self.state, me: self.me, quota, interest, author, new_keys: Vec::new() };
        let taken = take(&mut admission)?;
        for key in admission.new_keys {
            self.note_type(peer, &key);
        }
        Ok(taken)
    }

    /// Applies events that a peer sent, or keeps them for when they can be applied.
    pub(crate) fn receive_events(
        &mut self,
        peer: PeerId,
        group: Group,
        anyway: bool,
        now: u64,
    ) -> Result<(), RefusalReason> {
        let updates = self.admit(peer, now, |admission| admission.updates(group))?;
        let (mut changes, mut applied, mut early) = (Vec::new(), false, false);
        let unseen = self.unseen(peer, &updates);
        let mut outcome = Ok(());
        for update in updates {
            let anyway = anyway || self.waits_in_vain(peer, &update, now);
            match self.state.receive(update, anyway, &mut changes) {
                Ok(Received::Overspent) => {
                    // What came before it is in order.
                    outcome = Err(RefusalReason::Overspent);
                    break;
                }
                Ok(Received::Applied) => applied = true,
                Ok(Received::Known) => {}
                Err(update) => {
                    early = true;
                    if let Some(peer) = self.peers.get_mut(&peer).filter(|peer| peer.role == Role::Server) {
                        // Who sends an event has it, and what it takes back.
                        let dots = |event: &Event| event.removes.iter().copied().chain([event.dot]).collect::<Vec<_>>();
                        for dot in update.events().flat_map(dots) {
                            peer.claims.raise(dot.replica(), dot.sequence());
                        }
                    }
                    self.state.hold(update, self.limits.held_events_max, self.limits.held_bytes_max);
                }
            }
        }
        if early {
            let grace = self.grace();
            self.pull_soon(peer, grace, now);
        }
        if applied {
            self.settle(changes, now);
        }
        self.send_have(peer, &unseen);
        outcome
    }

    /// After changes from elsewhere: applies what waited for them, and tells.
    pub(crate) fn settle(&mut self, mut changes: Vec<crate::replica::Change>, now: u64) {
        self.state.release(&mut changes);
        match self.out.back_mut() {
            _ if changes.is_empty() => {}
            // Nobody has looked at these yet.
            Some(Out::Changes(before)) => before.append(&mut changes),
            _ => self.out.push_back(Out::Changes(changes)),
        }
        self.changed(now);
    }

    fn check_declared(&mut self, peer: PeerId, declared: u64) {
        let arrived = self.peers.get(&peer).map_or(0, |peer| peer.declarations);
        if arrived < declared {
            self.send(peer, &Message::AskDeclared { first: arrived });
        }
    }

    fn receive_declarations<const MOST: usize>(
        &mut self,
        peer: PeerId,
        first: u64,
        keys: &Bounded<Term, MOST>,
    ) -> Result<(), RefusalReason> {
        let named = keys.iter().filter(|term| **term != Term::Nil);
        let named = named.map(crate::replica::admit::key).collect::<Result<Vec<_>, _>>()?;
        let Some(known) = self.peers.get_mut(&peer) else { return Ok(()) };
        if first > known.declarations {
            return Ok(());
        }
        known.declarations = known.declarations.max(first.saturating_add(keys.len() as u64));
        for key in &named {
            self.note_type(peer, key);
        }
        Ok(())
    }

    /// Does what is due.
    pub fn tick(&mut self, now: u64) {
        if self.pace.push_at.take_if(|at| *at <= now).is_some() {
            self.push_on(now);
        }
        let changed = self.pace.announce_at.is_some_and(|at| at <= now) && self.announces_now(now);
        if changed || self.announce_at.is_some_and(|at| at <= now) {
            self.announce_at = None;
            if changed {
                self.note_announced();
            }
            self.announce(now);
        }
        if !self.peers.is_empty() && self.round_at <= now {
            self.round_at = now + self.limits.round_ms;
            self.round(now);
        }
        self.pull_on(now);
    }

    /// When [`Replica::tick`] is next of use.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        let round = (!self.peers.is_empty()).then_some(self.round_at);
        let pull = self.pull.as_ref().map(|pull| pull.deadline);
        let waiting = if self.pull.is_none() { self.pull_at } else { None };
        let Pace { push_at, announce_at, .. } = self.pace;
        [push_at, announce_at, self.announce_at, round, pull, waiting].into_iter().flatten().min()
    }

    /// Tells the peers what is new, unless they heard.
    fn announce(&mut self, now: u64) {
        let short = self.vector().take(VECTOR_AT_ONCE + 1).count() <= VECTOR_AT_ONCE;
        let unaware =
            self.peers.iter().filter(|(id, peer)| peer.wants_vector || peer.told != Some(self.digest_for(**id)));
        let unaware: Vec<(PeerId, bool)> = unaware.map(|(&id, peer)| (id, peer.wants_vector)).collect();
        for (peer, wants_vector) in unaware {
            let compares = (wants_vector || short) && !self.agrees(peer);
            if compares && self.is_worth_a_vector(peer, now) {
                self.send_vector(peer, now);
            } else {
                self.send_summary(peer);
            }
        }
    }

    /// Compares without a reason, in case something was lost.
    fn round(&mut self, now: u64) {
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in peers {
            self.send_summary(peer);
        }
        self.send_outbox_again();
        self.end_idle_servings(now);
        // What is waited for already has its time.
        self.pull_at.get_or_insert(now);
    }
}
