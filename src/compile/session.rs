//! What is known over all texts of a program, or of a session at the prompt.

use std::ops::Range;

use crate::check;
use crate::check::Environment;
use crate::check::Mode;
use crate::check::Source;
use crate::check::core::Checked;
use crate::check::core::Expr;
use crate::check::core::Form;
use crate::check::core::Function;
use crate::check::core::Node;
use crate::check::core::VerbCall;
use crate::check::facts::Facts;
use crate::check::followed;
use crate::check::infer;
use crate::check::infer::Known;
use crate::compile::function::generate;
use crate::compile::operator;
use crate::library;
use crate::library::MODULES;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;
use crate::source::span::FileId;
use crate::source::span::Span;
use crate::syntax;
use crate::syntax::Parsed;
use crate::syntax::lexer::NO_SENDING;
use crate::vm::Unit;

/// The texts and names so far. Units must be loaded into a machine in the order in which they were made.
#[derive(Clone, Debug)]
pub struct Session {
    /// All texts, for messages.
    pub files: Files,
    /// All names.
    pub environment: Environment,
    /// The numbers of the functions in the library's modules.
    modules: Range<u32>,
    /// What inference knows of earlier texts.
    known: Known,
}

/// Code with warnings, or what is wrong, in order of the text.
type Compiled = Result<(Unit, Vec<Diagnostic>), Vec<Diagnostic>>;

impl Session {
    /// A session that knows nothing, not even the library.
    fn empty() -> Session {
        Session { files: Files::default(), environment: Environment::default(), modules: 0..0, known: Known::default() }
    }

    /// A session that knows the library, and the library's code.
    #[must_use]
    pub fn new() -> (Session, Unit) {
        let mut session = Session::empty();
        let (checked, _) = session.library();
        // `prelude` comes first.
        let in_modules = |function: &&Function| function.module.as_deref() != Some("prelude");
        let mut numbers = checked.functions.iter().filter(in_modules).map(|function| function.id.0);
        session.modules = numbers.next().map_or(0..0, |first| first..numbers.next_back().unwrap_or(first) + 1);
        // The tests hold that the library has no mistakes and fits.
        let unit = generate(&checked, None).unwrap_or_default();
        session.known.add_library(checked);
        (session, unit)
    }

    /// Checks the library's modules; what is said of them is for the tests.
    fn library(&mut self) -> (Checked, Vec<Diagnostic>) {
        let (mut all, mut said) = (Checked::default(), Vec::new());
        for (module, text) in MODULES {
            let file = self.files.add(format!("stdlib/{module}.lasp"), *text);
            let parsed = syntax::parse(file, text);
            said.extend(parsed.diagnostics);
            let source = Source { tree: &parsed.tree, module: Some(module) };
            let (checked, diagnostics) = check::check(&mut self.environment, &source, Mode::Program);
            said.extend(diagnostics);
            if let Some(checked) = checked {
                all.functions.extend(checked.functions);
                all.globals = checked.globals;
            }
        }
        (all, said)
    }

    /// Compiles a program. `name` is what messages show: its path.
    ///
    /// # Errors
    /// All mistakes that were found, and the warnings.
    pub fn program(&mut self, name: &str, text: &str) -> Compiled {
        let file = self.files.add(name, text);
        let parsed = syntax::parse(file, text);
        self.compile(file, parsed, Mode::Program, |_, _| None)
    }

    /// Compiles what was typed at the prompt.
    ///
    /// # Errors
    /// All mistakes that were found, and the warnings; nothing of the text is known afterwards.
    pub fn prompt(&mut self, text: &str) -> Compiled {
        let file = self.files.add("prompt", text);
        let parsed = syntax::parse_line(file, text);
        self.compile(file, parsed, Mode::Prompt, |_, _| None)
    }

    /// What was typed last has failed, or is not at its end: what its names hold is not known.
    pub fn forget_last(&mut self) {
        self.known.forget_last();
    }

