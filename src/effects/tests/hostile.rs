//! Messages that no honest server sends.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::effects::Decider;
use crate::effects::EFFECTS;
use crate::effects::EffectKey;
use crate::effects::Ended;
use crate::effects::Message;
use crate::effects::Request;
use crate::effects::Unsound;
use crate::effects::tests::CALM;
use crate::effects::tests::World;
use crate::effects::tests::member;
use crate::effects::tests::node;
use crate::effects::tests::place;
use crate::effects::wire::EntryKind;
use crate::effects::wire::LogEntry;
use crate::effects::wire::RaftKind;
use crate::effects::wire::RaftMessage;

fn raft(kind: RaftKind, from: usize, to: usize, term: u64) -> RaftMessage {
    RaftMessage {
        kind,
        to: node(to).0,
        from: node(from).0,
        term,
        log_term: 0,
        index: 0,
        entries: Vec::new(),
        commit: 0,
        commit_term: 0,
        reject: false,
        reject_hint: 0,
    }
}

#[test]
fn messages_that_no_honest_server_sends_are_refused_and_do_no_harm() {
    let mut world = World::new(9, 3, 3, CALM);
    world.run(4000);
    world.want(0, EffectKey(1));
    world.run(2000);
    let leader = (0..3).find(|at| world.servers[*at].decider.as_ref().is_some_and(Decider::raw_is_leader));
    let leader = leader.expect("a leader");
    let (follower, now) = ((leader + 1) % 3, world.now);
    let group = world.servers[0].list.as_ref().expect("a list").group().to_be_bytes();
    let term = world.servers[leader].decider.as_ref().expect("decides").term();
    let nothing = |index, term| LogEntry { term, index, kind: EntryKind::Nothing };
    let change = EntryKind::Change { version: 9, add: true, member: member(2) };
    let hostile = [
        RaftMessage { from: 99, ..raft(RaftKind::Append, leader, follower, term) },
        RaftMessage { to: 99, ..raft(RaftKind::Append, leader, follower, term) },
        RaftMessage { commit: 1 << 30, ..raft(RaftKind::Heartbeat, leader, follower, term) },
        RaftMessage {
            index: 5,
            log_term: 1,
            entries: vec![nothing(9, term)],
            ..raft(RaftKind::Append, leader, follower, term)
        },
        RaftMessage { entries: vec![nothing(1, term + 5)], ..raft(RaftKind::Append, leader, follower, term + 5) },
        RaftMessage { entries: vec![nothing(1, term + 1)], ..raft(RaftKind::Append, leader, follower, term) },
        RaftMessage { index: 1 << 50, ..raft(RaftKind::AppendResponse, leader, follower, term) },
        raft(RaftKind::Propose, leader, follower, 0),
        RaftMessage {
            entries: vec![LogEntry { term: 0, index: 0, kind: change }],
            ..raft(RaftKind::Propose, leader, follower, 0)
        },
        raft(RaftKind::Append, leader, follower, 0),
        raft(RaftKind::RequestVote, leader, follower, u64::MAX),
    ];
    for message in hostile {
        let decider = world.servers[follower].decider.as_mut().expect("decides");
        let said = format!("{message:?}");
        let raft = Message::Raft { group, message };
        assert_eq!(decider.handle(node(leader), true, raft.clone(), now), Err(Unsound), "{said}");
        assert_eq!(decider.handle(node(leader), false, raft, now), Err(Unsound), "a client: {said}");
    }
    // Another group's messages are nobody's fault, and nobody's concern.
    let decider = world.servers[follower].decider.as_mut().expect("decides");
    let foreign = Message::Raft { group: [1; 16], message: raft(RaftKind::RequestVote, leader, follower, u64::MAX) };
    assert_eq!(decider.handle(node(leader), true, foreign, now), Ok(()));
    // A client may ask, but is never entered; nor can anybody end what runs elsewhere.
    let request = Request { key: EffectKey(5), life: 1, attempt: 1, running: false };
    assert_eq!(decider.handle(node(8), false, Message::Requests(vec![request]), now), Ok(()));
    let ended = Ended { key: EffectKey(1), life: 1, attempt: 1, well: false };
    assert_eq!(decider.handle(node(8), true, Message::Ended(vec![ended]), now), Ok(()));
    assert_eq!(decider.handle(node(8), false, Message::Ended(vec![ended]), now), Err(Unsound));
    world.run(3000);
    let ledger = world.servers[follower].decider.as_ref().expect("decides").ledger();
    assert_eq!(ledger.get(EffectKey(5)), None);
    assert_eq!(ledger.get(EffectKey(1)).and_then(|decision| decision.ended), Some(true));
}

#[test]
fn random_bytes_and_random_messages_do_no_harm() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut world = World::new(9, 3, 3, CALM);
    world.run(3000);
    world.want(0, EffectKey(1));
    world.run(1000);
    let group = world.servers[0].list.as_ref().expect("a list").group().to_be_bytes();
    let kinds = [
        RaftKind::Propose,
        RaftKind::Append,
        RaftKind::AppendResponse,
        RaftKind::RequestVote,
        RaftKind::RequestVoteResponse,
        RaftKind::Heartbeat,
        RaftKind::HeartbeatResponse,
        RaftKind::RequestPreVote,
        RaftKind::RequestPreVoteResponse,
    ];
    for _ in 0..30_000 {
        let mut small = |most: u64| random.next_u64() % most;
        let (from, to) = (place(small(3)), place(small(3)));
        let index = small(8);
        let entries = (0..small(3)).map(|at| LogEntry {
            term: small(5),
            index: index + at + small(20) / 19 + 1,
            kind: EntryKind::Nothing,
        });
        let entries = entries.collect();
        let message = RaftMessage {
            log_term: small(5),
            index,
            entries,
            commit: small(8),
            commit_term: small(5),
            reject: small(2) == 0,
            reject_hint: small(9),
            ..raft(kinds[place(small(9))], from, to, small(6))
        };
        let now = world.now + small(100);
        if let Some(decider) = &mut world.servers[to].decider {
            // Refused or not: it goes on.
            let _ = decider.handle(node(from), true, Message::Raft { group, message }, now);
            decider.take_puts();
            while decider.poll().is_some() {}
        }
    }
    for _ in 0..10_000 {
        let length = random.next_u64() % 64;
        let mut bytes: Vec<u8> = (0..length).map(|_| random.next_u64().to_be_bytes()[0]).collect();
        bytes.insert(0, EFFECTS);
        let _ = Message::decode(&bytes);
    }
}
