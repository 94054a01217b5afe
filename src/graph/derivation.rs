//! Derivations: standing contributions of sources to a destination.

use crate::graph::variables::VariableId;
use crate::value::term::Term;

/// What a derivation does with its sources. The terms are functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `F(X)` for each X.
    Map(Term),
    /// Each X where `F(X)` is true.
    Filter(Term),
    /// What is in either of two sources.
    Union,
    /// What is in both of two sources.
    Intersection,
    /// What is in the first of two sources and not in the second.
    Difference,
    /// All pairs of two sources.
    Product,
    /// The pairs `{X, Y}` of two sources with `KeyL(X) =:= KeyR(Y)`.
    Join(Term, Term),
    /// The operations that `F(X)`, or `F(X, Bottom)`, returns for each X.
    Fold(Term),
    /// The operations that the second function returns for each X, each under the key that the first one returns.
    GroupBy(Term, Term),
    /// The same as a fold over each node's own source; what this node contributes travels.
    FoldDynamic(Term),
    /// The source's value.
    Bind,
}

impl Operator {
    /// The verb that makes it.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        Operator::verb_of(self.tag()).unwrap_or("derivation")
    }

    /// The operator's number, in which peers tell it: appended to, never renumbered, since identities are made with it.
    #[must_use]
    pub fn tag(&self) -> u8 {
        match self {
            Operator::Map(_) => 1,
            Operator::Filter(_) => 2,
            Operator::Union => 3,
            Operator::Intersection => 4,
            Operator::Product => 5,
            Operator::Fold(_) => 6,
            Operator::FoldDynamic(_) => 7,
            Operator::Bind => 8,
            Operator::Difference => 9,
            Operator::Join(..) => 10,
            Operator::GroupBy(..) => 11,
        }
    }

    /// The verb of an operator's number; `None` where there is no such operator.
    #[must_use]
    pub fn verb_of(tag: u8) -> Option<&'static str> {
        const VERBS: [&str; 11] = [
            "map",
            "filter",
            "union",
            "intersection",
            "product",
            "fold",
            "fold_dynamic",
            "bind_to",
            "difference",
            "join",
            "group_by",
        ];
        VERBS.get(usize::from(tag.checked_sub(1)?)).copied()
    }

    /// How many sources it has.
    #[must_use]
    pub fn sources(&self) -> usize {
        match self {
            Operator::Union
            | Operator::Intersection
            | Operator::Difference
            | Operator::Product
            | Operator::Join(..) => 2,
            _ => 1,
        }
    }

    /// The functions, in the order of the verb's arguments.
    #[must_use]
    pub fn functions(&self) -> Vec<&Term> {
        match self {
            Operator::Map(f) | Operator::Filter(f) | Operator::Fold(f) | Operator::FoldDynamic(f) => vec![f],
            Operator::Join(f, g) | Operator::GroupBy(f, g) => vec![f, g],
            Operator::Union | Operator::Intersection | Operator::Difference | Operator::Product | Operator::Bind => {
                Vec::new()
            }
        }
    }
}

/// A request for a derivation.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// What is done.
    pub operator: Operator,
    /// To what; as many as the operator takes. One variable may stand on both sides.
    pub sources: Vec<VariableId>,
    /// Into what.
    pub destination: VariableId,
    /// The hash of the content: operator, sources, destination, the functions' code and what they captured. Equal on all
    /// nodes.
    pub identity: u128,
}

/// A derivation's place in its [`Graph`](crate::graph::Graph), by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DerivationId(pub u32);

/// Which of a derivation's sources a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first, or the only one.
    Left,
    /// The second.
    Right,
    /// Both at once.
    Both,
}
