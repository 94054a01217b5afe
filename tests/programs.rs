//! Random programs, from their text to what they print, on three replicas under random schedules: each query gives what the
//! [`model`] says that the updates come to which had been seen by then, for all types, and derived variables follow.

mod model;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lasp::sim::play::Play;
use lasp::sim::schedule::Schedule;
use lasp::sim::schedule::Step;
use lasp::value::kind::Type;
use lasp::value::map::Map;
use lasp::value::term::Term;
use model::Act;
use model::Event;
use model::accepts;
use model::all;
use model::bottom;
use model::meaning;

const REPLICAS: usize = 3;
/// A play wakes each sleeper twice.
const TURNS: usize = 3;
/// The random programs of a run of the tests.
const PROGRAMS: u64 = 120;
/// How many variables besides the two sets that others are derived from.
const VARIABLES: usize = 5;

/// Chance with a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// A variable with what was done to it, and what each replica has seen of that.
struct Variable {
    kind: Type,
    acts: Vec<Act>,
    events: Vec<Event>,
    seen: Vec<BTreeSet<usize>>,
}

impl Variable {
    fn new((kind, acts): (Type, Vec<Act>)) -> Variable {
        Variable { kind, acts, events: Vec::new(), seen: vec![BTreeSet::new(); REPLICAS] }
    }

    fn known(&self, replica: usize) -> Vec<Event> {
        self.events.iter().filter(|event| self.seen[replica].contains(&event.number)).cloned().collect()
    }

    /// Says whether it is done.
    fn update(&mut self, replica: usize, act: &Act) -> bool {
        if !accepts(&self.kind, act, &self.known(replica), &[]) {
            return false;
        }
        let (number, saw) = (self.events.len(), self.seen[replica].clone());
        self.events.push(Event { number, replica, act: act.clone(), saw });
        self.seen[replica].insert(number);
        true
    }

    fn value(&self, replica: usize) -> Term {
        meaning(&self.kind, &self.known(replica), &[]).unwrap_or_else(|| bottom(&self.kind))
    }
}

/// What a replica does in one turn: updates by number of variable and act.
type Turn = Vec<(usize, usize)>;

/// A program in the model: the first two variables are sets, and feed the derived ones.
struct World {
    variables: Vec<Variable>,
    turns: Vec<Vec<Turn>>,
    /// How many turns each replica has had, and whether it sleeps.
    had: Vec<(usize, bool)>,
    prints: Vec<Vec<String>>,
}

/// Variables that are derived from the sets A and B, as a program writes them.
const DERIVED: [&str; 9] = [
    "D0 = map(V0, fun(X) -> X rem 2 end).",
    "D1 = filter(V0, fun(X) -> X > 1 end).",
    "D2 = union(V0, V1).",
    "D3 = intersection(V0, V1).",
    "D4 = product(V0, V1).",
    "D5 = difference(V0, V1).",
    "D6 = declare(counter), fold(V0, fun(X) -> {increment, X * 10} end, D6).",
    "D7 = declare({gmap, [counter]}), group_by(V1, fun(X) -> X rem 2 end, fun(X) -> {increment, X} end, D7).",
    "D8 = join(V0, V1, fun(X) -> X rem 2 end, fun(X) -> X rem 2 end).",
];

