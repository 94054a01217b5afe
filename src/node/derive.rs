//! Derivations: from the verbs' arguments to the graph.

use crate::graph::Derivation;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::node::Node;
use crate::node::effects::Caller;
use crate::node::verbs::Refusal;
use crate::value::atom::Atom;
use crate::value::codec;
use crate::value::kind::Type;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;

use triomphe::Arc;

impl Node {
    /// Makes a derivation, or finds that it is made already; returns the reference of its destination.
    ///
    /// Without a destination one is made: under `name` at top level, elsewhere under one that follows from what is derived, so
    /// that it is the same on all nodes; and one for each node when a source is.
    pub(super) fn derive(
        &mut self,
        operator: Operator,
        sources: &[Term],
        destination: Option<&Term>,
        name: Option<Atom>,
    ) -> Result<Term, Refusal> {
        let mut ids = Vec::with_capacity(sources.len());
        for source in sources {
            ids.push(self.variable_of(source)?);
        }
        let destination = if let Some(term) = destination {
            Node::reference_of(term)?
        } else {
            let dynamic = ids.iter().any(|id| self.engine.reference(*id).dynamic);
            let name = match name {
                Some(atom) => Name::Given(Term::Atom(atom)),
                None => self.derived_name(&operator, &ids, dynamic)?,
            };
            Arc::new(Reference { name, kind: Type::Set, dynamic })
        };
        self.note_place(&destination);
        let target = self.variable(&destination)?;
        let identity = self.derivation_identity(&operator, &ids, &destination)?;
        // What a fold or group_by contributes comes from its last function.
        let function = match operator.functions().last().copied() {
            Some(Term::Fun(function)) => Some(function.clone()),
            _ => None,
        };
        let arity = function.as_ref().map_or(0, |function| function.arity);
        let place = function.and_then(|function| self.machine.place(&Term::Fun(function)));
        if let Some(place) = self.places.view.or(place).or(self.places.verb) {
            self.functions_at.insert(identity, (place, arity));
        }
        let derivation = Derivation { operator, sources: ids, destination: target, identity };
        // What a `fold_dynamic` contributes is no part of a view.
        let shown = self.engine.taken(target).is_some()
            && (self.transaction.is_none() || !matches!(derivation.operator, Operator::FoldDynamic(_)));
        if shown {
            // What is shown of it and what this derives would count twice; in a transaction the view stays until its end.
            if self.engine.derive_resting(derivation)? {
                self.derivations.made();
                self.settle_derivations();
            }
        } else {
            let mut caller = Caller { machine: &mut self.machine, failures: &mut self.element_failures };
            if self.engine.derive(derivation, &mut caller)? {
                self.derivations.made();
            }
            self.settled();
        }
        self.wake_fed(target);
        Ok(Term::Ref(destination))
    }

    /// The name of a variable that is being made.
    pub(super) fn name_for(&mut self, name: Option<Atom>) -> Name {
        match name {
            Some(atom) => Name::Given(Term::Atom(atom)),
            None => self.fresh_name(),
        }
    }

    /// The name of what is derived into no variable in particular. Made twice it is one, and nodes that run the same program
    /// have one and the same; were it another on each, what they tell each other of would grow with how many they are.
    fn derived_name(&self, operator: &Operator, sources: &[VariableId], dynamic: bool) -> Result<Name, Refusal> {
        let topic = self.tasks.topic().0;
        let unnamed = Arc::new(Reference { name: Name::Fresh(0, 0, topic), kind: Type::Set, dynamic });
        Ok(Name::Fresh(self.derivation_identity(operator, sources, &unnamed)?, 0, topic))
    }

    /// What a derivation is, the same on all nodes: operator, functions, sources, destination.
    pub(super) fn derivation_identity(
        &self,
        operator: &Operator,
        sources: &[VariableId],
        destination: &Arc<Reference>,
    ) -> Result<u128, Refusal> {
        let mut bytes = vec![operator.tag()];
        for function in operator.functions() {
            bytes.extend(self.machine.identity(function)?.to_be_bytes());
        }
        for source in sources {
            codec::put(&mut bytes, &Term::Ref(self.engine.reference(*source).clone()));
        }
        codec::put(&mut bytes, &Term::Ref(destination.clone()));
        let hash = blake3::hash(&bytes);
        let mut identity = [0; 16];
        identity.copy_from_slice(&hash.as_bytes()[..16]);
        Ok(u128::from_be_bytes(identity))
    }
}
