//! `sets`: sets as the values of set variables have them, lists in term order without duplicates.

use std::cmp::Ordering;

use crate::value::term::Term;
use crate::vm::boolean;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::length;
use crate::vm::native::list;

pub(super) const NATIVES: Table = &[
    ("new", 0, |_| Ok(Term::Nil)),
    ("from_list", 1, |a| {
        let mut items = list(&a[0])?;
        items.sort();
        items.dedup();
        Ok(Term::list(items))
    }),
    ("to_list", 1, |a| set(&a[0]).map(|_| a[0].clone())),
    ("is_set", 1, |a| Ok(boolean(set(&a[0]).is_ok()))),
    ("size", 1, |a| Ok(length(set(&a[0])?.len()))),
    ("is_empty", 1, |a| Ok(boolean(set(&a[0])?.is_empty()))),
    ("is_equal", 2, |a| Ok(boolean(set(&a[0])? == set(&a[1])?))),
    ("is_element", 2, |a| Ok(boolean(set(&a[1])?.binary_search(&&a[0]).is_ok()))),
    ("add_element", 2, |a| combine(&[&a[0]], &set(&a[1])?, [true, true, true])),
    ("del_element", 2, |a| combine(&set(&a[1])?, &[&a[0]], [true, false, false])),
    ("union", 2, |a| combine(&set(&a[0])?, &set(&a[1])?, [true, true, true])),
    ("union", 1, |a| {
        let mut items = Vec::new();
        for part in list(&a[0])? {
            items.extend(set(&part)?.into_iter().cloned());
        }
        items.sort();
        items.dedup();
        Ok(Term::list(items))
    }),
    ("intersection", 2, |a| combine(&set(&a[0])?, &set(&a[1])?, [false, true, false])),
    ("intersection", 1, |a| {
        let parts = list(&a[0])?;
        let (first, rest) = parts.split_first().ok_or(Refusal::Why("a list of at least one set is needed"))?;
        let mut common = set(first).map(|_| first.clone())?;
        for part in rest {
            common = combine(&set(&common)?, &set(part)?, [false, true, false])?;
        }
        Ok(common)
    }),
    ("subtract", 2, |a| combine(&set(&a[0])?, &set(&a[1])?, [true, false, false])),
    ("is_subset", 2, |a| {
        let without = combine(&set(&a[0])?, &set(&a[1])?, [true, false, false])?;
        Ok(boolean(matches!(without, Term::Nil)))
    }),
    ("is_disjoint", 2, |a| {
        let common = combine(&set(&a[0])?, &set(&a[1])?, [false, true, false])?;
        Ok(boolean(matches!(common, Term::Nil)))
    }),
];

/// The elements of a set, which must stand in order.
fn set(term: &Term) -> Result<Vec<&Term>, Refusal> {
    let (mut items, mut rest) = (Vec::<&Term>::new(), term);
    while let Term::Cons(cell) = rest {
        if items.last().is_some_and(|last| *last >= cell.head()) {
            return Err(Refusal::Why("a set is a list in order without duplicates; make it with sets:from_list(List)"));
        }
        items.push(cell.head());
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { Ok(items) } else { Err(Refusal::Why("a set is needed")) }
}

/// What is only in the left set, in both, only in the right one, as far as it is wanted.
fn combine(left: &[&Term], right: &[&Term], [only_left, both, only_right]: [bool; 3]) -> Answer {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut found: Vec<Term> = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(Term::list(found)),
        };
        let (item, wanted) = match order {
            Ordering::Less => (left.next(), only_left),
            Ordering::Greater => (right.next(), only_right),
            Ordering::Equal => {
                right.next();
                (left.next(), both)
            }
        };
        if wanted && let Some(item) = item {
            found.push((*item).clone());
        }
    }
}
