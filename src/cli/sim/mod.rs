//! `lasp sim`: a program on simulated nodes, under faults, judged.

pub mod arguments;
mod report;
mod typed;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use clap::ColorChoice;

use crate::cli::coordination;
use crate::cli::exit::Exit;
use crate::cli::literal;
use crate::cli::out::Out;
use crate::cli::program::Program;
use crate::cli::program::summary;
use crate::cli::sim::arguments::Setting;
use crate::cli::sim::arguments::Sim;
use crate::cli::sim::report::Report;
use crate::compile::Session;
use crate::node::Image;
use crate::replica::Role;
use crate::sim::Conditions;
use crate::sim::Cut;
use crate::sim::Person;
use crate::sim::judge::Violation;
use crate::sim::nodes::Nodes;
use crate::sim::run::Ran;
use crate::sim::run::Setup;
use crate::sim::run::run as simulate;
use crate::sim::scenario::Scenario;
use crate::sim::script;
use crate::sim::script::Action;
use crate::sim::script::Planned;
use crate::sim::shrink::Effort;
use crate::sim::shrink::shrink;
use crate::sim::trace::LogLines;
use crate::sim::words;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::files::Files;
use crate::value::term::Term;

/// How long a run is, if nothing says so.
const LENGTH_MS: u64 = 10_000;
/// How much longer than its script.
const AFTER_SCRIPT_MS: u64 = 2000;
/// How many runs are tried to find a smaller failure.
const SHRINK_RUNS: u32 = 400;
/// How many events in all, for each event of the run that failed, and besides.
const SHRINK_EVENTS: u64 = 30;
const SHRINK_EVENTS_MIN: u64 = 300_000;

/// Simulates a program.
#[must_use]
pub fn run(arguments: &Sim, color: ColorChoice) -> Exit {
    let out = Out::new(color, arguments.json, false);
    let program = match Program::read(&out, &arguments.file) {
        Ok(program) => program,
        Err(exit) => return exit,
    };
    let Some(image) = compile(&out, &program) else { return Exit::Unsound };
    if let Some(schedule) = &arguments.schedule {
        let settings = plain_settings(&arguments.settings);
        return coordination::play_schedule(&out, &program, &settings, schedule);
    }
    let scenario = match scenario(&out, arguments) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    if !typed::is_sound(&out, &program, &scenario.events) {
        return Exit::Unsound;
    }
    let files = program.named_files();
    let people = People::new(arguments);
    let threads = arguments.threads.map_or_else(
        || thread::available_parallelism().map_or(1, NonZero::get),
        |threads| usize::try_from(threads).unwrap_or(1),
    );
    let setup = Setup { image: &image, files: &files, person: &|node| people.person(node), threads };
    let report = Report { out: &out, arguments, files: image.files() };
    let sim = Simulation { arguments, out: &out, setup, report };
    sim.all(&scenario)
}

struct Simulation<'a> {
    arguments: &'a Sim,
    out: &'a Out,
    setup: Setup<'a>,
    report: Report<'a>,
}

impl Simulation<'_> {
    /// One run, or as many as are asked for, until one fails.
    fn all(&self, first: &Scenario) -> Exit {
        let several = self.arguments.runs > 1;
        let mut waits = false;
        for seed in (first.seed..=u64::MAX).take(usize::try_from(self.arguments.runs).unwrap_or(usize::MAX)) {
            let scenario = Scenario { seed, ..first.clone() };
            let (ran, took) = match self.one(&scenario) {
                Ok(done) => done,
                Err(exit) => return exit,
            };
            if let Some(violation) = ran.violations.first() {
                self.report.whole(&scenario, &ran, took);
                // To look for a smaller one can take minutes: what was found is told before.
                self.report.violations(&scenario, &ran);
                let small = self.smaller(&scenario, &ran, violation);
                self.report.failed(&scenario, small.as_ref());
                return Exit::Failed;
            }
            waits |= !ran.waits.is_empty();
            if several {
                self.report.short(&scenario, &ran);
            } else {
                self.report.whole(&scenario, &ran, took);
            }
        }
        if several {
            self.out.status(&format!("{} runs, and all is well", self.arguments.runs));
        }
        if waits { Exit::Waits } else { Exit::Done }
    }

    fn one(&self, scenario: &Scenario) -> Result<(Ran, Duration), Exit> {
        let began = Instant::now();
        let Some(path) = &self.arguments.trace else {
            return Ok((simulate(&self.setup, scenario, None), began.elapsed()));
        };
        let failed = Rc::new(Cell::new(None));
        let cannot = |error: &std::io::Error| {
            self.out.error(None, "E0714", &format!("{} cannot be written: {error}", path.display()), "");
            Exit::Usage
        };
        let lines = log(path, failed.clone()).map_err(|error| cannot(&error))?;
        let ran = simulate(&self.setup, scenario, Some(lines));
        match failed.take() {
            Some(error) => Err(cannot(&error)),
            None => Ok((ran, began.elapsed())),
        }
    }

    /// A smaller scenario that fails in the same way.
    fn smaller(&self, scenario: &Scenario, ran: &Ran, violation: &Violation) -> Option<Scenario> {
        if self.arguments.no_shrink {
            return None;
        }
        self.out.status("looking for a smaller run that fails in the same way (--no-shrink leaves that out)");
        let events = ran.events.saturating_mul(SHRINK_EVENTS).max(SHRINK_EVENTS_MIN);
        let effort = Effort { runs: SHRINK_RUNS, events };
        let small = shrink(scenario, violation, effort, &mut |scenario| {
            // Its line would be refused.
            if all_are_clients(&People::new(self.arguments), scenario.nodes()) {
                return (None, 0);
            }
            let ran = simulate(&self.setup, scenario, None);
            (ran.violations.into_iter().next(), ran.events)
        });
        (small != scenario.written_down()).then_some(small)
    }
}

