//! Golden programs: each `.lasp` file of `tests/golden/` and `examples/` says at its end, in comments, what it gives.
//!
//! Each runs in up to three modes with one expectation: **plain**, as a user runs it; **reprinted**, after it was parsed and
//! printed again; **replicas**, on three replicas on this machine. What a file can say:
//!
//! | comment | meaning |
//! |---|---|
//! | `%% expect: S = [1, 2]` | a final value, in every mode (`expect on 1:`, `expect on 3:` for one node or three) |
//! | `%% prints: text` | the next line printed, on one node; if there is one such line, these are all |
//! | `%% fails: E0301` | a code that is told; its first letters will do |
//! | `%% says: text` | what else stands among the diagnostics |
//! | `%% silent: why` | nothing goes to standard output |
//! | `%% exits: 1` | the exit code; 0 if nothing is said of failing |
//! | `%% run: --set a=1` | arguments (`run on 1:`, `run on 3:`) |
//! | `%% alone: why` | not on three replicas |
//! | `%% checked: why` | it is checked, by `lasp check`, and not run |
//! | `%% unprinted: why` | not reprinted |
//! | `%% together: why` | on three replicas only |
//!
//! Programs that are kept as others wrote them have theirs in a file beside them: `ad_counter.expect`.

mod support;

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use lasp::source::span::FileId;
use lasp::syntax::parser;
use lasp::syntax::print;
use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use support::Ran;
use support::files;
use support::run;
use support::shown;
use support::text;

/// How a program is run.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// As a user runs it.
    Plain,
    /// Parsed and printed first.
    Reprinted,
    /// On three replicas.
    Replicas,
}

const MODES: [(Mode, &str); 3] = [(Mode::Plain, "plain"), (Mode::Reprinted, "reprinted"), (Mode::Replicas, "replicas")];

/// What a file says of itself.
#[derive(Default)]
struct Expectation {
    finals: Vec<String>,
    prints: Vec<String>,
    fails: Vec<String>,
    says: Vec<String>,
    silent: bool,
    exits: Option<i32>,
    arguments: Vec<String>,
    alone: bool,
    together: bool,
    unprinted: bool,
    checked: bool,
}

impl Expectation {
    /// What the program at `path`, or the file beside it, says of a run in `mode`.
    fn of(path: &Path, mode: Mode) -> Result<Expectation, Failed> {
        let beside = path.with_extension("expect");
        Expectation::read(&text(if beside.is_file() { &beside } else { path }), mode)
    }

    fn read(text: &str, mode: Mode) -> Result<Expectation, Failed> {
        let mut expected = Expectation::default();
        for line in text.lines().filter_map(|line| line.strip_prefix("%% ")) {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            let key = match (key.strip_suffix(" on 1"), key.strip_suffix(" on 3")) {
                (Some(key), _) if mode != Mode::Replicas => key,
                (_, Some(key)) if mode == Mode::Replicas => key,
                (None, None) => key,
                _ => continue,
            };
            match key {
                "expect" => expected.finals.push(value),
                "prints" => expected.prints.push(value),
                "fails" => expected.fails.push(value),
                "says" => expected.says.push(value),
                "silent" => expected.silent = true,
                "exits" => expected.exits = Some(value.parse().map_err(|_| format!("`%% exits: {value}`"))?),
                "run" => expected.arguments.extend(value.split_whitespace().map(str::to_owned)),
                "alone" => expected.alone = true,
                "unprinted" => expected.unprinted = true,
                "checked" => expected.checked = true,
                "together" => expected.together = true,
                _ => {}
            }
        }
        Ok(expected)
    }

