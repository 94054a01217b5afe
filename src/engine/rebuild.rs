//! Derivations that rest: made, and contributing nothing. Which those are changes rarely, when other nodes' derivations come
//! or go; so nothing is undone piece by piece, and all variables are filled anew.

use std::collections::BTreeSet;
use std::mem;

use crate::engine::BaseChange;
use crate::engine::Engine;
use crate::engine::Evaluate;
use crate::engine::known::Known;
use crate::graph::Derivation;
use crate::graph::GraphError;
use crate::graph::VariableId;

impl Engine {
    /// The derivations that are made and contribute nothing.
    #[must_use]
    pub fn resting(&self) -> &[Derivation] {
        &self.resting
    }

    /// All derivations that are made: those that contribute, then those that rest.
    pub fn made(&self) -> impl Iterator<Item = &Derivation> {
        self.graph.derivations().iter().chain(&self.resting)
    }

    /// Makes a derivation that rests until [`Engine::rest`] says otherwise. Says whether it is new.
    ///
    /// # Errors
    /// When it may not be made; nothing has changed then.
    pub fn derive_resting(&mut self, derivation: Derivation) -> Result<bool, GraphError> {
        if self.made().any(|known| known.identity == derivation.identity) {
            return Ok(false);
        }
        self.graph.check(&derivation)?;
        self.check_with_resting(&derivation)?;
        self.resting.push(derivation);
        Ok(true)
    }

    /// Whether a derivation closes a cycle with those that rest: they may contribute again.
    pub(super) fn check_with_resting(&self, derivation: &Derivation) -> Result<(), GraphError> {
        if self.resting.is_empty() {
            return Ok(());
        }
        let mut all = self.graph.clone();
        for resting in &self.resting {
            // One that is not possible closes no cycle.
            let _ = all.derive(resting.clone());
        }
        all.check(derivation)
    }

    /// Has just these of its derivations rest, and no others. `bases` are all live entries of all variables, of slots too.
    /// All variables count as changed then.
    pub fn rest(&mut self, identities: &BTreeSet<u128>, bases: Vec<BaseChange>, eval: &mut dyn Evaluate) {
        let mut new = if self.eager { Engine::eager() } else { Engine::new() };
        let mut derivations: Vec<Derivation> = self.graph.derivations().to_vec();
        derivations.append(&mut self.resting);
        let old = mem::take(&mut self.graph);
        for at in 0..old.len() {
            let reference = old.reference(VariableId(u32::try_from(at).unwrap_or(u32::MAX)));
            // It could be declared before, and so it can now.
            let _ = new.declare(reference);
        }
        for derivation in derivations {
            // What was refused as a cycle with one that rested cannot be here, since cycles are found among all that there are;
            // should one not be possible, it rests.
            if identities.contains(&derivation.identity) || new.derive_here(derivation.clone(), eval).is_err() {
                new.resting.push(derivation);
            }
        }
        for (at, observed) in self.observed.iter().enumerate() {
            if *observed {
                new.observe(VariableId(u32::try_from(at).unwrap_or(u32::MAX)));
            }
        }
        new.apply(bases, eval);
        new.take_over(self.leave_views(), eval);
        new.work = self.work;
        *self = new;
        self.changed = (0..self.graph.len()).map(|at| VariableId(u32::try_from(at).unwrap_or(u32::MAX))).collect();
        self.is_changed.iter_mut().for_each(|changed| *changed = true);
        self.values.iter_mut().for_each(|value| *value = Known::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::evaluate::Failed;
    use crate::graph::Operator;
    use crate::lattice::dot::Dot;
    use crate::lattice::dot::ReplicaIndex;
    use crate::value::content::Content;
    use crate::value::kind::Type;
    use crate::value::reference::Name;
    use crate::value::reference::Reference;
    use crate::value::term::Term;

    struct None;

    impl Evaluate for None {
        fn call(&mut self, _: &Term, _: &[Term]) -> Result<Term, Failed> {
            Err(Failed(0))
        }
    }

    fn variable(engine: &mut Engine, name: &'static str) -> VariableId {
        let name = Name::Given(Term::atom(name));
        engine.declare(&Reference { name, kind: Type::Set, dynamic: false }).expect("a new name")
    }

    fn add(variable: VariableId, number: i64) -> BaseChange {
        let dot = Dot::new(ReplicaIndex(0), u64::try_from(number).unwrap_or(1)).expect("a dot");
        BaseChange { variable, dot, content: Content::Element(Term::Int(number)), slot: false, present: true }
    }

    #[test]
    fn what_rests_contributes_nothing_and_does_again_afterwards() {
        let mut engine = Engine::new();
        let (a, b, c) = (variable(&mut engine, "a"), variable(&mut engine, "b"), variable(&mut engine, "c"));
        let union =
            |sources, destination, identity| Derivation { operator: Operator::Union, sources, destination, identity };
        for derivation in [union(vec![a, b], c, 1), union(vec![a, a], b, 2)] {
            assert!(engine.derive(derivation, &mut None).expect("no cycle"));
        }
        let bases = vec![add(a, 1), add(b, 2)];
        engine.apply(bases.clone(), &mut None);
        let all = engine.value(c);
        assert_eq!(all, Term::list([Term::Int(1), Term::Int(2)]));
        engine.rest(&BTreeSet::from([2]), bases.clone(), &mut None);
        assert_eq!(engine.value(b), Term::list([Term::Int(2)]));
        assert_eq!(engine.value(c), all);
        engine.rest(&BTreeSet::from([1]), bases.clone(), &mut None);
        assert_eq!(engine.value(b), all);
        assert_eq!(engine.value(c), Term::list([]));
        assert_eq!(engine.resting().len(), 1);
        // It is made already.
        assert!(!engine.derive(union(vec![a, b], c, 1), &mut None).expect("known"));
        // What closes a cycle with what rests is refused at once.
        let back = union(vec![c, c], a, 3);
        assert!(matches!(engine.derive(back.clone(), &mut None), Err(GraphError::Cycle { .. })));
        assert!(matches!(engine.derive_resting(back), Err(GraphError::Cycle { .. })));
        engine.rest(&BTreeSet::new(), bases, &mut None);
        assert_eq!((engine.value(b), engine.value(c)), (all.clone(), all));
    }
}
