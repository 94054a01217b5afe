//! A test on one node: in virtual time, so that nothing has to be waited for, and with so many steps at most.

use crate::cli::program::Program;
use crate::cli::test::Compiled;
use crate::cli::test::judge::Given;
use crate::cli::test::judge::Ran;
use crate::lattice::dot::ReplicaId;
use crate::node::Input;
use crate::node::Node;
use crate::node::Output;
use crate::node::Progress;
use crate::node::Settings;
use crate::node::TopLevel;
use crate::source::diagnostic::Diagnostic;
use crate::value::term::Term;

/// The steps of program of one slice.
const FUEL: u64 = 100_000;
/// How many slices a million steps are.
const SLICES_OF_A_MILLION: u32 = 10;
/// How many steps it counts as that a derivation looks at an element, or a variable takes one in.
const STEPS_OF_AN_ELEMENT: u64 = 5;
/// How long a test may take in virtual time: an hour.
const TEST_MS_MAX: u64 = 3_600_000;
/// How long what a test has started may go on after it: ten seconds.
const AFTER_MS_MAX: u64 = 10_000;
/// When virtual time begins: 2024-01-01, so that `now_ms()` is a likely number.
const START_MS: u64 = 1_704_067_200_000;

/// The node with what it has said.
struct World<'a> {
    node: Node,
    program: &'a Program,
    now_ms: u64,
    slices: u32,
    /// How many million steps the test may take.
    millions: u32,
    ran: Ran,
}

/// What ended a stretch of time.
#[derive(PartialEq)]
enum End {
    /// What was waited for.
    Reached,
    /// Nothing can go on.
    Quiescent,
    /// Too many steps.
    Steps,
    /// Too much virtual time.
    Time,
}

/// Runs the program's forms and then `text`, which has `forms` forms.
pub(super) fn run(
    program: &Program,
    compiled: &Compiled,
    name: &str,
    (text, forms): (&str, usize),
    millions: u32,
) -> Ran {
    let settings = Settings {
        name: "a".into(),
        replica: 0,
        role: Term::atom("undefined"),
        arguments: Vec::new(),
        identity: ReplicaId(1),
        seed: 1,
        watch: false,
    };
    let mut node = Node::new(settings, compiled.session.clone(), &compiled.library, &compiled.unit);
    node.limit_elements(elements_of(millions));
    let mut world = World { node, program, now_ms: START_MS, slices: 0, millions, ran: Ran::default() };
    let end = world.go_on(TEST_MS_MAX, |world| {
        let status = world.node.status();
        status.top_level != TopLevel::Running
    });
    let sound = match (end, world.node.status().top_level) {
        (End::Steps | End::Time, _) => {
            let title = "the program's own top level does not come to an end";
            let report = world.endless(title.to_owned()).help(
                "a program runs before each of its tests; what runs for ever belongs into a function that no test calls",
            );
            world.ran.reports.push(report);
            false
        }
        (_, TopLevel::Failed) => false,
        _ => true,
    };
    if sound {
        world.test(name, text, forms);
    }
    world.ran.files = world.node.files().clone();
    world.ran
}

impl World<'_> {
    fn test(&mut self, name: &str, text: &str, forms: usize) {
        self.node.handle(Input::Example { name: name.to_owned(), text: text.to_owned() }, self.now_ms);
        let done = |world: &World| {
            let failed = world.ran.values.last().is_some_and(Option::is_none);
            failed || world.ran.values.len() >= forms
        };
        let end = self.go_on(TEST_MS_MAX, |world| done(world));
        if done(self) {
            // What was started may still fail.
            self.go_on(AFTER_MS_MAX, |_| false);
            return;
        }
        let reports = match end {
            End::Steps => vec![self.endless("the test takes too many steps".to_owned()).help(self.limit())],
            End::Time => vec![self.endless("the test is not done after an hour of its own time".to_owned())],
            End::Reached | End::Quiescent => waits(&mut self.node),
        };
        self.ran.reports.extend(reports);
    }

    /// What a test may take.
    fn limit(&self) -> String {
        let millions = self.millions;
        format!(
            "a test may take {millions} million, an element that a derivation looks at counts as {STEPS_OF_AN_ELEMENT}; `--steps {}` allows more",
            millions.saturating_mul(10)
        )
    }

    /// That something has no end, with the place where it is.
    fn endless(&self, title: String) -> Diagnostic {
        let told = Diagnostic::error("E0702", title);
        match self.node.goes_on_at() {
            Some(place) => told.at(place, self.node.goes_on_how()),
            None => told,
        }
    }

    /// Lets time pass, as far as something happens in it.
    fn go_on(&mut self, most_ms: u64, mut reached: impl FnMut(&mut Self) -> bool) -> End {
        let until = self.now_ms.saturating_add(most_ms);
        loop {
            let progress = self.node.run(self.now_ms, FUEL);
            if self.node.is_overworked() {
                return End::Steps;
            }
            let heard = self.hear();
            if progress == Progress::Busy {
                self.slices += 1;
                if self.slices >= self.millions.saturating_mul(SLICES_OF_A_MILLION) {
                    return End::Steps;
                }
            } else if !heard {
                if reached(self) {
                    return End::Reached;
                }
                if self.node.quiescent() {
                    return End::Quiescent;
                }
                match self.node.next_timer() {
                    Some(due_ms) if due_ms <= until => self.now_ms = self.now_ms.max(due_ms),
                    Some(_) => return End::Time,
                    None => return End::Quiescent,
                }
                self.node.handle(Input::Tick, self.now_ms);
            }
        }
    }

    /// Carries out what the node asks for; says whether there was anything.
    fn hear(&mut self) -> bool {
        let mut heard = false;
        while let Some(output) = self.node.poll_output() {
            heard = true;
            match output {
                Output::Print { text, .. } => self.ran.prints.push_str(&text),
                Output::Report(report) => self.ran.reports.push(report),
                Output::Evaluated { value, current } => {
                    let variable = current.is_some();
                    self.ran.values.push(current.or(value).map(|value| Given { value, variable }));
                }
                Output::ReadFile { request, path } => {
                    let result = self.program.file(&path);
                    self.node.handle(Input::File { request, result }, self.now_ms);
                }
                _ => {}
            }
        }
        heard
    }
}

/// How many elements of derivations so many million steps are.
pub(super) fn elements_of(millions: u32) -> u64 {
    u64::from(millions) * 1_000_000 / STEPS_OF_AN_ELEMENT
}

/// What a node on which nothing can go on waits for, and should not.
pub(super) fn waits(node: &mut Node) -> Vec<Diagnostic> {
    let told = |waiting: &crate::node::Waiting| {
        let who = if waiting.top_level { "the program, which runs before its tests," } else { "the test" };
        Diagnostic::error("E0701", format!("{who} waits for ever: {}", waiting.text)).at(waiting.span, "waits here")
    };
    let waiting = node.status().waiting;
    if waiting.is_empty() {
        return vec![Diagnostic::error("E0701", "the test waits for ever")];
    }
    waiting.iter().take(5).map(told).collect()
}
