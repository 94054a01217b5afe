//! What it costs a peer that was away to have the same again: bytes, messages, one-way trips, and time spent on both sides, for
//! a set of a million elements.
//!
//! `cargo bench --bench absence`. Three ways by which the other side answers: by recent updates, by recent removals, and by
//! comparing what is live, when it remembers neither (after a start from disk, or after very many other updates).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the numbers of a bench are small"
)]
#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures time and prints figures")]

use std::collections::BTreeMap;
use std::time::Duration;
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

const ELEMENTS: u64 = 1_000_000;
/// One way, in milliseconds of the run's own clock.
const LINK_MS: u64 = 10;

fn main() {
    println!("a set of {ELEMENTS} elements; one peer was away, and the other changed some of them meanwhile");
    println!(
        "  {:<34} {:<12} {:>9} {:>9} {:>6} {:>8} {:>8}",
        "while away", "answered by", "bytes", "a change", "msgs", "one-way", "busy ms"
    );
    let ways = [("updates", 1 << 15, 1 << 19), ("removals", 0, 1 << 19), ("comparing", 0, 0)];
    for (way, log_events_max, removals_max) in ways {
        for writers in [1, 16] {
            let limits = Limits { log_events_max, removals_max, ..Limits::default() };
            let mut pair = Pair::settled(&limits, writers);
            for (added, removed) in [(0, 0), (500, 500), (0, 1000), (1000, 0), (5000, 5000), (50_000, 50_000)] {
                let what = format!("+{added} -{removed}, {writers} writers");
                let cost = pair.absence(added, removed);
                let each = cost.bytes as f64 / (added + removed).max(1) as f64;
                println!(
                    "  {what:<34} {way:<12} {:>9} {each:>9.1} {:>6} {:>8} {:>8.1}",
                    cost.bytes,
                    cost.messages,
                    cost.took_ms / LINK_MS,
                    cost.busy.as_secs_f64() * 1000.0
                );
            }
        }
    }
}

/// Two replicas, the first of which makes all changes.
struct Pair {
    replicas: [Replica; 2],
    key: VariableKey,
    dots: Vec<Dot>,
    next: u64,
    now: u64,
    link: u64,
}

struct Cost {
    bytes: usize,
    messages: usize,
    took_ms: u64,
    busy: Duration,
}

impl Pair {
    /// Both have all elements; as many others as `writers` says, less one, have written most of them and are gone.
    fn settled(limits: &Limits, writers: u64) -> Pair {
        let key = VariableKey { name: Name::Given(Term::atom("numbers")), kind: Type::Set };
        let replicas = [1, 2].map(|id| Replica::with_limits(ReplicaId(id), limits.clone()));
        let mut pair = Pair { replicas, key, dots: Vec::new(), next: 0, now: 0, link: 1 };
        for writer in 1..writers {
            let mut gone = Replica::with_limits(ReplicaId(100 + u128::from(writer)), limits.clone());
            pair.add(&mut gone, ELEMENTS / writers);
            pair.meet(&mut gone);
        }
        let mut first = std::mem::replace(&mut pair.replicas[0], Replica::new(ReplicaId(99)));
        pair.add(&mut first, ELEMENTS - pair.next);
        pair.replicas[0] = first;
        pair.connect();
        pair.until_agreed();
        let found = pair.replicas[0].key(&pair.key);
        let mut dots: Vec<Dot> = pair.replicas[0].entries_of(found).into_iter().map(|(dot, ..)| dot).collect();
        assert_eq!(dots.len() as u64, ELEMENTS);
        // In an order that has nothing to do with that of their making.
        dots.sort_by_cached_key(|dot| mixed(dot.sequence() * 31 + u64::from(dot.replica().0)));
        pair.dots = dots;
        pair
    }

    fn add(&mut self, to: &mut Replica, count: u64) {
        let key = to.key(&self.key);
        for _ in 0..count {
            let element = Content::Element(Term::Int(self.next as i64));
            to.write(key, Some(element), &[], None).expect("an integer fits");
            self.next += 1;
        }
        to.flush(self.now);
        while to.poll().is_some() {}
    }

