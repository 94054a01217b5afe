//! The tests of the original Lasp, translated: `tests/cases/*.lasp`.
//!
//! A file has several cases, each a program of its own that is run on as many replicas as it speaks of, in virtual time. Those
//! that part and meet again do so in several orders, with one outcome. What a case can say, from top to bottom:
//!
//! | comment | meaning |
//! |---|---|
//! | `%% case D5 D6: what it shows` | a case begins, under its numbers in the collection |
//! | `%% program: examples/01_hello_set.lasp` | this program is run instead of one that stands here |
//! | `%% run: limit=5` | with such arguments (`run at 1:` for one, which has those for all as well) |
//! | `%% nodes: 3` | on so many replicas; otherwise as many as are mentioned |
//! | `%% at 2: update(S, {add, 1})` | this is typed at the second replica |
//! | `%% apart`, `%% meet` | from now on nobody hears of anybody; all do again, and agree |
//! | `%% expect: S = [1]` | everybody has this now (`expect at 2:` for one) |
//! | `%% prints: text` | the next line that the first has printed (`prints at 2:`) |
//! | `%% refuses: E0304` | somebody has been told this code, or these words, since the last such line |
//! | `%% wait: 500` | so many milliseconds of the replicas' own time pass |
//!
//! All else is the program, which every replica runs at first. An error that no line speaks of fails the case. Cases without an observable meaning stand in
//! `tests/cases/README.md`, with the reason; together they are all that the collection has.
//!
//! `tests/scenarios/*.lasp` are written in the same way: what the examples do when their nodes part and meet.

mod replicas;
mod support;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use lasp::cli::literal;
use lasp::value::term::Term;
use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use replicas::MEETINGS;
use replicas::Meeting;
use replicas::Replicas;
use support::files;
use support::root;
use support::shown;
use support::text;

/// The numbers that the collection has.
const NUMBERS: &[(&str, u32, u32)] = &[
    ("A", 1, 24),
    ("A", 30, 38),
    ("C", 1, 6),
    ("D", 1, 13),
    ("D", 20, 26),
    ("D", 30, 40),
    ("D", 45, 51),
    ("D", 55, 59),
    ("D", 60, 64),
    ("D", 70, 71),
    ("D", 75, 76),
    ("D", 80, 85),
    ("D", 90, 94),
    ("D", 100, 103),
    ("D", 110, 120),
    ("D", 130, 139),
    ("D", 145, 151),
    ("D", 155, 159),
    ("D", 165, 168),
    ("D", 170, 174),
    ("D", 180, 180),
    ("D", 190, 198),
    ("E", 1, 13),
    ("F", 1, 6),
    ("G", 1, 7),
];

/// A line that is not the program's.
#[derive(Clone, Debug)]
struct Step {
    key: String,
    /// The replica that it speaks of, from 0.
    node: Option<usize>,
    value: String,
}

/// A case.
#[derive(Clone, Debug, Default)]
struct Case {
    numbers: Vec<String>,
    title: String,
    program: String,
    steps: Vec<Step>,
}

/// The cases of a file.
fn cases(written: &str) -> Result<Vec<Case>, String> {
    let mut found: Vec<Case> = Vec::new();
    for line in written.lines() {
        if let Some(rest) = line.strip_prefix("%% case ") {
            let (numbers, title) = rest.split_once(':').ok_or_else(|| format!("no title: {line}"))?;
            let numbers = numbers.split_whitespace().map(str::to_owned).collect();
            found.push(Case { numbers, title: title.trim().to_owned(), ..Case::default() });
        } else if let Some(case) = found.last_mut() {
            if let Some(step) = line.strip_prefix("%% ") {
                let step = Step::read(step)?;
                if step.key == "program" {
                    case.program.push_str(&text(&root().join(&step.value)));
                }
                case.steps.push(step);
            } else {
                case.program.push_str(line);
                case.program.push('\n');
            }
        }
    }
    Ok(found)
}

