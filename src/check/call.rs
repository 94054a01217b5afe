//! Calls: which function, built-in or verb is meant.

use crate::check::Checker;
use crate::check::core::Expr;
use crate::check::core::FunctionId;
use crate::check::core::Node;
use crate::check::core::VerbCall;
use crate::check::hints;
use crate::check::pattern;
use crate::check::scope::Found;
use crate::check::suggest;
use crate::library;
use crate::library::BuiltinId;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::guess::capital;
use crate::syntax::tree;
use crate::syntax::tree::ExprId;

/// What a name of a function means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Callee {
    Function(FunctionId),
    Builtin(BuiltinId),
}

impl<'a> Checker<'a> {
    /// `f(X)` and `F(X)`. `name` is the name that a variable made here gets.
    pub(super) fn call(
        &mut self,
        id: ExprId,
        function: ExprId,
        arguments: &'a [ExprId],
        name: Option<&'a str>,
    ) -> Expr {
        let tree = self.tree;
        if matches!(tree.node(function), tree::Node::Atom) {
            let called = tree.name(function);
            return self.named_call(id, None, &called, function, arguments, name);
        }
        let span = tree.span(id);
        let function = self.expr(function);
        let arguments = self.arguments(arguments, span);
        Expr { node: Node::Apply(Box::new(function), arguments), span }
    }

