//! Guards that contradict themselves: `X > 5, X < 3`, `is_atom(X), is_integer(X)`. Found without values, from the tests alone.

use std::cmp::Ordering;

use crate::check::core::Binary;
use crate::check::core::Checked;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::walk;
use crate::library::BuiltinId;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::compare;
use crate::value::term::Term;

/// The most tests of one guard that are looked at.
const TESTS_MAX: usize = 64;

/// Adds what is said of clauses whose guard can never be true, unless something is said of the clause already.
pub(super) fn contradictory(checked: &Checked, told: &mut Vec<Diagnostic>) {
    let mut open: Vec<&Expr> = checked.forms.iter().flat_map(|form| &form.body).collect();
    for function in &checked.functions {
        clauses(&function.lambda.clauses, told);
        walk::in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    }
    while let Some(expr) = open.pop() {
        match &expr.node {
            Node::Fun(lambda) => clauses(&lambda.clauses, told),
            Node::Case(_, all) | Node::If(all) => clauses(all, told),
            _ => {}
        }
        walk::children(expr, &mut |child| open.push(child));
    }
}

fn clauses(all: &[Clause], told: &mut Vec<Diagnostic>) {
    for clause in all {
        let found: Option<Vec<(Span, Span)>> = clause.guard.iter().map(|tests| contradiction(tests)).collect();
        let Some((first, second)) = found.and_then(|found| found.first().copied()) else { continue };
        let inside = |span: Span| {
            span.file == clause.span.file && clause.span.start <= span.start && span.end <= clause.span.end
        };
        let known = |diagnostic: &Diagnostic| {
            diagnostic.code == "E0401" && diagnostic.labels.first().is_some_and(|label| inside(label.span))
        };
        if told.iter().any(known) {
            continue;
        }
        let title =
            if clause.patterns.is_empty() { "this condition is never true" } else { "this clause can never match" };
        let message = Diagnostic::warning("E0401", title).at(second, "never true together");
        let message = if first == second { message } else { message.at(first, "with this") };
        told.push(message.help("tests with `,` between them have to hold all; with `;`, one of them"));
    }
}

/// What tests are about: a name, or a built-in of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Local(LocalId),
    Global(u32),
    Of(BuiltinId, LocalId),
}

/// What one test says of its subject.
enum Says {
    /// It stands so to a term.
    Order(Binary, Term),
    /// It is of one of these kinds.
    Kinds(u32),
}

/// Two tests of which only one can be true.
fn contradiction(tests: &[Expr]) -> Option<(Span, Span)> {
    let mut all: Vec<(Subject, Says, Span)> = Vec::new();
    let mut open: Vec<&Expr> = tests.iter().rev().collect();
    while let Some(test) = open.pop() {
        if let Node::AndAlso(left, right) | Node::Binary(Binary::And, left, right) = &test.node {
            open.extend([&**right, &**left]);
            continue;
        }
        let Some((subject, says)) = says(test) else { continue };
        let other = all.iter().find(|(of, earlier, _)| *of == subject && apart(earlier, &says));
        if let Some((_, _, span)) = other {
            return Some((*span, test.span));
        }
        if all.len() >= TESTS_MAX {
            return None;
        }
        all.push((subject, says, test.span));
    }
    None
}

fn says(test: &Expr) -> Option<(Subject, Says)> {
    match &test.node {
        Node::Binary(operator, left, right) => match (subject(left), literal(right), literal(left), subject(right)) {
            (Some(subject), Some(term), ..) => Some((subject, Says::Order(*operator, term))),
            (.., Some(term), Some(subject)) => Some((subject, Says::Order(turned(*operator), term))),
            _ => None,
        }
        .filter(|(_, says)| matches!(says, Says::Order(operator, _) if is_order(*operator))),
        Node::Builtin(builtin, arguments) => {
            let [only] = &**arguments else { return None };
            Some((subject(only)?, Says::Kinds(kinds_of_test(builtin.row().name)?)))
        }
        _ => None,
    }
}

