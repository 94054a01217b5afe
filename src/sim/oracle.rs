//! What a node must have, from what was written and from what it says to have seen: nothing that was written gets lost,
//! nothing that was taken back comes back, and nothing is there that nobody wrote.
//!
//! The oracle hears of every update from its author, at the moment of writing, and of nothing else: no message, no merge. A
//! node's vector says which updates it has seen. The live entries among these, by the meaning of an update (it adds its
//! content, and takes back the dots that it names), are what the node has to have, no more and no less.

use std::collections::BTreeMap;
use std::fmt;

use rustc_hash::FxHashMap;

use crate::lattice::dot::Lane;
use crate::lattice::dot::TopicId;
use crate::replica::Damage;
use crate::replica::VariableKey;
use crate::replica::Written;
use crate::value::content::Content;

/// A replica's update by its number.
pub type Dot = (Lane, u64);

/// See the module.
#[derive(Default)]
pub struct Oracle {
    /// By replica, in order of writing.
    lanes: BTreeMap<Lane, Vec<Fact>>,
    keys: BTreeMap<VariableKey, u32>,
    names: Vec<VariableKey>,
    /// What each node said last to have seen.
    seen: BTreeMap<usize, Vec<Dot>>,
}

/// One update.
struct Fact {
    key: u32,
    content: Option<Content>,
    slot: Option<u128>,
    following: u32,
    /// The updates that take it back.
    taken_back_by: Vec<Dot>,
}

/// What a node has that it must not have, or has not and must have.
#[derive(Clone, Debug, PartialEq)]
pub enum Broken {
    /// It has seen less of a replica than it had before.
    Backwards(Dot),
    /// It says to have seen an update that was never made.
    Unwritten(Dot),
    /// A replica wrote an update under a number that it had used before, or left one out.
    Reused(Dot),
    /// It has seen a part of a transaction.
    Half(Dot),
    /// An entry is not there.
    Lost(Dot, Entry),
    /// An entry is there that was taken back.
    Resurrected(Dot, Entry),
    /// An entry is there that the node has not seen.
    Unseen(Dot),
    /// An entry is not what was written.
    Altered(Dot, Entry),
    /// What its journals told is not what it can go on from.
    Damaged(Damage),
}

/// What was written, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    content: String,
    /// Of the variable.
    name: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.content, self.name)
    }
}

impl Broken {
    /// What is wrong with which variable, without the update and its value: that is the same in another run that fails so.
    #[must_use]
    pub fn claim(&self) -> String {
        match self {
            Broken::Backwards(_) => "went back".into(),
            Broken::Unwritten(_) => "seen and never made".into(),
            Broken::Reused(_) => "not its next one".into(),
            Broken::Half(_) => "half a transaction".into(),
            Broken::Lost(_, entry) => format!("lost, of {}", entry.name),
            Broken::Resurrected(_, entry) => format!("taken back, of {}", entry.name),
            Broken::Unseen(_) => "an entry that was not seen".into(),
            Broken::Altered(_, entry) => format!("altered, of {}", entry.name),
            Broken::Damaged(damage) => damage.to_string(),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let update = |dot: &Dot| format!("update {} of {:?}", dot.1, dot.0.replica);
        match self {
            Broken::Backwards(dot) => write!(f, "what it has seen went back: it had seen {}", update(dot)),
            Broken::Unwritten(dot) => write!(f, "it says to have seen {}, which was never made", update(dot)),
            Broken::Reused(dot) => write!(f, "it wrote {}, which is not its next one", update(dot)),
            Broken::Half(dot) => write!(f, "it has seen {} without the rest of its transaction", update(dot)),
            Broken::Lost(dot, what) => write!(f, "it has lost {what}, {}", update(dot)),
            Broken::Resurrected(dot, what) => write!(f, "it has {what}, {}, which was taken back", update(dot)),
            Broken::Unseen(dot) => write!(f, "it has an entry of {}, which it says not to have seen", update(dot)),
            Broken::Altered(dot, what) => write!(f, "its entry of {} is not {what}, as was written", update(dot)),
            Broken::Damaged(damage) => write!(f, "it cannot go on from its data: {damage}"),
        }
    }
}

impl Oracle {
    /// An update was made.
    ///
    /// # Errors
    /// When it is not the replica's next one.
    pub fn wrote(&mut self, written: Written) -> Result<(), Broken> {
        let dot = (written.replica, written.sequence);
        let next = self.lanes.get(&written.replica).map_or(0, Vec::len) as u64 + 1;
        if written.sequence != next {
            return Err(Broken::Reused(dot));
        }
        let known = self.keys.get(&written.key).copied();
        let key = known.unwrap_or_else(|| {
            let key = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            self.names.push(written.key.clone());
            self.keys.insert(written.key.clone(), key);
            key
        });
        for (replica, sequence) in written.removes {
            let place = usize::try_from(sequence.saturating_sub(1)).unwrap_or(usize::MAX);
            let Some(fact) = self.lanes.get_mut(&replica).and_then(|lane| lane.get_mut(place)) else { continue };
            // An update takes back entries of its own variable alone, and rights only their own replica's.
            let rights = fact.content.as_ref().is_some_and(|content| content.rights().is_some());
            if fact.key == key && (replica == dot.0 || !rights) {
                fact.taken_back_by.push(dot);
            }
        }
        let Written { content, slot, following, .. } = written;
        let fact = Fact { key, content, slot, following, taken_back_by: Vec::new() };
        self.lanes.entry(dot.0).or_default().push(fact);
        Ok(())
    }