    /// `m:f(X)`
    pub(super) fn remote(
        &mut self,
        id: ExprId,
        module: ExprId,
        function: ExprId,
        arguments: &'a [ExprId],
        name: Option<&'a str>,
    ) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        if !matches!((tree.node(module), tree.node(function)), (tree::Node::Atom, tree::Node::Atom)) {
            if !matches!((tree.node(module), tree.node(function)), (tree::Node::Error, _) | (_, tree::Node::Error)) {
                self.tell(
                    Diagnostic::error("E0204", "the module and the function before and after `:` are written out")
                        .at(tree.span(module).to(tree.span(function)), "names with small letters are expected")
                        .help("to choose a function while the program runs, hand on a function value: `F = fun lists:sum/1, F(L)`"),
                );
            }
            return Checker::nothing(span);
        }
        let (module_name, called) = (tree.name(module), tree.name(function));
        if !self.known_module(&module_name) {
            self.unknown_module(&module_name, tree.span(module));
            self.arguments(arguments, span);
            return Checker::nothing(span);
        }
        self.named_call(id, Some(&module_name), &called, function, arguments, name)
    }

    fn named_call(
        &mut self,
        id: ExprId,
        module: Option<&str>,
        called: &str,
        place: ExprId,
        arguments: &'a [ExprId],
        name: Option<&'a str>,
    ) -> Expr {
        let span = self.tree.span(id);
        if self.named_argument(arguments) {
            return Checker::nothing(span);
        }
        let meant = u8::try_from(arguments.len()).ok().and_then(|arity| self.resolve(module, called, arity));
        match meant {
            None => {
                // A function of that name with another number of arguments is meant rather.
                let strange = module.is_none() && self.arities(None, called).is_empty();
                let meant = if strange { self.guessed_verb(called, arguments) } else { None };
                match meant {
                    Some(line) if !self.lost.contains(called) => self.tell(
                        Diagnostic::error("E0202", format!("there is no function `{called}/{}`", arguments.len()))
                            .at(self.tree.span(place), "not known")
                            .help(format!("write `{line}`")),
                    ),
                    _ => self.unknown_function(module, called, arguments.len(), self.tree.span(place)),
                }
                self.arguments(arguments, span);
                Checker::nothing(span)
            }
            Some(Callee::Function(function)) => {
                Expr { node: Node::Call(function, self.arguments(arguments, span)), span }
            }
            Some(Callee::Builtin(builtin)) => match builtin.row().verb {
                None => Expr { node: Node::Builtin(builtin, self.arguments(arguments, span)), span },
                Some(verb) => self.verb(builtin, verb, arguments, name, span),
            },
        }
    }

    fn verb(
        &mut self,
        builtin: BuiltinId,
        verb: Verb,
        arguments: &'a [ExprId],
        name: Option<&'a str>,
        span: Span,
    ) -> Expr {
        let told = takes_variable(verb) && self.atom_for_variable(builtin.row().name, arguments);
        if matches!(verb, Verb::Declare | Verb::DeclareDynamic) && self.type_as_call(arguments)
            || self.comparison_for_threshold(verb, arguments)
        {
            return Checker::nothing(span);
        }
        let call = self.operation_as_call(verb, arguments);
        // `X = map(S, F, declare(T))`, `X = bind_to(declare(T), S)`: the inner call makes the variable.
        let given = derives(verb) && !makes_destination(verb, arguments.len());
        let inner = name.filter(|_| given || verb == Verb::BindTo);
        let destination = if verb == Verb::BindTo { 0 } else { arguments.len().saturating_sub(1) };
        let mut checked = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            let inner = inner.filter(|_| at == destination);
            checked.push(match inner {
                _ if told && at == 0 || call && at == 1 => Checker::nothing(self.tree.span(*argument)),
                Some(_) => self.expr_named(*argument, inner),
                None => self.expr(*argument),
            });
        }
        if let (Verb::Sql, [Expr { node: Node::Literal(text), .. }]) = (verb, checked.as_slice())
            && let Some(text) = text.as_text()
        {
            self.sql_text(text, arguments[0]);
        }
        if let (Verb::Sql, [Expr { node: Node::Literal(other), span }]) = (verb, checked.as_slice())
            && other.as_text().is_none()
        {
            let quoted = other.as_atom().filter(|text| text.contains(' '));
            let help = quoted
                .map_or("a view is made of a text: `sql(\"select name from Users\")`".to_owned(), |text| {
                    format!("texts stand in double quotes: `sql(\"{text}\")`")
                });
            let told = Diagnostic::error("E0909", "`sql` needs a text").at(*span, "not a text").help(help);
            self.tell(told);
        }
        let makes = match verb {
            Verb::Declare | Verb::DeclareDynamic => arguments.len() == 1,
            _ => makes_destination(verb, arguments.len()),
        };
        let name = name.filter(|_| makes).map(str::to_owned);
        Expr { node: Node::Verb(VerbCall { builtin, verb, arguments: checked, name }), span }
    }

    /// Tells `declare(type=set)`: a small name before `=` that can never match what is behind it.
    fn named_argument(&mut self, arguments: &[ExprId]) -> bool {
        let tree = self.tree;
        let named = arguments.iter().find_map(|id| match tree.node(*id) {
            tree::Node::Binop(tree::Infix::Match, name, value)
                if matches!(tree.node(*name), tree::Node::Atom) && !tree.raw(*name).starts_with('\'') =>
            {
                let other = matches!(tree.node(*value), tree::Node::Atom) && tree.name(*value) != tree.name(*name);
                (other || self.never_an_atom(*value)).then_some((*name, *value))
            }
            _ => None,
        });
        let Some((name, value)) = named else { return false };
        self.tell(
            Diagnostic::error("E0108", "arguments have no names")
                .at(tree.span(name), "not known here")
                .help(format!("they are told apart by their order: write `{}` alone", pattern::short(tree.raw(value)))),
        );
        true
    }

    fn arguments(&mut self, arguments: &'a [ExprId], span: Span) -> Vec<Expr> {
        if arguments.len() > usize::from(u8::MAX) {
            self.too_many_arguments(span);
            return Vec::new();
        }
        arguments.iter().map(|argument| self.expr(*argument)).collect()
    }

    /// `fun f/2`, `fun m:f/2`
    pub(super) fn function_value(&mut self, id: ExprId, fun: tree::FunName) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let name = tree.name(fun.name);
        let module = fun.module.map(|module| (module, tree.name(module)));
        if let Some((place, module)) = &module
            && !self.known_module(module)
        {
            self.unknown_module(module, tree.span(*place));
            return Checker::nothing(span);
        }
        let module = module.as_ref().map(|(_, name)| &**name);
        let arity = tree.raw(fun.arity).parse::<usize>().unwrap_or(usize::MAX);
        match u8::try_from(arity).ok().and_then(|arity| self.resolve(module, &name, arity)) {
            Some(Callee::Function(function)) => Expr { node: Node::FunctionValue(function), span },
            Some(Callee::Builtin(builtin)) => Expr { node: Node::BuiltinValue(builtin), span },
            None => {
                self.unknown_function(module, &name, arity, span);
                Checker::nothing(span)
            }
        }
    }

    /// A function of this text, or at the prompt of an earlier one.
    pub(super) fn own_function(&self, name: &str, arity: usize) -> Option<FunctionId> {
        self.environment.function(self.module, name, u8::try_from(arity).ok()?)
    }

    /// Own functions, then imports, the prelude, built-ins and verbs.
    pub(super) fn resolve(&self, module: Option<&str>, name: &str, arity: u8) -> Option<Callee> {
        if let Some(module) = module {
            return self.in_module(module, name, arity);
        }
        let environment = &self.environment;
        if let Some(own) = environment.function(self.module, name, arity) {
            return Some(Callee::Function(own));
        }
        if let Some(module) = environment.import(name, arity) {
            return self.in_module(module, name, arity);
        }
        environment
            .exported("prelude", name, arity)
            .map(Callee::Function)
            .or_else(|| library::find(None, name, arity).map(Callee::Builtin))
    }

    pub(super) fn in_module(&self, module: &str, name: &str, arity: u8) -> Option<Callee> {
        let own = self.environment.own_module() == Some(module);
        let own = own.then(|| self.environment.function(self.module, name, arity)).flatten();
        let inside =
            (self.module == Some(module)).then(|| self.environment.function(self.module, name, arity)).flatten();
        own.or(inside)
            .or_else(|| self.environment.exported(module, name, arity))
            .map(Callee::Function)
            .or_else(|| library::find(Some(module), name, arity).map(Callee::Builtin))
    }

    pub(super) fn known_module(&self, module: &str) -> bool {
        self.environment.own_module() == Some(module) || self.environment.is_module(module)
    }

    pub(super) fn unknown_module(&mut self, module: &str, span: Span) {
        let all: Vec<&str> = self.environment.modules().into_iter().filter(|name| *name != "prelude").collect();
        let help = match hints::for_module(module).or_else(|| library::instead_of_module(module)) {
            Some(hint) => hint.to_owned(),
            None => match suggest::nearest(module, all.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("there are {}", all.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
                }
            },
        };
        self.tell(
            Diagnostic::error("E0204", format!("there is no module `{module}`")).at(span, "not known").help(help),
        );
    }

    pub(super) fn unknown_function(&mut self, module: Option<&str>, name: &str, arity: usize, span: Span) {
        if module.is_none() && self.lost.contains(name) {
            return;
        }
        let prefix = module.map(|module| format!("{module}:")).unwrap_or_default();
        let arities = self.arities(module, name);
        if !arities.is_empty() {
            // A call that is not closed may have any number of arguments.
            if self.lost.contains(name) {
                return;
            }
            let others = suggest::and(&arities, &format!("{prefix}{name}"));
            let mut diagnostic =
                Diagnostic::error("E0203", format!("`{prefix}{name}/{arity}` does not exist; {others}"))
                    .at(span, format!("called with {arity} argument{}", if arity == 1 { "" } else { "s" }));
            if (prefix.as_str(), name) == ("", "print") {
                diagnostic =
                    diagnostic.help("for several values write `print({A, B})`, or `io:format(\"~s ~p~n\", [Text, X])`");
            }
            if (prefix.as_str(), name, arity) == ("", "fold", 4) {
                diagnostic = diagnostic.help("a fold begins with what its destination has, and needs no first value");
            }
            for found in arities.iter().filter_map(|arity| library::find(module, name, *arity)) {
                diagnostic = diagnostic.help(format!("`{}`", found.row().signature));
            }
            return self.tell(diagnostic);
        }
        let diagnostic = Diagnostic::error("E0202", format!("there is no function `{prefix}{name}/{arity}`"));
        let help = self.help_for_function(module, name, arity);
        self.tell(diagnostic.at(span, "not known").help(help));
    }

    fn arities(&self, module: Option<&str>, name: &str) -> Vec<u8> {
        let mut arities = library::arities(module, name);
        let own = module.is_none() || module == self.environment.own_module();
        if own {
            arities.extend(self.environment.arities(self.module, name));
            arities.extend(self.environment.arities(Some("prelude"), name));
        }
        if module.is_some() {
            arities.extend(self.environment.arities(module, name));
        }
        arities.sort_unstable();
        arities.dedup();
        arities
    }

    /// What is likely to be meant by the name of a function that there is not.
    fn meant_function(&mut self, module: Option<&str>, name: &str, arity: usize) -> Option<String> {
        if let Some(known) = self.meant.function(module, name, arity) {
            return known.clone();
        }
        if !self.meant.is_worth(library::BUILTINS.len() + self.environment.function_count()) {
            return None;
        }
        let mut names: Vec<&str> =
            library::BUILTINS.iter().filter(|row| row.module == module).map(|row| row.name).collect();
        names.extend(self.environment.function_names(module));
        if module.is_none() {
            names.extend(self.environment.function_names(self.module));
            names.extend(self.environment.function_names(Some("prelude")));
        }
        let near = suggest::nearest(name, names.iter().copied()).or_else(|| suggest::longer(name, names));
        let prefix = module.map(|module| format!("{module}:")).unwrap_or_default();
        let meant = near.map(|near| format!("{prefix}{near}")).or_else(|| {
            let few = u8::try_from(arity).unwrap_or(u8::MAX);
            let modules = if module.is_none() { self.environment.modules() } else { Vec::new() };
            let has = |module: &&str| self.in_module(module, name, few).is_some();
            modules.into_iter().find(has).map(|module| format!("{module}:{name}"))
        });
        self.meant.found(module, name, arity, meant.clone());
        meant
    }

    fn help_for_function(&mut self, module: Option<&str>, name: &str, arity: usize) -> String {
        let variable = capital(name);
        if module.is_none() && matches!(self.find(&variable), Found::Local(_) | Found::Global(_)) {
            return format!("to call the function in `{variable}`, write `{variable}(..)`");
        }
        let hint = match module {
            Some(module) => hints::for_function_of(module, name),
            None => hints::for_function(name),
        };
        if let Some(hint) = hint.or_else(|| library::instead(module, name)) {
            return hint.to_owned();
        }
        if let Some(line) = hints::counterpart(module, name) {
            return format!("write `{line}`");
        }
        if let Some(meant) = self.meant_function(module, name, arity) {
            return format!("did you mean `{meant}`?");
        }
        match module.filter(|module| self.environment.own_module() != Some(module)) {
            Some(module) => {
                format!("names are Erlang's, where Erlang has such a function: `lasp doc {module}` shows them")
            }
            None => format!("define it: `{name}({}) -> ..`", vec!["_"; arity.min(8)].join(", ")),
        }
    }

    /// `update(ads, ..)`, where `Ads` is meant.
    fn atom_for_variable(&mut self, verb: &str, arguments: &'a [ExprId]) -> bool {
        let tree = self.tree;
        let Some(id) = arguments.first().copied() else { return false };
        if !matches!(tree.node(id), tree::Node::Atom) || self.lost.contains(tree.raw(id)) {
            return false;
        }
        let name = tree.name(id);
        let is_variable = |id: &&ExprId| {
            matches!(tree.node(**id), tree::Node::Variable) && self.variables.contains_key(tree.raw(**id))
        };
        let help = match arguments[1..].iter().find(is_variable) {
            Some(variable) => {
                let others = arguments.iter().filter(|id| *id != variable).map(|id| tree.raw(*id));
                let written = others.collect::<Vec<&str>>().join(", ");
                // `update(add, S, 1)`: what it does and to what are one operation.
                let operation =
                    if verb == "update" && arguments.len() > 2 { format!("{{{written}}}") } else { written };
                format!("the variable comes first: `{verb}({}, {operation})`", tree.raw(*variable))
            }
            None => format!("names of values start with a capital letter: `{}`", capital(&name)),
        };
        self.tell(
            Diagnostic::error("E0210", format!("`{name}` is an atom, a value of its own, and not the name of one"))
                .at(tree.span(id), "a variable is expected here")
                .help(help),
        );
        true
    }
}

/// Whether the verb's first argument is a replicated or dynamic variable.
fn takes_variable(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Update
            | Verb::TryUpdate
            | Verb::Query
            | Verb::Read
            | Verb::WaitNeeded
            | Verb::Bind
            | Verb::BindTo
            | Verb::Invariant
            | Verb::EnforceOnce
            | Verb::Stream
            | Verb::SetTopic
            | Verb::RemoveTopic
    ) || derives(verb)
}

/// Whether the verb makes a derivation, with its destination in the last place where it is given one.
fn derives(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Map
            | Verb::Filter
            | Verb::Union
            | Verb::Intersection
            | Verb::Product
            | Verb::Difference
            | Verb::Join
            | Verb::GroupBy
            | Verb::Fold
            | Verb::FoldDynamic
    )
}

/// Whether the verb, with so many arguments, makes the variable that it returns.
fn makes_destination(verb: Verb, arguments: usize) -> bool {
    match verb {
        Verb::Sql => true,
        Verb::Join => arguments == 4,
        Verb::Map | Verb::Filter | Verb::Union | Verb::Intersection | Verb::Product | Verb::Difference => {
            arguments == 2
        }
        _ => false,
    }
}
