//! What replication keeps, in bytes: for each variable, and for the replicas that ever wrote. Figures for people; nothing
//! depends on them.

use std::collections::BTreeMap;

use crate::lattice::dot::Dot;
use crate::replica::KeyIndex;
use crate::replica::Replica;
use crate::replica::names::SlotTag;
use crate::replica::wire;

/// What is kept of one variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many entries are live.
    pub entries: usize,
    /// The bytes of what these hold, as they travel.
    pub content_bytes: usize,
    /// The bytes by which they are known from each other: of each its dot, its variable and its slot.
    pub tag_bytes: usize,
}

/// What is kept of the replicas that ever wrote, whether they are there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writers {
    /// How many there are; one that wrote to several topics counts for each.
    pub lanes: usize,
    /// The bytes of their identities and of how many of their updates were seen.
    pub bytes: usize,
}

impl Replica {
    /// What is kept of each variable that has live entries.
    #[must_use]
    pub fn kept(&self) -> BTreeMap<KeyIndex, Kept> {
        let tag_bytes = size_of::<Dot>() + size_of::<KeyIndex>() + size_of::<SlotTag>();
        let mut kept: BTreeMap<KeyIndex, Kept> = BTreeMap::new();
        for (_, entry) in self.state.store.iter() {
            let of = kept.entry(entry.key).or_default();
            of.entries += 1;
            of.content_bytes += wire::size(&entry.content);
            of.tag_bytes += tag_bytes;
        }
        kept
    }

