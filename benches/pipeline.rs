//! The whole way as a user has it: a program whose loop adds 1,000,000 integers to a replicated set, from which compiled
//! functions derive a map, a filter and their union; against hand-written hash maps of element to 8-byte dot.
//!
//! `cargo bench --bench pipeline`. All in one run, several rounds in turn, medians; the ratio is what counts. Time is this
//! thread's time on a processor where the system tells it; bytes are what the process grows by.

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

use lasp::compile::Session;
use lasp::lattice::dot::ReplicaId;
use lasp::node::Node;
use lasp::node::Output;
use lasp::node::Progress;
use lasp::node::Settings;
use lasp::value::term::Term;
use rustc_hash::FxHashMap;

const ELEMENTS: usize = 1_000_000;
const BATCH: usize = 1000;
const ROUNDS: usize = 3;
/// Steps between looks at the outputs, as the edge has it.
const FUEL: u64 = 1_000_000;

const BATCHED: &str =
    "S = declare(set), D = map(S, fun(X) -> X * 2 + 1 end), E = filter(S, fun(X) -> X rem 3 == 0 end),
    U = union(D, E), [update(S, {add, Batch}) || Batch <- arg(batches, [])].";
const SINGLE: &str = "S = declare(set), D = map(S, fun(X) -> X * 2 + 1 end), E = filter(S, fun(X) -> X rem 3 == 0 end),
    U = union(D, E), [update(S, {add, X}) || Batch <- arg(batches, []), X <- Batch].";

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

/// The process's memory, in bytes; 0 where the system does not tell.
fn resident() -> f64 {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    told.split(' ').nth(1).and_then(|pages| pages.parse().ok()).map_or(0.0, |pages: f64| pages * 4096.0)
}

/// What one way costs for each element.
struct Cost {
    nanoseconds: f64,
    bytes: f64,
    /// How many elements the union has.
    held: usize,
}

fn measure<T>(work: impl FnOnce() -> T, held: impl FnOnce(T) -> usize) -> Cost {
    let (clock, before) = (Instant::now(), resident());
    let start = nanoseconds(clock);
    let result = work();
    let nanoseconds = (nanoseconds(clock) - start) / ELEMENTS as f64;
    Cost { nanoseconds, bytes: (resident() - before) / ELEMENTS as f64, held: held(result) }
}

/// The least: only the set's dots and the union's counts are kept.
fn least(integers: &[i64]) -> Cost {
    let work = || {
        let mut dots: FxHashMap<i64, u64> = FxHashMap::default();
        let mut counts: FxHashMap<i64, u32> = FxHashMap::default();
        for (at, x) in integers.iter().enumerate() {
            if dots.insert(*x, at as u64 + 1).is_none() {
                *counts.entry(x * 2 + 1).or_insert(0) += 1;
                if x % 3 == 0 {
                    *counts.entry(*x).or_insert(0) += 1;
                }
            }
        }
        (dots, counts)
    };
    measure(work, |(dots, counts)| black_box(counts).len() + black_box(dots).len() - ELEMENTS)
}

/// The same with all four variables at hand, as the program has them.
fn readable(integers: &[i64]) -> Cost {
    let work = || {
        let mut dots: FxHashMap<i64, u64> = FxHashMap::default();
        let mut maps: [FxHashMap<i64, u32>; 3] = Default::default();
        for (at, x) in integers.iter().enumerate() {
            if dots.insert(*x, at as u64 + 1).is_none() {
                let [mapped, filtered, union] = &mut maps;
                *mapped.entry(x * 2 + 1).or_insert(0) += 1;
                *union.entry(x * 2 + 1).or_insert(0) += 1;
                if x % 3 == 0 {
                    *filtered.entry(*x).or_insert(0) += 1;
                    *union.entry(*x).or_insert(0) += 1;
                }
            }
        }
        (dots, maps)
    };
    measure(work, |(dots, [_, _, union])| black_box(union).len() + black_box(dots).len() - ELEMENTS)
}

fn node(program: &str, integers: &[i64]) -> Node {
    let (mut session, library) = Session::new();
    let (unit, _) = session.program("pipeline.lasp", program).expect("the program is right");
    let batch = |batch: &[i64]| Term::list(batch.iter().map(|x| Term::Int(*x)).collect::<Vec<_>>());
    let batches = Term::list(integers.chunks(BATCH).map(batch).collect::<Vec<_>>());
    let settings = Settings {
        name: "bench".into(),
        replica: 0,
        role: Term::atom("undefined"),
        arguments: vec![("batches".into(), batches)],
        identity: ReplicaId(1),
        seed: 0,
        watch: false,
    };
    Node::new(settings, session, &library, &unit)
}

fn by_program(program: &str, integers: &[i64]) -> Cost {
    let mut node = node(program, integers);
    let work = || {
        while node.run(0, FUEL) == Progress::Busy {}
        while let Some(output) = node.poll_output() {
            if let Output::Report(diagnostic) = output {
                panic!("{}: {}", diagnostic.code, diagnostic.title);
            }
        }
        node
    };
    measure(work, |mut node| {
        let union = node.finals().pop().expect("four names");
        assert_eq!(union.name, "U");
        union.value.to_vec().map_or(0, |elements| elements.len())
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A way of doing it, and its name.
type Way<'a> = (&'static str, &'a dyn Fn() -> Cost);

fn main() {
    let integers = integers();
    let ways: [Way; 4] = [
        ("by hand", &|| least(&integers)),
        ("by hand, all readable", &|| readable(&integers)),
        ("program, batches of 1000", &|| by_program(BATCHED, &integers)),
        ("program, one at a time", &|| by_program(SINGLE, &integers)),
    ];
    let mut costs: [Vec<Cost>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (way, costs) in ways.iter().zip(&mut costs) {
            costs.push(way.1());
        }
    }
    println!("set -> map, filter -> union, {ELEMENTS} integers, medians of {ROUNDS} rounds");
    let middle = |costs: &[Cost], of: fn(&Cost) -> f64| median(costs.iter().map(of).collect());
    let hand = middle(&costs[0], |cost| cost.nanoseconds);
    for ((name, _), costs) in ways.iter().zip(&costs) {
        assert!(costs.iter().all(|cost| cost.held == costs[0].held), "equal results");
        let (taken, bytes) = (middle(costs, |cost| cost.nanoseconds), middle(costs, |cost| cost.bytes));
        println!("  {name:26} {taken:7.1} ns/element {bytes:7.1} bytes/element  {:.2} x by hand", taken / hand);
    }
}
