//! What is hard to show from outside: single messages, hostile ones among them.

use triomphe::Arc;

use super::*;
use crate::replica::lanes::Claims;
use crate::replica::lanes::Lanes;
use crate::replica::message::EntryRun;
use crate::replica::message::Group;
use crate::replica::message::Part;
use crate::replica::message::Run;
use crate::replica::message::Tables;
use crate::replica::message::Telling;
use crate::replica::message::Versions;
use crate::replica::message::WireContent;
use crate::replica::message::WireEvent;
use crate::value::content::Rights;

pub(super) const PEER: PeerId = PeerId(1);

pub(super) fn key(kind: Type) -> VariableKey {
    VariableKey { name: Name::Given(Term::atom("x")), kind }
}

pub(super) fn element(n: i64) -> Content {
    Content::Element(Term::Int(n))
}

pub(super) fn lane(n: u128) -> Lane {
    Lane::plain(ReplicaId(n))
}

/// A replica with identity 1, one element, and one peer.
pub(super) fn victim() -> Replica {
    let mut replica = Replica::new(ReplicaId(1));
    replica.connected(PEER, Role::Server, ReplicaId(99), 0);
    let x = replica.key(&key(Type::Set));
    replica.write(x, Some(element(7)), &[], None).unwrap();
    replica.flush(0);
    outs(&mut replica);
    replica
}

pub(super) fn outs(replica: &mut Replica) -> Vec<Out> {
    std::iter::from_fn(|| replica.poll()).collect()
}

pub(super) fn messages(replica: &mut Replica) -> Vec<Message> {
    let sent = outs(replica).into_iter().filter_map(|out| match out {
        Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => Some(wire::decode(&bytes).unwrap()),
        _ => None,
    });
    sent.collect()
}

/// Events of replica 2 from number `first` on, of variable x.
pub(super) fn group(first: u64, events: Vec<WireEvent>) -> Group {
    let tables = Tables {
        replicas: Lanes(vec![lane(2), lane(1), lane(3)]),
        keys: vec![group::key_term(&key(Type::Set))].into(),
        slots: vec![9u128.to_le_bytes()].into(),
    };
    Group { tables, runs: vec![Run { replica: 0, first, events: events.into() }].into() }
}

pub(super) fn adding(content: Content) -> WireEvent {
    WireEvent { key: 0, adds: Some(WireContent { slot: 0, content }), removes: Vec::new().into() }
}

pub(super) fn removing(replica: u32, sequence: u64) -> WireEvent {
    WireEvent { key: 0, adds: None, removes: vec![(replica, sequence)].into() }
}

fn refusal(message: &Message) -> Option<RefusalReason> {
    let mut replica = victim();
    let before = replica.vector_digest();
    replica.handle(PEER, &wire::encode(message), 1);
    let refused = outs(&mut replica).into_iter().find_map(|out| match out {
        Out::Refuse(_, reason) => Some(reason),
        _ => None,
    });
    if refused.is_some() {
        assert_eq!((replica.vector_digest(), replica.live_entries()), (before, 1), "a refused message has no effect");
    }
    refused
}

pub(super) fn told(heights: Vec<(Lane, u64)>) -> Message {
    let interests = Versions { own: 0, other: 0 };
    let told = Telling { number: 1, heard: 0, whole: true };
    Message::Vector { told, vector: Claims(heights), declared: 0, interests }
}

fn push(first: u64, events: Vec<WireEvent>) -> Message {
    Message::Push { group: group(first, events) }
}

