//! The tasks of a node: which can go on, which wait, and for what.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::effects::EffectKey;
use crate::graph::VariableId;
use crate::lattice::dot::TopicId;
use crate::node::stage::LinedUp;
use crate::source::span::Span;
use crate::value::term::Term;
use crate::value::threshold::Threshold;
use crate::vm::Task;

/// A task's number, in order of making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskId(pub(super) u64);

/// Why a task exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The program's statement forms.
    TopLevel,
    /// `thread`, `invariant`, `stream`.
    Thread,
    /// A line typed at the prompt.
    Prompt,
}

/// A task with what it is doing.
pub(super) struct Entry {
    pub(super) purpose: Purpose,
    pub(super) state: State,
}

/// What a task is doing.
pub(super) enum State {
    /// It is in the queue, or has its turn.
    Ready(Task),
    /// It is in the queue, and begins by waiting for a threshold.
    Starting(Wait),
    /// It waits for a threshold; what happens then.
    Waiting(Wait),
    /// It sleeps, or waits for a file; it goes on with the value that comes.
    Paused(Task),
}

/// What a task does with its turn.
pub(super) enum Work {
    /// It runs.
    Run(Task),
    /// It looks whether a threshold is met, and waits if not.
    Await(Wait),
}

/// A variable, and a threshold of it.
pub(super) struct Awaited {
    pub(super) variable: VariableId,
    pub(super) threshold: Threshold,
    /// The threshold as the program wrote it, for messages.
    pub(super) written: Option<Term>,
}

impl Awaited {
    /// Whether a read of this asks for the other: the same variable, at its threshold or above. As in the original Lasp, a
    /// read at T also asks for what is strictly above T.
    pub(super) fn asks_for(&self, other: &Awaited) -> bool {
        let level = Threshold { level: other.threshold.level.clone(), strict: false };
        self.variable == other.variable && self.threshold.at_least(&level)
    }
}

/// A wait for thresholds.
pub(super) struct Wait {
    /// It is over when one of these is met; the first in the list if several are. At least one.
    pub(super) any: Vec<Awaited>,
    pub(super) span: Span,
    pub(super) then: Then,
    /// Which wait of the node it is; [`Tasks::wait`] says.
    pub(super) since: u64,
}

impl Wait {
    /// Whether it is a `wait_needed`, which needs nothing itself.
    pub(super) fn is_lazy(&self) -> bool {
        matches!(self.then, Then::Resume(_, Resumption::Variable))
    }

    /// Whether it waits for the same variable at that threshold or above.
    pub(super) fn needs(&self, other: &Awaited) -> bool {
        self.any.iter().any(|mine| mine.asks_for(other))
    }

    /// The variables that it waits for, each once.
    pub(super) fn variables(&self) -> Vec<VariableId> {
        let mut variables: Vec<VariableId> = self.any.iter().map(|awaited| awaited.variable).collect();
        variables.sort_unstable();
        variables.dedup();
        variables
    }
}

/// What happens when a wait is over.
pub(super) enum Then {
    /// The task goes on.
    Resume(Box<Task>, Resumption),
    /// The function is called (`invariant`).
    Call(Term),
    /// Whoever decides is asked whether the effect is to be started here (`enforce_once`).
    Enforce(EffectKey),
}

/// With what a task goes on after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resumption {
    /// `read`: the variable's value.
    Value,
    /// `read_any`: the variable and its value.
    Pair,
    /// `wait_needed`: the variable.
    Variable,
}

/// All tasks. Iteration is in order of making, so nothing depends on chance.
#[derive(Default)]
pub(super) struct Tasks {
    entries: BTreeMap<TaskId, Entry>,
    ready: VecDeque<TaskId>,
    waiting: BTreeMap<VariableId, Vec<TaskId>>,
    sleeping: BTreeMap<(u64, TaskId), Term>,
    repeated: BTreeMap<TaskId, Every>,
    /// The topics of tasks that have one, and that of the task whose turn it is.
    topics: BTreeMap<TaskId, TopicId>,
    topic: TopicId,
    /// How many entries wait for a threshold.
    waits: usize,
    /// How many of these are `wait_needed`.
    lazy: usize,
    /// How many waits have begun.
    begun: u64,
    next: u64,
}

impl Tasks {
    fn add(&mut self, purpose: Purpose, state: State) -> TaskId {
        let id = TaskId(self.next);
        self.next += 1;
        self.entries.insert(id, Entry { purpose, state });
        if self.topic != TopicId::NONE {
            self.topics.insert(id, self.topic);
        }
        id
    }

    /// The topic of the task whose turn it is: the variables that it makes have it, and so do the tasks.
    pub(super) fn topic(&self) -> TopicId {
        self.topic
    }

