//! Who is believed about what, and who hears of what: clients and topics, message by message.

use super::tests::PEER;
use super::tests::adding;
use super::tests::element;
use super::tests::group;
use super::tests::key;
use super::tests::lane;
use super::tests::messages;
use super::tests::outs;
use super::tests::removing;
use super::tests::told;
use super::tests::victim;
use super::*;
use crate::replica::lanes::Claims;
use crate::replica::message::Group;
use crate::replica::message::Telling;
use crate::replica::message::Versions;

/// The connection of a client with incarnation 2.
const CLIENT: PeerId = PeerId(7);
const TOPIC: TopicId = TopicId(5 << 16);

/// A server with one element, identity 1, and a client.
fn server() -> Replica {
    let mut server = victim();
    server.connected(CLIENT, Role::Client, ReplicaId(2), 0);
    outs(&mut server);
    server
}

fn push_of(replica: u32, first: u64, events: Vec<crate::replica::message::WireEvent>) -> Vec<u8> {
    let mut group = group(first, events);
    group.runs.0[0].replica = replica;
    wire::encode(&Message::Push { group })
}

#[test]
fn a_client_that_claims_everything_and_has_nothing_removes_nothing() {
    let mut server = server();
    let claims = vec![(lane(1), 1), (lane(2), 1 << 30), (lane(3), 77)];
    for now in 1..3000 {
        if now % 100 == 1 {
            server.handle(CLIENT, &wire::encode(&told(claims.clone())), now);
        }
        server.tick(now);
        for out in outs(&mut server) {
            let Out::Send(CLIENT, bytes) = out else { continue };
            assert!(!matches!(wire::decode(&bytes), Ok(Message::Pull { .. })), "nobody asks a client for its state");
        }
    }
    let empty = wire::encode(&Message::Events { session: 1, group: Group::default() });
    server.handle(CLIENT, &empty, 3000);
    assert_eq!((server.live_entries(), server.vector().count()), (1, 1));
}

#[test]
fn a_client_speaks_in_its_own_name_alone() {
    assert_eq!(RefusalReason::Forged.code(), "E0630");
    for replica in [1, 2] {
        let mut server = server();
        // Another node, and not only another incarnation of the one that the others are of.
        let client = ReplicaId(2 << 64);
        server.connected(CLIENT, Role::Client, client, 0);
        outs(&mut server);
        let before = server.vector_digest();
        let good_and_bad = {
            let mut group = group(1, vec![adding(element(5))]);
            group.tables.replicas.0[0] = Lane::plain(client);
            let mut run = group.runs.0[0].clone();
            (run.replica, run.first) = (replica, 1);
            group.runs.0.push(run);
            group
        };
        server.handle(CLIENT, &wire::encode(&Message::Push { group: good_and_bad.clone() }), 1);
        assert_eq!(outs(&mut server), [Out::Refuse(CLIENT, RefusalReason::Forged)]);
        assert_eq!((server.vector_digest(), server.live_entries()), (before, 1), "nothing of it has an effect");
        server.connected(CLIENT, Role::Client, client, 2);
        outs(&mut server);
        server.handle(CLIENT, &wire::encode(&Message::Events { session: 0, group: good_and_bad }), 2);
        assert_eq!(outs(&mut server), [Out::Refuse(CLIENT, RefusalReason::Forged)]);
    }
}

#[test]
fn what_a_client_sends_is_acknowledged_each_time_and_applied_once() {
    let mut server = server();
    for now in 1..4 {
        server.handle(CLIENT, &push_of(0, 1, vec![adding(element(5)), removing(1, 1)]), now);
        let told = messages(&mut server);
        let heights = Claims(vec![(lane(2), 2)]);
        assert!(told.contains(&Message::Have { heights }), "{told:?}");
        assert_eq!((server.live_entries(), server.vector().map(|(_, n)| n).sum()), (1, 3u64));
    }
}

#[test]
fn a_client_keeps_its_updates_until_a_server_has_them() {
    let mut client = Replica::new(ReplicaId(2));
    client.set_role(Role::Client);
    let x = client.key(&key(Type::Set));
    let dot = client.write(x, Some(element(1)), &[], None).unwrap();
    client.write(x, Some(element(2)), &[dot], None).unwrap();
    client.flush(0);
    assert_eq!(client.unacknowledged_updates(), 2);
    client.connected(PEER, Role::Server, ReplicaId(1), 0);
    outs(&mut client);
    let pushed = |client: &mut Replica| -> Vec<Vec<u8>> {
        let sent = outs(client).into_iter().filter_map(|out| match out {
            Out::Send(_, bytes) => Some(bytes),
            _ => None,
        });
        sent.filter(|bytes| matches!(wire::decode(bytes), Ok(Message::Push { .. }))).collect()
    };
    // The server has said what it takes, and gets them; and again, as long as it has not said that it has them.
    client.handle(PEER, &wire::encode(&told(Vec::new())), 1);
    let first = pushed(&mut client);
    client.tick(5000);
    let again = pushed(&mut client);
    assert_eq!((first.len(), &first), (1, &again));
    let mut server = server();
    server.handle(CLIENT, &first[0], 2);
    let have = messages(&mut server).into_iter().find(|message| matches!(message, Message::Have { .. }));
    client.handle(PEER, &wire::encode(&have.expect("an answer")), 5001);
    assert_eq!(client.unacknowledged_updates(), 0);
    // Another client's word counts for nothing, nor does one about updates that were never made.
    client.write(x, Some(element(3)), &[], None).unwrap();
    client.connected(CLIENT, Role::Client, ReplicaId(9), 6000);
    client.handle(CLIENT, &wire::encode(&Message::Have { heights: Claims(vec![(lane(2), 3)]) }), 6001);
    assert_eq!(client.unacknowledged_updates(), 1);
    client.handle(PEER, &wire::encode(&Message::Have { heights: Claims(vec![(lane(2), 9)]) }), 6002);
    assert!(outs(&mut client).contains(&Out::Refuse(PEER, RefusalReason::IdentityInUse)));
}