#[test]
fn messages_that_contradict_themselves_are_refused() {
    let malformed = Some(RefusalReason::Malformed);
    assert_eq!(refusal(&push(1, vec![adding(element(1))])), None);
    assert_eq!(refusal(&push(0, vec![adding(element(1))])), malformed);
    assert_eq!(refusal(&push(Dot::SEQUENCE_MAX, vec![adding(element(1)), adding(element(2))])), malformed);
    assert_eq!(refusal(&push(u64::MAX, vec![adding(element(1)), adding(element(2))])), malformed);
    // Removes itself, or what its replica is still to make.
    assert_eq!(refusal(&push(1, vec![removing(0, 1)])), malformed);
    assert_eq!(refusal(&push(1, vec![removing(0, 5)])), malformed);
    assert_eq!(refusal(&push(1, vec![removing(2, 0)])), malformed);
    // Places that are not in the tables.
    assert_eq!(refusal(&push(1, vec![removing(3, 1)])), malformed);
    assert_eq!(refusal(&push(1, vec![WireEvent { key: 1, ..adding(element(1)) }])), malformed);
    let slot = WireContent { slot: 2, content: element(1) };
    assert_eq!(refusal(&push(1, vec![WireEvent { adds: Some(slot), ..adding(element(1)) }])), malformed);
    let mut broken = group(1, vec![adding(element(1))]);
    broken.tables.keys = vec![Term::Int(3)].into();
    assert_eq!(refusal(&Message::Push { group: broken.clone() }), malformed);
    broken.runs.0[0].replica = 9;
    broken.tables.keys = vec![group::key_term(&key(Type::Set))].into();
    assert_eq!(refusal(&Message::Push { group: broken }), malformed);
    // A good event before a bad one has no effect either.
    assert_eq!(refusal(&push(1, vec![adding(element(1)), removing(9, 9)])), malformed);
}

#[test]
fn contents_that_do_not_fit_their_type_are_refused() {
    for content in [Content::True, Content::Number(Term::Int(1)), Content::Value(Term::Nil)] {
        assert_eq!(refusal(&push(1, vec![adding(content)])), Some(RefusalReason::Unfit));
    }
    let mut group = group(1, vec![adding(Content::Number(Term::atom("many")))]);
    group.tables.keys = vec![group::key_term(&key(Type::MaxInt))].into();
    assert_eq!(refusal(&Message::Push { group }), Some(RefusalReason::Unfit));
}

fn rights(of: u128) -> WireEvent {
    adding(Content::Rights(Box::new(Rights { replica: of, ..Rights::default() })))
}

fn of_bounded(mut group: Group) -> Group {
    group.tables.keys = vec![group::key_term(&key(Type::BCounter))].into();
    group
}

#[test]
fn rights_are_used_by_their_own_replica_alone() {
    assert_eq!(refusal(&Message::Push { group: of_bounded(group(1, vec![rights(2)])) }), None);
    assert_eq!(refusal(&Message::Push { group: of_bounded(group(1, vec![rights(3)])) }), Some(RefusalReason::Unfit));
    for (before, expected) in [(vec![7], None), (vec![7, 1 << 64], Some(RefusalReason::Unfit))] {
        let taken = Content::Rights(Box::new(Rights { replica: 2, before, accounts: Vec::new() }));
        assert_eq!(
            refusal(&Message::Push { group: of_bounded(group(1, vec![adding(taken)])) }),
            expected,
            "the same node's alone"
        );
    }
    let nested = |of| {
        let entry = Content::Entry(Arc::new((Term::Int(1), rights(of).adds.unwrap().content)));
        let mut group = group(1, vec![adding(entry)]);
        group.tables.keys = vec![group::key_term(&key(Type::GMap(Box::new(Type::BCounter))))].into();
        refusal(&Message::Push { group })
    };
    assert_eq!((nested(2), nested(1)), (None, Some(RefusalReason::Unfit)));
}

#[test]
fn rights_go_by_their_own_replicas_events_alone() {
    let mut replica = victim();
    let mut give = |group: Group| {
        replica.handle(PEER, &wire::encode(&Message::Push { group: of_bounded(group) }), 1);
        replica.live_entries()
    };
    assert_eq!(give(group(1, vec![rights(2)])), 2);
    // To another's event it is what must have been seen; to its own, what it takes the place of.
    let mut other = group(1, vec![WireEvent { removes: vec![(0, 1)].into(), ..rights(3) }]);
    other.runs.0[0].replica = 2;
    assert_eq!(give(other), 3);
    assert_eq!(give(group(2, vec![WireEvent { removes: vec![(0, 1)].into(), ..rights(2) }])), 3);
    let mut early = group(2, vec![WireEvent { removes: vec![(0, 3)].into(), ..rights(3) }]);
    early.runs.0[0].replica = 2;
    early.tables.keys = vec![group::key_term(&key(Type::BCounter))].into();
    replica.handle(PEER, &wire::encode(&Message::Push { group: early }), 1);
    let height = replica.vector().find(|(id, _)| *id == lane(3));
    assert_eq!(height, Some((lane(3), 1)), "it waits for what it comes after");
}

