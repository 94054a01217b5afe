//! In which order a program's verbs stand: what surely runs before what on the same node, and which branches only one replica
//! takes.
//!
//! A block is a body whose expressions run one after the other: the top level (all its forms), a clause's body, a function's.
//! It hangs in another block, where its `case`, `fun` or only call stands.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

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
use crate::check::core::Qualifier;
use crate::check::core::VerbCall;
use crate::check::walk;
use crate::coordination::copies::copy;
use crate::coordination::copies::is_of_the_same;
use crate::library::Verb;
use crate::source::span::Span;
use crate::value::term::Term;

/// The most blocks that are walked up; calls in a circle end there.
const BLOCKS_UP_MAX: usize = 200;
/// How deep functions that one replica alone calls may call each other.
const ROUNDS_MAX: usize = 20;

/// Where something stands: in which block, at which place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: usize,
    at: usize,
}

#[derive(Clone, Debug, Default)]
struct Block {
    parent: Option<Place>,
    /// The one replica that takes it, where a `case` on `replica()` or `node()` says so.
    owner: Option<Term>,
    /// Whether it may be passed over although what is before it runs: a branch, or a loop that may be empty.
    conditional: bool,
    /// Whether it runs when it is called rather than where it stands: a function.
    called: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Order {
    places: BTreeMap<Span, Place>,
    verbs: BTreeMap<Span, Verb>,
    blocks: Vec<Block>,
    /// Calls of verbs whose value nobody uses.
    discarded: BTreeSet<Span>,
    /// Looks whose elements are copied somewhere else, by the updates that do.
    copies: BTreeMap<Span, Span>,
    /// The updates of those that are about the very elements that are seen.
    unchanged: BTreeSet<Span>,
    /// The calls of `enforce_once` whose function has something of its surroundings in it, by which it is another effect.
    capturing: BTreeSet<Span>,
}

impl Order {
    /// The order of a program's verbs.
    #[must_use]
    pub fn of(program: &Checked) -> Order {
        let order = Order { blocks: vec![Block::default()], ..Order::default() };
        let mut walk = Walk {
            order,
            at: Place { block: 0, at: 0 },
            calls: BTreeMap::new(),
            passed: BTreeSet::new(),
            here: BTreeSet::new(),
            threads: Vec::new(),
        };
        for form in &program.forms {
            walk.forget_locals();
            walk.body(&form.body);
            if let Some(last) = form.body.last() {
                walk.discard(last);
            }
        }
        walk.may_wait();
        let mut blocks = BTreeMap::new();
        for function in program.functions.iter().filter(|function| function.module.is_none()) {
            let block = walk.block(None, None, false);
            blocks.insert(function.id, block);
            walk.lambda_in(&function.lambda, Place { block, at: 0 }, None);
        }
        walk.settle(&blocks);
        walk.order
    }

    /// All calls of verbs in the program's text, whether anything comes to them or not.
    pub fn verbs(&self) -> impl Iterator<Item = (Span, Verb)> {
        self.verbs.iter().map(|(span, verb)| (*span, *verb))
    }

    /// Whether `first` has run on the same node whenever `then` runs.
    #[must_use]
    pub fn before(&self, first: Span, then: Span) -> bool {
        let (Some(first), Some(then)) = (self.places.get(&first), self.places.get(&then)) else { return false };
        self.up(*then).any(|place| place.block == first.block && first.at < place.at)
    }

    /// Whether the two stand in one block, the first before the second: where one runs, both do, in this order.
    #[must_use]
    pub fn together(&self, first: Span, then: Span) -> bool {
        let (Some(first), Some(then)) = (self.places.get(&first), self.places.get(&then)) else { return false };
        first.block == then.block && first.at < then.at
    }

    /// Whether `then` comes after `first` wherever that runs: no branch and no loop is between them.
    #[must_use]
    pub fn follows(&self, first: Span, then: Span) -> bool {
        let (Some(first), Some(then)) = (self.places.get(&first), self.places.get(&then)) else { return false };
        // Where it stands in branches, these have been gone into; what comes after them comes after it.
        let within = |place: &Place| self.blocks.get(place.block).filter(|block| !block.called)?.parent;
        let firsts: Vec<Place> = std::iter::successors(Some(*first), within).take(BLOCKS_UP_MAX).collect();
        for place in self.up(*then) {
            if let Some(first) = firsts.iter().find(|first| first.block == place.block) {
                return first.at < place.at;
            }
            if self.blocks.get(place.block).is_none_or(|block| block.conditional) {
                return false;
            }
        }
        false
    }

