//! `lists`: what the language itself would be slow at.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::Signed;
use num_traits::ToPrimitive;
use num_traits::Zero;

use crate::value::compare;
use crate::value::term::Term;
use crate::vm::LIST_LENGTH_MAX;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::NO_LIST;
use crate::vm::native::Refusal;
use crate::vm::native::Searches;
use crate::vm::native::Table;
use crate::vm::native::list;
use crate::vm::native::size;
use crate::vm::number;
use crate::vm::number::Arithmetic;
use crate::vm::step;

pub(super) const NATIVES: Table = &[
    ("sort", 1, |a| {
        let mut items = list(&a[0])?;
        items.sort_by(compare);
        Ok(Term::list(items))
    }),
    ("usort", 1, |a| Ok(unique(list(&a[0])?))),
    ("merge", 1, |a| {
        // Rust's sort is stable, and linear on runs that are sorted already.
        let mut items = joined(&a[0])?;
        items.sort_by(compare);
        Ok(Term::list(items))
    }),
    ("umerge", 1, |a| Ok(unique(joined(&a[0])?))),
    ("umerge", 2, |a| {
        let mut items = list(&a[0])?;
        items.extend(list(&a[1])?);
        Ok(unique(items))
    }),
    ("reverse", 1, |a| reverse(&a[0], Term::Nil)),
    ("reverse", 2, |a| reverse(&a[0], a[1].clone())),
    ("seq", 2, |a| seq(&a[0], &a[1], &Term::Int(1))),
    ("seq", 3, |a| seq(&a[0], &a[1], &a[2])),
    ("last", 1, |a| last(&a[0])),
    ("append", 1, |a| Ok(Term::list(joined(&a[0])?))),
    ("append", 2, |a| Ok(step::append(&a[0], &a[1])?)),
    ("uniq", 1, |a| {
        let items = list(&a[0])?;
        let mut seen = BTreeSet::new();
        let first: Vec<bool> = items.iter().map(|item| seen.insert(item)).collect();
        Ok(Term::list(items.iter().zip(first).filter(|(_, first)| *first).map(|(item, _)| item.clone())))
    }),
    ("subtract", 2, |a| Ok(step::subtract(&a[0], &a[1])?)),
    ("flatten", 1, |a| Ok(Term::list(leaves(&a[0])?))),
    ("flatten", 2, |a| {
        if !matches!(a[1], Term::Nil | Term::Cons(_)) {
            return Err(NO_LIST);
        }
        Ok(onto(leaves(&a[0])?, a[1].clone()))
    }),
    ("flatlength", 1, |a| Ok(super::length(leaves(&a[0])?.len()))),
    ("duplicate", 2, |a| {
        let count = Some(size(&a[0])?).filter(|count| *count <= LIST_LENGTH_MAX);
        let count = count.ok_or(Fault::TooLarge("the list of lists:duplicate"))?;
        Ok(Term::list(vec![a[1].clone(); count]))
    }),
    ("sum", 1, sum),
    ("max", 1, |a| best(&a[0], std::cmp::Ordering::is_gt)),
    ("min", 1, |a| best(&a[0], std::cmp::Ordering::is_lt)),
    ("concat", 1, |a| {
        let mut text = String::new();
        for part in list(&a[0])? {
            text.push_str(&crate::vm::format::plain(&part)?);
            super::bounded(text.len())?;
        }
        Ok(Term::text(text))
    }),
];

/// What searches.
pub(super) const SEARCHES: Searches = &[("nth", 2, nth), ("nthtail", 2, nth_tail), ("member", 2, member)];

/// What costs more than one look at each element.
pub(super) const SORTS: &[&str] = &["sort", "usort", "merge", "umerge", "uniq", "subtract"];

/// The items before a tail.
fn onto(items: Vec<Term>, tail: Term) -> Term {
    items.into_iter().rev().fold(tail, |tail, head| Term::cons(head, tail))
}

/// In term order; of those that compare equal, the first.
fn unique(mut items: Vec<Term>) -> Term {
    items.sort_by(compare);
    items.dedup_by(|later, earlier| compare(later, earlier).is_eq());
    Term::list(items)
}

/// The elements of a list of lists.
fn joined(lists: &Term) -> Result<Vec<Term>, Refusal> {
    let mut items = Vec::new();
    for part in list(lists)? {
        items.extend(part.to_vec().ok_or(Refusal::Why("a list of lists is needed"))?);
        if items.len() > LIST_LENGTH_MAX {
            return Err(Fault::TooLarge("the joined list").into());
        }
    }
    Ok(items)
}