#[test]
fn nobody_else_makes_updates_in_our_name() {
    let in_use = Some(RefusalReason::IdentityInUse);
    assert_eq!(RefusalReason::IdentityInUse.code(), "E0616");
    let vector = |sequence| told(vec![(lane(1), sequence)]);
    assert_eq!(refusal(&vector(1)), None);
    assert_eq!(refusal(&vector(2)), in_use);
    let mut forged = group(2, vec![adding(element(1))]);
    forged.runs.0[0].replica = 1;
    assert_eq!(refusal(&Message::Push { group: forged }), in_use);
    assert_eq!(refusal(&push(1, vec![removing(1, 2)])), in_use);
    let pull = Message::Pull {
        session: 1,
        told: Telling { whole: true, ..Telling::default() },
        vector: Claims(vec![(lane(1), 9)]),
        whole: false,
    };
    assert_eq!(refusal(&pull), in_use);
}

#[test]
fn a_peer_introduces_only_so_many_replicas_in_a_minute() {
    let limits = Limits { replicas_per_minute: 10, ..Limits::default() };
    let mut replica = Replica::with_limits(ReplicaId(1), limits);
    replica.connected(PEER, Role::Server, ReplicaId(99), 0);
    let tell = |replica: &mut Replica, ids: std::ops::Range<u128>, now| {
        let vector = told(ids.map(|n| (lane(n), 1)).collect());
        replica.handle(PEER, &wire::encode(&vector), now);
        outs(replica).iter().any(|out| *out == Out::Refuse(PEER, RefusalReason::TooManyReplicas))
    };
    assert!(!tell(&mut replica, 10..20, 1));
    assert!(!tell(&mut replica, 10..20, 2), "those are known by now");
    assert!(!tell(&mut replica, 20..30, 60_001));
    assert!(tell(&mut replica, 30..31, 60_002));
}

#[test]
fn a_removal_that_overtakes_its_addition_waits_for_it() {
    let mut replica = victim();
    let removal = Message::Push {
        group: {
            let mut group = group(1, vec![removing(2, 1)]);
            group.runs.0[0].replica = 0;
            group
        },
    };
    replica.handle(PEER, &wire::encode(&removal), 1);
    assert_eq!(outs(&mut replica), []);
    let mut addition = group(1, vec![adding(element(5))]);
    addition.runs.0[0].replica = 2;
    replica.handle(PEER, &wire::encode(&Message::Push { group: addition }), 2);
    let changes = outs(&mut replica);
    let Some(Out::Changes(changes)) = changes.first() else { panic!("{changes:?}") };
    assert_eq!(changes.iter().map(|change| change.present).collect::<Vec<_>>(), [true, false]);
    assert_eq!(replica.live_entries(), 1);
    assert_eq!(replica.vector().count(), 3);
}

#[test]
fn a_removal_concerns_its_own_variable_only() {
    let mut replica = victim();
    let mut group = group(1, vec![removing(1, 1)]);
    group.tables.keys = vec![group::key_term(&key(Type::GSet))].into();
    replica.handle(PEER, &wire::encode(&Message::Push { group }), 1);
    assert_eq!(replica.live_entries(), 1);
}

/// A replica in the middle of a pull from its peer, and the pull's number.
pub(super) fn pulling() -> (Replica, u64) {
    let mut replica = victim();
    let vector = told(vec![(lane(2), 3)]);
    replica.handle(PEER, &wire::encode(&vector), 1);
    let asked = messages(&mut replica).into_iter().find_map(|message| match message {
        Message::Pull { session, .. } => Some(session),
        _ => None,
    });
    (replica, asked.expect("it pulls what it lacks"))
}

pub(super) fn part(height: u64, entry: u64) -> Part {
    let tables = group(1, Vec::new()).tables;
    let entries = vec![(entry, element(3))].into();
    let entries = vec![EntryRun { replica: 0, key: 0, slot: 1, entries }].into();
    Part { tables, vector: vec![(0, height)].into(), entries, ..Part::default() }
}

fn chunk(session: u64, index: u32, last: bool, part: Part) -> Vec<u8> {
    wire::encode(&Message::Chunk { session, snapshot: 4, index, last, part: Box::new(part) })
}

