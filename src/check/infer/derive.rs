//! Derivations: sources, destinations, and functions that have to be pure.

use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::PatternNode;
use crate::check::core::VerbCall;
use crate::check::infer::operation::added;
use crate::check::infer::operation::element_of;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Effect;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::infer::variables::Variable;
use crate::check::infer::walk;
use crate::check::infer::wrong;
use crate::graph::GraphError;
use crate::graph::Operator;
use crate::graph::rules;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Label;
use crate::source::span::Span;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Closure;
use crate::value::term::Term;

/// What a derivation's arguments are.
struct Shape {
    sources: Vec<usize>,
    functions: Vec<usize>,
    destination: Option<usize>,
}

fn shape(verb: Verb, arguments: usize) -> Option<Shape> {
    let make = |sources: &[usize], functions: &[usize], destination: usize| Shape {
        sources: sources.to_vec(),
        functions: functions.to_vec(),
        destination: (destination < arguments).then_some(destination),
    };
    Some(match verb {
        Verb::Map | Verb::Filter | Verb::Fold | Verb::FoldDynamic => make(&[0], &[1], 2),
        Verb::Union | Verb::Intersection | Verb::Product | Verb::Difference => make(&[0, 1], &[], 2),
        Verb::Join => make(&[0, 1], &[2, 3], 4),
        Verb::GroupBy => make(&[0], &[1, 2], 3),
        Verb::BindTo => make(&[1], &[], 0),
        _ => return None,
    })
}

/// What is said of a place where a function belongs.
const NO_FUNCTION: &str = "no function";

