//! Whether a test passed: what it gave against what it should give.

use crate::cli::test::example::Example;
use crate::cli::test::example::Wanted;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;
use crate::source::span::FileId;
use crate::source::span::Span;
use crate::syntax::tree::Range;
use crate::value::operation::Brief;
use crate::value::term::Term;

/// What messages name as the file of the call of a test function; it is no file, and not shown.
pub(super) const CALL: &str = "the test";

/// What a run of a test came to.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// What was told, warnings included.
    pub(super) reports: Vec<Diagnostic>,
    /// What the forms gave, in order; none for one that failed.
    pub(super) values: Vec<Option<Given>>,
    /// The form that the check refuses, so that none of them ran.
    pub(super) refused: Option<usize>,
    /// What was printed.
    pub(super) prints: String,
    /// The texts that the reports refer to.
    pub(super) files: Files,
}

/// What a form gave.
#[derive(Debug)]
pub(super) struct Given {
    /// Its value; of a variable, the variable's value.
    pub(super) value: Term,
    /// Whether it gave a variable.
    pub(super) variable: bool,
}

/// Why a test failed; nothing if it passed.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) failures: Vec<Diagnostic>,
    pub(super) files: Files,
    pub(super) prints: String,
}

/// Judges a run of a test function.
pub(super) fn function(ran: Ran) -> Verdict {
    let failures = ran.reports.into_iter().filter(is_error).map(|report| without_call(report, &ran.files)).collect();
    Verdict { failures, files: ran.files, prints: ran.prints }
}

/// Judges a run of an example. `name` is its file.
pub(super) fn example(example: &Example, name: &str, mut ran: Ran) -> Verdict {
    let file = ran.files.add(name, example.text.as_str());
    let mut failures = Vec::new();
    let mut failed = false;
    for report in ran.reports.into_iter().filter(is_error) {
        let expected = example.fails.as_ref().is_some_and(|code| report.code.starts_with(code.as_str()));
        failed |= expected;
        if !expected {
            failures.push(report);
        }
    }
    if let Some(code) = example.fails.as_ref().filter(|_| !failed) {
        let line = Span { file, ..first(example) };
        failures.push(
            Diagnostic::error("E0705", format!("the example should fail with {code}, and did not"))
                .at(line, "it begins here"),
        );
    }
    // What stands behind the form that fails never runs.
    let last = ran.refused.or_else(|| ran.values.iter().position(Option::is_none)).filter(|_| failed);
    let behind = example.values.iter().filter(|(form, ..)| last.is_some_and(|last| *form > last));
    failures.extend(behind.map(|(.., comment)| {
        Diagnostic::error("E0703", "the example ends with an error before this")
            .at(Span { file, start: comment.0, end: comment.1 }, "nothing gives this")
            .help("an example ends with what fails: let another one begin after it")
    }));
    // A form that failed was told of.
    for (form, value) in ran.values.iter().enumerate() {
        if let Some(given) = value {
            failures.extend(wrong_value(example, form, given, file));
        }
    }
    if !example.prints.is_empty() {
        failures.extend(wrong_prints(example, &ran.prints, file));
    }
    Verdict { failures, files: ran.files, prints: ran.prints }
}

/// The form that the check refuses, or that fails as the first one, where that is what the example is about: none has given anything.
pub(super) fn refused(example: &Example, ran: &Ran) -> Option<usize> {
    let code = example.fails.as_ref().filter(|_| matches!(ran.values.as_slice(), [None]))?;
    let mut told = ran.reports.iter().filter(|report| is_error(report) && report.code.starts_with(code.as_str()));
    example.form_at(told.next()?.labels.first()?.span.start)
}

fn is_error(report: &Diagnostic) -> bool {
    report.severity == Severity::Error
}

fn first(example: &Example) -> Span {
    let (start, end) = example.places.first().copied().unwrap_or_default();
    Span { file: FileId::default(), start, end }
}

/// The call that the test runner made is no place that a reader could look at.
fn without_call(mut report: Diagnostic, files: &Files) -> Diagnostic {
    report.labels.retain(|label| files.name(label.span.file) != CALL);
    report
}

fn wrong_value(example: &Example, form: usize, given: &Given, file: FileId) -> Option<Diagnostic> {
    let value = &given.value;
    let at = |range: Range| Span { file, start: range.0, end: range.1 };
    let place = example.places.get(form).copied().unwrap_or_default();
    let Some((_, wanted, comment)) = example.values.iter().find(|(at, ..)| *at == form) else {
        return (!given.variable && value.as_bool() == Some(false)).then(|| {
            Diagnostic::error("E0703", "the example gives false")
                .at(at(place), "this is false")
                .help("where false is what is meant, say so: `% => false`")
        });
    };
    match wanted {
        Wanted::Term(wanted) if wanted == value => None,
        Wanted::Term(wanted) => Some(
            Diagnostic::error("E0703", format!("the example gives {}, not {}", Brief(value), Brief(wanted)))
                .at(at(place), format!("this is {}", Brief(value)))
                .at(at(*comment), "expected here"),
        ),
        Wanted::Unreadable(text) => Some(
            Diagnostic::error("E0703", format!("`{text}` is not a term that an example could give"))
                .at(at(*comment), "a term is expected after `=>`")
                .help("write a term as it is printed: `% => [1, {a, \"b\"}]`"),
        ),
    }
}

fn wrong_prints(example: &Example, prints: &str, file: FileId) -> Option<Diagnostic> {
    let lines: Vec<&str> = prints.lines().map(str::trim_end).collect();
    let wanted: Vec<&str> = example.prints.iter().map(|line| line.trim_end()).collect();
    if lines == wanted {
        return None;
    }
    let at = lines.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
    let shown = |line: Option<&&str>| line.map_or("nothing".to_owned(), |line| format!("`{line}`"));
    let title = format!(
        "line {} of what is printed should be {}, and is {}",
        at + 1,
        shown(wanted.get(at)),
        shown(lines.get(at))
    );
    Some(Diagnostic::error("E0704", title).at(Span { file, ..first(example) }, "the example begins here"))
}
