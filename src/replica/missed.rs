//! What was taken back and has not come.
//!
//! A removal waits for what it removes, as a rule, and that comes: who sends a removal has it. But of a client nobody takes
//! what others have made; when the server is gone from which it had that, its own updates would wait for ever, and all after
//! them. So after a while they are applied, and what they remove is remembered until it comes, if it ever does. What is
//! remembered follows from the updates that are covered, so two nodes with equal vectors remember the same.

use crate::lattice::dot::Dot;
use crate::lattice::dot::ReplicaIndex;
use crate::replica::Change;
use crate::replica::KeyIndex;
use crate::replica::state::State;
use crate::value::content::Content;

impl State {
    /// What updates here take back that has not come.
    pub(crate) fn missed(&self) -> impl Iterator<Item = (Dot, KeyIndex)> {
        self.missed.iter().copied()
    }

    /// Whether an entry that comes was taken back before. Rights go by their own replica's events alone.
    pub(crate) fn is_missed(&self, dot: Dot, key: KeyIndex, content: &Content) -> bool {
        !self.missed.is_empty() && content.rights().is_none() && self.missed.contains(&(dot, key))
    }

    /// Remembers a removal of what has not come, or forgets it.
    pub(crate) fn note_missed(&mut self, dot: Dot, key: KeyIndex, missed: bool) {
        let news = if missed { self.missed.insert((dot, key)) } else { self.missed.remove(&(dot, key)) };
        if let Some(journal) = self.journal.as_mut().filter(|_| news) {
            journal.miss(dot, key);
        }
    }

    /// What was missed of a replica is there, up to this number.
    pub(crate) fn forget_missed(&mut self, replica: ReplicaIndex, sequence: u64) {
        while !self.missed.is_empty() {
            let Some(first) = Dot::new(replica, 1) else { return };
            let come = self.missed.range((first, KeyIndex(0))..).next().copied();
            match come.filter(|(dot, _)| dot.replica() == replica && dot.sequence() <= sequence) {
                Some((dot, key)) => self.note_missed(dot, key, false),
                None => return,
            }
        }
    }

    /// Takes over what another node misses.
    pub(crate) fn merge_missed(&mut self, missed: &[(Dot, KeyIndex)], changes: &mut Vec<Change>) {
        for &(dot, key) in missed {
            if !self.vector().covers(dot) {
                self.note_missed(dot, key, true);
            } else if self.store.get(dot).is_some_and(|entry| entry.key == key && entry.content.rights().is_none()) {
                self.remove(dot, Some(&mut *changes));
            }
        }
    }
}