impl<'p> Run<'p> {
    /// Makes a derivation.
    pub(super) fn derive(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> Value {
        let Some(shape) = shape(call.verb, arguments.len()) else {
            return if call.verb == Verb::Sql { self.view(expr, call, arguments) } else { Value::any() };
        };
        for at in shape.sources.iter().chain(&shape.destination) {
            if !self.is_variable_at(expr, call, *at, &arguments[*at], frame) {
                return Value::never();
            }
        }
        let sources: Vec<Value> = shape.sources.iter().map(|at| arguments[*at].clone()).collect();
        let functions: Vec<Value> = shape.functions.iter().map(|at| arguments[*at].clone()).collect();
        let destination = if let Some(at) = shape.destination {
            arguments[at].clone()
        } else {
            let dynamic = sources.iter().any(|source| self.only(source).is_some_and(|source| source.dynamic));
            self.made(expr, call, dynamic, Value::never())
        };
        self.note_derivation(expr, call, &sources, &functions, &destination);
        if let Some(told) = self.no_function(call, &shape.functions, &functions) {
            return self.fail(expr, frame, |_| told);
        }
        if let Some(refused) = self.refused(expr, call.verb, &sources, &functions, &destination) {
            return self.fail(expr, frame, |_| refused);
        }
        let results = self.elementwise(expr, call.verb, &sources, &functions, frame);
        let Some(results) = results else { return Value::never() };
        self.note_results(expr, &results);
        if call.verb == Verb::Filter
            && let Some(told) = self.no_condition(expr, call, &results)
        {
            return self.fail(expr, frame, |_| told);
        }
        if matches!(call.verb, Verb::Fold | Verb::FoldDynamic | Verb::GroupBy) {
            if let Some(told) = self.no_contribution(expr, call, &results, &destination) {
                return self.fail(expr, frame, |_| told);
            }
            self.accumulator(call, functions.last());
        }
        let content = self.fill(call.verb, &sources, &results, &destination);
        for number in Run::known_variables(&destination).unwrap_or_default() {
            self.flows.fed.push((number, expr.span, content.clone()));
        }
        self.flow(expr, call.verb, &sources, &destination, frame)
    }

    /// What stands where a function belongs, and is calculated on the spot.
    fn no_function(&self, call: &VerbCall, places: &[usize], functions: &[Value]) -> Option<Diagnostic> {
        let calculated =
            |value: &&Value| value.single().is_none() && value.parts().is_some_and(|parts| !parts.funs.some());
        let (at, value) = places.iter().zip(functions).find(|(_, value)| calculated(value))?;
        let place = call.arguments.get(*at)?;
        let title = format!("{} needs a function, and this is {}", verb_word(call.verb), self.describe(value));
        Some(
            Diagnostic::error("E0308", title)
                .at(place.span, NO_FUNCTION)
                .help("a function says what is done with each element: `fun(X) -> X * 2 end`"),
        )
    }

    /// The one variable that a value is.
    pub(super) fn only(&self, value: &Value) -> Option<&Variable> {
        match &*Run::known_variables(value)? {
            [only] => self.variables.get(*only),
            _ => None,
        }
    }

    /// The variable that a verb without a destination makes.
    pub(super) fn made(&mut self, expr: &Expr, call: &VerbCall, dynamic: bool, content: Value) -> Value {
        let name = call.name.as_deref().and_then(|name| Atom::new(name).ok()).map(Term::Atom);
        let number = self.variables.intern(Variable {
            sure: false,
            site: site(expr),
            name,
            fresh: call.name.is_none(),
            kind: Some(Type::Set),
            dynamic,
            verb: call.verb,
            span: expr.span,
            content,
            escapes: false,
        });
        Value::variable(number)
    }

    /// What the rules of the dataflow graph say of it, where all that takes part is known.
    fn refused(
        &self,
        expr: &Expr,
        verb: Verb,
        sources: &[Value],
        functions: &[Value],
        destination: &Value,
    ) -> Option<Diagnostic> {
        let mut functions = functions.iter().map(stand_in);
        let mut function = || functions.next().unwrap_or_else(|| closure(1));
        let operator = match verb {
            Verb::Map => Operator::Map(function()),
            Verb::Filter => Operator::Filter(function()),
            Verb::Union => Operator::Union,
            Verb::Difference => Operator::Difference,
            Verb::Join => Operator::Join(function(), function()),
            Verb::GroupBy => Operator::GroupBy(function(), function()),
            Verb::Intersection => Operator::Intersection,
            Verb::Product => Operator::Product,
            Verb::Fold => Operator::Fold(function()),
            Verb::FoldDynamic => Operator::FoldDynamic(function()),
            Verb::BindTo => Operator::Bind,
            _ => return None,
        };
        let into = self.only(destination)?;
        let from: Vec<&Variable> = sources.iter().map(|source| self.only(source)).collect::<Option<_>>()?;
        let references: Vec<Arc<Reference>> = from.iter().map(|source| reference(source)).collect::<Option<_>>()?;
        let destination_reference = reference(into)?;
        let error = rules::check(&operator, &references.iter().collect::<Vec<_>>(), &destination_reference).err()?;
        let mut message = error.diagnostic().at(expr.span, "refused");
        if !matches!(error, GraphError::NotAFunction { .. }) {
            for variable in from.into_iter().chain([into]) {
                if let Some(kind) = variable.kind.as_ref().filter(|_| variable.span != expr.span) {
                    let dynamic = if variable.dynamic { "dynamic, " } else { "" };
                    message = message.at(variable.span, format!("{dynamic}{}", kind.with_article()));
                }
            }
        }
        Some(message)
    }

    /// Calls the functions as the derivation does, with an element; what they give. Nothing if one is not pure.
    fn elementwise(
        &mut self,
        expr: &'p Expr,
        verb: Verb,
        sources: &[Value],
        functions: &[Value],
        frame: &Frame,
    ) -> Option<Vec<Value>> {
        let mut results = Vec::new();
        for (at, function) in functions.iter().enumerate() {
            let source = if verb == Verb::Join { sources.get(at) } else { sources.first() };
            let element = source.map_or_else(Value::any, |source| self.element(source));
            let mut arguments = vec![element];
            let arity = match function.parts().map(|parts| &parts.funs) {
                Some(Few::Of(funs)) => funs.first().map_or(1, |fun| fun.arity),
                _ => 1,
            };
            if arity == 2 {
                arguments.push(Value::any());
            }
            let outer = self.effect.take();
            self.repeats += 1;
            let value = self.pure_call(expr, function, &arguments, frame);
            self.repeats -= 1;
            let inner = std::mem::replace(&mut self.effect, outer);
            if let Some(effect) = inner {
                self.fail(expr, frame, |run| run.impure(expr, verb, &effect));
                return None;
            }
            results.push(value);
        }
        Some(results)
    }

    /// What fails in it, fails for one element and is told there; the derivation is made all the same.
    fn pure_call(&mut self, expr: &'p Expr, function: &Value, arguments: &[Value], frame: &Frame) -> Value {
        let Some(Few::Of(funs)) = function.parts().map(|parts| &parts.funs) else { return Value::any() };
        let mut all = Value::never();
        for fun in funs.iter().filter(|fun| usize::from(fun.arity) == arguments.len()) {
            let value = match fun.code {
                Code::Builtin(id) => self.called_builtin(id, expr),
                code => {
                    let call = crate::check::infer::run::Call {
                        code,
                        captured: fun.captured.clone(),
                        arguments: arguments.to_vec(),
                        control: None,
                        atomic: false,
                    };
                    self.call(triomphe::Arc::new(call), expr.span)
                }
            };
            all = all.join(&value);
        }
        // The place itself is fine as far as running goes, and so it has a key of its own.
        let key = site(&expr.span);
        match self.inner_failure().filter(|_| all.is_never()) {
            Some(cause) => {
                let element = arguments.first().map(|element| self.describe(element)).unwrap_or_default();
                let mut told = cause.diagnostic.clone();
                told.labels.insert(0, Label { span: expr.span, text: format!("each element is {element}") });
                self.fail_at(key, expr.span, frame, Some(cause), |_| told);
            }
            None => self.sites.fine(key, expr.span),
        }
        all
    }

    fn element(&self, source: &Value) -> Value {
        let Some(numbers) = Run::known_variables(source) else { return Value::any() };
        let mut all = Value::never();
        for number in numbers {
            let Some(kind) = self.variables.get(number).and_then(|variable| variable.kind.as_ref()) else {
                return Value::any();
            };
            all = all.join(&element_of(kind, &self.elements(number)));
        }
        all
    }

    fn impure(&self, expr: &Expr, verb: Verb, effect: &Effect) -> Diagnostic {
        let mut steps: Vec<(String, Span)> = Vec::new();
        let mut at = effect;
        while let Some((called, next)) = &at.called {
            // Within the library, and into a `fun` that stands there to be read, the way is of no interest.
            if !self.sites.is_library(at.span) && called.contains('/') || steps.is_empty() {
                steps.push((called.clone(), at.span));
            }
            at = next;
        }
        let name = &at.verb;
        let word = verb_word(verb);
        let title = format!("the functions of `{word}` must be pure, and this one calls `{name}`");
        let mut message = Diagnostic::error("E0518", title);
        // The main place is in the user's text: where the verb is called, or else what calls the library.
        let library = self.sites.is_library(at.span);
        if !library {
            message = message.at(at.span, "not allowed here");
        }
        // The first step is the derivation's own call of its function.
        for (called, span) in steps.iter().skip(1) {
            message = message.at(*span, format!("calls `{called}`"));
        }
        message = message.at(expr.span, "this derivation calls it");
        if library {
            message = message.at(at.span, "not allowed there");
        }
        let path: Vec<String> = steps.iter().skip(1).map(|(called, _)| format!("`{called}`")).collect();
        if !path.is_empty() {
            message = message.help(format!("the function calls {}, which calls `{name}`", path.join(", which calls ")));
        }
        message.help(
            "every node runs it, as often as it needs: call the verb outside, and hand its result to the function",
        )
    }

    /// What a filter's function gives that is sure to be neither true nor false.
    fn no_condition(&self, expr: &Expr, call: &VerbCall, results: &[Value]) -> Option<Diagnostic> {
        let result = results.first().filter(|result| !result.is_never() && !result.meets(&self.booleans))?;
        let place = call.arguments.get(1).map_or(expr.span, |argument| argument.span);
        let title = format!("this filter's function gives {}, and never true or false", self.describe(result));
        let message = Diagnostic::error("E0312", title).at(place, "decides which elements are kept");
        Some(match wrong::in_braces(result) {
            Some(only) if only.meets(&self.booleans) => message.help(wrong::BRACES),
            _ => message,
        })
    }

    /// A fold's function that reads its second argument, as if it were an accumulator.
    fn accumulator(&mut self, call: &'p VerbCall, function: Option<&Value>) {
        let Some(Few::Of(funs)) = function.and_then(Value::parts).map(|parts| &parts.funs) else { return };
        let [fun] = &**funs else { return };
        if fun.arity != 2 || self.is_library(fun.code) {
            return;
        }
        let lambda: &'p Lambda = match fun.code {
            Code::Lambda(number) => match self.lambdas.get(number as usize) {
                Some(lambda) => lambda,
                None => return,
            },
            Code::Named(id) => match self.functions.get(&id) {
                Some(function) => &function.lambda,
                None => return,
            },
            Code::Builtin(_) => return,
        };
        for clause in &lambda.clauses {
            let Some(second) = clause.patterns.get(1) else { continue };
            let reads = match &second.node {
                PatternNode::Any => false,
                PatternNode::Bind(local) => walk::reads_itself(clause, *local, &self.functions),
                _ => true,
            };
            if !reads {
                continue;
            }
            let at = if call.verb == Verb::GroupBy { 2 } else { 1 };
            let place = call.arguments.get(at).map_or(second.span, |argument| argument.span);
            self.sites.suspect(site(second), second.span, || {
                Diagnostic::warning("E0402", "a fold has no accumulator: this argument is always the destination's first value")
                    .at(second.span, "always the first value: `0` of a counter, `[]` of a set")
                    .at(place, "given to a fold here")
                    .help("the function gives the operations that one element contributes, such as `fun(X) -> {increment, X} end`; the destination adds them up")
            });
        }
    }

