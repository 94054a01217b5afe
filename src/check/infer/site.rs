//! What was found at each place: a place is told as wrong if it fails in every way in which it is reached, and in none it
//! does not.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use triomphe::Arc;

use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::span::FileId;
use crate::source::span::Span;

/// Something that fails whenever it is reached with what was known there.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The place, as a node's address.
    pub(super) site: usize,
    pub(super) diagnostic: Diagnostic,
    /// For calls: what fails in the function.
    pub(super) cause: Option<Arc<Failure>>,
    /// Whether it is a mistake wherever it stands: a value of a kind that is never right there.
    pub(super) grave: bool,
    /// Whether it stands in a filter that is a guard, where it only is not true.
    pub(super) filters: bool,
}

/// What is said of an argument that is of another kind than it has to be.
pub(super) const WRONG_KIND: &str = "never of this kind";

/// What is said of a text to print that is wrong whatever is printed with it.
pub(super) const NO_DIRECTIVE: &str = "wrong whatever is printed with it";

/// Codes of what fails because of single values, and not of their kinds, or of where it is called from: in code that may never run, a warning.
const BY_VALUE: &[&str] = &["E0504", "E0505", "E0506", "E0507", "E0511", "E0512", "E0301", "E0391", "E0522", "E0371"];

impl Failure {
    pub(super) fn new(site: usize, diagnostic: Diagnostic, cause: Option<Arc<Failure>>) -> Arc<Failure> {
        let kind = diagnostic.labels.first().is_some_and(|label| [WRONG_KIND, NO_DIRECTIVE].contains(&&*label.text));
        let grave = kind || cause.as_ref().map_or(!BY_VALUE.contains(&diagnostic.code), |cause| cause.grave);
        Arc::new(Failure { site, diagnostic, cause, grave, filters: false })
    }

    /// The same in a filter that is a guard.
    fn in_filter(&self) -> Arc<Failure> {
        Arc::new(Failure { grave: false, filters: true, ..self.clone() })
    }
}

/// Why an expression gives no value.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// It does not end, or ends on purpose, or it is not known.
    Open,
    /// It is sure to fail.
    Failed(Arc<Failure>),
}

impl Why {
    /// Why a choice between alternatives gives no value.
    pub(super) fn either(self, other: Why) -> Why {
        match (self, other) {
            (Why::Failed(failure), Why::Failed(_)) => Why::Failed(failure),
            _ => Why::Open,
        }
    }
}

#[derive(Debug, Default)]
struct Site {
    /// Whether it was reached without failing.
    fine: bool,
    failure: Option<Arc<Failure>>,
    /// What to tell where it is never fine; for what does not fail.
    warning: Option<Diagnostic>,
}

/// All places.
#[derive(Debug, Default)]
pub(super) struct Sites {
    /// The text that is checked; others are not told of.
    pub(super) file: FileId,
    /// How many texts the library has, which come first.
    pub(super) library: u32,
    /// Whether messages are wanted.
    pub(super) telling: bool,
    /// Whether what fails is only tried.
    pub(super) quiet: bool,
    /// Whether what fails is false, and ends nothing.
    pub(super) lenient: bool,
    seen: FxHashMap<usize, Site>,
    /// What fails in code that is sure to run.
    certain: Vec<Arc<Failure>>,
    /// What is so however it is reached.
    warned: Vec<(usize, Diagnostic)>,
    /// What was judged for that.
    judged: FxHashSet<usize>,
}

impl Sites {
    /// Whether the place is one of the library.
    pub(super) fn is_library(&self, span: Span) -> bool {
        span.file.0 < self.library
    }

    /// Whether what is found there is told.
    pub(super) fn watches(&self, span: Span) -> bool {
        self.telling && span.file == self.file && !self.is_library(span)
    }

    /// The place did not fail.
    pub(super) fn fine(&mut self, site: usize, span: Span) {
        if self.watches(span) {
            self.seen.entry(site).or_default().fine = true;
        }
    }

    /// Whether it is known that the place does not always fail.
    pub(super) fn is_fine(&self, site: usize) -> bool {
        self.seen.get(&site).is_some_and(|site| site.fine)
    }

    /// The place failed; perhaps in code that is sure to run.
    pub(super) fn failed(&mut self, failure: &Arc<Failure>, span: Span, certain: bool) {
        if self.watches(span) && !self.quiet {
            if certain {
                self.certain.push(failure.clone());
            }
            let told = || if self.lenient { failure.in_filter() } else { failure.clone() };
            self.seen.entry(failure.site).or_default().failure.get_or_insert_with(told);
        }
    }

    /// The place is not as it should be, unless it is elsewhere.
    pub(super) fn suspect(&mut self, site: usize, span: Span, warning: impl FnOnce() -> Diagnostic) {
        if self.watches(span) && !self.quiet {
            self.seen.entry(site).or_default().warning.get_or_insert_with(warning);
        }
    }

    /// The place does something else than it seems to, in a guard too.
    pub(super) fn remark(&mut self, site: usize, span: Span, warning: impl FnOnce() -> Diagnostic) {
        if self.watches(span) {
            self.seen.entry(site).or_default().warning.get_or_insert_with(warning);
        }
    }

    /// Whether the place is yet to be judged for what is so however it is reached.
    pub(super) fn judge(&mut self, site: usize) -> bool {
        self.judged.insert(site)
    }

    /// A part of the place is not as it should be, however it is reached.
    pub(super) fn warn(&mut self, site: usize, warning: Diagnostic) {
        self.warned.push((site, warning));
    }

    /// Whether the failure itself is told.
    fn is_told(&self, failure: &Failure) -> bool {
        let told = self.seen.get(&failure.site).is_some_and(|site| !site.fine && site.failure.is_some());
        told || failure.cause.as_ref().is_some_and(|cause| self.is_told(cause))
    }

    /// What is to be told, in no order. Errors are mistakes wherever they stand, and what is sure to happen.
    pub(super) fn tell(&mut self) -> Vec<Diagnostic> {
        // What is said of the whole is not said of its parts again.
        let whole = |site: &usize| self.seen.get(site).is_some_and(|site| !site.fine && site.warning.is_some());
        let mut all: Vec<Diagnostic> = std::mem::take(&mut self.warned)
            .into_iter()
            .filter_map(|(site, warning)| (!whole(&site)).then_some(warning))
            .collect();
        let mut sure = FxHashSet::default();
        for failure in &self.certain {
            let mut at = Some(failure);
            while let Some(failure) = at.filter(|failure| sure.insert(failure.site)) {
                at = failure.cause.as_ref();
            }
        }
        // Messages are sorted by their places in the end.
        for (key, site) in self.seen.iter().filter(|(_, site)| !site.fine) {
            if let Some(failure) = &site.failure {
                if failure.cause.as_ref().is_some_and(|cause| self.is_told(cause)) {
                    continue;
                }
                let mut message = failure.diagnostic.clone();
                if failure.filters {
                    message.severity = Severity::Warning;
                    message.help.push("what fails in a filter is not true: nothing comes through".to_owned());
                } else if !failure.grave && !sure.contains(key) {
                    message.severity = Severity::Warning;
                    message.help.push("it fails whenever it is reached".to_owned());
                }
                all.push(message);
            } else if let Some(warning) = &site.warning {
                all.push(warning.clone());
            }
        }
        all
    }
}

/// A node's address, which names its place: spans may be shared by nodes that stand for one.
pub(super) fn site<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}
