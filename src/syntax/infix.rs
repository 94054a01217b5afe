//! Operators: how tightly they bind, and the tree of a flat chain of them. Erlang's table.

use crate::syntax::build::Builder;
use crate::syntax::build::Link;
use crate::syntax::tree::ExprId;
use crate::syntax::tree::Infix;
use crate::syntax::tree::Node;

/// To which side operators of one level group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    /// Neither: two beside each other are a mistake.
    Neither,
}

impl Infix {
    /// How tightly it binds, and to which side it groups.
    pub(super) fn level(self) -> (u8, Side) {
        match self {
            Infix::Match => (1, Side::Right),
            Infix::OrElse => (2, Side::Right),
            Infix::AndAlso => (3, Side::Right),
            Infix::Equal | Infix::NotEqual | Infix::ExactlyEqual | Infix::ExactlyNotEqual => (4, Side::Neither),
            Infix::Less | Infix::LessOrEqual | Infix::Greater | Infix::GreaterOrEqual => (4, Side::Neither),
            Infix::Append | Infix::Subtract => (5, Side::Right),
            Infix::Plus | Infix::Minus | Infix::BitOr | Infix::BitXor => (6, Side::Left),
            Infix::ShiftLeft | Infix::ShiftRight | Infix::Or | Infix::Xor => (6, Side::Left),
            Infix::Times | Infix::Divide | Infix::Div | Infix::Rem | Infix::BitAnd | Infix::And => (7, Side::Left),
        }
    }

    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Infix::Match => "=",
            Infix::OrElse => "orelse",
            Infix::AndAlso => "andalso",
            Infix::Equal => "==",
            Infix::NotEqual => "/=",
            Infix::ExactlyEqual => "=:=",
            Infix::ExactlyNotEqual => "=/=",
            Infix::Less => "<",
            Infix::LessOrEqual => "=<",
            Infix::Greater => ">",
            Infix::GreaterOrEqual => ">=",
            Infix::Append => "++",
            Infix::Subtract => "--",
            Infix::Plus => "+",
            Infix::Minus => "-",
            Infix::BitOr => "bor",
            Infix::BitXor => "bxor",
            Infix::ShiftLeft => "bsl",
            Infix::ShiftRight => "bsr",
            Infix::Or => "or",
            Infix::Xor => "xor",
            Infix::Times => "*",
            Infix::Divide => "/",
            Infix::Div => "div",
            Infix::Rem => "rem",
            Infix::BitAnd => "band",
            Infix::And => "and",
        }
    }
}

/// Groups a chain with a stack of operators that wait for their right side (the shunting yard): no recursion, however long.
pub(super) fn group(builder: &mut Builder, first: ExprId, rest: &[Link]) -> ExprId {
    if let [(operator, operand)] = *rest {
        return binop(builder, operator, first, operand);
    }
    let mut waiting: Vec<(ExprId, Infix)> = Vec::new();
    let mut right = first;
    for &(operator, operand) in rest {
        let (level, side) = operator.level();
        while let Some(&(left, before)) = waiting.last() {
            let (level_before, _) = before.level();
            if level_before < level || (level_before == level && side == Side::Right) {
                break;
            }
            if level_before == level && side == Side::Neither {
                builder.comparison_chain(left, right, operand);
            }
            right = binop(builder, before, left, right);
            waiting.pop();
        }
        waiting.push((right, operator));
        right = operand;
    }
    while let Some((left, operator)) = waiting.pop() {
        right = binop(builder, operator, left, right);
    }
    right
}

fn binop(builder: &mut Builder, operator: Infix, left: ExprId, right: ExprId) -> ExprId {
    let (start, end) = (builder.range(left).0, builder.range(right).1);
    builder.expr(Node::Binop(operator, left, right), start, end)
}