/// A file that takes the lines of a log. What goes wrong with it comes into `failed`, at the end too: what was kept back is
/// written then.
struct Log {
    file: BufWriter<File>,
    failed: Rc<Cell<Option<std::io::Error>>>,
}

impl Log {
    fn add(&mut self, line: &str) {
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.failed.set(Some(error));
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Err(error) = self.file.flush() {
            self.failed.set(Some(error));
        }
    }
}

fn log(path: &Path, failed: Rc<Cell<Option<std::io::Error>>>) -> std::io::Result<LogLines> {
    let mut log = Log { file: BufWriter::new(File::create(path)?), failed };
    Ok(Box::new(move |line| log.add(line)))
}

/// The program, ready for any number of nodes. What is wrong with it is told.
fn compile(out: &Out, program: &Program) -> Option<Image> {
    let (mut session, library) = Session::new();
    let (told, unit) = match session.program(&program.name, &program.text) {
        Ok((unit, warnings)) => (warnings, Some(unit)),
        Err(told) => (told, None),
    };
    for diagnostic in &told {
        out.diagnostic(None, &session.files, diagnostic);
    }
    summary(out, told.iter().filter(|told| told.severity == Severity::Error).count());
    unit.map(|unit| Image::new(session, &library, &unit))
}

/// What the nodes are told, by number.
struct People {
    /// The last one of a name counts, and is found first.
    arguments: Vec<(Option<Nodes>, String, Term)>,
    /// The last one that names a node counts, and is found first.
    certificates: Vec<(Option<Nodes>, Role)>,
}

impl People {
    fn new(sim: &Sim) -> People {
        let read = |setting: &Setting| (setting.nodes.clone(), setting.name.clone(), literal::value(&setting.value));
        let role = |setting: &Setting| {
            (setting.nodes.clone(), if setting.value == "client" { Role::Client } else { Role::Server })
        };
        People {
            arguments: sim.settings.iter().rev().map(read).collect(),
            certificates: sim.roles.iter().rev().map(role).collect(),
        }
    }

    fn person(&self, node: usize) -> Person {
        let concerns = |nodes: &Option<Nodes>| nodes.as_ref().is_none_or(|nodes| nodes.names(node));
        let own = self.arguments.iter().filter(|(nodes, ..)| concerns(nodes));
        let arguments: Vec<(String, Term)> = own.map(|(_, name, value)| (name.clone(), value.clone())).collect();
        let role = arguments.iter().find(|(name, _)| name == "role").map(|(_, value)| value.clone());
        let certificate =
            self.certificates.iter().find(|(nodes, _)| concerns(nodes)).map_or(Role::Server, |(_, role)| *role);
        Person { role: role.unwrap_or_else(|| Term::atom("undefined")), arguments, certificate }
    }
}

/// The settings that are for all nodes.
fn plain_settings(settings: &[Setting]) -> Vec<(String, String)> {
    let all = settings.iter().filter(|setting| setting.nodes.is_none());
    all.map(|setting| (setting.name.clone(), setting.value.clone())).collect()
}

