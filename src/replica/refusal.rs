//! What a replica refuses: messages that break the rules, and updates that could not be sent.

use crate::replica::wire::MESSAGE_BYTES_MAX;
use crate::replica::wire::VERSION;

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// Bytes that are not a message, or a message that contradicts itself.
    #[error("it sent a malformed message")]
    Malformed,
    /// A message of another protocol version.
    #[error("it speaks version {0} of the protocol, and this node speaks version {VERSION}")]
    Version(u8),
    /// More bytes than a message may have.
    #[error("it sent a message of more than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// More replicas than it may introduce in a minute, or than one node can tell apart.
    #[error("it introduced too many replicas")]
    TooManyReplicas,
    /// More variables than a node can know.
    #[error("it introduced too many variables")]
    TooManyVariables,
    /// A content that does not fit its variable's type.
    #[error("it sent a value that does not fit its variable's type")]
    Unfit,
    /// A client's updates under another node's identity.
    #[error("it sent updates in another node's name")]
    Forged,
    /// An update of a bounded counter that spends rights which its author does not have, as far as it could know.
    #[error("it sent an update that spends more of a bounded counter than its author has rights for")]
    Overspent,
    /// Updates under this node's identity that this node did not make.
    #[error("it knows updates of this node that this node did not make: two nodes have the same identity")]
    IdentityInUse,
}

impl RefusalReason {
    /// The code under which `lasp explain` tells more.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            RefusalReason::Version(_) => "E0608",
            RefusalReason::IdentityInUse => "E0616",
            RefusalReason::Forged => "E0630",
            RefusalReason::Overspent => "E0656",
            _ => "E0609",
        }
    }
}

/// Why an update cannot be written: nothing is written that could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// The element takes more bytes than a message has room for.
    #[error("the value takes {bytes} bytes, and at most {most} can be replicated in one update")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The most that are allowed.
        most: usize,
    },
    /// The variable's name is too large or nested too deeply.
    #[error("the variable's name is too large to be replicated")]
    Name,
    /// The content does not fit the variable's type.
    #[error("the value does not fit the variable's type")]
    Unfit,
    /// The transaction takes more bytes than one message has room for.
    #[error("the updates made together take more than the {most} bytes that go into one message")]
    Transaction {
        /// The most that are allowed.
        most: usize,
    },
    /// The transaction updates variables of several topics.
    #[error("the updates made together are of several topics")]
    Topics,
    /// The node names more topics than it may.
    #[error("a node can name at most {most} topics that it takes, or does not take")]
    TooManyTopics {
        /// The most that are allowed.
        most: usize,
    },
    /// A topic cannot be given up: this node may be the last to have updates of it, and they are not kept one by one.
    #[error("no connected server that takes the topic is known to have {updates} updates that are here")]
    Unacknowledged {
        /// How many.
        updates: u64,
    },
    /// This incarnation has made as many updates as it can.
    #[error("this node has made as many updates as one incarnation can")]
    Exhausted,
}
