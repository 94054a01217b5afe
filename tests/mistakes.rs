//! What a beginner who comes from Erlang, Python, JavaScript, Elixir, Rust or SQL gets to read: each program of `tests/mistakes/` makes a mistake
//! (those named `right_` make none, and nothing is said of them), and the file of its name that ends in `.expected` has all of standard error, and the exit code.
//!
//! `UPDATE=1 cargo test --test mistakes` writes these files anew. Read the difference before you commit it: each message names the
//! thing in plain words, places it exactly, and says what to write instead; one mistake gives one message.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads and writes files, and its mode is told by the environment"
)]

mod support;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use support::files;
use support::root;
use support::run;
use support::shown;

/// The fewest programs that there are to be.
const PROGRAMS_MIN: usize = 370;

fn told(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lasp"));
    command.current_dir(root().join("tests/mistakes")).args(["run", &name]);
    let ran = run(command, "");
    format!("{}exit code {}\n", ran.stderr, ran.code.unwrap_or(-1))
}

fn check(path: &Path) -> Result<(), Failed> {
    let told = told(path);
    let expected = path.with_extension("expected");
    let right = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("right_"));
    if right && told != "exit code 0\n" {
        return Err(format!("a false alarm:\n{told}").into());
    }
    if env::var_os("UPDATE").is_some() {
        return fs::write(&expected, told).map_err(|error| error.to_string().into());
    }
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    if told == wanted {
        return Ok(());
    }
    Err(format!("expected:\n{wanted}\ngot:\n{told}\n(UPDATE=1 takes it over)").into())
}

fn main() {
    let arguments = Arguments::from_args();
    let paths = files("tests/mistakes", &[".lasp"]);
    assert!(paths.len() >= PROGRAMS_MIN, "programs are missing from tests/mistakes");
    let trials = paths.into_iter().map(|path| Trial::test(shown(&path), move || check(&path))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
