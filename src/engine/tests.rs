//! The engine by hand: what it promises beyond equality with the reference.

use super::*;
use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::value::content::Tally;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::term::Closure;

/// 0: doubles; 1: is even; 2: fails on 7; 3: adds to a counter; 4: sets a maximum; 5: scores; 6: halves; 7: removes;
/// 8: is a pair equal modulo 1000, by the key 9.
struct Native;

impl Evaluate for Native {
    fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, Failed> {
        let Term::Fun(closure) = function else { return Err(Failed(1)) };
        if let (8, Some([Term::Int(x), Term::Int(y)])) = (closure.code, arguments[0].as_tuple()) {
            return Ok(Term::boolean(x % 1000 == y % 1000));
        }
        let [Term::Int(x), ..] = arguments else { return Err(Failed(1)) };
        let x = *x;
        Ok(match closure.code {
            0 => int(x * 2),
            1 => Term::boolean(x % 2 == 0),
            2 if x == 7 => return Err(Failed(7)),
            2 => int(x),
            3 => op("increment", [int(x)]),
            4 => op("set", [int(x)]),
            5 => op("set", [int(x), int(x)]),
            6 => int(x / 2),
            9 => Term::tuple([int(x % 1000)]),
            _ => op("rmv", [int(x)]),
        })
    }

    fn equality(&self, asked: &Term) -> Option<Equality> {
        let equality = Equality { left: function(9, 1), right: function(9, 1), by_value: false, told: true };
        matches!(asked, Term::Fun(closure) if closure.code == 8).then_some(equality)
    }
}

fn int(value: i64) -> Term {
    Term::Int(value)
}

fn op(word: &'static str, rest: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple([Term::atom(word)].into_iter().chain(rest))
}

fn function(code: u32, arity: u8) -> Term {
    Term::Fun(Arc::new(Closure { code, arity, digest: u128::from(code), captured: Box::default() }))
}

/// One replica at work on an engine.
#[derive(Default)]
struct Desk {
    engine: Engine,
    sequence: u64,
    derivations: u128,
    live: std::collections::BTreeMap<Dot, (VariableId, Content)>,
}

const ME: ReplicaIndex = ReplicaIndex(0);

impl Desk {
    fn variable(&mut self, name: &'static str, kind: Type, dynamic: bool) -> VariableId {
        let name = Name::Given(Term::atom(name));
        self.engine.declare(&Reference { name, kind, dynamic }).expect("a new name")
    }

    fn set(&mut self, name: &'static str) -> VariableId {
        self.variable(name, Type::Set, false)
    }

    fn derive(
        &mut self,
        operator: Operator,
        sources: &[VariableId],
        destination: VariableId,
    ) -> Result<bool, GraphError> {
        self.derivations += 1;
        let identity = self.derivations;
        let derivation = Derivation { operator, sources: sources.to_vec(), destination, identity };
        self.engine.derive(derivation, &mut Native)
    }

    fn made(&mut self, operator: Operator, sources: &[VariableId], destination: VariableId) {
        assert_eq!(self.derive(operator, sources, destination), Ok(true));
    }

    fn update(&mut self, variable: VariableId, operation: &Term) {
        let op = Op::parse(&self.engine.reference(variable).kind, operation).expect("of the type");
        let effect = self.engine.prepare(variable, &op, &Author::alone(ME, 0)).expect("not refused");
        let mut changes = Vec::new();
        for write in effect.writes {
            self.sequence += 1;
            let dot = Dot::new(ME, self.sequence).expect("few events");
            for gone in write.removes {
                let (variable, content) = self.live.remove(&gone).expect("live");
                changes.push(BaseChange { variable, dot: gone, content, slot: false, present: false });
            }
            if let Some(content) = write.content {
                self.live.insert(dot, (variable, content.clone()));
                changes.push(BaseChange { variable, dot, content, slot: false, present: true });
            }
        }
        self.engine.apply(changes, &mut Native);
    }

    fn add(&mut self, variable: VariableId, values: impl IntoIterator<Item = i64>) {
        let values: Vec<Term> = values.into_iter().map(int).collect();
        self.update(variable, &op("add_all", [Term::list(values)]));
    }

