//! What a simulated run is: how many nodes, for how long, what the network does to them, and what happens when.

use std::collections::BTreeSet;

use crate::sim::chance::below;
use crate::sim::network::Conditions;
use crate::sim::network::Cut;
use crate::sim::nodes::Nodes;
use crate::sim::script::Action;
use crate::sim::script::Planned;
use crate::sim::words::show_ms;
use crate::sim::words::show_range;
use crate::sim::words::show_share;

/// The most nodes of a run.
pub const NODES_MAX: usize = 20_000;
/// The most things that a script lets happen.
pub const EVENTS_MAX: usize = 10_000;
/// In how many windows of time the network may be parted by chance.
const WINDOWS: u64 = 10;
/// Up to how many nodes a partition by chance is any two sets; with more it is a range and the rest.
const ANY_SIDES_MAX: usize = 16;

/// See the module. Everything follows from it: the same scenario of the same program gives the same trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// How many nodes there are from the beginning.
    pub replicas: usize,
    /// Where chance starts.
    pub seed: u64,
    /// For how long faults happen, milliseconds.
    pub length_ms: u64,
    /// What happens to messages.
    pub conditions: Conditions,
    /// By how many milliseconds, at most, a clock is ahead or behind.
    pub skew_ms: u64,
    /// By how many microseconds in a second, at most, a clock is too fast or too slow.
    pub drift: u64,
    /// How many of a million nodes crash once and come back without what they had.
    pub crash: u64,
    /// The same, coming back with all that they had.
    pub crash_with_data: u64,
    /// For how many millionths of the time the network is parted, by chance.
    pub partition: u64,
    /// How many nodes join at some time.
    pub join: usize,
    /// How many of the first nodes leave at some time.
    pub leave: usize,
    /// What happens besides.
    pub events: Vec<Planned>,
    /// Whether all faults end after the time.
    pub heal: bool,
    /// How long the nodes have to agree after that, milliseconds.
    pub settle_ms: u64,
    /// How many neighbours a node looks for; none for what is usual.
    pub neighbours: Option<usize>,
    /// How many of the first nodes decide where effects are started; none when all nodes share one ledger.
    pub deciders: usize,
    /// How many million steps all nodes together may take; none for what is usual.
    pub steps: Option<u64>,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            replicas: 3,
            seed: 1,
            length_ms: 10_000,
            conditions: Conditions::CALM,
            skew_ms: 0,
            drift: 0,
            crash: 0,
            crash_with_data: 0,
            partition: 0,
            join: 0,
            leave: 0,
            events: Vec::new(),
            heal: true,
            settle_ms: 120_000,
            neighbours: None,
            deciders: 0,
            steps: None,
        }
    }
}

impl Scenario {
    /// The nodes that are there at some time, each once.
    #[must_use]
    pub fn nodes(&self) -> BTreeSet<usize> {
        let joins = |planned: &Planned| match &planned.action {
            Action::Join(nodes) => nodes.list(),
            _ => Vec::new(),
        };
        (0..self.replicas + self.join).chain(self.events.iter().flat_map(joins)).collect()
    }

    /// Whether a node is there at some time.
    #[must_use]
    pub fn has(&self, node: usize) -> bool {
        let joins = |planned: &Planned| matches!(&planned.action, Action::Join(nodes) if nodes.names(node));
        node < self.replicas + self.join || self.events.iter().any(joins)
    }

    /// How many neighbours a node has: all others while there are few nodes, and no overlay then.
    #[must_use]
    pub fn degree(&self) -> Option<usize> {
        let usual = (self.replicas + self.join > 16).then_some(8);
        self.neighbours.or(usual)
    }

    /// Everything that happens, in order: what is written down, and what chance adds to it.
    #[must_use]
    pub fn plan(&self) -> Vec<Planned> {
        let mut planned = self.events.clone();
        self.plan_crashes(&mut planned);
        self.plan_partitions(&mut planned);
        for number in 0..self.join {
            let nodes = Nodes::one(self.replicas + number);
            planned.push(Planned { at_ms: self.at(&[10, number as u64], 5, 80), action: Action::Join(nodes) });
        }
        for number in 0..self.leave.min(self.replicas) {
            // From the last one on, so that node 0, which often begins, stays longest.
            let nodes = Nodes::one(self.replicas - 1 - number);
            planned.push(Planned { at_ms: self.at(&[11, number as u64], 20, 90), action: Action::Leave(nodes) });
        }
        planned.sort_by_key(|planned| planned.at_ms);
        planned
    }

    /// The same scenario, with what chance would add written down.
    #[must_use]
    pub fn written_down(&self) -> Scenario {
        let none = Scenario { crash: 0, crash_with_data: 0, partition: 0, join: 0, leave: 0, ..self.clone() };
        Scenario { events: self.plan(), neighbours: self.degree(), ..none }
    }

    /// A time by chance, between two hundredths of the length.
    fn at(&self, words: &[u64], from: u64, to: u64) -> u64 {
        let hundredth = |part: u64| self.length_ms * part / 100;
        hundredth(from) + below(hundredth(to - from).max(1), self.seed, words)
    }

