//! Membership and broadcast of simulated nodes: each server has the [overlay](crate::overlay) that a real one has, and its
//! messages travel as over a stream, in order and reliably, so that what is lost only comes later; where there is no way at
//! all the sender finds out, as it would by a connection that breaks.
//!
//! Nodes are connected with their neighbours in the overlay, and with nobody else. Clients are in no overlay: each is
//! connected with a few servers, which send it everything themselves.

use crate::overlay;
use crate::overlay::NodeId;
use crate::overlay::Overlay;
use crate::replica::EVERYBODY;
use crate::replica::Role;
use crate::sim::Cluster;
use crate::sim::alone::stream_kind;
use crate::sim::chance::below;
use crate::sim::chance::chance;
use crate::sim::cluster::Event;
use crate::sim::network::Conditions;
use crate::sim::trace::Happened;

/// After how many milliseconds it is noticed that there is nobody at the other end.
const GONE_MS: u64 = 50;
/// After how many that nothing passes.
const SILENT_MS: u64 = 5000;
/// How often a message is sent again at most.
const AGAIN_MAX: u64 = 6;
/// How many servers a client looks for.
const SERVERS: usize = 2;

/// How the overlay knows a node: by its place, as a real one by its key.
pub(crate) fn id(number: usize) -> NodeId {
    number as NodeId + 1
}

pub(crate) fn number(id: NodeId) -> usize {
    usize::try_from(id.saturating_sub(1)).unwrap_or(usize::MAX)
}

impl Cluster {
    /// Whether nodes have overlays. Without, everybody is connected with everybody.
    pub(crate) fn is_woven(&self) -> bool {
        self.degree.is_some()
    }

    /// A new server takes part in the overlay, a client finds its servers.
    pub(crate) fn weave_in(&mut self, node: usize) {
        let Some(neighbours) = self.degree else { return };
        let (contacts, now) = (self.some_servers(node), self.now_ms);
        let seed = chance(self.seed, &[50, node as u64, now]);
        let Some(place) = self.places.get_mut(node) else { return };
        if place.certificate == Role::Client {
            contacts.into_iter().for_each(|server| self.connect(server, node));
            return;
        }
        let settings = overlay::Settings { neighbours, ..overlay::Settings::default() };
        let mut overlay = Overlay::new(id(node), place.incarnations, Vec::new(), settings, seed);
        let contacts: Vec<NodeId> = contacts.into_iter().map(id).collect();
        overlay.subscribe(EVERYBODY, &contacts, now);
        place.overlay = Some(Box::new(overlay));
        self.weave(node);
    }

    /// A few servers that are up, by chance.
    fn some_servers(&self, node: usize) -> Vec<usize> {
        let mut found = Vec::new();
        for attempt in 0..64 {
            let other = below(self.places.len() as u64, self.seed, &[51, node as u64, self.now_ms, attempt]);
            let other = usize::try_from(other).unwrap_or(node);
            let server = self.places.get(other).is_some_and(|place| place.up && place.certificate == Role::Server);
            if server && other != node && !found.contains(&other) {
                found.push(other);
            }
            if found.len() == SERVERS {
                break;
            }
        }
        found
    }

    /// Nodes that have nobody to speak to look for others.
    pub(crate) fn weave_again(&mut self, node: usize) {
        if self.network.neighbours(node).next().is_some() || !self.is_up(node) {
            return;
        }
        let now = self.now_ms;
        for server in self.some_servers(node) {
            match self.places[node].overlay.as_mut() {
                Some(overlay) => overlay.contact(EVERYBODY, id(server), now),
                None => self.connect(server, node),
            }
        }
        self.weave(node);
    }

    /// A connection broke, or nobody needs it.
    pub(crate) fn tell_overlays(&mut self, a: usize, b: usize) {
        let now = self.now_ms;
        for (node, other) in [(a, b), (b, a)] {
            let place = self.places.get_mut(node).filter(|place| place.up);
            if let Some(overlay) = place.and_then(|place| place.overlay.as_mut())
                && overlay.needs(id(other))
            {
                overlay.lost(id(other), now);
            }
        }
        self.weave(a);
        self.weave(b);
    }

    /// A node says goodbye.
    pub(crate) fn weave_out(&mut self, node: usize) {
        let now = self.now_ms;
        if let Some(overlay) = self.places.get_mut(node).and_then(|place| place.overlay.as_mut()) {
            overlay.leave(now);
            self.weave(node);
        }
    }

    /// The connection of two nodes neither of which has the other as a neighbour is of no use, unless one of them decides.
    pub(crate) fn part_ways(&mut self, a: usize, b: usize) {
        let needs = |node: usize, other: usize| {
            let overlay = self.places.get(node).and_then(|place| place.overlay.as_ref());
            overlay.is_some_and(|overlay| overlay.needs(id(other)))
        };
        if !needs(a, b) && !needs(b, a) && !self.decides(a) && !self.decides(b) {
            let peer = self.network.link_between(a, b);
            peer.into_iter().for_each(|peer| self.disconnect_from(peer));
        }
    }

