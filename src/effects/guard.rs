//! What the consensus library is not given: it takes its peers at their word, and stops the process where they contradict
//! themselves or what is final.

use raft::RaftLog;
use raft::Storage;

use crate::effects::wire::EntryKind;
use crate::effects::wire::LogEntry;
use crate::effects::wire::RaftKind;
use crate::effects::wire::RaftMessage;

/// By how much a term may be ahead of ours: more than elections in a thousand years.
const TERMS_AHEAD_MAX: u64 = 1 << 40;
/// The most entries that one message proposes.
const PROPOSED_MAX: usize = 64;

/// Whether the library may be given this message, from a member to us.
pub(super) fn sound<T: Storage>(message: &RaftMessage, term: u64, log: &RaftLog<T>) -> bool {
    if message.kind != RaftKind::Propose && (1..term).contains(&message.term) {
        // Out of an earlier term: the library looks at nothing else of it.
        return true;
    }
    let last = log.last_index();
    let timely = message.term >= 1 && message.term <= term.saturating_add(TERMS_AHEAD_MAX);
    match message.kind {
        RaftKind::Propose => {
            let command = |entry: &LogEntry| matches!(entry.kind, EntryKind::Command(_));
            message.term == 0
                && (1..=PROPOSED_MAX).contains(&message.entries.len())
                && message.entries.iter().all(command)
        }
        RaftKind::Append => timely && contiguous(message) && keeps_what_is_final(message, log),
        // An old leader's word that this much is final cannot be about entries that we lack.
        RaftKind::Heartbeat => timely && message.entries.is_empty() && message.commit <= last,
        RaftKind::AppendResponse => timely && message.entries.is_empty() && (message.reject || message.index <= last),
        RaftKind::RequestVote
        | RaftKind::RequestVoteResponse
        | RaftKind::HeartbeatResponse
        | RaftKind::RequestPreVote
        | RaftKind::RequestPreVoteResponse => timely && message.entries.is_empty(),
    }
}

/// Entries follow each other and the one before them, in terms that do not fall.
fn contiguous(message: &RaftMessage) -> bool {
    let mut before = (message.index, message.log_term);
    if (message.index == 0) != (message.log_term == 0) || message.log_term > message.term {
        return false;
    }
    message.entries.iter().all(|entry| {
        let follows =
            before.0.checked_add(1) == Some(entry.index) && entry.term >= before.1 && entry.term <= message.term;
        before = (entry.index, entry.term);
        follows && entry.term >= 1
    })
}

/// No entry that is final becomes another one.
fn keeps_what_is_final<T: Storage>(message: &RaftMessage, log: &RaftLog<T>) -> bool {
    let is = |place: u64, term: u64| log.term(place).is_ok_and(|known| known == term);
    message.entries.iter().filter(|entry| entry.index <= log.committed).all(|entry| is(entry.index, entry.term))
}
