//! Random programs, from their text to what they print, on three replicas under random schedules: each query gives what the
//! [`model`] says that the updates come to which had been seen by then, for all types, derived variables follow, whoever waits
//! for a threshold goes on when the model says that it is met, and all this whichever way an operation is written.

mod model;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fmt::Write as _;

use lasp::cli::literal;
use lasp::sim::play::Play;
use lasp::sim::schedule::Schedule;
use lasp::sim::schedule::Step;
use lasp::value::kind::Type;
use lasp::value::map::Map;
use lasp::value::operation::shapes;
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
const PROGRAMS: u64 = 80;
/// How many variables besides the two sets that others are derived from, and the set of each replica's own.
const VARIABLES: usize = 5;
/// The number of the set of each replica's own.
const OWN: usize = 2;

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

    /// What it would be if there were nobody but this author, as far as the replica knows.
    fn value_by(&self, replica: usize, author: usize) -> Term {
        let known: Vec<Event> = self.known(replica).into_iter().filter(|event| event.replica == author).collect();
        meaning(&self.kind, &known, &[]).unwrap_or_else(|| bottom(&self.kind))
    }
}

/// What a replica does in one turn.
struct Turn {
    /// Variables and acts by their numbers, and how each is written.
    updates: Vec<(usize, usize, String)>,
    /// Whether all of them are made in one `atomically`.
    together: bool,
}

/// An act as a program may write it, in one of the ways there are.
fn spelled(dice: &mut Dice, kind: &Type, act: &Act) -> String {
    let mut ways = vec![act.term().to_string()];
    match (kind, act) {
        (_, Act::Add(n)) => ways.extend([format!("{{add, [{n}]}}"), format!("{{add_all, [{n}, {n}]}}")]),
        (_, Act::Remove(n) | Act::Drop(n)) => ways.extend([format!("{{remove, {n}}}"), format!("{{rmv_all, [{n}]}}")]),
        (Type::MaxInt, _) => {}
        (_, Act::Count(1)) => ways.push("{increment, 1}".to_owned()),
        (_, Act::Count(n)) if *n < 0 => ways.push(format!("{{decrement, {}}}", -n)),
        (Type::GMap(inner) | Type::AwMap(inner), Act::Apply(key, act)) => {
            let written = spelled(dice, inner, act);
            ways = vec![format!("{{apply, {key}, {written}}}"), format!("{{apply_all, [{{{key}, {written}}}]}}")];
            if let (Type::AwMap(_), Type::MvRegister, Act::Set(n)) = (kind, &**inner, &**act) {
                ways.push(format!("{{set, {key}, {n}}}"));
            }
        }
        (Type::Pair(kinds), Act::First(act)) => ways = vec![format!("{{fst, {}}}", spelled(dice, &kinds.0, act))],
        (Type::Pair(kinds), Act::Second(act)) => ways = vec![format!("{{snd, {}}}", spelled(dice, &kinds.1, act))],
        _ => {}
    }
    let way = dice.below(ways.len());
    ways.swap_remove(way)
}

/// Thresholds of a type, as a program writes them, by number.
fn threshold(kind: &Type, number: usize) -> String {
    let one = |ways: &[&str]| ways[number % ways.len()].to_owned();
    match kind {
        kind if kind.is_set() => {
            one(&["[1]", "{cardinality, 2}", "{strict, {cardinality, 1}}", "bound", "{strict, [1]}"])
        }
        kind if kind.is_counter() => one(&["{value, 2}", "{strict, {value, 4}}"]),
        Type::MaxInt => one(&["{value, 4}", "{strict, {value, 3}}", "bound"]),
        Type::MinInt => one(&["{value, 3}", "{strict, {value, 5}}", "bound"]),
        Type::Boolean | Type::EwFlag => one(&["true", "bound"]),
        Type::TopK(_) => one(&["{value, 4}", "{strict, {value, 4}}", "bound"]),
        Type::GMap(kind) | Type::AwMap(kind) => {
            let key = if matches!(**kind, Type::GMap(_) | Type::AwMap(_)) { 2 } else { 1 };
            format!("#{{{key} => {}}}", threshold(kind, number))
        }
        Type::Pair(kinds) => format!("{{{}, {}}}", threshold(&kinds.0, number), threshold(&kinds.1, number / 2)),
        Type::Window(window) => threshold(&window.kind, number),
        _ => "bound".to_owned(),
    }
}

