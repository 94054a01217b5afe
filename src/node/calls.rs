//! Verbs that call functions: in tasks of their own (`thread`, `invariant`, `stream`, `every`), or in the task that asks
//! (`once`, `each_line`, `atomically`), which goes on when the function returns.

use crate::library::Verb;
use crate::node::Node;
use crate::node::data::Format;
use crate::node::tasks::Every;
use crate::node::tasks::Then;
use crate::node::tasks::Wait;
use crate::node::transaction::Held;
use crate::node::verbs::Answer;
use crate::node::verbs::Refusal;
use crate::node::verbs::check_function;
use crate::node::verbs::ok;
use crate::node::verbs::unusable;
use crate::source::span::Span;
use crate::value::term::Term;
use crate::vm::Failure;
use crate::vm::OpenCall;
use crate::vm::Returned;
use crate::vm::Task;

impl Node {
    /// Verbs that start tasks: at once, or when the transaction that they are called in is done.
    pub(super) fn starting_verb(&mut self, verb: Verb, arguments: &[Term], span: Span) -> Result<Term, Refusal> {
        let held = match (verb, arguments) {
            (Verb::Thread, [function]) => {
                check_function("thread", function, 0)?;
                Held::Thread(function.clone())
            }
            (Verb::Invariant, [target, threshold, function]) => {
                check_function("invariant", function, 0)?;
                let any = vec![self.awaited(target, Some(threshold))?];
                Held::Wait(Wait { any, span, then: Then::Call(function.clone()), since: 0 })
            }
            (Verb::EnforceOnce, [target, threshold, function]) => {
                let then = Then::Enforce(self.effect(target, threshold, function, span)?);
                let any = vec![self.awaited(target, Some(threshold))?];
                Held::Wait(Wait { any, span, then, since: 0 })
            }
            (Verb::Stream, [target, function]) => {
                check_function("stream", function, 1)?;
                let variable = self.variable_of(target)?;
                Held::Stream { variable, function: function.clone(), value: self.engine.value(variable) }
            }
            (Verb::Every, [Term::Int(milliseconds @ 1..), function]) => {
                check_function("every", function, 0)?;
                Held::Every(Every { milliseconds: milliseconds.cast_unsigned(), function: function.clone() })
            }
            (Verb::Every, [other, _]) => {
                return Err(unusable("every", "milliseconds: an integer of at least 1", other));
            }
            (verb, _) => return Err(Refusal::new("E0391", format!("`{verb:?}` does not take these arguments"))),
        };
        match &mut self.transaction {
            Some(open) => open.hold(held),
            None => self.start(held),
        }
        Ok(ok())
    }

    /// Does what had to wait for the end of a transaction, or did not.
    pub(super) fn start(&mut self, held: Held) {
        match held {
            Held::Output(output) => self.outputs.push_back(output),
            Held::Thread(function) => {
                let task = self.machine.task(&function, Vec::new());
                self.tasks.spawn(crate::node::tasks::Purpose::Thread, task);
            }
            Held::Wait(wait) => {
                let topic = wait.any.first().map_or_else(Default::default, |awaited| self.topic_of(awaited.variable));
                self.tasks.spawn_waiting(topic, wait);
            }
            Held::Read(any) => self.wake_needed(&any),
            Held::Stream { variable, function, .. } => self.streams.entry(variable).or_default().push(function),
            Held::Every(every) => self.repeat(every),
        }
    }

    /// Calls the function of an `every` after its time.
    pub(super) fn repeat(&mut self, every: Every) {
        let task = self.machine.task(&every.function, Vec::new());
        let due = self.now_ms.saturating_add(every.milliseconds);
        self.tasks.spawn_every(task, due, every);
    }

