//! `enforce_once` on nodes among which several servers decide: messages are passed by hand, processes end and come back with
//! what they had on disk.

use std::collections::BTreeMap;

use lasp::compile::Session;
use lasp::effects::Deciders;
use lasp::effects::EFFECTS;
use lasp::effects::EffectKey;
use lasp::effects::Member;
use lasp::effects::Message;
use lasp::effects::NodeId;
use lasp::effects::Standing;
use lasp::lattice::dot::ReplicaId;
use lasp::node::Deciding;
use lasp::node::EffectEvent;
use lasp::node::EffectSettings;
use lasp::node::EffectState;
use lasp::node::Input;
use lasp::node::Node;
use lasp::node::Output;
use lasp::node::Progress;
use lasp::node::Settings;
use lasp::replica::PeerId;
use lasp::replica::Role;
use lasp::source::diagnostic::Diagnostic;
use lasp::value::term::Term;

/// Milliseconds between two looks at everything.
const STEP_MS: u64 = 10;

const PROGRAM: &str = "C = declare(counter), Ran = declare(gset).
    enforce_once(C, {value, 3}, fun(Key) -> print(Key), update(Ran, {add, Key}) end).
    update(C, increment).";

struct Process {
    node: Option<Node>,
    disk: BTreeMap<Vec<u8>, Vec<u8>>,
    role: Role,
    life: u64,
    prints: Vec<String>,
    reports: Vec<Diagnostic>,
    effects: Vec<EffectEvent>,
    cut: bool,
}

struct Cluster {
    now_ms: u64,
    program: &'static str,
    list: Deciders,
    processes: Vec<Process>,
    mail: Vec<(usize, usize, Vec<u8>)>,
    /// Messages out of the ordinary that were complained of.
    refused: usize,
}

fn id(at: usize) -> NodeId {
    NodeId(at as u64 + 1)
}

impl Cluster {
    /// So many nodes, of which the first three decide. The last one is a client.
    fn new(program: &'static str, count: usize) -> Cluster {
        let member = |at| Member { node: id(at), name: format!("n{at}"), addresses: vec![format!("h{at}:1")] };
        let list = Deciders::first((0..3).map(member).collect()).expect("a list");
        let mut cluster = Cluster { now_ms: 0, program, list, processes: Vec::new(), mail: Vec::new(), refused: 0 };
        for at in 0..count {
            let role = if at + 1 == count && count > 3 { Role::Client } else { Role::Server };
            cluster.processes.push(Process {
                node: None,
                disk: BTreeMap::new(),
                role,
                life: 0,
                prints: Vec::new(),
                reports: Vec::new(),
                effects: Vec::new(),
                cut: false,
            });
        }
        (0..count).for_each(|at| cluster.start(at, Vec::new()));
        cluster
    }

    fn start(&mut self, at: usize, again: Vec<(EffectKey, u32)>) {
        let (mut session, library) = Session::new();
        let (unit, _) = session.program("test.lasp", self.program).expect("a program");
        let process = &mut self.processes[at];
        process.life += 1;
        let settings = Settings {
            name: format!("n{at}"),
            replica: 0,
            role: Term::atom("undefined"),
            arguments: Vec::new(),
            identity: ReplicaId(u128::from(id(at).0) << 64 | u128::from(process.life)),
            seed: at as u64 * 100 + process.life,
            watch: false,
        };
        let mut node = Node::new(settings, session, &library, &unit);
        let effects = EffectSettings {
            deciding: Deciding::Servers(self.list.clone()),
            decides: true,
            role: process.role,
            kept: process.disk.clone().into_iter().collect(),
            again,
        };
        node.set_effects(effects, self.now_ms).expect("a sound disk");
        process.node = Some(node);
        for other in (0..self.processes.len()).filter(|other| *other != at) {
            if self.processes[other].node.is_some() {
                self.connect(at, other);
                self.connect(other, at);
            }
        }
    }

    fn connect(&mut self, here: usize, there: usize) {
        let (life, role) = (self.processes[there].life, self.processes[there].role);
        let incarnation = ReplicaId(u128::from(id(there).0) << 64 | u128::from(life));
        let input = Input::Connected { peer: PeerId(there as u64), name: format!("n{there}"), incarnation, role };
        self.give(here, input);
    }

    fn give(&mut self, at: usize, input: Input) {
        let now_ms = self.now_ms;
        if let Some(node) = &mut self.processes[at].node {
            node.handle(input, now_ms);
        }
    }

    fn kill(&mut self, at: usize) {
        self.processes[at].node = None;
        self.mail.retain(|(from, to, _)| *from != at && *to != at);
        for other in 0..self.processes.len() {
            self.give(other, Input::Lost { peer: PeerId(at as u64) });
        }
    }