    /// The first gets what another has.
    fn meet(&mut self, other: &mut Replica) {
        let link = PeerId(1000 + self.next);
        let now = self.now;
        self.replicas[0].connected(link, Role::Server, ReplicaId(1000), now);
        other.connected(link, Role::Server, ReplicaId(1), now);
        let mut at = now;
        while !self.replicas[0].agrees(link) || !other.agrees(link) {
            at += 1;
            self.replicas[0].tick(at);
            other.tick(at);
            loop {
                let (to_other, to_first) = (sent(&mut self.replicas[0]), sent(other));
                if to_other.is_empty() && to_first.is_empty() {
                    break;
                }
                to_other.iter().for_each(|bytes| other.handle(link, bytes, at));
                to_first.iter().for_each(|bytes| self.replicas[0].handle(link, bytes, at));
            }
        }
        self.replicas[0].lost(link, at);
        self.now = at;
    }

    fn connect(&mut self) {
        self.link += 1;
        for (place, other) in [(0, 2), (1, 1)] {
            self.replicas[place].connected(PeerId(self.link), Role::Server, ReplicaId(other), self.now);
        }
    }

    /// Both are connected again after the first has made so many changes.
    fn absence(&mut self, added: u64, removed: u64) -> Cost {
        let link = PeerId(self.link);
        let now = self.now;
        self.replicas.iter_mut().for_each(|replica| replica.lost(link, now));
        let key = self.replicas[0].key(&self.key);
        let changes = added.max(removed);
        for change in 0..changes {
            if change < removed {
                let gone = self.dots.pop().expect("there are more elements");
                self.replicas[0].write(key, None, &[gone], None).expect("a removal fits");
            }
            if change < added {
                let element = Content::Element(Term::Int(self.next as i64));
                self.next += 1;
                self.replicas[0].write(key, Some(element), &[], None).expect("an integer fits");
            }
        }
        self.replicas[0].flush(now);
        self.replicas.iter_mut().for_each(|replica| while replica.poll().is_some() {});
        self.connect();
        let cost = self.until_agreed();
        assert_eq!(self.replicas[0].live_entries(), self.replicas[1].live_entries());
        cost
    }

    fn until_agreed(&mut self) -> Cost {
        let link = PeerId(self.link);
        let began = self.now;
        let mut cost = Cost { bytes: 0, messages: 0, took_ms: 0, busy: Duration::ZERO };
        let mut network: BTreeMap<(u64, u64), (usize, Vec<u8>)> = BTreeMap::new();
        loop {
            for place in 0..2 {
                for bytes in sent(&mut self.replicas[place]) {
                    cost.bytes += bytes.len();
                    cost.messages += 1;
                    network.insert((self.now + LINK_MS, cost.messages as u64), (1 - place, bytes));
                }
            }
            if self.replicas.iter().all(|replica| replica.agrees(link)) && network.is_empty() {
                return cost;
            }
            self.now += 1;
            assert!(self.now < began + 60_000, "no agreement");
            let started = Instant::now();
            while let Some(entry) = network.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (to, bytes) = entry.remove();
                self.replicas[to].handle(link, &bytes, self.now);
            }
            self.replicas.iter_mut().for_each(|replica| replica.tick(self.now));
            cost.busy += started.elapsed();
            if cost.took_ms == 0 && self.replicas[0].vector_digest() == self.replicas[1].vector_digest() {
                cost.took_ms = self.now - began;
            }
        }
    }
}

/// Numbers that look like chance (the finisher of splitmix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ number >> 31
}

fn sent(replica: &mut Replica) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while let Some(out) = replica.poll() {
        match out {
            Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => sent.push(bytes),
            Out::Changes(_) => {}
            other => println!("unexpected: {other:?}"),
        }
    }
    sent
}
