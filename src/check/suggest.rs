//! Did you mean.

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

/// `2`, or `1 and 2`.
pub(super) fn and(numbers: &[u8], name: &str) -> String {
    let shown: Vec<String> = numbers.iter().map(|arity| format!("`{name}/{arity}`")).collect();
    match &*shown {
        [] => String::new(),
        [only] => format!("{only} does"),
        [firsts @ .., last] => format!("{} and {last} do", firsts.join(", ")),
    }
}
