//! Views: nodes that use a variable without having what is derived into it, over a network that is played by hand.

#![allow(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]

mod links;

use lasp::node::Input;
use lasp::node::Node;
use lasp::replica::Role;

use links::Net;
use links::VIEWS;

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
fn two_types_of_one_name_have_no_view_in_common() {
    let mut net = Net::new(10);
    let server = net.server("S = declare(set). D = declare(set). map(S, fun(X) -> X end, D). update(S, {add, 1}).");
    let client = net.client("D = declare(counter). interested(x).");
    net.connect(server, client);
    net.run(1_000);
    assert_eq!((net.shown(client, "D"), net.places[client].view_bytes), ("0".to_owned(), 0));
    // And nobody asks the client for any.
    assert_eq!(net.places[server].view_bytes, 0);
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

#[test]
fn who_does_not_know_the_topic_of_a_view_passes_it_to_nobody() {
    // Whether or not the program between has declared it, without its topic.
    for between in ["Unrelated = declare(set).", "D = declare(set). stream(D, fun(_) -> ok end)."] {
        let mut net = Net::new(14);
        let producer = net.server(
            "S = declare(set). D = declare(set), set_topic(D, derived). map(S, fun(X) -> {sourcesource, X} end, D). update(S, {add, 1}).",
        );
        let between = net.server(between);
        let client = net.client("D = declare(set). interested(other).");
        net.places[client].secret = Some(SECRET.as_bytes());
        net.connect(producer, between);
        net.connect(between, client);
        net.run(8_000);
        assert_eq!(net.shown(client, "D"), "[]");
    }
}

#[test]
fn the_name_of_a_view_with_a_topic_is_not_told_to_who_does_not_take_it() {
    for topic in [", set_topic(Sourcesource, derived). interested(derived).", ". interested(derived)."] {
        let mut net = Net::new(15);
        let declared = "Sourcesource = declare(sourcesource, set)";
        let producer = net.server(&format!(
            "S = declare(set). {declared}, set_topic(Sourcesource, derived). map(S, fun(X) -> X end, Sourcesource). update(S, {{add, 1}})."
        ));
        let between = net.server("interested(other).");
        // What a node has declared without its topic it tells of as of anything that has none, but asks for by its hash.
        if topic.contains("set_topic") {
            net.places[between].secret = Some(SECRET.as_bytes());
        }
        let client = net.client(&format!("{declared}{topic}"));
        net.connect(producer, between);
        net.connect(between, client);
        net.run(4_000);
        // Who gives it knows it already.
        net.connect(producer, client);
        net.run(4_000);
        assert_eq!(net.shown(client, "Sourcesource"), "[1]");
    }
}

#[test]
fn a_derivation_that_a_transaction_makes_does_not_count_on_top_of_the_view() {
    let derivation = "fold(S, fun(X) -> {increment, X} end, D)";
    for (body, last) in [("ok", "3"), ("update(S, {add, 4})", "7"), ("[2] = lists:seq(1, 1)", "3")] {
        let mut net = Net::new(16);
        let server =
            net.server(&format!("S = declare(set). D = declare(counter). {derivation}. update(S, {{add, [1, 2]}})."));
        let other = net.server("S = declare(set). D = declare(counter). stream(D, fun(N) -> print(N) end).");
        net.connect(server, other);
        net.run(1_000);
        net.type_line(other, &format!("atomically(fun() -> {derivation}, {body} end)."));
        net.run(1_000);
        assert_eq!(net.shown(other, "D"), last, "{body}");
        let mut expected: Vec<String> = ["3", last].iter().map(|shown| format!("{shown}\n")).collect();
        expected.dedup();
        assert_eq!(net.places[other].printed, expected, "{body}");
        net.type_line(other, "update(S, {add, 10}).");
        assert_eq!(net.shown(other, "D"), (last.parse::<u32>().expect("a number") + 10).to_string(), "{body}");
    }
}

#[test]
fn when_the_next_producer_cannot_give_the_others_are_asked() {
    let program = "S = declare(set). D = declare(counter). fold(S, fun(X) -> {increment, X} end, D).";
    let mut net = Net::new(17);
    let one = net.server(program);
    let two = net.server(program);
    let three = net.server(program);
    let client = net.client("D = declare(counter). interested(x).");
    for server in [one, two, three] {
        net.connect(server, client);
    }
    net.connect(one, three);
    net.type_line(one, "update(S, {add, 10}).");
    net.run(1_000);
    assert_eq!((net.shown(client, "D"), net.shown(two, "D")), ("10".to_owned(), "0".to_owned()));
    net.crash(one);
    net.type_line(three, "update(S, {add, 5}).");
    net.run(1_000);
    assert_eq!((net.shown(client, "D"), net.shown(three, "D")), ("15".to_owned(), "15".to_owned()));
    assert!(net.codes(client).is_empty(), "{:?}", net.codes(client));
}

#[test]
fn an_old_question_that_comes_late_does_not_end_what_a_newer_one_began() {
    let mut net = Net::new(18);
    let server = net.server("S = declare(set). D = declare(set). map(S, fun(X) -> X end, D). update(S, {add, 1}).");
    let client = net.client("D = declare(set).");
    net.connect(server, client);
    net.run(1_000);
    let mut late = net.places[server].heard.iter().find(|word| word[1] == 0).expect("a question").clone();
    assert!(late[2] > 0 && late[2] < 128);
    late[2] -= 1;
    let peer = net.links[0].peers[0];
    net.give(server, Input::Received { peer, bytes: late });
    net.run(100);
    net.type_line(server, "update(S, {add, 2}).");
    net.run(500);
    assert_eq!(net.shown(client, "D"), "[1, 2]");
}

#[test]
fn a_derivation_made_later_does_not_wait_for_what_the_node_never_takes() {
    let mut net = Net::new(19);
    let server = net.server(
        "S = declare(set), set_topic(S, source). D = declare(counter). fold(S, fun(X) -> {increment, X} end, D). update(S, {add, 5}).",
    );
    let client = net.client("D = declare(counter). Mine = declare(set), set_topic(Mine, mine). interested(mine).");
    net.connect(server, client);
    net.run(1_000);
    assert_eq!(net.shown(client, "D"), "5");
    net.type_line(client, "fold(Mine, fun(X) -> {increment, X} end, D). update(Mine, {add, 8}).");
    net.run(1_000);
    assert_eq!(net.shown(client, "D"), "8");
}

/// A partition of some seconds, a little later each time: how long after its end a view has what was derived meanwhile.
#[test]
fn a_view_is_up_to_date_soon_after_a_partition_however_long_that_was() {
    let (mut net, mut slowest) = (Net::new(5), 0);
    let server = net.server("S = declare(set), D = declare(set). map(S, fun(X) -> X * 2 end, D).");
    let client = net.client("D = declare(set).");
    net.connect(server, client);
    net.run(2000);
    for (round, parted_ms) in [3000, 5000, 7600, 12_000].into_iter().enumerate() {
        net.lost = 100;
        net.type_line(server, &format!("update(S, {{add, {round}}})."));
        net.run(parted_ms);
        net.lost = 0;
        let healed = net.now_ms;
        while net.shown(client, "D") != net.shown(server, "D") {
            net.run(50);
            assert!(net.now_ms < healed + 30_000, "it comes");
        }
        slowest = slowest.max(net.now_ms - healed);
        net.run(3000);
    }
    assert!(slowest <= 1500, "{slowest} ms");
}
