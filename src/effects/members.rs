//! Which servers decide. The cluster's authority signs the list; the edge has checked the signature before it gets here.

use serde::Deserialize;
use serde::Serialize;

use crate::effects::NodeId;

/// The most servers that decide together. More make it slower, not safer.
pub const MEMBERS_MAX: usize = 9;
/// The most addresses of one of them, and the most bytes of an address or a name.
const ADDRESSES_MAX: usize = 8;
/// See [`ADDRESSES_MAX`].
const TEXT_BYTES_MAX: usize = 256;

/// A server that decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// What it is called, for people.
    pub name: String,
    /// Where it can be reached.
    pub addresses: Vec<String>,
}

/// The list of servers that decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deciders {
    /// Which list of this cluster it is, from 1. Those who decide go over to a newer one by deciding so.
    pub version: u64,
    /// Who decided in the beginning, on list 1.
    pub founders: Vec<Member>,
    /// Who is to decide.
    pub members: Vec<Member>,
}

/// What is wrong with a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMembers {
    /// None, or too many.
    #[error("1 to {MEMBERS_MAX} servers decide, and these are {0}")]
    Count(usize),
    /// The same server twice.
    #[error("`{0}` is named twice")]
    Twice(String),
    /// A text or a number of addresses is beyond its bound.
    #[error("`{0}` has a name or addresses that are too long")]
    TooLong(String),
    /// Bytes that are no list.
    #[error("it does not read as a list")]
    Malformed,
}

impl Deciders {
    /// The first list.
    ///
    /// # Errors
    /// As [`Deciders::check`].
    pub fn first(members: Vec<Member>) -> Result<Deciders, BadMembers> {
        Deciders { version: 1, founders: members.clone(), members }.checked()
    }

    /// The list after this one, with a version that may follow a clock: one that was made by a copy of the authority is not taken for
    /// another.
    ///
    /// # Errors
    /// As [`Deciders::check`].
    pub fn next(&self, members: Vec<Member>, at_least: u64) -> Result<Deciders, BadMembers> {
        let version = self.version.saturating_add(1).max(at_least);
        Deciders { version, founders: self.founders.clone(), members }.checked()
    }

    /// Whether it is a newer list of the same group.
    #[must_use]
    pub fn follows(&self, before: &Deciders) -> bool {
        self.version > before.version && self.group() == before.group()
    }

    fn checked(self) -> Result<Deciders, BadMembers> {
        self.check()?;
        Ok(self)
    }

    /// Whether it is a list that can be worked with.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), BadMembers> {
        for members in [&self.founders, &self.members] {
            if members.is_empty() || members.len() > MEMBERS_MAX {
                return Err(BadMembers::Count(members.len()));
            }
            let mut numbers = Vec::new();
            for member in members {
                let long = |text: &String| text.len() > TEXT_BYTES_MAX;
                if long(&member.name) || member.addresses.len() > ADDRESSES_MAX || member.addresses.iter().any(long) {
                    return Err(BadMembers::TooLong(member.name.chars().take(32).collect()));
                }
                if member.node.0 == 0 || numbers.contains(&member.node.0) {
                    return Err(BadMembers::Twice(member.name.clone()));
                }
                numbers.push(member.node.0);
            }
        }
        Ok(())
    }

    /// As bytes, to be signed and kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory fails only for a sequence of unknown length, and there is none.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Out of such bytes.
    ///
    /// # Errors
    /// When they are no list, or one that does not hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Deciders, BadMembers> {
        match postcard::take_from_bytes::<Deciders>(bytes) {
            Ok((list, [])) => list.checked(),
            _ => Err(BadMembers::Malformed),
        }
    }

    /// Those who founded it together: others do not take part in what they decide.
    pub(super) fn group(&self) -> u128 {
        let mut nodes: Vec<NodeId> = self.founders.iter().map(|member| member.node).collect();
        nodes.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key("lasp 2026 deciding servers");
        for node in nodes {
            hasher.update(&node.0.to_be_bytes());
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        u128::from_be_bytes(short)
    }

    /// Whether a node is on the list.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.members.iter().any(|member| member.node == node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(node: u64) -> Member {
        Member { node: NodeId(node), name: format!("n{node}"), addresses: vec!["127.0.0.1:1".into()] }
    }

    #[test]
    fn a_list_that_cannot_be_worked_with_is_refused() {
        assert_eq!(Deciders::first(Vec::new()), Err(BadMembers::Count(0)));
        assert_eq!(Deciders::first((1..=10).map(member).collect()), Err(BadMembers::Count(10)));
        assert_eq!(Deciders::first(vec![member(1), member(1)]), Err(BadMembers::Twice("n1".into())));
        let long = Member { addresses: vec!["a".repeat(300)], ..member(1) };
        assert_eq!(Deciders::first(vec![long]), Err(BadMembers::TooLong("n1".into())));
        let list = Deciders::first(vec![member(1), member(2)]).expect("a list");
        let mut bytes = list.to_bytes();
        assert_eq!(Deciders::from_bytes(&bytes), Ok(list.clone()));
        bytes.push(0);
        assert_eq!(Deciders::from_bytes(&bytes), Err(BadMembers::Malformed));
        let next = list.next(vec![member(2), member(3)], 0).expect("a list");
        assert_eq!((next.version, next.group()), (2, list.group()), "a group goes on under its next list");
    }
}
