//! Equality and order of terms.
//!
//! `=:=` is [`PartialEq`]: an integer never equals a float. `==`, `<` and the rest compare numbers by their value
//! ([`compare`]). [`Ord`] is the order of sets, map keys and output: [`compare`], and between terms that differ only in
//! integer against float, the integer first. Numbers < atoms < references < functions < tuples < maps < lists < strings.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed};
use triomphe::Arc;

use crate::value::map::Map;
use crate::value::term::{Closure, Float, Term};

/// Compares as the language's `<` and `==` do: an integer and a float of the same value are equal.
#[must_use]
pub fn compare(left: &Term, right: &Term) -> Ordering {
    walk(left, right, Numbers::ByValue)
}

/// The one term that stands for all that are equal by value, `==`: whole floats become integers, however deep. Keys of maps
/// and what functions captured stay as they are, so two terms may have one representative and yet differ.
#[must_use]
pub fn by_value(term: &Term) -> Term {
    match term {
        Term::Float(float) if float.get().fract() == 0.0 => {
            BigInt::from_f64(float.get()).map_or_else(|| term.clone(), Term::big)
        }
        Term::Tuple(tuple) => Term::tuple(tuple.items().iter().map(by_value)),
        Term::Map(map) => Term::map(map.iter().map(|(key, value)| (key.clone(), by_value(value))).collect()),
        Term::Cons(_) => {
            let (mut heads, mut rest) = (Vec::new(), term);
            while let Term::Cons(cell) = rest {
                heads.push(by_value(cell.head()));
                rest = cell.tail();
            }
            heads.into_iter().rev().fold(by_value(rest), |tail, head| Term::cons(head, tail))
        }
        _ => term.clone(),
    }
}

/// What to say of an integer and a float with the same value.
#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    /// They are equal.
    ByValue,
    /// The integer comes first. Only asked of terms that are equal by value.
    IntegerFirst,
}

