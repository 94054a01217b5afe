//! Diagnostics to text for people and to JSON for programs. Colour, width and links are the caller's to decide: nothing here
//! looks at a terminal or at the environment.

use std::fmt;

use miette::GraphicalReportHandler;
use miette::GraphicalTheme;
use miette::LabeledSpan;
use miette::NamedSource;
use miette::SourceCode;
use serde_json::Value;
use serde_json::json;

use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;
use crate::source::plain::harmless;
use crate::source::plain::plain;
use crate::source::span::Span;

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours, which also brings line-drawing characters; without it all is plain.
    pub colour: bool,
    /// The most characters in a line.
    pub width: usize,
    /// Whether the terminal understands hyperlinks.
    pub links: bool,
}

impl Style {
    /// For files and pipes.
    pub const PLAIN: Style = Style { colour: false, width: 100, links: false };
}

/// One diagnostic as text, which ends with a new line.
#[must_use]
pub fn render(diagnostic: &Diagnostic, files: &Files, style: Style) -> String {
    if !style.colour {
        return plain(diagnostic, files);
    }
    let report = Report::new(diagnostic, files);
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_width(style.width.max(40))
        .with_links(style.links)
        .with_context_lines(1);
    let mut text = String::new();
    if handler.render_report(&mut text, &report).is_err() {
        return plain(diagnostic, files);
    }
    // The code may stand on a line of its own, and lines may end in spaces.
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let mut out = lines.join("\n");
    out.push('\n');
    out
}

/// All diagnostics, one after the other, and a line that counts them.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic], files: &Files, style: Style) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&render(diagnostic, files, style));
        text.push('\n');
    }
    text.push_str(&summary(diagnostics, files));
    text
}

/// `error: 3 errors in cart.lasp (more about one: lasp explain E0102)`; empty without diagnostics.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic], files: &Files) -> String {
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    let warnings = diagnostics.len() - errors.len();
    let Some(first) = errors.first().copied().or(diagnostics.first()) else { return String::new() };
    let word = if errors.is_empty() { "warning" } else { "error" };
    let mut counts = Vec::new();
    for (count, name) in [(errors.len(), "error"), (warnings, "warning")] {
        if count > 0 {
            counts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    let place = first.labels.first().map(|label| format!(" in {}", files.name(label.span.file))).unwrap_or_default();
    format!("{word}: {}{place} (more: lasp explain {})\n", counts.join(", "), first.code)
}

/// The object of the `error` event, without its node: `{"event":"error","code":..,"message":..,"file":..,"line":..,"column":..}`.
#[must_use]
pub fn json(diagnostic: &Diagnostic, files: &Files) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut object = json!({
        "event": "error",
        "code": diagnostic.code,
        "severity": severity,
        "message": diagnostic.title,
        "help": diagnostic.help,
    });
    if let Some(label) = diagnostic.labels.first() {
        let place = files.place(label.span);
        object["file"] = json!(files.name(label.span.file));
        object["line"] = json!(place.line);
        object["column"] = json!(place.column);
    }
    object
}

/// A diagnostic in miette's terms.
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    help: String,
}

impl<'a> Report<'a> {
    fn new(diagnostic: &'a Diagnostic, files: &Files) -> Report<'a> {
        let file = diagnostic.labels.first().map(|label| label.span.file);
        let source =
            file.map(|file| NamedSource::new(files.name(file), files.text(file).chars().map(harmless).collect()));
        let mut labels = Vec::new();
        for (at, label) in diagnostic.labels.iter().enumerate().filter(|(_, label)| Some(label.span.file) == file) {
            if diagnostic.labels[..at].contains(label) {
                // Calls within calls: the same place again and again.
                continue;
            }
            let (start, length) = shown(label.span, files);
            let text = Some(label.text.clone()).filter(|text| !text.is_empty());
            let make = if at == 0 { LabeledSpan::new_primary_with_span } else { LabeledSpan::new_with_span };
            labels.push(make(text, (start, length)));
        }
        if files.text(file.unwrap_or_default()).is_empty() {
            labels.clear();
        }
        Report { diagnostic, source, labels, help: diagnostic.help.join("\n") }
    }
}

/// The bytes to underline: within the text, and at least one character, or nothing would be seen.
fn shown(span: Span, files: &Files) -> (usize, usize) {
    let text = files.text(span.file);
    let boundary = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (mut start, mut end) = (boundary(span.start as usize), boundary(span.end as usize));
    if start >= end {
        end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    }
    if start >= end {
        start = text.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
        end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    }
    (start, end - start)
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.title)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.title)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().filter(|_| !self.labels.is_empty()).map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
