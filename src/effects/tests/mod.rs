//! Servers that decide, on a bad network, with processes and disks that fail at bad moments.

mod hostile;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::effects::decider::SILENCE_MS;

/// Milliseconds between two looks at everything.
const STEP_MS: u64 = 10;
/// How long an effect runs.
const EFFECT_MS: u64 = 300;

fn node(at: usize) -> NodeId {
    NodeId(at as u64 + 1)
}

/// A small number as a place.
fn place(number: u64) -> usize {
    usize::try_from(number).expect("small")
}

fn member(at: usize) -> Member {
    Member { node: node(at), name: format!("n{at}"), addresses: Vec::new() }
}

/// How bad things are: of 1000.
#[derive(Clone, Copy)]
struct Faults {
    lost: u64,
    doubled: u64,
    delay_ms: u64,
    /// That a process ends at a moment at which it would write or send.
    crash: u64,
}

const CALM: Faults = Faults { lost: 0, doubled: 0, delay_ms: 20, crash: 0 };
const BAD: Faults = Faults { lost: 150, doubled: 150, delay_ms: 300, crash: 4 };

struct Server {
    at: usize,
    life: u64,
    list: Option<Deciders>,
    decider: Option<Decider>,
    asker: Asker,
    disk: BTreeMap<Vec<u8>, Vec<u8>>,
    up: bool,
    back_at: u64,
    /// What it is to have run, asked again after each start.
    wants: BTreeSet<EffectKey>,
    running: Vec<(u64, EffectKey)>,
    ended: BTreeSet<EffectKey>,
    doubts: BTreeSet<(EffectKey, u32)>,
}

/// Sender, receiver, the receiver's life, and what is sent.
type Letter = (usize, usize, u64, Vec<u8>);

struct World {
    now: u64,
    random: ChaCha8Rng,
    faults: Faults,
    servers: Vec<Server>,
    apart: BTreeSet<(usize, usize)>,
    /// By time of arrival and order of sending.
    under_way: BTreeMap<(u64, u64), Letter>,
    sent: u64,
    /// Each start: effect, attempt, server, its life.
    starts: Vec<(EffectKey, u32, usize, u64)>,
    trace: blake3::Hasher,
}

