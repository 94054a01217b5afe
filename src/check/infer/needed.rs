//! Which forms the first pass has to look at. It finds what the names of the top level hold where functions see them, so what
//! only prints, updates or tests is left to the passes that tell: a long program is looked at once less.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::check::core::Checked;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::GlobalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::walk;
use crate::library::Verb;

/// What a form does with names of the top level.
#[derive(Default)]
struct Names {
    binds: Vec<GlobalId>,
    reads: Vec<GlobalId>,
    /// Whether it declares a variable: these are numbered in the order of the text.
    declares: bool,
}

/// What functions see.
#[derive(Default)]
struct Seen {
    names: FxHashSet<GlobalId>,
    /// Views name their tables within a text.
    views: bool,
}

/// Of each form whether the first pass looks at it.
pub(super) fn needed(checked: &Checked) -> Vec<bool> {
    let mut seen = Seen::default();
    for function in &checked.functions {
        seen.clauses(&function.lambda.clauses);
    }
    let forms: Vec<Names> = checked.forms.iter().map(|form| seen.form(&form.body)).collect();
    if seen.views {
        return vec![true; forms.len()];
    }
    let mut binders: FxHashMap<GlobalId, Vec<usize>> = FxHashMap::default();
    for (at, form) in forms.iter().enumerate() {
        for name in &form.binds {
            binders.entry(*name).or_default().push(at);
        }
    }
    let declaring = (0..forms.len()).filter(|at| forms[*at].declares);
    let bound = forms.iter().enumerate().filter(|(_, form)| form.binds.iter().any(|name| seen.names.contains(name)));
    let mut open: Vec<usize> = declaring.chain(bound.map(|(at, _)| at)).collect();
    let mut needed = vec![false; forms.len()];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut needed[at], true) {
            open.extend(forms[at].reads.iter().filter_map(|name| binders.get(name)).flatten());
        }
    }
    needed
}

impl Seen {
    fn form(&mut self, body: &[Expr]) -> Names {
        let mut names = Names::default();
        let mut open: Vec<&Expr> = body.iter().collect();
        while let Some(expr) = open.pop() {
            if let Node::Fun(lambda) = &expr.node {
                self.clauses(&lambda.clauses);
                continue;
            }
            match &expr.node {
                Node::Global(id) => names.reads.push(*id),
                Node::Verb(call) => {
                    names.declares |= matches!(call.verb, Verb::Declare | Verb::DeclareDynamic);
                    self.views |= call.verb == Verb::Sql;
                }
                _ => {}
            }
            walk::patterns(expr, &mut |pattern| {
                in_pattern(pattern, &mut |id| names.binds.push(id), &mut |key| open.push(key));
            });
            walk::children(expr, &mut |child| open.push(child));
        }
        // What is bound already is matched.
        names.reads.extend(&names.binds);
        names
    }

    fn clauses(&mut self, clauses: &[Clause]) {
        let mut open: Vec<&Expr> = Vec::new();
        self.patterns(clauses, &mut open);
        walk::in_clauses(clauses, &mut |expr| open.push(expr));
        while let Some(expr) = open.pop() {
            match &expr.node {
                Node::Global(id) => _ = self.names.insert(*id),
                Node::Verb(call) => self.views |= call.verb == Verb::Sql,
                Node::Fun(lambda) => self.patterns(&lambda.clauses, &mut open),
                _ => {}
            }
            walk::patterns(expr, &mut |pattern| {
                in_pattern(pattern, &mut |id| _ = self.names.insert(id), &mut |key| open.push(key));
            });
            walk::children(expr, &mut |child| open.push(child));
        }
    }

    /// The arguments of a function.
    fn patterns<'a>(&mut self, clauses: &'a [Clause], open: &mut Vec<&'a Expr>) {
        for pattern in clauses.iter().flat_map(|clause| &clause.patterns) {
            in_pattern(pattern, &mut |id| _ = self.names.insert(id), &mut |key| open.push(key));
        }
    }
}

/// The names of the top level in a pattern, and the keys of maps.
fn in_pattern<'a>(pattern: &'a Pattern, name: &mut impl FnMut(GlobalId), key: &mut impl FnMut(&'a Expr)) {
    let mut open = vec![pattern];
    while let Some(pattern) = open.pop() {
        if let PatternNode::Global(id) = &pattern.node {
            name(*id);
        }
        walk::parts(pattern, &mut |part| open.push(part), key);
    }
}
