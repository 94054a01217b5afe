//! Which nodes this one has met, by name: to whom rights of a bounded counter can be moved.

use std::collections::BTreeMap;

use crate::lattice::dot::ReplicaId;
use crate::replica::PeerId;
use crate::value::term::Term;

/// See the module.
pub(super) struct Met {
    own: (Term, u128),
    connected: BTreeMap<PeerId, (Term, u128)>,
    names: BTreeMap<Term, Vec<u128>>,
}

impl Met {
    pub(super) fn new(name: Term, own: ReplicaId) -> Met {
        let names = BTreeMap::from([(name.clone(), vec![own.0])]);
        Met { own: (name, own.0), connected: BTreeMap::new(), names }
    }

    pub(super) fn connected(&mut self, peer: PeerId, name: Term, incarnation: ReplicaId) {
        self.connected.insert(peer, (name.clone(), incarnation.0));
        self.note(name);
    }

    pub(super) fn lost(&mut self, peer: PeerId) {
        if let Some((name, _)) = self.connected.remove(&peer) {
            self.note(name);
        }
    }

    /// Who bears a name: those who are here; when none of them is, whoever was here last.
    fn note(&mut self, name: Term) {
        let here = self.connected.values().chain([&self.own]).filter(|(known, _)| *known == name);
        let mut here: Vec<u128> = here.map(|(_, incarnation)| *incarnation).collect();
        here.sort_unstable();
        here.dedup();
        if !here.is_empty() {
            self.names.insert(name, here);
        }
    }

    /// The peers that are here, with their incarnations.
    pub(super) fn here(&self) -> impl Iterator<Item = (PeerId, u128)> {
        self.connected.iter().map(|(peer, (_, incarnation))| (*peer, *incarnation))
    }

    /// Incarnations by name.
    pub(super) fn names(&self) -> &BTreeMap<Term, Vec<u128>> {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_who_is_here_else_who_was_here_last() {
        let (n0, n1) = (Term::atom("n0"), Term::atom("n1"));
        let mut met = Met::new(n0.clone(), ReplicaId(1));
        assert_eq!(met.names().get(&n0), Some(&vec![1]));
        met.connected(PeerId(1), n1.clone(), ReplicaId(2));
        met.connected(PeerId(2), n1.clone(), ReplicaId(3));
        assert_eq!(met.names().get(&n1), Some(&vec![2, 3]));
        met.lost(PeerId(1));
        assert_eq!(met.names().get(&n1), Some(&vec![3]));
        met.lost(PeerId(2));
        assert_eq!(met.names().get(&n1), Some(&vec![3]));
        met.connected(PeerId(3), n1.clone(), ReplicaId(4));
        assert_eq!(met.names().get(&n1), Some(&vec![4]));
    }
}
