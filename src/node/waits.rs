//! Waiting for variables: who waits for what, who is needed, and who goes on.
//!
//! A task that waits at a threshold makes the variable needed there and below: that is what `wait_needed` waits for. What feeds a
//! variable that is read is needed with it, though nobody can say up to where: that ends a `wait_needed` without a threshold.

use std::collections::BTreeSet;

use crate::graph::VariableId;
use crate::library::Verb;
use crate::node::Node;
use crate::node::tasks::Awaited;
use crate::node::tasks::Purpose;
use crate::node::tasks::Resumption;
use crate::node::tasks::TaskId;
use crate::node::tasks::Then;
use crate::node::tasks::Wait;
use crate::node::transaction::Held;
use crate::node::verbs::Answer;
use crate::node::verbs::Refusal;
use crate::node::verbs::unusable;
use crate::value::term::Term;

impl Node {
    pub(super) fn waiting_verb(&mut self, verb: Verb, arguments: &[Term]) -> Result<Answer, Refusal> {
        match (verb, arguments) {
            (Verb::ReadAny, [alternatives]) => self.read_any(alternatives),
            (Verb::WaitNeeded, [target, rest @ ..]) => self.wait_needed(target, rest.first()),
            (_, [target, rest @ ..]) => {
                let awaited = self.awaited(target, rest.first())?;
                Ok(self.go_on_or_wait(vec![awaited], Resumption::Value))
            }
            _ => Err(Refusal::new("E0391", "`read` takes a variable")),
        }
    }

    fn read_any(&mut self, alternatives: &Term) -> Result<Answer, Refusal> {
        let expected = "a list of pairs `{Variable, Threshold}`";
        let Some(list) = alternatives.to_vec() else { return Err(unusable("read_any", expected, alternatives)) };
        if list.is_empty() {
            return Err(Refusal::new("E0373", "`read_any` is given nothing to wait for")
                .help("it would wait for ever: give it at least one pair `{Variable, Threshold}`"));
        }
        let mut any = Vec::with_capacity(list.len());
        for alternative in list {
            match alternative.as_tuple() {
                Some([target, threshold]) => any.push(self.awaited(target, Some(threshold))?),
                _ => return Err(unusable("read_any", expected, &alternative)),
            }
        }
        Ok(self.go_on_or_wait(any, Resumption::Pair))
    }

    fn go_on_or_wait(&mut self, any: Vec<Awaited>, goes_on: Resumption) -> Answer {
        match self.first_met(&any) {
            Some(variable) => {
                // Who reads what is there has asked for it all the same. The awaited expression asks for nothing.
                match &mut self.transaction {
                    _ if self.looking || goes_on == Resumption::Variable => {}
                    Some(open) => open.hold(Held::Read(any)),
                    None => self.wake_needed(&any),
                }
                Answer::Value(self.answer_to(variable, goes_on))
            }
            None => Answer::Wait { any, goes_on },
        }
    }

    fn wait_needed(&mut self, target: &Term, threshold: Option<&Term>) -> Result<Answer, Refusal> {
        let awaited = self.awaited(target, threshold)?;
        if self.is_needed(&awaited) {
            return Ok(Answer::Value(target.clone()));
        }
        Ok(self.go_on_or_wait(vec![awaited], Resumption::Variable))
    }

    /// Whether a task waits for the variable, or for what it feeds.
    fn is_needed(&self, awaited: &Awaited) -> bool {
        let read = |variable: VariableId, needs: &dyn Fn(&Wait) -> bool| {
            let mut waits = self.tasks.waiters(variable).into_iter().filter_map(|waiter| self.tasks.waiting(waiter));
            waits.any(|wait| !wait.is_lazy() && needs(wait))
        };
        if read(awaited.variable, &|wait| wait.needs(awaited)) {
            return true;
        }
        let graph = self.engine.graph();
        let (mut met, mut left) = (BTreeSet::from([awaited.variable]), vec![awaited.variable]);
        while let Some(next) = left.pop().filter(|_| awaited.written.is_none()) {
            for (derivation, _) in graph.readers(next) {
                let fed = graph.derivation(*derivation).destination;
                if met.insert(fed) {
                    if read(fed, &|_| true) {
                        return true;
                    }
                    left.push(fed);
                }
            }
        }
        false
    }

    /// The variable of the first alternative that is met.
    pub(super) fn first_met(&self, any: &[Awaited]) -> Option<VariableId> {
        let met = any.iter().find(|awaited| self.engine.meets(awaited.variable, &awaited.threshold));
        met.map(|awaited| awaited.variable)
    }

