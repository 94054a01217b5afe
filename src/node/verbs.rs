//! The verbs: what each does with its arguments.

use rand::RngExt;
use triomphe::Arc;

use crate::graph::GraphError;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::library::Verb;
use crate::node::Node;
use crate::node::Output;
use crate::node::data::Format;
use crate::node::tasks::Purpose;
use crate::node::tasks::TaskId;
use crate::node::tasks::Then;
use crate::node::tasks::Wait;
use crate::replica::Limit;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::atom::Atom;
use crate::value::kind::BadType;
use crate::value::kind::Type;
use crate::value::operation::BadOp;
use crate::value::operation::Brief;
use crate::value::operation::Op;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;
use crate::value::threshold::BadThreshold;
use crate::value::threshold::Threshold;
use crate::vm::Failure;
use crate::vm::Request;
use crate::vm::Task;

/// What a verb comes to.
pub(super) enum Answer {
    /// The task goes on with this value.
    Value(Term),
    /// The task ends with this error.
    Refused(Refusal),
    /// The task waits.
    Wait(Awaiting),
    /// The task goes on at `due_ms` with `value`.
    Sleep { due_ms: u64, value: Term },
    /// The task goes on with the data of a file.
    File { path: String, format: Format },
}

/// A threshold that a task is to wait for.
pub(super) struct Awaiting {
    pub(super) variable: VariableId,
    pub(super) threshold: Threshold,
    pub(super) written: Option<Term>,
}

/// Why a verb is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) title: String,
    pub(super) help: Vec<String>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, title: impl Into<String>) -> Refusal {
        Refusal { code, title: title.into(), help: Vec::new() }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Refusal {
        self.help.push(help.into());
        self
    }

    pub(super) fn too_many_updates() -> Refusal {
        Limit::Exhausted.into()
    }

    pub(super) fn diagnostic(self) -> Diagnostic {
        Diagnostic { help: self.help, ..Diagnostic::error(self.code, self.title) }
    }
}

/// The machine adds the place of the verb.
impl From<Diagnostic> for Refusal {
    fn from(diagnostic: Diagnostic) -> Refusal {
        Refusal { code: diagnostic.code, title: diagnostic.title, help: diagnostic.help }
    }
}

