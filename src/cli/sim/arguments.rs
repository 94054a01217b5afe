//! What a user can type after `lasp sim`.

use std::path::PathBuf;

use clap::Args;

use crate::sim::nodes::Nodes;
use crate::sim::words::range_ms;
use crate::sim::words::share;
use crate::sim::words::time_ms;

/// What `lasp sim --help` says at its end.
pub const HELP: &str = "\
Runs the program on N simulated nodes: the real nodes and messages, in virtual time, by one
seed. The same seed gives the same run, byte for byte. While faults happen and afterwards, a
judge holds every node against what was written: nothing is lost, nothing comes back, nothing
goes backwards, no transaction is seen by half, no effect is started twice. After --for, all
faults end, and the nodes have to agree. Assertions of the program have to hold on every node at
every time.

A failure is told with the line that repeats it, and with a smaller one that fails in the same
way: fewer nodes, less time, fewer faults.

A script has an event a line; the same can be given with --event:
  at 2s partition 0,1 | 2..4        nothing passes between these sides
  from 2s to 8s one-way 0 -> 1      nothing passes in this direction
  from 2s to 8s flap 0 | rest every 500ms
  at 4s crash 2                     gone, with what only it had
  at 5s restart 2                   back, knowing nothing
  at 5s restart 3 with data         back, with what was on its disk
  at 6s join 5                      a new node
  at 7s leave 1                     it says goodbye
  at 1s type 0 \"update(S, {add, 1})\"
  from 1s to 2s loss 20%            also: duplicate 5%
  at 1s delay 5ms..500ms            from then on
  at 3s clock 2 +500ms
  at 8s heal                        all partitions end

Exit codes: 0 all is well; 1 the program or a promise failed, or the nodes do not agree; 2 wrong
usage; 3 the program does not check; 4 the program waits for ever.

Examples:
  lasp sim cart.lasp
  lasp sim cart.lasp --replicas 5 --seed 42 --loss 5% --duplicate 1% --delay 5ms..50ms --reorder
  lasp sim cart.lasp --replicas 5 --for 30s --crash 20% --partition 30% --skew 100ms --runs 100
  lasp sim cart.lasp --event 'at 1s crash 1' --event 'at 2s restart 1'
  lasp sim cart.lasp --script storm.txt --set limit=5 --set 0:role=server
  lasp sim mail.lasp --replicas 5 --deciders 3 --crash 40% --partition 30%
  lasp sim cart.lasp --schedule '2 replicas: run 0, send 0 to 1'";

