//! `string`: texts as sequences of characters (Unicode scalar values).

use crate::value::term::Term;
use crate::vm::STRING_BYTES_MAX;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::length;
use crate::vm::native::list;
use crate::vm::native::size;
use crate::vm::native::text;

pub(super) const NATIVES: Table = &[
    ("length", 1, |a| Ok(length(text(&a[0])?.chars().count()))),
    ("is_empty", 1, |a| Ok(boolean(text(&a[0])?.is_empty()))),
    ("split", 2, |a| split(&a[0], &a[1], "leading")),
    ("split", 3, |a| split(&a[0], &a[1], which(&a[2])?)),
    ("lexemes", 2, lexemes),
    ("tokens", 2, lexemes),
    ("join", 2, |a| {
        let parts = list(&a[0])?;
        let parts = parts.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        bounded(parts.iter().map(|part| part.len() + text(&a[1]).map_or(0, str::len)).sum())?;
        Ok(Term::text(parts.join(text(&a[1])?)))
    }),
    ("concat", 2, |a| {
        bounded(text(&a[0])?.len() + text(&a[1])?.len())?;
        Ok(Term::text([text(&a[0])?, text(&a[1])?].concat()))
    }),
    ("uppercase", 1, |a| Ok(Term::text(text(&a[0])?.to_uppercase()))),
    ("lowercase", 1, |a| Ok(Term::text(text(&a[0])?.to_lowercase()))),
    ("to_upper", 1, |a| Ok(Term::text(text(&a[0])?.to_uppercase()))),
    ("to_lower", 1, |a| Ok(Term::text(text(&a[0])?.to_lowercase()))),
    ("trim", 1, |a| Ok(Term::text(text(&a[0])?.trim()))),
    ("slice", 2, |a| Ok(Term::text(text(&a[0])?.chars().skip(size(&a[1])?).collect::<String>()))),
    ("slice", 3, |a| Ok(Term::text(text(&a[0])?.chars().skip(size(&a[1])?).take(size(&a[2])?).collect::<String>()))),
    ("replace", 3, |a| replace(a, "leading")),
    ("replace", 4, |a| replace(a, which(&a[3])?)),
    ("find", 2, |a| {
        let (whole, pattern) = (text(&a[0])?, text(&a[1])?);
        Ok(whole.find(pattern).map_or_else(no_match, |at| Term::text(&whole[at..])))
    }),
    ("prefix", 2, |a| Ok(text(&a[0])?.strip_prefix(text(&a[1])?).map_or_else(no_match, Term::text))),
    ("reverse", 1, |a| Ok(Term::text(text(&a[0])?.chars().rev().collect::<String>()))),
    ("to_graphemes", 1, |a| {
        Ok(Term::list(text(&a[0])?.chars().map(|c| Term::text(c.to_string())).collect::<Vec<_>>()))
    }),
];

fn no_match() -> Term {
    Term::atom("nomatch")
}

fn bounded(bytes: usize) -> Result<(), Refusal> {
    if bytes > STRING_BYTES_MAX { Err(Fault::TooLarge("the string").into()) } else { Ok(()) }
}

fn which(term: &Term) -> Result<&'static str, Refusal> {
    let word = term.as_atom().filter(|word| ["leading", "trailing", "all"].contains(word));
    word.ok_or(Refusal::Why("where is `leading`, `trailing` or `all`"))
}

fn split(whole: &Term, separator: &Term, which: &str) -> Answer {
    let (whole, separator) = (text(whole)?, text(separator)?);
    if separator.is_empty() {
        return Ok(Term::list([Term::text(whole)]));
    }
    let parts: Vec<&str> = match which {
        "all" => whole.split(separator).collect(),
        "trailing" => whole.rsplit_once(separator).map_or(vec![whole], |(a, b)| vec![a, b]),
        _ => whole.split_once(separator).map_or(vec![whole], |(a, b)| vec![a, b]),
    };
    Ok(Term::list(parts.into_iter().map(Term::text)))
}

fn lexemes(arguments: &[Term]) -> Answer {
    let separators: Vec<char> = text(&arguments[1])?.chars().collect();
    let parts = text(&arguments[0])?.split(separators.as_slice()).filter(|part| !part.is_empty());
    Ok(Term::list(parts.map(Term::text).collect::<Vec<_>>()))
}

fn replace(arguments: &[Term], which: &str) -> Answer {
    let (whole, pattern, by) = (text(&arguments[0])?, text(&arguments[1])?, text(&arguments[2])?);
    if pattern.is_empty() {
        return Ok(Term::text(whole));
    }
    bounded(whole.len() + whole.len() / pattern.len() * by.len())?;
    let result = match which {
        "all" => whole.replace(pattern, by),
        "trailing" => match whole.rsplit_once(pattern) {
            Some((before, after)) => [before, by, after].concat(),
            None => whole.into(),
        },
        _ => whole.replacen(pattern, by, 1),
    };
    Ok(Term::text(result))
}
