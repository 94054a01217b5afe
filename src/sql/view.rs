//! A query as derivations: which there are, and the functions that they take.

use std::ops::Range;

use crate::sql::SqlError;
use crate::sql::expression::Slot;
use crate::sql::expression::Translator;
use crate::sql::expression::atom_text;
use crate::sql::expression::balanced;
use crate::sql::expression::has_aggregate;
use crate::sql::parser;
use crate::sql::query::Aggregate;
use crate::sql::query::Comparison;
use crate::sql::query::Doubt;
use crate::sql::query::Expr;
use crate::sql::query::Item;
use crate::sql::query::Node;
use crate::sql::query::Query;
use crate::sql::query::Table;
use crate::value::kind::Type;

/// The most bytes that a text may have.
const TEXT_BYTES_MAX: usize = 1 << 16;
/// The most tables, whose rows are nested pairs.
const TABLES_MAX: usize = 16;

/// A query as derivations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The tables, in order. Each but the first is joined with what is before it: by the functions 2N and 2N + 1, of the
    /// left and of the right side.
    pub tables: Vec<TableUse>,
    /// The functions, in the language, each an expression: those of the joins, then those of the shape.
    pub functions: Vec<String>,
    /// What is made of the joined rows.
    pub shape: Shape,
    /// The columns that are looked at.
    pub columns: Vec<ColumnUse>,
    /// Where something is compared with `null`, which is never true: the bytes of the text.
    pub nulls: Vec<Range<usize>>,
    /// A word that may be meant as none of the columns.
    pub doubt: Option<Doubt>,
    /// The columns that its rows have, besides those of `whole`.
    pub made: Vec<String>,
    /// The tables, by their numbers, whose columns its rows have all: `*`.
    pub whole: Vec<usize>,
}

/// A column, of which table it may be, and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnUse {
    /// The key of its rows' maps.
    pub name: String,
    /// The tables, by their numbers: the one that it is qualified with, or all.
    pub tables: Range<usize>,
    /// Its bytes in the text.
    pub place: Range<usize>,
}

/// A table and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableUse {
    /// The name of a variable at top level.
    pub name: String,
    /// Its bytes in the text.
    pub place: Range<usize>,
}

/// What is made of the joined rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A fold into the view.
    Rows,
    /// A fold into a variable of this type, and a fold of its value into the view: one row.
    Whole(Type),
    /// A `group_by` (two functions) into a map of this type, and a fold of its entries into the view.
    Groups(Type),
}

/// Parses a text and translates it.
///
/// # Errors
/// When it is not a query, or not one that can be kept up to date.
pub fn view(text: &str) -> Result<View, SqlError> {
    if text.len() > TEXT_BYTES_MAX {
        let help = "make a view of a part, and select from that";
        return Err(SqlError::new("E0901", "the text is longer than 65,536 bytes", 0..0, help));
    }
    let query = parser::query(text)?;
    check_tables(&query.tables)?;
    let mut conditions = Vec::new();
    query.conditions.iter().for_each(|condition| conjuncts(condition, &mut conditions));
    let mut translator = Translator { tables: &query.tables, groups: None, slots: Vec::new() };
    let mut functions = Vec::new();
    for table in 1..query.tables.len() {
        join(table, &mut conditions, &translator, &mut functions)?;
    }
    let rest: Vec<String> = conditions.iter().map(|part| translator.of_row(part)).collect::<Result<_, _>>()?;
    let condition = balanced("sql:both", rest);
    let selects_aggregate = query.items.iter().any(|item| matches!(item, Item::Value(expr, _) if has_aggregate(expr)));
    let grouped = !query.groups.is_empty() || selects_aggregate || query.having.is_some();
    let shape = if grouped {
        let groups = query.groups.iter().map(|group| translator.of_row(group)).collect::<Result<_, _>>()?;
        translator.groups = Some(groups);
        aggregated(&query, translator, &condition, &mut functions)?
    } else {
        let row = selected(&query, &mut translator)?;
        functions.push(format!(
            "fun({}) -> {} end",
            rows(query.tables.len()),
            when(&condition, &format!("{{add, {row}}}"))
        ));
        Shape::Rows
    };
    let tables = query.tables.iter().map(|table| TableUse { name: table.name.clone(), place: table.place.clone() });
    let (mut columns, mut nulls) = (Vec::new(), Vec::new());
    let selected = query.items.iter().filter_map(|item| match item {
        Item::Value(expr, _) => Some(expr),
        Item::All | Item::AllOf(..) => None,
    });
    for expr in selected.chain(&query.conditions).chain(&query.groups).chain(&query.having) {
        look(expr, &query.tables, &mut columns, &mut nulls);
    }
    let (made, whole) = made(&query);
    Ok(View { tables: tables.collect(), functions, shape, columns, nulls, doubt: query.doubt, made, whole })
}

