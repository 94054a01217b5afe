//! A node under the control of a simulator that chooses every turn: one turn at a time, what it would tell a peer, and what
//! its program got to see.

use crate::graph::VariableId;
use crate::lattice::dot::Lane;
use crate::library::Verb;
use crate::node::Node;
use crate::node::verbs::Answer;
use crate::source::span::Span;
use crate::value::term::Term;
use crate::vm::Request;

/// What a program got to see at one place: the answer of a verb, or the value with which a wait ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observation {
    /// The verb's place.
    pub span: Span,
    /// The verb; `None` where a wait has ended.
    pub verb: Option<Verb>,
    /// What was seen.
    pub value: Term,
}

/// A verb that the program came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deed {
    /// The verb.
    pub verb: Verb,
    /// Where it stands.
    pub span: Span,
    /// Its arguments.
    pub arguments: Vec<Term>,
    /// What it gave, where the task went on at once.
    pub answer: Option<Term>,
    /// How many updates of its own the node had made after it, by lane.
    pub made: Vec<(Lane, u64)>,
}

/// The numbers of a node's tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinedUp {
    /// Of those in the queue, in its order.
    pub ready: Vec<u64>,
    /// Of those that wait for a threshold, in the order in which they began to.
    pub waiting: Vec<u64>,
    /// Of those that sleep, with the time at which they wake, in milliseconds of the node's clock.
    pub sleeping: Vec<(u64, u64)>,
}

/// What it costs to compile the functions of one view in SQL, in steps.
const STEPS_PER_VIEW: u64 = 30_000;
/// What it costs the engine to take in a change, to look at an element or a variable, in steps.
const STEPS_PER_CHANGE: u64 = 10;

/// What became of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// No task could go on.
    Nothing,
    /// A task has had its turn: it waits now, or has ended.
    Had {
        /// Its number.
        task: u64,
        /// How many steps it took.
        steps: u64,
        /// Whether it is that of an effect, which the whole cluster starts once.
        once: bool,
    },
    /// The task did not come to the end of its turn with the fuel that it was given.
    Endless,
}

impl Node {
    /// Lets the next task that can go on have its turn, with so much fuel.
    pub fn one_turn(&mut self, now_ms: u64, mut fuel: u64) -> Turn {
        self.now_ms = self.now_ms.max(now_ms);
        let whole = fuel;
        let Some((id, purpose, task)) = self.running.take().or_else(|| self.next_task()) else {
            return Turn::Nothing;
        };
        let once = self.enforced.is_running(id);
        if let Some(unfinished) = self.turn(id, purpose, task, &mut fuel) {
            self.running = Some((id, purpose, unfinished));
            return Turn::Endless;
        }
        self.take_in_waiting();
        self.replica.flush(self.now_ms);
        self.after_replica();
        Turn::Had { task: id.0, steps: whole - fuel, once }
    }

    /// Whether some task is in the queue of those that can go on.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        self.running.is_some() || self.tasks.any_ready()
    }

    /// Which tasks can go on, wait or sleep, each in the order in which its turn comes.
    #[must_use]
    pub fn lined_up(&self) -> LinedUp {
        self.tasks.lined_up()
    }

    /// When the next sleeper is due, in milliseconds of the node's clock.
    #[must_use]
    pub fn sleeps_until(&self) -> Option<u64> {
        self.tasks.next_due()
    }

    /// Whether what comes from peers can start or resume a task at once: some task waits for a threshold, or a stream is open.
    #[must_use]
    pub fn listens(&self) -> bool {
        !self.streams.is_empty() || self.tasks.waits().next().is_some()
    }

    /// What the node has seen: of each replica, how many of its updates.
    #[must_use]
    pub fn seen(&self) -> Vec<(Lane, u64)> {
        self.replica.vector().collect()
    }

    /// A message with at most `most` of the updates that this node has and a node that has seen `seen` lacks, in the order in
    /// which this node got them. `None` when there are none, or too many for one message.
    #[must_use]
    pub fn updates_for(&self, seen: &[(Lane, u64)], most: usize) -> Option<Vec<u8>> {
        self.replica.updates_above(seen, most)
    }

    /// The derivations' functions may take so many steps from now on, all calls together.
    pub fn limit_derivations(&mut self, steps: u64) {
        self.machine.limit_pure_steps(steps);
    }

    /// About how much work the node has done apart from its tasks' own steps, in steps: for derivations, since they were
    /// limited to `limit`, and for views in SQL.
    #[must_use]
    pub fn derivation_steps(&self, limit: u64) -> u64 {
        let work = self.engine.work();
        let looked = work.elements.saturating_add(work.changes).saturating_add(work.visits);
        let views = self.sql_functions.len() as u64;
        let called = limit.saturating_sub(self.machine.pure_steps_left());
        called.saturating_add(looked.saturating_mul(STEPS_PER_CHANGE)).saturating_add(views * STEPS_PER_VIEW)
    }

    /// From now on, derivations look at so many elements and changes, and at no more; see [`Node::is_overworked`].
    pub fn limit_elements(&mut self, more: u64) {
        self.engine.limit_work(more);
    }

    /// Whether derivations have come to the limit that was set them. Values are wrong then, and the node does nothing more.
    #[must_use]
    pub fn is_overworked(&self) -> bool {
        self.engine.work().is_used_up()
    }

    /// From now on, notes what the program asks for and gets to see.
    pub fn observe(&mut self) {
        self.observations.get_or_insert_default();
    }

    /// What the program has seen since this was asked last; empty unless [`Node::observe`] was called.
    pub fn take_observations(&mut self) -> Vec<Observation> {
        self.observations.as_mut().map_or_else(Vec::new, std::mem::take)
    }

    /// What the program has asked for since this was asked last; empty unless [`Node::observe`] was called.
    pub fn take_deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.deeds)
    }

    /// How many updates of its own the node has made, by lane.
    #[must_use]
    pub fn made(&self) -> Vec<(Lane, u64)> {
        let own = self.settings.identity;
        self.seen().into_iter().filter(|(lane, _)| lane.replica == own).collect()
    }

    /// Notes what a program asks for, if somebody wants to know.
    pub(super) fn did(&mut self, request: &Request, answer: &Answer) {
        if self.observations.is_none() || request.returned.is_some() {
            return;
        }
        let answer = if let Answer::Value(value) = answer { Some(value.clone()) } else { None };
        let (verb, arguments, made) = (request.verb, request.arguments.clone(), self.made());
        self.deeds.push(Deed { verb, span: request.span, arguments, answer, made });
    }

    /// Notes the value with which a wait ends, if somebody wants to know.
    pub(super) fn saw_met(&mut self, span: Span, variable: VariableId) {
        if self.observations.is_some() {
            let value = self.engine.value(variable);
            self.saw(span, None, &value);
        }
    }

    /// Notes what a program sees, if somebody wants to know.
    pub(super) fn saw(&mut self, span: Span, verb: Option<Verb>, value: &Term) {
        if let Some(observations) = &mut self.observations {
            observations.push(Observation { span, verb, value: value.clone() });
        }
    }
}
