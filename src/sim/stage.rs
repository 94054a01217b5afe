//! Nodes whose every turn and every delivery is chosen: plays a [`Schedule`], the same way every time.
//!
//! Each node has a clock of its own, since a real network may delay anything for longer than any sleep. Updates travel as
//! the real messages; nothing is lost, so that what has been sent has been seen.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::effects::Book;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::library::Verb;
use crate::node::Deciding;
use crate::node::Deed;
use crate::node::EffectSettings;
use crate::node::Final;
use crate::node::Input;
use crate::node::Node;
use crate::node::Observation;
use crate::node::Output;
use crate::node::Settings;
use crate::node::Turn;
use crate::node::node_of;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::sim::footprint;
use crate::sim::footprint::Footprints;
use crate::sim::footprint::Place;
use crate::sim::outcome::Outcome;
use crate::sim::outcome::Shown;
use crate::sim::play::Play;
use crate::sim::schedule::Schedule;
use crate::sim::schedule::Step;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;
use crate::source::span::Span;
use crate::value::term::Term;

/// Steps of program that one turn may take.
const TURN_FUEL: u64 = 1_500_000;
/// How many turns all nodes together may take in one run.
const TURNS_MAX: u32 = 600;
/// How often a node's sleepers are woken: a program that goes on for ever is looked at for so long.
const WAKES_MAX: u32 = 2;
/// What a play costs before anything has happened, in steps.
const PLAY_COST: u64 = 2000;
/// What an update costs at each node that gets it, in steps.
const STEPS_PER_UPDATE: u64 = 100;
/// Of how many updates of a node it is known what they changed.
const CHANGES_MAX: usize = 1 << 16;
/// How much of a file is read in the time of a step.
const BYTES_PER_STEP: u64 = 4;

/// Something that happened at one node, as far as the node can tell. Nodes with equal histories are in equal states.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Local {
    /// A task had its turn.
    Turn,
    /// Time passed.
    Woke,
    /// Another one was connected.
    Met(usize),
    /// Updates came: what had been seen after that.
    Saw(Vec<(Lane, u64)>),
    /// The ledger of effects answered, and entered so much.
    Decided(usize),
    /// Another one asked for rights: which one, and for how many times by then.
    Asked(usize, usize),
}

/// One node with what it has shown.
pub(super) struct Actor {
    pub(super) node: Node,
    pub(super) clock_ms: u64,
    pub(super) wakes: u32,
    pub(super) met: Vec<usize>,
    pub(super) prints: BTreeMap<u64, Vec<String>>,
    /// The tasks that are effects of the whole cluster.
    once: BTreeSet<u64>,
    /// By the task that was at work.
    pub(super) reports: Vec<(u64, Diagnostic)>,
    pub(super) history: Vec<Local>,
    pub(super) endless: bool,
    /// What the program asked for so far.
    pub(super) deeds: Vec<Deed>,
    /// What it got to see.
    pub(super) observed: Vec<Observation>,
    /// What each of the node's own updates changed, by lane and in order; nothing where that is not known.
    changed: BTreeMap<Lane, Vec<Vec<Place>>>,
    /// What was changed since the last of these.
    pending: Vec<Place>,
    /// What it has asked others for, by whom: all requests so far, of which as many have arrived.
    pub(super) asks: BTreeMap<usize, (Vec<Vec<u8>>, usize)>,
}

impl Actor {
    /// Finds out what each new update of the node changed. Those of one transaction are made at its end.
    fn account(&mut self, own: &Term) {
        for deed in self.node.take_deeds() {
            self.pending.extend(footprint::changed(&deed, own));
            self.count(&deed.made);
            self.deeds.push(deed);
        }
        self.count(&self.node.made());
    }

    fn count(&mut self, made: &[(Lane, u64)]) {
        let mut known = false;
        for (lane, made) in made {
            let made = usize::try_from(*made).unwrap_or(usize::MAX);
            let changed = self.changed.entry(*lane).or_default();
            if made > changed.len() && made < CHANGES_MAX {
                changed.resize(made, self.pending.clone());
                known = true;
            }
        }
        if known {
            self.pending.clear();
        }
    }
}

/// See the module.
pub(crate) struct Stage<'a> {
    pub(super) play: &'a Play,
    pub(super) actors: Vec<Actor>,
    turns: u32,
    /// About how much work it was so far: steps of program, and what else takes time in the same measure.
    cost: u64,
    /// How much work it may be. Beyond that nothing goes on any more.
    budget: u64,
    /// The files that the program asked for and was not given.
    missing: BTreeSet<String>,
    /// Which effects are started, and where.
    book: Book,
}

