//! Several replicas that talk: clients whose server is gone, what they bring to another one and what they remember of it; topics
//! that are given up meanwhile.

use super::tests::element;
use super::tests::key;
use super::tests::outs;
use super::*;
use crate::lattice::vector::VersionVector;
use crate::replica::message::Message;

const SERVER: PeerId = PeerId(1);
const OTHER: PeerId = PeerId(2);

/// A node of its own.
fn node(number: u128, role: Role) -> Replica {
    let mut replica = Replica::new(ReplicaId(number << 64));
    replica.set_role(role);
    replica
}

/// Connects two replicas, by the same number on both sides.
fn connect(link: PeerId, one: &mut Replica, other: &mut Replica, now: u64) {
    one.connected(link, other.role, other.me, now);
    other.connected(link, one.role, one.me, now);
}

/// Lets the time pass for those that are connected with each other, and brings what they send.
fn pass(nodes: &mut [(&mut Replica, &[(PeerId, usize)])], from: u64, to: u64) {
    for now in (from..to).step_by(5) {
        for at in 0..nodes.len() {
            nodes[at].0.tick(now);
            nodes[at].0.flush(now);
            for out in outs(nodes[at].0) {
                let (links, message) = match out {
                    Out::Send(link, bytes) => (vec![link], bytes),
                    Out::Broadcast { bytes, .. } => (nodes[at].1.iter().map(|(link, _)| *link).collect(), bytes),
                    Out::Refuse(_, why) => panic!("refused: {why}"),
                    _ => continue,
                };
                for link in links {
                    let to = nodes[at].1.iter().find(|(of, _)| *of == link).map(|(_, to)| *to);
                    if let Some(to) = to {
                        nodes[to].0.handle(link, &message, now);
                    }
                }
            }
        }
    }
}

fn pair(link: PeerId, one: &mut Replica, other: &mut Replica, from: u64, to: u64) {
    pass(&mut [(one, &[(link, 1)]), (other, &[(link, 0)])], from, to);
}

fn elements(replica: &Replica) -> Vec<Content> {
    let mut elements: Vec<Content> = replica.entries().map(|(_, _, content, _)| content.clone()).collect();
    elements.sort();
    elements
}

/// A server's element 1 reached the client alone; the client took it back and added 2, and its server was gone.
fn client_of_a_lost_server() -> (Replica, Replica) {
    let (mut server, mut client) = (node(1, Role::Server), node(2, Role::Client));
    let x = server.key(&key(Type::Set));
    server.write(x, Some(element(1)), &[], None).unwrap();
    connect(SERVER, &mut server, &mut client, 0);
    pair(SERVER, &mut server, &mut client, 0, 100);
    assert_eq!(elements(&client), [element(1)]);
    server.lost(SERVER, 100);
    client.lost(SERVER, 100);
    let x = client.key(&key(Type::Set));
    let dots: Vec<Dot> = client.entries_of(x).into_iter().map(|(dot, ..)| dot).collect();
    client.write(x, None, &dots, None).unwrap();
    client.write(x, Some(element(2)), &[], None).unwrap();
    (server, client)
}

#[test]
fn a_client_brings_its_updates_to_another_server_though_what_they_remove_is_lost_with_the_first() {
    let (_, mut client) = client_of_a_lost_server();
    let mut other = node(3, Role::Server);
    connect(OTHER, &mut client, &mut other, 200);
    pair(OTHER, &mut client, &mut other, 200, 6000);
    assert_eq!(elements(&other), [element(2)]);
    assert_eq!(client.unacknowledged_updates(), 0);
    assert!(client.agrees(OTHER) && other.agrees(OTHER), "neither lacks what it can get from the other");
}

