//! Erlang's everyday built-ins on terms of all kinds.

use num_bigint::BigInt;
use num_traits::FromPrimitive;
use num_traits::Signed;

use crate::value::compare;
use crate::value::term::Term;
use crate::vm::LIST_LENGTH_MAX;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::NO_LIST;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::int;
use crate::vm::native::length;
use crate::vm::native::list;
use crate::vm::native::size;
use crate::vm::number;
use crate::vm::truth;

pub(super) const NATIVES: Table = &[
    ("abs", 1, abs),
    ("ceil", 1, |a| whole(&a[0], f64::ceil)),
    ("floor", 1, |a| whole(&a[0], f64::floor)),
    ("round", 1, |a| whole(&a[0], f64::round)),
    ("trunc", 1, |a| whole(&a[0], f64::trunc)),
    ("float", 1, |a| {
        let value = number::to_float(&a[0]).and_then(Term::float);
        value.ok_or(Refusal::Why("a number within the range of floats is needed"))
    }),
    ("element", 2, |a| tuple(&a[1]).and_then(|items| Ok(items[place(&a[0], items)?].clone()))),
    ("hd", 1, |a| match &a[0] {
        Term::Cons(cell) => Ok(cell.head().clone()),
        other => Err(not_empty(other)),
    }),
    ("tl", 1, |a| match &a[0] {
        Term::Cons(cell) => Ok(cell.tail().clone()),
        other => Err(not_empty(other)),
    }),
    ("length", 1, list_length),
    ("size", 1, |a| match &a[0] {
        Term::Tuple(tuple) => Ok(length(tuple.items().len())),
        Term::Str(text) => Ok(length(text.len())),
        _ => Err(Refusal::Why("a tuple or a string is needed")),
    }),
    ("tuple_size", 1, |a| Ok(length(tuple(&a[0])?.len()))),
    ("map_size", 1, |a| match &a[0] {
        Term::Map(map) => Ok(length(map.len())),
        other => Err(Fault::NotMap(other.clone()).into()),
    }),
    ("byte_size", 1, |a| a[0].as_text().map(|text| length(text.len())).ok_or(Refusal::Why("a string is needed"))),
    ("map_get", 2, |a| match &a[1] {
        Term::Map(map) => {
            map.get(&a[0]).cloned().ok_or_else(|| Fault::NoKey { key: a[0].clone(), map: a[1].clone() }.into())
        }
        other => Err(Fault::NotMap(other.clone()).into()),
    }),
    ("is_map_key", 2, |a| match &a[1] {
        Term::Map(map) => Ok(boolean(map.get(&a[0]).is_some())),
        other => Err(Fault::NotMap(other.clone()).into()),
    }),
    ("max", 2, |a| Ok(if compare(&a[1], &a[0]).is_gt() { a[1].clone() } else { a[0].clone() })),
    ("min", 2, |a| Ok(if compare(&a[1], &a[0]).is_lt() { a[1].clone() } else { a[0].clone() })),
    ("is_atom", 1, |a| is(matches!(a[0], Term::Atom(_)))),
    ("is_binary", 1, |a| is(matches!(a[0], Term::Str(_)))),
    ("is_bitstring", 1, |a| is(matches!(a[0], Term::Str(_)))),
    ("is_string", 1, |a| is(matches!(a[0], Term::Str(_)))),
    ("is_boolean", 1, |a| is(truth(&a[0]).is_some())),
    ("is_float", 1, |a| is(matches!(a[0], Term::Float(_)))),
    ("is_function", 1, |a| is(matches!(a[0], Term::Fun(_)))),
    ("is_function", 2, |a| match &a[0] {
        Term::Fun(closure) => is(i64::from(closure.arity) == int(&a[1])?),
        _ => is(false),
    }),
    ("is_integer", 1, |a| is(matches!(a[0], Term::Int(_) | Term::Big(_)))),
    ("is_list", 1, |a| is(matches!(a[0], Term::Nil | Term::Cons(_)))),
    ("is_map", 1, |a| is(matches!(a[0], Term::Map(_)))),
    ("is_number", 1, |a| is(a[0].is_number())),
    ("is_reference", 1, |a| is(matches!(a[0], Term::Ref(_)))),
    ("is_tuple", 1, |a| is(matches!(a[0], Term::Tuple(_)))),
    ("setelement", 3, |a| {
        let mut items = tuple(&a[1])?.to_vec();
        let place = place(&a[0], &items)?;
        items[place] = a[2].clone();
        Ok(Term::tuple(items))
    }),
    ("insert_element", 3, |a| {
        let mut items = tuple(&a[1])?.to_vec();
        // The place behind the last one will do.
        let place = size(&a[0])?.checked_sub(1).filter(|place| *place <= items.len()).ok_or(OUTSIDE)?;
        items.insert(place, a[2].clone());
        Ok(Term::tuple(items))
    }),
    ("delete_element", 2, |a| {
        let mut items = tuple(&a[1])?.to_vec();
        items.remove(place(&a[0], &items)?);
        Ok(Term::tuple(items))
    }),
    ("make_tuple", 2, |a| {
        let count = Some(size(&a[0])?).filter(|count| *count <= LIST_LENGTH_MAX);
        Ok(Term::tuple(vec![a[1].clone(); count.ok_or(Fault::TooLarge("the tuple"))?]))
    }),
    ("append_element", 2, |a| Ok(Term::tuple(tuple(&a[0])?.iter().chain([&a[1]]).cloned()))),
    ("tuple_to_list", 1, |a| Ok(Term::list(tuple(&a[0])?.iter().cloned()))),
    ("list_to_tuple", 1, |a| Ok(Term::tuple(list(&a[0])?))),
    ("error", 1, |a| Err(Fault::Raised(a[0].clone()).into())),
];