impl World {
    /// So many servers, of which the first `deciders` decide. The last one's certificate says client.
    fn new(seed: u64, count: usize, deciders: usize, faults: Faults) -> World {
        let list = Deciders::first((0..deciders).map(member).collect()).expect("a list");
        let mut world = World {
            now: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
            faults,
            servers: Vec::new(),
            apart: BTreeSet::new(),
            under_way: BTreeMap::new(),
            sent: 0,
            starts: Vec::new(),
            trace: blake3::Hasher::new(),
        };
        for at in 0..count {
            let asker = Asker::new(Runner { node: node(at), life: 0 }, true, Vec::new());
            world.servers.push(Server {
                at,
                life: 0,
                list: Some(list.clone()),
                decider: None,
                asker,
                disk: BTreeMap::new(),
                up: false,
                back_at: 0,
                wants: BTreeSet::new(),
                running: Vec::new(),
                ended: BTreeSet::new(),
                doubts: BTreeSet::new(),
            });
            world.start(at);
        }
        world
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    fn is_client(&self, at: usize) -> bool {
        at + 1 == self.servers.len() && self.servers.len() > 5
    }

    fn start(&mut self, at: usize) {
        let life = self.random.next_u64();
        let (now, is_client) = (self.now, self.is_client(at));
        let server = &mut self.servers[at];
        server.life = life;
        server.up = true;
        let list = server.list.clone().expect("a list");
        let kept: Vec<(Vec<u8>, Vec<u8>)> = server.disk.clone().into_iter().collect();
        let deciders = list.members.iter().map(|member| member.node).collect();
        let decides = list.contains(node(at)) || list.founders.iter().any(|founder| founder.node == node(at));
        server.decider = decides.then(|| Decider::new(node(at), list, &kept, life, now).expect("a sound disk"));
        server.asker = Asker::new(Runner { node: node(at), life }, !is_client, deciders);
        for key in server.wants.clone() {
            server.asker.ask(key, Ask::First, now);
        }
        for other in 0..self.servers.len() {
            if self.servers[other].up {
                self.servers[at].asker.connected(node(other), now);
                self.servers[other].asker.connected(node(at), now);
            }
        }
    }

    fn crash(&mut self, at: usize, away_ms: u64) {
        let back_at = self.now + away_ms;
        let server = &mut self.servers[at];
        server.up = false;
        server.decider = None;
        server.running.clear();
        server.back_at = back_at;
        for other in &mut self.servers {
            other.asker.lost(node(at));
        }
    }

    fn want(&mut self, at: usize, key: EffectKey) {
        self.servers[at].wants.insert(key);
        if self.servers[at].up {
            let now = self.now;
            self.servers[at].asker.ask(key, Ask::First, now);
        }
    }

    /// Writes and sends what a server has to, unless it fails first.
    fn pump(&mut self, at: usize) {
        loop {
            let server = &mut self.servers[at];
            let mut out = Vec::new();
            let mut puts = Vec::new();
            let mut news = Vec::new();
            if let Some(decider) = &mut server.decider {
                puts = decider.take_puts();
                while let Some(next) = decider.poll() {
                    if let DeciderOut::Send(to, message) = next {
                        out.push((to, message));
                    }
                }
            }
            while let Some(next) = server.asker.poll() {
                match next {
                    AskerOut::Send(to, message) => out.push((to, message)),
                    AskerOut::News(key, what) => news.push((key, what)),
                }
            }
            if puts.is_empty() && out.is_empty() && news.is_empty() {
                return;
            }
            // Before the disk has it, or after: what would have been sent is lost in both cases.
            let crash = self.faults.crash;
            let before = self.below(1000) < crash;
            if !before {
                for put in puts {
                    match put.value {
                        Some(value) => self.servers[at].disk.insert(put.key, value),
                        None => self.servers[at].disk.remove(&put.key),
                    };
                }
            }
            if before || self.below(1000) < crash {
                let away = 200 + self.below(4000);
                return self.crash(at, away);
            }
            for (key, what) in news {
                self.heard(at, key, what);
            }
            for (to, message) in out {
                self.send(at, to, &message);
            }
        }
    }

    fn heard(&mut self, at: usize, key: EffectKey, what: News) {
        let until = self.now + EFFECT_MS;
        let life = self.servers[at].life;
        match what {
            News::Start { attempt } => {
                assert!(!self.is_client(at), "a client starts nothing");
                self.starts.push((key, attempt, at, life));
                self.servers[at].running.push((until, key));
            }
            News::Doubt { attempt, runner } => {
                assert_ne!((runner.node, runner.life), (node(at), life), "nobody doubts what it runs itself");
                self.servers[at].doubts.insert((key, attempt));
            }
            News::Ended(_) => {
                self.servers[at].ended.insert(key);
            }
            News::Full => unreachable!("a few effects are not too many"),
        }
    }

    fn send(&mut self, from: usize, to: NodeId, message: &Message) {
        let Some(to) = (0..self.servers.len()).find(|at| node(*at) == to) else { return };
        let bytes = message.encode();
        self.trace.update(&self.now.to_be_bytes()).update(&bytes);
        let copies = 1 + u64::from(from != to && self.below(1000) < self.faults.doubled);
        for _ in 0..copies {
            if from != to && (self.below(1000) < self.faults.lost || self.apart.contains(&(from, to))) {
                continue;
            }
            let delay = if from == to { 0 } else { 1 + self.below(self.faults.delay_ms) };
            self.sent += 1;
            let letter = (from, to, self.servers[to].life, bytes.clone());
            self.under_way.insert((self.now + delay, self.sent), letter);
        }
    }

    fn step(&mut self) {
        self.now += STEP_MS;
        let now = self.now;
        let clients: Vec<usize> = (0..self.servers.len()).filter(|at| self.is_client(*at)).collect();
        while let Some(first) = self.under_way.first_entry() {
            if first.key().0 > now {
                break;
            }
            let (from, to, to_life, bytes) = first.remove();
            // A connection ends with the process at either end.
            let server = &mut self.servers[to];
            if !server.up || server.life != to_life {
                continue;
            }
            let message = Message::decode(&bytes).expect("what was encoded");
            if let Message::Answers(answers) = &message {
                server.asker.answers(node(from), answers, now);
            } else if let Some(decider) = &mut server.decider {
                let is_server = !clients.contains(&from);
                assert_eq!(decider.handle(node(from), is_server, message, now), Ok(()), "honest nodes are not refused");
            }
            self.pump(to);
        }
        for at in 0..self.servers.len() {
            if !self.servers[at].up {
                if self.servers[at].back_at <= now {
                    self.start(at);
                }
                continue;
            }
            let server = &mut self.servers[at];
            if let Some(decider) = &mut server.decider {
                decider.tick(now);
            }
            server.asker.tick(now);
            let (done, running) = server.running.iter().partition(|(until, _)| *until <= now);
            server.running = running;
            let done: Vec<(u64, EffectKey)> = done;
            for (_, key) in done {
                server.asker.ended(key, true, now);
            }
            self.pump(at);
        }
        self.check();
    }

    /// What must never be.
    fn check(&self) {
        let mut seen = BTreeSet::new();
        for (key, attempt, at, _) in &self.starts {
            assert!(seen.insert((key, attempt)), "{key} was started twice in attempt {attempt}, the last time at {at}");
        }
    }

    fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / STEP_MS {
            self.step();
        }
    }

