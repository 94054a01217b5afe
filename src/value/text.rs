//! Terms as text, in the language's own notation: what is printed can be read back, but for functions and references.

use std::fmt::{self, Display, Write};

use crate::value::codec;
use crate::value::reference::{Name, Reference};
use crate::value::term::{Closure, Float, Term};

/// With `{:#}` a variable is shown as the program has it where that is clear: `S`, and not `#Var<'S', set>`.
impl Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Int(value) => write!(f, "{value}"),
            Term::Big(value) => write!(f, "{value}"),
            Term::Float(value) => write!(f, "{value}"),
            Term::Atom(atom) => write_atom(f, atom.text()),
            Term::Ref(reference) => reference.fmt(f),
            Term::Fun(closure) => write!(f, "{closure}"),
            Term::Tuple(tuple) => {
                f.write_str("{")?;
                separated(f, tuple.items().iter())?;
                f.write_str("}")
            }
            Term::Map(map) => {
                f.write_str("#{")?;
                for (at, (key, value)) in map.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    Display::fmt(key, f)?;
                    f.write_str(" => ")?;
                    Display::fmt(value, f)?;
                }
                f.write_str("}")
            }
            Term::Nil => f.write_str("[]"),
            Term::Cons(_) => write_list(f, self),
            Term::Str(text) => write_quoted(f, text, '"'),
        }
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

fn separated<'a>(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = &'a Term>) -> fmt::Result {
    for (at, item) in items.enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        Display::fmt(item, f)?;
    }
    Ok(())
}

fn write_list(f: &mut fmt::Formatter<'_>, list: &Term) -> fmt::Result {
    let mut before = "[";
    let mut rest = list;
    while let Term::Cons(cell) = rest {
        f.write_str(before)?;
        Display::fmt(cell.head(), f)?;
        before = ", ";
        rest = cell.tail();
    }
    match rest {
        Term::Nil => f.write_str("]"),
        tail => {
            f.write_str(" | ")?;
            Display::fmt(tail, f)?;
            f.write_str("]")
        }
    }
}

/// The words that the grammar keeps, which as atoms need quotes.
pub const RESERVED: &[&str] = &[
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond", "div",
    "end", "fun", "if", "let", "maybe", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
];

/// Writes an atom, in quotes where it needs them.
fn write_atom(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut letters = text.chars();
    let plain = letters.next().is_some_and(char::is_lowercase)
        && letters.all(|c| c.is_alphanumeric() || c == '_' || c == '@')
        && !RESERVED.contains(&text);
    if plain { f.write_str(text) } else { write_quoted(f, text, '\'') }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            '\\' => f.write_str("\\\\")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\x{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

impl Display for Float {
    /// The shortest digits that read back as the same float, laid out as Erlang does: `1.0`, `0.001`, `1.0e22`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.get();
        if value == 0.0 {
            return f.write_str("0.0");
        }
        let scientific = format!("{:e}", value.abs());
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let digits = mantissa.replace('.', "");
        if value < 0.0 {
            f.write_str("-")?;
        }
        // From here on not all whole numbers are floats, and zeros would pretend to digits that are not known.
        if value.abs() >= WHOLE_MAX {
            return write_scientific(f, &digits, &exponent.to_string());
        }
        write_decimal(f, &digits, exponent + 1)
    }
}

/// 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

fn write_scientific(f: &mut fmt::Formatter<'_>, digits: &str, exponent: &str) -> fmt::Result {
    let (first, rest) = digits.split_at(1);
    let rest = if rest.is_empty() { "0" } else { rest };
    write!(f, "{first}.{rest}e{exponent}")
}

/// `digits` with the point after the first `place` of them, or with an exponent where that is shorter.
fn write_decimal(f: &mut fmt::Formatter<'_>, digits: &str, place: i32) -> fmt::Result {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if place == 0 {
        return write!(f, "0.{digits}");
    }
    if (1..count).contains(&place) {
        let (whole, fraction) = digits.split_at(place.unsigned_abs() as usize);
        return write!(f, "{whole}.{fraction}");
    }
    let exponent = (place - 1).to_string();
    let cost = i32::try_from(exponent.len()).unwrap_or(0) + 1 + if count == 1 { 2 } else { 1 };
    if place < 0 && 2 - place <= cost {
        return write!(f, "0.{}{digits}", "0".repeat(place.unsigned_abs() as usize));
    }
    if place > 0 && place - count + 2 <= cost {
        return write!(f, "{digits}{}.0", "0".repeat((place - count).unsigned_abs() as usize));
    }
    write_scientific(f, digits, &exponent)
}

impl Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate()
            && let Some(name) = self.name.at_top_level()
        {
            return f.write_str(name);
        }
        let each = if self.dynamic { "dynamic " } else { "" };
        write!(f, "#Var<{}, {each}{}>", self.name, self.kind)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Given(term) => write!(f, "{term}"),
            Name::Fresh(replica, count, _) => {
                // Of the node and of its incarnation, so that no other variable has the same text.
                let [node, incarnation] = [replica >> 64, replica & u128::from(u64::MAX)];
                write!(f, "{:016x}.{count}", node ^ incarnation)
            }
        }
    }
}

/// What tells a function from others: its code and what it has captured.
fn known_by(function: &Closure) -> u128 {
    if function.captured.is_empty() {
        return function.digest;
    }
    let mut bytes = function.digest.to_be_bytes().to_vec();
    function.captured.iter().for_each(|value| codec::put(&mut bytes, value));
    let hash = blake3::hash(&bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_be_bytes(first)
}

impl Display for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Fun<{:08x}/{}>", known_by(self) >> 96, self.arity)
    }
}
