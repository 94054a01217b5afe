//! Schedules: in which order tasks have their turns and updates arrive, as a short text.
//!
//! `2 replicas: run 0, send 0 to 1, run 1` lets replica 0 have one task's turn, hands replica 1 everything that replica 0 has,
//! and lets replica 1 have a turn. What a schedule does not say goes on by itself, the same every time: replica by replica
//! until none can go on, then everybody gets everything, and so on; time passes only when nothing else can happen. Hence
//! `2 replicas` alone is a schedule too: everybody runs, and then hears of the others.

use std::fmt;
use std::str::FromStr;

/// The most replicas of a schedule.
pub const REPLICAS_MAX: usize = 8;
/// The most steps of a schedule.
pub const STEPS_MAX: usize = 1000;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// `run 0`: the next task of this replica that can go on has its turn.
    Run(usize),
    /// `wake 0`: time passes for this replica until its next sleeping task is due.
    Wake(usize),
    /// `send 0 to 1`: the second gets everything that the first has; they are connected from now on.
    Send(usize, usize),
    /// `send one 0 to 1`: only the next update that the second lacks.
    SendOne(usize, usize),
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schedule {
    /// How many replicas run the program.
    pub replicas: usize,
    /// Where `random(N)` starts.
    pub seed: u64,
    /// What `now_ms()` is at the beginning, milliseconds.
    pub clock_ms: u64,
    /// The steps, before the rest goes on by itself.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// The schedule in which everything goes on by itself.
    #[must_use]
    pub fn new(replicas: usize) -> Schedule {
        Schedule { replicas, seed: 0, clock_ms: 0, steps: Vec::new() }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Run(node) => write!(f, "run {node}"),
            Step::Wake(node) => write!(f, "wake {node}"),
            Step::Send(from, to) => write!(f, "send {from} to {to}"),
            Step::SendOne(from, to) => write!(f, "send one {from} to {to}"),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} replicas", self.replicas)?;
        if self.seed != 0 {
            write!(f, " seed {}", self.seed)?;
        }
        if self.clock_ms != 0 {
            write!(f, " clock {}", self.clock_ms)?;
        }
        for (at, step) in self.steps.iter().enumerate() {
            write!(f, "{} {step}", if at == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

/// What is wrong with the text of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{part}` is no part of a schedule; one looks like `2 replicas: run 0, send 0 to 1, run 1`")]
pub struct BadSchedule {
    /// The part that is not understood.
    pub part: String,
}

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Schedule, BadSchedule> {
        let (head, steps) = text.split_once(':').unwrap_or((text, ""));
        let mut schedule = head_of(head).ok_or_else(|| bad(head))?;
        for part in steps.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let step = step_of(part, schedule.replicas).ok_or_else(|| bad(part))?;
            if schedule.steps.len() == STEPS_MAX {
                return Err(bad(part));
            }
            schedule.steps.push(step);
        }
        Ok(schedule)
    }
}

fn bad(part: &str) -> BadSchedule {
    BadSchedule { part: part.trim().chars().take(60).collect() }
}

fn head_of(text: &str) -> Option<Schedule> {
    let mut words = text.split_whitespace();
    let replicas = words.next()?.parse().ok().filter(|replicas| (1..=REPLICAS_MAX).contains(replicas))?;
    words.next().filter(|word| ["replica", "replicas"].contains(word))?;
    let mut schedule = Schedule::new(replicas);
    while let Some(word) = words.next() {
        let number = words.next()?.parse().ok()?;
        match word {
            "seed" => schedule.seed = number,
            "clock" => schedule.clock_ms = number,
            _ => return None,
        }
    }
    Some(schedule)
}

fn step_of(text: &str, replicas: usize) -> Option<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let node = |word: &str| word.parse::<usize>().ok().filter(|node| *node < replicas);
    let pair = |from: &str, to: &str| Some((node(from)?, node(to)?)).filter(|(from, to)| from != to);
    match words.as_slice() {
        ["run", at] => Some(Step::Run(node(at)?)),
        ["wake", at] => Some(Step::Wake(node(at)?)),
        ["send", from, "to", to] => pair(from, to).map(|(from, to)| Step::Send(from, to)),
        ["send", "one", from, "to", to] => pair(from, to).map(|(from, to)| Step::SendOne(from, to)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_reads_back_as_it_is_written() {
        for text in ["2 replicas", "3 replicas seed 7 clock 9: run 0, wake 2, send 0 to 1, send one 1 to 2, run 1"] {
            assert_eq!(text.parse::<Schedule>().map(|schedule| schedule.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        for text in ["", "9 replicas", "2 nodes", "2 replicas: run 2", "2 replicas: send 0 to 0", "2 replicas: walk 0"]
        {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
