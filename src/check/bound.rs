//! Which names an expression binds for what comes after it, from its shape alone.

use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Infix;
use crate::syntax::tree::Node;
use crate::syntax::tree::Tree;

/// The names that stand in patterns of `body`, in order, each once.
pub(super) fn by_body<'a>(tree: &'a Tree, body: &[ExprId]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for id in body {
        by_expr(tree, *id, &mut names);
    }
    once(names)
}

/// The names that one clause of a `case` or `if` binds.
pub(super) fn by_clause(tree: &Tree, id: ClauseId) -> Vec<&str> {
    let clause = tree.clause(id);
    let mut names = Vec::new();
    for pattern in &clause.patterns {
        by_pattern(tree, *pattern, &mut names);
    }
    for id in &clause.body {
        by_expr(tree, *id, &mut names);
    }
    once(names)
}

/// The names that a clause of a named function binds, its arguments included.
pub(super) fn by_named_clause<'a>(tree: &'a Tree, id: ClauseId, arguments: &[ExprId]) -> Vec<&'a str> {
    let mut names = by_clause(tree, id);
    arguments.iter().for_each(|argument| by_pattern(tree, *argument, &mut names));
    once(names)
}

fn once(names: Vec<&str>) -> Vec<&str> {
    let mut seen = rustc_hash::FxHashSet::default();
    names.into_iter().filter(|name| seen.insert(*name)).collect()
}

fn by_expr<'a>(tree: &'a Tree, id: ExprId, names: &mut Vec<&'a str>) {
    match tree.node(id) {
        Node::Binop(Infix::Match, pattern, value) => {
            by_pattern(tree, *pattern, names);
            by_expr(tree, *value, names);
        }
        Node::Binop(Infix::AndAlso | Infix::OrElse, left, _) => by_expr(tree, *left, names),
        Node::Case(subject, clauses) => {
            by_expr(tree, *subject, names);
            in_all(tree, clauses, names);
        }
        Node::If(clauses) => in_all(tree, clauses, names),
        Node::Fun(_) | Node::ListComprehension(..) | Node::MapComprehension(..) => {}
        _ => tree.children(id, &mut |child| by_expr(tree, child, names)),
    }
}

fn in_all<'a>(tree: &'a Tree, clauses: &[ClauseId], names: &mut Vec<&'a str>) {
    let Some((first, others)) = clauses.split_first() else { return };
    let mut kept = by_clause(tree, *first);
    for other in others {
        if kept.is_empty() {
            return;
        }
        let other: rustc_hash::FxHashSet<&str> = by_clause(tree, *other).into_iter().collect();
        kept.retain(|name| other.contains(name));
    }
    names.extend(kept);
}

/// All variables of a pattern, except in the keys of maps.
fn by_pattern<'a>(tree: &'a Tree, id: ExprId, names: &mut Vec<&'a str>) {
    match tree.node(id) {
        Node::Variable => {
            let name = tree.raw(id);
            if name != "_" {
                names.push(name);
            }
        }
        Node::Map(fields) => fields.iter().for_each(|field| by_pattern(tree, field.value, names)),
        Node::Tuple(_) | Node::List(..) | Node::Binop(Infix::Match | Infix::Append, ..) => {
            tree.children(id, &mut |child| by_pattern(tree, child, names));
        }
        _ => {}
    }
}
