//! What `lasp doctor` asks a node, and what a node answers, without either becoming the other's peer: no event is told, no
//! replica hears of it, nobody is introduced.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::Connection;
use quinn::Endpoint;
use quinn::SendStream;
use tokio::net::lookup_host;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::net::cause::Cause;
use crate::net::cause::Closing;
use crate::net::certificate::Proven;
use crate::net::error::NetworkError;
use crate::net::frame::FrameError;
use crate::net::frame::Kind;
use crate::net::frame::Probed;
use crate::net::frame::Standing;
use crate::net::frame::decode_probed;
use crate::net::frame::encode_probed;
use crate::net::frame::frame;
use crate::net::frame::read;
use crate::net::hub::Hub;
use crate::net::identity::Credentials;
use crate::net::limits::ATTEMPT;
use crate::net::limits::PROBES_MAX;
use crate::net::limits::PROTOCOL;
use crate::net::tls::peer_identity;
use crate::net::trust::Trust;
use crate::net::trust::now_ms;
use crate::replica::Role;

/// How often a peer is asked for its clock; the quickest answer counts.
const ROUNDS: usize = 4;

/// What asking one peer came to.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The address that the name stands for, once it was found.
    pub address: Option<SocketAddr>,
    /// Who is there, once it has proven it.
    pub proven: Option<Proven>,
    /// What it answered, or why it did not.
    pub outcome: Result<Answer, Cause>,
    /// What it calls itself, and how it stands with its peers, if it tells.
    pub standing: Option<(String, Standing)>,
}

/// A peer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says of itself.
    pub probed: Probed,
    /// The quickest round trip.
    pub round_trip: Duration,
    /// By how many milliseconds its clock is ahead of this one's.
    pub ahead_ms: i64,
    /// How far off that may be: half the round trip.
    pub within_ms: u64,
}

/// Asks peers, from a socket of its own.
pub struct Examiner {
    endpoint: Endpoint,
    trust: Trust,
    me: u128,
    server_name: String,
    automatic: bool,
}

/// Answers as long as the other side asks, within bounds. Who its peers are a node tells those with its own key, and where all nodes
/// are of one user.
pub(super) async fn answer(hub: &Arc<Hub>, connection: &Connection, mut send: SendStream, asker: u128) {
    let trusted = hub.automatic || asker == hub.me;
    for _ in 0..PROBES_MAX {
        let standing = trusted.then(|| {
            let (peers, lost) = hub.standing();
            Standing { address: hub.listen.to_string(), peers, lost }
        });
        let probed = Probed {
            name: hub.name.clone(),
            release: env!("CARGO_PKG_VERSION").to_owned(),
            now_ms: now_ms(),
            peers: u32::try_from(hub.links()).unwrap_or(u32::MAX),
            revoked: hub.trust.number(),
            standing,
        };
        if send.write_all(&frame(Kind::Probed, &encode_probed(&probed))).await.is_err() || send.finish().is_err() {
            return;
        }
        let Ok((next, mut receive)) = connection.accept_bi().await else { return };
        if read(&mut receive, &[Kind::Probe]).await.is_err() {
            break;
        }
        send = next;
    }
    connection.close((Closing::Bye as u32).into(), b"");
}

impl Examiner {
    /// An examiner that proves itself with these credentials, and binds any port of the kind that `like` has.
    ///
    /// # Errors
    /// When no port can be bound, or the credentials are of no use.
    pub fn new(credentials: Credentials, like: SocketAddr) -> Result<Examiner, NetworkError> {
        let (me, server_name, automatic) = (credentials.id, credentials.server_name.clone(), credentials.automatic);
        let (trust, _) = Trust::new(credentials)?;
        let from = SocketAddr::new(like.ip(), 0);
        let failed =
            |error: std::io::Error| NetworkError::Listen { address: from.to_string(), reason: error.to_string() };
        let endpoint = Endpoint::client(from).map_err(failed)?;
        Ok(Examiner { endpoint, trust, me, server_name, automatic })
    }

    /// Asks one peer.
    pub async fn ask(&self, address: &str) -> Examined {
        let outcome = Err(too_late(address, None));
        let mut found = Examined { address: None, proven: None, outcome, standing: None };
        let whole = self.steps(address, &mut found);
        match timeout(ATTEMPT, whole).await {
            Ok(outcome) => found.outcome = outcome,
            Err(_) => found.outcome = Err(too_late(address, found.address)),
        }
        found
    }

    /// The number of the newest list of revocations that this node has.
    #[must_use]
    pub fn revoked(&self) -> u64 {
        self.trust.number()
    }

