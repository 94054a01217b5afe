//! `string`: texts as sequences of characters, which are grapheme clusters, as in Erlang: what a reader takes for one.
//!
//! Patterns (in `find`, `split`, `replace`, `prefix`) are found as texts. Sets of characters (in `trim`, `take`, `lexemes`) are
//! given as one string, or as a list of strings and code points.

use unicode_segmentation::UnicodeSegmentation;

use crate::value::term::Term;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Searches;
use crate::vm::native::Table;
use crate::vm::native::bounded;
use crate::vm::native::convert;
use crate::vm::native::length;
use crate::vm::native::list;
use crate::vm::native::size;
use crate::vm::native::text;

pub(super) const NATIVES: Table = &[
    ("length", 1, |a| Ok(length(count(text(&a[0])?)))),
    ("is_empty", 1, |a| Ok(boolean(text(&a[0])?.is_empty()))),
    ("equal", 2, |a| Ok(boolean(text(&a[0])? == text(&a[1])?))),
    ("equal", 3, |a| {
        let (left, right) = (text(&a[0])?, text(&a[1])?);
        Ok(boolean(if flag(&a[2])? { casefold(left) == casefold(right) } else { left == right }))
    }),
    ("split", 2, |a| split(&a[0], &a[1], "leading")),
    ("split", 3, |a| split(&a[0], &a[1], which(&a[2])?)),
    ("lexemes", 2, |a| Ok(Term::list(lexemes(&a[0], &a[1])?.into_iter().map(Term::text)))),
    ("tokens", 2, |a| Ok(Term::list(lexemes(&a[0], &a[1])?.into_iter().map(Term::text)))),
    ("nth_lexeme", 3, |a| {
        let place = size(&a[1])?.checked_sub(1).ok_or(Refusal::Why("the place begins at 1"))?;
        Ok(Term::text(lexemes(&a[0], &a[2])?.get(place).copied().unwrap_or_default()))
    }),
    ("join", 2, |a| {
        let parts = list(&a[0])?;
        let between = text(&a[1])?;
        let parts = parts.iter().map(text).collect::<Result<Vec<_>, _>>();
        let parts = parts.map_err(|_| Refusal::Why("a list of strings is needed"))?;
        bounded(parts.iter().map(|part| part.len() + between.len()).sum())?;
        Ok(Term::text(parts.join(between)))
    }),
    ("concat", 2, |a| {
        bounded(text(&a[0])?.len() + text(&a[1])?.len())?;
        Ok(Term::text([text(&a[0])?, text(&a[1])?].concat()))
    }),
    ("copies", 2, |a| copies(text(&a[0])?, size(&a[1])?).map(Term::text)),
    ("uppercase", 1, |a| Ok(Term::text(text(&a[0])?.to_uppercase()))),
    ("lowercase", 1, |a| Ok(Term::text(lowercase(text(&a[0])?)))),
    ("to_upper", 1, |a| Ok(Term::text(text(&a[0])?.to_uppercase()))),
    ("to_lower", 1, |a| Ok(Term::text(lowercase(text(&a[0])?)))),
    ("titlecase", 1, |a| Ok(Term::text(titlecase(text(&a[0])?)))),
    ("casefold", 1, |a| Ok(Term::text(casefold(text(&a[0])?)))),
    ("trim", 1, |a| trim(&a[0], "both", &WHITE_SPACE)),
    ("trim", 2, |a| trim(&a[0], side(&a[1])?, &WHITE_SPACE)),
    ("trim", 3, |a| trim(&a[0], side(&a[1])?, &separators(&a[2])?)),
    ("chomp", 1, |a| {
        let whole = text(&a[0])?;
        Ok(Term::text(whole.strip_suffix('\n').map_or(whole, |rest| rest.strip_suffix('\r').unwrap_or(rest))))
    }),
    ("take", 2, |a| take(&a[0], &a[1], false, "leading")),
    ("take", 3, |a| take(&a[0], &a[1], flag(&a[2])?, "leading")),
    ("take", 4, |a| take(&a[0], &a[1], flag(&a[2])?, one_end(&a[3])?)),
    ("pad", 2, |a| pad(&a[0], &a[1], "trailing", " ")),
    ("pad", 3, |a| pad(&a[0], &a[1], side(&a[2])?, " ")),
    ("pad", 4, |a| pad(&a[0], &a[1], side(&a[2])?, text(&convert::flatten(&a[3])?)?)),
    ("slice", 2, |a| slice(&a[0], &a[1], None)),
    ("slice", 3, |a| slice(&a[0], &a[1], Some(&a[2]))),
    ("replace", 3, |a| replace(a, "leading")),
    ("replace", 4, |a| replace(a, which(&a[3])?)),
    ("find", 2, |a| find(&a[0], &a[1], "leading")),
    ("find", 3, |a| find(&a[0], &a[1], one_end(&a[2])?)),
    ("prefix", 2, |a| Ok(text(&a[0])?.strip_prefix(text(&a[1])?).map_or_else(no_match, Term::text))),
    ("reverse", 1, |a| Ok(Term::text(text(&a[0])?.graphemes(true).rev().collect::<String>()))),
    ("to_graphemes", 1, |a| Ok(Term::list(text(&a[0])?.graphemes(true).map(Term::text).collect::<Vec<_>>()))),
    ("to_integer", 1, |a| convert::leading_integer(&a[0])),
    ("to_float", 1, |a| Ok(convert::leading_float(&a[0]))),
];

