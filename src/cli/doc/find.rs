//! What a name means.

use crate::cli::doc::collect::Entry;
use crate::cli::doc::collect::Kind;

/// The shortest word that is looked for within names.
const WORD_MIN: usize = 3;
/// The most names that are offered.
const OTHERS_MAX: usize = 8;

/// What was found.
pub(super) enum Found<'e> {
    /// Entries of just this name, and the titles of others that it could mean.
    Entries { entries: Vec<&'e Entry>, also: Vec<String> },
    /// All of a module.
    Module(&'e str, Vec<&'e Entry>),
    /// Nothing; what could be meant.
    Nothing(String),
}

/// Looks a name up: `lists:map/2`, `lists:map`, `map/2`, `map`, `lists`, `set`, `state_gcounter`.
pub(super) fn find<'e>(all: &'e [Entry], name: &str) -> Found<'e> {
    let name = name.trim();
    let bare = name.strip_prefix("state_").unwrap_or(name);
    let exact: Vec<&Entry> = all
        .iter()
        .filter(|entry| is_called(entry, name) || (entry.kind == Kind::Type && is_alias(entry, bare)))
        .collect();
    let also: Vec<String> = all
        .iter()
        .filter(|entry| entry.module.is_some() && is_called_without_module(entry, name))
        .map(Entry::title)
        .collect();
    if !exact.is_empty() {
        return Found::Entries { entries: exact, also };
    }
    let module: Vec<&Entry> = all.iter().filter(|entry| entry.module.as_deref() == Some(name)).collect();
    if let Some(module_name) = module.first().and_then(|entry| entry.module.as_deref()) {
        return Found::Module(module_name, module);
    }
    let loose: Vec<&Entry> = all.iter().filter(|entry| is_called_without_module(entry, name)).collect();
    if !loose.is_empty() {
        return Found::Entries { entries: loose, also: Vec::new() };
    }
    Found::Nothing(help(all, name))
}

/// Whether it is `name`, with or without its arity.
fn is_called(entry: &Entry, name: &str) -> bool {
    let title = entry.title();
    let without = title.rsplit_once('/').map_or(title.as_str(), |(before, _)| before);
    title == name || without == name
}

fn is_called_without_module(entry: &Entry, name: &str) -> bool {
    let arity = entry.arity.map(|arity| format!("{}/{arity}", entry.name));
    entry.name == name || arity.as_deref() == Some(name)
}

fn is_alias(entry: &Entry, name: &str) -> bool {
    let names = entry.facts.iter().filter(|(heading, _)| *heading == "Other names").flat_map(|(_, names)| names);
    entry.name == name || names.into_iter().any(|alias| alias.trim_matches('`') == name)
}

fn help(all: &[Entry], name: &str) -> String {
    let without = name.rsplit_once('/').map_or(name, |(before, _)| before);
    let mut candidates: Vec<String> = Vec::new();
    for entry in all {
        let title = entry.title();
        candidates.push(title.rsplit_once('/').map_or(title.as_str(), |(before, _)| before).to_owned());
        candidates.push(entry.name.clone());
        candidates.extend(entry.module.clone());
    }
    candidates.sort();
    candidates.dedup();
    let near = candidates.iter().map(|known| (strsim::damerau_levenshtein(known, without), known)).min();
    if let Some((distance, known)) = near
        && distance <= 1 + without.chars().count() / 4
    {
        return format!("did you mean `{known}`?");
    }
    // `lasp doc timeout`: what has the word in its name.
    let word = without.rsplit_once(':').map_or(without, |(_, function)| function).to_lowercase();
    let holds = |known: &&String| word.chars().count() >= WORD_MIN && known.to_lowercase().contains(&word);
    let others: Vec<String> =
        candidates.iter().filter(holds).take(OTHERS_MAX).map(|known| format!("`{known}`")).collect();
    match &*others {
        [] => "`lasp doc` lists what there is.".to_owned(),
        others => format!("names with this word in them: {}; `lasp doc` lists what there is.", others.join(", ")),
    }
}
