//! Topological ranks, kept up incrementally, and the search for cycles.
//!
//! A variable's rank is greater than those of all that it is derived from. A new edge that goes down raises what lies
//! beyond it, and only that.

use crate::graph::variables::VariableId;

/// The ranks of all variables, and the edges that they follow from.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    ranks: Vec<u32>,
    /// Where each variable's derivations lead.
    next: Vec<Vec<VariableId>>,
}

impl Order {
    /// Takes a variable in, without edges.
    pub(super) fn add(&mut self) {
        self.ranks.push(0);
        self.next.push(Vec::new());
    }

    /// The rank.
    pub(super) fn rank(&self, variable: VariableId) -> u32 {
        self.ranks[variable.0 as usize]
    }

    /// The way from one variable to another along the edges, both included. Looks only at ranks between the two.
    pub(super) fn path(&self, from: VariableId, to: VariableId) -> Option<Vec<VariableId>> {
        let limit = self.rank(to);
        let mut seen = rustc_hash::FxHashSet::default();
        let mut path = vec![(from, 0usize)];
        while let Some((at, branch)) = path.last_mut() {
            if *at == to {
                return Some(path.into_iter().map(|(variable, _)| variable).collect());
            }
            let following = self.next[at.0 as usize].get(*branch).copied();
            *branch += 1;
            match following {
                Some(next) if self.rank(next) <= limit && seen.insert(next) => path.push((next, 0)),
                Some(_) => {}
                None => {
                    path.pop();
                }
            }
        }
        None
    }

    /// Adds an edge that closes no cycle.
    pub(super) fn connect(&mut self, from: VariableId, to: VariableId) {
        self.next[from.0 as usize].push(to);
        let mut raised = vec![(to, self.rank(from) + 1)];
        while let Some((at, rank)) = raised.pop() {
            if self.rank(at) >= rank {
                continue;
            }
            self.ranks[at.0 as usize] = rank;
            raised.extend(self.next[at.0 as usize].iter().map(|next| (*next, rank + 1)));
        }
    }
}