/// The columns of the view's rows, and the tables that they have whole.
fn made(query: &Query) -> (Vec<String>, Vec<usize>) {
    let (mut made, mut whole) = (Vec::new(), Vec::new());
    for item in &query.items {
        match item {
            Item::All => whole.extend(0..query.tables.len()),
            Item::AllOf(name, _) => whole.extend(query.tables.iter().position(|table| table.alias == *name)),
            Item::Value(expr, name) => made.extend(name.as_deref().or_else(|| own_name(expr)).map(str::to_owned)),
        }
    }
    (made, whole)
}

/// Notes the columns of an expression, and its comparisons with `null`.
fn look(expr: &Expr, tables: &[Table], columns: &mut Vec<ColumnUse>, nulls: &mut Vec<Range<usize>>) {
    let mut inner = |part: &Expr| look(part, tables, columns, nulls);
    match &expr.node {
        Node::Number(_) | Node::Text(_) | Node::Truth(_) | Node::Null | Node::Aggregate(_, None) => {}
        Node::Column(table, name) => {
            let of = table.as_ref().and_then(|table| tables.iter().position(|other| other.alias == *table));
            let of = of.map_or(0..tables.len(), |at| at..at + 1);
            columns.push(ColumnUse { name: name.clone(), tables: of, place: expr.place.clone() });
        }
        Node::Compare(_, left, right) => {
            inner(left);
            inner(right);
            if matches!(left.node, Node::Null) || matches!(right.node, Node::Null) {
                nulls.push(expr.place.clone());
            }
        }
        Node::Arithmetic(_, left, right) => {
            inner(left);
            inner(right);
        }
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(inner),
        // It asks whether the column is there.
        Node::IsNull(part) if matches!(part.node, Node::Column(..)) => {}
        Node::Not(part) | Node::IsNull(part) | Node::Aggregate(_, Some(part)) => inner(part),
    }
}

fn check_tables(tables: &[Table]) -> Result<(), SqlError> {
    if let Some(table) = tables.get(TABLES_MAX) {
        let help = "make a view of some of them, and join that";
        return Err(SqlError::new("E0901", "there are more than 16 tables", table.place.clone(), help));
    }
    for (at, table) in tables.iter().enumerate() {
        if tables[..at].iter().any(|other| other.alias == table.alias) {
            let title = format!("two tables are called `{}`", table.alias);
            let help = format!("give them names: `{0} as a, {0} as b`", table.name);
            return Err(SqlError::new("E0905", title, table.place.clone(), help));
        }
    }
    Ok(())
}

/// The parts of a condition that all have to hold.
fn conjuncts<'q>(condition: &'q Expr, into: &mut Vec<&'q Expr>) {
    match &condition.node {
        Node::And(parts) => parts.iter().for_each(|part| conjuncts(part, into)),
        _ => into.push(condition),
    }
}

/// The pattern of an element: the rows of so many tables.
fn rows(tables: usize) -> String {
    let row = |table: usize| format!("#{{}} = {}", Translator::row(table));
    (1..tables).fold(row(0), |before, table| format!("{{{before}, {}}}", row(table)))
}

