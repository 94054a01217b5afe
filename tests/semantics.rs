//! The engine agrees with the [`model`] of what concurrent updates mean after every step of every short history of two replicas,
//! and of random longer ones of three.

mod model;

use std::collections::BTreeSet;

use lasp::engine::Author;
use lasp::engine::BaseChange;
use lasp::engine::Engine;
use lasp::engine::Evaluate;
use lasp::engine::Failed;
use lasp::graph::VariableId;
use lasp::lattice::dot::Dot;
use lasp::lattice::dot::ReplicaIndex;
use lasp::lattice::laws::Causal;
use lasp::lattice::laws::Lattice;
use lasp::value::content::Content;
use lasp::value::kind::Type;
use lasp::value::operation::Op;
use lasp::value::reference::Name;
use lasp::value::reference::Reference;
use lasp::value::term::Term;
use model::Act;
use model::Event;
use model::all;
use model::bottom;
use model::meaning;
use proptest::collection::vec;
use proptest::prelude::*;

/// No function is called here.
struct Nothing;

impl Evaluate for Nothing {
    fn call(&mut self, _: &Term, _: &[Term]) -> Result<Term, Failed> {
        Err(Failed(0))
    }
}

const VARIABLE: VariableId = VariableId(0);

/// Replicas of one variable: their entries, and which updates each has seen.
#[derive(Clone)]
struct World<'a> {
    kind: &'a Type,
    replicas: Vec<(Causal<Dot, Content>, BTreeSet<usize>)>,
    events: Vec<Event>,
    dots: u64,
}

impl World<'_> {
    fn new(kind: &Type, replicas: usize) -> World<'_> {
        World { kind, replicas: vec![(Causal::bottom(), BTreeSet::new()); replicas], events: Vec::new(), dots: 0 }
    }

    fn engine(&self, replica: usize) -> Engine {
        let mut engine = Engine::new();
        let reference = Reference { name: Name::Given(Term::atom("x")), kind: self.kind.clone(), dynamic: false };
        engine.declare(&reference).expect("a new name");
        let entry = |(dot, content): (&Dot, &Content)| BaseChange {
            variable: VARIABLE,
            dot: *dot,
            content: content.clone(),
            slot: false,
            present: true,
        };
        engine.apply(self.replicas[replica].0.live.iter().map(entry).collect(), &mut Nothing);
        engine
    }

    fn update(&mut self, replica: usize, act: &Act) {
        let op = Op::parse(self.kind, &act.term()).expect("an operation of the type");
        let me = ReplicaIndex(u32::try_from(replica).expect("few replicas"));
        let Ok(effect) = self.engine(replica).prepare(VARIABLE, &op, &Author::alone(me, replica as u128)) else {
            return;
        };
        for write in effect.writes {
            self.dots += 1;
            let dot = Dot::new(me, self.dots).expect("few events");
            self.replicas[replica].0.write(dot, write.content, &write.removes);
        }
        let (number, saw) = (self.events.len(), self.replicas[replica].1.clone());
        self.events.push(Event { number, replica, act: act.clone(), saw });
        self.replicas[replica].1.insert(number);
        self.check(replica);
    }

    fn merge(&mut self, into: usize, from: usize) {
        let (state, seen) = self.replicas[from].clone();
        self.replicas[into].0.merge(&state);
        self.replicas[into].1.extend(seen);
        self.check(into);
    }

    fn check(&self, replica: usize) {
        let seen: Vec<Event> =
            self.events.iter().filter(|event| self.replicas[replica].1.contains(&event.number)).cloned().collect();
        let meant = meaning(self.kind, &seen, &[]).unwrap_or_else(|| bottom(self.kind));
        let value = self.engine(replica).value(VARIABLE);
        assert_eq!(value, meant, "{} after {seen:#?}", self.kind);
    }
}

/// Every history of so many more steps.
fn every_history(world: &World, acts: &[Act], steps: usize) {
    if steps == 0 {
        return;
    }
    for replica in 0..2 {
        for act in acts {
            let mut next = world.clone();
            next.update(replica, act);
            every_history(&next, acts, steps - 1);
        }
        let mut next = world.clone();
        next.merge(replica, 1 - replica);
        if next.replicas[replica].1 != world.replicas[replica].1 {
            every_history(&next, acts, steps - 1);
        }
    }
}

#[test]
fn the_engine_agrees_with_the_model_in_every_short_history() {
    for (kind, acts) in all() {
        // The first step is the first replica's, as well as the second's.
        for act in &acts {
            let mut world = World::new(&kind, 2);
            world.update(0, act);
            every_history(&world, &acts, if acts.len() > 3 { 3 } else { 4 });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_model_in_longer_histories(steps in vec((0..3usize, 0..9usize), 5..20)) {
        for (kind, acts) in all() {
            let mut world = World::new(&kind, 3);
            for (replica, step) in &steps {
                match step {
                    0..6 => world.update(*replica, &acts[step % acts.len()]),
                    _ => world.merge(*replica, (replica + 1 + step % 2) % 3),
                }
            }
        }
    }
}
