//! Lasp: programs over replicated data that need no coordination and always agree in the end.
//!
//! The floors, bottom up. A module imports only from floors beneath its own; `tests/house.rs` holds that.

// F0: know no language.
pub mod lattice;
pub mod overlay;
pub mod source;
// F1: text to tree, and the nouns.
pub mod syntax;
pub mod value;
// F2: what both halves share.
pub mod graph;
pub mod library;
pub mod sql;
// F3: the halves.
pub mod check;
pub mod effects;
pub mod engine;
pub mod replica;
#[expect(
    clippy::inline_always,
    clippy::unnecessary_box_returns,
    reason = "the hot loop, measured; what is forgotten owns nothing"
)]
pub mod vm;
// F4: text to code, and what timing can change.
pub mod compile;
pub mod coordination;
// F5: one node.
pub mod node;
// F6: many nodes in virtual time.
pub mod sim;
// F6, the edge: reads clocks, files and sockets.
#[expect(clippy::disallowed_methods, reason = "the edge: files, terminal, the clock, the environment")]
pub mod cli;
#[expect(clippy::disallowed_methods, reason = "the edge: sockets, files of keys and real time")]
pub mod net;
#[expect(clippy::disallowed_methods, reason = "the edge: files of data")]
pub mod store;
