//! How many payloads are kept for those who ask again, of all topics together.

use std::collections::VecDeque;

use crate::overlay::Settings;

/// See the module.
#[derive(Default)]
pub(super) struct Kept {
    /// Until when, and how many bytes.
    each: VecDeque<(u64, usize)>,
    bytes: usize,
}

impl Kept {
    /// Whether another payload can be kept; it counts from then on.
    pub(super) fn takes(&mut self, bytes: usize, settings: &Settings, now: u64) -> bool {
        while let Some(&(until, bytes)) = self.each.front()
            && until <= now
        {
            self.each.pop_front();
            self.bytes -= bytes;
        }
        if self.bytes + bytes > settings.kept_bytes_max {
            return false;
        }
        self.bytes += bytes;
        // They are looked at in intervals as long as they are kept.
        self.each.push_back((now + 2 * settings.kept_ms, bytes));
        true
    }
}