/// Whether the two are one and the same in memory, and so equal, whatever is in them.
#[inline]
fn one(left: &Term, right: &Term) -> bool {
    match (left, right) {
        (Term::Cons(a), Term::Cons(b)) => Arc::ptr_eq(a, b),
        (Term::Tuple(a), Term::Tuple(b)) => std::ptr::eq(a.items(), b.items()),
        (Term::Map(a), Term::Map(b)) => Arc::ptr_eq(a, b),
        (Term::Str(a), Term::Str(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

fn walk(left: &Term, right: &Term, numbers: Numbers) -> Ordering {
    match (left, right) {
        (Term::Int(a), Term::Int(b)) => a.cmp(b),
        (Term::Atom(a), Term::Atom(b)) => a.cmp(b),
        _ if one(left, right) => Ordering::Equal,
        (Term::Str(a), Term::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Term::Tuple(a), Term::Tuple(b)) => {
            let (a, b) = (a.items(), b.items());
            a.len().cmp(&b.len()).then_with(|| items(a, b, numbers))
        }
        (Term::Ref(a), Term::Ref(b)) => a.cmp(b),
        (Term::Fun(a), Term::Fun(b)) => functions(a, b, numbers),
        (Term::Map(a), Term::Map(b)) => maps(a, b, numbers),
        (Term::Nil | Term::Cons(_), Term::Nil | Term::Cons(_)) => lists(left, right, numbers),
        _ if left.is_number() && right.is_number() => number(left, right, numbers),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(term: &Term) -> u8 {
    match term {
        Term::Int(_) | Term::Big(_) | Term::Float(_) => 0,
        Term::Atom(_) => 1,
        Term::Ref(_) => 2,
        Term::Fun(_) => 3,
        Term::Tuple(_) => 4,
        Term::Map(_) => 5,
        Term::Nil | Term::Cons(_) => 6,
        Term::Str(_) => 7,
    }
}

fn items(left: &[Term], right: &[Term], numbers: Numbers) -> Ordering {
    left.iter().zip(right).map(|(a, b)| walk(a, b, numbers)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

fn functions(left: &Closure, right: &Closure, numbers: Numbers) -> Ordering {
    (left.arity, left.digest, left.captured.len())
        .cmp(&(right.arity, right.digest, right.captured.len()))
        .then_with(|| items(&left.captured, &right.captured, numbers))
}

/// By size, then by keys, then by values, as in Erlang; keys always tell integers from floats.
fn maps(left: &Map, right: &Map, numbers: Numbers) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.keys().cmp(right.keys())).then_with(|| {
        left.iter()
            .zip(right.iter())
            .map(|((_, a), (_, b))| walk(a, b, numbers))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

fn lists(mut left: &Term, mut right: &Term, numbers: Numbers) -> Ordering {
    loop {
        match (left, right) {
            // Lists that have grown from one end in it.
            (Term::Cons(a), Term::Cons(b)) if Arc::ptr_eq(a, b) => return Ordering::Equal,
            (Term::Cons(a), Term::Cons(b)) => {
                let heads = walk(a.head(), b.head(), numbers);
                if heads.is_ne() {
                    return heads;
                }
                (left, right) = (a.tail(), b.tail());
            }
            (Term::Nil, Term::Nil) => return Ordering::Equal,
            (Term::Nil, Term::Cons(_)) => return Ordering::Less,
            (Term::Cons(_), Term::Nil) => return Ordering::Greater,
            // The tails of improper lists.
            _ => return walk(left, right, numbers),
        }
    }
}

fn number(left: &Term, right: &Term, numbers: Numbers) -> Ordering {
    match (left, right) {
        (Term::Float(a), Term::Float(b)) => a.get().total_cmp(&b.get()),
        (Term::Float(a), whole) => mixed(whole, *a).reverse().then(tie(numbers).reverse()),
        (whole, Term::Float(b)) => mixed(whole, *b).then(tie(numbers)),
        (Term::Big(a), Term::Big(b)) => a.cmp(b),
        // A big integer lies outside the range of the small ones.
        (Term::Big(a), _) => {
            if a.is_negative() {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (_, Term::Big(b)) => {
            if b.is_negative() {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (Term::Int(a), Term::Int(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

fn tie(numbers: Numbers) -> Ordering {
    if numbers == Numbers::IntegerFirst { Ordering::Less } else { Ordering::Equal }
}

/// Compares exactly: no integer is rounded to a float, which would make the order intransitive.
#[expect(clippy::cast_possible_truncation, reason = "a float below 9e15 without fraction is that integer")]
fn mixed(whole: &Term, float: Float) -> Ordering {
    let floor = float.get().floor();
    let fraction = if floor < float.get() { Ordering::Less } else { Ordering::Equal };
    let by_floor = match whole {
        Term::Int(a) if floor.abs() < 9e15 => i128::from(*a).cmp(&(floor as i128)),
        Term::Int(a) => BigInt::from(*a).cmp(&BigInt::from_f64(floor).unwrap_or_default()),
        Term::Big(a) => a.as_ref().cmp(&BigInt::from_f64(floor).unwrap_or_default()),
        _ => Ordering::Equal,
    };
    by_floor.then(fraction)
}

impl Ord for Term {
    fn cmp(&self, other: &Term) -> Ordering {
        walk(self, other, Numbers::ByValue).then_with(|| walk(self, other, Numbers::IntegerFirst))
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Term) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Term) -> bool {
        match (self, other) {
            (Term::Int(a), Term::Int(b)) => a == b,
            (Term::Atom(a), Term::Atom(b)) => a == b,
            (Term::Float(a), Term::Float(b)) => a == b,
            (Term::Big(a), Term::Big(b)) => a == b,
            _ if one(self, other) => true,
            (Term::Str(a), Term::Str(b)) => a == b,
            (Term::Tuple(a), Term::Tuple(b)) => a.items() == b.items(),
            (Term::Nil, Term::Nil) => true,
            (Term::Cons(_), Term::Cons(_)) => equal_lists(self, other),
            (Term::Map(a), Term::Map(b)) => a == b,
            (Term::Ref(a), Term::Ref(b)) => a == b,
            (Term::Fun(a), Term::Fun(b)) => a.arity == b.arity && a.digest == b.digest && a.captured == b.captured,
            _ => false,
        }
    }
}

impl Eq for Term {}

fn equal_lists(mut left: &Term, mut right: &Term) -> bool {
    loop {
        match (left, right) {
            (Term::Cons(a), Term::Cons(b)) if Arc::ptr_eq(a, b) => return true,
            (Term::Cons(a), Term::Cons(b)) => {
                if a.head() != b.head() {
                    return false;
                }
                (left, right) = (a.tail(), b.tail());
            }
            _ => return left == right,
        }
    }
}

impl Hash for Term {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            // The commonest keys come without a tag: a collision with another kind of term costs one comparison.
            Term::Int(value) => state.write_u64(value.cast_unsigned()),
            Term::Atom(atom) => atom.hash(state),
            Term::Big(value) => value.hash(state),
            Term::Float(value) => state.write_u64(value.get().to_bits()),
            Term::Str(text) => text.hash(state),
            Term::Ref(reference) => reference.hash(state),
            Term::Fun(closure) => {
                state.write_u128(closure.digest);
                closure.captured.hash(state);
            }
            Term::Tuple(tuple) => {
                state.write_u8(1);
                tuple.items().hash(state);
            }
            Term::Map(map) => map.hash(state),
            Term::Nil => state.write_u8(2),
            Term::Cons(_) => hash_list(self, state),
        }
    }
}

fn hash_list<H: Hasher>(list: &Term, state: &mut H) {
    let mut rest = list;
    while let Term::Cons(cell) = rest {
        state.write_u8(3);
        cell.head().hash(state);
        rest = cell.tail();
    }
    rest.hash(state);
}
