//! What nodes tell each other of a derivation, and the messages in which they do.

use serde::Deserialize;
use serde::Serialize;
use triomphe::Arc;

use crate::graph::Derivation;
use crate::graph::Graph;
use crate::graph::Operator;
use crate::graph::VariableId;
use crate::replica::Bounded;
use crate::value::codec;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// The first byte of these messages.
pub(crate) const DERIVATIONS: u8 = 0x82;
/// The most derivations of which a node tells another, and hears of from one.
pub(crate) const FACTS_MAX: usize = 1 << 12;
/// The most bytes of what is told of one: its sources' and its destination's names and types.
pub(crate) const FACT_BYTES_MAX: usize = 1 << 12;
/// How many are asked for at once.
pub(super) const ASKED_MAX: usize = 64;
/// The distance at which nobody has it.
pub(super) const FAR: u8 = 32;

/// A variable, as far as all nodes can know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The hash of its name and type.
    pub(crate) hash: u128,
    /// The variable itself, where it is known.
    pub(crate) reference: Option<Arc<Reference>>,
    /// Whether no other node is told more than the hash: it has a topic, which others may not take.
    hidden: bool,
}

impl Variable {
    pub(crate) fn new(reference: Arc<Reference>, hidden: bool) -> Variable {
        Variable { hash: hash_of(&reference), reference: Some(reference), hidden }
    }

    /// Whether it has a topic, as whoever told of it says.
    pub(crate) fn has_topic(&self) -> bool {
        self.hidden
    }

    /// For messages.
    pub(crate) fn plain(&self) -> String {
        self.reference.as_ref().map_or_else(|| "(a variable of a topic)".to_owned(), |known| known.name.plain())
    }

    pub(crate) fn told(&self) -> WireVariable {
        match &self.reference {
            Some(reference) if !self.hidden => WireVariable::Named(Term::Ref(Arc::clone(reference))),
            _ => WireVariable::Hashed(self.hash.to_le_bytes()),
        }
    }
}

/// The hash by which a variable is known without being named.
pub(crate) fn hash_of(reference: &Arc<Reference>) -> u128 {
    let hash = blake3::hash(&codec::encode(&Term::Ref(Arc::clone(reference))));
    hash.as_bytes().iter().take(16).fold(0, |number, &byte| number << 8 | u128::from(byte))
}

/// A derivation, as far as all nodes can know it: its functions are in its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) operator: u8,
    pub(crate) sources: Vec<Variable>,
    pub(crate) destination: Variable,
}

impl Fact {
    /// What is told of a derivation of this node; `hidden` says of which variables no name is.
    pub(crate) fn of(derivation: &Derivation, graph: &Graph, hidden: impl Fn(VariableId) -> bool) -> Fact {
        let variable = |id: VariableId| Variable::new(Arc::clone(graph.reference(id)), hidden(id));
        Fact {
            operator: derivation.operator.tag(),
            sources: derivation.sources.iter().map(|source| variable(*source)).collect(),
            destination: variable(derivation.destination),
        }
    }

    /// Its verb.
    pub(crate) fn verb(&self) -> &'static str {
        Operator::verb_of(self.operator).unwrap_or("derivation")
    }

    /// Whether it is small enough to be told.
    pub(crate) fn fits(&self) -> bool {
        postcard::to_allocvec(&self.told(0)).is_ok_and(|bytes| bytes.len() <= FACT_BYTES_MAX)
    }

    pub(super) fn told(&self, identity: u128) -> WireFact {
        WireFact {
            identity: identity.to_le_bytes(),
            operator: self.operator,
            sources: self.sources.iter().map(Variable::told).collect::<Vec<_>>().into(),
            destination: self.destination.told(),
        }
    }
}

/// A derivation in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WireFact {
    identity: [u8; 16],
    operator: u8,
    sources: Bounded<WireVariable, 2>,
    destination: WireVariable,
}

/// A variable in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum WireVariable {
    /// Its reference.
    Named(Term),
    /// The hash of that.
    Hashed([u8; 16]),
}

impl WireVariable {
    /// `None` for what is no variable.
    pub(crate) fn read(self) -> Option<Variable> {
        match self {
            WireVariable::Named(Term::Ref(reference)) => Some(Variable::new(reference, false)),
            WireVariable::Named(_) => None,
            WireVariable::Hashed(hash) => {
                Some(Variable { hash: u128::from_le_bytes(hash), reference: None, hidden: true })
            }
        }
    }
}

impl WireFact {
    /// `None` for what no node tells.
    pub(super) fn read(self) -> Option<(u128, Fact)> {
        let sources = self.sources.0.into_iter().map(WireVariable::read).collect::<Option<Vec<Variable>>>()?;
        let fact = Fact { operator: self.operator, sources, destination: self.destination.read()? };
        let known = Operator::verb_of(fact.operator).is_some();
        (known && !fact.sources.is_empty() && fact.fits()).then_some((u128::from_le_bytes(self.identity), fact))
    }
}

/// A message about derivations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Word {
    /// How far from the sender those are who have derivations, as it changed since what it told with number `base`, or all of
    /// it where that is 0: identities and distances, [`FAR`] for what is no more.
    Has { number: u64, base: u64, distances: Bounded<([u8; 16], u8), { 2 * FACTS_MAX }> },
    /// What was told with this number has been heard.
    Heard { number: u64 },
    /// What are these?
    Ask { identities: Bounded<[u8; 16], ASKED_MAX> },
    /// These are they.
    Are { facts: Bounded<WireFact, ASKED_MAX> },
}

pub(super) fn encode(word: &Word) -> Vec<u8> {
    // Writing to memory fails only for a sequence of unknown length, and none has one.
    postcard::to_extend(word, vec![DERIVATIONS]).unwrap_or_default()
}

/// `None` for bytes that are no such message; the first byte has been looked at.
pub(super) fn decode(bytes: &[u8]) -> Option<Word> {
    match postcard::take_from_bytes(bytes.get(1..)?) {
        Ok((word, [])) if bytes.len() <= crate::replica::MESSAGE_BYTES_MAX => Some(word),
        _ => None,
    }
}
