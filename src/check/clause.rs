//! Clauses and what is made of them: functions, `fun`, `case`, `if`; and comprehensions, which bind names as clauses do.

use crate::check::Checker;
use crate::check::bound;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::Qualifier;
use crate::check::pattern::Binds;
use crate::check::scope::Kind;
use crate::check::scope::Scope;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::syntax::tree;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::ExprId;

impl<'a> Checker<'a> {
    /// The clauses of a function or `fun`, whose scope is the innermost.
    pub(super) fn lambda(
        &mut self,
        clauses: &'a [ClauseId],
        heads: &[&'a [ExprId]],
        arity: u8,
        range: tree::Range,
    ) -> Lambda {
        let mut checked = Vec::new();
        for (id, patterns) in clauses.iter().zip(heads) {
            let mark = self.scope().names.len();
            let patterns = patterns.iter().map(|pattern| self.pattern(*pattern, Binds::Fresh(mark))).collect();
            let clause = self.tree.clause(*id);
            let guard = self.guard(&clause.guard);
            let body = self.body(&clause.body);
            self.scope().names.truncate(mark);
            checked.push(Clause { patterns, guard, body, span: self.tree.place(clause.range) });
        }
        let scope = self.scope();
        let (locals, captures) = (scope.locals, std::mem::take(&mut scope.captures));
        Lambda { arity, clauses: checked, captures, itself: None, locals, span: self.tree.place(range) }
    }

    /// `fun (X) -> .. end`
    pub(super) fn fun(&mut self, clauses: &'a [ClauseId], id: ExprId) -> Expr {
        let tree = self.tree;
        let span = tree.span(id);
        let heads: Vec<&'a [ExprId]> = clauses.iter().map(|id| &*tree.clause(*id).patterns).collect();
        let first = heads.first().map_or(0, |head| head.len());
        let Ok(arity) = u8::try_from(first) else {
            self.too_many_arguments(span);
            return Checker::nothing(span);
        };
        let name_of = |id: &ClauseId| tree.clause(*id).name.map(|name| tree.raw(name));
        let name = clauses.first().and_then(name_of);
        for (clause, head) in clauses.iter().zip(&heads) {
            if head.len() != first || name_of(clause) != name {
                self.tell(
                    Diagnostic::error("E0207", "the clauses of this `fun` differ in name or number of arguments")
                        .at(tree.place(tree.clause(*clause).range), "differs from the first")
                        .help("all clauses of a `fun` have one number of arguments, and one name if they have any"),
                );
                return Checker::nothing(span);
            }
        }
        self.scopes.push(Scope::new(Kind::Fun));
        let itself = name.filter(|name| *name != "_").map(|name| self.bind_fresh(name));
        let mut lambda = self.lambda(clauses, &heads, arity, (span.start, span.end));
        lambda.itself = itself;
        self.scopes.pop();
        Expr { node: Node::Fun(Box::new(lambda)), span }
    }

    pub(super) fn case(&mut self, subject: ExprId, clauses: &'a [ClauseId], span: Span) -> Expr {
        let subject = self.expr(subject);
        let clauses = self.alternatives(clauses, span);
        Expr { node: Node::Case(Box::new(subject), clauses), span }
    }

    pub(super) fn conditions(&mut self, clauses: &'a [ClauseId], span: Span) -> Expr {
        let clauses = self.alternatives(clauses, span);
        Expr { node: Node::If(clauses), span }
    }

    /// The clauses of a `case` or `if`.
    fn alternatives(&mut self, clauses: &'a [ClauseId], span: Span) -> Vec<Clause> {
        let tree = self.tree;
        let sets: Vec<Vec<&'a str>> = clauses.iter().map(|id| bound::by_clause(tree, *id)).collect();
        let mut checked = Vec::new();
        self.branches((span.start, span.end), &sets, |checker, at| {
            let clause = tree.clause(clauses[at]);
            let patterns = clause.patterns.iter().map(|pattern| checker.pattern(*pattern, Binds::Match)).collect();
            let guard = checker.guard(&clause.guard);
            let body = checker.body(&clause.body);
            checked.push(Clause { patterns, guard, body, span: tree.place(clause.range) });
        });
        checked
    }

    /// Checks `element` behind its qualifiers; what they bind ends with it.
    pub(super) fn comprehension<T>(
        &mut self,
        qualifiers: &'a [tree::Qualifier],
        element: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<Qualifier>) {
        let scope = self.scope();
        let (mark, floor) = (scope.names.len(), scope.floor);
        // Also when nothing is bound yet, a comprehension is not the top level.
        scope.floor = mark.max(1);
        let qualifiers = qualifiers.iter().map(|qualifier| self.qualifier(*qualifier)).collect();
        let element = element(self);
        let scope = self.scope();
        scope.names.truncate(mark);
        scope.floor = floor;
        (element, qualifiers)
    }

    fn qualifier(&mut self, qualifier: tree::Qualifier) -> Qualifier {
        match qualifier {
            tree::Qualifier::List(pattern, list) => {
                self.negative_number(pattern, list);
                let list = self.expr(list);
                let mark = self.scope().names.len();
                Qualifier::List(self.pattern(pattern, Binds::Fresh(mark)), list)
            }
            tree::Qualifier::Map(key, value, map) => {
                let map = self.expr(map);
                let mark = self.scope().names.len();
                let key = self.pattern(key, Binds::Fresh(mark));
                Qualifier::Map(key, self.pattern(value, Binds::Fresh(mark)), map)
            }
            tree::Qualifier::Filter(condition) => {
                if let tree::Node::Binop(tree::Infix::Match, ..) = self.tree.node(condition) {
                    let span = self.tree.span(condition);
                    self.tell(
                        Diagnostic::error("E0209", "`=` binds a name; it is no condition")
                            .at(span, "a condition is expected here")
                            .help("write `==` to compare; to bind a name in a comprehension, write `Y <- [f(X)]`"),
                    );
                }
                Qualifier::Filter(self.expr(condition))
            }
        }
    }

    /// `X<-1` in a comprehension is a generator over the number 1.
    fn negative_number(&mut self, pattern: ExprId, list: ExprId) {
        if !matches!(self.tree.node(list), tree::Node::Integer | tree::Node::Float) {
            return;
        }
        let span = self.tree.span(pattern).to(self.tree.span(list));
        let (left, right) = (self.tree.raw(pattern), self.tree.raw(list));
        let help = format!("to compare with a negative number, put a space between: `{left} < -{right}`");
        self.tell(
            Diagnostic::error("E0214", "this reads as a generator over a number")
                .at(span, "`<-` takes elements from a list")
                .help(help),
        );
    }
}
