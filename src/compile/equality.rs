//! Functions of pairs that are true only where a part of the first equals a part of the second, such as
//! `fun({#{id := Id}, #{ad := Ad}}) -> Id =:= Ad end`: a `filter` of a `product` by one is an equi-join.
//!
//! Recognised is a function of one argument whose first clause takes a pair apart and has as its body, as its guard or as a
//! conjunct of either `A =:= B` or `A == B`, A over names of the first and B over names of the second (or the other way
//! round), or which names a part of the first again in the second; further clauses may only be `(_) -> false`.
//! The keys are functions made from the same parts; the function itself remains the judge of each pair with equal keys.

use crate::check::core::Binary;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::source::span::Span;
use crate::value::term::Term;

/// The functions of the two sides' keys.
pub(super) struct Keys {
    /// Of the first.
    pub(super) left: Lambda,
    /// Of the second.
    pub(super) right: Lambda,
    /// Whether the keys are compared by value.
    pub(super) by_value: bool,
    /// Whether the pair's function fails wherever a key does.
    pub(super) told: bool,
}

/// Where an equality stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In the guard, where what fails is false.
    Guard,
    /// First in the body of a clause without guard: whatever fails there has the function fail.
    First,
    /// Further back.
    Later,
}

/// The keys of a function, where it is of the shape that the module describes.
pub(super) fn of(lambda: &Lambda) -> Option<Keys> {
    let (clause, others) = lambda.clauses.split_first()?;
    let [Pattern { node: PatternNode::Tuple(pair), .. }] = clause.patterns.as_slice() else { return None };
    let [first, second] = pair.as_slice() else { return None };
    if lambda.arity != 1 || lambda.itself.is_some() || !others.iter().all(refuses) {
        return None;
    }
    let captured = || lambda.captures.iter().map(|(_, inside)| *inside);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    binds(first, &mut left);
    binds(second, &mut right);
    let side =
        |part: &Expr, own: &[LocalId]| over(part, &|local| own.contains(&local) || captured().any(|of| of == local));
    let key =
        |pattern: &Pattern, part: &Expr, place| key(lambda, pattern, part, place == Place::Guard, !others.is_empty());
    // What the second pattern takes from the first is left out of the second's key, or is the key.
    let (second_alone, shared, fresh) = apart(second, &left, lambda.locals)?;
    if let Some((in_left, in_right)) = shared {
        let part = |local| Expr { node: Node::Local(local), span: second.span };
        return Some(Keys {
            left: key(first, &part(in_left), Place::First),
            right: widened(key(&second_alone, &part(in_right), Place::First), fresh),
            by_value: false,
            told: others.is_empty(),
        });
    }
    for (place, binary, a, b) in equalities(clause) {
        let (a, b) = match (side(a, &left) && side(b, &right), side(b, &left) && side(a, &right)) {
            (true, _) => (a, b),
            (_, true) => (b, a),
            _ => continue,
        };
        return Some(Keys {
            left: key(first, a, place),
            right: widened(key(&second_alone, b, place), fresh),
            by_value: binary == Binary::Equal,
            told: place == Place::First || place == Place::Guard && others.is_empty(),
        });
    }
    None
}

/// `(_) -> false`
fn refuses(clause: &Clause) -> bool {
    let any = matches!(clause.patterns.as_slice(), [Pattern { node: PatternNode::Any | PatternNode::Bind(_), .. }]);
    let falsehood =
        matches!(clause.body.as_slice(), [Expr { node: Node::Literal(term), .. }] if term.as_bool() == Some(false));
    any && falsehood && clause.guard.is_empty()
}

/// The equalities without which a clause is not true.
fn equalities(clause: &Clause) -> Vec<(Place, Binary, &Expr, &Expr)> {
    let mut found = Vec::new();
    if let [conjunction] = clause.guard.as_slice() {
        conjunction.iter().for_each(|test| conjuncts(test, Place::Guard, &mut found));
    }
    if let [body] = clause.body.as_slice() {
        let place = if clause.guard.is_empty() { Place::First } else { Place::Later };
        conjuncts(body, place, &mut found);
    }
    found
}

fn conjuncts<'e>(test: &'e Expr, place: Place, found: &mut Vec<(Place, Binary, &'e Expr, &'e Expr)>) {
    match &test.node {
        Node::AndAlso(left, right) => {
            conjuncts(left, place, found);
            conjuncts(right, if place == Place::Guard { place } else { Place::Later }, found);
        }
        Node::Binary(binary @ (Binary::ExactlyEqual | Binary::Equal), left, right) => {
            found.push((place, *binary, left, right));
        }
        _ => {}
    }
}

