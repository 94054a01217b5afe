//! The machine: all code, the names of the top level, and the entry points.

use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use rustc_hash::FxHashMap;
use triomphe::Arc;

use crate::library::BUILTINS;
use crate::library::BuiltinId;
use crate::source::span::Span;
use crate::value::term::Closure;
use crate::value::term::Term;
use crate::vm::CALL_FRAMES_MAX;
use crate::vm::CALL_STEPS_MAX;
use crate::vm::code::Code;
use crate::vm::code::Equality;
use crate::vm::code::Link;
use crate::vm::code::Op;
use crate::vm::code::Unit;
use crate::vm::fault::Failure;
use crate::vm::fault::Fault;
use crate::vm::native;
use crate::vm::native::Native;
use crate::vm::native::Refusal;
use crate::vm::run;
use crate::vm::run::Exit;
use crate::vm::run::Frame;
use crate::vm::run::Stack;
use crate::vm::task::OpenCall;
use crate::vm::task::Outcome;
use crate::vm::task::Request;
use crate::vm::task::Returned;
use crate::vm::task::State;
use crate::vm::task::Task;
use crate::vm::write_copy;

/// A statement form of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormId(u32);

/// What [`Machine::load`] added.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The statement forms, in order.
    pub forms: Vec<FormId>,
}

/// Code and globals. Deterministic; does nothing but compute. A copy has the same code, which is shared until more is loaded
/// into one of the two, and globals of its own.
#[derive(Clone)]
pub struct Machine {
    pub(super) program: Arc<Program>,
    pub(super) globals: Vec<Option<Term>>,
    /// The stack of pure calls, kept so that a call allocates nothing.
    scratch: Stack,
    /// How many more steps all pure calls together may take: without end, except in the simulator.
    pure_steps_left: u64,
}

/// All code. Does not change while anything runs.
#[derive(Clone)]
pub(super) struct Program {
    codes: Vec<Code>,
    /// The links of each code, resolved.
    links: Vec<Vec<u32>>,
    /// From the number in the whole program to the index in `codes`.
    functions: Vec<u32>,
    /// The names of the globals.
    names: Vec<String>,
    digests: Vec<OnceLock<u128>>,
    /// For functions from elsewhere: by digest and arity. Made when the first comes.
    by_digest: DigestTable,
    natives: &'static [Option<Native>],
}

#[derive(Default)]
struct ByDigest {
    known: usize,
    codes: FxHashMap<u128, u32>,
}

/// Behind a lock, since nodes on several threads may share the code. A copy makes its own when it needs one.
#[derive(Default)]
struct DigestTable(Mutex<ByDigest>);

impl Clone for DigestTable {
    fn clone(&self) -> DigestTable {
        DigestTable::default()
    }
}

/// The implementations of built-ins, looked up once.
static NATIVES: LazyLock<Vec<Option<Native>>> = LazyLock::new(|| BUILTINS.iter().map(native::find).collect());

/// The code that stands for functions that do not exist, which the checker does not let through.
const MISSING: u32 = 0;

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}

impl Machine {
    /// A machine without code.
    #[must_use]
    pub fn new() -> Machine {
        let missing = Code {
            name: "a function that does not exist".into(),
            registers: 1,
            ops: vec![Op::NoClause],
            spans: vec![Span::default()],
            ..Code::default()
        };
        let program = Program {
            codes: vec![missing],
            links: vec![Vec::new()],
            functions: Vec::new(),
            names: Vec::new(),
            digests: vec![OnceLock::new()],
            by_digest: DigestTable::default(),
            natives: &NATIVES,
        };
        Machine {
            program: Arc::new(program),
            globals: Vec::new(),
            scratch: Stack::default(),
            pure_steps_left: u64::MAX,
        }
    }

