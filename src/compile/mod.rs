//! From program text to code.
//!
//! Knows the tree of the checker and the operations of the machine, and runs nothing.

mod assertion;
mod builder;
mod comprehension;
mod equality;
mod expression;
mod function;
mod operator;
mod pattern;
mod session;
mod skeleton;

pub use function::generate;
pub use session::Session;
