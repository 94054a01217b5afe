//! The verbs: which module answers which, and what an answer is.

use triomphe::Arc;

use crate::graph::Operator;
use crate::graph::VariableId;
use crate::library::Verb;
use crate::node::Node;
use crate::node::data::Format;
use crate::node::tasks::Awaited;
use crate::node::tasks::Resumption;
use crate::value::atom::Atom;
use crate::value::kind::Type;
use crate::value::operation::Op;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;
use crate::value::threshold::Threshold;
use crate::vm::Request;

pub(super) use crate::node::refusal::Refusal;
pub(super) use crate::node::refusal::brief;
pub(super) use crate::node::refusal::check_function;
pub(super) use crate::node::refusal::unusable;

/// What a verb comes to.
pub(super) enum Answer {
    /// The task goes on with this value.
    Value(Term),
    /// The task ends with this error.
    Refused(Refusal),
    /// The task waits until the first of these is met.
    Wait { any: Vec<Awaited>, goes_on: Resumption },
    /// The task goes on at `due_ms` with `value`.
    Sleep { due_ms: u64, value: Term },
    /// The task goes on with the data of a file.
    File { path: String, format: Format },
    /// The task calls a function; when it returns the verb goes on, with what is `kept`.
    Call { function: Term, arguments: Vec<Term>, kept: Vec<Term> },
}

impl Node {
    /// Does what a program asks for.
    pub(super) fn verb(&mut self, request: &Request) -> Answer {
        let answer = self.try_verb(request).unwrap_or_else(Answer::Refused);
        if self.transaction.is_some() { self.in_transaction(answer) } else { answer }
    }

    fn try_verb(&mut self, request: &Request) -> Result<Answer, Refusal> {
        if let Some(returned) = &request.returned {
            return Ok(self.go_on_after_call(request.verb, returned));
        }
        self.places.verb = Some(request.span);
        let value = match (request.verb, request.arguments.as_slice()) {
            (Verb::Declare, arguments) => self.declare(arguments, request.name, false)?,
            (Verb::DeclareDynamic, arguments) => self.declare(arguments, request.name, true)?,
            (Verb::Update, [target, op, rest @ ..]) => {
                self.update_by(target, op, rest.first())?;
                target.clone()
            }
            (Verb::TryUpdate, [target, op, rest @ ..]) => self.try_update(target, op, rest.first())?,
            (Verb::Bind, [target, value]) => self.bind(target, value)?,
            (Verb::Query, [target]) => {
                let variable = self.variable_of(target)?;
                self.engine.value(variable)
            }
            (Verb::Read | Verb::ReadAny | Verb::WaitNeeded, arguments) => {
                return self.waiting_verb(request.verb, arguments);
            }
            (Verb::Thread | Verb::Invariant | Verb::EnforceOnce | Verb::Stream | Verb::Every, arguments) => {
                self.starting_verb(request.verb, arguments, request.span)?
            }
            (Verb::Once | Verb::Atomically | Verb::EachLine, arguments) => {
                return self.calling_verb(request.verb, arguments);
            }
            (Verb::Sleep, [duration]) => return self.sleep(duration),
            (Verb::Assert, [condition]) => self.assert(condition, request)?,
            (Verb::CsvRead, [path]) => return Node::file("csv:read", path, Format::Csv),
            (Verb::JsonRead, [path]) => return Node::file("json:read", path, Format::Json),
            (Verb::Sql, [text]) => {
                self.places.view = Some(request.span);
                let made = self.sql(text, request.name);
                self.places.view = None;
                made?
            }
            (verb, arguments) => match self.dataflow_verb(verb, arguments, request.name)? {
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

    fn declare(&mut self, arguments: &[Term], name: Option<Atom>, dynamic: bool) -> Result<Term, Refusal> {
        let (name, kind) = match arguments {
            [kind] => (self.name_for(name), kind),
            [name, kind] => (Name::Given(name.clone()), kind),
            _ => return Err(Refusal::new("E0391", "`declare` takes a type, or a name and a type")),
        };
        let kind = Type::read(kind)?;
        let reference = Arc::new(Reference { name, kind, dynamic });
        self.note_place(&reference);
        self.variable(&reference)?;
        Ok(Term::Ref(reference))
    }

    /// Remembers where a variable is made that other nodes may know by its name, for what is to be said of it later.
    pub(super) fn note_place(&mut self, reference: &Reference) {
        if let (Name::Given(_), false, Some(place)) = (&reference.name, reference.dynamic, self.places.verb)
            && !self.places.made.contains_key(&reference.name)
        {
            self.places.made.insert(reference.name.clone(), place);
        }
    }

    fn update_by(&mut self, target: &Term, op: &Term, actor: Option<&Term>) -> Result<(), Refusal> {
        let variable = self.variable_of(target)?;
        let op = Op::parse(&self.engine.reference(variable).kind, op)?;
        self.update(variable, &op, actor)
    }

    /// An operation that the type has, but that is refused as things are now, is told; everything else is an error.
    fn try_update(&mut self, target: &Term, op: &Term, actor: Option<&Term>) -> Result<Term, Refusal> {
        match self.update_by(target, op, actor) {
            Ok(()) => Ok(Term::pair(Term::atom("ok"), target.clone())),
            Err(Refusal { why: Some(why), .. }) => Ok(Term::pair(Term::atom("refused"), Term::atom(why))),
            Err(refusal) => Err(refusal),
        }
    }

    fn bind(&mut self, target: &Term, value: &Term) -> Result<Term, Refusal> {
        let variable = self.variable_of(target)?;
        for op in Op::joining(&self.engine.reference(variable).kind, value)? {
            self.update(variable, &op, None)?;
        }
        Ok(target.clone())
    }

    /// The reference that a term is.
    pub(super) fn reference_of(term: &Term) -> Result<Arc<Reference>, Refusal> {
        match term {
            Term::Ref(reference) => Ok(reference.clone()),
            other => Err(Refusal::new("E0392", format!("a variable is needed here, and this is {}", brief(other)))
                .help(match other {
                    Term::Fun(_) => "the variable comes first: `map(S, F)`, `fold(S, F, D)`, `invariant(V, T, F)`",
                    Term::Cons(_) | Term::Nil => {
                        "this is a plain list, such as `query` gives: update the variable itself; for lists there is `lists:map(F, L)` and its like"
                    }
                    Term::Map(_) => "this is a plain map, such as `query` gives: update the variable itself",
                    Term::Int(_) | Term::Big(_) | Term::Float(_) => {
                        "a number does not change; `C = declare(counter)` makes a variable that does"
                    }
                    _ => "`X = declare(set)` makes a variable and binds X to it",
                })),
        }
    }

    /// The variable that a term refers to.
    pub(super) fn variable_of(&mut self, term: &Term) -> Result<VariableId, Refusal> {
        let reference = Node::reference_of(term)?;
        self.variable(&reference)
    }

    /// A variable and a threshold of it; without a written one, that it is bound.
    pub(super) fn awaited(&mut self, target: &Term, threshold: Option<&Term>) -> Result<Awaited, Refusal> {
        let variable = self.variable_of(target)?;
        let parsed = match threshold {
            Some(term) => Threshold::parse(&self.engine.reference(variable).kind, term)?,
            None => Threshold::bound(),
        };
        // Who waits for a variable looks at it from now on.
        self.engine.observe(variable);
        Ok(Awaited { variable, threshold: parsed, written: threshold.cloned() })
    }
}

pub(super) fn ok() -> Term {
    Term::atom("ok")
}