/// The locals that a pattern binds.
fn binds(pattern: &Pattern, into: &mut Vec<LocalId>) {
    let mut pattern = pattern;
    // List patterns may be long.
    while let PatternNode::Cons(head, tail) = &pattern.node {
        binds(head, into);
        pattern = tail;
    }
    match &pattern.node {
        PatternNode::Bind(local) => into.push(*local),
        PatternNode::Tuple(items) => items.iter().for_each(|item| binds(item, into)),
        PatternNode::Cons(left, right) | PatternNode::Both(left, right) => {
            binds(left, into);
            binds(right, into);
        }
        PatternNode::Map(entries) => entries.iter().for_each(|(_, value)| binds(value, into)),
        PatternNode::Prefix(_, rest) => binds(rest, into),
        PatternNode::Any | PatternNode::Same(_) | PatternNode::Global(_) | PatternNode::Literal(_) => {}
    }
}

/// Whether an expression binds no name and uses only locals that `allowed` lets through.
fn over(part: &Expr, allowed: &dyn Fn(LocalId) -> bool) -> bool {
    let all = |parts: &[Expr]| parts.iter().all(|part| over(part, allowed));
    let mut part = part;
    while let Node::Cons(head, tail) = &part.node {
        if !over(head, allowed) {
            return false;
        }
        part = tail;
    }
    match &part.node {
        Node::Literal(_) | Node::Global(_) => true,
        Node::Local(local) => allowed(*local),
        Node::Tuple(items) | Node::Call(_, items) | Node::Builtin(_, items) => all(items),
        Node::Apply(function, arguments) => over(function, allowed) && all(arguments),
        Node::Unary(_, operand) => over(operand, allowed),
        Node::Binary(_, left, right) | Node::AndAlso(left, right) | Node::OrElse(left, right) => {
            over(left, allowed) && over(right, allowed)
        }
        Node::Map(entries) => entries.iter().all(|(key, value)| over(key, allowed) && over(value, allowed)),
        _ => false,
    }
}

/// A name of the first and the name of the same value in the second.
type Shared = Option<(LocalId, LocalId)>;

/// The second pattern without names of the first; the first of those that it had, with a fresh name for it here; and how many
/// locals there are now. `None` where keys of maps in it depend on the first.
fn apart(pattern: &Pattern, left: &[LocalId], locals: u32) -> Option<(Pattern, Shared, u32)> {
    let (mut alone, mut shared) = (pattern.clone(), None);
    loosen(&mut alone, left, LocalId(locals), &mut shared).then(|| {
        let fresh = locals + u32::from(shared.is_some());
        (alone, shared, fresh)
    })
}

fn loosen(pattern: &mut Pattern, left: &[LocalId], fresh: LocalId, shared: &mut Shared) -> bool {
    let mut pattern = pattern;
    while matches!(pattern.node, PatternNode::Cons(..)) {
        let PatternNode::Cons(head, tail) = &mut pattern.node else { return false };
        if !loosen(head, left, fresh, shared) {
            return false;
        }
        pattern = tail;
    }
    match &mut pattern.node {
        PatternNode::Same(local) if left.contains(local) => {
            let name = *local;
            pattern.node = match shared {
                None => {
                    *shared = Some((name, fresh));
                    PatternNode::Bind(fresh)
                }
                Some(_) => PatternNode::Any,
            };
            true
        }
        PatternNode::Tuple(items) => items.iter_mut().all(|item| loosen(item, left, fresh, shared)),
        PatternNode::Cons(a, b) | PatternNode::Both(a, b) => {
            loosen(a, left, fresh, shared) && loosen(b, left, fresh, shared)
        }
        PatternNode::Map(entries) => entries
            .iter_mut()
            .all(|(key, value)| over(key, &|local| !left.contains(&local)) && loosen(value, left, fresh, shared)),
        PatternNode::Prefix(_, rest) => loosen(rest, left, fresh, shared),
        PatternNode::Any
        | PatternNode::Bind(_)
        | PatternNode::Same(_)
        | PatternNode::Global(_)
        | PatternNode::Literal(_) => true,
    }
}

/// `fun(Pattern) -> {Part} end`; `[]` for all else where `rest` clauses say that it is false. In a guard a part that fails is
/// no match.
fn key(lambda: &Lambda, pattern: &Pattern, part: &Expr, guarded: bool, rest: bool) -> Lambda {
    let span = part.span;
    let same = || Box::new(part.clone());
    let guard = if guarded {
        vec![vec![Expr { node: Node::Binary(Binary::ExactlyEqual, same(), same()), span }]]
    } else {
        Vec::new()
    };
    let found = Expr { node: Node::Tuple(vec![part.clone()]), span };
    let mut clauses = vec![clause(pattern.clone(), guard, found, span)];
    if rest {
        let nothing = Expr { node: Node::Literal(Term::Nil), span };
        clauses.push(clause(Pattern { node: PatternNode::Any, span }, Vec::new(), nothing, span));
    }
    Lambda { clauses, ..lambda.clone() }
}

fn clause(pattern: Pattern, guard: Vec<Vec<Expr>>, value: Expr, span: Span) -> Clause {
    Clause { patterns: vec![pattern], guard, body: vec![value], span }
}

fn widened(lambda: Lambda, locals: u32) -> Lambda {
    Lambda { locals, ..lambda }
}
