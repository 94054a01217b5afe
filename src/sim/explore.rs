//! Exploring: all schedules of a program within bounds, and what each comes to.
//!
//! Stateless model checking: schedules are prefixes of steps, shortest first, each played from the beginning and completed as
//! `Stage::complete` does. Two prefixes after which every node has the same history lead to equal states (a node is a
//! function of what happens at it), so only the first of them is extended: this prunes everything that commutes. Arrivals
//! that nobody looks at are left out (`footprint`). So the first schedule with an outcome is a shortest one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use crate::library::Verb;
use crate::node::Observation;
use crate::sim::footprint::Footprints;
use crate::sim::footprint::Place;
use crate::sim::outcome::Outcome;
use crate::sim::play::Play;
use crate::sim::schedule::Schedule;
use crate::sim::schedule::Step;
use crate::sim::stage::Local;
use crate::sim::stage::Stage;
use crate::sim::state::State;
use crate::source::span::Span;
use crate::value::term::Term;

/// After how many plays it is first asked whether that is enough; then after twice as many, and so on.
const PLAYS_BEFORE_ASKED: usize = 40;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most schedules that are played.
    pub plays: usize,
    /// The most steps before the rest goes on by itself.
    pub steps: usize,
    /// About how much work it may be in all, in steps of program. A play that would be more is broken off.
    pub cost: u64,
    /// Whether what makes no difference is left out: arrivals of updates that nobody looks at.
    pub reduce: bool,
    /// Whether ways that lead to the same state are one way. Which of them is played then says little of what was seen on it.
    pub merge: bool,
}

/// What all replicas got to see: by replica and place, in order. Errors are seen too, with the place alone.
pub type Sights = BTreeMap<(usize, Span), Vec<Term>>;

/// One schedule and what it came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// The schedule.
    pub schedule: Schedule,
    /// Its outcome: an index into [`Exploration::outcomes`].
    pub outcome: usize,
    /// What the program got to see.
    pub sights: Sights,
    /// The replicas on which a task still slept when no more time passed. What it had yet to do is not known, so the run says
    /// nothing beside one in which it had ended.
    pub asleep: BTreeSet<usize>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Exploration {
    /// The runs that differ in what happened at some node, shortest schedules first.
    pub runs: Vec<Run>,
    /// All different outcomes, in the order in which they were found.
    pub outcomes: Vec<Outcome>,
    /// Whether all schedules have been played: there are no others.
    pub complete: bool,
    /// How many schedules were played to the end.
    pub plays: usize,
    /// The verbs that some replica came to in one of them.
    pub reached: BTreeSet<Span>,
    /// About how much work it was, in steps of program.
    pub cost: u64,
}

/// Plays all schedules of so many replicas within the bounds, under one seed and clock.
#[must_use]
pub fn explore(play: &Play, first: &Schedule, bounds: Bounds) -> Exploration {
    explore_until(play, first, bounds, &mut |_| false)
}

/// The same, until that is enough which was found so far; now and then it is asked.
pub(crate) fn explore_until(
    play: &Play,
    first: &Schedule,
    bounds: Bounds,
    enough: &mut dyn FnMut(&Exploration) -> bool,
) -> Exploration {
    let membership = play.uses(Verb::Nodes) || play.uses(Verb::Converged);
    let mut explorer = Explorer {
        first,
        bounds,
        found: Exploration { complete: true, ..Exploration::default() },
        known: BTreeMap::new(),
        queue: BTreeMap::from([(0, VecDeque::from([(Vec::new(), false)]))]),
        visited: BTreeSet::new(),
        states: FxHashSet::default(),
        footprints: Footprints::new(first.replicas, membership),
        news: 0,
        put_off: Vec::new(),
    };
    let mut ended: BTreeSet<Vec<Vec<Local>>> = BTreeSet::new();
    let mut asked = PLAYS_BEFORE_ASKED;
    while let Some((mut steps, announced)) = explorer.take() {
        let left = bounds.cost.saturating_sub(explorer.found.cost);
        if explorer.found.plays >= bounds.plays || left == 0 {
            explorer.found.complete = false;
            break;
        }
        if explorer.found.plays >= asked {
            asked *= 2;
            if enough(&explorer.found) {
                explorer.found.complete = false;
                break;
            }
        }
        let mut stage = Stage::new(play, first, left);
        // A last step that does nothing leads nowhere new.
        let moved = explorer.go(&mut stage, &mut steps);
        if !(moved || steps.is_empty()) || !announced && !explorer.visit(&mut stage, &steps) {
            explorer.found.plays += 1;
            explorer.found.cost = explorer.found.cost.saturating_add(stage.cost());
            continue;
        }
        explorer.branch(&stage, &steps);
        stage.complete();
        explorer.found.cost = explorer.found.cost.saturating_add(stage.cost());
        if stage.is_cut() {
            explorer.found.complete = false;
            break;
        }
        explorer.found.plays += 1;
        stage.teach(&mut explorer.footprints);
        explorer.take_up();
        if ended.insert(stage.histories()) {
            explorer.note(steps, &mut stage);
        }
    }
    explorer.found
}

