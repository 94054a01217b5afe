//! Turns: running tasks, and testing the awaited expression between them.

use crate::node::Awaited;
use crate::node::Node;
use crate::node::Output;
use crate::node::Progress;
use crate::node::TopLevel;
use crate::node::Until;
use crate::node::data::Format;
use crate::node::tasks::Purpose;
use crate::node::tasks::TaskId;
use crate::node::tasks::Then;
use crate::node::tasks::Wait;
use crate::node::tasks::Work;
use crate::node::verbs::Answer;
use crate::node::verbs::brief;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::term::Term;
use crate::vm::Failure;
use crate::vm::Outcome;
use crate::vm::Task;
use crate::vm::machine::FormId;

/// How many changes and other things a turn may tell a watcher before they are taken from it.
const TOLD_AT_ONCE: usize = 64;
/// How many steps the awaited expression may take before the test counts as not yet true.
const UNTIL_FUEL: u64 = 100_000_000;

impl Node {
    /// Runs tasks until none can go on or `fuel` steps are used up.
    pub fn run(&mut self, now_ms: u64, mut fuel: u64) -> Progress {
        self.now_ms = self.now_ms.max(now_ms);
        if self.is_overworked() {
            return Progress::Busy;
        }
        if self.stands_still {
            fuel = 0;
        } else {
            self.tasks.wake_sleepers(self.now_ms);
            if fuel == 0 && self.running.is_some() {
                self.flush_within_turn();
                return Progress::Busy;
            }
        }
        while fuel > 0 {
            let Some((id, purpose, task)) = self.running.take().or_else(|| self.next_task()) else {
                break;
            };
            if let Some(unfinished) = self.turn(id, purpose, task, &mut fuel) {
                self.running = Some((id, purpose, unfinished));
                if !self.is_overworked() {
                    self.flush_within_turn();
                }
                return Progress::Busy;
            }
            self.settle_derivations();
            if self.transaction.is_none() {
                // A product that is built when it is first looked at tells then what it leaves out.
                self.report_element_failures();
            }
            self.test_until_if_cheap();
            self.take_in_waiting();
        }
        self.replica.flush(self.now_ms);
        self.after_replica();
        self.test_until();
        if self.tasks.any_ready() && !self.stands_still { Progress::Busy } else { Progress::Idle }
    }

    /// Whether a turn has begun and is not at its end: before that nothing is taken in that a program can see.
    #[must_use]
    pub fn is_in_turn(&self) -> bool {
        self.running.is_some()
    }

    /// Where the program is that goes on and on: the task whose turn it is, or the next that sleeps.
    #[must_use]
    pub fn goes_on_at(&self) -> Option<Span> {
        let task = self.running.as_ref().map(|(_, _, task)| task);
        self.machine.place_of(task.or_else(|| self.tasks.next_sleeper())?)
    }