    /// A node begins anew, with nothing.
    pub fn forgets(&mut self, node: usize) {
        self.seen.remove(&node);
    }

    /// How many updates were made.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.lanes.values().map(|lane| lane.len() as u64).sum()
    }

    /// Holds a node against what was written: its vector, by identity, and its live entries in the same order.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn examine<'a>(
        &mut self,
        node: usize,
        vector: Vec<Dot>,
        entries: impl Iterator<Item = (Dot, &'a VariableKey, &'a Content, Option<u128>)>,
    ) -> Result<(), Broken> {
        let heights: FxHashMap<Lane, u64> = vector.iter().copied().collect();
        let covers = |dot: &Dot| heights.get(&dot.0).is_some_and(|height| *height >= dot.1);
        // A node that gives a topic up has seen nothing of it any longer.
        let went_back = |dot: &&Dot| dot.0.topic == TopicId::NONE && !covers(dot);
        if let Some(before) = self.seen.get(&node).and_then(|seen| seen.iter().find(|dot| went_back(dot))) {
            return Err(Broken::Backwards(*before));
        }
        let mut entries = entries.peekable();
        for &(replica, height) in &vector {
            let lane = self.lanes.get(&replica).map_or(&[][..], Vec::as_slice);
            let seen = usize::try_from(height).ok().and_then(|height| lane.get(..height));
            let seen = seen.ok_or(Broken::Unwritten((replica, height)))?;
            if seen.last().is_some_and(|last| last.following > 0) {
                return Err(Broken::Half((replica, height)));
            }
            for (fact, sequence) in seen.iter().zip(1..) {
                let dot = (replica, sequence);
                let live = fact.content.is_some() && !fact.taken_back_by.iter().any(covers);
                match entries.next_if(|(entry, ..)| *entry == dot) {
                    None if live => return Err(Broken::Lost(dot, self.told(fact))),
                    None => {}
                    Some(_) if !live => return Err(Broken::Resurrected(dot, self.told(fact))),
                    Some((_, key, content, slot)) => {
                        let same = fact.content.as_ref() == Some(content) && fact.slot == slot;
                        if !same || self.names.get(fact.key as usize) != Some(key) {
                            return Err(Broken::Altered(dot, self.told(fact)));
                        }
                    }
                }
            }
        }
        if let Some((dot, ..)) = entries.next() {
            return Err(Broken::Unseen(dot));
        }
        self.seen.insert(node, vector);
        Ok(())
    }

    fn told(&self, fact: &Fact) -> Entry {
        let name = self.names.get(fact.key as usize).map(|key| key.name.plain()).unwrap_or_default();
        let content = fact.content.as_ref().map_or_else(|| "nothing".to_owned(), |content| format!("{content:?}"));
        Entry { content, name }
    }
}

#[cfg(test)]
mod tests {
    use crate::lattice::dot::ReplicaId;
    use crate::value::kind::Type;
    use crate::value::reference::Name;
    use crate::value::term::Term;

    use super::*;

    const A: Lane = Lane { topic: TopicId::NONE, period: 0, replica: ReplicaId(1) };
    const B: Lane = Lane { topic: TopicId::NONE, period: 0, replica: ReplicaId(2) };

    fn key() -> VariableKey {
        VariableKey { name: Name::Given(Term::atom("s")), kind: Type::Set }
    }

    fn content(n: i64) -> Content {
        Content::Element(Term::Int(n))
    }

    fn adds(replica: Lane, sequence: u64, n: i64) -> Written {
        let (key, content) = (key(), Some(content(n)));
        Written { replica, sequence, key, content, slot: None, removes: Vec::new(), following: 0 }
    }

    fn removes(replica: Lane, sequence: u64, removes: Vec<Dot>) -> Written {
        Written { content: None, removes, ..adds(replica, sequence, 0) }
    }

