//! Bytes that synchronization sends, against the ways that Enes, Almeida, Baquero and Leitão compare ("Efficient Synchronization
//! of State-based CRDTs", ICDE 2019): full states, classic deltas, and deltas without what goes back to where it came from and
//! without what is redundant (BP+RR).
//!
//! `cargo bench --bench synchronization`. Their experiment: 15 nodes as a tree or as a mesh in which each has four neighbours;
//! each node makes 100 events, one a second, and sends to its neighbours once a second; adds of elements that nobody else
//! adds, increments of a counter, or new values for some of the 1,000 keys of a map. The same events at the same times for all.
//!
//! Terms are the elements, counts and entries that are sent, as they are encoded; frames are everything that is sent: numbers,
//! names, acknowledgements, vectors, digests, and what lasp's overlay says to keep its neighbours and its tree. What carries the
//! frames, and its own headers, are in neither, for none of them. lasp has two rows: as its nodes run, which pass on at once
//! what is new, and with its pauses as long as the interval of the others.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers of a bench are small"
)]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a bench reads its arguments and prints figures"
)]

mod deltas;
mod ours;
mod workload;

use ours::Pace;
use workload::Kind;
use workload::Schedule;
use workload::mesh;
use workload::tree;

/// What a way of synchronizing has sent, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) terms: u64,
    pub(crate) frames: u64,
    /// From the last event until all nodes had the same.
    pub(crate) settled_ms: u64,
}

fn main() {
    let kinds = [Kind::Set, Kind::Counter, Kind::Map(10), Kind::Map(30), Kind::Map(60), Kind::Map(100)];
    let quick = std::env::args().any(|argument| argument == "--quick");
    let kinds = if quick { &kinds[..2] } else { &kinds[..] };
    println!(
        "15 nodes, 100 events each, one a second; bytes sent until all have the same, and how many times fewer than full states"
    );
    for (name, topology) in [("tree", tree()), ("mesh", mesh())] {
        for &kind in kinds {
            println!("{name}, {}", kind.name());
            println!("  {:<14} {:>12} {:>7} {:>12} {:>7} {:>9}", "", "terms", "", "frames", "", "settled");
            let schedule = Schedule::new(kind, 1);
            let manners = [("state", deltas::STATE), ("classic", deltas::CLASSIC), ("BP+RR", deltas::BP_RR)];
            let mut rows: Vec<(&str, Sent)> =
                manners.iter().map(|&(way, manner)| (way, deltas::run(manner, &topology, &schedule))).collect();
            rows.push(("lasp, at once", ours::run(&Pace::at_once(), &topology, &schedule)));
            rows.push(("lasp, gathered", ours::run(&Pace::each_interval(), &topology, &schedule)));
            let state = rows[0].1;
            for (way, sent) in rows {
                println!(
                    "  {way:<14} {:>12} {:>6.1}x {:>12} {:>6.1}x {:>6} ms",
                    sent.terms,
                    state.terms as f64 / sent.terms as f64,
                    sent.frames,
                    state.frames as f64 / sent.frames as f64,
                    sent.settled_ms
                );
            }
        }
    }
}
