//! Copies: looks whose elements are added somewhere else, or taken out again, each by itself. Whoever makes such a copy after all that it adds to
//! the source itself leaves nothing of its own out; then together all copies come to the same, whoever has seen what.

use std::collections::BTreeSet;

use crate::check::core::Expr;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::core::Qualifier;
use crate::check::facts::Observation;
use crate::check::facts::Operation;
use crate::check::facts::Update;
use crate::check::facts::VariableId;
use crate::coordination::change::Change;
use crate::coordination::change::is_idempotent;
use crate::coordination::model::Model;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::kind::Type;
use crate::value::term::Term;

/// The `query` and the `update` of an expression that copies element by element: `[update(D, {add, E}) || X <- query(S)]` or
/// `update(D, {add_all, query(S)})`, where nothing else is looked at or called.
pub(crate) fn copy(expr: &Expr) -> Option<(Span, Span)> {
    match &expr.node {
        Node::ListComprehension(item, qualifiers) => {
            let (Qualifier::List(pattern, source), conditions) = qualifiers.split_first()? else { return None };
            let mut names = BTreeSet::new();
            let closed = binds(pattern, &mut names);
            let made = |expr: &Expr| is_made_of(expr, &names);
            let plain = conditions.iter().all(|one| matches!(one, Qualifier::Filter(condition) if made(condition)));
            let [into, operation] = verb(item, Verb::Update)? else { return None };
            let sound = closed && plain && made(operation) && is_name(into) && is_plain_look(source);
            sound.then_some((source.span, item.span))
        }
        Node::Verb(_) => {
            let [into, operation] = verb(expr, Verb::Update)? else { return None };
            let Node::Tuple(parts) = &operation.node else { return None };
            let [word, source] = parts.as_slice() else { return None };
            let all = ["add_all", "rmv_all", "remove_all"].map(Term::atom);
            let each = matches!(&word.node, Node::Literal(word) if all.contains(word));
            (each && is_name(into) && is_plain_look(source)).then_some((source.span, expr.span))
        }
        _ => None,
    }
}

/// The arguments of a call of this verb.
fn verb(expr: &Expr, wanted: Verb) -> Option<&[Expr]> {
    match &expr.node {
        Node::Verb(call) if call.verb == wanted => Some(&call.arguments),
        _ => None,
    }
}

/// `query(S)`, or `read(S, T)` with a threshold that is written out.
fn is_plain_look(expr: &Expr) -> bool {
    match (verb(expr, Verb::Query), verb(expr, Verb::Read)) {
        (Some([set]), _) => is_name(set),
        (_, Some([set, threshold])) => is_name(set) && matches!(threshold.node, Node::Literal(_)),
        _ => false,
    }
}

/// Whether the update of a copy is about the very elements that are looked at: `{rmv, X}` for each `X`, or all of them.
pub(crate) fn is_of_the_same(expr: &Expr) -> bool {
    match &expr.node {
        Node::ListComprehension(item, qualifiers) => {
            let Some(Qualifier::List(pattern, _)) = qualifiers.first() else { return false };
            let PatternNode::Bind(name) = &pattern.node else { return false };
            let operation = verb(item, Verb::Update).and_then(|arguments| arguments.get(1)).map(|op| &op.node);
            matches!(operation, Some(Node::Tuple(parts)) if matches!(parts.get(1).map(|part| &part.node), Some(Node::Local(local)) if local == name))
        }
        _ => true,
    }
}

/// Collects the names that a pattern binds. Says whether it binds and compares nothing else: what is compared with something
/// from around it may be another thing elsewhere.
fn binds(pattern: &Pattern, names: &mut BTreeSet<LocalId>) -> bool {
    match &pattern.node {
        PatternNode::Bind(local) => {
            names.insert(*local);
            true
        }
        PatternNode::Any | PatternNode::Literal(_) => true,
        PatternNode::Tuple(parts) => parts.iter().all(|part| binds(part, names)),
        PatternNode::Cons(left, right) | PatternNode::Both(left, right) => binds(left, names) && binds(right, names),
        PatternNode::Prefix(_, rest) => binds(rest, names),
        PatternNode::Same(_) | PatternNode::Global(_) | PatternNode::Map(_) => false,
    }
}

fn is_name(expr: &Expr) -> bool {
    matches!(expr.node, Node::Global(_) | Node::Local(_))
}

/// Whether it is made of these names by built-ins alone, so that it is the same wherever it is made of the same element.
fn is_made_of(expr: &Expr, names: &BTreeSet<LocalId>) -> bool {
    match &expr.node {
        Node::Literal(_) => true,
        Node::Local(local) => names.contains(local),
        Node::Tuple(items) | Node::Builtin(_, items) => items.iter().all(|item| is_made_of(item, names)),
        Node::Cons(left, right) | Node::Binary(_, left, right) => is_made_of(left, names) && is_made_of(right, names),
        Node::Unary(_, value) => is_made_of(value, names),
        _ => false,
    }
}

/// Whether this look at the variable is a copy that comes out the same in every order: every replica makes it, of a set that
/// only grows, after all that it adds itself, into what counts an element once; or takes out of the set again what it sees there.
pub(crate) fn is_whole_together(model: &Model<'_>, variable: VariableId, seen: &Observation) -> bool {
    let set = model.kind(variable).is_some_and(Type::is_set);
    let Some(copied) = model.order.copied(seen.span).filter(|_| set && !seen.variables.unknown) else { return false };
    if model.feeding(variable).next().is_some() || seen.uses.iter().any(|used| used.span != copied) {
        return false;
    }
    let grows =
        |variable: VariableId, update| model.changes(variable, update).iter().all(|change| *change == Change::Grow);
    let own_first = model
        .updates_of(variable)
        .filter(|update| update.span != copied)
        .all(|update| grows(variable, update) && model.order.follows(update.span, seen.span));
    let counted_once = |to: VariableId| model.kind(to).is_some_and(|kind| kind.is_set() && is_idempotent(kind));
    let mut into = model.facts.updates.iter().filter(|update| update.span == copied);
    own_first
        && into.all(|update| {
            let shared = |to: &VariableId| model.facts.variable(*to).is_some_and(|to| !to.dynamic);
            let kept = |to: &VariableId| *to != variable && shared(to) && counted_once(*to) && grows(*to, update);
            // Who takes out again what it sees takes out all that it has put in, whoever else takes that out too.
            let taken = |to: &VariableId| *to == variable && takes_out(update) && model.order.copies_itself(copied);
            !update.variables.unknown && update.variables.known.iter().all(|to| kept(to) || taken(to))
        })
}

fn takes_out(update: &Update) -> bool {
    let takes = |operation: &Operation| {
        let word = operation.word.as_deref();
        word.is_some_and(|word| ["rmv", "rmv_all", "remove", "remove_all"].contains(&word))
    };
    !update.operations.is_empty() && update.operations.iter().all(takes)
}

/// Whether the update takes out what its own look has just seen, and comes out the same in every order.
pub(crate) fn is_own_removal(model: &Model<'_>, variable: VariableId, update: &Update) -> bool {
    let mut looks = model.facts.observations.iter().filter(|seen| model.order.copied(seen.span) == Some(update.span));
    looks.any(|seen| seen.variables.known.contains(&variable) && is_whole_together(model, variable, seen))
}