    fn remove(&mut self, variable: VariableId, values: impl IntoIterator<Item = i64>) {
        let values: Vec<Term> = values.into_iter().map(int).collect();
        self.update(variable, &op("rmv_all", [Term::list(values)]));
    }

    fn shown(&mut self, variable: VariableId) -> String {
        self.engine.value(variable).to_string()
    }
}

/// Every operator, fed from one set of so many elements; then the work of one change of ten.
fn work_of_ten(size: i64) -> [Work; 2] {
    let mut desk = Desk::default();
    let source = desk.set("source");
    let small = desk.set("small");
    desk.add(small, 0..4);
    let [mapped, kept, both, common, pairs] = ["mapped", "kept", "both", "common", "pairs"].map(|name| desk.set(name));
    let total = desk.variable("total", Type::Counter, false);
    let most = desk.variable("most", Type::MaxInt, false);
    let best = desk.variable("best", Type::TopK(3), false);
    let bound = desk.variable("bound", Type::GSet, false);
    desk.made(Operator::Map(function(6, 1)), &[source], mapped);
    desk.made(Operator::Filter(function(1, 1)), &[source], kept);
    desk.made(Operator::Union, &[mapped, kept], both);
    desk.made(Operator::Intersection, &[both, source], common);
    desk.made(Operator::Product, &[kept, small], pairs);
    desk.made(Operator::Fold(function(3, 1)), &[source], total);
    desk.made(Operator::Fold(function(4, 1)), &[source], most);
    desk.made(Operator::Fold(function(5, 2)), &[source], best);
    desk.made(Operator::Bind, &[both], bound);
    desk.add(source, 0..size);
    let mut before = desk.engine.work();
    let mut since = |desk: &Desk| {
        let now = desk.engine.work();
        let work = Work {
            evaluations: now.evaluations - before.evaluations,
            elements: now.elements - before.elements,
            changes: now.changes - before.changes,
            visits: now.visits - before.visits,
            most: None,
        };
        before = now;
        work
    };
    desk.add(source, 1_000_000..1_000_010);
    let adding = since(&desk);
    desk.remove(source, 1_000_000..1_000_010);
    [adding, since(&desk)]
}

#[test]
fn the_cost_of_a_change_follows_the_change_and_not_the_size() {
    let small = work_of_ten(1_000);
    assert_eq!(small, work_of_ten(100_000));
    assert!(small[0].evaluations <= 50 && small[0].changes <= 200, "{small:?}");
}

#[test]
fn an_element_stays_as_long_as_anything_supports_it() {
    let mut desk = Desk::default();
    let [source, halves] = ["source", "halves"].map(|name| desk.set(name));
    desk.made(Operator::Map(function(6, 1)), &[source], halves);
    desk.add(source, [2, 3, 4]);
    desk.add(halves, [1]);
    assert_eq!(desk.shown(halves), "[1, 2]");
    desk.remove(halves, [1, 2]);
    assert_eq!(desk.shown(halves), "[1, 2]");
    desk.remove(source, [2]);
    assert_eq!(desk.shown(halves), "[1, 2]");
    desk.remove(source, [3]);
    assert_eq!(desk.shown(halves), "[2]");
    desk.add(source, [3]);
    assert_eq!(desk.shown(halves), "[1, 2]");
}

#[test]
fn a_diamond_is_never_seen_half_done() {
    let mut desk = Desk::default();
    let [source, doubled, joined, seen] = ["source", "doubled", "joined", "seen"].map(|name| desk.set(name));
    desk.made(Operator::Map(function(0, 1)), &[source], doubled);
    desk.made(Operator::Intersection, &[source, doubled], joined);
    desk.made(Operator::Map(function(0, 1)), &[joined], seen);
    desk.add(source, [1, 2]);
    assert_eq!(desk.shown(seen), "[4]");
    let before = desk.engine.work().evaluations;
    desk.update(source, &op("rmv_all", [Term::list([int(1), int(2)])]));
    desk.add(source, [3]);
    // Two images leave and one enters; the one common element leaves once.
    assert_eq!(desk.engine.work().evaluations - before, 4);
    assert_eq!(desk.shown(seen), "[]");
}

