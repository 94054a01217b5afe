//! The network as its owner sees it: started, told what to send, closed; everything else comes as events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use quinn::Connection;
use quinn::Endpoint;
use quinn::EndpointConfig;
use quinn::Incoming;
use quinn::TokioRuntime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::effects::Deciders;
use crate::effects::NodeId;
use crate::lattice::dot::ReplicaId;
use crate::net::cause::Cause;
use crate::net::cause::Closing;
use crate::net::deciders;
use crate::net::dial;
use crate::net::error::NetworkError;
use crate::net::event::Event;
use crate::net::event::LinkId;
use crate::net::frame::FrameError;
use crate::net::frame::Kind;
use crate::net::frame::Refusal;
use crate::net::frame::decode_greeting;
use crate::net::frame::encode_greeting;
use crate::net::frame::encode_refusal;
use crate::net::frame::frame;
use crate::net::frame::read;
use crate::net::hub::Hub;
use crate::net::hub::Parts;
use crate::net::identity::Credentials;
use crate::net::limits::ATTEMPT;
use crate::net::limits::HANDSHAKES_MAX;
use crate::net::limits::INBOX_BYTES_MAX;
use crate::net::limits::PROTOCOL;
use crate::net::limits::RELOAD;
use crate::net::link;
use crate::net::linked::AddressState;
use crate::net::linked::PeerState;
use crate::net::membership;
use crate::net::membership::Told;
use crate::net::membership::encode_reach;
use crate::net::probe;
use crate::net::refusal::refuse_connection;
use crate::net::servers;
use crate::net::socket;
use crate::net::socket::advertised;
use crate::net::socket::canonical;
use crate::net::socket::listen_address;
use crate::net::strangers::Strangers;
use crate::net::tls::peer_identity;
use crate::net::trust::Anew;
use crate::net::trust::Trust;
use crate::overlay::Overlay;
use crate::overlay::Settings;
use crate::overlay::Taking;
use crate::replica::Role;

/// How this node takes part.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it calls itself; at most 256 bytes, no control characters.
    pub name: String,
    /// `HOST:PORT` to listen on; when not given, any free port, of this machine alone for the automatic cluster, and of all its
    /// addresses with issued keys.
    pub listen: Option<String>,
    /// `HOST:PORT` by which peers reach this node, if that is not where it listens, as behind address translation.
    pub advertise: Option<String>,
    /// `HOST:PORT` of peers to join. They tell of the others.
    pub peers: Vec<String>,
    /// Under which identity its updates are known; bears the mark of its key.
    pub incarnation: ReplicaId,
}

/// How much was carried, in node messages and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Messages sent.
    pub sent_messages: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Messages received.
    pub received_messages: u64,
}

/// A node's part in the network. Closed by [`Network::close`]; dropping it leaves its tasks to the end of the runtime.
pub struct Network {
    hub: Arc<Hub>,
    role: Role,
}

