//! Who a program asks for: the roles and the names of nodes with which it compares what `role()`, `node()` and `replica()` give,
//! wherever it does, through names and arguments of functions too. Whoever plays the program needs them to come to every branch.

use std::collections::BTreeMap;

use crate::check::core::Binary;
use crate::check::core::Checked;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::FunctionId;
use crate::check::core::GlobalId;
use crate::check::core::Lambda;
use crate::check::core::LocalId;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::walk;
use crate::library::Verb;
use crate::value::term::Term;

/// How often functions are gone through: so deep may calls pass on who somebody is.
const ROUNDS_MAX: usize = 20;

/// See the module. Each in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The roles that are asked for, and at the end `undefined` where something is done for any other one.
    pub roles: Vec<Term>,
    /// The names of nodes.
    pub names: Vec<Term>,
}

impl Asked {
    /// Who this program asks for.
    #[must_use]
    pub fn of(program: &Checked) -> Asked {
        let mut walk = Walk::default();
        for _ in 0..ROUNDS_MAX {
            let before = (walk.globals.len(), walk.passed.len());
            walk.asked = Asked::default();
            for form in &program.forms {
                walk.locals.clear();
                walk.each(&form.body);
            }
            for function in program.functions.iter().filter(|function| function.module.is_none()) {
                walk.locals.clear();
                let passed: BTreeMap<usize, Who> = walk.passed_to(function.id);
                walk.lambda(&function.lambda, &passed);
            }
            if before == (walk.globals.len(), walk.passed.len()) {
                break;
            }
        }
        let mut asked = walk.asked;
        let other = Term::atom("undefined");
        if walk.otherwise && !asked.roles.is_empty() && !asked.roles.contains(&other) {
            asked.roles.push(other);
        }
        asked
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Role,
    Name,
}

#[derive(Default)]
struct Walk {
    asked: Asked,
    /// Whether something is done for roles that are not named.
    otherwise: bool,
    globals: BTreeMap<GlobalId, Who>,
    locals: BTreeMap<LocalId, Who>,
    /// The arguments of functions that are given it.
    passed: BTreeMap<(FunctionId, usize), Who>,
}

impl Walk {
    fn passed_to(&self, function: FunctionId) -> BTreeMap<usize, Who> {
        let range = (function, 0)..=(function, usize::MAX);
        self.passed.range(range).map(|((_, at), who)| (*at, *who)).collect()
    }

    /// Whether it is `role()` or who the node is, or a name for one of them.
    fn who(&self, expr: &Expr) -> Option<Who> {
        match &expr.node {
            Node::Verb(call) => match call.verb {
                Verb::Role => Some(Who::Role),
                Verb::Replica | Verb::Node => Some(Who::Name),
                _ => None,
            },
            Node::Local(local) => self.locals.get(local).copied(),
            Node::Global(global) => self.globals.get(global).copied(),
            Node::Match(_, value) => self.who(value),
            _ => None,
        }
    }

    fn ask(&mut self, who: Who, term: &Term) {
        let asked = match who {
            Who::Role => &mut self.asked.roles,
            Who::Name => &mut self.asked.names,
        };
        if !asked.contains(term) && (who == Who::Role || term.as_atom().is_some()) {
            asked.push(term.clone());
        }
    }

    /// The pattern meets who somebody is.
    fn meet(&mut self, who: Who, pattern: &Pattern) {
        match &pattern.node {
            PatternNode::Literal(term) => self.ask(who, term),
            PatternNode::Bind(local) => {
                self.locals.insert(*local, who);
            }
            PatternNode::Global(global) => {
                self.globals.insert(*global, who);
            }
            PatternNode::Both(left, right) => {
                self.meet(who, left);
                self.meet(who, right);
            }
            _ => {}
        }
    }

    /// The pattern meets the value of the expression, or a part of it a part; with others for the same value, or alone.
    fn matched(&mut self, value: &Expr, pattern: &Pattern, several: bool) {
        match (&value.node, &pattern.node) {
            (Node::Tuple(items), PatternNode::Tuple(parts)) if items.len() == parts.len() => {
                items.iter().zip(parts).for_each(|(item, part)| self.matched(item, part, several));
            }
            (Node::Tuple(items), PatternNode::Literal(term)) => {
                for (item, part) in items.iter().zip(term.as_tuple().unwrap_or_default()) {
                    if let Some(who) = self.who(item) {
                        self.ask(who, part);
                    }
                }
            }
            _ => {
                if let Some(who) = self.who(value) {
                    self.otherwise |= who == Who::Role && several && is_open(pattern);
                    self.meet(who, pattern);
                }
            }
        }
    }

    fn compared(&mut self, left: &Expr, right: &Expr) {
        for (one, other) in [(left, right), (right, left)] {
            if let (Some(who), Node::Literal(term)) = (self.who(one), &other.node) {
                self.ask(who, term);
                self.otherwise |= who == Who::Role;
            }
        }
    }

    fn each(&mut self, exprs: &[Expr]) {
        exprs.iter().for_each(|expr| self.expr(expr));
    }

    fn clause(&mut self, clause: &Clause) {
        clause.guard.iter().for_each(|all| self.each(all));
        self.each(&clause.body);
    }

    /// The clauses of a function that is given who somebody is in these places.
    fn lambda(&mut self, lambda: &Lambda, given: &BTreeMap<usize, Who>) {
        let several = lambda.clauses.len() > 1;
        for clause in &lambda.clauses {
            for (at, pattern) in clause.patterns.iter().enumerate() {
                if let Some(who) = given.get(&at) {
                    self.otherwise |= *who == Who::Role && several && is_open(pattern);
                    self.meet(*who, pattern);
                }
            }
            self.clause(clause);
        }
    }

    /// A function that is written here has numbers of its own for what it takes from around it.
    fn inner(&mut self, lambda: &Lambda) {
        let captured = |(outer, inner): &(LocalId, LocalId)| Some((*inner, *self.locals.get(outer)?));
        let within = lambda.captures.iter().filter_map(captured).collect();
        let outside = std::mem::replace(&mut self.locals, within);
        self.lambda(lambda, &BTreeMap::new());
        self.locals = outside;
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Fun(lambda) => return self.inner(lambda),
            Node::Case(value, clauses) => return self.case(value, clauses),
            _ => walk::children(expr, &mut |child| self.expr(child)),
        }
        match &expr.node {
            Node::Binary(operator, left, right) => {
                let compares = [Binary::Equal, Binary::ExactlyEqual, Binary::NotEqual, Binary::ExactlyNotEqual];
                if compares.contains(operator) {
                    self.compared(left, right);
                }
            }
            Node::Match(pattern, value) => self.matched(value, pattern, false),
            Node::Call(function, arguments) => {
                for (at, argument) in arguments.iter().enumerate() {
                    if let Some(who) = self.who(argument) {
                        self.passed.insert((*function, at), who);
                    }
                }
            }
            _ => {}
        }
    }

    fn case(&mut self, value: &Expr, clauses: &[Clause]) {
        self.expr(value);
        for clause in clauses {
            if let Some(pattern) = clause.patterns.first() {
                self.matched(value, pattern, clauses.len() > 1);
            }
            self.clause(clause);
        }
    }
}

/// Whether it matches what no other pattern names.
fn is_open(pattern: &Pattern) -> bool {
    matches!(pattern.node, PatternNode::Any | PatternNode::Bind(_))
}
