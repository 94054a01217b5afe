//! Runs programs on a bare machine, without a node: verbs are failures.

use lasp::compile::Session;
use lasp::value::term::Term;
use lasp::vm::Failure;
use lasp::vm::Machine;
use lasp::vm::Outcome;

/// Fuel that no test should use up.
const FUEL: u64 = 100_000_000;

#[allow(dead_code, reason = "not every test needs it")]
/// A machine that has loaded the library, and the program's run so far.
pub(crate) struct Run {
    pub machine: Machine,
    pub session: Session,
    pub outcome: Result<Term, Failure>,
}

/// Runs a program. Panics when it does not compile, and tells why.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn run(text: &str) -> Run {
    let (mut session, library) = Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let (unit, _) = session.program("test.lasp", text).unwrap_or_else(|said| panic!("{text}: {said:#?}"));
    let forms = machine.load(&unit).forms;
    let mut task = machine.top_level(&forms);
    let mut fuel = FUEL;
    let outcome = match machine.run(&mut task, &mut fuel) {
        Outcome::Done(value) => Ok(value),
        Outcome::Failed(failure) => Err(failure),
        Outcome::Verb(request) => panic!("{text}: {request:?}"),
        Outcome::OutOfFuel => panic!("{text}: out of fuel"),
    };
    Run { machine, session, outcome }
}

/// What a program's last form gives, as text; the code where it fails, or the codes where it does not compile.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn evaluate(text: &str) -> String {
    let text = if text.ends_with('.') { text.to_string() } else { format!("{text}.") };
    let (mut session, library) = Session::new();
    let mut machine = Machine::new();
    machine.load(&library);
    let unit = match session.program("test.lasp", &text) {
        Ok((unit, _)) => unit,
        Err(said) => {
            return said.iter().map(|d| format!("{}: {}", d.code, d.title)).collect::<Vec<_>>().join("; ");
        }
    };
    let forms = machine.load(&unit).forms;
    let mut task = machine.top_level(&forms);
    let mut fuel = FUEL;
    match machine.run(&mut task, &mut fuel) {
        Outcome::Done(value) => value.to_string(),
        Outcome::Failed(failure) => failure.code().into(),
        Outcome::Verb(request) => format!("{request:?}"),
        Outcome::OutOfFuel => "out of fuel".into(),
    }
}

/// Evaluates many expressions; the library is compiled once.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) struct Evaluator {
    machine: Machine,
    session: Session,
}

#[allow(dead_code, reason = "not every test needs it")]
impl Evaluator {
    pub(crate) fn new() -> Evaluator {
        let (session, library) = Session::new();
        let mut machine = Machine::new();
        machine.load(&library);
        Evaluator { machine, session }
    }

    /// What an expression without names of its own gives, as [`evaluate`] tells it.
    pub(crate) fn evaluate(&mut self, text: &str) -> String {
        self.value(text).map_or_else(|told| told, |value| value.to_string())
    }

    /// The value of an expression without names of its own, or what is told.
    pub(crate) fn value(&mut self, text: &str) -> Result<Term, String> {
        let told = |said: Vec<lasp::source::diagnostic::Diagnostic>| {
            said.iter().map(|d| format!("{}: {}", d.code, d.title)).collect::<Vec<_>>().join("; ")
        };
        let unit = self.session.expression("test", text).map_err(told)?;
        let forms = self.machine.load(&unit).forms;
        let task = self.machine.top_level(&forms);
        self.finish(task)
    }

    /// What a function gives, or what is told.
    pub(crate) fn call(&mut self, function: &Term, arguments: Vec<Term>) -> Result<Term, String> {
        let task = self.machine.task(function, arguments);
        self.finish(task)
    }

    fn finish(&mut self, mut task: lasp::vm::Task) -> Result<Term, String> {
        let mut fuel = FUEL;
        match self.machine.run(&mut task, &mut fuel) {
            Outcome::Done(value) => Ok(value),
            Outcome::Failed(failure) => Err(failure.code().into()),
            Outcome::Verb(request) => Err(format!("{request:?}")),
            Outcome::OutOfFuel => Err("out of fuel".into()),
        }
    }
}