/// What looks at more than each character once.
pub(super) const SEARCHES: Searches = &[("jaro_similarity", 2, |a, seen| {
    let (left, right) = (text(&a[0])?, text(&a[1])?);
    let looks = left.len().saturating_mul(right.len());
    if looks > ALIKE_MAX {
        return Err(
            Fault::TooLarge("the strings that string:jaro_similarity compares: the product of their lengths").into()
        );
    }
    *seen += looks as u64;
    let alike = strsim::jaro(left, right);
    Term::float(alike).ok_or(Refusal::Why("the strings cannot be compared"))
})];

/// The most looks at a pair of bytes, of which `jaro_similarity` needs as many as the product of the lengths.
const ALIKE_MAX: usize = 1 << 28;

/// What `trim` takes for white space: Unicode's `Pattern_White_Space`, as in Erlang.
const WHITE_SPACE: [&str; 12] =
    ["\r\n", "\t", "\n", "\u{b}", "\u{c}", "\r", " ", "\u{85}", "\u{200e}", "\u{200f}", "\u{2028}", "\u{2029}"];

fn no_match() -> Term {
    Term::atom("nomatch")
}

fn flag(term: &Term) -> Result<bool, Refusal> {
    term.as_bool().ok_or(Refusal::Why("true or false is needed"))
}

fn one_of(term: &Term, words: &[&str], why: &'static str) -> Result<&'static str, Refusal> {
    term.as_atom().filter(|word| words.contains(word)).ok_or(Refusal::Why(why))
}

fn which(term: &Term) -> Result<&'static str, Refusal> {
    one_of(term, &["leading", "trailing", "all"], "where is `leading`, `trailing` or `all`")
}

fn side(term: &Term) -> Result<&'static str, Refusal> {
    one_of(term, &["leading", "trailing", "both"], "where is `leading`, `trailing` or `both`")
}

fn one_end(term: &Term) -> Result<&'static str, Refusal> {
    one_of(term, &["leading", "trailing"], "where is `leading` or `trailing`")
}

fn count(text: &str) -> usize {
    // In ASCII only a carriage return before a new line makes one character of two bytes.
    if text.is_ascii() && !text.contains('\r') { text.len() } else { text.graphemes(true).count() }
}

/// How many bytes the first `characters` take.
fn bytes_of(text: &str, characters: usize) -> usize {
    if text.is_ascii() && !text.contains('\r') {
        return characters.min(text.len());
    }
    text.grapheme_indices(true).nth(characters).map_or(text.len(), |(at, _)| at)
}

/// A set of characters or separators: each character of a string, each part of a list.
fn separators(term: &Term) -> Result<Vec<String>, Refusal> {
    const WHY: Refusal = Refusal::Why("the characters are given as a string, or as a list of strings and code points");
    if let Term::Str(text) = term {
        return Ok(text.graphemes(true).map(str::to_owned).collect());
    }
    let parts = term.to_vec().ok_or(WHY)?;
    let one = |part: &Term| text(&convert::flatten(part).map_err(|_| WHY)?).map(str::to_owned);
    let parts = parts.iter().map(one).collect::<Result<Vec<String>, Refusal>>()?;
    if parts.iter().any(String::is_empty) { Err(WHY) } else { Ok(parts) }
}

/// How many bytes of a member of the set the text begins with; the longest member counts.
fn leading<S: AsRef<str>>(text: &str, set: &[S]) -> Option<usize> {
    set.iter().map(AsRef::as_ref).filter(|member| text.starts_with(member)).map(str::len).max()
}

