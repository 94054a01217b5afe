//! Who makes an update.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::lattice::dot::ReplicaIndex;
use crate::value::term::Term;

/// Who makes an update. Only bounded counters ask for more than the replica.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// This node's number for itself.
    pub replica: ReplicaIndex,
    /// The same on all nodes.
    pub incarnation: u128,
    /// Whose rights of a bounded counter are used; the node's own where there is none.
    pub actor: Option<&'a Term>,
    /// The nodes that this one has met, itself included, by name; under a name that several bear, several incarnations.
    pub nodes: Option<&'a BTreeMap<Term, Vec<u128>>>,
    /// Earlier incarnations of this node, of which it is certain that they spent nothing that is not known here: their rights are its own.
    pub before: Option<&'a BTreeSet<u128>>,
    /// How many updates of several operations this one is a part of: each gives numbers of its own to what it tries out.
    pub part_of: u32,
}

impl Author<'_> {
    /// A replica that has met nobody.
    #[must_use]
    pub fn alone(replica: ReplicaIndex, incarnation: u128) -> Author<'static> {
        Author { replica, incarnation, actor: None, nodes: None, before: None, part_of: 0 }
    }
}
