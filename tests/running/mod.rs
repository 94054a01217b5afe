//! The laws, asked of the store that runs: two nodes update, hearing of each other or not, and others take in what they have to
//! tell as the messages that travel, in either order, one by one, twice, and by way of a third.

use lasp::compile::Session;
use lasp::lattice::dot::Lane;
use lasp::lattice::dot::ReplicaId;
use lasp::node::Image;
use lasp::node::Input;
use lasp::node::Node;
use lasp::node::Settings;
use lasp::node::Turn;
use lasp::replica::PeerId;
use lasp::replica::Role;
use lasp::value::kind::Type;
use lasp::value::term::Term;

const FUEL: u64 = 1_000_000;

/// What is refused (a second value of an `ivar`, rights that are not there) changes nothing, and the rest goes on.
fn image(kind: &Type) -> Image {
    let program = format!(
        "V = declare({kind}). act([]) -> ok; act([Op | Rest]) -> sleep(1), try_update(V, Op), act(Rest). act(arg(ops, []))."
    );
    let (mut session, library) = Session::new();
    let (unit, _) = session.program("laws.lasp", &program).unwrap_or_else(|said| panic!("{program}: {said:#?}"));
    Image::new(session, &library, &unit)
}

struct Member {
    node: Node,
    number: u32,
    now_ms: u64,
    met: Vec<u32>,
}

/// What a node has, to be compared: its value, and what it has seen.
type State = (Vec<Term>, Vec<(Lane, u64)>);

impl Member {
    fn new(image: &Image, number: u32, operations: &[&Term]) -> Member {
        let operations: Vec<Term> = operations.iter().map(|operation| (*operation).clone()).collect();
        let settings = Settings {
            name: format!("n{number}"),
            replica: number,
            role: Term::atom("undefined"),
            arguments: vec![("ops".to_owned(), Term::list(operations))],
            identity: ReplicaId(u128::from(number + 1) << 64),
            seed: 0,
            watch: false,
        };
        let mut member = Member { node: Node::of(settings, image), number, now_ms: 0, met: Vec::new() };
        // The declarations.
        member.goes_on();
        member
    }

    /// Runs until it sleeps or is at its end.
    fn goes_on(&mut self) {
        while self.node.one_turn(self.now_ms, FUEL) != Turn::Nothing {}
        while self.node.poll_output().is_some() {}
    }

    /// The next operation.
    fn acts(&mut self) {
        self.now_ms = self.node.sleeps_until().unwrap_or(self.now_ms);
        self.node.handle(Input::Tick, self.now_ms);
        self.goes_on();
    }

    fn state(&mut self) -> State {
        let values = self.node.finals().into_iter().map(|last| last.value).collect();
        let mut seen = self.node.seen();
        seen.sort();
        (values, seen)
    }

    /// What it has to tell another one, in messages of so many updates at most: the next of these.
    fn tells(&self, other: &Member, most: usize) -> Option<Vec<u8>> {
        self.node.updates_for(&other.node.seen(), most)
    }

    fn hears(&mut self, from: u32, bytes: Vec<u8>) {
        let peer = PeerId(u64::from(from));
        if !self.met.contains(&from) {
            self.met.push(from);
            let (name, incarnation) = (format!("n{from}"), ReplicaId(u128::from(from + 1) << 64));
            self.node.handle(Input::Connected { peer, name, incarnation, role: Role::Server }, self.now_ms);
        }
        self.node.handle(Input::Received { peer, bytes }, self.now_ms);
        while self.node.poll_output().is_some() {}
    }

    /// Takes in all that another one has. Gives the messages.
    fn joins(&mut self, other: &Member, most: usize) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while let Some(bytes) = other.tells(self, most) {
            messages.push(bytes.clone());
            self.hears(other.number, bytes);
            assert!(messages.len() < 100, "what was taken in is told again and again");
        }
        messages
    }
}

/// What is wrong with the merging of a type's states, in one history: the first does one thing and another, the second one
/// thing, and what has been heard by then is in `heard`.
fn wrong(image: &Image, [one, two, three]: [&Term; 3], heard: [bool; 2]) -> Option<String> {
    let mut a = Member::new(image, 0, &[one, three]);
    let mut b = Member::new(image, 1, &[two]);
    a.acts();
    if heard[0] {
        b.joins(&a, usize::MAX);
    }
    b.acts();
    if heard[1] {
        a.joins(&b, usize::MAX);
    }
    a.acts();
    let mut first = Member::new(image, 4, &[]);
    let bottom = first.state();
    let mut told = first.joins(&a, usize::MAX);
    told.extend(first.joins(&b, usize::MAX));
    let mut second = Member::new(image, 5, &[]);
    second.joins(&b, usize::MAX);
    second.joins(&a, usize::MAX);
    let mut single = Member::new(image, 6, &[]);
    single.joins(&b, 1);
    single.joins(&a, 1);
    let mut grouped = Member::new(image, 7, &[]);
    grouped.joins(&first, usize::MAX);
    let whole = first.state();
    for (how, member) in
        [("the other way round", &mut second), ("one by one", &mut single), ("by way of a third", &mut grouped)]
    {
        if member.state() != whole {
            return Some(format!("{how}: {:?} instead of {whole:?}", member.state()));
        }
    }
    for bytes in told {
        first.hears(0, bytes);
    }
    if first.state() != whole {
        return Some(format!("twice: {:?} instead of {whole:?}", first.state()));
    }
    let empty = Member::new(image, 8, &[]);
    if first.tells(&second, usize::MAX).is_some() || empty.tells(&first, usize::MAX).is_some() {
        return Some("equal states, or the bottom, have something to tell".to_owned());
    }
    (whole.1 == bottom.1 && whole.0 != bottom.0).then(|| "a value without an update".to_owned())
}

#[test]
fn the_running_store_merges_by_the_laws_in_every_short_history() {
    let mut findings = Vec::new();
    for (kind, operations) in super::types() {
        let image = image(&kind);
        let all = operations.iter().flat_map(|one| operations.iter().map(move |two| (one, two)));
        for (one, two) in all {
            for three in &operations {
                for heard in [[false, false], [true, false], [false, true]] {
                    if let Some(what) = wrong(&image, [one, two, three], heard) {
                        findings.push(format!("{kind}: {one}, {two}, {three}, heard {heard:?}: {what}"));
                    }
                }
            }
        }
    }
    assert!(findings.is_empty(), "{}\n", findings[..findings.len().min(10)].join("\n"));
}
