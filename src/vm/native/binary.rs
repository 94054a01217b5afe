//! `binary`: strings as bytes of UTF-8, places counted in bytes from 0. A part that would cut a character is refused.

use crate::value::term::Term;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::native::bounded;
use crate::vm::native::int;
use crate::vm::native::length;
use crate::vm::native::list;
use crate::vm::native::size;
use crate::vm::native::text;

pub(super) const NATIVES: Table = &[
    ("at", 2, |a| byte(text(&a[0])?.as_bytes().get(size(&a[1])?))),
    ("first", 1, |a| byte(text(&a[0])?.as_bytes().first())),
    ("last", 1, |a| byte(text(&a[0])?.as_bytes().last())),
    ("part", 2, |a| part_at(&a[0], &a[1])),
    ("part", 3, |a| part(&a[0], &a[1], &a[2])),
    ("copy", 1, |a| text(&a[0]).map(|_| a[0].clone())),
    ("copy", 2, |a| {
        let (text, times) = (text(&a[0])?, size(&a[1])?);
        bounded(text.len().saturating_mul(times))?;
        Ok(Term::text(text.repeat(times)))
    }),
    ("split", 2, |a| split(&a[0], &a[1], false)),
    ("split", 3, |a| split(&a[0], &a[1], global(&a[2])?)),
    ("replace", 3, |a| replace(a, false)),
    ("replace", 4, |a| replace(a, global(&a[3])?)),
    ("match", 2, |a| {
        let found = matches(text(&a[0])?, &patterns(&a[1])?);
        Ok(found.first().map_or_else(|| Term::atom("nomatch"), |(at, bytes)| Term::pair(length(*at), length(*bytes))))
    }),
    ("matches", 2, |a| {
        let found = matches(text(&a[0])?, &patterns(&a[1])?);
        Ok(Term::list(found.into_iter().map(|(at, bytes)| Term::pair(length(at), length(bytes)))))
    }),
];

/// What needs no module.
pub(super) const PLAIN: Table = &[
    ("binary_part", 2, |a| part_at(&a[0], &a[1])),
    ("binary_part", 3, |a| part(&a[0], &a[1], &a[2])),
    ("split_binary", 2, |a| {
        let (text, at) = (text(&a[0])?, size(&a[1])?);
        let (before, after) = text.split_at_checked(at).ok_or(OUTSIDE)?;
        Ok(Term::pair(Term::text(before), Term::text(after)))
    }),
];

const OUTSIDE: Refusal = Refusal::Why("the place lies outside the string, or within a character");

fn byte(found: Option<&u8>) -> Answer {
    found.map(|byte| Term::Int(i64::from(*byte))).ok_or(Refusal::Why("the place lies outside the string"))
}

fn part_at(whole: &Term, place: &Term) -> Answer {
    match place.as_tuple() {
        Some([start, length]) => part(whole, start, length),
        _ => Err(Refusal::Why("a part is given as {Start, Length}")),
    }
}

/// A length below 0 means the bytes before the start, as in Erlang.
fn part(whole: &Term, start: &Term, length: &Term) -> Answer {
    let whole = text(whole)?;
    let start = size(start)?;
    let other = i64::try_from(start).ok().and_then(|start| start.checked_add(int(length).ok()?));
    let other = other.and_then(|other| usize::try_from(other).ok()).ok_or(OUTSIDE)?;
    whole.get(start.min(other)..start.max(other)).map(Term::text).ok_or(OUTSIDE)
}

/// One pattern, or a list of them.
fn patterns(term: &Term) -> Result<Vec<String>, Refusal> {
    const WHY: Refusal = Refusal::Why("a pattern is a string that is not empty, or a list of such");
    let all = if let Term::Str(_) = term { vec![term.clone()] } else { list(term).map_err(|_| WHY)? };
    let all = all.iter().map(|one| text(one).map(str::to_owned).map_err(|_| WHY)).collect::<Result<Vec<_>, _>>()?;
    if all.is_empty() || all.iter().any(String::is_empty) { Err(WHY) } else { Ok(all) }
}

/// Where the patterns stand, one after the other; the longest where several begin.
fn matches(whole: &str, patterns: &[String]) -> Vec<(usize, usize)> {
    if let [one] = patterns {
        return whole.match_indices(one.as_str()).map(|(at, found)| (at, found.len())).collect();
    }
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(first) = whole[at..].chars().next() {
        let begins = |pattern: &&String| whole[at..].starts_with(pattern.as_str());
        match patterns.iter().filter(begins).map(String::len).max() {
            Some(bytes) => {
                found.push((at, bytes));
                at += bytes;
            }
            None => at += first.len_utf8(),
        }
    }
    found
}

fn global(options: &Term) -> Result<bool, Refusal> {
    const WHY: Refusal = Refusal::Why("the options are [] and [global]");
    let options = list(options).map_err(|_| WHY)?;
    if options.iter().all(|option| option.as_atom() == Some("global")) { Ok(!options.is_empty()) } else { Err(WHY) }
}

/// The parts between what is found.
fn pieces<'a>(whole: &'a str, pattern: &Term, all: bool) -> Result<Vec<&'a str>, Refusal> {
    let mut found = matches(whole, &patterns(pattern)?);
    found.truncate(if all { usize::MAX } else { 1 });
    let (mut parts, mut begin) = (Vec::new(), 0);
    for (at, bytes) in found {
        parts.push(&whole[begin..at]);
        begin = at + bytes;
    }
    parts.push(&whole[begin..]);
    Ok(parts)
}

fn split(whole: &Term, pattern: &Term, all: bool) -> Answer {
    Ok(Term::list(pieces(text(whole)?, pattern, all)?.into_iter().map(Term::text)))
}

fn replace(arguments: &[Term], all: bool) -> Answer {
    let (whole, by) = (text(&arguments[0])?, text(&arguments[2])?);
    let parts = pieces(whole, &arguments[1], all)?;
    bounded(whole.len() + parts.len().saturating_mul(by.len()))?;
    Ok(Term::text(parts.join(by)))
}
