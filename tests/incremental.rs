//! The incremental engine equals the slow reference: random graphs, random updates, after every step.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the numbers of a test are small"
)]

use std::collections::BTreeMap;

use lasp::engine::Author;
use lasp::engine::BaseChange;
use lasp::engine::Engine;
use lasp::engine::Equality;
use lasp::engine::Evaluate;
use lasp::engine::Failed;
use lasp::engine::reference::Reference as Slow;
use lasp::graph::Derivation;
use lasp::graph::Operator;
use lasp::graph::VariableId;
use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaIndex;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::kind::Window;
use lasp::value::operation::Op;
use lasp::value::reference::Name;
use lasp::value::reference::Reference;
use lasp::value::term::Closure;
use lasp::value::term::Term;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Functions by number; the machine is not needed here.
struct Native;

const ONE: &[u32] = &[0, 1, 2, 3, 4];
const TESTS: &[u32] = &[10, 11, 12, 13, 13, 13, 13];

fn function(code: u32) -> Term {
    let arity = if code == 29 { 2 } else { 1 };
    let captured = Box::default();
    Term::Fun(triomphe::Arc::new(Closure { code, arity, digest: u128::from(code), captured }))
}

/// A fold's function into any type.
fn folding(kind: &Type) -> Term {
    let captured = Box::new([kind.to_term()]);
    Term::Fun(triomphe::Arc::new(Closure { code: 30, arity: 1, digest: 30, captured }))
}

/// What [`folding`] returns for an element: an operation that fits the type, most often one that can be contributed.
fn folded(kind: &Type, h: i64) -> Term {
    let int = Term::Int;
    match kind {
        Type::GMap(kind) | Type::AwMap(kind) if h % 5 == 0 => {
            let entry = |key: i64, h: i64| Term::tuple([int(key), folded(kind, h)]);
            op("apply_all", [Term::list([entry(h % 3, h / 5), entry(h % 2, h / 7)])])
        }
        Type::GMap(kind) | Type::AwMap(kind) => op("apply", [int(h % 3), folded(kind, h / 3)]),
        Type::Pair(kinds) if h % 2 == 0 => op("fst", [folded(&kinds.0, h / 2)]),
        Type::Pair(kinds) => op("snd", [folded(&kinds.1, h / 2)]),
        Type::Window(window) => op("at", [int(h % 50), folded(&window.kind, h / 3)]),
        Type::TopK(_) => op("set", [int(h % 4), int(h % 9)]),
        Type::MaxInt | Type::MinInt => op("set", [int(h % 17 - 4)]),
        Type::Boolean => Term::atom("true"),
        kind if kind.is_counter() => op("increment", [int(h % 7)]),
        kind if kind.is_set() => op("add", [Term::list([int(h % 4), int(h % 6)])]),
        _ => op("set", [int(h)]),
    }
}

fn hash(term: &Term) -> i64 {
    term.to_string().bytes().fold(7i64, |hash, byte| (hash * 31 + i64::from(byte)) % 1009)
}

fn op(word: &'static str, rest: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple([Term::atom(word)].into_iter().chain(rest))
}