/// `lasp sim`
#[derive(Debug, Args)]
pub struct Sim {
    /// The program; - reads it from standard input
    pub file: PathBuf,
    /// How many nodes run it
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub replicas: u32,
    /// Where chance starts
    #[arg(long, value_name = "S", default_value = "1")]
    pub seed: u64,
    /// Run it with so many seeds, from S on, until one fails
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub runs: u64,
    /// For how long faults happen, in virtual time [default: 10s, or 2s more than the script]
    #[arg(long = "for", value_name = "TIME", value_parser = time_ms)]
    pub length_ms: Option<u64>,
    /// How many messages are lost
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub loss: u64,
    /// How many messages arrive twice
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub duplicate: u64,
    /// How long a message takes: a time, or the least and the most, as in 5ms..50ms
    #[arg(long, value_name = "TIME", default_value = "1ms..10ms", value_parser = range_ms)]
    pub delay: (u64, u64),
    /// Messages overtake each other
    #[arg(long)]
    pub reorder: bool,
    /// By how much clocks are wrong at most
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = time_ms)]
    pub skew: u64,
    /// By how much clocks are too fast or too slow at most
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = drift)]
    pub drift: u64,
    /// For what share of the time the network is parted by chance, symmetrically, in one direction or now and then; or the sides
    /// into which it is parted all the time, as in '0,1 | rest'
    #[arg(long, value_name = "SHARE|SIDES")]
    pub partition: Vec<String>,
    /// How many of the nodes crash once, and come back knowing nothing
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub crash: u64,
    /// How many of the nodes crash once, and come back knowing what they knew
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub crash_with_data: u64,
    /// How many nodes join at some time
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub join: u32,
    /// How many nodes leave at some time, the last ones
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub leave: u32,
    /// A file with events, one a line
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// An event, as in a script; may be given several times
    #[arg(long = "event", value_name = "EVENT")]
    pub events: Vec<String>,
    /// Sets what arg(name, Default) gives, and `role()` by the name `role`: on all nodes, or on these, as in 0,3..5:name=value
    #[arg(long = "set", value_name = "[NODES:]NAME=VALUE", value_parser = setting)]
    pub settings: Vec<Setting>,
    /// What the nodes' certificates say: server or client, on all nodes, or on these, as in 3..5:client [default: server]
    #[arg(long = "role", value_name = "[NODES:]ROLE", value_parser = role)]
    pub roles: Vec<Setting>,
    /// How long the nodes have to agree after the faults
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = time_ms)]
    pub settle: u64,
    /// Faults do not end, and nodes need not agree
    #[arg(long)]
    pub no_heal: bool,
    /// How many neighbours a node has, by the overlay, three or more, since with two parts may stay apart [default: all up to 16 nodes, else 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..=1000))]
    pub neighbours: Option<u32>,
    /// How many of the first nodes decide where effects of `enforce_once` are started, by consensus if there are several; they
    /// come back with their data [default: all nodes share one ledger]
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = clap::value_parser!(u32).range(0..=9))]
    pub deciders: u32,
    /// How many million steps all nodes together may take [default: 40, and 5 more for each node]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub steps: Option<u32>,
    /// Play this schedule instead, as `lasp check --coordination` shows it, and show what it comes to: `2 replicas`, after that
    /// perhaps `seed N`, `clock N`, `small N`; a colon; steps with commas between them: `run 0`, `wake 0`, `send 0 to 1`,
    /// `send one 0 to 1`
    #[arg(long, value_name = "SCHEDULE", conflicts_with_all = ["script", "events", "runs", "trace"])]
    pub schedule: Option<String>,
    /// Write everything that happens into this file
    #[arg(long, value_name = "FILE", conflicts_with = "runs")]
    pub trace: Option<PathBuf>,
    /// How many threads simulate the nodes, where there are many; what comes of it is the same [default: all that the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: Option<u32>,
    /// Do not look for a smaller run that fails in the same way
    #[arg(long)]
    pub no_shrink: bool,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
    /// Print neither what the program prints nor final values
    #[arg(long)]
    pub quiet: bool,
}

/// `--set`, and `--role` with the role as value
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// On which nodes; none for all.
    pub nodes: Option<Nodes>,
    /// The name.
    pub name: String,
    /// The value, as text.
    pub value: String,
}

fn setting(text: &str) -> Result<Setting, String> {
    let wrong = || "a setting looks like name=value, or 0,3..5:name=value".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let (nodes, name) = match name.split_once(':') {
        None => (None, name),
        Some((nodes, name)) => {
            (Some(Nodes::read(nodes).filter(|nodes| *nodes != Nodes::Rest).ok_or_else(wrong)?), name)
        }
    };
    if name.is_empty() { Err(wrong()) } else { Ok(Setting { nodes, name: name.to_owned(), value: value.to_owned() }) }
}

fn role(text: &str) -> Result<Setting, String> {
    let (nodes, role) = text.split_once(':').map_or((None, text), |(nodes, role)| (Some(nodes), role));
    if !["server", "client"].contains(&role) {
        return Err("a role is server or client, for all nodes or for some, as in 3..5:client".to_owned());
    }
    let prefix = nodes.map_or_else(String::new, |nodes| format!("{nodes}:"));
    setting(&format!("{prefix}role={role}"))
}

fn drift(text: &str) -> Result<u64, String> {
    share(text).and_then(|share| if share > 500_000 { Err("at most 50%".to_owned()) } else { Ok(share) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_for_all_nodes_or_for_some() {
        let all = Setting { nodes: None, name: "a".into(), value: "1:2=3".into() };
        assert_eq!(setting("a=1:2=3"), Ok(all));
        let some = Setting { nodes: Nodes::read("0,3..5"), name: "a".into(), value: "b".into() };
        assert_eq!(setting("0,3..5:a=b"), Ok(some));
        for bad in ["", "a", "=1", "x:a=1", "0:=1", "rest:a=1"] {
            assert!(setting(bad).is_err(), "{bad}");
        }
    }
}
