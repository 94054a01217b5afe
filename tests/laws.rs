//! The lattice laws, asked of every type: exhaustively over short histories of two replicas, at random over longer ones of
//! three. A state is what a replica has seen, made by the engine's own `prepare`; its value is what the engine says.

mod running;

use std::collections::BTreeSet;

use lasp::engine::Author;
use lasp::engine::BaseChange;
use lasp::engine::Engine;
use lasp::engine::Evaluate;
use lasp::engine::Failed;
use lasp::graph::VariableId;
use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaIndex;
use lasp::lattice::laws::Causal;
use lasp::lattice::laws::Lattice;
use lasp::lattice::laws::check;
use lasp::lattice::laws::check_withdrawal;
use lasp::lattice::multiset::Multiset;
use lasp::lattice::ranking::Ranking;
use lasp::lattice::ranking::Score;
use lasp::lattice::sum::Sum;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::kind::Window;
use lasp::value::operation::Op;
use lasp::value::reference::Name;
use lasp::value::reference::Reference;
use lasp::value::term::Term;
use lasp::value::threshold::Threshold;
use proptest::collection::vec;
use proptest::prelude::*;

type State = Causal<Dot, Content>;

/// No function is called here.
struct Nothing;

impl Evaluate for Nothing {
    fn call(&mut self, _: &Term, _: &[Term]) -> Result<Term, Failed> {
        Err(Failed(0))
    }
}

fn tuple(word: &'static str, rest: &[Term]) -> Term {
    Term::tuple([Term::atom(word)].into_iter().chain(rest.iter().cloned()))
}

fn int(value: i64) -> Term {
    Term::Int(value)
}

fn apply(key: i64, op: Term) -> Term {
    tuple("apply", &[int(key), op])
}

fn map_of(kind: Type) -> Type {
    Type::AwMap(Box::new(kind))
}

fn window(span: u64, slide: Option<(u64, u32)>, kind: Type) -> Type {
    Type::Window(Box::new(Window { span, slide, kind }))
}

/// Every type with three operations.
fn types() -> Vec<(Type, [Term; 3])> {
    plain_types().into_iter().chain(nested_types()).collect()
}

fn plain_types() -> Vec<(Type, [Term; 3])> {
    let set = |value| tuple("set", &[int(value)]);
    let half = Term::float(0.5).expect("finite");
    let score = |name, score| tuple("set", &[Term::atom(name), int(score)]);
    let (enable, disable) = (Term::atom("enable"), Term::atom("disable"));
    let in_and_out =
        || [tuple("add", &[int(1)]), tuple("rmv", &[int(1)]), tuple("add", &[Term::list([int(1), int(2)])])];
    vec![
        (Type::Set, in_and_out()),
        (Type::RwSet, in_and_out()),
        (Type::TwoPSet, in_and_out()),
        (Type::GSet, [tuple("add", &[int(1)]), tuple("add", &[int(2)]), tuple("add_all", &[Term::list([int(2)])])]),
        (
            Type::Counter,
            [Term::atom("increment"), tuple("decrement", &[int(3)]), tuple("increment", std::slice::from_ref(&half))],
        ),
        (Type::LexCounter, [Term::atom("increment"), tuple("decrement", &[int(3)]), Term::atom("decrement")]),
        (
            Type::BCounter,
            [tuple("increment", &[int(2)]), tuple("decrement", &[int(1)]), tuple("move", &[int(1), Term::atom("n1")])],
        ),
        (Type::GCounter, [Term::atom("increment"), tuple("increment", &[int(3)]), tuple("increment", &[half])]),
        (Type::MaxInt, [Term::atom("increment"), set(2), set(-1)]),
        (Type::MinInt, [set(3), set(2), set(-1)]),
        (Type::Ivar, [set(1), set(2), set(1)]),
        (Type::Boolean, [Term::atom("true"), Term::atom("true"), Term::atom("true")]),
        (Type::EwFlag, [enable.clone(), disable.clone(), enable.clone()]),
        (Type::DwFlag, [enable.clone(), disable.clone(), enable]),
        (Type::LwwRegister, [set(1), set(2), tuple("set", &[int(2), int(3)])]),
        (Type::MvRegister, [set(1), set(2), set(3)]),
        (Type::TopK(1), [score("a", 1), score("b", 2), score("a", 3)]),
        (Type::TopK(2), [score("a", 2), score("b", 2), score("c", 3)]),
    ]
}

