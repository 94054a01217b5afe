//! One view over a channel that loses, doubles and reorders, without nodes.

use std::collections::BTreeSet;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::give::Giving;
use super::give::Stamp;
use super::take::Taking;
use super::wire;
use super::wire::Step;
use super::wire::Word;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaId;
use crate::replica::Claims;
use crate::replica::PeerId;
use crate::value::content::Content;
use crate::value::term::Term;

fn content(number: u64) -> Content {
    // So long that a few dozen take a part.
    Content::Element(Term::text(format!("{number}{}", "x".repeat(8 << 10))))
}

fn stamp(height: u64) -> Stamp {
    Stamp::from([(Lane::plain(ReplicaId(1)), height), (Lane::plain(ReplicaId(2)), height / 3)])
}

#[test]
fn what_is_taken_is_what_is_given_whatever_becomes_of_messages() {
    for seed in 0..30 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |most: u64| random.next_u64() % most;
        let mut given: BTreeSet<Content> = (0..below(120)).map(content).collect();
        let (mut taken, mut now_ms, mut height) = (BTreeSet::new(), 0, 5);
        let mut giving = Giving::new(1, Claims::default(), wire::digest([].iter()));
        let mut taking = Taking::default();
        taking.turn_to(Some((PeerId(1), 1)), 0);
        giving.begin(given.clone(), true, stamp(height), now_ms);
        let mut messages: Vec<(bool, Vec<u8>)> = Vec::new();
        for round in 0..4000 {
            now_ms += below(40);
            if round < 400 && below(10) == 0 {
                height += 1;
                let changed = content(below(120));
                if given.remove(&changed) {
                    giving.note(&[], &[changed]);
                } else {
                    given.insert(changed.clone());
                    giving.note(&[changed], &[]);
                }
            }
            if giving.is_due() {
                giving.step(stamp(height), now_ms);
            }
            messages.extend(giving.send(now_ms).into_iter().map(|bytes| (true, bytes)));
            if messages.is_empty() {
                continue;
            }
            let at = usize::try_from(below(messages.len() as u64)).expect("small");
            let (down, bytes) = if below(5) == 0 { messages[at].clone() } else { messages.swap_remove(at) };
            if below(5) == 0 {
                continue;
            }
            match wire::decode(&bytes).expect("what was sent") {
                Word::Step(step) if down => {
                    let (answer, arrived) = taking.part(*step, now_ms).expect("what was sent");
                    messages.push((false, wire::encode(&answer)));
                    if let Some(arrived) = arrived {
                        if arrived.whole {
                            taken = BTreeSet::new();
                        }
                        arrived.went.iter().for_each(|content| assert!(taken.remove(content)));
                        arrived.came.into_iter().for_each(|content| assert!(taken.insert(content)));
                    }
                }
                Word::Seen { number, parts, .. } => giving.arrived(number, parts, now_ms),
                word => panic!("{word:?}"),
            }
        }
        assert!(giving.is_settled() && taken == given, "seed {seed}");
        assert_eq!(taking.stamp, Some(stamp(height)), "seed {seed}");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused_and_too_large_ones_left_out() {
    let step = |number, part, parts, whole| Step {
        session: 1,
        number,
        part,
        parts,
        whole,
        stamp: Claims::default(),
        came: Vec::new().into(),
        went: Vec::new().into(),
    };
    let mut taking = Taking::default();
    taking.turn_to(Some((PeerId(1), 1)), 0);
    assert!(taking.part(step(1, 0, 3, true), 0).is_some_and(|(_, arrived)| arrived.is_none()));
    for other in [step(1, 1, 2, true), step(1, 1, 3, false)] {
        assert!(taking.part(other, 0).is_none());
    }
    // Far ahead, and of the step after: passed over.
    for other in [step(1, 2000, 3, true), step(2, 1, 3, true)] {
        let (answer, arrived) = taking.part(other, 0).expect("harmless");
        assert!(arrived.is_none());
        assert!(matches!(answer, Word::Seen { parts: 1, .. }));
    }
    for bad in [step(0, 0, 1, true), step(1, 1, 1, true), step(1, 0, wire::PARTS_MAX + 1, true)] {
        assert!(wire::decode(&wire::encode(&Word::Step(Box::new(bad)))).is_none());
    }
    let huge = Content::Element(Term::text("x".repeat(1 << 20)));
    let (parts, left_out) = wire::parts(vec![huge.clone(), content(1)], vec![huge]);
    assert_eq!((parts.len(), parts[0].0.len(), parts[0].1.len(), left_out), (1, 1, 0, 1));
}

#[test]
fn no_message_is_too_large_whatever_the_stamp_and_the_contents() {
    let lanes: Stamp = (1..=5000).map(|replica| (Lane::plain(ReplicaId(replica)), 1 << 40)).collect();
    let large = Content::Element(Term::text("x".repeat(900 << 10)));
    let mut giving = Giving::new(1, Claims::default(), [0; 16]);
    assert_eq!(giving.begin(BTreeSet::from([large, content(1)]), true, lanes.clone(), 0), 0);
    let mut taking = Taking::default();
    taking.turn_to(Some((PeerId(1), 1)), 0);
    let mut whole = None;
    while !giving.is_settled() {
        for bytes in giving.send(0) {
            assert!(bytes.len() <= crate::replica::MESSAGE_BYTES_MAX);
            let Some(Word::Step(step)) = wire::decode(&bytes) else { panic!("a step") };
            let (answer, arrived) = taking.part(*step, 0).expect("what was sent");
            whole = whole.or(arrived);
            let Word::Seen { number, parts, .. } = answer else { panic!("{answer:?}") };
            giving.arrived(number, parts, 0);
        }
    }
    assert_eq!(whole.map(|arrived| arrived.came.len()), Some(2));
    assert_eq!(taking.stamp, Some(lanes));
    // From time to time it says that it is still there.
    assert!(taking.remind(1_000).is_none());
    assert!(matches!(taking.remind(5_000), Some(Word::Seen { session: 1, number: 1, parts: u32::MAX })));
    assert!(taking.remind(5_001).is_none());
}