    /// What is kept of the replicas that ever wrote.
    #[must_use]
    pub fn writers(&self) -> Writers {
        Writers { lanes: self.vector().count(), bytes: self.state.replicas.bytes() + self.state.vector().bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::dot::Lane;
    use crate::lattice::dot::ReplicaId;
    use crate::replica::Limits;
    use crate::replica::PeerId;
    use crate::replica::Record;
    use crate::replica::Role;
    use crate::replica::message::Message;
    use crate::replica::tests::PEER;
    use crate::replica::tests::element;
    use crate::replica::tests::key;
    use crate::replica::tests::messages;
    use crate::replica::tests::outs;
    use crate::value::kind::Type;

    /// What is to be remembered beyond the process, with all numbers as they would be at the same height.
    fn remembered(replica: &Replica) -> Vec<Record> {
        let place = |place: crate::replica::Place| crate::replica::Place { sequence: 1, ..place };
        let same = |record| match record {
            Record::Height(at) => Record::Height(place(at)),
            other => other,
        };
        replica.whole_journal().map(same).collect()
    }

    #[test]
    fn a_million_adds_and_removes_of_one_element_leave_no_trace() {
        let rounds = if cfg!(debug_assertions) { 60_000 } else { 1_000_000 };
        let limits = Limits { log_events_max: 1000, removals_max: 1000, ..Limits::default() };
        let (mut writer, mut reader) =
            (Replica::with_limits(ReplicaId(1), limits.clone()), Replica::with_limits(ReplicaId(2), limits));
        let x = writer.key(&key(Type::Set));
        writer.keep_journal();
        writer.connected(PEER, Role::Server, ReplicaId(2), 0);
        reader.connected(PEER, Role::Server, ReplicaId(1), 0);
        let mut before = None;
        for round in 0..rounds {
            let dot = writer.write(x, Some(element(7)), &[], None).unwrap();
            writer.write(x, None, &[dot], None).unwrap();
            if round % 500 == 0 {
                writer.flush(0);
                for message in messages(&mut writer) {
                    reader.handle(PEER, &crate::replica::wire::encode(&message), 0);
                }
                outs(&mut reader);
                let state = |of: &Replica| {
                    let caches = of.state.log.is_within(1000) && of.state.removals.is_within(1000);
                    (of.kept(), of.writers(), remembered(of), of.live_entries(), of.state.store.block_count(), caches)
                };
                writer.take_journal();
                let now = (state(&writer), state(&reader));
                let first = before.get_or_insert_with(|| now.clone());
                assert_eq!((&first.0, &first.1), (&now.0, &now.1), "after {round} rounds");
                assert!(now.0.5 && now.1.5, "what may be forgotten is bounded");
            }
        }
        assert_eq!((writer.kept(), writer.live_entries()), (BTreeMap::new(), 0));
        assert_eq!(remembered(&writer).len(), 1, "how far it has counted");
    }

    /// A node that a thousand others have written something to, each taking it back again, and a peer of it.
    fn survivor(limits: &Limits) -> Replica {
        let mut survivor = Replica::with_limits(ReplicaId(1), limits.clone());
        for gone in 0..1000 {
            let id = ReplicaId(u128::from(gone + 7u64).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
            let mut writer = Replica::new(id);
            let x = writer.key(&key(Type::Set));
            writer.connected(PEER, Role::Server, ReplicaId(1), 0);
            survivor.connected(PeerId(100 + gone), Role::Server, id, 0);
            let dot = writer.write(x, Some(element(7)), &[], None).unwrap();
            writer.write(x, None, &[dot], None).unwrap();
            writer.flush(0);
            for message in messages(&mut writer) {
                survivor.handle(PeerId(100 + gone), &crate::replica::wire::encode(&message), 0);
            }
            survivor.lost(PeerId(100 + gone), 0);
            outs(&mut survivor);
        }
        survivor
    }

    #[test]
    fn a_replica_that_is_gone_for_good_costs_32_bytes() {
        let survivor = survivor(&Limits { log_events_max: 0, removals_max: 0, ..Limits::default() });
        let writers = survivor.writers();
        assert_eq!(writers.lanes, 1000);
        assert!(writers.bytes <= 32 * 1000, "{} bytes in memory", writers.bytes);
        assert!(survivor.state.log.is_within(0) && survivor.state.removals.is_within(0));
        assert_eq!((survivor.state.store.block_count(), survivor.kept()), (0, BTreeMap::new()));
        // Where it is written down: a number for each, its identity, and how far it has counted.
        assert_eq!(survivor.whole_journal().count(), 1000);
        // Where it travels.
        let claims: Vec<(Lane, u64)> = survivor.vector().collect();
        let bytes = wire::size(&crate::replica::lanes::Claims(claims));
        assert!(bytes <= 18 * 1000, "{bytes} bytes where all of them are told");
    }

    #[test]
    fn with_a_thousand_replicas_a_change_costs_what_has_changed() {
        let (mut one, mut other) = (survivor(&Limits::default()), Replica::new(ReplicaId(2)));
        let x = one.key(&key(Type::Set));
        one.connected(PEER, Role::Server, ReplicaId(2), 0);
        other.connected(PEER, Role::Server, ReplicaId(1), 0);
        let mut sent = Vec::new();
        for now in 0..20_000u64 {
            if now >= 3000 && now.is_multiple_of(100) {
                one.write(x, Some(element(now.cast_signed())), &[], None).unwrap();
                // The push is lost, so that both have to find out by their vectors.
                one.flush(now);
                one.out.retain(|out| !matches!(out, crate::replica::Out::Broadcast { .. }));
            }
            one.tick(now);
            other.tick(now);
            for (from, to) in [(0, 1), (1, 0)] {
                let both = [&mut one, &mut other];
                for message in messages(both[from]) {
                    let bytes = crate::replica::wire::encode(&message);
                    both[to].handle(PEER, &bytes, now);
                    sent.push((now, bytes.len(), matches!(message, Message::Vector { .. } | Message::Pull { .. })));
                }
            }
        }
        assert!(other.live_entries() > 80, "the vectors have told");
        let whole = sent.iter().filter(|(now, bytes, vector)| *now >= 10_000 && *vector && *bytes > 15_000).count();
        let later: usize = sent.iter().filter(|(now, ..)| *now >= 10_000).map(|(_, bytes, _)| bytes).sum();
        assert_eq!(whole, 0, "once both have heard the other's vector, it is not told whole");
        // Ten seconds with a vector, an answer, a question and what it asked for, each second.
        assert!(later < 10_000, "{later} bytes in ten seconds");
    }
}
