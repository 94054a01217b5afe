//! Why a verb is refused, as data: from wherever the reason is found to what the task fails with.

use crate::graph::GraphError;
use crate::replica::Limit;
use crate::source::diagnostic::Diagnostic;
use crate::value::contribution::BadValue;
use crate::value::kind::BadType;
use crate::value::operation::BadOp;
use crate::value::operation::Brief;
use crate::value::term::Term;
use crate::value::threshold::BadThreshold;
use crate::vm::Failure;

/// Why a verb is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) title: String,
    pub(super) help: Vec<String>,
    /// For a program to match on, where an operation that the type has is refused as things are now.
    pub(super) why: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, title: impl Into<String>) -> Refusal {
        Refusal { code, title: title.into(), help: Vec::new(), why: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Refusal {
        self.help.push(help.into());
        self
    }

    pub(super) fn too_many_updates() -> Refusal {
        Limit::Exhausted.into()
    }

    pub(super) fn diagnostic(self) -> Diagnostic {
        Diagnostic { help: self.help, ..Diagnostic::error(self.code, self.title) }
    }
}

/// The machine adds the place of the verb.
impl From<Diagnostic> for Refusal {
    fn from(diagnostic: Diagnostic) -> Refusal {
        Refusal { code: diagnostic.code, title: diagnostic.title, help: diagnostic.help, why: None }
    }
}

impl From<GraphError> for Refusal {
    fn from(error: GraphError) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<crate::engine::Refusal> for Refusal {
    fn from(refusal: crate::engine::Refusal) -> Refusal {
        Refusal { why: Some(refusal.why()), ..refusal.diagnostic().into() }
    }
}

impl From<BadType> for Refusal {
    fn from(error: BadType) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<BadOp> for Refusal {
    fn from(error: BadOp) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<BadValue> for Refusal {
    fn from(error: BadValue) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<BadThreshold> for Refusal {
    fn from(error: BadThreshold) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        failure.diagnostic().into()
    }
}

impl From<Limit> for Refusal {
    fn from(limit: Limit) -> Refusal {
        let (code, what) = match limit {
            Limit::Transaction { .. } => ("E0370", "this update cannot be written"),
            Limit::Topics => ("E0376", "this update cannot be written"),
            Limit::TooManyTopics { .. } | Limit::Unacknowledged { .. } => {
                ("E0377", "what this node takes cannot be changed so")
            }
            _ => ("E0390", "this update cannot be written"),
        };
        let refusal = Refusal::new(code, format!("{what}: {limit}"));
        match limit {
            Limit::Transaction { .. } => refusal
                .help("`atomically` is all or nothing on every node, so it has to fit into one message; none of it is done")
                .help("do it in several smaller steps"),
            Limit::Topics => refusal
                .help("what a node gets whole is what it takes, and it may take one topic without the other; none of it is done")
                .help("give the variables the same topic, or update them one after the other"),
            Limit::TooManyTopics { .. } => refusal.help("topics can be coarse: one for each room, not one for each message"),
            Limit::Unacknowledged { .. } => refusal.help("they would be lost: try again when a server that takes the topic is connected and has them"),
            Limit::TooLarge { .. } | Limit::Name => Refusal {
                why: Some("too_large"),
                ..refusal.help("nothing is written that could not be sent to peers; split the value up")
            },
            Limit::Unfit => refusal,
            Limit::Exhausted => refusal.help("restart the node: each start counts anew"),
        }
    }
}

/// A verb is given a value of the wrong kind.
pub(super) fn unusable(verb: &str, expected: &str, got: &Term) -> Refusal {
    Refusal::new("E0391", format!("`{verb}` needs {expected}, and got {}", brief(got)))
}

/// A term on one line that is not too long.
pub(super) fn brief(term: &Term) -> String {
    Brief(term).to_string()
}

/// That a verb is given a function that takes as many arguments as it will get.
pub(super) fn check_function(verb: &str, term: &Term, arity: u8) -> Result<(), Refusal> {
    let expected = if arity == 0 { "a function without arguments" } else { "a function of one argument" };
    match term {
        Term::Fun(closure) if closure.arity == arity => Ok(()),
        Term::Fun(closure) => {
            Err(Refusal::new("E0395", format!("`{verb}` needs {expected}, and this one takes {}", closure.arity)))
        }
        other => Err(Refusal::new("E0395", format!("`{verb}` needs {expected}, and this is {}", brief(other)))),
    }
}
