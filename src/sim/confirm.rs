//! Showing points of order: for each point of a report, two schedules of the program itself after which it comes to different
//! things, found by exploring and confirmed by replaying them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::coordination::Class;
use crate::coordination::Kind;
use crate::coordination::Point;
use crate::coordination::Report;
use crate::library::Verb;
use crate::sim::explore::Bounds;
use crate::sim::explore::Exploration;
use crate::sim::explore::Run;
use crate::sim::explore::explore_until;
use crate::sim::explore::play_within;
use crate::sim::outcome::Outcome;
use crate::sim::play::Play;
use crate::sim::schedule::Schedule;
use crate::sim::schedule::Step;
use crate::source::span::Span;
use crate::value::term::Term;

/// Where another clock and other dice start, for points that hang on those.
const OTHER_CLOCK_MS: u64 = 60_000;
const OTHER_SEED: u64 = 1000;
/// The most runs of one point that are compared with each other.
const COMPARED_MAX: usize = 300;

/// With how many replicas every point is to be shown, if it can be.
const REPLICAS_ASKED: usize = 3;

/// What whole numbers are at most in the small instances that are tried, one after the other, where the program itself shows
/// nothing.
const SMALL: [u64; 2] = [2, 1];

/// With how many other roles, all together, so many replicas are tried.
const CASTS_MAX: usize = 10;

/// With how many replicas it is tried what one of them sees that comes to something only when it has got what all others made.
const GATHERED: [usize; 3] = [4, 5, 6];

/// How many times as many schedules, and as long ones, are looked at for what has not been shown.
const FURTHER: usize = 3;

/// How many times as many schedules are played, and for how many times as much work, to find out that a program comes to one
/// thing whatever the schedule is.
const PROVED: (usize, u64) = (20, 8);
/// How long the schedules are at most.
const PROVED_STEPS: usize = 80;

/// How the simulator looks for schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// With how many replicas, one after the other, until each point has been shown.
    pub replicas: &'static [usize],
    /// How far with each.
    pub bounds: Bounds,
}

impl Effort {
    /// What a command that people wait for can afford: steps are counted, not seconds.
    pub const COMMAND: Effort = Effort {
        replicas: &[2, 3, 4],
        bounds: Bounds { plays: 400, steps: 12, cost: 6_000_000, reduce: true, merge: false },
    };
}

/// One of two schedules that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The schedule.
    pub schedule: Schedule,
    /// What it has that the other has not.
    pub outcome: Vec<String>,
}

/// What shows a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Two schedules that come to different things, between which the point makes a difference.
    pub sides: (Side, Side),
    /// The places of other points at which the two see different things as well: no schedules without that were found.
    pub also: Vec<Span>,
}

/// What was found out about the points of one program.
#[derive(Clone, Debug, Default)]
pub struct Confirmation {
    /// Of each point, what shows it, if anything was found.
    pub shown: Vec<Option<Evidence>>,
    /// With how many replicas was looked, how many schedules were played, and whether those are all that there are.
    pub looked: Vec<(usize, usize, bool)>,
    /// How many different outcomes were found.
    pub outcomes: usize,
    /// Two schedules with different outcomes of a program in which no point was found.
    pub unexplained: Option<(Side, Side)>,
    /// Whether all schedules of two and of three replicas were played: a point that none of them shows makes no difference.
    pub exhaustive: bool,
    /// How many points were taken out of the report, since no schedule of two or three replicas shows them.
    pub settled: usize,
    /// The verbs that some replica came to in one of the schedules.
    pub reached: BTreeSet<Span>,
    /// About how much work it was, in steps of program.
    pub cost: u64,
}

impl Confirmation {
    /// Whether all schedules of the replica numbers that were tried have been played.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.looked.iter().all(|(_, _, complete)| *complete)
    }
}

