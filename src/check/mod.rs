//! Tree to checked program: names and arities resolved, patterns made of what was parsed as expressions.

pub mod core;
