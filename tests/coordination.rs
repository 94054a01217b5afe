//! The coordination report against the truth: a labelled set of small programs, of which the simulator plays all schedules.
//!
//! `tests/coordination/free/*.lasp` need no coordination; `tests/coordination/ordered/*.lasp` do, and a comment
//! `%% point: KIND` stands in each line where timing can change the outcome.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "the score is for people to read, and examples read files"
)]

#[path = "coordination/asked.rs"]
mod asking;
mod support;
#[path = "coordination/told.rs"]
mod told;

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;

use lasp::compile::Session;
use lasp::coordination::Asked;
use lasp::coordination::Kind;
use lasp::coordination::Order;
use lasp::coordination::Report;
use lasp::coordination::Writing;
use lasp::coordination::edits::apply;
use lasp::coordination::report;
use lasp::library::BUILTINS;
use lasp::sim::confirm::Effort;
use lasp::sim::confirm::Evidence;
use lasp::sim::confirm::confirm;
use lasp::sim::confirm::settle;
use lasp::sim::explore::Bounds;
use lasp::sim::explore::Exploration;
use lasp::sim::explore::Run;
use lasp::sim::explore::explore;
use lasp::sim::explore::play_once;
use lasp::sim::outcome::Outcome;
use lasp::sim::play::Play;
use lasp::sim::schedule::Schedule;
use lasp::source::span::Span;
use lasp::value::term::Term;
use support::files;
use support::shown;
use support::text;

/// All schedules of two replicas.
const ALL: Bounds = Bounds { plays: 6000, steps: 40, cost: u64::MAX, reduce: false, merge: false };
/// The shorter schedules of three.
const SOME: Bounds = Bounds { plays: 60, steps: 12, cost: u64::MAX, reduce: false, merge: false };

/// A short look.
const LOOK: Effort =
    Effort { replicas: &[2], bounds: Bounds { plays: 60, steps: 12, cost: 2_000_000, reduce: true, merge: false } };

/// A program with its label.
struct Labelled {
    name: String,
    text: String,
    /// Whether it needs no coordination.
    free: bool,
    /// Lines and kinds.
    points: BTreeSet<(u32, &'static str)>,
}

fn labelled() -> Vec<Labelled> {
    files("tests/coordination", &[".lasp"])
        .into_iter()
        .map(|path| {
            let (name, text) = (shown(&path), text(&path));
            let points = expected(&name, &text);
            Labelled { free: name.contains("/free/"), name, text, points }
        })
        .collect()
}

fn expected(name: &str, text: &str) -> BTreeSet<(u32, &'static str)> {
    let mut points = BTreeSet::new();
    for (line, number) in text.lines().zip(1..) {
        let words = line.split_once("%% point:").map_or("", |(_, words)| words);
        for word in words.split_whitespace() {
            let kind = Kind::ALL.iter().find(|kind| kind.name() == word);
            points.insert((number, kind.unwrap_or_else(|| panic!("{name}:{number}: no kind `{word}`")).name()));
        }
    }
    points
}

fn play(name: &str, text: &str) -> Play {
    let mut play = Play::new(name, text).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
    play.set_roles(&asked(name, text).roles);
    play
}

fn asked(name: &str, text: &str) -> Asked {
    Asked::of(&Session::new().0.facts(name, text).expect("it is sound").0)
}

/// All that can be found out by playing: two replicas in full, three for a while, another clock and other dice.
fn explored(play: &Play, roles: &[Term]) -> Vec<Exploration> {
    let mut two = explore(play, &Schedule::new(2), ALL);
    play_once(play, Schedule { clock_ms: 5000, ..Schedule::new(2) }, &mut two);
    play_once(play, Schedule { seed: 99, ..Schedule::new(2) }, &mut two);
    let mut all = vec![two, explore(play, &Schedule::new(3), SOME)];
    // Two of one role.
    all.extend(
        roles.iter().map(|role| explore(play, &Schedule { roles: vec![role.clone(); 2], ..Schedule::new(2) }, ALL)),
    );
    all
}

/// Does something with each program, on as many threads as there are processors.
fn each<T: Send>(programs: &[Labelled], work: impl Fn(&Labelled) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = programs.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let work = &work;
        let shares: Vec<_> = programs
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(work).collect::<Vec<T>>()))
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("no share fails")).collect()
    })
}

