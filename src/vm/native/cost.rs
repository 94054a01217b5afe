//! What built-ins take of the fuel that steps do, beyond the one call: what they go through. So a turn is short in time, and
//! the budget of a pure call bounds it, whether a program loops itself or has a built-in loop.

use crate::value::term::Term;
use crate::vm::native::Answer;

/// What a built-in goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vm) enum Cost {
    /// Little, whatever it is given.
    Small,
    /// Each element of its arguments, or of what it makes, once.
    Walk,
    /// The same several times, as what sorts does.
    Sort,
    /// All digits of a number, for each of them.
    Digits,
}

/// So many elements take as long as one step.
pub(in crate::vm) const ELEMENTS_PER_STEP: u64 = 8;
/// What has fewer parts is not counted.
pub(in crate::vm) const SMALL: u32 = 256;

impl Cost {
    /// The fuel.
    pub(in crate::vm) fn of(self, arguments: &[Term], answer: &Answer) -> u64 {
        let made = answer.as_ref().ok();
        let sum = |cost: fn(&Term) -> u64| arguments.iter().map(cost).fold(0, u64::saturating_add);
        match self {
            Cost::Small => 0,
            Cost::Walk => sum(walk).max(made.map_or(0, walk)),
            Cost::Sort => sum(sort).max(made.map_or(0, walk)),
            Cost::Digits => sum(digits),
        }
    }
}

/// Of going through a term's elements.
pub(in crate::vm) fn walk(term: &Term) -> u64 {
    elements(term) / ELEMENTS_PER_STEP
}

/// Of sorting them.
pub(in crate::vm) fn sort(term: &Term) -> u64 {
    let elements = elements(term);
    elements.saturating_mul(u64::from(elements.checked_ilog2().unwrap_or(0))) / ELEMENTS_PER_STEP
}

fn digits(term: &Term) -> u64 {
    match term {
        Term::Big(_) | Term::Str(_) => u64::from(term.parts()).pow(2) >> 8,
        _ => walk(term),
    }
}

/// How many elements a term has, not counting what is within these: 0 where they are few.
fn elements(term: &Term) -> u64 {
    if term.parts() < SMALL {
        return 0;
    }
    match term {
        Term::Cons(_) => {
            let (mut count, mut rest) = (0, term);
            while let Term::Cons(cell) = rest {
                count += 1;
                rest = cell.tail();
            }
            count
        }
        Term::Map(map) => map.len() as u64,
        Term::Tuple(tuple) => tuple.items().len() as u64,
        // A step's worth of characters is about as long as one part.
        Term::Str(_) | Term::Big(_) => u64::from(term.parts()) * ELEMENTS_PER_STEP,
        _ => 0,
    }
}
