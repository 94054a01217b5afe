//! Why a variable or a derivation cannot be made.

use triomphe::Arc;

use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::reference::Reference;

/// Why a variable or a derivation cannot be made. The graph is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// There is a variable of that name with another type.
    NameTaken {
        /// The variable that there is.
        known: Arc<Reference>,
        /// The type that was asked for.
        asked: Type,
    },
    /// The derivation would feed a variable from itself. The path starts and ends with its destination.
    Cycle {
        /// The verb.
        verb: &'static str,
        /// Each feeds the next; the last feeds the first again.
        path: Vec<Arc<Reference>>,
    },
    /// Nodes' own values would mix in a variable that they share.
    DynamicIntoReplicated {
        /// The verb.
        verb: &'static str,
        /// The dynamic source.
        source: Arc<Reference>,
        /// The replicated destination.
        destination: Arc<Reference>,
    },
    /// The verb does not take such a source, or cannot contribute to such a destination.
    WrongType {
        /// The verb.
        verb: &'static str,
        /// What is wrong with it, as the end of a sentence.
        wrong: String,
        /// What would do.
        help: String,
    },
    /// What stands where the function should is none, or one with the wrong number of arguments.
    NotAFunction {
        /// The verb.
        verb: &'static str,
        /// What is wrong.
        wrong: String,
    },
    /// `fold_dynamic` of a replicated variable, or into a dynamic one.
    NotDynamic {
        /// What is wrong.
        wrong: String,
        /// What would do.
        help: &'static str,
    },
    /// There are as many variables or derivations as there may be.
    TooMany,
}

impl GraphError {
    /// The code for life.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            GraphError::NameTaken { .. } => "E0301",
            GraphError::Cycle { .. } => "E0305",
            GraphError::DynamicIntoReplicated { .. } => "E0306",
            GraphError::WrongType { .. } => "E0307",
            GraphError::NotAFunction { .. } => "E0308",
            GraphError::NotDynamic { .. } => "E0311",
            GraphError::TooMany => "E0314",
        }
    }

    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let error = |title: String| Diagnostic::error(self.code(), title);
        match self {
            GraphError::NameTaken { known, asked } => error(format!(
                "{} is {} already, and cannot be {} too",
                shown(&known.name, "this variable"),
                known.kind.with_article(),
                asked.with_article()
            ))
            .help("one name has one type: declare it with the same type everywhere, or take another name"),
            GraphError::Cycle { verb, path } => {
                let names: Vec<String> = path.iter().map(|at| at.name.plain()).collect();
                error(format!("this {verb} would close a cycle: {}", names.join(" -> ")))
                    .help("a variable cannot be derived from itself; `->` means that a derivation feeds the next")
            }
            GraphError::DynamicIntoReplicated { verb, source, destination } => error(format!(
                "{verb} of the dynamic {} into the replicated {}",
                shown(&source.name, "source"),
                shown(&destination.name, "destination")
            ))
            .help("each node has its own value of a dynamic variable, and it does not leave the node")
            .help("use `fold_dynamic` to contribute every node's value, or make the destination dynamic"),
            GraphError::WrongType { verb, wrong, help } => error(format!("{verb} {wrong}")).help(help.as_str()),
            GraphError::NotAFunction { verb, wrong } => error(format!("{verb} {wrong}")),
            GraphError::NotDynamic { wrong, help } => error(format!("fold_dynamic {wrong}")).help(*help),
            GraphError::TooMany => error("there are too many variables or derivations".to_owned()),
        }
    }
}

/// How a message names a variable; by what it is here where it has no name that says anything.
pub(super) fn shown(name: &Name, role: &str) -> String {
    match name {
        Name::Given(_) => format!("`{}`", name.plain()),
        Name::Fresh(..) => role.to_owned(),
    }
}