    /// Sends over a stream.
    pub(crate) fn send_stream(&mut self, node: usize, to: usize, bytes: Vec<u8>, push: bool) {
        let (now, size) = (self.now_ms, bytes.len());
        let kind = stream_kind(push);
        self.trace.note(Happened::Sent, now, node, &bytes, format_args!("-> n{to} {kind}, {size} bytes"));
        let up = self.is_up(to);
        let reaches = up && !self.network.is_cut(node, to, now) && !self.network.is_cut(to, node, now);
        if let Some(watch) = &mut self.watch {
            watch.sent(kind, size, usize::from(reaches));
        }
        if !reaches {
            let at = now + if up { SILENT_MS } else { GONE_MS };
            self.queue.put(at, Event::Unreachable { node, to });
            return;
        }
        let Conditions { lost, delay_ms: (least, most), .. } = self.network.conditions;
        let count = self.trace.events;
        let word = |what: u64| [52, node as u64, to as u64, count, what];
        let mut at = now + least.max(1) + below(most.saturating_sub(least) + 1, self.seed, &word(0));
        for again in 1..=AGAIN_MAX {
            if lost == 0 || below(Conditions::WHOLE, self.seed, &word(again)) >= lost {
                break;
            }
            at += 2 * most + (10 << again);
        }
        let at = self.network.in_order(node, to, at);
        self.queue.put(at, Event::Stream { from: node, to, bytes, push });
    }

    /// It is noticed that nothing reaches a node.
    pub(crate) fn unreachable(&mut self, node: usize, to: usize) {
        if !self.is_up(node) {
            return;
        }
        match self.network.link_between(node, to) {
            Some(peer) if self.network.is_cut(node, to, self.now_ms) || self.network.is_cut(to, node, self.now_ms) => {
                self.disconnect_from(peer);
            }
            Some(_) => {}
            None => {
                let now = self.now_ms;
                if let Some(overlay) = &mut self.places[node].overlay {
                    overlay.lost(id(to), now);
                }
                self.weave(node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sim::Cluster;
    use crate::sim::Faults;
    use crate::value::term::Term;

    fn sum(cluster: &mut Cluster, node: usize, name: &str) -> Term {
        let finals = cluster.finals(node);
        finals.into_iter().find(|last| last.name == name).map(|last| last.value).expect("a variable of that name")
    }

    /// Two nodes take one topic, all others another, and nobody is connected with everybody.
    #[test]
    fn two_among_many_who_take_a_topic_have_what_is_written_of_it_whoever_their_neighbours_are() {
        for seed in 1..=3 {
            let mut cluster = Cluster::new(seed, Faults::NONE);
            cluster.degree = Some(4);
            let rooms = "Red = declare(counter), set_topic(Red, red). Blue = declare(counter), set_topic(Blue, blue).";
            let mut red = Vec::new();
            for number in 0..40 {
                let topic = if number % 20 == 7 { "red" } else { "blue" };
                let node = cluster.join(&format!("{rooms} interested({topic}).")).expect("sound");
                red.extend((topic == "red").then_some(node));
                cluster.run_for(20);
            }
            cluster.run_for(3000);
            cluster.type_line(red[0], "update(Red, increment).");
            cluster.type_line(3, "update(Blue, increment).");
            let start = cluster.now_ms();
            while sum(&mut cluster, red[1], "Red") == Term::Int(0) && cluster.now_ms() < start + 20_000 {
                cluster.run_for(50);
            }
            assert!(cluster.now_ms() - start <= 500, "{} ms", cluster.now_ms() - start);
            cluster.run_for(5000);
            for node in 0..40 {
                let takes_red = red.contains(&node);
                let seen = ["Red", "Blue"].map(|name| sum(&mut cluster, node, name));
                let expected = [i64::from(takes_red), i64::from(!takes_red)].map(Term::Int);
                assert_eq!(seen, expected, "n{node}");
            }
        }
    }

    /// Two nodes take one topic, three another, two nothing and two everything: pairs find each other and are content.
    #[test]
    fn parts_of_those_who_take_a_topic_find_each_other() {
        for seed in 1..=20 {
            let mut cluster = Cluster::new(seed, Faults::NONE);
            cluster.degree = Some(3);
            let rooms = "Red = declare(set), set_topic(Red, red). Blue = declare(set), set_topic(Blue, blue).";
            let takes = ["interested(blue).", "interested(red).", "interested(nothing).", ""];
            for number in 0..9 {
                let writes = format!("sleep(500), update(Red, {{add, {number}}}), update(Blue, {{add, {number}}}).");
                cluster.join(&format!("{rooms} {} {writes}", takes[number % 4])).expect("sound");
            }
            cluster.run_for(1000);
            assert!(cluster.settle(30_000), "seed {seed}");
            for node in [1, 5, 3, 7] {
                assert_eq!(
                    sum(&mut cluster, node, "Red").to_vec().map(|all| all.len()),
                    Some(9),
                    "seed {seed} n{node}"
                );
            }
        }
    }
}