    /// What of a run is not as expected.
    fn differences(&self, ran: &Ran, mode: Mode) -> Vec<String> {
        let mut found = Vec::new();
        let lines: Vec<&str> = ran.stdout.lines().collect();
        for wanted in &self.finals {
            if !lines.contains(&wanted.as_str()) {
                let name = wanted.split(" = ").next().unwrap_or(wanted);
                let got = lines.iter().find(|line| line.starts_with(&format!("{name} = ")));
                found.push(format!("expected {wanted}\n     got {}", got.unwrap_or(&"nothing of that name")));
            }
        }
        if !self.prints.is_empty() && mode != Mode::Replicas {
            let printed = &lines[..self.prints.len().min(lines.len())];
            if printed != self.prints {
                found.push(format!("expected to be printed: {:#?}\n     got {printed:#?}", self.prints));
            }
        }
        // A message may quote the expectation, which stands near.
        let told: Vec<&str> = ran.stderr.lines().filter(|line| !line.contains("%% ")).collect();
        let unsaid = self.fails.iter().chain(&self.says).filter(|said| !told.iter().any(|line| line.contains(*said)));
        found.extend(unsaid.map(|said| format!("not told: {said}")));
        if self.silent && !ran.stdout.is_empty() {
            found.push("something was printed".to_owned());
        }
        let exits = self.exits.or(if self.fails.is_empty() { Some(0) } else { None });
        if exits.is_some_and(|exits| ran.code != Some(exits)) {
            found.push(format!("expected exit code {exits:?}, got {:?}", ran.code));
        }
        if ran.code == Some(101) || ran.code.is_none() {
            found.push("a bug in lasp".to_owned());
        }
        found
    }
}

/// Runs a program in a mode and compares.
fn check(path: &Path, mode: Mode) -> Result<(), Failed> {
    let program = text(path);
    let expected = Expectation::of(path, mode)?;
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lasp"));
    command.current_dir(folder).arg(if expected.checked { "check" } else { "run" });
    let stdin = match mode {
        Mode::Reprinted => {
            command.arg("-");
            reprinted(&program)?
        }
        Mode::Plain | Mode::Replicas => {
            command.arg(&name);
            String::new()
        }
    };
    if mode == Mode::Replicas {
        command.args(["--replicas", "3", "--timeout", "60s"]);
    }
    command.args(&expected.arguments);
    let ran = run(command, &stdin);
    let differences = expected.differences(&ran, mode);
    if differences.is_empty() {
        return Ok(());
    }
    let shown = if mode == Mode::Reprinted { stdin } else { String::new() };
    Err(format!("{}\n{}\n{}{}", differences.join("\n"), shown, ran.stdout, ran.stderr).into())
}

/// The program after it was parsed and printed. The expectation was read from the original, since trees have no comments.
fn reprinted(program: &str) -> Result<String, Failed> {
    let parsed = parser::parse(FileId::default(), program);
    let printed = print::print(&parsed.tree);
    let again = parser::parse(FileId::default(), &printed);
    if let Some(mistake) = again.diagnostics.first() {
        return Err(format!("what is printed does not parse: {}\n{printed}", mistake.title).into());
    }
    if print::print(&again.tree) != printed {
        return Err(format!("printed again, it differs:\n{printed}").into());
    }
    Ok(printed)
}

/// Whether a program makes sense in a mode.
fn applies(path: &Path, mode: Mode) -> bool {
    let Ok(expected) = Expectation::of(path, mode) else { return true };
    if expected.checked {
        return mode == Mode::Plain;
    }
    match mode {
        Mode::Plain => !expected.together,
        // What does not parse cannot be printed.
        Mode::Reprinted => !expected.together && !expected.unprinted && expected.exits != Some(3),
        Mode::Replicas => !expected.alone && expected.exits != Some(3),
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let paths: Vec<PathBuf> =
        files("examples", &[".lasp"]).into_iter().chain(files("tests/golden", &[".lasp"])).collect();
    let mut trials = Vec::new();
    for path in &paths {
        for (mode, name) in MODES.iter().filter(|(mode, _)| applies(path, *mode)) {
            let (path, mode) = (path.clone(), *mode);
            trials.push(Trial::test(format!("{}::{name}", shown(&path)), move || check(&path, mode)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
