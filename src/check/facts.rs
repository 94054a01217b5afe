//! What is known of a program's dataflow before it runs: which variables there are, what feeds them, what changes them, what
//! looks at them, and what depends on what was seen. Found by abstract interpretation (`check::infer`), read by the
//! coordination report.
//!
//! Everything here errs on the side of *more*: a set of possible variables holds every variable that can stand there, and what
//! is not known says so (`unknown`). Places are sites of the text: a verb in a function that is called twice is one site.

use std::collections::BTreeSet;

use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// A variable, by its place in [`Facts::variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u32);

/// An observation, by its place in [`Facts::observations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationId(pub u32);

/// What was found out about one program.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// All sites that make variables, those without a destination (`D = map(S, F)`) included.
    pub variables: Vec<Variable>,
    /// All derivations.
    pub derivations: Vec<Derivation>,
    /// All that changes variables: `update`, `try_update`, `bind` of a value.
    pub updates: Vec<Update>,
    /// All that lets a program see what depends on timing, place or chance.
    pub observations: Vec<Observation>,
    /// All that can be seen from outside: prints, failed assertions, results of tasks.
    pub effects: Vec<Effect>,
    /// Cycles that are sure to be made, each as the variables on it, the first once more at the end.
    pub cycles: Vec<Vec<VariableId>>,
    /// Whether everything was followed. When false (budgets, calls of unknown functions), there may be more than is listed.
    pub complete: bool,
}

/// Variables that can stand in a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Those that are known to be possible.
    pub known: BTreeSet<VariableId>,
    /// Whether any other can stand there too: an argument of the program, a reference out of another variable.
    pub unknown: bool,
}

/// What an outcome hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependence {
    /// Observations that decide *whether* it happens, or how often: it stands behind a branch, a guard or a wait on them.
    pub control: BTreeSet<ObservationId>,
    /// Observations that its operands are computed from.
    pub data: BTreeSet<ObservationId>,
}

/// A site that makes, or names, a variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its number.
    pub id: VariableId,
    /// The name that it has on all nodes, where it is known; `None` for fresh names and computed ones.
    pub name: Option<Term>,
    /// Its name in the text, for messages: `S` for `S = declare(set)`.
    pub shown: String,
    /// Its type, where the type is written out.
    pub kind: Option<Type>,
    /// Whether each node has a value of its own.
    pub dynamic: bool,
    /// Whether the site may run several times and make a fresh variable each time.
    pub many: bool,
    /// Whether references to it go where the analysis does not follow: into other variables, for example.
    pub escapes: bool,
    /// The verb that makes it: `declare`, `declare_dynamic`, or the derivation without a destination.
    pub verb: Verb,
    /// The call.
    pub span: Span,
}

/// A derivation site.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// `map`, `filter`, `fold`, `union`, `bind_to`, `sql`, ..
    pub verb: Verb,
    /// What can stand as each source, in order. `sql` lists its tables.
    pub sources: Vec<Variables>,
    /// What can stand as the destination.
    pub destination: Variables,
    /// Of its functions, in order (`join` and `group_by` have two).
    pub functions: Vec<Function>,
    /// Whether it is a view with rows that are made of several elements (`count`, `group by`), or of which that is not known.
    pub aggregates: bool,
    /// What it hangs on: a derivation that is made only in a branch, for example.
    pub depends: Dependence,
    /// The call.
    pub span: Span,
}

/// What is known of a function that is given to a derivation.
#[derive(Clone, Debug)]
pub struct Function {
    /// Where it is written; `None` where it is not known which function it is.
    pub span: Option<Span>,
    /// The shapes of what it returns, for folds: operations, as in [`Update::operations`].
    pub operations: Vec<Operation>,
    /// What its captured values are computed from.
    pub data: BTreeSet<ObservationId>,
}

