//! Exact sums of integers and floats: the order of the summands cannot show, since rounding happens once, on reading.

use num_bigint::BigInt;

/// A sum. Zero by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Sum {
    /// The integers.
    whole: BigInt,
    /// The floats, in units of 2^-1074, in which every float is an integer.
    scaled: BigInt,
    /// How many floats are in the sum; while there is one, the sum reads as a float.
    floats: i64,
}