#[test]
fn what_was_taken_back_before_it_came_does_not_rise_when_it_comes() {
    for by_snapshot in [false, true] {
        let (mut server, mut client) = client_of_a_lost_server();
        let mut other = node(3, Role::Server);
        connect(OTHER, &mut client, &mut other, 200);
        pair(OTHER, &mut client, &mut other, 200, 6000);
        // One that has it by a snapshot, and one that remembers it from before its end.
        other.limits.log_events_max = 0;
        let again: Vec<Record> = other.whole_journal().collect();
        let mut third = node(4, Role::Server);
        if by_snapshot {
            connect(PeerId(3), &mut other, &mut third, 6000);
            pair(PeerId(3), &mut other, &mut third, 6000, 8000);
        } else {
            third.restore(again).unwrap();
        }
        assert_eq!(elements(&third), [element(2)]);
        // The first server was not lost after all.
        connect(PeerId(4), &mut server, &mut third, 9000);
        pair(PeerId(4), &mut server, &mut third, 9000, 12_000);
        assert_eq!((elements(&server), elements(&third)), (vec![element(2)], vec![element(2)]));
        assert_eq!(server.vector_digest(), third.vector_digest());
        assert_eq!(third.state.missed().count(), 0, "and nothing is remembered of it any longer");
    }
}

#[test]
fn what_only_a_lost_server_had_of_a_client_another_gets_from_the_client() {
    let (mut server, mut client) = (node(1, Role::Server), node(2, Role::Client));
    let x = client.key(&key(Type::Set));
    connect(SERVER, &mut server, &mut client, 0);
    for n in 0..50 {
        client.write(x, Some(element(n)), &[], None).unwrap();
    }
    pair(SERVER, &mut server, &mut client, 0, 3000);
    assert_eq!(client.unacknowledged_updates(), 0);
    client.lost(SERVER, 3000);
    let mut other = node(3, Role::Server);
    connect(OTHER, &mut client, &mut other, 3000);
    pair(OTHER, &mut client, &mut other, 3000, 8000);
    assert_eq!(elements(&other).len(), 50);
}

#[test]
fn what_no_server_had_the_next_incarnation_brings() {
    let mut client = node(2, Role::Client);
    client.keep_journal();
    let x = client.key(&key(Type::Set));
    let one = client.write(x, Some(element(1)), &[], None).unwrap();
    client.begin();
    client.write(x, Some(element(2)), &[one], None).unwrap();
    client.write(x, Some(element(3)), &[], Some(9)).unwrap();
    client.commit();
    let told = client.take_journal();
    let mut again = Replica::new(ReplicaId(2 << 64 | 5));
    again.set_role(Role::Client);
    again.restore(told).unwrap();
    again.keep_journal();
    assert_eq!(again.unacknowledged_updates(), 3);
    let mut server = node(1, Role::Server);
    connect(SERVER, &mut server, &mut again, 0);
    pair(SERVER, &mut server, &mut again, 0, 3000);
    assert_eq!(elements(&server), [element(2), element(3)]);
    assert_eq!(again.unacknowledged_updates(), 0);
    assert!(again.agrees(SERVER) && server.agrees(SERVER));
}

#[test]
fn what_only_a_lost_server_had_of_a_client_another_gets_from_its_next_incarnation() {
    let (mut server, mut client) = (node(1, Role::Server), node(2, Role::Client));
    client.keep_journal();
    let x = client.key(&key(Type::Set));
    connect(SERVER, &mut server, &mut client, 0);
    for n in 0..20 {
        client.write(x, Some(element(n)), &[], None).unwrap();
    }
    pair(SERVER, &mut server, &mut client, 0, 3000);
    assert_eq!(client.unacknowledged_updates(), 0);
    let mut again = Replica::new(ReplicaId(2 << 64 | 5));
    again.set_role(Role::Client);
    again.restore(client.take_journal()).unwrap();
    let mut other = node(3, Role::Server);
    connect(OTHER, &mut again, &mut other, 3000);
    pair(OTHER, &mut again, &mut other, 3000, 8000);
    assert_eq!(elements(&other).len(), 20);
}

#[test]
fn topics_that_a_node_took_it_takes_when_it_is_back_and_gives_none_of_its_data_up() {
    let mut node = node(2, Role::Server);
    node.keep_journal();
    let topics = [TopicId(5 << 16), TopicId(6 << 16)];
    for topic in topics {
        node.interested(topic).unwrap();
        let x = node.key_of(&key(Type::Set), topic);
        node.write(x, Some(element(1)), &[], None).unwrap();
    }
    let told = node.take_journal();
    let mut again = Replica::new(ReplicaId(2 << 64 | 5));
    again.restore(told).unwrap();
    for topic in topics {
        again.interested(topic).unwrap();
    }
    assert_eq!(again.live_entries(), 2);
    assert_eq!(again.disinterested(topics[0]), Err(Limit::Unacknowledged { updates: 1 }), "nobody else has it");
}

