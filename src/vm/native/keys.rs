//! `lists:key..`: lists of tuples, looked at by one of their elements. Keys are compared by value, as in Erlang.

use std::cmp::Ordering;

use crate::value::compare;
use crate::value::term::Term;
use crate::vm::boolean;
use crate::vm::native::Refusal;
use crate::vm::native::Searches;
use crate::vm::native::Table;
use crate::vm::native::list;
use crate::vm::native::size;

pub(super) const NATIVES: Table = &[
    ("keydelete", 3, |a| {
        let (mut items, at) = find(a)?;
        if let Some(at) = at {
            items.remove(at);
        }
        Ok(Term::list(items))
    }),
    ("keytake", 3, |a| {
        let (mut items, at) = find(a)?;
        let Some(at) = at else { return Ok(boolean(false)) };
        let taken = items.remove(at);
        Ok(Term::tuple([Term::atom("value"), taken, Term::list(items)]))
    }),
    ("keyreplace", 4, |a| {
        let (mut items, at) = find(a)?;
        let new = tuple(&a[3])?;
        if let Some(at) = at {
            items[at] = new.clone();
        }
        Ok(Term::list(items))
    }),
    ("keystore", 4, |a| {
        let (mut items, at) = find(a)?;
        let new = tuple(&a[3])?.clone();
        match at {
            Some(at) => items[at] = new,
            None => items.push(new),
        }
        Ok(Term::list(items))
    }),
    ("keysort", 2, |a| {
        let mut items = keyed(&a[0], &a[1])?;
        let place = place(&a[0])?;
        items.sort_by(|x, y| by_key(x, y, place));
        Ok(Term::list(items))
    }),
    ("ukeysort", 2, |a| {
        let mut items = keyed(&a[0], &a[1])?;
        let place = place(&a[0])?;
        items.sort_by(|x, y| by_key(x, y, place));
        items.dedup_by(|later, earlier| by_key(later, earlier, place).is_eq());
        Ok(Term::list(items))
    }),
];

/// What searches.
pub(super) const SEARCHES: Searches = &[
    ("keyfind", 3, |a, seen| Ok(first(a, seen)?.map_or(boolean(false), |(_, tuple)| tuple.clone()))),
    ("keymember", 3, |a, seen| Ok(boolean(first(a, seen)?.is_some()))),
];

/// A place from 1, as an index.
fn place(term: &Term) -> Result<usize, Refusal> {
    size(term)?.checked_sub(1).ok_or(Refusal::Why("the place of the key begins at 1"))
}

fn key(item: &Term, place: usize) -> Option<&Term> {
    item.as_tuple().and_then(|items| items.get(place))
}

fn tuple(term: &Term) -> Result<&Term, Refusal> {
    if term.as_tuple().is_some() { Ok(term) } else { Err(Refusal::Why("the new element must be a tuple")) }
}

/// The first tuple with the key, and how many elements stand before it. What has no such element is passed over.
fn first<'a>(arguments: &'a [Term], seen: &mut u64) -> Result<Option<(usize, &'a Term)>, Refusal> {
    let place = place(&arguments[1])?;
    let (mut rest, mut at) = (&arguments[2], 0);
    while let Term::Cons(cell) = rest {
        *seen += 1;
        if key(cell.head(), place).is_some_and(|key| compare(key, &arguments[0]).is_eq()) {
            return Ok(Some((at, cell.head())));
        }
        rest = cell.tail();
        at += 1;
    }
    if matches!(rest, Term::Nil) { Ok(None) } else { Err(Refusal::Why("a list is needed")) }
}

/// The list, and where in it the first tuple with the key is.
fn find(arguments: &[Term]) -> Result<(Vec<Term>, Option<usize>), Refusal> {
    Ok((list(&arguments[2])?, first(arguments, &mut 0)?.map(|(at, _)| at)))
}

/// A list of tuples that all have an element at the place.
fn keyed(at: &Term, items: &Term) -> Result<Vec<Term>, Refusal> {
    let place = place(at)?;
    let items = list(items)?;
    if items.iter().all(|item| key(item, place).is_some()) {
        Ok(items)
    } else {
        Err(Refusal::Why("each element must be a tuple that has the place"))
    }
}

fn by_key(left: &Term, right: &Term, place: usize) -> Ordering {
    match (key(left, place), key(right, place)) {
        (Some(left), Some(right)) => compare(left, right),
        // `keyed` lets none of these through.
        _ => Ordering::Equal,
    }
}
