//! Names for the Tab key: what the session knows, the library, the commands.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::cli::repl::command;
use crate::compile::Session;
use crate::value::RESERVED;

/// The names that are known now; shared with the thread of the editor.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<Vec<String>>>);

impl Names {
    /// Takes over what the session knows.
    pub(super) fn set(&self, session: &Session) {
        let mut names: Vec<String> = session.globals().to_vec();
        names.extend(session.environment.names_for_completion());
        names.extend(RESERVED.iter().map(|word| (*word).to_owned()));
        names.sort();
        names.dedup();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Where the word that ends at byte `at` starts, and the names that go on from it.
    pub(super) fn matching(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        if before.trim_start().starts_with(':') && !before.trim().contains(char::is_whitespace) {
            let start = before.len() - before.trim_start().len();
            let word = &before[start..];
            let found = command::NAMES.iter().filter(|name| name.starts_with(word));
            return (start, found.map(|name| (*name).to_owned()).collect());
        }
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == '@' || c == ':';
        let start = before.char_indices().rev().take_while(|(_, c)| part(*c)).last().map_or(before.len(), |(at, _)| at);
        let word = &before[start..];
        if word.is_empty() {
            return (start, Vec::new());
        }
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (start, names.iter().filter(|name| name.starts_with(word)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_cursor_is_completed() {
        let names = Names::default();
        *names.0.lock().expect("unused") = ["Total", "lists:map", "length"].map(str::to_owned).to_vec();
        assert_eq!(names.matching("X + To", 6), (4, vec!["Total".to_owned()]));
        assert_eq!(names.matching("lists:m", 7), (0, vec!["lists:map".to_owned()]));
        assert_eq!(names.matching(":v", 2), (0, vec![":vars".to_owned()]));
        assert_eq!(names.matching("f(", 2), (2, vec![]));
    }
}
