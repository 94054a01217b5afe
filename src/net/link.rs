//! One connection after the welcome: a stream of frames each way, until either side ends it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::Connection;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::lattice::dot::ReplicaId;
use crate::net::cause::Cause;
use crate::net::cause::Closing;
use crate::net::certificate::Proven;
use crate::net::deciders;
use crate::net::event::Event;
use crate::net::event::Inbound;
use crate::net::event::LinkId;
use crate::net::frame::FrameError;
use crate::net::frame::Kind;
use crate::net::frame::read;
use crate::net::hub::Hub;
use crate::net::hub::Registration;
use crate::net::limits::CLOCKS_APART;
use crate::net::limits::REVOCATIONS_PER_LINK;
use crate::net::limits::STALLED;
use crate::net::linked::Flow;
use crate::net::membership::Told;
use crate::net::membership::outside;
use crate::net::probe::difference;
use crate::net::refusal::reachable;
use crate::net::servers;
use crate::net::trust::now_ms;
use crate::replica::Role;

/// How much is gathered into one write.
const BATCH_BYTES: usize = 64 * 1024;
/// How long the last bytes may take when the node ends.
const FLUSH: Duration = Duration::from_millis(800);

/// Carries a connection until it ends.
pub(super) async fn run(hub: Arc<Hub>, registration: Registration) {
    let Registration { link, peer: Proven { id, role, .. }, greeting, connection, queue, flow, named, renewed } =
        registration;
    let name = greeting.name;
    let address = reachable(greeting.listen, connection.remote_address()).to_string();
    let incarnation = ReplicaId(greeting.incarnation);
    let clock_off_ms = greeting.now_ms.and_then(|theirs_ms| clock_off_ms(theirs_ms, now_ms(), connection.rtt()));
    // Whoever hears of the connection finds that told.
    match role {
        Role::Client => servers::tell(&hub, link),
        Role::Server => servers::tell_all(&hub),
    }
    hub.tell(Event::Connected { link, id, incarnation, role, name: name.clone(), address, renewed, clock_off_ms })
        .await;
    hub.tell_revocations(link, greeting.revoked);
    deciders::tell(&hub, link);
    let inside = !outside(hub.role, role);
    if inside && hub.advertised.ip().is_unspecified() {
        hub.steer(Told::Seen(SocketAddr::new(greeting.seen.ip(), hub.advertised.port())));
    }
    if inside {
        hub.steer(Told::Linked { id, named, renewed });
    }
    tokio::select! {
        () = read_all(&hub, link, inside.then_some(id), &connection) => {}
        () = write_all(&hub, link, &connection, queue, &flow) => {}
        _ = connection.closed() => {}
    }
    if connection.close_reason().is_none() {
        connection.close((Closing::Bye as u32).into(), b"");
    }
    let told = Cause::of(&connection.closed().await);
    let duplicate = told == Cause::of_closing(Closing::Duplicate);
    let is_unneeded = |cause: &Cause| *cause == Cause::of_closing(Closing::Unneeded);
    let ended = hub.remove(link, is_unneeded(&told));
    servers::tell_all(&hub);
    let cause = ended.cause.unwrap_or(told);
    let unneeded = is_unneeded(&cause);
    let renewed = ended.renewed || duplicate;
    if !(renewed || unneeded || cause.refused || cause.is_goodbye()) {
        hub.broken.fetch_add(1, Ordering::Relaxed);
    }
    if inside && !renewed {
        hub.steer(Told::Lost { id, unneeded });
    }
    hub.tell(Event::Lost { link, id, name, cause, renewed, unneeded }).await;
}

/// By how many milliseconds a peer's clock is ahead of this node's, if that is more than clocks should differ by and more than the
/// way of its greeting can be to blame for.
fn clock_off_ms(theirs_ms: u64, ours_ms: u64, round_trip: Duration) -> Option<i64> {
    let ahead_ms = difference(theirs_ms, ours_ms);
    let bound = CLOCKS_APART + round_trip;
    (u128::from(ahead_ms.unsigned_abs()) > bound.as_millis()).then_some(ahead_ms)
}

