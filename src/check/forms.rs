//! The forms of a text: first all functions and names of the top level are collected, then each form is checked.

use crate::check::Checker;
use crate::check::Mode;
use crate::check::bound;
use crate::check::core::Checked;
use crate::check::core::Form;
use crate::check::core::Function;
use crate::check::hints;
use crate::check::scope::Binding;
use crate::check::scope::Kind;
use crate::check::scope::Scope;
use crate::check::scope::Slot;
use crate::library;
use crate::library::BuiltinId;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::guess::capital;
use crate::syntax::tree;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Infix;
use crate::syntax::tree::Node;

/// What a clause's head says.
pub(super) struct Head<'a> {
    pub(super) name: String,
    pub(super) arguments: &'a [ExprId],
    pub(super) span: Span,
}

impl<'a> Checker<'a> {
    /// Notes what the text defines, so that forms may use what stands further down.
    pub(super) fn collect(&mut self) {
        let tree = self.tree;
        for form in &tree.forms {
            match &form.node {
                FormNode::Function(clauses, documentation) => self.collect_function(clauses, documentation.is_some()),
                FormNode::Statement(body) => {
                    for name in bound::by_body(tree, body) {
                        self.environment.add_global(name);
                    }
                    self.note_variables(body);
                }
                FormNode::Attribute(..) => {}
            }
        }
        for form in &tree.forms {
            if let FormNode::Attribute(name, arguments) = &form.node {
                self.attribute(*name, arguments);
            }
        }
        self.bound.resize(self.environment.globals().len(), false);
    }

    fn collect_function(&mut self, clauses: &[ClauseId], documented: bool) {
        let Some(head) = clauses.first().and_then(|id| self.head(*id)) else { return };
        let Ok(arity) = u8::try_from(head.arguments.len()) else { return };
        let key = (head.name, arity);
        if let Some(first) = self.defined.get(&key) {
            let title = format!("`{}/{arity}` is defined twice", key.0);
            self.tell(
                Diagnostic::error("E0206", title)
                    .at(head.span, "defined again")
                    .at(*first, "defined here already")
                    .help("clauses of one function stand together and are separated by `;`, not by `.`"),
            );
            return;
        }
        if self.module.is_none() {
            self.hides(&key.0, arity, head.span);
        }
        let private = self.module.is_some() && !documented;
        self.environment.add_function(self.module, &key.0, arity, private);
        self.defined.insert(key, head.span);
    }

    /// Tells a function by whose name the language has one already: calls mean the program's own.
    fn hides(&mut self, name: &str, arity: u8, span: Span) {
        let end = span.start + u32::try_from(name.len()).unwrap_or(0);
        let builtin = library::find(None, name, arity).map(BuiltinId::row);
        let what = match builtin.map(|row| row.verb) {
            Some(Some(_)) => "verb",
            Some(None) => "built-in function",
            None if self.environment.exported("prelude", name, arity).is_some() => "function of the library",
            None => return,
        };
        let mut message = Diagnostic::warning(
            "E0216",
            format!("the {what} `{name}/{arity}` is hidden by this function of the same name"),
        )
        .at(Span { end: end.min(span.end), ..span }, "calls in this program mean this one")
        .help("give it a name of its own, unless it is meant to take that one's place");
        if let Some(row) = builtin {
            message = message.help(format!("hidden is `{}`", row.signature));
        }
        self.tell(message);
    }

