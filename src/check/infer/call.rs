//! Calls, and what is said of those that fail.

use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::core::FunctionId;
use crate::check::infer::parts::Code;
use crate::check::infer::parts::Few;
use crate::check::infer::parts::Fun;
use crate::check::infer::run::Call;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::site::Failure;
use crate::check::infer::site::WRONG_KIND;
use crate::check::infer::site::Why;
use crate::check::infer::value::Value;
use crate::check::infer::value::both;
use crate::library::BuiltinId;
use crate::source::diagnostic::Diagnostic;
use crate::value::term::Term;

impl<'p> Run<'p> {
    pub(super) fn named_call(
        &mut self,
        expr: &'p Expr,
        id: FunctionId,
        arguments: &'p [Expr],
        frame: &mut Frame,
    ) -> Value {
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
        let control = self.control.clone();
        let call = Arc::new(Call { code, captured, arguments, control, atomic: self.atomic });
        let value = self.call(call.clone(), expr.span);
        if let Some(told) = self.flows_of_call(expr, frame) {
            return self.fail(expr, frame, |_| told);
        }
        if !value.is_never() {
            return self.fine(expr, value);
        }
        match self.inner_failure() {
            Some(cause) => {
                self.fail_because(expr, frame, Some(cause.clone()), |run| run.failing_call(expr, &call, &cause))
            }
            None => self.fine(expr, value),
        }
    }

    pub(super) fn apply_expression(
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
        let fitting: Vec<&Fun> = funs.iter().filter(|fun| usize::from(fun.arity) == arguments.len()).collect();
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
        match &*fitting {
            [only] => {
                let value = self.apply_one(expr, only, arguments, frame);
                if value.is_never() { value } else { value.touched(&callee.from) }
            }
            several => self.apply_several(expr, callee, several, &arguments, frame),
        }
    }

    /// A built-in that is called as a value: of what it gives nothing is known.
    pub(super) fn called_builtin(&mut self, id: BuiltinId, expr: &Expr) -> Value {
        if id.row().verb.is_some() {
            self.effect(id.row().title(), expr.span);
        }
        Value::any()
    }

    fn apply_one(&mut self, expr: &'p Expr, fun: &Fun, arguments: Vec<Value>, frame: &Frame) -> Value {
        match fun.code {
            Code::Builtin(id) if id.row().verb.is_none() => self.builtin(expr, id, &arguments, frame),
            Code::Builtin(id) => {
                self.effect(id.row().title(), expr.span);
                self.fine(expr, Value::any())
            }
            code => self.call_code(expr, code, fun.captured.clone(), arguments, frame),
        }
    }

    fn apply_several(
        &mut self,
        expr: &'p Expr,
        callee: &Value,
        funs: &[&Fun],
        arguments: &[Value],
        frame: &Frame,
    ) -> Value {
        let mut result = Value::never();
        let mut why: Option<Why> = None;
        for fun in funs {
            let value = match fun.code {
                Code::Builtin(id) => self.called_builtin(id, expr),
                code => {
                    let call = Call {
                        code,
                        captured: fun.captured.clone(),
                        arguments: arguments.to_vec(),
                        control: both(&self.control, &callee.from),
                        atomic: self.atomic,
                    };
                    self.call(Arc::new(call), expr.span)
                }
            };
            if value.is_never() {
                let now = self.why.clone();
                why = Some(why.map_or_else(|| now.clone(), |why| why.either(now.clone())));
            }
            result = result.join(&value);
        }
        if !result.is_never() {
            return self.fine(expr, result.touched(&callee.from));
        }
        self.why = why.unwrap_or(Why::Open);
        match self.inner_failure() {
            Some(cause) => {
                let told = cause.diagnostic.clone();
                self.fail_because(expr, frame, Some(cause), |_| told)
            }
            None => self.fine(expr, result),
        }
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
            let message = Diagnostic::error("E0511", format!("{callee} does not take ({given})"));
            if let Some(help) = self.variable_for_value(&call.arguments) {
                return message.at(expr.span, WRONG_KIND).help(help);
            }
            if let [a, b, ..] = &*call.arguments
                && !is_function(a)
                && is_function(b)
            {
                return message.at(expr.span, WRONG_KIND).help("the function comes first, and then the list");
            }
            let message = message.at(expr.span, inner.title.clone());
            return inner.help.iter().fold(message, |message, help| message.help(help.clone()));
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
        let is_variable = |value: &&Value| value.parts().is_some_and(|parts| parts.refs.some() && parts.kinds() == 1);
        let value = values.iter().find(is_variable)?;
        let known = value.parts()?.refs.known()?;
        let name = known.first().filter(|_| known.len() == 1).and_then(|number| self.shown(*number));
        Some(match name {
            Some(name) => format!("`{name}` is a variable; `query({name})` gives its value"),
            None => "a variable is not its value; `query(V)` gives it".to_owned(),
        })
    }

    /// A value that is not what is needed.
    pub(super) fn needs(&mut self, key: usize, place: &Expr, value: &Value, what: (&str, &'static str), frame: &Frame) {
        self.fail_at(key, place.span, frame, None, |run| {
            let given = run.describe(value);
            let message = Diagnostic::error(what.1, format!("{}, not {given}", what.0)).at(place.span, "not one");
            let text = value.parts().is_some_and(|parts| parts.texts.some() && parts.kinds() == 1);
            match run.variable_for_value(std::slice::from_ref(value)) {
                Some(help) => message.help(help),
                None if text => {
                    message.help("a text is one value; `string:to_graphemes(Text)` is the list of its characters")
                }
                None => message,
            }
        });
    }

    pub(super) fn not_boolean(&self, operator: &str, operand: &Expr, value: &Value) -> Diagnostic {
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
}

fn is_function(value: &Value) -> bool {
    value.parts().is_some_and(|parts| parts.funs.some() && parts.kinds() == 1)
}
