//! Functions that call each other: the strongly connected parts of the graph of calls.
//!
//! By Tarjan's algorithm ("Depth-first search and linear graph algorithms", SIAM J. Comput. 1972), without recursion: a chain
//! of calls may be as long as the program.

use rustc_hash::FxHashMap;

use crate::check::core::Function;
use crate::check::core::FunctionId;
use crate::check::core::Node;
use crate::check::walk;

/// Of each function that is in a cycle of calls with others, the number of its group.
pub(super) type Groups = FxHashMap<FunctionId, u32>;

/// A function on the way.
struct Visit {
    function: FunctionId,
    called: Vec<FunctionId>,
    next: usize,
}

#[derive(Default)]
struct Search {
    /// When each was met, and the earliest that it comes back to; gone once its group is known.
    met: FxHashMap<FunctionId, (u32, u32)>,
    way: Vec<Visit>,
    open: Vec<FunctionId>,
    groups: Groups,
    count: u32,
}

/// The groups of two functions or more.
pub(super) fn groups<'f>(functions: impl Iterator<Item = &'f Function>) -> Groups {
    let called: FxHashMap<FunctionId, Vec<FunctionId>> =
        functions.map(|function| (function.id, called(function))).collect();
    let mut search = Search::default();
    let mut all: Vec<FunctionId> = called.keys().copied().collect();
    all.sort_unstable();
    for function in all {
        search.enter(function, &called);
        while let Some(visit) = search.way.last_mut() {
            let next = visit.called.get(visit.next).copied();
            visit.next += 1;
            match next {
                Some(next) => search.enter(next, &called),
                None => search.leave(),
            }
        }
    }
    search.groups
}

/// What a function names, whether it calls it or passes it on.
fn called(function: &Function) -> Vec<FunctionId> {
    let (mut open, mut called) = (Vec::new(), Vec::new());
    walk::in_clauses(&function.lambda.clauses, &mut |expr| open.push(expr));
    while let Some(expr) = open.pop() {
        if let Node::Call(id, _) | Node::FunctionValue(id) = &expr.node {
            called.push(*id);
        }
        walk::children(expr, &mut |child| open.push(child));
    }
    called.sort_unstable();
    called.dedup();
    called
}

impl Search {
    /// Goes on with a function that was not met before; else notes that the last one on the way comes back to it.
    fn enter(&mut self, function: FunctionId, called: &FxHashMap<FunctionId, Vec<FunctionId>>) {
        let Some(next) = called.get(&function) else { return };
        if let Some((met, _)) = self.met.get(&function).copied() {
            self.reach(met);
            return;
        }
        self.met.insert(function, (self.count, self.count));
        self.count += 1;
        self.open.push(function);
        self.way.push(Visit { function, called: next.clone(), next: 0 });
    }

    fn reach(&mut self, met: u32) {
        let last = self.way.last().map(|visit| visit.function);
        if let Some((_, lowest)) = last.and_then(|last| self.met.get_mut(&last)) {
            *lowest = (*lowest).min(met);
        }
    }

    /// Ends the last one on the way, and its group where it was the first of it.
    fn leave(&mut self) {
        let Some(function) = self.way.pop().map(|visit| visit.function) else { return };
        let Some((met, lowest)) = self.met.get(&function).copied() else { return };
        if lowest < met {
            self.reach(lowest);
            return;
        }
        let start = self.open.iter().rposition(|open| *open == function).unwrap_or(0);
        let group: Vec<FunctionId> = self.open.drain(start..).collect();
        for member in &group {
            // A group that is known is not come back to.
            self.met.insert(*member, (u32::MAX, u32::MAX));
            if group.len() > 1 {
                self.groups.insert(*member, met);
            }
        }
    }
}
