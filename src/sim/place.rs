//! A place for nodes, one after the other: a node crashes, another comes, with what was on its disk or without.

use crate::lattice::dot::ReplicaId;
use crate::node::Deciding;
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
use crate::sim::chance::chance;
use crate::sim::clock::Clock;
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
        let disk = self.places[number].disk.take().filter(|_| data);
        let kept = disk.is_some().then_some(self.places[number].identity);
        let mut place = self.place(number, image, person, incarnations, kept);
        if self.disks {
            self.mount(number, &mut place, disk);
        }
        let before = &mut self.places[number];
        place.prints = std::mem::take(&mut before.prints);
        place.values = std::mem::take(&mut before.values);
        place.reports = std::mem::take(&mut before.reports);
        place.clock = if incarnations == 1 { clock } else { before.clock };
        place.up = true;
        if self.watch.is_some() {
            place.node.follow_writes();
        }
        self.places[number] = place;
        if let Some(watch) = &mut self.watch {
            watch.started(number, kept.is_some());
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
        let word = |what| chance(self.seed, &[1, number as u64, incarnations, what]);
        let node = continued.map_or_else(|| word(0), |before| node_of(before).0);
        let identity = ReplicaId(u128::from(node) << 64 | u128::from(word(1)));
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
        // What is kept is nothing, which is sound.
        let deciding = Deciding::Shared;
        let _ = node.set_effects(EffectSettings { deciding, role: person.certificate, ..EffectSettings::default() }, 0);
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
        }
    }

    /// The node finds what is on its disk, and writes there from now on.
    fn mount(&mut self, number: usize, place: &mut Place, disk: Option<Disk>) {
        let Some(disk) = disk else {
            place.node.keep_journal();
            place.disk = Some(Disk::default());
            return;
        };
        if let (Err(damage), Some(watch)) = (place.node.restore(disk.records()), &mut self.watch) {
            watch.broken.push((number, Broken::Damaged(damage)));
        }
        let (deciding, role, kept) = (Deciding::Shared, place.certificate, disk.effects());
        let effects = EffectSettings { deciding, role, kept, ..EffectSettings::default() };
        if let (Err(_), Some(watch)) = (place.node.set_effects(effects, 0), &mut self.watch) {
            watch.broken.push((number, Broken::Damaged(Damage::Unfit)));
        }
        place.disk = Some(disk);
    }
}
