//! The tables of docs/reference.md about what happens at the same time: each row is done, in every order of delivery.
//!
//! A table whose header says `at A` and `at B` has a type in its first column (or in that of each row, if it says `type`), and in
//! each row operations, which are code: those before (A does them, and both know; with words such as "at B" behind one, all of
//! them are done apart, and then known), those that A and B do apart from each other, and what both have in the end. An operation
//! followed by the word "refused" is refused.
//!
//! Each row is done by two replicas and by three, of whom the third only listens, whichever of them is A, in each order of meeting.
//! And each type has a row for every two of its operations.

mod replicas;
mod support;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lasp::cli::literal;
use lasp::value::kind::Type;
use lasp::value::term::Term;
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

impl Row {
    /// The name of its variable.
    fn variable(&self) -> String {
        format!("X{}", self.line)
    }

    /// Whether several have done what stands before, each for itself.
    fn begins_apart(&self) -> bool {
        self.before.iter().any(|operation| operation.by.is_some())
    }
}

/// An operation, whose it is, and whether it is refused.
#[derive(Clone, Debug)]
struct Operation {
    text: String,
    refused: bool,
    /// Who does it, where that is said: 0 is A.
    by: Option<usize>,
}

/// The names in the tables.
const NAMES: [&str; 3] = ["A", "B", "C"];

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
    let of = |(text, after): (String, String)| Operation {
        text,
        refused: after.contains("refused"),
        by: NAMES.iter().position(|name| after.contains(&format!("at {name}"))),
    };
    code(cell).into_iter().map(of).collect()
}

/// The rows of all tables about what happens at the same time.
fn rows(page: &str) -> Vec<Row> {
    let mut found = Vec::new();
    // Of the table that is being read: the type that its head names, if it does.
    let mut table: Option<Option<String>> = None;
    for (number, line) in (1..).zip(page.lines()) {
        let Some(cells) = cells(line) else {
            table = None;
            continue;
        };
        let named = |cell: &str| code(cell).first().map(|(code, _)| code.clone());
        match cells.as_slice() {
            [first, "at A", "at B", ..] => {
                table = Some(named(first));
                assert_ne!(table, Some(None), "line {number}: a table without a type");
                continue;
            }
            ["type", _, "at A", "at B", ..] => {
                table = Some(None);
                continue;
            }
            [dashes, ..] if dashes.starts_with("---") => continue,
            _ => {}
        }
        let (kind, cells) = match (&table, cells.as_slice()) {
            (Some(Some(kind)), cells) => (kind.clone(), cells),
            (Some(None), [kind, cells @ ..]) => {
                (named(kind).unwrap_or_else(|| panic!("line {number}: a row without a type")), cells)
            }
            _ => continue,
        };
        let [before, a, b, result, ..] = cells else { panic!("line {number}: too few cells") };
        found.push(Row {
            line: number,
            kind,
            before: operations(before),
            a: operations(a),
            b: operations(b),
            result: named(result).unwrap_or_else(|| panic!("line {number}: a row without a result")),
        });
    }
    found
}

/// An operation as it is typed. The row stands in it, so that an error tells.
fn typed(row: &Row, Operation { text, refused, .. }: &Operation) -> String {
    let (line, variable) = (row.line, row.variable());
    if *refused {
        format!("{{{line}, {{refused, _}}}} = {{{line}, try_update({variable}, {text})}}")
    } else {
        format!("update({variable}, {text})")
    }
}

