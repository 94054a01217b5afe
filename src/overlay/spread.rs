//! How a payload reaches everybody who takes part in a topic: along the links of the [root's tree](super::root) at once, and by
//! its name alone along all others, so that who has not got it within a while can ask for it.
//!
//! While little happens a payload goes on in the moment in which it comes. While much does, what has come within some
//! milliseconds goes on together, one message for each link, whoever made it: then a message costs the same whether it holds one
//! payload or twenty.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::overlay::NodeId;
use crate::overlay::Settings;
use crate::overlay::kept::Store;
use crate::overlay::root::Rooting;
use crate::overlay::root::Sign;
use crate::overlay::wire;
use crate::overlay::wire::ANNOUNCED_MAX;
use crate::overlay::wire::ASKED_MAX;
use crate::overlay::wire::PAYLOADS_MAX;
use crate::overlay::wire::Word;

/// How many messages go out at once, after a pause, before payloads are gathered.
const BURST: u64 = 8;
/// For how long it is remembered that a payload has come, at the least.
const SEEN_MS: u64 = 10_000;
/// The most payloads that are known to be missing, and of how many neighbours each.
const MISSING_MAX: usize = 1 << 14;
const ANNOUNCERS_MAX: usize = 8;
/// Up to how many names are told as they are, and one of how many is told of more: names of everything would cost more than
/// what they name, those that are left find a tree that is broken, and what is lost without a name is found when vectors are
/// compared. All nodes leave out the same.
const ANNOUNCED_WHOLE: usize = 8;
const ANNOUNCED_ONE_OF: u64 = 8;
/// How many times as long names are gathered while there are many.
const ANNOUNCE_SLOWER: u64 = 5;

/// The name of a payload: of its hash.
pub(super) type Name = u64;

/// A neighbour.
#[derive(Default)]
pub(super) struct Link {
    /// Whether it asks for payloads, and whether it was told that this node asks for them.
    pub(super) wants: bool,
    pub(super) asked: bool,
    /// Whether it had what nobody else had brought.
    pub(super) extra: bool,
    /// What it has said of the root last.
    pub(super) sign: Option<Sign>,
    waiting: Vec<Arc<[u8]>>,
    names: Vec<Name>,
}

/// What is to be sent: to whom, the bytes, and whether they hold payloads.
pub(super) type Sent = (NodeId, Vec<u8>, bool);

/// See the module.
pub(super) struct Spread {
    pub(super) me: NodeId,
    pub(super) topic: u128,
    /// Greater than in any earlier life of this node.
    pub(super) counter: u64,
    /// The number of this node's last sign of life as the root.
    pub(super) proclaimed: u64,
    /// A number that others hardly have.
    pub(super) lot: u64,
    pub(super) links: BTreeMap<NodeId, Link>,
    pub(super) rooting: Rooting,
    /// The names of what has come, of late and before. Looked up only.
    seen: [FxHashSet<Name>; 2],
    seen_until: u64,
    /// What is kept for those who ask.
    kept: Store,
    /// Who has named what has not come. Looked up only.
    missing: FxHashMap<Name, Vec<NodeId>>,
    /// When it is asked for.
    asks: BTreeSet<(u64, Name)>,
    /// How many messages have gone out at once of late, and since when fewer count.
    used: u64,
    used_at: u64,
    flush_at: Option<u64>,
    names_at: Option<u64>,
    names_last: u64,
    delivered: Vec<(NodeId, Arc<[u8]>)>,
    out: Vec<Sent>,
}

impl Spread {
    pub(super) fn new(me: NodeId, topic: u128, counter: u64, lot: u64) -> Spread {
        Spread {
            me,
            topic,
            counter,
            proclaimed: 0,
            lot,
            links: BTreeMap::new(),
            rooting: Rooting::default(),
            seen: Default::default(),
            seen_until: 0,
            kept: Store::default(),
            missing: FxHashMap::default(),
            asks: BTreeSet::new(),
            used: 0,
            used_at: 0,
            flush_at: None,
            names_at: None,
            names_last: 0,
            delivered: Vec::new(),
            out: Vec::new(),
        }
    }

    /// A node is a neighbour from now on.
    pub(super) fn up(&mut self, node: NodeId, now: u64) {
        self.links.insert(node, Link::default());
        self.greet(node, now);
    }

