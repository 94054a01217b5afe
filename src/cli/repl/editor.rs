//! Lines from a terminal: an editor with history and completion, on a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use rustyline::Config;
use rustyline::Context;
use rustyline::Editor;
use rustyline::ExternalPrinter;
use rustyline::Helper;
use rustyline::Highlighter;
use rustyline::Hinter;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::validate::ValidationContext;
use rustyline::validate::ValidationResult;
use rustyline::validate::Validator;

use crate::cli::driver::Control;
use crate::cli::exit::Exit;
use crate::cli::folder;
use crate::cli::out::Out;
use crate::cli::out::Printer;
use crate::cli::repl::Reader;
use crate::cli::repl::batch::blank;
use crate::cli::repl::complete::Names;
use crate::net::keyfile::make_private_folder;
use crate::syntax::is_incomplete;

const PROMPT: &str = "lasp> ";
const HISTORY_ENTRIES_MAX: usize = 2000;

/// The editor.
pub(super) type Lines = Editor<Assistant, DefaultHistory>;

/// Writes above the line that is being typed.
#[derive(Clone)]
pub(super) struct Above(Arc<Mutex<Box<dyn ExternalPrinter + Send>>>);

impl Above {
    pub(super) fn into_printer(self) -> Printer {
        Box::new(move |text| {
            // A terminal that is gone shows nothing more.
            let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).print(text);
        })
    }
}

/// What helps while a line is typed.
#[derive(Helper, Hinter, Highlighter)]
pub(super) struct Assistant {
    names: Names,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.names.matching(line, at))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let more = !text.trim_start().starts_with(':') && is_incomplete(text);
        Ok(if more { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// Opens the terminal.
///
/// # Errors
/// When it cannot be read.
pub(super) fn open(out: &Out, names: &Names) -> Result<(Lines, Option<Above>), Exit> {
    let config =
        Config::builder().max_history_size(HISTORY_ENTRIES_MAX).map(|config| config.auto_add_history(false).build());
    let mut editor: Lines = config.and_then(Editor::with_config).map_err(|error| {
        out.error(None, "E0801", &format!("the terminal cannot be read: {error}"), "");
        Exit::Usage
    })?;
    editor.set_helper(Some(Assistant { names: names.clone() }));
    // A simple terminal cannot write above the line; then lines are written as they come.
    let printer = editor.create_external_printer().ok();
    let above =
        printer.map(|printer| Above(Arc::new(Mutex::new(Box::new(printer) as Box<dyn ExternalPrinter + Send>))));
    Ok((editor, above))
}

/// Starts the reader; it ends with Ctrl-D.
pub(super) fn start(mut editor: Lines, reader: Reader) {
    std::thread::spawn(move || {
        let history = history();
        if let Some(history) = &history {
            // The first time there is none.
            let _ = editor.load_history(history);
        }
        read(&mut editor, &reader, history.as_ref());
        let _ = reader.lines.send(Control::Closed);
    });
}

fn read(editor: &mut Lines, reader: &Reader, history: Option<&PathBuf>) {
    while reader.ready.recv().is_ok() {
        let text = loop {
            match editor.readline(PROMPT) {
                Ok(text) if blank(&text) => {}
                Ok(text) => break text,
                Err(ReadlineError::Interrupted) => {}
                Err(_) => return,
            }
        };
        let _ = editor.add_history_entry(text.as_str());
        if let Some(history) = history {
            // A history that cannot be kept is no reason to stop.
            let _ = editor.append_history(history);
        }
        if reader.lines.send(Control::Typed(text)).is_err() {
            return;
        }
    }
}

/// The file of the history; its folder is made, readable by the user alone.
fn history() -> Option<PathBuf> {
    let folder = folder::configuration()?;
    make_private_folder(&folder).ok()?;
    Some(folder.join("history"))
}
