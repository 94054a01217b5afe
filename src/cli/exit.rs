//! How a run ends, as the shell sees it.

use std::process::ExitCode;

/// The exit codes; see `docs` for what scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A run-time error in the top level, a failed assertion, replicas that differ.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// The program does not parse or check.
    Unsound = 3,
    /// Timed out, or waits for ever.
    Waits = 4,
    /// Network, identity or trust.
    Network = 5,
    /// A data folder: in use, damaged, newer, another node's, or not to be written.
    Data = 6,
    /// A fault in lasp.
    Bug = 101,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