impl<'a> Stage<'a> {
    /// Nodes before their first turn; they will do `budget` of work at most.
    pub(crate) fn new(play: &'a Play, schedule: &Schedule, budget: u64) -> Stage<'a> {
        let actors = (0..schedule.replicas)
            .map(|number| {
                let settings = Settings {
                    name: play.node_name(number),
                    replica: u32::try_from(number).unwrap_or(u32::MAX),
                    role: schedule.roles.get(number).cloned().unwrap_or_else(|| play.role(number)),
                    arguments: play.arguments.clone(),
                    identity: identity(number),
                    seed: schedule.seed.wrapping_add(number as u64),
                    watch: false,
                };
                let mut node = Node::of(settings, &play.image);
                // What is kept is nothing, which is sound.
                let _ = node.set_effects(EffectSettings { deciding: Deciding::Shared, ..EffectSettings::default() }, 0);
                node.observe();
                node.limit_derivations(budget);
                Actor {
                    node,
                    clock_ms: schedule.clock_ms,
                    wakes: 0,
                    met: Vec::new(),
                    prints: BTreeMap::new(),
                    once: BTreeSet::new(),
                    reports: Vec::new(),
                    history: Vec::new(),
                    endless: false,
                    deeds: Vec::new(),
                    observed: Vec::new(),
                    changed: BTreeMap::new(),
                    pending: Vec::new(),
                    asks: BTreeMap::new(),
                }
            })
            .collect();
        Stage { play, actors, turns: 0, cost: PLAY_COST, budget, missing: BTreeSet::new(), book: Book::default() }
    }

    /// The files that the program asked for and was not given.
    pub(crate) fn into_missing(self) -> BTreeSet<String> {
        self.missing
    }

    /// The nodes' histories: two stages of one program with equal ones are in equal states.
    pub(crate) fn histories(&self) -> Vec<Vec<Local>> {
        self.actors.iter().map(|actor| actor.history.clone()).collect()
    }

    pub(crate) fn can_run(&self, at: usize) -> bool {
        self.turns < TURNS_MAX
            && !self.is_cut()
            && self.actors.get(at).is_some_and(|actor| !actor.endless && actor.node.can_go_on())
    }

    /// Sleepers wake when nothing else goes on at their node.
    pub(crate) fn can_wake(&self, at: usize) -> bool {
        self.turns < TURNS_MAX
            && !self.is_cut()
            && self.actors.get(at).is_some_and(|actor| {
                let sleeps = actor.node.sleeps_until().is_some() && !actor.node.can_go_on();
                sleeps && !actor.endless && actor.wakes < WAKES_MAX
            })
    }

    /// What each update changed that the one has and the other lacks; nothing where that is not known, as of requests.
    pub(crate) fn lacked(&self, from: usize, to: usize) -> Vec<Vec<Place>> {
        let to_number = to;
        let (Some(from), Some(to)) = (self.actors.get(from), self.actors.get(to)) else { return Vec::new() };
        let seen: BTreeMap<Lane, u64> = to.node.seen().into_iter().collect();
        let mut all = Vec::new();
        for (lane, sequence) in from.node.seen() {
            let changed = self.actors.iter().find_map(|maker| maker.changed.get(&lane)).map_or(&[][..], Vec::as_slice);
            for at in seen.get(&lane).copied().unwrap_or(0)..sequence {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                all.push(changed.get(at).cloned().unwrap_or_default());
            }
        }
        if from.asks.get(&to_number).is_some_and(|(all, arrived)| *arrived < all.len()) {
            all.push(Vec::new());
        }
        all
    }

    /// Teaches what the programs have looked at so far.
    pub(crate) fn teach(&self, footprints: &mut Footprints) {
        for (number, actor) in self.actors.iter().enumerate() {
            footprints.learn(number, &actor.deeds, &own_term(number));
        }
    }

    /// The histories as they will be after a step that is sure to be taken; none where that cannot be told.
    pub(crate) fn histories_after(&self, step: Step) -> Option<Vec<Vec<Local>>> {
        let (at, event) = match step {
            Step::Run(at) => (at, Local::Turn),
            Step::Wake(at) => (at, Local::Woke),
            Step::Send(..) | Step::SendOne(..) => return None,
        };
        // Who asks first for an effect is the one who runs it.
        if self.play.uses(Verb::EnforceOnce) {
            return None;
        }
        let mut histories = self.histories();
        histories.get_mut(at)?.push(event);
        Some(histories)
    }

    /// Whether the two are connected.
    pub(crate) fn have_met(&self, one: usize, other: usize) -> bool {
        self.actors.get(one).is_some_and(|actor| actor.met.contains(&other))
    }

    /// Whether what comes from others can still make a difference to what the node does.
    pub(crate) fn acts_on(&self, at: usize) -> bool {
        self.is_asked(at)
            || self.actors.get(at).is_some_and(|actor| {
                let node = &actor.node;
                actor.wakes < WAKES_MAX && node.sleeps_until().is_some() || node.can_go_on() || node.listens()
            })
    }

    /// Whether what comes from others has an effect before the node's next turn: requests are answered at once.
    pub(crate) fn listens(&self, at: usize) -> bool {
        let asked = |actor: &Actor| actor.history.iter().any(|local| matches!(local, Local::Asked(..)));
        self.actors.get(at).is_some_and(|actor| actor.node.listens() || asked(actor)) || self.is_asked(at)
    }

    /// Whether a request to this node is under way.
    fn is_asked(&self, at: usize) -> bool {
        let asks = |actor: &Actor| actor.asks.get(&at).is_some_and(|(all, arrived)| *arrived < all.len());
        self.actors.iter().any(asks)
    }

    /// Takes a step; says whether there was anything to do.
    pub(crate) fn step(&mut self, step: Step) -> bool {
        match step {
            Step::Run(at) => self.can_run(at) && self.run(at),
            Step::Wake(at) => self.can_wake(at) && self.wake(at),
            Step::Send(from, to) => self.send(from, to, usize::MAX),
            Step::SendOne(from, to) => self.send(from, to, 1),
        }
    }

    fn run(&mut self, at: usize) -> bool {
        let fuel = TURN_FUEL.min(self.budget.saturating_sub(self.cost()));
        let Some(actor) = self.actors.get_mut(at) else { return false };
        self.turns += 1;
        let before = actor.history.len();
        let turn = actor.node.one_turn(actor.clock_ms, fuel);
        actor.endless |= turn == Turn::Endless;
        let task = match turn {
            Turn::Had { task, steps, once } => {
                self.cost += steps;
                if once {
                    actor.once.insert(task);
                }
                task
            }
            Turn::Endless => {
                self.cost += fuel;
                u64::MAX
            }
            Turn::Nothing => u64::MAX,
        };
        if turn != Turn::Nothing {
            actor.history.push(Local::Turn);
        }
        actor.account(&own_term(at));
        self.carry_out(at, task);
        // An effect may have been asked for, without a turn of any task.
        turn != Turn::Nothing || self.actors.get(at).is_some_and(|actor| actor.history.len() > before)
    }

    fn wake(&mut self, at: usize) -> bool {
        let Some(actor) = self.actors.get_mut(at) else { return false };
        let Some(due) = actor.node.sleeps_until() else { return false };
        actor.clock_ms = actor.clock_ms.max(due);
        actor.wakes += 1;
        actor.node.handle(Input::Tick, actor.clock_ms);
        actor.history.push(Local::Woke);
        self.carry_out(at, u64::MAX);
        true
    }

    fn send(&mut self, from: usize, to: usize, most: usize) -> bool {
        // A node takes nothing in during a turn, and this one's turn has no end.
        if self.is_cut() || self.actors.get(to).is_some_and(|actor| actor.endless) {
            return false;
        }
        let met = self.meet(from, to);
        let handed = self.hand_on(from, to, most);
        self.ask(from, to) || handed || met
    }

    /// Hands so many updates on that the receiver lacks; says whether there were any.
    fn hand_on(&mut self, from: usize, to: usize, most: usize) -> bool {
        let (Some(sender), Some(receiver)) = (self.actors.get(from), self.actors.get(to)) else { return false };
        let seen = receiver.node.seen();
        let Some(bytes) = sender.node.updates_for(&seen, most) else { return false };
        let Some(actor) = self.actors.get_mut(to) else { return false };
        let listened = actor.node.listens();
        actor.node.handle(Input::Received { peer: peer(from, to), bytes }, actor.clock_ms);
        let now = actor.node.seen();
        if now == seen {
            // All of it was of topics that it does not take.
            return false;
        }
        self.cost += STEPS_PER_UPDATE * updates(&now).saturating_sub(updates(&seen));
        // Nobody was there to tell one batch from two.
        if !listened && let Some(Local::Saw(_)) = actor.history.last() {
            actor.history.pop();
        }
        actor.history.push(Local::Saw(now));
        self.carry_out(to, u64::MAX);
        true
    }

    /// What one node has asked another for arrives along with its updates, and is answered with updates.
    fn ask(&mut self, from: usize, to: usize) -> bool {
        let Some((all, arrived)) = self.actors.get_mut(from).and_then(|actor| actor.asks.get_mut(&to)) else {
            return false;
        };
        let requests = all.get(*arrived..).map(<[_]>::to_vec).unwrap_or_default();
        *arrived = all.len();
        let count = all.len();
        let Some(actor) = self.actors.get_mut(to).filter(|_| !requests.is_empty()) else { return false };
        for bytes in requests {
            actor.node.handle(Input::Received { peer: peer(from, to), bytes }, actor.clock_ms);
        }
        actor.history.push(Local::Asked(from, count));
        actor.account(&own_term(to));
        self.carry_out(to, u64::MAX);
        true
    }

    fn meet(&mut self, one: usize, other: usize) -> bool {
        if one == other || self.have_met(one, other) {
            return false;
        }
        for (here, there) in [(one, other), (other, one)] {
            let Some(actor) = self.actors.get_mut(here) else { return false };
            actor.met.push(there);
            actor.history.push(Local::Met(there));
            let (peer, name) = (peer(one, other), self.play.node_name(there));
            let incarnation = identity(there);
            actor.node.handle(Input::Connected { peer, name, incarnation, role: Role::Server }, actor.clock_ms);
            self.carry_out(here, u64::MAX);
        }
        true
    }

    /// Does what the node asks for. Of messages to peers only requests are needed: which updates they get is chosen by the
    /// schedule.
    fn carry_out(&mut self, at: usize, task: u64) {
        let Some(actor) = self.actors.get_mut(at) else { return };
        while let Some(output) = actor.node.poll_output() {
            match output {
                Output::Print { text, .. } => actor.prints.entry(task).or_default().push(text),
                Output::Report(diagnostic) => actor.reports.push((task, diagnostic)),
                Output::ReadFile { request, path } => {
                    let file = self.play.files.get(&path).cloned();
                    self.cost += file.as_ref().map_or(0, |file| file.len() as u64 / BYTES_PER_STEP);
                    if file.is_none() {
                        self.missing.insert(path);
                    }
                    let result = file.ok_or_else(|| "there is no such file".to_owned());
                    actor.node.handle(Input::File { request, result }, actor.clock_ms);
                }
                Output::Send { peer, bytes } if Node::is_request_for_rights(&bytes) => {
                    let other = other_end(peer, at);
                    actor.asks.entry(other).or_default().0.push(bytes);
                }
                Output::Book { message } => {
                    // Nobody ends in a play.
                    let (entered, answer) = self.book.answer(node_of(identity(at)), &message, |_| false);
                    actor.history.push(Local::Decided(entered.len()));
                    if let Some(message) = answer {
                        actor.node.handle(Input::Book { message }, actor.clock_ms);
                    }
                }
                _ => {}
            }
        }
    }

    /// Lets everything go on by itself, to the end. Says in which steps.
    pub(crate) fn complete(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            let nodes = 0..self.actors.len();
            if let Some(at) = nodes.clone().find(|&at| self.can_run(at)) {
                self.run(at);
                steps.push(Step::Run(at));
                continue;
            }
            let pairs = nodes.clone().flat_map(|from| nodes.clone().map(move |to| (from, to)));
            let mut sent = false;
            for (from, to) in pairs.filter(|(from, to)| from != to) {
                if self.send(from, to, usize::MAX) {
                    steps.push(Step::Send(from, to));
                    sent = true;
                }
            }
            if sent {
                continue;
            }
            let Some(at) = nodes.clone().find(|&at| self.can_wake(at)) else { return steps };
            self.wake(at);
            steps.push(Step::Wake(at));
        }
    }