    /// A task's turn begins.
    pub(super) fn enter(&mut self, id: TaskId) {
        self.topic = self.topics.get(&id).copied().unwrap_or_default();
    }

    /// The turn is over; and so is the task, if it is not among those that go on.
    pub(super) fn leave(&mut self, id: TaskId, goes_on: bool) {
        self.topic = TopicId::NONE;
        if !goes_on && !self.entries.contains_key(&id) {
            self.topics.remove(&id);
        }
    }

    /// What `spawn` does, for a task of a topic of its own.
    pub(super) fn spawn_in(&mut self, topic: TopicId, purpose: Purpose, task: Task) -> TaskId {
        let before = std::mem::replace(&mut self.topic, topic);
        let id = self.spawn(purpose, task);
        self.topic = before;
        id
    }

    /// A new task that does what another waited for, and has its topic.
    pub(super) fn spawn_after(&mut self, waiter: TaskId, purpose: Purpose, task: Task) {
        let topic = self.topics.remove(&waiter).unwrap_or_default();
        self.spawn_in(topic, purpose, task);
    }

    /// A new task, last in the queue.
    pub(super) fn spawn(&mut self, purpose: Purpose, task: Task) -> TaskId {
        let id = self.add(purpose, State::Ready(task));
        self.ready.push_back(id);
        id
    }

    /// A new task, last in the queue, that begins by waiting for a threshold of a variable of a topic.
    pub(super) fn spawn_waiting(&mut self, topic: TopicId, wait: Wait) {
        let before = std::mem::replace(&mut self.topic, topic);
        let id = self.add(Purpose::Thread, State::Starting(wait));
        self.topic = before;
        self.ready.push_back(id);
    }

    /// Takes the first task that can go on; [`Tasks::ready`] or one of the others puts it back.
    pub(super) fn next_ready(&mut self) -> Option<(TaskId, Purpose, Work)> {
        while let Some(id) = self.ready.pop_front() {
            match self.entries.remove(&id) {
                Some(Entry { purpose, state: State::Ready(task) }) => return Some((id, purpose, Work::Run(task))),
                Some(Entry { purpose, state: State::Starting(wait) }) => return Some((id, purpose, Work::Await(wait))),
                _ => {}
            }
        }
        None
    }

    /// Whether some task can go on.
    pub(super) fn any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether some task will go on by itself: it is ready, sleeps, or waits for a file.
    pub(super) fn any_active(&self) -> bool {
        self.entries.len() > self.waits
    }

    /// The task can go on, after those that could before it.
    pub(super) fn ready(&mut self, id: TaskId, purpose: Purpose, task: Task) {
        self.entries.insert(id, Entry { purpose, state: State::Ready(task) });
        self.ready.push_back(id);
    }

    /// The task waits for a threshold.
    pub(super) fn wait(&mut self, id: TaskId, purpose: Purpose, mut wait: Wait) {
        self.begun += 1;
        wait.since = self.begun;
        self.waits += 1;
        self.lazy += usize::from(wait.is_lazy());
        for variable in wait.variables() {
            self.waiting.entry(variable).or_default().push(id);
        }
        self.entries.insert(id, Entry { purpose, state: State::Waiting(wait) });
    }

    /// The task sleeps until `due` (milliseconds), then goes on with `value`.
    /// The task that wakes first.
    pub(super) fn next_sleeper(&self) -> Option<&Task> {
        self.sleeping.keys().find_map(|(_, id)| match &self.entries.get(id)?.state {
            State::Ready(task) | State::Paused(task) => Some(task),
            State::Starting(_) | State::Waiting(_) => None,
        })
    }

    pub(super) fn sleep(&mut self, id: TaskId, purpose: Purpose, task: Task, due: u64, value: Term) {
        self.sleeping.insert((due, id), value);
        self.pause(id, purpose, task);
    }

    /// Whether it is the top level that sleeps.
    pub(super) fn top_level_sleeps(&self) -> bool {
        let top =
            |(_, id): &(u64, TaskId)| self.entries.get(id).is_some_and(|entry| entry.purpose == Purpose::TopLevel);
        self.sleeping.keys().any(top)
    }

    /// The task goes on when [`Tasks::wake`] is called.
    pub(super) fn pause(&mut self, id: TaskId, purpose: Purpose, task: Task) {
        self.entries.insert(id, Entry { purpose, state: State::Paused(task) });
    }

    /// A paused task goes on as `resume` leaves it.
    pub(super) fn wake(&mut self, id: TaskId, resume: impl FnOnce(&mut Task)) {
        if let Some(Entry { purpose, state: State::Paused(mut task) }) = self.entries.remove(&id) {
            resume(&mut task);
            self.ready(id, purpose, task);
        }
    }

