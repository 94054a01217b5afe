//! A failure made smaller: a shorter run of fewer nodes in which less happens, and which fails in the same way.
//!
//! Delta debugging (Zeller and Hildebrandt, 2002) over what happens; and before and after that everything else that can be
//! less is tried less. Chance hangs on what it decides about alone, so most of what is left behaves
//! as before; and some other seeds are tried where it does not.

use crate::sim::judge::Violation;
use crate::sim::network::Conditions;
use crate::sim::nodes::Nodes;
use crate::sim::scenario::Scenario;
use crate::sim::script::Action;
use crate::sim::script::Planned;

/// With how many other seeds a scenario is tried that does not fail with its own.
const SEEDS: u64 = 4;

/// How much may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// The most runs.
    pub runs: u32,
    /// About how many events in all.
    pub events: u64,
}

/// How a run of a scenario ended: what was wrong, if anything, and how many events it took.
pub type Tried = (Option<Violation>, u64);

/// Makes a scenario smaller that fails with `failure`. `run` tries one.
pub fn shrink(
    scenario: &Scenario,
    failure: &Violation,
    effort: Effort,
    run: &mut dyn FnMut(&Scenario) -> Tried,
) -> Scenario {
    let mut shrinking = Shrinking { best: scenario.written_down(), failure, left: effort, run };
    // The end of what is left may well come earlier than the failure that it was cut to.
    loop {
        let before = shrinking.best.clone();
        shrinking.time();
        shrinking.nodes();
        shrinking.events();
        shrinking.faults();
        if shrinking.best == before || shrinking.left.runs == 0 || shrinking.left.events == 0 {
            return shrinking.best;
        }
    }
}

struct Shrinking<'a> {
    best: Scenario,
    failure: &'a Violation,
    left: Effort,
    run: &'a mut dyn FnMut(&Scenario) -> Tried,
}

impl Shrinking<'_> {
    /// Keeps a scenario if it fails in the same way, with its own seed or the next ones.
    fn keep_if_it_fails(&mut self, smaller: &Scenario) -> bool {
        if *smaller == self.best {
            return false;
        }
        for seed in smaller.seed..=smaller.seed.saturating_add(SEEDS) {
            if self.left.runs == 0 || self.left.events == 0 {
                return false;
            }
            let tried = Scenario { seed, ..smaller.clone() };
            let (violation, events) = (self.run)(&tried);
            self.left.runs -= 1;
            self.left.events = self.left.events.saturating_sub(events);
            if violation.is_some_and(|violation| violation.is_like(self.failure)) {
                self.best = tried;
                return true;
            }
        }
        false
    }

    fn time(&mut self) {
        // What fails at a moment fails before the end, and nothing that is planned for later matters.
        for part in [1, 2, 3] {
            let length_ms = (self.best.length_ms * part / 4).max(1);
            if self.keep_if_it_fails(&cut_to(&self.best, length_ms)) {
                return self.time();
            }
        }
    }

    fn nodes(&mut self) {
        let now = self.best.replicas;
        for fewer in [1, 2, 3, now / 2, now.saturating_sub(1)] {
            if fewer > 0 && fewer < now && self.keep_if_it_fails(&without_nodes(&self.best, fewer)) {
                return self.nodes();
            }
        }
    }

    fn events(&mut self) {
        let mut parts = 1;
        while parts <= self.best.events.len() {
            let size = self.best.events.len().div_ceil(parts);
            let mut start = 0;
            let mut less = false;
            while start < self.best.events.len() {
                let mut events = self.best.events.clone();
                events.drain(start..(start + size).min(events.len()));
                if self.keep_if_it_fails(&without_strangers(&Scenario { events, ..self.best.clone() })) {
                    less = true;
                } else {
                    start += size;
                }
            }
            if !less || size > 1 {
                parts *= 2;
            }
        }
    }

    fn faults(&mut self) {
        let calm = Conditions::CALM;
        let best = |shrinking: &Shrinking<'_>| shrinking.best.clone();
        let with = |scenario: Scenario, change: fn(&mut Conditions)| {
            let mut scenario = scenario;
            change(&mut scenario.conditions);
            scenario
        };
        self.keep_if_it_fails(&Scenario { conditions: calm, skew_ms: 0, drift: 0, ..best(self) });
        self.keep_if_it_fails(&with(best(self), |conditions| conditions.lost = 0));
        self.keep_if_it_fails(&with(best(self), |conditions| conditions.doubled = 0));
        self.keep_if_it_fails(&with(best(self), |conditions| conditions.reorder = false));
        self.keep_if_it_fails(&with(best(self), |conditions| conditions.delay_ms = Conditions::CALM.delay_ms));
        self.keep_if_it_fails(&Scenario { skew_ms: 0, ..best(self) });
        self.keep_if_it_fails(&Scenario { drift: 0, ..best(self) });
        self.keep_if_it_fails(&Scenario { neighbours: None, ..best(self) });
        self.keep_if_it_fails(&Scenario { deciders: 0, ..best(self) });
        self.keep_if_it_fails(&Scenario { deciders: best(self).deciders.min(1), ..best(self) });
    }
}

/// The scenario up to a time.
fn cut_to(scenario: &Scenario, length_ms: u64) -> Scenario {
    let mut events = scenario.events.clone();
    events.retain(|planned| planned.at_ms < length_ms);
    for planned in &mut events {
        if let Action::Cut(cut) = &mut planned.action {
            // It ends with everything else.
            cut.to_ms = cut.to_ms.filter(|to| *to < length_ms);
        }
    }
    without_strangers(&Scenario { length_ms, events, ..scenario.clone() })
}

