//! Tasks: computations that can be suspended, at a verb or when their fuel is used up.

use std::collections::VecDeque;

use crate::library::Verb;
use crate::source::span::Span;
use crate::value::atom::Atom;
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
    /// For `assert`: parts of the condition, and their values.
    pub seen: Vec<(Span, Term)>,
    /// Whether these are the two sides of a comparison.
    pub compared: bool,
}

/// A computation of its own. Belongs to the machine that made it.
pub struct Task {
    pub(super) stack: Stack,
    pub(super) at: Frame,
    /// What is still to run after the present one.
    pub(super) forms: VecDeque<u32>,
    pub(super) state: State,
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
    /// Answers the verb that the task waits at. Without one this does nothing.
    pub fn resume(&mut self, value: Term) {
        if let State::Waiting(register) = self.state
            && let Some(slot) = self.stack.registers.get_mut(register)
        {
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