/// Looks for schedules that show the points.
#[must_use]
pub fn confirm(play: &Play, points: &[Point], effort: Effort) -> Confirmation {
    let mut found = Confirmation { shown: vec![None; points.len()], ..Confirmation::default() };
    let mut replays = Replays { play, known: BTreeMap::new(), left: effort.bounds.cost };
    for &replicas in effort.replicas {
        found.exhaustive = is_exhaustive(play, &found);
        // Where there is no point, more than are asked for would only be asked for a mistake of this report.
        if replicas > REPLICAS_ASKED && (found.exhaustive || points.is_empty()) {
            break;
        }
        let mut bounds = effort.bounds;
        if replicas > REPLICAS_ASKED {
            // What fewer do not show has to be near.
            bounds = Bounds { plays: bounds.plays / 4, cost: bounds.cost / 4, ..bounds };
        }
        let (mut played, mut complete) = (0, true);
        for (at, first) in casts(play, replicas, &mut complete).into_iter().enumerate() {
            // Whoever else they may be: the same program with less effort.
            let cost = if at == 0 { bounds.cost } else { bounds.cost / 4 };
            let explored = explored(&mut replays, points, &first, Bounds { cost, ..bounds }, &mut found);
            played += explored.plays;
            complete &= explored.complete;
            if is_enough(points, &found) {
                break;
            }
        }
        found.looked.push((replicas, played, complete));
        // More replicas are more work still.
        if played == 0 {
            break;
        }
        if is_enough(points, &found) {
            break;
        }
    }
    found.exhaustive = is_exhaustive(play, &found);
    gather(&mut replays, points, &mut found);
    prove(&mut replays, points, effort, &mut found);
    found.cost = found.cost.saturating_add(effort.bounds.cost - replays.left);
    further(play, points, effort, &mut found);
    shrink(play, points, effort, &mut found);
    found
}

/// Plays, with more replicas than all schedules can be played of, those in which one of them comes last and sees what all others
/// made: what hangs on how many have come shows there, if anywhere.
fn gather(replays: &mut Replays<'_>, points: &[Point], found: &mut Confirmation) {
    // Each is short, or too much work.
    let mut left = replays.left / 4;
    for replicas in GATHERED {
        if is_enough(points, found) || points.is_empty() && found.unexplained.is_some() {
            return;
        }
        let mut explored = Exploration::default();
        let usual = Schedule::new(replicas);
        play_within(replays.play, usual.clone(), left, &mut explored);
        for last in [0, replicas - 1] {
            let others = || (0..replicas).filter(move |other| *other != last);
            let steps = others().map(Step::Run).chain(others().map(|other| Step::Send(other, last)));
            let steps = steps.chain([Step::Run(last)]).collect();
            play_within(
                replays.play,
                Schedule { steps, ..usual.clone() },
                left.saturating_sub(explored.cost),
                &mut explored,
            );
        }
        left = left.saturating_sub(explored.cost);
        replays.left = replays.left.saturating_sub(explored.cost);
        found.reached.extend(&explored.reached);
        fill(replays, points, &mut found.shown, &explored);
        if points.is_empty() {
            found.unexplained = differ(replays, &explored);
        }
    }
}

/// Where everything that was played came to one thing, plays all schedules of two and three replicas, ways to one state once: what
/// was seen on the others does not matter as long as nothing else comes of it.
fn prove(replays: &mut Replays<'_>, points: &[Point], effort: Effort, found: &mut Confirmation) {
    let (plays, mut left) = (effort.bounds.plays * PROVED.0, effort.bounds.cost.saturating_mul(PROVED.1));
    for at in 0..found.looked.len() {
        let several = found.outcomes > 1 || found.shown.iter().any(Option::is_some);
        if points.is_empty() || several || !is_closed(replays.play) {
            return;
        }
        let (replicas, _, complete) = found.looked[at];
        if complete || replicas > REPLICAS_ASKED {
            continue;
        }
        let (mut played, mut complete) = (0, true);
        for first in casts(replays.play, replicas, &mut complete) {
            let bounds = Bounds { plays, steps: PROVED_STEPS, cost: left, merge: true, ..effort.bounds };
            let explored = explore_until(replays.play, &first, bounds, &mut |explored| explored.outcomes.len() > 1);
            left = left.saturating_sub(explored.cost);
            played += explored.plays;
            complete &= explored.complete;
            found.cost = found.cost.saturating_add(explored.cost);
            found.outcomes = found.outcomes.max(explored.outcomes.len());
            found.reached.extend(&explored.reached);
            fill(replays, points, &mut found.shown, &explored);
            if !complete || found.outcomes > 1 {
                return;
            }
        }
        found.looked[at] = (replicas, played, true);
    }
    found.exhaustive = is_exhaustive(replays.play, found);
}

