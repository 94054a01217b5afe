//! The coordination report against the truth: a labelled set of small programs, of which the simulator plays all schedules.
//!
//! `tests/coordination/free/*.lasp` need no coordination; `tests/coordination/ordered/*.lasp` do, and a comment
//! `%% point: KIND` stands in each line where timing can change the outcome.

mod support;

use std::path::Path;

use lasp::sim::explore::Bounds;
use lasp::sim::explore::Exploration;
use lasp::sim::explore::explore;
use lasp::sim::schedule::Schedule;
use lasp::sim::stage::Play;
use support::{files, shown, text};

/// How far the truth is looked for.
const BOUNDS: Bounds = Bounds { plays: 3000, steps: 16 };

fn play(path: &Path) -> Play {
    let name = shown(path);
    Play::new(&name, &text(path)).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"))
}

/// All that can be found out by playing.
fn explored(play: &Play) -> Vec<Exploration> {
    [2, 3].map(|replicas| explore(play, &Schedule::new(replicas), BOUNDS)).into()
}

#[test]
fn programs_that_need_no_coordination_have_one_outcome() {
    for path in files("tests/coordination/free", &[".lasp"]) {
        let start = std::time::Instant::now();
        for found in explored(&play(&path)) {
            eprintln!("{}: {} outcomes, {} runs, {} plays, complete {} {:?}", shown(&path), found.outcomes.len(), found.runs.len(), found.plays, found.complete, start.elapsed());
            for (at, outcome) in found.outcomes.iter().enumerate().take(2) {
                let run = found.runs.iter().find(|run| run.outcome == at).unwrap();
                eprintln!("   {}\n{}", run.schedule, outcome);
            }
        }
    }
}

#[test]
fn programs_that_need_coordination_have_several_outcomes() {
    for path in files("tests/coordination/ordered", &[".lasp"]) {
        let start = std::time::Instant::now();
        for found in explored(&play(&path)) {
            eprintln!("{}: {} outcomes, {} runs, {} plays, complete {} {:?}", shown(&path), found.outcomes.len(), found.runs.len(), found.plays, found.complete, start.elapsed());
            for (at, outcome) in found.outcomes.iter().enumerate().take(2) {
                let run = found.runs.iter().find(|run| run.outcome == at).unwrap();
                eprintln!("   {}\n{}", run.schedule, outcome);
            }
        }
    }
}
