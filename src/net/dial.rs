//! Reaching peers: an address is dialed until it answers, and again when it is lost, for ever.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::lookup_host;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::error::Cause;
use crate::net::error::Closing;
use crate::net::error::NetworkError;
use crate::net::event::Event;
use crate::net::frame::Address;
use crate::net::frame::FrameError;
use crate::net::frame::Kind;
use crate::net::frame::Refusal;
use crate::net::frame::decode_greeting;
use crate::net::frame::decode_refusal;
use crate::net::frame::encode_greeting;
use crate::net::frame::frame;
use crate::net::frame::read;
use crate::net::hub::Hub;
use crate::net::hub::Reached;
use crate::net::limits::ATTEMPT;
use crate::net::limits::COURTESY;
use crate::net::limits::PAUSE_MAX;
use crate::net::limits::PAUSE_MAX_LEARNED;
use crate::net::limits::PAUSE_MIN;
use crate::net::limits::PROTOCOL;
use crate::net::link;
use crate::net::refusal::refuse_connection;
use crate::net::tls::peer_identity;

/// After so many failures in a row an address that only a peer told of is forgotten.
const TRIES_LEARNED: u32 = 60;

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
    while !hub.closing() {
        match attempt(&hub, &address).await {
            Ok(Reached::Peer(id)) => {
                hub.reached(target, Reached::Peer(id));
                hub.tell(Event::Reached).await;
                if hub.until_gone(id).await {
                    (pause, told) = (PAUSE_MIN, None);
                    if !hub.closing() {
                        hub.tell(Event::Resolving { address: address.clone() }).await;
                    }
                }
            }
            Ok(whom) => {
                hub.reached(target, whom);
                return hub.tell(Event::Reached).await;
            }
            Err(Failure::Fatal(error)) => return hub.tell(Event::Failed(error)).await,
            Err(Failure::Busy) => {}
            Err(Failure::Cause(cause)) => {
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

/// Dials what a peer told of and is not known yet.
pub(super) fn learned(hub: &Arc<Hub>, addresses: Vec<Address>) {
    for address in hub.learn(addresses) {
        tokio::spawn(follow(hub.clone(), address));
    }
}

async fn follow(hub: Arc<Hub>, address: Address) {
    let mut id = address.id;
    if hub.me > id {
        sleep(COURTESY).await;
    }
    let at = address.listen.to_string();
    let (mut pause, mut failures) = (PAUSE_MIN, 0);
    while !hub.closing() && failures < TRIES_LEARNED {
        if hub.until_gone(id).await {
            (pause, failures) = (PAUSE_MIN, 0);
        } else {
            match attempt(&hub, &at).await {
                Ok(Reached::Peer(reached)) => id = reached,
                Ok(_) | Err(Failure::Fatal(_)) => break,
                Err(Failure::Busy) => {}
                Err(Failure::Cause(_)) => failures += 1,
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX_LEARNED);
    }
    hub.forget(address.listen);
}

async fn attempt(hub: &Arc<Hub>, address: &str) -> Result<Reached, Failure> {
    let mut at = None;
    let whole = async {
        let resolved = resolve(hub, address).await?;
        at = Some(resolved);
        if resolved == hub.listen {
            return Ok(Reached::Myself);
        }
        let _guard = hub.begin_dial(resolved).ok_or(Failure::Busy)?;
        greet(hub, resolved).await.map_err(Failure::from)
    };
    match timeout(ATTEMPT, whole).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Cause(match at {
            Some(at) => Cause::no_answer(at),
            None => Cause::absent("E0606", format!("the name in {address} could not be looked up in time")),
        })),
    }
}

async fn resolve(hub: &Hub, address: &str) -> Result<SocketAddr, Failure> {
    let unresolved = |why: String| Cause::absent("E0606", format!("{address} cannot be resolved: {why}"));
    let found = lookup_host(address).await.map_err(|error| unresolved(error.to_string()))?;
    let found: Vec<SocketAddr> = found.collect();
    if hub.automatic && !found.is_empty() && !found.iter().any(|at| at.ip().is_loopback()) {
        return Err(Failure::Fatal(NetworkError::NotLoopback { address: address.into() }));
    }
    let fits = |at: &&SocketAddr| {
        at.is_ipv4() == hub.listen.is_ipv4() && at.port() != 0 && (at.ip().is_loopback() || !hub.automatic)
    };
    let found = found.iter().find(fits).copied();
    found.ok_or_else(|| unresolved(format!("no address of the same kind as {}", hub.listen)).into())
}

/// Connects, and says hello.
async fn greet(hub: &Arc<Hub>, at: SocketAddr) -> Result<Reached, Cause> {
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
    if peer.id == hub.me {
        connection.close((Closing::Myself as u32).into(), b"");
        return Ok(Reached::Myself);
    }
    let greeting = hub.greeting();
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
    match hub.establish(peer, answer, connection.clone(), true, greeting.attempt) {
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
