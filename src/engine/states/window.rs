//! `window`: what the events of late come to, by the timestamps that they carry.
//!
//! All events that are live are kept by timestamp, those that have expired too: a contribution that is withdrawn may let
//! the newest timestamp fall back, and what it had hidden counts again. An own event that has expired goes for good with the
//! next own event. Every event enters and leaves each window once as time goes on, so that it costs a logarithm; in a
//! sliding window it is in as many windows as overlap.

use std::collections::BTreeMap;
use std::ops::Bound;

use num_bigint::BigInt;
use triomphe::Arc;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::engine::change::Support;
use crate::engine::change::Write;
use crate::engine::states::State;
use crate::engine::states::child::Child;
use crate::lattice::dot::Dot;
use crate::value::content::Content;
use crate::value::kind::Window;
use crate::value::map::Map;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A window, or several that slide.
#[derive(Clone)]
pub(in crate::engine) struct WindowState {
    window: Window,
    /// Whether it stands beneath a removable key, where expired events are written too.
    removable: bool,
    /// Everything that speaks for an event, by timestamp, with how often it does.
    events: BTreeMap<Term, BTreeMap<Content, u64>>,
    /// The live entries.
    own: BTreeMap<(Term, Dot), Content>,
    /// What the windows that are shown come to, by their ends; those without an event are left out. Without sliding there
    /// is one, whatever its end.
    shown: BTreeMap<Term, Child>,
    bottom: State,
}

/// The ends of the windows that are shown: the first and the last.
type Ends = Option<(Term, Term)>;

impl WindowState {
    pub(super) fn new(window: &Window, removable: bool) -> WindowState {
        WindowState {
            window: window.clone(),
            removable,
            events: BTreeMap::new(),
            own: BTreeMap::new(),
            shown: BTreeMap::new(),
            bottom: State::bottom(&window.kind, false),
        }
    }

    /// Takes changes in. Elements are told if somebody watches.
    pub(super) fn apply(&mut self, inbox: &mut Inbox, watched: bool) -> Delta {
        let before = (watched).then(|| self.value());
        let (ends, cutoff, newest) = (self.ends(), self.cutoff(self.newest()), self.newest().cloned());
        let changes = self.take(inbox);
        let mut delta = Delta { touched: !changes.is_empty(), ..Delta::default() };
        delta.parts = changes.iter().map(|(time, _, _)| time.clone()).collect();
        let mut inboxes: BTreeMap<Term, Inbox> = BTreeMap::new();
        for (time, content, came) in changes {
            for end in self.ends_of(&time, &ends) {
                let inbox = inboxes.entry(end).or_default();
                if came { inbox.contribute(content.clone()) } else { inbox.withdraw(content.clone()) }
            }
        }
        let now = self.ends();
        delta.changed |= self.window.slide.is_some() && now != ends;
        self.slide(&ends, &now, &mut inboxes);
        for (end, mut inbox) in inboxes {
            delta.changed |= self.apply_to(&end, &mut inbox);
        }
        self.note_expired(cutoff, &mut delta.parts);
        if newest.as_ref() != self.newest() {
            // Which counts as the newest whether it is in a window or not.
            delta.parts.extend(newest.into_iter().chain(self.newest().cloned()));
        }
        delta.parts.sort_unstable();
        delta.parts.dedup();
        if let Some(before) = before.filter(|_| delta.changed) {
            delta.left.push(before);
            delta.entered.push(self.value());
        }
        delta
    }

    /// Takes events in and out, and says which.
    fn take(&mut self, inbox: &mut Inbox) -> Vec<(Term, Content, bool)> {
        let mut changes = Vec::with_capacity(inbox.came.len() + inbox.went.len());
        for Support { dot, content } in inbox.came.drain(..) {
            let Content::Event(event) = content else { continue };
            let (time, content) = Arc::unwrap_or_clone(event);
            if dot.is_none_or(|dot| self.own.insert((time.clone(), dot), content.clone()).is_none()) {
                *self.events.entry(time.clone()).or_default().entry(content.clone()).or_insert(0) += 1;
                changes.push((time, content, true));
            }
        }
        for Support { dot, content } in inbox.went.drain(..) {
            let Content::Event(event) = content else { continue };
            let (time, content) = Arc::unwrap_or_clone(event);
            if dot.is_none_or(|dot| self.own.remove(&(time.clone(), dot)).is_some()) && self.forget(&time, &content) {
                changes.push((time, content, false));
            }
        }
        changes
    }