    fn heal(&mut self) {
        self.faults = CALM;
        self.apart.clear();
        for server in &mut self.servers {
            server.back_at = 0;
        }
    }

    fn part(&mut self, one: &[usize]) {
        for a in 0..self.servers.len() {
            for b in 0..self.servers.len() {
                if one.contains(&a) != one.contains(&b) {
                    self.apart.insert((a, b));
                }
            }
        }
    }

    /// After everything is well again: each effect has ended, or everybody was told that it is in doubt.
    fn conclude(&self, keys: &[EffectKey]) {
        for key in keys {
            let start = self.starts.iter().rev().find(|(started, ..)| started == key);
            let lives = start.is_some_and(|(_, _, at, life)| self.servers[*at].life == *life);
            for server in self.servers.iter().filter(|server| server.wants.contains(key)) {
                let doubt = server.doubts.iter().any(|(doubted, _)| doubted == key);
                let ended = server.ended.contains(key);
                assert!(ended || doubt, "server {} knows nothing of {key}, which was started: {start:?}", server.at);
                if !lives {
                    // It may have told of the end before its own.
                    continue;
                }
                assert!(ended, "server {} does not know that {key} has ended", server.at);
            }
        }
    }
}

fn chaos(seed: u64, count: usize, deciders: usize) -> World {
    let mut world = World::new(seed, count, deciders, BAD);
    let keys: Vec<EffectKey> = (0..6).map(|key| EffectKey(key + 1)).collect();
    for round in 0..40 {
        for _ in 0..2 {
            let (at, key) = (place(world.below(count as u64)), place(world.below(6)));
            if round > 2 {
                world.want(at, keys[key]);
            }
        }
        match world.below(6) {
            0 => {
                let one: Vec<usize> = (0..count).filter(|_| world.random.next_u64().is_multiple_of(2)).collect();
                world.part(&one);
            }
            1 => {
                let (a, b) = (place(world.below(count as u64)), place(world.below(count as u64)));
                world.apart.insert((a, b));
            }
            2 | 3 => world.apart.clear(),
            _ => {}
        }
        let length = 100 + world.below(800);
        world.run(length);
    }
    world.heal();
    for at in 0..count {
        keys.iter().for_each(|key| world.want(at, *key));
    }
    world.run(4000 + SILENCE_MS + 8000);
    world.conclude(&keys);
    world
}

