//! Atoms: names that are values. Interned once for the process, so that comparing two is comparing two addresses.
//!
//! The table only grows, and a peer can choose what goes into it; it is therefore bounded ([`ATOMS_MAX`]), as is the
//! length of one atom. Identities never reach an output: atoms are ordered, hashed for the wire and printed by their text.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, RwLock};

use rustc_hash::FxHashMap;

/// The most atoms that one process may intern.
pub const ATOMS_MAX: usize = 1 << 20;
/// The most bytes that an atom's text may have.
pub const ATOM_BYTES_MAX: usize = 1020;

/// An interned name. Eight bytes, copied freely.
#[derive(Clone, Copy)]
pub struct Atom(&'static Entry);

struct Entry {
    text: Box<str>,
    hash: u64,
}

static TABLE: LazyLock<RwLock<FxHashMap<&'static str, Atom>>> = LazyLock::new(|| RwLock::new(FxHashMap::default()));

/// Why a text cannot become an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AtomError {
    /// The text is longer than [`ATOM_BYTES_MAX`].
    #[error("an atom has at most {ATOM_BYTES_MAX} bytes")]
    TooLong,
    /// [`ATOMS_MAX`] atoms exist already.
    #[error("there are {ATOMS_MAX} atoms already, which is the limit")]
    TableFull,
}

impl Atom {
    /// Interns `text`.
    ///
    /// # Errors
    /// When the text is too long or the table is full.
    pub fn new(text: &str) -> Result<Atom, AtomError> {
        if text.len() > ATOM_BYTES_MAX {
            return Err(AtomError::TooLong);
        }
        if let Some(&atom) = read().get(text) {
            return Ok(atom);
        }
        let mut table = TABLE.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(&atom) = table.get(text) {
            return Ok(atom);
        }
        if table.len() >= ATOMS_MAX {
            return Err(AtomError::TableFull);
        }
        let entry: &'static Entry = Box::leak(Box::new(Entry { text: text.into(), hash: fingerprint(text) }));
        table.insert(&entry.text, Atom(entry));
        Ok(Atom(entry))
    }

    /// An atom that the implementation itself names; falls back to `undefined` should the table be full.
    #[must_use]
    pub fn known(text: &'static str) -> Atom {
        Atom::new(text).unwrap_or_else(|_| *FALLBACK)
    }

    /// The text.
    #[must_use]
    pub fn text(self) -> &'static str {
        &self.0.text
    }
}

/// Made before the first atom of any program, so that it exists even when the table is full.
static FALLBACK: LazyLock<Atom> = LazyLock::new(|| {
    let entry: &'static Entry = Box::leak(Box::new(Entry { text: "undefined".into(), hash: fingerprint("undefined") }));
    Atom(entry)
});

fn read() -> std::sync::RwLockReadGuard<'static, FxHashMap<&'static str, Atom>> {
    TABLE.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}

impl PartialEq for Atom {
    fn eq(&self, other: &Atom) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Atom {}

impl Hash for Atom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Atom) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Atom {
    fn cmp(&self, other: &Atom) -> Ordering {
        if self == other { Ordering::Equal } else { self.text().cmp(other.text()) }
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
