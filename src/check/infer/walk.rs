//! Walks over the checked tree, without values: what reads a name, and which clauses stand behind one that takes everything.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::check::core::Binary;
use crate::check::core::Checked;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::walk::children;
use crate::check::walk::in_clauses;
use crate::check::walk::parts;
use crate::check::walk::patterns;
use crate::library::Builtin;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::term::Term;

/// The most clauses that each is compared with.
const CLAUSES_MAX: usize = 100;

/// The deepest chain of calls along which an argument is followed.
const CALLS_MAX: usize = 16;

/// Whether a clause reads a local itself, or hands it to a named function that does. What another function does with it is
/// not known.
pub(super) fn reads_itself(clause: &Clause, local: LocalId, functions: &FxHashMap<FunctionId, &Function>) -> bool {
    let mut handed = Handed { functions, seen: FxHashSet::default(), deep: 0 };
    handed.reads(clause, local)
}

struct Handed<'a> {
    functions: &'a FxHashMap<FunctionId, &'a Function>,
    /// What was looked at: which argument of which function. Where one reads it, nothing more is asked.
    seen: FxHashSet<(FunctionId, usize)>,
    /// How many calls are followed now.
    deep: usize,
}

impl Handed<'_> {
    fn reads(&mut self, clause: &Clause, local: LocalId) -> bool {
        let first = clause.patterns.iter().any(|pattern| in_pattern(pattern, local));
        first || clause.guard.iter().flatten().chain(&clause.body).any(|expr| self.read_in(expr, local))
    }

    fn read_in(&mut self, expr: &Expr, local: LocalId) -> bool {
        let is_it = |argument: &Expr| matches!(&argument.node, Node::Local(read) if *read == local);
        let (function, arguments) = match &expr.node {
            Node::Local(_) | Node::Fun(_) => return in_expr(expr, local),
            Node::Call(function, arguments) => (Some(*function), arguments),
            Node::Apply(_, arguments) => (None, arguments),
            _ => {
                let mut found = false;
                patterns(expr, &mut |pattern| found = found || in_pattern(pattern, local));
                let mut inside = Vec::new();
                children(expr, &mut |child| inside.push(child));
                return found || inside.into_iter().any(|child| self.read_in(child, local));
            }
        };
        let callee = if let Node::Apply(callee, _) = &expr.node { self.read_in(callee, local) } else { false };
        callee
            || arguments.iter().enumerate().any(|(at, argument)| match (is_it(argument), function) {
                (true, Some(function)) => self.takes(function, at),
                (true, None) => false,
                (false, _) => self.read_in(argument, local),
            })
    }

    /// Whether a function reads its argument.
    fn takes(&mut self, id: FunctionId, at: usize) -> bool {
        if self.deep >= CALLS_MAX || !self.seen.insert((id, at)) {
            return false;
        }
        let Some(function) = self.functions.get(&id).copied() else { return false };
        self.deep += 1;
        let read =
            function.lambda.clauses.iter().any(|clause| match clause.patterns.get(at).map(|given| &given.node) {
                Some(PatternNode::Bind(local)) => self.reads(clause, *local),
                Some(PatternNode::Any) | None => false,
                Some(_) => true,
            });
        self.deep -= 1;
        read
    }
}

fn in_pattern(pattern: &Pattern, local: LocalId) -> bool {
    let mut found = matches!(&pattern.node, PatternNode::Same(same) if *same == local);
    parts(pattern, &mut |part| found = found || in_pattern(part, local), &mut |_| {});
    let mut keys = false;
    parts(pattern, &mut |_| {}, &mut |key| keys = keys || in_expr(key, local));
    found || keys
}

fn in_expr(expr: &Expr, local: LocalId) -> bool {
    match &expr.node {
        Node::Local(read) => return *read == local,
        Node::Fun(lambda) => return lambda.captures.iter().any(|(outer, _)| *outer == local),
        _ => {}
    }
    let mut found = false;
    patterns(expr, &mut |pattern| found = found || in_pattern(pattern, local));
    let mut inside = false;
    children(expr, &mut |child| inside = inside || in_expr(child, local));
    found || inside
}

/// The places of functions that are called for single elements, or in tasks of their own: what fails there ends nothing else.
pub(super) fn apart(checked: &Checked) -> Vec<Span> {
    let mut found = Apart { spans: Vec::new(), named: FxHashSet::default() };
    let bodies = checked.functions.iter().flat_map(|function| &function.lambda.clauses).flat_map(|clause| &clause.body);
    for expr in bodies.chain(checked.forms.iter().flat_map(|form| &form.body)) {
        found.look(expr);
    }
    let named = checked.functions.iter().filter(|function| found.named.contains(&function.id));
    found.spans.extend(named.map(|function| function.lambda.span));
    found.spans
}

