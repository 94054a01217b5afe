//! Patterns and guards: tests that lead to a label where they fail, without building anything.

use crate::check::core::Binary;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::compile::builder::Builder;
use crate::compile::builder::Label;
use crate::compile::operator;
use crate::value::term::Term;
use crate::vm::code::Op;
use crate::vm::code::Reg;

impl Builder<'_> {
    /// Matches what a register holds. Registers that it takes stay taken, since names may lie in them.
    pub(super) fn pattern(&mut self, pattern: &Pattern, src: Reg, fail: Label) {
        self.span = pattern.span;
        let target = fail.0;
        match &pattern.node {
            PatternNode::Any => {}
            PatternNode::Bind(local) => {
                let dst = self.local(*local);
                self.copy(dst, src);
            }
            PatternNode::Same(local) => {
                let left = self.local(*local);
                self.emit(Op::IsSame { left, right: src, target });
            }
            PatternNode::Global(global) => {
                let earlier = self.pending.iter().find(|(known, _)| *known == global.0).map(|(_, register)| *register);
                match earlier {
                    Some(left) => self.emit(Op::IsSame { left, right: src, target }),
                    None if self.in_function => {
                        // A function never binds a name of the top level: run too early, it fails.
                        let left = self.temp();
                        self.emit(Op::Global { dst: left, index: global.0 });
                        self.emit(Op::IsSame { left, right: src, target });
                    }
                    None => {
                        self.emit(Op::MatchGlobal { src, index: global.0, target });
                        self.pending.push((global.0, src));
                    }
                }
            }
            PatternNode::Literal(term) => self.literal(term, src, fail),
            PatternNode::Tuple(items) => {
                let Ok(count) = u16::try_from(items.len()) else {
                    self.units.too_large.get_or_insert(pattern.span);
                    return;
                };
                self.emit(Op::IsTuple { src, count, target });
                for (place, item) in (0..count).zip(items) {
                    if !matches!(item.node, PatternNode::Any) {
                        let dst = self.part(item);
                        self.emit(Op::Element { dst, src, place });
                        self.rest(item, dst, fail);
                    }
                }
            }
            PatternNode::Cons(..) => self.cells(pattern, src, fail),
            PatternNode::Map(pairs) => self.map_pattern(pairs, src, fail),
            PatternNode::Both(left, right) => {
                self.pattern(left, src, fail);
                self.pattern(right, src, fail);
            }
            PatternNode::Prefix(prefix, rest) => {
                let Ok(index) = u16::try_from(self.constant(&Term::text(prefix.as_str()))) else {
                    self.units.too_large.get_or_insert(pattern.span);
                    return;
                };
                let dst = self.part(rest);
                self.emit(Op::Prefix { dst, src, index, target });
                self.rest(rest, dst, fail);
            }
        }
    }

    /// Where a part goes: to its name's own register if it only gets a name.
    fn part(&mut self, part: &Pattern) -> Reg {
        match part.node {
            PatternNode::Bind(local) => self.local(local),
            _ => self.temp(),
        }
    }

    fn rest(&mut self, part: &Pattern, register: Reg, fail: Label) {
        if !matches!(part.node, PatternNode::Bind(_) | PatternNode::Any) {
            self.pattern(part, register, fail);
        }
    }

    fn literal(&mut self, term: &Term, src: Reg, fail: Label) {
        let target = fail.0;
        match term {
            Term::Nil => self.emit(Op::IsNil { src, target }),
            Term::Int(value) if i32::try_from(*value).is_ok() => {
                self.emit(Op::IsSmall { src, number: i32::try_from(*value).unwrap_or_default(), target });
            }
            _ => {
                let index = self.constant(term);
                self.emit(Op::IsConst { src, index, target });
            }
        }
    }

    /// A list pattern, cell by cell: it may be long.
    fn cells(&mut self, pattern: &Pattern, src: Reg, fail: Label) {
        let (mut pattern, mut src) = (pattern, src);
        while let PatternNode::Cons(first, others) = &pattern.node {
            self.span = pattern.span;
            let head = self.part(first);
            let tail = self.part(others);
            self.emit(Op::Uncons { src, head, tail, target: fail.0 });
            self.rest(first, head, fail);
            (pattern, src) = (others, tail);
        }
        self.rest(pattern, src, fail);
    }

    fn map_pattern(&mut self, pairs: &[(Expr, Pattern)], src: Reg, fail: Label) {
        self.emit(Op::IsMap { src, target: fail.0 });
        for (key, value) in pairs {
            let key = self.protected(std::slice::from_ref(key), fail, |builder, _| {
                let register = builder.temp();
                builder.expression(key, register);
                register
            });
            let dst = self.part(value);
            self.emit(Op::MapGet { dst, src, key, target: fail.0 });
            self.rest(value, dst, fail);
        }
    }

    /// The names of the top level that the pattern has bound are bound from here on.
    pub(super) fn set_globals(&mut self) {
        for (index, src) in std::mem::take(&mut self.pending) {
            self.emit(Op::SetGlobal { src, index });
        }
    }

    /// A guard: alternatives of conjunctions. Empty is true.
    pub(super) fn guard(&mut self, alternatives: &[Vec<Expr>], fail: Label) {
        let Some((last, others)) = alternatives.split_last() else { return };
        let holds = self.label();
        for conjunction in others {
            let next = self.label();
            self.conjunction(conjunction, next);
            self.jump(holds);
            self.bind(next);
        }
        self.conjunction(last, fail);
        self.bind(holds);
    }

    pub(super) fn conjunction(&mut self, tests: &[Expr], fail: Label) {
        self.protected(tests, fail, |builder, fail| {
            for test in tests {
                builder.test(test, fail);
            }
        });
    }

    /// Runs `inner` so that what fails in it leads to the label; free of cost where nothing can fail.
    fn protected<T>(&mut self, parts: &[Expr], fail: Label, inner: impl FnOnce(&mut Self, Label) -> T) -> T {
        if !parts.iter().any(can_fail) {
            return inner(self, fail);
        }
        let (failed, done) = (self.label(), self.label());
        self.emit(Op::GuardBegin { target: failed.0 });
        let result = inner(self, failed);
        self.emit(Op::GuardEnd);
        self.jump(done);
        self.bind(failed);
        self.emit(Op::GuardEnd);
        self.jump(fail);
        self.bind(done);
        result
    }

    /// Goes on if a guard's expression is true.
    fn test(&mut self, test: &Expr, fail: Label) {
        self.span = test.span;
        let mark = self.mark();
        match &test.node {
            Node::Literal(term) if term.as_bool() == Some(true) => {}
            Node::Binary(binary, left, right) if let Some(comparison) = operator::comparison(*binary) => {
                let left = self.operand(left);
                if let Some(number) = operator::small(right) {
                    self.emit(Op::BranchSmall { comparison, left, number, target: fail.0 });
                } else {
                    let right = self.operand(right);
                    self.emit(Op::Branch { comparison, left, right, target: fail.0 });
                }
            }
            Node::AndAlso(left, right) | Node::Binary(Binary::And, left, right) if is_boolean(left) => {
                self.test(left, fail);
                self.test(right, fail);
            }
            Node::OrElse(left, right) if is_boolean(left) => {
                let (second, holds) = (self.label(), self.label());
                self.test(left, second);
                self.jump(holds);
                self.bind(second);
                self.test(right, fail);
                self.bind(holds);
            }
            _ => {
                let src = self.operand(test);
                self.emit(Op::JumpUnlessTrue { src, target: fail.0 });
            }
        }
        self.release(mark);
    }
}