    /// What the destination can hold from now on: what is derived into it.
    fn fill(&mut self, verb: Verb, sources: &[Value], results: &[Value], destination: &Value) -> Value {
        let elements: Vec<Value> = sources.iter().map(|source| self.element(source)).collect();
        let content = match verb {
            Verb::Map => results.first().cloned().unwrap_or_else(Value::any),
            Verb::Filter | Verb::Union | Verb::Intersection | Verb::Difference | Verb::BindTo => {
                elements.iter().fold(Value::never(), |all, element| all.join(element))
            }
            Verb::Product | Verb::Join => Value::tuple(elements),
            Verb::Fold | Verb::FoldDynamic => results.first().map_or_else(Value::any, |result| match result.parts() {
                None => Value::any(),
                Some(Parts { cons: Some(cons), .. }) => added(&cons.elements()).join(&added(result)),
                Some(_) => added(result),
            }),
            _ => Value::any(),
        };
        match Run::known_variables(destination) {
            Some(numbers) => numbers.iter().for_each(|number| self.variables.put(*number, &content)),
            None => self.variables.put_anywhere(&Value::any()),
        }
        content
    }

    /// `{rmv, X}` on a variable that a derivation feeds.
    pub(super) fn tell_removals(&mut self) {
        let removals = std::mem::take(&mut self.removals);
        for (number, expr, removed) in removals {
            let set = self.variables.get(number).and_then(|variable| variable.kind.as_ref()).is_some_and(Type::is_set);
            let feeds = |content: &Value| !set || content.meets(&removed);
            let mut fed = self.flows.fed.iter().filter(|(into, ..)| *into == number);
            let Some(fed) = fed.find(|(_, _, content)| feeds(content)).map(|(_, span, _)| *span) else { continue };
            let name = self.shown(number).unwrap_or_else(|| "this variable".to_owned());
            let place = match &expr.node {
                Node::Verb(call) => call.arguments.get(1).map_or(expr.span, |argument| argument.span),
                _ => expr.span,
            };
            // The place itself is fine as far as running goes, and so it has a key of its own.
            self.sites.suspect(site(&expr.span), expr.span, || {
                Diagnostic::warning(
                    "E0403",
                    format!("this removal does not prevail against what is derived into `{name}`"),
                )
                .at(place, "takes back own additions only")
                .at(fed, "contributes to it as long as its source has the element")
                .help("remove the element from the source instead")
            });
        }
    }
}

