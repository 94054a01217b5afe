//! Terms: the values of the language. Sixteen bytes each; small integers, floats and atoms need no allocation, everything
//! else is shared by reference count and never changed in place while shared.

use std::mem;

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use triomphe::{Arc, ThinArc};

use crate::value::atom::Atom;
use crate::value::map::Map;
use crate::value::reference::Name;
use crate::value::reference::Reference;

/// How deep tuples, lists, maps and functions may be nested in one another. A list's length does not count.
///
/// Comparing, hashing, printing and freeing a term recurse; the limit is what keeps them off the end of the stack. Whoever
/// builds a term from outside input or in a loop (the machine, the decoder) checks [`Term::depth`] against it.
pub const DEPTH_MAX: u32 = 500;

/// How many terms one term may be made of; see [`Term::parts`].
///
/// `X2 = {X1, X1}, X3 = {X2, X2}, ..` takes three words each and doubles what comparing, hashing, printing or sending it walks
/// through. With the limit, each of these takes a second or so at most. Whoever may build such a term checks [`Term::fits`].
pub const PARTS_MAX: u32 = 1 << 26;

/// A value.
#[derive(Clone)]
pub enum Term {
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not fit 64 bits; see [`Term::big`].
    Big(Arc<BigInt>),
    /// A finite float.
    Float(Float),
    /// An atom.
    Atom(Atom),
    /// A reference to a replicated or dynamic variable.
    Ref(Arc<Reference>),
    /// A function.
    Fun(Arc<Closure>),
    /// A tuple.
    Tuple(Tuple),
    /// A map.
    Map(Arc<Map>),
    /// The empty list.
    Nil,
    /// A list of at least one element.
    Cons(Arc<Cons>),
    /// A text.
    Str(Arc<Box<str>>),
}

/// A finite float that is never negative zero, so that equal floats have equal bits.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Float(f64);

impl Float {
    /// `None` for infinities and what is not a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Float> {
        value.is_finite().then_some(Float(value + 0.0))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

/// How large a term is; kept in each that is made of others, so that to ask costs nothing.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) depth: u32,
    pub(super) parts: u32,
}

impl Shape {
    /// Of what is made of these.
    fn around<'a>(items: impl IntoIterator<Item = &'a Term>) -> Shape {
        let (mut depth, mut parts) = (0, 1u32);
        for shape in items.into_iter().map(Term::shape) {
            depth = shape.depth.max(depth);
            parts = parts.saturating_add(shape.parts);
        }
        Shape { depth: depth + 1, parts }
    }
}

/// A fixed sequence of terms.
#[derive(Clone)]
pub struct Tuple(ThinArc<Shape, Term>);

impl Tuple {
    /// The elements.
    #[must_use]
    pub fn items(&self) -> &[Term] {
        &self.0.slice
    }
}

/// A list's first element and the rest.
pub struct Cons {
    head: Term,
    tail: Term,
    shape: Shape,
}

impl Cons {
    /// The first element.
    #[must_use]
    pub fn head(&self) -> &Term {
        &self.head
    }

    /// The rest: [`Term::Cons`], [`Term::Nil`], or anything in an improper list.
    #[must_use]
    pub fn tail(&self) -> &Term {
        &self.tail
    }
}

impl Drop for Cons {
    /// Frees a long list in a loop; the derived way would recurse once for each element.
    fn drop(&mut self) {
        let mut tail = mem::replace(&mut self.tail, Term::Nil);
        while let Term::Cons(cell) = tail {
            match Arc::try_unwrap(cell) {
                Ok(mut cell) => tail = mem::replace(&mut cell.tail, Term::Nil),
                Err(_shared) => break,
            }
        }
    }
}

/// A function value: which code, and what it captured.
pub struct Closure {
    /// Where the machine that made it keeps the code; [`Closure::UNRESOLVED`] in one that came from elsewhere.
    pub code: u32,
    /// How many arguments it takes.
    pub arity: u8,
    /// What the code is, apart from local names and places: equal code has an equal digest on every node.
    pub digest: u128,
    /// The captured values, in the code's order.
    pub captured: Box<[Term]>,
}

impl Closure {
    /// The `code` of a function that was decoded; the machine looks such a function up by its digest.
    pub const UNRESOLVED: u32 = u32::MAX;
}

impl Term {
    /// An integer of any size, in its one canonical form.
    #[must_use]
    pub fn big(value: BigInt) -> Term {
        match value.to_i64() {
            Some(small) => Term::Int(small),
            None => Term::Big(Arc::new(value)),
        }
    }

    /// A float; `None` when it is not finite.
    #[must_use]
    pub fn float(value: f64) -> Option<Term> {
        Float::new(value).map(Term::Float)
    }