    async fn steps(&self, address: &str, found: &mut Examined) -> Result<Answer, Cause> {
        let at = self.resolve(address).await?;
        found.address = Some(at);
        let connecting = self.endpoint.connect_with(self.trust.client(), at, &self.server_name);
        let connecting = connecting.map_err(|error| Cause::absent("E0605", format!("cannot dial {at}: {error}")))?;
        let connection = connecting.await.map_err(|error| Cause::of(&error))?;
        found.proven = peer_identity(&connection);
        let proven = found
            .proven
            .ok_or_else(|| Cause::refused("E0623", "this node refused the peer: its certificate cannot be read"))?;
        if proven.role == Role::Client {
            return Err(Cause::refused("E0619", "the peer's certificate is a client's, and clients serve nobody"));
        }
        let mut best: Option<Answer> = None;
        for _ in 0..ROUNDS {
            let answer = round(&connection).await?;
            let Probed { name, standing, .. } = &answer.probed;
            found.standing = standing.clone().map(|standing| (name.clone(), standing));
            if best.as_ref().is_none_or(|best| answer.round_trip < best.round_trip) {
                best = Some(answer);
            }
        }
        connection.close((Closing::Bye as u32).into(), b"");
        if proven.id == self.me {
            return Err(Cause::refused("E0614", "this is the node itself"));
        }
        best.ok_or_else(|| Cause::no_answer(at))
    }

    async fn resolve(&self, address: &str) -> Result<SocketAddr, Cause> {
        let unresolved = |why: String| Cause::absent("E0606", format!("{address} cannot be resolved: {why}"));
        let here = self.endpoint.local_addr().map_err(|error| unresolved(error.to_string()))?;
        let found = lookup_host(address).await.map_err(|error| unresolved(error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        if self.automatic && !found.is_empty() && !found.iter().any(|at| at.ip().is_loopback()) {
            let error = NetworkError::NotLoopback { address: address.into() };
            return Err(Cause::refused(error.code(), error.to_string()));
        }
        // All addresses of version 6 stand for those of version 4 as well.
        let both = here.is_ipv6() && here.ip().is_unspecified();
        let fits = |at: &&SocketAddr| (both || at.is_ipv4() == here.is_ipv4()) && at.port() != 0;
        let at = found.iter().find(fits).copied();
        at.ok_or_else(|| unresolved(format!("no address of the same kind as {}", here.ip())))
    }

    /// Lets the last words go out.
    pub async fn close(&self) {
        self.endpoint.close((Closing::Bye as u32).into(), b"");
        let _ = timeout(Duration::from_millis(100), self.endpoint.wait_idle()).await;
    }
}

fn too_late(address: &str, at: Option<SocketAddr>) -> Cause {
    match at {
        Some(at) => Cause::no_answer(at),
        None => Cause::absent("E0606", format!("the name in {address} could not be looked up in time")),
    }
}

/// One question and its answer.
async fn round(connection: &Connection) -> Result<Answer, Cause> {
    let lost = |error: FrameError| match (connection.close_reason(), error) {
        (Some(reason), _) => Cause::of(&reason),
        (None, FrameError::Protocol(version)) => {
            Cause::refused("E0608", format!("the peer speaks version {version}, this node version {PROTOCOL}"))
        }
        (None, error) => Cause::refused("E0609", format!("the peer's answer is no answer: {error}")),
    };
    let (mut send, mut receive) = connection.open_bi().await.map_err(|error| Cause::of(&error))?;
    let (start, start_ms) = (Instant::now(), now_ms());
    // Should this fail, so does reading the answer, and that knows why.
    let _ = send.write_all(&frame(Kind::Probe, &PROTOCOL.to_be_bytes())).await;
    let _ = send.finish();
    let (_, payload) = read(&mut receive, &[Kind::Probed]).await.map_err(lost)?;
    let round_trip = start.elapsed();
    let probed = decode_probed(&payload).map_err(lost)?;
    let half_ms = u64::try_from(round_trip.as_millis() / 2).unwrap_or(u64::MAX);
    let ahead_ms = difference(probed.now_ms, start_ms.saturating_add(half_ms));
    Ok(Answer { probed, round_trip, ahead_ms, within_ms: half_ms + 1 })
}

/// By how much the first is greater; a peer may say anything.
pub(super) fn difference(theirs: u64, ours: u64) -> i64 {
    let whole = i128::from(theirs) - i128::from(ours);
    i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_whatever_a_peer_says() {
        assert_eq!(difference(5, 7), -2);
        assert_eq!(difference(u64::MAX, 0), i64::MAX);
        assert_eq!(difference(0, u64::MAX), i64::MIN);
    }
}
