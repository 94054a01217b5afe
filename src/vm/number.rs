//! Arithmetic as in Erlang: integers of any size within a bound, floats that are always finite.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::Signed;
use num_traits::ToPrimitive;
use num_traits::Zero;

use crate::value::compare;
use crate::value::term::Term;
use crate::vm::INTEGER_BITS_MAX;
use crate::vm::boolean;
use crate::vm::fault::Fault;
use crate::vm::truth;

/// Operators on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Div,
    Rem,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

impl Arithmetic {
    /// As it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Div => "div",
            Arithmetic::Rem => "rem",
            Arithmetic::BitAnd => "band",
            Arithmetic::BitOr => "bor",
            Arithmetic::BitXor => "bxor",
            Arithmetic::ShiftLeft => "bsl",
            Arithmetic::ShiftRight => "bsr",
        }
    }

    /// Whether it takes floats.
    fn takes_floats(self) -> bool {
        matches!(self, Arithmetic::Add | Arithmetic::Subtract | Arithmetic::Multiply | Arithmetic::Divide)
    }
}

/// Operators on one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Unary {
    Negate,
    Plus,
    Not,
    BitNot,
}

impl Unary {
    fn text(self) -> &'static str {
        match self {
            Unary::Negate => "-",
            Unary::Plus => "+",
            Unary::Not => "not",
            Unary::BitNot => "bnot",
        }
    }
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the operator of its name")]
pub enum Comparison {
    Equal,
    NotEqual,
    ExactlyEqual,
    ExactlyNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether two terms in this order satisfy it, for all but the exact ones on mixed numbers.
    #[inline(always)]
    pub(super) fn admits(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal | Comparison::ExactlyEqual => order.is_eq(),
            Comparison::NotEqual | Comparison::ExactlyNotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }

    /// Whether it holds between two terms.
    #[inline]
    #[must_use]
    pub fn holds(self, left: &Term, right: &Term) -> bool {
        match (left, right) {
            (Term::Int(left), Term::Int(right)) => self.admits(left.cmp(right)),
            _ => self.holds_slowly(left, right),
        }
    }

    fn holds_slowly(self, left: &Term, right: &Term) -> bool {
        match self {
            Comparison::ExactlyEqual => left == right,
            Comparison::ExactlyNotEqual => left != right,
            _ => self.admits(compare(left, right)),
        }
    }
}

/// `left operator right`.
///
/// # Errors
/// When an operand is no number that the operator takes, on division by zero, and when the result is out of bounds.
#[inline(never)]
pub fn arithmetic(operator: Arithmetic, left: &Term, right: &Term) -> Result<Term, Box<Fault>> {
    if let (Term::Int(a), Term::Int(b)) = (left, right)
        && let Some(result) = small(operator, *a, *b)
    {
        return Ok(Term::Int(result));
    }
    let refuse =
        || Box::new(Fault::Operands { operator: operator.text(), left: Some(left.clone()), right: right.clone() });
    if operator == Arithmetic::Divide || matches!(left, Term::Float(_)) || matches!(right, Term::Float(_)) {
        if !operator.takes_floats() || !left.is_number() || !right.is_number() {
            return Err(refuse());
        }
        return float(operator, left, right);
    }
    match (whole(left), whole(right)) {
        (Some(a), Some(b)) => big(operator, &a, &b, left),
        _ => Err(refuse()),
    }
}

/// The result where it is an integer that fits 64 bits and needs no care.
#[inline(always)]
pub(super) fn small(operator: Arithmetic, a: i64, b: i64) -> Option<i64> {
    match operator {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Div => a.checked_div(b),
        Arithmetic::Rem => a.checked_rem(b),
        Arithmetic::BitAnd => Some(a & b),
        Arithmetic::BitOr => Some(a | b),
        Arithmetic::BitXor => Some(a ^ b),
        Arithmetic::Divide | Arithmetic::ShiftLeft | Arithmetic::ShiftRight => None,
    }
}

