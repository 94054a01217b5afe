//! Walks over the checked tree.

use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::core::Qualifier;

/// Whether a clause reads a local, apart from binding it.
pub(super) fn reads(clause: &Clause, local: LocalId) -> bool {
    let first = clause.patterns.iter().any(|pattern| in_pattern(pattern, local));
    first || clause.guard.iter().flatten().chain(&clause.body).any(|expr| in_expr(expr, local))
}

fn in_clauses(clauses: &[Clause], local: LocalId) -> bool {
    clauses.iter().any(|clause| reads(clause, local))
}

fn in_pattern(pattern: &Pattern, local: LocalId) -> bool {
    match &pattern.node {
        PatternNode::Same(same) => *same == local,
        PatternNode::Tuple(items) => items.iter().any(|item| in_pattern(item, local)),
        PatternNode::Cons(..) => {
            let mut pattern = pattern;
            while let PatternNode::Cons(head, tail) = &pattern.node {
                if in_pattern(head, local) {
                    return true;
                }
                pattern = tail;
            }
            in_pattern(pattern, local)
        }
        PatternNode::Map(pairs) => {
            pairs.iter().any(|(key, pattern)| in_expr(key, local) || in_pattern(pattern, local))
        }
        PatternNode::Both(left, right) => in_pattern(left, local) || in_pattern(right, local),
        PatternNode::Prefix(_, rest) => in_pattern(rest, local),
        PatternNode::Any | PatternNode::Bind(_) | PatternNode::Global(_) | PatternNode::Literal(_) => false,
    }
}

fn in_expr(expr: &Expr, local: LocalId) -> bool {
    let inside = |expr: &Expr| in_expr(expr, local);
    match &expr.node {
        Node::Local(read) => *read == local,
        Node::Literal(_) | Node::Global(_) | Node::FunctionValue(_) | Node::BuiltinValue(_) => false,
        Node::Tuple(items) | Node::Call(_, items) | Node::Builtin(_, items) | Node::Block(items) => {
            items.iter().any(inside)
        }
        Node::Verb(call) => call.arguments.iter().any(inside),
        Node::Cons(head, tail) => inside(head) || inside(tail),
        Node::Map(entries) => entries.iter().any(|(key, value)| inside(key) || inside(value)),
        Node::MapUpdate(map, entries) => {
            inside(map) || entries.iter().any(|(_, key, value)| inside(key) || inside(value))
        }
        Node::Match(pattern, value) => in_pattern(pattern, local) || inside(value),
        Node::Unary(_, operand) => inside(operand),
        Node::Binary(_, left, right) | Node::AndAlso(left, right) | Node::OrElse(left, right) => {
            inside(left) || inside(right)
        }
        Node::Apply(function, arguments) => inside(function) || arguments.iter().any(inside),
        Node::Fun(lambda) => lambda.captures.iter().any(|(outer, _)| *outer == local),
        Node::Case(subject, clauses) => inside(subject) || in_clauses(clauses, local),
        Node::If(clauses) => in_clauses(clauses, local),
        Node::ListComprehension(element, qualifiers) => inside(element) || in_qualifiers(qualifiers, local),
        Node::MapComprehension(entry, qualifiers) => {
            inside(&entry.0) || inside(&entry.1) || in_qualifiers(qualifiers, local)
        }
    }
}

fn in_qualifiers(qualifiers: &[Qualifier], local: LocalId) -> bool {
    qualifiers.iter().any(|qualifier| match qualifier {
        Qualifier::List(pattern, list) => in_pattern(pattern, local) || in_expr(list, local),
        Qualifier::Map(key, value, map) => {
            in_pattern(key, local) || in_pattern(value, local) || in_expr(map, local)
        }
        Qualifier::Filter(condition) => in_expr(condition, local),
    })
}
