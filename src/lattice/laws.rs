//! The laws that everything that merges obeys, stated once and asked of every type.
//!
//! Beside them the textbook state that they are asked of: live entries under dots, with a causal context, and the merge of the
//! optimized observed-remove set (Bieniusa et al., 2012). What a node keeps is a faster form of the same. Knows no language.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A join semilattice with a least element.
pub trait Lattice: Clone + PartialEq + Debug {
    /// The least element.
    fn bottom() -> Self;
    /// Joins `other` into this; says whether anything changed.
    fn merge(&mut self, other: &Self) -> bool;
}

/// Which law does not hold, and for what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{law} does not hold for {witness}")]
pub struct Broken {
    /// The law.
    pub law: &'static str,
    /// The states that show it.
    pub witness: String,
}

fn joined<L: Lattice>(left: &L, right: &L) -> L {
    let mut both = left.clone();
    both.merge(right);
    both
}

fn hold(law: &'static str, holds: bool, witness: &dyn Debug) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { law, witness: format!("{witness:?}") }) }
}

/// Asks all laws of a merge of all these states, and of all pairs and triples of them.
///
/// # Errors
/// With the first law that does not hold.
pub fn check<L: Lattice>(states: &[L]) -> Result<(), Broken> {
    for a in states {
        hold("idempotence", joined(a, a) == *a, a)?;
        hold("bottom is neutral", joined(a, &L::bottom()) == *a && joined(&L::bottom(), a) == *a, a)?;
        for b in states {
            let both = joined(a, b);
            hold("commutativity", both == joined(b, a), &(a, b))?;
            hold("the join holds both", joined(&both, a) == both && joined(&both, b) == both, &(a, b))?;
            hold("telling a change honestly", a.clone().merge(b) == (both != *a), &(a, b))?;
            for c in states {
                hold("associativity", joined(&both, c) == joined(a, &joined(b, c)), &(a, b, c))?;
            }
        }
    }
    Ok(())
}

/// Asks that taking out undoes putting in: for every order of the items, and every item of them, putting all in and taking
/// that one out comes to the same as never having put it in; and taking all out comes to nothing.
///
/// # Errors
/// With the first items for which it does not hold.
pub fn check_withdrawal<S: Default, T: Debug, V: PartialEq>(
    items: &[T],
    put: impl Fn(&mut S, &T),
    take: impl Fn(&mut S, &T),
    view: impl Fn(&S) -> V,
) -> Result<(), Broken> {
    let of = |order: &[usize]| {
        let mut state = S::default();
        for at in order {
            put(&mut state, &items[*at]);
        }
        state
    };
    for order in orders(items.len()) {
        let shown = || order.iter().map(|at| &items[*at]).collect::<Vec<_>>();
        for (place, gone) in order.iter().enumerate() {
            let mut with = of(&order);
            take(&mut with, &items[*gone]);
            let mut without = order.clone();
            without.remove(place);
            without.sort_unstable();
            hold("exact withdrawal", view(&with) == view(&of(&without)), &(shown(), &items[*gone]))?;
        }
        let mut state = of(&order);
        order.iter().rev().for_each(|at| take(&mut state, &items[*at]));
        hold("exact withdrawal of all", view(&state) == view(&S::default()), &shown())?;
    }
    Ok(())
}

/// All orders of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        let longer = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// Live entries, and every dot ever seen: an entry that is covered and not live was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Causal<D: Ord, C> {
    /// The live entries.
    pub live: BTreeMap<D, C>,
    /// All dots seen, of live entries and of others.
    pub seen: BTreeSet<D>,
}

impl<D: Ord + Copy + Debug, C: Clone + PartialEq + Debug> Causal<D, C> {
    /// An event of one's own: takes entries out, and puts one in under a new dot.
    pub fn write(&mut self, dot: D, content: Option<C>, removes: &[D]) {
        for gone in removes {
            self.live.remove(gone);
        }
        self.seen.insert(dot);
        if let Some(content) = content {
            self.live.insert(dot, content);
        }
    }
}

impl<D: Ord + Copy + Debug, C: Clone + PartialEq + Debug> Lattice for Causal<D, C> {
    fn bottom() -> Self {
        Causal { live: BTreeMap::new(), seen: BTreeSet::new() }
    }

    fn merge(&mut self, other: &Self) -> bool {
        let before = (self.live.len(), self.seen.len());
        self.live.retain(|dot, _| other.live.contains_key(dot) || !other.seen.contains(dot));
        let removed = self.live.len() < before.0;
        for (dot, content) in &other.live {
            if !self.seen.contains(dot) {
                self.live.insert(*dot, content.clone());
            }
        }
        self.seen.extend(&other.seen);
        removed || self.seen.len() > before.1
    }
}
