//! The pure built-ins. Each takes as many arguments as the table says, and changes nothing but its result.

mod binary;
mod convert;
mod cost;
mod decimals;
mod keys;
mod lists;
mod maps;
mod math;
mod plain;
mod sets;
mod strings;

use crate::library::Builtin;
use crate::value::term::Term;
use crate::vm::STRING_BYTES_MAX;
use crate::vm::fault::Fault;

pub(super) use cost::Cost;
pub(super) use cost::ELEMENTS_PER_STEP;
pub(super) use cost::SMALL;
pub(super) use cost::sort;
pub(super) use cost::walk;

/// A built-in.
#[derive(Clone, Copy)]
pub(super) enum Native {
    /// What it costs follows from what it is given and what it makes.
    Plain(Function, Cost),
    /// It goes through a list until it finds something, and says how many elements it has seen.
    Search(fn(&[Term], &mut u64) -> Answer),
}

type Function = fn(&[Term]) -> Answer;

impl Native {
    /// Calls it, and takes the fuel that it needs.
    pub(super) fn call(self, arguments: &[Term], fuel: &mut u64) -> Answer {
        match self {
            Native::Plain(function, cost) => {
                let answer = function(arguments);
                if cost != Cost::Small {
                    *fuel = fuel.saturating_sub(cost.of(arguments, &answer));
                }
                answer
            }
            Native::Search(function) => {
                let mut seen = 0;
                let answer = function(arguments, &mut seen);
                *fuel = fuel.saturating_sub(seen / cost::ELEMENTS_PER_STEP);
                answer
            }
        }
    }
}

/// What a built-in gives.
pub(super) type Answer = Result<Term, Refusal>;

/// Why a built-in gives nothing.
pub(super) enum Refusal {
    /// The arguments are not what it takes; why, in a few words.
    Why(&'static str),
    /// Anything else.
    Fault(Box<Fault>),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Fault(Box::new(fault))
    }
}

impl From<Box<Fault>> for Refusal {
    fn from(fault: Box<Fault>) -> Refusal {
        Refusal::Fault(fault)
    }
}

/// Names with arity, each with what it does.
type Table = &'static [(&'static str, u8, Function)];

/// The same of what searches.
type Searches = &'static [(&'static str, u8, fn(&[Term], &mut u64) -> Answer)];

/// The code of a row of the table; `None` for verbs.
pub(super) fn find(row: &Builtin) -> Option<Native> {
    // Each table with what most of its functions cost, and those that cost more or less.
    let tables: &[(Table, Cost, &[&str], Cost)] = match row.module {
        None => &[
            (plain::NATIVES, Cost::Small, plain::WALKS, Cost::Walk),
            (convert::NATIVES, Cost::Walk, convert::DIGITS, Cost::Digits),
            (binary::PLAIN, Cost::Walk, &[], Cost::Walk),
        ],
        Some("lists") => &[
            (lists::NATIVES, Cost::Walk, lists::SORTS, Cost::Sort),
            (keys::NATIVES, Cost::Walk, &["keysort", "ukeysort"], Cost::Sort),
        ],
        Some("maps") => &[(
            maps::NATIVES,
            Cost::Small,
            &["keys", "values", "to_list", "from_list", "from_keys", "merge"],
            Cost::Sort,
        )],
        Some("string") => &[(strings::NATIVES, Cost::Walk, &[], Cost::Walk)],
        Some("sets") => &[(sets::NATIVES, Cost::Walk, &["from_list", "union"], Cost::Sort)],
        Some("binary") => &[(binary::NATIVES, Cost::Walk, &[], Cost::Walk)],
        Some("math") => &[(math::NATIVES, Cost::Small, &[], Cost::Small)],
        Some("io_lib") => &[(FORMAT, Cost::Walk, &[], Cost::Walk)],
        Some(_) => &[],
    };
    let searches: &[Searches] = match row.module {
        Some("lists") => &[lists::SEARCHES, keys::SEARCHES],
        Some("string") => &[strings::SEARCHES],
        _ => &[],
    };
    let mut searches =
        searches.iter().copied().flatten().filter(|(name, arity, _)| *name == row.name && *arity == row.arity);
    if let Some((_, _, function)) = searches.next() {
        return Some(Native::Search(*function));
    }
    tables.iter().find_map(|(table, most, others, theirs)| {
        let (name, _, function) = table.iter().find(|(name, arity, _)| *name == row.name && *arity == row.arity)?;
        Some(Native::Plain(*function, if others.contains(name) { *theirs } else { *most }))
    })
}

const FORMAT: Table = &[("format", 2, |a| Ok(Term::text(crate::vm::format::format(&a[0], &a[1])?)))];

const NO_LIST: Refusal = Refusal::Why("a list is needed");

fn list(term: &Term) -> Result<Vec<Term>, Refusal> {
    term.to_vec().ok_or(NO_LIST)
}

fn text(term: &Term) -> Result<&str, Refusal> {
    term.as_text().ok_or(match term {
        Term::Nil | Term::Cons(_) => {
            Refusal::Why("a string is needed; `iolist_to_binary` makes one of a list of strings and code points")
        }
        Term::Atom(_) => Refusal::Why("a string is needed; `atom_to_list` makes one of an atom"),
        _ => Refusal::Why("a string is needed; `term_to_string` makes one of any term"),
    })
}

fn int(term: &Term) -> Result<i64, Refusal> {
    term.as_int().ok_or(Refusal::Why("an integer is needed"))
}

/// A count or place: an integer of at least 0.
fn size(term: &Term) -> Result<usize, Refusal> {
    usize::try_from(int(term)?).map_err(|_| Refusal::Why("the number may not be negative"))
}

/// Refuses a string of too many bytes.
fn bounded(bytes: usize) -> Result<(), Refusal> {
    if bytes > STRING_BYTES_MAX { Err(Fault::TooLarge("the string").into()) } else { Ok(()) }
}

fn length(count: usize) -> Term {
    Term::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use crate::library::BUILTINS;

    #[test]
    fn every_pure_row_has_code_and_no_verb_has() {
        for row in BUILTINS {
            assert_eq!(super::find(row).is_some(), row.pure, "{}", row.title());
            assert_eq!(row.verb.is_none(), row.pure, "{}", row.title());
        }
    }
}
