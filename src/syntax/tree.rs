//! What was written, as a tree. It lives in one arena, so that building it is fast and freeing it never recurses. It keeps
//! the text: names and literals are read from there, as written. Knows nothing of what names mean.

use std::borrow::Cow;

use crate::source::span::FileId;
use crate::source::span::Span;
use crate::syntax::literal;
use crate::syntax::literal::Integer;

/// How deep a tree may be, so that whoever walks it may recurse.
pub const DEPTH_MAX: u32 = 500;

/// An expression in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub(super) u32);

impl ExprId {
    /// Where it stands among the tree's expressions.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A clause in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClauseId(pub(super) u32);

/// Some expressions, in order.
pub type List = Box<[ExprId]>;

/// Bytes of the text, from the first to behind the last.
pub type Range = (u32, u32);

/// A text, parsed.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub(super) file: FileId,
    pub(super) text: Box<str>,
    pub(super) nodes: Vec<Node>,
    pub(super) ranges: Vec<Range>,
    pub(super) clauses: Vec<Clause>,
    /// Its forms, in order.
    pub forms: Vec<Form>,
    /// Its comments, in order.
    pub comments: Vec<Range>,
    /// Names that stand in what could not be parsed: they may be bound or defined there.
    pub lost: Vec<Box<str>>,
    /// Whether a mistake was told: the tree is not what was meant.
    pub broken: bool,
}

/// A form.
#[derive(Clone, Debug)]
pub struct Form {
    /// What it is.
    pub node: FormNode,
    /// Where it stands, without its `.`.
    pub range: Range,
}

/// What a form can be.
#[derive(Clone, Debug)]
pub enum FormNode {
    /// `e1, e2.`
    Statement(List),
    /// `f(X) -> ..; f(Y) -> ..` and the text of the `%%` lines directly above it. The one pattern of each clause is its head, a call.
    Function(Box<[ClauseId]>, Option<Box<str>>),
    /// `-name(arguments).`: the name and the arguments.
    Attribute(ExprId, List),
}

/// A clause of a function, a `fun`, a `case` (one pattern) or an `if` (none).
#[derive(Clone, Debug)]
pub struct Clause {
    /// `Loop` in `fun Loop(X) -> .. end`.
    pub name: Option<ExprId>,
    /// The patterns, which were parsed as expressions.
    pub patterns: List,
    /// Alternatives of conjunctions.
    pub guard: Box<[List]>,
    /// The body.
    pub body: List,
    /// Where it stands.
    pub range: Range,
}

/// An entry of a map expression.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub key: ExprId,
    /// The value.
    pub value: ExprId,
    /// Whether it is `:=` and not `=>`.
    pub exactly: bool,
}

/// A part of a comprehension, behind the `||`.
#[derive(Clone, Copy, Debug)]
pub enum Qualifier {
    /// `P <- L`
    List(ExprId, ExprId),
    /// `K := V <- M`
    Map(ExprId, ExprId, ExprId),
    /// A condition.
    Filter(ExprId),
}

/// What an expression is. Names and literals carry nothing: the [`Tree`] reads them from the text.
#[derive(Clone, Debug)]
pub enum Node {
    /// Could not be parsed; it was told.
    Error,
    /// `X`; see [`Tree::name`].
    Variable,
    /// `a` or `'A b'`; see [`Tree::name`].
    Atom,
    /// `1_000`, `16#ff`, `$a`; see [`Tree::integer`].
    Integer,
    /// See [`Tree::float`].
    Float,
    /// `"a" "b"`; see [`Tree::string`].
    Text,
    /// `<<"text">>`
    Binary(Option<ExprId>),
    /// `{A, B}`
    Tuple(List),
    /// `[A, B | T]`
    List(List, Option<ExprId>),
    /// `#{K => V}`
    Map(Box<[Field]>),
    /// `M#{K := V}`
    Update(ExprId, Box<[Field]>),
    /// `f(X)`
    Call(ExprId, List),
    /// `m:f(X)`
    Remote(ExprId, ExprId, List),
    /// `-X`
    Unary(Prefix, ExprId),
    /// `A + B`
    Binop(Infix, ExprId, ExprId),
    /// `fun (X) -> .. end`
    Fun(Box<[ClauseId]>),
    /// `fun m:f/2`
    FunName(Box<FunName>),
    /// `case`
    Case(ExprId, Box<[ClauseId]>),
    /// `if`
    If(Box<[ClauseId]>),
    /// `begin .. end`
    Block(List),
    /// `[E || ..]`
    ListComprehension(ExprId, Box<[Qualifier]>),
    /// `#{K => V || ..}`
    MapComprehension(Box<(ExprId, ExprId)>, Box<[Qualifier]>),
}