#[test]
fn a_failing_element_contributes_nothing_and_is_told_once() {
    let mut desk = Desk::default();
    let [source, image] = ["source", "image"].map(|name| desk.set(name));
    desk.add(source, [7]);
    desk.made(Operator::Map(function(2, 1)), &[source], image);
    desk.add(source, [7, 8]);
    let failures = desk.engine.take_failures();
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!((&failure.element, &failure.reason), (&int(7), &FailureReason::Evaluation(Failed(7))));
    assert_eq!(desk.shown(image), "[8]");
    desk.remove(source, [7]);
    assert_eq!(desk.shown(image), "[8]");
    assert!(desk.engine.take_failures().is_empty());
}

#[test]
fn what_cannot_be_withdrawn_is_not_contributed() {
    let mut desk = Desk::default();
    let [source, image] = ["source", "image"].map(|name| desk.set(name));
    desk.made(Operator::Fold(function(7, 1)), &[source], image);
    desk.add(source, [1]);
    let failures = desk.engine.take_failures();
    let diagnostic = failures.first().and_then(ElementFailure::diagnostic).expect("a message of its own");
    assert_eq!(diagnostic.code, "E0310");
    assert_eq!(diagnostic.help, ["into a set it can contribute `{add, E}`, `{add, List}` and `{add_all, List}`"]);
}

#[test]
fn a_cycle_is_refused_with_its_path() {
    let mut desk = Desk::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| desk.set(name));
    desk.made(Operator::Map(function(0, 1)), &[b], c);
    desk.made(Operator::Map(function(0, 1)), &[a], b);
    let refused = desk.derive(Operator::Union, &[a, c], a).expect_err("a cycle");
    assert_eq!(refused.diagnostic().title, "this union would close a cycle: a -> a");
    let refused = desk.derive(Operator::Bind, &[c], a).expect_err("a cycle");
    assert_eq!(refused.diagnostic().title, "this bind_to would close a cycle: a -> b -> c -> a");
    desk.add(a, [1]);
    assert_eq!(desk.shown(c), "[4]");
}

#[test]
fn each_verb_says_what_it_cannot_derive() {
    let mut desk = Desk::default();
    let [a, b] = ["a", "b"].map(|name| desk.set(name));
    let own = desk.variable("own", Type::Set, true);
    let count = desk.variable("count", Type::Counter, false);
    let single = desk.variable("single", Type::Ivar, false);
    let map = || Operator::Map(function(0, 1));
    let mut code = |operator, sources: &[VariableId], destination| {
        desk.derive(operator, sources, destination).expect_err("refused").code()
    };
    assert_eq!(code(map(), &[own], a), "E0306");
    assert_eq!(code(map(), &[a], count), "E0307");
    assert_eq!(code(Operator::Fold(function(3, 1)), &[a], single), "E0307");
    assert_eq!(code(Operator::Bind, &[a], count), "E0307");
    assert_eq!(code(Operator::Map(function(0, 2)), &[a], b), "E0308");
    assert_eq!(code(Operator::Filter(int(1)), &[a], b), "E0308");
    assert_eq!(code(Operator::FoldDynamic(function(3, 1)), &[a], count), "E0311");
    let known = Reference { name: Name::Given(Term::atom("a")), kind: Type::GSet, dynamic: false };
    assert_eq!(desk.engine.declare(&known).expect_err("taken").code(), "E0301");
}

#[test]
fn only_the_k_best_and_one_sum_travel() {
    let mut desk = Desk::default();
    let scores = desk.variable("scores", Type::Set, true);
    let best = desk.variable("best", Type::TopK(2), false);
    let total = desk.variable("total", Type::Counter, false);
    desk.made(Operator::FoldDynamic(function(5, 2)), &[scores], best);
    desk.made(Operator::FoldDynamic(function(3, 1)), &[scores], total);
    desk.add(scores, 1..=100);
    let score = |n| Content::Score(Box::new((int(n), int(n))));
    let tally = |n| Content::Tally(Box::new(Tally { up: crate::lattice::sum::Sum::small(n), ..Tally::default() }));
    let changes = desk.engine.take_slot_changes();
    assert_eq!(changes[0].added, [score(99), score(100)]);
    assert_eq!(changes[1].added, [tally(5050)]);
    desk.add(scores, [50]);
    assert!(desk.engine.take_slot_changes().is_empty());
    desk.remove(scores, [100]);
    let changes = desk.engine.take_slot_changes();
    assert_eq!((&changes[0].added, &changes[0].removed), (&vec![score(98)], &vec![score(100)]));
    assert_eq!((&changes[1].added, &changes[1].removed), (&vec![tally(4950)], &vec![tally(5050)]));
    assert_eq!(desk.shown(best), "[]");
}

