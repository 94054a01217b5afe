//! Messages as bytes: a byte that says that they are about effects, then postcard.
//!
//! The consensus library speaks protobuf, whose parser recurses without bound on what strangers send (RUSTSEC-2024-0437). So its
//! messages are translated into [`RaftMessage`] and back, field by field; those fields and kinds alone that are used here.
//! A sequence is limited by the bytes of the message: each of its elements takes one at least, and what is made room for before they are
//! read is bounded by the decoder.

use protobuf::Message as _;
use raft::eraftpb::ConfChange;
use raft::eraftpb::ConfChangeType;
use raft::eraftpb::Entry;
use raft::eraftpb::EntryType;
use raft::eraftpb::Message as Peer;
use raft::eraftpb::MessageType;
use serde::Deserialize;
use serde::Serialize;

use crate::effects::Command;
use crate::effects::Decision;
use crate::effects::EffectKey;
use crate::effects::Member;

/// The first byte of every message about effects.
pub const EFFECTS: u8 = 0x80;
/// The most bytes that a message about effects may have.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// The most effects that one message asks or tells about.
pub(super) const REQUESTS_MAX: usize = 1024;

/// A message about effects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// To one who decides: what became of these, and may I start them?
    Requests(Vec<Request>),
    /// To one who decides: these have ended here.
    Ended(Vec<Ended>),
    /// From one who decides.
    Answers(Vec<Answer>),
    /// Between those who decide.
    Raft {
        /// Which group of them.
        group: [u8; 16],
        /// The message.
        message: RaftMessage,
    },
    /// How far one who decides has come, by its own count: see [`crate::effects::Heard`].
    Count {
        /// From one who decides: its own. 0 from others, who answer.
        mine: u64,
        /// To one who decides, that says less: what was heard of it. Else 0.
        yours: u64,
    },
}

/// A request about an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The effect.
    pub key: EffectKey,
    /// Which life of the node asks.
    pub life: u64,
    /// Which attempt it would start; 0 if it only wants to know.
    pub attempt: u32,
    /// Whether it has started it, and is at it.
    pub running: bool,
}

/// An effect has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The effect.
    pub key: EffectKey,
    /// Which life of the node says so.
    pub life: u64,
    /// Which attempt.
    pub attempt: u32,
    /// Whether it came to its end without failing.
    pub well: bool,
}

/// What one who decides knows of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The effect.
    pub key: EffectKey,
    /// How it stands.
    pub standing: Standing,
}

/// How an effect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Nothing is entered so far: ask again.
    Undecided,
    /// Somebody is entered.
    Decided {
        /// Who, and what became of it.
        decision: Decision,
        /// Whether it seems that nobody will ever tell what became of it.
        doubt: bool,
    },
    /// As many effects are entered as can be.
    Full,
    /// The one who was asked does not decide.
    NotHere,
}

/// Why bytes are not a message about effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Too many bytes, or too many effects.
    TooLong,
    /// They mean nothing.
    Malformed,
}

impl Message {
    /// As bytes, the first included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory fails only for a sequence of unknown length, and no message has one.
        postcard::to_extend(self, vec![EFFECTS]).unwrap_or_default()
    }

    /// Out of bytes that somebody sent.
    ///
    /// # Errors
    /// When they are no such message.
    pub fn decode(bytes: &[u8]) -> Result<Message, WireError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(WireError::TooLong);
        }
        let Some((&EFFECTS, rest)) = bytes.split_first() else { return Err(WireError::Malformed) };
        let Ok((message, [])) = postcard::take_from_bytes::<Message>(rest) else { return Err(WireError::Malformed) };
        let count = match &message {
            Message::Requests(requests) => requests.len(),
            Message::Ended(ended) => ended.len(),
            Message::Answers(answers) => answers.len(),
            Message::Raft { message, .. } => message.entries.len(),
            Message::Count { .. } => 0,
        };
        if count > REQUESTS_MAX { Err(WireError::TooLong) } else { Ok(message) }
    }
}

/// The kinds of messages between those who decide. Snapshots, transfers and reads are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RaftKind {
    /// See the library's `MsgPropose`, and so on.
    Propose,
    /// See there.
    Append,
    /// See there.
    AppendResponse,
    /// See there.
    RequestVote,
    /// See there.
    RequestVoteResponse,
    /// See there.
    Heartbeat,
    /// See there.
    HeartbeatResponse,
    /// See there.
    RequestPreVote,
    /// See there.
    RequestPreVoteResponse,
}

const KINDS: [(RaftKind, MessageType); 9] = [
    (RaftKind::Propose, MessageType::MsgPropose),
    (RaftKind::Append, MessageType::MsgAppend),
    (RaftKind::AppendResponse, MessageType::MsgAppendResponse),
    (RaftKind::RequestVote, MessageType::MsgRequestVote),
    (RaftKind::RequestVoteResponse, MessageType::MsgRequestVoteResponse),
    (RaftKind::Heartbeat, MessageType::MsgHeartbeat),
    (RaftKind::HeartbeatResponse, MessageType::MsgHeartbeatResponse),
    (RaftKind::RequestPreVote, MessageType::MsgRequestPreVote),
    (RaftKind::RequestPreVoteResponse, MessageType::MsgRequestPreVoteResponse),
];

/// A message between those who decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaftMessage {
    /// What it is.
    pub kind: RaftKind,
    /// Whom it is for.
    pub to: u64,
    /// Who says it.
    pub from: u64,
    /// The sender's term; 0 for what is proposed.
    pub term: u64,
    /// The term of the entry before.
    pub log_term: u64,
    /// The place of the entry before.
    pub index: u64,
    /// Entries after it.
    pub entries: Vec<LogEntry>,
    /// How far the sender knows entries to be final.
    pub commit: u64,
    /// The term of the entry there.
    pub commit_term: u64,
    /// Whether it says no.
    pub reject: bool,
    /// From where it could say yes.
    pub reject_hint: u64,
}