#[test]
fn a_snapshot_is_applied_whole_or_not_at_all() {
    let (mut replica, session) = pulling();
    let before = replica.vector_digest();
    replica.handle(PEER, &chunk(session, 0, false, part(3, 2)), 2);
    assert_eq!(replica.vector_digest(), before);
    assert_eq!(replica.live_entries(), 1);
    replica.handle(PEER, &chunk(session, 1, true, part(3, 3)), 3);
    assert_eq!(replica.live_entries(), 3);
    assert_eq!(replica.vector().map(|(_, n)| n).collect::<Vec<_>>(), [1, 3]);
    let slots: Vec<Option<u128>> = replica.entries().map(|(_, _, _, slot)| slot).collect();
    assert_eq!(slots, [None, Some(9), Some(9)]);
}

#[test]
fn chunks_that_contradict_each_other_are_refused() {
    // An entry that the snapshot does not cover.
    let (mut replica, session) = pulling();
    replica.handle(PEER, &chunk(session, 0, true, part(3, 4)), 2);
    assert!(outs(&mut replica).contains(&Out::Refuse(PEER, RefusalReason::Malformed)));
    assert_eq!(replica.live_entries(), 1);
    // A last chunk that is not the last.
    let (mut replica, session) = pulling();
    replica.handle(PEER, &chunk(session, 2, false, part(3, 3)), 2);
    replica.handle(PEER, &chunk(session, 1, true, part(3, 2)), 2);
    assert!(outs(&mut replica).contains(&Out::Refuse(PEER, RefusalReason::Malformed)));
    // Chunks that nobody asked for are nothing.
    let mut replica = victim();
    replica.handle(PEER, &chunk(1, 0, true, part(3, 3)), 2);
    assert_eq!(outs(&mut replica), []);
    assert_eq!(replica.live_entries(), 1);
}

#[test]
fn claims_without_data_cost_little() {
    let (mut replica, mut session) = pulling();
    let mut sent = 0;
    for now in 2..2000 {
        let nothing = Message::Events { session, group: Group::default() };
        replica.handle(PEER, &wire::encode(&nothing), now);
        replica.tick(now);
        for message in messages(&mut replica) {
            sent += 1;
            if let Message::Pull { session: next, .. } = message {
                session = next;
            }
        }
    }
    assert!(sent < 10, "{sent} messages in two seconds");
}

#[test]
fn types_in_conflict_are_told_on_both_sides() {
    let (mut a, mut b) = (Replica::new(ReplicaId(1)), Replica::new(ReplicaId(2)));
    a.declare(&key(Type::Set));
    a.connected(PEER, Role::Server, ReplicaId(99), 0);
    b.connected(PEER, Role::Server, ReplicaId(99), 0);
    b.declare(&key(Type::Counter));
    b.flush(0);
    let mut conflicts = Vec::new();
    for _ in 0..4 {
        for (number, from, to) in [(0, 0, 1), (1, 1, 0)] {
            let both = [&mut a, &mut b];
            let out = outs(both[from]);
            for out in out {
                let both = [&mut a, &mut b];
                match out {
                    Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => both[to].handle(PEER, &bytes, 1),
                    Out::Conflict { key, other, .. } => conflicts.push((number, key.kind, other)),
                    out => panic!("{out:?}"),
                }
            }
        }
    }
    conflicts.sort();
    assert_eq!(conflicts, [(0, Type::Set, Type::Counter), (1, Type::Counter, Type::Set)]);
}

#[test]
fn nothing_is_written_that_could_not_be_sent() {
    let mut replica = victim();
    let x = replica.key(&key(Type::Set));
    let huge = Content::Element(Term::text("a".repeat(300 << 10)));
    assert!(matches!(replica.write(x, Some(huge), &[], None), Err(Limit::TooLarge { .. })));
    assert_eq!(replica.write(x, Some(Content::True), &[], None), Err(Limit::Unfit));
    let long = VariableKey { name: Name::Given(Term::text("a".repeat(20_000))), kind: Type::Set };
    let long = replica.key(&long);
    assert_eq!(replica.write(long, Some(element(1)), &[], None), Err(Limit::Name));
    let large = Content::Element(Term::text("a".repeat(250 << 10)));
    let dots: Vec<Dot> = (0..10_000).map(|n| replica.write(x, Some(element(n)), &[], None).unwrap()).collect();
    replica.write(x, Some(large), &dots, None).unwrap();
    replica.flush(1);
    assert_eq!(replica.live_entries(), 2);
    let mut other = Replica::new(ReplicaId(5));
    other.connected(PEER, Role::Server, ReplicaId(99), 0);
    for out in outs(&mut replica) {
        let (Out::Send(_, bytes) | Out::Broadcast { bytes, .. }) = out else { continue };
        assert!(bytes.len() < MESSAGE_BYTES_MAX);
        other.handle(PEER, &bytes, 1);
    }
    // The first write went out before the other was there.
    assert_eq!(other.live_entries(), 0);
    let pulled = |from: &mut Replica, to: &mut Replica, now| {
        for out in outs(from) {
            if let Out::Send(_, bytes) | Out::Broadcast { bytes, .. } = out {
                to.handle(PEER, &bytes, now);
            }
        }
    };
    for now in 2..300 {
        replica.tick(now);
        other.tick(now);
        pulled(&mut replica, &mut other, now);
        pulled(&mut other, &mut replica, now);
    }
    assert_eq!(other.live_entries(), 2);
    assert!(other.agrees(PEER) && replica.agrees(PEER));
}

