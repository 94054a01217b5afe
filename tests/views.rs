//! Views: nodes that use a variable without having what is derived into it, over a network that is played by hand.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]

use lasp::compile::Session;
use lasp::lattice::dot::ReplicaId;
use lasp::node::Input;
use lasp::node::Node;
use lasp::node::Output;
use lasp::node::Progress;
use lasp::node::Settings;
use lasp::replica::PeerId;
use lasp::replica::Role;
use lasp::value::term::Term;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Steps of a node between looks at its outputs.
const FUEL: u64 = 1_000_000;
/// The first byte of messages about views.
const VIEWS: u8 = 0x83;

struct Place {
    node: Option<Node>,
    role: Role,
    reports: Vec<(&'static str, String)>,
    printed: Vec<String>,
    /// Bytes of all that has reached it, and of views.
    bytes: usize,
    view_bytes: usize,
    /// What must not be in any of that.
    secret: Option<&'static [u8]>,
}

struct Link {
    ends: [usize; 2],
    peers: [PeerId; 2],
}

/// Nodes and what is between them.
struct Net {
    places: Vec<Place>,
    links: Vec<Link>,
    /// When, from which connection, to whom, what.
    messages: Vec<(u64, PeerId, usize, Vec<u8>)>,
    now_ms: u64,
    random: ChaCha8Rng,
    peers: u64,
    lost: u64,
    doubled: u64,
    delay_ms: u64,
}

impl Net {
    fn new(seed: u64) -> Net {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let (places, links, messages) = (Vec::new(), Vec::new(), Vec::new());
        Net { places, links, messages, now_ms: 1, random, peers: 0, lost: 0, doubled: 0, delay_ms: 1 }
    }

    /// The same with so many of a hundred messages lost, doubled, and each up to so late.
    fn bad(seed: u64, lost: u64, doubled: u64, delay_ms: u64) -> Net {
        Net { lost, doubled, delay_ms, ..Net::new(seed) }
    }

    fn start(&mut self, role: Role, program: &str) -> usize {
        let number = self.places.len();
        let (mut session, library) = Session::new();
        let (unit, _) = session.program("test.lasp", program).unwrap_or_else(|said| panic!("{program}: {said:#?}"));
        let settings = Settings {
            name: format!("n{number}"),
            replica: 0,
            role: Term::atom("undefined"),
            arguments: Vec::new(),
            identity: ReplicaId::of((number as u128 + 1) << 100, 1),
            seed: number as u64,
            watch: false,
        };
        let mut node = Node::new(settings, session, &library, &unit);
        node.set_certificate(role);
        let (reports, printed) = (Vec::new(), Vec::new());
        self.places.push(Place { node: Some(node), role, reports, printed, bytes: 0, view_bytes: 0, secret: None });
        self.work(number);
        number
    }

    fn server(&mut self, program: &str) -> usize {
        self.start(Role::Server, program)
    }

    fn client(&mut self, program: &str) -> usize {
        self.start(Role::Client, program)
    }

    fn connect(&mut self, a: usize, b: usize) {
        let peers = [PeerId(self.peers + 1), PeerId(self.peers + 2)];
        self.peers += 2;
        self.links.push(Link { ends: [a, b], peers });
        for (node, other, peer) in [(a, b, peers[0]), (b, a, peers[1])] {
            let incarnation = ReplicaId::of((other as u128 + 1) << 100, 1);
            let role = self.places[other].role;
            self.give(node, Input::Connected { peer, name: format!("n{other}"), incarnation, role });
        }
    }

    fn disconnect(&mut self, node: usize) {
        let gone: Vec<Link>;
        (gone, self.links) = std::mem::take(&mut self.links).into_iter().partition(|link| link.ends.contains(&node));
        for link in gone {
            self.messages.retain(|(_, peer, ..)| !link.peers.contains(peer));
            for (end, peer) in link.ends.into_iter().zip(link.peers) {
                self.give(end, Input::Lost { peer });
            }
        }
    }

    /// A node is gone, with what only it had.
    fn crash(&mut self, node: usize) {
        self.places[node].node = None;
        self.disconnect(node);
    }

    fn give(&mut self, at: usize, input: Input) {
        if let Some(node) = &mut self.places[at].node {
            node.handle(input, self.now_ms);
        }
        self.work(at);
    }

    fn type_line(&mut self, at: usize, text: &str) {
        self.give(at, Input::Typed { text: text.to_owned() });
    }

