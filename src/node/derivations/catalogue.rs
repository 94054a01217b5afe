//! Which derivations there are on the nodes that can be reached, and how far away: a state machine without I/O.
//!
//! Each node tells each of its peers how far those are who have a derivation: 0 for one of its own, else one more than the
//! least that its *other* peers have told it. So everybody learns of all derivations over whatever connections there are, and
//! what nobody reachable has any longer goes: either no peer tells of it, or the distances grow, since each node only repeats
//! the other, until they are too far to count ([`FAR`]). What is the same on all nodes costs 17 bytes for each derivation
//! and direction of a connection, once; then only what changes is told.
//!
//! What is told has numbers, and is told again until it is heard. What an identity stands for is asked for once.
//!
//! A client is told what others have, and never believed: what it derives leaves it for nobody.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::node::derivations::fact;
use crate::node::derivations::fact::ASKED_MAX;
use crate::node::derivations::fact::FACTS_MAX;
use crate::node::derivations::fact::FAR;
use crate::node::derivations::fact::Fact;
use crate::node::derivations::fact::Word;
use crate::replica::PeerId;
use crate::replica::Role;

/// Milliseconds after which what has not been answered is said again; doubled each time, up to so many.
const AGAIN_MS: u64 = 500;
const AGAIN_MS_MAX: u64 = 16_000;

/// How far away whoever has a derivation is, by identity.
type Distances = BTreeMap<u128, u8>;

/// That a message was none that a node sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A connected peer.
struct Link {
    role: Role,
    /// What it is known to have heard, and its number.
    base: (u64, Distances),
    /// What it was told since, and when that is told again.
    told: Option<Told>,
    /// The number of what was told last.
    number: u64,
    /// What it has told, and the number of that.
    theirs: Distances,
    heard: u64,
    /// When what is unknown is asked for again.
    ask_at: Option<u64>,
}

struct Told {
    distances: Distances,
    again_at: u64,
    pause_ms: u64,
}

