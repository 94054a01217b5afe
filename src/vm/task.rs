//! Tasks: computations that can be suspended, at a verb or when their fuel is used up.

use std::collections::VecDeque;

use crate::library::Verb;
use crate::source::span::Span;
use crate::value::atom::Atom;
use crate::value::term::PARTS_MAX;
use crate::value::term::Term;
use crate::vm::fault::Failure;
use crate::vm::fault::Fault;
use crate::vm::run::Frame;
use crate::vm::run::Stack;

/// What a task said when it stopped.
pub enum Outcome {
    /// It ended with this value.
    Done(Term),
    /// It waits for the node; [`Task::resume`] or [`Task::fail`] answers.
    Verb(Request),
    /// It ended with a failure.
    Failed(Failure),
    /// It can go on.
    OutOfFuel,
}

/// What a task asks of the node.
#[derive(Clone, Debug)]
pub struct Request {
    /// The verb.
    pub verb: Verb,
    /// Its arguments.
    pub arguments: Vec<Term>,
    /// The name of the variable that it makes at top level.
    pub name: Option<Atom>,
    /// Where it stands.
    pub span: Span,
    /// What a function gave that the verb had called by [`Machine::call_in`](crate::vm::Machine::call_in): the verb goes on
    /// from there, and has no arguments.
    pub returned: Option<Returned>,
    /// For `assert`: parts of the condition, and their values.
    pub seen: Vec<(Span, Term)>,
    /// Whether these are the two sides of a comparison.
    pub compared: bool,
}

/// The end of a call that a verb had made.
#[derive(Clone, Debug)]
pub struct Returned {
    /// The function's value.
    pub value: Term,
    /// What the node wanted kept meanwhile.
    pub kept: Vec<Term>,
}

/// A call that a verb has made and that has not returned.
pub struct OpenCall {
    /// The verb.
    pub verb: Verb,
    /// What the node wanted kept.
    pub kept: Vec<Term>,
    /// How many frames wait below the function's.
    pub(super) depth: usize,
}

/// A computation of its own. Belongs to the machine that made it.
pub struct Task {
    pub(super) stack: Stack,
    pub(super) at: Frame,
    /// What is still to run after the present one.
    pub(super) forms: VecDeque<u32>,
    pub(super) state: State,
    /// The calls that verbs have made, outermost first.
    pub(super) calls: Vec<OpenCall>,
}

pub(super) enum State {
    /// A form or function is to begin; the value is of the one before.
    Between(Term),
    Running,
    /// The register for the answer.
    Waiting(usize),
    /// What the next run tells.
    Broken(Fault),
    Ended,
}

impl Task {
    /// The calls that verbs have made and that have not returned, innermost first, of a task that has failed or is given up.
    pub fn abandon(&mut self) -> impl Iterator<Item = OpenCall> {
        std::mem::take(&mut self.calls).into_iter().rev()
    }

    /// Answers the verb that the task waits at; a value with too many parts is the task's failure. Without a verb this does
    /// nothing.
    pub fn resume(&mut self, value: Term) {
        if let State::Waiting(register) = self.state
            && let Some(slot) = self.stack.registers.get_mut(register)
        {
            if value.parts() > PARTS_MAX {
                self.state = State::Broken(Fault::TermTooLarge);
                return;
            }
            *slot = value;
            self.state = State::Running;
        }
    }

    /// Refuses the verb that the task waits at: the next run ends with a failure of this code at the verb's place.
    pub fn fail(&mut self, code: &'static str, title: String, help: Vec<String>) {
        if matches!(self.state, State::Waiting(_)) {
            self.state = State::Broken(Fault::Refused { code, title, help });
        }
    }
}
