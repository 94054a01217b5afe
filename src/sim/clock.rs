//! Clocks that are wrong: ahead of the simulator's time or behind it, and too fast or too slow.

/// One node's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// How many milliseconds it is ahead.
    pub(crate) ahead_ms: i64,
    /// How many microseconds it gains in a second.
    pub(crate) drift: i64,
}

impl Clock {
    /// What it shows at a time. It shows nothing below 0.
    pub(crate) fn shows(self, now_ms: u64) -> u64 {
        let now = i128::from(now_ms);
        let shown = now + i128::from(self.ahead_ms) + now * i128::from(self.drift) / 1_000_000;
        u64::try_from(shown.max(0)).unwrap_or(u64::MAX)
    }

    /// The first time, not before `from_ms`, at which it shows `shown_ms` or more.
    pub(crate) fn when(self, shown_ms: u64, from_ms: u64) -> u64 {
        if self.shows(from_ms) >= shown_ms {
            return from_ms;
        }
        let (ahead, rate) = (i128::from(self.ahead_ms), 1_000_000 + i128::from(self.drift).max(-900_000));
        let guess = (i128::from(shown_ms) - ahead) * 1_000_000 / rate;
        let mut at = u64::try_from(guess.max(0)).unwrap_or(u64::MAX).max(from_ms);
        // Rounding makes the guess wrong by a little.
        while at > from_ms && self.shows(at - 1) >= shown_ms {
            at -= 1;
        }
        while self.shows(at) < shown_ms && at < u64::MAX {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_goes_off_when_the_clock_shows_its_time_and_not_before() {
        for clock in [(0, 0), (-500, 0), (500, 200), (-3, -100_000), (70, 150_000)] {
            let clock = Clock { ahead_ms: clock.0, drift: clock.1 };
            for shown in (0..5000).step_by(7) {
                let at = clock.when(shown, 100);
                assert!(clock.shows(at) >= shown, "{clock:?} {shown}");
                assert!(at == 100 || clock.shows(at - 1) < shown, "{clock:?} {shown}");
            }
        }
    }
}
