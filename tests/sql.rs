//! Texts of views: whatever is written, it is told or translated, and what is translated compiles; and views of random tables
//! against an evaluator that looks at the rows alone.

mod support;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use lasp::compile::Session;
use lasp::sql;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What texts are made of, right and wrong.
fn word() -> impl Strategy<Value = &'static str> {
    select(vec![
        "select", "from", "where", "group by", "having", "join", "on", "as", "and", "or", "not", "is null", "in",
        "between", "like", "order by", "T", "U", "T.a", "U.b", "a", "b", "`from`", "\"x\"", "*", "T.*", "(", ")", ",",
        ".", "=", "<", "=>", "<>", "+", "-", "*", "/", "1", "2.50", "007", "'it''s'", "'é'", "'", "count(*)", "sum(",
        "avg(a)", "min(b)", "max(a)", "true", "null", ";", "#", "ü",
    ])
}

/// Texts that are mostly right.
fn nearly() -> impl Strategy<Value = String> {
    let value = || {
        select(vec!["a", "T.a", "T.b", "1", "'x'", "count(*)", "sum(T.a)", "a + 1", "min(b) * 2", "-a", "- -1", "(a)"])
    };
    let item =
        || (value(), select(vec!["", " as n", " as \"o p\"", " m"])).prop_map(|(value, name)| format!("{value}{name}"));
    let condition = || {
        let one =
            (value(), select(vec!["=", "<", ">=", "=>", "<>", "is null or 1 =", "in (1,", "between 0 and"]), value())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}{}", if op.starts_with("in") { ")" } else { "" }));
        vec(one, 1..4).prop_map(|all| all.join(" and not "))
    };
    let from = select(vec!["T", "T, U", "T join U on T.a = U.b", "T t", "T join U on a < b", "T, U, T as W"]);
    let group = select(vec!["", " group by a", " group by T.a, b + 1", " having count(*) > 1"]);
    (vec(item(), 1..4), from, proptest::option::of(condition()), group).prop_map(|(items, from, condition, group)| {
        let condition = condition.map_or_else(String::new, |condition| format!(" where {condition}"));
        format!("select {} from {from}{condition}{group}", items.join(", "))
    })
}

/// The places of mistakes lie in the text; the functions of views compile. Says whether it is a view.
fn translated(text: &str, session: &mut Session) -> bool {
    match sql::view(text) {
        Ok(view) => {
            for function in &view.functions {
                let compiled = session.expression("sql", function).err();
                assert!(compiled.is_none(), "{text}\n{function}\n{compiled:#?}");
            }
            true
        }
        Err(error) => {
            assert!(text.get(error.place.clone()).is_some(), "{text}: {error:?}");
            assert!(error.code.starts_with("E09") && !error.help.is_empty());
            false
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_told_or_translated(words in vec(word(), 0..30), letters in ".{0,40}") {
        let mut session = Session::new().0;
        translated(&words.join(" "), &mut session);
        translated(&letters, &mut session);
        translated(&format!("select {letters} from T"), &mut session);
    }

    #[test]
    fn what_is_nearly_right_is_told_or_translated(texts in vec(nearly(), 1..10)) {
        let mut session = Session::new().0;
        for text in &texts {
            translated(text, &mut session);
        }
    }
}

#[test]
fn deep_and_long_texts_have_a_bound() {
    let mut session = Session::new().0;
    let nested = |count: usize| format!("select a from T where {}a = 1{}", "(".repeat(count), ")".repeat(count));
    assert!(translated(&nested(20), &mut session));
    assert!(!translated(&nested(100_000 / 3), &mut session));
    assert!(!translated(&format!("select {}1 as x from T", "- ".repeat(5000)), &mut session));
    assert!(!translated(&format!("select 1{} as x from T", " + 1".repeat(5000)), &mut session));
    let long = vec!["a = 1"; 300].join(" or ");
    assert!(translated(&format!("select a from T where {long}"), &mut session));
    assert!(!translated(&format!("select a from T where {}", vec!["a = 1"; 20_000].join(" or ")), &mut session));
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i64),
    Text(&'static str),
}

type Row = BTreeMap<&'static str, Cell>;

/// Chance with a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("small")]
    }
}

