//! What all tasks of one network share: who is connected, who is being dialed, which addresses are known.
//!
//! Everything here is short and under one lock; nothing waits.
//!
//! A pair of nodes keeps one connection. When both dial at one time, the one dialed by the lesser identity stays; of several
//! dialed by the same node, the latest attempt. Both ends decide by the same rule from the same facts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use quinn::Connection;
use quinn::Endpoint;
use quinn::ServerConfig;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::lattice::dot::ReplicaId;
use crate::net::cause::Cause;
use crate::net::cause::Closing;
use crate::net::certificate::Proven;
use crate::net::event::Event;
use crate::net::event::LinkId;
use crate::net::frame::Greeting;
use crate::net::frame::Kind;
use crate::net::frame::Refusal;
use crate::net::frame::frame;
use crate::net::limits::BROADCASTS_BYTES_HIGH;
use crate::net::limits::LINKS_MAX;
use crate::net::limits::PUSH_BYTES_HIGH;
use crate::net::limits::QUEUE_BYTES_MAX;
use crate::net::limits::STUCK;
use crate::net::linked::Flow;
use crate::net::linked::Kept;
use crate::net::linked::Link;
use crate::net::linked::Reached;
use crate::net::linked::Target;
use crate::net::membership::Told;
use crate::net::membership::outside;
use crate::net::refusal::reason_of;
use crate::net::servers::Servers;
use crate::net::trust::Trust;
use crate::net::trust::now_ms;
use crate::replica::Role;

/// See the module.
pub(super) struct Hub {
    pub(super) endpoint: Endpoint,
    pub(super) me: u128,
    pub(super) incarnation: ReplicaId,
    pub(super) name: String,
    /// Where this node can be dialed.
    pub(super) listen: SocketAddr,
    /// Whether it reaches addresses of version 4 too, though it listens on one of version 6.
    both_versions: bool,
    /// What peers are told to dial.
    pub(super) advertised: SocketAddr,
    pub(super) trust: Trust,
    pub(super) server_name: String,
    /// Whether the cluster's key is the automatic one, which is good for this machine alone.
    pub(super) automatic: bool,
    pub(super) events: mpsc::Sender<Event>,
    /// One permit for each byte that may wait for the node.
    pub(super) inbox: Arc<Semaphore>,
    /// What this node may do.
    pub(super) role: Role,
    membership: mpsc::UnboundedSender<Told>,
    /// The bytes of broadcasts that wait for the overlay.
    broadcasts: AtomicUsize,
    /// How many connections have ended without a word.
    pub(super) broken: AtomicU64,
    start: Instant,
    pub(super) traffic: Traffic,
    state: Mutex<State>,
    known: Mutex<Servers>,
    changed: watch::Sender<u64>,
}

/// Counts of node messages, both ways; greetings and lists of peers are not in it.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) sent_bytes: AtomicU64,
    pub(super) sent_messages: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) received_messages: AtomicU64,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) links: BTreeMap<LinkId, Link>,
    by_id: BTreeMap<u128, LinkId>,
    dialing: BTreeSet<SocketAddr>,
    pub(super) targets: Vec<Target>,
    last_link: u64,
    last_attempt: u64,
    closing: bool,
}

/// A connection that was taken up.
pub(super) struct Registration {
    pub(super) link: LinkId,
    pub(super) peer: Proven,
    pub(super) greeting: Greeting,
    pub(super) connection: Connection,
    pub(super) queue: mpsc::UnboundedReceiver<Vec<u8>>,
    pub(super) flow: Arc<Flow>,
    pub(super) named: bool,
    pub(super) renewed: bool,
}

/// How a link ended.
pub(super) struct Ended {
    pub(super) cause: Option<Cause>,
    pub(super) renewed: bool,
}

/// Holds an address for one dialing task at a time.
pub(super) struct DialGuard<'a> {
    hub: &'a Hub,
    address: SocketAddr,
}

impl Drop for DialGuard<'_> {
    fn drop(&mut self) {
        self.hub.state().dialing.remove(&self.address);
    }
}