    /// It ends within a turn, before anything of it has left: its disk has what the turn changed, or not.
    fn kill_within(&mut self, at: usize, written: bool) {
        let now_ms = self.now_ms;
        let process = &mut self.processes[at];
        if let Some(node) = &mut process.node {
            node.handle(Input::Tick, now_ms);
            node.run(now_ms, 1_000_000);
            for put in node.take_effect_puts().into_iter().filter(|_| written) {
                match put.value {
                    Some(value) => process.disk.insert(put.key, value),
                    None => process.disk.remove(&put.key),
                };
            }
        }
        self.kill(at);
    }

    /// Nothing comes or goes any more, and nobody is told.
    fn cut(&mut self, at: usize, cut: bool) {
        self.processes[at].cut = cut;
    }

    fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / STEP_MS {
            self.now_ms += STEP_MS;
            for (from, to, bytes) in std::mem::take(&mut self.mail) {
                if !self.processes[from].cut && !self.processes[to].cut {
                    self.give(to, Input::Received { peer: PeerId(from as u64), bytes });
                }
            }
            for at in 0..self.processes.len() {
                self.turn(at);
            }
        }
    }

    fn turn(&mut self, at: usize) {
        let now_ms = self.now_ms;
        let process = &mut self.processes[at];
        let Some(node) = &mut process.node else { return };
        if node.next_timer().is_some_and(|due| due <= now_ms) {
            node.handle(Input::Tick, now_ms);
        }
        while node.run(now_ms, 1_000_000) == Progress::Busy {}
        for put in node.take_effect_puts() {
            match put.value {
                Some(value) => process.disk.insert(put.key, value),
                None => process.disk.remove(&put.key),
            };
        }
        while let Some(output) = node.poll_output() {
            match output {
                Output::Send { peer: PeerId(to), bytes } => {
                    self.mail.push((at, usize::try_from(to).expect("small"), bytes));
                }
                Output::Print { text, .. } => process.prints.push(text),
                Output::Report(report) => process.reports.push(report),
                Output::Effect(event) => process.effects.push(event),
                Output::Disconnect { .. } => self.refused += 1,
                _ => {}
            }
        }
    }

    fn prints(&self) -> usize {
        self.processes.iter().map(|process| process.prints.len()).sum()
    }

    fn runner(&self) -> Option<usize> {
        self.processes.iter().position(|process| process.effects.iter().any(|it| it.state == EffectState::Started))
    }

    fn doubts(&self, at: usize) -> usize {
        self.processes[at].reports.iter().filter(|report| report.code == "E0650").count()
    }
}

#[test]
fn of_five_nodes_one_server_runs_the_effect_and_all_learn_of_its_end() {
    let mut cluster = Cluster::new(PROGRAM, 5);
    cluster.run(15_000);
    assert_eq!(cluster.prints(), 1);
    let runner = cluster.runner().expect("it ran");
    assert_ne!(runner, 4, "not at the client");
    for process in &cluster.processes {
        assert!(process.effects.iter().any(|event| event.state == EffectState::Ended), "{:?}", process.effects);
        assert_eq!(process.reports, Vec::new());
    }
    let key = cluster.processes[runner].effects[0].key.to_string();
    assert_eq!(cluster.processes[runner].prints, [format!("{key}\n")], "the function is given the key");
    assert_eq!(cluster.refused, 0);
}

#[test]
fn while_a_majority_is_away_everything_but_the_effect_goes_on() {
    let mut cluster = Cluster::new(PROGRAM, 3);
    cluster.cut(1, true);
    cluster.cut(2, true);
    cluster.run(1000);
    for _ in 0..2 {
        cluster.give(0, Input::Typed { text: "update(C, increment).".into() });
        cluster.run(1000);
    }
    cluster.run(10_000);
    assert_eq!(cluster.prints(), 0);
    let node = cluster.processes[0].node.as_mut().expect("runs");
    let status = node.status();
    assert!(status.quiescent, "nothing else waits");
    let waiting: Vec<&str> = status.waiting.iter().map(|waiting| waiting.text.as_str()).collect();
    assert!(waiting[0].contains("a majority of the servers that decide is not together"), "{waiting:?}");
    let told = cluster.processes[0].reports.iter().filter(|report| report.code == "E0657").count();
    assert_eq!(told, 1, "that it waits is told while it does, once");
    let node = cluster.processes[0].node.as_mut().expect("runs");
    assert_eq!(node.finals()[0].value, Term::Int(3));
    cluster.cut(1, false);
    cluster.run(10_000);
    assert_eq!(cluster.prints(), 1);
    cluster.cut(2, false);
    cluster.run(10_000);
    assert_eq!(cluster.prints(), 1);
}

