//! The tree of a query.

use std::ops::Range;

/// `select items from tables where condition group by groups having having`
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) items: Vec<Item>,
    /// At least one.
    pub(super) tables: Vec<Table>,
    /// The conditions of `where` and of each `on`: all hold.
    pub(super) conditions: Vec<Expr>,
    pub(super) groups: Vec<Expr>,
    pub(super) having: Option<Expr>,
    /// A word before the first column that elsewhere is none of the columns.
    pub(super) doubt: Option<Doubt>,
}

/// `select all name`, `select top name`: read as the column `all`, called `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// As it is written.
    pub word: String,
    /// What stands behind it.
    pub name: String,
    /// The bytes of the text where the word is.
    pub place: Range<usize>,
}

/// What is selected.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// `*`
    All,
    /// `t.*`
    AllOf(String, Range<usize>),
    /// An expression, and the name that it is given.
    Value(Expr, Option<String>),
}

/// A table and the name that columns are qualified with.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) alias: String,
    pub(super) place: Range<usize>,
}

/// An expression with its place in the text.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) node: Node,
    pub(super) place: Range<usize>,
    /// How deep expressions are nested in it.
    pub(super) depth: u32,
}

/// What an expression can be.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// As the language writes it.
    Number(String),
    Text(String),
    Truth(bool),
    Null,
    /// A column, perhaps of a table that is named.
    Column(Option<String>, String),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// Two or more.
    And(Vec<Expr>),
    /// Two or more.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    Arithmetic(char, Box<Expr>, Box<Expr>),
    /// Of an expression; of none in `count(*)`.
    Aggregate(Aggregate, Option<Box<Expr>>),
}

/// The comparisons; the others are these the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `like`: a text and a pattern.
    Like,
}

/// What is made of a group's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    Sum,
    Min,
    Max,
    Average,
}

impl Aggregate {
    /// Of this name, in whatever case.
    pub(super) fn named(name: &str) -> Option<Aggregate> {
        let all = [Aggregate::Count, Aggregate::Sum, Aggregate::Min, Aggregate::Max, Aggregate::Average];
        all.into_iter().find(|aggregate| aggregate.name().eq_ignore_ascii_case(name))
    }

    /// The name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Aggregate::Count => "count",
            Aggregate::Sum => "sum",
            Aggregate::Min => "min",
            Aggregate::Max => "max",
            Aggregate::Average => "avg",
        }
    }
}
