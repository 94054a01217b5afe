//! The canonical bytes of a function's tree, for content hashes: locals are numbered in the order in which they are met,
//! places are left out, and what the function refers to is a hole. Changing these bytes changes what peers agree on.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

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
use crate::compile::builder::clip;
use crate::compile::builder::link_index;
use crate::library::BuiltinId;
use crate::value::codec;
use crate::value::term::Term;
use crate::vm::code::Hole;
use crate::vm::code::Link;
use crate::vm::code::Skeleton;

/// The canonical form of a function; functions that it refers to are added to its links.
pub(super) fn of(lambda: &Lambda, links: &mut Vec<Link>) -> Skeleton {
    let mut writer = Writer::new(links);
    writer.inner(lambda);
    writer.skeleton
}

/// The locals of a function that something reads. One that is only bound might as well be `_`.
fn read_in(lambda: &Lambda) -> FxHashSet<LocalId> {
    let mut links = Vec::new();
    let mut writer = Writer { collecting: true, ..Writer::new(&mut links) };
    writer.clauses(&lambda.clauses);
    writer.read
}

struct Writer<'l> {
    skeleton: Skeleton,
    links: &'l mut Vec<Link>,
    /// The numbers of the locals of the function that is being written.
    locals: FxHashMap<LocalId, u32>,
    /// Those of them that something reads.
    read: FxHashSet<LocalId>,
    /// Whether only the latter are looked for.
    collecting: bool,
}

