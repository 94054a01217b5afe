//! The protocol's bytes from outside: whatever arrives, a replica refuses it or takes it, and version 1 stays version 1.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the numbers of a test are small"
)]

use lasp::lattice::dot::ReplicaId;
use lasp::replica::Out;
use lasp::replica::PeerId;
use lasp::replica::RefusalReason;
use lasp::replica::Replica;
use lasp::replica::Role;
use lasp::replica::VariableKey;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::reference::Name;
use lasp::value::term::Term;
use proptest::prelude::*;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const PEER: PeerId = PeerId(1);

fn key(name: &'static str, kind: Type) -> VariableKey {
    VariableKey { name: Name::Given(Term::atom(name)), kind }
}

fn sent(replica: &mut Replica) -> Vec<Vec<u8>> {
    let outs = std::iter::from_fn(|| replica.poll());
    outs.filter_map(|out| if let Out::Send(_, bytes) | Out::Broadcast { bytes, .. } = out { Some(bytes) } else { None })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replica 1 with a few updates of several kinds, connected.
fn speaker() -> Replica {
    let mut replica = Replica::new(ReplicaId(1));
    replica.connected(PEER, Role::Server, ReplicaId(99), 0);
    let names = replica.key(&key("names", Type::Set));
    replica.declare(&key("names", Type::Set));
    let best = replica.key(&VariableKey { name: Name::Fresh(1, 2, 0), kind: Type::TopK(3) });
    let ann = Content::Element(Term::tuple([Term::text("ann"), Term::Int(-3), Term::atom("ok")]));
    let dot = replica.write(names, Some(ann), &[], None).expect("it fits");
    let score = Content::Score(Box::new((Term::atom("bob"), Term::Int(12))));
    replica.write(best, Some(score), &[], Some(0xfeed)).expect("it fits");
    replica.write(names, None, &[dot], None).expect("it fits");
    replica
        .write(names, Some(Content::Element(Term::list([Term::Int(1), Term::Int(1 << 40)]))), &[], None)
        .expect("it fits");
    replica.flush(0);
    replica
}

/// All messages of two replicas that get to know each other, first by events and then by a snapshot.
fn conversation() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for log in [100, 0] {
        let limits =
            lasp::replica::Limits { log_events_max: log, removals_max: log, ..lasp::replica::Limits::default() };
        let (mut a, mut b) =
            (Replica::with_limits(ReplicaId(1), limits.clone()), Replica::with_limits(ReplicaId(2), limits));
        for (replica, text) in [(&mut a, "ann"), (&mut b, "bob")] {
            let names = replica.key(&key("names", Type::Set));
            replica.declare(&key("names", Type::Set));
            let dot = replica.write(names, Some(Content::Element(Term::text(text))), &[], None).expect("it fits");
            replica.write(names, Some(Content::Element(Term::Int(1))), &[dot], Some(77)).expect("it fits");
            replica.flush(0);
            replica.connected(PEER, Role::Server, ReplicaId(99), 0);
        }
        for now in 1..200 {
            a.tick(now);
            b.tick(now);
            for (from, to) in [(0, 1), (1, 0)] {
                let both = [&mut a, &mut b];
                for bytes in sent(both[from]) {
                    let both = [&mut a, &mut b];
                    both[to].handle(PEER, &bytes, now);
                    all.push(bytes);
                }
            }
        }
        assert!(a.agrees(PEER) && b.agrees(PEER));
    }
    all
}

#[test]
fn version_one_is_frozen() {
    let mut replica = speaker();
    let lines: Vec<String> = sent(&mut replica).iter().map(|bytes| hex(bytes)).collect();
    let expected = include_str!("wire/version-1.txt");
    assert_eq!(lines.join("\n"), expected.trim_end());
}