/// Adds one schedule to what was found.
pub fn play_once(play: &Play, schedule: Schedule, found: &mut Exploration) {
    play_within(play, schedule, u64::MAX, found);
}

/// The same, unless it is more work than `budget`.
pub(crate) fn play_within(play: &Play, schedule: Schedule, budget: u64, found: &mut Exploration) {
    let mut stage = play.played(&schedule, budget);
    found.cost = found.cost.saturating_add(stage.cost());
    if stage.is_cut() {
        return;
    }
    let outcome = stage.outcome();
    found.reached.extend(stage.reached());
    let index = found.outcomes.iter().position(|known| *known == outcome).unwrap_or(found.outcomes.len());
    if index == found.outcomes.len() {
        found.outcomes.push(outcome);
    }
    let sights = sights(&stage.observations(), &stage.failures());
    found.runs.push(Run { schedule, outcome: index, sights, asleep: stage.asleep() });
    found.plays += 1;
}

struct Explorer<'a> {
    first: &'a Schedule,
    bounds: Bounds,
    found: Exploration,
    /// The outcomes with their indexes.
    known: BTreeMap<Outcome, usize>,
    /// Prefixes to be played, by length, and whether what they lead to is among the visited already.
    queue: BTreeMap<usize, VecDeque<(Vec<Step>, bool)>>,
    /// Where somebody was, with the replica that alone went on from there: two that meet with nothing to tell have the same history
    /// whichever of them goes on.
    visited: BTreeSet<(Vec<Vec<Local>>, Option<usize>)>,
    states: FxHashSet<(Vec<State>, Option<usize>)>,
    footprints: Footprints,
    /// How much was known when last something that was put off was looked at.
    news: usize,
    put_off: Vec<PutOff>,
}

/// A step that makes no difference as far as is known.
struct PutOff {
    steps: Vec<Step>,
    step: Step,
    /// What the updates changed that would arrive.
    lacked: Vec<Vec<Place>>,
}

