//! Many endpoints on loopback: found through one, reached by the overlay, whoever dies, moves or does not read.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use quinn::Endpoint;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::net::event::Event;
use crate::net::frame::Greeting;
use crate::net::frame::Kind;
use crate::net::frame::encode_greeting;
use crate::net::frame::frame;
use crate::net::identity::Cluster;
use crate::net::limits::LINKS_FOR_OTHERS;
use crate::net::limits::LINKS_MAX;
use crate::net::limits::PUSH_BYTES_HIGH;
use crate::net::tests::Node;
use crate::net::tests::PATIENCE;
use crate::net::tests::cluster;
use crate::net::tests::greeting;
use crate::net::tests::node;
use crate::net::tests::received;
use crate::net::tests::stranger;
use crate::net::tls::configure;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// A node in a runtime of its own, which can end without a word.
fn apart(cluster: &Cluster, name: &str, peers: Vec<String>) -> (Runtime, Node) {
    let runtime = runtime();
    let node = runtime.block_on(node(cluster, name, None, peers));
    (runtime, node)
}

/// Broadcasts until every other node has got one.
async fn all_hear(nodes: &mut [Node], maker: usize, tag: u8) {
    let mut missing: BTreeSet<usize> = (0..nodes.len()).filter(|node| *node != maker).collect();
    let search = async {
        for round in 0u16.. {
            // One that is lost is no wonder while neighbours are being replaced.
            let mut payload = round.to_be_bytes().to_vec();
            payload.push(tag);
            nodes[maker].network.broadcast(0, &payload);
            tokio::time::sleep(Duration::from_millis(250)).await;
            for (at, node) in nodes.iter_mut().enumerate() {
                while let Ok(event) = node.events.try_recv() {
                    if received(event).is_some_and(|bytes| bytes.last() == Some(&tag)) {
                        missing.remove(&at);
                    }
                }
            }
            if missing.is_empty() {
                return;
            }
        }
    };
    let found = timeout(PATIENCE, search).await;
    assert!(found.is_ok(), "broadcast {tag} did not reach {missing:?}");
}

