//! Exploring: all schedules of a program within bounds, and what each comes to.
//!
//! Stateless model checking: schedules are prefixes of steps, shortest first, each played from the beginning and completed as
//! `Stage::complete` does. Two prefixes after which every node has the same history lead to equal states (a node is a
//! function of what happens at it), so only the first of them is extended: this prunes everything that commutes. So the
//! first schedule with an outcome is a shortest one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use crate::library::Verb;
use crate::node::Observation;
use crate::sim::outcome::Outcome;
use crate::sim::schedule::Schedule;
use crate::sim::schedule::Step;
use crate::sim::stage::Local;
use crate::sim::stage::Play;
use crate::sim::stage::Stage;
use crate::source::span::Span;
use crate::value::term::Term;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most schedules that are played.
    pub plays: usize,
    /// The most steps before the rest goes on by itself.
    pub steps: usize,
    /// About how much work it may be in all, in steps of program. A play that would be more is broken off.
    pub cost: u64,
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
    /// About how much work it was, in steps of program.
    pub cost: u64,
}

/// Plays all schedules of so many replicas within the bounds, under one seed and clock.
#[must_use]
pub fn explore(play: &Play, first: &Schedule, bounds: Bounds) -> Exploration {
    let mut explorer = Explorer { play, first, found: Exploration::default(), known: BTreeMap::new() };
    let mut visited: BTreeSet<Vec<Vec<Local>>> = BTreeSet::new();
    let mut ended: BTreeSet<Vec<Vec<Local>>> = BTreeSet::new();
    let mut queue = VecDeque::from([Vec::new()]);
    explorer.found.complete = true;
    while let Some(steps) = queue.pop_front() {
        let left = bounds.cost.saturating_sub(explorer.found.cost);
        if explorer.found.plays >= bounds.plays || left == 0 {
            explorer.found.complete = false;
            break;
        }
        let mut stage = Stage::new(play, first, left);
        // A last step that does nothing leads nowhere new.
        let moved = steps.iter().fold(true, |_, step| stage.step(*step));
        if !(moved || steps.is_empty()) || !visited.insert(stage.histories()) {
            explorer.found.plays += 1;
            explorer.found.cost = explorer.found.cost.saturating_add(stage.cost());
            continue;
        }
        let next = explorer.next(&stage, &steps);
        if steps.len() >= bounds.steps {
            explorer.found.complete &= next.is_empty();
        } else {
            queue.extend(next.into_iter().map(|step| [steps.as_slice(), &[step]].concat()));
        }
        stage.complete();
        explorer.found.cost = explorer.found.cost.saturating_add(stage.cost());
        if stage.is_cut() {
            explorer.found.complete = false;
            break;
        }
        explorer.found.plays += 1;
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
    let index = found.outcomes.iter().position(|known| *known == outcome).unwrap_or(found.outcomes.len());
    if index == found.outcomes.len() {
        found.outcomes.push(outcome);
    }
    let sights = sights(&stage.observations(), &stage.failures());
    found.runs.push(Run { schedule, outcome: index, sights });
    found.plays += 1;
}

struct Explorer<'a> {
    play: &'a Play,
    first: &'a Schedule,
    found: Exploration,
    /// The outcomes with their indexes.
    known: BTreeMap<Outcome, usize>,
}

impl Explorer<'_> {
    /// The steps worth taking next.
    fn next(&self, stage: &Stage<'_>, steps: &[Step]) -> Vec<Step> {
        let nodes = 0..self.first.replicas;
        // What a node that does not listen has got matters at its next turn only, so that turn may as well come next.
        let only = match steps.last() {
            Some(Step::Send(_, to) | Step::SendOne(_, to)) if !stage.listens(*to) => Some(*to),
            _ => None,
        };
        let mut next = Vec::new();
        for at in nodes.clone().filter(|at| only.is_none_or(|only| only == *at)) {
            if stage.can_run(at) {
                next.push(Step::Run(at));
            }
            if stage.can_wake(at) {
                next.push(Step::Wake(at));
            }
            if !stage.acts_on(at) {
                continue;
            }
            for from in nodes.clone().filter(|from| *from != at) {
                let lacks = stage.lacks(from, at);
                if lacks > 0 || (self.membership() && !stage.have_met(from, at)) {
                    next.push(Step::Send(from, at));
                }
                if lacks > 1 {
                    next.push(Step::SendOne(from, at));
                }
            }
        }
        next
    }

    /// Whether it matters to the program who is connected.
    fn membership(&self) -> bool {
        self.play.uses(Verb::Nodes) || self.play.uses(Verb::Converged)
    }

    fn note(&mut self, steps: Vec<Step>, stage: &mut Stage<'_>) {
        let outcome = stage.outcome();
        let sights = sights(&stage.observations(), &stage.failures());
        let next = self.found.outcomes.len();
        let index = *self.known.entry(outcome.clone()).or_insert(next);
        if index == next {
            self.found.outcomes.push(outcome);
        }
        let schedule = Schedule { steps, ..self.first.clone() };
        self.found.runs.push(Run { schedule, outcome: index, sights });
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
