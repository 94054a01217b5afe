//! Edits of a program's text, of which repairs are made, and the terms that they write.

use crate::check::facts::VariableId;
use crate::coordination::model::Model;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// What is written in the place of what stands there; where nothing does (an empty span), before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The place.
    pub span: Span,
    /// What to write.
    pub text: String,
}

/// The text with the edits made; none where two of them are about the same place.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut written = String::new();
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        written.push_str(text.get(at..start)?);
        written.push_str(&edit.text);
        at = end;
    }
    written.push_str(text.get(at..)?);
    Some(written)
}

/// A declaration at the top of the text that `near` is in.
pub(crate) fn declare(near: Span, name: &str, kind: &str, dynamic: bool) -> Edit {
    let verb = if dynamic { "declare_dynamic" } else { "declare" };
    Edit { span: Span { file: near.file, start: 0, end: 0 }, text: format!("{name} = {verb}({kind}).\n") }
}

/// Whether it is a name that can be written in a program.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_uppercase()) && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The name of a variable that all of the program can use.
pub(crate) fn known_name(model: &Model<'_>, variable: VariableId) -> Option<String> {
    let known = model.facts.variable(variable)?;
    (known.name.is_some() && is_name(&known.shown)).then(|| known.shown.clone())
}

/// The arguments of a call, each with where it begins in the text of the call.
pub(crate) fn arguments(call: &str) -> Vec<(usize, &str)> {
    let Some(open) = call.find('(').filter(|_| call.ends_with(')')) else { return Vec::new() };
    parts(call, open + 1, call.len() - 1)
}

/// What stands between commas, that are in no brackets and no string.
pub(crate) fn parts(text: &str, start: usize, end: usize) -> Vec<(usize, &str)> {
    let (mut found, mut from, mut depth, mut quoted) = (Vec::new(), start, 0_i32, None);
    let Some(inside) = text.get(start..end) else { return found };
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match (quoted, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(quote), c) if quote == c => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push((from, &text[from..start + at]));
                from = start + at + 1;
            }
            _ => {}
        }
    }
    found.push((from, &text[from..end]));
    found.into_iter().map(|(at, part)| (at + part.len() - part.trim_start().len(), part.trim())).collect()
}

/// The parts of a tuple or a list that is written out, between these brackets.
pub(crate) fn inside(text: &str, open: char, close: char) -> Option<Vec<&str>> {
    let inside = text.trim().strip_prefix(open)?.strip_suffix(close)?;
    Some(parts(inside, 0, inside.len()).into_iter().map(|(_, part)| part).collect())
}