fn subject(expr: &Expr) -> Option<Subject> {
    match &expr.node {
        Node::Local(local) => Some(Subject::Local(*local)),
        Node::Global(global) => Some(Subject::Global(global.0)),
        Node::Builtin(builtin, arguments) => match &**arguments {
            [Expr { node: Node::Local(local), .. }] => Some(Subject::Of(*builtin, *local)),
            _ => None,
        },
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<Term> {
    match &expr.node {
        Node::Literal(term) if term.depth() == 0 => Some(term.clone()),
        _ => None,
    }
}

fn is_order(operator: Binary) -> bool {
    use Binary as B;
    matches!(operator, B::Equal | B::ExactlyEqual | B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual)
}

/// The operator with its operands exchanged.
fn turned(operator: Binary) -> Binary {
    match operator {
        Binary::Less => Binary::Greater,
        Binary::LessOrEqual => Binary::GreaterOrEqual,
        Binary::Greater => Binary::Less,
        Binary::GreaterOrEqual => Binary::LessOrEqual,
        other => other,
    }
}

const INTEGER: u32 = 1;
const FLOAT: u32 = 2;
const ATOM: u32 = 4;
const TEXT: u32 = 8;
const LIST: u32 = 16;
const TUPLE: u32 = 32;
const MAP: u32 = 64;
const FUNCTION: u32 = 128;
const REFERENCE: u32 = 256;

fn kinds_of_test(name: &str) -> Option<u32> {
    Some(match name {
        "is_integer" => INTEGER,
        "is_float" => FLOAT,
        "is_number" => INTEGER | FLOAT,
        "is_atom" | "is_boolean" => ATOM,
        "is_binary" | "is_bitstring" | "is_string" => TEXT,
        "is_list" => LIST,
        "is_tuple" => TUPLE,
        "is_map" => MAP,
        "is_function" => FUNCTION,
        "is_reference" => REFERENCE,
        _ => return None,
    })
}

fn kinds_of(term: &Term) -> u32 {
    match term {
        Term::Int(_) | Term::Big(_) | Term::Float(_) => INTEGER | FLOAT,
        Term::Atom(_) => ATOM,
        Term::Str(_) => TEXT,
        Term::Nil | Term::Cons(_) => LIST,
        Term::Tuple(_) => TUPLE,
        Term::Map(_) => MAP,
        Term::Fun(_) => FUNCTION,
        Term::Ref(_) => REFERENCE,
    }
}

/// Whether nothing can be what both say.
fn apart(one: &Says, other: &Says) -> bool {
    match (one, other) {
        (Says::Kinds(one), Says::Kinds(other)) => one & other == 0,
        (Says::Kinds(kinds), Says::Order(Binary::Equal | Binary::ExactlyEqual, term))
        | (Says::Order(Binary::Equal | Binary::ExactlyEqual, term), Says::Kinds(kinds)) => kinds & kinds_of(term) == 0,
        (Says::Order(one, first), Says::Order(other, second)) => no_term(*one, first, *other, second),
        _ => false,
    }
}

/// Whether no term stands so to both, in the order of all terms. (There may be terms between any two.)
fn no_term(one: Binary, first: &Term, other: Binary, second: &Term) -> bool {
    let order = compare(first, second);
    // What is asked of a term from below, and from above; and whether it may be the bound itself.
    let below = |operator: Binary| match operator {
        Binary::Greater => Some(false),
        Binary::GreaterOrEqual | Binary::Equal | Binary::ExactlyEqual => Some(true),
        _ => None,
    };
    let above = |operator: Binary| match operator {
        Binary::Less => Some(false),
        Binary::LessOrEqual | Binary::Equal | Binary::ExactlyEqual => Some(true),
        _ => None,
    };
    let empty = |low: Option<bool>, high: Option<bool>, order: Ordering| match (low, high) {
        (Some(low), Some(high)) => order.is_gt() || order.is_eq() && !(low && high),
        _ => false,
    };
    empty(below(one), above(other), order) || empty(below(other), above(one), order.reverse())
}