#[test]
fn a_server_that_ended_while_it_was_at_it_leaves_a_doubt_that_everybody_is_told() {
    const WAITS: &str = "C = declare(counter), Never = declare(ivar).
        enforce_once(C, {value, 3}, fun() -> print(begun), read(Never) end).
        update(C, increment).";
    let mut cluster = Cluster::new(WAITS, 4);
    cluster.run(8000);
    let runner = cluster.runner().expect("it ran");
    let key = cluster.processes[runner].effects[0].key;
    assert_eq!((0..4).map(|at| cluster.doubts(at)).sum::<usize>(), 0, "it still runs");
    cluster.kill(runner);
    cluster.run(30_000);
    for at in (0..4).filter(|at| *at != runner) {
        assert_eq!(cluster.doubts(at), 1, "node {at} is told, once");
        let doubt = cluster.processes[at].reports.iter().find(|report| report.code == "E0650").expect("one");
        let called = format!("`n{runner}` (the node {})", id(runner));
        assert!(doubt.title.contains(&called), "the lost one is told by its name: {}", doubt.title);
    }
    // Everybody ends, and comes back.
    for at in (0..4).filter(|at| *at != runner) {
        cluster.kill(at);
    }
    (0..4).for_each(|at| cluster.start(at, Vec::new()));
    cluster.run(40_000);
    assert_eq!(cluster.doubts(runner), 1, "it knows by itself");
    assert_eq!(cluster.prints(), 1, "and it is not run again");
    // Until somebody asks for it.
    let other = (runner + 1) % 3;
    cluster.kill(other);
    cluster.start(other, vec![(key, 1)]);
    cluster.run(40_000);
    assert_eq!(cluster.prints(), 2);
    assert_eq!(cluster.processes[other].prints.last().map(String::as_str), Some("begun\n"));
}

#[test]
fn an_end_that_was_told_is_not_forgotten_though_its_node_is_killed_before_the_others_know() {
    const SHORT: &str = "C = declare(counter).
        enforce_once(C, {value, 3}, fun() -> sleep(500), print(done) end).
        update(C, increment).";
    let mut cluster = Cluster::new(SHORT, 3);
    while cluster.runner().is_none() {
        cluster.run(STEP_MS);
        assert!(cluster.now_ms < 20_000, "somebody runs it");
    }
    let runner = cluster.runner().expect("it runs");
    let others: Vec<usize> = (0..3).filter(|at| *at != runner).collect();
    others.iter().for_each(|&at| cluster.cut(at, true));
    cluster.run(1000);
    let told = |cluster: &Cluster, at: usize| cluster.processes[at].effects.last().map(|event| event.state);
    assert_eq!(told(&cluster, runner), Some(EffectState::Ended));
    cluster.kill(runner);
    others.iter().for_each(|&at| cluster.cut(at, false));
    cluster.start(runner, Vec::new());
    cluster.run(40_000);
    assert!((0..3).all(|at| told(&cluster, at) == Some(EffectState::Ended)));
    assert_eq!((cluster.prints(), cluster.doubts(runner)), (1, 0));
    let rows = |at: usize| cluster.processes[at].disk.keys().filter(|key| matches!(key.first(), Some(4 | 6))).count();
    assert_eq!(rows(runner), 0, "those who decide know it, and it need not be kept beside");
}

#[test]
fn what_peers_send_about_effects_does_no_harm() {
    let mut cluster = Cluster::new(PROGRAM, 3);
    cluster.run(2000);
    let mut state = 7_u64;
    for round in 0..5000_usize {
        let mut bytes = vec![0x80 + u8::from(round % 2 == 0)];
        for _ in 0..round % 40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.push(state.to_be_bytes()[0] % 20);
        }
        cluster.give(0, Input::Received { peer: PeerId(1), bytes });
    }
    cluster.give(0, Input::Received { peer: PeerId(1), bytes: vec![0x80; 1 << 20] });
    cluster.give(0, Input::Received { peer: PeerId(99), bytes: vec![0x80] });
    cluster.run(10);
    assert!(cluster.refused > 3000, "{}", cluster.refused);
    cluster.run(10_000);
    assert_eq!(cluster.prints(), 1);
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let mut cluster = Cluster::new(PROGRAM, 4);
        cluster.run(3000);
        cluster.kill(0);
        cluster.run(3000);
        cluster.start(0, Vec::new());
        cluster.run(3000);
        let disks: Vec<_> = cluster.processes.iter().map(|process| process.disk.clone()).collect();
        (disks, cluster.prints(), cluster.runner())
    };
    assert_eq!(run(), run());
}

/// A number below `most`, by chance.
fn below(state: &mut u64, most: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits") % most
}