/// Where a name stands in a text, as a word of its own, first.
pub(crate) fn word(text: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The part of a place, by bytes from its beginning.
pub(crate) fn part(span: Span, at: usize, length: usize) -> Span {
    let start = span.start + u32::try_from(at).unwrap_or(0);
    Span { file: span.file, start, end: start + u32::try_from(length).unwrap_or(0) }
}

/// A threshold for what grows: 1 stands for as much as is needed.
pub(crate) fn enough(kind: &Type) -> String {
    match kind {
        kind if kind.is_set() => "{cardinality, 1}".to_owned(),
        kind if kind.is_counter() => "{value, 1}".to_owned(),
        Type::MaxInt | Type::MinInt => "{value, 1}".to_owned(),
        Type::Boolean | Type::EwFlag | Type::DwFlag => "true".to_owned(),
        Type::GMap(kind) | Type::AwMap(kind) => format!("#{{key => {}}}", enough(kind)),
        Type::Pair(kinds) => format!("{{{}, {}}}", enough(&kinds.0), enough(&kinds.1)),
        Type::Window(window) => enough(&window.kind),
        _ => "bound".to_owned(),
    }
}

/// What is sure of a value that has met the threshold, as the value would be written; none where that says too little.
pub(crate) fn reached(threshold: &Term) -> Option<String> {
    match threshold.as_tuple() {
        Some([word, amount]) if *word == Term::atom("value") => Some(amount.to_string()),
        Some([word, _]) if *word == Term::atom("cardinality") => None,
        Some([one, other]) => Some(format!("{{{}, {}}}", reached(one)?, reached(other)?)),
        Some(_) => None,
        // Beneath the keys stand thresholds, not values.
        None if matches!(threshold, Term::Map(_)) => None,
        None if *threshold == Term::atom("bound") || *threshold == Term::atom("undefined") => None,
        None => Some(threshold.to_string()),
    }
}

/// The type that has come so far and never falls back, for one that may; and an operation of the one as one of the other.
pub(crate) fn growing(kind: &Type) -> Option<Type> {
    Some(match kind {
        kind if kind.is_set() => Type::GSet,
        kind if kind.is_counter() => Type::GCounter,
        Type::EwFlag | Type::DwFlag => Type::Boolean,
        Type::GMap(kind) | Type::AwMap(kind) => Type::GMap(Box::new(growing(kind)?)),
        Type::Pair(kinds) => Type::Pair(Box::new((growing(&kinds.0)?, growing(&kinds.1)?))),
        Type::Window(window) if window.slide.is_none() => growing(&window.kind)?,
        Type::MaxInt | Type::MinInt | Type::Boolean | Type::TopK(_) => kind.clone(),
        _ => return None,
    })
}

/// The operation that adds to the growing one what this adds; none where it takes away, or is not written out.
pub(crate) fn also(kind: &Type, operation: &str) -> Option<String> {
    let operation = operation.trim();
    let parts = inside(operation, '{', '}').unwrap_or_default();
    let word = parts.first().copied().unwrap_or(operation);
    let third = |kind: &Type| also(kind, parts.get(2)?);
    let second = |kind: &Type| also(kind, parts.get(1)?);
    match (kind, word) {
        (Type::EwFlag | Type::DwFlag, "enable") => Some("true".to_owned()),
        (kind, "add" | "add_all") if kind.is_set() => Some(operation.to_owned()),
        (kind, "increment") if kind.is_counter() => Some(operation.to_owned()),
        (Type::GMap(kind) | Type::AwMap(kind), "apply") => {
            Some(format!("{{apply, {}, {}}}", parts.get(1)?, third(kind)?))
        }
        (Type::Pair(kinds), "fst") => Some(format!("{{fst, {}}}", second(&kinds.0)?)),
        (Type::Pair(kinds), "snd") => Some(format!("{{snd, {}}}", second(&kinds.1)?)),
        (Type::Window(window), "at") => third(&window.kind),
        (Type::MaxInt | Type::MinInt | Type::TopK(_), "set") | (Type::Boolean, "true") => Some(operation.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_told_apart_by_commas_that_stand_outside() {
        let call = "update(S, {add, f(\"a,b\", 'c)')})";
        assert_eq!(arguments(call), vec![(7, "S"), (10, "{add, f(\"a,b\", 'c)')}")]);
        assert_eq!(arguments("Name"), Vec::new());
    }

    #[test]
    fn edits_of_one_place_contradict_each_other() {
        let edit =
            |start, end, text: &str| Edit { span: Span { start, end, ..Span::default() }, text: text.to_owned() };
        let text = "A = 1. B = 2.";
        let made = apply(text, &[edit(11, 12, "3"), edit(0, 0, "C = 0. "), edit(4, 5, "7")]);
        assert_eq!(made.as_deref(), Some("C = 0. A = 7. B = 3."));
        assert_eq!(apply(text, &[edit(0, 5, ""), edit(4, 5, "7")]), None);
    }

    #[test]
    fn what_is_added_is_added_to_what_grows_too() {
        let map = Type::GMap(Box::new(Type::Counter));
        assert_eq!(also(&map, "{apply, {a, 1}, {increment, 3}}").as_deref(), Some("{apply, {a, 1}, {increment, 3}}"));
        assert_eq!(also(&map, "{apply, a, decrement}"), None);
        assert_eq!(also(&Type::EwFlag, "enable").as_deref(), Some("true"));
    }
}