    fn forget(&mut self, time: &Term, content: &Content) -> bool {
        let Some(at) = self.events.get_mut(time) else { return false };
        match at.get_mut(content) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                at.remove(content);
            }
            None => return false,
        }
        if at.is_empty() {
            self.events.remove(time);
        }
        true
    }

    /// Whether there are several windows, each with its end.
    pub(super) fn slides(&self) -> bool {
        self.window.slide.is_some()
    }

    /// The newest timestamp of an event.
    pub(super) fn newest(&self) -> Option<&Term> {
        self.events.keys().next_back()
    }

    /// The last timestamp that is in no window once `newest` is there.
    fn cutoff(&self, newest: Option<&Term>) -> Option<Term> {
        let span = i128::from(self.window.span);
        newest.map(|newest| match self.window.slide {
            None => later(newest, -span),
            Some((slide, keep)) => {
                later(&end_of(newest, slide), -(i128::from(slide) * i128::from(keep.saturating_sub(1)) + span))
            }
        })
    }

    /// The ends of the windows that are shown now. Without sliding: the newest timestamp.
    fn ends(&self) -> Ends {
        let newest = self.newest()?;
        Some(match self.window.slide {
            None => (newest.clone(), newest.clone()),
            Some((slide, keep)) => {
                let last = end_of(newest, slide);
                (later(&last, -i128::from(slide) * i128::from(keep.saturating_sub(1))), last)
            }
        })
    }

    /// The windows among those with such ends that an event is in, by the key under which they are shown. Without ends: none
    /// is shown yet that would have to be changed.
    fn ends_of(&self, time: &Term, ends: &Ends) -> Vec<Term> {
        let Some((first, last)) = ends else { return Vec::new() };
        let Some((slide, _)) = self.window.slide else {
            let inside = *time > later(last, -i128::from(self.window.span));
            return if inside { vec![PLAIN] } else { Vec::new() };
        };
        let mut end = end_of(time, slide).max(first.clone());
        let beyond = later(time, i128::from(self.window.span));
        let mut found = Vec::new();
        while end <= *last && end < beyond {
            let next = later(&end, i128::from(slide));
            found.push(end);
            end = next;
        }
        found
    }

    /// The windows that are shown are others now: what was in the old ones leaves them, what is in the new ones enters.
    fn slide(&mut self, before: &Ends, now: &Ends, inboxes: &mut BTreeMap<Term, Inbox>) {
        if before == now {
            return;
        }
        if self.window.slide.is_none() {
            self.slide_plain(before, now, inboxes);
            return;
        }
        let shown = |ends: &Ends, end: &Term| ends.as_ref().is_some_and(|(first, last)| first <= end && end <= last);
        inboxes.retain(|end, _| shown(now, end));
        self.shown.retain(|end, _| shown(now, end));
        let Some((first, last)) = now else { return };
        // Windows that were not shown before lie after, or before, those that were.
        let from = match before {
            Some((_, old)) if old < last => first.max(old),
            _ => first,
        };
        let to = match before {
            Some((old, _)) if first < old => last.min(old),
            _ => last,
        };
        let since = later(from, -i128::from(self.window.span));
        for (time, contents) in self.events.range((Bound::Excluded(since), Bound::Included(to.clone()))) {
            let fresh = Some((from.clone(), to.clone()));
            for end in self.ends_of(time, &fresh).into_iter().filter(|end| !shown(before, end)) {
                fill(inboxes.entry(end).or_default(), contents, true);
            }
        }
    }

    /// The one window moves: everything after its beginning is in it.
    fn slide_plain(&mut self, before: &Ends, now: &Ends, inboxes: &mut BTreeMap<Term, Inbox>) {
        let start = |ends: &Ends| ends.as_ref().map(|(_, last)| later(last, -i128::from(self.window.span)));
        let range = |after: Option<Term>, to: Option<Term>| {
            let after = after.map_or(Bound::Unbounded, Bound::Excluded);
            self.events.range((after, to.map_or(Bound::Unbounded, Bound::Included)))
        };
        let inbox = inboxes.entry(PLAIN).or_default();
        match (start(before), start(now)) {
            (None, Some(new)) => range(Some(new), None).for_each(|(_, contents)| fill(inbox, contents, true)),
            (Some(old), Some(new)) if old < new => {
                range(Some(old), Some(new)).for_each(|(_, contents)| fill(inbox, contents, false));
            }
            (Some(old), Some(new)) => {
                range(Some(new), Some(old)).for_each(|(_, contents)| fill(inbox, contents, true));
            }
            (_, None) => {}
        }
    }

    /// Has a window take its changes in; says whether that changed its value.
    fn apply_to(&mut self, end: &Term, inbox: &mut Inbox) -> bool {
        if inbox.is_empty() {
            return false;
        }
        let child = self.shown.entry(end.clone()).or_insert_with(|| Child::bottom(&self.window.kind, false));
        let changed = child.apply(inbox).changed;
        if child.state.is_unsupported() {
            self.shown.remove(end);
        }
        changed
    }

    /// Timestamps whose events have come to count, or no longer do, without being touched.
    fn note_expired(&self, before: Option<Term>, parts: &mut Vec<Term>) {
        let after = self.cutoff(self.newest());
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            let (from, to) = if before < after { (before, after) } else { (after, before) };
            let between = self.events.range((Bound::Excluded(from), Bound::Included(to)));
            parts.extend(between.map(|(time, _)| time.clone()));
        }
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let Op::At(time, op) = op else { return Effect::default() };
        let contents = Op::clone(op).contribution(&self.window.kind).unwrap_or_default();
        if contents.is_empty() {
            return Effect::default();
        }
        let newest = self.own.keys().next_back().map(|(newest, _)| newest);
        if !self.removable && self.cutoff(newest).is_some_and(|cutoff| *time <= cutoff) {
            return Effect::default();
        }
        // Beneath a removable key the newest may go with the key, and what it had hidden counts again: there an event takes
        // out only what it hides itself.
        let newest = newest.filter(|newest| !self.removable && *newest > time).unwrap_or(time);
        let expired = self.cutoff(Some(newest)).unwrap_or_else(|| time.clone());
        let expired = self.own.keys().take_while(|(time, _)| *time <= expired).map(|(_, dot)| *dot);
        let mut removes: Vec<Dot> = expired.collect();
        removes.sort_unstable();
        let event = |content| Content::Event(Arc::new((time.clone(), content)));
        let writes = contents.into_iter().map(|content| Write::new(Some(event(content)), std::mem::take(&mut removes)));
        Effect { writes: writes.collect() }
    }

    pub(super) fn value(&self) -> Term {
        let Some((slide, _)) = self.window.slide else {
            return self.shown.get(&PLAIN).map_or_else(|| self.bottom.value(), Child::value);
        };
        let mut map = Map::new();
        let Some((mut end, last)) = self.ends() else { return Term::map(map) };
        let nothing = self.bottom.value();
        while end <= last {
            let value = self.shown.get(&end).map_or_else(|| nothing.clone(), Child::value);
            let next = later(&end, i128::from(slide));
            map.insert(end, value);
            end = next;
        }
        Term::map(map)
    }

    /// The newest window's state.
    pub(super) fn newest_window(&self) -> &State {
        let end = match self.window.slide {
            None => Some(PLAIN),
            Some(_) => self.ends().map(|(_, last)| last),
        };
        end.and_then(|end| self.shown.get(&end)).map_or(&self.bottom, |child| &child.state)
    }

    /// Whether events of that time are in no window, and make no difference to which windows there are: where there is time
    /// between two windows, the newest may be in none.
    fn has_expired(&self, time: &Term) -> bool {
        self.newest().is_some_and(|newest| time < newest)
            && self.cutoff(self.newest()).is_some_and(|cutoff| *time <= cutoff)
    }

    /// The timestamps of events that have not expired.
    pub(super) fn times(&self) -> impl Iterator<Item = &Term> {
        let after = self.cutoff(self.newest()).filter(|cutoff| self.newest().is_some_and(|newest| cutoff < newest));
        let after = after.or_else(|| self.events.keys().rev().nth(1).cloned());
        self.events.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)).map(|(time, _)| time)
    }

    /// What the events of one timestamp come to, as few contents as possible; none where they have expired.
    pub(super) fn part(&self, time: &Term) -> Vec<Content> {
        let expired = self.has_expired(time);
        let Some(contents) = self.events.get(time).filter(|_| !expired) else { return Vec::new() };
        let mut state = State::bottom(&self.window.kind, false);
        let mut inbox = Inbox::default();
        fill(&mut inbox, contents, true);
        state.apply(&mut inbox, false);
        state.contents().into_iter().map(|content| Content::Event(Arc::new((time.clone(), content)))).collect()
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        entries.extend(
            self.own
                .iter()
                .map(|((time, dot), content)| (*dot, Content::Event(Arc::new((time.clone(), content.clone()))))),
        );
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.events.is_empty()
    }
}