fn when(condition: &str, then: &str) -> String {
    if condition == "true" { then.to_owned() } else { format!("case {condition} of true -> {then}; _ -> [] end") }
}

/// The two functions by which a table is joined with those before it: what is compared by `=` of qualified columns.
fn join(
    table: usize,
    conditions: &mut Vec<&Expr>,
    translator: &Translator,
    functions: &mut Vec<String>,
) -> Result<(), SqlError> {
    let (mut left_keys, mut right_keys, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for condition in conditions.drain(..) {
        let sides = match &condition.node {
            Node::Compare(Comparison::Equal, left, right) => {
                let of = |expr: &Expr| {
                    let (mut tables, mut certain) = (Vec::new(), true);
                    used(expr, translator, &mut tables, &mut certain);
                    (certain && !tables.is_empty()).then_some(tables)
                };
                match (of(left), of(right)) {
                    (Some(a), Some(b)) if a.iter().all(|of| *of < table) && b.iter().all(|of| *of == table) => {
                        Some((left, right))
                    }
                    (Some(a), Some(b)) if b.iter().all(|of| *of < table) && a.iter().all(|of| *of == table) => {
                        Some((right, left))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        match sides {
            Some((left, right)) => {
                left_keys.push(translator.of_row(left)?);
                right_keys.push(translator.of_row(right)?);
            }
            None => rest.push(condition),
        }
    }
    *conditions = rest;
    functions.push(format!("fun({}) -> sql:join_key([{}], left) end", rows(table), left_keys.join(", ")));
    let row = Translator::row(table);
    functions.push(format!("fun(#{{}} = {row}) -> sql:join_key([{}], right) end", right_keys.join(", ")));
    Ok(())
}

/// The tables whose columns an expression uses; not certain where a column is not qualified.
fn used(expr: &Expr, translator: &Translator, tables: &mut Vec<usize>, certain: &mut bool) {
    match &expr.node {
        Node::Column(Some(name), _) => match translator.table(name, expr) {
            Ok(table) => tables.push(table),
            Err(_) => *certain = false,
        },
        Node::Column(None, _) | Node::Aggregate(..) => *certain = false,
        Node::Number(_) | Node::Text(_) | Node::Truth(_) | Node::Null => {}
        Node::Compare(_, left, right) | Node::Arithmetic(_, left, right) => {
            used(left, translator, tables, certain);
            used(right, translator, tables, certain);
        }
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| used(part, translator, tables, certain)),
        Node::Not(inner) | Node::IsNull(inner) => used(inner, translator, tables, certain),
    }
}

/// The functions of a query with groups, or with one group of all rows.
fn aggregated(
    query: &Query,
    mut translator: Translator,
    condition: &str,
    functions: &mut Vec<String>,
) -> Result<Shape, SqlError> {
    let row = selected(query, &mut translator)?;
    let having = match &query.having {
        Some(having) => translator.result(having)?,
        None => "true".to_owned(),
    };
    let groups = translator.groups.take().unwrap_or_default();
    let whole = groups.is_empty();
    // A variable that is a counter or a ranking has other elements than its value: of all rows there is always a pair.
    let count = Slot { kind: Type::Counter, operations: "[increment]".to_owned() };
    while whole && translator.slots.len() < 2 {
        translator.slots.push(count.clone());
    }
    // A group is there as long as it has rows, also where none of them has anything to sum up.
    if !whole && !translator.slots.contains(&count) {
        translator.slots.push(count);
    }
    let slots: Vec<(usize, &Slot)> = translator.slots.iter().enumerate().collect();
    let mut operations = Vec::new();
    let (kind, values) = tree(&slots, &mut Vec::new(), &mut operations);
    let pattern = rows(query.tables.len());
    let contributed = when(condition, &operations.join(" ++ "));
    let added = when(&having, &format!("{{add, {row}}}"));
    if whole {
        functions.push(format!("fun({pattern}) -> {contributed} end"));
        functions.push(format!("fun({values}) -> {added} end"));
        return Ok(Shape::Whole(kind));
    }
    functions.push(format!("fun({pattern}) -> [{}] end", groups.join(", ")));
    functions.push(format!("fun({pattern}) -> {contributed} end"));
    let keys: Vec<String> = (0..groups.len()).map(|at| format!("K{at}")).collect();
    functions.push(format!("fun({{[{}], {values}}}) -> {added} end", keys.join(", ")));
    Ok(Shape::Groups(Type::GMap(Box::new(kind))))
}

/// Slots as pairs of pairs: the type, the pattern of its value, and each slot's operations there.
fn tree(slots: &[(usize, &Slot)], path: &mut Vec<&'static str>, operations: &mut Vec<String>) -> (Type, String) {
    if let [(at, slot)] = slots {
        let nested = path.iter().rev().fold("Op".to_owned(), |inner, side| format!("{{{side}, {inner}}}"));
        operations.push(format!("[{nested} || Op <- {}]", slot.operations));
        return (slot.kind.clone(), format!("V{at}"));
    }
    let (left, right) = slots.split_at(slots.len() / 2);
    path.push("fst");
    let (left_kind, left_value) = tree(left, path, operations);
    path.pop();
    path.push("snd");
    let (right_kind, right_value) = tree(right, path, operations);
    path.pop();
    (Type::Pair(Box::new((left_kind, right_kind))), format!("{{{left_value}, {right_value}}}"))
}

/// The row that is selected.
fn selected(query: &Query, translator: &mut Translator) -> Result<String, SqlError> {
    let (mut columns, mut whole): (Vec<(String, String)>, Vec<usize>) = (Vec::new(), Vec::new());
    for item in &query.items {
        match item {
            Item::All => whole.extend(0..query.tables.len()),
            Item::AllOf(name, place) => {
                let column = Node::Column(Some(name.clone()), String::new());
                whole.push(translator.table(name, &Expr { node: column, place: place.clone(), depth: 1 })?);
            }
            Item::Value(expr, name) => {
                let name = named(expr, name.as_deref())?;
                if columns.iter().any(|(known, _)| *known == name) {
                    let help = "give one of them another name: `as other_name`";
                    let title = format!("two columns are called {name}");
                    return Err(SqlError::new("E0904", title, expr.place.clone(), help));
                }
                columns.push((name, translator.result(expr)?));
            }
        }
    }
    if translator.groups.is_some() && !whole.is_empty() {
        let help = "name the columns of `group by`, and aggregates";
        return Err(SqlError::new("E0906", "`*` has many values in a group", 0..0, help));
    }
    let columns: Vec<String> = columns.into_iter().map(|(name, value)| format!("{name} => {value}")).collect();
    let made = format!("#{{{}}}", columns.join(", "));
    if whole.is_empty() {
        return Ok(made);
    }
    let rows = whole.into_iter().map(Translator::row);
    let parts: Vec<String> = (!columns.is_empty()).then_some(made).into_iter().chain(rows).collect();
    Ok(if parts.len() == 1 { parts.concat() } else { format!("sql:merge([{}])", parts.join(", ")) })
}

/// What a column is called that is given no name.
fn own_name(expr: &Expr) -> Option<&str> {
    match &expr.node {
        Node::Column(_, column) => Some(column.as_str()),
        Node::Aggregate(aggregate, _) => Some(Aggregate::name(*aggregate)),
        _ => None,
    }
}

/// The name of a column of the view, as an atom.
fn named(expr: &Expr, name: Option<&str>) -> Result<String, SqlError> {
    let Some(name) = name.or_else(|| own_name(expr)) else {
        let help = "write what it is to be called: `age + 1 as next_age`";
        return Err(SqlError::new("E0904", "this column needs a name", expr.place.clone(), help));
    };
    atom_text(name).ok_or_else(|| {
        SqlError::new("E0901", "this name is too long", expr.place.clone(), "names have at most 1,020 bytes")
    })
}
