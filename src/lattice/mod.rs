//! What merges: dots, version vectors, causal stores, sums, rankings, and the laws that they obey. Knows no language.

pub mod dot;
pub mod laws;
pub mod multiset;
pub mod ranking;
pub mod sketch;
pub mod store;
pub mod sum;
pub mod vector;