/// An operation's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The whole operation, where it is known: `{add, 1}`.
    pub term: Option<Term>,
    /// Its word, where it is known: `add`, `increment`, `apply`, ..
    pub word: Option<String>,
    /// The key in `{apply, Key, Op}` or `{set, Key, V}`, where it is known.
    pub key: Option<Term>,
    /// The operation inside of `apply`, `fst`, `snd` or `at`, where it is known.
    pub inner: Option<Box<Operation>>,
    /// For counters: whether the amount can be below 0 (or is not known). `{increment, -1}` takes away.
    pub negative: bool,
}

/// A site that changes a variable.
#[derive(Clone, Debug)]
pub struct Update {
    /// `update`, `try_update` or `bind`.
    pub verb: Verb,
    /// What can stand as the variable.
    pub variables: Variables,
    /// What the operation can be; empty where nothing is known of it. For `bind`: empty.
    pub operations: Vec<Operation>,
    /// The value that is given to `bind`, where it is known.
    pub value: Option<Term>,
    /// What it hangs on.
    pub depends: Dependence,
    /// Whether it may run more than once in one run: in recursion, a comprehension, `every`, `stream`.
    pub repeated: bool,
    /// Whether it stands in `atomically`.
    pub atomic: bool,
    /// Whether it stands in `once`.
    pub once: bool,
    /// The call.
    pub span: Span,
}

/// What a program looks at.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Its number.
    pub id: ObservationId,
    /// `query`, `read`, `read_any`, `wait_needed`, `invariant`, `stream`, `enforce_once`, or one that needs no variable:
    /// `node`, `nodes`, `replica`, `role`, `converged`, `arg`, `now_ms`, `random`, `each_line`, `csv:read`, `json:read`,
    /// `try_update` (its answer), `once` (whether it runs), `declare` without a name (the reference, another on each node).
    pub verb: Verb,
    /// The variables that it looks at.
    pub variables: Variables,
    /// The threshold as written, where it is known; `read(V)` without one is `bound`.
    pub threshold: Option<Term>,
    /// Where what it saw goes.
    pub uses: Vec<Use>,
    /// Whether a branch, a clause or a condition is chosen by what it saw, rather than only waited for it.
    pub decides: bool,
    /// What it hangs on itself.
    pub depends: Dependence,
    /// The call.
    pub span: Span,
}

/// One way in which what was seen goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// How.
    pub kind: UseKind,
    /// Whether it only decides whether this happens (a branch, a wait) rather than what.
    pub control: bool,
    /// Where.
    pub span: Span,
}

/// Into what something that was seen goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseKind {
    /// An update, or a `bind`.
    Update,
    /// A derivation is made from it, or because of it.
    Derivation,
    /// It is printed.
    Print,
    /// It is asserted.
    Assert,
    /// Another observation: its variable, its threshold, or whether it is made.
    Observation,
    /// A task is started.
    Task,
    /// The task fails, or does not.
    Failure,
}

/// Something that can be seen from outside.
#[derive(Clone, Debug)]
pub struct Effect {
    /// `print`, `io:format`, `assert`, `thread`, `every`, ..
    pub verb: Verb,
    /// What it hangs on.
    pub depends: Dependence,
    /// Whether it may run more than once in one run.
    pub repeated: bool,
    /// The call.
    pub span: Span,
}

impl Facts {
    /// The variable of a number.
    #[must_use]
    pub fn variable(&self, id: VariableId) -> Option<&Variable> {
        self.variables.get(id.0 as usize)
    }

    /// Whether what the program does can differ between nodes by design: something hangs on `replica()`, `role()`, `node()`
    /// or `arg(..)`.
    #[must_use]
    pub fn branches_on_place(&self) -> bool {
        let place = |verb| matches!(verb, Verb::Replica | Verb::Role | Verb::Node | Verb::Arg);
        self.observations.iter().any(|seen| place(seen.verb) && seen.uses.iter().any(|used| used.control))
    }
}