impl From<GraphError> for Refusal {
    fn from(error: GraphError) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<crate::engine::Refusal> for Refusal {
    fn from(refusal: crate::engine::Refusal) -> Refusal {
        refusal.diagnostic().into()
    }
}

impl From<BadType> for Refusal {
    fn from(error: BadType) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<BadOp> for Refusal {
    fn from(error: BadOp) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<BadThreshold> for Refusal {
    fn from(error: BadThreshold) -> Refusal {
        error.diagnostic().into()
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        failure.diagnostic().into()
    }
}

impl From<Limit> for Refusal {
    fn from(limit: Limit) -> Refusal {
        let refusal = Refusal::new("E0390", format!("this update cannot be written: {limit}"));
        match limit {
            Limit::TooLarge { .. } | Limit::Name => {
                refusal.help("nothing is written that could not be sent to peers; split the value up")
            }
            Limit::Unfit => refusal,
            Limit::Exhausted => refusal.help("restart the node: each start counts anew"),
        }
    }
}

fn unusable(verb: &str, expected: &str, got: &Term) -> Refusal {
    Refusal::new("E0391", format!("`{verb}` needs {expected}, and got {}", brief(got)))
}

/// A term on one line that is not too long.
pub(super) fn brief(term: &Term) -> String {
    Brief(term).to_string()
}

impl Node {
    /// Does what a program asks for.
    pub(super) fn verb(&mut self, request: &Request) -> Answer {
        self.try_verb(request).unwrap_or_else(Answer::Refused)
    }

    fn try_verb(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let name = request.name;
        let value = match (request.verb, request.arguments.as_slice()) {
            (Verb::Declare, arguments) => self.declare(arguments, name, false)?,
            (Verb::DeclareDynamic, arguments) => self.declare(arguments, name, true)?,
            (Verb::Update, [target, op] | [target, op, _]) => {
                let variable = self.variable_of(target)?;
                let op = Op::parse(&self.engine.reference(variable).kind, op)?;
                self.update(variable, &op)?;
                target.clone()
            }
            (Verb::Query, [target]) => {
                let variable = self.variable_of(target)?;
                self.engine.value(variable)
            }
            (Verb::Read, [target]) => return self.read(target, None),
            (Verb::Read, [target, threshold]) => return self.read(target, Some(threshold)),
            (Verb::Thread, [function]) => {
                check_function("thread", function, 0)?;
                let task = self.machine.task(function, Vec::new());
                self.tasks.spawn(Purpose::Thread, task);
                ok()
            }
            (Verb::Invariant, [target, threshold, function]) => self.invariant(target, threshold, function, request)?,
            (Verb::Stream, [target, function]) => {
                check_function("stream", function, 1)?;
                let variable = self.variable_of(target)?;
                self.engine.observe(variable);
                self.streams.entry(variable).or_default().push(function.clone());
                ok()
            }
            (Verb::Sleep, [duration]) => return self.sleep(duration),
            (Verb::CsvRead, [path]) => return file("csv:read", path, Format::Csv),
            (Verb::JsonRead, [path]) => return file("json:read", path, Format::Json),
            (verb, arguments) => match self.dataflow_verb(verb, arguments, name)? {
                Some(value) => value,
                None => self.interface_verb(verb, arguments)?,
            },
        };
        Ok(Answer::Value(value))
    }

    fn dataflow_verb(&mut self, verb: Verb, arguments: &[Term], name: Option<Atom>) -> Result<Option<Term>, Refusal> {
        let value = match (verb, arguments) {
            (Verb::Map, [source, function, rest @ ..]) => {
                self.derive(Operator::Map(function.clone()), std::slice::from_ref(source), rest.first(), name)?
            }
            (Verb::Filter, [source, function, rest @ ..]) => {
                self.derive(Operator::Filter(function.clone()), std::slice::from_ref(source), rest.first(), name)?
            }
            (Verb::Union, [left, right, rest @ ..]) => {
                self.derive(Operator::Union, &[left.clone(), right.clone()], rest.first(), name)?
            }
            (Verb::Intersection, [left, right, rest @ ..]) => {
                self.derive(Operator::Intersection, &[left.clone(), right.clone()], rest.first(), name)?
            }
            (Verb::Product, [left, right, rest @ ..]) => {
                self.derive(Operator::Product, &[left.clone(), right.clone()], rest.first(), name)?
            }
            (Verb::Difference, [left, right, rest @ ..]) => {
                self.derive(Operator::Difference, &[left.clone(), right.clone()], rest.first(), name)?
            }
            (Verb::Join, [left, right, left_key, right_key, rest @ ..]) => {
                let operator = Operator::Join(left_key.clone(), right_key.clone());
                self.derive(operator, &[left.clone(), right.clone()], rest.first(), name)?
            }
            (Verb::GroupBy, [source, key, function, destination]) => {
                let operator = Operator::GroupBy(key.clone(), function.clone());
                self.derive(operator, std::slice::from_ref(source), Some(destination), None)?
            }
            (Verb::Fold, [source, function, destination]) => {
                self.derive(Operator::Fold(function.clone()), std::slice::from_ref(source), Some(destination), None)?
            }
            (Verb::FoldDynamic, [source, function, destination]) => self.derive(
                Operator::FoldDynamic(function.clone()),
                std::slice::from_ref(source),
                Some(destination),
                None,
            )?,
            (Verb::BindTo, [destination, source]) => {
                self.derive(Operator::Bind, std::slice::from_ref(source), Some(destination), None)?
            }
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    fn interface_verb(&mut self, verb: Verb, arguments: &[Term]) -> Result<Term, Refusal> {
        match (verb, arguments) {
            (Verb::Print, [value]) => {
                let text = match value {
                    Term::Str(text) => format!("{text}\n"),
                    value => format!("{value}\n"),
                };
                self.outputs.push_back(Output::Print { text, value: value.clone() });
                Ok(ok())
            }
            (Verb::Format, [format]) => self.format(format, &Term::Nil),
            (Verb::Format, [format, arguments]) => self.format(format, arguments),
            (Verb::Assert, [condition]) => self.assert(condition),
            (Verb::Node, []) => Ok(Node::name_term(&self.settings.name.clone())),
            (Verb::Nodes, []) => {
                let mut names: Vec<Term> = self.peers.values().map(|name| Node::name_term(name)).collect();
                names.sort();
                Ok(Term::list(names))
            }
            (Verb::Replica, []) => Ok(Term::Int(i64::from(self.settings.replica))),
            (Verb::Role, []) => Ok(self.settings.role.clone()),
            (Verb::Converged, []) => Ok(Term::boolean(self.converged())),
            (Verb::Arg, [name, default]) => self.argument(name, default),
            (Verb::NowMs, []) => Ok(Term::Int(i64::try_from(self.now_ms).unwrap_or(i64::MAX))),
            (Verb::Random, [limit]) => match limit {
                Term::Int(limit) if *limit >= 1 => Ok(Term::Int(self.random.random_range(1..=*limit))),
                other => Err(unusable("random", "an integer of at least 1", other)),
            },
            (verb, _) => Err(Refusal::new("E0391", format!("`{verb:?}` does not take these arguments"))),
        }
    }

    fn name_term(name: &str) -> Term {
        Atom::new(name).map_or_else(|_| Term::text(name), Term::Atom)
    }

    fn declare(&mut self, arguments: &[Term], name: Option<Atom>, dynamic: bool) -> Result<Term, Refusal> {
        let (name, kind) = match arguments {
            [kind] => (self.name_for(name), kind),
            [name, kind] => (Name::Given(name.clone()), kind),
            _ => return Err(Refusal::new("E0391", "`declare` takes a type, or a name and a type")),
        };
        let kind = Type::read(kind)?;
        let reference = Arc::new(Reference { name, kind, dynamic });
        self.variable(&reference)?;
        Ok(Term::Ref(reference))
    }

    /// The reference that a term is.
    pub(super) fn reference_of(term: &Term) -> Result<Arc<Reference>, Refusal> {
        match term {
            Term::Ref(reference) => Ok(reference.clone()),
            other => Err(Refusal::new("E0392", format!("a variable is needed here, and this is {}", brief(other)))
                .help("`X = declare(set)` makes a variable and binds X to it.")),
        }
    }

    /// The variable that a term refers to.
    pub(super) fn variable_of(&mut self, term: &Term) -> Result<VariableId, Refusal> {
        let reference = Node::reference_of(term)?;
        self.variable(&reference)
    }

    fn threshold(&mut self, target: &Term, threshold: Option<&Term>) -> Result<Awaiting, Refusal> {
        let variable = self.variable_of(target)?;
        let parsed = match threshold {
            Some(term) => Threshold::parse(&self.engine.reference(variable).kind, term)?,
            None => Threshold::bound(),
        };
        // Who waits for a variable looks at it from now on.
        self.engine.observe(variable);
        Ok(Awaiting { variable, threshold: parsed, written: threshold.cloned() })
    }

    fn read(&mut self, target: &Term, threshold: Option<&Term>) -> Result<Answer, Refusal> {
        let awaiting = self.threshold(target, threshold)?;
        if self.engine.meets(awaiting.variable, &awaiting.threshold) {
            return Ok(Answer::Value(self.engine.value(awaiting.variable)));
        }
        Ok(Answer::Wait(awaiting))
    }

    fn invariant(
        &mut self,
        target: &Term,
        threshold: &Term,
        function: &Term,
        request: &Request,
    ) -> Result<Term, Refusal> {
        check_function("invariant", function, 0)?;
        let awaiting = self.threshold(target, Some(threshold))?;
        self.tasks.spawn_waiting(wait(awaiting, request.span, Then::Call(function.clone())));
        Ok(ok())
    }

    /// The task has to wait for a threshold.
    pub(super) fn wait(&mut self, id: TaskId, purpose: Purpose, task: Task, awaiting: Awaiting, span: Span) {
        self.stale();
        self.tasks.wait(id, purpose, wait(awaiting, span, Then::Resume(task)));
    }

    fn sleep(&mut self, duration: &Term) -> Result<Answer, Refusal> {
        let duration_ms = match duration {
            Term::Int(ms) if *ms >= 0 => ms.cast_unsigned(),
            other => return Err(unusable("sleep", "milliseconds: an integer of at least 0", other)),
        };
        Ok(Answer::Sleep { due_ms: self.now_ms.saturating_add(duration_ms), value: ok() })
    }

    fn format(&mut self, format: &Term, arguments: &Term) -> Result<Term, Refusal> {
        let text = crate::vm::format::format(format, arguments).map_err(|fault| Refusal {
            code: fault.code(),
            title: fault.title(),
            help: fault.help(),
        })?;
        self.outputs.push_back(Output::Print { value: Term::text(text.as_str()), text });
        Ok(ok())
    }

    fn assert(&mut self, condition: &Term) -> Result<Term, Refusal> {
        if condition.as_bool() == Some(true) {
            return Ok(Term::boolean(true));
        }
        self.assertion_failed = true;
        Err(Refusal::new(
            "E0394",
            format!("an assertion does not hold: it is {}, and should be true", brief(condition)),
        ))
    }

    fn argument(&self, name: &Term, default: &Term) -> Result<Term, Refusal> {
        let Some(name) = name.as_atom().or_else(|| name.as_text()) else {
            return Err(unusable("arg", "a name: an atom", name));
        };
        let given = self.settings.arguments.iter().rev().find(|(known, _)| known == name);
        Ok(given.map_or_else(|| default.clone(), |(_, value)| value.clone()))
    }
}

fn wait(awaiting: Awaiting, span: Span, then: Then) -> Wait {
    let Awaiting { variable, threshold, written } = awaiting;
    Wait { variable, threshold, written, span, then, since: 0 }
}

fn ok() -> Term {
    Term::atom("ok")
}

/// That a verb is given a function that takes as many arguments as it will get.
fn check_function(verb: &str, term: &Term, arity: u8) -> Result<(), Refusal> {
    let expected = if arity == 0 { "a function without arguments" } else { "a function of one argument" };
    match term {
        Term::Fun(closure) if closure.arity == arity => Ok(()),
        Term::Fun(closure) => {
            Err(Refusal::new("E0395", format!("`{verb}` needs {expected}, and this one takes {}", closure.arity)))
        }
        other => Err(Refusal::new("E0395", format!("`{verb}` needs {expected}, and this is {}", brief(other)))),
    }
}

fn file(verb: &str, path: &Term, format: Format) -> Result<Answer, Refusal> {
    match path.as_text() {
        Some(path) => Ok(Answer::File { path: path.to_owned(), format }),
        None => Err(unusable(verb, "the path of a file, as a text", path)),
    }
}
