//! All that happens in one moment: nodes first do what they can by themselves, some at the same time, and after that what they
//! did is carried out by one after the other, in the order of what it came from.
//!
//! A message takes a millisecond at least, so nothing that a node does in a moment reaches another one in it, unless it breaks or
//! makes a connection or asks what all share. Before that it stops; the rest comes when its turn is there. Chance is
//! drawn, and everything is noted, while things are carried out. So a run does not depend on how many threads there are.

use std::sync::Mutex;

use rayon::ThreadPool;
use rayon::ThreadPoolBuilder;

use crate::node::Input;
use crate::overlay;
use crate::sim::Cluster;
use crate::sim::alone::Alone;
use crate::sim::alone::Deed;
use crate::sim::alone::Did;
use crate::sim::alone::TURNS_MAX as TURNS_AT_ONCE;
use crate::sim::alone::World;
use crate::sim::cluster::Event;
use crate::sim::trace::Happened;
use crate::sim::weave::id;
use crate::sim::weave::number;

/// How many times a node may go on in one moment after it has stopped.
const ROUNDS_MAX: u32 = 1000 / TURNS_AT_ONCE;
/// With fewer nodes at work another thread costs more than it is worth.
pub(crate) const WORTH_A_THREAD: usize = 16;
/// Terms and programs may be nested deeply.
const STACK_BYTES: usize = 256 << 20;

impl Event {
    /// The node that takes it in.
    fn node(&self) -> usize {
        match self {
            Event::Arrival { to, .. } | Event::Stream { to, .. } => *to,
            Event::Alarm(node) | Event::Unreachable { node, .. } => *node,
        }
    }
}

impl Cluster {
    /// So many threads let nodes go on at the same time, if there are so many to be had. What happens does not depend on it.
    pub fn set_threads(&mut self, threads: usize) {
        let pool = ThreadPoolBuilder::new().num_threads(threads.saturating_sub(1).max(1)).stack_size(STACK_BYTES);
        self.threads = if threads > 1 { pool.build().ok() } else { None };
    }

    /// Lets everything happen that happens now.
    pub(crate) fn moment(&mut self, events: Vec<Event>) {
        let order: Vec<usize> = events.iter().map(Event::node).collect();
        for event in events {
            if let Some(place) = self.places.get_mut(event.node()) {
                place.came.push(event);
            }
        }
        let mut nodes = order.clone();
        nodes.sort_unstable();
        nodes.dedup();
        let world = World {
            now_ms: self.now_ms,
            network: &self.network,
            clients: &self.clients,
            files: &self.files,
            elements: self.elements,
            exhausted: self.turns_left == Some(0),
        };
        let (mut places, mut next) = (self.places.iter_mut(), 0);
        let at_work = nodes.into_iter().filter_map(|node| {
            let place = places.nth(node - next)?;
            next = node + 1;
            Some(Alone::new(node, place, &world))
        });
        side_by_side(at_work.collect(), self.threads.as_ref());
        for node in order {
            self.carry_out_next(node);
        }
    }

    /// What a node has done in this moment and is not carried out comes before anything that others do to it.
    pub(crate) fn catch_up(&mut self, node: usize) {
        while self.carry_out_next(node) {}
    }

    /// Carries out the next of what a node did; says whether there was anything.
    fn carry_out_next(&mut self, node: usize) -> bool {
        let Some(place) = self.places.get_mut(node).filter(|place| !place.carried_out) else { return false };
        let Some(did) = place.did.pop_front() else { return false };
        // What comes of it by way of others may concern this node again; the next comes after that.
        place.carried_out = true;
        self.carry_out(node, did);
        if let Some(place) = self.places.get_mut(node) {
            place.carried_out = false;
        }
        true
    }

    /// Gives a node something to take in.
    pub(crate) fn give(&mut self, node: usize, input: Input) {
        self.catch_up(node);
        if let Some(place) = self.places.get_mut(node) {
            place.node.handle(input, place.clock.shows(self.now_ms));
        }
        self.work(node);
    }

    /// Lets a node run until it has nothing to do, carries out what it asks for, and sees to it that it is woken in time.
    pub(crate) fn work(&mut self, node: usize) {
        self.go_on(node, true);
    }

    /// Carries out what a node's overlay wants.
    pub(crate) fn weave(&mut self, node: usize) {
        self.go_on(node, false);
    }

    fn go_on(&mut self, node: usize, ready: bool) {
        if let Some(did) = self.alone(node, |alone| alone.go_on(ready)) {
            self.carry_out(node, did);
        }
    }

