//! Who is connected with whom, and which events happen when.

use lasp::lattice::sum::Sum;
use lasp::value::content::Content;
use lasp::value::content::Tally;
use lasp::value::kind::Type;
use lasp::value::term::Term;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use triomphe::Arc;

pub(crate) const NODES: usize = 15;
pub(crate) const EVENTS: u64 = 100;
pub(crate) const INTERVAL_MS: u64 = 1000;
/// How long a message is under way.
pub(crate) const LINK_MS: u64 = 10;
const KEYS: usize = 1000;
/// As long as the identities in lasp's own tables.
pub(crate) const IDENTITY_BYTES: u64 = 16;

/// The neighbours of each node.
pub(crate) type Topology = Vec<Vec<usize>>;

fn undirected(edges: &[(usize, usize)]) -> Topology {
    let mut neighbours = vec![Vec::new(); NODES];
    for &(a, b) in edges {
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    neighbours
}

/// The tree of their experiment: no node has more than three neighbours.
pub(crate) fn tree() -> Topology {
    let edges = [
        (0, 1),
        (0, 8),
        (0, 13),
        (1, 6),
        (2, 5),
        (3, 10),
        (4, 5),
        (5, 6),
        (6, 10),
        (7, 13),
        (8, 9),
        (8, 14),
        (10, 12),
        (11, 13),
    ];
    undirected(&edges)
}

/// A mesh as in their experiment: each node has four neighbours.
pub(crate) fn mesh() -> Topology {
    let edges: Vec<(usize, usize)> =
        (0..NODES).flat_map(|node| [(node, (node + 1) % NODES), (node, (node + 4) % NODES)]).collect();
    undirected(&edges)
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Set,
    Counter,
    /// How many per cent of a node's keys change with each event.
    Map(usize),
}

impl Kind {
    pub(crate) fn name(self) -> String {
        match self {
            Kind::Set => "unique adds to a grow-only set".to_owned(),
            Kind::Counter => "increments of a grow-only counter".to_owned(),
            Kind::Map(percent) => format!("a map with {percent} % of its keys changed"),
        }
    }

    pub(crate) fn variable(self) -> Type {
        match self {
            Kind::Set => Type::GSet,
            Kind::Counter => Type::GCounter,
            Kind::Map(_) => Type::GMap(Box::new(Type::LwwRegister)),
        }
    }
}

/// An irreducible part of the state: of parts with the same key the one of the highest rank counts.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) key: u64,
    pub(crate) rank: u64,
    pub(crate) content: Content,
    /// How many bytes it takes where it is sent.
    pub(crate) bytes: u64,
}

pub(crate) enum Act {
    /// A node's event.
    Write(Vec<Part>),
    /// A node sends to its neighbours.
    Send,
}

/// What happens when: by time, at which node.
pub(crate) struct Schedule {
    pub(crate) kind: Kind,
    pub(crate) acts: Vec<(u64, usize, Act)>,
    /// When each node sends, within the interval.
    pub(crate) phases: Vec<u64>,
}

impl Schedule {
    pub(crate) fn new(kind: Kind, seed: u64) -> Schedule {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |most: u64| random.next_u64() % most;
        let phases: Vec<(u64, u64)> = (0..NODES).map(|_| (below(INTERVAL_MS), below(INTERVAL_MS))).collect();
        let mut acts = Vec::new();
        for event in 1..=EVENTS {
            for (node, (writes, sends)) in phases.iter().enumerate() {
                let start = (event - 1) * INTERVAL_MS;
                acts.push((start + writes, node, Act::Write(parts(kind, node, event, start, &mut below))));
                acts.push((start + sends, node, Act::Send));
            }
        }
        acts.sort_by_key(|&(time, node, _)| (time, node));
        Schedule { kind, acts, phases: phases.into_iter().map(|(_, sends)| sends).collect() }
    }
}

/// What one event of a node comes to.
fn parts(kind: Kind, node: usize, event: u64, now: u64, below: &mut impl FnMut(u64) -> u64) -> Vec<Part> {
    let part = |key: u64, rank: u64, content: Content, more: u64| {
        let bytes = postcard::to_allocvec(&content).expect("in memory").len() as u64 + more;
        Part { key, rank, content, bytes }
    };
    match kind {
        Kind::Set => {
            // As in their experiment: the node's name and the event's number.
            let name = format!("{:016x}#{event}", (node as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            vec![part((node as u64) << 32 | event, 0, Content::Element(Term::text(name)), 0)]
        }
        Kind::Counter => {
            let tally = Tally { up: Sum::small(event as i64), down: Sum::default() };
            // In a state, each count stands with its node's identity.
            vec![part(node as u64, event, Content::Tally(Box::new(tally)), IDENTITY_BYTES)]
        }
        Kind::Map(percent) => {
            // Each node has keys of its own.
            let each = KEYS / NODES + 1;
            let mut keys: Vec<usize> = (node * each..((node + 1) * each).min(KEYS)).collect();
            let count = (percent * each / 100 + 1).min(keys.len());
            let mut chosen = Vec::new();
            for _ in 0..count {
                chosen.push(keys.swap_remove(below(keys.len() as u64) as usize));
            }
            let rank = 1_700_000_000_000_000_000 + (now * 1000 + event) * 1000;
            let stamped = |key: usize| {
                let register = Content::Stamped(Box::new((Term::Int(rank as i64), Term::text(""))));
                part(key as u64, rank, Content::Entry(Arc::new((Term::Int(key as i64), register))), 0)
            };
            chosen.into_iter().map(stamped).collect()
        }
    }
}