impl Network {
    /// Listens, and dials the peers. Must be called on a runtime of tokio; events come until the receiver is dropped.
    ///
    /// # Errors
    /// When the address cannot be listened on, or not with these credentials.
    pub async fn start(
        credentials: Credentials,
        options: Options,
        events: mpsc::Sender<Event>,
    ) -> Result<Network, NetworkError> {
        let (me, server_name, automatic) = (credentials.id, credentials.server_name.clone(), credentials.automatic);
        let role = credentials.proven.role;
        if role == Role::Client && options.peers.is_empty() {
            return Err(NetworkError::ClientAlone { name: credentials.name });
        }
        let (trust, server) = Trust::new(credentials)?;
        let address = listen_address(&options, automatic).await?;
        let told = options.listen.clone().unwrap_or_else(|| address.to_string());
        let failed = |error: std::io::Error| NetworkError::Listen { address: told.clone(), reason: error.to_string() };
        let (socket, both_versions) = socket::bind(address).map_err(failed)?;
        let endpoint = Endpoint::new(EndpointConfig::default(), Some(server), socket, Arc::new(TokioRuntime));
        let endpoint = endpoint.map_err(failed)?;
        let listen = endpoint.local_addr().map_err(failed)?;
        let advertised = advertised(&options, listen).await?;
        let (steer, told) = mpsc::unbounded_channel();
        // The identity is by chance, or kept with a clock that goes on: either way the counter is greater than before.
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let counter = u64::try_from(started.as_millis()).unwrap_or(0);
        let seed = u64::try_from(me >> 64).unwrap_or(0);
        let overlay = Overlay::new(me, counter, encode_reach(&[advertised]), Settings::default(), seed);
        let hub = Arc::new(Hub::new(Parts {
            endpoint,
            me,
            incarnation: options.incarnation,
            name: options.name,
            listen,
            both_versions,
            advertised,
            trust,
            server_name,
            automatic,
            events,
            inbox_bytes_max: INBOX_BYTES_MAX,
            targets: options.peers.clone(),
            role,
            membership: steer,
        }));
        tokio::spawn(membership::run(hub.clone(), told, overlay));
        tokio::spawn(accept(hub.clone()));
        tokio::spawn(watch(hub.clone()));
        tokio::spawn(servers::seek(hub.clone()));
        for (target, peer) in options.peers.into_iter().enumerate() {
            tokio::spawn(dial::configured(hub.clone(), target, peer));
        }
        Ok(Network { hub, role })
    }

    /// What this node's own certificate lets it do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.hub.listen
    }

    /// Sends a message; without effect when the connection is gone. Never waits: what a peer does not take in time is lost.
    pub fn send(&self, link: LinkId, message: &[u8]) {
        self.hub.send(link, message);
    }

    /// Brings a message to all who take part in a topic, without waiting for it. For speed alone: those whom it does not
    /// reach find what they lack when vectors are compared.
    pub fn broadcast(&self, topic: u128, message: &[u8]) {
        self.hub.broadcast(topic, message);
    }

    /// This node takes `topics` alone, or all but those: it gets neighbours who take what it names.
    pub fn take(&self, only: bool, topics: Vec<u128>) {
        self.hub.steer(Told::Take(Taking { only, topics: topics.into_iter().collect() }));
    }

    /// Whether what the node makes should wait, because most peers do not keep up. Never for long: who takes nothing is not
    /// waited for, and loses its connection at last.
    #[must_use]
    pub fn pressed(&self) -> bool {
        self.hub.pressed()
    }

    /// Which servers decide on effects, as far as this node knows; what is newer comes as an event.
    #[must_use]
    pub fn deciders(&self) -> Option<Deciders> {
        self.hub.trust.deciders().map(|appointed| appointed.list().clone())
    }

    /// Makes a connection to a server that decides on effects, unless there is one. `node` is what its identity begins with;
    /// `lasting` says that it stays, though no neighbours need it.
    pub fn reach(
        &self,
        node: NodeId,
        addresses: Vec<String>,
        lasting: bool,
    ) -> impl Future<Output = ()> + Send + use<> {
        dial::decider(self.hub.clone(), node.0, addresses, lasting)
    }

    /// Ends a connection, because the node wants no more of that peer.
    pub fn disconnect(&self, link: LinkId, code: &'static str, reason: &str) {
        self.hub.close_link(link, Closing::Refused, Cause::refused(code, reason));
    }

    /// Whether every address given as a peer is connected, or is this node's own.
    #[must_use]
    pub fn all_peers_connected(&self) -> bool {
        self.hub.all_targets_connected()
    }

    /// The most bytes that wait to be sent to any one peer.
    #[must_use]
    pub fn waiting_bytes_most(&self) -> usize {
        self.hub.waiting_bytes_most()
    }

    /// Tells from any thread how the peers stand.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher(self.hub.clone())
    }

    /// Whether there is a connection to the node that another network of this process is.
    #[cfg(test)]
    pub(super) fn is_linked_to(&self, other: &Network) -> bool {
        self.hub.linked(other.hub.me)
    }

    /// How many connections there are.
    #[must_use]
    pub fn links(&self) -> usize {
        self.hub.links()
    }

    /// What was carried so far.
    #[must_use]
    pub fn carried(&self) -> Carried {
        let traffic = &self.hub.traffic;
        Carried {
            sent_bytes: traffic.sent_bytes.load(Ordering::Relaxed),
            sent_messages: traffic.sent_messages.load(Ordering::Relaxed),
            received_bytes: traffic.received_bytes.load(Ordering::Relaxed),
            received_messages: traffic.received_messages.load(Ordering::Relaxed),
        }
    }

    /// Sends what waits to be sent, tells the peers, and ends; takes two seconds at most.
    pub async fn close(&self) {
        let (done, left) = oneshot::channel();
        self.hub.steer(Told::Leave(done));
        let _ = timeout(Duration::from_millis(100), left).await;
        self.hub.begin_closing();
        let quiet = async {
            while self.hub.links() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = timeout(Duration::from_secs(1), quiet).await;
        // Who has come so far was told that this node ends. A closed endpoint would refuse what comes now in the words that a node has
        // for being crowded; who gets no answer tries again, as with a node that has ended.
        self.hub.endpoint.set_server_config(None);
        self.hub.endpoint.close((Closing::Bye as u32).into(), b"");
        let _ = timeout(Duration::from_millis(100), self.hub.endpoint.wait_idle()).await;
    }
}

