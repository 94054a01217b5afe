//! Many overlays in virtual time: everybody is found and reached, with few neighbours, whoever leaves or dies.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]

mod world;

use std::collections::BTreeSet;

use lasp::overlay::Card;
use lasp::overlay::NodeId;
use lasp::overlay::Output;
use lasp::overlay::Overlay;
use lasp::overlay::Settings;
use world::World;

fn grown(count: usize, seed: u64) -> World {
    let mut world = World::new(seed, Settings::default());
    world.grow(count);
    world.run(20_000);
    world
}

/// How many neighbours each of the live nodes has.
fn degrees(world: &World) -> Vec<usize> {
    world.nodes.iter().flatten().map(|node| node.neighbours(0).count()).collect()
}

/// Sends `count` broadcasts from live nodes by chance, and gives the share of live nodes that one reaches on average.
fn share(world: &mut World, count: u32, tag: u8) -> f64 {
    let (mut reached, mut wanted) = (0, 0);
    for number in 0..count {
        let alive = world.alive();
        let maker = alive[world.below(alive.len() as u64) as usize];
        let mut payload = number.to_be_bytes().to_vec();
        payload.push(tag);
        world.broadcast(maker, &payload);
        world.run(3000);
        reached += world.reached(&payload, maker);
        wanted += alive.len() - 1;
    }
    f64::from(u32::try_from(reached).expect("a count")) / f64::from(u32::try_from(wanted).expect("a count"))
}

#[test]
fn a_small_cluster_is_connected_completely_and_soon() {
    for count in 2..=9 {
        let mut world = World::new(count as u64, Settings::default());
        for number in 0..count {
            world.join((number > 0).then_some(0));
        }
        world.run(2000);
        assert_eq!(degrees(&world), vec![count - 1; count], "{count} nodes");
        let before = (world.pushes, world.controls);
        world.broadcast(1, b"all");
        world.run(1000);
        assert_eq!(world.reached(b"all", 1), count - 1);
        assert_eq!(world.pushes - before.0, count as u64 - 1, "one copy each");
        assert!(world.controls - before.1 < 12 * count as u64, "and little besides: {}", world.controls - before.1);
    }
}

#[test]
fn a_large_cluster_has_few_neighbours_and_everybody_is_reached() {
    let mut world = grown(100, 1);
    assert!(degrees(&world).iter().all(|degree| (3..=8).contains(degree)), "{:?}", degrees(&world));
    assert!(share(&mut world, 20, 0) > 0.999);
    // Once the tree stands, little is sent twice.
    world.pushes = 0;
    for number in 0..20u8 {
        world.broadcast(7, &[9, number]);
        world.run(3000);
    }
    assert!(world.pushes < 20 * 99 * 12 / 10, "{} payloads for {} deliveries", world.pushes, 20 * 99);
}

#[test]
fn nobody_asks_for_a_place_without_a_pause() {
    // With one node more than there are places for, some would like another neighbour and find none.
    for count in [10, 11, 12, 13] {
        let mut world = grown(count, count as u64);
        world.run(60_000);
        let before = world.controls;
        world.run(60_000);
        let sent = (world.controls - before) / count as u64;
        assert!(sent < 60, "{count} nodes: {sent} messages each in a minute without anything to do");
    }
}

