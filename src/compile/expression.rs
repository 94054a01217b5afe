//! Expressions. Recursion follows the tree, which the parser keeps shallow; long lists are walked in a loop.

use crate::check::core::Binary;
use crate::check::core::Clause;
use crate::check::core::Expr;
use crate::check::core::FunctionId;
use crate::check::core::Lambda;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::check::core::VerbCall;
use crate::compile::builder::Builder;
use crate::compile::function;
use crate::compile::operator;
use crate::library::Verb;
use crate::value::atom::Atom;
use crate::value::term::Term;
use crate::vm::code::Link;
use crate::vm::code::Logic;
use crate::vm::code::Op;
use crate::vm::code::Reg;
use crate::vm::code::VerbSite;
use crate::vm::number::Arithmetic;

/// Lists and maps with more parts than this are built part by part, so that they need few registers.
const PARTS_MAX: usize = 24;

impl Builder<'_> {
    /// The value in any register: a local's own, or a fresh one.
    pub(super) fn operand(&mut self, part: &Expr) -> Reg {
        if let Node::Local(local) = &part.node {
            self.local(*local)
        } else {
            let dst = self.temp();
            self.expression(part, dst);
            dst
        }
    }

    /// The value in a register that nothing needs any more. All registers above the present top are free afterwards.
    pub(super) fn expression(&mut self, part: &Expr, dst: Reg) {
        let mark = self.mark();
        self.span = part.span;
        match &part.node {
            Node::Literal(term) => self.load(dst, term),
            Node::Local(local) => {
                let src = self.local(*local);
                self.copy(dst, src);
            }
            Node::Global(global) => match self.pending.iter().find(|(known, _)| *known == global.0).copied() {
                Some((_, src)) => self.copy(dst, src),
                None => self.emit(Op::Global { dst, index: global.0 }),
            },
            Node::Tuple(items) => {
                let at = self.next();
                self.consecutive(items.iter());
                self.span = part.span;
                self.emit(Op::Tuple { dst, at, count: u16::try_from(items.len()).unwrap_or(u16::MAX) });
            }
            Node::Cons(..) => self.list(part, dst),
            Node::Map(pairs) => self.map(pairs, dst, part),
            Node::MapUpdate(base, changes) => {
                self.expression(base, dst);
                for (exact, key, value) in changes {
                    self.map_put(dst, key, value, *exact, part);
                }
            }
            Node::Match(pattern, value) => self.matching(pattern, value, Some(dst)),
            Node::Unary(unary, operand) => {
                let src = self.operand(operand);
                self.span = part.span;
                self.emit(Op::Unary { operator: operator::unary(*unary), dst, src });
            }
            Node::Binary(binary, left, right) => self.binary(*binary, left, right, dst, part),
            Node::AndAlso(left, right) => self.short_circuit(Logic::AndAlso, left, right, dst),
            Node::OrElse(left, right) => self.short_circuit(Logic::OrElse, left, right, dst),
            Node::Case(subject, clauses) => self.case(subject, clauses, Some(dst), part),
            Node::If(clauses) => self.choose(None, clauses, Some(dst), part),
            Node::Block(body) => {
                if let Some((last, before)) = body.split_last() {
                    self.effects(before);
                    self.expression(last, dst);
                }
            }
            Node::ListComprehension(item, qualifiers) => self.list_comprehension(item, qualifiers, dst),
            Node::MapComprehension(entry, qualifiers) => self.map_comprehension(entry, qualifiers, dst),
            _ => self.call(part, dst),
        }
        self.release(mark);
    }

    /// What calls something or makes a function.
    fn call(&mut self, part: &Expr, dst: Reg) {
        match &part.node {
            Node::Call(function, arguments) => {
                let at = self.call_arguments(arguments, dst);
                let function = self.link(Link::Named(function.0));
                self.span = part.span;
                self.emit(Op::Call { at, function });
                self.copy(dst, at);
            }
            Node::Apply(function, arguments) => {
                let (at, count) = self.apply_arguments(function, arguments);
                self.span = part.span;
                self.emit(Op::Apply { at, count });
                self.copy(dst, at);
            }
            Node::Builtin(builtin, arguments) => {
                let at = match arguments.as_slice() {
                    [only] => self.operand(only),
                    _ => self.call_arguments(arguments, dst),
                };
                self.span = part.span;
                self.emit(Op::Builtin { dst, at, builtin: *builtin });
            }
            Node::Verb(call) => self.verb(call, dst, part),
            Node::Fun(lambda) => self.fun(lambda, dst, part),
            Node::FunctionValue(FunctionId(number)) => {
                let function = self.link(Link::Named(*number));
                self.emit(Op::Closure { dst, at: 0, count: 0, function });
            }
            Node::BuiltinValue(builtin) => {
                let code = function::stub(self.units, *builtin, part.span);
                let function = self.link(Link::Local(code));
                self.emit(Op::Closure { dst, at: 0, count: 0, function });
            }
            // All other nodes are no calls.
            _ => {}
        }
    }

    /// Values in fresh consecutive registers.
    fn consecutive<'e>(&mut self, parts: impl Iterator<Item = &'e Expr>) {
        for part in parts {
            let register = self.temp();
            self.expression(part, register);
        }
    }

    /// The arguments of a call, in consecutive registers; the first is `dst` itself where that is the topmost one, so
    /// that the result need not be moved. At least one register is taken.
    fn call_arguments(&mut self, arguments: &[Expr], dst: Reg) -> Reg {
        let at = if u32::from(dst) + 1 == self.mark() { dst } else { self.temp() };
        if let Some((first, others)) = arguments.split_first() {
            self.expression(first, at);
            self.consecutive(others.iter());
        }
        at
    }

    fn apply_arguments(&mut self, function: &Expr, arguments: &[Expr]) -> (Reg, u8) {
        let function = self.operand(function);
        let at = self.next();
        self.consecutive(arguments.iter());
        let last = self.temp();
        self.copy(last, function);
        (at, u8::try_from(arguments.len()).unwrap_or(u8::MAX))
    }

    fn list(&mut self, part: &Expr, dst: Reg) {
        let (mut items, mut rest) = (Vec::new(), part);
        while let Node::Cons(head, tail) = &rest.node {
            items.push(head.as_ref());
            rest = tail;
        }
        if items.len() <= PARTS_MAX {
            let first = self.next();
            self.consecutive(items.iter().copied());
            let mut tail = self.operand(rest);
            self.span = part.span;
            for at in (0..items.len()).rev() {
                let head = first.saturating_add(u16::try_from(at).unwrap_or(u16::MAX));
                let cell = if at == 0 { dst } else { head };
                self.emit(Op::Cons { dst: cell, head, tail });
                tail = cell;
            }
            return;
        }
        let list = self.temp();
        self.load(list, &Term::Nil);
        for item in items {
            let mark = self.mark();
            let head = self.operand(item);
            self.emit(Op::Cons { dst: list, head, tail: list });
            self.release(mark);
        }
        let tail = self.operand(rest);
        self.span = part.span;
        self.emit(Op::ReverseOnto { dst, list, tail });
    }

    fn map(&mut self, pairs: &[(Expr, Expr)], dst: Reg, part: &Expr) {
        if pairs.len() > PARTS_MAX {
            // Not in `dst`, which an argument may lie in.
            self.emit(Op::Map { dst, at: 0, count: 0 });
            for (key, value) in pairs {
                self.map_put(dst, key, value, false, part);
            }
            return;
        }
        let at = self.next();
        self.consecutive(pairs.iter().flat_map(|(key, value)| [key, value]));
        self.span = part.span;
        self.emit(Op::Map { dst, at, count: u16::try_from(pairs.len()).unwrap_or(u16::MAX) });
    }

    pub(super) fn map_put(&mut self, dst: Reg, key: &Expr, value: &Expr, exact: bool, part: &Expr) {
        let mark = self.mark();
        let key = self.operand(key);
        let value = self.operand(value);
        self.span = part.span;
        self.emit(Op::MapPut { dst, key, value, exact });
        self.release(mark);
    }

    fn matching(&mut self, pattern: &Pattern, value: &Expr, dst: Option<Reg>) {
        if let PatternNode::Bind(local) = pattern.node {
            let register = self.local(local);
            self.expression(value, register);
            if let Some(dst) = dst {
                self.copy(dst, register);
            }
            return;
        }
        let src = self.operand(value);
        let (fail, done) = (self.label(), self.label());
        let span = pattern.span.to(value.span);
        self.pattern(pattern, src, fail);
        self.set_globals();
        if let Some(dst) = dst {
            self.copy(dst, src);
        }
        self.span = span;
        self.jump(done);
        self.bind(fail);
        let known = self.known(pattern);
        self.emit(Op::NoMatch { src, known });
        self.bind(done);
    }

    fn binary(&mut self, binary: Binary, left: &Expr, right: &Expr, dst: Reg, part: &Expr) {
        let left = self.operand(left);
        if let (Some(operator), Some(number)) = (operator::arithmetic(binary), operator::small(right)) {
            self.span = part.span;
            return self.emit(match operator {
                Arithmetic::Add => Op::AddSmall { dst, left, number },
                Arithmetic::Multiply => Op::MultiplySmall { dst, left, number },
                operator => Op::ArithmeticSmall { operator, dst, left, number },
            });
        }
        let right = self.operand(right);
        self.span = part.span;
        let op = if binary == Binary::Add {
            Op::Add { dst, left, right }
        } else if let Some(operator) = operator::arithmetic(binary) {
            Op::Arithmetic { operator, dst, left, right }
        } else if let Some(comparison) = operator::comparison(binary) {
            Op::Compare { comparison, dst, left, right }
        } else if let Some(operator) = operator::logic(binary) {
            Op::Logic { operator, dst, left, right }
        } else if binary == Binary::Append {
            Op::Append { dst, left, right }
        } else {
            Op::ListSubtract { dst, left, right }
        };
        self.emit(op);
    }

    /// `andalso`, `orelse`: the left side must be a boolean, the right one may be anything.
    fn short_circuit(&mut self, operator: Logic, left: &Expr, right: &Expr, dst: Reg) {
        let (short, done) = (self.label(), self.label());
        self.left_side(operator, left, short.0);
        self.expression(right, dst);
        self.jump(done);
        self.bind(short);
        self.load(dst, &Term::boolean(operator == Logic::OrElse));
        self.bind(done);
    }

    fn left_side(&mut self, operator: Logic, left: &Expr, target: u32) {
        let mark = self.mark();
        let src = self.operand(left);
        self.span = left.span;
        self.emit(match operator {
            Logic::OrElse => Op::TestNot { operator, src, target },
            _ => Op::Test { operator, src, target },
        });
        self.release(mark);
    }

    /// `None` for `dst`: the value is returned.
    fn case(&mut self, subject: &Expr, clauses: &[Clause], dst: Option<Reg>, part: &Expr) {
        let src = self.operand(subject);
        self.choose(Some(src), clauses, dst, part);
    }

    fn choose(&mut self, subject: Option<Reg>, clauses: &[Clause], dst: Option<Reg>, part: &Expr) {
        let done = self.label();
        for clause in clauses {
            let (mark, fail) = (self.mark(), self.label());
            if let (Some(src), Some(pattern)) = (subject, clause.patterns.first()) {
                self.pattern(pattern, src, fail);
            }
            self.guard(&clause.guard, fail);
            self.set_globals();
            match (dst, clause.body.split_last()) {
                (Some(dst), Some((last, before))) => {
                    self.effects(before);
                    self.expression(last, dst);
                    self.jump(done);
                }
                _ => self.body(&clause.body),
            }
            self.bind(fail);
            self.release(mark);
        }
        self.span = part.span;
        match subject {
            Some(src) => self.emit(Op::NoCase { src }),
            None => self.emit(Op::NoIf),
        }
        self.bind(done);
    }

    fn verb(&mut self, call: &VerbCall, dst: Reg, part: &Expr) {
        if let (Verb::Assert, [condition]) = (call.verb, call.arguments.as_slice()) {
            return self.assertion(call.builtin, condition, dst);
        }
        let at = self.call_arguments(&call.arguments, dst);
        let name = call.name.as_deref().and_then(|name| Atom::new(name).ok());
        let index = u16::try_from(self.code.verbs.len()).unwrap_or(u16::MAX);
        let site = VerbSite { builtin: call.builtin, verb: call.verb, name, seen: Vec::new(), compared: false };
        self.code.verbs.push(site);
        self.span = part.span;
        if call.verb.calls() {
            self.emit(Op::Mark);
        }
        self.emit(Op::Verb { dst, at, index });
    }

    fn fun(&mut self, lambda: &Lambda, dst: Reg, part: &Expr) {
        let name = format!("a fun in {}", self.code.name.trim_start_matches("a fun in "));
        let code = function::lambda(self.units, lambda, name);
        let at = self.next();
        for (outside, _) in &lambda.captures {
            let register = self.temp();
            let src = self.local(*outside);
            self.copy(register, src);
        }
        let function = self.link(Link::Local(code));
        self.span = part.span;
        let count = u16::try_from(lambda.captures.len()).unwrap_or(u16::MAX);
        self.emit(Op::Closure { dst, at, count, function });
    }

    /// Expressions whose values nobody needs.
    fn effects(&mut self, body: &[Expr]) {
        for part in body {
            let mark = self.mark();
            match &part.node {
                Node::Match(pattern, value) => self.matching(pattern, value, None),
                Node::Literal(_) | Node::Local(_) => {}
                _ => {
                    self.operand(part);
                }
            }
            self.release(mark);
        }
    }

    /// A body whose last value is returned, without a jump to a last call.
    pub(super) fn values(&mut self, body: &[Expr]) {
        if let Some((last, before)) = body.split_last() {
            self.effects(before);
            let src = self.operand(last);
            self.emit(Op::Return { src });
        }
    }

    /// A body whose last value is returned.
    pub(super) fn body(&mut self, body: &[Expr]) {
        if let Some((last, before)) = body.split_last() {
            self.effects(before);
            self.tail(last);
        }
    }

    /// An expression whose value is returned: calls in it are jumps.
    fn tail(&mut self, part: &Expr) {
        let mark = self.mark();
        self.span = part.span;
        match &part.node {
            Node::Call(function, arguments) if !self.keeps_caller(function.0) => {
                let at = self.next();
                self.consecutive(arguments.iter());
                let function = self.link(Link::Named(function.0));
                self.span = part.span;
                self.emit(Op::TailCall { at, function });
            }
            Node::Apply(function, arguments) => {
                let (at, count) = self.apply_arguments(function, arguments);
                self.span = part.span;
                self.emit(Op::TailApply { at, count });
            }
            Node::Case(subject, clauses) => self.case(subject, clauses, None, part),
            Node::If(clauses) => self.choose(None, clauses, None, part),
            Node::Block(body) => self.body(body),
            Node::AndAlso(left, right) => self.tail_short_circuit(Logic::AndAlso, left, right),
            Node::OrElse(left, right) => self.tail_short_circuit(Logic::OrElse, left, right),
            _ => {
                let src = self.operand(part);
                self.emit(Op::Return { src });
            }
        }
        self.release(mark);
    }

    fn keeps_caller(&self, function: u32) -> bool {
        !self.units.library && self.units.modules.contains(&function)
    }

    fn tail_short_circuit(&mut self, operator: Logic, left: &Expr, right: &Expr) {
        let short = self.label();
        self.left_side(operator, left, short.0);
        self.tail(right);
        self.bind(short);
        let dst = self.temp();
        self.load(dst, &Term::boolean(operator == Logic::OrElse));
        self.emit(Op::Return { src: dst });
    }
}
