//! Names of the top level that a function matches before the form that binds them has run: probably the function means a
//! name of its own.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

use crate::check::core::Checked;
use crate::check::core::Expr;
use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::core::GlobalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::walk;
use crate::source::diagnostic::Diagnostic;
use crate::source::diagnostic::Severity;
use crate::source::span::Span;

/// What is said of a place that is sure to fail.
const SURE: &str = "so that this fails (E0510)";

/// The longest chain of calls that is followed.
const CALLS_MAX: usize = 16;

/// Tells these names, each in place of what follows from it: what fails in the function from there on.
pub(super) fn tell(checked: &Checked, told: &mut Vec<Diagnostic>) {
    let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
    for mut early in matched(checked) {
        let Some(start) = place(&early) else { continue };
        let holds = |function: &&Function| within(function.lambda.span, start);
        let function = checked.functions.iter().find(holds).map_or(start, |function| function.lambda.span);
        let sure = early.severity == Severity::Error;
        told.retain(|other| {
            let follows = place(other).is_some_and(|at| within(function, at) && at.start >= start.start);
            let here = place(other) == Some(start);
            let gone = follows && (sure || here);
            if gone && other.severity == Severity::Error {
                early.severity = Severity::Error;
            }
            !gone
        });
        told.push(early);
    }
}

fn within(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// Functions that are called above the form that binds a name which they match. A warning, and where it is sure to fail an
/// error.
fn matched(checked: &Checked) -> Vec<Diagnostic> {
    let mut places = FxHashMap::default();
    for expr in checked.forms.iter().flat_map(|form| &form.body) {
        note(expr, &mut places);
    }
    let functions = checked.functions.iter().map(|function| (function.id, function)).collect();
    let mut early = Early {
        names: &checked.globals,
        functions,
        places,
        bound: FxHashSet::default(),
        seen: FxHashSet::default(),
        branches: 0,
        calls: Vec::new(),
        told: Vec::new(),
    };
    for expr in checked.forms.iter().flat_map(|form| &form.body) {
        early.look(expr);
    }
    early.told
}

/// Where the forms of this text bind their names.
fn note(expr: &Expr, places: &mut FxHashMap<GlobalId, Span>) {
    walk::patterns(expr, &mut |pattern| {
        globals(pattern, &mut |id, span| {
            places.entry(id).or_insert(span);
        });
    });
    walk::children(expr, &mut |child| note(child, places));
}

fn globals(pattern: &Pattern, each: &mut dyn FnMut(GlobalId, Span)) {
    if let PatternNode::Global(id) = &pattern.node {
        each(*id, pattern.span);
    }
    walk::parts(pattern, &mut |part| globals(part, each), &mut |_| {});
}

struct Early<'a> {
    names: &'a [String],
    functions: FxHashMap<FunctionId, &'a Function>,
    places: FxHashMap<GlobalId, Span>,
    bound: FxHashSet<GlobalId>,
    /// Functions that were looked at, and whether where it is not sure that they are called: later calls find more names
    /// bound, never fewer.
    seen: FxHashSet<(FunctionId, bool)>,
    /// How many branches are around, of which perhaps none is taken.
    branches: u32,
    /// The calls that are followed now, the outermost first.
    calls: Vec<Span>,
    told: Vec<Diagnostic>,
}

impl Early<'_> {
    /// In the order in which it runs, as far as that shows. What stands in a `fun` may run later.
    fn look(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Fun(_) => return,
            Node::Case(subject, clauses) => {
                self.look(subject);
                self.perhaps(|early| walk::in_clauses(clauses, &mut |inner| early.look(inner)));
            }
            Node::AndAlso(left, right) | Node::OrElse(left, right) => {
                self.look(left);
                self.perhaps(|early| early.look(right));
            }
            Node::If(_) | Node::ListComprehension(..) | Node::MapComprehension(..) => {
                self.perhaps(|early| walk::children(expr, &mut |child| early.look(child)));
            }
            _ => walk::children(expr, &mut |child| self.look(child)),
        }
        let mut here = Vec::new();
        walk::patterns(expr, &mut |pattern| globals(pattern, &mut |id, span| here.push((id, span))));
        for (id, span) in here {
            match self.calls.first().copied() {
                None => {
                    self.bound.insert(id);
                }
                Some(call) => self.tell(id, span, call),
            }
        }
        if let Node::Call(id, _) = &expr.node
            && self.calls.len() < CALLS_MAX
            && let Some(function) = self.functions.get(id).copied()
            && !self.seen.contains(&(*id, false))
            && self.seen.insert((*id, self.branches > 0))
        {
            self.calls.push(expr.span);
            let clauses = &function.lambda.clauses;
            let look = |early: &mut Self| walk::in_clauses(clauses, &mut |inner| early.look(inner));
            match &**clauses {
                [only] if only.guard.is_empty() => look(self),
                _ => self.perhaps(look),
            }
            self.calls.pop();
        }
    }

    /// Looks at what is not sure to be done.
    fn perhaps(&mut self, look: impl FnOnce(&mut Self)) {
        self.branches += 1;
        look(self);
        self.branches -= 1;
    }

    fn tell(&mut self, id: GlobalId, span: Span, call: Span) {
        let (Some(place), Some(name)) = (self.places.get(&id).copied(), self.names.get(id.0 as usize)) else { return };
        if self.bound.contains(&id) {
            return;
        }
        let sure = self.branches == 0;
        let place_of = |told: &Diagnostic| told.labels.first().map(|label| label.span);
        if let Some(told) = self.told.iter_mut().find(|told| place_of(told) == Some(span)) {
            if sure {
                told.severity = Severity::Error;
                SURE.clone_into(&mut told.labels[0].text);
            }
            return;
        }
        let title = format!("`{name}` is here the name of the top level, which is bound after this function is called");
        let label = if sure { SURE } else { "fails when it is reached before that (E0510)" };
        let mut message = Diagnostic::warning("E0410", title)
            .at(span, label)
            .at(place, "the top level binds it here")
            .at(call, "and calls the function above that, here")
            .help(format!("if the function means a name of its own, rename one of the two `{name}`s"));
        if sure {
            message.severity = Severity::Error;
        }
        self.told.push(message);
    }
}
