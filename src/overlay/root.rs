//! Which tree a topic's payloads go along: that of one root, whoever made them.
//!
//! The root says now and then that it is there, and everybody passes that on to all neighbours. Whom a node has it from is its
//! parent, and payloads go both ways along these links. So there is one path between any two nodes, however many
//! make payloads at a time: nobody concludes from what comes twice, as `Plumtree` does, that a link is of no use, which several
//! may conclude of several links at once. (The way is that of bridges, IEEE 802.1D, with the numbers of DSDV.) Beside these
//! links payloads go, until the next sign of life, along one by which something was asked for that had not come; and along all
//! links of who has no parent, so that nothing waits for a tree.
//!
//! **There are no circles.** A sign of life has a number, and is passed on once the parent has brought it, or has not for a while
//! and another becomes the parent. So of a node and its parent the parent has had each number before. Who loses its parent takes
//! a neighbour that has the latest number and is nearer to the root than itself, so that it is none of its own descendants;
//! without one it takes part in all links until the next sign of life.
//!
//! While nothing is told a root is silent for long, and nobody misses it. When payloads come and it stays silent it counts as
//! gone, and someone else becomes the root: as a rule one of those who were its neighbours and lost it, who wait for less.
//! Of two roots all follow the one whose number is lower, unless they miss that one.

use crate::overlay::NodeId;
use crate::overlay::spread::Spread;
use crate::overlay::wire::Beacon;
use crate::overlay::wire::Word;

/// From one sign of life to the next, while there are payloads, and while there are none.
const BUSY_MS: u64 = 1000;
const IDLE_MS: u64 = 60_000;
/// For how long others' signs of life are not followed when the parent has not brought them.
const GRACE_MS: u64 = 250;
/// How long after a payload the root is missed, if it does not say that it is there: then another is welcome.
const MISSED_MS: u64 = 1200;
/// How long it takes until it counts as gone; and up to so much longer, so that not all notice at once.
const SILENCE_MS: u64 = 3000;
const SPREAD_MS: u64 = 1000;
/// The same for who was its neighbour and has lost it. Those are few.
const LOST_MS: u64 = 1500;
const LOST_SPREAD_MS: u64 = 200;
/// Up to where a root counts. Who is said to have counted further is no root: nobody could go on from there.
const NUMBER_MAX: u64 = 1 << 62;
/// By how many hops another link has to be shorter for a parent to be given up.
const SHORTER: u16 = 2;

/// How far a root has counted: its life, and its signs of life in that.
pub(super) type Number = (u64, u64);

/// A sign of life, as a neighbour has passed it on.
#[derive(Clone, Copy)]
pub(super) struct Sign {
    root: NodeId,
    number: Number,
    hops: u16,
    /// The how many-th that came.
    order: u64,
}

/// A root, and the way to it.
struct Root {
    node: NodeId,
    number: Number,
    /// How far away it is.
    hops: u16,
    /// None of the root itself, and of who has lost its parent.
    parent: Option<NodeId>,
    /// Whether it was silent for too long.
    gone: bool,
}

/// What a node knows of its topic's root.
#[derive(Default)]
pub(super) struct Rooting {
    root: Option<Root>,
    /// Until when the parent may bring a number that others have.
    grace: Option<u64>,
    /// Since when there have been payloads and no sign of the root's life.
    silent_since: Option<u64>,
    /// Whether the root was a neighbour, and is not any longer.
    lost: bool,
    /// When this node becomes the root, unless there is one.
    proclaim_at: Option<u64>,
    /// When this node, as the root, says next that it is there, and when it did last.
    beacon_at: Option<u64>,
    beacon_last: u64,
    heard: u64,
}

impl Rooting {
    /// After how long a silence the root counts as gone, and how much longer it may take.
    fn patience(&self) -> (u64, u64) {
        if self.lost { (LOST_MS, LOST_SPREAD_MS) } else { (SILENCE_MS, SPREAD_MS) }
    }

    /// When the root counts as gone.
    fn silent_at(&self, lot: u64) -> Option<u64> {
        let (silence, spread) = self.patience();
        self.silent_since.map(|since| since + silence + lot % spread)
    }
}

impl Spread {
    /// Whether a neighbour is asked for payloads.
    pub(super) fn needs(&self, node: NodeId) -> bool {
        let extra = self.links.get(&node).is_some_and(|link| link.extra);
        self.rooting.root.as_ref().is_some_and(|root| match root.parent {
            _ if extra => true,
            Some(parent) => parent == node,
            None => root.node != self.me,
        })
    }