/// Whether nothing is left to be shown.
fn is_enough(points: &[Point], found: &Confirmation) -> bool {
    !points.is_empty() && found.shown.iter().all(Option::is_some)
}

/// Where exploring begins: with the roles that the program asks for, in the order of its text, and then with all others that so
/// many replicas may have. Says whether these are all.
fn casts(play: &Play, replicas: usize, complete: &mut bool) -> Vec<Schedule> {
    let usual = Schedule::new(replicas);
    if replicas > REPLICAS_ASKED {
        return vec![usual];
    }
    let mut casts = play.casts(replicas);
    *complete = casts.len() <= CASTS_MAX;
    casts.truncate(CASTS_MAX);
    let others = casts.into_iter().map(|roles| Schedule { roles, ..usual.clone() });
    std::iter::once(usual.clone()).chain(others).collect()
}

/// Plays schedules that begin so, and notes what they show.
fn explored(
    replays: &mut Replays<'_>,
    points: &[Point],
    first: &Schedule,
    bounds: Bounds,
    found: &mut Confirmation,
) -> Exploration {
    let play = replays.play;
    // Points that need no other clock or dice may all have been shown long before the end.
    let timed = points.iter().any(|point| matches!(point.kind, Kind::Clock | Kind::Chance));
    let mut explored = explore_until(play, first, bounds, &mut |explored| {
        !timed && !points.is_empty() && all_found(points, &found.shown, explored)
    });
    if explored.plays > 0 {
        vary(play, points, first, bounds.cost, &mut explored);
        found.reached.extend(&explored.reached);
        found.outcomes = found.outcomes.max(explored.outcomes.len());
        fill(replays, points, &mut found.shown, &explored);
        if points.is_empty() && found.unexplained.is_none() {
            found.unexplained = differ(replays, &explored);
        }
    }
    found.cost = found.cost.saturating_add(explored.cost);
    explored
}

/// Looks further for what has not been shown, for as much work as before: at longer schedules, and at more of them.
fn further(play: &Play, points: &[Point], effort: Effort, found: &mut Confirmation) {
    let Bounds { plays, steps, .. } = effort.bounds;
    let bounds = Bounds { plays: plays * FURTHER, steps: steps * FURTHER, ..effort.bounds };
    for at in 0..found.looked.len() {
        let (replicas, played, complete) = found.looked[at];
        // Where the work was too much before, it is too much again.
        let ended_early = complete || played < plays || replicas > REPLICAS_ASKED;
        if ended_early || found.shown.iter().all(Option::is_some) {
            continue;
        }
        let (mut played, mut complete) = (0, true);
        for first in casts(play, replicas, &mut complete) {
            let explored = look(play, points, &first, bounds, found);
            played += explored.plays;
            complete &= explored.complete;
        }
        found.looked[at] = (replicas, played, complete);
    }
    found.exhaustive = is_exhaustive(play, found);
}

/// Plays schedules until those points are shown that were not.
fn look(play: &Play, points: &[Point], first: &Schedule, bounds: Bounds, found: &mut Confirmation) -> Exploration {
    let explored = explore_until(play, first, bounds, &mut |explored| all_found(points, &found.shown, explored));
    found.cost = found.cost.saturating_add(explored.cost);
    let mut replays = Replays { play, known: BTreeMap::new(), left: bounds.cost };
    fill(&mut replays, points, &mut found.shown, &explored);
    explored
}

/// Whether what was explored has something for each point that nothing has shown yet.
fn all_found(points: &[Point], shown: &[Option<Evidence>], explored: &Exploration) -> bool {
    let mut open = points.iter().zip(shown).filter(|(_, shown)| shown.is_none());
    open.all(|(point, _)| pair(point, points, explored).is_some())
}

/// Fills in what the explored runs show of those points that nothing has shown yet.
fn fill(replays: &mut Replays<'_>, points: &[Point], shown: &mut [Option<Evidence>], explored: &Exploration) {
    for (point, slot) in points.iter().zip(shown).filter(|(_, slot)| slot.is_none()) {
        *slot = show(replays, point, points, explored);
    }
}