/// See [`Network::watcher`].
pub struct Watcher(Arc<Hub>);

impl Watcher {
    /// Where the node listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.listen
    }

    /// How all peers stand, by name, and which addresses that the user named lead to nobody.
    #[must_use]
    pub fn standing(&self) -> (Vec<PeerState>, Vec<AddressState>) {
        self.0.standing()
    }
}

/// Takes up what is new in the node's folder, and ends connections of peers whose certificates have expired.
async fn watch(hub: Arc<Hub>) {
    while !hub.closing() {
        tokio::time::sleep(RELOAD).await;
        let looking = hub.clone();
        match tokio::task::spawn_blocking(move || looking.trust.reload()).await {
            Ok(Ok(Some(Anew { server, revocations, until_s }))) => {
                hub.trust_anew(server);
                let role = Some(hub.trust.own().role).filter(|role| until_s.is_some() && *role != hub.role);
                hub.tell(Event::TrustedAnew { revocations, until_s, role }).await;
            }
            Ok(Err(error)) => hub.tell(Event::Untrusted(error)).await,
            Ok(Ok(None)) | Err(_) => {}
        }
        if let Some(until_s) = hub.trust.ends_soon() {
            hub.tell(Event::EndsSoon(until_s)).await;
        }
        deciders::pass_on(&hub).await;
        hub.sweep();
    }
}

async fn accept(hub: Arc<Hub>) {
    let room = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut strangers = Strangers::default();
    let (turned_away, mut outcomes) = mpsc::channel::<(SocketAddr, Cause)>(HANDSHAKES_MAX);
    loop {
        tokio::select! {
            incoming = hub.endpoint.accept() => {
                let Some(incoming) = incoming else { return };
                admit(&hub, &room, incoming, turned_away.clone());
            }
            Some((address, cause)) = outcomes.recv() => {
                if let Some(times) = strangers.came(address, cause.code, Instant::now()) {
                    hub.tell(Event::TurnedAway { address: address.to_string(), cause, times }).await;
                }
            }
        }
    }
}