/// Under which end the one window is kept that does not slide.
const PLAIN: Term = Term::Nil;

fn fill(inbox: &mut Inbox, contents: &BTreeMap<Content, u64>, came: bool) {
    for (content, count) in contents {
        for _ in 0..*count {
            if came { inbox.contribute(content.clone()) } else { inbox.withdraw(content.clone()) }
        }
    }
}

/// A timestamp moved; timestamps are integers of any size.
fn later(time: &Term, by: i128) -> Term {
    match time {
        Term::Int(time) => match i128::from(*time).checked_add(by).map(i64::try_from) {
            Some(Ok(moved)) => Term::Int(moved),
            _ => Term::big(BigInt::from(*time) + BigInt::from(by)),
        },
        Term::Big(time) => Term::big(BigInt::clone(time) + BigInt::from(by)),
        other => other.clone(),
    }
}

/// The smallest multiple of `slide` that is not below the timestamp.
fn end_of(time: &Term, slide: u64) -> Term {
    match time {
        Term::Int(time) => {
            let over = i128::from(*time).rem_euclid(i128::from(slide.max(1)));
            let up = if over == 0 { 0 } else { i128::from(slide) - over };
            later(&Term::Int(*time), up)
        }
        Term::Big(time) => {
            let (slide, time) = (BigInt::from(slide.max(1)), BigInt::clone(time));
            let whole = &time / &slide * &slide;
            // Division of big integers goes towards 0.
            if whole < time { Term::big(whole + slide) } else { Term::big(whole) }
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_at_multiples_of_the_slide() {
        let ends: Vec<Term> = [-11, -10, -1, 0, 1, 10, 11].map(|time| end_of(&Term::Int(time), 10)).into();
        assert_eq!(ends, [-10, -10, 0, 0, 10, 10, 20].map(Term::Int));
        let huge = BigInt::from(i128::MAX);
        let end = end_of(&Term::big(huge.clone()), 10);
        assert_eq!(end, Term::big(huge.clone() + BigInt::from(10 - 7)));
        assert_eq!(end_of(&Term::big(-huge.clone()), 10), Term::big(-huge + BigInt::from(7)));
        assert_eq!(end_of(&Term::Int(i64::MAX), 10), Term::big(BigInt::from(i64::MAX) + BigInt::from(3)));
        assert_eq!(later(&Term::Int(i64::MAX), -1), Term::Int(i64::MAX - 1));
    }
}