/// A server of a topic had something that only the client has now; of two others one takes the topic, and one does not.
#[test]
fn a_server_that_does_not_take_a_topic_has_nothing_that_another_waits_for() {
    let topic = TopicId(5 << 16);
    let (mut lost, mut client) = (node(1, Role::Server), node(2, Role::Client));
    let (mut takes, mut without) = (node(3, Role::Server), node(4, Role::Server));
    without.interested(TopicId(6 << 16)).unwrap();
    let x = lost.key_of(&key(Type::Set), topic);
    connect(SERVER, &mut lost, &mut client, 0);
    lost.write(x, Some(element(1)), &[], None).unwrap();
    pair(SERVER, &mut lost, &mut client, 0, 3000);
    client.lost(SERVER, 3000);
    connect(PeerId(3), &mut client, &mut without, 3000);
    pair(PeerId(3), &mut client, &mut without, 3000, 6000);
    connect(OTHER, &mut client, &mut takes, 6000);
    let links: [&[(PeerId, usize)]; 3] = [&[(OTHER, 1), (PeerId(3), 2)], &[(OTHER, 0)], &[(PeerId(3), 0)]];
    pass(&mut [(&mut client, links[0]), (&mut takes, links[1]), (&mut without, links[2])], 6000, 12_000);
    assert_eq!((elements(&client), elements(&takes)), (vec![element(1)], vec![]));
    assert!(client.agrees(OTHER) && takes.agrees(OTHER), "neither lacks what it can get from the other");
}

#[test]
fn a_server_that_lacks_what_a_client_keeps_no_longer_is_told() {
    let (mut server, mut client) = (node(1, Role::Server), node(2, Role::Client));
    let x = client.key(&key(Type::Set));
    connect(SERVER, &mut server, &mut client, 0);
    for n in 0..20_000 {
        client.write(x, Some(element(n)), &[], None).unwrap();
    }
    pair(SERVER, &mut server, &mut client, 0, 3000);
    assert_eq!((server.live_entries(), client.unacknowledged_updates()), (20_000, 0));
    // That one is lost before it has told anybody.
    client.lost(SERVER, 3000);
    let mut other = node(3, Role::Server);
    connect(OTHER, &mut client, &mut other, 3000);
    let mut told = Vec::new();
    for now in (3000..30_000).step_by(5) {
        for out in outs(&mut client) {
            match out {
                Out::Send(_, bytes) | Out::Broadcast { bytes, .. } => other.handle(OTHER, &bytes, now),
                Out::Gap { peer, updates } => told.push((peer, updates)),
                _ => {}
            }
        }
        for out in outs(&mut other) {
            if let Out::Send(_, bytes) = out {
                client.handle(OTHER, &bytes, now);
            }
        }
        client.tick(now);
        other.tick(now);
    }
    // The node says it as "E0631".
    let [(OTHER, updates)] = told[..] else { panic!("told once: {told:?}") };
    assert!((20_000 - 16_384..20_000).contains(&updates), "{updates}");
    // The next run's updates are taken.
    other.lost(OTHER, 30_000);
    let mut again = Replica::new(ReplicaId(2 << 64 | 5));
    again.set_role(Role::Client);
    let x = again.key(&key(Type::Set));
    again.write(x, Some(element(7)), &[], None).unwrap();
    connect(PeerId(3), &mut again, &mut other, 30_000);
    pair(PeerId(3), &mut again, &mut other, 30_000, 33_000);
    assert_eq!(elements(&other), [element(7)]);
}

const TOPIC: TopicId = TopicId(7 << 16);

