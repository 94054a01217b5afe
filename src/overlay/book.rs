//! The address book: the latest card of every node that was heard of.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::overlay::NodeId;

/// What a node tells of itself, and others of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Of two cards of one node the greater counts: a node that starts, or changes its address, counts up.
    pub counter: u64,
    /// How it can be reached, in whatever form the edge likes; 256 bytes at most.
    pub reach: Vec<u8>,
}

/// See the module.
pub(super) struct Book {
    cards: BTreeMap<NodeId, (Card, u64)>,
    /// By how long ago the node was heard of.
    order: BTreeMap<u64, NodeId>,
    last: u64,
    most: usize,
}

impl Book {
    pub(super) fn new(most: usize) -> Book {
        Book { cards: BTreeMap::new(), order: BTreeMap::new(), last: 0, most }
    }

    pub(super) fn get(&self, node: NodeId) -> Option<&Card> {
        self.cards.get(&node).map(|(card, _)| card)
    }

    /// Notes a card. Says whether it is news.
    pub(super) fn note(&mut self, node: NodeId, card: Card) -> bool {
        let old = self.cards.get(&node);
        let news = old.is_none_or(|(old, _)| old.counter < card.counter);
        let card = match old {
            Some((old, _)) if !news => old.clone(),
            _ => card,
        };
        if let Some((_, stamp)) = old {
            self.order.remove(stamp);
        }
        self.last += 1;
        self.order.insert(self.last, node);
        self.cards.insert(node, (card, self.last));
        news
    }

    /// Forgets a node.
    pub(super) fn forget(&mut self, node: NodeId) {
        if let Some((_, stamp)) = self.cards.remove(&node) {
            self.order.remove(&stamp);
        }
    }

    /// Who is to be forgotten, because there are too many: whoever was not heard of for longest and may go.
    pub(super) fn surplus(&self, may_go: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        if self.cards.len() <= self.most {
            return None;
        }
        self.order.values().copied().find(|node| may_go(*node))
    }

    pub(super) fn len(&self) -> usize {
        self.cards.len()
    }
}
