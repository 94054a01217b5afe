//! What a variable's state is made of: contents, each the smallest thing that can be written or contributed.
//!
//! A live entry of the causal store holds one content under a dot; a derivation contributes contents without dots. The
//! value of a variable is the join of them all (for counters, the sum).

use crate::lattice::sum::Sum;
use crate::lattice::sum::Total;
use crate::value::kind::Type;
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

/// A counter's increments and decrements, neither ever negative.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// The sum of the increments.
    pub up: Sum,
    /// The sum of the decrements.
    pub down: Sum,
}

impl Content {
    /// Whether a variable of this type can hold it. What a peer sends is asked this before it goes any further.
    #[must_use]
    pub fn fits(&self, kind: &Type) -> bool {
        match (kind, self) {
            (Type::Set | Type::GSet, Content::Element(_))
            | (Type::Ivar, Content::Value(_))
            | (Type::Boolean, Content::True)
            | (Type::TopK(_), Content::Score(_)) => true,
            (Type::Counter, Content::Tally(tally)) => !tally.up.is_negative() && !tally.down.is_negative(),
            (Type::GCounter, Content::Tally(tally)) => !tally.up.is_negative() && tally.down.is_empty(),
            (Type::MaxInt, Content::Number(number)) => matches!(number, Term::Int(_) | Term::Big(_)),
            (Type::LwwRegister, Content::Stamped(stamped)) => matches!(stamped.0, Term::Int(_) | Term::Big(_)),
            _ => false,
        }
    }
}

impl Tally {
    /// Adds another's increments and decrements.
    pub fn add(&mut self, other: &Tally) {
        self.up.add(&other.up);
        self.down.add(&other.down);
    }

    /// Takes back what was added before.
    pub fn withdraw(&mut self, other: &Tally) {
        self.up.withdraw(&other.up);
        self.down.withdraw(&other.down);
    }

    /// Whether nothing was ever counted: no number but the integer 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }

    /// The counter's value: an integer, or a float as soon as one was counted.
    #[must_use]
    pub fn value(&self) -> Term {
        if let (Some(up), Some(down)) = (self.up.read_small(), self.down.read_small())
            && let Some(value) = up.checked_sub(down)
        {
            return Term::Int(value);
        }
        let mut sum = self.up.clone();
        sum.add(&self.down.negated());
        match sum.read() {
            Total::Whole(value) => Term::big(value),
            // A sum reads as a finite float.
            Total::Float(value) => Term::float(value).unwrap_or(Term::Int(0)),
        }
    }
}
