//! Which topics a node takes, and what follows from that between two peers: what is told to which, and over what they compare.
//!
//! Two peers tell each other only what both take; what has no topic everybody takes. So that nothing of a topic reaches a node
//! that does not take it, a peer counts as taking no topic before it has said which. Each change of an interest has the next
//! version, and every vector and digest says by which versions of both interests it was made, so that messages of different
//! times are not compared.

use std::collections::BTreeSet;

use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::lattice::vector::VersionVector;
use crate::replica::Change;
use crate::replica::Limit;
use crate::replica::Out;
use crate::replica::PeerId;
use crate::replica::Record;
use crate::replica::RefusalReason;
use crate::replica::Replica;
use crate::replica::digest;
use crate::replica::message::Message;
use crate::replica::message::TOPICS_MAX;
use crate::replica::message::Versions;
use crate::replica::wire::Bounded;

/// After how many milliseconds an interest is told again to a peer that does not know it yet.
const AGAIN_MS: u64 = 100;

/// The topics that a node takes. By default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    /// Whether it takes `topics` alone, or all but those.
    only: bool,
    topics: BTreeSet<TopicId>,
}

impl Interest {
    pub(crate) fn takes(&self, topic: TopicId) -> bool {
        topic == TopicId::NONE || self.topics.contains(&topic) == self.only
    }

    /// Takes a topic from now on; with the first, nothing but that and what has none.
    fn take(&mut self, topic: TopicId) {
        if !self.only {
            *self = Interest { only: true, topics: BTreeSet::new() };
        }
        self.topics.insert(topic);
    }

    fn give_up(&mut self, topic: TopicId) {
        if self.only {
            self.topics.remove(&topic);
        } else {
            self.topics.insert(topic);
        }
    }

    fn fits(&self) -> bool {
        self.topics.len() <= TOPICS_MAX
    }
}

/// What two peers know of each other's interests.
pub(crate) struct Mutual {
    /// What the peer takes, and the version of that; `None` before it has said.
    theirs: Option<Interest>,
    version: u64,
    /// The version of ours by which it has said something.
    heard: u64,
    /// When it was last told ours.
    told_at: Option<u64>,
    /// When it was last told that its own has not come.
    asked_at: Option<u64>,
}

impl Mutual {
    pub(crate) fn new() -> Mutual {
        Mutual { theirs: None, version: 0, heard: 0, told_at: None, asked_at: None }
    }

    /// Whether the peer is to get what belongs to a topic.
    pub(crate) fn takes(&self, topic: TopicId) -> bool {
        self.theirs.as_ref().map_or(topic == TopicId::NONE, |theirs| theirs.takes(topic))
    }

    /// Whether a digest covers a topic. A hash gives nothing away, so a peer that has not said anything is taken to take
    /// everything, as nearly all do.
    fn compares(&self, topic: TopicId) -> bool {
        self.theirs.as_ref().is_none_or(|theirs| theirs.takes(topic))
    }
}

impl Replica {
    /// This node takes a topic from now on. With the first, it takes nothing but that and what has no topic.
    ///
    /// # Errors
    /// When there are too many topics; nothing has changed then.
    pub fn interested(&mut self, topic: TopicId) -> Result<(), Limit> {
        let mut interest = self.interest.clone();
        interest.take(topic);
        self.change_interest(interest, topic)
    }

    /// This node does not take a topic from now on: what is here of it goes, but for what this node has made and no server is
    /// known to have, which is still brought to one.
    ///
    /// # Errors
    /// When there are too many topics, or too many such updates; nothing has changed then.
    pub fn disinterested(&mut self, topic: TopicId) -> Result<(), Limit> {
        let mut interest = self.interest.clone();
        interest.give_up(topic);
        self.change_interest(interest, topic)
    }

    fn change_interest(&mut self, interest: Interest, topic: TopicId) -> Result<(), Limit> {
        if interest == self.interest {
            return Ok(());
        }
        if !interest.fits() {
            return Err(Limit::TooManyTopics { most: TOPICS_MAX });
        }
        let mut dropped: Vec<TopicId> = self.state.topics().filter(|topic| !interest.takes(*topic)).collect();
        dropped.retain(|topic| self.interest.takes(*topic));
        let unknown = dropped.iter().map(|topic| self.unacknowledged(*topic)).collect::<Result<Vec<_>, Limit>>()?;
        self.push_unpushed();
        let journal = &mut self.state.journal;
        unknown.into_iter().flatten().for_each(|event| self.outbox.push(event, journal.as_mut()));
        self.interest = interest;
        self.interest_version += 1;
        if let Some(journal) = &mut self.state.journal {
            journal.interest();
        }
        let mut changes = Vec::new();
        for topic in dropped {
            self.forget(topic, &mut changes);
        }
        if self.interest.takes(topic) {
            self.take_back(topic, &mut changes);
        }
        if !changes.is_empty() {
            self.out.push_back(Out::Changes(changes));
        }
        self.pull = None;
        self.out.push_back(Out::Interest { topic, taken: self.interest.takes(topic) });
        self.interest_untold = true;
        Ok(())
    }