    /// Wakes those whose time has come.
    pub(super) fn wake_sleepers(&mut self, now_ms: u64) {
        while let Some(entry) = self.sleeping.first_entry() {
            if entry.key().0 > now_ms {
                break;
            }
            let ((_, id), value) = entry.remove_entry();
            self.wake(id, |task| task.resume(value));
        }
    }

    /// Which tasks are at what.
    pub(super) fn lined_up(&self) -> LinedUp {
        let since = |(id, entry): (&TaskId, &Entry)| match &entry.state {
            State::Waiting(wait) => Some((wait.since, id.0)),
            _ => None,
        };
        let mut waits: Vec<(u64, u64)> = self.entries.iter().filter_map(since).collect();
        waits.sort_unstable();
        LinedUp {
            ready: self.ready.iter().map(|id| id.0).collect(),
            waiting: waits.into_iter().map(|(_, id)| id).collect(),
            sleeping: self.sleeping.keys().map(|(due, id)| (*due, id.0)).collect(),
        }
    }

    /// When the next sleeper is due.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.sleeping.keys().next().map(|(due, _)| *due)
    }

    /// The tasks that wait for `variable`, in the order in which they began to.
    pub(super) fn waiters(&self, variable: VariableId) -> Vec<TaskId> {
        self.waiting.get(&variable).cloned().unwrap_or_default()
    }

    /// Whether some task is in `wait_needed`.
    pub(super) fn any_lazy(&self) -> bool {
        self.lazy > 0
    }

    /// Whether a task is there: that it has not come to its end.
    pub(super) fn goes_on(&self, id: TaskId) -> bool {
        self.entries.contains_key(&id)
    }

    /// What a task waits for.
    pub(super) fn waiting(&self, id: TaskId) -> Option<&Wait> {
        match &self.entries.get(&id)?.state {
            State::Waiting(wait) => Some(wait),
            _ => None,
        }
    }

    /// Takes a task out of its wait.
    pub(super) fn release(&mut self, id: TaskId) -> Option<(Purpose, Wait)> {
        let entry = self.entries.remove(&id)?;
        let State::Waiting(wait) = entry.state else {
            self.entries.insert(id, entry);
            return None;
        };
        self.waits -= 1;
        self.lazy -= usize::from(wait.is_lazy());
        for variable in wait.variables() {
            if let Some(waiters) = self.waiting.get_mut(&variable) {
                waiters.retain(|waiter| *waiter != id);
                if waiters.is_empty() {
                    self.waiting.remove(&variable);
                }
            }
        }
        Some((entry.purpose, wait))
    }

    /// All waits, in order of making.
    pub(super) fn waits(&self) -> impl Iterator<Item = (Purpose, &Wait)> {
        self.entries.values().filter_map(|entry| match &entry.state {
            State::Waiting(wait) => Some((entry.purpose, wait)),
            _ => None,
        })
    }

    /// A new task that sleeps until `due` and then calls `function`, and that does so again so many milliseconds after each
    /// end, until it fails.
    pub(super) fn spawn_every(&mut self, task: Task, due: u64, every: Every) {
        let id = self.add(Purpose::Thread, State::Paused(task));
        self.sleeping.insert((due, id), Term::Nil);
        self.repeated.insert(id, every);
    }

    /// What an ended task repeats, if it does.
    pub(super) fn repeated(&mut self, id: TaskId) -> Option<Every> {
        self.repeated.remove(&id)
    }

    /// Whether something that was typed is not at its end.
    pub(super) fn any_typed(&self) -> bool {
        self.entries.values().any(|entry| entry.purpose == Purpose::Prompt)
    }

    /// Ends all tasks that were typed, and gives them.
    pub(super) fn cancel_prompt(&mut self) -> Vec<Task> {
        let typed: Vec<TaskId> =
            self.entries.iter().filter(|(_, entry)| entry.purpose == Purpose::Prompt).map(|(id, _)| *id).collect();
        let mut ended = Vec::new();
        for id in typed {
            if let Some((_, wait)) = self.release(id) {
                if let Then::Resume(task, _) = wait.then {
                    ended.push(*task);
                }
                continue;
            }
            self.ready.retain(|ready| *ready != id);
            self.sleeping.retain(|(_, sleeper), _| *sleeper != id);
            if let Some(Entry { state: State::Ready(task) | State::Paused(task), .. }) = self.entries.remove(&id) {
                ended.push(task);
            }
        }
        ended
    }
}

/// What `every` calls, and with how many milliseconds in between.
pub(super) struct Every {
    pub(super) milliseconds: u64,
    pub(super) function: Term,
}
