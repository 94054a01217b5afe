//! Expressions on abstract values.

use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::FunctionId;
use crate::check::core::Node;
use crate::check::core::Qualifier;
use crate::check::core::Unary;
use crate::check::infer::matching::Holds;
use crate::check::infer::matching::truth;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::MapShape;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Call;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::Failure;
use crate::check::infer::site::Why;
use crate::check::infer::site::site;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::term::Term;

impl<'p> Run<'p> {
    /// Expressions in order; the value of the last. After a mistake the others are looked at too, for theirs.
    pub(super) fn body(&mut self, body: &'p [Expr], frame: &mut Frame) -> Value {
        let mut dead: Option<Why> = None;
        let mut last = Value::any();
        for expr in body {
            last = self.eval(expr, frame);
            if last.is_never() {
                let why = self.why.clone();
                let open = matches!(why, Why::Open);
                dead.get_or_insert(why);
                if open {
                    break;
                }
            }
        }
        match dead {
            Some(why) => {
                self.why = why;
                Value::never()
            }
            None => last,
        }
    }

    /// What an expression comes to; no value where it is sure to fail, or never ends.
    pub(super) fn eval(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        if !self.step() {
            return Value::any();
        }
        let value = match &expr.node {
            Node::Literal(term) => self.literal(term, expr),
            Node::Local(local) => frame.get(local.0),
            Node::Global(global) => self.read_global(global.0 as usize, frame),
            Node::Tuple(items) => {
                let items = self.all(items, frame);
                items.map_or_else(Value::never, Value::tuple)
            }
            Node::Cons(..) => self.list(expr, frame),
            Node::Map(entries) => self.map(entries, frame),
            Node::MapUpdate(map, entries) => self.map_update(expr, map, entries, frame),
            Node::Match(pattern, value) => self.match_expression(expr, pattern, value, frame),
            Node::Unary(operator, operand) => {
                let operand = self.eval(operand, frame);
                self.unary(expr, *operator, &operand, frame)
            }
            Node::Binary(operator, left, right) => {
                let left_value = self.eval(left, frame);
                let why = self.why.clone();
                let right_value = self.eval(right, frame);
                if left_value.is_never() {
                    self.why = why;
                }
                self.binary(expr, *operator, &left_value, &right_value, frame)
            }
            Node::AndAlso(left, right) => self.logic(expr, left, right, true, frame),
            Node::OrElse(left, right) => self.logic(expr, left, right, false, frame),
            Node::Call(function, arguments) => self.named_call(expr, *function, arguments, frame),
            Node::Builtin(builtin, arguments) => match self.all(arguments, frame) {
                Some(arguments) => self.builtin(expr, *builtin, &arguments, frame),
                None => Value::never(),
            },
            Node::Verb(call) => self.verb(expr, call, frame),
            Node::Apply(function, arguments) => self.apply_expression(expr, function, arguments, frame),
            Node::Fun(lambda) => {
                let number = self.lambda(lambda);
                let captured: Vec<Value> = lambda.captures.iter().map(|(outer, _)| frame.get(outer.0)).collect();
                let known = &mut self.made[number as usize].0;
                *known = Some(match known.take() {
                    Some(known) => known.iter().zip(&captured).map(|(a, b)| a.join(b)).collect(),
                    None => captured.clone(),
                });
                let from = captured.iter().fold(None, |from, value| both(&from, &value.from));
                Value::function(Code::Lambda(number), lambda.arity, captured).touched(&from)
            }
            Node::FunctionValue(id) => {
                let arity = self.functions.get(id).map_or(0, |function| function.lambda.arity);
                Value::function(Code::Named(*id), arity, Vec::new())
            }
            Node::BuiltinValue(id) => Value::function(Code::Builtin(*id), id.row().arity, Vec::new()),
            Node::Case(subject, clauses) => self.case(expr, subject, clauses, frame),
            Node::If(clauses) => self.conditions(expr, clauses, frame),
            Node::Block(body) => self.body(body, frame),
            Node::ListComprehension(element, qualifiers) => {
                let mark = frame.trail.len();
                let value = match self.qualifiers(qualifiers, frame) {
                    Ok(Some((runs, from))) => {
                        let element = self.repeated_eval(element, frame);
                        self.collected(&element, runs).map(|value| value.touched(&from))
                    }
                    Ok(None) => Some(Value::nil()),
                    Err(()) => None,
                };
                frame.undo(mark);
                value.unwrap_or_else(Value::never)
            }
            Node::MapComprehension(entry, qualifiers) => {
                let mark = frame.trail.len();
                let value = match self.qualifiers(qualifiers, frame) {
                    Ok(Some((_, from))) => {
                        let key = self.repeated_eval(&entry.0, frame);
                        let value = self.repeated_eval(&entry.1, frame);
                        Some(Value::maps(key, value).touched(&from))
                    }
                    Ok(None) => Some(Value::map(MapShape { known: Vec::new(), rest: None })),
                    Err(()) => None,
                };
                frame.undo(mark);
                value.unwrap_or_else(Value::never)
            }
        };
        self.unstep();
        value
    }

