//! A place for nodes, one after the other: a node crashes, another comes, with what was on its disk or without.

use std::collections::VecDeque;

use crate::effects::NodeId;
use crate::lattice::dot::ReplicaId;
use crate::node::EffectSettings;
use crate::node::Image;
use crate::node::Node;
use crate::node::Settings;
use crate::node::node_of;
use crate::overlay::Overlay;
use crate::replica::Damage;
use crate::replica::Role;
use crate::sim::Cluster;
use crate::sim::Person;
use crate::sim::alone::Did;
use crate::sim::clock::Clock;
use crate::sim::cluster::Event;
use crate::sim::disk::Disk;
use crate::sim::oracle::Broken;
use crate::source::diagnostic::Diagnostic;
use crate::value::term::Term;

/// A node in its place, with what it has said.
pub(crate) struct Place {
    pub(crate) node: Node,
    pub(crate) identity: ReplicaId,
    pub(crate) certificate: Role,
    /// Its part in the overlay, if it has one.
    pub(crate) overlay: Option<Box<Overlay>>,
    pub(crate) up: bool,
    pub(crate) prints: Vec<String>,
    /// The same as terms.
    pub(crate) values: Vec<Term>,
    pub(crate) reports: Vec<Diagnostic>,
    /// What the forms of examples came to; none for one that failed.
    pub(crate) evaluated: Vec<Option<Term>>,
    pub(crate) clock: Clock,
    /// When the place is looked at next, because of a timer.
    pub(crate) alarm_ms: Option<u64>,
    /// What outlives the node, where nodes have disks.
    pub(crate) disk: Option<Disk>,
    /// How many nodes have been in this place.
    pub(crate) incarnations: u64,
    /// What has come for the node in this moment.
    pub(crate) came: Vec<Event>,
    /// What it did then, and whether that is being carried out.
    pub(crate) did: VecDeque<Did>,
    pub(crate) carried_out: bool,
}

impl Cluster {
    /// A new node in a place, in which there is none or one that is gone. It knows nothing. Places that are left out stay
    /// empty. The clock is that of the place from its first node on.
    ///
    /// With `data` it goes on from what the last node in this place had on its disk.
    pub(crate) fn start(&mut self, number: usize, image: &Image, person: Person, clock: Clock, data: bool) {
        while self.places.len() <= number {
            let place = self.place(self.places.len(), image, person.clone(), 0, None);
            self.places.push(place);
        }
        let incarnations = self.places[number].incarnations + 1;
        let clock = if incarnations == 1 { clock } else { self.places[number].clock };
        // Who decides keeps what it has decided, or it would not be let decide.
        let data = data || self.decides(number);
        let disk = self.places[number].disk.take().filter(|_| data);
        let kept = disk.is_some().then_some(self.places[number].identity);
        let mut place = self.place(number, image, person, incarnations, kept);
        place.clock = clock;
        self.mount(number, &mut place, disk);
        let before = &mut self.places[number];
        place.prints = std::mem::take(&mut before.prints);
        place.values = std::mem::take(&mut before.values);
        place.reports = std::mem::take(&mut before.reports);
        place.up = true;
        match place.certificate {
            Role::Client => self.clients.insert(number),
            Role::Server => self.clients.remove(&number),
        };
        if self.watch.is_some() {
            place.node.follow_writes();
        }
        self.places[number] = place;
        if let Some(watch) = &mut self.watch {
            watch.started(number, kept.is_some());
        }
        if kept.is_none() {
            self.once.forgets(number);
        }
        if self.is_woven() {
            self.weave_in(number);
        } else {
            self.find_neighbours(number);
        }
        self.work(number);
    }

    /// A place with a node that has not begun; it has the key of the one that it continues.
    fn place(
        &self,
        number: usize,
        image: &Image,
        person: Person,
        incarnations: u64,
        continued: Option<ReplicaId>,
    ) -> Place {
        let node = match continued {
            Some(before) => node_of(before),
            None => NodeId(self.word_of(number, incarnations, 0)),
        };
        let word = |what| self.word_of(number, incarnations, what);
        let identity = ReplicaId(u128::from(node.0) << 64 | u128::from(word(1)));
        let settings = Settings {
            name: format!("n{number}"),
            replica: u32::try_from(number).unwrap_or(u32::MAX),
            role: person.role,
            arguments: person.arguments,
            identity,
            seed: word(2),
            watch: false,
        };
        let mut node = Node::of(settings, image);
        node.set_certificate(person.certificate);
        Place {
            node,
            identity,
            certificate: person.certificate,
            overlay: None,
            up: false,
            prints: Vec::new(),
            values: Vec::new(),
            reports: Vec::new(),
            evaluated: Vec::new(),
            clock: Clock::default(),
            alarm_ms: None,
            disk: None,
            incarnations,
            came: Vec::new(),
            did: VecDeque::new(),
            carried_out: false,
        }
    }

    /// The incarnation of the first node in a place, known before it is there: the list of those who decide names their keys.
    pub(crate) fn first_identity(&self, number: usize) -> ReplicaId {
        let [node, incarnation] = [0, 1].map(|what| u128::from(self.word_of(number, 1, what)));
        ReplicaId(node << 64 | incarnation)
    }

    /// The node finds what is on its disk, if it has one, and writes there from now on; and hears who decides about effects.
    fn mount(&mut self, number: usize, place: &mut Place, disk: Option<Disk>) {
        let mut kept = Vec::new();
        if let Some(disk) = disk {
            if let (Err(damage), Some(watch)) = (place.node.restore(disk.records()), &mut self.watch) {
                watch.broken.push((number, Broken::Damaged(damage)));
            }
            kept = disk.effects();
            place.node.inherit(disk.lives.iter().copied());
            place.disk = Some(disk);
        } else if self.disks {
            place.node.keep_journal();
            place.disk = Some(Disk::default());
        }
        if let Some(disk) = &mut place.disk {
            disk.lives.push(place.identity);
        }
        let (deciding, role) = (self.deciding(), place.certificate);
        let decides = self.decides(number) && role == Role::Server;
        let effects = EffectSettings { deciding, decides, role, kept, ..EffectSettings::default() };
        let told = place.node.set_effects(effects, place.clock.shows(self.now_ms));
        if let (Err(_), Some(watch)) = (told, &mut self.watch) {
            watch.broken.push((number, Broken::Damaged(Damage::Unfit)));
        }
    }
}
