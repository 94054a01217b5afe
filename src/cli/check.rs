//! `lasp check`: parses and checks programs without running them.

use clap::ColorChoice;

use crate::cli::arguments::Check;
use crate::cli::coordination;
use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::cli::program::Program;
use crate::cli::program::summary;
use crate::compile::Session;
use crate::source::diagnostic::Severity;

/// Checks each file on its own; the gravest outcome is the exit code.
#[must_use]
pub fn run(arguments: &Check, color: ColorChoice) -> Exit {
    let out = Out::new(color, arguments.json, false);
    let mut exit = Exit::Done;
    let mut mistakes = 0;
    for path in &arguments.files {
        let program = match Program::read(&out, path) {
            Ok(program) => program,
            Err(wrong) => {
                exit = wrong;
                continue;
            }
        };
        let (mut session, _) = Session::new();
        let (told, sound) = match session.program(&program.name, &program.text) {
            Ok((_, warnings)) => (warnings, true),
            Err(told) => (told, false),
        };
        for diagnostic in &told {
            mistakes += usize::from(diagnostic.severity == Severity::Error);
            out.diagnostic(None, &session.files, diagnostic);
        }
        if !sound && exit == Exit::Done {
            exit = Exit::Unsound;
        }
        if sound {
            let also = coordination::check(&out, arguments, &program);
            if exit == Exit::Done {
                exit = also;
            }
        }
    }
    summary(&out, mistakes);
    exit
}
