//! Reaching peers: an address is dialed until it answers, and again when it is lost, for ever.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::cause::Cause;
use crate::net::cause::Closing;
use crate::net::error::NetworkError;
use crate::net::event::Event;
use crate::net::frame::FrameError;
use crate::net::frame::Kind;
use crate::net::frame::Refusal;
use crate::net::frame::decode_greeting;
use crate::net::frame::decode_refusal;
use crate::net::frame::encode_greeting;
use crate::net::frame::frame;
use crate::net::frame::read;
use crate::net::hub::Hub;
use crate::net::limits::ATTEMPT;
use crate::net::limits::COURTESY;
use crate::net::limits::PAUSE_MAX;
use crate::net::limits::PAUSE_MIN;
use crate::net::limits::PROTOCOL;
use crate::net::link;
use crate::net::linked::Reached;
use crate::net::membership::Told;
use crate::net::refusal::refuse_connection;
use crate::net::tls::peer_identity;

/// How long it may take until a connection that one side has is known to the other.
const SOON: Duration = Duration::from_secs(1);

enum Failure {
    /// Trying again may help.
    Cause(Cause),
    /// It cannot.
    Fatal(NetworkError),
    /// Another task is at it.
    Busy,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Failure {
        Failure::Cause(cause)
    }
}

