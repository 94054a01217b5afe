//! What is wrong with a program, found before it runs: by abstract interpretation of its checked tree.
//!
//! Optimistic, as success typings are (Lindahl and Sagonas, "Practical type inference based on success typings", PPDP 2006):
//! what is told as an error is sure to fail when it is executed, with every value that can reach it; what cannot be decided is
//! left to run. No annotations. Functions are analysed for each list of abstract arguments that they are called with, and once
//! for any; variables of the dataflow carry their types. Elements of variables may come from anywhere: what follows only from
//! what *this* program puts into them is a warning.
//!
//! Everything has a budget: where one ends, less is known, and nothing is told that is not sure.

mod actor;
mod arguments;
mod builtins;
mod call;
mod comprehension;
mod control;
mod derive;
mod describe;
mod early;
mod expr;
mod fixpoint;
mod flow;
mod groups;
mod guards;
mod matching;
mod needed;
mod operation;
mod operators;
mod parts;
mod recorder;
mod run;
mod site;
mod unheld;
mod useless;
mod value;
mod variables;
mod verbs;
mod view;
mod walk;
mod wrong;

#[cfg(test)]
mod tests;

pub use useless::name_it;

use rustc_hash::FxHashMap;
use triomphe::Arc;

use crate::check::core::Checked;
use crate::check::core::Form;
use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::facts::Facts;
use crate::check::infer::parts::Code;
use crate::check::infer::recorder::Recorder;
use crate::check::infer::run::Call;
use crate::check::infer::run::Run;
use crate::check::infer::value::Value;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::span::FileId;
use crate::source::span::Span;

/// The most forms of earlier lines that are looked at again for a new one at the prompt.
const HISTORY_MAX: usize = 400;

/// What is known of earlier texts: the library's, and at the prompt those of earlier lines.
#[derive(Clone, Debug, Default)]
pub struct Known {
    functions: Vec<Arc<Function>>,
    forms: Vec<Arc<Form>>,
    /// How many texts the library has.
    library: u32,
    /// How many names of the top level there are.
    globals: usize,
    /// How many forms the last text has.
    last: usize,
    /// Whether variables may hold what no form here puts in: a text was forgotten, of which a part may have run.
    open: bool,
}

impl Known {
    /// Takes in the library's modules, whose texts come first.
    pub fn add_library(&mut self, checked: Checked) {
        let last = checked.functions.iter().map(|function| function.lambda.span.file.0 + 1).max();
        self.library = self.library.max(last.unwrap_or(0));
        self.add(checked);
    }

    /// A function of an earlier text: they are numbered in order.
    fn function(&self, id: FunctionId) -> Option<&Function> {
        let at = self.functions.binary_search_by_key(&id, |function| function.id).ok()?;
        self.functions.get(at).map(|function| &**function)
    }

    /// Names that the last text bound hold anything from now on, and variables what it may have put in: it is not known how
    /// far it came.
    pub fn forget_last(&mut self) {
        let kept = self.forms.len().saturating_sub(std::mem::take(&mut self.last));
        self.open |= kept < self.forms.len();
        self.forms.truncate(kept);
    }

    /// Takes in a text that was checked.
    pub fn add(&mut self, checked: Checked) {
        self.globals = checked.globals.len();
        self.functions.extend(checked.functions.into_iter().map(Arc::new));
        self.last = checked.forms.len().min(HISTORY_MAX);
        self.forms.extend(checked.forms.into_iter().map(Arc::new));
        if self.forms.len() > HISTORY_MAX {
            // Names that they bound then hold anything.
            let old = self.forms.len() - HISTORY_MAX;
            self.forms.drain(..old);
            self.open = true;
        }
    }
}

