//! `lasp test`: finds tests, runs each apart from the others, and tells what came of them.

mod cluster;
mod example;
mod find;
mod judge;
mod report;
mod single;

use std::path::Path;
use std::path::PathBuf;

use clap::ColorChoice;

use crate::cli::arguments;
use crate::cli::exit::Exit;
use crate::cli::out::Out;
use crate::cli::program::Program;
use crate::cli::program::summary;
use crate::cli::shell::quoted;
use crate::cli::test::example::Example;
use crate::cli::test::find::Kind;
use crate::cli::test::find::Test;
use crate::cli::test::judge::CALL;
use crate::cli::test::judge::Verdict;
use crate::cli::test::report::Outcome;
use crate::cli::test::report::Report;
use crate::compile::Session;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::vm::Unit;

/// How many million steps a test on one node may take, unless told otherwise.
const STEPS_MAX: u32 = 20;

/// A program that checks, ready to be run again and again.
struct Compiled {
    session: Session,
    library: Unit,
    unit: Unit,
}

/// Runs the tests of all files; the gravest outcome is the exit code.
#[must_use]
pub fn run(arguments: &arguments::Test, color: ColorChoice) -> Exit {
    let out = Out::new(color, arguments.json, false);
    let paths = if arguments.paths.is_empty() { vec![PathBuf::from(".")] } else { arguments.paths.clone() };
    let files = match find::files(&paths) {
        Ok(files) => files,
        Err(error) => {
            out.error(None, "E0801", &format!("a folder cannot be read: {error}"), "");
            return Exit::Usage;
        }
    };
    let mut run = Run { arguments, out: &out, report: Report::new(&out), exit: Exit::Done, left_out: 0 };
    for file in &files {
        run.file(file);
    }
    let filter = arguments.filter.as_deref().filter(|_| run.report.is_empty() && run.left_out > 0);
    if let Some(filter) = filter {
        let title = format!("none of {} tests has `{filter}` in its name", run.left_out);
        out.error(None, "E0811", &title, "a name is that of the file, a colon, a space and that of the test");
        run.graver(Exit::Usage);
    }
    run.report.end(run.exit == Exit::Done);
    if run.exit == Exit::Done && run.report.failed() { Exit::Failed } else { run.exit }
}

struct Run<'a> {
    arguments: &'a arguments::Test,
    out: &'a Out,
    report: Report<'a>,
    exit: Exit,
    /// How many tests the filter has left out.
    left_out: usize,
}