fn reverse(list: &Term, tail: Term) -> Answer {
    let (mut result, mut rest) = (tail, list);
    while let Term::Cons(cell) = rest {
        result = Term::cons(cell.head().clone(), result);
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { Ok(result) } else { Err(NO_LIST) }
}

/// The elements of nested lists. Nesting is bounded, but lists are long: a stack of its own.
fn leaves(nested: &Term) -> Result<Vec<Term>, Refusal> {
    let mut found = Vec::new();
    let mut open = vec![nested];
    while let Some(list) = open.pop() {
        match list {
            Term::Nil => {}
            Term::Cons(cell) => {
                open.push(cell.tail());
                match cell.head() {
                    inner @ (Term::Nil | Term::Cons(_)) => open.push(inner),
                    leaf => found.push(leaf.clone()),
                }
            }
            _ => return Err(NO_LIST),
        }
        if found.len() > LIST_LENGTH_MAX {
            return Err(Fault::TooLarge("the flattened list").into());
        }
    }
    Ok(found)
}

fn seq(from: &Term, to: &Term, step: &Term) -> Answer {
    let whole = |term: &Term| number::whole(term).map(std::borrow::Cow::into_owned);
    let (Some(first), Some(last), Some(by)) = (whole(from), whole(to), whole(step)) else {
        return Err(Refusal::Why("integers are needed"));
    };
    let distance = &last - &first;
    if by.is_zero() {
        // As in Erlang, one element needs no step.
        let one = distance.is_zero().then(|| Term::list([from.clone()]));
        return one.ok_or(Refusal::Why("the step may not be 0"));
    }
    // `seq(1, 0)` is empty; further back is refused, as in Erlang.
    let (ahead, stride) = if by.is_negative() { (-distance, by.abs()) } else { (distance, by.clone()) };
    if ahead < -stride.clone() {
        return Err(Refusal::Why("the step leads away from the end"));
    }
    if ahead.is_negative() {
        return Ok(Term::Nil);
    }
    let rounds = ahead.div_floor(&stride).to_usize().filter(|rounds| *rounds < LIST_LENGTH_MAX);
    let rounds = rounds.ok_or(Fault::TooLarge("the list of lists:seq"))?;
    match (first.to_i64(), last.to_i64(), by.to_i64()) {
        // No overflow: every element lies between `from` and `to`.
        (Some(first), Some(_), Some(by)) => {
            let at = |round: usize| Term::Int(first + by * i64::try_from(round).unwrap_or(0));
            Ok(Term::list((0..=rounds).map(at)))
        }
        _ => Ok(Term::list((0..=rounds).map(|round| Term::big(&first + &by * BigInt::from(round))))),
    }
}

/// The list from a place on, where it has one.
fn tail_at<'a>(list: &'a Term, place: usize, seen: &mut u64) -> Option<&'a Term> {
    let mut rest = list;
    for _ in 0..place {
        let Term::Cons(cell) = rest else { return None };
        rest = cell.tail();
        *seen += 1;
    }
    Some(rest)
}

fn nth(arguments: &[Term], seen: &mut u64) -> Answer {
    let place = size(&arguments[0])?.checked_sub(1);
    match place.and_then(|place| tail_at(&arguments[1], place, seen)) {
        Some(Term::Cons(cell)) => Ok(cell.head().clone()),
        _ => Err(Refusal::Why("the place lies outside the list, which begins at 1")),
    }
}

fn nth_tail(arguments: &[Term], seen: &mut u64) -> Answer {
    match tail_at(&arguments[1], size(&arguments[0])?, seen) {
        Some(rest @ (Term::Nil | Term::Cons(_))) => Ok(rest.clone()),
        _ => Err(Refusal::Why("the list has fewer elements")),
    }
}

const NOT_EMPTY: Refusal = Refusal::Why("a list of at least one element is needed");

fn last(list: &Term) -> Answer {
    let (mut found, mut rest) = (None, list);
    while let Term::Cons(cell) = rest {
        found = Some(cell.head());
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { found.cloned().ok_or(NOT_EMPTY) } else { Err(NO_LIST) }
}

/// The first of the elements that none is better than.
fn best(all: &Term, better: fn(std::cmp::Ordering) -> bool) -> Answer {
    let items = list(all)?;
    let best = items.iter().reduce(|best, item| if better(compare(item, best)) { item } else { best });
    best.cloned().ok_or(NOT_EMPTY)
}

fn sum(arguments: &[Term]) -> Answer {
    let mut total = Term::Int(0);
    for item in list(&arguments[0])? {
        total = number::arithmetic(Arithmetic::Add, &total, &item)?;
    }
    Ok(total)
}

fn member(arguments: &[Term], seen: &mut u64) -> Answer {
    let mut rest = &arguments[1];
    while let Term::Cons(cell) = rest {
        *seen += 1;
        if *cell.head() == arguments[0] {
            return Ok(boolean(true));
        }
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { Ok(boolean(false)) } else { Err(NO_LIST) }
}
