//! Thresholds of every type: what they say of states, what stays met, and which one needs at least another.

mod bare;

use lasp::engine::Author;
use lasp::engine::BaseChange;
use lasp::engine::Engine;
use lasp::engine::Evaluate;
use lasp::engine::Failed;
use lasp::graph::VariableId;
use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaIndex;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::operation::Op;
use lasp::value::reference::Name;
use lasp::value::reference::Reference;
use lasp::value::term::Term;
use lasp::value::threshold::Threshold;

/// No function is called here.
struct Nothing;

impl Evaluate for Nothing {
    fn call(&mut self, _: &Term, _: &[Term]) -> Result<Term, Failed> {
        Err(Failed(0))
    }
}

const VARIABLE: VariableId = VariableId(0);

/// Types, each with operations by which it only grows, and thresholds.
const GROWING: &str = "[
    {gset, [{add, 1}, {add, [2, 3]}], [[], [1], [1, 2], {cardinality, 0}, {cardinality, 1}, {cardinality, 3}, {strict, [1]}, {strict, {cardinality, 1}}, bound]},
    {gcounter, [increment, {increment, 2}], [{value, 0}, {value, 1}, {value, 2.5}, {strict, {value, 1}}, {strict, {value, 2}}, bound]},
    {max_int, [{set, 2}, {set, 5}], [{value, 1}, {value, 2}, {strict, {value, 2}}, {value, 9}, bound]},
    {min_int, [{set, 5}, {set, 2}], [{value, 9}, {value, 5}, {strict, {value, 5}}, {value, 2}, {value, 0}, bound]},
    {boolean, [true], [true, {strict, true}, bound]},
    {ivar, [{set, 1}], [bound, {strict, undefined}]},
    {gcounter, [{increment, 18014398509481985}, {increment, 0.25}, {increment, 1.5e308}], [{value, 18014398509481985},
        {strict, {value, 18014398509481985}}, {strict, {value, 18014398509481984}}, {value, 1.5e308}, {strict, {value, 1.7e308}}]},
    {lwwregister, [{set, 1}, {set, 2}], [bound]},
    {mvregister, [{set, 1}, {set, 2}], [bound]},
    {{top_k, [2]}, [{set, a, 3}, {set, b, 4}, {set, c, 5}], [{value, 3}, {value, 4}, {strict, {value, 3}}, bound]},
    {{gmap, [gcounter]}, [{apply, x, increment}, {apply, y, {increment, 2}}],
        [#{x => {value, 1}}, #{x => {value, 2}}, #{x => {value, 1}, y => {value, 2}}, {strict, #{x => {value, 1}, y => {value, 1}}}, #{x => bound}, #{x => {strict, {value, 1}}}, bound]},
    {{pair, [gset, max_int]}, [{fst, {add, 1}}, {snd, {set, 3}}],
        [{[1], {value, 3}}, {[], {value, 3}}, {strict, {[], {value, 3}}}, {bound, bound}, {[1], bound}, bound]}
].";

/// Types whose values also fall back.
const OTHERS: &str = "[
    {set, [{add, 1}, {add, [2, 3]}, {rmv, 1}], [[1], [2], [1, 2], {cardinality, 1}, {strict, [2]}, bound]},
    {rwset, [{add, 1}, {add, 2}, {rmv, 1}], [[1], [2], {cardinality, 1}, {strict, [2]}, bound]},
    {twopset, [{add, 1}, {add, 2}, {rmv, 1}], [[1], [2], {cardinality, 1}, bound]},
    {counter, [increment, {decrement, 2}], [{value, 0}, {value, -1}, {value, 1}, bound]},
    {lexcounter, [increment, {decrement, 2}], [{value, 0}, {value, 1}, bound]},
    {bcounter, [{increment, 2}, decrement], [{value, 1}, {value, 2}, {strict, {value, 1}}, bound]},
    {ewflag, [enable, disable], [true, bound]},
    {dwflag, [enable, disable], [true, bound]},
    {{awmap, [set]}, [{apply, x, {add, 1}}, {rmv, x}, {apply, y, {add, 2}}], [#{x => [1]}, #{y => [2]}, #{x => bound, y => bound}, bound]},
    {{window, [5, counter]}, [{at, 1, increment}, {at, 4, increment}, {at, 7, {increment, 5}}], [{value, 1}, {value, 2}, {value, 5}, bound]},
    {{window, [4, 2, 2, max_int]}, [{at, 1, {set, 4}}, {at, 7, {set, 2}}], [{value, 2}, {value, 4}, bound]}
].";

struct Case {
    kind: Type,
    ops: Vec<Op>,
    thresholds: Vec<(Term, Threshold)>,
}

fn cases(text: &str) -> Vec<Case> {
    let list = |term: &Term| term.to_vec().expect("a list");
    let case = |term: &Term| {
        let [kind, ops, thresholds] = term.as_tuple().expect("a tuple") else { panic!("three parts") };
        let kind = Type::parse(kind).expect("a type");
        let ops = list(ops).iter().map(|op| Op::parse(&kind, op).expect("an operation of the type")).collect();
        let threshold = |term: &Term| (term.clone(), Threshold::parse(&kind, term).expect("a threshold of the type"));
        let thresholds = list(thresholds).iter().map(threshold).collect();
        Case { kind, ops, thresholds }
    };
    list(&bare::run(text).outcome.expect("a value")).iter().map(case).collect()
}

/// An engine with one variable after these updates.
fn engine(kind: &Type, ops: &[&Op]) -> Engine {
    let mut engine = Engine::new();
    let reference = Reference { name: Name::Given(Term::atom("x")), kind: kind.clone(), dynamic: false };
    engine.declare(&reference).expect("a new name");
    let (me, mut sequence, mut live) = (ReplicaIndex(0), 0, std::collections::BTreeMap::<Dot, Content>::new());
    for op in ops {
        let Ok(effect) = engine.prepare(VARIABLE, op, &Author::alone(me, 0)) else { continue };
        let mut changes = Vec::new();
        let change = |dot, content, present| BaseChange { variable: VARIABLE, dot, content, slot: false, present };
        for write in effect.writes {
            sequence += 1;
            let dot = Dot::new(me, sequence).expect("few events");
            for gone in write.removes {
                changes.push(change(gone, live.remove(&gone).expect("live"), false));
            }
            if let Some(content) = write.content {
                live.insert(dot, content.clone());
                changes.push(change(dot, content, true));
            }
        }
        engine.apply(changes, &mut Nothing);
    }
    engine
}

/// Every sequence of up to three operations.
fn sequences(ops: &[Op]) -> Vec<Vec<&Op>> {
    let mut all: Vec<Vec<&Op>> = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..3 {
        last =
            last.iter().flat_map(|ops_so_far| ops.iter().map(|op| [ops_so_far.as_slice(), &[op]].concat())).collect();
        all.extend(last.iter().cloned());
    }
    all
}

#[test]
fn who_needs_at_least_a_threshold_meets_it() {
    for Case { kind, ops, thresholds } in cases(GROWING).into_iter().chain(cases(OTHERS)) {
        let engines: Vec<Engine> = sequences(&ops).iter().map(|ops| engine(&kind, ops)).collect();
        for (shown_a, a) in &thresholds {
            assert!(a.at_least(a) && a.at_least(&Threshold::bound()), "{kind}: {shown_a}");
            for (shown_b, b) in &thresholds {
                let bound = *b == Threshold::bound();
                for engine in engines.iter().filter(|_| a.at_least(b) && !bound) {
                    let (met_a, met_b) = (engine.meets(VARIABLE, a), engine.meets(VARIABLE, b));
                    let value = engine.value_now(VARIABLE);
                    assert!(!met_a || met_b, "{kind}: {value} meets {shown_a}, and not {shown_b}");
                }
                for (_, c) in &thresholds {
                    assert!(!(a.at_least(b) && b.at_least(c)) || a.at_least(c), "{kind}: transitive");
                }
            }
        }
    }
}

#[test]
fn what_only_grows_stays_at_what_it_has_met() {
    for Case { kind, ops, thresholds } in cases(GROWING) {
        for sequence in sequences(&ops) {
            for (shown, threshold) in &thresholds {
                let met: Vec<bool> = (0..=sequence.len())
                    .map(|length| engine(&kind, &sequence[..length]).meets(VARIABLE, threshold))
                    .collect();
                assert!(met.is_sorted(), "{kind}: {shown} after {sequence:?}: {met:?}");
            }
        }
    }
}

#[test]
fn every_threshold_but_those_above_the_top_can_be_met() {
    let above_the_top = ["{strict, true}", "{value, 9}", "{value, 0}"];
    for Case { kind, ops, thresholds } in cases(GROWING).into_iter().chain(cases(OTHERS)) {
        let engines: Vec<Engine> = sequences(&ops).iter().map(|ops| engine(&kind, ops)).collect();
        for (shown, threshold) in &thresholds {
            let met = engines.iter().any(|engine| engine.meets(VARIABLE, threshold));
            assert!(met || above_the_top.contains(&shown.to_string().as_str()), "{kind}: {shown}");
        }
    }
}

/// Whether a type's state meets a threshold after these operations.
fn meets(text: &str) -> bool {
    let case = cases(&format!("[{text}].")).remove(0);
    engine(&case.kind, &case.ops.iter().collect::<Vec<_>>()).meets(VARIABLE, &case.thresholds[0].1)
}

#[test]
fn thresholds_mean_what_the_table_says() {
    for met in [
        "{min_int, [{set, 5}], [{value, 5}]}",
        "{min_int, [{set, 5}], [{strict, {value, 6}}]}",
        "{dwflag, [], [true]}",
        "{dwflag, [disable], [bound]}",
        "{{gmap, [counter]}, [], [#{a => {value, 0}}]}",
        "{{gmap, [gset]}, [{apply, a, {add, 1}}, {apply, b, {add, 2}}], [#{a => [1], b => [2]}]}",
        "{{gmap, [gset]}, [{apply, a, {add, 1}}, {apply, b, {add, [2, 3]}}], [{strict, #{a => [1], b => [2]}}]}",
        "{{pair, [gset, max_int]}, [{fst, {add, 1}}, {snd, {set, 3}}], [{strict, {[1], {value, 2}}}]}",
        "{{window, [5, counter]}, [{at, 1, increment}, {at, 5, increment}], [{value, 2}]}",
        "{{window, [4, 2, 2, counter]}, [{at, 1, increment}, {at, 7, increment}], [{strict, {value, 0}}]}",
        "{{awmap, [set]}, [{apply, a, {add, 1}}], [#{a => [1]}]}",
        "{mvregister, [{set, 1}], [{strict, undefined}]}",
        "{mvregister, [], [undefined]}",
        "{set, [{add, 1}], [undefined]}",
        "{{gmap, [ivar]}, [], [undefined]}",
        "{{pair, [gset, ivar]}, [{fst, {add, 1}}], [{[1], undefined}]}",
    ] {
        assert!(meets(met), "{met}");
    }
    for missed in [
        "{min_int, [], [{value, 5}]}",
        "{min_int, [], [{strict, undefined}]}",
        "{min_int, [{set, 5}], [{strict, {value, 5}}]}",
        "{dwflag, [disable], [true]}",
        "{dwflag, [], [bound]}",
        "{{gmap, [gset]}, [{apply, a, {add, 1}}], [#{a => [1], b => [2]}]}",
        "{{gmap, [gset]}, [{apply, a, {add, 1}}, {apply, b, {add, 2}}], [{strict, #{a => [1], b => [2]}}]}",
        "{{pair, [gset, max_int]}, [{fst, {add, 1}}], [{[1], {value, 1}}]}",
        "{{pair, [gset, max_int]}, [], [bound]}",
        "{{window, [4, 2, 2, counter]}, [{at, 1, {increment, 5}}, {at, 7, increment}], [{value, 5}]}",
        "{{awmap, [set]}, [{apply, a, {add, 1}}, {rmv, a}], [bound]}",
    ] {
        assert!(!meets(missed), "{missed}");
    }
}