impl Evaluate for Native {
    fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, Failed> {
        let Term::Fun(closure) = function else { return Err(Failed(0)) };
        let (x, h) = (&arguments[0], hash(&arguments[0]));
        let bool = Term::boolean;
        Ok(match closure.code {
            0 => x.clone(),
            1 => Term::Int(h % 3),
            2 if h % 4 == 0 => return Err(Failed(2)),
            2 => Term::tuple([Term::Int(h % 5), Term::atom("b")]),
            3 => Term::list([x.clone()]),
            4 => Term::Int(h % 40),
            10 => bool(h % 2 == 0),
            11 if h % 5 == 0 => Term::Int(1),
            11 => bool(h % 3 != 0),
            12 if h % 3 == 0 => return Err(Failed(12)),
            12 => bool(true),
            13 => match x.as_tuple() {
                Some([a, b]) if hash(a) % 4 == 0 || hash(b) % 5 == 0 => bool(false),
                Some([a, b]) if hash(a) % 6 != hash(b) % 6 => bool(false),
                Some([a, b]) if hash(a) % 7 == hash(b) % 7 => return Err(Failed(13)),
                Some(_) => bool(h % 5 != 0),
                None => bool(false),
            },
            14 if h % 4 == 0 => Term::Nil,
            15 if h % 5 == 0 => return Err(Failed(15)),
            14 | 15 => Term::tuple([Term::Int(h % 6)]),
            20 => op("add", [Term::list([Term::Int(h % 4), Term::Int(h % 6)])]),
            21 => Term::list([op("add", [x.clone()]), op("add_all", [Term::list([Term::Int(h % 3)])])]),
            22 => Term::atom(if h % 3 == 0 { "decrement" } else { "increment" }),
            23 => op("increment", [Term::float(h as f64 / 10.0).expect("finite")]),
            24 => op("set", [Term::Int(h % 17)]),
            25 if h % 2 == 0 => Term::Nil,
            25 => Term::atom("true"),
            26 => op("set", [Term::Int(h % 4), Term::Int(h % 9)]),
            27 => op("rmv", [x.clone()]),
            28 => Term::list([op("increment", [Term::Int(h)]), op("increment", [Term::Int(-h / 2)])]),
            29 if arguments.len() != 2 || arguments[1].to_vec().is_none() => return Err(Failed(29)),
            29 => op("set", [Term::Int(h % 3), x.clone()]),
            30 if h % 7 == 0 => Term::Nil,
            30 => folded(&Type::parse(&closure.captured[0]).expect("a type"), h),
            _ => return Err(Failed(99)),
        })
    }

    /// Function 13 is true of a pair only where keys 14 and 15 are equal.
    fn equality(&self, asked: &Term) -> Option<Equality> {
        let Term::Fun(closure) = asked else { return None };
        let equality = Equality { left: function(14), right: function(15), by_value: true, told: false };
        (closure.code == 13).then_some(equality)
    }
}

fn folds(kind: &Type) -> Vec<Term> {
    let codes: &[u32] = match kind {
        kind if kind.is_set() => &[20, 21, 27],
        kind if kind.is_counter() => &[22, 23, 28],
        Type::MaxInt => &[24],
        Type::Boolean => &[25],
        Type::TopK(_) => &[26, 29],
        _ => &[],
    };
    codes.iter().copied().map(function).chain([folding(kind)]).collect()
}

#[derive(Clone, Debug)]
enum Step {
    /// Of our own, by the operation's number.
    Update(usize, u8, i64),
    /// Another replica's entry comes.
    Remote(usize, u8, i64),
    /// A live entry that is nobody's newest goes.
    Gone(usize),
    /// Operator, function, which of the allowed ones.
    Derive(u8, usize, usize),
    /// Sources and destination.
    Product(usize, usize, usize),
    /// Source and destination.
    FilterPairs(usize, usize),
    /// Function, source and destination.
    Map(u32, usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..64usize, any::<u8>(), 0..9i64).prop_map(|(v, o, n)| Step::Update(v, o, n)),
        3 => (0..64usize, any::<u8>(), 0..9i64).prop_map(|(v, o, n)| Step::Remote(v, o, n)),
        2 => (0..64usize).prop_map(Step::Gone),
        4 => (0..12u8, 0..64usize, any::<usize>()).prop_map(|(o, f, c)| Step::Derive(o, f, c)),
    ];
    vec(step, 1..50)
}