impl Link {
    /// It has told what has changed, or all there is.
    fn take_in(&mut self, number: u64, all: bool, distances: &[([u8; 16], u8)]) {
        if all {
            self.theirs.clear();
        }
        for (identity, distance) in distances {
            let identity = u128::from_le_bytes(*identity);
            if *distance < FAR {
                self.theirs.insert(identity, *distance);
            } else {
                self.theirs.remove(&identity);
            }
        }
        self.heard = number;
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Catalogue {
    client: bool,
    /// This node's own, and whether it has all that they come from.
    own: BTreeMap<u128, bool>,
    facts: BTreeMap<u128, Fact>,
    links: BTreeMap<PeerId, Link>,
    /// Whether something has changed that peers may have to be told.
    untold: bool,
    /// Whether something has changed in what is known.
    changed: bool,
    /// Whether an answer of some peer may be waited for. It is asked for very often when something is next due.
    waits: bool,
    out: Vec<(PeerId, Vec<u8>)>,
}

impl Catalogue {
    /// This node's certificate is a client's: it tells nothing.
    pub(super) fn set_client(&mut self, client: bool) {
        self.client = client;
    }

    /// Whether it gives way to all others: a client's, which nobody else knows.
    pub(super) fn is_late(&self, identity: u128) -> bool {
        self.client && self.is_own(identity)
    }

    /// A derivation of this node, which has all that it comes from until told otherwise.
    pub(super) fn has(&mut self, identity: u128, fact: Fact) {
        if self.own.contains_key(&identity) {
            return;
        }
        self.own.insert(identity, true);
        self.facts.entry(identity).or_insert(fact);
        (self.untold, self.changed) = (true, true);
    }

    /// These of its own, and no others, lack some of what they come from.
    pub(super) fn set_partial(&mut self, partial: &BTreeSet<u128>) {
        for (identity, whole) in &mut self.own {
            if *whole == partial.contains(identity) {
                *whole = !*whole;
                self.untold = true;
            }
        }
    }

    /// Of each server that is connected, and that has told of any of these: how many it has itself, and how far away the nearest is.
    pub(super) fn producers(&self, of: &[u128]) -> Vec<(PeerId, usize, u8)> {
        let servers = self.links.iter().filter(|(_, link)| link.role == Role::Server);
        let found = servers.filter_map(|(peer, link)| {
            let distances = || of.iter().filter_map(|identity| link.theirs.get(identity).copied());
            Some((*peer, distances().filter(|distance| *distance == 0).count(), distances().min()?))
        });
        found.collect()
    }

    /// Whether this node has it itself.
    pub(super) fn is_own(&self, identity: u128) -> bool {
        self.own.contains_key(&identity)
    }

    pub(super) fn connected(&mut self, peer: PeerId, role: Role) {
        let link = Link {
            role,
            base: (0, Distances::new()),
            told: None,
            number: 0,
            theirs: Distances::new(),
            heard: 0,
            ask_at: None,
        };
        self.links.insert(peer, link);
        self.untold = true;
    }

    pub(super) fn lost(&mut self, peer: PeerId) {
        if self.links.remove(&peer).is_some_and(|link| !link.theirs.is_empty()) {
            self.forget_unknown();
        }
    }

    /// All that are known, here or elsewhere, by identity.
    pub(super) fn all(&self) -> impl Iterator<Item = (u128, &Fact)> {
        self.facts.iter().map(|(identity, fact)| (*identity, fact))
    }

    /// Whether any is known that is not this node's own.
    pub(super) fn others(&self) -> bool {
        self.facts.len() > self.own.len()
    }

    /// Whether what is known has changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What is to be sent.
    pub(super) fn take_out(&mut self) -> Vec<(PeerId, Vec<u8>)> {
        std::mem::take(&mut self.out)
    }

    /// Takes a message in.
    pub(super) fn received(&mut self, from: PeerId, bytes: &[u8], now_ms: u64) -> Result<(), Malformed> {
        let word = fact::decode(bytes).ok_or(Malformed)?;
        let Some(link) = self.links.get_mut(&from) else { return Ok(()) };
        match word {
            Word::Has { .. } if link.role == Role::Client => {}
            Word::Has { number, base, distances } => {
                if number > link.heard && (base == 0 || base == link.heard) {
                    link.take_in(number, base == 0, &distances);
                    if link.theirs.len() > FACTS_MAX {
                        return Err(Malformed);
                    }
                    self.forget_unknown();
                    self.ask(from, now_ms);
                }
                let heard = self.links.get(&from).map_or(0, |link| link.heard);
                self.out.push((from, fact::encode(&Word::Heard { number: heard })));
            }
            Word::Heard { number } => {
                if number == link.number
                    && let Some(told) = link.told.take()
                {
                    link.base = (number, told.distances);
                    self.untold = true;
                }
            }
            Word::Ask { identities } => {
                let known = |identity: &[u8; 16]| {
                    let identity = u128::from_le_bytes(*identity);
                    self.facts.get(&identity).map(|fact| fact.told(identity))
                };
                let facts: Vec<_> = identities.iter().filter_map(known).collect();
                self.out.push((from, fact::encode(&Word::Are { facts: facts.into() })));
            }
            Word::Are { facts } => {
                for fact in facts.0 {
                    let (identity, fact) = fact.read().ok_or(Malformed)?;
                    if link.theirs.contains_key(&identity) && !self.facts.contains_key(&identity) {
                        self.facts.insert(identity, fact);
                        (self.untold, self.changed) = (true, true);
                    }
                }
                self.ask(from, now_ms);
            }
        }
        Ok(())
    }

    /// What nobody has any longer goes.
    fn forget_unknown(&mut self) {
        let (own, links) = (&self.own, &self.links);
        let has = |identity: &u128| {
            own.contains_key(identity) || links.values().any(|link| link.theirs.contains_key(identity))
        };
        self.facts.retain(|identity, _| has(identity));
        (self.untold, self.changed) = (true, true);
    }

    /// Asks a peer what it is that it told of.
    fn ask(&mut self, peer: PeerId, now_ms: u64) {
        let Some(link) = self.links.get_mut(&peer) else { return };
        let unknown = link.theirs.keys().filter(|identity| !self.facts.contains_key(identity));
        let unknown: Vec<[u8; 16]> = unknown.take(ASKED_MAX).map(|identity| identity.to_le_bytes()).collect();
        link.ask_at = (!unknown.is_empty()).then_some(now_ms + AGAIN_MS);
        if !unknown.is_empty() {
            self.waits = true;
            self.out.push((peer, fact::encode(&Word::Ask { identities: unknown.into() })));
        }
    }

    /// What a peer is to know: its own part of it left out, so that nobody learns from itself.
    fn for_peer(&self, peer: PeerId) -> Distances {
        let mut distances = Distances::new();
        for (id, link) in &self.links {
            if *id == peer {
                continue;
            }
            for (identity, distance) in &link.theirs {
                let distance = distance.saturating_add(1);
                // Of what this node has itself it is the nearest that it knows.
                if distance < FAR && !self.own.contains_key(identity) && self.facts.contains_key(identity) {
                    let least = distances.entry(*identity).or_insert(distance);
                    *least = distance.min(*least);
                }
            }
        }
        if distances.len() + self.own.len() > FACTS_MAX {
            // The nearest are told, so that all agree about those that few are away from.
            let mut nearest: Vec<(u8, u128)> =
                distances.iter().map(|(identity, distance)| (*distance, *identity)).collect();
            nearest.sort_unstable();
            let room = FACTS_MAX.saturating_sub(self.own.len());
            let kept: BTreeSet<u128> = nearest.into_iter().take(room).map(|(_, identity)| identity).collect();
            distances.retain(|identity, _| kept.contains(identity));
        }
        distances.extend(self.own.iter().take(FACTS_MAX).map(|(identity, whole)| (*identity, u8::from(!whole))));
        distances
    }

    /// Tells the peers what they do not know yet.
    pub(super) fn flush(&mut self, now_ms: u64) {
        if self.client || !std::mem::take(&mut self.untold) {
            return;
        }
        let free: Vec<PeerId> =
            self.links.iter().filter(|(_, link)| link.told.is_none()).map(|(peer, _)| *peer).collect();
        for peer in free {
            let wanted = self.for_peer(peer);
            self.tell(peer, wanted, now_ms, AGAIN_MS);
        }
    }

    fn tell(&mut self, peer: PeerId, wanted: Distances, now_ms: u64, pause_ms: u64) {
        let Some(link) = self.links.get_mut(&peer) else { return };
        let (base, known) = &link.base;
        // Whoever may have heard something once is told that there is nothing.
        if wanted == *known && (*base > 0 || link.number == 0) {
            return;
        }
        let gone = known.keys().filter(|identity| !wanted.contains_key(identity)).map(|identity| (*identity, FAR));
        let come = wanted.iter().filter(|(identity, distance)| known.get(identity) != Some(distance));
        let come = come.map(|(identity, distance)| (*identity, *distance));
        let distances: Vec<([u8; 16], u8)> =
            gone.chain(come).map(|(identity, far)| (identity.to_le_bytes(), far)).collect();
        link.number += 1;
        let word = Word::Has { number: link.number, base: *base, distances: distances.into() };
        link.told = Some(Told { distances: wanted, again_at: now_ms + pause_ms, pause_ms });
        self.waits = true;
        self.out.push((peer, fact::encode(&word)));
    }

    /// A peer is heard of again after a silence: what it has not answered may have been lost in that, and is said again.
    pub(super) fn heard_again(&mut self, peer: PeerId, now_ms: u64) {
        if let Some(told) = self.links.get_mut(&peer).and_then(|link| link.told.as_mut()) {
            (told.again_at, told.pause_ms) = (told.again_at.min(now_ms), AGAIN_MS / 2);
        }
    }

    /// Says again what was not answered.
    pub(super) fn tick(&mut self, now_ms: u64) {
        let due = |at: u64| at <= now_ms;
        let asking: Vec<PeerId> =
            self.links.iter().filter(|(_, link)| link.ask_at.is_some_and(due)).map(|(peer, _)| *peer).collect();
        for peer in asking {
            self.ask(peer, now_ms);
        }
        let unheard = self.links.iter().filter_map(|(peer, link)| {
            let told = link.told.as_ref().filter(|told| due(told.again_at))?;
            Some((*peer, told.pause_ms))
        });
        for (peer, pause_ms) in unheard.collect::<Vec<_>>() {
            let wanted = self.for_peer(peer);
            if let Some(link) = self.links.get_mut(&peer) {
                // Nobody knows what it has heard by now: all is told.
                (link.told, link.base) = (None, (0, Distances::new()));
            }
            self.tell(peer, wanted, now_ms, (2 * pause_ms).min(AGAIN_MS_MAX));
        }
        self.waits = self.links.values().any(|link| link.told.is_some() || link.ask_at.is_some());
    }

    /// Whether a peer has heard all that it was told, and what it told is known.
    pub(super) fn settled_with(&self, peer: PeerId) -> bool {
        self.links.get(&peer).is_none_or(|link| link.told.is_none() && link.ask_at.is_none())
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        if !self.waits {
            return None;
        }
        let unheard = self.links.values().filter_map(|link| link.told.as_ref().map(|told| told.again_at));
        unheard.chain(self.links.values().filter_map(|link| link.ask_at)).min()
    }
}
