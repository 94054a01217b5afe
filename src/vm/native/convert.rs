//! Conversions between numbers, atoms and strings.

use num_bigint::BigInt;

use crate::value::atom::Atom;
use crate::value::term::Term;
use crate::vm::INTEGER_BITS_MAX;
use crate::vm::STRING_BYTES_MAX;
use crate::vm::fault::Fault;
use crate::vm::format;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::decimals;
use crate::vm::native::int;
use crate::vm::native::length;
use crate::vm::native::text;

pub(super) const NATIVES: Table = &[
    ("atom_to_list", 1, atom_text),
    ("atom_to_binary", 1, atom_text),
    ("atom_to_binary", 2, |a| utf8(&a[1]).and_then(|()| atom_text(a))),
    ("list_to_atom", 1, atom),
    ("binary_to_atom", 1, atom),
    ("binary_to_atom", 2, |a| utf8(&a[1]).and_then(|()| atom(a))),
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
    ("float_to_list", 2, |a| decimals::float_with(&a[0], &a[1])),
    ("float_to_binary", 2, |a| decimals::float_with(&a[0], &a[1])),
    ("list_to_float", 1, float),
    ("binary_to_float", 1, float),
    ("list_to_binary", 1, |a| flatten(&a[0])),
    ("iolist_to_binary", 1, |a| flatten(&a[0])),
    ("binary_to_list", 1, |a| Ok(Term::list(text(&a[0])?.bytes().map(|byte| Term::Int(byte.into()))))),
    ("iolist_size", 1, |a| Ok(length(text(&flatten(&a[0])?)?.len()))),
    ("term_to_string", 1, |a| Ok(Term::text(format::text(&a[0])?))),
];

/// What turns digits into numbers or numbers into digits.
pub(super) const DIGITS: &[&str] =
    &["integer_to_list", "integer_to_binary", "list_to_integer", "binary_to_integer", "term_to_string"];

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

fn utf8(encoding: &Term) -> Result<(), Refusal> {
    let known = encoding.as_atom().is_some_and(|word| ["utf8", "unicode", "latin1"].contains(&word));
    if known { Ok(()) } else { Err(Refusal::Why("the encoding is `utf8`: all text is")) }
}

fn integer(written: &Term, base: u32) -> Answer {
    const WHY: Refusal = Refusal::Why("the text is not an integer in this base");
    let written = text(written)?;
    let plain = written.strip_prefix(['+', '-']).unwrap_or(written);
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(base)) {
        return Err(WHY);
    }
    parse(written, base)?.ok_or(WHY)
}

/// Digits that were looked at already, with a sign before them or not.
fn parse(digits: &str, base: u32) -> Result<Option<Term>, Refusal> {
    // Each digit has at least a bit; so this is known before the work, which is quadratic, is done.
    if digits.len() as u64 > INTEGER_BITS_MAX {
        return Err(Fault::NumberTooLarge { operator: "list_to_integer" }.into());
    }
    let Some(value) = BigInt::parse_bytes(digits.as_bytes(), base) else { return Ok(None) };
    if value.bits() > INTEGER_BITS_MAX {
        return Err(Fault::NumberTooLarge { operator: "list_to_integer" }.into());
    }
    Ok(Some(Term::big(value)))
}

/// How many bytes of digits a text begins with.
fn digits_of(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

fn refused(why: &'static str) -> Term {
    Term::pair(Term::atom("error"), Term::atom(why))
}

/// `string:to_integer/1`: the integer that a text begins with, and the rest.
pub(super) fn leading_integer(whole: &Term) -> Answer {
    let Some(whole) = whole.as_text() else { return Ok(refused("badarg")) };
    let sign = usize::from(whole.starts_with(['+', '-']));
    let digits = digits_of(&whole[sign..]);
    if digits == 0 {
        return Ok(refused("no_integer"));
    }
    let (number, rest) = whole.split_at(sign + digits);
    Ok(parse(number, 10)?.map_or_else(|| refused("no_integer"), |number| Term::pair(number, Term::text(rest))))
}

/// `string:to_float/1`: the float that a text begins with, and the rest. It has digits before and after the point.
pub(super) fn leading_float(whole: &Term) -> Term {
    let Some(whole) = whole.as_text() else { return refused("badarg") };
    let sign = usize::from(whole.starts_with(['+', '-']));
    let point = sign + digits_of(&whole[sign..]);
    let fraction = whole[point..].strip_prefix('.').map_or(0, digits_of);
    if point == sign || fraction == 0 {
        return refused("no_float");
    }
    let mut end = point + 1 + fraction;
    if let Some(exponent) = whole[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let digits = digits_of(&exponent[sign..]);
        end += if digits == 0 { 0 } else { 1 + sign + digits };
    }
    let number = whole[..end].parse().ok().and_then(Term::float);
    number.map_or_else(|| refused("no_float"), |number| Term::pair(number, Term::text(&whole[end..])))
}

fn float_text(arguments: &[Term]) -> Answer {
    match &arguments[0] {
        Term::Float(value) => Ok(Term::text(value.to_string())),
        _ => Err(Refusal::Why("a float is needed")),
    }
}

fn float(arguments: &[Term]) -> Answer {
    text(&arguments[0])?;
    // As much as `string:to_float/1` takes, and nothing after it.
    let value = match leading_float(&arguments[0]).as_tuple() {
        Some([value @ Term::Float(_), rest]) if rest.as_text() == Some("") => Some(value.clone()),
        _ => None,
    };
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
