//! Exact sums of integers and floats: the order of the summands cannot show, since rounding happens once, on reading.
//!
//! Floats are kept in fixed point, in units of 2^-1074, in which every finite float is an integer (the idea of Kulisch's
//! accumulator, with a big integer for the register). Integers have a path of their own that allocates nothing while they
//! fit 64 bits. Knows no term and no counter.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_bigint::Sign;
use num_traits::ToPrimitive;
use num_traits::Zero;

/// The most bytes of the integers' sum that a decoder accepts: those of the largest integer of the language, 4 Mbit.
const WHOLE_BYTES_MAX: usize = 1 << 19;
/// The most floats in one sum that a decoder accepts: one for each update that a replica can make.
const FLOATS_MAX: u64 = 1 << 40;
/// The most bytes of the floats' sum: 2098 bits for one float, and room for 2^63 of them.
const SCALED_BYTES_MAX: usize = 272;

/// A sum. Zero by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Sum {
    /// The integers.
    whole: Whole,
    /// The floats; present while there is at least one, and then the sum reads as a float.
    floats: Option<Box<Floats>>,
}

/// An integer, big only where it does not fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Whole {
    Small(i64),
    Big(Box<BigInt>),
}

impl Default for Whole {
    fn default() -> Whole {
        Whole::Small(0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Floats {
    /// In units of 2^-1074.
    scaled: BigInt,
    /// How many floats are in the sum; at least one.
    count: u64,
}

/// What a sum reads as.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    /// There are integers only.
    Whole(BigInt),
    /// There is a float: the exact total, rounded to the nearest (ties to even), and to the greatest finite float where it
    /// lies beyond that.
    Float(f64),
}

/// As it travels.
#[derive(serde::Serialize, serde::Deserialize)]
struct Wire {
    whole: Vec<u8>,
    scaled: Vec<u8>,
    floats: u64,
}

impl Sum {
    /// The sum of one integer.
    #[must_use]
    pub fn small(value: i64) -> Sum {
        Sum { whole: Whole::Small(value), floats: None }
    }

    /// The sum of one integer of any size.
    #[must_use]
    pub fn big(value: BigInt) -> Sum {
        Sum { whole: Whole::of(value), floats: None }
    }

    /// The sum of one float; `None` when it is not finite.
    #[must_use]
    pub fn float(value: f64) -> Option<Sum> {
        value
            .is_finite()
            .then(|| Sum { whole: Whole::default(), floats: Some(Box::new(Floats { scaled: scale(value), count: 1 })) })
    }

    /// Whether nothing is in it: zero, and no float.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole == Whole::Small(0) && self.floats.is_none()
    }

    /// Whether it is small enough to be sent: a decoder elsewhere accepts it.
    #[must_use]
    pub fn fits(&self) -> bool {
        let whole = match &self.whole {
            Whole::Small(_) => true,
            Whole::Big(value) => value.bits() / 8 < WHOLE_BYTES_MAX as u64,
        };
        whole && self.floats.as_ref().is_none_or(|floats| floats.count <= FLOATS_MAX)
    }

    /// How the total compares with zero, before any rounding.
    #[must_use]
    pub fn sign(&self) -> Ordering {
        let sign = match &self.floats {
            None => self.whole.sign(),
            Some(floats) => self.exact(&floats.scaled).sign(),
        };
        sign.cmp(&Sign::NoSign)
    }

    /// Whether the total is below zero, before any rounding.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.sign().is_lt()
    }

    /// Whether a float is in it, so that it is rounded when it is read.
    #[must_use]
    pub fn is_float(&self) -> bool {
        self.floats.is_some()
    }

    /// The same with the opposite sign; as many floats.
    #[must_use]
    pub fn negated(&self) -> Sum {
        let whole = Whole::default().minus(&self.whole);
        let floats = self.floats.as_ref().map(|f| Box::new(Floats { scaled: -&f.scaled, count: f.count }));
        Sum { whole, floats }
    }