/// Of eight sets: products of the first four into the next two, filters of those by function 13 into the last two.
fn filtered_products() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..64usize, any::<u8>(), 0..9i64).prop_map(|(v, o, n)| Step::Update(v, o, n)),
        2 => (0..64usize).prop_map(Step::Gone),
        3 => (0..4usize, 0..4usize, 0..2usize).prop_map(|(a, b, d)| Step::Product(a, b, 4 + d)),
        3 => (0..2usize, 0..2usize).prop_map(|(s, d)| Step::FilterPairs(4 + s, 6 + d)),
        1 => (0..2usize, 0..2usize).prop_map(|(s, d)| Step::Map(1, 4 + s, 6 + d)),
        2 => (0..4usize, 0..2usize).prop_map(|(s, d)| Step::Map(2, s, 4 + d)),
    ];
    vec(step, 1..40)
}

fn plain() -> impl Strategy<Value = Type> {
    select(vec![
        Type::Set,
        Type::Set,
        Type::GSet,
        Type::RwSet,
        Type::TwoPSet,
        Type::Counter,
        Type::GCounter,
        Type::BCounter,
        Type::LexCounter,
        Type::MaxInt,
        Type::MinInt,
        Type::Ivar,
        Type::Boolean,
        Type::EwFlag,
        Type::DwFlag,
        Type::LwwRegister,
        Type::MvRegister,
        Type::TopK(1),
        Type::TopK(3),
    ])
}

/// Any type, those that may not be so nested left out.
fn nested() -> impl Strategy<Value = Type> {
    let window =
        |kind: Type, (span, slide): (u64, Option<(u64, u32)>)| Type::Window(Box::new(Window { span, slide, kind }));
    let size = (1..25u64, proptest::option::of((1..12u64, 1..5u32)));
    plain()
        .prop_recursive(3, 6, 2, move |inner| {
            prop_oneof![
                inner.clone().prop_map(|kind| Type::GMap(Box::new(kind))),
                inner.clone().prop_map(|kind| Type::AwMap(Box::new(kind))),
                (inner.clone(), inner.clone()).prop_map(|kinds| Type::Pair(Box::new(kinds))),
                (inner, size.clone()).prop_map(move |(kind, size)| window(kind, size)),
            ]
        })
        .prop_filter("may not be nested so", |kind| Type::parse(&kind.to_term()).as_ref() == Some(kind))
}

fn kinds() -> impl Strategy<Value = Vec<(Type, bool)>> {
    vec((prop_oneof![3 => Just(Type::Set), 6 => plain(), 4 => nested()], proptest::bool::weighted(0.4)), 2..9)
}

fn operation(kind: &Type, choice: u8, n: i64) -> Term {
    let int = Term::Int;
    let two = || Term::list([int(n), int(n + 1), int(n)]);
    let deeper = (choice / 3).wrapping_mul(7).wrapping_add(choice % 3);
    match (kind, choice % 5) {
        (Type::Set | Type::RwSet | Type::TwoPSet, 0) => op("rmv", [int(n)]),
        (Type::Set | Type::RwSet | Type::TwoPSet, 1) => op("rmv_all", [two()]),
        (kind, 2) if kind.is_set() => op("add", [two()]),
        (kind, _) if kind.is_set() => op("add", [int(n)]),
        (Type::BCounter, 0) => op("move", [int(n % 3), Term::atom(["n0", "n1", "n2", "ann"][choice as usize / 5 % 4])]),
        (Type::Counter | Type::LexCounter | Type::BCounter, 0 | 4) => op("decrement", [int(n)]),
        (Type::Counter | Type::GCounter, 1) => op("increment", [Term::float(n as f64 / 10.0).expect("finite")]),
        (kind, _) if kind.is_counter() => op("increment", [int(n)]),
        (Type::MaxInt, 0) => Term::atom("increment"),
        (Type::MaxInt | Type::MinInt, _) => op("set", [int(n - 2)]),
        (Type::Boolean, _) => Term::atom("true"),
        (Type::EwFlag | Type::DwFlag, 0 | 1) => Term::atom("disable"),
        (Type::EwFlag | Type::DwFlag, _) => Term::atom("enable"),
        (Type::LwwRegister, 0) => op("set", [int(n % 4), int(n)]),
        (Type::LwwRegister | Type::MvRegister | Type::Ivar, _) => op("set", [int(n)]),
        (Type::TopK(_), _) => op("set", [int(n % 4), int(i64::from(choice) % 7)]),
        (Type::AwMap(_), 0) => op("rmv", [int(n % 3)]),
        (Type::GMap(kind) | Type::AwMap(kind), 1) => {
            let entry = |key: i64, choice: u8| Term::tuple([int(key % 3), operation(kind, choice, n)]);
            op("apply_all", [Term::list([entry(n, deeper), entry(n, choice), entry(n / 2, deeper / 2)])])
        }
        (Type::GMap(kind) | Type::AwMap(kind), _) => op("apply", [int(n % 3), operation(kind, deeper, n)]),
        (Type::Pair(kinds), 0 | 1) => op("fst", [operation(&kinds.0, deeper, n)]),
        (Type::Pair(kinds), _) => op("snd", [operation(&kinds.1, deeper, n)]),
        (Type::Window(window), _) => {
            let time = i64::from(choice) % 40 - 3 + if choice > 250 { 1000 } else { 0 };
            op("at", [int(time), folded(&window.kind, n * 31 + i64::from(choice))])
        }
        (kind, _) => panic!("{kind} has no operation here"),
    }
}