/// Whether a value is at the threshold of [`threshold`] with this number.
fn met(kind: &Type, number: usize, value: &Term) -> bool {
    let number_of = |value: &Term| value.as_int();
    let bound = *value != bottom(kind);
    let of = |ways: &[bool]| ways[number % ways.len()];
    match kind {
        kind if kind.is_set() => {
            let elements = value.to_vec().expect("a set");
            let (one, many) = (elements.contains(&Term::Int(1)), elements.len() > 1);
            of(&[one, many, many, bound, one && many])
        }
        kind if kind.is_counter() => number_of(value).is_some_and(|n| of(&[n >= 2, n > 4])),
        Type::MaxInt => number_of(value).is_some_and(|n| of(&[n >= 4, n > 3, bound])),
        Type::MinInt => number_of(value).is_some_and(|n| of(&[n <= 3, n < 5, bound])),
        Type::TopK(k) => {
            let last =
                value.to_vec().expect("a list").get(*k as usize - 1).and_then(|best| best.as_tuple()?[1].as_int());
            of(&[last.is_some_and(|n| n >= 4), last.is_some_and(|n| n > 4), bound])
        }
        Type::GMap(inner) | Type::AwMap(inner) => {
            let key = if matches!(**inner, Type::GMap(_) | Type::AwMap(_)) { 2 } else { 1 };
            let Term::Map(map) = value else { return false };
            map.get(&Term::Int(key)).is_some_and(|value| met(inner, number, value))
        }
        Type::Pair(kinds) => {
            let halves = value.as_tuple().expect("a pair");
            met(&kinds.0, number, &halves[0]) && met(&kinds.1, number / 2, &halves[1])
        }
        Type::Window(window) if window.slide.is_some() => {
            let Term::Map(map) = value else { return false };
            map.iter().last().is_some_and(|(_, value)| met(&window.kind, number, value))
        }
        Type::Window(window) => met(&window.kind, number, value),
        _ => bound,
    }
}

/// A program in the model: the first two variables are sets, and feed the derived ones.
struct World {
    variables: Vec<Variable>,
    turns: Vec<Vec<Turn>>,
    tasks: Vec<Tasks>,
    prints: Vec<Vec<String>>,
    /// The number of the threshold that each replica waits for at each variable.
    awaited: Vec<usize>,
}

/// The tasks of a replica.
#[derive(Clone, Default)]
struct Tasks {
    /// How many turns the top level has had, and whether it sleeps.
    had: usize,
    sleeps: bool,
    /// Those that can go on, in their order: the top level, or who waits at a variable.
    queue: VecDeque<Option<usize>>,
    /// Those that have had a turn, and those of them that wait.
    begun: BTreeSet<usize>,
    waiting: BTreeSet<usize>,
    /// Who has waited for what with success, as far as the replica knows.
    met: BTreeSet<(usize, usize)>,
}

/// Variables that are derived from the sets A and B, as a program writes them.
const DERIVED: [&str; 20] = [
    "D0 = map(V0, fun(X) -> X rem 2 end).",
    "D1 = filter(V0, fun(X) -> X > 1 end).",
    "D2 = union(V0, V1).",
    "D3 = intersection(V0, V1).",
    "D4 = product(V0, V1).",
    "D5 = difference(V0, V1).",
    "D6 = declare(counter), fold(V0, fun(X) -> {increment, X * 10} end, D6).",
    "D7 = declare({gmap, [counter]}), group_by(V1, fun(X) -> X rem 2 end, fun(X) -> {increment, X} end, D7).",
    "D8 = join(V0, V1, fun(X) -> X rem 2 end, fun(X) -> X rem 2 end).",
    "D9 = fold(V0, fun(X) -> {set, X rem 2, X} end, declare({top_k, [2]})).",
    "D10 = fold(V0, fun(X) -> [{fst, increment}, {snd, {set, X}}] end, declare({pair, [counter, max_int]})).",
    "D11 = fold(V1, fun(X) -> {at, X, {increment, X}} end, declare({window, [2, counter]})).",
    "D12 = fold(V0, fun(X) -> {apply, X rem 2, {add, X}} end, declare({awmap, [set]})).",
    "D13 = map(D4, fun({X, Y}) -> X + Y end).",
    "D14 = fold(D7, fun({Key, Sum}) -> {increment, Key + Sum} end, declare(counter)).",
    "D15 = fold(V1, fun(X) when X > 2 -> true; (_) -> [] end, declare(boolean)).",
    "D16 = fold(D4, fun({X, Y}) -> {set, X - Y} end, declare(min_int)).",
    "D17 = difference(D2, D3).",
    "Rows = map(V0, fun(X) -> #{n => X, odd => X rem 2} end).\nD18 = sql(\"select odd, count(*) as c, sum(n) as s from Rows where n > 1 group by odd\").",
    "D19 = fold_dynamic(V2, fun(X) -> {increment, X} end, declare(counter)).",
];