fn nested_types() -> Vec<(Type, [Term; 3])> {
    let set = |value| tuple("set", &[int(value)]);
    let score = |name, score| tuple("set", &[Term::atom(name), int(score)]);
    let (add, up) = (|value| tuple("add", &[int(value)]), || Term::atom("increment"));
    let (gone, at) = (tuple("rmv", &[int(1)]), |time, op| tuple("at", &[int(time), op]));
    let both = |first, second| Type::Pair(Box::new((first, second)));
    let awmap = |kind: Type, one: Term, other: Term| (map_of(kind), [apply(1, one), gone.clone(), apply(1, other)]);
    vec![
        awmap(Type::Set, add(1), tuple("rmv", &[int(1)])),
        awmap(Type::GSet, add(1), add(2)),
        awmap(Type::RwSet, add(1), tuple("rmv", &[int(1)])),
        awmap(Type::TwoPSet, add(1), tuple("rmv", &[int(1)])),
        awmap(Type::Counter, up(), tuple("decrement", &[int(0)])),
        awmap(Type::MaxInt, set(5), set(2)),
        awmap(Type::MinInt, set(5), set(2)),
        awmap(Type::Boolean, Term::atom("true"), Term::atom("true")),
        awmap(Type::EwFlag, Term::atom("enable"), Term::atom("disable")),
        awmap(Type::DwFlag, Term::atom("enable"), Term::atom("disable")),
        awmap(Type::Ivar, set(1), set(2)),
        awmap(Type::LwwRegister, set(1), tuple("set", &[int(2), int(3)])),
        awmap(Type::MvRegister, set(1), set(2)),
        awmap(Type::TopK(1), score("a", 3), score("b", 2)),
        awmap(both(Type::Counter, Type::MaxInt), tuple("fst", &[up()]), tuple("snd", &[set(4)])),
        awmap(window(2, None, Type::Counter), at(1, up()), at(5, up())),
        (map_of(map_of(Type::Set)), [apply(1, apply(1, add(1))), apply(1, gone.clone()), gone.clone()]),
        (
            Type::GMap(Box::new(map_of(Type::MvRegister))),
            [apply(1, apply(1, set(1))), apply(1, gone.clone()), apply(1, apply(2, set(2)))],
        ),
        (
            Type::GMap(Box::new(both(Type::Counter, Type::Set))),
            [
                apply(1, tuple("fst", &[up()])),
                apply(1, tuple("snd", &[add(1)])),
                apply(1, tuple("snd", std::slice::from_ref(&gone))),
            ],
        ),
        (
            map_of(Type::Counter),
            [
                tuple("apply_all", &[Term::list([Term::pair(int(1), up()), Term::pair(int(1), up())])]),
                gone.clone(),
                apply(2, up()),
            ],
        ),
        (
            both(Type::Set, Type::LwwRegister),
            [tuple("fst", &[add(1)]), tuple("fst", std::slice::from_ref(&gone)), tuple("snd", &[set(1)])],
        ),
        (
            both(window(3, None, Type::MaxInt), Type::Counter),
            [tuple("fst", &[at(1, set(9))]), tuple("fst", &[at(5, set(2))]), tuple("snd", &[up()])],
        ),
        (window(3, None, Type::Counter), [at(1, up()), at(3, up()), at(5, up())]),
        (window(3, None, Type::Set), [at(1, add(1)), at(3, add(1)), at(5, add(2))]),
        (window(4, Some((2, 2)), Type::Counter), [at(1, up()), at(4, up()), at(7, up())]),
        (window(3, Some((4, 1)), Type::Counter), [at(4, up()), at(5, up()), at(6, up())]),
        (
            window(4, Some((2, 2)), map_of(Type::TopK(1))),
            [at(1, apply(1, score("a", 1))), at(4, apply(1, score("b", 2))), at(7, apply(2, score("a", 1)))],
        ),
    ]
}

