//! Ordered multisets: what supports a maximum, so that it can be withdrawn again. Knows no language.

use std::collections::BTreeMap;

/// Elements, each with how often it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiset<T: Ord> {
    counts: BTreeMap<T, u64>,
}

impl<T: Ord> Default for Multiset<T> {
    fn default() -> Multiset<T> {
        Multiset { counts: BTreeMap::new() }
    }
}

impl<T: Ord> Multiset<T> {
    /// Puts one in; says whether there was none like it.
    pub fn insert(&mut self, element: T) -> bool {
        let count = self.counts.entry(element).or_insert(0);
        *count += 1;
        *count == 1
    }

    /// Takes one out; says whether it was the last like it. Taking out what is not in changes nothing.
    pub fn remove(&mut self, element: &T) -> bool {
        match self.counts.get_mut(element) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) => self.counts.remove(element).is_some(),
            None => false,
        }
    }

    /// The greatest element.
    #[must_use]
    pub fn max(&self) -> Option<&T> {
        self.counts.keys().next_back()
    }

    /// The smallest element.
    #[must_use]
    pub fn min(&self) -> Option<&T> {
        self.counts.keys().next()
    }

    /// How many different elements there are.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether there is one like it.
    #[must_use]
    pub fn contains(&self, element: &T) -> bool {
        self.counts.contains_key(element)
    }

    /// The different elements, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.counts.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maximum_falls_back_when_its_last_support_goes() {
        let mut set = Multiset::default();
        assert!(set.insert(1) && set.insert(3) && !set.insert(3));
        assert!(!set.remove(&3));
        assert_eq!(set.max(), Some(&3));
        assert!(set.remove(&3));
        assert_eq!((set.max(), set.min(), set.distinct()), (Some(&1), Some(&1), 1));
        assert!(!set.remove(&9));
    }
}