/// Keeps a connection to an address that the user gave.
pub(super) async fn configured(hub: Arc<Hub>, target: usize, address: String) {
    let mut pause = PAUSE_MIN;
    let mut told: Option<&'static str> = None;
    hub.tell(Event::Resolving { address: address.clone() }).await;
    // A name may have several addresses, of which some are dead.
    for turn in 0.. {
        if hub.closing() {
            return;
        }
        match attempt(&hub, &address, true, turn).await {
            Ok(Reached::Peer(id)) => {
                hub.reached(target, Reached::Peer(id));
                hub.tell(Event::Reached).await;
                if hub.keep(id) {
                    // The other was nobody's contact so far.
                    hub.steer(Told::Linked { id, named: true, renewed: false });
                }
                if hub.until_gone(id).await {
                    (pause, told) = (PAUSE_MIN, None);
                    if hub.is_released(target) {
                        hub.until_missed().await;
                        hub.reached(target, Reached::Nobody);
                    }
                    if !hub.closing() {
                        hub.tell(Event::Resolving { address: address.clone() }).await;
                    }
                }
            }
            Ok(whom) => {
                hub.reached(target, whom);
                if hub.reaches_only_itself() {
                    hub.tell(Event::OnlyMyself).await;
                }
                return hub.tell(Event::Reached).await;
            }
            Err(Failure::Fatal(error)) => return hub.tell(Event::Failed(error)).await,
            Err(Failure::Busy) => {}
            Err(Failure::Cause(cause)) => {
                hub.not_reached(target, &cause);
                if told != Some(cause.code) {
                    told = Some(cause.code);
                    hub.tell(Event::Unreachable { address: address.clone(), cause }).await;
                }
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Makes a connection to a node that the overlay has something for.
pub(super) async fn wanted(hub: Arc<Hub>, id: u128, addresses: Vec<SocketAddr>) {
    if hub.me > id {
        sleep(COURTESY).await;
    }
    let mut reached = false;
    for at in addresses.into_iter().filter(|at| hub.may_dial(*at)) {
        if hub.linked(id) || hub.closing() {
            return;
        }
        let outcome = attempt(&hub, &at.to_string(), false, 0).await;
        reached |= matches!(outcome, Ok(Reached::Peer(found)) if found == id) || matches!(outcome, Err(Failure::Busy));
    }
    if reached {
        // Either this attempt, or one of the other's, is about to be taken up.
        let _ = timeout(SOON, hub.until_linked(id)).await;
    }
    hub.steer(Told::Unreachable(id));
}

/// As a client: makes a connection to a server that another one told of.
pub(super) async fn server(hub: &Arc<Hub>, at: SocketAddr) {
    // Whether it did is seen by who is connected.
    let _ = attempt(hub, &at.to_string(), false, 0).await;
}

/// Makes a connection to a server that decides, whose identity begins so. `lasting`: both sides keep it, though no neighbours need it.
pub(super) async fn decider(hub: Arc<Hub>, mark: u64, addresses: Vec<String>, lasting: bool) {
    for address in addresses {
        if hub.linked_to(mark) || hub.closing() {
            return;
        }
        // Whoever needs it asks again.
        if let Ok(Reached::Peer(id)) = attempt(&hub, &address, lasting, 0).await
            && id >> 64 == u128::from(mark)
        {
            if lasting {
                hub.keep(id);
            }
            return;
        }
    }
}

/// `turn`: which of the addresses of a name it is to be, if it has several.
async fn attempt(hub: &Arc<Hub>, address: &str, named: bool, turn: usize) -> Result<Reached, Failure> {
    let mut at = None;
    let whole = async {
        let resolved = resolve(hub, address, turn).await?;
        at = Some(resolved);
        if resolved == hub.listen {
            return Ok(Reached::Myself);
        }
        let _guard = hub.begin_dial(resolved).ok_or(Failure::Busy)?;
        greet(hub, resolved, named).await.map_err(Failure::from)
    };
    match timeout(ATTEMPT, whole).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Cause(match at {
            Some(at) => Cause::no_answer(at),
            None => Cause::absent("E0606", format!("the name in {address} could not be looked up in time")),
        })),
    }
}

async fn resolve(hub: &Hub, address: &str, turn: usize) -> Result<SocketAddr, Failure> {
    let unresolved = |why: String| Cause::absent("E0606", format!("{address} cannot be resolved: {why}"));
    let found = lookup_host(address).await.map_err(|error| unresolved(error.to_string()))?;
    let found: Vec<SocketAddr> = found.collect();
    if hub.automatic && !found.is_empty() && !found.iter().any(|at| at.ip().is_loopback()) {
        return Err(Failure::Fatal(NetworkError::NotLoopback { address: address.into() }));
    }
    let fits = |at: &&SocketAddr| hub.reaches(**at) && at.port() != 0 && (at.ip().is_loopback() || !hub.automatic);
    let fitting: Vec<SocketAddr> = found.iter().filter(fits).copied().collect();
    let found = turn.checked_rem(fitting.len()).and_then(|at| fitting.get(at)).copied();
    found.ok_or_else(|| unresolved(format!("no address of the same kind as {}", hub.listen)).into())
}

/// Connects, and says hello.
async fn greet(hub: &Arc<Hub>, at: SocketAddr, named: bool) -> Result<Reached, Cause> {
    let connecting = hub.endpoint.connect_with(hub.trust.client(), at, &hub.server_name);
    let connecting = connecting.map_err(|error| Cause::absent("E0605", format!("cannot dial {at}: {error}")))?;
    let connection = connecting.await.map_err(|error| Cause::of(&error))?;
    let Some(peer) = peer_identity(&connection) else {
        return Err(Cause::refused("E0623", "this node refused the peer: its certificate cannot be read"));
    };
    if let Some(cause) = hub.objection(&peer, true) {
        refuse_connection(&connection, &cause);
        return Err(cause);
    }
    let greeting = hub.greeting(named, connection.remote_address());
    let (mut send, mut receive) = connection.open_bi().await.map_err(|error| Cause::of(&error))?;
    let hello = frame(Kind::Hello, &encode_greeting(&greeting));
    // Should this fail, so does reading the answer, and that knows why.
    let _ = send.write_all(&hello).await;
    let _ = send.finish();
    let (kind, payload) = read(&mut receive, &[Kind::Welcome, Kind::Refuse])
        .await
        .map_err(|error| connection.close_reason().map_or_else(|| unwelcome(&error), |reason| Cause::of(&reason)))?;
    if kind == Kind::Refuse {
        return refused(peer.id, &payload);
    }
    let answer = decode_greeting(&payload).map_err(|error| unwelcome(&error))?;
    if !answer.belongs_to(peer.id) {
        connection.close((Closing::Malformed as u32).into(), b"the incarnation is not the peer's own");
        return Err(unwelcome(&FrameError::Malformed));
    }
    match hub.establish(peer, answer, connection.clone(), true, (greeting.attempt, named)) {
        Ok(registration) => {
            tokio::spawn(link::run(hub.clone(), registration));
        }
        Err(_) => connection.close((Closing::Duplicate as u32).into(), b""),
    }
    Ok(Reached::Peer(peer.id))
}

fn refused(id: u128, payload: &[u8]) -> Result<Reached, Cause> {
    match decode_refusal(payload).map_err(|error| unwelcome(&error))? {
        Refusal::Duplicate => Ok(Reached::Peer(id)),
        Refusal::Myself => Ok(Reached::Myself),
        Refusal::SameKey => Err(Cause::same_key("the peer refused this node")),
        Refusal::Ending => Err(Cause::absent("E0605", "the peer is about to end")),
        Refusal::Full => Err(Cause::refused("E0615", "the peer refused this node: the peer has too many connections")),
        Refusal::Protocol { speaks } => Err(Cause::refused(
            "E0608",
            format!("the peer refused this node: it speaks version {speaks}, this node version {PROTOCOL}"),
        )),
    }
}

fn unwelcome(error: &FrameError) -> Cause {
    match error {
        FrameError::Protocol(version) => Cause::refused(
            "E0608",
            format!("this node refused the peer: it speaks version {version}, this node version {PROTOCOL}"),
        ),
        error => Cause::refused("E0609", format!("this node refused the peer's answer: {error}")),
    }
}
