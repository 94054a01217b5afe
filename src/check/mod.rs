//! Tree to checked program: names and arities resolved, patterns made of what was parsed as expressions. Knows nothing of
//! types, and runs nothing.

mod bound;
mod call;
mod clause;
pub mod core;
mod environment;
mod expr;
pub mod facts;
pub(crate) mod followed;
mod forms;
mod guard;
mod guess;
mod hints;
pub mod infer;
mod pattern;
mod scope;
mod sql;
mod suggest;
pub(crate) mod walk;

pub use environment::Environment;
pub use suggest::nearest;

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::check::core::Checked;
use crate::check::core::Expr;
use crate::check::core::GlobalId;
use crate::check::core::Node;
use crate::check::scope::Scope;
use crate::check::suggest::Meant;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::span::Span;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::Range;
use crate::syntax::tree::Tree;

/// A text to check.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The text, parsed.
    pub tree: &'a Tree,
    /// `Some("lists")` for modules of the library, `Some("prelude")` for the one whose functions need no module, `None`
    /// for the program.
    pub module: Option<&'a str>,
}

/// How a text came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As a whole: a function is defined once.
    Program,
    /// At the prompt: functions may be defined anew, names of earlier lines are known.
    Prompt,
}

/// Checks one text against what is known; on success the environment also knows the new names.
///
/// A tree with mistakes is checked too, for its messages alone: names in what could not be parsed are not missed.
pub fn check(environment: &mut Environment, source: &Source<'_>, mode: Mode) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut checker = Checker::new(environment.clone(), source, mode);
    if mode == Mode::Program {
        checker.environment.forget_attributes();
    }
    checker.collect();
    let mut program = checker.program();
    let mut diagnostics = checker.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
    if source.tree.broken || diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return (None, diagnostics);
    }
    *environment = checker.environment;
    if source.module.is_some() {
        environment.forget_attributes();
    }
    program.globals = environment.globals().to_vec();
    (Some(program), diagnostics)
}

/// A text with mistakes as far as it was understood, for more messages alone: what was not stands for any value.
#[must_use]
pub fn doubtful(environment: &Environment, source: &Source<'_>, mode: Mode) -> Option<Checked> {
    if source.tree.broken {
        return None;
    }
    let mut checker = Checker::new(environment.clone(), source, mode);
    if mode == Mode::Program {
        checker.environment.forget_attributes();
    }
    checker.collect();
    let mut program = checker.program();
    program.globals = checker.environment.globals().to_vec();
    Some(program)
}

/// The state of checking one text.
struct Checker<'a> {
    tree: &'a Tree,
    module: Option<&'a str>,
    mode: Mode,
    /// A copy, kept only if all is well.
    environment: Environment,
    diagnostics: Vec<Diagnostic>,
    /// The scopes around what is checked, the innermost last.
    scopes: Vec<Scope<'a>>,
    /// By number, which globals the forms so far have bound.
    bound: Vec<bool>,
    /// Names that earlier forms bound in some branches only, and where.
    half_bound: FxHashMap<&'a str, Range>,
    /// Names in what could not be parsed.
    lost: FxHashSet<&'a str>,
    /// Names told as unbound already.
    told: FxHashSet<&'a str>,
    /// Names that the top level binds to variables, and of what type as far as it is written there.
    variables: FxHashMap<&'a str, &'a str>,
    /// The pattern that is meant where a form begins with names, `A, B = 1, 2`.
    several: Option<String>,
    /// Whether the form is one: then what its names stand for is not known.
    in_several: bool,
    /// The last clause of the function above the form at hand and where that function ends, if the form stands indented below it
    /// as if it were a part of it.
    continued: Option<(ClauseId, u32)>,
    /// By node, whether it is made of literals alone.
    literals: Vec<bool>,
    /// Functions of this text, and where each was first defined.
    defined: FxHashMap<(String, u8), Span>,
    /// What was found for names that nothing has.
    meant: Meant,
}

impl<'a> Checker<'a> {
    fn new(environment: Environment, source: &Source<'a>, mode: Mode) -> Checker<'a> {
        let bound = vec![true; environment.globals().len()];
        let lost = source.tree.lost.iter().map(|name| &**name).collect();
        Checker {
            tree: source.tree,
            module: source.module,
            mode,
            environment,
            diagnostics: Vec::new(),
            scopes: Vec::new(),
            bound,
            half_bound: FxHashMap::default(),
            lost,
            told: FxHashSet::default(),
            variables: FxHashMap::default(),
            several: None,
            in_several: false,
            continued: None,
            literals: source.tree.literals(),
            defined: FxHashMap::default(),
            meant: Meant::default(),
        }
    }

    fn tell(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Stands for what is wrong and was told: a name that is never bound, of which nothing is known.
    fn nothing(span: Span) -> Expr {
        Expr { node: Node::Global(GlobalId(u32::MAX)), span }
    }
}
