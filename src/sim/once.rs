//! Effects of `enforce_once`: which servers decide, what became of each effect, and whether that is what is promised. Started at
//! most once in all; started soon once all of those who decide that are there, a majority, are together with somebody who waits;
//! in doubt, to somebody who waits, when the node that started it is gone; and not in doubt for good when its end was told.
//!
//! What happened is taken from what nodes tell when they start and end a function, not from what deciders have entered.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::effects::Deciders;
use crate::effects::EffectKey;
use crate::effects::Member;
use crate::node::Deciding;
use crate::node::EffectEvent;
use crate::node::EffectState;
use crate::node::node_of;
use crate::replica::Role;
use crate::sim::Cluster;
use crate::sim::chance::chance;
use crate::sim::trace::Happened;

/// Within which time an effect is started, once that is possible without interruption. An election takes up to 5 seconds, and who
/// waits asks every 4.
const SOON_MS: u64 = 15_000;
/// With messages that take longer than that, or are lost, nothing is said of how soon.
const DELAY_MS_MAX: u64 = 200;
/// How often it is looked whether an effect could be started.
const LOOK_MS: u64 = 100;

/// What became of the effects of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many were started.
    pub started: u64,
    /// How many of these have ended well.
    pub ended: u64,
    /// How many of these have failed.
    pub failed: u64,
    /// How many of these somebody told to be in doubt, for a while at least.
    pub in_doubt: u64,
    /// How many wait for a decision at the end.
    pub waiting: u64,
}

/// One start.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// Where, and which of the nodes that have been in that place.
    node: usize,
    incarnation: u64,
    /// How it has ended.
    ended: Option<EffectState>,
    /// The node was gone before.
    cut_short: bool,
    /// A node came to that place that knows nothing of it.
    forgotten: bool,
}

/// Something wrong with an effect, and where it was noticed.
pub(crate) struct Breach {
    pub(crate) node: usize,
    /// What it comes to, without nodes: that is the same in another run that fails so.
    pub(crate) claim: String,
    pub(crate) what: String,
}

