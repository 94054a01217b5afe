//! Topics: which variables belong to which, and which of them this node takes.
//!
//! A variable has one topic, or none, and has it before its first update: the program says so by `set_topic`; or else the
//! first update that comes from elsewhere does, by the lane that it is in; or else the task that makes the variable. Only
//! what is written is in a lane, so a topic can be set as long as nothing has been.

use std::collections::BTreeSet;

use crate::engine::BaseChange;
use crate::graph::VariableId;
use crate::lattice::dot::TopicId;
use crate::library::Verb;
use crate::node::Node;
use crate::node::verbs::Refusal;
use crate::node::verbs::brief;
use crate::node::verbs::ok;
use crate::replica::Change;
use crate::replica::KeyIndex;
use crate::replica::Role;
use crate::replica::VariableKey;
use crate::value::codec;
use crate::value::reference::Name;
use crate::value::reference::Reference;
use crate::value::term::Term;

/// The most bytes that a topic may have.
const TOPIC_BYTES_MAX: usize = 1 << 12;

impl Node {
    /// What this node's own certificate lets it do; a server unless told.
    pub fn set_certificate(&mut self, role: Role) {
        self.replica.set_role(role);
        self.derivations.set_role(role);
    }

    pub(super) fn topic_verb(&mut self, verb: Verb, arguments: &[Term]) -> Result<Term, Refusal> {
        match (verb, arguments) {
            (Verb::Interested | Verb::Disinterested, [topic]) => {
                let id = self.topic_id(topic)?;
                if self.transaction.is_some() {
                    return Err(Refusal::new("E0371", "`atomically` only updates: what a node takes is not an update")
                        .help("say what this node takes before it, or after it"));
                }
                if verb == Verb::Interested {
                    self.replica.interested(id)?;
                } else {
                    self.replica.disinterested(id)?;
                    self.forget_slots(id);
                }
                self.views.stale = true;
                self.after_replica();
                Ok(ok())
            }
            (Verb::SetTopic, [target, topic]) => {
                let id = self.topic_id(topic)?;
                self.set_topic(target, topic, id)?;
                Ok(target.clone())
            }
            (Verb::RemoveTopic, [target, topic]) => {
                let (id, variable) = (self.topic_id(topic)?, self.variable_of(target)?);
                if self.topic_of(variable) == id {
                    self.set_topic(target, topic, TopicId::NONE)?;
                }
                Ok(target.clone())
            }
            (verb, _) => Err(Refusal::new("E0391", format!("`{verb:?}` does not take these arguments"))),
        }
    }

    /// A topic is known by its term.
    fn topic_id(&mut self, topic: &Term) -> Result<TopicId, Refusal> {
        let mut bytes = Vec::new();
        codec::put(&mut bytes, topic);
        if bytes.len() > TOPIC_BYTES_MAX {
            return Err(Refusal::new(
                "E0391",
                format!("a topic takes at most {TOPIC_BYTES_MAX} bytes, and this is {}", brief(topic)),
            )
            .help("an atom or a text names a topic, or a tuple such as `{room, 7}`"));
        }
        let hash = blake3::hash(&bytes);
        let half = hash.as_bytes().iter().take(16).fold(0, |number, &byte| number << 8 | u128::from(byte));
        let id = TopicId::hashed(half);
        self.topic_names.entry(id).or_insert_with(|| topic.clone());
        Ok(id)
    }

    /// A topic for people, if its name has been heard here.
    fn topic_name(&self, topic: TopicId) -> String {
        match self.topic_names.get(&topic) {
            _ if topic == TopicId::NONE => "no topic".to_owned(),
            Some(name) => format!("the topic `{}`", brief(name)),
            None => "another topic".to_owned(),
        }
    }

    /// The topic of a variable.
    pub(super) fn topic_of(&self, variable: VariableId) -> TopicId {
        self.keys.get(&variable).map_or(TopicId::NONE, |key| self.replica.topic(*key))
    }

    /// Whether all that there is of a variable comes here: its own topic, and those of all that feeds it, are taken.
    pub(super) fn takes(&self, variable: VariableId) -> bool {
        let (only, topics) = self.replica.taking();
        if !only && topics.is_empty() {
            return true;
        }
        let (mut met, mut left) = (BTreeSet::from([variable]), vec![variable]);
        while let Some(next) = left.pop() {
            // A dynamic variable is this node's own, whatever topic its maker was in.
            if !self.engine.reference(next).dynamic && !self.replica.takes(self.topic_of(next)) {
                return false;
            }
            left.extend(self.sources(next).into_iter().filter(|source| met.insert(*source)));
        }
        true
    }

    /// What feeds a variable here, directly.
    pub(super) fn sources(&self, variable: VariableId) -> BTreeSet<VariableId> {
        let graph = self.engine.graph();
        graph.writers(variable).iter().flat_map(|id| graph.derivation(*id).sources.iter().copied()).collect()
    }