struct Apart {
    spans: Vec<Span>,
    named: FxHashSet<FunctionId>,
}

impl Apart {
    fn look(&mut self, expr: &Expr) {
        if let Node::Verb(call) = &expr.node
            && runs_apart(call.verb)
        {
            for argument in &call.arguments {
                match &argument.node {
                    Node::Fun(lambda) => self.spans.push(lambda.span),
                    Node::FunctionValue(function) => {
                        self.named.insert(*function);
                    }
                    _ => {}
                }
            }
        }
        children(expr, &mut |child| self.look(child));
    }
}

fn runs_apart(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Map
            | Verb::Filter
            | Verb::Fold
            | Verb::FoldDynamic
            | Verb::Join
            | Verb::GroupBy
            | Verb::Thread
            | Verb::Invariant
            | Verb::EnforceOnce
            | Verb::Stream
            | Verb::Every
    )
}

/// Clauses behind one that takes all that they would.
pub(super) fn shadowed(checked: &Checked) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let mut open: Vec<&Expr> = checked.forms.iter().flat_map(|form| &form.body).collect();
    for function in &checked.functions {
        behind(&function.lambda.clauses, &mut told);
        in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    }
    while let Some(expr) = open.pop() {
        match &expr.node {
            Node::Fun(lambda) => behind(&lambda.clauses, &mut told),
            Node::Case(_, clauses) => behind(clauses, &mut told),
            _ => {}
        }
        children(expr, &mut |child| open.push(child));
    }
    told
}

/// Names that are bound to, and values that are compared with, what stands for nothing in other languages.
pub(super) fn nulls(checked: &Checked) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let mut open: Vec<&Expr> = checked.forms.iter().flat_map(|form| &form.body).collect();
    for function in &checked.functions {
        in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    }
    while let Some(expr) = open.pop() {
        let names = |pattern: &Pattern| matches!(pattern.node, PatternNode::Bind(_) | PatternNode::Global(_));
        let here: Vec<&Expr> = match &expr.node {
            Node::Match(pattern, value) if names(pattern) => vec![value],
            Node::Binary(
                Binary::Equal | Binary::ExactlyEqual | Binary::NotEqual | Binary::ExactlyNotEqual,
                left,
                right,
            ) => {
                vec![left, right]
            }
            _ => Vec::new(),
        };
        for value in here {
            let Node::Literal(Term::Atom(atom)) = &value.node else { continue };
            if !matches!(atom.text(), "null" | "nil") {
                continue;
            }
            told.push(
                Diagnostic::warning("E0405", format!("`{}` is an atom like any other, and means nothing", atom.text()))
                    .at(value.span, "equal to itself alone")
                    .help("what is not set, or missing in a file, reads `undefined`"),
            );
        }
        children(expr, &mut |child| open.push(child));
    }
    told
}

/// Functions whose body stands in braces as a block does in other languages, and which give a tuple of one element.
pub(super) fn blocks(checked: &Checked) -> Vec<Diagnostic> {
    let mut told = Vec::new();
    let mut open: Vec<&Expr> = checked.forms.iter().flat_map(|form| &form.body).collect();
    let mut look = |clauses: &[Clause]| {
        for body in clauses.iter().map(|clause| &clause.body) {
            let [Expr { node: Node::Tuple(items), span }] = body.as_slice() else { continue };
            if let [Expr { node: Node::Binary(..) | Node::Unary(..) | Node::AndAlso(..) | Node::OrElse(..), .. }] =
                items.as_slice()
            {
                told.push(
                    Diagnostic::warning("E0412", "this function gives a tuple of one element")
                        .at(*span, "braces make a tuple, and no block")
                        .help("a body is what stands between `->` and `end`, `;` or `.`: write what is in the braces alone"),
                );
            }
        }
    };
    for function in &checked.functions {
        look(&function.lambda.clauses);
        in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    }
    while let Some(expr) = open.pop() {
        if let Node::Fun(lambda) = &expr.node {
            look(&lambda.clauses);
        }
        children(expr, &mut |child| open.push(child));
    }
    told
}

