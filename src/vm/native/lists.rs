//! `lists`: what the language itself would be slow at.

use crate::value::term::Term;
use crate::vm::LIST_LENGTH_MAX;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::int;
use crate::vm::native::list;
use crate::vm::native::size;
use crate::vm::step;

pub(super) const NATIVES: Table = &[
    ("sort", 1, |a| {
        let mut items = list(&a[0])?;
        items.sort_by(crate::value::compare);
        Ok(Term::list(items))
    }),
    ("usort", 1, |a| {
        let mut items = list(&a[0])?;
        items.sort();
        items.dedup_by(|a, b| crate::value::compare(a, b).is_eq());
        Ok(Term::list(items))
    }),
    ("reverse", 1, |a| reverse(&a[0], Term::Nil)),
    ("reverse", 2, |a| reverse(&a[0], a[1].clone())),
    ("seq", 2, |a| seq(int(&a[0])?, int(&a[1])?, 1)),
    ("seq", 3, |a| seq(int(&a[0])?, int(&a[1])?, int(&a[2])?)),
    ("nth", 2, nth),
    ("member", 2, member),
    ("append", 2, |a| Ok(step::append(&a[0], &a[1])?)),
    ("subtract", 2, |a| Ok(step::subtract(&a[0], &a[1])?)),
];

fn reverse(list: &Term, tail: Term) -> Answer {
    let (mut result, mut rest) = (tail, list);
    while let Term::Cons(cell) = rest {
        result = Term::cons(cell.head().clone(), result);
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { Ok(result) } else { Err(Refusal::Why("a list is needed")) }
}

fn seq(from: i64, to: i64, step: i64) -> Answer {
    if step == 0 && from != to {
        return Err(Refusal::Why("the step may not be 0"));
    }
    let distance = i128::from(to) - i128::from(from);
    let rounds = if step == 0 { 0 } else { distance.div_euclid(i128::from(step)) };
    // `seq(1, 0)` is empty; further back is refused, as in Erlang.
    if step > 0 && distance < -i128::from(step) || step < 0 && distance > -i128::from(step) {
        return Err(Refusal::Why("the step leads away from the end"));
    }
    let going = if step >= 0 { distance >= 0 } else { distance <= 0 };
    if !going {
        return Ok(Term::Nil);
    }
    let rounds = usize::try_from(rounds).ok().filter(|rounds| *rounds < LIST_LENGTH_MAX);
    let rounds = rounds.ok_or(Fault::TooLarge("the list of lists:seq"))?;
    // No overflow: every element lies between `from` and `to`.
    let at = |round: usize| Term::Int(from + step * i64::try_from(round).unwrap_or(0));
    Ok(Term::list((0..=rounds).map(at)))
}

fn nth(arguments: &[Term]) -> Answer {
    const WHY: Refusal = Refusal::Why("the place lies outside the list, which begins at 1");
    let place = size(&arguments[0])?;
    let mut rest = &arguments[1];
    let mut left = place.checked_sub(1).ok_or(WHY)?;
    while let Term::Cons(cell) = rest {
        if left == 0 {
            return Ok(cell.head().clone());
        }
        left -= 1;
        rest = cell.tail();
    }
    Err(WHY)
}

fn member(arguments: &[Term]) -> Answer {
    let mut rest = &arguments[1];
    while let Term::Cons(cell) = rest {
        if *cell.head() == arguments[0] {
            return Ok(boolean(true));
        }
        rest = cell.tail();
    }
    if matches!(rest, Term::Nil) { Ok(boolean(false)) } else { Err(Refusal::Why("a list is needed")) }
}
