//! One view that is given to one peer: a state machine that knows neither the engine nor the replica.
//!
//! One step is under way at a time, in parts, and sent again until it has come; what changes meanwhile is the next step. So a
//! peer that is slow costs the difference, not a queue.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::lattice::dot::Lane;
use crate::node::views::wire;
use crate::node::views::wire::Part;
use crate::node::views::wire::Step;
use crate::node::views::wire::WINDOW;
use crate::node::views::wire::Word;
use crate::replica::Claims;
use crate::value::content::Content;

/// Milliseconds after which what is not acknowledged is sent again; doubled each time, up to so many.
const AGAIN_MS: u64 = 500;
const AGAIN_MS_MAX: u64 = 16_000;

/// How many lanes of a stamp go with contents.
const STAMP_LANES: usize = 1 << 9;

/// The updates that a view comes from.
pub(super) type Stamp = BTreeMap<Lane, u64>;

/// See the module.
pub(super) struct Giving {
    session: u64,
    /// What the peer had been shown when it asked; until this node has that, it waits.
    pub(super) seen: Option<Claims>,
    /// Whether what is given is what this node derives itself, rather than a view that it takes.
    held: bool,
    digest: [u8; 16],
    /// What the peer has been told of the stamp.
    told: Stamp,
    /// What has come (more than 0) and gone since the step under way.
    pending: BTreeMap<Content, i32>,
    number: u64,
    flight: Option<Flight>,
}

/// A step under way.
struct Flight {
    parts: Vec<Vec<u8>>,
    sent: u32,
    arrived: u32,
    again_at: u64,
    pause_ms: u64,
}

impl Giving {
    pub(super) fn new(session: u64, seen: Claims, digest: [u8; 16]) -> Giving {
        Giving {
            session,
            seen: Some(seen),
            held: false,
            digest,
            told: Stamp::new(),
            pending: BTreeMap::new(),
            number: 0,
            flight: None,
        }
    }

    /// Whether what is given is what this node derives itself; `None` before anything is.
    pub(super) fn begun(&self) -> Option<bool> {
        self.seen.is_none().then_some(self.held)
    }

    /// Begins to give: all there is, unless the peer has that. Says how many contents could not be sent.
    pub(super) fn begin(&mut self, contents: BTreeSet<Content>, held: bool, stamp: Stamp, now_ms: u64) -> usize {
        (self.seen, self.held) = (None, held);
        let whole = wire::digest(contents.iter()) != self.digest;
        let came = if whole { contents.into_iter().collect() } else { Vec::new() };
        self.fly(whole, came, Vec::new(), stamp, now_ms)
    }

    /// The view has changed.
    pub(super) fn note(&mut self, came: &[Content], went: &[Content]) {
        if self.seen.is_some() {
            return;
        }
        for (contents, by) in [(came, 1), (went, -1)] {
            for content in contents {
                let turns = self.pending.entry(content.clone()).or_insert(0);
                *turns += by;
                if *turns == 0 {
                    self.pending.remove(content);
                }
            }
        }
    }

    /// Whether a step can be made of what has changed.
    pub(super) fn is_due(&self) -> bool {
        self.flight.is_none() && !self.pending.is_empty()
    }

    /// Whether the peer has all that there is.
    pub(super) fn is_settled(&self) -> bool {
        self.seen.is_none() && self.flight.is_none() && self.pending.is_empty()
    }

    /// Makes a step of what has changed. Says how many contents could not be sent.
    pub(super) fn step(&mut self, stamp: Stamp, now_ms: u64) -> usize {
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for (content, turns) in std::mem::take(&mut self.pending) {
            if turns > 0 { came.push(content) } else { went.push(content) }
        }
        self.fly(false, came, went, stamp, now_ms)
    }

    fn fly(&mut self, whole: bool, came: Vec<Content>, went: Vec<Content>, stamp: Stamp, now_ms: u64) -> usize {
        self.number += 1;
        let grown = stamp.iter().filter(|(lane, height)| self.told.get(lane) != Some(height));
        let grown: Vec<(Lane, u64)> = grown.map(|(lane, height)| (*lane, *height)).collect();
        self.told = stamp;
        let (mut parts, left_out) = wire::parts(came, went);
        // A long stamp has parts of its own, so that no part is too large to be sent.
        let mut stamps: Vec<Vec<(Lane, u64)>> = grown.chunks(STAMP_LANES).map(<[(Lane, u64)]>::to_vec).collect();
        if stamps.len() > 1 {
            parts.splice(0..0, stamps.iter().map(|_| (Vec::new(), Vec::new())));
        }
        stamps.resize(parts.len(), Vec::new());
        let (session, number) = (self.session, self.number);
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let word = |((part, (came, went)), stamp): ((u32, Part), Vec<(Lane, u64)>)| {
            let (stamp, came, went) = (Claims(stamp), came.into(), went.into());
            let step = Step { session, number, part, parts: count, whole, stamp, came, went };
            wire::encode(&Word::Step(Box::new(step)))
        };
        let parts: Vec<Vec<u8>> = (0..).zip(parts).zip(stamps).map(word).collect();
        self.flight = Some(Flight { parts, sent: 0, arrived: 0, again_at: now_ms + AGAIN_MS, pause_ms: AGAIN_MS });
        left_out
    }

    /// So many parts of a step have come.
    pub(super) fn arrived(&mut self, number: u64, parts: u32, now_ms: u64) {
        let Some(flight) = self.flight.as_mut().filter(|_| number == self.number) else { return };
        if parts > flight.arrived {
            flight.arrived = parts;
            (flight.again_at, flight.pause_ms) = (now_ms + AGAIN_MS, AGAIN_MS);
        }
        if usize::try_from(flight.arrived).is_ok_and(|arrived| arrived >= flight.parts.len()) {
            self.flight = None;
        }
    }

    /// What is to be sent now.
    pub(super) fn send(&mut self, now_ms: u64) -> Vec<Vec<u8>> {
        let Some(flight) = &mut self.flight else { return Vec::new() };
        if flight.again_at <= now_ms {
            flight.pause_ms = (2 * flight.pause_ms).min(AGAIN_MS_MAX);
            flight.again_at = now_ms + flight.pause_ms;
            flight.sent = flight.arrived;
        }
        let from = flight.sent.max(flight.arrived);
        let to = flight.arrived.saturating_add(WINDOW).min(u32::try_from(flight.parts.len()).unwrap_or(u32::MAX));
        flight.sent = from.max(to);
        let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        flight.parts.get(place(from)..place(to)).unwrap_or_default().to_vec()
    }

    /// The peer is heard of again after a silence: what it has not answered may have been lost in that, and is sent again.
    pub(super) fn heard_again(&mut self, now_ms: u64) {
        if let Some(flight) = &mut self.flight {
            flight.again_at = flight.again_at.min(now_ms);
            flight.pause_ms = AGAIN_MS / 2;
        }
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        self.flight.as_ref().map(|flight| flight.again_at)
    }
}