/// What a [`Hub`] is made of.
pub(super) struct Parts {
    pub(super) endpoint: Endpoint,
    pub(super) me: u128,
    pub(super) incarnation: ReplicaId,
    pub(super) name: String,
    pub(super) listen: SocketAddr,
    pub(super) both_versions: bool,
    pub(super) advertised: SocketAddr,
    pub(super) trust: Trust,
    pub(super) server_name: String,
    pub(super) automatic: bool,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) inbox_bytes_max: usize,
    pub(super) targets: Vec<String>,
    pub(super) role: Role,
    pub(super) membership: mpsc::UnboundedSender<Told>,
}

impl Hub {
    pub(super) fn new(parts: Parts) -> Hub {
        Hub {
            endpoint: parts.endpoint,
            me: parts.me,
            incarnation: parts.incarnation,
            name: parts.name,
            listen: parts.listen,
            both_versions: parts.both_versions,
            advertised: parts.advertised,
            trust: parts.trust,
            server_name: parts.server_name,
            automatic: parts.automatic,
            events: parts.events,
            inbox: Arc::new(Semaphore::new(parts.inbox_bytes_max)),
            role: parts.role,
            membership: parts.membership,
            broadcasts: AtomicUsize::new(0),
            broken: AtomicU64::new(0),
            start: Instant::now(),
            traffic: Traffic::default(),
            state: Mutex::new(State {
                targets: parts.targets.into_iter().map(Target::new).collect(),
                ..State::default()
            }),
            known: Mutex::default(),
            changed: watch::channel(0).0,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_changed(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) async fn tell(&self, event: Event) {
        // Nobody listens any more once the driver has ended.
        let _ = self.events.send(event).await;
    }

    /// Tells the task that has the overlay.
    pub(super) fn steer(&self, told: Told) {
        // It has ended when the runtime has.
        let _ = self.membership.send(told);
    }

    /// How this node introduces itself in its next attempt, or in its answer. `named`: whether its user named the peer.
    pub(super) fn greeting(&self, named: bool, seen: SocketAddr) -> Greeting {
        let revoked = self.trust.number();
        let mut state = self.state();
        state.last_attempt += 1;
        let (name, listen, attempt) = (self.name.clone(), self.advertised, state.last_attempt);
        let seen = SocketAddr::new(seen.ip().to_canonical(), seen.port());
        let (incarnation, now_ms) = (self.incarnation.0, Some(now_ms()));
        Greeting { name, listen, attempt, revoked, named, seen, incarnation, now_ms }
    }

    pub(super) fn closing(&self) -> bool {
        self.state().closing
    }

    pub(super) fn linked(&self, id: u128) -> bool {
        self.state().by_id.contains_key(&id)
    }

    /// Whether there is a connection to the node whose identity begins so.
    pub(super) fn linked_to(&self, mark: u64) -> bool {
        let first = u128::from(mark) << 64;
        self.state().by_id.range(first..=first | u128::from(u64::MAX)).next().is_some()
    }

    /// The connection to a node.
    pub(super) fn link_to(&self, id: u128) -> Option<LinkId> {
        self.state().by_id.get(&id).copied()
    }

    /// The user named this node: its connection stays. Says whether there is one that came about otherwise.
    pub(super) fn keep(&self, id: u128) -> bool {
        let mut state = self.state();
        let link = state.by_id.get(&id).copied();
        let Some(link) = link.and_then(|link| state.links.get_mut(&link)) else { return false };
        let before = std::mem::replace(&mut link.kept.here, true);
        !before && !link.kept.there
    }

    /// The connections that stay for as long as neighbours need them.
    pub(super) fn spare_links(&self) -> Vec<(LinkId, u128)> {
        let state = self.state();
        let spare = state.links.iter().filter(|(_, link)| link.kept == Kept::default());
        let spare = spare.filter(|(_, link)| !outside(self.role, link.peer.role));
        spare.map(|(id, link)| (*id, link.id)).collect()
    }

    /// Whether an address is of a version that this node speaks.
    pub(super) fn reaches(&self, at: SocketAddr) -> bool {
        at.is_ipv4() == self.listen.is_ipv4() || self.both_versions
    }

    /// Whether an address that another node told of may be dialed.
    pub(super) fn may_dial(&self, at: SocketAddr) -> bool {
        at != self.listen && at.port() != 0 && self.reaches(at) && (at.ip().is_loopback() || !self.automatic)
    }

    /// Waits as long as the peer is connected; says whether it was.
    pub(super) async fn until_gone(&self, id: u128) -> bool {
        let mut changed = self.changed.subscribe();
        let mut was = false;
        while self.linked(id) {
            was = true;
            if changed.changed().await.is_err() {
                break;
            }
        }
        was
    }

    /// Tells whenever connections come or go.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Waits until the peer is connected.
    pub(super) async fn until_linked(&self, id: u128) {
        let mut changed = self.changed.subscribe();
        while !self.linked(id) && changed.changed().await.is_ok() {}
    }

    /// Waits until nobody is connected.
    pub(super) async fn until_alone(&self) {
        let mut changed = self.changed.subscribe();
        while self.links() > 0 && changed.changed().await.is_ok() {}
    }

    /// What a client knows of servers.
    pub(super) fn known_servers(&self) -> MutexGuard<'_, Servers> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when another task dials the address already.
    pub(super) fn begin_dial(&self, address: SocketAddr) -> Option<DialGuard<'_>> {
        // The guard must not come into being when it is `None`: dropping it takes the lock, and frees the address.
        let free = self.state().dialing.insert(address);
        free.then(|| DialGuard { hub: self, address })
    }

    pub(super) fn reached(&self, target: usize, whom: Reached) {
        if let Some(target) = self.state().targets.get_mut(target) {
            (target.reached, target.cause) = (whom, None);
        }
        self.tell_changed();
    }

    /// It did not, the last time that it was tried.
    pub(super) fn not_reached(&self, target: usize, cause: &Cause) {
        if let Some(target) = self.state().targets.get_mut(target) {
            target.cause = Some(cause.clone());
        }
    }

    /// Whether every configured address has led to a peer that is connected, or to this node itself.
    pub(super) fn all_targets_connected(&self) -> bool {
        let state = self.state();
        state.targets.iter().all(|target| match target.reached {
            Reached::Nobody => false,
            Reached::Myself => true,
            Reached::Peer(id) => state.by_id.contains_key(&id),
            // It has others enough, and so has this node.
            Reached::Released(_) => !state.links.is_empty(),
        })
    }

    /// Takes a connection up, or says why not.
    pub(super) fn establish(
        &self,
        peer: Proven,
        greeting: Greeting,
        connection: Connection,
        dialed: bool,
        (attempt, named): (u64, bool),
    ) -> Result<Registration, Refusal> {
        let id = peer.id;
        let mut state = self.state();
        if id == self.me {
            let myself = greeting.incarnation == self.incarnation.0;
            return Err(if myself { Refusal::Myself } else { Refusal::SameKey });
        }
        if state.closing {
            return Err(Refusal::Ending);
        }
        if state.links.len() >= LINKS_MAX && !state.by_id.contains_key(&id) {
            return Err(Refusal::Full);
        }
        let (mut renewed, mut kept) = (false, Kept { here: named && dialed, there: named && !dialed });
        if let Some(old) = state.by_id.get(&id).copied().and_then(|link| state.links.get_mut(&link)) {
            if old.incarnation != greeting.incarnation {
                old.give_way()?;
            }
            let stays = if old.incarnation != greeting.incarnation {
                false
            } else if old.dialed == dialed {
                old.attempt > attempt
            } else {
                old.dialed == (self.me < id)
            };
            if stays {
                return Err(Refusal::Duplicate);
            }
            old.renewed = true;
            kept = Kept { here: kept.here || old.kept.here, there: kept.there || old.kept.there };
            old.connection.close((Closing::Duplicate as u32).into(), b"");
            renewed = true;
        } else if !dialed && self.me < id && state.dialing.contains(&greeting.listen) {
            // Our own attempt is under way and would win.
            return Err(Refusal::Duplicate);
        }
        state.last_link += 1;
        let link = LinkId(state.last_link);
        let (sender, queue) = mpsc::unbounded_channel();
        let flow = Arc::new(Flow::default());
        state.by_id.insert(id, link);
        let made = Link::new(peer, &greeting, connection.clone(), (sender, flow.clone()));
        state.links.insert(link, Link { kept, dialed, attempt, ..made });
        drop(state);
        self.tell_changed();
        let named = named && dialed;
        Ok(Registration { link, peer, greeting, connection, queue, flow, named, renewed })
    }

    /// Takes a link out when it has ended; `released`: because neither side needs it.
    pub(super) fn remove(&self, link: LinkId, released: bool) -> Ended {
        let mut state = self.state();
        let Some(gone) = state.links.remove(&link) else { return Ended { cause: None, renewed: false } };
        if state.by_id.get(&gone.id) == Some(&link) {
            state.by_id.remove(&gone.id);
            let to_it = state.targets.iter_mut().filter(|target| released && target.reached == Reached::Peer(gone.id));
            to_it.for_each(|target| target.reached = Reached::Released(gone.id));
        }
        drop(state);
        self.tell_changed();
        Ended { cause: gone.ending, renewed: gone.renewed }
    }

    /// Puts a node message into a peer's queue. What is too much is lost, which is nothing new to nodes.
    pub(super) fn send(&self, link: LinkId, message: &[u8]) {
        if message.len() > Kind::Message.bytes_max() {
            let cause = Cause::refused("E0609", format!("a message of {} bytes is too long to send", message.len()));
            self.close_link(link, Closing::Overflow, cause);
            return;
        }
        self.enqueue(link, frame(Kind::Message, message), QUEUE_BYTES_MAX);
    }

    /// The same for what may go by other ways later: given up earlier.
    pub(super) fn push(&self, link: LinkId, kind: Kind, message: &[u8]) {
        self.enqueue(link, frame(kind, message), PUSH_BYTES_HIGH);
    }

    /// The same for what must not be lost: where there is no room for it, the connection ends.
    pub(super) fn send_as(&self, link: LinkId, kind: Kind, message: &[u8]) {
        if !self.enqueue(link, frame(kind, message), 2 * QUEUE_BYTES_MAX) {
            self.overflows(link);
        }
    }

    /// A peer does not take what it is sent.
    pub(super) fn overflows(&self, link: LinkId) {
        let cause = Cause::absent("E0613", "it does not take what this node sends fast enough");
        self.close_link(link, Closing::Overflow, cause);
    }

    /// A message for all who take part in a topic.
    pub(super) fn broadcast(&self, topic: u128, message: &[u8]) {
        self.broadcasts.fetch_add(message.len(), Ordering::Relaxed);
        self.steer(Told::Broadcast { topic, bytes: message.to_vec() });
    }

    /// The overlay has one.
    pub(super) fn broadcast_taken(&self, bytes: usize) {
        self.broadcasts.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Sends a broadcast to those who are not reached by the overlay.
    pub(super) fn push_outside(&self, message: &[u8]) {
        let state = self.state();
        let outside = state.links.iter().filter(|(_, link)| outside(self.role, link.peer.role)).map(|(id, _)| *id);
        let links: Vec<LinkId> = outside.collect();
        drop(state);
        for link in links {
            self.push(link, Kind::Message, message);
        }
    }

    /// Whether what this node makes should wait: most of the peers who take anything at all do not keep up, or the overlay
    /// does not. Peers who take nothing do not count, so that nobody waits for them.
    pub(super) fn pressed(&self) -> bool {
        let (mut moving, mut behind) = (0, 0);
        let now = self.now_ms();
        for link in self.state().links.values() {
            let full = link.flow.queued.load(Ordering::Relaxed) > PUSH_BYTES_HIGH / 2;
            let since = now.saturating_sub(link.flow.moved_ms.load(Ordering::Relaxed));
            let stuck = u128::from(since) > STUCK.as_millis();
            moving += usize::from(!full || !stuck);
            behind += usize::from(full && !stuck);
        }
        2 * behind > moving || self.broadcasts.load(Ordering::Relaxed) > BROADCASTS_BYTES_HIGH
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Some of what waits for a peer has been sent.
    pub(super) fn moved(&self, flow: &Flow, bytes: usize) {
        flow.moved_ms.store(self.now_ms(), Ordering::Relaxed);
        flow.queued.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether there was room, or nobody is there any more.
    fn enqueue(&self, link: LinkId, frame: Vec<u8>, most: usize) -> bool {
        let state = self.state();
        let Some(link) = state.links.get(&link) else { return true };
        let Some(queue) = &link.queue else { return true };
        let before = link.flow.queued.load(Ordering::Relaxed);
        // An empty queue takes anything that is a message.
        if before > 0 && before + frame.len() > most {
            return false;
        }
        if before == 0 {
            link.flow.moved_ms.store(self.now_ms(), Ordering::Relaxed);
        }
        link.flow.queued.fetch_add(frame.len(), Ordering::Relaxed);
        // The writer is gone only when the connection is.
        let _ = queue.send(frame);
        true
    }

    /// Ends a connection, for a reason that is told on both sides.
    pub(super) fn close_link(&self, link: LinkId, closing: Closing, cause: Cause) {
        if let Some(link) = self.state().links.get_mut(&link) {
            link.connection.close((closing as u32).into(), &reason_of(closing, &cause));
            link.ending.get_or_insert(cause);
        }
    }

    /// Why a peer may not be spoken to, if it may not.
    pub(super) fn objection(&self, peer: &Proven, dialed: bool) -> Option<Cause> {
        let whose = match (dialed, peer.role, self.trust.own().role) {
            (true, Role::Client, _) => "the peer's certificate is a client's, and clients serve nobody",
            (false, _, Role::Client) => "this node's certificate is a client's, and clients serve nobody",
            _ => return self.trust.objection(peer),
        };
        Some(Cause::refused("E0619", format!("this node refused the peer: {whose}")))
    }

    /// Listens with what is new, ends connections that are no longer allowed, and tells the others of revocations.
    pub(super) fn trust_anew(&self, server: ServerConfig) {
        self.endpoint.set_server_config(Some(server));
        self.sweep();
        if let Some(list) = self.trust.newer_than(0) {
            for link in self.all_links() {
                self.send_as(link, Kind::Revoked, &list);
            }
        }
    }

    /// All connections.
    pub(super) fn all_links(&self) -> Vec<LinkId> {
        self.state().links.keys().copied().collect()
    }

    /// Ends connections to peers whose certificates count no more.
    pub(super) fn sweep(&self) {
        let peers: Vec<(LinkId, Proven)> = self.state().links.iter().map(|(link, state)| (*link, state.peer)).collect();
        for (link, peer) in peers {
            if let Some(cause) = self.trust.objection(&peer) {
                self.close_link(link, Closing::Refused, cause);
            }
        }
    }

    /// Tells a peer of revocations, if its list is older than ours.
    pub(super) fn tell_revocations(&self, link: LinkId, theirs: u64) {
        if let Some(list) = self.trust.newer_than(theirs) {
            self.send_as(link, Kind::Revoked, &list);
        }
    }

    /// Lets the writers send what waits, and then end; nothing new is taken up.
    pub(super) fn begin_closing(&self) {
        let mut state = self.state();
        state.closing = true;
        for link in state.links.values_mut() {
            link.queue = None;
        }
        drop(state);
        self.tell_changed();
    }

    /// The most bytes that wait to be sent to any one peer.
    pub(super) fn waiting_bytes_most(&self) -> usize {
        self.state().links.values().map(|link| link.flow.queued.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// How many peers are connected.
    pub(super) fn links(&self) -> usize {
        self.state().links.len()
    }
}