/// An engine with one variable, at a replica's state.
fn engine(kind: &Type, state: &State) -> Engine {
    let mut engine = Engine::new();
    let name = Name::Given(Term::atom("x"));
    engine.declare(&Reference { name, kind: kind.clone(), dynamic: false }).expect("a new name");
    engine.apply(changes(&State::bottom(), state), &mut Nothing);
    engine
}

/// What leads from one state to a later one.
fn changes(from: &State, to: &State) -> Vec<BaseChange> {
    let change = |(dot, content): (&Dot, &Content), present| BaseChange {
        variable: VARIABLE,
        dot: *dot,
        content: content.clone(),
        slot: false,
        present,
    };
    let gone = from.live.iter().filter(|(dot, _)| !to.live.contains_key(dot)).map(|entry| change(entry, false));
    let came = to.live.iter().filter(|(dot, _)| !from.live.contains_key(dot)).map(|entry| change(entry, true));
    gone.chain(came).collect()
}

const VARIABLE: VariableId = VariableId(0);

/// Replicas of one variable, and every state that any of them was ever in.
struct History {
    kind: Type,
    replicas: Vec<State>,
    sequences: Vec<u64>,
    /// What each update changed, alone.
    deltas: Vec<State>,
    states: Vec<State>,
}

impl History {
    fn new(kind: &Type, replicas: usize) -> History {
        History {
            kind: kind.clone(),
            replicas: vec![State::bottom(); replicas],
            sequences: vec![0; replicas],
            deltas: Vec::new(),
            states: vec![State::bottom()],
        }
    }

    fn update(&mut self, replica: usize, operation: &Term) {
        let op = Op::parse(&self.kind, operation).expect("an operation of the type");
        let me = ReplicaIndex(u32::try_from(replica).expect("few replicas"));
        let nodes = ["n0", "n1", "n2"].map(Term::atom).into_iter().zip((0..3u128).map(|at| vec![at])).collect();
        let author = Author { nodes: Some(&nodes), ..Author::alone(me, replica as u128) };
        let prepared = engine(&self.kind, &self.replicas[replica]).prepare(VARIABLE, &op, &author);
        for write in prepared.map(|effect| effect.writes).unwrap_or_default() {
            self.sequences[replica] += 1;
            let dot = Dot::new(me, self.sequences[replica]).expect("few events");
            assert!(write.content.as_ref().is_none_or(|content| content.fits(&self.kind)));
            let mut delta = State::bottom();
            delta.seen.extend(write.removes.iter().copied());
            delta.write(dot, write.content.clone(), &[]);
            self.deltas.push(delta);
            self.replicas[replica].write(dot, write.content, &write.removes);
        }
        self.note(replica);
    }

    fn merge(&mut self, into: usize, from: usize) {
        let from = self.replicas[from].clone();
        self.replicas[into].merge(&from);
        self.note(into);
    }

    fn note(&mut self, replica: usize) {
        if !self.states.contains(&self.replicas[replica]) {
            self.states.push(self.replicas[replica].clone());
        }
    }

    /// The laws, and that values follow from the merged entries whichever way they came.
    fn check(&self) {
        check(&self.states).unwrap_or_else(|broken| panic!("{}: {broken}", self.kind));
        let (mut all, mut joined) = (State::bottom(), State::bottom());
        for state in &self.states {
            joined.merge(state);
        }
        // Deltas join to the state, in whatever order and however often they come.
        for turned in 0..self.deltas.len() {
            let (mut onwards, mut backwards) = (State::bottom(), State::bottom());
            let in_turn = self.deltas[turned..].iter().chain(&self.deltas[..turned]);
            for delta in in_turn.clone().chain(self.deltas.first()) {
                onwards.merge(delta);
            }
            for delta in in_turn.rev() {
                backwards.merge(delta);
            }
            assert_eq!((&onwards, &backwards), (&joined, &joined), "{}", self.kind);
        }
        for state in &self.states {
            let mut walked = engine(&self.kind, state);
            let before = all.clone();
            all.merge(state);
            walked.apply(changes(state, &all), &mut Nothing);
            let mut other = engine(&self.kind, &before);
            other.apply(changes(&before, &all), &mut Nothing);
            let value = engine(&self.kind, &all).value(VARIABLE);
            assert_eq!((walked.value(VARIABLE), other.value(VARIABLE)), (value.clone(), value));
        }
    }
}