    fn plan_crashes(&self, planned: &mut Vec<Planned>) {
        for (share, data, word) in [(self.crash, false, 20), (self.crash_with_data, true, 21)] {
            for node in 0..self.replicas {
                if below(Conditions::WHOLE, self.seed, &[word, node as u64, 0]) >= share {
                    continue;
                }
                let down = self.at(&[word, node as u64, 1], 5, 70);
                let back = down + self.at(&[word, node as u64, 2], 2, 25).max(1);
                planned.push(Planned { at_ms: down, action: Action::Crash(Nodes::one(node)) });
                planned.push(Planned { at_ms: back, action: Action::Restart { nodes: Nodes::one(node), data } });
            }
        }
    }

    fn plan_partitions(&self, planned: &mut Vec<Planned>) {
        let window = (self.length_ms / WINDOWS).max(1);
        for number in 0..WINDOWS {
            let words = |what| [30, number, what];
            if self.replicas < 2 || below(Conditions::WHOLE, self.seed, &words(0)) >= self.partition {
                continue;
            }
            let (from_ms, to_ms) = (number * window, Some((number + 1) * window));
            let kind = below(3, self.seed, &words(1));
            let every_ms = (kind == 2).then_some((window / 8).max(1));
            let cut = Cut { sides: self.sides(number), one_way: kind == 1, every_ms, from_ms, to_ms };
            planned.push(Planned { at_ms: from_ms, action: Action::Cut(cut) });
        }
    }

    /// Two sides by chance, neither empty.
    fn sides(&self, number: u64) -> Vec<Nodes> {
        let split = 1 + below(self.replicas as u64 - 1, self.seed, &[31, number]);
        let split = usize::try_from(split).unwrap_or(1);
        if self.replicas > ANY_SIDES_MAX {
            return vec![Nodes::Ranges(vec![(0, split - 1)]), Nodes::Rest];
        }
        let mut nodes: Vec<usize> = (0..self.replicas).collect();
        nodes.sort_by_key(|&node| below(u64::MAX, self.seed, &[32, number, node as u64]));
        let (one, other) = nodes.split_at(split);
        let side = |nodes: &[usize]| {
            let mut nodes = nodes.to_vec();
            nodes.sort_unstable();
            Nodes::Ranges(nodes.into_iter().map(|node| (node, node)).collect())
        };
        vec![side(one), side(other)]
    }

    /// The words that `lasp sim` takes for it, apart from the program and its settings.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let usual = Scenario::default();
        let mut flags = vec!["--replicas".to_owned(), self.replicas.to_string()];
        flags.extend(["--seed".to_owned(), self.seed.to_string(), "--for".to_owned(), show_ms(self.length_ms)]);
        let mut flag = |differs: bool, name: &str, value: String| {
            if differs {
                flags.extend([name.to_owned(), value]);
            }
        };
        let (now, calm) = (self.conditions, usual.conditions);
        flag(now.lost > 0, "--loss", show_share(now.lost));
        flag(now.doubled > 0, "--duplicate", show_share(now.doubled));
        flag(now.delay_ms != calm.delay_ms, "--delay", show_range(now.delay_ms));
        flag(self.skew_ms > 0, "--skew", show_ms(self.skew_ms));
        flag(self.drift > 0, "--drift", show_share(self.drift));
        flag(self.crash > 0, "--crash", show_share(self.crash));
        flag(self.crash_with_data > 0, "--crash-with-data", show_share(self.crash_with_data));
        flag(self.partition > 0, "--partition", show_share(self.partition));
        flag(self.join > 0, "--join", self.join.to_string());
        flag(self.leave > 0, "--leave", self.leave.to_string());
        flag(self.settle_ms != usual.settle_ms, "--settle", show_ms(self.settle_ms));
        if let Some(degree) =
            self.neighbours.filter(|_| self.neighbours != Scenario { neighbours: None, ..self.clone() }.degree())
        {
            flag(true, "--neighbours", degree.to_string());
        }
        flag(self.deciders > 0, "--deciders", self.deciders.to_string());
        if let Some(steps) = self.steps {
            flag(true, "--steps", steps.to_string());
        }
        for planned in &self.events {
            flag(true, "--event", planned.to_string());
        }
        if now.reorder {
            flags.push("--reorder".to_owned());
        }
        if !self.heal {
            flags.push("--no-heal".to_owned());
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_plans_the_same_for_the_same_seed_and_within_the_time() {
        let wild = |seed| Scenario {
            replicas: 6,
            seed,
            crash: 500_000,
            crash_with_data: 200_000,
            partition: 500_000,
            join: 2,
            leave: 1,
            ..Scenario::default()
        };
        assert_eq!(wild(5).plan(), wild(5).plan());
        assert_ne!(wild(5).plan(), wild(6).plan());
        let plan = wild(5).plan();
        assert!(plan.len() > 6 && plan.iter().all(|planned| planned.at_ms < 10_000), "{plan:?}");
        assert_eq!(wild(5).written_down().plan(), plan);
    }
}