    fn below(&mut self, most: u64) -> u64 {
        self.random.next_u64() % most.max(1)
    }

    fn work(&mut self, at: usize) {
        for _ in 0..1000 {
            let Some(node) = &mut self.places[at].node else { return };
            let progress = node.run(self.now_ms, FUEL);
            let outputs: Vec<Output> = std::iter::from_fn(|| node.poll_output()).collect();
            let quiet = outputs.is_empty();
            for output in outputs {
                match output {
                    Output::Send { peer, bytes } => self.send(at, peer, &bytes),
                    Output::Broadcast { bytes, .. } => {
                        let mine = |link: &Link| {
                            link.ends.iter().zip(link.peers).find(|(end, _)| **end == at).map(|(_, peer)| peer)
                        };
                        let peers: Vec<PeerId> = self.links.iter().filter_map(mine).collect();
                        peers.into_iter().for_each(|peer| self.send(at, peer, &bytes));
                    }
                    Output::Report(said) => self.places[at].reports.push((said.code, said.title)),
                    Output::Print { text, .. } => self.places[at].printed.push(text),
                    Output::Disconnect { code, reason, .. } => self.places[at].reports.push((code, reason)),
                    _ => {}
                }
            }
            if quiet && progress == Progress::Idle {
                return;
            }
        }
    }

    fn send(&mut self, from: usize, peer: PeerId, bytes: &[u8]) {
        let Some(link) = self.links.iter().find(|link| link.peers.contains(&peer)) else { return };
        let side = usize::from(link.ends[0] == from);
        let (to, arrives) = (link.ends[side], link.peers[side]);
        if self.below(100) < self.lost {
            return;
        }
        let copies = 1 + u64::from(self.below(100) < self.doubled);
        for _ in 0..copies {
            let at = self.now_ms + 1 + self.below(self.delay_ms);
            self.messages.push((at, arrives, to, bytes.to_vec()));
        }
    }

    /// Lets time pass.
    fn run(&mut self, milliseconds: u64) {
        let end = self.now_ms + milliseconds;
        while self.now_ms < end {
            self.now_ms += 1;
            let (due, later) = std::mem::take(&mut self.messages).into_iter().partition(|(at, ..)| *at <= self.now_ms);
            self.messages = later;
            let due: Vec<(u64, PeerId, usize, Vec<u8>)> = due;
            for (_, peer, to, bytes) in due {
                let place = &mut self.places[to];
                place.bytes += bytes.len();
                place.view_bytes += if bytes[0] == VIEWS { bytes.len() } else { 0 };
                if let Some(secret) = place.secret {
                    let found = bytes.windows(secret.len()).any(|part| part == secret);
                    assert!(!found, "something of a topic that it does not take reached n{to}: {bytes:?}");
                }
                self.give(to, Input::Received { peer, bytes });
            }
            for at in 0..self.places.len() {
                let due =
                    self.places[at].node.as_ref().and_then(Node::next_timer).is_some_and(|due| due <= self.now_ms);
                if due {
                    self.give(at, Input::Tick);
                }
            }
        }
    }

    fn calm(&mut self) {
        (self.lost, self.doubled, self.delay_ms) = (0, 0, 1);
    }

    fn value(&mut self, at: usize, name: &str) -> Term {
        let finals = self.places[at].node.as_mut().expect("it is up").finals();
        finals.into_iter().find(|last| last.name == name).unwrap_or_else(|| panic!("a variable {name}")).value
    }

    fn shown(&mut self, at: usize, name: &str) -> String {
        self.value(at, name).to_string()
    }

    fn codes(&self, at: usize) -> Vec<&'static str> {
        self.places[at].reports.iter().map(|(code, _)| *code).collect()
    }
}

