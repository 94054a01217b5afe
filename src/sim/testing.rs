//! What tests of programs ask of a cluster: to evaluate examples, and not to work for ever.

use crate::node::Input;
use crate::node::Status;
use crate::sim::Cluster;
use crate::source::files::Files;
use crate::source::span::Span;
use crate::value::term::Term;

impl Cluster {
    /// Gives a node an example, or a call, to evaluate; `name` is what messages show as its file.
    pub fn example(&mut self, node: usize, name: &str, text: &str) {
        if self.is_up(node) {
            self.give(node, Input::Example { name: name.to_owned(), text: text.to_owned() });
        }
    }

    /// What the forms of a node's examples came to, in order; none for one that failed.
    #[must_use]
    pub fn evaluated(&self, node: usize) -> &[Option<Term>] {
        self.places.get(node).map_or(&[], |place| &place.evaluated)
    }

    /// How a node stands, if there is such a node.
    pub fn status(&mut self, node: usize) -> Option<Status> {
        self.places.get_mut(node).map(|place| place.node.status())
    }

    /// The texts that a node's messages refer to, if there is such a node.
    #[must_use]
    pub fn texts(&self, node: usize) -> Option<&Files> {
        self.places.get(node).map(|place| place.node.files())
    }

    /// From now on all nodes together have so many turns in which they do not come to an end; after that nothing runs any more.
    pub fn limit_turns(&mut self, turns: u64) {
        self.turns_left = Some(turns);
    }

    /// From now on the derivations of each node may look at so many elements in one turn.
    pub fn limit_elements(&mut self, elements: u64) {
        self.elements = Some(elements);
    }

    /// The node that has used the last turn up, and where it is in the program.
    #[must_use]
    pub fn busiest(&self) -> Option<(usize, Option<(Span, &'static str)>)> {
        self.last_turn.map(|node| (node, self.goes_on_at(node)))
    }

    /// A node on which something goes on, and where.
    #[must_use]
    pub fn restless(&self) -> Option<(usize, Option<(Span, &'static str)>)> {
        let goes_on = |node: &usize| self.goes_on_at(*node).is_some();
        self.up().into_iter().find(goes_on).map(|node| (node, self.goes_on_at(node)))
    }

    fn goes_on_at(&self, node: usize) -> Option<(Span, &'static str)> {
        let node = &self.places.get(node)?.node;
        Some((node.goes_on_at()?, node.goes_on_how()))
    }

    /// Whether the turns are used up.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.turns_left == Some(0)
    }
}
