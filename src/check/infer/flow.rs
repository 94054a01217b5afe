//! Which variable feeds which, and the cycles that derivations are sure to close: at the top level, and in functions that it
//! calls.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use triomphe::Arc;

use crate::check::core::Expr;
use crate::check::infer::derive::reference;
use crate::check::infer::derive::verb_word;
use crate::check::infer::run::Frame;
use crate::check::infer::run::Run;
use crate::check::infer::value::Value;
use crate::graph::GraphError;
use crate::library::Verb;
use crate::source::diagnostic::Diagnostic;
use crate::source::span::Span;
use crate::value::reference::Reference;

/// The most edges of one function that are followed to where it is called.
const EDGES_MAX: usize = 64;

/// One variable feeds another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) into: u32,
    /// The derivation.
    pub(super) span: Span,
    pub(super) verb: Verb,
}

/// Which variable feeds which.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// Edges that are sure to be made, by where they begin, in order.
    sure: FxHashMap<u32, Vec<Edge>>,
    /// Where they come from, by where they end.
    back: FxHashMap<u32, Vec<u32>>,
    /// All of them.
    known: FxHashSet<Edge>,
    /// Cycles that are sure to be made.
    pub(super) cycles: Vec<Vec<u32>>,
    /// Variables that some derivation may feed, where, and with what.
    pub(super) fed: Vec<(u32, Span, Value)>,
}

impl Flows {
    /// Whether one variable feeds another. Looked for from both ends, a step on each side in turn: a derivation is most often
    /// added at one end of what is there, and on that side there is nothing to look through.
    fn feeds(&self, from: u32, to: u32) -> bool {
        if from == to {
            return true;
        }
        let (mut seen, mut seen_back) = (FxHashSet::from_iter([from]), FxHashSet::from_iter([to]));
        let (mut open, mut open_back) = (vec![from], vec![to]);
        while let (Some(at), Some(end)) = (open.pop(), open_back.pop()) {
            for edge in self.sure.get(&at).into_iter().flatten() {
                if seen_back.contains(&edge.into) {
                    return true;
                }
                if seen.insert(edge.into) {
                    open.push(edge.into);
                }
            }
            for before in self.back.get(&end).into_iter().flatten() {
                if seen.contains(before) {
                    return true;
                }
                if seen_back.insert(*before) {
                    open_back.push(*before);
                }
            }
        }
        false
    }

    /// The way from one variable to another, both included.
    fn path(&self, from: u32, to: u32) -> Option<Vec<u32>> {
        if !self.feeds(from, to) {
            return None;
        }
        let mut before: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                let mut path = vec![to];
                while let Some(earlier) = path.last().filter(|last| **last != from).and_then(|last| before.get(last)) {
                    path.push(*earlier);
                }
                path.reverse();
                return Some(path);
            }
            for Edge { into: next, .. } in self.sure.get(&at).into_iter().flatten() {
                if *next != from && !before.contains_key(next) {
                    before.insert(*next, at);
                    open.push(*next);
                }
            }
        }
        None
    }
}

impl<'p> Run<'p> {
    /// Notes the edges, and tells a cycle.
    pub(super) fn flow(
        &mut self,
        expr: &'p Expr,
        verb: Verb,
        sources: &[Value],
        destination: &Value,
        frame: &Frame,
    ) -> Value {
        let sure = (self.repeats, self.choices) == self.base;
        let one = |value: &Value| {
            let known = Run::known_variables(value)?;
            let [only] = &*known else { return None };
            // One that stands for many may feed another of them.
            self.variables.get(*only).filter(|variable| !variable.fresh && variable.name.is_some())?;
            Some(*only)
        };
        let (Some(into), true) = (one(destination), sure) else { return destination.clone() };
        let edge = |from: u32| Edge { from, into, span: expr.span, verb };
        let edges: Vec<Edge> = sources.iter().filter_map(one).map(edge).collect();
        if frame.in_function {
            self.edges.extend(edges);
            self.edges.truncate(EDGES_MAX);
            return destination.clone();
        }
        for edge in edges {
            if let Some(message) = self.closes(edge) {
                return self.fail(expr, frame, |_| message);
            }
        }
        destination.clone()
    }

    /// What the call that came back last is sure to derive: noted, with the cycle that it closes.
    pub(super) fn flows_of_call(&mut self, expr: &Expr, frame: &Frame) -> Option<Diagnostic> {
        let edges = self.made_edges.take()?;
        if (self.repeats, self.choices) != self.base {
            return None;
        }
        if frame.in_function {
            self.edges.extend(edges.iter().copied());
            self.edges.truncate(EDGES_MAX);
            return None;
        }
        let message = edges.iter().find_map(|edge| self.closes(*edge))?;
        Some(message.at(expr.span, "called here"))
    }

    /// Adds an edge; what is to be told if it closes a cycle.
    fn closes(&mut self, edge: Edge) -> Option<Diagnostic> {
        let found = self.flows.path(edge.into, edge.from);
        let Some(path) = found else {
            if self.flows.known.insert(edge) {
                self.flows.sure.entry(edge.from).or_default().push(edge);
                self.flows.back.entry(edge.into).or_default().push(edge.from);
            }
            return None;
        };
        let whole: Vec<u32> = path.iter().chain([&edge.into]).copied().collect();
        let same: Vec<Arc<Reference>> =
            whole.iter().filter_map(|number| self.variables.get(*number).and_then(reference)).collect();
        let complete = same.len() == whole.len();
        self.flows.cycles.push(whole);
        if !complete {
            return None;
        }
        let error = GraphError::Cycle { verb: verb_word(edge.verb), path: same };
        let mut message = error.diagnostic().at(edge.span, "closes it");
        for pair in path.windows(2) {
            let on_the_way =
                self.flows.sure.get(&pair[0]).and_then(|from| from.iter().find(|known| known.into == pair[1]));
            if let Some(known) = on_the_way.filter(|known| known.span != edge.span) {
                message = message.at(known.span, "on the way");
            }
        }
        Some(message)
    }
}
