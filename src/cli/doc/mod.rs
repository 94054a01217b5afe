//! `lasp doc`: what the language has, from the one table of built-ins, the library's own comments and the table of types; and
//! the documentation of any program.

mod collect;
mod find;
mod show;

use std::path::Path;

use clap::ColorChoice;

use crate::cli::arguments::Doc;
use crate::cli::arguments::Format;
use crate::cli::doc::find::Found;
use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::cli::program::Program;

/// Prints what is asked for; a name that there is not is wrong usage.
#[must_use]
pub fn run(arguments: &Doc, color: ColorChoice) -> Exit {
    let out = Out::new(color, false, false);
    let all = collect::library();
    let format = match (arguments.json, arguments.markdown) {
        (true, _) => Format::Json,
        (_, true) => Format::Markdown,
        _ => arguments.format,
    };
    let Some(name) = &arguments.name else {
        out.data(&match format {
            Format::Text => show::overview(&all),
            Format::Markdown => show::reference(&all),
            Format::Json => show::json(&all.iter().collect::<Vec<_>>()),
        });
        return Exit::Done;
    };
    if is_file(name) {
        let program = match Program::read(&out, Path::new(name)) {
            Ok(program) => program,
            Err(exit) => return exit,
        };
        let (intro, entries) = collect::program(&program.text);
        if entries.is_empty() && intro.is_empty() {
            out.status(&format!(
                "{name} has no functions: `%%` lines directly above a function or a variable are its documentation"
            ));
        }
        let title =
            Path::new(name).file_name().map_or_else(|| name.clone(), |name| name.to_string_lossy().into_owned());
        out.data(&match format {
            Format::Text => show::text_of_program(&intro, &entries),
            Format::Markdown => show::markdown_of_program(&title, &intro, &entries),
            Format::Json => show::json_of_program(&title, &intro, &entries.iter().collect::<Vec<_>>()),
        });
        return Exit::Done;
    }
    match find::find(&all, name) {
        Found::Entries { entries, also } => out.data(&match format {
            Format::Text => show::text(&entries, &also),
            Format::Markdown => show::markdown(&entries, 2),
            Format::Json => show::json(&entries),
        }),
        Found::Module(module, entries) => out.data(&match format {
            Format::Text => show::module(module, &entries),
            Format::Markdown => format!("## `{module}`\n\n{}", show::markdown(&entries, 3)),
            Format::Json => show::json(&entries),
        }),
        Found::Nothing(help) => {
            out.error(None, "E0707", &format!("there is no documentation of `{name}`"), &help);
            return Exit::Usage;
        }
    }
    Exit::Done
}

/// Whether a file is meant, and not a name.
fn is_file(name: &str) -> bool {
    name == "-"
        || Path::new(name).extension().is_some_and(|end| end == "lasp")
        || name.contains(std::path::MAIN_SEPARATOR) && Path::new(name).is_file()
}