const KEYS: &[&str] = &["program", "run", "nodes", "at", "apart", "meet", "expect", "prints", "refuses", "wait"];

impl Step {
    fn read(line: &str) -> Result<Step, String> {
        let (words, value) = line.split_once(':').unwrap_or((line, ""));
        let mut words = words.split_whitespace();
        let key = words.next().unwrap_or_default().to_owned();
        let node = words.filter(|word| *word != "at").find_map(|word| word.parse::<usize>().ok());
        if !KEYS.contains(&key.as_str()) || node == Some(0) {
            return Err(format!("not understood: %% {line}"));
        }
        Ok(Step { key, node: node.map(|node| node - 1), value: value.trim().to_owned() })
    }
}

impl Case {
    fn nodes(&self) -> usize {
        let said = self.steps.iter().find(|step| step.key == "nodes").and_then(|step| step.value.parse().ok());
        said.unwrap_or_else(|| self.steps.iter().filter_map(|step| step.node).max().map_or(1, |most| most + 1))
    }

    /// With which arguments a replica runs it.
    fn arguments(&self, node: usize) -> Vec<(String, Term)> {
        let theirs = self.steps.iter().filter(|step| step.key == "run" && step.node.is_none_or(|of| of == node));
        let pairs = theirs.flat_map(|step| step.value.split_whitespace().filter_map(|pair| pair.split_once('=')));
        pairs.map(|(name, value)| (name.to_owned(), literal::value(value))).collect()
    }

    /// What it may read: the data of the examples, if it is one of them.
    fn files(&self) -> Vec<(String, String)> {
        let of_example = |step: &Step| step.key == "program" && step.value.starts_with("examples/");
        let data = if self.steps.iter().any(of_example) { files("examples/data", &[".csv"]) } else { Vec::new() };
        let beside = |path: &Path| shown(path).strip_prefix("examples/").unwrap_or_default().to_owned();
        data.iter().map(|path| (beside(path), text(path))).collect()
    }

    /// Runs it, in each order of meeting if it has any.
    fn run(&self) -> Result<(), Failed> {
        let meets = self.steps.iter().any(|step| step.key == "meet");
        for meeting in if meets { &MEETINGS[..] } else { &MEETINGS[..1] } {
            self.run_once(*meeting).map_err(|said| Failed::from(format!("{}: {said}", self.title)))?;
        }
        Ok(())
    }

    fn run_once(&self, meeting: Meeting) -> Result<(), String> {
        let nodes = self.nodes();
        let arguments: Vec<_> = (0..nodes).map(|node| self.arguments(node)).collect();
        let mut replicas = Replicas::each(&self.program, &arguments, self.files())?;
        let mut errors: Vec<String> = Vec::new();
        let mut printed: Vec<Vec<String>> = vec![Vec::new(); nodes];
        for step in &self.steps {
            for (node, printed) in printed.iter_mut().enumerate() {
                errors.extend(replicas.errors(node));
                printed.extend(replicas.printed(node));
            }
            let place = || format!("after `%% {}: {}` ({meeting:?})", step.key, step.value);
            match step.key.as_str() {
                "at" => replicas.at(step.node.unwrap_or(0), &step.value),
                "apart" => replicas.part(),
                "meet" => replicas.meet(meeting).map_err(|said| format!("{said} {}", place()))?,
                "wait" => replicas.run_for(step.value.parse().map_err(|_| format!("how long? {}", place()))?),
                "expect" => {
                    for node in step.node.map_or(0..nodes, |node| node..node + 1) {
                        expected(&mut replicas, node, &step.value)?;
                    }
                }
                "prints" => {
                    let lines = &mut printed[step.node.unwrap_or(0)];
                    let got = if lines.is_empty() { "nothing".to_owned() } else { lines.remove(0) };
                    if got != step.value {
                        return Err(format!("expected to be printed: {}\n got: {got}\n{errors:?}", step.value));
                    }
                }
                "refuses" => match errors.iter().position(|error| error.contains(&step.value)) {
                    Some(at) => drop(errors.remove(at)),
                    None => return Err(format!("not told: {}\n told: {errors:?}", step.value)),
                },
                _ => {}
            }
        }
        for (node, lines) in printed.iter_mut().enumerate() {
            errors.extend(replicas.errors(node));
            lines.extend(replicas.printed(node));
        }
        let said_of_prints = self.steps.iter().any(|step| step.key == "prints" && step.node.unwrap_or(0) == 0);
        match (errors.is_empty(), said_of_prints && !printed[0].is_empty()) {
            (false, _) => Err(format!("errors that nothing speaks of ({meeting:?}): {errors:#?}")),
            (_, true) => Err(format!("printed, and not expected: {:?}", printed[0])),
            (true, false) => Ok(()),
        }
    }
}

