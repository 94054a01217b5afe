//! Tokens to a query. Precedence, loosest first: `or`, `and`, `not`, comparisons, `+ -`, `* /`.

use std::ops::Range;

use crate::sql::SqlError;
use crate::sql::lexer;
use crate::sql::lexer::Kind;
use crate::sql::lexer::Token;
use crate::sql::query::Aggregate;
use crate::sql::query::Comparison;
use crate::sql::query::Doubt;
use crate::sql::query::Expr;
use crate::sql::query::Item;
use crate::sql::query::Node;
use crate::sql::query::Query;
use crate::sql::query::Table;

/// How deep expressions may be nested.
const DEPTH_MAX: u32 = 40;
/// Words that cannot be names without quotes.
const KEYWORDS: &[&str] = &[
    "select",
    "distinct",
    "from",
    "where",
    "group",
    "by",
    "having",
    "as",
    "and",
    "or",
    "not",
    "join",
    "inner",
    "on",
    "is",
    "null",
    "undefined",
    "true",
    "false",
    "in",
    "between",
    "like",
    "order",
    "limit",
    "offset",
    "union",
    "intersect",
    "except",
    "left",
    "right",
    "full",
    "outer",
    "cross",
    "natural",
    "using",
    "exists",
    "case",
];
/// Parts of SQL that there are not, and what does the same.
const ABSENT: &[(&str, &str)] = &[
    ("order", "a view is a set, and has no order; `lists:sort/1` orders what is queried, and a `top_k` keeps the best"),
    ("limit", "a view is a set, and has no order; a `top_k` keeps the best"),
    ("offset", "a view is a set, and has no order"),
    ("union", "make two views, and `union(A, B)` of them"),
    ("intersect", "make two views, and `intersection(A, B)` of them"),
    ("except", "make two views, and `difference(A, B)` of them"),
    ("left", "there are inner joins only: `a join b on a.x = b.y`"),
    ("right", "there are inner joins only: `a join b on a.x = b.y`"),
    ("full", "there are inner joins only: `a join b on a.x = b.y`"),
    ("outer", "there are inner joins only: `a join b on a.x = b.y`"),
    ("natural", "say by what is joined: `a join b on a.x = b.y`"),
    ("cross", "write `from a, b`"),
    ("using", "say by what is joined: `a join b on a.x = b.y`"),
    ("exists", "make a view of the inner query, and join it"),
    ("case", "make a variable with `map`, and a view of that"),
];