    /// Appends the code of a unit. Units are loaded in the order in which they were compiled.
    pub fn load(&mut self, unit: &Unit) -> Loaded {
        let program = Arc::make_mut(&mut self.program);
        let offset = index(program.codes.len());
        for (number, code) in &unit.functions {
            let number = *number as usize;
            if program.functions.len() <= number {
                program.functions.resize(number + 1, MISSING);
            }
            program.functions[number] = offset + code;
        }
        for code in &unit.codes {
            let resolve = |link: &Link| match link {
                Link::Named(number) => program.functions.get(*number as usize).copied().unwrap_or(MISSING),
                Link::Local(local) => offset + local,
            };
            let links: Vec<u32> = code.links.iter().map(resolve).collect();
            let mut code = code.clone();
            for op in &mut code.ops {
                if let Op::Call { function, .. } | Op::TailCall { function, .. } | Op::Closure { function, .. } = op {
                    *function = links.get(*function as usize).copied().unwrap_or(MISSING);
                }
            }
            if let Some(equality) = &mut code.equality {
                equality.left += offset;
                equality.right += offset;
            }
            program.codes.push(code);
            program.links.push(links);
            program.digests.push(OnceLock::new());
        }
        if unit.globals.len() > program.names.len() {
            program.names.clone_from(&unit.globals);
            self.globals.resize(unit.globals.len(), None);
        }
        Loaded { forms: unit.forms.iter().map(|form| FormId(offset + form)).collect() }
    }

    /// One task that runs these forms in order; its value is the last one's.
    #[must_use]
    pub fn top_level(&self, forms: &[FormId]) -> Task {
        Task {
            stack: Stack::default(),
            at: Frame::default(),
            forms: forms.iter().map(|form| form.0).collect(),
            state: State::Between(Term::atom("ok")),
            calls: Vec::new(),
        }
    }

    /// A task that calls a function. What is wrong with the call is the task's failure.
    #[must_use]
    pub fn task(&self, function: &Term, arguments: Vec<Term>) -> Task {
        let mut task = Task {
            stack: Stack::default(),
            at: Frame::default(),
            forms: [].into(),
            state: State::Running,
            calls: Vec::new(),
        };
        match self.program.resolve(function, arguments.len()) {
            Ok(code) => {
                task.at.code = code;
                task.stack.reserve(usize::from(self.program.code(code).registers));
                for (slot, argument) in task.stack.registers.iter_mut().zip(arguments) {
                    *slot = argument;
                }
                run::hand_over(&self.program, &mut task.stack, task.at, function.clone());
            }
            Err(fault) => task.state = State::Broken(*fault),
        }
        task
    }

    /// Answers the verb that the task waits at by a call of `function` in the same task. When the function returns, the verb
    /// is asked again, with [`Request::returned`] and no arguments. Only for verbs that [call](crate::library::Verb::calls).
    ///
    /// What is wrong with the call is the task's failure, at the verb's place.
    pub fn call_in(&self, task: &mut Task, function: &Term, arguments: Vec<Term>, kept: Vec<Term>) {
        if !matches!(task.state, State::Waiting(_)) {
            return;
        }
        if let Err(fault) = self.open_call(task, function, arguments, kept) {
            task.state = State::Broken(*fault);
        }
    }

    fn open_call(
        &self,
        task: &mut Task,
        function: &Term,
        arguments: Vec<Term>,
        kept: Vec<Term>,
    ) -> Result<(), Box<Fault>> {
        let code = self.program.resolve(function, arguments.len())?;
        let caller = self.program.code(task.at.code);
        let Some(Op::Verb { at: first, index, .. }) = caller.ops.get((task.at.pc as usize).saturating_sub(1)) else {
            return Ok(());
        };
        let Some(site) = caller.verbs.get(usize::from(*index)) else { return Ok(()) };
        let base = task.at.base + u32::from(*first);
        let depth = task.stack.callers.len();
        let room = task.stack.reserve(base as usize + usize::from(self.program.code(code).registers));
        if depth >= run::TASK_FRAMES || !room {
            return Err(Box::new(Fault::CallsTooDeep));
        }
        // The caller goes on at the verb itself.
        task.stack.callers.push(Frame { pc: task.at.pc - 1, ..task.at });
        task.calls.push(OpenCall { verb: site.verb, kept, depth });
        task.at = Frame { code, pc: 0, base };
        for (slot, argument) in task.stack.registers.iter_mut().skip(base as usize).zip(arguments) {
            *slot = argument;
        }
        run::hand_over(&self.program, &mut task.stack, task.at, function.clone());
        task.state = State::Running;
        Ok(())
    }

