//! Real endpoints on loopback, in one process.

use std::sync::Arc;
use std::time::Duration;

use quinn::Connection;
use quinn::Endpoint;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::version::TLS13;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::lattice::dot::ReplicaId;
use crate::net::Network;
use crate::net::Options;
use crate::net::cause::Cause;
use crate::net::error::NetworkError;
use crate::net::event::Event;
use crate::net::event::LinkId;
use crate::net::frame::Greeting;
use crate::net::frame::Kind;
use crate::net::frame::encode_greeting;
use crate::net::frame::frame;
use crate::net::identity::Cluster;
use crate::net::identity::Credentials;
use crate::net::tls::configure;

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Node {
    pub(super) network: Network,
    pub(super) events: mpsc::Receiver<Event>,
}

pub(super) async fn node(cluster: &Cluster, name: &str, listen: Option<String>, peers: Vec<String>) -> Node {
    let (sender, events) = mpsc::channel(64);
    let credentials = cluster.node().expect("credentials");
    let incarnation = ReplicaId(credentials.id);
    let options = Options { name: name.into(), listen, advertise: None, peers, incarnation };
    Node { network: Network::start(credentials, options, sender).await.expect("a network"), events }
}

impl Node {
    pub(super) async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = wanted(self.events.recv().await.expect("the network lives")) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("in time")
    }

    pub(super) async fn connected_to(&mut self, wanted: &str) -> LinkId {
        self.until(|event| match event {
            Event::Connected { link, name, .. } if name == wanted => Some(link),
            _ => None,
        })
        .await
    }

    pub(super) fn address(&self) -> String {
        self.network.address().to_string()
    }
}

/// Waits until it is so: what a task does beside the events that it sends comes before or after them.
async fn comes_true(mut claim: impl FnMut() -> bool) {
    let wait = async {
        while !claim() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("in time");
}

pub(super) fn received(event: Event) -> Option<Vec<u8>> {
    match event {
        Event::Received { message, .. } => Some(message.bytes),
        _ => None,
    }
}

fn turned_away(event: Event) -> Option<&'static str> {
    match event {
        Event::TurnedAway { cause, .. } => Some(cause.code),
        _ => None,
    }
}