/// What the command line asks for. What is wrong is told.
fn scenario(out: &Out, arguments: &Sim) -> Result<Scenario, Exit> {
    let mut files = Files::default();
    let (mut events, mut wrong) = (Vec::new(), Vec::new());
    let mut texts: Vec<(String, String)> = Vec::new();
    if let Some(path) = &arguments.script {
        let script = Program::read(out, path)?;
        // Some editors begin a file with a byte order mark.
        let text = script.text.strip_prefix('\u{feff}').map(str::to_owned);
        texts.push((script.name, text.unwrap_or(script.text)));
    }
    texts.extend(arguments.events.iter().map(|event| ("--event".to_owned(), event.clone())));
    for (name, text) in texts {
        let file = files.add(name, text.clone());
        match script::read(file, &text) {
            Ok(planned) => events.extend(planned),
            Err(told) => wrong.extend(told),
        }
    }
    let last = events.iter().map(|planned: &Planned| planned.at_ms).max();
    let usual = last.map_or(LENGTH_MS, |last| LENGTH_MS.max(last + AFTER_SCRIPT_MS));
    let length_ms = arguments.length_ms.unwrap_or(usual).max(1);
    if let Some(late) = events.iter().find(|planned| planned.at_ms >= length_ms) {
        let title = format!("`{late}` is not before the end of the faults, which is at {}", words::show_ms(length_ms));
        wrong.push(Diagnostic::error("E0710", title).help("say for how long faults happen: `--for 30s`"));
    }
    let partition = partition(arguments, &mut events, &mut wrong);
    wrong.extend(unfit_numbers(arguments));
    wrong.extend(unfit_roles(arguments));
    wrong.extend(strangers(arguments, &events));
    for diagnostic in &wrong {
        out.diagnostic(None, &files, diagnostic);
    }
    if !wrong.is_empty() {
        summary(out, wrong.len());
        return Err(Exit::Usage);
    }
    let Sim { loss, duplicate, delay, reorder, .. } = *arguments;
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let scenario = Scenario {
        replicas: number(arguments.replicas),
        seed: arguments.seed,
        length_ms,
        conditions: Conditions { lost: loss, doubled: duplicate, delay_ms: delay, reorder },
        skew_ms: arguments.skew,
        drift: arguments.drift,
        crash: arguments.crash,
        crash_with_data: arguments.crash_with_data,
        partition,
        join: number(arguments.join),
        leave: number(arguments.leave),
        events,
        heal: !arguments.no_heal,
        settle_ms: arguments.settle,
        neighbours: arguments.neighbours.map(number),
        deciders: number(arguments.deciders),
        steps: arguments.steps.map(u64::from),
    };
    for warning in idle_events(&scenario) {
        out.diagnostic(None, &files, &warning);
    }
    Ok(scenario)
}

/// Events that find their nodes as they are to make them. A warning, since a smaller run may keep such a one.
fn idle_events(scenario: &Scenario) -> Vec<Diagnostic> {
    let joins = |planned: &Planned, node| matches!(&planned.action, Action::Join(nodes) if nodes.names(node));
    let plan = scenario.plan();
    let late = |node: &usize| plan.iter().any(|planned| joins(planned, *node));
    let mut up: BTreeSet<usize> = (0..scenario.replicas).filter(|node| !late(node)).collect();
    let mut told = Vec::new();
    for planned in &plan {
        let (nodes, comes) = match &planned.action {
            Action::Crash(nodes) | Action::Leave(nodes) => (nodes.list(), false),
            Action::Restart { nodes, .. } | Action::Join(nodes) => (nodes.list(), true),
            _ => continue,
        };
        for node in nodes {
            let changes = if comes { up.insert(node) } else { up.remove(&node) };
            if !changes && scenario.events.contains(planned) {
                let how = if comes { "is there" } else { "is not there" };
                let title = format!("`{planned}` does nothing: node {node} {how} at that time");
                let help = if comes { "only who is gone comes back" } else { "only who is there goes" };
                told.push(Diagnostic::warning("E0710", title).help(help));
            }
        }
    }
    told
}

/// More nodes than there are.
fn unfit_numbers(arguments: &Sim) -> Option<Diagnostic> {
    let Sim { leave, replicas, .. } = arguments;
    let title = format!("{leave} nodes are to leave, and there are {replicas} from the beginning");
    let help = "let fewer leave, or say how many nodes there are: `--replicas 9`";
    (leave > replicas).then(|| Diagnostic::error("E0710", title).help(help))
}

/// Roles with which nobody could speak to anybody, or decide.
fn unfit_roles(arguments: &Sim) -> Option<Diagnostic> {
    if arguments.deciders > arguments.replicas {
        let Sim { deciders, replicas, .. } = arguments;
        let title = format!("{deciders} nodes are to decide, and there are {replicas} from the beginning");
        return Some(
            Diagnostic::error("E0710", title).help("let fewer decide, or say how many nodes there are: `--replicas 5`"),
        );
    }
    let people = People::new(arguments);
    let nodes = usize::try_from(arguments.replicas.saturating_add(arguments.join)).unwrap_or(usize::MAX);
    if all_are_clients(&people, 0..nodes) {
        let title = "every node is a client by `--role`, and clients speak to servers alone";
        return Some(
            Diagnostic::error("E0710", title).help("let one be a server at least, as by `--role 1..9:client`"),
        );
    }
    let deciders = usize::try_from(arguments.deciders).unwrap_or(0);
    let client = (0..deciders).find(|&node| people.person(node).certificate == Role::Client)?;
    let title = format!("node {client} is to decide, and is a client by `--role`");
    Some(
        Diagnostic::error("E0710", title)
            .help("those who decide are servers: the first nodes, as many as `--deciders` says"),
    )
}