    /// Whether payloads go along all links, since nobody has said yet that it is the root.
    pub(super) fn rootless(&self) -> bool {
        self.rooting.root.is_none()
    }

    /// A new neighbour is told of the root.
    pub(super) fn greet(&mut self, node: NodeId, now: u64) {
        if self.rooting.root.as_ref().is_some_and(|root| !root.gone) {
            self.tell_root(node);
        } else if self.rooting.root.is_none() && self.rooting.proclaim_at.is_none() {
            self.rooting.proclaim_at = Some(now + SPREAD_MS / 10 + self.lot % SPREAD_MS);
        }
        self.ask_links();
    }

    /// A neighbour is gone.
    pub(super) fn part(&mut self, node: NodeId) {
        let Some(root) = &mut self.rooting.root else { return };
        self.rooting.lost |= root.node == node;
        if root.parent != Some(node) {
            return;
        }
        let nearer = self.links.iter().filter_map(|(&node, link)| {
            let sign = link.sign.filter(|sign| (sign.root, sign.number) == (root.node, root.number))?;
            (sign.hops < root.hops).then_some((sign.hops, sign.order, node))
        });
        match nearer.min() {
            Some((hops, _, node)) => (root.parent, root.hops) = (Some(node), hops + 1),
            None => root.parent = None,
        }
        self.ask_links();
    }

    /// There was a payload: from now on the root is to be heard.
    pub(super) fn note_traffic(&mut self, now: u64) {
        let rooting = &mut self.rooting;
        match &rooting.root {
            Some(root) if root.node == self.me => {
                let soon = now.max(rooting.beacon_last + BUSY_MS);
                rooting.beacon_at = rooting.beacon_at.map(|at| at.min(soon));
            }
            Some(root) if !root.gone => {
                rooting.silent_since.get_or_insert(now);
            }
            Some(_) => {}
            None => {
                rooting.proclaim_at.get_or_insert(now + self.lot % SPREAD_MS);
            }
        }
    }

    /// A neighbour has passed on a sign of life.
    pub(super) fn heard_root(&mut self, from: NodeId, beacon: &Beacon, now: u64) {
        let (node, number) = (NodeId::from(beacon.root), (beacon.life, beacon.number));
        if number.0.max(number.1) >= NUMBER_MAX {
            return;
        }
        let order = self.rooting.heard;
        let Some(link) = self.links.get_mut(&from) else { return };
        self.rooting.heard += 1;
        link.wants = beacon.wants;
        link.sign = Some(Sign { root: node, number, hops: beacon.hops, order });
        if node == self.me {
            // Who remembers more of this node than it does itself hears it again after this.
            (self.counter, self.proclaimed) = (self.counter, self.proclaimed).max(number);
            if !self.can_count_on() && self.root() == Some(self.me) {
                self.rooting.root = None;
                self.ask_links();
            }
            return;
        }
        // Not the same is the root in every topic.
        let rank = |node: NodeId| node ^ self.topic;
        let missed = self.rooting.silent_since.is_some_and(|since| now >= since + MISSED_MS);
        let Some(root) = &mut self.rooting.root else { return self.follow(node, number) };
        if root.node == node && number > root.number {
            if root.parent.is_none_or(|parent| parent == from) || root.gone {
                self.follow(node, number);
            } else {
                self.rooting.grace.get_or_insert(now + GRACE_MS);
            }
        } else if root.node == node && number == root.number {
            if root.parent.is_none() && !root.gone && beacon.hops < root.hops {
                (root.parent, root.hops) = (Some(from), beacon.hops + 1);
                self.ask_links();
            }
        } else if root.node != node && (root.gone || missed || rank(node) < rank(root.node)) {
            self.follow(node, number);
        }
    }

    /// Takes in a number of a root that some neighbours have, and passes it on.
    fn follow(&mut self, node: NodeId, number: Number) {
        let have = self.links.iter().filter_map(|(&link, known)| {
            let sign = known.sign.filter(|sign| sign.root == node && sign.number >= number)?;
            Some((sign.hops, sign.order, link, sign.number))
        });
        let have: Vec<(u16, u64, NodeId, Number)> = have.collect();
        let Some(&best) = have.iter().min() else { return };
        let parent = self.rooting.root.as_ref().filter(|root| root.node == node).and_then(|root| root.parent);
        let stays = have.iter().find(|known| Some(known.2) == parent && known.0 < best.0 + SHORTER);
        let &(hops, _, parent, number) = stays.unwrap_or(&best);
        self.rooting.root = Some(Root { node, number, hops: hops + 1, parent: Some(parent), gone: false });
        let rooting = &mut self.rooting;
        (rooting.grace, rooting.silent_since, rooting.proclaim_at, rooting.beacon_at) = (None, None, None, None);
        rooting.lost = false;
        self.pass_on();
    }