    /// Lets one node do something by itself.
    fn alone<T>(&mut self, node: usize, work: impl FnOnce(&mut Alone<'_>) -> T) -> Option<T> {
        let exhausted = self.turns_left == Some(0);
        let Cluster { now_ms, network, clients, files, elements, places, .. } = self;
        let world = World { now_ms: *now_ms, network, clients, files, elements: *elements, exhausted };
        places.get_mut(node).map(|place| work(&mut Alone::new(node, place, &world)))
    }

    /// Carries out what a node did, and lets it go on if it waits for that.
    fn carry_out(&mut self, node: usize, did: Did) {
        let mut did = Some(did);
        for _ in 0..ROUNDS_MAX {
            did = match did {
                None => return,
                Some(Did::All(deeds)) => return self.carry_out_all(node, deeds),
                Some(Did::Part(deeds)) => {
                    self.carry_out_all(node, deeds);
                    self.alone(node, |alone| alone.go_on(true))
                }
                Some(Did::Nothing(Event::Unreachable { to, .. })) => return self.unreachable(node, to),
                Some(Did::Nothing(event)) => self.alone(node, |alone| alone.take_in(event)),
            };
        }
        // It has used up what it may at one moment.
        let deeds = self.alone(node, |alone| {
            alone.set_alarm();
            alone.take_deeds()
        });
        self.carry_out_all(node, deeds.unwrap_or_default());
    }

    fn use_turns(&mut self, node: usize, turns: u64) {
        self.turns_left = self.turns_left.map(|left| left.saturating_sub(turns));
        if self.turns_left == Some(0) {
            self.last_turn.get_or_insert(node);
        }
    }

    fn carry_out_all(&mut self, node: usize, deeds: Vec<Deed>) {
        deeds.into_iter().for_each(|deed| self.carry_out_one(node, deed));
        if let (Some(watch), Some(place)) = (&mut self.watch, self.places.get(node)) {
            watch.looked_at(node, &place.node, self.now_ms);
        }
    }

    fn carry_out_one(&mut self, node: usize, deed: Deed) {
        match deed {
            Deed::Arrived { from, peer, kind, bytes } => {
                let line = format_args!("<- n{from} {kind}, {bytes} bytes");
                let (link, stream) = (peer.map(|peer| peer.0.to_le_bytes()), id(from).to_le_bytes());
                let what = link.as_ref().map_or(&stream[..], |link| &link[..]);
                self.trace.note(Happened::Arrived, self.now_ms, node, what, line);
            }
            Deed::Send { peer, bytes } => self.send(node, peer, bytes),
            Deed::Stream { to, bytes, push } => self.send_stream(node, to, bytes, push),
            Deed::Wrote(written) => {
                if let Some(watch) = &mut self.watch {
                    watch.wrote(node, written, self.now_ms);
                }
            }
            Deed::Turn => self.use_turns(node, 1),
            Deed::Overworked => self.use_turns(node, u64::MAX),
            Deed::Wake(at) => self.queue.put(at, Event::Alarm(node)),
            Deed::Refused(diagnostic) => self.grave.push((node, diagnostic)),
            Deed::Said(output) => self.said(node, output),
            Deed::Neighbour(overlay::Output::NeighbourUp { node: other, .. }) => self.connect(node, number(other)),
            Deed::Neighbour(overlay::Output::NeighbourDown { node: other, .. }) => self.part_ways(node, number(other)),
            Deed::Neighbour(_) => {}
        }
    }
}

/// Lets nodes go on at the same time. This thread begins with the first ones and the others with the last, so that most nodes
/// keep to one thread, and its memory.
fn side_by_side(nodes: Vec<Alone<'_>>, threads: Option<&ThreadPool>) {
    let helpers = threads.map_or(0, |threads| threads.current_num_threads().min(nodes.len() / WORTH_A_THREAD));
    let (Some(threads), 1..) = (threads, helpers) else {
        return nodes.into_iter().for_each(|mut alone| alone.take_in_all());
    };
    let left = &Mutex::new(nodes.into_iter());
    threads.in_place_scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(move |_| {
                while let Some(mut alone) = left.lock().ok().and_then(|mut left| left.next_back()) {
                    alone.take_in_all();
                }
            });
        }
        while let Some(mut alone) = left.lock().ok().and_then(|mut left| left.next()) {
            alone.take_in_all();
        }
    });
}
