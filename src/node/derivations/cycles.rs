//! Cycles that several nodes' derivations close between them, and which derivation gives way.
//!
//! Derivations are put together in the order of their identities, the least first; one that closes a cycle with those before
//! it is left out. Of a cycle that is the greatest, and it is the same on all nodes that know the same derivations, in
//! whatever order they came to know them.
//!
//! Those of a client come last, since nobody else knows them: they give way to those that all know.

use std::collections::BTreeMap;

use crate::node::derivations::fact::Fact;
use crate::node::derivations::fact::Variable;

/// A derivation that gives way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    /// Each variable feeds the next; the last feeds the first again, and the derivation is what leads there.
    pub(super) path: Vec<Variable>,
    /// The others on the path.
    pub(super) others: Vec<u128>,
}

/// The edges that are put together, by number of the variable.
#[derive(Default)]
struct Edges<'a> {
    numbers: BTreeMap<u128, usize>,
    variables: Vec<&'a Variable>,
    next: Vec<Vec<(usize, u128)>>,
}

impl<'a> Edges<'a> {
    fn number(&mut self, variable: &'a Variable) -> usize {
        let next = self.variables.len();
        let number = *self.numbers.entry(variable.hash).or_insert(next);
        if number == next {
            self.variables.push(variable);
            self.next.push(Vec::new());
        } else if self.variables[number].reference.is_none() {
            self.variables[number] = variable;
        }
        number
    }

    /// The way from one variable to another: the variables after the first, and the derivations that lead to them.
    fn way(&self, from: usize, to: usize) -> Option<Vec<(usize, u128)>> {
        let mut seen = vec![false; self.variables.len()];
        let mut way = vec![((from, 0), 0)];
        seen[from] = true;
        while let Some(((at, _), branch)) = way.last_mut() {
            if *at == to {
                return Some(way.into_iter().skip(1).map(|(step, _)| step).collect());
            }
            let following = self.next[*at].get(*branch).copied();
            *branch += 1;
            match following {
                Some((next, _)) if std::mem::replace(&mut seen[next], true) => {}
                Some(step) => way.push((step, 0)),
                None => drop(way.pop()),
            }
        }
        None
    }

    /// Adds a derivation, or says which cycle it closes.
    fn add(&mut self, identity: u128, fact: &'a Fact) -> Option<Dropped> {
        let destination = self.number(&fact.destination);
        let sources: Vec<usize> = fact.sources.iter().map(|source| self.number(source)).collect();
        for source in &sources {
            if let Some(way) = self.way(destination, *source) {
                let path = [destination].into_iter().chain(way.iter().map(|(variable, _)| *variable));
                let path = path.map(|number| self.variables[number].clone()).collect();
                return Some(Dropped { path, others: way.into_iter().map(|(_, by)| by).collect() });
            }
        }
        sources.into_iter().for_each(|source| self.next[source].push((destination, identity)));
        None
    }
}

/// Which of all known derivations give way; `late` are those that give way to all others.
pub(super) fn dropped<'a>(
    all: impl Iterator<Item = (u128, &'a Fact)>,
    late: impl Fn(u128) -> bool,
) -> BTreeMap<u128, Dropped> {
    let mut all: Vec<(u128, &Fact)> = all.collect();
    all.sort_unstable_by_key(|(identity, _)| (late(*identity), *identity));
    let mut edges = Edges::default();
    all.into_iter().filter_map(|(identity, fact)| Some((identity, edges.add(identity, fact)?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use triomphe::Arc;

    use super::*;
    use crate::value::kind::Type;
    use crate::value::reference::Name;
    use crate::value::reference::Reference;
    use crate::value::term::Term;

    fn variable(number: i64) -> Variable {
        let name = Name::Given(Term::Int(number));
        Variable::new(Arc::new(Reference { name, kind: Type::Set, dynamic: false }), false)
    }

    fn fact(from: i64, to: i64) -> Fact {
        Fact { operator: 1, sources: vec![variable(from)], destination: variable(to) }
    }

    fn given_up(facts: &[(u128, Fact)]) -> Vec<u128> {
        dropped(facts.iter().map(|(identity, fact)| (*identity, fact)), |_| false).into_keys().collect()
    }

    #[test]
    fn of_a_cycle_the_greatest_gives_way_and_its_path_is_told() {
        let facts = [(7, fact(1, 2)), (9, fact(2, 3)), (8, fact(3, 1))];
        let found = dropped(facts.iter().map(|(identity, fact)| (*identity, fact)), |_| false);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [9]);
        assert_eq!(found[&9], Dropped { path: vec![variable(3), variable(1), variable(2)], others: vec![8, 7] });
        let late = dropped(facts.iter().map(|(identity, fact)| (*identity, fact)), |identity| identity == 7);
        assert_eq!(late.into_keys().collect::<Vec<_>>(), [7]);
        // A source that is the destination.
        assert_eq!(given_up(&[(1, fact(1, 1)), (2, fact(1, 2))]), [1]);
    }

    #[test]
    fn what_gives_way_in_one_cycle_gives_nobody_cause_in_another() {
        // 5 closes a cycle with 1, and without 5 there is none with 9.
        assert_eq!(given_up(&[(1, fact(1, 2)), (5, fact(2, 1)), (9, fact(1, 3)), (2, fact(3, 2))]), [5]);
    }

    proptest! {
        #[test]
        fn without_what_gives_way_there_is_no_cycle_and_each_of_them_closed_one(
            edges in prop::collection::vec((0..8i64, 0..8i64), 0..24)
        ) {
            let facts: Vec<(u128, Fact)> = (1..).zip(edges.iter().map(|(from, to)| fact(*from, *to))).collect();
            let out = given_up(&facts);
            let kept: Vec<(u128, Fact)> = facts.iter().filter(|(id, _)| !out.contains(id)).cloned().collect();
            prop_assert!(given_up(&kept).is_empty());
            for id in &out {
                let mut with = kept.clone();
                with.extend(facts.iter().filter(|(known, _)| known == id).cloned());
                prop_assert_eq!(given_up(&with), vec![*id]);
            }
        }
    }
}