    /// The name and the arguments of a function's clause.
    pub(super) fn head(&self, clause: ClauseId) -> Option<Head<'a>> {
        let tree = self.tree;
        let head = *tree.clause(clause).patterns.first()?;
        let Node::Call(name, arguments) = tree.node(head) else { return None };
        if !matches!(tree.node(*name), Node::Atom) {
            return None;
        }
        Some(Head { name: tree.name(*name).into_owned(), arguments, span: tree.span(head) })
    }

    fn attribute(&mut self, name: ExprId, arguments: &'a [ExprId]) {
        let tree = self.tree;
        let written = tree.name(name);
        match (&*written, arguments) {
            ("module", [module]) if matches!(tree.node(*module), Node::Atom) => {
                let module = tree.name(*module).into_owned();
                self.environment.set_own_module(&module);
            }
            ("import", [module, functions]) => self.imports(*module, *functions),
            ("export" | "compile" | "spec" | "type" | "author" | "vsn" | "doc" | "moduledoc", _) => self.tell(
                Diagnostic::warning("E0212", format!("`-{written}` has no effect"))
                    .at(tree.span(name), "not needed")
                    .help("take it away: all functions of a program can be called, and there are no declared types"),
            ),
            _ => self.tell(
                Diagnostic::error(
                    "E0212",
                    match &*written {
                        "module" | "import" => format!("`-{written}(..)` is not written so"),
                        _ => format!("`-{written}(..)` is not an attribute that is known"),
                    },
                )
                .at(tree.span(name), "not known")
                .help(
                    hints::for_attribute(&written)
                        .unwrap_or("there are `-module(name).` and `-import(module, [function/1]).`"),
                ),
            ),
        }
    }

    fn imports(&mut self, module: ExprId, functions: ExprId) {
        let tree = self.tree;
        let (Node::Atom, Node::List(items, None)) = (tree.node(module), tree.node(functions)) else {
            return self.bad_import(functions);
        };
        let module_name = tree.name(module).into_owned();
        if !self.known_module(&module_name) {
            return self.unknown_module(&module_name, tree.span(module));
        }
        for item in items {
            let Node::Binop(Infix::Divide, name, arity) = tree.node(*item) else { return self.bad_import(*item) };
            let (Node::Atom, Node::Integer) = (tree.node(*name), tree.node(*arity)) else {
                return self.bad_import(*item);
            };
            let Ok(count) = tree.raw(*arity).parse::<u8>() else { return self.bad_import(*arity) };
            let name = tree.name(*name).into_owned();
            if self.in_module(&module_name, &name, count).is_some() {
                self.environment.add_import(&name, count, &module_name);
            } else {
                self.unknown_function(Some(&module_name), &name, usize::from(count), tree.span(*item));
            }
        }
    }

    fn bad_import(&mut self, place: ExprId) {
        let span = self.tree.span(place);
        self.tell(
            Diagnostic::error("E0212", "an import names a module and a list of functions with their arities")
                .at(span, "not of this shape")
                .help("write `-import(lists, [map/2, sum/1]).`"),
        );
    }

    /// Checks all forms.
    pub(super) fn program(&mut self) -> Checked {
        let tree = self.tree;
        let mut checked = Checked::default();
        let mut above = None;
        for form in &tree.forms {
            match &form.node {
                FormNode::Statement(body) => {
                    self.continued = above.filter(|_| self.indent(form.range.0) > 0);
                    let form = self.statement(body, form.range);
                    self.continued = None;
                    checked.forms.push(form);
                }
                FormNode::Function(clauses, documentation) => {
                    above = clauses.last().map(|last| (*last, form.range.1)).filter(|_| self.indent(form.range.0) == 0);
                    let documentation = documentation.as_deref().map(str::to_owned);
                    checked.functions.extend(self.function(clauses, documentation, form.range));
                }
                FormNode::Attribute(..) => {}
            }
        }
        checked
    }

    /// How far from the start of its line something stands, where nothing stands before it.
    fn indent(&self, start: u32) -> usize {
        let line = self.tree.text()[..start as usize].rsplit('\n').next().unwrap_or("");
        if line.trim().is_empty() { line.len() } else { 0 }
    }

    /// The end of the function above and its name, where its last clause binds a name that this form, below it, misses.
    pub(super) fn bound_above(&self, name: &str) -> Option<(Span, String)> {
        let (clause, end) = self.continued?;
        let head = self.head(clause)?;
        let binds = bound::by_named_clause(self.tree, clause, head.arguments).contains(&name);
        let dot = end + u32::try_from(self.tree.text().get(end as usize..)?.find('.')?).ok()?;
        binds.then(|| (self.tree.place((dot, dot + 1)), format!("{}/{}", head.name, head.arguments.len())))
    }

    fn statement(&mut self, body: &'a [ExprId], range: tree::Range) -> Form {
        self.scopes = vec![Scope::new(Kind::Form)];
        let names = bound::by_body(self.tree, body);
        let mut ids = Vec::new();
        for name in names {
            let id = self.environment.add_global(name);
            self.bound.resize(self.environment.globals().len(), false);
            ids.push(id);
            if !self.bound[id.0 as usize] {
                self.scope().names.push((name, Binding::Pending(Slot::Global(id))));
            }
        }
        self.several = self.several_names(body);
        self.in_several = self.several.is_some();
        self.small_before_name(body);
        let body = self.body(body);
        (self.several, self.in_several) = (None, false);
        let locals = self.scope().locals;
        let half: Vec<(&'a str, tree::Range)> = self
            .scope()
            .names
            .iter()
            .filter_map(|(name, binding)| match binding {
                Binding::Unsafe(range) => Some((*name, *range)),
                _ => None,
            })
            .collect();
        self.half_bound.extend(half);
        for id in ids {
            self.bound[id.0 as usize] = true;
        }
        self.scopes.clear();
        Form { body, locals, span: self.tree.place(range) }
    }

    /// What is meant by `A, B = 1, 2`.
    fn several_names(&self, body: &[ExprId]) -> Option<String> {
        let tree = self.tree;
        let at = body.iter().position(|id| matches!(tree.node(*id), Node::Binop(Infix::Match, ..)))?;
        let is_name =
            |id: &ExprId| matches!(tree.node(*id), Node::Variable | Node::Atom) && !tree.raw(*id).starts_with('\'');
        let Node::Binop(_, last, first) = tree.node(body[at]) else { return None };
        let all_names = at > 0 && body[..at].iter().all(is_name) && is_name(last);
        let raw = |id: &ExprId| tree.raw(*id);
        let written = body[..at].iter().chain([last]);
        let small = written.clone().any(|id| matches!(tree.node(*id), Node::Atom));
        let names: Vec<String> = written.map(|id| capital(raw(id))).collect();
        let by_pattern = |values: &str| {
            let capitals = if small { ", and start with a capital letter" } else { "" };
            format!("several names are bound by a pattern{capitals}: `{{{}}} = {values}`", names.join(", "))
        };
        // `A, B = declare(set)`
        if all_names && body.len() == at + 1 && self.makes_variable(*first) {
            let each: Vec<String> = names.iter().map(|name| format!("{name} = {}", raw(first))).collect();
            return Some(format!("each variable is made by a call of its own: `{}`", each.join(", ")));
        }
        // `A, B = Pair`
        if all_names && body.len() == at + 1 && matches!(tree.node(*first), Node::Tuple(_) | Node::Call(..)) {
            return Some(by_pattern(raw(first)));
        }
        let fits = all_names && body.len() == 2 * at + 1;
        let values: Vec<&str> = [first].into_iter().chain(&body[at + 1..]).map(raw).collect();
        fits.then(|| by_pattern(&format!("{{{}}}", values.join(", "))))
    }

    /// `x, Y = 1, 2`: the first stands alone, and nothing else would tell it.
    fn small_before_name(&mut self, body: &[ExprId]) {
        let tree = self.tree;
        let (Some(several), Some(first)) = (&self.several, body.first()) else { return };
        let pattern = body.iter().find_map(|id| match tree.node(*id) {
            Node::Binop(Infix::Match, pattern, _) => Some(*pattern),
            _ => None,
        });
        let capital = pattern.is_some_and(|pattern| matches!(tree.node(pattern), Node::Variable));
        if !capital || !matches!(tree.node(*first), Node::Atom) {
            return;
        }
        let title = format!("`{}` is an atom, a value of its own, and not the name of one", tree.raw(*first));
        let told = Diagnostic::error("E0210", title).at(tree.span(*first), "nothing is bound to it").help(several);
        self.several = None;
        self.tell(told);
    }

    fn function(
        &mut self,
        clauses: &'a [ClauseId],
        documentation: Option<String>,
        range: tree::Range,
    ) -> Option<Function> {
        let first = self.head(*clauses.first()?);
        let Some(first) = first else {
            self.bad_head(clauses[0]);
            return None;
        };
        let Ok(arity) = u8::try_from(first.arguments.len()) else {
            self.too_many_arguments(first.span);
            return None;
        };
        let mut heads = vec![first.arguments];
        for clause in &clauses[1..] {
            match self.head(*clause) {
                None => self.bad_head(*clause),
                Some(head) if head.name != first.name || head.arguments.len() != first.arguments.len() => {
                    let title = format!(
                        "a clause of `{}/{}` stands among those of `{}/{arity}`",
                        head.name,
                        head.arguments.len(),
                        first.name
                    );
                    self.tell(
                        Diagnostic::error("E0207", title)
                            .at(head.span, "another name or number of arguments")
                            .at(first.span, "the first clause")
                            .help("all clauses have one name and one number of arguments; another function comes after a `.`, in place of the `;`"),
                    );
                }
                Some(head) => heads.push(head.arguments),
            }
        }
        if heads.len() != clauses.len() {
            return None;
        }
        self.scopes = vec![Scope::new(Kind::Named)];
        let lambda = self.lambda(clauses, &heads, arity, range);
        self.scopes.clear();
        let id = self.environment.function(self.module, &first.name, arity)?;
        Some(Function { id, module: self.module.map(str::to_owned), name: first.name, lambda, documentation })
    }

    fn bad_head(&mut self, clause: ClauseId) {
        let tree = self.tree;
        let Some(head) = tree.clause(clause).patterns.first().copied() else { return };
        let help = match tree.node(head) {
            Node::Error => return,
            Node::Call(name, _) if matches!(tree.node(*name), Node::Variable) => {
                self.told.insert(tree.raw(*name));
                format!("names of functions start with a small letter: `{}(..) -> ..`", lower(tree.raw(*name)))
            }
            Node::Atom => {
                format!("a function without arguments has an empty list of them: `{}() -> ..`", tree.raw(head))
            }
            // `F = X -> X * 2`
            Node::Binop(Infix::Match, name, argument)
                if matches!((tree.node(*name), tree.node(*argument)), (Node::Variable, Node::Variable)) =>
            {
                let (name, argument) = (tree.raw(*name), tree.raw(*argument));
                let body = tree.clause(clause).body.last().map_or("..", |last| tree.raw(*last));
                let body = if body.contains('\n') { ".." } else { body };
                self.told.insert(name);
                let argument = argument.trim_matches(['(', ')']);
                format!("a function without a name is written `{name} = fun({argument}) -> {body} end`")
            }
            _ => {
                "a function is defined as `name(Pattern, ..) -> Body.`; a function without a name is `fun (X) -> X end`"
                    .to_owned()
            }
        };
        self.tell(
            Diagnostic::error("E0207", "this is not the head of a function")
                .at(tree.span(head), "before `->`")
                .help(help),
        );
    }

    pub(super) fn too_many_arguments(&mut self, span: Span) {
        self.tell(
            Diagnostic::error("E0213", "too many arguments")
                .at(span, "more than 255")
                .help("put them into a list, a tuple or a map"),
        );
    }

    /// Whether the text is typed at the prompt.
    pub(super) fn at_prompt(&self) -> bool {
        self.mode == Mode::Prompt
    }
}

/// With a small first letter.
pub(super) fn lower(name: &str) -> String {
    let mut letters = name.trim_start_matches('_').chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