/// What is wrong with a text, in no order. Errors are sure to fail when they are executed, and would end what runs them; what
/// fails in a function of a derivation or in a task of its own is a warning, since the rest of the program goes on.
#[must_use]
pub fn check(known: &Known, checked: &Checked, file: FileId) -> Vec<Diagnostic> {
    let mut passes = Passes::new(known, checked, file);
    let mut told = passes.told();
    let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
    let apart = walk::apart(checked);
    for diagnostic in told.iter_mut().filter(|diagnostic| diagnostic.code.starts_with("E05")) {
        let place = diagnostic.labels.first().map(|label| label.span);
        let inside = |outer: &Span| place.is_some_and(|place| outer.start <= place.start && place.end <= outer.end);
        // What is not pure is refused wherever it is derived.
        if diagnostic.severity == Severity::Error && diagnostic.code != "E0518" && apart.iter().any(inside) {
            diagnostic.severity = Severity::Warning;
        }
    }
    told.extend(walk::shadowed(checked));
    told.extend(walk::nulls(checked));
    // What is wrong with such a function is told of the whole.
    let refused: Vec<Span> =
        told.iter().filter(|told| matches!(told.code, "E0310" | "E0312")).filter_map(place).collect();
    let blocks = walk::blocks(checked).into_iter().filter(|block| {
        !place(block).is_some_and(|span| refused.iter().any(|told| told.start <= span.start && span.end <= told.end))
    });
    told.extend(blocks);
    early::tell(checked, &mut told);
    told.extend(useless::reassigned(checked, &told));
    told.extend(useless::nameless(checked));
    guards::contradictory(checked, &mut told);
    // A comparison of a variable says why the condition is never true.
    let compares = |known: &&Diagnostic| matches!(known.code, "E0404" | "E0406");
    let compared: Vec<Span> = told.iter().filter(compares).filter_map(place).collect();
    let holds = |span: Span| compared.iter().any(|inner| span.start <= inner.start && inner.end <= span.end);
    told.retain(|diagnostic| diagnostic.code != "E0401" || !place(diagnostic).is_some_and(holds));
    // One mistake may be seen from several places, and in several passes.
    let mut seen = rustc_hash::FxHashSet::default();
    told.retain(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| label.span);
        seen.insert((place, diagnostic.code))
    });
    told
}

/// What a program as a whole probably lacks, and what it does for nothing. At the prompt each value is shown.
#[must_use]
pub fn idle(known: &Known, checked: &Checked, said: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut told = useless::unused(checked, |id| known.function(id), said);
    told.extend(walk::uncalled_main(checked));
    told
}

/// What is wrong with an expression that is to be tested after every change: it may only look.
#[must_use]
pub fn awaited(known: &Known, checked: &Checked) -> Option<Diagnostic> {
    let functions = known.functions.iter().map(|function| (function.id, &**function)).collect();
    let (place, verb) = walk::change(checked, &functions)?;
    let title = format!("the awaited expression only looks, and `{}` does more", verb.title());
    Some(Diagnostic::error("E0372", title).at(place, "done again at every test").help(
        "it is tested after every change: use `query` and what is made of values, and do all else in the program",
    ))
}

/// The facts of a text's dataflow.
#[must_use]
pub fn facts(known: &Known, checked: &Checked, file: FileId) -> Facts {
    let mut passes = Passes::new(known, checked, file);
    let (settled, variables) = passes.first(true, None);
    let mut run = passes.run(true);
    run.settled = settled;
    run.variables = variables;
    run.recorder = Some(Recorder::default());
    run.calls.anew = true;
    passes.everything(&mut run, false);
    run.facts()
}

/// The passes over one text.
struct Passes<'p> {
    known: &'p Known,
    checked: &'p Checked,
    file: FileId,
    /// Literals of more than one part, by their places.
    literals: FxHashMap<usize, Value>,
    /// The numbers of `fun`s.
    numbers: run::Numbers<'p>,
    /// All functions, by their numbers.
    functions: Arc<FxHashMap<FunctionId, &'p Function>>,
    /// The program's functions that call each other.
    groups: Arc<groups::Groups>,
    /// How many expressions all passes have evaluated.
    steps: u64,
}