    pub(crate) fn interest_record(&self) -> Record {
        Record::Interest { only: self.interest.only, topics: self.interest.topics.iter().copied().collect() }
    }

    /// What this node took before this process began, it takes.
    pub(crate) fn remember_interest(&mut self, only: bool, topics: Vec<TopicId>) {
        self.interest = Interest { only, topics: topics.into_iter().collect() };
        // It need not be told when that is everything and never was anything else.
        self.interest_version += u64::from(self.interest != Interest::default());
        if self.interest_version > 0 {
            // The edge is new, and looks for those who take the same.
            self.out.push_back(Out::Interest { topic: TopicId::NONE, taken: true });
        }
    }

    /// A hash of what this node takes: equal for nodes that take the same, and 0 for those that take everything.
    #[must_use]
    pub fn interest_digest(&self) -> u128 {
        if self.interest == Interest::default() {
            return 0;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[u8::from(self.interest.only)]);
        for topic in &self.interest.topics {
            hasher.update(&topic.0.to_le_bytes());
        }
        hasher.finalize().as_bytes().iter().take(16).fold(0, |number, &byte| number << 8 | u128::from(byte))
    }

    /// Which topics this node takes: those alone, or all but those.
    #[must_use]
    pub fn taking(&self) -> (bool, Vec<TopicId>) {
        (self.interest.only, self.interest.topics.iter().copied().collect())
    }

    /// Whether this node takes what belongs to a topic.
    #[must_use]
    pub fn takes(&self, topic: TopicId) -> bool {
        self.interest.takes(topic)
    }

    /// Whether a peer has said that it takes what belongs to a topic.
    #[must_use]
    pub fn peer_takes(&self, peer: PeerId, topic: TopicId) -> bool {
        self.peers.get(&peer).is_some_and(|known| known.mutual.takes(topic))
    }

    /// Everything that is here of a topic goes. Should this node write to it again, that is a lane of its own.
    fn forget(&mut self, topic: TopicId, changes: &mut Vec<Change>) {
        self.own.remove(&topic);
        self.remembered.retain(|lane| self.state.replicas.topic(*lane) != topic);
        self.state.forget(topic, self.me, changes);
        for peer in self.peers.values_mut() {
            peer.claims = self.state.restricted(&peer.claims, |of| of != topic);
            peer.ripe = self.state.restricted(&peer.ripe, |of| of != topic);
        }
    }

    /// What this node has made of a topic and no server has yet is nowhere else: it counts again at once, as far as it is whole.
    fn take_back(&mut self, topic: TopicId, changes: &mut Vec<Change>) {
        let lanes: Vec<ReplicaIndex> = self.state.replicas.of_topic(topic).map(|(_, lane)| lane).collect();
        for lane in lanes {
            for update in self.outbox.unacknowledged_updates_of(lane) {
                // What comes after a gap waits for a server.
                if self.state.receive(update, true, changes).is_err() {
                    break;
                }
            }
        }
    }

    /// Tells all peers what this node takes now.
    pub(crate) fn tell_interest(&mut self, now: u64) {
        if !std::mem::take(&mut self.interest_untold) {
            return;
        }
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for peer in peers {
            self.send_interest(peer, now);
            self.send_summary(peer);
        }
        self.pull_all_now(now);
    }

    /// Tells a peer what this node takes, unless that is everything and never was anything else.
    pub(crate) fn send_interest(&mut self, to: PeerId, now: u64) {
        if self.interest_version == 0 {
            return;
        }
        if let Some(peer) = self.peers.get_mut(&to) {
            peer.mutual.told_at = Some(now);
            let topics = self.interest.topics.iter().map(|topic| topic.0.to_le_bytes()).collect::<Vec<_>>();
            let (version, only) = (self.interest_version, self.interest.only);
            self.send(to, &Message::Interest { version, only, topics: topics.into() });
        }
    }