/// The same at the end.
fn trailing<S: AsRef<str>>(text: &str, set: &[S]) -> Option<usize> {
    set.iter().map(AsRef::as_ref).filter(|member| text.ends_with(member)).map(str::len).max()
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

fn lexemes<'a>(whole: &'a Term, set: &Term) -> Result<Vec<&'a str>, Refusal> {
    let (whole, set) = (text(whole)?, separators(set)?);
    let (mut found, mut begin, mut at) = (Vec::new(), 0, 0);
    while let Some(first) = whole[at..].chars().next() {
        let Some(bytes) = leading(&whole[at..], &set) else {
            at += first.len_utf8();
            continue;
        };
        if begin < at {
            found.push(&whole[begin..at]);
        }
        at += bytes;
        begin = at;
    }
    if begin < whole.len() {
        found.push(&whole[begin..]);
    }
    Ok(found)
}

fn copies(text: &str, times: usize) -> Result<String, Refusal> {
    bounded(text.len().saturating_mul(times))?;
    Ok(text.repeat(times))
}

/// Character by character: unlike Rust's, which writes a sigma at the end of a word in another way.
fn lowercase(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// With the first character as a title has it.
fn titlecase(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    // The only letters with a title form that is neither small nor capital, apart from Greek ones with a iota.
    let first = match first {
        '\u{1c4}'..='\u{1c6}' => "\u{1c5}".into(),
        '\u{1c7}'..='\u{1c9}' => "\u{1c8}".into(),
        '\u{1ca}'..='\u{1cc}' => "\u{1cb}".into(),
        '\u{1f1}'..='\u{1f3}' => "\u{1f2}".into(),
        // One letter may become two, of which only the first is a capital: `ß` gives `Ss`.
        other => {
            let mut capitals = other.to_uppercase();
            capitals.next().into_iter().chain(capitals.flat_map(char::to_lowercase)).collect::<String>()
        }
    };
    first + letters.as_str()
}

/// What is left when differences of case are taken away.
fn casefold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn trim<S: AsRef<str>>(whole: &Term, side: &str, set: &[S]) -> Answer {
    let mut rest = text(whole)?;
    while side != "trailing"
        && let Some(bytes) = leading(rest, set)
    {
        rest = &rest[bytes..];
    }
    while side != "leading"
        && let Some(bytes) = trailing(rest, set)
    {
        rest = &rest[..rest.len() - bytes];
    }
    Ok(Term::text(rest))
}

/// `{Taken, Rest}`, or from the end `{Rest, Taken}`.
fn take(whole: &Term, set: &Term, others: bool, end: &str) -> Answer {
    let (whole, set) = (text(whole)?, separators(set)?);
    let wanted = |character: &&str| set.iter().any(|member| member == character) != others;
    let cut = if end == "leading" {
        whole.graphemes(true).take_while(wanted).map(str::len).sum()
    } else {
        whole.len() - whole.graphemes(true).rev().take_while(wanted).map(str::len).sum::<usize>()
    };
    Ok(Term::pair(Term::text(&whole[..cut]), Term::text(&whole[cut..])))
}

fn pad(whole: &Term, length: &Term, side: &str, by: &str) -> Answer {
    // As in Erlang a length below the string's, even below 0, asks for nothing.
    let wanted = usize::try_from(super::int(length)?).unwrap_or(0);
    let whole = text(whole)?;
    let missing = wanted.saturating_sub(count(whole));
    let before = match side {
        "leading" => missing,
        "both" => missing / 2,
        _ => 0,
    };
    bounded(by.len().saturating_mul(missing).saturating_add(whole.len()))?;
    Ok(Term::text([&by.repeat(before), whole, &by.repeat(missing - before)].concat()))
}

fn slice(whole: &Term, start: &Term, length: Option<&Term>) -> Answer {
    let whole = text(whole)?;
    let rest = &whole[bytes_of(whole, size(start)?)..];
    match length {
        // The word that Erlang has for "to the end".
        Some(length) if length.as_atom() != Some("infinity") => Ok(Term::text(&rest[..bytes_of(rest, size(length)?)])),
        _ => Ok(Term::text(rest)),
    }
}

fn find(whole: &Term, pattern: &Term, end: &str) -> Answer {
    let (whole, pattern) = (text(whole)?, text(pattern)?);
    let at = match end {
        _ if pattern.is_empty() => Some(0),
        "trailing" => whole.rfind(pattern),
        _ => whole.find(pattern),
    };
    Ok(at.map_or_else(no_match, |at| Term::text(&whole[at..])))
}

fn replace(arguments: &[Term], which: &str) -> Answer {
    let (whole, pattern, by) = (text(&arguments[0])?, text(&arguments[1])?, text(&arguments[2])?);
    if pattern.is_empty() {
        return Ok(Term::text(whole));
    }
    bounded(whole.len() + (whole.len() / pattern.len()).saturating_mul(by.len()))?;
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
