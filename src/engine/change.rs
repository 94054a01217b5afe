//! What changes, going into a variable and coming out of it.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::graph::VariableId;
use crate::lattice::dot::Dot;
use crate::source::diagnostic::Diagnostic;
use crate::value::content::Content;
use crate::value::content::Tally;
use crate::value::operation::Brief;
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

/// The most entries that one removal event takes with it; more are split over several.
pub(super) const REMOVES_MAX: usize = 1024;

impl Effect {
    /// One write, of what follows from it.
    pub(super) fn one(content: Option<Content>, removes: Vec<Dot>) -> Effect {
        Effect { writes: vec![Write::new(content, removes)] }
    }

    /// Entries are taken out, and nothing is put in.
    pub(super) fn removal(dots: &[Dot]) -> Effect {
        Effect { writes: dots.chunks(REMOVES_MAX).map(|dots| Write::new(None, dots.to_vec())).collect() }
    }

    /// The same beneath a key, or whatever `wrap` puts around contents.
    pub(super) fn wrapped(mut self, wrap: impl Fn(Content) -> Content) -> Effect {
        for write in &mut self.writes {
            write.content = write.content.take().map(&wrap);
        }
        self
    }
}

/// One event of the causal store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Write {
    /// What it adds.
    pub content: Option<Content>,
    /// The live entries that it supersedes.
    pub removes: Vec<Dot>,
    /// Live entries that it does not take away, and that nobody may apply it without: of a bounded counter, whose rights
    /// come from them.
    pub after: Vec<Dot>,
}

impl Write {
    /// A write that needs nothing but what it supersedes.
    #[must_use]
    pub fn new(content: Option<Content>, removes: Vec<Dot>) -> Write {
        Write { content, removes, after: Vec::new() }
    }
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
    /// A bounded counter's owner has fewer rights than the operation uses.
    NotEnoughRights {
        /// The actor; `None` for the node itself.
        actor: Option<Term>,
        /// How many it has.
        available: Term,
        /// How many it would take.
        asked: Term,
        /// Who has some, as far as this node knows: most first.
        others: Vec<(String, Term)>,
    },
    /// Rights cannot be moved to a name that several nodes bear.
    AmbiguousNode {
        /// The name.
        name: Term,
    },
}

impl Refusal {
    /// For a program to match on: `try_update` gives it.
    #[must_use]
    pub fn why(&self) -> &'static str {
        match self {
            Refusal::AlreadyAssigned { .. } => "already_assigned",
            Refusal::TooLarge => "too_large",
            Refusal::NotEnoughRights { .. } => "not_enough_rights",
            Refusal::AmbiguousNode { .. } => "ambiguous_node",
        }
    }

    /// As a message, without a place.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Refusal::AlreadyAssigned { value, asked } => {
                let (value, asked) = (Brief(value), Brief(asked));
                Diagnostic::error("E0309", format!("an ivar holds `{value}` already, and cannot become `{asked}`"))
                    .help("an ivar is assigned once; use an `lwwregister` for a value that is replaced")
            }
            Refusal::TooLarge => Diagnostic::error("E0315", "the counter would become too large to be sent")
                .help("an integer has at most four million bits"),
            Refusal::NotEnoughRights { actor, available, asked, others } => {
                not_enough(actor.as_ref(), available, asked, others)
            }
            Refusal::AmbiguousNode { name } => Diagnostic::error(
                "E0341",
                format!("rights cannot be moved to `{}`: several nodes have that name", Brief(name)),
            )
            .help("give each node a name of its own with `--node`"),
        }
    }
}

/// The most owners that a refusal names.
const OWNERS_MAX: usize = 5;

fn not_enough(actor: Option<&Term>, available: &Term, asked: &Term, others: &[(String, Term)]) -> Diagnostic {
    let who = actor.map_or_else(|| "this node".to_owned(), |actor| format!("`{}`", Brief(actor)));
    let title = format!("{who} has rights for {}, and {} are needed", Brief(available), Brief(asked));
    let message = Diagnostic::error("E0340", title).help(
        "a bounded counter is never below 0: whoever takes away has to have put in as much, or to have been given it",
    );
    if others.is_empty() {
        return message.help("as far as this node knows, nobody else has any: `increment` makes rights");
    }
    let named = others.iter().take(OWNERS_MAX).map(|(owner, rights)| format!("{owner} has {}", Brief(rights)));
    let more =
        if others.len() > OWNERS_MAX { format!(", and {} others", others.len() - OWNERS_MAX) } else { String::new() };
    let named = named.collect::<Vec<_>>().join(", ");
    message.help(format!("{named}{more}: they can give some away with `{{move, N, To}}`"))
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
    /// Of a map the keys, of a window the timestamps, beneath which something changed. Without duplicates.
    pub(super) parts: Vec<Term>,
    /// Whether the value changed; of a map or a pair that nobody derives from, elements do not tell.
    pub(super) changed: bool,
    /// Whether anything changed, if only what lies behind the value.
    pub(super) touched: bool,
}

impl Delta {
    /// Of elements that entered before others left, each at most once: what did both did neither.
    pub(super) fn net(entered: Vec<Term>, left: Vec<Term>, touched: bool) -> Delta {
        let mut delta = Delta { entered, left, touched, ..Delta::default() };
        if !(delta.entered.is_empty() || delta.left.is_empty()) {
            let entered: FxHashSet<&Term> = delta.entered.iter().collect();
            let both: FxHashSet<Term> = delta.left.iter().filter(|term| entered.contains(term)).cloned().collect();
            if !both.is_empty() {
                delta.entered.retain(|term| !both.contains(term));
                delta.left.retain(|term| !both.contains(term));
            }
        }
        delta.changed = !(delta.entered.is_empty() && delta.left.is_empty());
        delta
    }

    /// The same of elements that may have come and gone several times, in turns.
    pub(super) fn net_of_several(entered: Vec<Term>, left: Vec<Term>) -> Delta {
        let touched = !(entered.is_empty() && left.is_empty());
        if entered.is_empty() || left.is_empty() {
            return Delta { entered, left, touched, changed: touched, ..Delta::default() };
        }
        let mut turns: BTreeMap<Term, i64> = BTreeMap::new();
        for (elements, turn) in [(entered, 1), (left, -1)] {
            for element in elements {
                *turns.entry(element).or_insert(0) += turn;
            }
        }
        let mut delta = Delta { touched, ..Delta::default() };
        for (element, turns) in turns {
            match turns {
                0 => {}
                1.. => delta.entered.push(element),
                _ => delta.left.push(element),
            }
        }
        delta.changed = !(delta.entered.is_empty() && delta.left.is_empty());
        delta
    }

    /// Of a variable that is one element: its value before and after.
    pub(super) fn of_value(before: Option<Term>, after: Option<Term>) -> Delta {
        if before == after {
            return Delta { touched: true, ..Delta::default() };
        }
        let (entered, left) = (after.into_iter().collect(), before.into_iter().collect());
        Delta { entered, left, touched: true, changed: true, ..Delta::default() }
    }

    /// Of a counter: what was read before, and all there is after.
    pub(super) fn of_total((before, exact): (Term, Option<Tally>), after: &Tally) -> Delta {
        let mut delta = Delta::of_value(Some(before), Some(after.value()));
        // A threshold may be met by what rounding hides.
        delta.changed |= exact.is_some_and(|before| !before.is_as_much_as(after));
        delta
    }

    /// Whether the value is what it was.
    pub(super) fn is_empty(&self) -> bool {
        !self.changed
    }
}
