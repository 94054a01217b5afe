//! The log of a run: everything that happened, in order, as a hash and, if wanted, as lines.

use std::fmt::Arguments;

/// Takes the lines of a log.
pub type LogLines = Box<dyn FnMut(&str)>;

/// What happened so far.
#[derive(Default)]
pub(crate) struct Trace {
    hash: blake3::Hasher,
    lines: Option<LogLines>,
    /// How many things have happened.
    pub(crate) events: u64,
}

/// What can happen, as a number in the hash.
#[derive(Clone, Copy)]
pub(crate) enum Happened {
    Sent = 1,
    Arrived = 2,
    Printed = 3,
    Reported = 4,
    Linked = 5,
    Unlinked = 6,
    Fault = 7,
    Effect = 8,
}

impl Trace {
    pub(crate) fn write_lines(&mut self, lines: LogLines) {
        self.lines = Some(lines);
    }

    /// Something happened at a time and a node: `what` is hashed, and `line` is written if there is a log.
    pub(crate) fn note(&mut self, happened: Happened, now_ms: u64, node: usize, what: &[u8], line: Arguments<'_>) {
        self.events += 1;
        let mut head = [0; 25];
        head[0] = happened as u8;
        head[1..9].copy_from_slice(&now_ms.to_le_bytes());
        head[9..17].copy_from_slice(&(node as u64).to_le_bytes());
        head[17..].copy_from_slice(&(what.len() as u64).to_le_bytes());
        self.hash.update(&head).update(what);
        if let Some(lines) = &mut self.lines {
            lines(&format!("{now_ms:>8} n{node} {line}\n"));
        }
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        *self.hash.finalize().as_bytes()
    }
}
