//! What a node does by itself in one moment: takes in what has come, goes on until it has nothing to do, and says what is to
//! become of that elsewhere. Touches nothing but the node's own place, so nodes can be at it at the same time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::node::Input;
use crate::node::Output;
use crate::node::Progress;
use crate::overlay;
use crate::overlay::Taking;
use crate::replica::PeerId;
use crate::replica::Written;
use crate::replica::kind_of;
use crate::sim::cluster::Event;
use crate::sim::network::Network;
use crate::sim::place::Place;
use crate::sim::weave::id;
use crate::sim::weave::number;
use crate::source::diagnostic::Diagnostic;

/// Steps of program between two messages.
const FUEL: u64 = 1_000_000;
/// How many times [`FUEL`] a node may use before others have their say.
pub(crate) const TURNS_MAX: u32 = 4;

/// What nodes see of each other while they are at work: it does not change meanwhile.
pub(crate) struct World<'a> {
    pub(crate) now_ms: u64,
    pub(crate) network: &'a Network,
    /// Nodes that are clients.
    pub(crate) clients: &'a BTreeSet<usize>,
    pub(crate) files: &'a BTreeMap<String, Vec<u8>>,
    /// How many elements derivations may look at in one turn.
    pub(crate) elements: Option<u64>,
    /// Whether no turns are left.
    pub(crate) exhausted: bool,
}

/// What is to become elsewhere of what a node did.
pub(crate) enum Deed {
    /// It took in a message of so many bytes: over a connection, or else over a stream.
    Arrived { from: usize, peer: Option<PeerId>, kind: &'static str, bytes: usize },
    /// It sends a message of its replica's.
    Send { peer: PeerId, bytes: Vec<u8> },
    /// It sends a message of its overlay's.
    Stream { to: usize, bytes: Vec<u8>, push: bool },
    /// It wrote something.
    Wrote(Vec<Written>),
    /// It used up a turn without coming to an end.
    Turn,
    /// Its derivations have more to do than they may.
    Overworked,
    /// It is to be looked at then.
    Wake(u64),
    /// It got something that nobody may send.
    Refused(Diagnostic),
    /// It says something.
    Said(Output),
    /// Its overlay wants something of another node.
    Neighbour(overlay::Output),
}

/// What became of one event.
pub(crate) enum Did {
    /// All that there was to do.
    All(Vec<Deed>),
    /// The node stopped, and goes on when this is carried out.
    Part(Vec<Deed>),
    /// Nothing yet, since the node has stopped before.
    Nothing(Event),
}

/// A node at work.
pub(crate) struct Alone<'a> {
    pub(crate) node: usize,
    pub(crate) place: &'a mut Place,
    pub(crate) world: &'a World<'a>,
    deeds: Vec<Deed>,
}