#[test]
fn a_latecomer_finds_a_variables_entries() {
    let mut replica = victim();
    replica.handle(PEER, &wire::encode(&push(1, vec![adding(element(3)), adding(element(4)), removing(0, 1)])), 1);
    let x = replica.key(&key(Type::Set));
    let values = |replica: &mut Replica| -> Vec<Content> {
        replica.entries_of(x).into_iter().map(|(_, content, _)| content).collect()
    };
    assert_eq!(values(&mut replica), [element(7), element(4)]);
    assert_eq!(values(&mut replica), [element(7), element(4)], "and again");
}

/// A replica with identity 2 that has made one update, then a transaction of three, and what it has to send.
fn transacted() -> (Replica, Vec<Vec<u8>>) {
    let mut replica = Replica::new(ReplicaId(2));
    replica.connected(PEER, Role::Server, ReplicaId(99), 0);
    let x = replica.key(&key(Type::Set));
    replica.write(x, Some(element(1)), &[], None).unwrap();
    replica.begin();
    let dot = replica.write(x, Some(element(2)), &[], None).unwrap();
    assert_eq!(replica.entry(dot).map(|(_, content, _)| content.clone()), Some(element(2)));
    replica.write(x, Some(element(3)), &[dot], None).unwrap();
    replica.write(x, Some(element(4)), &[], None).unwrap();
    assert_eq!((replica.live_entries(), replica.vector().map(|(_, n)| n).sum()), (1, 1u64));
    replica.commit();
    replica.flush(0);
    let sent = outs(&mut replica).into_iter().filter_map(|out| match out {
        Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => Some(bytes),
        _ => None,
    });
    let sent = sent.collect();
    (replica, sent)
}