/// A small number.
fn number(of: usize) -> i64 {
    i64::try_from(of).expect("a small number")
}

fn int(of: usize) -> Term {
    Term::Int(number(of))
}

/// The numbers in a set.
fn numbers(set: &Term) -> BTreeSet<i64> {
    set.to_vec().expect("a list").iter().map(|element| element.as_int().expect("a number")).collect()
}

/// A map, as a program has it, with atoms as keys.
fn row(fields: [(&'static str, i64); 3]) -> Term {
    Term::map(fields.map(|(name, value)| (Term::atom(name), Term::Int(value))).into_iter().collect())
}

/// The values of the derived variables, computed anew from those of the sets and of what each replica has of its own.
fn derived(a: &Term, b: &Term, own: &[Term]) -> Vec<Term> {
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
        Term::list(best(&a)),
        Term::pair(int(a.len()), Term::Int(a.iter().copied().max().unwrap_or(0))),
        Term::Int(b.iter().filter(|x| **x > b.iter().max().expect("one") - 2).sum()),
        Term::map(parities(&a, &|x| x > 0).into_iter().map(|(odd, all)| (Term::Int(odd), set(all))).collect()),
        set(a.iter().flat_map(|x| b.iter().map(move |y| x + y)).collect()),
        Term::Int(b.iter().sum::<i64>() + b.iter().map(|x| x % 2).collect::<BTreeSet<_>>().iter().sum::<i64>()),
        Term::boolean(b.iter().any(|x| *x > 2)),
        a.first().zip(b.last()).map_or(Term::atom("undefined"), |(x, y)| Term::Int(x - y)),
        set(a.symmetric_difference(&b).copied().collect()),
        Term::list(
            parities(&a, &|x| x > 1)
                .into_iter()
                .map(|(odd, all)| row([("odd", odd), ("c", number(all.len())), ("s", all.iter().sum())]))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
        ),
        Term::Int(own.iter().flat_map(numbers).sum()),
    ]
}

/// Those numbers that will do, the even ones under 0 and the odd ones under 1.
fn parities(of: &BTreeSet<i64>, fits: &dyn Fn(i64) -> bool) -> BTreeMap<i64, BTreeSet<i64>> {
    let mut found: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    for x in of.iter().filter(|x| fits(**x)) {
        found.entry(x % 2).or_default().insert(*x);
    }
    found
}

/// The greatest even and the greatest odd number, the greater first.
fn best(of: &BTreeSet<i64>) -> Vec<Term> {
    let mut best: Vec<(i64, i64)> =
        parities(of, &|_| true).into_iter().map(|(odd, all)| (-all.last().expect("one"), odd)).collect();
    best.sort_unstable();
    best.into_iter().map(|(score, odd)| Term::pair(Term::Int(odd), Term::Int(-score))).collect()
}

impl World {
    fn random(dice: &mut Dice) -> World {
        let kinds = all();
        let sets: Vec<Type> = kinds.iter().filter(|(kind, _)| kind.is_set()).map(|(kind, _)| kind.clone()).collect();
        let set = |kind: Type| {
            let removes = if kind == Type::GSet { 0 } else { 4 };
            let acts = (1..=4).map(Act::Add).chain((1..=removes).map(Act::Remove)).collect();
            Variable::new((kind, acts))
        };
        let mut variables: Vec<Variable> = (0..2).map(|_| set(sets[dice.below(sets.len())].clone())).collect();
        variables.push(set(Type::Set));
        // Half of them stand alone, as the first of all kinds do; and an `mvmap` has ways of its own to write operations.
        let alone = kinds.iter().take_while(|(kind, _)| !kind.is_map()).count();
        let any = |dice: &mut Dice| {
            let of_registers = |(kind, _): &&(Type, Vec<Act>)| kind.name() == "mvmap";
            match dice.below(8) {
                0 => kinds.iter().find(of_registers).expect("a map of registers").clone(),
                1..=4 => kinds[dice.below(alone)].clone(),
                _ => kinds[dice.below(kinds.len())].clone(),
            }
        };
        variables.extend((0..VARIABLES).map(|_| Variable::new(any(dice))));
        let turn = |dice: &mut Dice| Turn {
            updates: (0..dice.below(6))
                .map(|_| {
                    let at = dice.below(variables.len());
                    let act = dice.below(variables[at].acts.len());
                    (at, act, spelled(dice, &variables[at].kind, &variables[at].acts[act]))
                })
                .collect(),
            together: dice.below(3) == 0,
        };
        let turns = (0..REPLICAS).map(|_| (0..TURNS).map(|_| turn(dice)).collect()).collect();
        let awaited = variables.iter().map(|_| dice.below(60)).collect();
        let tasks = vec![Tasks { queue: [None].into(), ..Tasks::default() }; REPLICAS];
        World { variables, turns, tasks, prints: vec![Vec::new(); REPLICAS], awaited }
    }

    /// What a replica has in a variable.
    fn value(&self, at: usize, replica: usize) -> Term {
        if at == OWN { self.variables[at].value_by(replica, replica) } else { self.variables[at].value(replica) }
    }

    /// The values of all variables at a replica.
    fn values(&self, replica: usize) -> Vec<Term> {
        let mut values: Vec<Term> = (0..self.variables.len()).map(|at| self.value(at, replica)).collect();
        let own: Vec<Term> = (0..REPLICAS).map(|author| self.variables[OWN].value_by(replica, author)).collect();
        values.extend(derived(&values[0], &values[1], &own));
        values
    }

    fn is_met(&self, replica: usize, at: usize) -> bool {
        met(&self.variables[at].kind, self.awaited[at], &self.value(at, replica))
    }

    /// Whoever waits and sees now what they wait for can go on, whatever comes later.
    fn test_thresholds(&mut self, replica: usize) {
        let ready: Vec<usize> =
            self.tasks[replica].waiting.iter().copied().filter(|at| self.is_met(replica, *at)).collect();
        for at in ready {
            self.tasks[replica].waiting.remove(&at);
            self.tasks[replica].queue.push_back(Some(at));
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (at, variable) in self.variables.iter().enumerate() {
            let declare = if at == OWN { "declare_dynamic" } else { "declare" };
            let _ = writeln!(text, "V{at} = {declare}({}).", variable.kind);
        }
        let _ = writeln!(text, "{}", DERIVED.join("\n"));
        let names = (0..self.variables.len()).map(|at| format!("query(V{at})"));
        let names: Vec<String> = names.chain((0..DERIVED.len()).map(|at| format!("query(D{at})"))).collect();
        let _ = writeln!(text, "show() -> print([{}]).", names.join(", "));
        let _ = writeln!(text, "attempt(V, Op) -> print(element(1, try_update(V, Op))).");
        let _ = writeln!(text, "Met = declare(gset).");
        let _ = writeln!(
            text,
            "await(At, V, T) -> thread(fun() -> read(V, T), update(Met, {{add, {{replica(), At}}}}) end)."
        );
        for (at, (variable, number)) in self.variables.iter().zip(&self.awaited).enumerate() {
            let _ = writeln!(text, "await({at}, V{at}, {}).", threshold(&variable.kind, *number));
        }
        let replica = |(at, turns): (usize, &Vec<Turn>)| {
            let turn = |turn: &Turn| -> String {
                // One transaction is about what all share, or about what is the replica's own.
                let updates = turn.updates.iter().map(|(at, _, written)| format!("attempt(V{at}, {written}), "));
                let updates: String = updates.collect();
                if turn.together && !updates.is_empty() {
                    format!("atomically(fun() -> {updates}done end), show()")
                } else {
                    format!("{updates}show()")
                }
            };
            format!("    {at} -> {}", turns.iter().map(turn).collect::<Vec<_>>().join(", sleep(1),\n        "))
        };
        let replicas: Vec<String> = self.turns.iter().enumerate().map(replica).collect();
        let _ = writeln!(text, "case replica() of\n{}\nend.", replicas.join(";\n"));
        text
    }

    fn can_run(&self, replica: usize) -> bool {
        !self.tasks[replica].queue.is_empty()
    }

    /// A sleeper wakes when nothing else goes on at its replica.
    fn wake(&mut self, replica: usize) -> bool {
        let tasks = &mut self.tasks[replica];
        let wakes = tasks.sleeps && tasks.queue.is_empty();
        if wakes {
            tasks.sleeps = false;
            tasks.queue.push_back(None);
        }
        wakes
    }

    /// One task has its turn.
    fn run(&mut self, replica: usize) {
        match self.tasks[replica].queue.pop_front() {
            None => {}
            Some(None) => self.top_level(replica),
            Some(Some(at)) => {
                // It begins to wait, or it was woken: then what it saw is enough, even if it is gone again.
                let woken = !self.tasks[replica].begun.insert(at);
                if woken || self.is_met(replica, at) {
                    self.tasks[replica].met.insert((replica, at));
                } else {
                    self.tasks[replica].waiting.insert(at);
                }
            }
        }
    }

    fn top_level(&mut self, replica: usize) {
        let had = self.tasks[replica].had;
        if had == 0 {
            let all = (0..self.variables.len()).map(Some);
            self.tasks[replica].queue.extend(all);
        }
        let together = self.turns[replica][had].together;
        for (at, act, _) in self.turns[replica][had].updates.clone() {
            let act = self.variables[at].acts[act].clone();
            let done = self.variables[at].update(replica, &act);
            self.prints[replica].push(if done { "ok" } else { "refused" }.to_owned());
            if !together {
                self.test_thresholds(replica);
            }
        }
        self.test_thresholds(replica);
        let values = Term::list(self.values(replica));
        self.prints[replica].push(values.to_string());
        self.tasks[replica].had = had + 1;
        self.tasks[replica].sleeps = had + 1 < TURNS;
    }

    fn send(&mut self, from: usize, to: usize) -> bool {
        let mut new = false;
        for variable in &mut self.variables {
            let seen = variable.seen[from].clone();
            new |= !seen.is_subset(&variable.seen[to]);
            variable.seen[to].extend(seen);
        }
        let met = self.tasks[from].met.clone();
        new |= !met.is_subset(&self.tasks[to].met);
        self.tasks[to].met.extend(met);
        self.test_thresholds(to);
        new
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Run(at) => self.run(at),
            Step::Wake(at) => {
                self.wake(at);
            }
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
            if !(0..REPLICAS).any(|at| self.wake(at)) {
                return;
            }
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

/// Runs the program of a seed.
fn run(seed: u64) {
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
    let pair = |(replica, at): &(usize, usize)| Term::pair(int(*replica), int(*at));
    let met: Vec<Term> = world.tasks[0].met.iter().map(pair).collect();
    assert_eq!(outcome.finals["Met"], vec![Term::list(met)], "seed {seed}, {schedule}\n{text}");
    let names = (0..world.variables.len()).map(|at| format!("V{at}"));
    for (name, value) in names.chain((0..DERIVED.len()).map(|at| format!("D{at}"))).zip(world.values(0)) {
        if name != format!("V{OWN}") {
            assert_eq!(outcome.finals[&name], vec![value], "seed {seed}: {name}, {schedule}\n{text}");
        }
    }
}

#[test]
fn random_programs_print_and_end_with_what_the_model_says() {
    (0..PROGRAMS / 2).for_each(run);
}

#[test]
fn more_random_programs_print_and_end_with_what_the_model_says() {
    (PROGRAMS / 2..PROGRAMS).for_each(run);
}

/// The operations in an operation, each with the name of its type.
fn words(kind: &Type, op: &Term, found: &mut BTreeMap<(&'static str, String), usize>) {
    let parts = op.as_tuple().unwrap_or(std::slice::from_ref(op));
    let word = parts[0].as_atom().expect("an operation").to_owned();
    match (kind, word.as_str(), &parts[1..]) {
        (Type::GMap(inner) | Type::AwMap(inner), "apply", [_, op]) => words(inner, op, found),
        (Type::GMap(inner) | Type::AwMap(inner), "apply_all", [list]) => {
            for entry in list.to_vec().expect("a list") {
                words(inner, &entry.as_tuple().expect("an entry")[1], found);
            }
        }
        (Type::Pair(kinds), "fst", [op]) => words(&kinds.0, op, found),
        (Type::Pair(kinds), "snd", [op]) => words(&kinds.1, op, found),
        (Type::Window(window), "at", [_, op]) => words(&window.kind, op, found),
        _ => {}
    }
    *found.entry((kind.name(), word)).or_default() += 1;
}

/// All types but the bounded counter, whose rights move by themselves (tests/bounded.rs has those).
#[test]
fn the_random_programs_have_every_operation_of_every_type() {
    let mut done = BTreeMap::new();
    let mut waited: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..PROGRAMS {
        let world = World::random(&mut Dice(seed));
        let updates = world.turns.iter().flatten().flat_map(|turn| &turn.updates);
        for (at, _, written) in updates {
            words(&world.variables[*at].kind, &literal::read(written).expect("a term"), &mut done);
        }
        world.variables.iter().for_each(|variable| *waited.entry(variable.kind.name()).or_default() += 1);
    }
    #[expect(clippy::disallowed_macros, reason = "numbers for people to read")]
    {
        println!("operations: {done:?}\nwaited for: {waited:?}");
    }
    for (kind, _) in all() {
        assert!(waited.contains_key(kind.name()), "nobody waits for a {kind}");
        for shape in shapes(&kind) {
            let word: String =
                shape.chars().filter(|c| *c != '{').take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(done.contains_key(&(kind.name(), word.clone())), "{word} of {kind} is not done");
        }
    }
}