    /// Without messages.
    pub(super) fn quietly(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        let quiet = std::mem::replace(&mut self.sites.quiet, true);
        let why = self.why.clone();
        let value = self.eval(expr, frame);
        self.sites.quiet = quiet;
        self.why = why;
        value
    }

    /// What is sure to fail here. The message is only made where it is wanted.
    pub(super) fn fail(&mut self, expr: &Expr, frame: &Frame, tell: impl FnOnce(&Self) -> Diagnostic) -> Value {
        self.fail_because(expr, frame, None, tell)
    }

    pub(super) fn fail_because(
        &mut self,
        expr: &Expr,
        frame: &Frame,
        cause: Option<Arc<Failure>>,
        tell: impl FnOnce(&Self) -> Diagnostic,
    ) -> Value {
        self.fail_at(site(expr), expr.span, frame, cause, tell)
    }

    /// Under a key of its own: for what is wrong with an expression that has a value.
    pub(super) fn fail_at(
        &mut self,
        key: usize,
        span: Span,
        frame: &Frame,
        cause: Option<Arc<Failure>>,
        tell: impl FnOnce(&Self) -> Diagnostic,
    ) -> Value {
        let diagnostic = if self.sites.telling { tell(self) } else { Diagnostic::error("E0504", "not to be told") };
        let failure = Failure::new(if frame.library { 0 } else { key }, diagnostic, cause);
        if !frame.library {
            let certain = !frame.in_function && self.choices == 0 && self.repeats == 0;
            self.sites.failed(&failure, span, certain);
        }
        self.why = Why::Failed(failure);
        Value::never()
    }

    /// What did not fail here.
    pub(super) fn fine(&mut self, expr: &Expr, value: Value) -> Value {
        self.sites.fine(site(expr), expr.span);
        value
    }

    /// All of them, or nothing if one has no value.
    pub(super) fn all(&mut self, exprs: &'p [Expr], frame: &mut Frame) -> Option<Vec<Value>> {
        let mut values = Vec::with_capacity(exprs.len());
        let mut dead: Option<Why> = None;
        for expr in exprs {
            let value = self.eval(expr, frame);
            if value.is_never() {
                dead.get_or_insert_with(|| self.why.clone());
            }
            values.push(value);
        }
        match dead {
            Some(why) => {
                self.why = why;
                None
            }
            None => Some(values),
        }
    }

    fn literal(&mut self, term: &Term, expr: &Expr) -> Value {
        if term.depth() == 0 {
            return Value::literal(term);
        }
        let key = site(expr);
        if let Some(known) = self.literals.get(&key) {
            return known.clone();
        }
        let value = Value::literal(term);
        self.literals.insert(key, value.clone());
        value
    }

    fn read_global(&self, global: usize, frame: &Frame) -> Value {
        if frame.in_function {
            return self.global(global).unwrap_or_else(Value::any);
        }
        self.globals.get(global).cloned().flatten().unwrap_or_else(Value::any)
    }

