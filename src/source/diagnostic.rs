//! What is said about a program, as data; rendering comes last.

use crate::source::span::Span;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A code for life, which `lasp explain` knows: `E0102`.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong, in plain words, on one line, without a full stop.
    pub title: String,
    /// The places; the first is the main one. Empty where there is no source to show.
    pub labels: Vec<Label>,
    /// What to do instead, each one sentence or two.
    pub help: Vec<String>,
}

/// A place and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words; may be empty.
    pub text: String,
}

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The program cannot run, or a task ended.
    Error,
    /// It runs, but probably not as meant.
    Warning,
}

impl Diagnostic {
    /// An error without a place.
    #[must_use]
    pub fn error(code: &'static str, title: impl Into<String>) -> Diagnostic {
        Diagnostic { code, severity: Severity::Error, title: title.into(), labels: Vec::new(), help: Vec::new() }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: &'static str, title: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, title) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }
}