    /// It no longer is.
    pub(super) fn down(&mut self, node: NodeId) {
        self.links.remove(&node);
        self.part(node);
    }

    /// What has come since this was asked last, and from whom.
    pub(super) fn take_delivered(&mut self) -> Vec<(NodeId, Arc<[u8]>)> {
        std::mem::take(&mut self.delivered)
    }

    /// What is to be sent.
    pub(super) fn take_out(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.out)
    }

    pub(super) fn say(&mut self, to: NodeId, word: &Word<'_>) {
        self.out.push((to, wire::encode_word(self.topic, word), false));
    }

    /// Whether a payload is new; it is not from then on.
    fn is_news(&mut self, name: Name, now: u64) -> bool {
        if now >= self.seen_until {
            self.seen.swap(0, 1);
            self.seen[0].clear();
            self.seen_until = now + SEEN_MS;
        }
        !self.seen[1].contains(&name) && self.seen[0].insert(name)
    }

    fn has_seen(&self, name: Name) -> bool {
        self.seen.iter().any(|seen| seen.contains(&name))
    }

    /// This node tells a payload.
    pub(super) fn tell(&mut self, payload: &[u8], settings: &Settings, now: u64) {
        let name = wire::name(payload);
        if self.is_news(name, now) {
            self.pass(self.me, name, &payload.into(), settings, now);
            self.go_on(settings, now);
        }
    }

    /// Payloads have come. `room` says whether there is room to keep another of so many bytes: without, it goes no further.
    pub(super) fn came(
        &mut self,
        from: NodeId,
        payloads: &[&[u8]],
        settings: &Settings,
        now: u64,
        mut room: impl FnMut(usize) -> bool,
    ) {
        for payload in payloads {
            let name = wire::name(payload);
            if !self.is_news(name, now) {
                continue;
            }
            self.missing.remove(&name);
            let payload: Arc<[u8]> = (*payload).into();
            self.delivered.push((from, payload.clone()));
            if room(payload.len()) {
                self.pass(from, name, &payload, settings, now);
            }
        }
        self.go_on(settings, now);
    }

    fn pass(&mut self, from: NodeId, name: Name, payload: &Arc<[u8]>, settings: &Settings, now: u64) {
        self.note_traffic(now);
        self.kept.forget(now);
        self.kept.keep(now + settings.kept_ms, name, payload.clone());
        let all = self.rootless();
        for (_, link) in self.links.iter_mut().filter(|(node, _)| **node != from) {
            if all || link.wants || link.asked {
                link.waiting.push(payload.clone());
            } else if link.names.len() < PAYLOADS_MAX {
                link.names.push(name);
            }
        }
    }

    /// Sends what waits, or lets it wait for more.
    fn go_on(&mut self, settings: &Settings, now: u64) {
        if self.names_at.is_none() && self.links.values().any(|link| !link.names.is_empty()) {
            let slow = self.names_last + ANNOUNCE_SLOWER * settings.announce_ms;
            self.names_at = Some(slow.max(now + settings.announce_ms));
        }
        if self.links.values().all(|link| link.waiting.is_empty()) {
            return;
        }
        if let Some(passed) = now.saturating_sub(self.used_at).checked_div(settings.gather_ms) {
            (self.used, self.used_at) = (self.used.saturating_sub(passed), self.used_at + passed * settings.gather_ms);
            if self.used >= BURST {
                self.flush_at = Some(self.used_at + settings.gather_ms);
                return;
            }
        }
        self.used = (self.used + 1).min(BURST);
        self.flush(settings);
    }

    fn flush(&mut self, settings: &Settings) {
        self.flush_at = None;
        for (&node, link) in &mut self.links {
            let mut waiting = std::mem::take(&mut link.waiting).into_iter().peekable();
            while let Some(first) = waiting.next() {
                let (mut bytes, mut together) = (first.len(), vec![first]);
                while together.len() < PAYLOADS_MAX
                    && let Some(next) = waiting.next_if(|next| bytes + next.len() <= settings.tree_bytes_max)
                {
                    bytes += next.len();
                    together.push(next);
                }
                self.out.push((node, wire::encode_payloads(self.topic, &together), true));
            }
        }
    }

    /// A neighbour names what it has.
    pub(super) fn named(&mut self, from: NodeId, names: &[[u8; 8]], settings: &Settings, now: u64) {
        if !self.links.contains_key(&from) {
            return;
        }
        for name in names.iter().map(|name| Name::from_le_bytes(*name)) {
            if self.has_seen(name) {
                continue;
            }
            if let Some(announcers) = self.missing.get_mut(&name) {
                if announcers.len() < ANNOUNCERS_MAX && !announcers.contains(&from) {
                    announcers.push(from);
                }
            } else if self.asks.len() < MISSING_MAX {
                self.missing.insert(name, vec![from]);
                self.asks.insert((now + settings.graft_ms, name));
            }
        }
    }

    /// A neighbour asks for payloads: for these, and for all that come.
    pub(super) fn asked(&mut self, from: NodeId, names: &[[u8; 8]], settings: &Settings) {
        let Some(link) = self.links.get_mut(&from) else { return };
        link.wants = true;
        for name in names.iter().map(|name| Name::from_le_bytes(*name)) {
            link.waiting.extend(self.kept.get(name));
        }
        self.flush(settings);
    }

    /// A neighbour asks for payloads from now on, or does not any longer.
    pub(super) fn wants(&mut self, from: NodeId, wants: bool) {
        if let Some(link) = self.links.get_mut(&from) {
            link.wants = wants;
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, complete: bool, settings: &Settings, now: u64) {
        self.tick_root(complete, now);
        self.kept.forget(now);
        // What waited may be gone, with the neighbours that it waited for.
        if self.flush_at.take_if(|at| *at <= now).is_some() {
            self.go_on(settings, now);
        }
        if self.names_at.take_if(|at| *at <= now).is_some() {
            self.names_last = now;
            self.name();
        }
        self.ask(settings, now);
    }

    /// Tells neighbours the names of what they were not sent.
    fn name(&mut self) {
        let mut named = Vec::new();
        for (&node, link) in &mut self.links {
            let mut names = std::mem::take(&mut link.names);
            if names.len() > ANNOUNCED_WHOLE {
                names.retain(|name| name.is_multiple_of(ANNOUNCED_ONE_OF));
            }
            for part in names.chunks(ANNOUNCED_MAX) {
                named.push((node, part.iter().map(|name| name.to_le_bytes()).collect()));
            }
        }
        named.into_iter().for_each(|(node, names)| self.say(node, &Word::Names(names)));
    }

    /// Asks for what was named and has not come.
    fn ask(&mut self, settings: &Settings, now: u64) {
        let mut asked: BTreeMap<NodeId, Vec<[u8; 8]>> = BTreeMap::new();
        while let Some(&(at, name)) = self.asks.first()
            && at <= now
        {
            self.asks.pop_first();
            let Some(announcers) = self.missing.get_mut(&name) else { continue };
            announcers.retain(|node| self.links.contains_key(node));
            if announcers.is_empty() {
                self.missing.remove(&name);
                continue;
            }
            asked.entry(announcers.remove(0)).or_default().push(name.to_le_bytes());
            self.asks.insert((now + (settings.graft_ms / 2).max(1), name));
        }
        for (node, names) in asked {
            if let Some(link) = self.links.get_mut(&node) {
                (link.extra, link.asked) = (true, true);
            }
            for part in names.chunks(ASKED_MAX) {
                self.say(node, &Word::Ask(part.to_vec()));
            }
        }
    }

    /// When [`Spread::tick`] is next of use.
    pub(super) fn due(&self, settings: &Settings) -> Option<u64> {
        // Not for each payload by itself.
        let kept = self.kept.until().map(|until| until + settings.kept_ms);
        let asks = self.asks.first().map(|&(at, _)| at);
        [self.root_due(), self.flush_at, self.names_at, asks, kept].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_that_wait_for_a_neighbour_which_goes_are_not_due_for_ever() {
        let settings = Settings::default();
        let mut spread = Spread::new(1, 0, 1, 7);
        spread.up(2, 0);
        for payload in 0..=BURST {
            spread.tell(&payload.to_le_bytes(), &settings, 0);
        }
        assert_eq!(spread.flush_at, Some(settings.gather_ms));
        spread.down(2);
        spread.tick(false, &settings, settings.gather_ms);
        assert!(spread.due(&settings).is_none_or(|due| due > settings.gather_ms));
    }
}
