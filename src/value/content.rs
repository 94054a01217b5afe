//! What a variable's state is made of: contents, each the smallest thing that can be written or contributed.
//!
//! A live entry of the causal store holds one content under a dot; a derivation contributes contents without dots. The
//! value of a variable is the join of them all (for counters, the sum).

use crate::lattice::sum::Sum;
use crate::value::term::Term;

/// One join-irreducible part of a variable's state. Which variants a variable can hold follows from its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Content {
    /// `set`, `gset`: an element.
    Element(Term),
    /// Counters: how much one replica has added and taken away in all, or one contribution's share.
    Tally(Box<Tally>),
    /// `max_int`: a candidate.
    Number(Term),
    /// `ivar`: the assigned value.
    Value(Term),
    /// `lwwregister`: a timestamp (an integer) and the value written then.
    Stamped(Box<(Term, Term)>),
    /// `top_k`: a name and a score of it.
    Score(Box<(Term, Term)>),
    /// `boolean`: it is true.
    True,
}

/// A counter's increments and decrements.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// The sum of the increments.
    pub up: Sum,
    /// The sum of the decrements.
    pub down: Sum,
}