fn none(findings: &[String], claim: &str) {
    assert!(findings.is_empty(), "{claim}\n  {}\n", findings.join("\n  "));
}

/// What the static half says.
fn reported(name: &str, text: &str) -> (Report, BTreeSet<(u32, &'static str)>) {
    let mut session = Session::new().0;
    let (checked, facts) = session.facts(name, text).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
    let files = session.files.clone();
    let order = Order::of(&checked);
    let source = |span: Span| (files.slice(span).to_owned(), files.place(span).line);
    let report = report(&facts, &order, &source);
    let points = report.points.iter().map(|point| (files.place(point.span).line, point.kind.name())).collect();
    (report, points)
}

/// What is wrong with a label, by playing the program.
fn mislabelled(program: &Labelled) -> Vec<String> {
    let play = play(&program.name, &program.text);
    let found = explored(&play, &asked(&program.name, &program.text).roles);
    let name = &program.name;
    let mut wrong = Vec::new();
    if !found[0].complete {
        wrong.push(format!("{name}: there are too many schedules of two replicas to play them all"));
    }
    let several = found.iter().any(|found| found.outcomes.len() > 1);
    let example = found.iter().find(|found| found.outcomes.len() > 1).map(|found| {
        let other = found.runs.iter().find(|run| run.outcome != found.runs[0].outcome);
        other.map_or_else(String::new, |run| format!("{}:\n{}", run.schedule, found.outcomes[run.outcome]))
    });
    match (program.free, several) {
        (true, true) => wrong.push(format!("{name}: has several outcomes: {}", example.unwrap_or_default())),
        (false, false) => wrong.push(format!("{name}: has one outcome:\n{}", found[0].outcomes[0])),
        _ => {}
    }
    let broken = found[0].outcomes.iter().flat_map(|outcome| &outcome.replicas).flat_map(|shown| &shown.errors);
    wrong.extend(broken.filter(|_| program.free).map(|error| format!("{name}: fails: {error}")));
    if program.free != program.points.is_empty() {
        wrong.push(format!("{name}: its label and its points contradict each other"));
    }
    for (line, kind) in &program.points {
        if !found.iter().any(|found| shows(&play, found, *line, kind)) {
            wrong.push(format!("{name}:{line}: nothing that differs there goes with another outcome"));
        }
    }
    // What is left out of exploring makes no difference.
    let reduced = explore(&play, &Schedule::new(2), Bounds { reduce: true, ..ALL });
    let here = found[0].runs.iter().filter(|run| run.schedule.seed == 0 && run.schedule.clock_ms == 0);
    let whole: BTreeSet<usize> = here.map(|run| run.outcome).collect();
    let less: BTreeSet<&Outcome> = reduced.outcomes.iter().collect();
    if !reduced.complete || less != whole.iter().map(|at| &found[0].outcomes[*at]).collect() {
        wrong.push(format!("{name}: exploring less finds {} outcomes of {}", less.len(), whole.len()));
    }
    wrong.extend(merged(&play, name));
    wrong
}

/// Where playing ways to one state once finds other outcomes than playing all of them.
fn merged(play: &Play, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (replicas, reduce) in [(2, false), (2, true), (3, true)] {
        let bounds = Bounds { plays: if replicas == 2 { ALL.plays } else { 600 }, reduce, ..ALL };
        let all = explore(play, &Schedule::new(replicas), bounds);
        if !all.complete {
            continue;
        }
        let bounds = Bounds { merge: true, plays: bounds.plays * 4, ..bounds };
        let once = explore(play, &Schedule::new(replicas), bounds);
        let [whole, less] = [&all, &once].map(|found| found.outcomes.iter().collect::<BTreeSet<_>>());
        if !once.complete || whole != less {
            let (less, whole) = (less.len(), whole.len());
            wrong.push(format!(
                "{name}: of {whole} outcomes of {replicas} replicas, states show {less} (reduced: {reduce})"
            ));
        }
    }
    wrong
}

/// Whether two runs with different outcomes differ in what is seen in a line, or, for changes, in what there is at the end.
fn shows(play: &Play, found: &Exploration, line: u32, kind: &str) -> bool {
    let change = Kind::ALL.iter().any(|known| known.name() == kind && known.is_change()) || kind == "stream";
    let sight = |run: &Run| {
        let here = run.sights.iter().filter(|((_, span), _)| play.files().place(*span).line == line);
        here.map(|((replica, _), seen)| (*replica, seen.clone())).collect::<Vec<_>>()
    };
    let first = &found.runs[0];
    let differ = |run: &&Run| run.outcome != first.outcome && (change || sight(run) != sight(first));
    found.runs.iter().any(|run| differ(&run))
}

#[test]
fn every_label_is_true_of_all_schedules() {
    let programs = labelled();
    assert!(programs.len() >= 60, "{} programs", programs.len());
    let wrong: Vec<String> = each(&programs, mislabelled).concat();
    none(&wrong, "Labels are what exploration finds.");
}

/// How many of how many.
#[derive(Default)]
struct Score {
    right: usize,
    reported: usize,
    expected: usize,
}

impl Score {
    fn precision(&self) -> f64 {
        ratio(self.right, self.reported)
    }

    fn recall(&self) -> f64 {
        ratio(self.right, self.expected)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    let small = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    if whole == 0 { 1.0 } else { small(part) / small(whole) }
}

#[test]
fn the_static_report_finds_the_points_and_no_others() {
    let programs = labelled();
    let (mut whole, mut points) = (Score::default(), Score::default());
    let mut misses = Vec::new();
    for program in &programs {
        let (_, found) = reported(&program.name, &program.text);
        whole.expected += usize::from(!program.free);
        whole.reported += usize::from(!found.is_empty());
        whole.right += usize::from(!found.is_empty() && !program.free);
        points.expected += program.points.len();
        points.reported += found.len();
        points.right += found.intersection(&program.points).count();
        for point in found.symmetric_difference(&program.points) {
            let what = if found.contains(point) { "not there" } else { "missed" };
            misses.push(format!("{}:{}: {} {what}", program.name, point.0, point.1));
        }
    }
    eprintln!("{} programs", programs.len());
    eprintln!("programs: precision {:.3}, recall {:.3}", whole.precision(), whole.recall());
    eprintln!("points:   precision {:.3}, recall {:.3}", points.precision(), points.recall());
    eprintln!("  {}", misses.join("\n  "));
    assert!(whole.precision() >= 0.9 && whole.recall() >= 0.9, "of whole programs");
    assert!(points.precision() >= 0.9 && points.recall() >= 0.9, "of points");
}

/// What is wrong with the schedules of a program's points, as the command finds them.
fn unshown(name: &str, text: &str, play: &Play) -> (BTreeSet<(u32, &'static str)>, Vec<String>) {
    let (mut report, _) = reported(name, text);
    // Where there is nothing to be shown, a look is enough: that there is nothing is held by another test.
    let effort = if report.points.is_empty() { LOOK } else { Effort::COMMAND };
    let mut found = confirm(play, &report.points, effort);
    settle(&mut report, &mut found);
    let mut wrong = Vec::new();
    let mut points = BTreeSet::new();
    for (point, sides) in report.points.iter().zip(&found.shown) {
        let line = play.files().place(point.span).line;
        points.insert((line, point.kind.name()));
        let Some(Evidence { sides: (one, other), .. }) = sides else {
            wrong.push(format!("{name}:{line}: {} has no schedule: {:?}", point.kind.name(), found.looked));
            continue;
        };
        let [first, second] = [one, other].map(|side| {
            let text = side.schedule.to_string();
            play.replay(&text.parse().expect("a schedule reads back"))
        });
        if first == second {
            wrong.push(format!("{name}:{line}: {} and {} come to the same", one.schedule, other.schedule));
        }
    }
    if found.unexplained.is_some() {
        wrong.push(format!("{name}: differs, and no point was reported"));
    }
    (points, wrong)
}

#[test]
fn every_point_comes_with_schedules_that_replay_to_different_outcomes() {
    let programs = labelled();
    let found = each(&programs, |program| {
        let play = play(&program.name, &program.text);
        let (points, mut wrong) = unshown(&program.name, &program.text, &play);
        if program.free {
            // A false alarm, which the score counts, has nothing to be shown.
            wrong.retain(|what| !what.contains("has no schedule"));
        }
        // What no schedule shows is taken out of the report, and nothing else is.
        let gone = program.points.difference(&points);
        wrong.extend(gone.map(|(line, kind)| format!("{}:{line}: {kind} is not in the report", program.name)));
        wrong
    });
    none(&found.concat(), "Schedules show what the report says.");
}

#[test]
fn every_point_of_an_example_comes_with_schedules() {
    let names = files("examples", &[".lasp"]);
    let programs: Vec<Labelled> = names
        .iter()
        .map(|path| Labelled { name: shown(path), text: text(path), free: false, points: BTreeSet::new() })
        .collect();
    let found = each(&programs, |program| {
        let name = program.name.trim_start_matches("examples/").trim_end_matches(".lasp");
        let mut play = example(name);
        play.set_roles(&asked(name, &program.text).roles);
        unshown(name, &program.text, &play).1
    });
    none(&found.concat(), "Schedules show what the report says of the examples.");
}

/// Whether there is a schedule of two replicas after which no task waits for ever.
fn goes_on(play: &Play) -> bool {
    let found = explore(play, &Schedule::new(2), LOOK.bounds);
    found.outcomes.iter().any(|outcome| outcome.replicas.iter().all(|shown| shown.waits.is_empty()))
}

/// What is wrong with the repairs of a program's points.
fn unmended(program: &Labelled) -> Vec<String> {
    let (name, text) = (&program.name, &program.text);
    let (report, _) = reported(name, text);
    let (mut wrong, mut original) = (Vec::new(), None);
    for point in &report.points {
        let mut tell = |what: String| wrong.push(format!("{name}: the repair of {}: {what}", point.kind.name()));
        let edits = match &point.repair.write {
            Writing::Edits(edits) => edits,
            Writing::Lines(lines) => {
                // A change of the design: the lines to begin with are sound where the program stands.
                let written = lines.join("\n");
                if written.is_empty() || written.contains("..") {
                    tell(format!("no complete line: {written}"));
                } else if let Err(mistakes) = Play::new(name, &format!("{text}\n{written}\n")) {
                    tell(format!("{written}\n    {mistakes:?}"));
                }
                continue;
            }
        };
        if edits.is_empty() || edits.iter().any(|edit| edit.text.contains("..")) {
            tell("no complete line".to_owned());
        }
        let Some(mended) = apply(text, edits) else {
            tell("edits that overlap".to_owned());
            continue;
        };
        let play = match Play::new(name, &mended) {
            Ok(play) => play,
            Err(mistakes) => {
                tell(format!("{mended}\n    {mistakes:?}"));
                continue;
            }
        };
        if !goes_on(&play) && original.get_or_insert_with(|| goes_on(&self::play(name, text))) == &true {
            tell(format!("waits for ever on every schedule:\n{mended}"));
        }
        let (after, _) = reported(name, &mended);
        let same = |report: &Report| report.points.iter().filter(|other| other.kind == point.kind).count();
        if same(&after) < same(&report) && after.points.len() < report.points.len() {
            continue;
        }
        let found = explore(&play, &Schedule::new(2), Bounds { reduce: true, ..ALL });
        if found.outcomes.len() > 1 || !found.complete {
            tell(format!("the point stays:\n{mended}"));
        }
    }
    wrong
}

#[test]
fn every_repair_can_be_written_and_takes_its_point_away() {
    let mut programs = labelled();
    programs.extend(files("examples", &[".lasp"]).into_iter().map(|path| Labelled {
        name: shown(&path),
        text: text(&path),
        free: false,
        points: BTreeSet::new(),
    }));
    none(&each(&programs, unmended).concat(), "A repair repairs.");
}

#[test]
fn what_takes_many_steps_has_schedules_too() {
    let hops = "Turn = declare(gcounter). S = declare(gset).\n\
        hops(N, Last) when N > Last -> done;\n\
        hops(N, Last) -> read(Turn, {value, N}), update(Turn, increment), hops(N + 2, Last).\n\
        case replica() of 0 -> hops(0, 8), update(S, {add, here}); 1 -> hops(1, 9), print(query(S)); _ -> ok end.";
    let (report, _) = reported("far.lasp", hops);
    let play = play("far.lasp", hops);
    let found = confirm(&play, &report.points, Effort::COMMAND);
    let Evidence { sides: (one, other), .. } = found.shown[0].as_ref().expect("two schedules");
    let replayed = |schedule: &Schedule| play.replay(&schedule.to_string().parse().expect("a schedule reads back"));
    assert_ne!(replayed(&one.schedule), replayed(&other.schedule), "{}, {}", one.schedule, other.schedule);
}

#[test]
fn what_is_shown_by_schedules_that_differ_elsewhere_too_says_where() {
    let coupled = "S = declare(gset). T = declare(gset).\n\
        case replica() of 0 -> update(S, {add, 1}); 1 -> update(T, {add, length(query(S))}),\n\
        print(query(T)); _ -> ok end.";
    let alone = "S = declare(gset).\n\
        case replica() of 0 -> update(S, {add, 1}); 1 -> print(query(S)), sleep(1),\n\
        print(query(S)); _ -> ok end.";
    let also = |text: &str| -> Vec<Vec<u32>> {
        let (report, _) = reported("two.lasp", text);
        let play = play("two.lasp", text);
        let found = confirm(&play, &report.points, Effort::COMMAND);
        let line = |span: &Span| play.files().place(*span).line;
        let also = |found: &Option<Evidence>| found.as_ref().expect("shown").also.iter().map(line).collect();
        found.shown.iter().map(also).collect()
    };
    // What the second sees is what the first saw; and two looks at one set are not the same look.
    assert_eq!(also(coupled), [vec![3], vec![2]]);
    assert_eq!(also(alone), [vec![], vec![]] as [Vec<u32>; 2]);
}

/// Verbs that neither derive, nor look, nor wait, nor change a variable.
const NEITHER: [&str; 10] = [
    "declare",
    "declare_dynamic",
    "thread",
    "print",
    "io:format",
    "assert",
    "interested",
    "disinterested",
    "set_topic",
    "remove_topic",
];

#[test]
fn every_verb_that_derives_looks_waits_or_changes_gets_a_class() {
    let mut forgotten = Vec::new();
    for row in BUILTINS.iter().filter(|row| row.verb.is_some()) {
        let title = row.title();
        let name = title.split('/').next().expect("a name");
        let calls = |text: &str| {
            let classes = reported(name, text).0.classes;
            classes.iter().any(|classed| classed.what.split(' ').next() == Some(name))
        };
        let needed = !NEITHER.contains(&name);
        // Some have no example: there may be no such file.
        let example = match name {
            "enforce_once" => "V = declare(gcounter), enforce_once(V, {value, 1}, fun() -> print(once) end).",
            "every" => "every(10, fun() -> print(again) end).",
            "each_line" => "each_line(\"a.txt\", fun(Line) -> print(Line) end).",
            "csv:read" => "csv:read(\"a.csv\").",
            "json:read" => "json:read(\"a.json\").",
            _ => row.example,
        };
        if calls(example) != needed {
            forgotten.push(title.clone());
        }
        // What nothing comes to is told as well.
        let body = example.trim_end_matches('.').replace(". ", ", ");
        // Tables of views are names of the top level.
        let alone = example.contains("() ->") || name == "sql";
        if needed && !alone && !calls(&format!("unused() -> {body}.")) {
            forgotten.push(format!("{title} where nothing comes to it"));
        }
    }
    none(&forgotten, "Each verb that has to do with order has a class wherever it stands.");
}

#[test]
fn the_same_schedule_gives_the_same_outcome_every_time() {
    let program = text(Path::new(&support::root().join("tests/coordination/ordered/a_leader_is_elected.lasp")));
    let play = play("leader.lasp", &program);
    let schedule: Schedule = "2 replicas: run 0, send 0 to 1".parse().expect("a schedule");
    let outcome = play.replay(&schedule);
    assert_eq!(outcome, play.replay(&schedule));
    assert_ne!(outcome, play.replay(&Schedule::new(2)));
}

#[test]
fn examples_that_need_no_coordination_get_no_points() {
    let free = [
        "01_hello_set",
        "02_counters",
        "03_derived_views",
        "04_folds_and_leaderboards",
        "05_dynamic_variables",
        "08_earthquakes",
        "09_leaderboard",
        "10_edge_average",
        "12_festival",
        "13_producer_consumer",
        "14_bounded_buffer",
        "15_sieve",
        "19_films",
    ];
    let mut findings = Vec::new();
    for name in free {
        let program = text(&support::root().join(format!("examples/{name}.lasp")));
        let (_, points) = reported(name, &program);
        findings.extend(points.iter().map(|(line, kind)| format!("{name}:{line}: {kind}")));
    }
    none(&findings, "What is free of coordination is told to be.");
}

#[test]
fn the_command_shows_both_schedules_and_each_of_them_replays() {
    let path = "tests/coordination/ordered/a_query_decides.lasp";
    let told = support::lasp(&["check", "--coordination", "--deny", path], "");
    assert_eq!(told.code, Some(1), "{told:?}");
    for part in ["point of order: query", "S -> query -> update", "either: 2 replicas", "repair: "] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    let told = support::lasp(&["check", "--coordination", "--json", path], "");
    assert_eq!(told.code, Some(0), "{told:?}");
    let events: Vec<serde_json::Value> =
        told.stdout.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let point = events.iter().find(|event| event["event"] == "point").expect("a point");
    assert_eq!((point["kind"].as_str(), point["line"].as_u64()), (Some("query"), Some(6)));
    let schedules = point["schedules"].as_array().expect("two schedules");
    let outcomes: BTreeSet<String> = schedules
        .iter()
        .map(|schedule| {
            let schedule = schedule.as_str().expect("a text");
            let ran = support::lasp(&["check", "--replay", schedule, path], "");
            assert_eq!(ran.code, Some(0), "{ran:?}");
            ran.stdout.lines().skip(1).collect::<Vec<_>>().join("\n")
        })
        .collect();
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert_eq!(support::lasp(&["check", "--replay", "2 nodes", path], "").code, Some(2));
    let free = support::lasp(&["check", "--coordination", "--deny", "examples/01_hello_set.lasp"], "");
    assert_eq!(free.code, Some(0), "{free:?}");
}

#[test]
fn examples_that_need_coordination_get_their_points_and_no_others() {
    let expected: [(&str, &[(u32, &str)]); 2] = [
        // Who shows an advertisement does not wait for what others have counted.
        ("07_ad_counter", &[(46, "check-then-act"), (49, "chance")]),
        // Two may want and buy one thing; that the three of the example do not is not followed.
        ("16_shopping_list", &[(24, "removal")]),
    ];
    for (name, points) in expected {
        let program = text(&support::root().join(format!("examples/{name}.lasp")));
        assert_eq!(reported(name, &program).1, points.iter().copied().collect(), "{name}");
    }
}

/// A program of `examples/` with its data.
fn example(name: &str) -> Play {
    let mut play = play(name, &text(&support::root().join(format!("examples/{name}.lasp"))));
    for path in play.missing_files(1) {
        let bytes = std::fs::read(support::root().join("examples").join(&path)).expect("the example's data");
        play.file(&path, bytes);
    }
    play
}

#[test]
fn the_work_of_a_report_is_counted_and_bounded_whatever_a_single_run_costs() {
    let bounds = Bounds { plays: 400, steps: 12, cost: 1_000_000, reduce: true, merge: false };
    let effort = Effort { replicas: &[2, 3], bounds };
    let slow = play(
        "slow.lasp",
        "loop(0) -> 1; loop(N) -> loop(N - 1).\n\
         S = declare(set), T = map(S, fun(X) -> X + loop(100000) end).\n\
         update(S, {add, lists:seq(1, 1000)}), query(T).",
    );
    // What comes to a node whose turn has no end is not taken in, and need not be sent again and again.
    let endless =
        play("endless.lasp", "loop() -> loop(). S = declare(set), update(S, {add, replica()}), sleep(1), loop().");
    for play in [example("08_earthquakes"), example("19_films"), slow, endless] {
        let found = confirm(&play, &[], effort);
        // Two numbers of replicas; what is done when a play is broken off comes on top.
        assert!(found.cost <= 3 * bounds.cost, "{found:?}");
        assert!(!found.complete());
    }
}