#[test]
fn the_laws_hold_for_all_short_histories_of_two_replicas() {
    let long = plain_types().into_iter().map(|typed| (typed, 4));
    for ((kind, operations), length) in long.chain(nested_types().into_iter().map(|typed| (typed, 3))) {
        let mut seen = BTreeSet::new();
        for code in 0..8usize.pow(length) {
            let mut history = History::new(&kind, 2);
            for place in 0..length {
                match code / 8usize.pow(place) % 8 {
                    act @ 0..6 => history.update(act % 2, &operations[act / 2]),
                    act => history.merge(act % 2, 1 - act % 2),
                }
            }
            // Different acts may lead to the same states.
            if seen.insert(format!("{:?}", history.states)) {
                history.check();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_for_longer_histories_of_three_replicas(acts in vec((0..3usize, 0..6usize), 5..14)) {
        for (kind, operations) in types() {
            let mut history = History::new(&kind, 3);
            for (replica, act) in &acts {
                match act {
                    0..3 => history.update(*replica, &operations[*act]),
                    _ => history.merge(*replica, (replica + 1 + act % 2) % 3),
                }
            }
            history.check();
        }
    }
}

/// Both replicas act on a common past without knowing of each other, then merge.
fn concurrently(kind: &Type, past: &[Term], left: &Term, right: &Term) -> Term {
    let mut history = History::new(kind, 2);
    past.iter().for_each(|operation| history.update(0, operation));
    history.merge(1, 0);
    history.update(0, left);
    history.update(1, right);
    history.merge(0, 1);
    history.merge(1, 0);
    let values = [0, 1].map(|at: usize| engine(kind, &history.replicas[at]).value(VARIABLE));
    assert_eq!(values[0], values[1]);
    values[0].clone()
}

#[test]
fn an_add_wins_over_a_concurrent_removal() {
    let (add, remove) = (tuple("add", &[int(1)]), tuple("rmv", &[int(1)]));
    assert_eq!(concurrently(&Type::Set, std::slice::from_ref(&add), &remove, &add), Term::list([int(1)]));
    assert_eq!(concurrently(&Type::Set, std::slice::from_ref(&add), &remove, &remove), Term::Nil);
}

#[test]
fn concurrent_increments_all_count() {
    let up = Term::atom("increment");
    assert_eq!(concurrently(&Type::Counter, std::slice::from_ref(&up), &up, &up), int(3));
}

#[test]
fn concurrent_assignments_are_a_visible_conflict() {
    let set = |value| tuple("set", &[int(value)]);
    let conflict = Term::tuple([Term::atom("conflict"), Term::list([int(1), int(2)])]);
    assert_eq!(concurrently(&Type::Ivar, &[], &set(2), &set(1)), conflict);
    assert_eq!(concurrently(&Type::Ivar, &[], &set(1), &set(1)), int(1));
    assert_eq!(concurrently(&Type::LwwRegister, &[set(9)], &set(2), &set(1)), int(2));
}

#[test]
fn a_grown_value_keeps_its_thresholds() {
    let score = |name, score| tuple("set", &[Term::atom(name), int(score)]);
    let value = concurrently(&Type::TopK(2), &[score("a", 1)], &score("b", 5), &score("a", 7));
    let pair = |name, score| Term::tuple([Term::atom(name), int(score)]);
    assert_eq!(value, Term::list([pair("a", 7), pair("b", 5)]));
    let mut history = History::new(&Type::TopK(2), 1);
    history.update(0, &score("a", 1));
    let threshold = Threshold::parse(&Type::TopK(2), &tuple("value", &[int(1)])).expect("a threshold of the type");
    assert!(!engine(&Type::TopK(2), &history.replicas[0]).meets(VARIABLE, &threshold));
    history.update(0, &score("b", 5));
    assert!(engine(&Type::TopK(2), &history.replicas[0]).meets(VARIABLE, &threshold));
}

#[test]
fn what_is_dominated_costs_no_entry() {
    let score = |name, score| tuple("set", &[Term::atom(name), int(score)]);
    let mut history = History::new(&Type::TopK(1), 1);
    for operation in [score("a", 5), score("b", 4), score("a", 4), score("c", 5), score("b", 9)] {
        history.update(0, &operation);
    }
    assert_eq!(history.sequences, [2]);
    assert_eq!(history.replicas[0].live.len(), 1);
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Points(i32);

impl Score for Points {
    fn rank(&self, other: &Points) -> std::cmp::Ordering {
        self.cmp(other)
    }
}

struct Best(Ranking<u8, Points>);

impl Default for Best {
    fn default() -> Best {
        Best(Ranking::new(2))
    }
}

/// An engine with one variable, to which contributions come and from which they go.
#[derive(Default)]
struct Contributed(Option<Engine>);

impl Contributed {
    fn change(&mut self, kind: &Type, content: &Content, present: bool) {
        let engine = self.0.get_or_insert_with(|| engine(kind, &State::bottom()));
        let dot = Dot::new(ReplicaIndex(0), 1).expect("a dot");
        let change = BaseChange { variable: VARIABLE, dot, content: content.clone(), slot: true, present };
        engine.apply(vec![change], &mut Nothing);
    }
}

#[test]
fn withdrawal_of_contributions_is_exact_for_every_type_that_takes_them() {
    let more = [
        (Type::Counter, vec![Term::atom("increment"), tuple("decrement", &[int(3)])]),
        (map_of(Type::TopK(1)), vec![apply(1, tuple("set", &[Term::atom("b"), int(2)]))]),
    ];
    let of_types = types().into_iter().map(|(kind, ops)| (kind, ops.to_vec()));
    let mut tried = 0;
    for (kind, ops) in of_types.chain(more) {
        let ops = ops.iter().map(|op| Op::parse(&kind, op).expect("an operation of the type"));
        let mut contents: Vec<Content> = ops.filter_map(|op| op.contribution(&kind)).flatten().collect();
        contents.extend_from_within(..1.min(contents.len()));
        tried += usize::from(!contents.is_empty());
        let bottom = engine(&kind, &State::bottom()).value(VARIABLE);
        check_withdrawal(
            &contents,
            |state: &mut Contributed, content| state.change(&kind, content, true),
            |state, content| state.change(&kind, content, false),
            |state| match &state.0 {
                Some(engine) => engine.value_now(VARIABLE),
                None => bottom.clone(),
            },
        )
        .unwrap_or_else(|broken| panic!("{kind}: {broken}"));
    }
    assert!(tried > 20, "{tried} types take contributions");
}

#[test]
fn withdrawal_is_exact() {
    let floats = [0.1, 1e300, -1e300, 5e-324, 0.2].map(|value| Sum::float(value).expect("finite"));
    check_withdrawal(&floats, Sum::add, Sum::withdraw, Sum::clone).expect("floats");
    let mixed = [Sum::small(i64::MAX), Sum::small(i64::MAX), floats[0].clone(), Sum::small(-7)];
    check_withdrawal(&mixed, Sum::add, Sum::withdraw, Sum::clone).expect("integers and floats");
    check_withdrawal(
        &[3, 1, 3, 2],
        |set: &mut Multiset<i32>, item| {
            set.insert(*item);
        },
        |set, item| {
            set.remove(item);
        },
        Multiset::clone,
    )
    .expect("multisets");
    check_withdrawal(
        &[(1, 5), (2, 5), (1, 7), (3, 1), (1, 5), (4, 6)],
        |best: &mut Best, (name, score)| best.0.insert(name, Points(*score), &mut Vec::new()),
        |best, (name, score)| best.0.remove(name, &Points(*score), &mut Vec::new()),
        |best| best.0.best().cloned().collect::<Vec<_>>(),
    )
    .expect("rankings");
}
