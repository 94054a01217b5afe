//! Who was turned away, and how often that is told: at once, and from then on with a count and in pauses that grow, so that nobody
//! fills a log from outside.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Whoever it is, it is told once in this time at most.
const QUIET: Duration = Duration::from_secs(1);
/// The first pause after one was told, and the longest.
const PAUSE_MIN: Duration = Duration::from_mins(1);
const PAUSE_MAX: Duration = Duration::from_hours(1);
/// The most of them that are remembered.
const KNOWN_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    known: BTreeMap<(SocketAddr, &'static str), Known>,
    quiet_until: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    /// How often since it was told.
    times: u64,
    last: Instant,
    /// When it may be told again.
    next: Instant,
    pause: Duration,
}

impl Strangers {
    /// Somebody was turned away. If that is to be told now, how often it has happened since it was told last.
    pub(super) fn came(&mut self, from: SocketAddr, code: &'static str, now: Instant) -> Option<u64> {
        // Who starts anew comes from another port; on this machine the port is all that tells one from another.
        let port = if from.ip().is_loopback() { from.port() } else { 0 };
        let who = (SocketAddr::new(from.ip(), port), code);
        // One who has not come for longer than it was not told of has gone meanwhile.
        self.known.retain(|_, known| now < known.last + 2 * known.pause);
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&who) {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.last).map(|(who, _)| *who);
            oldest.and_then(|oldest| self.known.remove(&oldest));
        }
        let known = self.known.entry(who).or_insert(Known { times: 0, last: now, next: now, pause: PAUSE_MIN / 2 });
        (known.times, known.last) = (known.times + 1, now);
        if now < known.next || self.quiet_until.is_some_and(|until| now < until) {
            return None;
        }
        self.quiet_until = Some(now + QUIET);
        known.pause = (2 * known.pause).min(PAUSE_MAX);
        known.next = now + known.pause;
        Some(std::mem::take(&mut known.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_again_and_again_is_told_at_once_and_then_with_a_count_ever_less_often() {
        let mut strangers = Strangers::default();
        let start = Instant::now();
        let from: SocketAddr = "192.0.2.1:7001".parse().expect("an address");
        let told: Vec<(u64, u64)> = (0..3600)
            .step_by(2)
            .filter_map(|second| {
                let again = SocketAddr::new(from.ip(), 1000 + u16::try_from(second).expect("few"));
                let times = strangers.came(again, "E0607", start + Duration::from_secs(second))?;
                Some((second, times))
            })
            .collect();
        assert_eq!(told, [(0, 1), (60, 30), (180, 60), (420, 120), (900, 240), (1860, 480)]);
        let later = start + Duration::from_hours(3);
        assert_eq!(strangers.came(from, "E0618", later), Some(1), "another reason is told at once");
        assert_eq!(strangers.came(from, "E0607", later), None, "a second has not passed");
        assert_eq!(strangers.came(from, "E0607", later + QUIET), Some(2));
    }

    #[test]
    fn many_strangers_take_a_bounded_room() {
        let mut strangers = Strangers::default();
        let start = Instant::now();
        for number in 0..2000u16 {
            let from = SocketAddr::from(([127, 0, 0, 1], number));
            strangers.came(from, "E0607", start + Duration::from_millis(u64::from(number)));
        }
        assert_eq!(strangers.known.len(), KNOWN_MAX);
    }
}
