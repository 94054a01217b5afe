//! Who may take part: issued certificates, roles, revocation. Real endpoints on loopback, in one process.

#![expect(clippy::disallowed_methods, reason = "a test of sockets, files and the clock")]

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lasp::lattice::dot::ReplicaId;
use lasp::net::Network;
use lasp::net::Options;
use lasp::net::authority::Authority;
use lasp::net::authority::Order;
use lasp::net::error::NetworkError;
use lasp::net::event::Event;
use lasp::net::frame::Greeting;
use lasp::net::frame::Kind;
use lasp::net::frame::encode_greeting;
use lasp::net::frame::frame;
use lasp::net::identity::Credentials;
use lasp::net::probe::Examiner;
use lasp::replica::Role;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS13;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_hours(24);

/// A cluster's authority, in a folder that goes with the test.
struct Cluster {
    folder: TempDir,
    authority: Authority,
}

impl Cluster {
    fn new() -> Cluster {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::create(&folder.path().join("shop"), OffsetDateTime::now_utc()).expect("made");
        Cluster { folder, authority }
    }

    /// The folder of a node whose certificate is made at a time, for a day.
    fn issue_at(&self, name: &str, role: Role, now: OffsetDateTime) -> PathBuf {
        let out = self.folder.path().join(name);
        let order = Order { name, role: Some(role), valid: DAY, out: Some(&out) };
        let mut authority = Authority::load(&self.folder.path().join("shop")).expect("made before");
        authority.issue(&order, now).expect("issued").folder
    }

    fn issue(&self, name: &str, role: Role) -> PathBuf {
        self.issue_at(name, role, OffsetDateTime::now_utc())
    }

    async fn server(&self, name: &str, peers: &[&Node]) -> Node {
        start(&self.issue(name, Role::Server), peers).await
    }

    async fn client(&self, name: &str, peers: &[&Node]) -> Node {
        start(&self.issue(name, Role::Client), peers).await
    }
}

struct Node {
    network: Network,
    events: mpsc::Receiver<Event>,
}

async fn start(folder: &Path, peers: &[&Node]) -> Node {
    start_on(folder, "127.0.0.1:0", peers.iter().map(|peer| peer.address().to_string()).collect()).await
}

async fn start_on(folder: &Path, listen: &str, peers: Vec<String>) -> Node {
    let credentials = Credentials::load(folder).expect("a node's folder");
    let (name, incarnation) = (credentials.name.clone(), ReplicaId(credentials.id));
    let options = Options { name, listen: Some(listen.into()), advertise: None, peers, incarnation };
    let (sender, events) = mpsc::channel(256);
    Node { network: Network::start(credentials, options, sender).await.expect("a network"), events }
}

impl Node {
    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.network.address().port()))
    }

    async fn until<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the network lives");
                if let Some(found) = wanted(&event) {
                    return found;
                }
                seen.push(format!("{event:?}"));
            }
        };
        let found = timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| panic!("not in time; seen: {seen:#?}"))
    }

    async fn connected_to(&mut self, wanted: &str) -> Role {
        self.until(|event| match event {
            Event::Connected { name, role, .. } if name == wanted => Some(*role),
            _ => None,
        })
        .await
    }

    /// Why an address that it dials is not connected.
    async fn unreachable(&mut self) -> (&'static str, String) {
        self.until(|event| match event {
            Event::Unreachable { cause, .. } => Some((cause.code, cause.reason.clone())),
            _ => None,
        })
        .await
    }

    /// Why it turned somebody away.
    async fn turned_away(&mut self) -> (&'static str, String) {
        self.until(|event| match event {
            Event::TurnedAway { cause, .. } => Some((cause.code, cause.reason.clone())),
            _ => None,
        })
        .await
    }

    /// Why a connection ended.
    async fn lost(&mut self, wanted: &str) -> (&'static str, String) {
        self.until(|event| match event {
            Event::Lost { name, cause, .. } if name == wanted => Some((cause.code, cause.reason.clone())),
            _ => None,
        })
        .await
    }
}

