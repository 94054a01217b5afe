//! How far those who decide have come.
//!
//! One who decides counts the changes of what it has decided and promised, each start included, in the same transaction as they. A
//! server that is put back to an earlier state of its disk counts less than it did, and can decide again what it decided meanwhile.
//! Its own disk cannot tell; whoever heard of a higher count can. So each is told before anything that follows from a change, and
//! remembers.

use std::collections::BTreeMap;

use crate::effects::COUNT;
use crate::effects::Damaged;
use crate::effects::HEARD;
use crate::effects::NodeId;
use crate::effects::Put;
use crate::effects::Row;

/// The count that is kept, 0 if there is none.
///
/// # Errors
/// When the row means nothing.
pub fn counted(rows: &[Row]) -> Result<u64, Damaged> {
    let Some((_, value)) = rows.iter().find(|(key, _)| key == COUNT) else { return Ok(0) };
    postcard::from_bytes(value).map_err(|_| Damaged)
}

/// The row that says it.
#[must_use]
pub fn count(count: u64) -> Put {
    Put { key: COUNT.to_vec(), value: postcard::to_allocvec(&count).ok() }
}

/// What the count is from now on, if these changes are of it.
#[must_use]
pub fn count_in(puts: &[Put]) -> Option<u64> {
    let put = puts.iter().rfind(|put| put.key == COUNT)?;
    postcard::from_bytes(put.value.as_ref()?).ok()
}

/// What a node has heard of the counts of others.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    counts: BTreeMap<NodeId, u64>,
}

impl Heard {
    /// What the rows of an earlier life say.
    ///
    /// # Errors
    /// When one of them means nothing.
    pub fn restored(rows: &[Row]) -> Result<Heard, Damaged> {
        let mut heard = Heard::default();
        for (key, value) in rows {
            if let Some((&HEARD, node)) = key.split_first() {
                let node = NodeId(u64::from_be_bytes(node.try_into().map_err(|_| Damaged)?));
                heard.counts.insert(node, postcard::from_bytes(value).map_err(|_| Damaged)?);
            }
        }
        Ok(heard)
    }

    /// The highest count that was heard of a node.
    #[must_use]
    pub fn of(&self, node: NodeId) -> u64 {
        self.counts.get(&node).copied().unwrap_or(0)
    }

    /// A node says how far it has come. Gives the row to be kept, if that is further than was heard before.
    pub fn note(&mut self, node: NodeId, count: u64) -> Option<Put> {
        if count <= self.of(node) {
            return None;
        }
        self.counts.insert(node, count);
        let mut key = vec![HEARD];
        key.extend(node.0.to_be_bytes());
        Some(Put { key, value: postcard::to_allocvec(&count).ok() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(put: Put) -> Row {
        (put.key, put.value.expect("a value"))
    }

    #[test]
    fn the_highest_count_that_was_heard_is_remembered_over_a_restart() {
        let mut heard = Heard::default();
        let first = heard.note(NodeId(7), 300).expect("news");
        assert_eq!((heard.note(NodeId(7), 300), heard.note(NodeId(7), 20), heard.of(NodeId(7))), (None, None, 300));
        let second = heard.note(NodeId(7), 301).expect("news");
        assert_eq!(first.key, second.key, "one row for each node");
        let again = Heard::restored(&[row(second), row(count(5))]).expect("sound");
        assert_eq!((again.of(NodeId(7)), again.of(NodeId(8))), (301, 0));
        assert!(Heard::restored(&[(vec![HEARD, 1], vec![1])]).is_err());
    }

    #[test]
    fn the_own_count_is_found_in_rows_and_in_changes() {
        assert_eq!((counted(&[]).ok(), counted(&[row(count(300))]).ok()), (Some(0), Some(300)));
        assert!(counted(&[(COUNT.to_vec(), Vec::new())]).is_err());
        let other = Put { key: vec![HEARD], value: Some(vec![1]) };
        assert_eq!((count_in(std::slice::from_ref(&other)), count_in(&[count(8), other])), (None, Some(8)));
    }
}
