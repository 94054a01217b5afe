//! Carries the overlay: its messages between links and itself, connections for those it sends to, an end for those nobody
//! needs.
//!
//! One task owns the overlay and takes one thing after another. It never waits: what it has for the node goes by a queue of its
//! own, bounded by what may be received at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::net::cause::Cause;
use crate::net::cause::Closing;
use crate::net::dial;
use crate::net::event::Event;
use crate::net::event::Inbound;
use crate::net::event::LinkId;
use crate::net::frame::Kind;
use crate::net::hub::Hub;
use crate::net::limits::REACH_ADDRESSES_MAX;
use crate::net::limits::UNNEEDED;
use crate::overlay::Output;
use crate::overlay::Overlay;
use crate::overlay::Taking;
use crate::replica::EVERYBODY;
use crate::replica::Role;

/// The most messages that wait for a connection to one node.
const WAITING_MAX: usize = 32;
/// How long what was sent to a node is remembered, in case the connection is replaced by another meanwhile.
const REMEMBERED: Duration = Duration::from_secs(2);
/// How often it is looked which connections nobody needs.
const SWEEP: Duration = Duration::from_secs(1);

/// What the task is told.
pub(super) enum Told {
    /// A connection is up.
    Linked {
        /// The node.
        id: u128,
        /// Whether the user named it.
        named: bool,
        /// Whether it takes another's place.
        renewed: bool,
    },
    /// A connection is gone, and no other took its place.
    Lost {
        /// The node.
        id: u128,
        /// Whether it was closed because nobody needed it.
        unneeded: bool,
    },
    /// Where a peer sees this node, which does not know by itself.
    Seen(SocketAddr),
    /// There is no way to a node that the overlay wanted to send to.
    Unreachable(u128),
    /// An overlay's message.
    Heard {
        /// By which connection.
        link: LinkId,
        /// From whom.
        id: u128,
        /// The message.
        bytes: Vec<u8>,
        /// Its share of what may be received.
        permit: OwnedSemaphorePermit,
    },
    /// The node has something to tell.
    Broadcast {
        /// Those who take part in which topic.
        topic: u128,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The node takes other topics from now on.
    Take(Taking),
    /// The node ends; the answer comes when all goodbyes are in the queues.
    Leave(oneshot::Sender<()>),
}

/// Where a node can be dialed, as it travels in its card.
pub(super) fn encode_reach(addresses: &[SocketAddr]) -> Vec<u8> {
    postcard::to_allocvec(addresses).unwrap_or_default()
}

fn decode_reach(reach: &[u8]) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = postcard::from_bytes(reach).unwrap_or_default();
    addresses.truncate(REACH_ADDRESSES_MAX);
    addresses
}

struct Membership {
    hub: Arc<Hub>,
    overlay: Overlay,
    start: Instant,
    /// What waits for connections that are being made.
    waiting: BTreeMap<u128, Vec<Vec<u8>>>,
    sent: BTreeMap<u128, Vec<(Instant, Vec<u8>)>>,
    unneeded: BTreeMap<LinkId, Instant>,
    /// Where others see this node, if it does not know; the latest first.
    seen: Vec<SocketAddr>,
    node: mpsc::UnboundedSender<Event>,
}

/// Runs until the node leaves.
pub(super) async fn run(hub: Arc<Hub>, mut told: mpsc::UnboundedReceiver<Told>, mut overlay: Overlay) {
    let (node, mut events) = mpsc::unbounded_channel();
    let forward = hub.clone();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            forward.tell(event).await;
        }
    });
    if hub.role == Role::Server {
        overlay.subscribe(EVERYBODY, &[], 0);
    }
    let (waiting, sent, unneeded) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut membership =
        Membership { hub, overlay, start: Instant::now(), waiting, sent, unneeded, seen: Vec::new(), node };
    let mut sweep = Instant::now() + SWEEP;
    loop {
        membership.carry_out(None);
        let timer = membership.overlay.next_timer().map(|at| membership.start + Duration::from_millis(at));
        let wake = timer.map_or(sweep, |timer| timer.min(sweep));
        tokio::select! {
            news = told.recv() => match news {
                Some(Told::Leave(done)) => return membership.leave(done),
                Some(news) => membership.take_in(news),
                None => return,
            },
            () = sleep_until(wake) => {
                let now = membership.now_ms();
                membership.overlay.tick(now);
                if Instant::now() >= sweep {
                    sweep = Instant::now() + SWEEP;
                    membership.sweep();
                }
            }
        }
    }
}

