//! E03: variables, operations, thresholds, dataflow.

use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[];
