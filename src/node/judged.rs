//! What a judge of a simulation asks a node for.

use crate::effects::EffectKey;
use crate::lattice::dot::Lane;
use crate::lattice::dot::ReplicaIndex;
use crate::lattice::dot::TopicId;
use crate::node::Node;
use crate::node::TopLevel;
use crate::replica::VariableKey;
use crate::replica::Written;
use crate::value::content::Content;
use crate::value::kind::Type;
use crate::value::term::Term;

impl Node {
    /// From now on, keeps what this node writes for [`Node::take_written`].
    pub fn follow_writes(&mut self) {
        self.replica.follow_writes();
    }

    /// What this node has written since this was asked last.
    pub fn take_written(&mut self) -> Vec<Written> {
        self.replica.take_written()
    }

    /// The number of a lane here, by which [`Node::height`] finds it at once; none before it is heard of.
    #[must_use]
    pub fn lane_index(&self, lane: Lane) -> Option<ReplicaIndex> {
        self.replica.lane_index(lane)
    }

    /// How many of a lane's updates have been seen here.
    #[must_use]
    pub fn height(&self, lane: ReplicaIndex) -> u64 {
        self.replica.height(lane)
    }

    /// How often what has been seen here has changed.
    #[must_use]
    pub fn seen_changes(&self) -> u64 {
        self.replica.vector_changes()
    }

    /// A digest of what the node has seen: equal on nodes that have seen the same.
    #[must_use]
    pub fn vector_digest(&self) -> u128 {
        self.replica.vector_digest()
    }

    /// A digest of which topics the node takes: equal on nodes that take the same.
    #[must_use]
    pub fn interest_digest(&self) -> u128 {
        self.replica.interest_digest()
    }

    /// Whether the node takes what belongs to a topic.
    #[must_use]
    pub fn takes_topic(&self, topic: TopicId) -> bool {
        self.replica.takes(topic)
    }

    /// All live entries, by replica and sequence number.
    pub fn entries(&self) -> impl Iterator<Item = ((Lane, u64), &VariableKey, &Content, Option<u128>)> {
        let entries = self.replica.entries();
        entries.filter_map(|(dot, key, content, slot)| Some((dot, self.replica.variable(key)?, content, slot)))
    }

    /// Whether all connected peers are known to have seen just what this node has.
    #[must_use]
    pub fn agrees_with_peers(&self) -> bool {
        self.peers.keys().all(|peer| self.agrees_with(*peer))
    }

    /// The effects that this node waits for and does not know to be over, and of each whether nothing is decided.
    pub fn effects_pending(&self) -> impl Iterator<Item = (EffectKey, bool)> {
        self.enforced.pending()
    }

    /// The bounded counters with names at top level, with their values.
    pub fn bounded_counters(&mut self) -> Vec<(String, Term)> {
        let mut found = Vec::new();
        for (name, term) in self.bound_names() {
            if let Term::Ref(reference) = term
                && reference.kind == Type::BCounter
                && let Some(variable) = self.engine.find(&reference)
            {
                found.push((name, self.engine.value(variable)));
            }
        }
        found
    }

    /// How far the top level is.
    #[must_use]
    pub fn top_level(&self) -> TopLevel {
        self.top_level_now()
    }

    /// From now on no task has another turn: what is under way is brought to its end by the replicas alone.
    pub fn stand_still(&mut self) {
        if let Some((.., mut task)) = self.running.take() {
            self.abandon(&mut task);
        }
        self.take_in_waiting();
        self.stands_still = true;
    }
}