#[test]
fn twenty_that_joined_through_one_go_on_without_it_and_find_who_comes_back_elsewhere() {
    let cluster = cluster();
    let (contact_runtime, contact) = apart(&cluster, "contact", vec![]);
    let address = contact.address();
    let (others_runtime, mut others) = (runtime(), Vec::new());
    others_runtime.block_on(async {
        for number in 0..19 {
            others.push(node(&cluster, &number.to_string(), None, vec![address.clone()]).await);
        }
        all_hear(&mut others, 3, 0).await;
    });
    // The contact dies without a word.
    drop(contact);
    contact_runtime.shutdown_background();
    others_runtime.block_on(async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        for tag in 1..4 {
            all_hear(&mut others, usize::from(tag), tag).await;
        }
        let links: Vec<usize> = others.iter().map(|node| node.network.links()).collect();
        assert!(links.iter().all(|links| (1..=18).contains(links)), "{links:?}");
    });
    // Two more die, and two others come, at other ports, through any that is there.
    let (a_runtime, a) = apart(&cluster, "a", vec![others[0].address()]);
    let (b_runtime, b) = apart(&cluster, "b", vec![others[1].address()]);
    others_runtime.block_on(async { tokio::time::sleep(Duration::from_secs(1)).await });
    drop((a, b));
    a_runtime.shutdown_background();
    b_runtime.shutdown_background();
    others_runtime.block_on(async {
        let at = others[7].address();
        others.push(node(&cluster, "a", None, vec![at.clone()]).await);
        others.push(node(&cluster, "b", None, vec![at]).await);
        all_hear(&mut others, 19, 10).await;
        all_hear(&mut others, 2, 11).await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_who_has_ended() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let b = node(&cluster, "b", None, vec![a.address()]).await;
    a.connected_to("b").await;
    let start = std::time::Instant::now();
    b.network.close().await;
    a.until(|event| matches!(event, Event::Lost { .. }).then_some(())).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_read_costs_little_delays_nobody_and_loses_its_connection() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let mut b = node(&cluster, "b", None, vec![a.address()]).await;
    a.connected_to("b").await;
    b.connected_to("a").await;
    // It says hello, asks to be a neighbour as any node would, and then reads nothing.
    let credentials = cluster.node().expect("credentials");
    let connection = stranger(&credentials, true, b"lasp/1", &a).await.expect("certified");
    let (mut send, _receive) = connection.open_bi().await.expect("a stream");
    let greeting = greeting(true, credentials.id);
    send.write_all(&frame(Kind::Hello, &encode_greeting(&greeting))).await.expect("written");
    a.connected_to("x").await;
    let mut stream = connection.open_uni().await.expect("a stream");
    // Topic 0, a request for a place that cannot be turned down, no card: see the overlay's forms.
    stream.write_all(&frame(Kind::Overlay, &[0, 0, 0, 4, 0, 0])).await.expect("written");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (mut most, mut heard, payloads) = (0, 0u32, 600u32);
    for number in 0..payloads {
        let mut payload = vec![7; 48 << 10];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        a.network.broadcast(0, &payload);
        // As the driver does.
        while a.network.pressed() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        most = most.max(a.network.waiting_bytes_most());
        while let Ok(event) = b.events.try_recv() {
            heard += u32::from(received(event).is_some());
        }
    }
    let rest = async {
        while heard < payloads * 9 / 10 {
            let event = b.events.recv().await.expect("the network lives");
            heard += u32::from(received(event).is_some());
        }
    };
    timeout(PATIENCE, rest).await.expect("the other peer hears nearly all, and soon");
    assert!((PUSH_BYTES_HIGH / 2..=PUSH_BYTES_HIGH + (128 << 10)).contains(&most), "{most} bytes waited for a peer");
    let lost = a.until(|event| match event {
        Event::Lost { name, cause, .. } if name == "x" => Some(cause.code),
        _ => None,
    });
    assert_eq!(lost.await, "E0613");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_have_few_connections() {
    let cluster = cluster();
    let mut nodes = vec![node(&cluster, "0", None, vec![]).await];
    for name in 1..24usize {
        let peers = vec![nodes[(name - 1) / 7].address()];
        nodes.push(node(&cluster, &name.to_string(), None, peers).await);
    }
    all_hear(&mut nodes, 5, 0).await;
    let settled = async {
        while nodes.iter().any(|node| node.network.links() > 8 + 8) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(timeout(PATIENCE, settled).await.is_ok());
    let total: usize = nodes.iter().map(|node| node.network.links()).sum();
    assert!(total < 24 * 23 * 2 / 3, "{total} ends of connections among 24 nodes");
}

#[test]
fn the_one_whom_all_have_named_keeps_few_of_them_and_is_found_again_by_who_is_left_alone() {
    let cluster = cluster();
    let (seed_runtime, seed) = apart(&cluster, "seed", vec![]);
    let (others_runtime, mut others) = (runtime(), Vec::new());
    others_runtime.block_on(async {
        for number in 0..24 {
            others.push(node(&cluster, &number.to_string(), None, vec![seed.address()]).await);
        }
        all_hear(&mut others, 3, 0).await;
    });
    seed_runtime.block_on(async {
        let few = async {
            while seed.network.links() > LINKS_FOR_OTHERS {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        assert!(timeout(2 * PATIENCE, few).await.is_ok(), "{} of 24 stay", seed.network.links());
    });
    let released = |node: &Node| !node.network.is_linked_to(&seed.network);
    let last = others.iter().position(released).expect("one of those that it has ended");
    let last = others.swap_remove(last);
    assert!(others.iter().chain([&last]).all(|node| node.network.all_peers_connected()), "all have reached it");
    // All but that one end, and the seed's neighbours with them.
    others_runtime.block_on(async {
        for node in &others {
            node.network.close().await;
        }
        let found = async {
            while released(&last) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        assert!(timeout(PATIENCE, found).await.is_ok(), "who has nobody left dials the one that it was told of");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_peer_that_is_one_too_many_is_refused_on_both_sides_and_gets_in_when_another_has_left() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let address: SocketAddr = a.address().parse().expect("an address");
    // One socket for all of them.
    let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a socket");
    let mut open = Vec::new();
    for at in 0..LINKS_MAX {
        // Clients stay as long as they like; of servers a node ends what it can do without.
        let credentials = cluster.client().expect("credentials");
        let (client, _) = configure(&credentials).expect("a configuration");
        let connecting = endpoint.connect_with(client, address, &credentials.server_name).expect("dialed");
        let connection = connecting.await.expect("welcome");
        let (mut send, receive) = connection.open_bi().await.expect("a stream");
        let (name, nowhere) = (format!("peer {at}"), SocketAddr::from(([127, 0, 0, 1], 9)));
        let (listen, seen, incarnation) = (nowhere, nowhere, credentials.id);
        let greeting = Greeting { name, listen, attempt: 1, revoked: 0, named: true, seen, incarnation, now_ms: None };
        send.write_all(&frame(Kind::Hello, &encode_greeting(&greeting))).await.expect("written");
        a.connected_to(&greeting.name).await;
        open.push((connection, send, receive));
    }
    let mut late = node(&cluster, "late", None, vec![a.address()]).await;
    let cause = |event| if let Event::Unreachable { cause, .. } = event { Some(cause.code) } else { None };
    assert_eq!(late.until(cause).await, "E0615");
    let cause = |event| if let Event::TurnedAway { cause, .. } = event { Some(cause.code) } else { None };
    assert_eq!(a.until(cause).await, "E0615");
    assert_eq!(a.network.links(), LINKS_MAX);
    drop(open.pop());
    late.connected_to("a").await;
}
