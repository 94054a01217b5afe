//! Whether this node has a voice among those who decide, and what it remembers of the others who have: see
//! [`Heard`](crate::effects::Heard).

use std::collections::BTreeMap;
use std::mem;

use crate::effects::Damaged;
use crate::effects::Heard;
use crate::effects::Message;
use crate::effects::NodeId;
use crate::effects::OUTDATED;
use crate::effects::Put;
use crate::effects::Row;
use crate::effects::count;
use crate::effects::counted;
use crate::node::Node;
use crate::node::Output;
use crate::node::enforce::Effects;
use crate::node::report;
use crate::replica::PeerId;
use crate::replica::Role;

/// How often those are told of a count that has grown to whom nothing else is said.
const TELL_EVERY_MS: u64 = 1000;

/// How far this node has come in deciding, and what it has heard of others.
#[derive(Default)]
pub(super) struct Voice {
    /// Its own count, as the next commit leaves it without what `changed` says.
    count: u64,
    /// What it decides has changed since the count was last put.
    changed: bool,
    heard: Heard,
    /// What this node has told others of its count, over the connections that there are.
    told: BTreeMap<NodeId, u64>,
    tell_at: u64,
}

impl Voice {
    /// Takes over what is kept of others.
    pub(super) fn restore(&mut self, kept: &[Row]) -> Result<(), Damaged> {
        self.heard = Heard::restored(kept)?;
        Ok(())
    }

    /// The node begins to decide, with what is kept.
    pub(super) fn begin(&mut self, kept: &[Row]) -> Result<(), Damaged> {
        self.count = counted(kept)?;
        Ok(())
    }

    /// What is decided has changed.
    pub(super) fn note(&mut self, puts: &[Put]) {
        self.changed |= !puts.is_empty();
    }

    /// Its count once all that has come about until now is on disk. Nothing leaves before.
    fn to_be(&self) -> u64 {
        self.count + u64::from(self.changed)
    }

    /// The count goes to the disk with what it counts: one step for all that is written together.
    pub(super) fn put(&mut self) -> Option<Put> {
        let changed = mem::take(&mut self.changed);
        self.count += u64::from(changed);
        changed.then(|| count(self.count))
    }
}

impl Effects {
    /// This node's data is not what it had last: it decides nothing from now on. Says whether it did.
    pub(in crate::node) fn give_up_voice(&mut self) -> bool {
        if !mem::replace(&mut self.outdated, true) {
            self.puts.push(Put { key: OUTDATED.to_vec(), value: Some(Vec::new()) });
        }
        self.asker.lost(self.me.node);
        self.decider.take().is_some()
    }
}

impl Node {
    /// A peer can be spoken to.
    pub(in crate::node) fn effects_connected(&mut self, peer: PeerId, node: NodeId, role: Role) {
        self.enforced.links.insert(node, peer);
        self.enforced.nodes.insert(peer, (node, role));
        if let Some(name) = self.peers.get(&peer) {
            let Effects { called, links, .. } = &mut self.enforced;
            called.make_room(|node| links.contains_key(&node));
            called.note(node, name);
        }
        if role == Role::Server {
            self.enforced.asker.connected(node, self.now_ms);
            self.enforced.voice.told.remove(&node);
            self.tell_count(node);
        }
        self.after_effects();
    }

    /// It no longer can.
    pub(in crate::node) fn effects_lost(&mut self, peer: PeerId) {
        let Some((node, _)) = self.enforced.nodes.remove(&peer) else { return };
        // Another connection may have taken its place.
        let other = self.enforced.nodes.iter().find(|(_, (other, _))| *other == node).map(|(peer, _)| *peer);
        if let Some(other) = other {
            self.enforced.links.insert(node, other);
        } else {
            self.enforced.links.remove(&node);
            self.enforced.asker.lost(node);
        }
    }

    /// Tells a server how far this node has come, if it decides and has not told it. To come before anything that follows from that.
    pub(super) fn tell_count(&mut self, to: NodeId) {
        let effects = &mut self.enforced;
        let Some(peer) = effects.links.get(&to) else { return };
        let server = effects.nodes.get(peer).is_some_and(|(_, role)| *role == Role::Server);
        let mine = effects.voice.to_be();
        if effects.decider.is_none() || !server || effects.voice.told.get(&to).is_some_and(|told| *told >= mine) {
            return;
        }
        effects.voice.told.insert(to, mine);
        self.outputs.push_back(Output::Send { peer: *peer, bytes: Message::Count { mine, yours: 0 }.encode() });
    }

    /// Tells all servers that are here, now and then.
    pub(super) fn tell_counts(&mut self) {
        let voice = &mut self.enforced.voice;
        if self.enforced.decider.is_none() || self.now_ms < voice.tell_at {
            return;
        }
        voice.tell_at = self.now_ms + TELL_EVERY_MS;
        let here: Vec<NodeId> = self.enforced.links.keys().copied().collect();
        here.into_iter().for_each(|node| self.tell_count(node));
    }

    /// A server says how far it has come, or how far this node had when it last heard of it.
    pub(super) fn effects_count(&mut self, from: NodeId, mine: u64, yours: u64) {
        let effects = &mut self.enforced;
        let Some(&peer) = effects.links.get(&from) else { return };
        let here = effects.voice.to_be();
        if yours > 0 {
            if yours > here && effects.decider.is_some() {
                effects.give_up_voice();
                let name = self.peers.get(&peer).cloned().unwrap_or_default();
                self.report(report::no_voice(Some((&name, yours, here))));
            }
            return;
        }
        let heard = effects.voice.heard.of(from);
        if effects.members.iter().all(|member| member.node != from) {
            return;
        }
        // One that has forgotten all of it says 0.
        if mine < heard {
            let bytes = Message::Count { mine: 0, yours: heard }.encode();
            self.outputs.push_back(Output::Send { peer, bytes });
        } else {
            effects.puts.extend(effects.voice.heard.note(from, mine));
        }
    }
}