/// Both engines side by side, and a store of live entries as a node has it.
struct Both {
    fast: Engine,
    /// The same with every product built at once.
    eager: Engine,
    slow: Slow,
    kinds: Vec<(Type, bool)>,
    live: BTreeMap<Dot, (VariableId, Content, bool)>,
    next: [u64; 3],
    slots: BTreeMap<(u128, Content), Dot>,
    dynamic_folds: Vec<u128>,
    /// How many derivations were made.
    derived: u128,
}

impl Both {
    fn new(kinds: Vec<(Type, bool)>) -> Both {
        let (mut fast, mut eager, mut slow) = (Engine::new(), Engine::eager(), Slow::default());
        for (at, (kind, dynamic)) in kinds.iter().enumerate() {
            let name = Name::Given(Term::Int(at as i64));
            let reference = Reference { name, kind: kind.clone(), dynamic: *dynamic };
            fast.declare(&reference).expect("a new name");
            eager.declare(&reference).expect("a new name");
            slow.declare(kind.clone());
        }
        Both {
            fast,
            eager,
            slow,
            kinds,
            live: BTreeMap::new(),
            next: [1; 3],
            slots: BTreeMap::new(),
            dynamic_folds: Vec::new(),
            derived: 0,
        }
    }

    fn dot(&mut self, replica: usize) -> Dot {
        self.next[replica] += 1;
        Dot::new(ReplicaIndex(replica as u32), self.next[replica]).expect("within the limits")
    }

    fn variable(&self, choice: usize) -> VariableId {
        VariableId((choice % self.kinds.len()) as u32)
    }

    fn write(
        &mut self,
        variable: VariableId,
        content: Option<Content>,
        removes: &[Dot],
        slot: bool,
        by: usize,
    ) -> Vec<BaseChange> {
        let mut changes = Vec::new();
        for dot in removes {
            let (variable, content, slot) = self.live.remove(dot).expect("only live entries are removed");
            changes.push(BaseChange { variable, dot: *dot, content, slot, present: false });
        }
        let dot = self.dot(by);
        if let Some(content) = content {
            assert!(content.fits(&self.kinds[variable.0 as usize].0));
            self.live.insert(dot, (variable, content.clone(), slot));
            changes.push(BaseChange { variable, dot, content, slot, present: true });
        }
        changes
    }

    fn apply(&mut self, changes: Vec<BaseChange>) {
        for change in &changes {
            self.slow.apply(change);
        }
        let before = self.fast.work().visits;
        self.eager.apply(changes.clone(), &mut Native);
        self.fast.apply(changes, &mut Native);
        assert!(self.fast.work().visits - before <= self.kinds.len() as u64, "a variable was looked at twice");
        self.feed_slots();
    }