    /// Cell by cell: a list may be long.
    fn list(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        let mut heads = Vec::new();
        let mut rest = expr;
        let mut dead: Option<Why> = None;
        while let Node::Cons(head, tail) = &rest.node {
            let value = self.eval(head, frame);
            if value.is_never() {
                dead.get_or_insert_with(|| self.why.clone());
            }
            heads.push(value);
            rest = tail;
        }
        let tail = self.eval(rest, frame);
        if let Some(why) = dead {
            self.why = why;
            return Value::never();
        }
        heads.iter().rev().fold(tail, |tail, head| Value::cons(head, &tail))
    }

    fn map(&mut self, entries: &'p [(Expr, Expr)], frame: &mut Frame) -> Value {
        let mut shape = MapShape { known: Vec::new(), rest: None };
        let (mut dead, mut from): (Option<Why>, _) = (None, None);
        for (key, value) in entries {
            let key = self.eval(key, frame);
            let value = self.eval(value, frame);
            if key.is_never() || value.is_never() {
                dead.get_or_insert_with(|| self.why.clone());
                continue;
            }
            from = both(&both(&from, &key.from), &value.from);
            match key.single() {
                Some(key) => shape.put(&key, value),
                None => shape.put_some(&key, &value),
            }
        }
        if let Some(why) = dead {
            self.why = why;
            return Value::never();
        }
        Value::map(shape).touched(&from)
    }

    fn map_update(
        &mut self,
        expr: &'p Expr,
        map: &'p Expr,
        entries: &'p [(bool, Expr, Expr)],
        frame: &mut Frame,
    ) -> Value {
        let old = self.eval(map, frame);
        let mut dead = old.is_never().then(|| self.why.clone());
        let mut from = old.from.clone();
        let mut shape = match old.parts() {
            None => MapShape { known: Vec::new(), rest: Some((Value::any(), Value::any())) },
            Some(Parts { map: Some(shape), .. }) => shape.clone(),
            Some(_) if dead.is_some() => MapShape { known: Vec::new(), rest: None },
            Some(_) => {
                self.needs(site(expr), map, &old, ("a map is needed here", "E0513"), frame);
                return Value::never();
            }
        };
        for (exactly, key, value) in entries {
            let key = self.eval(key, frame);
            let value = self.eval(value, frame);
            if key.is_never() || value.is_never() {
                dead.get_or_insert_with(|| self.why.clone());
                continue;
            }
            from = both(&both(&from, &key.from), &value.from);
            match key.single() {
                Some(key) => {
                    if *exactly && dead.is_none() && shape.get(&key).0.is_never() {
                        return self.fail(expr, frame, |run| {
                            let given = run.describe(&old);
                            Diagnostic::error("E0512", format!("the key `{key}` is not in {given}"))
                                .at(expr.span, "`:=` changes an entry that is there")
                                .help(format!("to add it, write `{key} => ..`"))
                        });
                    }
                    shape.put(&key, value);
                }
                None => shape.put_some(&key, &value),
            }
        }
        if let Some(why) = dead {
            self.why = why;
            return Value::never();
        }
        self.fine(expr, Value::map(shape).touched(&from))
    }

    fn match_expression(
        &mut self,
        expr: &'p Expr,
        pattern: &'p crate::check::core::Pattern,
        value: &'p Expr,
        frame: &mut Frame,
    ) -> Value {
        let value = self.eval(value, frame);
        if value.is_never() {
            self.bind_unknown(pattern, frame);
            return value;
        }
        if self.matches(pattern, &value, frame) == Holds::Never {
            let told = self.no_match(pattern, &value, frame);
            self.bind_unknown(pattern, frame);
            return self.fail(expr, frame, |_| told);
        }
        self.fine(expr, value)
    }