/// An entry of the common log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was entered.
    pub term: u64,
    /// Where it stands.
    pub index: u64,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EntryKind {
    /// Nothing: the beginning of a term.
    Nothing,
    /// A decision about an effect.
    Command(Command),
    /// A change of who decides.
    Change {
        /// Towards which list.
        version: u64,
        /// Whether the server is to decide from now on, or no longer.
        add: bool,
        /// The server.
        member: Member,
    },
}

/// The library's message as ours; `None` for a kind that is not used here.
pub(super) fn from_peer(message: &Peer) -> Option<RaftMessage> {
    let (kind, _) = KINDS.iter().find(|(_, theirs)| *theirs == message.get_msg_type())?;
    Some(RaftMessage {
        kind: *kind,
        to: message.to,
        from: message.from,
        term: message.term,
        log_term: message.log_term,
        index: message.index,
        entries: message.entries.iter().map(from_entry).collect(),
        commit: message.commit,
        commit_term: message.commit_term,
        reject: message.reject,
        reject_hint: message.reject_hint,
    })
}

/// And back.
pub(super) fn to_peer(message: &RaftMessage) -> Peer {
    let mut peer = Peer::default();
    if let Some((_, theirs)) = KINDS.iter().find(|(ours, _)| *ours == message.kind) {
        peer.set_msg_type(*theirs);
    }
    peer.to = message.to;
    peer.from = message.from;
    peer.term = message.term;
    peer.log_term = message.log_term;
    peer.index = message.index;
    peer.set_entries(message.entries.iter().map(to_entry).collect::<Vec<Entry>>().into());
    peer.commit = message.commit;
    peer.commit_term = message.commit_term;
    peer.reject = message.reject;
    peer.reject_hint = message.reject_hint;
    peer
}

/// The library's entry as ours. What it holds was written by [`to_entry`] or [`data_of`], or is empty.
pub(super) fn from_entry(entry: &Entry) -> LogEntry {
    LogEntry { term: entry.term, index: entry.index, kind: kind_of(entry).unwrap_or(EntryKind::Nothing) }
}

fn kind_of(entry: &Entry) -> Option<EntryKind> {
    match entry.get_entry_type() {
        EntryType::EntryNormal => postcard::from_bytes(&entry.data).ok().map(EntryKind::Command),
        EntryType::EntryConfChange => {
            let change = ConfChange::parse_from_bytes(&entry.data).ok()?;
            let (version, member) = postcard::from_bytes(&change.context).ok()?;
            Some(EntryKind::Change { version, add: change.get_change_type() == ConfChangeType::AddNode, member })
        }
        EntryType::EntryConfChangeV2 => None,
    }
}

/// And back.
pub(super) fn to_entry(entry: &LogEntry) -> Entry {
    let mut theirs = Entry { term: entry.term, index: entry.index, ..Entry::default() };
    match &entry.kind {
        EntryKind::Nothing => {}
        EntryKind::Command(command) => theirs.data = data_of(command).into(),
        EntryKind::Change { version, add, member } => {
            theirs.set_entry_type(EntryType::EntryConfChange);
            theirs.data = change(*version, *add, member).write_to_bytes().unwrap_or_default().into();
        }
    }
    theirs
}

/// What an entry with this command holds.
pub(super) fn data_of(command: &Command) -> Vec<u8> {
    postcard::to_allocvec(command).unwrap_or_default()
}

/// A change of who decides, as the library wants it.
pub(super) fn change(version: u64, add: bool, member: &Member) -> ConfChange {
    let mut change = ConfChange::default();
    change.set_change_type(if add { ConfChangeType::AddNode } else { ConfChangeType::RemoveNode });
    change.node_id = member.node.0;
    change.context = postcard::to_allocvec(&(version, member)).unwrap_or_default().into();
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::NodeId;
    use crate::effects::Runner;

    #[test]
    fn an_entry_is_the_same_after_the_way_through_the_library() {
        let runner = Runner { node: NodeId(3), life: 4 };
        let member = Member { node: NodeId(9), name: "n".into(), addresses: vec!["h:1".into()] };
        for kind in [
            EntryKind::Nothing,
            EntryKind::Command(Command::Grant { key: EffectKey(1), attempt: 2, runner }),
            EntryKind::Command(Command::Ended { key: EffectKey(1), attempt: 2, well: true }),
            EntryKind::Change { version: 2, add: true, member: member.clone() },
            EntryKind::Change { version: 2, add: false, member },
        ] {
            let entry = LogEntry { term: 5, index: 6, kind };
            assert_eq!(from_entry(&to_entry(&entry)), entry);
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        assert_eq!(Message::decode(&[]), Err(WireError::Malformed));
        assert_eq!(Message::decode(&[1, 0, 0]), Err(WireError::Malformed));
        assert_eq!(Message::decode(&vec![EFFECTS; MESSAGE_BYTES_MAX + 1]), Err(WireError::TooLong));
        // A sequence of 2^60 requests, of which none is there.
        let huge = [EFFECTS, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        assert_eq!(Message::decode(&huge), Err(WireError::Malformed));
        let request = Request { key: EffectKey(1), life: 1, attempt: 1, running: false };
        let many = Message::Requests(vec![request; REQUESTS_MAX + 1]);
        assert_eq!(Message::decode(&many.encode()), Err(WireError::TooLong));
        let message = Message::Requests(vec![request; 2]);
        assert_eq!(Message::decode(&message.encode()), Ok(message.clone()));
        let mut more = message.encode();
        more.push(0);
        assert_eq!(Message::decode(&more), Err(WireError::Malformed));
    }
}