impl Run<'_> {
    fn file(&mut self, path: &Path) {
        let program = match Program::read(self.out, path) {
            Ok(program) => program,
            Err(exit) => return self.graver(exit),
        };
        let markdown = find::is_markdown(path);
        let mut tests = if markdown { find::in_markdown(&program.text) } else { find::in_program(&program.text) };
        let found = tests.len();
        tests.retain(|test| self.wanted(&program, test));
        self.left_out += found - tests.len();
        if tests.is_empty() {
            // A program without tests is not run, but one that does not even check is no program that passes.
            let all = !markdown && self.arguments.filter.is_none();
            if all && self.compiled(&program.name, &program.text).is_none() {
                self.graver(Exit::Unsound);
            }
            return;
        }
        let text = if markdown { "" } else { &program.text };
        let Some(compiled) = self.compiled(&program.name, text) else { return self.graver(Exit::Unsound) };
        self.report.file(&program.name);
        for test in &tests {
            self.test(&program, &compiled, test);
        }
    }

    fn wanted(&self, program: &Program, test: &Test) -> bool {
        let Some(filter) = &self.arguments.filter else { return true };
        format!("{}: {}", program.name, test.name).contains(filter.as_str())
    }

    /// A program that does not check has all its mistakes told.
    fn compiled(&self, name: &str, text: &str) -> Option<Compiled> {
        let (mut session, library) = Session::new();
        let (told, unit) = match session.program(name, text) {
            Ok((unit, warnings)) => (warnings, Some(unit)),
            Err(told) => (told, None),
        };
        for diagnostic in &told {
            self.out.diagnostic(None, &session.files, diagnostic);
        }
        summary(self.out, told.iter().filter(|told| told.severity == Severity::Error).count());
        unit.map(|unit| Compiled { session, library, unit })
    }

    fn test(&mut self, program: &Program, compiled: &Compiled, test: &Test) {
        let outcome = match (&test.kind, self.arguments.replicas) {
            (Kind::Parameters, _) => Outcome::Ignored("a test takes no arguments"),
            (Kind::Example(example), _) if example.ignored => Outcome::Ignored("it is marked as ignored"),
            (Kind::Example(_), Some(_)) => Outcome::Ignored("an example is for one node"),
            (Kind::Example(example), None) => {
                let run = |example: &Example| {
                    single::run(program, compiled, &program.name, (&example.text, example.forms), self.steps())
                };
                let mut ran = run(example);
                ran.refused = judge::refused(example, &ran);
                if let Some(form) = ran.refused {
                    // What stands before it is compared all the same.
                    let before = run(&example.before(form));
                    let new =
                        before.reports.into_iter().filter(|report| !ran.reports.contains(report)).collect::<Vec<_>>();
                    ran.reports.extend(new);
                    (ran.values, ran.prints) = (before.values, before.prints);
                }
                Outcome::of(judge::example(example, &program.name, ran))
            }
            (Kind::Function(name), None) => {
                let ran = single::run(program, compiled, CALL, (&format!("{name}()."), 1), self.steps());
                Outcome::of(judge::function(ran))
            }
            (Kind::Function(name), Some(nodes)) => self.simulated(program, compiled, test, name, nodes),
        };
        self.report.test(&program.name, test, &outcome.named(test));
    }

    /// How many million steps a test on one node may take.
    fn steps(&self) -> u32 {
        self.arguments.steps.unwrap_or(STEPS_MAX)
    }

    /// The first seed with which the test fails counts.
    fn simulated(&self, program: &Program, compiled: &Compiled, test: &Test, name: &str, nodes: u32) -> Outcome {
        for seed in (self.arguments.seed..=u64::MAX).take(usize::try_from(self.arguments.runs).unwrap_or(usize::MAX)) {
            let verdict = judge::function(cluster::run(program, compiled, name, (nodes, seed), self.arguments.steps));
            if !verdict.failures.is_empty() {
                let file = quoted(&program.name);
                let filter = quoted(&format!(": {}", test.name));
                let mut again = format!("lasp test {file} --filter {filter} --replicas {nodes} --seed {seed}");
                if let Some(steps) = self.arguments.steps {
                    again.push_str(&format!(" --steps {steps}"));
                }
                return Outcome::Failed(verdict, Some(again));
            }
        }
        Outcome::Ok
    }

    /// Usage before what does not check, before all else.
    fn graver(&mut self, exit: Exit) {
        if self.exit != Exit::Usage {
            self.exit = exit;
        }
    }
}

impl Outcome {
    /// Says which test it is that does not come to an end: the messages of all tests stand below each other.
    fn named(mut self, test: &Test) -> Outcome {
        let name = match test.kind {
            Kind::Example(_) => format!("the {}", test.name),
            Kind::Function(_) | Kind::Parameters => format!("`{}`", test.name),
        };
        if let Outcome::Failed(verdict, _) = &mut self {
            for failure in verdict.failures.iter_mut().filter(|failure| matches!(failure.code, "E0701" | "E0702")) {
                if let Some(rest) = failure.title.strip_prefix("the test ") {
                    failure.title = format!("{name} {rest}");
                }
            }
        }
        self
    }

    fn of(verdict: Verdict) -> Outcome {
        if verdict.failures.is_empty() { Outcome::Ok } else { Outcome::Failed(verdict, None) }
    }
}

/// The codes of failures, for the summary of one line.
fn codes(failures: &[Diagnostic]) -> String {
    let mut codes: Vec<&str> = failures.iter().map(|failure| failure.code).collect();
    codes.dedup();
    codes.join(", ")
}