/// Compares `Name = value` with what a replica has.
fn expected(replicas: &mut Replicas, node: usize, wanted: &str) -> Result<(), String> {
    let (name, value) = wanted.split_once(" = ").ok_or_else(|| format!("no value: {wanted}"))?;
    match replicas.value(node, name) {
        Some(got) if got == value => Ok(()),
        got => Err(format!(
            "expected at {}: {wanted}\n     got: {}",
            node + 1,
            got.unwrap_or_else(|| "no such name".into())
        )),
    }
}

/// The numbers in `tests/cases/README.md`'s tables, with the kind of their excuse and whether it gives a reason.
fn excused() -> BTreeMap<String, (String, bool)> {
    let mut found = BTreeMap::new();
    for line in text(&root().join("tests/cases/README.md")).lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [numbers, kind, reason, ..] = cells.as_slice() {
            for number in numbers.split_whitespace() {
                found.insert(number.to_owned(), ((*kind).to_owned(), reason.len() > 20));
            }
        }
    }
    found
}

/// Each number of the collection has a program or an excuse, and only one of them.
fn every_case_is_there(programs: &BTreeSet<String>) -> Result<(), Failed> {
    let excused = excused();
    let known: BTreeSet<String> =
        NUMBERS.iter().flat_map(|(letter, from, to)| (*from..=*to).map(move |n| format!("{letter}{n}"))).collect();
    let mut said = Vec::new();
    for number in &known {
        match (programs.contains(number), excused.get(number)) {
            (true, None) | (false, Some((_, true))) => {}
            (true, Some(_)) => said.push(format!("{number} has a program and an excuse")),
            (false, Some((_, false))) => said.push(format!("{number} is left out without a reason")),
            (false, None) => said.push(format!("{number} has neither a program nor an excuse")),
        }
    }
    said.extend(programs.difference(&known).map(|number| format!("{number} is no number of the collection")));
    let left_out = known.iter().filter(|number| excused.contains_key(*number)).count();
    #[expect(clippy::disallowed_macros, reason = "a number for people to read")]
    {
        println!("{} cases have programs, {left_out} are left out with a reason", programs.len());
    }
    if said.is_empty() { Ok(()) } else { Err(said.join("\n").into()) }
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let mut programs = BTreeSet::new();
    for path in files("tests/cases", &[".lasp"]) {
        let found = cases(&text(&path)).unwrap_or_else(|said| panic!("{}: {said}", shown(&path)));
        for case in found {
            programs.extend(case.numbers.iter().cloned());
            trials.push(Trial::test(format!("{}: {}", case.numbers.join(" "), case.title), move || case.run()));
        }
    }
    for path in files("tests/scenarios", &[".lasp"]) {
        let found = cases(&text(&path)).unwrap_or_else(|said| panic!("{}: {said}", shown(&path)));
        trials.extend(found.into_iter().map(|case| {
            let name = format!("{}: {}", shown(&path), case.title);
            Trial::test(name, move || case.run())
        }));
    }
    trials.push(Trial::test("every_case_is_there", move || every_case_is_there(&programs)));
    libtest_mimic::run(&arguments, trials).exit();
}