#[test]
fn a_peer_hears_of_a_topic_when_it_has_said_that_it_takes_it_and_not_before() {
    let mut replica = victim();
    let secret = VariableKey { name: Name::Given(Term::atom("secret")), kind: Type::Set };
    replica.declare_in(&secret, TOPIC);
    let secret = replica.key_of(&secret, TOPIC);
    replica.write(secret, Some(Content::Element(Term::text("whispered"))), &[], None).unwrap();
    replica.flush(1);
    let newcomer = PeerId(3);
    replica.connected(newcomer, Role::Server, ReplicaId(50), 1);
    let spoken = |replica: &mut Replica, now: u64| {
        replica.tick(now);
        let sent = outs(replica).into_iter().filter_map(|out| match out {
            Out::Send(to, bytes) if to == newcomer => Some(bytes),
            _ => None,
        });
        let needles: [&[u8]; 3] = [b"secret", b"whispered", &TOPIC.0.to_le_bytes()[2..]];
        sent.filter(|bytes| needles.iter().any(|needle| bytes.windows(needle.len()).any(|part| part == *needle)))
            .count()
    };
    assert_eq!(spoken(&mut replica, 5000), 0, "it has said nothing so far");
    let interest = |version, topics: Vec<[u8; 16]>| {
        wire::encode(&Message::Interest { version, only: true, topics: topics.into() })
    };
    replica.handle(newcomer, &interest(1, Vec::new()), 5001);
    let asks = Message::Pull {
        session: 1,
        told: Telling { whole: true, ..Telling::default() },
        vector: Claims::default(),
        whole: true,
    };
    replica.handle(newcomer, &wire::encode(&asks), 5002);
    replica.write(secret, Some(Content::Element(Term::text("whispered"))), &[], None).unwrap();
    replica.flush(5003);
    assert_eq!(spoken(&mut replica, 9000), 0, "it does not take the topic");
    replica.handle(newcomer, &interest(3, vec![TOPIC.0.to_le_bytes()]), 9001);
    assert!(spoken(&mut replica, 12_000) > 0, "now it does");
    // An older word that comes late changes nothing.
    replica.handle(newcomer, &interest(2, Vec::new()), 12_001);
    replica.write(secret, Some(Content::Element(Term::text("whispered"))), &[], None).unwrap();
    replica.flush(12_002);
    assert!(spoken(&mut replica, 12_003) > 0);
}

#[test]
fn what_comes_of_a_topic_that_is_not_taken_is_passed_over() {
    let mut replica = victim();
    replica.interested(TopicId(9 << 16)).unwrap();
    let mut group = group(1, vec![adding(element(5))]);
    group.tables.replicas.0[0].topic = TOPIC;
    let before = (replica.live_entries(), replica.vector_digest());
    replica.handle(PEER, &wire::encode(&Message::Push { group }), 1);
    let told = vec![(Lane { topic: TOPIC, period: 0, replica: ReplicaId(4) }, 9)];
    let interests = Versions { own: 0, other: 1 };
    let vector = Message::Vector {
        told: Telling { number: 1, heard: 0, whole: true },
        vector: Claims(told),
        declared: 0,
        interests,
    };
    replica.handle(PEER, &wire::encode(&vector), 2);
    replica.tick(5000);
    assert_eq!((replica.live_entries(), replica.vector_digest()), before);
    assert!(!messages(&mut replica).iter().any(|message| matches!(message, Message::Pull { .. })));
}

#[test]
fn a_topic_given_up_leaves_no_trace_and_no_number_is_used_again() {
    let mut replica = victim();
    let x = replica.key_of(&key(Type::Set), TOPIC);
    let first = replica.write(x, Some(element(1)), &[], None).unwrap();
    replica.flush(1);
    replica.disinterested(TOPIC).unwrap();
    assert_eq!((replica.live_entries(), replica.vector().count()), (1, 1));
    assert_eq!(replica.unacknowledged_updates(), 1, "no server is known to have it");
    let second = replica.write(x, Some(element(2)), &[], None).unwrap();
    let (one, two) = (replica.lane(first.replica()), replica.lane(second.replica()));
    assert_eq!((one.replica, one.topic, one.period, two.period), (two.replica, two.topic, 0, 1));
    // Updates of the first period that come back are its own; others in its name are not.
    let told = |height| told(vec![(one, height)]);
    replica.handle(PEER, &wire::encode(&told(1)), 2);
    assert!(!outs(&mut replica).contains(&Out::Refuse(PEER, RefusalReason::IdentityInUse)));
    replica.handle(PEER, &wire::encode(&told(2)), 3);
    assert!(outs(&mut replica).contains(&Out::Refuse(PEER, RefusalReason::IdentityInUse)));
}
