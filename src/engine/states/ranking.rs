//! `top_k`: the best score of each name, and the K best names.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::engine::change::Delta;
use crate::engine::change::Effect;
use crate::engine::change::Inbox;
use crate::lattice::dot::Dot;
use crate::lattice::ranking::Moves;
use crate::lattice::ranking::Ranked;
use crate::lattice::ranking::Ranking;
use crate::lattice::ranking::Score;
use crate::value::compare;
use crate::value::content::Content;
use crate::value::operation::Op;
use crate::value::term::Term;

/// A score as a program gives it. Numbers rank by their value; of equal ones the integer is the better.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Points(Term);

impl Ord for Points {
    fn cmp(&self, other: &Points) -> Ordering {
        compare(&self.0, &other.0).then_with(|| other.0.cmp(&self.0))
    }
}

impl PartialOrd for Points {
    fn partial_cmp(&self, other: &Points) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Score for Points {
    fn rank(&self, other: &Points) -> Ordering {
        compare(&self.0, &other.0)
    }
}

/// A leaderboard.
#[derive(Clone)]
pub(in crate::engine) struct RankingState {
    k: usize,
    /// Whether it stands beneath a removable key, where scores are kept that do not count now.
    removable: bool,
    /// Everything that speaks for a score.
    all: Ranking<Term, Points>,
    /// The live entries alone: what an update has to beat.
    base: Ranking<Term, Points>,
    /// The live entries of each pair.
    dots: BTreeMap<(Term, Term), Vec<Dot>>,
}

impl RankingState {
    pub(super) fn new(k: u32, removable: bool) -> RankingState {
        let k = k as usize;
        RankingState { k, removable, all: Ranking::new(k), base: Ranking::new(k), dots: BTreeMap::new() }
    }

    pub(super) fn apply(&mut self, inbox: &mut Inbox) -> Delta {
        let mut moves = Vec::new();
        for support in inbox.came.drain(..) {
            let Content::Score(pair) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.entry_came(&pair, dot)) {
                let (name, score) = *pair;
                self.all.insert(&name, Points(score), &mut moves);
            }
        }
        for support in inbox.went.drain(..) {
            let Content::Score(pair) = support.content else { continue };
            if support.dot.is_none_or(|dot| self.entry_went(&pair, dot)) {
                let (name, score) = *pair;
                self.all.remove(&name, &Points(score), &mut moves);
            }
        }
        settle(moves)
    }

    fn entry_came(&mut self, pair: &(Term, Term), dot: Dot) -> bool {
        let dots = self.dots.entry(pair.clone()).or_default();
        if dots.contains(&dot) {
            return false;
        }
        dots.push(dot);
        self.base.insert(&pair.0, Points(pair.1.clone()), &mut Vec::new());
        true
    }

    fn entry_went(&mut self, pair: &(Term, Term), dot: Dot) -> bool {
        let Some(dots) = self.dots.get_mut(pair) else { return false };
        let before = dots.len();
        dots.retain(|other| *other != dot);
        if dots.len() == before {
            return false;
        }
        if dots.is_empty() {
            self.dots.remove(pair);
        }
        self.base.remove(&pair.0, &Points(pair.1.clone()), &mut Vec::new());
        true
    }

    pub(super) fn prepare(&self, op: &Op) -> Effect {
        let Op::Score(name, score) = op else { return Effect::default() };
        let new = Ranked { name: name.clone(), score: Points(score.clone()) };
        let content = Some(Content::Score(Box::new((name.clone(), score.clone()))));
        if self.removable {
            // What falls out, or does not count, is all that is left where a better one goes with the key.
            let removes = self.dots_of(name, |known| Points(known.clone()) <= new.score);
            return Effect::one(content, removes);
        }
        let known = self.base.score(name);
        if known.is_some_and(|known| *known >= new.score) {
            return Effect::default();
        }
        let falls_out = match known {
            // Its own lower score makes room.
            Some(known) if self.base.is_best(&Ranked { name: name.clone(), score: known.clone() }) => None,
            _ if self.base.is_full() => self.base.last(),
            _ => None,
        };
        if falls_out.is_some_and(|last| *last < new) {
            return Effect::default();
        }
        // Lower scores of the name, and whatever of the name that falls out.
        let mut removes = self.dots_of(name, |_| true);
        removes.extend(falls_out.into_iter().flat_map(|last| self.dots_of(&last.name, |_| true)));
        removes.sort_unstable();
        Effect::one(content, removes)
    }

    /// The live entries of a name with such scores, in order.
    fn dots_of(&self, name: &Term, such: impl Fn(&Term) -> bool) -> Vec<Dot> {
        let from = self.dots.range((name.clone(), Term::Int(i64::MIN))..);
        // Only a negative number beyond 64 bits comes before the smallest small one.
        let before = self.dots.range(..(name.clone(), Term::Int(i64::MIN))).rev();
        let mut dots: Vec<Dot> = Vec::new();
        let of_name =
            from.take_while(|(pair, _)| pair.0 == *name).chain(before.take_while(|(pair, _)| pair.0 == *name));
        dots.extend(of_name.filter(|(pair, _)| such(&pair.1)).flat_map(|(_, dots)| dots));
        dots.sort_unstable();
        dots
    }

    pub(super) fn value(&self) -> Term {
        Term::list(self.pairs().collect::<Vec<_>>())
    }

    /// The K best as pairs, best first.
    pub(super) fn pairs(&self) -> impl Iterator<Item = Term> {
        self.all.best().map(term)
    }

    pub(super) fn contains(&self, element: &Term) -> bool {
        match element.as_tuple() {
            Some([name, score]) => self.all.is_best(&Ranked { name: name.clone(), score: Points(score.clone()) }),
            _ => false,
        }
    }

    pub(super) fn entries(&self, entries: &mut Vec<(Dot, Content)>) {
        for (pair, dots) in &self.dots {
            entries.extend(dots.iter().map(|dot| (*dot, Content::Score(Box::new(pair.clone())))));
        }
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.all.is_empty()
    }

    /// The K-th score, once there are K names.
    pub(super) fn last_of_k(&self) -> Option<Term> {
        let last = self.all.last().filter(|_| self.all.len() >= self.k);
        last.map(|pair| pair.score.0.clone())
    }
}

fn term(pair: &Ranked<Term, Points>) -> Term {
    Term::pair(pair.name.clone(), pair.score.0.clone())
}

/// What the moves come to: a pair may have come in and fallen out again several times.
fn settle(moves: Moves<Term, Points>) -> Delta {
    let mut net: BTreeMap<Ranked<Term, Points>, i32> = BTreeMap::new();
    for (pair, came) in moves {
        *net.entry(pair).or_insert(0) += if came { 1 } else { -1 };
    }
    let mut delta = Delta::default();
    for (pair, change) in net {
        match change {
            0 => {}
            1.. => delta.entered.push(term(&pair)),
            _ => delta.left.push(term(&pair)),
        }
    }
    delta.touched = !(delta.entered.is_empty() && delta.left.is_empty());
    delta.changed = delta.touched;
    delta
}
