//! Verbs on abstract values: what they take, what they give, and which functions they call.

use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::VerbCall;
use crate::check::infer::derive::reference;
use crate::check::infer::describe::written;
use crate::check::infer::operation::added;
use crate::check::infer::operation::may_be_operation;
use crate::check::infer::operation::value_of;
use crate::check::infer::parts::Cons;
use crate::check::infer::parts::Few;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::infer::variables::Variable;
use crate::check::infer::wrong::type_first;
use crate::check::infer::wrong::written_apart;
use crate::graph::GraphError;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::term::Term;

impl<'p> Run<'p> {
    /// Does a verb. Its arguments are evaluated first.
    pub(super) fn verb(&mut self, expr: &'p Expr, call: &'p VerbCall, frame: &mut Frame) -> Value {
        let Some(arguments) = self.all(&call.arguments, frame) else { return Value::never() };
        self.effect(call.builtin.row().title(), expr.span);
        if !self.is_usable(expr, call, &arguments, frame) {
            return Value::never();
        }
        if self.atomic && self.not_atomic(expr, call, frame) {
            return Value::never();
        }
        let value = self.verb_value(expr, call, &arguments, frame);
        if value.is_never() { value } else { self.fine(expr, value) }
    }

    /// What is always refused within a transaction.
    fn not_atomic(&mut self, expr: &'p Expr, call: &'p VerbCall, frame: &Frame) -> bool {
        let (title, help) = match call.verb {
            Verb::Sleep | Verb::CsvRead | Verb::JsonRead | Verb::EachLine => (
                match call.verb {
                    Verb::Sleep => "`atomically` does not wait, and `sleep` does",
                    _ => "`atomically` does not wait, and reading a file does",
                },
                "its updates become visible together at its end: wait before it, or after it",
            ),
            Verb::Interested | Verb::Disinterested => (
                "`atomically` only updates: what a node takes is not an update",
                "say what this node takes before it, or after it",
            ),
            _ => return false,
        };
        self.fail(expr, frame, |_| {
            Diagnostic::error("E0371", title).at(expr.span, "within an `atomically`").help(help)
        });
        true
    }