    /// Tells of the root to all neighbours who have not told of it themselves.
    fn pass_on(&mut self) {
        let Some((node, number)) = self.rooting.root.as_ref().map(|root| (root.node, root.number)) else { return };
        self.links.values_mut().for_each(|link| link.extra = false);
        let knows = |sign: Sign| sign.root == node && sign.number >= number;
        let untold = self.links.iter().filter(|(_, link)| !link.sign.is_some_and(knows)).map(|(&node, _)| node);
        untold.collect::<Vec<NodeId>>().into_iter().for_each(|node| self.tell_root(node));
        self.ask_links();
    }

    fn tell_root(&mut self, to: NodeId) {
        let wants = self.needs(to);
        let (Some(root), Some(link)) = (&self.rooting.root, self.links.get_mut(&to)) else { return };
        link.asked = wants;
        let (life, number) = root.number;
        let beacon = Beacon { root: root.node.into(), life, number, hops: root.hops, wants };
        self.say(to, &Word::Beacon(beacon));
    }

    /// Tells neighbours whether they are asked for payloads, where that has changed.
    pub(super) fn ask_links(&mut self) {
        let changed = self.links.iter().filter(|(node, link)| link.asked != self.needs(**node));
        for (node, asked) in changed.map(|(&node, link)| (node, !link.asked)).collect::<Vec<_>>() {
            if let Some(link) = self.links.get_mut(&node) {
                link.asked = asked;
            }
            self.say(node, &Word::Wants(asked));
        }
    }

    /// Does what is due. `complete`: whether all who take part are neighbours, so that there is nothing to pass on.
    pub(super) fn tick_root(&mut self, complete: bool, now: u64) {
        let due = |at: &mut u64| *at <= now;
        if self.rooting.grace.take_if(due).is_some()
            && let Some(root) = &self.rooting.root
        {
            let (node, after) = (root.node, (root.number.0, root.number.1.saturating_add(1)));
            self.follow(node, after);
        }
        if self.rooting.silent_at(self.lot).is_some_and(|at| at <= now) {
            let (_, spread) = self.rooting.patience();
            self.rooting.silent_since = None;
            if let Some(root) = &mut self.rooting.root {
                (root.parent, root.gone) = (None, true);
                self.rooting.proclaim_at = Some(now + self.lot % spread);
                self.ask_links();
            }
        }
        let proclaims = self.rooting.proclaim_at.take_if(due).is_some();
        let speaks = self.rooting.beacon_at.take_if(due).is_some();
        if proclaims && !complete && !self.links.is_empty() && self.can_count_on() {
            let number = (self.counter, self.proclaimed);
            self.rooting.root = Some(Root { node: self.me, number, hops: 0, parent: None, gone: false });
        }
        if (proclaims || speaks)
            && let Some(root) = self.rooting.root.as_mut().filter(|root| root.node == self.me)
        {
            // Of who takes part again after a while the numbers go on.
            self.proclaimed = self.proclaimed.saturating_add(1).max(now);
            root.number = (self.counter, self.proclaimed);
            (self.rooting.beacon_at, self.rooting.beacon_last) = (Some(now + IDLE_MS), now);
            if !complete {
                self.pass_on();
            }
        }
    }

    /// When [`Spread::tick_root`] is next of use.
    pub(super) fn root_due(&self) -> Option<u64> {
        let Rooting { grace, proclaim_at, beacon_at, .. } = self.rooting;
        [grace, self.rooting.silent_at(self.lot), proclaim_at, beacon_at].into_iter().flatten().min()
    }

    /// Whether others would hear this node as the root.
    fn can_count_on(&self) -> bool {
        self.counter.max(self.proclaimed) < NUMBER_MAX - 1
    }

    /// The root, if there is one that does not count as gone.
    pub(super) fn root(&self) -> Option<NodeId> {
        self.rooting.root.as_ref().filter(|root| !root.gone).map(|root| root.node)
    }
}