    /// Compiles an example: forms as they could be typed at the prompt, except that a form which is a comparison is an
    /// assertion, unless a comment behind it says what it gives (`% => false`). `name` is what messages show.
    ///
    /// # Errors
    /// All mistakes that were found, and the warnings; nothing of the text is known afterwards.
    pub fn example(&mut self, name: &str, text: &str) -> Compiled {
        let file = self.files.add(name, text);
        let parsed = syntax::parse_line(file, text);
        let told = parsed
            .tree
            .comments
            .iter()
            .filter(|comment| parsed.tree.slice(**comment).trim_start_matches('%').trim_start().starts_with("=>"));
        let told: Vec<u32> = told.map(|comment| comment.0).collect();
        self.compile(file, parsed, Mode::Prompt, |_, checked| {
            let starts: Vec<u32> = checked.forms.iter().map(|form| form.span.start).collect();
            for (at, form) in checked.forms.iter_mut().enumerate() {
                let next = starts.get(at + 1).copied().unwrap_or(u32::MAX);
                if !told.iter().any(|comment| (form.span.start..next).contains(comment)) {
                    assert_comparison(form);
                }
            }
            None
        })
    }

    /// Compiles one expression over the names of the program, such as the one of `--until`.
    ///
    /// # Errors
    /// All mistakes that were found; also when it is anything but one statement form.
    pub fn expression(&mut self, name: &str, text: &str) -> Result<Unit, Vec<Diagnostic>> {
        self.one_form(name, text, |_, _| None)
    }

    /// Compiles the expression of `--until`, which is tested again and again.
    ///
    /// # Errors
    /// As [`Session::expression`]; also when it does more than look.
    pub fn awaited(&mut self, name: &str, text: &str) -> Result<Unit, Vec<Diagnostic>> {
        self.one_form(name, text, infer::awaited)
    }