#[test]
fn version_one_is_understood() {
    let mut listener = Replica::new(ReplicaId(2));
    listener.connected(PEER, Role::Server, ReplicaId(99), 0);
    for line in include_str!("wire/version-1.txt").lines() {
        let digits: Vec<u8> =
            (0..line.len()).step_by(2).filter_map(|at| u8::from_str_radix(&line[at..at + 2], 16).ok()).collect();
        listener.handle(PEER, &digits, 1);
    }
    let (mut speaker, entries) = (speaker(), |replica: &Replica| -> Vec<_> {
        let entries = replica.entries();
        entries.map(|(dot, key, content, slot)| (dot, replica.variable(key).cloned(), content.clone(), slot)).collect()
    });
    sent(&mut speaker);
    assert_eq!(entries(&listener), entries(&speaker));
    assert_eq!(listener.live_entries(), 2);
}

#[test]
fn other_versions_are_refused_by_number() {
    let mut replica = speaker();
    sent(&mut replica);
    replica.handle(PEER, &[2, 0, 0, 0], 1);
    assert_eq!(replica.poll(), Some(Out::Refuse(PEER, RefusalReason::Version(2))));
    // From then on it is as if it were not there.
    replica.handle(PEER, &[9], 2);
    assert_eq!(replica.poll(), None);
}

#[test]
fn mutated_messages_do_no_harm() {
    let valid = conversation();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..20_000 {
        let mut replica = speaker();
        sent(&mut replica);
        let mut applied = 0;
        for now in 1..4 {
            let mut bytes = valid[(random.next_u64() as usize) % valid.len()].clone();
            for _ in 0..=(random.next_u64() % 4) {
                mutate(&mut bytes, &mut random);
            }
            replica.connected(PEER, Role::Server, ReplicaId(99), now);
            replica.handle(PEER, &bytes, now);
            replica.tick(now * 100);
            while let Some(out) = replica.poll() {
                if let Out::Changes(changes) = out {
                    applied += changes.iter().map(|change| if change.present { 1 } else { -1 }).sum::<i64>();
                }
            }
        }
        // Whatever was believed, what was told is what there is.
        assert_eq!(replica.live_entries() as i64, 2 + applied);
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let at = (random.next_u64() as usize) % bytes.len().max(1);
    let byte = random.next_u64() as u8;
    match random.next_u64() % 5 {
        0 if !bytes.is_empty() => bytes[at] = byte,
        1 if !bytes.is_empty() => bytes[at] ^= 1 << (byte % 8),
        2 => bytes.insert(at.min(bytes.len()), byte),
        3 if !bytes.is_empty() => {
            bytes.remove(at);
        }
        _ => bytes.truncate(at + 1),
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), versioned in any::<bool>()) {
        let mut replica = speaker();
        sent(&mut replica);
        let before = replica.vector_digest();
        let bytes = if versioned { [&[lasp::replica::VERSION][..], &bytes[..]].concat() } else { bytes };
        replica.handle(PEER, &bytes, 1);
        let refused = std::iter::from_fn(|| replica.poll()).any(|out| matches!(out, Out::Refuse(..)));
        prop_assert!(!refused || replica.vector_digest() == before);
    }
}

#[test]
fn lengths_that_lie_are_cheap() {
    let mut replica = speaker();
    sent(&mut replica);
    // A vector, and a push, that claim as many elements as a length can say.
    for message in [&[1u8, 1, 255, 255, 255, 255, 15][..], &[1, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]] {
        replica.connected(PEER, Role::Server, ReplicaId(99), 1);
        replica.handle(PEER, message, 1);
        assert!(std::iter::from_fn(|| replica.poll()).any(|out| out == Out::Refuse(PEER, RefusalReason::Malformed)));
    }
    replica.connected(PEER, Role::Server, ReplicaId(99), 1);
    replica.handle(PEER, &vec![1; (1 << 20) + 1], 1);
    assert!(std::iter::from_fn(|| replica.poll()).any(|out| out == Out::Refuse(PEER, RefusalReason::TooLong)));
}