    /// The update that copies, element by element, what this look sees.
    #[must_use]
    pub fn copied(&self, look: Span) -> Option<Span> {
        self.copies.get(&look).copied()
    }

    /// Whether the update of a copy is about the very elements that are looked at.
    #[must_use]
    pub fn copies_itself(&self, update: Span) -> bool {
        self.unchanged.contains(&update)
    }

    /// Whether the function of this `enforce_once` has local names of its surroundings in it: with other values it is another
    /// effect.
    #[must_use]
    pub fn captures(&self, enforced: Span) -> bool {
        self.capturing.contains(&enforced)
    }

    /// Whether the two stand in one block.
    #[must_use]
    pub fn beside(&self, one: Span, other: Span) -> bool {
        one == other || self.together(one, other) || self.together(other, one)
    }

    /// The one replica that comes to this place, where that is plain.
    #[must_use]
    pub fn owner(&self, span: Span) -> Option<&Term> {
        self.owner_at(*self.places.get(&span)?)
    }

    fn owner_at(&self, place: Place) -> Option<&Term> {
        self.up(place).find_map(|place| self.blocks.get(place.block)?.owner.as_ref())
    }

    /// Whether nobody uses the value of this call.
    #[must_use]
    pub fn is_discarded(&self, span: Span) -> bool {
        self.discarded.contains(&span)
    }

    /// Whether a call of this verb is written around this place.
    #[must_use]
    pub fn is_within(&self, verb: Verb, place: Span) -> bool {
        let around = |span: &Span| span.file == place.file && span.start < place.start && place.end <= span.end;
        self.verbs.iter().any(|(span, known)| *known == verb && around(span))
    }

    /// The place, and those that the blocks around it hang in.
    fn up(&self, place: Place) -> impl Iterator<Item = Place> {
        let parent = |place: &Place| self.blocks.get(place.block).and_then(|block| block.parent);
        std::iter::successors(Some(place), parent).take(BLOCKS_UP_MAX)
    }
}

/// Whether a task goes on in the same turn after this verb, whatever its arguments do.
fn goes_straight_on(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Declare
            | Verb::DeclareDynamic
            | Verb::Update
            | Verb::TryUpdate
            | Verb::Query
            | Verb::Print
            | Verb::Thread
            | Verb::Replica
            | Verb::Node
            | Verb::Role
            | Verb::Arg
    )
}

/// A name that holds `replica()` or `node()`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Global(GlobalId),
    Local(LocalId),
}

struct Walk {
    order: Order,
    at: Place,
    /// Where each function is called.
    calls: BTreeMap<FunctionId, Vec<Place>>,
    /// Functions that are passed on, and may be called anywhere.
    passed: BTreeSet<FunctionId>,
    here: BTreeSet<Name>,
    /// The blocks of threads that were started since their starter may have waited, and the blocks of these. They have their
    /// first turn only after that.
    threads: Vec<(usize, usize)>,
}

impl Walk {
    /// Finds the places of functions: what is called in one place runs there, and what only one replica calls, however often,
    /// is that replica's.
    fn settle(&mut self, blocks: &BTreeMap<FunctionId, usize>) {
        for (function, block) in blocks {
            if let (Some([place]), false) =
                (self.calls.get(function).map(Vec::as_slice), self.passed.contains(function))
            {
                self.order.blocks[*block].parent = Some(*place);
            }
        }
        // A function that is called by another one of the same owner may come to it only after that.
        for _ in 0..blocks.len().min(ROUNDS_MAX) {
            let mut found = false;
            for (function, block) in blocks.iter().filter(|(function, _)| !self.passed.contains(function)) {
                let places = self.calls.get(function).map_or(&[][..], Vec::as_slice);
                let owners: BTreeSet<Option<&Term>> = places.iter().map(|place| self.order.owner_at(*place)).collect();
                let owner = owners.first().copied().flatten().filter(|_| owners.len() == 1).cloned();
                found |= owner.is_some() && self.order.blocks[*block].owner != owner;
                self.order.blocks[*block].owner = owner;
            }
            if !found {
                return;
            }
        }
    }

    fn forget_locals(&mut self) {
        self.here.retain(|name| matches!(name, Name::Global(_)));
    }

