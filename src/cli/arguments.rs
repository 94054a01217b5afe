//! What a user can type after `lasp`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ColorChoice;
use clap::Parser;
use clap::Subcommand;

use crate::cli::doctor::DOCTOR_HELP;
use crate::cli::doctor::Doctor;
use crate::cli::keys::KEYS_HELP;
use crate::cli::keys::Keys;
use crate::cli::sim::arguments as sim;
use crate::effects::EffectKey;

/// Programs over replicated data that need no coordination and always agree in the end.
#[derive(Debug, Parser)]
#[command(
    name = "lasp",
    version,
    arg_required_else_help = true,
    after_help = "Example:\n  lasp run hello.lasp --replicas 3"
)]
pub struct Arguments {
    /// Whether to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a program: on one node, on several at once, or as a node among peers
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Check programs without running them
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Run a program on simulated nodes, under faults, and judge what they do
    #[command(after_help = sim::HELP)]
    Sim(Box<sim::Sim>),
    /// Run the tests of programs and of documentation
    #[command(after_help = TEST_HELP)]
    Test(Test),
    /// Show the documentation of the language's functions, verbs and types, or of a program
    #[command(after_help = DOC_HELP)]
    Doc(Doc),
    /// Explain the code of a message, or list all codes
    #[command(after_help = "Example:\n  lasp explain E0102")]
    Explain(Explain),
    /// Find out why nodes do not reach each other
    #[command(after_help = DOCTOR_HELP)]
    Doctor(Doctor),
    /// Make clusters of several machines: keys and certificates of their nodes
    #[command(after_help = KEYS_HELP)]
    Keys(Keys),
    /// Type expressions and see what they do
    #[command(after_help = "Example:\n  lasp repl shopping.lasp --peers 127.0.0.1:7001")]
    Repl(Repl),
    /// Look into data folders, and copy them
    #[command(after_help = DATA_HELP)]
    Data(Data),
}

const DATA_HELP: &str = "\
A data folder is what `lasp run --data DIR` makes: what the node knows, and its key. `show` and
`export` also work while the node runs. An export is a file with a consistent copy, without the
key. The folder that `import` makes is that of a node with a key of its own; it goes on in the
place of the node that was exported, or with --shared has nothing but what was replicated.

Examples:
  lasp data show shop
  lasp data export shop shop.backup
  lasp data import shop.backup shop2";

const RUN_EXAMPLES: &str = "Examples:
  lasp run shopping.lasp
  lasp run shopping.lasp --replicas 3
  lasp run shopping.lasp --listen 127.0.0.1:7001
  lasp run shopping.lasp --peers 127.0.0.1:7001 --until 'query(Total) >= 10' --timeout 30s";

const CHECK_EXAMPLES: &str = "Examples:
  lasp check *.lasp
  lasp check --coordination shop.lasp
  lasp check --replay '2 replicas: run 0, send 0 to 1' shop.lasp";

const TEST_HELP: &str = "\
A test is a function without arguments whose name ends in `_test`, or a ```lasp block in a `%%`
comment or in Markdown. Each runs on a fresh node, after the program's own forms. A test fails
with an error in any task, or when it waits for ever.

A block says what it gives; a form that is a comparison has to be true, and in comments:
  X + 1.           % => 3           what the form before it gives; of a variable, its value
  print(hello).    % prints: hello  the next line printed; with one such comment, these are all
  1 / 0.           % fails: E0502   the error with which the block ends
