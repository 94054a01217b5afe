//! E06 network, identity, peers; E08 files and usage.

use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[];