    /// Adds all that is in `other`.
    pub fn add(&mut self, other: &Sum) {
        self.whole = self.whole.plus(&other.whole);
        let Some(more) = &other.floats else { return };
        match &mut self.floats {
            None => self.floats = Some(more.clone()),
            Some(floats) => {
                floats.scaled += &more.scaled;
                floats.count = floats.count.saturating_add(more.count);
            }
        }
    }

    /// Takes back what was added before: afterwards the sum is as if it had never been.
    pub fn withdraw(&mut self, other: &Sum) {
        self.whole = self.whole.minus(&other.whole);
        let Some(less) = &other.floats else { return };
        let Some(floats) = &mut self.floats else { return };
        floats.scaled -= &less.scaled;
        floats.count = floats.count.saturating_sub(less.count);
        if floats.count == 0 {
            self.floats = None;
        }
    }

    /// The total.
    #[must_use]
    pub fn read(&self) -> Total {
        match &self.floats {
            None => Total::Whole(self.whole.to_big()),
            Some(floats) => Total::Float(round(&self.exact(&floats.scaled))),
        }
    }

    /// The total, where it is an integer of 64 bits.
    #[must_use]
    pub fn read_small(&self) -> Option<i64> {
        match (&self.whole, &self.floats) {
            (Whole::Small(value), None) => Some(*value),
            _ => None,
        }
    }

    /// The total in units of 2^-1074.
    fn exact(&self, scaled: &BigInt) -> BigInt {
        (self.whole.to_big() << 1074u32) + scaled
    }
}

impl Whole {
    fn of(value: BigInt) -> Whole {
        value.to_i64().map_or_else(|| Whole::Big(Box::new(value)), Whole::Small)
    }

    fn to_big(&self) -> BigInt {
        match self {
            Whole::Small(value) => BigInt::from(*value),
            Whole::Big(value) => BigInt::clone(value),
        }
    }

    fn sign(&self) -> Sign {
        match self {
            Whole::Small(value) => BigInt::from(value.signum()).sign(),
            Whole::Big(value) => value.sign(),
        }
    }

    fn plus(&self, other: &Whole) -> Whole {
        if let (Whole::Small(a), Whole::Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Whole::Small(sum);
        }
        Whole::of(self.to_big() + other.to_big())
    }

    fn minus(&self, other: &Whole) -> Whole {
        if let (Whole::Small(a), Whole::Small(b)) = (self, other)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Whole::Small(difference);
        }
        Whole::of(self.to_big() - other.to_big())
    }
}

/// A finite float in units of 2^-1074: its 53 bits, shifted by its exponent.
fn scale(value: f64) -> BigInt {
    let bits = value.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    let digits = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let scaled = BigInt::from(digits) << exponent.saturating_sub(1);
    if value.is_sign_negative() { -scaled } else { scaled }
}

/// The float nearest to `scaled` times 2^-1074, ties to even.
///
/// Floats of one sign are ordered as their bit patterns are, so the pattern is `shift * 2^52 + digits`, and a carry out of
/// the digits moves into the exponent by itself.
fn round(scaled: &BigInt) -> f64 {
    let magnitude = scaled.magnitude();
    let shift = magnitude.bits().saturating_sub(53);
    let greatest = f64::MAX.to_bits();
    let pattern = if shift > 2046 {
        greatest
    } else {
        let digits = (magnitude >> shift).to_u64().unwrap_or(u64::MAX >> 11);
        let half_up = shift > 0 && magnitude.bit(shift - 1);
        let beyond_half = half_up && magnitude.trailing_zeros().is_some_and(|zeros| zeros < shift - 1);
        let up = half_up && (beyond_half || digits & 1 == 1);
        ((shift << 52) + digits + u64::from(up)).min(greatest)
    };
    let value = f64::from_bits(pattern);
    if scaled.sign() == Sign::Minus { -value } else { value }
}