/// Parses a query.
pub(super) fn query(text: &str) -> Result<Query, SqlError> {
    let mut parser = Parser { tokens: lexer::tokens(text)?, at: 0, depth: 0 };
    let query = parser.query()?;
    parser.mark(";");
    match parser.peek() {
        Kind::End => Ok(query),
        _ => Err(parser.unexpected("the end of the text")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// How deep in parentheses and `not`.
    depth: u32,
}

type Parsed<T> = Result<T, SqlError>;

impl Parser {
    fn peek(&self) -> &Kind {
        self.tokens.get(self.at).map_or(&Kind::End, |token| &token.kind)
    }

    fn place(&self) -> Range<usize> {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get(self.at.min(last)).map_or(0..0, |token| token.place.clone())
    }

    /// Where the token before ends.
    fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.place.end)
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self.peek(), Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let there = self.is(keyword);
        self.at += usize::from(there);
        there
    }

    fn mark(&mut self, mark: &str) -> bool {
        let there = matches!(self.peek(), Kind::Mark(known) if *known == mark);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    fn expect_keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.keyword(keyword) { Ok(()) } else { Err(self.unexpected(&format!("`{keyword}`"))) }
    }

    fn unexpected(&self, expected: &str) -> SqlError {
        if let Kind::Word(word) = self.peek()
            && let Some((word, help)) = ABSENT.iter().find(|(absent, _)| word.eq_ignore_ascii_case(absent))
        {
            return SqlError::new("E0907", format!("there is no `{word}` in views"), self.place(), *help);
        }
        let found = match self.peek() {
            Kind::End => "the text ends here".to_owned(),
            Kind::Word(word) | Kind::Quoted(word) => format!("`{word}` stands here"),
            Kind::Number(number) => format!("`{number}` stands here"),
            Kind::Text(text) => format!("the text '{text}' stands here"),
            Kind::Mark(mark) => format!("`{mark}` stands here"),
        };
        let changes = ["insert", "update", "delete", "create", "drop"];
        if let Kind::Word(word) = self.peek()
            && changes.iter().any(|change| word.eq_ignore_ascii_case(change))
        {
            let help =
                "a view only looks: `update(T, {add, #{name => \"Ann\"}})` adds a row, `{rmv, Row}` takes one away";
            return SqlError::new("E0901", format!("{expected} is expected, and {found}"), self.place(), help);
        }
        let help = "a view is `select columns from tables where condition group by columns having condition`";
        SqlError::new("E0901", format!("{expected} is expected, and {found}"), self.place(), help)
    }

    fn query(&mut self) -> Parsed<Query> {
        self.expect_keyword("select")?;
        // A view is a set anyway.
        self.keyword("distinct");
        let doubt = self.doubt()?;
        let mut items = vec![self.item()?];
        while self.mark(",") {
            items.push(self.item()?);
        }
        self.expect_keyword("from")?;
        let mut conditions = Vec::new();
        let mut tables = vec![self.table()?];
        loop {
            if self.mark(",") {
                tables.push(self.table()?);
            } else if self.is("join") || self.is("inner") {
                self.keyword("inner");
                self.expect_keyword("join")?;
                tables.push(self.table()?);
                self.expect_keyword("on")?;
                conditions.push(self.expression()?);
            } else {
                break;
            }
        }
        if self.keyword("where") {
            conditions.push(self.expression()?);
        }
        let mut groups = Vec::new();
        if self.keyword("group") {
            self.expect_keyword("by")?;
            groups.push(self.sum()?);
            while self.mark(",") {
                groups.push(self.sum()?);
            }
        }
        let having = if self.keyword("having") { Some(self.expression()?) } else { None };
        Ok(Query { items, tables, conditions, groups, having, doubt })
    }

    /// `all name` and `top name`, where `top 10 name` can be nothing else.
    fn doubt(&self) -> Parsed<Option<Doubt>> {
        let word = match self.peek() {
            Kind::Word(word) if self.is("all") || self.is("top") => word.clone(),
            _ => return Ok(None),
        };
        let place = self.place();
        match self.tokens.get(self.at + 1).map(|next| &next.kind) {
            Some(Kind::Number(_)) => {
                let help = "a view is a set, and has no order; a `top_k` keeps the best";
                Err(SqlError::new("E0907", format!("there is no `{word}` in views"), place, help))
            }
            Some(Kind::Quoted(name)) => Ok(Some(Doubt { word, name: name.clone(), place })),
            Some(Kind::Word(name)) if plain(name) => Ok(Some(Doubt { word, name: name.clone(), place })),
            _ => Ok(None),
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        if self.mark("*") {
            return Ok(Item::All);
        }
        let start = self.at;
        if let Ok((table, place)) = self.name("a table")
            && self.mark(".")
            && self.mark("*")
        {
            return Ok(Item::AllOf(table, place));
        }
        self.at = start;
        let value = self.expression()?;
        let name = if self.keyword("as") {
            Some(self.any_word("a name")?)
        } else if matches!(self.peek(), Kind::Quoted(_)) || self.plain_word() {
            Some(self.name("a name")?.0)
        } else {
            None
        };
        Ok(Item::Value(value, name))
    }

    /// Whether a word that is no keyword comes next.
    fn plain_word(&self) -> bool {
        matches!(self.peek(), Kind::Word(word) if plain(word))
    }

    /// A name where no keyword can stand.
    fn any_word(&mut self, what: &str) -> Parsed<String> {
        match self.peek().clone() {
            Kind::Word(word) | Kind::Quoted(word) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn name(&mut self, what: &str) -> Parsed<(String, Range<usize>)> {
        let place = self.place();
        match self.peek().clone() {
            Kind::Word(word) if self.plain_word() => {
                self.at += 1;
                Ok((word, place))
            }
            Kind::Quoted(word) => {
                self.at += 1;
                Ok((word, place))
            }
            Kind::Mark("(")
                if self.tokens.get(self.at + 1).is_some_and(
                    |next| matches!(&next.kind, Kind::Word(word) if word.eq_ignore_ascii_case("select")),
                ) =>
            {
                let help = "make a view of the inner query: `Inner = sql(\"select ..\")`, and select from `Inner`";
                Err(SqlError::new("E0907", "there are no queries in queries", place, help))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn table(&mut self) -> Parsed<Table> {
        let (name, place) = self.name("a table")?;
        let alias = if self.keyword("as") || self.plain_word() { self.name("a name")?.0 } else { name.clone() };
        Ok(Table { name, alias, place })
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep(self.place()));
        }
        let parts = self.separated("or", |parser| {
            let parts = parser.separated("and", Parser::negation)?;
            Ok(joined(parts, Node::And))
        })?;
        self.depth -= 1;
        checked(joined(parts, Node::Or))
    }

    fn separated(&mut self, keyword: &str, mut part: impl FnMut(&mut Parser) -> Parsed<Expr>) -> Parsed<Vec<Expr>> {
        let mut parts = vec![part(self)?];
        while self.keyword(keyword) {
            parts.push(part(self)?);
        }
        Ok(parts)
    }

    fn negation(&mut self) -> Parsed<Expr> {
        let start = self.place().start;
        // `not not x` is x.
        let (mut negated, mut any) = (false, false);
        while self.keyword("not") {
            (negated, any) = (!negated, true);
        }
        let inner = self.comparison()?;
        if !negated {
            return Ok(if any { Expr { place: start..inner.place.end, ..inner } } else { inner });
        }
        let place = start..inner.place.end;
        checked(Expr { depth: inner.depth + 1, node: Node::Not(Box::new(inner)), place })
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.sum()?;
        if self.keyword("is") {
            let negated = self.keyword("not");
            if !self.keyword("null") && !self.keyword("undefined") {
                return Err(self.unexpected("`null`"));
            }
            let place = left.place.start..self.end();
            let is = Expr { depth: left.depth + 1, node: Node::IsNull(Box::new(left)), place: place.clone() };
            let not = |is: Expr| Expr { depth: is.depth + 1, node: Node::Not(Box::new(is)), place };
            return Ok(if negated { not(is) } else { is });
        }
        let negated = self.is("not") && {
            self.at += 1;
            true
        };
        let found = if self.keyword("in") {
            self.expect("(")?;
            let mut any = vec![compared(Comparison::Equal, left.clone(), self.sum()?)];
            while self.mark(",") {
                any.push(compared(Comparison::Equal, left.clone(), self.sum()?));
            }
            self.expect(")")?;
            Some(joined(any, Node::Or))
        } else if self.keyword("between") {
            let least = compared(Comparison::GreaterOrEqual, left.clone(), self.sum()?);
            self.expect_keyword("and")?;
            let most = compared(Comparison::LessOrEqual, left.clone(), self.sum()?);
            Some(joined(vec![least, most], Node::And))
        } else if self.keyword("like") {
            Some(compared(Comparison::Like, left.clone(), self.sum()?))
        } else {
            None
        };
        if let Some(found) = found {
            let place = found.place.clone();
            let not = |inner: Expr| Expr { depth: inner.depth + 1, node: Node::Not(Box::new(inner)), place };
            return checked(if negated { not(found) } else { found });
        }
        if negated {
            return Err(self.unexpected("`in`, `between` or `like`"));
        }
        let Some(comparison) = self.comparator() else { return Ok(left) };
        self.at += 1;
        checked(compared(comparison, left, self.sum()?))
    }

    fn comparator(&self) -> Option<Comparison> {
        let Kind::Mark(mark) = self.peek() else { return None };
        Some(match *mark {
            "=" | "==" => Comparison::Equal,
            "<>" | "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" | "=<" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" | "=>" => Comparison::GreaterOrEqual,
            _ => return None,
        })
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.chain(&["+", "-"], |parser| parser.chain(&["*", "/"], Parser::operand))
    }

    fn chain(&mut self, marks: &[&str], mut part: impl FnMut(&mut Parser) -> Parsed<Expr>) -> Parsed<Expr> {
        let mut left = part(self)?;
        while let Some(mark) = marks.iter().find(|mark| self.mark(mark)) {
            let right = part(self)?;
            let operator = mark.chars().next().unwrap_or('+');
            left = checked(binary(|left, right| Node::Arithmetic(operator, left, right), left, right))?;
        }
        Ok(left)
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let place = self.place();
        let leaf = |node| Expr { node, place: place.clone(), depth: 1 };
        match self.peek().clone() {
            Kind::Mark("(") => {
                if matches!(self.tokens.get(self.at + 1).map(|next| &next.kind), Some(Kind::Word(word)) if word.eq_ignore_ascii_case("select"))
                {
                    return Err(self.name("a value").err().unwrap_or_else(|| self.unexpected("a value")));
                }
                self.at += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Kind::Mark("-") => {
                self.at += 1;
                let zero = Expr { node: Node::Number("0".to_owned()), place: place.clone(), depth: 1 };
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(too_deep(place));
                }
                let operand = self.operand()?;
                self.depth -= 1;
                if let Node::Number(number) = &operand.node {
                    let node = Node::Number(format!("-{}", number.trim_start_matches('-')));
                    return Ok(Expr { node, place: place.start..operand.place.end, depth: 1 });
                }
                checked(binary(|left, right| Node::Arithmetic('-', left, right), zero, operand))
            }
            Kind::Number(number) => {
                self.at += 1;
                Ok(leaf(Node::Number(number)))
            }
            Kind::Text(text) => {
                self.at += 1;
                Ok(leaf(Node::Text(text)))
            }
            Kind::Word(_) if self.keyword("true") => Ok(leaf(Node::Truth(true))),
            Kind::Word(_) if self.keyword("false") => Ok(leaf(Node::Truth(false))),
            Kind::Word(_) if self.keyword("null") || self.keyword("undefined") => Ok(leaf(Node::Null)),
            _ => self.column(),
        }
    }

    /// A column, or an aggregate.
    fn column(&mut self) -> Parsed<Expr> {
        let (name, place) = self.name("a column or a value")?;
        if self.mark("(") {
            let Some(aggregate) = Aggregate::named(&name) else {
                let help = "there are count, sum, min, max and avg; make other columns with `map`, and a view of that";
                return Err(SqlError::new("E0907", format!("there is no function `{name}` in views"), place, help));
            };
            if self.is("distinct") {
                let help = "make a view of the distinct values, and count that";
                return Err(SqlError::new("E0907", "there is no `distinct` in aggregates", self.place(), help));
            }
            let of = if aggregate == Aggregate::Count && self.mark("*") { None } else { Some(Box::new(self.sum()?)) };
            self.expect(")")?;
            let depth = 1 + of.as_ref().map_or(0, |of| of.depth);
            return Ok(Expr { node: Node::Aggregate(aggregate, of), place: place.start..self.end(), depth });
        }
        if self.mark(".") {
            let column = self.any_word("a column")?;
            return Ok(Expr { node: Node::Column(Some(name), column), place: place.start..self.end(), depth: 1 });
        }
        Ok(Expr { node: Node::Column(None, name), place, depth: 1 })
    }
}

/// Whether it is no keyword.
fn plain(word: &str) -> bool {
    !KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn too_deep(place: Range<usize>) -> SqlError {
    SqlError::new("E0901", "this is nested too deeply", place, "make a view of a part, and select from that")
}

fn checked(expr: Expr) -> Parsed<Expr> {
    if expr.depth > DEPTH_MAX { Err(too_deep(expr.place)) } else { Ok(expr) }
}

/// The only part itself, or all of them under `node`.
fn joined(mut parts: Vec<Expr>, node: impl FnOnce(Vec<Expr>) -> Node) -> Expr {
    let place = parts.first().map_or(0, |part| part.place.start)..parts.last().map_or(0, |part| part.place.end);
    let depth = 1 + parts.iter().map(|part| part.depth).max().unwrap_or(0);
    match parts.len() {
        1 => parts.remove(0),
        _ => Expr { node: node(parts), place, depth },
    }
}

fn binary(node: impl FnOnce(Box<Expr>, Box<Expr>) -> Node, left: Expr, right: Expr) -> Expr {
    let (place, depth) = (left.place.start..right.place.end, 1 + left.depth.max(right.depth));
    Expr { node: node(Box::new(left), Box::new(right)), place, depth }
}

fn compared(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    binary(|left, right| Node::Compare(comparison, left, right), left, right)
}