impl Explorer<'_> {
    /// The next prefix: a shortest one.
    fn take(&mut self) -> Option<(Vec<Step>, bool)> {
        let mut shortest = self.queue.first_entry()?;
        let next = shortest.get_mut().pop_front();
        if shortest.get().is_empty() {
            shortest.remove();
        }
        next
    }

    fn put(&mut self, steps: &[Step], step: Step, announced: bool) {
        let longer = [steps, &[step]].concat();
        self.queue.entry(longer.len()).or_default().push_back((longer, announced));
    }

    /// Takes the steps. Of updates that arrive one by one, those that make no difference come along with the next that does.
    fn go(&self, stage: &mut Stage<'_>, steps: &mut Vec<Step>) -> bool {
        let Some((last, before)) = steps.split_last() else { return true };
        before.iter().for_each(|step| {
            stage.step(*step);
        });
        let Step::SendOne(from, to) = *last else { return stage.step(*last) };
        let wanted = self.counting(from, to, &stage.lacked(from, to));
        let mut moved = stage.step(*last);
        while moved && wanted > 0 && self.counting(from, to, &stage.lacked(from, to)) == wanted {
            moved = stage.step(Step::SendOne(from, to));
            if moved {
                steps.push(Step::SendOne(from, to));
            }
        }
        moved
    }

    /// Whether this is a state in which nobody was before.
    fn visit(&mut self, stage: &mut Stage<'_>, steps: &[Step]) -> bool {
        let only = only(stage, steps);
        if self.bounds.merge {
            self.states.insert((stage.states(), only))
        } else {
            self.visited.insert((stage.histories(), only))
        }
    }

    /// How many of these updates make a difference when they get from one replica to another.
    fn counting(&self, from: usize, to: usize, lacked: &[Vec<Place>]) -> usize {
        let all = !self.bounds.reduce || self.footprints.membership();
        let counts = |places: &&Vec<Place>| {
            all || places.is_empty() || places.iter().any(|place| self.footprints.matters(from, to, place))
        };
        lacked.iter().filter(counts).count()
    }

    /// Whether a step that hands on these updates makes a difference.
    fn is_worth(&self, step: Step, lacked: &[Vec<Place>]) -> bool {
        match step {
            Step::Send(from, to) => {
                lacked.is_empty() && self.footprints.membership() || self.counting(from, to, lacked) > 0
            }
            Step::SendOne(from, to) => self.counting(from, to, lacked) > 1,
            Step::Run(_) | Step::Wake(_) => true,
        }
    }

    /// Notes the steps worth taking next.
    fn branch(&mut self, stage: &Stage<'_>, steps: &[Step]) {
        let next = self.next(stage, steps);
        if steps.len() >= self.bounds.steps {
            self.found.complete &= next.iter().all(|(step, lacked)| !self.is_worth(*step, lacked));
            return;
        }
        for (step, lacked) in next {
            if !self.is_worth(step, &lacked) {
                self.put_off.push(PutOff { steps: steps.to_vec(), step, lacked });
                continue;
            }
            // Two ways to one state are told before the second is gone.
            let after = if self.bounds.merge { None } else { stage.histories_after(step) };
            let announced = after.is_some();
            if after.is_none_or(|after| self.visited.insert((after, None))) {
                self.put(steps, step, announced);
            }
        }
    }

    /// Takes up what was put off and is now known to make a difference.
    fn take_up(&mut self) {
        if self.footprints.news() == self.news {
            return;
        }
        self.news = self.footprints.news();
        for put_off in std::mem::take(&mut self.put_off) {
            if self.is_worth(put_off.step, &put_off.lacked) {
                self.put(&put_off.steps, put_off.step, false);
            } else {
                self.put_off.push(put_off);
            }
        }
    }

    /// The steps that can be taken next, with what the updates changed that they hand on.
    fn next(&self, stage: &Stage<'_>, steps: &[Step]) -> Vec<(Step, Vec<Vec<Place>>)> {
        let nodes = 0..self.first.replicas;
        let only = only(stage, steps);
        let mut next = Vec::new();
        for at in nodes.clone().filter(|at| only.is_none_or(|only| only == *at)) {
            if stage.can_run(at) {
                next.push((Step::Run(at), Vec::new()));
            }
            if stage.can_wake(at) {
                next.push((Step::Wake(at), Vec::new()));
            }
            if !stage.acts_on(at) {
                continue;
            }
            for from in nodes.clone().filter(|from| *from != at) {
                let lacked = stage.lacked(from, at);
                if !lacked.is_empty() || !stage.have_met(from, at) {
                    next.push((Step::Send(from, at), lacked.clone()));
                }
                if lacked.len() > 1 {
                    next.push((Step::SendOne(from, at), lacked));
                }
            }
        }
        next
    }

    fn note(&mut self, steps: Vec<Step>, stage: &mut Stage<'_>) {
        let outcome = stage.outcome();
        self.found.reached.extend(stage.reached());
        let sights = sights(&stage.observations(), &stage.failures());
        let next = self.found.outcomes.len();
        let index = *self.known.entry(outcome.clone()).or_insert(next);
        if index == next {
            self.found.outcomes.push(outcome);
        }
        let schedule = Schedule { steps, ..self.first.clone() };
        self.found.runs.push(Run { schedule, outcome: index, sights, asleep: stage.asleep() });
    }
}

/// What a node that does not listen has got matters at its next turn only, so that turn may as well come next.
fn only(stage: &Stage<'_>, steps: &[Step]) -> Option<usize> {
    match steps.last() {
        Some(Step::Send(_, to) | Step::SendOne(_, to)) if !stage.listens(*to) => Some(*to),
        _ => None,
    }
}

fn sights(observations: &[Vec<Observation>], failures: &[Vec<Span>]) -> Sights {
    let mut sights = Sights::new();
    for (replica, seen) in observations.iter().enumerate() {
        for observation in seen {
            sights.entry((replica, observation.span)).or_default().push(observation.value.clone());
        }
    }
    for (replica, spans) in failures.iter().enumerate() {
        for span in spans {
            sights.entry((replica, *span)).or_default().push(Term::atom("error"));
        }
    }
    sights
}
