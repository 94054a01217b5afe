//! What a function of the library's modules does, for messages: from its documentation.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::library::BUILTINS;
use crate::library::MODULES;

/// What there is to say of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// `lists:split/2`, also where a helper of it was asked for.
    pub title: String,
    /// What it does.
    pub text: String,
    /// An expression that is true.
    pub example: String,
}

static ALL: LazyLock<FxHashMap<String, About>> = LazyLock::new(|| {
    let mut all = FxHashMap::default();
    for row in BUILTINS.iter().filter(|row| row.pure) {
        let (text, example) = (row.documentation.to_owned(), row.example.to_owned());
        all.insert(row.title(), About { title: row.title(), text, example });
    }
    for (module, text) in MODULES.iter().filter(|(module, _)| *module != "prelude") {
        read(module, text, &mut all);
    }
    all
});

/// What a function of the library does, by its title such as `lists:split/2`. A helper is told as the documented function
/// above it, which calls it. Functions of `prelude` are not known: their titles could be a program's own.
#[must_use]
pub fn about(title: &str) -> Option<&'static About> {
    ALL.get(title)
}

/// Reads a module: functions stand under their documentation, their clauses and helpers under them.
fn read(module: &str, text: &str, all: &mut FxHashMap<String, About>) {
    let (mut words, mut example, mut inside) = (Vec::new(), String::new(), false);
    let mut last: Option<About> = None;
    for line in text.lines() {
        match line.strip_prefix("%%").map(str::trim) {
            Some("```lasp") => inside = true,
            Some("```") => inside = false,
            Some(expression) if inside => expression.clone_into(&mut example),
            Some(sentence) => words.push(sentence.to_owned()),
            None => {
                let Some(head) = head(line) else { continue };
                let title = format!("{module}:{head}");
                if !words.is_empty() {
                    let text = std::mem::take(&mut words).join(" ").trim().to_owned();
                    last = Some(About { title: title.clone(), text, example: std::mem::take(&mut example) });
                }
                if let Some(about) = &last {
                    all.entry(title).or_insert_with(|| about.clone());
                }
            }
        }
    }
}

/// `split/2` of a line that begins a clause, such as `split(N, [X | Rest]) ->`.
fn head(line: &str) -> Option<String> {
    let end = line.find('(').filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))?;
    let (mut depth, mut commas, mut any) = (0_u32, 0_u32, false);
    for c in line[end..].chars() {
        match c {
            '(' | '[' | '{' => {
                any |= depth > 0;
                depth += 1;
            }
            ')' | ']' | '}' if depth == 1 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 1 => commas += 1,
            c => any |= !c.is_whitespace(),
        }
    }
    Some(format!("{}/{}", &line[..end], if any { commas + 1 } else { 0 }))
}

#[cfg(test)]
mod tests {
    use crate::library::about;

    #[test]
    fn functions_and_their_helpers_are_known_by_their_documentation() {
        let split = about("lists:split/2").expect("there is one");
        assert_eq!(split.text, "The first N elements, which there must be, and the rest.");
        assert_eq!(split.example, "lists:split(1, [a, b, c]) == {[a], [b, c]}");
        assert_eq!(about("lists:split_loop/3"), Some(split));
        assert_eq!(about("lists:seq/2").map(|about| &*about.title), Some("lists:seq/2"));
        assert_eq!(about("queue:new/0").map(|about| &*about.title), Some("queue:new/0"));
        assert_eq!(about("apply/2"), None);
    }
}
