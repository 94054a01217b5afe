//! What changes, going into a variable and coming out of it.

use rustc_hash::FxHashSet;

use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::source::diagnostic::Diagnostic;
use crate::value::content::Content;
use crate::value::term::Term;

/// An entry of the causal store became live, or is live no more.
#[derive(Clone, Debug)]
pub struct BaseChange {
    /// Whose entry it is.
    pub variable: VariableId,
    /// The entry's dot.
    pub dot: Dot,
    /// What it holds. The same when it goes as when it came.
    pub content: Content,
    /// Whether a node's `fold_dynamic` wrote it; such an entry counts, but updates do not see it.
    pub slot: bool,
    /// Whether it is live now.
    pub present: bool,
}

/// What a local update does: so many writes, each under a dot of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// In order. None when the update changes nothing.
    pub writes: Vec<Write>,
}

/// One event of the causal store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What it adds.
    pub content: Option<Content>,
    /// The live entries that it supersedes.
    pub removes: Vec<Dot>,
}

/// An update that a variable refuses as it stands now. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A single assignment that would be a second one.
    AlreadyAssigned {
        /// The value that there is.
        value: Term,
        /// The value that was to be assigned.
        asked: Term,
    },
    /// A counter that would grow beyond what can be sent.
    TooLarge,
}

impl Refusal {
    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Refusal::AlreadyAssigned { value, asked } => {
                let (value, asked) = (crate::value::operation::Brief(value), crate::value::operation::Brief(asked));
                Diagnostic::error("E0309", format!("an ivar holds `{value}` already, and cannot become `{asked}`"))
                    .help("an ivar is assigned once; use an `lwwregister` for a value that is replaced")
            }
            Refusal::TooLarge => Diagnostic::error("E0315", "the counter would become too large to be sent")
                .help("an integer has at most four million bits"),
        }
    }
}

/// One thing that speaks for a content: a live entry of the variable's own, or (without a dot) a contribution or a slot.
#[derive(Clone, Debug)]
pub(super) struct Support {
    pub(super) dot: Option<Dot>,
    pub(super) content: Content,
}

/// Support that came and went since a variable was last looked at. What came is taken in first, so that nothing is ever
/// withdrawn before it is there.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) came: Vec<Support>,
    pub(super) went: Vec<Support>,
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.came.is_empty() && self.went.is_empty()
    }

    pub(super) fn contribute(&mut self, content: Content) {
        self.came.push(Support { dot: None, content });
    }

    pub(super) fn withdraw(&mut self, content: Content) {
        self.went.push(Support { dot: None, content });
    }
}

/// What changes came to, seen by derivations: elements that entered and left, none in both.
#[derive(Debug, Default)]
pub(super) struct Delta {
    pub(super) entered: Vec<Term>,
    pub(super) left: Vec<Term>,
    /// Whether anything changed, if only what lies behind the value.
    pub(super) touched: bool,
}

impl Delta {
    /// Of elements that entered before others left: what did both did neither.
    pub(super) fn net(entered: Vec<Term>, left: Vec<Term>, touched: bool) -> Delta {
        let mut delta = Delta { entered, left, touched };
        if delta.entered.is_empty() || delta.left.is_empty() {
            return delta;
        }
        let entered: FxHashSet<&Term> = delta.entered.iter().collect();
        let both: FxHashSet<Term> = delta.left.iter().filter(|term| entered.contains(term)).cloned().collect();
        if !both.is_empty() {
            delta.entered.retain(|term| !both.contains(term));
            delta.left.retain(|term| !both.contains(term));
        }
        delta
    }

    /// Of a variable that is one element: its value before and after.
    pub(super) fn of_value(before: Option<Term>, after: Option<Term>) -> Delta {
        if before == after {
            return Delta { touched: true, ..Delta::default() };
        }
        Delta { entered: after.into_iter().collect(), left: before.into_iter().collect(), touched: true }
    }

    /// Whether the value changed.
    pub(super) fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.left.is_empty()
    }
}
