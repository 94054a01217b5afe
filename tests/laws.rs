//! The lattice laws, asked of every type: exhaustively over short histories of two replicas, at random over longer ones of
//! three. A state is what a replica has seen, made by the engine's own `prepare`; its value is what the engine says.

use std::collections::BTreeSet;

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

/// Every type with three operations.
fn types() -> Vec<(Type, [Term; 3])> {
    let set = |value| tuple("set", &[int(value)]);
    let half = Term::float(0.5).expect("finite");
    let score = |name, score| tuple("set", &[Term::atom(name), int(score)]);
    vec![
        (Type::Set, [tuple("add", &[int(1)]), tuple("rmv", &[int(1)]), tuple("add", &[Term::list([int(1), int(2)])])]),
        (Type::GSet, [tuple("add", &[int(1)]), tuple("add", &[int(2)]), tuple("add_all", &[Term::list([int(2)])])]),
        (
            Type::Counter,
            [Term::atom("increment"), tuple("decrement", &[int(3)]), tuple("increment", std::slice::from_ref(&half))],
        ),
        (Type::GCounter, [Term::atom("increment"), tuple("increment", &[int(3)]), tuple("increment", &[half])]),
        (Type::MaxInt, [Term::atom("increment"), set(2), set(-1)]),
        (Type::Ivar, [set(1), set(2), set(1)]),
        (Type::Boolean, [Term::atom("true"), Term::atom("true"), Term::atom("true")]),
        (Type::LwwRegister, [set(1), set(2), tuple("set", &[int(2), int(3)])]),
        (Type::TopK(1), [score("a", 1), score("b", 2), score("a", 3)]),
        (Type::TopK(2), [score("a", 2), score("b", 2), score("c", 3)]),
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
    states: Vec<State>,
}

impl History {
    fn new(kind: &Type, replicas: usize) -> History {
        History {
            kind: kind.clone(),
            replicas: vec![State::bottom(); replicas],
            sequences: vec![0; replicas],
            states: vec![State::bottom()],
        }
    }

    fn update(&mut self, replica: usize, operation: &Term) {
        let op = Op::parse(&self.kind, operation).expect("an operation of the type");
        let me = ReplicaIndex(u32::try_from(replica).expect("few replicas"));
        let prepared = engine(&self.kind, &self.replicas[replica]).prepare(VARIABLE, &op, me);
        for write in prepared.map(|effect| effect.writes).unwrap_or_default() {
            self.sequences[replica] += 1;
            let dot = Dot::new(me, self.sequences[replica]).expect("few events");
            assert!(write.content.as_ref().is_none_or(|content| content.fits(&self.kind)));
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
        let mut all = State::bottom();
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
    for (kind, operations) in types() {
        let mut seen = BTreeSet::new();
        for code in 0..8usize.pow(4) {
            let mut history = History::new(&kind, 2);
            for place in 0..4u32 {
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