    fn block(&mut self, parent: Option<Place>, owner: Option<Term>, conditional: bool) -> usize {
        self.order.blocks.push(Block { parent, owner, conditional, called: false });
        self.order.blocks.len() - 1
    }

    /// A body in a block of its own that hangs here.
    fn inner(&mut self, owner: Option<Term>, conditional: bool, guard: &[Vec<Expr>], body: &[Expr]) -> usize {
        let outside = self.at;
        let block = self.block(Some(outside), owner, conditional);
        self.at = Place { block, at: 0 };
        for part in guard.iter().flatten() {
            self.expr(part);
        }
        self.body(body);
        // What was started in here begins after all of this at least.
        let end = Place { at: self.at.at + 1, ..self.at };
        for (thread, _) in self.threads.extract_if(.., |(_, starter)| *starter == block) {
            self.order.blocks[thread].parent = Some(end);
        }
        self.at = outside;
        block
    }

    /// The task may wait here: threads that it has started may have their turn now.
    fn may_wait(&mut self) {
        for (thread, starter) in std::mem::take(&mut self.threads) {
            let here = self.order.up(self.at).find(|place| place.block == starter);
            if let Some(place) = here {
                // Of a branch that waits, it is not told what in it comes before that.
                let at = place.at + usize::from(place == self.at);
                self.order.blocks[thread].parent = Some(Place { at, ..place });
            }
        }
    }

    fn body(&mut self, body: &[Expr]) {
        for (index, expr) in body.iter().enumerate() {
            self.expr(expr);
            if index + 1 < body.len() {
                self.discard(expr);
            }
        }
    }

    fn discard(&mut self, expr: &Expr) {
        if let Some((look, update)) = copy(expr) {
            self.order.copies.insert(look, update);
            if is_of_the_same(expr) {
                self.order.unchanged.insert(update);
            }
        }
        match &expr.node {
            Node::Verb(_) => {
                self.order.discarded.insert(expr.span);
            }
            Node::Match(pattern, value) if matches!(pattern.node, PatternNode::Any) => self.discard(value),
            Node::Block(body) => {
                if let Some(last) = body.last() {
                    self.discard(last);
                }
            }
            _ => {}
        }
    }

    fn lambda_in(&mut self, lambda: &Lambda, place: Place, owner: Option<&Term>) {
        let (outside, here) = (self.at, self.here.clone());
        self.at = place;
        self.forget_locals();
        let several = lambda.clauses.len() > 1;
        let threads = std::mem::take(&mut self.threads);
        for clause in &lambda.clauses {
            let block = self.inner(owner.cloned(), several, &clause.guard, &clause.body);
            self.order.blocks[block].called = true;
        }
        (self.at, self.here) = (outside, here);
        self.threads = threads;
    }

    /// A task of its own, which goes on from here once its starter has had its turn.
    fn thread(&mut self, lambda: &Lambda) {
        let block = self.block(Some(self.at), None, false);
        self.lambda_in(lambda, Place { block, at: 0 }, None);
        lambda.clauses.iter().filter_map(|clause| clause.body.last()).for_each(|last| self.discard(last));
        self.threads.push((block, self.at.block));
    }

    /// What `enforce_once` calls. One effect of the whole cluster has one place, wherever that is.
    fn effect(&mut self, before: &[Expr], lambda: &Lambda, span: Span) {
        self.each(before);
        self.may_wait();
        let one = matches!(before, [Expr { node: Node::Global(_), .. }, Expr { node: Node::Literal(_), .. }]);
        if !lambda.captures.is_empty() {
            self.order.capturing.insert(span);
        }
        // Numbers of replicas are not below 0.
        let owner = Term::Int(-1 - i64::from(span.start));
        self.at.at += 1;
        self.lambda_in(lambda, self.at, Some(&owner).filter(|_| one && lambda.captures.is_empty()));
    }

    fn verb(&mut self, call: &VerbCall, span: Span) {
        match (call.verb, call.arguments.as_slice()) {
            (Verb::Thread, [Expr { node: Node::Fun(lambda), .. }]) => self.thread(lambda),
            (Verb::EnforceOnce, [before @ .., Expr { node: Node::Fun(lambda), .. }]) => {
                self.effect(before, lambda, span);
            }
            (verb, arguments) => {
                self.each(arguments);
                if !goes_straight_on(verb) {
                    self.may_wait();
                }
            }
        }
        self.at.at += 1;
    }