pub(super) fn cluster() -> Cluster {
    Cluster::generate().expect("a cluster")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_travel_both_ways_in_order() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let mut b = node(&cluster, "b", None, vec![a.address()]).await;
    let (to_b, to_a) = (a.connected_to("b").await, b.connected_to("a").await);
    comes_true(|| b.network.all_peers_connected()).await;
    for count in 0..500u32 {
        a.network.send(to_b, &count.to_be_bytes());
    }
    for count in 0..500u32 {
        assert_eq!(b.until(received).await, count.to_be_bytes());
    }
    b.network.send(to_a, b"back");
    assert_eq!(a.until(received).await, b"back");
    comes_true(|| a.network.carried().sent_messages == 500).await;
    assert_eq!(a.network.carried().sent_bytes, 2000);
    assert_eq!(b.network.carried().received_messages, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_the_end_arrives() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let b = node(&cluster, "b", None, vec![a.address()]).await;
    let to_a = {
        let mut b = b;
        let link = b.connected_to("a").await;
        b.network.send(link, &vec![7; 1 << 20]);
        b.network.close().await;
        link
    };
    assert_eq!(a.until(received).await.len(), 1 << 20);
    let cause = a.until(|event| if let Event::Lost { cause, .. } = event { Some(cause) } else { None }).await;
    assert_eq!(cause.reason, "it ended", "{to_a:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_know_one_address_find_each_other() {
    let cluster = cluster();
    let mut nodes = vec![node(&cluster, "0", None, vec![]).await];
    let first = nodes[0].address();
    for name in 1..6 {
        nodes.push(node(&cluster, &name.to_string(), None, vec![first.clone()]).await);
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        let mut missing: Vec<String> = (0..6).filter(|peer| *peer != at).map(|peer| peer.to_string()).collect();
        node.until(|event| {
            if let Event::Connected { name, .. } = event {
                missing.retain(|peer| *peer != name);
            }
            missing.is_empty().then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_dial_each_other_keep_one_connection() {
    let cluster = cluster();
    for _ in 0..5 {
        let probe = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let later = probe.local_addr().expect("bound").to_string();
        let mut a = node(&cluster, "a", None, vec![later.clone()]).await;
        drop(probe);
        let mut b = node(&cluster, "b", Some(later), vec![a.address()]).await;
        a.connected_to("b").await;
        b.connected_to("a").await;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert!(a.network.all_peers_connected() && b.network.all_peers_connected());
        let links = (a.network.links(), b.network.links());
        assert_eq!(links, (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_not_there_yet_is_told_of_soon_and_found_later() {
    let cluster = cluster();
    let probe = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = probe.local_addr().expect("bound").to_string();
    drop(probe);
    let start = std::time::Instant::now();
    let mut a = node(&cluster, "a", None, vec![address.clone()]).await;
    let code =
        a.until(|event| if let Event::Unreachable { cause, .. } = event { Some(cause.code) } else { None }).await;
    assert_eq!(code, "E0605");
    assert!(start.elapsed() < Duration::from_secs(3));
    let _b = node(&cluster, "b", Some(address), vec![]).await;
    a.connected_to("b").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_given_its_own_address_is_content() {
    let cluster = cluster();
    let probe = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = probe.local_addr().expect("bound").to_string();
    drop(probe);
    let a = node(&cluster, "a", Some(address.clone()), vec![address]).await;
    comes_true(|| a.network.all_peers_connected()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_cluster_is_refused_on_both_sides_with_a_reason() {
    let mut a = node(&cluster(), "a", None, vec![]).await;
    let mut b = node(&cluster(), "b", None, vec![a.address()]).await;
    let cause = b.until(|event| if let Event::Unreachable { cause, .. } = event { Some(cause) } else { None }).await;
    assert_eq!((cause.code, cause.refused), ("E0607", true), "{cause:?}");
    assert_eq!(a.until(turned_away).await, "E0607");
    assert_eq!((a.network.links(), b.network.links()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_automatic_key_stays_on_this_machine() {
    let (sender, mut events) = mpsc::channel(4);
    let (listen, incarnation) = (Some("0.0.0.0:0".into()), ReplicaId(1));
    let options = Options { name: "a".into(), listen, advertise: None, peers: vec![], incarnation };
    let credentials = cluster().node().expect("credentials");
    let refused = Network::start(credentials, options, sender.clone()).await.err();
    assert!(matches!(refused, Some(NetworkError::NotLoopback { .. })), "{refused:?}");
    let peers = vec!["192.0.2.1:7001".into()];
    let options = Options { name: "a".into(), listen: None, advertise: None, peers, incarnation };
    let _network = Network::start(cluster().node().expect("credentials"), options, sender).await.expect("a network");
    loop {
        if let Some(Event::Failed(error)) = timeout(PATIENCE, events.recv()).await.expect("in time") {
            assert_eq!(error.code(), "E0603");
            break;
        }
    }
}

/// What such a client says first.
pub(super) fn greeting(named: bool, incarnation: u128) -> Greeting {
    let nowhere = ([127, 0, 0, 1], 9).into();
    Greeting {
        name: "x".into(),
        listen: nowhere,
        attempt: 1,
        revoked: 0,
        named,
        seen: nowhere,
        incarnation,
        now_ms: None,
    }
}

/// A client made by hand, with whatever is wrong with it.
pub(super) async fn stranger(credentials: &Credentials, certified: bool, alpn: &[u8], to: &Node) -> Option<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(credentials.authority.clone()).expect("an authority");
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("1.3")
        .with_root_certificates(roots);
    let mut config = if certified {
        builder.with_client_auth_cert(credentials.chain.clone(), credentials.key.clone_key()).expect("a certificate")
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(config).expect("a configuration");
    let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a socket");
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let connecting = endpoint.connect_with(config, to.network.address(), &credentials.server_name).expect("dialed");
    connecting.await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_without_certificate_or_with_another_protocol_are_refused() {
    let cluster = cluster();
    let credentials = cluster.node().expect("credentials");
    for (certified, alpn, code) in [(false, &b"lasp/1"[..], "E0623"), (true, &b"h3"[..], "E0608")] {
        let mut a = node(&cluster, "a", None, vec![]).await;
        let connection = stranger(&credentials, certified, alpn, &a).await;
        assert_eq!(a.until(turned_away).await, code);
        assert_eq!(a.network.links(), 0);
        drop(connection);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_greeting_are_refused() {
    let cluster = cluster();
    let credentials = cluster.node().expect("credentials");
    let cases: [(&[u8], &str); 4] = [
        (&[0xff; 64], "E0609"),
        (&[0, 0, 0, 2, 2, 0, 99], "E0608"),
        (&[0, 0, 0, 3, 2, 0, 1, 7], "E0609"),
        (&[0x7f, 0, 0, 0, 2], "E0609"),
    ];
    for (bytes, code) in cases {
        let mut a = node(&cluster, "a", None, vec![]).await;
        let connection = stranger(&credentials, true, b"lasp/1", &a).await.expect("a certificate suffices so far");
        let (mut send, _receive) = connection.open_bi().await.expect("a stream");
        send.write_all(bytes).await.expect("written");
        assert_eq!(a.until(turned_away).await, code, "{bytes:?}");
        assert_eq!(a.network.links(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_welcomed_peer_that_sends_rubbish_loses_its_connection_and_the_rest_goes_on() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let mut b = node(&cluster, "b", None, vec![a.address()]).await;
    let to_a = b.connected_to("a").await;
    let rubbish: [&[u8]; 3] = [&[0xff, 0xff, 0xff, 0xff, 0], &[0, 0, 0, 4, 1, 9, 9, 9, 9], &[0, 0, 0, 0, 77]];
    for bytes in rubbish {
        let credentials = cluster.node().expect("credentials");
        let connection = stranger(&credentials, true, b"lasp/1", &a).await.expect("certified");
        let (mut send, _receive) = connection.open_bi().await.expect("a stream");
        let greeting = greeting(false, credentials.id);
        send.write_all(&frame(Kind::Hello, &encode_greeting(&greeting))).await.expect("written");
        a.connected_to("x").await;
        let mut stream = connection.open_uni().await.expect("a stream");
        stream.write_all(bytes).await.expect("written");
        let lost = a.until(|event| match event {
            Event::Lost { name, cause, .. } if name == "x" => Some(cause.code),
            _ => None,
        });
        assert_eq!(lost.await, "E0609", "{bytes:?}");
    }
    b.network.send(to_a, b"still here");
    assert_eq!(a.until(received).await, b"still here");
}

fn twin(credentials: &Credentials) -> Credentials {
    Credentials {
        chain: credentials.chain.clone(),
        key: credentials.key.clone_key(),
        authority: credentials.authority.clone(),
        server_name: credentials.server_name.clone(),
        automatic: credentials.automatic,
        id: credentials.id,
        proven: credentials.proven,
        name: credentials.name.clone(),
        revocations: None,
        deciders: None,
        folder: None,
    }
}

/// A process with these credentials, which is its node's incarnation of that number.
async fn process(credentials: &Credentials, number: u64, name: &str, peers: Vec<String>) -> Node {
    let (sender, events) = mpsc::channel(64);
    let incarnation = ReplicaId::of(credentials.id, number);
    let options = Options { name: name.into(), listen: None, advertise: None, peers, incarnation };
    Node { network: Network::start(twin(credentials), options, sender).await.expect("a network"), events }
}

fn unreachable(event: Event) -> Option<&'static str> {
    match event {
        Event::Unreachable { cause, .. } => Some(cause.code),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_with_one_key_the_second_is_not_let_in_and_both_are_told() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let credentials = cluster.node().expect("credentials");
    let mut b = process(&credentials, 1, "b", vec![a.address()]).await;
    let (to_b, to_a) = (a.connected_to("b").await, b.connected_to("a").await);
    // A third party lets the first stay.
    let mut copy = process(&credentials, 2, "copy", vec![a.address()]).await;
    assert_eq!(copy.until(unreachable).await, "E1005");
    assert_eq!(a.until(turned_away).await, "E1005");
    a.network.send(to_b, b"still here");
    assert_eq!(b.until(received).await, b"still here");
    b.network.send(to_a, b"so am I");
    assert_eq!(a.until(received).await, b"so am I");
    // And so do the two of them, when they meet.
    let mut other = process(&credentials, 3, "other", vec![b.address()]).await;
    assert_eq!(other.until(unreachable).await, "E1005");
    assert_eq!(b.until(turned_away).await, "E1005");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_started_again_takes_its_own_place() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let credentials = cluster.node().expect("credentials");
    {
        // Its runtime ends without a word to anybody, as if it had been killed.
        let (credentials, to) = (twin(&credentials), a.address());
        let life = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async { process(&credentials, 1, "b", vec![to]).await.connected_to("a").await });
            runtime.shutdown_background();
        });
        a.connected_to("b").await;
        life.join().expect("no panic");
    }
    let begun = tokio::time::Instant::now();
    let _again = process(&credentials, 2, "b again", vec![a.address()]).await;
    a.connected_to("b again").await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_greets_in_anothers_name() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let (credentials, victim) = (cluster.node().expect("credentials"), cluster.node().expect("credentials"));
    let connection = stranger(&credentials, true, b"lasp/1", &a).await.expect("certified");
    let (mut send, _receive) = connection.open_bi().await.expect("a stream");
    let greeting = greeting(false, victim.id);
    send.write_all(&frame(Kind::Hello, &encode_greeting(&greeting))).await.expect("written");
    assert_eq!(a.until(turned_away).await, "E0609");
    assert_eq!(a.network.links(), 0);
}

/// What somebody who dials begins with: the first packet, as it goes out.
async fn first_packet(credentials: &Credentials) -> Vec<u8> {
    let wire = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a socket");
    let (client, _) = configure(credentials).expect("a configuration");
    let at = wire.local_addr().expect("bound");
    let _connecting = endpoint.connect_with(client, at, &credentials.server_name).expect("dialed");
    let mut bytes = vec![0; 2048];
    let (length, _) = timeout(PATIENCE, wire.recv_from(&mut bytes)).await.expect("in time").expect("a packet");
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_a_restart_has_torn_is_no_failure_of_authentication() {
    let cluster = cluster();
    let mut a = node(&cluster, "a", None, vec![]).await;
    let mut packet = first_packet(&cluster.node().expect("credentials")).await;
    // The number that the two have agreed on is in its sixth byte and after; the keys of the packet follow from the one before. With some
    // of the wrong ones the packet cannot even be taken apart, and is dropped.
    let wire = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    for change in 1..=64 {
        *packet.get_mut(6).expect("a long packet") ^= change;
        wire.send_to(&packet, a.network.address()).await.expect("sent");
    }
    let cause = a.until(|event| if let Event::TurnedAway { cause, .. } = event { Some(cause) } else { None }).await;
    assert_eq!((cause.code, cause.refused), ("E0605", false), "{cause:?}");
    assert!(cause.reason.contains("ended during the handshake"), "{cause:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_ended_does_not_say_that_it_is_crowded() {
    let cluster = cluster();
    let a = node(&cluster, "a", None, vec![]).await;
    a.network.close().await;
    let credentials = cluster.node().expect("credentials");
    let endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a socket");
    let (mut client, _) = configure(&credentials).expect("a configuration");
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(Some(quinn::IdleTimeout::from(quinn::VarInt::from_u32(500))));
    client.transport_config(Arc::new(transport));
    let connecting = endpoint.connect_with(client, a.network.address(), &credentials.server_name).expect("dialed");
    let cause = Cause::of(&connecting.await.expect_err("nobody is there"));
    assert_eq!((cause.code, cause.refused), ("E0605", false), "{cause:?}");
}
