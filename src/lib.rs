//! Lasp: programs over replicated data that need no coordination and always agree in the end.
//!
//! The floors, bottom up. A module imports only from floors beneath its own; `tests/house.rs` holds that.

// F0: know no language.
pub mod lattice;
pub mod source;
// F1: text to tree.
pub mod syntax;
// F1: the nouns.
pub mod value;
// F2
pub mod library;
// F3
pub mod check;
pub mod vm;
// F4
pub mod compile;
