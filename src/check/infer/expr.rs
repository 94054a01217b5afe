//! Expressions on abstract values.

use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::Unary;
use crate::check::infer::matching::Holds;
use crate::check::infer::matching::truth;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::MapShape;
use crate::check::infer::parts::Parts;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::Failure;
use crate::check::infer::site::WRONG_KIND;
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
            Node::Fun(lambda) => self.make_fun(lambda, frame),
            Node::FunctionValue(id) => {
                let arity = self.functions.get(id).map_or(0, |function| function.lambda.arity);
                Value::function(Code::Named(*id), arity, Vec::new())
            }
            Node::BuiltinValue(id) => Value::function(Code::Builtin(*id), id.row().arity, Vec::new()),
            Node::Case(subject, clauses) => self.case(expr, subject, clauses, frame),
            Node::If(clauses) => self.conditions(expr, clauses, frame),
            Node::Block(body) => self.body(body, frame),
            Node::ListComprehension(element, qualifiers) => self.list_comprehension(element, qualifiers, frame),
            Node::MapComprehension(entry, qualifiers) => self.map_comprehension(entry, qualifiers, frame),
        };
        self.unstep();
        value
    }

    fn make_fun(&mut self, lambda: &'p Lambda, frame: &Frame) -> Value {
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
        let value = if frame.in_function {
            self.global(global)
        } else {
            self.globals.get(global).cloned().flatten().unwrap_or_else(Value::any)
        };
        let is_variable = |value: &Value| value.parts().is_some_and(|parts| parts.refs.some() && parts.kinds() == 1);
        if self.open_names && !is_variable(&value) { Value::any() } else { value }
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
        let written = value;
        let value = self.eval(written, frame);
        if value.is_never() {
            self.bind_unknown(pattern, frame);
            return value;
        }
        if let Some(told) = self.never_itself(pattern, written, frame) {
            return self.fail(expr, frame, |_| told);
        }
        match self.matches(pattern, &value, frame) {
            Holds::Never => {
                let told = self.no_match(pattern, &value, frame);
                self.bind_unknown(pattern, frame);
                return self.fail(expr, frame, |_| told);
            }
            // Where it does not match, nothing of what follows happens.
            Holds::Perhaps => self.hang_on(&self.origin(&value), expr.span),
            Holds::Always => {}
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
        if let Some((name, known)) = known {
            let name = if name == "the name" { "this name".to_owned() } else { format!("`{name}`") };
            let known = self.describe(&known);
            let help = if known.starts_with("the variable") {
                "a variable is changed by an operation, `update(V, Operation)`; `=` never changes anything"
            } else {
                "a name is bound once; `=` does not assign: take a new name"
            };
            let message = Diagnostic::error("E0507", format!("{name} is {known} already, and cannot be {given} too"))
                .at(pattern.span, "bound already")
                .help(help);
            return match &pattern.node {
                PatternNode::Global(_) if frame.in_function => message
                    .help("in functions too this name is the one of the top level: what a function binds for itself needs another"),
                _ => message,
            };
        }
        let message = Diagnostic::error("E0507", format!("this pattern never matches: the value is {given}"));
        let only = value.parts().filter(|parts| parts.kinds() == 1);
        match &pattern.node {
            PatternNode::Cons(..) if only.is_some_and(|parts| parts.texts.some()) => {
                return message.at(pattern.span, WRONG_KIND).help(
                    "a text is one value, not a list of characters: `string:to_graphemes(Text)` is one, and `\"a\" ++ Rest` matches its start",
                );
            }
            PatternNode::Tuple(parts)
                if parts.len() == 2 && is_ok(&parts[0]) && !value.parts().is_some_and(|parts| parts.refs.some()) =>
            {
                return message
                    .at(pattern.span, WRONG_KIND)
                    .help("what succeeds gives its value alone, and a failure ends the task: match with the name, `V = query(S)`");
            }
            PatternNode::Tuple(_) if only.is_some_and(|parts| parts.map.is_some()) => {
                return message
                    .at(pattern.span, WRONG_KIND)
                    .help("a map is matched with its keys: `#{a := A, b := B} = M`");
            }
            _ => {}
        }
        let variable = value.parts().is_some_and(|parts| parts.refs.some());
        if variable && matches!(pattern.node, PatternNode::Tuple(_)) {
            return message.at(pattern.span, WRONG_KIND).help(
                "verbs give the variable itself, and a failing one ends its task: take the pattern away; `try_update` gives \
                 `{ok, Variable}` or `{refused, Why}`",
            );
        }
        message.at(pattern.span, "does not match")
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
        let other = self.under(&value.from, |run| run.eval(right, frame));
        self.choices -= 1;
        let sure = if and { Holds::Always } else { Holds::Never };
        let certain = holds == sure && value.parts().is_some_and(|parts| parts.kinds() == 1);
        if !certain {
            let changed = frame.changed(mark);
            frame.undo(mark);
            frame.keep(vec![(changed, other.is_never()), (Vec::new(), false)]);
            let result = if other.is_never() { Value::boolean(!and) } else { other.join(&Value::boolean(!and)) };
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

/// Whether it is the atom `ok`.
fn is_ok(pattern: &crate::check::core::Pattern) -> bool {
    matches!(&pattern.node, crate::check::core::PatternNode::Literal(term) if term.as_atom() == Some("ok"))
}