    /// A peer says what it takes.
    pub(crate) fn receive_interest(
        &mut self,
        from: PeerId,
        version: u64,
        only: bool,
        topics: &Bounded<[u8; 16], TOPICS_MAX>,
        now: u64,
    ) -> Result<(), RefusalReason> {
        let topics: BTreeSet<TopicId> = topics.iter().map(|topic| TopicId(u128::from_le_bytes(*topic))).collect();
        if topics.iter().any(|topic| *topic != TopicId::hashed(topic.0)) || version == 0 {
            return Err(RefusalReason::Malformed);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return Ok(()) };
        if version <= peer.mutual.version && peer.mutual.theirs.is_some() {
            return Ok(());
        }
        peer.mutual.version = version;
        self.know_interest(from, Interest { only, topics }, now);
        self.send_summary(from);
        Ok(())
    }

    fn know_interest(&mut self, of: PeerId, interest: Interest, now: u64) {
        let Some(peer) = self.peers.get_mut(&of) else { return };
        let plain = interest == Interest::default() && peer.mutual.theirs.is_none();
        peer.claims = self.state.restricted(&peer.claims, |topic| interest.takes(topic));
        peer.ripe = self.state.restricted(&peer.ripe, |topic| interest.takes(topic));
        peer.mutual.theirs = Some(interest);
        let topical = self.state.has_topics() || self.declared.iter().any(|(_, topic)| *topic != TopicId::NONE);
        if plain && !topical && self.outbox.is_empty() {
            return;
        }
        // What it was told covered something else, and its own answers did.
        (peer.digest, peer.serving, peer.declared) = (None, None, 0);
        peer.forget_told();
        self.send_declarations(of);
        self.send_outbox(of);
        crate::replica::gossip::bring_forward(&mut self.announce_at, now + self.limits.announce_ms);
    }

    /// By which versions of the two interests something is said to a peer.
    pub(crate) fn versions(&self, peer: PeerId) -> Versions {
        let theirs = self.peers.get(&peer).map_or(0, |peer| peer.mutual.version);
        Versions { own: self.interest_version, other: theirs }
    }

    /// A peer has said something by these versions. Says whether they are those of now: otherwise its digest covers other
    /// topics than ours does.
    pub(crate) fn note_versions(&mut self, from: PeerId, versions: Versions, now: u64) -> bool {
        let mine = self.interest_version;
        let Some(peer) = self.peers.get_mut(&from) else { return false };
        if versions.own == 0 && peer.mutual.theirs.is_none() {
            self.know_interest(from, Interest::default(), now);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return false };
        peer.mutual.heard = peer.mutual.heard.max(versions.other.min(mine));
        let long_ago = |at: Option<u64>| at.is_none_or(|at| now >= at + AGAIN_MS);
        if versions.other < mine && long_ago(peer.mutual.told_at) {
            self.send_interest(from, now);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return false };
        if versions.own > peer.mutual.version && long_ago(peer.mutual.asked_at) {
            // It sees by our version of its interest that we do not know it.
            peer.mutual.asked_at = Some(now);
            self.send_summary(from);
        }
        let known = self.peers.get(&from).map_or(0, |peer| peer.mutual.version);
        versions == Versions { own: known, other: mine }
    }

    /// Whether a peer has said something by what this node takes now.
    pub(crate) fn knows_interest(&self, peer: PeerId) -> bool {
        self.peers.get(&peer).is_some_and(|peer| peer.mutual.heard == self.interest_version)
    }

    /// The part of a vector that is of interest on both sides.
    pub(crate) fn shared(&self, vector: &VersionVector, peer: PeerId) -> VersionVector {
        let Some(known) = self.peers.get(&peer) else { return VersionVector::new() };
        self.state.restricted(vector, |topic| self.interest.takes(topic) && known.mutual.takes(topic))
    }

    /// A hash of the part of this node's vector that is of interest on both sides.
    pub(crate) fn digest_for(&self, peer: PeerId) -> u128 {
        if !self.state.has_topics() {
            return self.state.digest();
        }
        let Some(known) = self.peers.get(&peer) else { return 0 };
        let at = (self.state.changes(), self.interest_version, known.mutual.version, known.mutual.theirs.is_some());
        if let Some((_, digest)) = known.digest_at.get().filter(|(before, _)| *before == at) {
            return digest;
        }
        let shared = |topic| self.interest.takes(topic) && known.mutual.compares(topic);
        let digest = digest::digest(&self.state.replicas, &self.state.restricted(self.state.vector(), shared));
        known.digest_at.set(Some((at, digest)));
        digest
    }
}
