//! How functions are called, and what is said of elements on which they fail.

use triomphe::Arc;

use crate::source::diagnostic::Diagnostic;
use crate::value::kind::Type;
use crate::value::operation;
use crate::value::reference::Reference;
use crate::value::term::DEPTH_MAX;
use crate::value::term::PARTS_MAX;
use crate::value::term::Term;

/// Calls pure functions. A function that fails on some arguments fails on them always, and with every other result it is the
/// same.
pub trait Evaluate {
    /// The function's result.
    ///
    /// # Errors
    /// When it fails; the evaluator keeps what there is to say.
    fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, Failed>;

    /// What is known of a function of pairs; by default, nothing.
    fn equality(&self, _function: &Term) -> Option<Equality> {
        None
    }
}

/// That a function of `{X, Y}` is true only where two keys are equal: `left(X)` and `right(Y)`, each of which returns `{Key}`,
/// or `[]` where the function is false whatever the other side is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equality {
    /// The function of the first's key.
    pub left: Term,
    /// The function of the second's key.
    pub right: Term,
    /// Whether keys are compared by value, `==`, and not exactly.
    pub by_value: bool,
    /// Whether the function of the pair fails wherever a key's does. Such an element is reported, once.
    pub told: bool,
}

/// A failed call: where its evaluator keeps the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub u32);

/// An element that contributes nothing, because a function or what it returned failed. Each is reported once.
#[derive(Clone, Debug)]
pub struct ElementFailure {
    /// The derivation's identity.
    pub derivation: u128,
    /// Its verb.
    pub verb: &'static str,
    /// Its destination.
    pub destination: Arc<Reference>,
    /// The element.
    pub element: Term,
    /// What happened.
    pub reason: FailureReason,
}

/// Why an element contributes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// The function failed.
    Evaluation(Failed),
    /// A filter's function returned something else.
    NotABoolean(Term),
    /// A fold's function returned what cannot be contributed to such a destination.
    NotContributable {
        /// The destination's type.
        kind: Type,
        /// What was returned.
        given: Term,
    },
    /// A pair of a product or join would be nested too deeply, or have too many parts.
    TooLarge,
}

impl ElementFailure {
    /// As a message, without a place; `None` where the evaluator has a better one.
    #[must_use]
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let name = self.destination.words();
        let element = operation::Brief(&self.element);
        let (code, wrong, help) = match &self.reason {
            FailureReason::Evaluation(_) => return None,
            FailureReason::NotABoolean(given) => (
                "E0312",
                format!(
                    "the function of the filter into {name} returned `{}` for `{element}`",
                    operation::Brief(given)
                ),
                "it must return `true` or `false`; the element is left out".to_owned(),
            ),
            FailureReason::NotContributable { kind, given } => (
                "E0310",
                format!(
                    "the {} into {name} cannot contribute `{}`, for `{element}`",
                    self.verb,
                    operation::Brief(given)
                ),
                format!(
                    "into {} it can contribute {}",
                    kind.with_article(),
                    operation::list(operation::contributable(kind))
                ),
            ),
            FailureReason::TooLarge => (
                "E0313",
                format!("the pair `{element}` of the {} into {name} is nested too deeply, or too large", self.verb),
                format!("a value has at most {DEPTH_MAX} levels and {PARTS_MAX} parts; the pair is left out"),
            ),
        };
        Some(Diagnostic::error(code, wrong).help(help))
    }
}
