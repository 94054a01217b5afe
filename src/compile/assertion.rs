//! `assert(E)`, and matches: compiled so that a failure can tell the values of the parts.
//!
//! `assert(f(X) == Y)` evaluates both sides first, compares, and hands the node the result and behind it both values. The
//! order of evaluation, and what a failure of a part says, are those of the expression as it is written.

use crate::check::core::Binary;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::Pattern;
use crate::check::core::PatternNode;
use crate::compile::builder::Builder;
use crate::compile::operator;
use crate::library::BuiltinId;
use crate::library::Verb;
use crate::vm::code::Holder;
use crate::vm::code::Known;
use crate::vm::code::Op;
use crate::vm::code::Reg;
use crate::vm::code::VerbSite;

/// The most parts of a condition, or names in a pattern, whose values are told.
const TOLD_MAX: usize = 8;

impl Builder<'_> {
    /// Asks the node to assert a condition. Parts of it joined by `andalso` are asserted one after the other.
    pub(super) fn assertion(&mut self, builtin: BuiltinId, condition: &Expr, dst: Reg) {
        if let Node::AndAlso(left, right) = &condition.node {
            self.assertion(builtin, left, dst);
            return self.assertion(builtin, right, dst);
        }
        let mark = self.mark();
        let registers: Vec<Reg> = parts(condition).iter().map(|part| self.operand(part)).collect();
        let seen = parts(condition).iter().take(TOLD_MAX).map(|part| part.span).collect();
        let held = registers.iter().map(|register| Node::Local(self.hold(*register))).collect::<Vec<Node>>();
        let known = with_parts(condition, &mut held.into_iter());
        let at = self.temp();
        self.expression(&known, at);
        for register in registers.iter().take(TOLD_MAX) {
            let behind = self.temp();
            self.copy(behind, *register);
        }
        let index = u16::try_from(self.code.verbs.len()).unwrap_or(u16::MAX);
        let compared = matches!(&condition.node, Node::Binary(..));
        self.code.verbs.push(VerbSite { builtin, verb: Verb::Assert, name: None, seen, compared });
        self.span = condition.span;
        self.emit(Op::Verb { dst, at, index });
        self.release(mark);
    }

    /// Notes the names in a pattern that may have values when it is matched; gives the index of the note.
    pub(super) fn known(&mut self, pattern: &Pattern) -> u16 {
        let mut found = Vec::new();
        self.names(pattern, &mut found);
        self.code.known.push(found);
        u16::try_from(self.code.known.len() - 1).unwrap_or(u16::MAX)
    }

    fn names(&mut self, pattern: &Pattern, found: &mut Vec<Known>) {
        let place = match &pattern.node {
            _ if found.len() >= TOLD_MAX => return,
            PatternNode::Same(local) => Holder::Register(self.local(*local)),
            PatternNode::Global(global) => Holder::Global(global.0),
            PatternNode::Tuple(items) => return items.iter().for_each(|item| self.names(item, found)),
            PatternNode::Cons(left, right) | PatternNode::Both(left, right) => {
                self.names(left, found);
                return self.names(right, found);
            }
            PatternNode::Map(entries) => return entries.iter().for_each(|(_, value)| self.names(value, found)),
            PatternNode::Prefix(_, rest) => return self.names(rest, found),
            PatternNode::Any | PatternNode::Bind(_) | PatternNode::Literal(_) => return,
        };
        found.push(Known { span: pattern.span, place });
    }
}

/// The parts whose values say why a condition is false: the sides of a comparison, the arguments of a call.
fn parts(condition: &Expr) -> Vec<&Expr> {
    match &condition.node {
        Node::Binary(binary, left, right) if compares(*binary) => vec![left, right],
        Node::Call(_, arguments) | Node::Builtin(_, arguments) => arguments.iter().collect(),
        Node::Unary(_, operand) => parts(operand),
        _ => Vec::new(),
    }
}

/// The condition with other expressions in place of its [`parts`].
fn with_parts(condition: &Expr, parts: &mut impl Iterator<Item = Node>) -> Expr {
    let mut put = |old: &Expr| Expr { node: parts.next().unwrap_or_else(|| old.node.clone()), span: old.span };
    let node = match &condition.node {
        Node::Binary(binary, left, right) if compares(*binary) => {
            Node::Binary(*binary, Box::new(put(left)), Box::new(put(right)))
        }
        Node::Call(function, arguments) => Node::Call(*function, arguments.iter().map(put).collect()),
        Node::Builtin(builtin, arguments) => Node::Builtin(*builtin, arguments.iter().map(put).collect()),
        Node::Unary(unary, operand) => Node::Unary(*unary, Box::new(with_parts(operand, parts))),
        other => other.clone(),
    };
    Expr { node, span: condition.span }
}

fn compares(binary: Binary) -> bool {
    operator::comparison(binary).is_some()
}
