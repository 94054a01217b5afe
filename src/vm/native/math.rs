//! `math`: functions of floats. By `libm` (`exp` apart, see there), and not by the platform's own library: derived values have to be the same to
//! the last bit on every node.

use crate::value::term::Term;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::number;

pub(super) const NATIVES: Table = &[
    ("pi", 0, |_| give(std::f64::consts::PI)),
    ("tau", 0, |_| give(std::f64::consts::TAU)),
    // These three are exact everywhere.
    ("sqrt", 1, |a| of(a, f64::sqrt)),
    ("floor", 1, |a| of(a, f64::floor)),
    ("ceil", 1, |a| of(a, f64::ceil)),
    ("pow", 2, |a| give(libm::pow(float(&a[0])?, float(&a[1])?))),
    ("exp", 1, |a| of(a, exp)),
    ("log", 1, |a| of(a, libm::log)),
    ("log2", 1, |a| of(a, libm::log2)),
    ("log10", 1, |a| of(a, libm::log10)),
    ("sin", 1, |a| of(a, libm::sin)),
    ("cos", 1, |a| of(a, libm::cos)),
    ("tan", 1, |a| of(a, libm::tan)),
    ("asin", 1, |a| of(a, libm::asin)),
    ("acos", 1, |a| of(a, libm::acos)),
    ("atan", 1, |a| of(a, libm::atan)),
    ("atan2", 2, |a| give(libm::atan2(float(&a[0])?, float(&a[1])?))),
    ("sinh", 1, |a| of(a, libm::sinh)),
    ("cosh", 1, |a| of(a, libm::cosh)),
    ("tanh", 1, |a| of(a, libm::tanh)),
    ("asinh", 1, |a| of(a, libm::asinh)),
    ("acosh", 1, |a| of(a, libm::acosh)),
    ("atanh", 1, |a| of(a, libm::atanh)),
    ("erf", 1, |a| of(a, libm::erf)),
    ("erfc", 1, |a| of(a, libm::erfc)),
    ("fmod", 2, |a| give(libm::fmod(float(&a[0])?, float(&a[1])?))),
];

/// e to the power of `x`, to little more than half a unit in the last place; `libm`'s is off by one for 1 already.
///
/// With k the nearest integer to x / ln 2 and r what is left, it is 2^k times the series of r, of which the first two terms
/// are added exactly. The constants are the two halves of ln 2 as in FreeBSD's `e_exp.c`.
fn exp(x: f64) -> f64 {
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    if !(-746.0..=710.0).contains(&x) {
        return libm::exp(x);
    }
    let k = (x * std::f64::consts::LOG2_E).round();
    let (high, low) = (x - k * LN_2_HIGH, k * LN_2_LOW);
    let r = high - low;
    let lost = (high - r) - low;
    let series = (2..=17).rev().fold(0.0, |sum, n| (1.0 + r * sum) / f64::from(n));
    let one_and_r = 1.0 + r;
    let rounded_off = (1.0 - one_and_r) + r;
    let value = one_and_r + (rounded_off + (r * r * series + lost * one_and_r));
    #[expect(clippy::cast_possible_truncation, reason = "an integer of at most 1,077")]
    libm::ldexp(value, k as i32)
}

fn float(term: &Term) -> Result<f64, Refusal> {
    number::to_float(term).ok_or(Refusal::Why("a number within the range of floats is needed"))
}

fn of(arguments: &[Term], function: fn(f64) -> f64) -> Answer {
    give(function(float(&arguments[0])?))
}

fn give(value: f64) -> Answer {
    let why = if value.is_nan() {
        "the function has no value there"
    } else {
        "the result is infinite, or beyond the largest float, 1.8e308"
    };
    Term::float(value).ok_or(Refusal::Why(why))
}