const SOURCES: &str = "
S = declare(set), set_topic(S, source).
T = declare(set), set_topic(T, source).
";
const DERIVED: [(&str, &str, &str); 16] = [
    ("Map", "set", "map(S, fun(X) -> X div 2 end, Map)"),
    ("Filter", "set", "filter(S, fun(X) -> X rem 2 == 0 end, Filter)"),
    ("Union", "set", "union(S, T, Union)"),
    ("Both", "set", "intersection(S, T, Both)"),
    ("Less", "set", "difference(S, T, Less)"),
    ("Pairs", "set", "product(S, T, Pairs)"),
    ("Join", "set", "join(S, T, fun(X) -> X rem 3 end, fun(X) -> X rem 3 end, Join)"),
    ("Equal", "set", "filter(Pairs, fun({X, Y}) -> X == Y end, Equal)"),
    ("Sum", "counter", "fold(S, fun(X) -> {increment, X} end, Sum)"),
    ("Most", "max_int", "fold(S, fun(X) -> {set, X} end, Most)"),
    ("Some", "boolean", "fold(S, fun(X) when X > 5 -> true; (_) -> [] end, Some)"),
    ("Best", "{top_k, [3]}", "fold(S, fun(X) -> {set, X rem 7, X} end, Best)"),
    ("Groups", "{gmap, [counter]}", "group_by(S, fun(X) -> X rem 4 end, fun(X) -> {increment, X} end, Groups)"),
    ("Halves", "{pair, [counter, set]}", "fold(S, fun(X) -> [{fst, {increment, X}}, {snd, {add, X}}] end, Halves)"),
    ("Lately", "{window, [5, counter]}", "fold(S, fun(X) -> {at, X, {increment, 1}} end, Lately)"),
    ("Bound", "set", "bind_to(Bound, S)"),
];

fn declares() -> String {
    DERIVED.iter().map(|(name, kind, _)| format!("{name} = declare({kind}).\n")).collect()
}

fn derives() -> String {
    DERIVED.iter().map(|(_, _, verb)| format!("{verb}.\n")).collect()
}

#[test]
fn a_client_shows_what_a_server_derives_of_every_verb_and_type() {
    for seed in 0..4 {
        let bad = seed > 0;
        let mut net = if bad { Net::bad(seed, 20, 20, 40) } else { Net::new(seed) };
        let server = net.server(&format!("{SOURCES}{}{}", declares(), derives()));
        let client = net.client(&declares());
        net.connect(server, client);
        for round in 0..12 {
            let (variable, verb) = (["S", "T"][net.below(2) as usize], ["add", "add", "rmv"][net.below(3) as usize]);
            let (from, count) = (net.below(20), net.below(5));
            net.type_line(
                server,
                &format!("[update({variable}, {{{verb}, X}}) || X <- lists:seq({from}, {})].", from + count),
            );
            net.run(if round % 3 == 0 { 300 } else { 15 });
        }
        net.calm();
        net.run(20_000);
        for (name, _, verb) in DERIVED {
            assert_eq!(net.shown(client, name), net.shown(server, name), "seed {seed}: {verb}");
        }
        assert!(net.codes(client).is_empty() && net.codes(server).is_empty(), "{:?}", net.places[client].reports);
    }
}

const SECRET: &str = "sourcesource";

#[test]
fn nothing_of_the_sources_topic_reaches_who_does_not_take_it_and_the_view_does() {
    for role in [Role::Client, Role::Server] {
        let mut net = Net::new(1);
        let server = net.server(
            "sourcesource = sourcesource.
            S = declare(sourcesource, set), set_topic(S, source).
            Count = declare(counter).
            fold(S, fun(_) -> increment end, Count).
            [update(S, {add, {sourcesource, X}}) || X <- lists:seq(1, 200)].",
        );
        let thin =
            net.start(role, "Count = declare(counter). interested(other). stream(Count, fun(N) -> print(N) end).");
        net.places[thin].secret = Some(SECRET.as_bytes());
        net.connect(server, thin);
        net.run(3_000);
        assert_eq!(net.shown(thin, "Count"), "200");
        // A change costs a change.
        let before = net.places[thin].view_bytes;
        assert!(before < 500, "{before} bytes of views for one number");
        net.type_line(server, "update(S, {add, {sourcesource, more}}), update(S, {rmv, {sourcesource, 7}}), update(S, {add, {sourcesource, again}}).");
        net.run(1_000);
        assert_eq!(net.shown(thin, "Count"), "201");
        assert_eq!(net.places[thin].printed.last().map(String::as_str), Some("201\n"));
        let cost = net.places[thin].view_bytes - before;
        assert!(cost < 150, "{cost} bytes for a change");
    }
}