#[test]
fn three_deciders_start_each_effect_at_most_once_whatever_fails() {
    let mut doubts = 0;
    for seed in 0..60 {
        let world = chaos(seed, 6, 3);
        doubts += world.servers.iter().map(|server| server.doubts.len()).sum::<usize>();
    }
    assert!(doubts > 50, "processes that end at bad moments leave doubts: {doubts}");
}

#[test]
fn five_deciders_start_each_effect_at_most_once_whatever_fails() {
    for seed in 0..30 {
        chaos(seed, 7, 5);
    }
}

#[test]
fn one_decider_starts_each_effect_at_most_once_whatever_fails() {
    for seed in 0..60 {
        chaos(seed, 3, 1);
    }
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    for seed in 0..3 {
        let (one, other) = (chaos(seed, 6, 3), chaos(seed, 6, 3));
        assert_eq!(one.trace.finalize(), other.trace.finalize());
        assert_ne!(one.trace.finalize(), chaos(seed + 100, 6, 3).trace.finalize());
    }
}

#[test]
fn without_a_majority_nothing_is_started_and_with_one_it_soon_is() {
    let key = EffectKey(7);
    let mut world = World::new(1, 5, 5, CALM);
    world.part(&[0, 1]);
    world.run(5000);
    world.want(0, key);
    world.run(60_000);
    assert_eq!(world.starts, Vec::new());
    assert_eq!(world.servers[0].asker.waiting(), [Waiting { key, reachable: true, since: 5000, obstacle: None }]);
    world.apart.clear();
    let healed = world.now;
    while world.starts.is_empty() {
        world.step();
        assert!(world.now < healed + 7000, "started soon after a majority is together");
    }
    assert_eq!(world.starts.len(), 1);
    assert_eq!(world.starts[0].2, 0, "at the server that asked");
}

#[test]
fn one_who_decides_alone_does_so_at_once() {
    let mut world = World::new(1, 1, 1, CALM);
    world.want(0, EffectKey(7));
    world.run(50);
    assert_eq!(world.starts.len(), 1);
}

/// Three decide, and an effect runs at a fourth server.
fn started_at_the_fourth() -> (EffectKey, World) {
    let key = EffectKey(7);
    let mut world = World::new(3, 4, 3, CALM);
    world.run(4000);
    world.want(3, key);
    while world.starts.is_empty() {
        world.step();
    }
    (key, world)
}

#[test]
fn an_effect_whose_node_has_ended_is_in_doubt_and_runs_again_only_on_request() {
    let (key, mut world) = started_at_the_fourth();
    world.crash(3, 2000);
    (0..3).for_each(|at| world.want(at, key));
    world.run(2000 + SILENCE_MS + 8000);
    for at in 0..4 {
        assert!(world.servers[at].doubts.contains(&(key, 1)), "server {at} is told");
    }
    assert_eq!(world.starts.len(), 1);
    // Several ask for it at one time: it runs once more.
    for at in [1, 2] {
        let now = world.now;
        world.servers[at].asker.ask(key, Ask::After(1), now);
    }
    world.run(5000);
    assert_eq!(world.starts.len(), 2);
    // The request, made again later, is about an attempt that is over.
    let now = world.now;
    world.servers[0].asker.ask(key, Ask::After(1), now);
    world.run(20_000);
    assert_eq!(world.starts.len(), 2);
    (0..3).for_each(|at| assert!(world.servers[at].ended.contains(&key), "server {at} knows its end"));
}

