//! The nouns that the front half and the back half share: terms, types of variables, references, contents.
//!
//! Knows no syntax, no graph, no peer.

pub mod atom;
pub mod codec;
pub mod content;
pub mod contribution;
pub mod kind;
pub mod map;
mod nesting;
pub mod operation;
mod order;
pub mod reference;
pub mod term;
mod text;
pub mod threshold;

pub use order::by_value;
pub use order::compare;
pub use text::RESERVED;
