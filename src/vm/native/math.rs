//! `math`: functions of floats. By `libm`, and not by the platform's own library: derived values have to be the same to
//! the last bit on every node.

use crate::value::term::Term;
use crate::vm::native::Answer;
use crate::vm::native::Refusal;
use crate::vm::native::Table;
use crate::vm::number;

pub(super) const NATIVES: Table = &[
    ("pi", 0, |_| give(std::f64::consts::PI)),
    ("sqrt", 1, |a| give(float(&a[0])?.sqrt())),
    ("pow", 2, |a| give(libm::pow(float(&a[0])?, float(&a[1])?))),
    ("exp", 1, |a| give(libm::exp(float(&a[0])?))),
    ("log", 1, |a| give(libm::log(float(&a[0])?))),
    ("log2", 1, |a| give(libm::log2(float(&a[0])?))),
    ("log10", 1, |a| give(libm::log10(float(&a[0])?))),
    ("sin", 1, |a| give(libm::sin(float(&a[0])?))),
    ("cos", 1, |a| give(libm::cos(float(&a[0])?))),
    ("tan", 1, |a| give(libm::tan(float(&a[0])?))),
    ("atan", 1, |a| give(libm::atan(float(&a[0])?))),
    ("atan2", 2, |a| give(libm::atan2(float(&a[0])?, float(&a[1])?))),
    ("floor", 1, |a| give(float(&a[0])?.floor())),
    ("ceil", 1, |a| give(float(&a[0])?.ceil())),
    ("fmod", 2, |a| give(float(&a[0])? % float(&a[1])?)),
];

fn float(term: &Term) -> Result<f64, Refusal> {
    number::to_float(term).ok_or(Refusal::Why("a number within the range of floats is needed"))
}

fn give(value: f64) -> Answer {
    Term::float(value).ok_or(Refusal::Why("the result is not a finite number"))
}