#[test]
fn the_end_of_an_effect_that_ran_for_long_is_waited_for() {
    let (key, mut world) = started_at_the_fourth();
    world.servers[3].running = vec![(world.now + 60_000, key)];
    world.run(10_000);
    let now = world.now;
    let asker = &mut world.servers[3].asker;
    asker.ended(key, true, now);
    assert!(asker.busy_until().is_some_and(|until| until > now), "{:?} at {now}", asker.busy_until());
}

#[test]
fn who_has_had_its_effects_of_a_minute_gets_more_in_the_next() {
    let mut world = World::new(1, 1, 1, CALM);
    world.servers[0].decider.as_mut().expect("it decides").grants_per_minute = 5;
    (0..6).for_each(|key| world.want(0, EffectKey(key)));
    world.run(20_000);
    assert_eq!(world.starts.len(), 5);
    world.run(60_000);
    assert_eq!(world.starts.len(), 6);
}

#[test]
fn an_effect_that_runs_is_not_run_again_on_request() {
    let (key, mut world) = started_at_the_fourth();
    world.servers[3].running = vec![(world.now + 60_000, key)];
    world.want(0, key);
    let now = world.now;
    world.servers[0].asker.ask(key, Ask::After(1), now);
    world.run(50_000);
    assert_eq!((world.starts.len(), world.servers[0].doubts.len()), (1, 0));
    assert_eq!(obstacle(&world, 0), Some(Obstacle::Running(1)));
    world.run(20_000);
    assert!(world.servers[3].ended.contains(&key));
    assert!(world.servers[0].ended.contains(&key), "who asked for it once more hears that it has ended well");
    assert_eq!(world.servers[0].asker.waiting(), []);
}

fn obstacle(world: &World, at: usize) -> Option<Obstacle> {
    world.servers[at].asker.waiting().first().and_then(|waiting| waiting.obstacle)
}

#[test]
fn what_is_not_in_doubt_is_told_as_that_to_who_asks_for_it_once_more() {
    let mut world = World::new(3, 4, 3, CALM);
    world.run(4000);
    let key = EffectKey(7);
    let now = world.now;
    world.servers[3].asker.ask(key, Ask::After(1), now);
    world.run(2000);
    assert_eq!(obstacle(&world, 3), Some(Obstacle::NeverStarted));
    let (key, mut world) = started_at_the_fourth();
    world.servers[3].running = vec![(world.now + 60_000, key)];
    let now = world.now;
    world.servers[0].asker.ask(key, Ask::After(5), now);
    world.run(2000);
    assert_eq!(obstacle(&world, 0), Some(Obstacle::Last(1)));
    assert_eq!(world.starts.len(), 1);
}

#[test]
fn those_who_decide_go_over_to_a_new_list_one_by_one() {
    let mut world = World::new(5, 5, 3, CALM);
    world.run(4000);
    world.want(0, EffectKey(1));
    world.run(2000);
    // 1 stays, 0 and 2 go, 3 and 4 come.
    let list = world.servers[0].list.clone().expect("a list").next([1, 3, 4].map(member).to_vec(), 0).expect("a list");
    for at in [1, 3, 4, 0, 2] {
        world.servers[at].list = Some(list.clone());
        world.crash(at, 10);
        world.run(4000);
    }
    world.run(20_000);
    for at in [1, 3, 4] {
        let decider = world.servers[at].decider.as_ref().expect("decides");
        let members: Vec<NodeId> = decider.members().map(|member| member.node).collect();
        assert_eq!(members, [node(1), node(3), node(4)], "as server {at} knows it");
        assert!(decider.ledger().get(EffectKey(1)).is_some(), "server {at} knows what was decided before");
    }
    // The old ones are gone for good.
    for at in [0, 2] {
        world.crash(at, 1_000_000);
    }
    world.want(3, EffectKey(2));
    world.want(4, EffectKey(1));
    world.run(10_000);
    let started: Vec<EffectKey> = world.starts.iter().map(|start| start.0).collect();
    assert_eq!(started, [EffectKey(1), EffectKey(2)]);
}