    fn no_match(&self, pattern: &crate::check::core::Pattern, value: &Value, frame: &Frame) -> Diagnostic {
        use crate::check::core::PatternNode;
        let given = self.describe(value);
        let known = match &pattern.node {
            PatternNode::Global(global) => self
                .globals
                .get(global.0 as usize)
                .cloned()
                .flatten()
                .map(|known| (self.names.get(global.0 as usize).cloned().unwrap_or_default(), known)),
            PatternNode::Same(local) => Some(("the name".to_owned(), frame.get(local.0))),
            _ => None,
        };
        match known {
            Some((name, known)) => {
                let name = if name == "the name" { "this name".to_owned() } else { format!("`{name}`") };
                let known = self.describe(&known);
                let help = if known.starts_with("the variable") {
                    "a variable is changed by an operation, `update(V, Operation)`; `=` never changes anything"
                } else {
                    "a name is bound once; `=` does not assign: take a new name"
                };
                Diagnostic::error("E0507", format!("{name} is {known} already, and cannot be {given} too"))
                    .at(pattern.span, "bound already")
                    .help(help)
            }
            None => Diagnostic::error("E0507", format!("this pattern never matches: the value is {given}"))
                .at(pattern.span, "does not match"),
        }
    }

    fn logic(&mut self, expr: &'p Expr, left: &'p Expr, right: &'p Expr, and: bool, frame: &mut Frame) -> Value {
        let value = self.eval(left, frame);
        if value.is_never() {
            return value;
        }
        if !value.meets(&self.booleans) {
            let operator = if and { "andalso" } else { "orelse" };
            return self.fail(expr, frame, |run| run.not_boolean(operator, left, &value));
        }
        let holds = truth(&value);
        let stops = if and { Holds::Never } else { Holds::Always };
        if holds == stops {
            return self.fine(expr, Value::boolean(!and).touched(&value.from));
        }
        let mark = frame.trail.len();
        self.choices += 1;
        let other = self.eval(right, frame);
        self.choices -= 1;
        let sure = if and { Holds::Always } else { Holds::Never };
        let certain = holds == sure && value.parts().is_some_and(|parts| parts.kinds() == 1);
        if !certain {
            let changed = frame.changed(mark);
            frame.undo(mark);
            frame.keep(vec![(changed, other.is_never()), (Vec::new(), false)]);
            let result = if other.is_never() {
                Value::boolean(!and)
            } else {
                other.join(&Value::boolean(!and))
            };
            return self.fine(expr, result.touched(&value.from));
        }
        self.fine(expr, if other.is_never() { other } else { other.touched(&value.from) })
    }

    fn case(
        &mut self,
        expr: &'p Expr,
        subject: &'p Expr,
        clauses: &'p [crate::check::core::Clause],
        frame: &mut Frame,
    ) -> Value {
        let value = self.eval(subject, frame);
        if value.is_never() {
            return value;
        }
        match self.alternatives(clauses, Some(&value), frame) {
            Some(result) => self.fine(expr, result),
            None => self.fail(expr, frame, |run| {
                // One mistake, one message: not each clause as well.
                let given = run.describe(&value);
                Diagnostic::error("E0505", format!("no clause of this `case` can match {given}"))
                    .at(subject.span, "matches no clause")
                    .help("a last clause `_ -> ..` takes whatever is left")
            }),
        }
    }

    fn conditions(&mut self, expr: &'p Expr, clauses: &'p [crate::check::core::Clause], frame: &mut Frame) -> Value {
        match self.alternatives(clauses, None, frame) {
            Some(result) => self.fine(expr, result),
            None => self.fail(expr, frame, |_| {
                Diagnostic::error("E0506", "no clause of this `if` is ever true")
                    .at(expr.span, "no condition can be true")
                    .help("a last clause `true -> ..` takes the rest")
            }),
        }
    }

