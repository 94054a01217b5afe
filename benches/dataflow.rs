//! 1,000,000 integers, added in batches of 1000, through `map` -> `filter` -> `union`, against the hand-written least: one hash
//! map from element to 8-byte dot for the source, one of counts for the union, nothing for what lies between.
//!
//! `cargo bench --bench dataflow`. Both in one run, several rounds in turn, medians; the ratio is what counts. Time is this
//! thread's time on a processor where the system tells it, so that neighbours show less.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "a bench measures time and prints; its numbers are small"
)]

use std::hint::black_box;
use std::time::Instant;

use lasp::engine::BaseChange;
use lasp::engine::Engine;
use lasp::engine::Evaluate;
use lasp::engine::Failed;
use lasp::graph::Derivation;
use lasp::graph::Operator;
use lasp::graph::VariableId;
use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaIndex;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::reference::Name;
use lasp::value::reference::Reference;
use lasp::value::term::Closure;
use lasp::value::term::Term;
use rustc_hash::FxHashMap;

const ELEMENTS: usize = 1_000_000;
const BATCH: usize = 1000;
const ROUNDS: usize = 3;

/// The functions, as Rust; a machine that runs the language is the other thing to plug in here.
struct Native;

impl Evaluate for Native {
    fn call(&mut self, function: &Term, arguments: &[Term]) -> Result<Term, Failed> {
        let (Term::Fun(closure), [Term::Int(x)]) = (function, arguments) else { return Err(Failed(0)) };
        Ok(match closure.code {
            0 => Term::Int(double(*x)),
            _ => {
                if kept(*x) {
                    YES.with(Term::clone)
                } else {
                    NO.with(Term::clone)
                }
            }
        })
    }
}

thread_local! {
    static YES: Term = Term::boolean(true);
    static NO: Term = Term::boolean(false);
}

fn double(x: i64) -> i64 {
    x * 2 + 1
}

fn kept(x: i64) -> bool {
    x & 2 == 0
}

fn function(code: u32) -> Term {
    let captured = Box::default();
    Term::Fun(triomphe::Arc::new(Closure { code, arity: 1, digest: u128::from(code), captured }))
}

/// The integers in an order without pattern, the same each time.
fn integers() -> Vec<i64> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut all: Vec<i64> = (0..ELEMENTS as i64).collect();
    for at in (1..all.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.swap(at, (state % (at as u64 + 1)) as usize);
    }
    all
}

/// Nanoseconds that this thread has spent on a processor; on the clock where that is not to be had.
fn nanoseconds(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_processor = told.and_then(|told| told.split(' ').next()?.parse().ok());
    on_processor.unwrap_or_else(|| start.elapsed().as_nanos() as f64)
}

/// Nanoseconds for each element.
fn by_hand(integers: &[i64]) -> (f64, usize) {
    let clock = Instant::now();
    let start = nanoseconds(clock);
    let mut dots: FxHashMap<i64, u64> = FxHashMap::default();
    let mut counts: FxHashMap<i64, u32> = FxHashMap::default();
    for (at, x) in integers.iter().enumerate() {
        if dots.insert(*x, at as u64 + 1).is_none() {
            let image = double(*x);
            if kept(image) {
                *counts.entry(image).or_insert(0) += 1;
            }
            *counts.entry(*x).or_insert(0) += 1;
        }
    }
    let taken = (nanoseconds(clock) - start) / integers.len() as f64;
    (taken, black_box(counts).len() + black_box(dots).len())
}

fn graph() -> (Engine, VariableId, VariableId) {
    let mut engine = Engine::new();
    let mut declare = |name: i64| {
        let name = Name::Given(Term::Int(name));
        engine.declare(&Reference { name, kind: Type::Set, dynamic: false }).expect("a new name")
    };
    let [source, mapped, filtered, union] = [declare(0), declare(1), declare(2), declare(3)];
    let derivations = [
        (Operator::Map(function(0)), vec![source], mapped),
        (Operator::Filter(function(1)), vec![mapped], filtered),
        (Operator::Union, vec![filtered, source], union),
    ];
    for (identity, (operator, sources, destination)) in (0u128..).zip(derivations) {
        engine.derive(Derivation { operator, sources, destination, identity }, &mut Native).expect("allowed");
    }
    (engine, source, union)
}

fn changes(source: VariableId, integers: &[i64], first: usize, present: bool) -> Vec<BaseChange> {
    let change = |(at, x): (usize, &i64)| BaseChange {
        variable: source,
        dot: Dot::new(ReplicaIndex(0), (first + at) as u64 + 1).expect("within the limits"),
        content: Content::Element(Term::Int(*x)),
        slot: false,
        present,
    };
    integers.iter().enumerate().map(change).collect()
}

fn by_engine(integers: &[i64], batch: usize, present: bool, engine: &mut Engine, source: VariableId) -> f64 {
    let clock = Instant::now();
    let start = nanoseconds(clock);
    for (at, chunk) in integers.chunks(batch).enumerate() {
        engine.apply(changes(source, chunk, at * batch, present), &mut Native);
        black_box(engine.take_changed());
    }
    (nanoseconds(clock) - start) / integers.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let integers = integers();
    let (mut hand, mut batched, mut single, mut removed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (nanoseconds, held) = by_hand(&integers);
        hand.push(nanoseconds);
        let (mut engine, source, union) = graph();
        batched.push(by_engine(&integers, BATCH, true, &mut engine, source));
        let count = engine.value(union).to_vec().map_or(0, |elements| elements.len());
        assert_eq!(count + ELEMENTS, held, "both hold the same");
        removed.push(by_engine(&integers, BATCH, false, &mut engine, source));
        let (mut engine, source, _) = graph();
        single.push(by_engine(&integers, 1, true, &mut engine, source));
    }
    let [hand, batched, single, removed] = [hand, batched, single, removed].map(median);
    println!("map -> filter -> union, {ELEMENTS} integers, medians of {ROUNDS} rounds");
    println!("  by hand                        {hand:7.1} ns/element");
    println!("  engine, batches of {BATCH}         {batched:7.1} ns/element  {:.2} x by hand", batched / hand);
    println!("  engine, one at a time          {single:7.1} ns/element  {:.2} x by hand", single / hand);
    println!("  engine, removal, batches       {removed:7.1} ns/element  {:.2} x by hand", removed / hand);
}