/// The scenario with the first nodes only, and those that join.
fn without_nodes(scenario: &Scenario, replicas: usize) -> Scenario {
    let gone = |node: usize| (replicas..scenario.replicas).contains(&node);
    let deciders = scenario.deciders.min(replicas);
    Scenario { replicas, deciders, ..without(scenario, &gone) }
}

/// The scenario without what is about nodes that are never there, since those that let them join are gone: as a script it would
/// be refused.
fn without_strangers(scenario: &Scenario) -> Scenario {
    without(scenario, &|node| !scenario.has(node))
}

/// The scenario without what is about some nodes.
fn without(scenario: &Scenario, gone: &dyn Fn(usize) -> bool) -> Scenario {
    let events = scenario.events.iter().filter_map(|planned| {
        let less = |nodes: &Nodes| nodes.without(gone);
        let action = match &planned.action {
            Action::Cut(cut) => {
                let sides: Vec<Nodes> = cut.sides.iter().filter_map(less).collect();
                (sides.len() > 1).then(|| Action::Cut(crate::sim::network::Cut { sides, ..cut.clone() }))
            }
            Action::Crash(nodes) => less(nodes).map(Action::Crash),
            Action::Restart { nodes, data } => less(nodes).map(|nodes| Action::Restart { nodes, data: *data }),
            Action::Join(nodes) => less(nodes).map(Action::Join),
            Action::Leave(nodes) => less(nodes).map(Action::Leave),
            Action::Type { nodes, text } => less(nodes).map(|nodes| Action::Type { nodes, text: text.clone() }),
            Action::Clock { nodes, by_ms } => less(nodes).map(|nodes| Action::Clock { nodes, by_ms: *by_ms }),
            other => Some(other.clone()),
        };
        action.map(|action| Planned { at_ms: planned.at_ms, action })
    });
    Scenario { events: events.collect(), ..scenario.clone() }
}

#[cfg(test)]
mod tests {
    use crate::sim::judge::Wrong;
    use crate::source::diagnostic::Diagnostic;

    use super::*;

    fn failure() -> Violation {
        failure_of("")
    }

    fn failure_of(claim: &str) -> Violation {
        let diagnostic = Diagnostic::error("E0711", "a promise is broken");
        Violation { wrong: Wrong::Promise, node: None, at_ms: 0, claim: claim.into(), diagnostic }
    }

    fn wild() -> Scenario {
        let conditions = Conditions { lost: 50_000, doubled: 10_000, delay_ms: (5, 500), reorder: true };
        Scenario { replicas: 8, conditions, skew_ms: 50, crash: 900_000, partition: 700_000, ..Scenario::default() }
    }

    #[test]
    fn what_does_not_matter_goes() {
        // It fails when node 1 crashes among three nodes or more, in the first four seconds.
        let crashes = |planned: &Planned| matches!(&planned.action, Action::Crash(nodes) if nodes.names(1));
        let mut runs = 0;
        let effort = Effort { runs: 300, events: u64::MAX };
        let small = shrink(&wild(), &failure(), effort, &mut |scenario| {
            runs += 1;
            let fails = scenario.replicas >= 3
                && scenario.plan().iter().any(|planned| crashes(planned) && planned.at_ms < scenario.length_ms);
            (fails.then(failure), 10)
        });
        assert_eq!(small.replicas, 3);
        assert!(small.events.len() == 1 && crashes(&small.events[0]), "{:?}", small.events);
        assert_eq!((small.conditions, small.skew_ms), (Conditions::CALM, 0));
        assert!(runs <= 300);
    }

    #[test]
    fn what_is_left_names_no_node_that_is_never_there() {
        let at = |at_ms, action| Planned { at_ms, action };
        let joins = at(1000, Action::Join(Nodes::one(8)));
        let events = vec![joins, at(2000, Action::Crash(Nodes::Ranges(vec![(0, 0), (8, 8)])))];
        let scenario = Scenario { events, ..wild() };
        // It fails whenever node 0 crashes.
        let fails = |scenario: &Scenario| {
            let crashes = |planned: &Planned| matches!(&planned.action, Action::Crash(nodes) if nodes.names(0));
            scenario.events.iter().any(crashes)
        };
        let effort = Effort { runs: 300, events: u64::MAX };
        let small = shrink(&scenario, &failure(), effort, &mut |scenario| {
            let named = scenario.events.iter().flat_map(|planned| planned.action.nodes());
            assert!(named.flat_map(Nodes::list).all(|node| scenario.has(node)), "{scenario:?}");
            (fails(scenario).then(failure), 10)
        });
        assert!(small.events.len() == 1 && fails(&small), "{:?}", small.events);
    }

    #[test]
    fn another_promise_that_a_smaller_run_breaks_is_not_what_was_looked_for() {
        // Of the variable in question the run fails while there are four nodes or more, of another one always.
        let effort = Effort { runs: 300, events: u64::MAX };
        let small = shrink(&wild(), &failure_of("values of S"), effort, &mut |scenario| {
            let claim = if scenario.replicas >= 4 { "values of S" } else { "values of T" };
            (Some(failure_of(claim)), 10)
        });
        assert_eq!(small.replicas, 4);
    }

    #[test]
    fn it_stops_when_there_has_been_enough_of_it() {
        let mut runs = 0;
        let small = shrink(&wild(), &failure(), Effort { runs: 7, events: u64::MAX }, &mut |_| {
            runs += 1;
            (None, 1)
        });
        assert_eq!(runs, 7);
        assert_eq!(small, wild().written_down());
    }
}
