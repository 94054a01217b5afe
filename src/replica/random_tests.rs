//! Random messages: they come out as they went in, and harm nothing.

use proptest::prelude::*;

use super::tests::PEER;
use super::tests::outs;
use super::tests::part;
use super::tests::pulling;
use super::*;
use crate::replica::lanes::Claims;
use crate::replica::lanes::Lanes;
use crate::replica::message::Differences;
use crate::replica::message::Group;
use crate::replica::message::LaneUnits;
use crate::replica::message::Part;
use crate::replica::message::Prints;
use crate::replica::message::Run;
use crate::replica::message::Tables;
use crate::replica::message::Telling;
use crate::replica::message::UnitPrints;
use crate::replica::message::Versions;
use crate::replica::message::WireContent;
use crate::replica::message::WireEvent;
use crate::replica::wire::WireError;

fn any_term() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![any::<i64>().prop_map(Term::Int), "[a-z]{1,3}".prop_map(Term::text), Just(Term::Nil)];
    leaf.prop_recursive(3, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Term::tuple))
}

fn any_lane() -> impl Strategy<Value = Lane> {
    let topic = prop_oneof![Just(0), any::<u128>(), 0..3u128];
    (topic, 1..u128::MAX)
        .prop_map(|(word, replica)| Lane::of_word(word, ReplicaId(replica)).unwrap_or(Lane::plain(ReplicaId(replica))))
}

fn any_group() -> impl Strategy<Value = Group> {
    let event = (any_term(), any::<u32>(), prop::collection::vec(any::<(u32, u64)>(), 0..3), any::<bool>()).prop_map(
        |(term, place, removes, adds)| WireEvent {
            key: place,
            adds: adds.then(|| WireContent { slot: place, content: Content::Element(term) }),
            removes: removes.into(),
        },
    );
    let run = (any::<u32>(), any::<u64>(), prop::collection::vec(event, 0..3))
        .prop_map(|(replica, first, events)| Run { replica, first, events: events.into() });
    (prop::collection::vec(any_lane(), 0..5), prop::collection::vec(any_term(), 0..3), prop::collection::vec(run, 0..3))
        .prop_map(|(replicas, keys, runs)| Group {
            tables: Tables {
                slots: replicas.iter().map(|lane| lane.replica.0.to_le_bytes()).collect::<Vec<_>>().into(),
                replicas: Lanes(replicas),
                keys: keys.into(),
            },
            runs: runs.into(),
        })
}

fn versions() -> impl Strategy<Value = Versions> {
    (0..3u64, 0..3u64).prop_map(|(own, other)| Versions { own, other })
}

fn any_told() -> impl Strategy<Value = Telling> {
    (0..4u64, 0..4u64, any::<bool>()).prop_map(|(number, heard, whole)| Telling { number, heard, whole })
}

fn any_message() -> impl Strategy<Value = Message> {
    let vector = || prop::collection::vec((any_lane(), any::<u64>()), 0..4).prop_map(Claims);
    let bytes = || prop::collection::vec(any::<u8>(), 0..9);
    let numbers = || prop::collection::vec(any::<u64>(), 0..3);
    let prints = prop_oneof![
        Just(Prints::Same),
        bytes().prop_map(|bytes| Prints::Lanes(bytes.into())),
        (any::<u32>(), prop::collection::vec(any::<(u64, u64)>(), 0..3), bytes()).prop_map(|(lane, runs, prints)| {
            Prints::Units(vec![UnitPrints { lane, runs: runs.into(), prints: prints.into() }].into())
        }),
        (any::<u32>(), numbers()).prop_map(|(lane, units)| Prints::Unclear(vec![(lane, units.into())].into())),
    ];
    let number = any::<(u64, u64)>();
    prop_oneof![
        (any::<([u8; 16], u64)>(), versions(), 0..4u64).prop_map(|((digest, declared), interests, heard)| {
            Message::Summary { digest, declared, interests, heard }
        }),
        (any_told(), vector(), any::<u64>(), versions())
            .prop_map(|(told, vector, declared, interests)| { Message::Vector { told, vector, declared, interests } }),
        (any::<(u64, bool)>(), prop::collection::vec(any::<u128>(), 0..3)).prop_map(|((version, only), topics)| {
            let topics: Vec<[u8; 16]> = topics.into_iter().map(|hash| TopicId::hashed(hash).0.to_le_bytes()).collect();
            Message::Interest { version, only, topics: topics.into() }
        }),
        vector().prop_map(|heights| Message::Have { heights }),
        (any::<u64>(), any_term()).prop_map(|(first, key)| Message::Declare { first, keys: vec![key].into() }),
        any::<u64>().prop_map(|first| Message::AskDeclared { first }),
        any_group().prop_map(|group| Message::Push { group }),
        (any::<u64>(), any_told(), vector(), any::<bool>()).prop_map(|(session, told, vector, whole)| Message::Pull {
            session,
            told,
            vector,
            whole
        }),
        (any::<u64>(), any_group()).prop_map(|(session, group)| Message::Events { session, group }),
        (number, any::<(u64, [u8; 16], u8)>(), vector()).prop_map(
            |((session, snapshot), (nonce, root, scale), cuts)| {
                Message::Compare { session, snapshot, nonce, root, scale: scale % 7, cuts }
            }
        ),
        (number, prints).prop_map(|((session, snapshot), prints)| Message::Prints { session, snapshot, prints }),
        (number, prop::collection::vec(any::<u32>(), 0..3))
            .prop_map(|((session, snapshot), lanes)| { Message::Differing { session, snapshot, lanes: lanes.into() } }),
        (number, bytes()).prop_map(|((session, snapshot), units)| {
            let lanes = vec![LaneUnits { lane: 0, units: units.into() }].into();
            Message::Units { session, snapshot, lanes }
        }),
        (any::<(u64, u64, u32, bool)>(), any_group(), any::<(u32, u8)>(), bytes(), numbers()).prop_map(
            |(n, group, (lane, strength), units, gone)| {
                let part = Part {
                    tables: group.tables,
                    gone: vec![(lane, gone.into())].into(),
                    differences: vec![Differences { lane, strength, units: units.clone().into() }].into(),
                    live: vec![LaneUnits { lane, units: units.into() }].into(),
                    check: n.3.then_some([7; 16]),
                    ..part(n.1, n.0)
                };
                Message::Chunk { session: n.0, snapshot: n.1, index: n.2, last: n.3, part: Box::new(part) }
            }
        ),
        any::<(u64, u32, bool)>().prop_map(|(session, next, again)| Message::Acknowledge { session, next, again }),
        any::<u64>().prop_map(|session| Message::Busy { session }),
    ]
}

proptest! {
    #[test]
    fn messages_come_out_as_they_went_in(message in any_message()) {
        let bytes = wire::encode(&message);
        prop_assert_eq!(wire::decode(&bytes), Ok(message));
        for end in 0..bytes.len() {
            prop_assert!(wire::decode(&bytes[..end]).is_err());
        }
        let longer = [&bytes[..], &[0]].concat();
        prop_assert_eq!(wire::decode(&longer), Err(WireError::Malformed));
    }

    #[test]
    fn no_message_makes_a_replica_fail(messages in prop::collection::vec(any_message(), 1..12)) {
        let (mut replica, _) = pulling();
        for (now, message) in (2..).zip(messages) {
            replica.connected(PEER, Role::Server, ReplicaId(99), now);
            replica.handle(PEER, &wire::encode(&message), now);
            replica.tick(now * 600);
            outs(&mut replica);
        }
    }
}