    /// Runs a task until it ends, asks for something, or has used up `fuel`: one unit for each call and each round of a
    /// loop. An ended task gives `ok`.
    pub fn run(&mut self, task: &mut Task, fuel: &mut u64) -> Outcome {
        loop {
            match std::mem::replace(&mut task.state, State::Running) {
                State::Between(value) => {
                    let Some(form) = task.forms.pop_front() else {
                        task.state = State::Ended;
                        return Outcome::Done(value);
                    };
                    task.at = Frame { code: form, pc: 0, base: 0 };
                    task.stack.reserve(usize::from(self.program.code(form).registers));
                }
                State::Waiting(register) => {
                    // Nobody answered: as good as a step without effect.
                    task.state = State::Waiting(register);
                    return Outcome::OutOfFuel;
                }
                State::Broken(fault) => {
                    task.state = State::Ended;
                    let failure = run::failure(&self.program, &task.stack, task.at, fault);
                    task.stack.clear();
                    return Outcome::Failed(failure);
                }
                State::Ended => {
                    task.state = State::Ended;
                    return Outcome::Done(Term::atom("ok"));
                }
                State::Running => {}
            }
            let exit =
                run::execute(&self.program, &mut self.globals, &mut task.stack, &mut task.at, fuel, run::TASK_FRAMES);
            match exit {
                Exit::Int(value) => task.state = State::Between(Term::Int(value)),
                Exit::Done(value) => task.state = State::Between(value),
                Exit::Verb(mut request, register) => {
                    task.state = State::Waiting(register);
                    let depth = task.stack.callers.len();
                    if let Some(call) = task.calls.pop_if(|call| call.depth == depth) {
                        // The function's value lies where the verb's first argument did.
                        let value = std::mem::take(&mut request.arguments).into_iter().next().unwrap_or(Term::Nil);
                        request.returned = Some(Returned { value, kept: call.kept });
                    }
                    return Outcome::Verb(*request);
                }
                Exit::Failed(failure) => {
                    task.state = State::Ended;
                    return Outcome::Failed(failure);
                }
                Exit::OutOfFuel => return Outcome::OutOfFuel,
            }
        }
    }

    /// Where a task is that can go on: what the program's own text does there.
    #[must_use]
    pub fn place_of(&self, task: &Task) -> Option<Span> {
        run::place(&self.program, &task.stack, task.at)
    }

    /// Calls a pure function, within the budget of [`CALL_STEPS_MAX`] and [`CALL_FRAMES_MAX`].
    ///
    /// # Errors
    /// When the function fails, calls a verb, exceeds the budget, or is not a function of so many arguments.
    pub fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, Failure> {
        let program = &*self.program;
        let code = match program.resolve(function, arguments.len()) {
            Ok(code) => code,
            Err(fault) => return Err(Failure::new(*fault, Span::default(), String::new())),
        };
        let stack = &mut self.scratch;
        let mut at = Frame { code, pc: 0, base: 0 };
        stack.reserve(usize::from(program.code(code).registers));
        for (slot, argument) in stack.registers.iter_mut().zip(arguments) {
            write_copy(slot, argument);
        }
        if let Term::Fun(closure) = function
            && (!closure.captured.is_empty() || program.code(code).itself)
        {
            run::hand_over(program, stack, at, function.clone());
        }
        let whole = CALL_STEPS_MAX.min(self.pure_steps_left);
        let mut fuel = whole;
        let exit = run::execute(program, &mut self.globals, stack, &mut at, &mut fuel, CALL_FRAMES_MAX);
        self.pure_steps_left -= whole - fuel;
        let fault = match exit {
            Exit::Int(value) => return Ok(Term::Int(value)),
            Exit::Done(value) => return Ok(value),
            Exit::Failed(failure) => return Err(failure),
            Exit::OutOfFuel => {
                at.pc += 1;
                Fault::Budget
            }
            Exit::Verb(request, _) => Fault::Impure(verb_title(program, at, &request)),
        };
        let failure = run::failure(program, stack, at, fault);
        stack.clear();
        Err(failure)
    }

    /// From now on all pure calls together may take so many steps; what is beyond fails as a call that takes too many.
    pub fn limit_pure_steps(&mut self, steps: u64) {
        self.pure_steps_left = steps;
    }

