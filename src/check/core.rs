//! The checked program: a tree in which every name is resolved. What the checker gives and the compiler takes.

use crate::library::{BuiltinId, Verb};
use crate::source::span::Span;
use crate::value::term::Term;

/// A variable of one function or lambda, numbered densely from 0 within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u32);

/// A name bound at top level, numbered densely over the whole program (and over a whole session at the prompt).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalId(pub u32);

/// A named function, numbered densely over the whole program, the library's included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// What one text adds to a program.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its statement forms, in order. Each is a task body of its own scope for locals; globals are shared.
    pub forms: Vec<Form>,
    /// The names of all globals known so far, by [`GlobalId`].
    pub globals: Vec<String>,
}

/// A statement form: expressions that run in order.
#[derive(Clone, Debug)]
pub struct Form {
    /// The expressions.
    pub body: Vec<Expr>,
    /// How many locals they use.
    pub locals: u32,
    /// Where it stands.
    pub span: Span,
}

impl Expr {
    /// Whether it is treated as a guard where it is a condition of a comprehension: it calls nothing but built-ins that guards
    /// may call. What fails in it is false then.
    #[must_use]
    pub fn is_guard(&self) -> bool {
        match &self.node {
            Node::Literal(_) | Node::Local(_) | Node::Global(_) => true,
            Node::Tuple(items) => items.iter().all(Expr::is_guard),
            Node::Cons(left, right)
            | Node::Binary(_, left, right)
            | Node::AndAlso(left, right)
            | Node::OrElse(left, right) => left.is_guard() && right.is_guard(),
            Node::Unary(_, operand) => operand.is_guard(),
            Node::Builtin(builtin, arguments) => builtin.row().guard && arguments.iter().all(Expr::is_guard),
            _ => false,
        }
    }
}

/// A named function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its number.
    pub id: FunctionId,
    /// Its module; `None` for the program's own functions.
    pub module: Option<String>,
    /// Its name.
    pub name: String,
    /// Its code.
    pub lambda: Lambda,
    /// Its documentation: the `%%` lines directly above it.
    pub documentation: Option<String>,
}

/// The code of a named function or of a `fun`.
#[derive(Clone, Debug)]
pub struct Lambda {
    /// How many arguments it takes.
    pub arity: u8,
    /// The clauses, each with as many patterns as there are arguments.
    pub clauses: Vec<Clause>,
    /// What it takes from around it: the local there, and the local here that holds it. Empty for named functions.
    pub captures: Vec<(LocalId, LocalId)>,
    /// The local that holds the function itself, in `fun Loop(X) -> .. end`.
    pub itself: Option<LocalId>,
    /// How many locals it uses, captures included.
    pub locals: u32,
    /// Where it stands.
    pub span: Span,
}

/// A clause of a function, a `fun` or a `case` (which has one pattern).
#[derive(Clone, Debug)]
pub struct Clause {
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// Alternatives (`;`) of conjunctions (`,`); empty means no guard. A guard that fails is false.
    pub guard: Vec<Vec<Expr>>,
    /// The body: at least one expression.
    pub body: Vec<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// A pattern with its place.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What it is.
    pub node: PatternNode,
    /// Where it stands.
    pub span: Span,
}

/// What a pattern can be.
#[derive(Clone, Debug)]
pub enum PatternNode {
    /// `_`
    Any,
    /// Binds a fresh local.
    Bind(LocalId),
    /// Matches what the local holds already.
    Same(LocalId),
    /// Binds a name of the top level when this runs first, and matches what it holds after that.
    Global(GlobalId),
    /// Exactly this term.
    Literal(Term),
    /// A tuple of this size.
    Tuple(Vec<Pattern>),
    /// `[H | T]`
    Cons(Box<Pattern>, Box<Pattern>),
    /// `#{K := P}`: the keys are expressions over what is bound already.
    Map(Vec<(Expr, Pattern)>),
    /// `P1 = P2`: both match.
    Both(Box<Pattern>, Box<Pattern>),
    /// `"prefix" ++ P`
    Prefix(String, Box<Pattern>),
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub node: Node,
    /// Where it stands.
    pub span: Span,
}

/// What an expression can be.
#[derive(Clone, Debug)]
pub enum Node {
    /// A term that is written out, compound ones of literals included.
    Literal(Term),
    /// A local.
    Local(LocalId),
    /// A name of the top level; reading it before it is bound is a run-time error.
    Global(GlobalId),
    /// `{A, B}`
    Tuple(Vec<Expr>),
    /// `[H | T]`
    Cons(Box<Expr>, Box<Expr>),
    /// `#{K => V}`
    Map(Vec<(Expr, Expr)>),
    /// `M#{K => V, L := W}`; true for `:=`, which needs the key to be there.
    MapUpdate(Box<Expr>, Vec<(bool, Expr, Expr)>),
    /// `P = E`
    Match(Box<Pattern>, Box<Expr>),
    /// `- + not bnot`
    Unary(Unary, Box<Expr>),
    /// Arithmetic, comparison, `++`, `--`, strict `and or xor`.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `andalso`
    AndAlso(Box<Expr>, Box<Expr>),
    /// `orelse`
    OrElse(Box<Expr>, Box<Expr>),
    /// A call of a named function.
    Call(FunctionId, Vec<Expr>),
    /// A call of a pure built-in.
    Builtin(BuiltinId, Vec<Expr>),
    /// A verb: what the node does for the program.
    Verb(VerbCall),
    /// A call of a function value.
    Apply(Box<Expr>, Vec<Expr>),
    /// `fun (X) -> .. end`
    Fun(Box<Lambda>),
    /// `fun f/2`
    FunctionValue(FunctionId),
    /// `fun length/1`: a built-in or a verb as a value; the arity is the built-in's.
    BuiltinValue(BuiltinId),
    /// `case`
    Case(Box<Expr>, Vec<Clause>),
    /// `if`: clauses without patterns.
    If(Vec<Clause>),
    /// `begin .. end`
    Block(Vec<Expr>),
    /// `[E || ..]`
    ListComprehension(Box<Expr>, Vec<Qualifier>),
    /// `#{K => V || ..}`
    MapComprehension(Box<(Expr, Expr)>, Vec<Qualifier>),
}

/// A call of a verb.
#[derive(Clone, Debug)]
pub struct VerbCall {
    /// Which built-in it is.
    pub builtin: BuiltinId,
    /// Which verb.
    pub verb: Verb,
    /// The arguments.
    pub arguments: Vec<Expr>,
    /// The name of the variable that this makes: `X` for `X = declare(T)` and `X = map(S, F)` at top level, and for the
    /// inner call of `X = map(S, F, declare(T))`. Without one, what it makes gets a fresh name.
    pub name: Option<String>,
}

/// A part of a comprehension. Generators skip what does not match.
#[derive(Clone, Debug)]
pub enum Qualifier {
    /// `P <- L`
    List(Pattern, Expr),
    /// `K := V <- M`
    Map(Pattern, Pattern, Expr),
    /// A condition.
    Filter(Expr),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Negate,
    /// `+`
    Plus,
    /// `not`
    Not,
    /// `bnot`
    BitNot,
}

/// Operators with two operands, both evaluated, left first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Div,
    Rem,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Equal,
    NotEqual,
    ExactlyEqual,
    ExactlyNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
    Append,
    ListSubtract,
}
