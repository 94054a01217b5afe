//! What can be typed besides the language: words after a colon.

/// What `:help` prints.
pub(super) const HELP: &str = "\
Type expressions and functions of the language; a text ends where it is complete, with or without its `.`.
  :help        this
  :vars        the names that are bound, with their values and what these take
  :load FILE   runs a program here
  :sync        takes the view of a server that has not seen all that is shown, where there is no other
  :quit        leaves, as Ctrl-D does
Ctrl-C gives up what is being typed or evaluated; Tab completes names.
`lasp explain CODE` explains a message.
";

/// The commands, as they are typed.
pub(super) const NAMES: &[&str] = &[":help", ":load", ":quit", ":sync", ":vars"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Vars,
    Sync,
    Load(String),
    Quit,
}

impl Command {
    /// `None` when `text` is no command but language; an error says what would be one.
    pub(super) fn read(text: &str) -> Option<Result<Command, String>> {
        let text = text.trim();
        let word = text.strip_prefix(':')?;
        let (word, rest) = word.split_once(char::is_whitespace).unwrap_or((word, ""));
        let rest = rest.trim();
        Some(match (word, rest) {
            ("help" | "h" | "?", "") => Ok(Command::Help),
            ("vars" | "v", "") => Ok(Command::Vars),
            ("sync", "") => Ok(Command::Sync),
            ("quit" | "q" | "exit", "") => Ok(Command::Quit),
            ("load" | "l", "") => Err(":load wants a file".into()),
            ("load" | "l", file) => Ok(Command::Load(file.trim_matches('"').to_owned())),
            (word, _) => Err(unknown(word)),
        })
    }
}

fn unknown(word: &str) -> String {
    let typed = format!(":{word}");
    let near = NAMES.iter().map(|name| (strsim::damerau_levenshtein(name, &typed), *name)).min();
    match near {
        Some((distance, name)) if distance <= 2 && name != typed => {
            format!("there is no command `{typed}`; did you mean `{name}`?")
        }
        Some((0, name)) => format!("{name} stands alone"),
        _ => format!("there is no command `{typed}`; `:help` lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_the_language() {
        assert_eq!(Command::read("S1 = declare(set)"), None);
        assert_eq!(Command::read(" :load my file.lasp "), Some(Ok(Command::Load("my file.lasp".into()))));
        assert_eq!(Command::read(":q"), Some(Ok(Command::Quit)));
        let help = Command::read(":varz").and_then(Result::err).unwrap_or_default();
        assert!(help.contains("`:vars`"), "{help}");
    }
}
