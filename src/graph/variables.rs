//! The graph itself: which variables and derivations there are.

use triomphe::Arc;

use rustc_hash::FxHashMap;

use crate::graph::derivation::Derivation;
use crate::graph::derivation::DerivationId;
use crate::graph::derivation::Side;
use crate::graph::error::GraphError;
use crate::graph::order::Order;
use crate::graph::rules;
use crate::value::reference::Name;
use crate::value::reference::Reference;

/// A variable's place in its [`Graph`], by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u32);

/// Variables and derivations. Both only ever come.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    variables: Vec<Arc<Reference>>,
    /// By name and by whether each node has its own.
    names: FxHashMap<(Name, bool), VariableId>,
    derivations: Vec<Derivation>,
    identities: FxHashMap<u128, DerivationId>,
    /// For each variable, the derivations that it is a source of.
    readers: Vec<Vec<(DerivationId, Side)>>,
    /// For each variable, the derivations into it.
    writers: Vec<Vec<DerivationId>>,
    order: Order,
}

impl Graph {
    /// The variable of that name, made if it is not there.
    ///
    /// # Errors
    /// When the name is that of a variable of another type.
    pub fn declare(&mut self, reference: &Reference) -> Result<VariableId, GraphError> {
        let key = (reference.name.clone(), reference.dynamic);
        if let Some(known) = self.names.get(&key) {
            let known_as = self.reference(*known);
            if known_as.kind == reference.kind {
                return Ok(*known);
            }
            return Err(GraphError::NameTaken { known: Arc::clone(known_as), asked: reference.kind.clone() });
        }
        let variable = VariableId(next_number(self.variables.len())?);
        self.variables.push(Arc::new(reference.clone()));
        self.names.insert(key, variable);
        self.readers.push(Vec::new());
        self.writers.push(Vec::new());
        self.order.add();
        Ok(variable)
    }

    /// The variable of that name and type, if it is there.
    #[must_use]
    pub fn find(&self, reference: &Reference) -> Option<VariableId> {
        let known = *self.names.get(&(reference.name.clone(), reference.dynamic))?;
        (self.reference(known).kind == reference.kind).then_some(known)
    }

    /// A variable's name and type.
    #[must_use]
    pub fn reference(&self, variable: VariableId) -> &Arc<Reference> {
        &self.variables[variable.0 as usize]
    }

    /// How many variables there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// Adds a derivation; `None` when it is there already.
    ///
    /// # Errors
    /// When it may not be made; the graph is then as it was.
    pub fn derive(&mut self, derivation: Derivation) -> Result<Option<DerivationId>, GraphError> {
        if self.identities.contains_key(&derivation.identity) {
            return Ok(None);
        }
        self.check(&derivation)?;
        let id = DerivationId(next_number(self.derivations.len())?);
        for (reader, side) in sides(&derivation.sources) {
            self.readers[reader.0 as usize].push((id, side));
            self.order.connect(reader, derivation.destination);
        }
        self.writers[derivation.destination.0 as usize].push(id);
        self.identities.insert(derivation.identity, id);
        self.derivations.push(derivation);
        Ok(Some(id))
    }

    /// Whether a derivation may be made: the rules of its verb, and no cycle.
    ///
    /// # Errors
    /// When it may not.
    pub fn check(&self, derivation: &Derivation) -> Result<(), GraphError> {
        let sources: Vec<&Arc<Reference>> = derivation.sources.iter().map(|source| self.reference(*source)).collect();
        rules::check(&derivation.operator, &sources, self.reference(derivation.destination))?;
        for source in &derivation.sources {
            if let Some(mut path) = self.order.path(derivation.destination, *source) {
                path.push(derivation.destination);
                let path = path.into_iter().map(|at| Arc::clone(self.reference(at))).collect();
                return Err(GraphError::Cycle { verb: derivation.operator.verb(), path });
            }
        }
        Ok(())
    }

    /// A derivation.
    #[must_use]
    pub fn derivation(&self, id: DerivationId) -> &Derivation {
        &self.derivations[id.0 as usize]
    }

    /// All derivations, oldest first.
    #[must_use]
    pub fn derivations(&self) -> &[Derivation] {
        &self.derivations
    }

    /// The derivations that a variable is a source of.
    #[must_use]
    pub fn readers(&self, variable: VariableId) -> &[(DerivationId, Side)] {
        &self.readers[variable.0 as usize]
    }

    /// The derivations into a variable.
    #[must_use]
    pub fn writers(&self, variable: VariableId) -> &[DerivationId] {
        &self.writers[variable.0 as usize]
    }

    /// The variable's rank: greater than those of all that it is derived from.
    #[must_use]
    pub fn rank(&self, variable: VariableId) -> u32 {
        self.order.rank(variable)
    }
}

fn sides(sources: &[VariableId]) -> Vec<(VariableId, Side)> {
    match sources {
        [left, right] if left == right => vec![(*left, Side::Both)],
        [left, right] => vec![(*left, Side::Left), (*right, Side::Right)],
        [only] => vec![(*only, Side::Left)],
        _ => Vec::new(),
    }
}

/// The number of the next one, where there are so many.
fn next_number(many: usize) -> Result<u32, GraphError> {
    u32::try_from(many).map_err(|_| GraphError::TooMany)
}

#[cfg(test)]
mod tests {
    use super::next_number;

    #[test]
    fn a_node_that_has_all_the_variables_that_it_can_number_says_so() {
        let all = usize::try_from(u32::MAX).expect("a place has 32 bits at least");
        assert_eq!(next_number(all).ok(), Some(u32::MAX));
        let told = next_number(all + 1).map_err(|error| error.diagnostic()).expect_err("there are no more");
        assert_eq!((told.code, &*told.title), ("E0314", "there are too many variables or derivations"));
    }
}
