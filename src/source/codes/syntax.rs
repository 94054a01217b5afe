//! E01: the text does not parse.

use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[];
