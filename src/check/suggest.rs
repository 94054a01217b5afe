//! Did you mean.

use rustc_hash::FxHashMap;

/// With how many names, in all, those are compared that nothing has in one text: a text with thousands of them is not the one that
/// somebody has just typed.
const COMPARED_MAX: usize = 500_000;

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

/// What was found for names that nothing has, so that each is looked for once and all together in bounded time.
#[derive(Default)]
pub(super) struct Meant {
    compared: usize,
    /// By what a call says: the module, the name, and how many arguments.
    functions: FxHashMap<(Option<String>, String, usize), Option<String>>,
}

impl Meant {
    /// Whether one more name is to be compared with so many others.
    pub(super) fn is_worth(&mut self, others: usize) -> bool {
        self.compared = self.compared.saturating_add(others);
        self.compared <= COMPARED_MAX
    }

    /// What was found for a function; none where nobody has looked.
    pub(super) fn function(&self, module: Option<&str>, name: &str, arity: usize) -> Option<&Option<String>> {
        self.functions.get(&(module.map(str::to_owned), name.to_owned(), arity))
    }

    /// Notes what was found.
    pub(super) fn found(&mut self, module: Option<&str>, name: &str, arity: usize, found: Option<String>) {
        self.functions.insert((module.map(str::to_owned), name.to_owned(), arity), found);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nothing_has_are_compared_with_all_others_for_a_bounded_time() {
        let mut meant = Meant::default();
        let searched = (0..10_000).filter(|_| meant.is_worth(10_000)).count();
        assert_eq!(searched, 50);
        assert_eq!(meant.function(Some("lists"), "revers", 1), None);
        meant.found(Some("lists"), "revers", 1, Some("lists:reverse".to_owned()));
        assert_eq!(meant.function(Some("lists"), "revers", 1), Some(&Some("lists:reverse".to_owned())));
        assert_eq!(meant.function(None, "revers", 1), None);
    }
}