impl Membership {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn take_in(&mut self, told: Told) {
        let now = self.now_ms();
        match told {
            Told::Linked { id, named, renewed } => self.linked(id, named, renewed, now),
            Told::Lost { id, unneeded } if !self.hub.linked(id) => {
                self.sent.remove(&id);
                if unneeded {
                    self.overlay.closed(id, now);
                } else {
                    self.overlay.lost(id, now);
                }
            }
            Told::Unreachable(id) if !self.hub.linked(id) => {
                self.waiting.remove(&id);
                self.overlay.lost(id, now);
            }
            Told::Lost { .. } | Told::Unreachable(_) => {}
            Told::Seen(at) => {
                if !self.seen.contains(&at) {
                    self.seen.insert(0, at);
                    self.seen.truncate(REACH_ADDRESSES_MAX);
                    self.overlay.set_reach(encode_reach(&self.seen), now);
                }
            }
            Told::Heard { link, id, bytes, permit } => {
                if let Err(malformed) = self.overlay.received(id, &bytes, now) {
                    let cause = Cause::refused("E0609", format!("this node refused a message: {malformed}"));
                    self.hub.close_link(link, Closing::Malformed, cause);
                }
                self.carry_out(Some((link, permit)));
            }
            Told::Broadcast { topic, bytes } => {
                self.hub.broadcast_taken(bytes.len());
                self.overlay.broadcast(topic, &bytes, now);
                self.hub.push_outside(&bytes);
            }
            Told::Take(taking) => {
                if self.hub.role == Role::Server {
                    self.overlay.take(taking, now);
                }
            }
            Told::Leave(done) => self.leave(done),
        }
    }

    fn leave(&mut self, done: oneshot::Sender<()>) {
        self.overlay.leave(self.now_ms());
        self.carry_out(None);
        // Nobody waits any more once the runtime ends.
        let _ = done.send(());
    }

    fn linked(&mut self, id: u128, named: bool, renewed: bool, now: u64) {
        // What was on the way by the connection that this one replaces may not have arrived.
        let again = self.sent.remove(&id).filter(|_| renewed).unwrap_or_default();
        let again = again.into_iter().filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, bytes)| bytes);
        for bytes in again.chain(self.waiting.remove(&id).unwrap_or_default()) {
            self.send(id, bytes, false);
        }
        if named {
            self.overlay.contact(EVERYBODY, id, now);
        }
    }

    fn carry_out(&mut self, mut received: Option<(LinkId, OwnedSemaphorePermit)>) {
        while let Some(output) = self.overlay.poll() {
            match output {
                Output::Send { to, bytes, push } => self.send(to, bytes, push),
                Output::Deliver { bytes, .. } => {
                    // Each payload has its own part of what the message that brought it may take up.
                    if let Some((link, permit)) = &mut received {
                        let own = permit.split(bytes.len().min(permit.num_permits()));
                        if let Some(permit) = own {
                            let message = Inbound { bytes, _permit: permit };
                            let _ = self.node.send(Event::Received { link: *link, message });
                        }
                    }
                }
                Output::NeighbourUp { .. } | Output::NeighbourDown { .. } => {}
            }
        }
    }

    fn send(&mut self, to: u128, bytes: Vec<u8>, push: bool) {
        if let Some(link) = self.hub.link_to(to) {
            if push {
                self.hub.push(link, Kind::Push, &bytes);
            } else {
                let sent = self.sent.entry(to).or_default();
                sent.retain(|(at, _)| at.elapsed() < REMEMBERED);
                if sent.len() < WAITING_MAX {
                    sent.push((Instant::now(), bytes.clone()));
                }
                self.hub.send_as(link, Kind::Overlay, &bytes);
            }
        } else if !push && !self.hub.closing() {
            let waiting = self.waiting.entry(to).or_default();
            let first = waiting.is_empty();
            if waiting.len() < WAITING_MAX {
                waiting.push(bytes);
            }
            if first {
                let addresses = self.overlay.reach(to).map(decode_reach).unwrap_or_default();
                tokio::spawn(dial::wanted(self.hub.clone(), to, addresses));
            }
        }
    }

    /// Ends connections that nobody has needed for a while.
    fn sweep(&mut self) {
        let mut before = std::mem::take(&mut self.unneeded);
        let (theirs, mut surplus) = self.hub.crowd();
        let spare = self.hub.spare_links().into_iter().map(|spare| (spare, false));
        for ((link, id), theirs) in spare.chain(theirs.into_iter().map(|theirs| (theirs, true))) {
            if self.overlay.needs(id) {
                continue;
            }
            let since = before.remove(&link).unwrap_or_else(Instant::now);
            let over = since.elapsed() >= UNNEEDED && (!theirs || surplus > 0);
            if over {
                surplus = surplus.saturating_sub(1);
                let cause = Cause::absent("E0605", "the two have other neighbours");
                self.hub.close_link(link, Closing::Unneeded, cause);
            } else {
                self.unneeded.insert(link, since);
            }
        }
    }
}

/// Who is sent what the overlay does not carry.
pub(super) fn outside(me: Role, peer: Role) -> bool {
    me == Role::Client || peer == Role::Client
}