#[test]
fn changes_are_told_once_and_by_age() {
    let mut desk = Desk::default();
    let [source, image] = ["source", "image"].map(|name| desk.set(name));
    desk.made(Operator::Map(function(0, 1)), &[source], image);
    desk.add(source, [1]);
    assert_eq!(desk.engine.take_changed(), [source, image]);
    desk.add(source, [1]);
    assert!(desk.engine.take_changed().is_empty());
    desk.add(image, [2]);
    assert!(desk.engine.take_changed().is_empty());
}

#[test]
fn thresholds_tell_reached_from_passed() {
    let mut desk = Desk::default();
    let set = desk.set("set");
    let flag = desk.variable("flag", Type::Boolean, false);
    let single = desk.variable("single", Type::Ivar, false);
    desk.add(set, [1, 2]);
    desk.update(flag, &Term::atom("true"));
    let meets = |variable: VariableId, term: Term| {
        let threshold = Threshold::parse(&desk.engine.reference(variable).kind, &term).expect("of the type");
        let strict = Threshold { strict: true, ..threshold.clone() };
        (desk.engine.meets(variable, &threshold), desk.engine.meets(variable, &strict))
    };
    assert_eq!(meets(set, Term::list([int(1)])), (true, true));
    assert_eq!(meets(set, Term::list([int(2), int(1)])), (true, false));
    assert_eq!(meets(set, Term::list([int(3)])), (false, false));
    assert_eq!(meets(set, op("cardinality", [int(2)])), (true, false));
    assert_eq!(meets(flag, Term::boolean(true)), (true, false));
    assert_eq!(meets(single, Term::atom("bound")), (false, false));
    assert_eq!(meets(set, Term::atom("bound")), (true, true));
}

#[test]
fn entries_of_any_replica_speak_for_an_element() {
    let mut desk = Desk::default();
    let set = desk.set("set");
    let dots = [0, 1, Dot::REPLICAS_MAX / 2, Dot::REPLICAS_MAX - 1]
        .map(|replica| Dot::new(ReplicaIndex(replica), Dot::SEQUENCE_MAX).expect("within the limits"));
    let change = |dot, slot, present| {
        let content = Content::Element(int(1));
        vec![BaseChange { variable: set, dot, content, slot, present }]
    };
    for first in 0..dots.len() {
        desk.engine.apply(change(dots[0], true, true), &mut Native);
        for dot in dots {
            desk.engine.apply(change(dot, false, true), &mut Native);
        }
        let effect = desk.engine.prepare(set, &Op::Remove(vec![int(1)]), &Author::alone(ME, 0)).expect("not refused");
        assert_eq!(effect.writes[0].removes, dots);
        for at in 0..dots.len() {
            desk.engine.apply(change(dots[(first + at) % dots.len()], false, false), &mut Native);
            assert_eq!(desk.shown(set), "[1]");
        }
        desk.engine.apply(change(dots[0], true, false), &mut Native);
        assert_eq!(desk.shown(set), "[]");
    }
}