#[test]
fn a_change_of_a_large_view_costs_the_change_and_a_new_connection_costs_nothing() {
    let mut net = Net::new(2);
    let server = net.server(
        "S = declare(set). D = declare(set). map(S, fun(X) -> {mapped, X} end, D).
        [update(S, {add, X}) || X <- lists:seq(1, 40000)].",
    );
    let client =
        net.client("D = declare(set). E = declare(counter). fold(D, fun(_) -> increment end, E). interested(x).");
    net.connect(server, client);
    net.run(5_000);
    assert_eq!(net.shown(client, "E"), "40000");
    let whole = net.places[client].view_bytes;
    // More than one message has room for came in parts.
    assert!(whole > 400_000, "{whole}");
    net.type_line(server, "update(S, {add, new}), update(S, {rmv, 77}).");
    net.run(500);
    assert_eq!(net.shown(client, "E"), "40000");
    let change = net.places[client].view_bytes - whole;
    assert!(change < 250, "{change} bytes");
    net.disconnect(client);
    net.run(500);
    net.connect(server, client);
    net.run(2_000);
    let again = net.places[client].view_bytes - whole - change;
    assert!(again < 250, "{again} bytes after a reconnection");
    assert_eq!(net.shown(client, "E"), "40000");
}

#[test]
fn the_next_producer_takes_over_without_going_backwards() {
    let program = |writes: &str| {
        format!("S = declare(set). D = declare(counter). fold(S, fun(X) -> {{increment, X}} end, D). {writes}")
    };
    let mut net = Net::new(3);
    let one = net.server(&program(""));
    let two = net.server(&program(""));
    let client = net.client("D = declare(counter). interested(x). invariant(D, {value, 10}, fun() -> print(met) end).");
    net.connect(one, two);
    net.connect(one, client);
    net.connect(two, client);
    net.run(1_000);
    // What only the first has seen, the second cannot give.
    net.links.remove(0);
    net.type_line(one, "update(S, {add, 10}).");
    net.run(500);
    assert_eq!((net.shown(client, "D"), net.shown(two, "D")), ("10".to_owned(), "0".to_owned()));
    assert_eq!(net.places[client].printed, ["met\n"]);
    net.crash(one);
    net.run(1_000);
    net.type_line(two, "update(S, {add, 5}).");
    net.run(5_000);
    assert_eq!((net.shown(client, "D"), net.shown(two, "D")), ("10".to_owned(), "5".to_owned()));
    assert_eq!(net.codes(client), ["E0317"]);
    // On request it takes what there is.
    let behind = net.places[client].node.as_ref().map(Node::views_behind);
    assert_eq!(behind, Some(vec!["D".to_owned()]));
    net.give(client, Input::Sync);
    net.run(1_000);
    assert_eq!(net.shown(client, "D"), "5");
    net.type_line(two, "update(S, {add, 1}).");
    net.run(500);
    assert_eq!(net.shown(client, "D"), "6");
}

#[test]
fn a_growing_view_never_shrinks_whatever_producers_do() {
    for seed in 0..12 {
        let mut net = Net::bad(seed, 15, 15, 60);
        let program = "S = declare(gset). D = declare(counter). fold(S, fun(_) -> increment end, D).";
        let servers: Vec<usize> = (0..3).map(|_| net.server(program)).collect();
        let client = net.client("D = declare(counter). interested(x).");
        for a in 0..3 {
            net.connect(servers[a], client);
            (0..a).for_each(|b| net.connect(servers[a], servers[b]));
        }
        let (mut shown, mut next) = (0i64, 0);
        for round in 0..60 {
            let at = servers[net.below(3) as usize];
            net.type_line(at, &format!("update(S, {{add, {next}}})."));
            next += 1;
            let pause = net.below(80);
            net.run(pause);
            if round % 10 == 9 {
                // A producer is cut off for a while.
                let cut = servers[net.below(3) as usize];
                net.disconnect(cut);
                let pause = 100 + net.below(600);
                net.run(pause);
                net.connect(cut, client);
                servers.iter().filter(|other| **other != cut).for_each(|other| net.connect(cut, *other));
            }
            let now: i64 = net.shown(client, "D").parse().expect("a number");
            assert!(now >= shown, "seed {seed}: {shown}, then {now}");
            shown = now;
        }
        net.calm();
        net.run(30_000);
        assert_eq!(net.shown(client, "D"), next.to_string(), "seed {seed}");
    }
}

