//! How many live nodes a broadcast reaches after many have failed at once, and what steady broadcast costs.
//!
//! The first table is figure 2 of `HyParView` (Leitão, Pereira, Rodrigues, DSN 2007): a share of 1,000 nodes fails at once, and
//! then 1,000 broadcasts are made, one after the other. The membership protocol does nothing between them; that a node is
//! dead is noticed by sending to it, or after [`SILENCE_MS`] by its connection, whose signs of life do not come any more, and
//! then another takes its place. Without the latter a node whose neighbours are all dead would learn of it only when it has
//! something to say itself: at 40 % that is one in a hundred, at 80 % one in three.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers of a bench are small"
)]
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints figures")]

#[path = "../tests/world/mod.rs"]
#[allow(dead_code, reason = "a bench uses its own part of this")]
mod world;

use std::time::Instant;

use lasp::overlay::Settings;
use world::World;

const NODES: usize = 1000;
const BROADCASTS: u32 = 1000;
/// How many of a hundred nodes fail.
const FAILED: [usize; 10] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95];
/// What `net::limits::IDLE` is in milliseconds.
const SILENCE_MS: u64 = 4000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    // All of it takes half an hour; a part by its name, and of a table some rows by their percentages.
    let asked: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let rows = if asked.is_empty() { FAILED.to_vec() } else { asked };
    let all = !has("paper") && !has("lasp") && !has("steady");
    let broadcasts = if has("--quick") { 50 } else { BROADCASTS };
    if all || has("paper") {
        table("the protocol alone, 5 neighbours", &alone(), &rows, broadcasts);
    }
    if all || has("lasp") {
        table("as lasp has it, 8 neighbours", &Settings::default(), &rows, broadcasts);
    }
    if all || has("steady") {
        println!("steady broadcast of 128 bytes every 10 ms over links of 5 to 50 ms");
        for (nodes, count) in [(50, 1000), (1000, 200)] {
            steady(nodes, count, true);
            steady(nodes, count, false);
        }
    }
}

fn table(name: &str, settings: &Settings, rows: &[usize], broadcasts: u32) {
    println!("share of live nodes that a broadcast reaches after failures among {NODES} nodes; {name}");
    println!("  failed  mean of {broadcasts}  the first  the last tenth");
    for &percent in rows {
        let started = Instant::now();
        let (all, first, last) = after_failures(settings, percent, broadcasts);
        let seconds = started.elapsed().as_secs_f64();
        println!("  {percent:>4} %  {all:8.3} %  {first:8.3} %  {last:8.3} %   ({seconds:.0} s)");
    }
}

/// Nothing but the protocol of the paper, with its sizes, which rests once the cluster stands.
fn alone() -> Settings {
    Settings { neighbours: 5, known_max: 35, retry_ms: 0, shuffle_ms: u64::MAX / 4, ..Settings::default() }
}

fn after_failures(settings: &Settings, percent: usize, broadcasts: u32) -> (f64, f64, f64) {
    let mut world = World::new(percent as u64, settings.clone());
    world.grow(NODES);
    world.run(60_000);
    let mut left = NODES * percent / 100;
    while left > 0 {
        let node = world.below(NODES as u64) as usize;
        if world.nodes[node].is_some() {
            world.kill(node);
            left -= 1;
        }
    }
    let mut shares = Vec::new();
    for number in 0..broadcasts {
        let alive = world.alive();
        let maker = alive[world.below(alive.len() as u64) as usize];
        let payload = number.to_be_bytes();
        world.broadcast(maker, &payload);
        // Until nothing of it is under way any more.
        world.run(SILENCE_MS);
        if number == 0 {
            world.notice();
        }
        shares.push(world.reached(&payload, maker) as f64 / (alive.len() - 1) as f64 * 100.0);
        world.delivered.clear();
    }
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    (mean(&shares), mean(&shares[..1]), mean(&shares[shares.len() * 9 / 10..]))
}

fn steady(nodes: usize, count: u32, one_maker: bool) {
    let mut world = World::new(7, Settings::default());
    world.grow(nodes);
    world.run(60_000);
    let started = Instant::now();
    (world.pushes, world.controls) = (0, 0);
    let mut made = Vec::new();
    for number in 0..count {
        let maker = if one_maker { 0 } else { world.below(nodes as u64) as usize };
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(128, 1);
        made.push((payload.clone(), maker, world.now));
        world.broadcast(maker, &payload);
        world.run(10);
    }
    world.run(3000);
    let wanted = u64::from(count) * (nodes as u64 - 1);
    let delivered: u64 = made.iter().map(|(payload, maker, _)| world.reached(payload, *maker) as u64).sum();
    let mut times: Vec<u64> = Vec::new();
    for (payload, maker, at) in &made {
        let got = world.delivered.get(payload).into_iter().flatten();
        times.extend(got.filter(|(node, _)| *node != maker).map(|(_, when)| when - at));
    }
    times.sort_unstable();
    let quantile = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or(0);
    println!(
        "  {nodes:>4} nodes, {}: {delivered}/{wanted} delivered, {:.2} payloads too many and {:.2} other messages a delivery, \
         p50 {} ms, p99 {} ms, most {} ms ({:.1} s)",
        if one_maker { "one maker" } else { "makers by chance" },
        world.pushes as f64 / delivered as f64 - 1.0,
        world.controls as f64 / delivered as f64,
        quantile(0.5),
        quantile(0.99),
        quantile(1.0),
        started.elapsed().as_secs_f64(),
    );
}