/// `fun m:f/2`
#[derive(Clone, Copy, Debug)]
pub struct FunName {
    /// `m`
    pub module: Option<ExprId>,
    /// `f`
    pub name: ExprId,
    /// `2`
    pub arity: ExprId,
}

/// Operators before their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Prefix {
    Minus,
    Plus,
    Not,
    BitNot,
}

/// Operators between their operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Infix {
    Match,
    OrElse,
    AndAlso,
    Equal,
    NotEqual,
    ExactlyEqual,
    ExactlyNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Append,
    Subtract,
    Plus,
    Minus,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Or,
    Xor,
    Times,
    Divide,
    Div,
    Rem,
    BitAnd,
    And,
}

impl Tree {
    /// Which text it is.
    #[must_use]
    pub fn file(&self) -> FileId {
        self.file
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What an expression is.
    #[must_use]
    pub fn node(&self, id: ExprId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A clause.
    #[must_use]
    pub fn clause(&self, id: ClauseId) -> &Clause {
        &self.clauses[id.0 as usize]
    }

    /// Where an expression stands.
    #[must_use]
    pub fn span(&self, id: ExprId) -> Span {
        self.place(self.ranges[id.0 as usize])
    }

    /// A range as a span.
    #[must_use]
    pub fn place(&self, range: Range) -> Span {
        Span { file: self.file, start: range.0, end: range.1 }
    }

    /// For each expression whether it is a literal, or made of literals alone. Once for all: each of what is nested would
    /// look through all that is within it.
    #[must_use]
    pub fn literals(&self) -> Vec<bool> {
        let mut known: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            // What a node is made of stands before it.
            let part = |id: ExprId| known.get(id.index()).copied().unwrap_or(false);
            known.push(match node {
                Node::Integer | Node::Float | Node::Atom | Node::Text | Node::Binary(_) => true,
                Node::Unary(Prefix::Minus, operand) => matches!(self.node(*operand), Node::Integer | Node::Float),
                Node::Tuple(items) | Node::List(items, None) => items.iter().all(|item| part(*item)),
                Node::Map(fields) => fields.iter().all(|field| !field.exactly && part(field.key) && part(field.value)),
                _ => false,
            });
        }
        known
    }

    /// An expression as it is written.
    #[must_use]
    pub fn raw(&self, id: ExprId) -> &str {
        self.slice(self.ranges[id.0 as usize])
    }

    /// The text of the `%%` lines that end on the line above `start`.
    #[must_use]
    pub fn documentation_above(&self, start: u32) -> Option<Box<str>> {
        let mut lines = Vec::new();
        let mut next = start;
        let before = self.comments.partition_point(|comment| comment.1 <= start);
        for comment in self.comments[..before].iter().rev() {
            let between = self.slice((comment.1, next));
            let line = self.slice(*comment);
            if !line.starts_with("%%") || between.matches('\n').count() != 1 || !between.trim().is_empty() {
                break;
            }
            let text = line.trim_start_matches('%').trim_end();
            lines.push(text.strip_prefix(' ').unwrap_or(text));
            next = comment.0;
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n").into())
    }

    /// What is written at `range`.
    #[must_use]
    pub fn slice(&self, range: Range) -> &str {
        self.text.get(range.0 as usize..range.1 as usize).unwrap_or("")
    }

    /// The name of a variable or an atom, quotes and escapes resolved.
    #[must_use]
    pub fn name(&self, id: ExprId) -> Cow<'_, str> {
        literal::name(self.raw(id))
    }

    /// The value of an integer or a character.
    #[must_use]
    pub fn integer(&self, id: ExprId) -> Integer {
        literal::integer(self.raw(id)).unwrap_or(Integer::Small(0))
    }

    /// The value of a float; finite.
    #[must_use]
    pub fn float(&self, id: ExprId) -> f64 {
        literal::float(self.raw(id)).unwrap_or(0.0)
    }

    /// The value of a text, adjacent pieces joined.
    #[must_use]
    pub fn string(&self, id: ExprId) -> String {
        literal::string(self.raw(id)).unwrap_or_default()
    }

    /// Calls `visit` with each expression directly beneath `id`, in order of the text.
    pub fn children(&self, id: ExprId, visit: &mut dyn FnMut(ExprId)) {
        self.children_of(&self.nodes[id.0 as usize], visit);
    }

    pub(super) fn children_of(&self, node: &Node, visit: &mut dyn FnMut(ExprId)) {
        match node {
            Node::Error | Node::Variable | Node::Atom | Node::Integer | Node::Float | Node::Text => {}
            Node::Binary(text) => text.iter().for_each(|id| visit(*id)),
            Node::Tuple(items) | Node::Block(items) => items.iter().for_each(|id| visit(*id)),
            Node::List(items, tail) => items.iter().chain(tail).for_each(|id| visit(*id)),
            Node::Map(fields) => each_field(fields, visit),
            Node::Update(map, fields) => {
                visit(*map);
                each_field(fields, visit);
            }
            Node::Call(function, arguments) => {
                visit(*function);
                arguments.iter().for_each(|id| visit(*id));
            }
            Node::Remote(module, function, arguments) => {
                visit(*module);
                visit(*function);
                arguments.iter().for_each(|id| visit(*id));
            }
            Node::Unary(_, operand) => visit(*operand),
            Node::Binop(_, left, right) => {
                visit(*left);
                visit(*right);
            }
            Node::Fun(clauses) | Node::If(clauses) => self.each_in_clauses(clauses, visit),
            Node::FunName(fun) => fun.module.iter().chain([&fun.name, &fun.arity]).for_each(|id| visit(*id)),
            Node::Case(subject, clauses) => {
                visit(*subject);
                self.each_in_clauses(clauses, visit);
            }
            Node::ListComprehension(element, qualifiers) => {
                visit(*element);
                each_in_qualifiers(qualifiers, visit);
            }
            Node::MapComprehension(element, qualifiers) => {
                visit(element.0);
                visit(element.1);
                each_in_qualifiers(qualifiers, visit);
            }
        }
    }

    /// Whether two trees are the same but for places and comments.
    #[must_use]
    pub fn same(&self, other: &Tree) -> bool {
        super::same::trees(self, other)
    }

    fn each_in_clauses(&self, clauses: &[ClauseId], visit: &mut dyn FnMut(ExprId)) {
        for clause in clauses.iter().map(|id| self.clause(*id)) {
            clause.name.iter().chain(&clause.patterns).for_each(|id| visit(*id));
            clause.guard.iter().flatten().chain(&clause.body).for_each(|id| visit(*id));
        }
    }
}

fn each_field(fields: &[Field], visit: &mut dyn FnMut(ExprId)) {
    for field in fields {
        visit(field.key);
        visit(field.value);
    }
}

fn each_in_qualifiers(qualifiers: &[Qualifier], visit: &mut dyn FnMut(ExprId)) {
    for qualifier in qualifiers {
        match *qualifier {
            Qualifier::List(pattern, list) => [pattern, list].into_iter().for_each(&mut *visit),
            Qualifier::Map(key, value, map) => [key, value, map].into_iter().for_each(&mut *visit),
            Qualifier::Filter(condition) => visit(condition),
        }
    }
}