    /// What the node does with slot changes: writes them and feeds them back.
    fn feed_slots(&mut self) {
        loop {
            let told = self.fast.take_slot_changes();
            assert_eq!(told, self.eager.take_slot_changes());
            if told.is_empty() {
                return;
            }
            let mut changes = Vec::new();
            for change in told {
                for content in change.removed {
                    let dot = self.slots.remove(&(change.derivation, content)).expect("it was told before");
                    changes.extend(self.write(change.destination, None, &[dot], true, 0));
                }
                for content in change.added {
                    changes.extend(self.write(change.destination, Some(content.clone()), &[], true, 0));
                    let dot = Dot::new(ReplicaIndex(0), self.next[0]).expect("the one just taken");
                    assert!(self.slots.insert((change.derivation, content), dot).is_none());
                }
            }
            for change in &changes {
                self.slow.apply(change);
            }
            self.eager.apply(changes.clone(), &mut Native);
            self.fast.apply(changes, &mut Native);
        }
    }

    fn update(&mut self, variable: VariableId, choice: u8, n: i64, by: usize) {
        let kind = self.kinds[variable.0 as usize].0.clone();
        let op = Op::parse(&kind, &operation(&kind, choice, n)).expect("operations are of the type");
        let nodes = (0..3u128).map(|at| (Term::atom(["n0", "n1", "n2"][at as usize]), vec![at])).collect();
        let author = Author { nodes: Some(&nodes), ..Author::alone(ReplicaIndex(by as u32), by as u128) };
        // A remote replica has seen what we have, or only what it wrote itself.
        let Ok(effect) = self.fast.prepare(variable, &op, &author) else { return };
        let blind = by > 0 && choice.is_multiple_of(2) && !kind.is_counter();
        let mut changes = Vec::new();
        for write in effect.writes {
            let removes = if blind { Vec::new() } else { write.removes };
            changes.extend(self.write(variable, write.content, &removes, false, by));
        }
        self.apply(changes);
    }

    /// Makes the chosen one of all derivations with this operator that are allowed now.
    fn derive(&mut self, operator: u8, function_choice: usize, choice: usize) {
        let pick = |codes: &[u32]| function(codes[function_choice % codes.len()]);
        let pick_fold = |folds: &[Term]| folds[function_choice % folds.len()].clone();
        let mut allowed = Vec::new();
        for d in 0..self.kinds.len() {
            let operator = match operator {
                0 => Operator::Map(pick(ONE)),
                1 => Operator::Filter(pick(TESTS)),
                2 => Operator::Union,
                3 => Operator::Intersection,
                4 => Operator::Product,
                5 | 6 => Operator::Fold(pick_fold(&folds(&self.kinds[d].0))),
                7 => Operator::FoldDynamic(pick_fold(&folds(&self.kinds[d].0))),
                8 => Operator::Difference,
                9 => Operator::Join(pick(ONE), function(ONE[function_choice / 8 % ONE.len()])),
                10 => match &self.kinds[d].0 {
                    Type::GMap(inner) | Type::AwMap(inner) => {
                        Operator::GroupBy(function(ONE[function_choice / 8 % ONE.len()]), pick_fold(&folds(inner)))
                    }
                    _ => Operator::Difference,
                },
                _ => Operator::Bind,
            };
            for a in 0..self.kinds.len() {
                for b in 0..if operator.sources() == 2 { self.kinds.len() } else { 1 } {
                    let sources = [a, b].iter().take(operator.sources()).map(|at| self.variable(*at)).collect();
                    let (operator, destination) = (operator.clone(), self.variable(d));
                    let derivation = Derivation { operator, sources, destination, identity: self.derived + 1 };
                    if self.fast.graph().check(&derivation).is_ok() {
                        allowed.push(derivation);
                    }
                }
            }
        }
        if allowed.is_empty() {
            return;
        }
        self.make(allowed.swap_remove(choice % allowed.len()));
    }

