//! A few replicas in the simulator that a test tells what to do: run a program, do this at one of them, be apart, meet.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use lasp::sim::Cluster;
use lasp::sim::Faults;
use lasp::sim::judge;
use lasp::source::diagnostic::Severity;
use lasp::value::term::Term;

/// How long replicas may take to agree, in milliseconds of their own time.
const SETTLE_MS_MAX: u64 = 60_000;
/// How long a message is given to arrive before the next is sent, in milliseconds of their own time.
const ARRIVAL_MS: u64 = 50;

/// In which order those meet who were apart. Whatever it is, they must come to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// All at once.
    Together,
    /// One after the other, from the first; what the first has reaches the others before theirs reaches it.
    Upward,
    /// One after the other, from the last.
    Downward,
}

/// All of them.
pub(crate) const MEETINGS: [Meeting; 3] = [Meeting::Together, Meeting::Upward, Meeting::Downward];

/// Replicas, numbered from 0, and how much of what they say has been looked at.
pub(crate) struct Replicas {
    cluster: Cluster,
    count: usize,
    printed: Vec<usize>,
    reported: Vec<usize>,
}

impl Replicas {
    /// So many replicas run `program`, with these arguments, until all agree.
    pub(crate) fn new(program: &str, count: usize, arguments: &[(String, Term)]) -> Result<Replicas, String> {
        Replicas::each(program, &vec![arguments.to_vec(); count], Vec::new())
    }

    /// As many replicas as there are arguments run `program`, each with its own, until all agree. `role` is one of these. All
    /// can read the files.
    pub(crate) fn each(
        program: &str,
        arguments: &[Vec<(String, Term)>],
        files: Vec<(String, String)>,
    ) -> Result<Replicas, String> {
        let mut cluster = Cluster::new(1, Faults::NONE);
        files.into_iter().for_each(|(path, text)| cluster.file(&path, text));
        let count = arguments.len();
        for arguments in arguments {
            let role = arguments.iter().find(|(name, _)| name == "role").map(|(_, role)| role.clone());
            let joined = cluster.join_with(program, role.unwrap_or(Term::atom("undefined")), arguments.clone());
            joined.map_err(|said| {
                said.iter().map(|d| format!("{} {}: {:?}\n", d.code, d.title, d.help)).collect::<String>()
            })?;
        }
        let mut replicas = Replicas { cluster, count, printed: vec![0; count], reported: vec![0; count] };
        replicas.settle()?;
        Ok(replicas)
    }

    /// Lets all that are connected come to rest and agree.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        if self.cluster.settle(SETTLE_MS_MAX) { Ok(()) } else { Err("the replicas do not come to agree".to_owned()) }
    }

    /// Lets their time pass.
    pub(crate) fn run_for(&mut self, milliseconds: u64) {
        self.cluster.run_for(milliseconds);
    }

    /// Types a line at a replica.
    pub(crate) fn at(&mut self, node: usize, line: &str) {
        let line = line.trim();
        self.cluster.type_line(node, &if line.ends_with('.') { line.to_owned() } else { format!("{line}.") });
        self.cluster.run_for(ARRIVAL_MS);
    }

    /// From now on nobody hears of anybody.
    pub(crate) fn part(&mut self) {
        (0..self.count).for_each(|node| self.cluster.disconnect(node));
    }

    /// Connects everybody, in this order, until all agree; then they must have equal values.
    pub(crate) fn meet(&mut self, meeting: Meeting) -> Result<(), String> {
        let mut order: Vec<usize> = (0..self.count).collect();
        if meeting == Meeting::Downward {
            order.reverse();
        }
        if meeting != Meeting::Together {
            for (at, &one) in order.iter().enumerate() {
                for &other in &order[at + 1..] {
                    self.cluster.part(other, one);
                    self.cluster.connect(one, other);
                    self.cluster.run_for(ARRIVAL_MS);
                }
            }
        }
        self.cluster.heal();
        self.settle()?;
        let differences = judge::differences(&mut self.cluster);
        if differences.is_empty() { Ok(()) } else { Err(format!("replicas differ ({meeting:?}): {differences:?}")) }
    }

    /// What a top-level name is at a replica, as it is printed.
    pub(crate) fn value(&mut self, node: usize, name: &str) -> Option<String> {
        let found = self.cluster.finals(node).into_iter().rev().find(|last| last.name == name);
        found.map(|last| last.value.to_string())
    }

    /// The lines that a replica has printed since this was last asked.
    pub(crate) fn printed(&mut self, node: usize) -> Vec<String> {
        let all = self.cluster.prints(node);
        let new = all[self.printed[node]..].concat();
        self.printed[node] = all.len();
        new.lines().map(str::to_owned).collect()
    }

    /// The errors that a replica has reported since this was last asked, each with its code.
    pub(crate) fn errors(&mut self, node: usize) -> Vec<String> {
        let all = self.cluster.reports(node);
        let new = &all[self.reported[node]..];
        self.reported[node] = all.len();
        let errors = new.iter().filter(|said| said.severity == Severity::Error);
        errors.map(|said| format!("{} {} {}", said.code, said.title, said.help.join(" "))).collect()
    }
}
