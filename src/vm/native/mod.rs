//! The pure built-ins. Each takes as many arguments as the table says, and changes nothing but its result.

mod binary;
mod convert;
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

/// A built-in.
pub(super) type Native = fn(&[Term]) -> Answer;

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
type Table = &'static [(&'static str, u8, Native)];

/// The code of a row of the table; `None` for verbs.
pub(super) fn find(row: &Builtin) -> Option<Native> {
    let tables: &[Table] = match row.module {
        None => &[plain::NATIVES, convert::NATIVES, binary::PLAIN],
        Some("lists") => &[lists::NATIVES, keys::NATIVES],
        Some("maps") => &[maps::NATIVES],
        Some("string") => &[strings::NATIVES],
        Some("sets") => &[sets::NATIVES],
        Some("binary") => &[binary::NATIVES],
        Some("math") => &[math::NATIVES],
        Some("io_lib") => &[&[("format", 2, |a| Ok(Term::text(crate::vm::format::format(&a[0], &a[1])?)))]],
        Some(_) => &[],
    };
    let same = |(name, arity, _): &&(&str, u8, Native)| *name == row.name && *arity == row.arity;
    tables.iter().copied().flatten().find(same).map(|(_, _, native)| *native)
}

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
