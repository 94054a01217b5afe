//! The command line: what is typed goes in, an exit code comes out. Holds no rule of the language.

pub mod arguments;
pub mod check;
pub mod coordination;
pub mod data;
pub mod doc;
pub mod doctor;
pub mod driver;
pub mod effects;
pub mod exit;
pub mod explain;
pub mod folder;
pub mod json;
pub mod keys;
pub mod ledger;
pub mod literal;
pub mod out;
mod overdue;
mod panic;
pub mod program;
pub mod repl;
pub mod replicas;
pub mod run;
pub mod shell;
mod signals;
pub mod sim;
mod standing;
mod stdout;
pub mod test;
pub mod values;

use std::process::ExitCode;
use std::thread;

use clap::Parser;

use crate::cli::arguments::Arguments;
use crate::cli::arguments::Verb;
use crate::cli::driver::STACK_BYTES;
use crate::cli::exit::Exit;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    panic::install();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A reader that is gone is no error of ours.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    // Programs and terms may be nested deeper than the main thread's stack, whose size the system chooses, is good for.
    let work = thread::Builder::new().name("lasp".into()).stack_size(STACK_BYTES).spawn(move || act(&arguments));
    match work.map(thread::JoinHandle::join) {
        Ok(Ok(Exit::Done)) if stdout::is_incomplete() => Exit::Failed.into(),
        Ok(Ok(exit)) => exit.into(),
        // The panic hook has said what there is to say.
        _ => Exit::Bug.into(),
    }
}

fn act(arguments: &Arguments) -> Exit {
    let exit = match &arguments.verb {
        Verb::Run(run) => run::run(run, arguments.color),
        Verb::Check(check) => check::run(check, arguments.color),
        Verb::Sim(sim) => sim::run(sim, arguments.color),
        Verb::Test(test) => test::run(test, arguments.color),
        Verb::Doc(doc) => doc::run(doc, arguments.color),
        Verb::Explain(explain) => explain::run(explain, arguments.color),
        Verb::Doctor(doctor) => doctor::run(doctor, arguments.color),
        Verb::Keys(keys) => keys::run(keys, arguments.color),
        Verb::Repl(repl) => repl::run(repl, arguments.color),
        Verb::Data(data) => data::run(data, arguments.color),
    };
    stdout::finish();
    exit
}
