//! The tables of docs/reference.md about what happens at the same time: each row is done, in every order of delivery.
//!
//! A table whose header says `at A` and `at B` has a type in its first column, and in each row operations, which are code:
//! those before (A does them, and both know), those that A and B do apart from each other, and what both have in the end. An
//! operation followed by the word "refused" is refused. A third replica, C, only listens.

mod replicas;
mod support;

use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use replicas::MEETINGS;
use replicas::Meeting;
use replicas::Replicas;
use support::root;
use support::text;

/// A row of a table.
#[derive(Clone, Debug)]
struct Row {
    line: usize,
    kind: String,
    before: Vec<Operation>,
    a: Vec<Operation>,
    b: Vec<Operation>,
    result: String,
}

/// An operation, and whether it is refused.
#[derive(Clone, Debug)]
struct Operation {
    text: String,
    refused: bool,
}

/// The cells of a line of a table. In code a `|` does not occur.
fn cells(line: &str) -> Option<Vec<&str>> {
    Some(line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect())
}

/// The code in a cell, each with what follows it up to the next.
fn code(cell: &str) -> Vec<(String, String)> {
    let pieces: Vec<&str> = cell.split('`').collect();
    pieces[1..].chunks(2).map(|pair| (pair[0].to_owned(), pair.get(1).unwrap_or(&"").to_string())).collect()
}

fn operations(cell: &str) -> Vec<Operation> {
    let of = |(text, after): (String, String)| Operation { text, refused: after.contains("refused") };
    code(cell).into_iter().map(of).collect()
}

/// The rows of all tables about what happens at the same time.
fn rows(page: &str) -> Vec<Row> {
    let mut found = Vec::new();
    let mut kind: Option<String> = None;
    for (number, line) in (1..).zip(page.lines()) {
        let Some(cells) = cells(line) else {
            kind = None;
            continue;
        };
        if let [first, "at A", "at B", ..] = cells.as_slice() {
            kind = code(first).first().map(|(code, _)| code.clone());
            assert!(kind.is_some(), "line {number}: a table without a type");
            continue;
        }
        let (Some(kind), [before, a, b, result, ..]) = (&kind, cells.as_slice()) else { continue };
        if before.starts_with("---") {
            continue;
        }
        let result = code(result).first().map(|(code, _)| code.clone());
        found.push(Row {
            line: number,
            kind: kind.clone(),
            before: operations(before),
            a: operations(a),
            b: operations(b),
            result: result.unwrap_or_else(|| panic!("line {number}: a row without a result")),
        });
    }
    found
}

/// Does these operations at a replica, and looks whether those are refused that should be.
fn perform(replicas: &mut Replicas, node: usize, operations: &[Operation]) -> Result<(), String> {
    for Operation { text, refused } in operations {
        if *refused {
            replicas.at(node, &format!("{{refused, _}} = try_update(X, {text})"));
        } else {
            replicas.at(node, &format!("update(X, {text})"));
        }
        let errors = replicas.errors(node);
        if !errors.is_empty() {
            return Err(format!("`{text}` at {}: {errors:?}", ["A", "B", "C"][node]));
        }
    }
    Ok(())
}

fn run(row: &Row, meeting: Meeting) -> Result<(), String> {
    // A, B and C are also names that an operation can use: `{move, 2, B}`.
    let program = format!("X = declare({}). A = n0. B = n1. C = n2.", row.kind);
    let mut replicas = Replicas::new(&program, 3, &[])?;
    perform(&mut replicas, 0, &row.before)?;
    replicas.settle()?;
    replicas.part();
    perform(&mut replicas, 0, &row.a)?;
    perform(&mut replicas, 1, &row.b)?;
    replicas.meet(meeting)?;
    for (node, name) in (0..).zip(["A", "B", "C"]) {
        let got = replicas.value(node, "X").unwrap_or_default();
        if got != row.result {
            return Err(format!("{name} has {got} after {meeting:?}, the table says {}", row.result));
        }
    }
    Ok(())
}

fn check(row: &Row) -> Result<(), Failed> {
    for meeting in MEETINGS {
        run(row, meeting).map_err(|said| Failed::from(format!("docs/reference.md:{}: {said}\n{row:#?}", row.line)))?;
    }
    Ok(())
}

/// Every type has rows.
fn every_type_has_a_table(kinds: &[String]) -> Result<(), Failed> {
    use lasp::value::kind::Type;
    let names = Type::NAMES.iter().map(|(_, kind)| kind.name()).chain(Type::PARAMETRIC.iter().map(|(name, _)| *name));
    let missing: Vec<&str> = names
        .filter(|name| *name != "map")
        .filter(|name| !kinds.iter().any(|kind| kind == name || kind.starts_with(&format!("{{{name},"))))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no table for {missing:?}").into()) }
}

fn main() {
    let arguments = Arguments::from_args();
    let rows = rows(&text(&root().join("docs/reference.md")));
    let kinds: Vec<String> = rows.iter().map(|row| row.kind.clone()).collect();
    let mut trials = vec![Trial::test("every_type_has_a_table", move || every_type_has_a_table(&kinds))];
    trials.extend(rows.into_iter().map(|row| {
        let words = |operations: &[Operation]| {
            operations.iter().map(|operation| operation.text.as_str()).collect::<Vec<_>>().join(", ")
        };
        let name = format!("{}:{}: {} meets {}", row.kind, row.line, words(&row.a), words(&row.b));
        Trial::test(name, move || check(&row))
    }));
    libtest_mimic::run(&arguments, trials).exit();
}