    fn verb_value(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> Value {
        match (call.verb, arguments) {
            (Verb::Declare | Verb::DeclareDynamic, _) => self.declare(expr, call, arguments, frame),
            (Verb::Update | Verb::TryUpdate, [target, op, ..]) => self.update(expr, call, target, op, frame),
            (Verb::Bind, [target, value]) => self.bind(expr, call, target, value, frame),
            (Verb::Query, [target]) => {
                if !self.is_variable(expr, call, target, frame) {
                    return Value::never();
                }
                let seen = self.value_of_variable(target);
                self.observe(expr, call, std::slice::from_ref(target), None, seen)
            }
            (Verb::Read, [target, ..]) => {
                if !self.is_variable(expr, call, target, frame)
                    || !self.has_threshold(expr, call, 1, target, arguments, frame)
                {
                    return Value::never();
                }
                let seen = self.value_of_variable(target);
                self.observe(expr, call, std::slice::from_ref(target), arguments.get(1), seen)
            }
            (Verb::WaitNeeded, [target, ..]) => {
                if !self.is_variable(expr, call, target, frame)
                    || !self.has_threshold(expr, call, 1, target, arguments, frame)
                {
                    return Value::never();
                }
                self.observe(expr, call, std::slice::from_ref(target), arguments.get(1), target.clone())
            }
            (Verb::ReadAny, [list]) => {
                if !self.has_thresholds(expr, call, list, frame) {
                    return Value::never();
                }
                self.read_any(expr, call, list)
            }
            (Verb::Invariant | Verb::EnforceOnce, [target, limit, function]) => {
                // An effect may take its key.
                let keyed = call.verb == Verb::EnforceOnce && takes_one(function);
                if !self.is_variable(expr, call, target, frame)
                    || !self.has_threshold(expr, call, 1, target, arguments, frame)
                    || !self.takes(expr, call, 2, function, u8::from(keyed), frame)
                {
                    return Value::never();
                }
                let seen = self.observe(expr, call, std::slice::from_ref(target), Some(limit), Value::atom("ok"));
                let given = if keyed { vec![Value::texts()] } else { Vec::new() };
                self.start(expr, function, given, &seen, false, frame);
                Value::atom("ok")
            }
            (Verb::Stream, [target, function]) => {
                if !self.is_variable(expr, call, target, frame) || !self.takes(expr, call, 1, function, 1, frame) {
                    return Value::never();
                }
                let value = self.value_of_variable(target);
                let seen = self.observe(expr, call, std::slice::from_ref(target), None, value);
                self.start(expr, function, vec![seen.clone()], &seen, true, frame);
                Value::atom("ok")
            }
            _ => self.other_verb(expr, call, arguments, frame),
        }
    }

    fn other_verb(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> Value {
        match (call.verb, arguments) {
            (Verb::Thread, [function]) => {
                if !self.takes(expr, call, 0, function, 0, frame) {
                    return Value::never();
                }
                self.note_effect(expr, call, arguments);
                self.start(expr, function, Vec::new(), &Value::any(), false, frame);
                Value::atom("ok")
            }
            (Verb::Once, [_, function]) => {
                if !self.takes(expr, call, 1, function, 0, frame) {
                    return Value::never();
                }
                let seen = self.observe(expr, call, &[], None, Value::any());
                self.begin_once();
                self.start(expr, function, Vec::new(), &seen, false, frame);
                self.end_once();
                Value::any()
            }
            (Verb::Atomically, [function]) => {
                if !self.takes(expr, call, 0, function, 0, frame) {
                    return Value::never();
                }
                self.begin_atomic();
                let outer = std::mem::replace(&mut self.atomic, true);
                let value = self.apply_value(expr, function, Vec::new(), frame);
                self.atomic = outer;
                self.end_atomic();
                value
            }
            (Verb::Every, [_, function]) => {
                if !self.takes(expr, call, 1, function, 0, frame) {
                    return Value::never();
                }
                self.note_effect(expr, call, arguments);
                self.start(expr, function, Vec::new(), &Value::any(), true, frame);
                Value::atom("ok")
            }
            (Verb::EachLine, [_, function]) => {
                if !self.takes(expr, call, 1, function, 1, frame) {
                    return Value::never();
                }
                let line = self.observe(expr, call, &[], None, Value::texts());
                self.start(expr, function, vec![line.clone()], &line, true, frame);
                Value::any()
            }
            _ => self.shown_effect(expr, call, arguments, frame),
        }
    }

    /// What shows outside, and what a node takes part in.
    fn shown_effect(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> Value {
        match (call.verb, arguments) {
            (Verb::SetTopic | Verb::RemoveTopic, [target, _]) => {
                self.note_shape(expr, arguments);
                if self.is_variable(expr, call, target, frame) { target.clone() } else { Value::never() }
            }
            (Verb::Print, [value]) => {
                self.note_effect(expr, call, arguments);
                value.join(&Value::atom("ok"))
            }
            (Verb::Print | Verb::Format | Verb::Assert | Verb::Sleep | Verb::Interested | Verb::Disinterested, _) => {
                self.note_effect(expr, call, arguments);
                Value::any()
            }
            _ => self.surroundings(expr, call, arguments, frame),
        }
    }

    /// What a program sees of the world around it; all that is left makes derivations.
    fn surroundings(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> Value {
        match call.verb {
            Verb::Node => self.observe(expr, call, &[], None, Value::atoms().join(&Value::texts())),
            Verb::Nodes => self.observe(expr, call, &[], None, Value::list_of(&Value::any())),
            Verb::Replica | Verb::NowMs | Verb::Random => self.observe(expr, call, &[], None, Value::ints()),
            Verb::Converged => self.observe(expr, call, &[], None, Value::booleans()),
            Verb::Role | Verb::Arg | Verb::JsonRead => self.observe(expr, call, &[], None, Value::any()),
            Verb::CsvRead => {
                let row = Value::maps(Value::atoms(), Value::any());
                self.observe(expr, call, &[], None, Value::list_of(&row))
            }
            _ => self.derive(expr, call, arguments, frame),
        }
    }

    fn declare(&mut self, expr: &'p Expr, call: &'p VerbCall, arguments: &[Value], frame: &Frame) -> Value {
        let at = arguments.len().saturating_sub(1);
        let written = match call.arguments.get(at).map(|argument| &argument.node) {
            Some(Node::Literal(term)) => Some(term.clone()),
            _ => arguments.get(at).and_then(Value::single),
        };
        let kind = match written.as_ref().map(Type::read) {
            Some(Ok(kind)) => Some(kind),
            Some(Err(bad)) => {
                let place = call.arguments.get(at).map_or(expr.span, |argument| argument.span);
                let meant = written_apart(arguments, call).or_else(|| type_first(arguments, &bad.given));
                self.fail(expr, frame, |_| {
                    let message = bad.diagnostic();
                    match meant {
                        Some(help) => Diagnostic { help: vec![help], ..message },
                        None => message,
                    }
                    .at(place, "not a type")
                });
                return Value::never();
            }
            None if arguments.get(at).is_some_and(is_no_type) => {
                let place = call.arguments.get(at).map_or(expr.span, |argument| argument.span);
                let given = arguments[at].clone();
                return self.fail(expr, frame, |run| {
                    Diagnostic::error("E0302", format!("{} is not a type of variables", run.describe(&given)))
                        .at(place, "not a type")
                        .help(format!("types are {}", Type::shapes().join(", ")))
                });
            }
            None => None,
        };
        if let (Some(kind), [given, _]) = (&kind, arguments) {
            self.named_as_type(expr, given, kind);
        }
        let name = match (&call.name, arguments.len()) {
            (Some(name), _) => Atom::new(name).ok().map(Term::Atom),
            (None, 2) => arguments[0].single(),
            (None, _) => None,
        };
        self.note_shape(expr, arguments);
        let fresh = call.name.is_none() && arguments.len() == 1;
        let sure = !frame.in_function && self.choices == 0 && self.repeats == 0;
        let number = self.variables.intern(Variable {
            sure,
            site: site(expr),
            name,
            fresh,
            kind,
            dynamic: call.verb == Verb::DeclareDynamic,
            verb: call.verb,
            span: expr.span,
            content: Value::never(),
            escapes: false,
        });
        if let Some((taken, first)) = self.taken(number) {
            return self
                .fail(expr, frame, |_| taken.at(expr.span, "declared anew").at(first, "its type is given here"));
        }
        self.twins(expr, call, number);
        let reference = Value::variable(number);
        if fresh {
            // Another one on each node, as `node()` is.
            return self.observe(expr, call, &[], None, reference);
        }
        // By another name it is another variable.
        if arguments.len() == 2 { reference.touched(&self.origin(&arguments[0])) } else { reference }
    }

    /// One name for a replicated and for a dynamic variable.
    fn twins(&mut self, expr: &'p Expr, call: &'p VerbCall, number: u32) {
        let twin = self.variables.twin(number).and_then(|twin| self.variables.get(twin));
        let Some(span) = twin.map(|twin| twin.span) else { return };
        let name = self.variables.shown(number).unwrap_or_default();
        self.sites.suspect(site(&call.verb), expr.span, || {
            Diagnostic::warning("E0416", format!("`{name}` names two variables, of which one is dynamic"))
                .at(expr.span, "another variable")
                .at(span, "the first one")
                .help("what is put into one of them is not in the other: give each a name of its own")
        });
    }

    /// What is wrong with a declaration where the name is sure to have another type by then.
    fn taken(&self, number: u32) -> Option<(Diagnostic, Span)> {
        let first = self.variables.taken(number)?;
        let (known, new) = (self.variables.get(first)?, self.variables.get(number)?);
        let error = GraphError::NameTaken { known: reference(known)?, asked: new.kind.clone()? };
        Some((error.diagnostic(), known.span))
    }

    /// Whether it may be a variable; if not, that is told.
    pub(super) fn is_variable(&mut self, expr: &'p Expr, call: &'p VerbCall, target: &Value, frame: &Frame) -> bool {
        self.is_variable_at(expr, call, 0, target, frame)
    }

    pub(super) fn is_variable_at(
        &mut self,
        expr: &'p Expr,
        call: &'p VerbCall,
        at: usize,
        target: &Value,
        frame: &Frame,
    ) -> bool {
        if target.parts().is_none_or(|parts| parts.refs.some()) {
            return true;
        }
        let Some(place) = call.arguments.get(at) else { return true };
        self.fail(expr, frame, |run| {
            let given = run.describe(target);
            let row = call.builtin.row();
            let message = Diagnostic::error("E0392", format!("a variable is needed here, and this is {given}"))
                .at(place.span, format!("`{}` needs a variable", row.title()));
            let is_list = target.parts().is_some_and(|parts| parts.nil || parts.cons.is_some());
            match call.verb {
                Verb::Map | Verb::Filter if is_list => {
                    message.help(format!("for a list, write `lists:{}(Function, List)`", row.name))
                }
                Verb::Fold | Verb::FoldDynamic if at == 2 => message.help(format!(
                    "a fold goes into a variable, and begins with what that has: `{}(S, fun(X) -> {{increment, X}} end, declare(counter))`",
                    row.name
                )),
                _ if target.parts().is_some_and(|parts| parts.funs.some()) => {
                    message.help(format!("the variable comes first, and then the function: `{}`", row.signature))
                }
                _ => message.help(
                    "`X = declare(set)` makes a variable and binds X to it; `query(X)` is its value, which is none",
                ),
            }
        });
        false
    }

    /// The variables that a value may be; `None` where others are possible.
    pub(super) fn known_variables(target: &Value) -> Option<Vec<u32>> {
        match &target.parts()?.refs {
            Few::Of(few) => Some(few.clone()),
            Few::All => None,
        }
    }

    fn update(&mut self, expr: &'p Expr, call: &'p VerbCall, target: &Value, op: &Value, frame: &Frame) -> Value {
        if !self.is_variable(expr, call, target, frame) {
            return Value::never();
        }
        self.note_update(expr, call, target, op);
        let Some(numbers) = Run::known_variables(target) else {
            self.variables.put_anywhere(&Value::any());
            self.escape(op);
            return Run::update_result(call, target);
        };
        self.escape(op);
        let wrong = |number: &&u32| {
            let kind = self.variables.get(**number).and_then(|variable| variable.kind.as_ref());
            kind.is_some_and(|kind| !may_be_operation(kind, op, false))
        };
        if !numbers.is_empty() && numbers.iter().all(|number| wrong(&number)) {
            let place = call.arguments.get(1).map_or(expr.span, |argument| argument.span);
            let term = written(call.arguments.get(1), op);
            let apart = self.operation_apart(call, &numbers, term.as_ref());
            return self.fail(expr, frame, |run| {
                let told = run.no_operation(&numbers, op, term.as_ref(), place);
                match apart {
                    Some(help) => Diagnostic { help: vec![help], ..told },
                    None => told,
                }
            });
        }
        self.no_actor(expr, call, &numbers, op);
        self.never_shows(expr, call, &numbers, op);
        for number in &numbers {
            let content = match self.variables.get(*number).and_then(|variable| variable.kind.as_ref()) {
                Some(kind) if kind.is_set() => added(op),
                _ => Value::any(),
            };
            self.variables.put(*number, &content);
        }
        if let [only] = &*numbers
            && removes(op)
        {
            self.removals.push((*only, expr, removed(op)));
        }
        Run::update_result(call, target)
    }

    fn update_result(call: &VerbCall, target: &Value) -> Value {
        if call.verb == Verb::Update {
            return target.clone();
        }
        let ok = Value::tuple(vec![Value::atom("ok"), target.clone()]);
        ok.join(&Value::tuple(vec![Value::atom("refused"), Value::any()]))
    }

    /// Whether it may be a function of so many arguments; if not, that is told.
    fn takes(
        &mut self,
        expr: &'p Expr,
        call: &'p VerbCall,
        at: usize,
        function: &Value,
        arity: u8,
        frame: &Frame,
    ) -> bool {
        let Some(place) = call.arguments.get(at) else { return true };
        let fits = match function.parts().map(|parts| &parts.funs) {
            None | Some(Few::All) => true,
            Some(Few::Of(funs)) => funs.iter().any(|fun| fun.arity == arity),
        };
        if fits {
            return true;
        }
        let expected = match (call.verb, arity) {
            (Verb::EnforceOnce, _) => "a function without arguments, or of one, which is given the effect's key",
            (_, 0) => "a function without arguments",
            _ => "a function of one argument",
        };
        let wrap = if arity == 0 { "fun() -> .. end" } else { "fun(X) -> .. end" };
        self.fail(expr, frame, |run| {
            let name = call.builtin.row().name;
            let given = match function.parts().map(|parts| &parts.funs) {
                Some(Few::Of(funs)) if !funs.is_empty() => format!("this one takes {}", funs[0].arity),
                _ => format!("this is {}", run.describe(function)),
            };
            let message = Diagnostic::error("E0395", format!("`{name}` needs {expected}, and {given}"));
            match &place.node {
                // The call runs before, and here; what it gives is handed on.
                Node::Call(..) | Node::Builtin(..) | Node::Verb(_) | Node::Apply(..) if arity == 0 => message
                    .at(place.span, "not one: it is done here already, and this is what it gives")
                    .help("write `fun() -> .. end` around it"),
                _ => message.at(place.span, "not one").help(format!("write `{wrap}`")),
            }
        });
        false
    }

    /// What is seen of a variable here.
    pub(super) fn value_of_variable(&mut self, target: &Value) -> Value {
        let Some(numbers) = Run::known_variables(target) else { return Value::any() };
        let mut all = Value::never();
        for number in numbers {
            let Some(kind) = self.variables.get(number).and_then(|variable| variable.kind.clone()) else {
                return Value::any();
            };
            all = all.join(&value_of(&kind, &self.elements(number)));
        }
        all
    }

    /// What a set can have as elements: anything, since other programs may put it there, or what this program puts in.
    pub(super) fn elements(&self, number: u32) -> Value {
        if !self.closed {
            return Value::any();
        }
        let content = self.variables.content(number);
        if content.is_never() { Value::any() } else { content }
    }

    fn read_any(&mut self, expr: &'p Expr, call: &'p VerbCall, list: &Value) -> Value {
        let element = match list.parts() {
            None => Value::any(),
            Some(parts) => parts.cons.as_ref().map_or_else(Value::any, crate::check::infer::parts::Cons::elements),
        };
        let target = match element.parts().map(|parts| &parts.tuples) {
            Some(Few::Of(shapes)) => shapes
                .iter()
                .filter_map(|shape| shape.first().cloned())
                .reduce(|all, one| all.join(&one))
                .unwrap_or_else(Value::any),
            _ => Value::any(),
        };
        let value = self.value_of_variable(&target);
        let seen = self.observe(expr, call, std::slice::from_ref(&target), None, value);
        Value::tuple(vec![target, seen.clone()]).touched(&seen.from)
    }

    fn bind(&mut self, expr: &'p Expr, call: &'p VerbCall, target: &Value, value: &Value, frame: &Frame) -> Value {
        if !self.is_variable(expr, call, target, frame) {
            return Value::never();
        }
        self.note_update(expr, call, target, value);
        if !self.is_joined(expr, call, target, value, frame) {
            return Value::never();
        }
        self.escape(value);
        self.never_shows(expr, call, &Run::known_variables(target).unwrap_or_default(), value);
        let content = match value.parts() {
            Some(parts) => parts.cons.as_ref().map_or_else(Value::any, crate::check::infer::parts::Cons::elements),
            None => Value::any(),
        };
        match Run::known_variables(target) {
            Some(numbers) => numbers.iter().for_each(|number| self.variables.put(*number, &content)),
            None => self.variables.put_anywhere(&Value::any()),
        }
        target.clone()
    }

    /// A function that runs as a task of its own, or later: what it comes to does not come back here.
    pub(super) fn start(
        &mut self,
        expr: &'p Expr,
        function: &Value,
        arguments: Vec<Value>,
        because: &Value,
        repeats: bool,
        frame: &Frame,
    ) {
        let control = self.control.clone();
        self.control = crate::check::infer::value::both(&self.control, &because.from);
        let atomic = std::mem::replace(&mut self.atomic, false);
        self.repeats += u32::from(repeats);
        // A task that fails ends alone, and the program goes on.
        self.choices += 1;
        let effect = self.effect.clone();
        let fits = match function.parts().map(|parts| &parts.funs) {
            Some(Few::Of(funs)) => funs.iter().any(|fun| usize::from(fun.arity) == arguments.len()),
            _ => false,
        };
        if fits {
            self.apply_value(expr, function, arguments, frame);
        }
        self.effect = effect;
        self.choices -= 1;
        self.repeats -= u32::from(repeats);
        self.control = control;
        self.atomic = atomic;
    }

    /// Variables in a value go where they are not followed.
    pub(super) fn escape(&mut self, value: &Value) {
        let Some(parts) = value.parts() else { return };
        let mut inside = Vec::new();
        if let Few::Of(few) = &parts.refs {
            few.iter().for_each(|number| self.variables.escape(*number));
        }
        parts.children(&mut |child| inside.push(child.clone()));
        for child in inside.iter().filter(|child| !child.is_any()) {
            self.escape(child);
        }
    }
}

/// Whether it is sure to be no type: a number, a list, a function, ..
fn is_no_type(value: &Value) -> bool {
    value.parts().is_some_and(|parts| !parts.atoms.some() && !parts.tuples.some())
}

/// What an operation takes out of a set.
fn removed(op: &Value) -> Value {
    let Some(Few::Of(shapes)) = op.parts().map(|parts| &parts.tuples) else { return Value::any() };
    let operand = |shape: &Vec<Value>| {
        let (word, operand) =
            (crate::check::infer::parts::tag(shape), shape.get(1).cloned().unwrap_or_else(Value::any));
        match word.map(Atom::text) {
            Some("rmv" | "remove") => operand,
            _ => operand.parts().and_then(|parts| parts.cons.as_ref().map(Cons::elements)).unwrap_or_else(Value::any),
        }
    };
    shapes.iter().map(operand).fold(Value::never(), |all, one| all.join(&one))
}

/// Whether it is an operation that takes elements or keys out.
fn removes(op: &Value) -> bool {
    let Some(parts) = op.parts() else { return false };
    match &parts.tuples {
        Few::Of(shapes) if !shapes.is_empty() && parts.kinds() == 1 => shapes.iter().all(|shape| {
            let word = crate::check::infer::parts::tag(shape);
            word.is_some_and(|word| matches!(word.text(), "rmv" | "remove" | "rmv_all" | "remove_all"))
        }),
        _ => false,
    }
}

/// Whether a function is known to take one argument.
fn takes_one(function: &Value) -> bool {
    match function.parts().map(|parts| &parts.funs) {
        Some(Few::Of(funs)) => !funs.is_empty() && funs.iter().all(|fun| fun.arity == 1),
        _ => false,
    }
}
