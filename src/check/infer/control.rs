//! Which observations decide what happens: what stands in a branch, behind a condition or in a clause hangs on the values by
//! which that is chosen. Only of interest while facts are recorded.

use triomphe::Arc;

use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::infer::matching::Holds;
use crate::check::infer::matching::cannot_fail;
use crate::check::infer::matching::truth;
use crate::check::infer::recorder::deep;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::value::Origin;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::source::span::Span;

impl<'p> Run<'p> {
    /// All that a value and its parts were computed from, where somebody wants to know.
    pub(super) fn origin(&self, value: &Value) -> Origin {
        if self.recorder.is_some() { deep(value) } else { None }
    }

    /// Whether a value matches the pattern of a clause, and whether the clause is taken then.
    pub(super) fn takes_clause(
        &mut self,
        clause: &'p Clause,
        value: Option<&Value>,
        frame: &mut Frame,
    ) -> (Holds, Holds) {
        self.unheld(clause, false, frame.in_function);
        let matched = match (clause.patterns.first(), value) {
            (Some(pattern), Some(value)) => self.matches(pattern, value, frame),
            _ => Holds::Always,
        };
        match matched {
            Holds::Never => (matched, matched),
            _ => (matched, matched.and(self.guard(&clause.guard, frame))),
        }
    }

    /// A guard: alternatives of conjunctions. What fails in it is false.
    pub(super) fn guard(&mut self, guard: &'p [Vec<Expr>], frame: &mut Frame) -> Holds {
        if guard.is_empty() {
            return Holds::Always;
        }
        let mut holds = Holds::Never;
        for conjunction in guard {
            let mut all = Holds::Always;
            for test in conjunction {
                let most = if cannot_fail(test) { Holds::Always } else { Holds::Perhaps };
                let tested = self.quietly(test, frame);
                self.tested = both(&self.tested, &self.origin(&tested));
                all = all.and(truth(&tested)).and(most);
                if all == Holds::Never {
                    break;
                }
            }
            holds = holds.or(all);
        }
        holds
    }

    /// Does something that happens, or does not, by what was computed from these.
    pub(super) fn under<T>(&mut self, by: &Origin, work: impl FnOnce(&mut Run<'p>) -> T) -> T {
        if self.recorder.is_none() || by.is_none() {
            return work(self);
        }
        self.decides(by);
        let outside = self.control.clone();
        let inside = both(&outside, by);
        self.control.clone_from(&inside);
        let value = work(self);
        // What is waited for in there is waited for by what follows too.
        if self.control == inside {
            self.control = outside;
        }
        value
    }

    /// The task fails here, or goes on, by what was computed from these: all that follows hangs on them, and so does what is told.
    pub(super) fn hang_on(&mut self, by: &Origin, span: Span) {
        if by.is_some() {
            self.decides(by);
            self.note_failure(by, span);
            self.control = both(&self.control, by);
        }
    }

    /// The task goes on only where these are not such that it fails here: that is for what a `query` saw to decide. What a threshold
    /// was met with is at least that, and the program counts on it.
    pub(super) fn may_fail_by(&mut self, by: &Origin, span: Span) {
        let Some(recorder) = self.recorder.as_ref().filter(|_| !self.sites.quiet) else { return };
        let queried: Vec<u32> =
            by.iter().flat_map(|all| all.iter().copied()).filter(|id| recorder.is_query(*id)).collect();
        if !queried.is_empty() {
            self.hang_on(&Some(Arc::new(queried)), span);
        }
    }

    /// What decides whether any clause of a function matches: the arguments of which some pattern takes some values only.
    pub(super) fn discerned(&self, lambda: &Lambda, arguments: &[Value]) -> Origin {
        let discerns =
            |at: usize| lambda.clauses.iter().filter_map(|clause| clause.patterns.get(at)).any(discriminates);
        let some = arguments.iter().enumerate().filter(|(at, _)| discerns(*at));
        some.fold(None, |from, (_, argument)| both(&from, &self.origin(argument)))
    }

    /// A result that was chosen by these.
    pub(super) fn chosen(&self, value: Value, by: &[Value]) -> Value {
        if self.recorder.is_none() || value.is_never() {
            return value;
        }
        by.iter().fold(value, |value, by| value.touched(&by.from))
    }

    /// What the clause of a function is chosen by: the arguments of which some pattern is about more than their names, and all
    /// where there are guards.
    pub(super) fn choosers(&self, lambda: &Lambda, arguments: &[Value]) -> Origin {
        self.recorder.as_ref()?;
        let guarded = lambda.clauses.iter().any(|clause| !clause.guard.is_empty());
        let chooses = |at: usize| {
            let mut patterns = lambda.clauses.iter().filter_map(|clause| clause.patterns.get(at));
            lambda.clauses.len() > 1 && patterns.any(discriminates)
        };
        let choosing = arguments.iter().enumerate().filter(|(at, _)| guarded || chooses(*at));
        choosing.fold(None, |from, (_, argument)| both(&from, &deep(argument)))
    }
}

/// Whether it takes some values only.
fn discriminates(pattern: &Pattern) -> bool {
    !matches!(pattern.node, PatternNode::Any | PatternNode::Bind(_))
}