/// What goes through a whole list or tuple, makes one, or compares two.
pub(super) const WALKS: &[&str] = &[
    "length",
    "tuple_to_list",
    "list_to_tuple",
    "make_tuple",
    "setelement",
    "insert_element",
    "delete_element",
    "append_element",
    "max",
    "min",
];

fn not_empty(term: &Term) -> Refusal {
    match term {
        Term::Nil => Refusal::Why("a list of at least one element is needed"),
        _ => NO_LIST,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a built-in")]
fn is(value: bool) -> Answer {
    Ok(boolean(value))
}

fn tuple(term: &Term) -> Result<&[Term], Refusal> {
    term.as_tuple().ok_or(Refusal::Why("a tuple is needed"))
}

/// A place from 1, as an index.
fn place(term: &Term, items: &[Term]) -> Result<usize, Refusal> {
    let place = usize::try_from(int(term)?).unwrap_or(0);
    if (1..=items.len()).contains(&place) { Ok(place - 1) } else { Err(OUTSIDE) }
}

const OUTSIDE: Refusal = Refusal::Why("the place lies outside the tuple, which begins at 1");

fn abs(arguments: &[Term]) -> Answer {
    match &arguments[0] {
        Term::Int(value) => Ok(value.checked_abs().map_or_else(|| Term::big(BigInt::from(*value).abs()), Term::Int)),
        Term::Big(value) => Ok(Term::big(value.abs())),
        Term::Float(value) => Ok(Term::float(value.get().abs()).unwrap_or(Term::Int(0))),
        _ => Err(Refusal::Why("a number is needed")),
    }
}

fn whole(number: &Term, round: fn(f64) -> f64) -> Answer {
    match number {
        Term::Int(_) | Term::Big(_) => Ok(number.clone()),
        Term::Float(value) => {
            BigInt::from_f64(round(value.get())).map(Term::big).ok_or(Refusal::Why("a number is needed"))
        }
        _ => Err(Refusal::Why("a number is needed")),
    }
}

fn list_length(arguments: &[Term]) -> Answer {
    let (mut count, mut rest) = (0, &arguments[0]);
    while let Term::Cons(cell) = rest {
        count += 1;
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { Ok(length(count)) } else { Err(NO_LIST) }
}