#[test]
fn a_transaction_that_comes_early_is_applied_whole_when_its_time_has_come() {
    let (_, sent) = transacted();
    let pushed = sent.iter().filter_map(|bytes| match wire::decode(bytes) {
        Ok(Message::Push { group }) => Some(group),
        _ => None,
    });
    let runs: Vec<Run> = pushed.flat_map(|group| group.runs.0).collect();
    assert_eq!(
        runs.iter().map(|run| (run.replica, run.first, run.events.len())).collect::<Vec<_>>(),
        [(0, 1, 1), (message::WHOLE, 2, 3)]
    );
    let alone = |run: &Run| {
        let tables = Tables { replicas: Lanes(vec![lane(2)]), ..group(1, Vec::new()).tables };
        wire::encode(&Message::Push { group: Group { tables, runs: vec![run.clone()].into() } })
    };
    let mut replica = victim();
    replica.handle(PEER, &alone(&runs[1]), 1);
    assert_eq!((outs(&mut replica), replica.live_entries()), (Vec::new(), 1));
    replica.handle(PEER, &alone(&runs[0]), 2);
    let changes: Vec<Out> = outs(&mut replica);
    let [Out::Changes(changes)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(changes.iter().map(|change| change.present).collect::<Vec<_>>(), [true, true, false, true, true]);
    assert_eq!(replica.live_entries(), 4);
}

#[test]
fn a_transaction_is_never_told_in_part() {
    let (replica, _) = transacted();
    for (most, events) in [(1, 1), (2, 4), (3, 4), (4, 4)] {
        let bytes = replica.updates_above(&[], most).unwrap();
        let Ok(Message::Push { group }) = wire::decode(&bytes) else { panic!("{bytes:?}") };
        assert_eq!(group.runs.iter().map(|run| run.events.len()).sum::<usize>(), events);
    }
}

#[test]
fn what_is_given_up_has_never_been() {
    let mut replica = victim();
    let before = replica.vector_digest();
    let x = replica.key(&key(Type::Set));
    replica.begin();
    let dot = replica.write(x, Some(element(8)), &[], None).unwrap();
    replica.abort();
    assert_eq!((replica.vector_digest(), replica.live_entries(), replica.entry(dot)), (before, 1, None));
    replica.flush(1);
    assert_eq!(outs(&mut replica), []);
    assert_eq!(replica.write(x, Some(element(9)), &[], None), Ok(dot));
}

#[test]
fn the_largest_transaction_fits_into_a_message() {
    let mut replica = victim();
    let dots: Vec<Dot> = {
        let x = replica.key(&key(Type::Set));
        (0..30_000).map(|n| replica.write(x, Some(element(n)), &[], None).unwrap()).collect()
    };
    replica.flush(1);
    outs(&mut replica);
    replica.begin();
    let mut written = 0;
    // Long names, removals, contents: until there is no room.
    for n in 0..1000 {
        let name = Name::Given(Term::text(format!("{n:016000}")));
        let long = replica.key(&VariableKey { name, kind: Type::Set });
        if replica.write(long, Some(element(n)), &[], None).is_err() || n > 10 {
            break;
        }
    }
    let x = replica.key(&key(Type::Set));
    for part in dots.chunks(3) {
        match replica.write(x, Some(element(-1)), part, None) {
            Ok(_) => written += 1,
            Err(limit) => {
                assert!(matches!(limit, Limit::Transaction { .. }));
                break;
            }
        }
    }
    assert!((5000..10_000).contains(&written), "{written}");
    replica.commit();
    replica.flush(2);
    let sizes: Vec<usize> = outs(&mut replica)
        .iter()
        .map(|out| match out {
            Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => bytes.len(),
            _ => 0,
        })
        .collect();
    assert!(sizes.iter().all(|size| *size < MESSAGE_BYTES_MAX), "{sizes:?}");
    assert!(sizes.iter().any(|size| *size > 250 << 10), "{sizes:?}");
}

#[test]
fn what_a_peer_said_just_now_is_waited_for_as_long_as_what_it_said_before() {
    let mut replica = victim();
    let said = |number, height| {
        let (told, interests) = (Telling { number, heard: 0, whole: true }, Versions { own: 0, other: 0 });
        wire::encode(&Message::Vector { told, vector: Claims(vec![(lane(2), height)]), declared: 0, interests })
    };
    let pulls = |replica: &mut Replica| -> Vec<u64> {
        let pulls = messages(replica).into_iter().filter_map(|message| match message {
            Message::Pull { session, .. } => Some(session),
            _ => None,
        });
        pulls.collect()
    };
    replica.handle(PEER, &said(1, 1), 100);
    assert_eq!(pulls(&mut replica), [1], "what is heard first is not on its way");
    let group = group(1, vec![adding(element(1))]);
    replica.handle(PEER, &wire::encode(&Message::Events { session: 1, group }), 101);
    replica.tick(1000);
    let (start, grace) = (1100, replica.grace());
    replica.handle(PEER, &said(2, 2), start);
    replica.handle(PEER, &said(3, 3), start + grace - 1);
    replica.handle(PEER, &wire::encode(&push(2, vec![adding(element(2))])), start + grace - 1);
    replica.tick(start + grace);
    assert_eq!(pulls(&mut replica), Vec::<u64>::new(), "the second has come by itself, and the third has its time");
    replica.tick(start + 2 * grace);
    assert_eq!(pulls(&mut replica), [2]);
}

#[test]
fn while_updates_come_all_the_time_peers_are_told_of_changes_now_and_then() {
    let mut replica = victim();
    let told = |replica: &mut Replica| {
        messages(replica)
            .iter()
            .filter(|message| matches!(message, Message::Summary { .. } | Message::Vector { .. }))
            .count()
    };
    let x = replica.key(&key(Type::Set));
    let write = |replica: &mut Replica, n: u64| {
        replica.write(x, Some(element(n.cast_signed())), &[], None).unwrap();
        replica.flush(50 * n);
        (50 * n..50 * (n + 1)).for_each(|now| replica.tick(now));
    };
    write(&mut replica, 100);
    assert_eq!(told(&mut replica), 2, "of a single one at once, and the round's");
    (101..200).for_each(|n| write(&mut replica, n));
    assert!(told(&mut replica) < 40, "of a hundred within five seconds");
}
