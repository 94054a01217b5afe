//! `lasp explain`: the long form of a code, or the list of all.

use std::fmt::Write;

use clap::ColorChoice;

use crate::cli::arguments::Explain;
use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::source::codes;
use crate::source::codes::Example;
use crate::source::codes::Explanation;

/// Prints it; a code that does not exist is wrong usage.
#[must_use]
pub fn run(arguments: &Explain, color: ColorChoice) -> Exit {
    let out = Out::new(color, false, false);
    let Some(code) = &arguments.code else {
        let mut all: Vec<&Explanation> = codes::all().collect();
        all.sort_by_key(|entry| entry.code);
        let list: String = all.into_iter().fold(String::new(), |mut list, entry| {
            let _ = writeln!(list, "{}  {}", entry.code, entry.title);
            list
        });
        out.data(&list);
        return Exit::Done;
    };
    if let Some(found) = codes::explain(code) {
        out.data(&long(found));
        return Exit::Done;
    }
    let wanted = code.to_ascii_uppercase();
    let near = codes::all().map(|entry| (strsim::damerau_levenshtein(entry.code, &wanted), entry.code)).min();
    let help = match near {
        Some((distance, near)) if distance <= 2 => format!("Did you mean `{near}`?"),
        _ => "`lasp explain` lists all codes.".to_owned(),
    };
    out.error(None, "E0803", &format!("there is no code `{code}`"), &help);
    Exit::Usage
}

/// A code's long form, with its examples.
#[must_use]
pub fn long(entry: &Explanation) -> String {
    let mut text = format!("{}: {}\n\n{}\n", entry.code, entry.title, entry.text.trim());
    match entry.example {
        Example::Program { wrong, right } => {
            shown(&mut text, "This gets it:", wrong);
            shown(&mut text, "This does not:", right);
        }
        Example::Session(typed) => shown(&mut text, "This brings it about, in an empty folder:", typed),
        Example::Test { file, name } => {
            let _ = write!(
                text,
                "\nNo few commands bring it about. This test does, in {file} of lasp's source:\n\n    {name}\n"
            );
        }
    }
    text
}

fn shown(text: &mut String, title: &str, example: &str) {
    let _ = write!(text, "\n{title}\n\n");
    for line in example.trim_end().lines() {
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
}
