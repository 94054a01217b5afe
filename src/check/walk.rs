//! What the checked tree is made of, part by part and in the order of the text: each walk is written over these, and says only what
//! it is about.

use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::core::Qualifier;

/// The expressions that an expression is made of, those in clauses and `fun`s included.
pub(crate) fn children<'a>(expr: &'a Expr, each: &mut impl FnMut(&'a Expr)) {
    match &expr.node {
        Node::Literal(_) | Node::Local(_) | Node::Global(_) | Node::FunctionValue(_) | Node::BuiltinValue(_) => {}
        Node::Tuple(items) | Node::Call(_, items) | Node::Builtin(_, items) | Node::Block(items) => {
            items.iter().for_each(each);
        }
        Node::Verb(call) => call.arguments.iter().for_each(each),
        Node::Map(entries) => entries.iter().for_each(|(key, value)| {
            each(key);
            each(value);
        }),
        Node::MapUpdate(map, entries) => {
            each(map);
            entries.iter().for_each(|(_, key, value)| {
                each(key);
                each(value);
            });
        }
        Node::Match(_, operand) | Node::Unary(_, operand) => each(operand),
        Node::Cons(left, right)
        | Node::Binary(_, left, right)
        | Node::AndAlso(left, right)
        | Node::OrElse(left, right) => {
            each(left);
            each(right);
        }
        Node::Apply(function, arguments) => {
            each(function);
            arguments.iter().for_each(each);
        }
        Node::Fun(lambda) => in_clauses(&lambda.clauses, each),
        Node::Case(subject, clauses) => {
            each(subject);
            in_clauses(clauses, each);
        }
        Node::If(clauses) => in_clauses(clauses, each),
        Node::ListComprehension(element, qualifiers) => {
            each(element);
            in_qualifiers(qualifiers, each);
        }
        Node::MapComprehension(entry, qualifiers) => {
            each(&entry.0);
            each(&entry.1);
            in_qualifiers(qualifiers, each);
        }
    }
}

pub(crate) fn in_clauses<'a>(clauses: &'a [Clause], each: &mut impl FnMut(&'a Expr)) {
    clauses.iter().flat_map(|clause| clause.guard.iter().flatten().chain(&clause.body)).for_each(each);
}

fn in_qualifiers<'a>(qualifiers: &'a [Qualifier], each: &mut impl FnMut(&'a Expr)) {
    for qualifier in qualifiers {
        match qualifier {
            Qualifier::List(_, source) | Qualifier::Map(_, _, source) | Qualifier::Filter(source) => each(source),
        }
    }
}

/// The patterns and keys that a pattern is made of.
pub(crate) fn parts<'a>(pattern: &'a Pattern, each: &mut impl FnMut(&'a Pattern), key: &mut impl FnMut(&'a Expr)) {
    match &pattern.node {
        PatternNode::Tuple(items) => items.iter().for_each(each),
        PatternNode::Cons(head, tail) | PatternNode::Both(head, tail) => {
            each(head);
            each(tail);
        }
        PatternNode::Map(pairs) => pairs.iter().for_each(|(at, pattern)| {
            key(at);
            each(pattern);
        }),
        PatternNode::Prefix(_, rest) => each(rest),
        _ => {}
    }
}

/// The patterns that stand in an expression itself.
pub(crate) fn patterns<'a>(expr: &'a Expr, each: &mut impl FnMut(&'a Pattern)) {
    match &expr.node {
        Node::Match(pattern, _) => each(pattern),
        Node::Case(_, clauses) => clauses.iter().flat_map(|clause| &clause.patterns).for_each(each),
        Node::ListComprehension(_, qualifiers) | Node::MapComprehension(_, qualifiers) => {
            for qualifier in qualifiers {
                match qualifier {
                    Qualifier::List(pattern, _) => each(pattern),
                    Qualifier::Map(key, value, _) => {
                        each(key);
                        each(value);
                    }
                    Qualifier::Filter(_) => {}
                }
            }
        }
        _ => {}
    }
}