#[test]
fn a_node_that_hears_that_no_more_effects_can_be_remembered_starts_none() {
    let mut cluster = Cluster::new(PROGRAM, 4);
    let mut full = 0;
    for _ in 0..200 {
        cluster.run(STEP_MS);
        for (_, _, bytes) in cluster.mail.iter_mut().filter(|(.., bytes)| bytes.first() == Some(&EFFECTS)) {
            if let Ok(Message::Answers(mut answers)) = Message::decode(bytes) {
                answers.iter_mut().for_each(|answer| answer.standing = Standing::Full);
                *bytes = Message::Answers(answers).encode();
                full += 1;
            }
        }
    }
    // Those who decide among themselves know better; the client has it from them alone.
    let told = &cluster.processes[3].reports;
    assert!(full > 0 && told.iter().any(|report| report.code == "E0653"), "{full} answers: {told:#?}");
    assert_eq!(cluster.processes[3].prints.len(), 0);
}

#[test]
fn whoever_is_cut_off_or_killed_each_effect_starts_at_most_once_and_all_learn_what_became_of_it() {
    const MANY: &str = "W = declare(gset).
        want(N) -> enforce_once(W, {cardinality, N}, fun() -> sleep(2500), print(N) end).
        lists:foreach(fun(N) -> want(N) end, lists:seq(1, 6)).";
    let add = |n: usize| Input::Typed { text: format!("update(W, {{add, {n}}}).") };
    let mut doubts = 0;
    for seed in 1..=6 {
        let mut cluster = Cluster::new(MANY, 5);
        let mut state = seed;
        for _ in 0..30 {
            let (at, n) = (below(&mut state, 5), below(&mut state, 6));
            cluster.give(at, add(n));
            let at = below(&mut state, 5);
            match (below(&mut state, 6), cluster.processes[at].node.is_some()) {
                (0 | 1, true) => cluster.kill_within(at, n % 2 == 0),
                (0 | 1, false) => cluster.start(at, Vec::new()),
                (2, _) => cluster.cut(at, true),
                (3, _) => (0..5).for_each(|at| cluster.cut(at, false)),
                _ => {}
            }
            cluster.run(100 + below(&mut state, 900) as u64);
        }
        (0..5).for_each(|at| cluster.cut(at, false));
        for at in 0..5 {
            if cluster.processes[at].node.is_none() {
                cluster.start(at, Vec::new());
            }
        }
        (0..6).for_each(|n| cluster.give(0, add(n)));
        cluster.run(35_000);
        let of = |process: &Process, states: &[EffectState]| -> Vec<(EffectKey, u32)> {
            let events = process.effects.iter().filter(|event| states.contains(&event.state));
            events.map(|event| (event.key, event.attempt)).collect()
        };
        let mut started: Vec<(EffectKey, u32)> =
            cluster.processes.iter().flat_map(|process| of(process, &[EffectState::Started])).collect();
        let count = started.len();
        started.sort_unstable();
        started.dedup();
        assert_eq!(started.len(), count, "seed {seed}: one was started twice");
        assert!(started.iter().all(|(_, attempt)| *attempt == 1), "nobody asked for another");
        for process in &cluster.processes {
            let mut known = of(process, &[EffectState::Ended, EffectState::InDoubt]);
            known.sort_unstable();
            known.dedup();
            assert_eq!(known.len(), 6, "seed {seed}: {:?}", process.effects);
        }
        for (at, process) in cluster.processes.iter().enumerate() {
            let last = |of: &Process, key| of.effects.iter().rfind(|event| event.key == key).map(|event| event.state);
            for (key, _) in of(process, &[EffectState::Ended]) {
                let told: Vec<_> = cluster.processes.iter().map(|of| last(of, key)).collect();
                assert!(told.iter().all(|it| *it == Some(EffectState::Ended)), "seed {seed}, node {at} said: {told:?}");
            }
        }
        assert_eq!(cluster.refused, 0);
        doubts += cluster.processes.iter().map(|process| of(process, &[EffectState::InDoubt]).len()).sum::<usize>();
    }
    assert!(doubts > 5, "some were cut off: {doubts}");
}

#[test]
fn one_that_decides_and_is_put_back_is_told_by_whoever_heard_of_more_and_nothing_starts_again() {
    let mut cluster = Cluster::new(PROGRAM, 5);
    cluster.kill(2);
    cluster.cut(0, true);
    cluster.run(3000);
    let before = cluster.processes[0].disk.clone();
    cluster.cut(0, false);
    cluster.run(15_000);
    assert_eq!(cluster.prints(), 1);
    [0, 1].into_iter().for_each(|at| cluster.kill(at));
    cluster.processes[0].disk = before;
    // Together they are a majority that knows of nothing.
    cluster.start(0, Vec::new());
    cluster.start(2, Vec::new());
    cluster.run(20_000);
    let told = |at: usize| cluster.processes[at].reports.iter().filter(|report| report.code == "E0654").count();
    assert_eq!((cluster.prints(), told(0), told(2)), (1, 1, 0));
    assert_eq!(cluster.refused, 0);
}
