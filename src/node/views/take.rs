//! One view that is taken: a state machine that knows neither the engine nor the network.

use std::collections::BTreeMap;

use crate::node::views::give::Stamp;
use crate::node::views::wire::CONTENTS_MAX;
use crate::node::views::wire::SEEN_MAX;
use crate::node::views::wire::Step;
use crate::node::views::wire::WINDOW;
use crate::node::views::wire::Word;
use crate::replica::Claims;
use crate::replica::PeerId;
use crate::value::content::Content;

/// Milliseconds after which a view is asked for again that does not come, and when the producer has said to wait.
const AGAIN_MS: u64 = 500;
const WAIT_MS: u64 = 2_000;
/// Milliseconds between two reminders of a producer.
const REMIND_MS: u64 = 5_000;
/// Milliseconds for which a view stays as it was after which that is told.
const TELL_MS: u64 = 3_000;

/// A view whose step has come whole.
pub(super) struct Arrived {
    /// Whether what came is all there is.
    pub(super) whole: bool,
    pub(super) came: Vec<Content>,
    pub(super) went: Vec<Content>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Taking {
    /// From whom, and by which session.
    pub(super) from: Option<(PeerId, u64)>,
    /// Whether its first step has come, so that it follows what its producer has.
    pub(super) live: bool,
    /// What has been shown comes from these; `None` before there was anything.
    pub(super) stamp: Option<Stamp>,
    /// Whether the next producer's view is taken whatever it comes from.
    pub(super) any: bool,
    number: u64,
    parts: BTreeMap<u32, Step>,
    staged: usize,
    ask_at: Option<u64>,
    /// Who has said that it cannot give the view, and when.
    cannot: BTreeMap<PeerId, u64>,
    /// When the producer is next told that its view is taken: it says so if it has forgotten.
    remind_at: Option<u64>,
    /// Since when an old view stays as it was: nobody has given a newer one.
    stuck_since: Option<u64>,
    stuck_told: bool,
}

impl Taking {
    /// Turns to a producer, or to nobody.
    pub(super) fn turn_to(&mut self, producer: Option<(PeerId, u64)>, now_ms: u64) {
        self.from = producer;
        self.live = false;
        self.number = 0;
        self.parts.clear();
        self.staged = 0;
        self.ask_at = producer.map(|_| now_ms);
        self.remind_at = None;
        if self.stamp.is_some() && self.stuck_since.is_none() {
            self.stuck_since = Some(now_ms);
        }
    }

    /// The question that is due, with contents of this digest in hand.
    pub(super) fn ask(&mut self, digest: impl FnOnce() -> [u8; 16], now_ms: u64) -> Option<(u64, Claims, [u8; 16])> {
        let (_, session) = self.from?;
        self.ask_at.filter(|at| *at <= now_ms)?;
        self.ask_at = Some(now_ms + AGAIN_MS);
        let seen = self.stamp.iter().filter(|_| !self.any).flatten().map(|(lane, height)| (*lane, *height));
        Some((session, Claims(seen.take(SEEN_MAX).collect()), digest()))
    }

    /// What reminds the producer, when that is due.
    pub(super) fn remind(&mut self, now_ms: u64) -> Option<Word> {
        let (_, session) = self.from?;
        self.remind_at.filter(|at| *at <= now_ms)?;
        self.remind_at = Some(now_ms + REMIND_MS);
        Some(Word::Seen { session, number: self.number, parts: u32::MAX })
    }

    /// A producer has said that it cannot give the view. For a while others are asked, if there are any.
    pub(super) fn refused(&mut self, by: PeerId, now_ms: u64) {
        self.cannot.retain(|_, at| *at + WAIT_MS > now_ms);
        self.cannot.insert(by, now_ms);
    }

    /// Whether a producer has said just now that it cannot give the view.
    pub(super) fn cannot(&self, peer: PeerId, now_ms: u64) -> bool {
        self.cannot.get(&peer).is_some_and(|at| *at + WAIT_MS > now_ms)
    }

    /// The producer has said to wait, and no other is to be asked.
    pub(super) fn wait(&mut self, now_ms: u64) {
        if !self.live {
            self.ask_at = Some(now_ms + WAIT_MS);
        }
    }

    /// A part has come. Gives the answer, and the step if that is whole now; `None` for too much, or for parts that do not belong together.
    pub(super) fn part(&mut self, step: Step, now_ms: u64) -> Option<(Word, Option<Arrived>)> {
        let (session, number) = (step.session, step.number);
        (self.ask_at, self.remind_at) = (None, Some(now_ms + REMIND_MS));
        if number <= self.number {
            return Some((Word::Seen { session, number, parts: u32::MAX }, None));
        }
        let next = self.next_part();
        if number == self.number + 1 && step.part >= next && step.part < next.saturating_add(2 * WINDOW) {
            let same =
                self.parts.values().next().is_none_or(|other| other.parts == step.parts && other.whole == step.whole);
            if !same {
                return None;
            }
            self.staged += step.came.len() + step.went.len();
            if let Some(twice) = self.parts.insert(step.part, step) {
                self.staged -= twice.came.len() + twice.went.len();
            }
        }
        if self.staged > CONTENTS_MAX {
            return None;
        }
        let next = self.next_part();
        let whole = self.parts.values().next().is_some_and(|any| any.parts == next);
        Some((Word::Seen { session, number, parts: next }, whole.then(|| self.complete())))
    }

    fn next_part(&self) -> u32 {
        let run = (0..).zip(self.parts.keys()).take_while(|(at, part)| at == *part).count();
        u32::try_from(run).unwrap_or(u32::MAX)
    }

    fn complete(&mut self) -> Arrived {
        let mut arrived = Arrived { whole: false, came: Vec::new(), went: Vec::new() };
        let mut stamp = if self.live { self.stamp.take().unwrap_or_default() } else { Stamp::new() };
        for (_, step) in std::mem::take(&mut self.parts) {
            arrived.whole = step.whole;
            stamp.extend(step.stamp.0);
            arrived.came.extend(step.came.0);
            arrived.went.extend(step.went.0);
        }
        self.stamp = Some(stamp);
        self.number += 1;
        self.staged = 0;
        (self.live, self.any) = (true, false);
        (self.stuck_since, self.stuck_told) = (None, false);
        arrived
    }

    /// Whether it is to be told now that the view stays as it was.
    pub(super) fn tell_stuck(&mut self, now_ms: u64) -> bool {
        let due = self.stuck_since.is_some_and(|since| since + TELL_MS <= now_ms);
        due && !std::mem::replace(&mut self.stuck_told, true)
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        let stuck = self.stuck_since.filter(|_| !self.stuck_told).map(|since| since + TELL_MS);
        self.ask_at.into_iter().chain(self.remind_at).chain(stuck).min()
    }
}