    fn make_one(&mut self, operator: Operator, sources: &[usize], destination: usize) {
        let sources = sources.iter().map(|at| self.variable(*at)).collect();
        let destination = self.variable(destination);
        self.make(Derivation { operator, sources, destination, identity: self.derived + 1 });
    }

    fn make(&mut self, derivation: Derivation) {
        self.derived += 1;
        assert_eq!(self.fast.derive(derivation.clone(), &mut Native), Ok(true));
        assert_eq!(self.fast.derive(derivation.clone(), &mut Native), Ok(false));
        if matches!(derivation.operator, Operator::FoldDynamic(_)) {
            self.dynamic_folds.push(self.derived);
        }
        assert_eq!(self.eager.derive(derivation.clone(), &mut Native), Ok(true));
        self.slow.derive(derivation);
        self.feed_slots();
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Update(v, choice, n) => self.update(self.variable(*v), *choice, *n, 0),
            Step::Remote(v, choice, n) => self.update(self.variable(*v), *choice, *n, 1 + usize::from(choice % 2)),
            Step::Gone(at) => {
                let base: Vec<Dot> = self.live.iter().filter(|(_, entry)| !entry.2).map(|(dot, _)| *dot).collect();
                if let Some(dot) = base.get(at % base.len().max(1)) {
                    let variable = self.live[dot].0;
                    let changes = self.write(variable, None, &[*dot], false, 1);
                    self.apply(changes);
                }
            }
            Step::Product(left, right, into) => self.make_one(Operator::Product, &[*left, *right], *into),
            Step::FilterPairs(from, into) => self.make_one(Operator::Filter(function(13)), &[*from], *into),
            Step::Map(code, from, into) => self.make_one(Operator::Map(function(*code)), &[*from], *into),
            Step::Derive(operator, function, choice) => self.derive(*operator, *function, *choice),
        }
    }

    /// Looks at some variables, by bit, and holds them against the others'.
    fn check(&mut self, looked_at: u16) {
        let looks = |variable: &VariableId| looked_at >> variable.0 & 1 == 1;
        let all = (0..self.kinds.len()).map(|at| VariableId(at as u32));
        for variable in all.filter(looks) {
            let (fast, slow) = (self.fast.value(variable), self.slow.value(variable, &mut Native));
            assert_eq!(fast, slow, "variable {variable:?} of {:?}", self.kinds);
            assert_eq!(fast, self.eager.value(variable));
        }
        let [fast, eager] = [&mut self.fast, &mut self.eager].map(|engine| {
            let products = engine.graph().derivations().iter().filter(|of| of.operator == Operator::Product);
            let products: Vec<VariableId> = products.map(|product| product.destination).collect();
            let told = |variable: &VariableId| looks(variable) || !products.contains(variable);
            engine.take_changed().into_iter().filter(told).collect::<Vec<_>>()
        });
        assert_eq!(fast, eager, "what is not looked at changes too, products apart");
        for derivation in &self.dynamic_folds {
            let told: Vec<Content> =
                self.slots.keys().filter(|(of, _)| of == derivation).map(|(_, content)| content.clone()).collect();
            assert_eq!(told, self.slow.slot(*derivation, &mut Native));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_incremental_engine_equals_the_reference_after_every_step(kinds in kinds(), steps in steps(), looked_at in prop_oneof![Just(0u16), Just(u16::MAX), any::<u16>()]) {
        let mut both = Both::new(kinds);
        both.check(looked_at);
        for step in &steps {
            both.step(step);
            both.check(looked_at);
        }
        both.check(u16::MAX);
    }

    #[test]
    fn filters_of_products_by_an_equality_equal_the_reference_whether_or_not_anybody_looks(
        steps in filtered_products(),
        looked_at in prop_oneof![2 => Just(0u16), 1 => any::<u16>()],
    ) {
        let mut both = Both::new(vec![(Type::Set, false); 8]);
        both.check(looked_at);
        for step in &steps {
            both.step(step);
            both.check(looked_at);
        }
        both.check(u16::MAX);
    }
}