#[test]
fn what_a_client_derives_from_a_view_follows_it_and_its_own_updates_count() {
    let mut net = Net::new(5);
    let server =
        net.server("S = declare(set). D = declare(set). map(S, fun(X) -> X * 10 end, D). update(S, {add, [1, 2]}).");
    let client = net.client(
        "D = declare(set). E = map(D, fun(X) -> {e, X} end). interested(x). update(D, {add, 7}).
        thread(fun() -> read(D, [30]), print(thirty) end).",
    );
    net.connect(server, client);
    net.run(1_000);
    assert_eq!(net.shown(client, "E"), "[{e, 7}, {e, 10}, {e, 20}]");
    assert_eq!(net.shown(server, "D"), "[7, 10, 20]");
    net.type_line(server, "update(S, {rmv, 1}), update(S, {add, 3}).");
    net.run(1_000);
    assert_eq!(net.shown(client, "E"), "[{e, 7}, {e, 20}, {e, 30}]");
    assert_eq!(net.places[client].printed, ["thirty\n"]);
    // A view is nobody's base state: the server's own is what it was.
    net.disconnect(client);
    net.type_line(server, "update(S, {rmv, 2}), update(S, {rmv, 3}).");
    net.run(200);
    net.connect(server, client);
    net.run(2_000);
    assert_eq!((net.shown(server, "D"), net.shown(client, "D")), ("[7]".to_owned(), "[7]".to_owned()));
}

#[test]
fn a_derivation_of_its_own_takes_the_place_of_the_view() {
    let mut net = Net::new(6);
    let derivation = "fold(S, fun(X) -> {increment, X} end, D).";
    let server =
        net.server(&format!("S = declare(set). D = declare(counter). {derivation} update(S, {{add, [1, 2]}})."));
    let other = net.server("S = declare(set). D = declare(counter). stream(D, fun(N) -> print(N) end).");
    net.connect(server, other);
    net.run(1_000);
    assert_eq!(net.shown(other, "D"), "3");
    net.type_line(other, derivation);
    // At no time does it count twice, or nothing.
    assert_eq!(net.shown(other, "D"), "3");
    net.run(1_000);
    net.type_line(server, "update(S, {add, 4}).");
    net.run(500);
    assert_eq!(net.shown(other, "D"), "7");
    assert_eq!(net.places[other].printed, ["3\n", "7\n"]);
    let before = net.places[other].view_bytes;
    net.type_line(server, "update(S, {add, 5}).");
    net.run(2_000);
    assert_eq!((net.shown(other, "D"), net.places[other].view_bytes - before), ("12".to_owned(), 0));
}

#[test]
fn a_derivation_that_lacks_an_interesting_source_counts_as_not_held() {
    let program =
        "S = declare(set), set_topic(S, source). D = declare(counter). fold(S, fun(X) -> {increment, X} end, D).";
    let mut net = Net::new(7);
    let server = net.server(&format!("{program} update(S, {{add, [1, 2]}})."));
    let thin = net.server(&format!("{program} interested(other)."));
    net.connect(server, thin);
    net.run(1_000);
    assert_eq!((net.shown(thin, "S"), net.shown(thin, "D")), ("[]".to_owned(), "3".to_owned()));
    // It gives nobody what it does not have, and itself does not go backwards when it takes the topic.
    net.type_line(server, "update(S, {add, 4}).");
    net.run(500);
    net.type_line(thin, "interested(source).");
    for _ in 0..200 {
        assert_eq!(net.shown(thin, "D"), "7");
        net.run(10);
    }
    assert_eq!(net.shown(thin, "S"), "[1, 2, 4]");
    net.type_line(thin, "update(S, {add, 8}).");
    assert_eq!(net.shown(thin, "D"), "15");
    assert!(net.codes(thin).is_empty() && net.codes(server).is_empty());
}

#[test]
fn a_server_that_has_nothing_of_it_passes_a_view_on() {
    let mut net = Net::new(8);
    let producer = net.server("S = declare(set). D = declare(set). map(S, fun(X) -> X end, D). update(S, {add, 1}).");
    let between = net.server("Unrelated = declare(set).");
    let client = net.client("D = declare(set).");
    net.connect(producer, between);
    net.connect(between, client);
    net.run(2_000);
    net.type_line(producer, "update(S, {add, 2}), update(S, {rmv, 1}).");
    net.run(1_000);
    assert_eq!(net.shown(client, "D"), "[2]");
    // Nobody asks any longer: then it takes nothing either.
    net.crash(client);
    net.run(500);
    let before = net.places[between].view_bytes;
    net.type_line(producer, "update(S, {add, 3}).");
    net.run(1_000);
    assert_eq!(net.places[between].view_bytes, before);
}

