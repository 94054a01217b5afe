//! Which types others know variables by, to tell of conflicts: the same given name with different types.

use crate::replica::KeyIndex;
use crate::replica::Out;
use crate::replica::PeerId;
use crate::replica::Replica;
use crate::replica::VariableKey;
use crate::value::kind::Type;
use crate::value::reference::Name;

/// The most types that are remembered of one name.
const FOREIGN_TYPES_MAX: usize = 8;
/// The most names whose types elsewhere are remembered.
const FOREIGN_NAMES_MAX: usize = 1 << 17;

impl Replica {
    /// A peer knows a variable: a given name of ours with another type is a conflict, told once for each type.
    pub(crate) fn note_type(&mut self, peer: PeerId, key: &VariableKey) {
        self.note_type_of(Some(peer), key);
    }

    /// The same of what this node was given to remember: an earlier program had a name for another type.
    pub(crate) fn note_remembered_types(&mut self) {
        let live = |index: &KeyIndex| self.state.keys.live(*index) > 0;
        let kept: Vec<VariableKey> =
            self.state.keys.all().filter(live).filter_map(|index| self.state.keys.get(index).cloned()).collect();
        kept.iter().for_each(|key| self.note_type_of(None, key));
    }

    fn note_type_of(&mut self, peer: Option<PeerId>, key: &VariableKey) {
        let Name::Given(name) = &key.name else { return };
        if self.foreign_types.len() >= FOREIGN_NAMES_MAX && !self.foreign_types.contains_key(name) {
            return;
        }
        let types = self.foreign_types.entry(name.clone()).or_default();
        let told = |(kind, by): &(Type, Option<PeerId>)| *kind == key.kind && by.is_some() == peer.is_some();
        if types.len() >= FOREIGN_TYPES_MAX || types.iter().any(told) {
            return;
        }
        types.push((key.kind.clone(), peer));
        if let Some(ours) = self.declared_types.get(name)
            && *ours != key.kind
        {
            let key_here = VariableKey { name: key.name.clone(), kind: ours.clone() };
            self.out.push_back(Out::Conflict { key: key_here, other: key.kind.clone(), peer });
        }
    }
}
