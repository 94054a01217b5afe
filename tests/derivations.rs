//! Derivations of several nodes: cycles that they close between them.

mod clusters;

use clusters::join;
use clusters::list;
use clusters::value;
use lasp::sim::Cluster;
use lasp::sim::Faults;
use lasp::source::diagnostic::Severity;
use lasp::value::term::Term;

/// What the nodes have said about cycles, and they say nothing else: of each its errors, and its warnings.
fn said(cluster: &Cluster, nodes: &[usize]) -> Vec<(Vec<String>, Vec<String>)> {
    said_among(cluster, nodes, &["E0316"])
}

/// The same, of nodes that may say these.
fn said_among(cluster: &Cluster, nodes: &[usize], codes: &[&str]) -> Vec<(Vec<String>, Vec<String>)> {
    for node in nodes {
        let other: Vec<&str> =
            cluster.reports(*node).iter().map(|told| told.code).filter(|code| !codes.contains(code)).collect();
        assert!(other.is_empty(), "n{node} said something else: {other:?}");
    }
    let of = |node: usize, severity| {
        let reports = cluster.reports(node).iter().filter(|told| told.code == "E0316");
        // Each is told with the place of the derivation that it is about.
        assert!(reports.clone().all(|told| !told.labels.is_empty()), "n{node} tells of a cycle without a place");
        reports.filter(|told| told.severity == severity).map(|told| told.title.clone()).collect::<Vec<_>>()
    };
    nodes.iter().map(|node| (of(*node, Severity::Error), of(*node, Severity::Warning))).collect()
}

const NAMES: &str = "A = declare(set). B = declare(set). C = declare(set).";

/// Nodes each with a step of a cycle, connected in an order.
fn steps(programs: &[String], links: &[(usize, usize)]) -> Cluster {
    let mut cluster = Cluster::new(1, Faults::NONE);
    for program in programs {
        let node = join(&mut cluster, program);
        cluster.disconnect(node);
    }
    for (a, b) in links {
        cluster.connect(*a, *b);
        cluster.run_for(100);
    }
    cluster.run_for(2_000);
    cluster
}

/// Two nodes that close a cycle, whichever comes first: the same is told, as an error on one and as a warning on the other.
fn both_ways(one: String, two: String, mut look: impl FnMut(&mut Cluster, &str, &str)) {
    let mut resting = Vec::new();
    for programs in [[one.clone(), two.clone()], [two, one]] {
        let mut cluster = steps(&programs, &[(0, 1)]);
        let said = said(&cluster, &[0, 1]);
        let errors: Vec<&String> = said.iter().flat_map(|(errors, _)| errors).collect();
        let warnings: Vec<&String> = said.iter().flat_map(|(_, warnings)| warnings).collect();
        assert_eq!((errors.len(), warnings.len()), (1, 1), "{said:?}");
        look(&mut cluster, errors[0], warnings[0]);
        resting.push(errors[0].clone());
    }
    assert_eq!(resting[0], resting[1]);
}

#[test]
fn two_nodes_that_close_a_cycle_have_the_same_derivation_rest() {
    let one = format!("{NAMES} map(A, fun(X) -> X + 1 end, B). update(A, {{add, 1}}).");
    let two = format!("{NAMES} map(B, fun(X) -> X * 10 end, A). update(B, {{add, 7}}).");
    both_ways(one, two, |cluster, error, warning| {
        let path = if error.contains("into `B`") { "B -> A -> B" } else { "A -> B -> A" };
        assert!(error.ends_with(path) && warning.ends_with(path), "{error} {warning}");
        // What rests contributes nothing, and what the other derives both show.
        let derived = if path == "B -> A -> B" { (list(&[1, 70]), list(&[7])) } else { (list(&[1]), list(&[2, 7])) };
        for node in [0, 1] {
            assert_eq!((value(cluster, node, "A"), value(cluster, node, "B")), derived, "n{node}");
        }
    });
}