    /// Evaluates what stands before generators and filters; `Ok(None)` where nothing comes through, an error where a
    /// generator fails. What comes through: whether at least one does, and what it was computed from.
    #[expect(clippy::type_complexity, reason = "three outcomes of one loop")]
    fn qualifiers(
        &mut self,
        qualifiers: &'p [Qualifier],
        frame: &mut Frame,
    ) -> Result<Option<(bool, crate::check::infer::value::Origin)>, ()> {
        let (mut runs, mut from) = (true, None);
        for qualifier in qualifiers {
            let (source, elements, some, place) = match qualifier {
                Qualifier::Filter(condition) => {
                    let value = self.eval(condition, frame);
                    if value.is_never() {
                        return if runs { Err(()) } else { Ok(None) };
                    }
                    if !value.meets(&self.booleans) {
                        let key = site(qualifier);
                        self.fail_at(key, condition.span, frame, None, |run| {
                            run.not_boolean("a condition", condition, &value)
                        });
                        return if runs { Err(()) } else { Ok(None) };
                    }
                    self.sites.fine(site(qualifier), condition.span);
                    from = both(&from, &value.from);
                    match truth(&value) {
                        Holds::Never => return Ok(None),
                        holds => runs &= holds == Holds::Always,
                    }
                    continue;
                }
                Qualifier::List(pattern, list) => {
                    let value = self.eval(list, frame);
                    if value.is_never() {
                        return if runs { Err(()) } else { Ok(None) };
                    }
                    let (element, some) = match value.parts() {
                        None => (Value::any(), false),
                        Some(parts) if parts.cons.is_none() && !parts.nil => {
                            self.needs(site(qualifier), list, &value, ("a generator needs a list", "E0515"), frame);
                            return if runs { Err(()) } else { Ok(None) };
                        }
                        Some(parts) => match &parts.cons {
                            None => return Ok(None),
                            Some(cons) => (cons.elements(), parts.kinds() == 1),
                        },
                    };
                    (value, vec![(pattern, element)], some, list.span)
                }
                Qualifier::Map(key, value_pattern, map) => {
                    let value = self.eval(map, frame);
                    if value.is_never() {
                        return if runs { Err(()) } else { Ok(None) };
                    }
                    let (keys, values) = match value.parts() {
                        None => (Value::any(), Value::any()),
                        Some(Parts { map: Some(shape), .. }) => (shape.keys(), shape.values()),
                        Some(_) => {
                            self.needs(site(qualifier), map, &value, ("a generator needs a map", "E0513"), frame);
                            return if runs { Err(()) } else { Ok(None) };
                        }
                    };
                    (value, vec![(key, keys), (value_pattern, values)], false, map.span)
                }
            };
            self.sites.fine(site(qualifier), place);
            from = both(&from, &source.from);
            runs &= some;
            for (pattern, element) in elements {
                match self.matches(pattern, &element.touched(&source.from), frame) {
                    Holds::Never => return Ok(None),
                    holds => runs &= holds == Holds::Always,
                }
            }
        }
        Ok(Some((runs, from)))
    }

    /// The element of a comprehension, evaluated perhaps many times.
    fn repeated_eval(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        self.repeats += 1;
        let value = self.eval(expr, frame);
        self.repeats -= 1;
        value
    }

    /// The list of a comprehension; nothing where it is sure to fail.
    fn collected(&self, element: &Value, runs: bool) -> Option<Value> {
        match (element.is_never(), runs) {
            (true, true) => None,
            (true, false) => Some(Value::nil()),
            (false, _) => Some(Value::list_of(element)),
        }
    }

    fn named_call(&mut self, expr: &'p Expr, id: FunctionId, arguments: &'p [Expr], frame: &mut Frame) -> Value {
        let Some(values) = self.all(arguments, frame) else { return Value::never() };
        self.call_code(expr, Code::Named(id), Vec::new(), values, frame)
    }

    /// Calls code with as many arguments as it takes, and notes what comes of it.
    pub(super) fn call_code(
        &mut self,
        expr: &'p Expr,
        code: Code,
        captured: Vec<Value>,
        arguments: Vec<Value>,
        frame: &Frame,
    ) -> Value {
        let call = Call { code, captured, arguments, control: self.control.clone() };
        let value = self.call(call.clone(), expr.span);
        if !value.is_never() {
            return self.fine(expr, value);
        }
        match self.inner_failure() {
            Some(cause) => self.fail_because(expr, frame, Some(cause.clone()), |run| run.failing_call(expr, &call, &cause)),
            None => self.fine(expr, value),
        }
    }