/// Looks at small instances for what the program itself has not shown: a limit that so few replicas never come to, or not in so
/// few steps.
fn shrink(play: &Play, points: &[Point], effort: Effort, found: &mut Confirmation) {
    // Where everything was played a smaller number makes another program.
    if found.exhaustive && points.iter().all(|point| found.reached.contains(&point.span)) {
        return;
    }
    for most in SMALL {
        if found.shown.iter().all(Option::is_some) {
            return;
        }
        let Some(less) = play.small(most) else { continue };
        let bounds = Bounds { plays: effort.bounds.plays / 2, cost: effort.bounds.cost / 2, ..effort.bounds };
        for &replicas in effort.replicas.iter().take_while(|replicas| **replicas <= REPLICAS_ASKED) {
            let first = Schedule { small: Some(most), ..Schedule::new(replicas) };
            look(&less, points, &first, bounds, found);
        }
    }
}

/// Whether a program comes to nothing else under one schedule. What hangs on the clock, on dice or on what the program is given
/// can always come out in yet another way; and in a play nobody tells another what it has seen, so that nobody knows that all agree.
fn is_closed(play: &Play) -> bool {
    ![Verb::NowMs, Verb::Random, Verb::Arg, Verb::Converged].into_iter().any(|verb| play.uses(verb))
}

/// Whether nothing is left to be found out with as many replicas as are asked for.
fn is_exhaustive(play: &Play, found: &Confirmation) -> bool {
    let complete = |asked: usize| found.looked.iter().any(|(replicas, _, complete)| *replicas == asked && *complete);
    is_closed(play) && (2..=REPLICAS_ASKED).all(complete)
}

/// Takes points that some replica came to, and that make no difference in any schedule of two or three replicas, out of a report, and
/// the places for them out of what was found.
pub fn settle(report: &mut Report, found: &mut Confirmation) {
    if !found.exhaustive {
        return;
    }
    let mut shown = std::mem::take(&mut found.shown).into_iter();
    let mut settled = Vec::new();
    report.points.retain(|point| {
        let sides = shown.next().flatten();
        let stays = sides.is_some() || !found.reached.contains(&point.span);
        if stays {
            found.shown.push(sides);
        } else {
            settled.push(point.span);
        }
        stays
    });
    found.settled = settled.len();
    let points = &report.points;
    let gone = |span: Span| settled.contains(&span) && points.iter().all(|point| point.span != span);
    for classed in report.classes.iter_mut().filter(|classed| classed.class == Class::Order && gone(classed.span)) {
        classed.class = Class::Settled;
        "no schedule of 2 or 3 replicas comes to anything else".clone_into(&mut classed.why);
    }
}

/// Adds runs with another clock and other dice, where points hang on them.
fn vary(play: &Play, points: &[Point], first: &Schedule, budget: u64, explored: &mut Exploration) {
    let kinds: BTreeSet<Kind> = points.iter().map(|point| point.kind).collect();
    if kinds.contains(&Kind::Clock) {
        play_within(play, Schedule { clock_ms: OTHER_CLOCK_MS, ..first.clone() }, budget / 4, explored);
    }
    if kinds.contains(&Kind::Chance) {
        play_within(play, Schedule { seed: OTHER_SEED, ..first.clone() }, budget / 4, explored);
    }
}

/// Two schedules with different outcomes between which the point makes a difference, if replaying shows that they differ.
fn show(replays: &mut Replays<'_>, point: &Point, points: &[Point], explored: &Exploration) -> Option<Evidence> {
    let (one, other) = pair(point, points, explored)?;
    let sides = sides(replays, one, other)?;
    let differs = |span: &Span| *span != point.span && sight(one, *span) != sight(other, *span);
    let places: BTreeSet<Span> = points.iter().map(|point| point.span).collect();
    Some(Evidence { sides, also: places.into_iter().filter(differs).collect() })
}

