//! The tasks of a node: which can go on, which wait, and for what.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::graph::VariableId;
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

/// A wait for a threshold.
pub(super) struct Wait {
    pub(super) variable: VariableId,
    pub(super) threshold: Threshold,
    /// The threshold as the program wrote it, for messages.
    pub(super) written: Option<Term>,
    pub(super) span: Span,
    pub(super) then: Then,
    /// Which wait of the node it is; [`Tasks::wait`] says.
    pub(super) since: u64,
}

/// What happens when a threshold is met.
pub(super) enum Then {
    /// The task goes on with the value.
    Resume(Task),
    /// The function is called (`invariant`).
    Call(Term),
}

/// All tasks. Iteration is in order of making, so nothing depends on chance.
#[derive(Default)]
pub(super) struct Tasks {
    entries: BTreeMap<TaskId, Entry>,
    ready: VecDeque<TaskId>,
    waiting: BTreeMap<VariableId, Vec<TaskId>>,
    sleeping: BTreeMap<(u64, TaskId), Term>,
    /// How many entries wait for a threshold.
    waits: usize,
    /// How many waits have begun.
    begun: u64,
    next: u64,
}

impl Tasks {
    fn add(&mut self, purpose: Purpose, state: State) -> TaskId {
        let id = TaskId(self.next);
        self.next += 1;
        self.entries.insert(id, Entry { purpose, state });
        id
    }

    /// A new task, last in the queue.
    pub(super) fn spawn(&mut self, purpose: Purpose, task: Task) -> TaskId {
        let id = self.add(purpose, State::Ready(task));
        self.ready.push_back(id);
        id
    }

    /// A new task, last in the queue, that begins by waiting for a threshold.
    pub(super) fn spawn_waiting(&mut self, wait: Wait) {
        let id = self.add(Purpose::Thread, State::Starting(wait));
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
        self.waiting.entry(wait.variable).or_default().push(id);
        self.entries.insert(id, Entry { purpose, state: State::Waiting(wait) });
    }

    /// The task sleeps until `due` (milliseconds), then goes on with `value`.
    pub(super) fn sleep(&mut self, id: TaskId, purpose: Purpose, task: Task, due: u64, value: Term) {
        self.sleeping.insert((due, id), value);
        self.pause(id, purpose, task);
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

    /// When the next sleeper is due.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.sleeping.keys().next().map(|(due, _)| *due)
    }

    /// The tasks that wait for `variable`, in the order in which they began to.
    pub(super) fn waiters(&self, variable: VariableId) -> Vec<TaskId> {
        self.waiting.get(&variable).cloned().unwrap_or_default()
    }

    /// Since when a task waits, and what for.
    pub(super) fn threshold(&self, id: TaskId) -> Option<(u64, &Threshold)> {
        match self.entries.get(&id)?.state {
            State::Waiting(ref wait) => Some((wait.since, &wait.threshold)),
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
        if let Some(waiters) = self.waiting.get_mut(&wait.variable) {
            waiters.retain(|waiter| *waiter != id);
            if waiters.is_empty() {
                self.waiting.remove(&wait.variable);
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

    /// Ends all tasks that were typed; says whether there was one.
    pub(super) fn cancel_prompt(&mut self) -> bool {
        let typed: Vec<TaskId> =
            self.entries.iter().filter(|(_, entry)| entry.purpose == Purpose::Prompt).map(|(id, _)| *id).collect();
        for id in &typed {
            if self.release(*id).is_none() {
                self.entries.remove(id);
                self.ready.retain(|ready| ready != id);
                self.sleeping.retain(|(_, sleeper), _| sleeper != id);
            }
        }
        !typed.is_empty()
    }
}