    fn answer_to(&mut self, variable: VariableId, goes_on: Resumption) -> Term {
        let reference = || Term::Ref(self.engine.reference(variable).clone());
        match goes_on {
            Resumption::Value => self.engine.value(variable),
            Resumption::Variable => reference(),
            Resumption::Pair => Term::pair(reference(), self.engine.value(variable)),
        }
    }

    /// The task begins to wait. Whoever waits for that goes on.
    pub(super) fn wait(&mut self, id: TaskId, purpose: Purpose, wait: Wait) {
        self.stale();
        if !wait.is_lazy() {
            self.wake_needed(&wait.any);
        }
        self.tasks.wait(id, purpose, wait);
    }

    /// Tasks in `wait_needed` go on when something is read that asks for what they wait to be asked for.
    pub(super) fn wake_needed(&mut self, reads: &[Awaited]) {
        let mut needed = Vec::new();
        for read in reads {
            needed.extend(self.tasks.waiters(read.variable).into_iter().filter_map(|waiter| {
                let wait = self.tasks.waiting(waiter).filter(|wait| wait.is_lazy())?;
                wait.any.iter().any(|awaited| read.asks_for(awaited)).then_some((wait.since, waiter, read.variable))
            }));
            needed.extend(self.needed_with(read.variable));
        }
        self.go_on_in_order(needed);
    }

    /// Tasks in `wait_needed` for what feeds a variable, directly or not.
    fn needed_with(&self, variable: VariableId) -> Vec<(u64, TaskId, VariableId)> {
        let mut needed = Vec::new();
        if !self.tasks.any_lazy() {
            return needed;
        }
        let (mut met, mut left) = (BTreeSet::from([variable]), vec![variable]);
        while let Some(next) = left.pop() {
            for source in self.sources(next).into_iter().filter(|source| met.insert(*source)) {
                left.push(source);
                needed.extend(self.tasks.waiters(source).into_iter().filter_map(|waiter| {
                    let wait = self.tasks.waiting(waiter).filter(|wait| wait.is_lazy())?;
                    let anyhow = wait.any.iter().all(|awaited| awaited.written.is_none());
                    anyhow.then_some((wait.since, waiter, source))
                }));
            }
        }
        needed
    }

    /// A derivation has been made: who waits for what feeds it to be needed goes on if its destination is waited for.
    pub(super) fn wake_fed(&mut self, destination: VariableId) {
        if !self.tasks.any_lazy() {
            return;
        }
        let mut needed = self.needed_with(destination);
        needed.retain(|(_, waiter, _)| {
            let wait = self.tasks.waiting(*waiter);
            wait.is_some_and(|wait| wait.any.iter().any(|awaited| self.is_needed(awaited)))
        });
        self.go_on_in_order(needed);
    }

    /// Those of the tasks that wait for the changed variables whose waits are over go on, who has waited longest first.
    pub(super) fn wake_waiters(&mut self, changed: &[VariableId]) {
        let mut waiters: Vec<TaskId> = changed.iter().flat_map(|variable| self.tasks.waiters(*variable)).collect();
        waiters.sort_unstable();
        waiters.dedup();
        let met = waiters.into_iter().filter_map(|waiter| {
            let wait = self.tasks.waiting(waiter)?;
            Some((wait.since, waiter, self.first_met(&wait.any)?))
        });
        let met = met.collect();
        self.go_on_in_order(met);
    }

    /// Tasks whose waits are over, each with since when it has waited and the variable that ends it.
    fn go_on_in_order(&mut self, mut over: Vec<(u64, TaskId, VariableId)>) {
        over.sort_unstable();
        over.dedup();
        for (_, waiter, variable) in over {
            self.go_on(waiter, variable);
        }
    }

    fn go_on(&mut self, waiter: TaskId, variable: VariableId) {
        let Some((purpose, wait)) = self.tasks.release(waiter) else { return };
        self.saw_met(wait.span, variable);
        match wait.then {
            Then::Resume(mut task, goes_on) => {
                task.resume(self.answer_to(variable, goes_on));
                self.tasks.ready(waiter, purpose, *task);
            }
            Then::Call(function) => {
                let task = self.machine.task(&function, Vec::new());
                self.tasks.spawn_after(waiter, purpose, task);
            }
            Then::Enforce(key) => self.enforce(key),
        }
    }
}
