//! What nodes are called: one that is lost is told of by the name that people gave it, and not by its number alone.

use std::collections::BTreeMap;

use crate::effects::NodeId;
use crate::node::enforce::Effects;

/// The most names that are remembered of nodes; a peer chooses its own, and may come back as another node each time.
const NAMES_MAX: usize = 1024;

/// The names by which peers have introduced themselves, those that are gone among them.
#[derive(Default)]
pub(super) struct Called(BTreeMap<NodeId, String>);

impl Called {
    /// A peer has introduced itself.
    pub(super) fn note(&mut self, node: NodeId, name: &str) {
        if self.0.len() < NAMES_MAX || self.0.contains_key(&node) {
            self.0.insert(node, name.to_owned());
        }
    }

    /// To be called before a new one is noted: whoever is not here gives way, where there are too many.
    pub(super) fn make_room(&mut self, here: impl Fn(NodeId) -> bool) {
        if self.0.len() >= NAMES_MAX {
            self.0.retain(|node, _| here(*node));
        }
    }
}

impl Effects {
    /// What a node is called, if this one has met it since it was started, or it is among those who decide; with its number, since
    /// several may bear one name.
    pub(super) fn called(&self, node: NodeId, own: &str) -> String {
        if node == self.me.node {
            return format!("`{own}`");
        }
        let member = || self.members.iter().find(|member| member.node == node).map(|member| &member.name);
        match self.called.0.get(&node).or_else(member) {
            Some(name) => format!("`{name}` (the node {node})"),
            None => format!("the node {node}"),
        }
    }
}
