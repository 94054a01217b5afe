//! Map terms: sorted by key, shared, and cheap to change in part.
//!
//! A small map is a sorted vector, since most maps are records of a few keys; a larger one is a persistent tree, so that
//! `M#{K => V}` costs the depth of the tree and not the size of the map.

use std::hash::{Hash, Hasher};
use std::mem;

use rpds::RedBlackTreeMapSync;

use crate::value::term::Shape;
use crate::value::term::Term;

/// The most entries that are kept in a vector.
const FLAT_MAX: usize = 24;

/// A map from terms to terms, in the order of its keys.
#[derive(Clone, Default)]
pub struct Map {
    entries: Entries,
    /// How deep the deepest key or value ever put in was nested, plus one.
    depth: u32,
    /// The sum of [`Term::parts`] of the keys and values that are in it.
    parts: u64,
}

#[derive(Clone)]
enum Entries {
    Flat(Vec<(Term, Term)>),
    Tree(RedBlackTreeMapSync<Term, Term>),
}

impl Default for Entries {
    fn default() -> Entries {
        Entries::Flat(Vec::new())
    }
}

impl Map {
    /// The empty map.
    #[must_use]
    pub fn new() -> Map {
        Map { entries: Entries::default(), depth: 1, parts: 0 }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Flat(entries) => entries.len(),
            Entries::Tree(tree) => tree.size(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// See [`Term::depth`].
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth.max(1)
    }

    pub(super) fn shape(&self) -> Shape {
        Shape { depth: self.depth(), parts: u32::try_from(self.parts + 1).unwrap_or(u32::MAX) }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &Term) -> Option<&Term> {
        match &self.entries {
            Entries::Flat(entries) => {
                entries.binary_search_by(|(known, _)| known.cmp(key)).ok().map(|at| &entries[at].1)
            }
            Entries::Tree(tree) => tree.get(key),
        }
    }

    /// Puts `value` under `key`, in place of what was there.
    pub fn insert(&mut self, key: Term, value: Term) {
        self.depth = self.depth.max(1 + key.depth().max(value.depth()));
        self.parts += entry_parts(&key, &value);
        match &mut self.entries {
            Entries::Flat(entries) => match entries.binary_search_by(|(known, _)| known.cmp(&key)) {
                Ok(at) => {
                    let old = mem::replace(&mut entries[at].1, value);
                    self.parts -= entry_parts(&key, &old);
                }
                Err(at) if entries.len() < FLAT_MAX => entries.insert(at, (key, value)),
                Err(_) => {
                    let mut tree: RedBlackTreeMapSync<Term, Term> = entries.drain(..).collect();
                    tree.insert_mut(key, value);
                    self.entries = Entries::Tree(tree);
                }
            },
            Entries::Tree(tree) => {
                if let Some(old) = tree.get(&key) {
                    self.parts -= entry_parts(&key, old);
                }
                tree.insert_mut(key, value);
            }
        }
    }

    /// Takes `key` out; says whether it was there.
    pub fn remove(&mut self, key: &Term) -> bool {
        match &mut self.entries {
            Entries::Flat(entries) => match entries.binary_search_by(|(known, _)| known.cmp(key)) {
                Ok(at) => {
                    let (key, old) = entries.remove(at);
                    self.parts -= entry_parts(&key, &old);
                    true
                }
                Err(_) => false,
            },
            Entries::Tree(tree) => {
                if let Some(old) = tree.get(key) {
                    self.parts -= entry_parts(key, old);
                }
                tree.remove_mut(key)
            }
        }
    }

    /// The entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Term, &Term)> {
        let (flat, tree) = match &self.entries {
            Entries::Flat(entries) => (Some(entries.iter().map(|(key, value)| (key, value))), None),
            Entries::Tree(tree) => (None, Some(tree.iter())),
        };
        flat.into_iter().flatten().chain(tree.into_iter().flatten())
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Term> {
        self.iter().map(|(key, _)| key)
    }
}

fn entry_parts(key: &Term, value: &Term) -> u64 {
    u64::from(key.parts()) + u64::from(value.parts())
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Map {}

impl Hash for Map {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        for (key, value) in self.iter() {
            key.hash(state);
            value.hash(state);
        }
    }
}

impl FromIterator<(Term, Term)> for Map {
    fn from_iter<I: IntoIterator<Item = (Term, Term)>>(entries: I) -> Map {
        let mut map = Map::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}