    /// Compiles one statement form; `refused` says what else is wrong with it.
    fn one_form(
        &mut self,
        name: &str,
        text: &str,
        refused: impl FnOnce(&Known, &Checked) -> Option<Diagnostic>,
    ) -> Result<Unit, Vec<Diagnostic>> {
        let file = self.files.add(name, text);
        let parsed = syntax::parse_line(file, text);
        let whole = Span { file, start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) };
        let one_form = |known: &Known, checked: &mut Checked| {
            let right = checked.forms.len() == 1 && checked.functions.is_empty();
            let wrong = (!right).then(|| Diagnostic::error("E0525", "one expression is expected here").at(whole, ""));
            wrong.or_else(|| refused(known, checked))
        };
        self.compile(file, parsed, Mode::Prompt, one_form).map(|(unit, _)| unit)
    }

    /// A checked program, in which verbs as values are functions that call them, and what is known of its dataflow before it runs.
    /// `name` is what messages show: its path.
    ///
    /// # Errors
    /// All mistakes that were found, and the warnings.
    pub fn facts(&mut self, name: &str, text: &str) -> Result<(Checked, Facts), Vec<Diagnostic>> {
        let file = self.files.add(name, text);
        let parsed = syntax::parse(file, text);
        let source = Source { tree: &parsed.tree, module: None };
        let (checked, diagnostics) = check::check(&mut self.environment.clone(), &source, Mode::Program);
        let said: Vec<Diagnostic> = parsed.diagnostics.into_iter().chain(diagnostics).collect();
        match checked {
            Some(mut checked) => {
                followed::verbs(&mut checked);
                let facts = infer::facts(&self.known, &checked, file);
                Ok((checked, facts))
            }
            None => Err(said),
        }
    }

    /// The names of the top level, by number.
    #[must_use]
    pub fn globals(&self) -> &[String] {
        self.environment.globals()
    }

    /// What else is sure to be wrong with a text of which some names are not known, whatever they stand for.
    fn further(&self, source: &Source<'_>, file: FileId, mode: Mode, said: &[Diagnostic]) -> Vec<Diagnostic> {
        let Some(program) = check::doubtful(&self.environment, source, mode) else { return Vec::new() };
        let places: Vec<Span> = said.iter().filter_map(place).collect();
        let found = infer::check(&self.known, &program, file).into_iter();
        // Of one place one thing is said.
        let within = |span: Span| places.iter().any(|said| said.start <= span.start && span.end <= said.end);
        let new = |diagnostic: &Diagnostic| place(diagnostic).is_some_and(|span| !within(span));
        found.filter(|diagnostic| diagnostic.severity == Severity::Error && new(diagnostic)).collect()
    }

    fn compile(
        &mut self,
        file: FileId,
        parsed: Parsed,
        mode: Mode,
        adjust: impl FnOnce(&Known, &mut Checked) -> Option<Diagnostic>,
    ) -> Compiled {
        let mut environment = self.environment.clone();
        let source = Source { tree: &parsed.tree, module: None };
        let (checked, diagnostics) = check::check(&mut environment, &source, mode);
        let mut said = parsed.diagnostics;
        said.extend(diagnostics);
        let wrong = said.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let by_place =
            |diagnostic: &Diagnostic| (diagnostic.labels.first().map_or(0, |label| label.span.start), diagnostic.code);
        let Some(mut checked) = checked.filter(|_| !wrong) else {
            let further = self.further(&source, file, mode, &said);
            // What is calculated where a function belongs has names that are that function's arguments.
            let instead: Vec<Span> = further.iter().filter(|told| told.code == "E0308").filter_map(place).collect();
            said.retain(|told| {
                let inside =
                    |outer: &Span| place(told).is_some_and(|span| outer.start <= span.start && span.end <= outer.end);
                told.code != "E0201" || !instead.iter().any(inside)
            });
            said.extend(further);
            // Who is sent to has no identity; that there is nothing to send says all.
            if let Some(send) = said.iter().position(|diagnostic| diagnostic.title == NO_SENDING) {
                let at = place(&said[send]);
                said.retain(|diagnostic| {
                    let before = place(diagnostic).zip(at).is_some_and(|(one, send)| one.end <= send.start);
                    !(diagnostic.code == "E0202" && diagnostic.title.contains("`self/0`") && before)
                });
            }
            said.sort_by_key(by_place);
            return Err(said);
        };
        if let Some(refusal) = adjust(&self.known, &mut checked) {
            return Err(vec![refusal]);
        }
        said.extend(infer::check(&self.known, &checked, file));
        if mode == Mode::Program {
            let idle = infer::idle(&self.known, &checked, &said);
            said.extend(idle);
        }
        said.sort_by_key(by_place);
        said.iter_mut().for_each(|diagnostic| infer::name_it(diagnostic, |span| self.files.slice(span)));
        if said.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(said);
        }
        match generate(&checked, Some(self.modules.clone())) {
            Ok(unit) => {
                self.environment = environment;
                self.known.add(checked);
                Ok((unit, said))
            }
            Err(span) => {
                let too_large = Diagnostic::error("E0524", "this function is too large")
                    .at(span, "it needs more than 65,000 registers")
                    .help("split it into several functions, or its data into several names");
                Err(vec![too_large])
            }
        }
    }
}

fn place(diagnostic: &Diagnostic) -> Option<Span> {
    diagnostic.labels.first().map(|label| label.span)
}

/// `f(X) == Y` alone in a form becomes `assert(f(X) == Y)`.
fn assert_comparison(form: &mut Form) {
    let [only] = form.body.as_mut_slice() else { return };
    let compares = matches!(&only.node, Node::Binary(binary, ..) if operator::comparison(*binary).is_some());
    let Some(builtin) = library::find(None, "assert", 1).filter(|_| compares) else { return };
    let condition = std::mem::replace(only, Expr { node: Node::Block(Vec::new()), span: only.span });
    only.node = Node::Verb(VerbCall { builtin, verb: Verb::Assert, arguments: vec![condition], name: None });
}

#[cfg(test)]
mod tests {
    use crate::compile::Session;

    #[test]
    fn the_library_has_no_mistakes() {
        let mut session = Session::empty();
        let (checked, said) = session.library();
        assert!(said.is_empty(), "{said:#?}");
        assert!(checked.functions.len() > 60);
    }
}
