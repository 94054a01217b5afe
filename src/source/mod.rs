//! Where text came from, and how to speak about it. Knows no language.

pub mod codes;
pub mod diagnostic;
pub mod files;
mod plain;
pub mod render;
pub mod span;