/// A condition, with three truth values.
enum Condition {
    Compare(&'static str, &'static str, Cell),
    Columns(&'static str, &'static str, &'static str),
    IsNull(&'static str),
    In(&'static str, Vec<Cell>),
    Between(&'static str, i64, i64),
    Like(&'static str, &'static str),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

impl Condition {
    fn random(dice: &mut Dice, columns: &[&'static str], depth: u32) -> Condition {
        let column = dice.one(columns);
        let number = |dice: &mut Dice| Cell::Number(i64::try_from(dice.below(5)).expect("small"));
        let sub = |dice: &mut Dice| Box::new(Condition::random(dice, columns, depth.saturating_sub(1)));
        match dice.below(if depth == 0 { 7 } else { 10 }) {
            0 | 1 => Condition::Compare(column, dice.one(&OPERATORS), number(dice)),
            2 => Condition::Compare(column, dice.one(&OPERATORS), Cell::Text(dice.one(&["x", "y"]))),
            3 => Condition::Columns(column, dice.one(&OPERATORS), dice.one(columns)),
            4 => Condition::IsNull(column),
            5 if dice.below(2) == 0 => Condition::In(column, vec![number(dice), Cell::Text("x")]),
            5 => Condition::Between(column, 1, 3),
            6 => Condition::Like(column, dice.one(&["x", "%", "_", "%y", "x_", "_%", ""])),
            7 => Condition::Not(sub(dice)),
            8 => Condition::And(sub(dice), sub(dice)),
            _ => Condition::Or(sub(dice), sub(dice)),
        }
    }

    fn text(&self) -> String {
        match self {
            Condition::Compare(column, operator, value) => format!("{column} {operator} {}", literal(value)),
            Condition::Columns(left, operator, right) => format!("{left} {operator} {right}"),
            Condition::IsNull(column) => format!("{column} is null"),
            Condition::In(column, values) => {
                format!("{column} in ({})", values.iter().map(literal).collect::<Vec<_>>().join(", "))
            }
            Condition::Between(column, low, high) => format!("{column} between {low} and {high}"),
            Condition::Like(column, pattern) => format!("{column} like '{pattern}'"),
            Condition::Not(inner) => format!("not ({})", inner.text()),
            Condition::And(left, right) => format!("({}) and ({})", left.text(), right.text()),
            Condition::Or(left, right) => format!("({}) or ({})", left.text(), right.text()),
        }
    }

    fn holds(&self, row: &Row) -> Option<bool> {
        let cell = |column: &str| row.get(column).cloned().unwrap_or(Cell::Null);
        match self {
            Condition::Compare(column, operator, value) => compare(&cell(column), operator, value),
            Condition::Columns(left, operator, right) => compare(&cell(left), operator, &cell(right)),
            Condition::IsNull(column) => Some(cell(column) == Cell::Null),
            Condition::In(column, values) => {
                values.iter().map(|value| compare(&cell(column), "=", value)).fold(Some(false), or)
            }
            Condition::Between(column, low, high) => and(
                compare(&cell(column), ">=", &Cell::Number(*low)),
                compare(&cell(column), "<=", &Cell::Number(*high)),
            ),
            // All texts here have one character.
            Condition::Like(column, pattern) => match cell(column) {
                Cell::Text(text) => Some(["%", "_", "_%", text].contains(pattern) || *pattern == format!("%{text}")),
                _ => None,
            },
            Condition::Not(inner) => inner.holds(row).map(|holds| !holds),
            Condition::And(left, right) => and(left.holds(row), right.holds(row)),
            Condition::Or(left, right) => or(left.holds(row), right.holds(row)),
        }
    }
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    and(left.map(|holds| !holds), right.map(|holds| !holds)).map(|holds| !holds)
}

/// Nothing is known of what is missing, nor of which of a number and a text is less.
fn compare(left: &Cell, operator: &str, right: &Cell) -> Option<bool> {
    if *left == Cell::Null || *right == Cell::Null {
        return None;
    }
    let alike = std::mem::discriminant(left) == std::mem::discriminant(right);
    match operator {
        "=" => Some(left == right),
        "<>" => Some(left != right),
        _ if !alike => None,
        "<" => Some(left < right),
        "<=" => Some(left <= right),
        ">" => Some(left > right),
        _ => Some(left >= right),
    }
}

fn literal(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => format!("'{text}'"),
    }
}

/// A view of `T`, or of `T` and `U`.
struct Query {
    joined: bool,
    condition: Option<Condition>,
    shape: Shape,
}

enum Shape {
    Rows(Vec<&'static str>),
    /// By a column, or all in one.
    Groups(Option<&'static str>, bool),
}

impl Query {
    fn random(dice: &mut Dice) -> Query {
        let joined = dice.below(3) == 0;
        let columns: &[&'static str] = if joined { &["id", "a", "b", "s", "v"] } else { &["id", "a", "b", "s"] };
        let condition = (dice.below(4) > 0).then(|| Condition::random(dice, columns, 2));
        let shape = match dice.below(3) {
            0 => Shape::Groups(Some(dice.one(&["a", "b", "s"])), dice.below(3) == 0),
            1 => Shape::Groups(None, false),
            _ => Shape::Rows(columns.iter().copied().filter(|_| dice.below(2) == 0).chain(["a"]).collect()),
        };
        Query { joined, condition, shape }
    }

    fn text(&self) -> String {
        let from = if self.joined { "T join U on T.a = U.k" } else { "T" };
        let condition = self.condition.as_ref().map_or_else(String::new, |all| format!(" where {}", all.text()));
        let totals = "count(*) as n, count(b) as c, sum(b) as total, min(b) as low, max(b) as high, avg(b) as mean";
        match &self.shape {
            Shape::Rows(columns) => {
                let columns: BTreeSet<&str> = columns.iter().copied().collect();
                format!("select {} from {from}{condition}", Vec::from_iter(columns).join(", "))
            }
            Shape::Groups(None, _) => format!("select {totals} from {from}{condition}"),
            Shape::Groups(Some(by), having) => {
                let having = if *having { " having count(*) > 1" } else { "" };
                format!("select {by} as g, {totals} from {from}{condition} group by {by}{having}")
            }
        }
    }

    /// The rows, each as JSON.
    fn rows(&self, left: &[Row], right: &[Row]) -> BTreeSet<String> {
        let joined: Vec<Row> = if self.joined {
            let pairs = left.iter().flat_map(|row| right.iter().map(move |other| (row, other)));
            let met = pairs.filter(|(row, other)| compare(&row["a"], "=", &other["k"]) == Some(true));
            // A column of both is that of the first.
            met.map(|(row, other)| other.clone().into_iter().chain(row.clone()).collect()).collect()
        } else {
            left.to_vec()
        };
        let holds = |row: &&Row| self.condition.as_ref().is_none_or(|all| all.holds(row) == Some(true));
        let kept: Vec<&Row> = joined.iter().filter(holds).collect();
        let cell = |row: &Row, column: &str| row.get(column).cloned().unwrap_or(Cell::Null);
        match &self.shape {
            Shape::Rows(columns) => {
                let select = |row: &&Row| json(columns.iter().map(|column| (*column, plain(&cell(row, column)))));
                kept.iter().map(select).collect()
            }
            Shape::Groups(None, _) => BTreeSet::from([totals(None, &kept)]),
            Shape::Groups(Some(by), having) => {
                let mut groups: BTreeMap<Cell, Vec<&Row>> = BTreeMap::new();
                kept.iter().for_each(|row| groups.entry(cell(row, by)).or_default().push(row));
                let groups = groups.iter().filter(|(_, rows)| !having || rows.len() > 1);
                groups.map(|(key, rows)| totals(Some(key), rows)).collect()
            }
        }
    }
}

fn totals(key: Option<&Cell>, rows: &[&Row]) -> String {
    let numbers: Vec<i64> =
        rows.iter().filter_map(|row| if let Some(Cell::Number(b)) = row.get("b") { Some(*b) } else { None }).collect();
    let sum: i64 = numbers.iter().sum();
    let some = |value: serde_json::Value| if numbers.is_empty() { serde_json::Value::Null } else { value };
    let count = i32::try_from(numbers.len()).expect("few");
    let mean = f64::from(i32::try_from(sum).expect("small")) / f64::from(count.max(1));
    let columns = [
        ("n", rows.len().into()),
        ("c", numbers.len().into()),
        ("total", some(sum.into())),
        ("low", some(numbers.iter().min().copied().unwrap_or(0).into())),
        ("high", some(numbers.iter().max().copied().unwrap_or(0).into())),
        ("mean", some(mean.into())),
    ];
    json(columns.into_iter().chain(key.map(|key| ("g", plain(key)))))
}

fn plain(cell: &Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Number(number) => (*number).into(),
        Cell::Text(text) => (*text).into(),
    }
}

/// A row as JSON; numbers that are equal look alike.
fn json<'a>(columns: impl IntoIterator<Item = (&'a str, serde_json::Value)>) -> String {
    let row: BTreeMap<&str, String> = columns
        .into_iter()
        .map(|(name, value)| (name, value.as_f64().map_or_else(|| value.to_string(), |number| number.to_string())))
        .collect();
    format!("{row:?}")
}

fn term(row: &Row) -> String {
    let cells: Vec<String> = row
        .iter()
        .filter(|(_, cell)| **cell != Cell::Null)
        .map(|(name, cell)| match cell {
            Cell::Text(text) => format!("{name} => \"{text}\""),
            other => format!("{name} => {}", literal(other)),
        })
        .collect();
    format!("#{{{}}}", cells.join(", "))
}

fn random_rows(dice: &mut Dice, columns: [(&'static str, u64); 3], count: i64) -> Vec<Row> {
    (0..count)
        .map(|id| {
            let mut row = Row::from([("id", Cell::Number(id))]);
            for (name, missing) in columns {
                let cell = match dice.below(10) {
                    chance if chance < missing => Cell::Null,
                    _ if name == "s" => Cell::Text(dice.one(&["x", "y"])),
                    _ => Cell::Number(i64::try_from(dice.below(5)).expect("small")),
                };
                row.insert(name, cell);
            }
            row
        })
        .collect()
}

#[test]
fn views_of_random_tables_have_the_rows_that_the_text_says_also_after_changes() {
    for seed in 0..4 {
        let mut dice = Dice(seed);
        let left = random_rows(&mut dice, [("a", 1), ("b", 3), ("s", 2)], 12);
        let right = random_rows(&mut dice, [("k", 1), ("v", 3), ("w", 2)], 6);
        let queries: Vec<Query> = (0..30).map(|_| Query::random(&mut dice)).collect();
        let mut program = "T = declare(set).\nU = declare(set).\n".to_owned();
        let add = |name: &str, rows: &[Row]| {
            let rows: Vec<String> = rows.iter().map(term).collect();
            format!("update({name}, {{add, [{}]}}).\n", rows.join(", "))
        };
        program += &add("T", &left[..8]);
        program += &add("U", &right[..4]);
        for (at, query) in queries.iter().enumerate() {
            let _ = writeln!(program, "V{at} = sql(\"{}\").", query.text());
        }
        // Rows that come and go once the views are there.
        program += &add("T", &left[8..]);
        program += &add("U", &right[4..]);
        for (name, row) in [("T", &left[0]), ("T", &left[9]), ("U", &right[1])] {
            let _ = writeln!(program, "update({name}, {{rmv, {}}}).", term(row));
        }
        let kept = |rows: &[Row], gone: &[usize]| -> Vec<Row> {
            rows.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, row)| row.clone()).collect()
        };
        let (left, right) = (kept(&left, &[0, 9]), kept(&right, &[1]));
        let ran = support::lasp(&["run", "-", "--json"], &program);
        assert_eq!(ran.code, Some(0), "{program}\n{ran:?}");
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in ran.stdout.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("one object a line");
            let (Some(name), Some(rows)) = (event["variable"].as_str(), event["value"].as_array()) else { continue };
            let row = |row: &serde_json::Value| {
                let columns = row.as_object().expect("a row is a map");
                json(columns.iter().map(|(name, value)| (name.as_str(), value.clone())))
            };
            if name.starts_with('V') {
                found.insert(name.to_owned(), rows.iter().map(row).collect());
            }
        }
        for (at, query) in queries.iter().enumerate() {
            let expected = query.rows(&left, &right);
            assert_eq!(found.get(&format!("V{at}")), Some(&expected), "seed {seed}: {}\n{program}", query.text());
        }
    }
}