/// The values of the derived variables, computed anew from those of the sets.
fn derived(a: &Term, b: &Term) -> Vec<Term> {
    let numbers = |set: &Term| -> BTreeSet<i64> {
        set.to_vec().expect("a list").iter().map(|element| element.as_int().expect("a number")).collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    let set = |all: BTreeSet<i64>| Term::list(all.into_iter().map(Term::Int).collect::<Vec<_>>());
    let pairs = |fits: &dyn Fn(i64, i64) -> bool| {
        let all = a.iter().flat_map(|x| b.iter().map(move |y| (*x, *y))).filter(|(x, y)| fits(*x, *y));
        Term::list(all.map(|(x, y)| Term::pair(Term::Int(x), Term::Int(y))).collect::<Vec<_>>())
    };
    let mut groups = Map::new();
    for key in b.iter().map(|x| x % 2).collect::<BTreeSet<_>>() {
        groups.insert(Term::Int(key), Term::Int(b.iter().filter(|x| *x % 2 == key).sum()));
    }
    vec![
        set(a.iter().map(|x| x % 2).collect()),
        set(a.iter().copied().filter(|x| *x > 1).collect()),
        set(a.union(&b).copied().collect()),
        set(a.intersection(&b).copied().collect()),
        pairs(&|_, _| true),
        set(a.difference(&b).copied().collect()),
        Term::Int(a.iter().sum::<i64>() * 10),
        Term::map(groups),
        pairs(&|x, y| x % 2 == y % 2),
    ]
}

impl World {
    fn random(dice: &mut Dice) -> World {
        let kinds = all();
        let sets: Vec<&(Type, Vec<Act>)> = kinds.iter().filter(|(kind, _)| kind.is_set()).collect();
        let mut variables: Vec<Variable> =
            (0..2).map(|_| Variable::new(sets[dice.below(sets.len())].clone())).collect();
        variables.extend((0..VARIABLES).map(|_| Variable::new(kinds[dice.below(kinds.len())].clone())));
        let turn = |dice: &mut Dice| -> Turn {
            (0..dice.below(5))
                .map(|_| {
                    let at = dice.below(variables.len());
                    (at, dice.below(variables[at].acts.len()))
                })
                .collect()
        };
        let turns = (0..REPLICAS).map(|_| (0..TURNS).map(|_| turn(dice)).collect()).collect();
        World { variables, turns, had: vec![(0, false); REPLICAS], prints: vec![Vec::new(); REPLICAS] }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (at, variable) in self.variables.iter().enumerate() {
            let _ = writeln!(text, "V{at} = declare({}).", variable.kind);
        }
        let _ = writeln!(text, "{}", DERIVED.join("\n"));
        let names = (0..self.variables.len()).map(|at| format!("query(V{at})"));
        let names: Vec<String> = names.chain((0..DERIVED.len()).map(|at| format!("query(D{at})"))).collect();
        let _ = writeln!(text, "show() -> print([{}]).", names.join(", "));
        let _ = writeln!(text, "attempt(V, Op) -> print(element(1, try_update(V, Op))).");
        let replica = |(at, turns): (usize, &Vec<Turn>)| {
            let turn = |turn: &Turn| -> String {
                let update =
                    |(at, act): &(usize, usize)| format!("attempt(V{at}, {}), ", self.variables[*at].acts[*act].term());
                turn.iter().map(update).chain(["show()".to_owned()]).collect()
            };
            format!("    {at} -> {}", turns.iter().map(turn).collect::<Vec<_>>().join(", sleep(1),\n        "))
        };
        let replicas: Vec<String> = self.turns.iter().enumerate().map(replica).collect();
        let _ = writeln!(text, "case replica() of\n{}\nend.", replicas.join(";\n"));
        text
    }

    fn can_run(&self, replica: usize) -> bool {
        let (had, sleeps) = self.had[replica];
        !sleeps && had < TURNS
    }

    fn run(&mut self, replica: usize) {
        if !self.can_run(replica) {
            return;
        }
        let (had, _) = self.had[replica];
        for (at, act) in self.turns[replica][had].clone() {
            let act = self.variables[at].acts[act].clone();
            let done = self.variables[at].update(replica, &act);
            self.prints[replica].push(if done { "ok" } else { "refused" }.to_owned());
        }
        let mut values: Vec<Term> = self.variables.iter().map(|variable| variable.value(replica)).collect();
        values.extend(derived(&values[0], &values[1]));
        self.prints[replica].push(Term::list(values).to_string());
        self.had[replica] = (had + 1, had + 1 < TURNS);
    }

    fn send(&mut self, from: usize, to: usize) -> bool {
        let mut new = false;
        for variable in &mut self.variables {
            let seen = variable.seen[from].clone();
            new |= !seen.is_subset(&variable.seen[to]);
            variable.seen[to].extend(seen);
        }
        new
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Run(at) => self.run(at),
            Step::Wake(at) => self.had[at].1 = false,
            Step::Send(from, to) | Step::SendOne(from, to) => {
                self.send(from, to);
            }
        }
    }

    /// As a schedule goes on by itself.
    fn complete(&mut self) {
        loop {
            if let Some(at) = (0..REPLICAS).find(|at| self.can_run(*at)) {
                self.run(at);
                continue;
            }
            let pairs = (0..REPLICAS).flat_map(|from| (0..REPLICAS).map(move |to| (from, to)));
            if pairs.filter(|(from, to)| from != to).fold(false, |new, (from, to)| self.send(from, to) || new) {
                continue;
            }
            let Some(at) = (0..REPLICAS).find(|at| self.had[*at].1) else { return };
            self.had[at].1 = false;
        }
    }
}

fn schedule(dice: &mut Dice) -> Schedule {
    let step = |dice: &mut Dice| {
        let at = dice.below(REPLICAS);
        match dice.below(4) {
            0 | 1 => Step::Run(at),
            2 => Step::Wake(at),
            _ => Step::Send(at, (at + 1 + dice.below(REPLICAS - 1)) % REPLICAS),
        }
    };
    Schedule { steps: (0..dice.below(40)).map(|_| step(dice)).collect(), ..Schedule::new(REPLICAS) }
}

#[test]
fn random_programs_print_and_end_with_what_the_model_says() {
    for seed in 0..PROGRAMS {
        let mut dice = Dice(seed);
        let mut world = World::random(&mut dice);
        let text = world.text();
        let play = Play::new("random.lasp", &text).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong:#?}\n{text}"));
        let schedule = schedule(&mut dice);
        let outcome = play.replay(&schedule);
        schedule.steps.iter().for_each(|step| world.step(*step));
        world.complete();
        for (replica, shown) in outcome.replicas.iter().enumerate() {
            assert_eq!(shown.errors, Vec::<String>::new(), "seed {seed}, {schedule}\n{text}");
            let printed: Vec<String> = shown.prints.concat().iter().map(|line| line.trim_end().to_owned()).collect();
            assert_eq!(printed, world.prints[replica], "seed {seed}, replica {replica}, {schedule}\n{text}");
        }
        let mut values: Vec<Term> = world.variables.iter().map(|variable| variable.value(0)).collect();
        values.extend(derived(&values[0], &values[1]));
        let names = (0..world.variables.len()).map(|at| format!("V{at}"));
        for (name, value) in names.chain((0..DERIVED.len()).map(|at| format!("D{at}"))).zip(values) {
            assert_eq!(outcome.finals[&name], vec![value], "seed {seed}: {name}, {schedule}\n{text}");
        }
    }
}