/// The two sides of a refusal: same code, each says who refused whom.
fn both((here, this): &(&'static str, String), (there, other): &(&'static str, String), code: &str, words: &str) {
    assert_eq!((*here, *there), (code, code), "{this} / {other}");
    assert!(this.starts_with("this node refused the peer") && this.contains(words), "{this}");
    assert!(other.starts_with("the peer refused this node") && other.contains(words), "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_issued_certificates_meet_wherever_they_listen() {
    let cluster = Cluster::new();
    let mut a = start_on(&cluster.issue("a", Role::Server), "0.0.0.0:0", vec![]).await;
    let mut b = start_on(&cluster.issue("b", Role::Server), "0.0.0.0:0", vec![a.address().to_string()]).await;
    assert_eq!((a.connected_to("b").await, b.connected_to("a").await), (Role::Server, Role::Server));
    // Neither told an address that can be dialed, and yet the third finds both by one.
    let mut c = start_on(&cluster.issue("c", Role::Server), "0.0.0.0:0", vec![a.address().to_string()]).await;
    c.connected_to("a").await;
    a.connected_to("c").await;
    b.connected_to("c").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_outside_of_their_time_are_refused_and_both_sides_say_so() {
    let cluster = Cluster::new();
    let now = OffsetDateTime::now_utc();
    for (name, at, words) in
        [("old", now - 3 * DAY, "certificate expired"), ("early", now + 3 * DAY, "certificate is not valid yet")]
    {
        let mut a = cluster.server(&format!("a-{name}"), &[]).await;
        let mut b = start(&cluster.issue_at(name, Role::Server, at), &[&a]).await;
        both(&a.turned_away().await, &b.unreachable().await, "E0617", words);
        assert_eq!((a.network.links(), b.network.links()), (0, 0));
        // The other way round: who dials refuses.
        let mut c = start(&cluster.issue(&format!("c-{name}"), Role::Server), &[&b]).await;
        both(&c.unreachable().await, &b.turned_away().await, "E0617", words);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_another_cluster_are_refused_and_both_sides_say_so() {
    let mut a = Cluster::new().server("a", &[]).await;
    let mut b = Cluster::new().server("b", &[&a]).await;
    // Whoever is dialed shows its certificate first, so the one who dials refuses.
    both(&b.unreachable().await, &a.turned_away().await, "E0607", "of another cluster");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_join_servers_and_nobody_else() {
    let cluster = Cluster::new();
    let mut server = cluster.server("server", &[]).await;
    let mut one = cluster.client("one", &[&server]).await;
    assert_eq!(one.connected_to("server").await, Role::Server);
    assert_eq!(server.connected_to("one").await, Role::Client);
    // A second client learns of the server, not of the first client; and does not get it when it insists.
    let mut two = cluster.client("two", &[&one, &server]).await;
    assert_eq!(server.connected_to("two").await, Role::Client);
    both(
        &two.unreachable().await,
        &one.turned_away().await,
        "E0619",
        "certificate is a client's, and clients serve nobody",
    );
    let mut other = cluster.server("other", &[&one]).await;
    both(&other.unreachable().await, &one.turned_away().await, "E0619", "clients serve nobody");
    assert_eq!((one.network.links(), two.network.links()), (1, 1));
    let credentials = Credentials::load(&cluster.folder.path().join("one")).expect("a folder");
    let (sender, _events) = mpsc::channel(1);
    let incarnation = ReplicaId(credentials.id);
    let options = Options { name: "one".into(), listen: None, advertise: None, peers: vec![], incarnation };
    let alone = Network::start(credentials, options, sender).await.err();
    assert!(matches!(alone, Some(NetworkError::ClientAlone { .. })), "{alone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_given_to_one_node_reaches_all_and_ends_the_connections_of_the_revoked() {
    let mut cluster = Cluster::new();
    let mut a = cluster.server("a", &[]).await;
    let mut b = cluster.server("b", &[&a]).await;
    a.connected_to("b").await;
    let mut c = cluster.server("c", &[&a]).await;
    a.connected_to("c").await;
    b.connected_to("c").await;
    let withdrawn = cluster.authority.revoke("c", OffsetDateTime::now_utc()).expect("revoked");
    let folder = |name: &str| cluster.folder.path().join(name);
    std::fs::copy(withdrawn.file, folder("a").join("revoked.pem")).expect("copied");
    let told = [a.lost("c").await, b.lost("c").await];
    for side in &told {
        assert_eq!(side.0, "E0618", "{told:?}");
    }
    let theirs = c.lost("a").await;
    assert_eq!(theirs.0, "E0618", "{theirs:?}");
    // It comes again at once, and is refused by the handshake now.
    both(&a.turned_away().await, &c.unreachable().await, "E0618", "certificate was revoked");
    // Nobody else had the list; each keeps it, and whoever comes later gets it from the first that it meets.
    assert_eq!(Credentials::load(&folder("b")).expect("a folder").revocations_number(), withdrawn.number);
    let late = cluster.issue("late", Role::Server);
    std::fs::copy(folder("c").join("revoked.pem"), late.join("revoked.pem")).expect("copied");
    assert!(Credentials::load(&late).expect("a folder").revocations_number() < withdrawn.number);
    let mut late_node = start(&late, &[&b]).await;
    late_node.connected_to("b").await;
    let mut tries = 0;
    while Credentials::load(&late).expect("a folder").revocations_number() < withdrawn.number {
        tries += 1;
        assert!(tries < 500, "the newcomer got no list");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A hand-made client that dials a node with whatever is wrong with it.
async fn stranger(folder: &Path, certified: bool, to: &Node) -> quinn::Connection {
    let file = |name: &str| folder.join(name);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("authority.pem")).expect("an authority")).expect("it counts");
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("1.3")
        .with_root_certificates(roots);
    let mut config = if certified {
        let chain = vec![CertificateDer::from_pem_file(file("node.pem")).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(file("node.key")).expect("a key");
        builder.with_client_auth_cert(chain, key).expect("they fit")
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"lasp/1".to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(config).expect("a configuration");
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a socket");
    let name = format!("c-{}.lasp.internal", Credentials::load(folder).expect("a folder").cluster());
    let connecting = endpoint.connect_with(quinn::ClientConfig::new(Arc::new(crypto)), to.address(), &name);
    connecting.expect("dialed").await.expect("the client's side of the handshake succeeds")
}

/// The greeting of the node with this folder.
fn hello(folder: &Path, name: &str) -> Vec<u8> {
    hello_at(folder, name, None)
}

fn hello_at(folder: &Path, name: &str, now_ms: Option<u64>) -> Vec<u8> {
    let (nowhere, incarnation) =
        (SocketAddr::from(([127, 0, 0, 1], 9)), Credentials::load(folder).expect("a folder").id);
    let (listen, seen) = (nowhere, nowhere);
    let greeting =
        Greeting { name: name.into(), listen, attempt: 1, revoked: u64::MAX, named: false, seen, incarnation, now_ms };
    frame(Kind::Hello, &encode_greeting(&greeting))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shows_no_certificate_is_refused() {
    let cluster = Cluster::new();
    let mut a = cluster.server("a", &[]).await;
    let connection = stranger(&cluster.issue("x", Role::Server), false, &a).await;
    let refused = a.turned_away().await;
    assert_eq!(refused.0, "E0623");
    assert!(refused.1.contains("showed no certificate"), "{}", refused.1);
    drop(connection);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greeting_said_again_by_somebody_else_gains_nothing() {
    let cluster = Cluster::new();
    let mut a = cluster.server("a", &[]).await;
    let mut ids = Vec::new();
    let mut open = Vec::new();
    // Each counts as who its certificate says, whatever it calls itself.
    for name in ["x", "y"] {
        let folder = cluster.issue(name, Role::Server);
        let connection = stranger(&folder, true, &a).await;
        let (mut send, receive) = connection.open_bi().await.expect("a stream");
        send.write_all(&hello(&folder, "b")).await.expect("written");
        ids.push(a.until(|event| if let Event::Connected { id, .. } = event { Some(*id) } else { None }).await);
        // Said a second time on the same connection, nobody listens.
        let (mut again, mut answer) = connection.open_bi().await.expect("a stream");
        again.write_all(&hello(&folder, "b")).await.expect("written");
        let silence = timeout(Duration::from_millis(200), answer.read(&mut [0; 1])).await;
        assert!(silence.is_err(), "{silence:?}");
        open.push((connection, send, receive, again, answer));
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(a.network.links(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_revocations_that_the_authority_has_not_signed_ends_the_connection() {
    let cluster = Cluster::new();
    let mut a = cluster.server("a", &[]).await;
    let other = Cluster::new();
    let forged = [other.authority.revoked().der().to_vec(), vec![7; 5000], Vec::new()];
    for (number, list) in forged.iter().enumerate() {
        let name = format!("x{number}");
        let folder = cluster.issue(&name, Role::Server);
        let connection = stranger(&folder, true, &a).await;
        let (mut send, _receive) = connection.open_bi().await.expect("a stream");
        send.write_all(&hello(&folder, &name)).await.expect("written");
        a.connected_to(&name).await;
        let mut stream = connection.open_uni().await.expect("a stream");
        stream.write_all(&frame(Kind::Revoked, list)).await.expect("written");
        assert_eq!(a.lost(&name).await.0, "E0609");
    }
    let kept = Credentials::load(&cluster.folder.path().join("a")).expect("a folder").revocations_number();
    assert_eq!(kept, cluster.authority.revoked().number());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doctor_learns_how_it_stands_and_disturbs_nobody() {
    let cluster = Cluster::new();
    let mut a = cluster.server("a", &[]).await;
    let mut b = cluster.server("b", &[&a]).await;
    b.connected_to("a").await;
    a.connected_to("b").await;
    let credentials = |name: &str| Credentials::load(&cluster.folder.path().join(name)).expect("a folder");
    cluster.issue("doctor", Role::Client);
    let examiner = Examiner::new(credentials("doctor"), a.address()).expect("a socket");
    let found = examiner.ask(&a.address().to_string()).await;
    let answer = found.outcome.expect("an answer");
    assert_eq!((answer.probed.name.as_str(), answer.probed.peers), ("a", 1));
    assert_eq!(answer.probed.revoked, cluster.authority.revoked().number());
    assert!(answer.ahead_ms.unsigned_abs() <= answer.within_ms + 50, "{answer:?}");
    assert_eq!(found.proven.map(|proven| proven.role), Some(Role::Server));
    let nobody = examiner.ask("127.0.0.1:9").await;
    assert_eq!(nobody.outcome.err().map(|cause| cause.code), Some("E0605"));
    let unknown = examiner.ask("nowhere.invalid:7001").await;
    assert_eq!(unknown.outcome.err().map(|cause| cause.code), Some("E0606"));
    let stranger = Cluster::new();
    let other = Examiner::new(Credentials::load(&stranger.issue("z", Role::Server)).expect("a folder"), a.address());
    let refused = other.expect("a socket").ask(&a.address().to_string()).await;
    assert_eq!(refused.outcome.err().map(|cause| cause.code), Some("E0607"));
    // Nothing of all this was an event, but that a stranger was turned away.
    assert_eq!(a.turned_away().await.0, "E0607");
    assert!(a.events.try_recv().is_err());
    assert_eq!(a.network.links(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_whose_clock_is_off_is_let_in_and_its_clock_is_told() {
    let cluster = Cluster::new();
    let mut a = cluster.server("a", &[]).await;
    let clock = || u64::try_from(OffsetDateTime::now_utc().unix_timestamp() * 1000).expect("after 1970");
    let mut open = Vec::new();
    for (name, now_ms, off) in [("x", Some(clock() - 3_600_000), true), ("y", Some(clock()), false), ("z", None, false)]
    {
        let folder = cluster.issue(name, Role::Server);
        let connection = stranger(&folder, true, &a).await;
        let (mut send, receive) = connection.open_bi().await.expect("a stream");
        send.write_all(&hello_at(&folder, name, now_ms)).await.expect("written");
        let told =
            a.until(|event| if let Event::Connected { clock_off_ms, .. } = event { Some(*clock_off_ms) } else { None });
        assert_eq!(told.await.map(|ahead_ms| ahead_ms < -3_000_000), off.then_some(true), "{name}");
        open.push((connection, send, receive));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_lost_its_server_finds_others_that_its_user_did_not_name() {
    let cluster = Cluster::new();
    let mut one = cluster.server("one", &[]).await;
    let mut two = cluster.server("two", &[&one]).await;
    two.connected_to("one").await;
    let mut client = cluster.client("client", &[&two]).await;
    client.connected_to("two").await;
    two.connected_to("client").await;
    two.network.close().await;
    assert_eq!(client.connected_to("one").await, Role::Server);
    one.connected_to("client").await;
    // And one that came only after that.
    let mut three = cluster.server("three", &[&one]).await;
    one.connected_to("three").await;
    one.network.close().await;
    assert_eq!(client.connected_to("three").await, Role::Server);
    three.connected_to("client").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_listens_on_all_addresses_of_version_6_reaches_and_is_reached_by_those_of_version_4() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        return;
    }
    let cluster = Cluster::new();
    let mut four = cluster.server("four", &[]).await;
    let six = |name: &'static str, peers| {
        let folder = cluster.issue(name, Role::Server);
        async move { start_on(&folder, "[::]:0", peers).await }
    };
    // It dials version 4, and is dialed by both.
    let mut both = six("both", vec![four.address().to_string()]).await;
    both.connected_to("four").await;
    four.connected_to("both").await;
    let port = both.network.address().port();
    let folder = cluster.issue("late", Role::Server);
    let mut late = start_on(&folder, "127.0.0.1:0", vec![format!("127.0.0.1:{port}")]).await;
    late.connected_to("both").await;
    let folder = cluster.issue("only", Role::Server);
    let mut only = start_on(&folder, "[::1]:0", vec![format!("[::1]:{port}")]).await;
    only.connected_to("both").await;
    let folder = cluster.issue("apart", Role::Server);
    let mut apart = start_on(&folder, "[::1]:0", vec![four.address().to_string()]).await;
    let told = apart.unreachable().await;
    assert!(told.0 == "E0606" && told.1.contains("no address of the same kind as [::1]"), "{told:?}");
}