/// `inside`: who the peer is, if the overlay reaches it.
async fn read_all(hub: &Arc<Hub>, link: LinkId, inside: Option<u128>, connection: &Connection) {
    let Ok(mut stream) = connection.accept_uni().await else { return };
    let mut lists = 0;
    loop {
        let kinds = match (inside, hub.role) {
            (Some(_), _) => &[Kind::Message, Kind::Revoked, Kind::Deciders, Kind::Push, Kind::Overlay][..],
            (None, Role::Client) => &[Kind::Message, Kind::Revoked, Kind::Deciders, Kind::Servers][..],
            (None, Role::Server) => &[Kind::Message, Kind::Revoked, Kind::Deciders][..],
        };
        let (kind, payload) = match read(&mut stream, kinds).await {
            Ok(frame) => frame,
            // The connection is gone, and says itself why.
            Err(FrameError::Ended) if connection.close_reason().is_some() => return,
            Err(FrameError::Ended) => {
                // The peer has said all and waits until it is read; to close the connection is to say that it was.
                return hub.close_link(link, Closing::Bye, Cause::of_closing(Closing::Bye));
            }
            Err(error) => return refuse(hub, link, &error),
        };
        if matches!(kind, Kind::Revoked | Kind::Deciders) {
            lists += 1;
            // Before anything is learnt from it: each is a signature to verify and perhaps a file to write.
            if lists > REVOCATIONS_PER_LINK {
                return refuse(hub, link, &FrameError::Malformed);
            }
        }
        if kind == Kind::Revoked {
            match hub.trust.learn(&payload) {
                Ok(None) => {}
                Ok(Some(server)) => {
                    hub.trust_anew(server);
                    let revocations = Some(hub.trust.number());
                    hub.tell(Event::TrustedAnew { revocations, until_s: None, role: None }).await;
                }
                Err(_) => return refuse(hub, link, &FrameError::Malformed),
            }
            continue;
        }
        if kind == Kind::Servers {
            if !hub.known_servers().learn(&payload) {
                return refuse(hub, link, &FrameError::Malformed);
            }
            continue;
        }
        if kind == Kind::Deciders {
            if hub.trust.learn_deciders(&payload).is_err() {
                return refuse(hub, link, &FrameError::Malformed);
            }
            deciders::pass_on(hub).await;
            continue;
        }
        let Some(permit) = admit(hub, kind, payload.len()).await else { return };
        match inside {
            Some(id) if kind != Kind::Message => hub.steer(Told::Heard { link, id, bytes: payload, permit }),
            _ => hub.tell(Event::Received { link, message: Inbound { bytes: payload, _permit: permit } }).await,
        }
    }
}

/// Waits until there is room for a message.
async fn admit(hub: &Hub, kind: Kind, length: usize) -> Option<OwnedSemaphorePermit> {
    let length = u32::try_from(length).ok()?;
    if kind != Kind::Overlay {
        hub.traffic.received_bytes.fetch_add(u64::from(length), Ordering::Relaxed);
        hub.traffic.received_messages.fetch_add(1, Ordering::Relaxed);
    }
    hub.inbox.clone().acquire_many_owned(length).await.ok()
}

fn refuse(hub: &Hub, link: LinkId, error: &FrameError) {
    hub.close_link(link, Closing::Malformed, Cause::refused("E0609", format!("this node refused a message: {error}")));
}

async fn write_all(
    hub: &Hub,
    link: LinkId,
    connection: &Connection,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    flow: &Flow,
) {
    let Ok(mut stream) = connection.open_uni().await else { return };
    while let Some(mut batch) = queue.recv().await {
        let (mut bytes, mut messages) = count(&batch);
        while batch.len() < BATCH_BYTES
            && let Ok(next) = queue.try_recv()
        {
            let more = count(&next);
            (bytes, messages) = (bytes + more.0, messages + more.1);
            batch.extend(next);
        }
        let mut left = batch.as_slice();
        while !left.is_empty() {
            match timeout(STALLED, stream.write(left)).await {
                Ok(Ok(written)) => {
                    hub.moved(flow, written);
                    left = left.get(written..).unwrap_or_default();
                }
                Ok(Err(_)) => return,
                Err(_) => return hub.overflows(link),
            }
        }
        hub.traffic.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        hub.traffic.sent_messages.fetch_add(messages, Ordering::Relaxed);
    }
    // The node ends. Closing the connection now would throw away what the peer has received and not read yet, so it is
    // left to the peer, which does so when it comes to the end of the stream.
    if stream.finish().is_ok() {
        let _ = timeout(FLUSH, connection.closed()).await;
    }
}

/// The bytes of node messages in a frame, and how many they are.
fn count(frame: &[u8]) -> (u64, u64) {
    if matches!(frame.get(4), Some(kind) if [Kind::Message as u8, Kind::Push as u8].contains(kind)) {
        ((frame.len() - 5) as u64, 1)
    } else {
        (0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_by_a_minute_are_told_and_a_slow_way_is_no_fault_of_theirs() {
        let off = |theirs_ms, trip_s| clock_off_ms(theirs_ms, 1_000_000, Duration::from_secs(trip_s));
        assert_eq!((off(1_060_000, 0), off(940_000, 0)), (Some(60_000), Some(-60_000)));
        assert_eq!((off(1_004_000, 0), off(990_000, 10)), (None, None));
        assert_eq!(off(u64::MAX, 1), Some(i64::MAX));
    }
}