/// Begun anew with the data of an earlier run.
fn begun_anew(earlier: &Replica, chance: u128) -> Replica {
    let mut later = Replica::new(ReplicaId(earlier.me.0 | chance));
    later.set_role(earlier.role);
    later.restore(earlier.whole_journal().collect::<Vec<_>>()).unwrap();
    later
}

/// A server that has all that a node wrote of a topic, so many elements, and the node, which has heard so.
fn of_a_topic(role: Role, count: i64) -> (Replica, Replica) {
    let (mut server, mut earlier) = (node(1, Role::Server), node(2, role));
    let x = earlier.key_of(&key(Type::Set), TOPIC);
    for number in 1..=count {
        earlier.write(x, Some(element(number)), &[], None).unwrap();
    }
    connect(SERVER, &mut server, &mut earlier, 0);
    pair(SERVER, &mut server, &mut earlier, 0, 6000);
    server.lost(SERVER, 6000);
    (server, earlier)
}

#[test]
fn what_a_peer_has_given_up_while_it_was_asked_is_not_gone() {
    let (mut asker, mut earlier) = (node(1, Role::Server), node(2, Role::Server));
    let x = asker.key_of(&key(Type::Set), TOPIC);
    asker.write(x, Some(element(1)), &[], None).unwrap();
    connect(SERVER, &mut asker, &mut earlier, 0);
    pair(SERVER, &mut asker, &mut earlier, 0, 100);
    asker.lost(SERVER, 100);
    // Begun anew, it knows no updates one by one, and compares.
    let y = earlier.key(&key(Type::Set));
    earlier.write(y, Some(element(2)), &[], None).unwrap();
    let mut peer = begun_anew(&earlier, 5);
    assert_eq!(elements(&peer), [element(1), element(2)]);
    connect(OTHER, &mut asker, &mut peer, 200);
    let sent = |out| match out {
        Out::Send(peer, bytes) => Some((peer, bytes)),
        _ => None,
    };
    let mut given_up = false;
    for now in (200..3000).step_by(5) {
        asker.tick(now);
        peer.tick(now);
        for (of, message) in outs(&mut asker).into_iter().filter_map(sent) {
            if !given_up && matches!(wire::decode(&message), Ok(Message::Pull { .. })) {
                peer.disinterested(TOPIC).unwrap();
                given_up = true;
            }
            peer.handle(of, &message, now);
        }
        for (of, message) in outs(&mut peer).into_iter().filter_map(sent) {
            asker.handle(of, &message, now);
        }
    }
    assert!(given_up);
    assert_eq!((elements(&asker), elements(&peer)), (vec![element(1), element(2)], vec![element(2)]));
}

#[test]
fn what_an_earlier_run_made_of_a_topic_given_up_since_is_its_own() {
    let (mut server, mut earlier) = of_a_topic(Role::Client, 1);
    earlier.disinterested(TOPIC).unwrap();
    let mut later = begun_anew(&earlier, 5);
    connect(OTHER, &mut server, &mut later, 6100);
    // Nobody is refused.
    pair(OTHER, &mut server, &mut later, 6100, 12_000);
}

#[test]
fn what_comes_again_of_a_topic_that_was_given_up_is_no_sign_of_an_older_copy() {
    let (mut server, earlier) = of_a_topic(Role::Server, 3);
    let told = |replica: &mut Replica| {
        let lane = Lane { topic: TOPIC, period: 0, replica: earlier.me };
        let mut vector = VersionVector::new();
        vector.raise(replica.state.replicas.find(lane).unwrap(), 4);
        replica.look_for_others(OTHER, &vector);
        outs(replica).into_iter().any(|out| matches!(out, Out::Elsewhere { .. }))
    };
    let mut later = begun_anew(&earlier, 5);
    connect(OTHER, &mut server, &mut later, 6100);
    pair(OTHER, &mut server, &mut later, 6100, 12_000);
    later.disinterested(TOPIC).unwrap();
    later.interested(TOPIC).unwrap();
    pair(OTHER, &mut server, &mut later, 12_000, 18_000);
    assert_eq!(elements(&later).len(), 3);
    assert!(!told(&mut later));
    assert!(told(&mut begun_anew(&earlier, 6)), "it remembers three, so a fourth is told");
}