/// Lets a newcomer begin, unless too many are at it; those whose address is unproven prove it first when it gets crowded.
fn admit(hub: &Arc<Hub>, room: &Arc<Semaphore>, incoming: Incoming, turned_away: mpsc::Sender<(SocketAddr, Cause)>) {
    let address = canonical(incoming.remote_address());
    if room.available_permits() < HANDSHAKES_MAX / 2 && incoming.may_retry() {
        // An error here means that it need not be asked again, which was checked.
        let _ = incoming.retry();
        return;
    }
    let Ok(permit) = room.clone().try_acquire_owned() else {
        incoming.refuse();
        return;
    };
    let hub = hub.clone();
    tokio::spawn(async move {
        let outcome = timeout(ATTEMPT, welcome(&hub, incoming)).await;
        drop(permit);
        if let Ok(Err(cause)) = outcome {
            // Full means that enough is told already.
            let _ = turned_away.try_send((address, cause));
        }
    });
}

/// The handshake as the one who is dialed.
async fn welcome(hub: &Arc<Hub>, incoming: Incoming) -> Result<(), Cause> {
    let connecting = incoming.accept().map_err(|error| Cause::of_first(&error))?;
    let connection = connecting.await.map_err(|error| Cause::of(&error))?;
    let objection = match peer_identity(&connection) {
        Some(peer) => hub.objection(&peer, false).map_or(Ok(peer), Err),
        None => Err(Cause::refused("E0623", "this node refused the peer: its certificate cannot be read")),
    };
    let peer = objection.inspect_err(|cause| refuse_connection(&connection, cause))?;
    let Ok((mut send, mut receive)) = connection.accept_bi().await else {
        // Dialed and thought better of it: its own name, a duplicate, or it went.
        return Ok(());
    };
    let first = read(&mut receive, &[Kind::Hello, Kind::Probe]).await;
    if let Ok((Kind::Probe, _)) = first {
        probe::answer(hub, &connection, send, peer.id).await;
        return Ok(());
    }
    let greeting = match first.and_then(|(_, bytes)| decode_greeting(&bytes)) {
        Ok(greeting) if !greeting.belongs_to(peer.id) => {
            connection.close((Closing::Malformed as u32).into(), b"the incarnation is not the peer's own");
            return Err(Cause::refused(
                "E0609",
                "this node refused the peer's greeting: its incarnation is not its own",
            ));
        }
        Ok(greeting) => greeting,
        Err(FrameError::Ended) => return Ok(()),
        Err(FrameError::Protocol(version)) => {
            refuse(&connection, send, &Refusal::Protocol { speaks: PROTOCOL }).await;
            let reason =
                format!("this node refused the peer: it speaks version {version}, this node version {PROTOCOL}");
            return Err(Cause::refused("E0608", reason));
        }
        Err(error) => {
            connection.close((Closing::Malformed as u32).into(), b"no greeting");
            return Err(Cause::refused("E0609", format!("this node refused the peer's greeting: {error}")));
        }
    };
    let attempt = (greeting.attempt, greeting.named);
    match hub.establish(peer, greeting, connection.clone(), false, attempt) {
        Ok(registration) => {
            let answer = frame(Kind::Welcome, &encode_greeting(&hub.greeting(false, connection.remote_address())));
            if send.write_all(&answer).await.is_ok() {
                let _ = send.finish();
            }
            // Should the answer not have gone out, the connection is gone, which the task will see and tell.
            tokio::spawn(link::run(hub.clone(), registration));
        }
        Err(refusal) => {
            refuse(&connection, send, &refusal).await;
            if refusal == Refusal::SameKey {
                return Err(Cause::same_key("this node refused the peer"));
            }
            if refusal == Refusal::Full {
                return Err(Cause::refused("E0615", "this node refused the peer: this node has too many connections"));
            }
        }
    }
    Ok(())
}

/// Says why, and lets the dialing side close the connection once it has read it.
async fn refuse(connection: &Connection, mut send: quinn::SendStream, refusal: &Refusal) {
    let answer = frame(Kind::Refuse, &encode_refusal(refusal));
    if send.write_all(&answer).await.is_ok() && send.finish().is_ok() {
        let _ = timeout(Duration::from_millis(500), send.stopped()).await;
    }
    connection.close((Closing::Duplicate as u32).into(), b"");
}