A block that starts with ```lasp ignore is not run. In a program, a block sees the program's functions and names; in Markdown
each block is a program of its own.

With --replicas N each test function runs on every one of N simulated nodes over a bad network:
it passes when it does on all of them and they agree afterwards. The same seed gives the same
run. Blocks are left out then.

Exit codes: 0 all passed, or there were none; 1 a test failed; 2 wrong usage; 3 a program does
not check.

Examples:
  lasp test
  lasp test cart.lasp docs --filter total
  lasp test cart.lasp --replicas 3 --seed 7 --runs 100";

const DOC_HELP: &str = "\
NAME is a function (`lists:map/2`, `map`), a module (`lists`), a verb (`update`), a type
(`set`), or a program (`cart.lasp`). Without a name: what there is, or with --format markdown or
json all of it. JSON has one object a line.

Examples:
  lasp doc
  lasp doc lists:foldl
  lasp doc top_k
  lasp doc cart.lasp --format markdown";

/// How a node takes part in a network.
#[derive(Clone, Debug, Default, Args)]
pub struct Membership {
    /// Addresses of peers to join; any one that runs suffices to find the others
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = address)]
    pub peers: Vec<String>,
    /// Address to listen on; port 0 takes any free one and tells which
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub listen: Option<String>,
    /// Folder that `lasp keys issue` made for this node: without it, only nodes of this user on this machine take part
    #[arg(long, value_name = "DIR")]
    pub cluster: Option<PathBuf>,
    /// Address by which peers reach this node, if that is not where it listens
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub advertise: Option<String>,
    /// Folder in which the node keeps what it knows, and its key; made if there is none
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What this node is called, for people
    #[arg(long, value_name = "NAME", value_parser = node_name)]
    pub node: Option<String>,
    /// Sets what arg(name, Default) gives, and `role()` by the name `role`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
}

impl Membership {
    /// Whether the node takes part in a network at all.
    #[must_use]
    pub fn networked(&self) -> bool {
        self.listen.is_some() || !self.peers.is_empty()
    }
}

/// `lasp run`
#[derive(Debug, Args)]
pub struct Run {
    /// The program; - reads it from standard input
    pub file: PathBuf,
    /// See there.
    #[command(flatten)]
    pub membership: Membership,
    /// Run so many nodes of the program on this machine, until all agree
    #[arg(long, value_name = "N", conflicts_with_all = ["peers", "listen", "node", "cluster", "advertise", "data"], value_parser = clap::value_parser!(u32).range(1..=64))]
    pub replicas: Option<u32>,
    /// End when this expression over the program's variables is true
    #[arg(long, value_name = "EXPR")]
    pub until: Option<String>,
    /// End after this time, with exit code 4
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How long to stay for the peers once --until is true
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2s")]
    pub linger: Duration,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
    /// Tell each change of a variable
    #[arg(long)]
    pub watch: bool,
    /// Print no final values
    #[arg(long)]
    pub quiet: bool,
    /// Start an effect of `enforce_once` that is in doubt once more, if this node gets to it; the message of the doubt says KEY:ATTEMPT
    #[arg(long, value_name = "KEY:ATTEMPT", value_parser = again)]
    pub again: Vec<(EffectKey, u32)>,
}

/// `lasp check`
#[derive(Debug, Args)]
pub struct Check {
    /// The programs; - reads one from standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Report where timing can change what a program comes to, with schedules that show it
    #[arg(long)]
    pub coordination: bool,
    /// Fail (exit code 1) if there is such a point
    #[arg(long, requires = "coordination")]
    pub deny: bool,
    /// Play this schedule in the simulator, and show what it comes to: `2 replicas`, after that perhaps `seed N`, `clock N`,
    /// `small N`; a colon; steps with commas between them: `run 0`, `wake 0`, `send 0 to 1`, `send one 0 to 1`
    #[arg(long, value_name = "SCHEDULE", conflicts_with = "coordination")]
    pub replay: Option<String>,
    /// Sets what arg(name, Default) gives, and `role()` by the name `role`, in the simulator
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// `lasp test`
#[derive(Debug, Args)]
pub struct Test {
    /// Programs, Markdown files, and folders to search for both; the current folder if there are none
    pub paths: Vec<PathBuf>,
    /// Run each test function on so many simulated nodes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub replicas: Option<u32>,
    /// Where the chance of the simulation starts
    #[arg(long, value_name = "S", default_value = "1", requires = "replicas")]
    pub seed: u64,
    /// Run each test with so many seeds, from S on
    #[arg(long, value_name = "K", default_value = "1", requires = "replicas", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub runs: u64,
    /// How many million steps a test may take; with --replicas, on all nodes together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub steps: Option<u32>,
    /// Run only tests whose name, after file and colon, has this text
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
}

/// `lasp doc`
#[derive(Debug, Args)]
pub struct Doc {
    /// What to show
    pub name: Option<String>,
    /// As what
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// The same as --format markdown
    #[arg(long, conflicts_with_all = ["format", "json"])]
    pub markdown: bool,
}

/// How documentation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For the terminal
    Text,
    /// For web sites and files
    Markdown,
    /// For programs: one object a line
    Json,
}

/// `lasp explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, as in E0102
    pub code: Option<String>,
}