impl From<Sum> for Wire {
    fn from(sum: Sum) -> Wire {
        let bytes = |value: &BigInt| if value.is_zero() { Vec::new() } else { value.to_signed_bytes_le() };
        let (scaled, floats) = sum.floats.map_or((Vec::new(), 0), |f| (bytes(&f.scaled), f.count));
        Wire { whole: bytes(&sum.whole.to_big()), scaled, floats }
    }
}

impl TryFrom<Wire> for Sum {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Sum, &'static str> {
        if wire.whole.len() > WHOLE_BYTES_MAX || wire.scaled.len() > SCALED_BYTES_MAX {
            return Err("a sum is larger than any that is written");
        }
        if wire.floats > FLOATS_MAX || wire.floats == 0 && !wire.scaled.is_empty() {
            return Err("a sum's count of floats is not one that is written");
        }
        let whole = Whole::of(BigInt::from_signed_bytes_le(&wire.whole));
        let scaled = BigInt::from_signed_bytes_le(&wire.scaled);
        let floats = (wire.floats > 0).then(|| Box::new(Floats { scaled, count: wire.floats }));
        Ok(Sum { whole, floats })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> Sum {
        Sum::float(value).expect("finite")
    }

    fn total(values: &[f64]) -> Total {
        let mut sum = Sum::default();
        for value in values {
            sum.add(&float(*value));
        }
        sum.read()
    }

    #[test]
    fn one_float_reads_as_itself() {
        for value in [0.0, 1.0, -0.1, f64::MIN_POSITIVE, 5e-324, -5e-324, f64::MAX, f64::MIN, 1e300, 2.5e-310] {
            assert_eq!(total(&[value]), Total::Float(value));
        }
    }

    #[test]
    fn the_order_of_floats_does_not_show() {
        assert_eq!(total(&[1e100, 1.0, -1e100]), Total::Float(1.0));
        assert_eq!(total(&[1.0, 1e100, -1e100]), Total::Float(1.0));
        assert_eq!(total(&[0.1; 10]), Total::Float(1.0));
    }

    #[test]
    fn ties_go_to_even() {
        let step = 2f64.powi(53);
        assert_eq!(total(&[step, 1.0]), Total::Float(step));
        assert_eq!(total(&[step, 1.0, 5e-324]), Total::Float(step + 2.0));
        assert_eq!(total(&[step, 2.0, 1.0]), Total::Float(step + 4.0));
    }

    #[test]
    fn what_lies_beyond_the_floats_reads_as_the_greatest() {
        assert_eq!(total(&[f64::MAX, f64::MAX]), Total::Float(f64::MAX));
        assert_eq!(total(&[f64::MIN, f64::MIN, f64::MAX]), Total::Float(f64::MIN));
    }

    #[test]
    fn withdrawing_leaves_no_trace() {
        let mut sum = Sum::small(7);
        sum.add(&float(0.1));
        sum.add(&Sum::small(i64::MAX));
        assert_eq!(sum.read(), Total::Float(9_223_372_036_854_775_814.1));
        sum.withdraw(&float(0.1));
        sum.withdraw(&Sum::small(i64::MAX));
        assert_eq!(sum, Sum::small(7));
    }

    #[test]
    fn what_is_too_large_to_be_sent_is_known_beforehand() {
        for bits in [(1u64 << 22) - 2, (1 << 22) - 1, 1 << 22] {
            let sum = Sum::big(BigInt::from(1) << bits);
            let bytes = postcard::to_allocvec(&sum).expect("encodes");
            assert_eq!(sum.fits(), postcard::from_bytes::<Sum>(&bytes).is_ok(), "{bits}");
        }
    }

    #[test]
    fn a_sum_survives_its_encoding() {
        let mut sum = Sum::big(BigInt::from(i128::MAX));
        for value in [0.1, -3e200, 5e-324] {
            sum.add(&float(value));
            let bytes = postcard::to_allocvec(&sum).expect("encodes");
            assert_eq!(postcard::from_bytes::<Sum>(&bytes).expect("decodes"), sum);
        }
    }
}