impl<'p> Passes<'p> {
    fn new(known: &'p Known, checked: &'p Checked, file: FileId) -> Passes<'p> {
        let earlier = known.functions.iter().map(|function| &**function).filter(|function| function.module.is_none());
        let groups = Arc::new(groups::groups(earlier.chain(&checked.functions)));
        let earlier = known.functions.iter().map(|function| &**function);
        let all = earlier.chain(&checked.functions).map(|function| (function.id, function));
        let functions = Arc::new(all.collect());
        let (literals, numbers) = (FxHashMap::default(), run::Numbers::default());
        Passes { known, checked, file, literals, numbers, functions, groups, steps: 0 }
    }

    /// A new pass; literals are as they were.
    fn run(&mut self, follow: bool) -> Run<'p> {
        let mut run = Run::new(self.functions.clone(), &self.checked.globals);
        run.follow = follow;
        run.literals = std::mem::take(&mut self.literals);
        run.number_on(std::mem::take(&mut self.numbers));
        run.calls.groups = self.groups.clone();
        run.sites.file = self.file;
        run.sites.library = self.known.library;
        run
    }

    /// What the names of the top level come to hold, without messages; as far as functions see them, where the forms are given
    /// that say so.
    fn first(&mut self, follow: bool, needed: Option<&[bool]>) -> (Vec<Option<Value>>, variables::Variables) {
        let mut run = self.run(follow);
        self.forms(&mut run, needed);
        self.steps += run.steps;
        run.variables.settle();
        self.literals = std::mem::take(&mut run.literals);
        self.numbers = run.take_numbers();
        let settled = run.globals.into_iter().map(|global| global.or_else(|| Some(Value::any()))).collect();
        (settled, run.variables)
    }

    /// Open world for errors, closed for warnings. When a budget ends, calls are not followed any longer.
    fn told(&mut self) -> Vec<Diagnostic> {
        let needed = needed::needed(self.checked);
        for follow in [true, false] {
            let (settled, variables) = self.first(follow, Some(&needed));
            let mut run = self.run(follow);
            run.settled = settled;
            run.variables = variables;
            run.sites.telling = true;
            self.everything(&mut run, true);
            self.literals = std::mem::take(&mut run.literals);
            if run.exhausted() {
                self.numbers = run.take_numbers();
                continue;
            }
            run.tell_removals();
            let mut told = run.sites.tell();
            run.variables.settle();
            self.numbers = run.take_numbers();
            let (settled, variables) = (run.globals, run.variables);
            // Where there are no variables it would find the same once more.
            if !self.known.open && !variables.all().is_empty() {
                told.extend(self.closed(follow, settled, variables));
            }
            return told;
        }
        Vec::new()
    }

    /// What follows from what this program puts into its variables.
    fn closed(
        &mut self,
        follow: bool,
        settled: Vec<Option<Value>>,
        variables: variables::Variables,
    ) -> Vec<Diagnostic> {
        let mut run = self.run(follow);
        run.settled = settled.into_iter().map(|global| global.or_else(|| Some(Value::any()))).collect();
        run.variables = variables;
        run.closed = true;
        run.sites.telling = true;
        self.everything(&mut run, true);
        if run.exhausted() {
            return Vec::new();
        }
        let warn = |diagnostic: Diagnostic| Diagnostic { severity: Severity::Warning, ..diagnostic };
        run.sites.tell().into_iter().map(warn).collect()
    }

    /// All forms, or those that are needed.
    fn forms(&self, run: &mut Run<'p>, needed: Option<&[bool]>) {
        for form in &self.known.forms {
            run.form(form);
        }
        run.earlier = self.known.globals;
        for (at, form) in self.checked.forms.iter().enumerate() {
            if needed.and_then(|needed| needed.get(at)).is_none_or(|needed| *needed) {
                run.form(form);
            }
        }
    }

    /// All forms, then all functions with any arguments, then all `fun`s that nobody called.
    fn everything(&mut self, run: &mut Run<'p>, all_functions: bool) {
        self.forms(run, None);
        let functions = if all_functions { &*self.checked.functions } else { &[] };
        for function in functions {
            let arguments = vec![Value::any(); usize::from(function.lambda.arity)];
            let code = Code::Named(function.id);
            run.always(Call { code, captured: Vec::new(), arguments, control: None, atomic: false });
        }
        if all_functions {
            run.uncalled();
        }
        self.steps += run.steps;
    }
}