/// `lasp repl`
#[derive(Debug, Args)]
pub struct Repl {
    /// A program to run first
    pub file: Option<PathBuf>,
    /// See there.
    #[command(flatten)]
    pub membership: Membership,
}

/// `lasp data`
#[derive(Debug, Args)]
pub struct Data {
    /// What to do.
    #[command(subcommand)]
    pub verb: DataVerb,
}

/// The verbs of `lasp data`.
#[derive(Debug, Subcommand)]
pub enum DataVerb {
    /// Say what a data folder holds, or an export
    #[command(after_help = "Examples:\n  lasp data show shop\n  lasp data show shop.backup --json")]
    Show {
        /// The folder, or an export; - is one on standard input
        #[arg(value_name = "DIR|FILE")]
        folder: PathBuf,
        /// One JSON object on standard output
        #[arg(long)]
        json: bool,
    },
    /// Write a consistent copy to a file; - is standard output
    #[command(
        after_help = "Examples:\n  lasp data export shop shop.backup\n  lasp data export shop - | ssh elsewhere 'cat > shop.backup'"
    )]
    Export {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The file, which is not to be there yet
        file: PathBuf,
        /// Take the place of a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Make a data folder from a copy, for a node of its own
    #[command(
        after_help = "Examples:\n  lasp data import shop.backup shop2\n  lasp data import shop.backup second --shared"
    )]
    Import {
        /// The file; - is standard input
        file: PathBuf,
        /// The folder, which is made
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Only what was replicated: for a second node beside the first
        #[arg(long)]
        shared: bool,
    },
    /// Make the file of a data folder as small as it can be
    #[command(after_help = "Example:\n  lasp data compact shop")]
    Compact {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// `10s`, `500ms`, `2m`, `1h`, `1.5s`; a number alone is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{unit}` is no unit of time; use ms, s, m or h")),
    };
    let number: f64 = number.parse().map_err(|_| "a time looks like 10s, 500ms or 2m".to_owned())?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|time| *time <= Duration::from_hours(8784))
        .ok_or_else(|| "at most a year".to_owned())
}

pub(super) fn address(text: &str) -> Result<String, String> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err("an address looks like 127.0.0.1:7001".into());
    };
    if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
        return Err("an address looks like 127.0.0.1:7001 or [::1]:7001".into());
    }
    port.parse::<u16>().map_err(|_| format!("`{port}` is no port; ports are numbers from 0 to 65535"))?;
    Ok(text.to_owned())
}

fn node_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("a name has 1 to 256 bytes and no control characters".into());
    }
    Ok(text.to_owned())
}

fn again(text: &str) -> Result<(EffectKey, u32), String> {
    let parts = text.split_once(':').and_then(|(key, attempt)| Some((key.parse().ok()?, attempt.parse().ok()?)));
    // The first attempt is the first that can be in doubt.
    let parts = parts.filter(|(_, attempt)| *attempt > 0);
    parts
        .ok_or_else(|| "an effect to be started again looks like 00c0ffee..:1, as the message of its doubt says".into())
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a setting looks like name=value".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        for bad in ["", "s", "5x", "1..5s", "-1s", "99999999h"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_to_be_run_again_is_an_attempt_that_can_have_been() {
        let key = "2b057ee368806369403cb9b25fe9780b";
        assert!(again(&format!("{key}:1")).is_ok());
        for bad in [key.to_owned(), format!("{key}:0"), format!("{key}:x"), format!("{key}:"), ":1".into()] {
            assert!(again(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        assert!(address("localhost:0").is_ok() && address("[::1]:7001").is_ok());
        for bad in ["localhost", ":7001", "a:b:1", "localhost:70000", "localhost:"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
