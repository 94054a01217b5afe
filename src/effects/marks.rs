//! What a node's disk says of the effects that it has started itself: which are not over, and which have ended, as long as those who
//! decide may not know that. So neither the start nor the end is forgotten with the process that told of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::effects::Damaged;
use crate::effects::ENDED;
use crate::effects::EffectKey;
use crate::effects::Ended;
use crate::effects::Put;
use crate::effects::Row;
use crate::effects::STARTED;
use crate::effects::row_about;
use crate::effects::row_key;

/// See the module. What changes is given as rows to be written.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    started: BTreeMap<EffectKey, u32>,
    ended: BTreeSet<EffectKey>,
}

impl Marks {
    /// What the rows of an earlier life say, and which effects had ended there.
    ///
    /// # Errors
    /// When one of them means nothing.
    pub fn restored(rows: &[Row]) -> Result<(Marks, Vec<Ended>), Damaged> {
        let (mut marks, mut over) = (Marks::default(), Vec::new());
        for (key, value) in rows {
            match row_about(key) {
                Some((STARTED, key)) => {
                    marks.started.insert(key, postcard::from_bytes(value).map_err(|_| Damaged)?);
                }
                Some((ENDED, key)) => {
                    let (life, attempt, well) = postcard::from_bytes(value).map_err(|_| Damaged)?;
                    marks.ended.insert(key);
                    over.push(Ended { key, life, attempt, well });
                }
                _ => {}
            }
        }
        Ok((marks, over))
    }

    /// What was started and is not over, each with its attempt.
    pub fn started(&self) -> impl Iterator<Item = (EffectKey, u32)> {
        self.started.iter().map(|(key, attempt)| (*key, *attempt))
    }

    /// An effect is started here.
    pub fn start(&mut self, key: EffectKey, attempt: u32, puts: &mut Vec<Put>) {
        self.started.insert(key, attempt);
        puts.push(Put { key: row_key(STARTED, key), value: postcard::to_allocvec(&attempt).ok() });
    }

    /// It has ended, which those who decide are still to be told.
    pub fn end(&mut self, Ended { key, life, attempt, well }: Ended, puts: &mut Vec<Put>) {
        self.started.remove(&key);
        self.ended.insert(key);
        puts.push(Put { key: row_key(STARTED, key), value: None });
        puts.push(Put { key: row_key(ENDED, key), value: postcard::to_allocvec(&(life, attempt, well)).ok() });
    }

    /// What became of it is decided, whoever ran it last.
    pub fn settle(&mut self, key: EffectKey, puts: &mut Vec<Put>) {
        if self.started.remove(&key).is_some() {
            puts.push(Put { key: row_key(STARTED, key), value: None });
        }
        if self.ended.remove(&key) {
            puts.push(Put { key: row_key(ENDED, key), value: None });
        }
    }
}