/// The shortest two runs with different outcomes between which the point makes a difference; of those, two that differ in as
/// few other points as possible.
fn pair<'a>(point: &Point, points: &[Point], explored: &'a Exploration) -> Option<(&'a Run, &'a Run)> {
    // Of the runs in which the same was seen at all points, with the same outcome, the first is the shortest.
    let mut firsts: BTreeMap<(Vec<Sight>, usize, &BTreeSet<usize>), &Run> = BTreeMap::new();
    for run in &explored.runs {
        let sights = points.iter().map(|point| sight(run, point.span)).collect();
        firsts.entry((sights, run.outcome, &run.asleep)).or_insert(run);
    }
    let mut runs: Vec<(Vec<Sight>, &Run)> = firsts.into_iter().map(|((sights, ..), run)| (sights, run)).collect();
    runs.sort_by_key(|(_, run)| (run.schedule.steps.len(), run.schedule.clone()));
    runs.truncate(COMPARED_MAX);
    let here = points.iter().position(|other| other == point)?;
    let mut best: Option<((usize, usize), &Run, &Run)> = None;
    for (at, (seen, one)) in runs.iter().enumerate() {
        for (also_seen, other) in &runs[at + 1..] {
            let differs = seen.get(here) != also_seen.get(here);
            if !differ_at_the_end(one, other) || !matters(point, differs, one, other, explored) {
                continue;
            }
            let others = seen.iter().zip(also_seen).filter(|(one, other)| one != other).count() - usize::from(differs);
            let cost = (others, one.schedule.steps.len() + other.schedule.steps.len());
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, one, other));
            }
        }
    }
    best.map(|(_, one, other)| (one, other))
}

/// Whether they come to different things, as far as both have come.
fn differ_at_the_end(one: &Run, other: &Run) -> bool {
    one.outcome != other.outcome && one.asleep == other.asleep
}

/// The shortest two schedules with different outcomes.
fn differ(replays: &mut Replays<'_>, explored: &Exploration) -> Option<(Side, Side)> {
    let mut firsts: BTreeMap<&BTreeSet<usize>, &Run> = BTreeMap::new();
    for other in &explored.runs {
        let one = *firsts.entry(&other.asleep).or_insert(other);
        if differ_at_the_end(one, other) {
            return sides(replays, one, other);
        }
    }
    None
}

/// Schedules that have been replayed, and how much work there is left for others.
struct Replays<'a> {
    play: &'a Play,
    known: BTreeMap<Schedule, Outcome>,
    left: u64,
}

impl Replays<'_> {
    /// What a schedule comes to; none where there is no more work left for it.
    fn outcome(&mut self, schedule: &Schedule) -> Option<Outcome> {
        if let Some(known) = self.known.get(schedule) {
            return Some(known.clone());
        }
        let (outcome, cost) = self.play.replay_within(schedule, self.left);
        self.left = self.left.saturating_sub(cost);
        self.known.insert(schedule.clone(), outcome.clone()?);
        outcome
    }
}

/// The two sides, if replaying shows them to differ.
fn sides(replays: &mut Replays<'_>, one: &Run, other: &Run) -> Option<(Side, Side)> {
    let (first, second) = (replays.outcome(&one.schedule)?, replays.outcome(&other.schedule)?);
    if first == second {
        return None;
    }
    let side = |run: &Run, outcome: Vec<String>| Side { schedule: run.schedule.clone(), outcome };
    Some((side(one, first.beside(&second)), side(other, second.beside(&first))))
}

/// What each replica saw at one place, in order.
type Sight = Vec<(usize, Vec<Term>)>;

/// What the replicas saw at a place.
fn sight(run: &Run, span: Span) -> Sight {
    let here = run.sights.iter().filter(|((_, place), _)| *place == span);
    here.map(|((replica, _), seen)| (*replica, seen.clone())).collect()
}

/// Whether the point is among what differs between two runs; `seen` says whether what was seen there does.
fn matters(point: &Point, seen: bool, one: &Run, other: &Run, explored: &Exploration) -> bool {
    if !point.kind.is_change() {
        return seen || point.kind == Kind::Stream;
    }
    let last = |run: &Run| {
        let name = point.variable.as_ref()?;
        explored.outcomes.get(run.outcome)?.finals.get(name)
    };
    // A variable without a name at top level can only be told by what follows.
    let unnamed = last(one).is_none() && last(other).is_none();
    seen || unnamed || last(one) != last(other)
}