    fn set_topic(&mut self, target: &Term, named: &Term, topic: TopicId) -> Result<(), Refusal> {
        let variable = self.variable_of(target)?;
        let Some(key) = self.keys.get(&variable).copied() else {
            return Err(Refusal::new(
                "E0374",
                format!("{} never leaves this node, so it has no topic", self.engine.reference(variable).name.plain()),
            )
            .help("set the topic of the variable that `fold_dynamic` feeds"));
        };
        let now = self.replica.topic(key);
        if now == topic {
            return Ok(());
        }
        if self.replica.used(key) {
            let has = self.topic_name(now);
            let title =
                format!("{} has been updated already, with {has}", self.engine.reference(variable).name.plain());
            let refusal = Refusal::new("E0374", title)
                .help("a variable's topic is set once, before its first update here or elsewhere");
            return Err(refusal.help(format!("write `set_topic(V, {})` right after `declare`", brief(named))));
        }
        self.place_under(variable, topic);
        Ok(())
    }

    /// A variable that is new, or that nobody has updated, gets this topic; and with it what is here under that.
    pub(super) fn place_under(&mut self, variable: VariableId, topic: TopicId) {
        let key = Node::key_of(self.engine.reference(variable));
        if let Some(before) = self.keys.get(&variable) {
            self.variables.remove(before);
        }
        let index = self.replica.key_of(&key, topic);
        self.replica.declare_in(&key, topic);
        self.keys.insert(variable, index);
        self.variables.insert(index, variable);
        self.views.stale = true;
        let known = self.entries_here(variable, index);
        if !known.is_empty() {
            self.apply(known);
        }
    }

    pub(super) fn key_of(reference: &Reference) -> VariableKey {
        VariableKey { name: reference.name.clone(), kind: reference.kind.clone() }
    }

    /// What is here of a variable that the program has not looked at under this number.
    pub(super) fn entries_here(&mut self, variable: VariableId, index: KeyIndex) -> Vec<BaseChange> {
        let mut known = Vec::new();
        for (dot, content, slot) in self.replica.entries_of(index) {
            if let Some(derivation) = slot {
                self.note_former(variable, derivation, dot, &content, true);
            }
            known.push(BaseChange { variable, dot, content, slot: slot.is_some(), present: true });
        }
        known
    }

    /// The topic with which a variable begins: that of what has come of it, else that of the task that made it.
    pub(super) fn first_topic(&self, key: &VariableKey) -> TopicId {
        let by_name = if let Name::Fresh(_, _, topic) = &key.name { TopicId(*topic) } else { TopicId::NONE };
        let come = self.replica.topics_of(key);
        if come.is_empty() || come.contains(&by_name) { by_name } else { come[0] }
    }

    /// Changes of variables under numbers that nothing here stands for: a declared variable that has no updates yet turns out
    /// to have this topic. One that has is another variable, though it has the same name, and that is told.
    /// Gives the numbers of the former: all that is here of them has been taken in.
    pub(super) fn meet_topics(&mut self, changes: &[Change]) -> Vec<KeyIndex> {
        if self.topic_names.is_empty() && !self.replica.has_topics() {
            return Vec::new();
        }
        let mut unknown: Vec<KeyIndex> = changes.iter().map(|change| change.key).collect();
        unknown.retain(|key| !self.variables.contains_key(key));
        unknown.sort_unstable();
        unknown.dedup();
        let mut rebound = Vec::new();
        for index in unknown {
            let Some(key) = self.replica.variable(index).cloned() else { continue };
            let reference = Reference { name: key.name, kind: key.kind, dynamic: false };
            let Some(variable) = self.engine.find(&reference) else { continue };
            let Some(mine) = self.keys.get(&variable).copied().filter(|mine| *mine != index) else { continue };
            let topic = self.replica.topic(index);
            if self.replica.used(mine) {
                self.tell_other_topic(variable, mine, topic);
            } else {
                self.place_under(variable, topic);
                rebound.push(index);
            }
        }
        rebound
    }

    fn tell_other_topic(&mut self, variable: VariableId, mine: KeyIndex, other: TopicId) {
        if !self.topics_told.insert((variable, other)) {
            return;
        }
        let (name, here) = (self.engine.reference(variable).name.plain(), self.topic_name(self.replica.topic(mine)));
        let refusal =
            Refusal::new("E0375", format!("{name} has {here} here and {} on another node", self.topic_name(other)));
        let refusal = refusal.help("Each keeps its own data, and the two are not joined. Have `set_topic` right after `declare`, on all nodes alike.");
        self.report(refusal.diagnostic());
    }

    /// What this node contributed to variables of a topic is not here any longer.
    fn forget_slots(&mut self, topic: TopicId) {
        let replica = &self.replica;
        self.slots.values_mut().for_each(|held| held.retain(|_, dot| replica.lane(dot.replica()).topic != topic));
    }
}