    fn apply_expression(
        &mut self,
        expr: &'p Expr,
        function: &'p Expr,
        arguments: &'p [Expr],
        frame: &mut Frame,
    ) -> Value {
        let callee = self.eval(function, frame);
        let why = self.why.clone();
        let arguments = self.all(arguments, frame);
        if callee.is_never() {
            self.why = why;
            return callee;
        }
        let Some(arguments) = arguments else { return Value::never() };
        self.apply_value(expr, &callee, arguments, frame)
    }

    /// Calls whichever function it is.
    pub(super) fn apply_value(
        &mut self,
        expr: &'p Expr,
        callee: &Value,
        arguments: Vec<Value>,
        frame: &Frame,
    ) -> Value {
        let funs = match callee.parts().map(|parts| &parts.funs) {
            None | Some(Few::All) => {
                self.unknown_call(&arguments);
                return self.fine(expr, Value::any());
            }
            Some(Few::Of(funs)) => funs.clone(),
        };
        if funs.is_empty() {
            return self.fail(expr, frame, |run| {
                let given = run.describe(callee);
                let message = Diagnostic::error("E0508", format!("{given} is called, but is not a function"))
                    .at(expr.span, "called here");
                match callee.single() {
                    Some(Term::Atom(atom)) => {
                        message.help(format!("the function itself is `fun {}/{}`", Term::Atom(atom), arguments.len()))
                    }
                    _ => message,
                }
            });
        }
        let fitting: Vec<_> = funs.iter().filter(|fun| usize::from(fun.arity) == arguments.len()).collect();
        if fitting.is_empty() {
            let arity = funs[0].arity;
            return self.fail(expr, frame, |_| {
                let plural = if arity == 1 { "" } else { "s" };
                Diagnostic::error(
                    "E0509",
                    format!("a function of {arity} argument{plural} is called with {}", arguments.len()),
                )
                .at(expr.span, "called here")
            });
        }
        if let [only] = &*fitting {
            let value = match only.code {
                Code::Builtin(id) => match id.row().verb {
                    None => self.builtin(expr, id, &arguments, frame),
                    Some(_) => {
                        self.effect(id.row().title(), expr.span);
                        self.fine(expr, Value::any())
                    }
                },
                code => self.call_code(expr, code, only.captured.clone(), arguments, frame),
            };
            return if value.is_never() { value } else { value.touched(&callee.from) };
        }
        let mut result = Value::never();
        let mut why: Option<Why> = None;
        for fun in fitting {
            let value = match fun.code {
                Code::Builtin(id) => {
                    if id.row().verb.is_some() {
                        self.effect(id.row().title(), expr.span);
                    }
                    Value::any()
                }
                code => {
                    let call = Call {
                        code,
                        captured: fun.captured.clone(),
                        arguments: arguments.clone(),
                        control: both(&self.control, &callee.from),
                    };
                    self.call(call, expr.span)
                }
            };
            if value.is_never() {
                let now = self.why.clone();
                why = Some(why.map_or_else(|| now.clone(), |why| why.either(now.clone())));
            }
            result = result.join(&value);
        }
        if result.is_never() {
            self.why = why.unwrap_or(Why::Open);
            return match self.inner_failure() {
                Some(cause) => {
                    let told = cause.diagnostic.clone();
                    self.fail_because(expr, frame, Some(cause), |_| told)
                }
                None => self.fine(expr, result),
            };
        }
        self.fine(expr, result.touched(&callee.from))
    }

