//! The operators of the tree as those of the machine.

use crate::check::core::Binary;
use crate::check::core::Expr;
use crate::check::core::Node;
use crate::check::core::Unary;
use crate::value::term::Term;
use crate::vm::code::Logic;
use crate::vm::number;
use crate::vm::number::Arithmetic;
use crate::vm::number::Comparison;

pub(super) fn comparison(binary: Binary) -> Option<Comparison> {
    Some(match binary {
        Binary::Equal => Comparison::Equal,
        Binary::NotEqual => Comparison::NotEqual,
        Binary::ExactlyEqual => Comparison::ExactlyEqual,
        Binary::ExactlyNotEqual => Comparison::ExactlyNotEqual,
        Binary::Less => Comparison::Less,
        Binary::LessOrEqual => Comparison::LessOrEqual,
        Binary::Greater => Comparison::Greater,
        Binary::GreaterOrEqual => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

pub(super) fn arithmetic(binary: Binary) -> Option<Arithmetic> {
    Some(match binary {
        Binary::Add => Arithmetic::Add,
        Binary::Subtract => Arithmetic::Subtract,
        Binary::Multiply => Arithmetic::Multiply,
        Binary::Divide => Arithmetic::Divide,
        Binary::Div => Arithmetic::Div,
        Binary::Rem => Arithmetic::Rem,
        Binary::BitAnd => Arithmetic::BitAnd,
        Binary::BitOr => Arithmetic::BitOr,
        Binary::BitXor => Arithmetic::BitXor,
        Binary::ShiftLeft => Arithmetic::ShiftLeft,
        Binary::ShiftRight => Arithmetic::ShiftRight,
        _ => return None,
    })
}

pub(super) fn logic(binary: Binary) -> Option<Logic> {
    match binary {
        Binary::And => Some(Logic::And),
        Binary::Or => Some(Logic::Or),
        Binary::Xor => Some(Logic::Xor),
        _ => None,
    }
}

pub(super) fn unary(unary: Unary) -> number::Unary {
    match unary {
        Unary::Negate => number::Unary::Negate,
        Unary::Plus => number::Unary::Plus,
        Unary::Not => number::Unary::Not,
        Unary::BitNot => number::Unary::BitNot,
    }
}

/// The value of a literal that fits into an operation.
pub(super) fn small(operand: &Expr) -> Option<i32> {
    match &operand.node {
        Node::Literal(Term::Int(value)) => i32::try_from(*value).ok(),
        _ => None,
    }
}