#[test]
fn a_filter_of_a_product_by_an_equality_costs_its_matches_and_never_builds_the_product() {
    let mut desk = Desk::default();
    let [left, right, pairs, kept] = ["left", "right", "pairs", "kept"].map(|name| desk.set(name));
    desk.made(Operator::Product, &[left, right], pairs);
    desk.made(Operator::Filter(function(8, 1)), &[pairs], kept);
    // Elements beyond 10,000 match nothing but each other's remainders: ten of each side share each of a thousand keys.
    desk.add(left, 0..10_000);
    desk.add(right, (0..10_000).map(|x| if x < 100 { x } else { 1_000_000 + x * 1000 + 999 }));
    let matches = 100 * 10;
    let far = 9_900 * 10;
    let work = desk.engine.work();
    assert!(work.evaluations <= 20_000 + matches + far, "{work:?}");
    assert!(work.elements <= 3 * (20_000 + matches + far), "{work:?}, and the product has a hundred million pairs");
    desk.add(left, [20_000]);
    let change = desk.engine.work();
    assert!(change.elements - work.elements <= 8, "a change costs its partners: {change:?} after {work:?}");
    desk.remove(right, (100..10_000).map(|x| 1_000_000 + x * 1000 + 999));
    assert_eq!(desk.engine.value(kept).to_vec().map(|pairs| pairs.len()), Some(1001));
}

#[test]
fn a_product_is_built_when_somebody_looks_and_is_kept_up_to_date_from_then_on() {
    let mut desk = Desk::default();
    let [left, right, pairs, kept] = ["left", "right", "pairs", "kept"].map(|name| desk.set(name));
    desk.made(Operator::Filter(function(8, 1)), &[pairs], kept);
    desk.made(Operator::Product, &[left, right], pairs);
    desk.add(left, [1, 2]);
    desk.add(right, [2, 1001]);
    assert_eq!(desk.shown(kept), "[{1, 1001}, {2, 2}]");
    assert!(desk.engine.meets(pairs, &Threshold::bound()), "also for who asks in passing");
    assert_eq!(desk.shown(pairs), "[{1, 2}, {1, 1001}, {2, 2}, {2, 1001}]");
    desk.remove(left, [1]);
    assert_eq!((desk.shown(pairs), desk.shown(kept)), ("[{2, 2}, {2, 1001}]".into(), "[{2, 2}]".into()));
    // Its own elements are filtered too, and those that are also pairs of the product count twice.
    let own = Term::tuple([int(2), int(2)]);
    desk.update(pairs, &op("add", [own.clone()]));
    desk.remove(left, [2]);
    assert_eq!((desk.shown(pairs), desk.shown(kept)), ("[{2, 2}]".into(), "[{2, 2}]".into()));
    desk.update(pairs, &op("rmv", [own]));
    assert_eq!(desk.shown(kept), "[]");
}

#[test]
fn a_change_beneath_a_key_costs_that_key() {
    let mut desk = Desk::default();
    let map = desk.variable("m", Type::AwMap(Box::new(Type::Set)), false);
    let images = desk.set("images");
    let other = desk.set("other");
    desk.made(Operator::Union, &[map, other], images);
    let apply = |key: i64, n: i64| {
        let add = Term::tuple([Term::atom("add"), int(n)]);
        Term::tuple([Term::atom("apply"), int(key), add])
    };
    for key in 0..1000 {
        desk.update(map, &apply(key, 1));
    }
    let before = desk.engine.work();
    desk.update(map, &apply(500, 2));
    let after = desk.engine.work();
    assert_eq!(after.elements - before.elements, 2, "the key's old value leaves, its new one enters");
    assert_eq!(after.changes - before.changes, 3);
    let entry = Term::pair(int(500), Term::list([int(1), int(2)]));
    assert!(desk.engine.value(images).to_vec().is_some_and(|elements| elements.contains(&entry)));
}

#[test]
fn removal_records_can_be_counted() {
    let mut desk = Desk::default();
    let kind = Type::GMap(Box::new(Type::Pair(Box::new((Type::TwoPSet, Type::DwFlag)))));
    let map = desk.variable("m", kind, false);
    let nested = |op: Term| Term::tuple([Term::atom("apply"), int(1), op]);
    let remove = Term::tuple([Term::atom("rmv"), int(7)]);
    desk.update(map, &nested(Term::tuple([Term::atom("fst"), remove])));
    desk.update(map, &nested(Term::tuple([Term::atom("snd"), Term::atom("disable")])));
    assert_eq!(desk.engine.removal_records(map), 2);
    desk.update(map, &nested(Term::tuple([Term::atom("snd"), Term::atom("enable")])));
    assert_eq!(desk.engine.removal_records(map), 1);
}
