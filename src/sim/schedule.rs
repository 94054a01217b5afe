//! Schedules: in which order tasks have their turns and updates arrive, as a short text.
//!
//! `2 replicas: run 0, send 0 to 1, run 1` lets replica 0 have one task's turn, hands replica 1 everything that replica 0 has,
//! and lets replica 1 have a turn. What a schedule does not say goes on by itself, the same every time: replica by replica
//! until none can go on, then everybody gets everything, and so on; time passes only when nothing else can happen. Hence
//! `2 replicas` alone is a schedule too: everybody runs, and then hears of the others. After `2 replicas` may stand `seed N`,
//! `clock N`, and `small N`: the program is played as if no whole number in its text were above N. `as server,client` gives the
//! replicas other roles than those that they have by the order in which the program asks for roles.

use std::fmt;
use std::str::FromStr;

use crate::value::atom::Atom;
use crate::value::term::Term;

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
    /// What whole numbers in the program's text are at most, where it is played as a small instance of itself.
    pub small: Option<u64>,
    /// What `role()` gives, replica by replica; empty for what the program asks for, in the order of its text.
    pub roles: Vec<Term>,
    /// The steps, before the rest goes on by itself.
    pub steps: Vec<Step>,
}

impl Schedule {
    /// The schedule in which everything goes on by itself.
    #[must_use]
    pub fn new(replicas: usize) -> Schedule {
        Schedule { replicas, seed: 0, clock_ms: 0, small: None, roles: Vec::new(), steps: Vec::new() }
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
        if let Some(most) = self.small {
            write!(f, " small {most}")?;
        }
        for (at, role) in self.roles.iter().enumerate() {
            write!(f, "{}{role}", if at == 0 { " as " } else { "," })?;
        }
        for (at, step) in self.steps.iter().enumerate() {
            write!(f, "{} {step}", if at == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

/// What is wrong with the text of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{part}` is no part of a schedule: {why}")]
pub struct BadSchedule {
    /// The part that is not understood.
    pub part: String,
    /// What is wrong with it.
    pub why: String,
}

const STEPS: &str = "steps are `run 0`, `wake 0`, `send 0 to 1` and `send one 0 to 1`, with commas between them";

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Schedule, BadSchedule> {
        let (head, steps) = text.split_once(':').unwrap_or((text, ""));
        let mut schedule = head_of(head).map_err(|why| bad(head, why))?;
        for part in steps.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let step = step_of(part, schedule.replicas).map_err(|why| bad(part, why))?;
            if schedule.steps.len() == STEPS_MAX {
                return Err(bad(part, format!("there are {STEPS_MAX} steps before it, and no schedule has more")));
            }
            schedule.steps.push(step);
        }
        Ok(schedule)
    }
}

fn bad(part: &str, why: String) -> BadSchedule {
    BadSchedule { part: part.trim().chars().take(60).collect(), why }
}

fn head_of(text: &str) -> Result<Schedule, String> {
    let mut words = text.split_whitespace();
    let begins = || {
        "it begins with the number of replicas and a colon, as `2 replicas: run 0, send 0 to 1, run 1` does".to_owned()
    };
    let replicas = words.next().and_then(|word| word.parse::<usize>().ok()).ok_or_else(begins)?;
    words.next().filter(|word| ["replica", "replicas"].contains(word)).ok_or_else(begins)?;
    if !(1..=REPLICAS_MAX).contains(&replicas) {
        return Err(format!("there can be 1 to {REPLICAS_MAX} replicas"));
    }
    let mut schedule = Schedule::new(replicas);
    while let Some(word) = words.next() {
        if word == "as" {
            schedule.roles = roles_of(words.next().unwrap_or_default(), replicas)?;
            continue;
        }
        let number = words.next().and_then(|number| number.parse().ok());
        let number = || number.ok_or_else(|| format!("`{word}` needs a number, as in `{word} 7`"));
        match word {
            "seed" => schedule.seed = number()?,
            "clock" => schedule.clock_ms = number()?,
            "small" => schedule.small = Some(number()?),
            "run" | "wake" | "send" => {
                return Err("a colon stands before the first step, as in `2 replicas: run 0`".to_owned());
            }
            _ => {
                return Err(format!(
                    "`{word}` is not known; after the number of replicas may stand `seed N`, `clock N`, `small N`, `as ROLE,ROLE`"
                ));
            }
        }
    }
    Ok(schedule)
}

fn roles_of(text: &str, replicas: usize) -> Result<Vec<Term>, String> {
    let role = |word: &str| Atom::new(word).ok().filter(|_| is_plain(word)).map(Term::Atom);
    let roles: Option<Vec<Term>> = text.split(',').map(role).collect();
    let fit = roles.filter(|roles| roles.len() == replicas);
    fit.ok_or_else(|| format!("`as` needs a role for each of the {replicas}, as in `as server,client`"))
}

/// Whether an atom can stand in a schedule: without quotes.
pub(crate) fn is_plain(atom: &str) -> bool {
    atom.starts_with(|c: char| c.is_ascii_lowercase()) && atom.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn step_of(text: &str, replicas: usize) -> Result<Step, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let node = |word: &str| match word.parse::<usize>() {
        Ok(node) if node < replicas => Ok(node),
        Ok(node) => Err(match replicas {
            1 => format!("there is no replica {node}: the only one is 0"),
            _ => format!("there is no replica {node}: the {replicas} are numbered from 0 to {}", replicas - 1),
        }),
        Err(_) => Err(format!("`{word}` is no number of a replica")),
    };
    let pair = |from: &str, to: &str| match (node(from)?, node(to)?) {
        (from, to) if from == to => Err("a replica sends to another one, not to itself".to_owned()),
        pair => Ok(pair),
    };
    match words.as_slice() {
        ["run", at] => Ok(Step::Run(node(at)?)),
        ["wake", at] => Ok(Step::Wake(node(at)?)),
        ["send", "one", from, "to", to] => pair(from, to).map(|(from, to)| Step::SendOne(from, to)),
        ["send", from, "to", to] => pair(from, to).map(|(from, to)| Step::Send(from, to)),
        _ => Err(STEPS.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_reads_back_as_it_is_written() {
        for text in [
            "2 replicas",
            "3 replicas seed 7 clock 9 small 2 as hub,client,client: run 0, wake 2, send 0 to 1, send one 1 to 2, run 1",
        ] {
            assert_eq!(text.parse::<Schedule>().map(|schedule| schedule.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_schedule_is_told_with_the_reason() {
        let wrong = [
            ("", "it begins with the number of replicas"),
            ("run 5", "it begins with the number of replicas"),
            ("2 nodes", "it begins with the number of replicas"),
            ("9 replicas", "1 to 8 replicas"),
            ("2 replicas run 0", "a colon stands before"),
            ("2 replicas seed: run 0", "`seed` needs a number"),
            ("2 replicas slow 3", "`slow` is not known"),
            ("2 replicas as hub: run 0", "a role for each of the 2"),
            ("2 replicas as hub,'a b'", "a role for each of the 2"),
            ("2 replicas: run 5", "there is no replica 5: the 2 are numbered from 0 to 1"),
            ("1 replica: wake 1", "the only one is 0"),
            ("2 replicas: run", "steps are"),
            ("2 replicas: run 0; run 1", "steps are"),
            ("2 replicas: run x", "`x` is no number of a replica"),
            ("2 replicas: send 0 to 0", "not to itself"),
            ("2 replicas: walk 0", "steps are"),
        ];
        for (text, why) in wrong {
            let told = text.parse::<Schedule>().expect_err(text).to_string();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