/// The verb as it is written.
pub(super) fn verb_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Map => "map",
        Verb::Filter => "filter",
        Verb::Union => "union",
        Verb::Intersection => "intersection",
        Verb::Product => "product",
        Verb::Difference => "difference",
        Verb::Join => "join",
        Verb::GroupBy => "group_by",
        Verb::Fold => "fold",
        Verb::FoldDynamic => "fold_dynamic",
        Verb::BindTo => "bind_to",
        _ => "sql",
    }
}

/// A function as far as the rules look at it: how many arguments it takes.
fn stand_in(function: &Value) -> Term {
    match function.parts().map(|parts| &parts.funs) {
        None | Some(Few::All) => closure(1),
        Some(Few::Of(funs)) => match &**funs {
            [] => function.single().unwrap_or_else(|| Term::atom("undefined")),
            // Of several, one that fits if there is one.
            funs => closure(funs.iter().map(|fun| fun.arity).find(|arity| *arity == 1).unwrap_or(funs[0].arity)),
        },
    }
}

fn closure(arity: u8) -> Term {
    Term::Fun(Arc::new(Closure { code: 0, arity, digest: 0, captured: Box::new([]) }))
}

pub(super) fn reference(variable: &Variable) -> Option<Arc<Reference>> {
    let name = variable.name.clone().map_or(Name::Fresh(0, 0, 0), Name::Given);
    let kind = variable.kind.clone()?;
    Some(Arc::new(Reference { name, kind, dynamic: variable.dynamic }))
}