#[test]
fn of_three_nodes_in_whatever_order_they_meet_the_same_rests() {
    let programs = [("A", "B"), ("B", "C"), ("C", "A")];
    let programs = programs.map(|(from, to)| format!("{NAMES} map({from}, fun(X) -> {{{to}x, X}} end, {to})."));
    let programs = programs.map(|program| program.replace("{Ax", "{ax").replace("{Bx", "{bx").replace("{Cx", "{cx"));
    let mut told = Vec::new();
    // Two connections are enough for all three to know.
    for links in [[(0, 1), (1, 2)], [(1, 2), (0, 1)], [(2, 0), (0, 1)], [(1, 2), (2, 0)]] {
        let cluster = steps(&programs, &links);
        let said = said(&cluster, &[0, 1, 2]);
        assert_eq!(said.iter().map(|(errors, _)| errors.len()).sum::<usize>(), 1, "{said:?}");
        assert_eq!(said.iter().map(|(_, warnings)| warnings.len()).sum::<usize>(), 2, "{said:?}");
        told.push(said);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
}

#[test]
fn a_dynamic_fold_is_a_step_of_a_cycle() {
    let names = "Own = declare_dynamic(set). All = declare(set). Next = declare(set).";
    let folds = format!(
        "{names} fold_dynamic(Own, fun(X) -> {{add, X}} end, All). fold(Next, fun(X) -> {{add, X}} end, Own). update(Own, {{add, 1}})."
    );
    let maps = format!("{names} map(All, fun(X) -> X + 1 end, Next).");
    let mut cluster = steps(&[folds, maps], &[(0, 1)]);
    let said = said(&cluster, &[0, 1]);
    assert_eq!(said.iter().map(|(errors, _)| errors.len()).sum::<usize>(), 1, "{said:?}");
    // Either the node's contribution is taken back, or nothing is made of it.
    let folds_on = said[0].0.iter().all(|error| !error.contains("fold_dynamic"));
    let expected = if folds_on { list(&[1]) } else { list(&[]) };
    assert_eq!(value(&mut cluster, 1, "All"), expected);
}

#[test]
fn a_dynamic_fold_that_rests_takes_its_contribution_back_and_brings_it_again() {
    // Other functions give other identities: with some of them the dynamic fold is the greatest.
    for number in 0..40 {
        let names = "Own = declare_dynamic(set). All = declare(set).";
        let folds = format!(
            "{names} fold_dynamic(Own, fun(X) -> {{add, {{X, {number}}}}} end, All). update(Own, {{add, 1}}).",
        );
        let back = format!("{names} fold(All, fun(X) -> {{add, X}} end, Own).");
        let mut cluster = steps(&[folds, back], &[(0, 1)]);
        let rests = said(&cluster, &[0])[0].0.len() == 1;
        let contributes = value(&mut cluster, 0, "All") != list(&[]);
        assert_eq!(rests, !contributes, "{number}");
        if rests {
            assert_eq!(value(&mut cluster, 1, "All"), list(&[]));
            cluster.crash(1);
            cluster.run_for(1_000);
            assert_ne!(value(&mut cluster, 0, "All"), list(&[]));
            return;
        }
    }
    panic!("the dynamic fold never had the greatest identity");
}

#[test]
fn what_rests_contributes_again_when_the_others_are_gone() {
    for number in 0..40 {
        let one = format!("{NAMES} map(A, fun(X) -> {{X, {number}}} end, B). update(A, {{add, 1}}).");
        let two = format!("{NAMES} map(B, fun(X) -> X end, A).");
        let mut cluster = steps(&[one, two], &[(0, 1)]);
        if said(&cluster, &[0])[0].0.is_empty() {
            continue;
        }
        let derived = Term::list([Term::pair(Term::Int(1), Term::Int(number))]);
        assert_eq!(value(&mut cluster, 0, "B"), list(&[]));
        cluster.disconnect(1);
        cluster.run_for(1_000);
        assert_eq!(value(&mut cluster, 0, "B"), derived);
        let (errors, warnings) = said(&cluster, &[0]).remove(0);
        assert_eq!((errors.len(), warnings.len()), (1, 1));
        assert!(warnings[0].contains("contributes again"), "{warnings:?}");
        cluster.connect(0, 1);
        cluster.run_for(1_000);
        assert_eq!(value(&mut cluster, 0, "B"), list(&[]));
        // The incremental engine goes on as it did before.
        cluster.disconnect(1);
        cluster.run_for(1_000);
        cluster.type_line(0, "update(A, {add, 2}), update(A, {rmv, 1}).");
        assert_eq!(value(&mut cluster, 0, "B"), Term::list([Term::pair(Term::Int(2), Term::Int(number))]));
        return;
    }
    panic!("the first node's never had the greatest identity");
}

#[test]
fn cycles_are_found_over_a_bad_network_and_nobody_is_left_with_one() {
    for seed in 0..12 {
        let mut cluster = Cluster::new(seed, Faults { lost: 300, doubled: 200, ..Faults::NONE });
        let variables = ["A", "B", "C", "D"];
        for node in 0..4usize {
            let (from, to) = (variables[node], variables[(node + 1) % 4]);
            let declares = variables.map(|name| format!("{name} = declare(set).")).join(" ");
            join(&mut cluster, &format!("{declares} map({from}, fun(X) -> {{x{node}, X}} end, {to})."));
        }
        cluster.run_for(10_000);
        // A view may stay as it was for a while, and that is told.
        let said = said_among(&cluster, &[0, 1, 2, 3], &["E0316", "E0317"]);
        assert_eq!(said.iter().map(|(errors, _)| errors.len()).sum::<usize>(), 1, "seed {seed}: {said:?}");
        assert_eq!(said.iter().map(|(_, warnings)| warnings.len()).sum::<usize>(), 3, "seed {seed}: {said:?}");
        // What is left is one chain, each step of which another node derives: all show the same of it.
        cluster.heal();
        variables.iter().for_each(|name| cluster.type_line(0, &format!("update({name}, {{add, {{own, {seed}}}}}).")));
        cluster.run_for(30_000);
        let shown = |cluster: &mut Cluster, node| variables.map(|name| value(cluster, node, name));
        let first = shown(&mut cluster, 0);
        let sizes: Vec<usize> = first.iter().filter_map(Term::to_vec).map(|list| list.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 1 + 2 + 3 + 4, "seed {seed}: {first:?}");
        for node in 1..4 {
            assert_eq!(shown(&mut cluster, node), first, "seed {seed}, n{node}");
        }
    }
}

#[test]
fn nodes_of_one_program_say_nothing_of_cycles() {
    let program = format!("{NAMES} map(A, fun(X) -> X + 1 end, B). union(A, B, C). update(A, {{add, 1}}).");
    let cluster = steps(&[program.clone(), program], &[(0, 1)]);
    assert_eq!(said(&cluster, &[0, 1]), [(vec![], vec![]), (vec![], vec![])]);
}

#[test]
fn a_cycle_through_what_has_no_name_is_found_between_nodes() {
    let one = format!("{NAMES} union(filter(A, fun(X) -> X < 100 end), C, B). update(A, {{add, 1}}).");
    let two = format!("{NAMES} map(union(product(C, C), B), fun(X) -> {{x, X}} end, A). update(B, {{add, 7}}).");
    both_ways(one, two, |cluster, _, _| {
        assert_eq!(value(cluster, 0, "A"), value(cluster, 1, "A"));
        assert_eq!(value(cluster, 0, "B"), value(cluster, 1, "B"));
    });
}

#[test]
fn how_many_derivations_nodes_of_one_program_know_does_not_grow_with_the_nodes() {
    let program = format!(
        "{NAMES} odd(S) -> filter(S, fun(X) -> X rem 2 =:= 1 end).
         C1 = map(filter(product(A, B), fun({{X, Y}}) -> X =:= Y end), fun({{X, _}}) -> X end).
         [odd(odd(A)) || _ <- [1, 2, 3]]. union(odd(A), odd(B), C)."
    );
    let known = |nodes: usize| {
        let cluster = steps(&vec![program.clone(); nodes], &(1..nodes).map(|node| (0, node)).collect::<Vec<_>>());
        (0..nodes).map(|node| cluster.known_derivations(node)).collect::<Vec<_>>()
    };
    // Product, filter and map; two of `odd` for A and one for B, and the union.
    assert_eq!(known(1), [7]);
    assert_eq!(known(6), [7; 6]);
}

#[test]
fn what_has_no_name_is_the_same_variable_on_all_nodes_and_another_for_other_functions() {
    let program = "S = declare(set). Found = declare(set).
        above(Limit) -> filter(S, fun(X) -> X > Limit end).
        A = above(1). B = above(1). C = above(2).
        update(S, {add, [1, 2, 3]}), update(Found, {add, {A, A =:= B, A =:= C}}).";
    let mut cluster = steps(&[program.to_owned(), program.to_owned()], &[(0, 1)]);
    let found = value(&mut cluster, 0, "Found");
    assert_eq!(found.to_vec().map(|list| list.len()), Some(1), "{found}");
    assert!(found.to_string().ends_with("true, false}]"), "{found}");
    // Whoever finds the reference needs no derivation of its own to see what it refers to.
    let other = join(&mut cluster, "Found = declare(set). Seen = declare(set).");
    cluster.run_for(2_000);
    cluster.type_line(
        other,
        "[{Above, _, _}] = query(Found), read(Above, {cardinality, 2}), update(Seen, {add, query(Above)}).",
    );
    cluster.run_for(2_000);
    assert_eq!(value(&mut cluster, other, "Seen"), list(&[2, 3]));
}