impl Breach {
    /// Where no other node is told of.
    fn plain(node: usize, what: String) -> Breach {
        Breach { node, claim: what.clone(), what }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Once {
    starts: BTreeMap<EffectKey, Start>,
    /// Those that somebody has told to be in doubt.
    doubts: BTreeSet<EffectKey>,
    /// Those whose end was told by another node than the one that had started it: so those who decide know it.
    over: BTreeSet<EffectKey>,
    /// What each node that is up has told last of each effect.
    last: BTreeMap<(usize, EffectKey), EffectState>,
    /// What is wrong, and where it was noticed.
    pub(crate) broken: Vec<Breach>,
    /// Since when each effect could be started that is not.
    possible: BTreeMap<EffectKey, u64>,
    looked_ms: u64,
}

impl Once {
    /// A node tells what becomes of an effect.
    pub(crate) fn told(&mut self, node: usize, incarnation: u64, event: &EffectEvent) {
        let key = event.key;
        self.last.insert((node, key), event.state);
        let known = self.starts.get_mut(&key);
        match (event.state, known) {
            (EffectState::Started, None) => {
                self.starts.insert(key, Start { node, incarnation, ended: None, cut_short: false, forgotten: false });
            }
            (EffectState::Started, Some(first)) => {
                let what = format!("it started the effect {key}, which n{} had started before", first.node);
                self.broken.push(Breach { node, claim: format!("{key} was started again"), what });
            }
            (EffectState::InDoubt, _) => drop(self.doubts.insert(key)),
            (EffectState::Ended | EffectState::Failed, Some(start)) => {
                if (start.node, start.incarnation) == (node, incarnation) {
                    start.ended = Some(event.state);
                } else if start.ended == Some(event.state) {
                    self.over.insert(key);
                } else {
                    self.broken
                        .push(Breach::plain(node, format!("it says that the effect {key} is over, which it is not")));
                }
            }
            (EffectState::Ended | EffectState::Failed, None) => {
                let what = format!("it says that the effect {key} is over, which nobody has started");
                self.broken.push(Breach::plain(node, what));
            }
        }
    }

    /// The node in a place is gone, with the effects that it was at.
    pub(crate) fn gone(&mut self, node: usize) {
        let there = self.starts.values_mut().filter(|start| start.node == node && start.ended.is_none());
        there.for_each(|start| start.cut_short = true);
        self.last.retain(|(told, _), _| *told != node);
    }

    /// A node comes to a place without what the last one there knew.
    pub(crate) fn forgets(&mut self, node: usize) {
        self.starts.values_mut().filter(|start| start.node == node).for_each(|start| start.forgotten = true);
    }

    fn count(&self, waiting: u64) -> Count {
        let ended = |state| self.starts.values().filter(|start| start.ended == Some(state)).count() as u64;
        Count {
            started: self.starts.len() as u64,
            ended: ended(EffectState::Ended),
            failed: ended(EffectState::Failed),
            in_doubt: self.doubts.len() as u64,
            waiting,
        }
    }
}

impl Cluster {
    /// Who decides where effects are started: the first nodes, if so many are to, or all by a ledger that they share.
    pub(crate) fn deciding(&self) -> Deciding {
        let member = |number: usize| Member {
            node: node_of(self.first_identity(number)),
            name: format!("n{number}"),
            addresses: Vec::new(),
        };
        let list = Deciders::first((0..self.deciders).map(member).collect());
        list.map_or(Deciding::Shared, Deciding::Servers)
    }

    /// Whether a node is one of several, or the only one, that decide.
    pub(crate) fn decides(&self, number: usize) -> bool {
        number < self.deciders
    }

    /// Where chance gives the nodes of a place their keys.
    pub(crate) fn word_of(&self, number: usize, incarnation: u64, what: u64) -> u64 {
        chance(self.seed, &[1, number as u64, incarnation, what])
    }

    /// A node tells what becomes of an effect.
    pub(crate) fn effect(&mut self, node: usize, event: &EffectEvent) {
        let line = format_args!("effect {} {}", event.key, event.state.word());
        self.trace.note(Happened::Effect, self.now_ms, node, &event.key.0.to_le_bytes(), line);
        self.once.told(node, self.places[node].incarnations, event);
    }

    /// Effects that servers which are up wait for: whether nothing is decided about them, and who waits.
    fn effects_wanted(&self) -> BTreeMap<EffectKey, Vec<(usize, bool)>> {
        let mut wanted: BTreeMap<EffectKey, Vec<(usize, bool)>> = BTreeMap::new();
        for (number, place) in self.places.iter().enumerate() {
            if place.up && place.certificate == Role::Server {
                for (key, undecided) in place.node.effects_pending() {
                    wanted.entry(key).or_default().push((number, undecided));
                }
            }
        }
        wanted
    }

    /// Whether all that can become of effects has: none could be started, and no doubt is untold.
    pub(crate) fn effects_are_settled(&self) -> bool {
        self.effects_wanted().iter().all(|(key, who)| {
            let startable = who.iter().any(|&(node, undecided)| undecided && self.is_decidable(node));
            !startable && !self.doubt_is_due(*key)
        }) && self.vain_doubts().is_empty()
    }

    /// Who waits for an effect and has told that it is in doubt, though somebody who is there has told its end, or heard of it from
    /// those who decide.
    fn vain_doubts(&self) -> Vec<(usize, EffectKey)> {
        let known = |key: &EffectKey| {
            let kept = |start: &Start| start.ended.is_some() && !start.forgotten && self.is_up(start.node);
            self.once.over.contains(key) || self.once.starts.get(key).is_some_and(kept)
        };
        let wanted = self.effects_wanted();
        let waiting = wanted.iter().flat_map(|(key, who)| who.iter().map(|&(node, _)| (node, *key)));
        let doubts = waiting.filter(|told| self.once.last.get(told) == Some(&EffectState::InDoubt));
        doubts.filter(|(node, key)| known(key) && self.is_decidable(*node)).collect()
    }

    /// Whether an effect was cut short and nobody has told that it is in doubt.
    fn doubt_is_due(&self, key: EffectKey) -> bool {
        let cut_short = self.once.starts.get(&key).is_some_and(|start| start.cut_short);
        cut_short && !self.once.doubts.contains(&key)
    }

    /// What somebody should have told, and nobody has.
    pub(crate) fn untold_doubts(&self) -> Vec<Breach> {
        let wanted = self.effects_wanted();
        let untold = wanted.into_iter().filter(|(key, _)| self.doubt_is_due(*key));
        let told = untold.filter_map(|(key, who)| {
            let gone = self.once.starts.get(&key)?.node;
            let what =
                format!("it does not tell that the effect {key} is in doubt, of which n{gone} began and is gone");
            Some(Breach { node: who.first()?.0, claim: format!("the doubt about {key} is not told"), what })
        });
        let vain = self.vain_doubts().into_iter().map(|(node, key)| {
            Breach::plain(node, format!("it says that the effect {key} is in doubt, of which the end was told"))
        });
        told.chain(vain).collect()
    }

    /// Whether those who decide can answer a node: all of them that are there, a majority of all, and the node hear each other.
    fn is_decidable(&self, node: usize) -> bool {
        if self.deciders == 0 {
            return true;
        }
        let mut together: Vec<usize> = (0..self.deciders).filter(|decider| self.is_up(*decider)).collect();
        if together.len() * 2 <= self.deciders {
            return false;
        }
        if !together.contains(&node) {
            together.push(node);
        }
        let hear = |a: usize, b: usize| {
            let connected = self.network.neighbours(a).any(|(other, _)| other == b);
            connected && !self.network.is_cut(a, b, self.now_ms) && !self.network.is_cut(b, a, self.now_ms)
        };
        together.iter().enumerate().all(|(at, &a)| together[at + 1..].iter().all(|&b| hear(a, b)))
    }

    /// Looks whether an effect is not started that could have been for long.
    pub(crate) fn look_at_effects(&mut self) {
        if self.now_ms < self.once.looked_ms + LOOK_MS {
            return;
        }
        self.once.looked_ms = self.now_ms;
        let conditions = self.network.conditions;
        let calm = conditions.lost == 0 && conditions.delay_ms.1 <= DELAY_MS_MAX;
        let before = std::mem::take(&mut self.once.possible);
        for (key, who) in self.effects_wanted() {
            let asks = who.iter().find(|&&(node, undecided)| undecided && calm && self.is_decidable(node));
            let Some(&(node, _)) = asks.filter(|_| !self.once.starts.contains_key(&key)) else { continue };
            let since = before.get(&key).copied().unwrap_or(self.now_ms);
            self.once.possible.insert(key, since);
            if self.now_ms >= since + SOON_MS {
                let what =
                    format!("the effect {key} is not started, though those who decide have been together for long");
                self.once.broken.push(Breach::plain(node, what));
            }
        }
    }

    /// What became of effects.
    pub(crate) fn count_effects(&self) -> Count {
        let undecided = |who: &Vec<(usize, bool)>| who.iter().all(|(_, undecided)| *undecided);
        let wanted = self.effects_wanted();
        let waiting = wanted.iter().filter(|(key, who)| undecided(who) && !self.once.starts.contains_key(key));
        self.once.count(waiting.count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: EffectKey = EffectKey(7);

    fn event(state: EffectState) -> EffectEvent {
        EffectEvent { key: KEY, attempt: 1, state }
    }

    #[test]
    fn an_effect_that_is_started_twice_is_found() {
        let mut once = Once::default();
        once.told(0, 1, &event(EffectState::Started));
        once.told(1, 1, &event(EffectState::InDoubt));
        assert!(once.broken.is_empty());
        once.told(2, 1, &event(EffectState::Started));
        assert_eq!(once.broken.len(), 1);
        // The same place after a restart is another life.
        let mut once = Once::default();
        once.told(0, 1, &event(EffectState::Started));
        once.gone(0);
        once.told(0, 2, &event(EffectState::Started));
        assert_eq!(once.broken.len(), 1);
    }

    #[test]
    fn an_end_that_did_not_come_is_found() {
        let mut once = Once::default();
        once.told(1, 1, &event(EffectState::Ended));
        assert_eq!(once.broken.len(), 1);
        let mut once = Once::default();
        once.told(0, 1, &event(EffectState::Started));
        once.told(0, 1, &event(EffectState::Failed));
        once.told(1, 1, &event(EffectState::Failed));
        assert!(once.broken.is_empty());
        once.told(1, 1, &event(EffectState::Ended));
        assert_eq!(once.broken.len(), 1);
        assert_eq!(once.count(0), Count { started: 1, failed: 1, ..Count::default() });
    }

    #[test]
    fn whose_end_was_told_is_known_for_good_unless_only_its_node_knew() {
        let told = |first: EffectState, data: bool| {
            let mut cluster = Cluster::new(1, crate::sim::Faults::NONE);
            let program =
                "S = declare(gset). update(S, {add, a}). enforce_once(S, {cardinality, 1}, fun() -> sleep(60000) end).";
            for _ in 0..2 {
                cluster.join(program).expect("sound");
            }
            let (key, _) = cluster.places[1].node.effects_pending().next().expect("it waits");
            cluster.once = Once::default();
            for (node, state) in [(0, EffectState::Started), (0, first), (1, EffectState::InDoubt)] {
                cluster.once.told(node, 1, &EffectEvent { key, attempt: 1, state });
            }
            if !data {
                cluster.once.forgets(0);
            }
            (cluster.effects_are_settled(), cluster.untold_doubts().len())
        };
        assert_eq!(told(EffectState::Ended, true), (false, 1));
        assert_eq!(told(EffectState::Ended, false), (true, 0));
        assert_eq!(told(EffectState::InDoubt, true), (true, 0));
    }
}