/// Does all rows, each with a variable of its own, on as many replicas as `who` has: they are A, B and, if there is one more, C.
fn run(rows: &[Row], who: &[usize], meeting: Meeting) -> Result<(), String> {
    // A, B and C are also names that an operation can use: `{move, 2, B}`.
    let named = NAMES.iter().zip(who).map(|(name, node)| format!("{name} = n{node}.\n"));
    let declared = rows.iter().map(|row| format!("{} = declare({}).\n", row.variable(), row.kind));
    let mut replicas = Replicas::new(&named.chain(declared).collect::<String>(), who.len(), &[])?;
    let phase = |replicas: &mut Replicas, of: &dyn Fn(&Row, usize) -> Vec<Operation>| {
        for (name, node) in who.iter().enumerate() {
            let all: Vec<String> = rows
                .iter()
                .flat_map(|row| of(row, name).iter().map(|one| typed(row, one)).collect::<Vec<_>>())
                .collect();
            if !all.is_empty() {
                replicas.at(*node, &all.join(",\n"));
            }
            let errors = replicas.errors(*node);
            if !errors.is_empty() {
                return Err(format!("{} at n{node}: {errors:?}", NAMES[name]));
            }
        }
        Ok(())
    };
    let before = |row: &Row, name: usize, apart: bool| -> Vec<Operation> {
        let theirs = row.before.iter().filter(|one| one.by.unwrap_or(0) == name);
        theirs.filter(|_| row.begins_apart() == apart).cloned().collect()
    };
    phase(&mut replicas, &|row, name| before(row, name, false))?;
    replicas.settle()?;
    replicas.part();
    phase(&mut replicas, &|row, name| before(row, name, true))?;
    replicas.meet(meeting)?;
    replicas.part();
    phase(&mut replicas, &|row, name| [&row.a[..], &row.b, &[]][name].to_vec())?;
    replicas.meet(meeting)?;
    let mut wrong = Vec::new();
    for row in rows {
        for (name, node) in NAMES.iter().zip(who) {
            let got = replicas.value(*node, &row.variable()).unwrap_or_default();
            if got != row.result {
                wrong.push(format!("{name} has {got}, docs/reference.md:{} says {}: {row:?}", row.line, row.result));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The operations of a type by their names. Beneath a key each is one of its own, since a removal of the key meets each.
fn names(kind: &Type) -> Vec<String> {
    let words: &[&str] = match kind {
        Type::Set | Type::RwSet | Type::TwoPSet => &["add", "rmv"],
        Type::GSet => &["add"],
        Type::Counter | Type::LexCounter => &["increment", "decrement"],
        Type::GCounter => &["increment"],
        Type::BCounter => &["increment", "decrement", "move"],
        Type::MaxInt => &["set", "increment"],
        Type::MinInt | Type::Ivar | Type::MvRegister | Type::TopK(_) => &["set"],
        Type::LwwRegister => &["set", "set at"],
        Type::Boolean => &["true"],
        Type::EwFlag | Type::DwFlag => &["enable", "disable"],
        Type::GMap(_) => &["apply"],
        Type::AwMap(kind) => {
            let beneath = names(kind).into_iter().map(|name| format!("apply {name}"));
            return beneath.chain(["rmv".to_owned()]).collect();
        }
        Type::Pair(_) => &["fst", "snd"],
        Type::Window(_) => &["at"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Which of [`names`] an operation is.
fn name(kind: &Type, op: &Term) -> String {
    let parts = op.as_tuple().unwrap_or(std::slice::from_ref(op));
    match (kind, parts[0].as_atom().unwrap_or_default(), &parts[1..]) {
        (_, "add_all", _) => "add".to_owned(),
        (_, "remove" | "rmv_all", _) => "rmv".to_owned(),
        (Type::LwwRegister, "set", [_, _]) => "set at".to_owned(),
        (Type::AwMap(kind), "apply", [_, op]) => format!("apply {}", name(kind, op)),
        (Type::AwMap(_), "set", _) => "apply set".to_owned(),
        (_, word, _) => word.to_owned(),
    }
}

/// Those two of a type's operations that some row does at the same time, in the order of their names.
fn covered(rows: &[Row]) -> BTreeMap<Type, BTreeSet<[String; 2]>> {
    let mut covered: BTreeMap<Type, BTreeSet<[String; 2]>> = BTreeMap::new();
    for row in rows {
        let read = |text: &str| literal::read(text).unwrap_or_else(|| panic!("line {}: {text}", row.line));
        let kind = Type::parse(&read(&row.kind)).unwrap_or_else(|| panic!("line {}: {}", row.line, row.kind));
        let named = |operation: &Operation| {
            let text =
                NAMES.iter().fold(operation.text.clone(), |text, name| text.replace(&format!(", {name}}}"), ", n}"));
            name(&kind, &read(&text))
        };
        let pairs = covered.entry(kind.clone()).or_default();
        for a in &row.a {
            pairs.extend(row.b.iter().map(|b| {
                let mut pair = [named(a), named(b)];
                pair.sort();
                pair
            }));
        }
    }
    covered
}

/// Every type has rows, alone and beneath a key that can be removed, and in them every two of its operations meet; operations
/// beneath one key do as they do without it, and only a removal of the key is something else.
fn every_two_operations_of_every_type_meet(rows: &[Row]) -> Result<(), Failed> {
    let covered = covered(rows);
    let alone: BTreeSet<&str> =
        Type::NAMES.iter().map(|(_, kind)| kind.name()).chain(["gmap", "awmap", "pair", "top_k", "window"]).collect();
    let beneath = |kind: &Type| match kind {
        Type::AwMap(kind) => Some(kind.name()),
        _ => None,
    };
    let mut missing = Vec::new();
    for name in &alone {
        if !covered.keys().any(|kind| kind.name() == *name) {
            missing.push(format!("no table for {name}"));
        }
        if *name != "bcounter" && !covered.keys().any(|kind| beneath(kind) == Some(name)) {
            missing.push(format!("no table for {{awmap, [{name}]}}"));
        }
    }
    for (kind, pairs) in &covered {
        let names = names(kind);
        for (at, one) in names.iter().enumerate() {
            for other in &names[at..] {
                let mut pair = [one.clone(), other.clone()];
                pair.sort();
                let same_key = pair.iter().all(|name| name.starts_with("apply "));
                if !same_key && !pairs.contains(&pair) {
                    missing.push(format!("no row for {one} and {other} of {kind}"));
                }
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n").into()) }
}

fn main() {
    let arguments = Arguments::from_args();
    let rows = rows(&text(&root().join("docs/reference.md")));
    let all = rows.clone();
    let mut trials = vec![Trial::test("every_two_operations_of_every_type_meet", move || {
        every_two_operations_of_every_type_meet(&all)
    })];
    for who in [&[0, 1][..], &[1, 0], &[0, 1, 2], &[2, 0, 1]] {
        for meeting in MEETINGS {
            // What a third has done before cannot be done by two.
            let of_two = |row: &Row| row.before.iter().all(|operation| operation.by != Some(2));
            let rows: Vec<Row> = rows.iter().filter(|row| who.len() == 3 || of_two(row)).cloned().collect();
            let names: Vec<String> = NAMES.iter().zip(who).map(|(name, node)| format!("{name} is n{node}")).collect();
            let name = format!("{} rows where {}: {meeting:?}", rows.len(), names.join(", "));
            trials.push(Trial::test(name, move || run(&rows, who, meeting).map_err(Failed::from)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