    /// An atom that the implementation itself names.
    #[must_use]
    pub fn atom(text: &'static str) -> Term {
        Term::Atom(Atom::known(text))
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(value: bool) -> Term {
        Term::atom(if value { "true" } else { "false" })
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<Box<str>>) -> Term {
        Term::Str(Arc::new(text.into()))
    }

    /// A tuple.
    #[must_use]
    pub fn tuple(items: impl IntoIterator<Item = Term>) -> Term {
        let items: Vec<Term> = items.into_iter().collect();
        let shape = Shape::around(&items);
        Term::Tuple(Tuple(ThinArc::from_header_and_iter(shape, items.into_iter())))
    }

    /// A tuple of copies; allocates once.
    #[must_use]
    pub fn tuple_of(items: &[Term]) -> Term {
        Term::Tuple(Tuple(ThinArc::from_header_and_iter(Shape::around(items), items.iter().cloned())))
    }

    /// A tuple of two; allocates once.
    #[must_use]
    pub fn pair(first: Term, second: Term) -> Term {
        let shape = Shape::around([&first, &second]);
        Term::Tuple(Tuple(ThinArc::from_header_and_iter(shape, [first, second].into_iter())))
    }

    /// A list cell.
    #[must_use]
    pub fn cons(head: Term, tail: Term) -> Term {
        let (first, rest) = (head.shape(), tail.shape());
        let parts = first.parts.saturating_add(rest.parts).saturating_add(1);
        let shape = Shape { depth: (first.depth + 1).max(rest.depth), parts };
        Term::Cons(Arc::new(Cons { head, tail, shape }))
    }

    /// A proper list.
    #[must_use]
    pub fn list<I>(items: I) -> Term
    where
        I: IntoIterator<Item = Term>,
        I::IntoIter: DoubleEndedIterator,
    {
        items.into_iter().rev().fold(Term::Nil, |tail, head| Term::cons(head, tail))
    }

    /// A map.
    #[must_use]
    pub fn map(map: Map) -> Term {
        Term::Map(Arc::new(map))
    }

    /// How deep compound terms are nested in this one: 0 for a number, 1 for `{1}`.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.shape().depth
    }

    /// How many terms it is made of, itself included: 1 for a number, 3 for `{1, 2}`, and one for each cell of a list. What
    /// stands in it twice counts twice, even where it is kept once. A string counts one for each 16 bytes, a long integer
    /// one for each 64 bits.
    #[must_use]
    pub fn parts(&self) -> u32 {
        self.shape().parts
    }

    /// Whether it keeps to [`DEPTH_MAX`] and [`PARTS_MAX`].
    #[must_use]
    pub fn fits(&self) -> bool {
        let shape = self.shape();
        shape.depth <= DEPTH_MAX && shape.parts <= PARTS_MAX
    }

    #[inline]
    fn shape(&self) -> Shape {
        match self {
            Term::Tuple(tuple) => tuple.0.header.header,
            Term::Cons(cell) => cell.shape,
            Term::Map(map) => map.shape(),
            Term::Fun(closure) => Shape::around(&closure.captured),
            Term::Ref(reference) => match &reference.name {
                Name::Given(name) => Shape::around([name]),
                Name::Fresh(..) => Shape { depth: 1, parts: 1 },
            },
            Term::Str(text) => Shape { depth: 0, parts: count(text.len() / 16) },
            Term::Big(number) => Shape { depth: 0, parts: count(number.bits() / 64) },
            Term::Int(_) | Term::Float(_) | Term::Atom(_) | Term::Nil => Shape { depth: 0, parts: 1 },
        }
    }

    /// The elements of a proper list; `None` for anything else.
    #[must_use]
    pub fn to_vec(&self) -> Option<Vec<Term>> {
        let mut items = Vec::new();
        let mut rest = self;
        loop {
            match rest {
                Term::Nil => return Some(items),
                Term::Cons(cell) => {
                    items.push(cell.head.clone());
                    rest = &cell.tail;
                }
                _ => return None,
            }
        }
    }

    /// The elements of a tuple.
    #[must_use]
    pub fn as_tuple(&self) -> Option<&[Term]> {
        match self {
            Term::Tuple(tuple) => Some(tuple.items()),
            _ => None,
        }
    }

    /// The text of an atom.
    #[must_use]
    pub fn as_atom(&self) -> Option<&'static str> {
        match self {
            Term::Atom(atom) => Some(atom.text()),
            _ => None,
        }
    }

    /// `true` and `false` as such.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }
    }

    /// The number of an integer that fits.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Term::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Term::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is an integer or a float.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Term::Int(_) | Term::Big(_) | Term::Float(_))
    }
}

fn count(more: impl TryInto<u32>) -> u32 {
    more.try_into().unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parts_count_each_time_that_they_stand_there() {
        let doubled = |term: Term| Term::pair(term.clone(), term);
        let mut term = Term::Int(0);
        for round in 1..=40 {
            term = doubled(term);
            assert_eq!(term.parts(), if round < 31 { (2 << round) - 1 } else { u32::MAX });
        }
        assert!(!term.fits());
        assert_eq!(Term::list([Term::Int(1), Term::Nil]).parts(), 5);
        let once: Map = [(Term::Int(1), Term::Int(2))].into_iter().collect();
        assert_eq!(Term::map(once).parts(), 3);
    }

    #[test]
    fn a_map_loses_the_parts_of_what_leaves_it() {
        let long = Term::list((0..100).map(Term::Int));
        let mut map = Map::new();
        for key in 0..60 {
            map.insert(Term::Int(key), long.clone());
            map.insert(Term::Int(key), Term::Nil);
        }
        assert_eq!(Term::map(map.clone()).parts(), 1 + 2 * 60);
        for key in 0..59 {
            map.remove(&Term::Int(key));
        }
        assert_eq!(Term::map(map).parts(), 3);
    }
}