    /// What a failing call says: what fails in the function, and that it is this call.
    fn failing_call(&self, expr: &Expr, call: &Call, cause: &Failure) -> Diagnostic {
        let inner = &cause.diagnostic;
        let library = self.is_library(call.code);
        let callee = match call.code {
            Code::Lambda(_) => "this function".to_owned(),
            code => format!("`{}`", self.title(code)),
        };
        if library {
            let given = self.describe_all(&call.arguments);
            let mut message = Diagnostic::error("E0511", format!("{callee} does not take ({given})"))
                .at(expr.span, inner.title.clone());
            if let Some(help) = self.variable_for_value(&call.arguments) {
                message = message.help(help);
            } else if let [a, b, ..] = &*call.arguments
                && !is_function(a)
                && is_function(b)
            {
                message = message.help("the function comes first, and then the list");
            }
            return message;
        }
        let title = if inner.title.starts_with("no clause of") {
            inner.title.clone()
        } else {
            format!("{callee} fails with these arguments: {}", inner.title)
        };
        let mut message = Diagnostic::error(inner.code, title).at(expr.span, "this call");
        for label in &inner.labels {
            if !self.sites.is_library(label.span) {
                message = message.at(label.span, label.text.clone());
            }
        }
        message.help.clone_from(&inner.help);
        message
    }

    /// `query(V)`, where a variable stands for its value.
    pub(super) fn variable_for_value(&self, values: &[Value]) -> Option<String> {
        let is_variable = |value: &&Value| {
            value.parts().is_some_and(|parts| parts.refs.some() && parts.kinds() == 1)
        };
        let value = values.iter().find(is_variable)?;
        let known = value.parts()?.refs.known()?;
        let name = known.first().filter(|_| known.len() == 1).and_then(|number| self.variables.shown(*number));
        Some(match name {
            Some(name) => format!("`{name}` is a variable; `query({name})` gives its value"),
            None => "a variable is not its value; `query(V)` gives it".to_owned(),
        })
    }

    /// A value that is not what is needed.
    fn needs(&mut self, key: usize, place: &Expr, value: &Value, what: (&str, &'static str), frame: &Frame) {
        self.fail_at(key, place.span, frame, None, |run| {
            let given = run.describe(value);
            let message = Diagnostic::error(what.1, format!("{}, not {given}", what.0)).at(place.span, "not one");
            match run.variable_for_value(std::slice::from_ref(value)) {
                Some(help) => message.help(help),
                None => message,
            }
        });
    }

    fn not_boolean(&self, operator: &str, operand: &Expr, value: &Value) -> Diagnostic {
        let given = self.describe(value);
        let operator = if operator.contains(' ') { operator.to_owned() } else { format!("`{operator}`") };
        let message = Diagnostic::error("E0514", format!("{operator} needs true or false, not {given}"))
            .at(operand.span, "never true or false");
        match self.variable_for_value(std::slice::from_ref(value)) {
            Some(help) => message.help(help),
            None => message,
        }
    }

    /// Something unknown is called with these: functions among them may be called with anything.
    pub(super) fn unknown_call(&mut self, arguments: &[Value]) {
        for value in arguments {
            self.escape(value);
        }
        self.cut_facts();
    }

    fn unary(&mut self, expr: &'p Expr, operator: Unary, operand: &Value, frame: &Frame) -> Value {
        if operand.is_never() {
            return Value::never();
        }
        let (takes, text, result) = match operator {
            Unary::Negate => (Value::numbers(), "-", None),
            Unary::Plus => (Value::numbers(), "+", None),
            Unary::BitNot => (Value::ints(), "bnot", Some(Value::ints())),
            Unary::Not => (self.booleans.clone(), "not", Some(Value::booleans())),
        };
        if !operand.meets(&takes) {
            return self.fail(expr, frame, |run| match operator {
                Unary::Not => run.not_boolean("not", expr, operand),
                _ => run.operands(expr, text, std::slice::from_ref(operand)),
            });
        }
        let result = result.unwrap_or_else(|| crate::check::infer::operators::numeric(operand, operand));
        self.fine(expr, result.touched(&operand.from))
    }
}

fn is_function(value: &Value) -> bool {
    value.parts().is_some_and(|parts| parts.funs.some() && parts.kinds() == 1)
}