impl<'a> Alone<'a> {
    pub(crate) fn new(node: usize, place: &'a mut Place, world: &'a World<'a>) -> Alone<'a> {
        Alone { node, place, world, deeds: Vec::new() }
    }

    /// Takes in all that has come, one after the other, as far as the node can by itself.
    pub(crate) fn take_in_all(&mut self) {
        let mut stopped = false;
        for event in std::mem::take(&mut self.place.came) {
            // Who is told that nothing reaches another may break a connection.
            stopped |= matches!(event, Event::Unreachable { .. });
            let did = if stopped { Did::Nothing(event) } else { self.take_in(event) };
            stopped |= matches!(did, Did::Part(_));
            self.place.did.push_back(did);
        }
    }

    /// Takes one event in.
    pub(crate) fn take_in(&mut self, event: Event) -> Did {
        match event {
            Event::Arrival { peer, bytes, .. } => self.arrive(peer, bytes),
            Event::Stream { from, bytes, push, .. } => self.arrive_stream(from, &bytes, push),
            Event::Alarm(_) => self.alarm(),
            Event::Unreachable { .. } => Did::Nothing(event),
        }
    }

    pub(crate) fn take_deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.deeds)
    }

    fn shows(&self) -> u64 {
        self.place.clock.shows(self.world.now_ms)
    }

    fn arrive(&mut self, peer: PeerId, bytes: Vec<u8>) -> Did {
        let from = self.world.network.other_end(self.node, peer).filter(|_| self.place.up);
        let Some(from) = from else { return Did::All(Vec::new()) };
        let (kind, size) = (kind_of(&bytes), bytes.len());
        self.deeds.push(Deed::Arrived { from, peer: Some(peer), kind, bytes: size });
        self.place.node.handle(Input::Received { peer, bytes }, self.shows());
        self.go_on(true)
    }

    fn arrive_stream(&mut self, from: usize, bytes: &[u8], push: bool) -> Did {
        let overlay = if self.place.up { self.place.overlay.as_mut() } else { None };
        let Some(overlay) = overlay else { return Did::All(Vec::new()) };
        let wrong = overlay.received(id(from), bytes, self.world.now_ms).err();
        let (kind, size) = (stream_kind(push), bytes.len());
        self.deeds.push(Deed::Arrived { from, peer: None, kind, bytes: size });
        if let Some(wrong) = wrong {
            let title = format!("a message of the overlay from n{from} is malformed: {wrong}");
            self.deeds.push(Deed::Refused(Diagnostic::error("E0609", title)));
        }
        self.go_on(false)
    }

    fn alarm(&mut self) -> Did {
        let now = self.world.now_ms;
        if self.place.alarm_ms != Some(now) || !self.place.up {
            return Did::All(Vec::new());
        }
        self.place.alarm_ms = None;
        let due = |timer: Option<u64>, now: u64| timer.is_some_and(|due| due <= now);
        if let Some(overlay) = &mut self.place.overlay
            && due(overlay.next_timer(), now)
        {
            overlay.tick(now);
        }
        let shown = self.shows();
        let ticks = due(self.place.node.next_timer(), shown);
        if ticks {
            self.place.node.handle(Input::Tick, shown);
        }
        self.go_on(ticks)
    }

    /// Goes on until nothing is to be done, or others are to be asked; `ready` says whether the node itself has something to do.
    pub(crate) fn go_on(&mut self, mut ready: bool) -> Did {
        let mut turns = 0;
        loop {
            let Some(delivered) = self.weave() else { return self.stop() };
            ready |= delivered;
            if !ready || self.world.exhausted {
                break;
            }
            self.begin_turn();
            let progress = self.place.node.run(self.shows(), FUEL);
            if self.place.node.is_overworked() {
                self.deeds.push(Deed::Overworked);
                break;
            }
            ready = progress == Progress::Busy;
            if ready {
                turns += 1;
                self.deeds.push(Deed::Turn);
            }
            self.commit();
            while let Some(output) = self.place.node.poll_output() {
                let Some(answered) = self.put(output) else { return self.stop() };
                ready |= answered;
            }
            if turns >= TURNS_MAX {
                return self.stop();
            }
        }
        self.begin_turn();
        self.set_alarm();
        Did::All(self.take_deeds())
    }

    /// What derivations do until the next turn is counted from here.
    fn begin_turn(&mut self) {
        let node = &mut self.place.node;
        if let Some(elements) = self.world.elements.filter(|_| !node.is_overworked()) {
            node.limit_elements(elements);
        }
    }

    fn stop(&mut self) -> Did {
        Did::Part(self.take_deeds())
    }

    /// Notes what a turn wrote, and keeps it on the node's disk, before anything of the turn leaves the node.
    fn commit(&mut self) {
        let written = self.place.node.take_written();
        if !written.is_empty() {
            self.deeds.push(Deed::Wrote(written));
        }
        let effects = self.place.node.take_effect_puts();
        if let Some(disk) = &mut self.place.disk {
            disk.commit(self.place.node.take_journal());
            disk.put(effects);
        }
    }

    /// Does what the overlay wants. Says whether something has come for the node; nothing when others are to be asked first.
    fn weave(&mut self) -> Option<bool> {
        let mut delivered = Vec::new();
        let mut asks = false;
        while let Some(output) = self.place.overlay.as_mut().filter(|_| self.place.up).and_then(|one| one.poll()) {
            match output {
                overlay::Output::Send { to, bytes, push } => {
                    self.deeds.push(Deed::Stream { to: number(to), bytes, push });
                }
                overlay::Output::Deliver { from, bytes, .. } => {
                    delivered.extend(self.payload(number(from), bytes));
                }
                overlay::Output::NeighbourUp { .. } | overlay::Output::NeighbourDown { .. } => {
                    self.deeds.push(Deed::Neighbour(output));
                    asks = true;
                    break;
                }
            }
        }
        let any = !delivered.is_empty();
        if any {
            self.place.node.handle_messages(delivered, self.shows());
        }
        if asks { None } else { Some(any) }
    }

    /// A payload for the node, with the connection over which it counts as having come, if there is one.
    fn payload(&mut self, from: usize, bytes: Vec<u8>) -> Option<(PeerId, Vec<u8>)> {
        let peer = self.world.network.link_between(self.node, from)?;
        for client in self.clients() {
            self.deeds.push(Deed::Send { peer: client, bytes: bytes.clone() });
        }
        Some((peer, bytes))
    }

    /// The connections to clients.
    fn clients(&self) -> Vec<PeerId> {
        if self.world.clients.is_empty() {
            return Vec::new();
        }
        let neighbours = self.world.network.neighbours(self.node);
        neighbours.filter(|(other, _)| self.world.clients.contains(other)).map(|(_, peer)| peer).collect()
    }

    /// Does what the node wants. Says whether that gave it something to do; nothing when others are to be asked first.
    fn put(&mut self, output: Output) -> Option<bool> {
        match output {
            Output::Send { peer, bytes } => self.deeds.push(Deed::Send { peer, bytes }),
            Output::Broadcast { topic, bytes } => self.broadcast(topic, &bytes),
            Output::Take { only, topics } => {
                if let Some(overlay) = &mut self.place.overlay {
                    overlay.take(Taking { only, topics: topics.into_iter().collect() }, self.world.now_ms);
                }
            }
            Output::ReadFile { request, path } => {
                let found = self.world.files.get(&path).cloned();
                let result = found.ok_or_else(|| "there is no such file".to_owned());
                self.place.node.handle(Input::File { request, result }, self.shows());
                return Some(true);
            }
            Output::Evaluated { value, .. } => self.place.evaluated.push(value),
            Output::Change { .. } => {}
            Output::Print { .. } | Output::Report(_) | Output::Effect(_) => self.deeds.push(Deed::Said(output)),
            // This concerns other nodes, or what all share.
            Output::Disconnect { .. } | Output::Book { .. } | Output::Reach { .. } => {
                self.deeds.push(Deed::Said(output));
                return None;
            }
        }
        Some(false)
    }

    /// A message for everybody: to the neighbours, or by the tree and to one's clients.
    fn broadcast(&mut self, topic: u128, bytes: &[u8]) {
        let direct = match self.place.overlay {
            Some(_) => self.clients(),
            None => self.world.network.neighbours(self.node).map(|(_, peer)| peer).collect(),
        };
        for peer in direct {
            self.deeds.push(Deed::Send { peer, bytes: bytes.to_vec() });
        }
        if let Some(overlay) = &mut self.place.overlay {
            overlay.broadcast(topic, bytes, self.world.now_ms);
        }
    }

    /// Sees to it that the node, and its overlay, are looked at when their next timer is due. An alarm that is set for earlier
    /// will set the next.
    pub(crate) fn set_alarm(&mut self) {
        let (place, now) = (&mut *self.place, self.world.now_ms);
        if !place.up {
            return;
        }
        // A timer that is due already and stays so must not stop the clock.
        let own = place.node.next_timer().map(|due| place.clock.when(due, now + 1));
        let overlay = place.overlay.as_ref().and_then(|overlay| overlay.next_timer());
        let overlay = overlay.map(|due| due.max(now + 1));
        let Some(at) = own.into_iter().chain(overlay).min() else { return };
        if place.alarm_ms.is_none_or(|set| at < set) {
            place.alarm_ms = Some(at);
            self.deeds.push(Deed::Wake(at));
        }
    }
}

/// What a stream's message is called in reports.
pub(crate) fn stream_kind(push: bool) -> &'static str {
    if push { "tree-push" } else { "tree-control" }
}