    /// What is to be said of that place.
    #[must_use]
    pub fn goes_on_how(&self) -> &'static str {
        if self.is_overworked() { "what follows from this has too many elements" } else { "it is here, and goes on" }
    }

    /// What waits to be gathered with more goes out: the node is about to end.
    pub fn flush_all(&mut self) {
        self.replica.flush_all(self.now_ms);
        self.after_replica();
    }

    /// A turn may be long, even endless: what it has made so far goes out, and does not pile up here. What belongs together
    /// waits for its end.
    fn flush_within_turn(&mut self) {
        if self.transaction.is_none() {
            self.replica.flush(self.now_ms);
            self.after_replica();
        }
    }

    /// The next task that can go on. Those that begin by waiting are put to wait on the way, unless their threshold is met.
    pub(super) fn next_task(&mut self) -> Option<(TaskId, Purpose, Task)> {
        loop {
            let (id, purpose, work) = self.tasks.next_ready()?;
            match work {
                Work::Run(task) => return Some((id, purpose, task)),
                Work::Await(wait) => match &wait.then {
                    Then::Call(function) if let Some(variable) = self.first_met(&wait.any) => {
                        self.saw_met(wait.span, variable);
                        return Some((id, purpose, self.machine.task(function, Vec::new())));
                    }
                    Then::Enforce(key) if let Some(variable) = self.first_met(&wait.any) => {
                        self.saw_met(wait.span, variable);
                        self.enforce(*key);
                    }
                    _ => self.wait(id, purpose, wait),
                },
            }
        }
    }

    /// Runs one task until it waits, ends, or is out of fuel; in the last case it comes back.
    pub(super) fn turn(&mut self, id: TaskId, purpose: Purpose, task: Task, fuel: &mut u64) -> Option<Task> {
        self.tasks.enter(id);
        let unfinished = self.go_on_until(id, purpose, task, fuel);
        self.tasks.leave(id, unfinished.is_some());
        unfinished
    }

    fn go_on_until(&mut self, id: TaskId, purpose: Purpose, mut task: Task, fuel: &mut u64) -> Option<Task> {
        loop {
            let before = *fuel;
            match self.machine.run(&mut task, fuel) {
                Outcome::OutOfFuel => return Some(task),
                Outcome::Done(value) => {
                    if let Some(every) = self.tasks.repeated(id) {
                        self.repeat(every);
                    }
                    self.effect_ended(id, true);
                    self.ended(purpose, Some(value));
                    // An example is one task, as a program's top level is.
                    match self.next_step(purpose) {
                        Some(next) => task = next,
                        None => return None,
                    }
                }
                Outcome::Failed(failure) => {
                    let said = self.abandon(&mut task);
                    self.tasks.repeated(id);
                    self.failed(purpose, &failure, said);
                    self.effect_ended(id, false);
                    return None;
                }
                Outcome::Verb(request) => {
                    // A verb costs more than a step; charging for it keeps turns short in time as well.
                    *fuel = fuel.saturating_sub(100);
                    if !self.unnamed_changes.is_empty() {
                        self.tell_named_changes();
                    }
                    let answer = self.verb(&request);
                    if self.is_overworked() {
                        return Some(task);
                    }
                    self.did(&request, &answer);
                    if let Some(until) = &mut self.until {
                        until.earned = until.earned.saturating_add(before - *fuel);
                        self.test_until_if_cheap();
                    }
                    match answer {
                        Answer::Value(value) => {
                            self.saw(request.span, Some(request.verb), &value);
                            task.resume(value);
                            // Each is a whole value: they are not to pile up until the turn ends.
                            if self.settings.watch && self.outputs.len() >= TOLD_AT_ONCE {
                                return Some(task);
                            }
                        }
                        Answer::Refused(refusal) => task.fail(refusal.code, refusal.title, refusal.help),
                        Answer::Call { function, arguments, kept } => {
                            self.machine.call_in(&mut task, &function, arguments, kept);
                        }
                        Answer::Wait { any, goes_on } => {
                            let then = Then::Resume(Box::new(task), goes_on);
                            self.wait(id, purpose, Wait { any, span: request.span, then, since: 0 });
                            return None;
                        }
                        Answer::Sleep { due_ms, value } => {
                            self.tasks.sleep(id, purpose, task, due_ms, value);
                            return None;
                        }
                        Answer::File { path, format } => {
                            self.wait_for_file((id, purpose, task), path, format);
                            return None;
                        }
                    }
                }
            }
        }
    }

    /// A task goes on when a file has been read.
    fn wait_for_file(&mut self, (id, purpose, task): (TaskId, Purpose, Task), path: String, format: Format) {
        let request = self.requests;
        self.requests += 1;
        self.files_asked.insert(request, (id, format, path.clone()));
        self.outputs.push_back(Output::ReadFile { request, path });
        self.tasks.pause(id, purpose, task);
    }

    fn failed(&mut self, purpose: Purpose, failure: &Failure, said: Vec<String>) {
        self.tell_named_changes();
        self.report_failure(failure, said);
        self.came_apart |= purpose != Purpose::Thread;
        self.ended(purpose, None);
    }

    /// A task is over; without a value it failed, which was told.
    fn ended(&mut self, purpose: Purpose, value: Option<Term>) {
        self.stale();
        self.tell_named_changes();
        if purpose != Purpose::Thread {
            // No name will come for these any more.
            self.unnamed_changes.clear();
        }
        match purpose {
            Purpose::TopLevel => {
                self.top_level = if value.is_some() { TopLevel::Done } else { TopLevel::Failed };
            }
            Purpose::Prompt => {
                let current = value.as_ref().and_then(|value| self.current_value(value));
                if value.is_none() {
                    self.steps.clear();
                }
                self.outputs.push_back(Output::Evaluated { value, current });
            }
            Purpose::Thread => {}
        }
    }

    /// The value of a variable that a term refers to.
    fn current_value(&mut self, term: &Term) -> Option<Term> {
        let Term::Ref(reference) = term else { return None };
        let variable = self.engine.find(reference)?;
        Some(self.engine.value(variable))
    }

    /// Tests the awaited expression, when the top level has ended, waits or sleeps and something has changed since the last
    /// test.
    fn test_until(&mut self) {
        if self.until.as_ref().is_none_or(|until| until.state == Until::Met || !until.stale) {
            return;
        }
        let begun = self.until.as_ref().is_some_and(|until| until.begun);
        if !begun && self.top_level_now() == TopLevel::Running && !self.tasks.top_level_sleeps() {
            return;
        }
        let Some(until) = &mut self.until else { return };
        (until.stale, until.begun, until.earned) = (false, true, 0);
        let forms = until.form.clone();
        self.looking = true;
        let state = self.evaluate_until(&forms);
        self.looking = false;
        let Some(until) = &mut self.until else { return };
        let wrong = match &state {
            // A name that the top level has not come to is no mistake.
            Until::NotYet(Some(error)) if !until.told && error.code != "E0510" => Some(error.title.clone()),
            _ => None,
        };
        until.told |= wrong.is_some();
        (until.state, until.stale) = (state, false);
        if let Some(title) = wrong {
            let title = format!("the expression after --until is of no use so far: {title}");
            self.report(
                Diagnostic::warning("E0810", title).help("it is tested again after each change, until it is `true`"),
            );
        }
    }

    /// Tests it within a turn, after a single change, where that is no more work than the program itself has done since the last
    /// test: what looks at everything is not to be looked at with each element.
    fn test_until_if_cheap(&mut self) {
        let due = |until: &Awaited| until.begun && until.earned >= until.price;
        if self.transaction.is_none() && self.until.as_ref().is_some_and(due) {
            self.test_until();
        }
    }

    /// One test: an expression that would have to wait is not true yet.
    fn evaluate_until(&mut self, forms: &[FormId]) -> Until {
        let mut fuel = UNTIL_FUEL;
        let mut seen = 0;
        let state = self.evaluate_within(forms, &mut fuel, &mut seen);
        if let Some(until) = &mut self.until {
            until.price = UNTIL_FUEL - fuel + seen;
        }
        state
    }

    /// The same, with so much fuel. Counts what it has looked at.
    fn evaluate_within(&mut self, forms: &[FormId], fuel: &mut u64, seen: &mut u64) -> Until {
        let mut task = self.machine.top_level(forms);
        loop {
            match self.machine.run(&mut task, fuel) {
                Outcome::OutOfFuel => return Until::NotYet(None),
                Outcome::Done(value) if value.as_bool() == Some(true) => return Until::Met,
                Outcome::Done(value) => return Until::NotYet(neither(&value)),
                Outcome::Failed(failure) => return Until::NotYet(Some(failure.diagnostic())),
                Outcome::Verb(request) if !request.verb.looks() => {
                    let title = "the awaited expression only looks, and changes nothing".to_owned();
                    let help = "it is tested after every change: use `query` and what is made of values";
                    task.fail("E0372", title, vec![help.to_owned()]);
                }
                Outcome::Verb(request) => match self.verb(&request) {
                    Answer::Value(value) => {
                        *seen += u64::from(value.parts());
                        task.resume(value);
                    }
                    Answer::Refused(refusal) => task.fail(refusal.code, refusal.title, refusal.help),
                    // It is not true yet.
                    _ => return Until::NotYet(None),
                },
            }
        }
    }
}

/// What is wrong with a value that is to become `true`; what is not bound yet may still.
fn neither(value: &Term) -> Option<Diagnostic> {
    let told = value.as_bool().is_none() && value.as_atom() != Some("undefined");
    told.then(|| Diagnostic::error("E0810", format!("it gives {}, which is neither true nor false", brief(value))))
}