/// An integer of any size; `None` for what is not one.
pub(super) fn whole(term: &Term) -> Option<Cow<'_, BigInt>> {
    match term {
        Term::Int(value) => Some(Cow::Owned(BigInt::from(*value))),
        Term::Big(value) => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

/// The float nearest to a number; `None` for what is not a number or beyond the largest float.
#[must_use]
pub fn to_float(term: &Term) -> Option<f64> {
    match term {
        #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
        Term::Int(value) => Some(*value as f64),
        Term::Big(value) => value.to_f64().filter(|value| value.is_finite()),
        Term::Float(value) => Some(value.get()),
        _ => None,
    }
}

fn float(operator: Arithmetic, left: &Term, right: &Term) -> Result<Term, Box<Fault>> {
    let too_large = || Box::new(Fault::NumberTooLarge { operator: operator.text() });
    let (Some(a), Some(b)) = (to_float(left), to_float(right)) else { return Err(too_large()) };
    if operator == Arithmetic::Divide && b == 0.0 {
        return Err(Box::new(Fault::DivisionByZero { operator: operator.text(), left: left.clone() }));
    }
    let result = match operator {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        _ => a / b,
    };
    Term::float(result).ok_or_else(too_large)
}

fn big(operator: Arithmetic, a: &BigInt, b: &BigInt, left: &Term) -> Result<Term, Box<Fault>> {
    let too_large = || Box::new(Fault::NumberTooLarge { operator: operator.text() });
    let result = match operator {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply if a.bits() + b.bits() > INTEGER_BITS_MAX + 1 => return Err(too_large()),
        Arithmetic::Multiply => a * b,
        Arithmetic::Div | Arithmetic::Rem | Arithmetic::Divide if b.is_zero() => {
            return Err(Box::new(Fault::DivisionByZero { operator: operator.text(), left: left.clone() }));
        }
        Arithmetic::Div | Arithmetic::Divide => a / b,
        Arithmetic::Rem => a % b,
        Arithmetic::BitAnd => a & b,
        Arithmetic::BitOr => a | b,
        Arithmetic::BitXor => a ^ b,
        Arithmetic::ShiftLeft => shift(a, b).ok_or_else(too_large)?,
        Arithmetic::ShiftRight => shift(a, &-b).ok_or_else(too_large)?,
    };
    if result.bits() > INTEGER_BITS_MAX { Err(too_large()) } else { Ok(Term::big(result)) }
}

/// To the left by `count` bits, or to the right where it is negative; `None` beyond the bound.
fn shift(value: &BigInt, count: &BigInt) -> Option<BigInt> {
    if value.is_zero() {
        return Some(BigInt::zero());
    }
    if count.is_negative() {
        // Beyond the bound nothing is left but the sign.
        let count = (-count).to_u64().unwrap_or(u64::MAX).min(INTEGER_BITS_MAX + 1);
        return Some(value >> count);
    }
    let count = count.to_u64()?;
    (count <= INTEGER_BITS_MAX && value.bits() + count <= INTEGER_BITS_MAX).then(|| value << count)
}

/// `operator operand`.
///
/// # Errors
/// When the operand is not what the operator takes.
pub fn unary(operator: Unary, operand: &Term) -> Result<Term, Box<Fault>> {
    let refuse = || Box::new(Fault::Operands { operator: operator.text(), left: None, right: operand.clone() });
    match (operator, operand) {
        (Unary::Not, _) => truth(operand)
            .map(|value| boolean(!value))
            .ok_or_else(|| Box::new(Fault::NotBoolean { operator: "not", value: operand.clone() })),
        (Unary::Plus, _) if operand.is_number() => Ok(operand.clone()),
        (Unary::Negate, Term::Float(value)) => Term::float(-value.get()).ok_or_else(refuse),
        (Unary::Negate, _) => whole(operand).map(|value| Term::big(-value.into_owned())).ok_or_else(refuse),
        (Unary::BitNot, _) => whole(operand).map(|value| Term::big(-value.into_owned() - 1)).ok_or_else(refuse),
        (Unary::Plus, _) => Err(refuse()),
    }
}