    fn each(&mut self, exprs: &[Expr]) {
        exprs.iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Builtin(_, items) => {
                self.each(items);
                self.may_wait();
            }
            Node::Block(body) => self.body(body),
            Node::Match(pattern, value) => {
                self.expr(value);
                self.binds(pattern, value);
            }
            Node::AndAlso(left, right) | Node::OrElse(left, right) => {
                self.expr(left);
                self.inner(None, true, &[], std::slice::from_ref(right));
            }
            Node::Call(function, arguments) => {
                self.each(arguments);
                self.may_wait();
                self.at.at += 1;
                let place = self.at;
                self.calls.entry(*function).or_default().push(place);
            }
            Node::FunctionValue(function) => {
                self.passed.insert(*function);
            }
            Node::Verb(call) => {
                self.verb(call, expr.span);
                self.order.places.insert(expr.span, self.at);
                self.order.verbs.insert(expr.span, call.verb);
            }
            Node::Apply(function, arguments) => {
                self.expr(function);
                self.each(arguments);
                self.may_wait();
            }
            Node::Fun(lambda) => {
                self.at.at += 1;
                self.lambda_in(lambda, self.at, None);
            }
            Node::Case(value, clauses) => self.case(value, clauses),
            Node::If(clauses) => clauses.iter().for_each(|clause| {
                self.inner(None, true, &clause.guard, &clause.body);
            }),
            Node::ListComprehension(item, qualifiers) => {
                self.comprehension(qualifiers, &[item.as_ref()]);
            }
            Node::MapComprehension(entry, qualifiers) => self.comprehension(qualifiers, &[&entry.0, &entry.1]),
            Node::Literal(_)
            | Node::Local(_)
            | Node::Global(_)
            | Node::BuiltinValue(_)
            | Node::Tuple(_)
            | Node::Cons(..)
            | Node::Binary(..)
            | Node::Map(_)
            | Node::MapUpdate(..)
            | Node::Unary(..) => walk::children(expr, &mut |child| self.expr(child)),
        }
    }

    fn comprehension(&mut self, qualifiers: &[Qualifier], items: &[&Expr]) {
        let outside = self.at;
        for qualifier in qualifiers {
            match qualifier {
                Qualifier::List(_, source) | Qualifier::Map(_, _, source) | Qualifier::Filter(source) => {
                    self.expr(source);
                }
            }
            // What follows runs once for each element, or never.
            let block = self.block(Some(self.at), None, true);
            self.at = Place { block, at: 0 };
        }
        items.iter().for_each(|item| self.expr(item));
        self.at = Place { at: outside.at + 1, ..outside };
    }

    fn binds(&mut self, pattern: &Pattern, value: &Expr) {
        let name = match &pattern.node {
            PatternNode::Bind(local) => Name::Local(*local),
            PatternNode::Global(global) => Name::Global(*global),
            _ => return,
        };
        if self.is_here(value) {
            self.here.insert(name);
        }
    }

    /// Whether it is `replica()` or `node()`, or a name for one of them.
    fn is_here(&self, expr: &Expr) -> bool {
        match &expr.node {
            Node::Verb(call) => matches!(call.verb, Verb::Replica | Verb::Node),
            Node::Local(local) => self.here.contains(&Name::Local(*local)),
            Node::Global(global) => self.here.contains(&Name::Global(*global)),
            _ => false,
        }
    }

    fn case(&mut self, value: &Expr, clauses: &[Clause]) {
        self.expr(value);
        // `case replica() of 0 -> ..` and `case replica() =:= 0 of true -> ..`.
        let compared = match &value.node {
            Node::Binary(Binary::Equal | Binary::ExactlyEqual, left, right) => match (&left.node, &right.node) {
                (_, Node::Literal(term)) if self.is_here(left) => Some(term.clone()),
                (Node::Literal(term), _) if self.is_here(right) => Some(term.clone()),
                _ => None,
            },
            _ => None,
        };
        let here = self.is_here(value);
        for clause in clauses {
            let literal = match clause.patterns.first().map(|pattern| &pattern.node) {
                Some(PatternNode::Literal(term)) => Some(term.clone()),
                _ => None,
            };
            let owner = match literal {
                Some(term) if here => Some(term),
                Some(term) if term.as_bool() == Some(true) => compared.clone(),
                _ => None,
            };
            self.inner(owner, true, &clause.guard, &clause.body);
        }
    }
}
