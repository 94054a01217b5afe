//! E05: run time.

use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[];