#[test]
fn the_one_that_has_most_of_the_derivations_gives() {
    let mut net = Net::new(9);
    let names = "S = declare(set). D = declare(set).";
    let one = net.server(&format!("{names} map(S, fun(X) -> {{a, X}} end, D). update(S, {{add, 1}})."));
    let both = net.server(&format!("{names} map(S, fun(X) -> {{b, X}} end, D). map(S, fun(X) -> {{c, X}} end, D)."));
    let client = net.client("D = declare(set). interested(x).");
    net.connect(one, both);
    net.connect(one, client);
    net.run(1_000);
    assert_eq!(net.shown(client, "D"), "[{a, 1}]");
    net.connect(both, client);
    net.run(1_000);
    assert_eq!(net.shown(client, "D"), "[{b, 1}, {c, 1}]");
}

#[test]
fn two_types_of_one_name_have_no_view_in_common_and_a_program_without_derivations_takes_none() {
    let mut net = Net::new(10);
    let server = net.server("S = declare(set). D = declare(set). map(S, fun(X) -> X end, D). update(S, {add, 1}).");
    let client = net.client("D = declare(counter). interested(x).");
    net.connect(server, client);
    net.run(1_000);
    assert_eq!((net.shown(client, "D"), net.places[client].view_bytes), ("0".to_owned(), 0));
    assert!(net.codes(client).contains(&"E0301"), "{:?}", net.codes(client));
}

#[test]
fn malformed_words_about_views_are_refused_and_do_nothing() {
    let mut net = Net::new(11);
    let server = net.server("S = declare(set). D = declare(set). map(S, fun(X) -> X end, D). update(S, {add, 1}).");
    let client = net.client("D = declare(set).");
    net.connect(server, client);
    net.run(1_000);
    let peers = net.links[0].peers;
    for (at, peer) in [(server, peers[0]), (client, peers[1])] {
        for bytes in
            [&[VIEWS][..], &[VIEWS, 0], &[VIEWS, 9, 9], &[VIEWS, 2, 1, 1, 5, 2, 0, 0, 0, 0], &[VIEWS, 0, 1, 0, 4, 0, 0]]
        {
            let before = net.places[at].reports.len();
            net.give(at, Input::Received { peer, bytes: bytes.to_vec() });
            assert_eq!(net.places[at].reports.len(), before + 1, "{bytes:?}");
            assert_eq!(net.places[at].reports[before].0, "E0609");
        }
    }
    assert_eq!(net.shown(client, "D"), "[1]");
}

#[test]
fn the_view_of_a_variable_with_a_topic_is_for_those_who_take_that() {
    let mut net = Net::new(12);
    let server = net.server(
        "S = declare(set), set_topic(S, source). D = declare(set), set_topic(D, derived). map(S, fun(X) -> {sourcesource, X} end, D). update(S, {add, 1}).",
    );
    let takes = net.client("D = declare(set), set_topic(D, derived). interested(derived).");
    let other = net.client("D = declare(set). interested(other).");
    net.places[other].secret = Some(SECRET.as_bytes());
    net.connect(server, takes);
    net.connect(server, other);
    net.run(5_000);
    assert_eq!((net.shown(takes, "D"), net.shown(other, "D")), ("[{sourcesource, 1}]".to_owned(), "[]".to_owned()));
}

#[test]
fn what_is_derived_from_a_view_is_given_in_turn() {
    let mut net = Net::new(13);
    let one = net.server("S = declare(set). D = declare(set). map(S, fun(X) -> {d, X} end, D). update(S, {add, 1}).");
    let two = net.server("D = declare(set). E = declare(set). map(D, fun(X) -> {e, X} end, E).");
    let client = net.client("E = declare(set).");
    net.connect(one, two);
    net.connect(two, client);
    net.run(2_000);
    assert_eq!(net.shown(client, "E"), "[{e, {d, 1}}]");
    net.type_line(one, "update(S, {add, 2}), update(S, {rmv, 1}).");
    net.run(1_000);
    assert_eq!(net.shown(client, "E"), "[{e, {d, 2}}]");
    // A connection that comes back is a new start, which covers what was shown.
    net.disconnect(client);
    net.connect(two, client);
    net.type_line(one, "update(S, {add, 3}).");
    net.run(2_000);
    assert_eq!(net.shown(client, "E"), "[{e, {d, 2}}, {e, {d, 3}}]");
    assert!(net.codes(client).is_empty(), "{:?}", net.codes(client));
}
