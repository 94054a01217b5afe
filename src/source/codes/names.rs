//! E02: names and arities.

use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[];