#[test]
fn the_contact_dies_and_everybody_is_still_reached() {
    let mut world = World::new(5, Settings::default());
    for number in 0..20 {
        world.join((number > 0).then_some(0));
        world.run(50);
    }
    world.run(2000);
    world.kill(0);
    world.notice();
    world.run(3000);
    assert!((share(&mut world, 20, 0) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn half_of_all_die_and_the_rest_find_each_other() {
    let mut world = grown(100, 3);
    for node in (0..100).step_by(2) {
        world.kill(node);
    }
    world.notice();
    world.run(10_000);
    assert!((share(&mut world, 20, 0) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn eight_of_ten_die_and_nearly_all_of_the_rest_find_each_other() {
    let mut world = grown(200, 6);
    for node in (0..200).filter(|node| node % 5 != 0) {
        world.kill(node);
    }
    world.notice();
    world.run(20_000);
    let share = share(&mut world, 20, 0);
    assert!(share > 0.99, "{share}");
}

#[test]
fn who_says_goodbye_is_nobodys_neighbour() {
    let mut world = grown(12, 8);
    world.leave(4);
    world.run(1000);
    for node in world.nodes.iter().flatten() {
        assert!(node.neighbours(0).all(|neighbour| neighbour != 5));
    }
    assert!((share(&mut world, 10, 0) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn two_halves_that_lost_each_other_find_each_other_again() {
    let mut world = grown(16, 2);
    // Both sides think that the others are gone.
    for node in 0..16 {
        for other in 0..16 {
            if node % 2 != other % 2 {
                let now = world.now;
                world.nodes[node].as_mut().unwrap().lost(other as NodeId + 1, now);
            }
        }
    }
    world.run(40_000);
    assert!((share(&mut world, 10, 0) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut world = grown(40, seed);
        for node in 0..10 {
            world.kill(node);
        }
        world.notice();
        for number in 0..10 {
            world.broadcast(20 + number, &[number as u8]);
            world.run(500);
        }
        world.trace.finalize()
    };
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
}

#[test]
fn the_order_of_topics_does_not_matter_and_each_has_its_own_members() {
    let settings = Settings::default;
    let run = |topics: [u128; 3]| {
        let mut nodes: Vec<Overlay> = (0..4).map(|id| Overlay::new(id, 1, vec![], settings(), 3)).collect();
        for (id, node) in nodes.iter_mut().enumerate() {
            for topic in topics {
                // The last node does not take part in topic 9.
                if topic != 9 || id < 3 {
                    node.subscribe(topic, if id == 0 { &[] } else { &[0] }, 0);
                }
            }
        }
        let mut delivered = BTreeSet::new();
        for now in 0..2000 {
            if now == 1500 {
                nodes[1].broadcast(9, b"nine", now);
            }
            for me in 0..4 {
                nodes[me].tick(now);
                while let Some(output) = nodes[me].poll() {
                    match output {
                        Output::Send { to, bytes, .. } => {
                            nodes[to as usize].received(me as NodeId, &bytes, now).unwrap();
                        }
                        Output::Deliver { topic, .. } => {
                            delivered.insert((me, topic));
                        }
                        _ => {}
                    }
                }
            }
        }
        delivered
    };
    assert_eq!(run([0, 5, 9]), BTreeSet::from([(0, 9), (2, 9)]));
    assert_eq!(run([9, 0, 5]), run([0, 5, 9]));
}

#[test]
fn a_node_that_moves_is_found_at_its_latest_address() {
    let mut world = grown(12, 4);
    let now = world.now;
    world.nodes[3].as_mut().unwrap().set_reach(b"elsewhere".to_vec(), now);
    world.run(60_000);
    for (number, node) in world.nodes.iter().enumerate().filter(|(number, _)| *number != 3) {
        let reach = node.as_ref().unwrap().reach(4);
        assert!(reach.is_none_or(|reach| reach == b"elsewhere"), "{number}: {reach:?}");
    }
    let knows = world.nodes.iter().flatten().filter(|node| node.reach(4) == Some(b"elsewhere")).count();
    assert!(knows >= 8, "{knows}");
    // An older card that is still about does not count.
    let node = world.nodes[5].as_mut().unwrap();
    node.introduce(0, 4, Card { counter: 0, reach: b"long ago".to_vec() }, now);
    assert_eq!(node.reach(4), Some(&b"elsewhere"[..]));
}

#[test]
fn every_cut_and_every_flip_is_refused_or_taken_never_a_panic() {
    let mut heard = Vec::new();
    let mut nodes: Vec<Overlay> = (0..12)
        .map(|id| Overlay::new(id, 1, vec![1; 20], Settings { neighbours: 3, ..Settings::default() }, 3))
        .collect();
    nodes.iter_mut().enumerate().for_each(|(id, node)| node.subscribe(0, if id == 0 { &[] } else { &[0] }, 0));
    for now in 0..3000u64 {
        if now % 400 == 399 {
            nodes[5].broadcast(0, &now.to_be_bytes(), now);
        }
        for me in 0..12 {
            nodes[me].tick(now);
            while let Some(output) = nodes[me].poll() {
                if let Output::Send { to, bytes, .. } = output {
                    heard.push(bytes.clone());
                    nodes[to as usize].received(me as NodeId, &bytes, now).unwrap();
                }
            }
        }
    }
    heard.sort_by_key(|bytes| (bytes.len(), bytes.get(2).copied(), bytes.get(3).copied()));
    heard.dedup_by_key(|bytes| (bytes.len(), bytes.get(2).copied(), bytes.get(3).copied()));
    assert!(heard.len() > 5);
    let victim = &mut nodes[2];
    for bytes in &heard {
        for cut in 0..bytes.len() {
            let _ = victim.received(1, &bytes[..cut], 3000);
        }
        for at in 0..bytes.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255u8] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                let _ = victim.received(1, &changed, 3000 + at as u64 * 1000);
                while victim.poll().is_some() {}
            }
        }
    }
    victim.tick(10_000_000);
}

/// Which roots the live nodes have, and how many have none.
fn roots(world: &World) -> (BTreeSet<NodeId>, usize) {
    let roots: Vec<Option<NodeId>> = world.nodes.iter().flatten().map(|node| node.root(0)).collect();
    (roots.iter().flatten().copied().collect(), roots.iter().filter(|root| root.is_none()).count())
}

#[test]
fn when_the_root_dies_another_serves_soon_and_nothing_is_lost() {
    for seed in 1..=4 {
        let mut world = grown(80, seed);
        let mut told: Vec<(Vec<u8>, usize)> = Vec::new();
        let mut tell = |world: &mut World, number: u32| {
            let alive = world.alive();
            let maker = alive[world.below(alive.len() as u64) as usize];
            let payload = number.to_be_bytes().to_vec();
            world.broadcast(maker, &payload);
            told.push((payload, maker));
            world.run(20);
        };
        (0..200).for_each(|number| tell(&mut world, number));
        let (before, without) = roots(&world);
        assert_eq!((before.len(), without), (1, 0), "seed {seed}: one root for all");
        let dead = *before.first().expect("a root") as usize - 1;
        world.kill(dead);
        world.notice();
        let died = world.now;
        let mut agreed = None;
        for number in 200..600 {
            tell(&mut world, number);
            let (now, without) = roots(&world);
            if agreed.is_none() && now.len() == 1 && now != before && without == 0 {
                agreed = Some(world.now - died);
            }
        }
        let took = agreed.unwrap_or_else(|| panic!("seed {seed}: another root"));
        assert!(took <= 2500, "seed {seed}: {took} ms");
        world.run(5000);
        // What was made while the root lived may have gone with it alone, if it made it itself.
        for (payload, maker) in told.iter().filter(|(_, maker)| *maker != dead) {
            assert_eq!(world.reached(payload, *maker), 78, "seed {seed}: {payload:?} of {maker}");
        }
    }
}

/// A sign of life of a root, as somebody passes it on: in topic 0, by way of one hop.
fn beacon(root: NodeId, number: u64) -> Vec<u8> {
    postcard::to_allocvec(&(2u8, 0u128, 3u8, root.to_be_bytes(), number, number, 1u16, false)).expect("plain data")
}

#[test]
fn who_is_said_to_have_counted_to_the_end_silences_nobody() {
    let mut world = grown(40, 9);
    let tell = |world: &mut World, from: u32, to: u32| {
        for number in from..to {
            world.broadcast(number as usize % 40, &number.to_be_bytes());
            world.run(50);
        }
    };
    tell(&mut world, 0, 40);
    let (before, _) = roots(&world);
    let root = *before.first().expect("a root");
    // A sign of life of the root, as a neighbour of node 7 passes it on: with the greatest numbers that there are, and with
    // the greatest that count.
    for number in [u64::MAX, (1 << 62) - 1] {
        let neighbour = world.nodes[7].iter().flat_map(|node| node.neighbours(0)).next().expect("a neighbour");
        let now = world.now;
        let beacon = beacon(root, number);
        world.nodes[7].as_mut().expect("alive").received(neighbour, &beacon, now).expect("well formed");
        tell(&mut world, 40, 240);
        let (now, without) = roots(&world);
        assert_eq!((now.len(), without), (1, 0), "after {number}: {now:?}");
        // It is one that goes on counting: everybody has heard of it lately.
        tell(&mut world, 240, 440);
        assert_eq!(roots(&world), (now, 0), "after {number}");
    }
}

#[test]
fn a_broadcast_passes_over_who_reaches_both_of_two_that_cannot_reach_each_other() {
    let overlay = |id: u128| Overlay::new(id, 1, Vec::new(), Settings::default(), 7);
    let mut nodes = [overlay(0), overlay(1), overlay(2)];
    nodes[1].subscribe(0, &[], 0);
    nodes[0].subscribe(0, &[1], 0);
    nodes[2].subscribe(0, &[1], 0);
    let mut delivered = Vec::new();
    for now in 0..8000 {
        if now == 5000 {
            nodes[0].broadcast(0, b"hello", now);
        }
        for me in 0..3 {
            nodes[me].tick(now);
            while let Some(output) = nodes[me].poll() {
                match output {
                    Output::Send { to, .. } if to.abs_diff(me as u128) == 2 => nodes[me].lost(to, now),
                    Output::Send { to, bytes, .. } => {
                        nodes[to as usize].received(me as u128, &bytes, now).expect("whole");
                    }
                    Output::Deliver { .. } => delivered.push(me),
                    Output::NeighbourUp { .. } | Output::NeighbourDown { .. } => {}
                }
            }
        }
    }
    delivered.sort_unstable();
    assert_eq!(delivered, [1, 2]);
}
