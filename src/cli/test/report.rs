//! What a run of tests tells: a line for each, what is wrong, and a count at the end.

use crate::cli::json::Line;
use crate::cli::json::array;
use crate::cli::out::Out;
use crate::cli::test::codes;
use crate::cli::test::find::Kind;
use crate::cli::test::find::Test;
use crate::cli::test::judge::Verdict;
use crate::source::render;

/// The most lines of what a failed test printed that are shown.
const PRINTS_MAX: usize = 20;

/// What came of a test.
pub(super) enum Outcome {
    Ok,
    /// Why, and how to see it again where chance had a part in it.
    Failed(Verdict, Option<String>),
    /// Why it was not run.
    Ignored(&'static str),
}

/// See the module.
pub(super) struct Report<'a> {
    out: &'a Out,
    passed: u64,
    failures: Vec<String>,
    ignored: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a Out) -> Report<'a> {
        Report { out, passed: 0, failures: Vec::new(), ignored: 0 }
    }

    /// Whether nothing was run or left.
    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.ignored == 0 && self.failures.is_empty()
    }

    pub(super) fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The tests of this file follow.
    pub(super) fn file(&self, name: &str) {
        if !self.out.json() {
            self.out.data(&format!("{name}\n"));
        }
    }

    pub(super) fn test(&mut self, file: &str, test: &Test, outcome: &Outcome) {
        match outcome {
            Outcome::Ok => self.passed += 1,
            Outcome::Failed(verdict, _) => {
                self.failures.push(format!("{file}: {} ({})", test.name, codes(&verdict.failures)));
            }
            Outcome::Ignored(_) => self.ignored += 1,
        }
        if self.out.json() {
            self.event(file, test, outcome);
        } else {
            self.line(test, outcome);
        }
    }

    fn event(&self, file: &str, test: &Test, outcome: &Outcome) {
        let kind = match test.kind {
            Kind::Function(_) | Kind::Parameters => "function",
            Kind::Example(_) => "example",
        };
        let line = Line::new("test").text("name", &test.name).text("kind", kind).text("file", file);
        let line = line.number("line", u64::from(test.line));
        self.out.event(match outcome {
            Outcome::Ok => line.text("outcome", "ok"),
            Outcome::Ignored(why) => line.text("outcome", "ignored").text("reason", why),
            Outcome::Failed(verdict, again) => {
                let failures = verdict.failures.iter();
                let failures: Vec<String> =
                    failures.map(|failure| render::json(failure, &verdict.files).to_string()).collect();
                let line = line.text("outcome", "failed").raw("failures", &array(&failures));
                line.text("printed", &verdict.prints).maybe("repeat", again.as_deref())
            }
        });
    }

    fn line(&self, test: &Test, outcome: &Outcome) {
        match outcome {
            Outcome::Ok => self.out.data(&format!("  ok      {}\n", test.name)),
            Outcome::Ignored(why) => self.out.data(&format!("  ignored {}: {why}\n", test.name)),
            Outcome::Failed(verdict, again) => {
                self.out.data(&format!("  FAILED  {}\n", test.name));
                for failure in &verdict.failures {
                    self.out.diagnostic(None, &verdict.files, failure);
                }
                let lines: Vec<&str> = verdict.prints.lines().collect();
                for line in lines.iter().take(PRINTS_MAX) {
                    self.out.status(&format!("  it printed: {line}"));
                }
                if lines.len() > PRINTS_MAX {
                    self.out.status(&format!("  it printed {} more lines", lines.len() - PRINTS_MAX));
                }
                if let Some(again) = again {
                    self.out.status(&format!("  repeat: {again}"));
                }
            }
        }
    }

    /// Tells the count, or that there was nothing to count in files that are all `sound`.
    pub(super) fn end(&self, sound: bool) {
        let failed = self.failures.len();
        if self.out.json() {
            let line = Line::new("summary").number("passed", self.passed).number("failed", failed as u64);
            return self.out.event(line.number("ignored", self.ignored));
        }
        if sound && self.is_empty() {
            return self.out.status("no tests were found: `lasp test --help` says what is one");
        }
        let ignored = if self.ignored > 0 { format!(", {} ignored", self.ignored) } else { String::new() };
        self.out.data(&format!("{} passed, {failed} failed{ignored}\n", self.passed));
        for failure in &self.failures {
            self.out.data(&format!("  failed: {failure}\n"));
        }
    }
}