/// Whether evaluating a guard's expression may fail, where it is a test: what is not true is false then.
fn can_fail(part: &Expr) -> bool {
    match &part.node {
        Node::AndAlso(left, right) | Node::OrElse(left, right) | Node::Binary(Binary::And, left, right) => {
            !is_boolean(left) || can_fail(left) || can_fail(right)
        }
        _ => value_can_fail(part),
    }
}

/// The same where its value is asked for: `and` needs two booleans then.
fn value_can_fail(part: &Expr) -> bool {
    match &part.node {
        Node::Literal(_) | Node::Local(_) => false,
        Node::Binary(binary, left, right) if operator::comparison(*binary).is_some() => {
            value_can_fail(left) || value_can_fail(right)
        }
        Node::AndAlso(left, right) | Node::OrElse(left, right) => {
            !is_boolean(left) || value_can_fail(left) || value_can_fail(right)
        }
        Node::Builtin(builtin, arguments) => {
            let row = builtin.row();
            let total = row.arity == 1 && row.name.starts_with("is_");
            !total || arguments.iter().any(value_can_fail)
        }
        _ => true,
    }
}

/// Whether an expression gives nothing but `true` or `false`.
fn is_boolean(part: &Expr) -> bool {
    match &part.node {
        Node::Literal(term) => term.as_bool().is_some(),
        Node::Binary(binary, ..) => operator::comparison(*binary).is_some(),
        Node::AndAlso(left, right) | Node::OrElse(left, right) => is_boolean(left) && is_boolean(right),
        Node::Builtin(builtin, _) => builtin.row().arity == 1 && builtin.row().name.starts_with("is_"),
        _ => false,
    }
}
