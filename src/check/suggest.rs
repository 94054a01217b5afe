//! Did you mean.

/// How much of a word says which one is meant.
const BEGINNING_MIN: usize = 3;

/// The candidate nearest to `name`, if one is near enough to be a slip of the finger.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    let distance = |candidate: &str| {
        if candidate.eq_ignore_ascii_case(name) { 0 } else { strsim::damerau_levenshtein(name, candidate) }
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name && candidate.len().abs_diff(name.len()) <= allowed + 3)
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// The shortest candidate that `name` is the beginning of: a word that was cut off.
#[must_use]
pub(super) fn longer<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let cut = |candidate: &&str| name.len() >= BEGINNING_MIN && candidate.starts_with(name) && *candidate != name;
    candidates.into_iter().filter(cut).min_by_key(|candidate| (candidate.len(), *candidate))
}

/// `2`, or `1 and 2`.
pub(super) fn and(numbers: &[u8], name: &str) -> String {
    let shown: Vec<String> = numbers.iter().map(|arity| format!("`{name}/{arity}`")).collect();
    match &*shown {
        [] => String::new(),
        [only] => format!("{only} does"),
        [firsts @ .., last] => format!("{} and {last} do", firsts.join(", ")),
    }
}