    /// The replicas on which a task still sleeps, and is not woken any more.
    pub(crate) fn asleep(&self) -> BTreeSet<usize> {
        let sleeps = |at: &usize| self.actors.get(*at).is_some_and(|actor| actor.node.sleeps_until().is_some());
        (0..self.actors.len()).filter(sleeps).collect()
    }

    /// The verbs that somebody came to.
    pub(crate) fn reached(&self) -> impl Iterator<Item = Span> {
        self.actors.iter().flat_map(|actor| &actor.deeds).map(|deed| deed.span)
    }

    /// What everybody has shown, and the values now.
    pub(crate) fn outcome(&mut self) -> Outcome {
        let mut outcome = Outcome { endless: self.turns >= TURNS_MAX, ..Outcome::default() };
        let files = self.play.files();
        for actor in &mut self.actors {
            outcome.endless |= actor.endless;
            // What an effect shows is shown once, wherever that is.
            let (once, own): (Vec<_>, Vec<_>) = actor.prints.iter().partition(|(task, _)| actor.once.contains(task));
            outcome.once.extend(once.into_iter().map(|(_, lines)| lines.clone()));
            let mut prints: Vec<Vec<String>> = own.into_iter().map(|(_, lines)| lines.clone()).collect();
            prints.sort();
            let grave = actor.reports.iter().filter(|(_, report)| report.severity == Severity::Error);
            let (once, own): (Vec<_>, Vec<_>) = grave.partition(|(task, _)| actor.once.contains(task));
            outcome.once.extend(once.into_iter().map(|(_, report)| vec![told(files, report)]));
            let mut errors: Vec<String> = own.into_iter().map(|(_, report)| told(files, report)).collect();
            errors.sort();
            // A task that only waits so as to do something when it comes is at its end too: only the top level counts.
            let waiting = actor.node.status().waiting.into_iter().filter(|wait| wait.top_level);
            let mut waits: Vec<String> =
                waiting.map(|wait| format!("in line {}", files.place(wait.span).line)).collect();
            waits.sort();
            outcome.replicas.push(Shown { prints, errors, waits });
            // Who does not take a topic sees of it what it wrote itself, at most.
            let number = outcome.replicas.len() - 1;
            let own = |last: &Final| {
                if last.dynamic { format!("{} of replica {number}", last.name) } else { last.name.clone() }
            };
            let bound = actor.node.finals().into_iter().filter(|last| last.taken || last.dynamic);
            let bound: Vec<(String, Term)> = bound.map(|last| (own(&last), last.value)).collect();
            for (name, value) in bound.into_iter().chain(actor.node.named_apart()) {
                let values = outcome.finals.entry(name).or_default();
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        outcome.once.sort();
        outcome.finals.values_mut().for_each(|values| values.sort());
        outcome
    }

    /// About how much work it was, in steps of program.
    pub(crate) fn cost(&self) -> u64 {
        let derived = self.actors.iter().map(|actor| actor.node.derivation_steps(self.budget));
        derived.fold(self.cost, u64::saturating_add)
    }

    /// Whether it was more work than it may be: what there is then is no outcome.
    pub(crate) fn is_cut(&self) -> bool {
        self.cost() >= self.budget
    }

    /// What each node's program got to see, by place, in order.
    pub(crate) fn observations(&mut self) -> Vec<Vec<Observation>> {
        let observed = |actor: &mut Actor| {
            actor.observed.extend(actor.node.take_observations());
            actor.observed.clone()
        };
        self.actors.iter_mut().map(observed).collect()
    }

    /// The places of errors of each node.
    pub(crate) fn failures(&self) -> Vec<Vec<Span>> {
        let places = |actor: &Actor| {
            let labels = actor.reports.iter().filter_map(|(_, report)| report.labels.first());
            labels.map(|label| label.span).collect()
        };
        self.actors.iter().map(places).collect()
    }
}

/// What rights of a node go by.
fn own_term(number: usize) -> Term {
    Term::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Who a node is, in every run.
fn identity(number: usize) -> ReplicaId {
    ReplicaId((number as u128 + 1) << 64)
}

fn updates(seen: &[(Lane, u64)]) -> u64 {
    seen.iter().map(|(_, sequence)| sequence).sum()
}

/// The connection of two nodes.
fn peer(one: usize, other: usize) -> PeerId {
    let (low, high) = (one.min(other) as u64, one.max(other) as u64);
    PeerId(low * crate::sim::schedule::REPLICAS_MAX as u64 + high)
}

/// Who is at the other end of a connection.
fn other_end(PeerId(peer): PeerId, here: usize) -> usize {
    let most = crate::sim::schedule::REPLICAS_MAX as u64;
    let [low, high] = [peer / most, peer % most].map(|end| usize::try_from(end).unwrap_or(usize::MAX));
    if low == here { high } else { low }
}

fn told(files: &Files, report: &Diagnostic) -> String {
    match report.labels.first() {
        Some(label) => format!("{} in line {}: {}", report.code, files.place(label.span).line, report.title),
        None => format!("{}: {}", report.code, report.title),
    }
}