/// Whether there are several nodes, and none that another could dial.
fn all_are_clients(people: &People, nodes: impl IntoIterator<Item = usize>) -> bool {
    let mut count = 0;
    let mut clients = nodes.into_iter().inspect(|_| count += 1);
    clients.all(|node| people.person(node).certificate == Role::Client) && count > 1
}

/// What names nodes that are never there.
fn strangers(arguments: &Sim, events: &[Planned]) -> Vec<Diagnostic> {
    let joining = |planned: &Planned| matches!(planned.action, Action::Join(_));
    let joined: Vec<&Nodes> = events.iter().filter(|one| joining(one)).flat_map(|one| one.action.nodes()).collect();
    let first = usize::try_from(arguments.replicas.saturating_add(arguments.join)).unwrap_or(usize::MAX);
    let is_there = |node: usize| node < first || joined.iter().any(|nodes| nodes.names(node));
    let stranger = |nodes: &Nodes| nodes.list().into_iter().find(|node| !is_there(*node));
    let planned = events.iter().flat_map(|one| one.action.nodes().iter().map(move |nodes| (nodes, format!("`{one}`"))));
    let settings = arguments.settings.iter().filter_map(|Setting { nodes, name, value }| {
        nodes.as_ref().map(|nodes| (nodes, format!("`--set {nodes}:{name}={value}`")))
    });
    let roles = arguments.roles.iter().filter_map(|Setting { nodes, value, .. }| {
        nodes.as_ref().map(|nodes| (nodes, format!("`--role {nodes}:{value}`")))
    });
    let told = planned.chain(settings).chain(roles).filter_map(|(nodes, what)| Some((stranger(nodes)?, what)));
    let last = first.saturating_sub(1);
    told.map(|(node, what)| {
        Diagnostic::error("E0710", format!("{what} names node {node}, which is never there"))
            .help(format!("nodes are 0 to {last}, and those that join: say how many with --replicas, or let it `join`"))
    })
    .collect()
}

/// `--partition`: a share of the time, which is given back, or sides, which become events.
fn partition(arguments: &Sim, events: &mut Vec<Planned>, wrong: &mut Vec<Diagnostic>) -> u64 {
    let mut by_chance = 0;
    for text in &arguments.partition {
        if let Ok(share) = words::share(text) {
            by_chance = share;
            continue;
        }
        let sides: Option<Vec<Nodes>> = text.split('|').map(Nodes::read).collect();
        match sides.filter(|sides| sides.len() > 1) {
            Some(sides) if !script::are_apart(&sides) => wrong.push(
                Diagnostic::error("E0710", format!("`{text}` has a node on two sides"))
                    .help("a node is on one side only: `--partition '0,1 | rest'`"),
            ),
            Some(sides) => {
                let cut = Cut { sides, one_way: false, every_ms: None, from_ms: 0, to_ms: None };
                events.push(Planned { at_ms: 0, action: Action::Cut(cut) });
            }
            None => wrong.push(
                Diagnostic::error("E0710", format!("`{text}` is neither a share of the time nor sides of a partition"))
                    .help("it is written like this: `--partition 20%` or `--partition '0,1 | rest'`"),
            ),
        }
    }
    by_chance
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::arguments::Arguments;
    use crate::cli::arguments::Verb;

    fn read(words: &[String]) -> Scenario {
        let arguments = Arguments::try_parse_from(["lasp", "sim", "x.lasp"].map(str::to_owned).iter().chain(words));
        let Verb::Sim(sim) = arguments.expect("the flags are right").verb else { panic!("not sim") };
        scenario(&Out::new(ColorChoice::Never, false, false), &sim).expect("the scenario is right")
    }

    #[test]
    fn the_line_that_repeats_a_run_is_read_as_that_run() {
        assert_eq!(read(&[]), Scenario::default());
        let conditions = Conditions { lost: 50_000, doubled: 5000, delay_ms: (5, 50), reorder: true };
        let wild = Scenario {
            replicas: 7,
            seed: 42,
            length_ms: 3500,
            conditions,
            skew_ms: 100,
            drift: 200,
            crash: 500_000,
            partition: 300_000,
            join: 12,
            leave: 1,
            heal: false,
            settle_ms: 5000,
            deciders: 3,
            ..Scenario::default()
        };
        assert_eq!(read(&wild.flags()), wild);
        assert_eq!(read(&wild.written_down().flags()), wild.written_down());
    }
}