    /// How many steps pure calls may still take.
    #[must_use]
    pub fn pure_steps_left(&self) -> u64 {
        self.pure_steps_left
    }

    /// The functions of the two sides' keys, where a function of a pair tests them for equality; see [`Equality`].
    #[must_use]
    pub fn equality(&self, function: &Term) -> Option<(Term, Term, Equality)> {
        let Term::Fun(closure) = function else { return None };
        let equality = self.program.code(self.program.code_of(closure)?).equality?;
        let key = |code: u32| {
            let digest = self.program.digest(code);
            Term::Fun(Arc::new(Closure { code, arity: 1, digest, captured: closure.captured.clone() }))
        };
        Some((key(equality.left), key(equality.right), equality))
    }

    /// The value of a name of the top level, once it is bound.
    #[must_use]
    pub fn global(&self, id: u32) -> Option<&Term> {
        self.globals.get(id as usize)?.as_ref()
    }
}

fn verb_title(program: &Program, at: Frame, request: &Request) -> String {
    let code = program.code(at.code);
    let site = match code.ops.get((at.pc as usize).saturating_sub(1)) {
        Some(Op::Verb { index, .. }) => code.verbs.get(usize::from(*index)),
        _ => None,
    };
    site.map_or_else(|| format!("{:?}", request.verb), |site| site.builtin.row().title())
}

/// Code stays far below 2^32 functions.
fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl Program {
    #[inline]
    pub(super) fn code(&self, index: u32) -> &Code {
        self.codes.get(index as usize).unwrap_or(&self.codes[MISSING as usize])
    }

    pub(super) fn links(&self, code: u32) -> &[u32] {
        self.links.get(code as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) fn global_name(&self, index: u32) -> String {
        self.names.get(index as usize).cloned().unwrap_or_default()
    }

    /// The static digest of a function, computed once.
    pub(super) fn digest(&self, code: u32) -> u128 {
        match self.digests.get(code as usize) {
            Some(cell) => *cell.get_or_init(|| self.compute_digest(code)),
            None => 0,
        }
    }

    /// The code of a function value that is called with so many arguments.
    #[inline]
    pub(super) fn resolve(&self, function: &Term, given: usize) -> Result<u32, Box<Fault>> {
        let Term::Fun(closure) = function else { return Err(Box::new(Fault::NotFunction(function.clone()))) };
        if usize::from(closure.arity) != given {
            return Err(Box::new(Fault::Arity { function: function.clone(), arity: closure.arity, given }));
        }
        self.code_of(closure).ok_or_else(|| Box::new(Fault::UnknownFunction(function.clone())))
    }

    #[inline]
    pub(super) fn code_of(&self, closure: &Closure) -> Option<u32> {
        let index = if closure.code == Closure::UNRESOLVED { self.by_digest(closure.digest)? } else { closure.code };
        let code = self.codes.get(index as usize)?;
        (code.arity == closure.arity && usize::from(code.captures) == closure.captured.len()).then_some(index)
    }

    fn by_digest(&self, digest: u128) -> Option<u32> {
        let mut table = self.by_digest.0.lock().unwrap_or_else(PoisonError::into_inner);
        while table.known < self.codes.len() {
            let code = index(table.known);
            table.codes.entry(self.digest(code)).or_insert(code);
            table.known += 1;
        }
        table.codes.get(&digest).copied()
    }

    /// Calls a built-in, and takes the fuel that it needs.
    pub(super) fn native(&self, builtin: BuiltinId, arguments: &[Term], fuel: &mut u64) -> Result<Term, Box<Fault>> {
        let Some(Some(native)) = self.natives.get(usize::from(builtin.0)) else {
            return Err(Box::new(Fault::Impure(builtin.row().title())));
        };
        native.call(arguments, fuel).map_err(|refusal| match refusal {
            Refusal::Fault(fault) => fault,
            Refusal::Why(why) => {
                Box::new(Fault::Argument { builtin: builtin.row().title(), arguments: arguments.to_vec(), why })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::vm::Machine;
    use crate::vm::Task;

    #[test]
    fn machines_and_tasks_may_move_between_threads() {
        fn movable<T: Send>() {}
        movable::<Machine>();
        movable::<Task>();
    }
}