impl<'l> Writer<'l> {
    fn new(links: &'l mut Vec<Link>) -> Writer<'l> {
        let (skeleton, locals, read) = (Skeleton::default(), FxHashMap::default(), FxHashSet::default());
        Writer { skeleton, links, locals, read, collecting: false }
    }

    fn tag(&mut self, tag: u8) {
        self.skeleton.bytes.push(tag);
    }

    fn count(&mut self, count: usize) {
        self.skeleton.bytes.extend(clip(count).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.skeleton.bytes.extend(text.as_bytes());
    }

    fn term(&mut self, term: &Term) {
        let bytes = codec::encode(term);
        self.count(bytes.len());
        self.skeleton.bytes.extend(bytes);
    }

    fn local(&mut self, local: LocalId) {
        if self.collecting {
            self.read.insert(local);
            return;
        }
        let next = clip(self.locals.len());
        let number = *self.locals.entry(local).or_insert(next);
        self.skeleton.bytes.extend(number.to_be_bytes());
    }

    fn global(&mut self, global: GlobalId) {
        self.skeleton.holes.push(Hole::Global(global.0));
    }

    fn function(&mut self, function: FunctionId) {
        let link = link_index(self.links, Link::Named(function.0));
        self.skeleton.holes.push(Hole::Function(link));
    }

    fn builtin(&mut self, builtin: BuiltinId) {
        self.text(&builtin.row().title());
    }

    /// A function within a function has numbers of its own: first what it captures.
    fn lambda(&mut self, lambda: &Lambda) {
        self.count(lambda.captures.len());
        for (outside, _) in &lambda.captures {
            self.local(*outside);
        }
        if self.collecting {
            return;
        }
        let outer = (std::mem::take(&mut self.locals), std::mem::take(&mut self.read));
        self.inner(lambda);
        (self.locals, self.read) = outer;
    }

    fn inner(&mut self, lambda: &Lambda) {
        self.read = read_in(lambda);
        self.skeleton.bytes.extend([lambda.arity, u8::from(lambda.itself.is_some())]);
        for local in lambda.captures.iter().map(|(_, inside)| *inside).chain(lambda.itself) {
            self.local(local);
        }
        self.clauses(&lambda.clauses);
    }

    fn clauses(&mut self, clauses: &[Clause]) {
        self.count(clauses.len());
        for clause in clauses {
            self.count(clause.patterns.len());
            clause.patterns.iter().for_each(|pattern| self.pattern(pattern));
            self.count(clause.guard.len());
            clause.guard.iter().for_each(|tests| self.expressions(tests));
            self.expressions(&clause.body);
        }
    }

    fn expressions(&mut self, parts: &[Expr]) {
        self.count(parts.len());
        for part in parts {
            self.expression(part);
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        let mut pattern = pattern;
        // List patterns may be long.
        while let PatternNode::Cons(head, tail) = &pattern.node {
            self.tag(0);
            self.pattern(head);
            pattern = tail;
        }
        match &pattern.node {
            PatternNode::Any => self.tag(1),
            PatternNode::Bind(local) if self.collecting || !self.read.contains(local) => self.tag(1),
            // Whether a name is met for the first time shows in its number.
            PatternNode::Bind(local) | PatternNode::Same(local) => {
                self.tag(2);
                self.local(*local);
            }
            PatternNode::Global(global) => {
                self.tag(3);
                self.global(*global);
            }
            PatternNode::Literal(term) => {
                self.tag(4);
                self.term(term);
            }
            PatternNode::Tuple(items) => {
                self.tag(5);
                self.count(items.len());
                for item in items {
                    self.pattern(item);
                }
            }
            PatternNode::Map(pairs) => {
                self.tag(6);
                self.count(pairs.len());
                for (key, value) in pairs {
                    self.expression(key);
                    self.pattern(value);
                }
            }
            PatternNode::Both(left, right) => {
                self.tag(7);
                self.pattern(left);
                self.pattern(right);
            }
            PatternNode::Prefix(prefix, rest) => {
                self.tag(8);
                self.text(prefix);
                self.pattern(rest);
            }
            // Taken apart above.
            PatternNode::Cons(..) => {}
        }
    }

    fn expression(&mut self, part: &Expr) {
        let mut part = part;
        // Lists may be long.
        while let Node::Cons(head, tail) = &part.node {
            self.tag(0);
            self.expression(head);
            part = tail;
        }
        match &part.node {
            Node::Literal(term) => {
                self.tag(1);
                self.term(term);
            }
            Node::Local(local) => {
                self.tag(2);
                self.local(*local);
            }
            Node::Global(global) => {
                self.tag(3);
                self.global(*global);
            }
            Node::Tuple(items) => {
                self.tag(4);
                self.expressions(items);
            }
            Node::Map(pairs) => {
                self.tag(5);
                self.count(pairs.len());
                for (key, value) in pairs {
                    self.expression(key);
                    self.expression(value);
                }
            }
            Node::MapUpdate(base, changes) => {
                self.tag(6);
                self.expression(base);
                self.count(changes.len());
                for (exact, key, value) in changes {
                    self.tag(u8::from(*exact));
                    self.expression(key);
                    self.expression(value);
                }
            }
            Node::Match(pattern, value) => {
                self.tag(7);
                // In the order in which they run, so that numbers follow it.
                self.expression(value);
                self.pattern(pattern);
            }
            Node::Fun(lambda) => {
                self.tag(8);
                self.lambda(lambda);
            }
            Node::Case(subject, clauses) => {
                self.tag(9);
                self.expression(subject);
                self.clauses(clauses);
            }
            Node::If(clauses) => {
                self.tag(10);
                self.clauses(clauses);
            }
            Node::Block(body) => {
                self.tag(11);
                self.expressions(body);
            }
            _ => self.operation(part),
        }
    }

    fn operation(&mut self, part: &Expr) {
        match &part.node {
            Node::Unary(unary, operand) => {
                self.tag(20);
                self.text(&format!("{unary:?}"));
                self.expression(operand);
            }
            Node::Binary(binary, left, right) => {
                self.tag(21);
                self.text(&format!("{binary:?}"));
                self.expression(left);
                self.expression(right);
            }
            Node::AndAlso(left, right) => {
                self.tag(22);
                self.expression(left);
                self.expression(right);
            }
            Node::OrElse(left, right) => {
                self.tag(23);
                self.expression(left);
                self.expression(right);
            }
            Node::Call(function, arguments) => {
                self.tag(24);
                self.function(*function);
                self.expressions(arguments);
            }
            Node::Builtin(builtin, arguments) => {
                self.tag(25);
                self.builtin(*builtin);
                self.expressions(arguments);
            }
            Node::Verb(call) => {
                self.tag(26);
                self.builtin(call.builtin);
                self.text(call.name.as_deref().unwrap_or(""));
                self.expressions(&call.arguments);
            }
            Node::Apply(function, arguments) => {
                self.tag(27);
                self.expression(function);
                self.expressions(arguments);
            }
            Node::FunctionValue(function) => {
                self.tag(28);
                self.function(*function);
            }
            Node::BuiltinValue(builtin) => {
                self.tag(29);
                self.builtin(*builtin);
            }
            Node::ListComprehension(item, qualifiers) => {
                self.tag(30);
                self.qualifiers(qualifiers);
                self.expression(item);
            }
            Node::MapComprehension(entry, qualifiers) => {
                self.tag(31);
                self.qualifiers(qualifiers);
                self.expression(&entry.0);
                self.expression(&entry.1);
            }
            // Written by `expression`.
            _ => {}
        }
    }

    fn qualifiers(&mut self, qualifiers: &[Qualifier]) {
        self.count(qualifiers.len());
        for qualifier in qualifiers {
            match qualifier {
                Qualifier::List(pattern, source) => {
                    self.tag(0);
                    self.expression(source);
                    self.pattern(pattern);
                }
                Qualifier::Map(key, value, source) => {
                    self.tag(1);
                    self.expression(source);
                    self.pattern(key);
                    self.pattern(value);
                }
                Qualifier::Filter(condition) => {
                    self.tag(2);
                    self.expression(condition);
                }
            }
        }
    }
}