    /// Verbs that call a function in the task that asks.
    pub(super) fn calling_verb(&mut self, verb: Verb, arguments: &[Term]) -> Result<Answer, Refusal> {
        match (verb, arguments) {
            (Verb::Once, [key, function]) => {
                check_function("once", function, 0)?;
                if !self.done_once.insert(key.clone()) {
                    return Ok(Answer::Value(ok()));
                }
                if let Some(open) = &mut self.transaction {
                    open.once.push(key.clone());
                }
                Ok(Answer::Call { function: function.clone(), arguments: Vec::new(), kept: vec![key.clone()] })
            }
            (Verb::Atomically, [function]) => {
                check_function("atomically", function, 0)?;
                self.begin();
                Ok(Answer::Call { function: function.clone(), arguments: Vec::new(), kept: Vec::new() })
            }
            (Verb::EachLine, [path, function]) => {
                check_function("each_line", function, 1)?;
                Node::file("each_line", path, Format::Lines(function.clone()))
            }
            (verb, _) => Err(Refusal::new("E0391", format!("`{verb:?}` does not take these arguments"))),
        }
    }

    /// The function that a verb called has returned.
    pub(super) fn go_on_after_call(&mut self, verb: Verb, returned: &Returned) -> Answer {
        match verb {
            Verb::Atomically => {
                self.commit();
                Answer::Value(returned.value.clone())
            }
            Verb::Once => {
                if let [key] = returned.kept.as_slice() {
                    match &mut self.transaction {
                        Some(open) => open.once_done.push(key.clone()),
                        None => self.note_once(key.clone()),
                    }
                }
                Answer::Value(ok())
            }
            Verb::EachLine => Lines::kept(&returned.kept).map_or_else(|| Answer::Value(ok()), Lines::next),
            _ => Answer::Value(ok()),
        }
    }

    /// A task ends before its verbs' calls have returned: what they had begun is taken back. Says what else there is to
    /// tell.
    pub(super) fn abandon(&mut self, task: &mut Task) -> Vec<String> {
        let mut said = Vec::new();
        for OpenCall { verb, kept, .. } in task.abandon() {
            match (verb, kept.as_slice()) {
                (Verb::Once, [key]) => {
                    self.done_once.remove(key);
                }
                (Verb::EachLine, _) => {
                    said.extend(Lines::kept(&kept).map(|lines| format!("this was line {} of the file", lines.number)));
                }
                _ => {}
            }
        }
        if self.transaction.is_some() {
            self.abort();
            said.push("it was in `atomically`, so none of its updates is made".to_owned());
        }
        said
    }

    /// What is told of a task that failed.
    pub(super) fn report_failure(&mut self, failure: &Failure, said: Vec<String>) {
        let mut diagnostic = failure.diagnostic();
        diagnostic.help.extend(said);
        self.report(diagnostic);
    }
}

/// Where `each_line` is: what the machine keeps while the function runs.
pub(super) struct Lines {
    function: Term,
    /// The whole file, of which the program only ever sees one line.
    text: Term,
    /// Where the next line begins.
    next: usize,
    /// The number of the line before, from 1.
    number: i64,
}

impl Lines {
    /// Before the first line.
    pub(super) fn new(function: Term, text: &str) -> Lines {
        Lines { function, text: Term::text(text), next: 0, number: 0 }
    }

    fn kept(kept: &[Term]) -> Option<Lines> {
        match kept {
            [function, text, Term::Int(next), Term::Int(number)] => {
                let next = usize::try_from(*next).ok()?;
                Some(Lines { function: function.clone(), text: text.clone(), next, number: *number })
            }
            _ => None,
        }
    }

    /// Calls the function with the next line, or ends.
    pub(super) fn next(self) -> Answer {
        let rest = self.text.as_text().and_then(|text| text.get(self.next..)).unwrap_or_default();
        if rest.is_empty() {
            return Answer::Value(ok());
        }
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let line = rest[..length].strip_suffix('\n').unwrap_or(&rest[..length]);
        let line = Term::text(line.strip_suffix('\r').unwrap_or(line));
        let next = i64::try_from(self.next + length).unwrap_or(i64::MAX);
        let kept = vec![self.function.clone(), self.text.clone(), Term::Int(next), Term::Int(self.number + 1)];
        Answer::Call { function: self.function, arguments: vec![line], kept }
    }
}
