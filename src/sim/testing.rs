//! What tests of programs ask of a cluster: to evaluate examples, and not to work for ever.

use crate::node::Input;
use crate::node::Status;
use crate::sim::Cluster;
use crate::source::files::Files;
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

    /// Whether the turns are used up.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.turns_left == Some(0)
    }
}