    /// A adds 1 and 2, B removes 1.
    fn oracle() -> Oracle {
        let mut oracle = Oracle::default();
        for written in [adds(A, 1, 1), adds(A, 2, 2), removes(B, 1, vec![(A, 1)])] {
            oracle.wrote(written).expect("in order");
        }
        oracle
    }

    fn look(oracle: &mut Oracle, vector: &[Dot], has: &[(Dot, i64)]) -> Result<(), Broken> {
        let (key, contents) = (key(), has.iter().map(|(dot, n)| (*dot, content(*n))).collect::<Vec<_>>());
        oracle.examine(0, vector.to_vec(), contents.iter().map(|(dot, content)| (*dot, &key, content, None)))
    }

    #[test]
    fn what_a_node_has_to_have_follows_from_what_it_has_seen() {
        assert_eq!(look(&mut oracle(), &[], &[]), Ok(()));
        assert_eq!(look(&mut oracle(), &[(A, 2)], &[((A, 1), 1), ((A, 2), 2)]), Ok(()));
        assert_eq!(look(&mut oracle(), &[(A, 2), (B, 1)], &[((A, 2), 2)]), Ok(()));
    }

    #[test]
    fn a_state_that_lost_a_write_is_found() {
        let lost = look(&mut oracle(), &[(A, 2)], &[((A, 1), 1)]);
        assert!(matches!(lost, Err(Broken::Lost((A, 2), _))), "{lost:?}");
    }

    #[test]
    fn a_write_that_was_taken_back_and_is_there_again_is_found() {
        let back = look(&mut oracle(), &[(A, 2), (B, 1)], &[((A, 1), 1), ((A, 2), 2)]);
        assert!(matches!(back, Err(Broken::Resurrected((A, 1), _))), "{back:?}");
    }

    #[test]
    fn entries_that_nobody_wrote_or_that_are_not_seen_are_found() {
        let altered = look(&mut oracle(), &[(A, 1)], &[((A, 1), 7)]);
        assert!(matches!(altered, Err(Broken::Altered((A, 1), _))), "{altered:?}");
        let unseen = look(&mut oracle(), &[(A, 1)], &[((A, 1), 1), ((A, 2), 2)]);
        assert_eq!(unseen, Err(Broken::Unseen((A, 2))));
        assert_eq!(look(&mut oracle(), &[(A, 3)], &[]), Err(Broken::Unwritten((A, 3))));
        assert_eq!(
            look(&mut oracle(), &[(Lane::plain(ReplicaId(9)), 1)], &[]),
            Err(Broken::Unwritten((Lane::plain(ReplicaId(9)), 1)))
        );
    }

    #[test]
    fn a_vector_that_goes_back_is_found_unless_the_node_began_anew() {
        let mut oracle = oracle();
        assert_eq!(look(&mut oracle, &[(A, 2)], &[((A, 1), 1), ((A, 2), 2)]), Ok(()));
        assert_eq!(look(&mut oracle, &[(A, 1)], &[((A, 1), 1)]), Err(Broken::Backwards((A, 2))));
        oracle.forgets(0);
        assert_eq!(look(&mut oracle, &[(A, 1)], &[((A, 1), 1)]), Ok(()));
    }

    #[test]
    fn half_a_transaction_is_found() {
        let mut oracle = Oracle::default();
        oracle.wrote(Written { following: 1, ..adds(A, 1, 1) }).expect("in order");
        oracle.wrote(adds(A, 2, 2)).expect("in order");
        assert_eq!(look(&mut oracle, &[(A, 1)], &[((A, 1), 1)]), Err(Broken::Half((A, 1))));
        assert_eq!(look(&mut oracle, &[(A, 2)], &[((A, 1), 1), ((A, 2), 2)]), Ok(()));
    }

    #[test]
    fn a_dot_that_is_used_twice_is_found() {
        let mut oracle = oracle();
        assert_eq!(oracle.wrote(adds(A, 2, 3)), Err(Broken::Reused((A, 2))));
    }

    #[test]
    fn rights_go_by_their_own_replica_alone() {
        let rights = crate::value::content::Rights { replica: A.replica.0, ..Default::default() };
        let mut oracle = Oracle::default();
        let written = Written { content: Some(Content::Rights(rights.clone().into())), ..adds(A, 1, 1) };
        oracle.wrote(written).expect("in order");
        oracle.wrote(removes(B, 1, vec![(A, 1)])).expect("in order");
        let (key, content) = (key(), Content::Rights(rights.into()));
        let entries = [((A, 1), &key, &content, None)];
        assert_eq!(oracle.examine(0, vec![(A, 1), (B, 1)], entries.into_iter()), Ok(()));
    }
}
