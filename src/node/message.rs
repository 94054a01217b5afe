//! What goes into a node and what comes out of it.

use crate::effects::Message;
use crate::effects::NodeId;
use crate::lattice::dot::ReplicaId;
use crate::node::EffectEvent;
use crate::replica::PeerId;
use crate::replica::Role;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::term::Term;

/// What an edge, a simulator or a test gives to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// A peer can be spoken to: both sides have accepted each other.
    Connected {
        /// The connection.
        peer: PeerId,
        /// The peer's name, for people.
        name: String,
        /// Who the peer is: its [`Settings::identity`].
        incarnation: ReplicaId,
        /// What its certificate lets it do.
        role: Role,
    },
    /// It no longer can.
    Lost {
        /// The connection.
        peer: PeerId,
    },
    /// A message from a peer; whatever it holds, it does no harm.
    Received {
        /// Where from.
        peer: PeerId,
        /// What another node gave out as [`Output::Send`] or [`Output::Broadcast`].
        bytes: Vec<u8>,
    },
    /// Whether every address that the user named is connected. True until told otherwise.
    AllConnected(bool),
    /// The answer to [`Output::Book`].
    Book {
        /// See [`Book::answer`](crate::effects::Book::answer).
        message: Message,
    },
    /// Nothing but the time, when a timer is due.
    Tick,
    /// The answer to [`Output::ReadFile`].
    File {
        /// The number of the request.
        request: u64,
        /// The file, or why it cannot be read.
        result: Result<Vec<u8>, String>,
    },
    /// A line, or several, typed at the prompt.
    Typed {
        /// The text.
        text: String,
    },
    /// An example, or a call. It is one task, as a program's top level is; each of its forms gives an [`Output::Evaluated`],
    /// until one fails. A form that is a comparison is an assertion.
    Example {
        /// What messages show as its file.
        name: String,
        /// The text.
        text: String,
    },
    /// Where a view stays as it was because the next producer has not seen all that it came from, that one's is taken.
    Sync,
    /// Ends what was typed last, if it still runs or waits.
    Cancel,
}

/// What a node asks of the edge.
#[derive(Clone, Debug)]
pub enum Output {
    /// To be sent. May be lost, doubled, delayed, reordered.
    Send {
        /// Where to.
        peer: PeerId,
        /// The message.
        bytes: Vec<u8>,
    },
    /// To be brought to all who want to hear of a topic: see [`crate::replica::Out::Broadcast`]. An edge that knows of no
    /// better way sends it to every peer.
    Broadcast {
        /// The topic; 0 is everybody.
        topic: u128,
        /// The message.
        bytes: Vec<u8>,
    },
    /// This node takes other topics from now on; the edge may let it have neighbours who take them too.
    Take {
        /// Whether it takes `topics` alone, or all but those.
        only: bool,
        /// See `only`.
        topics: Vec<u128>,
    },
    /// The program prints.
    Print {
        /// What to write, the newline included where there is one.
        text: String,
        /// The same as a term.
        value: Term,
    },
    /// Something to tell the user.
    Report(Diagnostic),
    /// A variable with a name at top level has another value now. Only with [`Settings::watch`].
    Change {
        /// Its name at top level, the first if it has several.
        variable: String,
        /// The other names.
        also: Vec<String>,
        /// Its type.
        kind: Type,
        /// Its value.
        value: Term,
    },
    /// A file is to be read, and the answer given as [`Input::File`].
    ReadFile {
        /// To be given back.
        request: u64,
        /// As the program wrote it.
        path: String,
    },
    /// What was typed has ended: with a value, or with an error that was reported before.
    Evaluated {
        /// The value of the last expression.
        value: Option<Term>,
        /// If that is a variable: the variable's value.
        current: Option<Term>,
    },
    /// The ledger of effects that all nodes share is to answer this; only with [`Deciding::Shared`](crate::node::Deciding). What it
    /// enters is on disk, if anything is, before the answer is given as [`Input::Book`].
    Book {
        /// The question.
        message: Message,
    },
    /// A connection to this node is wanted, if there is a way to it.
    Reach {
        /// The node.
        node: NodeId,
        /// Where it might be.
        addresses: Vec<String>,
        /// Whether it is needed for good, and not for a request alone.
        lasting: bool,
    },
    /// Something became of an effect of `enforce_once`.
    Effect(EffectEvent),
    /// The connection is to be closed, and the peer told why.
    Disconnect {
        /// The connection.
        peer: PeerId,
        /// The code of the reason.
        code: &'static str,
        /// The reason, in words.
        reason: String,
    },
}

/// What a node is told when it is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `node()`: a name for people.
    pub name: String,
    /// `replica()`: its number among `--replicas`, from 0.
    pub replica: u32,
    /// `role()`.
    pub role: Term,
    /// What `arg(Name, Default)` finds; of several with one name the first.
    pub arguments: Vec<(String, Term)>,
    /// This incarnation; never used before.
    pub identity: crate::lattice::dot::ReplicaId,
    /// Where `random(N)` starts.
    pub seed: u64,
    /// Whether changes of variables are told.
    pub watch: bool,
}

/// Whether there is more to run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Some task has not had its turn to the end.
    Busy,
    /// Nothing can go on before the next input.
    Idle,
}

/// How far the program's own top level is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopLevel {
    /// It can go on, sleeps, or waits for a file.
    Running,
    /// It waits for a variable.
    Waiting,
    /// It has ended.
    Done,
    /// It has ended with an error.
    Failed,
}

/// What became of the expression that the run waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Until {
    /// There is none.
    Unset,
    /// Not true so far; the error that its last test ended with, if it did.
    NotYet(Option<Diagnostic>),
    /// It was true once.
    Met,
}

/// A task that waits for a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What it waits for, the value now, and what feeds the variable: one line.
    pub text: String,
    /// Where.
    pub span: Span,
    /// Whether it is the program's top level.
    pub top_level: bool,
    /// Whether it was typed at the prompt.
    pub typed: bool,
}

/// How a node stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// No task can go on, sleeps, or waits for a file, and no input waits to be taken in.
    pub quiescent: bool,
    /// The top level.
    pub top_level: TopLevel,
    /// Tasks that wait for variables.
    pub waiting: Vec<Waiting>,
    /// A digest of what the node has seen: equal on nodes that have seen the same.
    pub vector: u128,
    /// A digest of which topics the node takes: equal on nodes that take the same.
    pub interest: u128,
    /// Peers connected.
    pub peers: usize,
    /// Those of them that are known to have seen just what this node has.
    pub agreeing: usize,
    /// The awaited expression.
    pub until: Until,
    /// Whether an assertion failed, in any task.
    pub assertion_failed: bool,
    /// Whether another node has a variable of this node's under the same name and of another type.
    pub conflicts: bool,
}

/// A variable's value at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Final {
    /// The name at top level.
    pub name: String,
    /// The variable's own name: where it was made elsewhere, or was given a name of each node's, it is another one on each.
    pub variable: Name,
    /// The variable's type.
    pub kind: Type,
    /// Whether each node has its own.
    pub dynamic: bool,
    /// Whether all that there is of it comes here: the node takes its topic, and the topics of all that feeds it.
    pub taken: bool,
    /// The value.
    pub value: Term,
    /// The bytes of the value, as it would travel.
    pub value_bytes: usize,
    /// The bytes that replication keeps besides, so that copies can be merged; 0 for what is derived, which never travels.
    pub metadata_bytes: usize,
}
