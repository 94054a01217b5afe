//! What is still to happen: by time, and within one moment in the order in which it was put in.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue by time. Taking out the next costs the logarithm of how many there are.
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<Due<E>>>,
    put: u64,
}

struct Due<E> {
    at_ms: u64,
    order: u64,
    event: E,
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Queue<E> {
        Queue { heap: BinaryHeap::new(), put: 0 }
    }

    pub(crate) fn put(&mut self, at_ms: u64, event: E) {
        self.put += 1;
        self.heap.push(Reverse(Due { at_ms, order: self.put, event }));
    }

    /// When the next one is due.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(due)| due.at_ms)
    }

    /// The next one that is due by then, with its time.
    pub(crate) fn take(&mut self, by_ms: u64) -> Option<(u64, E)> {
        if self.next_ms()? > by_ms {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| (due.at_ms, due.event))
    }
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Due<E>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Due<E>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Due<E>) -> Ordering {
        (self.at_ms, self.order).cmp(&(other.at_ms, other.order))
    }
}
