//! Conversions between numbers, atoms and strings.

use num_bigint::BigInt;

use crate::value::atom::Atom;
use crate::value::term::Term;
use crate::vm::INTEGER_BITS_MAX;
use crate::vm::STRING_BYTES_MAX;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::int;
use crate::vm::native::text;

pub(super) const NATIVES: Table = &[
    ("atom_to_list", 1, atom_text),
    ("atom_to_binary", 1, atom_text),
    ("list_to_atom", 1, atom),
    ("binary_to_atom", 1, atom),
    ("list_to_existing_atom", 1, atom),
    ("binary_to_existing_atom", 1, atom),
    ("integer_to_list", 1, |a| digits(&a[0], 10)),
    ("integer_to_list", 2, |a| digits(&a[0], base(&a[1])?)),
    ("integer_to_binary", 1, |a| digits(&a[0], 10)),
    ("integer_to_binary", 2, |a| digits(&a[0], base(&a[1])?)),
    ("list_to_integer", 1, |a| integer(&a[0], 10)),
    ("list_to_integer", 2, |a| integer(&a[0], base(&a[1])?)),
    ("binary_to_integer", 1, |a| integer(&a[0], 10)),
    ("binary_to_integer", 2, |a| integer(&a[0], base(&a[1])?)),
    ("float_to_list", 1, float_text),
    ("float_to_binary", 1, float_text),
    ("list_to_float", 1, float),
    ("binary_to_float", 1, float),
    ("list_to_binary", 1, |a| flatten(&a[0])),
    ("iolist_to_binary", 1, |a| flatten(&a[0])),
    ("binary_to_list", 1, |a| Ok(Term::list(text(&a[0])?.bytes().map(|byte| Term::Int(byte.into()))))),
    ("term_to_string", 1, |a| Ok(Term::text(a[0].to_string()))),
];

fn atom_text(arguments: &[Term]) -> Answer {
    arguments[0].as_atom().map(Term::text).ok_or(Refusal::Why("an atom is needed"))
}

fn atom(arguments: &[Term]) -> Answer {
    let made = Atom::new(text(&arguments[0])?);
    made.map(Term::Atom).map_err(|_| Refusal::Why("the text is too long for an atom, or there are too many atoms"))
}

fn base(term: &Term) -> Result<u32, Refusal> {
    u32::try_from(int(term)?).ok().filter(|base| (2..=36).contains(base)).ok_or(Refusal::Why("a base is 2 to 36"))
}

fn digits(number: &Term, base: u32) -> Answer {
    match number {
        Term::Int(value) if base == 10 => Ok(Term::text(value.to_string())),
        Term::Int(value) => Ok(Term::text(BigInt::from(*value).to_str_radix(base).to_uppercase())),
        Term::Big(value) => Ok(Term::text(value.to_str_radix(base).to_uppercase())),
        _ => Err(Refusal::Why("an integer is needed")),
    }
}

fn integer(written: &Term, base: u32) -> Answer {
    const WHY: Refusal = Refusal::Why("the text is not an integer in this base");
    let written = text(written)?;
    let plain = written.strip_prefix(['+', '-']).unwrap_or(written);
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(base)) {
        return Err(WHY);
    }
    let value = BigInt::parse_bytes(written.as_bytes(), base).ok_or(WHY)?;
    if value.bits() > INTEGER_BITS_MAX {
        return Err(Fault::NumberTooLarge { operator: "list_to_integer" }.into());
    }
    Ok(Term::big(value))
}

fn float_text(arguments: &[Term]) -> Answer {
    match &arguments[0] {
        Term::Float(value) => Ok(Term::text(value.to_string())),
        _ => Err(Refusal::Why("a float is needed")),
    }
}

fn float(arguments: &[Term]) -> Answer {
    let written = text(&arguments[0])?;
    let plain = written.contains('.') && written.ends_with(|c: char| c.is_ascii_digit());
    let value = plain.then(|| written.parse().ok()).flatten().and_then(Term::float);
    value.ok_or(Refusal::Why("the text is not a float such as 1.5"))
}

/// Strings and code points, nested as they may be, as one string.
pub(super) fn flatten(parts: &Term) -> Answer {
    const WHY: Refusal = Refusal::Why("strings and code points are needed");
    let mut result = String::new();
    let mut pending = vec![parts];
    while let Some(part) = pending.pop() {
        match part {
            Term::Nil => {}
            Term::Cons(cell) => pending.extend([cell.tail(), cell.head()]),
            Term::Str(text) => result.push_str(text),
            Term::Int(code) => result.push(u32::try_from(*code).ok().and_then(char::from_u32).ok_or(WHY)?),
            _ => return Err(WHY),
        }
        if result.len() > STRING_BYTES_MAX {
            return Err(Fault::TooLarge("the string").into());
        }
    }
    Ok(Term::text(result))
}
