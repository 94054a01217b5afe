//! Rankings: the best score of each name, and the K best names. Every score that was put in can be taken out again.
//!
//! The K best are kept apart from the rest, so that a change costs the logarithm of the number of names, whatever K is.
//! Knows neither what a name nor what a score is.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::lattice::multiset::Multiset;

/// A score: its [`Ord`] says which of a name's scores is the best.
pub trait Score: Ord + Clone {
    /// How two scores of different names compare; equal ones are ranked by name. Must not contradict [`Ord`].
    fn rank(&self, other: &Self) -> Ordering;
}

/// A name with its best score; the better, the smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked<N, S> {
    /// The name.
    pub name: N,
    /// Its best score.
    pub score: S,
}

impl<N: Ord, S: Score> Ord for Ranked<N, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_rank = other.score.rank(&self.score).then_with(|| self.name.cmp(&other.name));
        by_rank.then_with(|| other.score.cmp(&self.score))
    }
}

impl<N: Ord, S: Score> PartialOrd for Ranked<N, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Names, their scores, and which names are the K best.
#[derive(Clone, Debug)]
pub struct Ranking<N: Ord, S: Ord> {
    best_max: usize,
    scores: BTreeMap<N, Multiset<S>>,
    best: BTreeSet<Ranked<N, S>>,
    rest: BTreeSet<Ranked<N, S>>,
}

/// Which pairs came into the K best and which fell out, in the order in which it happened.
pub type Moves<N, S> = Vec<(Ranked<N, S>, bool)>;

impl<N: Ord + Clone, S: Score> Ranking<N, S> {
    /// An empty ranking of the `best_max` best.
    #[must_use]
    pub fn new(best_max: usize) -> Ranking<N, S> {
        Ranking { best_max, scores: BTreeMap::new(), best: BTreeSet::new(), rest: BTreeSet::new() }
    }

    /// Puts a score in and notes what that moves.
    pub fn insert(&mut self, name: &N, score: S, moves: &mut Moves<N, S>) {
        let scores = self.scores.entry(name.clone()).or_default();
        let before = scores.max().cloned();
        scores.insert(score.clone());
        if before.as_ref().is_some_and(|before| *before >= score) {
            return;
        }
        if let Some(before) = before {
            self.drop_out(&Ranked { name: name.clone(), score: before }, moves);
        }
        self.come_in(Ranked { name: name.clone(), score }, moves);
    }

    /// Takes a score out and notes what that moves. Taking out what is not in changes nothing.
    pub fn remove(&mut self, name: &N, score: &S, moves: &mut Moves<N, S>) {
        let Some(scores) = self.scores.get_mut(name) else { return };
        let was_best = scores.max() == Some(score);
        let gone = scores.remove(score);
        let next = scores.max().cloned();
        if next.is_none() {
            self.scores.remove(name);
        }
        if !(was_best && gone) {
            return;
        }
        self.drop_out(&Ranked { name: name.clone(), score: score.clone() }, moves);
        if let Some(next) = next {
            self.come_in(Ranked { name: name.clone(), score: next }, moves);
        }
    }

    fn come_in(&mut self, new: Ranked<N, S>, moves: &mut Moves<N, S>) {
        if self.best.len() >= self.best_max {
            if self.best.last().is_none_or(|last| *last < new) {
                self.rest.insert(new);
                return;
            }
            if let Some(last) = self.best.pop_last() {
                moves.push((last.clone(), false));
                self.rest.insert(last);
            }
        }
        moves.push((new.clone(), true));
        self.best.insert(new);
    }

    fn drop_out(&mut self, old: &Ranked<N, S>, moves: &mut Moves<N, S>) {
        if !self.best.remove(old) {
            self.rest.remove(old);
            return;
        }
        moves.push((old.clone(), false));
        if let Some(next) = self.rest.pop_first() {
            moves.push((next.clone(), true));
            self.best.insert(next);
        }
    }

    /// The K best names, best first.
    pub fn best(&self) -> impl Iterator<Item = &Ranked<N, S>> {
        self.best.iter()
    }

    /// Whether there are K of them already.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.best.len() >= self.best_max
    }

    /// The last of the K best.
    #[must_use]
    pub fn last(&self) -> Option<&Ranked<N, S>> {
        self.best.last()
    }

    /// The best score of a name, ranked among the K best or not.
    #[must_use]
    pub fn score(&self, name: &N) -> Option<&S> {
        self.scores.get(name).and_then(Multiset::max)
    }

    /// Whether the name is among the K best with this score.
    #[must_use]
    pub fn is_best(&self, pair: &Ranked<N, S>) -> bool {
        self.best.contains(pair)
    }

    /// How many names are among the K best.
    #[must_use]
    pub fn len(&self) -> usize {
        self.best.len()
    }

    /// Whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.best.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Score for i32 {
        fn rank(&self, other: &i32) -> Ordering {
            self.cmp(other)
        }
    }

    fn best(ranking: &Ranking<&'static str, i32>) -> Vec<(&'static str, i32)> {
        ranking.best().map(|pair| (pair.name, pair.score)).collect()
    }

    #[test]
    fn the_best_score_of_each_name_counts_and_ties_go_by_name() {
        let (mut ranking, mut moves) = (Ranking::new(2), Vec::new());
        for (name, score) in [("b", 5), ("a", 5), ("a", 1), ("c", 9)] {
            ranking.insert(&name, score, &mut moves);
        }
        assert_eq!(best(&ranking), [("c", 9), ("a", 5)]);
        assert!(ranking.is_full());
    }

    #[test]
    fn what_fell_out_comes_back_when_a_better_one_goes() {
        let (mut ranking, mut moves) = (Ranking::new(1), Vec::new());
        ranking.insert(&"a", 1, &mut moves);
        ranking.insert(&"b", 2, &mut moves);
        moves.clear();
        ranking.remove(&"b", &2, &mut moves);
        assert_eq!(best(&ranking), [("a", 1)]);
        assert_eq!(moves.len(), 2);
    }
}
