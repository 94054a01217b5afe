//! What replication costs: updates a second through two replicas, bytes on the wire, bytes in memory.
//!
//! Plain figures rather than a statistics framework: the numbers of interest are large and stable.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the numbers of a bench are small"
)]
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints figures")]

use std::time::Instant;

use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaId;
use lasp::replica::Limits;
use lasp::replica::Out;
use lasp::replica::PeerId;
use lasp::replica::Replica;
use lasp::replica::Role;
use lasp::replica::VariableKey;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::reference::Name;
use lasp::value::term::Term;

const COUNT: i64 = 1_000_000;
const LINK: PeerId = PeerId(1);

fn main() {
    let key = VariableKey { name: Name::Given(Term::atom("numbers")), kind: Type::Set };
    println!("{COUNT} integers added to a set");
    memory(&key);

    let mut writer = Replica::new(ReplicaId(1));
    let index = writer.key(&key);
    writer.declare(&key);
    let mut dots: Vec<Dot> = Vec::new();
    let started = Instant::now();
    for n in 0..COUNT {
        dots.extend(writer.write(index, Some(Content::Element(Term::Int(n))), &[], None));
        if n % 1000 == 999 {
            writer.flush(0);
        }
    }
    report("write, no peer", COUNT, started);

    let (mut a, mut b) = (Replica::new(ReplicaId(2)), Replica::new(ReplicaId(3)));
    b.declare(&key);
    a.connected(LINK, Role::Server, ReplicaId(99), 0);
    b.connected(LINK, Role::Server, ReplicaId(99), 0);
    let (mut pushed, mut changes) = (0, 0);
    let index = a.key(&key);
    let started = Instant::now();
    for n in 0..COUNT {
        let written = a.write(index, Some(Content::Element(Term::Int(n))), &[], None);
        assert!(written.is_ok());
        if n % 1000 == 999 {
            a.flush(0);
            let (bytes, changed) = carry(&mut a, &mut b, 0);
            (pushed, changes) = (pushed + bytes, changes + changed);
        }
    }
    report("write, flush and handle at a peer", COUNT, started);
    assert_eq!((changes, b.live_entries()), (COUNT as usize, COUNT as usize));
    println!("  pushed: {:.1} bytes an element", pushed as f64 / COUNT as f64);

    let limits = Limits { log_events_max: 0, ..Limits::default() };
    let mut late = Replica::with_limits(ReplicaId(4), limits);
    late.declare(&key);
    writer.connected(LINK, Role::Server, ReplicaId(99), 0);
    late.connected(LINK, Role::Server, ReplicaId(99), 0);
    let mut pulled = 0;
    let started = Instant::now();
    for now in 0..5000 {
        pulled += carry(&mut writer, &mut late, now).0;
        if late.agrees(LINK) {
            break;
        }
        writer.tick(now);
        late.tick(now);
    }
    report("a newcomer pulls all", COUNT, started);
    assert_eq!(late.live_entries(), COUNT as usize);
    println!("  pulled: {:.1} bytes an element", pulled as f64 / COUNT as f64);

    let started = Instant::now();
    for dot in &dots {
        assert!(writer.write(index, None, &[*dot], None).is_ok());
    }
    report("remove, no peer", COUNT, started);
}

fn memory(key: &VariableKey) {
    let before = resident();
    let limits = Limits { log_events_max: 0, ..Limits::default() };
    let mut replica = Replica::with_limits(ReplicaId(5), limits);
    replica.declare(key);
    let index = replica.key(key);
    for n in 0..COUNT {
        let written = replica.write(index, Some(Content::Element(Term::Int(n))), &[], None);
        assert!(written.is_ok());
        if n % 1000 == 999 {
            replica.flush(0);
        }
    }
    let used = resident().saturating_sub(before);
    println!("{:.1} bytes of memory an entry", used as f64 / replica.live_entries() as f64);
}

/// Carries what either has to send to the other. Gives the bytes that went from the first to the second, and how many
/// entries changed there.
fn carry(from: &mut Replica, to: &mut Replica, now: u64) -> (usize, usize) {
    let (mut carried, mut changes) = (0, 0);
    while let Some(out) = from.poll() {
        if let Out::Send(_, bytes) | Out::Broadcast { bytes, .. } = out {
            carried += bytes.len();
            to.handle(LINK, &bytes, now);
        }
    }
    while let Some(out) = to.poll() {
        match out {
            Out::Changes(told) => changes += told.len(),
            Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => from.handle(LINK, &bytes, now),
            other => println!("unexpected: {other:?}"),
        }
    }
    (carried, changes)
}

fn report(what: &str, count: i64, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what}: {seconds:.3} s, {:.2} million a second", count as f64 / seconds / 1e6);
}

/// The process's resident bytes, where the system tells; 0 elsewhere.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1).and_then(|field| field.parse::<usize>().ok()));
    pages.unwrap_or(0) * 4096
}
