//! The dataflow graph: variables, and the derivations between them. It says what may be built and in which order it is kept
//! up to date; it holds no values.
//!
//! Knows no syntax, no machine (a function is a term) and no peer.

mod derivation;
mod error;
mod order;
pub mod rules;
mod variables;

pub use derivation::Derivation;
pub use derivation::DerivationId;
pub use derivation::Operator;
pub use derivation::Side;
pub use error::GraphError;
pub use variables::Graph;
pub use variables::VariableId;
