//! Payloads that are kept for those who ask again, and how many, of all topics together.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::overlay::Settings;
use crate::overlay::spread::Name;

/// The payloads of a topic. Nearly none is ever asked for, so they are not put under their names before somebody asks for any.
#[derive(Default)]
pub(super) struct Store {
    /// Until when each is kept, oldest first.
    each: VecDeque<(u64, Name, Arc<[u8]>)>,
    /// How many there were before these.
    gone: usize,
    /// The how many-th a payload of a name is, of all before `named`. Looked up only.
    by_name: FxHashMap<Name, usize>,
    named: usize,
}

impl Store {
    pub(super) fn keep(&mut self, until: u64, name: Name, payload: Arc<[u8]>) {
        self.each.push_back((until, name, payload));
    }

    pub(super) fn get(&mut self, name: Name) -> Option<Arc<[u8]>> {
        let last = self.gone + self.each.len();
        for at in self.named.max(self.gone)..last {
            self.by_name.insert(self.each[at - self.gone].1, at);
        }
        self.named = last;
        let (_, _, payload) = self.each.get(self.by_name.get(&name)?.checked_sub(self.gone)?)?;
        Some(payload.clone())
    }

    /// Lets those go whose time is over.
    pub(super) fn forget(&mut self, now: u64) {
        while let Some((_, name, _)) = self.each.pop_front_if(|(until, ..)| *until <= now) {
            if self.gone < self.named && self.by_name.get(&name) == Some(&self.gone) {
                self.by_name.remove(&name);
            }
            self.gone += 1;
        }
    }

    /// Until when the oldest is kept.
    pub(super) fn until(&self) -> Option<u64> {
        self.each.front().map(|(until, ..)| *until)
    }
}

/// Of all topics together.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_gets_what_is_kept_and_nothing_whose_time_is_over() {
        let mut store = Store::default();
        let payload = |name: Name| name.to_le_bytes().as_slice().into();
        for name in 0..10 {
            store.keep(100 + name, name, payload(name));
        }
        assert_eq!(store.get(3), Some(payload(3)));
        assert_eq!(store.get(10), None);
        store.keep(110, 10, payload(10));
        store.forget(104);
        assert_eq!((0..12).map(|name| store.get(name).is_some()).filter(|found| *found).count(), 6);
        assert_eq!((store.get(4), store.get(5), store.get(10)), (None, Some(payload(5)), Some(payload(10))));
        // A payload that comes twice is found as long as one of them is kept.
        store.keep(200, 5, payload(5));
        assert_eq!(store.get(5), Some(payload(5)));
        store.forget(150);
        assert_eq!((store.get(5), store.until()), (Some(payload(5)), Some(200)));
        store.forget(200);
        assert!(store.until().is_none() && store.by_name.is_empty());
    }
}
