//! One simulated run: a scenario happens to the nodes of a program, the judge looks on, and what it came to is told.

use std::collections::BTreeMap;

use crate::node::Final;
use crate::node::Image;
use crate::node::Input;
use crate::node::TopLevel;
use crate::node::Waiting;
use crate::sim::Cluster;
use crate::sim::Person;
use crate::sim::chance::below;
use crate::sim::clock::Clock;
use crate::sim::judge;
use crate::sim::judge::Violation;
use crate::sim::measure::Divergence;
use crate::sim::measure::Measure;
use crate::sim::moment::WORTH_A_THREAD;
use crate::sim::network::Cut;
use crate::sim::once::Count;
use crate::sim::queue::Queue;
use crate::sim::scenario::NODES_MAX;
use crate::sim::scenario::Scenario;
use crate::sim::script::Action;
use crate::sim::script::Planned;
use crate::sim::script::typed_line;
use crate::sim::trace::Happened;
use crate::sim::trace::LogLines;
use crate::sim::watch::Watch;
use crate::value::term::Term;

/// How often the judge looks, milliseconds.
const LOOK_EVERY_MS: u64 = 10;
/// How many entries the judge looks at for each thing that happens, so that it takes a bounded share of the time.
const LOOKS_PER_EVENT: u64 = 4;
/// The same with many nodes, which are much alike.
const MANY_NODES: usize = 64;
const LOOKS_PER_EVENT_OF_MANY: u64 = 1;
/// How often it is counted how many different states there are.
const DIVERGENCE_LOOKS: u64 = 50;
/// After how long without a message a connection is given up.
const IDLE_MS: u64 = 15_000;
/// Within how many milliseconds of each other the first nodes start.
const STARTS_MS: u64 = 20;
/// How long a program that has no end goes on after the faults have ended. Then its tasks stand still, so that nodes can agree.
const ENDLESS_MS: u64 = 10_000;
/// How many turns of a million steps all nodes together may use up, and how many more for each node.
const TURNS_MAX: u64 = 40;
const NODE_TURNS_MAX: u64 = 5;
/// How many elements a node's derivations may look at in one turn, and how many of them a million steps are.
const ELEMENTS_MAX: u64 = 20 * ELEMENTS_OF_A_MILLION;
const ELEMENTS_OF_A_MILLION: u64 = 200_000;
/// Of how many nodes at most it is told what waits there for ever.
const WAITS_MAX: usize = 16;

/// A program that is to be simulated, and what its nodes are told.
pub struct Setup<'a> {
    /// The program.
    pub image: &'a Image,
    /// The files that it may read.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// What the node with this number is told.
    pub person: &'a dyn Fn(usize) -> Person,
    /// How many threads may be at it. What happens does not depend on that.
    pub threads: usize,
}

/// What a run came to.
pub struct Ran {
    /// What was found wrong; the run ends with the first.
    pub violations: Vec<Violation>,
    /// The values at the end, by node that was up.
    pub finals: Vec<(usize, Vec<Final>)>,
    /// What each node printed, in order: as text and as a term.
    pub prints: Vec<(usize, Vec<(String, Term)>)>,
    /// What waits for ever at the end, by node.
    pub waits: Vec<(usize, Vec<Waiting>)>,
    /// What it cost.
    pub measure: Measure,
    /// What became of effects.
    pub effects: Count,
    /// A hash of everything that happened.
    pub trace: [u8; 32],
    /// How many things happened.
    pub events: u64,
    /// When it ended, milliseconds of virtual time.
    pub ended_ms: u64,
    /// How long after the end of the faults all agreed.
    pub agreed_ms: Option<u64>,
    /// Whether tasks that did not end were stopped.
    pub stopped: bool,
}

/// What the run itself has to do at a time.
enum Due {
    Planned(Action),
    Start(usize),
    /// A cut has been there for so long that connections across it are given up.
    Idle(Cut),
    /// Nodes without enough neighbours look for some.
    Reconnect,
}