/// The first verb in a text, or in what it calls, that does more than look: where the text comes to it.
pub(super) fn change<'a>(
    checked: &'a Checked,
    functions: &FxHashMap<FunctionId, &'a Function>,
) -> Option<(Span, &'static Builtin)> {
    let mut seen = FxHashSet::default();
    for expr in checked.forms.iter().flat_map(|form| &form.body) {
        let mut open = vec![(expr, None)];
        while let Some((expr, from)) = open.pop() {
            let at: Span = from.unwrap_or(expr.span);
            match &expr.node {
                Node::Verb(call) if !call.verb.looks() => return Some((at, call.builtin.row())),
                Node::Call(id, _) | Node::FunctionValue(id) if seen.insert(*id) => {
                    let clauses = functions.get(id).map_or(&[][..], |function| &function.lambda.clauses);
                    in_clauses(clauses, &mut |child| open.push((child, Some(at))));
                }
                _ => {}
            }
            children(expr, &mut |child| open.push((child, from)));
        }
    }
    None
}

/// A function that is run first in other languages, and that nothing calls here.
pub(super) fn uncalled_main(checked: &Checked) -> Option<Diagnostic> {
    let main = checked.functions.iter().find(|function| {
        matches!((&*function.name, function.lambda.arity), ("main", 0 | 1) | ("start", 0)) && function.module.is_none()
    })?;
    let mut open: Vec<&Expr> = checked.forms.iter().flat_map(|form| &form.body).collect();
    for function in checked.functions.iter().filter(|function| function.id != main.id) {
        in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    }
    while let Some(expr) = open.pop() {
        match &expr.node {
            Node::Call(id, _) | Node::FunctionValue(id) if *id == main.id => return None,
            _ => children(expr, &mut |child| open.push(child)),
        }
    }
    let span = main.lambda.span;
    let end = span.start + u32::try_from(main.name.len()).unwrap_or(0);
    let call = if main.lambda.arity == 0 { "" } else { "[]" };
    Some(
        Diagnostic::warning("E0408", format!("nothing calls `{}/{}`", main.name, main.lambda.arity))
            .at(Span { end, ..span }, "does not run by itself")
            .help(format!("forms run from top to bottom: write `{}({call}).` behind it", main.name)),
    )
}

fn behind(clauses: &[Clause], told: &mut Vec<Diagnostic>) {
    for (at, clause) in clauses.iter().enumerate().take(CLAUSES_MAX) {
        let first = clauses[..at].iter().find(|first| first.guard.is_empty() && takes_all_of(first, clause));
        let (Some(first), Some(pattern)) = (first, clause.patterns.first()) else { continue };
        let place = |clause: &Clause, pattern: &Pattern| {
            clause.patterns.last().map_or(pattern.span, |last| pattern.span.to(last.span))
        };
        let earlier = first.patterns.first().map_or(first.span, |pattern| place(first, pattern));
        told.push(
            Diagnostic::warning("E0401", "this clause can never match")
                .at(place(clause, pattern), "never reached")
                .at(earlier, "takes all that it would, and comes first")
                .help("clauses are tried from top to bottom: put the one for all the rest last"),
        );
    }
}

fn takes_all_of(first: &Clause, later: &Clause) -> bool {
    !first.patterns.is_empty()
        && first.patterns.len() == later.patterns.len()
        && first.patterns.iter().zip(&later.patterns).all(|(first, later)| covers(first, later))
}

/// Whether everything that `later` matches is matched by `first`.
fn covers(first: &Pattern, later: &Pattern) -> bool {
    match (&first.node, &later.node) {
        (PatternNode::Any | PatternNode::Bind(_), _) => true,
        (PatternNode::Both(a, b), _) => covers(a, later) && covers(b, later),
        (_, PatternNode::Both(a, b)) => covers(first, a) || covers(first, b),
        (_, PatternNode::Literal(term)) => covers_term(first, term),
        (PatternNode::Tuple(a), PatternNode::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| covers(a, b))
        }
        (PatternNode::Cons(a, b), PatternNode::Cons(c, d)) => covers(a, c) && covers(b, d),
        _ => false,
    }
}

fn covers_term(first: &Pattern, term: &Term) -> bool {
    match (&first.node, term) {
        (PatternNode::Any | PatternNode::Bind(_), _) => true,
        (PatternNode::Literal(literal), _) => literal == term,
        (PatternNode::Both(a, b), _) => covers_term(a, term) && covers_term(b, term),
        (PatternNode::Tuple(items), Term::Tuple(tuple)) => {
            items.len() == tuple.items().len()
                && items.iter().zip(tuple.items()).all(|(item, term)| covers_term(item, term))
        }
        (PatternNode::Cons(head, tail), Term::Cons(cell)) => {
            covers_term(head, cell.head()) && covers_term(tail, cell.tail())
        }
        _ => false,
    }
}