/// Lets a scenario happen. `log` gets a line for everything that happens.
#[must_use]
pub fn run(setup: &Setup<'_>, scenario: &Scenario, log: Option<LogLines>) -> Ran {
    let mut run = Run::new(setup, scenario);
    if let Some(lines) = log {
        run.cluster.trace.write_lines(lines);
    }
    run.faults();
    let agreed_ms = if scenario.heal && run.violations.is_empty() { run.peace() } else { None };
    run.end(agreed_ms)
}

struct Run<'a> {
    setup: &'a Setup<'a>,
    scenario: &'a Scenario,
    cluster: Cluster,
    due: Queue<Due>,
    violations: Vec<Violation>,
    /// The node that the judge looks at next, and how many entries it may look at now.
    next: usize,
    looks: u64,
    events: u64,
    divergence_ms: u64,
    stopped: bool,
}

impl<'a> Run<'a> {
    fn new(setup: &'a Setup<'a>, scenario: &'a Scenario) -> Run<'a> {
        let mut cluster = Cluster::new(scenario.seed, scenario.conditions);
        let usual = TURNS_MAX + NODE_TURNS_MAX * scenario.replicas as u64;
        cluster.limit_turns(scenario.steps.unwrap_or(usual));
        cluster.limit_elements(
            scenario.steps.map_or(ELEMENTS_MAX, |millions| millions.saturating_mul(ELEMENTS_OF_A_MILLION)),
        );
        cluster.degree = scenario.degree();
        if scenario.replicas >= WORTH_A_THREAD {
            cluster.set_threads(setup.threads);
        }
        cluster.deciders = scenario.deciders;
        cluster.watch = Some(Box::new(Watch::default()));
        for (path, bytes) in setup.files {
            cluster.file(path, bytes.clone());
        }
        let mut due = Queue::new();
        let mut plan = scenario.plan();
        plan.retain(|planned| planned.at_ms < scenario.length_ms);
        let with_data = |planned: &Planned| matches!(planned.action, Action::Restart { data: true, .. });
        cluster.disks = scenario.deciders > 0 || plan.iter().any(with_data);
        // A node that a script lets join is not there before.
        let late = |node: usize| {
            plan.iter().any(|planned| matches!(&planned.action, Action::Join(nodes) if nodes.names(node)))
        };
        for node in (0..scenario.replicas).filter(|node| !late(*node)) {
            due.put(below(STARTS_MS, scenario.seed, &[40, node as u64]), Due::Start(node));
        }
        for Planned { at_ms, action } in plan {
            due.put(at_ms, Due::Planned(action));
        }
        let violations = Vec::new();
        let (next, looks, events, divergence_ms) = (0, 0, 0, 0);
        Run { setup, scenario, cluster, due, violations, next, looks, events, divergence_ms, stopped: false }
    }

    /// The time of the faults.
    fn faults(&mut self) {
        while self.violations.is_empty() && self.cluster.now_ms < self.scenario.length_ms {
            self.step(self.scenario.length_ms);
        }
    }

    /// The time after the faults, until all agree. Says how long that took.
    fn peace(&mut self) -> Option<u64> {
        let began = self.cluster.now_ms;
        self.note(0, "all faults end");
        self.cluster.heal();
        let end = began + self.scenario.settle_ms;
        while self.violations.is_empty() {
            if self.cluster.settled() && self.cluster.effects_are_settled() {
                return Some(self.cluster.now_ms - began);
            }
            if self.cluster.now_ms >= end {
                self.violations.extend(judge::untold(&mut self.cluster));
                if self.violations.is_empty() {
                    self.violations.push(judge::no_agreement(&mut self.cluster, self.scenario.settle_ms));
                }
                return None;
            }
            if !self.stopped && self.cluster.now_ms >= began + ENDLESS_MS.min(self.scenario.settle_ms / 2) {
                self.stop_endless();
            }
            self.step(end);
        }
        None
    }

    /// Tasks that did not come to an end have no more turns.
    fn stop_endless(&mut self) {
        let up = self.cluster.up();
        if up.iter().all(|&node| self.cluster.places[node].node.quiescent()) {
            return;
        }
        self.stopped = true;
        self.note(0, "tasks that have no end are stopped");
        up.into_iter().for_each(|node| self.cluster.places[node].node.stand_still());
    }

    /// Goes on until the judge looks again, or something is due.
    fn step(&mut self, end_ms: u64) {
        while let Some((at_ms, due)) = self.due.take(self.cluster.now_ms) {
            self.happen(at_ms, due);
        }
        let next = self.cluster.now_ms + LOOK_EVERY_MS;
        let next = self.due.next_ms().map_or(next, |due| due.min(next)).min(end_ms).max(self.cluster.now_ms + 1);
        self.cluster.run_until(next);
        if next >= self.divergence_ms {
            self.count_states();
            self.divergence_ms = next + (self.scenario.length_ms / DIVERGENCE_LOOKS).max(1);
        }
        self.look();
    }

    fn note(&mut self, node: usize, what: &str) {
        let now_ms = self.cluster.now_ms;
        self.cluster.trace.note(Happened::Fault, now_ms, node, what.as_bytes(), format_args!("** {what}"));
    }

    fn happen(&mut self, at_ms: u64, due: Due) {
        match due {
            Due::Start(node) => self.start(node, false),
            Due::Planned(action) => {
                self.note(0, &Planned { at_ms, action: action.clone() }.to_string());
                self.act(action);
            }
            Due::Idle(cut) => self.give_up_connections(&cut),
            Due::Reconnect => {
                self.cluster.reconnect();
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Cut(cut) => {
                self.cluster.network.tidy(self.cluster.now_ms);
                if cut.every_ms.is_none_or(|every| every >= IDLE_MS) {
                    self.due.put(cut.from_ms + IDLE_MS, Due::Idle(cut.clone()));
                }
                if let Some(to) = cut.to_ms {
                    self.due.put(to, Due::Reconnect);
                }
                self.cluster.network.part(cut);
            }
            Action::Heal => {
                self.cluster.network.join_up();
                self.happen(self.cluster.now_ms, Due::Reconnect);
            }
            Action::Crash(nodes) => nodes.list().into_iter().for_each(|node| self.end_node(node, false)),
            Action::Leave(nodes) => nodes.list().into_iter().for_each(|node| self.end_node(node, true)),
            Action::Restart { nodes, data } => {
                for node in nodes.list() {
                    if node < self.cluster.places.len() && !self.cluster.is_up(node) {
                        self.start(node, data);
                    }
                }
            }
            Action::Join(nodes) => {
                for node in nodes.list() {
                    self.start(node, false);
                }
            }
            Action::Type { nodes, text } => {
                let line = typed_line(&text);
                for node in nodes.list() {
                    self.cluster.type_line(node, &line);
                }
            }
            Action::Loss(lost) => self.cluster.network.conditions.lost = lost,
            Action::Duplicate(doubled) => self.cluster.network.conditions.doubled = doubled,
            Action::Delay(least, most) => self.cluster.network.conditions.delay_ms = (least, most),
            Action::Clock { nodes, by_ms } => {
                let up: Vec<usize> = nodes.list().into_iter().filter(|node| self.cluster.is_up(*node)).collect();
                for node in up {
                    self.cluster.places[node].clock.ahead_ms += by_ms;
                    self.cluster.give(node, Input::Tick);
                }
            }
        }
    }

    /// A node is there from now on. Numbers without a node before it stay free.
    fn start(&mut self, node: usize, data: bool) {
        if self.cluster.is_up(node) || node >= NODES_MAX {
            return;
        }
        let (scenario, word) = (self.scenario, |what| [41, node as u64, what]);
        let spread = |most: u64, what| {
            let off = below(2 * most + 1, scenario.seed, &word(what));
            i64::try_from(off).unwrap_or(0) - i64::try_from(most).unwrap_or(0)
        };
        // No clock shows less than nothing, so the one that is most behind begins there.
        let ahead_ms = i64::try_from(scenario.skew_ms).unwrap_or(0) + spread(scenario.skew_ms, 0);
        let clock = Clock { ahead_ms, drift: spread(scenario.drift, 1) };
        self.cluster.start(node, self.setup.image, (self.setup.person)(node), clock, data);
    }

    fn end_node(&mut self, node: usize, goodbye: bool) {
        if !self.cluster.is_up(node) {
            return;
        }
        self.violations.extend(judge::program(&mut self.cluster, node));
        if goodbye {
            self.cluster.weave_out(node);
        }
        self.cluster.crash(node);
    }

    fn give_up_connections(&mut self, cut: &Cut) {
        let now = self.cluster.now_ms;
        if !self.cluster.network.has_cut(cut) || !cut.stands(now) {
            return;
        }
        for node in self.cluster.up() {
            let across: Vec<_> = (self.cluster.network.neighbours(node))
                .filter(|(other, _)| cut.divides(node, *other))
                .map(|(_, peer)| peer)
                .collect();
            across.into_iter().for_each(|peer| self.cluster.disconnect_from(peer));
        }
    }

    fn count_states(&mut self) {
        let up = self.cluster.up();
        let mut digests: Vec<u128> = up.iter().map(|&node| self.cluster.places[node].node.vector_digest()).collect();
        digests.sort_unstable();
        digests.dedup();
        let found = Divergence { at_ms: self.cluster.now_ms, nodes: up.len(), states: digests.len() };
        if let Some(watch) = &mut self.cluster.watch {
            watch.measure.divergence.push(found);
        }
    }

    /// The judge looks at as many nodes as is worth what has happened.
    fn look(&mut self) {
        let happened = self.cluster.trace.events - self.events;
        self.events = self.cluster.trace.events;
        let many = self.scenario.replicas > MANY_NODES;
        let looks = happened.saturating_mul(if many { LOOKS_PER_EVENT_OF_MANY } else { LOOKS_PER_EVENT });
        self.looks = self.looks.saturating_add(looks);
        self.cluster.look_at_effects();
        self.violations.extend(judge::at_once(&mut self.cluster));
        let nodes = self.cluster.places.len();
        for _ in 0..nodes {
            self.next = (self.next + 1) % nodes;
            if !self.cluster.is_up(self.next) {
                continue;
            }
            let cost = judge::cost(&self.cluster);
            if cost > self.looks || !self.violations.is_empty() {
                break;
            }
            self.looks -= cost;
            self.violations.extend(judge::node(&mut self.cluster, self.next));
        }
        if self.cluster.exhausted() && self.violations.is_empty() {
            self.violations.push(judge::too_much_work(&self.cluster));
        }
    }

    fn end(mut self, agreed_ms: Option<u64>) -> Ran {
        let up = self.cluster.up();
        if self.violations.is_empty() {
            self.count_states();
            for &node in &up {
                self.violations.extend(judge::node(&mut self.cluster, node));
                self.violations.extend(judge::program(&mut self.cluster, node));
            }
            if agreed_ms.is_some() {
                self.violations.extend(judge::disagreements(&mut self.cluster));
            }
        }
        let mut finals = Vec::with_capacity(up.len());
        let mut waits = Vec::new();
        for &node in &up {
            finals.push((node, self.cluster.finals(node)));
            if waits.len() < WAITS_MAX && !self.stopped {
                let status = self.cluster.places[node].node.status();
                let waiting = status.waiting;
                if status.top_level == TopLevel::Waiting {
                    waits.push((node, waiting.into_iter().filter(|waiting| waiting.top_level).collect()));
                }
            }
        }
        let places = self.cluster.places.iter_mut().enumerate();
        let prints = places.map(|(node, place)| {
            let (texts, values) = (std::mem::take(&mut place.prints), std::mem::take(&mut place.values));
            (node, texts.into_iter().zip(values).collect())
        });
        let prints = prints.collect();
        let (trace, events, ended_ms) = (self.cluster.trace(), self.cluster.trace.events, self.cluster.now_ms);
        let effects = self.cluster.count_effects();
        let measure = self.cluster.watch.take().map(|watch| watch.measure).unwrap_or_default();
        Ran {
            violations: self.violations,
            finals,
            prints,
            waits,
            measure,
            effects,
            trace,
            events,
            ended_ms,
            agreed_ms,
            stopped: self.stopped,
        }
    }
}
